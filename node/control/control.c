#include "node/control/control.h"

#include "base/check.h"
#include "node/log.h"

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/transport/ipc/ipc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum line_state {
    LINE_RECEIVING, /* nng owns it */
    LINE_ARRIVED,   /* queued for the loop */
    LINE_OPEN,      /* the handler owns it */
    LINE_SENDING,   /* nng owns it */
    LINE_STOPPED
};

/* One context of the rep socket and the call it carries. */
struct line {
    struct control_call call; /* first: a call is its line */
    struct control *control;
    nng_ctx ctx;
    nng_aio *aio;
    nng_msg *msg; /* the request while it is open */
    struct rpc_request request;
    enum line_state state; /* under control->lock */
};

struct control {
    uv_async_t wake;
    uv_loop_t *loop;
    pthread_mutex_t lock;
    nng_socket socket;
    control_fn fn;
    void *ctx;
    bool closing; /* under lock */
    char path[128];
    struct line lines[CONTROL_CALLS_MAX];
};

/* On nng's thread, or ours when the operation ends at once. */
static void on_aio(void *arg)
{
    struct line *line = arg;
    struct control *control = line->control;
    bool again = false;
    pthread_mutex_lock(&control->lock);
    if (control->closing) {
        line->state = LINE_STOPPED;
    } else if (nng_aio_result(line->aio) != 0) {
        again = line->state == LINE_SENDING;
        if (again) { /* the client left: drop the unsent reply */
            nng_msg *unsent = nng_aio_get_msg(line->aio);
            nng_aio_set_msg(line->aio, NULL);
            if (unsent != NULL)
                nng_msg_free(unsent);
            line->state = LINE_RECEIVING;
        } else {
            line->state = LINE_STOPPED;
        }
    } else if (line->state == LINE_SENDING) {
        line->state = LINE_RECEIVING;
        again = true;
    } else {
        line->msg = nng_aio_get_msg(line->aio);
        line->state = LINE_ARRIVED;
    }
    pthread_mutex_unlock(&control->lock);
    if (again)
        nng_ctx_recv(line->ctx, line->aio);
    else
        uv_async_send(&control->wake);
}

static bool peer_allowed(nng_msg *msg)
{
    uint64_t uid;
    nng_pipe pipe = nng_msg_get_pipe(msg);
    if (nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_UID, &uid) != 0)
        return false;
    return uid == 0 || uid == (uint64_t)geteuid();
}

static void send_text(struct line *line, char *text)
{
    struct control *control = line->control;
    nng_msg *reply = NULL;
    if (line->request.doc != NULL)
        json_decref(line->request.doc);
    line->request.doc = NULL;
    nng_msg_free(line->msg);
    line->msg = NULL;
    if (text == NULL || nng_msg_alloc(&reply, 0) != 0 ||
        nng_msg_append(reply, text, strlen(text)) != 0) {
        log_odd("control", "no memory for a reply");
        if (reply != NULL)
            nng_msg_free(reply);
        reply = NULL;
    }
    free(text);
    pthread_mutex_lock(&control->lock);
    line->state = reply != NULL ? LINE_SENDING : LINE_RECEIVING;
    pthread_mutex_unlock(&control->lock);
    if (reply == NULL) {
        nng_ctx_recv(line->ctx, line->aio);
        return;
    }
    nng_aio_set_msg(line->aio, reply);
    nng_ctx_send(line->ctx, line->aio);
}

void control_reply(struct control_call *call, json_t *result)
{
    struct line *line = (struct line *)call;
    char *text;
    CHECK(line->state == LINE_OPEN);
    text = rpc_result_text(line->request.id, result);
    json_decref(result);
    if (text != NULL && strlen(text) > RPC_BYTES_MAX) {
        struct rpc_error error;
        free(text);
        rpc_error_set(&error, ERR_TOO_LARGE, "ask for less at once",
                      "the answer is larger than a reply may be");
        text = rpc_error_text(line->request.id, &error);
    }
    send_text(line, text);
}

void control_fail(struct control_call *call, const struct rpc_error *error)
{
    struct line *line = (struct line *)call;
    CHECK(line->state == LINE_OPEN);
    send_text(line, rpc_error_text(line->request.id, error));
}

void control_refuse(struct control_call *call, enum err err, const char *next,
                    const char *what_format, ...)
{
    struct rpc_error error;
    char what[sizeof(error.what)];
    va_list args;
    va_start(args, what_format);
    vsnprintf(what, sizeof(what), what_format, args);
    va_end(args);
    rpc_error_set(&error, err, next, "%s", what);
    control_fail(call, &error);
}

