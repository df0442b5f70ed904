/* One job: found, made, freed; its states; what it saves, says and sends. */

#include "node/trade/buy_item.h"

#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[] = {
    "",        "WAITING",    "HELD",      "QUOTED",   "OPENING",  "STAGING",
    "RUNNING", "PUBLISHING", "FETCHING",  "SETTLING", "EXPIRING", "CANCELLING",
    "DONE",    "FAILED",     "CANCELLED", "EXPIRED"};

const char *buy_state_text(enum buy_state state)
{
    return state_names[state];
}

bool buy_state_ended(enum buy_state state)
{
    return state >= BUY_DONE;
}

/* ---- finding ---- */

struct buy_item *buy_find(const struct buy *buy, const struct hash *id)
{
    struct buy_item *item = buy->first;
    while (item != NULL && !hash_equal(&item->face.id, id))
        item = item->next;
    return item;
}

struct buy_item *buy_find_contract(const struct buy *buy,
                                   const struct hash *contract,
                                   uint32_t *out_task)
{
    for (struct buy_item *item = buy->first; item != NULL; item = item->next) {
        uint32_t count =
            item->face.ended_at_ms == 0 ? item->face.task_count : 0;
        for (uint32_t i = 0; i < count; i++) {
            if (hash_equal(&item->tasks[i].contract, contract)) {
                *out_task = i;
                return item;
            }
        }
    }
    return NULL;
}

const struct buy_job *buy_job(const struct buy *buy, const struct hash *id)
{
    const struct buy_item *item = buy_find(buy, id);
    return item != NULL ? &item->face : NULL;
}

const struct buy_job *buy_job_at(const struct buy *buy, size_t i)
{
    const struct buy_item *item = buy->first;
    while (item != NULL && i-- > 0)
        item = item->next;
    return item != NULL ? &item->face : NULL;
}

/* A job is its item: the face comes first. */
const struct buy_job *buy_job_next(const struct buy *buy,
                                   const struct buy_job *after)
{
    const struct buy_item *item =
        after != NULL ? ((const struct buy_item *)after)->next : buy->first;
    return item != NULL ? &item->face : NULL;
}

/* ---- items ---- */

static bool item_room(struct buy_item *item, uint32_t tasks)
{
    item->tasks = calloc(tasks, sizeof(*item->tasks));
    item->works = calloc(tasks, sizeof(*item->works));
    if (item->tasks != NULL && item->works != NULL)
        return true;
    free(item->tasks);
    free(item->works);
    return false;
}

/* Behind all that are as old or older. */
static void link_item(struct buy *buy, struct buy_item *item)
{
    struct buy_item **at = &buy->first;
    while (*at != NULL && (*at)->face.created_at_ms <= item->face.created_at_ms)
        at = &(*at)->next;
    item->next = *at;
    *at = item;
    buy->live++;
}

struct buy_item *buy_item_new(struct buy *buy, uint32_t tasks,
                              uint64_t created_at_ms)
{
    struct buy_item *item = calloc(1, sizeof(*item));
    CHECK(tasks >= 1 && tasks <= LIMIT_TASKS);
    if (item == NULL)
        return NULL;
    if (!item_room(item, tasks)) {
        free(item);
        return NULL;
    }
    buf_init(&item->request, REQUEST_BYTES_MAX);
    buf_init(&item->spec, SPEC_BYTES_MAX);
    buf_init(&item->approval, APPROVAL_BYTES_MAX);
    item->face.task_count = tasks;
    item->face.tasks = item->tasks;
    item->face.created_at_ms = created_at_ms;
    for (uint32_t i = 0; i < tasks; i++) {
        item->tasks[i].task = i;
        item->tasks[i].state = BUY_WAITING;
        item->tasks[i].since_ms = created_at_ms;
        item->tasks[i].at_ms[BUY_WAITING] = created_at_ms;
        snprintf(item->tasks[i].reason, sizeof(item->tasks[i].reason),
                 "looking for an offer");
    }
    link_item(buy, item);
    return item;
}

