/* suan devnet up|status|down. */

#include "base/amount.h"
#include "base/check.h"
#include "cli/client.h"
#include "cli/devnet.h"
#include "cli/locate.h"
#include "cli/unit.h"
#include "cli/small_image.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define READY_MS       60000u
#define IMPORT_WAIT_MS 600000u
#define POLL_MS        100

static void nap(long ms)
{
    struct timespec span = {.tv_sec = ms / 1000,
                            .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&span, NULL);
}

/* One `devnet` command at a time. The lock ends with the process, which holds
 * it here. */
static int lock_fd = -1;

static int take_lock(struct cli *cli)
{
    char home[PATH_MAX];
    char path[PATH_MAX];
    enum err err;
    int fd;
    int failed = locate_home(cli, home);
    if (failed)
        return failed;
    err = path_make(home, 0700);
    if (err != OK || !path_join(path, home, "devnet.lock"))
        return cli_fail_err(cli, err == OK ? ERR_TOO_LARGE : err,
                            "SUAN_HOME=DIR for another place",
                            "the directory %s", home);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return cli_fail(cli, EXIT_FAILED, strerror(errno),
                        "SUAN_HOME=DIR for another place", "%s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        lock_fd = fd;
        return 0;
    }
    close(fd);
    return cli_fail(cli, EXIT_FAILED, "another suan devnet command is at work",
                    "waiting for it to end", "the devnet in %s is busy", home);
}

/* ---- up ---- */

struct up {
    struct devnet net;
    char dir[PATH_MAX];
    char suand[PATH_MAX];
    char sandbox[PATH_MAX]; /* "" when missing */
    uint32_t providers;
    uint32_t validators;
    bool providers_given;
    bool validators_given;
    bool params_given;
    struct params params; /* of the genesis */
    uint32_t base;
    const char *image;
};

/* --param NAME=VALUE, as often as it is given. */
static int read_params(struct cli *cli, const struct args *args, struct up *up)
{
    const char *given;
    devnet_params(&up->params);
    up->params_given = false;
    for (size_t i = 0; (given = args_nth(args, "param", i)) != NULL; i++) {
        const char *equals = strchr(given, '=');
        char name[PARAMS_NAME_MAX] = "";
        uint64_t value = 0;
        enum err err;
        up->params_given = true;
        if (equals == NULL || equals - given >= (ptrdiff_t)sizeof(name) ||
            unit_parse_count(equals + 1, 0, UINT64_MAX, &value) != OK)
            return cli_usage(cli, "--param epoch_blocks=600",
                             "--param \"%.60s\" is not NAME=NUMBER", given);
        memcpy(name, given, (size_t)(equals - given));
        err = devnet_param(&up->params, name, value);
        if (err == ERR_NOT_FOUND)
            return cli_usage(cli, "suan help devnet up",
                             "a genesis has no parameter \"%s\"", name);
        if (err != OK)
            return cli_usage(cli, "docs/protocol.md: the parameters' bounds",
                             "%s may not be %.20s", name, equals + 1);
    }
    return 0;
}

static int read_options(struct cli *cli, const struct args *args, struct up *up)
{
    const char *providers = args_text(args, "providers", NULL);
    const char *validators =
        args_text(args, "validators", args_text(args, "nodes", NULL));
    const char *base = args_text(args, "base-port", NULL);
    uint64_t number = 3;
    if (providers != NULL &&
        unit_parse_count(providers, 1, DEVNET_PROVIDERS_MAX, &number) != OK)
        return cli_usage(cli, "--providers 3",
                         "--providers \"%.20s\" is not a number from 1 to %u",
                         providers, DEVNET_PROVIDERS_MAX);
    up->providers = (uint32_t)number;
    up->providers_given = providers != NULL;
    number = DEVNET_VALIDATORS;
    if (validators != NULL &&
        unit_parse_count(validators, 1, DEVNET_VALIDATORS_MAX, &number) != OK)
        return cli_usage(cli, "--validators 4",
                         "--validators \"%.20s\" is not a number from 1 to %u",
                         validators, DEVNET_VALIDATORS_MAX);
    up->validators = (uint32_t)number;
    up->validators_given = validators != NULL;
    number = DEVNET_PORT_BASE;
    if (base != NULL && unit_parse_count(base, 1024, 65000, &number) != OK)
        return cli_usage(cli, "--base-port 27100",
                         "--base-port \"%.20s\" is not a port from 1024 on",
                         base);
    up->base = (uint32_t)number;
    up->image = args_text(args, "image", NULL);
    if (up->image != NULL && access(up->image, R_OK) != 0)
        return cli_fail(cli, EXIT_NOT_FOUND, strerror(errno),
                        "the path of an OCI archive",
                        "the image %s cannot be read", up->image);
    return read_params(cli, args, up);
}

