/* Who the peers are, how much each may say, and where what it says goes. */

#include "node/peer/gossip_inner.h"

#include "base/check.h"
#include "node/audit/audit.h"
#include "node/log.h"
#include "node/peer/few.h"
#include "node/peer/link_agent.h"
#include "node/shell/trade_shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#define PEER_ID_BITS 40   /* what the token of a transaction has room for */
#define RATE_PER_S   400u /* messages of one peer, sustained */
#define RATE_BURST   2000u
#define SX_PER_S     2000u /* consensus messages of one that is no validator */
#define SX_BURST     8000u
#define OFFERS_PER_S 50u /* new offers of one peer, sustained */
#define LINKS_PER_S  20u /* new statements of links of one peer, sustained */
#define LINKS_BURST  1000u
#define RELAYS       8u

enum err gossip_new(struct node *node, struct gossip **out)
{
    struct gossip *gossip = calloc(1, sizeof(*gossip));
    if (gossip == NULL)
        return ERR_NOMEM;
    gossip->node = node;
    arena_init(&gossip->arena, 8u * 1024 * 1024);
    *out = gossip;
    return OK;
}

void gossip_free(struct gossip *gossip)
{
    if (gossip == NULL)
        return;
    arena_done(&gossip->arena);
    free(gossip);
}

void gossip_send(struct net_peer *peer, const struct buf *message)
{
    if (message->err != OK || net_send(peer, buf_bytes(message)) != OK)
        log_debug("gossip", "a message was not sent");
}

unsigned gossip_broadcast(struct gossip *gossip, const struct buf *message,
                          uint32_t roles)
{
    unsigned count = 0;
    struct net_peer *peer = NULL;
    while ((peer = net_next(gossip->node->net, peer)) != NULL) {
        const struct gossip_peer *data = net_peer_data(peer);
        if (data == NULL || (roles != 0 && (data->roles & roles) == 0))
            continue;
        gossip_send(peer, message);
        count++;
    }
    return count;
}

void gossip_onward(struct gossip *gossip, const struct buf *message,
                   const struct net_peer *except)
{
    struct few few = {.wanted = RELAYS};
    struct net_peer *peer = NULL;
    while ((peer = net_next(gossip->node->net, peer)) != NULL)
        few.crowd += peer != except && net_peer_data(peer) != NULL;
    while (few.wanted > 0 &&
           (peer = net_next(gossip->node->net, peer)) != NULL) {
        if (peer != except && net_peer_data(peer) != NULL &&
            few_take(&few, randombytes_random()))
            gossip_send(peer, message);
    }
}

struct net_peer *gossip_peer_by_id(struct gossip *gossip, uint64_t id)
{
    struct net_peer *peer = NULL;
    while ((peer = net_next(gossip->node->net, peer)) != NULL) {
        const struct gossip_peer *data = net_peer_data(peer);
        if (data != NULL && data->id == id)
            return peer;
    }
    return NULL;
}

/* ---- addresses ---- */

static void send_peers(struct gossip *gossip, struct net_peer *to)
{
    struct wire_peers peers = {0};
    struct net_peer *peer = NULL;
    struct buf message;
    while ((peer = net_next(gossip->node->net, peer)) != NULL &&
           peers.count < WIRE_PEERS_MAX) {
        struct wire_peer *entry = &peers.peers[peers.count];
        char address[CHANNEL_ADDR_MAX];
        net_peer_listen(peer, address);
        if (peer == to || address[0] == '\0' ||
            strlen(address) >= sizeof(entry->address))
            continue;
        snprintf(entry->address, sizeof(entry->address), "%.63s", address);
        entry->node = net_peer_identity(peer)->id;
        peers.count++;
    }
    if (peers.count == 0)
        return;
    buf_init(&message, 8192);
    wire_peers_encode(&peers, &message);
    gossip_send(to, &message);
    buf_done(&message);
}

