/* The seller's work: stage, run, meter, publish, deliver; and being told to
 * stop. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/shop_rig.h"

/* ---- to the start ---- */

static void only_the_contracts_own_description_starts_it(void **state)
{
    struct shop *shop = *state;
    struct spec other = shop->spec;
    to_waiting(shop);
    other.pids_max = 65;
    send_start(shop, RIG_AGENT, &other, BULK);
    state_is(shop, SELL_WAITING_START);
    send_start(shop, RIG_OTHER, &shop->spec, BULK);
    state_is(shop, SELL_WAITING_START);
    send_start(shop, RIG_AGENT, &shop->spec, BULK);
    state_is(shop, SELL_STAGING);
}

static void staging_fetches_what_is_needed_from_the_buyer(void **state)
{
    struct shop *shop = *state;
    const struct trade_effect *fetch;
    to_staging(shop);
    assert_int_equal(rig_count(&shop->fx, EFFECT_FETCH), 2);
    fetch = rig_need(&shop->fx, EFFECT_FETCH);
    assert_true(hash_equal(&fetch->id, &shop->spec.image));
    assert_true(hash_equal(&fetch->subject, &shop->id));
    assert_string_equal(fetch->text, BULK);
    fetched(shop, &shop->spec.image, OK);
    assert_null(rig_find(&shop->fx, EFFECT_EXEC_START));
    fetched(shop, &shop->spec.inputs, OK);
    assert_true(hash_equal(&rig_need(&shop->fx, EFFECT_EXEC_START)->subject,
                           &shop->id));
    state_is(shop, SELL_STARTING);
}

static void a_job_without_inputs_needs_only_its_image(void **state)
{
    struct shop *shop = *state;
    struct buf bytes;
    memset(&shop->spec.inputs, 0, sizeof(shop->spec.inputs));
    rig_spec_bytes(&shop->spec, &bytes);
    spec_hash(buf_bytes(&bytes), &shop->request.spec);
    buf_done(&bytes);
    to_staging(shop);
    assert_int_equal(rig_count(&shop->fx, EFFECT_FETCH), 1);
    fetched(shop, &shop->spec.image, OK);
    state_is(shop, SELL_STARTING);
}

static void a_transfer_that_broke_is_tried_again(void **state)
{
    struct shop *shop = *state;
    to_staging(shop);
    fetched(shop, &shop->spec.image, OK);
    fetched(shop, &shop->spec.inputs, ERR_NET);
    state_is(shop, SELL_STAGING);
    at(shop, shop->now_ms + SELL_STAGE_RETRY_MS);
    assert_int_equal(rig_count(&shop->fx, EFFECT_FETCH), 1);
    assert_true(
        hash_equal(&rig_need(&shop->fx, EFFECT_FETCH)->id, &shop->spec.inputs));
    fetched(shop, &shop->spec.inputs, OK);
    state_is(shop, SELL_STARTING);
}

static void a_moved_buyer_is_fetched_from_where_it_is(void **state)
{
    struct shop *shop = *state;
    to_staging(shop);
    send_start(shop, RIG_AGENT, &shop->spec, "10.9.9.9:1");
    at(shop, shop->now_ms + SELL_STAGE_RETRY_MS);
    assert_string_equal(rig_need(&shop->fx, EFFECT_FETCH)->text, "10.9.9.9:1");
}

static void that_it_may_run_is_on_the_disk_before_it_does(void **state)
{
    struct shop *shop = *state;
    to_starting(shop);
    assert_true(rig_need(&shop->fx, EFFECT_SAVE) <
                rig_need(&shop->fx, EFFECT_EXEC_START));
}

/* ---- running ---- */

static void the_buyer_is_told_once_a_second(void **state)
{
    struct shop *shop = *state;
    to_running(shop);
    assert_int_equal(rig_job_state(&shop->fx).phase, JOB_RUNNING);
    executor_says(shop, EXEC_RUNNING, 250);
    assert_null(rig_sent(&shop->fx, WIRE_JOB_STATE));
    shop->now_ms += 1000;
    executor_says(shop, EXEC_RUNNING, 1000);
    assert_int_equal(rig_job_state(&shop->fx).wall_ms, 1000);
}

