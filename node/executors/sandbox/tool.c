#define _GNU_SOURCE
#include "node/executors/sandbox/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

bool tool_find(const char *name, char out[TOOL_PATH])
{
    static const char *const places[] = {"/usr/sbin",       "/usr/bin",
                                         "/sbin",           "/bin",
                                         "/usr/local/sbin", "/usr/local/bin"};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (!dir_text(out, TOOL_PATH, "%s/%s", places[i], name))
            break;
        if (access(out, X_OK) == 0)
            return true;
    }
    out[0] = '\0';
    return false;
}

static bool place_streams(const struct tool_call *call)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int out = call->out_fd >= 0 ? call->out_fd : null;
    int err = call->err_fd >= 0 ? call->err_fd : null;

    if (null < 0)
        return false;
    /* Out of the way of 0, 1 and 2 before they are overwritten. */
    out = fcntl(out, F_DUPFD_CLOEXEC, 3);
    err = fcntl(err, F_DUPFD_CLOEXEC, 3);
    return out >= 0 && err >= 0 && dup2(null, 0) == 0 && dup2(out, 1) == 1 &&
           dup2(err, 2) == 2;
}

static void become(const struct tool_call *call, pid_t parent)
{
    static const char *const environment[] = {
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin", "HOME=/",
        "LANG=C.UTF-8", NULL};
    char *argv[32], *envp[4];
    size_t count = 0;
    sigset_t none;

    /* A runtime must not go on for a monitor that is gone. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent)
        _exit(126);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    if (call->group != NULL && cg_enter(call->group, 0) != 0)
        _exit(125);
    if (!place_streams(call))
        _exit(126);
    if (close_range(3, ~0u, 0) != 0)
        _exit(126);
    while (count < 31 && call->argv[count] != NULL) {
        memcpy(&argv[count], &call->argv[count], sizeof(argv[count]));
        count++;
    }
    argv[count] = NULL;
    memcpy(envp, environment, sizeof(envp));
    execve(argv[0], argv, envp);
    _exit(127);
}

/* 0 when the process ended by itself; else -1 with errno. */
static int await(const struct tool_call *call, int pid_fd)
{
    struct pollfd polls[2] = {{.fd = pid_fd, .events = POLLIN},
                              {.fd = call->cancel_fd, .events = POLLIN}};
    uint64_t end = dir_boot_ms() + call->timeout_ms;

    for (;;) {
        uint64_t now = dir_boot_ms();
        int n;
        if (now >= end) {
            errno = ETIMEDOUT;
            return -1;
        }
        n = poll(polls, 2, (int)(end - now));
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0 && polls[0].revents != 0)
            return 0;
        if (n > 0 && polls[1].revents != 0) {
            errno = ECANCELED;
            return -1;
        }
    }
}

int tool_run(const struct tool_call *call, int *out_status)
{
    pid_t self = getpid(), pid;
    int pid_fd, rc, saved;

    CHECK(call->argv[0] != NULL && call->argv[0][0] == '/');
    pid = fork();
    if (pid == 0)
        become(call, self);
    if (pid < 0)
        return -1;
    pid_fd = pidfd_open(pid, 0);
    rc = pid_fd >= 0 ? await(call, pid_fd) : -1;
    saved = errno;
    if (rc != 0)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, out_status, 0) < 0 && errno == EINTR)
        ;
    if (pid_fd >= 0)
        close(pid_fd);
    errno = saved;
    return rc;
}

static void one_line(char *text)
{
    size_t len = strlen(text);

    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' '))
        text[--len] = '\0';
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20)
            *c = ' ';
}

bool tool_ask(const char *const *argv, uint32_t timeout_ms, char *out,
              size_t cap)
{
    struct tool_call call = {
        .argv = argv, .cancel_fd = -1, .timeout_ms = timeout_ms};
    int fd = memfd_create("answer", MFD_CLOEXEC);
    int status = -1;
    ssize_t n = 0;
    off_t end;
    bool ok;

    CHECK(cap > 1);
    out[0] = '\0';
    if (fd < 0)
        return false;
    call.out_fd = call.err_fd = fd;
    ok = tool_run(&call, &status) == 0 && status == 0;
    end = lseek(fd, 0, SEEK_END);
    if (end > 0) {
        off_t from = end > (off_t)cap - 1 ? end - (off_t)cap + 1 : 0;
        n = pread(fd, out, cap - 1, from);
    }
    out[n > 0 ? n : 0] = '\0';
    one_line(out);
    close(fd);
    return ok;
}
