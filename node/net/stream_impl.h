#ifndef NODE_NET_STREAM_IMPL_H
#define NODE_NET_STREAM_IMPL_H

/* Inside the streams: stream.c moves bytes, stream_dial.c makes connections. */

#include <nng/nng.h>

#include "node/net/mailbox.h"
#include "node/net/stream.h"

/* One nng operation: its aio, and whether nng or the mailbox has it. */
struct stream_op {
    nng_aio *aio;
    struct mailbox *mailbox;
    bool busy; /* loop thread */
    void (*finished)(void *owner, int status, size_t count);
    void *owner;
};

struct stream_host {
    uv_loop_t *loop;
    struct mailbox *mailbox;
    struct stream *streams;
    struct stream_dial *dials;
    struct stream_listener *listener;
    uint32_t stream_count, streams_max;
    uint32_t dial_count, dials_max;
    bool closing;
    void (*done)(void *ctx);
    void *ctx;
};

struct stream {
    struct stream_host *host;
    struct stream *next, **at;
    nng_stream *nng;
    struct stream_op rx, tx;
    uint8_t *in;
    size_t in_cap;
    struct buf out;
    size_t out_at; /* written so far */
    struct stream_events events;
    void *ctx;
    bool closing, ended;
};

struct stream_dial {
    struct stream_host *host;
    struct stream_dial *next, **at;
    nng_stream_dialer *nng;
    struct stream_op op;
    void (*done)(void *ctx, enum err err, struct stream *stream);
    void *ctx;
    bool cancelled;
};

struct stream_listener {
    struct stream_host *host;
    nng_stream_listener *nng;
    struct stream_op op;
    uv_timer_t pause;
    bool pause_open; /* the timer handle is to be closed */
    bool closing;
    void (*accepted)(void *ctx, struct stream *stream);
    void *ctx;
};

enum err stream_from_nng(int rv);
MUST_USE enum err stream_op_init(struct stream_op *op, struct stream_host *host,
                                 void (*finished)(void *, int, size_t),
                                 void *owner);
/* Not while it is busy. */
void stream_op_done(struct stream_op *op);
/* Takes the nng stream; frees it on error. */
MUST_USE enum err stream_make(struct stream_host *host, nng_stream *nng,
                              struct stream **out);
/* Something was freed: is it the last of a closing host? */
void stream_host_check(struct stream_host *host);

#endif
