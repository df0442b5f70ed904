#include "node/exec/executor.h"

#include "base/check.h"
#include "node/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES (1024u * 1024)
#define BEAT_MS        1000u
#define SILENCE_MS     15000u /* no heartbeat: it hangs */
#define RESTART_MIN_MS 500u
#define RESTART_MAX_MS 30000u
#define STABLE_MS      60000u /* up this long: the next pause is short again */

struct call {
    uint64_t id; /* 0 = free */
    executor_done_fn done;
    void *ctx;
};

struct executor {
    uv_loop_t *loop;
    struct executor_events events;
    char program[512];
    char state_dir[1200];
    char reserve[24];
    uv_process_t process;
    uv_pipe_t in;  /* its stdin */
    uv_pipe_t out; /* its stdout */
    uv_timer_t timer;
    unsigned open_handles; /* of the running program */
    bool running;
    bool up;
    bool closing;
    bool timer_closed;
    json_t *facts;
    struct buf line; /* what came of a line so far */
    struct call calls[EXECUTOR_CALLS_MAX];
    uint64_t next_id;
    uint64_t last_heard_ms;
    uint64_t started_ms;
    uint64_t restart_at_ms;
    uint64_t pause_ms;
    char why_down[300];
};

struct writing {
    uv_write_t write; /* first */
    char *text;
};

static uint64_t now_ms(const struct executor *executor)
{
    return uv_now(executor->loop);
}

/* ---- calls ---- */

static void answer(struct call *call, json_t *result,
                   const struct executor_error *error)
{
    struct call copy = *call;
    memset(call, 0, sizeof(*call)); /* done may call again */
    copy.done(copy.ctx, result, error);
}

static void fail_calls(struct executor *executor, enum err err, const char *why)
{
    struct executor_error error = {.err = err};
    snprintf(error.what, sizeof(error.what), "the executor does not answer");
    snprintf(error.why, sizeof(error.why), "%s", why);
    snprintf(error.fix, sizeof(error.fix), "suan doctor");
    for (size_t i = 0; i < EXECUTOR_CALLS_MAX; i++) {
        if (executor->calls[i].id != 0)
            answer(&executor->calls[i], NULL, &error);
    }
}

static struct call *find_call(struct executor *executor, uint64_t id)
{
    for (size_t i = 0; i < EXECUTOR_CALLS_MAX; i++) {
        if (executor->calls[i].id == id)
            return &executor->calls[i];
    }
    return NULL;
}

static void on_written(uv_write_t *write, int status)
{
    struct writing *writing = (struct writing *)write;
    (void)status; /* a broken pipe shows as the program's end */
    free(writing->text);
    free(writing);
}

static enum err write_line(struct executor *executor, json_t *message)
{
    struct writing *writing = calloc(1, sizeof(*writing));
    char *text = json_dumps(message, JSON_COMPACT);
    uv_buf_t parts[2];
    static char newline[] = "\n";
    if (writing == NULL || text == NULL) {
        free(writing);
        free(text);
        return ERR_NOMEM;
    }
    writing->text = text;
    parts[0] = uv_buf_init(text, (unsigned)strlen(text));
    parts[1] = uv_buf_init(newline, 1);
    if (uv_write(&writing->write, (uv_stream_t *)&executor->in, parts, 2,
                 on_written) != 0) {
        free(text);
        free(writing);
        return ERR_EXECUTOR;
    }
    return OK;
}

/* An answer that must not come from inside the asking call. */
struct later {
    uv_idle_t idle; /* first */
    executor_done_fn done;
    void *ctx;
    struct executor_error error;
};

static void on_later_closed(uv_handle_t *handle)
{
    free(handle);
}

static void on_later(uv_idle_t *idle)
{
    struct later *later = (struct later *)idle;
    uv_idle_stop(idle);
    later->done(later->ctx, NULL, &later->error);
    uv_close((uv_handle_t *)idle, on_later_closed);
}

static void refuse_later(struct executor *executor, executor_done_fn done,
                         void *ctx, enum err err)
{
    struct later *later = calloc(1, sizeof(*later));
    CHECK(later != NULL);
    later->done = done;
    later->ctx = ctx;
    later->error.err = err;
    snprintf(later->error.what, sizeof(later->error.what),
             "the executor is not running");
    snprintf(later->error.why, sizeof(later->error.why), "%s",
             executor->why_down);
    snprintf(later->error.fix, sizeof(later->error.fix), "suan doctor");
    uv_idle_init(executor->loop, &later->idle);
    uv_idle_start(&later->idle, on_later);
}

void executor_call(struct executor *executor, const char *method,
                   json_t *params, executor_done_fn done, void *ctx)
{
    struct call *call = find_call(executor, 0);
    json_t *message;
    if (!executor->running || call == NULL) {
        json_decref(params);
        refuse_later(executor, done, ctx, ERR_EXECUTOR);
        return;
    }
    message = json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id",
                        (json_int_t)executor->next_id, "method", method,
                        "params", params);
    if (message == NULL || write_line(executor, message) != OK) {
        json_decref(message);
        refuse_later(executor, done, ctx, ERR_EXECUTOR);
        return;
    }
    json_decref(message);
    *call = (struct call){executor->next_id++, done, ctx};
}

