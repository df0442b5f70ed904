/* The market's share of the chain's parameters. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/market/world.h"

static void a_genesis_that_says_nothing_means_the_defaults(void **state)
{
    struct world world;
    struct params genesis;
    struct market_params p, q;
    (void)state;
    params_init(&genesis);
    market_params_default(&p);
    assert_int_equal(p.bond_permille, 100);
    assert_int_equal(p.claim_ms, 120000);
    assert_int_equal(p.open_fee_micro, 3000);
    assert_int_equal(p.review_ms, 600000);
    assert_int_equal(p.review_ms_max, 86400000);
    assert_int_equal(market_params_of(&genesis, &q), OK);
    assert_memory_equal(&p, &q, sizeof(p));
    memset(&q, 0, sizeof(q));
    world_init(&world);
    assert_int_equal(market_params_load(world.state, &q), OK);
    assert_memory_equal(&p, &q, sizeof(p));
    world_done(&world);
}

static void a_filled_genesis_spells_out_every_name(void **state)
{
    struct params genesis;
    struct market_params p;
    uint64_t value;
    (void)state;
    params_init(&genesis);
    assert_int_equal(params_set(&genesis, "claim_ms", 5000), OK);
    assert_int_equal(market_params_fill(&genesis), OK);
    assert_int_equal(params_get(&genesis, "claim_ms", &value), OK);
    assert_int_equal(value, 5000);
    assert_int_equal(params_get(&genesis, "bond_permille", &value), OK);
    assert_int_equal(value, 100);
    assert_int_equal(params_check(&genesis), OK);
    assert_int_equal(market_params_of(&genesis, &p), OK);
    assert_int_equal(p.claim_ms, 5000);
}

static void a_value_out_of_bounds_is_refused_everywhere(void **state)
{
    struct world world;
    struct params genesis, was;
    struct market_params p = {.claim_ms = 1};
    (void)state;
    params_init(&genesis);
    assert_int_equal(params_set(&genesis, "bond_permille", 1001), OK);
    was = genesis;
    assert_int_equal(market_params_of(&genesis, &p), ERR_RANGE);
    assert_int_equal(market_params_fill(&genesis), ERR_RANGE);
    assert_int_equal(genesis.count, was.count);
    world_init(&world);
    assert_int_equal(params_state_put(world.state, "review_ms", 0), OK);
    assert_int_equal(market_params_load(world.state, &p), ERR_RANGE);
    assert_int_equal(p.claim_ms, 1);
    world_done(&world);
}

static void the_bond_is_a_share_of_the_cap_rounded_up(void **state)
{
    struct market_params p;
    (void)state;
    market_params_default(&p);
    assert_int_equal(market_bond_min(&p, amount_micro(0)).micro, 0);
    assert_int_equal(market_bond_min(&p, amount_micro(1)).micro, 1);
    assert_int_equal(market_bond_min(&p, amount_micro(10)).micro, 1);
    assert_int_equal(market_bond_min(&p, amount_micro(11)).micro, 2);
    p.bond_permille = 1000;
    assert_true(market_bond_min(&p, amount_micro(UINT64_MAX)).micro ==
                UINT64_MAX);
    p.bond_permille = 0;
    assert_int_equal(market_bond_min(&p, amount_micro(UINT64_MAX)).micro, 0);
}

static void a_review_lasts_twice_the_run_within_its_bounds(void **state)
{
    struct market_params p;
    (void)state;
    market_params_default(&p);
    assert_int_equal(market_review_ms(&p, 0), 600000);
    assert_int_equal(market_review_ms(&p, 300000), 600000);
    assert_int_equal(market_review_ms(&p, 300001), 600002);
    assert_int_equal(market_review_ms(&p, 43200000), 86400000);
    assert_int_equal(market_review_ms(&p, 43200001), 86400000);
    assert_int_equal(market_review_ms(&p, UINT64_MAX), 86400000);
    p.review_ms_max = 1; /* the shorter of two that contradict gives way */
    assert_int_equal(market_review_ms(&p, UINT64_MAX), 600000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_genesis_that_says_nothing_means_the_defaults),
        cmocka_unit_test(a_filled_genesis_spells_out_every_name),
        cmocka_unit_test(a_value_out_of_bounds_is_refused_everywhere),
        cmocka_unit_test(the_bond_is_a_share_of_the_cap_rounded_up),
        cmocka_unit_test(a_review_lasts_twice_the_run_within_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
