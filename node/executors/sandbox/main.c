/* suan-exec-sandbox: runs jobs in hardened containers on this machine. */
#define _GNU_SOURCE
#include "node/executors/sandbox/monitor.h"
#include "node/executors/sandbox/seccomp.h"
#include "node/executors/sandbox/server.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_ROOT "/var/lib/suan/sandbox"

static const char help[] =
    "Usage: suan-exec-sandbox [--state-dir DIR] [--max-jobs N]\n"
    "                         [--image-max-mib N] [--reserve-mib N]\n"
    "       suan-exec-sandbox --doctor [--state-dir DIR]\n"
    "\n"
    "Runs jobs as hardened OCI containers with cpu, memory, disk, process, "
    "time\n"
    "and output limits. Reads JSON-RPC 2.0 requests as lines on stdin and "
    "answers\n"
    "on stdout, as docs/executors.md describes; a Suan node starts it by "
    "itself.\n"
    "\n"
    "  --state-dir DIR     images and jobs; default " STATE_ROOT ",\n"
    "                      without root ~/.local/share/suan/sandbox\n"
    "  --max-jobs N        jobs kept, finished ones included; default 256\n"
    "  --image-max-mib N   largest image, unpacked; default 8192\n"
    "  --reserve-mib N     disk that jobs and images leave free; default 0\n"
    "  --doctor            say whether and how jobs run here, and what is "
    "missing\n"
    "  --seccomp           print the system call filter of jobs\n"
    "  --version, --help\n"
    "\n"
    "Example: what is this machine missing?\n"
    "  suan-exec-sandbox --doctor\n";

enum {
    OPT_STATE = 256,
    OPT_JOBS,
    OPT_IMAGE,
    OPT_RESERVE,
    OPT_DOCTOR,
    OPT_SECCOMP,
    OPT_VERSION,
    OPT_HELP,
    OPT_MONITOR,
    OPT_RECOVER
};

static const struct option table[] = {
    {"state-dir", required_argument, NULL, OPT_STATE},
    {"max-jobs", required_argument, NULL, OPT_JOBS},
    {"image-max-mib", required_argument, NULL, OPT_IMAGE},
    {"reserve-mib", required_argument, NULL, OPT_RESERVE},
    {"doctor", no_argument, NULL, OPT_DOCTOR},
    {"seccomp", no_argument, NULL, OPT_SECCOMP},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, OPT_HELP},
    /* Started by ourselves, one for each job. */
    {"monitor", required_argument, NULL, OPT_MONITOR},
    {"recover", required_argument, NULL, OPT_RECOVER},
    {NULL, 0, NULL, 0}};

static int usage(const char *what, const char *value)
{
    (void)fprintf(stderr,
                  "suan-exec-sandbox: %s%s\n"
                  "  see suan-exec-sandbox --help\n",
                  what, value);
    return 2;
}

static bool read_number(const char *text, uint64_t min, uint64_t max,
                        uint64_t *out)
{
    char *end;
    unsigned long long value;

    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || end == text || text[0] == '-' ||
        value < min || value > max)
        return false;
    *out = value;
    return true;
}

/* Absolute, made if need be, ours alone. */
static int find_state(const char *given, char out[DIR_PATH])
{
    char wish[DIR_PATH], whole[PATH_MAX];
    const char *home = getenv("HOME");

    if (given == NULL && geteuid() != 0 && home == NULL)
        return usage("HOME is not set: give --state-dir", "");
    if (given != NULL    ? !dir_text(wish, sizeof(wish), "%s", given)
        : geteuid() == 0 ? !dir_text(wish, sizeof(wish), "%s", STATE_ROOT)
                         : !dir_text(wish, sizeof(wish),
                                     "%s/.local/share/suan/sandbox", home))
        return usage("the state directory's path is too long", "");
    if (dir_make(wish, 0755) != 0 || chmod(wish, 0700) != 0 ||
        realpath(wish, whole) == NULL) {
        (void)fprintf(stderr,
                      "suan-exec-sandbox: state directory %s: %s\n"
                      "  give another one with --state-dir\n",
                      wish, strerror(errno));
        return 1;
    }
    /* Room for the names below it. */
    if (strlen(whole) > DIR_PATH / 2)
        return usage("the state directory's path is too long", "");
    (void)dir_text(out, DIR_PATH, "%s", whole);
    return 0;
}

static int doctor_main(const struct server_options *options)
{
    struct doctor doctor;
    char path[DIR_PATH];
    int code;

    if (!dir_text(path, sizeof(path), "%s/tmp", options->state) ||
        dir_make(path, 0700) != 0) {
        (void)fprintf(stderr, "suan-exec-sandbox: %s: %s\n", path,
                      strerror(errno));
        return 1;
    }
    if (doctor_run(options->state, &doctor) != OK)
        return 1;
    code = doctor_print(&doctor);
    cg_release(&doctor.machine.instance);
    doctor_done(&doctor);
    return code;
}

static int print_seccomp(void)
{
    json_t *profile = seccomp_profile(false);

    if (profile == NULL || json_dumpf(profile, stdout, JSON_INDENT(1)) != 0)
        return 1;
    json_decref(profile);
    return putchar('\n') == EOF ? 1 : 0;
}

/* No core of ours may hold a job's or a node's data; and whatever we were
 * started with, 0, 1 and 2 are open. */
static void settle_in(void)
{
    struct rlimit none = {0, 0};
    int fd;

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)umask(022);
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= 2);
    if (fd > 2)
        close(fd);
}

int main(int argc, char **argv)
{
    struct server_options options = {
        .jobs_max = 256,
        .image = {.bytes_max = 8192ull << 20, .entries_max = 1000000}};
    const char *state = NULL;
    bool doctor = false;
    uint64_t number;
    int option, code;

    settle_in();
    if (sodium_init() < 0)
        return 1;
    while ((option = getopt_long(argc, argv, "h", table, NULL)) != -1) {
        switch (option) {
        case OPT_STATE:
            state = optarg;
            break;
        case OPT_JOBS:
            if (!read_number(optarg, 1, SERVER_JOBS_MAX, &number))
                return usage("--max-jobs is 1 to 1024, not ", optarg);
            options.jobs_max = (uint32_t)number;
            break;
        case OPT_IMAGE:
            if (!read_number(optarg, 1, 1u << 20, &number))
                return usage("--image-max-mib is 1 to 1048576, not ", optarg);
            options.image.bytes_max = number << 20;
            break;
        case OPT_RESERVE:
            if (!read_number(optarg, 0, UINT32_MAX, &options.reserve_mib))
                return usage("--reserve-mib is 0 to 4294967295, not ", optarg);
            break;
        case OPT_DOCTOR:
            doctor = true;
            break;
        case OPT_SECCOMP:
            return print_seccomp();
        case OPT_VERSION:
            printf("%s %s\n", SANDBOX_NAME, SUAN_VERSION);
            return 0;
        case OPT_HELP:
        case 'h':
            return fputs(help, stdout) == EOF ? 1 : 0;
        case OPT_MONITOR:
            return monitor_main(optarg, false);
        case OPT_RECOVER:
            return monitor_main(optarg, true);
        default:
            return usage("that option is not known", "");
        }
    }
    if (optind < argc)
        return usage("nothing is expected after the options: ", argv[optind]);
    code = find_state(state, options.state);
    if (code != 0)
        return code;
    return doctor ? doctor_main(&options) : server_main(&options);
}
