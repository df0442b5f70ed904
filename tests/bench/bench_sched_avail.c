/* links: sched */
/* Availability of systems split into services, and of redundant jobs.
 *
 *   bench_sched_avail [TSV]
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV. The system
 * is a published platform of ten modules and 24 submodules with its table of 40
 * cells; the anchor of the time is the published method in the same run: all
 * ways to deal out the services, for each all divisions of each module, until
 * the first that reaches the target. Times are processor time, medians. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "sched/avail/avail.h"
#include "sched/avail/avail_split.h"
#include "sched/avail/replicas.h"

#define RUNS     101u
#define MODULES  10u
#define COLUMNS  5u
#define TARGETS  5u
#define ARENA    (8u * 1024 * 1024)
#define STEPS    100000u
#define INSTANCE 3u

static const double columns[COLUMNS] = {0.9, 0.95, 0.99, 0.995, 0.999};
static const double targets[TARGETS] = {0.99, 0.999, 0.9995, 0.9999, 0.99999};
static const uint32_t platform[MODULES] = {2, 4, 4, 2, 3, 4, 1, 1, 1, 2};
static const uint32_t clustered[MODULES] = {7, 4, 2, 2, 2, 2, 2, 1, 1, 1};
/* One service a module, five targets, a service a submodule, clustered by
 * dependencies: as printed, in per cent. */
static const double printed[TARGETS + 3][COLUMNS] = {
    {84.50837, 97.50455, 99.97636, 99.99699, 99.99998},
    {97.62740, 99.02747, 99.97636, 99.99699, 99.99998},
    {97.62740, 99.70043, 99.97636, 99.99699, 99.99998},
    {97.62740, 99.70043, 99.97636, 99.99699, 99.99998},
    {97.62740, 99.70043, 99.99058, 99.99699, 99.99998},
    {97.62740, 99.70043, 99.99760, 99.99903, 99.99998},
    {97.62740, 99.70043, 99.99760, 99.99970, 99.99999},
    {79.28817, 96.15107, 99.95829, 99.99459, 99.99996}};

struct bench {
    FILE *tsv;
    uint64_t seed;
    double down[AVAIL_MODULES_MAX][AVAIL_PARTS_MAX];
    struct avail_module modules[AVAIL_MODULES_MAX];
    struct avail_system system;
    struct avail_frontier frontier;
    struct arena arena;
    double us[RUNS];
};

static double cpu_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec * 1e-3;
}

