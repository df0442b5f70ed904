/* The seller, up to the contract: holds and quotes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/shop_rig.h"

static void a_hold_reserves_and_is_answered_with_a_signed_quote(void **state)
{
    struct shop *shop = *state;
    struct hash chain = rig_chain();
    struct hash id = rig_request_id(&shop->request);
    struct quote quote;
    ask_hold(shop, RIG_AGENT, 2, 0);
    quote = quote_of(shop);
    assert_int_equal(quote_verify(&quote, &chain), OK);
    assert_int_equal(quote_check(&quote, &shop->request, &id), OK);
    assert_int_equal(quote.task, 2);
    assert_int_equal(quote.rtt_us, 700);
    assert_true(pubkey_equal(&quote.payout, &shop->config.signer->key));
    assert_int_equal(free_cpu(shop), 1500);
    state_is(shop, SELL_HELD);
}

static void the_promise_is_on_the_disk_before_it_leaves(void **state)
{
    struct shop *shop = *state;
    ask_hold(shop, RIG_AGENT, 2, 0);
    assert_true(rig_need(&shop->fx, EFFECT_SAVE) <
                rig_sent(&shop->fx, WIRE_QUOTE));
}

static void the_same_hold_again_gets_the_same_quote(void **state)
{
    struct shop *shop = *state;
    struct quote first;
    struct quote second;
    ask_hold(shop, RIG_AGENT, 0, 0);
    first = quote_of(shop);
    shop->now_ms += 5000;
    ask_hold(shop, RIG_AGENT, 0, 0);
    second = quote_of(shop);
    assert_memory_equal(first.sig.b, second.sig.b, sizeof(first.sig.b));
    assert_int_equal(free_cpu(shop), 1500);
}

static void what_does_not_fit_is_refused_with_what_is_free(void **state)
{
    struct shop *shop = *state;
    for (uint32_t task = 0; task < 3; task++)
        ask_hold(shop, RIG_AGENT, task, 0);
    ask_hold(shop, RIG_AGENT, 3, 0); /* cores would do, slots are out */
    refused_with(shop, ERR_CAPACITY);
    assert_int_equal(refusal_of(shop).free.cpu_milli, 500);
    assert_int_equal(refusal_of(shop).key.task, 3);
}

static void a_hold_is_for_the_agent_that_asks_and_tasks_that_are(void **state)
{
    struct shop *shop = *state;
    ask_hold(shop, RIG_OTHER, 0, 0);
    refused_with(shop, ERR_PARTY);
    ask_hold(shop, RIG_AGENT, 4, 0);
    refused_with(shop, ERR_RANGE);
    ask_hold(shop, RIG_AGENT, 0, 3);
    refused_with(shop, ERR_RANGE);
    shop->now_ms = shop->request.expires_at_ms;
    ask_hold(shop, RIG_AGENT, 0, 0);
    refused_with(shop, ERR_EXPIRED);
    assert_true(empty(shop));
}

static void a_hold_is_refused_for_what_this_seller_is_not(void **state)
{
    struct shop *shop = *state;
    shop->request.only_seller = rig_key_of(RIG_OTHER);
    ask_hold(shop, RIG_AGENT, 0, 0);
    refused_with(shop, ERR_TERMS);
    shop->request = rig_request(4);
    shop->request.arch = ARCH_AARCH64;
    ask_hold(shop, RIG_AGENT, 0, 0);
    refused_with(shop, ERR_CAPACITY);
    shop->request = rig_request(4);
    shop->request.time_ms_max = 600001;
    ask_hold(shop, RIG_AGENT, 0, 0);
    refused_with(shop, ERR_CAPACITY);
    shop->request = rig_request(4);
    shop->request.resources.mem_mib = 2049;
    ask_hold(shop, RIG_AGENT, 0, 0);
    refused_with(shop, ERR_CAPACITY);
    assert_true(empty(shop));
}

static void a_bill_above_the_buyers_cap_is_not_quoted(void **state)
{
    struct shop *shop = *state;
    shop->request.price_max = amount_micro(1);
    ask_hold(shop, RIG_AGENT, 0, 0);
    refused_with(shop, ERR_PRICE);
    assert_true(empty(shop));
}

static void a_forged_request_holds_nothing(void **state)
{
    struct shop *shop = *state;
    struct buf request;
    struct buf message;
    struct wire_hold hold = {.task = 0};
    rig_request_bytes(&shop->request, &request);
    request.ptr[request.len - 1] ^= 1;
    hold.request = buf_bytes(&request);
    buf_init(&message, 8192);
    wire_hold_encode(&hold, &message);
    hear(shop, RIG_AGENT, &message);
    buf_done(&request);
    refused_with(shop, ERR_SIGNATURE);
    assert_true(empty(shop));
}

static void a_closed_shop_takes_no_holds(void **state)
{
    struct shop *shop = *state;
    sell_open(shop->sell, false);
    ask_hold(shop, RIG_AGENT, 0, 0);
    refused_with(shop, ERR_NOT_SELLING);
}

static void one_buyer_cannot_hold_everything(void **state)
{
    struct shop *shop = *state;
    shop->request = rig_request(SELL_HOLDS_BUYER_MAX + 1);
    shop->config.total = (struct resources){1000000, 1000000, 1000000, 0};
    shop->config.slots = 1000;
    sell_configure(shop->sell, &shop->config);
    for (uint32_t task = 0; task < SELL_HOLDS_BUYER_MAX; task++) {
        ask_hold(shop, RIG_AGENT, task, 0);
        assert_non_null(rig_sent(&shop->fx, WIRE_QUOTE));
    }
    ask_hold(shop, RIG_AGENT, SELL_HOLDS_BUYER_MAX, 0);
    refused_with(shop, ERR_RATE);
}

