#ifndef SCHED_FLEET_MACHINE_H
#define SCHED_FLEET_MACHINE_H

/* A machine of a fleet: what it has, what of it is free, and how free each of
 * its devices is. Feasibility is exact, per device: a machine with two halves
 * of two cards free cannot take a task that wants one card. */

#include "sched/fleet/ask.h"
#include "sched/fleet/miss.h"

struct device {
    uint16_t free_milli;
    uint8_t model; /* 1..MODEL_MAX */
};

struct machine {
    struct resources total;
    struct resources free;
    enum arch arch;
    uint32_t device_count; /* <= MACHINE_DEVICES_MAX */
    struct device devices[MACHINE_DEVICES_MAX];
    uint32_t held[ASK_KINDS]; /* tasks on it, by kind */
};

/* All free, `device_count` devices of one model. Those that differ are set by
 * the caller, before anything is taken. ERR_RANGE: too many devices, or no such
 * model (0 only without devices). */
MUST_USE enum err machine_init(struct machine *machine,
                               const struct resources *total, enum arch arch,
                               uint32_t device_count, uint32_t model);

/* Can it take the ask now? */
bool machine_fits(const struct machine *machine, const struct ask *ask);
/* miss_bit()s of all that refuses; 0 when it fits. Where the whole is too
 * small only the TOTAL reason is set, for waiting would not help; where no
 * device has an allowed model only MODEL. */
uint32_t machine_misses(const struct machine *machine, const struct ask *ask);

/* How many such tasks fit side by side now; exact. At most `max`. */
uint32_t machine_room(const struct machine *machine, const struct ask *ask,
                      uint32_t max);

/* Devices of an allowed model with enough free, as a mask by index. */
uint32_t machine_eligible(const struct machine *machine, const struct ask *ask);
/* As many eligible devices as the ask wants, which it must find (CHECKed):
 * those with the least free, or with the most; of equals the lower index.
 * Taking the most every time fits as many tasks as machine_room says. */
uint32_t machine_choose(const struct machine *machine, const struct ask *ask,
                        bool most);
/* Thousandths free on all devices. */
uint32_t machine_idle_milli(const struct machine *machine);
uint32_t machine_total_milli(const struct machine *machine);
/* Has it no task? */
bool machine_empty(const struct machine *machine);

/* Takes the ask, on the devices of the mask: as many as it asks for, all of
 * them eligible. ERR_CAPACITY otherwise; then nothing has changed. */
MUST_USE enum err machine_take(struct machine *machine, const struct ask *ask,
                               uint32_t devices);
/* Gives back exactly what was taken with the same ask and mask. ERR_OVERFLOW
 * when more would be free than there is: it was not taken, or given back
 * already; then nothing has changed. */
MUST_USE enum err machine_give(struct machine *machine, const struct ask *ask,
                               uint32_t devices);

#endif
