#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sched/shelf.h"
#include "tests/unit/sched/sample.h"

static void add(struct shelf *shelf, uint64_t key, uint32_t item)
{
    assert_int_equal(shelf_reserve(shelf), OK);
    shelf_add(shelf, key, item);
}

static void items_come_back_in_the_order_of_their_keys(void **state)
{
    struct shelf shelf;
    struct shelf_walk walk;
    uint64_t key = 0;
    uint32_t item = 0;
    (void)state;
    shelf_init(&shelf);
    assert_false(shelf_first(&shelf, &key, &item));
    for (uint32_t i = 0; i < 1000; i++)
        add(&shelf, (i * 7919) % 1000, i);
    shelf_walk_init(&walk, &shelf);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(shelf_walk_next(&walk, &key, &item));
        assert_int_equal(key, i);
    }
    assert_false(shelf_walk_next(&walk, &key, &item));
    shelf_done(&shelf);
}

static void equal_keys_stand_in_the_order_of_their_items(void **state)
{
    struct shelf shelf;
    uint64_t key = 0;
    uint32_t item = 0;
    (void)state;
    shelf_init(&shelf);
    for (uint32_t i = 500; i > 0; i--)
        add(&shelf, 3, i);
    for (uint32_t i = 1; i <= 500; i++) {
        assert_true(shelf_first(&shelf, &key, &item));
        assert_int_equal(item, i);
        assert_true(shelf_remove(&shelf, 3, i));
    }
    assert_int_equal(shelf.len, 0);
    shelf_done(&shelf);
}

static void what_is_not_there_cannot_be_removed(void **state)
{
    struct shelf shelf;
    (void)state;
    shelf_init(&shelf);
    assert_false(shelf_remove(&shelf, 1, 1));
    add(&shelf, 1, 1);
    assert_false(shelf_remove(&shelf, 1, 2));
    assert_false(shelf_remove(&shelf, 2, 1));
    assert_true(shelf_remove(&shelf, 1, 1));
    assert_false(shelf_remove(&shelf, 1, 1));
    shelf_done(&shelf);
}

static void filling_at_the_end_leaves_blocks_full(void **state)
{
    struct shelf shelf;
    (void)state;
    shelf_init(&shelf);
    for (uint32_t i = 0; i < 12800; i++)
        add(&shelf, i, 0);
    assert_int_equal(shelf.block_count, 100);
    shelf_done(&shelf);
}

static void leaving_one_in_each_block_does_not_keep_the_blocks(void **state)
{
    struct shelf shelf;
    (void)state;
    shelf_init(&shelf);
    for (uint32_t i = 0; i < 12800; i++)
        add(&shelf, i, 0);
    for (uint32_t i = 0; i < 12800; i++) {
        if (i % 128 != 5)
            assert_true(shelf_remove(&shelf, i, 0));
    }
    assert_int_equal(shelf.len, 100);
    assert_true(shelf.block_count <= 4);
    shelf_done(&shelf);
}

/* Against a plain array of flags over all possible pairs. */
static void random_changes_agree_with_a_plain_table(void **state)
{
    enum { KEYS = 300, ITEMS = 8 };
    static bool there[KEYS][ITEMS];
    struct shelf shelf;
    uint64_t seed = 29;
    uint32_t len = 0;
    (void)state;
    shelf_init(&shelf);
    for (int step = 0; step < 60000; step++) {
        uint64_t key = sample_below(&seed, KEYS);
        uint32_t item = (uint32_t)sample_below(&seed, ITEMS);
        /* long phases of growing and of shrinking */
        bool grow = (step / 5000) % 2 == 0 || sample_below(&seed, 4) == 0;
        if (grow && !there[key][item]) {
            add(&shelf, key, item);
            there[key][item] = true;
            len++;
        } else if (!grow) {
            assert_int_equal(shelf_remove(&shelf, key, item), there[key][item]);
            len -= there[key][item];
            there[key][item] = false;
        }
        assert_int_equal(shelf.len, len);
        assert_true(shelf.block_count <= 2 + 4 * len / 128);
        if (step % 500 != 0)
            continue;
        struct shelf_walk walk;
        shelf_walk_init(&walk, &shelf);
        for (uint64_t k = 0; k < KEYS; k++) {
            for (uint32_t i = 0; i < ITEMS; i++) {
                if (!there[k][i])
                    continue;
                assert_true(shelf_walk_next(&walk, &key, &item));
                assert_true(key == k && item == i);
            }
        }
        assert_false(shelf_walk_next(&walk, &key, &item));
    }
    shelf_done(&shelf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_back_in_the_order_of_their_keys),
        cmocka_unit_test(equal_keys_stand_in_the_order_of_their_items),
        cmocka_unit_test(what_is_not_there_cannot_be_removed),
        cmocka_unit_test(filling_at_the_end_leaves_blocks_full),
        cmocka_unit_test(leaving_one_in_each_block_does_not_keep_the_blocks),
        cmocka_unit_test(random_changes_agree_with_a_plain_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