/* ---- lines ---- */

static void copy_text(char *out, size_t size, const json_t *object,
                      const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    snprintf(out, size, "%s", text != NULL ? text : "");
}

static void on_answer(struct executor *executor, json_t *message)
{
    json_t *id = json_object_get(message, "id");
    json_t *bad = json_object_get(message, "error");
    struct call *call;
    struct executor_error error = {0};
    if (!json_is_integer(id) || json_integer_value(id) <= 0)
        return;
    call = find_call(executor, (uint64_t)json_integer_value(id));
    if (call == NULL)
        return;
    if (bad == NULL) {
        answer(call, json_object_get(message, "result"), NULL);
        return;
    }
    error.err = (enum err)json_integer_value(json_object_get(bad, "code"));
    if ((int)error.err <= 0)
        error.err = ERR_EXECUTOR;
    copy_text(error.what, sizeof(error.what), bad, "message");
    bad = json_object_get(bad, "data");
    copy_text(error.why, sizeof(error.why), bad, "why");
    copy_text(error.fix, sizeof(error.fix), bad, "fix");
    answer(call, NULL, &error);
}

static void on_line(struct executor *executor)
{
    json_t *message = json_loadb((const char *)executor->line.ptr,
                                 executor->line.len, 0, NULL);
    const char *method;
    executor->last_heard_ms = now_ms(executor);
    if (!json_is_object(message)) {
        log_odd("executor", "it said something that is not JSON");
        json_decref(message);
        return;
    }
    method = json_string_value(json_object_get(message, "method"));
    if (method == NULL)
        on_answer(executor, message);
    else if (strcmp(method, "heartbeat") != 0)
        executor->events.on_note(executor->events.ctx, method,
                                 json_object_get(message, "params"));
    json_decref(message);
}

static void on_bytes(struct executor *executor, struct bytes bytes)
{
    while (bytes.len > 0) {
        const uint8_t *end = memchr(bytes.ptr, '\n', bytes.len);
        size_t take = end != NULL ? (size_t)(end - bytes.ptr) : bytes.len;
        buf_add(&executor->line, bytes_make(bytes.ptr, take));
        if (end == NULL)
            return;
        if (executor->line.err != OK)
            log_odd("executor", "a line was too long and is dropped");
        else
            on_line(executor);
        buf_clear(&executor->line);
        bytes.ptr += take + 1;
        bytes.len -= take + 1;
    }
}

/* ---- the program ---- */

static void on_read_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    static char space[65536]; /* read on one thread, used up at once */
    (void)handle;
    (void)size;
    *out = uv_buf_init(space, sizeof(space));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct executor *executor = stream->data;
    if (got > 0)
        on_bytes(executor, bytes_make(buf->base, (size_t)got));
    else if (got < 0)
        uv_read_stop(stream); /* its end follows */
}

static void on_all_closed(struct executor *executor)
{
    if (!executor->closing || !executor->timer_closed ||
        executor->open_handles > 0)
        return;
    buf_done(&executor->line);
    json_decref(executor->facts);
    free(executor);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct executor *executor = handle->data;
    executor->open_handles--;
    on_all_closed(executor);
}

static void program_gone(struct executor *executor, const char *why)
{
    bool was_up = executor->up;
    executor->running = false;
    executor->up = false;
    json_decref(executor->facts);
    executor->facts = NULL;
    snprintf(executor->why_down, sizeof(executor->why_down), "%s", why);
    if (now_ms(executor) - executor->started_ms > STABLE_MS)
        executor->pause_ms = RESTART_MIN_MS;
    executor->restart_at_ms = now_ms(executor) + executor->pause_ms;
    executor->pause_ms = executor->pause_ms * 2 < RESTART_MAX_MS
                             ? executor->pause_ms * 2
                             : RESTART_MAX_MS;
    fail_calls(executor, executor->closing ? ERR_CLOSED : ERR_EXECUTOR, why);
    if (executor->closing)
        return;
    log_odd("executor", "%s is down: %s", executor->program, why);
    (void)was_up;
    executor->events.on_gone(executor->events.ctx, why);
}

static void on_ended(uv_process_t *process, int64_t status, int signal)
{
    struct executor *executor = process->data;
    char why[120];
    if (signal != 0)
        snprintf(why, sizeof(why), "it was killed by signal %d", signal);
    else
        snprintf(why, sizeof(why), "it ended with code %d", (int)status);
    uv_close((uv_handle_t *)&executor->process, on_handle_closed);
    uv_close((uv_handle_t *)&executor->in, on_handle_closed);
    uv_close((uv_handle_t *)&executor->out, on_handle_closed);
    program_gone(executor, why);
}

