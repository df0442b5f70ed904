#include "cli/follow.h"

#include "base/amount.h"
#include "base/check.h"
#include "base/limits.h"
#include "cli/job.h"
#include "cli/locate.h"
#include "cli/stream.h"
#include "cli/unit.h"
#include "cli/view/view.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POLL_MS       200u
#define REFRESH_MS    1000u
#define DETACH_MS     2000u
#define FETCH_WAIT_MS 600000u
#define SUMMARY_MS    1000u
#define STILL_MS      15000u
#define STATE_MAX     320
#define EXIT_OOM      137
#define EXIT_TIME     124

static volatile sig_atomic_t interrupts;

static void on_interrupt(int number)
{
    (void)number;
    interrupts = interrupts + 1;
}

void follow_catch(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_interrupt; /* no SA_RESTART: a prompt ends */
    sigaction(SIGINT, &action, NULL);
}

int follow_interrupts(void)
{
    return interrupts;
}

struct follow {
    const char *id;
    const struct follow_options *options;
    uint64_t since;    /* of events */
    uint64_t shown_ms; /* when job.show was last asked */
    int seen_interrupts;
    json_t *job; /* the newest job.show; owned */
    uint32_t tasks;
    uint32_t works;            /* tasks, but for copies that one of is enough */
    struct log_tail *tails;    /* one a task; owned */
    char (*states)[STATE_MAX]; /* what was last said of each; owned */
    char summary[STATE_MAX];
    uint64_t said_ms; /* when that was */
    char state[32];
    uint64_t state_since_ms;
    uint64_t still_ms; /* when it was last said that it lasts */
    bool drawn;        /* a line to be redrawn stands on the terminal */
};

static void follow_done(struct follow *f)
{
    json_decref(f->job);
    free(f->tails);
    free(f->states);
}

/* ---- saying how it stands ---- */

static void erase(struct cli *cli, struct follow *f)
{
    if (f->drawn)
        fputs("\r\033[K", cli->err);
    f->drawn = false;
}

static const char *where_of(const json_t *task)
{
    const char *name = js_text(task, "provider_name");
    return name[0] != '\0' ? name : js_text(task, "provider");
}

/* One task in words: "STAGING on provider-2: 12 MiB of 40 MiB". */
static void describe(const json_t *task, char out[STATE_MAX])
{
    const char *state = js_text(task, "state");
    const char *where = where_of(task);
    const char *reason =
        strcmp(state, "DONE") == 0 ? "" : js_text(task, "reason");
    snprintf(out, STATE_MAX, "%.20s%s%.24s%s%.200s", state,
             where[0] != '\0' ? " on " : "", where,
             reason[0] != '\0' ? ": " : "", reason);
}

static void say_task(struct cli *cli, struct follow *f, uint32_t index,
                     const json_t *task)
{
    char now[STATE_MAX];
    bool ended = job_state_ended(js_text(task, "state"));
    describe(task, now);
    if (strcmp(now, f->states[index]) == 0)
        return;
    snprintf(f->states[index], STATE_MAX, "%s", now);
    if (cli->form == FORM_JSON) {
        json_t *line = json_pack("{s:s, s:s, s:i, s:O}", "event", "task", "id",
                                 f->id, "task", (int)index, "data", task);
        if (line != NULL)
            (void)out_ndjson(cli, line);
        json_decref(line);
        return;
    }
    if (f->tasks > 1 && !ended)
        return; /* the summary tells */
    erase(cli, f);
    if (f->tasks > 1)
        cli_note(cli, "task %u: %s", index, now);
    else
        cli_note(cli, "%s", now);
}

