#ifndef CLI_JOB_H
#define CLI_JOB_H

/* Naming a job, and reading how it stands. */

#include "cli/cli.h"

/* The id of the job meant by `text`: 64 digits, a unique beginning of them, or
 * a unique name; GRAPH/NAME is a component. Exit 3 when there is none, 2 when
 * several fit. */
int job_resolve(struct cli *cli, const char *text, char out_id[65]);
/* Of a graph: calls the verb for each of its components in turn, until one
 * fails. *out_graph is false, and nothing is called, for a job that is none. */
int job_each_part(struct cli *cli, const struct args *args,
                  int (*fn)(struct cli *cli, const struct args *args),
                  bool *out_graph);
/* The task meant by --task; UINT32_MAX when not given. Exit 2. */
int job_task(struct cli *cli, const struct args *args, uint32_t *out);

/* Has it ended (DONE, FAILED, CANCELLED, EXPIRED)? */
bool job_state_ended(const char *state);

/* Polls job.wait until the job has ended or the deadline (0: none) passed.
 * Returns the job's exit code; EXIT_NO_OFFER after the deadline, having said
 * so. */
int job_await(struct cli *cli, const char *id, uint64_t deadline_ms);

#define JOB_WAIT_MS 20000u

#endif
