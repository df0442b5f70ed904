#ifndef CLI_DAEMON_H
#define CLI_DAEMON_H

/* A suand process of this user, known by its data directory. A process is ours
 * to signal only when it is a suand with that very --data-dir: a pid file left
 * by a crash may name somebody else's process. */

#include "cli/cli.h"

#include <sys/types.h>

#define DAEMON_START_MS 20000u
#define DAEMON_STOP_MS  5000u

struct daemon {
    char data_dir[PATH_MAX]; /* absolute; the caller's to fill */
    pid_t pid;               /* 0: not running */
    long log_from;           /* where the log of this run begins */
};

/* Looks at run/pid and the process it names. */
bool daemon_find(struct daemon *daemon);
bool daemon_has_config(const struct daemon *daemon);
/* Starts `program --data-dir DIR` in a session of its own, its output appended
 * to DIR/log. 0 or an exit code. */
int daemon_start(struct cli *cli, const char *program, struct daemon *daemon);
/* Waits until its control socket answers node.info. When it ends before, says
 * the last line of its log. */
int daemon_await(struct cli *cli, struct daemon *daemon, uint64_t timeout_ms);
/* SIGTERM, and SIGKILL after timeout_ms (then false). Waits for the end. */
bool daemon_stop(struct daemon *daemon, uint64_t timeout_ms);
/* The same for several, at once. False when one had to be killed. */
bool daemon_stop_all(struct daemon *daemons, size_t count, uint64_t timeout_ms);
/* Ends executors and jobs that a node below `dir` has left behind: a job goes
 * on when its node dies, which is right for a node and wrong for a devnet that
 * is taken down. SIGTERM, and SIGKILL after timeout_ms. How many there were. */
unsigned daemon_sweep(const char *dir, uint64_t timeout_ms);
/* One call to its control socket without a word; NULL when it does not answer.
 * Given. */
json_t *daemon_ask(const struct daemon *daemon, const char *method,
                   json_t *params);

#endif
