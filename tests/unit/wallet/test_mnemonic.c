#include "support.h"

#include <sodium.h>

#include "wallet/mnemonic.h"

#define ART                                                                    \
    "abandon abandon abandon abandon abandon abandon abandon abandon "         \
    "abandon abandon abandon abandon abandon abandon abandon abandon "         \
    "abandon abandon abandon abandon abandon abandon abandon art"

/* The same, with something else as its seventh word. */
static struct bytes art_with_seventh(const char *word, char *out, size_t size)
{
    size_t at = 6 * 8, len = strlen("abandon");
    snprintf(out, size, "%.*s%s%s", (int)at, ART, word, ART + at + len);
    return bytes_str(out);
}

static void the_word_list_is_the_published_one(void **state)
{
    /* sha256sum english.txt */
    static const char expected[] =
        "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda";
    crypto_hash_sha256_state hash;
    uint8_t digest[32];
    char hex[65];
    (void)state;
    crypto_hash_sha256_init(&hash);
    for (unsigned i = 0; i < 2048; i++) {
        const char *word = mnemonic_word(i);
        crypto_hash_sha256_update(&hash, (const uint8_t *)word, strlen(word));
        crypto_hash_sha256_update(&hash, (const uint8_t *)"\n", 1);
    }
    crypto_hash_sha256_final(&hash, digest);
    hex_encode(BYTES_OF(digest), hex);
    assert_string_equal(hex, expected);
}

/* One line of tests/vectors/bip39.txt. */
static void check_vector(char *line)
{
    uint8_t entropy[32], decoded[32], seed[64];
    const char *entropy_hex = field_next(&line), *words = field_next(&line);
    const char *passphrase = field_next(&line), *seed_hex = field_next(&line);
    struct mnemonic_issue issue;
    struct secret text, found;
    assert_ok(hex_decode(entropy_hex, entropy, 32));
    assert_ok(hex_decode(seed_hex, seed, 64));
    assert_ok(secret_init(&text, MNEMONIC_TEXT_MAX));
    assert_ok(secret_init(&found, MNEMONIC_SEED_LEN));
    mnemonic_encode(entropy, &text);
    assert_true(bytes_equal(secret_bytes(&text), bytes_str(words)));
    assert_ok(mnemonic_decode(bytes_str(words), decoded, &issue));
    assert_int_equal(issue.fault, MNEMONIC_FINE);
    assert_memory_equal(decoded, entropy, 32);
    assert_ok(mnemonic_seed(entropy, bytes_str(passphrase), &found));
    assert_true(bytes_equal(secret_bytes(&found), BYTES_OF(seed)));
    secret_done(&found);
    secret_done(&text);
}

static void the_published_vectors_hold(void **state)
{
    FILE *file = fopen(VECTORS "bip39.txt", "r");
    char line[1024];
    int count = 0;
    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (line[0] == '#')
            continue;
        check_vector(line);
        count++;
    }
    fclose(file);
    assert_int_equal(count, 12);
}

static void any_entropy_comes_back_from_its_words(void **state)
{
    uint8_t entropy[32], decoded[32];
    struct secret text;
    (void)state;
    assert_ok(secret_init(&text, MNEMONIC_TEXT_MAX));
    for (int i = 0; i < 500; i++) {
        randombytes_buf(entropy, sizeof(entropy));
        mnemonic_encode(entropy, &text);
        assert_ok(mnemonic_decode(secret_bytes(&text), decoded, NULL));
        assert_memory_equal(decoded, entropy, 32);
    }
    secret_done(&text);
}

static void spaces_lines_and_capitals_do_not_matter(void **state)
{
    char text[1024];
    size_t len = 0;
    uint8_t entropy[32] = {7}, zero[32] = {0};
    (void)state;
    len += (size_t)sprintf(text + len, " \t\r\n");
    for (int i = 0; i < 23; i++)
        len += (size_t)sprintf(text + len, i % 2 ? "Abandon\n" : "ABANDON  ");
    len += (size_t)sprintf(text + len, "aRt \r\n");
    assert_ok(mnemonic_decode(bytes_make(text, len), entropy, NULL));
    assert_memory_equal(entropy, zero, 32);
}

static void a_wrong_number_of_words_is_counted(void **state)
{
    static const struct {
        const char *text;
        unsigned count;
    } table[] = {
        {"", 0},          {" \n ", 0},         {"abandon", 1},
        {ART " zoo", 25}, {"no such word", 3},
    };
    struct mnemonic_issue issue;
    uint8_t entropy[32] = {9};
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_err(mnemonic_decode(bytes_str(table[i].text), entropy, &issue),
                   ERR_MNEMONIC);
        assert_int_equal(issue.fault, MNEMONIC_COUNT);
        assert_int_equal(issue.word_count, table[i].count);
    }
    assert_int_equal(entropy[0], 9); /* untouched on refusal */
}

