/* Who waits for room: the plan, and whose turn it is. */

#include "node/trade/sell_item.h"

#include "base/check.h"
#include "market/message.h"

#include <string.h>

_Static_assert(SELL_QUEUE_MAX <= LINE_JOBS_MAX, "a line can be planned");

#define SOON_MS 1000u /* what should have happened is looked for so often */

/* ---- what runs, as the plan sees it ---- */

static struct room_want want_of(const struct sell *sell,
                                const struct sell_item *item)
{
    return (struct room_want){
        .amounts = item->resources,
        .devices = item->wish.count,
        .milli = item->wish.milli,
        .among = sell_devices_like(sell, &item->wish, &item->quote.device),
    };
}

static uint64_t lasts_ms(uint64_t time_ms_max)
{
    return time_ms_max + SELL_TURN_MS;
}

/* It is ready to run by then; after a restart what is here is found again soon.
 */
static uint64_t ready_by_ms(const struct sell_item *item)
{
    if (item->staged_once)
        return 0;
    return item->stage_by_ms != 0 ? item->stage_by_ms : item->quote.start_by_ms;
}

/* When an item with its room gives it back at the latest: limits are kept, and
 * who is not ready in time is refused. What should be over is soon. */
static uint64_t gives_back_ms(const struct sell *sell,
                              const struct sell_item *item)
{
    uint64_t at_ms = 0;
    if (item->state <= SELL_STAGING && item->staged_once)
        at_ms = sell->now_ms + lasts_ms(item->time_ms_max);
    else if (item->state <= SELL_STAGING)
        at_ms = ready_by_ms(item) + lasts_ms(item->time_ms_max);
    else if (item->state <= SELL_PUBLISHING)
        at_ms = item->begun_ms + lasts_ms(item->time_ms_max);
    if (item->state == SELL_PUBLISHING && at_ms > item->since_ms + SELL_TURN_MS)
        at_ms = item->since_ms + SELL_TURN_MS; /* it ended early */
    return at_ms > sell->now_ms ? at_ms : sell->now_ms + SOON_MS;
}

static uint32_t reserving(const struct sell *sell)
{
    uint32_t count = 0;
    for (const struct sell_item *item = sell->first; item != NULL;
         item = item->next)
        count += sell_item_reserves(item) ? 1 : 0;
    return count;
}

/* The room with all in it that has its place. */
static enum err room_of(const struct sell *sell, struct room *out)
{
    uint32_t devices = devices_count(&sell->config.devices);
    enum err err = OK;
    TRY(room_init(out, &sell->config.total, sell->config.slots, devices,
                  sell->now_ms, reserving(sell) + SELL_QUEUE_MAX + 1));
    for (const struct sell_item *item = sell->first; item != NULL && err == OK;
         item = item->next) {
        struct room_want want = want_of(sell, item);
        if (sell_item_reserves(item))
            err = room_take_most(out, &want, sell_item_devices(sell, item),
                                 sell->now_ms, gives_back_ms(sell, item));
    }
    if (err != OK)
        room_done(out);
    return err;
}

/* ---- the line ---- */

uint32_t sell_line_length(const struct sell *sell)
{
    uint32_t count = 0;
    for (const struct sell_item *item = sell->first; item != NULL;
         item = item->next)
        count += item->queue_seq != 0 ? 1 : 0;
    return count;
}

uint32_t sell_line_ahead(const struct sell *sell, const struct sell_item *item)
{
    uint32_t count = 0;
    for (const struct sell_item *other = sell->first; other != NULL;
         other = other->next)
        count += other->queue_seq != 0 && other->queue_seq < item->queue_seq;
    return count;
}

static bool may_be_drawn(const struct sell_item *item)
{
    return item->state == SELL_STAGING && sell_is_staged(item);
}

static struct line_job job_of(const struct sell *sell,
                              const struct sell_item *item)
{
    return (struct line_job){
        .want = want_of(sell, item),
        .lasts_ms = lasts_ms(item->time_ms_max),
        .not_ready_ms = ready_by_ms(item),
        .drawn = may_be_drawn(item),
        .promised_ms = item->begin_by_ms,
        .planned_ms = item->planned_ms,
        .devices = item->planned_devices,
    };
}

struct line {
    struct room room;
    uint32_t count;
    struct sell_item *items[SELL_QUEUE_MAX]; /* in order of arrival */
    struct line_job jobs[SELL_QUEUE_MAX];
};

static void line_gather(const struct sell *sell, struct line *line)
{
    line->count = 0;
    for (struct sell_item *item = sell->first; item != NULL;
         item = item->next) {
        uint32_t at = line->count;
        if (item->queue_seq == 0)
            continue;
        CHECK(line->count < SELL_QUEUE_MAX);
        for (; at > 0 && line->items[at - 1]->queue_seq > item->queue_seq; at--)
            line->items[at] = line->items[at - 1];
        line->items[at] = item;
        line->count++;
    }
    for (uint32_t i = 0; i < line->count; i++)
        line->jobs[i] = job_of(sell, line->items[i]);
}

