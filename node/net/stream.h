#ifndef NODE_NET_STREAM_H
#define NODE_NET_STREAM_H

/* Byte streams over nng (tcp), for the loop thread. These pages alone
 * know nng. nng finishes operations on threads of its own; there a note is put
 * into the mailbox and nothing else is done. Each operation has one nng_aio
 * with at most one note under way, and the mailbox has room for all of them, so
 * that none is ever lost.
 *
 * What nng 1.5.2 wants (its issues #1543, #1138, #1720): one operation per aio
 * at a time; nothing stopped, closed or freed in a callback; and at the end
 * first all operations over, then streams closed and aios freed, then the
 * uv_async of the mailbox. A stream is therefore freed a little after
 * stream_close, when nng has given back what it had.
 *
 * All calls and callbacks are on the loop thread; callbacks never come from
 * inside a call. */

#include <uv.h>

#include "base/bytes.h"
#include "node/net/addr.h"

struct stream_host;
struct stream;
struct stream_dial;
struct stream_listener;

/* For at most streams_max streams and dials_max dials at once. ERR_NOMEM. */
MUST_USE enum err stream_host_new(uv_loop_t *loop, uint32_t streams_max,
                                  uint32_t dials_max, struct stream_host **out);
/* Ends what is left, without callbacks, and calls `done` when it is freed. */
void stream_host_close(struct stream_host *host, void (*done)(void *ctx),
                       void *ctx);
uint32_t stream_count(const struct stream_host *host);

/* ---- streams ---- */

struct stream_events {
    /* Bytes have come; lent until the call returns. Receiving stops with it:
     * stream_read goes on. */
    void (*on_data)(void *ctx, struct bytes data);
    /* What stream_write was given is in the hands of the system. */
    void (*on_written)(void *ctx);
    /* The peer or the network ended it: ERR_CLOSED or ERR_NET. stream_close
     * is still to be called. Comes at most once. */
    void (*on_end)(void *ctx, enum err err);
};

/* Before anything else is done with a stream that came from a dial or a
 * listener. */
void stream_attach(struct stream *stream, const struct stream_events *events,
                   void *ctx);
/* The address of the other side. */
void stream_remote(const struct stream *stream, struct addr_ip *out_ip,
                   uint16_t *out_port);
/* Receives once, up to `max` bytes (the buffer is kept; it grows to the largest
 * max asked for). Nothing happens when it is receiving already. ERR_NOMEM. */
MUST_USE enum err stream_read(struct stream *stream, size_t max);
bool stream_is_writing(const struct stream *stream);
/* Writes everything in `data`, which must not be empty, by exchanging memory;
 * `data` is empty afterwards. Not while writing (CHECKed). */
void stream_write(struct stream *stream, struct buf *data);
/* No callback comes after this. NULL is fine. */
void stream_close(struct stream *stream);

/* ---- dialling and listening ---- */

/* `done` comes once, with a stream when OK; otherwise ERR_NET (refused, no
 * route, no such name), ERR_TIMEOUT. Fails at once with ERR_PARSE, ERR_RATE
 * (too many dials or streams), ERR_NOMEM. */
MUST_USE enum err stream_dial(struct stream_host *host, const char *addr,
                              uint32_t timeout_ms,
                              void (*done)(void *ctx, enum err err,
                                           struct stream *stream),
                              void *ctx, struct stream_dial **out);
/* `done` will not come. */
void stream_dial_cancel(struct stream_dial *dial);

/* Takes connections and gives each to `accepted`; beyond streams_max they are
 * closed. *out_port is the real port. ERR_PARSE, ERR_BUSY (in use), ERR_PERM,
 * ERR_NET (no such address here), ERR_NOMEM. */
MUST_USE enum err stream_listen(struct stream_host *host, const char *addr,
                                void (*accepted)(void *ctx,
                                                 struct stream *stream),
                                void *ctx, struct stream_listener **out,
                                uint16_t *out_port);
void stream_listener_close(struct stream_listener *listener);

#endif
