#include "node/net/bulk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/net/bulk_impl.h"

enum { TICK_MS = 50, BACKLOG = 64 };

uint64_t bulk_now_us(void)
{
    return uv_hrtime() / 1000;
}

/* ---- work ---- */

static void on_work(uv_work_t *work)
{
    struct bulk_job *job = work->data;

    job->run(job);
}

static void on_worked(uv_work_t *work, int status)
{
    struct bulk_job *job = work->data;
    struct bulk *bulk = job->bulk;

    CHECK(status == 0); /* nothing is cancelled */
    job->after(job);
    bulk->jobs--;
}

enum err bulk_job_start(struct bulk *bulk, struct bulk_job *job,
                        void (*run)(struct bulk_job *job),
                        void (*after)(struct bulk_job *job))
{
    job->bulk = bulk;
    job->run = run;
    job->after = after;
    job->work.data = job;
    if (uv_queue_work(bulk->loop, &job->work, on_work, on_worked) != 0)
        return ERR_NOMEM;
    bulk->jobs++;
    return OK;
}

/* ---- listening ---- */

static void on_connection(uv_stream_t *server, int status)
{
    struct bulk *bulk = server->data;

    if (status == 0 && !bulk->closing)
        served_accept(bulk);
}

static enum err from_uv(int status)
{
    switch (status) {
    case UV_EADDRINUSE:
        return ERR_BUSY;
    case UV_EACCES:
    case UV_EPERM:
        return ERR_PERM;
    case UV_ENOMEM:
        return ERR_NOMEM;
    }
    return ERR_NET;
}

/* At the start of a node a name may be resolved without haste. */
static int bind_addr(struct bulk *bulk, const struct addr_parts *parts)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE};
    const char *host =
        addr_host_is_any(parts->host) && strchr(parts->host, ':') == NULL
            ? "0.0.0.0"
            : parts->host;
    uv_getaddrinfo_t req;
    char port[8];
    int rv;

    snprintf(port, sizeof port, "%u", parts->port);
    rv = uv_getaddrinfo(bulk->loop, &req, NULL, host, port, &hints);
    if (rv != 0)
        return rv;
    rv = uv_tcp_bind(&bulk->listener, req.addrinfo->ai_addr, 0);
    uv_freeaddrinfo(req.addrinfo);
    if (rv == 0)
        rv = uv_listen((uv_stream_t *)&bulk->listener, BACKLOG, on_connection);
    return rv;
}

static void explain(enum err err, const char *addr, struct net_error *out)
{
    struct addr_parts parts;

    if (err == ERR_PARSE || addr_parse(addr, &parts) != OK)
        snprintf(out->text, sizeof out->text,
                 "\"%.100s\" is no address for bulk transfers; write "
                 "host:port, such as 0.0.0.0:7742",
                 addr);
    else if (err == ERR_BUSY)
        snprintf(out->text, sizeof out->text,
                 "port %u for bulk transfers is in use (%.60s): stop the "
                 "program that has it (ss -ltnp 'sport = :%u' shows it) or "
                 "choose another bulk address",
                 parts.port, addr, parts.port);
    else
        snprintf(out->text, sizeof out->text,
                 "cannot listen on %.60s for bulk transfers: %s", addr,
                 err_text(err));
}

static enum err start_listening(struct bulk *bulk, struct net_error *error)
{
    const char *listen = bulk->config.listen;
    const char *told = bulk->config.advertise;
    struct sockaddr_storage ss;
    struct addr_parts parts;
    struct addr_ip ip;
    int len = sizeof ss, rv = 0;
    enum err err;

    if (listen == NULL || listen[0] == '\0')
        return OK;
    err = addr_parse(listen, &parts);
    if (err == OK)
        rv = bind_addr(bulk, &parts);
    if (err == OK && rv != 0)
        err = from_uv(rv);
    if (err != OK) {
        explain(err, listen, error);
        return err;
    }
    memset(&ss, 0, sizeof ss);
    (void)uv_tcp_getsockname(&bulk->listener, (struct sockaddr *)&ss, &len);
    addr_from_sockaddr((struct sockaddr *)&ss, &ip, &parts.port);
    addr_join(&parts, bulk->listen);
    net_set_bulk(bulk->config.net,
                 told != NULL && told[0] != '\0' ? told : bulk->listen);
    return OK;
}

