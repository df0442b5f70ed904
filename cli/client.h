#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

/* The control socket of one node (docs/control.md), one call at a time. */

#include "node/rpc/rpc_msg.h"

struct client;

/* Connects at once, so that "not running" is known before anything is asked.
 *
 * path       of the socket, at most CLIENT_PATH_MAX bytes (ERR_TOO_LARGE)
 * out        given; client_free
 * out_error  what to tell the user: ERR_NET nobody listens, ERR_PERM, ...  */
#define CLIENT_PATH_MAX 100
MUST_USE enum err client_open(const char *path, struct client **out,
                              struct rpc_error *out_error);
void client_free(struct client *client);

/* Sends one request and waits for its reply.
 *
 * params      lent; may be NULL
 * timeout_ms  of the answer, on top of what the call itself may wait
 * out_result  given, on OK
 *
 * The node's own refusal, or ERR_TIMEOUT, ERR_NET (it went away), ERR_PARSE (it
 * answered nonsense); out_error is filled in every case but OK. After ERR_NET
 * or ERR_TIMEOUT the client refuses further calls with ERR_CLOSED. */
MUST_USE enum err client_call(struct client *client, const char *method,
                              json_t *params, uint64_t timeout_ms,
                              json_t **out_result, struct rpc_error *out_error);

#endif
