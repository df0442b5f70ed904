/* The seller over restarts: records, what goes on, and what foreign bytes do.
 * Its work is in test_sell_hold.c, test_sell_job.c and test_sell_chain.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/shop_rig.h"

static void (*const every_way[])(struct shop *) = {
    to_held,     to_waiting,    to_staging,    to_starting,
    to_running,  to_publishing, to_delivering, to_delivered,
    to_refusing, to_closing,    to_settled};
#define WAYS (sizeof(every_way) / sizeof(every_way[0]))

static void every_state_survives_a_restart(void **state)
{
    struct shop *shop = *state;
    for (size_t i = 0; i < WAYS; i++) {
        struct sell_view before;
        struct sell_view after;
        every_way[i](shop);
        before = view_of(shop);
        restart(shop);
        after = view_of(shop);
        assert_int_equal(before.state, after.state);
        assert_true(hash_equal(&before.contract, &after.contract));
        assert_int_equal(before.receipt_seq, after.receipt_seq);
        assert_int_equal(before.reason, after.reason);
        assert_int_equal(before.since_ms, after.since_ms);
        shop = next_shop(state);
    }
}

static void every_state_has_a_clock(void **state)
{
    struct shop *shop = *state;
    for (size_t i = 0; i < WAYS; i++) {
        every_way[i](shop);
        assert_true(rig_need(&shop->fx, EFFECT_WAKE)->at_ms <
                    shop->now_ms + 86400000);
        restart(shop);
        at(shop, shop->now_ms + 1);
        assert_true(rig_need(&shop->fx, EFFECT_WAKE)->at_ms <
                    shop->now_ms + 86400000);
        shop = next_shop(state);
    }
}

static void what_was_under_way_goes_on_after_a_restart(void **state)
{
    static const struct {
        void (*way)(struct shop *);
        enum trade_effect_kind effect;
    } cases[] = {
        {to_staging, EFFECT_FETCH},           {to_starting, EFFECT_FETCH},
        {to_publishing, EFFECT_EXEC_COLLECT}, {to_delivering, EFFECT_TX},
        {to_delivered, EFFECT_SHARE},         {to_refusing, EFFECT_TX},
    };
    struct shop *shop = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cases[i].way(shop);
        restart(shop);
        at(shop, shop->now_ms + 1);
        assert_non_null(rig_find(&shop->fx, cases[i].effect));
        at(shop, shop->now_ms + 1); /* once, not at every step */
        assert_null(rig_find(&shop->fx, cases[i].effect));
        shop = next_shop(state);
    }
}

static void a_running_job_goes_on_after_a_restart(void **state)
{
    struct shop *shop = *state;
    to_running(shop);
    restart(shop);
    assert_int_equal(free_cpu(shop), 1500);
    executor_says(shop, EXEC_RUNNING, 15000);
    state_is(shop, SELL_RUNNING);
    executor_ends(shop, END_DONE, 0, 16000);
    collected(shop, OK);
    assert_int_equal(delivery_of(shop).receipt.wall_ms, 16000);
}

static void a_record_reads_as_it_was_written(void **state)
{
    struct shop *shop = *state;
    for (size_t i = 0; i < WAYS; i++) {
        struct sell_item *item;
        struct buf again;
        every_way[i](shop);
        assert_int_equal(shop->disk.count, 1);
        restart(shop);
        item = sell_find(shop->sell, &shop->id);
        assert_non_null(item);
        buf_init(&again, 1u << 18);
        sell_item_encode(item, &again);
        assert_true(bytes_equal(buf_bytes(&again),
                                buf_bytes(&shop->disk.records[0].bytes)));
        buf_done(&again);
        shop = next_shop(state);
    }
}

static void a_damaged_record_is_refused_and_leaves_nothing(void **state)
{
    struct shop *shop = *state;
    struct bytes record;
    to_delivering(shop);
    record = buf_bytes(&shop->disk.records[0].bytes);
    sell_free(shop->sell);
    open_shop(shop);
    for (size_t len = 0; len < record.len; len++)
        assert_int_not_equal(
            sell_load(shop->sell, "sell/x", bytes_make(record.ptr, len)), OK);
    assert_true(empty(shop));
}

static void foreign_bytes_change_nothing(void **state)
{
    struct shop *shop = *state;
    uint8_t noise[64];
    to_running(shop);
    for (int kind = 0; kind < 64; kind++) {
        struct trade_event event = {.kind = TRADE_MESSAGE,
                                    .peer = rig_key_of(RIG_AGENT),
                                    .message = bytes_make(noise, 64)};
        memset(noise, kind, sizeof(noise));
        noise[0] = 0x93;
        noise[1] = (uint8_t)kind;
        noise[2] = WIRE_VERSION;
        step(shop, &event);
        assert_int_equal(rig_count(&shop->fx, EFFECT_SAVE), 0);
    }
    state_is(shop, SELL_RUNNING);
}

static void events_of_contracts_that_are_not_here_do_nothing(void **state)
{
    struct shop *shop = *state;
    to_running(shop);
    shop->id = rig_hash(0x77);
    fetched(shop, &shop->spec.image, OK);
    executor_ends(shop, END_DONE, 0, 1);
    collected(shop, OK);
    tx_refused(shop, TX_CONTRACT_SETTLE, ERR_STATE);
    send_contract(shop, WIRE_CANCEL, RIG_AGENT);
    state_is(shop, SELL_RUNNING);
    assert_int_equal(rig_count(&shop->fx, EFFECT_SAVE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_state_survives_a_restart),
        T(every_state_has_a_clock),
        T(what_was_under_way_goes_on_after_a_restart),
        T(a_running_job_goes_on_after_a_restart),
        T(a_record_reads_as_it_was_written),
        T(a_damaged_record_is_refused_and_leaves_nothing),
        T(foreign_bytes_change_nothing),
        T(events_of_contracts_that_are_not_here_do_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
