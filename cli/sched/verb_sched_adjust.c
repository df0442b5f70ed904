/* suan sched adjust: running job graphs while offers and links come and go. */

#include <string.h>

#include "base/check.h"
#include "cli/sched/cputime.h"
#include "cli/option.h"
#include "cli/file/textfile.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"
#include "sched/lab/adjust_replay.h"

#define SEEDS_MAX 1000u
#define CAP_LEAST 50u
#define CAP_MOST  100u
#define POLICIES  3u

static const char *const policy_names[POLICIES] = {"repair", "resolve", "stop"};

/* What was asked. */
struct trial {
    const char *path;
    uint32_t first; /* of policy_names, and how many from there on */
    uint32_t count;
    uint64_t seeds;
    struct adjust_workload load;
    struct adjust_way way;
};

/* Sums over the seeds of one policy. */
struct sums {
    struct adjust_report all;
    double served;
    double seeds;
};

/* ---- what was given ---- */

static int read_policy(struct cli *cli, const struct args *args,
                       struct trial *trial)
{
    const char *text = args_text(args, "policy", "all");
    trial->first = 0;
    trial->count = POLICIES;
    if (strcmp(text, "all") == 0)
        return 0;
    trial->count = 1;
    while (trial->first < POLICIES &&
           strcmp(policy_names[trial->first], text) != 0)
        trial->first++;
    if (trial->first < POLICIES)
        return 0;
    return cli_usage(cli, "all, repair, resolve or stop",
                     "--policy: there is no policy \"%.40s\"", text);
}

static int read_trial(struct cli *cli, const struct args *args,
                      struct trial *trial)
{
    uint64_t requests = embed_workload_virne.requests;
    uint64_t budget = adjust_terms_default.budget_moves;
    uint64_t theta = adjust_terms_default.theta_permille;
    int failed;
    *trial = (struct trial){.path = args_text(args, "topology", NULL),
                            .seeds = 1,
                            .load = {.jobs = embed_workload_virne,
                                     .event_rate = 0.01,
                                     .down_mean = 200},
                            .way = {.terms = adjust_terms_default,
                                    .options = embed_options_default,
                                    .cpu_ns = cputime_ns}};
    if (trial->path == NULL)
        return cli_usage(cli, "--topology FILE.gml", "no topology is given");
    failed = option_positive(cli, args, "rate", &trial->load.jobs.rate);
    if (!failed)
        failed = option_positive(cli, args, "events", &trial->load.event_rate);
    if (!failed)
        failed = option_positive(cli, args, "down", &trial->load.down_mean);
    if (!failed)
        failed = option_count(cli, args, "requests", 1, REPLAY_REQUESTS_MAX,
                              &requests);
    if (!failed)
        failed = option_count(cli, args, "seed", 0, UINT64_MAX / 2,
                              &trial->load.jobs.seed);
    if (!failed)
        failed = option_count(cli, args, "seeds", 1, SEEDS_MAX, &trial->seeds);
    if (!failed)
        failed = option_count(cli, args, "budget", 0, 1000000, &budget);
    if (!failed)
        failed = option_count(cli, args, "theta", 0, 1000, &theta);
    trial->load.jobs.requests = (uint32_t)requests;
    trial->load.improve = args_flag(args, "improve");
    trial->way.terms.budget_moves = (uint32_t)budget;
    trial->way.terms.theta_permille = (uint32_t)theta;
    return failed ? failed : read_policy(cli, args, trial);
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
        return cli_usage(cli, "suan sched adjust --help", "%s", error);
    return failed;
}

/* ---- running ---- */

static void sums_add(struct sums *sums, const struct adjust_report *r)
{
    struct adjust_report *all = &sums->all;
    sums->served += r->served;
    sums->seeds++;
    all->requests += r->requests;
    all->accepted += r->accepted;
    all->events += r->events;
    all->hits += r->hits;
    for (uint32_t l = 0; l < ADJUST_LEVELS; l++)
        all->levels[l] += r->levels[l];
    all->lost += r->lost;
    all->resumed += r->resumed;
    all->wakes += r->wakes;
    all->moves += r->moves;
    all->moves_unhurt += r->moves_unhurt;
    all->moved_mib += r->moved_mib;
    all->rerouted += r->rerouted;
    all->willing += r->willing;
    all->cpu_ns += r->cpu_ns;
    all->checked += r->checked;
    if (r->cpu_ns_most > all->cpu_ns_most)
        all->cpu_ns_most = r->cpu_ns_most;
}

/* One seed, on the topology that this seed draws. */
static enum err run_seed(const struct trial *t, const struct gml *gml,
                         uint64_t seed, struct sums *sums)
{
    struct adjust_workload load = t->load;
    struct adjust_report report;
    struct topology topology = {0};
    struct dice dice;
    enum err err;
    load.jobs.seed = seed;
    embed_topology_dice(seed, &dice);
    err = embed_topology(gml, CAP_LEAST, CAP_MOST, &dice, &topology);
    if (err == OK)
        err = adjust_replay(&topology, &load, &t->way, &report);
    if (err == OK)
        sums_add(sums, &report);
    topology_done(&topology);
    return err;
}

static int run_policy(struct cli *cli, struct trial *t, const struct gml *gml,
                      uint32_t policy, struct sums *sums)
{
    enum err err = OK;
    t->way.policy = (enum adjust_policy)policy;
    for (uint64_t i = 0; i < t->seeds && err == OK; i++)
        err = run_seed(t, gml, t->load.jobs.seed + i, sums);
    if (err == OK)
        return 0;
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    return cli_fail_err(cli, err, "a graph of 1 to 4096 nodes",
                        "the topology %s", t->path);
}

