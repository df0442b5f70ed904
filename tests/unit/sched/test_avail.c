#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/avail/avail.h"
#include "tests/unit/sched/sample.h"

/* ---- systems to ask about ---- */

struct fixture {
    double down[AVAIL_MODULES_MAX][AVAIL_PARTS_MAX];
    struct avail_module modules[AVAIL_MODULES_MAX];
    struct avail_system system;
    struct avail_frontier frontier;
    struct arena arena;
};

static struct fixture fix;

static void begin(void)
{
    arena_done(&fix.arena);
    memset(&fix, 0, sizeof(fix));
    arena_init(&fix.arena, 3 * AVAIL_ARENA_BYTES);
    fix.system.modules = fix.modules;
}

static void add(uint32_t count, double down, uint32_t instances, uint32_t cost)
{
    uint32_t m = fix.system.count++;
    for (uint32_t j = 0; j < count; j++)
        fix.down[m][j] = down;
    fix.modules[m] = (struct avail_module){fix.down[m], count, instances, cost};
}

static void solve(void)
{
    assert_int_equal(avail_solve(&fix.system, &fix.arena, &fix.frontier), OK);
}

/* Equal submodules, three instances unless said. */
static void solve_sizes(const uint32_t *sizes, uint32_t count, double a,
                        uint32_t instances)
{
    begin();
    for (uint32_t i = 0; i < count; i++)
        add(sizes[i], 1 - a, instances, 1);
    solve();
}

static double percent(double nats)
{
    return 100 - 100 * avail_down(nats);
}

/* ---- the published table ---- */

#define COLUMNS 5
static const double columns[COLUMNS] = {0.9, 0.95, 0.99, 0.995, 0.999};
#define TARGETS 5
static const double targets[TARGETS] = {0.99, 0.999, 0.9995, 0.9999, 0.99999};
/* Interconnection, trading, operation, wrapping, decision, clouds, network
 * plug-in, identifiers, gateway, carrier network. */
static const uint32_t platform[] = {2, 4, 4, 2, 3, 4, 1, 1, 1, 2};
#define PLATFORM 10u
/* What a clustering by dependencies makes of the same 24. */
static const uint32_t clustered[] = {7, 4, 2, 2, 2, 2, 2, 1, 1, 1};

static const double printed_whole[COLUMNS] = {84.50837, 97.50455, 99.97636,
                                              99.99699, 99.99998};
static const double printed_full[COLUMNS] = {97.62740, 99.70043, 99.99760,
                                             99.99970, 99.99999};
static const double printed_clustered[COLUMNS] = {79.28817, 96.15107, 99.95829,
                                                  99.99459, 99.99996};
static const double printed[TARGETS][COLUMNS] = {
    {97.62740, 99.02747, 99.97636, 99.99699, 99.99998},
    {97.62740, 99.70043, 99.97636, 99.99699, 99.99998},
    {97.62740, 99.70043, 99.97636, 99.99699, 99.99998},
    {97.62740, 99.70043, 99.99058, 99.99699, 99.99998},
    {97.62740, 99.70043, 99.99760, 99.99903, 99.99998}};

/* One unit of the last digit that is printed. */
static void assert_printed(double nats, double expected)
{
    if (fabs(percent(nats) - expected) > 1e-5)
        fail_msg("%.9f is not %.5f", percent(nats), expected);
}

static const struct avail_step *last_step(void)
{
    return &fix.frontier.steps[fix.frontier.count - 1];
}

/* The step of a target, the full split where it is out of reach. */
static const struct avail_step *step_for(double target)
{
    const struct avail_step *step =
        avail_cheapest(&fix.frontier, avail_nats(1 - target));
    return step == NULL ? last_step() : step;
}

