/* The safety log: what was synced is there, or the log says that it is not. */

#define _GNU_SOURCE /* unshare */

#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger/wal_room.h"

#define SMALL   (16u * 1024) /* a segment in most tests */
#define SEQS    4096u
#define BODY    3000u /* the longest body in most tests */
#define RECORDS 4u

static const struct wal_room room = {.segment_bytes = SMALL};

/* ---- a log whose records can be told from one another ---- */

/* The body of a record: of the life of the process that wrote it, and its
 * number. Another life writes another one under the same number. */
static struct bytes body_of(uint32_t life, uint64_t seq)
{
    static uint8_t body[BODY];
    uint64_t seed = (uint64_t)life << 32 ^ (seq + 1);
    size_t len;
    for (int i = 0; i < 4; i++)
        (void)test_random(&seed);
    len = test_random(&seed) % (test_random(&seed) % 8 == 0 ? BODY : 300);
    for (size_t i = 0; i < len; i++) /* with runs of zeros */
        body[i] = i / 100 % 3 == 2 ? 0 : (uint8_t)test_random(&seed);
    return bytes_make(body, len);
}

struct log {
    char dir[64];
    struct wal_owner owner;
    struct wal *wal;
    struct wal_report report;
    uint32_t life;
    uint32_t lives[SEQS]; /* which life's record a number holds; 0: none */
    uint64_t seen;        /* of the opening: the last number */
    uint64_t seen_count;
};

static enum err see(void *ctx, uint64_t seq, uint8_t type, struct bytes body)
{
    struct log *log = ctx;
    assert_true(seq > log->seen && seq < SEQS);
    assert_int_equal(type, 1 + seq % 7);
    assert_true(bytes_equal(body, body_of(log->lives[seq], seq)));
    log->seen = seq;
    log->seen_count++;
    return OK;
}

static enum err log_open_room(struct log *log, const struct wal_room *in)
{
    log->seen = 0;
    log->seen_count = 0;
    log->life++;
    log->wal = NULL;
    return wal_open_in(in, log->dir, &log->owner, see, log, &log->report,
                       &log->wal);
}

static enum err log_open(struct log *log)
{
    return log_open_room(log, &room);
}

static void log_init(struct log *log)
{
    memset(log, 0, sizeof(*log));
    memset(log->owner.key.b, 7, sizeof(log->owner.key.b));
    memset(log->owner.chain.b, 9, sizeof(log->owner.chain.b));
    temp_dir(log->dir);
}

/* A new log, open. */
static void log_start(struct log *log)
{
    log_init(log);
    assert_int_equal(wal_create_in(&room, log->dir, &log->owner), OK);
    assert_int_equal(log_open(log), OK);
    assert_int_equal(log->report.found, WAL_WHOLE);
    assert_int_equal(log->report.last_seq, 0);
}

static void log_done(struct log *log)
{
    char path[400];
    struct dirent *entry;
    wal_close(log->wal);
    DIR *stream = opendir(log->dir);
    assert_non_null(stream);
    while ((entry = readdir(stream)) != NULL) {
        snprintf(path, sizeof(path), "%s/%s", log->dir, entry->d_name);
        unlink(path);
    }
    closedir(stream);
    rmdir(log->dir);
}

static void log_append(struct log *log, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t seq = wal_last(log->wal) + 1;
        uint64_t got = 0;
        assert_true(seq < SEQS);
        log->lives[seq] = log->life;
        assert_int_equal(wal_append(log->wal, (uint8_t)(1 + seq % 7),
                                    body_of(log->life, seq), &got),
                         OK);
        assert_int_equal(got, seq);
    }
}

static void log_write(struct log *log, unsigned count)
{
    log_append(log, count);
    assert_int_equal(wal_sync(log->wal), OK);
    assert_int_equal(wal_synced(log->wal), wal_last(log->wal));
}

static void log_close(struct log *log)
{
    wal_close(log->wal);
    log->wal = NULL;
}

static void log_reopen(struct log *log)
{
    log_close(log);
    assert_int_equal(log_open(log), OK);
}

static void segment_path(const struct log *log, uint64_t first, char out[160])
{
    snprintf(out, 160, "%s/wal-%016llx", log->dir, (unsigned long long)first);
}

static size_t count_segments(const struct log *log)
{
    size_t count = 0;
    struct dirent *entry;
    DIR *stream = opendir(log->dir);
    assert_non_null(stream);
    while ((entry = readdir(stream)) != NULL)
        count += strlen(entry->d_name) == 20 &&
                 strncmp(entry->d_name, "wal-", 4) == 0;
    closedir(stream);
    return count;
}

/* ---- files behind the log's back ---- */

static void file_get(const char *path, uint8_t *out, size_t len)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, out, len, 0), len);
    close(fd);
}

static void file_put(const char *path, const uint8_t *in, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, in, len, 0), len);
    close(fd);
}

static void file_flip(const char *path, size_t at)
{
    uint8_t byte;
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    close(fd);
}

/* Where record seq stands in the segment that starts with `first`. */
static size_t record_offset(const struct log *log, uint64_t first, uint64_t seq)
{
    size_t at = WAL_HEAD_BYTES;
    for (uint64_t i = first; i < seq; i++)
        at += WAL_RECORD_HEAD + body_of(log->lives[i], i).len;
    return at;
}

