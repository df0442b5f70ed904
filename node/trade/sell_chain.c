/* The seller and the chain: what its contracts' records say, and what to do
 * when a clock runs out. */

#include "node/trade/sell_item.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

/* ---- what we bring to the chain ---- */

static void settle(struct sell *sell, struct sell_item *item)
{
    struct buf payload;
    buf_init(&payload, 256);
    contract_settle_payload(&item->contract, &payload);
    sell_tx(sell, item, TX_CONTRACT_SETTLE, &payload);
    buf_done(&payload);
}

/* A receipt that both signed and the chain does not have yet. */
static bool claim_is_due(const struct sell_item *item)
{
    return item->cosigned.seq > item->chain_seq;
}

static void claim(struct sell *sell, struct sell_item *item)
{
    struct buf payload;
    buf_init(&payload, 2048);
    contract_claim_payload(&item->contract, &item->cosigned, &payload);
    sell_tx(sell, item, TX_CONTRACT_CLAIM, &payload);
    buf_done(&payload);
}

/* ---- what the chain says ---- */

/* The chain's terms are what counts, whatever was quoted last. */
static void take_terms(struct sell_item *item, const struct contract *contract)
{
    struct quote *quote = &item->quote;
    quote->hour = contract->hour;
    quote->cap = contract->cap;
    quote->bond = contract->bond;
    quote->start_by_ms = contract->start_by_ms;
    quote->deadline_ms = contract->deadline_ms;
}

/* A contract with us that we hold nothing for: a quote let go, or a disk that
 * lost its records. It is ended as well as it can be. */
static struct sell_item *stranger(struct sell *sell,
                                  const struct contract *contract)
{
    struct sell_item *item = sell_item_new(sell);
    if (item == NULL)
        return NULL;
    item->request = contract->request;
    item->contract = contract->id;
    item->task = contract->task;
    item->attempt = contract->attempt;
    item->tasks = contract->task + 1;
    item->buyer = contract->buyer;
    item->agent = contract->agent;
    item->time_ms_max = contract->time_ms_max;
    item->quote.request = contract->request;
    item->quote.task = contract->task;
    item->quote.attempt = contract->attempt;
    item->quote.provider = contract->provider;
    item->quote.payout = contract->payout;
    item->state = SELL_WAITING_START;
    item->may_run = true; /* for all we know */
    item->resumed = true;
    take_terms(item, contract);
    return item;
}

/* Who is in line has time to stage: while we were away it could not, and what
 * it was promised may be hours ahead. Not beyond that: others count on it. */
static void stage_anew(const struct sell *sell, struct sell_item *item)
{
    uint64_t by_ms = sell->now_ms + sell->config.start_by_ms;
    if (item->queue_seq == 0 || item->staged_once)
        return;
    if (by_ms > item->begin_by_ms)
        by_ms = item->begin_by_ms;
    if (by_ms > item->stage_by_ms)
        item->stage_by_ms = by_ms;
}

static void on_escrowed(struct sell *sell, struct sell_item *item,
                        const struct contract *contract)
{
    if (item->state != SELL_HELD)
        return;
    take_terms(item, contract);
    stage_anew(sell, item);
    sell_move(sell, item, SELL_WAITING_START);
    if (item->cancel) {
        item->cancel = false;
        sell_cancel(sell, item);
        return;
    }
    sell_tell(sell, item, "");
}

static void on_delivered(struct sell *sell, struct sell_item *item,
                         const struct contract *contract)
{
    item->until_ms = contract->until_ms;
    if (item->state == SELL_DELIVERED)
        return;
    sell_kill(sell, item, "the contract is delivered");
    sell_move(sell, item, SELL_DELIVERED);
    sell_share(sell, item);
}

static void on_closing(struct sell *sell, struct sell_item *item,
                       const struct contract *contract)
{
    item->until_ms = contract->until_ms;
    item->chain_seq = contract->receipt_seq;
    if (item->state != SELL_CLOSING) {
        item->reason = contract->reason;
        sell_kill(sell, item, "the buyer's side ended the contract");
        sell_move(sell, item, SELL_CLOSING);
        sell_tell(sell, item, "the buyer's side ended the contract");
    }
    if (claim_is_due(item))
        claim(sell, item);
}

static void on_settled(struct sell *sell, struct sell_item *item,
                       const struct contract *contract)
{
    if (item->state == SELL_SETTLED)
        return;
    sell_kill(sell, item, "the contract is settled");
    item->reason = contract->reason;
    item->ended_ms = sell->now_ms;
    sell_move(sell, item, SELL_SETTLED);
}