static void an_unknown_word_is_placed_and_the_nearest_suggested(void **state)
{
    static const struct {
        const char *typed, *suggestion;
    } table[] = {
        {"abandn", "abandon"},   {"abadnon", "abandon"},
        {"Abandonn", "abandon"}, {"zooo", "zoo"},
        {"letetr", "letter"},    {"abst", "abstract"},
        {"qqqqqqqqqqqqqqq", ""}, {"xyzzyx", ""},
        {"caf\xc3\xa9", "cafe"}, {"x", ""},
        {"abandon,", "abandon"},
    };
    struct mnemonic_issue issue;
    uint8_t entropy[32];
    char text[512];
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct bytes words =
            art_with_seventh(table[i].typed, text, sizeof(text));
        assert_err(mnemonic_decode(words, entropy, &issue), ERR_MNEMONIC);
        assert_int_equal(issue.fault, MNEMONIC_UNKNOWN);
        assert_int_equal(issue.position, 7);
        if (strcmp(table[i].typed, "caf\xc3\xa9") != 0)
            assert_string_equal(issue.suggestion, table[i].suggestion);
    }
}

static void a_word_with_a_zero_byte_or_a_long_tail_is_unknown(void **state)
{
    struct mnemonic_issue issue;
    char text[512];
    struct bytes words = art_with_seventh("abandon?", text, sizeof(text));
    uint8_t entropy[32];
    (void)state;
    text[6 * 8 + 7] = 0;
    words.len = strlen(ART) + 1;
    assert_err(mnemonic_decode(words, entropy, &issue), ERR_MNEMONIC);
    assert_int_equal(issue.fault, MNEMONIC_UNKNOWN);
    words = art_with_seventh("abandonabandonabandonabandonabandonabandon", text,
                             sizeof(text));
    assert_err(mnemonic_decode(words, entropy, &issue), ERR_MNEMONIC);
    assert_int_equal(issue.position, 7);
}

static void another_word_of_the_list_breaks_the_checksum(void **state)
{
    struct mnemonic_issue issue;
    uint8_t entropy[32];
    char text[512];
    int refused = 0;
    (void)state;
    for (unsigned i = 1; i < 2048; i++) {
        struct bytes words =
            art_with_seventh(mnemonic_word(i), text, sizeof(text));
        if (mnemonic_decode(words, entropy, &issue) == OK)
            continue;
        assert_int_equal(issue.fault, MNEMONIC_CHECKSUM);
        refused++;
    }
    /* Eight bits of checksum: about one in 256 passes. */
    assert_in_range(refused, 2020, 2047);
}

static void two_swapped_words_break_the_checksum(void **state)
{
    struct mnemonic_issue issue;
    uint8_t entropy[32];
    static const char swapped[] =
        "all hour make first leader extend hole alien behind guard gospel lava "
        "path output census museum junior mass reopen famous sing advance "
        "reform salt";
    (void)state;
    assert_err(mnemonic_decode(BYTES_LIT(swapped), entropy, &issue),
               ERR_MNEMONIC);
    assert_int_equal(issue.fault, MNEMONIC_CHECKSUM);
}

static void a_text_without_end_is_refused_by_its_length(void **state)
{
    static char text[MNEMONIC_INPUT_MAX + 1];
    struct mnemonic_issue issue;
    uint8_t entropy[32];
    (void)state;
    memset(text, ' ', sizeof(text));
    memcpy(text, ART, strlen(ART));
    assert_ok(
        mnemonic_decode(bytes_make(text, MNEMONIC_INPUT_MAX), entropy, &issue));
    assert_err(mnemonic_decode(bytes_make(text, MNEMONIC_INPUT_MAX + 1),
                               entropy, &issue),
               ERR_TOO_LARGE);
}

static void an_extra_passphrase_is_plain_ascii_and_bounded(void **state)
{
    static char longest[MNEMONIC_PASSPHRASE_MAX + 1];
    const uint8_t entropy[32] = {0};
    struct secret seed;
    (void)state;
    memset(longest, 'x', sizeof(longest));
    assert_ok(secret_init(&seed, MNEMONIC_SEED_LEN));
    assert_err(mnemonic_seed(entropy, BYTES_LIT("caf\xc3\xa9"), &seed),
               ERR_RANGE);
    assert_err(mnemonic_seed(entropy, BYTES_LIT("a\tb"), &seed), ERR_RANGE);
    assert_err(mnemonic_seed(entropy, BYTES_LIT("a\x7f"), &seed), ERR_RANGE);
    assert_err(mnemonic_seed(entropy, BYTES_OF(longest), &seed), ERR_TOO_LARGE);
    assert_int_equal(seed.len, 0);
    assert_ok(mnemonic_seed(
        entropy, bytes_make(longest, MNEMONIC_PASSPHRASE_MAX), &seed));
    assert_int_equal(seed.len, MNEMONIC_SEED_LEN);
    secret_done(&seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_word_list_is_the_published_one),
        cmocka_unit_test(the_published_vectors_hold),
        cmocka_unit_test(any_entropy_comes_back_from_its_words),
        cmocka_unit_test(spaces_lines_and_capitals_do_not_matter),
        cmocka_unit_test(a_wrong_number_of_words_is_counted),
        cmocka_unit_test(an_unknown_word_is_placed_and_the_nearest_suggested),
        cmocka_unit_test(a_word_with_a_zero_byte_or_a_long_tail_is_unknown),
        cmocka_unit_test(another_word_of_the_list_breaks_the_checksum),
        cmocka_unit_test(two_swapped_words_break_the_checksum),
        cmocka_unit_test(a_text_without_end_is_refused_by_its_length),
        cmocka_unit_test(an_extra_passphrase_is_plain_ascii_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
