/* Offers, and what providers measured of the links between them. */

#include "node/peer/gossip_inner.h"

#include "node/control/rpc_help.h"
#include "node/log.h"
#include "node/peer/link_agent.h"
#include "node/shell/trade_shell.h"

#include <stdio.h>

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
    gossip_broadcast(gossip, &message, 0);
    buf_done(&message);
}

/* Cheap looks first: a version we have costs no signature check. */
void gossip_on_offer(struct gossip *gossip, struct gossip_peer *peer,
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
    if (offer_verify(&offer, chain_id(chain_host_chain(node->host))) != OK) {
        net_score(peer->net, 50, "an offer that is not signed");
        return;
    }
    if (put_offer(gossip, &offer) != OK)
        return;
    offer_message(&offer, &onward);
    gossip_onward(gossip, &onward, peer->net);
    buf_done(&onward);
}

void gossip_send_offers(struct gossip *gossip, struct net_peer *peer)
{
    struct book_offer known;
    uint32_t cursor = 0;
    unsigned sent = 0;
    while (sent < OFFERS_BURST / 2 &&
           book_offer_next(buy_book(gossip->node->buy), &cursor,
                           shell_now_ms(gossip->node->shell), &known)) {
        struct buf message;
        offer_message(&known.offer, &message);
        gossip_send(peer, &message);
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
    gossip_broadcast(gossip, &message, 0);
    buf_done(&message);
}

/* Cheap looks first, as with offers. */
void gossip_on_links(struct gossip *gossip, struct gossip_peer *peer,
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
    if (links_verify(&links, chain_id(chain_host_chain(node->host))) != OK) {
        net_score(peer->net, 50, "links that are not signed");
        return;
    }
    if (link_agent_put(node->links, &links) != OK)
        return;
    links_message(&links, &onward);
    gossip_onward(gossip, &onward, peer->net);
    buf_done(&onward);
}
