#include "node/control/graph_view.h"

#include "base/check.h"
#include "node/control/job_view.h"
#include "node/control/rpc_help.h"

#include <stdio.h>
#include <string.h>

#define SPEC_ARENA (512u * 1024)
#define TEXT_MAX   160

static struct amount plus(struct amount a, struct amount b)
{
    return amount_add(a, b, &a) == OK ? a : amount_micro(UINT64_MAX);
}

static struct amount paid_of(const struct buy_job *job)
{
    struct amount sum = {0};
    for (uint32_t i = 0; i < job->task_count; i++) {
        sum = plus(sum, job->tasks[i].paid_before);
        sum = plus(sum, job->tasks[i].paid);
    }
    return sum;
}

static uint32_t first_seat(const struct buy_graph *graph, uint32_t part)
{
    uint32_t seat = 0;
    for (uint32_t i = 0; i < part; i++)
        seat += graph->graph.parts[i].tasks;
    return seat;
}

/* As approved, or as planned. */
static struct amount cap_of(const struct buy_graph *graph, uint32_t part)
{
    const struct buy_job *job = graph->jobs[part];
    struct amount sum = {0};
    uint32_t seat = first_seat(graph, part);
    for (uint32_t i = 0; i < job->task_count; i++)
        sum = plus(sum, job->approved    ? job->task_cap
                        : graph->planned ? graph->plan.places[seat + i].bill
                                         : amount_micro(0));
    return sum;
}

json_t *graph_reason(struct node *node, const struct buy_graph *graph)
{
    char text[TEXT_MAX + LIMIT_NAME + 4];
    bool stuck = !graph->planned || graph->why[0] != '\0';
    if (graph->draft || (stuck && graph->ended_at_ms == 0))
        return json_text(graph->why);
    for (uint32_t i = 0; i < graph->graph.part_count; i++) {
        const struct buy_job *job = graph->jobs[i];
        json_t *reason;
        if (job->state != graph->state)
            continue;
        reason = job_reason(node, job);
        if (json_string_length(reason) == 0) {
            json_decref(reason);
            continue;
        }
        snprintf(text, sizeof(text), "%s: %.*s", graph->graph.parts[i].name,
                 TEXT_MAX, json_string_value(reason));
        json_decref(reason);
        return json_text(text);
    }
    return json_text("");
}

int graph_exit_code(const struct buy_graph *graph)
{
    for (uint32_t i = 0; i < graph->graph.part_count; i++) {
        int code = job_exit_code(graph->jobs[i]);
        if (code != 0)
            return code;
    }
    return 0;
}

static json_t *by_state_json(const struct buy_graph *graph)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < graph->graph.part_count; i++) {
        for (uint32_t k = 0; k < graph->jobs[i]->task_count; k++) {
            const char *state = buy_state_text(graph->jobs[i]->tasks[k].state);
            json_int_t count =
                json_integer_value(json_object_get(object, state));
            json_object_set_new(object, state, json_integer(count + 1));
        }
    }
    return object;
}

json_t *graph_line_json(struct node *node, const struct buy_graph *graph)
{
    struct amount paid = {0};
    struct amount cap = {0};
    uint32_t tasks = 0;
    for (uint32_t i = 0; i < graph->graph.part_count; i++) {
        paid = plus(paid, paid_of(graph->jobs[i]));
        cap = plus(cap, cap_of(graph, i));
        tasks += graph->jobs[i]->task_count;
    }
    return json_pack(
        "{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:n, s:o}", "id",
        json_hash(&graph->id), "name", json_text(graph->graph.name), "state",
        buy_state_text(graph->state), "reason", graph_reason(node, graph),
        "tasks", json_u64(tasks), "tasks_by_state", by_state_json(graph),
        "created_at_ms", json_u64(graph->created_at_ms), "ended_at_ms",
        json_u64(graph->ended_at_ms), "paid_micro", json_amount(paid),
        "cap_micro", json_amount(cap), "seller", "parts_count",
        json_u64(graph->graph.part_count));
}

