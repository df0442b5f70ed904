/* What the chain says of our contracts, from the open one to the settled bill,
 * and what is done about it. */

#include "node/trade/buy_item.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

#define FETCH_TRY_MS 5000u /* the longest pause after a transfer that broke */
#define FETCH_SOON_MS                                                          \
    150u /* it may not have seen the block yet that we saw                     \
          */
#define FETCH_EARLY_MS 3000u
#define FETCH_MIN_MS   600000u /* outputs are fetched for at least so long */
#define SETTLE_TRY_MS  5000u

/* ---- opened ---- */

/* The chain's terms are what counts. A contract with another provider than the
 * one asked last comes from an open that was thought refused: it counts, too.
 */
static void take_terms(struct buy_task *t, const struct contract *contract)
{
    struct quote *quote = &t->quote;
    if (!t->has_quote || !pubkey_equal(&quote->provider, &contract->provider))
        memset(quote, 0, sizeof(*quote));
    quote->request = contract->request;
    quote->task = contract->task;
    quote->attempt = contract->attempt;
    quote->provider = contract->provider;
    quote->payout = contract->payout;
    quote->hour = contract->hour;
    quote->cap = contract->cap;
    quote->bond = contract->bond;
    quote->start_by_ms = contract->start_by_ms;
    quote->deadline_ms = contract->deadline_ms;
    t->has_quote = true;
}

static void take_provider(struct buy *buy, struct buy_item *item, uint32_t task,
                          const struct pubkey *provider)
{
    struct buy_task *t = &item->tasks[task];
    struct book_offer offer;
    if (pubkey_equal(&t->provider, provider))
        return;
    buy_let_go(buy, item, task);
    t->provider = *provider;
    item->works[task].address[0] = '\0';
    if (book_offer_get(buy->book, provider, buy->now_ms, &offer))
        snprintf(item->works[task].address, sizeof(item->works[task].address),
                 "%s", offer.offer.address);
}

/* The task has a contract, whatever it was doing before. */
static void begin_contract(struct buy *buy, struct buy_item *item,
                           uint32_t task, const struct contract *contract)
{
    if (item->tasks[task].state >= BUY_STAGING)
        return;
    take_provider(buy, item, task, &contract->provider);
    take_terms(&item->tasks[task], contract);
    item->works[task].heard_ms = buy->now_ms;
    item->works[task].idle_ms = buy->now_ms;
    item->works[task].resumed = true;
    buy_reason(buy, item, task, OK, "%s", "");
    buy_move(buy, item, task, BUY_STAGING);
}

static void on_escrowed(struct buy *buy, struct buy_item *item, uint32_t task,
                        const struct contract *contract)
{
    if (item->tasks[task].state >= BUY_STAGING)
        return;
    begin_contract(buy, item, task, contract);
    if (item->works[task].cancel)
        buy_send_cancel(buy, item, task);
    else
        buy_start(buy, item, task);
}

/* ---- delivered ---- */

static void fetch(struct buy *buy, const struct buy_item *item, uint32_t task,
                  const struct hash *id)
{
    struct trade_effect *effect = trade_effect_add(buy->out, EFFECT_FETCH);
    effect->id = *id;
    effect->subject = item->tasks[task].contract;
    effect->peer = item->tasks[task].provider;
    effect->code = 1;
    /* text empty: the bulk address of that peer's own hello or offer */
}

static void settle(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buf payload;
    buf_init(&payload, 256);
    contract_settle_payload(&item->tasks[task].contract, &payload);
    buy_tx(buy, item, task, TX_CONTRACT_SETTLE, &payload);
    buf_done(&payload);
    item->works[task].retry_ms = buy->now_ms + SETTLE_TRY_MS;
}

static void finish(struct buy *buy, struct buy_item *item, uint32_t task);

/* Nothing more is fetched: accept, or, where the chain has settled already, be
 * done. */
