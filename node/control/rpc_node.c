/* The node itself, its configuration and its feed: docs/control.md, "Node". */

#include "node/control/rpc_node.h"

#include "base/address.h"
#include "base/check.h"
#include "node/chain/chain_watch.h"
#include "node/peer/gossip.h"
#include "node/log.h"
#include "node/net/addr.h"
#include "node/sell/offering.h"
#include "node/control/rpc_help.h"
#include "node/control/waiters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LOG_LINES_PRESET 200u
#define LOG_LINES_MAX    1000u
#define STOP_MS          100u /* the reply leaves first */
#define SYNC_BLOCKS      2u   /* behind the best peer by no more than that */

/* ---- node.info, node.status ---- */

static json_t *roles_json(uint32_t roles)
{
    json_t *list = json_array();
    if (roles & NODE_ROLE_VALIDATOR)
        json_array_append_new(list, json_string("validator"));
    if (roles & NODE_ROLE_PROVIDER)
        json_array_append_new(list, json_string("provider"));
    if (roles & NODE_ROLE_BUYER)
        json_array_append_new(list, json_string("buyer"));
    return list;
}

static json_t *info_json(struct node *node)
{
    struct chain_tip tip = chain_tip(chain_host_chain(node->host));
    return json_pack(
        "{s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:s, s:i, s:o, s:o, s:o, s:s, "
        "s:s, s:o}",
        "version", SUAN_VERSION, "chain", json_hash(&node->genesis.chain),
        "network", node->genesis.network, "prefix", node->prefix, "node",
        json_address(node, &node->self), "name", json_text(node->name), "roles",
        roles_json(node->roles), "data_dir", node->dir.path, "pid",
        (int)getpid(), "started_at_ms", json_u64(node->started_ms),
        "chain_time_ms", json_u64(tip.header.time_ms), "height",
        json_u64(tip.height), "listen", net_listen_addr(node->net), "bulk",
        bulk_listen_addr(node->bulk), "open_fee_micro",
        json_amount(rpc_open_fee(node)));
}

/* Null where it is too long for an answer: it is a file, too. */
static json_t *genesis_json(const struct node *node)
{
    struct buf bytes;
    json_t *value = NULL;
    buf_init(&bytes, RPC_BYTES_MAX / 2);
    genesis_encode(&node->genesis, &bytes);
    if (bytes.err == OK)
        value = rpc_json_bytes(buf_bytes(&bytes));
    buf_done(&bytes);
    return value != NULL ? value : json_null();
}

void rpc_node_info(struct node *node, struct control_call *call)
{
    static const char *const names[] = {NULL};
    json_t *object;
    if (!param_only(call, names))
        return;
    object = info_json(node);
    json_object_set_new(object, "genesis", genesis_json(node));
    control_reply(call, object);
}

static json_t *executor_json(const struct node *node)
{
    struct executor *executor = node->executor;
    json_t *facts = NULL;
    json_t *problems;
    const char *name;
    if (executor == NULL || !executor_is_up(executor))
        return json_pack("{s:s, s:s, s:b, s:s, s:[]}", "name",
                         config_text(&node->config, CONFIG_exec_sandbox),
                         "state", "down", "can_run", 0, "why",
                         executor != NULL ? executor_why_down(executor) : "",
                         "problems");
    facts = executor_facts(executor);
    problems = json_object_get(facts, "problems");
    name = json_string_value(json_object_get(facts, "name"));
    return json_pack(
        "{s:s, s:s, s:b, s:o}", "name", name != NULL ? name : "", "state", "up",
        "can_run", json_is_true(json_object_get(facts, "can_run")), "problems",
        json_is_array(problems) ? json_incref(problems) : json_array());
}

/* Jobs that have not ended, by state. */
static json_t *jobs_json(const struct node *node)
{
    const struct buy_job *job = NULL;
    uint32_t counts[BUY_EXPIRED + 1] = {0};
    json_t *object = json_object();
    while (node->buy != NULL && (job = buy_job_next(node->buy, job)) != NULL) {
        if (job->ended_at_ms == 0 && !job->draft)
            counts[job->state]++;
    }
    for (unsigned i = BUY_WAITING; i <= BUY_EXPIRED; i++) {
        if (counts[i] > 0)
            json_object_set_new(object, buy_state_text((enum buy_state)i),
                                json_u64(counts[i]));
    }
    return object;
}

static json_t *warnings_json(const struct node *node)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < node->warning_count; i++) {
        const struct node_warning *warning = &node->warnings[i];
        json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "what",
                                              json_text(warning->what), "why",
                                              json_text(warning->why), "next",
                                              json_text(warning->next)));
    }
    return list;
}

