#include "cli/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void edits_are_counted_one_each(void **state)
{
    (void)state;
    assert_int_equal(nearest_distance("wallet", "wallet"), 0);
    assert_int_equal(nearest_distance("walet", "wallet"), 1);
    assert_int_equal(nearest_distance("wallett", "wallet"), 1);
    assert_int_equal(nearest_distance("wellet", "wallet"), 1);
    assert_int_equal(nearest_distance("walelt", "wallet"), 1);
    assert_int_equal(nearest_distance("", "abc"), 3);
    assert_int_equal(nearest_distance("abc", ""), 3);
    assert_int_equal(nearest_distance("kitten", "sitting"), 3);
}

static void it_is_the_same_from_both_sides(void **state)
{
    static const char *const words[] = {"run",    "rnu",    "offers", "ofers",
                                        "devnet", "evdnet", ""};
    (void)state;
    for (size_t i = 0; i < 7; i++) {
        for (size_t j = 0; j < 7; j++)
            assert_int_equal(nearest_distance(words[i], words[j]),
                             nearest_distance(words[j], words[i]));
    }
}

static void a_word_of_any_length_is_safe(void **state)
{
    char longer[200];
    (void)state;
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(nearest_distance(longer, "run"), UINT32_MAX);
    assert_int_equal(nearest_distance("run", longer), UINT32_MAX);
}

static const char *best_of(const char *wanted)
{
    struct nearest nearest;
    nearest_init(&nearest, wanted);
    nearest_try(&nearest, "run");
    nearest_try(&nearest, "submit");
    nearest_try(&nearest, "wallet");
    nearest_try(&nearest, "version");
    return nearest.best;
}

static void only_a_likely_word_is_suggested(void **state)
{
    (void)state;
    assert_string_equal(best_of("rnu"), "run");
    assert_string_equal(best_of("walet"), "wallet");
    assert_string_equal(best_of("vers"), "version");
    assert_null(best_of("xyz"));
    assert_null(best_of("frobnicate"));
    assert_null(best_of(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_are_counted_one_each),
        cmocka_unit_test(it_is_the_same_from_both_sides),
        cmocka_unit_test(a_word_of_any_length_is_safe),
        cmocka_unit_test(only_a_likely_word_is_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
