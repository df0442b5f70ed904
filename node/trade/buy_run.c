/* A running contract: what we say to its provider and what it says to us. */

#include "node/trade/buy_item.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

#define ASK_MS   5000u  /* a silent provider is asked this often */
#define BEGIN_MS 1000u  /* and so soon while it has not said a word */
#define TELL_MS  5000u  /* and one that does not cancel, told so */
#define GRACE_MS 5000u  /* past a deadline, for clocks that differ */
#define LOG_MS   15000u /* log bytes that do not come are asked for again */
#define HERE_MS  2000u  /* what a message and a clock may be late */

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

void buy_dial(struct buy *buy, const struct buy_item *item, uint32_t task)
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
    buy_uses_help(buy, item, task);
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
    buy_dial(buy, item, task);
    say(buy, item, task, WIRE_ASK);
    if (item->works[task].cancel)
        buy_send_cancel(buy, item, task);
}

void buy_send_cancel(struct buy *buy, struct buy_item *item, uint32_t task)
{
    buy_dial(buy, item, task);
    say(buy, item, task, WIRE_CANCEL);
    item->works[task].cancel_ms = buy->now_ms;
}

/* The next bytes of a stream, unless they are on their way. */
static void ask_log(struct buy *buy, struct buy_item *item, uint32_t task,
                    unsigned which)
{
    struct buy_task *t = &item->tasks[task];
    uint64_t *asked_ms = &item->works[task].log_asked_ms[which];
    struct wire_log_get get = {.contract = t->contract,
                               .stream = streams[which],
                               .offset = t->log_len[which]};
    struct buf message;
    if (t->log_eof[which] ||
        (*asked_ms != 0 && buy->now_ms - *asked_ms < LOG_MS))
        return;
    *asked_ms = buy->now_ms;
    buf_init(&message, 128);
    wire_log_get_encode(&get, &message);
    buy_send(buy, &t->provider, &message);
    buf_done(&message);
}

/* ---- what the provider says ---- */

static void on_running(struct buy *buy, struct buy_item *item, uint32_t task)
{
    if (item->tasks[task].state == BUY_STAGING)
        buy_move(buy, item, task, BUY_RUNNING);
    ask_log(buy, item, task, 0);
    ask_log(buy, item, task, 1);
}

static void on_waiting_start(struct buy *buy, struct buy_item *item,
                             uint32_t task)
{
    if (item->works[task].cancel)
        buy_send_cancel(buy, item, task);
    else if (item->tasks[task].state == BUY_STAGING)
        buy_start(buy, item, task);
}

