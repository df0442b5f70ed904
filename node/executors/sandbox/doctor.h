#ifndef NODE_EXECUTORS_SANDBOX_DOCTOR_H
#define NODE_EXECUTORS_SANDBOX_DOCTOR_H

/* Looks at this machine and says how jobs run on it, or what is missing. The
 * last check really runs a container with everything in it, so "can run" is
 * something that has been seen. */

#include "node/executors/sandbox/plan.h"

#define SANDBOX_NAME     "suan-exec-sandbox"
#define SANDBOX_PROTOCOL 1

struct doctor {
    struct machine machine; /* valid when can_run */
    bool can_run;
    json_t *checks; /* [{check, ok, required, what, why, fix}], given */
    char runtime_version[80];
};

/* `state` is the state directory, absolute, with its parts made. Takes about a
 * tenth of a second. ERR_NOMEM only: what is wrong is in the checks. */
MUST_USE enum err doctor_run(const char *state, struct doctor *out);
void doctor_done(struct doctor *doctor);

/* The answer to `hello`, given. */
json_t *doctor_hello(const struct doctor *doctor);

/* Prints the checks for a person; the exit code of --doctor: 0 or 1. */
int doctor_print(const struct doctor *doctor);

/* The group of a state directory: "suan-" and 8 digits. */
void doctor_instance_name(const char *state, char out[16]);

#endif