static void the_printed_table_is_met_but_for_the_cell_that_is_beaten(void **s)
{
    unsigned met = 0;
    (void)s;
    for (unsigned c = 0; c < COLUMNS; c++) {
        solve_sizes(clustered, PLATFORM, columns[c], 3);
        assert_printed(fix.frontier.steps[0].nats, printed_clustered[c]);
        solve_sizes(platform, PLATFORM, columns[c], 3);
        assert_true(fix.frontier.exact);
        assert_int_equal(fix.frontier.steps[0].services, 10);
        assert_printed(fix.frontier.steps[0].nats, printed_whole[c]);
        assert_int_equal(last_step()->services, 24);
        met += 2;
        if (columns[c] < 0.999) { /* there a digit was cut off, not rounded */
            assert_printed(last_step()->nats, printed_full[c]);
            met++;
        }
        for (unsigned t = 0; t < TARGETS; t++) {
            if (targets[t] == 0.9999 && columns[c] == 0.99)
                continue;
            assert_printed(step_for(targets[t])->nats, printed[t][c]);
            met++;
        }
    }
    assert_int_equal(met, 38);
}

static void the_plan_that_is_only_the_first_feasible_is_beaten(void **state)
{
    const struct avail_step *step;
    (void)state;
    solve_sizes(platform, PLATFORM, 0.99, 3);
    step = step_for(0.9999);
    assert_int_equal(step->services, 14);
    assert_true(percent(step->nats) >= 99.99171);
    assert_true(fabs(avail_down(step->nats) - 8.28e-5) < 1e-7);
    assert_int_equal(avail_cost_least(&fix.frontier, avail_nats(1e-4)), 14);
}

static void the_full_split_of_good_parts_keeps_its_digits(void **state)
{
    (void)state;
    solve_sizes(platform, PLATFORM, 0.999, 3);
    assert_true(fabs(percent(last_step()->nats) - 99.9999976) < 1e-9);
    assert_true(fabs(avail_down(last_step()->nats) - 2.4e-8) < 1e-14);
}

/* ---- the published figures ---- */

static void four_parts_with_one_backup_are_as_drawn(void **state)
{
    const uint32_t four[] = {4};
    (void)state;
    solve_sizes(four, 1, 0.9, 1);
    assert_true(fabs(percent(fix.frontier.steps[0].nats) - 65.61) < 1e-9);
    assert_int_equal(fix.frontier.count, 1); /* without backups no split helps
                                              */
    solve_sizes(four, 1, 0.9, 2);
    assert_int_equal(fix.frontier.count, 4);
    assert_true(fabs(percent(fix.frontier.steps[0].nats) - 88.17) < 0.005);
    assert_true(fabs(percent(fix.frontier.steps[1].nats) - 92.93) < 0.025);
    assert_true(fabs(percent(fix.frontier.steps[3].nats) - 96.06) < 0.005);
}

/* The fewest services; 100 more where the target is out of reach. */
static uint32_t fewest(double a, uint32_t backups, double target)
{
    const struct avail_step *step;
    solve_sizes(platform, PLATFORM, a, backups + 1);
    step = avail_cheapest(&fix.frontier, avail_nats(1 - target));
    return step == NULL ? 100 + last_step()->services : step->services;
}

static void counts_with_two_backups_are_as_drawn(void **state)
{
    static const uint32_t counts[COLUMNS][TARGETS] = {{124, 124, 124, 124, 124},
                                                      {14, 124, 124, 124, 124},
                                                      {10, 10, 10, 14, 124},
                                                      {10, 10, 10, 10, 15},
                                                      {10, 10, 10, 10, 10}};
    (void)state;
    for (unsigned c = 0; c < COLUMNS; c++) {
        for (unsigned t = 0; t < TARGETS; t++)
            assert_int_equal(fewest(columns[c], 2, targets[t]), counts[c][t]);
    }
}

static void counts_by_backups_are_as_drawn(void **state)
{
    static const uint32_t counts[5][COLUMNS] = {{124, 124, 124, 16, 10},
                                                {124, 124, 10, 10, 10},
                                                {124, 14, 10, 10, 10},
                                                {21, 10, 10, 10, 10},
                                                {13, 10, 10, 10, 10}};
    (void)state;
    for (uint32_t k = 1; k <= 5; k++) {
        for (unsigned c = 0; c < COLUMNS; c++)
            assert_int_equal(fewest(columns[c], k, 0.999), counts[k - 1][c]);
    }
}

/* ---- against every division there is ---- */

