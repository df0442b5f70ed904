/* suan.conf as people, and suan devnet up, write it. */

#define _GNU_SOURCE /* mkstemp */

#include "node/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ADDRESS                                                                \
    "tsuan1e3exy87yxhe0y3dujdv0a8q7rcj3d8r3c72w6v306thltcqa7c5svxgv3n"

static char path[64];
static struct config config;

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/suan-test-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    return config_init(&config) == OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    config_done(&config);
    return unlink(path);
}

static void write_peers(unsigned count)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("[node]\n", file);
    for (unsigned i = 0; i < count; i++)
        fprintf(file, "peers = validator-%03u.example.org:27100@%s\n", i,
                ADDRESS);
    fclose(file);
}

static void a_hundred_peers_have_room(void **state)
{
    unsigned count = 1;
    (void)state;
    write_peers(100);
    assert_int_equal(config_load(&config, path), OK);
    const char *peers = config_text(&config, CONFIG_node_peers);
    for (const char *c = peers; *c != '\0'; c++)
        count += *c == ',';
    assert_int_equal(count, 100);
    assert_non_null(strstr(peers, "validator-099.example.org:27100@" ADDRESS));
}

static void more_than_there_is_room_for_are_refused(void **state)
{
    (void)state;
    write_peers(200);
    assert_int_equal(config_load(&config, path), ERR_CONFIG);
    assert_non_null(strstr(config.error, "node.peers is longer than"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_hundred_peers_have_room, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(more_than_there_is_room_for_are_refused,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
