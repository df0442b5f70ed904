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
    mask |= check_dimension(want->nic_kbit, total->nic_kbit, now->nic_kbit,
                            MISS_NIC_TOTAL, MISS_NIC_FREE);
    if (ask->devices > 0)
        mask |= check_devices(machine, ask);
    return mask;
}

static uint32_t at_most(uint32_t count, uint64_t is_free, uint64_t want)
{
    if (want == 0 || is_free / want >= count)
        return count;
    return (uint32_t)(is_free / want);
}

/* Can n tasks be spread so that each gets `devices` different devices? They can
 * exactly when the places for them, at most n on a device, are enough: fill the
 * devices one after the other with the tasks in a circle, and no task meets a
 * device twice. */
static bool devices_hold(const struct machine *machine, const struct ask *ask,
                         uint32_t n)
{
    uint64_t places = 0;
    for (uint32_t i = 0; i < machine->device_count; i++) {
        const struct device *device = &machine->devices[i];
        if (model_allowed(ask, device))
            places += at_most(n, device->free_milli, ask->milli);
    }
    return places >= (uint64_t)n * ask->devices;
}

uint32_t machine_room(const struct machine *machine, const struct ask *ask,
                      uint32_t max)
{
    uint32_t room = max;
    uint32_t low = 0;
    if (ask->arch != ARCH_ANY && ask->arch != machine->arch)
        return 0;
    room = at_most(room, machine->free.cpu_milli, ask->want.cpu_milli);
    room = at_most(room, machine->free.mem_mib, ask->want.mem_mib);
    room = at_most(room, machine->free.disk_mib, ask->want.disk_mib);
    room = at_most(room, machine->free.nic_kbit, ask->want.nic_kbit);
    if (ask->devices == 0)
        return room;
    if (room > machine->device_count * DEVICE_MILLI)
        room = machine->device_count * DEVICE_MILLI; /* one milli each */
    while (low < room) { /* what holds n holds fewer */
        uint32_t mid = low + (room - low + 1) / 2;
        if (devices_hold(machine, ask, mid))
            low = mid;
        else
            room = mid - 1;
    }
    return low;
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

/* The device of the mask with the least free (or the most), lowest index among
 * equals. */
static uint32_t extreme_device(const struct machine *machine, uint32_t mask,
                               bool most)
{
    uint32_t best = (uint32_t)__builtin_ctz(mask);
    for (mask &= mask - 1; mask != 0; mask &= mask - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(mask);
        uint32_t is_free = machine->devices[i].free_milli;
        uint32_t was_free = machine->devices[best].free_milli;
        if (most ? is_free > was_free : is_free < was_free)
            best = i;
    }
    return best;
}

uint32_t machine_choose(const struct machine *machine, const struct ask *ask,
                        bool most)
{
    uint32_t left = ask->devices == 0 ? 0 : machine_eligible(machine, ask);
    uint32_t chosen = 0;
    CHECK((uint32_t)__builtin_popcount(left) >= ask->devices);
    for (uint32_t i = 0; i < ask->devices; i++) {
        uint32_t device = extreme_device(machine, left, most);
        chosen |= (UINT32_C(1) << device);
        left &= ~(UINT32_C(1) << device);
    }
    return chosen;
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