/* A node alone with its chain is as far as anyone it knows. */
static bool is_synced(struct node *node)
{
    uint64_t height = chain_tip(chain_host_chain(node->host)).height;
    struct net_peer *peer = NULL;
    while ((peer = net_next(node->net, peer)) != NULL) {
        if (gossip_peer_height(node->gossip, peer) > height + SYNC_BLOCKS)
            return false;
    }
    return true;
}

static json_t *disk_json(const struct node *node)
{
    struct statvfs fs;
    if (statvfs(node->dir.path, &fs) != 0)
        return json_null();
    return json_u64((uint64_t)fs.f_bavail * fs.f_frsize / 1048576);
}

static void put_rooms(struct node *node, json_t *object)
{
    struct blob_stats blobs;
    uint32_t offers =
        node->buy != NULL ? book_offer_count(buy_book(node->buy)) : 0;
    blob_store_stats(node->blobs, &blobs);
    json_object_set_new(object, "peers", json_u64(net_peer_count(node->net)));
    json_object_set_new(object, "synced", json_boolean(is_synced(node)));
    json_object_set_new(object, "jobs", jobs_json(node));
    json_object_set_new(object, "offers", json_u64(offers));
    json_object_set_new(
        object, "pool",
        json_u64(pool_count(sx_pool(chain_host_core(node->host)))));
    json_object_set_new(object, "disk_free_mib", disk_json(node));
    json_object_set_new(object, "blobs_bytes", json_u64(blobs.used_bytes));
    json_object_set_new(object, "blobs_damaged", json_u64(blobs.damaged));
}

static json_t *loop_json(const struct loop_meter *meter)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o}", "worst_us", json_u64(meter->worst_us),
        "worst_cpu_us", json_u64(meter->worst_cpu_us), "worst_at_ms",
        json_u64(meter->worst_at_ms), "most_cpu_us",
        json_u64(meter->most_cpu_us), "stalls", json_u64(meter->stalls));
}

void rpc_node_status(struct node *node, struct control_call *call)
{
    static const char *const names[] = {NULL};
    json_t *object;
    if (!param_only(call, names))
        return;
    object = info_json(node);
    put_rooms(node, object);
    json_object_set_new(object, "loop", loop_json(&node->meter));
    json_object_set_new(object, "executor", executor_json(node));
    json_object_set_new(object, "selling", json_boolean(offering_open(node)));
    json_object_set_new(object, "votes", json_string(node_votes(node)));
    json_object_set_new(object, "warnings", warnings_json(node));
    control_reply(call, object);
}

/* ---- peers ---- */

static json_t *peer_json(struct node *node, struct net_peer *peer)
{
    const struct channel_identity *identity = net_peer_identity(peer);
    struct net_peer_info info;
    uint64_t now_us = uv_hrtime() / 1000;
    uint64_t age_ms;
    net_peer_info(peer, &info);
    age_ms = now_us > info.since_us ? (now_us - info.since_us) / 1000 : 0;
    return json_pack(
        "{s:o, s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "node",
        json_address(node, &identity->id), "address", info.address, "direction",
        info.outbound ? "out" : "in", "roles", roles_json(identity->roles),
        "height", json_u64(gossip_peer_height(node->gossip, peer)), "agent",
        identity->agent, "rtt_us", json_u64(info.rtt_us), "rtt_min_us",
        json_u64(info.rtt_min_us), "bytes_in", json_u64(info.bytes_in),
        "bytes_out", json_u64(info.bytes_out), "score", json_u64(info.score),
        "connected_at_ms", json_u64(node_wall_ms() - age_ms));
}

void rpc_node_peers(struct node *node, struct control_call *call)
{
    static const char *const names[] = {NULL};
    struct net_peer *peer = NULL;
    struct net_ban ban;
    json_t *peers;
    json_t *banned;
    if (!param_only(call, names))
        return;
    peers = json_array();
    banned = json_array();
    while ((peer = net_next(node->net, peer)) != NULL)
        json_array_append_new(peers, peer_json(node, peer));
    for (size_t i = 0; i < 256 && net_ban(node->net, i, &ban); i++)
        json_array_append_new(banned,
                              json_pack("{s:o, s:o, s:o}", "address",
                                        json_text(ban.who), "until_ms",
                                        json_u64(node_wall_ms() + ban.left_ms),
                                        "why", json_text(ban.why)));
    control_reply(call,
                  json_pack("{s:o, s:o}", "peers", peers, "banned", banned));
}

