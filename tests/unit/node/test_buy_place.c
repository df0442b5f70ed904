/* The buyer, up to the open contract: submit, match, hold, quote, approve,
 * open. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/desk_rig.h"

/* ---- what may be submitted ---- */

static void a_request_is_for_this_node_and_its_own_spec(void **state)
{
    struct desk *desk = *state;
    desk->request.agent = rig_key_of(RIG_OTHER);
    assert_int_equal(submit(desk), ERR_PARTY);
    desk->request = rig_request(1);
    desk->spec.pids_max++;
    assert_int_equal(submit(desk), ERR_TERMS);
    desk->spec = rig_spec();
    desk->request.time_ms_max++;
    assert_int_equal(submit(desk), ERR_TERMS);
    desk->request = rig_request(1);
    desk->request.resources.mem_mib++;
    assert_int_equal(submit(desk), ERR_TERMS);
    desk->request = rig_request(1);
    desk->now_ms = desk->request.expires_at_ms;
    assert_int_equal(submit(desk), ERR_EXPIRED);
    assert_null(buy_job_at(desk->buy, 0));
}

static void a_forged_request_is_refused(void **state)
{
    struct desk *desk = *state;
    struct buf request;
    struct buf spec;
    rig_request_bytes(&desk->request, &request);
    rig_spec_bytes(&desk->spec, &spec);
    request.ptr[request.len - 1] ^= 1;
    assert_int_equal(buy_submit(desk->buy, buf_bytes(&request),
                                buf_bytes(&spec), "job", false, desk->now_ms,
                                &desk->fx, &desk->id),
                     ERR_SIGNATURE);
    buf_done(&request);
    buf_done(&spec);
}

static void the_same_request_is_one_job(void **state)
{
    struct desk *desk = *state;
    assert_int_equal(submit(desk), OK);
    assert_int_equal(submit(desk), ERR_EXISTS);
}

/* ---- matching ---- */

static void the_best_offer_is_asked_for_a_hold(void **state)
{
    struct desk *desk = *state;
    put_offers(desk);
    assert_int_equal(submit(desk), OK);
    state_is(desk, BUY_HOLDING);
    assert_true(asks(desk, RIG_SELLER));
    assert_string_equal(rig_need(&desk->fx, EFFECT_DIAL)->text,
                        "10.0.0.2:7000");
}

static void without_offers_it_waits_and_says_why(void **state)
{
    struct desk *desk = *state;
    assert_int_equal(submit(desk), OK);
    state_is(desk, BUY_WAITING);
    assert_true(task_of(desk, 0)->reason[0] != '\0');
    assert_null(rig_sent(&desk->fx, WIRE_HOLD));
}

static void an_offer_that_comes_later_is_taken(void **state)
{
    struct desk *desk = *state;
    to_waiting(desk);
    desk->now_ms += 1000;
    put_offer(desk, RIG_SELLER, 20000);
    assert_true(asks(desk, RIG_SELLER));
    state_is(desk, BUY_HOLDING);
}

/* Not even for its first moments, in which it is looked at again and again. */
static void what_waits_opens_nothing(void **state)
{
    struct desk *desk = *state;
    uint64_t begun_ms;
    desk->request = rig_request(3);
    to_waiting(desk);
    begun_ms = desk->now_ms;
    for (uint64_t ms = 0; ms <= 60000; ms += 250) {
        at(desk, begun_ms + ms);
        assert_null(rig_find(&desk->fx, EFFECT_TX));
    }
    state_is(desk, BUY_WAITING);
}

static void a_refused_hold_goes_to_the_next_offer(void **state)
{
    struct desk *desk = *state;
    to_holding(desk);
    refuse_hold(desk, RIG_SELLER, 0, ERR_CAPACITY);
    assert_true(asks(desk, RIG_OTHER));
    state_is(desk, BUY_HOLDING);
}

