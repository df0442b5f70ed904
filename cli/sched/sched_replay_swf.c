/* suan sched replay --format swf: a log of a parallel machine, queued. */

#include <inttypes.h>
#include <string.h>

#include "cli/sched/cputime.h"
#include "cli/option.h"
#include "cli/sched/sched_replay.h"
#include "cli/unit.h"
#include "cli/view/view.h"
#include "sched/lab/replay_swf.h"

#define POLICIES_MAX 16u

struct question {
    const char *log;
    enum backfill_rule rules[POLICIES_MAX];
    uint32_t rule_count;
    uint64_t procs; /* 0: as the log says */
    uint64_t jobs;  /* 0: all */
    uint32_t load_permille;
    uint32_t limit_permille;
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
        if (backfill_rule_parse(text, &q->rules[i]) != OK)
            return cli_usage(cli, "fcfs, easy, conservative or sjf",
                             "there is no policy %.40s for --format swf", text);
        q->rule_count++;
    }
    if (q->rule_count == 0) {
        while (backfill_rule_nth(q->rule_count) != 0) {
            q->rules[q->rule_count] = backfill_rule_nth(q->rule_count);
            q->rule_count++;
        }
    }
    return 0;
}

static int read_factor(struct cli *cli, const struct args *args,
                       const char *name, uint32_t *out)
{
    const char *text = args_text(args, name, "1");
    if (unit_parse_milli(text, out) == OK && *out <= 1000000)
        return 0;
    return cli_usage(cli, "1.5 for half as much again",
                     "--%s: \"%.40s\" is not a number from 0.001 to 1000", name,
                     text);
}

static int read_question(struct cli *cli, const struct args *args,
                         struct question *q)
{
    int failed = 0;
    memset(q, 0, sizeof(*q));
    q->log = args_text(args, "log", NULL);
    if (q->log == NULL)
        return cli_usage(cli, "--log jobs.swf", "--format swf needs a log");
    failed = read_factor(cli, args, "load", &q->load_permille);
    if (!failed)
        failed = read_factor(cli, args, "estimate", &q->limit_permille);
    if (!failed)
        failed = option_count(cli, args, "procs", 1, SWF_PROCS_MAX, &q->procs);
    if (!failed)
        failed = option_count(cli, args, "limit", 1, SWF_JOBS_MAX, &q->jobs);
    if (!failed)
        failed = read_policies(cli, args, q);
    return failed;
}

static int read_log(struct cli *cli, struct question *q, struct swf *out)
{
    char error[LAB_ERROR_MAX];
    enum err err = swf_read(q->log, out, error);
    if (err != OK)
        return cli_fail(
            cli, err == ERR_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_FAILED, error,
            "suan sched replay --help, which tells the columns",
            "the log cannot be replayed");
    if (q->procs == 0)
        q->procs = out->procs > 0 ? out->procs : out->procs_most;
    return 0;
}

static int run_policy(struct cli *cli, const struct swf *swf,
                      const struct question *q, enum backfill_rule rule,
                      struct replay_swf_result *out)
{
    const struct replay_swf_config config = {
        .rule = rule,
        .procs = (uint32_t)q->procs,
        .jobs_max = (uint32_t)q->jobs,
        .load_permille = q->load_permille,
        .limit_permille = q->limit_permille,
        .clock_ns = cputime_ns,
    };
    enum err err = replay_swf(swf, &config, NULL, out);
    if (err == ERR_CAPACITY)
        return cli_fail(cli, EXIT_FAILED,
                        "every job wants more processors than there are",
                        "--procs with the size of the machine",
                        "the log cannot be replayed");
    if (err != OK)
        return cli_fail_err(cli, err, NULL, "the replay did not end");
    return 0;
}

/* ---- telling ---- */

static double us_a_decision(const struct replay_swf_result *r)
{
    return r->decisions == 0
               ? 0
               : (double)r->decision_ns / 1e3 / (double)r->decisions;
}

