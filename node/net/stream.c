#include "node/net/stream.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nng/nng.h>

#include "base/check.h"
#include "node/net/mailbox.h"

enum { ACCEPT_PAUSE_MS = 200 }; /* after an error such as too many files */

/* One nng operation: its aio, and whether nng or the mailbox has it. */
struct op {
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
    struct op rx, tx;
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
    struct op op;
    void (*done)(void *ctx, enum err err, struct stream *stream);
    void *ctx;
    bool cancelled;
};

struct stream_listener {
    struct stream_host *host;
    nng_stream_listener *nng;
    struct op op;
    uv_timer_t pause;
    bool pause_open; /* the timer handle is to be closed */
    bool closing;
    void (*accepted)(void *ctx, struct stream *stream);
    void *ctx;
};

static enum err from_nng(int rv)
{
    switch (rv) {
    case 0:
        return OK;
    case NNG_ENOMEM:
        return ERR_NOMEM;
    case NNG_ECLOSED:
    case NNG_ECONNSHUT:
    case NNG_ECONNRESET:
        return ERR_CLOSED;
    case NNG_ETIMEDOUT:
        return ERR_TIMEOUT;
    case NNG_EADDRINUSE:
        return ERR_BUSY;
    case NNG_EPERM:
        return ERR_PERM;
    }
    return ERR_NET;
}

/* ---- operations ---- */

/* On a thread of nng's: a note, and nothing else. */
static void op_callback(void *arg)
{
    struct op *op = arg;
    struct mail mail = {op, nng_aio_result(op->aio), nng_aio_count(op->aio)};

    /* There is a place for every operation. */
    CHECK(mailbox_push(op->mailbox, &mail));
}

static enum err op_init(struct op *op, struct stream_host *host,
                        void (*finished)(void *, int, size_t), void *owner)
{
    op->mailbox = host->mailbox;
    op->finished = finished;
    op->owner = owner;
    return from_nng(nng_aio_alloc(&op->aio, op_callback, op));
}

static void op_done(struct op *op)
{
    CHECK(!op->busy);
    if (op->aio == NULL)
        return;
    nng_aio_stop(op->aio);
    nng_aio_free(op->aio);
    op->aio = NULL;
}

static void deliver(void *ctx, const struct mail *mail)
{
    struct op *op = mail->to;

    (void)ctx;
    CHECK(op->busy);
    op->busy = false;
    op->finished(op->owner, mail->status, mail->count);
}

/* ---- the host ---- */

enum err stream_host_new(uv_loop_t *loop, uint32_t streams_max,
                         uint32_t dials_max, struct stream_host **out)
{
    struct stream_host *host = calloc(1, sizeof *host);
    size_t ops = 2 * (size_t)streams_max + dials_max + 1;
    enum err err;

    if (host == NULL)
        return ERR_NOMEM;
    err = mailbox_new(loop, ops, deliver, host, &host->mailbox);
    if (err != OK) {
        free(host);
        return err;
    }
    host->loop = loop;
    host->streams_max = streams_max;
    host->dials_max = dials_max;
    *out = host;
    return OK;
}

uint32_t stream_count(const struct stream_host *host)
{
    return host->stream_count;
}

static void host_gone(void *ctx)
{
    struct stream_host *host = ctx;
    void (*done)(void *ctx) = host->done;
    void *done_ctx = host->ctx;

    free(host);
    if (done != NULL)
        done(done_ctx);
}

/* The mailbox goes last, when no operation can post any more. */
static void host_check(struct stream_host *host)
{
    if (!host->closing || host->streams != NULL || host->dials != NULL ||
        host->listener != NULL || host->mailbox == NULL)
        return;
    mailbox_close(host->mailbox, host_gone, host);
    host->mailbox = NULL;
}

void stream_host_close(struct stream_host *host, void (*done)(void *ctx),
                       void *ctx)
{
    CHECK(!host->closing);
    host->closing = true;
    host->done = done;
    host->ctx = ctx;
    if (host->listener != NULL)
        stream_listener_close(host->listener);
    for (struct stream_dial *d = host->dials, *next; d != NULL; d = next) {
        next = d->next;
        stream_dial_cancel(d);
    }
    for (struct stream *s = host->streams, *next; s != NULL; s = next) {
        next = s->next;
        if (!s->closing)
            stream_close(s);
    }
    host_check(host);
}

