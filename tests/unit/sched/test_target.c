#include "sched/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static uint32_t parsed(const char *text)
{
    uint32_t down = 0;
    assert_int_equal(target_parse(text, &down), OK);
    return down;
}

static void refused(const char *text, enum err err)
{
    uint32_t down = 7;
    assert_int_equal(target_parse(text, &down), err);
    assert_int_equal(down, 7);
}

static void shares_are_read_with_and_without_per_cent(void **state)
{
    (void)state;
    assert_int_equal(parsed("99.9%"), 1000000);
    assert_int_equal(parsed("0.999"), 1000000);
    assert_int_equal(parsed("90%"), 100000000);
    assert_int_equal(parsed("99.9999999%"), 1);
    assert_int_equal(parsed("0.999999999"), 1);
    assert_int_equal(parsed("0.0000001%"), 999999999);
}

static void what_is_no_share_is_refused(void **state)
{
    (void)state;
    refused("", ERR_PARSE);
    refused("%", ERR_PARSE);
    refused("99.%", ERR_PARSE);
    refused(".9", ERR_PARSE);
    refused("9 %", ERR_PARSE);
    refused("99.9x", ERR_PARSE);
    refused("-1%", ERR_PARSE);
    refused("1e-3", ERR_PARSE);
    refused("99.99999999%", ERR_PARSE); /* more digits than are kept */
    refused("0", ERR_RANGE);
    refused("0%", ERR_RANGE);
    refused("1", ERR_RANGE);
    refused("100%", ERR_RANGE);
    refused("99.9", ERR_RANGE); /* without % */
    refused("99999999999999999999", ERR_PARSE);
}

static void what_is_written_is_read_again(void **state)
{
    static const uint32_t some[] = {1,         10,        999999,    1000000,
                                    100000000, 333333333, 500000000, 999999999};
    struct buf text;
    (void)state;
    buf_init(&text, 64);
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        buf_clear(&text);
        target_format(some[i], &text);
        assert_int_equal(parsed(buf_cstr(&text)), some[i]);
    }
    buf_clear(&text);
    target_format(1000000, &text);
    assert_string_equal(buf_cstr(&text), "99.9%");
    buf_clear(&text);
    target_format(50000000, &text);
    assert_string_equal(buf_cstr(&text), "95%");
    buf_done(&text);
}

static void few_digits_promise_no_more(void **state)
{
    static const struct {
        uint32_t down_ppb;
        const char *text;
    } rows[] = {{7575758, "99.242%"}, {76923077, "92.3%"},  {1000000, "99.9%"},
                {1, "99.9999999%"},   {1234567, "99.876%"}, {TARGET_ONE, "0%"},
                {999999999, "0%"},    {333333334, "66.6%"}};
    struct buf text;
    (void)state;
    buf_init(&text, 64);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf_clear(&text);
        target_format_short(rows[i].down_ppb, &text);
        assert_string_equal(buf_cstr(&text), rows[i].text);
    }
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_read_with_and_without_per_cent),
        cmocka_unit_test(what_is_no_share_is_refused),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(few_digits_promise_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
