/* What a devnet is made of, and the care with processes. This executable plays
 * suand when it is started under that name. */

#include "cli/devnet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/locate.h"
#include "cli/unlock.h"
#include "ledger/genesis.h"

static struct cli cli;
static struct devnet net;
static struct params params;
static char home[64];

static int setup(void **state)
{
    (void)state;
    snprintf(home, sizeof(home), "/tmp/suan-test-XXXXXX");
    assert_non_null(mkdtemp(home));
    cli_init(&cli);
    cli.quiet = true;
    devnet_params(&params);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return remove_tree(home) == OK ? 0 : -1;
}

static void a_plan_has_validators_providers_and_a_buyer(void **state)
{
    (void)state;
    assert_true(devnet_plan(&net, home, 4, 3));
    assert_int_equal(net.node_count, 8);
    assert_string_equal(net.nodes[0].name, "validator-1");
    assert_string_equal(net.nodes[3].name, "validator-4");
    assert_string_equal(net.nodes[3].roles, "validator");
    assert_string_equal(net.nodes[6].name, "provider-3");
    assert_string_equal(devnet_buyer(&net)->name, "buyer");
    assert_true(
        devnet_plan(&net, home, DEVNET_VALIDATORS_MAX, DEVNET_PROVIDERS_MAX));
}

static void a_path_that_leaves_no_room_for_a_socket_is_refused(void **state)
{
    char dir[100];
    (void)state;
    memset(dir, 'd', sizeof(dir) - 1);
    dir[0] = '/';
    dir[sizeof(dir) - 1] = '\0';
    assert_false(devnet_plan(&net, dir, 4, 3));
    dir[60] = '\0';
    assert_true(devnet_plan(&net, dir, 4, 3));
}

static void what_was_saved_is_loaded(void **state)
{
    struct devnet again;
    uint32_t base = 0;
    (void)state;
    assert_true(devnet_plan(&net, home, 1, 2));
    assert_true(devnet_ports(&net, 47100, &base));
    assert_int_equal(devnet_load(&again, home), ERR_NOT_FOUND);
    assert_int_equal(devnet_create(&cli, &net, &params), 0);
    assert_int_equal(devnet_save(&net), OK);
    assert_int_equal(devnet_load(&again, home), OK);
    assert_int_equal(again.node_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_string_equal(again.nodes[i].address, net.nodes[i].address);
        assert_int_equal(again.nodes[i].listen, net.nodes[i].listen);
        assert_true(pubkey_equal(&again.nodes[i].key, &net.nodes[i].key));
    }
    assert_string_equal(again.buyer, net.buyer);
    assert_string_equal(again.owner, net.owner);
}

static void a_damaged_record_is_not_believed(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"version\":2}",
        "{\"version\":9,\"validators\":1,\"providers\":1}",
        "{\"version\":2,\"validators\":1,\"providers\":1,\"buyer\":\"x\","
        "\"owner\":\"y\","
        "\"nodes\":[1,2,3]}",
        "{\"version\":2,\"validators\":999,\"providers\":1,\"buyer\":\"x\","
        "\"owner\":\"y\","
        "\"nodes\":[]}",
        "{\"version\":2,\"validators\":1,\"providers\":999,\"buyer\":\"x\","
        "\"owner\":\"y\","
        "\"nodes\":[]}",
    };
    char path[PATH_MAX];
    (void)state;
    assert_true(path_join(path, home, "devnet.json"));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(texts[i], file);
        fclose(file);
        assert_int_equal(devnet_load(&net, home), ERR_PARSE);
    }
}

static void a_port_in_use_is_passed_over(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    uint32_t taken;
    uint32_t base = 0;
    (void)state;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    taken = ntohs(address.sin_port);
    assert_true(devnet_plan(&net, home, 1, 1));
    /* the taken one would be the second node's blob port */
    assert_true(devnet_ports(&net, taken - 3, &base));
    assert_true(base != taken - 3);
    for (uint32_t i = 0; i < net.node_count; i++)
        assert_true(net.nodes[i].listen != taken && net.nodes[i].bulk != taken);
    close(fd);
}