/* ---- answers ---- */

static double ms_of(const struct sums *sums)
{
    uint32_t hits = sums->all.hits;
    return hits == 0 ? 0 : (double)sums->all.cpu_ns / 1e6 / hits;
}

static json_t *levels_json(const struct adjust_report *r)
{
    json_t *object = json_object();
    for (uint32_t l = ADJUST_REROUTE; l < ADJUST_LEVELS; l++)
        json_object_set_new(object, adjust_level_name((enum adjust_level)l),
                            json_integer(r->levels[l]));
    return object;
}

static json_t *row_json(const char *name, const struct sums *sums)
{
    const struct adjust_report *r = &sums->all;
    json_t *row = json_pack(
        "{s:s,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:f,s:I}",
        "policy", name, "served", sums->served / sums->seeds, "requests",
        (json_int_t)r->requests, "accepted", (json_int_t)r->accepted, "events",
        (json_int_t)r->events, "hits", (json_int_t)r->hits, "lost",
        (json_int_t)r->lost, "resumed", (json_int_t)r->resumed, "wakes",
        (json_int_t)r->wakes, "moves", (json_int_t)r->moves, "moves_unhurt",
        (json_int_t)r->moves_unhurt, "moved_mib", (json_int_t)r->moved_mib,
        "rerouted", (json_int_t)r->rerouted, "willing", (json_int_t)r->willing,
        "cpu_ms_per_hit", ms_of(sums), "cpu_ms_most",
        (double)r->cpu_ns_most / 1e6, "plans_checked", (json_int_t)r->checked);
    if (row != NULL && strcmp(name, "repair") == 0)
        json_object_set_new(row, "levels", levels_json(r));
    return row;
}

static void head_text(struct cli *cli, const struct trial *t,
                      const struct gml *gml)
{
    fprintf(cli->out,
            "%u nodes, %u edges; %u requests at rate %g; events at rate %g, "
            "%g long\n",
            gml->node_count, gml->edge_count, t->load.jobs.requests,
            t->load.jobs.rate, t->load.event_rate, t->load.down_mean);
    if (cli->headers)
        fputs(
            "POLICY     SERVED    HITS   LOST   BACK  MOVES UNHURT  MOVED GIB "
            "WILLING MS/HIT\n",
            cli->out);
}

static void row_text(struct cli *cli, const char *name, const struct sums *sums)
{
    const struct adjust_report *r = &sums->all;
    fprintf(cli->out, "%-8s %6.2f %% %7u %6u %6u %6u %6u %10.1f %7u %6.3f\n",
            name, 100 * sums->served / sums->seeds, r->hits, r->lost,
            r->resumed, r->moves, r->moves_unhurt, (double)r->moved_mib / 1024,
            r->willing, ms_of(sums));
}

static void levels_text(struct cli *cli, const struct adjust_report *r)
{
    fputs("repair: ", cli->out);
    for (uint32_t l = ADJUST_REROUTE; l < ADJUST_LEVELS; l++)
        fprintf(cli->out, "%s%s %u", l > ADJUST_REROUTE ? ", " : "",
                adjust_level_name((enum adjust_level)l), r->levels[l]);
    fputs("\n", cli->out);
}

static int tell(struct cli *cli, const struct trial *t, const struct gml *gml,
                const struct sums *sums)
{
    json_t *rows = json_array();
    json_t *object;
    int failed;
    if (cli->form != FORM_JSON)
        head_text(cli, t, gml);
    for (uint32_t p = t->first; p < t->first + t->count; p++) {
        if (cli->form == FORM_JSON)
            json_array_append_new(rows, row_json(policy_names[p], &sums[p]));
        else
            row_text(cli, policy_names[p], &sums[p]);
    }
    if (cli->form != FORM_JSON) {
        if (t->first == ADJUST_BY_REPAIR)
            levels_text(cli, &sums[ADJUST_BY_REPAIR].all);
        json_decref(rows);
        return out_flush(cli);
    }
    object =
        json_pack("{s:s,s:I,s:I,s:f,s:f,s:f,s:I,s:o}", "topology", t->path,
                  "nodes", (json_int_t)gml->node_count, "seeds",
                  (json_int_t)t->seeds, "rate", t->load.jobs.rate, "event_rate",
                  t->load.event_rate, "down_mean", t->load.down_mean, "seed",
                  (json_int_t)t->load.jobs.seed, "policies", rows);
    failed = object == NULL ? cli_nomem(cli) : out_json(cli, object);
    json_decref(object);
    return failed ? failed : out_flush(cli);
}

int verb_sched_adjust(struct cli *cli, const struct args *args)
{
    struct sums sums[POLICIES];
    struct trial trial;
    struct gml gml = {0};
    int failed = read_trial(cli, args, &trial);
    memset(sums, 0, sizeof(sums));
    if (!failed)
        failed = read_graph(cli, trial.path, &gml);
    for (uint32_t p = 0; !failed && p < trial.count; p++)
        failed = run_policy(cli, &trial, &gml, trial.first + p,
                            &sums[trial.first + p]);
    if (!failed)
        failed = tell(cli, &trial, &gml, sums);
    gml_done(&gml);
    return failed;
}
