#ifndef LEDGER_DISK_WAL_H
#define LEDGER_DISK_WAL_H

/* The safety log: everything a validator has signed, and the certificates and
 * blocks it needs to go on, on the disk before anybody hears of it. A validator
 * that remembers its votes can crash at any instruction and still never vote
 * twice; one that has lost them must know that it has (consensus.md).
 *
 * Files: segments DIR/wal-<first sequence number, 16 hex digits> of
 * WAL_SEGMENT_BYTES, allocated in full when made, so that an append never meets
 * a full disk half way; only made and deleted, never used again. (Besides them
 * DIR/wal.lock, which is empty, and DIR/wal-new, a segment being made. Nothing
 * else in DIR is touched.) A segment is
 *   "SUANWAL1" | owner 32 | chain 32 | key 16 | check u64
 *   | records, one after the other, then zeros
 * and a record, little-endian,
 *   check u64 | sum u64 | seq u64 | synced u64 | len u32 | type u8 | len bytes
 * seq counts records from 1. synced is the highest number that was known to be
 * on the disk when this record was appended. sum is SipHash-2-4 of the body,
 * check of the 29 bytes from sum to type (in the segment's head: of all before
 * it), both under the segment's key, which is random: a record of another
 * segment is none, and nobody who chooses what a block holds can make its bytes
 * look like a record.
 *
 * A segment comes into being by a rename of a finished, synced file, after all
 * records before it were synced. So a segment that has a successor must hold
 * every number up to its successor's first; and one whose head or length is
 * wrong was damaged later.
 *
 * In the last segment, reading ends at the first bad record. What is behind it
 * was either never synced (a crash tears unsynced writes in any order), and is
 * forgotten; or some good record head behind it says, by its synced, that the
 * bad one was on the disk once: then the disk has lost what it had promised
 * (WAL_DAMAGED). Torn bytes are neither overwritten nor read again: the log
 * goes on in a new segment, whose name says where the old one ends.
 *
 * What this file cannot know by itself: when the records of the very last sync
 * are bad, nothing behind them says that they were synced (and when the last
 * segments were deleted by hand, nothing at all). Hence wal_owner.synced: keep
 * wal_synced somewhere else too, now and then, and hand it in.
 *
 * One thread at a time. Nothing here is ever retried after a failed write or
 * sync: the kernel may have dropped the pages; the process must end. What the
 * next one finds without a proof that it is on the disk, it writes once more.
 */

#include "base/limits.h"
#include "base/sign.h"

#define WAL_SEGMENT_BYTES (16u * 1024 * 1024) /* part of the format */
#define WAL_HEAD_BYTES    (8u + 32u + 32u + 16u + 8u)
#define WAL_RECORD_HEAD   (8u + 8u + 8u + 8u + 4u + 1u)
#define WAL_BYTES_MAX     (LIMIT_BLOCK_BYTES + 1024u) /* of one record's body */

struct wal;

struct wal_owner {
    struct pubkey key; /* the validator's */
    struct hash chain;
    /* A number that wal_synced once returned, as remembered elsewhere: a log
     * that ends below it is WAL_DAMAGED. 0: nothing is remembered. */
    uint64_t synced;
};

enum wal_found {
    WAL_WHOLE,   /* all that was ever synced is here */
    WAL_MISSING, /* no segment at all */
    WAL_DAMAGED, /* something that was synced is gone */
};

struct wal_report {
    enum wal_found found;
    uint64_t first_seq; /* 0: no record */
    uint64_t last_seq;  /* of the last good record, 0: none */
    uint64_t cut_bytes; /* torn, never synced, forgotten behind it */
    uint64_t lost_seq;  /* WAL_DAMAGED: the lowest number that is gone */
};

/* One record, in order of seq; body lent until fn returns. A return other than
 * OK ends the opening with it, and the log is as before. */
typedef enum err (*wal_record_fn)(void *ctx, uint64_t seq, uint8_t type,
                                  struct bytes body);

/* Makes an empty log where none is: with the key, never later, and before it,
 * so that a key without a log is one that was copied. The first number will be
 * owner->synced + 1. The directory is made (0700) when it is not there.
 * First match: ERR_NOT_FOUND (the directory's parent), ERR_PERM, ERR_BUSY,
 * ERR_EXISTS, ERR_FULL, ERR_RANDOM, ERR_IO. */
MUST_USE enum err wal_create(const char *dir, const struct wal_owner *owner);
/* Locks, reads all records through fn, and goes on behind the last good one.
 *
 * Damage is not an error: the report says it. Then fn is given all good records
 * that are left, also behind the gap (seq jumps), and appending goes on in a
 * new segment, with numbers above all that can have been. The log stays
 * WAL_DAMAGED, through every opening, until wal_trim has deleted the segments
 * up to the gap.
 *
 * A missing log, or directory, stays missing (*out is NULL). After a wal_create
 * in its place it is WAL_WHOLE: that its past is lost must be its first record.
 *
 * Needs WAL_SEGMENT_BYTES of memory until it returns, and then 1 MiB.
 * First match: ERR_PERM, ERR_BUSY (locked by another opener), ERR_CHAIN (of
 * another chain or key), fn's; and at any time ERR_NOMEM, ERR_FULL, ERR_RANDOM,
 * ERR_IO. */
MUST_USE enum err wal_open(const char *dir, const struct wal_owner *owner,
                           wal_record_fn fn, void *ctx,
                           struct wal_report *out_report, struct wal **out);
void wal_close(struct wal *wal); /* NULL is fine; does not sync */

/* Adds a record (type > 0, at most WAL_BYTES_MAX); it is durable after the next
 * wal_sync that returns OK. *out_seq is its number. A record that starts a new
 * segment syncs those before it first. ERR_FULL: no room for a new segment;
 * nothing was appended, try again when there is. ERR_NOMEM: the same. ERR_IO:
 * end the process. */
MUST_USE enum err wal_append(struct wal *wal, uint8_t type, struct bytes body,
                             uint64_t *out_seq);
/* Everything appended is on the disk: one write, one fdatasync, and none when
 * there is nothing to sync. ERR_IO: end the process. */
MUST_USE enum err wal_sync(struct wal *wal);
/* Deletes the segments all of whose records are below seq, never the one that
 * is being written. Best effort. */
void wal_trim(struct wal *wal, uint64_t seq);

uint64_t wal_last(const struct wal *wal);   /* highest number appended */
uint64_t wal_synced(const struct wal *wal); /* highest number on the disk */

#endif
