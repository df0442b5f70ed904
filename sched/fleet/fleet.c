#include "sched/fleet/fleet.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum err fleet_init(struct fleet *fleet, uint32_t cap)
{
    memset(fleet, 0, sizeof(*fleet));
    fleet->machines = calloc(cap + 1u, sizeof(*fleet->machines));
    fleet->stamps = calloc(cap + 1u, sizeof(*fleet->stamps));
    if (fleet->machines == NULL || fleet->stamps == NULL) {
        fleet_done(fleet);
        return ERR_NOMEM;
    }
    fleet->cap = cap;
    return OK;
}

void fleet_done(struct fleet *fleet)
{
    free(fleet->machines);
    free(fleet->stamps);
    memset(fleet, 0, sizeof(*fleet));
}

static void touch(struct fleet *fleet, uint32_t i)
{
    if (++fleet->stamps[i] == 0)
        fleet->stamps[i] = 1;
}

enum err fleet_add(struct fleet *fleet, const struct machine *machine)
{
    CHECK(machine_empty(machine));
    if (fleet->count == fleet->cap)
        return ERR_TOO_LARGE;
    fleet->machines[fleet->count] = *machine;
    touch(fleet, fleet->count++);
    fleet->total_milli += machine_total_milli(machine);
    fleet->idle_milli += machine_total_milli(machine);
    return OK;
}

void fleet_clear(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->count; i++) {
        struct machine *machine = &fleet->machines[i];
        machine->free = machine->total;
        memset(machine->held, 0, sizeof(machine->held));
        for (uint32_t d = 0; d < machine->device_count; d++)
            machine->devices[d].free_milli = DEVICE_MILLI;
        touch(fleet, i);
    }
    fleet->idle_milli = fleet->total_milli;
}

enum err fleet_take(struct fleet *fleet, const struct ask *ask,
                    const struct grant *grant)
{
    if (grant->machine >= fleet->count)
        return ERR_RANGE;
    TRY(machine_take(&fleet->machines[grant->machine], ask, grant->devices));
    touch(fleet, grant->machine);
    CHECK(fleet->idle_milli >= ask_milli(ask));
    fleet->idle_milli -= ask_milli(ask);
    return OK;
}

enum err fleet_give(struct fleet *fleet, const struct ask *ask,
                    const struct grant *grant)
{
    if (grant->machine >= fleet->count)
        return ERR_RANGE;
    TRY(machine_give(&fleet->machines[grant->machine], ask, grant->devices));
    touch(fleet, grant->machine);
    fleet->idle_milli += ask_milli(ask);
    CHECK(fleet->idle_milli <= fleet->total_milli);
    return OK;
}

enum err fleet_show(struct fleet *fleet, uint32_t i,
                    const struct machine *machine)
{
    struct machine *own;
    if (i >= fleet->count)
        return ERR_RANGE;
    own = &fleet->machines[i];
    CHECK(own->device_count == machine->device_count &&
          resources_cover(&own->total, &machine->total) &&
          resources_cover(&machine->total, &own->total));
    fleet->idle_milli -= machine_idle_milli(own);
    *own = *machine;
    fleet->idle_milli += machine_idle_milli(own);
    touch(fleet, i);
    return OK;
}

enum miss fleet_explain(const struct fleet *fleet, const struct ask *ask,
                        uint32_t out_alone[MISS_COUNT])
{
    enum miss top = MISS_COUNT;
    memset(out_alone, 0, MISS_COUNT * sizeof(*out_alone));
    for (uint32_t i = 0; i < fleet->count; i++) {
        uint32_t mask = machine_misses(&fleet->machines[i], ask);
        if (mask == 0 || miss_alone(mask))
            out_alone[miss_first(mask)]++;
    }
    for (int miss = MISS_NONE + 1; miss < MISS_COUNT; miss++) {
        if (out_alone[miss] > 0)
            top = (enum miss)miss;
    }
    return top;
}
