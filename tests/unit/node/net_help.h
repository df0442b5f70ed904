#ifndef TESTS_UNIT_NODE_NET_HELP_H
#define TESTS_UNIT_NODE_NET_HELP_H

/* What the network tests share: nodes on loopback in one loop, and a hostile
 * peer on a blocking socket that speaks the channel as far as it likes. Include
 * after cmocka.h. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sodium.h>

#include "node/net/addr.h"
#include "node/net/link.h"

#define HELP_CHAIN ((struct hash){{42}})

struct keys {
    struct signer signer;
    uint8_t sign_secret[64];
    uint8_t static_secret[NOISE_KEY_LEN];
};

static inline enum err help_sign(void *ctx, const char *tag,
                                 const struct hash *digest,
                                 struct signature *out)
{
    struct keys *keys = ctx;

    (void)tag;
    crypto_sign_detached(out->b, NULL, digest->b, sizeof digest->b,
                         keys->sign_secret);
    return OK;
}

static inline void keys_make(struct keys *keys)
{
    keys->signer = (struct signer){.sign = help_sign, .ctx = keys};
    crypto_sign_keypair(keys->signer.key.b, keys->sign_secret);
    randombytes_buf(keys->static_secret, NOISE_KEY_LEN);
}

/* ---- a node ---- */

struct node_under_test {
    struct net *net;
    struct keys keys;
    struct net_config config;
    unsigned ups, downs, displaced;
    enum err last_down;
    uint64_t messages, message_bytes, out_of_order;
    uint32_t next_number; /* messages begin with a number, in order */
    char notes[4096];     /* all of them */
    bool closed;
};

static inline void help_on_up(void *ctx, struct net_peer *peer,
                              const struct channel_identity *identity)
{
    struct node_under_test *n = ctx;

    assert_ptr_equal(net_peer_identity(peer), identity);
    n->ups++;
}

static inline void help_on_down(void *ctx, struct net_peer *peer, enum err err)
{
    struct node_under_test *n = ctx;

    assert_false(pubkey_is_zero(&net_peer_identity(peer)->id));
    n->downs++;
    n->last_down = err;
}

static inline void help_on_displaced(void *ctx)
{
    struct node_under_test *n = ctx;

    n->displaced++;
}

static inline void help_on_message(void *ctx, struct net_peer *peer,
                                   struct bytes payload)
{
    struct node_under_test *n = ctx;

    (void)peer;
    n->messages++;
    n->message_bytes += payload.len;
    if (payload.len >= 4) {
        n->out_of_order += u32le_get(payload.ptr) != n->next_number;
        n->next_number = u32le_get(payload.ptr) + 1;
    }
}

static inline void help_on_note(void *ctx, const char *text)
{
    struct node_under_test *n = ctx;
    size_t len = strlen(n->notes);

    snprintf(n->notes + len, sizeof n->notes - len, "%s\n", text);
}

static inline uint64_t help_height(void *ctx)
{
    (void)ctx;
    return 77;
}

/* Sets the defaults; the test may change n->config before node_start. */
static inline void node_init(struct node_under_test *n)
{
    memset(n, 0, sizeof *n);
    keys_make(&n->keys);
    n->config =
        (struct net_config){.listen = "127.0.0.1:0",
                            .chain = HELP_CHAIN,
                            .signer = n->keys.signer,
                            .static_secret = n->keys.static_secret,
                            .roles = CHANNEL_ROLE_PROVIDER,
                            .agent = "suan/test",
                            .limits = {.dial_min_ms = 50, .dial_max_ms = 400},
                            .callbacks = {.ctx = n,
                                          .on_peer_up = help_on_up,
                                          .on_peer_down = help_on_down,
                                          .on_displaced = help_on_displaced,
                                          .on_message = help_on_message,
                                          .on_note = help_on_note,
                                          .tip_height = help_height}};
}

static inline void node_start(uv_loop_t *loop, struct node_under_test *n)
{
    struct net_error error;
    enum err err = net_new(loop, &n->config, &n->net, &error);

    if (err != OK)
        fail_msg("%s", error.text);
}

static inline void help_on_closed(void *ctx)
{
    struct node_under_test *n = ctx;

    n->net = NULL;
    n->closed = true;
}

static inline void node_close(struct node_under_test *n)
{
    net_close(n->net, help_on_closed, n);
}

static inline const struct pubkey *node_id(const struct node_under_test *n)
{
    return &n->keys.signer.key;
}

