/* Attacks suan-exec-sandbox from inside its jobs and from outside, and looks
 * what is left behind. One line per attack; the last lines are
 * "N passed, N failed" and "N escapes".
 *
 *   battery PROGRAM WORK MODE [UID]
 *
 * PROGRAM  suan-exec-sandbox
 * WORK     a directory with busybox.tar and hostile-*.tar, made by run.sh
 * UID      whom the executor runs as; default root
 * MODE     full, short (another runtime or user), none (must refuse), or small
 *          (the state directory is nearly full) */
#define _GNU_SOURCE
#include "client.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Ids that only jobs have: see idrange.h, and run.sh for the user. */
#define ROOT_FIRST 0x70000000ull
#define USER_FIRST 300000ull
#define USER_LAST  (300000ull + 2097152)
#define PATH_CAP   1024

static struct client client;
static const char *program, *work;
static char state[PATH_CAP - 256], log_file[PATH_CAP];
static uid_t user;
static bool privileged = true;
static unsigned passed, failed, escapes;
static int slow = 1; /* how many times longer this machine may take */

/* -- telling ------------------------------------------------------------------
 */

static const char *attack;
static char problem[512];

static void begin(const char *name)
{
    attack = name;
    problem[0] = '\0';
}

static bool expect(bool ok, const char *format, ...)
{
    va_list args;

    if (ok || problem[0] != '\0')
        return ok;
    va_start(args, format);
    vsnprintf(problem, sizeof(problem), format, args);
    va_end(args);
    return false;
}

/* What must not happen, whatever else does. */
static bool contained(bool ok, const char *what)
{
    if (!ok) {
        escapes++;
        problem[0] = '\0';
        expect(false, "ESCAPE: %s", what);
    }
    return ok;
}

static void end(const char *format, ...)
{
    char facts[300];
    va_list args;

    va_start(args, format);
    vsnprintf(facts, sizeof(facts), format, args);
    va_end(args);
    if (problem[0] == '\0')
        passed++;
    else
        failed++;
    printf("%-4s %-28s %s\n", problem[0] == '\0' ? "pass" : "FAIL", attack,
           problem[0] == '\0' ? facts : problem);
    fflush(stdout);
}

/* -- jobs
 * ------------------------------------------------------------------------ */

struct limits {
    int cpu, mem, disk, pids, wall, grace, out;
    const char *policy;
};

static struct limits usual = {1000, 64, 32, 32, 5000, 500, 1 << 20, "truncate"};

static json_t *list_of(const char *const *argv)
{
    json_t *list = json_array();

    for (; *argv != NULL; argv++)
        json_array_append_new(list, json_string(*argv));
    return list;
}

static json_t *params_of(const char *id, struct limits l,
                         const char *const *argv)
{
    return json_pack("{s:s, s:s, s:o, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, "
                     "s:s}",
                     "id", id, "image", "busybox", "argv", list_of(argv),
                     "cpu_milli", l.cpu, "mem_mib", l.mem, "disk_mib", l.disk,
                     "pids_max", l.pids, "wall_ms", l.wall, "grace_ms", l.grace,
                     "stdout_max", l.out, "stderr_max", l.out, "output_policy",
                     l.policy);
}

static bool call_ok(const char *method, json_t *params)
{
    json_t *error, *result = client_call(&client, method, params, &error);
    bool ok = result != NULL;

    expect(ok, "%s: %s: %s", method, string(error, "message"),
           string(json_object_get(error, "data"), "why"));
    json_decref(result);
    json_decref(error);
    return ok;
}

/* The name of the error the call is refused with; "" if it is not. */
static const char *refusal(const char *method, json_t *params)
{
    static char name[64];
    json_t *error, *result = client_call(&client, method, params, &error);
    json_t *data = json_object_get(error, "data");

    snprintf(name, sizeof(name), "%s", string(data, "name"));
    if (error != NULL)
        expect(string(data, "why")[0] != '\0' && string(data, "fix")[0] != '\0',
               "%s does not say why and what to do", name);
    json_decref(result);
    json_decref(error);
    return name;
}

static bool start(const char *id, struct limits l, const char *const *argv)
{
    return call_ok("job.start", params_of(id, l, argv));
}

static json_t *finish(const char *id, int timeout_ms)
{
    json_t *status = client_wait(&client, id, timeout_ms);

    expect(status != NULL, "%s did not finish", id);
    return status;
}

/* Starts and waits; the status, given, maybe NULL. */
static json_t *run(const char *id, struct limits l, const char *const *argv)
{
    return start(id, l, argv) ? finish(id, l.wall + l.grace + 10000 * slow)
                              : NULL;
}

#define WORDS(...)                                                             \
    (const char *const[])                                                      \
    {                                                                          \
        __VA_ARGS__, NULL                                                      \
    }
#define SHELL(text) WORDS("sh", "-c", text)

static bool reason_is(const json_t *status, const char *reason)
{
    const char *got = string(status, "reason");

    return expect(strcmp(got, reason) == 0,
                  "ended with %s (exit code %lld), not %s: %s", got,
                  number(status, "exit_code"), reason,
                  string(json_object_get(status, "error"), "why"));
}

/* -- what is left
 * ------------------------------------------------------------------ */

