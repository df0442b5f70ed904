#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/bech32.h"
#include "base/dice.h"

#define GROUPS 400u

static uint32_t sum_of(const char *text)
{
    uint32_t sum = bech32_begin("suanid");
    for (const char *c = text; *c != '\0'; c++)
        sum = bech32_step(sum, (uint8_t)bech32_group(*c));
    return sum;
}

static void make(uint64_t seed, char out[GROUPS + BECH32_CHECKSUM_LEN + 1])
{
    struct dice dice;
    uint32_t sum = bech32_begin("suanid");
    dice_init(&dice, seed);
    for (unsigned i = 0; i < GROUPS; i++) {
        uint8_t group = (uint8_t)dice_below(&dice, 32);
        sum = bech32_step(sum, group);
        out[i] = bech32_letter(group);
    }
    bech32_end(sum, out + GROUPS);
    out[GROUPS + BECH32_CHECKSUM_LEN] = '\0';
}

/* From BIP 350: the shortest of its valid texts. */
static void a_published_text_is_whole(void **state)
{
    uint32_t sum = bech32_begin("a");
    (void)state;
    for (const char *c = "lqfn3a"; *c != '\0'; c++)
        sum = bech32_step(sum, (uint8_t)bech32_group(*c));
    assert_int_equal(sum, BECH32_RIGHT);
}

static void letters_and_groups_are_each_other(void **state)
{
    (void)state;
    for (uint8_t g = 0; g < 32; g++)
        assert_int_equal(bech32_group(bech32_letter(g)), g);
    assert_int_equal(bech32_group('b'), -1);
    assert_int_equal(bech32_group('1'), -1);
    assert_int_equal(bech32_group('Q'), -1);
    assert_int_equal(bech32_group('\0'), -1);
}

static void no_wrong_letter_of_a_long_text_is_missed(void **state)
{
    char text[GROUPS + BECH32_CHECKSUM_LEN + 1];
    (void)state;
    make(1, text);
    assert_int_equal(sum_of(text), BECH32_RIGHT);
    for (size_t i = 0; text[i] != '\0'; i++) {
        char was = text[i];
        for (uint8_t g = 0; g < 32; g++) {
            text[i] = bech32_letter(g);
            assert_int_equal(sum_of(text) == BECH32_RIGHT, text[i] == was);
        }
        text[i] = was;
    }
}

static void no_two_wrong_letters_of_a_long_text_are_missed(void **state)
{
    char text[GROUPS + BECH32_CHECKSUM_LEN + 1];
    struct dice dice;
    (void)state;
    make(2, text);
    dice_init(&dice, 3);
    for (int k = 0; k < 20000; k++) {
        size_t i = dice_below(&dice, strlen(text));
        size_t j = dice_below(&dice, strlen(text));
        char was_i = text[i];
        char was_j = text[j];
        text[i] = bech32_letter((uint8_t)dice_below(&dice, 32));
        text[j] = bech32_letter((uint8_t)dice_below(&dice, 32));
        assert_int_equal(sum_of(text) == BECH32_RIGHT,
                         text[i] == was_i && text[j] == was_j);
        text[j] = was_j;
        text[i] = was_i;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_published_text_is_whole),
        cmocka_unit_test(letters_and_groups_are_each_other),
        cmocka_unit_test(no_wrong_letter_of_a_long_text_is_missed),
        cmocka_unit_test(no_two_wrong_letters_of_a_long_text_are_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
