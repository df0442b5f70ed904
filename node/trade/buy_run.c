/* From the open contract to the settled bill. */

#include "node/trade/buy_item.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

#define ASK_MS        5000u  /* a silent provider is asked this often */
#define LOST_MS       30000u /* silence after which we call it lost */
#define GRACE_MS      5000u  /* past a deadline, for clocks that differ */
#define FETCH_TRY_MS  5000u
#define SETTLE_TRY_MS 5000u

static const uint32_t streams[2] = {1, 2}; /* stdout, stderr on the wire */

static bool from_provider(const struct buy_item *item, uint32_t task,
                          const struct pubkey *peer)
{
    return pubkey_equal(&item->tasks[task].provider, peer);
}

/* ---- what we say to the provider ---- */

static void share(struct buy *buy, const struct buy_item *item, uint32_t task,
                  const struct hash *id)
{
    struct trade_effect *effect;
    if (hash_is_zero(id))
        return;
    effect = trade_effect_add(buy->out, EFFECT_SHARE);
    effect->id = *id;
    effect->subject = item->tasks[task].contract;
    effect->peer = item->tasks[task].provider;
}

void buy_share_inputs(struct buy *buy, struct buy_item *item, uint32_t task)
{
    share(buy, item, task, &item->image);
    share(buy, item, task, &item->inputs);
}

static void dial(struct buy *buy, const struct buy_item *item, uint32_t task)
{
    struct trade_effect *effect = trade_effect_add(buy->out, EFFECT_DIAL);
    effect->peer = item->tasks[task].provider;
    snprintf(effect->text, sizeof(effect->text), "%s",
             item->works[task].address);
}

void buy_start(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct wire_start start = {.contract = item->tasks[task].contract,
                               .spec = buf_bytes(&item->spec)};
    struct buf message;
    buy_share_inputs(buy, item, task);
    snprintf(start.bulk_address, sizeof(start.bulk_address), "%s",
             buy->config.bulk_address);
    buf_init(&message, SPEC_BYTES_MAX + 512);
    wire_start_encode(&start, &message);
    buy_send(buy, &item->tasks[task].provider, &message);
    buf_done(&message);
}

static void say(struct buy *buy, struct buy_item *item, uint32_t task,
                enum wire_kind kind)
{
    struct buf message;
    buf_init(&message, 128);
    wire_contract_encode(kind, &item->tasks[task].contract, &message);
    buy_send(buy, &item->tasks[task].provider, &message);
    buf_done(&message);
}

void buy_ask(struct buy *buy, struct buy_item *item, uint32_t task)
{
    dial(buy, item, task);
    say(buy, item, task, WIRE_ASK);
    if (item->works[task].cancel)
        say(buy, item, task, WIRE_CANCEL);
}

void buy_send_cancel(struct buy *buy, struct buy_item *item, uint32_t task)
{
    dial(buy, item, task);
    say(buy, item, task, WIRE_CANCEL);
}

static void ask_log(struct buy *buy, struct buy_item *item, uint32_t task,
                    unsigned which)
{
    struct buy_task *t = &item->tasks[task];
    struct wire_log_get get = {.contract = t->contract,
                               .stream = streams[which],
                               .offset = t->log_len[which]};
    struct buf message;
    if (t->log_eof[which] || item->works[task].log_asked[which])
        return;
    item->works[task].log_asked[which] = true;
    buf_init(&message, 128);
    wire_log_get_encode(&get, &message);
    buy_send(buy, &t->provider, &message);
    buf_done(&message);
}

/* ---- what the provider says ---- */

static void on_running(struct buy *buy, struct buy_item *item, uint32_t task)
{
    if (item->works[task].running_ms == 0)
        item->works[task].running_ms = buy->now_ms;
    if (item->tasks[task].state == BUY_STAGING)
        buy_move(buy, item, task, BUY_RUNNING);
    ask_log(buy, item, task, 0);
    ask_log(buy, item, task, 1);
}

static void on_phase(struct buy *buy, struct buy_item *item, uint32_t task,
                     const struct wire_job_state *state)
{
    struct buy_task *t = &item->tasks[task];
    switch (state->phase) {
    case JOB_HELD: /* it has not seen the block yet */
    case JOB_STAGING:
    case JOB_STARTING:
        break;
    case JOB_WAITING_START:
        if (t->state == BUY_STAGING)
            buy_start(buy, item, task);
        break;
    case JOB_RUNNING:
        on_running(buy, item, task);
        break;
    case JOB_PUBLISHING:
    case JOB_DONE:
        on_running(buy, item, task);
        if (t->state == BUY_RUNNING)
            buy_move(buy, item, task, BUY_PUBLISHING);
        break;
    case JOB_FAILED:
    case JOB_UNKNOWN:
        buy_reason(buy, item, task, ERR_EXECUTOR, "the provider says: %s",
                   state->text[0] != '\0' ? state->text
                                          : job_phase_text(state->phase));
        break;
    }
}

