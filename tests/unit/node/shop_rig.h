#ifndef TESTS_UNIT_NODE_SHOP_RIG_H
#define TESTS_UNIT_NODE_SHOP_RIG_H

/* One seller's engine, one buyer, one contract, and the way of that contract
 * step by step. For test_sell*.c; include after cmocka.h. */

#include "node/trade/sell_item.h"
#include "tests/unit/node/trade_rig.h"

#define BULK "10.1.2.3:7001"

struct shop {
    struct sell *sell;
    struct sell_config config;
    struct trade_effects fx;
    struct rig_disk disk;
    uint64_t now_ms;
    uint64_t behind_ms; /* so far behind are we with the chain */
    struct request request;
    struct spec spec;
    struct hash id; /* of the contract of task 0, attempt 0 */
    struct quote quote;
    struct contract contract;
};

RIG_UNUSED static void open_shop(struct shop *shop)
{
    assert_int_equal(sell_new(&shop->config, &shop->sell), OK);
    sell_open(shop->sell, true);
    sell_balance(shop->sell, amount_micro(1000000));
}

RIG_UNUSED static int setup(void **state)
{
    struct shop *shop = calloc(1, sizeof(*shop));
    if (shop == NULL)
        return -1;
    *state = shop;
    trade_effects_init(&shop->fx);
    shop->now_ms = RIG_T0 + 1000;
    shop->request = rig_request(4);
    shop->spec = rig_spec();
    shop->config = (struct sell_config){
        .chain = rig_chain(),
        .signer = rig_signer(RIG_SELLER),
        .total = {.cpu_milli = 2000, .mem_mib = 2048, .disk_mib = 1024},
        .slots = 3,
        .time_ms_max = 600000,
        .arch = ARCH_X86_64,
        .price = rig_price(),
        .bond_permille = 100,
        .receipt_ms = 10000,
        .retention_ms = 60000,
    };
    open_shop(shop);
    return 0;
}

RIG_UNUSED static int teardown(void **state)
{
    struct shop *shop = *state;
    sell_free(shop->sell);
    trade_effects_done(&shop->fx);
    rig_disk_done(&shop->disk);
    free(shop);
    return 0;
}

/* A shop as new, for the next turn of a loop. */
RIG_UNUSED static struct shop *next_shop(void **state)
{
    teardown(state);
    assert_int_equal(setup(state), 0);
    return *state;
}

/* The node is killed and starts from what is on the disk. */
RIG_UNUSED static void restart(struct shop *shop)
{
    sell_free(shop->sell);
    open_shop(shop);
    for (size_t i = 0; i < shop->disk.count; i++)
        assert_int_equal(sell_load(shop->sell, shop->disk.records[i].key,
                                   buf_bytes(&shop->disk.records[i].bytes)),
                         OK);
}

/* ---- events ---- */

RIG_UNUSED static void step(struct shop *shop, struct trade_event *event)
{
    event->now_ms = shop->now_ms;
    event->chain_time_ms = shop->now_ms - shop->behind_ms;
    sell_step(shop->sell, event, &shop->fx);
    rig_disk_take(&shop->disk, &shop->fx);
}

RIG_UNUSED static void at(struct shop *shop, uint64_t now_ms)
{
    struct trade_event event = {.kind = TRADE_TICK};
    shop->now_ms = now_ms;
    step(shop, &event);
}

/* Takes the message. */
RIG_UNUSED static void hear(struct shop *shop, enum rig_actor from,
                            struct buf *message)
{
    struct trade_event event = {.kind = TRADE_MESSAGE,
                                .peer = rig_key_of(from),
                                .message = buf_bytes(message)};
    assert_int_equal(message->err, OK);
    step(shop, &event);
    buf_done(message);
}

RIG_UNUSED static void ask_hold(struct shop *shop, enum rig_actor from,
                                uint32_t task, uint32_t attempt)
{
    struct buf request;
    struct buf message;
    struct wire_hold hold = {.task = task, .attempt = attempt, .rtt_us = 700};
    rig_request_bytes(&shop->request, &request);
    hold.request = buf_bytes(&request);
    buf_init(&message, 8192);
    wire_hold_encode(&hold, &message);
    hear(shop, from, &message);
    buf_done(&request);
}

RIG_UNUSED static void chain_says(struct shop *shop)
{
    struct trade_event event = {.kind = TRADE_CONTRACT,
                                .contract = &shop->contract};
    step(shop, &event);
}

RIG_UNUSED static void send_start(struct shop *shop, enum rig_actor from,
                                  const struct spec *spec, const char *bulk)
{
    struct wire_start start = {.contract = shop->id};
    struct buf bytes;
    struct buf message;
    rig_spec_bytes(spec, &bytes);
    start.spec = buf_bytes(&bytes);
    snprintf(start.bulk_address, sizeof(start.bulk_address), "%s", bulk);
    buf_init(&message, SPEC_BYTES_MAX + 512);
    wire_start_encode(&start, &message);
    hear(shop, from, &message);
    buf_done(&bytes);
}

