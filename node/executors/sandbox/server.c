#define _GNU_SOURCE
#include "node/executors/sandbox/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/check.h"

#define BEAT_S   2
#define OUT_SLOW (1u * 1024 * 1024) /* above it notifications are dropped */
#define OUT_FULL (4u * 1024 * 1024) /* above it no request is read */
#define LAST_MS  30000 /* after stdin's end, for what is still open */

/* -- writing ------------------------------------------------------------------
 */

static void flush_out(struct server *s)
{
    size_t done = 0;

    while (done < s->out.len) {
        ssize_t n = write(STDOUT_FILENO, s->out.ptr + done, s->out.len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            s->out_broken = s->stop = true;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (done > 0) {
        memmove(s->out.ptr, s->out.ptr + done, s->out.len - done);
        s->out.len -= done;
    }
}

static void set_events(const struct server *s, int fd, uint32_t events,
                       uint64_t tag)
{
    struct epoll_event event = {.events = events, .data.u64 = tag};

    (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, fd, &event);
}

/* Listens to what there is to do: more to write, room to read. */
static void adjust(struct server *s)
{
    bool want_out = s->out.len > 0;
    bool pause = s->out.len > OUT_FULL;

    if (want_out != s->out_armed) {
        s->out_armed = want_out;
        set_events(s, STDOUT_FILENO, want_out ? EPOLLOUT : 0, TAG(TAG_OUT, 0));
    }
    if (s->in_open && !s->in_plain && pause != s->in_paused)
        set_events(s, STDIN_FILENO, pause ? 0 : EPOLLIN, TAG(TAG_IN, 0));
    s->in_paused = pause;
}

void server_send(struct server *s, json_t *message)
{
    char *text = message != NULL ? json_dumps(message, JSON_COMPACT) : NULL;

    json_decref(message);
    if (text == NULL) {
        (void)fprintf(stderr, "an answer was lost: out of memory\n");
        return;
    }
    buf_add(&s->out, bytes_str(text));
    buf_add_u8(&s->out, '\n');
    free(text);
    if (s->out.err != OK) {
        (void)fprintf(stderr, "the reader is too slow: giving up\n");
        s->out_broken = s->stop = true;
        return;
    }
    flush_out(s);
    adjust(s);
}

void server_notify(struct server *s, const char *name, json_t *params)
{
    if (s->out.len > OUT_SLOW)
        json_decref(params);
    else
        server_send(s, rpc_note(name, params));
}

bool server_watch(const struct server *s, int fd, uint64_t tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};

    return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* -- reading
 * -------------------------------------------------------------------- */

static void handle_line(struct server *s, const char *line, size_t len)
{
    struct rpc_request request;
    enum rpc_code code;

    if (len == 0)
        return;
    code = rpc_parse(line, len, &request);
    if (code == RPC_OK)
        methods_handle(s, &request);
    else
        server_send(s, rpc_refusal(request.id, code));
    rpc_done(&request);
}

/* Takes the whole lines off the buffer. A line beyond the limit is answered
 * once and skipped to its end. */
static void take_lines(struct server *s)
{
    size_t at = 0;

    while (at < s->in.len) {
        const uint8_t *line = s->in.ptr + at;
        const uint8_t *end = memchr(line, '\n', s->in.len - at);
        if (end == NULL)
            break;
        if (!s->skipping)
            handle_line(s, (const char *)line, (size_t)(end - line));
        s->skipping = false;
        at += (size_t)(end - line) + 1;
    }
    if (at > 0) {
        memmove(s->in.ptr, s->in.ptr + at, s->in.len - at);
        s->in.len -= at;
    }
    if (s->in.len > RPC_LINE_MAX) {
        if (!s->skipping)
            server_send(s, rpc_refusal(NULL, RPC_INVALID));
        s->skipping = true;
        s->in.len = 0;
    }
}

static void on_input(struct server *s)
{
    uint8_t data[65536];
    ssize_t n = read(STDIN_FILENO, data, sizeof(data));

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        s->in_open = false;
        if (!s->in_plain)
            (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
        return;
    }
    buf_add(&s->in, bytes_make(data, (size_t)n));
    CHECK(s->in.err == OK);
    take_lines(s);
}

/* -- the loop
 * --------------------------------------------------------------------- */

static void on_beat(struct server *s)
{
    uint64_t count;

    (void)!read(s->beat_fd, &count, sizeof(count));
    if (s->out.len == 0)
        server_notify(s, "heartbeat",
                      json_pack("{s:I, s:I}", "jobs",
                                (json_int_t)jobs_running(s), "time",
                                (json_int_t)dir_now_ms()));
}

static void dispatch(struct server *s, uint64_t tag)
{
    uint32_t index = (uint32_t)tag;

    switch ((enum tag)(tag >> 32)) {
    case TAG_IN:
        on_input(s);
        break;
    case TAG_OUT:
        flush_out(s);
        adjust(s);
        break;
    case TAG_BEAT:
        on_beat(s);
        break;
    case TAG_TICK:
        jobs_on_tick(s);
        break;
    case TAG_INOTIFY:
        jobs_on_inotify(s);
        break;
    case TAG_SIGNAL:
        s->stop = true;
        break;
    case TAG_MONITOR:
        if (s->jobs[index].used && s->jobs[index].monitor_fd >= 0)
            jobs_on_monitor(s, &s->jobs[index]);
        break;
    case TAG_TASK:
        if (s->tasks[index].used && s->tasks[index].pipe_fd >= 0)
            tasks_on_pipe(s, &s->tasks[index]);
        break;
    }
}

/* After stdin's end: whether somebody still waits for an answer. */
static bool unfinished(const struct server *s)
{
    return tasks_open(s) > 0 || jobs_starting(s) > 0 || s->out.len > 0;
}

static void loop(struct server *s)
{
    uint64_t last = 0;

    while (!s->stop) {
        struct epoll_event events[64];
        int n, wait_ms = s->in_open && s->in_plain && !s->in_paused ? 0 : -1;
        if (!s->in_open) {
            if (last == 0)
                last = dir_boot_ms() + LAST_MS;
            if (!unfinished(s) || dir_boot_ms() >= last)
                return;
            wait_ms = 1000;
        }
        n = epoll_wait(s->epoll_fd, events, 64, wait_ms);
        CHECK(n >= 0 || errno == EINTR);
        for (int i = 0; i < n && !s->stop; i++)
            dispatch(s, events[i].data.u64);
        if (s->in_open && s->in_plain && !s->in_paused)
            on_input(s);
    }
}

/* -- beginning and end
 * -------------------------------------------------------------- */

static bool open_events(struct server *s)
{
    struct itimerspec beat = {.it_value = {.tv_sec = BEAT_S},
                              .it_interval = {.tv_sec = BEAT_S}};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return false;
    s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    s->beat_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    s->tick_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->epoll_fd >= 0 && s->inotify_fd >= 0 && s->beat_fd >= 0 &&
           s->tick_fd >= 0 && s->signal_fd >= 0 &&
           timerfd_settime(s->beat_fd, 0, &beat, NULL) == 0 &&
           server_watch(s, s->inotify_fd, TAG(TAG_INOTIFY, 0)) &&
           server_watch(s, s->beat_fd, TAG(TAG_BEAT, 0)) &&
           server_watch(s, s->tick_fd, TAG(TAG_TICK, 0)) &&
           server_watch(s, s->signal_fd, TAG(TAG_SIGNAL, 0));
}

static bool open_streams(struct server *s)
{
    struct epoll_event out = {.events = 0, .data.u64 = TAG(TAG_OUT, 0)};
    int flags = fcntl(STDOUT_FILENO, F_GETFL);

    if (flags >= 0)
        (void)fcntl(STDOUT_FILENO, F_SETFL, flags | O_NONBLOCK);
    buf_init(&s->in, RPC_LINE_MAX + 2 * 65536);
    buf_init(&s->out, SERVER_OUT_MAX);
    s->in_open = true;
    /* A plain file cannot be waited for, and needs not. */
    if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, STDOUT_FILENO, &out) != 0 &&
        errno != EPERM)
        return false;
    if (server_watch(s, STDIN_FILENO, TAG(TAG_IN, 0)))
        return true;
    s->in_plain = errno == EPERM;
    return s->in_plain;
}

