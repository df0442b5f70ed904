#include "node/sell/offering.h"

#include "base/address.h"
#include "base/check.h"
#include "market/message.h"
#include "market/params.h"
#include "node/log.h"
#include "node/net/addr.h"
#include "node/sell/offering_inner.h"
#include "node/control/rpc_help.h"
#include "node/control/waiters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SET         "sell-offer"
#define KEY_VERSION     "sell-version"
#define VERSION_RESERVE 60000u /* a record is written for so many versions */
#define ISSUE_MS_MIN    1000u
#define WITHDRAW_TTL_MS 1000u
#define RECORD_ARENA    (64u * 1024)
#define DISK_STEPS      64u

/* ---- records ---- */

enum err offering_load(struct offering *offering, const char *key,
                       struct buf *out)
{
    enum err err = records_get(&offering->node->records, key, out);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err load_set(struct offering *offering, struct arena *arena,
                         struct buf *record)
{
    TRY(offering_load(offering, KEY_SET, record));
    if (record->len == 0)
        return OK;
    return offering_set_decode(buf_bytes(record), arena, &offering->set);
}

static enum err load_version(struct offering *offering, struct arena *arena,
                             struct buf *record)
{
    struct mp_reader reader;
    TRY(offering_load(offering, KEY_VERSION, record));
    if (record->len == 0)
        return OK;
    TRY(mp_open_message(&reader, buf_bytes(record), arena, 1, 1, 1));
    offering->version_cap = mp_get_uint(&reader);
    mp_leave(&reader);
    offering->version = offering->version_cap;
    return mp_close(&reader);
}

/* A record that cannot be read is what an earlier or later program wrote: the
 * configuration stands in for it, and people are told. */
static enum err load_one(struct offering *offering, const char *key,
                         enum err (*load)(struct offering *, struct arena *,
                                          struct buf *))
{
    struct arena arena;
    struct buf record;
    enum err err;
    arena_init(&arena, RECORD_ARENA);
    buf_init(&record, RECORD_BYTES_MAX);
    err = load(offering, &arena, &record);
    buf_done(&record);
    arena_done(&arena);
    if (err == OK || err_is_fault(err))
        return err;
    log_odd("sell", "record %s cannot be read and is left alone: %s", key,
            err_text(err));
    return OK;
}

static enum err save_version(struct offering *offering, uint64_t cap)
{
    struct buf record;
    enum err err;
    buf_init(&record, 64);
    mp_put_message(&record, 1, 1, 1);
    mp_put_uint(&record, cap);
    err =
        records_put(&offering->node->records, KEY_VERSION, buf_bytes(&record));
    buf_done(&record);
    if (err == OK)
        offering->version_cap = cap;
    return err;
}

/* Grows over restarts too, also when the clock was put back: what is on the
 * disk lies above all that was given out. */
static enum err next_version(struct offering *offering, uint64_t *out)
{
    uint64_t wall = node_wall_ms();
    uint64_t version = wall > offering->version ? wall : offering->version + 1;
    if (version >= offering->version_cap)
        TRY(save_version(offering, version + VERSION_RESERVE));
    offering->version = version;
    *out = version;
    return OK;
}

/* ---- the offer as it is set ---- */

static const char *disk_kind(const struct node *node)
{
    json_t *facts =
        node->executor != NULL ? executor_facts(node->executor) : NULL;
    const char *kind = json_string_value(
        json_object_get(json_object_get(facts, "isolation"), "disk"));
    return kind != NULL ? kind : "";
}

/* The configuration with what was set over it. */
static void effective(const struct offering *offering, struct offering_set *out)
{
    *out = offering->base;
    offering_set_merge(out, &offering->set);
    /* Disks that live in a job's memory are never larger than that. */
    if (strcmp(disk_kind(offering->node), "tmpfs") == 0 &&
        out->total.disk_mib > out->total.mem_mib)
        out->total.disk_mib = out->total.mem_mib;
}

/* The devices at the prices that are set; a price that was set for a group that
 * is not there any more was refused at the start (check_set). */
static void priced_devices(const struct offering *offering,
                           const struct offering_set *set, struct devices *out)
{
    char fault[ACCEL_FAULT_MAX];
    *out = offering->accel.devices;
    CHECK(accel_price(set->device_hour, out, fault) == OK);
}

const char *offering_device_hour(const struct node *node)
{
    const struct offering *offering = node->offering;
    CHECK(offering != NULL);
    return offering->set.mask & OFFERING_DEVICE_HOUR
               ? offering->set.device_hour
               : offering->base.device_hour;
}

enum line_rule offering_queue(const struct node *node)
{
    const struct offering *offering = node->offering;
    CHECK(offering != NULL);
    return offering->set.mask & OFFERING_QUEUE ? offering->set.queue
                                               : offering->base.queue;
}

uint32_t offering_nodes(const struct offering *offering, uint32_t devices,
                        const char *out[OFFERING_NODES_MAX])
{
    const struct accel *accel = &offering->accel;
    uint32_t count = 0;
    for (uint32_t left = devices; left != 0; left &= left - 1)
        out[count++] = accel->paths[__builtin_ctz(left)];
    for (uint32_t g = 0; g < accel->devices.group_count; g++) {
        if ((devices & devices_mask(&accel->devices, g)) == 0)
            continue;
        for (uint32_t i = 0; i < accel->shared_count[g]; i++)
            out[count++] = accel->shared[g][i];
    }
    CHECK(count <= OFFERING_NODES_MAX);
    return count;
}

void offering_device_paths(const struct offering *offering, uint32_t devices,
                           struct buf *out)
{
    for (uint32_t left = devices; left != 0; left &= left - 1)
        buf_addf(out, "%s%s", left == devices ? "" : ",",
                 offering->accel.paths[__builtin_ctz(left)]);
}

static void add_labels(const struct offering_set *set, enum arch arch,
                       struct label out[LIMIT_LABELS], uint32_t *out_count)
{
    memset(out, 0, LIMIT_LABELS * sizeof(*out));
    snprintf(out[0].key, sizeof(out[0].key), "arch");
    snprintf(out[0].value, sizeof(out[0].value), "%s", arch_text(arch));
    CHECK(set->label_count < LIMIT_LABELS);
    memcpy(&out[1], set->labels, set->label_count * sizeof(*out));
    *out_count = set->label_count + 1;
}

void offering_sell_config(struct node *node, struct sell_config *out)
{
    struct offering *offering = node->offering;
    struct market_params params;
    struct offering_set set;
    CHECK(offering != NULL);
    effective(offering, &set);
    if (market_params_of(&node->genesis.params, &params) != OK)
        market_params_default(&params);
    memset(out, 0, sizeof(*out));
    out->chain = node->genesis.chain;
    out->signer = &node->signer;
    out->total = set.total;
    out->slots = set.slots;
    out->time_ms_max = set.time_ms_max;
    out->arch = node->sensed.arch;
    out->price = set.price;
    out->grade = node->grade;
    out->payout = set.payout;
    out->offer_version = offering->version;
    out->bond_permille = (uint32_t)params.bond_permille;
    out->receipt_ms = offering->terms.receipt_ms;
    out->retention_ms = offering->terms.retention_ms;
    out->queue = set.queue;
    add_labels(&set, out->arch, out->labels, &out->label_count);
    priced_devices(offering, &set, &out->devices);
    memcpy(out->device_names, offering->accel.paths, sizeof(out->device_names));
    out->taint_count = set.taint_count;
    memcpy(out->taints, set.taints, sizeof(out->taints));
}

void offering_configure(struct offering *offering)
{
    struct node *node = offering->node;
    struct sell_config config;
    if (node->sell == NULL)
        return;
    offering_sell_config(node, &config);
    sell_configure(node->sell, &config);
}

/* ---- addresses ---- */

/* What others dial: the public host, or the one we listen on if it is one. */
static bool public_address(const struct node *node, const char *bound,
                           char out[LIMIT_NAME])
{
    const char *host = config_text(&node->config, CONFIG_node_public_host);
    char joined[CHANNEL_ADDR_MAX];
    struct addr_parts parts;
    if (addr_parse(bound, &parts) != OK)
        return false;
    if (host[0] != '\0')
        snprintf(parts.host, sizeof(parts.host), "%.100s", host);
    if (addr_host_is_any(parts.host))
        return false;
    addr_join(&parts, joined);
    if (strlen(joined) >= LIMIT_NAME)
        return false;
    memcpy(out, joined, strlen(joined) + 1);
    return true;
}

static bool addresses(const struct node *node, char out_link[LIMIT_NAME],
                      char out_bulk[LIMIT_NAME])
{
    return node->net != NULL && node->bulk != NULL &&
           public_address(node, net_listen_addr(node->net), out_link) &&
           public_address(node, bulk_listen_addr(node->bulk), out_bulk);
}

/* ---- on the market? ---- */

static bool can_run(const struct node *node)
{
    return node->executor != NULL && executor_is_up(node->executor) &&
           json_is_true(
               json_object_get(executor_facts(node->executor), "can_run"));
}

/* What the executor says is missing: the first thing that is required. */
static void executor_problem(const struct node *node, char *out, char *next)
{
    json_t *list = json_object_get(executor_facts(node->executor), "problems");
    const json_t *worst = json_array_get(list, 0);
    const char *why = NULL;
    const char *fix = NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *problem = json_array_get(list, i);
        if (!json_is_true(json_object_get(problem, "required")))
            continue;
        worst = problem;
        break;
    }
    why = json_string_value(json_object_get(worst, "why"));
    fix = json_string_value(json_object_get(worst, "fix"));
    snprintf(out, 400, "jobs cannot be isolated on this machine: %.300s",
             why != NULL ? why : "see the doctor");
    snprintf(next, 300, "%.280s", fix != NULL ? fix : "suan doctor");
}

