#ifndef NODE_OCI_ARCHIVE_H
#define NODE_OCI_ARCHIVE_H

/* Reads what an OCI archive says of itself, in one pass over the tar and
 * without unpacking anything: that it is one, that its blobs have the digests
 * they are named by, and what its configuration and layers are. The executor
 * looks again before it runs anything; here a user learns at once that a file
 * is no image. */

#include "base/bytes.h"

#include <jansson.h>

#define OCI_DIGEST_MAX 80u /* "sha256:" and 64 digits, zero-ended */

/* Bounds of the reader. */
#define OCI_ENTRIES_MAX 100000u
#define OCI_BLOBS_MAX   1024u
#define OCI_DOC_MAX     (1024u * 1024) /* one JSON document */
#define OCI_DOCS_MAX    (16u * 1024 * 1024)
#define OCI_LAYERS_MAX  128u
#define OCI_CONTENT_MAX (UINT64_C(64) * 1024 * 1024 * 1024)
#define OCI_ABOUT_MAX   (64u * 1024) /* of the JSON text */

struct oci_archive {
    char digest[OCI_DIGEST_MAX]; /* of the manifest */
    json_t *about; /* given: {architecture, os, created, config{}, layers[
                      {digest, bytes, media_type}]} */
};
/* What is wrong with the file and what to do, for the user. */
struct oci_fault {
    char why[300];
    char next[160];
};

/* Reads fd from its position to the end (plain tar, or one packed by gzip, xz
 * or zstd); it stays open. ERR_IMAGE for anything that is not a sound OCI
 * archive of one linux image, ERR_TOO_LARGE past a bound, ERR_NOMEM; out_fault
 * has the words. Any thread. */
MUST_USE enum err oci_archive_read(int fd, struct oci_archive *out,
                                   struct oci_fault *out_fault);
void oci_archive_done(struct oci_archive *archive);

#endif
