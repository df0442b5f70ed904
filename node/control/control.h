#ifndef NODE_CONTROL_H
#define NODE_CONTROL_H

/* The control socket (docs/control.md): nng rep over ipc, mode 0600, peers of
 * our own uid (or root) only. nng's callbacks only queue and wake the loop;
 * calls are answered on the loop thread, at once or later. */

#include "node/rpc/rpc_msg.h"

#include <uv.h>

/* Calls that can be open at once; more wait in their sockets. */
#define CONTROL_CALLS_MAX 32

struct control;

/* One open call. Answer it exactly once, on the loop thread, any time before
 * control_close: then it is gone. */
struct control_call {
    const char *method;  /* lent while the call is open */
    json_t *params;      /* lent likewise; an object */
    uint64_t started_ms; /* loop time */
    void *waiting;       /* the answering room's own */
};

typedef void (*control_fn)(void *ctx, struct control_call *call);

/* Binds and starts. fn runs on the loop for each call. ERR_BUSY (the path is
 * served by someone), ERR_PERM, ERR_NOMEM, ERR_IO. */
MUST_USE enum err control_open(uv_loop_t *loop, const char *socket_path,
                               control_fn fn, void *ctx, struct control **out);
/* Takes the reference of result. */
void control_reply(struct control_call *call, json_t *result);
void control_fail(struct control_call *call, const struct rpc_error *error);
/* The short form: what, and the next command (NULL for none). */
__attribute__((format(printf, 4, 5))) void control_refuse(
    struct control_call *call, enum err err, const char *next,
    const char *what_format, ...);
/* Stops receiving, drops what is unanswered, frees. Closing finishes on the
 * loop: run it until idle. */
void control_close(struct control *control);

#endif
