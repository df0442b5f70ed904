#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/trade/sell.h"
#include "tests/unit/node/shop_rig.h"

/* One job at a time: staged within five minutes, it runs for one, and a minute
 * is kept to put it away. */
#define STAGE_MS 300000u
#define RUN_MS   60000u
#define BUSY_MS  (RUN_MS + SELL_TURN_MS)
#define HOUR_MS  3600000u

static void queueing(struct shop *shop, enum line_rule rule, uint32_t slots)
{
    shop->config.queue = rule;
    shop->config.slots = slots;
    sell_configure(shop->sell, &shop->config);
    shop->request = rig_request(40);
    shop->request.patience_ms = HOUR_MS;
}

static void point_at(struct shop *shop, uint32_t task)
{
    struct hash request = rig_request_id(&shop->request);
    contract_id(&request, task, 0, &shop->id);
}

/* A hold with a quote. */
static void take(struct shop *shop, uint32_t task)
{
    ask_hold(shop, RIG_AGENT, task, 0);
    shop->quote = quote_of(shop);
    shop->contract = rig_contract(&shop->quote, shop->now_ms);
    point_at(shop, task);
    assert_true(hash_equal(&shop->id, &shop->contract.id));
}

/* And its contract. */
static void open_one(struct shop *shop, uint32_t task)
{
    take(shop, task);
    chain_says(shop);
}

/* With all it needs. */
static void bring(struct shop *shop, uint32_t task)
{
    open_one(shop, task);
    send_start(shop, RIG_AGENT, &shop->spec, BULK);
    fetched(shop, &shop->spec.image, OK);
    fetched(shop, &shop->spec.inputs, OK);
}

static bool find_view(const struct shop *shop, uint32_t task,
                      struct sell_view *out)
{
    for (size_t i = 0; sell_view(shop->sell, i, out); i++)
        if (out->task == task)
            return true;
    return false;
}

static struct sell_view view_at(const struct shop *shop, uint32_t task)
{
    struct sell_view view;
    assert_true(find_view(shop, task, &view));
    return view;
}

static uint32_t length_of(const struct shop *shop)
{
    struct offer_queue queue;
    sell_queue(shop->sell, shop->now_ms, &queue);
    return queue.length;
}

/* Did the last step start this task's job? */
static bool started(const struct shop *shop, uint32_t task)
{
    struct hash request = rig_request_id(&shop->request);
    struct hash id;
    contract_id(&request, task, 0, &id);
    for (size_t i = 0; i < shop->fx.count; i++)
        if (shop->fx.list[i].kind == EFFECT_EXEC_START &&
            hash_equal(&shop->fx.list[i].subject, &id))
            return true;
    return false;
}

/* The running task 0 ends, and is put away. */
static void end_first(struct shop *shop)
{
    point_at(shop, 0);
    executor_says(shop, EXEC_RUNNING, 0);
    shop->now_ms += 5000;
    executor_ends(shop, END_DONE, 0, 5000);
    collected(shop, OK);
}

static void who_finds_no_room_is_told_when_there_is(void **state)
{
    struct shop *shop = *state;
    uint64_t t = shop->now_ms;
    queueing(shop, LINE_CONSERVATIVE, 1);
    take(shop, 0);
    assert_int_equal(shop->quote.start_by_ms, t + STAGE_MS);
    take(shop, 1);
    assert_int_equal(shop->quote.start_by_ms,
                     t + STAGE_MS + BUSY_MS + STAGE_MS);
    assert_int_equal(shop->quote.deadline_ms,
                     shop->quote.start_by_ms + RUN_MS + 300000);
    assert_int_equal(shop->quote.expires_at_ms, t + 120000);
    take(shop, 2);
    assert_int_equal(shop->quote.start_by_ms,
                     t + STAGE_MS + 2 * BUSY_MS + STAGE_MS);
    assert_true(view_at(shop, 2).queued);
    assert_int_equal(view_at(shop, 2).ahead, 1);
    assert_int_equal(length_of(shop), 2);
    assert_int_equal(free_cpu(shop), 1500); /* those in line have none of it */
    ask_hold(shop, RIG_AGENT, 1, 0);        /* again: the same answer */
    assert_int_equal(quote_of(shop).start_by_ms,
                     t + STAGE_MS + BUSY_MS + STAGE_MS);
}

