#include "sched/cut/decompose_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct sum {
    uint64_t want[RES_COUNT];
    uint64_t least[RES_COUNT];
    uint64_t sites;
    uint64_t apart;
    uint32_t members;
    uint32_t inside; /* the cluster of the coarser level */
    uint64_t homes;  /* boxes that would do, with all that is within it */
};

struct looker {
    const struct cut_case *cut;
    const struct decomposition *d;
    struct sum *sums[CUT_LEVELS];
};

static bool wanted(const struct looker *l, uint32_t level)
{
    return (l->cut->levels >> level & 1) != 0;
}

/* The next finer level that is wanted; CUT_LEVELS: none. */
static uint32_t finer(const struct looker *l, uint32_t level)
{
    do
        level++;
    while (level < CUT_LEVELS && !wanted(l, level));
    return level;
}

/* ---- what is in each cluster ---- */

static enum err add_member(struct looker *l, uint32_t level, uint32_t c)
{
    const struct cut_component *component = &l->cut->graph->components[c];
    const struct decompose_level *told = &l->d->levels[level];
    uint64_t group =
        component->apart == 0 ? 0 : UINT64_C(1) << (component->apart - 1);
    struct sum *sum;
    if (told->cluster[c] >= told->count)
        return ERR_STATE;
    sum = &l->sums[level][told->cluster[c]];
    if (sum->members++ == 0)
        sum->sites = UINT64_MAX;
    for (uint32_t r = 0; r < RES_COUNT; r++) {
        sum->want[r] += component->want.of[r];
        if (component->least.of[r] > sum->least[r])
            sum->least[r] = component->least.of[r];
    }
    sum->sites &= component->sites;
    if (level != CUT_SITE && (sum->apart & group) != 0)
        return ERR_PARTY;
    sum->apart |= group;
    return OK;
}

static enum err sum_level(struct looker *l, uint32_t level)
{
    const struct decompose_level *told = &l->d->levels[level];
    uint32_t n = l->cut->graph->component_count;
    if (told->cluster == NULL || told->count == 0 || told->count > n)
        return ERR_STATE;
    l->sums[level] = calloc(told->count, sizeof(*l->sums[level]));
    if (l->sums[level] == NULL)
        return ERR_NOMEM;
    for (uint32_t c = 0; c < n; c++)
        TRY(add_member(l, level, c));
    for (uint32_t i = 0; i < told->count; i++) {
        if (l->sums[level][i].members == 0)
            return ERR_STATE;
    }
    return OK;
}

/* ---- together ---- */

struct member {
    uint32_t group;
    uint32_t cluster;
};

static int by_group(const void *a, const void *b)
{
    const struct member *x = a;
    const struct member *y = b;
    return (x->group > y->group) - (x->group < y->group);
}

static enum err check_groups(const struct looker *l, uint32_t level)
{
    const struct cutgraph *graph = l->cut->graph;
    struct member *list = calloc(graph->component_count, sizeof(*list));
    uint32_t count = 0;
    enum err err = list == NULL ? ERR_NOMEM : OK;
    for (uint32_t c = 0; err == OK && c < graph->component_count; c++) {
        if (graph->components[c].together != 0)
            list[count++] = (struct member){graph->components[c].together,
                                            l->d->levels[level].cluster[c]};
    }
    if (count > 1)
        qsort(list, count, sizeof(*list), by_group);
    for (uint32_t i = 1; err == OK && i < count; i++) {
        if (list[i].group == list[i - 1].group &&
            list[i].cluster != list[i - 1].cluster)
            err = ERR_PARTY;
    }
    free(list);
    return err;
}

static enum err check_links(const struct looker *l, uint32_t level)
{
    const struct cutgraph *graph = l->cut->graph;
    const struct decompose_level *told = &l->d->levels[level];
    uint64_t cut = 0;
    for (uint32_t i = 0; i < graph->link_count; i++) {
        const struct cut_link *link = &graph->links[i];
        if (told->cluster[link->from] == told->cluster[link->to])
            continue;
        if (link->kept >> level != 0)
            return ERR_PARTY;
        cut += link->weight;
    }
    return cut == told->cut ? OK : ERR_PROOF;
}

static enum err check_nesting(struct looker *l, uint32_t level)
{
    uint32_t fine = finer(l, level);
    if (fine == CUT_LEVELS)
        return OK;
    for (uint32_t i = 0; i < l->d->levels[fine].count; i++)
        l->sums[fine][i].inside = UINT32_MAX;
    for (uint32_t c = 0; c < l->cut->graph->component_count; c++) {
        struct sum *sum = &l->sums[fine][l->d->levels[fine].cluster[c]];
        uint32_t inside = l->d->levels[level].cluster[c];
        if (sum->inside != UINT32_MAX && sum->inside != inside)
            return ERR_RANGE;
        sum->inside = inside;
    }
    return OK;
}

/* ---- room ---- */

static bool holds(const uint64_t room[RES_COUNT], const struct sum *sum)
{
    for (uint32_t r = 0; r < RES_COUNT; r++) {
        if (room[r] < sum->want[r] || room[r] < sum->least[r])
            return false;
    }
    return true;
}

