#ifndef NODE_EXECUTORS_SANDBOX_TOOL_H
#define NODE_EXECUTORS_SANDBOX_TOOL_H

/* Other people's programs: found in fixed places, run with a clean environment
 * and no descriptor of ours but the three given. */

#include "node/executors/sandbox/cgroup.h"

#define TOOL_PATH 128u

struct tool_call {
    const char *const *argv;    /* argv[0] is the absolute path */
    int out_fd, err_fd;         /* -1: /dev/null; lent */
    const struct cgroup *group; /* entered before it starts; NULL: ours */
    int cancel_fd;              /* readable: stop waiting and kill; -1: none */
    uint32_t timeout_ms;
};

/* The first of /usr/sbin, /usr/bin, /usr/local/bin, ... that has it. */
MUST_USE bool tool_find(const char *name, char out[TOOL_PATH]);

/* Runs it to its end. 0 and its wait status; or -1 with errno: ETIMEDOUT,
 * ECANCELED, what fork said; the program is dead then. */
int tool_run(const struct tool_call *call, int *out_status);

/* Runs argv, keeping the last bytes of what it printed (both streams). True
 * when it exited 0; `out` is a zero-ended single line. */
bool tool_ask(const char *const *argv, uint32_t timeout_ms, char *out,
              size_t cap);

#endif
