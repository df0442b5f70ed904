#ifndef NODE_EXECUTORS_SANDBOX_SELFTEST_H
#define NODE_EXECUTORS_SANDBOX_SELFTEST_H

/* A job made of nothing but the init printing its version: whether containers
 * really run on this machine. */

#include "node/executors/sandbox/plan.h"

/* Runs it through a monitor, as every job. What the status says is passed on;
 * ERR_SANDBOX when the job ended otherwise than it should. */
MUST_USE enum err selftest_run(const char *state, const struct machine *machine,
                               struct fail *fail);

#endif
