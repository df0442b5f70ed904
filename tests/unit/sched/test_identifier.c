#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "sched/meter/identifier.h"

static struct identifier sample(void)
{
    static const char *const values[IDENTIFIER_FIELDS] = {
        "beijing",
        "telecom",
        "acme",
        "gpu",
        "dc-2",
        "batch",
        "90000000000",
        "102400",
        "1000000",
        "epyc-9005",
        "000102030405060708090a0b0c0d0e0f"};
    struct identifier id;
    memset(&id, 0, sizeof(id));
    for (unsigned i = 0; i < IDENTIFIER_FIELDS; i++)
        assert_int_equal(identifier_field_set(&id, i, values[i]), OK);
    return id;
}

static enum err parse(const char *text, struct identifier *out)
{
    struct arena arena;
    enum err err;
    arena_init(&arena, 64u * 1024);
    err = identifier_parse(text, &arena, out);
    arena_done(&arena);
    return err;
}

static void what_is_written_is_read_again(void **state)
{
    struct identifier id = sample();
    struct identifier back;
    char text[IDENTIFIER_TEXT_MAX];
    (void)state;
    assert_int_equal(identifier_format(&id, text), OK);
    assert_memory_equal(text, "suanid1", 7);
    assert_int_equal(parse(text, &back), OK);
    assert_memory_equal(&back, &id, sizeof(id));
    for (char *c = text; *c != '\0'; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    assert_int_equal(parse(text, &back), OK); /* as it is called out */
    text[0] = 's';
    assert_int_equal(parse(text, &back), ERR_PARSE); /* both cases */
}

/* The longest there can be: the guarantee must hold there as well. */
static struct identifier longest(void)
{
    struct identifier id;
    memset(&id, 0, sizeof(id));
    for (unsigned i = 0; i < IDENTIFIER_FIELDS; i++) {
        const char *value = "18446744073709551615";
        if (i < 6 || i == 9)
            value = "abcdefghijklmnopqrstuvw";
        else if (i == 10)
            value = "ffffffffffffffffffffffffffffffff";
        assert_int_equal(identifier_field_set(&id, i, value), OK);
    }
    return id;
}

static void one_wrong_letter_is_always_noticed(void **state)
{
    static const char letters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l1bio-. Q";
    const struct identifier ids[] = {sample(), longest()};
    struct identifier back;
    char text[IDENTIFIER_TEXT_MAX];
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        assert_int_equal(identifier_format(&ids[k], text), OK);
        for (size_t i = 0; text[i] != '\0'; i++) {
            char was = text[i];
            for (const char *l = letters; *l != '\0'; l++) {
                text[i] = *l;
                if (*l != was)
                    assert_int_not_equal(parse(text, &back), OK);
            }
            text[i] = was;
        }
    }
}

static void two_neighbours_that_changed_places_are_always_noticed(void **state)
{
    const struct identifier ids[] = {sample(), longest()};
    struct identifier back;
    char text[IDENTIFIER_TEXT_MAX];
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        assert_int_equal(identifier_format(&ids[k], text), OK);
        for (size_t i = 0; text[i + 1] != '\0'; i++) {
            char was = text[i];
            if (was == text[i + 1])
                continue;
            text[i] = text[i + 1];
            text[i + 1] = was;
            assert_int_not_equal(parse(text, &back), OK);
            text[i + 1] = text[i];
            text[i] = was;
        }
    }
}

static void a_letter_lost_or_doubled_is_noticed(void **state)
{
    struct identifier id = sample();
    struct identifier back;
    char text[IDENTIFIER_TEXT_MAX];
    char other[IDENTIFIER_TEXT_MAX + 1];
    (void)state;
    assert_int_equal(identifier_format(&id, text), OK);
    for (size_t i = 0; text[i] != '\0'; i++) {
        memcpy(other, text, i);
        strcpy(other + i, text + i + 1);
        assert_int_not_equal(parse(other, &back), OK);
        memcpy(other, text, i + 1);
        strcpy(other + i + 1, text + i);
        assert_int_not_equal(parse(other, &back), OK);
    }
}