static size_t count_entries(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    size_t count = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            count++;
    if (dir != NULL)
        closedir(dir);
    return count;
}

/* The group directory of this executor's jobs for a controller. */
static bool group_dir(const char *kind, char *out, size_t cap)
{
    char path[PATH_CAP];
    json_t *value, *homes;
    const char *dir;

    snprintf(path, sizeof(path), "%s/homes.json", state);
    value = json_load_file(path, 0, NULL);
    homes = json_object_get(value, "homes");
    dir = string(json_object_get(
                     json_array_get(homes, json_array_size(homes) - 1), "dirs"),
                 kind);
    snprintf(out, cap, "%s", dir);
    json_decref(value);
    return out[0] != '\0';
}

static size_t count_groups(void)
{
    static const char *const kinds[] = {"memory", "cpu",     "cpuacct",
                                        "pids",   "freezer", "devices"};
    size_t count = 0;

    for (size_t i = 0; i < 6; i++) {
        char dir[PATH_CAP];
        if (group_dir(kinds[i], dir, sizeof(dir)))
            count += count_entries(dir);
    }
    return count;
}

/* Whether it is in a group of another executor on this machine. */
static bool is_anothers(const char *pid)
{
    char path[PATH_CAP], text[8192] = "", ours[PATH_CAP];
    const char *name;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%s/cgroup", pid);
    file = fopen(path, "r");
    if (file == NULL)
        return true; /* gone */
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    if (!group_dir("pids", ours, sizeof(ours)))
        return false;
    name = strrchr(ours, '/'); /* "/suan-1234abcd" */
    return strstr(text, "/suan-") != NULL && strstr(text, name) == NULL;
}

/* Dead already, but not yet fetched by its parent: it does nothing any more. */
static bool is_zombie(const char *pid)
{
    char path[PATH_CAP], text[512] = "";
    const char *state_letter;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    file = fopen(path, "r");
    if (file == NULL)
        return true;
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    state_letter = strrchr(text, ')');
    return state_letter != NULL && state_letter[2] == 'Z';
}

static char stranger[32]; /* the last process counted */

/* Processes with the ids of jobs, of this executor as far as one can tell. */
static size_t count_processes(void)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    size_t count = 0;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char path[PATH_CAP];
        struct stat st;
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        snprintf(path, sizeof(path), "/proc/%s", entry->d_name);
        if (stat(path, &st) == 0 &&
            (st.st_uid >= ROOT_FIRST ||
             (!privileged && st.st_uid >= USER_FIRST &&
              st.st_uid < USER_LAST)) &&
            !is_zombie(entry->d_name) && !is_anothers(entry->d_name)) {
            snprintf(stranger, sizeof(stranger), "%.30s", entry->d_name);
            count++;
        }
    }
    if (dir != NULL)
        closedir(dir);
    return count;
}

static size_t count_loops(void)
{
    size_t count = 0;

    for (int i = 0; i < 256; i++) {
        char path[PATH_CAP], text[PATH_CAP] = "";
        FILE *file;
        snprintf(path, sizeof(path), "/sys/block/loop%d/loop/backing_file", i);
        file = fopen(path, "r");
        if (file == NULL)
            continue;
        if (fgets(text, sizeof(text), file) != NULL &&
            strstr(text, state) != NULL)
            count++;
        fclose(file);
    }
    return count;
}

static bool names_state(const char *line)
{
    size_t len = strlen(state);
    const char *at = line;

    while ((at = strstr(at, state)) != NULL) {
        if (at[len] == '/' || at[len] == ' ' || at[len] == '\n')
            return true;
        at += len;
    }
    return false;
}

/* Of ours alone: below our directory, or of something in it. Others may test
 * on this machine, too. */
static size_t count_mounts(void)
{
    FILE *file = fopen("/proc/self/mountinfo", "r");
    char line[4096];
    size_t count = 0;

    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        count += names_state(line);
    if (file != NULL)
        fclose(file);
    return count;
}

struct left {
    size_t groups, processes, loops, mounts;
};

static size_t mounts_before;

static struct left what_is_left(void)
{
    struct left left = {0};

    for (int i = 0; i < 300 * slow; i++) {
        left.groups = count_groups();
        left.processes = count_processes();
        left.loops = count_loops();
        left.mounts = count_mounts();
        left.mounts -=
            left.mounts < mounts_before ? left.mounts : mounts_before;
        if (left.groups + left.processes + left.loops + left.mounts == 0)
            break;
        usleep(10000);
    }
    return left;
}

/* What it is, from /proc: its name, its parent, its groups. */
static void show_stranger(void)
{
    static const char *const pages[] = {"stat", "cgroup"};

    for (size_t i = 0; i < 2; i++) {
        char path[64], line[512];
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%.16s/%s", stranger, pages[i]);
        file = fopen(path, "re");
        if (file == NULL) {
            printf("process %s is gone by now\n", stranger);
            return;
        }
        while (fgets(line, sizeof(line), file) != NULL)
            printf("  %s", line);
        fclose(file);
    }
}

static void nothing_left(void)
{
    struct left left = what_is_left();

    expect(left.groups == 0, "%zu control groups are left", left.groups);
    if (left.processes > 0)
        show_stranger();
    contained(left.processes == 0, "processes outlived their job");
    expect(left.loops == 0, "%zu loop devices are left", left.loops);
    expect(left.mounts == 0, "%zu mounts are left", left.mounts);
}

