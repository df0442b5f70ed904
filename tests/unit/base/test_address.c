#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"
#include "tests/unit/base/vectors.h"

static void vector_prints_and_reads(const struct vector *vector)
{
    char text[ADDRESS_TEXT_MAX];
    const char *prefix = NULL;
    struct pubkey key;
    assert_int_equal(address_parse(vector->name, &prefix, &key), OK);
    assert_true(bytes_equal(BYTES_OF(key.b), vector->bytes));
    assert_true(strncmp(vector->name, prefix, strlen(prefix)) == 0);
    address_format(prefix, &key, text);
    assert_string_equal(text, vector->name);
}

static void golden_addresses_print_and_read(void **state)
{
    (void)state;
    vectors_each("address.hex", vector_prints_and_reads);
}

static void vector_is_refused(const struct vector *vector)
{
    char text[256];
    struct pubkey key = {{9}};
    const char *prefix = "kept";
    memcpy(text, vector->raw, vector->bytes.len);
    text[vector->bytes.len] = 0;
    if (address_parse(text, &prefix, &key) != ERR_ADDRESS)
        fail_msg("%s: %s was not refused", vector->name, text);
    assert_int_equal(key.b[0], 9);
    assert_string_equal(prefix, "kept");
}

static void golden_refusals_are_refused(void **state)
{
    (void)state;
    vectors_each("address_refused.hex", vector_is_refused);
}

static void sample_address(char text[ADDRESS_TEXT_MAX])
{
    struct pubkey key;
    for (unsigned i = 0; i < sizeof(key.b); i++)
        key.b[i] = (uint8_t)(i * 37 + 5);
    address_format(ADDRESS_PREFIX_TEST, &key, text);
}

static void capitals_are_read_but_not_mixed(void **state)
{
    char text[ADDRESS_TEXT_MAX];
    struct pubkey lower;
    struct pubkey upper;
    (void)state;
    sample_address(text);
    assert_int_equal(address_parse(text, NULL, &lower), OK);
    for (char *c = text; *c != 0; c++) {
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    }
    assert_int_equal(address_parse(text, NULL, &upper), OK);
    assert_true(pubkey_equal(&lower, &upper));
    text[0] = 't';
    assert_int_equal(address_parse(text, NULL, &upper), ERR_ADDRESS);
}

/* What the code promises: any change of one or two characters shows. */
static void every_single_change_is_found(void **state)
{
    static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    char text[ADDRESS_TEXT_MAX];
    struct pubkey key;
    (void)state;
    sample_address(text);
    for (size_t i = 6; text[i] != 0; i++) {
        char kept = text[i];
        for (const char *c = charset; *c != 0; c++) {
            text[i] = *c;
            assert_int_equal(address_parse(text, NULL, &key),
                             *c == kept ? OK : ERR_ADDRESS);
        }
        text[i] = kept;
    }
}

static void every_swap_of_neighbours_is_found(void **state)
{
    char text[ADDRESS_TEXT_MAX];
    struct pubkey key;
    (void)state;
    sample_address(text);
    for (size_t i = 6; text[i + 1] != 0; i++) {
        char a = text[i];
        char b = text[i + 1];
        text[i] = b;
        text[i + 1] = a;
        assert_int_equal(address_parse(text, NULL, &key),
                         a == b ? OK : ERR_ADDRESS);
        text[i] = a;
        text[i + 1] = b;
    }
}

/* The known weakness of the first bech32: a `q` before a final `p`. */
static void an_inserted_or_lost_q_before_the_end_is_found(void **state)
{
    char text[ADDRESS_TEXT_MAX + 1];
    char changed[ADDRESS_TEXT_MAX + 1];
    struct pubkey key;
    size_t len;
    (void)state;
    sample_address(text);
    len = strlen(text);
    for (size_t at = 0; at <= len; at++) {
        memcpy(changed, text, at);
        changed[at] = 'q';
        memcpy(changed + at + 1, text + at, len - at + 1);
        assert_int_equal(address_parse(changed, NULL, &key), ERR_ADDRESS);
        if (at == len)
            break;
        memcpy(changed + at, text + at + 1, len - at);
        assert_int_equal(address_parse(changed, NULL, &key), ERR_ADDRESS);
    }
}

static void every_cut_and_a_long_text_are_refused(void **state)
{
    char text[ADDRESS_TEXT_MAX];
    char longer[1000];
    struct pubkey key;
    (void)state;
    sample_address(text);
    for (size_t len = strlen(text); len-- > 0;) {
        text[len] = 0;
        assert_int_equal(address_parse(text, NULL, &key), ERR_ADDRESS);
    }
    memset(longer, 'q', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = 0;
    memcpy(longer, "suan1", 5);
    assert_int_equal(address_parse(longer, NULL, &key), ERR_ADDRESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_addresses_print_and_read),
        cmocka_unit_test(golden_refusals_are_refused),
        cmocka_unit_test(capitals_are_read_but_not_mixed),
        cmocka_unit_test(every_single_change_is_found),
        cmocka_unit_test(every_swap_of_neighbours_is_found),
        cmocka_unit_test(an_inserted_or_lost_q_before_the_end_is_found),
        cmocka_unit_test(every_cut_and_a_long_text_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
