/* The buyer and the chain: delivered, fetched, settled; tried again; taken
 * back. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/desk_rig.h"

/* ---- delivered ---- */

static void outputs_are_fetched_before_they_are_accepted(void **state)
{
    struct desk *desk = *state;
    to_delivered(desk);
    state_is(desk, BUY_DELIVERED);
    assert_int_equal(rig_count(&desk->fx, EFFECT_FETCH), 2);
    fetched(desk, desk->contract.result, OK);
    assert_null(rig_tx(&desk->fx, TX_CONTRACT_SETTLE));
    fetched(desk, desk->contract.log, OK);
    assert_non_null(rig_tx(&desk->fx, TX_CONTRACT_SETTLE));
    state_is(desk, BUY_SETTLING);
    at(desk, desk->now_ms + 5000); /* until it is recorded */
    assert_non_null(rig_tx(&desk->fx, TX_CONTRACT_SETTLE));
    settle(desk, END_DONE, desk->contract.due.micro);
    state_is(desk, BUY_DONE);
    assert_int_equal(task_of(desk, 0)->paid.micro, desk->contract.due.micro);
    assert_true(task_of(desk, 0)->fetched);
    assert_string_equal(task_of(desk, 0)->reason, "");
    assert_non_null(rig_find(&desk->fx, EFFECT_UNPIN));
    assert_int_equal(job_of(desk)->ended_at_ms, desk->now_ms);
}

/* A thousand tasks on a few cores: the next begins when one has ended, not when
 * the seller's next offer comes round. */
static void a_job_that_ended_makes_room_for_the_next(void **state)
{
    struct pubkey seller = rig_key_of(RIG_SELLER);
    struct resources none = {.cpu_milli = 0};
    struct desk *desk = *state;
    desk->request = rig_request(40);
    put_offer(desk, RIG_SELLER, 20000);
    to_waiting(desk);
    assert_int_equal(task_of(desk, 39)->state, BUY_WAITING);
    quote_comes(desk);
    chain_says(desk);
    seller_says(desk, JOB_RUNNING, 0);
    book_free_set(buy_book(desk->buy), &seller, &none, desk->now_ms);
    at(desk, desk->now_ms + 1);
    assert_null(rig_sent(&desk->fx, WIRE_HOLD));
    desk->contract.state = CONTRACT_DELIVERED;
    desk->contract.reason = END_DONE;
    chain_says(desk);
    assert_true(asks(desk, RIG_SELLER));
}

static void a_delivery_without_outputs_is_accepted_at_once(void **state)
{
    struct desk *desk = *state;
    to_publishing(desk);
    desk->contract.state = CONTRACT_DELIVERED;
    desk->contract.reason = END_BUYER_CANCELLED;
    chain_says(desk);
    assert_non_null(rig_tx(&desk->fx, TX_CONTRACT_SETTLE));
}

static void a_failed_job_is_paid_and_fails(void **state)
{
    struct desk *desk = *state;
    to_publishing(desk);
    desk->contract.state = CONTRACT_DELIVERED;
    desk->contract.reason = END_JOB_FAILED;
    desk->contract.exit_code = 3;
    desk->contract.until_ms = desk->now_ms + 600000;
    chain_says(desk);
    settle(desk, END_JOB_FAILED, 100);
    state_is(desk, BUY_FAILED);
    assert_int_equal(task_of(desk, 0)->exit_code, 3);
    assert_int_equal(task_of(desk, 0)->paid.micro, 100);
    assert_int_equal(task_of(desk, 0)->attempt, 0); /* not tried again */
}

static void a_transfer_that_broke_is_tried_again(void **state)
{
    struct desk *desk = *state;
    to_delivered(desk);
    fetched(desk, desk->contract.result, OK);
    fetched(desk, desk->contract.log, ERR_NET);
    assert_true(has_reason(desk, "not fetched yet"));
    at(desk, desk->now_ms + 5000);
    assert_int_equal(rig_count(&desk->fx, EFFECT_FETCH), 1);
    assert_true(hash_equal(&rig_need(&desk->fx, EFFECT_FETCH)->id,
                           &desk->contract.log));
}

static void a_transfer_that_breaks_waits_longer_each_time(void **state)
{
    struct desk *desk = *state;
    uint64_t before = 0;
    to_delivered(desk);
    for (int i = 0; i < 10; i++) {
        uint64_t pause = 0;
        fetched(desk, desk->contract.result, ERR_NET);
        while (rig_find(&desk->fx, EFFECT_FETCH) == NULL) {
            pause += 50;
            at(desk, desk->now_ms + 50);
            assert_true(pause <= 5000);
        }
        assert_true(pause >= before);
        assert_true(i > 0 || pause <= 200);
        before = pause;
    }
    assert_int_equal(before, 5000);
}

