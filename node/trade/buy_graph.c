/* Graphs of jobs: submitted, approved and ended together; where their tasks go
 * is buy_graph_place.c. */

#include "node/trade/buy_item.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- finding ---- */

static struct buy_graph_item *find(const struct buy *buy, const struct hash *id)
{
    struct buy_graph_item *graph = buy->graphs;
    while (graph != NULL && !hash_equal(&graph->face.id, id))
        graph = graph->next;
    return graph;
}

const struct buy_graph *buy_graph(struct buy *buy, const struct hash *id)
{
    struct buy_graph_item *graph = find(buy, id);
    if (graph == NULL || !graph->bound)
        return NULL;
    buy_graph_refresh(graph);
    graph->face.moves_left = adjust_budget(&adjust_terms_default,
                                           &graph->history.moves, buy->now_ms);
    return &graph->face;
}

const struct buy_graph *buy_graph_next(struct buy *buy,
                                       const struct buy_graph *after)
{
    struct buy_graph_item *graph = buy->graphs;
    if (after != NULL) {
        graph = find(buy, &after->id);
        CHECK(graph != NULL);
        graph = graph->next;
    }
    while (graph != NULL && !graph->bound)
        graph = graph->next;
    if (graph != NULL)
        buy_graph_refresh(graph);
    return graph != NULL ? &graph->face : NULL;
}

const struct buy_graph *buy_graph_of(struct buy *buy, const struct buy_job *job,
                                     uint32_t *out_part)
{
    const struct buy_item *item = buy_find(buy, &job->id);
    if (item == NULL || item->graph == NULL)
        return NULL;
    *out_part = item->part;
    buy_graph_refresh(item->graph);
    return &item->graph->face;
}

/* While it goes on: what is furthest. Then: the worst of what went wrong. */
static enum buy_state state_of(const struct buy_graph_item *graph)
{
    enum buy_state furthest = BUY_WAITING;
    enum buy_state worst = BUY_DONE;
    bool ended = true;
    for (uint32_t i = 0; i < graph->face.graph.part_count; i++) {
        enum buy_state state = graph->items[i]->face.state;
        if (!buy_state_ended(state)) {
            ended = false;
            furthest = state > furthest ? state : furthest;
        } else if (worst == BUY_DONE || state == BUY_FAILED) {
            worst = state;
        }
    }
    return ended ? worst : furthest;
}

void buy_graph_refresh(struct buy_graph_item *graph)
{
    struct buy_graph *face = &graph->face;
    bool ended = true;
    uint64_t last = 0;
    CHECK(graph->bound);
    for (uint32_t i = 0; i < face->graph.part_count; i++) {
        const struct buy_job *job = &graph->items[i]->face;
        face->jobs[i] = job;
        ended = ended && job->ended_at_ms != 0;
        last = job->ended_at_ms > last ? job->ended_at_ms : last;
    }
    face->ended_at_ms = ended ? last : 0;
    face->state = state_of(graph);
}

/* ---- life ---- */

static void link_in(struct buy *buy, struct buy_graph_item *graph)
{
    struct buy_graph_item **at = &buy->graphs;
    while (*at != NULL &&
           (*at)->face.created_at_ms <= graph->face.created_at_ms)
        at = &(*at)->next;
    graph->next = *at;
    *at = graph;
    buy->graph_count++;
}

/* Its jobs are jobs of their own then. */
void buy_graph_free(struct buy *buy, struct buy_graph_item *graph)
{
    struct buy_graph_item **at = &buy->graphs;
    while (*at != graph)
        at = &(*at)->next;
    *at = graph->next;
    buy->graph_count--;
    for (uint32_t i = 0; i < GRAPH_PARTS_MAX; i++)
        if (graph->items[i] != NULL)
            graph->items[i]->graph = NULL;
    free(graph);
}

static void record_key(const struct hash *id, char out[96])
{
    char hex[HASH_TEXT_MAX];
    hash_format(id, hex);
    snprintf(out, 96, "buy/%s/graph", hex);
}

void buy_graph_save(struct buy *buy, const struct buy_graph_item *graph)
{
    struct trade_effect *effect = trade_effect_add(buy->out, EFFECT_SAVE);
    struct buf bytes;
    enum err err;
    buf_init(&bytes, 128u * 1024);
    err = buy_graph_encode(graph, &bytes);
    record_key(&graph->face.id, effect->key);
    effect->bytes = trade_effects_keep(buy->out, buf_bytes(&bytes));
    if (err != OK && buy->out->err == OK)
        buy->out->err = err;
    buf_done(&bytes);
}

static void unsave(struct buy *buy, const struct buy_graph_item *graph)
{
    record_key(&graph->face.id, trade_effect_add(buy->out, EFFECT_SAVE)->key);
}

static bool find_items(struct buy *buy, struct buy_graph_item *graph)
{
    const struct graph *g = &graph->face.graph;
    for (uint32_t i = 0; i < g->part_count; i++) {
        struct buy_item *item = buy_find(buy, &g->parts[i].request);
        if (item == NULL || item->face.task_count != g->parts[i].tasks)
            return false;
        graph->items[i] = item;
    }
    return true;
}