/* ---- what it is for ---- */

static void what_was_synced_is_there_after_reopening(void **state)
{
    struct log log;
    (void)state;
    log_start(&log);
    for (int i = 0; i < 10; i++)
        log_write(&log, 1 + (unsigned)i % 3);
    uint64_t last = wal_last(log.wal);
    log_reopen(&log);
    assert_int_equal(log.report.found, WAL_WHOLE);
    assert_int_equal(log.report.first_seq, 1);
    assert_int_equal(log.report.last_seq, last);
    assert_int_equal(log.report.cut_bytes, 0);
    assert_int_equal(log.seen_count, last);
    assert_int_equal(wal_last(log.wal), last);
    assert_int_equal(wal_synced(log.wal), last);
    log_write(&log, 2); /* and it goes on */
    log_reopen(&log);
    assert_int_equal(log.seen_count, last + 2);
    log_done(&log);
}

static void what_was_not_synced_is_not_claimed(void **state)
{
    struct log log;
    (void)state;
    log_start(&log);
    log_write(&log, 2);
    log_append(&log, 3);
    assert_int_equal(wal_last(log.wal), 5);
    assert_int_equal(wal_synced(log.wal), 2);
    log_reopen(&log); /* close writes nothing */
    assert_int_equal(log.report.found, WAL_WHOLE);
    assert_int_equal(log.report.last_seq, 2);
    log_done(&log);
}

static void an_empty_sync_and_an_empty_body_are_fine(void **state)
{
    struct wal_owner owner = {.synced = 0};
    struct log log;
    uint64_t seq = 0;
    (void)state;
    (void)owner;
    log_start(&log);
    assert_int_equal(wal_sync(log.wal), OK);
    assert_int_equal(wal_synced(log.wal), 0);
    assert_int_equal(wal_append(log.wal, 255, bytes_make(NULL, 0), &seq), OK);
    assert_int_equal(seq, 1);
    assert_int_equal(wal_sync(log.wal), OK);
    assert_int_equal(wal_synced(log.wal), 1);
    log_done(&log);
}

static enum err refuse(void *ctx, uint64_t seq, uint8_t type, struct bytes body)
{
    (void)type;
    (void)body;
    (void)ctx;
    return seq == 2 ? ERR_VERSION : OK;
}

static void the_readers_no_ends_the_opening(void **state)
{
    struct log log;
    struct wal *wal = NULL;
    struct wal_report report = {.last_seq = 77};
    (void)state;
    log_start(&log);
    log_write(&log, 3);
    log_close(&log);
    assert_int_equal(
        wal_open_in(&room, log.dir, &log.owner, refuse, NULL, &report, &wal),
        ERR_VERSION);
    assert_null(wal);
    assert_int_equal(report.last_seq, 77);
    assert_int_equal(log_open(&log), OK); /* it was let go */
    assert_int_equal(log.report.last_seq, 3);
    log_done(&log);
}

/* ---- segments ---- */

static void a_full_segment_is_followed_by_another(void **state)
{
    struct log log;
    (void)state;
    log_start(&log);
    while (count_segments(&log) < RECORDS)
        log_write(&log, 5);
    uint64_t last = wal_last(log.wal);
    log_reopen(&log);
    assert_int_equal(log.report.found, WAL_WHOLE);
    assert_int_equal(log.seen_count, last);
    assert_int_equal(count_segments(&log), RECORDS);
    log_write(&log, 3);
    log_reopen(&log);
    assert_int_equal(log.seen_count, last + 3);
    log_done(&log);
}

static void records_before_a_new_segment_are_synced_by_it(void **state)
{
    struct log log;
    (void)state;
    log_start(&log);
    while (count_segments(&log) < 2)
        log_append(&log, 1);
    assert_int_equal(wal_synced(log.wal), wal_last(log.wal) - 1);
    log_done(&log);
}

static void the_largest_record_fits_and_fills_segments(void **state)
{
    static uint8_t big[WAL_BYTES_MAX];
    struct wal_report report;
    struct log log;
    uint64_t seq = 0;
    (void)state;
    log_init(&log);
    memset(big, 0xab, sizeof(big));
    assert_int_equal(wal_create(log.dir, &log.owner), OK);
    assert_int_equal(
        wal_open(log.dir, &log.owner, refuse, NULL, &report, &log.wal), OK);
    for (int i = 0; i < 40; i++)
        assert_int_equal(wal_append(log.wal, 1, BYTES_OF(big), &seq), OK);
    assert_int_equal(wal_sync(log.wal), OK);
    assert_int_equal(count_segments(&log), 2);
    log_close(&log);
    assert_int_equal(
        wal_open(log.dir, &log.owner, refuse, NULL, &report, &log.wal),
        ERR_VERSION); /* it does read them: the second is no */
    log_done(&log);
}

