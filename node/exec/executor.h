#ifndef NODE_EXEC_EXECUTOR_H
#define NODE_EXEC_EXECUTOR_H

/* A running executor (docs/executors.md): a program of its own, spoken to in
 * lines of JSON-RPC over its stdin and stdout. Started here, watched by its
 * heartbeat, started again with growing pauses when it dies. Its death loses no
 * job: whoever owns jobs asks again once it is up. Loop thread only. */

#include "base/bytes.h"

#include <jansson.h>
#include <uv.h>

#define EXECUTOR_CALLS_MAX 512

struct executor;

/* The executor's own error, or ours when it is not there (ERR_EXECUTOR). */
struct executor_error {
    enum err err;
    char what[200];
    char why[600];
    char fix[300];
};

/* result is lent; exactly one of the two is NULL. */
typedef void (*executor_done_fn)(void *ctx, json_t *result,
                                 const struct executor_error *error);

struct executor_events {
    void *ctx;
    /* It said hello; facts is its answer, lent. */
    void (*on_up)(void *ctx, json_t *facts);
    /* It is gone; it will be started again. */
    void (*on_gone)(void *ctx, const char *why);
    /* A notification: job.changed, ... params lent. Heartbeats stay inside. */
    void (*on_note)(void *ctx, const char *method, json_t *params);
};

struct executor_options {
    uv_loop_t *loop;
    const char *program;   /* a path, or a name: beside suand, then in PATH */
    const char *state_dir; /* absolute */
    uint64_t reserve_mib;  /* disk it must leave free; 0: none */
    struct executor_events events;
};

/* Starts the program; a program that is not there is reported by on_gone and
 * tried again, since it may be installed later. ERR_NOMEM. */
MUST_USE enum err executor_open(const struct executor_options *options,
                                struct executor **out);
/* Asks; params is taken. done comes later, always, never from inside. While
 * the executor is down the answer is ERR_EXECUTOR. */
void executor_call(struct executor *executor, const char *method,
                   json_t *params, executor_done_fn done, void *ctx);
bool executor_is_up(const struct executor *executor);
/* What it said at hello, lent; NULL while it is down. */
json_t *executor_facts(const struct executor *executor);
const char *executor_why_down(const struct executor *executor);
/* Closes its input (it ends, its jobs run on) and frees once the loop has run;
 * open calls are answered ERR_CLOSED. */
void executor_close(struct executor *executor);

#endif
