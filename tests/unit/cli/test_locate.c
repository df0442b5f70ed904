#include "cli/locate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/devnet.h"

static struct cli cli;
static char home[64];
static char *said;
static size_t said_len;

static int setup(void **state)
{
    (void)state;
    snprintf(home, sizeof(home), "/tmp/suan-test-XXXXXX");
    assert_non_null(mkdtemp(home));
    setenv("SUAN_HOME", home, 1);
    unsetenv("SUAN_NODE");
    unsetenv("SUAN_DATA_DIR");
    unsetenv("SUAN_WALLET");
    cli_init(&cli);
    cli.color = false;
    cli.err = open_memstream(&said, &said_len);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fclose(cli.err);
    free(said);
    return remove_tree(home) == OK ? 0 : -1;
}

static void make(const char *name)
{
    char path[PATH_MAX];
    assert_true(path_join(path, home, name));
    assert_int_equal(path_make(path, 0700), OK);
}

/* The socket is home + tail. */
static void socket_is(const char *tail)
{
    char want[PATH_MAX];
    char got[PATH_MAX];
    assert_true(path_join(want, home, tail));
    assert_int_equal(locate_socket(&cli, got), 0);
    assert_string_equal(got, want);
}

static void without_a_node_there_is_a_next_step(void **state)
{
    char got[PATH_MAX];
    (void)state;
    assert_int_equal(locate_socket(&cli, got), EXIT_UNREACHABLE);
    fflush(cli.err);
    assert_non_null(strstr(said, "Try: suan devnet up, or --data-dir DIR"));
}

static void each_way_to_name_a_node_beats_the_next(void **state)
{
    char got[PATH_MAX];
    char dir[PATH_MAX];
    (void)state;
    make("devnet/buyer");
    make("devnet/provider-1");
    socket_is("devnet/buyer/run/control.sock");
    assert_true(path_join(dir, home, "own"));
    setenv("SUAN_DATA_DIR", dir, 1);
    socket_is("own/run/control.sock");
    setenv("SUAN_NODE", "provider-1", 1);
    socket_is("devnet/provider-1/run/control.sock");
    setenv("SUAN_NODE", "/run/x.sock", 1);
    assert_int_equal(locate_socket(&cli, got), 0);
    assert_string_equal(got, "/run/x.sock");
    assert_true(path_join(dir, home, "flag"));
    cli.data_dir = dir;
    socket_is("flag/run/control.sock");
    cli.node = "provider-1";
    socket_is("devnet/provider-1/run/control.sock");
}

static void a_name_that_is_no_node_is_not_found(void **state)
{
    char got[PATH_MAX];
    (void)state;
    make("devnet/buyer");
    cli.node = "provider-9";
    assert_int_equal(locate_socket(&cli, got), EXIT_NOT_FOUND);
}

static void a_socket_tells_its_data_directory(void **state)
{
    char got[PATH_MAX];
    (void)state;
    cli.node = "/a/b/run/control.sock";
    assert_int_equal(locate_data_dir(&cli, got), 0);
    assert_string_equal(got, "/a/b");
    cli.node = "/a/b/other.sock";
    assert_int_equal(locate_data_dir(&cli, got), EXIT_USAGE);
}

static void the_devnets_wallet_serves_the_devnet_only(void **state)
{
    struct wallet_place place;
    char want[PATH_MAX];
    (void)state;
    assert_int_equal(locate_wallet(&cli, &place), 0);
    assert_true(path_join(want, home, "wallet"));
    assert_string_equal(place.dir, want);
    assert_string_equal(place.passphrase_file, "");
    make("devnet/wallet");
    assert_int_equal(locate_wallet(&cli, &place), 0);
    assert_true(path_join(want, home, "devnet/wallet"));
    assert_string_equal(place.dir, want);
    assert_true(path_join(want, home, "devnet/wallet.pass"));
    assert_string_equal(place.passphrase_file, want);
    /* another node: its owner's own wallet */
    cli.data_dir = "/somewhere/else";
    assert_int_equal(locate_wallet(&cli, &place), 0);
    assert_true(path_join(want, home, "wallet"));
    assert_string_equal(place.dir, want);
    assert_string_equal(place.passphrase_file, "");
    cli.wallet = "/my/keys";
    assert_int_equal(locate_wallet(&cli, &place), 0);
    assert_string_equal(place.dir, "/my/keys");
}

static void a_devnets_wallet_is_opened_however_it_is_named(void **state)
{
    struct wallet_place place;
    char wallet[PATH_MAX];
    char pass[PATH_MAX];
    (void)state;
    make("devnet/validators-wallet");
    assert_true(path_join(wallet, home, "devnet/validators-wallet/"));
    assert_true(path_join(pass, home, "devnet/validators-wallet.pass"));
    cli.wallet = wallet;
    assert_int_equal(locate_wallet(&cli, &place), 0);
    assert_string_equal(place.passphrase_file, ""); /* no devnet yet */
    make("devnet/devnet.json");
    assert_int_equal(locate_wallet(&cli, &place), 0);
    assert_string_equal(place.passphrase_file, pass);
    cli.wallet = NULL;
    setenv("SUAN_WALLET", wallet, 1);
    assert_int_equal(locate_wallet(&cli, &place), 0);
    assert_string_equal(place.passphrase_file, pass);
}

static void directories_are_made_with_all_above_them(void **state)
{
    char path[PATH_MAX];
    struct stat st;
    (void)state;
    assert_true(path_join(path, home, "a/b/c"));
    assert_int_equal(path_make(path, 0700), OK);
    assert_int_equal(path_make(path, 0700), OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(path_make("/proc/nothing/here", 0700), ERR_NOT_FOUND);
}

static void a_tree_is_removed_without_following_links(void **state)
{
    char path[PATH_MAX];
    char link[PATH_MAX];
    char outside[] = "/tmp/suan-test-XXXXXX";
    char kept[64];
    FILE *file;
    (void)state;
    assert_non_null(mkdtemp(outside));
    snprintf(kept, sizeof(kept), "%s/kept", outside);
    file = fopen(kept, "w");
    assert_non_null(file);
    fclose(file);
    make("tree/a/b");
    assert_true(path_join(link, home, "tree/a/link"));
    assert_int_equal(symlink(outside, link), 0);
    assert_true(path_join(path, home, "tree"));
    assert_int_equal(remove_tree(path), OK);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(kept, F_OK), 0);
    assert_int_equal(remove_tree(outside), OK);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(without_a_node_there_is_a_next_step),
        T(each_way_to_name_a_node_beats_the_next),
        T(a_name_that_is_no_node_is_not_found),
        T(a_socket_tells_its_data_directory),
        T(the_devnets_wallet_serves_the_devnet_only),
        T(a_devnets_wallet_is_opened_however_it_is_named),
        T(directories_are_made_with_all_above_them),
        T(a_tree_is_removed_without_following_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
