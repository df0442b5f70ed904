#ifndef TESTS_UNIT_NODE_DESK_RIG_H
#define TESTS_UNIT_NODE_DESK_RIG_H

/* One buyer's engine, two sellers' offers, one job, and the way of its first
 * task step by step. For test_buy*.c; include after cmocka.h. */

#include "node/trade/buy_item.h"
#include "tests/unit/node/trade_rig.h"

struct desk {
    struct buy *buy;
    struct buy_config config;
    struct trade_effects fx;
    struct rig_disk disk;
    uint64_t now_ms;
    struct request request;
    struct spec spec;
    struct hash id;           /* the job's */
    struct contract contract; /* of task 0's newest attempt */
    struct quote quote;
    bool draft;
    bool unapproved;
};

RIG_UNUSED static void open_desk(struct desk *desk)
{
    assert_int_equal(buy_new(&desk->config, &desk->buy), OK);
}

RIG_UNUSED static int setup(void **state)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    if (desk == NULL)
        return -1;
    *state = desk;
    trade_effects_init(&desk->fx);
    desk->now_ms = RIG_T0 + 1000;
    desk->request = rig_request(1);
    desk->spec = rig_spec();
    desk->config = (struct buy_config){
        .chain = rig_chain(),
        .signer = rig_signer(RIG_AGENT),
        .self = rig_key_of(RIG_AGENT),
        .bulk_address = "10.0.0.1:7001",
    };
    open_desk(desk);
    return 0;
}

RIG_UNUSED static int teardown(void **state)
{
    struct desk *desk = *state;
    buy_free(desk->buy);
    trade_effects_done(&desk->fx);
    rig_disk_done(&desk->disk);
    free(desk);
    return 0;
}

RIG_UNUSED static struct desk *next_desk(void **state)
{
    teardown(state);
    assert_int_equal(setup(state), 0);
    return *state;
}

RIG_UNUSED static void restart(struct desk *desk)
{
    buy_free(desk->buy);
    open_desk(desk);
    for (size_t i = 0; i < desk->disk.count; i++)
        assert_int_equal(buy_load(desk->buy, desk->disk.records[i].key,
                                  buf_bytes(&desk->disk.records[i].bytes)),
                         OK);
}

/* ---- events ---- */

RIG_UNUSED static void step(struct desk *desk, struct trade_event *event)
{
    event->now_ms = desk->now_ms;
    event->chain_time_ms = desk->now_ms;
    buy_step(desk->buy, event, &desk->fx);
    rig_disk_take(&desk->disk, &desk->fx);
}

RIG_UNUSED static void at(struct desk *desk, uint64_t now_ms)
{
    struct trade_event event = {.kind = TRADE_TICK};
    desk->now_ms = now_ms;
    step(desk, &event);
}

/* Takes the message. */
RIG_UNUSED static void hear(struct desk *desk, enum rig_actor from,
                            struct buf *message)
{
    struct trade_event event = {.kind = TRADE_MESSAGE,
                                .peer = rig_key_of(from),
                                .message = buf_bytes(message)};
    assert_int_equal(message->err, OK);
    step(desk, &event);
    buf_done(message);
}

/* An offer of a seller, at so many micro-credits a core-hour. */
RIG_UNUSED static void put_offer(struct desk *desk, enum rig_actor seller,
                                 uint64_t cpu_hour)
{
    struct hash chain = rig_chain();
    struct trade_event event = {.kind = TRADE_OFFER,
                                .peer = rig_key_of(seller)};
    struct offer offer = {
        .version = desk->now_ms,
        .issued_at_ms = desk->now_ms,
        .ttl_ms = 600000,
        .arch = ARCH_X86_64,
        .total = {.cpu_milli = 4000, .mem_mib = 4096, .disk_mib = 4096},
        .free = {.cpu_milli = 4000, .mem_mib = 4096, .disk_mib = 4096},
        .slots_free = 8,
        .time_ms_max = 600000,
        .price = rig_price(),
    };
    offer.price.cpu_hour = amount_micro(cpu_hour);
    snprintf(offer.address, sizeof(offer.address), "10.0.0.%d:7000",
             (int)seller);
    snprintf(offer.name, sizeof(offer.name), "seller %d", (int)seller);
    assert_int_equal(offer_sign(&offer, &chain, rig_signer(seller)), OK);
    assert_int_equal(
        book_offer_put(buy_book(desk->buy), &offer, desk->now_ms, desk->now_ms),
        OK);
    step(desk, &event);
}