/* Until there are figures, or it is known that there will be none. */
static bool measures_first(const struct offering *offering)
{
    return offering->node->grade.measured_at_ms == 0 &&
           offering->bench.err == OK;
}

void offering_why_not(struct node *node, char *out, char *next)
{
    struct offering *offering = node->offering;
    char spare[300];
    char address[LIMIT_NAME];
    char bulk[LIMIT_NAME];
    if (next == NULL)
        next = spare;
    out[0] = next[0] = '\0';
    if (offering == NULL || node->sell == NULL) {
        snprintf(out, 400, "this node is not a provider");
        snprintf(next, 300,
                 "node.roles = provider,buyer in suan.conf, then start the "
                 "node again");
    } else if (!node->sell_wanted) {
        snprintf(out, 400, "selling is off");
        snprintf(next, 300, "suan sell start");
    } else if (node->executor == NULL || !executor_is_up(node->executor)) {
        snprintf(out, 400, "the executor is not running: %.300s",
                 node->executor != NULL ? executor_why_down(node->executor)
                                        : "it was not started");
        snprintf(next, 300, "suan doctor");
    } else if (!can_run(node)) {
        executor_problem(node, out, next);
    } else if (!addresses(node, address, bulk)) {
        snprintf(out, 400, "others cannot tell where to reach this node");
        snprintf(next, 300,
                 "node.public_host = HOST in suan.conf (at most 50 "
                 "characters), then start the node again");
    } else if (node->disk.is_short) {
        snprintf(out, 400,
                 "disk short: %llu MiB are free, %llu MiB are the node's "
                 "reserve",
                 (unsigned long long)node->disk.free_mib,
                 (unsigned long long)node->disk.reserve_mib);
        snprintf(next, 300,
                 "make room on the disk of %.200s; selling then goes on by "
                 "itself",
                 node->dir.path);
    } else if (measures_first(offering)) {
        snprintf(out, 400, "this machine is being measured, a few seconds");
        snprintf(next, 300, "suan sell status");
    }
}

