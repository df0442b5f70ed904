/* The buyer and a running contract: progress, logs, receipts, silence,
 * cancelling. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/desk_rig.h"

/* ---- the start ---- */

static void a_final_contract_is_told_what_to_run(void **state)
{
    struct desk *desk = *state;
    struct wire_start start;
    struct arena arena;
    to_staging(desk);
    state_is(desk, BUY_STAGING);
    arena_init(&arena, 1u << 18);
    assert_int_equal(
        wire_start_decode(rig_need_sent(&desk->fx, WIRE_START), &arena, &start),
        OK);
    assert_true(bytes_equal(start.spec, job_of(desk)->spec_bytes));
    assert_string_equal(start.bulk_address, "10.0.0.1:7001");
    arena_done(&arena);
    assert_int_equal(rig_count(&desk->fx, EFFECT_SHARE), 2);
    chain_says(desk); /* told twice */
    assert_null(rig_sent(&desk->fx, WIRE_START));
}

static void a_seller_that_waits_is_told_again(void **state)
{
    struct desk *desk = *state;
    to_staging(desk);
    seller_says(desk, JOB_WAITING_START, 0);
    assert_non_null(rig_sent(&desk->fx, WIRE_START));
}

static void progress_is_seen(void **state)
{
    struct desk *desk = *state;
    to_running(desk);
    state_is(desk, BUY_RUNNING);
    desk->now_ms += 2000;
    seller_says(desk, JOB_RUNNING, 2000);
    assert_int_equal(task_of(desk, 0)->wall_ms, 2000);
    seller_says(desk, JOB_DONE, 2500);
    state_is(desk, BUY_PUBLISHING);
}

static void a_job_too_short_to_be_seen_running_went_through_it(void **state)
{
    struct desk *desk = *state;
    to_staging(desk);
    seller_says(desk, JOB_DONE, 3);
    state_is(desk, BUY_PUBLISHING);
    assert_true(task_of(desk, 0)->at_ms[BUY_RUNNING] != 0);
}

static void nobody_else_speaks_of_the_job(void **state)
{
    struct desk *desk = *state;
    struct wire_job_state says = {.phase = JOB_RUNNING};
    struct buf message;
    to_staging(desk);
    says.contract = desk->contract.id;
    buf_init(&message, 1024);
    wire_job_state_encode(&says, &message);
    hear(desk, RIG_OTHER, &message);
    state_is(desk, BUY_STAGING);
}

static void what_the_chain_said_is_not_unsaid_by_the_seller(void **state)
{
    struct desk *desk = *state;
    to_delivered(desk);
    seller_says(desk, JOB_RUNNING, 999999);
    assert_int_equal(task_of(desk, 0)->wall_ms, 5000);
    state_is(desk, BUY_DELIVERED);
}

/* ---- logs ---- */

static void output_is_asked_for_and_kept_in_order(void **state)
{
    struct desk *desk = *state;
    to_running(desk);
    assert_non_null(rig_sent(&desk->fx, WIRE_LOG_GET));
    send_log(desk, RIG_SELLER, 1, 0, "hello ", false);
    assert_int_equal(rig_need(&desk->fx, EFFECT_LOG_WRITE)->offset, 0);
    assert_non_null(rig_sent(&desk->fx, WIRE_LOG_GET)); /* the next bytes */
    send_log(desk, RIG_SELLER, 1, 0, "hello ", false);  /* twice */
    assert_null(rig_find(&desk->fx, EFFECT_LOG_WRITE));
    send_log(desk, RIG_SELLER, 1, 9, "beyond", false); /* a hole */
    assert_null(rig_find(&desk->fx, EFFECT_LOG_WRITE));
    send_log(desk, RIG_SELLER, 1, 6, "world", true);
    assert_int_equal(rig_need(&desk->fx, EFFECT_LOG_WRITE)->offset, 6);
    assert_int_equal(task_of(desk, 0)->log_len[0], 11);
    assert_true(task_of(desk, 0)->log_eof[0]);
    assert_false(task_of(desk, 0)->log_eof[1]);
}

static void a_log_is_whole_when_its_last_bytes_are_on_the_disk(void **state)
{
    struct desk *desk = *state;
    to_running(desk);
    send_log(desk, RIG_SELLER, 1, 0, "hello", true);
    assert_true(task_of(desk, 0)->log_eof[0]);
    assert_false(
        buy_log_whole(task_of(desk, 0), 0, 0)); /* still to be written */
    assert_true(buy_log_whole(task_of(desk, 0), 0, 5));
    assert_false(buy_log_whole(task_of(desk, 0), 1, 0)); /* no end was told */
}

