/* suan doctor: what this machine has, what is wrong, what to do about it. */

#include "base/check.h"
#include "cli/daemon.h"
#include "cli/devnet.h"
#include "cli/locate.h"
#include "cli/probe.h"
#include "cli/unit.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#define DISK_WARN_MIB 2048u
#define DISK_FAIL_MIB 256u
#define LOCK_WARN_KIB 1024u
#define FILES_WARN    1024u

enum verdict { FINE, WARN, FAIL };

static const char *const verdict_texts[] = {"ok", "warn", "FAIL"};

struct doctor {
    json_t *checks;
    unsigned failed;
    unsigned warned;
};

/* why and next are "" for what is fine. */
static void note(struct doctor *d, const char *name, enum verdict verdict,
                 const char *what, const char *why, const char *next)
{
    json_array_append_new(d->checks,
                          json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", name,
                                    "state", verdict_texts[verdict], "what",
                                    what, "why", why, "next", next));
    d->failed += verdict == FAIL;
    d->warned += verdict == WARN;
}

/* ---- programs ---- */

static void check_program(struct doctor *d, const char *name, const char *why)
{
    char path[PATH_MAX];
    if (locate_program_try(name, path))
        note(d, name, FINE, path, "", "");
    else
        note(d, name, FAIL, "missing", why,
             "install the whole package, or build it");
}

static void check_runtimes(struct doctor *d)
{
    static const char *const names[] = {"crun", "runc"};
    bool any = false;
    for (size_t i = 0; i < 2; i++) {
        char path[PATH_MAX];
        char line[128];
        if (!locate_program_try(names[i], path))
            continue;
        any = true;
        if (probe_first_line(path, "--version", line, sizeof(line)))
            note(d, names[i], FINE, line, "", "");
        else
            note(d, names[i], WARN, "does not say its version",
                 "it is there but does not run", "apt install crun");
    }
    if (!any)
        note(d, "crun", WARN, "missing",
             "without crun or runc this machine cannot sell; buying needs "
             "neither",
             "apt install crun");
}

/* The executor looks at the machine itself, and tries a job. */
static void check_executor(struct doctor *d)
{
    char path[PATH_MAX];
    json_t *hello;
    json_t *problem;
    size_t i;
    if (!locate_program_try("suan-exec-sandbox", path)) {
        note(d, "suan-exec-sandbox", FAIL, "missing",
             "it isolates the jobs of buyers",
             "install the whole package, or build it");
        return;
    }
    hello = probe_executor(path);
    if (hello == NULL) {
        note(d, "suan-exec-sandbox", FAIL, path,
             "it does not answer when it is started",
             "suan-exec-sandbox --doctor");
        return;
    }
    note(d, "sandbox", js_bool(hello, "can_run") ? FINE : WARN,
         js_bool(hello, "can_run") ? "a job was run in it"
                                   : "jobs cannot be isolated here",
         js_bool(hello, "can_run") ? "" : "this machine can buy, but not sell",
         js_bool(hello, "can_run") ? "" : "see the lines below");
    json_array_foreach(json_object_get(hello, "problems"), i, problem)
    {
        char name[64];
        snprintf(name, sizeof(name), "sandbox: %.40s",
                 js_text(problem, "code"));
        note(d, name, WARN, js_text(problem, "what"), js_text(problem, "why"),
             js_text(problem, "fix"));
    }
    json_decref(hello);
}

/* ---- machine ---- */

static void check_kernel(struct doctor *d)
{
    struct utsname name;
    char what[200];
    bool v2 = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
    bool v1 = access("/sys/fs/cgroup/memory", F_OK) == 0 ||
              access("/sys/fs/cgroup/unified", F_OK) == 0;
    if (uname(&name) == 0) {
        snprintf(what, sizeof(what), "%.60s %.60s %.30s", name.sysname,
                 name.release, name.machine);
        note(d, "kernel", FINE, what, "", "");
    }
    if (v2 || v1)
        note(d, "cgroups", FINE, v2 ? "version 2" : "version 1 or hybrid", "",
             "");
    else
        note(d, "cgroups", WARN, "not mounted",
             "jobs cannot be limited or metered without them, so this machine "
             "cannot sell",
             "mount -t cgroup2 none /sys/fs/cgroup");
    if (access("/proc/self/ns/user", F_OK) == 0)
        note(d, "user namespaces", FINE, "in the kernel", "", "");
    else
        note(d, "user namespaces", WARN, "not in the kernel",
             "jobs cannot be isolated without them, so this machine cannot "
             "sell",
             "a kernel with CONFIG_USER_NS");
}

