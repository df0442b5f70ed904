/* links: oracle */
/* How far from the least cost is the joint placement, over drawn instances that
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
#include "sched/graph/embed.h"
#include "sched/graph/plan_check.h"
#include "tests/oracle/instance.h"
#include "tests/oracle/oracle.h"

#define COUNT_MAX   4096u
#define SECONDS_MAX 60u

struct sums {
    double gaps[COUNT_MAX]; /* per cent, of what both placed */
    uint32_t count;
    uint32_t exact;
    uint32_t missed;   /* there is a plan, none was found */
    uint32_t none;     /* there is none, and none was found */
    uint32_t unproven; /* the time ran out */
    double seconds;
};

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

static bool embed(const struct topology *t, const struct job_graph *job,
                  uint64_t *out_kbps)
{
    struct embed_options options = embed_options_default;
    static struct plan plan;
    struct plan_verdict verdict;
    struct embed *work;
    enum err err;
    CHECK(embed_new(t, &work) == OK);
    err = embed_solve(work, job, &options, &plan, NULL);
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

static void try_instance(uint64_t seed, struct sums *sums, bool fixtures)
{
    static struct job_graph job;
    static struct oracle_answer answer;
    struct plan_verdict verdict;
    struct topology t;
    uint64_t kbps = 0;
    bool placed;
    sample_instance(seed, &t, &job);
    oracle_solve(&t, &job, SECONDS_MAX, &answer);
    if (answer.feasible && !plan_check(&t, &job, &answer.plan, &verdict)) {
        fprintf(stderr, "instance %llu: the oracle's plan: %s\n",
                (unsigned long long)seed,
                plan_fault_text((enum plan_fault)verdict.first));
        exit(1);
    }
    placed = embed(&t, &job, &kbps);
    CHECK(!placed || !answer.proven ||
          (answer.feasible && kbps >= answer.kbps));
    sums->seconds += answer.seconds;
    if (!answer.proven) {
        sums->unproven++;
    } else if (!answer.feasible) {
        sums->none++;
    } else if (!placed) {
        sums->missed++;
    } else {
        sums->exact += kbps == answer.kbps;
        sums->gaps[sums->count++] = gap(kbps, answer.kbps);
    }
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

static void tell(struct sums *s, uint32_t tried)
{
    double sum = 0;
    qsort(s->gaps, s->count, sizeof(s->gaps[0]), compare);
    for (uint32_t i = 0; i < s->count; i++)
        sum += s->gaps[i];
    if (s->count > 0) {
        row("oracle, exactly the least cost", 100.0 * s->exact / s->count, "%",
            "-", "GLPK, all proven");
        row("oracle, gap, mean", sum / s->count, "%", "<= 1", "GLPK");
        row("oracle, gap, p95", s->gaps[(s->count - 1) * 95 / 100], "%", "-",
            "GLPK");
        row("oracle, gap, max", s->gaps[s->count - 1], "%", "-", "GLPK");
    }
    row("oracle, a plan missed", s->missed, "of", "0", "GLPK found one");
    printf("%u instances: %u placed by both, %u without a plan, %u not solved "
           "in %u s; %.2f s each\n",
           tried, s->count, s->none, s->unproven, SECONDS_MAX,
           s->seconds / tried);
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
