#ifndef CLI_SMALL_IMAGE_H
#define CLI_SMALL_IMAGE_H

/* A small OCI image made on the spot: a shell and its tools from this machine's
 * static busybox. What `suan devnet up` uses when no --image is given, so that
 * `suan run -- sh -c 'echo hi'` works at once. */

#include "base/bytes.h"

#define SMALL_IMAGE_BUSYBOX "/bin/busybox"

/* Writes an OCI archive to `path`. busybox is the static binary to take.
 * ERR_NOT_FOUND (no binary), ERR_TOO_LARGE (not a small static one), ERR_FULL,
 * ERR_IO, ERR_NOMEM. */
MUST_USE enum err small_image_write(const char *busybox, const char *path);

#endif
