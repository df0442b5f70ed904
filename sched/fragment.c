#include "sched/fragment.h"

#include "base/check.h"
#include "sched/devices_machine.h"

#define TYPICAL    4u
#define STEP_MILLI (TYPICAL * DEVICE_MILLI / 8)

static uint64_t left_over(uint64_t free, uint64_t want)
{
    uint64_t left = free > want ? free - want : 0;
    if (want == 0)
        return 0;
    return left > UINT64_MAX / 2000 ? UINT64_MAX / 4 : left * 1000 / want;
}

uint64_t fragment_left(const struct candidate *candidate,
                       const struct resources *want)
{
    return left_over(candidate->free.cpu_milli, want->cpu_milli) +
           left_over(candidate->free.mem_mib, want->mem_mib);
}

/* The idle thousandths that the ask cannot use there. */
static uint32_t useless_to(const struct machine *machine, const struct ask *ask)
{
    uint32_t eligible = machine_eligible(machine, ask);
    uint32_t idle = 0;
    if (!machine_fits(machine, ask))
        return machine_idle_milli(machine);
    for (uint32_t i = 0; i < machine->device_count; i++) {
        if ((eligible >> i & 1u) == 0)
            idle += machine->devices[i].free_milli;
    }
    return idle;
}

static uint32_t useless(const struct machine *machine, const struct ask *ask)
{
    uint32_t sum = useless_to(machine, ask);
    for (uint16_t milli = DEVICE_MILLI; milli >= DEVICE_MILLI / 4; milli /= 2) {
        const struct ask other = {
            .want = ask->want, .devices = 1, .milli = milli};
        sum += useless_to(machine, &other);
    }
    return sum;
}

uint32_t fragment_growth(const struct candidate *candidate,
                         const struct demand *demand)
{
    struct devices_verdict verdict;
    struct machine machine;
    struct ask ask;
    CHECK(demand_has_devices(demand) && candidate->devices != NULL);
    devices_check(candidate->devices, demand->devices, &verdict);
    CHECK(verdict.reason == REASON_NONE);
    devices_machine(candidate->devices, &candidate->total, &candidate->free,
                    &machine);
    device_wish_ask(demand->devices, &demand->want, verdict.group, &ask);
    uint32_t before = useless(&machine, &ask);
    CHECK(machine_take(&machine, &ask, machine_choose(&machine, &ask, false)) ==
          OK);
    /* At most 4 asks of 16 devices: before is below FRAGMENT_NONE steps. */
    return (FRAGMENT_NONE * STEP_MILLI + useless(&machine, &ask) - before) /
           STEP_MILLI;
}
