#ifndef SCHED_LINK_GOODPUT_H
#define SCHED_LINK_GOODPUT_H

/* A node's goodput is what arrives from it at others, one figure out of its
 * links: METER_NET of what it sells.
 *
 * Only links count whose two ends both measured what arrives, each the worse of
 * the two, with a confidence of at least GOODPUT_CONFIDENCE_MIN: so it is known
 * for about as long as half a bandwidth's life, and neither a boast nor a
 * single accomplice makes one. Of these it is the median, the lower of the
 * middle two: half of those that were measured get at least as much. With less
 * than GOODPUT_PEERS_MIN it is not known.
 *
 * Our own word counts no more than another's, so a seller finds what its buyers
 * find from the same statements. */

#include "sched/link/linkmap.h"

#define GOODPUT_PEERS_MIN      2u
#define GOODPUT_CONFIDENCE_MIN 250u /* permille */

struct goodput {
    uint64_t kbps;     /* 0: not known */
    uint32_t rtt_us;   /* median round trip to the same; 0: not known */
    uint32_t peers;    /* links that count */
    uint32_t doubtful; /* links with a bandwidth that do not: one end alone
                          states it, or it is too long ago */
    uint64_t at_ms;    /* the oldest measurement that counts */
};

void goodput_of(const struct linkmap *map, const struct pubkey *node,
                uint64_t now_ms, struct goodput *out);

/* What of a declared rate counts beside the figure of the links: the lesser of
 * the two, nothing where one of them is not known. Bytes a second. */
uint64_t goodput_bound(const struct goodput *goodput, uint64_t declared_bps);
/* Bytes a second. */
uint64_t goodput_bps(const struct goodput *goodput);

/* Is what is said too far from what is found to go on saying it? More than an
 * eighth of it, or one of the two is nothing. */
bool goodput_moved(uint64_t said_bps, uint64_t found_bps);

#endif
