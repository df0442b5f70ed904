/* The seller's record of one hold or contract, as it stands on the disk. */

#include "node/trade/sell_item.h"

#include <string.h>

#define SELL_RECORD 200
#define SELL_FIELDS 33u
#define PLAN_RECORD 201

static void put_receipt(struct buf *out, const struct receipt *receipt)
{
    struct buf body;
    buf_init(&body, RECEIPT_BYTES_MAX);
    if (receipt->seq > 0 && receipt_encode(receipt, &body) != OK)
        out->err = ERR_NOMEM;
    mp_put_bin(out, buf_bytes(&body));
    buf_done(&body);
}

static void decoded(struct mp_reader *reader, enum err err)
{
    if (err != OK)
        mp_fail(reader, err);
}

static void get_receipt(struct mp_reader *reader, struct arena *arena,
                        struct receipt *out)
{
    struct bytes body = mp_get_bin(reader, RECEIPT_BYTES_MAX);
    memset(out, 0, sizeof(*out));
    if (reader->err == OK && body.len > 0)
        decoded(reader, receipt_decode(body, arena, out));
}

void sell_item_encode(const struct sell_item *item, struct buf *out)
{
    struct buf quote;
    buf_init(&quote, QUOTE_BYTES_MAX);
    if (quote_encode(&item->quote, &quote) != OK)
        out->err = ERR_NOMEM;
    mp_put_message(out, SELL_RECORD, 1, SELL_FIELDS);
    mp_put_hash(out, &item->request);
    mp_put_hash(out, &item->contract);
    mp_put_uint(out, item->task);
    mp_put_uint(out, item->attempt);
    mp_put_uint(out, item->tasks);
    mp_put_uint(out, (uint64_t)item->state);
    mp_put_pubkey(out, &item->buyer);
    mp_put_pubkey(out, &item->agent);
    mp_put_hash(out, &item->spec_hash);
    resources_encode(&item->resources, out);
    mp_put_uint(out, item->time_ms_max);
    mp_put_bin(out, buf_bytes(&quote));
    mp_put_uint(out, item->since_ms);
    mp_put_uint(out, item->until_ms);
    mp_put_bin(out, buf_bytes(&item->spec));
    mp_put_str(out, item->bulk_address);
    put_receipt(out, &item->last);
    put_receipt(out, &item->cosigned);
    mp_put_bool(out, item->cancel);
    mp_put_uint(out, (uint64_t)item->reason);
    mp_put_uint(out, item->exit_code);
    mp_put_hash(out, &item->result);
    mp_put_hash(out, &item->log);
    mp_put_bool(out, item->collected);
    mp_put_uint(out, item->ended_ms);
    mp_put_bool(out, item->may_run);
    device_wish_encode(&item->wish, out);
    mp_put_array(out, item->wish.count);
    for (uint32_t i = 0; i < item->wish.count; i++)
        mp_put_str(out, item->devices[i]);
    mp_put_uint(out, item->queue_seq);
    mp_put_uint(out, item->begin_by_ms);
    mp_put_uint(out, item->stage_by_ms);
    mp_put_uint(out, item->begun_ms);
    mp_put_bool(out, item->staged_once);
    buf_done(&quote);
}

static void read_agreed(struct mp_reader *reader, struct sell_item *item)
{
    mp_get_hash(reader, &item->request);
    mp_get_hash(reader, &item->contract);
    item->task = (uint32_t)mp_get_uint_max(reader, LIMIT_TASKS - 1);
    item->attempt = (uint32_t)mp_get_uint_max(reader, 255);
    item->tasks = (uint32_t)mp_get_uint_max(reader, LIMIT_TASKS);
    item->state = (enum sell_state)mp_get_uint_max(reader, SELL_CLOSING);
    if (item->state < SELL_HELD)
        mp_fail(reader, ERR_RANGE);
    mp_get_pubkey(reader, &item->buyer);
    mp_get_pubkey(reader, &item->agent);
    mp_get_hash(reader, &item->spec_hash);
    resources_decode(reader, &item->resources);
    item->time_ms_max = mp_get_uint(reader);
}

