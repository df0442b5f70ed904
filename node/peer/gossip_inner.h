#ifndef NODE_GOSSIP_INNER_H
#define NODE_GOSSIP_INNER_H

/* Between the pages of gossip, nobody else. */

#include "node/peer/gossip.h"
#include "node/peer/learnt.h"
#include "node/peer/wire.h"

#define OFFERS_BURST 2000u /* new offers of one peer, at once */

/* One peer as gossip sees it: hangs on its net_peer. */
struct gossip_peer {
    uint64_t id; /* 1, 2, ...: what the core knows it by */
    struct net_peer *net;
    uint32_t roles;
    uint64_t budget_milli;    /* messages it may send, in thousandths */
    uint64_t sx_budget_milli; /* consensus messages of no use */
    uint64_t sx_told_ms;      /* when too many of them were held against it */
    uint64_t offer_budget_milli; /* new offers, likewise */
    uint64_t links_budget_milli; /* new statements of links */
    uint64_t refilled_ms;
    bool told_peers;
};

struct gossip {
    struct node *node;
    uint64_t next_id;
    struct learnt learnt; /* addresses we dial because somebody named them */
    struct arena arena;
    struct wire_txs relayed; /* lent, to be sent together */
    size_t relayed_bytes;
    struct wire_txs heard; /* of the message being read */
};

void gossip_send(struct net_peer *peer, const struct buf *message);
/* To everyone, or those with a role of `roles` if that is not 0. Returns how
 * many. */
unsigned gossip_broadcast(struct gossip *gossip, const struct buf *message,
                          uint32_t roles);
/* What somebody else made, onward: to RELAYS at random, since who made it tells
 * all its peers himself. With everybody telling all, n nodes that know each
 * other would hear everything n times. Who is met by none of the relays (e^-8,
 * one in 3,000 where many know few) hears the next version. */
void gossip_onward(struct gossip *gossip, const struct buf *message,
                   const struct net_peer *except);
struct net_peer *gossip_peer_by_id(struct gossip *gossip, uint64_t id);

/* gossip_chain.c */
void gossip_on_sx(struct gossip *gossip, struct gossip_peer *peer,
                  struct bytes message);
void gossip_on_txs(struct gossip *gossip, struct gossip_peer *peer,
                   struct bytes message);
void gossip_on_tx_refused(struct gossip *gossip, struct gossip_peer *peer,
                          struct bytes message);

/* gossip_market.c */
void gossip_on_offer(struct gossip *gossip, struct gossip_peer *peer,
                     struct bytes message);
void gossip_on_links(struct gossip *gossip, struct gossip_peer *peer,
                     struct bytes message);
/* All we know, to a newcomer. */
void gossip_send_offers(struct gossip *gossip, struct net_peer *peer);

#endif