/* Makes a devnet of 4 and 3 and reads the genesis that a node has. */
static void create_and_read(uint32_t node, struct genesis *out)
{
    char path[PATH_MAX];
    struct buf text;
    uint8_t block[4096];
    size_t got;
    uint32_t base = 0;
    FILE *file;
    assert_true(devnet_plan(&net, home, 4, 3));
    assert_true(devnet_ports(&net, 47300, &base));
    assert_int_equal(devnet_create(&cli, &net, &params), 0);
    assert_true(path_join(path, net.nodes[node].daemon.data_dir, "genesis"));
    file = fopen(path, "r");
    assert_non_null(file);
    buf_init(&text, GENESIS_BYTES_MAX);
    while ((got = fread(block, 1, sizeof(block), file)) > 0)
        buf_add(&text, bytes_make(block, got));
    fclose(file);
    assert_int_equal(genesis_parse(buf_bytes(&text), out, NULL), OK);
    buf_done(&text);
}

/* Else what the buyer pays in fees would come back to it. */
static void the_bonds_belong_to_an_account_that_is_not_the_buyers(void **state)
{
    struct genesis genesis;
    struct pubkey owner;
    bool has_money = false;
    (void)state;
    create_and_read(0, &genesis);
    assert_string_not_equal(net.owner, net.buyer);
    assert_int_equal(address_parse(net.owner, NULL, &owner), OK);
    for (uint32_t i = 0; i < genesis.validators.count; i++)
        assert_true(pubkey_equal(&genesis.owners[i], &owner));
    for (uint32_t i = 0; i < genesis.account_count; i++)
        has_money = has_money || pubkey_equal(&genesis.accounts[i].key, &owner);
    assert_true(has_money);
    genesis_done(&genesis);
}

static void the_genesis_is_the_networks_and_everybody_has_it(void **state)
{
    struct genesis genesis;
    (void)state;
    create_and_read(7, &genesis);
    assert_int_equal(genesis.validators.count, 4);
    for (uint32_t i = 0; i < 4; i++)
        assert_true(validators_find(&genesis.validators, &net.nodes[i].vote) >=
                    0);
    /* the buyer, who owns the bonds, 3 providers */
    assert_int_equal(genesis.account_count, 5);
    assert_true(genesis.test);
    genesis_done(&genesis);
}

/* One key each: no command has to be told which. */
static void each_wallet_has_one_key_and_its_passphrase_beside_it(void **state)
{
    static const char *const names[] = {DEVNET_BUYERS_WALLET,
                                        DEVNET_VALIDATORS_WALLET};
    uint32_t base = 0;
    (void)state;
    assert_true(devnet_plan(&net, home, 1, 1));
    assert_true(devnet_ports(&net, 47700, &base));
    assert_int_equal(devnet_create(&cli, &net, &params), 0);
    assert_int_equal(devnet_save(&net), OK);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char dir[PATH_MAX];
        struct key *key = NULL;
        struct pubkey account;
        char address[ADDRESS_TEXT_MAX];
        assert_true(path_join(dir, home, names[i]));
        cli.wallet = dir;
        assert_int_equal(unlock_key(&cli, NULL, &key), 0);
        key_public(key, &account);
        key_free(key);
        address_format(ADDRESS_PREFIX_TEST, &account, address);
        assert_string_equal(address, i == 0 ? net.buyer : net.owner);
    }
}

static void secrets_are_closed_to_others(void **state)
{
    static const char *const names[] = {
        "wallet.pass",       "wallet",     "validators-wallet.pass",
        "validators-wallet", "buyer/keys", "buyer/suan.conf"};
    uint32_t base = 0;
    (void)state;
    assert_true(devnet_plan(&net, home, 1, 1));
    assert_true(devnet_ports(&net, 47500, &base));
    assert_int_equal(devnet_create(&cli, &net, &params), 0);
    assert_int_equal(devnet_configure(&cli, &net, ""), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[PATH_MAX];
        struct stat st;
        assert_true(path_join(path, home, names[i]));
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 077, 0);
    }
}

