/* suan ps, suan job show|logs|events|wait|cancel|fetch|explain|receipt. */

#include "base/limits.h"
#include "cli/graph.h"
#include "cli/job.h"
#include "cli/locate.h"
#include "cli/stream.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"

#include <stdlib.h>
#include <string.h>

#define FOLLOW_MS     500u
#define FETCH_WAIT_MS 600000u

static bool for_people(const struct cli *cli)
{
    return cli->form == FORM_TABLE || cli->form == FORM_WIDE;
}

/* Resolves the first operand and makes one call about that job. */
static int ask(struct cli *cli, const struct args *args, const char *method,
               bool with_task, uint64_t wait_ms, json_t *more, json_t **out)
{
    char id[65];
    uint32_t task = UINT32_MAX;
    json_t *params;
    int failed = job_resolve(cli, args_operand(args, 0), id);
    if (!failed && with_task)
        failed = job_task(cli, args, &task);
    if (failed) {
        json_decref(more);
        return failed;
    }
    params = json_pack("{s:s}", "id", id);
    if (task != UINT32_MAX)
        json_object_set_new(params, "task", json_integer(task));
    if (more != NULL)
        json_object_update(params, more);
    json_decref(more);
    return cli_call_wait(cli, method, params, wait_ms, out);
}

int verb_ps(struct cli *cli, const struct args *args)
{
    const char *state = args_text(args, "state", NULL);
    json_t *params = json_pack("{s:b}", "all",
                               (int)(args_flag(args, "all") || state != NULL));
    json_t *result = NULL;
    int failed;
    if (state != NULL)
        json_object_set_new(params, "state", json_string(state));
    failed = cli_call(cli, "job.list", params, &result);
    if (failed)
        return failed;
    failed = view_print(cli, &view_jobs, result);
    json_decref(result);
    return failed;
}

static int show_rows(struct cli *cli, const struct view *view, json_t *result)
{
    if (json_array_size(json_object_get(result, view->rows)) == 0)
        return 0;
    fputc('\n', cli->out);
    return view_print(cli, view, result);
}

/* A bag's tasks are told one by one on request only, but for those that failed:
 * the head says how many are in which state. */
#define TASKS_SHOWN  24u
#define FAILED_SHOWN 10u

static bool has_failed(const json_t *task)
{
    const char *state = json_string_value(json_object_get(task, "state"));
    return state != NULL &&
           (strcmp(state, "FAILED") == 0 || strcmp(state, "EXPIRED") == 0);
}

static int show_failed(struct cli *cli, const json_t *result)
{
    const json_t *tasks = json_object_get(result, "tasks");
    json_t *some = json_pack("{s:[]}", "tasks");
    json_t *rows = json_object_get(some, "tasks");
    size_t i;
    json_t *task;
    int failed;
    json_array_foreach(tasks, i, task)
    {
        if (has_failed(task) && json_array_size(rows) < FAILED_SHOWN)
            json_array_append(rows, task);
    }
    failed = show_rows(cli, &view_tasks, some);
    json_decref(some);
    fprintf(cli->out, "\nEach of the %zu tasks: suan job show %.8s --tasks\n",
            json_array_size(tasks),
            json_string_value(json_object_get(result, "id")));
    return failed;
}

static int show_tasks(struct cli *cli, const struct args *args, json_t *result)
{
    int failed;
    if (!args_flag(args, "tasks") &&
        json_array_size(json_object_get(result, "tasks")) > TASKS_SHOWN)
        return show_failed(cli, result);
    failed = show_rows(cli, &view_tasks, result);
    return failed ? failed : show_rows(cli, &view_timeline, result);
}

int verb_job_show(struct cli *cli, const struct args *args)
{
    json_t *result = NULL;
    int failed = ask(cli, args, "job.show", false, 0, NULL, &result);
    if (failed)
        return failed;
    if (graph_is(result)) {
        failed = graph_show(cli, result);
        json_decref(result);
        return failed;
    }
    /* "tasks" is the array here; the object's line wants their number. */
    if (for_people(cli)) {
        json_t *head = json_copy(result);
        json_object_set_new(head, "tasks",
                            json_integer((json_int_t)json_array_size(
                                json_object_get(result, "tasks"))));
        failed = view_print(cli, &view_job, head);
        json_decref(head);
        if (!failed)
            failed = show_rows(cli, &view_chosen, result);
        if (!failed)
            failed = show_tasks(cli, args, result);
    } else {
        failed = view_print(cli, &view_job, result);
    }
    json_decref(result);
    return failed;
}

