#include "cli/client.h"

#include "base/check.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long a node may be away (a restart, say) before a call gives up. */
#define AWAY_MS_MAX 3000u
#define RESEND_MS   (24 * 3600 * 1000)

/* Shared with nng's threads. It outlives the client when a call was given up:
 * cancelling a receive is not safe in the nng of Debian 12 (nng#1702), so an
 * abandoned one is left alone until the process ends. */
struct client {
    nng_socket socket;
    nng_aio *aio;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool arrived;   /* the aio finished */
    bool connected; /* a pipe is up */
    bool dead;      /* abandoned */
    uint64_t next_id;
};

static void on_aio(void *arg)
{
    struct client *client = arg;
    pthread_mutex_lock(&client->mutex);
    client->arrived = true;
    pthread_cond_signal(&client->changed);
    pthread_mutex_unlock(&client->mutex);
}

static void on_pipe(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
    struct client *client = arg;
    (void)pipe;
    pthread_mutex_lock(&client->mutex);
    client->connected = event == NNG_PIPE_EV_ADD_POST;
    pthread_cond_signal(&client->changed);
    pthread_mutex_unlock(&client->mutex);
}

static enum err socket_setup(struct client *client)
{
    int rv = nng_req0_open(&client->socket);
    if (rv == 0)
        rv = nng_socket_set_ms(client->socket, NNG_OPT_REQ_RESENDTIME,
                               RESEND_MS);
    if (rv == 0)
        rv = nng_socket_set_size(client->socket, NNG_OPT_RECVMAXSZ,
                                 2 * RPC_BYTES_MAX);
    if (rv == 0)
        rv = nng_socket_set_ms(client->socket, NNG_OPT_RECONNMINT, 50);
    if (rv == 0)
        rv = nng_socket_set_ms(client->socket, NNG_OPT_RECONNMAXT, 200);
    if (rv == 0)
        rv = nng_pipe_notify(client->socket, NNG_PIPE_EV_ADD_POST, on_pipe,
                             client);
    if (rv == 0)
        rv = nng_pipe_notify(client->socket, NNG_PIPE_EV_REM_POST, on_pipe,
                             client);
    if (rv == 0)
        rv = nng_aio_alloc(&client->aio, on_aio, client);
    return rv == 0 ? OK : rv == NNG_ENOMEM ? ERR_NOMEM : ERR_NET;
}

static enum err refuse_dial(int rv, const char *path,
                            struct rpc_error *out_error)
{
    if (rv == NNG_EPERM) {
        rpc_error_set(out_error, ERR_PERM, "suan --node SOCKET of your own",
                      "the node at %s does not talk to this user", path);
        return ERR_PERM;
    }
    rpc_error_set(out_error, ERR_NET, "suan node start / suan devnet up",
                  "the node is not running");
    snprintf(out_error->why, sizeof(out_error->why),
             "nobody answers on %s (%s)", path, nng_strerror(rv));
    return ERR_NET;
}

enum err client_open(const char *path, struct client **out,
                     struct rpc_error *out_error)
{
    struct client *client;
    char url[CLIENT_PATH_MAX + 8];
    int rv;
    if (strlen(path) > CLIENT_PATH_MAX) {
        rpc_error_set(out_error, ERR_TOO_LARGE,
                      "a data directory with a shorter path",
                      "the socket's path has more than %d bytes: %s",
                      CLIENT_PATH_MAX, path);
        return ERR_TOO_LARGE;
    }
    client = calloc(1, sizeof(*client));
    if (client == NULL) {
        rpc_error_set(out_error, ERR_NOMEM, "fewer programs at once",
                      "a socket could not be made");
        return ERR_NOMEM;
    }
    pthread_mutex_init(&client->mutex, NULL);
    pthread_cond_init(&client->changed, NULL);
    if (socket_setup(client) != OK) {
        client_free(client);
        rpc_error_set(out_error, ERR_NOMEM, "fewer programs at once",
                      "a socket could not be made");
        return ERR_NOMEM;
    }
    client->next_id = 1;
    snprintf(url, sizeof(url), "ipc://%s", path);
    rv = nng_dial(client->socket, url, NULL, 0);
    if (rv != 0) {
        client_free(client);
        return refuse_dial(rv, path, out_error);
    }
    *out = client;
    return OK;
}

