/* bulk: blobs between nodes on loopback, and servers and clients that lie. */
#define _GNU_SOURCE /* mkdtemp, nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <ftw.h>

#include <cmocka.h>

#include "node/net/bulk.h"
#include "node/net/bulk_codec.h"
#include "tests/unit/node/net_help.h"

enum { CHUNK = BLOB_CHUNK_BYTES };

/* A node with blobs. */
struct holder {
    struct node_under_test node;
    char root[64];
    struct blob_store *store;
    struct bulk *bulk;
    bool bulk_closed;
    const char *owner_let_in; /* NULL: default rule */
};

static uv_loop_t loop;
static struct holder server, client;

static bool may_read(void *ctx, const struct pubkey *peer, const char *owner)
{
    struct holder *h = ctx;

    assert_true(pubkey_equal(peer, node_id(&client.node)));
    return strcmp(owner, h->owner_let_in) == 0;
}

static void on_bulk_note(void *ctx, const char *text)
{
    help_on_note(&((struct holder *)ctx)->node, text);
}

static void holder_start(struct holder *h)
{
    struct blob_store_config store_config = {h->root, 0, false};
    struct bulk_config config = {
        .listen = "127.0.0.1:0", .on_note = on_bulk_note, .ctx = h};
    struct net_error error;

    node_start(&loop, &h->node);
    assert_int_equal(blob_store_open(&store_config, &h->store), OK);
    config.net = h->node.net;
    config.store = h->store;
    if (h->owner_let_in != NULL)
        config.may_read = may_read;
    if (bulk_new(&loop, &config, &h->bulk, &error) != OK)
        fail_msg("%s", error.text);
    h->bulk_closed = false;
}

static void holder_init(struct holder *h)
{
    memset(h, 0, sizeof *h);
    node_init(&h->node);
    h->node.config.limits.ban_loopback = true;
    snprintf(h->root, sizeof h->root, "/tmp/suan-bulk-XXXXXX");
    assert_non_null(mkdtemp(h->root));
}

static void on_bulk_closed(void *ctx)
{
    struct holder *h = ctx;

    h->bulk = NULL;
    h->bulk_closed = true;
}

static void holder_stop(struct holder *h)
{
    if (h->bulk == NULL)
        return;
    bulk_close(h->bulk, on_bulk_closed, h);
    RUN_UNTIL(&loop, 5000, h->bulk_closed);
    node_close(&h->node);
    RUN_UNTIL(&loop, 5000, h->node.net == NULL);
    blob_store_close(h->store);
    h->store = NULL;
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    holder_init(&server);
    holder_init(&client);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    holder_stop(&client);
    holder_stop(&server);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_int_equal(nftw(server.root, remove_one, 16, FTW_DEPTH | FTW_PHYS),
                     0);
    assert_int_equal(nftw(client.root, remove_one, 16, FTW_DEPTH | FTW_PHYS),
                     0);
    return 0;
}

static void start_both(void)
{
    holder_start(&server);
    holder_start(&client);
}

static uint8_t *content_make(size_t len, uint32_t seed)
{
    uint8_t *p = malloc(len > 0 ? len : 1);
    uint64_t x = seed + 1;

    assert_non_null(p);
    for (size_t i = 0; i < len; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint8_t)(x >> 56);
    }
    return p;
}

static struct hash put(struct holder *h, size_t len, uint32_t seed,
                       const char *owner)
{
    uint8_t *content = content_make(len, seed);
    struct hash id;

    assert_int_equal(
        blob_store_import_bytes(h->store, bytes_make(content, len), owner, &id),
        OK);
    free(content);
    return id;
}

/* ---- fetches ---- */

struct wait {
    unsigned calls;
    enum err err;
    uint64_t done, total;
    unsigned steps;
    struct bulk_fetch *cancel; /* when this one is done */
};

static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct wait *w = ctx;

    assert_true(total == 0 || done <= total);
    w->done = done;
    w->total = total;
    w->steps++;
}

static void on_done(void *ctx, enum err err)
{
    struct wait *w = ctx;

    w->calls++;
    w->err = err;
    bulk_cancel(w->cancel);
}