/* All divisions of all modules, by the plain formula in long double. */
struct search {
    long double best[256]; /* availability at that cost or less */
    uint8_t at[AVAIL_MODULES_MAX][AVAIL_PARTS_MAX];
    double domain_down; /* 0: domains do not fail */
};

static long double module_up(uint32_t m, const uint8_t *at, uint32_t services,
                             uint32_t instances)
{
    const struct avail_module *module = &fix.modules[m];
    long double up = 1;
    for (uint32_t i = 0; i < services; i++) {
        long double a = 1;
        for (uint32_t j = 0; j < module->count; j++)
            a *= at[j] == i ? 1 - (long double)module->down[j] : 1;
        up *= 1 - powl(1 - a, (long double)instances);
    }
    return up;
}

/* The whole division, as it stands in s->at, with domains that fail: each
 * subset of three domains. */
static long double domains_up(const struct search *s)
{
    long double d = s->domain_down;
    long double up = 0;
    for (unsigned set = 1; set < 8; set++) {
        uint32_t k = (set & 1) + (set >> 1 & 1) + (set >> 2);
        long double all = powl(1 - d, k) * powl(d, 3 - (long double)k);
        for (uint32_t m = 0; m < fix.system.count; m++)
            all *= module_up(m, s->at[m], fix.modules[m].count, k);
        up += all;
    }
    return up;
}

static void try_all(struct search *s, uint32_t m, uint32_t j, uint32_t services,
                    uint32_t cost, long double up)
{
    const struct avail_module *module = &fix.modules[m];
    if (m == fix.system.count) {
        if (s->domain_down > 0)
            up = domains_up(s);
        for (uint32_t c = cost; c < 256; c++)
            s->best[c] = up > s->best[c] ? up : s->best[c];
        return;
    }
    if (j == module->count) {
        try_all(s, m + 1, 0, 0, cost + services * module->cost,
                up * module_up(m, s->at[m], services, module->instances));
        return;
    }
    for (uint32_t i = 0; i <= services; i++) {
        s->at[m][j] = (uint8_t)i;
        try_all(s, m, j + 1, i == services ? services + 1 : services, cost, up);
    }
}

static uint32_t below(uint64_t *seed, uint32_t bound)
{
    return (uint32_t)sample_below(seed, bound);
}

static void random_system(uint64_t *seed)
{
    static const double kinds[] = {0, 0.001, 0.02, 0.1, 0.4};
    begin();
    for (uint32_t m = 1 + below(seed, 3); m > 0; m--) {
        uint32_t count = 1 + below(seed, 4);
        uint32_t instances = 1 + below(seed, 3);
        add(count, 0, instances, 1 + below(seed, 3));
        for (uint32_t j = 0; j < 4; j++)
            fix.down[fix.system.count - 1][j] =
                sample_below(seed, 2) == 0
                    ? kinds[sample_below(seed, 5)]
                    : (double)sample_below(seed, 9000) / 10000;
    }
    solve();
}

static void the_frontier_is_the_best_of_all_divisions(void **state)
{
    static struct search s;
    uint64_t seed = 9;
    (void)state;
    for (unsigned run = 0; run < 300; run++) {
        random_system(&seed);
        memset(&s, 0, sizeof(s));
        try_all(&s, 0, 0, 0, 0, 1);
        assert_true(fix.frontier.exact);
        for (uint32_t c = 0; c < 256; c++) {
            const struct avail_step *step = avail_best(&fix.frontier, c);
            if (s.best[c] == 0)
                assert_null(step);
            else
                assert_true(
                    fabs((1 - avail_down(step->nats)) / (double)s.best[c] - 1) <
                    1e-11);
        }
    }
}

