#ifndef NODE_PEER_MET_H
#define NODE_PEER_MET_H

/* Peers met: those whose links we have measured, and whose fault it is that
 * they are down.
 *
 * While any link is up, a link that is down counts against its peer. While none
 * is, it is our own network that is gone: nobody is blamed. Such an outage does
 * not look like one at first: links end when they have been silent, one a
 * moment before the other, and come back one by one as they are dialled. So
 * what went down within MET_TOGETHER_MS before the last did has not been down
 * at all, and after the first has come back the others have MET_RETURN_MS.
 *
 * Times are ms of one clock that never goes back. */

#include "base/limits.h"
#include "base/sign.h"
#include "sched/link/link_meter.h"

#define MET_MAX         (2 * LIMIT_PEERS)
#define MET_TOGETHER_MS 15000u /* more than a silent link is let live */
#define MET_RETURN_MS   60000u /* more than between two tries to dial */

struct met {
    struct pubkey peer;
    struct link_meter meter;
    bool used;
    bool up;
    uint64_t since_us; /* which of its connections was read last, */
    uint32_t pongs;    /* and what it said */
    uint32_t late;
    uint64_t seen_ms; /* last up */
    uint64_t probe_ms;
    bool blamed;          /* its being down counts: */
    uint64_t blamed_ms;   /* since then, */
    uint64_t times_ms[2]; /* and up and down as it was before */
    bool spared;          /* it would, but for our own outage */
};

/* All zero: nobody yet. */
struct mets {
    struct met met[MET_MAX];
    bool alone;        /* no link is up, and some were */
    uint64_t light_ms; /* the first came back then */
};

struct met *mets_find(struct mets *mets, const struct pubkey *peer);
/* Found, or new in the place of the one that has been gone for longest, with
 * seen_ms now. NULL: all are up. */
struct met *mets_get(struct mets *mets, const struct pubkey *peer,
                     uint64_t now_ms);
void mets_up(struct mets *mets, struct met *met, uint64_t now_ms);
/* friendly: it said goodbye, which is no outage. */
void mets_down(struct mets *mets, struct met *met, bool friendly,
               uint64_t now_ms);
/* Once a second. */
void mets_tick(struct mets *mets, uint64_t now_ms);

#endif