/* Stops what still runs of a devnet whose record is missing or odd. */
static void stop_debris(const char *dir)
{
    struct devnet net;
    struct daemon daemons[DEVNET_NODES_MAX];
    if (!devnet_plan(&net, dir, DEVNET_VALIDATORS_MAX, DEVNET_PROVIDERS_MAX))
        return;
    (void)devnet_running(&net);
    for (uint32_t i = 0; i < net.node_count; i++)
        daemons[i] = net.nodes[i].daemon;
    (void)daemon_stop_all(daemons, net.node_count, DAEMON_STOP_MS);
    (void)daemon_sweep(dir, DAEMON_STOP_MS);
}

/* Is what stands at `dir` a devnet, or the beginning of one? */
static bool is_devnet(const char *dir)
{
    char probe[PATH_MAX];
    if (path_join(probe, dir, "devnet.json") && access(probe, F_OK) == 0)
        return true;
    return path_join(probe, dir, "validator-1") && access(probe, F_OK) == 0;
}

/* A directory that somebody else put there is not touched. */
static int clear_debris(struct cli *cli, const char *dir)
{
    enum err err;
    if (access(dir, F_OK) != 0 || rmdir(dir) == 0)
        return 0;
    if (!is_devnet(dir))
        return cli_fail(cli, EXIT_FAILED, "there is something else",
                        "moving it away, or SUAN_HOME=DIR for another place",
                        "the devnet cannot be made at %s", dir);
    cli_note(cli, "removing what a broken devnet left in %s", dir);
    stop_debris(dir);
    err = remove_tree(dir);
    return err == OK ? 0
                     : cli_fail_err(cli, err, "removing it by hand", "%s", dir);
}

static int choose_ports(struct cli *cli, struct up *up)
{
    uint32_t base = up->base;
    if (!devnet_ports(&up->net, up->base, &base))
        return cli_fail(cli, EXIT_FAILED, "all that were tried are in use",
                        "--base-port N", "there are no free ports from %u on",
                        up->base);
    if (base != up->base)
        cli_note(cli,
                 "port %u or one after it is in use; the devnet listens "
                 "from %u on",
                 up->base, base);
    return 0;
}

static int make_new(struct cli *cli, struct up *up)
{
    enum err err;
    int failed = clear_debris(cli, up->dir);
    if (failed)
        return failed;
    if (!devnet_plan(&up->net, up->dir, up->validators, up->providers))
        return cli_fail(cli, EXIT_FAILED,
                        "a socket's path may have about 100 bytes",
                        "SUAN_HOME=DIR with a shorter path",
                        "the path %s is too long", up->dir);
    cli_note(cli, "making a devnet in %s", up->dir);
    failed = choose_ports(cli, up);
    if (!failed)
        failed = devnet_create(cli, &up->net, &up->params);
    if (!failed)
        failed = devnet_configure(cli, &up->net, up->sandbox);
    if (failed)
        return failed;
    err = devnet_save(&up->net);
    return err == OK ? 0 : cli_fail_err(cli, err, NULL, "devnet.json");
}

