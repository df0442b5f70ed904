/* The seller's engine: events in, effects out; what its owner sets and sees. */

#include "node/trade/sell_item.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_MAX (4u * 1024 * 1024)
#define TELL_MS   1000u

/* ---- messages ---- */

static struct sell_item *item_of(struct sell *sell, enum wire_kind kind,
                                 const struct trade_event *event,
                                 struct hash *out_id)
{
    struct sell_item *item;
    if (wire_contract_decode(kind, event->message, &sell->arena, out_id) != OK)
        return NULL;
    item = sell_find(sell, out_id);
    if (item != NULL && !pubkey_equal(&item->agent, &event->peer))
        return NULL; /* not theirs to ask about */
    return item;
}

static void on_ask(struct sell *sell, const struct trade_event *event)
{
    struct hash id = {{0}};
    struct sell_item *item = item_of(sell, WIRE_ASK, event, &id);
    struct wire_job_state unknown = {.phase = JOB_UNKNOWN};
    struct buf message;
    if (item != NULL) {
        sell_tell(sell, item, "");
        return;
    }
    unknown.contract = id;
    buf_init(&message, 1024);
    wire_job_state_encode(&unknown, &message);
    sell_send(sell, &event->peer, &message);
    buf_done(&message);
}

static void on_cancel(struct sell *sell, const struct trade_event *event)
{
    struct hash id;
    struct sell_item *item = item_of(sell, WIRE_CANCEL, event, &id);
    if (item != NULL)
        sell_cancel(sell, item);
}

static void on_log_get(struct sell *sell, const struct trade_event *event)
{
    struct wire_log_get get;
    struct sell_item *item;
    struct trade_effect *effect;
    if (wire_log_get_decode(event->message, &sell->arena, &get) != OK)
        return;
    item = sell_find(sell, &get.contract);
    if (item == NULL || !pubkey_equal(&item->agent, &event->peer) ||
        item->state < SELL_RUNNING)
        return;
    effect = trade_effect_add(sell->out, EFFECT_EXEC_LOG);
    effect->subject = get.contract;
    effect->stream = get.stream;
    effect->offset = get.offset;
    effect->peer = event->peer;
}

static void on_receipt_ack(struct sell *sell, const struct trade_event *event)
{
    struct bytes body;
    struct receipt receipt;
    struct sell_item *item;
    if (wire_bytes_decode(WIRE_RECEIPT_ACK, event->message, &sell->arena,
                          &body) != OK ||
        receipt_decode(body, &sell->arena, &receipt) != OK)
        return;
    item = sell_find(sell, &receipt.contract);
    if (item == NULL || receipt.seq <= item->cosigned.seq)
        return;
    if (receipt_verify(&receipt, &sell->config.chain, &sell->config.signer->key,
                       &item->agent) != OK)
        return;
    item->cosigned = receipt;
    sell_save(sell, item);
}

static void on_message(struct sell *sell, const struct trade_event *event)
{
    enum wire_kind kind;
    if (wire_peek(event->message, &kind) != OK)
        return;
    switch ((int)kind) {
    case WIRE_HOLD:
        sell_on_hold(sell, &event->peer, event->message);
        break;
    case WIRE_HOLD_RELEASE:
        sell_on_release(sell, &event->peer, event->message);
        break;
    case WIRE_START:
        sell_on_start(sell, &event->peer, event->message);
        break;
    case WIRE_RECEIPT_ACK:
        on_receipt_ack(sell, event);
        break;
    case WIRE_LOG_GET:
        on_log_get(sell, event);
        break;
    case WIRE_CANCEL:
        on_cancel(sell, event);
        break;
    case WIRE_ASK:
        on_ask(sell, event);
        break;
    case WIRE_GRANT:
        sell_on_grant(sell, &event->peer, event->message);
        break;
    default: /* the buyer engine's, or the node's */
        break;
    }
}

/* ---- time ---- */

/* Settled contracts are kept for their buyers' sake, but not without end. */
static void retire_oldest(struct sell *sell)
{
    struct sell_item *oldest = NULL;
    uint32_t settled = 0;
    for (struct sell_item *item = sell->first; item != NULL;
         item = item->next) {
        if (item->state != SELL_SETTLED || item->may_run)
            continue;
        settled++;
        if (oldest == NULL || item->ended_ms < oldest->ended_ms)
            oldest = item;
    }
    if (settled > SELL_SETTLED_MAX)
        sell_retire(sell, oldest);
}

/* What a job left at the executor takes real disk, and is of no use once its
 * outputs are blobs, or never will be. */
static void clean_up(struct sell *sell, struct sell_item *item)
{
    if (item->cleaned || item->may_run || item->state < SELL_DELIVERING)
        return;
    item->cleaned = true;
    trade_effect_add(sell->out, EFFECT_EXEC_REMOVE)->subject = item->contract;
}

