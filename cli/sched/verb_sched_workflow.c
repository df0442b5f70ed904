/* suan sched workflow: task graphs with time on priced offers. */

#include <stdlib.h>
#include <string.h>

#include "base/amount.h"
#include "base/check.h"
#include "cli/file/offersfile.h"
#include "cli/file/textfile.h"
#include "cli/unit.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"
#include "sched/graph/flow_plan.h"

#define GANTT_COLUMNS 56u

struct job {
    const char *path;
    const char *offers_path;
    struct flow_plan_ask ask;
    struct wfformat wf;
    struct offersfile *file;
    struct offerset set;
    struct flowcase fc;
    struct timetable_slot *slots;
    struct flow_plan plan;
    struct timetable_sums sums;
};

/* ---- what was given ---- */

static int read_ask(struct cli *cli, const struct args *args, struct job *job)
{
    const char *policy = args_text(args, "policy", "fastest");
    const char *deadline = args_text(args, "deadline", NULL);
    const char *seed = args_text(args, "seed", "0");
    uint64_t ms = 0;
    job->path = args_operand(args, 0);
    job->offers_path = args_text(args, "offers", NULL);
    job->ask =
        (struct flow_plan_ask){FLOW_PLAN_FASTEST, TIMETABLE_UNBOUND,
                               FLOW_PLAN_STEPS, FLOW_PLAN_EXACT_STEPS, 0};
    if (job->offers_path == NULL)
        return cli_usage(cli, "docs/examples/sched/offers.yaml",
                         "--offers is missing");
    if (strcmp(job->path, "-") == 0 && strcmp(job->offers_path, "-") == 0)
        return cli_usage(cli, "a file for one of them",
                         "standard input cannot be both FILE and --offers");
    if (strcmp(policy, "cheapest") == 0)
        job->ask.goal = FLOW_PLAN_CHEAPEST;
    else if (strcmp(policy, "fastest") != 0)
        return cli_usage(cli, "fastest or cheapest",
                         "--policy: there is no \"%.40s\"", policy);
    if (deadline != NULL) {
        if (unit_parse_ms(deadline, &ms) != OK || ms > UINT64_MAX / 1000)
            return cli_usage(cli, "90s, 10m or 1h30m",
                             "--deadline: \"%.40s\" is not a time", deadline);
        job->ask.deadline_us = ms * 1000;
    }
    if (unit_parse_count(seed, 0, UINT64_MAX, &job->ask.seed) != OK)
        return cli_usage(cli, "a whole number",
                         "--seed: \"%.40s\" is not a number", seed);
    return 0;
}

static int read_offers(struct cli *cli, struct job *job)
{
    char error[YAMLFILE_ERROR_MAX] = "";
    struct buf text;
    enum err err = ERR_NOMEM;
    int failed;
    buf_init(&text, YAMLFILE_BYTES_MAX);
    failed = textfile_read(cli, job->offers_path, "the offers", &text);
    job->file = failed ? NULL : malloc(sizeof(*job->file));
    if (job->file != NULL)
        err = offersfile_parse(buf_bytes(&text), job->offers_path, job->file,
                               error);
    if (err == OK)
        err = offersfile_offers(job->file, &job->set);
    buf_done(&text);
    if (failed || err == OK)
        return failed;
    return err == ERR_NOMEM
               ? cli_nomem(cli)
               : cli_usage(cli, "suan sched workflow --help", "%s", error);
}

static int read_workflow(struct cli *cli, struct job *job)
{
    char error[WFFORMAT_ERROR_MAX] = "";
    struct buf text;
    uint32_t at = 0;
    enum err err = OK;
    int failed;
    buf_init(&text, WFFORMAT_BYTES_MAX);
    failed = textfile_read(cli, job->path, "the workflow", &text);
    if (!failed)
        err = wfformat_parse(buf_bytes(&text), job->path, &job->wf, error);
    buf_done(&text);
    if (failed)
        return failed;
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    if (err != OK)
        return cli_usage(cli, NULL, "%s", error);
    offersfile_pin_told(cli, job->offers_path, job->file, &job->wf);
    err = workflow_close(&job->wf.workflow, &at);
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    if (err == ERR_STATE)
        return cli_usage(cli, "a graph without circles",
                         "%s: the task \"%.80s\" waits for itself, through "
                         "others",
                         job->path, job->wf.task_names[at]);
    if (err != OK)
        return cli_usage(cli, "smaller files",
                         "%s: the task \"%.80s\" reads more than 1 PiB at once",
                         job->path, job->wf.task_names[at]);
    return 0;
}

