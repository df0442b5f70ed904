/* The order book as people see it. */

#include "node/control/rpc_market.h"

#include "base/check.h"
#include "node/control/job_view.h"
#include "node/peer/link_agent.h"
#include "node/control/rpc_grade.h"
#include "node/control/rpc_help.h"
#include "node/control/rpc_policy.h"
#include "node/shell/trade_shell.h"
#include "sched/explain.h"
#include "sched/policy.h"

#include <stdio.h>
#include <string.h>

#define OFFERS_SHOWN 250u
#define ARENA_MAX    (64u * 1024 * 1024)
#define TEXT_MAX     1024u
#define MINUTE_MS    60000u

/* ---- explanations ---- */

static json_t *figure_json(enum reason reason, uint64_t value)
{
    struct buf text;
    json_t *json;
    if (reason_unit_of(reason) == UNIT_NONE)
        return json_null();
    buf_init(&text, TEXT_MAX);
    reason_figure_format(reason_unit_of(reason), value, &text);
    json = json_text(buf_cstr(&text));
    buf_done(&text);
    return json;
}

/* Why it ranks where it does; what does not fit does not rank. */
static void put_account(json_t *object, const struct ranking_account *account)
{
    json_t *figures = json_array();
    struct buf text;
    buf_init(&text, TEXT_MAX);
    ranking_account_format(account, &text);
    for (uint32_t i = 0; i < account->count; i++) {
        const struct ranking_part *part = &account->parts[i];
        json_array_append_new(
            figures,
            json_pack("{s:s, s:o, s:b, s:o, s:o, s:o}", "figure",
                      policy_part_text(part->part), "value",
                      part->known ? json_u64(part->value) : json_null(),
                      "guessed", (int)part->guessed, "best",
                      part->best > 0 ? json_u64(part->best) : json_null(),
                      "weight", json_u64(part->weight), "points",
                      json_u64(part->points)));
    }
    json_object_set_new(object, "figures", figures);
    json_object_set_new(object, "score",
                        account->has_score ? json_u64(account->score)
                                           : json_null());
    json_object_set_new(object, "rank_text", json_text(buf_cstr(&text)));
    buf_done(&text);
}

static json_t *line_json(struct node *node, const struct request *request,
                         const struct book_line *line, uint64_t now_ms)
{
    struct buf text;
    json_t *object;
    buf_init(&text, TEXT_MAX);
    book_line_format(line, request, now_ms, &text);
    object = json_pack(
        "{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "provider",
        json_address(node, &line->provider), "name", json_text(line->name),
        "code", reason_code(line->verdict.reason), "text",
        json_text(buf_cstr(&text)), "need",
        figure_json(line->verdict.reason, line->verdict.want), "has",
        figure_json(line->verdict.reason, line->verdict.have), "hour_micro",
        json_amount(line->hour), "bill_micro", json_amount(line->bill),
        "rtt_us", json_u64(line->rtt_us));
    buf_done(&text);
    put_account(object, &line->account);
    return object;
}

static json_t *histogram_json(const struct explain *explain)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < REASON_COUNT; i++) {
        if (explain->first[i] > 0)
            json_array_append_new(list, json_pack("{s:s, s:o}", "code",
                                                  reason_code((enum reason)i),
                                                  "count",
                                                  json_u64(explain->first[i])));
    }
    return list;
}

/* A minute more than they say: who asks is not there yet. */
static void put_patience(const struct book_missed_queues *queues, json_t *array)
{
    uint64_t minutes = (queues->wait_ms + MINUTE_MS - 1) / MINUTE_MS + 1;
    char change[64];
    if (queues->offers == 0 || minutes * MINUTE_MS > REQUEST_PATIENCE_MS_MAX)
        return;
    snprintf(change, sizeof(change), "--patience %llum, to wait in a queue",
             (unsigned long long)minutes);
    json_array_append_new(
        array, json_pack("{s:s, s:s, s:o, s:o}", "code", "patience", "change",
                         change, "frees", json_u64(queues->offers), "to",
                         json_u64(minutes * MINUTE_MS)));
}

