#include "sched/avail/avail.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "sched/avail/avail_split.h"

#define LN2 0.69314718055994530942
/* What sums of some thousand terms may lose. */
#define ROUNDING 1e-12
/* Beyond this many nats two instances are never up at once. */
#define HOPELESS      40.0
#define SCRATCH_BYTES (8u * 1024 * 1024)

/* ---- reckoning ---- */

double avail_nats(double down)
{
    CHECK(down >= 0 && down < 1);
    return -log1p(-down);
}

double avail_down(double nats)
{
    CHECK(nats >= 0);
    return -expm1(-nats);
}

/* ln(1 - e^x) for x < 0, with all digits at both ends. */
static double log1mexp(double x)
{
    return x > -LN2 ? log(-expm1(x)) : log1p(-exp(x));
}

double avail_parallel(double nats, uint32_t n)
{
    CHECK(nats >= 0 && n >= 1);
    if (nats == 0 || n == 1)
        return nats;
    if (nats > HOPELESS)
        return nats - log((double)n);
    return -log1mexp((double)n * log1mexp(-nats));
}

bool avail_reaches(double nats, double nats_max)
{
    return nats <= nats_max * (1 + ROUNDING);
}

double avail_module_nats(const struct avail_module *module,
                         const uint8_t *service_of)
{
    double series[AVAIL_PARTS_MAX] = {0};
    double nats = 0;
    CHECK(module->count <= AVAIL_PARTS_MAX);
    for (uint32_t j = 0; j < module->count; j++) {
        CHECK(service_of[j] < module->count);
        series[service_of[j]] += avail_nats(module->down[j]);
    }
    for (uint32_t i = 0; i < module->count; i++)
        nats += avail_parallel(series[i], module->instances);
    return nats;
}

/* ---- checking ---- */

static bool in_bounds(const struct avail_module *module)
{
    if (module->count == 0 || module->count > AVAIL_PARTS_MAX ||
        module->instances == 0 || module->instances > AVAIL_INSTANCES_MAX ||
        module->cost == 0 || module->cost > AVAIL_COST_MAX)
        return false;
    for (uint32_t j = 0; j < module->count; j++) {
        if (!(module->down[j] >= 0 && module->down[j] < 1))
            return false;
    }
    return true;
}

enum err avail_check(const struct avail_system *system, uint32_t *out_module)
{
    uint64_t cost = 0;
    uint32_t m = system->count;
    enum err err = OK;
    if (system->count == 0 || system->count > AVAIL_MODULES_MAX)
        err = ERR_RANGE;
    for (uint32_t i = 0; err == OK && i < system->count; i++) {
        const struct avail_module *module = &system->modules[i];
        m = i;
        if (!in_bounds(module))
            err = ERR_RANGE;
        else if (system->domains > 0 && module->instances > system->domains)
            err = ERR_CAPACITY;
        cost += (uint64_t)module->cost * module->count;
    }
    if (err == OK && cost > AVAIL_COST_MAX) {
        m = system->count;
        err = ERR_TOO_LARGE;
    }
    if (err != OK)
        *out_module = m;
    return err;
}

/* ---- solving ---- */

/* The programme over cost: best[c] of the first modules for exactly c. */
struct tally {
    const struct avail_system *system;
    struct avail_split *splits;
    uint32_t cost_full;
    double *best;
    double *least;
    double *next_best;
    double *next_least;
    uint8_t *choices; /* [module * (cost_full + 1) + c]: services; 0: none */
    struct avail_step *steps;
};

static enum err tally_init(struct tally *t, const struct avail_system *system,
                           struct arena *arena, struct arena *scratch)
{
    size_t width;
    t->system = system;
    t->cost_full = 0;
    for (uint32_t m = 0; m < system->count; m++)
        t->cost_full += system->modules[m].cost * system->modules[m].count;
    width = t->cost_full + 1;
    t->splits = arena_calloc(arena, system->count, sizeof(*t->splits));
    t->choices = arena_calloc(arena, system->count, width);
    t->steps = arena_calloc(arena, width, sizeof(*t->steps));
    t->best = arena_calloc(scratch, width, sizeof(double));
    t->least = arena_calloc(arena, width, sizeof(double));
    t->next_best = arena_calloc(scratch, width, sizeof(double));
    t->next_least = arena_calloc(arena, width, sizeof(double));
    return t->splits == NULL || t->choices == NULL || t->steps == NULL ||
                   t->best == NULL || t->least == NULL ||
                   t->next_best == NULL || t->next_least == NULL
               ? ERR_NOMEM
               : OK;
}

static void swap(double **a, double **b)
{
    double *kept = *a;
    *a = *b;
    *b = kept;
}

static void extend(struct tally *t, uint32_t m, uint32_t c, uint32_t services)
{
    const struct avail_split *split = &t->splits[m];
    uint32_t to = c + services * t->system->modules[m].cost;
    double nats = t->best[c] + split->nats[services - 1];
    double least = t->least[c] + split->least[services - 1];
    CHECK(to <= t->cost_full);
    if (nats < t->next_best[to]) {
        t->next_best[to] = nats;
        t->choices[m * ((size_t)t->cost_full + 1) + to] = (uint8_t)services;
    }
    if (least < t->next_least[to])
        t->next_least[to] = least;
}

