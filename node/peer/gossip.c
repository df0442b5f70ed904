#include "node/peer/gossip.h"

#include "base/check.h"
#include "node/audit/audit.h"
#include "node/peer/learnt.h"
#include "node/peer/link_agent.h"
#include "node/log.h"
#include "node/control/rpc_help.h"
#include "node/shell/trade_shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEER_TOKEN   (1ull << 62) /* of transactions that came from peers */
#define PEER_BITS    20           /* of the id inside such a token */
#define RELAY_BYTES  (64u * 1024) /* of transactions in one message, about */
#define RATE_PER_S   400u         /* messages of one peer, sustained */
#define RATE_BURST   2000u
#define SX_PER_S     2000u /* consensus messages of one that is no validator */
#define SX_BURST     8000u
#define OFFERS_PER_S 50u /* new offers of one peer, sustained */
#define OFFERS_BURST 2000u
#define LINKS_PER_S  20u /* new statements of links of one peer, sustained */
#define LINKS_BURST  1000u

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

static struct chain *chain_of(const struct gossip *gossip)
{
    return chain_host_chain(gossip->node->host);
}

static void send_to(struct net_peer *peer, const struct buf *message)
{
    if (message->err != OK || net_send(peer, buf_bytes(message)) != OK)
        log_debug("gossip", "a message was not sent");
}

/* To everyone but `except` (may be NULL), and only those with a role of
 * `roles` unless that is 0. Returns how many. */
static unsigned broadcast(struct gossip *gossip, const struct buf *message,
                          const struct net_peer *except, uint32_t roles)
{
    unsigned count = 0;
    struct net_peer *peer = NULL;
    while ((peer = net_next(gossip->node->net, peer)) != NULL) {
        const struct gossip_peer *data = net_peer_data(peer);
        if (peer == except || data == NULL ||
            (roles != 0 && (data->roles & roles) == 0))
            continue;
        send_to(peer, message);
        count++;
    }
    return count;
}

static struct net_peer *peer_by_id(struct gossip *gossip, uint64_t id)
{
    struct net_peer *peer = NULL;
    while ((peer = net_next(gossip->node->net, peer)) != NULL) {
        const struct gossip_peer *data = net_peer_data(peer);
        if (data != NULL && data->id == id)
            return peer;
    }
    return NULL;
}

/* ---- the chain ---- */

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
    struct net_peer *peer = peer_by_id(gossip, id);
    struct buf framed;
    if (peer == NULL)
        return;
    buf_init(&framed, LIMIT_MESSAGE_BYTES);
    wire_bytes_encode(WIRE_SX, message, &framed);
    send_to(peer, &framed);
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
    if (broadcast(gossip, &message, NULL, CHANNEL_ROLE_VALIDATOR) == 0 &&
        (gossip->node->roles & NODE_ROLE_VALIDATOR) == 0)
        broadcast(gossip, &message, NULL, 0);
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
    struct net_peer *peer = peer_by_id(gossip, id);
    if (peer != NULL)
        net_score(peer, 50, err_text(err));
}

