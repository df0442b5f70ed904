#ifndef NODE_EXECUTORS_SANDBOX_OCI_LAYER_H
#define NODE_EXECUTORS_SANDBOX_OCI_LAYER_H

/* One layer of an image, looked through before it is unpacked. */

#include "node/executors/sandbox/oci.h"

struct archive;

/* Reads every header of the tar at `path`. Adds to the totals and refuses:
 * ERR_TOO_LARGE beyond the limits; ERR_IMAGE for a device node, a name or link
 * target that climbs with "..", and what is not a tar. */
MUST_USE enum err oci_layer_check(const char *path,
                                  const struct oci_limits *limits,
                                  uint64_t *entries, uint64_t *bytes,
                                  struct fail *fail);

/* Opens a tar for reading, compressed or not; errors come with the first
 * header. NULL without memory. */
struct archive *oci_open_tar(const char *path);

/* Whether a path has a ".." part. Pure. */
bool oci_climbs(const char *path);

#endif
