/* From the wish to the open contract: match, hold, quote, open. */

#include "node/trade/buy_item.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

#define SPARES      2u
#define HOLD_ASK_MS 1000u  /* a hold without answer is asked for again */
#define HOLD_MAX_MS 10000u /* and then given up */
#define QUOTE_MS    2000u  /* a quote that lapses so soon is no good */
/* Nor is one that lapses so late: the money would lie until it must start. */
#define QUOTE_MS_MAX 3600000u
#define OPEN_TRY_MS  5000u
#define CROWDED_MS   500u

static uint32_t waiting_tasks(const struct buy_item *item)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < item->face.task_count; i++)
        count += item->tasks[i].state == BUY_WAITING ? 1 : 0;
    return count;
}

void buy_enter_book(struct buy *buy, struct buy_item *item)
{
    const struct request *request = &item->face.request;
    uint32_t waiting;
    enum err err;
    if (item->in_book || item->graph != NULL ||
        request->expires_at_ms <= buy->now_ms || !buy_uses_ready(buy, item))
        return;
    waiting = waiting_tasks(item);
    if (waiting == 0)
        return;
    err = book_request_add(buy->book, &item->face.id, request, waiting,
                           request->expires_at_ms - buy->now_ms, buy->now_ms);
    if (err == OK || err == ERR_EXISTS)
        item->in_book = true;
    else
        buy_note(buy, item, UINT32_MAX, err_text(err));
}

/* ---- matching ---- */

void buy_ask_hold(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buy_task *t = &item->tasks[task];
    struct buy_work *work = &item->works[task];
    struct book_offer offer;
    struct wire_hold hold = {.request = buf_bytes(&item->request),
                             .task = task,
                             .attempt = t->attempt};
    struct trade_effect *dial = trade_effect_add(buy->out, EFFECT_DIAL);
    struct buf message;
    if (book_offer_get(buy->book, &t->provider, buy->now_ms, &offer))
        hold.rtt_us = offer.rtt_us;
    dial->peer = t->provider;
    snprintf(dial->text, sizeof(dial->text), "%s", work->address);
    buf_init(&message, REQUEST_BYTES_MAX + 256);
    wire_hold_encode(&hold, &message);
    buy_send(buy, &t->provider, &message);
    buf_done(&message);
    work->asked_ms = buy->now_ms;
}

void buy_hold_at(struct buy *buy, struct buy_item *item, uint32_t task,
                 const struct pubkey *provider, const char *address)
{
    struct buy_task *t = &item->tasks[task];
    t->provider = *provider;
    t->has_quote = false;
    t->why[0] = '\0';
    t->has_score = false;
    contract_id(&item->face.id, task, t->attempt, &t->contract);
    snprintf(item->works[task].address, sizeof(item->works[task].address), "%s",
             address);
    buy_reason(buy, item, task, OK, "%s", "");
    buy_move(buy, item, task, BUY_HOLDING);
    buy_ask_hold(buy, item, task);
}

/* The next waiting task from `from` on; task_count when there is none. */
static uint32_t next_waiting(const struct buy_item *item, uint32_t from)
{
    while (from < item->face.task_count &&
           item->tasks[from].state != BUY_WAITING)
        from++;
    return from;
}

/* All wait for the same: one line of the feed is enough. */
static void say_why_waiting(struct buy *buy, struct buy_item *item,
                            const struct book_result *result)
{
    struct buf text;
    uint32_t task = next_waiting(item, 0);
    buf_init(&text, 512);
    book_result_format(result, &text);
    if (result->explain.first[REASON_EXCLUDED] > 0 && item->refused != OK)
        buf_addf(&text, "; the last said: %s", err_text(item->refused));
    if (task < item->face.task_count)
        buy_reason(buy, item, task, ERR_NO_OFFER, "%s", buf_cstr(&text));
    for (; task < item->face.task_count; task = next_waiting(item, task + 1)) {
        struct buy_task *t = &item->tasks[task];
        snprintf(t->reason, sizeof(t->reason), "%s", buf_cstr(&text));
        t->err = ERR_NO_OFFER;
        t->retry_at_ms = result->next_try_ms;
    }
    buf_done(&text);
}