/* Adds module m; the modules before it cost at most `reach`. */
static void add_module(struct tally *t, uint32_t m, uint32_t reach)
{
    for (uint32_t c = 0; c <= t->cost_full; c++) {
        t->next_best[c] = INFINITY;
        t->next_least[c] = INFINITY;
    }
    for (uint32_t c = 0; c <= reach; c++) {
        if (isinf(t->best[c]))
            continue;
        for (uint32_t k = 1; k <= t->splits[m].count; k++)
            extend(t, m, c, k);
    }
    swap(&t->best, &t->next_best);
    swap(&t->least, &t->next_least);
}

static void run(struct tally *t)
{
    uint32_t reach = 0;
    for (uint32_t c = 1; c <= t->cost_full; c++) {
        t->best[c] = INFINITY;
        t->least[c] = INFINITY;
    }
    for (uint32_t m = 0; m < t->system->count; m++) {
        add_module(t, m, reach);
        reach += t->system->modules[m].cost * t->system->modules[m].count;
    }
    for (uint32_t c = 1; c <= t->cost_full; c++)
        t->least[c] = fmin(t->least[c], t->least[c - 1]);
}

static uint8_t choice_at(const struct avail_frontier *f, uint32_t m, uint32_t c)
{
    return f->choices[m * ((size_t)f->cost_full + 1) + c];
}

static uint32_t services_at(const struct avail_frontier *f, uint32_t cost)
{
    uint32_t services = 0;
    for (uint32_t m = f->system->count; m-- > 0;) {
        uint8_t k = choice_at(f, m, cost);
        CHECK(k > 0);
        services += k;
        cost -= k * f->system->modules[m].cost;
    }
    CHECK(cost == 0);
    return services;
}

static void collect(struct tally *t, struct avail_frontier *out)
{
    double last = INFINITY;
    *out = (struct avail_frontier){.steps = t->steps,
                                   .exact = true,
                                   .system = t->system,
                                   .splits = t->splits,
                                   .choices = t->choices,
                                   .least = t->least,
                                   .cost_full = t->cost_full};
    for (uint32_t c = 1; c <= t->cost_full; c++) {
        struct avail_step step = {.cost = c, .nats = t->best[c]};
        if (isinf(step.nats) ||
            (out->count > 0 && step.nats >= last * (1 - ROUNDING)))
            continue;
        step.nats_least = fmin(step.nats, t->least[c]);
        if (avail_reaches(step.nats, step.nats_least))
            step.nats_least = step.nats;
        else
            out->exact = false;
        step.services = services_at(out, c);
        t->steps[out->count++] = step;
        last = step.nats;
    }
    CHECK(out->count >= 1);
}

static enum err solve_in(const struct avail_system *system, struct arena *arena,
                         struct arena *scratch, struct avail_frontier *out)
{
    struct tally t;
    struct arena inner;
    enum err err = OK;
    TRY(tally_init(&t, system, arena, scratch));
    arena_init(&inner, SCRATCH_BYTES);
    for (uint32_t m = 0; err == OK && m < system->count; m++) {
        arena_reset(&inner);
        err =
            avail_split_solve(&system->modules[m], arena, &inner, &t.splits[m]);
    }
    arena_done(&inner);
    if (err != OK)
        return err;
    run(&t);
    collect(&t, out);
    return OK;
}

enum err avail_solve(const struct avail_system *system, struct arena *arena,
                     struct avail_frontier *out)
{
    struct arena scratch;
    uint32_t module;
    enum err err;
    TRY(avail_check(system, &module));
    arena_init(&scratch, SCRATCH_BYTES);
    err = solve_in(system, arena, &scratch, out);
    arena_done(&scratch);
    return err;
}

/* ---- asking ---- */

const struct avail_step *avail_cheapest(const struct avail_frontier *frontier,
                                        double nats_max)
{
    for (uint32_t i = 0; i < frontier->count; i++) {
        if (avail_reaches(frontier->steps[i].nats, nats_max))
            return &frontier->steps[i];
    }
    return NULL;
}

uint32_t avail_cost_least(const struct avail_frontier *frontier,
                          double nats_max)
{
    const struct avail_step *step = avail_cheapest(frontier, nats_max);
    uint32_t most = step == NULL ? frontier->cost_full : step->cost;
    for (uint32_t c = 1; c <= most; c++) {
        if (avail_reaches(frontier->least[c], nats_max))
            return c;
    }
    return step == NULL ? 0 : step->cost;
}

const struct avail_step *avail_best(const struct avail_frontier *frontier,
                                    uint32_t cost_max)
{
    const struct avail_step *best = NULL;
    for (uint32_t i = 0; i < frontier->count; i++) {
        if (frontier->steps[i].cost <= cost_max)
            best = &frontier->steps[i];
    }
    return best;
}

void avail_plan(const struct avail_frontier *frontier,
                const struct avail_step *step, struct avail_division *out)
{
    uint32_t cost = step->cost;
    CHECK(step >= frontier->steps && step < frontier->steps + frontier->count);
    if (frontier->origins != NULL) {
        const struct avail_origin *o =
            &frontier->origins[step - frontier->steps];
        avail_plan(o->frontier, o->step, out);
        for (uint32_t m = 0; m < frontier->system->count; m++)
            out[m].nats = avail_module_nats(&frontier->system->modules[m],
                                            out[m].service_of);
        return;
    }
    for (uint32_t m = frontier->system->count; m-- > 0;) {
        const struct avail_split *split = &frontier->splits[m];
        uint32_t k = choice_at(frontier, m, cost);
        CHECK(k >= 1 && k <= split->count);
        out[m].services = k;
        out[m].service_of = split->service_of + (size_t)(k - 1) * split->count;
        out[m].nats = split->nats[k - 1];
        cost -= k * frontier->system->modules[m].cost;
    }
    CHECK(cost == 0);
}
