/* links: sched_lab */
/* How much of a cluster's devices the policies give away, and how long a
 * decision takes: the experiment of the FGD paper on the trace it used.
 *
 *   bench_sched_fleet [TSV [SEEDS]]
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV. The anchors
 * are the published means (hkust-adsl/kubernetes-scheduler-simulator,
 * expected_results). The trace lies in $SUAN_DATA/openb, else beside the
 * checkout; without it there is nothing to measure, and the exit code is 77. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sched/lab/replay_openb.h"

#define PATH_LEN   4096
#define SEED_FIRST 42 /* as published: 42..51 */
#define SEEDS      10

struct line {
    enum fleet_policy policy;
    const char *name;
    const char *goal;
    const char *anchor;
};

static const struct line default_lines[] = {
    {FLEET_RANDOM, "openb.random", "86.3", "86.30"},
    {FLEET_DOTPROD, "openb.dotprod", "-", "90.62"},
    {FLEET_CLUSTERING, "openb.clustering", "-", "91.65"},
    {FLEET_PACKING, "openb.packing", "-", "91.78"},
    {FLEET_BESTFIT, "openb.bestfit", "92.9", "92.86"},
    {FLEET_FGD, "openb.fgd", ">=95.0", "95.23"},
    {FLEET_FGD_FINE, "openb.fgd_without_steps", "-", "-"},
};

static const struct line share_lines[] = {
    {FLEET_RANDOM, "gpushare100.random", "-", "78.90"},
    {FLEET_DOTPROD, "gpushare100.dotprod", "-", "81.98"},
    {FLEET_CLUSTERING, "gpushare100.clustering", "-", "82.22"},
    {FLEET_PACKING, "gpushare100.packing", "-", "82.13"},
    {FLEET_BESTFIT, "gpushare100.bestfit", "-", "84.62"},
    {FLEET_FGD, "gpushare100.fgd", ">=86.6", "86.64"},
};

struct bench {
    FILE *tsv;
    unsigned seeds;
};

static uint64_t processor_ns(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void row(struct bench *bench, const char *name, double value,
                const char *unit, const char *goal, const char *anchor)
{
    printf("%-32s %12.3f %-6s %-8s %s\n", name, value, unit, goal, anchor);
    fflush(stdout);
    if (bench->tsv != NULL)
        fprintf(bench->tsv, "%s\t%.3f\t%s\t%s\t%s\n", name, value, unit, goal,
                anchor);
}

static void must(enum err err)
{
    if (err == OK)
        return;
    fprintf(stderr, "bench_sched_fleet: %s\n", err_text(err));
    exit(1);
}

static void measure(struct bench *bench, const struct openb *openb,
                    const struct line *line)
{
    double percent = 0;
    uint64_t ns = 0;
    uint64_t slowest = 0;
    uint64_t decisions = 0;
    char name[96];
    for (unsigned i = 0; i < bench->seeds; i++) {
        struct replay_openb_result result;
        const struct replay_openb_config config = {
            .policy = line->policy,
            .seed = SEED_FIRST + i,
            .load_permille = 1300,
            .typical_permille = REPLAY_TYPICAL_PERMILLE,
            .memory = 512,
            .clock_ns = processor_ns,
        };
        must(replay_openb(openb, &config, &result));
        percent += (double)result.allocated_at_100 * 100 / REPLAY_PARTS;
        ns += result.decision_ns;
        decisions += result.decisions;
        if (result.slowest_ns > slowest)
            slowest = result.slowest_ns;
    }
    snprintf(name, sizeof(name), "%s.allocated", line->name);
    row(bench, name, percent / bench->seeds, "%", line->goal, line->anchor);
    if (line->policy != FLEET_FGD)
        return;
    snprintf(name, sizeof(name), "%s.decision", line->name);
    row(bench, name, (double)ns / 1e3 / (double)decisions, "us", "<=300",
        "55000 (10 minutes a run)");
    snprintf(name, sizeof(name), "%s.slowest", line->name);
    row(bench, name, (double)slowest / 1e3, "us", "-", "-");
}

static int trace(struct bench *bench, const char *home, const char *pods_name,
                 const struct line *lines, size_t count)
{
    char nodes[PATH_LEN];
    char pods[PATH_LEN];
    char error[LAB_ERROR_MAX];
    struct openb openb;
    snprintf(nodes, sizeof(nodes), "%s/openb/openb_node_list_gpu_node.csv",
             home);
    snprintf(pods, sizeof(pods), "%s/openb/%s", home, pods_name);
    if (openb_read(nodes, pods, &openb, error) != OK) {
        fprintf(stderr, "skipped: %s\n", error);
        return 77;
    }
    for (size_t i = 0; i < count; i++)
        measure(bench, &openb, &lines[i]);
    openb_done(&openb);
    return 0;
}

int main(int argc, char **argv)
{
    const char *home = getenv("SUAN_DATA");
    struct bench bench = {.seeds = SEEDS};
    int skipped;
    if (home == NULL)
        home = SUAN_SOURCE_DIR "/../shared/data";
    if (argc > 1 && (bench.tsv = fopen(argv[1], "w")) == NULL) {
        perror(argv[1]);
        return 1;
    }
    if (argc > 2)
        bench.seeds = (unsigned)strtoul(argv[2], NULL, 10);
    if (bench.seeds == 0)
        bench.seeds = 1;
    if (bench.tsv != NULL)
        fprintf(bench.tsv, "name\tvalue\tunit\tgoal\tanchor\n");
    skipped = trace(&bench, home, "openb_pod_list_default.csv", default_lines,
                    sizeof(default_lines) / sizeof(default_lines[0]));
    if (!skipped)
        skipped =
            trace(&bench, home, "openb_pod_list_gpushare100.csv", share_lines,
                  sizeof(share_lines) / sizeof(share_lines[0]));
    if (bench.tsv != NULL && fclose(bench.tsv) != 0) {
        perror(argv[1]);
        return 1;
    }
    return skipped;
}
