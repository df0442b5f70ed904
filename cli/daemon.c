#include "cli/daemon.h"

#include "base/check.h"
#include "cli/client.h"
#include "cli/locate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS        20
#define ASK_TIMEOUT_MS 5000u

static void nap(long ms)
{
    struct timespec span = {.tv_nsec = ms * 1000000};
    (void)nanosleep(&span, NULL);
}

static pid_t read_pid(const struct daemon *daemon)
{
    char path[PATH_MAX];
    char text[32] = "";
    FILE *file;
    long pid;
    if (!path_join(path, daemon->data_dir, "run/pid"))
        return 0;
    file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fgets(text, sizeof(text), file) == NULL)
        text[0] = '\0';
    fclose(file);
    pid = strtol(text, NULL, 10);
    return pid > 1 && pid < INT32_MAX ? (pid_t)pid : 0;
}

/* The words a process was started with, zeroes between; 0: it is gone, or a
 * zombie, which has none left. */
static size_t read_words(pid_t pid, char *out, size_t size)
{
    char path[64];
    size_t len;
    FILE *file;
    snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)pid);
    file = fopen(path, "re");
    if (file == NULL)
        return 0;
    len = fread(out, 1, size - 1, file);
    fclose(file);
    out[len] = '\0';
    return len;
}

static bool is_program(const char *word, const char *name)
{
    const char *slash = strrchr(word, '/');
    return strcmp(slash == NULL ? word : slash + 1, name) == 0;
}

/* Does the process run suand on this very directory? */
static bool is_ours(pid_t pid, const char *data_dir)
{
    char words[2 * PATH_MAX];
    size_t len = read_words(pid, words, sizeof(words));
    if (len == 0 || !is_program(words, "suand"))
        return false;
    for (size_t at = strlen(words) + 1; at < len;
         at += strlen(words + at) + 1) {
        if (strcmp(words + at, data_dir) == 0)
            return true;
    }
    return false;
}

/* Does it run an executor on something below the directory? */
static bool is_executor_below(pid_t pid, const char *dir)
{
    char words[2 * PATH_MAX];
    size_t dir_len = strlen(dir);
    size_t len = read_words(pid, words, sizeof(words));
    if (len == 0 || !is_program(words, "suan-exec-sandbox"))
        return false;
    for (size_t at = strlen(words) + 1; at < len;
         at += strlen(words + at) + 1) {
        if (strncmp(words + at, dir, dir_len) == 0 &&
            words[at + dir_len] == '/')
            return true;
    }
    return false;
}

/* Calls back for every process; stops when fn says so. */
typedef bool (*process_fn)(pid_t pid, void *ctx);
static void each_process(process_fn fn, void *ctx)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    bool stop = false;
    while (proc != NULL && !stop && (entry = readdir(proc)) != NULL) {
        long pid = strtol(entry->d_name, NULL, 10);
        if (pid > 1 && pid < INT32_MAX)
            stop = fn((pid_t)pid, ctx);
    }
    if (proc != NULL)
        closedir(proc);
}

struct search {
    const char *dir;
    pid_t found;
};

static bool search_daemon(pid_t pid, void *ctx)
{
    struct search *search = ctx;
    if (!is_ours(pid, search->dir))
        return false;
    search->found = pid;
    return true;
}

/* Without a pid file (somebody removed it): every process is looked at. */
static pid_t scan_processes(const char *data_dir)
{
    struct search search = {.dir = data_dir};
    each_process(search_daemon, &search);
    return search.found;
}

bool daemon_find(struct daemon *daemon)
{
    pid_t pid = read_pid(daemon);
    if (pid == 0 || !is_ours(pid, daemon->data_dir))
        pid = scan_processes(daemon->data_dir);
    daemon->pid = pid != 0 && kill(pid, 0) == 0 ? pid : 0;
    return daemon->pid != 0;
}

bool daemon_has_config(const struct daemon *daemon)
{
    char path[PATH_MAX];
    return path_join(path, daemon->data_dir, "suan.conf") &&
           access(path, R_OK) == 0;
}

/* In the child: a session of its own, no terminal, output to the log. */
static void become_daemon(const char *program, const char *data_dir, int log)
{
    int null = open("/dev/null", O_RDONLY);
    setsid();
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        _exit(127);
    if (null > STDERR_FILENO)
        close(null);
    /* Nothing of ours may be held open for the daemon's whole life. */
    for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
        close(fd);
    execl(program, program, "--data-dir", data_dir, (char *)NULL);
    _exit(127);
}

int daemon_start(struct cli *cli, const char *program, struct daemon *daemon)
{
    char path[PATH_MAX];
    int log;
    pid_t pid;
    if (!path_join(path, daemon->data_dir, "log"))
        return cli_fail(cli, EXIT_FAILED, NULL, "a shorter path",
                        "the path %s is too long", daemon->data_dir);
    log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0)
        return cli_fail(cli, EXIT_FAILED, strerror(errno), "a disk with room",
                        "the log %s", path);
    daemon->log_from = lseek(log, 0, SEEK_END);
    fflush(cli->out);
    fflush(cli->err);
    pid = fork();
    if (pid == 0)
        become_daemon(program, daemon->data_dir, log);
    close(log);
    if (pid < 0)
        return cli_fail(cli, EXIT_FAILED, strerror(errno),
                        "ending other processes", "suand does not start");
    daemon->pid = pid;
    return 0;
}