/* How far the staging of a single task is, in place. */
static void say_staging(struct cli *cli, struct follow *f)
{
    const json_t *task = json_array_get(json_object_get(f->job, "tasks"), 0);
    uint64_t total = js_uint(task, "staged_total");
    char done[UNIT_TEXT_MAX];
    char all[UNIT_TEXT_MAX];
    if (f->tasks != 1 || !cli->tty_err || cli->quiet || total == 0 ||
        cli->form == FORM_JSON ||
        strcmp(js_text(task, "state"), "STAGING") != 0)
        return;
    unit_format_bytes(js_uint(task, "staged_bytes"), done);
    unit_format_bytes(total, all);
    erase(cli, f);
    fprintf(cli->err, "staged %s of %s", done, all);
    fflush(cli->err);
    f->drawn = true;
}

/* "3 RUNNING, 12 WAITING" of a bag. */
static void summarise(const struct follow *f, char out[STATE_MAX])
{
    const char *key;
    json_t *count;
    json_t *states = json_object_get(f->job, "tasks_by_state");
    size_t len = 0;
    out[0] = '\0';
    json_object_foreach(states, key, count)
    {
        int got;
        if (json_integer_value(count) <= 0 || len > STATE_MAX - 48)
            continue;
        got = snprintf(out + len, STATE_MAX - len, "%s%lld %.20s",
                       len == 0 ? "" : ", ",
                       (long long)json_integer_value(count), key);
        len += got > 0 ? (size_t)got : 0;
    }
}

/* A state that lasts is named again from time to time. */
static void say_still(struct cli *cli, struct follow *f)
{
    char span[UNIT_TEXT_MAX];
    uint64_t now = cli->now_ms();
    const char *state = js_text(f->job, "state");
    if (strcmp(state, f->state) != 0) {
        snprintf(f->state, sizeof(f->state), "%s", state);
        f->state_since_ms = now;
        f->still_ms = now;
    }
    if (now - f->still_ms < STILL_MS || cli->form == FORM_JSON ||
        strcmp(state, "RUNNING") == 0)
        return;
    f->still_ms = now;
    unit_format_age(now - f->state_since_ms, span);
    erase(cli, f);
    cli_note(cli,
             "still %s after %s. Look: suan job show %.8s, suan node "
             "status",
             state, span, f->id);
}

static void say_summary(struct cli *cli, struct follow *f)
{
    char now[STATE_MAX];
    if (f->tasks <= 1 || cli->quiet || cli->form == FORM_JSON)
        return;
    summarise(f, now);
    if (cli->tty_err) {
        erase(cli, f);
        fputs(now, cli->err);
        fflush(cli->err);
        f->drawn = true;
        return;
    }
    /* Without a terminal a line stays: at most one a second. */
    if (strcmp(now, f->summary) == 0 ||
        (f->shown_ms - f->said_ms < SUMMARY_MS &&
         !job_state_ended(js_text(f->job, "state"))))
        return;
    cli_note(cli, "%s", now);
    f->said_ms = f->shown_ms;
    snprintf(f->summary, sizeof(f->summary), "%s", now);
}

/* ---- asking ---- */

/* Copies for the sake of an availability are one work. */
static uint32_t works_of(const struct follow *f)
{
    uint64_t copies =
        js_uint(json_object_get(f->job, "availability"), "copies");
    return copies > 1 && copies <= f->tasks ? f->tasks / (uint32_t)copies
                                            : f->tasks;
}

static int follow_size(struct cli *cli, struct follow *f)
{
    size_t count = json_array_size(json_object_get(f->job, "tasks"));
    f->tasks = count == 0            ? 1
               : count > LIMIT_TASKS ? LIMIT_TASKS
                                     : (uint32_t)count;
    f->works = works_of(f);
    f->tails = calloc(f->tasks, sizeof(*f->tails));
    f->states = calloc(f->tasks, sizeof(*f->states));
    if (f->tails == NULL || f->states == NULL)
        return cli_nomem(cli);
    for (uint32_t i = 0; i < f->tasks; i++) {
        snprintf(f->tails[i].job, sizeof(f->tails[i].job), "%s", f->id);
        f->tails[i].task = i;
        f->tails[i].prefix = f->works > 1;
        f->tails[i].stdout_on = f->options->logs;
        f->tails[i].stderr_on = f->options->logs;
    }
    return 0;
}

