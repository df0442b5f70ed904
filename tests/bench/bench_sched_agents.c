/* links: sched_lab */
/* Several agents on one commons.
 *
 *   bench_sched_agents [TSV [N]]   N interleavings (default 1000000)
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV ("-": to
 * none). Interleavings are those of tests/unit/sched/agents_sim.h, half of them
 * with each rule. The openb rows compare agents with one central agent on the
 * same arrivals, means of five seeds; they are left out where $SUAN_DATA/openb,
 * else ../shared/data/openb, is absent. Times are processor time. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "sched/lab/replay_agents.h"
#include "tests/unit/sched/agents_sim.h"

#define SEEDS 5u
#define STEPS 150u

static FILE *tsv;

static void row(const char *name, double value, const char *unit,
                const char *goal, const char *anchor)
{
    printf("%-32s %12.4f %-6s %-8s %s\n", name, value, unit, goal, anchor);
    if (tsv != NULL)
        fprintf(tsv, "%s\t%.4f\t%s\t%s\t%s\n", name, value, unit, goal, anchor);
}

static uint64_t cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- interleavings ---- */

static void interleave(uint64_t count)
{
    static struct sim sim;
    uint64_t disagree = 0;
    uint64_t began = cpu_ns();
    sim_init(&sim, COMMONS_BY_VERSION);
    for (uint64_t seed = 0; seed < count; seed++) {
        sim.commons.rule = seed % 2 == 0 ? COMMONS_BY_VERSION : COMMONS_BY_ROOM;
        disagree += !sim_run(&sim, seed + 1000000, STEPS);
    }
    row("agents, interleavings", (double)count, "", ">=1e6", "");
    row("agents, over-allocations", (double)sim.over_allocations, "", "0",
        "karmada#1385: 20 -> 4 on a place for 2");
    row("agents, placed twice or in part", (double)(sim.twice + sim.partial),
        "", "0", "");
    row("agents, books that disagree", (double)disagree, "", "0", "");
    row("agents, jobs placed", (double)sim.placed, "", "-", "");
    row("agents, crashes while holding", (double)sim.crashes_holding, "", "-",
        "");
    row("agents, us an interleaving",
        (double)(cpu_ns() - began) / 1e3 / (double)count, "us", "-", "");
    sim_done(&sim);
}

/* ---- openb ---- */

struct mean {
    double allocated;
    double conflicts; /* of what was said, per cent */
    double retries;   /* a job */
    double us;        /* a job */
};

static struct mean mean_of(const struct openb *openb,
                           struct replay_agents_config config)
{
    struct mean mean = {0};
    for (uint64_t seed = 42; seed < 42 + SEEDS; seed++) {
        struct replay_agents_result result;
        config.seed = seed;
        CHECK(replay_agents(openb, &config, &result) == OK);
        CHECK(result.holds_up);
        mean.allocated +=
            (double)result.of.allocated_at_100 * 100 / REPLAY_PARTS / SEEDS;
        mean.conflicts += (double)result.counts.conflicts * 100 /
                          (double)result.counts.said / SEEDS;
        mean.retries +=
            (double)result.counts.retries / (double)result.counts.begun / SEEDS;
        mean.us += (double)result.of.decision_ns / 1e3 /
                   (double)result.of.decisions / SEEDS;
    }
    return mean;
}

static void tell(const char *name, const struct mean *mean, double central,
                 const char *goal)
{
    char label[64];
    (void)snprintf(label, sizeof(label), "%s, efficiency", name);
    row(label, mean->allocated / central * 100, "%", goal, "central agent");
    (void)snprintf(label, sizeof(label), "%s, conflicts", name);
    row(label, mean->conflicts, "%", "-", "");
    (void)snprintf(label, sizeof(label), "%s, retries", name);
    row(label, mean->retries, "a job", "-", "");
    (void)snprintf(label, sizeof(label), "%s, us", name);
    row(label, mean->us, "us", "-", "");
}

static void replay(const struct openb *openb)
{
    struct replay_agents_config config = {.policy = FLEET_FGD,
                                          .rule = COMMONS_BY_VERSION,
                                          .load_permille = 1300,
                                          .typical_permille =
                                              REPLAY_TYPICAL_PERMILLE,
                                          .memory = 512,
                                          .agents = 1,
                                          .stale = 1,
                                          .spread = 8,
                                          .clock_ns = cpu_ns};
    struct mean central = mean_of(openb, config);
    struct mean mean;
    row("central agent, allocated", central.allocated, "%", "-", "95.23 (FGD)");
    row("central agent, us", central.us, "us", "-", "");
    config.agents = 4;
    mean = mean_of(openb, config);
    tell("4 agents", &mean, central.allocated, ">=95");
    config.rule = COMMONS_BY_ROOM;
    mean = mean_of(openb, config);
    tell("4, by room", &mean, central.allocated, ">=95");
    config.rule = COMMONS_BY_VERSION;
    config.regions = true;
    mean = mean_of(openb, config);
    tell("4, own region first", &mean, central.allocated, ">=95");
    config.regions = false;
    config.stale = 16;
    mean = mean_of(openb, config);
    tell("4, views 16 rounds old", &mean, central.allocated, ">=95");
    config.stale = 1;
    config.agents = 16;
    mean = mean_of(openb, config);
    tell("16 agents", &mean, central.allocated, "-");
}

int main(int argc, char **argv)
{
    const char *data = getenv("SUAN_DATA");
    char nodes[500];
    char pods[500];
    char error[LAB_ERROR_MAX];
    struct openb openb;
    if (argc > 1 && strcmp(argv[1], "-") != 0)
        tsv = fopen(argv[1], "w");
    data = data == NULL ? SUAN_SOURCE_DIR "/../shared/data" : data;
    (void)snprintf(nodes, sizeof(nodes),
                   "%s/openb/openb_node_list_gpu_node.csv", data);
    (void)snprintf(pods, sizeof(pods), "%s/openb/openb_pod_list_default.csv",
                   data);
    interleave(argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000);
    if (openb_read(nodes, pods, &openb, error) == OK) {
        replay(&openb);
        openb_done(&openb);
    } else {
        printf("no trace in %s/openb: its rows are left out\n", data);
    }
    if (tsv != NULL)
        fclose(tsv);
    return 0;
}
