/* One hold or contract: found, made, freed; what it saves, says and sends. */

#include "node/trade/sell_item.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const state_names[] = {
    "",           "held",       "waiting",   "staging",  "starting", "running",
    "publishing", "delivering", "delivered", "refusing", "settled",  "closing"};

const char *sell_state_text(enum sell_state state)
{
    return state_names[state];
}

bool sell_item_reserves(const struct sell_item *item)
{
    return item->may_run || (item->queue_seq == 0 && item->state >= SELL_HELD &&
                             item->state <= SELL_PUBLISHING);
}

/* ---- items ---- */

struct sell_item *sell_find(struct sell *sell, const struct hash *contract)
{
    struct sell_item *item = sell->first;
    while (item != NULL && !hash_equal(&item->contract, contract))
        item = item->next;
    return item;
}

struct sell_item *sell_item_new(struct sell *sell)
{
    struct sell_item *item = calloc(1, sizeof(*item));
    if (item == NULL)
        return NULL;
    buf_init(&item->spec, SPEC_BYTES_MAX);
    *sell->last = item;
    sell->last = &item->next;
    sell->count++;
    return item;
}

void sell_item_free(struct sell *sell, struct sell_item *item)
{
    struct sell_item **at = &sell->first;
    while (*at != item)
        at = &(*at)->next;
    *at = item->next;
    if (sell->last == &item->next)
        sell->last = at;
    sell->count--;
    sell->line_changed = true;
    buf_done(&item->spec);
    sell_uses_free(item);
    free(item);
}

/* ---- effects ---- */

static void record_key(const struct sell_item *item, char out[96])
{
    char hex[HASH_TEXT_MAX];
    hash_format(&item->contract, hex);
    snprintf(out, 96, "sell/%s", hex);
}

void sell_save(struct sell *sell, const struct sell_item *item)
{
    struct trade_effect *save = trade_effect_add(sell->out, EFFECT_SAVE);
    struct buf bytes;
    buf_init(&bytes, 128u * 1024);
    sell_item_encode(item, &bytes);
    record_key(item, save->key);
    save->bytes = trade_effects_keep(sell->out, buf_bytes(&bytes));
    if (bytes.err != OK && sell->out->err == OK)
        sell->out->err = bytes.err;
    buf_done(&bytes);
}

void sell_forget(struct sell *sell, struct sell_item *item)
{
    struct trade_effect *save = trade_effect_add(sell->out, EFFECT_SAVE);
    record_key(item, save->key);
    sell_item_free(sell, item);
}

void sell_note(struct sell *sell, const struct sell_item *item,
               const char *text)
{
    struct trade_effect *note = trade_effect_add(sell->out, EFFECT_NOTE);
    note->subject = item->contract;
    note->task = item->task;
    note->code = (uint32_t)item->state;
    snprintf(note->text, sizeof(note->text), "%s", text);
}

void sell_move(struct sell *sell, struct sell_item *item, enum sell_state state)
{
    item->state = state;
    item->since_ms = sell->now_ms;
    item->retry_ms = 0;
    sell->line_changed = true;
    if (state > SELL_STAGING)
        item->queue_seq = 0; /* it has ended, or begun */
    sell_save(sell, item);
    sell_note(sell, item, sell_state_text(state));
}

void sell_send(struct sell *sell, const struct pubkey *peer,
               const struct buf *message)
{
    struct trade_effect *effect = trade_effect_add(sell->out, EFFECT_SEND);
    effect->peer = *peer;
    effect->bytes = trade_effects_keep(sell->out, buf_bytes(message));
}

void sell_tx(struct sell *sell, struct sell_item *item, uint32_t kind,
             const struct buf *payload)
{
    struct trade_effect *tx = trade_effect_add(sell->out, EFFECT_TX);
    tx->tx_kind = kind;
    tx->subject = item->contract;
    tx->bytes = trade_effects_keep(sell->out, buf_bytes(payload));
    if (payload->err != OK && sell->out->err == OK)
        sell->out->err = payload->err;
    item->retry_ms = sell->now_ms + SELL_TX_RETRY_MS;
}

/* ---- where it stands ---- */

static enum job_phase phase_of(const struct sell_item *item)
{
    switch (item->state) {
    case SELL_HELD:
        return JOB_HELD;
    case SELL_WAITING_START:
        return JOB_WAITING_START;
    case SELL_STAGING:
        return item->queue_seq != 0 && sell_is_staged(item) ? JOB_QUEUED
                                                            : JOB_STAGING;
    case SELL_STARTING:
        return JOB_STARTING;
    case SELL_RUNNING:
        return JOB_RUNNING;
    case SELL_PUBLISHING:
        return JOB_PUBLISHING;
    case SELL_DELIVERING:
    case SELL_DELIVERED:
        return JOB_DONE;
    case SELL_REFUSING:
    case SELL_CLOSING:
        return JOB_FAILED;
    case SELL_SETTLED:
        return end_reason_side(item->reason) == 2 ? JOB_FAILED : JOB_DONE;
    }
    return JOB_UNKNOWN;
}

/* What there is to say of one who waits: the same until something changes. */
static void say_turn(const struct sell *sell, const struct sell_item *item,
                     char *out, size_t size)
{
    if (item->planned_ms == LINE_NEVER)
        snprintf(out, size, "queued; the room it needs is not sold any more");
    else
        snprintf(out, size, "queued behind %u", sell_line_ahead(sell, item));
}

void sell_tell(struct sell *sell, struct sell_item *item, const char *text)
{
    struct wire_job_state state = {
        .contract = item->contract,
        .phase = phase_of(item),
        .staged = item->staged[0] + item->staged[1],
        .staged_total = item->staged_total[0] + item->staged_total[1],
        .wall_ms = item->exec.wall_ms,
        .cpu_ms = item->exec.cpu_ms,
        .mem_peak_mib = item->exec.mem_peak_mib,
        .stdout_bytes = item->exec.stdout_bytes,
        .stderr_bytes = item->exec.stderr_bytes,
        .reason = (uint32_t)item->reason,
        .exit_code = item->exit_code,
        .begin_ms = item->queue_seq != 0 ? item->planned_ms : 0,
    };
    struct buf message;
    if (text[0] == '\0' && item->queue_seq != 0)
        say_turn(sell, item, state.text, sizeof(state.text));
    else
        snprintf(state.text, sizeof(state.text), "%s", text);
    buf_init(&message, 1024);
    wire_job_state_encode(&state, &message);
    sell_send(sell, &item->agent, &message);
    buf_done(&message);
    item->told_ms = sell->now_ms;
}