RIG_UNUSED static void put_offers(struct desk *desk)
{
    put_offer(desk, RIG_SELLER, 20000);
    put_offer(desk, RIG_OTHER, 30000);
}

RIG_UNUSED static enum err submit(struct desk *desk)
{
    struct buf request;
    struct buf spec;
    enum err err;
    rig_request_bytes(&desk->request, &request);
    rig_spec_bytes(&desk->spec, &spec);
    err = buy_submit(desk->buy, buf_bytes(&request), buf_bytes(&spec), "job",
                     desk->draft, desk->now_ms, &desk->fx, &desk->id);
    rig_disk_take(&desk->disk, &desk->fx);
    buf_done(&request);
    buf_done(&spec);
    return err;
}

RIG_UNUSED static enum err approve(struct desk *desk, uint64_t cap,
                                   uint64_t expires_at_ms)
{
    struct hash chain = rig_chain();
    struct approval approval = {.request = desk->id,
                                .task_cap = amount_micro(cap),
                                .expires_at_ms = expires_at_ms};
    struct buf bytes;
    enum err err;
    assert_int_equal(approval_sign(&approval, &chain, rig_signer(RIG_BUYER)),
                     OK);
    buf_init(&bytes, APPROVAL_BYTES_MAX);
    assert_int_equal(approval_encode(&approval, &bytes), OK);
    err = buy_approve(desk->buy, &desk->id, buf_bytes(&bytes), desk->now_ms,
                      &desk->fx);
    rig_disk_take(&desk->disk, &desk->fx);
    buf_done(&bytes);
    return err;
}

RIG_UNUSED static enum err cancel(struct desk *desk, uint32_t task)
{
    enum err err =
        buy_cancel(desk->buy, &desk->id, task, desk->now_ms, &desk->fx);
    rig_disk_take(&desk->disk, &desk->fx);
    return err;
}

/* The seller's quote for a task, as honest sellers make it. */
RIG_UNUSED static struct quote make_quote(const struct desk *desk,
                                          enum rig_actor seller, uint32_t task,
                                          uint32_t attempt)
{
    struct price price = rig_price();
    struct quote quote = {
        .request = rig_request_id(&desk->request),
        .task = task,
        .attempt = attempt,
        .payout = rig_key_of(seller),
        .expires_at_ms = desk->now_ms + 120000,
        .start_by_ms = desk->now_ms + 300000,
        .deadline_ms = desk->now_ms + 300000 + 60000 + 300000,
        .retention_ms = 86400000,
    };
    assert_int_equal(quote_price(&desk->request, &price, &quote), OK);
    assert_int_equal(amount_scale_up(quote.cap, 100, 1000, &quote.bond), OK);
    return quote;
}

RIG_UNUSED static void send_quote(struct desk *desk, enum rig_actor seller,
                                  struct quote *quote)
{
    struct hash chain = rig_chain();
    struct buf body;
    struct buf message;
    assert_int_equal(quote_sign(quote, &chain, rig_signer(seller)), OK);
    buf_init(&body, QUOTE_BYTES_MAX);
    buf_init(&message, QUOTE_BYTES_MAX + 64);
    assert_int_equal(quote_encode(quote, &body), OK);
    wire_bytes_encode(WIRE_QUOTE, buf_bytes(&body), &message);
    hear(desk, seller, &message);
    buf_done(&body);
}

