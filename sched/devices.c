#include "sched/devices_machine.h"

#include <string.h>

#include "base/check.h"

static const char *const kind_names[] = {
    [DEVICE_GPU] = "gpu",
    [DEVICE_NPU] = "npu",
    [DEVICE_FPGA] = "fpga",
    [DEVICE_P4] = "p4",
};
#define KIND_COUNT (sizeof(kind_names) / sizeof(kind_names[0]))

static bool kind_known(enum device_kind kind)
{
    return (size_t)kind >= 1 && (size_t)kind < KIND_COUNT;
}

const char *device_kind_text(enum device_kind kind)
{
    return kind_known(kind) ? kind_names[kind] : "?";
}

enum err device_kind_parse(const char *text, enum device_kind *out)
{
    for (size_t i = 1; i < KIND_COUNT; i++) {
        if (strcmp(text, kind_names[i]) == 0) {
            *out = (enum device_kind)i;
            return OK;
        }
    }
    return ERR_PARSE;
}

bool device_name_ok(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strnlen(name, LIMIT_NAME);
    return len > 0 && len < LIMIT_NAME && strspn(name, allowed) == len;
}

/* ---- offers ---- */

uint32_t devices_count(const struct devices *devices)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < devices->group_count; i++)
        count += devices->groups[i].count;
    return count;
}

static bool group_ok(const struct device_group *group)
{
    return kind_known(group->kind) && group->count >= 1 &&
           group->count <= MACHINE_DEVICES_MAX &&
           (group->model[0] == '\0' || device_name_ok(group->model));
}

static bool groups_alike(const struct device_group *a,
                         const struct device_group *b)
{
    return a->kind == b->kind && a->mem_mib == b->mem_mib &&
           strcmp(a->model, b->model) == 0;
}

static bool groups_ok(const struct devices *devices)
{
    for (uint32_t i = 0; i < devices->group_count; i++) {
        if (!group_ok(&devices->groups[i]))
            return false;
        for (uint32_t k = 0; k < i; k++) {
            if (groups_alike(&devices->groups[i], &devices->groups[k]))
                return false;
        }
    }
    return true;
}

enum err devices_form(const struct devices *devices)
{
    uint32_t count;
    if (devices->group_count > DEVICE_GROUPS_MAX || !groups_ok(devices))
        return ERR_RANGE;
    count = devices_count(devices);
    if (count > MACHINE_DEVICES_MAX)
        return ERR_RANGE;
    for (uint32_t i = 0; i < MACHINE_DEVICES_MAX; i++) {
        if (devices->free_milli[i] > (i < count ? DEVICE_MILLI : 0))
            return ERR_RANGE;
    }
    return OK;
}

uint32_t devices_group_of(const struct devices *devices, uint32_t device)
{
    uint32_t group = 0;
    CHECK(device < devices_count(devices));
    while (device >= devices->groups[group].count)
        device -= devices->groups[group++].count;
    return group;
}

uint32_t devices_mask(const struct devices *devices, uint32_t group)
{
    uint32_t first = 0;
    CHECK(group < devices->group_count);
    for (uint32_t i = 0; i < group; i++)
        first += devices->groups[i].count;
    return ((UINT32_C(1) << devices->groups[group].count) - 1) << first;
}

void devices_all_free(struct devices *devices)
{
    uint32_t count = devices_count(devices);
    CHECK(count <= MACHINE_DEVICES_MAX);
    for (uint32_t i = 0; i < count; i++)
        devices->free_milli[i] = DEVICE_MILLI;
}

bool devices_same(const struct devices *a, const struct devices *b)
{
    if (a->group_count != b->group_count)
        return false;
    for (uint32_t i = 0; i < a->group_count; i++) {
        const struct device_group *x = &a->groups[i];
        const struct device_group *y = &b->groups[i];
        if (!groups_alike(x, y) || x->count != y->count ||
            amount_cmp(x->hour, y->hour) != 0)
            return false;
    }
    return true;
}