static void trim_deletes_only_whole_segments_below(void **state)
{
    struct log log;
    uint64_t firsts[4] = {1};
    size_t count = 1;
    (void)state;
    log_start(&log);
    while (count < 4) {
        log_write(&log, 1);
        if (count_segments(&log) > count)
            firsts[count++] = wal_last(log.wal);
    }
    wal_trim(log.wal, 1);
    wal_trim(log.wal, firsts[1] - 1); /* one record too few */
    assert_int_equal(count_segments(&log), 4);
    wal_trim(log.wal, firsts[1]);
    assert_int_equal(count_segments(&log), 3);
    log_reopen(&log);
    assert_int_equal(log.report.found, WAL_WHOLE);
    assert_int_equal(log.report.first_seq, firsts[1]);
    wal_trim(log.wal, UINT64_MAX); /* never the one in use */
    assert_int_equal(count_segments(&log), 1);
    log_write(&log, 1);
    log_reopen(&log);
    assert_int_equal(log.report.found, WAL_WHOLE);
    assert_int_equal(log.report.first_seq, firsts[3]);
    log_done(&log);
}

static void a_file_system_without_allocation_gets_zeros(void **state)
{
    const struct wal_room plain = {.segment_bytes = SMALL,
                                   .no_fallocate = true};
    struct stat file;
    struct log log;
    char path[160];
    (void)state;
    log_init(&log);
    assert_int_equal(wal_create_in(&plain, log.dir, &log.owner), OK);
    segment_path(&log, 1, path);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_size, SMALL);
    assert_true(file.st_blocks * 512 >= (blkcnt_t)SMALL);
    assert_int_equal(log_open_room(&log, &plain), OK);
    while (count_segments(&log) < 3)
        log_write(&log, 4);
    log_reopen(&log);
    assert_int_equal(log.report.found, WAL_WHOLE);
    log_done(&log);
}

/* ---- who may ---- */

static void a_missing_log_is_missing_and_stays_so(void **state)
{
    struct log log;
    char inside[100];
    (void)state;
    log_init(&log);
    assert_int_equal(log_open(&log), OK);
    assert_null(log.wal);
    assert_int_equal(log.report.found, WAL_MISSING);
    assert_int_equal(log_open(&log), OK);
    assert_int_equal(log.report.found, WAL_MISSING);
    assert_int_equal(count_segments(&log), 0);
    snprintf(inside, sizeof(inside), "%s/none", log.dir);
    assert_int_equal(wal_open_in(&room, inside, &log.owner, see, &log,
                                 &log.report, &log.wal),
                     OK);
    assert_int_equal(log.report.found, WAL_MISSING);
    assert_int_equal(access(inside, F_OK), -1);
    log_done(&log);
}

