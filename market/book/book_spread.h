#ifndef MARKET_BOOK_SPREAD_H
#define MARKET_BOOK_SPREAD_H

/* Where tasks are already, for requests that are spread or keep an affinity:
 * told by whoever places them, since the book forgets its own reservations when
 * a provider speaks. */

#include "base/short_hash.h"
#include "market/request.h"
#include "sched/candidate.h"
#include "sched/place.h"

struct book_there {
    struct pubkey provider;
    uint32_t tasks;    /* of the request itself; 0 in an affinity's row */
    uint32_t affinity; /* 0: the request's own; else the number of the affinity,
                          from 1, of whose request a task is there */
    bool beside;       /* it has a copy of a task of which another one waits for
                          a place; false in an affinity's row */
};
/* Rows of one request: its tasks, and each affinity's. */
#define BOOK_THERE_MAX (LIMIT_TASKS * (1 + REQUEST_AFFINITY_MAX))

/* What of it the book keeps: values of labels as they are known now. */
struct book_places {
    struct book_there *list;
    uint64_t *domains; /* of each; 0 = not known, or no label */
    uint32_t count;
    /* sums of the request's own by domain */
    struct place_domain *used;
    uint32_t used_count;
    uint32_t unknown; /* tasks whose domain is not known: they count in all */
};

void book_places_done(struct book_places *places); /* safe on a zeroed one */
/* Takes the rows over (copied); domains[i] is that of list[i]. A domain that is
 * 0 stays as it was for that provider. ERR_NOMEM; then nothing has changed. */
MUST_USE enum err book_places_set(struct book_places *places,
                                  const struct book_there *list,
                                  const uint64_t *domains, uint32_t count);

/* The domain of a set of labels: not 0, or 0 when the label is not there. */
uint64_t book_domain(const uint8_t key[SHORT_HASH_KEY_LEN],
                     const struct spread *spread, const struct label *labels,
                     uint32_t count);

/* Fills in a candidate what spread and affinities say of it: spread_used,
 * spread_most, and of refused DOMAIN and AFFINITY. `places` NULL: nothing is
 * anywhere, and affinities are not judged. */
void book_places_view(const struct book_places *places,
                      const struct request *request, uint64_t domain,
                      struct candidate *candidate);
/* At most so many in a domain, for place_spread; 0 = no limit. */
uint32_t book_places_limit(const struct book_places *places,
                           const struct request *request);

#endif
