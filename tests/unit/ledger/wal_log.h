#ifndef TESTS_UNIT_LEDGER_WAL_LOG_H
#define TESTS_UNIT_LEDGER_WAL_LOG_H

/* What the tests of the safety log share: a log of small segments whose records
 * can be told from one another, its files, and what it asks of the system. */

#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ledger/disk/wal_room.h"

#define SMALL   (16u * 1024) /* a segment in most tests */
#define SEQS    4096u
#define BODY    3000u /* the longest body in most tests */
#define RECORDS 4u

static const struct wal_room room = {.segment_bytes = SMALL};

/* ---- what the log asks of the system ---- */

/* These stand before libc's: w a write, d and F the sync of a file (data, all),
 * D that of a directory. The fail_at-th call fails. */
static struct {
    char said[64];
    unsigned count;
    unsigned fail_at;
} calls;

UNUSED static void calls_reset(unsigned fail_at)
{
    memset(&calls, 0, sizeof(calls));
    calls.fail_at = fail_at;
}

UNUSED static bool call_fails(char what)
{
    if (calls.count + 1 < sizeof(calls.said))
        calls.said[calls.count] = what;
    calls.count++;
    errno = EIO;
    return calls.count == calls.fail_at;
}

int fsync(int fd)
{
    struct stat file;
    if (fstat(fd, &file) != 0 || call_fails(S_ISDIR(file.st_mode) ? 'D' : 'F'))
        return -1;
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return call_fails('d') ? -1 : (int)syscall(SYS_fdatasync, fd);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return call_fails('w') ? -1 : syscall(SYS_pwrite64, fd, bytes, len, at);
}

/* ---- a log whose records can be told from one another ---- */

/* The body of a record: of the life of the process that wrote it, and its
 * number. Another life writes another one under the same number, of the same
 * length, so that what stands behind it would fit. */
UNUSED static struct bytes body_of(uint32_t life, uint64_t seq)
{
    static uint8_t body[BODY];
    uint64_t seed = seq * UINT64_C(0x9E3779B97F4A7C15) + 1;
    size_t len;
    for (int i = 0; i < 4; i++)
        (void)test_random(&seed);
    len = test_random(&seed) % (test_random(&seed) % 8 == 0 ? BODY : 300);
    seed += life;
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

UNUSED static enum err see(void *ctx, uint64_t seq, uint8_t type,
                           struct bytes body)
{
    struct log *log = ctx;
    assert_true(seq > log->seen && seq < SEQS);
    assert_int_equal(type, 1 + seq % 7);
    assert_true(bytes_equal(body, body_of(log->lives[seq], seq)));
    log->seen = seq;
    log->seen_count++;
    return OK;
}

UNUSED static enum err log_open_room(struct log *log, const struct wal_room *in)
{
    log->seen = 0;
    log->seen_count = 0;
    log->life++;
    log->wal = NULL;
    return wal_open_in(in, log->dir, &log->owner, see, log, &log->report,
                       &log->wal);
}

UNUSED static enum err log_open(struct log *log)
{
    return log_open_room(log, &room);
}

UNUSED static void log_init(struct log *log)
{
    memset(log, 0, sizeof(*log));
    memset(log->owner.key.b, 7, sizeof(log->owner.key.b));
    memset(log->owner.chain.b, 9, sizeof(log->owner.chain.b));
    temp_dir(log->dir);
}

/* A new log, open. */
UNUSED static void log_start(struct log *log)
{
    log_init(log);
    assert_int_equal(wal_create_in(&room, log->dir, &log->owner), OK);
    assert_int_equal(log_open(log), OK);
    assert_int_equal(log->report.found, WAL_WHOLE);
    assert_int_equal(log->report.last_seq, 0);
}

UNUSED static void log_done(struct log *log)
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

UNUSED static void log_append(struct log *log, unsigned count)
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

UNUSED static void log_write(struct log *log, unsigned count)
{
    log_append(log, count);
    assert_int_equal(wal_sync(log->wal), OK);
    assert_int_equal(wal_synced(log->wal), wal_last(log->wal));
}

UNUSED static void log_close(struct log *log)
{
    wal_close(log->wal);
    log->wal = NULL;
}

UNUSED static void log_reopen(struct log *log)
{
    log_close(log);
    assert_int_equal(log_open(log), OK);
}

UNUSED static void segment_path(const struct log *log, uint64_t first,
                                char out[160])
{
    snprintf(out, 160, "%s/wal-%016llx", log->dir, (unsigned long long)first);
}

UNUSED static size_t count_segments(const struct log *log)
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

UNUSED static void file_get(const char *path, uint8_t *out, size_t len)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, out, len, 0), len);
    close(fd);
}

UNUSED static void file_put(const char *path, const uint8_t *in, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, in, len, 0), len);
    close(fd);
}

UNUSED static void file_flip(const char *path, size_t at)
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
UNUSED static size_t record_offset(const struct log *log, uint64_t first,
                                   uint64_t seq)
{
    size_t at = WAL_HEAD_BYTES;
    for (uint64_t i = first; i < seq; i++)
        at += WAL_RECORD_HEAD + body_of(log->lives[i], i).len;
    return at;
}

/* A reader that says no to the second record. */
UNUSED static enum err refuse(void *ctx, uint64_t seq, uint8_t type,
                              struct bytes body)
{
    (void)type;
    (void)body;
    (void)ctx;
    return seq == 2 ? ERR_VERSION : OK;
}

#endif