static void phase_reason(struct buy *buy, struct buy_item *item, uint32_t task,
                         const struct wire_job_state *state)
{
    if (state->phase == JOB_STAGING && state->staged_total > 0)
        buy_reason(buy, item, task, OK, "staging %llu of %llu KiB",
                   (unsigned long long)(state->staged / 1024),
                   (unsigned long long)(state->staged_total / 1024));
    else if (state->phase < JOB_FAILED)
        buy_reason(buy, item, task, OK, "%s", "");
}

void buy_on_job_state(struct buy *buy, const struct pubkey *peer,
                      struct bytes message)
{
    struct wire_job_state state;
    uint32_t task = 0;
    struct buy_item *item;
    struct buy_task *t;
    if (wire_job_state_decode(message, &buy->arena, &state) != OK)
        return;
    item = buy_find_contract(buy, &state.contract, &task);
    if (item == NULL || !from_provider(item, task, peer))
        return;
    t = &item->tasks[task];
    if (t->state < BUY_STAGING || buy_state_ended(t->state))
        return; /* the next block tells both of us more */
    item->works[task].heard_ms = buy->now_ms;
    t->phase = state.phase;
    t->staged = state.staged;
    t->staged_total = state.staged_total;
    t->wall_ms = state.wall_ms;
    t->cpu_ms = state.cpu_ms;
    t->mem_peak_mib = state.mem_peak_mib;
    phase_reason(buy, item, task, &state);
    on_phase(buy, item, task, &state);
}

void buy_on_log(struct buy *buy, const struct pubkey *peer,
                struct bytes message)
{
    struct wire_log log;
    uint32_t task = 0;
    unsigned which;
    struct buy_item *item;
    struct buy_task *t;
    if (wire_log_decode(message, &buy->arena, &log) != OK)
        return;
    item = buy_find_contract(buy, &log.contract, &task);
    if (item == NULL || !from_provider(item, task, peer))
        return;
    t = &item->tasks[task];
    which = log.stream - 1;
    item->works[task].log_asked[which] = false;
    if (log.offset == t->log_len[which] && log.data.len > 0) {
        struct trade_effect *write =
            trade_effect_add(buy->out, EFFECT_LOG_WRITE);
        write->subject = t->contract;
        write->stream = log.stream;
        write->offset = log.offset;
        write->bytes = trade_effects_keep(buy->out, log.data);
        t->log_len[which] += log.data.len;
    }
    if (log.eof && log.offset + log.data.len == t->log_len[which])
        t->log_eof[which] = true;
    if (t->state >= BUY_RUNNING && t->state < BUY_DELIVERED)
        ask_log(buy, item, task, which);
}

/* ---- receipts ---- */

/* The provider's clock against ours: it cannot have run for longer than we have
 * known it to run, a little tolerance apart. */
static enum err check_receipt(const struct buy *buy,
                              const struct buy_item *item, uint32_t task,
                              const struct receipt *receipt)
{
    const struct buy_task *t = &item->tasks[task];
    const struct receipt *since = t->receipt.seq > 0 ? &t->receipt : NULL;
    uint64_t ours;
    TRY(receipt_verify(receipt, &buy->config.chain, &t->provider, NULL));
    TRY(receipt_check(receipt, since, t->quote.hour, t->quote.cap,
                      item->face.request.resources.cpu_milli,
                      item->face.request.time_ms_max));
    ours = buy->now_ms - t->at_ms[BUY_STAGING];
    ours += ours * buy->config.receipt_tolerance_permille / 1000 + 2000;
    return receipt->wall_ms > ours ? ERR_RECEIPT_BOUND : OK;
}

static void send_ack(struct buy *buy, const struct buy_item *item,
                     uint32_t task, const struct receipt *receipt)
{
    struct buf body;
    struct buf message;
    buf_init(&body, RECEIPT_BYTES_MAX);
    buf_init(&message, RECEIPT_BYTES_MAX + 64);
    if (receipt_encode(receipt, &body) == OK) {
        wire_bytes_encode(WIRE_RECEIPT_ACK, buf_bytes(&body), &message);
        buy_send(buy, &item->tasks[task].provider, &message);
    }
    buf_done(&body);
    buf_done(&message);
}