static void on_peers(struct gossip *gossip, struct gossip_peer *peer,
                     struct bytes message)
{
    struct wire_peers peers;
    struct node *node = gossip->node;
    const struct pubkey *by = &net_peer_identity(peer->net)->id;
    if (wire_peers_decode(message, &gossip->arena, &peers) != OK) {
        net_score(peer->net, 20, "addresses that cannot be read");
        return;
    }
    for (uint32_t i = 0; i < peers.count; i++) {
        const struct wire_peer *entry = &peers.peers[i];
        if (pubkey_equal(&entry->node, &node->self) ||
            net_find(node->net, &entry->node) != NULL ||
            !learnt_fits(&gossip->learnt, entry->address, &entry->node, by))
            continue;
        if (net_dial_hint(node->net, entry->address, &entry->node) == OK)
            learnt_add(&gossip->learnt, entry->address, &entry->node, by,
                       uv_now(node->loop));
    }
}

/* What leads nowhere makes room for what others name. */
static void forget_addresses(struct gossip *gossip)
{
    struct node *node = gossip->node;
    struct net_peer *peer = NULL;
    char address[LIMIT_NAME];
    while ((peer = net_next(node->net, peer)) != NULL)
        learnt_seen(&gossip->learnt, &net_peer_identity(peer)->id,
                    uv_now(node->loop));
    while (learnt_drop(&gossip->learnt, uv_now(node->loop), address))
        net_undial_hint(node->net, address);
}

/* ---- peers ---- */

void gossip_peer_up(struct gossip *gossip, struct net_peer *peer,
                    const struct channel_identity *identity)
{
    struct gossip_peer *data = calloc(1, sizeof(*data));
    struct trade_event up = {.kind = TRADE_PEER_UP, .peer = identity->id};
    struct net_peer_info info;
    CHECK(data != NULL);
    data->id = ++gossip->next_id & ((1ull << PEER_ID_BITS) - 1);
    data->net = peer;
    data->roles = identity->roles;
    data->budget_milli = RATE_BURST * 1000u;
    data->sx_budget_milli = SX_BURST * 1000u;
    data->offer_budget_milli = OFFERS_BURST * 1000u;
    data->links_budget_milli = LINKS_BURST * 1000u;
    data->refilled_ms = uv_now(gossip->node->loop);
    net_peer_set_data(peer, data);
    net_peer_info(peer, &info);
    log_info("peer", "up %s %s", info.address,
             info.outbound ? "outbound" : "inbound");
    gossip_send_offers(gossip, peer);
    chain_host_link(gossip->node->host, data->id, &identity->id);
    shell_event(gossip->node->shell, &up);
}

void gossip_peer_down(struct gossip *gossip, struct net_peer *peer,
                      enum err err)
{
    struct gossip_peer *data = net_peer_data(peer);
    struct trade_event down = {.kind = TRADE_PEER_DOWN,
                               .peer = net_peer_identity(peer)->id};
    struct net_peer_info info;
    net_peer_info(peer, &info);
    log_info("peer", "down %s: %s", info.address, err_text(err));
    net_peer_set_data(peer, NULL);
    chain_host_unlink(gossip->node->host, data->id);
    free(data);
    if (gossip->node->shell != NULL && gossip->node->links != NULL)
        link_agent_down(gossip->node->links, &down.peer, err);
    if (gossip->node->shell != NULL && !gossip->node->stopping)
        shell_event(gossip->node->shell, &down);
}

static void refill(struct gossip_peer *peer, uint64_t now_ms)
{
    uint64_t passed = now_ms - peer->refilled_ms;
    peer->refilled_ms = now_ms;
    peer->budget_milli += passed * RATE_PER_S;
    peer->sx_budget_milli += passed * SX_PER_S;
    peer->offer_budget_milli += passed * OFFERS_PER_S;
    peer->links_budget_milli += passed * LINKS_PER_S;
    if (peer->budget_milli > RATE_BURST * 1000u)
        peer->budget_milli = RATE_BURST * 1000u;
    if (peer->sx_budget_milli > SX_BURST * 1000u)
        peer->sx_budget_milli = SX_BURST * 1000u;
    if (peer->offer_budget_milli > OFFERS_BURST * 1000u)
        peer->offer_budget_milli = OFFERS_BURST * 1000u;
    if (peer->links_budget_milli > LINKS_BURST * 1000u)
        peer->links_budget_milli = LINKS_BURST * 1000u;
}

/* Consensus messages of one that is no validator, before they are read. Nobody
 * comes near the limit who keeps to the rules; that is held against a peer once
 * a second, for what is dropped may have been sent in good faith. */
