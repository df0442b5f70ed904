#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/taint.h"

static const struct taint taints[] = {{{"gpu", "only"}, TAINT_REFUSE},
                                      {{"lab", ""}, TAINT_REFUSE}};

static uint32_t first_failing(const struct constraint *tolerations,
                              uint32_t count)
{
    return taint_first_failing(taints, 2, tolerations, count);
}

static void a_taint_refuses_who_does_not_tolerate_it(void **state)
{
    const struct constraint both[] = {{"gpu", CONSTRAINT_EQUAL, "only"},
                                      {"lab", CONSTRAINT_EXISTS, ""}};
    (void)state;
    assert_int_equal(first_failing(NULL, 0), 0);
    assert_int_equal(first_failing(both, 1), 1);
    assert_int_equal(first_failing(both, 2), 2);
    assert_int_equal(taint_first_failing(NULL, 0, NULL, 0), 0);
}

static void one_value_of_a_key_is_not_the_other(void **state)
{
    const struct constraint other[] = {{"gpu", CONSTRAINT_EQUAL, "never"}};
    const struct constraint any[] = {{"gpu", CONSTRAINT_EXISTS, ""}};
    (void)state;
    assert_int_equal(first_failing(other, 1), 0);
    assert_int_equal(first_failing(any, 1), 1);
}

/* An operation that a taint meets by being something else tolerates nothing. */
static void only_saying_so_tolerates(void **state)
{
    const struct constraint odd[] = {{"gpu", CONSTRAINT_DIFFERS, "x"},
                                     {"gpu", CONSTRAINT_ABSENT, ""}};
    struct taint unknown = {{"gpu", "only"}, (enum taint_effect)2};
    const struct constraint any[] = {{"gpu", CONSTRAINT_EXISTS, ""}};
    (void)state;
    assert_int_equal(first_failing(odd, 2), 0);
    assert_int_equal(taint_first_failing(&unknown, 1, any, 1), 0);
}

static void taints_read_as_they_print(void **state)
{
    static const char *const texts[][2] = {
        {"gpu=only:refuse", "gpu=only:refuse"},
        {"gpu=only", "gpu=only:refuse"},
        {"lab:refuse", "lab:refuse"},
        {"lab", "lab:refuse"}};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct taint taint;
        char text[TAINT_TEXT_MAX];
        assert_int_equal(taint_parse(texts[i][0], &taint), OK);
        taint_format(&taint, text);
        assert_string_equal(text, texts[i][1]);
    }
}

static void what_is_no_taint_is_refused(void **state)
{
    static const char *const bad[] = {"",      "=x",         "a!=b",   "!a",
                                      "a=b=c", "a=b:prefer", ":refuse"};
    char text[400];
    struct taint taint = {{"kept", ""}, TAINT_REFUSE};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(taint_parse(bad[i], &taint), ERR_PARSE);
    memset(text, 'a', sizeof(text));
    text[100] = '\0';
    assert_int_equal(taint_parse(text, &taint), ERR_TOO_LARGE);
    text[100] = 'a';
    text[399] = '\0';
    assert_int_equal(taint_parse(text, &taint), ERR_TOO_LARGE);
    assert_string_equal(taint.label.key, "kept");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_taint_refuses_who_does_not_tolerate_it),
        cmocka_unit_test(one_value_of_a_key_is_not_the_other),
        cmocka_unit_test(only_saying_so_tolerates),
        cmocka_unit_test(taints_read_as_they_print),
        cmocka_unit_test(what_is_no_taint_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