static void note(struct node *node, const char *text)
{
    struct feed_event event = {
        .at_ms = node_wall_ms(), .kind = FEED_SELL, .task = UINT32_MAX};
    snprintf(event.text, sizeof(event.text), "%.180s", text);
    feed_add(&node->feed, &event);
    log_info("sell", "%s", text);
}

/* The disk as buyers are told of it: what is really free moves all the time. */
static void say_disk(struct offering *offering)
{
    uint64_t room = sell_disk_room_mib(offering->node->sell);
    struct sell_capacity capacity;
    sell_capacity(offering->node->sell, &capacity);
    offering->disk_said_mib =
        sense_disk_said(offering->disk_said_mib, room,
                        capacity.total.disk_mib / DISK_STEPS + 1);
}

/* Opens or closes the engine as it should be now. */
static void refresh(struct offering *offering)
{
    struct node *node = offering->node;
    char why[400];
    char text[440];
    bool open;
    if (node->sell == NULL)
        return;
    offering_measure(offering);
    say_disk(offering);
    offering_why_not(node, why, NULL);
    open = why[0] == '\0';
    if (open == offering->open)
        return;
    offering->open = open;
    offering->withdraw = !open && offering->issued_ms != 0;
    offering->changed = true;
    offering_configure(offering); /* the executor may have said something new */
    sell_open(node->sell, open);
    snprintf(text, sizeof(text), "%s%s",
             open ? "the offer is on the market"
                  : "the offer is off the market: ",
             why);
    note(node, text);
    waiters_poke(node->waiters);
}

