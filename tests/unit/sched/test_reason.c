#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/reason.h"

static void numbers_and_codes_are_fixed_for_ever(void **state)
{
    static const struct {
        unsigned number;
        const char *code;
    } golden[] = {
        {0, "ok"},
        {1, "stale"},
        {2, "self"},
        {3, "seller"},
        {4, "excluded"},
        {5, "unreachable"},
        {6, "arch"},
        {7, "label"},
        {8, "cpu-total"},
        {9, "mem-total"},
        {10, "disk-total"},
        {11, "time"},
        {12, "price"},
        {13, "slots"},
        {14, "cpu-free"},
        {15, "mem-free"},
        {16, "disk-free"},
        {17, "rtt-unknown"},
        {18, "grade-unknown"},
        {19, "zone"},
        {20, "taint"},
        {21, "device-model"},
        {22, "device-mem"},
        {23, "device-total"},
        {24, "nic-total"},
        {25, "nic-free"},
        {26, "device-free"},
        {27, "device-split"},
        {28, "spread"},
        {29, "domain"},
        {30, "affinity"},
        {31, "device-kind"},
    };
    (void)state;
    assert_int_equal(sizeof(golden) / sizeof(golden[0]), REASON_COUNT);
    for (size_t i = 0; i < REASON_COUNT; i++)
        assert_string_equal(reason_code((enum reason)golden[i].number),
                            golden[i].code);
}

static void every_reason_says_what_is_wrong_and_what_helps(void **state)
{
    (void)state;
    for (unsigned i = 1; i < REASON_COUNT; i++) {
        enum reason reason = (enum reason)i;
        assert_true(strlen(reason_text(reason)) > 10);
        assert_true(strlen(reason_relax(reason)) > 10);
        assert_int_equal(reason_parse(reason_code(reason)), reason);
    }
    assert_string_equal(reason_text(REASON_NONE), "fits");
    assert_string_equal(reason_relax(REASON_NONE), "");
}

static void an_unknown_number_is_named_and_never_passes_by_itself(void **state)
{
    enum reason foreign = (enum reason)60;
    (void)state;
    assert_string_equal(reason_text(foreign), "unknown reason");
    assert_string_equal(reason_code(foreign), "?");
    assert_int_equal(reason_class_of(foreign), REASON_FIRM);
    assert_int_equal(reason_rank(foreign), REASON_COUNT);
    assert_int_equal(reason_parse("no-such"), REASON_NONE);
}

static void the_first_of_a_set_is_the_first_row(void **state)
{
    uint64_t mask = reason_bit(REASON_PRICE) | reason_bit(REASON_LABEL) |
                    reason_bit(REASON_CPU_FREE);
    (void)state;
    assert_int_equal(reason_first(mask), REASON_LABEL);
    assert_int_equal(reason_first(0), REASON_NONE);
    assert_int_equal(reason_count(mask), 3);
    assert_int_equal(reason_count(0), 0);
    assert_true(reason_rank(REASON_STALE) < reason_rank(REASON_PRICE));
}

static void a_set_passes_by_itself_only_if_all_of_it_does(void **state)
{
    uint64_t later = reason_bit(REASON_CPU_FREE) | reason_bit(REASON_SLOTS);
    (void)state;
    assert_true(reason_all_later(later));
    assert_false(reason_all_later(later | reason_bit(REASON_PRICE)));
    assert_false(reason_all_later(0));
    assert_int_equal(reason_class_of(REASON_RTT_UNKNOWN), REASON_NOTE);
}

static void figures_carry_their_unit(void **state)
{
    static const struct {
        enum reason_unit unit;
        uint64_t value;
        const char *text;
    } rows[] = {
        {UNIT_MILLI, 4000, "4000m"},
        {UNIT_MIB, 512, "512 MiB"},
        {UNIT_MS, 90000, "90 s"},
        {UNIT_MS, 90001, "90001 ms"},
        {UNIT_COUNT, 3, "3"},
        {UNIT_NONE, 3, "3"},
        {UNIT_MICRO, 1500000, "1.50 credits"},
        {UNIT_DEVICE, 1000, "1 device"},
        {UNIT_DEVICE, 4000, "4 devices"},
        {UNIT_DEVICE, 500, "0.5 devices"},
        {UNIT_DEVICE, 1025, "1.025 devices"},
        {UNIT_KBIT, 100000, "100000 kbit/s"},
    };
    struct buf buf;
    (void)state;
    buf_init(&buf, 256);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf_clear(&buf);
        reason_figure_format(rows[i].unit, rows[i].value, &buf);
        assert_string_equal(buf_cstr(&buf), rows[i].text);
    }
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_codes_are_fixed_for_ever),
        cmocka_unit_test(every_reason_says_what_is_wrong_and_what_helps),
        cmocka_unit_test(an_unknown_number_is_named_and_never_passes_by_itself),
        cmocka_unit_test(the_first_of_a_set_is_the_first_row),
        cmocka_unit_test(a_set_passes_by_itself_only_if_all_of_it_does),
        cmocka_unit_test(figures_carry_their_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