/* CANCEL, ASK. */
RIG_UNUSED static void send_contract(struct shop *shop, enum wire_kind kind,
                                     enum rig_actor from)
{
    struct buf message;
    buf_init(&message, 256);
    wire_contract_encode(kind, &shop->id, &message);
    hear(shop, from, &message);
}

RIG_UNUSED static void send_ack(struct shop *shop, struct receipt receipt,
                                enum rig_actor signer)
{
    struct hash chain = rig_chain();
    struct buf body;
    struct buf message;
    assert_int_equal(receipt_sign_agent(&receipt, &chain, rig_signer(signer)),
                     OK);
    buf_init(&body, RECEIPT_BYTES_MAX);
    buf_init(&message, 1024);
    assert_int_equal(receipt_encode(&receipt, &body), OK);
    wire_bytes_encode(WIRE_RECEIPT_ACK, buf_bytes(&body), &message);
    hear(shop, RIG_AGENT, &message);
    buf_done(&body);
}

RIG_UNUSED static void fetched(struct shop *shop, const struct hash *id,
                               enum err err)
{
    struct trade_event event = {
        .kind = TRADE_FETCHED, .id = *id, .subject = shop->id, .err = err};
    step(shop, &event);
}

RIG_UNUSED static void executor_says(struct shop *shop, enum exec_phase phase,
                                     uint64_t wall_ms)
{
    struct exec_state exec = {.phase = phase,
                              .wall_ms = wall_ms,
                              .cpu_ms = wall_ms / 4,
                              .mem_peak_mib = 7};
    struct trade_event event = {
        .kind = TRADE_EXEC_STATE, .subject = shop->id, .exec = &exec};
    step(shop, &event);
}

RIG_UNUSED static void executor_ends(struct shop *shop, enum end_reason reason,
                                     uint32_t exit_code, uint64_t wall_ms)
{
    struct exec_state exec = {.phase = EXEC_FINISHED,
                              .reason = reason,
                              .exit_code = exit_code,
                              .wall_ms = wall_ms,
                              .cpu_ms = wall_ms / 4};
    struct trade_event event = {
        .kind = TRADE_EXEC_STATE, .subject = shop->id, .exec = &exec};
    step(shop, &event);
}

RIG_UNUSED static void collected(struct shop *shop, enum err err)
{
    struct trade_event event = {.kind = TRADE_EXEC_COLLECTED,
                                .subject = shop->id,
                                .err = err,
                                .result = rig_hash(0x41),
                                .log = rig_hash(0x42)};
    step(shop, &event);
}

RIG_UNUSED static void tx_refused(struct shop *shop, uint32_t kind,
                                  enum err err)
{
    struct trade_event event = {.kind = TRADE_TX_REFUSED,
                                .subject = shop->id,
                                .tx_kind = kind,
                                .err = err};
    step(shop, &event);
}

/* ---- what came of it ---- */

RIG_UNUSED static struct quote quote_of(const struct shop *shop)
{
    struct quote quote;
    struct bytes body;
    struct arena arena;
    arena_init(&arena, 1u << 16);
    assert_int_equal(wire_bytes_decode(WIRE_QUOTE,
                                       rig_need_sent(&shop->fx, WIRE_QUOTE),
                                       &arena, &body),
                     OK);
    assert_int_equal(quote_decode(body, &arena, &quote), OK);
    arena_done(&arena);
    return quote;
}

RIG_UNUSED static struct wire_hold_refused refusal_of(const struct shop *shop)
{
    struct wire_hold_refused refused;
    struct arena arena;
    arena_init(&arena, 1u << 16);
    assert_int_equal(
        wire_hold_refused_decode(rig_need_sent(&shop->fx, WIRE_HOLD_REFUSED),
                                 &arena, &refused),
        OK);
    arena_done(&arena);
    return refused;
}

RIG_UNUSED static void refused_with(const struct shop *shop, enum err err)
{
    assert_null(rig_sent(&shop->fx, WIRE_QUOTE));
    assert_int_equal(refusal_of(shop).err, err);
}

RIG_UNUSED static struct sell_view view_of(const struct shop *shop)
{
    struct sell_view view;
    assert_true(sell_view(shop->sell, 0, &view));
    return view;
}

RIG_UNUSED static void state_is(const struct shop *shop, enum sell_state state)
{
    assert_int_equal(view_of(shop).state, state);
}

RIG_UNUSED static bool empty(const struct shop *shop)
{
    struct sell_view view;
    return !sell_view(shop->sell, 0, &view);
}