/* One server per state directory; the lock ends with us. */
static bool lock_state(const char *state)
{
    char path[DIR_PATH + 8];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/lock", state);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && dir_lock(fd) == 0)
        return true;
    (void)fprintf(stderr,
                  "suan-exec-sandbox: %s is held by process %ld\n"
                  "  end that one, or use another --state-dir\n",
                  state, fd >= 0 ? (long)dir_lock_holder(fd) : 0L);
    return false;
}

/* tmp/ holds what a predecessor did not get done: put aside, deleted later. */
static bool make_parts(const char *state)
{
    static const char *const parts[] = {"jobs", "images", "ids", "tmp"};
    char path[DIR_PATH], trash[DIR_PATH];

    if (dir_text(path, sizeof(path), "%s/tmp", state) &&
        dir_text(trash, sizeof(trash), "%s/trash-%" PRIu64, state,
                 dir_boot_ms()) &&
        rmdir(path) != 0)
        (void)rename(path, trash);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (!dir_text(path, sizeof(path), "%s/%s", state, parts[i]) ||
            (mkdir(path, 0700) != 0 && errno != EEXIST)) {
            (void)fprintf(stderr, "suan-exec-sandbox: %s: %s\n", path,
                          strerror(errno));
            return false;
        }
    return true;
}

static void throw_trash_away(struct server *s)
{
    struct dirent *entry;
    DIR *dir = opendir(s->options.state);

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char path[DIR_PATH];
        struct fail ignored;
        json_t *params;
        if (strncmp(entry->d_name, "trash-", 6) != 0 ||
            !dir_text(path, sizeof(path), "%s/%s", s->options.state,
                      entry->d_name))
            continue;
        params = json_pack("{s:[s]}", "paths", path);
        if (params != NULL)
            (void)!tasks_add(s, NULL, params, work_trash, &ignored);
    }
    if (dir != NULL)
        closedir(dir);
}

int server_main(const struct server_options *options)
{
    static struct server server;
    struct server *s = &server;

    s->options = *options;
    for (size_t i = 0; i < SERVER_TASKS_MAX; i++)
        s->tasks[i].pipe_fd = -1;
    if (!lock_state(options->state) || !make_parts(options->state))
        return 1;
    if (!open_events(s) || !open_streams(s)) {
        (void)fprintf(stderr, "suan-exec-sandbox: cannot listen: %s\n",
                      strerror(errno));
        return 1;
    }
    if (doctor_run(options->state, &s->doctor) != OK)
        return 1;
    jobs_load(s);
    throw_trash_away(s);
    loop(s);
    tasks_abandon(s);
    if (!s->out_broken)
        flush_out(s);
    cg_release(&s->doctor.machine.instance);
    doctor_done(&s->doctor);
    return 0;
}