static void a_log_is_made_once_and_in_a_directory_of_its_own(void **state)
{
    struct stat file;
    struct log log;
    char inside[100];
    char deeper[160];
    (void)state;
    log_init(&log);
    snprintf(inside, sizeof(inside), "%s/safety", log.dir);
    snprintf(deeper, sizeof(deeper), "%s/safety", inside);
    assert_int_equal(wal_create_in(&room, deeper, &log.owner), ERR_NOT_FOUND);
    assert_int_equal(wal_create_in(&room, inside, &log.owner), OK);
    assert_int_equal(wal_create_in(&room, inside, &log.owner), ERR_EXISTS);
    assert_int_equal(stat(inside, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0700);
    struct log in = log;
    snprintf(in.dir, sizeof(in.dir), "%.40s/safety", log.dir);
    segment_path(&in, 1, deeper);
    assert_int_equal(stat(deeper, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    log_done(&in);
    log_done(&log);
}

static void a_new_log_goes_on_above_what_is_remembered(void **state)
{
    struct log log;
    (void)state;
    log_init(&log);
    log.owner.synced = 40;
    assert_int_equal(wal_create_in(&room, log.dir, &log.owner), OK);
    assert_int_equal(log_open(&log), OK);
    assert_int_equal(log.report.found, WAL_WHOLE);
    assert_int_equal(wal_last(log.wal), 40);
    log_write(&log, 1);
    assert_int_equal(wal_last(log.wal), 41);
    log_done(&log);
}

static void the_log_of_another_key_or_chain_is_refused(void **state)
{
    struct log log;
    (void)state;
    log_start(&log);
    log_write(&log, 2);
    log_close(&log);
    log.owner.key.b[5] ^= 1;
    assert_int_equal(log_open(&log), ERR_CHAIN);
    assert_int_equal(log.seen_count, 0);
    log.owner.key.b[5] ^= 1;
    log.owner.chain.b[0] ^= 1;
    assert_int_equal(log_open(&log), ERR_CHAIN);
    log.owner.chain.b[0] ^= 1;
    assert_int_equal(log_open(&log), OK);
    log_done(&log);
}

static void a_segment_of_another_owner_among_ours_is_refused(void **state)
{
    static uint8_t bytes[SMALL];
    struct log log;
    struct log other;
    char path[160];
    (void)state;
    log_start(&log);
    log_write(&log, 2);
    log_close(&log);
    log_init(&other);
    other.owner.key.b[0] = 1;
    assert_int_equal(wal_create_in(&room, other.dir, &other.owner), OK);
    segment_path(&other, 1, path);
    file_get(path, bytes, SMALL);
    segment_path(&log, 3, path);
    file_put(path, bytes, SMALL);
    assert_int_equal(log_open(&log), ERR_CHAIN);
    assert_int_equal(log.seen_count, 0);
    log_done(&log);
    log_done(&other);
}

static void one_opener_at_a_time(void **state)
{
    struct wal_report report = {.last_seq = 5};
    struct wal *second = NULL;
    struct log log;
    int status = -1;
    (void)state;
    log_start(&log);
    assert_int_equal(
        wal_open_in(&room, log.dir, &log.owner, refuse, NULL, &report, &second),
        ERR_BUSY);
    assert_null(second);
    assert_int_equal(report.last_seq, 5);
    assert_int_equal(wal_create_in(&room, log.dir, &log.owner), ERR_BUSY);
    pid_t child = fork();
    if (child == 0)
        _exit(wal_open_in(&room, log.dir, &log.owner, refuse, NULL, &report,
                          &second) == ERR_BUSY
                  ? 0
                  : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    log_reopen(&log);
    log_done(&log);
}

static void foreign_files_are_left_alone(void **state)
{
    static const char *const names[] = {"note",
                                        "wal-1",
                                        "wal-000000000000000g",
                                        "wal-0000000000000000",
                                        "wal-000000000000000A",
                                        "wal-00000000000000001",
                                        "wal-00000000000000",
                                        "wal-ffffffffffffffff"};
    struct log log;
    char path[160];
    uint8_t two[2];
    (void)state;
    log_start(&log);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", log.dir, names[i]);
        file_put(path, (const uint8_t *)"hi", 2);
    }
    while (wal_last(log.wal) < 200)
        log_write(&log, 10);
    wal_trim(log.wal, wal_last(log.wal));
    log_reopen(&log);
    assert_int_equal(log.report.found, WAL_WHOLE);
    assert_int_equal(log.report.last_seq, 200);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", log.dir, names[i]);
        file_get(path, two, 2);
        assert_memory_equal(two, "hi", 2);
    }
    log_done(&log);
}

static void what_a_crash_left_half_made_is_cleared(void **state)
{
    struct log log;
    char path[160];
    (void)state;
    log_start(&log);
    log_write(&log, 2);
    snprintf(path, sizeof(path), "%s/" WAL_NEW_NAME, log.dir);
    file_put(path, (const uint8_t *)"half a head", 11);
    log_reopen(&log);
    assert_int_equal(log.report.found, WAL_WHOLE);
    assert_int_equal(access(path, F_OK), -1);
    log_done(&log);
}

static void a_directory_nobody_may_write_is_said_so(void **state)
{
    struct log log;
    (void)state;
    if (geteuid() == 0)
        skip();
    log_start(&log);
    log_close(&log);
    assert_int_equal(chmod(log.dir, 0000), 0);
    assert_int_equal(log_open(&log), ERR_PERM);
    assert_int_equal(wal_create_in(&room, log.dir, &log.owner), ERR_PERM);
    assert_int_equal(chmod(log.dir, 0700), 0);
    log_done(&log);
}

/* ---- damage ---- */

static void a_flipped_bit_before_later_syncs_is_damage(void **state)
{
    (void)state;
    /* Every byte of a synced record, and of a head: none goes unnoticed. */
    for (size_t at = 0;; at++) {
        struct log log;
        char path[160];
        log_start(&log);
        log_write(&log, 2);
        log_write(&log, 1);
        log_write(&log, 2);
        size_t from = record_offset(&log, 1, 2);
        size_t stop = record_offset(&log, 1, 4);
        segment_path(&log, 1, path);
        log_close(&log);
        if (at >= stop) {
            log_done(&log);
            break;
        }
        file_flip(path, at);
        assert_int_equal(log_open(&log), OK);
        assert_int_equal(log.report.found, WAL_DAMAGED);
        if (at < WAL_HEAD_BYTES) {
            assert_int_equal(log.report.lost_seq, 1);
            assert_int_equal(log.report.last_seq, 0);
        } else {
            uint64_t lost = at < from                        ? 1
                            : at < record_offset(&log, 1, 3) ? 2
                                                             : 3;
            assert_int_equal(log.report.lost_seq, lost);
            assert_int_equal(log.report.last_seq, 5); /* the rest is here */
            assert_int_equal(log.seen_count, 4);
        }
        log_done(&log);
    }
}

static void a_damaged_log_stays_damaged_until_the_gap_is_trimmed(void **state)
{
    struct log log;
    char path[160];
    (void)state;
    log_start(&log);
    log_write(&log, 3);
    log_write(&log, 3);
    segment_path(&log, 1, path);
    size_t at = record_offset(&log, 1, 2);
    log_close(&log);
    file_flip(path, at);
    assert_int_equal(log_open(&log), OK);
    assert_int_equal(log.report.found, WAL_DAMAGED);
    assert_int_equal(log.report.lost_seq, 2);
    assert_int_equal(log.report.last_seq, 6);
    assert_int_equal(log.seen_count, 5);
    uint64_t above = wal_last(log.wal);
    assert_true(above > 6);
    assert_int_equal(wal_synced(log.wal), above);
    for (int i = 0; i < 3; i++) {
        log_write(&log, 2);
        uint64_t last = wal_last(log.wal);
        log_reopen(&log);
        assert_int_equal(log.report.found, WAL_DAMAGED);
        assert_int_equal(log.report.last_seq, last);
        assert_int_equal(log.seen_count, 5 + 2 * (unsigned)(i + 1));
        assert_int_equal(count_segments(&log), 2);
    }
    wal_trim(log.wal, above + 1);
    log_reopen(&log);
    assert_int_equal(log.report.found, WAL_WHOLE);
    assert_int_equal(log.report.first_seq, above + 1);
    log_done(&log);
}

/* As wal.h admits; and as the one who remembers elsewhere can tell. */
static void a_bad_last_sync_shows_only_to_one_who_remembers(void **state)
{
    (void)state;
    for (int remember = 0; remember < 2; remember++) {
        struct log log;
        char path[160];
        log_start(&log);
        log_write(&log, 3);
        log_write(&log, 2);
        segment_path(&log, 1, path);
        size_t at = record_offset(&log, 1, 4);
        log_close(&log);
        file_flip(path, at);
        log.owner.synced = remember ? 5 : 0;
        assert_int_equal(log_open(&log), OK);
        assert_int_equal(log.report.found, remember ? WAL_DAMAGED : WAL_WHOLE);
        assert_int_equal(log.report.lost_seq, remember ? 4 : 0);
        assert_true(remember || log.report.cut_bytes > 0);
        log.owner.synced = 0; /* and it does not wear off */
        log_write(&log, 1);
        assert_true(remember ? wal_last(log.wal) > 6 : wal_last(log.wal) == 4);
        log_reopen(&log);
        assert_int_equal(log.report.found, remember ? WAL_DAMAGED : WAL_WHOLE);
        log_done(&log);
    }
}

static void a_short_or_long_segment_is_damage(void **state)
{
    static const long lengths[] = {0,         50,        WAL_HEAD_BYTES,
                                   SMALL / 2, SMALL - 1, SMALL + 1};
    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct log log;
        char path[160];
        log_start(&log);
        log_write(&log, 3);
        segment_path(&log, 1, path);
        log_close(&log);
        assert_int_equal(truncate(path, lengths[i]), 0);
        assert_int_equal(log_open(&log), OK);
        assert_int_equal(log.report.found, WAL_DAMAGED);
        assert_true(wal_last(log.wal) > 3);
        log_write(&log, 1);
        log_reopen(&log);
        assert_int_equal(log.report.found, WAL_DAMAGED);
        log_done(&log);
    }
}

static void a_segment_gone_from_the_middle_is_damage(void **state)
{
    struct log log;
    char path[160];
    uint64_t second = 0;
    (void)state;
    log_start(&log);
    while (count_segments(&log) < 3) {
        log_write(&log, 1);
        if (second == 0 && count_segments(&log) == 2)
            second = wal_last(log.wal);
    }
    uint64_t last = wal_last(log.wal);
    segment_path(&log, second, path);
    log_close(&log);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(log_open(&log), OK);
    assert_int_equal(log.report.found, WAL_DAMAGED);
    assert_int_equal(log.report.lost_seq, second);
    assert_int_equal(log.report.last_seq, last);
    assert_int_equal(wal_last(log.wal), last); /* the last segment is sound */
    log_done(&log);
}

static void a_segment_under_another_name_is_damage(void **state)
{
    struct log log;
    char path[160];
    char moved[160];
    (void)state;
    log_start(&log);
    log_write(&log, 3);
    log_write(&log, 3);
    segment_path(&log, 1, path);
    segment_path(&log, 2, moved);
    log_close(&log);
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(log_open(&log), OK);
    assert_int_equal(log.report.found, WAL_DAMAGED);
    log_done(&log);
}

static void bytes_that_look_like_a_record_inside_a_body_are_none(void **state)
{
    uint8_t fake[WAL_RECORD_HEAD + 8];
    uint8_t key[WAL_KEY_BYTES] = {0};
    struct wal_report report;
    struct log log;
    char path[160];
    uint64_t seq = 0;
    (void)state;
    log_start(&log);
    /* Whoever fills blocks knows the format, the chain and the count, and wants
     * a torn record to look like damage. He does not know the key. */
    wal_record_put(key, 3, 2, 1, BYTES_LIT("evil one"), fake);
    assert_int_equal(wal_append(log.wal, 1, BYTES_LIT("good"), &seq), OK);
    assert_int_equal(wal_sync(log.wal), OK);
    assert_int_equal(wal_append(log.wal, 1, BYTES_OF(fake), &seq), OK);
    assert_int_equal(wal_flush(log.wal), OK);
    log_close(&log);
    segment_path(&log, 1, path);
    file_flip(path, WAL_HEAD_BYTES + WAL_RECORD_HEAD + 4);
    assert_int_equal(wal_open_in(&room, log.dir, &log.owner, refuse, NULL,
                                 &report, &log.wal),
                     OK);
    assert_int_equal(report.found, WAL_WHOLE);
    assert_int_equal(report.last_seq, 1);
    log_done(&log);
}

/* ---- crashes ---- */

/* The last segment before and after the writes that no sync has confirmed. */
struct disk {
    uint64_t first; /* of the last segment */
    uint8_t before[SMALL];
    uint8_t after[SMALL];
};

static void disk_look(const struct log *log, struct disk *disk, uint8_t *out)
{
    char path[160];
    disk->first = log->wal->dir.firsts[log->wal->dir.count - 1];
    segment_path(log, disk->first, path);
    file_get(path, out, SMALL);
}

/* Power is lost: of the sectors written since, any are on the disk. */
static void keep_some_sectors(struct disk *disk, uint64_t *seed)
{
    unsigned percent = (unsigned)(test_random(seed) % 101);
    for (size_t at = 0; at < SMALL; at += 512) {
        if (test_random(seed) % 100 >= percent)
            memcpy(disk->after + at, disk->before + at, 512);
    }
}

/* The process is killed in the middle of its write. */
static void keep_a_prefix(struct disk *disk, uint64_t *seed)
{
    size_t from = 0;
    size_t to = SMALL;
    while (from < SMALL && disk->before[from] == disk->after[from])
        from++;
    while (to > from && disk->before[to - 1] == disk->after[to - 1])
        to--;
    if (from == to)
        return;
    from += test_random(seed) % (to - from + 1);
    memcpy(disk->after + from, disk->before + from, SMALL - from);
}

static void crash(struct log *log, struct disk *disk, uint64_t *seed)
{
    char path[160];
    if (test_random(seed) % 2 == 0)
        keep_some_sectors(disk, seed);
    else
        keep_a_prefix(disk, seed);
    segment_path(log, disk->first, path);
    log_close(log);
    file_put(path, disk->after, SMALL);
}

/* Power is lost in the opening: the segment it began may not be there, or not
 * whole yet under its first name. */
static void crash_in_opening(struct log *log, size_t segments_before,
                             uint64_t *seed)
{
    static const uint8_t junk[100] = "SUANWAL1";
    size_t count = log->wal->dir.count;
    uint64_t first = log->wal->dir.firsts[count - 1];
    char path[160];
    log_close(log);
    if (count > segments_before && test_random(seed) % 2 == 0) {
        segment_path(log, first, path);
        assert_int_equal(unlink(path), 0);
    }
    snprintf(path, sizeof(path), "%s/" WAL_NEW_NAME, log->dir);
    if (test_random(seed) % 2 == 0)
        file_put(path, junk, test_random(seed) % sizeof(junk));
}

/* Appends, syncs and at last writes without a sync, noting what the disk had
 * whenever something was synced. */
static void live(struct log *log, struct disk *disk, uint64_t *seed)
{
    uint64_t known = wal_synced(log->wal);
    disk_look(log, disk, disk->before);
    for (uint64_t i = test_random(seed) % 12; i > 0; i--) {
        log_append(log, 1 + (unsigned)(test_random(seed) % 4));
        if (wal_synced(log->wal) != known) /* a new segment */
            disk_look(log, disk, disk->before);
        if (test_random(seed) % 2 == 0) {
            assert_int_equal(wal_sync(log->wal), OK);
            disk_look(log, disk, disk->before);
        }
        known = wal_synced(log->wal);
    }
    log_append(log, (unsigned)(test_random(seed) % 6));
    if (wal_synced(log->wal) != known)
        disk_look(log, disk, disk->before);
    assert_int_equal(wal_flush(log->wal), OK);
    disk_look(log, disk, disk->after);
}

/* One log, crashed over and over. Bodies differ from life to life, so a record
 * that was forgotten once and came back would be seen (in see). */
static void no_crash_loses_what_was_synced_or_brings_back_what_was_cut(
    void **state)
{
    static struct disk disk;
    uint64_t seed = 20;
    unsigned cuts = 0;
    unsigned survivors = 0;
    (void)state;
    for (int round = 0; round < 40; round++) {
        struct log log;
        log_start(&log);
        for (int n = 0; n < 12; n++) {
            live(&log, &disk, &seed);
            uint64_t synced = wal_synced(log.wal);
            uint64_t last = wal_last(log.wal);
            crash(&log, &disk, &seed);
            size_t segments = count_segments(&log);
            for (uint64_t again = test_random(&seed) % 3; again > 0; again--) {
                assert_int_equal(log_open(&log), OK);
                assert_int_equal(log.report.found, WAL_WHOLE);
                crash_in_opening(&log, segments, &seed);
            }
            log.owner.synced = synced;
            assert_int_equal(log_open(&log), OK);
            assert_int_equal(log.report.found, WAL_WHOLE);
            assert_in_range(log.report.last_seq, synced, last);
            assert_int_equal(log.seen_count, log.report.last_seq);
            assert_int_equal(wal_last(log.wal), log.report.last_seq);
            assert_int_equal(wal_synced(log.wal), log.report.last_seq);
            cuts += log.report.cut_bytes > 0;
            survivors += log.report.last_seq > synced;
        }
        log_done(&log);
    }
    assert_true(cuts > 50 && survivors > 50); /* it was no idle game */
}

/* Both at once: torn writes at the end, and rot in what was synced. */
static void rot_is_told_from_a_torn_end(void **state)
{
    static struct disk disk;
    uint64_t seed = 77;
    unsigned told = 0;
    (void)state;
    for (int round = 0; round < 150; round++) {
        struct log log;
        char path[160];
        log_start(&log);
        live(&log, &disk, &seed);
        uint64_t synced = wal_synced(log.wal);
        crash(&log, &disk, &seed);
        if (synced > 2) {
            uint64_t rotten = 1 + test_random(&seed) % (synced - 1);
            uint64_t first = disk.first;
            if (rotten < first)
                rotten = first;
            segment_path(&log, first, path);
            file_flip(path, record_offset(&log, first, rotten));
            log.owner.synced = synced;
            assert_int_equal(log_open(&log), OK);
            if (rotten <= synced) {
                assert_int_equal(log.report.found, WAL_DAMAGED);
                assert_int_equal(log.report.lost_seq, rotten);
                told++;
            }
        }
        log_done(&log);
    }
    assert_true(told > 50);
}

/* A child appends and syncs as fast as it can, and is killed at some moment. */
static void append_until_killed(struct log *log, int said)
{
    uint64_t seed = log->life * UINT64_C(77) + 1;
    if (log_open(log) != OK || log->wal == NULL)
        _exit(1);
    for (;;) {
        log_append(log, 1 + (unsigned)(test_random(&seed) % 5));
        if (wal_sync(log->wal) != OK)
            _exit(1);
        uint64_t synced = wal_synced(log->wal);
        if (synced + 20 >= SEQS)
            pause();
        if (write(said, &synced, sizeof(synced)) != sizeof(synced))
            _exit(1);
    }
}

static uint64_t last_said(int fd, uint64_t said)
{
    uint64_t got;
    while (read(fd, &got, sizeof(got)) == sizeof(got))
        said = got;
    return said;
}

static void a_killed_writer_leaves_all_that_it_said_was_synced(void **state)
{
    uint64_t seed = 9;
    struct log log;
    uint64_t total = 0;
    (void)state;
    log_start(&log);
    for (int round = 0; round < 25 && total + 600 < SEQS; round++) {
        int ends[2];
        uint64_t said = 0;
        log_close(&log);
        assert_int_equal(pipe(ends), 0);
        for (uint64_t i = log.report.last_seq + 1; i < SEQS; i++)
            log.lives[i] = log.life + 1; /* what the child will write */
        pid_t child = fork();
        if (child == 0)
            append_until_killed(&log, ends[1]);
        log.life++;
        close(ends[1]);
        assert_int_equal(read(ends[0], &said, sizeof(said)), sizeof(said));
        usleep((useconds_t)(test_random(&seed) % 6000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        said = last_said(ends[0], said);
        close(ends[0]);
        assert_int_equal(log_open(&log), OK);
        assert_int_equal(log.report.found, WAL_WHOLE);
        assert_true(log.report.last_seq >= said);
        assert_int_equal(log.seen_count, log.report.last_seq);
        total = log.report.last_seq;
    }
    assert_true(total > 100);
    log_done(&log);
}

/* ---- the machine says no ---- */

static void after_a_failed_sync_nothing_is_ever_synced_again(void **state)
{
    struct log log;
    uint64_t seq = 0;
    (void)state;
    log_start(&log);
    log_write(&log, 2);
    int good = dup(log.wal->fd);
    int full = open("/dev/full", O_RDWR);
    assert_true(good >= 0 && full >= 0);
    log_append(&log, 1);
    assert_int_equal(dup2(full, log.wal->fd), log.wal->fd);
    assert_int_equal(wal_sync(log.wal), ERR_IO);
    assert_int_equal(dup2(good, log.wal->fd), log.wal->fd); /* well again */
    assert_int_equal(wal_sync(log.wal), ERR_IO);
    assert_int_equal(wal_append(log.wal, 1, BYTES_LIT("x"), &seq), ERR_IO);
    assert_int_equal(wal_synced(log.wal), 2);
    close(good);
    close(full);
    log_reopen(&log);
    assert_int_equal(log.report.last_seq, 2);
    log_done(&log);
}

/* A sync that fails after a write that went well: a pipe cannot be synced. */
static void a_sync_the_kernel_refuses_ends_it_too(void **state)
{
    struct log log;
    int null = open("/dev/null", O_RDWR);
    (void)state;
    log_start(&log);
    log_append(&log, 1);
    assert_int_equal(dup2(null, log.wal->fd), log.wal->fd);
    assert_int_equal(wal_sync(log.wal), ERR_IO);
    assert_int_equal(wal_synced(log.wal), 0);
    assert_int_equal(wal_sync(log.wal), ERR_IO);
    close(null);
    log_done(&log);
}

/* In a child that has its own view of mounts: a disk of two segments and a
 * half. 77: this machine lets us make none. */
static int run_out_of_disk(struct log *log)
{
    int flags = CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER);
    char path[160];
    uint64_t seq = 0;
    enum err err = OK;
    if (unshare(flags) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", log->dir, "tmpfs", 0, "size=44k") != 0)
        return 77;
    if (wal_create_in(&room, log->dir, &log->owner) != OK ||
        log_open(log) != OK)
        return 1;
    while (err == OK && wal_last(log->wal) + 1 < SEQS) {
        uint64_t next = wal_last(log->wal) + 1;
        log->lives[next] = log->life;
        err = wal_append(log->wal, (uint8_t)(1 + next % 7),
                         body_of(log->life, next), &seq);
    }
    if (err != ERR_FULL || count_segments(log) != 2)
        return 2;
    uint64_t last = wal_last(log->wal);
    /* Nothing was appended, and what was before stands. */
    if (last != seq || wal_sync(log->wal) != OK ||
        wal_append(log->wal, 1, body_of(log->life, last + 1), &seq) != ERR_FULL)
        return 3;
    snprintf(path, sizeof(path), "%s/" WAL_NEW_NAME, log->dir);
    if (access(path, F_OK) == 0)
        return 4;
    wal_close(log->wal);
    if (log_open(log) != OK || log->report.found != WAL_WHOLE ||
        log->report.last_seq != last)
        return 5;
    wal_trim(log->wal, last); /* room again */
    log_write(log, 3);
    log_reopen(log);
    return log->report.last_seq == last + 3 ? 0 : 6;
}

static void a_full_disk_is_full_and_it_goes_on_when_there_is_room(void **state)
{
    struct log log;
    int status = -1;
    (void)state;
    log_init(&log);
    pid_t child = fork();
    if (child == 0)
        _exit(run_out_of_disk(&log));
    assert_int_equal(waitpid(child, &status, 0), child);
    log_done(&log);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

/* 64 MiB of records appended and read with room for 40 MiB in all: one segment
 * while it is read, one MiB while it is written. */
static int write_much(struct log *log)
{
    static uint8_t big[LIMIT_BLOCK_BYTES];
    struct wal_report report;
    struct rlimit limit;
    struct wal *wal = NULL;
    uint64_t seq;
    char line[64];
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fgets(line, sizeof(line), file) == NULL)
        return 77;
    fclose(file);
    pages = strtoul(line, NULL, 10);
    limit.rlim_cur = limit.rlim_max = (rlim_t)pages * 4096 + (24u << 20);
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return 77;
    for (int round = 0; round < 2; round++) {
        if (wal_open(log->dir, &log->owner, refuse, NULL, &report, &wal) !=
            (round == 0 ? OK : ERR_VERSION))
            return 1;
        for (int i = 0; round == 0 && i < 96; i++) {
            if (wal_append(wal, 1, BYTES_OF(big), &seq) != OK)
                return 2;
        }
        if (round == 0 && wal_sync(wal) != OK)
            return 3;
        wal_close(wal);
        wal = NULL;
    }
    return 0;
}

static void memory_is_bounded_however_much_is_logged(void **state)
{
    struct log log;
    int status = -1;
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip();
#endif
    log_init(&log);
    assert_int_equal(wal_create(log.dir, &log.owner), OK);
    pid_t child = fork();
    if (child == 0)
        _exit(write_much(&log));
    assert_int_equal(waitpid(child, &status, 0), child);
    log_done(&log);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_synced_is_there_after_reopening),
        cmocka_unit_test(what_was_not_synced_is_not_claimed),
        cmocka_unit_test(an_empty_sync_and_an_empty_body_are_fine),
        cmocka_unit_test(the_readers_no_ends_the_opening),
        cmocka_unit_test(a_full_segment_is_followed_by_another),
        cmocka_unit_test(records_before_a_new_segment_are_synced_by_it),
        cmocka_unit_test(the_largest_record_fits_and_fills_segments),
        cmocka_unit_test(trim_deletes_only_whole_segments_below),
        cmocka_unit_test(a_file_system_without_allocation_gets_zeros),
        cmocka_unit_test(a_missing_log_is_missing_and_stays_so),
        cmocka_unit_test(a_log_is_made_once_and_in_a_directory_of_its_own),
        cmocka_unit_test(a_new_log_goes_on_above_what_is_remembered),
        cmocka_unit_test(the_log_of_another_key_or_chain_is_refused),
        cmocka_unit_test(a_segment_of_another_owner_among_ours_is_refused),
        cmocka_unit_test(one_opener_at_a_time),
        cmocka_unit_test(foreign_files_are_left_alone),
        cmocka_unit_test(what_a_crash_left_half_made_is_cleared),
        cmocka_unit_test(a_directory_nobody_may_write_is_said_so),
        cmocka_unit_test(a_flipped_bit_before_later_syncs_is_damage),
        cmocka_unit_test(a_damaged_log_stays_damaged_until_the_gap_is_trimmed),
        cmocka_unit_test(a_bad_last_sync_shows_only_to_one_who_remembers),
        cmocka_unit_test(a_short_or_long_segment_is_damage),
        cmocka_unit_test(a_segment_gone_from_the_middle_is_damage),
        cmocka_unit_test(a_segment_under_another_name_is_damage),
        cmocka_unit_test(bytes_that_look_like_a_record_inside_a_body_are_none),
        cmocka_unit_test(
            no_crash_loses_what_was_synced_or_brings_back_what_was_cut),
        cmocka_unit_test(rot_is_told_from_a_torn_end),
        cmocka_unit_test(a_killed_writer_leaves_all_that_it_said_was_synced),
        cmocka_unit_test(after_a_failed_sync_nothing_is_ever_synced_again),
        cmocka_unit_test(a_sync_the_kernel_refuses_ends_it_too),
        cmocka_unit_test(a_full_disk_is_full_and_it_goes_on_when_there_is_room),
        cmocka_unit_test(memory_is_bounded_however_much_is_logged),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
