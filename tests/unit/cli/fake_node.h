#ifndef TESTS_UNIT_CLI_FAKE_NODE_H
#define TESTS_UNIT_CLI_FAKE_NODE_H

/* A node for tests of the command line: a thread that answers on a control
 * socket by a function of the test's. Only the socket and the envelope are
 * real. Include it once, from a test's own page. */

#include "node/rpc/rpc_msg.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fake_node {
    char dir[64]; /* data directory: run/control.sock is in it */
    char socket[100];
    nng_socket rep;
    pthread_t thread;
    /* Fills *out_result (given) or *out_error and returns it. On the fake's
     * thread. */
    enum err (*answer)(struct fake_node *node, const char *method,
                       json_t *params, json_t **out_result,
                       struct rpc_error *out_error);
    void *ctx;
    unsigned calls;
};

static char *fake_reply(struct fake_node *node, nng_msg *msg)
{
    struct rpc_request request;
    struct rpc_error error;
    json_t *result = NULL;
    char *text;
    enum err err = rpc_request_parse(
        bytes_make(nng_msg_body(msg), nng_msg_len(msg)), &request);
    if (err != OK) {
        rpc_error_set(&error, err, NULL, "the call cannot be read");
        return rpc_error_text(0, &error);
    }
    memset(&error, 0, sizeof(error));
    err = node->answer(node, request.method, request.params, &result, &error);
    text = err == OK ? rpc_result_text(request.id, result)
                     : rpc_error_text(request.id, &error);
    json_decref(result);
    json_decref(request.doc);
    return text;
}

static void *fake_run(void *arg)
{
    struct fake_node *node = arg;
    nng_msg *msg;
    while (nng_recvmsg(node->rep, &msg, 0) == 0) {
        char *text = fake_reply(node, msg);
        node->calls++;
        nng_msg_clear(msg);
        if (text == NULL || nng_msg_append(msg, text, strlen(text)) != 0 ||
            nng_sendmsg(node->rep, msg, 0) != 0)
            nng_msg_free(msg);
        free(text);
    }
    return NULL;
}

static int fake_start(struct fake_node *node)
{
    char run[80];
    char url[120];
    snprintf(node->dir, sizeof(node->dir), "/tmp/suan-test-XXXXXX");
    if (mkdtemp(node->dir) == NULL)
        return -1;
    snprintf(run, sizeof(run), "%s/run", node->dir);
    snprintf(node->socket, sizeof(node->socket), "%s/control.sock", run);
    snprintf(url, sizeof(url), "ipc://%s", node->socket);
    if (mkdir(run, 0700) != 0 || nng_rep0_open(&node->rep) != 0 ||
        nng_listen(node->rep, url, NULL, 0) != 0)
        return -1;
    return pthread_create(&node->thread, NULL, fake_run, node);
}

static void fake_stop(struct fake_node *node)
{
    char run[80];
    nng_close(node->rep);
    pthread_join(node->thread, NULL);
    snprintf(run, sizeof(run), "%s/run", node->dir);
    unlink(node->socket);
    rmdir(run);
    rmdir(node->dir);
}

#endif
