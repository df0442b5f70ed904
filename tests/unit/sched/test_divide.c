#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/dice.h"
#include "sched/fleet/divide.h"

#define PLACES 6

static void expect(enum divide_way way, uint32_t replicas,
                   const struct divide_place *from, uint32_t count,
                   const uint32_t *given)
{
    struct divide_place places[PLACES];
    memcpy(places, from, count * sizeof(*from));
    assert_int_equal(divide(way, replicas, places, count), OK);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(places[i].given, given[i]);
}

static void weights_divide_by_the_largest_remainder(void **state)
{
    const struct divide_place even[3] = {
        {1, 99, 0, 0}, {1, 99, 0, 0}, {1, 99, 0, 0}};
    const struct divide_place odd[3] = {
        {5, 99, 0, 0}, {3, 99, 0, 0}, {1, 99, 0, 0}};
    (void)state;
    expect(DIVIDE_STATIC, 9, even, 3, (uint32_t[]){3, 3, 3});
    expect(DIVIDE_STATIC, 10, even, 3, (uint32_t[]){4, 3, 3});
    /* 5.56, 3.33, 1.11 */
    expect(DIVIDE_STATIC, 10, odd, 3, (uint32_t[]){6, 3, 1});
    expect(DIVIDE_STATIC, 0, odd, 3, (uint32_t[]){0, 0, 0});
}

static void equal_remainders_go_where_most_was_before(void **state)
{
    const struct divide_place places[3] = {
        {1, 99, 2, 0}, {1, 99, 3, 0}, {1, 99, 5, 0}};
    (void)state;
    expect(DIVIDE_STATIC, 4, places, 3, (uint32_t[]){1, 1, 2});
    expect(DIVIDE_STATIC, 5, places, 3, (uint32_t[]){1, 2, 2});
}

static void what_a_full_place_cannot_take_goes_to_the_others(void **state)
{
    const struct divide_place places[4] = {
        {6, 2, 9, 0}, {3, 99, 0, 0}, {1, 99, 0, 0}, {0, 99, 9, 0}};
    struct divide_place few[4];
    (void)state;
    expect(DIVIDE_STATIC, 10, places, 4, (uint32_t[]){2, 6, 2, 0});
    memcpy(few, places, sizeof(few));
    few[1].available = 5;
    few[2].available = 2;
    assert_int_equal(divide(DIVIDE_STATIC, 10, few, 4), ERR_CAPACITY);
    assert_int_equal(few[0].given, 0); /* untouched on refusal */
    expect(DIVIDE_STATIC, 9, few, 4, (uint32_t[]){2, 5, 2, 0});
}

static void room_is_the_dynamic_weight(void **state)
{
    const struct divide_place places[3] = {
        {9, 6, 0, 0}, {0, 12, 0, 0}, {1, 0, 7, 0}};
    (void)state;
    expect(DIVIDE_DYNAMIC, 9, places, 3, (uint32_t[]){3, 6, 0});
    expect(DIVIDE_DYNAMIC, 18, places, 3, (uint32_t[]){6, 12, 0});
}

/* The share of yesterday is no room under the demand of today. */
static void a_previous_share_is_not_room(void **state)
{
    struct divide_place places[2] = {{1, 0, 8, 0}, {1, 4, 0, 0}};
    (void)state;
    for (int way = DIVIDE_STATIC; way <= DIVIDE_AGGREGATED; way++) {
        expect((enum divide_way)way, 4, places, 2, (uint32_t[]){0, 4});
        assert_int_equal(divide((enum divide_way)way, 5, places, 2),
                         ERR_CAPACITY);
    }
}

static void duplicates_go_everywhere_or_nowhere(void **state)
{
    struct divide_place places[2] = {{0, 4, 0, 0}, {0, 7, 0, 0}};
    (void)state;
    expect(DIVIDE_DUPLICATED, 4, places, 2, (uint32_t[]){4, 4});
    assert_int_equal(divide(DIVIDE_DUPLICATED, 5, places, 2), ERR_CAPACITY);
}

static void aggregated_is_at_the_fewest_places_and_stays_there(void **state)
{
    struct divide_place places[4] = {
        {0, 5, 0, 0}, {0, 9, 0, 0}, {0, 6, 3, 0}, {0, 2, 2, 0}};
    (void)state;
    expect(DIVIDE_AGGREGATED, 9, places, 4, (uint32_t[]){0, 9, 0, 0});
    /* two places: the second with what was at the third */
    expect(DIVIDE_AGGREGATED, 14, places, 4, (uint32_t[]){0, 9, 5, 0});
    /* what fits where it is stays */
    expect(DIVIDE_AGGREGATED, 6, places, 4, (uint32_t[]){0, 0, 6, 0});
    expect(DIVIDE_AGGREGATED, 2, places, 4, (uint32_t[]){0, 0, 2, 0});
}