/* ---- parts ---- */

/* How much there is to be passed on; null when it is not here. */
static json_t *result_bytes(struct node *node, const struct hash *result)
{
    struct blob_tree tree;
    uint64_t bytes;
    if (hash_is_zero(result) || node->blobs == NULL ||
        blob_store_tree(node->blobs, result, &tree) != OK)
        return json_null();
    bytes = blob_tree_bytes(&tree);
    blob_tree_done(&tree);
    return json_u64(bytes);
}

static json_t *place_json(struct node *node, const struct graph_place *place)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o}", "provider",
        json_address(node, &place->provider), "name", json_text(place->name),
        "hour_micro", json_amount(place->hour), "bill_micro",
        json_amount(place->bill), "spare_micro", json_amount(place->spare),
        "rtt_us", json_u64(place->rtt_us));
}

static json_t *part_tasks_json(struct node *node, const struct buy_graph *graph,
                               uint32_t part)
{
    const struct buy_job *job = graph->jobs[part];
    uint32_t seat = first_seat(graph, part);
    json_t *list = json_array();
    for (uint32_t i = 0; i < job->task_count; i++) {
        const struct buy_task *t = &job->tasks[i];
        json_t *object = task_json(node, job, t, false);
        json_object_set_new(object, "provider",
                            json_address(node, &t->provider));
        json_object_set_new(object, "paid_micro",
                            json_amount(plus(t->paid, t->paid_before)));
        json_object_set_new(object, "result", json_hash(&t->result));
        json_object_set_new(object, "result_bytes",
                            t->fetched ? result_bytes(node, &t->result)
                                       : json_null());
        if (graph->planned)
            json_object_set_new(
                object, "planned",
                place_json(node, &graph->plan.places[seat + i]));
        json_array_append_new(list, object);
    }
    return list;
}

/* What it waits for, and where the results lie for it. */
static json_t *needs_json(const struct buy_graph *graph, uint32_t part)
{
    const struct graph *g = &graph->graph;
    json_t *list = json_array();
    struct arena arena;
    struct spec spec;
    bool good;
    arena_init(&arena, SPEC_ARENA);
    good = spec_decode(graph->jobs[part]->spec_bytes, &arena, &spec) == OK;
    for (uint32_t i = 0; i < g->link_count; i++) {
        const struct graph_link *link = &g->links[i];
        json_t *dest = json_null();
        if (link->to != part || !link->order || link->from == GRAPH_BUYER)
            continue;
        for (uint32_t k = 0; good && k < spec.use_count; k++)
            if (hash_equal(&spec.uses[k].request,
                           &g->parts[link->from].request)) {
                json_decref(dest);
                dest = json_stringn((const char *)spec.uses[k].dest.ptr,
                                    spec.uses[k].dest.len);
            }
        json_array_append_new(
            list, json_pack("{s:s, s:o}", "part", g->parts[link->from].name,
                            "dest", dest != NULL ? dest : json_null()));
    }
    arena_done(&arena);
    return list;
}

/* As it is written in a job file; null: none. */
static json_t *wish_json(const struct device_wish *wish)
{
    struct buf text;
    json_t *json;
    if (wish->count == 0)
        return json_null();
    buf_init(&text, TEXT_MAX);
    device_wish_format(wish, &text);
    json = json_text(buf_cstr(&text));
    buf_done(&text);
    return json;
}

