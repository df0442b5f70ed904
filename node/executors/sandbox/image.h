#ifndef NODE_EXECUTORS_SANDBOX_IMAGE_H
#define NODE_EXECUTORS_SANDBOX_IMAGE_H

/* Images: root directories for jobs, unpacked once and read-only for ever.
 *
 *     images/sha256-HEX/rootfs      owned by ids that no job has
 *     images/sha256-HEX/image.json  what it is
 *     ids/ID                        a name for one: {"digest": …}
 *
 * A digest is unpacked once however many names it has. */

#include "node/executors/sandbox/idrange.h"
#include "node/executors/sandbox/oci.h"
#include "node/executors/sandbox/spec.h"

struct image {
    char digest[OCI_DIGEST];
    char rootfs[DIR_PATH];
    json_t *argv; /* what it runs when a job names nothing, given */
    json_t *env;  /* {NAME: text}, given */
};

struct image_source {
    const char *id;     /* the name to give it */
    const char *path;   /* absolute; see oci_read */
    const char *digest; /* it must have this one; or NULL */
};

/* Unpacks and names an image; slow, but for a name that this very file (by its
 * inode, size and times) was given before. `state` is the state directory.
 * out_result, given: {id, digest, size, entries}. Refuses: ERR_IMAGE,
 * ERR_TOO_LARGE, ERR_CHECKSUM (not the digest asked for), faults. */
MUST_USE enum err image_add(const char *state,
                            const struct image_source *source,
                            const struct oci_limits *limits,
                            const struct idpool *pool, json_t **out_result,
                            struct fail *fail);

/* The image of a name, or of a digest. On OK given: image_done. Refuses:
 * ERR_NOT_FOUND, ERR_CORRUPT. */
MUST_USE enum err image_find(const char *state, const char *id,
                             struct image *out, struct fail *fail);
void image_done(struct image *image);

/* A job begins in it. */
void image_used(const char *state, const char *id);

/* [{id, digest, size, entries, used_at_ms}], given: one for each name, which is
 * used when it is given and when a job is started by it. */
json_t *image_list(const char *state);
/* Where the image of a name or digest is; false when there is none. */
bool image_rootfs(const char *state, const char *id, char out[DIR_PATH]);

/* Takes a name away and, with the last name, the image: moved below tmp/ to be
 * deleted, its path in `out_trash` ("" if other names remain). Refuses:
 * ERR_NOT_FOUND. */
MUST_USE enum err image_remove(const char *state, const char *id,
                               char out_trash[DIR_PATH], struct fail *fail);

#endif