static void output_that_does_not_come_is_asked_for_again(void **state)
{
    struct desk *desk = *state;
    to_running(desk);
    desk->now_ms += 1000;
    seller_says(desk, JOB_RUNNING, 1000);
    assert_null(rig_sent(&desk->fx, WIRE_LOG_GET));
    desk->now_ms += 20000;
    seller_says(desk, JOB_RUNNING, 21000);
    assert_non_null(rig_sent(&desk->fx, WIRE_LOG_GET));
}

static void output_without_end_is_not_kept(void **state)
{
    static char much[60001];
    struct desk *desk = *state;
    unsigned writes = 0;
    uint64_t offset = 0;
    to_running(desk);
    memset(much, 'x', sizeof(much) - 1);
    for (int i = 0; i < 10; i++) {
        send_log(desk, RIG_SELLER, 1, offset, much, false);
        if (rig_find(&desk->fx, EFFECT_LOG_WRITE) != NULL) {
            writes++;
            offset += sizeof(much) - 1;
        }
    }
    assert_int_equal(writes, 0); /* the spec allows 4096 bytes of a stream */
    send_log(desk, RIG_OTHER, 1, 0, "not yours", false);
    assert_null(rig_find(&desk->fx, EFFECT_LOG_WRITE));
}

/* ---- receipts ---- */

static void an_honest_receipt_is_cosigned_and_kept(void **state)
{
    struct desk *desk = *state;
    struct hash chain = rig_chain();
    struct pubkey seller = rig_key_of(RIG_SELLER);
    struct pubkey agent = rig_key_of(RIG_AGENT);
    struct receipt ack;
    to_running(desk);
    desk->now_ms += 10000;
    send_receipt(desk, make_receipt(desk, 1, 10000), RIG_SELLER);
    ack = rig_receipt(&desk->fx, WIRE_RECEIPT_ACK);
    assert_int_equal(receipt_verify(&ack, &chain, &seller, &agent), OK);
    assert_true(rig_need(&desk->fx, EFFECT_SAVE) <
                rig_sent(&desk->fx, WIRE_RECEIPT_ACK));
    restart(desk);
    assert_int_equal(task_of(desk, 0)->receipt.seq, 1);
}

static void not_signed(struct desk *desk, struct receipt receipt,
                       enum rig_actor signer)
{
    send_receipt(desk, receipt, signer);
    assert_null(rig_sent(&desk->fx, WIRE_RECEIPT_ACK));
    assert_int_equal(task_of(desk, 0)->receipt.seq, 0);
}

static void a_receipt_for_more_than_our_clock_saw_is_not_signed(void **state)
{
    struct desk *desk = *state;
    to_running(desk); /* at now - 1000 it was still staging */
    desk->now_ms += 10000;
    not_signed(desk, make_receipt(desk, 1, 14000), RIG_SELLER);
    assert_true(has_reason(desk, "not signed"));
    send_receipt(desk, make_receipt(desk, 1, 11500), RIG_SELLER);
    assert_non_null(rig_sent(&desk->fx, WIRE_RECEIPT_ACK));
}

static void a_receipt_beyond_the_terms_is_not_signed(void **state)
{
    struct desk *desk = *state;
    struct receipt receipt;
    to_running(desk);
    desk->now_ms += 10000;
    receipt = make_receipt(desk, 1, 10000);
    receipt.cpu_ms = receipt_cpu_ms_max(500, 10000) + 1;
    not_signed(desk, receipt, RIG_SELLER);
    receipt = make_receipt(desk, 1, 10000);
    receipt.due = amount_micro(receipt.due.micro + 1);
    not_signed(desk, receipt, RIG_SELLER);
    not_signed(desk, make_receipt(desk, 1, 10000), RIG_OTHER);
    desk->now_ms += 600000;
    not_signed(desk, make_receipt(desk, 1, 60001), RIG_SELLER);
}

static void an_old_receipt_is_answered_with_the_newest(void **state)
{
    struct desk *desk = *state;
    to_running(desk);
    desk->now_ms += 10000;
    send_receipt(desk, make_receipt(desk, 1, 5000), RIG_SELLER);
    send_receipt(desk, make_receipt(desk, 2, 10000), RIG_SELLER);
    send_receipt(desk, make_receipt(desk, 1, 5000), RIG_SELLER);
    assert_int_equal(rig_receipt(&desk->fx, WIRE_RECEIPT_ACK).seq, 2);
}

