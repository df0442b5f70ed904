#ifndef SCHED_LINK_LINKMAP_H
#define SCHED_LINK_LINKMAP_H

/* A linkmap is the link matrix as far as this node knows it: sparse, bounded,
 * made of what each node, an origin, states of its links to others. An origin's
 * newest statement takes the place of its older one, and lapses by itself.
 *
 * A statement is a claim. A figure of a link counts as measured only when both
 * ends measured it, and then the worse of the two counts: nobody can make a
 * link look better than the other end found it, nor look good to somebody it
 * has never met. Our own statements need no second word. What one end alone
 * claims, and what is worked out from third nodes, counts as an estimation: for
 * showing and for ranking, never for a bound.
 *
 * Nobody crowds out others: an origin has rows_max rows and no more, and when
 * the table is full, room is made where statements have lapsed, else at the
 * expense of an origin of lower standing, else not at all.
 *
 * Times are ms of one clock that never goes back. */

#include "base/short_hash.h"
#include "base/sign.h"
#include "sched/graph/offerset.h"
#include "sched/graph/topology.h"
#include "sched/link/link.h"

#define LINKMAP_ORIGINS_MAX 65536u
#define LINKMAP_ROWS_MAX    128u /* of one origin */
/* A statement lives at most so long; the version of one that lapsed is
 * remembered once more as long, so that copies on their way do not bring it
 * back. */
#define LINKMAP_LIFE_MAX_MS 600000u

enum linkmap_standing {
    LINKMAP_STRANGER = 0,
    LINKMAP_KNOWN = 1, /* it sells, or we are connected to it */
    LINKMAP_SELF = 2,
};

struct linkmap_config {
    struct pubkey self;              /* its statements need no second word */
    uint32_t origins_max;            /* 1..LINKMAP_ORIGINS_MAX, self apart */
    uint32_t rows_max;               /* 1..LINKMAP_ROWS_MAX */
    uint8_t key[SHORT_HASH_KEY_LEN]; /* random: orders the table */
};

struct linkmap;

/* Given to the caller. ERR_RANGE, ERR_NOMEM. */
MUST_USE enum err linkmap_new(const struct linkmap_config *config,
                              struct linkmap **out);
void linkmap_free(struct linkmap *map); /* NULL is fine */

struct linkmap_row {
    struct pubkey peer;
    struct link link; /* seen from the origin */
};
struct linkmap_statement {
    struct pubkey origin;
    uint64_t version; /* grows; 0 is none */
    uint64_t life_ms; /* 1..LINKMAP_LIFE_MAX_MS, from now on */
    enum linkmap_standing standing;
    const struct linkmap_row *rows; /* lent */
    uint32_t count;
};

/* Takes a statement in; rows are copied. Who may speak for an origin is for the
 * caller to check.
 *
 * Refuses, first match wins: ERR_RANGE (version or life, too many rows, a row
 * of the origin itself, two of one peer, link_form), ERR_EXISTS (this version
 * or a later one was heard: do not pass it on), ERR_CAPACITY, ERR_NOMEM. */
MUST_USE enum err linkmap_put(struct linkmap *map,
                              const struct linkmap_statement *statement,
                              uint64_t now_ms);
/* Would linkmap_put say ERR_EXISTS? To be asked before a signature is looked
 * at. */
bool linkmap_heard(const struct linkmap *map, const struct pubkey *origin,
                   uint64_t version);
/* Drops what has lapsed. Returns how many statements. Nothing depends on it:
 * what has lapsed is not shown. */
uint32_t linkmap_sweep(struct linkmap *map, uint64_t now_ms);
/* Origins whose statement stands. */
uint32_t linkmap_origins(const struct linkmap *map, uint64_t now_ms);

/* The link from a to b, joined from what both say (link_join) and freshened.
 * False when nothing is known, or a is b; then out is untouched. */
bool linkmap_get(const struct linkmap *map, const struct pubkey *a,
                 const struct pubkey *b, uint64_t now_ms, struct link *out);

/* The same, but only where both ends speak, and our own word counts no more
 * than another's: whoever has these statements finds the same. */
bool linkmap_agreed(const struct linkmap *map, const struct pubkey *a,
                    const struct pubkey *b, uint64_t now_ms, struct link *out);
