#include "node/net/stream.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/net/stream_impl.h"

enum err stream_from_nng(int rv)
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
    struct stream_op *op = arg;
    struct mail mail = {op, nng_aio_result(op->aio), nng_aio_count(op->aio)};

    /* There is a place for every operation. */
    CHECK(mailbox_push(op->mailbox, &mail));
}

enum err stream_op_init(struct stream_op *op, struct stream_host *host,
                        void (*finished)(void *, int, size_t), void *owner)
{
    op->mailbox = host->mailbox;
    op->finished = finished;
    op->owner = owner;
    return stream_from_nng(nng_aio_alloc(&op->aio, op_callback, op));
}

void stream_op_done(struct stream_op *op)
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
    struct stream_op *op = mail->to;

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
void stream_host_check(struct stream_host *host)
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
    stream_host_check(host);
}

/* ---- streams ---- */

static void stream_free(struct stream *s)
{
    struct stream_host *host = s->host;

    *s->at = s->next;
    if (s->next != NULL)
        s->next->at = s->at;
    host->stream_count--;
    stream_op_done(&s->rx);
    stream_op_done(&s->tx);
    nng_stream_free(s->nng);
    free(s->in);
    buf_done(&s->out);
    free(s);
    stream_host_check(host);
}

/* Frees a closed stream once nng has given back both operations. */
static void stream_settle(struct stream *s)
{
    if (s->closing && !s->rx.busy && !s->tx.busy)
        stream_free(s);
}

static void stream_end(struct stream *s, int rv)
{
    enum err err = stream_from_nng(rv);

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

enum err stream_make(struct stream_host *host, nng_stream *nng,
                     struct stream **out)
{
    struct stream *s = NULL;
    enum err err = ERR_RATE;

    if (host->stream_count >= host->streams_max)
        goto out;
    s = calloc(1, sizeof *s);
    err = s == NULL ? ERR_NOMEM : stream_op_init(&s->rx, host, on_read, s);
    if (err == OK)
        err = stream_op_init(&s->tx, host, on_wrote, s);
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
        stream_op_done(&s->rx);
        stream_op_done(&s->tx);
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
