/* How full the measured ways are with what our own tasks were promised on them,
 * for the policy that balances links. */

#include "node/trade/buy_item.h"

#include "base/check.h"

#include <stdlib.h>

#define MILLION    1000000u
#define WAYS_ARENA (4u * 1024 * 1024)

struct use {
    struct pubkey a; /* the lower key */
    struct pubkey b;
    uint64_t kbps;
    uint64_t used_kbps;
};

struct uses {
    struct use *of; /* by their keys */
    uint32_t count;
};

static int by_keys(const void *x, const void *y)
{
    const struct use *a = x;
    const struct use *b = y;
    int order = pubkey_compare(&a->a, &b->a);
    return order != 0 ? order : pubkey_compare(&a->b, &b->b);
}

static struct use use_between(const struct pubkey *x, const struct pubkey *y)
{
    bool in_order = pubkey_compare(x, y) < 0;
    return (struct use){.a = in_order ? *x : *y, .b = in_order ? *y : *x};
}

static enum err roads_of(const struct buy *buy, struct arena *arena,
                         struct uses *out)
{
    out->of = arena_calloc(arena, buy->road_count + 1, sizeof(*out->of));
    out->count = 0;
    if (out->of == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < buy->road_count; i++) {
        const struct graph_road *road = &buy->roads[i];
        if (road->kbps == 0)
            continue;
        out->of[out->count] = use_between(&road->a, &road->b);
        out->of[out->count++].kbps = road->kbps;
    }
    if (out->count > 1)
        qsort(out->of, out->count, sizeof(*out->of), by_keys);
    return OK;
}

/* On a way that was not measured nothing can be promised. */
static void add(struct uses *uses, const struct pubkey *x,
                const struct pubkey *y, uint64_t kbps)
{
    struct use wanted = use_between(x, y);
    struct use *use = uses->count == 0 ? NULL
                                       : bsearch(&wanted, uses->of, uses->count,
                                                 sizeof(wanted), by_keys);
    if (use == NULL)
        return;
    use->used_kbps =
        use->used_kbps > UINT64_MAX - kbps ? UINT64_MAX : use->used_kbps + kbps;
}

static bool is_there(const struct buy_task *t)
{
    return buy_state_there(t->state) && !pubkey_is_zero(&t->provider);
}

static void add_tasks(const struct buy *buy, struct uses *uses)
{
    for (const struct buy_item *item = buy->first; item != NULL;
         item = item->next) {
        uint64_t kbps = item->face.request.resources.nic_kbit;
        if (kbps == 0 || item->face.ended_at_ms != 0)
            continue;
        for (uint32_t i = 0; i < item->face.task_count; i++)
            if (is_there(&item->tasks[i]))
                add(uses, &buy->config.self, &item->tasks[i].provider, kbps);
    }
}

static const struct buy_task *task_of(const struct buy_graph_item *graph,
                                      uint32_t seat)
{
    uint32_t part = 0;
    while (seat >= graph->face.graph.parts[part].tasks)
        seat -= graph->face.graph.parts[part++].tasks;
    return &graph->items[part]->tasks[seat];
}

/* What was promised on the ways of a graph, while who they lead to is there. */
static void add_ways(const struct buy *buy, const struct buy_graph_item *graph,
                     struct uses *uses)
{
    const struct pubkey *self = &buy->config.self;
    for (uint32_t i = 0; i < graph->face.plan.way_count; i++) {
        const struct graph_way *way = &graph->face.plan.ways[i];
        uint64_t kbps = graph->face.graph.links[way->link].kbps;
        const struct buy_task *to = task_of(graph, way->to);
        const struct pubkey *from = way->from == GRAPH_BUYER
                                        ? self
                                        : &task_of(graph, way->from)->provider;
        if (kbps == 0 || way->steps == 0 || !is_there(to))
            continue;
        if (way->steps == 1) {
            add(uses, from, &to->provider, kbps);
            continue;
        }
        add(uses, from, self, kbps);
        add(uses, self, &to->provider, kbps);
    }
}

static enum err hand_over(const struct buy *buy, struct arena *arena,
                          const struct uses *uses)
{
    struct book_way *ways = arena_calloc(arena, uses->count + 1, sizeof(*ways));
    uint32_t *beside = arena_calloc(arena, uses->count + 1, sizeof(*beside));
    uint32_t way_count = 0;
    uint32_t beside_count = 0;
    if (ways == NULL || beside == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < uses->count; i++) {
        const struct use *use = &uses->of[i];
        bool from_self = pubkey_equal(&use->a, &buy->config.self);
        if (from_self || pubkey_equal(&use->b, &buy->config.self))
            ways[way_count++] =
                (struct book_way){.provider = from_self ? use->b : use->a,
                                  .kbps = use->kbps,
                                  .used_kbps = use->used_kbps};
        else if (use->used_kbps >= use->kbps)
            beside[beside_count++] = MILLION;
        else if (use->used_kbps > 0) /* below 2^44: roads are of 32 bits */
            beside[beside_count++] =
                (uint32_t)(use->used_kbps * MILLION / use->kbps);
    }
    return book_ways_set(buy->book, ways, way_count, beside, beside_count);
}

static enum err tell(const struct buy *buy, struct arena *arena)
{
    struct uses uses;
    TRY(roads_of(buy, arena, &uses));
    add_tasks(buy, &uses);
    for (const struct buy_graph_item *graph = buy->graphs; graph != NULL;
         graph = graph->next)
        if (graph->face.planned && graph->bound)
            add_ways(buy, graph, &uses);
    return hand_over(buy, arena, &uses);
}

enum err buy_tell_ways(const struct buy *buy)
{
    struct arena arena;
    enum err err;
    arena_init(&arena, WAYS_ARENA);
    err = tell(buy, &arena);
    arena_done(&arena);
    return err;
}

bool buy_balances_ways(const struct request *request)
{
    return request->policy == POLICY_BALANCED &&
           request->resources.nic_kbit > 0 &&
           policy_weight(request->policy, &request->terms, PART_LINK) > 0;
}