static void remove_job(const char *id)
{
    call_ok("job.remove", json_pack("{s:s}", "id", id));
}

/* -- attacks from inside
 * --------------------------------------------------------------- */

static void attack_probe(void)
{
    json_t *status;
    char *text;
    const char *last;
    size_t attempts = 0, allowed = 1;

    begin("probe");
    status = run("probe", usual, WORDS("/bin/probe"));
    text = client_log(&client, "probe", "stdout");
    last = strstr(text, "probe: ");
    expect(last != NULL && sscanf(last, "probe: %zu attempts, %zu", &attempts,
                                  &allowed) == 2,
           "the probe did not end: %.200s", text);
    expect(attempts >= 46, "only %zu attempts", attempts);
    if (last != NULL && allowed > 0)
        contained(false, strstr(text, "ALLOWED") != NULL
                             ? strndup(strstr(text, "ALLOWED") - 23, 31)
                             : "an attempt was allowed");
    reason_is(status, "exit");
    expect(number(status, "exit_code") == 0, "exit code %lld",
           number(status, "exit_code"));
    end("%zu attempts, %zu allowed", attempts, allowed);
    json_decref(status);
    free(text);
    remove_job("probe");
}

static void attack_forks(void)
{
    struct limits l = usual;
    json_t *status;

    l.wall = 1500;
    l.cpu = 500;
    begin("fork bomb");
    status = run("forks", l, WORDS("/bin/bomb", "forks"));
    reason_is(status, "time");
    expect(number(status, "pids_refused") > 0, "no fork was refused");
    expect(number(status, "wall_ms") < 3500 * slow, "ended only after %lld ms",
           number(status, "wall_ms"));
    nothing_left();
    end("%lld forks refused, over after %lld ms",
        number(status, "pids_refused"), number(status, "wall_ms"));
    json_decref(status);
    remove_job("forks");
}

static void attack_memory(void)
{
    json_t *status;

    begin("memory bomb");
    status = run("memory", usual, WORDS("/bin/bomb", "memory"));
    reason_is(status, "oom");
    expect(number(status, "oom_kills") > 0, "nothing was killed");
    contained(number(status, "mem_peak_bytes") <= 64 << 20,
              "more memory than the limit");
    end("killed at %lld bytes, exit code %lld",
        number(status, "mem_peak_bytes"), number(status, "exit_code"));
    json_decref(status);
    remove_job("memory");

    begin("memory hidden in files");
    status = run("hidden", usual,
                 SHELL("dd if=/dev/zero of=/tmp/x bs=1M count=200; "
                       "dd if=/dev/zero of=/dev/shm/x bs=1M count=200; "
                       "exec bomb hidden"));
    contained(number(status, "mem_peak_bytes") <= 64 << 20,
              "more memory than the limit");
    reason_is(status, "oom");
    end("killed at %lld bytes", number(status, "mem_peak_bytes"));
    json_decref(status);
    remove_job("hidden");
}

static void attack_disk(void)
{
    struct limits l = usual;
    json_t *status;

    l.wall = 20000 * slow;
    l.mem = 128;
    begin("disk filling");
    status =
        run("disk", l,
            SHELL("for i in 1 2 3 4 5 6 7 8; do (dd if=/dev/zero "
                  "of=/job/f$i bs=1M count=20 2>/dev/null) & done; wait; dd "
                  "if=/dev/zero of=/job/rest bs=1k; echo x > "
                  "/job/out/last || exit 5"));
    contained(number(status, "disk_used_bytes") <= 32 << 20,
              "more disk than the limit");
    if (privileged)
        reason_is(status, "disk");
    end("%lld bytes, full: %s", number(status, "disk_used_bytes"),
        json_is_true(json_object_get(status, "disk_full")) ? "yes" : "no");
    json_decref(status);
    remove_job("disk");

    begin("inode filling");
    status = run("inodes", l,
                 SHELL("cd /job; i=0; while mkdir d$i 2>/dev/null; do "
                       "i=$((i+1)); done; echo $i; cd /tmp; while mkdir d$i "
                       "2>/dev/null; do i=$((i+1)); done; exit 0"));
    reason_is(status, "exit");
    end("ended after %lld ms", number(status, "wall_ms"));
    json_decref(status);
    remove_job("inodes");

    begin("one huge sparse file");
    status = run("huge", l,
                 SHELL("truncate -s 1T /job/out/huge; ls -l /job/out; exit 3"));
    expect(status != NULL, "it did not end");
    end("%s, exit code %lld", string(status, "reason"),
        number(status, "exit_code"));
    json_decref(status);
    remove_job("huge");
}

/* A listener that jobs must not reach: its port, and an abstract name. */
static int listen_here(int *out_unix)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(fd, (struct sockaddr *)&in, sizeof(in));
    listen(fd, 4);
    getsockname(fd, (struct sockaddr *)&in, &len);
    *out_unix = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                      (size_t)snprintf(un.sun_path + 1, 64, "suan-battery-%d",
                                       ntohs(in.sin_port)));
    bind(*out_unix, (struct sockaddr *)&un, len);
    listen(*out_unix, 4);
    close(0);
    dup2(fd, 0); /* kept open for as long as we live */
    return ntohs(in.sin_port);
}