/* An old devnet: other ports when its own have been taken meanwhile. */
static int take_old(struct cli *cli, struct up *up)
{
    enum err err;
    int failed;
    if (up->providers_given && up->providers != up->net.providers)
        return cli_usage(cli, "suan devnet down --wipe, then up again",
                         "there is a devnet with %u providers already",
                         up->net.providers);
    if (up->validators_given && up->validators != up->net.validators)
        return cli_usage(cli, "suan devnet down --wipe, then up again",
                         "there is a devnet with %u validators already",
                         up->net.validators);
    if (up->params_given)
        return cli_usage(cli, "suan devnet down --wipe, then up again",
                         "there is a devnet, and a genesis never changes");
    if (devnet_running(&up->net) == 0 && !devnet_ports_free(&up->net)) {
        failed = choose_ports(cli, up);
        if (failed)
            return failed;
        err = devnet_save(&up->net);
        if (err != OK)
            return cli_fail_err(cli, err, NULL, "devnet.json");
    }
    /* The programs may have moved since. */
    return devnet_configure(cli, &up->net, up->sandbox);
}

static int start_nodes(struct cli *cli, struct devnet *net, const char *suand)
{
    bool started[DEVNET_NODES_MAX] = {false};
    int failed = 0;
    for (uint32_t i = 0; i < net->node_count && !failed; i++) {
        struct daemon *daemon = &net->nodes[i].daemon;
        if (daemon_find(daemon))
            continue;
        /* One after the other: each dials those before it, at once. */
        failed = daemon_start(cli, suand, daemon);
        started[i] = !failed;
        if (!failed)
            failed = daemon_await(cli, daemon, DAEMON_START_MS);
    }
    if (!failed)
        return 0;
    /* Half a devnet is of no use: what was started ends. */
    for (uint32_t i = 0; i < net->node_count; i++) {
        if (!started[i])
            net->nodes[i].daemon.pid = 0;
    }
    for (uint32_t i = 0; i < net->node_count; i++) {
        if (net->nodes[i].daemon.pid != 0)
            (void)daemon_stop(&net->nodes[i].daemon, DAEMON_STOP_MS);
    }
    return failed;
}

/* How many providers' offers the buyer sees; UINT32_MAX: no answer. */
static uint32_t offers_seen(struct devnet *net)
{
    json_t *result =
        daemon_ask(&devnet_buyer(net)->daemon, "market.offers", json_object());
    size_t count = json_array_size(json_object_get(result, "offers"));
    json_decref(result);
    return result == NULL ? UINT32_MAX : (uint32_t)count;
}

/* Says of each provider that does not sell why it does not. */
static void say_why_not(struct cli *cli, struct devnet *net)
{
    for (uint32_t i = net->validators; i < net->validators + net->providers;
         i++) {
        json_t *status = daemon_ask(&net->nodes[i].daemon, "sell.status", NULL);
        if (status != NULL && !js_bool(status, "selling"))
            cli_warn(cli, "%s does not sell: %s", net->nodes[i].name,
                     js_text(status, "why_not"));
        json_decref(status);
    }
}

/* Is every node connected with every other? */
static bool all_connected(struct devnet *net)
{
    for (uint32_t i = 0; i < net->node_count; i++) {
        json_t *status = daemon_ask(&net->nodes[i].daemon, "node.status", NULL);
        uint64_t peers = js_uint(status, "peers");
        json_decref(status);
        if (peers + 1 < net->node_count)
            return false;
    }
    return true;
}

/* Does a provider still measure its machine? The node bounds how long it may;
 * on a busy machine that is longer than READY_MS. */
static bool one_measures(struct devnet *net)
{
    bool measures = false;
    for (uint32_t i = 0; i < net->providers && !measures; i++) {
        json_t *bench =
            daemon_ask(&net->nodes[net->validators + i].daemon, "sell.bench",
                       json_pack("{s:b}", "follow", 1));
        measures = bench != NULL && js_bool(bench, "running");
        json_decref(bench);
    }
    return measures;
}

