#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/fleet/picker.h"
#include "tests/unit/sched/fleet_sample.h"

#define MACHINES 12
#define HELD     128

static struct frag *learn(struct dice *dice)
{
    struct ask typical[100];
    struct frag *frag = NULL;
    for (size_t i = 0; i < 100; i++)
        typical[i] = sample_any_ask(dice);
    assert_int_equal(frag_new(typical, 100, 950, &frag), OK);
    return frag;
}

static void fill(struct fleet *fleet, struct dice *dice)
{
    assert_int_equal(fleet_init(fleet, MACHINES), OK);
    for (uint32_t i = 0; i < MACHINES; i++) {
        struct machine machine = sample_any_machine(dice);
        assert_int_equal(fleet_add(fleet, &machine), OK);
    }
}

static bool any_fits(const struct fleet *fleet, const struct ask *ask)
{
    bool fits = false;
    for (uint32_t i = 0; i < fleet->count; i++)
        fits = fits || machine_fits(&fleet->machines[i], ask);
    return fits;
}

/* The best machine from first principles; policies without dice. */
static void pick_plainly(const struct fleet *fleet, struct rater *rater,
                         const struct ask *ask, struct grant *out)
{
    struct rating best = {0};
    out->machine = UINT32_MAX;
    for (uint32_t i = 0; i < fleet->count; i++) {
        struct rating rating;
        if (!machine_fits(&fleet->machines[i], ask))
            continue;
        rater_rate(rater, i, ask, &rating);
        if (out->machine == UINT32_MAX || rating_better(&rating, &best)) {
            best = rating;
            *out = (struct grant){i, rating.devices};
        }
    }
}

struct held {
    struct ask ask;
    struct grant grant;
};

/* Tasks come and go; what is picked from memory is what is picked anew. */
static void live(enum fleet_policy policy, uint32_t memory, struct dice *dice)
{
    struct frag *frag = learn(dice);
    struct held held[HELD];
    uint32_t count = 0;
    struct fleet fleet;
    struct picker *picker = NULL;
    struct rater *rater = NULL;
    fill(&fleet, dice);
    assert_int_equal(picker_new(policy, &fleet, frag, memory, &picker), OK);
    assert_int_equal(rater_new(policy, &fleet, frag, &rater), OK);
    for (int step = 0; step < 1500; step++) {
        struct ask ask = sample_any_ask(dice);
        struct grant grant;
        struct grant plain;
        enum err err = picker_pick(picker, &ask, NULL, dice, &grant);
        assert_int_equal(err == OK, any_fits(&fleet, &ask));
        if (err == OK && count < HELD) {
            pick_plainly(&fleet, rater, &ask, &plain);
            if (!rater_throws(rater))
                assert_memory_equal(&grant, &plain, sizeof(grant));
            assert_int_equal(fleet_take(&fleet, &ask, &grant), OK);
            held[count++] = (struct held){ask, grant};
        }
        if (count > 0 && dice_chance(dice, 300)) {
            uint32_t i = (uint32_t)dice_below(dice, count);
            assert_int_equal(fleet_give(&fleet, &held[i].ask, &held[i].grant),
                             OK);
            held[i] = held[--count];
        }
    }
    rater_free(rater);
    picker_free(picker);
    fleet_done(&fleet);
    frag_free(frag);
}

static void what_is_remembered_is_what_is(void **state)
{
    static const uint32_t memories[] = {0, 1, 7, 1000};
    struct dice dice;
    (void)state;
    dice_init(&dice, 9);
    for (size_t p = 0; fleet_policy_nth(p) != 0; p++) {
        for (size_t m = 0; m < 4; m++)
            live(fleet_policy_nth(p), memories[m], &dice);
    }
}