static void attack_network(void)
{
    int unix_fd, port = listen_here(&unix_fd);
    char text[16];
    json_t *status;
    char *out;

    begin("network");
    snprintf(text, sizeof(text), "%d", port);
    status = run("network", usual, WORDS("/bin/bomb", "network", text));
    out = client_log(&client, "network", "stdout");
    contained(strstr(out, "REACHED") == NULL, "the network was reached");
    contained(accept(0, NULL, NULL) < 0, "the host's loopback was reached");
    contained(accept(unix_fd, NULL, NULL) < 0,
              "an abstract socket of the host was reached");
    expect(number(status, "exit_code") == 0, "exit code %lld: %s",
           number(status, "exit_code"), out);
    end("%.*s", (int)strcspn(out, "\n"), out);
    close(unix_fd);
    free(out);
    json_decref(status);
    remove_job("network");
}

static bool refused_as(const json_t *result, const char *path)
{
    json_t *list = json_object_get(result, "refused"), *entry;
    size_t i;

    json_array_foreach(list, i, entry)
    {
        if (strcmp(string(entry, "path"), path) == 0)
            return true;
    }
    return expect(false, "%s was not refused", path);
}

static void attack_outputs(void)
{
    static const char *const traps[] = {
        "link.txt", "near-link.txt", "all",        "up",        "fifo.txt",
        "twin.txt", "twin2.txt",     "sparse.txt", "socket.txt"};
    char dest[PATH_CAP], check[PATH_CAP + 64];
    json_t *status, *result, *error;

    begin("outputs that are traps");
    status = run("outputs", usual, WORDS("/bin/bomb", "outputs"));
    expect(number(status, "exit_code") == 0, "the traps were not set");
    snprintf(dest, sizeof(dest), "%s/taken", work);
    result =
        client_call(&client, "job.collect",
                    json_pack("{s:s, s:[s,s,s,s], s:s, s:i, s:i}", "id",
                              "outputs", "patterns", "**", "../../etc/*",
                              "/etc/passwd", "all/etc/shadow", "dest", dest,
                              "max_bytes", 1 << 20, "max_files", 100),
                    &error);
    expect(result != NULL, "%s", string(error, "message"));
    for (size_t i = 0; i < sizeof(traps) / sizeof(traps[0]); i++) {
        refused_as(result, traps[i]);
        snprintf(check, sizeof(check), "%s/%s", dest, traps[i]);
        contained(access(check, F_OK) != 0, "a trap was fetched");
    }
    snprintf(check, sizeof(check), "%s/good.txt", dest);
    expect(access(check, F_OK) == 0, "good.txt was not fetched");
    snprintf(check, sizeof(check), "%s/dir/deep.txt", dest);
    expect(access(check, F_OK) == 0, "dir/deep.txt was not fetched");
    expect(number(result, "count") == 2, "%lld files were fetched, not 2",
           number(result, "count"));
    end("2 fetched, %zu refused",
        json_array_size(json_object_get(result, "refused")));
    json_decref(result);
    json_decref(error);
    json_decref(status);
    remove_job("outputs");

    begin("/job/out is a link to /");
    status = run("outlink", usual,
                 SHELL("rmdir /job/out && ln -s / /job/out && ln -s /etc "
                       "/job/etc"));
    snprintf(dest, sizeof(dest), "%s/taken-link", work);
    result =
        client_call(&client, "job.collect",
                    json_pack("{s:s, s:[s,s], s:s, s:i, s:i}", "id", "outlink",
                              "patterns", "**", "etc/passwd", "dest", dest,
                              "max_bytes", 1 << 20, "max_files", 100),
                    &error);
    contained(result == NULL || number(result, "count") == 0,
              "files of the host were fetched");
    end("nothing fetched");
    json_decref(result);
    json_decref(error);
    json_decref(status);
    remove_job("outlink");
}

static void attack_setuid(void)
{
    json_t *status;
    char *text;

    begin("setuid program in the image");
    status = run("setuid", usual,
                 SHELL("bomb-setuid setuid || exit 1; cp /bin/bomb /job/b; "
                       "chmod 6777 /job/b; /job/b setuid"));
    text = client_log(&client, "setuid", "stdout");
    contained(number(status, "exit_code") == 0, "a setuid bit worked");
    end("%.*s", (int)strcspn(text, "\n"), text);
    free(text);
    json_decref(status);
    remove_job("setuid");
}

static void attack_output(void)
{
    struct limits l = usual;
    json_t *status;
    char path[PATH_CAP];
    struct stat st = {0};

    l.wall = 1000;
    l.out = 100000;
    begin("endless output, cut");
    status = run("yes", l, SHELL("yes"));
    reason_is(status, "time");
    snprintf(path, sizeof(path), "%s/jobs/yes/stdout", state);
    expect(stat(path, &st) == 0 && st.st_size == 100000, "%lld bytes are kept",
           (long long)st.st_size);
    expect(number(status, "stdout_bytes") > 10000000 / slow,
           "the job was held up after %lld bytes",
           number(status, "stdout_bytes"));
    end("100000 bytes kept of %lld", number(status, "stdout_bytes"));
    json_decref(status);
    remove_job("yes");

    l.policy = "kill";
    l.wall = 10000;
    begin("endless output, killed");
    status = run("yeskill", l, SHELL("yes >&2"));
    reason_is(status, "output");
    expect(number(status, "wall_ms") < 2000 * slow, "only after %lld ms",
           number(status, "wall_ms"));
    end("killed after %lld ms", number(status, "wall_ms"));
    json_decref(status);
    remove_job("yeskill");
}