static void without_a_queue_or_patience_he_is_refused(void **state)
{
    struct shop *shop = *state;
    queueing(shop, LINE_OFF, 1);
    take(shop, 0);
    ask_hold(shop, RIG_AGENT, 1, 0);
    refused_with(shop, ERR_CAPACITY);
    queueing(shop, LINE_EASY, 1);
    shop->request.patience_ms = 0;
    ask_hold(shop, RIG_AGENT, 1, 0);
    refused_with(shop, ERR_CAPACITY);
    shop->request.patience_ms = STAGE_MS + BUSY_MS - 1;
    ask_hold(shop, RIG_AGENT, 1, 0);
    refused_with(shop, ERR_CAPACITY);
    shop->request.patience_ms++;
    take(shop, 1);
    shop->request = rig_request(40);
    shop->request.patience_ms = HOUR_MS;
    shop->request.resources.cpu_milli = 2001; /* never */
    ask_hold(shop, RIG_AGENT, 2, 0);
    refused_with(shop, ERR_CAPACITY);
}

static void when_one_ends_early_the_next_begins(void **state)
{
    for (enum line_rule rule = LINE_EASY; rule <= LINE_CONSERVATIVE; rule++) {
        struct shop *shop = next_shop(state);
        queueing(shop, rule, 1);
        bring(shop, 0);
        assert_true(started(shop, 0));
        bring(shop, 1);
        assert_false(started(shop, 1));
        assert_int_equal(rig_job_state(&shop->fx).phase, JOB_QUEUED);
        bring(shop, 2);
        end_first(shop);
        assert_true(started(shop, 1));
        assert_false(started(shop, 2));
        assert_int_equal(view_at(shop, 1).state, SELL_STARTING);
        assert_int_equal(length_of(shop), 1);
    }
}

/* The limit of who runs is the promise of who waits. */
static void promises_only_get_better(void **state)
{
    struct shop *shop = *state;
    uint64_t promised;
    queueing(shop, LINE_CONSERVATIVE, 1);
    bring(shop, 0);
    bring(shop, 1);
    bring(shop, 2);
    promised = view_at(shop, 2).begin_by_ms;
    assert_int_equal(view_at(shop, 1).planned_ms, shop->now_ms + BUSY_MS);
    assert_true(view_at(shop, 2).planned_ms <= promised);
    end_first(shop);
    assert_int_equal(view_at(shop, 2).planned_ms, shop->now_ms + BUSY_MS);
    assert_int_equal(view_at(shop, 2).begin_by_ms, promised);
}

/* Ten seconds instead of a minute. */
static void make_short(struct shop *shop)
{
    struct buf bytes;
    shop->request.time_ms_max = shop->spec.time_ms_max = 10000;
    rig_spec_bytes(&shop->spec, &bytes);
    spec_hash(buf_bytes(&bytes), &shop->request.spec);
    buf_done(&bytes);
}

static void who_can_begin_and_end_before_a_mere_hold_does(void **state)
{
    struct shop *shop = *state;
    struct request before;
    struct request brief;
    queueing(shop, LINE_CONSERVATIVE, 1);
    bring(shop, 0);
    take(shop, 1); /* and never opens */
    bring(shop, 2);
    before = shop->request;
    make_short(shop);
    bring(shop, 3);
    brief = shop->request;
    shop->request = before;
    end_first(shop);
    assert_false(started(shop, 2)); /* it would be in the hold's way */
    shop->request = brief;
    assert_true(started(shop, 3)); /* this one ends before */
}

static void a_hold_in_line_lapses_as_others_do(void **state)
{
    struct shop *shop = *state;
    uint64_t planned;
    struct sell_view view;
    queueing(shop, LINE_CONSERVATIVE, 1);
    bring(shop, 0);
    take(shop, 1);
    take(shop, 2);
    bring(shop, 3);
    planned = view_at(shop, 3).planned_ms;
    at(shop, shop->now_ms + 120000 + SELL_HOLD_MARGIN_MS);
    assert_false(find_view(shop, 1, &view));
    assert_int_equal(length_of(shop), 1);
    assert_true(view_at(shop, 3).planned_ms < planned);
}

