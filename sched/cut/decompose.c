#include "sched/cut/decompose.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sched/cut/bisect.h"
#include "sched/cut/bound.h"
#include "sched/cut/cut_exact.h"
#include "sched/cut/multilevel.h"

__extension__ typedef unsigned __int128 wide;

#define NONE        UINT32_MAX
#define PLACES_MAX  4u /* boxes that a cluster's parts are tried in */
#define EXACT_STEPS 20000000u

const struct decompose_options decompose_options_default = {0, 0, 12};

struct work {
    const struct cut_case *cut;
    const struct decompose_options *options;
    struct arena arena; /* for all of the call */
    struct bound bound;
    struct decomposition *out;
};

static bool wanted(const struct work *w, enum cut_level level)
{
    return (w->cut->levels & cut_level_bit(level)) != 0;
}

/* ---- one cluster of the coarser level ---- */

struct piece {
    const uint32_t *members; /* components */
    uint32_t count;
    enum cut_level level; /* to cut it at */
    uint64_t mask;        /* boxes of that level it may use */
};

struct parts {
    uint32_t *of; /* of each member */
    uint32_t k;
    uint64_t cut;
    bool proven;
};

/* How much of the largest box of the level each unit takes. */
static void measure(struct coarse *g, const struct cut_boxes *boxes)
{
    for (uint32_t u = 0; u < g->n; u++) {
        struct cut_unit *unit = &g->units[u];
        unit->size = 0;
        for (uint32_t r = 0; r < RES_COUNT; r++) {
            uint64_t size;
            if (unit->want[r] == 0)
                continue;
            size =
                (uint64_t)((wide)unit->want[r] * COARSE_BOX / boxes->most[r]);
            if (size > unit->size)
                unit->size = size;
        }
    }
}

/* Numbers bound units from 0, in the order of their first members. */
static uint32_t number_units(const uint32_t *bound, const struct piece *piece,
                             uint32_t *scratch, uint32_t *out_map)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < piece->count; i++)
        scratch[bound[piece->members[i]]] = NONE;
    for (uint32_t i = 0; i < piece->count; i++) {
        uint32_t root = bound[piece->members[i]];
        if (scratch[root] == NONE)
            scratch[root] = n++;
        out_map[i] = scratch[root];
    }
    return n;
}

/* The piece as a graph of bound units; map: from members to them. */
static enum err open_piece(struct work *w, struct arena *arena,
                           const struct piece *piece, uint32_t *map,
                           struct coarse *out)
{
    struct coarse sub;
    uint32_t *scratch = arena_calloc(arena, w->bound.all.n, sizeof(*scratch));
    uint32_t n;
    if (scratch == NULL)
        return ERR_NOMEM;
    TRY(coarse_subset(arena, &w->bound.all, piece->members, piece->count,
                      &sub));
    for (uint32_t i = 0; i < piece->count; i++) {
        sub.units[i].boxes =
            w->bound.boxes[piece->level][piece->members[i]] & piece->mask;
        if (piece->level == CUT_SITE)
            sub.units[i].apart = 0;
    }
    n = number_units(w->bound.of[piece->level], piece, scratch, map);
    return coarse_contract(arena, &sub, map, n, out);
}

/* Takes what lies on circles between bound units into one, if all of these fit
 * a box; *out_ordered: there is no circle now. */
static enum err close_circles(struct arena *arena,
                              const struct cut_boxes *boxes, uint32_t *map,
                              uint32_t count, struct coarse *g,
                              bool *out_ordered)
{
    uint32_t *circle = arena_calloc(arena, g->n, sizeof(*circle));
    struct cut_unit *sums = arena_calloc(arena, g->n, sizeof(*sums));
    struct coarse closed;
    uint32_t n = 0;
    if (circle == NULL || sums == NULL)
        return ERR_NOMEM;
    TRY(coarse_circles(arena, g, circle, &n));
    *out_ordered = true;
    if (n == g->n)
        return OK;
    for (uint32_t i = 0; i < n; i++)
        unit_clear(&sums[i]);
    for (uint32_t u = 0; u < g->n; u++) {
        *out_ordered =
            *out_ordered && unit_joins(boxes, &sums[circle[u]], &g->units[u]);
        unit_add(&sums[circle[u]], &g->units[u]);
    }
    if (!*out_ordered)
        return OK;
    TRY(coarse_contract(arena, g, circle, n, &closed));
    for (uint32_t i = 0; i < count; i++)
        map[i] = circle[map[i]];
    *g = closed;
    return OK;
}

