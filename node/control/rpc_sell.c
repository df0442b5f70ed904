/* The seller's methods: docs/control.md, "Market and selling". */

#include "node/control/rpc_sell.h"

#include "base/check.h"
#include "market/message.h"
#include "market/params.h"
#include "node/peer/link_agent.h"
#include "node/sell/offering.h"
#include "node/control/rpc_call.h"
#include "node/control/rpc_grade.h"
#include "node/control/rpc_help.h"
#include "node/control/rpc_market.h"
#include "node/shell/trade_shell.h"
#include "node/control/waiters.h"

#include <stdio.h>
#include <string.h>

#define SETTLED_SHOWN 100u
#define BENCH_NEWS_MS 2000u

/* ---- on and off ---- */

static bool is_provider(struct node *node, struct control_call *call)
{
    if (node->sell != NULL && node->offering != NULL)
        return true;
    call_refuse(call, ERR_CONFIG, "node.roles lacks \"provider\"",
                "node.roles = provider,buyer in suan.conf, then start the "
                "node again",
                "this node is not a provider");
    return false;
}

/* Why it is not on the market although it is wanted there, as an error. */
static enum err off_market(struct node *node)
{
    if (node->executor == NULL || !executor_is_up(node->executor))
        return ERR_EXECUTOR;
    if (!json_is_true(
            json_object_get(executor_facts(node->executor), "can_run")))
        return ERR_SANDBOX;
    return ERR_CONFIG;
}

void rpc_sell_start(struct node *node, struct control_call *call)
{
    static const char *const names[] = {NULL};
    bool before = offering_wanted(node);
    struct offering_bench_result bench;
    char why[400];
    char next[300];
    bool open;
    if (!param_only(call, names) || !is_provider(node, call))
        return;
    offering_want(node, true);
    offering_why_not(node, why, next);
    offering_bench_get(node, &bench);
    open = why[0] == '\0';
    /* Measuring and a short disk pass by themselves, the rest does not. */
    if (!open && !bench.running && !node->disk.is_short) {
        offering_want(node, before);
        call_refuse(call, off_market(node), why, next, "selling cannot start");
        return;
    }
    control_reply(call, json_pack("{s:b, s:o}", "selling", (int)open, "why_not",
                                  open ? json_null() : json_text(why)));
}

void rpc_sell_stop(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"drain", NULL};
    bool drain = true;
    if (!param_only(call, names) || !param_bool_if(call, "drain", &drain) ||
        !is_provider(node, call))
        return;
    offering_want(node, false);
    if (!drain) {
        sell_abandon(node->sell, shell_now_ms(node->shell),
                     shell_sell_effects(node->shell));
        shell_carry_out_sell(node->shell);
    }
    shell_reply(node->shell, call, json_object());
}

/* ---- sell.status ---- */

/* What it was assigned: "/dev/nvidia0", and how much of each. */
static json_t *view_devices(const struct sell_view *view)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < view->wish.count; i++)
        json_array_append_new(
            list, json_pack("{s:o, s:o}", "path", json_text(view->devices[i]),
                            "milli", json_u64(view->wish.milli)));
    return list;
}

static json_t *queued_json(const struct sell_view *view)
{
    bool never = view->planned_ms == LINE_NEVER;
    if (!view->queued)
        return json_null();
    return json_pack("{s:o, s:o, s:o}", "ahead", json_u64(view->ahead),
                     "planned_at_ms", json_u64(never ? 0 : view->planned_ms),
                     "begin_by_at_ms", json_u64(view->begin_by_ms));
}