void sell_on_contract(struct sell *sell, const struct contract *contract)
{
    struct sell_item *item;
    if (!pubkey_equal(&contract->provider, &sell->config.signer->key))
        return;
    item = sell_find(sell, &contract->id);
    if (item == NULL && contract->state == CONTRACT_SETTLED)
        return;
    if (item == NULL) {
        item = stranger(sell, contract);
        if (item == NULL)
            return; /* replayed at the next start */
        if (contract->state == CONTRACT_ESCROWED) {
            sell_refuse(sell, item, END_PROVIDER_REFUSED,
                        "nothing is held for this contract");
            return;
        }
    }
    switch (contract->state) {
    case CONTRACT_ESCROWED:
        on_escrowed(sell, item, contract);
        break;
    case CONTRACT_DELIVERED:
        on_delivered(sell, item, contract);
        break;
    case CONTRACT_CLOSING:
        on_closing(sell, item, contract);
        break;
    case CONTRACT_SETTLED:
        on_settled(sell, item, contract);
        break;
    }
}

void sell_on_tx_refused(struct sell *sell, const struct trade_event *event)
{
    struct sell_item *item = sell_find(sell, &event->subject);
    char text[160];
    if (item == NULL)
        return;
    snprintf(text, sizeof(text), "the chain refused it: %s",
             err_text(event->err));
    sell_note(sell, item, text);
    item->retry_ms = sell->now_ms + SELL_TX_RETRY_MS;
    /* Too late to deliver: the buyer's side will end it, and we claim. */
    if (event->tx_kind == TX_CONTRACT_DELIVER && event->err == ERR_TOO_LATE)
        item->retry_ms = item->quote.deadline_ms + SELL_LATE_MS;
}

/* ---- after a start ---- */

void sell_resume(struct sell *sell, struct sell_item *item)
{
    item->resumed = true;
    item->hold_until_ms = item->quote.expires_at_ms + SELL_HOLD_MARGIN_MS;
    switch (item->state) {
    case SELL_STAGING:
        stage_anew(sell, item);
        sell_stage(sell, item);
        break;
    case SELL_STARTING:
        sell_stage(sell, item);
        break;
    case SELL_PUBLISHING:
        sell_collect(sell, item);
        break;
    case SELL_DELIVERING:
        sell_deliver(sell, item);
        break;
    case SELL_DELIVERED:
        sell_share(sell, item);
        break;
    case SELL_WAITING_START:
        stage_anew(sell, item);
        break;
    case SELL_HELD:
        item->recalled = true;
        break;
    case SELL_RUNNING:
    case SELL_REFUSING:
    case SELL_SETTLED:
    case SELL_CLOSING:
        break;
    }
}

/* ---- time ---- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t before(uint64_t at_ms, uint64_t margin_ms)
{
    return at_ms > margin_ms ? at_ms - margin_ms : 0;
}

/* A time of the chain by our own clock, should ours be behind. */
static uint64_t ours(const struct sell *sell, uint64_t chain_ms)
{
    uint64_t behind =
        sell->chain_ms > sell->now_ms ? sell->chain_ms - sell->now_ms : 0;
    return before(chain_ms, behind);
}

static uint64_t start_end_ms(const struct sell *sell,
                             const struct sell_item *item)
{
    bool staged = item->state == SELL_STARTING || item->staged_once;
    uint64_t by_ms = item->quote.start_by_ms;
    if (!staged && item->stage_by_ms != 0)
        by_ms = least(by_ms, item->stage_by_ms);
    return ours(sell, before(by_ms, SELL_START_MARGIN_MS));
}

static uint64_t work_end_ms(const struct sell *sell,
                            const struct sell_item *item)
{
    return ours(sell, before(item->quote.deadline_ms, SELL_DEADLINE_MARGIN_MS));
}

/* When the window closes in which the other side may still speak. */
static uint64_t window_end_ms(const struct sell *sell,
                              const struct sell_item *item)
{
    uint64_t end_ms = ours(sell, item->until_ms) + 1;
    return end_ms > item->retry_ms ? end_ms : item->retry_ms;
}

/* Ought the job to be dead by now? */
static bool kill_is_wanted(const struct sell_item *item)
{
    bool working = item->state == SELL_STARTING || item->state == SELL_RUNNING;
    return item->may_run && (item->cancel || !working);
}

static uint64_t state_due_at(const struct sell *sell,
                             const struct sell_item *item)
{
    switch (item->state) {
    case SELL_HELD:
        return item->hold_until_ms;
    case SELL_WAITING_START:
    case SELL_STARTING:
        return start_end_ms(sell, item);
    case SELL_STAGING:
        return item->retry_ms == 0
                   ? start_end_ms(sell, item)
                   : least(item->retry_ms, start_end_ms(sell, item));
    case SELL_RUNNING:
        return least(item->receipt_at_ms + sell->config.receipt_ms,
                     work_end_ms(sell, item));
    case SELL_PUBLISHING:
        return item->retry_ms == 0
                   ? work_end_ms(sell, item)
                   : least(item->retry_ms, work_end_ms(sell, item));
    case SELL_DELIVERING:
    case SELL_REFUSING:
        return item->retry_ms;
    case SELL_DELIVERED:
        return window_end_ms(sell, item);
    case SELL_CLOSING:
        return claim_is_due(item) ? item->retry_ms : window_end_ms(sell, item);
    case SELL_SETTLED:
        /* The job's place is not given away while it may run there. */
        return item->may_run ? UINT64_MAX
                             : item->ended_ms + item->quote.retention_ms;
    }
    return UINT64_MAX;
}

