#include "node/trade/buy_item.h"

#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_MAX (32u * 1024 * 1024)
#define NOTES_MAX 64u
#define LOOK_MS   100u

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

struct book *buy_book(struct buy *buy)
{
    return buy->book;
}

uint64_t buy_ours(const struct buy *buy, uint64_t chain_ms)
{
    uint64_t behind =
        buy->chain_ms > buy->now_ms ? buy->chain_ms - buy->now_ms : 0;
    return chain_ms > behind ? chain_ms - behind : 0;
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

/* ---- time ---- */

static void task_due(struct buy *buy, struct buy_item *item, uint32_t task)
{
    if (!item->works[task].resumed)
        buy_resume(buy, item, task);
    switch (item->tasks[task].state) {
    case BUY_WAITING:
    case BUY_HOLDING:
    case BUY_QUOTED:
    case BUY_OPENING:
        buy_place_due(buy, item, task);
        break;
    case BUY_STAGING:
    case BUY_RUNNING:
    case BUY_PUBLISHING:
    case BUY_CANCELLING:
        buy_watch(buy, item, task);
        break;
    case BUY_DELIVERED:
    case BUY_SETTLING:
    case BUY_EXPIRING:
        buy_end_due(buy, item, task);
        break;
    case BUY_DONE:
    case BUY_FAILED:
    case BUY_CANCELLED:
    case BUY_EXPIRED:
        break;
    }
}

static void on_note(struct buy *buy, const struct book_note *note)
{
    struct buy_item *item = buy_find(buy, &note->id);
    if (item == NULL || item->face.ended_at_ms != 0)
        return;
    if (note->kind == BOOK_WAKE)
        buy_match(buy, item);
    else
        item->in_book = false; /* the tasks' own clocks end them */
}

static void on_notes(struct buy *buy)
{
    struct book_note notes[NOTES_MAX];
    uint32_t count;
    do {
        count = book_tick(buy->book, buy->now_ms, notes, NOTES_MAX);
        for (uint32_t i = 0; i < count; i++)
            on_note(buy, &notes[i]);
    } while (count == NOTES_MAX);
}

/* What this node keeps of every attempt; before the records that name it. */
static void forget_outputs(struct buy *buy, const struct buy_item *item)
{
    for (uint32_t i = 0; i < item->face.task_count; i++) {
        for (uint32_t k = 0; k <= item->tasks[i].attempt; k++)
            contract_id(&item->face.id, i, k,
                        &trade_effect_add(buy->out, EFFECT_FORGET)->subject);
    }
}

void buy_forget_ended(struct buy *buy, struct buy_item *item)
{
    CHECK(item->face.ended_at_ms != 0);
    forget_outputs(buy, item);
    buy_forget(buy, item);
}

/* Of a graph all goes, or nothing. */
static bool may_be_forgotten(const struct buy *buy, const struct buy_item *item)
{
    if (item->graph == NULL)
        return item->face.ended_at_ms != 0 && !buy_is_used(buy, item);
    return item->graph->face.ended_at_ms != 0 &&
           !buy_graph_is_used(buy, item->graph);
}

/* A user's list of what was is long, but not without end. */
static void forget_oldest(struct buy *buy)
{
    struct buy_item *item = buy->first;
    if (buy->ended <= BUY_ENDED_MAX)
        return;
    while (item != NULL && !may_be_forgotten(buy, item))
        item = item->next;
    if (item != NULL && item->graph != NULL)
        buy_graph_forget(buy, item->graph);
    else if (item != NULL)
        buy_forget_ended(buy, item);
}

/* Drafts that died with the node leave nothing behind. */
static void bury_orphans(struct buy *buy)
{
    while (buy->orphan_count > 0) {
        const struct hash *id = &buy->orphans[--buy->orphan_count];
        if (buy_find(buy, id) == NULL)
            trade_effect_add(buy->out, EFFECT_UNPIN)->subject = *id;
        buy_unmark_draft(buy, id);
    }
}

static bool was_kept_enough(const struct buy *buy, const struct buy_item *item)
{
    return buy->config.keep_ms > 0 && buy->now_ms >= item->face.ended_at_ms &&
           buy->now_ms - item->face.ended_at_ms >= buy->config.keep_ms;
}

static void look_at_all(struct buy *buy)
{
    struct buy_item *next;
    buy->looked_ms = buy->now_ms;
    for (struct buy_item *item = buy->first; item != NULL; item = next) {
        next = item->next;
        if (item->face.ended_at_ms != 0) {
            if (was_kept_enough(buy, item) && item->graph == NULL &&
                !buy_is_used(buy, item))
                buy_forget_ended(buy, item);
            continue;
        }
        for (uint32_t i = 0; i < item->face.task_count; i++)
            task_due(buy, item, i);
        buy_check_end(buy, item);
    }
}

/* A bag's thousand tasks speak all the time: what is due is looked for at each
 * tick, but not at each word. */
static void on_time(struct buy *buy, bool tick)
{
    bury_orphans(buy);
    buy_graphs_bind(buy);
    if (tick || buy->now_ms - buy->looked_ms >= LOOK_MS)
        look_at_all(buy);
    buy_graphs_due(buy);
    on_notes(buy);
    buy_strays_due(buy);
    forget_oldest(buy);
}

/* The shell calls at least once a second while a job lives; what the book wants
 * earlier is asked for. */
void buy_ask_wake(struct buy *buy)
{
    uint64_t at = book_next_ms(buy->book);
    if ((buy->live > 0 || buy->stray_count > 0) && at > buy->now_ms + 1000)
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
            struct buy_work *work = &item->works[i];
            if (!pubkey_equal(&t->provider, peer))
                continue;
            work->log_asked_ms[0] = work->log_asked_ms[1] = 0;
            if (t->state == BUY_HOLDING)
                buy_ask_hold(buy, item, i);
            else if (t->state >= BUY_STAGING && t->state <= BUY_PUBLISHING)
                buy_ask(buy, item, i);
        }
    }
}

static void on_tx_refused(struct buy *buy, const struct trade_event *event)
{
    uint32_t task = 0;
    struct buy_item *item = buy_find_contract(buy, &event->subject, &task);
    if (item == NULL || buy_state_ended(item->tasks[task].state))
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
    case TRADE_USE:
    case TRADE_PEER_DOWN:
    case TRADE_EXEC_STATE:
    case TRADE_EXEC_COLLECTED:
    case TRADE_EXEC_GONE:
    case TRADE_OFFER:
        break;
    }
}

void buy_begin(struct buy *buy, uint64_t now_ms, struct trade_effects *out)
{
    trade_effects_reset(out);
    arena_reset(&buy->arena);
    buy->out = out;
    buy->now_ms = now_ms;
}

void buy_step(struct buy *buy, const struct trade_event *event,
              struct trade_effects *out)
{
    buy_begin(buy, event->now_ms, out);
    buy->chain_ms = event->chain_time_ms;
    dispatch(buy, event);
    on_time(buy, event->kind == TRADE_TICK);
    buy_places_due(buy);
    buy_ask_wake(buy);
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
    if (buy->config.lost_ms == 0)
        buy->config.lost_ms = 180000;
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
    while (buy->graphs != NULL)
        buy_graph_free(buy, buy->graphs);
    while (buy->first != NULL)
        buy_item_free(buy, buy->first);
    free(buy->roads);
    buy_strays_free(buy);
    free(buy->orphans);
    book_free(buy->book);
    arena_done(&buy->arena);
    free(buy);
}