static void receipts_are_cut_as_time_passes(void **state)
{
    struct shop *shop = *state;
    struct hash chain = rig_chain();
    struct pubkey seller = rig_key_of(RIG_SELLER);
    struct receipt first = first_receipt(shop);
    struct receipt second;
    assert_int_equal(first.seq, 1);
    assert_int_equal(receipt_verify(&first, &chain, &seller, NULL), OK);
    assert_int_equal(receipt_check(&first, NULL, shop->quote.hour,
                                   shop->quote.cap, 500, 60000),
                     OK);
    shop->now_ms += 9999;
    executor_says(shop, EXEC_RUNNING, 10999);
    assert_null(rig_sent(&shop->fx, WIRE_RECEIPT));
    at(shop, shop->now_ms + 1);
    second = rig_receipt(&shop->fx, WIRE_RECEIPT);
    assert_int_equal(second.seq, 2);
    assert_int_equal(second.wall_ms, 10999);
    assert_int_equal(receipt_check(&second, &first, shop->quote.hour,
                                   shop->quote.cap, 500, 60000),
                     OK);
}

static void a_receipts_number_is_never_used_twice(void **state)
{
    struct shop *shop = *state;
    (void)first_receipt(shop);
    assert_true(rig_need(&shop->fx, EFFECT_SAVE) <
                rig_sent(&shop->fx, WIRE_RECEIPT));
    restart(shop);
    shop->now_ms += 1000;
    executor_says(shop, EXEC_RUNNING, 2000);
    assert_int_equal(rig_receipt(&shop->fx, WIRE_RECEIPT).seq, 2);
}

static void without_news_the_last_receipt_is_sent_again(void **state)
{
    struct shop *shop = *state;
    (void)first_receipt(shop);
    at(shop, shop->now_ms + 10000); /* the executor says nothing */
    assert_int_equal(rig_receipt(&shop->fx, WIRE_RECEIPT).seq, 1);
}

static void a_receipt_claims_no_more_than_was_reserved(void **state)
{
    struct shop *shop = *state;
    struct exec_state exec = {
        .phase = EXEC_RUNNING, .wall_ms = 70000, .cpu_ms = 9999999};
    struct trade_event event = {.kind = TRADE_EXEC_STATE, .exec = &exec};
    struct receipt receipt;
    to_running(shop);
    event.subject = shop->id;
    shop->now_ms += 70000;
    step(shop, &event);
    receipt = rig_receipt(&shop->fx, WIRE_RECEIPT);
    assert_int_equal(receipt.wall_ms, 60000);
    assert_int_equal(receipt.cpu_ms, receipt_cpu_ms_max(500, 60000));
    assert_int_equal(receipt.due.micro, shop->quote.cap.micro);
}

static void a_counter_that_fell_takes_nothing_back(void **state)
{
    struct shop *shop = *state;
    (void)first_receipt(shop);
    executor_says(shop, EXEC_RUNNING, 3000);
    at(shop, shop->now_ms + 10000);
    assert_int_equal(rig_receipt(&shop->fx, WIRE_RECEIPT).wall_ms, 3000);
    executor_ends(shop, END_DONE, 0, 500); /* it counts anew, say */
    collected(shop, OK);
    assert_int_equal(delivery_of(shop).receipt.wall_ms, 3000);
    assert_int_equal(delivery_of(shop).receipt.seq, 3);
}

static void a_cosigned_receipt_is_kept_over_a_restart(void **state)
{
    struct shop *shop = *state;
    struct receipt receipt = first_receipt(shop);
    send_ack(shop, receipt, RIG_AGENT);
    assert_int_equal(view_of(shop).receipt_seq, 1);
    restart(shop);
    assert_int_equal(view_of(shop).receipt_seq, 1);
}

static void a_forged_cosignature_counts_for_nothing(void **state)
{
    struct shop *shop = *state;
    struct receipt receipt = first_receipt(shop);
    send_ack(shop, receipt, RIG_OTHER);
    assert_int_equal(view_of(shop).receipt_seq, 0);
    receipt.wall_ms++;
    send_ack(shop, receipt, RIG_AGENT);
    assert_int_equal(view_of(shop).receipt_seq, 0);
}

static void an_older_cosignature_changes_nothing(void **state)
{
    struct shop *shop = *state;
    struct receipt first = first_receipt(shop);
    struct receipt second;
    shop->now_ms += 10000;
    executor_says(shop, EXEC_RUNNING, 11000);
    second = rig_receipt(&shop->fx, WIRE_RECEIPT);
    send_ack(shop, second, RIG_AGENT);
    send_ack(shop, first, RIG_AGENT);
    assert_int_equal(view_of(shop).receipt_seq, 2);
}

