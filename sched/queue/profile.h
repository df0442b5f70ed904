#ifndef SCHED_QUEUE_PROFILE_H
#define SCHED_QUEUE_PROFILE_H

/* The availability profile of an offer or a pool: how much of it is free, from
 * when to when. A step function of time, kept as its steps: sorted, and no two
 * neighbours alike, so that what is reserved and released again leaves exactly
 * the steps that were there.
 *
 *   free
 *    8 |      +-----------      steps  0 ms: 2
 *    5 |  +---+                        4 ms: 5
 *    2 |--+                            8 ms: 8
 *      +--4---8----------- ms
 *
 * Time is whole milliseconds on whatever scale the caller keeps; the past is
 * cut off by profile_forward. A lifetime that ends is a reservation of all of
 * it up to PROFILE_NEVER. */

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROFILE_NEVER UINT64_MAX

/* A part of what is there. Units are the owner's: thousandths of a core, nodes,
 * processors. */
struct portion {
    uint64_t units;
    uint64_t mem_mib;
};

struct profile_step {
    uint64_t from_ms; /* until the next step's; the last has no end */
    struct portion free;
};

struct profile {
    struct portion total;
    struct profile_step *steps;
    uint32_t count; /* at least one */
    uint32_t cap;
    uint32_t cap_max;
};

/* a >= b in both. */
bool portion_covers(const struct portion *a, const struct portion *b);

/* All of total is free from from_ms on.
 *
 * reservations_max  that are not over at one time; as long as there are no
 *                   more, nothing is refused for want of room
 *
 * ERR_RANGE (more than 2^29), ERR_NOMEM. */
MUST_USE enum err profile_init(struct profile *profile,
                               const struct portion *total, uint64_t from_ms,
                               uint32_t reservations_max);
void profile_done(struct profile *profile); /* safe on a zeroed struct */

/* Memory for so many reservations at a time: up to there nothing is refused
 * for want of it. ERR_TOO_LARGE (more than reservations_max), ERR_NOMEM. */
MUST_USE enum err profile_expect(struct profile *profile,
                                 uint32_t reservations);

/* What is free at a moment; before the beginning: at the beginning. */
struct portion profile_free_at(const struct profile *profile, uint64_t at_ms);

/* Is want free from at_ms on for as long? A time before the beginning counts
 * from the beginning. */
bool profile_fits(const struct profile *profile, const struct portion *want,
                  uint64_t at_ms, uint64_t duration_ms);

/* The first moment from not_before_ms on at which want is free for as long.
 * ERR_CAPACITY: it never is. */
MUST_USE enum err profile_find(const struct profile *profile,
                               const struct portion *want, uint64_t duration_ms,
                               uint64_t not_before_ms, uint64_t *out_ms);

/* Takes want from from_ms up to, not including, until_ms; what lies before the
 * beginning is left out. Changes nothing unless OK.
 *
 * ERR_RANGE (from_ms >= until_ms), ERR_CAPACITY (not free all the while),
 * ERR_TOO_LARGE (more reservations than stated), ERR_NOMEM. */
MUST_USE enum err profile_reserve(struct profile *profile,
                                  const struct portion *want, uint64_t from_ms,
                                  uint64_t until_ms);
/* Gives back. Exact: a reservation released, whole or in pieces, leaves the
 * steps as they would be without it. ERR_OVERFLOW: more than there is would be
 * free; otherwise as above. */
MUST_USE enum err profile_release(struct profile *profile,
                                  const struct portion *want, uint64_t from_ms,
                                  uint64_t until_ms);

/* It is now_ms: forgets what was before. An earlier time changes nothing. */
void profile_forward(struct profile *profile, uint64_t now_ms);

#endif