RIG_UNUSED static void refuse_hold(struct desk *desk, enum rig_actor seller,
                                   uint32_t attempt, enum err err)
{
    struct wire_hold_refused refused = {
        .key = {.request = desk->id, .attempt = attempt}, .err = err};
    struct buf message;
    buf_init(&message, 1024);
    wire_hold_refused_encode(&refused, &message);
    hear(desk, seller, &message);
}

RIG_UNUSED static void tx_refused(struct desk *desk, uint32_t kind,
                                  enum err err)
{
    struct trade_event event = {.kind = TRADE_TX_REFUSED,
                                .subject = desk->contract.id,
                                .tx_kind = kind,
                                .err = err};
    step(desk, &event);
}

RIG_UNUSED static void chain_says(struct desk *desk)
{
    struct trade_event event = {.kind = TRADE_CONTRACT,
                                .contract = &desk->contract};
    step(desk, &event);
}

RIG_UNUSED static void seller_says(struct desk *desk, enum job_phase phase,
                                   uint64_t wall_ms)
{
    struct wire_job_state state = {
        .contract = desk->contract.id, .phase = phase, .wall_ms = wall_ms};
    struct buf message;
    buf_init(&message, 1024);
    wire_job_state_encode(&state, &message);
    hear(desk, RIG_SELLER, &message);
}

RIG_UNUSED static struct receipt make_receipt(const struct desk *desk,
                                              uint32_t seq, uint64_t wall_ms)
{
    return (struct receipt){
        .contract = desk->contract.id,
        .seq = seq,
        .wall_ms = wall_ms,
        .cpu_ms = wall_ms / 4,
        .due = receipt_due(desk->contract.hour, desk->contract.cap, wall_ms),
    };
}

RIG_UNUSED static void send_receipt(struct desk *desk, struct receipt receipt,
                                    enum rig_actor signer)
{
    struct hash chain = rig_chain();
    struct buf body;
    struct buf message;
    assert_int_equal(
        receipt_sign_provider(&receipt, &chain, rig_signer(signer)), OK);
    buf_init(&body, RECEIPT_BYTES_MAX);
    buf_init(&message, 1024);
    assert_int_equal(receipt_encode(&receipt, &body), OK);
    wire_bytes_encode(WIRE_RECEIPT, buf_bytes(&body), &message);
    hear(desk, RIG_SELLER, &message);
    buf_done(&body);
}

RIG_UNUSED static void send_log(struct desk *desk, enum rig_actor from,
                                uint32_t stream, uint64_t offset,
                                const char *text, bool eof)
{
    struct wire_log log = {.contract = desk->contract.id,
                           .stream = stream,
                           .offset = offset,
                           .data = bytes_str(text),
                           .eof = eof};
    struct buf message;
    buf_init(&message, 1u << 17);
    wire_log_encode(&log, &message);
    hear(desk, from, &message);
}

RIG_UNUSED static void fetched(struct desk *desk, struct hash id, enum err err)
{
    struct trade_event event = {.kind = TRADE_FETCHED,
                                .id = id,
                                .subject = desk->contract.id,
                                .err = err};
    step(desk, &event);
}

/* ---- what came of it ---- */

RIG_UNUSED static const struct buy_job *job_of(const struct desk *desk)
{
    const struct buy_job *job = buy_job(desk->buy, &desk->id);
    assert_non_null(job);
    return job;
}

RIG_UNUSED static const struct buy_task *task_of(const struct desk *desk,
                                                 uint32_t task)
{
    return &job_of(desk)->tasks[task];
}

RIG_UNUSED static void state_is(const struct desk *desk, enum buy_state state)
{
    if (task_of(desk, 0)->state != state)
        fail_msg("%s, not %s (%s)", buy_state_text(task_of(desk, 0)->state),
                 buy_state_text(state), task_of(desk, 0)->reason);
}

RIG_UNUSED static bool has_reason(const struct desk *desk, const char *text)
{
    return strstr(task_of(desk, 0)->reason, text) != NULL;
}

