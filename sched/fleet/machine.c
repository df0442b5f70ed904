#include "sched/fleet/machine.h"

#include <string.h>

#include "base/check.h"

enum err machine_init(struct machine *machine, const struct resources *total,
                      enum arch arch, uint32_t device_count, uint32_t model)
{
    if (device_count > MACHINE_DEVICES_MAX || model > MODEL_MAX ||
        (device_count > 0 && model == 0))
        return ERR_RANGE;
    memset(machine, 0, sizeof(*machine));
    machine->total = *total;
    machine->free = *total;
    machine->arch = arch;
    machine->device_count = device_count;
    for (uint32_t i = 0; i < device_count; i++)
        machine->devices[i] = (struct device){DEVICE_MILLI, (uint8_t)model};
    return OK;
}

static bool model_allowed(const struct ask *ask, const struct device *device)
{
    return ask->models == 0 || (ask->models & model_bit(device->model)) != 0;
}

uint32_t machine_eligible(const struct machine *machine, const struct ask *ask)
{
    uint32_t mask = 0;
    for (uint32_t i = 0; i < machine->device_count; i++) {
        const struct device *device = &machine->devices[i];
        if (device->free_milli >= ask->milli && model_allowed(ask, device))
            mask |= UINT32_C(1) << i;
    }
    return mask;
}

bool machine_fits(const struct machine *machine, const struct ask *ask)
{
    if (!resources_cover(&machine->free, &ask->want) ||
        (ask->arch != ARCH_ANY && ask->arch != machine->arch))
        return false;
    return ask->devices == 0 ||
           (uint32_t)__builtin_popcount(machine_eligible(machine, ask)) >=
               ask->devices;
}

static uint32_t check_dimension(uint64_t want, uint64_t whole, uint64_t is_free,
                                enum miss total, enum miss now)
{
    if (want > whole)
        return miss_bit(total);
    return want > is_free ? miss_bit(now) : 0;
}

static uint32_t check_devices(const struct machine *machine,
                              const struct ask *ask)
{
    uint32_t allowed = 0;
    uint32_t idle = 0;
    for (uint32_t i = 0; i < machine->device_count; i++) {
        if (!model_allowed(ask, &machine->devices[i]))
            continue;
        allowed++;
        idle += machine->devices[i].free_milli;
    }
    if (machine->device_count > 0 && allowed == 0)
        return miss_bit(MISS_MODEL);
    if (allowed < ask->devices)
        return miss_bit(MISS_DEVICE_TOTAL);
    if (idle < ask_milli(ask))
        return miss_bit(MISS_DEVICE_FREE);
    if ((uint32_t)__builtin_popcount(machine_eligible(machine, ask)) <
        ask->devices)
        return miss_bit(MISS_DEVICE_SPLIT);
    return 0;
}

uint32_t machine_misses(const struct machine *machine, const struct ask *ask)
{
    const struct resources *want = &ask->want;
    const struct resources *total = &machine->total;
    const struct resources *now = &machine->free;
    uint32_t mask = 0;
    if (ask->arch != ARCH_ANY && ask->arch != machine->arch)
        mask |= miss_bit(MISS_ARCH);
    mask |= check_dimension(want->cpu_milli, total->cpu_milli, now->cpu_milli,
                            MISS_CPU_TOTAL, MISS_CPU_FREE);
    mask |= check_dimension(want->mem_mib, total->mem_mib, now->mem_mib,
                            MISS_MEM_TOTAL, MISS_MEM_FREE);
    mask |= check_dimension(want->disk_mib, total->disk_mib, now->disk_mib,
                            MISS_DISK_TOTAL, MISS_DISK_FREE);
    if (ask->devices > 0)
        mask |= check_devices(machine, ask);
    return mask;
}

uint32_t machine_idle_milli(const struct machine *machine)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < machine->device_count; i++)
        sum += machine->devices[i].free_milli;
    return sum;
}

uint32_t machine_total_milli(const struct machine *machine)
{
    return machine->device_count * DEVICE_MILLI;
}

bool machine_empty(const struct machine *machine)
{
    uint32_t tasks = 0;
    for (size_t i = 0; i < ASK_KINDS; i++)
        tasks += machine->held[i];
    return tasks == 0;
}

enum err machine_take(struct machine *machine, const struct ask *ask,
                      uint32_t devices)
{
    uint32_t eligible = ask->devices == 0 ? 0 : machine_eligible(machine, ask);
    if (!resources_cover(&machine->free, &ask->want) ||
        (ask->arch != ARCH_ANY && ask->arch != machine->arch) ||
        (devices & ~eligible) != 0 ||
        (uint32_t)__builtin_popcount(devices) != ask->devices)
        return ERR_CAPACITY;
    TRY(resources_sub(&machine->free, &ask->want, &machine->free));
    for (uint32_t left = devices; left != 0; left &= left - 1) {
        struct device *device = &machine->devices[__builtin_ctz(left)];
        device->free_milli = (uint16_t)(device->free_milli - ask->milli);
    }
    machine->held[ask_kind_of(ask)]++;
    return OK;
}

enum err machine_give(struct machine *machine, const struct ask *ask,
                      uint32_t devices)
{
    struct resources free;
    uint32_t *held = &machine->held[ask_kind_of(ask)];
    if (*held == 0 || (uint64_t)devices >> machine->device_count != 0 ||
        (uint32_t)__builtin_popcount(devices) != ask->devices)
        return ERR_OVERFLOW;
    for (uint32_t left = devices; left != 0; left &= left - 1) {
        uint32_t is_free = machine->devices[__builtin_ctz(left)].free_milli;
        if (is_free + ask->milli > DEVICE_MILLI)
            return ERR_OVERFLOW;
    }
    TRY(resources_add(&machine->free, &ask->want, &free));
    if (!resources_cover(&machine->total, &free))
        return ERR_OVERFLOW;
    machine->free = free;
    for (uint32_t left = devices; left != 0; left &= left - 1) {
        struct device *device = &machine->devices[__builtin_ctz(left)];
        device->free_milli = (uint16_t)(device->free_milli + ask->milli);
    }
    --*held;
    return OK;
}