/* ---- streams ---- */

static void stream_free(struct stream *s)
{
    struct stream_host *host = s->host;

    *s->at = s->next;
    if (s->next != NULL)
        s->next->at = s->at;
    host->stream_count--;
    op_done(&s->rx);
    op_done(&s->tx);
    nng_stream_free(s->nng);
    free(s->in);
    buf_done(&s->out);
    free(s);
    host_check(host);
}

/* Frees a closed stream once nng has given back both operations. */
static void stream_settle(struct stream *s)
{
    if (s->closing && !s->rx.busy && !s->tx.busy)
        stream_free(s);
}

static void stream_end(struct stream *s, int rv)
{
    enum err err = from_nng(rv);

    if (s->ended || s->closing)
        return;
    s->ended = true;
    s->events.on_end(s->ctx, err == ERR_CLOSED ? ERR_CLOSED : ERR_NET);
}

static void on_read(void *owner, int status, size_t count)
{
    struct stream *s = owner;

    if (s->closing)
        stream_settle(s);
    else if (status != 0)
        stream_end(s, status);
    else
        s->events.on_data(s->ctx, bytes_make(s->in, count));
}

static void write_more(struct stream *s)
{
    nng_iov iov = {s->out.ptr + s->out_at, s->out.len - s->out_at};

    CHECK(nng_aio_set_iov(s->tx.aio, 1, &iov) == 0);
    s->tx.busy = true;
    nng_stream_send(s->nng, s->tx.aio);
}

static void on_wrote(void *owner, int status, size_t count)
{
    struct stream *s = owner;

    if (s->closing) {
        stream_settle(s);
        return;
    }
    if (status != 0) {
        buf_clear(&s->out);
        stream_end(s, status);
        return;
    }
    s->out_at += count;
    if (s->out_at < s->out.len) {
        write_more(s);
        return;
    }
    buf_clear(&s->out);
    s->events.on_written(s->ctx);
}

/* Takes the nng stream; frees it on error. */
static enum err stream_make(struct stream_host *host, nng_stream *nng,
                            struct stream **out)
{
    struct stream *s = NULL;
    enum err err = ERR_RATE;

    if (host->stream_count >= host->streams_max)
        goto out;
    s = calloc(1, sizeof *s);
    err = s == NULL ? ERR_NOMEM : op_init(&s->rx, host, on_read, s);
    if (err == OK)
        err = op_init(&s->tx, host, on_wrote, s);
    if (err != OK)
        goto out;
    buf_init(&s->out, 0);
    s->host = host;
    s->nng = nng;
    s->next = host->streams;
    s->at = &host->streams;
    if (s->next != NULL)
        s->next->at = &s->next;
    host->streams = s;
    host->stream_count++;
    *out = s;
    return OK;
out:
    if (s != NULL) {
        op_done(&s->rx);
        op_done(&s->tx);
        free(s);
    }
    nng_stream_free(nng);
    return err;
}

void stream_attach(struct stream *stream, const struct stream_events *events,
                   void *ctx)
{
    stream->events = *events;
    stream->ctx = ctx;
}

void stream_remote(const struct stream *stream, struct addr_ip *out_ip,
                   uint16_t *out_port)
{
    nng_sockaddr sa;

    memset(out_ip, 0, sizeof *out_ip);
    *out_port = 0;
    if (nng_stream_get_addr(stream->nng, NNG_OPT_REMADDR, &sa) != 0)
        return;
    if (sa.s_family == NNG_AF_INET) {
        *out_ip = addr_ip_make(bytes_make(&sa.s_in.sa_addr, 4));
        *out_port = ntohs(sa.s_in.sa_port);
    } else if (sa.s_family == NNG_AF_INET6) {
        *out_ip = addr_ip_make(bytes_make(sa.s_in6.sa_addr, 16));
        *out_port = ntohs(sa.s_in6.sa_port);
    }
}

