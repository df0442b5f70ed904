/* The safety log through crashes, and on machines that say no. */

#define _GNU_SOURCE /* unshare */

#include "wal_log.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

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

/* Three records were written and not synced; the first of them is torn, the
 * others are whole. Their place is taken by others of the same length. */
static void whole_records_behind_a_torn_one_never_come_back(void **state)
{
    struct log log;
    char path[160];
    (void)state;
    log_start(&log);
    log_write(&log, 1);
    log_append(&log, 3);
    assert_int_equal(wal_flush(log.wal), OK);
    size_t at = record_offset(&log, 1, 2);
    segment_path(&log, 1, path);
    file_flip(path, at);
    log_reopen(&log);
    assert_int_equal(log.report.found, WAL_WHOLE);
    assert_int_equal(log.report.last_seq, 1);
    assert_true(log.report.cut_bytes > 0);
    log_write(&log, 1);
    log_close(&log);
    file_flip(path, at); /* even when the disk thinks better of it */
    assert_int_equal(log_open(&log), OK);
    assert_int_equal(log.report.found, WAL_WHOLE);
    assert_int_equal(log.report.last_seq, 2);
    assert_int_equal(log.report.cut_bytes, 0);
    log_done(&log);
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

/* The n-th write or sync fails, for every n. What was said to be synced is
 * there when the next process opens it, and nothing else is amiss. */
static void no_failed_call_loses_what_was_synced(void **state)
{
    bool done = false;
    (void)state;
    for (unsigned n = 1; !done; n++) {
        struct log log;
        uint64_t synced = 0;
        uint64_t seq = 0;
        log_init(&log);
        calls_reset(n);
        enum err err = wal_create_in(&room, log.dir, &log.owner);
        if (err == OK)
            err = log_open(&log);
        while (err == OK && count_segments(&log) < 3) {
            uint64_t next = wal_last(log.wal) + 1;
            log.lives[next] = log.life;
            err = wal_append(log.wal, (uint8_t)(1 + next % 7),
                             body_of(log.life, next), &seq);
            if (err == OK && next % 5 == 0)
                err = wal_sync(log.wal);
            synced = wal_synced(log.wal);
        }
        done = err == OK;
        assert_true(done || err == ERR_IO);
        assert_true(done || calls.count >= n);
        calls_reset(0);
        log_close(&log);
        assert_int_equal(log_open(&log), OK);
        if (log.report.found == WAL_MISSING) {
            assert_int_equal(synced, 0);
        } else {
            assert_int_equal(log.report.found, WAL_WHOLE);
            assert_true(log.report.last_seq >= synced);
            log_write(&log, 2);
            log_reopen(&log);
            assert_int_equal(log.report.found, WAL_WHOLE);
        }
        log_done(&log);
        assert_true(n < 500);
    }
}

/* The same for the calls of an opening that has something to put right. */
static void no_failed_call_of_an_opening_loses_anything(void **state)
{
    bool done = false;
    (void)state;
    for (unsigned n = 1; !done; n++) {
        struct log log;
        char path[160];
        log_start(&log);
        log_write(&log, 2);
        log_append(&log, 3);
        assert_int_equal(wal_flush(log.wal), OK);
        segment_path(&log, 1, path);
        file_flip(path, record_offset(&log, 1, 4));
        log_close(&log);
        calls_reset(n);
        enum err err = log_open(&log);
        done = err == OK;
        assert_true(done || err == ERR_IO);
        calls_reset(0);
        log_reopen(&log);
        assert_int_equal(log.report.found, WAL_WHOLE);
        assert_int_equal(log.report.last_seq, 3);
        log_write(&log, 1);
        log_reopen(&log);
        assert_int_equal(log.report.last_seq, 4);
        log_done(&log);
        assert_true(n < 50);
    }
}

/* A sync that fails after a write that went well. */
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
    char path[160];
    uint64_t seq = 0;
    enum err err = OK;
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
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
        cmocka_unit_test(
            no_crash_loses_what_was_synced_or_brings_back_what_was_cut),
        cmocka_unit_test(whole_records_behind_a_torn_one_never_come_back),
        cmocka_unit_test(rot_is_told_from_a_torn_end),
        cmocka_unit_test(a_killed_writer_leaves_all_that_it_said_was_synced),
        cmocka_unit_test(after_a_failed_sync_nothing_is_ever_synced_again),
        cmocka_unit_test(no_failed_call_loses_what_was_synced),
        cmocka_unit_test(no_failed_call_of_an_opening_loses_anything),
        cmocka_unit_test(a_sync_the_kernel_refuses_ends_it_too),
        cmocka_unit_test(a_full_disk_is_full_and_it_goes_on_when_there_is_room),
        cmocka_unit_test(memory_is_bounded_however_much_is_logged),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