static json_t *view_json(struct node *node, const struct sell_view *view)
{
    return json_pack(
        "{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, "
        "s:o, s:o, s:o, s:o, s:o, s:o}",
        "id", json_hash(&view->contract), "state", sell_state_text(view->state),
        "buyer", json_address(node, &view->buyer), "request",
        json_hash(&view->request), "task", json_u64(view->task), "cpu_milli",
        json_u64(view->resources.cpu_milli), "mem_mib",
        json_u64(view->resources.mem_mib), "disk_mib",
        json_u64(view->resources.disk_mib), "due_micro", json_amount(view->due),
        "cap_micro", json_amount(view->cap), "phase",
        view->reason != END_NONE ? end_reason_text(view->reason)
        : view->queued           ? "queued"
                                 : sell_state_text(view->state),
        "wall_ms", json_u64(view->wall_ms), "cpu_ms", json_u64(view->cpu_ms),
        "staged_bytes", json_u64(view->staged), "staged_total",
        json_u64(view->staged_total), "since_at_ms", json_u64(view->since_ms),
        "devices", view_devices(view), "start_by_ms",
        json_u64(view->start_by_ms), "queued", queued_json(view));
}

/* In order of arrival; the engine keeps them in none. */
static void queue_insert(json_t *queue, json_t *view, uint32_t ahead)
{
    size_t at = 0;
    while (at < json_array_size(queue) &&
           json_integer_value(json_object_get(
               json_object_get(json_array_get(queue, at), "queued"), "ahead")) <
               (json_int_t)ahead)
        at++;
    json_array_insert_new(queue, at, view);
}

static void put_contracts(struct node *node, json_t *out)
{
    json_t *holds = json_array();
    json_t *contracts = json_array();
    json_t *queue = json_array();
    struct sell_view view;
    uint32_t settled = 0;
    for (size_t i = 0; sell_view(node->sell, i, &view); i++) {
        if (view.queued)
            queue_insert(queue, view_json(node, &view), view.ahead);
        if (view.state == SELL_HELD)
            json_array_append_new(holds, view_json(node, &view));
        else if (view.state != SELL_SETTLED || settled++ < SETTLED_SHOWN)
            json_array_append_new(contracts, view_json(node, &view));
    }
    json_object_set_new(out, "holds", holds);
    json_object_set_new(out, "contracts", contracts);
    json_object_set_new(out, "queue", queue);
    json_object_set_new(out, "queue_rule",
                        json_string(line_rule_text(offering_queue(node))));
    json_object_set_new(out, "settled", json_u64(settled));
}

static json_t *capacity_json(struct node *node)
{
    struct sell_capacity capacity;
    sell_capacity(node->sell, &capacity);
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "total",
                     json_resources(&capacity.total), "held",
                     json_resources(&capacity.held), "running",
                     json_resources(&capacity.running), "free",
                     json_resources(&capacity.free), "slots_free",
                     json_u64(capacity.slots_free));
}

struct earned {
    const struct pubkey *self;
    struct amount sum;
    struct arena arena;
};

static enum err add_earned(void *ctx, struct bytes key, struct bytes value)
{
    struct earned *earned = ctx;
    struct contract contract;
    (void)key;
    arena_reset(&earned->arena);
    TRY(contract_decode(value, &earned->arena, &contract));
    if (contract.state != CONTRACT_SETTLED ||
        !pubkey_equal(&contract.provider, earned->self))
        return OK;
    return amount_add(earned->sum, contract.paid, &earned->sum);
}

static enum err add_devices(const struct devices *devices, struct amount *hour)
{
    for (uint32_t i = 0; i < devices->group_count; i++) {
        const struct device_group *group = &devices->groups[i];
        struct amount all;
        TRY(amount_mul(group->hour, group->count, &all));
        TRY(amount_add(*hour, all, hour));
    }
    return OK;
}

/* Selling everything at once for the longest time takes this much of a bond. */
static struct amount bond_needed(const struct node *node,
                                 const struct offer *offer)
{
    struct market_params params;
    struct amount hour;
    struct amount cap;
    if (market_params_of(&node->genesis.params, &params) != OK)
        market_params_default(&params);
    if (price_per_hour(&offer->price, &offer->total, &hour) != OK ||
        add_devices(&offer->devices, &hour) != OK ||
        price_for_time(hour, offer->time_ms_max, &cap) != OK)
        return amount_micro(UINT64_MAX);
    return market_bond_min(&params, cap);
}

