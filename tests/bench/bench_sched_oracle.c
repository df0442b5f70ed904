/* links: oracle */
/* How far from the least cost, and from the best score, are the placements,
 * over drawn instances that GLPK solves to the end?
 *
 *   bench_sched_oracle [TSV [N [FIRST]]]  N instances (default 500); of the
 *                                         small ones a tenth as many for the
 *                                         score, which takes GLPK much longer
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

enum way { JOINT, SCORED, GRC, RANDOM, WAYS };
static const char *const way_names[WAYS] = {"joint", "joint, by score", "GRC",
                                            "random"};
enum aim { COST, SCORE, AIMS };
static const struct plan_weights evenly = {.node = 1, .link = 1, .energy = 1};

struct gaps {
    double gaps[COUNT_MAX]; /* per cent, of what both placed */
    uint32_t count;
    uint32_t exact;
    uint32_t missed; /* there is a plan, none was found */
};

struct sums {
    struct gaps ways[WAYS];
    uint32_t tried;
    uint32_t none;     /* there is no plan */
    uint32_t unproven; /* the time ran out */
    double seconds;
};

/* What a plan is worth: its cost, and its score. */
struct worth {
    uint64_t kbps;
    int32_t score;
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
    struct embed_options options = embed_options_default;
    switch (way) {
    case JOINT:
        break;
    case SCORED:
        options.aim = EMBED_AIM_SCORE;
        options.weights = evenly;
        break;
    case GRC:
        return baseline_grc(work, t, job, out);
    case RANDOM:
        return baseline_random(work, t, job, dice, out);
    case WAYS:
        return ERR_CAPACITY;
    }
    return embed_solve(work, job, &options, out, NULL);
}

static bool embed(enum way way, const struct topology *t,
                  const struct job_graph *job, uint64_t seed, struct worth *out)
{
    static struct plan plan;
    struct plan_verdict verdict;
    struct plan_score score;
    struct embed *work;
    struct dice dice;
    enum err err;
    dice_init(&dice, seed);
    CHECK(embed_new(t, &work) == OK);
    err = propose(way, work, t, job, &dice, &plan);
    embed_free(work);
    if (err != OK)
        return false;
    CHECK(plan_check(t, job, &plan, &verdict));
    plan_score_of(t, job, &plan, &evenly, &score);
    *out = (struct worth){.kbps = plan_kbps(job, &plan), .score = score.all};
    return true;
}

/* Per cent by which what was found is worse than the oracle's. Scores are in
 * rounded thousandths, three parts of them: the programme's best may come out
 * two lower than another plan. */
static double gap(enum aim aim, const struct worth *found,
                  const struct oracle_answer *answer)
{
    if (aim == SCORE) {
        CHECK(found->score <= answer->score + 2);
        return found->score >= answer->score
                   ? 0
                   : 100.0 * (answer->score - found->score) / answer->score;
    }
    CHECK(found->kbps >= answer->kbps);
    if (found->kbps == answer->kbps)
        return 0;
    return answer->kbps == 0
               ? 100
               : 100 * ((double)found->kbps / (double)answer->kbps - 1);
}

static void compare_way(const struct topology *t, const struct job_graph *job,
                        uint64_t seed, enum aim aim, enum way way,
                        const struct oracle_answer *answer, struct gaps *gaps)
{
    struct worth found;
    bool placed = embed(way, t, job, seed, &found);
    CHECK(!placed || answer->feasible);
    gaps->missed += answer->feasible && !placed;
    if (placed) {
        gaps->gaps[gaps->count] = gap(aim, &found, answer);
        gaps->exact += gaps->gaps[gaps->count] <= 0;
        gaps->count++;
    }
}

static void ask_oracle(enum aim aim, const struct topology *t,
                       const struct job_graph *job, struct oracle_answer *out)
{
    if (aim == SCORE)
        oracle_solve_score(t, job, &evenly, SECONDS_MAX, out);
    else
        oracle_solve(t, job, SECONDS_MAX, out);
}

