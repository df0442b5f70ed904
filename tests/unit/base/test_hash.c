#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "tests/unit/base/vectors.h"

/* Splits "tag:text"; returns the text. */
static const char *tag_split(const struct vector *vector, char tag[32])
{
    const char *colon = strchr(vector->name, ':');
    assert_non_null(colon);
    snprintf(tag, 32, "%.*s", (int)(colon - vector->name), vector->name);
    return colon + 1;
}

static void vector_hashes(const struct vector *vector)
{
    char tag[32];
    const char *text = tag_split(vector, tag);
    struct hash got;
    hash_bytes(tag, bytes_str(text), &got);
    assert_true(bytes_equal(hash_as_bytes(&got), vector->bytes));
}

static void golden_hashes_with_tags(void **state)
{
    (void)state;
    vectors_each("hash.hex", vector_hashes);
}

static void vector_hashes_keyed(const struct vector *vector)
{
    char tag[32];
    const char *text = tag_split(vector, tag);
    struct hash key;
    struct hash got;
    struct hasher hasher;
    for (unsigned i = 0; i < HASH_LEN; i++)
        key.b[i] = (uint8_t)i;
    hasher_init_keyed(&hasher, tag, &key);
    hasher_add(&hasher, bytes_str(text));
    hasher_finish(&hasher, &got);
    assert_true(bytes_equal(hash_as_bytes(&got), vector->bytes));
}

static void golden_keyed_hashes(void **state)
{
    (void)state;
    vectors_each("hash_keyed.hex", vector_hashes_keyed);
}

static void pieces_hash_as_the_whole(void **state)
{
    uint8_t data[300];
    struct hash whole;
    (void)state;
    for (unsigned i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    hash_bytes(HASH_TAG_TX, BYTES_OF(data), &whole);
    for (size_t cut = 0; cut <= sizeof(data); cut++) {
        struct hasher hasher;
        struct hash got;
        hasher_init(&hasher, HASH_TAG_TX);
        hasher_add(&hasher, bytes_make(data, cut));
        hasher_add(&hasher, bytes_make(data + cut, sizeof(data) - cut));
        hasher_finish(&hasher, &got);
        assert_true(hash_equal(&whole, &got));
    }
}

static void numbers_are_hashed_little_endian(void **state)
{
    struct hasher hasher;
    struct hash number;
    struct hash raw;
    (void)state;
    hasher_init(&hasher, HASH_TAG_MMR);
    hasher_add_u64(&hasher, 0x0102030405060708);
    hasher_finish(&hasher, &number);
    hash_bytes(HASH_TAG_MMR, BYTES_LIT("\10\7\6\5\4\3\2\1"), &raw);
    assert_true(hash_equal(&number, &raw));
}

static void another_tag_or_key_is_another_hash(void **state)
{
    struct hasher hasher;
    struct hash tx;
    struct hash offer;
    struct hash keyed;
    struct hash zero_key = {{0}};
    (void)state;
    hash_bytes(HASH_TAG_TX, BYTES_LIT("same"), &tx);
    hash_bytes(HASH_TAG_OFFER, BYTES_LIT("same"), &offer);
    hasher_init_keyed(&hasher, HASH_TAG_TX, &zero_key);
    hasher_add(&hasher, BYTES_LIT("same"));
    hasher_finish(&hasher, &keyed);
    assert_false(hash_equal(&tx, &offer));
    assert_false(hash_equal(&tx, &keyed));
}

static void hashes_have_an_order_and_a_zero(void **state)
{
    struct hash zero = {{0}};
    struct hash one = {{0}};
    (void)state;
    one.b[HASH_LEN - 1] = 1;
    assert_true(hash_is_zero(&zero));
    assert_false(hash_is_zero(&one));
    assert_true(hash_compare(&zero, &one) < 0);
    assert_true(hash_compare(&one, &zero) > 0);
    assert_int_equal(hash_compare(&one, &one), 0);
}

static void hashes_print_and_read(void **state)
{
    struct hash hash;
    struct hash back = {{0}};
    char text[HASH_TEXT_MAX];
    (void)state;
    hash_bytes(HASH_TAG_TX, BYTES_LIT("x"), &hash);
    hash_format(&hash, text);
    assert_int_equal(strlen(text), 64);
    assert_int_equal(hash_parse(text, &back), OK);
    assert_true(hash_equal(&hash, &back));
    text[63] = 0;
    back = (struct hash){{0}};
    assert_int_equal(hash_parse(text, &back), ERR_PARSE);
    assert_true(hash_is_zero(&back));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_hashes_with_tags),
        cmocka_unit_test(golden_keyed_hashes),
        cmocka_unit_test(pieces_hash_as_the_whole),
        cmocka_unit_test(numbers_are_hashed_little_endian),
        cmocka_unit_test(another_tag_or_key_is_another_hash),
        cmocka_unit_test(hashes_have_an_order_and_a_zero),
        cmocka_unit_test(hashes_print_and_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
