/* A node of a few rooms behind a real control socket, asked by a client on a
 * thread of its own while the loop runs here. */
#ifndef TESTS_UNIT_NODE_RPC_RIG_H
#define TESTS_UNIT_NODE_RPC_RIG_H

#include <ftw.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/address.h"
#include "node/blob/images.h"
#include "node/control/rpc_help.h"
#include "node/control/rpc_table.h"
#include "node/control/waiters.h"

struct rig {
    struct node node;
    uv_loop_t loop;
    uv_async_t done;
    char root[64];
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    /* of the question under way */
    char *question;
    char *answer;
};

static inline enum err rig_sign(void *ctx, const char *tag,
                                const struct hash *digest,
                                struct signature *out)
{
    struct rig *rig = ctx;
    (void)tag;
    crypto_sign_detached(out->b, NULL, digest->b, sizeof(digest->b),
                         rig->secret);
    return OK;
}

static inline void rig_on_feed(void *ctx)
{
    struct node *node = ctx;
    waiters_poke(node->waiters);
}

static inline void rig_on_done(uv_async_t *async)
{
    uv_stop(async->loop);
}

static inline void rig_path(const struct rig *rig, const char *leaf,
                            char out[128])
{
    snprintf(out, 128, "%s/%s", rig->root, leaf);
}

static inline void rig_open_rooms(struct rig *rig)
{
    struct node *node = &rig->node;
    char path[128];
    struct blob_store_config blobs = {.dir = path, .sync = false};
    struct buy_config buy = {.chain = node->genesis.chain,
                             .signer = &node->signer,
                             .self = node->self};
    assert_int_equal(feed_init(&node->feed), OK);
    node->feed.on_new = rig_on_feed;
    node->feed.ctx = node;
    assert_int_equal(waiters_new(node, &node->waiters), OK);
    assert_int_equal(config_init(&node->config), OK);
    rig_path(rig, "records", path);
    assert_int_equal(records_open(&node->records, path), OK);
    assert_int_equal(images_new(&node->records, &node->images), OK);
    rig_path(rig, "blobs", path);
    assert_int_equal(blob_store_open(&blobs, &node->blobs), OK);
    assert_int_equal(buy_new(&buy, &node->buy), OK);
    rig_path(rig, "c.sock", path);
    assert_int_equal(
        control_open(node->loop, path, rpc_dispatch, node, &node->control), OK);
}

static inline struct rig *rig_open(void)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct node *node;
    assert_non_null(rig);
    assert_true(sodium_init() >= 0);
    node = &rig->node;
    snprintf(rig->root, sizeof(rig->root), "/tmp/suan-rpc-XXXXXX");
    assert_non_null(mkdtemp(rig->root));
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    assert_int_equal(uv_async_init(&rig->loop, &rig->done, rig_on_done), 0);
    node->loop = &rig->loop;
    node->prefix = ADDRESS_PREFIX_TEST;
    node->started_ms = node_wall_ms();
    memset(node->genesis.chain.b, 9, HASH_LEN);
    crypto_sign_keypair(node->self.b, rig->secret);
    node->signer = (struct signer){rig_sign, rig, node->self};
    snprintf(node->dir.path, sizeof(node->dir.path), "%s", rig->root);
    rig_open_rooms(rig);
    return rig;
}

static inline int rig_remove_one(const char *path, const struct stat *st,
                                 int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void rig_close(struct rig *rig)
{
    struct node *node = &rig->node;
    waiters_free(node->waiters);
    control_close(node->control);
    node->control = NULL;
    uv_close((uv_handle_t *)&rig->done, NULL);
    assert_int_equal(uv_run(&rig->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    buy_free(node->buy);
    images_free(node->images);
    records_close(&node->records);
    blob_store_close(node->blobs);
    config_done(&node->config);
    feed_done(&node->feed);
    nftw(rig->root, rig_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(rig);
}

static inline void *rig_client(void *arg)
{
    struct rig *rig = arg;
    nng_socket socket;
    char url[160];
    char *reply = NULL;
    size_t len = 0;
    snprintf(url, sizeof(url), "ipc://%s/c.sock", rig->root);
    if (nng_req0_open(&socket) == 0) {
        nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, 20000);
        nng_socket_set_size(socket, NNG_OPT_RECVMAXSZ, 2u * 1024 * 1024);
        if (nng_dial(socket, url, NULL, 0) == 0 &&
            nng_send(socket, rig->question, strlen(rig->question), 0) == 0 &&
            nng_recv(socket, &reply, &len, NNG_FLAG_ALLOC) == 0) {
            rig->answer = strndup(reply, len);
            nng_free(reply, len);
        }
        nng_close(socket);
    }
    uv_async_send(&rig->done);
    return NULL;
}

/* The whole reply, given: {"result"} or {"error"}. params is taken. */
static inline json_t *rig_ask(struct rig *rig, const char *method,
                              json_t *params)
{
    pthread_t thread;
    json_t *reply;
    rig->question = rpc_request_text(7, method, params);
    rig->answer = NULL;
    assert_non_null(rig->question);
    assert_int_equal(pthread_create(&thread, NULL, rig_client, rig), 0);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    pthread_join(thread, NULL);
    assert_non_null(rig->answer);
    reply = json_loads(rig->answer, 0, NULL);
    assert_non_null(reply);
    free(rig->answer);
    free(rig->question);
    json_decref(params);
    return reply;
}

/* The result, given; the call must not be refused. */
static inline json_t *rig_result(struct rig *rig, const char *method,
                                 json_t *params)
{
    json_t *reply = rig_ask(rig, method, params);
    json_t *result = json_incref(json_object_get(reply, "result"));
    if (result == NULL)
        print_error("%s: %s\n", method,
                    json_string_value(json_object_get(
                        json_object_get(reply, "error"), "message")));
    assert_non_null(result);
    json_decref(reply);
    return result;
}

/* The call must be refused with this code; what and next must hold these. */
static inline void rig_refused(struct rig *rig, const char *method,
                               json_t *params, const char *code, int exit_code,
                               const char *what, const char *next)
{
    json_t *reply = rig_ask(rig, method, params);
    json_t *error = json_object_get(reply, "error");
    assert_non_null(error);
    assert_string_equal(json_string_value(json_object_get(error, "code")),
                        code);
    assert_int_equal(json_integer_value(json_object_get(error, "exit")),
                     exit_code);
    assert_non_null(
        strstr(json_string_value(json_object_get(error, "message")), what));
    assert_non_null(
        strstr(json_string_value(json_object_get(error, "next")), next));
    assert_true(json_string_length(json_object_get(error, "why")) > 0);
    json_decref(reply);
}

#endif