static json_t *relax_json(const struct book_explanation *x)
{
    const struct explain *explain = &x->explain;
    enum reason list[REASON_COUNT];
    uint32_t count = explain_relaxations(explain, list);
    json_t *array = json_array();
    if (explain->fits == 0)
        put_patience(&x->queues, array);
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(
            array,
            json_pack("{s:s, s:s, s:o, s:o}", "code", reason_code(list[i]),
                      "change", reason_relax(list[i]), "frees",
                      json_u64(explain->alone[list[i]]), "to",
                      figure_json(list[i], explain->relax_to[list[i]])));
    return array;
}

/* What the nearest lacks; of one that refused, what it said. */
static void nearest_format(const struct request *request,
                           const struct book_explanation *x, uint64_t now_ms,
                           struct buf *out)
{
    struct demand demand;
    for (uint32_t i = 0; i < x->count; i++) {
        if (pubkey_equal(&x->lines[i].provider, &x->explain.nearest_provider)) {
            book_line_format(&x->lines[i], request, now_ms, out);
            return;
        }
    }
    book_demand(request, &demand);
    verdict_format(&x->explain.nearest, &demand, out);
}

static json_t *nearest_json(struct node *node, const struct request *request,
                            const struct book_explanation *x, uint64_t now_ms)
{
    const struct explain *explain = &x->explain;
    struct buf text;
    char name[LIMIT_NAME];
    json_t *object;
    if (!explain->has_nearest)
        return json_null();
    provider_name(node, &explain->nearest_provider, name);
    buf_init(&text, TEXT_MAX);
    nearest_format(request, x, now_ms, &text);
    object =
        json_pack("{s:o, s:o, s:s, s:o}", "provider",
                  json_address(node, &explain->nearest_provider), "name",
                  json_text(name), "code", reason_code(explain->nearest.reason),
                  "text", json_text(buf_cstr(&text)));
    buf_done(&text);
    return object;
}

json_t *explanation_json(struct node *node, const struct request *request,
                         const struct book_explanation *x, uint64_t now_ms)
{
    json_t *lines = json_array();
    for (uint32_t i = 0; i < x->count; i++)
        json_array_append_new(lines,
                              line_json(node, request, &x->lines[i], now_ms));
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o}", "offers", lines, "known",
        json_u64(x->explain.offers), "fits", json_u64(x->explain.fits),
        "histogram", histogram_json(&x->explain), "nearest",
        nearest_json(node, request, x, now_ms), "relax", relax_json(x));
}

/* ---- market.offers ---- */

static json_t *devices_json(const struct devices *devices)
{
    json_t *list = json_array();
    uint32_t device = 0;
    for (uint32_t i = 0; i < devices->group_count; i++) {
        const struct device_group *group = &devices->groups[i];
        json_t *is_free = json_array();
        for (uint32_t k = 0; k < group->count; k++)
            json_array_append_new(is_free,
                                  json_u64(devices->free_milli[device++]));
        json_array_append_new(
            list,
            json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "kind",
                      device_kind_text(group->kind), "model",
                      json_text(group->model), "count", json_u64(group->count),
                      "mem_mib", json_u64(group->mem_mib), "hour_micro",
                      json_amount(group->hour), "free_milli", is_free));
    }
    return list;
}

/* "gpu:a100 1.25/2, fpga 1/1": what is free of how many. */
static json_t *devices_text(const struct devices *devices)
{
    struct buf text;
    uint32_t device = 0;
    json_t *value;
    if (devices->group_count == 0)
        return json_null();
    buf_init(&text, TEXT_MAX);
    for (uint32_t i = 0; i < devices->group_count; i++) {
        const struct device_group *group = &devices->groups[i];
        uint32_t milli = 0;
        for (uint32_t k = 0; k < group->count; k++)
            milli += devices->free_milli[device++];
        buf_addf(&text, "%s%s%s%s ", i > 0 ? ", " : "",
                 device_kind_text(group->kind),
                 group->model[0] != '\0' ? ":" : "", group->model);
        if (milli % 1000 == 0)
            buf_addf(&text, "%u/%u", milli / 1000, group->count);
        else
            buf_addf(&text, "%u.%03u/%u", milli / 1000, milli % 1000,
                     group->count);
    }
    value = json_text(buf_cstr(&text));
    buf_done(&text);
    return value;
}

