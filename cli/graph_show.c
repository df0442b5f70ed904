/* A graph of jobs for people: its plan, how it stands, following, fetching. */

#include "base/limits.h"
#include "cli/follow.h"
#include "cli/graph.h"
#include "cli/job.h"
#include "cli/locate.h"
#include "cli/view/view.h"

#include <string.h>
#include <time.h>

#define FOLLOW_WAIT_MS 500u
#define FETCH_WAIT_MS  600000u
#define SAID_MAX       400

static bool for_people(const struct cli *cli)
{
    return cli->form == FORM_TABLE || cli->form == FORM_WIDE;
}

bool graph_is(const json_t *shown)
{
    return json_is_array(json_object_get(shown, "parts"));
}

/* ---- tables ---- */

/* "split, count": what it waits for. */
static void after_of(const json_t *part, char out[160])
{
    json_t *need;
    size_t i;
    size_t len = 0;
    out[0] = '\0';
    json_array_foreach(json_object_get(part, "needs"), i, need)
    {
        if (len < 150)
            len += (size_t)snprintf(out + len, 160 - len, "%s%s",
                                    i == 0 ? "" : ", ", js_text(need, "part"));
    }
}

static json_t *copy_of(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return value != NULL ? json_incref(value) : json_null();
}

static void put_plan_row(json_t *rows, const json_t *part, const json_t *task,
                         const char *after)
{
    const json_t *place = json_object_get(task, "planned");
    json_t *last = json_array_get(rows, json_array_size(rows) - 1);
    if (json_array_size(rows) > 0 &&
        strcmp(js_text(last, "part"), js_text(part, "part")) == 0 &&
        strcmp(js_text(last, "provider"), js_text(place, "provider")) == 0 &&
        js_uint(last, "hour_micro") == js_uint(place, "hour_micro")) {
        json_object_set_new(
            last, "tasks",
            json_integer((json_int_t)js_uint(last, "tasks") + 1));
        return;
    }
    json_array_append_new(
        rows,
        json_pack("{s:s, s:o, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:s}", "part",
                  js_text(part, "part"), "devices", copy_of(part, "devices"),
                  "tasks", 1, "provider", js_text(place, "provider"), "name",
                  copy_of(place, "name"), "hour_micro",
                  copy_of(place, "hour_micro"), "bill_micro",
                  copy_of(place, "bill_micro"), "spare_micro",
                  copy_of(place, "spare_micro"), "rtt_us",
                  copy_of(place, "rtt_us"), "after", after));
}

static json_t *plan_rows(const json_t *shown)
{
    json_t *rows = json_array();
    json_t *part;
    json_t *task;
    size_t i;
    size_t k;
    json_array_foreach(json_object_get(shown, "parts"), i, part)
    {
        char after[160];
        after_of(part, after);
        json_array_foreach(json_object_get(part, "tasks"), k, task)
        {
            put_plan_row(rows, part, task, after);
        }
    }
    return json_pack("{s:o}", "rows", rows);
}

static int print_rows(struct cli *cli, const struct view *view, json_t *table)
{
    int failed = table == NULL ? cli_nomem(cli) : view_print(cli, view, table);
    json_decref(table);
    return failed;
}

static int print_ways(struct cli *cli, const json_t *shown)
{
    json_t *ways = json_object_get(shown, "ways");
    if (json_array_size(ways) == 0)
        return 0;
    fputc('\n', cli->out);
    return print_rows(cli, &view_graph_ways, json_pack("{s:O}", "ways", ways));
}

int graph_plan_show(struct cli *cli, const json_t *shown, bool data)
{
    struct cli to_people = *cli;
    int failed;
    if (cli->form == FORM_JSON) {
        json_t *line = json_pack("{s:s, s:O}", "event", "bill", "graph", shown);
        failed = line == NULL ? cli_nomem(cli) : out_ndjson(cli, line);
        json_decref(line);
        return failed;
    }
    if (cli->quiet && !data)
        return 0;
    if (!data)
        to_people.out = cli->err;
    if (to_people.form == FORM_NAME)
        to_people.form = FORM_TABLE;
    failed = print_rows(&to_people, &view_graph_plan, plan_rows(shown));
    return failed || !data ? failed : print_ways(&to_people, shown);
}

