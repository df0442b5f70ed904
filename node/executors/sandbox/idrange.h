#ifndef NODE_EXECUTORS_SANDBOX_IDRANGE_H
#define NODE_EXECUTORS_SANDBOX_IDRANGE_H

/* User and group ids for jobs. Every running job has 65536 of its own, so that
 * nothing it leaves or reaches belongs to another job, to an image, or to a
 * person of this machine.
 *
 * Ranges are shared by all executors of the machine: a range is taken by a
 * record lock on a file of a common directory, held by the job's monitor, and
 * is not given out while the job's control group exists. */

#include "node/executors/sandbox/cgroup.h"
#include "node/executors/sandbox/fail.h"

#include <stdbool.h>
#include <stdint.h>

#define IDRANGE_SIZE 65536u

/* What this process may hand to jobs. */
struct idpool {
    bool privileged; /* uid 0: maps are written directly */
    uint32_t uid_first, gid_first;
    uint32_t count;       /* ranges; the first is the images' if privileged */
    char locks[DIR_PATH]; /* directory of the lock files */
};

struct idrange {
    uint32_t index;
    uint32_t uid, gid; /* the ids that 0 becomes */
    int lock_fd;       /* -1: none */
};

/* The pool of this process. Root: 4096 ranges from 0x70000000 up, which
 * no distribution hands out, or what its own user namespace has. Others: what
 * /etc/subuid and /etc/subgid give them. Refuses: ERR_SANDBOX. */
MUST_USE enum err idpool_find(struct idpool *out, struct fail *fail);

/* Reads "name:first:count" lines for a user, by name or number: the first with
 * at least one whole range. Pure. */
MUST_USE bool idpool_read_subid(const char *text, const char *name,
                                uint32_t uid, uint32_t *out_first,
                                uint32_t *out_count);

/* Takes a free range for the process that calls, and notes the group it is
 * for. Refuses: ERR_CAPACITY when all are taken. */
MUST_USE enum err idrange_take(const struct idpool *pool,
                               const struct cgroup *group, struct idrange *out,
                               struct fail *fail);
void idrange_drop(struct idrange *range);

/* Makes the calling process root of a new user namespace in which 0 is our own
 * uid and 1.. is everything of the pool; for unprivileged executors, with
 * newuidmap(1). Afterwards id N of the pool is N - uid_first + 1. */
MUST_USE enum err idpool_enter(const struct idpool *pool, struct fail *fail);

/* For records; decode gives false when it is not one. */
json_t *idpool_encode(const struct idpool *pool);
MUST_USE bool idpool_decode(const json_t *value, struct idpool *out);

#endif
