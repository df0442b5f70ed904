#include "support.h"

#include "wallet/bip39_english.h"

static void words_are_short_plain_and_in_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < BIP39_COUNT; i++) {
        const char *word = bip39_english[i];
        size_t len = strlen(word);
        assert_in_range(len, 3, 8);
        assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz"), len);
        if (i > 0)
            assert_true(strcmp(bip39_english[i - 1], word) < 0);
    }
}

static void four_letters_name_a_word(void **state)
{
    (void)state;
    for (size_t i = 1; i < BIP39_COUNT; i++)
        assert_int_not_equal(strncmp(bip39_english[i - 1], bip39_english[i], 4),
                             0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_short_plain_and_in_order),
        cmocka_unit_test(four_letters_name_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
