#include "cli/share.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static double down;

static enum err parse(const char *text)
{
    down = 77;
    return share_parse(text, &down);
}

static void assert_down(const char *text, double expected)
{
    assert_int_equal(parse(text), OK);
    assert_true(fabs(down - expected) <= 1e-15 * expected);
}

static void both_spellings_are_read(void **state)
{
    (void)state;
    assert_down("99.9%", 0.001);
    assert_down("99.9 %", 0.001);
    assert_down("0.999", 0.001);
    assert_down("100%", 0);
    assert_down("1", 0);
    assert_down("1.0", 0);
    assert_down("1%", 0.99);
    assert_down("50%", 0.5);
}

/* 1 - 0.999999999999 in doubles is wrong in the fourth digit. */
static void digits_near_one_are_kept(void **state)
{
    (void)state;
    assert_down("99.9999999999%", 1e-12);
    assert_down("0.999999999999", 1e-12);
    assert_down("0.999999999999999999", 1e-18);
    assert_down("99.9999999999999999%", 1e-18);
}

static void what_is_no_share_is_refused(void **state)
{
    static const char *const no_number[] = {
        "",     "%",     ".5",    "5.",   "-1",     "+1",
        "1e-3", "99,9%", "99.9x", "0x1p", "99.9%%", "0.9999999999999999999",
        " 1",   "nan",   "inf",   "99 "};
    static const char *const out_of_range[] = {
        "0",       "0%",     "0.0",
        "99.9",    "1.1",    "101%",
        "100.01%", "9999%",  "0.000000000000000001",
        "999",     "999.9%", "18446744073709551617"};
    (void)state;
    for (size_t i = 0; i < sizeof(no_number) / sizeof(no_number[0]); i++) {
        assert_int_equal(parse(no_number[i]), ERR_PARSE);
        assert_true(down == 77);
    }
    for (size_t i = 0; i < sizeof(out_of_range) / sizeof(out_of_range[0]);
         i++) {
        assert_int_equal(parse(out_of_range[i]), ERR_RANGE);
        assert_true(down == 77);
    }
}

static void assert_text(double value, const char *expected)
{
    char text[SHARE_TEXT_MAX];
    share_format(value, text);
    assert_string_equal(text, expected);
}

static void shares_are_written_with_the_digits_that_tell(void **state)
{
    char text[SHARE_TEXT_MAX];
    (void)state;
    assert_text(0.15491634, "84.50837 %");
    assert_text(8.28e-5, "99.99172 %");
    assert_text(2.4e-8, "99.99999760 %");
    assert_text(0, "100 %");
    assert_text(1, "0.00000 %");
    assert_text(1e-13, "99.9999999999900 %");
    assert_text(1.23e-17, "100 % - 1.23e-15 %");
    share_format_short(0.0001, text);
    assert_string_equal(text, "99.99 %");
    share_format_short(0, text);
    assert_string_equal(text, "100 %");
    share_format_short(0.5, text);
    assert_string_equal(text, "50 %");
    share_format_short(1e-5, text);
    assert_string_equal(text, "99.999 %");
}

static void a_year_is_said_as_time(void **state)
{
    char text[UNIT_TEXT_MAX];
    (void)state;
    share_format_year(0, text);
    assert_string_equal(text, "none");
    share_format_year(1e-10, text);
    assert_string_equal(text, "3ms");
    share_format_year(1e-15, text);
    assert_string_equal(text, "under 1ms");
    share_format_year(0.001, text);
    assert_string_equal(text, "8h45m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_spellings_are_read),
        cmocka_unit_test(digits_near_one_are_kept),
        cmocka_unit_test(what_is_no_share_is_refused),
        cmocka_unit_test(shares_are_written_with_the_digits_that_tell),
        cmocka_unit_test(a_year_is_said_as_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
