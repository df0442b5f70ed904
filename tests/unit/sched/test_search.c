#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sched/index/search.h"
#include "tests/unit/sched/index_sample.h"

static int setup(void **state)
{
    struct index_sample *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    assert_int_equal(catalog_new(&s->catalog), OK);
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

static bool has_tag(const struct catalog_row *row, uint64_t tag)
{
    for (uint32_t i = 0; i < row->tag_count; i++) {
        if (row->tags[i] == tag)
            return true;
    }
    return false;
}

/* Offer by offer, with arithmetic of its own. */
static bool fits_plainly(const struct catalog_row *row, const struct query *q,
                         uint64_t *out_cost)
{
    static const uint64_t units[TARIFF_PARTS] = {1000, 1024, 1024, 1000};
    long double estimate = 0;
    uint64_t cost = 0;
    for (unsigned i = 0; i < DIM_SEARCHED; i++) {
        if (row->have[i] < q->want[i])
            return false;
    }
    for (uint32_t i = 0; i < q->tag_count; i++) {
        if (has_tag(row, q->tags[i].tag) == q->tags[i].absent)
            return false;
    }
    for (uint32_t i = 0; i < q->any_count; i++) {
        bool bears = false;
        for (uint32_t k = 0; k < q->any[i].count; k++)
            bears = bears || has_tag(row, q->any[i].tags[k]);
        if (!bears)
            return false;
    }
    if ((row->flags & q->flags_on) != q->flags_on ||
        (row->flags & q->flags_off) != 0)
        return false;
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        __extension__ unsigned __int128 part = row->tariff.part[i];
        part = (part * q->mix[i] + units[i] - 1) / units[i];
        estimate += (long double)part;
        cost += (uint64_t)part;
    }
    *out_cost = cost;
    return estimate <= (long double)UINT64_MAX && cost <= q->cost_max;
}

struct best {
    uint32_t key;
    uint64_t cost;
    uint32_t count; /* that fit at all */
    uint32_t equal; /* as good as the best */
};

static void note(struct best *best, uint32_t key, uint64_t cost)
{
    bool better = key < best->key || (key == best->key && cost < best->cost);
    if (best->equal == 0 || better)
        *best = (struct best){key, cost, best->count, 0};
    best->equal += key == best->key && cost == best->cost;
}

static struct best find_plainly(const struct index_sample *s,
                                enum order_kind order, const struct query *q)
{
    struct best best = {0};
    for (uint32_t i = 0; i < s->slots; i++) {
        uint64_t cost;
        const struct catalog_row *row = &s->rows[i].row;
        if (!s->rows[i].in || !fits_plainly(row, q, &cost))
            continue;
        best.count++;
        note(&best, row->key[order], cost);
    }
    return best;
}

/* The best of a search that is told to stop as it goes. */
static struct best find(struct index_sample *s, enum order_kind order,
                        const struct query *q, uint32_t *shown)
{
    struct best best = {0};
    struct search search;
    struct search_hit hit;
    *shown = 0;
    assert_int_equal(search_begin(&search, s->catalog, order, q), OK);
    while (search_next(&search, &hit)) {
        uint64_t cost = 0;
        assert_true(s->rows[hit.slot].in);
        assert_true(fits_plainly(&s->rows[hit.slot].row, q, &cost));
        assert_true(hit.cost == cost);
        assert_int_equal(hit.key, s->rows[hit.slot].row.key[order]);
        note(&best, hit.key, hit.cost);
        search_stop_above(&search, best.key, best.cost);
        ++*shown;
    }
    return best;
}

static void compare(struct index_sample *s, const struct query *q,
                    uint64_t *shown_sum, uint64_t *count_sum)
{
    for (unsigned k = 0; k < ORDER_COUNT; k++) {
        uint32_t shown;
        struct best want = find_plainly(s, (enum order_kind)k, q);
        struct best got = find(s, (enum order_kind)k, q, &shown);
        assert_int_equal(got.equal, want.equal);
        assert_true(got.key == want.key && got.cost == want.cost);
        *shown_sum += shown;
        *count_sum += want.count;
        if (k == 0)
            assert_int_equal(search_count(s->catalog, q), want.count);
    }
}