static void attack_time(void)
{
    struct limits l = usual;
    json_t *status;

    l.wall = 500;
    begin("over time");
    status = run("sleep", l, WORDS("sleep", "100"));
    reason_is(status, "time");
    expect(number(status, "exit_code") == 143, "exit code %lld",
           number(status, "exit_code"));
    expect(number(status, "wall_ms") < 900 * slow, "only after %lld ms",
           number(status, "wall_ms"));
    end("ended by SIGTERM after %lld ms", number(status, "wall_ms"));
    json_decref(status);
    remove_job("sleep");

    begin("deaf to signals");
    status = run("deaf", l, WORDS("/bin/bomb", "deaf"));
    reason_is(status, "time");
    expect(number(status, "signal") == 9, "signal %lld",
           number(status, "signal"));
    expect(number(status, "wall_ms") < 1600 * slow, "only after %lld ms",
           number(status, "wall_ms"));
    nothing_left();
    end("killed after %lld ms", number(status, "wall_ms"));
    json_decref(status);
    remove_job("deaf");

    begin("daemon");
    status = run("daemon", usual, WORDS("/bin/bomb", "daemon"));
    reason_is(status, "exit");
    nothing_left();
    end("ended with its job");
    json_decref(status);
    remove_job("daemon");
}

static void attack_cpu(void)
{
    struct limits l = usual;
    json_t *status;

    l.cpu = 300;
    l.wall = 2000;
    begin("spinning on all processors");
    status = run("spin", l, WORDS("/bin/bomb", "spin", "8"));
    contained(number(status, "cpu_ms") <= 1000, "more cpu than the limit");
    expect(number(status, "cpu_ms") >= 300, "only %lld ms of cpu",
           number(status, "cpu_ms"));
    expect(number(status, "throttled_ms") > 0, "was not throttled");
    end("%lld ms of cpu in %lld ms, limit 0.3", number(status, "cpu_ms"),
        number(status, "wall_ms"));
    json_decref(status);
    remove_job("spin");
}

/* One job holds a secret, another looks for it wherever it could be. */
static void attack_neighbour(void)
{
    static const char mark[] = "c0ffee-the-secret-of-a-neighbour";
    char find[4096];
    json_t *status;
    char *text;

    begin("reading another job");
    start("victim", usual, WORDS("/bin/bomb", "secret", mark));
    for (int i = 0; i < 200 && (text = client_log(&client, "victim", "stdout"),
                               text[0] == '\0');
         i++, free(text))
        usleep(5000);
    snprintf(find, sizeof(find),
             "for d in / /job /tmp /dev/shm /proc/1/root /proc/[0-9]*/root "
             "/proc/[0-9]*/cwd %s %s/jobs %s/jobs/victim /mnt /mnt/job; do "
             "ls -la $d; cat $d/secret $d/../victim/* $d/volume.img; done "
             "2>/dev/null; cat /proc/[0-9]*/mem /proc/[0-9]*/cmdline "
             "/proc/[0-9]*/environ 2>/dev/null | strings; ipcs; cat "
             "/dev/loop* 2>/dev/null; exit 0",
             state, state, state);
    status = run("thief", usual, SHELL(find));
    free(text);
    text = client_log(&client, "thief", "stdout");
    /* Its own command line names the secret's file, never its text. */
    contained(strstr(text, mark) == NULL, "the secret was read");
    reason_is(status, "exit");
    end("searched %zu bytes, found nothing", strlen(text));
    free(text);
    json_decref(status);
    remove_job("thief");

    begin("signals to everybody");
    status = run("slaughter", usual, WORDS("/bin/bomb", "slaughter"));
    json_decref(status);
    remove_job("slaughter");
    status = client_call(&client, "job.status",
                         json_pack("{s:s}", "id", "victim"), &status);
    contained(strcmp(string(status, "phase"), "running") == 0,
              "another job was killed");
    end("the other job still runs");
    json_decref(status);

    begin("job.kill");
    call_ok("job.kill",
            json_pack("{s:s, s:s}", "id", "victim", "reason", "cancelled"));
    status = finish("victim", 5000 * slow);
    reason_is(status, "killed");
    expect(strcmp(string(status, "kill_reason"), "cancelled") == 0,
           "the reason is %s", string(status, "kill_reason"));
    nothing_left();
    end("ended, reason kept");
    json_decref(status);
    remove_job("victim");
}

static bool write_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return ok && chmod(path, mode) == 0 &&
           (user == 0 || chown(path, user, user) == 0);
}