static json_t *taints_json(const struct offer *offer)
{
    json_t *list = json_array();
    char text[TAINT_TEXT_MAX];
    for (uint32_t i = 0; i < offer->taint_count; i++) {
        taint_format(&offer->taints[i], text);
        json_array_append_new(list, json_text(text));
    }
    return list;
}

static json_t *nic_text(uint64_t kbit)
{
    char text[40];
    if (kbit == 0)
        return json_null();
    snprintf(text, sizeof(text), "%llu.%03llu Mbit/s",
             (unsigned long long)(kbit / 1000),
             (unsigned long long)(kbit % 1000));
    if (kbit % 1000 == 0)
        snprintf(text, sizeof(text), "%llu Mbit/s",
                 (unsigned long long)(kbit / 1000));
    return json_string(text);
}

static void put_gear(const struct offer *offer, json_t *object)
{
    json_object_set_new(object, "devices", devices_json(&offer->devices));
    json_object_set_new(object, "devices_text", devices_text(&offer->devices));
    json_object_set_new(object, "taints", taints_json(offer));
    json_object_set_new(object, "nic_text", nic_text(offer->total.nic_kbit));
}

json_t *offer_json(struct node *node, const struct offer *offer)
{
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, "
        "s:o, s:o}",
        "provider", json_address(node, &offer->provider), "payout",
        json_address(node, &offer->payout), "name", json_text(offer->name),
        "address", offer->address, "bulk", offer->bulk_address, "version",
        json_u64(offer->version), "ttl_ms", json_u64(offer->ttl_ms), "arch",
        arch_text(offer->arch), "total", json_resources(&offer->total), "free",
        json_resources(&offer->free), "slots_free", json_u64(offer->slots_free),
        "time_ms_max", json_u64(offer->time_ms_max), "price",
        json_price(&offer->price), "grade",
        json_grade(&node->tiers, &offer->grade), "labels",
        json_labels(offer->labels, offer->label_count));
    put_gear(offer, object);
    json_object_set_new(object, "queue",
                        json_pack("{s:o, s:o, s:o, s:o}", "length",
                                  json_u64(offer->queue.length), "places",
                                  json_u64(offer->queue.places), "next_ms",
                                  json_u64(offer->queue.next_ms), "clear_ms",
                                  json_u64(offer->queue.clear_ms)));
    return object;
}

/* Who asks for nothing sees offers in the order of a core with a GiB of memory
 * and of disk: a hundredth of that, which nearly all of them can give. */
static const struct resources a_little = {10, 10, 10, 0};

static bool asks_for_nothing(const struct resources *want)
{
    return want->cpu_milli == 0 && want->mem_mib == 0 && want->disk_mib == 0 &&
           want->nic_kbit == 0;
}

static json_t *market_line(struct node *node, const struct request *request,
                           const struct book_line *line, uint64_t now_ms)
{
    struct book_offer known;
    struct goodput goodput;
    uint64_t declared;
    struct buf text;
    json_t *object;
    if (!book_offer_get(buy_book(node->buy), &line->provider, now_ms, &known))
        return NULL;
    buf_init(&text, TEXT_MAX);
    book_line_format(line, request, now_ms, &text);
    link_agent_goodput(node->links, &line->provider, &goodput);
    declared = known.offer.grade.net_bps;
    known.offer.grade.net_bps = goodput_bound(&goodput, declared);
    object = offer_json(node, &known.offer);
    json_object_set_new(object, "network",
                        json_goodput(&goodput, declared, now_ms));
    json_object_set_new(
        object, "age_ms",
        json_u64(now_ms > known.received_ms ? now_ms - known.received_ms : 0));
    json_object_set_new(object, "expires_ms", json_u64(known.expires_ms));
    json_object_set_new(object, "hour_micro",
                        resources_cover(&a_little, &request->resources)
                            ? json_null()
                            : json_amount(line->hour));
    json_object_set_new(object, "rtt_us", json_u64(line->rtt_us));
    json_object_set_new(object, "rtt_guess_us", json_u64(known.rtt_guess_us));
    json_object_set_new(object, "feasible",
                        json_boolean(line->verdict.reason == REASON_NONE));
    json_object_set_new(object, "tasks", json_u64(line->verdict.tasks));
    json_object_set_new(object, "code",
                        json_string(reason_code(line->verdict.reason)));
    put_account(object, &line->account);
    json_object_set_new(object, "text", json_text(buf_cstr(&text)));
    buf_done(&text);
    return object;
}