static void read_work(struct mp_reader *reader, struct arena *arena,
                      struct sell_item *item)
{
    struct bytes quote = mp_get_bin(reader, QUOTE_BYTES_MAX);
    if (reader->err == OK)
        decoded(reader, quote_decode(quote, arena, &item->quote));
    item->since_ms = mp_get_uint(reader);
    item->until_ms = mp_get_uint(reader);
    buf_clear(&item->spec);
    buf_add(&item->spec, mp_get_bin(reader, SPEC_BYTES_MAX));
    mp_get_text(reader, item->bulk_address, sizeof(item->bulk_address));
    get_receipt(reader, arena, &item->last);
    get_receipt(reader, arena, &item->cosigned);
    item->cancel = mp_get_bool(reader);
    item->reason = (enum end_reason)mp_get_uint_max(reader, 255);
    item->exit_code = (uint32_t)mp_get_uint_max(reader, 255);
    mp_get_hash(reader, &item->result);
    mp_get_hash(reader, &item->log);
    item->collected = mp_get_bool(reader);
    item->ended_ms = mp_get_uint(reader);
    item->may_run = mp_get_bool(reader);
    device_wish_decode(reader, &item->wish);
    mp_enter_exact(reader, item->wish.count);
    for (uint32_t i = 0; i < item->wish.count && reader->err == OK; i++)
        mp_get_text(reader, item->devices[i], sizeof(item->devices[i]));
    mp_leave(reader);
    item->queue_seq = mp_get_uint(reader);
    item->begin_by_ms = mp_get_uint(reader);
    item->stage_by_ms = mp_get_uint(reader);
    item->begun_ms = mp_get_uint(reader);
    item->staged_once = mp_get_bool(reader);
    item->planned_ms = item->begin_by_ms;
}

/* What the engine counts on: the name follows from what it names, and a refusal
 * has a reason of ours. */
static enum err check_item(const struct sell_item *item)
{
    struct hash id;
    contract_id(&item->request, item->task, item->attempt, &id);
    if (!hash_equal(&id, &item->contract))
        return ERR_RANGE;
    if (item->queue_seq != 0 && item->state > SELL_STAGING)
        return ERR_RANGE;
    if (item->state == SELL_REFUSING && end_reason_side(item->reason) != 2)
        return ERR_RANGE;
    return OK;
}

/* out is a fresh item whose spec buffer is ready; on an error it is only good
 * for freeing. */
enum err sell_item_decode(struct bytes bytes, struct arena *arena,
                          struct sell_item *out)
{
    struct mp_reader reader;
    TRY(mp_open_message(&reader, bytes, arena, SELL_RECORD, 1, SELL_FIELDS));
    read_agreed(&reader, out);
    read_work(&reader, arena, out);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    TRY(check_item(out));
    return out->spec.err;
}

/* ---- the plan ---- */

void sell_plan_encode(const struct sell *sell, struct buf *out)
{
    mp_put_message(out, PLAN_RECORD, 1, 1);
    mp_put_array(out, sell_line_length(sell));
    for (const struct sell_item *item = sell->first; item != NULL;
         item = item->next) {
        if (item->queue_seq == 0)
            continue;
        mp_put_array(out, 2);
        mp_put_hash(out, &item->contract);
        mp_put_uint(out, item->planned_ms);
    }
}

enum err sell_plan_decode(struct bytes bytes, struct sell *sell)
{
    struct sell_turn turns[SELL_QUEUE_MAX];
    struct mp_reader reader;
    uint32_t count;
    TRY(mp_open_message(&reader, bytes, &sell->arena, PLAN_RECORD, 1, 1));
    count = mp_enter(&reader);
    if (count > SELL_QUEUE_MAX)
        mp_fail(&reader, ERR_RANGE);
    for (uint32_t i = 0; i < count && reader.err == OK; i++) {
        mp_enter_exact(&reader, 2);
        mp_get_hash(&reader, &turns[i].contract);
        turns[i].planned_ms = mp_get_uint(&reader);
        mp_leave(&reader);
    }
    mp_leave(&reader);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    memcpy(sell->saved, turns, count * sizeof(*turns));
    sell->saved_count = count;
    sell->line_saved = true;
    return OK;
}
