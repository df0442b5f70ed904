#include "node/trade/buy_item.h"

#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_MAX   (32u * 1024 * 1024)
#define HOLD_ASK_MS 3000u
#define HOLD_MAX_MS 10000u
#define NOTES_MAX   64u

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
        for (uint32_t i = 0; i < item->face.task_count; i++) {
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

struct book *buy_book(struct buy *buy)
{
    return buy->book;
}

/* ---- items ---- */

struct buy_item *buy_item_new(struct buy *buy, uint32_t tasks)
{
    struct buy_item *item = calloc(1, sizeof(*item));
    if (item == NULL)
        return NULL;
    CHECK(tasks >= 1 && tasks <= LIMIT_TASKS);
    item->tasks = calloc(tasks, sizeof(*item->tasks));
    item->works = calloc(tasks, sizeof(*item->works));
    if (item->tasks == NULL || item->works == NULL) {
        free(item->tasks);
        free(item->works);
        free(item);
        return NULL;
    }
    buf_init(&item->request, REQUEST_BYTES_MAX);
    buf_init(&item->spec, SPEC_BYTES_MAX);
    buf_init(&item->approval, 1024);
    item->face.task_count = tasks;
    item->face.tasks = item->tasks;
    for (uint32_t i = 0; i < tasks; i++) {
        item->tasks[i].task = i;
        item->tasks[i].state = BUY_WAITING;
    }
    *buy->last = item;
    buy->last = &item->next;
    buy->live++;
    return item;
}

void buy_item_free(struct buy *buy, struct buy_item *item)
{
    struct buy_item **at = &buy->first;
    while (*at != item)
        at = &(*at)->next;
    *at = item->next;
    if (buy->last == &item->next)
        buy->last = at;
    if (item->face.ended_at_ms == 0)
        buy->live--;
    buf_done(&item->request);
    buf_done(&item->spec);
    buf_done(&item->approval);
    free(item->tasks);
    free(item->works);
    free(item);
}

/* ---- effects ---- */

static void record_key(const struct buy_item *item, const char *leaf,
                       char out[96])
{
    char hex[HASH_TEXT_MAX];
    hash_format(&item->face.id, hex);
    snprintf(out, 96, "buy/%s/%s", hex, leaf);
}

static void save(struct buy *buy, const struct buy_item *item, const char *leaf,
                 const struct buf *bytes)
{
    struct trade_effect *effect = trade_effect_add(buy->out, EFFECT_SAVE);
    record_key(item, leaf, effect->key);
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
    if (item->face.draft)
        return;
    buf_init(&bytes, 16u * 1024);
    buy_task_encode(item, task, &bytes);
    snprintf(leaf, sizeof(leaf), "t%u", task);
    save(buy, item, leaf, &bytes);
    buf_done(&bytes);
}

void buy_forget(struct buy *buy, struct buy_item *item)
{
    if (item->in_book)
        book_request_remove(buy->book, &item->face.id, buy->now_ms);
    if (!item->face.draft) {
        struct trade_effect *effect;
        for (uint32_t i = 0; i < item->face.task_count; i++) {
            char leaf[16];
            effect = trade_effect_add(buy->out, EFFECT_SAVE);
            snprintf(leaf, sizeof(leaf), "t%u", i);
            record_key(item, leaf, effect->key);
        }
        effect = trade_effect_add(buy->out, EFFECT_SAVE);
        record_key(item, "job", effect->key);
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
}

void buy_tx(struct buy *buy, struct buy_item *item, uint32_t task,
            uint32_t kind, const struct buf *payload)
{
    struct trade_effect *tx = trade_effect_add(buy->out, EFFECT_TX);
    tx->tx_kind = kind;
    tx->subject = item->tasks[task].contract;
    tx->bytes = trade_effects_keep(buy->out, buf_bytes(payload));
}

/* ---- states ---- */

/* The least advanced task that has not ended, or how the job ended. */
static enum buy_state job_state(const struct buy_item *item)
{
    enum buy_state worst = BUY_DONE;
    enum buy_state least = BUY_EXPIRED;
    bool all_ended = true;
    for (uint32_t i = 0; i < item->face.task_count; i++) {
        enum buy_state state = item->tasks[i].state;
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
    t->state = state;
    t->since_ms = buy->now_ms;
    t->at_ms[state] = buy->now_ms;
    item->works[task].retry_ms = 0;
    item->face.state = job_state(item);
    buy_save_task(buy, item, task);
    buy_note(buy, item, task, buy_state_text(state));
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

void buy_check_end(struct buy *buy, struct buy_item *item)
{
    item->face.state = job_state(item);
    if (!buy_state_ended(item->face.state) || item->face.ended_at_ms != 0)
        return;
    item->face.ended_at_ms = buy->now_ms;
    buy->live--;
    if (item->in_book) {
        book_request_remove(buy->book, &item->face.id, buy->now_ms);
        item->in_book = false;
    }
    trade_effect_add(buy->out, EFFECT_UNPIN)->subject = item->face.id;
    buy_save_job(buy, item);
    buy_note(buy, item, UINT32_MAX, buy_state_text(item->face.state));
}

/* ---- time ---- */

static void task_due(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buy_task *t = &item->tasks[task];
    struct buy_work *work = &item->works[task];
    uint64_t waited = buy->now_ms - t->since_ms;
    if (t->state == BUY_HOLDING && waited > HOLD_MAX_MS)
        buy_lose_hold(buy, item, task, ERR_TIMEOUT, 0);
    else if (t->state == BUY_HOLDING &&
             buy->now_ms - work->asked_ms > HOLD_ASK_MS)
        buy_ask_hold(buy, item, task);
    else if (t->state == BUY_QUOTED &&
             t->quote.expires_at_ms <= buy->now_ms + 2000)
        buy_lose_hold(buy, item, task, ERR_EXPIRED, buy->now_ms + 1);
    else if (t->state >= BUY_OPENING && !buy_state_ended(t->state))
        buy_run_due(buy, item, task);
}

static void expire_waiting(struct buy *buy, struct buy_item *item)
{
    for (uint32_t i = 0; i < item->face.task_count; i++) {
        if (item->tasks[i].state >= BUY_OPENING)
            continue;
        buy_reason(buy, item, i, ERR_EXPIRED,
                   "the request's time ran out before an offer took it");
        buy_move(buy, item, i, BUY_EXPIRED);
    }
}

static void on_notes(struct buy *buy)
{
    struct book_note notes[NOTES_MAX];
    uint32_t count;
    do {
        count = book_tick(buy->book, buy->now_ms, notes, NOTES_MAX);
        for (uint32_t i = 0; i < count; i++) {
            struct buy_item *item = buy_find(buy, &notes[i].id);
            if (item == NULL)
                continue;
            if (notes[i].kind == BOOK_WAKE) {
                buy_match(buy, item);
            } else {
                item->in_book = false;
                expire_waiting(buy, item);
            }
        }
    } while (count == NOTES_MAX);
}

static void on_time(struct buy *buy)
{
    struct buy_item *next;
    for (struct buy_item *item = buy->first; item != NULL; item = next) {
        next = item->next;
        if (item->face.ended_at_ms != 0)
            continue;
        for (uint32_t i = 0; i < item->face.task_count; i++) {
            if (!item->works[i].resumed)
                buy_resume(buy, item, i);
            task_due(buy, item, i);
        }
    }
    on_notes(buy);
}

/* The shell calls at least once a second while a job lives; what the book wants
 * earlier is asked for. */
static void ask_wake(struct buy *buy)
{
    uint64_t at = book_next_ms(buy->book);
    if (buy->live > 0 && at > buy->now_ms + 1000)
        at = buy->now_ms + 1000;
    if (at != BOOK_FOREVER)
        trade_effect_add(buy->out, EFFECT_WAKE)->at_ms =
            at > buy->now_ms ? at : buy->now_ms + 10;
}

/* ---- events ---- */

static void on_message(struct buy *buy, const struct trade_event *event)
{
    enum wire_kind kind;
    if (wire_peek(event->message, &kind) != OK)
        return;
    switch ((int)kind) {
    case WIRE_QUOTE:
        buy_on_quote(buy, &event->peer, event->message);
        break;
    case WIRE_HOLD_REFUSED:
        buy_on_hold_refused(buy, &event->peer, event->message);
        break;
    case WIRE_JOB_STATE:
        buy_on_job_state(buy, &event->peer, event->message);
        break;
    case WIRE_LOG:
        buy_on_log(buy, &event->peer, event->message);
        break;
    case WIRE_RECEIPT:
        buy_on_receipt(buy, &event->peer, event->message);
        break;
    default: /* the seller engine's, or the node's */
        break;
    }
}

static void on_peer_up(struct buy *buy, const struct pubkey *peer)
{
    book_unreachable_set(buy->book, peer, 0, buy->now_ms);
    for (struct buy_item *item = buy->first; item != NULL; item = item->next) {
        for (uint32_t i = 0; i < item->face.task_count; i++) {
            struct buy_task *t = &item->tasks[i];
            if (!pubkey_equal(&t->provider, peer))
                continue;
            item->works[i].log_asked[0] = item->works[i].log_asked[1] = false;
            if (t->state == BUY_HOLDING)
                buy_ask_hold(buy, item, i);
            else if (t->state >= BUY_STAGING && !buy_state_ended(t->state))
                buy_ask(buy, item, i);
        }
    }
}

static void on_tx_refused(struct buy *buy, const struct trade_event *event)
{
    uint32_t task = 0;
    struct buy_item *item = buy_find_contract(buy, &event->subject, &task);
    if (item == NULL)
        return;
    if (event->tx_kind == TX_CONTRACT_OPEN &&
        item->tasks[task].state == BUY_OPENING)
        buy_on_open_refused(buy, item, task, event->err);
    else /* settle or expire: too early, or the other side was quicker */
        item->works[task].retry_ms = buy->now_ms + 3000;
}

static void dispatch(struct buy *buy, const struct trade_event *event)
{
    switch (event->kind) {
    case TRADE_MESSAGE:
        on_message(buy, event);
        break;
    case TRADE_PEER_UP:
        on_peer_up(buy, &event->peer);
        break;
    case TRADE_CONTRACT:
        buy_on_contract(buy, event->contract);
        break;
    case TRADE_TX_REFUSED:
        on_tx_refused(buy, event);
        break;
    case TRADE_FETCHED:
        buy_on_fetched(buy, event);
        break;
    case TRADE_FETCHING:
        buy_on_fetching(buy, event);
        break;
    case TRADE_TICK:
    case TRADE_PEER_DOWN:
    case TRADE_EXEC_STATE:
    case TRADE_EXEC_COLLECTED:
    case TRADE_EXEC_GONE:
    case TRADE_OFFER:
        break;
    }
}

static void begin(struct buy *buy, uint64_t now_ms, struct trade_effects *out)
{
    trade_effects_reset(out);
    arena_reset(&buy->arena);
    buy->out = out;
    buy->now_ms = now_ms;
}

void buy_step(struct buy *buy, const struct trade_event *event,
              struct trade_effects *out)
{
    begin(buy, event->now_ms, out);
    buy->chain_ms = event->chain_time_ms;
    dispatch(buy, event);
    on_time(buy);
    ask_wake(buy);
}

/* ---- what the user asks ---- */

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

static void fill_job(struct buy_item *item, const struct request *request,
                     const struct hash *id, const struct spec *spec)
{
    item->face.id = *id;
    item->face.request = *request;
    item->face.request_bytes = buf_bytes(&item->request);
    item->face.spec_bytes = buf_bytes(&item->spec);
    item->face.state = BUY_WAITING;
    item->image = spec->image;
    item->inputs = spec->inputs;
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

enum err buy_submit(struct buy *buy, struct bytes request_bytes,
                    struct bytes spec_bytes, const char *name, bool draft,
                    uint64_t now_ms, struct trade_effects *out,
                    struct hash *out_id)
{
    struct request request;
    struct spec spec;
    struct hash id;
    struct buy_item *item;
    begin(buy, now_ms, out);
    TRY(request_decode(request_bytes, &buy->arena, &request));
    TRY(check_submit(buy, &request, spec_bytes, &spec, &buy->arena));
    TRY(request_id(&request, &buy->config.chain, &id));
    if (buy_find(buy, &id) != NULL)
        return ERR_EXISTS;
    if (buy->live >= BUY_JOBS_MAX)
        return ERR_BOOK_FULL;
    item = buy_item_new(buy, request.tasks);
    if (item == NULL)
        return ERR_NOMEM;
    buf_add(&item->request, request_bytes);
    buf_add(&item->spec, spec_bytes);
    fill_job(item, &request, &id, &spec);
    snprintf(item->face.name, sizeof(item->face.name), "%s", name);
    item->face.draft = draft;
    item->face.created_at_ms = now_ms;
    for (uint32_t i = 0; i < request.tasks; i++) {
        item->tasks[i].since_ms = now_ms;
        item->tasks[i].at_ms[BUY_WAITING] = now_ms;
        item->works[i].resumed = true;
    }
    buy_save_job(buy, item);
    pin(buy, item, &item->image);
    pin(buy, item, &item->inputs);
    buy_enter_book(buy, item);
    buy_match(buy, item);
    ask_wake(buy);
    *out_id = id;
    return OK;
}

enum err buy_approve(struct buy *buy, const struct hash *id,
                     struct bytes approval_bytes, uint64_t now_ms,
                     struct trade_effects *out)
{
    struct approval approval;
    struct buy_item *item;
    begin(buy, now_ms, out);
    item = buy_find(buy, id);
    if (item == NULL)
        return ERR_NOT_FOUND;
    TRY(approval_decode(approval_bytes, &buy->arena, &approval));
    TRY(approval_verify(&approval, &item->face.request.buyer,
                        &buy->config.chain));
    if (!hash_equal(&approval.request, id))
        return ERR_TERMS;
    if (approval.expires_at_ms <= now_ms)
        return ERR_EXPIRED;
    if (item->face.ended_at_ms != 0)
        return ERR_STATE;
    buf_clear(&item->approval);
    buf_add(&item->approval, approval_bytes);
    item->face.approved = true;
    item->face.task_cap = approval.task_cap;
    item->approval_expires_ms = approval.expires_at_ms;
    item->face.draft = false;
    buy_save_job(buy, item);
    for (uint32_t i = 0; i < item->face.task_count; i++) {
        buy_save_task(buy, item, i);
        if (item->tasks[i].state == BUY_QUOTED)
            buy_open(buy, item, i);
    }
    ask_wake(buy);
    return OK;
}

enum err buy_drop(struct buy *buy, const struct hash *id, uint64_t now_ms,
                  struct trade_effects *out)
{
    struct buy_item *item;
    begin(buy, now_ms, out);
    item = buy_find(buy, id);
    if (item == NULL)
        return ERR_NOT_FOUND;
    if (item->face.approved)
        return ERR_STATE;
    for (uint32_t i = 0; i < item->face.task_count; i++) {
        if (item->tasks[i].state == BUY_HOLDING ||
            item->tasks[i].state == BUY_QUOTED)
            buy_lose_hold(buy, item, i, ERR_CANCELLED, now_ms + 1);
    }
    trade_effect_add(buy->out, EFFECT_UNPIN)->subject = item->face.id;
    buy_forget(buy, item);
    return OK;
}

static bool cancel_task(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buy_task *t = &item->tasks[task];
    if (buy_state_ended(t->state) || t->state >= BUY_DELIVERED)
        return false;
    item->works[task].cancel = true;
    if (t->state == BUY_HOLDING || t->state == BUY_QUOTED)
        buy_lose_hold(buy, item, task, ERR_CANCELLED, buy->now_ms + 1);
    if (t->state == BUY_WAITING) {
        buy_reason(buy, item, task, ERR_CANCELLED, "cancelled");
        buy_move(buy, item, task, BUY_CANCELLED);
        return true;
    }
    buy_save_task(buy, item, task);
    if (t->state >= BUY_STAGING) {
        buy_reason(buy, item, task, OK, "cancelling");
        buy_send_cancel(buy, item, task);
    }
    return true;
}

enum err buy_cancel(struct buy *buy, const struct hash *id, uint32_t task,
                    uint64_t now_ms, struct trade_effects *out)
{
    struct buy_item *item;
    bool any = false;
    begin(buy, now_ms, out);
    item = buy_find(buy, id);
    if (item == NULL || (task != UINT32_MAX && task >= item->face.task_count))
        return ERR_NOT_FOUND;
    for (uint32_t i = 0; i < item->face.task_count; i++) {
        if (task == UINT32_MAX || task == i)
            any |= cancel_task(buy, item, i);
    }
    return any ? OK : ERR_STATE;
}

/* ---- life ---- */

enum err buy_new(const struct buy_config *config, struct buy **out)
{
    struct book_config book_config = {0};
    struct buy *buy = calloc(1, sizeof(*buy));
    enum err err;
    if (buy == NULL)
        return ERR_NOMEM;
    buy->config = *config;
    if (buy->config.receipt_tolerance_permille == 0)
        buy->config.receipt_tolerance_permille = 50;
    buy->last = &buy->first;
    arena_init(&buy->arena, ARENA_MAX);
    memcpy(book_config.key, config->book_key, sizeof(book_config.key));
    err = book_new(&book_config, &buy->book);
    if (err != OK) {
        buy_free(buy);
        return err;
    }
    *out = buy;
    return OK;
}

void buy_free(struct buy *buy)
{
    if (buy == NULL)
        return;
    while (buy->first != NULL)
        buy_item_free(buy, buy->first);
    book_free(buy->book);
    arena_done(&buy->arena);
    free(buy);
}

static enum err load_job(struct buy *buy, struct bytes record)
{
    struct buy_saved_job saved;
    struct request request;
    struct approval approval;
    struct spec spec;
    struct hash id;
    struct buy_item *item;
    TRY(buy_job_decode(record, &buy->arena, &saved));
    TRY(request_decode(saved.request, &buy->arena, &request));
    TRY(spec_decode(saved.spec, &buy->arena, &spec));
    TRY(request_id(&request, &buy->config.chain, &id));
    if (buy_find(buy, &id) != NULL)
        return ERR_EXISTS;
    if (saved.approval.len > 0)
        TRY(approval_decode(saved.approval, &buy->arena, &approval));
    item = buy_item_new(buy, request.tasks);
    if (item == NULL)
        return ERR_NOMEM;
    buf_add(&item->request, saved.request);
    buf_add(&item->spec, saved.spec);
    buf_add(&item->approval, saved.approval);
    fill_job(item, &request, &id, &spec);
    snprintf(item->face.name, sizeof(item->face.name), "%.*s",
             (int)saved.name.len, (const char *)saved.name.ptr);
    item->face.created_at_ms = saved.created_at_ms;
    if (saved.approval.len > 0) {
        item->face.approved = true;
        item->face.task_cap = approval.task_cap;
        item->approval_expires_ms = approval.expires_at_ms;
    }
    for (uint32_t i = 0; i < request.tasks; i++)
        item->tasks[i].since_ms = saved.created_at_ms;
    item->face.ended_at_ms = saved.ended_at_ms;
    if (saved.ended_at_ms != 0)
        buy->live--;
    return OK;
}

/* "buy/<hex>/t<n>" comes after "buy/<hex>/job": record order is name order. */
static enum err load_task(struct buy *buy, const char *key, struct bytes record)
{
    struct hash id;
    char hex[HASH_TEXT_MAX];
    struct buy_task task;
    struct buy_work work;
    struct buy_item *item;
    snprintf(hex, sizeof(hex), "%.64s", key + 4);
    TRY(hash_parse(hex, &id));
    item = buy_find(buy, &id);
    if (item == NULL)
        return ERR_NOT_FOUND;
    memset(&work, 0, sizeof(work));
    TRY(buy_task_decode(record, &buy->arena, &task, &work));
    if (task.task >= item->face.task_count)
        return ERR_RANGE;
    item->tasks[task.task] = task;
    item->works[task.task] = work;
    item->face.state = job_state(item);
    return OK;
}

enum err buy_load(struct buy *buy, const char *key, struct bytes record)
{
    const char *leaf = strrchr(key, '/');
    arena_reset(&buy->arena);
    if (leaf == NULL || strlen(key) < 70)
        return ERR_PARSE;
    return strcmp(leaf, "/job") == 0 ? load_job(buy, record)
                                     : load_task(buy, key, record);
}
