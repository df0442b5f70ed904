/* suan sched embed: job graphs that come and go on a topology. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/sched/cputime.h"
#include "cli/option.h"
#include "cli/file/textfile.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"
#include "sched/lab/embed_replay.h"
#include "sched/learn/ranker.h"
#include "sched/learn/rankmodel.h"

#define SEEDS_MAX 1000u
#define CAP_LEAST 50u
#define CAP_MOST  100u

/* What was asked. */
struct trial {
    const char *path;
    const char *policy;
    uint64_t seeds;
    struct embed_workload workload;
    struct embed_way way;
    struct rankmodel *model; /* of policy learned; owned */
};

/* Sums over the seeds. */
struct sums {
    double share;
    double share_squared;
    double revenue_cost;
    double score;
    double ms;
    double ms_most;
};

/* ---- what was given ---- */

static enum embed_policy policy_of(const char *name)
{
    if (strcmp(name, "grc") == 0)
        return EMBED_GRC;
    return strcmp(name, "random") == 0 ? EMBED_RANDOM : EMBED_JOINT;
}

static int model_fail(struct cli *cli, const char *path, enum err err)
{
    const char *next = "a file that suan sched train wrote";
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    if (err == ERR_VERSION)
        next = "suan sched train of this program, for a network of its shape";
    if (err == ERR_CHECKSUM)
        next = "another copy of the file: this one was damaged or changed";
    return cli_fail_err(cli, err, next, "the model %s cannot be used", path);
}

static int model_refuse(struct cli *cli, const char *path,
                        const struct rankmodel *m)
{
    const struct rankmodel_trial *t = rankmodel_trial_of(m, m->starts);
    CHECK(t != NULL);
    return cli_fail(cli, EXIT_POLICY,
                    "on unseen requests it did not accept more than the "
                    "incumbent",
                    "suan sched train with more --moments or another --seed, "
                    "or --force",
                    "the model %s is not fit for use (%u starts: %llu of %llu "
                    "accepted, the incumbent %llu)",
                    path, m->starts, (unsigned long long)t->accepted,
                    (unsigned long long)m->requests,
                    (unsigned long long)t->incumbent);
}

static int read_model(struct cli *cli, const struct args *args,
                      struct trial *trial)
{
    const char *path = args_text(args, "model", NULL);
    struct buf bytes;
    enum err err = OK;
    int failed;
    if (path == NULL)
        return cli_usage(cli, "--model MODEL, as suan sched train wrote it",
                         "--policy learned needs a model");
    trial->model = calloc(1, sizeof(*trial->model));
    if (trial->model == NULL)
        return cli_nomem(cli);
    buf_init(&bytes, RANKMODEL_BYTES_MAX);
    failed = textfile_read(cli, path, "the model", &bytes);
    if (!failed)
        err = rankmodel_decode(buf_bytes(&bytes), trial->model);
    buf_done(&bytes);
    if (!failed && err != OK)
        failed = model_fail(cli, path, err);
    if (!failed && !rankmodel_beats(trial->model) && !args_flag(args, "force"))
        failed = model_refuse(cli, path, trial->model);
    return failed;
}

static int read_trial(struct cli *cli, const struct args *args,
                      struct trial *trial)
{
    uint64_t requests = embed_workload_virne.requests;
    uint64_t starts = embed_options_default.starts_max;
    uint64_t moves = embed_options_default.moves_max;
    uint64_t backs = embed_options_default.backs_max;
    uint64_t seed = 0;
    int failed;
    *trial = (struct trial){.path = args_text(args, "topology", NULL),
                            .policy = args_text(args, "policy", "joint"),
                            .seeds = 1,
                            .workload = embed_workload_virne};
    if (trial->path == NULL)
        return cli_usage(cli, "--topology FILE.gml", "no topology is given");
    if (strcmp(trial->policy, "learned") == 0) {
        failed = read_model(cli, args, trial);
        if (failed || trial->model == NULL)
            return failed;
        starts = trial->model->starts;
    }
    failed = option_positive(cli, args, "rate", &trial->workload.rate);
    if (!failed)
        failed = option_count(cli, args, "requests", 1, REPLAY_REQUESTS_MAX,
                              &requests);
    if (!failed)
        failed = option_count(cli, args, "seed", 0, UINT64_MAX / 2 - SEEDS_MAX,
                              &seed);
    if (!failed)
        failed = option_count(cli, args, "seeds", 1, SEEDS_MAX, &trial->seeds);
    if (!failed)
        failed =
            option_count(cli, args, "starts", 1, TOPOLOGY_NODES_MAX, &starts);
    if (!failed)
        failed = option_count(cli, args, "moves", 0, 1000000, &moves);
    if (!failed)
        failed = option_count(cli, args, "backs", 0, 1000000, &backs);
    trial->workload.requests = (uint32_t)requests;
    trial->workload.seed = seed;
    trial->workload.even_gaps =
        strcmp(args_text(args, "gaps", "exponential"), "poisson") == 0;
    trial->way.policy = policy_of(trial->policy);
    trial->way.options = embed_options_default;
    trial->way.options.starts_max = (uint32_t)starts;
    trial->way.options.moves_max = (uint32_t)moves;
    trial->way.options.backs_max = (uint32_t)backs;
    if (strcmp(args_text(args, "aim", "bandwidth"), "score") == 0)
        trial->way.options.aim = EMBED_AIM_SCORE;
    trial->way.cpu_ns = cputime_ns;
    return failed;
}

