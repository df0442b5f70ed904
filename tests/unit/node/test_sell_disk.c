/* The seller and its disk: nothing is promised that it may not hold. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/shop_rig.h"

#define RESERVE 1000u

/* So much is free, now, above the reserve. */
static void disk_has(struct shop *shop, uint64_t mib)
{
    struct sell_disk disk = {
        .known = true, .free_mib = RESERVE + mib, .reserve_mib = RESERVE};
    sell_disk(shop->sell, &disk);
}

static uint64_t need(const struct shop *shop)
{
    return shop->request.resources.disk_mib;
}

static void a_disk_nobody_told_of_limits_nothing(void **state)
{
    struct shop *shop = *state;
    struct resources now;
    assert_true(sell_disk_room_mib(shop->sell) == UINT64_MAX);
    sell_free_now(shop->sell, &now);
    assert_int_equal(now.disk_mib, shop->config.total.disk_mib);
    ask_hold(shop, RIG_AGENT, 0, 0);
    (void)quote_of(shop);
}

static void a_hold_needs_room_for_the_volume_and_its_outputs(void **state)
{
    struct shop *shop = *state;
    disk_has(shop, 2 * need(shop) - 1);
    ask_hold(shop, RIG_AGENT, 0, 0);
    refused_with(shop, ERR_DISK);
    assert_int_equal(refusal_of(shop).free.disk_mib, need(shop) - 1);
    assert_true(empty(shop));
    disk_has(shop, 2 * need(shop));
    ask_hold(shop, RIG_AGENT, 0, 0);
    (void)quote_of(shop);
}

static void what_was_promised_is_not_promised_again(void **state)
{
    struct shop *shop = *state;
    disk_has(shop, 3 * need(shop));
    ask_hold(shop, RIG_AGENT, 0, 0);
    (void)quote_of(shop);
    assert_int_equal(sell_disk_promised_mib(shop->sell), need(shop));
    ask_hold(shop, RIG_AGENT, 1, 0);
    (void)quote_of(shop);
    ask_hold(shop, RIG_AGENT, 2, 0);
    refused_with(shop, ERR_DISK);
    assert_int_equal(refusal_of(shop).free.disk_mib, 0);
}

static void blobs_on_their_way_take_their_room_already(void **state)
{
    struct shop *shop = *state;
    struct sell_disk disk = {.known = true,
                             .free_mib = RESERVE + 2 * need(shop) + 99,
                             .reserve_mib = RESERVE,
                             .coming_mib = 100};
    sell_disk(shop->sell, &disk);
    ask_hold(shop, RIG_AGENT, 0, 0);
    refused_with(shop, ERR_DISK);
    disk.coming_mib = 99;
    sell_disk(shop->sell, &disk);
    ask_hold(shop, RIG_AGENT, 0, 0);
    (void)quote_of(shop);
}

/* The volume is taken in whole at the start: what is free says so by then. */
static void a_volume_counts_as_promised_until_its_job_runs(void **state)
{
    struct shop *shop = *state;
    disk_has(shop, 100 * need(shop));
    to_starting(shop);
    assert_int_equal(sell_disk_promised_mib(shop->sell), need(shop));
    executor_says(shop, EXEC_RUNNING, 0);
    assert_int_equal(sell_disk_promised_mib(shop->sell), 0);
    disk_has(shop, need(shop)); /* for this one's outputs */
    assert_int_equal(sell_disk_room_mib(shop->sell), 0);
    disk_has(shop, need(shop) + 7);
    assert_int_equal(sell_disk_room_mib(shop->sell), 7);
}

static void a_job_that_ended_leaves_its_room(void **state)
{
    struct shop *shop = *state;
    disk_has(shop, 100 * need(shop));
    to_delivering(shop);
    disk_has(shop, 10 * need(shop));
    assert_int_equal(sell_disk_promised_mib(shop->sell), 0);
    assert_int_equal(sell_disk_room_mib(shop->sell), 5 * need(shop));
}

static void a_short_disk_refuses_all_and_says_so_open_or_not(void **state)
{
    struct shop *shop = *state;
    struct sell_disk disk = {.known = true,
                             .is_short = true,
                             .free_mib = RESERVE + 100 * need(shop),
                             .reserve_mib = RESERVE};
    sell_disk(shop->sell, &disk);
    ask_hold(shop, RIG_AGENT, 0, 0);
    refused_with(shop, ERR_DISK);
    sell_open(shop->sell, false);
    ask_hold(shop, RIG_AGENT, 0, 0);
    refused_with(shop, ERR_DISK);
    disk.is_short = false;
    sell_disk(shop->sell, &disk);
    ask_hold(shop, RIG_AGENT, 0, 0);
    refused_with(shop, ERR_NOT_SELLING);
}

static void a_disk_below_its_reserve_has_no_room_not_a_wrapped_one(void **state)
{
    struct shop *shop = *state;
    struct sell_disk disk = {
        .known = true, .free_mib = 1, .reserve_mib = RESERVE};
    sell_disk(shop->sell, &disk);
    assert_int_equal(sell_disk_room_mib(shop->sell), 0);
    disk = (struct sell_disk){
        .known = true, .free_mib = UINT64_MAX, .coming_mib = UINT64_MAX};
    sell_disk(shop->sell, &disk);
    assert_int_equal(sell_disk_room_mib(shop->sell), 0);
}

/* What runs goes on, however full the disk gets. */
static void running_contracts_are_served_when_the_disk_is_short(void **state)
{
    struct shop *shop = *state;
    disk_has(shop, 100 * need(shop));
    to_running(shop);
    sell_disk(shop->sell, &(struct sell_disk){.known = true, .is_short = true});
    shop->now_ms += 20000;
    executor_ends(shop, END_DONE, 0, 20000);
    collected(shop, ERR_FULL);
    state_is(shop, SELL_PUBLISHING); /* until there is room */
    at(shop, shop->now_ms + 6000);
    assert_non_null(rig_find(&shop->fx, EFFECT_EXEC_COLLECT));
    collected(shop, OK);
    state_is(shop, SELL_DELIVERING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_disk_nobody_told_of_limits_nothing),
        T(a_hold_needs_room_for_the_volume_and_its_outputs),
        T(what_was_promised_is_not_promised_again),
        T(blobs_on_their_way_take_their_room_already),
        T(a_volume_counts_as_promised_until_its_job_runs),
        T(a_job_that_ended_leaves_its_room),
        T(a_short_disk_refuses_all_and_says_so_open_or_not),
        T(a_disk_below_its_reserve_has_no_room_not_a_wrapped_one),
        T(running_contracts_are_served_when_the_disk_is_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