/* What counted when it was chosen; later it looks different. */
static void set_why(struct buy_task *task,
                    const struct ranking_account *account)
{
    struct buf text;
    buf_init(&text, 1024);
    ranking_account_format(account, &text);
    snprintf(task->why, sizeof(task->why), "%s", buf_cstr(&text));
    task->has_score = account->has_score;
    task->score = account->score;
    buf_done(&text);
}

/* Deals the tasks out. False: a placement was for a copy of what that provider
 * has already; it is left alone, another may do. */
static bool deal(struct buy *buy, struct buy_item *item,
                 const struct book_result *result)
{
    bool all = true;
    for (uint32_t i = 0; i < result->count; i++) {
        const struct book_placement *place = &result->placements[i];
        uint32_t task = 0;
        for (uint32_t k = 0; k < place->tasks; k++) {
            task = buy_next_for(item, task, &place->provider);
            if (task < item->face.task_count) {
                buy_hold_at(buy, item, task, &place->provider, place->address);
                set_why(&item->tasks[task], &place->account);
                continue;
            }
            all = false;
            book_release(buy->book, &item->face.id, &place->provider, 1,
                         buy->now_ms);
            if (book_exclude(buy->book, &item->face.id, &place->provider,
                             ERR_EXISTS, 0, buy->now_ms) != OK)
                return true;
        }
    }
    return all;
}

void buy_match(struct buy *buy, struct buy_item *item)
{
    struct book_result result;
    uint32_t waiting;
    bool dealt = false;
    if (item->graph != NULL)
        buy_graph_due(buy, item->graph);
    waiting = waiting_tasks(item);
    for (uint32_t tries = 0; !dealt && tries < BOOK_EXCLUDED_MAX; tries++) {
        if (waiting == 0 || !item->in_book)
            return;
        buy_tell_places(buy, item);
        if (buy_balances_ways(&item->face.request) && buy_tell_ways(buy) != OK)
            return;
        if (book_match(buy->book, &item->face.id, waiting, SPARES, buy->now_ms,
                       &buy->arena, &result) != OK)
            return;
        dealt = deal(buy, item, &result);
        waiting = waiting_tasks(item);
    }
    if (result.unplaced > 0)
        say_why_waiting(buy, item, &result);
    buy_tell_places(buy, item); /* for who asks why the rest waits */
    if (waiting > 0)
        buy_dissolve(buy, item);
}

/* ---- holds ---- */

static void send_release(struct buy *buy, const struct buy_item *item,
                         uint32_t task)
{
    struct wire_hold_key key = {.request = item->face.id,
                                .task = task,
                                .attempt = item->tasks[task].attempt};
    struct buf message;
    buf_init(&message, 128);
    wire_hold_release_encode(&key, &message);
    buy_send(buy, &item->tasks[task].provider, &message);
    buf_done(&message);
}

void buy_let_go(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buy_task *t = &item->tasks[task];
    if (pubkey_is_zero(&t->provider))
        return;
    send_release(buy, item, task);
    book_release(buy->book, &item->face.id, &t->provider, 1, buy->now_ms);
    memset(&t->provider, 0, sizeof(t->provider));
    t->has_quote = false;
}

/* The book knows what it reserved itself. Where the provider has spoken since,
 * its word counted the task as taken, and its next offer would be the first to
 * say otherwise: until then it is a good guess, which a hold may refuse. */
void buy_room_is_back(struct buy *buy, struct buy_item *item, uint32_t task)
{
    const struct pubkey *provider = &item->tasks[task].provider;
    struct book_offer before;
    struct book_offer now;
    struct resources room;
    if (!book_offer_get(buy->book, provider, buy->now_ms, &before))
        return;
    book_release(buy->book, &item->face.id, provider, 1, buy->now_ms);
    if (!book_offer_get(buy->book, provider, buy->now_ms, &now) ||
        now.reserved_tasks < before.reserved_tasks)
        return;
    if (resources_sub(&now.offer.free, &now.reserved, &room) == OK &&
        resources_add(&room, &item->face.request.resources, &room) == OK)
        book_free_set(buy->book, provider, &room, buy->now_ms);
}