uint64_t sell_due_at(const struct sell *sell, const struct sell_item *item)
{
    uint64_t at_ms = state_due_at(sell, item);
    return kill_is_wanted(item) ? least(at_ms, item->kill_ms + SELL_KILL_MS)
                                : at_ms;
}

void sell_retire(struct sell *sell, struct sell_item *item)
{
    trade_effect_add(sell->out, EFFECT_UNPIN)->subject = item->contract;
    trade_effect_add(sell->out, EFFECT_EXEC_REMOVE)->subject = item->contract;
    sell_forget(sell, item);
}

static void start_is_late(struct sell *sell, struct sell_item *item)
{
    if (item->state == SELL_WAITING_START)
        sell_refuse(sell, item, END_PROVIDER_REFUSED,
                    "no description of the job came in time");
    else if (item->state == SELL_STAGING && item->queue_seq != 0 &&
             item->staged_once)
        sell_refuse(sell, item, END_PROVIDER_REFUSED,
                    "its turn did not come by when it was promised");
    else if (item->state == SELL_STAGING)
        sell_refuse(sell, item, END_STAGING_FAILED,
                    "image and inputs did not come in time");
    else
        sell_refuse(sell, item, END_EXECUTOR_FAILED,
                    "the executor did not start the job in time");
}

static void deliver_or_give_up(struct sell *sell, struct sell_item *item)
{
    if (sell->now_ms >= ours(sell, item->quote.deadline_ms + SELL_LATE_MS))
        sell_refuse(sell, item, END_PROVIDER_LOST,
                    "it could not be delivered in time");
    else
        sell_deliver(sell, item);
}

/* We were away, and what it was promised may be hours ahead: its contract may
 * be on the chain where we have not read it so far. A network that is idle has
 * no blocks, so how far it is is known by its not going on. While blocks are
 * read no clock ticks. */
static bool may_have_opened(const struct sell *sell,
                            const struct sell_item *item)
{
    if (!item->recalled)
        return false;
    return !sell->ticks ||
           (item->queue_seq != 0 &&
            sell->chain_ms <= item->quote.expires_at_ms &&
            sell->now_ms < sell->chain_moved_ms + SELL_RECALL_MS);
}

static void lapse(struct sell *sell, struct sell_item *item)
{
    if (may_have_opened(sell, item))
        return;
    sell_note(sell, item, "the hold's time is up");
    sell_forget(sell, item);
}

static void state_on_due(struct sell *sell, struct sell_item *item)
{
    switch (item->state) {
    case SELL_HELD:
        lapse(sell, item);
        break;
    case SELL_WAITING_START:
    case SELL_STARTING:
        start_is_late(sell, item);
        break;
    case SELL_STAGING:
        if (sell->now_ms >= start_end_ms(sell, item))
            start_is_late(sell, item);
        else
            sell_stage(sell, item);
        break;
    case SELL_RUNNING:
        if (sell->now_ms >= work_end_ms(sell, item))
            sell_refuse(sell, item, END_EXECUTOR_FAILED,
                        "the deadline came before the job's end");
        else
            sell_cut_receipt(sell, item);
        break;
    case SELL_PUBLISHING:
        if (sell->now_ms >= work_end_ms(sell, item))
            sell_refuse(sell, item, END_EXECUTOR_FAILED,
                        "the outputs could not be published in time");
        else
            sell_collect(sell, item);
        break;
    case SELL_DELIVERING:
        deliver_or_give_up(sell, item);
        break;
    case SELL_REFUSING:
        sell_refuse(sell, item, item->reason, "");
        break;
    case SELL_DELIVERED:
        settle(sell, item);
        break;
    case SELL_CLOSING:
        if (claim_is_due(item) && sell->now_ms <= ours(sell, item->until_ms))
            claim(sell, item);
        else
            settle(sell, item);
        break;
    case SELL_SETTLED:
        sell_retire(sell, item);
        break;
    }
}

void sell_on_due(struct sell *sell, struct sell_item *item)
{
    if (kill_is_wanted(item) && item->kill_ms + SELL_KILL_MS <= sell->now_ms)
        sell_kill(sell, item, "it should have ended");
    if (state_due_at(sell, item) <= sell->now_ms)
        state_on_due(sell, item);
}
