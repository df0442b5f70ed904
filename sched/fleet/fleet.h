#ifndef SCHED_FLEET_FLEET_H
#define SCHED_FLEET_FLEET_H

/* A fleet is many machines under one scheduler, and what has been taken of
 * them. Machines are named by their index. */

#include "sched/fleet/machine.h"

/* Where an ask was put: what fleet_give needs to take it back. */
struct grant {
    uint32_t machine;
    uint32_t devices; /* mask; 0 for an ask without devices */
};

struct fleet {
    struct machine *machines;
    /* A machine's stamp changes with its state: whoever remembers something of
     * a machine remembers the stamp with it. Never 0. */
    uint32_t *stamps;
    uint32_t count;
    uint32_t cap;
    uint64_t total_milli; /* thousandths of devices, of all machines */
    uint64_t idle_milli;  /* of them, free */
};

/* ERR_NOMEM. */
MUST_USE enum err fleet_init(struct fleet *fleet, uint32_t cap);
void fleet_done(struct fleet *fleet); /* safe on a zeroed struct */
/* Copies the machine, which must hold nothing (CHECKed). ERR_TOO_LARGE past
 * `cap`. */
MUST_USE enum err fleet_add(struct fleet *fleet, const struct machine *machine);
/* All as it was when the machines were added. */
void fleet_clear(struct fleet *fleet);

/* As machine_take and machine_give; ERR_RANGE for a machine that is not there.
 */
MUST_USE enum err fleet_take(struct fleet *fleet, const struct ask *ask,
                             const struct grant *grant);
MUST_USE enum err fleet_give(struct fleet *fleet, const struct ask *ask,
                             const struct grant *grant);

/* Sets a machine to how another fleet has it, of which this one is a view. The
 * machine is the same (CHECKed), what is taken of it may differ. ERR_RANGE for
 * one that is not there. */
MUST_USE enum err fleet_show(struct fleet *fleet, uint32_t i,
                             const struct machine *machine);

/* Why nothing fits: how many machines each reason alone keeps away, and of
 * those reasons the one that stands last in the table, the nearest miss;
 * MISS_COUNT where every machine has several. Counts are by enum miss;
 * MISS_NONE counts the machines that fit. */
enum miss fleet_explain(const struct fleet *fleet, const struct ask *ask,
                        uint32_t out_alone[MISS_COUNT]);

#endif