static void a_plan_is_what_its_step_says(void **state)
{
    struct avail_division plan[AVAIL_MODULES_MAX];
    uint64_t seed = 10;
    (void)state;
    for (unsigned run = 0; run < 200; run++) {
        random_system(&seed);
        for (uint32_t i = 0; i < fix.frontier.count; i++) {
            const struct avail_step *step = &fix.frontier.steps[i];
            uint32_t services = 0;
            uint32_t cost = 0;
            double nats = 0;
            avail_plan(&fix.frontier, step, plan);
            for (uint32_t m = 0; m < fix.system.count; m++) {
                const struct avail_module *module = &fix.modules[m];
                uint64_t used = 0;
                for (uint32_t j = 0; j < module->count; j++)
                    used |= UINT64_C(1) << plan[m].service_of[j];
                assert_int_equal(used, (UINT64_C(1) << plan[m].services) - 1);
                services += plan[m].services;
                cost += plan[m].services * module->cost;
                nats += avail_module_nats(module, plan[m].service_of);
            }
            assert_int_equal(services, step->services);
            assert_int_equal(cost, step->cost);
            assert_true(fabs(nats - step->nats) <= 1e-12 * step->nats);
        }
    }
}

static void the_frontier_only_gets_dearer_and_better(void **state)
{
    uint64_t seed = 11;
    (void)state;
    for (unsigned run = 0; run < 200; run++) {
        random_system(&seed);
        for (uint32_t i = 1; i < fix.frontier.count; i++) {
            const struct avail_step *step = &fix.frontier.steps[i];
            assert_true(step[0].cost > step[-1].cost);
            assert_true(step[0].nats < step[-1].nats);
        }
    }
}

/* ---- what moves the answer ---- */

static void more_backups_are_never_worse(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < COLUMNS; c++) {
        double before = INFINITY;
        for (uint32_t n = 1; n <= 8; n++) {
            solve_sizes(platform, PLATFORM, columns[c], n);
            assert_true(fix.frontier.steps[0].nats < before);
            before = fix.frontier.steps[0].nats;
        }
    }
}

static void better_submodules_are_never_worse(void **state)
{
    uint64_t seed = 12;
    (void)state;
    for (unsigned run = 0; run < 100; run++) {
        double before[64];
        uint32_t count;
        random_system(&seed);
        count = fix.frontier.count;
        for (uint32_t i = 0; i < count; i++)
            before[i] = fix.frontier.steps[i].nats;
        uint32_t costs[64];
        for (uint32_t i = 0; i < count; i++)
            costs[i] = fix.frontier.steps[i].cost;
        fix.down[0][sample_below(&seed, fix.modules[0].count)] *= 0.9;
        solve();
        for (uint32_t i = 0; i < count; i++)
            assert_true(avail_best(&fix.frontier, costs[i])->nats <=
                        before[i] * (1 + 1e-12));
    }
}

static void a_target_that_is_met_exactly_is_met(void **state)
{
    const uint32_t one[] = {1};
    (void)state;
    solve_sizes(one, 1, 0.99, 1);
    assert_non_null(avail_cheapest(&fix.frontier, avail_nats(0.01)));
    assert_null(avail_cheapest(&fix.frontier, avail_nats(0.00999)));
    assert_int_equal(avail_cost_least(&fix.frontier, avail_nats(0.00999)), 0);
}

static void perfect_submodules_need_no_split(void **state)
{
    (void)state;
    solve_sizes(platform, PLATFORM, 1, 3);
    assert_int_equal(fix.frontier.count, 1);
    assert_true(fix.frontier.steps[0].nats == 0);
    assert_non_null(avail_cheapest(&fix.frontier, 0));
}

static void no_budget_below_a_service_a_module_is_kept(void **state)
{
    (void)state;
    solve_sizes(platform, PLATFORM, 0.99, 3);
    assert_null(avail_best(&fix.frontier, 9));
    assert_int_equal(avail_best(&fix.frontier, 10)->services, 10);
    assert_int_equal(avail_best(&fix.frontier, 1000)->services, 24);
}

/* Fifteen that differ are more than the exact search takes. */
static void what_is_not_proven_is_said(void **state)
{
    const struct avail_step *step;
    double nats_max;
    (void)state;
    begin();
    add(15, 0, 3, 1);
    add(2, 0.01, 3, 1);
    for (uint32_t j = 0; j < 15; j++)
        fix.down[0][j] = 0.01 + 0.013 * j;
    solve();
    assert_false(fix.frontier.exact);
    assert_true(fix.frontier.steps[0].nats == fix.frontier.steps[0].nats_least);
    step = avail_best(&fix.frontier, 6);
    assert_true(step->nats_least < step->nats);
    assert_true(step->nats_least > step->nats * 0.99);
    nats_max = (step->nats_least + step->nats) / 2;
    assert_int_equal(avail_cost_least(&fix.frontier, nats_max), 6);
    assert_true(avail_cheapest(&fix.frontier, nats_max)->cost > 6);
}