void buy_on_receipt(struct buy *buy, const struct pubkey *peer,
                    struct bytes message)
{
    struct bytes body;
    struct receipt receipt;
    uint32_t task = 0;
    struct buy_item *item;
    struct buy_task *t;
    enum err err;
    if (wire_bytes_decode(WIRE_RECEIPT, message, &buy->arena, &body) != OK ||
        receipt_decode(body, &buy->arena, &receipt) != OK)
        return;
    item = buy_find_contract(buy, &receipt.contract, &task);
    if (item == NULL || !from_provider(item, task, peer))
        return;
    t = &item->tasks[task];
    if (t->state < BUY_STAGING || t->state > BUY_DELIVERED)
        return;
    item->works[task].heard_ms = buy->now_ms;
    if (receipt.seq <= t->receipt.seq) { /* a backup came back: the newest */
        if (t->receipt.seq > 0)
            send_ack(buy, item, task, &t->receipt);
        return;
    }
    err = check_receipt(buy, item, task, &receipt);
    if (err == OK)
        err = receipt_sign_agent(&receipt, &buy->config.chain,
                                 buy->config.signer);
    if (err != OK) {
        buy_reason(buy, item, task, err, "receipt %u not signed: %s",
                   receipt.seq, err_text(err));
        return;
    }
    t->receipt = receipt;
    buy_save_task(buy, item, task);
    send_ack(buy, item, task, &receipt);
}

/* ---- delivery ---- */

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

static void fetch_missing(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buy_task *t = &item->tasks[task];
    struct buy_work *work = &item->works[task];
    if (work->result_here && work->log_here) {
        t->fetched = true;
        buy_reason(buy, item, task, OK, "%s", "");
        buy_reason(buy, item, task, OK, "%s", "");
        buy_move(buy, item, task, BUY_SETTLING);
        settle(buy, item, task);
        return;
    }
    dial(buy, item, task);
    if (!work->result_here)
        fetch(buy, item, task, &t->result);
    if (!work->log_here)
        fetch(buy, item, task, &t->log);
    work->retry_ms = buy->now_ms + FETCH_TRY_MS;
}

