/* links: oracle */
/* How far from the least cost are the placements, over drawn instances that
 * GLPK solves to the end?
 *
 *   bench_sched_oracle [TSV [N [FIRST]]]  N instances (default 500)
 *   bench_sched_oracle --fixtures N       tests/unit/sched/oracle_rows.h
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV ("-": to
 * none). Is built where GLPK is. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sched/graph/baseline.h"
#include "sched/graph/embed.h"
#include "sched/graph/plan_check.h"
#include "tests/oracle/instance.h"
#include "tests/oracle/oracle.h"

#define COUNT_MAX   4096u
#define SECONDS_MAX 60u

enum way { JOINT, GRC, RANDOM, WAYS };
static const char *const way_names[WAYS] = {"oracle", "oracle, GRC",
                                            "oracle, random"};

struct gaps {
    double gaps[COUNT_MAX]; /* per cent, of what both placed */
    uint32_t count;
    uint32_t exact;
    uint32_t missed; /* there is a plan, none was found */
};

struct sums {
    struct gaps ways[WAYS];
    uint32_t none;     /* there is no plan */
    uint32_t unproven; /* the time ran out */
    double seconds;
};

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

static enum err propose(enum way way, struct embed *work,
                        const struct topology *t, const struct job_graph *job,
                        struct dice *dice, struct plan *out)
{
    enum err err = ERR_CAPACITY;
    switch (way) {
    case JOINT:
        err = embed_solve(work, job, &embed_options_default, out, NULL);
        break;
    case GRC:
        err = baseline_grc(work, t, job, out);
        break;
    case RANDOM:
        err = baseline_random(work, t, job, dice, out);
        break;
    case WAYS:
        break;
    }
    return err;
}

static bool embed(enum way way, const struct topology *t,
                  const struct job_graph *job, uint64_t seed,
                  uint64_t *out_kbps)
{
    static struct plan plan;
    struct plan_verdict verdict;
    struct embed *work;
    struct dice dice;
    enum err err;
    dice_init(&dice, seed);
    CHECK(embed_new(t, &work) == OK);
    err = propose(way, work, t, job, &dice, &plan);
    if (err == OK) {
        CHECK(plan_check(t, job, &plan, &verdict));
        *out_kbps = plan_kbps(job, &plan);
    }
    embed_free(work);
    return err == OK;
}

static double gap(uint64_t found, uint64_t least)
{
    if (found == least)
        return 0;
    return least == 0 ? 100 : 100 * ((double)found / (double)least - 1);
}

static void compare_way(const struct topology *t, const struct job_graph *job,
                        uint64_t seed, enum way way,
                        const struct oracle_answer *answer, struct gaps *gaps)
{
    uint64_t kbps = 0;
    bool placed = embed(way, t, job, seed, &kbps);
    CHECK(!placed || (answer->feasible && kbps >= answer->kbps));
    gaps->missed += answer->feasible && !placed;
    if (placed) {
        gaps->exact += kbps == answer->kbps;
        gaps->gaps[gaps->count++] = gap(kbps, answer->kbps);
    }
}

static void try_instance(uint64_t seed, struct sums *sums, bool fixtures)
{
    static struct job_graph job;
    static struct oracle_answer answer;
    struct plan_verdict verdict;
    struct topology t;
    sample_instance(seed, &t, &job);
    oracle_solve(&t, &job, SECONDS_MAX, &answer);
    if (answer.feasible && !plan_check(&t, &job, &answer.plan, &verdict)) {
        fprintf(stderr, "instance %llu: the oracle's plan: %s\n",
                (unsigned long long)seed,
                plan_fault_text((enum plan_fault)verdict.first));
        exit(1);
    }
    sums->seconds += answer.seconds;
    sums->unproven += !answer.proven;
    sums->none += answer.proven && !answer.feasible;
    for (enum way way = JOINT; answer.proven && way < WAYS; way++)
        compare_way(&t, &job, seed, way, &answer, &sums->ways[way]);
    if (fixtures && answer.proven)
        printf("    {%llu, %s, %llu},\n", (unsigned long long)seed,
               answer.feasible ? "true" : "false",
               (unsigned long long)answer.kbps);
    topology_done(&t);
}

static FILE *tsv;

static void row(const char *name, double value, const char *unit,
                const char *goal, const char *anchor)
{
    printf("%-32s %12.3f %-6s %-8s %s\n", name, value, unit, goal, anchor);
    if (tsv != NULL)
        fprintf(tsv, "%s\t%.3f\t%s\t%s\t%s\n", name, value, unit, goal, anchor);
}

static void tell_way(enum way way, struct gaps *g)
{
    const char *goal = way == JOINT ? "<= 1" : "-";
    char name[64];
    double sum = 0;
    qsort(g->gaps, g->count, sizeof(g->gaps[0]), compare);
    for (uint32_t i = 0; i < g->count; i++)
        sum += g->gaps[i];
    if (g->count > 0) {
        snprintf(name, sizeof(name), "%s, the least cost", way_names[way]);
        row(name, 100.0 * g->exact / g->count, "%", "-", "GLPK, all proven");
        snprintf(name, sizeof(name), "%s, gap, mean", way_names[way]);
        row(name, sum / g->count, "%", goal, "GLPK");
        snprintf(name, sizeof(name), "%s, gap, p95", way_names[way]);
        row(name, g->gaps[(g->count - 1) * 95 / 100], "%", "-", "GLPK");
        snprintf(name, sizeof(name), "%s, gap, max", way_names[way]);
        row(name, g->gaps[g->count - 1], "%", "-", "GLPK");
    }
    snprintf(name, sizeof(name), "%s, plans missed", way_names[way]);
    row(name, g->missed, "", "-", "GLPK found one");
}

static void tell(struct sums *s, uint32_t tried)
{
    for (enum way way = JOINT; way < WAYS; way++)
        tell_way(way, &s->ways[way]);
    fprintf(stderr,
            "%u instances: %u without a plan, %u not solved in %u s; %.2f s "
            "each\n",
            tried, s->none, s->unproven, SECONDS_MAX, s->seconds / tried);
}

int main(int argc, char **argv)
{
    static struct sums sums;
    bool fixtures = argc > 1 && strcmp(argv[1], "--fixtures") == 0;
    uint32_t count = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 500;
    uint64_t first = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    if (count == 0 || count > COUNT_MAX) {
        fprintf(stderr, "usage: bench_sched_oracle [TSV [N [FIRST]]]\n");
        return 2;
    }
    if (!fixtures && argc > 1 && strcmp(argv[1], "-") != 0)
        tsv = fopen(argv[1], "w");
    for (uint32_t i = 0; i < count; i++)
        try_instance(first + i, &sums, fixtures);
    if (!fixtures)
        tell(&sums, count);
    if (tsv != NULL)
        fclose(tsv);
    return 0;
}