static void fetched_enough(struct buy *buy, struct buy_item *item,
                           uint32_t task)
{
    if (item->works[task].settled) {
        finish(buy, item, task);
        return;
    }
    buy_move(buy, item, task, BUY_SETTLING);
    settle(buy, item, task);
}

static void fetch_missing(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buy_task *t = &item->tasks[task];
    struct buy_work *work = &item->works[task];
    if (work->result_here && work->log_here) {
        t->fetched = true;
        buy_reason(buy, item, task, OK, "%s", "");
        fetched_enough(buy, item, task);
        return;
    }
    buy_dial(buy, item, task);
    if (!work->result_here)
        fetch(buy, item, task, &t->result);
    if (!work->log_here)
        fetch(buy, item, task, &t->log);
    work->retry_ms = buy->now_ms + FETCH_TRY_MS;
}

static void take_outcome(struct buy_task *t, const struct contract *contract)
{
    t->result = contract->result;
    t->log = contract->log;
    t->end = contract->reason;
    t->exit_code = contract->exit_code;
    t->due = contract->due;
    t->wall_ms = contract->wall_ms;
    t->cpu_ms = contract->cpu_ms;
}

static void begin_fetch(struct buy *buy, struct buy_item *item, uint32_t task,
                        const struct contract *contract)
{
    struct buy_task *t = &item->tasks[task];
    struct buy_work *work = &item->works[task];
    uint64_t review_ms = buy_ours(buy, contract->until_ms);
    work->until_ms = contract->until_ms;
    work->fetch_until_ms = buy->now_ms + FETCH_MIN_MS;
    if (review_ms > work->fetch_until_ms)
        work->fetch_until_ms = review_ms;
    work->result_here = hash_is_zero(&t->result);
    work->log_here = hash_is_zero(&t->log);
    buy_reason(buy, item, task, OK, "%s", "");
    buy_move(buy, item, task, BUY_DELIVERED);
    buy_room_is_back(buy, item, task);
    fetch_missing(buy, item, task);
}

static void on_delivered(struct buy *buy, struct buy_item *item, uint32_t task,
                         const struct contract *contract)
{
    begin_contract(buy, item, task, contract);
    if (item->tasks[task].state >= BUY_DELIVERED)
        return;
    take_outcome(&item->tasks[task], contract);
    begin_fetch(buy, item, task, contract);
}

/* Each longer than the one before: most causes are gone in a moment. */
static uint64_t fetch_pause(struct buy_work *work)
{
    uint64_t pause = (uint64_t)FETCH_SOON_MS << work->fetch_breaks;
    if (pause >= FETCH_TRY_MS)
        return FETCH_TRY_MS;
    work->fetch_breaks++;
    return pause;
}

static void fetch_again(struct buy *buy, struct buy_work *work, uint64_t pause)
{
    work->retry_ms = buy->now_ms + pause;
    trade_effect_add(buy->out, EFFECT_WAKE)->at_ms = work->retry_ms;
}

void buy_on_fetched(struct buy *buy, const struct trade_event *event)
{
    uint32_t task = 0;
    struct buy_item *item = buy_find_contract(buy, &event->subject, &task);
    struct buy_task *t;
    struct buy_work *work;
    if (item == NULL || item->tasks[task].state != BUY_DELIVERED)
        return;
    t = &item->tasks[task];
    work = &item->works[task];
    if ((event->err == ERR_PERM || event->err == ERR_NOT_FOUND) &&
        buy->now_ms - t->since_ms < FETCH_EARLY_MS) {
        fetch_again(buy, work, FETCH_SOON_MS);
        return;
    }
    if (event->err != OK) {
        buy_reason(buy, item, task, event->err,
                   "outputs not fetched yet: %s; trying again",
                   err_text(event->err));
        fetch_again(buy, work, fetch_pause(work));
        return;
    }
    if (hash_equal(&event->id, &t->result))
        work->result_here = true;
    if (hash_equal(&event->id, &t->log))
        work->log_here = true;
    if (work->result_here && work->log_here)
        fetch_missing(buy, item, task);
}