static void open_quotes_never_promise_more_bond_than_there_is(void **state)
{
    struct shop *shop = *state;
    struct amount bond;
    ask_hold(shop, RIG_AGENT, 0, 0);
    bond = quote_of(shop).bond;
    assert_true(!amount_is_zero(bond));
    sell_balance(shop->sell, bond);
    ask_hold(shop, RIG_AGENT, 1, 0);
    refused_with(shop, ERR_FUNDS);
    assert_int_equal(amount_mul(bond, 2, &bond), OK);
    sell_balance(shop->sell, bond);
    ask_hold(shop, RIG_AGENT, 1, 0);
    assert_non_null(rig_sent(&shop->fx, WIRE_QUOTE));
}

static void a_hold_lapses_when_its_time_is_up(void **state)
{
    struct shop *shop = *state;
    to_held(shop);
    at(shop, shop->quote.expires_at_ms);
    state_is(shop, SELL_HELD); /* a contract may still be on its way */
    assert_int_equal(rig_need(&shop->fx, EFFECT_WAKE)->at_ms,
                     shop->quote.expires_at_ms + SELL_HOLD_MARGIN_MS);
    at(shop, shop->quote.expires_at_ms + SELL_HOLD_MARGIN_MS);
    assert_true(empty(shop));
    assert_int_equal(free_cpu(shop), 2000);
    assert_int_equal(shop->disk.count, 0);
}

static void a_hold_lapses_over_a_restart_too(void **state)
{
    struct shop *shop = *state;
    to_held(shop);
    restart(shop);
    at(shop, shop->quote.expires_at_ms + SELL_HOLD_MARGIN_MS - 1);
    state_is(shop, SELL_HELD);
    assert_int_equal(free_cpu(shop), 1500);
    at(shop, shop->quote.expires_at_ms + SELL_HOLD_MARGIN_MS);
    assert_true(empty(shop));
}

static void send_release(struct shop *shop, enum rig_actor from)
{
    struct wire_hold_key key = {.request = rig_request_id(&shop->request)};
    struct buf message;
    buf_init(&message, 256);
    wire_hold_release_encode(&key, &message);
    hear(shop, from, &message);
}

static void a_released_hold_is_gone_soon(void **state)
{
    struct shop *shop = *state;
    to_held(shop);
    send_release(shop, RIG_AGENT);
    state_is(shop, SELL_HELD);
    ask_hold(shop, RIG_AGENT, 0, 0); /* not the old quote again */
    refused_with(shop, ERR_EXPIRED);
    at(shop, shop->now_ms + 3000);
    assert_true(empty(shop));
    ask_hold(shop, RIG_AGENT, 0, 0);
    assert_non_null(rig_sent(&shop->fx, WIRE_QUOTE));
}

static void a_contract_that_overtook_its_release_is_served(void **state)
{
    struct shop *shop = *state;
    to_held(shop);
    send_release(shop, RIG_AGENT);
    chain_says(shop);
    state_is(shop, SELL_WAITING_START);
}

static void nobody_else_releases_a_hold(void **state)
{
    struct shop *shop = *state;
    to_held(shop);
    send_release(shop, RIG_OTHER);
    at(shop, shop->now_ms + 10000);
    state_is(shop, SELL_HELD);
}

static void a_hold_for_a_contract_that_is_open_is_refused(void **state)
{
    struct shop *shop = *state;
    to_waiting(shop);
    ask_hold(shop, RIG_AGENT, 0, 0);
    refused_with(shop, ERR_EXISTS);
}

static void less_capacity_than_is_in_use_sells_nothing_new(void **state)
{
    struct shop *shop = *state;
    struct sell_capacity capacity;
    to_running(shop);
    shop->config.total.cpu_milli = 100;
    sell_configure(shop->sell, &shop->config);
    sell_capacity(shop->sell, &capacity);
    assert_int_equal(capacity.free.cpu_milli, 0);
    assert_int_equal(capacity.running.cpu_milli, 500);
    ask_hold(shop, RIG_AGENT, 1, 0);
    refused_with(shop, ERR_CAPACITY);
}

static void a_quote_starts_no_earlier_than_it_expires(void **state)
{
    struct shop *shop = *state;
    struct hash id = rig_request_id(&shop->request);
    struct quote quote;
    shop->config.start_by_ms = 1;
    sell_configure(shop->sell, &shop->config);
    ask_hold(shop, RIG_AGENT, 0, 0);
    quote = quote_of(shop);
    assert_int_equal(quote_check(&quote, &shop->request, &id), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_hold_reserves_and_is_answered_with_a_signed_quote),
        T(the_promise_is_on_the_disk_before_it_leaves),
        T(the_same_hold_again_gets_the_same_quote),
        T(what_does_not_fit_is_refused_with_what_is_free),
        T(a_hold_is_for_the_agent_that_asks_and_tasks_that_are),
        T(a_hold_is_refused_for_what_this_seller_is_not),
        T(a_bill_above_the_buyers_cap_is_not_quoted),
        T(a_forged_request_holds_nothing),
        T(a_closed_shop_takes_no_holds),
        T(one_buyer_cannot_hold_everything),
        T(open_quotes_never_promise_more_bond_than_there_is),
        T(a_hold_lapses_when_its_time_is_up),
        T(a_hold_lapses_over_a_restart_too),
        T(a_released_hold_is_gone_soon),
        T(a_contract_that_overtook_its_release_is_served),
        T(nobody_else_releases_a_hold),
        T(a_hold_for_a_contract_that_is_open_is_refused),
        T(less_capacity_than_is_in_use_sells_nothing_new),
        T(a_quote_starts_no_earlier_than_it_expires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