static struct bulk_fetch_config fetch_config(const struct hash *id,
                                             struct wait *w)
{
    memset(w, 0, sizeof *w);
    return (struct bulk_fetch_config){.addr = bulk_listen_addr(server.bulk),
                                      .peer = *node_id(&server.node),
                                      .id = *id,
                                      .owner = "fetched",
                                      .timeout_ms = 20000,
                                      .on_progress = on_progress,
                                      .on_done = on_done,
                                      .ctx = w};
}

static void fetch_start(const struct hash *id, struct wait *w)
{
    struct bulk_fetch_config config = fetch_config(id, w);
    struct bulk_fetch *fetch;

    assert_int_equal(bulk_fetch(client.bulk, &config, &fetch), OK);
}

static enum err fetch(const struct hash *id)
{
    struct wait w;

    fetch_start(id, &w);
    RUN_UNTIL(&loop, 25000, w.calls == 1);
    return w.err;
}

static bool is_complete(const struct hash *id)
{
    struct blob_info info;

    return blob_store_info(client.store, id, &info) == OK && info.complete;
}

static void blobs_of_all_sizes_arrive(void **state)
{
    static const size_t sizes[] = {0, 1, CHUNK, CHUNK + 1, 9 * CHUNK + 77};

    (void)state;
    start_both();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct hash id = put(&server, sizes[i], (uint32_t)i, "public");
        struct wait w;

        fetch_start(&id, &w);
        RUN_UNTIL(&loop, 10000, w.calls == 1);
        assert_int_equal(w.err, OK);
        assert_true(is_complete(&id));
        assert_true(blob_store_is_pinned(client.store, &id, "fetched"));
        assert_int_equal(w.done, sizes[i]);
        assert_int_equal(w.total, sizes[i]);
    }
    {
        struct bulk_stats stats;
        struct hash id = put(&server, 100, 1000, "public");

        assert_int_equal(fetch(&id), OK);
        assert_int_equal(fetch(&id), OK); /* nothing more to move */
        bulk_stats(client.bulk, &stats);
        assert_int_equal(stats.fetched_chunks, 1 + 1 + 2 + 10 + 1);
        bulk_stats(server.bulk, &stats);
        assert_int_equal(stats.serving, 1); /* one connection for all */
    }
}

