#ifndef NODE_IMAGES_H
#define NODE_IMAGES_H

/* The named images of this node: what jobs run in, each an OCI archive kept as
 * a blob that "image:<name>" pins. The registry is in memory, every entry also
 * a record ("images/<hex of the name>"). Loop thread only. */

#include "base/mp.h"
#include "node/records.h"

#define IMAGE_NAME_MAX   64u /* with its zero */
#define IMAGE_DIGEST_MAX 80u /* "sha256:" and 64 digits */
#define IMAGE_ABOUT_MAX  (96u * 1024)
#define IMAGES_MAX       1024u

struct image {
    char name[IMAGE_NAME_MAX];
    struct hash id; /* of the blob */
    char digest[IMAGE_DIGEST_MAX];
    uint64_t bytes;
    uint64_t imported_at_ms;
};

struct images;

/* Loads the records (lent until free); one that cannot be read is left alone
 * and logged. ERR_NOMEM, ERR_IO. */
MUST_USE enum err images_new(struct records *records, struct images **out);
void images_free(struct images *images);

/* 1..63 of a-z A-Z 0-9 . _ : - and no leading mark. ERR_RANGE. */
MUST_USE enum err image_name_check(const char *name);
/* The owner of its pin, for blob_store.h. */
#define IMAGE_OWNER_MAX (IMAGE_NAME_MAX + 8)
void image_owner(const char *name, char out[IMAGE_OWNER_MAX]);

/* NULL when there is none. Lent until the registry changes. */
const struct image *image_find(const struct images *images, const char *name);
/* In the order of names; NULL past the end. */
const struct image *image_at(const struct images *images, size_t i);

/* Adds it or takes the place of the one with its name; durable on OK. about is
 * what image_about gives: JSON text. ERR_RANGE (name), ERR_TOO_LARGE (about,
 * IMAGES_MAX), ERR_NOMEM, ERR_FULL, ERR_IO: then nothing changed. */
MUST_USE enum err images_put(struct images *images, const struct image *image,
                             struct bytes about);
/* Appends the JSON of oci_archive.h. ERR_NOT_FOUND, or a fault. */
MUST_USE enum err image_about(const struct images *images, const char *name,
                              struct buf *out);
/* ERR_NOT_FOUND, or a fault. The blob stays its caller's to unpin. */
MUST_USE enum err images_remove(struct images *images, const char *name);

/* ---- the record, for its test ---- */
void image_encode(const struct image *image, struct bytes about,
                  struct buf *out);
MUST_USE enum err image_decode(struct bytes record, struct arena *arena,
                               struct image *out, struct bytes *out_about);

#endif