static void check_disk(struct doctor *d, const char *home)
{
    struct statvfs fs;
    char path[PATH_MAX];
    char free_text[UNIT_TEXT_MAX];
    char what[PATH_MAX + 64];
    uint64_t mib;
    /* The directory may not be there yet: its nearest parent tells. */
    snprintf(path, sizeof(path), "%s", home);
    while (statvfs(path, &fs) != 0) {
        char *slash = strrchr(path, '/');
        if (slash == NULL || slash == path)
            return;
        *slash = '\0';
    }
    mib = (uint64_t)fs.f_bavail * fs.f_frsize >> 20;
    unit_format_mib(mib, free_text);
    snprintf(what, sizeof(what), "%s free below %s", free_text, path);
    note(d, "disk",
         mib < DISK_FAIL_MIB   ? FAIL
         : mib < DISK_WARN_MIB ? WARN
                               : FINE,
         what, mib < DISK_WARN_MIB ? "images and outputs need room" : "",
         mib < DISK_WARN_MIB ? "making room, or SUAN_HOME on another disk"
                             : "");
}

static void check_clock(struct doctor *d)
{
    int state = probe_clock();
    if (state > 0)
        note(d, "clock", FINE, "synchronised", "", "");
    else if (state == 0)
        note(d, "clock", WARN, "not synchronised",
             "offers and bills of other machines are judged by time",
             "apt install systemd-timesyncd, or chrony");
    else
        note(d, "clock", FINE, "the kernel does not tell", "", "");
}

static void check_limits(struct doctor *d)
{
    struct rlimit limit;
    char what[64];
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
        bool small = limit.rlim_cur != RLIM_INFINITY &&
                     limit.rlim_cur / 1024 < LOCK_WARN_KIB;
        if (limit.rlim_cur == RLIM_INFINITY)
            snprintf(what, sizeof(what), "unlimited");
        else
            snprintf(what, sizeof(what), "%llu KiB",
                     (unsigned long long)limit.rlim_cur / 1024);
        note(d, "locked memory", small ? WARN : FINE, what,
             small ? "keys may reach the swap space" : "",
             small ? "ulimit -l 8192" : "");
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        bool small = limit.rlim_cur < FILES_WARN;
        snprintf(what, sizeof(what), "%llu",
                 (unsigned long long)limit.rlim_cur);
        note(d, "open files", small ? WARN : FINE, what,
             small ? "a node with many peers needs more" : "",
             small ? "ulimit -n 4096" : "");
    }
}

static void check_port(struct doctor *d, bool devnet)
{
    struct devnet net;
    uint32_t base = 0;
    char what[64];
    memset(&net, 0, sizeof(net));
    net.node_count = 1;
    if (devnet)
        return; /* its own nodes hold them */
    if (!devnet_ports(&net, DEVNET_PORT_BASE, &base)) {
        note(d, "ports", WARN, "none free from 27100 on",
             "a devnet needs some on 127.0.0.1", "--base-port N");
        return;
    }
    snprintf(what, sizeof(what), "free from %u on", base);
    note(d, "ports", FINE, what, "", "");
}

/* ---- files and nodes ---- */

/* Every file below a directory of keys belongs to us alone. */
static void check_private(struct doctor *d, const char *name, const char *path)
{
    struct stat st;
    DIR *dir;
    struct dirent *entry;
    char next[PATH_MAX + 32];
    unsigned open_files = 0;
    if (stat(path, &st) != 0)
        return;
    open_files += (st.st_mode & 077) != 0 || st.st_uid != geteuid();
    dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        open_files += (st.st_mode & 077) != 0 || st.st_uid != geteuid();
    }
    if (dir != NULL)
        closedir(dir);
    snprintf(next, sizeof(next), "chmod -R go= %s", path);
    note(d, name, open_files == 0 ? FINE : FAIL, path,
         open_files == 0 ? "" : "other users can read or change it",
         open_files == 0 ? "" : next);
}

