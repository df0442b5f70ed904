/* The seller and the chain: what records say, and what is done when a clock
 * runs out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/shop_rig.h"

static void a_final_contract_asks_for_its_description(void **state)
{
    struct shop *shop = *state;
    to_waiting(shop);
    state_is(shop, SELL_WAITING_START);
    assert_int_equal(rig_job_state(&shop->fx).phase, JOB_WAITING_START);
    chain_says(shop); /* told twice */
    state_is(shop, SELL_WAITING_START);
}

static void the_chains_terms_count(void **state)
{
    struct shop *shop = *state;
    to_held(shop);
    shop->contract.deadline_ms += 77;
    shop->contract.hour = amount_micro(5);
    chain_says(shop);
    assert_int_equal(shop->sell->first->quote.deadline_ms,
                     shop->quote.deadline_ms + 77);
    assert_int_equal(shop->sell->first->quote.hour.micro, 5);
}

static void anothers_contract_is_nothing_to_us(void **state)
{
    struct shop *shop = *state;
    to_held(shop);
    shop->contract.provider = rig_key_of(RIG_OTHER);
    chain_says(shop);
    state_is(shop, SELL_HELD);
    assert_null(rig_find(&shop->fx, EFFECT_TX));
}

/* ---- what does not start in time ---- */

static void refused_before_start_by(struct shop *shop, enum end_reason reason)
{
    uint64_t at_ms = shop->quote.start_by_ms - SELL_START_MARGIN_MS;
    at(shop, at_ms - 1);
    assert_null(rig_tx(&shop->fx, TX_CONTRACT_REFUSE));
    assert_true(rig_need(&shop->fx, EFFECT_WAKE)->at_ms <= at_ms);
    at(shop, at_ms);
    assert_int_equal(refusal_reason(shop), reason);
    state_is(shop, SELL_REFUSING);
    assert_int_equal(rig_job_state(&shop->fx).phase, JOB_FAILED);
}

static void no_description_in_time_is_refused_for_free(void **state)
{
    struct shop *shop = *state;
    to_waiting(shop);
    refused_before_start_by(shop, END_PROVIDER_REFUSED);
    assert_int_equal(free_cpu(shop), 2000);
}

static void no_inputs_in_time_is_refused_for_free(void **state)
{
    struct shop *shop = *state;
    to_staging(shop);
    refused_before_start_by(shop, END_STAGING_FAILED);
}

static void no_start_in_time_is_refused_for_free(void **state)
{
    struct shop *shop = *state;
    to_starting(shop);
    refused_before_start_by(shop, END_EXECUTOR_FAILED);
    assert_non_null(rig_find(&shop->fx, EFFECT_EXEC_KILL));
    assert_int_equal(free_cpu(shop), 1500); /* it may run, for all we know */
    executor_says(shop, EXEC_UNKNOWN, 0);
    assert_int_equal(free_cpu(shop), 2000);
}

static void a_clock_that_is_behind_the_chains_is_not_too_late(void **state)
{
    struct shop *shop = *state;
    struct trade_event tick = {.kind = TRADE_TICK, .now_ms = shop->now_ms};
    to_waiting(shop);
    tick.now_ms = shop->quote.start_by_ms - 60000;
    tick.chain_time_ms = shop->quote.start_by_ms - SELL_START_MARGIN_MS;
    sell_step(shop->sell, &tick, &shop->fx);
    assert_int_equal(refusal_reason(shop), END_PROVIDER_REFUSED);
}

/* ---- what does not end in time ---- */

static void a_job_that_outlives_the_deadline_is_refused_before_it(void **state)
{
    struct shop *shop = *state;
    to_running(shop);
    at(shop, shop->quote.deadline_ms - SELL_DEADLINE_MARGIN_MS);
    assert_int_equal(refusal_reason(shop), END_EXECUTOR_FAILED);
    assert_int_equal(free_cpu(shop), 1500); /* it still runs */
    executor_ends(shop, END_JOB_FAILED, 137, 1000);
    assert_int_equal(free_cpu(shop), 2000);
}

static void outputs_not_published_by_the_deadline_are_refused(void **state)
{
    struct shop *shop = *state;
    to_publishing(shop);
    assert_true(rig_need(&shop->fx, EFFECT_WAKE)->at_ms <=
                shop->quote.deadline_ms);
    at(shop, shop->quote.deadline_ms - SELL_DEADLINE_MARGIN_MS);
    assert_int_equal(refusal_reason(shop), END_EXECUTOR_FAILED);
}

static void a_refusal_is_brought_again_until_it_is_recorded(void **state)
{
    struct shop *shop = *state;
    to_refusing(shop);
    at(shop, shop->now_ms + SELL_TX_RETRY_MS);
    assert_non_null(rig_tx(&shop->fx, TX_CONTRACT_REFUSE));
}

