#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/executors/sandbox/rpc.h"

static enum rpc_code parse(const char *line, struct rpc_request *out)
{
    return rpc_parse(line, strlen(line), out);
}

static void refuse(const char *line, enum rpc_code code)
{
    struct rpc_request request;

    assert_int_equal(parse(line, &request), code);
    rpc_done(&request);
}

static void a_request_is_read(void **state)
{
    struct rpc_request request;

    (void)state;
    assert_int_equal(
        parse("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"hello\","
              "\"params\":{\"protocol\":1}}",
              &request),
        RPC_OK);
    assert_string_equal(request.method, "hello");
    assert_string_equal(json_string_value(request.id), "a");
    assert_int_equal(json_object_size(request.params), 1);
    rpc_done(&request);
    assert_null(request.id);
}

static void params_may_be_absent_and_are_then_empty(void **state)
{
    struct rpc_request request;

    (void)state;
    assert_int_equal(
        parse("{\"jsonrpc\":\"2.0\",\"method\":\"job.list\"}", &request),
        RPC_OK);
    assert_null(request.id);
    assert_int_equal(json_object_size(request.params), 0);
    rpc_done(&request);
}

static void what_is_no_request_is_told_apart(void **state)
{
    (void)state;
    refuse("", RPC_PARSE);
    refuse("{", RPC_PARSE);
    refuse("{\"a\":1,\"a\":2}", RPC_PARSE);
    refuse("[]", RPC_INVALID);
    refuse("{}", RPC_INVALID);
    refuse("{\"jsonrpc\":\"1.0\",\"method\":\"x\"}", RPC_INVALID);
    refuse("{\"jsonrpc\":\"2.0\",\"method\":\"\"}", RPC_INVALID);
    refuse("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"x\"}", RPC_INVALID);
    refuse("{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"x\"}", RPC_INVALID);
    refuse("{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":[1]}", RPC_PARAMS);
    refuse("{\"jsonrpc\":\"2.0\",\"method\":\"a-name-that-is-longer-than-any-"
           "method-"
           "could-ever-have\"}",
           RPC_METHOD);
}

static void a_line_beyond_the_limit_is_not_even_looked_at(void **state)
{
    struct rpc_request request;

    (void)state;
    assert_int_equal(rpc_parse("", RPC_LINE_MAX + 1, &request), RPC_INVALID);
}

static void answers_carry_the_id_and_errors_their_three_sentences(void **state)
{
    struct fail fail;
    json_t *id = json_integer(7), *answer, *error, *data;

    (void)state;
    (void)fail_set(&fail, ERR_FULL, "what", "fix", "why %d", 1);
    answer = rpc_failure(id, &fail);
    error = json_object_get(answer, "error");
    data = json_object_get(error, "data");
    assert_int_equal(json_integer_value(json_object_get(answer, "id")), 7);
    assert_int_equal(json_integer_value(json_object_get(error, "code")),
                     ERR_FULL);
    assert_string_equal(json_string_value(json_object_get(error, "message")),
                        "what");
    assert_string_equal(json_string_value(json_object_get(data, "name")),
                        "ERR_FULL");
    assert_string_equal(json_string_value(json_object_get(data, "why")),
                        "why 1");
    assert_string_equal(json_string_value(json_object_get(data, "fix")), "fix");
    json_decref(answer);
    answer = rpc_result(NULL, json_object());
    assert_true(json_is_null(json_object_get(answer, "id")));
    json_decref(answer);
    json_decref(id);
}

static void a_text_that_is_no_utf8_still_becomes_an_answer(void **state)
{
    struct fail fail;
    json_t *answer;

    (void)state;
    (void)fail_set(&fail, ERR_IO, "what", "fix", "file %s", "\xff\xfe");
    answer = rpc_failure(NULL, &fail);
    assert_non_null(answer);
    json_decref(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read),
        cmocka_unit_test(params_may_be_absent_and_are_then_empty),
        cmocka_unit_test(what_is_no_request_is_told_apart),
        cmocka_unit_test(a_line_beyond_the_limit_is_not_even_looked_at),
        cmocka_unit_test(answers_carry_the_id_and_errors_their_three_sentences),
        cmocka_unit_test(a_text_that_is_no_utf8_still_becomes_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
