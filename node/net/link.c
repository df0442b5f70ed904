#include "node/net/link.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/check.h"
#include "node/net/link_impl.h"

/* Points of a bad score by what went wrong. While opening nothing is proven
 * and accidents are common; when up, a wrong frame is no accident. */
static uint32_t opening_points(enum err err)
{
    if (err == ERR_TIMEOUT)
        return 20;
    if (err == ERR_CHAIN || err == ERR_VERSION || err == ERR_EXPIRED)
        return 5;
    if (err == ERR_EXISTS || err == ERR_PEERS || err == ERR_BANNED ||
        err == ERR_CLOSED || err_is_fault(err))
        return 0;
    return 60;
}

static uint32_t up_points(enum err err)
{
    if (err == ERR_DECRYPT || err == ERR_TOO_LARGE || err == ERR_TRUNCATED ||
        err == ERR_KIND || err == ERR_RANGE || err == ERR_RATE)
        return GUARD_BAN_SCORE;
    return 0;
}

static void score(struct net_peer *link, enum err err, bool was_up)
{
    struct net *net = link->net;
    uint64_t now_ms = net_now_ms(net);

    if (was_up)
        (void)guard_score_node(net->guard, &channel_peer(link->channel)->id,
                               up_points(err), err_text(err), now_ms);
    else if (!link->outbound)
        (void)guard_score_ip(net->guard, &link->ip, opening_points(err),
                             err_text(err), now_ms);
}

/* ---- the end of a link ---- */

static void settle(struct net_peer *link)
{
    if (link->half_open)
        guard_settled(link->net->guard, &link->ip);
    link->half_open = false;
}

static void link_gone(struct net_peer *link)
{
    struct net *net = link->net;

    CHECK(link->state == LINK_LINGERING);
    *link->at = link->next;
    if (link->next != NULL)
        link->next->at = link->at;
    settle(link);
    stream_close(link->stream);
    channel_free(link->channel);
    buf_done(&link->spare);
    free(link);
    net_link_gone(net);
}

/* The channel is over: nobody hears of the peer any more. */
static void link_over(struct net_peer *link, enum err err)
{
    struct net *net = link->net;
    struct net_target *target = link->target;
    bool was_up = link->state == LINK_UP;
    uint64_t now_us = net_now_us(net);

    CHECK(link->state != LINK_LINGERING);
    link->state = LINK_LINGERING;
    link->linger_until_us = now_us + LINK_LINGER_US;
    settle(link);
    net->dirty = true;
    if (target != NULL) {
        target->link = NULL;
        link->target = NULL;
        if (was_up)
            target_down(target, now_us - link->since_us);
        else
            target_failed(target, err);
    }
    if (was_up) {
        net->peer_count--;
        net->callbacks.on_peer_down(net->callbacks.ctx, link, err);
    }
}

void link_end(struct net_peer *link, enum err why)
{
    if (link->state == LINK_LINGERING)
        return;
    channel_close(link->channel, why);
    link_over(link, why == OK ? ERR_CLOSED : why);
}

/* Could this be, or become, the link that a peer has instead of ours? */
static bool may_be_instead(const struct net_peer *link,
                           const struct net_peer *ours, const struct pubkey *id)
{
    if (link == ours || link->state == LINK_LINGERING)
        return false;
    if (link->state == LINK_UP)
        return pubkey_equal(&channel_peer(link->channel)->id, id);
    return link->outbound || addr_ip_equal(&link->ip, &ours->ip);
}

/* The peer has another link of this node's key, and it is not ours. */
static bool is_displaced(const struct net_peer *link)
{
    const struct pubkey *id = &channel_peer(link->channel)->id;

    for (const struct net_peer *l = link->net->links; l != NULL; l = l->next)
        if (may_be_instead(l, link, id))
            return false;
    return true;
}

static void on_exists(struct net_peer *link)
{
    const struct net_callbacks *cb = &link->net->callbacks;

    if (cb->on_displaced == NULL || !is_displaced(link))
        return;
    note_say(&link->net->note, net_now_ms(link->net),
             "%s has another link of this node's key", link->address);
    cb->on_displaced(cb->ctx);
}

static void on_over(struct net_peer *link, const struct channel_event *ev)
{
    bool was_up = link->state == LINK_UP;

    if (was_up && ev->by_peer && ev->err == ERR_EXISTS)
        on_exists(link);
    if (!ev->by_peer)
        score(link, ev->err, was_up);
    if (ev->err != ERR_CLOSED && ev->err != ERR_EXISTS)
        note_say(&link->net->note, net_now_ms(link->net), "%s %s: %s%s",
                 link->outbound ? "link to" : "connection from", link->address,
                 err_text(ev->err), ev->by_peer ? " (says the peer)" : "");
    link_over(link, ev->err);
}

/* ---- coming up ---- */

/* Of two links to one peer, whether the new one is to be kept. The rule reads
 * the same from both ends; see link.h. */
static bool is_better(const struct net_peer *link, const struct net_peer *old,
                      const struct pubkey *peer)
{
    bool ours_first = pubkey_compare(&link->net->self.id, peer) < 0;

    if (link->outbound == old->outbound)
        return !link->outbound;
    return link->outbound == ours_first;
}

