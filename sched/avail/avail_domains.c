#include "sched/avail/avail.h"

#include <math.h>
#include <string.h>

#include "base/check.h"

/* Rounding in the last digits is no improvement. */
#define ROUNDING 1e-12

/* C(n, k) p^(n - k) (1 - p)^k: k of n are up. */
static double chance(uint32_t n, uint32_t k, double down)
{
    double ways = 1;
    for (uint32_t i = 1; i <= k; i++)
        ways *= (double)(n - k + i) / i;
    return ways * pow(down, n - k) * pow(1 - down, k);
}

double avail_domains_nats(const double *nats_up, uint32_t n, double domain_down)
{
    double down = 0;
    CHECK(n >= 1 && n <= AVAIL_INSTANCES_MAX);
    if (domain_down == 0)
        return nats_up[n - 1];
    /* Only what is down is added up: near one nothing is lost. */
    for (uint32_t k = 0; k <= n; k++)
        down += chance(n, k, domain_down) *
                (k == 0 ? 1 : avail_down(nats_up[k - 1]));
    return -log1p(-fmin(down, 1 - 1e-16));
}

/* One problem for each number of domains that are up. */
struct views {
    const struct avail_system *system;
    uint32_t n;
    double domain_down;
    struct avail_module modules[AVAIL_DOMAINS_MAX][AVAIL_MODULES_MAX];
    struct avail_system systems[AVAIL_DOMAINS_MAX];
    struct avail_frontier frontiers[AVAIL_DOMAINS_MAX];
};

static enum err check(const struct avail_system *system, double domain_down)
{
    uint32_t module;
    TRY(avail_check(system, &module));
    if (!(domain_down >= 0 && domain_down < 1) ||
        system->modules[0].instances > AVAIL_DOMAINS_MAX)
        return ERR_RANGE;
    for (uint32_t m = 1; m < system->count; m++) {
        if (system->modules[m].instances != system->modules[0].instances)
            return ERR_RANGE;
    }
    return OK;
}

static enum err solve_views(struct views *v, struct arena *arena)
{
    for (uint32_t k = 1; k <= v->n; k++) {
        struct avail_module *modules = v->modules[k - 1];
        memcpy(modules, v->system->modules,
               v->system->count * sizeof(*modules));
        for (uint32_t m = 0; m < v->system->count; m++)
            modules[m].instances = k;
        v->systems[k - 1] = (struct avail_system){modules, v->system->count, 0};
        TRY(avail_solve(&v->systems[k - 1], arena, &v->frontiers[k - 1]));
    }
    return OK;
}

/* The mean of what each number of domains could have for that cost. */
static double least_of(const struct views *v, uint32_t cost)
{
    double nats[AVAIL_DOMAINS_MAX] = {0};
    for (uint32_t k = 0; k < v->n; k++)
        nats[k] = v->frontiers[k].least[cost];
    /* A cost below one service a module has no plan at all. */
    if (isinf(nats[v->n - 1]))
        return INFINITY;
    return avail_domains_nats(nats, v->n, v->domain_down);
}

static double judge(const struct views *v, const struct avail_division *plan)
{
    double nats[AVAIL_DOMAINS_MAX] = {0};
    for (uint32_t k = 0; k < v->n; k++) {
        for (uint32_t m = 0; m < v->system->count; m++)
            nats[k] += avail_module_nats(&v->systems[k].modules[m],
                                         plan[m].service_of);
    }
    return avail_domains_nats(nats, v->n, v->domain_down);
}

/* The best of the views' plans that cost no more, and whose it is. */
static struct avail_step best_at(const struct views *v, uint32_t cost,
                                 struct avail_origin *out_origin)
{
    struct avail_division plan[AVAIL_MODULES_MAX];
    struct avail_step best = {.cost = cost, .nats = INFINITY};
    for (uint32_t k = 0; k < v->n; k++) {
        const struct avail_step *step = avail_best(&v->frontiers[k], cost);
        double nats;
        if (step == NULL)
            continue;
        avail_plan(&v->frontiers[k], step, plan);
        nats = judge(v, plan);
        if (nats < best.nats * (1 - ROUNDING)) {
            best.nats = nats;
            best.cost = step->cost;
            best.services = step->services;
            *out_origin = (struct avail_origin){&v->frontiers[k], step};
        }
    }
    CHECK(isfinite(best.nats));
    return best;
}

static void add_step(struct avail_frontier *f, struct avail_step step,
                     struct avail_step *out)
{
    step.nats_least = fmin(step.nats, f->least[step.cost]);
    if (avail_reaches(step.nats, step.nats_least))
        step.nats_least = step.nats;
    else
        f->exact = false;
    *out = step;
    f->count++;
}

static enum err collect(const struct views *v, struct arena *arena,
                        struct avail_frontier *out)
{
    const struct avail_frontier *last = &v->frontiers[v->n - 1];
    size_t width = (size_t)last->cost_full + 1;
    double *least = arena_calloc(arena, width, sizeof(*least));
    struct avail_step *steps = arena_calloc(arena, last->count, sizeof(*steps));
    struct avail_origin *origins =
        arena_calloc(arena, last->count, sizeof(*origins));
    struct avail_frontier f = {.steps = steps,
                               .exact = true,
                               .system = v->system,
                               .least = least,
                               .origins = origins,
                               .cost_full = last->cost_full};
    if (least == NULL || steps == NULL || origins == NULL)
        return ERR_NOMEM;
    for (uint32_t c = 0; c < width; c++)
        least[c] = least_of(v, c);
    for (uint32_t i = 0; i < last->count; i++) {
        struct avail_origin *origin = &origins[f.count];
        struct avail_step step = best_at(v, last->steps[i].cost, origin);
        if (f.count == 0 ||
            (step.nats < steps[f.count - 1].nats * (1 - ROUNDING) &&
             step.cost > steps[f.count - 1].cost))
            add_step(&f, step, &steps[f.count]);
    }
    *out = f;
    return OK;
}

enum err avail_solve_domains(const struct avail_system *system,
                             double domain_down, struct arena *arena,
                             struct avail_frontier *out)
{
    struct views *v;
    TRY(check(system, domain_down));
    v = arena_alloc(arena, sizeof(*v));
    if (v == NULL)
        return ERR_NOMEM;
    v->system = system;
    v->n = system->modules[0].instances;
    v->domain_down = domain_down;
    TRY(solve_views(v, arena));
    return collect(v, arena, out);
}
