/* A contract's work: stage, run, meter, publish, deliver. */

#include "node/trade/sell_item.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

#define TELL_RUNNING_MS 1000u
#define TX_RETRY_MS     3000u

/* ---- staging ---- */

static enum err read_spec(struct sell *sell, struct sell_item *item,
                          struct spec *out)
{
    TRY(spec_decode(buf_bytes(&item->spec), &sell->arena, out));
    item->image = out->image;
    item->inputs = out->inputs;
    return OK;
}

static void fetch(struct sell *sell, const struct sell_item *item,
                  const struct hash *id)
{
    struct trade_effect *effect = trade_effect_add(sell->out, EFFECT_FETCH);
    effect->id = *id;
    effect->subject = item->contract;
    effect->peer = item->agent;
    effect->code = hash_equal(id, &item->image) ? 0 : 1;
    snprintf(effect->text, sizeof(effect->text), "%s", item->bulk_address);
}

static void start_job(struct sell *sell, struct sell_item *item)
{
    struct trade_effect *start = trade_effect_add(sell->out, EFFECT_EXEC_START);
    start->subject = item->contract;
    start->bytes = trade_effects_keep(sell->out, buf_bytes(&item->spec));
    start->task = item->task;
    start->tasks = item->tasks;
    if (item->state != SELL_STARTING)
        sell_move(sell, item, SELL_STARTING);
    sell_tell(sell, item, "");
}

static void start_if_staged(struct sell *sell, struct sell_item *item)
{
    if (item->image_here && item->inputs_here)
        start_job(sell, item);
}

void sell_stage(struct sell *sell, struct sell_item *item)
{
    struct spec spec;
    if (read_spec(sell, item, &spec) != OK) {
        sell_refuse(sell, item, END_STAGING_FAILED,
                    "the description cannot be read");
        return;
    }
    item->image_here = false;
    item->inputs_here = hash_is_zero(&item->inputs);
    fetch(sell, item, &item->image);
    if (!item->inputs_here)
        fetch(sell, item, &item->inputs);
}

static bool spec_fits(struct sell *sell, const struct sell_item *item,
                      struct bytes bytes)
{
    struct spec spec;
    struct hash hash;
    spec_hash(bytes, &hash);
    return hash_equal(&hash, &item->spec_hash) &&
           spec_decode(bytes, &sell->arena, &spec) == OK &&
           resources_cover(&item->resources, &spec.resources) &&
           spec.time_ms_max <= item->time_ms_max;
}

void sell_on_start(struct sell *sell, const struct pubkey *peer,
                   struct bytes message)
{
    struct wire_start start;
    struct sell_item *item;
    if (wire_start_decode(message, &sell->arena, &start) != OK)
        return;
    item = sell_find(sell, &start.contract);
    if (item == NULL || !pubkey_equal(&item->agent, peer))
        return;
    if (item->state != SELL_WAITING_START) {
        sell_tell(sell, item, ""); /* told before: says where it stands */
        return;
    }
    if (!spec_fits(sell, item, start.spec)) {
        sell_tell(sell, item, "this description is not the contract's");
        return;
    }
    buf_clear(&item->spec);
    buf_add(&item->spec, start.spec);
    snprintf(item->bulk_address, sizeof(item->bulk_address), "%s",
             start.bulk_address);
    item->resumed = true;
    sell_move(sell, item, SELL_STAGING);
    sell_tell(sell, item, "");
    sell_stage(sell, item);
}

void sell_on_fetched(struct sell *sell, const struct trade_event *event)
{
    struct sell_item *item = sell_find(sell, &event->subject);
    char text[160];
    if (item == NULL ||
        (item->state != SELL_STAGING && item->state != SELL_STARTING))
        return;
    if (event->err != OK) {
        snprintf(text, sizeof(text), "staging failed: %s",
                 err_text(event->err));
        sell_refuse(sell, item, END_STAGING_FAILED, text);
        return;
    }
    if (hash_equal(&event->id, &item->image))
        item->image_here = true;
    if (hash_equal(&event->id, &item->inputs))
        item->inputs_here = true;
    start_if_staged(sell, item);
}

/* ---- running ---- */

/* What the reservation bounds; the chain checks the same. */
static uint64_t bounded_cpu(const struct sell_item *item, uint64_t wall_ms)
{
    uint64_t bound = wall_ms / 1000 * item->resources.cpu_milli +
                     wall_ms % 1000 * item->resources.cpu_milli / 1000;
    return item->exec.cpu_ms < bound ? item->exec.cpu_ms : bound;
}