/* ---- digits ---- */

static void series_and_parallel_keep_their_digits(void **state)
{
    (void)state;
    /* 1 - (1 - a)^3 with 1 - a = 1e-6: 1e-18 is missing. */
    assert_true(fabs(avail_parallel(avail_nats(1e-6), 3) / 1e-18 - 1) < 1e-12);
    assert_true(fabs(avail_down(avail_nats(1e-17)) / 1e-17 - 1) < 1e-12);
    /* A service that is up once in e^50: two instances double the chance. */
    assert_true(fabs(avail_parallel(50, 2) - (50 - log(2))) < 1e-12);
    for (double nats = 1e-9; nats < 200; nats *= 1.07) {
        double last = nats;
        for (uint32_t n = 2; n <= AVAIL_INSTANCES_MAX; n++) {
            double now = avail_parallel(nats, n);
            long double up = 1 - powl(-expm1l(-(long double)nats), n);
            assert_true(now >= 0 && (now < last || last == 0));
            if (nats > 0.01 && nats < 20 && up > 1e-9L && up < 0.999L)
                assert_true(fabs(now / (double)-logl(up) - 1) < 1e-9);
            last = now;
        }
    }
}

/* ---- domains that fail ---- */

/* Every state of the domains and of the instances in them, one by one. */
static long double counted_up(const struct avail_division *plan, uint32_t n,
                              double domain_down)
{
    long double down[16];
    uint32_t services = 0;
    long double up = 0;
    for (uint32_t m = 0; m < fix.system.count; m++) {
        for (uint32_t i = 0; i < plan[m].services; i++) {
            long double a = 1;
            for (uint32_t j = 0; j < fix.modules[m].count; j++)
                a *= plan[m].service_of[j] == i
                         ? 1 - (long double)fix.modules[m].down[j]
                         : 1;
            down[services++] = 1 - a;
        }
    }
    uint32_t bits = n + services * n;
    for (uint32_t state = 0; state < 1u << bits; state++) {
        long double chance = 1;
        bool all = true;
        for (uint32_t d = 0; d < n; d++)
            chance *= (state >> d & 1) != 0 ? 1 - (long double)domain_down
                                            : (long double)domain_down;
        for (uint32_t s = 0; s < services; s++) {
            bool one = false;
            for (uint32_t d = 0; d < n; d++) {
                bool works = (state >> (n + s * n + d) & 1) != 0;
                chance *= works ? 1 - down[s] : down[s];
                one = one || (works && (state >> d & 1) != 0);
            }
            all = all && one;
        }
        up += all ? chance : 0;
    }
    return up;
}

static void domains_that_fail_are_counted_exactly(void **state)
{
    static const double kinds[] = {0.02, 0.1, 0.3, 0.001};
    struct avail_division plan[AVAIL_MODULES_MAX];
    uint64_t seed = 13;
    unsigned counted = 0;
    (void)state;
    for (unsigned run = 0; run < 40; run++) {
        uint32_t n = 1 + run % 3;
        double domain_down = kinds[run % 4];
        begin();
        add(1 + below(&seed, 3), 0, n, 1);
        add(1 + below(&seed, 2), 0, n, 2);
        for (uint32_t m = 0; m < 2; m++) {
            for (uint32_t j = 0; j < 3; j++)
                fix.down[m][j] = kinds[below(&seed, 4)];
        }
        assert_int_equal(avail_solve_domains(&fix.system, domain_down,
                                             &fix.arena, &fix.frontier),
                         OK);
        for (uint32_t i = 0; i < fix.frontier.count; i++) {
            const struct avail_step *step = &fix.frontier.steps[i];
            avail_plan(&fix.frontier, step, plan);
            assert_true(step->nats_least <= step->nats);
            if (step->services * n + n > 15)
                continue;
            long double up = counted_up(plan, n, domain_down);
            assert_true(fabs(avail_down(step->nats) - (double)(1 - up)) <
                        1e-12);
            counted++;
        }
    }
    assert_true(counted > 60);
}

