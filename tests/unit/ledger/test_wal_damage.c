/* The safety log whose disk has lost or changed what was synced: it says so. */

#include "wal_log.h"

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

static void a_log_older_than_what_is_remembered_is_damaged(void **state)
{
    struct log log;
    (void)state;
    log_start(&log);
    log_write(&log, 5);
    log.owner.synced = 5000; /* the rest was in segments that are gone */
    log_reopen(&log);
    assert_int_equal(log.report.found, WAL_DAMAGED);
    assert_int_equal(log.report.lost_seq, 6);
    assert_int_equal(log.report.last_seq, 5);
    assert_int_equal(wal_last(log.wal), 5000);
    log_close(&log);
    log.owner.synced = 0;
    assert_int_equal(log_open(&log), OK);
    assert_int_equal(log.report.found, WAL_DAMAGED);
    log_done(&log);
}

static void a_number_left_out_is_damage(void **state)
{
    static uint8_t bytes[SMALL];
    struct log log;
    char path[160];
    (void)state;
    log_start(&log);
    log_write(&log, 2);
    log_append(&log, 2);
    segment_path(&log, 1, path);
    file_get(path, bytes, SMALL);
    size_t at = record_offset(&log, 1, 3);
    wal_record_put(log.wal->key, 4, 3, (uint8_t)(1 + 4 % 7),
                   body_of(log.life, 4), bytes + at);
    log_close(&log);
    file_put(path, bytes, SMALL);
    assert_int_equal(log_open(&log), OK);
    assert_int_equal(log.report.found, WAL_DAMAGED);
    assert_int_equal(log.report.lost_seq, 3);
    assert_int_equal(log.report.last_seq, 4);
    log_done(&log);
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
        uint64_t last = wal_last(log.wal);
        log_reopen(&log);
        assert_int_equal(log.report.found, WAL_DAMAGED);
        assert_int_equal(log.report.last_seq, last);
        assert_int_equal(count_segments(&log), 2);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flipped_bit_before_later_syncs_is_damage),
        cmocka_unit_test(a_damaged_log_stays_damaged_until_the_gap_is_trimmed),
        cmocka_unit_test(a_bad_last_sync_shows_only_to_one_who_remembers),
        cmocka_unit_test(a_log_older_than_what_is_remembered_is_damaged),
        cmocka_unit_test(a_number_left_out_is_damage),
        cmocka_unit_test(a_short_or_long_segment_is_damage),
        cmocka_unit_test(a_segment_gone_from_the_middle_is_damage),
        cmocka_unit_test(a_segment_under_another_name_is_damage),
        cmocka_unit_test(bytes_that_look_like_a_record_inside_a_body_are_none),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