static void on_time(struct sell *sell)
{
    struct sell_item *next;
    for (struct sell_item *item = sell->first; item != NULL; item = next) {
        next = item->next;
        if (!item->resumed)
            sell_resume(sell, item);
        clean_up(sell, item);
        if (sell_due_at(sell, item) <= sell->now_ms)
            sell_on_due(sell, item);
    }
    sell_line_due(sell);
    retire_oldest(sell);
}

static void ask_wake(struct sell *sell)
{
    uint64_t at = UINT64_MAX;
    for (struct sell_item *item = sell->first; item != NULL;
         item = item->next) {
        uint64_t due = sell_due_at(sell, item);
        if (due < at)
            at = due;
    }
    if (sell_line_length(sell) > 0 && sell->line_ms < at)
        at = sell->line_ms;
    if (at != UINT64_MAX)
        trade_effect_add(sell->out, EFFECT_WAKE)->at_ms =
            at > sell->now_ms ? at : sell->now_ms + 1000;
}

/* ---- the engine ---- */

static void on_fetching(struct sell *sell, const struct trade_event *event)
{
    struct sell_item *item = sell_find(sell, &event->subject);
    unsigned which;
    if (item == NULL || item->state != SELL_STAGING)
        return;
    which = hash_equal(&event->id, &item->image) ? 0 : 1;
    if (item->retry_ms > 0) /* it moves: no need to ask again */
        item->retry_ms = sell->now_ms + SELL_STAGE_RETRY_MS;
    item->staged[which] = event->done;
    item->staged_total[which] = event->total;
    if (sell->now_ms - item->told_ms >= TELL_MS)
        sell_tell(sell, item, "");
}

/* What it missed while it was away. */
static void on_peer_up(struct sell *sell, const struct pubkey *peer)
{
    for (struct sell_item *item = sell->first; item != NULL;
         item = item->next) {
        if (!pubkey_equal(&item->agent, peer) ||
            item->state < SELL_WAITING_START || item->state > SELL_DELIVERED)
            continue;
        sell_tell(sell, item, "");
        if (item->last.seq > item->cosigned.seq)
            sell_send_receipt(sell, item);
    }
}

static void dispatch(struct sell *sell, const struct trade_event *event)
{
    struct sell_item *item;
    switch (event->kind) {
    case TRADE_TICK:
        break;
    case TRADE_MESSAGE:
        on_message(sell, event);
        break;
    case TRADE_CONTRACT:
        sell_on_contract(sell, event->contract);
        break;
    case TRADE_TX_REFUSED:
        sell_on_tx_refused(sell, event);
        break;
    case TRADE_FETCHED:
        sell_on_fetched(sell, event);
        break;
    case TRADE_FETCHING:
        on_fetching(sell, event);
        break;
    case TRADE_USE:
        sell_on_use(sell, event);
        break;
    case TRADE_EXEC_STATE:
        item = sell_find(sell, &event->subject);
        if (item != NULL)
            sell_on_exec(sell, item, event->exec);
        break;
    case TRADE_EXEC_COLLECTED:
        item = sell_find(sell, &event->subject);
        if (item != NULL)
            sell_on_collected(sell, item, event);
        break;
    case TRADE_PEER_UP:
        on_peer_up(sell, &event->peer);
        break;
    case TRADE_PEER_DOWN:
    case TRADE_EXEC_GONE:
    case TRADE_OFFER:
        break;
    }
}

/* Nothing is sold twice. What was in use before the owner configured less is
 * the one excuse. */
static void check_capacity(struct sell *sell)
{
    struct sell_capacity c;
    struct resources used;
    struct resources sum;
    sell_devices_check(sell);
    sell_capacity(sell, &c);
    CHECK(resources_add(&c.held, &c.running, &used) == OK);
    CHECK(resources_add(&used, &c.free, &sum) == OK);
    CHECK(!resources_cover(&c.total, &used) ||
          (resources_cover(&sum, &c.total) && resources_cover(&c.total, &sum)));
}

void sell_step(struct sell *sell, const struct trade_event *event,
               struct trade_effects *out)
{
    trade_effects_reset(out);
    arena_reset(&sell->arena);
    sell->out = out;
    sell->now_ms = event->now_ms;
    if (sell->chain_ms != event->chain_time_ms)
        sell->chain_moved_ms = event->now_ms;
    sell->chain_ms = event->chain_time_ms;
    sell->ticks = event->kind == TRADE_TICK;
    sell_line_recall(sell);
    dispatch(sell, event);
    on_time(sell);
    ask_wake(sell);
    check_capacity(sell);
    sell->out = NULL;
}

static void set_defaults(struct sell_config *config)
{
    if (config->hold_ms == 0)
        config->hold_ms = 120000;
    if (config->start_by_ms == 0)
        config->start_by_ms = 300000;
    if (config->receipt_ms == 0)
        config->receipt_ms = 60000;
    if (config->retention_ms == 0)
        config->retention_ms = 86400000;
}

enum err sell_new(const struct sell_config *config, struct sell **out)
{
    struct sell *sell = calloc(1, sizeof(*sell));
    if (sell == NULL)
        return ERR_NOMEM;
    sell->last = &sell->first;
    arena_init(&sell->arena, ARENA_MAX);
    sell_configure(sell, config);
    *out = sell;
    return OK;
}