static enum err cut_graph(const struct work *w, const struct cut_boxes *boxes,
                          const struct coarse *g, bool ordered, uint32_t *part,
                          struct parts *out)
{
    struct multilevel_rules rules = {boxes, ordered, w->options->seed,
                                     w->options->trials};
    TRY(multilevel(g, &rules, part, &out->k, &out->cut));
    out->proven = out->cut == 0;
    if (!out->proven && g->n <= w->options->exact_units) {
        cut_exact(g, boxes, ordered, EXACT_STEPS, part, &out->k, &out->cut,
                  &out->proven);
    }
    return OK;
}

/* Parts in a row where their flow arcs allow one. */
static enum err put_in_row(struct arena *arena, const struct coarse *g,
                           uint32_t *part, uint32_t k)
{
    struct coarse parts;
    uint32_t *row = arena_calloc(arena, k, sizeof(*row));
    uint32_t n = 0;
    if (row == NULL)
        return ERR_NOMEM;
    TRY(coarse_contract(arena, g, part, k, &parts));
    TRY(coarse_circles(arena, &parts, row, &n));
    for (uint32_t u = 0; n == k && u < g->n; u++)
        part[u] = row[part[u]];
    return OK;
}

static enum err cut_piece(struct work *w, bool dag, const struct piece *piece,
                          struct parts *out)
{
    const struct cut_boxes *boxes = &w->cut->places->boxes[piece->level];
    struct arena arena;
    struct coarse g;
    uint32_t *map;
    uint32_t *part = NULL;
    bool ordered = false;
    enum err err;
    arena_init(&arena, CUT_SCRATCH_MAX);
    map = arena_calloc(&arena, piece->count, sizeof(*map));
    err = map == NULL ? ERR_NOMEM : open_piece(w, &arena, piece, map, &g);
    if (err == OK && dag)
        err = close_circles(&arena, boxes, map, piece->count, &g, &ordered);
    if (err == OK) {
        part = arena_calloc(&arena, g.n, sizeof(*part));
        err = part == NULL ? ERR_NOMEM : OK;
    }
    if (err == OK) {
        measure(&g, boxes);
        err = cut_graph(w, boxes, &g, ordered, part, out);
    }
    if (err == OK)
        err = put_in_row(&arena, &g, part, out->k);
    for (uint32_t i = 0; err == OK && i < piece->count; i++)
        out->of[i] = part[map[i]];
    arena_done(&arena);
    return err;
}

/* ---- one level ---- */

struct step {
    enum cut_level level;
    struct decompose_level *above; /* NULL: none */
    enum cut_level above_level;
    bool dag;
    uint32_t *members; /* sorted by cluster of the level above */
    struct parts now;
    struct parts best;
    uint64_t best_mask;
    uint32_t home;      /* tried now, */
    uint32_t best_home; /* and of the best: a box of the level above */
    /* Of each cluster of the level above, and of this one: boxes it may be in,
     * now that it is known where the cluster around it goes. */
    uint64_t *masks_above;
    uint64_t *masks;
};

/* Boxes of the level above that hold the piece as a whole. */
static uint64_t homes_of(const struct work *w, const struct step *step,
                         const struct piece *piece)
{
    struct cut_unit sum;
    unit_clear(&sum);
    for (uint32_t i = 0; i < piece->count; i++) {
        struct cut_unit unit = w->bound.all.units[piece->members[i]];
        unit.boxes = w->bound.boxes[step->above_level][piece->members[i]];
        unit_add(&sum, &unit);
    }
    return cut_boxes_fit(&w->cut->places->boxes[step->above_level], sum.want,
                         sum.least, sum.boxes);
}

/* The first box for each cluster of a level that was just cut; the next level
 * may find a better one. */
static enum err find_homes(struct work *w, struct step *step,
                           struct decompose_level *level)
{
    struct cut_unit *sums =
        arena_calloc(&w->arena, level->count, sizeof(*sums));
    if (sums == NULL)
        return ERR_NOMEM;
    for (uint32_t k = 0; k < level->count; k++)
        unit_clear(&sums[k]);
    for (uint32_t c = 0; c < w->bound.all.n; c++) {
        struct cut_unit unit = w->bound.all.units[c];
        unit.boxes = w->bound.boxes[step->level][c];
        unit_add(&sums[level->cluster[c]], &unit);
    }
    for (uint32_t k = 0; k < level->count; k++) {
        uint64_t fits =
            cut_boxes_fit(&w->cut->places->boxes[step->level], sums[k].want,
                          sums[k].least, sums[k].boxes & step->masks[k]);
        CHECK(fits != 0);
        level->home[k] = (uint32_t)__builtin_ctzll(fits);
    }
    return OK;
}