void rpc_node_connect(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"address", "node", NULL};
    const char *address = NULL;
    struct addr_parts parts;
    struct pubkey id;
    bool named = json_object_get(call->params, "node") != NULL;
    enum err err;
    if (!param_only(call, names) || !param_text(call, "address", &address) ||
        (named && !param_address(node, call, "node", &id)))
        return;
    if (addr_parse(address, &parts) != OK || parts.port == 0) {
        control_refuse(call, ERR_PARSE, "suan node peers --connect HOST:PORT",
                       "\"%.100s\" is not host:port", address);
        return;
    }
    err = net_dial(node->net, address, named ? &id : NULL);
    if (err != OK)
        control_refuse(call, err, "suan node peers",
                       "%.100s cannot be added to those we dial", address);
    else
        control_reply(call, json_object());
}

/* ---- node.logs ---- */

struct log_lines {
    struct log_line *list; /* LOG_RING_SIZE */
    size_t count;
    size_t first; /* of those to show */
};

/* From the start: the last lines; else those that follow. */
static void read_lines(uint64_t since, uint64_t wanted, struct log_lines *out)
{
    out->count = log_read(since, out->list, LOG_RING_SIZE);
    out->first = 0;
    if (since == 0 && out->count > wanted)
        out->first = out->count - (size_t)wanted;
    else if (out->count > wanted)
        out->count = (size_t)wanted;
}

static json_t *lines_json(const struct log_lines *lines)
{
    json_t *list = json_array();
    for (size_t i = lines->first; i < lines->count; i++) {
        const struct log_line *line = &lines->list[i];
        json_array_append_new(list, json_pack("{s:o, s:o, s:s, s:o}", "seq",
                                              json_u64(line->seq), "at_ms",
                                              json_u64(line->at_ms), "level",
                                              log_level_text(line->level),
                                              "text", json_text(line->text)));
    }
    return list;
}

/* Nobody wakes the loop for a line of the log: the node's second does. */
static bool answer_logs(struct node *node, struct control_call *call, bool last)
{
    uint64_t since = 0;
    uint64_t wanted = LOG_LINES_PRESET;
    struct log_lines lines;
    struct log_line one;
    uint64_t next;
    (void)node;
    if (!param_uint_if(call, "since", INT64_MAX, &since) ||
        !param_uint_if(call, "lines", LOG_LINES_MAX, &wanted))
        return true;
    if (!last && log_read(since, &one, 1) == 0)
        return false;
    lines.list = calloc(LOG_RING_SIZE, sizeof(*lines.list));
    if (lines.list == NULL) {
        control_refuse(call, ERR_NOMEM, NULL, "the log cannot be read now");
        return true;
    }
    read_lines(since, wanted, &lines);
    next = lines.count > 0 ? lines.list[lines.count - 1].seq : since;
    control_reply(call, json_pack("{s:o, s:o}", "lines", lines_json(&lines),
                                  "next", json_u64(next)));
    free(lines.list);
    return true;
}

void rpc_node_logs(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"since", "wait_ms", "lines", NULL};
    if (param_only(call, names))
        waiters_add(node->waiters, call, answer_logs, param_wait(call));
}

/* ---- node.stop ---- */

static void free_timer(uv_handle_t *handle)
{
    free(handle);
}

static void on_stop_timer(uv_timer_t *timer)
{
    struct node *node = timer->data;
    uv_close((uv_handle_t *)timer, free_timer);
    node_stop(node, 0);
}

void rpc_node_stop(struct node *node, struct control_call *call)
{
    static const char *const names[] = {NULL};
    uv_timer_t *timer;
    if (!param_only(call, names))
        return;
    log_info("node", "asked to stop");
    control_reply(call, json_object());
    timer = calloc(1, sizeof(*timer));
    if (timer == NULL) {
        node_stop(node, 0);
        return;
    }
    CHECK(uv_timer_init(node->loop, timer) == 0);
    timer->data = node;
    CHECK(uv_timer_start(timer, on_stop_timer, STOP_MS, 0) == 0);
}

/* ---- config.list ---- */

void rpc_config_list(struct node *node, struct control_call *call)
{
    static const char *const names[] = {NULL};
    json_t *list;
    if (!param_only(call, names))
        return;
    list = json_array();
    for (unsigned i = 0; i < CONFIG_KEY_COUNT; i++) {
        enum config_key key = (enum config_key)i;
        json_array_append_new(
            list,
            json_pack("{s:s, s:o, s:s, s:o, s:s}", "name", config_name(key),
                      "value", json_text(config_text(&node->config, key)),
                      "default", config_default(key), "source",
                      json_text(node->config.values[key].source), "help",
                      config_help(key)));
    }
    control_reply(call, json_pack("{s:o}", "values", list));
}

/* ---- the feed ---- */