void sell_free(struct sell *sell)
{
    if (sell == NULL)
        return;
    while (sell->first != NULL)
        sell_item_free(sell, sell->first);
    arena_done(&sell->arena);
    free(sell);
}

void sell_configure(struct sell *sell, const struct sell_config *config)
{
    sell->config = *config;
    set_defaults(&sell->config);
    sell->line_changed = true;
}

void sell_open(struct sell *sell, bool on)
{
    sell->open = on;
}

static void abandon(struct sell *sell, struct sell_item *item)
{
    switch (item->state) {
    case SELL_HELD:
        item->hold_until_ms = 0; /* the next step lets it go */
        item->recalled = false;
        break;
    case SELL_WAITING_START:
    case SELL_STAGING:
    case SELL_STARTING:
    case SELL_RUNNING:
        sell_refuse(sell, item, END_PROVIDER_DRAIN,
                    "the provider has stopped selling");
        break;
    case SELL_PUBLISHING:
    case SELL_DELIVERING:
    case SELL_DELIVERED:
    case SELL_REFUSING:
    case SELL_SETTLED:
    case SELL_CLOSING:
        break; /* its job is over */
    }
}

void sell_abandon(struct sell *sell, uint64_t now_ms, struct trade_effects *out)
{
    trade_effects_reset(out);
    arena_reset(&sell->arena);
    sell->out = out;
    sell->now_ms = now_ms;
    for (struct sell_item *item = sell->first; item != NULL; item = item->next)
        abandon(sell, item);
    ask_wake(sell);
    sell->out = NULL;
}

void sell_balance(struct sell *sell, struct amount balance)
{
    sell->balance = balance;
}

enum err sell_load(struct sell *sell, const char *key, struct bytes record)
{
    struct sell_item *item;
    struct sell_item *next;
    enum err err;
    arena_reset(&sell->arena);
    if (strcmp(key, SELL_PLAN_KEY) == 0)
        return sell_plan_decode(record, sell);
    item = sell_item_new(sell);
    if (item == NULL)
        return ERR_NOMEM;
    next = item->next;
    err = sell_item_decode(record, &sell->arena, item);
    item->next = next;
    if (err != OK)
        sell_item_free(sell, item);
    return err;
}

bool sell_view(const struct sell *sell, size_t i, struct sell_view *out)
{
    const struct sell_item *item = sell->first;
    while (item != NULL && i-- > 0)
        item = item->next;
    if (item == NULL)
        return false;
    *out = (struct sell_view){
        .contract = item->contract,
        .request = item->request,
        .task = item->task,
        .attempt = item->attempt,
        .state = item->state,
        .buyer = item->buyer,
        .agent = item->agent,
        .resources = item->resources,
        .wish = item->wish,
        .cap = item->quote.cap,
        .due = item->last.due,
        .receipt_seq = item->cosigned.seq,
        .wall_ms = item->exec.wall_ms,
        .cpu_ms = item->exec.cpu_ms,
        .staged = item->staged[0] + item->staged[1],
        .staged_total = item->staged_total[0] + item->staged_total[1],
        .since_ms = item->since_ms,
        .start_by_ms = item->quote.start_by_ms,
        .reason = item->reason,
        .queued = item->queue_seq != 0,
        .ahead = sell_line_ahead(sell, item),
        .begin_by_ms = item->begin_by_ms,
        .planned_ms = item->planned_ms,
    };
    memcpy(out->devices, item->devices, sizeof(out->devices));
    return true;
}

/* Capacity that was configured away below what is in use counts as none free,
 * never as a wrapped number. */
static void take(struct resources *from, const struct resources *what)
{
    struct resources left;
    if (resources_sub(from, what, &left) != OK) {
        left.cpu_milli = from->cpu_milli > what->cpu_milli
                             ? from->cpu_milli - what->cpu_milli
                             : 0;
        left.mem_mib =
            from->mem_mib > what->mem_mib ? from->mem_mib - what->mem_mib : 0;
        left.disk_mib = from->disk_mib > what->disk_mib
                            ? from->disk_mib - what->disk_mib
                            : 0;
        left.nic_kbit = from->nic_kbit > what->nic_kbit
                            ? from->nic_kbit - what->nic_kbit
                            : 0;
    }
    *from = left;
}

void sell_capacity(const struct sell *sell, struct sell_capacity *out)
{
    uint32_t used = 0;
    memset(out, 0, sizeof(*out));
    out->total = sell->config.total;
    out->free = sell->config.total;
    for (const struct sell_item *item = sell->first; item != NULL;
         item = item->next) {
        struct resources *sum =
            item->state == SELL_HELD ? &out->held : &out->running;
        if (!sell_item_reserves(item))
            continue;
        used++;
        CHECK(resources_add(sum, &item->resources, sum) == OK);
        take(&out->free, &item->resources);
    }
    sell_devices_free(sell, &out->devices);
    out->slots_free = sell->config.slots > used ? sell->config.slots - used : 0;
}