static void try_instance(uint64_t seed, enum aim aim, const struct topology *t,
                         const struct job_graph *job, struct sums *sums,
                         bool fixtures)
{
    static struct oracle_answer answer;
    struct plan_verdict verdict;
    ask_oracle(aim, t, job, &answer);
    if (answer.feasible && !plan_check(t, job, &answer.plan, &verdict)) {
        fprintf(stderr, "instance %llu: the oracle's plan: %s\n",
                (unsigned long long)seed,
                plan_fault_text((enum plan_fault)verdict.first));
        exit(1);
    }
    sums->tried++;
    sums->seconds += answer.seconds;
    sums->unproven += !answer.proven;
    sums->none += answer.proven && !answer.feasible;
    for (enum way way = JOINT; answer.proven && way < WAYS; way++)
        if (aim == SCORE || way != SCORED)
            compare_way(t, job, seed, aim, way, &answer, &sums->ways[way]);
    if (fixtures && answer.proven)
        printf("    {%llu, %s, %llu},\n", (unsigned long long)seed,
               answer.feasible ? "true" : "false",
               (unsigned long long)answer.kbps);
}

#define SMALL_NODES 8u
#define SMALL_PARTS 3u
static bool small(const struct topology *t, const struct job_graph *job)
{
    return t->node_count <= SMALL_NODES && job->component_count <= SMALL_PARTS;
}

static void try_seed(uint64_t seed, struct sums *sums, uint32_t scored_max,
                     bool fixtures)
{
    static struct job_graph job;
    struct topology t;
    sample_instance(seed, &t, &job);
    try_instance(seed, COST, &t, &job, &sums[COST], fixtures);
    if (sums[SCORE].tried < scored_max && small(&t, &job))
        try_instance(seed, SCORE, &t, &job, &sums[SCORE], false);
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

static void tell_way(enum aim aim, enum way way, struct gaps *g)
{
    const char *goal = aim == COST && way == JOINT ? "<= 1" : "-";
    const char *best = aim == COST ? "cost" : "score";
    char name[64];
    double sum = 0;
    qsort(g->gaps, g->count, sizeof(g->gaps[0]), compare);
    for (uint32_t i = 0; i < g->count; i++)
        sum += g->gaps[i];
    if (g->count > 0) {
        snprintf(name, sizeof(name), "best %s, %s: hit", best, way_names[way]);
        row(name, 100.0 * g->exact / g->count, "%", "-", "GLPK, all proven");
        snprintf(name, sizeof(name), "best %s, %s: gap", best, way_names[way]);
        row(name, sum / g->count, "%", goal, "GLPK");
        snprintf(name, sizeof(name), "best %s, %s: p95", best, way_names[way]);
        row(name, g->gaps[(g->count - 1) * 95 / 100], "%", "-", "GLPK");
        snprintf(name, sizeof(name), "best %s, %s: max", best, way_names[way]);
        row(name, g->gaps[g->count - 1], "%", "-", "GLPK");
    }
    snprintf(name, sizeof(name), "best %s, %s: missed", best, way_names[way]);
    row(name, g->missed, "", "-", "GLPK found one");
}

static void tell(enum aim aim, struct sums *s)
{
    for (enum way way = JOINT; way < WAYS; way++)
        if (aim == SCORE || way != SCORED)
            tell_way(aim, way, &s->ways[way]);
    fprintf(stderr,
            "%s: %u instances: %u without a plan, %u not solved in %u s; "
            "%.2f s each\n",
            aim == COST ? "cost" : "score", s->tried, s->none, s->unproven,
            SECONDS_MAX, s->seconds / s->tried);
}

int main(int argc, char **argv)
{
    static struct sums sums[AIMS];
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
        try_seed(first + i, sums, fixtures ? 0 : (count + 4) / 5, fixtures);
    for (enum aim aim = COST; !fixtures && aim < AIMS; aim++)
        if (sums[aim].tried > 0)
            tell(aim, &sums[aim]);
    if (tsv != NULL)
        fclose(tsv);
    return 0;
}