static void perfect_domains_change_nothing(void **state)
{
    struct avail_frontier plain;
    (void)state;
    solve_sizes(platform, PLATFORM, 0.99, 3);
    plain = fix.frontier;
    assert_int_equal(
        avail_solve_domains(&fix.system, 0, &fix.arena, &fix.frontier), OK);
    assert_int_equal(fix.frontier.count, plain.count);
    assert_true(fix.frontier.exact);
    for (uint32_t i = 0; i < plain.count; i++)
        assert_true(fabs(fix.frontier.steps[i].nats / plain.steps[i].nats - 1) <
                    1e-12);
}

/* All domains are down at once in d^n of the time; nothing helps then. */
static void no_split_outdoes_its_domains(void **state)
{
    static const double kinds[] = {0.9, 0.1, 0.01, 0.001, 1e-4, 1e-6};
    double before = INFINITY;
    (void)state;
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        solve_sizes(platform, PLATFORM, 0.999, 3);
        assert_int_equal(avail_solve_domains(&fix.system, kinds[i], &fix.arena,
                                             &fix.frontier),
                         OK);
        assert_true(avail_down(last_step()->nats) > pow(kinds[i], 3));
        assert_true(last_step()->nats < before);
        before = last_step()->nats;
        assert_int_equal(fix.frontier.steps[0].services, 10);
        assert_int_equal(last_step()->services, 24);
    }
}

/* The bound is one: no division that there is goes below. */
static void no_division_outdoes_the_bound_of_domains(void **state)
{
    static struct search s;
    uint64_t seed = 14;
    unsigned exact = 0;
    unsigned steps = 0;
    (void)state;
    for (unsigned run = 0; run < 60; run++) {
        double d = run % 2 == 0 ? 0.01 : 0.2;
        begin();
        for (uint32_t m = 0; m < 2; m++) {
            add(3, 0, 3, 1 + below(&seed, 2));
            for (uint32_t j = 0; j < 3; j++)
                fix.down[m][j] = (double)below(&seed, 5000) / 10000;
        }
        assert_int_equal(
            avail_solve_domains(&fix.system, d, &fix.arena, &fix.frontier), OK);
        s.domain_down = d;
        memset(s.best, 0, sizeof(s.best));
        try_all(&s, 0, 0, 0, 0, 1);
        s.domain_down = 0;
        for (uint32_t i = 0; i < fix.frontier.count; i++) {
            const struct avail_step *step = &fix.frontier.steps[i];
            double truth = (double)(1 - s.best[step->cost]);
            assert_true(avail_down(step->nats_least) <= truth + 1e-12);
            assert_true(avail_down(fix.frontier.least[step->cost]) <=
                        truth + 1e-12);
            assert_true(avail_down(step->nats) >= truth - 1e-12);
            exact += avail_down(step->nats) <= truth + 1e-12;
            steps++;
        }
    }
    assert_true(exact * 100 >= steps * 95);
}

static void what_domains_cannot_hold_is_refused(void **state)
{
    (void)state;
    begin();
    add(2, 0.1, 3, 1);
    add(2, 0.1, 2, 1);
    fix.frontier.count = 77;
    assert_int_equal(
        avail_solve_domains(&fix.system, 0.1, &fix.arena, &fix.frontier),
        ERR_RANGE);
    fix.modules[1].instances = 3;
    assert_int_equal(
        avail_solve_domains(&fix.system, 1, &fix.arena, &fix.frontier),
        ERR_RANGE);
    fix.modules[0].instances = fix.modules[1].instances = 9;
    assert_int_equal(
        avail_solve_domains(&fix.system, 0.1, &fix.arena, &fix.frontier),
        ERR_RANGE);
    assert_int_equal(fix.frontier.count, 77);
}

/* ---- refusals ---- */

static enum err check(uint32_t *out_module)
{
    return avail_check(&fix.system, out_module);
}

