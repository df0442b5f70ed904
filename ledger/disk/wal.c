/* The safety log: appending, syncing, and finding one's place after a crash. */

#include "ledger/disk/wal_room.h"

#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct wal_room default_room = {.segment_bytes =
                                                 WAL_SEGMENT_BYTES};

static void check_arguments(const struct wal_room *room,
                            const struct wal_owner *owner)
{
    CHECK(room->segment_bytes > WAL_HEAD_BYTES + WAL_RECORD_HEAD);
    CHECK(room->segment_bytes <= WAL_SEGMENT_BYTES);
    CHECK(owner->synced < WAL_SEQ_MAX / 2);
}

/* ---- making ---- */

static enum err create_locked(struct wal_dir *dir, const struct wal_room *room,
                              const struct wal_owner *owner)
{
    uint8_t key[WAL_KEY_BYTES];
    int fd;
    TRY(wal_dir_take(dir));
    if (dir->count > 0)
        return ERR_EXISTS;
    TRY(wal_dir_make(dir, room, owner, owner->synced + 1, key, &fd));
    close(fd);
    return OK;
}

enum err wal_create_in(const struct wal_room *room, const char *path,
                       const struct wal_owner *owner)
{
    struct wal_dir dir;
    check_arguments(room, owner);
    enum err err = wal_dir_open(&dir, path, true);
    if (err == OK)
        err = create_locked(&dir, room, owner);
    wal_dir_done(&dir);
    return err;
}

enum err wal_create(const char *dir, const struct wal_owner *owner)
{
    return wal_create_in(&default_room, dir, owner);
}

/* ---- reading ---- */

/* What is known while the segments are read, oldest first. */
struct replay {
    struct wal *wal;
    wal_record_fn fn;
    void *ctx;
    struct wal_report report;
    uint8_t *bytes; /* of the segment that is read */
    struct wal_image image;
    struct wal_survey survey;
    uint64_t highest; /* number that can have been used so far */
    bool damaged;     /* this segment */
};

/* Somebody else's segment is found before any record is handed out. */
static enum err check_owner(struct wal *wal)
{
    uint8_t head[WAL_HEAD_BYTES];
    uint8_t key[WAL_KEY_BYTES];
    for (size_t i = 0; i < wal->dir.count; i++) {
        size_t len;
        int fd;
        TRY(wal_dir_segment(&wal->dir, wal->dir.firsts[i], &fd));
        enum err err = wal_file_read(fd, head, sizeof(head), &len);
        close(fd);
        TRY(err);
        if (wal_head_get(bytes_make(head, len), &wal->owner, key) == ERR_CHAIN)
            return ERR_CHAIN;
    }
    return OK;
}

/* Leaves wal->fd open on it. */
static enum err load_segment(struct replay *replay, size_t i)
{
    struct wal *wal = replay->wal;
    struct wal_image *image = &replay->image;
    struct stat file;
    size_t len;
    if (wal->fd >= 0)
        close(wal->fd);
    wal->fd = -1;
    TRY(wal_dir_segment(&wal->dir, wal->dir.firsts[i], &wal->fd));
    TRY(wal_file_read(wal->fd, replay->bytes, wal->room.segment_bytes, &len));
    if (fstat(wal->fd, &file) != 0)
        return ERR_IO;
    *image = (struct wal_image){.bytes = bytes_make(replay->bytes, len),
                                .first = wal->dir.firsts[i]};
    image->has_key = wal_head_get(image->bytes, &wal->owner, image->key) == OK;
    image->sound =
        image->has_key && file.st_size == (off_t)wal->room.segment_bytes;
    return OK;
}

static void note_loss(struct replay *replay, uint64_t seq)
{
    replay->damaged = true;
    if (replay->report.lost_seq == 0)
        replay->report.lost_seq = seq;
    replay->report.found = WAL_DAMAGED;
}

/* The highest number that this segment must hold. */
static uint64_t must_reach(const struct replay *replay, size_t i)
{
    const struct wal_dir *dir = &replay->wal->dir;
    uint64_t remembered = replay->wal->owner.synced;
    if (i + 1 < dir->count)
        return dir->firsts[i + 1] - 1;
    return remembered > replay->survey.proven ? remembered
                                              : replay->survey.proven;
}

static void judge_segment(struct replay *replay, size_t i)
{
    replay->damaged = false;
    if (!replay->image.sound || replay->survey.last < must_reach(replay, i))
        note_loss(replay, replay->survey.last + 1);
}