enum err buy_item_fill(struct buy_item *item, const struct request *request,
                       const struct hash *id, const struct spec *spec)
{
    item->face.id = *id;
    item->face.request = *request;
    item->face.request_bytes = buf_bytes(&item->request);
    item->face.spec_bytes = buf_bytes(&item->spec);
    item->face.state = BUY_WAITING;
    item->image = spec->image;
    item->inputs = spec->inputs;
    item->log_bytes_max = spec->log_bytes_max;
    return buy_uses_fill(item, spec);
}

void buy_item_free(struct buy *buy, struct buy_item *item)
{
    struct buy_item **at = &buy->first;
    while (*at != item)
        at = &(*at)->next;
    *at = item->next;
    if (item->face.ended_at_ms == 0)
        buy->live--;
    else
        buy->ended--;
    if (item->graph != NULL)
        item->graph->items[item->part] = NULL;
    buf_done(&item->request);
    buf_done(&item->spec);
    buf_done(&item->approval);
    free(item->tasks);
    free(item->works);
    free(item->uses);
    free(item);
}

/* ---- effects ---- */

static void record_key(const struct hash *id, const char *leaf, char out[96])
{
    char hex[HASH_TEXT_MAX];
    hash_format(id, hex);
    snprintf(out, 96, "buy/%s/%s", hex, leaf);
}

static void save(struct buy *buy, const struct buy_item *item, const char *leaf,
                 const struct buf *bytes)
{
    struct trade_effect *effect = trade_effect_add(buy->out, EFFECT_SAVE);
    record_key(&item->face.id, leaf, effect->key);
    effect->bytes = trade_effects_keep(buy->out, buf_bytes(bytes));
    if (bytes->err != OK && buy->out->err == OK)
        buy->out->err = bytes->err;
}

void buy_save_job(struct buy *buy, const struct buy_item *item)
{
    struct buf bytes;
    if (item->face.draft)
        return;
    buf_init(&bytes, 128u * 1024);
    buy_job_encode(item, &bytes);
    save(buy, item, "job", &bytes);
    buf_done(&bytes);
}

void buy_save_task(struct buy *buy, const struct buy_item *item, uint32_t task)
{
    struct buf bytes;
    char leaf[16];
    if (item->face.draft || (item->tasks[task].state < BUY_OPENING &&
                             item->works[task].recorded < BUY_OPENING))
        return;
    item->works[task].recorded = item->tasks[task].state;
    buf_init(&bytes, 16u * 1024);
    buy_task_encode(item, task, &bytes);
    snprintf(leaf, sizeof(leaf), "t%u", task);
    save(buy, item, leaf, &bytes);
    buf_done(&bytes);
}

void buy_mark_draft(struct buy *buy, const struct buy_item *item)
{
    struct buf bytes;
    buf_init(&bytes, 16);
    mp_put_uint(&bytes, 1);
    save(buy, item, "draft", &bytes);
    buf_done(&bytes);
}

void buy_unmark_draft(struct buy *buy, const struct hash *id)
{
    struct trade_effect *effect = trade_effect_add(buy->out, EFFECT_SAVE);
    record_key(id, "draft", effect->key);
}

/* The job's own record goes last: tasks without a job would not load. */
void buy_forget(struct buy *buy, struct buy_item *item)
{
    if (item->in_book)
        book_request_remove(buy->book, &item->face.id, buy->now_ms);
    if (item->face.draft) {
        buy_unmark_draft(buy, &item->face.id);
    } else {
        struct trade_effect *effect;
        for (uint32_t i = 0; i < item->face.task_count; i++) {
            char leaf[16];
            if (item->works[i].recorded == 0)
                continue;
            effect = trade_effect_add(buy->out, EFFECT_SAVE);
            snprintf(leaf, sizeof(leaf), "t%u", i);
            record_key(&item->face.id, leaf, effect->key);
        }
        effect = trade_effect_add(buy->out, EFFECT_SAVE);
        record_key(&item->face.id, "job", effect->key);
    }
    buy_item_free(buy, item);
}

void buy_note(struct buy *buy, const struct buy_item *item, uint32_t task,
              const char *text)
{
    struct trade_effect *note = trade_effect_add(buy->out, EFFECT_NOTE);
    note->id = item->face.id;
    note->task = task;
    if (task < item->face.task_count) {
        note->subject = item->tasks[task].contract;
        note->code = (uint32_t)item->tasks[task].state;
    }
    snprintf(note->text, sizeof(note->text), "%s", text);
}

