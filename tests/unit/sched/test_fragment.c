#include "sched/fragment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sample.h"
#include "sched/ranking.h"

static struct devices cards(uint32_t count, const uint16_t *free_milli)
{
    struct devices d = {.group_count = 1,
                        .groups = {{.kind = DEVICE_GPU, .count = count}}};
    for (uint32_t i = 0; i < count; i++)
        d.free_milli[i] = free_milli[i];
    return d;
}

static struct device_wish wish(uint32_t count, uint32_t milli)
{
    return (struct device_wish){
        .kind = DEVICE_GPU, .count = count, .milli = milli};
}

static void what_is_left_counts_in_tasks(void **state)
{
    struct candidate c = sample_candidate();
    const struct resources want = {.cpu_milli = 2000, .mem_mib = 1000};
    (void)state;
    /* 8000 - 2000 are three tasks' cores, 3000 - 1000 two tasks' memory */
    assert_int_equal(fragment_left(&c, &want), 3000 + 2000);
}

/* A quarter of a card: onto the card that is in use, not onto a whole one. */
static void a_share_goes_where_cards_are_broken_already(void **state)
{
    const uint16_t whole[] = {1000};
    const uint16_t broken[] = {250};
    struct devices a = cards(1, whole);
    struct devices b = cards(1, broken);
    struct device_wish w = wish(1, 250);
    struct demand d = sample_demand();
    struct candidate ca = sample_candidate();
    struct candidate cb = sample_candidate();
    (void)state;
    d.devices = &w;
    ca.devices = &a;
    cb.devices = &b;
    assert_true(fragment_growth(&cb, &d) < fragment_growth(&ca, &d));
    assert_true(fragment_growth(&cb, &d) < FRAGMENT_NONE);
    assert_true(fragment_growth(&ca, &d) > FRAGMENT_NONE);
}

/* F by hand: of each typical ask, what is idle on cards too small for it; all
 * that is idle where it fits on none. Cores and memory are plenty. */
static int32_t useless_by_hand(const uint16_t *free_milli, uint32_t count,
                               const struct device_wish *w)
{
    const uint32_t asks[4][2] = {
        {w->count, w->milli}, {1, 1000}, {1, 500}, {1, 250}};
    int32_t sum = 0;
    for (unsigned k = 0; k < 4; k++) {
        uint32_t able = 0;
        int32_t idle = 0;
        int32_t small = 0;
        for (uint32_t i = 0; i < count; i++) {
            idle += free_milli[i];
            if (free_milli[i] >= asks[k][1])
                able++;
            else
                small += free_milli[i];
        }
        sum += able >= asks[k][0] ? small : idle;
    }
    return sum;
}

static int by_free(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static void the_growth_is_that_of_the_measure(void **state)
{
    uint64_t seed = 19;
    unsigned tried = 0;
    (void)state;
    while (tried < 500) {
        uint32_t count = 1 + (uint32_t)sample_below(&seed, 8);
        uint16_t free_milli[8] = {0};
        struct device_wish w =
            wish(1 + (uint32_t)sample_below(&seed, 3),
                 125 * (1 + (uint32_t)sample_below(&seed, 8)));
        struct candidate c = sample_candidate();
        struct demand d = sample_demand();
        uint32_t left = w.count;
        for (uint32_t i = 0; i < count; i++)
            free_milli[i] = (uint16_t)(125 * sample_below(&seed, 9));
        qsort(free_milli, count, sizeof(free_milli[0]), by_free);
        struct devices devices = cards(count, free_milli);
        struct devices_verdict verdict;
        c.total.cpu_milli = c.free.cpu_milli = 1000000;
        c.total.mem_mib = c.free.mem_mib = 1000000;
        c.devices = &devices;
        d.devices = &w;
        devices_check(&devices, &w, &verdict);
        if (verdict.reason != REASON_NONE)
            continue;
        int32_t before = useless_by_hand(free_milli, count, &w);
        for (uint32_t i = 0; i < count && left > 0; i++) {
            if (free_milli[i] < w.milli)
                continue;
            free_milli[i] = (uint16_t)(free_milli[i] - w.milli);
            left--;
        }
        int32_t grown = useless_by_hand(free_milli, count, &w) - before;
        int32_t steps = (grown + 4096 * 500) / 500;
        assert_int_equal(fragment_growth(&c, &d), steps);
        tried++;
    }
}

static void the_policy_ranks_by_it(void **state)
{
    const uint16_t whole[] = {1000, 1000};
    const uint16_t broken[] = {500, 1000};
    struct devices a = cards(2, whole);
    struct devices b = cards(2, broken);
    struct device_wish w = wish(1, 500);
    struct demand d = sample_demand();
    struct candidate ca = sample_candidate();
    struct candidate cb = sample_candidate();
    struct ranking ranking;
    struct rank ra;
    struct rank rb;
    (void)state;
    d.policy = POLICY_FRAGMENTATION;
    d.devices = &w;
    ca.devices = &a;
    cb.devices = &b;
    ca.free.cpu_milli = 2000; /* fits exactly: best without devices */
    ranking_init(&ranking, &d, NULL, 0);
    ranking_rank(&ranking, &ca, 1, 0, &ra);
    ranking_rank(&ranking, &cb, 1, 1, &rb);
    assert_true(rank_compare(&rb, &ra) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_counts_in_tasks),
        cmocka_unit_test(a_share_goes_where_cards_are_broken_already),
        cmocka_unit_test(the_growth_is_that_of_the_measure),
        cmocka_unit_test(the_policy_ranks_by_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
