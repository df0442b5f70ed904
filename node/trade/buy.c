/* The buyer's engine: events in, effects out, and what time does. */

#include "node/trade/buy_item.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_MAX (32u * 1024 * 1024)
#define NOTES_MAX 64u
#define LOOK_MS   100u

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
