#include "node/control/rpc_graph.h"

#include "base/check.h"
#include "node/control/graph_view.h"
#include "node/control/rpc_call.h"
#include "node/control/rpc_help.h"
#include "node/shell/trade_shell.h"
#include "node/control/waiters.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX_MIN 4u

static uint64_t now_ms(struct node *node)
{
    return shell_now_ms(node->shell);
}

/* ---- which graph ---- */

static const struct buy_graph *graph_of(struct node *node, const char *text)
{
    const struct buy_graph *graph = NULL;
    struct hash found = {{0}};
    size_t len = strlen(text);
    unsigned count = 0;
    if (len < PREFIX_MIN || len > 2u * HASH_LEN)
        return NULL;
    while ((graph = buy_graph_next(node->buy, graph)) != NULL) {
        char hex[HASH_TEXT_MAX];
        hash_format(&graph->id, hex);
        if (strncmp(hex, text, len) != 0)
            continue;
        found = graph->id;
        count++;
    }
    return count == 1 ? buy_graph(node->buy, &found) : NULL;
}

const struct buy_graph *graph_param(struct node *node,
                                    struct control_call *call)
{
    const char *text = json_string_value(json_object_get(call->params, "id"));
    return text != NULL ? graph_of(node, text) : NULL;
}

/* The same where there must be one. NULL: answered. */
static const struct buy_graph *must_param(struct node *node,
                                          struct control_call *call)
{
    const char *text = NULL;
    const struct buy_graph *graph;
    if (!param_text(call, "id", &text))
        return NULL;
    graph = graph_of(node, text);
    if (graph == NULL)
        control_refuse(call, ERR_NOT_FOUND, "suan ps -a",
                       "this node knows no graph \"%.64s\"", text);
    return graph;
}

/* ---- graph.submit ---- */

struct parts {
    uint32_t count;
    struct buy_part list[GRAPH_PARTS_MAX];
    struct buf bufs[2 * GRAPH_PARTS_MAX];
};

static void parts_done(struct parts *parts)
{
    for (uint32_t i = 0; i < 2 * GRAPH_PARTS_MAX; i++)
        buf_done(&parts->bufs[i]);
    free(parts);
}

static struct parts *parts_new(void)
{
    struct parts *parts = calloc(1, sizeof(*parts));
    for (uint32_t i = 0; parts != NULL && i < GRAPH_PARTS_MAX; i++) {
        buf_init(&parts->bufs[2 * i], REQUEST_BYTES_MAX);
        buf_init(&parts->bufs[2 * i + 1], SPEC_BYTES_MAX);
    }
    return parts;
}

static bool read_part(struct node *node, struct control_call *call,
                      struct parts *parts, const json_t *from)
{
    struct buf *bufs = &parts->bufs[2 * parts->count];
    if (rpc_bytes_json(json_object_get(from, "request"), &bufs[0]) != OK ||
        rpc_bytes_json(json_object_get(from, "spec"), &bufs[1]) != OK) {
        control_refuse(call, ERR_PARSE, "docs/control.md",
                       "part %u: request and spec are not base64 of at most "
                       "%u and %u bytes",
                       parts->count, REQUEST_BYTES_MAX, SPEC_BYTES_MAX);
        return false;
    }
    parts->list[parts->count++] =
        (struct buy_part){buf_bytes(&bufs[0]), buf_bytes(&bufs[1])};
    return job_blobs_here(node, call, buf_bytes(&bufs[1]));
}

static bool read_parts(struct node *node, struct control_call *call,
                       struct parts *parts)
{
    json_t *list = json_object_get(call->params, "parts");
    json_t *item;
    size_t i;
    if (!json_is_array(list) || json_array_size(list) > GRAPH_PARTS_MAX) {
        control_refuse(call, ERR_PARSE, "docs/control.md",
                       "parts is not a list of at most %u", GRAPH_PARTS_MAX);
        return false;
    }
    json_array_foreach(list, i, item)
    {
        if (!read_part(node, call, parts, item))
            return false;
    }
    return true;
}

static void answer_graph(struct node *node, struct control_call *call,
                         const struct hash *id)
{
    const struct buy_graph *graph = buy_graph(node->buy, id);
    CHECK(graph != NULL);
    shell_reply(node->shell, call, graph_show_json(node, graph));
}

static void submit(struct node *node, struct control_call *call,
                   struct bytes graph, const struct parts *parts)
{
    struct hash id;
    enum err err =
        buy_graph_submit(node->buy, graph, parts->list, parts->count,
                         now_ms(node), shell_buy_effects(node->shell), &id);
    shell_carry_out_buy(node->shell);
    if (err != OK)
        control_refuse(call, err, "suan ps; suan node status",
                       "the graph is not taken");
    else
        answer_graph(node, call, &id);
}

void rpc_graph_submit(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"graph", "parts", NULL};
    struct parts *parts;
    struct buf graph;
    if (!param_only(call, names))
        return;
    parts = parts_new();
    if (parts == NULL) {
        control_refuse(call, ERR_NOMEM, NULL, "the graph is not taken");
        return;
    }
    buf_init(&graph, GRAPH_BYTES_MAX);
    if (param_bytes(call, "graph", &graph) && read_parts(node, call, parts))
        submit(node, call, buf_bytes(&graph), parts);
    buf_done(&graph);
    parts_done(parts);
}

