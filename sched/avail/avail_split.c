#include "sched/avail/avail_split.h"

#include <math.h>
#include <string.h>

#include "base/check.h"

/* Rounds of the local search: each tries every move and every exchange. */
#define ROUNDS_MAX 32u
/* An improvement that is not rounding. */
#define GAIN 1e-13

/* The submodules by weakness, the weakest first, equals in groups. */
struct sorted {
    uint32_t count;
    uint32_t instances;
    uint32_t groups;
    uint32_t order[AVAIL_PARTS_MAX]; /* the submodule at each place */
    double nats[AVAIL_PARTS_MAX];    /* of the submodule at each place */
    uint32_t first[AVAIL_PARTS_MAX]; /* place where a group starts */
    uint32_t size[AVAIL_PARTS_MAX];  /* of a group */
};

static void sort(const struct avail_module *module, struct sorted *out)
{
    out->count = module->count;
    out->instances = module->instances;
    out->groups = 0;
    for (uint32_t j = 0; j < module->count; j++) {
        double nats = avail_nats(module->down[j]);
        uint32_t at = j;
        for (; at > 0 && out->nats[at - 1] < nats; at--) {
            out->nats[at] = out->nats[at - 1];
            out->order[at] = out->order[at - 1];
        }
        out->nats[at] = nats;
        out->order[at] = j;
    }
    for (uint32_t at = 0; at < out->count; at++) {
        if (at == 0 || out->nats[at] < out->nats[at - 1]) {
            out->first[out->groups] = at;
            out->size[out->groups++] = 0;
        }
        out->size[out->groups - 1]++;
    }
}

/* ---- equal submodules ---- */

static void balance(const struct sorted *s, uint32_t services,
                    struct avail_split *out)
{
    uint8_t *service_of = out->service_of + (size_t)(services - 1) * s->count;
    uint32_t small = s->count / services;
    uint32_t larger = s->count % services;
    double one = s->nats[0];
    out->nats[services - 1] =
        (services - larger) * avail_parallel(small * one, s->instances) +
        larger * avail_parallel((small + 1) * one, s->instances);
    out->least[services - 1] = out->nats[services - 1];
    for (uint32_t at = 0; at < s->count; at++) {
        uint32_t in_larger = larger * (small + 1);
        service_of[s->order[at]] =
            (uint8_t)(at < in_larger ? at / (small + 1)
                                     : larger + (at - in_larger) / small);
    }
}

/* ---- unequal ones, exactly ---- */

/* A multiset of submodules is a number in mixed radix, a digit a group: how
 * many of the group are in it. Differences of a multiset and a part of it are
 * differences of their numbers. */
struct bag {
    const struct sorted *s;
    uint32_t states;
    uint32_t stride[AVAIL_PARTS_MAX];
    double *alone;    /* [state] nats of it as one service */
    double *best;     /* [state] in k services */
    double *previous; /* [state] in k - 1 */
    uint16_t *taken;  /* [(k - 1) * states + state] the last service */
};

_Static_assert(AVAIL_PAIRS_MAX <= 4782969,
               "a state is two bytes: 3^14 pairs have 2^14 states at most, and "
               "groups have fewer states a pair");

static uint64_t pairs_of(const struct sorted *s)
{
    uint64_t pairs = 1;
    for (uint32_t g = 0; g < s->groups && pairs <= AVAIL_PAIRS_MAX; g++)
        pairs *= (uint64_t)(s->size[g] + 1) * (s->size[g] + 2) / 2;
    return pairs;
}

uint64_t avail_split_pairs(const struct avail_module *module)
{
    struct sorted s;
    sort(module, &s);
    return pairs_of(&s);
}

static uint32_t digit(const struct bag *bag, uint32_t state, uint32_t g)
{
    return state / bag->stride[g] % (bag->s->size[g] + 1);
}