static int read_graph(struct cli *cli, const char *path, struct gml *out)
{
    char error[GML_ERROR_MAX];
    struct buf text;
    enum err err = OK;
    int failed;
    buf_init(&text, GML_BYTES_MAX);
    failed = textfile_read(cli, path, "the topology", &text);
    if (!failed)
        err = gml_parse(buf_bytes(&text), path, out, error);
    buf_done(&text);
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    if (!failed && err != OK)
        return cli_usage(cli, "suan sched embed --help", "%s", error);
    return failed;
}

/* ---- answers ---- */

static double share_of(const struct embed_report *r)
{
    return (double)r->accepted / r->requests;
}

static double ms_of(const struct embed_report *r)
{
    return (double)r->cpu_ns / 1e6 / r->requests;
}

/* Mean over what was accepted, 0 to 1000. */
static double score_of(const struct embed_report *r)
{
    return r->accepted > 0 ? (double)r->score / r->accepted : 0;
}

static void sums_add(struct sums *sums, const struct embed_report *r)
{
    double most = (double)r->cpu_ns_most / 1e6;
    sums->share += share_of(r);
    sums->share_squared += share_of(r) * share_of(r);
    sums->revenue_cost += embed_report_revenue_cost(r);
    sums->score += score_of(r);
    sums->ms += ms_of(r);
    sums->ms_most = most > sums->ms_most ? most : sums->ms_most;
}

/* Half the width of the 95 % interval of the mean, as if normal; 0 for one. */
static double spread_of(const struct sums *sums, double n)
{
    double mean = sums->share / n;
    double variance = sums->share_squared / n - mean * mean;
    return n > 1 && variance > 0 ? 1.96 * sqrt(variance / (n - 1)) : 0;
}

static json_t *row_json(uint64_t seed, const struct embed_report *r)
{
    return json_pack(
        "{s:I,s:I,s:I,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:I,s:I}", "seed",
        (json_int_t)seed, "requests", (json_int_t)r->requests, "accepted",
        (json_int_t)r->accepted, "acceptance", share_of(r), "revenue_cost",
        embed_report_revenue_cost(r), "time_revenue_cost",
        embed_report_time_revenue_cost(r), "score", score_of(r), "node_balance",
        r->accepted > 0 ? (double)r->node_balance / r->accepted : 0,
        "link_balance",
        r->accepted > 0 ? (double)r->link_balance / r->accepted : 0,
        "cpu_ms_per_decision", ms_of(r), "cpu_ms_most",
        (double)r->cpu_ns_most / 1e6, "plans_checked", (json_int_t)r->checked,
        "live_most", (json_int_t)r->live_most);
}

static void row_text(struct cli *cli, uint64_t seed,
                     const struct embed_report *r)
{
    fprintf(cli->out, "%-8llu %8u %8.2f %% %9.3f %8.1f %11.3f %8.3f %6u\n",
            (unsigned long long)seed, r->accepted, 100 * share_of(r),
            embed_report_revenue_cost(r), score_of(r), ms_of(r),
            (double)r->cpu_ns_most / 1e6, r->live_most);
}

static void head_text(struct cli *cli, const struct trial *t,
                      const struct topology *topology)
{
    fprintf(cli->out, "%u nodes, %u links; %u requests at rate %g; policy %s",
            topology->node_count, topology->link_count, t->workload.requests,
            t->workload.rate, t->policy);
    if (t->way.policy == EMBED_JOINT)
        fprintf(cli->out, ",\n%u starts, %u steps back, %u moves at most",
                t->way.options.starts_max, t->way.options.backs_max,
                t->way.options.moves_max);
    if (t->way.policy == EMBED_JOINT && t->way.options.aim == EMBED_AIM_SCORE)
        fputs(", for the score", cli->out);
    fputs("\n", cli->out);
    if (t->model != NULL)
        fprintf(cli->out, "model learned on %s, rate %g, for %u starts\n",
                t->model->topology, (double)t->model->rate_millionth / 1e6,
                t->model->starts);
    if (cli->headers)
        fputs("SEED     ACCEPTED      SHARE  REV/COST    SCORE MS/DECISION  "
              "MS MOST  ALIVE\n",
              cli->out);
}