static json_t *task_row(const json_t *part, const json_t *task,
                        const char *after)
{
    json_t *row = json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "part",
        js_text(part, "part"), "task", copy_of(task, "task"), "state",
        copy_of(task, "state"), "provider_name", copy_of(task, "provider_name"),
        "contract", copy_of(task, "contract"), "id", copy_of(part, "id"),
        "wall_ms", copy_of(task, "wall_ms"), "paid_micro",
        copy_of(task, "paid_micro"), "result_bytes",
        copy_of(task, "result_bytes"), "after", after, "reason",
        copy_of(task, "reason"), "planned",
        copy_of(json_object_get(task, "planned"), "name"));
    /* Where it will go, while it is not there. */
    if (row != NULL && js_text(task, "provider_name")[0] == '\0' &&
        !job_state_ended(js_text(task, "state"))) {
        char text[LIMIT_NAME + 4];
        snprintf(text, sizeof(text), "(%.60s)", js_text(row, "planned"));
        json_object_set_new(row, "provider_name", json_string(text));
    }
    return row;
}

static json_t *task_rows(const json_t *shown)
{
    json_t *rows = json_array();
    json_t *part;
    json_t *task;
    size_t i;
    size_t k;
    json_array_foreach(json_object_get(shown, "parts"), i, part)
    {
        char after[160];
        after_of(part, after);
        json_array_foreach(json_object_get(part, "tasks"), k, task)
        {
            json_array_append_new(rows, task_row(part, task, after));
        }
    }
    return json_pack("{s:o}", "rows", rows);
}

/* A reason is a sentence: it has a line of its own. */
static void print_reasons(struct cli *cli, const json_t *shown)
{
    json_t *part;
    size_t i;
    bool any = false;
    json_array_foreach(json_object_get(shown, "parts"), i, part)
    {
        if (js_text(part, "reason")[0] == '\0')
            continue;
        if (!any)
            fputc('\n', cli->out);
        any = true;
        cli_put(cli->out, js_text(part, "part"));
        fputs(": ", cli->out);
        cli_put(cli->out, js_text(part, "reason"));
        fputc('\n', cli->out);
    }
}

int graph_show(struct cli *cli, const json_t *shown)
{
    json_t *whole = json_copy((json_t *)(uintptr_t)shown);
    int failed =
        whole == NULL ? cli_nomem(cli) : view_print(cli, &view_graph, whole);
    json_decref(whole);
    if (failed || !for_people(cli))
        return failed;
    fputc('\n', cli->out);
    failed = print_rows(cli, &view_graph_tasks, task_rows(shown));
    if (!failed)
        print_reasons(cli, shown);
    return failed ? failed : print_ways(cli, shown);
}

/* ---- following ---- */

struct watch {
    char said[GRAPH_PARTS_MAX][SAID_MAX];
};

static void describe(const json_t *part, char out[SAID_MAX])
{
    const json_t *tasks = json_object_get(part, "tasks");
    const json_t *task = json_array_get(tasks, 0);
    const char *state = js_text(part, "state");
    const char *reason = js_text(part, "reason");
    const char *where =
        json_array_size(tasks) == 1 ? js_text(task, "provider_name") : "";
    size_t done = 0;
    for (size_t i = 0; i < json_array_size(tasks); i++)
        done += strcmp(js_text(json_array_get(tasks, i), "state"), "DONE") == 0;
    if (json_array_size(tasks) > 1)
        snprintf(out, SAID_MAX, "%.20s, %zu of %zu tasks done%s%.200s", state,
                 done, json_array_size(tasks), reason[0] != '\0' ? ": " : "",
                 reason);
    else
        snprintf(out, SAID_MAX, "%.20s%s%.24s%s%.200s", state,
                 where[0] != '\0' ? " on " : "", where,
                 reason[0] != '\0' ? ": " : "", reason);
}

static int say_changes(struct cli *cli, struct watch *watch, const char *id,
                       const json_t *shown)
{
    json_t *part;
    size_t i;
    json_array_foreach(json_object_get(shown, "parts"), i, part)
    {
        char now[SAID_MAX];
        json_t *line;
        int failed = 0;
        if (i >= GRAPH_PARTS_MAX)
            break;
        describe(part, now);
        if (strcmp(now, watch->said[i]) == 0)
            continue;
        memcpy(watch->said[i], now, sizeof(now));
        if (cli->form != FORM_JSON) {
            cli_note(cli, "%s: %s", js_text(part, "part"), now);
            continue;
        }
        line = json_pack("{s:s, s:s, s:O}", "event", "part", "id", id, "data",
                         part);
        if (line != NULL)
            failed = out_ndjson(cli, line);
        json_decref(line);
        if (failed)
            return failed;
    }
    return 0;
}