void buy_on_fetching(struct buy *buy, const struct trade_event *event)
{
    uint32_t task = 0;
    struct buy_item *item = buy_find_contract(buy, &event->subject, &task);
    if (item == NULL || item->tasks[task].state != BUY_DELIVERED)
        return;
    item->works[task].retry_ms = buy->now_ms + FETCH_TRY_MS;
    if (event->total >= 1024)
        buy_reason(buy, item, task, OK, "fetching outputs, %llu of %llu KiB",
                   (unsigned long long)(event->done / 1024),
                   (unsigned long long)(event->total / 1024));
}

/* ---- the end ---- */

static bool may_try_again(const struct buy *buy, const struct buy_item *item,
                          uint32_t task)
{
    const struct buy_task *t = &item->tasks[task];
    return end_reason_retries(t->end) && !item->works[task].cancel &&
           t->attempt + 1 < item->face.request.attempts_max &&
           item->face.request.expires_at_ms > buy->now_ms &&
           item->approval_expires_ms > buy->now_ms;
}

static struct amount sum(struct amount a, struct amount b)
{
    return amount_add(a, b, &a) == OK ? a : amount_micro(UINT64_MAX);
}

/* The task as it was before its first attempt, but for what that has cost. */
static void clear_attempt(struct buy_task *t)
{
    struct buy_task fresh = {
        .task = t->task,
        .attempt = t->attempt + 1,
        .state = t->state,
        .paid_before = sum(t->paid_before, t->paid),
        .slashed_before = sum(t->slashed_before, t->slashed),
        .since_ms = t->since_ms,
    };
    memcpy(fresh.reason, t->reason, sizeof(fresh.reason));
    fresh.at_ms[BUY_WAITING] = t->at_ms[BUY_WAITING];
    *t = fresh;
}

/* Another provider gets the task; this one is left alone for this request. */
static void try_again(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buy_task *t = &item->tasks[task];
    struct buy_work *work = &item->works[task];
    struct pubkey lost = t->provider;
    char name[ADDRESS_SHORT_MAX];
    buy_peer_name(buy, &lost, name);
    buy_reason(buy, item, task, ERR_EXECUTOR,
               "attempt %u failed at %s (%s): trying another provider",
               t->attempt + 1, name, end_reason_text(t->end));
    book_release(buy->book, &item->face.id, &lost, 1, buy->now_ms);
    clear_attempt(t);
    *work = (struct buy_work){
        .resumed = true, .avoid = lost, .recorded = work->recorded};
    buy_move(buy, item, task, BUY_WAITING);
    if (item->graph != NULL) {
        buy_graph_avoid(buy, item->graph, &lost,
                        item->face.request.expires_at_ms);
        buy_graph_due(buy, item->graph);
        return;
    }
    buy_enter_book(buy, item);
    if (book_exclude(buy->book, &item->face.id, &lost, ERR_EXECUTOR,
                     item->face.request.expires_at_ms, buy->now_ms) == OK)
        buy_rematch(buy, item);
}

static bool outputs_lost(const struct buy_task *t)
{
    return !t->fetched && (!hash_is_zero(&t->result) || !hash_is_zero(&t->log));
}

static enum buy_state end_state(const struct buy_item *item, uint32_t task)
{
    const struct buy_task *t = &item->tasks[task];
    if (t->end == END_DONE)
        return outputs_lost(t) ? BUY_FAILED : BUY_DONE;
    if (t->end == END_BUYER_CANCELLED || item->works[task].cancel)
        return BUY_CANCELLED;
    return BUY_FAILED;
}

static void finish(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buy_task *t = &item->tasks[task];
    trade_effect_add(buy->out, EFFECT_UNPIN)->subject = t->contract;
    if (outputs_lost(t))
        buy_reason(buy, item, task, ERR_BLOB,
                   "%s, but its outputs could not be fetched in time",
                   end_reason_text(t->end));
    else if (t->end == END_DONE)
        buy_reason(buy, item, task, OK, "%s", "");
    else
        buy_reason(buy, item, task, OK, "%s", end_reason_text(t->end));
    buy_move(buy, item, task, end_state(item, task));
}