/* ---- graph.plan ---- */

/* A market that has no place for all of it may have one soon. */
static bool answer_plan(struct node *node, struct control_call *call, bool last)
{
    const struct buy_graph *graph = must_param(node, call);
    struct hash id;
    if (graph == NULL)
        return true;
    id = graph->id;
    if (graph->draft) {
        enum err err = buy_graph_replan(node->buy, &id, now_ms(node),
                                        shell_buy_effects(node->shell));
        shell_carry_out_buy(node->shell);
        if (err != OK && !last)
            return false;
    }
    answer_graph(node, call, &id);
    return true;
}

void rpc_graph_plan(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id", "wait_ms", NULL};
    if (param_only(call, names))
        waiters_add(node->waiters, call, answer_plan, param_wait(call));
}

/* ---- graph.approve, graph.drop ---- */

static void approve(struct node *node, struct control_call *call,
                    const struct hash *id, struct buf *bufs)
{
    json_t *list = json_object_get(call->params, "approvals");
    struct bytes approvals[GRAPH_PARTS_MAX];
    size_t count = json_array_size(list);
    enum err err = count > GRAPH_PARTS_MAX ? ERR_TERMS : OK;
    for (size_t i = 0; i < count && err == OK; i++) {
        err = rpc_bytes_json(json_array_get(list, i), &bufs[i]);
        approvals[i] = buf_bytes(&bufs[i]);
    }
    if (err == OK) {
        err = buy_graph_approve(node->buy, id, approvals, (uint32_t)count,
                                now_ms(node), shell_buy_effects(node->shell));
        shell_carry_out_buy(node->shell);
    }
    if (err != OK)
        control_refuse(call, err,
                       err == ERR_STATE ? "suan job show"
                                        : "the command once more",
                       "the approvals are not taken");
    else
        shell_reply(node->shell, call, json_object());
}

void rpc_graph_approve(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id", "approvals", NULL};
    const struct buy_graph *graph;
    struct buf bufs[GRAPH_PARTS_MAX];
    struct hash id;
    if (!param_only(call, names))
        return;
    graph = must_param(node, call);
    if (graph == NULL)
        return;
    id = graph->id;
    for (uint32_t i = 0; i < GRAPH_PARTS_MAX; i++)
        buf_init(&bufs[i], APPROVAL_BYTES_MAX);
    approve(node, call, &id, bufs);
    for (uint32_t i = 0; i < GRAPH_PARTS_MAX; i++)
        buf_done(&bufs[i]);
}

/* ---- what changes a graph and answers nothing ---- */

static void act(struct node *node, struct control_call *call,
                const struct buy_graph *graph,
                enum err (*fn)(struct buy *, const struct hash *, uint64_t,
                               struct trade_effects *),
                const char *why, const char *next, const char *what)
{
    struct hash id = graph->id;
    enum err err =
        fn(node->buy, &id, now_ms(node), shell_buy_effects(node->shell));
    shell_carry_out_buy(node->shell);
    if (err != OK)
        call_refuse(call, err, err == ERR_STATE ? why : NULL, next, "%s", what);
    else
        shell_reply(node->shell, call, json_object());
}

void rpc_graph_drop(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id", NULL};
    const struct buy_graph *graph;
    if (!param_only(call, names))
        return;
    graph = must_param(node, call);
    if (graph != NULL)
        act(node, call, graph, buy_graph_drop, "its bill was approved",
            "suan cancel", "the graph cannot be dropped");
}

bool graph_cancelled(struct node *node, struct control_call *call)
{
    const struct buy_graph *graph = graph_param(node, call);
    if (graph != NULL)
        act(node, call, graph, buy_graph_cancel, "all of it has ended",
            "suan job show", "there is nothing left to cancel");
    return graph != NULL;
}

bool graph_forgotten(struct node *node, struct control_call *call)
{
    const struct buy_graph *graph = graph_param(node, call);
    if (graph != NULL)
        act(node, call, graph, buy_graph_erase,
            "it has not ended, or a job that has not uses its results",
            "suan wait, or suan cancel, first",
            "the graph cannot be forgotten");
    return graph != NULL;
}

bool graph_shown(struct node *node, struct control_call *call)
{
    const struct buy_graph *graph = graph_param(node, call);
    if (graph != NULL)
        control_reply(call, graph_show_json(node, graph));
    return graph != NULL;
}

bool graph_waited(struct node *node, struct control_call *call, bool last,
                  bool *out_answered)
{
    const struct buy_graph *graph = graph_param(node, call);
    bool done;
    if (graph == NULL)
        return false;
    done = graph->ended_at_ms != 0;
    *out_answered = done || last;
    if (*out_answered)
        control_reply(call,
                      json_pack("{s:s, s:b, s:i, s:o}", "state",
                                buy_state_text(graph->state), "done", (int)done,
                                "exit_code", done ? graph_exit_code(graph) : 0,
                                "reason", graph_reason(node, graph)));
    return true;
}
