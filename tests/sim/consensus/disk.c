#include "tests/sim/consensus/disk.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define PIECE 512u

void disk_init(struct disk *disk)
{
    memset(disk, 0, sizeof(*disk));
    CHECK(store_mem_new(&disk->store) == OK);
    disk->next_seq = 1;
}

static void drop_batches(struct disk *disk)
{
    for (uint32_t i = 0; i < disk->batch_count; i++)
        store_batch_free(disk->batches[i]);
    disk->batch_count = 0;
    disk->committing = false;
}

/* Records from this place on are gone. */
static void cut(struct disk *disk, size_t at)
{
    while (disk->count > at) {
        struct disk_record *record = &disk->records[--disk->count];
        disk->bytes_live -= WAL_RECORD_HEAD + record->len;
        disk->next_offset = record->offset;
        disk->next_seq = record->seq;
        free(record->bytes);
    }
    if (disk->synced_seq >= disk->next_seq)
        disk->synced_seq = disk->next_seq - 1;
}

void disk_done(struct disk *disk)
{
    drop_batches(disk);
    cut(disk, disk->first);
    free(disk->records);
    store_close(disk->store);
    store_close(disk->backup);
    memset(disk, 0, sizeof(*disk));
}

/* ---- running ---- */

static void make_room(struct disk *disk)
{
    if (disk->count < disk->cap)
        return;
    size_t cap = disk->cap == 0 ? 64 : 2 * disk->cap;
    struct disk_record *records =
        realloc(disk->records, cap * sizeof(*records));
    CHECK(records != NULL);
    disk->records = records;
    disk->cap = cap;
}

uint64_t disk_append(struct disk *disk, uint8_t type, struct bytes body)
{
    struct disk_record record = {.seq = disk->next_seq++,
                                 .synced = disk->synced_seq,
                                 .offset = disk->next_offset,
                                 .type = type,
                                 .len = body.len};
    CHECK(type > 0 && body.len <= WAL_BYTES_MAX);
    record.bytes = malloc(body.len + 1);
    CHECK(record.bytes != NULL);
    if (body.len > 0)
        memcpy(record.bytes, body.ptr, body.len);
    make_room(disk);
    disk->records[disk->count++] = record;
    disk->next_offset += WAL_RECORD_HEAD + body.len;
    disk->bytes_live += WAL_RECORD_HEAD + body.len;
    return record.seq;
}

void disk_synced(struct disk *disk, uint64_t seq)
{
    CHECK(seq < disk->next_seq);
    if (seq > disk->synced_seq)
        disk->synced_seq = seq;
    disk->torn = false;
    disk->has_log = true;
}

static uint64_t segment_of(const struct disk_record *record)
{
    return record->offset / DISK_SEGMENT_BYTES;
}

void disk_trim(struct disk *disk, uint64_t seq)
{
    size_t at = disk->first;
    while (at < disk->count && disk->records[at].seq < seq &&
           disk->records[at].seq <= disk->synced_seq)
        at++;
    if (at == disk->count)
        return;
    uint64_t segment = segment_of(&disk->records[at]);
    while (disk->first < disk->count &&
           segment_of(&disk->records[disk->first]) < segment) {
        struct disk_record *record = &disk->records[disk->first++];
        disk->bytes_live -= WAL_RECORD_HEAD + record->len;
        free(record->bytes);
        record->bytes = NULL;
    }
}

void disk_stage(struct disk *disk, struct store_batch *batch)
{
    CHECK(disk->batch_count < 64);
    disk->batches[disk->batch_count++] = batch;
}

uint64_t disk_commit(struct disk *disk)
{
    CHECK(disk->batch_count > 0);
    struct store_batch *batch = disk->batches[0];
    uint64_t height = store_batch_height(batch);
    CHECK(store_commit(disk->store, batch) == OK);
    store_batch_free(batch);
    disk->batch_count--;
    memmove(disk->batches, disk->batches + 1,
            disk->batch_count * sizeof(disk->batches[0]));
    return height;
}

/* ---- losses ---- */

/* How much of the unsynced bytes a crash keeps. */
enum keeps { KEEPS_NONE, KEEPS_ALL, KEEPS_PREFIX, KEEPS_ANY };

static bool survives(const struct disk_record *record, struct dice *pieces,
                     enum keeps keeps, uint64_t end)
{
    uint64_t last = record->offset + WAL_RECORD_HEAD + record->len;
    if (keeps == KEEPS_NONE || keeps == KEEPS_ALL)
        return keeps == KEEPS_ALL;
    if (keeps == KEEPS_PREFIX)
        return last <= end;
    for (uint64_t at = record->offset / PIECE; at <= (last - 1) / PIECE; at++) {
        struct dice piece = {pieces->state ^ at * UINT64_C(0x2545f4914f6cdd1d)};
        if (dice_chance(&piece, 300))
            return false;
    }
    return true;
}

static size_t index_of(const struct disk *disk, uint64_t seq)
{
    size_t at = disk->first;
    while (at < disk->count && disk->records[at].seq < seq)
        at++;
    return at;
}

void disk_crash(struct disk *disk, struct dice *dice)
{
    enum keeps keeps = (enum keeps)dice_below(dice, 4);
    struct dice pieces = {dice_next(dice)};
    size_t at = index_of(disk, disk->synced_seq + 1);
    uint64_t end = disk->next_offset;
    if (at < disk->count)
        end = dice_between(dice, disk->records[at].offset, end);
    while (at < disk->count &&
           survives(&disk->records[at], &pieces, keeps, end))
        at++;
    disk->torn = disk->torn || at < disk->count;
    cut(disk, at);
    /* What a reader finds is on the disk from now on. */
    disk->synced_seq = disk->next_seq - 1;
    disk->syncing_seq = 0;
    /* The store's thread may have finished some of its work. */
    uint64_t done = dice_below(dice, disk->batch_count + 1);
    while (done-- > 0)
        (void)disk_commit(disk);
    drop_batches(disk);
}