static void chance_reaches_every_machine_and_device_alike(void **state)
{
    enum { THROWS = 30000 };
    uint32_t counts[3][2] = {{0}};
    struct machine machine = sample_machine(4, 2, 1);
    struct ask ask = sample_share(1, 500);
    struct picker *picker = NULL;
    struct fleet fleet;
    struct dice dice;
    (void)state;
    dice_init(&dice, 1);
    assert_int_equal(fleet_init(&fleet, 3), OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(fleet_add(&fleet, &machine), OK);
    assert_int_equal(picker_new(FLEET_RANDOM, &fleet, NULL, 4, &picker), OK);
    for (int i = 0; i < THROWS; i++) {
        struct grant grant;
        assert_int_equal(picker_pick(picker, &ask, NULL, &dice, &grant), OK);
        counts[grant.machine][grant.devices - 1]++;
    }
    for (int i = 0; i < 6; i++)
        assert_in_range(counts[i / 2][i % 2], 4700, 5300);
    picker_free(picker);
    fleet_done(&fleet);
}

static void the_first_of_equals_is_picked_without_dice(void **state)
{
    struct machine machine = sample_machine(4, 2, 1);
    struct ask ask = sample_share(1, 500);
    struct ask odd = {.devices = 1};
    struct picker *picker = NULL;
    struct grant grant = {7, 7};
    struct fleet fleet;
    struct dice dice;
    struct dice before;
    (void)state;
    dice_init(&dice, 1);
    before = dice;
    assert_int_equal(fleet_init(&fleet, 2), OK);
    assert_int_equal(fleet_add(&fleet, &machine), OK);
    assert_int_equal(fleet_add(&fleet, &machine), OK);
    assert_int_equal(picker_new(FLEET_BESTFIT, &fleet, NULL, 4, &picker), OK);
    assert_int_equal(picker_pick(picker, &odd, NULL, &dice, &grant), ERR_RANGE);
    ask.milli = 1000;
    ask.devices = 3;
    assert_int_equal(picker_pick(picker, &ask, NULL, &dice, &grant),
                     ERR_CAPACITY);
    assert_int_equal(grant.machine, 7); /* untouched on refusal */
    ask.devices = 2;
    assert_int_equal(picker_pick(picker, &ask, NULL, &dice, &grant), OK);
    assert_int_equal(grant.machine, 0);
    assert_int_equal(grant.devices, 3);
    assert_memory_equal(&dice, &before, sizeof(dice));
    picker_free(picker);
    fleet_done(&fleet);
}

static void a_fleet_without_machines_takes_nothing(void **state)
{
    struct ask ask = sample_whole(1, 0);
    struct picker *picker = NULL;
    struct grant grant;
    struct fleet fleet;
    struct dice dice;
    (void)state;
    dice_init(&dice, 1);
    assert_int_equal(fleet_init(&fleet, 0), OK);
    assert_int_equal(picker_new(FLEET_PACKING, &fleet, NULL, 4, &picker), OK);
    assert_int_equal(picker_pick(picker, &ask, NULL, &dice, &grant),
                     ERR_CAPACITY);
    picker_free(picker);
    fleet_done(&fleet);
}

/* The list is what sorting all ratings gives, and its first is the pick. */
static void the_top_is_the_best_in_order(void **state)
{
    struct dice dice;
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct picker *picker = NULL;
        struct rater *rater = NULL;
        struct grant top[PICKER_TOP_MAX];
        struct grant pick = {0, 0};
        struct fleet fleet;
        struct ask ask;
        uint32_t max = 1 + (uint32_t)(seed % PICKER_TOP_MAX);
        uint32_t count = 99;
        uint32_t fits = 0;
        dice_init(&dice, seed);
        assert_int_equal(fleet_init(&fleet, 24), OK);
        for (uint32_t i = 0; i < 24; i++) {
            struct machine machine = sample_any_machine(&dice);
            assert_int_equal(fleet_add(&fleet, &machine), OK);
        }
        ask = sample_whole((uint32_t)dice_between(&dice, 1, 8), 1);
        assert_int_equal(picker_new(FLEET_BESTFIT, &fleet, NULL, 4, &picker),
                         OK);
        assert_int_equal(rater_new(FLEET_BESTFIT, &fleet, NULL, &rater), OK);
        assert_int_equal(picker_pick(picker, &ask, NULL, &dice, &pick), OK);
        assert_int_equal(picker_top(picker, &ask, NULL, max, top, &count), OK);
        assert_int_equal(top[0].machine, pick.machine);
        assert_int_equal(top[0].devices, pick.devices);
        for (uint32_t i = 0; i < 24; i++) {
            struct rating rating;
            struct rating last;
            bool listed = false;
            if (!machine_fits(&fleet.machines[i], &ask))
                continue;
            fits++;
            for (uint32_t k = 0; k < count; k++)
                listed = listed || top[k].machine == i;
            rater_rate(rater, i, &ask, &rating);
            rater_rate(rater, top[count - 1].machine, &ask, &last);
            assert_true(listed || !rating_better(&rating, &last));
        }
        assert_int_equal(count, fits < max ? fits : max);
        for (uint32_t k = 1; k < count; k++) {
            struct rating a;
            struct rating b;
            rater_rate(rater, top[k - 1].machine, &ask, &a);
            rater_rate(rater, top[k].machine, &ask, &b);
            assert_false(rating_better(&b, &a));
        }
        ask.want.cpu_milli = 1000000;
        assert_int_equal(picker_top(picker, &ask, NULL, max, top, &count),
                         ERR_CAPACITY);
        rater_free(rater);
        picker_free(picker);
        fleet_done(&fleet);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_remembered_is_what_is),
        cmocka_unit_test(chance_reaches_every_machine_and_device_alike),
        cmocka_unit_test(the_first_of_equals_is_picked_without_dice),
        cmocka_unit_test(the_top_is_the_best_in_order),
        cmocka_unit_test(a_fleet_without_machines_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
