#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/place.h"
#include "tests/unit/sched/sample.h"

static struct rank rank_of(uint64_t value)
{
    struct rank rank = {.key = {value}, .index = (uint32_t)value};
    return rank;
}

static bool consider(struct place *place, uint64_t value, uint32_t room)
{
    struct rank rank = rank_of(value);
    return place_consider(place, &rank, room, 0);
}

static bool closed(const struct place *place, uint64_t value)
{
    struct rank rank = rank_of(value);
    return place_closed(place, &rank);
}

static void the_best_is_filled_first_and_the_rest_overflows(void **state)
{
    struct place_entry entries[16];
    struct place place;
    (void)state;
    place_init(&place, 5, 0, entries);
    assert_true(consider(&place, 3, 9));
    assert_true(consider(&place, 1, 2));
    assert_true(consider(&place, 2, 2));
    assert_int_equal(place_finish(&place), 0);
    assert_int_equal(place.count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(place.entries[i].rank.index, i + 1);
    assert_int_equal(place.entries[0].tasks, 2);
    assert_int_equal(place.entries[1].tasks, 2);
    assert_int_equal(place.entries[2].tasks, 1);
}

static void what_finds_no_place_is_counted(void **state)
{
    struct place_entry entries[16];
    struct place place;
    (void)state;
    place_init(&place, 5, 1, entries);
    assert_int_equal(place_finish(&place), 5);
    assert_true(consider(&place, 1, 2));
    assert_int_equal(place_finish(&place), 3);
}

static void a_better_one_pushes_the_worst_off(void **state)
{
    struct place_entry entries[16];
    struct place place;
    (void)state;
    place_init(&place, 2, 0, entries);
    assert_true(consider(&place, 5, 1));
    assert_true(consider(&place, 6, 1));
    assert_false(consider(&place, 7, 1));
    assert_true(consider(&place, 4, 1));
    assert_int_equal(place.count, 2);
    assert_int_equal(place.entries[1].rank.index, 5);
    assert_true(consider(&place, 3, 2)); /* alone enough */
    assert_int_equal(place.count, 1);
}

static void spares_stand_behind_with_no_tasks(void **state)
{
    struct place_entry entries[16];
    struct place place;
    (void)state;
    place_init(&place, 1, 2, entries);
    for (uint64_t i = 9; i > 0; i--)
        assert_true(consider(&place, i, 3));
    assert_int_equal(place_finish(&place), 0);
    assert_int_equal(place.count, 3);
    assert_int_equal(place.entries[0].tasks, 1);
    assert_int_equal(place.entries[1].tasks, 0);
    assert_int_equal(place.entries[2].rank.index, 3);
}

static void it_closes_only_when_nothing_worse_can_enter(void **state)
{
    struct place_entry entries[16];
    struct place place;
    (void)state;
    place_init(&place, 2, 1, entries);
    assert_false(closed(&place, UINT64_MAX));
    assert_true(consider(&place, 1, 2));
    assert_false(closed(&place, 9)); /* the spare is missing */
    assert_true(consider(&place, 5, 1));
    assert_true(closed(&place, 6));
    assert_false(closed(&place, 4));
}

static void no_room_is_no_place(void **state)
{
    struct place_entry entries[16];
    struct place place;
    (void)state;
    place_init(&place, 2, 1, entries);
    assert_false(consider(&place, 1, 0));
    assert_int_equal(place.count, 0);
}

/* The same from first principles: sort everything, fill in order. */
static uint32_t place_plainly(struct rank *ranks, const uint32_t *rooms,
                              uint32_t count, uint32_t tasks, uint32_t spares,
                              struct place_entry *out, uint32_t *out_count)
{
    uint32_t len = 0;
    uint32_t taking = 0;
    policy_sort(ranks, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t room = rooms[ranks[i].index];
        uint32_t part = room < tasks ? room : tasks;
        if (room == 0)
            continue;
        if (part == 0 && len - taking == spares)
            break;
        taking += part > 0;
        tasks -= part;
        out[len++] =
            (struct place_entry){.rank = ranks[i], .room = room, .tasks = part};
    }
    *out_count = len;
    return tasks;
}

static void random_bags_are_placed_as_by_sorting_everything(void **state)
{
    enum { MAX = 40 };
    uint64_t seed = 17;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct place_entry entries[2 * MAX + 1];
        struct place_entry plain[MAX];
        struct rank ranks[MAX];
        uint32_t rooms[MAX];
        struct place place;
        uint32_t plain_count = 0;
        uint32_t count = (uint32_t)sample_below(&seed, MAX);
        uint32_t tasks = 1 + (uint32_t)sample_below(&seed, MAX);
        uint32_t spares = (uint32_t)sample_below(&seed, 3);
        assert_true(place_entries_needed(tasks, spares) <= 2 * MAX + 1);
        place_init(&place, tasks, spares, entries);
        for (uint32_t i = 0; i < count; i++) {
            ranks[i] = rank_of(sample_below(&seed, 10));
            ranks[i].tie = sample_random(&seed);
            ranks[i].index = i;
            rooms[i] = (uint32_t)sample_below(&seed, 5);
            (void)place_consider(&place, &ranks[i], rooms[i], 0);
        }
        uint32_t left = place_plainly(ranks, rooms, count, tasks, spares, plain,
                                      &plain_count);
        assert_int_equal(place_finish(&place), left);
        assert_int_equal(place.count, plain_count);
        for (uint32_t i = 0; i < plain_count; i++) {
            assert_int_equal(place.entries[i].rank.index, plain[i].rank.index);
            assert_int_equal(place.entries[i].tasks, plain[i].tasks);
            assert_true(place.entries[i].tasks <= place.entries[i].room);
        }
    }
}