static void on_delivered(struct buy *buy, struct buy_item *item, uint32_t task,
                         const struct contract *contract)
{
    struct buy_task *t = &item->tasks[task];
    struct buy_work *work = &item->works[task];
    if (t->state >= BUY_DELIVERED)
        return;
    t->result = contract->result;
    t->log = contract->log;
    t->end = contract->reason;
    t->exit_code = contract->exit_code;
    t->due = contract->due;
    t->wall_ms = contract->wall_ms;
    t->cpu_ms = contract->cpu_ms;
    work->until_ms = contract->until_ms;
    work->result_here = hash_is_zero(&t->result);
    work->log_here = hash_is_zero(&t->log);
    buy_reason(buy, item, task, OK, "%s", "");
    buy_move(buy, item, task, BUY_DELIVERED);
    /* It is free there again, for tasks of ours that wait. */
    book_release(buy->book, &item->face.id, &t->provider, 1, buy->now_ms);
    fetch_missing(buy, item, task);
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
    if (event->err != OK) {
        buy_reason(buy, item, task, event->err,
                   "outputs not fetched yet: %s; trying again",
                   err_text(event->err));
        work->retry_ms = buy->now_ms + FETCH_TRY_MS;
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
    unsigned side = end_reason_side(t->end);
    return (side == 2 || side == 4) && !item->works[task].cancel &&
           t->attempt + 1 < item->face.request.attempts_max &&
           item->face.request.expires_at_ms > buy->now_ms &&
           item->approval_expires_ms > buy->now_ms;
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
    t->attempt++;
    memset(&t->provider, 0, sizeof(t->provider));
    memset(&t->contract, 0, sizeof(t->contract));
    memset(&t->receipt, 0, sizeof(t->receipt));
    t->has_quote = false;
    t->log_len[0] = t->log_len[1] = 0;
    t->log_eof[0] = t->log_eof[1] = false;
    t->wall_ms = t->cpu_ms = t->staged = t->staged_total = 0;
    t->end = END_NONE;
    memset(work, 0, sizeof(*work));
    work->resumed = true;
    buy_move(buy, item, task, BUY_WAITING);
    buy_enter_book(buy, item);
    if (book_exclude(buy->book, &item->face.id, &lost, ERR_EXECUTOR,
                     item->face.request.expires_at_ms, buy->now_ms) == OK)
        buy_rematch(buy, item);
}

static enum buy_state end_state(const struct buy_item *item, uint32_t task)
{
    const struct buy_task *t = &item->tasks[task];
    if (t->end == END_DONE)
        return BUY_DONE;
    if (t->end == END_BUYER_CANCELLED || item->works[task].cancel)
        return BUY_CANCELLED;
    return BUY_FAILED;
}

static void on_settled(struct buy *buy, struct buy_item *item, uint32_t task,
                       const struct contract *contract)
{
    struct buy_task *t = &item->tasks[task];
    t->end = contract->reason;
    t->exit_code = contract->exit_code;
    t->due = contract->due;
    t->paid = contract->paid;
    t->refunded = contract->refunded;
    t->slashed = contract->slashed;
    trade_effect_add(buy->out, EFFECT_UNPIN)->subject = t->contract;
    if (may_try_again(buy, item, task)) {
        try_again(buy, item, task);
        return;
    }
    if (end_reason_side(t->end) != 1 || t->reason[0] == '\0')
        buy_reason(buy, item, task, OK, "%s", end_reason_text(t->end));
    buy_move(buy, item, task, end_state(item, task));
}

static void on_escrowed(struct buy *buy, struct buy_item *item, uint32_t task)
{
    if (item->tasks[task].state != BUY_OPENING)
        return;
    item->works[task].heard_ms = buy->now_ms;
    buy_move(buy, item, task, BUY_STAGING);
    buy_start(buy, item, task);
    if (item->works[task].cancel)
        buy_send_cancel(buy, item, task);
}

void buy_on_contract(struct buy *buy, const struct contract *contract)
{
    uint32_t task = 0;
    struct buy_item *item = buy_find_contract(buy, &contract->id, &task);
    struct buy_task *t;
    if (item == NULL || buy_state_ended(item->tasks[task].state))
        return;
    t = &item->tasks[task];
    switch (contract->state) {
    case CONTRACT_ESCROWED:
        on_escrowed(buy, item, task);
        break;
    case CONTRACT_DELIVERED:
        on_delivered(buy, item, task, contract);
        break;
    case CONTRACT_CLOSING:
        item->works[task].until_ms = contract->until_ms;
        t->due = contract->due;
        if (t->state != BUY_EXPIRING)
            buy_move(buy, item, task, BUY_EXPIRING);
        break;
    case CONTRACT_SETTLED:
        on_settled(buy, item, task, contract);
        break;
    }
}

/* ---- time ---- */

static void expire(struct buy *buy, struct buy_item *item, uint32_t task)
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

static bool lost_for_good(const struct buy *buy, const struct buy_item *item,
                          uint32_t task)
{
    const struct buy_task *t = &item->tasks[task];
    uint64_t silent = buy->now_ms - item->works[task].heard_ms;
    if (buy->now_ms > t->quote.deadline_ms + GRACE_MS)
        return true;
    return buy->now_ms > t->quote.start_by_ms + GRACE_MS && silent > LOST_MS;
}

static void watch_work(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buy_task *t = &item->tasks[task];
    struct buy_work *work = &item->works[task];
    uint64_t silent = buy->now_ms - work->heard_ms;
    char name[ADDRESS_SHORT_MAX];
    if (lost_for_good(buy, item, task)) {
        buy_reason(buy, item, task, ERR_TIMEOUT,
                   "the provider is lost: taking the money back");
        expire(buy, item, task);
        return;
    }
    if (silent < ASK_MS || buy->now_ms < work->retry_ms)
        return;
    work->retry_ms = buy->now_ms + ASK_MS;
    buy_ask(buy, item, task);
    if (silent < LOST_MS)
        return;
    buy_peer_name(buy, &t->provider, name);
    buy_reason(buy, item, task, ERR_TIMEOUT,
               "%s does not answer; giving up on it when the chain allows",
               name);
}

void buy_run_due(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buy_work *work = &item->works[task];
    if (buy->now_ms < work->retry_ms)
        return;
    switch (item->tasks[task].state) {
    case BUY_STAGING:
    case BUY_RUNNING:
    case BUY_PUBLISHING:
    case BUY_CANCELLING:
        watch_work(buy, item, task);
        break;
    case BUY_DELIVERED:
        fetch_missing(buy, item, task);
        break;
    case BUY_SETTLING:
        settle(buy, item, task);
        break;
    case BUY_EXPIRING:
        if (buy->now_ms > work->until_ms)
            settle(buy, item, task);
        break;
    case BUY_WAITING:
    case BUY_HOLDING:
    case BUY_QUOTED:
    case BUY_OPENING:
    case BUY_DONE:
    case BUY_FAILED:
    case BUY_CANCELLED:
    case BUY_EXPIRED:
        break;
    }
}
