/* A contract's work: stage, run, meter, publish, deliver. */

#include "node/trade/sell_item.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

#define TELL_RUNNING_MS  1000u
#define COLLECT_RETRY_MS 5000u
#define EXIT_CANNOT_RUN  126u /* as a shell says it */

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

/* That it may run is on the disk before it does. */
static void start_job(struct sell *sell, struct sell_item *item)
{
    struct trade_effect *start;
    struct buf bytes;
    uint32_t devices = sell_item_devices(sell, item);
    if ((uint32_t)__builtin_popcount(devices) != item->wish.count) {
        sell_refuse(sell, item, END_EXECUTOR_FAILED,
                    "a device it was assigned is not there any more");
        return;
    }
    item->may_run = true;
    if (item->begun_ms == 0)
        item->begun_ms = sell->now_ms;
    sell->line_changed = true;
    if (item->state != SELL_STARTING)
        sell_move(sell, item, SELL_STARTING);
    else
        sell_save(sell, item);
    sell_tell(sell, item, "");
    start = trade_effect_add(sell->out, EFFECT_EXEC_START);
    start->subject = item->contract;
    buf_init(&bytes, SPEC_BYTES_MAX + SPEC_RESULTS_MAX * HASH_LEN);
    buf_add(&bytes, buf_bytes(&item->spec));
    sell_uses_ids(item, &bytes);
    if (bytes.err != OK && sell->out->err == OK)
        sell->out->err = bytes.err;
    start->bytes = trade_effects_keep(sell->out, buf_bytes(&bytes));
    start->devices = devices;
    start->code = item->result_count;
    start->task = item->task % item->tasks; /* of copies: which */
    start->tasks = item->tasks;
    buf_done(&bytes);
}

bool sell_is_staged(const struct sell_item *item)
{
    return item->image_here && item->inputs_here && sell_uses_here(item);
}

/* From here on it may be drawn forward in line. */
static void wait_staged(struct sell *sell, struct sell_item *item)
{
    item->retry_ms = 0;
    item->staged_once = true;
    sell->line_changed = true;
    sell_save(sell, item);
    sell_tell(sell, item, "");
}

void sell_start_if_staged(struct sell *sell, struct sell_item *item)
{
    if (!sell_is_staged(item))
        return;
    if (item->queue_seq == 0)
        start_job(sell, item);
    else
        wait_staged(sell, item);
}

/* What is not here yet is asked for, again and again until start_by: the
 * buyer's node may be away for a moment. */
void sell_stage(struct sell *sell, struct sell_item *item)
{
    struct spec spec;
    if (read_spec(sell, item, &spec) != OK ||
        sell_uses_open(item, &spec) != OK) {
        sell_refuse(sell, item, END_STAGING_FAILED,
                    "the description cannot be read");
        return;
    }
    if (hash_is_zero(&item->inputs))
        item->inputs_here = true;
    if (!item->image_here)
        fetch(sell, item, &item->image);
    if (!item->inputs_here)
        fetch(sell, item, &item->inputs);
    sell_uses_stage(sell, item);
    item->retry_ms = sell->now_ms + SELL_STAGE_RETRY_MS;
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
           device_wish_same(&item->wish, &spec.devices) &&
           spec.time_ms_max <= item->time_ms_max;
}

/* Told before: its node may have moved meanwhile. */
static void start_again(struct sell *sell, struct sell_item *item,
                        const char *bulk_address)
{
    if (item->state == SELL_STAGING &&
        strcmp(item->bulk_address, bulk_address) != 0) {
        snprintf(item->bulk_address, sizeof(item->bulk_address), "%s",
                 bulk_address);
        sell_save(sell, item);
    }
    sell_tell(sell, item, "");
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
        start_again(sell, item, start.bulk_address);
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
    bool result;
    char text[128];
    if (item == NULL ||
        (item->state != SELL_STAGING && item->state != SELL_STARTING))
        return;
    result = sell_uses_fetched(item, &event->id, event->err);
    if (event->err != OK) {
        snprintf(text, sizeof(text), "%s failed: %s; again soon",
                 result ? "fetching what it uses" : "fetching from you",
                 err_text(event->err));
        sell_tell(sell, item, text);
        return; /* the clock asks again */
    }
    if (hash_equal(&event->id, &item->image))
        item->image_here = true;
    if (hash_equal(&event->id, &item->inputs))
        item->inputs_here = true;
    sell_start_if_staged(sell, item);
}

/* ---- running ---- */

static uint64_t within(uint64_t value, uint64_t least, uint64_t most)
{
    if (value > most)
        value = most;
    return value < least ? least : value;
}