static void put_money(struct node *node, const struct offer *offer, json_t *out)
{
    struct state *state = chain_state(chain_host_chain(node->host));
    struct earned earned = {.self = &node->self};
    struct account account;
    struct amount balance = {0};
    arena_init(&earned.arena, 1024u * 1024);
    if (state_each(state, STATE_CONTRACT, add_earned, &earned) == OK)
        json_object_set_new(out, "earned_micro", json_amount(earned.sum));
    arena_done(&earned.arena);
    if (account_get(state, &node->self, &account) == OK)
        balance = account.balance;
    json_object_set_new(out, "balance_micro", json_amount(balance));
    json_object_set_new(out, "bond_needed_micro",
                        json_amount(bond_needed(node, offer)));
}

void rpc_sell_status(struct node *node, struct control_call *call)
{
    static const char *const names[] = {NULL};
    struct offer offer;
    char why[400];
    char next[300];
    json_t *object;
    if (!param_only(call, names) || !is_provider(node, call))
        return;
    offering_why_not(node, why, next);
    offering_show(node, &offer);
    object =
        json_pack("{s:b, s:b, s:o, s:o}", "selling", (int)offering_open(node),
                  "wanted", (int)offering_wanted(node), "offer",
                  offer_json(node, &offer), "capacity", capacity_json(node));
    if (why[0] != '\0') {
        json_object_set_new(object, "why_not", json_text(why));
        json_object_set_new(object, "next", json_text(next));
    }
    put_contracts(node, object);
    put_money(node, &offer, object);
    control_reply(call, object);
}

/* ---- sell.offer ---- */

/* A number that, when given, sets its field. */
static bool number_param(struct control_call *call, const char *name,
                         uint32_t bit, uint64_t max, struct offering_set *set,
                         uint64_t *out)
{
    if (json_object_get(call->params, name) != NULL)
        set->mask |= bit;
    return param_uint_if(call, name, max, out);
}

static bool number_params(struct control_call *call, struct offering_set *set)
{
    uint64_t milli = 0;
    uint64_t slots = 0;
    uint64_t prices[3] = {0};
    if (!number_param(call, "cpu_milli", OFFERING_CPU, UINT32_MAX, set,
                      &milli) ||
        !number_param(call, "mem_mib", OFFERING_MEM, UINT32_MAX, set,
                      &set->total.mem_mib) ||
        !number_param(call, "disk_mib", OFFERING_DISK, UINT32_MAX, set,
                      &set->total.disk_mib) ||
        !number_param(call, "slots", OFFERING_SLOTS, UINT32_MAX, set, &slots) ||
        !number_param(call, "time_ms_max", OFFERING_TIME, MESSAGE_TIME_MS_MAX,
                      set, &set->time_ms_max) ||
        !number_param(call, "cpu_hour_micro", OFFERING_CPU_HOUR, INT64_MAX, set,
                      &prices[0]) ||
        !number_param(call, "mem_hour_micro", OFFERING_MEM_HOUR, INT64_MAX, set,
                      &prices[1]) ||
        !number_param(call, "disk_hour_micro", OFFERING_DISK_HOUR, INT64_MAX,
                      set, &prices[2]))
        return false;
    set->total.cpu_milli = (uint32_t)milli;
    set->slots = (uint32_t)slots;
    set->price.cpu_hour = amount_micro(prices[0]);
    set->price.mem_hour = amount_micro(prices[1]);
    set->price.disk_hour = amount_micro(prices[2]);
    return true;
}

static bool text_params(struct node *node, struct control_call *call,
                        struct offering_set *set)
{
    const char *name = NULL;
    const char *payout = NULL;
    if (!param_text_if(call, "name", &name) ||
        !param_text_if(call, "payout", &payout))
        return false;
    if (name != NULL && strlen(name) >= LIMIT_NAME) {
        control_refuse(call, ERR_PARSE, "a shorter name",
                       "the name has more than %u bytes", LIMIT_NAME - 1);
        return false;
    }
    if (name != NULL) {
        set->mask |= OFFERING_NAME;
        snprintf(set->name, sizeof(set->name), "%s", name);
    }
    if (payout == NULL)
        return true;
    set->mask |= OFFERING_PAYOUT;
    return payout[0] == '\0' || /* back to the node's own account */
           param_address(node, call, "payout", &set->payout);
}