/* All others dial the first one, which keeps a quarter for those it dials. */
static void many_nodes_find_room_at_the_first(void **state)
{
    static const struct {
        uint32_t validators;
        uint32_t providers;
        const char *line; /* NULL: what is usual will do */
    } rows[] = {
        {4, 3, NULL},
        {31, 16, NULL},
        {31, 17, "peers_max = 98\n"},
        {DEVNET_VALIDATORS_MAX, DEVNET_PROVIDERS_MAX, "peers_max = 128\n"}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[PATH_MAX];
        char text[4096] = "";
        assert_true(
            devnet_plan(&net, home, rows[i].validators, rows[i].providers));
        for (uint32_t n = 0; n < net.node_count; n++)
            assert_int_equal(path_make(net.nodes[n].daemon.data_dir, 0700), OK);
        assert_int_equal(devnet_configure(&cli, &net, ""), 0);
        assert_true(path_join(path, home, "validator-1/suan.conf"));
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
        fclose(file);
        if (rows[i].line != NULL)
            assert_non_null(strstr(text, rows[i].line));
        else
            assert_null(strstr(text, "peers_max"));
    }
}

/* ---- processes ---- */

/* Starts this executable under a name, with a data directory to be found by;
 * a deaf one does not end on SIGTERM. */
static pid_t start(const char *name, const char *data_dir, bool deaf)
{
    char *argv[] = {strdup(name), strdup("--data-dir"), strdup(data_dir), NULL};
    int ready[2];
    char c;
    pid_t pid;
    assert_int_equal(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        dup2(ready[1], 1);
        setenv("SUAN_PLAY_DAEMON", deaf ? "deaf" : "1", 1);
        execv("/proc/self/exe", argv);
        _exit(99);
    }
    assert_true(pid > 0);
    close(ready[1]);
    assert_int_equal(read(ready[0], &c, 1), 1);
    close(ready[0]);
    for (int i = 0; i < 3; i++)
        free(argv[i]);
    return pid;
}

static void write_pid(const char *data_dir, pid_t pid)
{
    char path[PATH_MAX];
    FILE *file;
    assert_true(path_join(path, data_dir, "run"));
    assert_int_equal(path_make(path, 0700), OK);
    assert_true(path_join(path, data_dir, "run/pid"));
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%ld\n", (long)pid);
    fclose(file);
}

static void a_daemon_is_found_by_its_pid_file_and_without(void **state)
{
    struct daemon daemon;
    pid_t pid = start("/usr/bin/suand", home, false);
    (void)state;
    snprintf(daemon.data_dir, sizeof(daemon.data_dir), "%s", home);
    assert_true(daemon_find(&daemon)); /* no pid file: by looking around */
    assert_int_equal(daemon.pid, pid);
    write_pid(home, pid);
    assert_true(daemon_find(&daemon));
    assert_int_equal(daemon.pid, pid);
    assert_true(daemon_stop(&daemon, 2000));
    assert_int_equal(kill(pid, 0), -1);
    assert_false(daemon_find(&daemon));
}

static void a_stale_pid_file_points_at_nobody_of_ours(void **state)
{
    struct daemon daemon;
    pid_t other = start("/usr/bin/editor", home, false);
    pid_t elsewhere = start("suand", "/somewhere/else", false);
    (void)state;
    snprintf(daemon.data_dir, sizeof(daemon.data_dir), "%s", home);
    write_pid(home, other); /* not suand, though it has the directory's name */
    assert_false(daemon_find(&daemon));
    write_pid(home, elsewhere); /* suand, of another directory */
    assert_false(daemon_find(&daemon));
    write_pid(home, getpid());
    assert_false(daemon_find(&daemon));
    write_pid(home, 1);
    assert_false(daemon_find(&daemon));
    assert_int_equal(kill(other, 0), 0);
    assert_int_equal(kill(elsewhere, 0), 0);
    kill(other, SIGKILL);
    kill(elsewhere, SIGKILL);
    assert_int_equal(waitpid(other, NULL, 0), other);
    assert_int_equal(waitpid(elsewhere, NULL, 0), elsewhere);
}