static bool within_sx_rate(struct gossip_peer *peer, uint64_t now_ms)
{
    if (peer->sx_budget_milli >= 1000)
        return true;
    if (now_ms - peer->sx_told_ms >= 1000) {
        peer->sx_told_ms = now_ms;
        net_score(peer->net, 1, "more of consensus than anyone says");
    }
    return false;
}

/* Consensus messages, offers and links have budgets of their own, transactions
 * the pool's limits; the rest is metered here. */
static bool within_rate(struct gossip *gossip, struct gossip_peer *peer,
                        enum wire_kind kind)
{
    refill(peer, uv_now(gossip->node->loop));
    if (kind == WIRE_SX)
        return within_sx_rate(peer, uv_now(gossip->node->loop));
    if (kind == WIRE_TXS || kind == WIRE_OFFER || kind == WIRE_LINKS)
        return true;
    if (peer->budget_milli < 1000) {
        net_score(peer->net, 1, "more messages than agreed");
        return false;
    }
    peer->budget_milli -= 1000;
    return true;
}

static void on_trade(struct gossip *gossip, struct gossip_peer *peer,
                     struct bytes message)
{
    struct trade_event event = {.kind = TRADE_MESSAGE,
                                .peer = net_peer_identity(peer->net)->id,
                                .message = message};
    shell_event(gossip->node->shell, &event);
}

void gossip_message(struct gossip *gossip, struct net_peer *net_peer,
                    struct bytes message)
{
    struct gossip_peer *peer = net_peer_data(net_peer);
    enum wire_kind kind;
    enum err err = wire_peek(message, &kind);
    if (peer == NULL || gossip->node->stopping)
        return;
    arena_reset(&gossip->arena);
    if (err != OK) {
        net_score(net_peer, err == ERR_VERSION ? 5 : 20, err_text(err));
        return;
    }
    if (!within_rate(gossip, peer, kind))
        return;
    switch (kind) {
    case WIRE_SX:
        gossip_on_sx(gossip, peer, message);
        break;
    case WIRE_TXS:
        gossip_on_txs(gossip, peer, message);
        break;
    case WIRE_TX_REFUSED:
        gossip_on_tx_refused(gossip, peer, message);
        break;
    case WIRE_OFFER:
        gossip_on_offer(gossip, peer, message);
        break;
    case WIRE_LINKS:
        gossip_on_links(gossip, peer, message);
        break;
    case WIRE_PEERS:
        on_peers(gossip, peer, message);
        break;
    case WIRE_HOLD:
    case WIRE_QUOTE:
    case WIRE_HOLD_REFUSED:
    case WIRE_HOLD_RELEASE:
    case WIRE_START:
    case WIRE_JOB_STATE:
    case WIRE_LOG_GET:
    case WIRE_LOG:
    case WIRE_RECEIPT:
    case WIRE_RECEIPT_ACK:
    case WIRE_CANCEL:
    case WIRE_ASK:
    case WIRE_GRANT:
        on_trade(gossip, peer, message);
        break;
    case WIRE_AUDIT:
    case WIRE_AUDIT_DONE:
    case WIRE_AUDIT_OPEN:
    case WIRE_AUDIT_PART:
    case WIRE_AUDIT_REFUSED:
        audit_agent_message(gossip->node->audit, peer->net, message);
        break;
    }
}

void gossip_tick(struct gossip *gossip)
{
    struct node *node = gossip->node;
    struct net_peer *peer = NULL;
    forget_addresses(gossip);
    while ((peer = net_next(node->net, peer)) != NULL) {
        struct gossip_peer *data = net_peer_data(peer);
        struct net_peer_info info;
        if (data == NULL)
            continue;
        net_peer_info(peer, &info);
        /* The least seen is the distance; the rest is how busy both were. */
        if (info.rtt_min_us > 0 &&
            book_rtt_set(buy_book(node->buy), &net_peer_identity(peer)->id,
                         info.rtt_min_us, shell_now_ms(node->shell)) != OK)
            log_debug("gossip", "no room for a round trip");
        if (!data->told_peers)
            send_peers(gossip, peer);
        data->told_peers = true;
    }
}
