#ifndef TESTS_SIM_CONSENSUS_DISK_H
#define TESTS_SIM_CONSENSUS_DISK_H

/* A machine's disk: a safety log as wal.h tells it, and a store whose commits
 * are atomic. A crash keeps what was synced; of what was not, any pieces of 512
 * bytes survive, and reading ends at the first record that is not whole. */

#include "ledger/disk/store.h"
#include "ledger/disk/wal.h"
#include "base/dice.h"

#define DISK_SEGMENT_BYTES (4u * 1024) /* small, so that trimming happens */

struct disk_record {
    uint64_t seq;
    uint64_t synced; /* known to be on the disk when it was appended */
    uint64_t offset; /* of its first byte in the whole log */
    uint8_t type;
    bool bad; /* cannot be read any more */
    uint8_t *bytes;
    size_t len;
};

struct disk {
    struct store *store;
    struct store *backup;   /* an older copy of it, or NULL */
    uint64_t full_until_us; /* takes nothing before */
    /* decided, not yet in the store, oldest first; the process's own */
    struct store_batch *batches[64];
    uint32_t batch_count;
    bool committing;
    /* the log */
    bool has_log;
    struct disk_record *records;
    size_t first; /* of the records still there */
    size_t count;
    size_t cap;
    uint64_t next_seq;
    uint64_t synced_seq;
    bool torn;            /* the last crash has cut what was not synced */
    uint64_t syncing_seq; /* a sync under way will bring it to here; 0: none */
    uint64_t next_offset;
    uint64_t bytes_live;
};

/* No log, and an empty store. */
void disk_init(struct disk *disk);
void disk_done(struct disk *disk);

/* ---- while the process runs ---- */

uint64_t disk_append(struct disk *disk, uint8_t type, struct bytes body);
/* Everything up to seq is on the disk. */
void disk_synced(struct disk *disk, uint64_t seq);
/* Only whole segments go. */
void disk_trim(struct disk *disk, uint64_t seq);
/* Takes the batch. */
void disk_stage(struct disk *disk, struct store_batch *batch);
/* Commits the oldest batch; its height. */
uint64_t disk_commit(struct disk *disk);

/* ---- crashes and other losses; the process is gone ---- */

void disk_crash(struct disk *disk, struct dice *dice);
void disk_wipe_log(struct disk *disk);
/* A synced record becomes unreadable. False when there is none that a reader
 * would miss. */
bool disk_damage_log(struct disk *disk, struct dice *dice);
void disk_wipe(struct disk *disk);
void disk_wipe_store(struct disk *disk);
/* Takes a copy of the store. */
void disk_back_up(struct disk *disk);
/* The copy takes the store's place. */
void disk_put_back(struct disk *disk);
/* One bit of one value is another from now on. */
void disk_rot(struct disk *disk, struct dice *dice);

/* ---- at the next start ---- */

/* What wal_open would say: the good records are those that are not `bad`. A
 * missing log comes into being with its first synced record. */
struct wal_report disk_open(struct disk *disk);

#endif