/* Those to whom `node` states a link: *cursor starts at 0, false at the end.
 * The map must not change between the calls. */
bool linkmap_peer_next(const struct linkmap *map, const struct pubkey *node,
                       uint32_t *cursor, uint64_t now_ms,
                       struct pubkey *out_peer);
/* Who states something, we among them; likewise. */
bool linkmap_origin_next(const struct linkmap *map, uint32_t *cursor,
                         uint64_t now_ms, struct pubkey *out);

/* What third nodes say of an unmeasured round trip. With c measured from both:
 * the way over c takes a-c + c-b; and were a-b shorter than |a-c - c-b|, the
 * longer of the two would not be the shortest way. Routes in the real world
 * break this now and then, so these are guesses, not proofs (docs/links.md has
 * how good they are). */
struct linkmap_bounds {
    uint32_t lower_us; /* the largest difference */
    uint32_t upper_us; /* the smallest sum */
    uint32_t rtt_us;   /* the guess: halfway between the two */
    uint32_t landmarks;
    uint64_t at_ms; /* when the oldest leg of the upper bound was measured */
};
/* Only legs that are measured are used. False without a single landmark. */
bool linkmap_estimate(const struct linkmap *map, const struct pubkey *a,
                      const struct pubkey *b, uint64_t now_ms,
                      struct linkmap_bounds *out);
/* Legs in, bounds out: the arithmetic of the above. Before the first leg,
 * bounds are all zero. */
void linkmap_bounds_add(struct linkmap_bounds *bounds, uint32_t to_a_us,
                        uint32_t to_b_us, uint64_t at_ms);

/* linkmap_get; and where the round trip is not known, the estimate in its
 * place (spread: half of what lies between the bounds; samples: landmarks;
 * source METRIC_ESTIMATION). For people and for ranking. */
bool linkmap_look(const struct linkmap *map, const struct pubkey *a,
                  const struct pubkey *b, uint64_t now_ms, struct link *out);

/* All pairs of which somebody states something, each once: *cursor starts at 0.
 * False at the end. The map must not change between the calls. */
bool linkmap_next(const struct linkmap *map, uint64_t *cursor, uint64_t now_ms,
                  struct pubkey *out_a, struct pubkey *out_b, struct link *out);

/* ---- for the solvers ----
 *
 * Only figures that are measured and whose confidence is at least
 * confidence_min (permille) come in; everything else is LINK_UNKNOWN, or no
 * bandwidth. */
struct linkmap_ask {
    uint32_t confidence_min;
    uint64_t now_ms;
    const struct power_curve *power; /* lent; of a topology; may be NULL */
    uint32_t power_count;
};

/* One topology of these nodes, keys[i] being who nodes[i] is: a link for every
 * pair, with half the round trip (rounded up) plus the spread as delay, and the
 * smaller of the two bandwidths, for a link of a topology carries both ways
 * together. So the direct way from i to j is one step; a path of several steps
 * has the nodes between pass the data on.
 *
 * Refuses: ERR_TOO_LARGE (more than LINKMAP_NODES_MAX), ERR_RANGE (one key
 * twice), what topology_init refuses, ERR_NOMEM. */
#define LINKMAP_NODES_MAX 362u /* n (n - 1) / 2 <= TOPOLOGY_LINKS_MAX */
MUST_USE enum err linkmap_topology(const struct linkmap *map,
                                   const struct pubkey *keys,
                                   const struct topo_node *nodes,
                                   uint32_t count,
                                   const struct linkmap_ask *ask,
                                   struct topology *out);

/* One offerset of these offers, each at a site of its own: its index, whatever
 * offers[i].site says. A link is known where the round trip and the bandwidth
 * from i to j are. egress_micro[i] is what a GiB out of i costs; NULL: nothing.
 *
 * Refuses: ERR_TOO_LARGE (more than OFFERSET_SITES_MAX, or none), ERR_RANGE
 * (one key twice, what offerset_add refuses), ERR_NOMEM. */
MUST_USE enum err linkmap_offerset(const struct linkmap *map,
                                   const struct pubkey *keys,
                                   const struct offerset_offer *offers,
                                   uint32_t count, const uint64_t *egress_micro,
                                   const struct linkmap_ask *ask,
                                   struct offerset *out);

#endif