void offering_want(struct node *node, bool on)
{
    node->sell_wanted = on;
    if (node->offering != NULL)
        refresh(node->offering);
}

bool offering_wanted(const struct node *node)
{
    return node->sell_wanted;
}

bool offering_open(const struct node *node)
{
    return node->offering != NULL && node->offering->open;
}

/* ---- offers ---- */

/* out->devices are there, with all of them free. */
static void fill_free(const struct node *node, const struct resources *total,
                      struct offer *out)
{
    struct sell_capacity capacity;
    out->free = *total;
    if (node->sell == NULL)
        return;
    sell_capacity(node->sell, &capacity);
    out->slots_free = capacity.slots_free;
    out->free = capacity.free;
    memcpy(out->devices.free_milli, capacity.devices.free_milli,
           sizeof(out->devices.free_milli));
    if (out->free.disk_mib > node->offering->disk_said_mib)
        out->free.disk_mib = node->offering->disk_said_mib;
    sell_queue(node->sell, node_wall_ms(), &out->queue);
}

void offering_show(struct node *node, struct offer *out)
{
    struct offering *offering = node->offering;
    struct offering_set set;
    CHECK(offering != NULL);
    effective(offering, &set);
    memset(out, 0, sizeof(*out));
    out->provider = node->self;
    out->payout = set.payout;
    out->version = offering->version;
    out->issued_at_ms = node_wall_ms();
    out->ttl_ms = offering->terms.ttl_ms;
    (void)addresses(node, out->address, out->bulk_address);
    memcpy(out->name, set.name, sizeof(out->name));
    out->arch = node->sensed.arch;
    out->total = set.total;
    out->slots_free = set.slots;
    out->time_ms_max = set.time_ms_max;
    out->price = set.price;
    out->grade = node->grade;
    priced_devices(offering, &set, &out->devices);
    out->taint_count = set.taint_count;
    memcpy(out->taints, set.taints, sizeof(out->taints));
    fill_free(node, &set.total, out);
    add_labels(&set, out->arch, out->labels, &out->label_count);
}

enum err offering_make(struct node *node, struct offer *out)
{
    struct offering *offering = node->offering;
    struct offer offer;
    if (offering == NULL || (!offering->open && !offering->withdraw))
        return ERR_NOT_SELLING;
    offering_configure(offering);
    offering_show(node, &offer);
    if (offer.address[0] == '\0' || offer.bulk_address[0] == '\0')
        return ERR_CONFIG;
    if (!offering->open) {
        memset(&offer.free, 0, sizeof(offer.free));
        memset(offer.devices.free_milli, 0, sizeof(offer.devices.free_milli));
        offer.slots_free = 0;
        offer.queue.places = 0;
        offer.ttl_ms = WITHDRAW_TTL_MS;
    }
    TRY(next_version(offering, &offer.version));
    TRY(offer_sign(&offer, &node->genesis.chain, &node->signer));
    offering_configure(offering); /* quotes name the offer's version */
    offering->withdraw = offering->changed = false;
    offering->issued_ms = offering->due_ms;
    offering->issued_free = offer.free;
    memcpy(offering->issued_devices, offer.devices.free_milli,
           sizeof(offering->issued_devices));
    offering->issued_slots = offer.slots_free;
    *out = offer;
    return OK;
}

/* A hold came or a job ended, also when as much is free as before: buyers keep
 * account of what they asked for until they hear of a new version. */
static bool traded(struct offering *offering)
{
    const struct feed *feed = &offering->node->feed;
    const struct feed_event *event;
    uint64_t lost;
    while ((event = feed_after(feed, offering->feed_seen, &lost)) != NULL) {
        offering->feed_seen = event->seq;
        if (lost > 0 ||
            (event->kind == FEED_SELL && !hash_is_zero(&event->contract)))
            offering->changed = true;
    }
    return offering->changed;
}

