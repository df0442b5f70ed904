#include "sched/cut/bound.h"

#include <stdlib.h>
#include <string.h>

static bool wanted(const struct bound *b, enum cut_level level)
{
    return (b->cut->levels & cut_level_bit(level)) != 0;
}

/* ---- the graph ---- */

static void load_units(struct bound *b)
{
    const struct cutgraph *graph = b->cut->graph;
    for (uint32_t c = 0; c < graph->component_count; c++) {
        const struct cut_component *component = &graph->components[c];
        struct cut_unit *unit = &b->all.units[c];
        unit_clear(unit);
        for (uint32_t r = 0; r < RES_COUNT; r++) {
            unit->want[r] = component->want.of[r];
            unit->least[r] = component->least.of[r];
        }
        if (component->apart != 0)
            unit->apart = UINT64_C(1) << (component->apart - 1);
    }
}

/* All components, and every link as an arc at both ends. */
static enum err load_graph(struct bound *b)
{
    const struct cutgraph *graph = b->cut->graph;
    uint32_t n = graph->component_count;
    struct coarse *all = &b->all;
    all->n = n;
    all->units = arena_calloc(b->arena, n, sizeof(*all->units));
    all->first = arena_calloc(b->arena, (size_t)n + 2, sizeof(*all->first));
    all->arcs = arena_calloc(b->arena, 2 * (size_t)graph->link_count,
                             sizeof(*all->arcs));
    if (all->units == NULL || all->first == NULL || all->arcs == NULL)
        return ERR_NOMEM;
    load_units(b);
    for (uint32_t i = 0; i < graph->link_count; i++) {
        all->first[graph->links[i].from + 2]++;
        all->first[graph->links[i].to + 2]++;
    }
    for (uint32_t c = 0; c < n; c++)
        all->first[c + 2] += all->first[c + 1];
    for (uint32_t i = 0; i < graph->link_count; i++) {
        const struct cut_link *link = &graph->links[i];
        all->arcs[all->first[link->from + 1]++] = (struct coarse_arc){
            link->weight, link->to, link->flow ? ARC_OUT : 0};
        all->arcs[all->first[link->to + 1]++] = (struct coarse_arc){
            link->weight, link->from, link->flow ? ARC_IN : 0};
    }
    return OK;
}

/* ---- what is bound together ---- */

static uint32_t root_of(uint32_t *above, uint32_t c)
{
    while (above[c] != c) {
        above[c] = above[above[c]];
        c = above[c];
    }
    return c;
}

static void bind(uint32_t *above, uint32_t a, uint32_t b)
{
    uint32_t x = root_of(above, a);
    uint32_t y = root_of(above, b);
    above[x > y ? x : y] = x > y ? y : x;
}

struct grouped {
    uint32_t group;
    uint32_t component;
};

static int by_group(const void *a, const void *b)
{
    const struct grouped *x = a;
    const struct grouped *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->component > y->component) - (x->component < y->component);
}

static enum err bind_groups(struct bound *b, uint32_t *above)
{
    const struct cutgraph *graph = b->cut->graph;
    uint32_t n = graph->component_count;
    uint32_t count = 0;
    struct grouped *list = arena_calloc(b->arena, n, sizeof(*list));
    if (list == NULL)
        return ERR_NOMEM;
    for (uint32_t c = 0; c < n; c++) {
        if (graph->components[c].together != 0)
            list[count++] = (struct grouped){graph->components[c].together, c};
    }
    if (count > 1)
        qsort(list, count, sizeof(*list), by_group);
    for (uint32_t i = 1; i < count; i++) {
        if (list[i].group == list[i - 1].group)
            bind(above, list[i].component, list[i - 1].component);
    }
    return OK;
}

/* bound[level][c]: the first component of c's bound unit. */
static enum err bind_level(struct bound *b, enum cut_level level)
{
    const struct cutgraph *graph = b->cut->graph;
    uint32_t n = graph->component_count;
    uint32_t *above = arena_calloc(b->arena, n, sizeof(*above));
    if (above == NULL)
        return ERR_NOMEM;
    for (uint32_t c = 0; c < n; c++)
        above[c] = c;
    if (level != CUT_DEVICE)
        TRY(bind_groups(b, above));
    for (uint32_t i = 0; i < graph->link_count; i++) {
        if (graph->links[i].kept >> (uint32_t)level != 0)
            bind(above, graph->links[i].from, graph->links[i].to);
    }
    for (uint32_t c = 0; c < n; c++)
        above[c] = root_of(above, c);
    b->of[level] = above;
    return OK;
}