static json_t *result_json(enum backfill_rule rule,
                           const struct replay_swf_result *r)
{
    return json_pack(
        "{s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:f, s:f}",
        "policy", backfill_rule_text(rule), "wait_mean_s", r->wait_mean_s,
        "wait_p95_s", (double)r->wait_p95_ms / 1e3, "wait_max_s",
        (double)r->wait_max_ms / 1e3, "slowdown_mean", r->slowdown_mean,
        "used_percent", r->used * 100, "makespan_s",
        (double)r->makespan_ms / 1e3, "waited", (json_int_t)r->waited, "before",
        (json_int_t)r->overtakers, "queue_most", (json_int_t)r->queue_most,
        "decisions", (json_int_t)r->decisions, "us_per_decision",
        us_a_decision(r), "us_slowest", (double)r->slowest_ns / 1e3);
}

static int tell_json(struct cli *cli, const struct question *q,
                     const struct swf *swf,
                     const struct replay_swf_result *results)
{
    json_t *policies = json_array();
    json_t *all;
    int failed;
    for (uint32_t i = 0; i < q->rule_count; i++)
        json_array_append_new(policies, result_json(q->rules[i], &results[i]));
    all = json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:o}", "format", "swf", "procs",
        (json_int_t)q->procs, "jobs", (json_int_t)results[0].jobs, "too_large",
        (json_int_t)results[0].too_large, "left_out", (json_int_t)swf->left_out,
        "load", (double)q->load_permille / 1000, "estimate",
        (double)q->limit_permille / 1000, "policies", policies);
    if (all == NULL)
        return cli_nomem(cli);
    failed = out_json(cli, all);
    json_decref(all);
    return failed;
}

static void tell_left_out(struct cli *cli, const struct question *q,
                          const struct swf *swf,
                          const struct replay_swf_result *r)
{
    fprintf(cli->out, "%" PRIu32 " jobs on %" PRIu64 " processors", r->jobs,
            q->procs);
    if (r->too_large > 0)
        fprintf(cli->out, "; too large for it: %" PRIu32, r->too_large);
    if (swf->left_out > 0)
        fprintf(cli->out, "; lines without a run: %" PRIu32, swf->left_out);
    fputc('\n', cli->out);
}

static int tell_table(struct cli *cli, const struct question *q,
                      const struct swf *swf,
                      const struct replay_swf_result *results)
{
    if (cli->headers) {
        tell_left_out(cli, q, swf, &results[0]);
        fprintf(cli->out, "%-12s %8s %8s %8s %9s %7s %9s %6s %5s\n", "POLICY",
                "WAIT", "P95", "MAX", "SLOWDOWN", "USED", "MAKESPAN", "BEFORE",
                "US");
    }
    for (uint32_t i = 0; i < q->rule_count; i++) {
        const struct replay_swf_result *r = &results[i];
        char wait[UNIT_TEXT_MAX], p95[UNIT_TEXT_MAX], most[UNIT_TEXT_MAX],
            makespan[UNIT_TEXT_MAX];
        unit_format_span((uint64_t)(r->wait_mean_s * 1e3 + 0.5), wait);
        unit_format_span(r->wait_p95_ms, p95);
        unit_format_span(r->wait_max_ms, most);
        unit_format_span(r->makespan_ms, makespan);
        fprintf(cli->out,
                "%-12s %8s %8s %8s %9.2f %6.2f%% %9s %6" PRIu32 " %5.1f\n",
                backfill_rule_text(q->rules[i]), wait, p95, most,
                r->slowdown_mean, r->used * 100, makespan, r->overtakers,
                us_a_decision(r));
    }
    return out_flush(cli);
}

static int tell_names(struct cli *cli, const struct question *q)
{
    for (uint32_t i = 0; i < q->rule_count; i++)
        fprintf(cli->out, "%s\n", backfill_rule_text(q->rules[i]));
    return out_flush(cli);
}

int sched_replay_swf(struct cli *cli, const struct args *args)
{
    struct replay_swf_result results[POLICIES_MAX] = {0};
    struct question q;
    struct swf swf = {0};
    int failed = read_question(cli, args, &q);
    if (!failed)
        failed = read_log(cli, &q, &swf);
    for (uint32_t i = 0; !failed && i < q.rule_count; i++)
        failed = run_policy(cli, &swf, &q, q.rules[i], &results[i]);
    if (!failed && cli->form == FORM_JSON)
        failed = tell_json(cli, &q, &swf, results);
    else if (!failed && cli->form == FORM_NAME)
        failed = tell_names(cli, &q);
    else if (!failed)
        failed = tell_table(cli, &q, &swf, results);
    swf_done(&swf);
    return failed;
}
