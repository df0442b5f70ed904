/* suan sched replay --format openb: machines with accelerators, filled. */

#include <inttypes.h>
#include <string.h>

#include "cli/sched/cputime.h"
#include "cli/sched/sched_replay.h"
#include "cli/unit.h"
#include "cli/view/view.h"
#include "sched/lab/replay_openb.h"

#define SEEDS_MAX    1000u
#define POLICIES_MAX 16u
/* Kinds of asks a picker remembers: more than any known trace has, but no more
 * than make a quarter of a GiB. */
#define MEMORY_KINDS 512u
#define MEMORY_NOTES (1u << 24)

struct question {
    const char *nodes;
    const char *pods;
    uint64_t seed;
    uint64_t seeds;
    uint32_t load_permille;
    enum fleet_policy policies[POLICIES_MAX];
    uint32_t policy_count;
};

/* A figure over the seeds, in percent. */
struct spread {
    double sum;
    double min;
    double max;
};

struct tally {
    uint64_t runs;
    struct spread allocated;
    struct spread end;
    double waste;
    double machines;
    uint64_t decisions;
    uint64_t failed;
    uint64_t failed_by[MISS_COUNT];
    uint64_t ns;
    uint64_t slowest_ns;
};

/* ---- what was asked ---- */

static int read_policies(struct cli *cli, const struct args *args,
                         struct question *q)
{
    const char *text;
    for (size_t i = 0; (text = args_nth(args, "policy", i)) != NULL; i++) {
        if (i == POLICIES_MAX)
            return cli_usage(cli, NULL, "at most %u policies at once",
                             POLICIES_MAX);
        if (fleet_policy_parse(text, &q->policies[i]) != OK)
            return cli_usage(cli,
                             "fgd, bestfit, packing, clustering, dotprod, "
                             "spread or random",
                             "there is no policy %.40s", text);
        q->policy_count++;
    }
    if (q->policy_count == 0) {
        while (fleet_policy_nth(q->policy_count) != 0) {
            q->policies[q->policy_count] = fleet_policy_nth(q->policy_count);
            q->policy_count++;
        }
    }
    return 0;
}

static int read_question(struct cli *cli, const struct args *args,
                         struct question *q)
{
    const char *load = args_text(args, "load", "1.3");
    const char *seed = args_text(args, "seed", "1");
    const char *seeds = args_text(args, "seeds", "1");
    memset(q, 0, sizeof(*q));
    q->nodes = args_text(args, "nodes", NULL);
    q->pods = args_text(args, "pods", NULL);
    if (q->nodes == NULL || q->pods == NULL)
        return cli_usage(cli, "--nodes nodes.csv --pods pods.csv",
                         "--format openb needs both lists");
    if (unit_parse_milli(load, &q->load_permille) != OK ||
        q->load_permille > 100000)
        return cli_usage(cli, "1.3 for 130 %",
                         "--load: \"%.40s\" is not a number from 0.001 to 100",
                         load);
    if (unit_parse_count(seed, 0, UINT64_MAX / 2, &q->seed) != OK)
        return cli_usage(cli, "a whole number",
                         "--seed: \"%.40s\" is not a number", seed);
    if (unit_parse_count(seeds, 1, SEEDS_MAX, &q->seeds) != OK)
        return cli_usage(cli, "10",
                         "--seeds: \"%.40s\" is not a number from 1 "
                         "to %u",
                         seeds, SEEDS_MAX);
    return read_policies(cli, args, q);
}

static int read_files(struct cli *cli, const struct question *q,
                      struct openb *out)
{
    char error[LAB_ERROR_MAX];
    enum err err = openb_read(q->nodes, q->pods, out, error);
    if (err == OK)
        return 0;
    return cli_fail(cli, err == ERR_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_FAILED,
                    error, "suan sched replay --help, which tells the columns",
                    "the trace cannot be replayed");
}

/* ---- runs ---- */

static void spread_add(struct spread *spread, uint64_t run, uint32_t parts)
{
    double percent = (double)parts * 100 / REPLAY_PARTS;
    if (run == 0 || percent < spread->min)
        spread->min = percent;
    if (run == 0 || percent > spread->max)
        spread->max = percent;
    spread->sum += percent;
}

static void tally_add(struct tally *tally, const struct replay_openb_result *r)
{
    spread_add(&tally->allocated, tally->runs, r->allocated_at_100);
    spread_add(&tally->end, tally->runs, r->allocated_at_end);
    tally->waste += (double)r->fragmented_at_100 * 100 / REPLAY_PARTS;
    tally->machines += r->machines_at_100;
    tally->decisions += r->decisions;
    tally->failed += r->failed;
    for (uint32_t i = 0; i < MISS_COUNT; i++)
        tally->failed_by[i] += r->failed_by[i];
    tally->ns += r->decision_ns;
    if (r->slowest_ns > tally->slowest_ns)
        tally->slowest_ns = r->slowest_ns;
    tally->runs++;
}

static uint32_t memory_for(const struct openb *openb)
{
    uint32_t kinds = MEMORY_NOTES / openb->machine_count;
    return kinds < MEMORY_KINDS ? kinds : MEMORY_KINDS;
}