static int refresh(struct cli *cli, struct follow *f)
{
    json_t *job = NULL;
    json_t *task;
    size_t i;
    int failed =
        cli_call(cli, "job.show", json_pack("{s:s}", "id", f->id), &job);
    if (failed)
        return failed;
    json_decref(f->job);
    f->job = job;
    f->shown_ms = cli->now_ms();
    if (f->tails == NULL)
        failed = follow_size(cli, f);
    if (failed)
        return failed;
    json_array_foreach(json_object_get(f->job, "tasks"), i, task)
    {
        if (i < f->tasks)
            say_task(cli, f, (uint32_t)i, task);
    }
    say_summary(cli, f);
    say_staging(cli, f);
    say_still(cli, f);
    return 0;
}

/* Has this task's log started? Only then is asking for it worth a call. */
static bool has_log(const json_t *task)
{
    static const char *const before[] = {"WAITING", "HELD", "QUOTED", "OPENING",
                                         "STAGING"};
    const char *state = js_text(task, "state");
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        if (strcmp(state, before[i]) == 0)
            return false;
    }
    return true;
}

/* Of copies only one is printed, when it is known which: the first that is
 * done, else the first. */
static bool is_printed(const struct follow *f, uint32_t index)
{
    const json_t *tasks = json_object_get(f->job, "tasks");
    uint32_t chosen = index % f->works;
    if (f->works == f->tasks)
        return true;
    if (!job_state_ended(js_text(f->job, "state")))
        return false;
    for (uint32_t i = f->tasks; i > 0; i--) {
        if ((i - 1) % f->works == index % f->works &&
            strcmp(js_text(json_array_get(tasks, i - 1), "state"), "DONE") == 0)
            chosen = i - 1;
    }
    return chosen == index;
}

static int read_logs(struct cli *cli, struct follow *f, bool *out_more)
{
    json_t *task;
    size_t i;
    *out_more = false;
    if (!f->options->logs)
        return 0;
    json_array_foreach(json_object_get(f->job, "tasks"), i, task)
    {
        bool more = false;
        int failed;
        if (i >= f->tasks || !is_printed(f, (uint32_t)i) || !has_log(task) ||
            log_tail_done(&f->tails[i]))
            continue;
        erase(cli, f);
        failed = log_tail_step(cli, &f->tails[i], 0, &more);
        if (failed)
            return failed;
        *out_more = *out_more || more;
    }
    return 0;
}

/* Waits for something to happen to the job. */
static int await_event(struct cli *cli, struct follow *f, uint64_t wait_ms,
                       bool *out_any)
{
    json_t *result = NULL;
    int failed = cli_call_wait(cli, "events.poll",
                               json_pack("{s:I, s:I, s:s}", "since",
                                         (json_int_t)f->since, "wait_ms",
                                         (json_int_t)wait_ms, "job", f->id),
                               wait_ms, &result);
    if (failed)
        return failed;
    *out_any = json_array_size(json_object_get(result, "events")) > 0 ||
               js_uint(result, "lost") > 0;
    f->since = js_uint(result, "next");
    json_decref(result);
    return 0;
}

/* ---- Ctrl-C ---- */

static void nap(uint64_t ms)
{
    struct timespec span = {.tv_sec = (time_t)(ms / 1000),
                            .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&span, NULL);
}