static void many_fetches_share_the_way(void **state)
{
    enum { COUNT = 20 };
    struct wait waits[COUNT];
    struct hash ids[COUNT];

    (void)state;
    start_both();
    for (uint32_t i = 0; i < COUNT; i++) {
        ids[i] = put(&server, 3 * CHUNK + i, i, "public");
        fetch_start(&ids[i], &waits[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        RUN_UNTIL(&loop, 20000, waits[i].calls == 1);
        assert_int_equal(waits[i].err, OK);
        assert_true(is_complete(&ids[i]));
    }
}

/* Whoever fetches a thousand small blobs one after another connects once, not a
 * thousand times: the guard would keep it out. */
static void pauses_between_fetches_do_not_cost_the_connection(void **state)
{
    (void)state;
    server.node.config.limits.accept_burst = 3;
    server.node.config.limits.accept_per_minute = 1;
    start_both();
    for (uint32_t i = 0; i < 8; i++) {
        struct hash id = put(&server, 100 + i, i, "public");
        uint64_t until = uv_now(&loop) + 250; /* a few ticks */

        assert_int_equal(fetch(&id), OK);
        RUN_UNTIL(&loop, 5000, uv_now(&loop) >= until);
    }
}

static void twenty_megabytes_go_on_where_a_dead_client_left_them(void **state)
{
    struct bulk_stats stats;
    struct blob_info info;
    struct hash id;
    struct wait w;
    uint32_t missing;

    (void)state;
    start_both();
    id = put(&server, 20000000, 1, "public");
    fetch_start(&id, &w);
    RUN_UNTIL(&loop, 20000, w.done > 5000000);
    holder_stop(&client);
    assert_int_equal(w.calls, 0);
    holder_start(&client);
    assert_int_equal(blob_store_info(client.store, &id, &info), OK);
    assert_false(info.complete);
    assert_true(info.chunks_present * (uint64_t)CHUNK >= 5000000);
    missing = info.chunk_count - info.chunks_present;
    assert_int_equal(fetch(&id), OK);
    bulk_stats(client.bulk, &stats);
    assert_int_equal(stats.fetched_chunks, missing);
    assert_true(is_complete(&id));
}

static void a_server_that_comes_back_is_found_again(void **state)
{
    char addr[CHANNEL_ADDR_MAX];
    struct hash id;
    struct wait w;

    (void)state;
    start_both();
    id = put(&server, 20000000, 1, "public");
    fetch_start(&id, &w);
    RUN_UNTIL(&loop, 20000, w.done > 2000000);
    snprintf(addr, sizeof addr, "%s", bulk_listen_addr(server.bulk));
    bulk_close(server.bulk, on_bulk_closed, &server);
    RUN_UNTIL(&loop, 5000, server.bulk_closed);
    assert_int_equal(w.calls, 0);
    {
        struct bulk_config config = {
            .net = server.node.net, .store = server.store, .listen = addr};

        assert_int_equal(bulk_new(&loop, &config, &server.bulk, NULL), OK);
    }
    RUN_UNTIL(&loop, 20000, w.calls == 1);
    assert_int_equal(w.err, OK);
    assert_true(is_complete(&id));
}

static void a_tree_comes_with_all_its_files(void **state)
{
    struct bulk_fetch_config config;
    struct blob_tree tree;
    struct buf text;
    struct hash ids[30], doc;
    struct wait w;
    uint64_t sum = 0;

    (void)state;
    start_both();
    blob_tree_init(&tree);
    for (uint32_t i = 0; i < 30; i++) {
        size_t len = i * 20011;
        char path[32];

        ids[i] = put(&server, len, i, "job");
        snprintf(path, sizeof path, "d%u/f%u", i % 3, i);
        assert_int_equal(blob_tree_add(&tree, path, 0644, len, &ids[i]), OK);
        sum += len;
    }
    assert_int_equal(blob_tree_sort(&tree, NULL), OK);
    buf_init(&text, 1 << 20);
    blob_tree_encode(&tree, &text);
    assert_int_equal(
        blob_store_import_bytes(server.store, buf_bytes(&text), "job", &doc),
        OK);
    for (int i = 0; i < 30; i++)
        assert_int_equal(blob_store_pin(server.store, &ids[i], "public"), OK);
    assert_int_equal(blob_store_pin(server.store, &doc, "public"), OK);
    config = fetch_config(&doc, &w);
    config.tree = true;
    assert_int_equal(bulk_fetch(client.bulk, &config, NULL), OK);
    RUN_UNTIL(&loop, 20000, w.calls == 1);
    assert_int_equal(w.err, OK);
    assert_int_equal(w.total, sum + text.len);
    assert_int_equal(w.done, w.total);
    for (int i = 0; i < 30; i++) {
        assert_true(is_complete(&ids[i]));
        assert_true(blob_store_is_pinned(client.store, &ids[i], "fetched"));
    }
    config = fetch_config(&doc, &w); /* all together they are too large */
    config.tree = true;
    config.bytes_max = sum;
    assert_int_equal(bulk_fetch(client.bulk, &config, NULL), OK);
    RUN_UNTIL(&loop, 5000, w.calls == 1);
    assert_int_equal(w.err, ERR_TOO_LARGE);
    buf_done(&text);
    blob_tree_done(&tree);
}

static void a_tree_that_lies_about_a_file_is_refused(void **state)
{
    struct bulk_fetch_config config;
    struct blob_tree tree;
    struct buf text;
    struct hash id, doc;
    struct wait w;

    (void)state;
    start_both();
    id = put(&server, 100, 1, "public");
    for (uint64_t lie = 99; lie <= 101; lie += 2) {
        blob_tree_init(&tree);
        assert_int_equal(blob_tree_add(&tree, "a", 0644, lie, &id), OK);
        buf_init(&text, 1000);
        blob_tree_encode(&tree, &text);
        assert_int_equal(blob_store_import_bytes(server.store, buf_bytes(&text),
                                                 "public", &doc),
                         OK);
        config = fetch_config(&doc, &w);
        config.tree = true;
        assert_int_equal(bulk_fetch(client.bulk, &config, NULL), OK);
        RUN_UNTIL(&loop, 5000, w.calls == 1);
        assert_int_equal(w.err, lie == 99 ? ERR_TOO_LARGE : ERR_BLOB);
        buf_done(&text);
        blob_tree_done(&tree);
    }
}

/* ---- permission ---- */

static void only_who_may_read_is_served(void **state)
{
    struct hash secret, mine, unknown = {{1}};
    char owner[BLOB_OWNER_MAX] = "peer:";

    (void)state;
    start_both();
    secret = put(&server, 100, 1, "contract:7");
    assert_int_equal(fetch(&secret), ERR_PERM);
    assert_int_equal(fetch(&unknown), ERR_NOT_FOUND);
    hex_encode(BYTES_OF(node_id(&client.node)->b), owner + 5);
    mine = put(&server, 100, 2, owner);
    assert_int_equal(fetch(&mine), OK);
}

static void the_node_may_decide_by_the_owner(void **state)
{
    struct hash good, bad;

    (void)state;
    server.owner_let_in = "contract:7";
    start_both();
    good = put(&server, 100, 1, "contract:7");
    bad = put(&server, 100, 2, "contract:8");
    assert_int_equal(fetch(&good), OK);
    assert_int_equal(fetch(&bad), ERR_PERM);
    assert_int_equal(blob_store_pin(server.store, &bad, "contract:7"), OK);
    assert_int_equal(fetch(&bad), OK);
}

/* ---- limits and mistakes ---- */

static void what_is_too_large_is_not_begun(void **state)
{
    struct bulk_fetch_config config;
    struct blob_stats stats;
    struct hash id;
    struct wait w;

    (void)state;
    start_both();
    id = put(&server, 2 * CHUNK, 1, "public");
    config = fetch_config(&id, &w);
    config.bytes_max = 2 * CHUNK - 1;
    assert_int_equal(bulk_fetch(client.bulk, &config, NULL), OK);
    RUN_UNTIL(&loop, 5000, w.calls == 1);
    assert_int_equal(w.err, ERR_TOO_LARGE);
    blob_store_stats(client.store, &stats);
    assert_int_equal(stats.used_bytes, 0);
}

static void the_wrong_node_is_not_asked(void **state)
{
    struct bulk_fetch_config config;
    struct hash id;
    struct wait w;

    (void)state;
    start_both();
    id = put(&server, 100, 1, "public");
    config = fetch_config(&id, &w);
    config.peer = *node_id(&client.node);
    assert_int_equal(bulk_fetch(client.bulk, &config, NULL), OK);
    RUN_UNTIL(&loop, 5000, w.calls == 1);
    assert_int_equal(w.err, ERR_PEER_ID);
}

static void nobody_there_is_a_timeout_or_a_network_error(void **state)
{
    struct bulk_fetch_config config;
    struct hash id = {{5}};
    struct wait w;

    (void)state;
    start_both();
    config = fetch_config(&id, &w);
    config.addr = "127.0.0.1:1";
    config.timeout_ms = 600;
    assert_int_equal(bulk_fetch(client.bulk, &config, NULL), OK);
    RUN_UNTIL(&loop, 3000, w.calls == 1);
    assert_int_equal(w.err, ERR_TIMEOUT);
    config.addr = "nonsense";
    assert_int_equal(bulk_fetch(client.bulk, &config, NULL), ERR_PARSE);
    config.addr = "127.0.0.1:1";
    config.owner = "../x";
    assert_int_equal(bulk_fetch(client.bulk, &config, NULL), ERR_RANGE);
}

static void a_cancelled_fetch_is_silent_and_can_be_resumed(void **state)
{
    struct bulk_fetch_config config;
    struct bulk_fetch *f;
    struct hash id;
    struct wait w;

    (void)state;
    start_both();
    id = put(&server, 8000000, 1, "public");
    config = fetch_config(&id, &w);
    assert_int_equal(bulk_fetch(client.bulk, &config, &f), OK);
    RUN_UNTIL(&loop, 5000, w.done > 1000000);
    bulk_cancel(f);
    RUN_FOR(&loop, 300);
    assert_int_equal(w.calls, 0);
    assert_false(is_complete(&id));
    assert_int_equal(fetch(&id), OK);
}

static void one_fetch_may_cancel_others_when_it_ends(void **state)
{
    struct bulk_fetch_config config;
    struct hash small, big;
    struct wait first, second;

    (void)state;
    start_both();
    small = put(&server, 100, 1, "public");
    big = put(&server, 8000000, 2, "public");
    config = fetch_config(&big, &second);
    assert_int_equal(bulk_fetch(client.bulk, &config, &first.cancel), OK);
    {
        struct bulk_fetch *other = first.cancel;

        config = fetch_config(&small, &first);
        first.cancel = other;
    }
    assert_int_equal(bulk_fetch(client.bulk, &config, NULL), OK);
    RUN_UNTIL(&loop, 5000, first.calls == 1);
    RUN_FOR(&loop, 200);
    assert_int_equal(first.err, OK);
    assert_int_equal(second.calls, 0);
}

static void closing_in_the_middle_is_clean(void **state)
{
    struct wait waits[5];

    (void)state;
    start_both();
    for (uint32_t i = 0; i < 5; i++) {
        struct hash id = put(&server, 4000000, i, "public");

        fetch_start(&id, &waits[i]);
    }
    RUN_UNTIL(&loop, 5000, waits[0].done > 0);
    /* tear_down stops the client, then the server */
}

static void a_port_in_use_is_named(void **state)
{
    struct bulk_config config = {.listen = NULL};
    struct bulk *other = NULL;
    struct net_error error = {{0}};

    (void)state;
    start_both();
    config.net = client.node.net;
    config.store = client.store;
    config.listen = bulk_listen_addr(server.bulk);
    assert_int_equal(bulk_new(&loop, &config, &other, &error), ERR_BUSY);
    assert_null(other);
    assert_non_null(strstr(error.text, "in use"));
}

static void damage_on_the_servers_disk_is_no_offence(void **state)
{
    struct blob_manifest m;
    struct buf text;
    char path[256], name[HASH_TEXT_MAX];
    struct net_ban ban;
    struct hash id;

    (void)state;
    start_both();
    id = put(&server, 3 * CHUNK, 1, "public");
    buf_init(&text, BLOB_MANIFEST_MAX);
    assert_int_equal(blob_store_manifest(server.store, &id, &text), OK);
    assert_int_equal(blob_manifest_decode(buf_bytes(&text), &m), OK);
    hash_format(&m.chunks[1], name);
    snprintf(path, sizeof path, "%s/chunks/%02x/%s", server.root,
             m.chunks[1].b[0], name);
    assert_int_equal(truncate(path, 1), 0);
    assert_int_equal(fetch(&id), ERR_BLOB);
    assert_false(net_ban(client.node.net, 0, &ban));
    blob_manifest_done(&m);
    buf_done(&text);
}

/* ---- a server that lies ---- */

/* It listens, speaks the channel as responder, and answers as told. */
struct liar {
    int listener, fd;
    char addr[CHANNEL_ADDR_MAX];
    struct hostile h; /* its keys and channel */
    struct blob_store *truth;
    enum { WRONG_CHUNK, WRONG_MANIFEST, UNASKED, NONSENSE, BROKEN } lie;
};

static void liar_listen(struct liar *liar)
{
    struct sockaddr_in sin = {.sin_family = AF_INET};
    socklen_t len = sizeof sin;

    liar->listener = socket(AF_INET, SOCK_STREAM, 0);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(liar->listener, (struct sockaddr *)&sin, sizeof sin),
                     0);
    assert_int_equal(listen(liar->listener, 5), 0);
    assert_int_equal(getsockname(liar->listener, (struct sockaddr *)&sin, &len),
                     0);
    snprintf(liar->addr, sizeof liar->addr, "127.0.0.1:%u",
             ntohs(sin.sin_port));
}

static void liar_accept(struct liar *liar)
{
    struct channel_config config = {.lane = CHANNEL_LANE_BULK,
                                    .chain = HELP_CHAIN,
                                    .self = &liar->h.self,
                                    .random = help_random,
                                    .now_us = uv_hrtime() / 1000};
    struct pollfd p = {.fd = liar->listener, .events = POLLIN};

    RUN_UNTIL(&loop, 3000, poll(&p, 1, 0) == 1);
    config.static_secret = liar->h.keys.static_secret;
    liar->h.fd = accept(liar->listener, NULL, NULL);
    assert_true(liar->h.fd >= 0);
    assert_int_equal(channel_new(&config, &liar->h.channel), OK);
}

static void liar_say(struct liar *liar, const struct bulk_message *m)
{
    struct buf text;

    buf_init(&text, LIMIT_MESSAGE_BYTES);
    bulk_message_encode(m, &text);
    assert_int_equal(
        channel_send(liar->h.channel, BULK_FRAME, buf_bytes(&text)), OK);
    buf_done(&text);
}

static void liar_answer(struct liar *liar, struct bytes request)
{
    static uint8_t chunk[CHUNK];
    struct bulk_message m;
    struct buf text;
    uint32_t len = 0;

    assert_int_equal(bulk_message_decode(request, &m), OK);
    buf_init(&text, BLOB_MANIFEST_MAX);
    if (liar->lie == NONSENSE) {
        assert_int_equal(
            channel_send(liar->h.channel, BULK_FRAME, BYTES_LIT("\x91\x01")),
            OK);
    } else if (liar->lie == UNASKED) {
        m.kind = BULK_CHUNK;
        m.index = 7;
        m.data = BYTES_LIT("surprise");
        liar_say(liar, &m);
    } else if (m.kind == BULK_GET_MANIFEST) {
        assert_int_equal(blob_store_manifest(liar->truth, &m.blob, &text), OK);
        if (liar->lie == WRONG_MANIFEST)
            text.ptr[text.len - 1] ^= 1;
        m.kind = BULK_MANIFEST;
        m.data = buf_bytes(&text);
        liar_say(liar, &m);
    } else {
        assert_int_equal(
            blob_store_get_chunk(liar->truth, &m.blob, m.index, chunk, &len),
            OK);
        chunk[len / 2] ^= m.index == 2;
        m.kind = BULK_CHUNK;
        m.data = bytes_make(chunk, len);
        liar_say(liar, &m);
    }
    buf_done(&text);
}

/* Serves one connection until the client hangs up. */
static void liar_serve(struct liar *liar, const struct wait *w)
{
    static uint8_t text[65536];
    struct pollfd p = {.fd = liar->h.fd, .events = POLLIN};

    while (w->calls == 0) {
        struct channel_event ev;
        struct bytes in;
        ssize_t n;

        (void)uv_run(&loop, UV_RUN_NOWAIT);
        if (poll(&p, 1, 1) <= 0)
            continue;
        n = recv(liar->h.fd, text, sizeof text, 0);
        if (n <= 0)
            break;
        in = bytes_make(text, (size_t)n);
        do {
            channel_step(liar->h.channel, &in, uv_hrtime() / 1000, &ev);
            if (ev.kind == CHANNEL_EVENT_FRAME)
                liar_answer(liar, ev.payload);
        } while (ev.kind != CHANNEL_EVENT_NONE);
        hostile_flush(&liar->h);
    }
}

static void a_lying_server_is_caught_scored_and_not_asked_again(void **state)
{
    struct liar liar;
    struct hash id;

    (void)state;
    start_both();
    id = put(&server, 5 * CHUNK, 1, "public");
    for (int lie = 0; lie < BROKEN; lie++) {
        struct bulk_fetch_config config;
        struct blob_info info;
        struct net_ban ban;
        struct wait w;

        memset(&liar, 0, sizeof liar);
        hostile_init(&liar.h, &loop);
        liar.truth = server.store;
        liar.lie = lie;
        liar_listen(&liar);
        config = fetch_config(&id, &w);
        config.addr = liar.addr;
        config.peer = liar.h.keys.signer.key;
        assert_int_equal(bulk_fetch(client.bulk, &config, NULL), OK);
        liar_accept(&liar);
        liar_serve(&liar, &w);
        RUN_UNTIL(&loop, 5000, w.calls == 1);
        assert_int_equal(w.err, ERR_BLOB);
        assert_true(net_ban(client.node.net, 0, &ban));
        assert_false(is_complete(&id));
        if (lie == WRONG_CHUNK) { /* the good ones stay, the bad one not */
            assert_int_equal(blob_store_info(client.store, &id, &info), OK);
            assert_false(blob_store_has_chunk(client.store, &id, 2));
        }
        w.calls = 0; /* again, and it does not even connect */
        assert_int_equal(bulk_fetch(client.bulk, &config, NULL), OK);
        RUN_UNTIL(&loop, 5000, w.calls == 1);
        assert_int_equal(w.err, ERR_BANNED);
        net_pardon(client.node.net);
        (void)blob_store_unpin_owner(client.store, "fetched");
        (void)blob_store_collect(client.store);
        hostile_disconnect(&liar.h);
        close(liar.listener);
    }
    assert_int_equal(fetch(&id), OK); /* an honest one brings it */
}

/* ---- a client that lies ---- */

static void a_client_that_talks_nonsense_is_banned(void **state)
{
    struct hostile h;
    struct net_ban ban;

    (void)state;
    start_both();
    hostile_init(&h, &loop);
    hostile_connect(&h, bulk_listen_addr(server.bulk), CHANNEL_LANE_BULK);
    hostile_come_up(&h);
    assert_int_equal(channel_send(h.channel, BULK_FRAME, BYTES_LIT("\x93\x01")),
                     OK);
    hostile_flush(&h);
    hostile_read(&h, 1000);
    assert_int_not_equal(h.over, OK);
    assert_true(net_ban(server.node.net, 0, &ban));
    hostile_disconnect(&h);
}

static void a_client_that_asks_and_never_reads_costs_little(void **state)
{
    struct hostile h;
    struct hash id;
    struct buf text;
    struct bulk_stats stats;

    (void)state;
    start_both();
    id = put(&server, 40 * CHUNK, 1, "public");
    hostile_init(&h, &loop);
    hostile_connect(&h, bulk_listen_addr(server.bulk), CHANNEL_LANE_BULK);
    hostile_come_up(&h);
    buf_init(&text, 1000);
    for (uint32_t i = 0; i < 30; i++) {
        struct bulk_message m = {
            .kind = BULK_GET_CHUNK, .blob = id, .index = i};

        buf_clear(&text);
        bulk_message_encode(&m, &text);
        assert_int_equal(channel_send(h.channel, BULK_FRAME, buf_bytes(&text)),
                         OK);
    }
    hostile_flush(&h);
    RUN_FOR(&loop, 500); /* it reads ahead a window, and what TCP takes */
    bulk_stats(server.bulk, &stats);
    assert_true(stats.served_chunks < 30);
    for (uint32_t i = 0; i < 10; i++) { /* and too many questions are rude */
        struct bulk_message m = {
            .kind = BULK_GET_CHUNK, .blob = id, .index = i};

        for (int j = 0; j < 10; j++) {
            buf_clear(&text);
            bulk_message_encode(&m, &text);
            assert_int_equal(
                channel_send(h.channel, BULK_FRAME, buf_bytes(&text)), OK);
        }
    }
    hostile_flush(&h);
    {
        struct net_ban ban;

        RUN_UNTIL(&loop, 2000, net_ban(server.node.net, 0, &ban));
    }
    buf_done(&text);
    hostile_disconnect(&h);
}

static void slow_and_garbage_connections_are_closed(void **state)
{
    int fd;
    char byte;

    (void)state;
    server.node.config.limits.ban_loopback = false;
    start_both();
    fd = help_connect(bulk_listen_addr(server.bulk));
    assert_int_equal(send(fd, "GET / HTTP/1.1\r\n", 16, MSG_NOSIGNAL), 16);
    RUN_UNTIL(&loop, 2000, recv(fd, &byte, 1, MSG_DONTWAIT) == 0);
    close(fd);
    fd = help_connect(bulk_listen_addr(server.bulk)); /* says nothing */
    RUN_UNTIL(&loop, 7000, recv(fd, &byte, 1, MSG_DONTWAIT) == 0);
    close(fd);
    {
        struct hash id = put(&server, 100, 1, "public");

        assert_int_equal(fetch(&id), OK);
    }
}

/* ---- the messages ---- */

static void messages_come_back_as_they_went(void **state)
{
    static const uint8_t filler[BULK_PROBE_BYTES];
    struct bulk_message all[] = {
        {.kind = BULK_GET_MANIFEST, .blob = {{1}}, .index = BULK_WHOLE},
        {.kind = BULK_MANIFEST,
         .blob = {{1}},
         .index = BULK_WHOLE,
         .data = BYTES_LIT("manifest")},
        {.kind = BULK_GET_CHUNK, .blob = {{2}}, .index = 31999},
        {.kind = BULK_CHUNK, .blob = {{2}}, .data = BYTES_LIT("chunk")},
        {.kind = BULK_REFUSED,
         .blob = {{3}},
         .index = BULK_WHOLE,
         .err = ERR_PERM},
        {.kind = BULK_GET_PROBE, .blob = {{4}}, .index = 31},
        {.kind = BULK_PROBE, .blob = {{4}}, .data = BYTES_OF(filler)}};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct bulk_message back;
        struct buf one, two;

        buf_init(&one, 100000);
        buf_init(&two, 100000);
        bulk_message_encode(&all[i], &one);
        assert_int_equal(bulk_message_decode(buf_bytes(&one), &back), OK);
        assert_int_equal(back.index, all[i].index);
        assert_int_equal(back.err, all[i].err);
        bulk_message_encode(&back, &two);
        assert_true(bytes_equal(buf_bytes(&one), buf_bytes(&two)));
        for (size_t len = 0; len < one.len; len += 1 + len / 100)
            assert_int_not_equal(
                bulk_message_decode(bytes_make(one.ptr, len), &back), OK);
        buf_done(&one);
        buf_done(&two);
    }
}

