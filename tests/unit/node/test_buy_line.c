/* The buyer and sellers that queue. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/desk_rig.h"

#define MINUTE_MS 60000u

/* Full, cheaper than the other, and it queues. */
static void put_full(struct desk *desk, enum rig_actor seller)
{
    struct hash chain = rig_chain();
    struct offer offer = {
        .version = desk->now_ms,
        .issued_at_ms = desk->now_ms,
        .ttl_ms = 600000,
        .address = "10.0.0.9:7000",
        .name = "full",
        .arch = ARCH_X86_64,
        .total = {.cpu_milli = 4000, .mem_mib = 4096, .disk_mib = 4096},
        .time_ms_max = 600000,
        .price = rig_price(),
        .queue = {1, 63, 5 * MINUTE_MS, 9 * MINUTE_MS},
    };
    struct trade_event event = {.kind = TRADE_OFFER,
                                .peer = rig_key_of(seller)};
    assert_int_equal(offer_sign(&offer, &chain, rig_signer(seller)), OK);
    assert_int_equal(
        book_offer_put(buy_book(desk->buy), &offer, desk->now_ms, desk->now_ms),
        OK);
    step(desk, &event);
}

static struct quote late_quote(struct desk *desk, uint64_t wait_ms)
{
    struct quote quote = make_quote(desk, RIG_SELLER, 0, 0);
    quote.start_by_ms += wait_ms;
    quote.deadline_ms += wait_ms;
    return quote;
}

/* The same as desk_rig.h's steps, with a quote that begins later. */
static void to_opened_late(struct desk *desk)
{
    desk->request.patience_ms = 10 * MINUTE_MS;
    put_full(desk, RIG_SELLER);
    assert_int_equal(submit(desk), OK);
    desk->quote = late_quote(desk, 9 * MINUTE_MS);
    send_quote(desk, RIG_SELLER, &desk->quote);
    state_is(desk, BUY_QUOTED);
    assert_int_equal(approve(desk, 1000000, desk->request.expires_at_ms), OK);
    state_is(desk, BUY_OPENING);
    desk->contract = rig_contract(&desk->quote, desk->now_ms);
    chain_says(desk);
    state_is(desk, BUY_STAGING);
}

static void who_is_not_patient_passes_a_full_seller_by(void **state)
{
    struct desk *desk = *state;
    put_full(desk, RIG_SELLER);
    assert_int_equal(submit(desk), OK);
    state_is(desk, BUY_WAITING);
}

static void who_is_patient_asks_it_and_takes_a_late_quote(void **state)
{
    to_opened_late(*state);
}

static void it_is_cheaper_so_it_comes_first(void **state)
{
    struct desk *desk = *state;
    desk->request.patience_ms = 10 * MINUTE_MS;
    put_full(desk, RIG_SELLER);
    put_offer(desk, RIG_OTHER, 30000);
    assert_int_equal(submit(desk), OK);
    assert_true(asks(desk, RIG_SELLER));
}

static void a_quote_beyond_the_patience_is_no_good(void **state)
{
    struct desk *desk = *state;
    struct quote quote;
    desk->request.patience_ms = 10 * MINUTE_MS;
    put_full(desk, RIG_SELLER);
    put_offer(desk, RIG_OTHER, 30000);
    assert_int_equal(submit(desk), OK);
    quote = late_quote(desk, 10 * MINUTE_MS + QUOTE_START_MS_MAX);
    send_quote(desk, RIG_SELLER, &quote);
    state_is(desk, BUY_HOLDING);
    assert_true(asks(desk, RIG_OTHER)); /* the next */
}

/* A place that is not there now is not there in a moment. */
static void a_full_queue_is_left_alone_for_a_while(void **state)
{
    struct desk *desk = *state;
    desk->request.patience_ms = 10 * MINUTE_MS;
    put_full(desk, RIG_SELLER);
    assert_int_equal(submit(desk), OK);
    assert_true(asks(desk, RIG_SELLER));
    refuse_hold(desk, RIG_SELLER, 0, ERR_CAPACITY);
    state_is(desk, BUY_WAITING);
    for (uint64_t ms = 100; ms < BOOK_BACKOFF_MIN_MS / 2; ms += 100) {
        at(desk, desk->now_ms + 100);
        assert_false(asks(desk, RIG_SELLER));
    }
}

static void queued(struct desk *desk, uint64_t begin_ms)
{
    struct wire_job_state says = {.contract = desk->contract.id,
                                  .phase = JOB_QUEUED,
                                  .text = "queued behind 2",
                                  .begin_ms = begin_ms};
    struct buf message;
    buf_init(&message, 1024);
    wire_job_state_encode(&says, &message);
    hear(desk, RIG_SELLER, &message);
}

static void while_it_waits_its_buyer_knows_when_it_begins(void **state)
{
    struct desk *desk = *state;
    uint64_t begin_ms;
    to_opened_late(desk);
    begin_ms = desk->now_ms + 7 * MINUTE_MS;
    queued(desk, begin_ms);
    state_is(desk, BUY_STAGING);
    assert_int_equal(task_of(desk, 0)->begin_ms, begin_ms);
    assert_true(has_reason(desk, "queued behind 2"));
    queued(desk, begin_ms);
    assert_int_equal(rig_count(&desk->fx, EFFECT_NOTE), 0); /* no news */
    seller_says(desk, JOB_RUNNING, 0);
    state_is(desk, BUY_RUNNING);
    assert_int_equal(task_of(desk, 0)->begin_ms, 0);
}

/* It has until it was promised, however long that is. */
static void a_silent_seller_is_given_up_after_its_promise_only(void **state)
{
    struct desk *desk = *state;
    to_opened_late(desk);
    queued(desk, desk->now_ms + 7 * MINUTE_MS);
    at(desk, desk->quote.start_by_ms);
    assert_null(rig_tx(&desk->fx, TX_CONTRACT_EXPIRE));
    at(desk, desk->quote.start_by_ms + 5001);
    assert_non_null(rig_tx(&desk->fx, TX_CONTRACT_EXPIRE));
}

static void after_a_kill_it_still_waits(void **state)
{
    struct desk *desk = *state;
    to_opened_late(desk);
    queued(desk, desk->now_ms + 7 * MINUTE_MS);
    restart(desk);
    at(desk, desk->now_ms + 1000);
    state_is(desk, BUY_STAGING);
    assert_int_equal(task_of(desk, 0)->quote.start_by_ms,
                     desk->quote.start_by_ms);
    queued(desk, desk->now_ms + 7 * MINUTE_MS);
    assert_true(task_of(desk, 0)->begin_ms > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(who_is_not_patient_passes_a_full_seller_by),
        T(who_is_patient_asks_it_and_takes_a_late_quote),
        T(it_is_cheaper_so_it_comes_first),
        T(a_quote_beyond_the_patience_is_no_good),
        T(a_full_queue_is_left_alone_for_a_while),
        T(while_it_waits_its_buyer_knows_when_it_begins),
        T(a_silent_seller_is_given_up_after_its_promise_only),
        T(after_a_kill_it_still_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