static bool is_changed(struct offering *offering)
{
    struct resources total = {0};
    struct offer now = {.slots_free = 0};
    if (traded(offering))
        return true;
    if (offering->changed || offering->issued_ms == 0)
        return true;
    fill_free(offering->node, &total, &now);
    return now.slots_free != offering->issued_slots ||
           memcmp(now.devices.free_milli, offering->issued_devices,
                  sizeof(offering->issued_devices)) != 0 ||
           !resources_cover(&now.free, &offering->issued_free) ||
           !resources_cover(&offering->issued_free, &now.free);
}

bool offering_due(struct node *node, uint64_t now_ms)
{
    struct offering *offering = node->offering;
    uint64_t since;
    if (offering == NULL || node->sell == NULL)
        return false;
    if (now_ms > offering->due_ms)
        offering->due_ms = now_ms;
    refresh(offering);
    if (!offering->open)
        return offering->withdraw;
    since = offering->due_ms - offering->issued_ms;
    if (since >= offering->terms.ttl_ms / 3)
        return true;
    return since >= ISSUE_MS_MIN && is_changed(offering);
}

/* ---- changing it ---- */

/* Is there a price for every device? */
static enum err check_prices(const struct offering *offering,
                             const struct offering_set *set,
                             struct offering_fault *fault)
{
    struct devices devices = offering->accel.devices;
    char why[ACCEL_FAULT_MAX];
    enum err err = accel_price(set->device_hour, &devices, why);
    if (err == OK)
        return OK;
    snprintf(fault->what, sizeof(fault->what), "%.190s", why);
    snprintf(fault->next, sizeof(fault->next),
             "0.5, or gpu=0.5,fpga=0.2, or gpu:a100=0.9");
    return ERR_RANGE;
}

enum err offering_change(struct node *node, const struct offering_set *set,
                         struct offering_fault *fault)
{
    struct offering *offering = node->offering;
    struct offering_set merged;
    struct offering_set whole;
    struct buf record;
    enum err err;
    CHECK(offering != NULL && set->mask != 0);
    merged = offering->set;
    offering_set_merge(&merged, set);
    merged.mask |= set->mask;
    whole = offering->base;
    offering_set_merge(&whole, &merged);
    TRY(offering_set_check(&whole, &node->sensed, fault));
    TRY(check_prices(offering, &whole, fault));
    buf_init(&record, RECORD_BYTES_MAX);
    offering_set_encode(&merged, &record);
    err = record.err;
    if (err == OK)
        err = records_put(&node->records, KEY_SET, buf_bytes(&record));
    buf_done(&record);
    if (err != OK)
        return err;
    offering->set = merged;
    offering->changed = true;
    offering_configure(offering);
    return OK;
}

/* ---- life ---- */

/* What was set may not fit a machine that shrank since. */
static void check_set(struct offering *offering)
{
    struct offering_set whole = offering->base;
    struct offering_fault fault;
    offering_set_merge(&whole, &offering->set);
    if (offering_set_check(&whole, &offering->node->sensed, &fault) == OK &&
        check_prices(offering, &whole, &fault) == OK)
        return;
    log_odd("sell",
            "what was set does not fit any more: %s; the "
            "configuration counts. Try: suan sell offer set",
            fault.what);
    memset(&offering->set, 0, sizeof(offering->set));
}

enum err offering_new(struct node *node, struct offering **out)
{
    struct offering *offering = calloc(1, sizeof(*offering));
    enum err err;
    if (offering == NULL)
        return ERR_NOMEM;
    offering->node = node;
    err = offering_from_config(node, &offering->base, &offering->terms,
                               &offering->accel);
    if (err == OK)
        err = load_one(offering, KEY_SET, load_set);
    if (err == OK)
        check_set(offering);
    if (err == OK)
        err = load_one(offering, KEY_VERSION, load_version);
    if (err == OK)
        err = load_one(offering, KEY_GRADE, offering_load_grade);
    if (err != OK) {
        free(offering);
        return err;
    }
    node->sell_wanted = config_bool(&node->config, CONFIG_sell_enabled);
    *out = offering;
    return OK;
}

void offering_free(struct offering *offering)
{
    if (offering == NULL)
        return;
    bench_cancel(offering->running);
    free(offering);
}