static int run_policy(struct cli *cli, const struct openb *openb,
                      const struct question *q, enum fleet_policy policy,
                      struct tally *out)
{
    struct replay_openb_config config = {
        .policy = policy,
        .load_permille = q->load_permille,
        .typical_permille = REPLAY_TYPICAL_PERMILLE,
        .memory = memory_for(openb),
        .clock_ns = cputime_ns,
    };
    memset(out, 0, sizeof(*out));
    for (uint64_t i = 0; i < q->seeds; i++) {
        struct replay_openb_result result;
        enum err err;
        config.seed = q->seed + i;
        err = replay_openb(openb, &config, &result);
        if (err == ERR_RANGE)
            return cli_fail(
                cli, EXIT_FAILED, "no node has a device, or no pod wants one",
                "lists with devices in them", "the trace cannot be replayed");
        if (err != OK)
            return cli_fail_err(cli, err, NULL, "the replay did not end");
        tally_add(out, &result);
    }
    return 0;
}

/* ---- telling ---- */

static double us_a_decision(const struct tally *tally)
{
    if (tally->decisions == 0)
        return 0;
    return (double)tally->ns / 1e3 / (double)tally->decisions;
}

/* MISS_NONE stands for several reasons at once. */
static const char *failure_code(uint32_t miss)
{
    return miss == MISS_NONE ? "several" : miss_code((enum miss)miss);
}

static json_t *spread_json(const struct spread *spread, double runs)
{
    return json_pack("{s:f, s:f, s:f}", "mean", spread->sum / runs, "min",
                     spread->min, "max", spread->max);
}

static json_t *tally_json(enum fleet_policy policy, const struct tally *tally)
{
    double runs = (double)tally->runs;
    json_t *reasons = json_object();
    for (uint32_t i = 0; i < MISS_COUNT; i++) {
        if (tally->failed_by[i] > 0)
            json_object_set_new(reasons, failure_code(i),
                                json_real((double)tally->failed_by[i] / runs));
    }
    return json_pack(
        "{s:s, s:o, s:o, s:f, s:f, s:f, s:f, s:f, s:f, s:o}", "policy",
        fleet_policy_text(policy), "allocated_percent",
        spread_json(&tally->allocated, runs), "allocated_end_percent",
        spread_json(&tally->end, runs), "waste_percent", tally->waste / runs,
        "machines_used", tally->machines / runs, "us_per_decision",
        us_a_decision(tally), "us_slowest", (double)tally->slowest_ns / 1e3,
        "decisions", (double)tally->decisions / runs, "failed",
        (double)tally->failed / runs, "failed_by", reasons);
}

static int tell_json(struct cli *cli, const struct question *q,
                     const struct openb *openb, const struct tally *tallies)
{
    json_t *policies = json_array();
    json_t *all;
    int failed;
    for (uint32_t i = 0; i < q->policy_count; i++)
        json_array_append_new(policies,
                              tally_json(q->policies[i], &tallies[i]));
    all = json_pack(
        "{s:s, s:I, s:I, s:f, s:I, s:I, s:o}", "format", "openb", "machines",
        (json_int_t)openb->machine_count, "tasks", (json_int_t)openb->ask_count,
        "load", (double)q->load_permille / 1000, "seed", (json_int_t)q->seed,
        "seeds", (json_int_t)q->seeds, "policies", policies);
    if (all == NULL)
        return cli_nomem(cli);
    failed = out_json(cli, all);
    json_decref(all);
    return failed;
}

static void tell_failures(struct cli *cli, const struct tally *tally)
{
    const char *between = "  failed: ";
    for (uint32_t i = MISS_COUNT; i-- > 0;) {
        double mean = (double)tally->failed_by[i] / (double)tally->runs;
        if (tally->failed_by[i] == 0)
            continue;
        fprintf(cli->out, "%s%.*f %s", between, mean < 10 ? 1 : 0, mean,
                failure_code(i));
        between = ", ";
    }
    if (tally->failed > 0)
        fputc('\n', cli->out);
}

static int tell_table(struct cli *cli, const struct question *q,
                      const struct tally *tallies)
{
    if (cli->headers)
        fprintf(cli->out, "%-10s %9s %6s %6s %6s %6s %8s %7s %7s\n", "POLICY",
                "ALLOCATED", "MIN", "MAX", "END", "WASTE", "MACHINES", "FAILED",
                "US");
    for (uint32_t i = 0; i < q->policy_count; i++) {
        const struct tally *t = &tallies[i];
        double runs = (double)t->runs;
        fprintf(cli->out,
                "%-10s %8.2f%% %6.2f %6.2f %6.2f %6.1f %8.0f %7.0f %7.2f\n",
                fleet_policy_text(q->policies[i]), t->allocated.sum / runs,
                t->allocated.min, t->allocated.max, t->end.sum / runs,
                t->waste / runs, t->machines / runs, (double)t->failed / runs,
                us_a_decision(t));
        tell_failures(cli, t);
    }
    return out_flush(cli);
}

static int tell_names(struct cli *cli, const struct question *q)
{
    for (uint32_t i = 0; i < q->policy_count; i++)
        fprintf(cli->out, "%s\n", fleet_policy_text(q->policies[i]));
    return out_flush(cli);
}

int sched_replay_openb(struct cli *cli, const struct args *args)
{
    struct tally tallies[POLICIES_MAX];
    struct question q;
    struct openb openb = {0};
    int failed = read_question(cli, args, &q);
    if (!failed)
        failed = read_files(cli, &q, &openb);
    for (uint32_t i = 0; i < q.policy_count && !failed; i++)
        failed = run_policy(cli, &openb, &q, q.policies[i], &tallies[i]);
    if (!failed && cli->form == FORM_JSON)
        failed = tell_json(cli, &q, &openb, tallies);
    else if (!failed && cli->form == FORM_NAME)
        failed = tell_names(cli, &q);
    else if (!failed)
        failed = tell_table(cli, &q, tallies);
    openb_done(&openb);
    return failed;
}