/* What it says is free is what counts: more of it, and it is asked again. */
static void a_full_seller_is_asked_again_as_soon_as_it_has_room(void **state)
{
    struct pubkey seller = rig_key_of(RIG_SELLER);
    struct resources room = {
        .cpu_milli = 4000, .mem_mib = 4096, .disk_mib = 4096};
    struct desk *desk = *state;
    put_offer(desk, RIG_SELLER, 20000);
    to_waiting(desk);
    refuse_hold(desk, RIG_SELLER, 0, ERR_CAPACITY);
    state_is(desk, BUY_WAITING);
    at(desk, desk->now_ms + 10);
    state_is(desk, BUY_WAITING);
    book_free_set(buy_book(desk->buy), &seller, &room, desk->now_ms);
    at(desk, desk->now_ms + 1);
    assert_true(asks(desk, RIG_SELLER));
}

static void a_crowded_seller_is_asked_again_in_a_moment(void **state)
{
    struct pubkey seller = rig_key_of(RIG_SELLER);
    struct resources room = {
        .cpu_milli = 4000, .mem_mib = 4096, .disk_mib = 4096};
    struct desk *desk = *state;
    put_offer(desk, RIG_SELLER, 20000);
    to_waiting(desk);
    refuse_hold(desk, RIG_SELLER, 0, ERR_RATE);
    book_free_set(buy_book(desk->buy), &seller, &room, desk->now_ms);
    at(desk, desk->now_ms + 100);
    state_is(desk, BUY_WAITING);
    at(desk, desk->now_ms + 500);
    assert_true(asks(desk, RIG_SELLER));
}

static void only_the_asked_seller_refuses(void **state)
{
    struct desk *desk = *state;
    to_holding(desk);
    refuse_hold(desk, RIG_OTHER, 0, ERR_CAPACITY);
    refuse_hold(desk, RIG_SELLER, 1, ERR_CAPACITY); /* of another attempt */
    assert_null(rig_sent(&desk->fx, WIRE_HOLD));
    state_is(desk, BUY_HOLDING);
}

static void an_unanswered_hold_is_asked_again_then_given_up(void **state)
{
    struct desk *desk = *state;
    to_holding(desk);
    at(desk, desk->now_ms + 1001);
    assert_true(asks(desk, RIG_SELLER));
    at(desk, desk->now_ms + 9000);
    assert_true(releases(desk, RIG_SELLER));
    assert_true(asks(desk, RIG_OTHER));
}

static void when_all_refuse_it_waits_with_the_reason(void **state)
{
    struct desk *desk = *state;
    to_holding(desk);
    refuse_hold(desk, RIG_SELLER, 0, ERR_CAPACITY);
    refuse_hold(desk, RIG_OTHER, 0, ERR_NOT_SELLING);
    state_is(desk, BUY_WAITING);
    assert_true(task_of(desk, 0)->reason[0] != '\0');
    assert_int_equal(task_of(desk, 0)->err, ERR_NO_OFFER);
}

/* ---- quotes ---- */

static void an_approved_job_opens_at_its_first_good_quote(void **state)
{
    struct desk *desk = *state;
    const struct trade_effect *tx;
    to_opening(desk);
    state_is(desk, BUY_OPENING);
    tx = rig_tx(&desk->fx, TX_CONTRACT_OPEN);
    assert_non_null(tx);
    assert_true(hash_equal(&tx->subject, &desk->contract.id));
    assert_true(rig_need(&desk->fx, EFFECT_SAVE) < tx);
}

static void an_unapproved_bill_waits_for_the_buyer(void **state)
{
    struct desk *desk = *state;
    to_quoted(desk);
    state_is(desk, BUY_QUOTED);
    assert_int_equal(task_of(desk, 0)->err, ERR_NO_APPROVAL);
    assert_null(rig_find(&desk->fx, EFFECT_TX));
    assert_int_equal(approve(desk, 1000000, desk->request.expires_at_ms), OK);
    state_is(desk, BUY_OPENING);
    assert_non_null(rig_tx(&desk->fx, TX_CONTRACT_OPEN));
}

static void a_quote_above_what_was_approved_is_left(void **state)
{
    struct desk *desk = *state;
    put_offers(desk);
    assert_int_equal(submit(desk), OK);
    assert_int_equal(approve(desk, 1, desk->request.expires_at_ms), OK);
    quote_comes(desk);
    assert_null(rig_find(&desk->fx, EFFECT_TX));
    assert_true(asks(desk, RIG_OTHER));
}