/* 0: go on (the job was cancelled), or the exit of a detached command. */
static int interrupted(struct cli *cli, struct follow *f)
{
    uint64_t until = cli->now_ms() + DETACH_MS;
    json_t *result = NULL;
    struct rpc_error error;
    if (interrupts == f->seen_interrupts)
        return 0;
    erase(cli, f);
    if (interrupts == 1) {
        cli_warn(cli, "detaching: the job goes on. Ctrl-C once more within "
                      "2 s cancels it.");
        while (interrupts == 1 && cli->now_ms() < until)
            nap(50);
    }
    if (interrupts == 1) {
        cli_warn(cli,
                 "To come back: suan logs -f %.8s; suan wait %.8s. To "
                 "end it: suan cancel %.8s",
                 f->id, f->id, f->id);
        return EXIT_INTERRUPTED;
    }
    f->seen_interrupts = interrupts;
    cli_warn(cli, "cancelling %.8s", f->id);
    if (cli_try(cli, "job.cancel", json_pack("{s:s}", "id", f->id), 0, &result,
                &error) == OK)
        json_decref(result);
    else if (error.err != ERR_STATE) /* it ended meanwhile */
        return cli_fail_rpc(cli, &error);
    return 0;
}

/* ---- the end ---- */

/* Each total with the keys of a receipt that add up to it. */
static void sum_receipts(const json_t *receipts, json_t *totals)
{
    static const struct {
        const char *total;
        const char *parts[2];
    } sums[] = {
        {"paid_micro", {"paid_micro", "paid_before_micro"}},
        {"slashed_micro", {"slashed_micro", "slashed_before_micro"}},
        {"refunded_micro", {"refunded_micro", NULL}},
        {"fee_micro", {"fee_micro", NULL}},
        {"wall_ms", {"wall_ms", NULL}},
        {"cpu_ms", {"cpu_ms", NULL}},
    };
    for (size_t k = 0; k < sizeof(sums) / sizeof(sums[0]); k++) {
        json_int_t sum = 0;
        json_t *receipt;
        size_t i;
        json_array_foreach(receipts, i, receipt)
        {
            for (size_t p = 0; p < 2 && sums[k].parts[p] != NULL; p++)
                sum += (json_int_t)js_uint(receipt, sums[k].parts[p]);
        }
        json_object_set_new(totals, sums[k].total, json_integer(sum));
    }
}

static void say_bill(struct cli *cli, const struct follow *f,
                     const json_t *totals, const json_t *receipts)
{
    char paid[AMOUNT_TEXT_MAX];
    char fees[AMOUNT_TEXT_MAX];
    char back[AMOUNT_TEXT_MAX];
    char wall[UNIT_TEXT_MAX];
    char cpu[UNIT_TEXT_MAX];
    const json_t *first = json_array_get(receipts, 0);
    amount_format(amount_micro(js_uint(totals, "paid_micro")), paid);
    amount_format(amount_micro(js_uint(totals, "refunded_micro")), back);
    unit_format_span(js_uint(totals, "wall_ms"), wall);
    unit_format_span(js_uint(totals, "cpu_ms"), cpu);
    amount_format(amount_micro(js_uint(totals, "fee_micro")), fees);
    cli_note(cli, "%s: paid %s, %s came back; fees %s; ran %s, cpu %s",
             js_text(f->job, "state"), paid, back, fees, wall, cpu);
    if (js_uint(totals, "slashed_micro") > 0) {
        amount_format(amount_micro(js_uint(totals, "slashed_micro")), back);
        cli_note(cli, "%s more came from the bonds of providers that failed",
                 back);
    }
    if (f->tasks == 1 && js_text(first, "txs.settle")[0] != '\0')
        cli_note(cli, "settled in transaction %s",
                 js_text(first, "txs.settle"));
    else
        cli_note(cli, "each task's bill: suan job receipt %.8s", f->id);
}

/* What a code alone does not say. */
static void say_why(struct cli *cli, const struct follow *f, int code)
{
    const json_t *spec = json_object_get(f->job, "spec");
    const char *reason = js_text(f->job, "reason");
    char limit[UNIT_TEXT_MAX];
    if (code == EXIT_OOM) {
        unit_format_mib(js_uint(spec, "mem_mib"), limit);
        cli_warn(cli, "the memory limit of %s was reached. Try: --mem more",
                 limit);
    } else if (code == EXIT_TIME) {
        unit_format_span(js_uint(spec, "time_ms_max"), limit);
        cli_warn(cli, "the time limit of %s was reached. Try: --time more",
                 limit);
    } else if (code == EXIT_MARKET_FAILED) {
        cli_warn(cli,
                 "the market failed the job: %s. What was not run is "
                 "refunded. Try: suan job show %.8s",
                 reason[0] != '\0' ? reason : "see its tasks", f->id);
    }
}

