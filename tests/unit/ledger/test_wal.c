/* The safety log: what was synced is there, and whose it is. */

#include "wal_log.h"

#include <sys/wait.h>

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
    struct log log;
    uint64_t seq = 0;
    (void)state;
    log_start(&log);
    assert_int_equal(wal_sync(log.wal), OK);
    assert_int_equal(wal_synced(log.wal), 0);
    assert_int_equal(wal_append(log.wal, 255, bytes_make(NULL, 0), &seq), OK);
    assert_int_equal(seq, 1);
    assert_int_equal(wal_sync(log.wal), OK);
    assert_int_equal(wal_synced(log.wal), 1);
    log_done(&log);
}

static void a_sync_is_one_write_and_one_sync_or_nothing(void **state)
{
    struct log log;
    (void)state;
    log_start(&log);
    calls_reset(0);
    log_append(&log, 7);
    assert_string_equal(calls.said, ""); /* nothing before it is asked for */
    assert_int_equal(wal_sync(log.wal), OK);
    assert_string_equal(calls.said, "wd");
    assert_int_equal(wal_sync(log.wal), OK);
    assert_string_equal(calls.said, "wd");
    log_done(&log);
}

static void a_segment_is_on_the_disk_before_its_name_is_relied_on(void **state)
{
    struct log log;
    (void)state;
    log_init(&log);
    calls_reset(0);
    assert_int_equal(wal_create_in(&room, log.dir, &log.owner), OK);
    assert_string_equal(calls.said, "wFD");
    assert_int_equal(log_open(&log), OK);
    log_append(&log, 1);
    while (count_segments(&log) < 2) {
        calls_reset(0);
        log_append(&log, 1);
    }
    assert_string_equal(calls.said, "wdwFD"); /* the old one, then the new */
    log_write(&log, 1);
    uint64_t first = log.wal->dir.firsts[1];
    calls_reset(0);
    wal_trim(log.wal, first);
    assert_string_equal(calls.said, "D");
    log_done(&log);
}

/* Whether the writer was killed before its sync, or its sync failed: the bytes
 * that can be read may be in memory only. */
static void what_no_sync_confirmed_is_written_again_on_opening(void **state)
{
    struct log log;
    (void)state;
    log_start(&log);
    log_write(&log, 2);
    log_append(&log, 2);
    assert_int_equal(wal_flush(log.wal), OK);
    calls_reset(0);
    log_reopen(&log);
    assert_string_equal(calls.said, "wd");
    assert_int_equal(log.report.last_seq, 4);
    assert_int_equal(wal_synced(log.wal), 4);
    log_done(&log);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_synced_is_there_after_reopening),
        cmocka_unit_test(what_was_not_synced_is_not_claimed),
        cmocka_unit_test(an_empty_sync_and_an_empty_body_are_fine),
        cmocka_unit_test(a_sync_is_one_write_and_one_sync_or_nothing),
        cmocka_unit_test(a_segment_is_on_the_disk_before_its_name_is_relied_on),
        cmocka_unit_test(what_no_sync_confirmed_is_written_again_on_opening),
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
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