static void a_bill_above_the_approval_is_not_opened(void **state)
{
    struct desk *desk = *state;
    to_quoted(desk);
    assert_int_equal(approve(desk, 1, desk->request.expires_at_ms), OK);
    assert_null(rig_find(&desk->fx, EFFECT_TX));
    assert_true(releases(desk, RIG_SELLER));
    assert_true(asks(desk, RIG_OTHER));
}

static void a_quote_that_breaks_the_terms_goes_to_the_next(void **state)
{
    struct desk *desk = *state;
    struct quote quote;
    to_holding(desk);
    quote = make_quote(desk, RIG_SELLER, 0, 0);
    quote.cap = amount_micro(quote.cap.micro + 1);
    send_quote(desk, RIG_SELLER, &quote);
    assert_null(rig_find(&desk->fx, EFFECT_TX));
    assert_true(asks(desk, RIG_OTHER));
}

static void a_quote_that_is_good_for_hours_goes_to_the_next(void **state)
{
    struct desk *desk = *state;
    struct quote quote;
    desk->request.expires_at_ms = desk->now_ms + 86400000;
    to_holding(desk);
    quote = make_quote(desk, RIG_SELLER, 0, 0);
    quote.expires_at_ms = desk->now_ms + 3600001;
    quote.start_by_ms = quote.expires_at_ms;
    quote.deadline_ms = quote.start_by_ms + 60000;
    send_quote(desk, RIG_SELLER, &quote);
    assert_null(rig_tx(&desk->fx, TX_CONTRACT_OPEN));
    assert_true(releases(desk, RIG_SELLER));
    assert_true(asks(desk, RIG_OTHER));
}

static void a_quote_nobody_asked_for_is_not_heard(void **state)
{
    struct desk *desk = *state;
    struct quote quote;
    to_holding(desk);
    quote = make_quote(desk, RIG_OTHER, 0, 0);
    send_quote(desk, RIG_OTHER, &quote);
    state_is(desk, BUY_HOLDING);
    quote = make_quote(desk, RIG_SELLER, 0, 1);
    send_quote(desk, RIG_SELLER, &quote);
    state_is(desk, BUY_HOLDING);
}

static void the_same_quote_twice_opens_once(void **state)
{
    struct desk *desk = *state;
    to_opening(desk);
    send_quote(desk, RIG_SELLER, &desk->quote);
    assert_null(rig_find(&desk->fx, EFFECT_TX));
    state_is(desk, BUY_OPENING);
}

static void a_bill_that_lapses_is_fetched_anew(void **state)
{
    struct desk *desk = *state;
    to_quoted(desk);
    at(desk, desk->quote.expires_at_ms - 1000);
    state_is(desk, BUY_HOLDING);
    assert_true(releases(desk, RIG_SELLER));
}

/* ---- approvals ---- */

static void an_approval_is_the_buyers_and_of_this_job(void **state)
{
    struct desk *desk = *state;
    struct hash id;
    assert_int_equal(submit(desk), OK);
    id = desk->id;
    assert_int_equal(approve(desk, 1, desk->now_ms), ERR_EXPIRED);
    desk->id = rig_hash(9);
    assert_int_equal(approve(desk, 1, desk->now_ms + 9), ERR_NOT_FOUND);
    desk->id = id;
    assert_false(job_of(desk)->approved);
}

static void an_approval_that_ran_out_ends_what_still_waits(void **state)
{
    struct desk *desk = *state;
    assert_int_equal(submit(desk), OK);
    assert_int_equal(approve(desk, 1000000, desk->now_ms + 5000), OK);
    at(desk, desk->now_ms + 5000);
    state_is(desk, BUY_EXPIRED);
}

/* ---- opening ---- */

static void an_open_is_brought_again_until_something_is_said(void **state)
{
    struct desk *desk = *state;
    to_opening(desk);
    at(desk, desk->now_ms + 5000);
    assert_non_null(rig_tx(&desk->fx, TX_CONTRACT_OPEN));
}