static enum err check_room(const struct net_peer *link)
{
    const struct net *net = link->net;
    uint32_t max = net->limits.peers_max;

    if (!link->outbound)
        max -= max / 4;
    return net->peer_count >= max ? ERR_PEERS : OK;
}

/* The peer has proven who it is; is it welcome? */
static enum err admit(void *ctx, const struct channel_identity *peer)
{
    struct net_peer *link = ctx;
    struct net *net = link->net;
    struct net_peer *old = net_find(net, &peer->id);

    if (net->closing)
        return ERR_CLOSED;
    if (link->target != NULL) {
        link->target->known = peer->id;
        link->target->knows = true;
    }
    if (pubkey_equal(&peer->id, &net->self.id)) {
        if (link->target != NULL)
            link->target->is_self = true;
        return ERR_EXISTS;
    }
    TRY(guard_check_node(net->guard, &peer->id, net_now_ms(net)));
    if (old != NULL)
        return is_better(link, old, &peer->id) ? OK : ERR_EXISTS;
    return check_room(link);
}

static void on_up(struct net_peer *link)
{
    struct net *net = link->net;
    const struct channel_identity *peer = channel_peer(link->channel);
    struct net_peer *old = net_find(net, &peer->id);

    if (old != NULL)
        link_end(old, ERR_EXISTS);
    settle(link);
    link->state = LINK_UP;
    link->since_us = net_now_us(net);
    net->peer_count++;
    net->callbacks.on_peer_up(net->callbacks.ctx, link, peer);
}

static void on_frame(struct net_peer *link, const struct channel_event *ev)
{
    struct net_callbacks *cb = &link->net->callbacks;

    if (ev->type == CHANNEL_TYPE_APP)
        cb->on_message(cb->ctx, link, ev->payload);
    else
        net_score(link, GUARD_BAN_SCORE, err_text(ERR_KIND));
}

static void on_event(struct net_peer *link, const struct channel_event *ev)
{
    switch (ev->kind) {
    case CHANNEL_EVENT_NONE:
        break;
    case CHANNEL_EVENT_UP:
        on_up(link);
        break;
    case CHANNEL_EVENT_FRAME:
        on_frame(link, ev);
        break;
    case CHANNEL_EVENT_OVER:
        on_over(link, ev);
        break;
    }
}

/* ---- bytes ---- */

static void read_on(struct net_peer *link)
{
    size_t max = link->state == LINK_UP ? LINK_READ_UP : LINK_READ_OPENING;
    enum err err;

    if (link->held && link->state == LINK_UP)
        return;
    err = stream_read(link->stream, max);
    if (err != OK)
        link_end(link, err);
}

static void on_data(void *ctx, struct bytes data)
{
    struct net_peer *link = ctx;
    uint64_t now_us = net_now_us(link->net);
    struct channel_event ev;

    link->net->dirty = true; /* pongs, the handshake, or an end */
    while (link->state != LINK_LINGERING && !link->doomed) {
        channel_step(link->channel, &data, now_us, &ev);
        if (ev.kind == CHANNEL_EVENT_NONE)
            break;
        on_event(link, &ev);
    }
    read_on(link); /* when lingering: to see the end */
}

static void on_written(void *ctx)
{
    struct net_peer *link = ctx;

    link->writing = 0;
    link->net->dirty = true;
}

/* err: the network's view; a peer that says nothing before it goes has crashed
 * or was cut off. */
static void on_end(void *ctx, enum err err)
{
    struct net_peer *link = ctx;

    if (link->state != LINK_LINGERING) {
        struct channel_event ev;

        channel_end(link->channel, &ev);
        if (link->state == LINK_UP)
            err = ERR_NET;
        else if (link->outbound)
            note_say(&link->net->note, net_now_ms(link->net),
                     "link to %s: closed before the handshake was done; the "
                     "peer may be full, or have banned this address",
                     link->address);
        link_over(link, err);
    }
    link_gone(link);
}

static void write_on(struct net_peer *link)
{
    if (channel_out_len(link->channel) == 0 || stream_is_writing(link->stream))
        return;
    if (link->spare.cap > LINK_KEEP)
        buf_done(&link->spare);
    channel_out_take(link->channel, &link->spare);
    link->writing = link->spare.len;
    stream_write(link->stream, &link->spare);
}

void link_flush(struct net_peer *link)
{
    if (link->doomed && link->state != LINK_LINGERING)
        link_end(link, link->doom);
    write_on(link);
    /* One that never came up and has no last words need not wait. */
    if (link->state == LINK_LINGERING && link->since_us == 0 &&
        !stream_is_writing(link->stream) &&
        channel_out_len(link->channel) == 0 && link->outbound)
        link_gone(link);
}

void link_tick(struct net_peer *link, uint64_t now_us)
{
    struct channel_event ev;

    if (link->state == LINK_LINGERING) {
        if (now_us >= link->linger_until_us)
            link_gone(link);
        return;
    }
    channel_tick(link->channel, now_us, &ev);
    on_event(link, &ev);
    link->net->dirty = true;
}

