#ifndef NODE_EXECUTORS_SANDBOX_PLAN_H
#define NODE_EXECUTORS_SANDBOX_PLAN_H

/* Everything a job's monitor has to know, decided by the front end and written
 * to job.json: the job, and how this machine runs it. */

#include "node/executors/sandbox/cgroup.h"
#include "node/executors/sandbox/idrange.h"
#include "node/executors/sandbox/runtime.h"
#include "node/executors/sandbox/spec.h"
#include "node/executors/sandbox/volume.h"

#define PLAN_FILE "job.json"

/* How this machine runs jobs: the same for all of them. */
struct machine {
    struct runtime runtime;
    char init[TOOL_PATH];   /* becomes process 1, must be static */
    struct cgroup instance; /* our group; jobs are its children */
    char hybrid[DIR_PATH];  /* a mount to hide from the runtime, or "" */
    struct idpool pool;
    enum volume_kind volume;
    char templates[DIR_PATH];
    uint64_t reserve_mib; /* of the disk: not for jobs */
};

struct plan {
    struct spec spec; /* argv and env complete, the image's share included */
    char rootfs[DIR_PATH];
    struct machine machine;
};

/* Given; NULL when out of memory. */
json_t *plan_encode(const struct plan *plan);
/* On OK `out` is given (plan_done). Refuses: ERR_CORRUPT and spec_decode's. */
MUST_USE enum err plan_decode(const json_t *value, struct plan *out,
                              struct fail *fail);
void plan_done(struct plan *plan);

#endif
