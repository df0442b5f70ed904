/* What the user asks of the buyer's engine: place, approve, drop, cancel. */

#include "node/trade/buy_item.h"

#include "market/message.h"

#include <stdio.h>
#include <string.h>

static enum err check_submit(const struct buy *buy,
                             const struct request *request, struct bytes spec,
                             struct spec *out_spec, struct arena *arena)
{
    struct hash hash;
    TRY(request_verify(request, &buy->config.chain));
    if (!pubkey_equal(&request->agent, &buy->config.self))
        return ERR_PARTY;
    TRY(spec_decode(spec, arena, out_spec));
    spec_hash(spec, &hash);
    if (!hash_equal(&hash, &request->spec) ||
        !resources_cover(&out_spec->resources, &request->resources) ||
        !resources_cover(&request->resources, &out_spec->resources) ||
        out_spec->time_ms_max != request->time_ms_max)
        return ERR_TERMS;
    return request->expires_at_ms <= buy->now_ms ? ERR_EXPIRED : OK;
}

/* Blobs are the job's from here on; with whom they are shared comes later. */
static void pin(struct buy *buy, const struct buy_item *item,
                const struct hash *id)
{
    struct trade_effect *effect;
    if (hash_is_zero(id))
        return;
    effect = trade_effect_add(buy->out, EFFECT_SHARE);
    effect->id = *id;
    effect->subject = item->face.id;
    effect->peer = buy->config.self;
}

/* A name that could command a terminal is no name: records refuse it, too. */
static void take_name(struct buy_item *item, const char *name)
{
    snprintf(item->face.name, sizeof(item->face.name), "%s", name);
    if (!message_text_ok(item->face.name, sizeof(item->face.name)))
        memset(item->face.name, 0, sizeof(item->face.name));
}

static enum err fill(struct buy_item *item, struct bytes request_bytes,
                     struct bytes spec_bytes, const struct request *request,
                     const struct hash *id, const struct spec *spec)
{
    buf_add(&item->request, request_bytes);
    buf_add(&item->spec, spec_bytes);
    if (item->request.err != OK || item->spec.err != OK)
        return ERR_NOMEM;
    return buy_item_fill(item, request, id, spec);
}

enum err buy_item_submit(struct buy *buy, struct bytes request_bytes,
                         struct bytes spec_bytes, const char *name,
                         struct buy_item **out)
{
    struct request request;
    struct spec spec;
    struct hash id;
    struct buy_item *item;
    TRY(request_decode(request_bytes, &buy->arena, &request));
    TRY(check_submit(buy, &request, spec_bytes, &spec, &buy->arena));
    TRY(request_id(&request, &buy->config.chain, &id));
    if (buy_find(buy, &id) != NULL)
        return ERR_EXISTS;
    if (!buy_uses_known(buy, &spec))
        return ERR_NOT_FOUND;
    if (buy->live >= BUY_JOBS_MAX)
        return ERR_BOOK_FULL;
    item = buy_item_new(buy, request.tasks, buy->now_ms);
    if (item == NULL)
        return ERR_NOMEM;
    if (fill(item, request_bytes, spec_bytes, &request, &id, &spec) != OK) {
        buy_item_free(buy, item);
        return ERR_NOMEM;
    }
    take_name(item, name);
    for (uint32_t i = 0; i < request.tasks; i++)
        item->works[i].resumed = true;
    *out = item;
    return OK;
}

/* After its mark or record: what is pinned then is known to be, whatever
 * happens. */
void buy_item_pin(struct buy *buy, const struct buy_item *item)
{
    pin(buy, item, &item->image);
    pin(buy, item, &item->inputs);
}

enum err buy_submit(struct buy *buy, struct bytes request_bytes,
                    struct bytes spec_bytes, const char *name, bool draft,
                    uint64_t now_ms, struct trade_effects *out,
                    struct hash *out_id)
{
    struct buy_item *item;
    buy_begin(buy, now_ms, out);
    TRY(buy_item_submit(buy, request_bytes, spec_bytes, name, &item));
    item->face.draft = draft;
    if (draft)
        buy_mark_draft(buy, item);
    else
        buy_save_job(buy, item);
    buy_item_pin(buy, item);
    buy_enter_book(buy, item);
    buy_match(buy, item);
    buy_ask_wake(buy);
    *out_id = item->face.id;
    return OK;
}

enum err buy_approval_check(struct buy *buy, const struct buy_item *item,
                            struct bytes bytes, struct approval *out)
{
    TRY(approval_decode(bytes, &buy->arena, out));
    TRY(approval_verify(out, &item->face.request.buyer, &buy->config.chain));
    if (!hash_equal(&out->request, &item->face.id))
        return ERR_TERMS;
    if (out->expires_at_ms <= buy->now_ms)
        return ERR_EXPIRED;
    return item->face.ended_at_ms != 0 ? ERR_STATE : OK;
}