/* The fewest places from first principles. */
static uint32_t fewest_plainly(uint32_t replicas,
                               const struct divide_place *places)
{
    uint32_t best = PLACES + 1;
    for (uint32_t set = 0; set < 1u << PLACES; set++) {
        uint32_t room = 0;
        for (uint32_t i = 0; i < PLACES; i++)
            room += (set >> i & 1) != 0 ? places[i].available : 0;
        if (room >= replicas && (uint32_t)__builtin_popcount(set) < best)
            best = (uint32_t)__builtin_popcount(set);
    }
    return best;
}

/* Nobody is a whole replica below his part while another, who is not below,
 * could do with one less: by weight, among places that are not full. */
static void is_fair(const struct divide_place *places)
{
    for (uint32_t i = 0; i < PLACES; i++) {
        for (uint32_t j = 0; j < PLACES; j++) {
            uint64_t mine = places[i].given;
            uint64_t yours = places[j].given;
            if (places[i].weight == 0 || places[j].weight == 0 ||
                mine == places[i].available || yours == 0)
                continue;
            /* (yours - 1) / weight is not above (mine + 1) / weight */
            assert_true((yours - 1) * places[i].weight <=
                        (mine + 1) * places[j].weight);
        }
    }
}

static void random_divisions_keep_what_was_promised(void **state)
{
    struct dice dice;
    (void)state;
    dice_init(&dice, 77);
    for (int round = 0; round < 40000; round++) {
        struct divide_place places[PLACES] = {{0}};
        uint32_t replicas = (uint32_t)dice_below(&dice, 40);
        uint32_t used = 0;
        uint32_t room = 0;
        uint32_t sum = 0;
        uint32_t least = UINT32_MAX;
        enum divide_way way = (enum divide_way)dice_between(&dice, 1, 4);
        for (uint32_t i = 0; i < PLACES; i++) {
            places[i].weight = (uint32_t)dice_below(&dice, 4);
            places[i].available = (uint32_t)dice_below(&dice, 20);
            places[i].previous = (uint32_t)dice_below(&dice, 4);
            if (way != DIVIDE_STATIC || places[i].weight > 0)
                room += places[i].available;
            if (places[i].available < least)
                least = places[i].available;
        }
        if (way == DIVIDE_DUPLICATED) {
            assert_int_equal(divide(way, replicas, places, PLACES),
                             replicas <= least ? OK : ERR_CAPACITY);
            continue;
        }
        if (room < replicas) {
            assert_int_equal(divide(way, replicas, places, PLACES),
                             ERR_CAPACITY);
            continue;
        }
        assert_int_equal(divide(way, replicas, places, PLACES), OK);
        for (uint32_t i = 0; i < PLACES; i++) {
            assert_true(places[i].given <= places[i].available);
            sum += places[i].given;
            used += places[i].given > 0;
        }
        assert_int_equal(sum, replicas);
        if (way == DIVIDE_STATIC)
            is_fair(places);
        if (way == DIVIDE_AGGREGATED)
            assert_int_equal(used, fewest_plainly(replicas, places));
    }
}

static void ways_have_names_and_bounds(void **state)
{
    struct divide_place place = {1, 1, 0, 0};
    enum divide_way way;
    (void)state;
    for (int i = DIVIDE_DUPLICATED; i <= DIVIDE_AGGREGATED; i++) {
        assert_int_equal(divide_parse(divide_text((enum divide_way)i), &way),
                         OK);
        assert_int_equal(way, i);
    }
    assert_int_equal(divide_parse("half", &way), ERR_PARSE);
    assert_string_equal(divide_text((enum divide_way)9), "?");
    assert_int_equal(divide(DIVIDE_STATIC, 1, &place, 0), ERR_RANGE);
    assert_int_equal(divide(DIVIDE_STATIC, 1, &place, DIVIDE_PLACES_MAX + 1),
                     ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_divide_by_the_largest_remainder),
        cmocka_unit_test(equal_remainders_go_where_most_was_before),
        cmocka_unit_test(what_a_full_place_cannot_take_goes_to_the_others),
        cmocka_unit_test(room_is_the_dynamic_weight),
        cmocka_unit_test(a_previous_share_is_not_room),
        cmocka_unit_test(duplicates_go_everywhere_or_nowhere),
        cmocka_unit_test(aggregated_is_at_the_fewest_places_and_stays_there),
        cmocka_unit_test(random_divisions_keep_what_was_promised),
        cmocka_unit_test(ways_have_names_and_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
