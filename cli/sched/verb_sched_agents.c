/* suan sched agents: several schedulers that share the same offers. */

#include <inttypes.h>
#include <string.h>

#include "cli/sched/cputime.h"
#include "cli/unit.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"
#include "sched/lab/replay_agents.h"

#define SEEDS_MAX    1000u
#define MEMORY_KINDS 512u
#define MEMORY_NOTES (1u << 24) /* of all agents, 16 bytes each */

struct question {
    const char *nodes;
    const char *pods;
    uint64_t seeds;
    struct replay_agents_config config;
};

/* Sums over the seeds. */
struct tally {
    uint32_t agents;
    double allocated; /* per cent, at 100 % arrived */
    double end;
    uint64_t jobs;
    uint64_t failed;
    uint64_t rounds;
    uint64_t ns;
    struct agent_counts counts;
    bool holds_up;
};

/* ---- what was asked ---- */

static int read_count(struct cli *cli, const struct args *args,
                      const char *name, const char *otherwise, uint64_t min,
                      uint64_t max, uint64_t *out)
{
    const char *text = args_text(args, name, otherwise);
    if (unit_parse_count(text, min, max, out) == OK)
        return 0;
    return cli_usage(cli, otherwise,
                     "--%s: \"%.40s\" is not a whole number from %" PRIu64
                     " to %" PRIu64,
                     name, text, min, max);
}

static int read_numbers(struct cli *cli, const struct args *args,
                        struct question *q)
{
    uint64_t agents = 0;
    uint64_t stale = 0;
    uint64_t spread = 0;
    int failed =
        read_count(cli, args, "agents", "4", 1, REPLAY_AGENTS_MAX, &agents);
    if (!failed)
        failed = read_count(cli, args, "seed", "1", 0, UINT64_MAX / 2,
                            &q->config.seed);
    if (!failed)
        failed = read_count(cli, args, "seeds", "1", 1, SEEDS_MAX, &q->seeds);
    if (!failed)
        failed = read_count(cli, args, "stale", "1", 1, 1000000, &stale);
    if (!failed)
        failed =
            read_count(cli, args, "spread", "8", 1, PICKER_TOP_MAX, &spread);
    q->config.agents = (uint32_t)agents;
    q->config.stale = (uint32_t)stale;
    q->config.spread = (uint32_t)spread;
    return failed;
}

static int read_share(struct cli *cli, const struct args *args,
                      struct question *q)
{
    const char *load = args_text(args, "load", "1.3");
    const char *joint = args_text(args, "joint", NULL);
    if (unit_parse_milli(load, &q->config.load_permille) != OK ||
        q->config.load_permille > 100000)
        return cli_usage(cli, "1.3 for 130 %",
                         "--load: \"%.40s\" is not a number from 0.001 to 100",
                         load);
    if (joint != NULL &&
        (unit_parse_milli(joint, &q->config.joint_permille) != OK ||
         q->config.joint_permille > 1000))
        return cli_usage(cli, "0.1 for one in ten",
                         "--joint: \"%.40s\" is not a number from 0.001 to 1",
                         joint);
    return 0;
}

static int read_question(struct cli *cli, const struct args *args,
                         struct question *q)
{
    const char *policy = args_text(args, "policy", "fgd");
    const char *rule = args_text(args, "rule", "version");
    int failed;
    memset(q, 0, sizeof(*q));
    q->nodes = args_text(args, "nodes", NULL);
    q->pods = args_text(args, "pods", NULL);
    q->config.regions = args_flag(args, "regions");
    q->config.typical_permille = REPLAY_TYPICAL_PERMILLE;
    q->config.clock_ns = cputime_ns;
    if (q->nodes == NULL || q->pods == NULL)
        return cli_usage(cli, "--nodes nodes.csv --pods pods.csv",
                         "both lists are needed");
    if (fleet_policy_parse(policy, &q->config.policy) != OK)
        return cli_usage(cli,
                         "fgd, bestfit, packing, clustering, dotprod, spread "
                         "or random",
                         "there is no policy %.40s", policy);
    q->config.rule =
        strcmp(rule, "room") == 0 ? COMMONS_BY_ROOM : COMMONS_BY_VERSION;
    failed = read_numbers(cli, args, q);
    return failed ? failed : read_share(cli, args, q);
}

/* ---- runs ---- */

static void tally_add(struct tally *tally, const struct replay_agents_result *r)
{
    tally->allocated += (double)r->of.allocated_at_100 * 100 / REPLAY_PARTS;
    tally->end += (double)r->of.allocated_at_end * 100 / REPLAY_PARTS;
    tally->jobs += r->of.decisions;
    tally->failed += r->of.failed;
    tally->rounds += r->rounds;
    tally->ns += r->of.decision_ns;
    tally->counts.said += r->counts.said;
    tally->counts.conflicts += r->counts.conflicts;
    tally->counts.retries += r->counts.retries;
    tally->holds_up = tally->holds_up && r->holds_up;
}