void disk_wipe_log(struct disk *disk)
{
    cut(disk, disk->first);
    disk->has_log = false;
    disk->next_seq = 1;
    disk->synced_seq = 0;
    disk->next_offset = 0;
    disk->first = disk->count = 0;
}

bool disk_damage_log(struct disk *disk, struct dice *dice)
{
    size_t at;
    if (disk->count < disk->first + 2)
        return false;
    const struct disk_record *last = &disk->records[disk->count - 1];
    const struct disk_record *first = &disk->records[disk->first];
    if (last->synced < first->seq)
        return false;
    /* Only what others behind it vouch for: else nobody could know. */
    at = index_of(disk, dice_between(dice, first->seq, last->synced));
    disk->records[at].bad = true;
    return true;
}

void disk_wipe_store(struct disk *disk)
{
    store_close(disk->store);
    CHECK(store_mem_new(&disk->store) == OK);
}

void disk_wipe(struct disk *disk)
{
    disk_wipe_log(disk);
    disk_wipe_store(disk);
}

/* ---- copies ---- */

struct copying {
    struct store_batch *batch;
    enum store_table table;
};

static enum err copy_one(void *ctx, struct bytes key, struct bytes value)
{
    const struct copying *copying = ctx;
    store_batch_put(copying->batch, copying->table, key, value);
    return OK;
}

static struct store *copy_of(struct store *store)
{
    struct copying copying = {.batch = store_batch_new(0)};
    struct store *copy;
    for (unsigned i = 0; i < STORE_TABLES; i++) {
        struct store_range all = {.table = (enum store_table)i};
        copying.table = all.table;
        CHECK(store_each(store, &all, copy_one, &copying) == OK);
    }
    CHECK(store_mem_new(&copy) == OK);
    CHECK(store_commit(copy, copying.batch) == OK);
    store_batch_free(copying.batch);
    return copy;
}

void disk_back_up(struct disk *disk)
{
    store_close(disk->backup);
    disk->backup = copy_of(disk->store);
}

void disk_put_back(struct disk *disk)
{
    CHECK(disk->backup != NULL);
    store_close(disk->store);
    disk->store = copy_of(disk->backup);
}

/* ---- rot ---- */

struct rotting {
    struct store_batch *batch;
    enum store_table table;
    uint64_t left; /* entries until the one */
    struct dice *dice;
};

static enum err count_one(void *ctx, struct bytes key, struct bytes value)
{
    (void)key;
    *(uint64_t *)ctx += value.len > 0 ? 1 : 0;
    return OK;
}

static enum err rot_one(void *ctx, struct bytes key, struct bytes value)
{
    struct rotting *rotting = ctx;
    struct buf buf;
    if (value.len == 0 || rotting->left-- > 0)
        return OK;
    buf_init(&buf, value.len);
    buf_add(&buf, value);
    CHECK(buf.err == OK);
    buf.ptr[dice_below(rotting->dice, buf.len)] ^=
        (uint8_t)(1u << dice_below(rotting->dice, 8));
    store_batch_put(rotting->batch, rotting->table, key, buf_bytes(&buf));
    buf_done(&buf);
    return ERR_EXISTS; /* found */
}

void disk_rot(struct disk *disk, struct dice *dice)
{
    struct rotting rotting = {.dice = dice};
    struct store_range range = {.table = STORE_META};
    uint64_t count = 0;
    while (count == 0) {
        range.table = (enum store_table)dice_below(dice, STORE_TABLES);
        CHECK(store_each(disk->store, &range, count_one, &count) == OK);
    }
    rotting.table = range.table;
    rotting.left = dice_below(dice, count);
    rotting.batch = store_batch_new(0);
    CHECK(store_each(disk->store, &range, rot_one, &rotting) == ERR_EXISTS);
    CHECK(store_commit(disk->store, rotting.batch) == OK);
    store_batch_free(rotting.batch);
}

/* ---- opening ---- */

/* What the chain's store remembers of the log. */
static uint64_t noted_seq(struct disk *disk)
{
    uint8_t raw[8];
    size_t len;
    enum err err = store_read(disk->store, STORE_META, BYTES_LIT("log_seq"),
                              raw, sizeof(raw), &len);
    return err == OK && len == sizeof(raw) ? u64be_get(raw) : 0;
}

struct wal_report disk_open(struct disk *disk)
{
    struct wal_report report = {.found = WAL_WHOLE};
    uint64_t noted = noted_seq(disk);
    if (!disk->has_log) {
        report.found = WAL_MISSING;
        if (disk->next_seq <= noted)
            disk->next_seq = noted + 1;
        disk->synced_seq = disk->next_seq - 1;
        return report;
    }
    for (size_t i = disk->first; i < disk->count; i++) {
        const struct disk_record *record = &disk->records[i];
        if (!record->bad) {
            report.last_seq = record->seq;
            if (report.first_seq == 0)
                report.first_seq = record->seq;
        } else {
            report.found = WAL_DAMAGED;
            if (report.lost_seq == 0)
                report.lost_seq = record->seq;
        }
    }
    if (disk->next_seq <= noted) {
        report.found = WAL_DAMAGED;
        disk->next_seq = noted + 1;
        disk->synced_seq = noted;
    }
    return report;
}