static bool labels_param(struct control_call *call, struct offering_set *set)
{
    json_t *labels = json_object_get(call->params, "labels");
    const char *key;
    json_t *value;
    if (labels == NULL)
        return true;
    set->mask |= OFFERING_LABELS;
    json_object_foreach(labels, key, value)
    {
        struct label *label = &set->labels[set->label_count];
        const char *text = json_string_value(value);
        if (text == NULL || strlen(key) >= LIMIT_NAME ||
            strlen(text) >= LIMIT_NAME || set->label_count == LIMIT_LABELS)
            break;
        snprintf(label->key, sizeof(label->key), "%s", key);
        snprintf(label->value, sizeof(label->value), "%s", text);
        set->label_count++;
    }
    if (json_is_object(labels) && set->label_count == json_object_size(labels))
        return true;
    control_refuse(call, ERR_PARSE, "--label zone=eu",
                   "parameter \"labels\" must be at most %u texts of at most "
                   "%u bytes by their names",
                   LIMIT_LABELS, LIMIT_NAME - 1);
    return false;
}

/* "taints": texts; [""] takes all away. */
static bool taints_param(struct control_call *call, struct offering_set *set)
{
    json_t *list = json_object_get(call->params, "taints");
    if (list == NULL)
        return true;
    set->mask |= OFFERING_TAINTS;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text != NULL && text[0] == '\0')
            continue;
        if (text == NULL || set->taint_count == LIMIT_TAINTS ||
            taint_parse(text, &set->taints[set->taint_count]) != OK) {
            control_refuse(call, ERR_PARSE, "--taint gpu=only",
                           "\"%.60s\" is no taint, or there are more than %u",
                           text != NULL ? text : "", LIMIT_TAINTS);
            return false;
        }
        set->taint_count++;
    }
    return true;
}

static bool queue_param(struct control_call *call, struct offering_set *set)
{
    const char *text = NULL;
    if (!param_text_if(call, "queue", &text))
        return false;
    if (text == NULL)
        return true;
    if (line_rule_parse(text, &set->queue) != OK) {
        control_refuse(call, ERR_PARSE, "easy, conservative or off",
                       "\"%.40s\" is no rule for a queue", text);
        return false;
    }
    set->mask |= OFFERING_QUEUE;
    return true;
}

static bool gear_params(struct control_call *call, struct offering_set *set)
{
    const char *hour = NULL;
    if (!queue_param(call, set) ||
        !number_param(call, "nic_kbit", OFFERING_NIC, UINT64_C(1000000000000),
                      set, &set->total.nic_kbit) ||
        !param_text_if(call, "device_hour", &hour) || !taints_param(call, set))
        return false;
    if (hour == NULL)
        return true;
    if (strlen(hour) >= sizeof(set->device_hour)) {
        control_refuse(call, ERR_PARSE, "0.5", "device_hour is too long");
        return false;
    }
    set->mask |= OFFERING_DEVICE_HOUR;
    snprintf(set->device_hour, sizeof(set->device_hour), "%s", hour);
    return true;
}

static void put_found(json_t *object)
{
    struct buf found;
    buf_init(&found, 4096);
    accel_sense("/dev", &found);
    if (found.len > 0)
        json_object_set_new(object, "found", json_text(buf_cstr(&found)));
    buf_done(&found);
}

static void reply_offer(struct node *node, struct control_call *call)
{
    struct offer offer;
    json_t *object;
    const char *hour;
    offering_show(node, &offer);
    object = offer_json(node, &offer);
    hour = offering_device_hour(node);
    if (offer.devices.group_count > 0)
        json_object_set_new(object, "device_hour", json_text(hour));
    put_found(object);
    control_reply(call, object);
}

