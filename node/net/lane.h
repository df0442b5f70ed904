#ifndef NODE_NET_LANE_H
#define NODE_NET_LANE_H

/* A lane is a channel over a TCP connection of libuv's: what bulk transfers run
 * on. Loop thread only. A lane frees itself: after on_over, or after lane_end,
 * it is gone for its owner. Callbacks never come from inside a call, but
 * lane_end may be called from inside a callback. */

#include <uv.h>

#include "node/net/addr.h"
#include "node/net/road.h"

struct lane;

struct lane_events {
    void (*on_up)(void *ctx, const struct channel_identity *peer);
    /* payload is lent until the call returns */
    void (*on_frame)(void *ctx, uint8_t type, struct bytes payload);
    /* everything sent so far is in the hands of the system */
    void (*on_drained)(void *ctx);
    /* Once. The channel's error, or ERR_NET. by_peer as in channel_event. */
    void (*on_over)(void *ctx, enum err err, bool by_peer);
    /* The memory and the handle are given back; comes in every case, at last.
     * host is lane_new's. */
    void (*on_gone)(void *host);
};

/* channel->ctx is also the events' ctx. events is lent for good. ERR_NOMEM. */
MUST_USE enum err lane_new(uv_loop_t *loop,
                           const struct channel_config *channel,
                           const struct lane_events *events, void *host,
                           struct lane **out);
/* Then one of the two. After an error lane_end is still to be called. */
MUST_USE enum err lane_accept(struct lane *lane, uv_tcp_t *listener);
MUST_USE enum err lane_connect(struct lane *lane, const char *addr);

/* Of the other side; :: before it is connected. */
void lane_remote(const struct lane *lane, struct addr_ip *out_ip,
                 uint16_t *out_port);
/* Errors as channel_send. Written by lane_flush, which the lane calls itself
 * at the end of its own callbacks. */
MUST_USE enum err lane_send(struct lane *lane, uint8_t type,
                            struct bytes payload);
void lane_flush(struct lane *lane);
/* Bytes not yet in the hands of the system. */
size_t lane_waiting(const struct lane *lane);
bool lane_is_up(const struct lane *lane);
/* Valid once up. */
const struct channel_identity *lane_peer(const struct lane *lane);
/* The way out; false where the system does not tell. */
bool lane_road(const struct lane *lane, struct road *out);
/* A few times a second. */
void lane_tick(struct lane *lane, uint64_t now_us);
/* Ends it, telling the peer why; no callback but on_gone comes any more. The
 * lane needs no more ticks. */
void lane_end(struct lane *lane, enum err why);

#endif