static void a_short_balance_ends_it_with_the_reason(void **state)
{
    struct desk *desk = *state;
    to_opening(desk);
    tx_refused(desk, TX_CONTRACT_OPEN, ERR_FUNDS);
    state_is(desk, BUY_FAILED);
    assert_int_equal(task_of(desk, 0)->err, ERR_FUNDS);
    assert_true(releases(desk, RIG_SELLER));
    assert_true(job_of(desk)->ended_at_ms != 0);
}

static void a_short_bond_goes_to_another_seller(void **state)
{
    struct desk *desk = *state;
    to_opening(desk);
    tx_refused(desk, TX_CONTRACT_OPEN, ERR_BOND);
    assert_true(asks(desk, RIG_OTHER));
}

static void a_quote_that_ran_out_on_its_way_goes_to_another(void **state)
{
    struct desk *desk = *state;
    to_opening(desk);
    tx_refused(desk, TX_CONTRACT_OPEN, ERR_EXPIRED);
    assert_true(asks(desk, RIG_OTHER));
}

static void a_request_that_ran_out_while_opening_is_expired(void **state)
{
    struct desk *desk = *state;
    to_opening(desk);
    desk->now_ms = desk->request.expires_at_ms;
    tx_refused(desk, TX_CONTRACT_OPEN, ERR_EXPIRED);
    state_is(desk, BUY_EXPIRED);
}

static void a_contract_that_is_there_already_is_waited_for(void **state)
{
    struct desk *desk = *state;
    to_opening(desk);
    tx_refused(desk, TX_CONTRACT_OPEN, ERR_EXISTS);
    state_is(desk, BUY_OPENING);
    chain_says(desk);
    state_is(desk, BUY_STAGING);
}

/* ---- before a contract, time and the user end it ---- */

static void a_request_lapses_wherever_its_task_is(void **state)
{
    void (*const ways[])(struct desk *) = {to_waiting, to_holding, to_quoted};
    struct desk *desk = *state;
    for (size_t i = 0; i < 3; i++) {
        ways[i](desk);
        at(desk, desk->request.expires_at_ms);
        state_is(desk, BUY_EXPIRED);
        assert_true(job_of(desk)->ended_at_ms != 0);
        assert_int_equal(book_request_count(buy_book(desk->buy)), 0);
        desk = next_desk(state);
    }
}

static void a_request_that_lapsed_while_we_were_away_ends_too(void **state)
{
    void (*const ways[])(struct desk *) = {to_waiting, to_holding, to_quoted};
    struct desk *desk = *state;
    for (size_t i = 0; i < 3; i++) {
        ways[i](desk);
        restart(desk);
        at(desk, desk->request.expires_at_ms + 5);
        state_is(desk, BUY_EXPIRED);
        desk = next_desk(state);
    }
}

static void a_cancelled_wish_asks_nobody_else(void **state)
{
    void (*const ways[])(struct desk *) = {to_waiting, to_holding, to_quoted};
    struct desk *desk = *state;
    for (size_t i = 0; i < 3; i++) {
        ways[i](desk);
        assert_int_equal(cancel(desk, UINT32_MAX), OK);
        state_is(desk, BUY_CANCELLED);
        assert_null(rig_sent(&desk->fx, WIRE_HOLD));
        assert_int_equal(releases(desk, RIG_SELLER), i > 0);
        desk = next_desk(state);
    }
}

static void a_dropped_draft_lets_go_of_everything(void **state)
{
    struct desk *desk = *state;
    desk->draft = true;
    to_holding(desk);
    assert_int_equal(buy_drop(desk->buy, &desk->id, desk->now_ms, &desk->fx),
                     OK);
    rig_disk_take(&desk->disk, &desk->fx);
    assert_true(releases(desk, RIG_SELLER));
    assert_null(rig_sent(&desk->fx, WIRE_HOLD));
    assert_non_null(rig_find(&desk->fx, EFFECT_UNPIN));
    assert_null(buy_job(desk->buy, &desk->id));
    assert_int_equal(book_request_count(buy_book(desk->buy)), 0);
    assert_int_equal(desk->disk.count, 0);
}