/* It was paid for while we were away: what we bought is still to be fetched. */
static bool begin_late_fetch(struct buy *buy, struct buy_item *item,
                             uint32_t task, const struct contract *contract)
{
    const struct buy_task *t = &item->tasks[task];
    if (end_reason_retries(t->end) || t->state > BUY_DELIVERED || t->fetched ||
        !outputs_lost(t))
        return false;
    item->works[task].settled = true;
    if (t->state == BUY_DELIVERED) {
        buy_save_task(buy, item, task);
        return true;
    }
    begin_fetch(buy, item, task, contract);
    return true;
}

static void on_settled(struct buy *buy, struct buy_item *item, uint32_t task,
                       const struct contract *contract)
{
    struct buy_task *t = &item->tasks[task];
    if (item->works[task].settled)
        return;
    begin_contract(buy, item, task, contract);
    take_outcome(t, contract);
    t->paid = contract->paid;
    t->refunded = contract->refunded;
    t->slashed = contract->slashed;
    if (begin_late_fetch(buy, item, task, contract))
        return;
    if (may_try_again(buy, item, task)) {
        trade_effect_add(buy->out, EFFECT_UNPIN)->subject = t->contract;
        try_again(buy, item, task);
        return;
    }
    finish(buy, item, task);
}

static void on_closing(struct buy *buy, struct buy_item *item, uint32_t task,
                       const struct contract *contract)
{
    struct buy_task *t = &item->tasks[task];
    begin_contract(buy, item, task, contract);
    item->works[task].until_ms = contract->until_ms;
    t->due = contract->due;
    if (t->state != BUY_EXPIRING)
        buy_move(buy, item, task, BUY_EXPIRING);
}

void buy_on_contract(struct buy *buy, const struct contract *contract)
{
    uint32_t task = 0;
    struct buy_item *item;
    if (!pubkey_equal(&contract->agent, &buy->config.self))
        return;
    item = buy_find_contract(buy, &contract->id, &task);
    if (item == NULL || buy_state_ended(item->tasks[task].state)) {
        buy_stray_contract(buy, contract);
        return;
    }
    switch (contract->state) {
    case CONTRACT_ESCROWED:
        on_escrowed(buy, item, task, contract);
        break;
    case CONTRACT_DELIVERED:
        on_delivered(buy, item, task, contract);
        break;
    case CONTRACT_CLOSING:
        on_closing(buy, item, task, contract);
        break;
    case CONTRACT_SETTLED:
        on_settled(buy, item, task, contract);
        break;
    }
}

/* ---- time ---- */

void buy_expire(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buy_task *t = &item->tasks[task];
    struct buf payload;
    buf_init(&payload, 2048);
    contract_expire_payload(&t->contract,
                            t->receipt.seq > 0 ? &t->receipt : NULL, &payload);
    buy_tx(buy, item, task, TX_CONTRACT_EXPIRE, &payload);
    buf_done(&payload);
    item->works[task].retry_ms = buy->now_ms + SETTLE_TRY_MS;
}

/* The outputs do not come: what was delivered is paid by the rules all the
 * same, and the task says what is missing. */
static void fetch_due(struct buy *buy, struct buy_item *item, uint32_t task)
{
    if (buy->now_ms >= item->works[task].fetch_until_ms)
        fetched_enough(buy, item, task);
    else
        fetch_missing(buy, item, task);
}

void buy_end_due(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buy_work *work = &item->works[task];
    if (buy->now_ms < work->retry_ms)
        return;
    if (item->tasks[task].state == BUY_DELIVERED)
        fetch_due(buy, item, task);
    else if (item->tasks[task].state == BUY_SETTLING ||
             buy->now_ms > buy_ours(buy, work->until_ms))
        settle(buy, item, task);
}