static void reply_offers(struct node *node, struct control_call *call,
                         const struct request *request)
{
    uint64_t now = shell_now_ms(node->shell);
    struct book *book = buy_book(node->buy);
    struct book_explanation x;
    struct arena arena;
    json_t *list = json_array();
    enum err err;
    arena_init(&arena, ARENA_MAX);
    err = book_explain_request(book, request, OFFERS_SHOWN, now, &arena, &x);
    for (uint32_t i = 0; err == OK && i < x.count; i++) {
        json_t *line = market_line(node, request, &x.lines[i], now);
        if (line != NULL)
            json_array_append_new(list, line);
    }
    if (err != OK) {
        json_decref(list);
        control_refuse(call, err, "suan market offers",
                       "the offers cannot be listed");
    } else {
        control_reply(call, json_pack("{s:o, s:o, s:o, s:o}", "offers", list,
                                      "known", json_u64(x.explain.offers),
                                      "fits", json_u64(x.explain.fits),
                                      "histogram", histogram_json(&x.explain)));
    }
    arena_done(&arena);
}

/* "labels": constraints as people write them. */
static bool constraints_param(struct control_call *call,
                              struct request *request)
{
    json_t *list = json_object_get(call->params, "labels");
    size_t count = json_array_size(list);
    if (list == NULL || json_is_null(list))
        return true;
    if (!json_is_array(list) || count > LIMIT_CONSTRAINTS) {
        control_refuse(call, ERR_PARSE, NULL,
                       "parameter \"labels\" must be a list of at most %u",
                       LIMIT_CONSTRAINTS);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text == NULL ||
            constraint_parse(text, &request->constraints[i]) != OK) {
            control_refuse(call, ERR_PARSE, "zone=eu, zone!=eu, gpu or !gpu",
                           "\"%.80s\" is no constraint on labels",
                           text != NULL ? text : "");
            return false;
        }
    }
    request->constraint_count = (uint32_t)count;
    return true;
}

/* A list of at most `max` texts; each goes to `take`, which may refuse it. */
static bool list_param(struct control_call *call, const char *name,
                       uint32_t max, const char *shape,
                       bool (*take)(struct request *, const char *),
                       struct request *request)
{
    json_t *list = json_object_get(call->params, name);
    if (list == NULL || json_is_null(list))
        return true;
    if (!json_is_array(list) || json_array_size(list) > max) {
        control_refuse(call, ERR_PARSE, NULL,
                       "parameter \"%s\" must be a list of at most %u", name,
                       max);
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text == NULL || !take(request, text)) {
            control_refuse(call, ERR_PARSE, shape, "%s: \"%.60s\" is none",
                           name, text != NULL ? text : "");
            return false;
        }
    }
    return true;
}

static bool take_zone(struct request *request, const char *text)
{
    if (text[0] == '\0' || strlen(text) >= LIMIT_NAME)
        return false;
    snprintf(request->zones[request->zone_count++], LIMIT_NAME, "%s", text);
    return true;
}

static bool take_toleration(struct request *request, const char *text)
{
    struct constraint *out = &request->tolerations[request->toleration_count];
    if (constraint_parse(text, out) != OK)
        return false;
    request->toleration_count++;
    return out->op == CONSTRAINT_EQUAL || out->op == CONSTRAINT_EXISTS;
}

static bool wish_params(struct control_call *call, struct request *request)
{
    const char *devices = NULL;
    uint64_t mem_mib = 0;
    if (!param_text_if(call, "devices", &devices) ||
        !param_uint_if(call, "device_mem_mib", UINT32_MAX, &mem_mib) ||
        !param_uint_if(call, "nic_kbit", UINT32_MAX,
                       &request->resources.nic_kbit) ||
        !list_param(call, "zones", LIMIT_ZONES, "eu, eu/north", take_zone,
                    request) ||
        !list_param(call, "tolerate", LIMIT_TOLERATIONS, "gpu=only, gpu",
                    take_toleration, request))
        return false;
    if (devices != NULL &&
        device_wish_parse(devices, &request->devices) != OK) {
        control_refuse(call, ERR_PARSE, "gpu, gpu:2, gpu:a100|h100:1, npu:0.5",
                       "\"%.60s\" is no device", devices);
        return false;
    }
    if (devices != NULL)
        request->devices.mem_mib = mem_mib;
    return true;
}