RIG_UNUSED static uint32_t free_cpu(const struct shop *shop)
{
    struct sell_capacity capacity;
    sell_capacity(shop->sell, &capacity);
    return capacity.free.cpu_milli;
}

/* The reason of the refuse in the last step. */
RIG_UNUSED static enum end_reason refusal_reason(const struct shop *shop)
{
    const struct trade_effect *tx = rig_tx(&shop->fx, TX_CONTRACT_REFUSE);
    struct mp_reader reader;
    struct arena arena;
    struct hash id;
    enum end_reason reason;
    assert_non_null(tx);
    arena_init(&arena, 1u << 14);
    assert_int_equal(
        mp_open_message(&reader, tx->bytes, &arena, TX_CONTRACT_REFUSE, 1, 2),
        OK);
    mp_get_hash(&reader, &id);
    reason = (enum end_reason)mp_get_uint(&reader);
    arena_done(&arena);
    assert_true(hash_equal(&id, &shop->id));
    return reason;
}

/* What the deliver in the last step says. */
struct delivered {
    enum end_reason reason;
    uint32_t exit_code;
    struct hash result;
    struct receipt receipt;
};
RIG_UNUSED static struct delivered delivery_of(const struct shop *shop)
{
    const struct trade_effect *tx = rig_tx(&shop->fx, TX_CONTRACT_DELIVER);
    struct mp_reader reader;
    struct arena arena;
    struct hash id;
    struct hash log;
    struct delivered out;
    assert_non_null(tx);
    arena_init(&arena, 1u << 14);
    assert_int_equal(
        mp_open_message(&reader, tx->bytes, &arena, TX_CONTRACT_DELIVER, 1, 6),
        OK);
    mp_get_hash(&reader, &id);
    out.reason = (enum end_reason)mp_get_uint(&reader);
    out.exit_code = (uint32_t)mp_get_uint(&reader);
    mp_get_hash(&reader, &out.result);
    mp_get_hash(&reader, &log);
    assert_int_equal(receipt_decode(mp_get_bin(&reader, RECEIPT_BYTES_MAX),
                                    &arena, &out.receipt),
                     OK);
    arena_done(&arena);
    return out;
}

/* ---- the way of a contract ---- */

RIG_UNUSED static void to_held(struct shop *shop)
{
    ask_hold(shop, RIG_AGENT, 0, 0);
    shop->quote = quote_of(shop);
    shop->contract = rig_contract(&shop->quote, shop->now_ms);
    shop->id = shop->contract.id;
}

RIG_UNUSED static void to_waiting(struct shop *shop)
{
    to_held(shop);
    chain_says(shop);
}

RIG_UNUSED static void to_staging(struct shop *shop)
{
    to_waiting(shop);
    send_start(shop, RIG_AGENT, &shop->spec, BULK);
}

RIG_UNUSED static void to_starting(struct shop *shop)
{
    to_staging(shop);
    fetched(shop, &shop->spec.image, OK);
    fetched(shop, &shop->spec.inputs, OK);
}

RIG_UNUSED static void to_running(struct shop *shop)
{
    to_starting(shop);
    executor_says(shop, EXEC_RUNNING, 0);
}

RIG_UNUSED static struct receipt first_receipt(struct shop *shop)
{
    to_running(shop);
    shop->now_ms += 1000;
    executor_says(shop, EXEC_RUNNING, 1000);
    return rig_receipt(&shop->fx, WIRE_RECEIPT);
}

RIG_UNUSED static void to_publishing(struct shop *shop)
{
    to_running(shop);
    shop->now_ms += 20000;
    executor_ends(shop, END_DONE, 0, 20000);
}

RIG_UNUSED static void to_delivering(struct shop *shop)
{
    to_publishing(shop);
    collected(shop, OK);
}

RIG_UNUSED static void to_delivered(struct shop *shop)
{
    to_delivering(shop);
    shop->contract.state = CONTRACT_DELIVERED;
    shop->contract.until_ms = shop->now_ms + 600000;
    chain_says(shop);
}

RIG_UNUSED static void to_refusing(struct shop *shop)
{
    to_running(shop);
    executor_says(shop, EXEC_FAILED, 0);
}

RIG_UNUSED static void to_closing(struct shop *shop)
{
    to_running(shop);
    shop->contract.state = CONTRACT_CLOSING;
    shop->contract.reason = END_GIVEN_UP;
    shop->contract.until_ms = shop->now_ms + 120000;
    chain_says(shop);
}

RIG_UNUSED static void to_settled(struct shop *shop)
{
    to_delivered(shop);
    shop->contract.state = CONTRACT_SETTLED;
    shop->contract.reason = END_DONE;
    chain_says(shop);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
