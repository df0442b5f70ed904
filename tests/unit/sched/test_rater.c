#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/fleet/rater.h"
#include "tests/unit/sched/fleet_sample.h"

static void add(struct fleet *fleet, struct machine machine)
{
    assert_int_equal(fleet_add(fleet, &machine), OK);
}

static void take(struct fleet *fleet, uint32_t machine, struct ask ask,
                 uint32_t devices)
{
    const struct grant grant = {machine, devices};
    assert_int_equal(fleet_take(fleet, &ask, &grant), OK);
}

static struct rating rate(const struct fleet *fleet, const struct frag *frag,
                          enum fleet_policy policy, uint32_t machine,
                          struct ask ask)
{
    struct rating rating = {0};
    struct rater *rater = NULL;
    assert_int_equal(rater_new(policy, fleet, frag, &rater), OK);
    rater_rate(rater, machine, &ask, &rating);
    rater_free(rater);
    return rating;
}

/* Is machine a rated better than machine b? */
static bool prefers(const struct fleet *fleet, enum fleet_policy policy,
                    struct ask ask, uint32_t a, uint32_t b)
{
    struct rating x = rate(fleet, NULL, policy, a, ask);
    struct rating y = rate(fleet, NULL, policy, b, ask);
    return rating_better(&x, &y);
}

static void policies_have_names_and_help(void **state)
{
    size_t count = 0;
    (void)state;
    for (enum fleet_policy p = fleet_policy_nth(0); p != 0;
         p = fleet_policy_nth(++count)) {
        enum fleet_policy back;
        assert_true(strlen(fleet_policy_help(p)) > 5);
        assert_int_equal(fleet_policy_parse(fleet_policy_text(p), &back), OK);
        assert_int_equal(back, p);
    }
    assert_int_equal(count, 8);
    enum fleet_policy policy = FLEET_FGD;
    assert_int_equal(fleet_policy_parse("worstfit", &policy), OK);
    assert_int_equal(policy, FLEET_SPREAD);
    assert_int_equal(fleet_policy_parse("nearest", &policy), ERR_PARSE);
    assert_int_equal(policy, FLEET_SPREAD);
    assert_string_equal(fleet_policy_text((enum fleet_policy)99), "?");
}

/* Machine 0 is in use, 1 is as large and empty, 2 is small and empty. */
static void three(struct fleet *fleet)
{
    assert_int_equal(fleet_init(fleet, 3), OK);
    add(fleet, sample_machine(16, 4, 1));
    add(fleet, sample_machine(16, 4, 1));
    add(fleet, sample_machine(8, 1, 1));
    take(fleet, 0, sample_share(2, 300), 2);
    take(fleet, 0, sample_share(2, 500), 4);
}

static void bestfit_and_spread_are_opposites(void **state)
{
    struct ask ask = sample_share(1, 200);
    struct fleet fleet;
    (void)state;
    three(&fleet);
    assert_true(prefers(&fleet, FLEET_BESTFIT, ask, 2, 0));
    assert_true(prefers(&fleet, FLEET_BESTFIT, ask, 0, 1));
    assert_true(prefers(&fleet, FLEET_SPREAD, ask, 1, 0));
    assert_true(prefers(&fleet, FLEET_SPREAD, ask, 0, 2));
    assert_int_equal(rate(&fleet, NULL, FLEET_BESTFIT, 0, ask).devices, 4);
    assert_int_equal(rate(&fleet, NULL, FLEET_SPREAD, 0, ask).devices, 1);
    fleet_done(&fleet);
}

static void packing_opens_as_little_as_it_can(void **state)
{
    struct ask share = sample_share(1, 200);
    struct ask plain = sample_whole(1, 0);
    struct fleet fleet;
    (void)state;
    three(&fleet);
    assert_true(prefers(&fleet, FLEET_PACKING, share, 0, 2));
    assert_true(prefers(&fleet, FLEET_PACKING, share, 2, 1));
    assert_true(prefers(&fleet, FLEET_PACKING, plain, 0, 2));
    assert_true(prefers(&fleet, FLEET_PACKING, sample_whole(1, 1), 0, 2));
    take(&fleet, 1, sample_share(1, 700), 1);
    /* 300 left over on the device are tighter than 500 */
    assert_true(prefers(&fleet, FLEET_PACKING, share, 1, 0));
    /* 400 go on a shared device of 0, and open one of 1 */
    assert_true(prefers(&fleet, FLEET_PACKING, sample_share(1, 400), 0, 1));
    fleet_done(&fleet);
}

static void clustering_keeps_like_with_like(void **state)
{
    struct ask share = sample_share(1, 200);
    struct ask whole = sample_whole(1, 1);
    struct fleet fleet;
    (void)state;
    three(&fleet);
    take(&fleet, 1, sample_whole(1, 1), 1);
    assert_true(prefers(&fleet, FLEET_CLUSTERING, share, 0, 2));
    assert_true(prefers(&fleet, FLEET_CLUSTERING, share, 2, 1));
    assert_true(prefers(&fleet, FLEET_CLUSTERING, whole, 1, 2));
    assert_true(prefers(&fleet, FLEET_CLUSTERING, whole, 2, 0));
    take(&fleet, 1, sample_share(1, 200), 2); /* both kinds */
    assert_true(prefers(&fleet, FLEET_CLUSTERING, share, 0, 1));
    assert_true(prefers(&fleet, FLEET_CLUSTERING, share, 1, 2));
    fleet_done(&fleet);
}