static void bind(struct buy_graph_item *graph)
{
    for (uint32_t i = 0; i < graph->face.graph.part_count; i++) {
        graph->items[i]->graph = graph;
        graph->items[i]->part = i;
    }
    graph->bound = true;
}

/* They came in the order of their names. */
static void put_in_order(struct buy *buy)
{
    struct buy_graph_item *list = buy->graphs;
    buy->graphs = NULL;
    buy->graph_count = 0;
    while (list != NULL) {
        struct buy_graph_item *graph = list;
        list = graph->next;
        link_in(buy, graph);
    }
}

void buy_graphs_bind(struct buy *buy)
{
    struct buy_graph_item *next;
    if (buy->graphs_bound)
        return;
    buy->graphs_bound = true;
    put_in_order(buy);
    for (struct buy_graph_item *graph = buy->graphs; graph != NULL;
         graph = next) {
        next = graph->next;
        if (find_items(buy, graph)) {
            bind(graph);
        } else { /* a disk that lost some: what is left goes on alone */
            memset(graph->items, 0, sizeof(graph->items));
            unsave(buy, graph);
            buy_graph_free(buy, graph);
        }
    }
}

bool buy_graph_is_used(const struct buy *buy,
                       const struct buy_graph_item *graph)
{
    for (uint32_t i = 0; i < graph->face.graph.part_count; i++)
        if (buy_is_used(buy, graph->items[i]))
            return true;
    return false;
}

void buy_graph_forget(struct buy *buy, struct buy_graph_item *graph)
{
    struct buy_item *items[GRAPH_PARTS_MAX];
    uint32_t count = graph->face.graph.part_count;
    memcpy(items, graph->items, sizeof(items));
    unsave(buy, graph);
    buy_graph_free(buy, graph);
    for (uint32_t i = 0; i < count; i++)
        buy_forget_ended(buy, items[i]);
}

/* ---- submitting ---- */

/* A part may use what the graph puts before it, and jobs that are not in it. */
static bool use_is_in_order(const struct graph *graph, uint32_t part,
                            const struct buy_use *use)
{
    uint32_t from = 0;
    while (from < graph->part_count &&
           !hash_equal(&graph->parts[from].request, &use->request))
        from++;
    if (from == graph->part_count)
        return true;
    for (uint32_t i = 0; i < graph->link_count; i++)
        if (graph->links[i].from == from && graph->links[i].to == part &&
            graph->links[i].order)
            return true;
    return false;
}

static enum err check_part(const struct graph *graph, uint32_t part,
                           const struct buy_item *item,
                           const struct buy_item *first)
{
    if (!hash_equal(&graph->parts[part].request, &item->face.id) ||
        graph->parts[part].tasks != item->face.task_count ||
        item->face.request.patience_ms > 0 || /* all begin by the plan */
        !pubkey_equal(&item->face.request.buyer, &first->face.request.buyer))
        return ERR_TERMS;
    for (uint32_t i = 0; i < item->use_count; i++)
        if (!use_is_in_order(graph, part, &item->uses[i]))
            return ERR_TERMS;
    return OK;
}

static void take_back(struct buy *buy, struct buy_item **items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        trade_effect_add(buy->out, EFFECT_UNPIN)->subject = items[i]->face.id;
        items[i]->face.draft = true; /* no record to delete but its mark */
        buy_forget(buy, items[i]);
    }
}

/* In the order of their levels: a part is there before what uses it. */
static enum err submit_parts(struct buy *buy, const struct graph *graph,
                             const struct buy_part *parts,
                             struct buy_item **items)
{
    uint32_t level[GRAPH_PARTS_MAX];
    struct buy_item *made[GRAPH_PARTS_MAX];
    uint32_t count = 0;
    enum err err = OK;
    CHECK(graph_levels(graph, level));
    for (uint32_t at = 0; at < graph->part_count && err == OK; at++) {
        for (uint32_t i = 0; i < graph->part_count && err == OK; i++) {
            if (level[i] != at)
                continue;
            err = buy_item_submit(buy, parts[i].request, parts[i].spec,
                                  graph->parts[i].name, &items[i]);
            if (err != OK)
                break;
            made[count++] = items[i];
            err = check_part(graph, i, items[i], made[0]);
        }
    }
    if (err != OK)
        take_back(buy, made, count);
    return err;
}