static void on_phase(struct buy *buy, struct buy_item *item, uint32_t task,
                     const struct wire_job_state *state)
{
    struct buy_task *t = &item->tasks[task];
    switch (state->phase) {
    case JOB_HELD: /* it has not seen the block yet */
        item->works[task].idle_ms = buy->now_ms;
        break;
    case JOB_WAITING_START:
        item->works[task].idle_ms = buy->now_ms;
        on_waiting_start(buy, item, task);
        break;
    case JOB_STAGING:
    case JOB_STARTING:
    case JOB_QUEUED:
        item->works[task].idle_ms = buy->now_ms;
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
    bool well = state->phase < JOB_FAILED || state->phase == JOB_QUEUED;
    if (item->works[task].cancel)
        buy_reason(buy, item, task, OK, "cancelling");
    else if (state->text[0] != '\0' && well)
        buy_reason(buy, item, task, OK, "the provider says: %s", state->text);
    else if (state->phase == JOB_STAGING && state->staged_total > 0)
        buy_reason(buy, item, task, OK, "staging %llu of %llu KiB",
                   (unsigned long long)(state->staged / 1024),
                   (unsigned long long)(state->staged_total / 1024));
    else if (well)
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
    if (t->state < BUY_STAGING || t->state > BUY_PUBLISHING)
        return; /* the chain has told us more, or will */
    item->works[task].heard_ms = buy->now_ms;
    t->phase = state.phase;
    t->begin_ms = t->state == BUY_STAGING ? state.begin_ms : 0;
    t->staged = state.staged;
    t->staged_total = state.staged_total;
    t->wall_ms = state.wall_ms;
    t->cpu_ms = state.cpu_ms;
    t->mem_peak_mib = state.mem_peak_mib;
    phase_reason(buy, item, task, &state);
    on_phase(buy, item, task, &state);
}

/* What it may still send of a stream: the contract's spec bounds it. */
static bool log_fits(const struct buy_item *item, const struct buy_task *t,
                     const struct wire_log *log)
{
    uint64_t most = item->log_bytes_max > 0 ? item->log_bytes_max : 1048576;
    return log->data.len <= most && t->log_len[log->stream - 1] <= most &&
           t->log_len[log->stream - 1] + log->data.len <= most + 65536;
}

static void keep_log(struct buy *buy, struct buy_task *t,
                     const struct wire_log *log)
{
    struct trade_effect *write = trade_effect_add(buy->out, EFFECT_LOG_WRITE);
    write->subject = t->contract;
    write->stream = log->stream;
    write->offset = log->offset;
    write->bytes = trade_effects_keep(buy->out, log->data);
    t->log_len[log->stream - 1] += log->data.len;
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
    if (t->state < BUY_RUNNING || t->state > BUY_DELIVERED ||
        log.offset != t->log_len[which] || t->log_eof[which])
        return; /* not asked for, or it came before */
    item->works[task].log_asked_ms[which] = 0;
    if (!log_fits(item, t, &log))
        return;
    if (log.data.len > 0)
        keep_log(buy, t, &log);
    t->log_eof[which] = log.eof;
    if (t->state < BUY_DELIVERED)
        ask_log(buy, item, task, which);
}

bool buy_log_whole(const struct buy_task *task, unsigned stream, uint64_t kept)
{
    CHECK(stream < 2);
    return task->fetched || buy_state_ended(task->state) ||
           (task->log_eof[stream] && kept >= task->log_len[stream]);
}

/* ---- receipts ---- */

/* The provider's clock against ours: it cannot have run for longer than since
 * it last said that it did not, a little tolerance apart. */
static enum err check_receipt(const struct buy *buy,
                              const struct buy_item *item, uint32_t task,
                              const struct receipt *receipt)
{
    const struct buy_task *t = &item->tasks[task];
    const struct receipt *since = t->receipt.seq > 0 ? &t->receipt : NULL;
    uint64_t idle_ms;
    uint64_t ours;
    TRY(receipt_verify(receipt, &buy->config.chain, &t->provider, NULL));
    TRY(receipt_check(receipt, since, t->quote.hour, t->quote.cap,
                      item->face.request.resources.cpu_milli,
                      item->face.request.time_ms_max));
    idle_ms = item->works[task].idle_ms > t->at_ms[BUY_STAGING]
                  ? item->works[task].idle_ms
                  : t->at_ms[BUY_STAGING];
    ours = buy->now_ms > idle_ms ? buy->now_ms - idle_ms : 0;
    ours += ours * buy->config.receipt_tolerance_permille / 1000 + HERE_MS;
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

/* ---- silence ---- */

/* Past its deadline nothing more can come. Before that, from start_by on, we
 * may take the money back, but only from a provider that has been silent for
 * long: a moment without network must not cost it its work. */
static bool lost_for_good(const struct buy *buy, const struct buy_item *item,
                          uint32_t task)
{
    const struct buy_task *t = &item->tasks[task];
    uint64_t silent = buy->now_ms - item->works[task].heard_ms;
    if (buy->now_ms > buy_ours(buy, t->quote.deadline_ms) + GRACE_MS)
        return true;
    return buy->now_ms > buy_ours(buy, t->quote.start_by_ms) + GRACE_MS &&
           silent > buy->config.lost_ms;
}

/* It may not have heard of the start: a link that was replaced by another took
 * the message with it. */
static uint64_t ask_after(const struct buy_task *t)
{
    return t->state == BUY_STAGING && t->phase == 0 ? BEGIN_MS : ASK_MS;
}

static void watch_silence(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buy_task *t = &item->tasks[task];
    uint64_t silent = buy->now_ms - item->works[task].heard_ms;
    char name[ADDRESS_SHORT_MAX];
    item->works[task].retry_ms = buy->now_ms + ASK_MS;
    buy_ask(buy, item, task);
    if (silent < 2 * ASK_MS)
        return;
    buy_peer_name(buy, &t->provider, name);
    buy_reason(buy, item, task, ERR_TIMEOUT,
               "%s does not answer; the money comes back if it stays silent",
               name);
}

void buy_watch(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buy_work *work = &item->works[task];
    if (work->cancel && buy->now_ms - work->cancel_ms >= TELL_MS)
        buy_send_cancel(buy, item, task);
    buy_uses_help(buy, item, task);
    if (buy->now_ms < work->retry_ms)
        return;
    if (lost_for_good(buy, item, task)) {
        buy_reason(buy, item, task, ERR_TIMEOUT,
                   "the provider is lost: taking the money back");
        buy_expire(buy, item, task);
    } else if (buy->now_ms - work->heard_ms >= ask_after(&item->tasks[task])) {
        watch_silence(buy, item, task);
    }
}
