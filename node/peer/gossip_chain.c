/* Consensus, and transactions on their way to validators. */

#include "node/peer/gossip_inner.h"

#include "node/log.h"

#define PEER_TOKEN  (1ull << 62) /* of transactions that came from peers */
#define RELAY_BYTES (64u * 1024) /* of transactions in one message, about */

uint64_t gossip_peer_height(const struct gossip *gossip,
                            const struct net_peer *peer)
{
    const struct gossip_peer *data = net_peer_data(peer);
    return data != NULL
               ? sx_peer_height(chain_host_core(gossip->node->host), data->id)
               : 0;
}

void gossip_sx(struct gossip *gossip, uint64_t id, struct bytes message)
{
    struct net_peer *peer = gossip_peer_by_id(gossip, id);
    struct buf framed;
    if (peer == NULL)
        return;
    buf_init(&framed, LIMIT_MESSAGE_BYTES);
    wire_bytes_encode(WIRE_SX, message, &framed);
    gossip_send(peer, &framed);
    buf_done(&framed);
}

void gossip_relay(struct gossip *gossip, struct bytes tx)
{
    struct wire_txs *relayed = &gossip->relayed;
    relayed->txs[relayed->count++] = tx;
    gossip->relayed_bytes += tx.len;
    if (relayed->count == WIRE_TXS_MAX || gossip->relayed_bytes >= RELAY_BYTES)
        gossip_relay_end(gossip);
}

void gossip_relay_end(struct gossip *gossip)
{
    struct buf message;
    if (gossip->relayed.count == 0)
        return;
    buf_init(&message, LIMIT_MESSAGE_BYTES);
    wire_txs_encode(&gossip->relayed, &message);
    gossip->relayed.count = 0;
    gossip->relayed_bytes = 0;
    if (gossip_broadcast(gossip, &message, CHANNEL_ROLE_VALIDATOR) == 0 &&
        (gossip->node->roles & NODE_ROLE_VALIDATOR) == 0)
        gossip_broadcast(gossip, &message, 0);
    buf_done(&message);
}

bool gossip_told_all(struct gossip *gossip, uint64_t token)
{
    if ((token & PEER_TOKEN) == 0 || (token & OWN_TX_TOKEN) != 0)
        return false;
    return sx_peer_signs(chain_host_core(gossip->node->host),
                         token & ~PEER_TOKEN);
}

void gossip_bad(struct gossip *gossip, uint64_t id, enum err err)
{
    struct net_peer *peer = gossip_peer_by_id(gossip, id);
    if (peer != NULL)
        net_score(peer, 50, err_text(err));
}

void gossip_on_sx(struct gossip *gossip, struct gossip_peer *peer,
                  struct bytes message)
{
    struct bytes body;
    if (wire_bytes_decode(WIRE_SX, message, &gossip->arena, &body) != OK ||
        body.len == 0) {
        net_score(peer->net, 20, "a consensus message that cannot be read");
        return;
    }
    bool useful = false;
    struct chain_host *host = gossip->node->host;
    if (chain_host_message(host, peer->id, body, &useful) != OK)
        log_debug("gossip", "a block is dropped: too many wait");
    if (!useful && !sx_peer_signs(chain_host_core(host), peer->id))
        peer->sx_budget_milli -=
            peer->sx_budget_milli < 1000 ? peer->sx_budget_milli : 1000;
}

static void submit_heard(struct gossip *gossip, const struct gossip_peer *peer,
                         struct bytes tx)
{
    uint64_t token = PEER_TOKEN | peer->id;
    struct hash id;
    enum err err = chain_host_submit(gossip->node->host, tx, token);
    if (err == OK)
        return;
    log_debug("gossip", "a transaction is dropped: %s", err_text(err));
    hash_bytes(HASH_TAG_TX, tx, &id);
    gossip_refused(gossip, &id, token, err);
}

void gossip_on_txs(struct gossip *gossip, struct gossip_peer *peer,
                   struct bytes message)
{
    struct wire_txs *heard = &gossip->heard;
    if (wire_txs_decode(message, &gossip->arena, heard) != OK) {
        net_score(peer->net, 20, "transactions that cannot be read");
        return;
    }
    for (uint32_t i = 0; i < heard->count; i++)
        submit_heard(gossip, peer, heard->txs[i]);
}

bool gossip_refused(struct gossip *gossip, const struct hash *id,
                    uint64_t token, enum err err)
{
    struct net_peer *peer;
    struct wire_tx_refused refused = {.id = *id, .err = err};
    struct buf message;
    if ((token & PEER_TOKEN) == 0 || (token & OWN_TX_TOKEN) != 0)
        return false;
    peer = gossip_peer_by_id(gossip, token & ~PEER_TOKEN);
    if (peer == NULL)
        return true;
    if (err == ERR_SIGNATURE || err == ERR_CHAIN)
        net_score(peer, 20, "a transaction that is not signed");
    /* A validator only passed it on, and finds out by itself. */
    if (hash_is_zero(id) || err == ERR_EXISTS || gossip_told_all(gossip, token))
        return true;
    buf_init(&message, 128);
    wire_tx_refused_encode(&refused, &message);
    gossip_send(peer, &message);
    buf_done(&message);
    return true;
}

/* A hint for the operator. Nothing is done on a peer's word: what the rules
 * refuse our own core finds out after the next block, the rest is relayed
 * again. */
void gossip_on_tx_refused(struct gossip *gossip, struct gossip_peer *peer,
                          struct bytes message)
{
    struct wire_tx_refused refused;
    if (wire_tx_refused_decode(message, &gossip->arena, &refused) != OK)
        net_score(peer->net, 20, "a refusal that cannot be read");
    else
        log_info("gossip", "a peer would not take a transaction: %s",
                 err_text(refused.err));
}