static enum err hand_out(struct replay *replay, const struct wal_record *record)
{
    struct wal_report *report = &replay->report;
    TRY(replay->fn(replay->ctx, record->seq, record->type, record->body));
    if (report->first_seq == 0)
        report->first_seq = record->seq;
    report->last_seq = record->seq;
    return OK;
}

/* The records of one segment up to the next one's; in a damaged one also what
 * is good behind the gaps. */
static enum err replay_segment(struct replay *replay, size_t i)
{
    const struct wal_dir *dir = &replay->wal->dir;
    const struct wal_survey *survey = &replay->survey;
    uint64_t stop_seq = i + 1 < dir->count ? dir->firsts[i + 1] : WAL_SEQ_MAX;
    size_t stop = survey->end + (replay->damaged ? survey->dirt : 0);
    uint64_t seq = replay->image.first;
    struct wal_record record;
    if (!replay->image.has_key)
        return OK;
    for (size_t at = WAL_HEAD_BYTES; at < stop;) {
        if (!wal_record_at(&replay->image, at, &record) || !record.good ||
            record.seq < seq) {
            at++;
            continue;
        }
        if (record.seq >= stop_seq)
            return OK;
        TRY(hand_out(replay, &record));
        seq = record.seq + 1;
        at = wal_record_end(&replay->image, &record);
    }
    return OK;
}

static enum err replay_all(struct replay *replay)
{
    const struct wal_dir *dir = &replay->wal->dir;
    for (size_t i = 0; i < dir->count; i++) {
        TRY(load_segment(replay, i));
        wal_survey(&replay->image, &replay->survey);
        judge_segment(replay, i);
        TRY(replay_segment(replay, i));
    }
    return OK;
}

/* ---- going on ---- */

/* What is in the file may be in memory only: the process before may have been
 * killed before its sync, or its sync have failed, which the kernel reports
 * once. So it is written once more. */
static enum err write_again(struct replay *replay)
{
    struct wal *wal = replay->wal;
    size_t from = wal_unproven(&replay->image, &replay->survey);
    struct bytes again =
        bytes_make(replay->bytes + from, replay->survey.end - from);
    TRY(wal_file_write(wal->fd, again, from));
    return fdatasync(wal->fd) == 0 ? OK : ERR_IO;
}

static enum err start_segment(struct wal *wal, uint64_t first)
{
    uint8_t key[WAL_KEY_BYTES];
    int fd;
    TRY(wal_dir_make(&wal->dir, &wal->room, &wal->owner, first, key, &fd));
    if (wal->fd >= 0)
        close(wal->fd);
    wal->fd = fd;
    wal->at = WAL_HEAD_BYTES;
    memcpy(wal->key, key, sizeof(key));
    return OK;
}

/* Above every number that can have been used in the damaged segment. */
static uint64_t number_above(const struct replay *replay)
{
    const struct wal *wal = replay->wal;
    uint64_t above =
        replay->image.first + wal_records_max(wal->room.segment_bytes);
    if (above <= replay->survey.highest)
        above = replay->survey.highest + 1;
    return above <= wal->owner.synced ? wal->owner.synced + 1 : above;
}

static enum err go_on(struct replay *replay)
{
    struct wal *wal = replay->wal;
    const struct wal_survey *survey = &replay->survey;
    wal->next = replay->damaged ? number_above(replay) : survey->last + 1;
    wal->synced = wal->next - 1;
    if (wal->next >= WAL_SEQ_MAX)
        return ERR_IO;
    if (replay->damaged)
        return start_segment(wal, wal->next);
    TRY(write_again(replay));
    replay->report.cut_bytes = survey->dirt;
    if (survey->dirt > 0)
        return start_segment(wal, wal->next);
    wal->at = (uint32_t)survey->end;
    memcpy(wal->key, replay->image.key, sizeof(wal->key));
    return OK;
}

/* ---- opening ---- */

static struct wal *wal_new(const struct wal_room *room,
                           const struct wal_owner *owner)
{
    struct wal *wal = calloc(1, sizeof(*wal));
    if (wal == NULL)
        return NULL;
    wal->pending = malloc(WAL_PENDING_BYTES);
    if (wal->pending == NULL) {
        free(wal);
        return NULL;
    }
    wal->owner = *owner;
    wal->room = *room;
    wal->dir = (struct wal_dir){.fd = -1, .lock_fd = -1};
    wal->fd = -1;
    return wal;
}