static void keep_if_better(const struct piece *piece, struct step *step,
                           bool first)
{
    struct parts *now = &step->now;
    struct parts *best = &step->best;
    bool proven = now->proven && (first || best->proven);
    if (first || now->cut < best->cut ||
        (now->cut == best->cut && now->k < best->k)) {
        memcpy(best->of, now->of, piece->count * sizeof(*now->of));
        best->k = now->k;
        best->cut = now->cut;
        step->best_mask = piece->mask;
        step->best_home = step->home;
    }
    best->proven = proven || best->cut == 0;
}

/* All of the piece goes to one place of the level above; which, is tried. */
static enum err cut_somewhere(struct work *w, struct step *step, uint64_t homes,
                              struct piece *piece)
{
    uint32_t tried = 0;
    piece->mask = UINT64_MAX;
    if (step->above == NULL) {
        TRY(cut_piece(w, step->dag, piece, &step->now));
        keep_if_better(piece, step, true);
        return OK;
    }
    homes &= homes_of(w, step, piece);
    CHECK(homes != 0);
    while (homes != 0 && tried < PLACES_MAX) {
        uint64_t home = homes & ~(homes - 1);
        homes &= homes - 1;
        step->home = (uint32_t)__builtin_ctzll(home);
        piece->mask = step->above_level == CUT_SITE
                          ? bound_offers(w->cut->places, home)
                          : home;
        TRY(cut_piece(w, step->dag, piece, &step->now));
        keep_if_better(piece, step, tried++ == 0);
        if (step->best.cut == 0 && step->best.k == 1)
            return OK;
    }
    if (homes != 0)
        step->best.proven = step->best.cut == 0;
    return OK;
}

/* Members of all clusters above, one after the other; ends[i]: of cluster i. */
static uint32_t sort_members(const struct work *w, struct step *step,
                             uint32_t *ends)
{
    uint32_t n = w->bound.all.n;
    uint32_t count = step->above == NULL ? 1 : step->above->count;
    uint32_t end = 0;
    for (uint32_t c = 0; c < n; c++)
        ends[step->above == NULL ? 0 : step->above->cluster[c]]++;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = ends[i];
        ends[i] = end;
        end += size;
    }
    for (uint32_t c = 0; c < n; c++)
        step->members[ends[step->above == NULL ? 0
                                               : step->above->cluster[c]]++] =
            c;
    return count;
}

static uint64_t weight_cut(const struct cutgraph *graph,
                           const uint32_t *cluster)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < graph->link_count; i++) {
        const struct cut_link *link = &graph->links[i];
        sum += cluster[link->from] == cluster[link->to] ? 0 : link->weight;
    }
    return sum;
}

/* Renumbers clusters; `masks` of each move with them. */
static void renumber(struct decompose_level *level, const uint32_t *number,
                     uint32_t components, uint64_t *masks, uint64_t *scratch)
{
    for (uint32_t c = 0; c < components; c++)
        level->cluster[c] = number[level->cluster[c]];
    for (uint32_t k = 0; k < level->count; k++)
        scratch[number[k]] = masks[k];
    memcpy(masks, scratch, level->count * sizeof(*masks));
}

static bool is_row(const struct coarse *clusters)
{
    for (uint32_t k = 0; k < clusters->n; k++) {
        for (uint32_t i = clusters->first[k]; i < clusters->first[k + 1]; i++) {
            if ((clusters->arcs[i].flow & ARC_OUT) != 0 &&
                clusters->arcs[i].to < k)
                return false;
        }
    }
    return true;
}

/* Pieces are rows within the row of the coarser level. That one may have
 * circles where this one has none: then all are numbered anew. */
static enum err look_at_order(struct work *w, struct arena *arena,
                              struct step *step, struct decompose_level *level)
{
    struct coarse clusters;
    uint32_t *number = arena_calloc(arena, level->count, sizeof(*number));
    uint64_t *scratch = arena_calloc(arena, level->count, sizeof(*scratch));
    uint32_t n = 0;
    if (number == NULL || scratch == NULL)
        return ERR_NOMEM;
    TRY(coarse_contract(arena, &w->bound.all, level->cluster, level->count,
                        &clusters));
    TRY(coarse_circles(arena, &clusters, number, &n));
    level->acyclic = n == level->count;
    if (level->acyclic && !is_row(&clusters))
        renumber(level, number, w->bound.all.n, step->masks, scratch);
    return OK;
}