#define BULK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BULK_TEST(blobs_of_all_sizes_arrive),
        BULK_TEST(many_fetches_share_the_way),
        BULK_TEST(pauses_between_fetches_do_not_cost_the_connection),
        BULK_TEST(twenty_megabytes_go_on_where_a_dead_client_left_them),
        BULK_TEST(a_server_that_comes_back_is_found_again),
        BULK_TEST(a_tree_comes_with_all_its_files),
        BULK_TEST(a_tree_that_lies_about_a_file_is_refused),
        BULK_TEST(only_who_may_read_is_served),
        BULK_TEST(the_node_may_decide_by_the_owner),
        BULK_TEST(what_is_too_large_is_not_begun),
        BULK_TEST(the_wrong_node_is_not_asked),
        BULK_TEST(nobody_there_is_a_timeout_or_a_network_error),
        BULK_TEST(a_cancelled_fetch_is_silent_and_can_be_resumed),
        BULK_TEST(one_fetch_may_cancel_others_when_it_ends),
        BULK_TEST(closing_in_the_middle_is_clean),
        BULK_TEST(a_port_in_use_is_named),
        BULK_TEST(damage_on_the_servers_disk_is_no_offence),
        BULK_TEST(a_lying_server_is_caught_scored_and_not_asked_again),
        BULK_TEST(a_client_that_talks_nonsense_is_banned),
        BULK_TEST(a_client_that_asks_and_never_reads_costs_little),
        BULK_TEST(slow_and_garbage_connections_are_closed),
        cmocka_unit_test(messages_come_back_as_they_went),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
