#include "node/net/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "base/check.h"
#include "node/net/link_impl.h"

enum {
    TICK_MS = 100,
    DIAL_TIMEOUT_MS = 5000,
    DIALS_MAX = 16,
    TARGETS_MAX = 256,
    SETTLED_MS = 10000, /* a link that lived so long was a success */
    STREAMS_SPARE = 64  /* lingering and being dialled */
};
#define STATEMENT_MS  (30ull * 24 * 3600 * 1000) /* how long one holds */
#define STATEMENT_NEW (20ull * 24 * 3600 * 1000) /* renewed when so old */

uint64_t net_now_us(const struct net *net)
{
    (void)net;
    return uv_hrtime() / 1000;
}

uint64_t net_now_ms(const struct net *net)
{
    return net_now_us(net) / 1000;
}

static uint64_t unix_now_ms(void)
{
    struct timespec ts;

    CHECK(clock_gettime(CLOCK_REALTIME, &ts) == 0);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- who we are ---- */

static enum err renew_statement(struct net *net)
{
    uint8_t public[NOISE_KEY_LEN];
    uint64_t now = unix_now_ms();

    if (net->self.not_after_ms > now + STATEMENT_MS - STATEMENT_NEW)
        return OK;
    noise_public_key(net->static_secret, public);
    return channel_statement_sign(&net->self, &net->signer, &net->chain, public,
                                  now + STATEMENT_MS);
}

static void random_fill(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    randombytes_buf(out, len);
}

void net_channel_config(struct net *net, struct channel_config *out)
{
    /* When it cannot be renewed the old statement may still hold. */
    (void)!renew_statement(net);
    if (net->callbacks.tip_height != NULL)
        net->self.height = net->callbacks.tip_height(net->callbacks.ctx);
    memset(out, 0, sizeof *out);
    out->chain = net->chain;
    out->static_secret = net->static_secret;
    out->self = &net->self;
    out->random = random_fill;
    out->now_us = net_now_us(net);
    out->unix_ms = unix_now_ms();
}

struct guard *net_guard(struct net *net)
{
    return net->guard;
}

const char *net_listen_addr(const struct net *net)
{
    return net->listen;
}

void net_set_roles(struct net *net, uint32_t roles)
{
    net->self.roles = roles;
}

void net_set_bulk(struct net *net, const char *advertise)
{
    snprintf(net->self.bulk, sizeof net->self.bulk, "%s", advertise);
}

/* ---- dial targets ---- */

static void target_rest(struct net_target *target, uint32_t ms)
{
    /* A quarter more or less, so that nodes do not move in step. */
    uint32_t jitter = ms / 2 > 0 ? randombytes_uniform(ms / 2) : 0;

    target->next_us =
        net_now_us(target->net) + 1000 * (uint64_t)(ms - ms / 4 + jitter);
}

void target_failed(struct net_target *target, enum err err)
{
    const struct net_limits *limits = &target->net->limits;

    if (err == ERR_CHAIN || err == ERR_VERSION || err == ERR_PEER_ID ||
        err == ERR_BANNED || err == ERR_KIND)
        target->wait_ms = limits->dial_max_ms; /* that does not pass soon */
    else if (target->wait_ms == 0)
        target->wait_ms = limits->dial_min_ms;
    else if (target->wait_ms > limits->dial_max_ms / 2)
        target->wait_ms = limits->dial_max_ms;
    else
        target->wait_ms *= 2;
    target_rest(target, target->wait_ms);
}

void target_down(struct net_target *target, uint64_t lived_us)
{
    if (lived_us >= SETTLED_MS * 1000ull)
        target->wait_ms = 0;
    target_failed(target, ERR_NET);
}

static void on_dialled(void *ctx, enum err err, struct stream *stream)
{
    struct net_target *target = ctx;

    target->dial = NULL;
    if (err == OK)
        err = link_new(target->net, stream, target);
    if (err != OK) {
        target_failed(target, err);
        note_say(&target->net->note, net_now_ms(target->net),
                 "cannot reach %s: %s", target->addr, err_text(err));
    }
}

static void target_tick(struct net_target *target, uint64_t now_us)
{
    struct net *net = target->net;
    enum err err;

    if (target->dial != NULL || target->link != NULL || target->is_self ||
        now_us < target->next_us)
        return;
    if (target->knows && net_find(net, &target->known) != NULL)
        return;
    if (target->expects && net_find(net, &target->expected) != NULL)
        return;
    err = stream_dial(net->streams, target->addr, DIAL_TIMEOUT_MS, on_dialled,
                      target, &target->dial);
    if (err != OK)
        target_rest(target, net->limits.dial_min_ms);
}

static struct net_target *target_find(struct net *net, const char *addr)
{
    struct net_target *target = net->targets;

    while (target != NULL && strcmp(target->addr, addr) != 0)
        target = target->next;
    return target;
}

enum err net_dial(struct net *net, const char *addr,
                  const struct pubkey *expected)
{
    struct net_target *target;
    struct addr_parts parts;

    CHECK(!net->closing);
    if (addr_parse(addr, &parts) != OK || parts.port == 0 ||
        addr_host_is_any(parts.host))
        return ERR_PARSE;
    target = target_find(net, addr);
    if (target == NULL) {
        if (net->target_count >= TARGETS_MAX)
            return ERR_TOO_LARGE;
        target = calloc(1, sizeof *target);
        if (target == NULL)
            return ERR_NOMEM;
        target->net = net;
        snprintf(target->addr, sizeof target->addr, "%s", addr);
        target->next = net->targets;
        net->targets = target;
        net->target_count++;
    }
    target->is_hint = false;
    target->expects = expected != NULL;
    if (expected != NULL)
        target->expected = *expected;
    return OK;
}

enum err net_dial_hint(struct net *net, const char *addr,
                       const struct pubkey *expected)
{
    struct net_target *target = target_find(net, addr);
    if (target != NULL)
        return ERR_EXISTS;
    TRY(net_dial(net, addr, expected));
    target = target_find(net, addr);
    CHECK(target != NULL);
    target->is_hint = true;
    return OK;
}

static void target_free(struct net_target *target)
{
    if (target->dial != NULL)
        stream_dial_cancel(target->dial);
    if (target->link != NULL)
        target->link->target = NULL;
    free(target);
}

void net_undial(struct net *net, const char *addr)
{
    struct net_target **at = &net->targets;

    while (*at != NULL && strcmp((*at)->addr, addr) != 0)
        at = &(*at)->next;
    if (*at != NULL) {
        struct net_target *target = *at;

        *at = target->next;
        net->target_count--;
        target_free(target);
    }
}

void net_undial_hint(struct net *net, const char *addr)
{
    const struct net_target *target = target_find(net, addr);

    if (target != NULL && target->is_hint)
        net_undial(net, addr);
}

/* ---- turns of the loop ---- */

static void on_flush(uv_prepare_t *handle)
{
    struct net *net = handle->data;

    if (!net->dirty)
        return;
    net->dirty = false;
    for (struct net_peer *link = net->links, *next; link; link = next) {
        next = link->next;
        link_flush(link);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct net *net = timer->data;
    uint64_t now_us = net_now_us(net);

    for (struct net_peer *link = net->links, *next; link; link = next) {
        next = link->next;
        link_tick(link, now_us);
    }
    for (struct net_target *t = net->targets; t != NULL; t = t->next)
        target_tick(t, now_us);
}

static void on_accepted(void *ctx, struct stream *stream)
{
    struct net *net = ctx;
    struct addr_ip ip;
    char text[CHANNEL_ADDR_MAX];
    uint16_t port;
    enum err err;

    stream_remote(stream, &ip, &port);
    err = link_new(net, stream, NULL);
    if (err == OK)
        return;
    addr_format(&ip, port, text);
    note_say(&net->note, net_now_ms(net), "refused a connection from %s: %s",
             text, err_text(err));
}

/* ---- peers ---- */

static bool is_peer(const struct net_peer *link)
{
    return link->state == LINK_UP && !link->doomed;
}

struct net_peer *net_next(struct net *net, struct net_peer *after)
{
    struct net_peer *link = after == NULL ? net->links : after->next;

    while (link != NULL && !is_peer(link))
        link = link->next;
    return link;
}

struct net_peer *net_find(struct net *net, const struct pubkey *id)
{
    struct net_peer *peer = net_next(net, NULL);

    while (peer != NULL && !pubkey_equal(&channel_peer(peer->channel)->id, id))
        peer = net_next(net, peer);
    return peer;
}

uint32_t net_peer_count(const struct net *net)
{
    return net->peer_count;
}

bool net_ban(const struct net *net, size_t i, struct net_ban *out)
{
    struct guard_ban ban;
    struct hash key;
    char text[CHANNEL_ADDR_MAX];

    if (!guard_ban(net->guard, i, net_now_ms(net), &ban))
        return false;
    memset(out, 0, sizeof *out);
    out->left_ms = ban.left_ms;
    snprintf(out->why, sizeof out->why, "%s", ban.why);
    if (ban.is_node) {
        memcpy(key.b, ban.node.b, sizeof key.b);
        memcpy(out->who, "node ", 6);
        hash_format(&key, out->who + 5);
    } else {
        addr_format(&ban.ip, 0, text);
        *strrchr(text, ':') = '\0'; /* without the port */
        snprintf(out->who, sizeof out->who, "address %.64s", text);
    }
    return true;
}

void net_pardon(struct net *net)
{
    guard_pardon(net->guard);
}

/* ---- life ---- */

static void set_defaults(struct net_limits *l)
{
    if (l->peers_max == 0)
        l->peers_max = LIMIT_PEERS;
    if (l->queue_max == 0)
        l->queue_max = 8u * 1024 * 1024;
    if (l->dial_min_ms == 0)
        l->dial_min_ms = 500;
    if (l->dial_max_ms == 0)
        l->dial_max_ms = 10000;
    if (l->half_open_max == 0)
        l->half_open_max = 64;
}

static void explain_listen(enum err err, const char *addr,
                           struct net_error *out)
{
    struct addr_parts parts;

    if (err == ERR_PARSE || addr_parse(addr, &parts) != OK)
        snprintf(out->text, sizeof out->text,
                 "\"%.100s\" is no address to listen on; write host:port, "
                 "such as 0.0.0.0:7741",
                 addr);
    else if (err == ERR_BUSY)
        snprintf(out->text, sizeof out->text,
                 "port %u is in use (%.60s): stop the program that has it "
                 "(ss -ltnp 'sport = :%u' shows it) or choose another "
                 "listen address",
                 parts.port, addr, parts.port);
    else if (err == ERR_PERM)
        snprintf(out->text, sizeof out->text,
                 "may not listen on %.60s: ports below 1024 need privileges; "
                 "choose a higher one",
                 addr);
    else
        snprintf(out->text, sizeof out->text,
                 "cannot listen on %.60s: %s; the host must be an address of "
                 "this machine",
                 addr, err_text(err));
}

static enum err start_listening(struct net *net, const struct net_config *c,
                                struct net_error *out_error)
{
    struct addr_parts parts;
    const char *told;
    enum err err;

    if (c->listen == NULL || c->listen[0] == '\0')
        return OK;
    err = addr_parse(c->listen, &parts);
    if (err == OK)
        err = stream_listen(net->streams, c->listen, on_accepted, net,
                            &net->listener, &parts.port);
    if (err != OK) {
        explain_listen(err, c->listen, out_error);
        return err;
    }
    addr_join(&parts, net->listen);
    told = c->advertise != NULL && c->advertise[0] != '\0' ? c->advertise
                                                           : net->listen;
    snprintf(net->self.listen, sizeof net->self.listen, "%s", told);
    return OK;
}

static enum err start_guard(struct net *net)
{
    const struct net_limits *l = &net->limits;
    struct guard_limits limits = {.half_open_max = l->half_open_max,
                                  .half_open_near = l->half_open_near,
                                  .accept_burst = l->accept_burst,
                                  .accept_per_minute = l->accept_per_minute,
                                  .ban_ms = l->ban_ms,
                                  .ban_loopback = l->ban_loopback};

    return guard_new(&limits, &net->guard);
}

static enum err start_identity(struct net *net, const struct net_config *c)
{
    net->chain = c->chain;
    net->signer = c->signer;
    net->self.roles = c->roles;
    snprintf(net->self.agent, sizeof net->self.agent, "%s",
             c->agent == NULL ? "suan" : c->agent);
    net->static_secret = sodium_malloc(NOISE_KEY_LEN);
    if (net->static_secret == NULL)
        return ERR_NOMEM;
    memcpy(net->static_secret, c->static_secret, NOISE_KEY_LEN);
    return renew_statement(net);
}

static void start_clock(struct net *net)
{
    CHECK(uv_timer_init(net->loop, &net->tick) == 0);
    CHECK(uv_prepare_init(net->loop, &net->flush) == 0);
    net->tick.data = net->flush.data = net;
    CHECK(uv_timer_start(&net->tick, on_tick, 0, TICK_MS) == 0);
    CHECK(uv_prepare_start(&net->flush, on_flush) == 0);
    net->handles = 2;
}

static void net_free(void *ctx)
{
    struct net *net = ctx;
    void (*done)(void *ctx) = net->done;
    void *done_ctx = net->done_ctx;

    guard_free(net->guard);
    if (net->static_secret != NULL)
        sodium_free(net->static_secret);
    free(net);
    if (done != NULL)
        done(done_ctx);
}

enum err net_new(uv_loop_t *loop, const struct net_config *config,
                 struct net **out, struct net_error *out_error)
{
    struct net *net = calloc(1, sizeof *net);
    struct net_error error = {{0}};
    enum err err = ERR_NOMEM;

    if (net == NULL || sodium_init() < 0)
        goto out;
    net->loop = loop;
    net->callbacks = config->callbacks;
    net->note.say = config->callbacks.on_note;
    net->note.ctx = config->callbacks.ctx;
    net->limits = config->limits;
    set_defaults(&net->limits);
    err = start_guard(net);
    if (err == OK)
        err = start_identity(net, config);
    if (err == OK)
        err = stream_host_new(loop,
                              net->limits.peers_max +
                                  net->limits.half_open_max + STREAMS_SPARE,
                              DIALS_MAX, &net->streams);
    if (err == OK)
        err = start_listening(net, config, &error);
    if (err != OK)
        goto out;
    start_clock(net);
    *out = net;
    return OK;
out:
    if (error.text[0] == '\0')
        snprintf(error.text, sizeof error.text, "cannot start the network: %s",
                 err_text(err));
    if (out_error != NULL)
        *out_error = error;
    if (net == NULL)
        return err;
    if (net->streams != NULL) /* it owns a handle of the loop */
        stream_host_close(net->streams, net_free, net);
    else
        net_free(net);
    return err;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct net *net = handle->data;

    if (--net->handles == 0)
        stream_host_close(net->streams, net_free, net);
}

/* After the last link the rest can go. */
void net_link_gone(struct net *net)
{
    if (!net->closing || net->links != NULL ||
        uv_is_closing((uv_handle_t *)&net->tick))
        return;
    uv_close((uv_handle_t *)&net->tick, on_handle_closed);
    uv_close((uv_handle_t *)&net->flush, on_handle_closed);
}

void net_close(struct net *net, void (*done)(void *ctx), void *ctx)
{
    CHECK(!net->closing);
    net->closing = true;
    net->done = done;
    net->done_ctx = ctx;
    stream_listener_close(net->listener);
    while (net->targets != NULL) {
        struct net_target *target = net->targets;

        net->targets = target->next;
        target_free(target);
    }
    for (struct net_peer *link = net->links; link; link = link->next)
        link_end(link, OK);
    net->dirty = true;
    net_link_gone(net);
}
