#ifndef NODE_EXECUTORS_SANDBOX_OCI_H
#define NODE_EXECUTORS_SANDBOX_OCI_H

/* OCI images as they arrive: a tar or a directory somebody else made. They are
 * read into a layout of our own, holding nothing but one manifest and what it
 * names, every blob checked against its digest and every layer looked through
 * before anything is unpacked. */

#include "node/executors/sandbox/fail.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define OCI_DIGEST 80u    /* "sha256:" and 64 digits, zero-ended */
#define OCI_TAG    "suan" /* what the manifest is called in our layout */

struct oci_limits {
    uint64_t bytes_max; /* of an archive's blobs, and of files unpacked */
    uint64_t entries_max;
};

struct oci {
    char digest[OCI_DIGEST]; /* of the manifest */
    json_t *config;          /* the image's "config" object, given */
    uint64_t entries, bytes; /* over all layers, before overwriting */
};

/* Reads `path` (an OCI archive or docker archive, plain or compressed; an OCI
 * layout or a directory of `skopeo copy dir:`) into `layout`, a path that does
 * not exist yet. On OK out->config is given. Refuses ERR_IMAGE for anything
 * malformed or hostile, ERR_TOO_LARGE, and faults. */
MUST_USE enum err oci_read(const char *path, const char *layout,
                           const struct oci_limits *limits, struct oci *out,
                           struct fail *fail);

/* "sha256:" and 64 lower-case digits. */
bool oci_digest_fits(const char *digest);

#endif
