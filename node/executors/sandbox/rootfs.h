#ifndef NODE_EXECUTORS_SANDBOX_ROOTFS_H
#define NODE_EXECUTORS_SANDBOX_ROOTFS_H

/* A root directory fresh from an image, made fit for jobs. */

#include "node/executors/sandbox/fail.h"
#include "node/executors/sandbox/oci.h"

#include <stdint.h>

struct rootfs_size {
    uint64_t entries;
    uint64_t bytes;
};

/* Takes setuid, setgid and file capabilities off, refuses device nodes, fifos
 * and sockets (ERR_IMAGE) and what is beyond the limits (ERR_TOO_LARGE), and
 * makes, as rootfs_prepare, the directories a container is mounted on. */
MUST_USE enum err rootfs_clean(const char *path,
                               const struct oci_limits *limits,
                               struct rootfs_size *out, struct fail *fail);

/* Makes those directories alone: for an empty root. ERR_IMAGE: something else
 * is where one should be. */
MUST_USE enum err rootfs_prepare(const char *path, struct fail *fail);

#endif