static enum err open_present(struct wal *wal, struct replay *replay)
{
    replay->wal = wal;
    replay->bytes = malloc(wal->room.segment_bytes);
    if (replay->bytes == NULL)
        return ERR_NOMEM;
    enum err err = replay_all(replay);
    if (err == OK)
        err = go_on(replay);
    free(replay->bytes);
    return err;
}

/* A missing directory is a missing log. */
static enum err open_dir(struct wal *wal, const char *path, bool *out_missing)
{
    enum err err = wal_dir_open(&wal->dir, path, false);
    *out_missing = true;
    if (err == ERR_NOT_FOUND)
        return OK;
    TRY(err);
    TRY(wal_dir_take(&wal->dir));
    *out_missing = wal->dir.count == 0;
    return check_owner(wal);
}

enum err wal_open_in(const struct wal_room *room, const char *dir,
                     const struct wal_owner *owner, wal_record_fn fn, void *ctx,
                     struct wal_report *out_report, struct wal **out)
{
    struct replay replay = {.fn = fn, .ctx = ctx};
    bool missing = false;
    check_arguments(room, owner);
    struct wal *wal = wal_new(room, owner);
    if (wal == NULL)
        return ERR_NOMEM;
    enum err err = open_dir(wal, dir, &missing);
    if (err == OK && !missing)
        err = open_present(wal, &replay);
    if (err != OK || missing) {
        wal_close(wal);
        wal = NULL;
    }
    if (err != OK)
        return err;
    if (missing)
        replay.report.found = WAL_MISSING;
    *out_report = replay.report;
    *out = wal;
    return OK;
}

enum err wal_open(const char *dir, const struct wal_owner *owner,
                  wal_record_fn fn, void *ctx, struct wal_report *out_report,
                  struct wal **out)
{
    return wal_open_in(&default_room, dir, owner, fn, ctx, out_report, out);
}

void wal_close(struct wal *wal)
{
    if (wal == NULL)
        return;
    if (wal->fd >= 0)
        close(wal->fd);
    wal_dir_done(&wal->dir);
    free(wal->pending);
    free(wal);
}

/* ---- writing ---- */

enum err wal_flush(struct wal *wal)
{
    if (wal->broken)
        return ERR_IO;
    if (wal->pending_len == 0)
        return OK;
    wal->dirty = true;
    struct bytes bytes = bytes_make(wal->pending, wal->pending_len);
    if (wal_file_write(wal->fd, bytes, wal->at) != OK) {
        wal->broken = true;
        return ERR_IO;
    }
    wal->at += wal->pending_len;
    wal->pending_len = 0;
    return OK;
}

enum err wal_sync(struct wal *wal)
{
    TRY(wal_flush(wal));
    if (wal->dirty && fdatasync(wal->fd) != 0) {
        wal->broken = true;
        return ERR_IO;
    }
    wal->dirty = false;
    wal->synced = wal->next - 1;
    return OK;
}

/* The segment is full: all of it is on the disk before there is another. */
static enum err roll_over(struct wal *wal)
{
    TRY(wal_sync(wal));
    enum err err = start_segment(wal, wal->next);
    if (err == OK || err == ERR_FULL || err == ERR_NOMEM)
        return err;
    wal->broken = true;
    return ERR_IO;
}

enum err wal_append(struct wal *wal, uint8_t type, struct bytes body,
                    uint64_t *out_seq)
{
    size_t need = WAL_RECORD_HEAD + body.len;
    CHECK(type > 0 && body.len <= WAL_BYTES_MAX);
    CHECK(need <= wal->room.segment_bytes - WAL_HEAD_BYTES);
    if (wal->broken || wal->next >= WAL_SEQ_MAX)
        return ERR_IO;
    if (need > wal->room.segment_bytes - wal->at - wal->pending_len)
        TRY(roll_over(wal));
    if (need > WAL_PENDING_BYTES - wal->pending_len)
        TRY(wal_flush(wal));
    wal_record_put(wal->key, wal->next, wal->synced, type, body,
                   wal->pending + wal->pending_len);
    wal->pending_len += (uint32_t)need;
    *out_seq = wal->next++;
    return OK;
}

void wal_trim(struct wal *wal, uint64_t seq)
{
    while (wal->dir.count > 1 && wal->dir.firsts[1] <= seq) {
        if (wal_dir_drop(&wal->dir) != OK)
            return;
    }
}

uint64_t wal_last(const struct wal *wal)
{
    return wal->next - 1;
}

uint64_t wal_synced(const struct wal *wal)
{
    return wal->synced;
}