static int run(struct cli *cli, const struct openb *openb,
               const struct question *q, uint32_t agents, struct tally *out)
{
    struct replay_agents_config config = q->config;
    uint32_t kinds = MEMORY_NOTES / openb->machine_count / agents;
    *out = (struct tally){.agents = agents, .holds_up = true};
    config.agents = agents;
    config.memory = kinds < MEMORY_KINDS ? kinds : MEMORY_KINDS;
    for (uint64_t i = 0; i < q->seeds; i++) {
        struct replay_agents_result result;
        enum err err = replay_agents(openb, &config, &result);
        if (err == ERR_RANGE)
            return cli_fail(
                cli, EXIT_FAILED, "no node has a device, or no pod wants one",
                "lists with devices in them", "the trace cannot be replayed");
        if (err != OK)
            return cli_fail_err(cli, err, "a lower --load",
                                "the replay did not end");
        tally_add(out, &result);
        config.seed++;
    }
    return 0;
}

static int read_files(struct cli *cli, const struct question *q,
                      struct openb *out)
{
    char error[LAB_ERROR_MAX];
    enum err err = openb_read(q->nodes, q->pods, out, error);
    if (err == OK)
        return 0;
    return cli_fail(cli, err == ERR_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_FAILED,
                    error, "suan sched agents --help, which tells the columns",
                    "the trace cannot be replayed");
}

/* ---- telling ---- */

static double part(uint64_t a, uint64_t b)
{
    return b == 0 ? 0 : (double)a / (double)b;
}

static json_t *tally_json(const struct tally *t, const struct tally *central,
                          double runs)
{
    return json_pack(
        "{s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:b}", "agents",
        (json_int_t)t->agents, "allocated_percent", t->allocated / runs,
        "allocated_end_percent", t->end / runs, "efficiency_percent",
        central->allocated > 0 ? t->allocated * 100 / central->allocated : 0,
        "conflict_percent", part(t->counts.conflicts, t->counts.said) * 100,
        "retries_per_job", part(t->counts.retries, t->jobs), "jobs",
        (double)t->jobs / runs, "failed", (double)t->failed / runs, "rounds",
        (double)t->rounds / runs, "us_per_job", part(t->ns, t->jobs) / 1e3,
        "nothing_given_twice", (int)t->holds_up);
}

static int tell_json(struct cli *cli, const struct question *q,
                     const struct tally *tallies, uint32_t count)
{
    json_t *rows = json_array();
    json_t *all;
    int failed;
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(
            rows, tally_json(&tallies[i], &tallies[0], (double)q->seeds));
    all = json_pack("{s:s, s:s, s:f, s:I, s:I, s:b, s:I, s:o}", "policy",
                    fleet_policy_text(q->config.policy), "rule",
                    q->config.rule == COMMONS_BY_ROOM ? "room" : "version",
                    "load", (double)q->config.load_permille / 1000, "seed",
                    (json_int_t)q->config.seed, "seeds", (json_int_t)q->seeds,
                    "regions", (int)q->config.regions, "stale",
                    (json_int_t)q->config.stale, "runs", rows);
    failed = all == NULL ? cli_nomem(cli) : out_json(cli, all);
    json_decref(all);
    return failed;
}

static int tell_table(struct cli *cli, const struct question *q,
                      const struct tally *tallies, uint32_t count)
{
    bool holds_up = true;
    if (cli->headers)
        fprintf(cli->out, "%6s %9s %10s %7s %9s %7s %7s %8s %7s\n", "AGENTS",
                "ALLOCATED", "EFFICIENCY", "END", "CONFLICTS", "RETRIES",
                "FAILED", "ROUNDS", "US");
    for (uint32_t i = 0; i < count; i++) {
        const struct tally *t = &tallies[i];
        double runs = (double)q->seeds;
        fprintf(cli->out,
                "%6u %8.2f%% %9.2f%% %6.2f%% %8.2f%% %7.3f %7.0f %8.0f %7.2f\n",
                t->agents, t->allocated / runs,
                tallies[0].allocated > 0
                    ? t->allocated * 100 / tallies[0].allocated
                    : 0,
                t->end / runs, part(t->counts.conflicts, t->counts.said) * 100,
                part(t->counts.retries, t->jobs), (double)t->failed / runs,
                (double)t->rounds / runs, part(t->ns, t->jobs) / 1e3);
        holds_up = holds_up && t->holds_up;
    }
    fprintf(cli->out, "%s\n",
            holds_up ? "Nothing was given away twice."
                     : "What is taken is not what was given away.");
    return out_flush(cli);
}

int verb_sched_agents(struct cli *cli, const struct args *args)
{
    struct tally tallies[2];
    struct question q;
    struct openb openb = {0};
    uint32_t count = 1;
    int failed = read_question(cli, args, &q);
    if (!failed)
        failed = read_files(cli, &q, &openb);
    if (!failed)
        failed = run(cli, &openb, &q, 1, &tallies[0]);
    if (!failed && q.config.agents > 1)
        failed = run(cli, &openb, &q, q.config.agents, &tallies[count++]);
    if (!failed && cli->form == FORM_JSON)
        failed = tell_json(cli, &q, tallies, count);
    else if (!failed)
        failed = tell_table(cli, &q, tallies, count);
    openb_done(&openb);
    return failed;
}