static void dispatch(struct line *line)
{
    struct control *control = line->control;
    struct bytes text =
        bytes_make(nng_msg_body(line->msg), nng_msg_len(line->msg));
    enum err err = rpc_request_parse(text, &line->request);
    line->call.method = line->request.method;
    line->call.params = line->request.params;
    line->call.started_ms = uv_now(control->loop);
    line->call.waiting = NULL;
    if (!peer_allowed(line->msg))
        control_refuse(&line->call, ERR_PERM,
                       "run the command as the user who runs the node",
                       "this node belongs to another user");
    else if (err != OK)
        control_refuse(&line->call, err, NULL, "the call cannot be read");
    else
        control->fn(control->ctx, &line->call);
}

static void on_wake(uv_async_t *wake)
{
    struct control *control = wake->data;
    for (int i = 0; i < CONTROL_CALLS_MAX; i++) {
        struct line *line = &control->lines[i];
        bool arrived;
        pthread_mutex_lock(&control->lock);
        arrived = line->state == LINE_ARRIVED && !control->closing;
        if (arrived)
            line->state = LINE_OPEN;
        pthread_mutex_unlock(&control->lock);
        if (arrived)
            dispatch(line);
    }
}

static enum err err_of_nng(int rv)
{
    switch (rv) {
    case NNG_EADDRINUSE:
        return ERR_BUSY;
    case NNG_EPERM:
        return ERR_PERM;
    case NNG_ENOMEM:
        return ERR_NOMEM;
    default:
        return ERR_IO;
    }
}

static enum err listen_on(struct control *control)
{
    char url[160];
    nng_listener listener;
    int rv;
    snprintf(url, sizeof(url), "ipc://%s", control->path);
    unlink(control->path); /* ours: run/lock is held */
    rv = nng_rep0_open(&control->socket);
    if (rv != 0)
        return err_of_nng(rv);
    nng_socket_set_size(control->socket, NNG_OPT_RECVMAXSZ, RPC_BYTES_MAX);
    rv = nng_listener_create(&listener, control->socket, url);
    if (rv == 0)
        rv = nng_listener_set_int(listener, NNG_OPT_IPC_PERMISSIONS, 0600);
    if (rv == 0)
        rv = nng_listener_start(listener, 0);
    if (rv != 0) {
        nng_close(control->socket);
        return err_of_nng(rv);
    }
    return OK;
}

static enum err lines_open(struct control *control)
{
    for (int i = 0; i < CONTROL_CALLS_MAX; i++) {
        struct line *line = &control->lines[i];
        int rv = nng_ctx_open(&line->ctx, control->socket);
        if (rv == 0)
            rv = nng_aio_alloc(&line->aio, on_aio, line);
        if (rv != 0)
            return err_of_nng(rv);
        line->control = control;
        line->state = LINE_RECEIVING;
        nng_ctx_recv(line->ctx, line->aio);
    }
    return OK;
}

enum err control_open(uv_loop_t *loop, const char *socket_path, control_fn fn,
                      void *ctx, struct control **out)
{
    struct control *control = calloc(1, sizeof(*control));
    enum err err;
    if (control == NULL)
        return ERR_NOMEM;
    control->loop = loop;
    control->fn = fn;
    control->ctx = ctx;
    for (int i = 0; i < CONTROL_CALLS_MAX; i++)
        control->lines[i].state = LINE_STOPPED;
    snprintf(control->path, sizeof(control->path), "%s", socket_path);
    pthread_mutex_init(&control->lock, NULL);
    CHECK(uv_async_init(loop, &control->wake, on_wake) == 0);
    control->wake.data = control;
    err = listen_on(control);
    if (err != OK) {
        control->socket.id = 0;
        control_close(control);
        return err;
    }
    err = lines_open(control);
    if (err != OK) {
        control_close(control);
        return err;
    }
    *out = control;
    return OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct control *control = handle->data;
    pthread_mutex_destroy(&control->lock);
    free(control);
}

static void line_close(struct line *line)
{
    if (line->aio != NULL) {
        nng_msg *left;
        nng_aio_stop(line->aio); /* waits for its callback */
        left = nng_aio_get_msg(line->aio);
        if (left != NULL && line->state == LINE_STOPPED && line->msg == NULL)
            nng_msg_free(left);
        nng_aio_free(line->aio);
    }
    if (line->msg != NULL)
        nng_msg_free(line->msg);
    if (line->request.doc != NULL)
        json_decref(line->request.doc);
}

/* Order matters with nng 1.5: stop every aio, close the socket, then the async
 * handle they wake. */
void control_close(struct control *control)
{
    pthread_mutex_lock(&control->lock);
    control->closing = true;
    pthread_mutex_unlock(&control->lock);
    for (int i = 0; i < CONTROL_CALLS_MAX; i++)
        line_close(&control->lines[i]);
    if (control->socket.id != 0)
        nng_close(control->socket);
    unlink(control->path);
    uv_close((uv_handle_t *)&control->wake, on_closed);
}
