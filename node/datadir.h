#ifndef NODE_DATADIR_H
#define NODE_DATADIR_H

/* The node's directory: made on first start, held by one process at a time.
 *
 *   chain/ blobs/ jobs/ keys/ exec/ trade/ run/ suan.conf genesis */

#include "base/bytes.h"

struct datadir {
    char path[1024]; /* absolute, no trailing slash */
    int lock_fd;     /* holds run/lock; -1 = not open */
    char error[512]; /* what, why and what next, after a failed call */
};

/* Makes what is missing (0700), refuses what others may write, takes the lock
 * and writes run/pid. ERR_TOO_LARGE (a path longer than a socket's may be),
 * ERR_PERM, ERR_BUSY (another suand, for 3 s: its pid is in error), ERR_FULL,
 * ERR_IO. */
MUST_USE enum err datadir_open(struct datadir *dir, const char *path);
/* Releases the lock and removes run/pid. Safe on a failed open. */
void datadir_close(struct datadir *dir);
/* path + "/" + name into out; the name is relative and ours, or absolute and
 * then taken as it is. CHECKs that it fits. */
void datadir_path(const struct datadir *dir, const char *name, char *out,
                  size_t size);

#endif
