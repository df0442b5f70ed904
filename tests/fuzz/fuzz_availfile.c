/* links: suan_cli */
/* A system file from anywhere: read or refused with its line, and what was read
 * is a system that can be solved; its plans are what they say. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/file/availfile.h"
#include "sched/avail/avail_split.h"

/* What one input may cost: dearer ones are read, not solved. */
#define WORK_MAX 2000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint64_t work_of(const struct avail_system *system)
{
    uint64_t work = 0;
    uint64_t cost = 0;
    for (uint32_t m = 0; m < system->count; m++) {
        const struct avail_module *module = &system->modules[m];
        cost += (uint64_t)module->cost * module->count;
        work += (cost + avail_split_pairs(module)) * module->count;
    }
    return work;
}

static void plans_hold(const struct avail_system *system, struct arena *arena)
{
    struct avail_division plan[AVAIL_MODULES_MAX];
    struct avail_frontier f;
    CHECK(avail_solve(system, arena, &f) == OK);
    for (uint32_t i = 0; i < f.count; i++) {
        double nats = 0;
        avail_plan(&f, &f.steps[i], plan);
        for (uint32_t m = 0; m < system->count; m++)
            nats += avail_module_nats(&system->modules[m], plan[m].service_of);
        CHECK(fabs(nats - f.steps[i].nats) <= 1e-9 * nats);
        CHECK(f.steps[i].nats_least <= f.steps[i].nats);
        CHECK(i == 0 || (f.steps[i].nats < f.steps[i - 1].nats &&
                         f.steps[i].cost > f.steps[i - 1].cost));
    }
}

static void plans_in_domains_hold(const struct avail_system *system,
                                  double domain_down, struct arena *arena)
{
    struct avail_division plan[AVAIL_MODULES_MAX];
    struct avail_frontier f;
    CHECK(avail_solve_domains(system, domain_down, arena, &f) == OK);
    CHECK(f.count >= 1);
    for (uint32_t i = 0; i < f.count; i++) {
        uint32_t cost = 0;
        avail_plan(&f, &f.steps[i], plan);
        for (uint32_t m = 0; m < system->count; m++)
            cost += plan[m].services * system->modules[m].cost;
        CHECK(cost == f.steps[i].cost);
        CHECK(f.steps[i].nats_least <= f.steps[i].nats);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct availfile *file = malloc(sizeof(*file));
    struct avail_system system;
    struct arena arena;
    char error[YAMLFILE_ERROR_MAX];
    enum err err;
    CHECK(file != NULL);
    err = availfile_parse(bytes_make(data, len), "f", file, error);
    if (err == OK)
        err = availfile_system(file, "f", &system, error);
    arena_init(&arena, (AVAIL_DOMAINS_MAX + 1) * AVAIL_ARENA_BYTES);
    if (err == OK && work_of(&system) <= WORK_MAX)
        plans_hold(&system, &arena);
    arena_reset(&arena);
    if (err == OK && work_of(&system) <= WORK_MAX && file->domain_down > 0)
        plans_in_domains_hold(&system, file->domain_down, &arena);
    CHECK(err == OK || err == ERR_NOMEM || strncmp(error, "f:", 2) == 0);
    arena_done(&arena);
    free(file);
    return 0;
}