static void a_buyer_that_is_back_hears_what_it_missed(void **state)
{
    struct shop *shop = *state;
    struct trade_event up = {.kind = TRADE_PEER_UP,
                             .peer = rig_key_of(RIG_AGENT)};
    (void)first_receipt(shop);
    step(shop, &up);
    assert_int_equal(rig_job_state(&shop->fx).phase, JOB_RUNNING);
    assert_int_equal(rig_receipt(&shop->fx, WIRE_RECEIPT).seq, 1);
}

static void only_the_buyer_reads_logs(void **state)
{
    struct shop *shop = *state;
    struct wire_log_get get = {.stream = 1, .offset = 5};
    struct buf message;
    to_running(shop);
    get.contract = shop->id;
    for (int i = 0; i < 2; i++) {
        buf_init(&message, 256);
        wire_log_get_encode(&get, &message);
        hear(shop, i == 0 ? RIG_OTHER : RIG_AGENT, &message);
        assert_int_equal(rig_count(&shop->fx, EFFECT_EXEC_LOG), i);
    }
    assert_int_equal(rig_need(&shop->fx, EFFECT_EXEC_LOG)->offset, 5);
}

static void a_buyer_that_asks_is_told_and_a_stranger_is_not(void **state)
{
    struct shop *shop = *state;
    to_running(shop);
    send_contract(shop, WIRE_ASK, RIG_AGENT);
    assert_int_equal(rig_job_state(&shop->fx).phase, JOB_RUNNING);
    send_contract(shop, WIRE_ASK, RIG_OTHER);
    assert_int_equal(rig_job_state(&shop->fx).phase, JOB_UNKNOWN);
}

/* ---- the executor's troubles ---- */

static void a_job_that_cannot_start_is_refused(void **state)
{
    struct shop *shop = *state;
    to_starting(shop);
    executor_says(shop, EXEC_FAILED, 0);
    assert_int_equal(refusal_reason(shop), END_EXECUTOR_FAILED);
    assert_int_equal(free_cpu(shop), 2000);
}

static void a_job_the_executor_lost_is_refused(void **state)
{
    struct shop *shop = *state;
    to_running(shop);
    executor_says(shop, EXEC_UNKNOWN, 0);
    assert_int_equal(refusal_reason(shop), END_EXECUTOR_FAILED);
}

static void a_start_the_executor_lost_is_made_again(void **state)
{
    struct shop *shop = *state;
    to_starting(shop);
    executor_says(shop, EXEC_UNKNOWN, 0);
    assert_non_null(rig_find(&shop->fx, EFFECT_EXEC_START));
    state_is(shop, SELL_STARTING);
}

static void an_executor_that_is_gone_ends_nothing(void **state)
{
    struct shop *shop = *state;
    struct trade_event gone = {.kind = TRADE_EXEC_GONE};
    to_running(shop);
    step(shop, &gone);
    at(shop, shop->now_ms + 30000);
    state_is(shop, SELL_RUNNING);
    executor_says(shop, EXEC_RUNNING, 30000); /* it is back */
    at(shop, shop->now_ms + 10000);
    assert_int_equal(rig_receipt(&shop->fx, WIRE_RECEIPT).wall_ms, 30000);
}

static void an_end_without_a_reason_is_our_fault(void **state)
{
    struct shop *shop = *state;
    to_running(shop);
    executor_ends(shop, END_NONE, 0, 1000);
    assert_int_equal(refusal_reason(shop), END_EXECUTOR_FAILED);
    shop = next_shop(state);
    to_running(shop);
    executor_ends(shop, END_DONE, 1, 1000); /* done, but failed? */
    assert_int_equal(refusal_reason(shop), END_EXECUTOR_FAILED);
}

/* ---- the end of a job ---- */

static void outputs_are_published_then_delivered_with_the_bill(void **state)
{
    struct shop *shop = *state;
    struct delivered d;
    struct hash result = rig_hash(0x41);
    to_publishing(shop);
    assert_int_equal(free_cpu(shop), 1500);
    assert_true(rig_need(&shop->fx, EFFECT_EXEC_COLLECT)->bytes.len > 0);
    collected(shop, OK);
    state_is(shop, SELL_DELIVERING);
    d = delivery_of(shop);
    assert_int_equal(d.reason, END_DONE);
    assert_true(hash_equal(&d.result, &result));
    assert_int_equal(d.receipt.wall_ms, 20000);
    assert_int_equal(free_cpu(shop), 2000); /* the job has ended */
}