/* An owner who wants no queue any more keeps what was promised. */
static enum line_rule rule_of(const struct sell *sell)
{
    return sell->config.queue != LINE_OFF ? sell->config.queue
                                          : LINE_CONSERVATIVE;
}

/* Plans anew. The room is the caller's to free on OK. */
static enum err line_make(struct sell *sell, struct line *line)
{
    enum err err;
    TRY(room_of(sell, &line->room));
    line_gather(sell, line);
    err = line_plan(rule_of(sell), &line->room, line->jobs, line->count,
                    sell->now_ms);
    if (err != OK) {
        room_done(&line->room);
        return err;
    }
    for (uint32_t i = 0; i < line->count; i++) {
        struct sell_item *item = line->items[i];
        sell->line_moved =
            sell->line_moved || item->planned_ms != line->jobs[i].planned_ms;
        item->planned_ms = line->jobs[i].planned_ms;
        item->planned_devices = line->jobs[i].devices;
    }
    return OK;
}

static void save_plan(struct sell *sell)
{
    struct trade_effect *save = trade_effect_add(sell->out, EFFECT_SAVE);
    struct buf bytes;
    memcpy(save->key, SELL_PLAN_KEY, sizeof(SELL_PLAN_KEY));
    sell->line_moved = false;
    sell->line_saved = sell_line_length(sell) > 0;
    if (!sell->line_saved)
        return; /* an empty record is none */
    buf_init(&bytes, SELL_QUEUE_MAX * 64u + 64u);
    sell_plan_encode(sell, &bytes);
    save->bytes = trade_effects_keep(sell->out, buf_bytes(&bytes));
    if (bytes.err != OK && sell->out->err == OK)
        sell->out->err = bytes.err;
    buf_done(&bytes);
}

void sell_line_recall(struct sell *sell)
{
    for (uint32_t i = 0; i < sell->saved_count; i++) {
        struct sell_item *item = sell_find(sell, &sell->saved[i].contract);
        if (item != NULL && item->queue_seq != 0 &&
            sell->saved[i].planned_ms < item->planned_ms)
            item->planned_ms = sell->saved[i].planned_ms;
    }
    sell->saved_count = 0;
}

/* ---- coming ---- */

static uint32_t waiting_of(const struct sell *sell, const struct pubkey *agent)
{
    uint32_t count = 0;
    for (const struct sell_item *item = sell->first; item != NULL;
         item = item->next)
        count += item->queue_seq != 0 && pubkey_equal(&item->agent, agent);
    return count;
}

/* May one more wait? */
static enum err may_wait(const struct sell *sell, const struct request *request)
{
    if (sell->config.queue == LINE_OFF || request->patience_ms == 0 ||
        sell_line_length(sell) >= SELL_QUEUE_MAX)
        return ERR_CAPACITY;
    return waiting_of(sell, &request->agent) >= SELL_QUEUE_BUYER_MAX ? ERR_RATE
                                                                     : OK;
}

/* On the device that is free, if that can be now; else on any of the group that
 * is his when all are free. */
static enum err promise(const struct sell *sell, const struct room *room,
                        const struct request *request, bool is_free,
                        struct line_job *job, struct sell_place *out)
{
    const struct device_wish *wish = &request->devices;
    enum err err = ERR_CAPACITY;
    if (is_free && wish->count > 0) {
        job->want.among = sell_devices_like(sell, wish, &out->device);
        err = line_promise(room, job, sell->now_ms);
        if (err == OK && job->planned_ms > sell->now_ms)
            err = ERR_CAPACITY;
    }
    if (err != ERR_CAPACITY)
        return err;
    TRY(sell_devices_among(sell, wish, &job->want.among, &out->device));
    return line_promise(room, job, sell->now_ms);
}

/* Planning takes its time: not for what the whole machine has no room for, nor
 * for who has none now and must not wait. */
static enum err worth_a_plan(const struct sell *sell,
                             const struct request *request, bool is_free)
{
    struct quote_device device;
    uint32_t among;
    if (!is_free)
        TRY(may_wait(sell, request));
    if (!resources_cover(&sell->config.total, &request->resources))
        return ERR_CAPACITY;
    return sell_devices_among(sell, &request->devices, &among, &device);
}