static int open_case(struct cli *cli, struct job *job)
{
    uint32_t task = 0;
    enum err err = flowcase_init(&job->fc, &job->wf.workflow, &job->set, &task);
    if (err == ERR_CAPACITY)
        return cli_fail(cli, EXIT_POLICY,
                        "it needs more cores or memory than any offer has "
                        "where its data may be and can come to",
                        "larger offers, or links to where the inputs lie",
                        "no offer can run the task \"%.80s\"",
                        job->wf.task_names[task]);
    CHECK(err == OK || err == ERR_OVERFLOW); /* sites come from one table */
    if (err == ERR_OVERFLOW)
        return cli_usage(cli, "faster links",
                         "times of this size cannot be planned with");
    return 0;
}

static int solve(struct cli *cli, struct job *job)
{
    struct timetable_limits limits = {job->ask.deadline_us, TIMETABLE_UNBOUND};
    struct timetable_fault fault;
    char span[UNIT_TEXT_MAX];
    enum err err;
    job->slots = calloc(job->wf.workflow.task_count, sizeof(*job->slots));
    if (job->slots == NULL)
        return cli_nomem(cli);
    err = flow_plan(&job->fc, &job->ask, job->slots, &job->plan);
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    if (err == ERR_NO_OFFER)
        return cli_fail(cli, EXIT_POLICY,
                        "data would have to cross sites without a link, or "
                        "leave its zones",
                        "more links, or offers where the data is",
                        "no plan was found");
    if (err == ERR_TOO_LATE) {
        unit_format_span((job->plan.makespan_us + 999) / 1000, span);
        return cli_fail(cli, EXIT_POLICY,
                        "the earliest end that was found is "
                        "later",
                        span, "no plan ends by the deadline");
    }
    err = timetable_check(&job->wf.workflow, &job->set, job->slots, &limits,
                          &job->sums, &fault);
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    CHECK(err == OK && job->sums.makespan_us == job->plan.makespan_us &&
          job->sums.cost_micro == job->plan.cost_micro);
    return 0;
}

/* ---- what is said ---- */

static double ratio(uint64_t value, uint64_t least)
{
    return least == 0 ? 1 : (double)value / (double)least;
}

static json_t *slots_json(const struct job *job)
{
    json_t *tasks = json_array();
    for (uint32_t t = 0; t < job->wf.workflow.task_count; t++) {
        const struct timetable_slot *slot = &job->slots[t];
        json_array_append_new(tasks,
                              json_pack("{s:s, s:s, s:I, s:I}", "task",
                                        job->wf.task_names[t], "offer",
                                        job->file->names[slot->offer],
                                        "start_us", (json_int_t)slot->start_us,
                                        "end_us", (json_int_t)slot->end_us));
    }
    return tasks;
}

static int tell_json(struct cli *cli, const struct job *job)
{
    const struct flow_plan *p = &job->plan;
    char cost[AMOUNT_TEXT_MAX];
    char least[AMOUNT_TEXT_MAX];
    char haul[AMOUNT_TEXT_MAX];
    json_t *object;
    int failed;
    amount_format(amount_micro(job->sums.cost_micro), cost);
    amount_format(amount_micro(job->sums.haul_micro), haul);
    amount_format(amount_micro(p->least_micro), least);
    object = json_pack(
        "{s:s, s:s, s:I, s:I, s:f, s:s, s:s, s:s, s:b, s:o}", "workflow",
        job->wf.title, "policy",
        job->ask.goal == FLOW_PLAN_FASTEST ? "fastest" : "cheapest",
        "makespan_us", (json_int_t)p->makespan_us, "makespan_least_us",
        (json_int_t)p->least_us, "ratio", ratio(p->makespan_us, p->least_us),
        "cost", cost, "egress", haul, "cost_least", least, "proven",
        (int)p->proven, "tasks", slots_json(job));
    failed = object == NULL ? cli_nomem(cli) : out_json(cli, object);
    json_decref(object);
    return failed;
}

static void tell_sums(struct cli *cli, const struct job *job)
{
    const struct flow_plan *p = &job->plan;
    bool fastest = job->ask.goal == FLOW_PLAN_FASTEST;
    char us[UNIT_TEXT_MAX];
    char least_us[UNIT_TEXT_MAX];
    char cost[AMOUNT_TEXT_MAX];
    char least[AMOUNT_TEXT_MAX];
    char haul[AMOUNT_TEXT_MAX];
    unit_format_span((p->makespan_us + 999) / 1000, us);
    unit_format_span((p->least_us + 999) / 1000, least_us);
    amount_format(amount_micro(job->sums.cost_micro), cost);
    amount_format(amount_micro(job->sums.haul_micro), haul);
    amount_format(amount_micro(p->least_micro), least);
    fprintf(cli->out, "makespan %s; no plan ends before %s (ratio %.3f)%s\n",
            us, least_us, ratio(p->makespan_us, p->least_us),
            fastest && p->proven ? "; none is faster" : "");
    fprintf(cli->out, "cost %s, of it %s for data; none costs less than %s%s\n",
            cost, haul, least,
            !fastest && p->proven ? "; none is cheaper in time" : "");
}