/* Turns the loop until the condition holds; fails after ms. */
#define RUN_UNTIL(loop, ms, condition)                                         \
    do {                                                                       \
        uint64_t end_ = uv_hrtime() / 1000000 + (ms);                          \
        while (!(condition)) {                                                 \
            if (uv_hrtime() / 1000000 > end_)                                  \
                fail_msg("not within %d ms: %s", (int)(ms), #condition);       \
            (void)uv_run((loop), UV_RUN_NOWAIT);                               \
            uv_sleep(1);                                                       \
        }                                                                      \
    } while (0)

#define RUN_FOR(loop, ms)                                                      \
    do {                                                                       \
        uint64_t end_ = uv_hrtime() / 1000000 + (ms);                          \
        while (uv_hrtime() / 1000000 < end_) {                                 \
            (void)uv_run((loop), UV_RUN_NOWAIT);                               \
            uv_sleep(1);                                                       \
        }                                                                      \
    } while (0)

/* ---- a hostile peer ---- */

struct hostile {
    uv_loop_t *loop; /* of the node it attacks, turned while it waits */
    int fd;
    struct keys keys;
    struct channel_identity self;
    struct channel *channel;
    enum err over;
    bool ended; /* the node closed the connection */
    uint64_t frames;
};

static inline int help_connect(const char *addr)
{
    struct addr_parts parts;
    struct sockaddr_in sin = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(fd >= 0);
    assert_int_equal(addr_parse(addr, &parts), OK);
    sin.sin_port = htons(parts.port);
    assert_int_equal(inet_pton(AF_INET, parts.host, &sin.sin_addr), 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof sin), 0);
    return fd;
}

static inline void help_random(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    randombytes_buf(out, len);
}

static inline void hostile_sign(struct hostile *h, const struct hash *chain)
{
    uint8_t public[NOISE_KEY_LEN];

    noise_public_key(h->keys.static_secret, public);
    assert_int_equal(channel_statement_sign(&h->self, &h->keys.signer, chain,
                                            public, UINT64_MAX),
                     OK);
}

/* A fresh connection with the same keys. */
static inline void hostile_connect(struct hostile *h, const char *addr,
                                   enum channel_lane lane)
{
    struct channel_config config = {.initiator = true,
                                    .lane = lane,
                                    .chain = HELP_CHAIN,
                                    .static_secret = h->keys.static_secret,
                                    .self = &h->self,
                                    .random = help_random,
                                    .now_us = uv_hrtime() / 1000};

    h->fd = help_connect(addr);
    h->over = OK;
    h->ended = false;
    assert_int_equal(channel_new(&config, &h->channel), OK);
}

static inline void hostile_init(struct hostile *h, uv_loop_t *loop)
{
    struct hash chain = HELP_CHAIN;

    memset(h, 0, sizeof *h);
    h->loop = loop;
    keys_make(&h->keys);
    hostile_sign(h, &chain);
}

static inline void hostile_disconnect(struct hostile *h)
{
    channel_free(h->channel);
    h->channel = NULL;
    close(h->fd);
}

static inline void hostile_write(struct hostile *h, struct bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(h->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

        if (n < 0)
            return; /* the node has hung up: what the test is about */
        bytes = bytes_make(bytes.ptr + n, bytes.len - (size_t)n);
    }
}

/* Writes what the channel wants to say. */
static inline void hostile_flush(struct hostile *h)
{
    struct buf wire;

    buf_init(&wire, 0);
    channel_out_take(h->channel, &wire);
    hostile_write(h, buf_bytes(&wire));
    buf_done(&wire);
}

/* Reads what is there, for at most ms, while the loop turns. */
static inline void hostile_read(struct hostile *h, int ms)
{
    uint64_t end = uv_hrtime() / 1000000 + (uint64_t)ms;

    do {
        struct pollfd p = {.fd = h->fd, .events = POLLIN};
        uint8_t text[65536];
        struct channel_event ev;
        struct bytes in;
        ssize_t n;

        (void)uv_run(h->loop, UV_RUN_NOWAIT);
        if (poll(&p, 1, 1) <= 0)
            continue;
        n = recv(h->fd, text, sizeof text, 0);
        if (n <= 0) {
            h->ended = true;
            return;
        }
        in = bytes_make(text, (size_t)n);
        do {
            channel_step(h->channel, &in, uv_hrtime() / 1000, &ev);
            if (ev.kind == CHANNEL_EVENT_OVER)
                h->over = ev.err;
            h->frames += ev.kind == CHANNEL_EVENT_FRAME;
        } while (ev.kind != CHANNEL_EVENT_NONE);
        hostile_flush(h);
    } while (uv_hrtime() / 1000000 < end && h->over == OK);
}

static inline void hostile_come_up(struct hostile *h)
{
    hostile_flush(h);
    for (int i = 0; i < 2000 && !channel_is_up(h->channel) && !h->ended; i++)
        hostile_read(h, 1);
    assert_true(channel_is_up(h->channel));
}

/* Waits for the node to hang up. */
static inline void hostile_await_end(struct hostile *h, int ms)
{
    for (int i = 0; i < ms && !h->ended; i++) {
        h->over = OK;
        hostile_read(h, 1);
    }
    assert_true(h->ended);
}

#endif