/* Back to waiting; the provider is left alone for this request until until_ms
 * (0: a growing pause), and the book finds another. */
void buy_lose_hold(struct buy *buy, struct buy_item *item, uint32_t task,
                   enum err why, uint64_t until_ms)
{
    struct pubkey provider = item->tasks[task].provider;
    char name[ADDRESS_SHORT_MAX];
    buy_peer_name(buy, &provider, name);
    buy_let_go(buy, item, task);
    item->refused = why;
    if (item->graph != NULL)
        buy_graph_avoid(buy, item->graph, &provider, until_ms);
    if (book_exclude(buy->book, &item->face.id, &provider, why, until_ms,
                     buy->now_ms) != OK)
        item->in_book = false; /* it lapsed there meanwhile */
    buy_reason(buy, item, task, why, "%s: %s; looking for another offer", name,
               err_text(why));
    buy_move(buy, item, task, BUY_WAITING);
    buy_enter_book(buy, item);
    buy_rematch(buy, item);
}

/* A hold that was lost wants another place now; the book's own clock takes over
 * if there is none. */
void buy_rematch(struct buy *buy, struct buy_item *item)
{
    if (buy->rematching)
        return; /* one loss at a time: the match below may lose more */
    buy->rematching = true;
    buy_match(buy, item);
    buy->rematching = false;
}

void buy_peer_name(const struct buy *buy, const struct pubkey *peer,
                   char out[ADDRESS_SHORT_MAX])
{
    struct book_offer offer;
    char hex[9];
    if (book_offer_get(buy->book, peer, buy->now_ms, &offer) &&
        offer.offer.name[0] != '\0') {
        snprintf(out, ADDRESS_SHORT_MAX, "%s", offer.offer.name);
        return;
    }
    hex_encode(bytes_make(peer->b, 4), hex);
    snprintf(out, ADDRESS_SHORT_MAX, "provider %s", hex);
}

/* A provider that is full says how much it has left, and the book looks there
 * again when it has more: no pause. Where it has enough and still refuses it is
 * crowded for a moment. One that would have let us wait, but has no place
 * within our patience, will not have one in a moment either. Other reasons last
 * longer: a growing pause (0). */
static uint64_t refused_until(const struct buy *buy,
                              const struct buy_item *item,
                              const struct wire_hold_refused *refused)
{
    if (item->face.request.patience_ms > 0)
        return 0;
    if (refused->err == ERR_CAPACITY &&
        !resources_cover(&refused->free, &item->face.request.resources))
        return buy->now_ms + 1;
    if (refused->err == ERR_CAPACITY || refused->err == ERR_RATE)
        return buy->now_ms + CROWDED_MS;
    return 0;
}

void buy_on_hold_refused(struct buy *buy, const struct pubkey *peer,
                         struct bytes message)
{
    struct wire_hold_refused refused;
    struct buy_item *item;
    if (wire_hold_refused_decode(message, &buy->arena, &refused) != OK)
        return;
    item = buy_find(buy, &refused.key.request);
    if (item == NULL || refused.key.task >= item->face.task_count)
        return;
    if (item->tasks[refused.key.task].state != BUY_HOLDING ||
        item->tasks[refused.key.task].attempt != refused.key.attempt ||
        !pubkey_equal(&item->tasks[refused.key.task].provider, peer))
        return;
    book_free_set(buy->book, peer, &refused.free, buy->now_ms);
    buy_lose_hold(buy, item, refused.key.task, refused.err,
                  refused_until(buy, item, &refused));
}

/* ---- quotes ---- */

