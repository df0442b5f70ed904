#include "sched/meter/kernel.h"

#include "base/check.h"

#include <string.h>

static const struct meter_row rows[METER_KERNEL_COUNT] = {
#define X(id, name, class, unit, weight, one, all)                             \
    [id] = {name, class, unit, weight, {one, all}},
    METER_MAP(X)
#undef X
};

static const char *const classes[METER_CLASS_COUNT] = {
    [METER_LOGIC] = "logic",     [METER_PARALLEL] = "parallel",
    [METER_NEURAL] = "neural",   [METER_MEMORY] = "memory",
    [METER_STORAGE] = "storage", [METER_NETWORK] = "network",
};

_Static_assert(METER_CHASE + 1 == METER_SCALING_COUNT &&
                   METER_DISK == METER_SCALING_COUNT,
               "those that scale come first");

const struct meter_row *meter_row(enum meter_kernel kernel)
{
    CHECK((unsigned)kernel < METER_KERNEL_COUNT);
    return &rows[kernel];
}

const char *meter_class_name(enum meter_class class)
{
    return (unsigned)class < METER_CLASS_COUNT ? classes[class] : "?";
}

enum err meter_class_parse(const char *name, enum meter_class *out_class)
{
    for (unsigned i = 0; i < METER_CLASS_COUNT; i++) {
        if (strcmp(name, classes[i]) == 0) {
            *out_class = (enum meter_class)i;
            return OK;
        }
    }
    return ERR_PARSE;
}

enum err meter_kernel_parse(const char *name, enum meter_kernel *out_kernel)
{
    for (unsigned i = 0; i < METER_KERNEL_COUNT; i++) {
        if (strcmp(name, rows[i].name) == 0) {
            *out_kernel = (enum meter_kernel)i;
            return OK;
        }
    }
    return ERR_PARSE;
}