/* The kind's own number in words, where it has some. */
static json_t *data_json(const struct feed_event *event)
{
    json_t *data = json_object();
    switch (event->kind) {
    case FEED_JOB:
        if (event->code >= BUY_WAITING && event->code <= BUY_EXPIRED)
            json_object_set_new(
                data, "state",
                json_string(buy_state_text((enum buy_state)event->code)));
        break;
    case FEED_SELL:
        if (event->code >= SELL_HELD && event->code <= SELL_CLOSING)
            json_object_set_new(
                data, "state",
                json_string(sell_state_text((enum sell_state)event->code)));
        break;
    case FEED_TRADE:
        if (event->code >= CONTRACT_ESCROWED && event->code <= CONTRACT_SETTLED)
            json_object_set_new(data, "state",
                                json_string(contract_state_text(
                                    (enum contract_state)event->code)));
        break;
    case FEED_BLOCK:
        json_object_set_new(data, "height", json_u64(event->code));
        break;
    case FEED_NODE:
    case FEED_OFFER:
        break;
    }
    return data;
}

static json_t *event_json(const struct feed_event *event)
{
    json_t *object = json_pack(
        "{s:o, s:o, s:s, s:o, s:o}", "seq", json_u64(event->seq), "at_ms",
        json_u64(event->at_ms), "kind", feed_kind_text(event->kind), "text",
        json_text(event->text), "data", data_json(event));
    if (!hash_is_zero(&event->job))
        json_object_set_new(object, "job", json_hash(&event->job));
    if (!hash_is_zero(&event->contract))
        json_object_set_new(object, "contract", json_hash(&event->contract));
    if (event->task != UINT32_MAX)
        json_object_set_new(object, "task", json_u64(event->task));
    return object;
}

static bool is_shown(const struct feed_filter *filter,
                     const struct feed_event *event)
{
    if (filter->kinds != 0 && (filter->kinds >> event->kind & 1) == 0)
        return false;
    return hash_is_zero(&filter->job) || hash_equal(&filter->job, &event->job);
}

json_t *feed_json(const struct feed *feed, const struct feed_filter *filter,
                  uint64_t since, size_t *out_count)
{
    const struct feed_event *event;
    json_t *list = json_array();
    uint64_t lost = 0;
    uint64_t gap = 0;
    if (since >= feed->next) { /* of a node that has started again since */
        since = 0;
        lost = 1;
    }
    while (json_array_size(list) < FEED_ANSWER_MAX &&
           (event = feed_after(feed, since, &gap)) != NULL) {
        lost += gap;
        since = event->seq;
        if (is_shown(filter, event))
            json_array_append_new(list, event_json(event));
    }
    if (out_count != NULL)
        *out_count = json_array_size(list);
    return json_pack("{s:o, s:o, s:o}", "events", list, "next", json_u64(since),
                     "lost", json_u64(lost));
}

static bool kinds_param(struct control_call *call, uint32_t preset,
                        uint32_t *out)
{
    json_t *list = json_object_get(call->params, "kinds");
    uint32_t kinds = 0;
    *out = preset;
    if (list == NULL || json_is_null(list))
        return true;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        enum feed_kind kind = feed_kind_parse(text != NULL ? text : "");
        if (kind == 0) {
            control_refuse(call, ERR_PARSE,
                           "node, block, offer, trade, job or sell",
                           "there is no kind of event \"%.40s\"",
                           text != NULL ? text : "");
            return false;
        }
        kinds |= 1u << kind;
    }
    if (json_is_array(list) && kinds != 0)
        *out = kinds;
    return true;
}

static bool poll_feed(struct node *node, struct control_call *call, bool last,
                      uint32_t preset)
{
    struct feed_filter filter = {.kinds = 0};
    uint64_t since = 0;
    size_t count = 0;
    json_t *answer;
    if (!kinds_param(call, preset, &filter.kinds) ||
        !param_uint_if(call, "since", INT64_MAX, &since) ||
        (json_object_get(call->params, "job") != NULL &&
         !param_hash(call, "job", &filter.job)))
        return true;
    answer = feed_json(&node->feed, &filter, since, &count);
    if (count == 0 && !last &&
        json_integer_value(json_object_get(answer, "lost")) == 0) {
        json_decref(answer);
        return false;
    }
    control_reply(call, answer);
    return true;
}

static bool answer_poll(struct node *node, struct control_call *call, bool last)
{
    return poll_feed(node, call, last, 0);
}

static bool answer_watch(struct node *node, struct control_call *call,
                         bool last)
{
    return poll_feed(node, call, last, 1u << FEED_OFFER | 1u << FEED_TRADE);
}

static const char *const poll_names[] = {"since", "wait_ms", "kinds", "job",
                                         NULL};

void rpc_events_poll(struct node *node, struct control_call *call)
{
    if (param_only(call, poll_names))
        waiters_add(node->waiters, call, answer_poll, param_wait(call));
}

void rpc_market_watch(struct node *node, struct control_call *call)
{
    if (param_only(call, poll_names))
        waiters_add(node->waiters, call, answer_watch, param_wait(call));
}
