#ifndef NODE_GOSSIP_H
#define NODE_GOSSIP_H

/* What peers tell each other unasked: consensus, transactions on their way,
 * offers, links, addresses. Offers and links flood: a version that is new here
 * is handed to everyone but its sender, once; the order book is what has been
 * seen. What a peer may send is metered: it is slowed, scored, and banned if it
 * goes on. */

#include "market/links.h"
#include "node/node.h"

MUST_USE enum err gossip_new(struct node *node, struct gossip **out);
void gossip_free(struct gossip *gossip);

/* From the links. */
void gossip_peer_up(struct gossip *gossip, struct net_peer *peer,
                    const struct channel_identity *identity);
void gossip_peer_down(struct gossip *gossip, struct net_peer *peer,
                      enum err err);
void gossip_message(struct gossip *gossip, struct net_peer *peer,
                    struct bytes message);

/* From the chain. */
void gossip_sx(struct gossip *gossip, uint64_t peer, struct bytes message);
/* The bytes are lent until gossip_relay_end, which sends what is not sent yet:
 * transactions go together. */
void gossip_relay(struct gossip *gossip, struct bytes tx);
void gossip_relay_end(struct gossip *gossip);
/* Did what was submitted with this token come from a validator? It has told the
 * others itself. */
bool gossip_told_all(struct gossip *gossip, uint64_t token);
void gossip_bad(struct gossip *gossip, uint64_t peer, enum err err);
/* A token of a transaction that came from a peer: true if it was one. */
bool gossip_refused(struct gossip *gossip, const struct hash *id,
                    uint64_t token, enum err err);

/* Our own offer, signed: into our book and out to everyone. */
void gossip_offer(struct gossip *gossip, const struct offer *offer);
/* What we measured of our links, signed: out to everyone. */
void gossip_links(struct gossip *gossip, const struct links *links);
/* How high a peer's chain is, by its word. */
uint64_t gossip_peer_height(const struct gossip *gossip,
                            const struct net_peer *peer);
/* Once a second: round trips into the book, addresses to newcomers. */
void gossip_tick(struct gossip *gossip);

#endif