void devices_encode(const struct devices *devices, struct buf *out)
{
    const uint16_t *is_free = devices->free_milli;
    mp_put_array(out, devices->group_count);
    for (uint32_t i = 0; i < devices->group_count; i++) {
        const struct device_group *group = &devices->groups[i];
        mp_put_array(out, 6);
        mp_put_uint(out, group->kind);
        mp_put_str(out, group->model);
        mp_put_uint(out, group->count);
        mp_put_uint(out, group->mem_mib);
        mp_put_amount(out, group->hour);
        mp_put_array(out, group->count);
        for (uint32_t k = 0; k < group->count; k++)
            mp_put_uint(out, *is_free++);
    }
}

/* Returns how many devices it has; 0 when the reader failed. */
static uint32_t group_get(struct mp_reader *reader, struct device_group *group,
                          uint16_t *out_free, uint32_t room)
{
    mp_enter_exact(reader, 6);
    group->kind = (enum device_kind)mp_get_uint_max(reader, DEVICE_P4);
    mp_get_text(reader, group->model, sizeof(group->model));
    group->count = (uint32_t)mp_get_uint_max(reader, room);
    group->mem_mib = mp_get_uint(reader);
    group->hour = mp_get_amount(reader);
    mp_enter_exact(reader, group->count);
    for (uint32_t i = 0; i < group->count && reader->err == OK; i++)
        out_free[i] = (uint16_t)mp_get_uint_max(reader, DEVICE_MILLI);
    mp_leave(reader);
    mp_leave(reader);
    return reader->err == OK ? group->count : 0;
}

void devices_decode(struct mp_reader *reader, struct devices *out)
{
    struct devices devices;
    uint32_t count = mp_enter(reader);
    uint32_t used = 0;
    memset(&devices, 0, sizeof(devices));
    if (count > DEVICE_GROUPS_MAX)
        mp_fail(reader, ERR_RANGE);
    for (uint32_t i = 0; i < count && reader->err == OK; i++)
        used += group_get(reader, &devices.groups[i], &devices.free_milli[used],
                          MACHINE_DEVICES_MAX - used);
    mp_leave(reader);
    devices.group_count = count;
    if (reader->err == OK && devices_form(&devices) != OK)
        mp_fail(reader, ERR_RANGE);
    if (reader->err == OK)
        *out = devices;
}

/* ---- may it run here? ---- */

static bool model_allowed(const struct device_group *group,
                          const struct device_wish *wish)
{
    if (group->kind != wish->kind)
        return false;
    for (uint32_t i = 0; i < wish->model_count; i++) {
        if (strcmp(group->model, wish->models[i]) == 0)
            return true;
    }
    return wish->model_count == 0;
}

bool device_group_allows(const struct device_group *group,
                         const struct device_wish *wish)
{
    return model_allowed(group, wish) && group->mem_mib >= wish->mem_mib;
}

void devices_machine(const struct devices *devices,
                     const struct resources *total,
                     const struct resources *free, struct machine *out)
{
    uint32_t device = 0;
    memset(out, 0, sizeof(*out));
    out->total = *total;
    out->free = *free;
    out->device_count = devices_count(devices);
    CHECK(out->device_count <= MACHINE_DEVICES_MAX);
    for (uint32_t i = 0; i < devices->group_count; i++) {
        for (uint32_t k = 0; k < devices->groups[i].count; k++, device++)
            out->devices[device] =
                (struct device){devices->free_milli[device], (uint8_t)(i + 1)};
    }
}

void device_wish_ask(const struct device_wish *wish,
                     const struct resources *want, uint32_t group,
                     struct ask *out)
{
    CHECK(wish->count == 0 || group < DEVICE_GROUPS_MAX);
    *out = (struct ask){.want = *want, .arch = ARCH_ANY};
    if (wish->count == 0)
        return;
    out->models = model_bit(group + 1);
    out->devices = (uint16_t)wish->count;
    out->milli = (uint16_t)wish->milli;
}

