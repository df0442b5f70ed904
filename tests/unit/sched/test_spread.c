#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/spread.h"

static void texts_add_up_to_one_spread(void **state)
{
    struct spread spread = {0};
    struct buf text;
    (void)state;
    assert_int_equal(spread_parse("provider:2", &spread), OK);
    assert_int_equal(spread_parse("zone", &spread), OK);
    assert_int_equal(spread.per_provider, 2);
    assert_int_equal(spread.per_value, 1);
    assert_string_equal(spread.key, "zone");
    assert_int_equal(spread_form(&spread), OK);
    buf_init(&text, 256);
    spread_format(&spread, &text);
    assert_string_equal(buf_cstr(&text), "provider:2, zone:1");
    buf_done(&text);
}

static void a_second_of_its_sort_is_refused(void **state)
{
    struct spread spread = {.per_provider = 1, .per_value = 1, .key = "rack"};
    (void)state;
    assert_int_equal(spread_parse("provider", &spread), ERR_EXISTS);
    assert_int_equal(spread_parse("zone:2", &spread), ERR_EXISTS);
    assert_string_equal(spread.key, "rack");
}

static void what_is_no_spread_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum err err;
    } bad[] = {{"", ERR_PARSE},          {"zone:", ERR_PARSE},
               {"zone:x", ERR_PARSE},    {"zone=eu", ERR_PARSE},
               {"!zone", ERR_PARSE},     {"zone:0", ERR_RANGE},
               {"zone:1025", ERR_RANGE}, {"provider:123456", ERR_PARSE}};
    struct spread spread = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(spread_parse(bad[i].text, &spread), bad[i].err);
    assert_true(spread.per_provider == 0 && spread.per_value == 0);
}

static void malformed_spreads_are_refused(void **state)
{
    struct spread key_alone = {.key = "zone"};
    struct spread count_alone = {.per_value = 1};
    struct spread many = {.per_provider = LIMIT_TASKS + 1};
    struct spread reserved = {.per_value = 1, .key = "provider"};
    (void)state;
    assert_int_equal(spread_form(&key_alone), ERR_RANGE);
    assert_int_equal(spread_form(&count_alone), ERR_RANGE);
    assert_int_equal(spread_form(&many), ERR_RANGE);
    assert_int_equal(spread_form(&reserved), ERR_RANGE);
}

static void the_first_value_of_the_label_counts(void **state)
{
    const struct label labels[] = {{"rack", "1"}, {"zone", "a"}, {"zone", "b"}};
    struct spread spread = {.per_value = 1, .key = "zone"};
    (void)state;
    assert_string_equal(spread_value(&spread, labels, 3), "a");
    assert_null(spread_value(&spread, labels, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_add_up_to_one_spread),
        cmocka_unit_test(a_second_of_its_sort_is_refused),
        cmocka_unit_test(what_is_no_spread_is_refused),
        cmocka_unit_test(malformed_spreads_are_refused),
        cmocka_unit_test(the_first_value_of_the_label_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