enum err buy_graph_submit(struct buy *buy, struct bytes bytes,
                          const struct buy_part *parts, uint32_t part_count,
                          uint64_t now_ms, struct trade_effects *out,
                          struct hash *out_id)
{
    struct graph *graph;
    struct hash id;
    struct buy_graph_item *item;
    enum err err;
    buy_begin(buy, now_ms, out);
    graph = arena_calloc(&buy->arena, 1, sizeof(*graph));
    if (graph == NULL)
        return ERR_NOMEM;
    TRY(graph_decode(bytes, &buy->arena, graph));
    if (graph->part_count != part_count)
        return ERR_TERMS;
    graph_id(bytes, &id);
    if (find(buy, &id) != NULL)
        return ERR_EXISTS;
    if (buy->graph_count >= BUY_GRAPHS_MAX)
        return ERR_BOOK_FULL;
    item = calloc(1, sizeof(*item));
    if (item == NULL)
        return ERR_NOMEM;
    err = submit_parts(buy, graph, parts, item->items);
    if (err != OK) {
        free(item);
        return err;
    }
    item->face.id = id;
    item->face.graph = *graph;
    item->face.draft = true;
    item->face.created_at_ms = now_ms;
    link_in(buy, item);
    bind(item);
    for (uint32_t i = 0; i < part_count; i++) {
        item->items[i]->face.draft = true;
        buy_mark_draft(buy, item->items[i]);
    }
    for (uint32_t i = 0; i < part_count; i++)
        buy_item_pin(buy, item->items[i]);
    buy_graph_plan(buy, item);
    buy_ask_wake(buy);
    *out_id = id;
    return OK;
}

enum err buy_graph_replan(struct buy *buy, const struct hash *id,
                          uint64_t now_ms, struct trade_effects *out)
{
    struct buy_graph_item *graph;
    buy_begin(buy, now_ms, out);
    graph = find(buy, id);
    if (graph == NULL)
        return ERR_NOT_FOUND;
    if (!graph->face.draft)
        return ERR_STATE;
    buy_graph_plan(buy, graph);
    return graph->face.planned ? OK : ERR_NO_OFFER;
}

/* ---- approving ---- */

static enum err check_approvals(struct buy *buy,
                                const struct buy_graph_item *graph,
                                const struct bytes *approvals,
                                struct approval *out)
{
    for (uint32_t i = 0; i < graph->face.graph.part_count; i++)
        TRY(buy_approval_check(buy, graph->items[i], approvals[i], &out[i]));
    return OK;
}

/* From drafts to jobs: their records and the graph's leave in one step. */
static void settle_in(struct buy *buy, struct buy_graph_item *graph)
{
    graph->face.draft = false;
    graph->look_ms = buy->now_ms + 1;
    buy_graph_save(buy, graph);
    for (uint32_t i = 0; i < graph->face.graph.part_count; i++) {
        struct buy_item *item = graph->items[i];
        buy_save_job(buy, item);
        buy_unmark_draft(buy, &item->face.id);
    }
}

enum err buy_graph_approve(struct buy *buy, const struct hash *id,
                           const struct bytes *approvals, uint32_t count,
                           uint64_t now_ms, struct trade_effects *out)
{
    struct approval taken[GRAPH_PARTS_MAX];
    struct buy_graph_item *graph;
    buy_begin(buy, now_ms, out);
    graph = find(buy, id);
    if (graph == NULL)
        return ERR_NOT_FOUND;
    if (!graph->face.draft)
        return ERR_STATE;
    if (count != graph->face.graph.part_count)
        return ERR_TERMS;
    if (!graph->face.planned)
        return ERR_NO_OFFER;
    TRY(check_approvals(buy, graph, approvals, taken));
    for (uint32_t i = 0; i < count; i++)
        TRY(buy_approval_take(graph->items[i], approvals[i], &taken[i]));
    settle_in(buy, graph);
    for (uint32_t i = 0; i < count; i++)
        (void)buy_uses_ready(buy, graph->items[i]);
    buy_graph_due(buy, graph);
    buy_ask_wake(buy);
    return OK;
}

/* ---- ending ---- */

enum err buy_graph_drop(struct buy *buy, const struct hash *id, uint64_t now_ms,
                        struct trade_effects *out)
{
    struct buy_item *items[GRAPH_PARTS_MAX];
    struct buy_graph_item *graph;
    uint32_t count;
    buy_begin(buy, now_ms, out);
    graph = find(buy, id);
    if (graph == NULL)
        return ERR_NOT_FOUND;
    if (!graph->face.draft)
        return ERR_STATE;
    count = graph->face.graph.part_count;
    memcpy(items, graph->items, sizeof(items));
    buy_graph_free(buy, graph);
    take_back(buy, items, count);
    return OK;
}

enum err buy_graph_cancel(struct buy *buy, const struct hash *id,
                          uint64_t now_ms, struct trade_effects *out)
{
    struct buy_graph_item *graph;
    bool any = false;
    buy_begin(buy, now_ms, out);
    graph = find(buy, id);
    if (graph == NULL)
        return ERR_NOT_FOUND;
    for (uint32_t i = 0; i < graph->face.graph.part_count; i++)
        any |= buy_item_cancel(buy, graph->items[i], UINT32_MAX);
    return any ? OK : ERR_STATE;
}

enum err buy_graph_erase(struct buy *buy, const struct hash *id,
                         uint64_t now_ms, struct trade_effects *out)
{
    struct buy_graph_item *graph;
    buy_begin(buy, now_ms, out);
    graph = find(buy, id);
    if (graph == NULL)
        return ERR_NOT_FOUND;
    buy_graph_refresh(graph);
    if (graph->face.ended_at_ms == 0 || buy_graph_is_used(buy, graph))
        return ERR_STATE;
    buy_graph_forget(buy, graph);
    return OK;
}