static void fields_are_read_strictly(void **state)
{
    struct identifier id = sample();
    struct identifier before = id;
    unsigned field = 99;
    (void)state;
    assert_int_equal(identifier_field_set(&id, 0, ""), ERR_PARSE);
    assert_int_equal(identifier_field_set(&id, 0, "Beijing"), ERR_PARSE);
    assert_int_equal(identifier_field_set(&id, 0, "a/b"), ERR_PARSE);
    assert_int_equal(identifier_field_set(&id, 0, "abcdefghijklmnopqrstuvwx"),
                     ERR_TOO_LARGE);
    assert_int_equal(identifier_field_set(&id, 6, "1e9"), ERR_PARSE);
    assert_int_equal(identifier_field_set(&id, 6, "007"), ERR_PARSE);
    assert_int_equal(identifier_field_set(&id, 6, "18446744073709551616"),
                     ERR_TOO_LARGE);
    assert_int_equal(identifier_field_set(&id, 10, "0102"), ERR_PARSE);
    assert_memory_equal(&id, &before, sizeof(id));
    memset(id.service, 0, sizeof(id.service));
    assert_int_equal(identifier_form(&id, &field), ERR_RANGE);
    assert_int_equal(field, 5);
    assert_string_equal(identifier_field_name(field), "service");
}

static void the_code_depends_on_every_field(void **state)
{
    struct identifier id = sample();
    char code[IDENTIFIER_CODE_MAX];
    char other[IDENTIFIER_CODE_MAX];
    (void)state;
    identifier_code(&id, code);
    assert_int_equal(strlen(code), 32);
    for (unsigned i = 0; i < IDENTIFIER_FIELDS; i++) {
        struct identifier changed = id;
        const char *value = i == 10  ? "ffffffffffffffffffffffffffffffff"
                            : i >= 6 ? "7"
                                     : "x";
        assert_int_equal(identifier_field_set(&changed, i, value), OK);
        identifier_code(&changed, other);
        assert_string_not_equal(code, other);
    }
}

static void the_chips_number_is_salted(void **state)
{
    uint8_t a[HASH16_LEN];
    uint8_t b[HASH16_LEN];
    (void)state;
    identifier_number("salt", "sn-1", a);
    identifier_number("salt", "sn-1", b);
    assert_memory_equal(a, b, sizeof(a));
    identifier_number("salt2", "sn-1", b);
    assert_memory_not_equal(a, b, sizeof(a));
    identifier_number("salts", "n-1", b); /* the border counts */
    assert_memory_not_equal(a, b, sizeof(a));
}

static void resources_are_found_by_the_beginning_of_their_path(void **state)
{
    struct identifier id = sample();
    char path[IDENTIFIER_PATH_MAX];
    (void)state;
    identifier_path(&id, path);
    assert_string_equal(path, "beijing/telecom/acme/gpu/dc-2/batch/90000000000/"
                              "102400/1000000/epyc-9005/"
                              "000102030405060708090a0b0c0d0e0f");
    assert_true(identifier_has_prefix(&id, ""));
    assert_true(identifier_has_prefix(&id, "beijing/tele"));
    assert_true(identifier_has_prefix(&id, "beijing/telecom/acme/gpu/"));
    assert_false(identifier_has_prefix(&id, "telecom"));
    assert_false(identifier_has_prefix(&id, "beijing/finance"));
    id = longest();
    identifier_path(&id, path); /* fits */
    assert_true(identifier_has_prefix(&id, path));
}

/* Once out, an identifier never changes its spelling. These were made by a
 * program that shares no code with this one. */
static void the_spelling_is_fixed(void **state)
{
    struct identifier id = sample();
    char text[IDENTIFIER_TEXT_MAX];
    char code[IDENTIFIER_CODE_MAX];
    (void)state;
    assert_int_equal(identifier_format(&id, text), OK);
    identifier_code(&id, code);
    assert_string_equal(
        text, "suanid1n5qsrfmzv45k56twv7nhgetvv43k7mdyv93k6edrvac8tfryvvkn9"
              "ftzv96xx6x0qqqqq985dvzqpnsqqxgqpnsqpapyp2t9wpukxtfexqcrt3qsq"
              "qqsyqcyq5rqwzqfpg9scrgwputk3zvt");
    assert_string_equal(code, "f7fd9a20fa0aeab90218502573be5e58");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(one_wrong_letter_is_always_noticed),
        cmocka_unit_test(two_neighbours_that_changed_places_are_always_noticed),
        cmocka_unit_test(a_letter_lost_or_doubled_is_noticed),
        cmocka_unit_test(fields_are_read_strictly),
        cmocka_unit_test(the_code_depends_on_every_field),
        cmocka_unit_test(the_chips_number_is_salted),
        cmocka_unit_test(resources_are_found_by_the_beginning_of_their_path),
        cmocka_unit_test(the_spelling_is_fixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
