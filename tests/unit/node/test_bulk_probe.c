/* Measuring the way between two nodes on loopback. */
#define _GNU_SOURCE /* mkdtemp, nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <ftw.h>

#include <cmocka.h>

#include "node/net/bulk.h"
#include "node/net/bulk_codec.h"
#include "tests/unit/node/net_help.h"

struct end {
    struct node_under_test node;
    char root[64];
    struct blob_store *store;
    struct bulk *bulk;
    uint64_t may_bytes; /* that it will still give */
    struct bulk_volume volumes[8];
    uint32_t volume_count;
    uint32_t done_count;
    enum err done;
    bool closed;
};

static uv_loop_t loop;
static struct end server, client;

static bool may_probe(void *ctx, const struct pubkey *peer, uint64_t bytes)
{
    struct end *end = ctx;

    assert_true(pubkey_equal(peer, node_id(&client.node)));
    if (end->may_bytes < bytes)
        return false;
    end->may_bytes -= bytes;
    return true;
}

static void on_volume(void *ctx, const struct bulk_volume *volume)
{
    struct end *end = ctx;

    assert_true(end->volume_count < 8);
    end->volumes[end->volume_count++] = *volume;
}

static void on_done(void *ctx, const struct pubkey *peer, enum err err)
{
    struct end *end = ctx;

    assert_true(pubkey_equal(peer, node_id(&server.node)));
    end->done = err;
    end->done_count++;
}

static void end_start(struct end *end, bool serves)
{
    struct blob_store_config store_config = {NULL, 0, false};
    struct bulk_config config = {
        .listen = "127.0.0.1:0", .on_volume = on_volume, .ctx = end};
    struct net_error error;

    memset(end, 0, sizeof *end);
    snprintf(end->root, sizeof end->root, "/tmp/suan-probe-XXXXXX");
    assert_non_null(mkdtemp(end->root));
    node_init(&end->node);
    node_start(&loop, &end->node);
    store_config.dir = end->root;
    assert_int_equal(blob_store_open(&store_config, &end->store), OK);
    config.net = end->node.net;
    config.store = end->store;
    if (serves)
        config.may_probe = may_probe;
    if (bulk_new(&loop, &config, &end->bulk, &error) != OK)
        fail_msg("%s", error.text);
}

static void on_closed(void *ctx)
{
    ((struct end *)ctx)->closed = true;
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void end_stop(struct end *end)
{
    bulk_close(end->bulk, on_closed, end);
    RUN_UNTIL(&loop, 5000, end->closed);
    node_close(&end->node);
    RUN_UNTIL(&loop, 5000, end->node.net == NULL);
    blob_store_close(end->store);
    assert_int_equal(nftw(end->root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    end_start(&server, true);
    end_start(&client, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    end_stop(&client);
    end_stop(&server);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

static enum err probe(uint64_t bytes)
{
    return bulk_probe(client.bulk, bulk_listen_addr(server.bulk),
                      node_id(&server.node), bytes, on_done);
}

static void both_ends_learn_the_pace(void **state)
{
    (void)state;
    server.may_bytes = UINT64_MAX;
    assert_int_equal(probe(1024 * 1024), OK);
    assert_int_equal(probe(1024 * 1024), ERR_BUSY);
    RUN_UNTIL(&loop, 5000, client.volume_count == 1);
    assert_int_equal(client.done_count, 1);
    assert_int_equal(client.done, OK);
    assert_true(pubkey_equal(&client.volumes[0].peer, node_id(&server.node)));
    assert_false(client.volumes[0].out);
    assert_true(client.volumes[0].full);
    assert_int_equal(client.volumes[0].probed, 1024 * 1024);
    assert_true(client.volumes[0].kbps > 0);
    RUN_UNTIL(&loop, 5000, server.volume_count == 1);
    assert_true(pubkey_equal(&server.volumes[0].peer, node_id(&client.node)));
    assert_true(server.volumes[0].out);
    assert_true(server.volumes[0].kbps > 0);
    assert_true(server.volumes[0].sent >= 1);
    assert_true(server.volumes[0].again <= server.volumes[0].sent);
    assert_int_equal(probe(128 * 1024), OK); /* and again */
    RUN_UNTIL(&loop, 5000, client.volume_count == 2);
}

static void a_peer_that_has_had_enough_says_so(void **state)
{
    (void)state;
    server.may_bytes = 3 * BULK_PROBE_BYTES;
    assert_int_equal(probe(1024 * 1024), OK);
    RUN_UNTIL(&loop, 5000, client.done_count == 1);
    assert_int_equal(client.done, ERR_RATE);
    RUN_UNTIL(&loop, 5000, client.volume_count == 1);
    assert_int_equal(client.volumes[0].kbps, 0); /* cost, and told nothing */
    assert_int_equal(client.volumes[0].probed, 3 * BULK_PROBE_BYTES);
    assert_int_equal(server.may_bytes, 0);
    {
        struct net_ban ban;

        assert_false(net_ban(server.node.net, 0, &ban));
        assert_false(net_ban(client.node.net, 0, &ban));
    }
}

static void nobody_is_measured_who_does_not_want_to_be(void **state)
{
    (void)state;
    assert_int_equal(bulk_probe(server.bulk, bulk_listen_addr(client.bulk),
                                node_id(&client.node), 1024 * 1024, NULL),
                     OK);
    RUN_FOR(&loop, 300);
    assert_int_equal(server.volume_count, 0);
    assert_int_equal(client.volume_count, 0);
}

static void nobody_there_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(bulk_probe(client.bulk, "127.0.0.1:1",
                                node_id(&server.node), 1024 * 1024, on_done),
                     OK);
    RUN_UNTIL(&loop, 5000, client.done_count == 1);
    assert_int_not_equal(client.done, OK);
    assert_int_equal(client.volume_count, 0);
    assert_int_equal(bulk_probe(client.bulk, "nowhere", node_id(&server.node),
                                1024 * 1024, on_done),
                     ERR_PARSE);
}

static void closing_in_the_middle_is_clean(void **state)
{
    (void)state;
    server.may_bytes = UINT64_MAX;
    assert_int_equal(probe(BULK_PROBE_MAX), OK);
    RUN_FOR(&loop, 3);
    /* tear_down closes both */
}

#define PROBE_TEST(name)                                                       \
    cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROBE_TEST(both_ends_learn_the_pace),
        PROBE_TEST(a_peer_that_has_had_enough_says_so),
        PROBE_TEST(nobody_is_measured_who_does_not_want_to_be),
        PROBE_TEST(nobody_there_is_an_error),
        PROBE_TEST(closing_in_the_middle_is_clean),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