static enum err bag_init(struct bag *bag, const struct sorted *s,
                         struct arena *scratch)
{
    bag->s = s;
    bag->states = 1;
    for (uint32_t g = 0; g < s->groups; g++) {
        bag->stride[g] = bag->states;
        bag->states *= s->size[g] + 1;
    }
    CHECK(bag->states <= UINT16_MAX + 1u);
    bag->alone = arena_calloc(scratch, bag->states, sizeof(double));
    bag->best = arena_calloc(scratch, bag->states, sizeof(double));
    bag->previous = arena_calloc(scratch, bag->states, sizeof(double));
    bag->taken =
        arena_calloc(scratch, (size_t)bag->states * s->count, sizeof(uint16_t));
    if (bag->alone == NULL || bag->best == NULL || bag->previous == NULL ||
        bag->taken == NULL)
        return ERR_NOMEM;
    for (uint32_t state = 0; state < bag->states; state++) {
        double series = 0;
        for (uint32_t g = 0; g < s->groups; g++)
            series += digit(bag, state, g) * s->nats[s->first[g]];
        bag->alone[state] = avail_parallel(series, s->instances);
        bag->best[state] = state == 0 ? INFINITY : bag->alone[state];
    }
    return OK;
}

/* The best last service of `state` in k services: it holds one of the first
 * group there is, for some service must. Walks all parts of the state. */
static void best_last(struct bag *bag, uint32_t k, uint32_t state)
{
    uint32_t stride[AVAIL_PARTS_MAX]; /* of the groups that are in it */
    uint32_t most[AVAIL_PARTS_MAX];
    uint32_t now[AVAIL_PARTS_MAX] = {0};
    uint32_t groups = 0;
    uint32_t part;
    uint32_t i;
    double best = INFINITY;
    uint32_t taken = 0;
    for (uint32_t g = 0; g < bag->s->groups; g++) {
        most[groups] = digit(bag, state, g);
        stride[groups] = bag->stride[g];
        groups += most[groups] > 0;
    }
    CHECK(groups > 0);
    now[0] = 1;
    part = stride[0];
    do {
        double nats = bag->previous[state - part] + bag->alone[part];
        if (nats < best) {
            best = nats;
            taken = part;
        }
        for (i = 0; i < groups && now[i] == most[i]; i++) {
            uint32_t least = i == 0 ? 1 : 0;
            part -= (now[i] - least) * stride[i];
            now[i] = least;
        }
        if (i < groups) {
            now[i]++;
            part += stride[i];
        }
    } while (i < groups);
    bag->best[state] = best;
    bag->taken[(size_t)(k - 1) * bag->states + state] = (uint16_t)taken;
}

static void read_back(const struct bag *bag, uint32_t services,
                      struct avail_split *out)
{
    const struct sorted *s = bag->s;
    uint8_t *service_of = out->service_of + (size_t)(services - 1) * s->count;
    uint32_t used[AVAIL_PARTS_MAX] = {0};
    uint32_t state = bag->states - 1;
    for (uint32_t k = services; k >= 1; k--) {
        uint32_t part =
            k == 1 ? state : bag->taken[(size_t)(k - 1) * bag->states + state];
        CHECK(part > 0 && part <= state);
        for (uint32_t g = 0; g < s->groups; g++) {
            for (uint32_t n = digit(bag, part, g); n > 0; n--)
                service_of[s->order[s->first[g] + used[g]++]] =
                    (uint8_t)(services - k);
        }
        state -= part;
    }
    CHECK(state == 0);
}

static enum err search(const struct sorted *s, struct arena *scratch,
                       struct avail_split *out)
{
    struct bag bag;
    TRY(bag_init(&bag, s, scratch));
    for (uint32_t k = 1; k <= s->count; k++) {
        if (k > 1) {
            double *kept = bag.previous;
            bag.previous = bag.best;
            bag.best = kept;
            bag.best[0] = INFINITY;
            for (uint32_t state = 1; state < bag.states; state++)
                best_last(&bag, k, state);
        }
        out->nats[k - 1] = bag.best[bag.states - 1];
        out->least[k - 1] = out->nats[k - 1];
        CHECK(isfinite(out->nats[k - 1]));
        read_back(&bag, k, out);
    }
    return OK;
}

/* ---- too many for that ---- */

struct packing {
    const struct sorted *s;
    uint32_t services;
    double load[AVAIL_PARTS_MAX];   /* nats in series, of each service */
    uint32_t held[AVAIL_PARTS_MAX]; /* submodules in it */
    uint8_t at[AVAIL_PARTS_MAX];    /* the service of each place */
};

static double nats_at(const struct packing *p, double load)
{
    /* What was added and taken away leaves crumbs below zero. */
    return avail_parallel(load > 0 ? load : 0, p->s->instances);
}

