#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/dice.h"
#include "sched/cfn/keymap.h"

#define KEYS 200u

static void key_of(uint32_t n, uint8_t key[KEYMAP_KEY_LEN])
{
    memset(key, 0, KEYMAP_KEY_LEN);
    key[0] = (uint8_t)n;
    key[15] = (uint8_t)(n >> 8);
}

/* Against an array, at every degree of fullness. */
static void it_agrees_with_an_array(void **state)
{
    uint8_t secret[SHORT_HASH_KEY_LEN] = {1};
    uint32_t values[KEYS] = {0}; /* 0: not there */
    struct keymap map;
    struct dice dice;
    (void)state;
    dice_init(&dice, 5);
    assert_int_equal(keymap_init(&map, KEYS, secret), OK);
    for (uint32_t step = 0; step < 100000; step++) {
        uint32_t wave = step / 2000 % 2 == 0 ? 700 : 300;
        uint32_t n = (uint32_t)dice_below(&dice, KEYS);
        uint32_t got = 0;
        uint8_t key[KEYMAP_KEY_LEN];
        key_of(n, key);
        assert_int_equal(keymap_find(&map, key, &got), values[n] > 0);
        assert_int_equal(got, values[n]);
        if (values[n] == 0 && dice_chance(&dice, wave)) {
            values[n] = 1 + step;
            keymap_add(&map, key, values[n]);
        } else if (values[n] > 0 && !dice_chance(&dice, wave)) {
            keymap_remove(&map, key);
            values[n] = 0;
        }
    }
    keymap_done(&map);
}

static void it_holds_as_many_as_it_was_made_for(void **state)
{
    uint8_t secret[SHORT_HASH_KEY_LEN] = {2};
    struct keymap map;
    (void)state;
    for (uint32_t size = 1; size < 40; size++) {
        uint32_t got = 0;
        uint8_t key[KEYMAP_KEY_LEN];
        assert_int_equal(keymap_init(&map, size, secret), OK);
        for (uint32_t n = 0; n < size; n++) {
            key_of(n, key);
            keymap_add(&map, key, n);
        }
        for (uint32_t n = 0; n < size; n++) {
            key_of(n, key);
            assert_true(keymap_find(&map, key, &got));
            assert_int_equal(got, n);
        }
        key_of(size, key);
        assert_false(keymap_find(&map, key, &got));
        keymap_done(&map);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_agrees_with_an_array),
        cmocka_unit_test(it_holds_as_many_as_it_was_made_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