/* The same with domains: sort everything, fill as far as the domains allow. */
static uint32_t spread_plainly(struct rank *ranks, const uint32_t *rooms,
                               const uint64_t *domains, uint32_t count,
                               uint32_t tasks, uint32_t per_domain,
                               uint32_t used[4], uint32_t *out_tasks)
{
    policy_sort(ranks, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = ranks[i].index;
        uint32_t *there = &used[domains[at]];
        uint32_t left = *there < per_domain ? per_domain - *there : 0;
        uint32_t part = rooms[at] < left ? rooms[at] : left;
        part = part < tasks ? part : tasks;
        out_tasks[at] = part;
        *there += part;
        tasks -= part;
    }
    return tasks;
}

static void random_bags_are_spread_as_by_sorting_everything(void **state)
{
    enum { MAX = 24 };
    uint64_t seed = 23;
    uint32_t bound = 0;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct place_entry entries[2 * MAX + 1];
        struct place_domain table[256];
        struct place_domain known[2] = {{1, 1}, {2, 2}};
        struct rank ranks[MAX];
        uint32_t rooms[MAX];
        uint64_t domains[MAX];
        uint32_t plain[MAX] = {0};
        uint32_t used[4] = {0};
        struct place place;
        uint32_t count = (uint32_t)sample_below(&seed, MAX);
        uint32_t tasks = 1 + (uint32_t)sample_below(&seed, MAX);
        uint32_t spares = (uint32_t)sample_below(&seed, 3);
        uint32_t most = 1 + (uint32_t)sample_below(&seed, 6);
        uint32_t known_count = (uint32_t)sample_below(&seed, 3);
        assert_true(place_table_needed(tasks, spares, 2) <= 256);
        place_init(&place, tasks, spares, entries);
        place_spread(&place, most, known, known_count, table);
        for (uint32_t i = 0; i < known_count; i++)
            used[known[i].id] = known[i].used;
        for (uint32_t i = 0; i < count; i++) {
            ranks[i] = rank_of(sample_below(&seed, 10));
            ranks[i].tie = sample_random(&seed);
            ranks[i].index = i;
            rooms[i] = (uint32_t)sample_below(&seed, 5);
            domains[i] = 1 + sample_below(&seed, 3);
            (void)place_consider(&place, &ranks[i], rooms[i], domains[i]);
        }
        uint32_t left = spread_plainly(ranks, rooms, domains, count, tasks,
                                       most, used, plain);
        assert_int_equal(place_finish(&place), left);
        for (uint32_t i = 0; i < place.count; i++) {
            uint32_t at = place.entries[i].rank.index;
            assert_int_equal(place.entries[i].tasks, plain[at]);
            plain[at] = 0;
        }
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(plain[i], 0); /* nobody else has any */
        bound += left > 0;
    }
    assert_true(bound > 1000);
}

static void a_full_domain_takes_nobody(void **state)
{
    struct place_entry entries[16];
    struct place_domain table[32];
    struct place_domain known[1] = {{7, 2}};
    struct place place;
    struct rank rank = rank_of(1);
    (void)state;
    place_init(&place, 3, 0, entries);
    place_spread(&place, 2, known, 1, table);
    assert_false(place_consider(&place, &rank, 5, 7));
    rank = rank_of(2);
    assert_true(place_consider(&place, &rank, 5, 8));
    assert_int_equal(place_finish(&place), 1);
    assert_int_equal(place.entries[0].tasks, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_is_filled_first_and_the_rest_overflows),
        cmocka_unit_test(what_finds_no_place_is_counted),
        cmocka_unit_test(a_better_one_pushes_the_worst_off),
        cmocka_unit_test(spares_stand_behind_with_no_tasks),
        cmocka_unit_test(it_closes_only_when_nothing_worse_can_enter),
        cmocka_unit_test(no_room_is_no_place),
        cmocka_unit_test(random_bags_are_placed_as_by_sorting_everything),
        cmocka_unit_test(random_bags_are_spread_as_by_sorting_everything),
        cmocka_unit_test(a_full_domain_takes_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