static enum err cut_level(struct work *w, struct step *step)
{
    struct decompose_level *out = &w->out->levels[step->level];
    uint32_t n = w->bound.all.n;
    uint32_t *ends = arena_calloc(&w->arena, n, sizeof(*ends));
    uint32_t begin = 0;
    uint32_t clusters;
    struct arena arena;
    enum err err;
    if (ends == NULL)
        return ERR_NOMEM;
    clusters = sort_members(w, step, ends);
    out->proven = true;
    for (uint32_t i = 0; i < clusters; begin = ends[i++]) {
        struct piece piece = {step->members + begin, ends[i] - begin,
                              step->level, 0};
        TRY(cut_somewhere(w, step, step->masks_above[i], &piece));
        if (step->above != NULL)
            step->above->home[i] = step->best_home;
        for (uint32_t m = 0; m < piece.count; m++)
            out->cluster[piece.members[m]] = out->count + step->best.of[m];
        for (uint32_t k = 0; k < step->best.k; k++)
            step->masks[out->count + k] = step->best_mask;
        out->count += step->best.k;
        out->proven = out->proven && step->best.proven;
    }
    out->cut = weight_cut(w->cut->graph, out->cluster);
    arena_init(&arena, CUT_SCRATCH_MAX);
    err = look_at_order(w, &arena, step, out);
    arena_done(&arena);
    return err == OK ? find_homes(w, step, out) : err;
}

static enum err cut_levels(struct work *w)
{
    struct step step = {0};
    uint32_t n = w->bound.all.n;
    uint32_t *top = arena_calloc(&w->arena, n, sizeof(*top));
    step.members = arena_calloc(&w->arena, n, sizeof(*step.members));
    step.now.of = arena_calloc(&w->arena, n, sizeof(*step.now.of));
    step.best.of = arena_calloc(&w->arena, n, sizeof(*step.best.of));
    step.masks = arena_calloc(&w->arena, n, sizeof(*step.masks));
    step.masks_above = arena_calloc(&w->arena, n, sizeof(*step.masks_above));
    if (top == NULL || step.members == NULL || step.now.of == NULL ||
        step.best.of == NULL || step.masks == NULL || step.masks_above == NULL)
        return ERR_NOMEM;
    TRY(coarse_levels(&w->arena, &w->bound.all, top, &step.dag));
    for (uint32_t i = 0; i < CUT_LEVELS; i++) {
        struct decompose_level *level = &w->out->levels[i];
        if (!wanted(w, (enum cut_level)i))
            continue;
        level->cluster = calloc(n, sizeof(*level->cluster));
        level->home = calloc(n, sizeof(*level->home));
        if (level->cluster == NULL || level->home == NULL)
            return ERR_NOMEM;
        step.level = (enum cut_level)i;
        TRY(cut_level(w, &step));
        memcpy(step.masks_above, step.masks, n * sizeof(*step.masks));
        step.above = level;
        step.above_level = step.level;
    }
    return OK;
}

/* ---- the whole ---- */

enum err decompose(const struct cut_case *cut,
                   const struct decompose_options *options,
                   struct decomposition *out, struct cut_fault *out_fault)
{
    struct decomposition result = {0};
    struct work w = {.cut = cut, .options = options, .out = &result};
    enum err err;
    if (cut->graph->component_count == 0 || cut->levels == 0 ||
        cut->levels >> CUT_LEVELS != 0 ||
        options->exact_units > CUT_EXACT_UNITS_MAX)
        return ERR_RANGE;
    arena_init(&w.arena, CUT_SCRATCH_MAX);
    err = bound_init(&w.bound, &w.arena, cut, out_fault);
    if (err == OK)
        err = cut_levels(&w);
    arena_done(&w.arena);
    if (err == OK)
        *out = result;
    else
        decomposition_done(&result);
    return err;
}

void decomposition_done(struct decomposition *d)
{
    for (uint32_t i = 0; i < CUT_LEVELS; i++) {
        free(d->levels[i].cluster);
        free(d->levels[i].home);
    }
    memset(d, 0, sizeof(*d));
}
