#ifndef MARKET_LINKS_H
#define MARKET_LINKS_H

/* What a node states of its links to others: gossiped, versioned, signed, and
 * lapsing by itself. It is a claim; sched/link/linkmap.h says when it counts.
 *
 * Only what the node measured itself is said. Times are said as ages at the
 * moment of issue, so clocks that disagree between nodes do no harm. */

#include "base/limits.h"
#include "base/mp.h"
#include "base/sign.h"
#include "sched/link/linkmap.h"

#define LINKS_ROWS_MAX   64u
#define LINKS_BYTES_MAX  8192u
#define LINKS_TTL_MAX_MS LINKMAP_LIFE_MAX_MS

struct links_row {
    struct pubkey peer;
    struct link link; /* at_ms: ages at the moment of issue; figures
                         METRIC_MEASURED or METRIC_UNKNOWN */
};
struct links {
    struct pubkey origin;
    uint64_t version;      /* grows; the highest valid one counts */
    uint64_t issued_at_ms; /* wall clock of the origin */
    uint64_t ttl_ms;       /* 1..LINKS_TTL_MAX_MS */
    uint32_t count;
    struct links_row rows[LINKS_ROWS_MAX]; /* peers ascend */
    struct signature sig;
};

_Static_assert(LINKS_ROWS_MAX <= LINKMAP_ROWS_MAX, "a map holds a statement");

/* Every field in its range? ERR_RANGE: a version or ttl of 0, a ttl above the
 * maximum, too many rows, peers that do not ascend, the origin among them,
 * link_form, a figure that is neither measured nor unknown, a row without a
 * known figure, a kind of which nothing is known with an age or samples, an age
 * above the kind's. The origin is not looked at before it is set by links_sign.
 */
MUST_USE enum err links_form(const struct links *links);
/* Adds a row in its place, as of now_ms: ages are reckoned from link->at_ms;
 * what is too old or not measured is left out. ERR_NOT_FOUND (nothing is left
 * to say), ERR_EXISTS (the peer has a row), ERR_TOO_LARGE. */
MUST_USE enum err links_add(struct links *links, const struct pubkey *peer,
                            const struct link *link, uint64_t now_ms);
/* Sets origin to the signer's key, and sig. What links_form or the signer
 * refuses. */
MUST_USE enum err links_sign(struct links *links, const struct hash *chain,
                             const struct signer *signer);
/* Appends. What links_form refuses, or what stuck in the buf. */
MUST_USE enum err links_encode(const struct links *links, struct buf *out);
/* Form only: ERR_TOO_LARGE above LINKS_BYTES_MAX, what mp_open_message refuses,
 * then what links_form does. Nothing is lent from the input. */
MUST_USE enum err links_decode(struct bytes bytes, struct arena *arena,
                               struct links *out);
/* ERR_SIGNATURE. */
MUST_USE enum err links_verify(const struct links *links,
                               const struct hash *chain);

/* Into the map, as of its arrival at now_ms. wall_ms: our wall clock; 0: none
 * to trust. ERR_EXPIRED (by the origin's own clock it lapsed, or is of a time
 * to come, by more than LINKS_SKEW_MAX_MS), then what linkmap_put refuses. */
#define LINKS_SKEW_MAX_MS 600000u
MUST_USE enum err links_put(const struct links *links,
                            enum linkmap_standing standing, uint64_t wall_ms,
                            uint64_t now_ms, struct linkmap *map);

#endif