static enum err make_receipt(struct sell *sell, struct sell_item *item,
                             struct receipt *out)
{
    struct receipt receipt = {.contract = item->contract};
    receipt.seq = item->last.seq + 1;
    receipt.wall_ms = item->exec.wall_ms < item->time_ms_max
                          ? item->exec.wall_ms
                          : item->time_ms_max;
    if (receipt.wall_ms < item->last.wall_ms)
        receipt.wall_ms = item->last.wall_ms;
    receipt.cpu_ms = bounded_cpu(item, receipt.wall_ms);
    if (receipt.cpu_ms < item->last.cpu_ms)
        receipt.cpu_ms = item->last.cpu_ms;
    receipt.mem_peak_mib = item->exec.mem_peak_mib;
    receipt.bytes_out = item->exec.stdout_bytes + item->exec.stderr_bytes;
    TRY(price_for_time(item->quote.hour, receipt.wall_ms, &receipt.due));
    receipt.due = amount_min(receipt.due, item->quote.cap);
    TRY(receipt_sign_provider(&receipt, &sell->config.chain,
                              sell->config.signer));
    *out = receipt;
    return OK;
}

static void send_receipt(struct sell *sell, const struct sell_item *item)
{
    struct trade_effect *effect = trade_effect_add(sell->out, EFFECT_SEND);
    struct buf body;
    struct buf message;
    enum err err;
    buf_init(&body, RECEIPT_BYTES_MAX);
    buf_init(&message, RECEIPT_BYTES_MAX + 64);
    err = receipt_encode(&item->last, &body);
    if (err != OK && sell->out->err == OK)
        sell->out->err = err;
    wire_bytes_encode(WIRE_RECEIPT, buf_bytes(&body), &message);
    effect->peer = item->agent;
    effect->bytes = trade_effects_keep(sell->out, buf_bytes(&message));
    buf_done(&body);
    buf_done(&message);
}

void sell_cut_receipt(struct sell *sell, struct sell_item *item)
{
    struct receipt receipt;
    item->receipt_at_ms = sell->now_ms;
    if (make_receipt(sell, item, &receipt) != OK)
        return;
    item->last = receipt;
    sell_save(sell, item);
    send_receipt(sell, item);
}

static void finish_job(struct sell *sell, struct sell_item *item)
{
    item->reason = item->cancel && item->exec.reason != END_DONE
                       ? END_BUYER_CANCELLED
                       : item->exec.reason;
    item->exit_code = item->exec.exit_code;
    item->ended_ms = sell->now_ms;
    sell_move(sell, item, SELL_PUBLISHING);
    sell_tell(sell, item, "");
    trade_effect_add(sell->out, EFFECT_EXEC_COLLECT)->subject = item->contract;
}

static void on_running(struct sell *sell, struct sell_item *item)
{
    if (item->state == SELL_STARTING) {
        sell_move(sell, item, SELL_RUNNING);
        sell_tell(sell, item, "");
        item->receipt_at_ms = sell->now_ms;
    }
    if (item->last.seq == 0 && item->exec.wall_ms >= 1000)
        sell_cut_receipt(sell, item); /* the first: the buyer sees it lives */
    if (sell->now_ms - item->told_ms >= TELL_RUNNING_MS)
        sell_tell(sell, item, "");
}

/* The executor has never heard of it: a start that was lost is made again; a
 * job that ran and is gone was lost by us. */
static void on_unknown(struct sell *sell, struct sell_item *item)
{
    if (item->state == SELL_STARTING && item->image_here && item->inputs_here)
        start_job(sell, item);
    else if (item->state == SELL_RUNNING)
        sell_refuse(sell, item, END_EXECUTOR_FAILED,
                    "the executor lost the job");
}

void sell_on_exec(struct sell *sell, struct sell_item *item,
                  const struct exec_state *exec)
{
    if (item->state != SELL_STARTING && item->state != SELL_RUNNING)
        return;
    if (exec->phase != EXEC_UNKNOWN)
        item->exec = *exec;
    switch (exec->phase) {
    case EXEC_STARTING:
        break;
    case EXEC_RUNNING:
        on_running(sell, item);
        break;
    case EXEC_FINISHED:
        if (item->state == SELL_STARTING)
            on_running(sell, item);
        finish_job(sell, item);
        break;
    case EXEC_FAILED:
        sell_refuse(sell, item, END_EXECUTOR_FAILED, exec->text);
        break;
    case EXEC_UNKNOWN:
        on_unknown(sell, item);
        break;
    }
}

/* ---- the end ---- */

