#ifndef LEDGER_DISK_WAL_ROOM_H
#define LEDGER_DISK_WAL_ROOM_H

/* What the pages of the safety log share. Inside ledger; tests choose smaller
 * segments here, or a file system that cannot allocate. */

#include "ledger/disk/wal.h"

#define WAL_KEY_BYTES 16u
#define WAL_SEQ_MAX   (UINT64_C(1) << 62) /* nobody lives to see it */
#define WAL_NAME_MAX  32u
#define WAL_NEW_NAME  "wal-new"
#define WAL_LOCK_NAME "wal.lock"
/* What is appended and not yet written. */
#define WAL_PENDING_BYTES (1024u * 1024)

_Static_assert(WAL_PENDING_BYTES >= WAL_RECORD_HEAD + WAL_BYTES_MAX,
               "a record fits the pending ones");
_Static_assert(WAL_SEGMENT_BYTES >= WAL_HEAD_BYTES + WAL_PENDING_BYTES,
               "a record fits a segment");

struct wal_room {
    uint32_t segment_bytes;
    bool no_fallocate; /* as if the file system had none */
};

enum err wal_create_in(const struct wal_room *room, const char *dir,
                       const struct wal_owner *owner);
enum err wal_open_in(const struct wal_room *room, const char *dir,
                     const struct wal_owner *owner, wal_record_fn fn, void *ctx,
                     struct wal_report *out_report, struct wal **out);

/* ---- bytes (wal_read.c): no files ---- */

struct wal_record {
    uint64_t seq;
    uint64_t synced;
    uint8_t type;
    bool good;         /* the body is what its sum says */
    struct bytes body; /* lent: points into the image */
};

/* The bytes of one segment, as found. */
struct wal_image {
    struct bytes bytes;
    uint64_t first; /* as its name says */
    uint8_t key[WAL_KEY_BYTES];
    bool sound; /* head and length are right; else nothing in it counts when
                 * has_key is false, and something is gone in any case */
    bool has_key;
};

struct wal_survey {
    uint64_t last;    /* good from first to here; first - 1: none */
    uint64_t highest; /* of any good record head; first - 1: none */
    uint64_t proven;  /* highest synced of any good record head */
    size_t end;       /* offset behind the record `last` */
    size_t dirt;      /* bytes behind it up to the last that is not zero */
};

void wal_head_put(const struct wal_owner *owner,
                  const uint8_t key[WAL_KEY_BYTES],
                  uint8_t out[WAL_HEAD_BYTES]);
/* ERR_CORRUPT: no head; ERR_CHAIN: a good one, of another owner or chain. */
enum err wal_head_get(struct bytes bytes, const struct wal_owner *owner,
                      uint8_t out_key[WAL_KEY_BYTES]);
/* Writes WAL_RECORD_HEAD + body.len bytes. */
void wal_record_put(const uint8_t key[WAL_KEY_BYTES], uint64_t seq,
                    uint64_t synced, uint8_t type, struct bytes body,
                    uint8_t *out);
/* Whether a good record head stands at this offset. */
bool wal_record_at(const struct wal_image *image, size_t at,
                   struct wal_record *out);
size_t wal_record_end(const struct wal_image *image,
                      const struct wal_record *record);
void wal_survey(const struct wal_image *image, struct wal_survey *out);
/* The offset of the first record that no other proves to be on the disk. */
size_t wal_unproven(const struct wal_image *image,
                    const struct wal_survey *survey);
/* The most records that fit a segment. */
uint64_t wal_records_max(uint32_t segment_bytes);

/* ---- files (wal_file.c) ---- */

struct wal_dir {
    int fd;
    int lock_fd;
    uint64_t *firsts; /* of the segments, rising */
    size_t count;
    size_t cap;
};

/* ERR_NOT_FOUND, ERR_PERM, ERR_IO; wal_dir_done in any case. */
enum err wal_dir_open(struct wal_dir *dir, const char *path, bool make);
/* Locks, lists, and clears what a crash left half made. ERR_BUSY... */
enum err wal_dir_take(struct wal_dir *dir);
void wal_dir_done(struct wal_dir *dir);
/* A new, durable, empty segment, the last of dir; replaces one that has the
 * same name. *out_fd is given. ERR_FULL, ERR_NOMEM, ERR_PERM, ERR_IO: then
 * nothing has changed, but for ERR_IO, after which nothing is known. */
enum err wal_dir_make(struct wal_dir *dir, const struct wal_room *room,
                      const struct wal_owner *owner, uint64_t first,
                      uint8_t out_key[WAL_KEY_BYTES], int *out_fd);
/* Opens a segment for reading and writing. */
enum err wal_dir_segment(const struct wal_dir *dir, uint64_t first,
                         int *out_fd);
/* Deletes the oldest segment. */
enum err wal_dir_drop(struct wal_dir *dir);
/* Reads up to cap bytes from the start. */
enum err wal_file_read(int fd, uint8_t *out, size_t cap, size_t *out_len);
enum err wal_file_write(int fd, struct bytes bytes, uint64_t at);
enum err wal_os_error(int number); /* errno in our words */

/* ---- the log (wal.c) ---- */

struct wal {
    struct wal_owner owner;
    struct wal_room room;
    struct wal_dir dir;
    int fd; /* the last segment's */
    uint8_t key[WAL_KEY_BYTES];
    uint64_t next;   /* the number of the next record */
    uint64_t synced; /* highest number on the disk */
    uint32_t at;     /* where in the segment the pending bytes go */
    uint32_t pending_len;
    uint8_t *pending;
    bool dirty;  /* written since the last sync */
    bool broken; /* a write or sync failed */
};

/* Writes what is pending, without a sync. */
enum err wal_flush(struct wal *wal);

#endif
