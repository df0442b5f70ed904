#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sched/index/dimension.h"
#include "tests/unit/sched/index_sample.h"

static int setup(void **state)
{
    struct index_sample *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    assert_int_equal(catalog_new(&s->catalog), OK);
    s->slots = SAMPLE_SLOTS;
    s->seed = 9;
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct index_sample *s = *state;
    catalog_free(s->catalog);
    free(s);
    return 0;
}

static void it_says_what_was_put(void **state)
{
    struct index_sample *s = *state;
    sample_put(s, 5);
    assert_int_equal(catalog_count(s->catalog), 1);
    assert_true(catalog_has(s->catalog, 5));
    assert_false(catalog_has(s->catalog, 4));
    assert_false(catalog_has(s->catalog, UINT32_MAX));
    assert_true(catalog_have(s->catalog, 5, DIM_TIME) ==
                s->rows[5].row.have[DIM_TIME]);
    catalog_flag_set(s->catalog, 5, FLAG_STALE, true);
    assert_true(catalog_flag(s->catalog, 5, FLAG_STALE));
    catalog_remove(s->catalog, 5);
    assert_int_equal(catalog_count(s->catalog), 0);
    catalog_check(s->catalog);
}

/* Orders are built when they are searched: here all are, and stay right. */
static void everything_agrees_after_each_of_many_changes(void **state)
{
    struct index_sample *s = *state;
    struct query q;
    struct search search;
    s->slots = 500;
    for (uint32_t i = 0; i < 3000; i++) {
        sample_event(s);
        if (i % 50 != 0)
            continue;
        sample_query(s, &q);
        for (unsigned k = 0; k < ORDER_COUNT; k++)
            assert_int_equal(
                search_begin(&search, s->catalog, (enum order_kind)k, &q), OK);
        catalog_check(s->catalog);
    }
    assert_true(catalog_order_bytes(s->catalog, ORDER_FAST) > 0);
}

static void it_grows_and_empties_and_fills_again(void **state)
{
    struct index_sample *s = *state;
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < s->slots; i++)
            sample_put(s, i);
        catalog_check(s->catalog);
        assert_int_equal(catalog_count(s->catalog), s->slots);
        for (uint32_t i = 0; i < s->slots; i++)
            sample_remove(s, i);
        catalog_check(s->catalog);
        assert_int_equal(catalog_count(s->catalog), 0);
    }
}

/* All change their prices, again and again: they leave the places they had
 * behind, and what holds them stays within a constant. */
static void prices_that_wander_leave_no_holes(void **state)
{
    struct index_sample *s = *state;
    s->slots = 6000;
    for (uint32_t i = 0; i < s->slots; i++)
        sample_put(s, i);
    for (uint32_t round = 0; round < 60; round++) {
        uint64_t base = sample_draw(s, 1u << 30);
        uint64_t part = sample_draw(s, 3);
        for (uint32_t i = 0; i < s->slots; i++) {
            struct catalog_row *row = &s->rows[i].row;
            row->tariff.part[part] = base + i % 7;
            assert_int_equal(catalog_reserve(s->catalog, i), OK);
            catalog_put(s->catalog, i, row);
        }
    }
    catalog_check(s->catalog);
    /* at most 4 + 4 aisles, and an eighth to spare */
    assert_true(catalog_order_bytes(s->catalog, ORDER_PRICE) < 1600000);
    assert_true(catalog_column_bytes(s->catalog) < s->slots * 512);
}

static void only_what_frees_something_starts_a_generation(void **state)
{
    struct index_sample *s = *state;
    sample_put(s, 1);
    uint64_t have = catalog_have(s->catalog, 1, DIM_DISK_TOTAL);
    uint64_t before = catalog_generation(s->catalog);
    catalog_have_set(s->catalog, 1, DIM_DISK_TOTAL, have - 1);
    assert_true(catalog_generation(s->catalog) == before);
    catalog_have_set(s->catalog, 1, DIM_DISK_TOTAL, have);
    assert_true(catalog_generation(s->catalog) > before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_says_what_was_put, setup, teardown),
        cmocka_unit_test_setup_teardown(
            everything_agrees_after_each_of_many_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(it_grows_and_empties_and_fills_again,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(prices_that_wander_leave_no_holes,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            only_what_frees_something_starts_a_generation, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