/* ---- the beginning ---- */

static enum err make_channel(struct net_peer *link)
{
    struct channel_config config;

    net_channel_config(link->net, &config);
    config.lane = CHANNEL_LANE_LINK;
    config.initiator = link->outbound;
    config.admit = admit;
    config.ctx = link;
    config.out_max = link->net->limits.queue_max;
    if (link->target != NULL && link->target->expects)
        config.expected = &link->target->expected;
    return channel_new(&config, &link->channel);
}

enum err link_new(struct net *net, struct stream *stream,
                  struct net_target *target)
{
    static const struct stream_events events = {on_data, on_written, on_end};
    struct net_peer *link = calloc(1, sizeof *link);
    enum err err = ERR_NOMEM;
    uint16_t port;

    if (link == NULL)
        goto out;
    link->net = net;
    link->stream = stream;
    link->target = target;
    link->outbound = target != NULL;
    stream_remote(stream, &link->ip, &port);
    addr_format(&link->ip, port, link->address);
    buf_init(&link->spare, 0);
    if (!link->outbound) {
        err = guard_accept(net->guard, &link->ip, net_now_ms(net));
        if (err != OK)
            goto out;
        link->half_open = true;
    }
    stream_attach(stream, &events, link);
    err = make_channel(link);
    if (err == OK)
        err = stream_read(stream, LINK_READ_OPENING);
    if (err != OK)
        goto out;
    link->next = net->links;
    link->at = &net->links;
    if (link->next != NULL)
        link->next->at = &link->next;
    net->links = link;
    if (target != NULL)
        target->link = link;
    net->dirty = true;
    return OK;
out:
    if (link != NULL) {
        settle(link);
        channel_free(link->channel);
        free(link);
    }
    stream_close(stream);
    return err;
}

/* ---- what the node does with a peer ---- */

static void doom(struct net_peer *peer, enum err why)
{
    if (peer->doomed || peer->state != LINK_UP)
        return;
    peer->doomed = true;
    peer->doom = why;
    peer->net->dirty = true;
}

enum err net_send(struct net_peer *peer, struct bytes payload)
{
    size_t waiting = channel_out_len(peer->channel) + peer->writing;
    enum err err;

    if (peer->state != LINK_UP || peer->doomed)
        return ERR_CLOSED;
    if (payload.len > LIMIT_MESSAGE_BYTES)
        return ERR_TOO_LARGE;
    if (waiting + payload.len > peer->net->limits.queue_max)
        err = ERR_SLOW;
    else
        err = channel_send(peer->channel, CHANNEL_TYPE_APP, payload);
    if (err == ERR_SLOW)
        doom(peer, ERR_SLOW);
    peer->net->dirty = true;
    return err;
}

void net_drop(struct net_peer *peer, enum err why)
{
    doom(peer, why);
}

void net_score(struct net_peer *peer, uint32_t points, const char *why)
{
    struct net *net = peer->net;

    if (!guard_score_node(net->guard, &channel_peer(peer->channel)->id, points,
                          why, net_now_ms(net)))
        return;
    note_say(&net->note, net_now_ms(net), "banned %s for a while: %s",
             peer->address, why);
    doom(peer, ERR_BANNED);
}

void net_hold(struct net_peer *peer)
{
    peer->held = true;
}

void net_resume(struct net_peer *peer)
{
    if (!peer->held)
        return;
    peer->held = false;
    if (peer->state == LINK_UP && !peer->doomed &&
        stream_read(peer->stream, LINK_READ_UP) != OK)
        doom(peer, ERR_NOMEM);
}

const struct channel_identity *net_peer_identity(const struct net_peer *peer)
{
    return channel_peer(peer->channel);
}

void net_peer_set_data(struct net_peer *peer, void *data)
{
    peer->data = data;
}

void *net_peer_data(const struct net_peer *peer)
{
    return peer->data;
}

void net_peer_bulk(const struct net_peer *peer, char out[CHANNEL_ADDR_MAX])
{
    addr_resolve(channel_peer(peer->channel)->bulk, peer->address, out);
}

void net_peer_listen(const struct net_peer *peer, char out[CHANNEL_ADDR_MAX])
{
    addr_resolve(channel_peer(peer->channel)->listen, peer->address, out);
}

void net_peer_info(const struct net_peer *peer, struct net_peer_info *out)
{
    struct channel_stats stats = channel_stats(peer->channel);
    struct net *net = peer->net;

    memset(out, 0, sizeof *out);
    memcpy(out->address, peer->address, sizeof out->address);
    out->outbound = peer->outbound;
    out->rtt_us = stats.rtt_us;
    out->rtt_min_us = stats.rtt_min_us;
    out->rtt_last_us = stats.rtt_last_us;
    out->pongs = stats.pongs;
    out->late = stats.late;
    out->bytes_in = stats.bytes_in;
    out->bytes_out = stats.bytes_out;
    out->queued = channel_out_len(peer->channel) + peer->writing;
    out->score = guard_node_score(net->guard, &channel_peer(peer->channel)->id,
                                  net_now_ms(net));
    out->since_us = peer->since_us;
}