static void a_receipt_that_goes_back_is_not_signed(void **state)
{
    struct desk *desk = *state;
    to_running(desk);
    desk->now_ms += 10000;
    send_receipt(desk, make_receipt(desk, 1, 5000), RIG_SELLER);
    send_receipt(desk, make_receipt(desk, 2, 4000), RIG_SELLER);
    assert_null(rig_sent(&desk->fx, WIRE_RECEIPT_ACK));
    assert_int_equal(task_of(desk, 0)->receipt.seq, 1);
}

/* ---- silence ---- */

static void a_silent_seller_is_asked(void **state)
{
    struct desk *desk = *state;
    to_running(desk);
    at(desk, desk->now_ms + 5000);
    assert_non_null(rig_sent(&desk->fx, WIRE_ASK));
    assert_non_null(rig_find(&desk->fx, EFFECT_DIAL));
    at(desk, desk->now_ms + 10000);
    assert_true(has_reason(desk, "does not answer"));
    seller_says(desk, JOB_RUNNING, 15000);
    assert_false(has_reason(desk, "does not answer"));
}

/* The message was lost with the link that carried it. */
static void a_seller_that_says_nothing_at_all_is_asked_soon(void **state)
{
    struct desk *desk = *state;
    to_staging(desk);
    at(desk, desk->now_ms + 1000);
    assert_non_null(rig_sent(&desk->fx, WIRE_ASK));
    desk->now_ms += 10;
    seller_says(desk, JOB_WAITING_START, 0);
    assert_non_null(rig_sent(&desk->fx, WIRE_START));
    at(desk, desk->now_ms + 1000); /* it has spoken */
    assert_null(rig_sent(&desk->fx, WIRE_ASK));
}

static void a_seller_lost_before_the_start_gives_the_money_back(void **state)
{
    struct desk *desk = *state;
    to_staging(desk);
    at(desk, desk->quote.start_by_ms + 5000);
    assert_null(rig_tx(&desk->fx, TX_CONTRACT_EXPIRE));
    at(desk, desk->quote.start_by_ms + 5001);
    at(desk, desk->now_ms + 5000); /* asked once more in between */
    assert_non_null(rig_tx(&desk->fx, TX_CONTRACT_EXPIRE));
}

static bool expire_has_receipt(const struct desk *desk)
{
    const struct trade_effect *tx = rig_tx(&desk->fx, TX_CONTRACT_EXPIRE);
    assert_non_null(tx);
    return tx->bytes.len > 150;
}

static void a_seller_lost_while_running_is_paid_what_was_cosigned(void **state)
{
    struct desk *desk = *state;
    to_running(desk);
    desk->now_ms += 10000;
    send_receipt(desk, make_receipt(desk, 1, 10000), RIG_SELLER);
    at(desk, desk->quote.start_by_ms + 30000);
    at(desk, desk->now_ms + 5000);
    assert_true(expire_has_receipt(desk));
}

static void a_seller_that_speaks_is_not_lost_before_its_deadline(void **state)
{
    struct desk *desk = *state;
    to_running(desk);
    while (desk->now_ms < desk->quote.deadline_ms) {
        desk->now_ms += 60000;
        seller_says(desk, JOB_RUNNING, 60000);
        if (desk->now_ms <= desk->quote.deadline_ms)
            assert_null(rig_tx(&desk->fx, TX_CONTRACT_EXPIRE));
    }
    at(desk, desk->quote.deadline_ms + 60001);
    assert_non_null(rig_tx(&desk->fx, TX_CONTRACT_EXPIRE));
}

static void our_own_absence_is_not_the_sellers_silence(void **state)
{
    struct desk *desk = *state;
    to_running(desk);
    restart(desk);
    at(desk, desk->quote.start_by_ms + 100000); /* we were away that long */
    assert_null(rig_tx(&desk->fx, TX_CONTRACT_EXPIRE));
    assert_non_null(rig_sent(&desk->fx, WIRE_ASK));
    seller_says(desk, JOB_RUNNING, 50000);
    at(desk, desk->now_ms + 1000);
    assert_null(rig_tx(&desk->fx, TX_CONTRACT_EXPIRE));
}

static void a_seller_that_is_back_is_asked_at_once(void **state)
{
    struct desk *desk = *state;
    struct trade_event up = {.kind = TRADE_PEER_UP,
                             .peer = rig_key_of(RIG_SELLER)};
    to_running(desk);
    step(desk, &up);
    assert_non_null(rig_sent(&desk->fx, WIRE_ASK));
}

