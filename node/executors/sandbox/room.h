#ifndef NODE_EXECUTORS_SANDBOX_ROOM_H
#define NODE_EXECUTORS_SANDBOX_ROOM_H

/* The disk's reserve: what jobs and images never take, since whoever started us
 * has to go on writing its own records there. */

#include "node/executors/sandbox/fail.h"

#include <stdint.h>

/* Bytes that can still be taken where `fd` is; UINT64_MAX when that cannot be
 * known. */
uint64_t room_left(int fd, uint64_t reserve_bytes);

/* ERR_FULL, said as the failure of `what`, unless so many bytes can be taken.
 * Asked again after taking them, two who ask at once are both safe. */
MUST_USE enum err room_check(int fd, uint64_t reserve_bytes, uint64_t bytes,
                             const char *what, struct fail *fail);

#endif