static void on_sx(struct gossip *gossip, struct gossip_peer *peer,
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

static void on_txs(struct gossip *gossip, struct gossip_peer *peer,
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
    peer = peer_by_id(gossip, token & ~PEER_TOKEN);
    if (peer == NULL)
        return true;
    if (err == ERR_SIGNATURE || err == ERR_CHAIN)
        net_score(peer, 20, "a transaction that is not signed");
    /* A validator only passed it on, and finds out by itself. */
    if (hash_is_zero(id) || err == ERR_EXISTS || gossip_told_all(gossip, token))
        return true;
    buf_init(&message, 128);
    wire_tx_refused_encode(&refused, &message);
    send_to(peer, &message);
    buf_done(&message);
    return true;
}

/* A hint for the operator. Nothing is done on a peer's word: what the rules
 * refuse our own core finds out after the next block, the rest is relayed
 * again. */
static void on_tx_refused(struct gossip *gossip, struct gossip_peer *peer,
                          struct bytes message)
{
    struct wire_tx_refused refused;
    if (wire_tx_refused_decode(message, &gossip->arena, &refused) != OK)
        net_score(peer->net, 20, "a refusal that cannot be read");
    else
        log_info("gossip", "a peer would not take a transaction: %s",
                 err_text(refused.err));
}

/* ---- offers ---- */

static void offer_message(const struct offer *offer, struct buf *out)
{
    struct buf body;
    buf_init(&body, OFFER_BYTES_MAX);
    buf_init(out, OFFER_BYTES_MAX + 64);
    if (offer_encode(offer, &body) != OK)
        out->err = ERR_NOMEM;
    wire_bytes_encode(WIRE_OFFER, buf_bytes(&body), out);
    buf_done(&body);
}

static void note_offer(struct gossip *gossip, const struct offer *offer)
{
    struct feed_event event = {
        .at_ms = node_wall_ms(), .kind = FEED_OFFER, .task = UINT32_MAX};
    struct trade_event changed = {.kind = TRADE_OFFER, .peer = offer->provider};
    snprintf(event.text, sizeof(event.text),
             "%s offers %u.%03u of %u.%03u "
             "cores, %llu MiB free",
             offer->name, offer->free.cpu_milli / 1000,
             offer->free.cpu_milli % 1000, offer->total.cpu_milli / 1000,
             offer->total.cpu_milli % 1000,
             (unsigned long long)offer->free.mem_mib);
    feed_add(&gossip->node->feed, &event);
    shell_event(gossip->node->shell, &changed);
}

static enum err put_offer(struct gossip *gossip, const struct offer *offer)
{
    struct node *node = gossip->node;
    TRY(book_offer_put(buy_book(node->buy), offer, shell_now_ms(node->shell),
                       node_wall_ms()));
    note_offer(gossip, offer);
    return OK;
}

void gossip_offer(struct gossip *gossip, const struct offer *offer)
{
    struct buf message;
    enum err err = put_offer(gossip, offer);
    if (err != OK) {
        log_odd("gossip", "our own offer is refused: %s", err_text(err));
        return;
    }
    offer_message(offer, &message);
    broadcast(gossip, &message, NULL, 0);
    buf_done(&message);
}

/* Cheap looks first: a version we have costs no signature check. */
static void on_offer(struct gossip *gossip, struct gossip_peer *peer,
                     struct bytes message)
{
    struct node *node = gossip->node;
    struct bytes body;
    struct offer offer;
    struct book_offer known;
    struct buf onward;
    if (wire_bytes_decode(WIRE_OFFER, message, &gossip->arena, &body) != OK ||
        offer_decode(body, &gossip->arena, &offer) != OK) {
        net_score(peer->net, 20, "an offer that cannot be read");
        return;
    }
    if (pubkey_equal(&offer.provider, &node->self))
        return; /* our own, come back */
    if (book_offer_get(buy_book(node->buy), &offer.provider,
                       shell_now_ms(node->shell), &known) &&
        known.offer.version >= offer.version)
        return;
    if (peer->offer_budget_milli < 1000) {
        net_score(peer->net, 1, "more offers than anyone makes");
        return;
    }
    peer->offer_budget_milli -= 1000;
    if (offer_verify(&offer, chain_id(chain_of(gossip))) != OK) {
        net_score(peer->net, 50, "an offer that is not signed");
        return;
    }
    if (put_offer(gossip, &offer) != OK)
        return;
    offer_message(&offer, &onward);
    broadcast(gossip, &onward, peer->net, 0);
    buf_done(&onward);
}

static void send_offers(struct gossip *gossip, struct net_peer *peer)
{
    struct book_offer known;
    uint32_t cursor = 0;
    unsigned sent = 0;
    while (sent < OFFERS_BURST / 2 &&
           book_offer_next(buy_book(gossip->node->buy), &cursor,
                           shell_now_ms(gossip->node->shell), &known)) {
        struct buf message;
        offer_message(&known.offer, &message);
        send_to(peer, &message);
        buf_done(&message);
        sent++;
    }
}

/* ---- links ---- */

static void links_message(const struct links *links, struct buf *out)
{
    struct buf body;
    buf_init(&body, LINKS_BYTES_MAX);
    buf_init(out, LINKS_BYTES_MAX + 64);
    if (links_encode(links, &body) != OK)
        out->err = ERR_NOMEM;
    wire_bytes_encode(WIRE_LINKS, buf_bytes(&body), out);
    buf_done(&body);
}

void gossip_links(struct gossip *gossip, const struct links *links)
{
    struct buf message;
    links_message(links, &message);
    broadcast(gossip, &message, NULL, 0);
    buf_done(&message);
}

/* Cheap looks first, as with offers. */
static void on_links(struct gossip *gossip, struct gossip_peer *peer,
                     struct bytes message)
{
    struct node *node = gossip->node;
    struct bytes body;
    struct links links;
    struct buf onward;
    if (wire_bytes_decode(WIRE_LINKS, message, &gossip->arena, &body) != OK ||
        links_decode(body, &gossip->arena, &links) != OK) {
        net_score(peer->net, 20, "links that cannot be read");
        return;
    }
    if (pubkey_equal(&links.origin, &node->self) ||
        link_agent_heard(node->links, &links))
        return;
    if (peer->links_budget_milli < 1000) {
        net_score(peer->net, 1, "more of links than anyone tells");
        return;
    }
    peer->links_budget_milli -= 1000;
    if (links_verify(&links, chain_id(chain_of(gossip))) != OK) {
        net_score(peer->net, 50, "links that are not signed");
        return;
    }
    if (link_agent_put(node->links, &links) != OK)
        return;
    links_message(&links, &onward);
    broadcast(gossip, &onward, peer->net, 0);
    buf_done(&onward);
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
    send_to(to, &message);
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
    data->id = ++gossip->next_id & ((1ull << (2 * PEER_BITS)) - 1);
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
    send_offers(gossip, peer);
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
        on_sx(gossip, peer, message);
        break;
    case WIRE_TXS:
        on_txs(gossip, peer, message);
        break;
    case WIRE_TX_REFUSED:
        on_tx_refused(gossip, peer, message);
        break;
    case WIRE_OFFER:
        on_offer(gossip, peer, message);
        break;
    case WIRE_LINKS:
        on_links(gossip, peer, message);
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