static void a_delivery_is_brought_again_until_it_is_recorded(void **state)
{
    struct shop *shop = *state;
    to_delivering(shop);
    at(shop, shop->now_ms + SELL_TX_RETRY_MS);
    assert_non_null(rig_tx(&shop->fx, TX_CONTRACT_DELIVER));
    tx_refused(shop, TX_CONTRACT_DELIVER, ERR_RECEIPT_BOUND);
    assert_null(rig_find(&shop->fx, EFFECT_TX));
    at(shop, shop->now_ms + SELL_TX_RETRY_MS);
    assert_non_null(rig_tx(&shop->fx, TX_CONTRACT_DELIVER));
}

static void too_late_to_deliver_waits_for_the_buyer_then_gives_up(void **state)
{
    struct shop *shop = *state;
    uint64_t end_ms;
    to_delivering(shop);
    end_ms = shop->quote.deadline_ms + SELL_LATE_MS;
    shop->now_ms = shop->quote.deadline_ms + 1;
    tx_refused(shop, TX_CONTRACT_DELIVER, ERR_TOO_LATE);
    at(shop, end_ms - 1);
    assert_null(rig_find(&shop->fx, EFFECT_TX));
    at(shop, end_ms);
    assert_int_equal(refusal_reason(shop), END_PROVIDER_LOST);
}

/* ---- delivered ---- */

static void outputs_are_served_only_once_the_delivery_is_recorded(void **state)
{
    struct shop *shop = *state;
    to_delivering(shop);
    assert_null(rig_find(&shop->fx, EFFECT_SHARE));
    shop->contract.state = CONTRACT_DELIVERED;
    shop->contract.until_ms = shop->now_ms + 600000;
    chain_says(shop);
    assert_int_equal(rig_count(&shop->fx, EFFECT_SHARE), 2);
    chain_says(shop);
    assert_int_equal(rig_count(&shop->fx, EFFECT_SHARE), 0);
}

static void silence_after_delivery_is_settled_when_the_review_ends(void **state)
{
    struct shop *shop = *state;
    to_delivered(shop);
    at(shop, shop->contract.until_ms); /* by until: too early */
    assert_null(rig_tx(&shop->fx, TX_CONTRACT_SETTLE));
    at(shop, shop->contract.until_ms + 1);
    assert_non_null(rig_tx(&shop->fx, TX_CONTRACT_SETTLE));
}

static void what_is_settled_is_kept_for_its_retention_and_then_gone(
    void **state)
{
    struct shop *shop = *state;
    uint64_t settled_ms;
    to_settled(shop);
    settled_ms = shop->now_ms;
    at(shop, settled_ms + 59999);
    state_is(shop, SELL_SETTLED);
    at(shop, settled_ms + 60000);
    assert_true(empty(shop));
    assert_non_null(rig_find(&shop->fx, EFFECT_UNPIN));
    assert_non_null(rig_find(&shop->fx, EFFECT_EXEC_REMOVE));
    assert_int_equal(shop->disk.count, 0);
}

static void what_may_still_run_keeps_its_place_past_the_settlement(void **state)
{
    struct shop *shop = *state;
    to_running(shop);
    shop->contract.state = CONTRACT_SETTLED;
    shop->contract.reason = END_GIVEN_UP;
    chain_says(shop);
    assert_non_null(rig_find(&shop->fx, EFFECT_EXEC_KILL));
    at(shop, shop->now_ms + 120000);
    state_is(shop, SELL_SETTLED);
    assert_int_equal(free_cpu(shop), 1500);
    assert_non_null(rig_find(&shop->fx, EFFECT_EXEC_KILL));
    executor_ends(shop, END_JOB_FAILED, 137, 5000);
    assert_int_equal(free_cpu(shop), 2000);
    at(shop, shop->now_ms + 1);
    assert_true(empty(shop));
}

/* ---- ended by the buyer's side ---- */

static void what_the_buyer_closed_is_stopped_claimed_and_settled(void **state)
{
    struct shop *shop = *state;
    struct receipt receipt = first_receipt(shop);
    send_ack(shop, receipt, RIG_AGENT);
    shop->contract.state = CONTRACT_CLOSING;
    shop->contract.reason = END_NOT_STARTED;
    shop->contract.until_ms = shop->now_ms + 120000;
    chain_says(shop);
    state_is(shop, SELL_CLOSING);
    assert_non_null(rig_find(&shop->fx, EFFECT_EXEC_KILL));
    assert_non_null(rig_tx(&shop->fx, TX_CONTRACT_CLAIM));
    at(shop, shop->now_ms + SELL_TX_RETRY_MS); /* not recorded yet */
    assert_non_null(rig_tx(&shop->fx, TX_CONTRACT_CLAIM));
    shop->contract.receipt_seq = 1; /* recorded */
    chain_says(shop);
    assert_null(rig_find(&shop->fx, EFFECT_TX));
    at(shop, shop->contract.until_ms + 1);
    assert_non_null(rig_tx(&shop->fx, TX_CONTRACT_SETTLE));
}