static double draw(struct bench *b)
{
    uint64_t z = b->seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

static void row(struct bench *b, const char *name, double value,
                const char *unit, const char *goal, const char *anchor)
{
    printf("%-32s %12.5f %-6s %-10s %s\n", name, value, unit, goal, anchor);
    if (b->tsv != NULL)
        fprintf(b->tsv, "%s\t%.5f\t%s\t%s\t%s\n", name, value, unit, goal,
                anchor);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(struct bench *b, uint32_t count)
{
    qsort(b->us, count, sizeof(b->us[0]), compare);
    return b->us[count / 2];
}

static void set_sizes(struct bench *b, const uint32_t *sizes, double a)
{
    b->system = (struct avail_system){b->modules, MODULES, 0};
    for (uint32_t m = 0; m < MODULES; m++) {
        for (uint32_t j = 0; j < sizes[m]; j++)
            b->down[m][j] = 1 - a;
        b->modules[m] =
            (struct avail_module){b->down[m], sizes[m], INSTANCE, 1};
    }
}

static void solve(struct bench *b)
{
    arena_reset(&b->arena);
    CHECK(avail_solve(&b->system, &b->arena, &b->frontier) == OK);
}

static const struct avail_step *cell(const struct bench *b, double target)
{
    const struct avail_step *step =
        avail_cheapest(&b->frontier, avail_nats(1 - target));
    return step != NULL ? step : &b->frontier.steps[b->frontier.count - 1];
}

/* ---- the published method ---- */

struct published {
    const struct bench *b;
    double nats_max;
    uint32_t extra[MODULES];
    double nats; /* of the first that reaches it */
    uint32_t services;
    uint8_t at[AVAIL_PARTS_MAX];
    double best;
};

static void divide(struct published *p, const struct avail_module *module,
                   uint32_t j, uint32_t used, uint32_t services)
{
    if (j == module->count) {
        if (used == services)
            p->best = fmin(p->best, avail_module_nats(module, p->at));
        return;
    }
    for (uint32_t i = 0; i <= used && i < services; i++) {
        p->at[j] = (uint8_t)i;
        divide(p, module, j + 1, i == used ? used + 1 : used, services);
    }
}

static double nats_of_deal(struct published *p)
{
    double nats = 0;
    for (uint32_t m = 0; m < MODULES; m++) {
        p->best = INFINITY;
        divide(p, &p->b->modules[m], 0, 0, 1 + p->extra[m]);
        nats += p->best;
    }
    return nats;
}

/* Deals `extra` services out to the modules up to m, in the order in which its
 * loops list the deals. True: found. */
static bool deal(struct published *p, uint32_t m, uint32_t extra)
{
    for (uint32_t before = 0; before <= extra; before++) {
        uint32_t here = extra - before;
        if (here >= p->b->modules[m].count || (m == 0 && before > 0))
            continue;
        p->extra[m] = here;
        if (m > 0 && deal(p, m - 1, before))
            return true;
        if (m == 0) {
            p->nats = nats_of_deal(p);
            if (avail_reaches(p->nats, p->nats_max))
                return true;
        }
    }
    return false;
}

static struct published published(const struct bench *b, double target)
{
    struct published p = {.b = b, .nats_max = avail_nats(1 - target)};
    uint32_t most = 0;
    for (uint32_t m = 0; m < MODULES; m++)
        most += b->modules[m].count - 1;
    for (uint32_t extra = 0; extra <= most; extra++) {
        p.services = MODULES + extra;
        if (deal(&p, MODULES - 1, extra))
            break;
    }
    return p;
}

/* ---- the table ---- */

static unsigned met(double nats, double expected)
{
    return fabs(100 - 100 * avail_down(nats) - expected) <= 1e-5;
}

static void table(struct bench *b)
{
    unsigned cells = 0;
    for (uint32_t c = 0; c < COLUMNS; c++) {
        set_sizes(b, clustered, columns[c]);
        solve(b);
        cells += met(b->frontier.steps[0].nats, printed[TARGETS + 2][c]);
        set_sizes(b, platform, columns[c]);
        solve(b);
        cells += met(b->frontier.steps[0].nats, printed[0][c]);
        cells += met(b->frontier.steps[b->frontier.count - 1].nats,
                     printed[TARGETS + 1][c]);
        for (uint32_t t = 0; t < TARGETS; t++)
            cells += met(cell(b, targets[t])->nats, printed[t + 1][c]);
    }
    row(b, "avail.cells_as_printed", cells, "of 40", ">=38",
        "to 1e-5 per cent; one is beaten");
}

static void beaten_cell(struct bench *b)
{
    char anchor[96];
    set_sizes(b, platform, 0.99);
    solve(b);
    const struct avail_step *step = cell(b, 0.9999);
    struct published p = published(b, 0.9999);
    (void)snprintf(anchor, sizeof(anchor),
                   "printed 99.99058; first feasible, here: %.5f with %u",
                   100 - 100 * avail_down(p.nats), p.services);
    row(b, "avail.cell_99.99_0.99", 100 - 100 * avail_down(step->nats), "%",
        ">=99.99171", anchor);
    row(b, "avail.cell_99.99_0.99.services", step->services, "", "14", "14");
    set_sizes(b, platform, 0.999);
    solve(b);
    row(b, "avail.full_0.999.down",
        1e9 * avail_down(b->frontier.steps[b->frontier.count - 1].nats), "1e-9",
        "24.0", "printed 99.99999: cut off");
}

static void cells_25(struct bench *b)
{
    char anchor[64];
    for (uint32_t run = 0; run < RUNS; run++) {
        double start = cpu_us();
        for (uint32_t c = 0; c < COLUMNS; c++) {
            for (uint32_t t = 0; t < TARGETS; t++) {
                set_sizes(b, platform, columns[c]);
                solve(b);
                (void)cell(b, targets[t]);
            }
        }
        b->us[run] = cpu_us() - start;
    }
    double ours = median(b, RUNS);
    double start = cpu_us();
    for (uint32_t c = 0; c < COLUMNS; c++) {
        set_sizes(b, platform, columns[c]);
        for (uint32_t t = 0; t < TARGETS; t++)
            (void)published(b, targets[t]);
    }
    double theirs = cpu_us() - start;
    (void)snprintf(anchor, sizeof(anchor), "published method %.0f us: %.0fx",
                   theirs, theirs / ours);
    row(b, "avail.cells_25", ours, "us", "<1000", anchor);
}

/* ---- what else may come ---- */

static void fill(struct bench *b, uint32_t modules, uint32_t parts)
{
    b->system = (struct avail_system){b->modules, modules, 0};
    for (uint32_t m = 0; m < modules; m++) {
        for (uint32_t j = 0; j < parts; j++)
            b->down[m][j] = pow(10, -1 - 3 * draw(b));
        b->modules[m] = (struct avail_module){b->down[m], parts, INSTANCE, 1};
    }
}

/* The widest distance between what was found and what could be. */
static double gap(const struct bench *b)
{
    double most = 0;
    for (uint32_t i = 0; i < b->frontier.count; i++) {
        const struct avail_step *step = &b->frontier.steps[i];
        most = fmax(most, step->nats / step->nats_least - 1);
    }
    return 100 * most;
}

static void unequal(struct bench *b, const char *name, uint32_t modules,
                    uint32_t parts, uint32_t runs, const char *anchor)
{
    char label[64];
    double widest = 0;
    for (uint32_t run = 0; run < runs; run++) {
        fill(b, modules, parts);
        double start = cpu_us();
        solve(b);
        b->us[run] = cpu_us() - start;
        widest = fmax(widest, gap(b));
    }
    (void)snprintf(label, sizeof(label), "avail.%s", name);
    row(b, label, median(b, runs) / 1000, "ms", "-", anchor);
    (void)snprintf(label, sizeof(label), "avail.%s.gap", name);
    row(b, label, widest, "%", "-", "of unavailability, to a proven bound");
}

/* Domains of three nines, the whole frontier. */
static void domains(struct bench *b)
{
    set_sizes(b, platform, 0.99);
    for (uint32_t run = 0; run < RUNS; run++) {
        arena_reset(&b->arena);
        double start = cpu_us();
        CHECK(avail_solve_domains(&b->system, 0.001, &b->arena, &b->frontier) ==
              OK);
        b->us[run] = cpu_us() - start;
    }
    row(b, "avail.failing_domains", median(b, RUNS), "us", "-",
        "the platform in three domains of 99.9 %");
    row(b, "avail.failing_domains.gap", gap(b), "%", "-",
        "of unavailability, to a proven bound");
}

static void replicas(struct bench *b)
{
    static struct replicas_candidate candidates[REPLICAS_CANDIDATES_MAX];
    struct replicas fewest;
    struct replicas cheapest;
    double widest = 0;
    double saved = 0;
    for (uint32_t run = 0; run < RUNS; run++) {
        for (uint32_t i = 0; i < REPLICAS_CANDIDATES_MAX; i++)
            candidates[i] =
                (struct replicas_candidate){pow(10, -1 - 2 * draw(b)),
                                            {(uint64_t)(1e5 + 1e6 * draw(b))},
                                            1 + i % 64};
        CHECK(replicas_fewest(candidates, REPLICAS_CANDIDATES_MAX, 1e-6,
                              &fewest) == OK);
        double start = cpu_us();
        CHECK(replicas_cheapest(candidates, REPLICAS_CANDIDATES_MAX, 1e-6,
                                STEPS, &cheapest) == OK);
        b->us[run] = cpu_us() - start;
        saved += 1 - (double)cheapest.price.micro / (double)fewest.price.micro;
        widest = fmax(widest, (double)cheapest.price.micro /
                                      (double)cheapest.price_least.micro -
                                  1);
    }
    row(b, "replicas.cheapest_256", median(b, RUNS), "us", "-",
        "256 candidates, 64 domains, six nines");
    row(b, "replicas.cheapest_256.gap", 100 * widest, "%", "-",
        "to a proven bound, the widest of 101");
    row(b, "replicas.cheapest_256.saved", 100 * saved / RUNS, "%", "-",
        "against the fewest replicas");
}

int main(int argc, char **argv)
{
    static struct bench b;
    b.seed = 31;
    if (argc > 1 && (b.tsv = fopen(argv[1], "w")) == NULL) {
        perror(argv[1]);
        return 1;
    }
    if (b.tsv != NULL)
        fprintf(b.tsv, "name\tvalue\tunit\tgoal\tanchor\n");
    arena_init(&b.arena, ARENA);
    table(&b);
    beaten_cell(&b);
    cells_25(&b);
    unequal(&b, "unequal_10x8", 10, 8, 11, "ten modules, all differ: exact");
    unequal(&b, "unequal_1x14", 1, 14, 5, "the largest that is always exact");
    unequal(&b, "unequal_1x64", 1, 64, 11, "packed and searched");
    domains(&b);
    replicas(&b);
    arena_done(&b.arena);
    if (b.tsv != NULL && fclose(b.tsv) != 0) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