static void run(struct index_sample *s, uint64_t seed, uint32_t slots,
                uint32_t rounds, bool coarse)
{
    uint64_t shown = 0;
    uint64_t count = 0;
    s->seed = seed;
    s->slots = slots;
    s->coarse = coarse;
    for (uint32_t i = 0; i < rounds; i++) {
        struct query q;
        for (uint32_t k = 0; k < slots / 20 + 1; k++)
            sample_event(s);
        for (uint32_t k = 0; k < 8; k++) {
            sample_query(s, &q);
            compare(s, &q, &shown, &count);
            compare(s, &q, &shown, &count); /* as it was remembered */
        }
        if (i % 16 == 0)
            catalog_check(s->catalog);
    }
    catalog_check(s->catalog);
    assert_true(count > 100);
    if (!coarse && slots > 1000)
        assert_true(shown * 4 < count); /* it did not look at everybody */
}

static void a_few_offers_are_found_as_by_looking_at_each(void **state)
{
    run(*state, 1, 60, 400, false);
}

static void equal_offers_are_all_shown(void **state)
{
    run(*state, 2, 300, 150, true);
}

static void many_offers_are_found_as_by_looking_at_each(void **state)
{
    run(*state, 3, SAMPLE_SLOTS, 120, false);
}

static void who_is_asked_again_is_nobody_until_something_is_freed(void **state)
{
    struct index_sample *s = *state;
    struct query q = {.cost_max = UINT64_MAX};
    s->slots = 100;
    for (uint32_t i = 0; i < 100; i++)
        sample_put(s, i);
    q.want[DIM_CPU_FREE] = 1000000;
    q.want[DIM_SLOTS] = 1;
    assert_int_equal(search_count(s->catalog, &q), 0);
    uint64_t before = catalog_generation(s->catalog);
    catalog_have_set(s->catalog, 7, DIM_CPU_FREE, 0);
    uint32_t shown;
    assert_int_equal(find(s, ORDER_PRICE, &q, &shown).count, 0);
    s->rows[7].row.have[DIM_CPU_FREE] = 2000000;
    s->rows[7].row.have[DIM_SLOTS] = 1;
    s->rows[7].row.tariff = (struct tariff){{5, 5, 5, 5}};
    catalog_put(s->catalog, 7, &s->rows[7].row);
    assert_true(catalog_generation(s->catalog) > before);
    assert_int_equal(find(s, ORDER_PRICE, &q, &shown).equal, 1);
    assert_int_equal(shown, 1);
}

/* Prices that only a mix tells apart: no line is sorted for all of them. */
static void each_mix_has_its_own_cheapest(void **state)
{
    struct index_sample *s = *state;
    s->slots = 3000;
    for (uint32_t i = 0; i < s->slots; i++) {
        sample_put(s, i);
        sample_remove(s, i);
        struct catalog_row *row = &s->rows[i].row;
        row->have[DIM_SLOTS] = 1;
        row->flags = 0;
        row->tariff = (struct tariff){{i * 100, (s->slots - i) * 100, 1, 0}};
        catalog_put(s->catalog, i, row);
        s->rows[i].in = true;
    }
    for (uint64_t cpu = 1; cpu < 4000; cpu += 97) {
        uint32_t shown;
        struct query q = {.cost_max = UINT64_MAX, .mix = {cpu, 2048, 0, 0}};
        q.want[DIM_SLOTS] = 1;
        struct best want = find_plainly(s, ORDER_PRICE, &q);
        struct best got = find(s, ORDER_PRICE, &q, &shown);
        assert_true(got.cost == want.cost);
        assert_int_equal(got.equal, want.equal);
        assert_true(shown < 300);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_few_offers_are_found_as_by_looking_at_each, setup, teardown),
        cmocka_unit_test_setup_teardown(equal_offers_are_all_shown, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            many_offers_are_found_as_by_looking_at_each, setup, teardown),
        cmocka_unit_test_setup_teardown(
            who_is_asked_again_is_nobody_until_something_is_freed, setup,
            teardown),
        cmocka_unit_test_setup_teardown(each_mix_has_its_own_cheapest, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
