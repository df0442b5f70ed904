#include "cli/job.h"

#include "base/hash.h"
#include "base/limits.h"
#include "cli/unit.h"

#include <string.h>

struct match {
    const char *text;
    size_t len;
    bool hex;
    size_t found;
    char id[65];
};

static void match_job(struct match *match, const json_t *job)
{
    const char *id = js_text(job, "id");
    bool fits = strcmp(js_text(job, "name"), match->text) == 0 ||
                (match->hex && strncmp(id, match->text, match->len) == 0);
    if (!fits)
        return;
    match->found++;
    snprintf(match->id, sizeof(match->id), "%s", id);
}

static int resolve_whole(struct cli *cli, const char *text, char out_id[65])
{
    struct match match = {.text = text, .len = strlen(text)};
    struct hash whole;
    json_t *result = NULL;
    json_t *job;
    size_t i;
    int failed;
    match.hex = strspn(text, "0123456789abcdef") == match.len && match.len >= 4;
    if (hash_parse(text, &whole) == OK) {
        hash_format(&whole, out_id);
        return 0;
    }
    failed = cli_call(cli, "job.list", json_pack("{s:b}", "all", 1), &result);
    if (failed)
        return failed;
    json_array_foreach(json_object_get(result, "jobs"), i, job)
        match_job(&match, job);
    json_decref(result);
    if (match.found == 1) {
        memcpy(out_id, match.id, sizeof(match.id));
        return 0;
    }
    if (match.found > 1)
        return cli_usage(cli, "more digits of its id: suan ps -a -o wide",
                         "\"%.64s\" fits %zu jobs", text, match.found);
    return cli_fail(cli, EXIT_NOT_FOUND, NULL, "suan ps -a",
                    "no job is called or begins with \"%.64s\"", text);
}

/* GRAPH/NAME: the job of one component. */
static int resolve_part(struct cli *cli, const char *graph, const char *name,
                        char out_id[65])
{
    json_t *shown = NULL;
    json_t *part;
    size_t i;
    char id[65];
    bool found = false;
    int failed = resolve_whole(cli, graph, id);
    if (!failed)
        failed =
            cli_call(cli, "job.show", json_pack("{s:s}", "id", id), &shown);
    if (failed)
        return failed;
    json_array_foreach(json_object_get(shown, "parts"), i, part)
    {
        if (strcmp(js_text(part, "part"), name) != 0)
            continue;
        snprintf(out_id, 65, "%s", js_text(part, "id"));
        found = true;
    }
    json_decref(shown);
    if (found)
        return 0;
    return cli_fail(cli, EXIT_NOT_FOUND, NULL, "suan job show",
                    "%.64s has no component \"%.64s\"", graph, name);
}

int job_resolve(struct cli *cli, const char *text, char out_id[65])
{
    const char *slash = strrchr(text, '/');
    char graph[LIMIT_NAME + 65];
    if (slash == NULL)
        return resolve_whole(cli, text, out_id);
    if ((size_t)(slash - text) >= sizeof(graph))
        return cli_usage(cli, "suan ps -a", "\"%.64s...\" names no graph",
                         text);
    snprintf(graph, sizeof(graph), "%.*s", (int)(slash - text), text);
    return resolve_part(cli, graph, slash + 1, out_id);
}

int job_each_part(struct cli *cli, const struct args *args,
                  int (*fn)(struct cli *cli, const struct args *args),
                  bool *out_graph)
{
    struct args one = *args;
    json_t *shown = NULL;
    json_t *part;
    size_t i;
    char id[65];
    int failed = job_resolve(cli, args_operand(args, 0), id);
    *out_graph = false;
    if (!failed)
        failed =
            cli_call(cli, "job.show", json_pack("{s:s}", "id", id), &shown);
    if (failed)
        return failed;
    json_array_foreach(json_object_get(shown, "parts"), i, part)
    {
        char own[65];
        char *operands[2] = {own, NULL};
        *out_graph = true;
        snprintf(own, sizeof(own), "%s", js_text(part, "id"));
        one.operands = operands;
        one.operand_count = 1;
        cli_note(cli, "-- %s", js_text(part, "part"));
        failed = fn(cli, &one);
        if (failed)
            break;
    }
    json_decref(shown);
    return failed;
}

int job_task(struct cli *cli, const struct args *args, uint32_t *out)
{
    const char *text = args_text(args, "task", NULL);
    uint64_t task;
    *out = UINT32_MAX;
    if (text == NULL)
        return 0;
    if (unit_parse_count(text, 0, LIMIT_TASKS - 1, &task) != OK)
        return cli_usage(cli, "--task 0",
                         "--task \"%.20s\" is not a number of a task (from 0)",
                         text);
    *out = (uint32_t)task;
    return 0;
}

bool job_state_ended(const char *state)
{
    return strcmp(state, "DONE") == 0 || strcmp(state, "FAILED") == 0 ||
           strcmp(state, "CANCELLED") == 0 || strcmp(state, "EXPIRED") == 0;
}

int job_await(struct cli *cli, const char *id, uint64_t deadline_ms)
{
    for (;;) {
        uint64_t now = cli->now_ms();
        uint64_t wait = JOB_WAIT_MS;
        json_t *result = NULL;
        int failed;
        bool done;
        int code;
        if (deadline_ms != 0 && deadline_ms <= now)
            return cli_fail(cli, EXIT_NO_OFFER, NULL, "suan job show",
                            "the job has not ended within --timeout");
        if (deadline_ms != 0 && deadline_ms - now < wait)
            wait = deadline_ms - now;
        failed = cli_call_wait(
            cli, "job.wait",
            json_pack("{s:s, s:I}", "id", id, "wait_ms", (json_int_t)wait),
            wait, &result);
        if (failed)
            return failed;
        done = js_bool(result, "done");
        code = (int)js_uint(result, "exit_code");
        json_decref(result);
        if (done)
            return code;
    }
}