static void share(struct sell *sell, const struct sell_item *item,
                  const struct hash *id)
{
    struct trade_effect *effect;
    if (hash_is_zero(id))
        return;
    effect = trade_effect_add(sell->out, EFFECT_SHARE);
    effect->id = *id;
    effect->subject = item->contract;
    effect->peer = item->agent;
}

void sell_deliver(struct sell *sell, struct sell_item *item)
{
    struct contract_delivery delivery = {
        .contract = item->contract,
        .reason = item->reason,
        .exit_code = item->exit_code,
        .result = item->result,
        .log = item->log,
        .receipt = item->last,
    };
    struct trade_effect *tx;
    struct buf payload;
    share(sell, item, &item->result);
    share(sell, item, &item->log);
    item->retry_ms = sell->now_ms + TX_RETRY_MS;
    if (item->state == SELL_DELIVERED)
        return; /* after a restart: only the sharing had to be renewed */
    buf_init(&payload, LIMIT_TX_BYTES);
    if (contract_deliver_payload(&delivery, &payload) == OK) {
        tx = trade_effect_add(sell->out, EFFECT_TX);
        tx->tx_kind = TX_CONTRACT_DELIVER;
        tx->subject = item->contract;
        tx->bytes = trade_effects_keep(sell->out, buf_bytes(&payload));
    }
    buf_done(&payload);
}

/* The last receipt carries the whole bill; the buyer's acceptance covers it. */
static void deliver_first(struct sell *sell, struct sell_item *item)
{
    struct receipt receipt;
    if (make_receipt(sell, item, &receipt) != OK) {
        sell_refuse(sell, item, END_EXECUTOR_FAILED, "no receipt can be made");
        return;
    }
    item->last = receipt;
    sell_move(sell, item, SELL_DELIVERING);
    send_receipt(sell, item);
    sell_deliver(sell, item);
    sell_tell(sell, item, "");
}

void sell_on_collected(struct sell *sell, struct sell_item *item,
                       const struct trade_event *event)
{
    if (item->state != SELL_PUBLISHING || item->collected)
        return;
    if (event->err != OK) {
        char text[160];
        snprintf(text, sizeof(text), "the outputs cannot be published: %s",
                 err_text(event->err));
        sell_refuse(sell, item, END_EXECUTOR_FAILED, text);
        return;
    }
    item->collected = true;
    item->result = event->result;
    item->log = event->log;
    deliver_first(sell, item);
}

void sell_cancel(struct sell *sell, struct sell_item *item)
{
    struct trade_effect *kill;
    if (item->cancel)
        return;
    switch (item->state) {
    case SELL_HELD:
        item->quote.expires_at_ms = 0;
        break;
    case SELL_WAITING_START:
    case SELL_STAGING:
        item->cancel = true;
        item->reason = END_BUYER_CANCELLED;
        item->ended_ms = sell->now_ms;
        deliver_first(sell, item);
        break;
    case SELL_STARTING:
    case SELL_RUNNING:
        item->cancel = true;
        sell_save(sell, item);
        kill = trade_effect_add(sell->out, EFFECT_EXEC_KILL);
        kill->subject = item->contract;
        snprintf(kill->text, sizeof(kill->text), "cancelled by the buyer");
        break;
    case SELL_PUBLISHING:
    case SELL_DELIVERING:
    case SELL_DELIVERED:
    case SELL_REFUSING:
    case SELL_SETTLED:
        break; /* too late: it has ended */
    }
}

void sell_refuse(struct sell *sell, struct sell_item *item,
                 enum end_reason reason, const char *text)
{
    struct trade_effect *tx;
    struct buf payload;
    bool again = item->state == SELL_REFUSING;
    CHECK(end_reason_side(reason) == 2);
    if (!again) {
        bool ran = item->state >= SELL_STARTING;
        item->reason = reason;
        item->ended_ms = sell->now_ms;
        sell_move(sell, item, SELL_REFUSING);
        sell_note(sell, item, text);
        sell_tell(sell, item, text);
        if (ran) {
            tx = trade_effect_add(sell->out, EFFECT_EXEC_KILL);
            tx->subject = item->contract;
            snprintf(tx->text, sizeof(tx->text), "refused");
        }
    }
    buf_init(&payload, 256);
    contract_refuse_payload(&item->contract, reason, &payload);
    tx = trade_effect_add(sell->out, EFFECT_TX);
    tx->tx_kind = TX_CONTRACT_REFUSE;
    tx->subject = item->contract;
    tx->bytes = trade_effects_keep(sell->out, buf_bytes(&payload));
    buf_done(&payload);
    item->retry_ms = sell->now_ms + TX_RETRY_MS;
}
