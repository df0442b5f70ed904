/* suand: the node. */
#define _GNU_SOURCE /* close_range */

#include "node/log.h"
#include "node/node_start.h"
#include "wallet/harden.h"

#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETS_MAX    64
#define WORKERS_MAX 18u

static const char help[] =
    "suand - the node of a market in computing power\n"
    "\n"
    "usage: suand --data-dir DIR [--config FILE] [--set section.key=value]...\n"
    "\n"
    "  --data-dir DIR   chain, blobs, keys and socket of this node\n"
    "                   (default: $SUAN_DATA_DIR)\n"
    "  --config FILE    instead of DIR/suan.conf\n"
    "  --set NAME=V     over the file; `suan config list` names them\n"
    "  --version        print the version\n"
    "  --help           print this\n"
    "\n"
    "It runs in the foreground and logs to stderr. SIGTERM ends it in order.\n"
    "Example: suand --data-dir ~/.local/share/suan/node --set\n"
    "node.listen=0.0.0.0:27100\n"
    "Exit codes: 0 stopped, 1 failed, 2 wrong usage, 7 port or directory "
    "held.\n";

static const struct option options_table[] = {
    {"data-dir", required_argument, NULL, 'd'},
    {"config", required_argument, NULL, 'c'},
    {"set", required_argument, NULL, 's'},
    {"version", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0}};

struct arguments {
    struct node_options options;
    const char *sets[SETS_MAX + 1];
    int exit_code; /* >= 0: leave now */
};

static void add_set(struct arguments *arguments, const char *text)
{
    size_t i = 0;
    while (i < SETS_MAX && arguments->sets[i] != NULL)
        i++;
    if (i < SETS_MAX)
        arguments->sets[i] = text;
}

static void read_arguments(int argc, char **argv, struct arguments *out)
{
    int c;
    memset(out, 0, sizeof(*out));
    out->exit_code = -1;
    out->options.sets = out->sets;
    out->options.data_dir = getenv("SUAN_DATA_DIR");
    while ((c = getopt_long(argc, argv, "", options_table, NULL)) != -1) {
        if (c == 'd') {
            out->options.data_dir = optarg;
        } else if (c == 'c') {
            out->options.config = optarg;
        } else if (c == 's') {
            add_set(out, optarg);
        } else if (c == 'v' || c == 'h') {
            fputs(c == 'v' ? "suand " SUAN_VERSION "\n" : help, stdout);
            out->exit_code = 0;
        } else {
            fputs("Try: suand --help\n", stderr);
            out->exit_code = EXIT_USAGE;
        }
    }
    if (out->exit_code < 0 &&
        (optind < argc || out->options.data_dir == NULL)) {
        fprintf(stderr, "error: %s. Try: suand --help\n",
                optind < argc ? "suand takes no operands"
                              : "no data directory: --data-dir is missing");
        out->exit_code = EXIT_USAGE;
    }
}

static int run(const struct node_options *options)
{
    static struct node node; /* large */
    struct rpc_error error;
    uv_loop_t loop;
    int exit_code;
    if (uv_loop_init(&loop) != 0) {
        fputs("error: no event loop: too many open files?\n", stderr);
        return EXIT_FAILED;
    }
    if (node_open(&node, &loop, options, &error) != OK) {
        fprintf(stderr, "error: %s%s%s\n", error.what,
                error.next[0] != '\0' ? ". Try: " : "", error.next);
        exit_code = error.err == ERR_BUSY     ? EXIT_UNREACHABLE
                    : error.err == ERR_CONFIG ? EXIT_USAGE
                                              : EXIT_FAILED;
    } else {
        exit_code = node_run(&node);
    }
    node_close(&node);
    log_info("node", "stopped");
    if (uv_loop_close(&loop) != 0)
        log_broken("node", "something is still open at the end");
    return exit_code;
}

/* Signature checks are spread over all cores (checks.h), and who waits for a
 * disk or a name server finds a thread as well. libuv's own four are enough for
 * two cores; what the operator has set stays. */
static void size_workers(void)
{
    unsigned workers = uv_available_parallelism() + 2;
    char text[16];
    if (workers > WORKERS_MAX)
        workers = WORKERS_MAX;
    snprintf(text, sizeof(text), "%u", workers);
    if (workers > 4 && setenv("UV_THREADPOOL_SIZE", text, 0) != 0)
        log_odd("node", "signature checks have four threads only");
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    read_arguments(argc, argv, &arguments);
    if (arguments.exit_code >= 0)
        return arguments.exit_code;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes is an error, no end */
    /* What our parent left open is no business of the programs we start. */
    (void)close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
    if (sodium_init() < 0) {
        fputs("error: libsodium cannot start: no randomness?\n", stderr);
        return EXIT_FAILED;
    }
    log_init(LOG_INFO_LEVEL);
    if (wallet_process_harden() != OK)
        log_odd("node", "core dumps could not be switched off");
    size_workers();
    return run(&arguments.options);
}