/* Each to the service that carries least, the weakest submodules first. */
static void pack(struct packing *p)
{
    for (uint32_t at = 0; at < p->s->count; at++) {
        uint32_t to = 0;
        for (uint32_t i = 1; i < p->services; i++)
            to = p->load[i] < p->load[to] ? i : to;
        p->at[at] = (uint8_t)to;
        p->load[to] += p->s->nats[at];
        p->held[to]++;
    }
}

/* Is it better when `shift` nats go from service a to service b? */
static bool better(const struct packing *p, uint32_t a, uint32_t b,
                   double shift)
{
    double before = nats_at(p, p->load[a]) + nats_at(p, p->load[b]);
    double after =
        nats_at(p, p->load[a] - shift) + nats_at(p, p->load[b] + shift);
    return after < before * (1 - GAIN);
}

static void shift(struct packing *p, uint32_t a, uint32_t b, double nats)
{
    p->load[a] -= nats;
    p->load[b] += nats;
}

static bool move_one(struct packing *p, uint32_t at)
{
    uint32_t a = p->at[at];
    for (uint32_t b = 0; b < p->services; b++) {
        if (b == a || p->held[a] == 1 || !better(p, a, b, p->s->nats[at]))
            continue;
        shift(p, a, b, p->s->nats[at]);
        p->held[a]--;
        p->held[b]++;
        p->at[at] = (uint8_t)b;
        return true;
    }
    return false;
}

static bool exchange_one(struct packing *p, uint32_t at)
{
    for (uint32_t with = at + 1; with < p->s->count; with++) {
        uint32_t a = p->at[at];
        uint32_t b = p->at[with];
        double nats = p->s->nats[at] - p->s->nats[with];
        if (a == b || nats == 0 || !better(p, a, b, nats))
            continue;
        shift(p, a, b, nats);
        p->at[at] = (uint8_t)b;
        p->at[with] = (uint8_t)a;
        return true;
    }
    return false;
}

/* No division into so many services goes below: nats are convex and rise, so
 * equal loads would be the best; a submodule above that load has at least a
 * service's load alone, and the others share the rest. */
static double bound_of(const struct sorted *s, uint32_t services)
{
    double rest = 0;
    double alone = 0;
    uint32_t at = 0;
    for (uint32_t j = 0; j < s->count; j++)
        rest += s->nats[j];
    for (; services > 1 && s->nats[at] * services > rest; at++) {
        alone += avail_parallel(s->nats[at], s->instances);
        rest -= s->nats[at];
        services--;
    }
    return alone +
           services * avail_parallel(fmax(rest, 0) / services, s->instances);
}

static void approach(const struct sorted *s, const struct avail_module *module,
                     uint32_t services, struct avail_split *out)
{
    uint8_t *service_of = out->service_of + (size_t)(services - 1) * s->count;
    struct packing p = {.s = s, .services = services};
    bool moved = true;
    pack(&p);
    for (uint32_t round = 0; moved && round < ROUNDS_MAX; round++) {
        moved = false;
        for (uint32_t at = 0; at < s->count; at++)
            moved = move_one(&p, at) || exchange_one(&p, at) || moved;
    }
    for (uint32_t at = 0; at < s->count; at++)
        service_of[s->order[at]] = p.at[at];
    out->nats[services - 1] = avail_module_nats(module, service_of);
    out->least[services - 1] = services == 1 || services == s->count
                                   ? out->nats[services - 1]
                                   : bound_of(s, services);
}

enum err avail_split_solve(const struct avail_module *module,
                           struct arena *arena, struct arena *scratch,
                           struct avail_split *out)
{
    struct sorted s;
    size_t count = module->count;
    CHECK(count >= 1 && count <= AVAIL_PARTS_MAX);
    sort(module, &s);
    out->count = module->count;
    out->nats = arena_calloc(arena, count, sizeof(double));
    out->least = arena_calloc(arena, count, sizeof(double));
    out->service_of = arena_calloc(arena, count * count, 1);
    if (out->nats == NULL || out->least == NULL || out->service_of == NULL)
        return ERR_NOMEM;
    if (s.groups > 1 && pairs_of(&s) <= AVAIL_PAIRS_MAX)
        return search(&s, scratch, out);
    for (uint32_t k = 1; k <= s.count; k++) {
        if (s.groups == 1)
            balance(&s, k, out);
        else
            approach(&s, module, k, out);
    }
    return OK;
}