/* How many tasks the job has, and whether it has ended. */
static int job_size(struct cli *cli, const char *id, uint32_t *out_tasks)
{
    json_t *result = NULL;
    size_t count;
    int failed =
        cli_call(cli, "job.show", json_pack("{s:s}", "id", id), &result);
    if (failed)
        return failed;
    count = json_array_size(json_object_get(result, "tasks"));
    *out_tasks = count > LIMIT_TASKS ? LIMIT_TASKS : (uint32_t)count;
    json_decref(result);
    return 0;
}

/* Reads every tail until nothing comes (or, following, until all have ended).
 */
static int pump(struct cli *cli, struct log_tail *tails, uint32_t count,
                bool follow)
{
    for (;;) {
        bool any = false;
        bool open = false;
        for (uint32_t i = 0; i < count; i++) {
            bool more = false;
            int failed;
            if (log_tail_done(&tails[i]))
                continue;
            open = true;
            failed = log_tail_step(cli, &tails[i],
                                   follow ? FOLLOW_MS / count + 1 : 0, &more);
            if (failed)
                return failed;
            any = any || more;
        }
        if (!open || (!follow && !any))
            return 0;
    }
}

static int logs_of_one(struct cli *cli, const struct args *args)
{
    struct log_tail *tails;
    uint32_t task = UINT32_MAX;
    uint32_t count = 0;
    char id[65];
    int failed = job_resolve(cli, args_operand(args, 0), id);
    if (!failed)
        failed = job_task(cli, args, &task);
    if (!failed && task == UINT32_MAX)
        failed = job_size(cli, id, &count);
    if (failed)
        return failed;
    if (task != UINT32_MAX || count == 0)
        count = 1;
    tails = calloc(count, sizeof(*tails));
    if (tails == NULL)
        return cli_nomem(cli);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(tails[i].job, id, sizeof(id));
        tails[i].task = task != UINT32_MAX ? task : i;
        tails[i].prefix = count > 1;
        tails[i].stdout_on = !args_flag(args, "stderr");
        tails[i].stderr_on = !args_flag(args, "stdout");
    }
    failed = pump(cli, tails, count, args_flag(args, "follow"));
    free(tails);
    return failed;
}

int verb_job_logs(struct cli *cli, const struct args *args)
{
    bool graph = false;
    int failed = job_each_part(cli, args, logs_of_one, &graph);
    return failed || graph ? failed : logs_of_one(cli, args);
}

static int events_of_one(struct cli *cli, const struct args *args)
{
    json_t *result = NULL;
    char id[65];
    int failed;
    if (args_flag(args, "follow")) {
        failed = job_resolve(cli, args_operand(args, 0), id);
        return failed ? failed
                      : stream_events(cli, "events.poll", NULL, id, 0, false,
                                      stream_print_event, NULL);
    }
    failed = ask(cli, args, "job.events", false, 0, NULL, &result);
    if (failed)
        return failed;
    failed = view_print(cli, &view_events, result);
    json_decref(result);
    return failed;
}

int verb_job_events(struct cli *cli, const struct args *args)
{
    bool graph = false;
    int failed = job_each_part(cli, args, events_of_one, &graph);
    return failed || graph ? failed : events_of_one(cli, args);
}

int verb_job_wait(struct cli *cli, const struct args *args)
{
    uint64_t deadline =
        cli->timeout_ms == 0 ? 0 : cli->now_ms() + cli->timeout_ms;
    char id[65];
    int code = job_resolve(cli, args_operand(args, 0), id);
    if (code)
        return code;
    cli->timeout_ms = 0; /* meant the whole wait */
    code = job_await(cli, id, deadline);
    if (cli->form == FORM_JSON) {
        json_t *result = NULL;
        int failed =
            cli_call(cli, "job.wait",
                     json_pack("{s:s, s:i}", "id", id, "wait_ms", 0), &result);
        if (!failed)
            failed = out_json(cli, result);
        json_decref(result);
        if (failed)
            return failed;
    }
    return code;
}