static void a_failed_job_is_delivered_and_its_time_is_billed(void **state)
{
    struct shop *shop = *state;
    struct delivered d;
    to_running(shop);
    shop->now_ms += 30000;
    executor_ends(shop, END_JOB_FAILED, 3, 30000);
    collected(shop, OK);
    d = delivery_of(shop);
    assert_int_equal(d.reason, END_JOB_FAILED);
    assert_int_equal(d.exit_code, 3);
    assert_int_equal(
        d.receipt.due.micro,
        receipt_due(shop->quote.hour, shop->quote.cap, 30000).micro);
}

static void a_job_that_hit_its_limit_is_delivered(void **state)
{
    struct shop *shop = *state;
    to_running(shop);
    shop->now_ms += 60000;
    executor_ends(shop, END_TIME_LIMIT, 137, 60000);
    collected(shop, OK);
    assert_int_equal(delivery_of(shop).reason, END_TIME_LIMIT);
}

static void a_job_shorter_than_a_report_still_ran(void **state)
{
    struct shop *shop = *state;
    to_starting(shop);
    executor_ends(shop, END_DONE, 0, 12);
    state_is(shop, SELL_PUBLISHING);
}

static void publishing_is_tried_again(void **state)
{
    struct shop *shop = *state;
    to_publishing(shop);
    collected(shop, ERR_EXECUTOR);
    state_is(shop, SELL_PUBLISHING);
    at(shop, shop->now_ms + 5000);
    assert_non_null(rig_find(&shop->fx, EFFECT_EXEC_COLLECT));
    collected(shop, OK);
    state_is(shop, SELL_DELIVERING);
    collected(shop, OK); /* told twice */
    assert_null(rig_tx(&shop->fx, TX_CONTRACT_DELIVER));
}

static void outputs_that_are_gone_are_our_fault(void **state)
{
    struct shop *shop = *state;
    to_publishing(shop);
    collected(shop, ERR_NOT_FOUND);
    assert_int_equal(refusal_reason(shop), END_EXECUTOR_FAILED);
}

static void outputs_that_are_too_large_are_the_jobs_fault(void **state)
{
    struct shop *shop = *state;
    struct delivered d;
    to_publishing(shop);
    collected(shop, ERR_TOO_LARGE);
    d = delivery_of(shop);
    assert_int_equal(d.reason, END_OUTPUT_LIMIT);
    assert_true(hash_is_zero(&d.result));
}

static void the_delivery_carries_the_cosigned_receipt(void **state)
{
    struct shop *shop = *state;
    struct receipt last;
    struct delivered d;
    to_delivering(shop);
    last = rig_receipt(&shop->fx, WIRE_RECEIPT);
    d = delivery_of(shop);
    assert_false(receipt_is_cosigned(&d.receipt));
    send_ack(shop, last, RIG_AGENT);
    at(shop, shop->now_ms + SELL_TX_RETRY_MS);
    d = delivery_of(shop);
    assert_true(receipt_is_cosigned(&d.receipt));
}

/* ---- cancelled ---- */

static void cancelled_before_it_starts_costs_nothing(void **state)
{
    void (*const ways[])(struct shop *) = {to_waiting, to_staging};
    struct shop *shop = *state;
    for (size_t i = 0; i < 2; i++) {
        struct delivered d;
        ways[i](shop);
        send_contract(shop, WIRE_CANCEL, RIG_AGENT);
        d = delivery_of(shop);
        assert_int_equal(d.reason, END_BUYER_CANCELLED);
        assert_true(amount_is_zero(d.receipt.due));
        assert_int_equal(free_cpu(shop), 2000);
        shop = next_shop(state);
    }
}

static void a_stranger_cancels_nothing(void **state)
{
    struct shop *shop = *state;
    to_waiting(shop);
    send_contract(shop, WIRE_CANCEL, RIG_OTHER);
    state_is(shop, SELL_WAITING_START);
}

static void cancelled_while_held_ends_when_its_contract_comes(void **state)
{
    struct shop *shop = *state;
    to_held(shop);
    send_contract(shop, WIRE_CANCEL, RIG_AGENT);
    state_is(shop, SELL_HELD);
    restart(shop);
    chain_says(shop);
    assert_int_equal(delivery_of(shop).reason, END_BUYER_CANCELLED);
}