static void tell_offers(struct cli *cli, const struct job *job)
{
    if (cli->headers)
        fprintf(cli->out, "\n%6s %10s  %s\n", "TASKS", "BUSY", "OFFER");
    for (uint32_t o = 0; o < job->set.count; o++) {
        uint32_t tasks = 0;
        uint64_t busy = 0;
        char text[UNIT_TEXT_MAX];
        for (uint32_t t = 0; t < job->wf.workflow.task_count; t++) {
            if (job->slots[t].offer != o)
                continue;
            tasks++;
            busy += (job->slots[t].end_us - job->slots[t].start_us) / 1000 *
                    job->wf.workflow.tasks[t].cores;
        }
        if (tasks == 0)
            continue;
        unit_format_span(busy, text);
        fprintf(cli->out, "%6u %10s  ", tasks, text);
        cli_put(cli->out, job->file->names[o]);
        fputs(" at ", cli->out);
        cli_put(cli->out, job->file->sites[job->set.offers[o].site]);
        fputc('\n', cli->out);
    }
}

/* How much of [from, to) the task takes. */
static uint64_t within(const struct timetable_slot *slot, uint64_t from,
                       uint64_t to)
{
    uint64_t start = slot->start_us > from ? slot->start_us : from;
    uint64_t end = slot->end_us < to ? slot->end_us : to;
    return start < end ? end - start : 0;
}

static bool is_used(const struct job *job, uint32_t offer)
{
    for (uint32_t t = 0; t < job->wf.workflow.task_count; t++) {
        if (job->slots[t].offer == offer)
            return true;
    }
    return false;
}

/* How many of the offer's cores are busy in [from, to), of all of them. */
static double busy_share(const struct job *job, uint32_t offer, uint64_t from,
                         uint64_t to)
{
    double busy = 0;
    for (uint32_t t = 0; t < job->wf.workflow.task_count; t++) {
        if (job->slots[t].offer == offer)
            busy += (double)within(&job->slots[t], from, to) *
                    job->wf.workflow.tasks[t].cores;
    }
    return busy /
           ((double)(to > from ? to - from : 1) * job->set.offers[offer].cores);
}

/* One line an offer: how many of its cores are busy, in tenths; "#" is all. */
static void tell_gantt(struct cli *cli, const struct job *job)
{
    uint64_t end = job->plan.makespan_us;
    char text[UNIT_TEXT_MAX];
    if (end == 0)
        return;
    unit_format_span((end + 999) / 1000, text);
    fprintf(cli->out, "\nbusy cores in tenths, # is all; from 0 to %s\n", text);
    for (uint32_t o = 0; o < job->set.count; o++) {
        char line[GANTT_COLUMNS + 1] = "";
        if (!is_used(job, o))
            continue;
        for (uint32_t c = 0; c < GANTT_COLUMNS; c++) {
            uint64_t from = end / GANTT_COLUMNS * c;
            uint64_t to =
                c + 1 == GANTT_COLUMNS ? end : end / GANTT_COLUMNS * (c + 1);
            double share = busy_share(job, o, from, to);
            line[c] = share <= 0       ? '.'
                      : share >= 0.999 ? '#'
                                       : (char)('0' + (int)(share * 10));
        }
        fprintf(cli->out, "%-20.20s %s\n", job->file->names[o], line);
    }
}

static void tell_tasks(struct cli *cli, const struct job *job)
{
    fputc('\n', cli->out);
    if (cli->headers)
        fprintf(cli->out, "%10s %10s  %-20s %s\n", "START", "END", "OFFER",
                "TASK");
    for (uint32_t t = 0; t < job->wf.workflow.task_count; t++) {
        const struct timetable_slot *slot = &job->slots[t];
        char start[UNIT_TEXT_MAX];
        char end[UNIT_TEXT_MAX];
        unit_format_span(slot->start_us / 1000, start);
        unit_format_span((slot->end_us + 999) / 1000, end);
        fprintf(cli->out, "%10s %10s  %-20.20s ", start, end,
                job->file->names[slot->offer]);
        cli_put(cli->out, job->wf.task_names[t]);
        fputc('\n', cli->out);
    }
}

int verb_sched_workflow(struct cli *cli, const struct args *args)
{
    struct job job = {0};
    int failed = read_ask(cli, args, &job);
    if (!failed)
        failed = read_offers(cli, &job);
    if (!failed)
        failed = read_workflow(cli, &job);
    if (!failed)
        failed = open_case(cli, &job);
    if (!failed)
        failed = solve(cli, &job);
    if (!failed && cli->form == FORM_JSON) {
        failed = tell_json(cli, &job);
    } else if (!failed) {
        tell_sums(cli, &job);
        tell_offers(cli, &job);
        tell_gantt(cli, &job);
        if (args_flag(args, "tasks"))
            tell_tasks(cli, &job);
        failed = out_flush(cli);
    }
    wfformat_done(&job.wf);
    offerset_done(&job.set);
    free(job.file);
    free(job.slots);
    return failed;
}