static enum err make_receipt(struct sell *sell, struct sell_item *item,
                             struct receipt *out)
{
    struct receipt receipt = {.contract = item->contract};
    receipt.seq = item->last.seq + 1;
    receipt.wall_ms =
        within(item->exec.wall_ms, item->last.wall_ms, item->time_ms_max);
    receipt.cpu_ms =
        within(item->exec.cpu_ms, item->last.cpu_ms,
               receipt_cpu_ms_max(item->resources.cpu_milli, receipt.wall_ms));
    receipt.mem_peak_mib = item->exec.mem_peak_mib;
    receipt.bytes_out = item->exec.stdout_bytes + item->exec.stderr_bytes;
    receipt.due =
        receipt_due(item->quote.hour, item->quote.cap, receipt.wall_ms);
    TRY(receipt_sign_provider(&receipt, &sell->config.chain,
                              sell->config.signer));
    *out = receipt;
    return OK;
}

void sell_send_receipt(struct sell *sell, const struct sell_item *item)
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
    if (item->last.seq == 0 || item->exec.wall_ms > item->last.wall_ms) {
        if (make_receipt(sell, item, &receipt) != OK)
            return;
        item->last = receipt;
        sell_save(sell, item);
    }
    sell_send_receipt(sell, item);
}

void sell_kill(struct sell *sell, struct sell_item *item, const char *why)
{
    struct trade_effect *kill;
    if (!item->may_run)
        return;
    item->kill_ms = sell->now_ms;
    kill = trade_effect_add(sell->out, EFFECT_EXEC_KILL);
    kill->subject = item->contract;
    snprintf(kill->text, sizeof(kill->text), "%s", why);
}

void sell_collect(struct sell *sell, struct sell_item *item)
{
    struct trade_effect *collect =
        trade_effect_add(sell->out, EFFECT_EXEC_COLLECT);
    collect->subject = item->contract;
    collect->bytes = trade_effects_keep(sell->out, buf_bytes(&item->spec));
    collect->task = item->task % item->tasks;
    collect->tasks = item->tasks;
    item->retry_ms = 0; /* until an answer says that it failed */
}

/* A reason the chain takes from a delivery, with an exit code that fits. */
static bool ended_by_job(const struct exec_state *exec)
{
    return end_reason_side(exec->reason) == 1 &&
           (exec->reason != END_DONE || exec->exit_code == 0);
}