const char *bulk_listen_addr(const struct bulk *bulk)
{
    return bulk->listen;
}

void bulk_stats(const struct bulk *bulk, struct bulk_stats *out)
{
    *out = bulk->stats;
    out->serving = bulk->served_count;
    out->fetches = bulk->fetch_count;
}

bool bulk_is_offence(enum err err)
{
    return err == ERR_DECRYPT || err == ERR_TOO_LARGE || err == ERR_TRUNCATED ||
           err == ERR_KIND || err == ERR_RANGE || err == ERR_RATE;
}

void bulk_lane_gone(void *host)
{
    struct bulk *bulk = host;

    bulk->lanes--;
}

/* ---- the clock ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct bulk *bulk = handle->data;
    void (*done)(void *ctx) = bulk->done;
    void *ctx = bulk->done_ctx;

    if (--bulk->handles > 0)
        return;
    free(bulk);
    if (done != NULL)
        done(ctx);
}

static void close_if_done(struct bulk *bulk)
{
    if (bulk->lanes > 0 || bulk->jobs > 0 || bulk->served != NULL ||
        bulk->fetches != NULL || bulk->sources != NULL)
        return;
    uv_close((uv_handle_t *)&bulk->tick, on_handle_closed);
    uv_close((uv_handle_t *)&bulk->listener, on_handle_closed);
}

static void on_tick(uv_timer_t *timer)
{
    struct bulk *bulk = timer->data;
    uint64_t now_us = bulk_now_us();

    served_reap(bulk);
    fetch_reap(bulk);
    source_reap(bulk);
    if (bulk->closing) {
        close_if_done(bulk);
        return;
    }
    if (bulk->accept_waits)
        served_accept(bulk);
    served_tick(bulk, now_us);
    fetch_tick_all(bulk, now_us);
    source_tick_all(bulk, now_us);
    probe_tick(bulk, now_us);
}

void bulk_tick_now(struct bulk *bulk)
{
    CHECK(!bulk->closing);
    CHECK(uv_timer_start(&bulk->tick, on_tick, 0, TICK_MS) == 0);
}

/* ---- beginning and end ---- */

enum err bulk_new(uv_loop_t *loop, const struct bulk_config *config,
                  struct bulk **out, struct net_error *out_error)
{
    struct bulk *bulk = calloc(1, sizeof *bulk);
    struct net_error error = {{0}};
    enum err err;

    if (bulk == NULL)
        return ERR_NOMEM;
    bulk->loop = loop;
    bulk->config = *config;
    bulk->note.say = config->on_note;
    bulk->note.ctx = config->ctx;
    bulk->guard = net_guard(config->net);
    CHECK(uv_tcp_init(loop, &bulk->listener) == 0);
    CHECK(uv_timer_init(loop, &bulk->tick) == 0);
    bulk->listener.data = bulk->tick.data = bulk;
    bulk->handles = 2;
    err = start_listening(bulk, &error);
    bulk->config.listen = bulk->config.advertise = NULL; /* the caller's */
    if (err != OK) {
        if (out_error != NULL)
            *out_error = error;
        bulk_close(bulk, NULL, NULL);
        return err;
    }
    bulk_tick_now(bulk);
    *out = bulk;
    return OK;
}

void bulk_close(struct bulk *bulk, void (*done)(void *ctx), void *ctx)
{
    CHECK(!bulk->closing);
    bulk->closing = true;
    bulk->done = done;
    bulk->done_ctx = ctx;
    for (struct bulk_fetch *f = bulk->fetches, *next; f != NULL; f = next) {
        next = f->next;
        bulk_cancel(f);
    }
    served_close_all(bulk);
    source_close_all(bulk);
    probe_close(bulk);
    close_if_done(bulk);
}
