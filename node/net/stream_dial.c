/* Connections to others, and from others. What is written leaves at once
 * (TCP_NODELAY, which nng leaves off): a small message behind another would
 * wait for an acknowledgement that its reader delays by 40 ms. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/net/stream_impl.h"

enum { ACCEPT_PAUSE_MS = 200 }; /* after an error such as too many files */

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
    stream_op_done(&dial->op);
    nng_stream_dialer_free(dial->nng);
    free(dial);
    stream_host_check(host);
}

static void on_dialled(void *owner, int status, size_t count)
{
    struct stream_dial *dial = owner;
    struct stream *stream = NULL;
    enum err err = stream_from_nng(status);
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
    err = stream_from_nng(nng_stream_dialer_alloc(&dial->nng, url));
    if (err == OK)
        err = stream_op_init(&dial->op, host, on_dialled, dial);
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
    CHECK(nng_stream_dialer_set_bool(dial->nng, NNG_OPT_TCP_NODELAY, true) ==
          0);
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
    stream_op_done(&listener->op);
    nng_stream_listener_free(listener->nng);
    free(listener);
    stream_host_check(host);
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
    CHECK(nng_stream_listener_set_bool(listener->nng, NNG_OPT_TCP_NODELAY,
                                       true) == 0);
    rv = nng_stream_listener_listen(listener->nng);
    if (rv == 0)
        rv = nng_stream_listener_get_int(listener->nng, NNG_OPT_TCP_BOUND_PORT,
                                         &port);
    *out_port = (uint16_t)port;
    return stream_from_nng(rv);
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
    err = stream_op_init(&listener->op, host, on_accepted, listener);
    if (err == OK)
        err = listener_open(listener, url, out_port);
    if (err != OK) {
        stream_op_done(&listener->op);
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
