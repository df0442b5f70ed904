#include "cli/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/cli/fake_node.h"

static enum err answer(struct fake_node *node, const char *method,
                       json_t *params, json_t **out_result,
                       struct rpc_error *out_error)
{
    (void)node;
    if (strcmp(method, "echo") == 0) {
        *out_result = json_incref(params);
        return OK;
    }
    if (strcmp(method, "big") == 0) {
        char *text = malloc(RPC_BYTES_MAX);
        memset(text, 'x', RPC_BYTES_MAX - 1);
        text[RPC_BYTES_MAX - 1] = '\0';
        *out_result = json_pack("{s:s}", "text", text);
        free(text);
        return OK;
    }
    if (strcmp(method, "slow") == 0) {
        struct timespec span = {.tv_nsec = 400000000};
        nanosleep(&span, NULL);
        *out_result = json_object();
        return OK;
    }
    rpc_error_set(out_error, ERR_FUNDS, "suan wallet balance", "no money");
    return ERR_FUNDS;
}

static void answers_come_back(void **state)
{
    struct fake_node node = {.answer = answer};
    struct client *client = NULL;
    struct rpc_error error;
    json_t *params = json_pack("{s:i}", "a", 5);
    json_t *result = NULL;
    (void)state;
    assert_int_equal(fake_start(&node), 0);
    assert_int_equal(client_open(node.socket, &client, &error), OK);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(
            client_call(client, "echo", params, 2000, &result, &error), OK);
        assert_int_equal(json_integer_value(json_object_get(result, "a")), 5);
        json_decref(result);
    }
    json_decref(params);
    client_free(client);
    fake_stop(&node);
}

static void an_error_of_the_node_arrives_whole(void **state)
{
    struct fake_node node = {.answer = answer};
    struct client *client = NULL;
    struct rpc_error error;
    json_t *result = NULL;
    (void)state;
    assert_int_equal(fake_start(&node), 0);
    assert_int_equal(client_open(node.socket, &client, &error), OK);
    assert_int_equal(client_call(client, "pay", NULL, 2000, &result, &error),
                     ERR_FUNDS);
    assert_null(result);
    assert_int_equal(error.exit, EXIT_FUNDS);
    assert_string_equal(error.what, "no money");
    assert_string_equal(error.next, "suan wallet balance");
    client_free(client);
    fake_stop(&node);
}

static void an_answer_beyond_the_limit_is_an_error_not_a_hang(void **state)
{
    struct fake_node node = {.answer = answer};
    struct client *client = NULL;
    struct rpc_error error;
    json_t *result = NULL;
    (void)state;
    assert_int_equal(fake_start(&node), 0);
    assert_int_equal(client_open(node.socket, &client, &error), OK);
    assert_int_equal(client_call(client, "big", NULL, 2000, &result, &error),
                     ERR_TOO_LARGE);
    client_free(client);
    fake_stop(&node);
}

static void nobody_there_says_how_to_start(void **state)
{
    struct client *client = NULL;
    struct rpc_error error;
    (void)state;
    assert_int_equal(client_open("/tmp/suan-no-such.sock", &client, &error),
                     ERR_NET);
    assert_null(client);
    assert_int_equal(error.exit, EXIT_UNREACHABLE);
    assert_string_equal(error.what, "the node is not running");
    assert_string_equal(error.next, "suan node start / suan devnet up");
}

static void a_path_too_long_for_a_socket_is_refused(void **state)
{
    char path[CLIENT_PATH_MAX + 2];
    struct client *client = NULL;
    struct rpc_error error;
    (void)state;
    memset(path, 'p', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(client_open(path, &client, &error), ERR_TOO_LARGE);
}

static void a_late_answer_is_a_timeout_and_ends_the_client(void **state)
{
    struct fake_node node = {.answer = answer};
    struct client *client = NULL;
    struct rpc_error error;
    json_t *result = NULL;
    (void)state;
    assert_int_equal(fake_start(&node), 0);
    assert_int_equal(client_open(node.socket, &client, &error), OK);
    assert_int_equal(client_call(client, "slow", NULL, 150, &result, &error),
                     ERR_TIMEOUT);
    assert_int_equal(error.exit, EXIT_UNREACHABLE);
    assert_int_equal(client_call(client, "echo", NULL, 150, &result, &error),
                     ERR_CLOSED);
    fake_stop(&node);
}

static void a_node_that_ends_is_noticed(void **state)
{
    struct fake_node node = {.answer = answer};
    struct client *client = NULL;
    struct rpc_error error;
    json_t *params = json_pack("{s:i}", "a", 5);
    json_t *result = NULL;
    (void)state;
    assert_int_equal(fake_start(&node), 0);
    assert_int_equal(client_open(node.socket, &client, &error), OK);
    /* One call first: nng 1.5 loses the pipe, and with it the listener, when
     * a socket is closed while its listener still accepts. */
    assert_int_equal(
        client_call(client, "echo", params, 60000, &result, &error), OK);
    json_decref(result);
    json_decref(params);
    fake_stop(&node);
    assert_int_equal(client_call(client, "echo", NULL, 60000, &result, &error),
                     ERR_NET);
    assert_int_equal(error.exit, EXIT_UNREACHABLE);
}

static void opening_and_closing_many_times_is_fine(void **state)
{
    struct fake_node node = {.answer = answer};
    struct rpc_error error;
    (void)state;
    assert_int_equal(fake_start(&node), 0);
    for (int i = 0; i < 300; i++) {
        struct client *client = NULL;
        json_t *result = NULL;
        assert_int_equal(client_open(node.socket, &client, &error), OK);
        assert_int_equal(
            client_call(client, "echo", NULL, 2000, &result, &error), OK);
        json_decref(result);
        client_free(client);
        assert_int_equal(client_open("/tmp/suan-no-such.sock", &client, &error),
                         ERR_NET);
    }
    fake_stop(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_back),
        cmocka_unit_test(an_error_of_the_node_arrives_whole),
        cmocka_unit_test(an_answer_beyond_the_limit_is_an_error_not_a_hang),
        cmocka_unit_test(nobody_there_says_how_to_start),
        cmocka_unit_test(a_path_too_long_for_a_socket_is_refused),
        cmocka_unit_test(a_late_answer_is_a_timeout_and_ends_the_client),
        cmocka_unit_test(a_node_that_ends_is_noticed),
        cmocka_unit_test(opening_and_closing_many_times_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
