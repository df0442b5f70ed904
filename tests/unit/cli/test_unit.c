#include "cli/unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void sizes_need_a_unit_and_round_up(void **state)
{
    static const struct {
        const char *text;
        enum err err;
        uint64_t mib;
    } cases[] = {
        {"512M", OK, 512},
        {"512MiB", OK, 512},
        {"512mb", OK, 512},
        {"2G", OK, 2048},
        {"1.5g", OK, 1536},
        {"0.5T", OK, 524288},
        {"1K", OK, 1},
        {"1025K", OK, 2},
        {"1.001G", OK, 1026},
        {"0M", OK, 0},
        {"512", ERR_PARSE, 0},
        {"", ERR_PARSE, 0},
        {"M", ERR_PARSE, 0},
        {"-1M", ERR_PARSE, 0},
        {"1.2345G", ERR_PARSE, 0},
        {"1 G", ERR_PARSE, 0},
        {"1Gx", ERR_PARSE, 0},
        {"1P", ERR_PARSE, 0},
        {".5G", ERR_PARSE, 0},
        {"5.G", ERR_PARSE, 0},
        {"1.2.3G", ERR_PARSE, 0},
        {"99999999999999999999G", ERR_OVERFLOW, 0},
        {"18446744073709551T", ERR_OVERFLOW, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t mib = 77;
        if (unit_parse_mib(cases[i].text, &mib) != cases[i].err)
            fail_msg("%s", cases[i].text);
        assert_int_equal(mib, cases[i].err == OK ? cases[i].mib : 77);
    }
}

static void spans_need_a_unit_and_may_be_joined(void **state)
{
    static const struct {
        const char *text;
        enum err err;
        uint64_t ms;
    } cases[] = {
        {"90s", OK, 90000},
        {"10m", OK, 600000},
        {"2h", OK, 7200000},
        {"1h30m", OK, 5400000},
        {"7d", OK, 604800000},
        {"250ms", OK, 250},
        {"1.5s", OK, 1500},
        {"1m1s1ms", OK, 61001},
        {"90", ERR_PARSE, 0},
        {"", ERR_PARSE, 0},
        {"0s", ERR_RANGE, 0},
        {"s", ERR_PARSE, 0},
        {"1m2h", ERR_PARSE, 0},
        {"1s1s", ERR_PARSE, 0},
        {"1 h", ERR_PARSE, 0},
        {"-1h", ERR_PARSE, 0},
        {"1hour", ERR_PARSE, 0},
        {"1e3s", ERR_PARSE, 0},
        {"999999999999999999d", ERR_OVERFLOW, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t ms = 77;
        if (unit_parse_ms(cases[i].text, &ms) != cases[i].err)
            fail_msg("%s", cases[i].text);
        assert_int_equal(ms, cases[i].err == OK ? cases[i].ms : 77);
    }
}

static void cores_are_read_in_thousandths(void **state)
{
    uint64_t kbit;
    uint32_t milli = 7;
    (void)state;
    assert_int_equal(unit_parse_kbit("0.5K", &kbit), OK);
    assert_true(kbit == 1); /* rounded up */
    assert_int_equal(unit_parse_kbit("100M", &kbit), OK);
    assert_true(kbit == 100000);
    assert_int_equal(unit_parse_kbit("2.5gbit/s", &kbit), OK);
    assert_true(kbit == 2500000);
    assert_int_equal(unit_parse_kbit("0G", &kbit), ERR_RANGE);
    assert_int_equal(unit_parse_kbit("5", &kbit), ERR_PARSE);
    assert_int_equal(unit_parse_kbit("5T", &kbit), ERR_PARSE);
    assert_int_equal(unit_parse_kbit("18446744073709551G", &kbit),
                     ERR_OVERFLOW);
    assert_int_equal(unit_parse_milli("0.5", &milli), OK);
    assert_int_equal(milli, 500);
    assert_int_equal(unit_parse_milli("12", &milli), OK);
    assert_int_equal(milli, 12000);
    assert_int_equal(unit_parse_milli("0.125", &milli), OK);
    assert_int_equal(milli, 125);
    assert_int_equal(unit_parse_milli("0", &milli), ERR_RANGE);
    assert_int_equal(unit_parse_milli("0.0001", &milli), ERR_PARSE);
    assert_int_equal(unit_parse_milli("2x", &milli), ERR_PARSE);
    assert_int_equal(unit_parse_milli("4294968", &milli), ERR_OVERFLOW);
    assert_int_equal(milli, 125);
}

static void counts_keep_to_their_bounds(void **state)
{
    uint64_t n = 7;
    (void)state;
    assert_int_equal(unit_parse_count("3", 1, 3, &n), OK);
    assert_int_equal(n, 3);
    assert_int_equal(unit_parse_count("4", 1, 3, &n), ERR_RANGE);
    assert_int_equal(unit_parse_count("0", 1, 3, &n), ERR_RANGE);
    assert_int_equal(unit_parse_count("1.0", 1, 3, &n), ERR_PARSE);
    assert_int_equal(unit_parse_count("+1", 1, 3, &n), ERR_PARSE);
    assert_int_equal(n, 3);
}

static void what_is_shown_stays_narrow(void **state)
{
    static const uint64_t values[] = {
        0,         1,     999,   1000,    1023,     1024,     9999,
        10240,     59999, 60000, 3599999, 86399999, 86400000, UINT64_C(1) << 40,
        UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char text[UNIT_TEXT_MAX];
        unit_format_mib(values[i], text);
        /* 2^64 MiB is 2^84 bytes: beyond every disk, shown as it comes */
        assert_true(strlen(text) <= (values[i] == UINT64_MAX ? 14u : 9u));
        unit_format_bytes(values[i], text);
        assert_true(strlen(text) <= 9);
        unit_format_span(values[i], text);
        assert_true(strlen(text) <= 9);
        unit_format_age(values[i], text);
        assert_true(strlen(text) <= 6);
        unit_format_us(values[i], text);
        assert_true(strlen(text) <= 8);
        unit_format_rate(values[i], text);
        assert_true(strlen(text) <= 5);
        unit_format_time(values[i], text);
        assert_int_equal(strlen(text), 24);
    }
}

static void shown_values_read_as_people_say_them(void **state)
{
    char text[UNIT_TEXT_MAX];
    (void)state;
    unit_format_mib(1536, text);
    assert_string_equal(text, "1.5 GiB");
    unit_format_bytes(4096, text);
    assert_string_equal(text, "4.0 KiB");
    unit_format_span(200000, text);
    assert_string_equal(text, "3m20s");
    unit_format_span(12400, text);
    assert_string_equal(text, "12.4s");
    unit_format_milli(500, text);
    assert_string_equal(text, "0.5");
    unit_format_milli(2000, text);
    assert_string_equal(text, "2");
    unit_format_us(120, text);
    assert_string_equal(text, "0.12 ms");
    unit_format_us(0, text);
    assert_string_equal(text, "-");
    unit_format_time(UINT64_C(1700000000123), text);
    assert_string_equal(text, "2023-11-14T22:13:20.123Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_need_a_unit_and_round_up),
        cmocka_unit_test(spans_need_a_unit_and_may_be_joined),
        cmocka_unit_test(cores_are_read_in_thousandths),
        cmocka_unit_test(counts_keep_to_their_bounds),
        cmocka_unit_test(what_is_shown_stays_narrow),
        cmocka_unit_test(shown_values_read_as_people_say_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