static enum err check_quote(const struct buy *buy, const struct buy_item *item,
                            const struct quote *quote,
                            const struct pubkey *peer)
{
    if (!pubkey_equal(&quote->provider, peer))
        return ERR_PARTY;
    TRY(quote_verify(quote, &buy->config.chain));
    TRY(quote_check(quote, &item->face.request, &item->face.id));
    if (quote->expires_at_ms <= buy->now_ms + 3000)
        return ERR_EXPIRED;
    if (quote->expires_at_ms > buy->now_ms + QUOTE_MS_MAX)
        return ERR_TERMS;
    if (item->face.approved && amount_cmp(quote->cap, item->face.task_cap) > 0)
        return ERR_PRICE;
    return OK;
}

void buy_on_quote(struct buy *buy, const struct pubkey *peer,
                  struct bytes message)
{
    struct bytes body;
    struct quote quote;
    struct buy_item *item;
    struct buy_task *t;
    enum err err;
    if (wire_bytes_decode(WIRE_QUOTE, message, &buy->arena, &body) != OK ||
        quote_decode(body, &buy->arena, &quote) != OK)
        return;
    item = buy_find(buy, &quote.request);
    if (item == NULL || quote.task >= item->face.task_count)
        return;
    t = &item->tasks[quote.task];
    if (t->state != BUY_HOLDING || t->attempt != quote.attempt ||
        !pubkey_equal(&t->provider, peer))
        return;
    err = check_quote(buy, item, &quote, peer);
    if (err != OK) {
        buy_lose_hold(buy, item, quote.task, err, 0);
        return;
    }
    t->quote = quote;
    t->has_quote = true;
    buy_move(buy, item, quote.task, BUY_QUOTED);
    if (item->face.approved)
        buy_open_quoted(buy, item);
    else
        buy_reason(buy, item, quote.task, ERR_NO_APPROVAL,
                   "the bill waits for your approval");
}

/* ---- opening ---- */

static void open_tx(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buf quote;
    struct buf payload;
    buf_init(&quote, QUOTE_BYTES_MAX);
    buf_init(&payload, LIMIT_TX_BYTES);
    if (quote_encode(&item->tasks[task].quote, &quote) == OK) {
        contract_open_payload(buf_bytes(&item->request),
                              buf_bytes(&item->approval), buf_bytes(&quote),
                              &payload);
        buy_tx(buy, item, task, TX_CONTRACT_OPEN, &payload);
    }
    buf_done(&quote);
    buf_done(&payload);
}

void buy_open(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buy_task *t = &item->tasks[task];
    CHECK(t->state == BUY_QUOTED && t->has_quote);
    if (amount_cmp(t->quote.cap, item->face.task_cap) > 0) {
        buy_lose_hold(buy, item, task, ERR_PRICE, 0);
        return;
    }
    buy_reason(buy, item, task, OK, "%s", "");
    buy_move(buy, item, task, BUY_OPENING);
    open_tx(buy, item, task);
    item->works[task].retry_ms = buy->now_ms + OPEN_TRY_MS;
}

/* Can no contract of this job be opened any more? */
static bool too_late(const struct buy *buy, const struct buy_item *item)
{
    return buy_ours(buy, item->face.request.expires_at_ms) <= buy->now_ms ||
           (item->face.approved &&
            buy_ours(buy, item->approval_expires_ms) <= buy->now_ms);
}

void buy_expire_task(struct buy *buy, struct buy_item *item, uint32_t task,
                     const char *what)
{
    buy_let_go(buy, item, task);
    buy_reason(buy, item, task, ERR_EXPIRED, "%s", what);
    buy_move(buy, item, task, BUY_EXPIRED);
}

static void end_unopened(struct buy *buy, struct buy_item *item, uint32_t task,
                         enum err err, enum buy_state state)
{
    buy_let_go(buy, item, task);
    buy_reason(buy, item, task, err, "the contract cannot be opened: %s",
               err_text(err));
    buy_move(buy, item, task, state);
}