static json_t *part_json(struct node *node, const struct buy_graph *graph,
                         uint32_t part, uint32_t level)
{
    const struct graph_part *p = &graph->graph.parts[part];
    const struct buy_job *job = graph->jobs[part];
    return json_pack(
        "{s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:o}",
        "part", p->name, "devices", wish_json(&job->request.devices), "id",
        json_hash(&job->id), "state", buy_state_text(job->state), "reason",
        job_reason(node, job), "level", json_u64(level), "needs",
        needs_json(graph, part), "together", json_u64(p->together), "apart",
        json_u64(p->apart), "cap_micro", json_amount(cap_of(graph, part)),
        "task_cap_micro", json_amount(job->task_cap), "paid_micro",
        json_amount(paid_of(job)), "time_ms_max",
        json_u64(job->request.time_ms_max), "tasks",
        part_tasks_json(node, graph, part));
}

/* ---- ways ---- */

static json_t *end_json(const struct buy_graph *graph, uint8_t seat)
{
    uint32_t part = 0;
    char text[LIMIT_NAME + 16];
    if (seat == GRAPH_BUYER)
        return json_string("buyer");
    while (seat >= first_seat(graph, part) + graph->graph.parts[part].tasks)
        part++;
    if (graph->graph.parts[part].tasks == 1)
        return json_text(graph->graph.parts[part].name);
    snprintf(text, sizeof(text), "%s.%u", graph->graph.parts[part].name,
             seat - first_seat(graph, part));
    return json_text(text);
}

static json_t *ways_json(const struct buy_graph *graph)
{
    static const char *const by[] = {"same provider", "direct",
                                     "over the buyer's node"};
    json_t *list = json_array();
    const struct graph_plan *plan = &graph->plan;
    for (uint32_t i = 0; graph->planned && i < plan->way_count; i++) {
        const struct graph_way *way = &plan->ways[i];
        const struct graph_link *link = &graph->graph.links[way->link];
        json_array_append_new(
            list,
            json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "from",
                      end_json(graph, way->from), "to",
                      end_json(graph, way->to), "by", by[way->steps % 3],
                      "delay_us",
                      way->delay_us == LINK_UNKNOWN ? json_null()
                                                    : json_u64(way->delay_us),
                      "delay_us_max", json_u64(link->delay_us_max), "kbps",
                      json_u64(link->kbps), "risk_nn_max",
                      json_u64(link->risk_nn_max)));
    }
    return list;
}

/* How the plan was kept. */
static void put_changes(const struct buy_graph *graph, json_t *object)
{
    json_object_set_new(object, "replans", json_u64(graph->replans));
    json_object_set_new(object, "moved", json_u64(graph->moved));
    json_object_set_new(object, "moves_left", json_u64(graph->moves_left));
    json_object_set_new(object, "adjusted_ms", json_u64(graph->adjusted_ms));
    json_object_set_new(object, "adjusted_by",
                        graph->adjusted_ms > 0
                            ? json_string(adjust_level_name(graph->level))
                            : json_null());
}

json_t *graph_show_json(struct node *node, const struct buy_graph *graph)
{
    json_t *object = graph_line_json(node, graph);
    json_t *parts = json_array();
    uint32_t level[GRAPH_PARTS_MAX];
    const struct request *requests[GRAPH_PARTS_MAX];
    CHECK(graph_levels(&graph->graph, level));
    for (uint32_t i = 0; i < graph->graph.part_count; i++) {
        json_array_append_new(parts, part_json(node, graph, i, level[i]));
        requests[i] = &graph->jobs[i]->request;
    }
    json_object_set_new(object, "parts", parts);
    json_object_set_new(object, "ways", ways_json(graph));
    json_object_set_new(object, "draft", json_boolean(graph->draft));
    json_object_set_new(object, "planned", json_boolean(graph->planned));
    json_object_set_new(object, "why", json_text(graph->why));
    json_object_set_new(object, "providers",
                        json_u64(graph->planned ? graph->plan.providers : 0));
    json_object_set_new(object, "exact", json_boolean(graph->plan.exact));
    json_object_set_new(object, "tries", json_u64(graph->plan.tries));
    put_changes(graph, object);
    json_object_set_new(object, "time_ms_max",
                        json_u64(graph_time_ms(&graph->graph, requests)));
    return object;
}