static void outputs_that_never_come_are_said_to_be_lost(void **state)
{
    struct desk *desk = *state;
    to_delivered(desk);
    at(desk, desk->now_ms + 599999);
    assert_null(rig_tx(&desk->fx, TX_CONTRACT_SETTLE));
    at(desk, desk->now_ms + 10000);
    assert_non_null(rig_tx(&desk->fx, TX_CONTRACT_SETTLE));
    settle(desk, END_DONE, 1);
    state_is(desk, BUY_FAILED);
    assert_int_equal(task_of(desk, 0)->err, ERR_BLOB);
}

static void what_was_settled_in_our_absence_is_still_fetched(void **state)
{
    struct desk *desk = *state;
    to_running(desk);
    restart(desk);
    desk->contract.result = rig_hash(0x41);
    desk->contract.log = rig_hash(0x42);
    settle(desk, END_DONE, 50);
    state_is(desk, BUY_DELIVERED);
    assert_int_equal(rig_count(&desk->fx, EFFECT_FETCH), 2);
    restart(desk);
    chain_says(desk); /* a start tells of it again */
    state_is(desk, BUY_DELIVERED);
    at(desk, desk->now_ms + 1);
    fetched(desk, desk->contract.result, OK);
    fetched(desk, desk->contract.log, OK);
    assert_null(rig_find(&desk->fx, EFFECT_TX)); /* it is settled */
    state_is(desk, BUY_DONE);
    assert_int_equal(task_of(desk, 0)->paid.micro, 50);
}

/* ---- tried again ---- */

static void a_sellers_refusal_goes_to_another_seller(void **state)
{
    struct desk *desk = *state;
    struct quote quote;
    to_staging(desk);
    settle(desk, END_PROVIDER_REFUSED, 0);
    assert_true(asks(desk, RIG_OTHER));
    assert_int_equal(task_of(desk, 0)->attempt, 1);
    quote = make_quote(desk, RIG_OTHER, 0, 1);
    send_quote(desk, RIG_OTHER, &quote);
    state_is(desk, BUY_OPENING);
    desk->contract = rig_contract(&quote, desk->now_ms);
    chain_says(desk);
    state_is(desk, BUY_STAGING);
}

static void the_seller_that_failed_is_left_alone_after_a_restart(void **state)
{
    struct desk *desk = *state;
    to_staging(desk);
    settle(desk, END_PROVIDER_REFUSED, 0);
    refuse_hold(desk, RIG_OTHER, 1, ERR_CAPACITY);
    restart(desk);
    at(desk, desk->now_ms + 1);
    put_offer(desk, RIG_SELLER, 20000);
    assert_null(rig_sent(&desk->fx, WIRE_HOLD));
    state_is(desk, BUY_WAITING);
}

static void attempts_come_to_an_end(void **state)
{
    struct desk *desk = *state;
    desk->request.attempts_max = 1;
    to_staging(desk);
    settle(desk, END_EXECUTOR_FAILED, 0);
    state_is(desk, BUY_FAILED);
    assert_int_equal(task_of(desk, 0)->end, END_EXECUTOR_FAILED);
}

static void what_a_lost_attempt_cost_is_remembered(void **state)
{
    struct desk *desk = *state;
    to_expiring(desk);
    desk->contract.slashed = amount_micro(7);
    settle(desk, END_PROVIDER_LOST, 40);
    assert_int_equal(task_of(desk, 0)->attempt, 1);
    assert_int_equal(task_of(desk, 0)->paid.micro, 0);
    assert_int_equal(task_of(desk, 0)->paid_before.micro, 40);
    assert_int_equal(task_of(desk, 0)->slashed_before.micro, 7);
    restart(desk);
    assert_int_equal(task_of(desk, 0)->paid_before.micro, 40);
}

static void a_request_that_ran_out_is_not_tried_again(void **state)
{
    struct desk *desk = *state;
    to_staging(desk);
    desk->now_ms = desk->request.expires_at_ms;
    settle(desk, END_PROVIDER_REFUSED, 0);
    state_is(desk, BUY_FAILED);
}

static void word_of_an_attempt_given_up_changes_nothing(void **state)
{
    struct desk *desk = *state;
    to_staging(desk);
    settle(desk, END_PROVIDER_REFUSED, 0);
    chain_says(desk);
    seller_says(desk, JOB_RUNNING, 1);
    assert_int_equal(task_of(desk, 0)->attempt, 1);
    state_is(desk, BUY_HOLDING);
}

/* ---- taken back ---- */

static void a_closed_contract_is_settled_when_the_claims_end(void **state)
{
    struct desk *desk = *state;
    to_expiring(desk);
    state_is(desk, BUY_EXPIRING);
    at(desk, desk->contract.until_ms); /* by until: too early */
    assert_null(rig_tx(&desk->fx, TX_CONTRACT_SETTLE));
    at(desk, desk->contract.until_ms + 1);
    assert_non_null(rig_tx(&desk->fx, TX_CONTRACT_SETTLE));
}

