#ifndef NODE_EXECUTORS_SANDBOX_VOLUME_H
#define NODE_EXECUTORS_SANDBOX_VOLUME_H

/* The job's disk: the one place it can write files that outlive it, and the
 * limit on how much.
 *
 * With a loop device it is an ext4 image of exactly the size that was bought,
 * its blocks reserved on the host; the image stays until the job is removed.
 * Without (unprivileged) it is a sized tmpfs, charged to the job's memory, and
 * the monitor saves /job/out before it ends. Always nosuid and nodev. */

#include "node/executors/sandbox/fail.h"

#include <stdbool.h>
#include <stdint.h>

enum volume_kind { VOLUME_EXT4, VOLUME_TMPFS };

struct volume {
    enum volume_kind kind;
    int loop; /* device number, -1 none */
};

#define VOLUME_FILE "volume.img"

/* Whether images can be loop-mounted here; `fail` says why not. */
MUST_USE enum err volume_check(struct fail *fail);

/* Where volumes come from: a directory of ours in which empty file systems are
 * kept to copy from, and what they leave free on the disk. */
struct volume_store {
    const char *templates;
    uint64_t reserve_mib;
};

/* Makes `VOLUME_FILE` of `mib` in the directory job_fd and mounts it at
 * `target` (or a tmpfs). Refuses: ERR_FULL (the reserve counts), ERR_IO,
 * ERR_SANDBOX; then it takes no room. */
MUST_USE enum err volume_make(enum volume_kind kind, int job_fd,
                              const struct volume_store *store, uint64_t mib,
                              const char *target, struct volume *out,
                              struct fail *fail);

/* Mounts the image of a finished job read-only. `loop` is the device it was
 * on: used again if it still is (one file, never two views of it). */
MUST_USE enum err volume_open(int job_fd, int loop, const char *target,
                              struct fail *fail);

/* Unmounts; false when something still uses it. */
bool volume_close(const char *target);

const char *volume_kind_name(enum volume_kind kind);

#endif