RIG_UNUSED static bool asks(const struct desk *desk, enum rig_actor seller)
{
    struct pubkey key = rig_key_of(seller);
    const struct trade_effect *hold = rig_sent(&desk->fx, WIRE_HOLD);
    return hold != NULL && pubkey_equal(&hold->peer, &key);
}

RIG_UNUSED static bool releases(const struct desk *desk, enum rig_actor seller)
{
    struct pubkey key = rig_key_of(seller);
    const struct trade_effect *release = rig_sent(&desk->fx, WIRE_HOLD_RELEASE);
    return release != NULL && pubkey_equal(&release->peer, &key);
}

/* ---- the way of task 0 ---- */

RIG_UNUSED static void to_waiting(struct desk *desk)
{
    assert_int_equal(submit(desk), OK);
    if (!desk->draft && !desk->unapproved)
        assert_int_equal(approve(desk, 1000000, desk->request.expires_at_ms),
                         OK);
}

RIG_UNUSED static void to_holding(struct desk *desk)
{
    put_offers(desk);
    to_waiting(desk);
}

/* The cheapest has answered; where it was approved before, it opens. */
RIG_UNUSED static void quote_comes(struct desk *desk)
{
    desk->quote = make_quote(desk, RIG_SELLER, 0, 0);
    send_quote(desk, RIG_SELLER, &desk->quote);
    desk->contract = rig_contract(&desk->quote, desk->now_ms);
}

RIG_UNUSED static void to_quoted(struct desk *desk)
{
    desk->unapproved = true;
    to_holding(desk);
    quote_comes(desk);
}

RIG_UNUSED static void to_opening(struct desk *desk)
{
    to_holding(desk);
    quote_comes(desk);
}

RIG_UNUSED static void to_staging(struct desk *desk)
{
    to_opening(desk);
    chain_says(desk);
}

RIG_UNUSED static void to_running(struct desk *desk)
{
    to_staging(desk);
    desk->now_ms += 1000;
    seller_says(desk, JOB_STAGING, 0);
    desk->now_ms += 1000;
    seller_says(desk, JOB_RUNNING, 0);
}

RIG_UNUSED static void to_publishing(struct desk *desk)
{
    to_running(desk);
    desk->now_ms += 5000;
    seller_says(desk, JOB_PUBLISHING, 5000);
}

RIG_UNUSED static void to_delivered(struct desk *desk)
{
    to_publishing(desk);
    desk->contract.state = CONTRACT_DELIVERED;
    desk->contract.reason = END_DONE;
    desk->contract.result = rig_hash(0x41);
    desk->contract.log = rig_hash(0x42);
    desk->contract.until_ms = desk->now_ms + 600000;
    desk->contract.receipt_seq = 1;
    desk->contract.wall_ms = 5000;
    desk->contract.due =
        receipt_due(desk->contract.hour, desk->contract.cap, 5000);
    chain_says(desk);
}

RIG_UNUSED static void to_settling(struct desk *desk)
{
    to_delivered(desk);
    fetched(desk, desk->contract.result, OK);
    fetched(desk, desk->contract.log, OK);
}

RIG_UNUSED static void to_expiring(struct desk *desk)
{
    to_running(desk);
    desk->now_ms = desk->quote.deadline_ms + 6000;
    at(desk, desk->now_ms);
    desk->contract.state = CONTRACT_CLOSING;
    desk->contract.reason = END_PROVIDER_LOST;
    desk->contract.until_ms = desk->now_ms + 120000;
    chain_says(desk);
}

/* The chain has settled task 0's contract, for this reason. */
RIG_UNUSED static void settle(struct desk *desk, enum end_reason reason,
                              uint64_t paid)
{
    desk->contract.state = CONTRACT_SETTLED;
    desk->contract.reason = reason;
    desk->contract.paid = amount_micro(paid);
    assert_int_equal(amount_sub(desk->contract.cap, desk->contract.paid,
                                &desk->contract.refunded),
                     OK);
    chain_says(desk);
}

RIG_UNUSED static void to_done(struct desk *desk)
{
    to_settling(desk);
    settle(desk, END_DONE, desk->contract.due.micro);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