void buy_on_open_refused(struct buy *buy, struct buy_item *item, uint32_t task,
                         enum err err)
{
    if (err == ERR_EXISTS) /* it is there: its record says how it stands */
        return;
    if (item->works[task].cancel)
        end_unopened(buy, item, task, ERR_CANCELLED, BUY_CANCELLED);
    else if (err == ERR_FUNDS)
        end_unopened(buy, item, task, err, BUY_FAILED);
    else if (too_late(buy, item))
        end_unopened(buy, item, task, ERR_EXPIRED, BUY_EXPIRED);
    else /* The quote ran out, the provider's bond is short, the clocks differ:
            this provider is out for a while, another may do. */
        buy_lose_hold(buy, item, task, err, 0);
}

/* ---- time ---- */

static void hold_due(struct buy *buy, struct buy_item *item, uint32_t task)
{
    const struct buy_task *t = &item->tasks[task];
    if (buy->now_ms - t->since_ms > HOLD_MAX_MS)
        buy_lose_hold(buy, item, task, ERR_TIMEOUT, 0);
    else if (buy->now_ms - item->works[task].asked_ms > HOLD_ASK_MS)
        buy_ask_hold(buy, item, task);
}

static void quote_due(struct buy *buy, struct buy_item *item, uint32_t task)
{
    const struct buy_task *t = &item->tasks[task];
    if (t->quote.expires_at_ms <= buy->now_ms + QUOTE_MS)
        buy_lose_hold(buy, item, task, ERR_EXPIRED, buy->now_ms + 1);
    else if (item->face.approved && buy_may_open(item))
        buy_open(buy, item, task);
}

/* Brought to the chain again: what waits there already stays one. */
static void open_due(struct buy *buy, struct buy_item *item, uint32_t task)
{
    if (buy->now_ms < item->works[task].retry_ms)
        return;
    open_tx(buy, item, task);
    item->works[task].retry_ms = buy->now_ms + OPEN_TRY_MS;
}

/* It may be ready now: then it need not wait for the book's own clock. */
static void begin_place(struct buy *buy, struct buy_item *item)
{
    buy_enter_book(buy, item);
    if (item->in_book && item->use_count > 0)
        buy_rematch(buy, item);
}

void buy_place_due(struct buy *buy, struct buy_item *item, uint32_t task)
{
    enum buy_state state = item->tasks[task].state;
    if (state != BUY_OPENING && too_late(buy, item)) {
        buy_expire_task(buy, item, task,
                        "the request's time ran out before an offer took it");
        return;
    }
    if (state == BUY_WAITING && item->in_book)
        return; /* the book's clock wakes it */
    if (state == BUY_WAITING)
        begin_place(buy, item);
    else if (state == BUY_HOLDING)
        hold_due(buy, item, task);
    else if (state == BUY_QUOTED)
        quote_due(buy, item, task);
    else
        open_due(buy, item, task);
}

/* ---- after a start ---- */

void buy_resume(struct buy *buy, struct buy_item *item, uint32_t task)
{
    struct buy_task *t = &item->tasks[task];
    struct buy_work *work = &item->works[task];
    work->resumed = true;
    work->heard_ms = buy->now_ms; /* its silence counts from now */
    work->idle_ms = t->state == BUY_STAGING ? buy->now_ms : 0;
    if (t->state == BUY_HOLDING) {
        buy_let_go(buy, item, task);
        buy_reason(buy, item, task, OK, "looking for an offer again");
        buy_move(buy, item, task, BUY_WAITING);
    } else if (t->state >= BUY_STAGING && t->state <= BUY_PUBLISHING) {
        buy_share_inputs(buy, item, task);
        buy_ask(buy, item, task);
    }
    if (t->state != BUY_WAITING)
        return;
    buy_enter_book(buy, item);
    if (!pubkey_is_zero(&work->avoid) && item->graph != NULL)
        buy_graph_avoid(buy, item->graph, &work->avoid,
                        item->face.request.expires_at_ms);
    if (!pubkey_is_zero(&work->avoid) && item->in_book &&
        book_exclude(buy->book, &item->face.id, &work->avoid, ERR_EXECUTOR,
                     item->face.request.expires_at_ms, buy->now_ms) != OK)
        item->in_book = false;
}