/* Is the finer box part of the coarser? Boxes of offers and devices bear the
 * number of their offer. */
static bool is_within(const struct cut_places *places, uint32_t coarse,
                      uint32_t box, uint32_t fine_box)
{
    return coarse == CUT_SITE ? places->site_of[fine_box] == box
                              : fine_box == box;
}

/* Does every finer cluster in it have a home within this box? */
static bool inner_fit(const struct looker *l, uint32_t level, uint32_t i,
                      uint32_t box)
{
    uint32_t fine = finer(l, level);
    if (fine == CUT_LEVELS)
        return true;
    for (uint32_t k = 0; k < l->d->levels[fine].count; k++) {
        const struct sum *sum = &l->sums[fine][k];
        bool found = false;
        if (sum->inside != i)
            continue;
        for (uint32_t b = 0; b < CUT_KINDS_MAX && !found; b++)
            found = (sum->homes >> b & 1) != 0 &&
                    is_within(l->cut->places, level, box, b);
        if (!found)
            return false;
    }
    return true;
}

static enum err find_homes(const struct looker *l, uint32_t level)
{
    const struct cut_places *places = l->cut->places;
    const struct cut_boxes *boxes = &places->boxes[level];
    for (uint32_t i = 0; i < l->d->levels[level].count; i++) {
        struct sum *sum = &l->sums[level][i];
        for (uint32_t b = 0; b < boxes->count; b++) {
            uint32_t site = level == CUT_SITE ? b : places->site_of[b];
            if ((boxes->known >> b & 1) != 0 && (sum->sites >> site & 1) != 0 &&
                holds(boxes->room[b], sum) && inner_fit(l, level, i, b))
                sum->homes |= UINT64_C(1) << b;
        }
        if (sum->homes == 0)
            return ERR_CAPACITY;
    }
    return OK;
}

/* Is the home that is told of each cluster one, and within that of the cluster
 * around it? */
static enum err check_told_homes(const struct looker *l, uint32_t level)
{
    const struct decompose_level *told = &l->d->levels[level];
    uint32_t fine = finer(l, level);
    for (uint32_t i = 0; told->home != NULL && i < told->count; i++) {
        if (told->home[i] >= CUT_KINDS_MAX ||
            (l->sums[level][i].homes >> told->home[i] & 1) == 0)
            return ERR_CAPACITY;
    }
    if (fine == CUT_LEVELS || told->home == NULL ||
        l->d->levels[fine].home == NULL)
        return OK;
    for (uint32_t k = 0; k < l->d->levels[fine].count; k++) {
        uint32_t inside = l->sums[fine][k].inside;
        if (!is_within(l->cut->places, level, told->home[inside],
                       l->d->levels[fine].home[k]))
            return ERR_CAPACITY;
    }
    return OK;
}

/* ---- circles ---- */

/* Takes clusters away that nothing left leads to; what stays is on circles or
 * behind one. */
static enum err check_circles(const struct looker *l, uint32_t level)
{
    const struct cutgraph *graph = l->cut->graph;
    const struct decompose_level *told = &l->d->levels[level];
    bool *gone = calloc(told->count, sizeof(*gone));
    bool *led = calloc(told->count, sizeof(*led));
    enum err err = gone == NULL || led == NULL ? ERR_NOMEM : OK;
    uint32_t left = told->count;
    uint32_t before = 0;
    bool in_row = true;
    while (err == OK && left > 0 && left != before) {
        before = left;
        memset(led, 0, told->count * sizeof(*led));
        for (uint32_t i = 0; i < graph->link_count; i++) {
            uint32_t from = told->cluster[graph->links[i].from];
            uint32_t to = told->cluster[graph->links[i].to];
            if (!graph->links[i].flow || from == to)
                continue;
            in_row = in_row && from < to;
            led[to] = led[to] || !gone[from];
        }
        for (uint32_t k = 0; k < told->count; k++) {
            left -= !gone[k] && !led[k];
            gone[k] = gone[k] || !led[k];
        }
        if (in_row) /* no circle can be */
            left = 0;
    }
    free(gone);
    free(led);
    if (err == OK && (left == 0) != told->acyclic)
        return ERR_DEPTH;
    return err == OK && told->acyclic && !in_row ? ERR_DEPTH : err;
}

/* ---- the whole ---- */

static enum err look(struct looker *l)
{
    for (uint32_t i = 0; i < CUT_LEVELS; i++) {
        if (wanted(l, i))
            TRY(sum_level(l, i));
    }
    for (uint32_t i = CUT_LEVELS; i-- > 0;) {
        if (!wanted(l, i))
            continue;
        TRY(check_nesting(l, i));
        if (i != CUT_DEVICE)
            TRY(check_groups(l, i));
        TRY(check_links(l, i));
        TRY(find_homes(l, i));
        TRY(check_told_homes(l, i));
        TRY(check_circles(l, i));
    }
    return OK;
}

enum err decompose_check(const struct cut_case *cut,
                         const struct decomposition *d)
{
    struct looker l = {cut, d, {NULL}};
    enum err err = look(&l);
    for (uint32_t i = 0; i < CUT_LEVELS; i++)
        free(l.sums[i]);
    return err;
}