static void one_buyer_gets_only_so_many_places(void **state)
{
    struct shop *shop = *state;
    queueing(shop, LINE_EASY, 1);
    shop->request.patience_ms = 20 * HOUR_MS;
    take(shop, 0);
    for (uint32_t i = 1; i <= SELL_QUEUE_BUYER_MAX; i++)
        take(shop, i);
    ask_hold(shop, RIG_AGENT, SELL_QUEUE_BUYER_MAX + 1, 0);
    refused_with(shop, ERR_RATE);
    assert_int_equal(length_of(shop), SELL_QUEUE_BUYER_MAX);
}

static void the_line_is_as_it_was_after_a_kill(void **state)
{
    struct shop *shop = *state;
    struct sell_view before[4];
    queueing(shop, LINE_CONSERVATIVE, 1);
    for (uint32_t i = 0; i < 3; i++)
        bring(shop, i);
    take(shop, 3);
    for (uint32_t i = 0; i < 4; i++)
        before[i] = view_at(shop, i);
    shop->now_ms += 2000;
    restart(shop);
    at(shop, shop->now_ms);
    for (uint32_t i = 1; i < 4; i++) {
        struct sell_view now = view_at(shop, i);
        assert_true(now.queued);
        assert_int_equal(now.ahead, i - 1);
        assert_int_equal(now.begin_by_ms, before[i].begin_by_ms);
        assert_int_equal(now.planned_ms, before[i].planned_ms);
        assert_int_equal(now.start_by_ms, before[i].start_by_ms);
    }
    point_at(shop, 1); /* its blobs are looked for again, and are here */
    fetched(shop, &shop->spec.image, OK);
    fetched(shop, &shop->spec.inputs, OK);
    end_first(shop);
    assert_true(started(shop, 1));
}

/* Its node was away from the quote until long after; the chain is read again
 * from where it was. */
static void a_promise_outlives_that_nobody_was_there_to_see_its_contract(
    void **state)
{
    struct shop *shop = *state;
    struct contract first;
    queueing(shop, LINE_CONSERVATIVE, 1);
    bring(shop, 0);
    first = shop->contract;
    for (uint32_t i = 1; i < 8; i++)
        take(shop, i);
    shop->now_ms += shop->behind_ms = 12 * 60000;
    restart(shop);
    at(shop, shop->now_ms);
    for (uint32_t i = 1; i < 8; i++)
        assert_int_equal(view_at(shop, i).state, SELL_HELD);
    shop->behind_ms = 0; /* many blocks at once */
    step(shop,
         &(struct trade_event){.kind = TRADE_CONTRACT, .contract = &first});
    chain_says(shop);
    assert_null(rig_tx(&shop->fx, TX_CONTRACT_REFUSE));
    assert_int_equal(view_at(shop, 7).state, SELL_WAITING_START);
    at(shop, shop->now_ms + 60000);
    assert_int_equal(view_at(shop, 7).state, SELL_WAITING_START);
    assert_true(view_at(shop, 7).queued);
    send_start(shop, RIG_AGENT, &shop->spec, BULK);
    fetched(shop, &shop->spec.image, OK);
    fetched(shop, &shop->spec.inputs, OK);
    assert_int_equal(view_at(shop, 7).state, SELL_STAGING);
    at(shop, shop->now_ms + 1000);
    for (uint32_t i = 1; i < 7; i++) {
        struct sell_view gone;
        assert_false(find_view(shop, i, &gone)); /* they never opened */
    }
}

/* The last block is older than the promise, and none comes. */
static void an_idle_chain_keeps_no_promise_alive(void **state)
{
    struct shop *shop = *state;
    uint64_t t;
    struct sell_view view;
    queueing(shop, LINE_CONSERVATIVE, 1);
    for (uint32_t i = 0; i < SELL_QUEUE_BUYER_MAX; i++)
        take(shop, i);
    shop->now_ms += 12 * 60000;
    restart(shop);
    t = shop->now_ms;
    for (uint64_t ms = 0; ms <= SELL_RECALL_MS; ms += 1000) {
        shop->behind_ms = 12 * 60000 + 1000 + ms;
        at(shop, t + ms);
        assert_int_equal(find_view(shop, SELL_QUEUE_BUYER_MAX - 1, &view),
                         ms < SELL_RECALL_MS);
    }
    assert_int_equal(length_of(shop), 0);
}

