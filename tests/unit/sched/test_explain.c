#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/explain.h"
#include "tests/unit/sched/sample.h"

static void add(struct explain *e, const struct demand *d,
                const struct candidate *c)
{
    struct verdict v;
    feasible_check(d, c, &v);
    explain_add(e, d, c, &v);
}

static void no_offers_have_no_reasons(void **state)
{
    struct explain e;
    (void)state;
    explain_init(&e);
    assert_int_equal(explain_top(&e), REASON_NONE);
    assert_false(e.has_nearest);
}

/* Three refused offers: price alone, price and cores, cores of the total. */
static void fill(struct explain *e, const struct demand *d)
{
    struct candidate c = sample_candidate();
    explain_init(e);
    c.bill = amount_micro(20);
    c.provider.b[0] = 1;
    add(e, d, &c);
    c.free.cpu_milli = 1000;
    c.provider.b[0] = 2;
    add(e, d, &c);
    c = sample_candidate();
    c.bill = amount_micro(10);
    c.total.cpu_milli = 1500;
    c.free.cpu_milli = 1500;
    c.provider.b[0] = 3;
    add(e, d, &c);
}

static void reasons_are_counted_first_any_and_alone(void **state)
{
    struct demand d = sample_demand();
    struct explain e;
    (void)state;
    d.price_max = amount_micro(16);
    fill(&e, &d);
    assert_int_equal(e.offers, 3);
    assert_int_equal(e.fits, 0);
    assert_int_equal(e.first[REASON_PRICE], 2);
    assert_int_equal(e.first[REASON_CPU_TOTAL], 1);
    assert_int_equal(e.any[REASON_CPU_FREE], 1);
    assert_int_equal(e.first[REASON_CPU_FREE], 0);
    assert_int_equal(e.alone[REASON_PRICE], 1);
    assert_int_equal(e.alone[REASON_CPU_TOTAL], 1);
    assert_int_equal(explain_top(&e), REASON_PRICE);
}

static void relaxing_names_the_figure_that_frees_the_first(void **state)
{
    struct demand d = sample_demand();
    struct candidate c = sample_candidate();
    enum reason list[REASON_COUNT];
    struct explain e;
    (void)state;
    d.price_max = amount_micro(16);
    fill(&e, &d);
    c.bill = amount_micro(18);
    add(&e, &d, &c);
    assert_true(e.relax_to[REASON_PRICE] == 18);
    assert_true(e.relax_to[REASON_CPU_TOTAL] == 1500);
    assert_int_equal(explain_relaxations(&e, list), 2);
    assert_int_equal(list[0], REASON_PRICE); /* frees two */
    assert_int_equal(list[1], REASON_CPU_TOTAL);
}

static void the_nearest_miss_lacks_the_fewest_things_the_least(void **state)
{
    struct demand d = sample_demand();
    struct candidate c = sample_candidate();
    struct explain e;
    (void)state;
    d.price_max = amount_micro(16);
    fill(&e, &d); /* price misses by 200, cores by 250 thousandths */
    assert_int_equal(e.nearest_provider.b[0], 1);
    c.bill = amount_micro(17);
    c.provider.b[0] = 9;
    add(&e, &d, &c);
    assert_int_equal(e.nearest_provider.b[0], 9);
    c.provider.b[0] = 8; /* equal in all: the lower key */
    add(&e, &d, &c);
    assert_int_equal(e.nearest_provider.b[0], 8);
    assert_int_equal(e.nearest.reason, REASON_PRICE);
}

static void waiting_is_told_apart_from_asking_less(void **state)
{
    struct demand d = sample_demand();
    struct candidate c = sample_candidate();
    struct explain e;
    (void)state;
    explain_init(&e);
    c.slots_free = 0;
    c.free.mem_mib = 0;
    add(&e, &d, &c);
    assert_int_equal(e.later, 1);
    c.time_ms_max = 1;
    add(&e, &d, &c);
    assert_int_equal(e.later, 1);
}

static void notes_do_not_refuse(void **state)
{
    struct demand d = sample_demand();
    struct candidate c = sample_candidate();
    struct explain e;
    (void)state;
    explain_init(&e);
    d.policy = POLICY_NEAREST;
    c.rtt_us = 0;
    add(&e, &d, &c);
    assert_int_equal(e.fits, 1);
    assert_int_equal(e.first[REASON_RTT_UNKNOWN], 1);
    assert_int_equal(explain_top(&e), REASON_NONE);
    assert_false(e.has_nearest);
}

/* Relaxing is recomputed by brute force: take the wish away and count. */
static void random_relaxations_free_what_they_promise(void **state)
{
    enum { COUNT = 60 };
    uint64_t seed = 23;
    uint32_t freed_in_all = 0;
    (void)state;
    for (int round = 0; round < 500; round++) {
        struct candidate list[COUNT];
        struct demand d;
        struct demand free_price;
        struct explain e;
        struct explain after;
        sample_random_demand(&seed, &d);
        d.price_max = amount_micro(1 + sample_below(&seed, 60));
        free_price = d;
        free_price.price_max = amount_micro(0);
        explain_init(&e);
        explain_init(&after);
        for (size_t i = 0; i < COUNT; i++) {
            sample_random_candidate(&seed, &list[i]);
            add(&e, &d, &list[i]);
            add(&after, &free_price, &list[i]);
        }
        assert_int_equal(after.fits, e.fits + e.alone[REASON_PRICE]);
        freed_in_all += e.alone[REASON_PRICE];
        if (e.alone[REASON_PRICE] == 0)
            continue;
        d.price_max = amount_micro(e.relax_to[REASON_PRICE]);
        explain_init(&after);
        for (size_t i = 0; i < COUNT; i++)
            add(&after, &d, &list[i]);
        assert_true(after.fits > e.fits);
        d.price_max = amount_micro(e.relax_to[REASON_PRICE] - 1);
        explain_init(&after);
        for (size_t i = 0; i < COUNT; i++)
            add(&after, &d, &list[i]);
        assert_int_equal(after.fits, e.fits);
    }
    assert_true(freed_in_all > 100);
}

static void an_explanation_reads_in_a_few_lines(void **state)
{
    struct demand d = sample_demand();
    struct explain e;
    struct buf buf;
    (void)state;
    d.price_max = amount_micro(16);
    fill(&e, &d);
    buf_init(&buf, 2048);
    explain_format(&e, &d, &buf);
    assert_string_equal(
        buf_cstr(&buf),
        "3 offers, 0 fit: 2 price, 1 cpu-total\n"
        "nearest miss: the bill would be above the price cap: bill 0.00002 "
        "credits, cap 0.000016 credits\n"
        "would free 1: ask for fewer cores (up to 1500m)\n"
        "would free 1: raise the price cap (from 0.00002 credits)\n");
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_offers_have_no_reasons),
        cmocka_unit_test(reasons_are_counted_first_any_and_alone),
        cmocka_unit_test(relaxing_names_the_figure_that_frees_the_first),
        cmocka_unit_test(the_nearest_miss_lacks_the_fewest_things_the_least),
        cmocka_unit_test(waiting_is_told_apart_from_asking_less),
        cmocka_unit_test(notes_do_not_refuse),
        cmocka_unit_test(random_relaxations_free_what_they_promise),
        cmocka_unit_test(an_explanation_reads_in_a_few_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
