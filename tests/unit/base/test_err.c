#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

#define X(name, code, text) {name, #name, code, text},
static const struct {
    enum err err;
    const char *name;
    int code;
    const char *text;
} table[] = {ERR_MAP(X)};
#undef X

#define TABLE_LEN (sizeof(table) / sizeof(table[0]))

static void every_error_has_its_text_and_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < TABLE_LEN; i++) {
        assert_string_equal(err_text(table[i].err), table[i].text);
        assert_string_equal(err_name(table[i].err), table[i].name);
    }
}

static void texts_are_sentences_without_full_stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < TABLE_LEN; i++) {
        size_t len = strlen(table[i].text);
        assert_true(len > 0 && len < 72);
        assert_true(table[i].text[len - 1] != '.');
        assert_true(strncmp(table[i].name, "ERR_", 4) == 0);
    }
}

static void no_two_errors_share_a_number_or_a_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < TABLE_LEN; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(table[i].code, table[j].code);
            assert_string_not_equal(table[i].text, table[j].text);
        }
    }
}

/* They stand in receipts: a change here breaks every chain there is. */
static void published_numbers_do_not_move(void **state)
{
    (void)state;
    assert_int_equal(OK, 0);
    assert_int_equal(ERR_NOMEM, 1);
    assert_int_equal(ERR_OVERFLOW, 100);
    assert_int_equal(ERR_PARSE, 117);
    assert_int_equal(ERR_FUNDS, 200);
    assert_int_equal(ERR_STATE, 300);
    assert_int_equal(ERR_NO_APPROVAL, 315);
    assert_int_equal(ERR_PASSPHRASE, 500);
    assert_int_equal(ERR_HANDSHAKE, 600);
}

static void an_unknown_number_has_words_too(void **state)
{
    (void)state;
    assert_string_equal(err_text((enum err)9999), "unknown error");
    assert_string_equal(err_name((enum err)9999), "ERR_?");
    assert_string_equal(err_text((enum err)(-1)), "unknown error");
    assert_string_equal(err_name(OK), "OK");
}

static void faults_are_below_a_hundred(void **state)
{
    (void)state;
    assert_false(err_is_fault(OK));
    assert_true(err_is_fault(ERR_NOMEM));
    assert_true(err_is_fault(ERR_UNSUPPORTED));
    assert_false(err_is_fault(ERR_OVERFLOW));
    assert_false(err_is_fault(ERR_IMAGE));
}

static enum err try_twice(enum err first, int *calls)
{
    (*calls)++;
    TRY(first);
    (*calls)++;
    return OK;
}

static void try_returns_the_first_error_and_goes_on_without(void **state)
{
    int calls = 0;
    (void)state;
    assert_int_equal(try_twice(ERR_IO, &calls), ERR_IO);
    assert_int_equal(calls, 1);
    assert_int_equal(try_twice(OK, &calls), OK);
    assert_int_equal(calls, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_its_text_and_name),
        cmocka_unit_test(texts_are_sentences_without_full_stop),
        cmocka_unit_test(no_two_errors_share_a_number_or_a_text),
        cmocka_unit_test(published_numbers_do_not_move),
        cmocka_unit_test(an_unknown_number_has_words_too),
        cmocka_unit_test(faults_are_below_a_hundred),
        cmocka_unit_test(try_returns_the_first_error_and_goes_on_without),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
