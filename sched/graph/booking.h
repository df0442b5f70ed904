#ifndef SCHED_GRAPH_BOOKING_H
#define SCHED_GRAPH_BOOKING_H

/* What of one offer is taken when: a step function of time. */

#include <stdint.h>

#include "base/err.h"

struct booking_step {
    uint64_t at_us; /* from here to the next step */
    uint32_t cores; /* taken */
    uint32_t memory_mib;
};

struct booking {
    struct booking_step *steps; /* by time; the last one takes nothing */
    uint32_t count;
    uint32_t room;
};

void booking_init(struct booking *booking);
void booking_done(struct booking *booking);
void booking_clear(struct booking *booking);

/* The earliest start, not before ready_us, from which run_us long that much is
 * left of an offer of that size; the needs fit the offer (CHECKed). */
uint64_t booking_earliest(const struct booking *booking, uint64_t ready_us,
                          uint64_t run_us, uint32_t cores, uint32_t memory_mib,
                          uint32_t cores_of, uint32_t memory_mib_of);
/* Takes it; booking_earliest has said that it is there. ERR_NOMEM. */
MUST_USE enum err booking_take(struct booking *booking, uint64_t start_us,
                               uint64_t end_us, uint32_t cores,
                               uint32_t memory_mib);
/* Gives back what was taken last. */
void booking_give(struct booking *booking, uint64_t start_us, uint64_t end_us,
                  uint32_t cores, uint32_t memory_mib);

#endif