/* The same when it had begun to stage. */
static void who_waits_may_stage_after_we_were_away(void **state)
{
    struct shop *shop = *state;
    uint64_t begin_by_ms;
    queueing(shop, LINE_CONSERVATIVE, 1);
    bring(shop, 0);
    for (uint32_t i = 1; i < 8; i++)
        take(shop, i);
    chain_says(shop);
    begin_by_ms = view_at(shop, 7).begin_by_ms;
    shop->now_ms += 12 * 60000;
    restart(shop);
    at(shop, shop->now_ms);
    assert_int_equal(view_at(shop, 7).state, SELL_WAITING_START);
    assert_int_equal(view_at(shop, 7).begin_by_ms, begin_by_ms);
    send_start(shop, RIG_AGENT, &shop->spec, BULK);
    assert_int_equal(view_at(shop, 7).state, SELL_STAGING);
    at(shop, shop->now_ms + STAGE_MS - SELL_START_MARGIN_MS - 1);
    assert_int_equal(view_at(shop, 7).state, SELL_STAGING);
    at(shop, shop->now_ms + 1);
    assert_int_equal(view_at(shop, 7).reason, END_STAGING_FAILED);
    assert_true(shop->now_ms < begin_by_ms);
}

/* The buyer's side kept it waiting: it costs nothing yet. */
static void inputs_that_do_not_come_end_the_wait_soon(void **state)
{
    struct shop *shop = *state;
    uint64_t t = shop->now_ms;
    queueing(shop, LINE_CONSERVATIVE, 1);
    bring(shop, 0);
    executor_says(shop, EXEC_RUNNING, 0);
    open_one(shop, 1);
    at(shop, t + STAGE_MS - SELL_START_MARGIN_MS - 1);
    assert_true(view_at(shop, 1).queued);
    at(shop, t + STAGE_MS - SELL_START_MARGIN_MS);
    assert_int_equal(refusal_reason(shop), END_PROVIDER_REFUSED);
    assert_int_equal(length_of(shop), 0);
    assert_true(shop->now_ms <
                shop->contract.opened_at_ms + CONTRACT_REFUSE_FREE_MS);
}

static void whose_turn_has_come_gets_its_room_staged_or_not(void **state)
{
    struct shop *shop = *state;
    queueing(shop, LINE_CONSERVATIVE, 1);
    bring(shop, 0);
    open_one(shop, 1);
    at(shop, shop->now_ms + BUSY_MS - 1);
    assert_true(view_at(shop, 1).queued);
    point_at(shop, 0);
    executor_ends(shop, END_DONE, 0, RUN_MS);
    collected(shop, OK);
    assert_true(view_at(shop, 1).queued); /* not before it was promised */
    at(shop, view_at(shop, 1).begin_by_ms);
    assert_false(view_at(shop, 1).queued);
    point_at(shop, 1);
    send_start(shop, RIG_AGENT, &shop->spec, BULK);
    fetched(shop, &shop->spec.image, OK);
    fetched(shop, &shop->spec.inputs, OK);
    assert_true(started(shop, 1));
}

/* The executor holds on to a job that ought to be over. */
static void whose_turn_does_not_come_is_sent_away_late(void **state)
{
    struct shop *shop = *state;
    queueing(shop, LINE_CONSERVATIVE, 1);
    bring(shop, 0);
    executor_says(shop, EXEC_RUNNING, 0);
    bring(shop, 1);
    at(shop, view_at(shop, 1).start_by_ms - SELL_START_MARGIN_MS - 1);
    assert_true(view_at(shop, 1).queued);
    at(shop, shop->now_ms + 1);
    assert_int_equal(refusal_reason(shop), END_PROVIDER_REFUSED);
    assert_false(view_at(shop, 1).queued);
}

static void a_cancelled_one_leaves_the_line_and_pays_nothing(void **state)
{
    struct shop *shop = *state;
    queueing(shop, LINE_CONSERVATIVE, 1);
    bring(shop, 0);
    bring(shop, 1);
    send_contract(shop, WIRE_CANCEL, RIG_AGENT);
    assert_int_equal(delivery_of(shop).reason, END_BUYER_CANCELLED);
    assert_int_equal(delivery_of(shop).receipt.due.micro, 0);
    assert_int_equal(length_of(shop), 0);
}