void client_free(struct client *client)
{
    if (client == NULL || client->dead)
        return;
    /* Nothing is under way, and on_pipe is not called once close returns. */
    nng_close(client->socket);
    nng_aio_free(client->aio);
    pthread_cond_destroy(&client->changed);
    pthread_mutex_destroy(&client->mutex);
    free(client);
}

static uint64_t now_ms(clockid_t clock)
{
    struct timespec ts;
    CHECK(clock_gettime(clock, &ts) == 0);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Sleeps up to 100 ms or until something changed. Mutex held. */
static void wait_a_little(struct client *client)
{
    struct timespec until;
    CHECK(clock_gettime(CLOCK_REALTIME, &until) == 0);
    until.tv_nsec += 100000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(&client->changed, &client->mutex, &until);
}

/* Waits for the aio. ERR_TIMEOUT or ERR_NET: the client is dead. */
static enum err await(struct client *client, uint64_t timeout_ms)
{
    uint64_t start = now_ms(CLOCK_MONOTONIC);
    uint64_t seen = start;
    enum err err = OK;
    pthread_mutex_lock(&client->mutex);
    while (!client->arrived && err == OK) {
        uint64_t now = now_ms(CLOCK_MONOTONIC);
        if (client->connected)
            seen = now;
        if (now - start > timeout_ms)
            err = ERR_TIMEOUT;
        else if (now - seen > AWAY_MS_MAX)
            err = ERR_NET;
        else
            wait_a_little(client);
    }
    client->arrived = false;
    client->dead = err != OK;
    pthread_mutex_unlock(&client->mutex);
    return err;
}

/* One leg through the aio: nng's result, or why it was given up. */
static enum err finish(struct client *client, uint64_t timeout_ms)
{
    TRY(await(client, timeout_ms));
    return nng_aio_result(client->aio) == 0 ? OK : ERR_NET;
}

static enum err exchange(struct client *client, const char *text,
                         uint64_t timeout_ms, nng_msg **out)
{
    nng_msg *message = NULL;
    enum err err;
    if (nng_msg_alloc(&message, 0) != 0)
        return ERR_NOMEM;
    if (nng_msg_append(message, text, strlen(text)) != 0) {
        nng_msg_free(message);
        return ERR_NOMEM;
    }
    nng_aio_set_timeout(client->aio, NNG_DURATION_INFINITE);
    nng_aio_set_msg(client->aio, message);
    nng_send_aio(client->socket, client->aio);
    err = finish(client, timeout_ms);
    if (err != OK) {
        if (!client->dead)
            nng_msg_free(message);
        return err;
    }
    nng_recv_aio(client->socket, client->aio);
    TRY(finish(client, timeout_ms));
    *out = nng_aio_get_msg(client->aio);
    return OK;
}

static void explain(enum err err, const char *method, uint64_t timeout_ms,
                    struct rpc_error *out_error)
{
    if (err == ERR_TIMEOUT)
        rpc_error_set(out_error, err, "suan node status, or a longer --timeout",
                      "the node gave no answer to %s in %llu s", method,
                      (unsigned long long)(timeout_ms / 1000));
    else if (err == ERR_NOMEM)
        rpc_error_set(out_error, err, "fewer programs at once", "%s", method);
    else if (err == ERR_CLOSED)
        rpc_error_set(out_error, err, "the command once more",
                      "the connection to the node was given up");
    else
        rpc_error_set(out_error, err, "suan node start / suan devnet up",
                      "the node went away during %s", method);
}

enum err client_call(struct client *client, const char *method, json_t *params,
                     uint64_t timeout_ms, json_t **out_result,
                     struct rpc_error *out_error)
{
    nng_msg *reply = NULL;
    char *text = NULL;
    enum err err = ERR_CLOSED;
    CHECK(client != NULL && out_result != NULL);
    memset(out_error, 0, sizeof(*out_error));
    if (!client->dead) {
        text = rpc_request_text(client->next_id++, method, params);
        err = text == NULL ? ERR_NOMEM
                           : exchange(client, text, timeout_ms, &reply);
    }
    free(text);
    if (err != OK) {
        explain(err, method, timeout_ms, out_error);
        return err;
    }
    err = rpc_reply_parse(bytes_make(nng_msg_body(reply), nng_msg_len(reply)),
                          out_result, out_error);
    nng_msg_free(reply);
    if (err != OK && out_error->err == OK)
        rpc_error_set(out_error, err, "suan version, on both sides",
                      "the node's answer to %s makes no sense", method);
    return err;
}