static int look(struct cli *cli, const char *id, json_t **out)
{
    return cli_call(cli, "job.show", json_pack("{s:s}", "id", id), out);
}

static void pause_a_moment(void)
{
    const struct timespec moment = {.tv_nsec = FOLLOW_WAIT_MS * 1000000L};
    nanosleep(&moment, NULL);
}

static int say_end(struct cli *cli, const json_t *shown)
{
    char paid[AMOUNT_TEXT_MAX];
    amount_format(amount_micro(js_uint(shown, "paid_micro")), paid);
    if (cli->form != FORM_JSON)
        cli_note(cli, "%s: paid %s for all of it", js_text(shown, "state"),
                 paid);
    return 0;
}

static int ended(struct cli *cli, const char *id, const json_t *shown,
                 const char *fetch_dir)
{
    json_t *result = NULL;
    int failed = say_end(cli, shown);
    int code;
    if (!failed && fetch_dir != NULL)
        failed = graph_fetch(cli, shown, fetch_dir);
    if (!failed)
        failed =
            cli_call(cli, "job.wait",
                     json_pack("{s:s, s:i}", "id", id, "wait_ms", 0), &result);
    code = failed ? failed : (int)js_uint(result, "exit_code");
    json_decref(result);
    return code;
}

int graph_follow(struct cli *cli, const char *id, const char *fetch_dir)
{
    struct watch watch = {{{0}}};
    for (;;) {
        json_t *shown = NULL;
        int code = look(cli, id, &shown);
        bool done;
        if (code)
            return code;
        code = say_changes(cli, &watch, id, shown);
        done = job_state_ended(js_text(shown, "state"));
        if (!code && done)
            code = ended(cli, id, shown, fetch_dir);
        json_decref(shown);
        if (code || done)
            return code;
        if (follow_interrupts() > 0) {
            cli_note(cli,
                     "it goes on. Back: suan job show %.8s; end it: suan "
                     "cancel %.8s",
                     id, id);
            return EXIT_INTERRUPTED;
        }
        pause_a_moment();
    }
}

/* ---- fetching ---- */

/* Does another part read its results? Then they are a step on the way. */
static bool is_read(const json_t *shown, const char *name)
{
    json_t *part;
    json_t *need;
    size_t i;
    size_t k;
    json_array_foreach(json_object_get(shown, "parts"), i, part)
        json_array_foreach(json_object_get(part, "needs"), k,
                           need) if (strcmp(js_text(need, "part"), name) == 0 &&
                                     json_is_string(json_object_get(
                                         need, "dest"))) return true;
    return false;
}

static int fetch_part(struct cli *cli, const json_t *part, const char *dir,
                      bool alone)
{
    char path[PATH_MAX];
    json_t *result = NULL;
    enum err err;
    int failed;
    if (alone)
        snprintf(path, sizeof(path), "%s", dir);
    else if (!path_join(path, dir, js_text(part, "part")))
        return cli_usage(cli, "a shorter path", "--to is too long a path");
    err = path_make(path, 0777);
    if (err != OK)
        return cli_fail_err(cli, err, "--to DIR", "the directory %s", path);
    failed = cli_call_wait(
        cli, "job.fetch",
        json_pack("{s:s, s:s}", "id", js_text(part, "id"), "dir", path),
        FETCH_WAIT_MS, &result);
    if (failed)
        return failed;
    if (cli->form != FORM_JSON)
        cli_note(cli, "%s: outputs in %s", js_text(part, "part"), path);
    else
        failed = out_ndjson(cli, result);
    json_decref(result);
    return failed;
}

int graph_fetch(struct cli *cli, const json_t *shown, const char *dir)
{
    json_t *parts = json_object_get(shown, "parts");
    char whole[PATH_MAX];
    size_t ends = 0;
    size_t i;
    json_t *part;
    int failed = 0;
    if (!path_absolute(whole, dir))
        return cli_usage(cli, "a shorter path", "--to is too long a path");
    json_array_foreach(parts, i, part) ends +=
        !is_read(shown, js_text(part, "part"));
    json_array_foreach(parts, i, part)
    {
        const char *name = js_text(part, "part");
        if (is_read(shown, name))
            continue;
        if (strcmp(js_text(part, "state"), "DONE") != 0)
            cli_warn(cli, "no outputs of %s: %s", name, js_text(part, "state"));
        else if (!failed)
            failed = fetch_part(cli, part, whole, ends == 1);
    }
    return failed;
}
