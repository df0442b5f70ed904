/* The disk: its reserve, when it is short, and what is said of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/sell/sense.h"

#define GIB 1024u

static void the_reserve_is_a_twentieth_within_bounds(void **state)
{
    (void)state;
    assert_int_equal(sense_disk_reserve_mib(100 * GIB), 5 * GIB);
    assert_int_equal(sense_disk_reserve_mib(10 * GIB), 1 * GIB);
    assert_int_equal(sense_disk_reserve_mib(4000 * GIB), 10 * GIB);
}

static void a_small_disk_has_a_small_reserve(void **state)
{
    (void)state;
    assert_int_equal(sense_disk_reserve_mib(4 * GIB), GIB / 2);
    assert_int_equal(sense_disk_reserve_mib(256), 32);
    assert_int_equal(sense_disk_reserve_mib(0), 0);
}

static void a_disk_at_the_edge_does_not_flap(void **state)
{
    bool is_short = false;
    (void)state;
    is_short = sense_disk_short(is_short, 1000, 1000);
    assert_false(is_short);
    is_short = sense_disk_short(is_short, 999, 1000);
    assert_true(is_short);
    is_short = sense_disk_short(is_short, 1249, 1000);
    assert_true(is_short);
    is_short = sense_disk_short(is_short, 1250, 1000);
    assert_false(is_short);
    is_short = sense_disk_short(is_short, 1001, 1000);
    assert_false(is_short);
}

static void more_than_there_is_is_never_said(void **state)
{
    uint64_t said = 0;
    (void)state;
    for (uint64_t now = 0; now < 2000; now += 7) {
        said = sense_disk_said(said, now, 64);
        assert_true(said <= now);
        assert_true(now - said < 2 * 64);
    }
    for (uint64_t now = 2000; now > 13; now -= 13) {
        said = sense_disk_said(said, now, 64);
        assert_true(said <= now);
    }
    assert_int_equal(sense_disk_said(64, 63, 64), 0);
}

static void small_moves_are_not_worth_a_word(void **state)
{
    uint64_t said = sense_disk_said(0, 1000, 100);
    (void)state;
    assert_int_equal(said, 1000);
    assert_int_equal(sense_disk_said(said, 1199, 100), 1000);
    assert_int_equal(sense_disk_said(said, 1200, 100), 1200);
    assert_int_equal(sense_disk_said(said, 999, 100), 900);
    assert_int_equal(sense_disk_said(900, 999, 100), 900);
    assert_true(sense_disk_said(900, UINT64_MAX, 1) == UINT64_MAX);
}

static void the_disk_is_read_from_the_file_system(void **state)
{
    struct sensed_disk disk;
    struct sensed all;
    (void)state;
    assert_int_equal(sense_disk("/", &disk), OK);
    assert_true(disk.total_mib > 0 && disk.free_mib <= disk.total_mib);
    assert_int_equal(sense_disk("/there/is/none", &disk), ERR_IO);
    assert_int_equal(sense_read("/", &all), OK);
    assert_int_equal(all.disk_mib, disk.total_mib);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reserve_is_a_twentieth_within_bounds),
        cmocka_unit_test(a_small_disk_has_a_small_reserve),
        cmocka_unit_test(a_disk_at_the_edge_does_not_flap),
        cmocka_unit_test(more_than_there_is_is_never_said),
        cmocka_unit_test(small_moves_are_not_worth_a_word),
        cmocka_unit_test(the_disk_is_read_from_the_file_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
