#ifndef SCHED_PLACE_H
#define SCHED_PLACE_H

/* A place is where a bag of equal tasks goes: the shortest list of the best
 * candidates that together take all of it, and some spares behind them. Counts,
 * not tasks, are placed: candidate -> how many.
 *
 * Candidates come in any order, one by one; the list never holds more than it
 * needs, so its memory is known beforehand.
 *
 * Tasks that are spread (spread.h) go to each domain, the places of one value
 * of a label, only so often. Domains do not overlap, so the best places first
 * as far as the domains allow are the best there are, whatever came before: a
 * place that its domain has no room for behind better ones never gets any. */

#include "sched/policy.h"

struct place_entry {
    struct rank rank;
    uint64_t domain;
    uint32_t room;  /* how many tasks it would take, >= 1 */
    uint32_t share; /* of them, its domain has room for behind better places */
    uint32_t tasks; /* how many it is given: place_finish; 0 = a spare */
};

/* How many tasks a domain has. */
struct place_domain {
    uint64_t id;   /* a hash of the value, not 0 */
    uint32_t used; /* >= 1 */
};

struct place {
    struct place_entry *entries; /* lent at init; best first */
    uint32_t count;
    uint32_t covered; /* entries that together take all tasks, or count */
    uint64_t room;    /* the shares of the covered entries */
    uint32_t tasks;   /* wanted */
    uint32_t spares;
    /* place_spread */
    uint32_t per_domain; /* 0 = any number */
    const struct place_domain *known;
    uint32_t known_count;
    struct place_domain *table; /* hashed by id, id 0 = empty */
    uint32_t table_size;
};

/* How many entries the caller must lend. */
static inline size_t place_entries_needed(uint32_t tasks, uint32_t spares)
{
    return (size_t)tasks + spares + 1;
}

/* tasks >= 1 (CHECKed). `entries` stay the caller's and must outlive it. */
void place_init(struct place *place, uint32_t tasks, uint32_t spares,
                struct place_entry *entries);

/* At most so many tasks in a domain, with those of `known` there already; both
 * arrays stay the caller's and must outlive it. The table has
 * place_table_needed() rows. Right after place_init. */
void place_spread(struct place *place, uint32_t per_domain,
                  const struct place_domain *known, uint32_t known_count,
                  struct place_domain *table);
/* A power of two. */
uint32_t place_table_needed(uint32_t tasks, uint32_t spares,
                            uint32_t known_count);

/* Considers one candidate; each provider at most once. room 0 is ignored.
 * `domain` only matters with place_spread, and is not 0 then (CHECKed). Returns
 * whether it is on the list now (it may be pushed off later). */
bool place_consider(struct place *place, const struct rank *rank, uint32_t room,
                    uint64_t domain);

/* Does it hold all it needs, so that only a better candidate changes it? */
bool place_full(const struct place *place);

/* Can no candidate of this rank or a worse one change the list any more? */
bool place_closed(const struct place *place, const struct rank *floor);

/* Hands the tasks out, best candidates first, as many as each has room for.
 * Returns how many tasks found no place. */
uint32_t place_finish(struct place *place);

#endif
