#ifndef SCHED_LAB_FILE_H
#define SCHED_LAB_FILE_H

/* Reads a whole file of somebody else's format into memory: plain, or packed by
 * gzip, bzip2, xz or zstd. */

#include "base/bytes.h"

/* Room for one sentence on what is wrong, with the file's name in it. */
#define LAB_ERROR_MAX 512u

/* path    of the file
 * max     most bytes, unpacked
 * out     initialised and filled; buf_done is the caller's on OK only
 * error   one sentence, what and why; untouched on OK
 *
 * ERR_NOT_FOUND, ERR_PERM, ERR_IO (also: damaged packing), ERR_TOO_LARGE,
 * ERR_NOMEM. */
MUST_USE enum err lab_file_read(const char *path, size_t max, struct buf *out,
                                char error[LAB_ERROR_MAX]);

#endif
