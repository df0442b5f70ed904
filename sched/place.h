#ifndef SCHED_PLACE_H
#define SCHED_PLACE_H

/* A place is where a bag of equal tasks goes: the shortest list of the best
 * candidates that together take all of it, and some spares behind them. Counts,
 * not tasks, are placed: candidate -> how many.
 *
 * Candidates come in any order, one by one; the list never holds more than it
 * needs, so its memory is known beforehand. */

#include "sched/policy.h"

struct place_entry {
    struct rank rank;
    uint32_t room;  /* how many tasks it would take, >= 1 */
    uint32_t tasks; /* how many it is given: place_finish; 0 = a spare */
};

struct place {
    struct place_entry *entries; /* lent at init; best first */
    uint32_t count;
    uint32_t covered; /* entries that together take all tasks, or count */
    uint64_t room;    /* of the covered entries */
    uint32_t tasks;   /* wanted */
    uint32_t spares;
};

/* How many entries the caller must lend. */
static inline size_t place_entries_needed(uint32_t tasks, uint32_t spares)
{
    return (size_t)tasks + spares + 1;
}

/* tasks >= 1 (CHECKed). `entries` stay the caller's and must outlive it. */
void place_init(struct place *place, uint32_t tasks, uint32_t spares,
                struct place_entry *entries);

/* Considers one candidate; each provider at most once. room 0 is ignored.
 * Returns whether it is on the list now (it may be pushed off later). */
bool place_consider(struct place *place, const struct rank *rank,
                    uint32_t room);

/* Does it hold all it needs, so that only a better candidate changes it? */
bool place_full(const struct place *place);

/* Can no candidate of this rank or a worse one change the list any more? */
bool place_closed(const struct place *place, const struct rank *floor);

/* Hands the tasks out, best candidates first, as many as each has room for.
 * Returns how many tasks found no place. */
uint32_t place_finish(struct place *place);

#endif
