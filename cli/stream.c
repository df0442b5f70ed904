#include "cli/stream.h"

#include "base/check.h"
#include "cli/unit.h"
#include "cli/view/view.h"

#include <string.h>

#define POLL_MS 20000u

int stream_events(struct cli *cli, const char *method, json_t *kinds,
                  const char *job, uint64_t since, bool once,
                  stream_event_fn fn, void *ctx)
{
    int failed = 0;
    while (!failed) {
        json_t *result = NULL;
        json_t *event;
        size_t i;
        json_t *params = json_pack("{s:I, s:i}", "since", (json_int_t)since,
                                   "wait_ms", once ? 0 : (int)POLL_MS);
        if (kinds != NULL)
            json_object_set(params, "kinds", kinds);
        if (job != NULL)
            json_object_set_new(params, "job", json_string(job));
        failed = cli_call_wait(cli, method, params, POLL_MS, &result);
        if (failed)
            break;
        if (js_uint(result, "lost") > 0)
            cli_warn(cli, "%llu older events are no longer kept",
                     (unsigned long long)js_uint(result, "lost"));
        json_array_foreach(json_object_get(result, "events"), i, event)
        {
            failed = fn(cli, event, ctx);
            if (failed)
                break;
        }
        since = js_uint(result, "next");
        i = json_array_size(json_object_get(result, "events"));
        json_decref(result);
        if (once && i == 0)
            break;
    }
    json_decref(kinds);
    return failed;
}

int stream_print_event(struct cli *cli, const json_t *event, void *ctx)
{
    char when[UNIT_TEXT_MAX];
    json_t *task = json_object_get(event, "task");
    (void)ctx;
    if (cli->form == FORM_JSON)
        return out_ndjson(cli, event);
    unit_format_time(js_uint(event, "at_ms"), when);
    fprintf(cli->out, "%.8s  %-10s  %.8s", when + 11, js_text(event, "kind"),
            js_text(event, "job"));
    if (json_is_integer(task))
        fprintf(cli->out, "[%lld]", (long long)json_integer_value(task));
    fputs(js_text(event, "job")[0] != '\0' ? "  " : "", cli->out);
    cli_put(cli->out, js_text(event, "text"));
    fputc('\n', cli->out);
    return out_flush(cli);
}

static const char *const stream_names[2] = {"stdout", "stderr"};

/* Writes a chunk, each line behind its task's number when asked for. */
static void put_chunk(struct cli *cli, struct log_tail *tail, int stream,
                      struct bytes data)
{
    FILE *file = stream == 0 ? cli->out : cli->err;
    if (!tail->prefix) {
        fwrite(data.ptr, 1, data.len, file);
        return;
    }
    for (size_t i = 0; i < data.len; i++) {
        if (!tail->mid_line[stream])
            fprintf(file, "[%u] ", tail->task);
        fputc(data.ptr[i], file);
        tail->mid_line[stream] = data.ptr[i] != '\n';
    }
}

static int put_json(struct cli *cli, const struct log_tail *tail, int stream,
                    struct bytes data)
{
    json_t *text = json_stringn((const char *)data.ptr, data.len);
    json_t *line;
    int failed;
    /* A log need not be UTF-8. */
    bool plain = text != NULL;
    line = json_pack("{s:s, s:s, s:i, s:s, s:o}", "event", "log", "id",
                     tail->job, "task", (int)tail->task, "stream",
                     stream_names[stream], plain ? "text" : "base64",
                     plain ? text : rpc_json_bytes(data));
    if (line == NULL)
        return cli_nomem(cli);
    failed = out_ndjson(cli, line);
    json_decref(line);
    return failed;
}

static int tail_stream(struct cli *cli, struct log_tail *tail, int stream,
                       uint64_t wait_ms, bool *out_more)
{
    json_t *result = NULL;
    struct buf data;
    int failed = cli_call_wait(
        cli, "job.logs",
        json_pack("{s:s, s:i, s:s, s:I, s:I}", "id", tail->job, "task",
                  (int)tail->task, "stream", stream_names[stream], "offset",
                  (json_int_t)tail->offset[stream], "wait_ms",
                  (json_int_t)wait_ms),
        wait_ms, &result);
    if (failed)
        return failed;
    buf_init(&data, RPC_BYTES_MAX);
    if (rpc_bytes_json(json_object_get(result, "data"), &data) != OK) {
        failed = cli_fail(cli, EXIT_FAILED, "it is not base64",
                          "suan version, on both sides",
                          "the node's answer makes no sense");
    } else if (data.len > 0) {
        *out_more = true;
        if (cli->form == FORM_JSON)
            failed = put_json(cli, tail, stream, buf_bytes(&data));
        else
            put_chunk(cli, tail, stream, buf_bytes(&data));
    }
    tail->offset[stream] = js_uint(result, "next");
    tail->eof[stream] = js_bool(result, "eof");
    buf_done(&data);
    json_decref(result);
    return failed;
}

int log_tail_step(struct cli *cli, struct log_tail *tail, uint64_t wait_ms,
                  bool *out_more)
{
    const bool on[2] = {tail->stdout_on, tail->stderr_on};
    int failed = 0;
    *out_more = false;
    for (int stream = 0; stream < 2 && !failed; stream++) {
        if (!on[stream] || tail->eof[stream])
            continue;
        failed = tail_stream(cli, tail, stream, wait_ms, out_more);
        wait_ms = 0;
    }
    if (!failed && *out_more) {
        failed = out_flush(cli);
        fflush(cli->err);
    }
    return failed;
}

bool log_tail_done(const struct log_tail *tail)
{
    return (!tail->stdout_on || tail->eof[0]) &&
           (!tail->stderr_on || tail->eof[1]);
}