int verb_job_cancel(struct cli *cli, const struct args *args)
{
    json_t *result = NULL;
    int failed = ask(cli, args, "job.cancel", true, 0, NULL, &result);
    if (failed)
        return failed;
    json_decref(result);
    cli_note(cli,
             "cancelled; what had run is billed, the rest comes back. "
             "Try: suan job show %s",
             args_operand(args, 0));
    return 0;
}

int verb_job_forget(struct cli *cli, const struct args *args)
{
    for (int i = 0; i < args->operand_count; i++) {
        const char *name = args_operand(args, i);
        json_t *result = NULL;
        char id[65];
        int failed = job_resolve(cli, name, id);
        if (!failed)
            failed = cli_call(cli, "job.forget", json_pack("{s:s}", "id", id),
                              &result);
        if (failed)
            return failed;
        json_decref(result);
        cli_note(cli, "forgot %s with its logs and results", name);
    }
    return 0;
}

/* Tasks that have nothing to fetch, each with its reason. */
static void say_missing(struct cli *cli, const json_t *result)
{
    json_t *task;
    size_t i;
    json_array_foreach(json_object_get(result, "missing"), i, task) cli_warn(
        cli, "no outputs of task %llu: %s%s%s",
        (unsigned long long)js_uint(task, "task"), js_text(task, "state"),
        js_text(task, "reason")[0] != '\0' ? ", " : "",
        js_text(task, "reason"));
}

int verb_job_fetch(struct cli *cli, const struct args *args)
{
    const char *to = args_text(args, "to", NULL);
    char id[65];
    char dir[PATH_MAX];
    char name[32];
    json_t *result = NULL;
    enum err err;
    int failed = job_resolve(cli, args_operand(args, 0), id);
    if (failed)
        return failed;
    snprintf(name, sizeof(name), "suan-out-%.8s", id);
    if (!path_absolute(dir, to == NULL ? name : to))
        return cli_usage(cli, "a shorter path", "--to is too long a path");
    err = path_make(dir, 0777);
    if (err != OK)
        return cli_fail_err(cli, err, "--to DIR", "the directory %s", dir);
    if (!args_text(args, "task", NULL)) {
        failed =
            cli_call(cli, "job.show", json_pack("{s:s}", "id", id), &result);
        if (failed)
            return failed;
        if (graph_is(result)) {
            failed = graph_fetch(cli, result, dir);
            json_decref(result);
            return failed;
        }
        json_decref(result);
    }
    failed = ask(cli, args, "job.fetch", true, FETCH_WAIT_MS,
                 json_pack("{s:s}", "dir", dir), &result);
    if (failed)
        return failed;
    failed = view_print(cli, &view_files, result);
    if (!failed && for_people(cli)) {
        cli_note(cli, "in %s", dir);
        say_missing(cli, result);
    }
    json_decref(result);
    return failed;
}

static int explain_of_one(struct cli *cli, const struct args *args)
{
    json_t *result = NULL;
    int failed = ask(cli, args, "job.explain", false, 0, NULL, &result);
    if (failed)
        return failed;
    failed = view_print(cli, &view_rejects, result);
    if (for_people(cli)) {
        if (!failed)
            failed = show_rows(cli, &view_histogram, result);
        if (!failed)
            failed = show_rows(cli, &view_relax, result);
    }
    json_decref(result);
    return failed;
}

int verb_job_explain(struct cli *cli, const struct args *args)
{
    bool graph = false;
    int failed = job_each_part(cli, args, explain_of_one, &graph);
    return failed || graph ? failed : explain_of_one(cli, args);
}

static int receipt_of_one(struct cli *cli, const struct args *args)
{
    json_t *result = NULL;
    int failed = ask(cli, args, "job.receipt", true, 0, NULL, &result);
    if (failed)
        return failed;
    failed = view_print(cli, &view_receipts, result);
    json_decref(result);
    return failed;
}

int verb_job_receipt(struct cli *cli, const struct args *args)
{
    bool graph = false;
    int failed = job_each_part(cli, args, receipt_of_one, &graph);
    return failed || graph ? failed : receipt_of_one(cli, args);
}
