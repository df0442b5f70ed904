#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/label.h"

static const struct label labels[] = {
    {"zone", "eu"}, {"gpu", "none"}, {"zone", "us"}};

static bool holds(enum constraint_op op, const char *key, const char *value)
{
    struct constraint c = {.op = op};
    strcpy(c.key, key);
    strcpy(c.value, value);
    return constraint_holds(&c, labels, 3);
}

static void equal_wants_the_pair(void **state)
{
    (void)state;
    assert_true(holds(CONSTRAINT_EQUAL, "gpu", "none"));
    assert_false(holds(CONSTRAINT_EQUAL, "gpu", "any"));
    assert_false(holds(CONSTRAINT_EQUAL, "cpu", "none"));
}

static void a_key_given_twice_has_both_values(void **state)
{
    (void)state;
    assert_true(holds(CONSTRAINT_EQUAL, "zone", "eu"));
    assert_true(holds(CONSTRAINT_EQUAL, "zone", "us"));
    assert_false(holds(CONSTRAINT_DIFFERS, "zone", "us"));
}

static void differs_is_content_with_an_absent_label(void **state)
{
    (void)state;
    assert_true(holds(CONSTRAINT_DIFFERS, "gpu", "a100"));
    assert_true(holds(CONSTRAINT_DIFFERS, "rack", "7"));
    assert_false(holds(CONSTRAINT_DIFFERS, "gpu", "none"));
}

static void exists_and_absent_look_at_the_key_alone(void **state)
{
    (void)state;
    assert_true(holds(CONSTRAINT_EXISTS, "zone", ""));
    assert_false(holds(CONSTRAINT_EXISTS, "rack", ""));
    assert_true(holds(CONSTRAINT_ABSENT, "rack", ""));
    assert_false(holds(CONSTRAINT_ABSENT, "zone", ""));
}

static void an_unknown_operation_is_never_met(void **state)
{
    (void)state;
    assert_false(holds((enum constraint_op)0, "zone", "eu"));
    assert_false(holds((enum constraint_op)9, "rack", ""));
}

static void the_first_failing_constraint_is_named(void **state)
{
    const struct constraint wanted[] = {{"zone", CONSTRAINT_EXISTS, ""},
                                        {"gpu", CONSTRAINT_EQUAL, "a100"},
                                        {"rack", CONSTRAINT_EXISTS, ""}};
    (void)state;
    assert_int_equal(constraint_first_failing(wanted, 3, labels, 3), 1);
    assert_int_equal(constraint_first_failing(wanted, 1, labels, 3), 1);
    assert_int_equal(constraint_first_failing(wanted, 3, labels, 0), 0);
    assert_int_equal(constraint_first_failing(NULL, 0, labels, 3), 0);
}

static void constraints_print_as_they_are_written(void **state)
{
    const char *texts[] = {"zone=eu", "zone!=eu", "gpu",   "!gpu",
                           "a=",      "a!=",      "k=v w", "x.y/z=1-2"};
    const enum constraint_op ops[] = {CONSTRAINT_EQUAL,  CONSTRAINT_DIFFERS,
                                      CONSTRAINT_EXISTS, CONSTRAINT_ABSENT,
                                      CONSTRAINT_EQUAL,  CONSTRAINT_DIFFERS,
                                      CONSTRAINT_EQUAL,  CONSTRAINT_EQUAL};
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        struct constraint c;
        char out[CONSTRAINT_TEXT_MAX];
        assert_int_equal(constraint_parse(texts[i], &c), OK);
        assert_int_equal(c.op, ops[i]);
        constraint_format(&c, out);
        assert_string_equal(out, texts[i]);
    }
}

static void what_is_not_a_constraint_is_refused(void **state)
{
    const char *texts[] = {"",
                           "!",
                           "=eu",
                           "!=eu",
                           "a=b=c",
                           "a!b",
                           "!a=eu",
                           "a==b",
                           "a=\x01",
                           "a\n",
                           "!!a",
                           "a!!=b",
                           "a=!b",
                           "\x7f=one",
                           "a!="
                           "!"};
    struct constraint c = {.op = CONSTRAINT_ABSENT};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(constraint_parse(texts[i], &c), ERR_PARSE);
    assert_int_equal(c.op, CONSTRAINT_ABSENT);
}

static void longer_than_a_name_is_too_large(void **state)
{
    char text[2 * LIMIT_NAME + 8];
    struct constraint c;
    (void)state;
    memset(text, 'k', sizeof(text));
    text[LIMIT_NAME] = '\0';
    assert_int_equal(constraint_parse(text, &c), ERR_TOO_LARGE);
    text[LIMIT_NAME - 1] = '\0';
    assert_int_equal(constraint_parse(text, &c), OK);
    assert_int_equal(strlen(c.key), LIMIT_NAME - 1);
    text[LIMIT_NAME - 1] = '=';
    text[2 * LIMIT_NAME] = '\0';
    text[LIMIT_NAME] = 'v';
    assert_int_equal(constraint_parse(text, &c), ERR_TOO_LARGE);
    text[2 * LIMIT_NAME - 1] = '\0';
    assert_int_equal(constraint_parse(text, &c), OK);
    assert_int_equal(strlen(c.value), LIMIT_NAME - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_wants_the_pair),
        cmocka_unit_test(a_key_given_twice_has_both_values),
        cmocka_unit_test(differs_is_content_with_an_absent_label),
        cmocka_unit_test(exists_and_absent_look_at_the_key_alone),
        cmocka_unit_test(an_unknown_operation_is_never_met),
        cmocka_unit_test(the_first_failing_constraint_is_named),
        cmocka_unit_test(constraints_print_as_they_are_written),
        cmocka_unit_test(what_is_not_a_constraint_is_refused),
        cmocka_unit_test(longer_than_a_name_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