enum err buy_approval_take(struct buy_item *item, struct bytes bytes,
                           const struct approval *approval)
{
    struct buf taken;
    buf_init(&taken, APPROVAL_BYTES_MAX);
    buf_add(&taken, bytes);
    if (taken.err != OK)
        return taken.err;
    buf_done(&item->approval);
    item->approval = taken;
    item->face.approved = true;
    item->face.task_cap = approval->task_cap;
    item->approval_expires_ms = approval->expires_at_ms;
    item->face.draft = false;
    return OK;
}

enum err buy_approve(struct buy *buy, const struct hash *id,
                     struct bytes approval_bytes, uint64_t now_ms,
                     struct trade_effects *out)
{
    struct approval approval;
    struct buy_item *item;
    bool was_draft;
    buy_begin(buy, now_ms, out);
    item = buy_find(buy, id);
    if (item == NULL)
        return ERR_NOT_FOUND;
    if (item->graph != NULL)
        return ERR_STATE; /* with all of its graph, or not at all */
    TRY(buy_approval_check(buy, item, approval_bytes, &approval));
    was_draft = item->face.draft;
    TRY(buy_approval_take(item, approval_bytes, &approval));
    buy_save_job(buy, item);
    if (was_draft)
        buy_unmark_draft(buy, id);
    for (uint32_t i = 0; i < item->face.task_count; i++)
        buy_save_task(buy, item, i);
    buy_open_quoted(buy, item);
    buy_ask_wake(buy);
    return OK;
}

enum err buy_drop(struct buy *buy, const struct hash *id, uint64_t now_ms,
                  struct trade_effects *out)
{
    struct buy_item *item;
    buy_begin(buy, now_ms, out);
    item = buy_find(buy, id);
    if (item == NULL)
        return ERR_NOT_FOUND;
    if (item->face.approved || item->graph != NULL)
        return ERR_STATE;
    for (uint32_t i = 0; i < item->face.task_count; i++)
        buy_let_go(buy, item, i);
    trade_effect_add(buy->out, EFFECT_UNPIN)->subject = item->face.id;
    buy_forget(buy, item);
    return OK;
}

enum err buy_erase(struct buy *buy, const struct hash *id, uint64_t now_ms,
                   struct trade_effects *out)
{
    struct buy_item *item;
    buy_begin(buy, now_ms, out);
    item = buy_find(buy, id);
    if (item == NULL)
        return ERR_NOT_FOUND;
    if (item->face.ended_at_ms == 0 || buy_is_used(buy, item) ||
        item->graph != NULL)
        return ERR_STATE;
    buy_forget_ended(buy, item);
    return OK;
}

/* Before a contract it ends at once. On its way to the chain it may still
 * become one: then that is cancelled. */
static void cancel_unopened(struct buy *buy, struct buy_item *item,
                            uint32_t task)
{
    buy_let_go(buy, item, task);
    buy_reason(buy, item, task, ERR_CANCELLED, "cancelled");
    buy_move(buy, item, task, BUY_CANCELLED);
}

static bool cancel_task(struct buy *buy, struct buy_item *item, uint32_t task)
{
    const struct buy_task *t = &item->tasks[task];
    if (buy_state_ended(t->state) || t->state == BUY_DELIVERED ||
        t->state == BUY_SETTLING)
        return false;
    item->works[task].cancel = true;
    if (t->state < BUY_OPENING) {
        cancel_unopened(buy, item, task);
        return true;
    }
    buy_save_task(buy, item, task);
    buy_reason(buy, item, task, OK, "cancelling");
    if (t->state >= BUY_STAGING && t->state <= BUY_PUBLISHING)
        buy_send_cancel(buy, item, task);
    return true;
}

bool buy_item_cancel(struct buy *buy, struct buy_item *item, uint32_t task)
{
    bool any = false;
    for (uint32_t i = 0; i < item->face.task_count; i++) {
        if (task == UINT32_MAX || task == i)
            any |= cancel_task(buy, item, i);
    }
    return any;
}

enum err buy_cancel(struct buy *buy, const struct hash *id, uint32_t task,
                    uint64_t now_ms, struct trade_effects *out)
{
    struct buy_item *item;
    buy_begin(buy, now_ms, out);
    item = buy_find(buy, id);
    if (item == NULL || (task != UINT32_MAX && task >= item->face.task_count))
        return ERR_NOT_FOUND;
    return buy_item_cancel(buy, item, task) ? OK : ERR_STATE;
}
