#include "fixture.h"

#include "ledger/state/map.h"

#define N 400

struct item {
    struct map_leaf leaf;
    uint8_t key[8];
    bool in;
};

static int compare_items(const void *a, const void *b)
{
    const struct item *x = *(struct item *const *)a;
    const struct item *y = *(struct item *const *)b;
    return bytes_compare(x->leaf.key, y->leaf.key);
}

/* Keys of 0 to 3 bytes over a small alphabet: many prefixes, many repeats. */
static void random_key(struct item *item, uint64_t *seed)
{
    size_t len = test_random(seed) % 4;
    for (size_t i = 0; i < len; i++)
        item->key[i] = (uint8_t)(test_random(seed) % 8 * 36);
    item->leaf.key = bytes_make(item->key, len);
}

static struct item *slow_neighbour(struct item *items, struct bytes key,
                                   bool up, bool equal)
{
    struct item *best = NULL;
    for (size_t i = 0; i < N; i++) {
        int order = bytes_compare(items[i].leaf.key, key);
        if (!items[i].in || (order == 0 && !equal))
            continue;
        if (order != 0 && (order > 0) != up)
            continue;
        if (best == NULL ||
            (bytes_compare(items[i].leaf.key, best->leaf.key) < 0) == up)
            best = &items[i];
    }
    return best;
}

static void check_neighbours(const struct map *map, struct item *items,
                             struct bytes key)
{
    assert_ptr_equal(map_ceiling(map, key),
                     slow_neighbour(items, key, true, true));
    assert_ptr_equal(map_floor(map, key),
                     slow_neighbour(items, key, false, true));
    assert_ptr_equal(map_after(map, key),
                     slow_neighbour(items, key, true, false));
    assert_ptr_equal(map_before(map, key),
                     slow_neighbour(items, key, false, false));
}

/* What map_each has told so far of what it should. */
struct walk {
    struct item **sorted;
    size_t count;
    size_t stop_at;
};

static enum err take_step(void *ctx, struct map_leaf *leaf)
{
    struct walk *walk = ctx;
    if (walk->count == walk->stop_at)
        return ERR_CANCELLED;
    assert_ptr_equal(leaf, &walk->sorted[walk->count++]->leaf);
    return OK;
}

static void check_each(const struct map *map, struct item **sorted,
                       size_t count)
{
    struct walk all = {.sorted = sorted, .stop_at = SIZE_MAX};
    struct walk half = {.sorted = sorted, .stop_at = count / 2};
    assert_int_equal(map_each(map, take_step, &all), OK);
    assert_int_equal(all.count, count);
    assert_int_equal(map_each(map, take_step, &half),
                     count > 0 ? ERR_CANCELLED : OK);
    assert_int_equal(half.count, count / 2);
}

static void check_order(const struct map *map, struct item *items)
{
    struct item *sorted[N];
    size_t count = 0;
    for (size_t i = 0; i < N; i++) {
        if (items[i].in)
            sorted[count++] = &items[i];
    }
    if (count > 0)
        qsort(sorted, count, sizeof(sorted[0]), compare_items);
    assert_int_equal(map->count, count);
    struct map_leaf *leaf = map_first(map);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(leaf, &sorted[i]->leaf);
        leaf = map_after(map, leaf->key);
    }
    assert_null(leaf);
    check_each(map, sorted, count);
    if (count > 0)
        assert_ptr_equal(map_last(map), &sorted[count - 1]->leaf);
}

static void map_agrees_with_a_plain_list_under_random_changes(void **state)
{
    static struct item items[N];
    struct map map = {0};
    uint64_t seed = 42;
    (void)state;
    memset(items, 0, sizeof(items));
    for (int step = 0; step < 6000; step++) {
        struct item *item = &items[test_random(&seed) % N];
        struct item probe = {0};
        if (item->in) {
            assert_ptr_equal(map_remove(&map, item->leaf.key), &item->leaf);
            assert_null(map_find(&map, item->leaf.key));
            item->in = false;
        } else {
            random_key(item, &seed);
            struct map_leaf *old = map_insert(&map, &item->leaf);
            item->in = old == NULL;
            if (old != NULL)
                assert_true(bytes_equal(old->key, item->leaf.key));
        }
        random_key(&probe, &seed);
        if (map_find(&map, probe.leaf.key) == NULL)
            assert_null(map_remove(&map, probe.leaf.key));
        check_neighbours(&map, items, probe.leaf.key);
        if (step % 50 == 0)
            check_order(&map, items);
    }
}

static void map_of_nothing_has_no_neighbours(void **state)
{
    struct map map = {0};
    (void)state;
    assert_null(map_first(&map));
    assert_null(map_last(&map));
    assert_null(map_find(&map, BYTES_LIT("a")));
    assert_null(map_ceiling(&map, BYTES_LIT("a")));
    assert_null(map_remove(&map, BYTES_LIT("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_agrees_with_a_plain_list_under_random_changes),
        cmocka_unit_test(map_of_nothing_has_no_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