static void attack_inputs(void)
{
    char file[PATH_CAP], dir[PATH_CAP], in_dir[PATH_CAP + 8], link[PATH_CAP];
    json_t *params, *status, *error;
    char *text;

    begin("writing to inputs");
    snprintf(file, sizeof(file), "%s/input", work);
    snprintf(dir, sizeof(dir), "%s/inputs", work);
    snprintf(in_dir, sizeof(in_dir), "%s/one", dir);
    snprintf(link, sizeof(link), "%s/input-link", work);
    mkdir(dir, 0755);
    expect(write_file(file, "private\n", privileged ? 0600 : 0644) &&
               write_file(in_dir, "public\n", 0644),
           "%s", strerror(errno));
    params = params_of(
        "inputs", usual,
        SHELL("cd /job/in; cat a/b/private d/one || exit 1; echo x > new; echo "
              "x > a/b/private; echo x >> d/one; rm -f d/one a/b/private; "
              "chmod 777 d/one; mv d e; touch d/new; ln d/one /job/out/one; "
              "cat a/b/private d/one"));
    json_object_set_new(params, "inputs",
                        json_pack("[{s:s, s:s}, {s:s, s:s}]", "path", file,
                                  "dest", "a/b/private", "path", dir, "dest",
                                  "d"));
    call_ok("job.start", params);
    status = finish("inputs", 10000 * slow);
    text = client_log(&client, "inputs", "stdout");
    expect(strcmp(text, "private\npublic\nprivate\npublic\n") == 0,
           "the inputs read: %.100s (exit code %lld)", text,
           number(status, "exit_code"));
    free(text);
    json_decref(status);
    remove_job("inputs");
    unlink(link);
    expect(symlink("/etc/shadow", link) == 0, "%s", strerror(errno));
    params = params_of("inlink", usual, SHELL("cat /job/in/x"));
    json_object_set_new(params, "inputs",
                        json_pack("[{s:s, s:s}]", "path", link, "dest", "x"));
    status = client_call(&client, "job.start", params, &error);
    contained(status == NULL, "a link was taken as input");
    json_decref(status);
    json_decref(error);
    remove_job("inlink");
    nothing_left();
    end("read, a private one too; nothing changed; a link refused");
}

/* -- attacks from outside
 * --------------------------------------------------------------- */

static bool restart(void)
{
    return expect(client_start(&client, program, state, log_file, user),
                  "the executor does not start again");
}

static pid_t monitor_of(const char *id)
{
    char path[PATH_CAP];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd;

    snprintf(path, sizeof(path), "%s/jobs/%s/lock", state, id);
    fd = open(path, O_RDONLY);
    if (fd < 0 || fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
        lock.l_pid = 0;
    close(fd);
    return lock.l_pid;
}

static void attack_executor(void)
{
    struct limits l = usual;
    json_t *list, *error, *status;
    char text_of_job[200], *text;

    l.wall = 10000 * slow;
    begin("kill -9 of the executor");
    snprintf(text_of_job, sizeof(text_of_job),
             "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep %d.%d; done; echo "
             "done > out/done; exit 7",
             slow / 10, slow % 10);
    start("survivor", l, SHELL(text_of_job));
    client_murder(&client);
    usleep(200000);
    if (!restart()) {
        end("");
        return;
    }
    list = client_call(&client, "job.list", json_object(), &error);
    status = json_array_get(json_object_get(list, "jobs"), 0);
    expect(json_array_size(json_object_get(list, "jobs")) == 1 &&
               strcmp(string(status, "id"), "survivor") == 0 &&
               strcmp(string(status, "phase"), "running") == 0,
           "the job is not listed as running");
    json_decref(list);
    json_decref(error);
    status = finish("survivor", 10000 * slow);
    text = client_log(&client, "survivor", "stdout");
    reason_is(status, "exit");
    expect(number(status, "exit_code") == 7, "exit code %lld",
           number(status, "exit_code"));
    expect(strcmp(text, "1\n2\n3\n4\n5\n6\n7\n8\n") == 0, "output lost: %s",
           text);
    nothing_left();
    end("the job went on; exit code and output are whole");
    free(text);
    json_decref(status);
    remove_job("survivor");
}

static void attack_monitor(void)
{
    json_t *status;
    pid_t pid;

    begin("kill -9 of a monitor");
    start("orphan", usual, WORDS("/bin/bomb", "deaf"));
    pid = monitor_of("orphan");
    expect(pid > 0 && kill(pid, SIGKILL) == 0, "no monitor to kill");
    status = finish("orphan", 10000 * slow);
    reason_is(status, "lost");
    nothing_left();
    end("the job was ended and booked as lost");
    json_decref(status);
    remove_job("orphan");

    begin("kill -9 of both");
    start("forlorn", usual, WORDS("/bin/bomb", "deaf"));
    pid = monitor_of("forlorn");
    client_murder(&client);
    expect(pid > 0 && kill(pid, SIGKILL) == 0, "no monitor to kill");
    restart();
    status = finish("forlorn", 10000 * slow);
    reason_is(status, "lost");
    nothing_left();
    end("found at the next start, ended and booked");
    json_decref(status);
    remove_job("forlorn");
}

static void attack_group(void)
{
    char dir[PATH_CAP], path[PATH_CAP + 64], text[32];
    pid_t pid;
    int fd, status = 0;

    begin("group without a record");
    group_dir("pids", dir, sizeof(dir));
    client_stop(&client);
    (void)mkdir(dir, 0755);
    snprintf(path, sizeof(path), "%s/stray", dir);
    expect(mkdir(path, 0755) == 0, "%s: %s", path, strerror(errno));
    pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    snprintf(path, sizeof(path), "%s/stray/cgroup.procs", dir);
    snprintf(text, sizeof(text), "%d", (int)pid);
    fd = open(path, O_WRONLY);
    expect(write(fd, text, strlen(text)) > 0, "%s", strerror(errno));
    close(fd);
    restart();
    call_ok("hello", json_object());
    expect(waitpid(pid, &status, WNOHANG) == pid && WIFSIGNALED(status),
           "its process still lives");
    nothing_left();
    end("its process was killed, the group removed");
    if (kill(pid, SIGKILL) == 0)
        waitpid(pid, &status, 0);
}

static void attack_images(void)
{
    static const struct {
        const char *file, *error;
    } images[] = {{"device", "ERR_IMAGE"},     {"climb", "ERR_IMAGE"},
                  {"climb-link", "ERR_IMAGE"}, {"damaged", "ERR_IMAGE"},
                  {"cut", "ERR_IMAGE"},        {"text", "ERR_IMAGE"},
                  {"fifo", "ERR_IMAGE"},       {"nomanifest", "ERR_IMAGE"},
                  {"missing", "ERR_NOT_FOUND"}};
    char path[PATH_CAP], digest[80], list_path[PATH_CAP];
    const char *name;

    begin("hostile images");
    for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
        snprintf(path, sizeof(path), "%s/hostile-%s.tar", work, images[i].file);
        name = refusal("image.add",
                       json_pack("{s:s, s:s}", "id", "bad", "path", path));
        expect(strcmp(name, images[i].error) == 0, "%s: refused with '%s'",
               images[i].file, name);
    }
    memset(digest, '0', sizeof(digest));
    memcpy(digest, "sha256:", 7);
    digest[71] = '\0';
    snprintf(path, sizeof(path), "%s/busybox.tar", work);
    name = refusal("image.add", json_pack("{s:s, s:s, s:s}", "id", "bad",
                                          "path", path, "digest", digest));
    expect(strcmp(name, "ERR_CHECKSUM") == 0, "another digest: '%s'", name);
    name = refusal("image.add",
                   json_pack("{s:s, s:s}", "id", "../../x", "path", path));
    expect(strcmp(name, "ERR_RANGE") == 0, "a name with '..': '%s'", name);
    snprintf(list_path, sizeof(list_path), "%s/images", state);
    expect(count_entries(list_path) == 1, "%zu images are kept",
           count_entries(list_path));
    call_ok("image.add",
            json_pack("{s:s, s:s}", "id", "busybox", "path", path));
    snprintf(path, sizeof(path), "%s/hostile-device.tar", work);
    name = refusal("image.add",
                   json_pack("{s:s, s:s}", "id", "busybox", "path", path));
    expect(strcmp(name, "ERR_IMAGE") == 0, "another file: '%s'", name);
    end("%zu refused", sizeof(images) / sizeof(images[0]) + 3);
}

