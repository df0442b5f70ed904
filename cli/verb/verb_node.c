/* suan node start|stop|status|peers|logs, suan config list|path. */

#include "cli/daemon.h"
#include "cli/locate.h"
#include "cli/unit.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LOG_LINES_MAX 1000u
#define LOG_POLL_MS   20000u

static bool for_people(const struct cli *cli)
{
    return cli->form == FORM_TABLE || cli->form == FORM_WIDE;
}

/* ---- start and stop ---- */

static int start_in_foreground(struct cli *cli, const char *data_dir)
{
    char program[PATH_MAX];
    int failed = locate_program(cli, "suand", program);
    if (failed)
        return failed;
    fflush(cli->out);
    execl(program, program, "--data-dir", data_dir, (char *)NULL);
    return cli_fail(cli, EXIT_FAILED, strerror(errno), "suan doctor",
                    "%s does not start", program);
}

int verb_node_start(struct cli *cli, const struct args *args)
{
    char program[PATH_MAX];
    struct daemon daemon;
    int failed = locate_data_dir(cli, daemon.data_dir);
    if (failed)
        return failed;
    if (daemon_find(&daemon)) {
        cli_note(cli, "the node runs already, as process %ld",
                 (long)daemon.pid);
        return 0;
    }
    if (!daemon_has_config(&daemon))
        return cli_fail(cli, EXIT_NOT_FOUND, "it has no suan.conf",
                        "suan devnet up, or a suan.conf as docs/operator.md "
                        "explains it",
                        "%s is not a node's data directory", daemon.data_dir);
    if (args_flag(args, "foreground"))
        return start_in_foreground(cli, daemon.data_dir);
    failed = locate_program(cli, "suand", program);
    if (!failed)
        failed = daemon_start(cli, program, &daemon);
    if (!failed)
        failed = daemon_await(cli, &daemon, DAEMON_START_MS);
    if (!failed)
        cli_note(cli, "the node runs as process %ld; its log: %s/log",
                 (long)daemon.pid, daemon.data_dir);
    return failed;
}

int verb_node_stop(struct cli *cli, const struct args *args)
{
    struct daemon daemon;
    int failed = locate_data_dir(cli, daemon.data_dir);
    (void)args;
    if (failed)
        return failed;
    if (!daemon_find(&daemon)) {
        cli_note(cli, "the node is not running");
        return 0;
    }
    if (daemon_stop(&daemon, DAEMON_STOP_MS))
        cli_note(cli, "the node has stopped");
    else
        cli_warn(cli, "the node did not stop in time and was killed; its data "
                      "are safe");
    return 0;
}

/* ---- looking ---- */

static void say_warnings(struct cli *cli, const json_t *result)
{
    json_t *warning;
    size_t i;
    json_array_foreach(json_object_get(result, "warnings"), i, warning)
        cli_warn(cli, "warning: %s: %s. Try: %s", js_text(warning, "what"),
                 js_text(warning, "why"), js_text(warning, "next"));
}

int verb_node_status(struct cli *cli, const struct args *args)
{
    json_t *result = NULL;
    int failed = cli_call(cli, "node.status", NULL, &result);
    (void)args;
    if (failed)
        return failed;
    failed = view_print(cli, &view_status, result);
    if (!failed && for_people(cli))
        say_warnings(cli, result);
    json_decref(result);
    return failed;
}

int verb_node_peers(struct cli *cli, const struct args *args)
{
    const char *connect = args_text(args, "connect", NULL);
    json_t *result = NULL;
    int failed = 0;
    if (connect != NULL) {
        const char *at = strchr(connect, '@');
        char address[256];
        json_t *params;
        snprintf(address, sizeof(address), "%.*s",
                 at == NULL ? (int)strlen(connect) : (int)(at - connect),
                 connect);
        params = json_pack("{s:s}", "address", address);
        if (at != NULL)
            json_object_set_new(params, "node", json_string(at + 1));
        failed = cli_call(cli, "node.connect", params, &result);
        if (!failed)
            cli_note(cli, "connecting to %s", connect);
        json_decref(result);
        return failed;
    }
    failed = cli_call(cli, "node.peers", NULL, &result);
    if (failed)
        return failed;
    failed = view_print(cli, &view_peers, result);
    if (!failed && for_people(cli) &&
        json_array_size(json_object_get(result, "banned")) > 0) {
        fputc('\n', cli->out);
        failed = view_print(cli, &view_banned, result);
    }
    json_decref(result);
    return failed;
}

static int print_line(struct cli *cli, const json_t *line)
{
    char when[UNIT_TEXT_MAX];
    if (cli->form == FORM_JSON)
        return out_ndjson(cli, line);
    unit_format_time(js_uint(line, "at_ms"), when);
    fprintf(cli->out, "%s %-6s ", when, js_text(line, "level"));
    cli_put(cli->out, js_text(line, "text"));
    fputc('\n', cli->out);
    return 0;
}

int verb_node_logs(struct cli *cli, const struct args *args)
{
    const char *count = args_text(args, "lines", "200");
    bool follow = args_flag(args, "follow");
    uint64_t lines;
    uint64_t since = 0;
    bool first = true;
    if (unit_parse_count(count, 1, LOG_LINES_MAX, &lines) != OK)
        return cli_usage(cli, "--lines 200",
                         "--lines \"%.20s\" is not a number up to %u", count,
                         LOG_LINES_MAX);
    while (first || follow) {
        json_t *result = NULL;
        json_t *line;
        size_t i;
        uint64_t wait = first ? 0 : LOG_POLL_MS;
        int failed = cli_call_wait(
            cli, "node.logs",
            json_pack("{s:I, s:I, s:I}", "since", (json_int_t)since, "wait_ms",
                      (json_int_t)wait, "lines", (json_int_t)lines),
            wait, &result);
        if (failed)
            return failed;
        json_array_foreach(json_object_get(result, "lines"), i, line)
        {
            if (!failed)
                failed = print_line(cli, line);
        }
        since = js_uint(result, "next");
        json_decref(result);
        first = false;
        if (!failed)
            failed = out_flush(cli);
        if (failed)
            return failed;
    }
    return 0;
}

/* ---- configuration ---- */

/* "/a/long/way/suan.conf:4" as "suan.conf:4". */
static void shorten_sources(json_t *result)
{
    json_t *value;
    size_t i;
    json_array_foreach(json_object_get(result, "values"), i, value)
    {
        const char *slash = strrchr(js_text(value, "source"), '/');
        if (slash != NULL)
            json_object_set_new(value, "source", json_string(slash + 1));
    }
}

int verb_config_list(struct cli *cli, const struct args *args)
{
    json_t *result = NULL;
    int failed = cli_call(cli, "config.list", NULL, &result);
    (void)args;
    if (failed)
        return failed;
    if (cli->form == FORM_TABLE)
        shorten_sources(result);
    failed = view_print(cli, &view_config, result);
    json_decref(result);
    return failed;
}

int verb_config_path(struct cli *cli, const struct args *args)
{
    char dir[PATH_MAX];
    char path[PATH_MAX];
    int failed = locate_data_dir(cli, dir);
    (void)args;
    if (failed)
        return failed;
    if (!path_join(path, dir, "suan.conf"))
        return cli_usage(cli, NULL, "the path is too long");
    if (cli->form == FORM_JSON) {
        json_t *line = json_pack("{s:s, s:s}", "path", path, "data_dir", dir);
        failed = out_json(cli, line);
        json_decref(line);
        return failed;
    }
    fprintf(cli->out, "%s\n", path);
    return out_flush(cli);
}