static void end_text(struct cli *cli, const struct trial *t,
                     const struct sums *sums)
{
    double n = (double)t->seeds;
    if (t->seeds > 1)
        fprintf(cli->out,
                "mean              %8.2f %% %9.3f %8.1f %11.3f %8.3f\n",
                100 * sums->share / n, sums->revenue_cost / n, sums->score / n,
                sums->ms / n, sums->ms_most);
    if (t->seeds > 1)
        cli_note(cli, "the mean share is within %.2f %% in 95 of 100 such runs",
                 100 * spread_of(sums, n));
}

static int end_json(struct cli *cli, const struct trial *t,
                    const struct topology *topology, const struct sums *sums,
                    json_t *rows)
{
    double n = (double)t->seeds;
    json_t *object = json_pack(
        "{s:s,s:I,s:I,s:s,s:f,s:I,s:I,s:I,s:I,s:O,s:{s:f,s:f,s:f,s:f,s:f,s:f}}",
        "topology", t->path, "nodes", (json_int_t)topology->node_count, "links",
        (json_int_t)topology->link_count, "policy", t->policy, "rate",
        t->workload.rate, "requests", (json_int_t)t->workload.requests,
        "starts", (json_int_t)t->way.options.starts_max, "backs",
        (json_int_t)t->way.options.backs_max, "moves",
        (json_int_t)t->way.options.moves_max, "seeds", rows, "mean",
        "acceptance", sums->share / n, "acceptance_95", spread_of(sums, n),
        "revenue_cost", sums->revenue_cost / n, "score", sums->score / n,
        "cpu_ms_per_decision", sums->ms / n, "cpu_ms_most", sums->ms_most);
    int failed = object == NULL ? cli_nomem(cli) : out_json(cli, object);
    json_decref(object);
    return failed;
}

/* ---- running ---- */

static int replay_fail(struct cli *cli, const struct trial *t, enum err err)
{
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    return cli_fail_err(cli, err, "a graph of 1 to 4096 nodes",
                        "the topology %s", t->path);
}

static uint32_t rank(void *context, const struct topology *topology,
                     const struct job_graph *job, uint32_t first, uint16_t *out)
{
    (void)topology;
    return ranker_rank(context, job, first, out);
}

static enum err replay(struct trial *t, struct topology *topology,
                       struct embed_report *out)
{
    struct ranker *ranker = NULL;
    enum err err = OK;
    if (t->model != NULL) {
        err = ranker_new(&t->model->net, topology, &ranker);
        t->way.rank = rank;
        t->way.context = ranker;
    }
    if (err == OK)
        err = embed_replay(topology, &t->workload, &t->way, out);
    ranker_free(ranker);
    return err;
}

/* One seed, on the topology that this seed draws. Tells it or adds it to rows.
 */
static int run_seed(struct cli *cli, struct trial *t, const struct gml *gml,
                    uint64_t seed, struct sums *sums, json_t *rows)
{
    struct embed_report report;
    struct topology topology = {0};
    struct dice dice;
    enum err err;
    embed_topology_dice(seed, &dice);
    t->workload.seed = seed;
    err = embed_topology(gml, CAP_LEAST, CAP_MOST, &dice, &topology);
    if (err == OK)
        err = replay(t, &topology, &report);
    if (err == OK) {
        sums_add(sums, &report);
        if (cli->form == FORM_JSON)
            json_array_append_new(rows, row_json(seed, &report));
        else
            row_text(cli, seed, &report);
    }
    topology_done(&topology);
    return err == OK ? 0 : replay_fail(cli, t, err);
}

static int run_trial(struct cli *cli, struct trial *t, const struct gml *gml)
{
    struct sums sums = {0};
    struct topology topology = {0};
    struct dice dice;
    json_t *rows = json_array();
    uint64_t first = t->workload.seed;
    enum err err;
    int failed = rows == NULL ? cli_nomem(cli) : 0;
    embed_topology_dice(0, &dice);
    err = embed_topology(gml, CAP_LEAST, CAP_MOST, &dice, &topology);
    if (!failed && err != OK)
        failed = replay_fail(cli, t, err);
    if (!failed && cli->form != FORM_JSON)
        head_text(cli, t, &topology);
    for (uint64_t i = 0; !failed && i < t->seeds; i++)
        failed = run_seed(cli, t, gml, first + i, &sums, rows);
    if (!failed && cli->form == FORM_JSON)
        failed = end_json(cli, t, &topology, &sums, rows);
    else if (!failed)
        end_text(cli, t, &sums);
    topology_done(&topology);
    json_decref(rows);
    return failed ? failed : out_flush(cli);
}

int verb_sched_embed(struct cli *cli, const struct args *args)
{
    struct trial trial;
    struct gml gml = {0};
    int failed = read_trial(cli, args, &trial);
    if (!failed)
        failed = read_graph(cli, trial.path, &gml);
    if (!failed)
        failed = run_trial(cli, &trial, &gml);
    gml_done(&gml);
    free(trial.model);
    return failed;
}
