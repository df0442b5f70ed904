#ifndef CLI_STREAM_H
#define CLI_STREAM_H

/* What grows while one looks: events and logs. */

#include "cli/cli.h"

/* Called for each event; returning non-zero ends the stream with it. */
typedef int (*stream_event_fn)(struct cli *cli, const json_t *event, void *ctx);

/* Follows events.poll or market.watch from `since` until fn ends it.
 *
 * kinds  taken; NULL: all
 * job    64 hex digits; NULL: all
 * since  0: from the oldest kept
 * once   stop when nothing more is there instead of waiting */
int stream_events(struct cli *cli, const char *method, json_t *kinds,
                  const char *job, uint64_t since, bool once,
                  stream_event_fn fn, void *ctx);
/* Prints one event: a line, or NDJSON. Has stream_event_fn's shape. */
int stream_print_event(struct cli *cli, const json_t *event, void *ctx);

/* The two logs of one task. */
struct log_tail {
    char job[65];
    uint32_t task;
    bool prefix; /* "[task] " before each line */
    bool stdout_on;
    bool stderr_on;
    uint64_t offset[2];
    bool eof[2];
    bool mid_line[2];
};

/* Reads what is there and prints it: stdout to stdout, stderr to stderr (with
 * --json both as NDJSON on stdout). wait_ms is spent on the first open stream.
 * *out_more: something came. 0 or an exit code. */
int log_tail_step(struct cli *cli, struct log_tail *tail, uint64_t wait_ms,
                  bool *out_more);
bool log_tail_done(const struct log_tail *tail);

#endif