/* What keeps the wish out of a group of an allowed model. */
static enum reason group_reason(const struct machine *machine,
                                const struct device_group *group,
                                const struct ask *ask, uint64_t mem_mib)
{
    uint32_t misses;
    if (group->mem_mib < mem_mib)
        return REASON_DEVICE_MEM;
    misses = machine_misses(machine, ask);
    if (misses & miss_bit(MISS_DEVICE_TOTAL))
        return REASON_DEVICE_TOTAL;
    if (misses & miss_bit(MISS_DEVICE_FREE))
        return REASON_DEVICE_FREE;
    return misses & miss_bit(MISS_DEVICE_SPLIT) ? REASON_DEVICE_SPLIT
                                                : REASON_NONE;
}

static void set_figures(const struct devices *devices,
                        const struct machine *machine,
                        const struct device_wish *wish, const struct ask *ask,
                        struct devices_verdict *v)
{
    const struct device_group *group = &devices->groups[v->group];
    v->want = wish->count;
    if (v->reason == REASON_DEVICE_MEM) {
        v->want = wish->mem_mib;
        v->have = group->mem_mib;
    } else if (v->reason == REASON_DEVICE_TOTAL) {
        v->have = group->count;
    } else if (v->reason == REASON_DEVICE_SPLIT) {
        v->have = (uint64_t)__builtin_popcount(machine_eligible(machine, ask));
    } else {
        v->want = v->reason == REASON_NONE ? 0 : ask_milli(ask);
        for (uint32_t left = devices_mask(devices, v->group);
             v->reason != REASON_NONE && left != 0; left &= left - 1)
            v->have += machine->devices[__builtin_ctz(left)].free_milli;
    }
}

/* Is this group a better pick than the one so far? */
static bool is_better(const struct devices *devices,
                      const struct devices_verdict *so_far, enum reason reason,
                      uint32_t group)
{
    uint32_t rank = reason_rank(reason); /* NONE: behind all */
    uint32_t best = reason_rank(so_far->reason);
    if (so_far->group == DEVICES_NO_GROUP)
        return true;
    if (rank != best)
        return rank > best;
    return amount_cmp(devices->groups[group].hour,
                      devices->groups[so_far->group].hour) < 0;
}

void devices_check(const struct devices *devices,
                   const struct device_wish *wish, struct devices_verdict *out)
{
    static const struct resources nothing;
    struct devices_verdict v = {.reason = REASON_DEVICE_KIND,
                                .group = DEVICES_NO_GROUP};
    struct machine machine;
    struct ask ask;
    CHECK(wish->count > 0);
    devices_machine(devices, &nothing, &nothing, &machine);
    for (uint32_t i = 0; i < devices->group_count; i++) {
        const struct device_group *group = &devices->groups[i];
        enum reason reason;
        if (!model_allowed(group, wish)) {
            if (group->kind == wish->kind && v.group == DEVICES_NO_GROUP)
                v.reason = REASON_DEVICE_MODEL;
            continue;
        }
        device_wish_ask(wish, &nothing, i, &ask);
        reason = group_reason(&machine, group, &ask, wish->mem_mib);
        if (!is_better(devices, &v, reason, i))
            continue;
        v.reason = reason;
        v.group = i;
    }
    if (v.group != DEVICES_NO_GROUP) {
        device_wish_ask(wish, &nothing, v.group, &ask);
        set_figures(devices, &machine, wish, &ask, &v);
    }
    *out = v;
}

bool devices_fit_any_model(const struct devices *devices,
                           const struct device_wish *wish)
{
    struct device_wish any = *wish;
    struct devices_verdict v;
    any.model_count = 0;
    devices_check(devices, &any, &v);
    return v.reason == REASON_NONE;
}
