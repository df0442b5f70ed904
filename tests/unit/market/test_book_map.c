#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "market/book/book_map.h"

static const uint8_t key[SHORT_HASH_KEY_LEN] = {7};

static void name_of(uint32_t n, uint8_t out[BOOK_MAP_NAME_LEN])
{
    memset(out, 0, BOOK_MAP_NAME_LEN);
    u32le_put(out, n);
}

static void an_empty_map_has_nothing(void **state)
{
    struct book_map map;
    uint8_t name[BOOK_MAP_NAME_LEN];
    (void)state;
    name_of(1, name);
    book_map_init(&map, key);
    assert_int_equal(book_map_get(&map, name), BOOK_MAP_NONE);
    assert_false(book_map_remove(&map, name));
    book_map_done(&map);
}

/* Against a plain table, with much removing, so that gaps are closed across
 * the end of the cells as well. */
static void random_changes_agree_with_a_plain_table(void **state)
{
    enum { NAMES = 700 };
    static uint32_t plain[NAMES];
    struct book_map map;
    uint8_t name[BOOK_MAP_NAME_LEN];
    uint32_t seed = 1;
    uint32_t len = 0;
    (void)state;
    memset(plain, 0xff, sizeof(plain));
    book_map_init(&map, key);
    for (uint32_t step = 0; step < 200000; step++) {
        seed = seed * 1664525u + 1013904223u;
        uint32_t n = (seed >> 8) % NAMES;
        bool grow = (step / 4000) % 2 == 0;
        name_of(n, name);
        assert_int_equal(book_map_get(&map, name), plain[n]);
        if (plain[n] == BOOK_MAP_NONE && grow) {
            assert_int_equal(book_map_reserve(&map), OK);
            book_map_add(&map, name, step);
            plain[n] = step;
            len++;
        } else if (plain[n] != BOOK_MAP_NONE && !grow) {
            assert_true(book_map_remove(&map, name));
            plain[n] = BOOK_MAP_NONE;
            len--;
        }
        assert_int_equal(map.len, len);
        assert_true(map.len <= map.cap / 2);
    }
    for (uint32_t n = 0; n < NAMES; n++) {
        name_of(n, name);
        assert_int_equal(book_map_get(&map, name), plain[n]);
    }
    book_map_done(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(random_changes_agree_with_a_plain_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