static int await_market(struct cli *cli, struct devnet *net)
{
    uint64_t until =
        cli->now_ms() + (cli->timeout_ms != 0 ? cli->timeout_ms : READY_MS);
    uint32_t said = UINT32_MAX;
    for (;;) {
        uint32_t seen = offers_seen(net);
        if (seen != UINT32_MAX && seen != said)
            cli_note(cli, "the buyer sees %u of %u offers", seen,
                     net->providers);
        said = seen;
        if (seen != UINT32_MAX && seen >= net->providers && all_connected(net))
            return 0;
        if (cli->now_ms() > until &&
            (cli->timeout_ms != 0 || !one_measures(net)))
            break;
        nap(POLL_MS);
    }
    say_why_not(cli, net);
    return cli_fail(cli, EXIT_NO_OFFER,
                    "not every node is connected, or a provider's offer has "
                    "not reached the buyer",
                    "suan doctor; the providers' logs in the devnet's "
                    "directory",
                    "the devnet runs, but its market is not complete");
}

static int send_image(struct cli *cli, struct up *up, const char *path)
{
    json_t *result = NULL;
    int failed;
    cli->data_dir = devnet_buyer(&up->net)->daemon.data_dir;
    cli->node = NULL;
    failed =
        cli_call_wait(cli, "image.import",
                      json_pack("{s:s, s:s}", "path", path, "name", "default"),
                      IMPORT_WAIT_MS, &result);
    json_decref(result);
    return failed;
}

static bool has_default_image(struct up *up)
{
    json_t *image = daemon_ask(&devnet_buyer(&up->net)->daemon, "image.show",
                               json_pack("{s:s}", "name", "default"));
    json_decref(image);
    return image != NULL;
}

/* Without --image: a shell and its tools, if this machine has them in one
 * static program. */
static int make_small_image(struct cli *cli, struct up *up, char path[PATH_MAX])
{
    enum err err;
    if (has_default_image(up) || !path_join(path, up->net.dir, "default.tar"))
        return 0;
    err = small_image_write(SMALL_IMAGE_BUSYBOX, path);
    if (err == OK)
        return send_image(cli, up, path);
    cli_note(cli,
             "no default image: " SMALL_IMAGE_BUSYBOX " %s. Try: apt-get "
             "install busybox-static, or suan image import FILE --name default",
             err_text(err));
    return 0;
}

static int import_image(struct cli *cli, struct up *up)
{
    char path[PATH_MAX];
    if (up->image == NULL)
        return make_small_image(cli, up, path);
    if (!path_absolute(path, up->image))
        return cli_usage(cli, NULL, "--image is too long a path");
    cli_note(cli, "importing %s as the image \"default\"", up->image);
    return send_image(cli, up, path);
}

/* ---- status ---- */

static int show(struct cli *cli, json_t *status)
{
    int failed = view_print(cli, &view_devnet, status);
    if (failed || cli->form == FORM_JSON || cli->form == FORM_NAME)
        return failed;
    fputc('\n', cli->out);
    return view_print(cli, &view_devnet_accounts, status);
}

static int say_up(struct cli *cli, struct devnet *net)
{
    json_t *status = devnet_status(net);
    char balance[AMOUNT_TEXT_MAX];
    int failed = show(cli, status);
    amount_format(amount_micro(js_uint(status, "balance_micro")), balance);
    json_decref(status);
    if (failed || cli->form != FORM_TABLE)
        return failed;
    cli_note(cli, "%s", "");
    cli_note(cli,
             "The devnet is up; the buyer's wallet holds %s credits. "
             "Next:",
             balance);
    cli_note(cli, "  suan market offers");
    cli_note(cli, "  suan run --max-price 0.01 -- sh -c 'echo hi'");
    cli_note(cli, "  suan devnet down");
    return failed;
}

static int refuse_record(struct cli *cli, const char *dir)
{
    return cli_fail(cli, EXIT_FAILED,
                    "its devnet.json is damaged, or another version's",
                    "suan devnet down --wipe, then up again",
                    "the devnet in %s cannot be read", dir);
}