/* ---- cancelling ---- */

static void a_cancel_is_told_until_it_is_done(void **state)
{
    struct desk *desk = *state;
    to_running(desk);
    assert_int_equal(cancel(desk, UINT32_MAX), OK);
    assert_non_null(rig_sent(&desk->fx, WIRE_CANCEL));
    desk->now_ms += 5000;
    seller_says(desk, JOB_RUNNING, 5000); /* it goes on */
    assert_non_null(rig_sent(&desk->fx, WIRE_CANCEL));
    restart(desk);
    at(desk, desk->now_ms + 1);
    assert_non_null(rig_sent(&desk->fx, WIRE_CANCEL));
    settle(desk, END_BUYER_CANCELLED, 10);
    state_is(desk, BUY_CANCELLED);
}

static void cancelled_while_it_opens_never_starts(void **state)
{
    struct desk *desk = *state;
    to_opening(desk);
    assert_int_equal(cancel(desk, UINT32_MAX), OK);
    state_is(desk, BUY_OPENING);
    chain_says(desk);
    assert_null(rig_sent(&desk->fx, WIRE_START));
    assert_non_null(rig_sent(&desk->fx, WIRE_CANCEL));
    seller_says(desk, JOB_WAITING_START, 0);
    assert_null(rig_sent(&desk->fx, WIRE_START));
}

static void cancelled_while_it_opens_and_refused_is_cancelled(void **state)
{
    struct desk *desk = *state;
    to_opening(desk);
    assert_int_equal(cancel(desk, UINT32_MAX), OK);
    tx_refused(desk, TX_CONTRACT_OPEN, ERR_BOND);
    state_is(desk, BUY_CANCELLED);
    assert_null(rig_sent(&desk->fx, WIRE_HOLD));
}

static void cancelled_at_an_unreachable_seller_is_expired(void **state)
{
    struct desk *desk = *state;
    to_staging(desk);
    assert_int_equal(cancel(desk, UINT32_MAX), OK);
    at(desk, desk->quote.start_by_ms + 60000);
    at(desk, desk->now_ms + 5000);
    assert_non_null(rig_tx(&desk->fx, TX_CONTRACT_EXPIRE));
    settle(desk, END_NOT_STARTED, 0);
    state_is(desk, BUY_CANCELLED); /* and not tried again */
}

static void what_has_ended_cannot_be_cancelled(void **state)
{
    struct desk *desk = *state;
    to_delivered(desk);
    assert_int_equal(cancel(desk, UINT32_MAX), ERR_STATE);
    fetched(desk, desk->contract.result, OK);
    fetched(desk, desk->contract.log, OK);
    assert_int_equal(cancel(desk, UINT32_MAX), ERR_STATE);
    settle(desk, END_DONE, 1);
    assert_int_equal(cancel(desk, UINT32_MAX), ERR_STATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_final_contract_is_told_what_to_run),
        T(a_seller_that_waits_is_told_again),
        T(progress_is_seen),
        T(a_job_too_short_to_be_seen_running_went_through_it),
        T(nobody_else_speaks_of_the_job),
        T(what_the_chain_said_is_not_unsaid_by_the_seller),
        T(output_is_asked_for_and_kept_in_order),
        T(a_log_is_whole_when_its_last_bytes_are_on_the_disk),
        T(output_that_does_not_come_is_asked_for_again),
        T(output_without_end_is_not_kept),
        T(an_honest_receipt_is_cosigned_and_kept),
        T(a_receipt_for_more_than_our_clock_saw_is_not_signed),
        T(a_receipt_beyond_the_terms_is_not_signed),
        T(an_old_receipt_is_answered_with_the_newest),
        T(a_receipt_that_goes_back_is_not_signed),
        T(a_silent_seller_is_asked),
        T(a_seller_that_says_nothing_at_all_is_asked_soon),
        T(a_seller_lost_before_the_start_gives_the_money_back),
        T(a_seller_lost_while_running_is_paid_what_was_cosigned),
        T(a_seller_that_speaks_is_not_lost_before_its_deadline),
        T(our_own_absence_is_not_the_sellers_silence),
        T(a_seller_that_is_back_is_asked_at_once),
        T(a_cancel_is_told_until_it_is_done),
        T(cancelled_while_it_opens_never_starts),
        T(cancelled_while_it_opens_and_refused_is_cancelled),
        T(cancelled_at_an_unreachable_seller_is_expired),
        T(what_has_ended_cannot_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
