#ifndef TESTS_UNIT_SCHED_FLEET_SAMPLE_H
#define TESTS_UNIT_SCHED_FLEET_SAMPLE_H

/* Small fleets and asks drawn from dice, so that ties, full devices and exact
 * fits are frequent. */

#include "base/dice.h"
#include "sched/fleet/fleet.h"

static inline struct resources sample_amounts(uint32_t cores)
{
    return (struct resources){
        .cpu_milli = 1000 * cores, .mem_mib = 4096u * cores, .disk_mib = 10};
}

static inline struct machine sample_machine(uint32_t cores, uint32_t devices,
                                            uint32_t model)
{
    struct machine machine;
    struct resources total = sample_amounts(cores);
    enum err err;
    total.disk_mib = 1000;
    err = machine_init(&machine, &total, ARCH_X86_64, devices, model);
    if (err != OK)
        machine.device_count = UINT32_MAX; /* seen by whoever looks */
    return machine;
}

/* Is as much of it free, and are as many tasks on it? */
static inline bool sample_same(const struct machine *a, const struct machine *b)
{
    bool same = resources_cover(&a->free, &b->free) &&
                resources_cover(&b->free, &a->free) &&
                a->device_count == b->device_count;
    for (uint32_t i = 0; same && i < a->device_count; i++)
        same = a->devices[i].free_milli == b->devices[i].free_milli &&
               a->devices[i].model == b->devices[i].model;
    for (uint32_t i = 0; same && i < ASK_KINDS; i++)
        same = a->held[i] == b->held[i];
    return same;
}

/* A few cores and devices of one of three models, sometimes of two. */
static inline struct machine sample_any_machine(struct dice *dice)
{
    struct machine machine = sample_machine((uint32_t)dice_between(dice, 1, 16),
                                            (uint32_t)dice_between(dice, 0, 4),
                                            (uint32_t)dice_between(dice, 1, 3));
    if (machine.device_count > 1 && dice_chance(dice, 200))
        machine.devices[0].model = 3;
    return machine;
}

static inline struct ask sample_whole(uint32_t cores, uint16_t devices)
{
    return (struct ask){.want = sample_amounts(cores),
                        .devices = devices,
                        .milli = devices > 0 ? DEVICE_MILLI : 0};
}

static inline struct ask sample_share(uint32_t cores, uint16_t milli)
{
    return (struct ask){
        .want = sample_amounts(cores), .devices = 1, .milli = milli};
}

static inline struct ask sample_any_ask(struct dice *dice)
{
    struct ask ask = {0};
    uint64_t kind = dice_below(dice, 4);
    ask.want = sample_amounts((uint32_t)dice_below(dice, 5));
    ask.want.disk_mib = 10 * dice_below(dice, 3);
    ask.arch = dice_chance(dice, 50) ? ARCH_AARCH64 : ARCH_ANY;
    if (kind == 0)
        return ask;
    ask.devices = (uint16_t)(kind == 1 ? dice_between(dice, 1, 4) : 1);
    ask.milli =
        (uint16_t)(kind == 1 ? DEVICE_MILLI : 250 * dice_between(dice, 1, 3));
    if (dice_chance(dice, 300))
        ask.models = model_bit((uint32_t)dice_between(dice, 1, 4));
    return ask;
}

#endif