static int fetch(struct cli *cli, const struct follow *f)
{
    char dir[PATH_MAX];
    json_t *result = NULL;
    enum err err;
    int failed;
    if (f->options->fetch_dir == NULL)
        return 0;
    if (!path_absolute(dir, f->options->fetch_dir))
        return cli_usage(cli, NULL, "--fetch is too long a path");
    err = path_make(dir, 0777);
    if (err != OK)
        return cli_fail_err(cli, err, "--fetch DIR", "the directory %s", dir);
    failed = cli_call_wait(cli, "job.fetch",
                           json_pack("{s:s, s:s}", "id", f->id, "dir", dir),
                           FETCH_WAIT_MS, &result);
    if (failed)
        return failed;
    cli_note(cli, "%zu output files in %s",
             json_array_size(json_object_get(result, "files")), dir);
    json_decref(result);
    return 0;
}

static int exit_of(const struct follow *f, const json_t *wait)
{
    const char *state = js_text(f->job, "state");
    int code = (int)js_uint(wait, "exit_code");
    if (code != 0 || strcmp(state, "DONE") == 0)
        return code & 0xff;
    if (strcmp(state, "EXPIRED") == 0)
        return EXIT_NO_OFFER;
    return strcmp(state, "CANCELLED") == 0 ? EXIT_INTERRUPTED
                                           : EXIT_MARKET_FAILED;
}

static int finish(struct cli *cli, struct follow *f)
{
    json_t *receipts = NULL;
    json_t *wait = NULL;
    json_t *totals = json_object();
    bool more = true;
    int code = 0;
    int failed = 0;
    while (more && !failed)
        failed = read_logs(cli, f, &more);
    if (!failed)
        failed = cli_call(cli, "job.receipt", json_pack("{s:s}", "id", f->id),
                          &receipts);
    if (!failed)
        failed =
            cli_call(cli, "job.wait",
                     json_pack("{s:s, s:i}", "id", f->id, "wait_ms", 0), &wait);
    if (!failed) {
        json_t *list = json_object_get(receipts, "receipts");
        erase(cli, f);
        code = exit_of(f, wait);
        sum_receipts(list, totals);
        if (cli->form != FORM_JSON) {
            say_bill(cli, f, totals, list);
            say_why(cli, f, code);
        }
        failed = fetch(cli, f);
    }
    if (!failed && cli->form == FORM_JSON) {
        json_t *line = json_pack(
            "{s:s, s:s, s:s, s:i, s:O, s:O}", "event", "end", "id", f->id,
            "state", js_text(f->job, "state"), "exit_code", code, "totals",
            totals, "receipts", json_object_get(receipts, "receipts"));
        failed = line == NULL ? cli_nomem(cli) : out_ndjson(cli, line);
        json_decref(line);
    }
    json_decref(totals);
    json_decref(receipts);
    json_decref(wait);
    return failed ? failed : code;
}

int follow_job(struct cli *cli, const char *id,
               const struct follow_options *options)
{
    struct follow f = {
        .id = id, .options = options, .seen_interrupts = interrupts};
    int failed = refresh(cli, &f);
    while (!failed && !job_state_ended(js_text(f.job, "state"))) {
        bool any = false;
        bool more = false;
        failed = await_event(cli, &f, POLL_MS, &any);
        if (!failed && (any || cli->now_ms() - f.shown_ms > REFRESH_MS))
            failed = refresh(cli, &f);
        if (!failed)
            failed = read_logs(cli, &f, &more);
        if (!failed)
            failed = interrupted(cli, &f);
    }
    if (!failed)
        failed = finish(cli, &f);
    follow_done(&f);
    return failed;
}