static void a_deaf_daemon_is_killed_and_that_is_told(void **state)
{
    struct daemon daemon;
    pid_t pid = start("suand", home, true);
    (void)state;
    snprintf(daemon.data_dir, sizeof(daemon.data_dir), "%s", home);
    write_pid(home, pid);
    assert_true(daemon_find(&daemon));
    assert_false(daemon_stop(&daemon, 200));
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
}

static void several_are_stopped_at_once(void **state)
{
    struct daemon daemons[3];
    (void)state;
    for (int i = 0; i < 3; i++) {
        char dir[PATH_MAX];
        snprintf(dir, sizeof(dir), "%s/%d", home, i);
        snprintf(daemons[i].data_dir, sizeof(daemons[i].data_dir), "%s", dir);
        daemons[i].pid = start("suand", dir, i == 1);
    }
    assert_false(daemon_stop_all(daemons, 3, 300));
    for (int i = 0; i < 3; i++)
        assert_int_equal(daemons[i].pid, 0);
}

static void jobs_left_behind_below_a_directory_are_ended(void **state)
{
    char below[PATH_MAX];
    char beside[PATH_MAX];
    pid_t job;
    pid_t deaf;
    pid_t other;
    (void)state;
    snprintf(below, sizeof(below), "%s/provider-1/exec/jobs/x", home);
    snprintf(beside, sizeof(beside), "%s-other/exec", home);
    job = start("suan-exec-sandbox", below, false);
    deaf = start("suan-exec-sandbox", below, true);
    other = start("suan-exec-sandbox", beside, false);
    assert_int_equal(daemon_sweep(home, 300), 2);
    assert_int_equal(waitpid(job, NULL, 0), job);
    assert_int_equal(waitpid(deaf, NULL, 0), deaf);
    assert_int_equal(daemon_sweep(home, 300), 0);
    assert_int_equal(kill(other, 0), 0); /* of another directory */
    kill(other, SIGKILL);
    assert_int_equal(waitpid(other, NULL, 0), other);
}

static int play_daemon(void)
{
    if (strcmp(getenv("SUAN_PLAY_DAEMON"), "deaf") == 0)
        signal(SIGTERM, SIG_IGN);
    if (write(1, ".", 1) != 1)
        return 1;
    for (int i = 0; i < 30; i++)
        sleep(1); /* never for ever: a failed test leaves nothing behind */
    return 0;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_plan_has_validators_providers_and_a_buyer),
        T(a_path_that_leaves_no_room_for_a_socket_is_refused),
        T(what_was_saved_is_loaded),
        T(a_damaged_record_is_not_believed),
        T(a_port_in_use_is_passed_over),
        T(the_bonds_belong_to_an_account_that_is_not_the_buyers),
        T(the_genesis_is_the_networks_and_everybody_has_it),
        T(each_wallet_has_one_key_and_its_passphrase_beside_it),
        T(secrets_are_closed_to_others),
        T(many_nodes_find_room_at_the_first),
        T(a_daemon_is_found_by_its_pid_file_and_without),
        T(a_stale_pid_file_points_at_nobody_of_ours),
        T(a_deaf_daemon_is_killed_and_that_is_told),
        T(several_are_stopped_at_once),
        T(jobs_left_behind_below_a_directory_are_ended),
    };
    if (getenv("SUAN_PLAY_DAEMON") != NULL)
        return play_daemon();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