static void a_refused_expire_is_brought_again(void **state)
{
    struct desk *desk = *state;
    to_staging(desk);
    at(desk, desk->quote.deadline_ms + 6000);
    at(desk, desk->now_ms + 5000);
    assert_non_null(rig_tx(&desk->fx, TX_CONTRACT_EXPIRE));
    tx_refused(desk, TX_CONTRACT_EXPIRE, ERR_TOO_EARLY);
    at(desk, desk->now_ms + 3000);
    assert_non_null(rig_tx(&desk->fx, TX_CONTRACT_EXPIRE));
}

/* ---- contracts that surprise ---- */

static void a_contract_at_the_seller_asked_before_counts(void **state)
{
    struct desk *desk = *state;
    to_opening(desk);
    tx_refused(desk, TX_CONTRACT_OPEN, ERR_EXPIRED);
    assert_true(asks(desk, RIG_OTHER));
    chain_says(desk); /* it came through all the same */
    assert_true(releases(desk, RIG_OTHER));
    state_is(desk, BUY_STAGING);
    assert_true(
        pubkey_equal(&task_of(desk, 0)->provider, &desk->contract.provider));
    assert_non_null(rig_sent(&desk->fx, WIRE_START));
    assert_int_equal(task_of(desk, 0)->quote.cap.micro,
                     desk->contract.cap.micro);
}

static void a_contract_for_a_task_that_ended_is_taken_back(void **state)
{
    struct desk *desk = *state;
    to_opening(desk);
    tx_refused(desk, TX_CONTRACT_OPEN, ERR_FUNDS);
    state_is(desk, BUY_FAILED);
    chain_says(desk);
    assert_non_null(rig_sent(&desk->fx, WIRE_CANCEL));
    assert_null(rig_sent(&desk->fx, WIRE_START));
    at(desk, desk->contract.start_by_ms + 5001);
    assert_non_null(rig_tx(&desk->fx, TX_CONTRACT_EXPIRE));
    desk->contract.state = CONTRACT_CLOSING;
    desk->contract.until_ms = desk->now_ms + 120000;
    chain_says(desk);
    at(desk, desk->contract.until_ms + 1);
    assert_non_null(rig_tx(&desk->fx, TX_CONTRACT_SETTLE));
    desk->contract.state = CONTRACT_SETTLED;
    chain_says(desk);
    at(desk, desk->now_ms + 10000);
    assert_null(rig_find(&desk->fx, EFFECT_TX));
    state_is(desk, BUY_FAILED); /* what has ended stays so */
}

static void a_contract_without_a_record_is_taken_back(void **state)
{
    struct desk *desk = *state;
    to_running(desk);
    rig_disk_done(&desk->disk);
    restart(desk);
    chain_says(desk);
    assert_non_null(rig_sent(&desk->fx, WIRE_CANCEL));
    assert_true(rig_need(&desk->fx, EFFECT_WAKE)->at_ms <= desk->now_ms + 1000);
    at(desk, desk->contract.start_by_ms + 5001);
    assert_non_null(rig_tx(&desk->fx, TX_CONTRACT_EXPIRE));
}

static void anothers_contract_is_nothing_to_us(void **state)
{
    struct desk *desk = *state;
    to_opening(desk);
    desk->contract.agent = rig_key_of(RIG_OTHER);
    chain_says(desk);
    state_is(desk, BUY_OPENING);
    assert_null(rig_sent(&desk->fx, WIRE_CANCEL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(outputs_are_fetched_before_they_are_accepted),
        T(a_job_that_ended_makes_room_for_the_next),
        T(a_delivery_without_outputs_is_accepted_at_once),
        T(a_failed_job_is_paid_and_fails),
        T(a_transfer_that_broke_is_tried_again),
        T(a_transfer_that_breaks_waits_longer_each_time),
        T(outputs_that_never_come_are_said_to_be_lost),
        T(what_was_settled_in_our_absence_is_still_fetched),
        T(a_sellers_refusal_goes_to_another_seller),
        T(the_seller_that_failed_is_left_alone_after_a_restart),
        T(attempts_come_to_an_end),
        T(what_a_lost_attempt_cost_is_remembered),
        T(a_request_that_ran_out_is_not_tried_again),
        T(word_of_an_attempt_given_up_changes_nothing),
        T(a_closed_contract_is_settled_when_the_claims_end),
        T(a_refused_expire_is_brought_again),
        T(a_contract_at_the_seller_asked_before_counts),
        T(a_contract_for_a_task_that_ended_is_taken_back),
        T(a_contract_without_a_record_is_taken_back),
        T(anothers_contract_is_nothing_to_us),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