static void a_cancelled_job_is_stopped_and_billed_for_its_time(void **state)
{
    struct shop *shop = *state;
    struct delivered d;
    to_running(shop);
    shop->now_ms += 5000;
    send_contract(shop, WIRE_CANCEL, RIG_AGENT);
    assert_non_null(rig_find(&shop->fx, EFFECT_EXEC_KILL));
    executor_ends(shop, END_JOB_FAILED, 137, 5000);
    collected(shop, OK);
    d = delivery_of(shop);
    assert_int_equal(d.reason, END_BUYER_CANCELLED);
    assert_int_equal(d.receipt.wall_ms, 5000);
}

static void a_job_that_does_not_stop_is_told_again(void **state)
{
    struct shop *shop = *state;
    to_running(shop);
    send_contract(shop, WIRE_CANCEL, RIG_AGENT);
    send_contract(shop, WIRE_CANCEL, RIG_AGENT); /* once is enough */
    assert_null(rig_find(&shop->fx, EFFECT_EXEC_KILL));
    at(shop, shop->now_ms + SELL_KILL_MS);
    assert_non_null(rig_find(&shop->fx, EFFECT_EXEC_KILL));
    restart(shop); /* and after a restart at once */
    at(shop, shop->now_ms + 1);
    assert_non_null(rig_find(&shop->fx, EFFECT_EXEC_KILL));
}

static void a_job_done_before_the_cancel_is_done(void **state)
{
    struct shop *shop = *state;
    to_running(shop);
    send_contract(shop, WIRE_CANCEL, RIG_AGENT);
    executor_ends(shop, END_DONE, 0, 900);
    collected(shop, OK);
    assert_int_equal(delivery_of(shop).reason, END_DONE);
}

static void cancelled_while_it_starts_never_runs(void **state)
{
    struct shop *shop = *state;
    to_starting(shop);
    send_contract(shop, WIRE_CANCEL, RIG_AGENT);
    executor_says(shop, EXEC_UNKNOWN, 0);
    assert_int_equal(delivery_of(shop).reason, END_BUYER_CANCELLED);
    /* and if it began all the same, it is stopped */
    executor_says(shop, EXEC_RUNNING, 100);
    assert_int_equal(free_cpu(shop), 1500);
    at(shop, shop->now_ms + SELL_KILL_MS);
    assert_non_null(rig_find(&shop->fx, EFFECT_EXEC_KILL));
    executor_ends(shop, END_JOB_FAILED, 137, 200);
    assert_int_equal(free_cpu(shop), 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(only_the_contracts_own_description_starts_it),
        T(staging_fetches_what_is_needed_from_the_buyer),
        T(a_job_without_inputs_needs_only_its_image),
        T(a_transfer_that_broke_is_tried_again),
        T(a_moved_buyer_is_fetched_from_where_it_is),
        T(that_it_may_run_is_on_the_disk_before_it_does),
        T(the_buyer_is_told_once_a_second),
        T(receipts_are_cut_as_time_passes),
        T(a_receipts_number_is_never_used_twice),
        T(without_news_the_last_receipt_is_sent_again),
        T(a_receipt_claims_no_more_than_was_reserved),
        T(a_counter_that_fell_takes_nothing_back),
        T(a_cosigned_receipt_is_kept_over_a_restart),
        T(a_forged_cosignature_counts_for_nothing),
        T(an_older_cosignature_changes_nothing),
        T(a_buyer_that_is_back_hears_what_it_missed),
        T(only_the_buyer_reads_logs),
        T(a_buyer_that_asks_is_told_and_a_stranger_is_not),
        T(a_job_that_cannot_start_is_refused),
        T(a_job_the_executor_lost_is_refused),
        T(a_start_the_executor_lost_is_made_again),
        T(an_executor_that_is_gone_ends_nothing),
        T(an_end_without_a_reason_is_our_fault),
        T(outputs_are_published_then_delivered_with_the_bill),
        T(a_failed_job_is_delivered_and_its_time_is_billed),
        T(a_job_that_hit_its_limit_is_delivered),
        T(a_job_shorter_than_a_report_still_ran),
        T(publishing_is_tried_again),
        T(outputs_that_are_gone_are_our_fault),
        T(outputs_that_are_too_large_are_the_jobs_fault),
        T(the_delivery_carries_the_cosigned_receipt),
        T(cancelled_before_it_starts_costs_nothing),
        T(a_stranger_cancels_nothing),
        T(cancelled_while_held_ends_when_its_contract_comes),
        T(a_cancelled_job_is_stopped_and_billed_for_its_time),
        T(a_job_that_does_not_stop_is_told_again),
        T(a_job_done_before_the_cancel_is_done),
        T(cancelled_while_it_starts_never_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