static void check_node(struct doctor *d, const char *name,
                       struct daemon *daemon)
{
    char what[128];
    json_t *status;
    json_t *warning;
    size_t i;
    if (!daemon_find(daemon)) {
        note(d, name, WARN, "not running", "", "suan devnet up");
        return;
    }
    status = daemon_ask(daemon, "node.status", NULL);
    if (status == NULL) {
        note(d, name, FAIL, "does not answer",
             "its process runs, its control socket is silent",
             "suan node stop, then start; its log");
        return;
    }
    snprintf(what, sizeof(what), "height %llu, %llu peers",
             (unsigned long long)js_uint(status, "height"),
             (unsigned long long)js_uint(status, "peers"));
    note(d, name, FINE, what, "", "");
    json_array_foreach(json_object_get(status, "warnings"), i, warning)
        note(d, name, WARN, js_text(warning, "what"), js_text(warning, "why"),
             js_text(warning, "next"));
    json_decref(status);
}

static void check_devnet(struct doctor *d, const char *dir, bool *out_there)
{
    static struct devnet net;
    char path[PATH_MAX];
    enum err err = devnet_load(&net, dir);
    *out_there = err == OK;
    if (err == ERR_NOT_FOUND)
        return;
    if (err != OK) {
        note(d, "devnet", FAIL, dir,
             "its devnet.json is damaged, or another version's",
             "suan devnet down --wipe, then up again");
        return;
    }
    for (uint32_t i = 0; i < net.node_count; i++) {
        check_node(d, net.nodes[i].name, &net.nodes[i].daemon);
        if (path_join(path, net.nodes[i].daemon.data_dir, "keys"))
            check_private(d, "keys", path);
    }
}

/* The node that was named on the command line. */
static void check_chosen(struct cli *cli, struct doctor *d)
{
    struct daemon daemon;
    char path[PATH_MAX];
    if (cli->data_dir == NULL || !path_absolute(daemon.data_dir, cli->data_dir))
        return;
    check_node(d, "node", &daemon);
    if (path_join(path, daemon.data_dir, "keys"))
        check_private(d, "keys", path);
}

static int report(struct cli *cli, const struct doctor *d)
{
    json_t *result = json_pack("{s:b, s:i, s:i, s:O}", "ok",
                               (int)(d->failed == 0), "failed", (int)d->failed,
                               "warnings", (int)d->warned, "checks", d->checks);
    json_t *check;
    size_t i;
    int failed = view_print(cli, &view_doctor, result);
    json_decref(result);
    if (failed || cli->form == FORM_JSON || cli->form == FORM_NAME)
        return failed;
    json_array_foreach(d->checks, i, check)
    {
        if (strcmp(js_text(check, "state"), "ok") == 0)
            continue;
        cli_note(cli, "%s: %s%s%s. Try: %s", js_text(check, "name"),
                 js_text(check, "what"),
                 js_text(check, "why")[0] != '\0' ? ": " : "",
                 js_text(check, "why"), js_text(check, "next"));
    }
    return 0;
}

int verb_doctor(struct cli *cli, const struct args *args)
{
    struct doctor d = {.checks = json_array()};
    struct wallet_place wallet;
    char home[PATH_MAX];
    char devnet[PATH_MAX];
    bool there = false;
    int failed = locate_home(cli, home);
    (void)args;
    if (!failed)
        failed = locate_devnet(cli, devnet);
    if (!failed)
        failed = locate_wallet(cli, &wallet);
    if (failed) {
        json_decref(d.checks);
        return failed;
    }
    check_program(&d, "suand", "it is the node");
    check_executor(&d);
    check_runtimes(&d);
    check_kernel(&d);
    check_disk(&d, home);
    check_clock(&d);
    check_limits(&d);
    check_private(&d, "wallet", wallet.dir);
    check_devnet(&d, devnet, &there);
    check_port(&d, there);
    check_chosen(cli, &d);
    failed = report(cli, &d);
    json_decref(d.checks);
    return failed ? failed : d.failed > 0 ? EXIT_FAILED : 0;
}