static void an_owner_who_wants_no_queue_keeps_what_was_promised(void **state)
{
    struct shop *shop = *state;
    queueing(shop, LINE_EASY, 1);
    bring(shop, 0);
    bring(shop, 1);
    shop->config.queue = LINE_OFF;
    sell_configure(shop->sell, &shop->config);
    ask_hold(shop, RIG_AGENT, 2, 0);
    refused_with(shop, ERR_CAPACITY);
    end_first(shop);
    assert_true(started(shop, 1));
}

/* Two places; the first in line wants the whole machine. A small one that is
 * not patient would fit beside what runs, but not before the first is to begin.
 */
static void nobody_passes_those_in_line_to_their_harm(void **state)
{
    struct shop *shop = *state;
    struct wire_hold_refused refused;
    queueing(shop, LINE_EASY, 2);
    bring(shop, 0);
    shop->request.resources.cpu_milli = 2000;
    take(shop, 1);
    shop->request.resources.cpu_milli = 500;
    shop->request.patience_ms = 0;
    ask_hold(shop, RIG_AGENT, 2, 0);
    refused = refusal_of(shop);
    assert_int_equal(refused.err, ERR_CAPACITY);
    assert_int_equal(refused.free.cpu_milli, 0); /* not for him */
    shop->request.time_ms_max = 1000;
    ask_hold(shop, RIG_AGENT, 2, 0);
    refused_with(shop, ERR_CAPACITY); /* it may take its time to stage */
}

static void devices_are_waited_for_and_assigned_in_turn(void **state)
{
    struct shop *shop = *state;
    queueing(shop, LINE_CONSERVATIVE, 3);
    shop->config.devices = (struct devices){
        .group_count = 1,
        .groups = {
            {.kind = DEVICE_GPU, .model = "a100", .count = 1, .hour = {9}}}};
    snprintf(shop->config.device_names[0], LIMIT_NAME, "/dev/gpu0");
    sell_configure(shop->sell, &shop->config);
    assert_int_equal(device_wish_parse("gpu", &shop->request.devices), OK);
    take(shop, 0);
    assert_string_equal(view_at(shop, 0).devices[0], "/dev/gpu0");
    take(shop, 1);
    assert_true(view_at(shop, 1).queued);
    assert_string_equal(shop->quote.device.model, "a100");
    assert_string_equal(view_at(shop, 1).devices[0], "");
    restart(shop);
    at(shop, view_at(shop, 1).begin_by_ms - 1);
    assert_true(empty(shop)); /* both lapsed */
    take(shop, 0);
    take(shop, 1);
    at(shop, shop->now_ms + 1000);
    point_at(shop, 0);
    assert_int_equal(length_of(shop), 1);
}

static void a_free_device_of_another_sort_is_not_kept_for_those_in_line(
    void **state)
{
    struct shop *shop = *state;
    queueing(shop, LINE_CONSERVATIVE, 3);
    shop->config.devices = (struct devices){
        .group_count = 2,
        .groups = {
            {.kind = DEVICE_GPU, .model = "a100", .count = 1, .hour = {9}},
            {.kind = DEVICE_GPU, .model = "b200", .count = 1, .hour = {20}}}};
    snprintf(shop->config.device_names[0], LIMIT_NAME, "/dev/gpu0");
    snprintf(shop->config.device_names[1], LIMIT_NAME, "/dev/gpu1");
    sell_configure(shop->sell, &shop->config);
    assert_int_equal(device_wish_parse("gpu:a100", &shop->request.devices), OK);
    take(shop, 0);
    take(shop, 1);
    assert_true(view_at(shop, 1).queued);
    assert_int_equal(device_wish_parse("gpu", &shop->request.devices), OK);
    shop->request.patience_ms = 0;
    take(shop, 2);
    assert_false(view_at(shop, 2).queued);
    assert_string_equal(view_at(shop, 2).devices[0], "/dev/gpu1");
    assert_int_equal(shop->quote.device.hour.micro, 20);
    shop->request.patience_ms = HOUR_MS;
    take(shop, 3); /* none is free: he waits for the cheaper */
    assert_true(view_at(shop, 3).queued);
    assert_string_equal(shop->quote.device.model, "a100");
}