static void an_approved_job_is_cancelled_not_dropped(void **state)
{
    struct desk *desk = *state;
    to_holding(desk);
    assert_int_equal(buy_drop(desk->buy, &desk->id, desk->now_ms, &desk->fx),
                     ERR_STATE);
}

static void a_bag_is_spread_and_ends_as_one_job(void **state)
{
    struct desk *desk = *state;
    unsigned holds = 0;
    desk->request = rig_request(3);
    put_offers(desk);
    assert_int_equal(submit(desk), OK);
    for (size_t i = 0; i < desk->fx.count; i++) {
        enum wire_kind kind;
        if (desk->fx.list[i].kind == EFFECT_SEND &&
            wire_peek(desk->fx.list[i].bytes, &kind) == OK && kind == WIRE_HOLD)
            holds++;
    }
    assert_int_equal(holds, 3);
    assert_int_equal(cancel(desk, 1), OK);
    assert_int_equal(job_of(desk)->tasks[1].state, BUY_CANCELLED);
    assert_int_equal(job_of(desk)->state, BUY_HOLDING);
    assert_int_equal(cancel(desk, 1), ERR_STATE);
    assert_int_equal(cancel(desk, 3), ERR_NOT_FOUND);
    assert_int_equal(cancel(desk, UINT32_MAX), OK);
    assert_int_equal(job_of(desk)->state, BUY_CANCELLED);
}

static void a_bag_that_waits_says_so_once(void **state)
{
    struct desk *desk = *state;
    unsigned notes = 0;
    desk->request = rig_request(500);
    assert_int_equal(submit(desk), OK);
    for (size_t i = 0; i < desk->fx.count; i++)
        notes += desk->fx.list[i].kind == EFFECT_NOTE ? 1 : 0;
    assert_true(notes <= 1);
    assert_true(task_of(desk, 499)->reason[0] != '\0');
    assert_string_equal(task_of(desk, 0)->reason, task_of(desk, 499)->reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_request_is_for_this_node_and_its_own_spec),
        T(a_forged_request_is_refused),
        T(the_same_request_is_one_job),
        T(the_best_offer_is_asked_for_a_hold),
        T(without_offers_it_waits_and_says_why),
        T(an_offer_that_comes_later_is_taken),
        T(what_waits_opens_nothing),
        T(a_refused_hold_goes_to_the_next_offer),
        T(a_full_seller_is_asked_again_as_soon_as_it_has_room),
        T(a_crowded_seller_is_asked_again_in_a_moment),
        T(a_bag_that_waits_says_so_once),
        T(only_the_asked_seller_refuses),
        T(an_unanswered_hold_is_asked_again_then_given_up),
        T(when_all_refuse_it_waits_with_the_reason),
        T(an_approved_job_opens_at_its_first_good_quote),
        T(an_unapproved_bill_waits_for_the_buyer),
        T(a_quote_above_what_was_approved_is_left),
        T(a_bill_above_the_approval_is_not_opened),
        T(a_quote_that_breaks_the_terms_goes_to_the_next),
        T(a_quote_that_is_good_for_hours_goes_to_the_next),
        T(a_quote_nobody_asked_for_is_not_heard),
        T(the_same_quote_twice_opens_once),
        T(a_bill_that_lapses_is_fetched_anew),
        T(an_approval_is_the_buyers_and_of_this_job),
        T(an_approval_that_ran_out_ends_what_still_waits),
        T(an_open_is_brought_again_until_something_is_said),
        T(a_short_balance_ends_it_with_the_reason),
        T(a_short_bond_goes_to_another_seller),
        T(a_quote_that_ran_out_on_its_way_goes_to_another),
        T(a_request_that_ran_out_while_opening_is_expired),
        T(a_contract_that_is_there_already_is_waited_for),
        T(a_request_lapses_wherever_its_task_is),
        T(a_request_that_lapsed_while_we_were_away_ends_too),
        T(a_cancelled_wish_asks_nobody_else),
        T(a_dropped_draft_lets_go_of_everything),
        T(an_approved_job_is_cancelled_not_dropped),
        T(a_bag_is_spread_and_ends_as_one_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