static void finish_job(struct sell *sell, struct sell_item *item)
{
    const struct exec_state *exec = &item->exec;
    bool cancelled = item->cancel && exec->reason != END_DONE;
    if (!cancelled && !ended_by_job(exec)) {
        sell_refuse(sell, item, END_EXECUTOR_FAILED,
                    "the executor does not say how the job ended");
        return;
    }
    item->reason = cancelled ? END_BUYER_CANCELLED : exec->reason;
    item->exit_code = exec->exit_code & 255;
    if (item->reason == END_JOB_FAILED && item->exit_code == 0)
        item->exit_code = 1;
    item->ended_ms = sell->now_ms;
    sell_move(sell, item, SELL_PUBLISHING);
    sell_tell(sell, item, "");
    sell_collect(sell, item);
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

static void deliver_first(struct sell *sell, struct sell_item *item);

/* Nothing runs (any more) and the buyer wanted it so. */
static void end_cancelled(struct sell *sell, struct sell_item *item)
{
    item->reason = END_BUYER_CANCELLED;
    item->ended_ms = sell->now_ms;
    deliver_first(sell, item);
}

/* The executor has never heard of it: a start that was lost is made again; a
 * job that ran and is gone was lost by us. */
static void on_unknown(struct sell *sell, struct sell_item *item)
{
    if (item->cancel)
        end_cancelled(sell, item);
    else if (item->state == SELL_RUNNING)
        sell_refuse(sell, item, END_EXECUTOR_FAILED,
                    "the executor lost the job");
    else
        sell_start_if_staged(sell, item);
}

/* Sent away after its wait a contract costs a part of the bond: not for what
 * can be run nowhere. Earlier it is refused like any other, which is free, and
 * the buyer's node sees what others say. */
static void end_unfit(struct sell *sell, struct sell_item *item,
                      const char *why)
{
    item->reason = END_JOB_FAILED;
    item->exit_code = EXIT_CANNOT_RUN;
    item->ended_ms = sell->now_ms;
    sell_note(sell, item, why);
    sell_tell(sell, item, why);
    deliver_first(sell, item);
}

static void on_failed(struct sell *sell, struct sell_item *item,
                      const struct exec_state *exec)
{
    if (item->cancel)
        end_cancelled(sell, item);
    else if (exec->unfit && item->begin_by_ms != 0)
        end_unfit(sell, item, exec->text);
    else
        sell_refuse(sell, item, END_EXECUTOR_FAILED, exec->text);
}

/* A job we gave up: it must die, and its place is free once it has. */
static void on_exec_after(struct sell *sell, struct sell_item *item,
                          enum exec_phase phase)
{
    if (phase == EXEC_STARTING || phase == EXEC_RUNNING) {
        if (!item->may_run) {
            item->may_run = true; /* a start that overtook its end */
            sell_save(sell, item);
        }
        return; /* the clock stops it */
    }
    if (!item->may_run)
        return;
    item->may_run = false;
    sell->line_changed = true; /* its place is free */
    sell_save(sell, item);
}

void sell_on_exec(struct sell *sell, struct sell_item *item,
                  const struct exec_state *exec)
{
    if (item->state != SELL_STARTING && item->state != SELL_RUNNING) {
        on_exec_after(sell, item, exec->phase);
        return;
    }
    if (exec->phase != EXEC_UNKNOWN)
        item->exec = *exec;
    item->may_run = exec->phase == EXEC_STARTING || exec->phase == EXEC_RUNNING;
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
        on_failed(sell, item, exec);
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

/* The outputs are served once the delivery is on the chain, never before: then
 * they are paid for. */
void sell_share(struct sell *sell, const struct sell_item *item)
{
    share(sell, item, &item->result);
    share(sell, item, &item->log);
    sell_uses_share(sell, item);
}

/* The newest receipt, with the buyer's signature where we have it. */
static const struct receipt *final_receipt(const struct sell_item *item)
{
    return item->cosigned.seq == item->last.seq ? &item->cosigned : &item->last;
}

void sell_deliver(struct sell *sell, struct sell_item *item)
{
    struct contract_delivery delivery = {
        .contract = item->contract,
        .reason = item->reason,
        .exit_code = item->exit_code,
        .result = item->result,
        .log = item->log,
        .receipt = *final_receipt(item),
    };
    struct buf payload;
    buf_init(&payload, LIMIT_TX_BYTES);
    if (contract_deliver_payload(&delivery, &payload) == OK)
        sell_tx(sell, item, TX_CONTRACT_DELIVER, &payload);
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
    sell_send_receipt(sell, item);
    sell_deliver(sell, item);
    sell_tell(sell, item, "");
}

/* More output than the contract has room for is the job's own fault. */
static void collect_failed(struct sell *sell, struct sell_item *item,
                           enum err err)
{
    char text[128];
    snprintf(text, sizeof(text), "the outputs cannot be published: %s",
             err_text(err));
    if (err == ERR_NOT_FOUND) {
        sell_refuse(sell, item, END_EXECUTOR_FAILED, text);
    } else if (err == ERR_TOO_LARGE) {
        item->reason = END_OUTPUT_LIMIT;
        deliver_first(sell, item);
    } else {
        item->retry_ms = sell->now_ms + COLLECT_RETRY_MS;
        sell_note(sell, item, text);
        sell_tell(sell, item, text);
    }
}

void sell_on_collected(struct sell *sell, struct sell_item *item,
                       const struct trade_event *event)
{
    if (item->state != SELL_PUBLISHING || item->collected)
        return;
    if (event->err != OK) {
        collect_failed(sell, item, event->err);
        return;
    }
    item->collected = true;
    item->result = event->result;
    item->log = event->log;
    deliver_first(sell, item);
}

void sell_cancel(struct sell *sell, struct sell_item *item)
{
    if (item->cancel)
        return;
    switch (item->state) {
    case SELL_HELD: /* its contract may be on its way: ended when it is here */
        item->cancel = true;
        sell_save(sell, item);
        break;
    case SELL_WAITING_START:
    case SELL_STAGING:
        item->cancel = true;
        end_cancelled(sell, item);
        break;
    case SELL_STARTING:
    case SELL_RUNNING:
        item->cancel = true;
        sell_save(sell, item);
        sell_kill(sell, item, "cancelled by the buyer");
        break;
    case SELL_PUBLISHING:
    case SELL_DELIVERING:
    case SELL_DELIVERED:
    case SELL_REFUSING:
    case SELL_SETTLED:
    case SELL_CLOSING:
        break; /* too late: it has ended */
    }
}

void sell_refuse(struct sell *sell, struct sell_item *item,
                 enum end_reason reason, const char *text)
{
    struct buf payload;
    CHECK(end_reason_side(reason) == 2);
    if (item->state != SELL_REFUSING) {
        item->reason = reason;
        item->ended_ms = sell->now_ms;
        sell_kill(sell, item, "refused");
        sell_move(sell, item, SELL_REFUSING);
        sell_note(sell, item, text);
        sell_tell(sell, item, text);
    }
    buf_init(&payload, 256);
    contract_refuse_payload(&item->contract, reason, &payload);
    sell_tx(sell, item, TX_CONTRACT_REFUSE, &payload);
    buf_done(&payload);
}
