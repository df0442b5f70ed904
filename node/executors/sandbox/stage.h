#ifndef NODE_EXECUTORS_SANDBOX_STAGE_H
#define NODE_EXECUTORS_SANDBOX_STAGE_H

/* The private view of files in which a job is put together: a small tmpfs over
 * a directory every Linux has, in a mount namespace of the monitor's own.
 *
 *     /mnt/rootfs   the image, read-only
 *     /mnt/job      the job's disk (volume.h)
 *     /mnt/in       the inputs, read-only
 *     /mnt/init     the program that becomes process 1
 *     /mnt/bundle   config.json for the runtime, /mnt/rt its own state
 *
 * Nothing of it is seen by the rest of the machine, and all of it ends with the
 * last process in it, however that dies: there is nothing to leak. It also
 * makes a state directory below a closed home reachable for mapped users. */

#include "node/executors/sandbox/fail.h"
#include "node/executors/sandbox/spec.h"

#include <stdbool.h>

#define STAGE_ROOT 32u

struct stage {
    char root[STAGE_ROOT]; /* "/mnt" */
};

struct stage_sources {
    const char *rootfs; /* absolute */
    const char *init;
    const char *hybrid; /* a version 2 mount to hide, or "" */
    const char *avoid;  /* an absolute path the stage must not cover */
    const struct spec_input *inputs;
    size_t inputc;
    uint32_t uid; /* of the job, as the host sees it */
    uint32_t gid;
    bool privileged;
};

/* Leaves the machine's mount namespace for one of our own. */
MUST_USE enum err stage_leave(struct fail *fail);

/* Puts the stage up, after stage_leave. An input the job could not read is
 * mounted with its owner mapped to the job where the kernel can, refused
 * otherwise (ERR_PERM); links are refused as inputs. */
MUST_USE enum err stage_open(const struct stage_sources *sources,
                             struct stage *out, struct fail *fail);

#endif
