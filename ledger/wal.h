#ifndef LEDGER_WAL_H
#define LEDGER_WAL_H

/* The safety log: everything a validator has signed, and the certificates and
 * blocks it needs to go on, on the disk before anybody hears of it. A validator
 * that remembers its votes can crash at any instruction and still never vote
 * twice; one that has lost them must know that it has (consensus.md).
 *
 * Files: segments DIR/wal-<first sequence number, 16 hex digits> of
 * WAL_SEGMENT_BYTES, allocated in full when made, so that an append never meets
 * a full disk half way; only made and deleted, never used again. A segment is
 *   "SUANWAL1" | owner 32 | chain 32 | records, one after the other, then zeros
 * and a record, little-endian,
 *   check u64 | seq u64 | synced u64 | len u32 | type u8 | len bytes
 * seq counts records from 1 without gaps. synced is the highest number that was
 * known to be on the disk when this record was appended. check is SipHash-2-4
 * (key: the first 16 bytes of chain) over all that follows it, so that a record
 * of another chain is none.
 *
 * Reading ends at the first bad record. What comes after it was either never
 * synced (a crash tears unsynced writes in any order), and is cut off; or some
 * good record behind it says, by its synced, that the bad one was on the disk
 * once: then the disk has lost what it had promised (WAL_DAMAGED).
 *
 * One thread at a time. Nothing here is ever retried after a failed sync: the
 * kernel may have dropped the pages; the process must end. */

#include "base/limits.h"
#include "base/sign.h"

#define WAL_SEGMENT_BYTES (16u * 1024 * 1024)
#define WAL_HEAD_BYTES    (8u + 32u + 32u)
#define WAL_RECORD_HEAD   (8u + 8u + 8u + 4u + 1u)
#define WAL_BYTES_MAX     (LIMIT_BLOCK_BYTES + 1024u) /* of one record's body */

struct wal;

struct wal_owner {
    struct pubkey key; /* the validator's */
    struct hash chain;
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
    uint64_t cut_bytes; /* thrown away behind it */
};

/* One record, in order of seq; body lent until fn returns. A return other than
 * OK ends the opening with it. */
typedef enum err (*wal_record_fn)(void *ctx, uint64_t seq, uint8_t type,
                                  struct bytes body);

/* Makes an empty log where none is: with the key, never later. The directory is
 * made (0700) when it is not there. ERR_EXISTS, ERR_PERM, ERR_FULL, ERR_IO. */
MUST_USE enum err wal_create(const char *dir, const struct wal_owner *owner);
/* Locks, reads all records through fn, and goes on behind the last good one.
 * Damage is not an error: the report says it, and appending goes on in a new
 * segment. A missing log stays missing (*out is NULL).
 * First match: ERR_BUSY (locked by another process), ERR_CHAIN (of another
 * chain or key), ERR_PERM, ERR_FULL, ERR_NOMEM, ERR_IO. */
MUST_USE enum err wal_open(const char *dir, const struct wal_owner *owner,
                           wal_record_fn fn, void *ctx,
                           struct wal_report *out_report, struct wal **out);
void wal_close(struct wal *wal); /* NULL is fine; does not sync */

/* Adds a record (type > 0); it is durable after the next wal_sync that returns
 * OK. *out_seq is its number. ERR_FULL: no room for a new segment; nothing was
 * appended, try again when there is. ERR_IO. */
MUST_USE enum err wal_append(struct wal *wal, uint8_t type, struct bytes body,
                             uint64_t *out_seq);
/* Everything appended is on the disk. ERR_IO: end the process. */
MUST_USE enum err wal_sync(struct wal *wal);
/* Deletes the segments all of whose records are below seq. Best effort. */
void wal_trim(struct wal *wal, uint64_t seq);

uint64_t wal_last(const struct wal *wal);   /* highest number appended */
uint64_t wal_synced(const struct wal *wal); /* highest number on the disk */

#endif