/* ---- where each may be ---- */

uint64_t bound_offers(const struct cut_places *places, uint64_t sites)
{
    uint64_t offers = 0;
    for (uint32_t o = 0; o < places->boxes[CUT_OFFER].count; o++) {
        if ((sites >> places->site_of[o] & 1) != 0)
            offers |= UINT64_C(1) << o;
    }
    return offers;
}

static uint64_t sites_of(const struct cut_places *places, uint64_t offers)
{
    uint64_t sites = 0;
    for (uint32_t o = 0; o < places->boxes[CUT_OFFER].count; o++) {
        if ((offers >> o & 1) != 0)
            sites |= UINT64_C(1) << places->site_of[o];
    }
    return sites;
}

/* Boxes of the level that the component may be in, as far as its sites and the
 * finer levels say. */
static uint64_t allowed(const struct bound *b, enum cut_level level, uint32_t c)
{
    const struct cut_places *places = b->cut->places;
    uint64_t sites = b->cut->graph->components[c].sites;
    if (level == CUT_SITE) {
        if (wanted(b, CUT_OFFER))
            sites &= sites_of(places, b->boxes[CUT_OFFER][c]);
        else if (wanted(b, CUT_DEVICE))
            sites &= sites_of(places, b->boxes[CUT_DEVICE][c]);
        return sites;
    }
    if (level == CUT_OFFER && wanted(b, CUT_DEVICE))
        return bound_offers(places, sites) & b->boxes[CUT_DEVICE][c];
    return bound_offers(places, sites);
}

static enum err blame(const struct bound *b, enum cut_level level,
                      uint32_t root, bool apart, struct cut_fault *out)
{
    out->level = level;
    out->component = root;
    out->members = 0;
    out->apart = apart;
    for (uint32_t c = 0; c < b->all.n; c++)
        out->members += b->of[level][c] == root;
    return ERR_CAPACITY;
}

/* boxes[level][c]: where c's bound unit fits as a whole. */
static enum err fit_level(struct bound *b, enum cut_level level,
                          struct cut_fault *out_fault)
{
    const uint32_t *bound = b->of[level];
    struct cut_unit *sums = arena_calloc(b->arena, b->all.n, sizeof(*sums));
    uint64_t *boxes = arena_calloc(b->arena, b->all.n, sizeof(*boxes));
    if (sums == NULL || boxes == NULL)
        return ERR_NOMEM;
    for (uint32_t c = 0; c < b->all.n; c++)
        unit_clear(&sums[c]);
    for (uint32_t c = 0; c < b->all.n; c++) {
        struct cut_unit unit = b->all.units[c];
        struct cut_unit *sum = &sums[bound[c]];
        if (level != CUT_SITE && (sum->apart & unit.apart) != 0)
            return blame(b, level, bound[c], true, out_fault);
        unit.boxes = allowed(b, level, c);
        unit_add(sum, &unit);
    }
    for (uint32_t c = 0; c < b->all.n; c++) {
        const struct cut_unit *sum = &sums[bound[c]];
        boxes[c] = cut_boxes_fit(&b->cut->places->boxes[level], sum->want,
                                 sum->least, sum->boxes);
        if (boxes[c] == 0)
            return blame(b, level, bound[c], false, out_fault);
    }
    b->boxes[level] = boxes;
    return OK;
}

enum err bound_init(struct bound *b, struct arena *arena,
                    const struct cut_case *cut, struct cut_fault *out_fault)
{
    memset(b, 0, sizeof(*b));
    b->cut = cut;
    b->arena = arena;
    TRY(load_graph(b));
    for (uint32_t i = CUT_LEVELS; i-- > 0;) {
        if (!wanted(b, (enum cut_level)i))
            continue;
        TRY(bind_level(b, (enum cut_level)i));
        TRY(fit_level(b, (enum cut_level)i, out_fault));
    }
    return OK;
}
