#ifndef SCHED_GRAPH_OFFERSET_H
#define SCHED_GRAPH_OFFERSET_H

/* Offers to run a workflow on, and what lies between their sites.
 *
 * Data within one offer takes no time and costs nothing. Between two offers it
 * takes the round trip and the bytes at the link's bandwidth, and its sender's
 * egress price; two offers of one site use the site's link with itself. A link
 * nobody told of cannot be used: unknown is not near. Links do not share their
 * bandwidth in this model: each transfer has all of it. */

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define OFFERSET_OFFERS_MAX 4096u
#define OFFERSET_SITES_MAX  1024u
#define OFFERSET_ZONES_MAX  64u
#define OFFERSET_SPEED_MAX  1000000u
#define OFFERSET_PRICE_MAX  (UINT64_C(1) << 40) /* micro-credits */

struct offerset_offer {
    uint64_t price_micro;    /* of a core for an hour, in micro-credits */
    uint32_t speed_permille; /* of the reference; 1..OFFERSET_SPEED_MAX */
    uint32_t cores;          /* at least 1 */
    uint32_t memory_mib;
    uint32_t site;
    uint32_t zone; /* below OFFERSET_ZONES_MAX */
};

struct offerset_link {
    uint64_t egress_micro; /* of a GiB, in micro-credits */
    uint32_t rtt_us;
    uint32_t kbps; /* 0: unknown, cannot be used */
};

struct offerset {
    struct offerset_offer *offers;
    struct offerset_link *links; /* [from * sites + to] */
    uint32_t count;
    uint32_t room;
    uint32_t sites;
};

/* sites: 1..OFFERSET_SITES_MAX, CHECKed. All links are unknown. ERR_NOMEM. */
MUST_USE enum err offerset_init(struct offerset *set, uint32_t sites);
void offerset_done(struct offerset *set);

/* ERR_RANGE: a field is outside its bounds; ERR_TOO_LARGE: too many;
 * ERR_NOMEM. */
MUST_USE enum err offerset_add(struct offerset *set,
                               const struct offerset_offer *offer);
/* One direction. ERR_RANGE. */
MUST_USE enum err offerset_link(struct offerset *set, uint32_t from,
                                uint32_t to, const struct offerset_link *link);

static inline const struct offerset_link *offerset_between(
    const struct offerset *set, uint32_t from_site, uint32_t to_site)
{
    return &set->links[(size_t)from_site * set->sites + to_site];
}

#endif
