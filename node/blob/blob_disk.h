#ifndef NODE_BLOB_DISK_H
#define NODE_BLOB_DISK_H

/* The files of a blob store: named by hash, written under tmp/ and renamed. It
 * keeps no state but the directory and is safe from any thread. */

#include <stdatomic.h>

#include "base/bytes.h"
#include "base/hash.h"

enum blob_kind { BLOB_KIND_CHUNK, BLOB_KIND_MANIFEST };

struct blob_disk {
    int dir_fd;
    _Atomic uint64_t next_temp;
};

struct blob_temp {
    char name[40];
};

/* The errno of a failed call as an error: ERR_FULL, ERR_PERM, ERR_NOT_FOUND,
 * ERR_NOMEM, ERR_IO. */
enum err blob_errno(int error);

/* Makes the directories; empties tmp/. */
MUST_USE enum err blob_disk_open(struct blob_disk *disk, const char *dir);
void blob_disk_close(struct blob_disk *disk);

/* Writes a file under tmp/. */
MUST_USE enum err blob_disk_stage(struct blob_disk *disk, struct bytes bytes,
                                  struct blob_temp *out);
/* Gives the staged file its name, or removes it on error. */
MUST_USE enum err blob_disk_publish(struct blob_disk *disk,
                                    const struct blob_temp *temp,
                                    enum blob_kind kind, const struct hash *id);
void blob_disk_drop(struct blob_disk *disk, const struct blob_temp *temp);
/* All that was written and renamed so far survives a loss of power. One call
 * for a whole import: it flushes the file system, not file by file. */
MUST_USE enum err blob_disk_flush(struct blob_disk *disk);
void blob_disk_remove(struct blob_disk *disk, enum blob_kind kind,
                      const struct hash *id);
/* Reads a whole file of at most out_max bytes. ERR_NOT_FOUND, ERR_TOO_LARGE,
 * ERR_IO. */
MUST_USE enum err blob_disk_read(struct blob_disk *disk, enum blob_kind kind,
                                 const struct hash *id, uint8_t *out,
                                 size_t out_max, size_t *out_len);
/* Each file of a kind with its length; files with other names are removed. */
MUST_USE enum err blob_disk_each(struct blob_disk *disk, enum blob_kind kind,
                                 enum err (*each)(void *ctx,
                                                  const struct hash *id,
                                                  uint64_t bytes),
                                 void *ctx);

/* Pins. */
MUST_USE enum err blob_disk_pin(struct blob_disk *disk, const struct hash *id,
                                const char *owner);
void blob_disk_unpin(struct blob_disk *disk, const struct hash *id,
                     const char *owner, bool last);
MUST_USE enum err blob_disk_each_pin(
    struct blob_disk *disk, const struct hash *id,
    enum err (*each)(void *ctx, const char *owner), void *ctx);
/* Removes the pins of blobs that `known` does not know. */
MUST_USE enum err blob_disk_prune_pins(struct blob_disk *disk,
                                       bool (*known)(void *ctx,
                                                     const struct hash *id),
                                       void *ctx);

/* Writes all, or an error; for any descriptor. */
MUST_USE enum err blob_write_all(int fd, struct bytes bytes);

#endif