enum err stream_read(struct stream *s, size_t max)
{
    nng_iov iov;

    CHECK(!s->closing && max > 0);
    if (s->rx.busy || s->ended)
        return OK;
    if (max > s->in_cap) {
        uint8_t *in = realloc(s->in, max);

        if (in == NULL)
            return ERR_NOMEM;
        s->in = in;
        s->in_cap = max;
    }
    iov = (nng_iov){s->in, max};
    CHECK(nng_aio_set_iov(s->rx.aio, 1, &iov) == 0);
    s->rx.busy = true;
    nng_stream_recv(s->nng, s->rx.aio);
    return OK;
}

bool stream_is_writing(const struct stream *s)
{
    return s->tx.busy;
}

void stream_write(struct stream *s, struct buf *data)
{
    struct buf taken = *data;

    CHECK(!s->closing && !s->tx.busy && data->len > 0);
    *data = s->out;
    data->cap_max = taken.cap_max;
    buf_clear(data);
    s->out = taken;
    s->out_at = 0;
    if (!s->ended)
        write_more(s);
}

void stream_close(struct stream *s)
{
    if (s == NULL)
        return;
    CHECK(!s->closing);
    s->closing = true;
    nng_stream_close(s->nng); /* what is under way ends with NNG_ECLOSED */
    stream_settle(s);
}

/* ---- dialling ---- */

static enum err make_url(const char *addr, char *out, size_t size)
{
    struct addr_parts parts;
    char text[CHANNEL_ADDR_MAX];

    TRY(addr_parse(addr, &parts));
    addr_join(&parts, text);
    if (strcmp(parts.host, "*") == 0)
        snprintf(out, size, "tcp://:%u", parts.port);
    else
        snprintf(out, size, "tcp://%s", text);
    return OK;
}

static void dial_free(struct stream_dial *dial)
{
    struct stream_host *host = dial->host;

    *dial->at = dial->next;
    if (dial->next != NULL)
        dial->next->at = dial->at;
    host->dial_count--;
    op_done(&dial->op);
    nng_stream_dialer_free(dial->nng);
    free(dial);
    host_check(host);
}

static void on_dialled(void *owner, int status, size_t count)
{
    struct stream_dial *dial = owner;
    struct stream *stream = NULL;
    enum err err = from_nng(status);
    nng_stream *nng;

    (void)count;
    if (err == OK) {
        nng = nng_aio_get_output(dial->op.aio, 0);
        if (dial->cancelled)
            nng_stream_free(nng);
        else
            err = stream_make(dial->host, nng, &stream);
    }
    if (err == ERR_CLOSED)
        err = ERR_NET;
    if (!dial->cancelled)
        dial->done(dial->ctx, err, stream);
    dial_free(dial);
}

enum err stream_dial(struct stream_host *host, const char *addr,
                     uint32_t timeout_ms,
                     void (*done)(void *ctx, enum err err,
                                  struct stream *stream),
                     void *ctx, struct stream_dial **out)
{
    struct stream_dial *dial;
    char url[CHANNEL_ADDR_MAX + 16];
    enum err err;

    CHECK(!host->closing);
    TRY(make_url(addr, url, sizeof url));
    if (host->dial_count >= host->dials_max ||
        host->stream_count >= host->streams_max)
        return ERR_RATE;
    dial = calloc(1, sizeof *dial);
    if (dial == NULL)
        return ERR_NOMEM;
    err = from_nng(nng_stream_dialer_alloc(&dial->nng, url));
    if (err == OK)
        err = op_init(&dial->op, host, on_dialled, dial);
    if (err != OK) {
        if (dial->nng != NULL)
            nng_stream_dialer_free(dial->nng);
        free(dial);
        return err == ERR_NOMEM ? ERR_NOMEM : ERR_PARSE;
    }
    dial->host = host;
    dial->done = done;
    dial->ctx = ctx;
    dial->next = host->dials;
    dial->at = &host->dials;
    if (dial->next != NULL)
        dial->next->at = &dial->next;
    host->dials = dial;
    host->dial_count++;
    nng_aio_set_timeout(dial->op.aio, (nng_duration)timeout_ms);
    dial->op.busy = true;
    nng_stream_dialer_dial(dial->nng, dial->op.aio);
    *out = dial;
    return OK;
}