/* What it said since its start: the text of its last "error: ...". */
static bool last_error(const struct daemon *daemon, char *out, size_t size)
{
    char path[PATH_MAX];
    char line[1024];
    FILE *file;
    bool found = false;
    if (!path_join(path, daemon->data_dir, "log") ||
        (file = fopen(path, "re")) == NULL)
        return false;
    if (fseek(file, daemon->log_from, SEEK_SET) != 0)
        rewind(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "error: ", 7) != 0)
            continue;
        snprintf(out, size, "%s", line + 7);
        found = true;
    }
    fclose(file);
    return found;
}

/* Its own words, with its own advice where it has one. */
static int fail_start(struct cli *cli, const struct daemon *daemon)
{
    char why[1024] = "it left no word in its log";
    char *next = NULL;
    if (last_error(daemon, why, sizeof(why)))
        next = strstr(why, " Try: ");
    if (next != NULL) {
        *next = '\0';
        next += strlen(" Try: ");
        if (why[0] != '\0' && why[strlen(why) - 1] == '.')
            why[strlen(why) - 1] = '\0';
    }
    return cli_fail(cli, EXIT_FAILED, why, next != NULL ? next : "suan doctor",
                    "the node in %s ended at its start", daemon->data_dir);
}

/* Has our child, or somebody's, ended? */
static bool has_ended(pid_t pid)
{
    int status;
    if (waitpid(pid, &status, WNOHANG) == pid)
        return true;
    return kill(pid, 0) != 0;
}

json_t *daemon_ask(const struct daemon *daemon, const char *method,
                   json_t *params)
{
    char path[PATH_MAX];
    struct client *client = NULL;
    struct rpc_error error;
    json_t *result = NULL;
    if (path_join(path, daemon->data_dir, "run/control.sock") &&
        access(path, F_OK) == 0 && client_open(path, &client, &error) == OK &&
        client_call(client, method, params, ASK_TIMEOUT_MS, &result, &error) !=
            OK)
        result = NULL;
    client_free(client);
    json_decref(params);
    return result;
}

int daemon_await(struct cli *cli, struct daemon *daemon, uint64_t timeout_ms)
{
    uint64_t until = cli->now_ms() + timeout_ms;
    for (;;) {
        json_t *info = daemon_ask(daemon, "node.info", NULL);
        bool mine =
            info != NULL && js_uint(info, "pid") == (uint64_t)daemon->pid;
        json_decref(info);
        if (mine)
            return 0;
        if (has_ended(daemon->pid)) {
            daemon->pid = 0;
            return fail_start(cli, daemon);
        }
        if (cli->now_ms() > until)
            return cli_fail(
                cli, EXIT_UNREACHABLE, "its control socket does not answer",
                "its log in the same directory",
                "the node in %s does not come up", daemon->data_dir);
        nap(POLL_MS);
    }
}

static uint64_t ticks_ms(void)
{
    struct timespec ts;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Waits for all to end; how many are left. */
static size_t wait_all(struct daemon *daemons, size_t count,
                       uint64_t timeout_ms)
{
    uint64_t until = ticks_ms() + timeout_ms;
    for (;;) {
        size_t left = 0;
        for (size_t i = 0; i < count; i++) {
            if (daemons[i].pid != 0 && has_ended(daemons[i].pid))
                daemons[i].pid = 0;
            left += daemons[i].pid != 0;
        }
        if (left == 0 || ticks_ms() > until)
            return left;
        nap(POLL_MS);
    }
}

bool daemon_stop_all(struct daemon *daemons, size_t count, uint64_t timeout_ms)
{
    for (size_t i = 0; i < count; i++) {
        if (daemons[i].pid != 0)
            kill(daemons[i].pid, SIGTERM);
    }
    if (wait_all(daemons, count, timeout_ms) == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        if (daemons[i].pid != 0)
            kill(daemons[i].pid, SIGKILL);
    }
    (void)wait_all(daemons, count, timeout_ms);
    return false;
}

bool daemon_stop(struct daemon *daemon, uint64_t timeout_ms)
{
    return daemon_stop_all(daemon, 1, timeout_ms);
}

struct sweep {
    const char *dir;
    int signal;
    unsigned seen;
};

static bool sweep_process(pid_t pid, void *ctx)
{
    struct sweep *sweep = ctx;
    if (is_executor_below(pid, sweep->dir)) {
        sweep->seen++;
        if (sweep->signal != 0)
            kill(pid, sweep->signal);
    }
    return false;
}

static unsigned sweep_once(const char *dir, int signal)
{
    struct sweep sweep = {.dir = dir, .signal = signal};
    each_process(sweep_process, &sweep);
    return sweep.seen;
}

unsigned daemon_sweep(const char *dir, uint64_t timeout_ms)
{
    uint64_t until = ticks_ms() + timeout_ms;
    unsigned found = sweep_once(dir, SIGTERM);
    while (found > 0 && sweep_once(dir, 0) > 0 && ticks_ms() < until)
        nap(POLL_MS);
    if (found > 0)
        (void)sweep_once(dir, SIGKILL);
    return found;
}
