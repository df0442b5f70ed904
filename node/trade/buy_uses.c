/* A job that uses results of others: it is held back until the chain has them,
 * fails with them, and its providers are let to them. */

#include "node/trade/buy_item.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELP_MS 3000u

enum err buy_uses_fill(struct buy_item *item, const struct spec *spec)
{
    if (spec->use_count == 0)
        return OK;
    item->uses = calloc(spec->use_count, sizeof(*item->uses));
    if (item->uses == NULL)
        return ERR_NOMEM;
    item->use_count = spec->use_count;
    for (uint32_t i = 0; i < spec->use_count; i++)
        item->uses[i] =
            (struct buy_use){spec->uses[i].request, spec->uses[i].tasks};
    return OK;
}

bool buy_uses_known(const struct buy *buy, const struct spec *spec)
{
    for (uint32_t i = 0; i < spec->use_count; i++) {
        const struct buy_item *item = buy_find(buy, &spec->uses[i].request);
        if (item == NULL || item->face.task_count < spec->uses[i].tasks)
            return false;
    }
    return true;
}

bool buy_is_used(const struct buy *buy, const struct buy_item *item)
{
    for (const struct buy_item *at = buy->first; at != NULL; at = at->next) {
        if (at->face.ended_at_ms != 0)
            continue;
        for (uint32_t i = 0; i < at->use_count; i++)
            if (hash_equal(&at->uses[i].request, &item->face.id))
                return true;
    }
    return false;
}

/* ---- holding back ---- */

/* The chain has a result of it that is there to be used. */
static bool is_done(const struct buy_task *t)
{
    return t->end == END_DONE && t->state >= BUY_DELIVERED &&
           t->state != BUY_EXPIRING;
}

static const char *label(const struct buy_item *item)
{
    return item->face.name[0] != '\0' ? item->face.name : "the job it uses";
}

/* Nothing was opened, so nothing is paid. */
static void fail(struct buy *buy, struct buy_item *item,
                 const struct buy_item *of, const struct buy_task *t)
{
    for (uint32_t i = 0; i < item->face.task_count; i++) {
        if (item->tasks[i].state != BUY_WAITING)
            continue;
        if (of == NULL)
            buy_reason(buy, item, i, ERR_NOT_FOUND,
                       "not begun, nothing paid: the job it uses is gone");
        else
            buy_reason(buy, item, i, ERR_STATE,
                       "not begun, nothing paid: %s, which it needs, ended %s",
                       label(of), buy_state_text(t->state));
        buy_move(buy, item, i,
                 of != NULL && t->state == BUY_CANCELLED ? BUY_CANCELLED
                                                         : BUY_FAILED);
    }
}

static void say_waits(struct buy *buy, struct buy_item *item,
                      const struct buy_item *of, uint32_t done, uint32_t all)
{
    for (uint32_t i = 0; i < item->face.task_count; i++) {
        struct buy_task *t = &item->tasks[i];
        if (t->state != BUY_WAITING)
            continue;
        if (all == 1)
            snprintf(t->reason, sizeof(t->reason), "waits for %s", label(of));
        else
            snprintf(t->reason, sizeof(t->reason),
                     "waits for %s: %u of %u tasks are done", label(of), done,
                     all);
        t->err = OK;
        t->retry_at_ms = 0;
    }
    (void)buy;
}

/* Is this one there, all of it? Says what it waits for, or fails the item. */
bool buy_use_is_there(struct buy *buy, struct buy_item *item,
                      const struct hash *request, uint32_t tasks)
{
    const struct buy_item *of = buy_find(buy, request);
    uint32_t done = 0;
    if (of == NULL) {
        fail(buy, item, NULL, NULL);
        return false;
    }
    for (uint32_t i = 0; i < tasks && i < of->face.task_count; i++) {
        const struct buy_task *t = &of->tasks[i];
        if (is_done(t)) {
            done++;
        } else if (buy_state_ended(t->state)) {
            fail(buy, item, of, t);
            return false;
        }
    }
    if (done == tasks)
        return true;
    say_waits(buy, item, of, done, tasks);
    return false;
}

bool buy_uses_ready(struct buy *buy, struct buy_item *item)
{
    if (item->ready)
        return true;
    for (uint32_t i = 0; i < item->use_count; i++)
        if (!buy_use_is_there(buy, item, &item->uses[i].request,
                              item->uses[i].tasks))
            return false;
    if (!buy_graph_order_holds(buy, item))
        return false;
    item->ready = true;
    for (uint32_t i = 0; i < item->face.task_count && item->use_count > 0; i++)
        if (item->tasks[i].state == BUY_WAITING)
            buy_reason(buy, item, i, OK, "looking for an offer");
    return true;
}

/* ---- letting its provider to them ---- */

static void grant(struct buy *buy, const struct buy_item *of, uint32_t task,
                  const struct pubkey *reader)
{
    const struct buy_task *t = &of->tasks[task];
    struct wire_grant m = {.contract = t->contract, .reader = *reader};
    struct buf message;
    if (pubkey_equal(&t->provider, reader) || hash_is_zero(&t->result))
        return;
    buy_dial(buy, of, task);
    buf_init(&message, 128);
    wire_grant_encode(&m, &message);
    buy_send(buy, &t->provider, &message);
    buf_done(&message);
}

/* Our own copy, for when the maker is gone. */
static void share(struct buy *buy, const struct buy_item *of, uint32_t task,
                  const struct buy_task *to)
{
    const struct buy_task *t = &of->tasks[task];
    struct trade_effect *effect;
    if (!t->fetched || hash_is_zero(&t->result))
        return;
    effect = trade_effect_add(buy->out, EFFECT_SHARE);
    effect->id = t->result;
    effect->subject = to->contract;
    effect->peer = to->provider;
}

void buy_uses_help(struct buy *buy, struct buy_item *item, uint32_t task)
{
    const struct buy_task *to = &item->tasks[task];
    struct buy_work *work = &item->works[task];
    if (item->use_count == 0 || to->state != BUY_STAGING ||
        (work->helped_ms != 0 && buy->now_ms - work->helped_ms < HELP_MS))
        return;
    work->helped_ms = buy->now_ms;
    for (uint32_t i = 0; i < item->use_count; i++) {
        const struct buy_item *of = buy_find(buy, &item->uses[i].request);
        for (uint32_t k = 0; of != NULL && k < item->uses[i].tasks; k++) {
            grant(buy, of, k, &to->provider);
            share(buy, of, k, to);
        }
    }
}