static void on_hello(void *ctx, json_t *result,
                     const struct executor_error *error)
{
    struct executor *executor = ctx;
    if (error != NULL) {
        if (!executor->closing)
            log_odd("executor", "hello failed: %s %s", error->what, error->why);
        return;
    }
    executor->up = true;
    executor->facts = json_incref(result);
    executor->events.on_up(executor->events.ctx, result);
}

/* A bare name is looked for beside suand first: a build tree works unasked. */
static void find_program(const char *name, char *out, size_t size)
{
    char self[400];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    snprintf(out, size, "%s", name);
    if (strchr(name, '/') != NULL || len <= 0)
        return;
    self[len] = '\0';
    *strrchr(self, '/') = '\0';
    snprintf(out, size, "%s/%s", self, name);
    if (access(out, X_OK) != 0)
        snprintf(out, size, "%s", name);
}

static void start_program(struct executor *executor)
{
    char program[1024];
    char flag[] = "--state-dir";
    char reserve_flag[] = "--reserve-mib";
    char *args[] = {program,           flag, executor->state_dir, reserve_flag,
                    executor->reserve, NULL};
    uv_stdio_container_t stdio[3];
    uv_process_options_t options = {0};
    int rv;
    find_program(executor->program, program, sizeof(program));
    uv_pipe_init(executor->loop, &executor->in, 0);
    uv_pipe_init(executor->loop, &executor->out, 0);
    executor->in.data = executor;
    executor->out.data = executor;
    executor->process.data = executor;
    stdio[0].flags = UV_CREATE_PIPE | UV_READABLE_PIPE;
    stdio[0].data.stream = (uv_stream_t *)&executor->in;
    stdio[1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
    stdio[1].data.stream = (uv_stream_t *)&executor->out;
    stdio[2].flags = UV_INHERIT_FD;
    stdio[2].data.fd = 2;
    options.file = program;
    options.args = args;
    options.stdio = stdio;
    options.stdio_count = 3;
    options.exit_cb = on_ended;
    executor->started_ms = now_ms(executor);
    executor->last_heard_ms = executor->started_ms;
    executor->open_handles = 3;
    rv = uv_spawn(executor->loop, &executor->process, &options);
    if (rv != 0) {
        char why[200];
        snprintf(why, sizeof(why), "%.120s cannot be started: %s", program,
                 uv_strerror(rv));
        uv_close((uv_handle_t *)&executor->process, on_handle_closed);
        uv_close((uv_handle_t *)&executor->in, on_handle_closed);
        uv_close((uv_handle_t *)&executor->out, on_handle_closed);
        program_gone(executor, why);
        return;
    }
    executor->running = true;
    buf_clear(&executor->line);
    uv_read_start((uv_stream_t *)&executor->out, on_read_alloc, on_read);
    executor_call(executor, "hello", json_pack("{s:i}", "protocol", 1),
                  on_hello, executor);
}

static void on_beat(uv_timer_t *timer)
{
    struct executor *executor = timer->data;
    uint64_t now = now_ms(executor);
    if (executor->running && now - executor->last_heard_ms > SILENCE_MS) {
        log_odd("executor", "silent for %u s: killing it", SILENCE_MS / 1000);
        executor->last_heard_ms = now;
        uv_process_kill(&executor->process, SIGKILL);
    }
    if (!executor->running && executor->open_handles == 0 &&
        now >= executor->restart_at_ms)
        start_program(executor);
}

enum err executor_open(const struct executor_options *options,
                       struct executor **out)
{
    struct executor *executor = calloc(1, sizeof(*executor));
    if (executor == NULL)
        return ERR_NOMEM;
    executor->loop = options->loop;
    executor->events = options->events;
    executor->next_id = 1;
    executor->pause_ms = RESTART_MIN_MS;
    buf_init(&executor->line, LINE_MAX_BYTES);
    snprintf(executor->program, sizeof(executor->program), "%s",
             options->program);
    snprintf(executor->state_dir, sizeof(executor->state_dir), "%s",
             options->state_dir);
    snprintf(executor->reserve, sizeof(executor->reserve), "%llu",
             (unsigned long long)options->reserve_mib);
    snprintf(executor->why_down, sizeof(executor->why_down),
             "it is being started");
    CHECK(uv_timer_init(executor->loop, &executor->timer) == 0);
    executor->timer.data = executor;
    /* Through the timer: on_gone must not come from inside open. */
    uv_timer_start(&executor->timer, on_beat, 1, BEAT_MS);
    *out = executor;
    return OK;
}

bool executor_is_up(const struct executor *executor)
{
    return executor->up;
}

json_t *executor_facts(const struct executor *executor)
{
    return executor->facts;
}

const char *executor_why_down(const struct executor *executor)
{
    return executor->why_down;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct executor *executor = handle->data;
    executor->timer_closed = true;
    on_all_closed(executor);
}

void executor_close(struct executor *executor)
{
    executor->closing = true;
    fail_calls(executor, ERR_CLOSED, "the node is stopping");
    if (executor->running)
        uv_process_kill(&executor->process, SIGTERM);
    uv_close((uv_handle_t *)&executor->timer, on_timer_closed);
}
