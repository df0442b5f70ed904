#ifndef NODE_EXECUTORS_SANDBOX_JOBDIR_H
#define NODE_EXECUTORS_SANDBOX_JOBDIR_H

/* The directory of a job, from outside: made, started, asked (record.h lists
 * what is in it). */

#include "node/executors/sandbox/plan.h"
#include "node/executors/sandbox/record.h"

/* Makes the directory, which must not exist, with job.json and a first
 * status.json. Refuses: ERR_EXISTS, faults; then nothing is left. */
MUST_USE enum err jobdir_make(const char *path, const struct plan *plan,
                              struct fail *fail);

/* Starts this program again as the job's monitor, in a session of its own, its
 * own words going to monitor.log. The process, or -1 with errno. */
pid_t jobdir_spawn(const char *path, bool recover);

/* The monitor's process id; 0 when none lives. */
pid_t jobdir_monitor(const char *path);

/* The status, a running job's with what it has used until now. False when it
 * cannot be read. */
MUST_USE bool jobdir_status(const char *path, struct status *out);

/* Books a job that cannot even be recovered. */
void jobdir_give_up(const char *path, const char *why);

#endif
