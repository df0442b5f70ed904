#include "cli/probe.h"

#include "cli/devnet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINE_MS     2000
#define EXECUTOR_MS 10000
#define END_MS      3000
#define ANSWER_MAX  (256u * 1024)

struct child {
    pid_t pid;
    int in;  /* its stdin; -1 */
    int out; /* its stdout */
};

static void become(const char *program, char *const argv[], int in, int out)
{
    int null = open("/dev/null", O_WRONLY);
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
        null < 0 || dup2(null, STDERR_FILENO) < 0)
        _exit(127);
    for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
        close(fd);
    execv(program, argv);
    _exit(127);
}

static bool child_start(struct child *child, const char *program,
                        char *const argv[])
{
    int in[2];
    int out[2];
    if (pipe(in) != 0)
        return false;
    if (pipe(out) != 0) {
        close(in[0]);
        close(in[1]);
        return false;
    }
    child->pid = fork();
    if (child->pid == 0)
        become(program, argv, in[0], out[1]);
    close(in[0]);
    close(out[1]);
    child->in = in[1];
    child->out = out[0];
    if (child->pid > 0)
        return true;
    close(child->in);
    close(child->out);
    return false;
}

/* Reads up to the first end of line; the length without it, or -1. */
static long child_line(struct child *child, char *out, size_t size,
                       int timeout_ms)
{
    size_t len = 0;
    while (len + 1 < size) {
        struct pollfd poller = {.fd = child->out, .events = POLLIN};
        ssize_t got;
        char *end;
        if (poll(&poller, 1, timeout_ms) != 1)
            return -1;
        got = read(child->out, out + len, size - 1 - len);
        if (got <= 0)
            return len > 0 && got == 0 ? (long)len : -1;
        len += (size_t)got;
        out[len] = '\0';
        end = strchr(out, '\n');
        if (end != NULL) {
            *end = '\0';
            return end - out;
        }
    }
    return -1;
}

/* Closes its input, waits, and kills it when it does not end. */
static int child_end(struct child *child)
{
    int status = -1;
    close(child->in);
    close(child->out);
    for (int i = 0; i < END_MS / 20; i++) {
        struct timespec span = {.tv_nsec = 20000000};
        if (waitpid(child->pid, &status, WNOHANG) == child->pid)
            return status;
        (void)nanosleep(&span, NULL);
    }
    kill(child->pid, SIGKILL);
    (void)waitpid(child->pid, &status, 0);
    return status;
}

bool probe_first_line(const char *program, const char *argument, char *out,
                      size_t size)
{
    char *argv[] = {strdup(program), strdup(argument), NULL};
    struct child child;
    bool ok = false;
    if (argv[0] != NULL && argv[1] != NULL &&
        child_start(&child, program, argv)) {
        ok = child_line(&child, out, size, LINE_MS) > 0;
        (void)child_end(&child);
    }
    free(argv[0]);
    free(argv[1]);
    return ok;
}

static json_t *ask_hello(struct child *child)
{
    static const char request[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\","
        "\"params\":{\"protocol\":1}}\n";
    char *line = malloc(ANSWER_MAX);
    json_t *found = NULL;
    if (line != NULL &&
        write(child->in, request, sizeof(request) - 1) ==
            (ssize_t)(sizeof(request) - 1) &&
        child_line(child, line, ANSWER_MAX, EXECUTOR_MS) > 0) {
        json_t *doc = json_loads(line, 0, NULL);
        found = json_incref(json_object_get(doc, "result"));
        json_decref(doc);
    }
    free(line);
    return found;
}

json_t *probe_executor(const char *program)
{
    char state[] = "/tmp/suan-doctor-XXXXXX";
    char *argv[] = {strdup(program), strdup("--state-dir"), state, NULL};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    struct child child;
    json_t *hello = NULL;
    if (argv[0] == NULL || argv[1] == NULL || mkdtemp(state) == NULL) {
        free(argv[0]);
        free(argv[1]);
        return NULL;
    }
    sigaction(SIGPIPE, &ignore, &before); /* it may end at once */
    if (child_start(&child, program, argv)) {
        hello = ask_hello(&child);
        (void)child_end(&child);
    }
    sigaction(SIGPIPE, &before, NULL);
    if (remove_tree(state) != OK)
        fprintf(stderr, "warning: %s could not be removed\n", state);
    free(argv[0]);
    free(argv[1]);
    return hello;
}

int probe_clock(void)
{
    struct timex now = {0};
    if (adjtimex(&now) < 0)
        return -1;
    return (now.status & STA_UNSYNC) == 0;
}
