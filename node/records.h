#ifndef NODE_RECORDS_H
#define NODE_RECORDS_H

/* Small durable records by name ("buy/<id>/t3"), each a file that is replaced
 * whole: after kill -9 a record is the old one or the new one. The trade
 * engines' memory; not for bulk and not for the chain. */

#include "base/bytes.h"

struct records {
    char root[1200];
};

#define RECORD_BYTES_MAX (128u * 1024)

/* root must exist. Names are ours: letters, digits, '/', '-', '.'; CHECKed. */
void records_init(struct records *records, const char *root);
/* Written beside, synced, renamed, directory synced. Empty bytes delete, and
 * the folders that are left empty with it. ERR_FULL, ERR_IO. */
MUST_USE enum err records_put(struct records *records, const char *key,
                              struct bytes value);
/* Appends the value to out. ERR_NOT_FOUND, ERR_TOO_LARGE, ERR_IO. */
MUST_USE enum err records_get(struct records *records, const char *key,
                              struct buf *out);
/* Every record below a prefix directory ("buy"), in byte order of the names.
 * Left-over temporary files are removed, files with names that cannot be ours
 * are passed over. Stops at the first error fn returns. */
typedef enum err (*records_each_fn)(void *ctx, const char *key,
                                    struct bytes value);
MUST_USE enum err records_each(struct records *records, const char *prefix,
                               records_each_fn fn, void *ctx);

#endif
