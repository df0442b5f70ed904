#ifndef NODE_METER_CHILD_H
#define NODE_METER_CHILD_H

/* A run of the measuring program (node/meter): started here, its lines of JSON
 * handed on, killed when it takes too long or nobody wants it any more; all
 * that it has started ends with it, unless it leaves its process group. Loop
 * thread only. */

#include "base/err.h"

#include <jansson.h>
#include <uv.h>

#define METER_CHILD_ARGS_MAX  15u
#define METER_CHILD_LINE_MAX  2048u
#define METER_CHILD_LINES_MAX 256u

struct meter_child;

struct meter_child_events {
    void *ctx;
    /* An object that it wrote, lent. */
    void (*on_line)(void *ctx, json_t *line);
    /* It has ended: OK, ERR_PROOF (it says that a result is wrong),
     * ERR_TIMEOUT, or ERR_UNSUPPORTED with why: it is not there, or failed.
     * Comes once, never from inside start, not after meter_child_drop; the
     * child is gone then. */
    void (*on_end)(void *ctx, enum err err, const char *why);
};

/* program: a path, or a name: beside suand, then in PATH. args: at most
 * METER_CHILD_ARGS_MAX, ends with NULL, copied. ERR_NOMEM; a program that
 * cannot be started is told by on_end. */
MUST_USE enum err meter_child_start(uv_loop_t *loop, const char *program,
                                    const char *const *args, uint64_t limit_ms,
                                    const struct meter_child_events *events,
                                    struct meter_child **out);
/* Kills it, and what it has started, and tells nobody; it frees itself once the
 * loop has run. */
void meter_child_drop(struct meter_child *child);

#endif