enum err sell_line_place(struct sell *sell, const struct request *request,
                         bool is_free, struct sell_place *out)
{
    struct line_job job = {
        .want = {.amounts = request->resources,
                 .devices = request->devices.count,
                 .milli = request->devices.milli},
        .lasts_ms = lasts_ms(request->time_ms_max),
        .not_ready_ms = sell->now_ms + sell->config.start_by_ms,
    };
    struct line line;
    enum err err;
    TRY(worth_a_plan(sell, request, is_free));
    TRY(line_make(sell, &line));
    if (sell->line_moved)
        sell->line_changed = true; /* who begins now does at the step's end */
    err = promise(sell, &line.room, request, is_free, &job, out);
    room_done(&line.room);
    TRY(err);
    if (job.planned_ms - sell->now_ms > request->patience_ms)
        return ERR_CAPACITY;
    if (job.planned_ms > sell->now_ms)
        TRY(may_wait(sell, request));
    else if (request->resources.disk_mib > sell_disk_room_mib(sell))
        return ERR_DISK;
    out->at_ms = job.planned_ms;
    out->devices = job.devices;
    return OK;
}

static uint64_t last_seq(const struct sell *sell)
{
    uint64_t last = 0;
    for (const struct sell_item *item = sell->first; item != NULL;
         item = item->next)
        last = item->queue_seq > last ? item->queue_seq : last;
    return last;
}

/* The plan is on the disk before the promise leaves. */
void sell_line_join(struct sell *sell, struct sell_item *item,
                    const struct sell_place *place)
{
    item->queue_seq = last_seq(sell) + 1;
    item->begin_by_ms = item->planned_ms = place->at_ms;
    item->planned_devices = place->devices;
    sell->line_changed = true;
    save_plan(sell);
}

/* ---- going ---- */

/* False: others fill the disk; soon, perhaps. */
static bool begin(struct sell *sell, struct sell_item *item)
{
    if (item->resources.disk_mib > sell_disk_room_mib(sell))
        return false;
    item->queue_seq = 0;
    sell_item_assign(sell, item, item->planned_devices);
    sell_save(sell, item);
    sell_note(sell, item, "its turn has come");
    if (item->state == SELL_STAGING)
        sell_start_if_staged(sell, item);
    return true;
}

void sell_line_due(struct sell *sell)
{
    struct line line;
    if (sell_line_length(sell) == 0 && sell->line_saved)
        save_plan(sell);
    if (sell_line_length(sell) == 0 ||
        (!sell->line_changed && sell->now_ms < sell->line_ms))
        return;
    sell->line_ms = sell->now_ms + SOON_MS;
    if (line_make(sell, &line) != OK)
        return;
    room_done(&line.room);
    sell->line_changed = false;
    sell->line_ms = UINT64_MAX;
    for (uint32_t i = 0; i < line.count; i++) {
        uint64_t at_ms = line.jobs[i].planned_ms;
        if (at_ms == sell->now_ms) {
            sell->line_moved = true;
            at_ms = begin(sell, line.items[i]) ? UINT64_MAX
                                               : sell->now_ms + SOON_MS;
        }
        sell->line_ms = at_ms < sell->line_ms ? at_ms : sell->line_ms;
    }
    if (sell->line_moved)
        save_plan(sell);
}

/* ---- to look at ---- */

static uint64_t from_now(uint64_t at_ms, uint64_t now_ms)
{
    uint64_t ms = at_ms > now_ms ? at_ms - now_ms : 0;
    return ms < MESSAGE_TIME_MS_MAX ? ms : MESSAGE_TIME_MS_MAX;
}

/* When an item is gone: by the plan, if it waits. */
static uint64_t leaves_ms(const struct sell *sell, const struct sell_item *item)
{
    uint64_t begin_ms = item->planned_ms;
    if (item->queue_seq == 0)
        return gives_back_ms(sell, item);
    if (begin_ms == LINE_NEVER)
        return 0;
    if (begin_ms < ready_by_ms(item))
        begin_ms = ready_by_ms(item);
    return begin_ms + lasts_ms(item->time_ms_max);
}

void sell_queue(const struct sell *sell, uint64_t now_ms,
                struct offer_queue *out)
{
    uint64_t next_ms = UINT64_MAX;
    uint64_t clear_ms = now_ms;
    *out = (struct offer_queue){.length = sell_line_length(sell)};
    for (const struct sell_item *item = sell->first; item != NULL;
         item = item->next) {
        uint64_t at_ms = leaves_ms(sell, item);
        if (item->queue_seq == 0 && !sell_item_reserves(item))
            continue;
        if (item->queue_seq == 0 && at_ms < next_ms)
            next_ms = at_ms;
        if (at_ms > clear_ms)
            clear_ms = at_ms;
    }
    if (sell->config.queue != LINE_OFF && out->length < SELL_QUEUE_MAX)
        out->places = SELL_QUEUE_MAX - out->length;
    out->next_ms = next_ms == UINT64_MAX ? 0 : from_now(next_ms, now_ms);
    out->clear_ms = from_now(clear_ms, now_ms);
}
