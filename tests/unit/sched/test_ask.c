#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/fleet/ask.h"
#include "tests/unit/sched/fleet_sample.h"

static void devices_and_milli_come_together(void **state)
{
    struct ask ask = {.devices = 1, .milli = 1000};
    (void)state;
    assert_int_equal(ask_check(&ask), OK);
    ask.milli = 0;
    assert_int_equal(ask_check(&ask), ERR_RANGE);
    ask.milli = 1001;
    assert_int_equal(ask_check(&ask), ERR_RANGE);
    ask = (struct ask){.milli = 1};
    assert_int_equal(ask_check(&ask), ERR_RANGE);
    ask = (struct ask){.devices = MACHINE_DEVICES_MAX, .milli = 1};
    assert_int_equal(ask_check(&ask), OK);
    ask.devices++;
    assert_int_equal(ask_check(&ask), ERR_RANGE);
    ask = (struct ask){0};
    assert_int_equal(ask_check(&ask), OK);
}

static void kinds_are_by_the_number_of_devices(void **state)
{
    static const enum ask_kind kinds[] = {
        ASK_PLAIN, ASK_ONE,   ASK_TWO,   ASK_FOUR,  ASK_FOUR,
        ASK_EIGHT, ASK_EIGHT, ASK_EIGHT, ASK_EIGHT, ASK_MORE};
    struct ask share = sample_share(1, 999);
    (void)state;
    for (uint16_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct ask ask = sample_whole(1, i);
        assert_int_equal(ask_kind_of(&ask), kinds[i]);
        assert_int_equal(ask_milli(&ask), 1000 * i);
    }
    assert_int_equal(ask_kind_of(&share), ASK_SHARE);
}

static void every_field_counts_in_the_order(void **state)
{
    struct ask base = sample_share(2, 300);
    struct ask others[7];
    (void)state;
    for (size_t i = 0; i < 7; i++)
        others[i] = base;
    others[0].arch = ARCH_AARCH64;
    others[1].models = 2;
    others[2].devices++;
    others[3].milli++;
    others[4].want.cpu_milli++;
    others[5].want.mem_mib++;
    others[6].want.disk_mib++;
    assert_int_equal(ask_compare(&base, &base), 0);
    for (size_t i = 0; i < 7; i++) {
        assert_true(ask_compare(&base, &others[i]) < 0);
        assert_true(ask_compare(&others[i], &base) > 0);
        assert_int_not_equal(ask_hash(&base), ask_hash(&others[i]));
    }
}

static void equal_asks_have_equal_hashes(void **state)
{
    struct ask one;
    struct ask two;
    (void)state;
    memset(&one, 0xff, sizeof(one)); /* padding differs */
    memset(&two, 0, sizeof(two));
    one.want = two.want = sample_amounts(3);
    one.models = two.models = 6;
    one.arch = two.arch = ARCH_ANY;
    one.devices = two.devices = 2;
    one.milli = two.milli = 1000;
    assert_int_equal(ask_compare(&one, &two), 0);
    assert_int_equal(ask_hash(&one), ask_hash(&two));
}

static void an_ask_can_be_read(void **state)
{
    struct ask share = sample_share(4, 470);
    struct ask plain = sample_whole(1, 0);
    struct buf text;
    (void)state;
    buf_init(&text, 256);
    ask_format(&share, &text);
    assert_string_equal(buf_cstr(&text), "4000m 16384 MiB 1x470m");
    buf_clear(&text);
    ask_format(&plain, &text);
    assert_string_equal(buf_cstr(&text), "1000m 4096 MiB");
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_and_milli_come_together),
        cmocka_unit_test(kinds_are_by_the_number_of_devices),
        cmocka_unit_test(every_field_counts_in_the_order),
        cmocka_unit_test(equal_asks_have_equal_hashes),
        cmocka_unit_test(an_ask_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