int verb_devnet_up(struct cli *cli, const struct args *args)
{
    static struct up up; /* large */
    enum err err;
    int failed = read_options(cli, args, &up);
    if (!failed)
        failed = take_lock(cli);
    if (!failed)
        failed = locate_devnet(cli, up.dir);
    if (!failed)
        failed = locate_program(cli, "suand", up.suand);
    if (failed)
        return failed;
    if (!locate_program_try("suan-exec-sandbox", up.sandbox)) {
        up.sandbox[0] = '\0';
        cli_warn(cli, "warning: suan-exec-sandbox is missing; the providers "
                      "will not sell. Try: suan doctor");
    }
    err = devnet_load(&up.net, up.dir);
    if (err != ERR_NOT_FOUND && args_flag(args, "fresh")) {
        stop_debris(up.dir);
        err = remove_tree(up.dir);
        if (err != OK)
            return cli_fail_err(cli, err, "removing it by hand", "%s", up.dir);
        err = ERR_NOT_FOUND;
    }
    if (err != OK && err != ERR_NOT_FOUND)
        return refuse_record(cli, up.dir);
    failed = err == OK ? take_old(cli, &up) : make_new(cli, &up);
    if (!failed)
        failed = start_nodes(cli, &up.net, up.suand);
    if (!failed)
        failed = import_image(cli, &up);
    if (!failed)
        failed = await_market(cli, &up.net);
    return failed ? failed : say_up(cli, &up.net);
}

/* Loads the devnet that is; exit 3 when there is none. */
static int load(struct cli *cli, struct devnet *net)
{
    char dir[PATH_MAX];
    enum err err;
    int failed = locate_devnet(cli, dir);
    if (failed)
        return failed;
    err = devnet_load(net, dir);
    if (err == ERR_NOT_FOUND)
        return cli_fail(cli, EXIT_NOT_FOUND, NULL, "suan devnet up",
                        "there is no devnet in %s", dir);
    return err == OK ? 0 : refuse_record(cli, dir);
}

int verb_devnet_status(struct cli *cli, const struct args *args)
{
    static struct devnet net;
    json_t *status;
    int failed = load(cli, &net);
    (void)args;
    if (failed)
        return failed;
    status = devnet_status(&net);
    failed = show(cli, status);
    if (!failed && !js_bool(status, "complete"))
        failed = cli_fail(cli, EXIT_UNREACHABLE, NULL, "suan devnet up",
                          "not every node of the devnet runs");
    json_decref(status);
    return failed;
}

int verb_devnet_down(struct cli *cli, const struct args *args)
{
    static struct devnet net;
    struct daemon daemons[DEVNET_NODES_MAX];
    char dir[PATH_MAX];
    enum err err;
    bool clean;
    int failed = take_lock(cli);
    if (!failed)
        failed = locate_devnet(cli, dir);
    if (failed)
        return failed;
    if (access(dir, F_OK) != 0) {
        cli_note(cli, "there is no devnet");
        return 0;
    }
    if (devnet_load(&net, dir) != OK)
        (void)devnet_plan(&net, dir, DEVNET_VALIDATORS_MAX,
                          DEVNET_PROVIDERS_MAX);
    (void)devnet_running(&net);
    for (uint32_t i = 0; i < net.node_count; i++)
        daemons[i] = net.nodes[i].daemon;
    clean = daemon_stop_all(daemons, net.node_count, DAEMON_STOP_MS);
    if (daemon_sweep(dir, DAEMON_STOP_MS) > 0)
        cli_note(cli, "jobs that still ran were ended");
    cli_note(cli, clean ? "the devnet is down"
                        : "the devnet is down; a node had to be killed");
    if (!args_flag(args, "wipe"))
        return 0;
    if (!is_devnet(dir) && rmdir(dir) != 0)
        return cli_fail(cli, EXIT_FAILED, "it does not look like a devnet",
                        "removing it by hand", "%s is left alone", dir);
    if (access(dir, F_OK) != 0)
        return 0;
    err = remove_tree(dir);
    if (err != OK)
        return cli_fail_err(cli, err, "removing it by hand", "%s", dir);
    cli_note(cli, "%s is removed", dir);
    return 0;
}