static void a_closed_contract_without_newer_receipt_is_not_claimed(void **state)
{
    struct shop *shop = *state;
    to_closing(shop);
    assert_null(rig_tx(&shop->fx, TX_CONTRACT_CLAIM));
    at(shop, shop->contract.until_ms + 1);
    assert_non_null(rig_tx(&shop->fx, TX_CONTRACT_SETTLE));
}

static void a_claim_that_came_too_late_still_ends_in_a_settlement(void **state)
{
    struct shop *shop = *state;
    struct receipt receipt = first_receipt(shop);
    send_ack(shop, receipt, RIG_AGENT);
    shop->contract.state = CONTRACT_CLOSING;
    shop->contract.reason = END_GIVEN_UP;
    shop->contract.until_ms = shop->now_ms + 10;
    chain_says(shop);
    at(shop, shop->contract.until_ms + SELL_TX_RETRY_MS);
    assert_null(rig_tx(&shop->fx, TX_CONTRACT_CLAIM));
    assert_non_null(rig_tx(&shop->fx, TX_CONTRACT_SETTLE));
}

/* ---- records that were lost ---- */

static void a_contract_nothing_is_held_for_is_refused(void **state)
{
    struct shop *shop = *state;
    to_held(shop);
    at(shop, shop->quote.expires_at_ms + SELL_HOLD_MARGIN_MS);
    assert_true(empty(shop));
    chain_says(shop);
    assert_int_equal(refusal_reason(shop), END_PROVIDER_REFUSED);
    at(shop, shop->now_ms + SELL_TX_RETRY_MS); /* until it is recorded */
    assert_int_equal(refusal_reason(shop), END_PROVIDER_REFUSED);
    shop->contract.state = CONTRACT_SETTLED;
    shop->contract.reason = END_PROVIDER_REFUSED;
    chain_says(shop);
    executor_says(shop, EXEC_UNKNOWN, 0);
    at(shop, shop->now_ms + 1000);
    assert_true(empty(shop));
}

static void a_contract_that_ended_without_us_is_let_be(void **state)
{
    struct shop *shop = *state;
    to_held(shop);
    at(shop, shop->quote.expires_at_ms + SELL_HOLD_MARGIN_MS);
    shop->contract.state = CONTRACT_SETTLED;
    chain_says(shop);
    assert_true(empty(shop));
}

static void a_closing_contract_is_settled_even_if_its_record_is_lost(
    void **state)
{
    struct shop *shop = *state;
    to_closing(shop);
    rig_disk_done(&shop->disk);
    restart(shop);
    chain_says(shop);
    state_is(shop, SELL_CLOSING);
    at(shop, shop->contract.until_ms + 1);
    assert_non_null(rig_tx(&shop->fx, TX_CONTRACT_SETTLE));
}

/* ---- the owner ---- */

static void an_owner_who_gives_up_refuses_what_runs(void **state)
{
    struct shop *shop = *state;
    to_running(shop);
    sell_abandon(shop->sell, shop->now_ms, &shop->fx);
    assert_int_equal(refusal_reason(shop), END_PROVIDER_DRAIN);
    assert_non_null(rig_find(&shop->fx, EFFECT_EXEC_KILL));
}

static void an_owner_who_gives_up_lets_go_of_holds(void **state)
{
    struct shop *shop = *state;
    to_held(shop);
    sell_abandon(shop->sell, shop->now_ms, &shop->fx);
    at(shop, shop->now_ms + 1);
    assert_true(empty(shop));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_final_contract_asks_for_its_description),
        T(the_chains_terms_count),
        T(anothers_contract_is_nothing_to_us),
        T(no_description_in_time_is_refused_for_free),
        T(no_inputs_in_time_is_refused_for_free),
        T(no_start_in_time_is_refused_for_free),
        T(a_clock_that_is_behind_the_chains_is_not_too_late),
        T(a_job_that_outlives_the_deadline_is_refused_before_it),
        T(outputs_not_published_by_the_deadline_are_refused),
        T(a_refusal_is_brought_again_until_it_is_recorded),
        T(a_delivery_is_brought_again_until_it_is_recorded),
        T(too_late_to_deliver_waits_for_the_buyer_then_gives_up),
        T(outputs_are_served_only_once_the_delivery_is_recorded),
        T(silence_after_delivery_is_settled_when_the_review_ends),
        T(what_is_settled_is_kept_for_its_retention_and_then_gone),
        T(what_may_still_run_keeps_its_place_past_the_settlement),
        T(what_the_buyer_closed_is_stopped_claimed_and_settled),
        T(a_closed_contract_without_newer_receipt_is_not_claimed),
        T(a_claim_that_came_too_late_still_ends_in_a_settlement),
        T(a_contract_nothing_is_held_for_is_refused),
        T(a_contract_that_ended_without_us_is_let_be),
        T(a_closing_contract_is_settled_even_if_its_record_is_lost),
        T(an_owner_who_gives_up_refuses_what_runs),
        T(an_owner_who_gives_up_lets_go_of_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