void buy_send(struct buy *buy, const struct pubkey *peer,
              const struct buf *message)
{
    struct trade_effect *effect = trade_effect_add(buy->out, EFFECT_SEND);
    effect->peer = *peer;
    effect->bytes = trade_effects_keep(buy->out, buf_bytes(message));
    if (message->err != OK && buy->out->err == OK)
        buy->out->err = message->err;
}

void buy_tx(struct buy *buy, struct buy_item *item, uint32_t task,
            uint32_t kind, const struct buf *payload)
{
    struct trade_effect *tx = trade_effect_add(buy->out, EFFECT_TX);
    tx->tx_kind = kind;
    tx->subject = item->tasks[task].contract;
    tx->bytes = trade_effects_keep(buy->out, buf_bytes(payload));
    if (payload->err != OK && buy->out->err == OK)
        buy->out->err = payload->err;
}

/* ---- states ---- */

/* The least advanced task that has not ended, or how the job ended. */
enum buy_state buy_state_of_job(const struct buy_item *item)
{
    enum buy_state worst = BUY_DONE;
    enum buy_state least = BUY_EXPIRED;
    bool all_ended = true;
    if (buy_enough_is_done(item))
        return BUY_DONE;
    for (uint32_t i = 0; i < item->face.task_count; i++) {
        enum buy_state state = item->tasks[i].state;
        if (buy_state_ended(state) && buy_copy_is_done(item, i))
            state = BUY_DONE;
        if (!buy_state_ended(state)) {
            least = !all_ended && least < state ? least : state;
            all_ended = false;
        } else if (state == BUY_FAILED || worst == BUY_DONE) {
            worst = state;
        }
    }
    return all_ended ? worst : least;
}

void buy_move(struct buy *buy, struct buy_item *item, uint32_t task,
              enum buy_state state)
{
    struct buy_task *t = &item->tasks[task];
    CHECK(!buy_state_ended(t->state));
    if (buy_state_there(t->state) != buy_state_there(state))
        buy->places_changed = true;
    t->state = state;
    t->since_ms = buy->now_ms;
    t->at_ms[state] = buy->now_ms;
    item->works[task].retry_ms = 0;
    item->face.state = buy_state_of_job(item);
    buy_save_task(buy, item, task);
    buy_note(buy, item, task, buy_state_text(state));
    if (state == BUY_DONE)
        buy_spare_copies(buy, item, task);
    if (buy_state_ended(state))
        buy_check_end(buy, item);
}

void buy_reason(struct buy *buy, struct buy_item *item, uint32_t task,
                enum err err, const char *format, ...)
{
    struct buy_task *t = &item->tasks[task];
    char before[sizeof(t->reason)];
    va_list args;
    memcpy(before, t->reason, sizeof(before));
    va_start(args, format);
    vsnprintf(t->reason, sizeof(t->reason), format, args);
    va_end(args);
    t->err = err;
    if (t->reason[0] != '\0' && strcmp(before, t->reason) != 0)
        buy_note(buy, item, task, t->reason);
}

static bool all_ended(const struct buy_item *item)
{
    for (uint32_t i = 0; i < item->face.task_count; i++) {
        if (!buy_state_ended(item->tasks[i].state))
            return false;
    }
    return true;
}

void buy_check_end(struct buy *buy, struct buy_item *item)
{
    item->face.state = buy_state_of_job(item);
    if (!all_ended(item) || item->face.ended_at_ms != 0)
        return;
    item->face.ended_at_ms = buy->now_ms > 0 ? buy->now_ms : 1;
    buy->live--;
    buy->ended++;
    if (item->in_book) {
        book_request_remove(buy->book, &item->face.id, buy->now_ms);
        item->in_book = false;
    }
    trade_effect_add(buy->out, EFFECT_UNPIN)->subject = item->face.id;
    buy_save_job(buy, item);
    buy_note(buy, item, UINT32_MAX, buy_state_text(item->face.state));
}