static void more_instances_than_domains_are_refused(void **state)
{
    uint32_t module = 77;
    (void)state;
    begin();
    add(2, 0.1, 3, 1);
    add(2, 0.1, 4, 1);
    fix.system.domains = 4;
    assert_int_equal(check(&module), OK);
    assert_int_equal(module, 77);
    fix.system.domains = 3;
    assert_int_equal(check(&module), ERR_CAPACITY);
    assert_int_equal(module, 1);
}

static void numbers_out_of_bounds_are_refused(void **state)
{
    static const double bad[] = {-1e-9, 1, 2, NAN, INFINITY};
    uint32_t module = 77;
    (void)state;
    begin();
    assert_int_equal(check(&module), ERR_RANGE);
    assert_int_equal(module, 0);
    add(2, 0.1, 3, 1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fix.down[0][1] = bad[i];
        assert_int_equal(check(&module), ERR_RANGE);
    }
    fix.down[0][1] = 0.1;
    fix.modules[0].instances = 0;
    assert_int_equal(check(&module), ERR_RANGE);
    fix.modules[0].instances = 3;
    fix.modules[0].cost = AVAIL_COST_MAX;
    assert_int_equal(check(&module), ERR_TOO_LARGE);
    assert_int_equal(module, 1);
}

static void the_largest_system_fits_the_arena_that_is_named(void **state)
{
    (void)state;
    begin();
    arena_init(&fix.arena, AVAIL_ARENA_BYTES);
    for (uint32_t m = 0; m < AVAIL_MODULES_MAX; m++)
        add(AVAIL_PARTS_MAX, 0.001 * (m + 1), 3, 16);
    solve();
    assert_true(fix.frontier.exact);
    assert_int_equal(last_step()->services,
                     AVAIL_MODULES_MAX * AVAIL_PARTS_MAX);
}

static void too_little_memory_is_said(void **state)
{
    enum err err = ERR_NOMEM;
    (void)state;
    for (size_t bytes = 0; err == ERR_NOMEM && bytes < 1u << 20; bytes += 64) {
        begin();
        for (uint32_t m = 0; m < 3; m++)
            add(5, 0.01, 3, 1);
        fix.down[0][0] = 0.2;
        arena_init(&fix.arena, bytes);
        fix.frontier.count = 77;
        err = avail_solve(&fix.system, &fix.arena, &fix.frontier);
        assert_true(err == OK || fix.frontier.count == 77);
    }
    assert_int_equal(err, OK);
    arena_done(&fix.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            the_printed_table_is_met_but_for_the_cell_that_is_beaten),
        cmocka_unit_test(the_plan_that_is_only_the_first_feasible_is_beaten),
        cmocka_unit_test(the_full_split_of_good_parts_keeps_its_digits),
        cmocka_unit_test(four_parts_with_one_backup_are_as_drawn),
        cmocka_unit_test(counts_with_two_backups_are_as_drawn),
        cmocka_unit_test(counts_by_backups_are_as_drawn),
        cmocka_unit_test(the_frontier_is_the_best_of_all_divisions),
        cmocka_unit_test(a_plan_is_what_its_step_says),
        cmocka_unit_test(the_frontier_only_gets_dearer_and_better),
        cmocka_unit_test(more_backups_are_never_worse),
        cmocka_unit_test(better_submodules_are_never_worse),
        cmocka_unit_test(a_target_that_is_met_exactly_is_met),
        cmocka_unit_test(perfect_submodules_need_no_split),
        cmocka_unit_test(no_budget_below_a_service_a_module_is_kept),
        cmocka_unit_test(what_is_not_proven_is_said),
        cmocka_unit_test(series_and_parallel_keep_their_digits),
        cmocka_unit_test(domains_that_fail_are_counted_exactly),
        cmocka_unit_test(perfect_domains_change_nothing),
        cmocka_unit_test(no_split_outdoes_its_domains),
        cmocka_unit_test(no_division_outdoes_the_bound_of_domains),
        cmocka_unit_test(what_domains_cannot_hold_is_refused),
        cmocka_unit_test(more_instances_than_domains_are_refused),
        cmocka_unit_test(numbers_out_of_bounds_are_refused),
        cmocka_unit_test(the_largest_system_fits_the_arena_that_is_named),
        cmocka_unit_test(too_little_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
