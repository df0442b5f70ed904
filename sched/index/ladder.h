#ifndef SCHED_INDEX_LADDER_H
#define SCHED_INDEX_LADDER_H

/* A ladder is the thresholds of one dimension for which a bitmap is kept: rung
 * k is on for an offer that has at least rung[k]. A demand uses the highest
 * rung that is not above what it wants: no offer is missed, and where the rung
 * is what it wants none is too many.
 *
 * Rungs are chosen from amounts that were observed: all of them while these are
 * few, else quantiles. They are reviewed after 64, 256, 1024, ... observations,
 * and only if many missed: answers do not depend on them, only speed does. */

#include <stdbool.h>
#include <stdint.h>

#define LADDER_RUNGS_MAX 32u
#define LADDER_MEMORY    256u /* amounts remembered; which go is by hash */

struct ladder {
    uint32_t count;
    uint32_t cap;                    /* <= LADDER_RUNGS_MAX */
    uint64_t rung[LADDER_RUNGS_MAX]; /* ascending, distinct, > 0 */
    uint64_t seen[LADDER_MEMORY];
    uint64_t count_seen;
    uint64_t misses; /* since the last review: no rung stood there */
    uint64_t last;   /* count_seen at the last review */
    uint64_t review; /* count_seen at the next */
};

/* Rungs first, 2 * first, ... CHECKed: 1 <= cap <= LADDER_RUNGS_MAX, first > 0.
 */
void ladder_init(struct ladder *ladder, uint32_t cap, uint64_t first);
/* How many rungs an amount reaches: rung[0] .. rung[n - 1]. Of a want: the
 * highest rung it may use is the one before. */
uint32_t ladder_reach(const struct ladder *ladder, uint64_t amount);
/* Is the amount the last of the rungs that it reaches? */
static inline bool ladder_on_rung(const struct ladder *ladder, uint64_t amount,
                                  uint32_t reach)
{
    return reach > 0 && ladder->rung[reach - 1] == amount;
}
void ladder_observe(struct ladder *ladder, uint64_t amount);
/* The same for who knows already whether it is on a rung. */
void ladder_note(struct ladder *ladder, uint64_t amount, bool on_rung);
/* Reviews the rungs if it is time; true when they changed. */
bool ladder_review_now(struct ladder *ladder);
static inline bool ladder_review(struct ladder *ladder)
{
    return ladder->count_seen >= ladder->review && ladder_review_now(ladder);
}

#endif
