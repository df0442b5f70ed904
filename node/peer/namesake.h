#ifndef NODE_PEER_NAMESAKE_H
#define NODE_PEER_NAMESAKE_H

/* A namesake is another machine with this node's key: somebody copied the data
 * directory, or the whole machine. A peer keeps one link to an identity, so the
 * two push each other off, in turns, for as long as both run. One time is an
 * accident: a link that broke at this end only is there for the peer until it
 * has been silent for CHANNEL_IDLE_US. Pure; times are ms of one clock that
 * never goes back. */

#include <stdbool.h>
#include <stdint.h>

#define NAMESAKE_SURE_MS  30000u  /* when it has gone on for so long */
#define NAMESAKE_GAP_MS   30000u  /* more than between two tries to dial */
#define NAMESAKE_QUIET_MS 120000u /* not any more, after so long without */

/* All zero: nothing was seen. */
struct namesake {
    bool seen;
    uint64_t first_ms;
    uint64_t last_ms;
    uint64_t sure_ms; /* when it was certain last; 0: never */
};

/* A link gave way to one of this node's key that is not ours (node/net/link.h,
 * on_displaced). */
void namesake_seen(struct namesake *namesake, uint64_t now_ms);
/* Is there one? */
bool namesake_is(const struct namesake *namesake, uint64_t now_ms);

#endif