static bool goes_by(const struct request *request, enum policy simple,
                    enum policy_part part)
{
    return request->policy == simple || (request->policy == POLICY_COMPOSITE &&
                                         request->terms.weights[part] > 0);
}

/* "class": what fastest goes by. */
static bool class_param(struct control_call *call, struct request *request)
{
    const char *text = NULL;
    if (!param_text_if(call, "class", &text))
        return false;
    if (text == NULL)
        return true;
    if (!goes_by(request, POLICY_FASTEST, PART_SPEED))
        control_refuse(call, ERR_RANGE, "--policy fastest",
                       "a class of work counts under fastest, and under "
                       "composite with a weight of speed");
    else if (policy_terms_set(&request->terms, "speed", text) != OK)
        control_refuse(call, ERR_PARSE, policy_terms_shape("speed"),
                       "\"%.40s\" is not a class of work", text);
    else
        return true;
    return false;
}

/* Who sells under that name, if only one does. */
static bool seller_named(struct node *node, const char *name,
                         struct pubkey *out)
{
    struct book_offer offer;
    uint32_t cursor = 0;
    unsigned found = 0;
    while (book_offer_next(buy_book(node->buy), &cursor,
                           shell_now_ms(node->shell), &offer)) {
        if (strcmp(offer.offer.name, name) != 0)
            continue;
        *out = offer.offer.provider;
        found++;
    }
    return found == 1;
}

/* "near": whom nearest goes by; an address, or the name of one that sells. */
static bool near_param(struct node *node, struct control_call *call,
                       struct request *request)
{
    const char *text = NULL;
    if (!param_text_if(call, "near", &text))
        return false;
    if (text == NULL)
        return true;
    if (!goes_by(request, POLICY_NEAREST, PART_RTT))
        control_refuse(call, ERR_RANGE, "--policy nearest",
                       "another node's distance counts under nearest, and "
                       "under composite with a weight of rtt");
    else if (policy_terms_set(&request->terms, "near", text) != OK &&
             !seller_named(node, text, &request->terms.near))
        control_refuse(call, ERR_NOT_FOUND, "suan market offers -o wide",
                       "\"%.70s\" is no address, and not the name of one "
                       "that sells",
                       text);
    else
        return true;
    return false;
}

static bool choice_params(struct node *node, struct control_call *call,
                          struct request *request)
{
    const char *arch = "any";
    const char *policy = "cheapest";
    if (!param_text_if(call, "arch", &arch) ||
        !param_text_if(call, "policy", &policy))
        return false;
    if (arch_parse(arch, &request->arch) != OK) {
        control_refuse(call, ERR_PARSE, "any, x86_64, aarch64 or riscv64",
                       "there is no architecture \"%.40s\"", arch);
        return false;
    }
    return rpc_policy_param(node, call, policy, request) &&
           class_param(call, request) && near_param(node, call, request);
}

void rpc_market_offers(struct node *node, struct control_call *call)
{
    static const char *const names[] = {
        "mem_mib", "cpu_milli", "disk_mib",       "arch",  "labels",   "policy",
        "devices", "nic_kbit",  "device_mem_mib", "zones", "tolerate", "class",
        "near",    NULL};
    struct request request;
    uint64_t milli = 0;
    memset(&request, 0, sizeof(request));
    request.buyer = request.agent = node->self;
    request.tasks = request.attempts_max = 1;
    if (!param_only(call, names) ||
        !param_uint_if(call, "cpu_milli", UINT32_MAX, &milli) ||
        !param_uint_if(call, "mem_mib", UINT32_MAX,
                       &request.resources.mem_mib) ||
        !param_uint_if(call, "disk_mib", UINT32_MAX,
                       &request.resources.disk_mib) ||
        !wish_params(call, &request) || !choice_params(node, call, &request) ||
        !constraints_param(call, &request))
        return;
    request.resources.cpu_milli = (uint32_t)milli;
    if (asks_for_nothing(&request.resources) && request.devices.count == 0)
        request.resources = a_little;
    reply_offers(node, call, &request);
}