static const char *raw(const char *line, size_t len)
{
    static char code[32];
    json_t *answer = client_raw(&client, line, len);

    snprintf(code, sizeof(code), "%lld",
             number(json_object_get(answer, "error"), "code"));
    json_decref(answer);
    return code;
}

static void attack_protocol(void)
{
    static const char *const limits[] = {"cpu_milli", "mem_mib", "disk_mib",
                                         "pids_max", "wall_ms"};
    static const char no_id[] =
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"hello\"}";
    size_t len = 3u << 20;
    char *big = malloc(len);
    const char *name;

    begin("abuse of the protocol");
    expect(strcmp(raw("garbage", 7), "-32700") == 0, "garbage is not refused");
    expect(strcmp(raw("[]", 2), "-32600") == 0, "a batch is not refused");
    expect(strcmp(raw(no_id, sizeof(no_id) - 1), "-32600") == 0,
           "a null id is not refused");
    memset(big, '[', len);
    expect(strcmp(raw(big, len), "-32600") == 0, "a long line is not refused");
    expect(strcmp(raw(big, 1000000), "-32700") == 0,
           "deep nesting is not refused");
    free(big);
    for (size_t i = 0; i < 5; i++) {
        json_t *params = params_of("nolimit", usual, SHELL("true"));
        json_object_del(params, limits[i]);
        name = refusal("job.start", params);
        expect(strcmp(name, "ERR_TYPE") == 0, "no %s: '%s'", limits[i], name);
    }
    name = refusal("job.start", params_of("../up", usual, SHELL("true")));
    expect(strcmp(name, "ERR_RANGE") == 0, "id ../up: '%s'", name);
    name = refusal("job.status", json_pack("{s:s}", "id", "nobody"));
    expect(strcmp(name, "ERR_NOT_FOUND") == 0, "unknown job: '%s'", name);
    call_ok("hello", json_pack("{s:i}", "protocol", 1));
    name = refusal("hello", json_pack("{s:i}", "protocol", 99));
    expect(strcmp(name, "ERR_VERSION") == 0, "protocol 99: '%s'", name);
    end("every one refused with a reason");
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

#define RUNS 50

static void attack_often(void)
{
    uint64_t took[RUNS];

    begin("50 jobs in a row");
    for (int i = 0; i < RUNS && problem[0] == '\0'; i++) {
        char id[32];
        uint64_t from = now_ms();
        json_t *status;
        snprintf(id, sizeof(id), "row-%d", i);
        status = run(id, usual, SHELL("echo hi"));
        took[i] = now_ms() - from;
        reason_is(status, "exit");
        json_decref(status);
        remove_job(id);
    }
    nothing_left();
    qsort(took, RUNS, sizeof(took[0]), by_size);
    end("nothing left; median %llu ms from start to finished",
        (unsigned long long)took[RUNS / 2]);
}

static void attack_many(void)
{
    struct limits l = usual;

    l.mem = 32;
    l.disk = 8;
    begin("20 jobs at once");
    for (int i = 0; i < 20; i++) {
        char id[32];
        json_t *params;
        snprintf(id, sizeof(id), "many-%d", i);
        params = params_of(id, l, SHELL("sleep 0.3; id -u; echo x > out/x"));
        call_ok("job.start", params);
    }
    for (int i = 0; i < 20; i++) {
        char id[32];
        json_t *status;
        snprintf(id, sizeof(id), "many-%d", i);
        status = finish(id, 20000 * slow);
        reason_is(status, "exit");
        json_decref(status);
        remove_job(id);
    }
    nothing_left();
    end("all ended, nothing left");
}

/* -- machines on which something is missing
 * ------------------------------------------- */

static void must_refuse(void)
{
    json_t *hello, *error, *problem_list, *entry;
    const char *name;
    bool required = false;
    size_t i;

    begin("refuses without limits");
    hello = client_call(&client, "hello", json_object(), &error);
    expect(json_is_false(json_object_get(hello, "can_run")),
           "claims that it can run jobs");
    problem_list = json_object_get(hello, "problems");
    json_array_foreach(problem_list, i, entry)
    {
        required = required || json_is_true(json_object_get(entry, "required"));
    }
    expect(required, "names no required thing that is missing");
    name = refusal("job.start", params_of("never", usual, SHELL("true")));
    contained(strcmp(name, "ERR_SANDBOX") == 0, "a job was started unlimited");
    entry = json_array_get(problem_list, 0);
    end("%s: %s", string(entry, "code"), string(entry, "why"));
    json_decref(hello);
    json_decref(error);
}

static void small_disk(void)
{
    struct limits l = usual;
    const char *name;
    json_t *status;

    l.disk = 1024;
    begin("host disk too small");
    name = refusal("job.start", params_of("toobig", l, SHELL("true")));
    expect(strcmp(name, "ERR_FULL") == 0, "refused with '%s'", name);
    remove_job("toobig");
    nothing_left();
    status = run("fits", usual, SHELL("echo hi"));
    reason_is(status, "exit");
    json_decref(status);
    remove_job("fits");
    end("refused before it started; a smaller one ran");
}

/* -- main
 * ------------------------------------------------------------------------------
 */

static bool add_image(void)
{
    char path[PATH_CAP];

    begin("image");
    snprintf(path, sizeof(path), "%s/busybox.tar", work);
    if (call_ok("image.add",
                json_pack("{s:s, s:s}", "id", "busybox", "path", path)))
        return true;
    end("");
    return false;
}

static void run_short(void)
{
    attack_probe();
    attack_forks();
    attack_memory();
    attack_disk();
    attack_network();
    attack_outputs();
    attack_time();
    attack_neighbour();
    attack_inputs();
}

static void run_full(void)
{
    run_short();
    attack_setuid();
    attack_output();
    attack_cpu();
    attack_executor();
    attack_monitor();
    attack_group();
    attack_images();
    attack_protocol();
    attack_many();
    attack_often();
}

int main(int argc, char **argv)
{
    const char *mode = argc >= 4 ? argv[3] : "";

    if (argc < 4) {
        fprintf(stderr, "usage: battery PROGRAM WORK MODE [UID]\n");
        return 2;
    }
    program = argv[1];
    work = argv[2];
    user = argc > 4 ? (uid_t)strtol(argv[4], NULL, 10) : 0;
    privileged = user == 0;
    snprintf(state, sizeof(state), "%s/state", work);
    snprintf(log_file, sizeof(log_file), "%s/executor.log", work);
    if (getenv("SUAN_BATTERY_SLOW") != NULL)
        slow = (int)strtol(getenv("SUAN_BATTERY_SLOW"), NULL, 10);
    usual.wall *= slow;
    signal(SIGPIPE, SIG_IGN);
    mounts_before = count_mounts();
    if (!client_start(&client, program, state, log_file, user))
        return 2;
    if (strcmp(mode, "none") == 0)
        must_refuse();
    else if (!add_image())
        failed++;
    else if (strcmp(mode, "small") == 0)
        small_disk();
    else if (strcmp(mode, "short") == 0)
        run_short();
    else
        run_full();
    begin("orderly end");
    if (strcmp(mode, "full") == 0)
        expect(client.heartbeats > 0 && client.changes > 0,
               "%u heartbeats, %u job.changed were sent", client.heartbeats,
               client.changes);
    expect(client_stop(&client) == 0, "the executor failed");
    end("the executor ended by itself");
    printf("%u passed, %u failed\n%u escapes\n", passed, failed, escapes);
    return failed + escapes > 0;
}