static void dotprod_goes_where_little_is_free_of_what_is_wanted(void **state)
{
    struct ask cores = sample_whole(8, 0);
    struct ask devices = sample_whole(0, 1);
    struct fleet fleet;
    (void)state;
    assert_int_equal(fleet_init(&fleet, 2), OK);
    add(&fleet, sample_machine(16, 1, 1));
    add(&fleet, sample_machine(8, 4, 1));
    assert_true(prefers(&fleet, FLEET_DOTPROD, cores, 1, 0));
    assert_true(prefers(&fleet, FLEET_DOTPROD, devices, 0, 1));
    fleet_done(&fleet);
}

static void fgd_does_not_break_a_card_that_is_wanted_whole(void **state)
{
    struct ask typical[2] = {sample_whole(1, 1), sample_share(1, 300)};
    struct frag *frag = NULL;
    struct fleet fleet;
    struct rating broken;
    struct rating whole;
    (void)state;
    assert_int_equal(frag_new(typical, 2, 1000, &frag), OK);
    assert_int_equal(fleet_init(&fleet, 2), OK);
    add(&fleet, sample_machine(16, 2, 1));
    add(&fleet, sample_machine(16, 2, 1));
    take(&fleet, 0, sample_share(1, 300), 2);
    broken = rate(&fleet, frag, FLEET_FGD, 0, sample_share(1, 300));
    whole = rate(&fleet, frag, FLEET_FGD, 1, sample_share(1, 300));
    assert_int_equal(broken.devices, 2); /* the one that is broken already */
    assert_true(rating_better(&broken, &whole));
    fleet_done(&fleet);
    frag_free(frag);
}

/* Models 1 and 2 are equally many; as much of 2 is wanted by those bound to it
 * as there is, if tasks come until everything is wanted. */
static void fgd_spares_models_that_others_are_bound_to(void **state)
{
    struct ask typical[2] = {sample_whole(1, 1), sample_whole(1, 1)};
    struct frag *frag = NULL;
    struct fleet fleet;
    struct rating common;
    struct rating scarce;
    (void)state;
    typical[1].models = model_bit(2);
    assert_int_equal(frag_new(typical, 2, 1000, &frag), OK);
    assert_int_equal(fleet_init(&fleet, 2), OK);
    add(&fleet, sample_machine(16, 4, 2));
    add(&fleet, sample_machine(16, 4, 1));
    scarce = rate(&fleet, frag, FLEET_FGD, 0, typical[0]);
    common = rate(&fleet, frag, FLEET_FGD, 1, typical[0]);
    assert_true(rating_better(&common, &scarce));
    /* Where tasks are bound to both, neither is the scarcer. */
    typical[0].models = model_bit(1);
    frag_free(frag);
    assert_int_equal(frag_new(typical, 2, 1000, &frag), OK);
    scarce = rate(&fleet, frag, FLEET_FGD, 0, sample_whole(1, 1));
    common = rate(&fleet, frag, FLEET_FGD, 1, sample_whole(1, 1));
    assert_int_equal(common.score, scarce.score);
    fleet_done(&fleet);
    frag_free(frag);
}

/* A rating names devices that can be taken, whatever the policy. */
static void what_is_rated_can_be_taken(void **state)
{
    struct ask typical[64];
    struct frag *frag = NULL;
    struct dice dice;
    (void)state;
    dice_init(&dice, 3);
    for (size_t i = 0; i < 64; i++)
        typical[i] = sample_any_ask(&dice);
    assert_int_equal(frag_new(typical, 64, 950, &frag), OK);
    for (size_t p = 1; fleet_policy_nth(p) != 0; p++) {
        struct fleet fleet;
        struct rater *rater = NULL;
        assert_int_equal(fleet_init(&fleet, 8), OK);
        for (uint32_t i = 0; i < 8; i++)
            add(&fleet, sample_any_machine(&dice));
        assert_int_equal(rater_new(fleet_policy_nth(p), &fleet, frag, &rater),
                         OK);
        assert_false(rater_throws(rater));
        for (uint32_t i = 0; i < 4000; i++) {
            struct ask ask = sample_any_ask(&dice);
            struct rating rating;
            if (i % 500 == 0)
                fleet_clear(&fleet);
            if (!machine_fits(&fleet.machines[i % 8], &ask))
                continue;
            rater_rate(rater, i % 8, &ask, &rating);
            take(&fleet, i % 8, ask, rating.devices);
        }
        rater_free(rater);
        fleet_done(&fleet);
    }
    frag_free(frag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_have_names_and_help),
        cmocka_unit_test(bestfit_and_spread_are_opposites),
        cmocka_unit_test(packing_opens_as_little_as_it_can),
        cmocka_unit_test(clustering_keeps_like_with_like),
        cmocka_unit_test(dotprod_goes_where_little_is_free_of_what_is_wanted),
        cmocka_unit_test(fgd_does_not_break_a_card_that_is_wanted_whole),
        cmocka_unit_test(fgd_spares_models_that_others_are_bound_to),
        cmocka_unit_test(what_is_rated_can_be_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