void rpc_sell_offer_set(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"name",
                                        "cpu_milli",
                                        "mem_mib",
                                        "disk_mib",
                                        "slots",
                                        "time_ms_max",
                                        "cpu_hour_micro",
                                        "mem_hour_micro",
                                        "disk_hour_micro",
                                        "labels",
                                        "payout",
                                        "nic_kbit",
                                        "device_hour",
                                        "taints",
                                        "queue",
                                        NULL};
    struct offering_set set;
    struct offering_fault fault;
    enum err err;
    memset(&set, 0, sizeof(set));
    if (!param_only(call, names) || !is_provider(node, call) ||
        !number_params(call, &set) || !text_params(node, call, &set) ||
        !labels_param(call, &set) || !gear_params(call, &set))
        return;
    if (set.mask == 0) {
        control_refuse(call, ERR_PARSE, "suan sell offer set --cpu-hour 0.04",
                       "nothing to set was named");
        return;
    }
    memset(&fault, 0, sizeof(fault));
    err = offering_change(node, &set, &fault);
    if (err == OK)
        reply_offer(node, call);
    else if (fault.what[0] != '\0')
        control_refuse(call, err, fault.next, "%s", fault.what);
    else
        control_refuse(call, err, "suan node status",
                       "the offer cannot be kept");
}

void rpc_sell_offer_show(struct node *node, struct control_call *call)
{
    static const char *const names[] = {NULL};
    if (param_only(call, names) && is_provider(node, call))
        reply_offer(node, call);
}

/* ---- sell.bench ---- */

static void reply_grade(struct node *node, struct control_call *call)
{
    uint64_t now_ms = shell_now_ms(node->shell);
    struct offering_bench_result bench;
    struct goodput goodput;
    json_t *figures;
    offering_bench_get(node, &bench);
    link_agent_goodput(node->links, &node->self, &goodput);
    figures = json_figures(bench.last);
    json_array_append_new(figures, json_net_figure(&goodput));
    control_reply(call,
                  json_pack("{s:o, s:{s:o}, s:o, s:o, s:f}", "grade",
                            json_grade(&node->tiers, &node->grade),
                            "spread_permille", "largest",
                            json_u64(node->grade_spread_permille), "figures",
                            figures, "network",
                            json_goodput(&goodput, node->grade.net_bps, now_ms),
                            "seconds", (double)bench.last->took_ms / 1000.0));
}

/* How far it is, for who follows it. */
static void reply_progress(const struct offering_bench_result *bench,
                           struct control_call *call)
{
    const struct bench_progress *at = &bench->progress;
    control_reply(call,
                  json_pack("{s:b, s:s, s:o, s:o}", "running", 1, "kernel",
                            meter_row(at->kernel)->name, "step",
                            json_u64(at->step), "steps", json_u64(at->steps)));
}

static bool answer_bench(struct node *node, struct control_call *call,
                         bool last)
{
    struct offering_bench_result bench;
    offering_bench_get(node, &bench);
    if (bench.running && !last)
        return false;
    if (bench.running)
        reply_progress(&bench, call);
    else if (bench.err != OK)
        call_refuse(call, bench.err, bench.last->why,
                    "meter.program in suan.conf names the measuring program; "
                    "suan node logs",
                    "this machine could not be measured");
    else
        reply_grade(node, call);
    return true;
}

/* One that runs already will do. */
static void begin_bench(struct node *node, struct control_call *call,
                        bool quick)
{
    enum err err = offering_bench(node, quick);
    if (err == OK || err == ERR_BUSY)
        waiters_add(node->waiters, call, answer_bench, BENCH_NEWS_MS);
    else
        control_refuse(call, err, "suan node status",
                       "the measurement cannot begin");
}

void rpc_sell_bench(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"run", "quick", "follow", NULL};
    bool run = true;
    bool quick = false;
    bool follow = false;
    if (!param_only(call, names) || !param_bool_if(call, "run", &run) ||
        !param_bool_if(call, "quick", &quick) ||
        !param_bool_if(call, "follow", &follow) || !is_provider(node, call))
        return;
    if (follow)
        waiters_add(node->waiters, call, answer_bench, BENCH_NEWS_MS);
    else if (run)
        begin_bench(node, call, quick);
    else if (node->grade.measured_at_ms == 0)
        control_refuse(call, ERR_NOT_FOUND, "suan sell bench",
                       "this machine has not been measured yet");
    else
        reply_grade(node, call);
}