void stream_dial_cancel(struct stream_dial *dial)
{
    if (dial->cancelled)
        return;
    dial->cancelled = true;
    nng_aio_cancel(dial->op.aio); /* on_dialled comes and frees */
}

/* ---- listening ---- */

static void accept_next(struct stream_listener *listener)
{
    listener->op.busy = true;
    nng_stream_listener_accept(listener->nng, listener->op.aio);
}

static void listener_free(struct stream_listener *listener)
{
    struct stream_host *host = listener->host;

    host->listener = NULL;
    op_done(&listener->op);
    nng_stream_listener_free(listener->nng);
    free(listener);
    host_check(host);
}

static void on_pause_closed(uv_handle_t *handle)
{
    struct stream_listener *listener = handle->data;

    listener->pause_open = false;
    if (!listener->op.busy)
        listener_free(listener);
}

static void on_pause_over(uv_timer_t *timer)
{
    accept_next(timer->data);
}

static void on_accepted(void *owner, int status, size_t count)
{
    struct stream_listener *listener = owner;
    struct stream *stream;
    nng_stream *nng;

    (void)count;
    if (listener->closing) {
        if (status == 0)
            nng_stream_free(nng_aio_get_output(listener->op.aio, 0));
        if (!listener->pause_open)
            listener_free(listener);
        return;
    }
    if (status != 0) {
        CHECK(uv_timer_start(&listener->pause, on_pause_over, ACCEPT_PAUSE_MS,
                             0) == 0);
        return;
    }
    nng = nng_aio_get_output(listener->op.aio, 0);
    if (stream_make(listener->host, nng, &stream) == OK)
        listener->accepted(listener->ctx, stream);
    if (!listener->closing)
        accept_next(listener);
}

static enum err listener_open(struct stream_listener *listener, const char *url,
                              uint16_t *out_port)
{
    int rv, port = 0;

    rv = nng_stream_listener_alloc(&listener->nng, url);
    if (rv != 0)
        return rv == NNG_ENOMEM ? ERR_NOMEM : ERR_NET;
    rv = nng_stream_listener_listen(listener->nng);
    if (rv == 0)
        rv = nng_stream_listener_get_int(listener->nng, NNG_OPT_TCP_BOUND_PORT,
                                         &port);
    *out_port = (uint16_t)port;
    return from_nng(rv);
}

enum err stream_listen(struct stream_host *host, const char *addr,
                       void (*accepted)(void *ctx, struct stream *stream),
                       void *ctx, struct stream_listener **out,
                       uint16_t *out_port)
{
    struct stream_listener *listener;
    char url[CHANNEL_ADDR_MAX + 16];
    enum err err;

    CHECK(host->listener == NULL && !host->closing);
    TRY(make_url(addr, url, sizeof url));
    listener = calloc(1, sizeof *listener);
    if (listener == NULL)
        return ERR_NOMEM;
    listener->host = host;
    listener->accepted = accepted;
    listener->ctx = ctx;
    err = op_init(&listener->op, host, on_accepted, listener);
    if (err == OK)
        err = listener_open(listener, url, out_port);
    if (err != OK) {
        op_done(&listener->op);
        if (listener->nng != NULL)
            nng_stream_listener_free(listener->nng);
        free(listener);
        return err;
    }
    CHECK(uv_timer_init(host->loop, &listener->pause) == 0);
    listener->pause.data = listener;
    listener->pause_open = true;
    host->listener = listener;
    accept_next(listener);
    *out = listener;
    return OK;
}

void stream_listener_close(struct stream_listener *listener)
{
    if (listener == NULL || listener->closing)
        return;
    listener->closing = true;
    nng_stream_listener_close(listener->nng); /* ends the accept */
    uv_close((uv_handle_t *)&listener->pause, on_pause_closed);
}