static void an_offer_says_who_waits(void **state)
{
    struct shop *shop = *state;
    struct offer_queue queue;
    queueing(shop, LINE_CONSERVATIVE, 1);
    sell_queue(shop->sell, shop->now_ms, &queue);
    assert_int_equal(queue.places, SELL_QUEUE_MAX);
    assert_int_equal(queue.next_ms + queue.clear_ms, 0);
    bring(shop, 0);
    bring(shop, 1);
    bring(shop, 2);
    sell_queue(shop->sell, shop->now_ms, &queue);
    assert_int_equal(queue.length, 2);
    assert_int_equal(queue.places, SELL_QUEUE_MAX - 2);
    assert_int_equal(queue.next_ms, BUSY_MS);
    assert_int_equal(queue.clear_ms, 3 * BUSY_MS);
}

static void who_stops_selling_lets_go_of_those_in_line(void **state)
{
    struct shop *shop = *state;
    queueing(shop, LINE_CONSERVATIVE, 1);
    bring(shop, 0);
    bring(shop, 1);
    sell_abandon(shop->sell, shop->now_ms, &shop->fx);
    assert_int_equal(length_of(shop), 0);
    assert_int_equal(view_at(shop, 1).state, SELL_REFUSING);
    assert_int_equal(view_at(shop, 1).reason, END_PROVIDER_DRAIN);
}

/* Of its own fault the seller pays for a wait in vain, not of the buyer's. */
static void what_can_be_run_nowhere_costs_no_bond_after_its_wait(void **state)
{
    struct exec_state exec = {.phase = EXEC_FAILED, .unfit = true};
    struct trade_event event = {.kind = TRADE_EXEC_STATE, .exec = &exec};
    struct shop *shop = *state;
    queueing(shop, LINE_CONSERVATIVE, 1);
    bring(shop, 0);
    bring(shop, 1);
    end_first(shop);
    assert_true(started(shop, 1));
    point_at(shop, 1);
    event.subject = shop->id;
    step(shop, &event);
    assert_null(rig_tx(&shop->fx, TX_CONTRACT_REFUSE));
    assert_non_null(rig_tx(&shop->fx, TX_CONTRACT_DELIVER));
    assert_int_equal(view_at(shop, 1).state, SELL_DELIVERING);
    assert_int_equal(view_at(shop, 1).reason, END_JOB_FAILED);
    assert_int_equal(view_at(shop, 1).due.micro, 0);
    assert_int_equal(free_cpu(shop), 2000);
}

static void one_that_did_not_wait_is_refused_for_it(void **state)
{
    struct exec_state exec = {.phase = EXEC_FAILED, .unfit = true};
    struct trade_event event = {.kind = TRADE_EXEC_STATE, .exec = &exec};
    struct shop *shop = *state;
    queueing(shop, LINE_CONSERVATIVE, 1);
    bring(shop, 0);
    event.subject = shop->id;
    step(shop, &event);
    assert_int_equal(refusal_reason(shop), END_EXECUTOR_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(who_finds_no_room_is_told_when_there_is),
        T(without_a_queue_or_patience_he_is_refused),
        T(when_one_ends_early_the_next_begins),
        T(promises_only_get_better),
        T(who_can_begin_and_end_before_a_mere_hold_does),
        T(a_hold_in_line_lapses_as_others_do),
        T(one_buyer_gets_only_so_many_places),
        T(the_line_is_as_it_was_after_a_kill),
        T(a_promise_outlives_that_nobody_was_there_to_see_its_contract),
        T(an_idle_chain_keeps_no_promise_alive),
        T(who_waits_may_stage_after_we_were_away),
        T(inputs_that_do_not_come_end_the_wait_soon),
        T(whose_turn_has_come_gets_its_room_staged_or_not),
        T(whose_turn_does_not_come_is_sent_away_late),
        T(a_cancelled_one_leaves_the_line_and_pays_nothing),
        T(an_owner_who_wants_no_queue_keeps_what_was_promised),
        T(nobody_passes_those_in_line_to_their_harm),
        T(devices_are_waited_for_and_assigned_in_turn),
        T(an_offer_says_who_waits),
        T(who_stops_selling_lets_go_of_those_in_line),
        T(what_can_be_run_nowhere_costs_no_bond_after_its_wait),
        T(one_that_did_not_wait_is_refused_for_it),
        T(a_free_device_of_another_sort_is_not_kept_for_those_in_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
