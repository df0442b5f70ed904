#include "node/sell/meter_child.h"

#include "base/bytes.h"
#include "base/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_WRONG 3 /* a result is wrong: node/meter/main.c */

struct meter_child {
    uv_process_t process;
    uv_pipe_t out;
    uv_timer_t timer;
    unsigned open_handles;
    bool dropped;
    bool late;
    bool has_ended; /* the process, or it was never there */
    bool is_read;   /* to the end of its output */
    bool told;
    enum err err;
    char why[200];
    uint32_t lines;
    struct buf line;
    struct meter_child_events events;
};

static void on_closed(uv_handle_t *handle)
{
    struct meter_child *child = handle->data;
    CHECK(child->open_handles > 0);
    if (--child->open_handles > 0)
        return;
    buf_done(&child->line);
    free(child);
}

static void close_all(struct meter_child *child)
{
    uv_close((uv_handle_t *)&child->process, on_closed);
    uv_close((uv_handle_t *)&child->out, on_closed);
    uv_close((uv_handle_t *)&child->timer, on_closed);
}

/* The program leads a group of its own (spawn), so that what it has started
 * ends with it: who wraps suan-meter in a script leaves nobody measuring. */
static void kill_group(const struct meter_child *child)
{
    CHECK(child->process.pid > 1);
    (void)kill(-child->process.pid, SIGKILL);
}

/* Told when both its end and all that it said are here. */
static void settle(struct meter_child *child)
{
    if (!child->has_ended || !child->is_read || child->told || child->dropped)
        return;
    child->told = true;
    child->events.on_end(child->events.ctx, child->err, child->why);
    close_all(child);
}

static void on_line(struct meter_child *child)
{
    json_t *line =
        json_loadb((const char *)child->line.ptr, child->line.len, 0, NULL);
    if (json_is_object(line) && child->lines++ < METER_CHILD_LINES_MAX)
        child->events.on_line(child->events.ctx, line);
    json_decref(line);
}

static void on_bytes(struct meter_child *child, struct bytes bytes)
{
    while (bytes.len > 0 && !child->dropped) {
        const uint8_t *end = memchr(bytes.ptr, '\n', bytes.len);
        size_t take = end != NULL ? (size_t)(end - bytes.ptr) : bytes.len;
        buf_add(&child->line, bytes_make(bytes.ptr, take));
        if (end == NULL)
            return;
        if (child->line.err == OK)
            on_line(child);
        buf_clear(&child->line);
        bytes.ptr += take + 1;
        bytes.len -= take + 1;
    }
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    static char space[4096]; /* read on one thread, used up at once */
    (void)handle;
    (void)size;
    *out = uv_buf_init(space, sizeof(space));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct meter_child *child = stream->data;
    if (got > 0)
        on_bytes(child, bytes_make(buf->base, (size_t)got));
    if (got >= 0)
        return;
    uv_read_stop(stream);
    child->is_read = true;
    settle(child);
}

static void on_exit_status(uv_process_t *process, int64_t status, int signal)
{
    struct meter_child *child = process->data;
    kill_group(child); /* now: an empty group's number may be given anew */
    child->has_ended = true;
    if (child->late) {
        child->err = ERR_TIMEOUT;
        (void)snprintf(child->why, sizeof(child->why), "it took too long");
    } else if (signal != 0) {
        child->err = ERR_UNSUPPORTED;
        (void)snprintf(child->why, sizeof(child->why),
                       "it was killed by signal %d", signal);
    } else if (status == EXIT_WRONG) {
        child->err = ERR_PROOF;
    } else if (status != 0) {
        child->err = ERR_UNSUPPORTED;
        (void)snprintf(child->why, sizeof(child->why),
                       "it ended with code %d; its words are in the log",
                       (int)status);
    }
    settle(child);
}

/* It has ended, and who left its group holds its output. */
static void stop_reading(struct meter_child *child)
{
    uv_read_stop((uv_stream_t *)&child->out);
    child->is_read = true;
    child->err = ERR_TIMEOUT;
    (void)snprintf(child->why, sizeof(child->why),
                   "it left somebody behind who keeps its output open");
}

/* Too late; or it was never there, which must not be told from inside start. */
static void on_timer(uv_timer_t *timer)
{
    struct meter_child *child = timer->data;
    child->late = true;
    if (!child->has_ended) {
        kill_group(child);
        return;
    }
    if (!child->is_read)
        stop_reading(child);
    settle(child);
}

/* A bare name is looked for beside suand first: a build tree works unasked. */
static void find_program(const char *name, char *out, size_t size)
{
    char self[400];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    (void)snprintf(out, size, "%s", name);
    if (strchr(name, '/') != NULL || len <= 0)
        return;
    self[len] = '\0';
    *strrchr(self, '/') = '\0';
    (void)snprintf(out, size, "%s/%s", self, name);
    if (access(out, X_OK) != 0)
        (void)snprintf(out, size, "%s", name);
}

static int spawn(struct meter_child *child, uv_loop_t *loop,
                 const char *program, const char *const *args)
{
    char path[1024];
    char *argv[METER_CHILD_ARGS_MAX + 2] = {path};
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}};
    uv_process_options_t options = {0};
    size_t count = 0;
    int rv;
    find_program(program, path, sizeof(path));
    for (; args[count] != NULL; count++) {
        CHECK(count < METER_CHILD_ARGS_MAX);
        argv[count + 1] = strdup(args[count]);
    }
    stdio[1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
    stdio[1].data.stream = (uv_stream_t *)&child->out;
    stdio[2].flags = UV_INHERIT_FD;
    stdio[2].data.fd = 2;
    options.file = path;
    options.args = argv;
    options.stdio = stdio;
    options.stdio_count = 3;
    options.exit_cb = on_exit_status;
    options.flags = UV_PROCESS_DETACHED; /* leads a group: kill_group */
    rv = uv_spawn(loop, &child->process, &options);
    if (rv != 0)
        (void)snprintf(child->why, sizeof(child->why),
                       "%.120s cannot be started: %s", path, uv_strerror(rv));
    for (size_t i = 1; i <= count; i++)
        free(argv[i]);
    return rv;
}

enum err meter_child_start(uv_loop_t *loop, const char *program,
                           const char *const *args, uint64_t limit_ms,
                           const struct meter_child_events *events,
                           struct meter_child **out)
{
    struct meter_child *child = calloc(1, sizeof(*child));
    if (child == NULL)
        return ERR_NOMEM;
    child->events = *events;
    child->open_handles = 3;
    child->process.data = child->out.data = child->timer.data = child;
    buf_init(&child->line, METER_CHILD_LINE_MAX);
    CHECK(uv_pipe_init(loop, &child->out, 0) == 0);
    CHECK(uv_timer_init(loop, &child->timer) == 0);
    if (spawn(child, loop, program, args) != 0) {
        child->err = ERR_UNSUPPORTED;
        child->has_ended = child->is_read = true;
        limit_ms = 0;
    } else {
        uv_read_start((uv_stream_t *)&child->out, on_alloc, on_read);
    }
    uv_timer_start(&child->timer, on_timer, limit_ms, 0);
    *out = child;
    return OK;
}

void meter_child_drop(struct meter_child *child)
{
    if (child == NULL || child->told || child->dropped)
        return;
    child->dropped = true;
    if (!child->has_ended)
        kill_group(child);
    close_all(child);
}
