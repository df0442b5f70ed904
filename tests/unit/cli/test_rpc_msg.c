#include "node/rpc/rpc_msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_request_comes_back_as_it_went(void **state)
{
    json_t *params =
        json_pack("{s:s, s:I}", "id", "7f", "wait_ms", (json_int_t)30000);
    char *text = rpc_request_text(7, "job.wait", params);
    struct rpc_request request;
    (void)state;
    assert_non_null(text);
    assert_int_equal(rpc_request_parse(bytes_str(text), &request), OK);
    assert_int_equal(request.id, 7);
    assert_string_equal(request.method, "job.wait");
    assert_true(json_equal(request.params, params));
    json_decref(request.doc);
    json_decref(params);
    free(text);
}

static void absent_params_are_an_empty_object(void **state)
{
    struct rpc_request request;
    (void)state;
    assert_int_equal(
        rpc_request_parse(bytes_str("{\"id\":1,\"method\":\"node.info\"}"),
                          &request),
        OK);
    assert_int_equal(json_object_size(request.params), 0);
    json_decref(request.doc);
}

static void requests_of_another_form_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "x",
        "[]",
        "7",
        "null",
        "{}",
        "{\"id\":1}",
        "{\"id\":-1,\"method\":\"a\"}",
        "{\"id\":1.5,\"method\":\"a\"}",
        "{\"id\":\"1\",\"method\":\"a\"}",
        "{\"id\":1,\"method\":\"\"}",
        "{\"id\":1,\"method\":7}",
        "{\"id\":1,\"method\":\"a\",\"params\":[]}",
        "{\"id\":1,\"method\":\"a\",\"params\":null}",
        "{\"id\":1,\"method\":\"a\",\"more\":1}",
        "{\"id\":1,\"id\":2,\"method\":\"a\"}",
        "{\"id\":1,\"method\":\"a\"} x",
        "{\"id\":1,\"method\":\"12345678901234567890123456789012345678901234567"
        "890123456789012345\"}",
        "{\"id\":99999999999999999999,\"method\":\"a\"}",
        "{\"id\":1,\"method\":\"\\u0000\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct rpc_request request = {.id = 99};
        if (rpc_request_parse(bytes_str(texts[i]), &request) != ERR_PARSE)
            fail_msg("%s", texts[i]);
        assert_int_equal(request.id, 99);
    }
}

static void a_text_beyond_the_limit_is_not_even_read(void **state)
{
    char *text = malloc(RPC_BYTES_MAX + 2);
    struct rpc_request request;
    (void)state;
    assert_non_null(text);
    memset(text, ' ', RPC_BYTES_MAX + 1);
    assert_int_equal(
        rpc_request_parse(bytes_make(text, RPC_BYTES_MAX + 1), &request),
        ERR_TOO_LARGE);
    free(text);
}

static void a_result_comes_back_as_it_went(void **state)
{
    json_t *sent = json_pack("{s:[i, i]}", "a", 1, 2);
    json_t *got = NULL;
    struct rpc_error error;
    char *text = rpc_result_text(7, sent);
    (void)state;
    assert_int_equal(rpc_reply_parse(bytes_str(text), &got, &error), OK);
    assert_true(json_equal(sent, got));
    json_decref(sent);
    json_decref(got);
    free(text);
}

static void every_error_comes_back_with_its_code_and_exit(void **state)
{
#define X(name, code, text) name,
    static const enum err all[] = {ERR_MAP(X)};
#undef X
    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct rpc_error sent;
        struct rpc_error got;
        json_t *result = NULL;
        char *text;
        rpc_error_set(&sent, all[i], "do this", "it failed at %d", 7);
        assert_in_range(sent.exit, EXIT_FAILED, EXIT_POLICY);
        text = rpc_error_text(3, &sent);
        assert_int_equal(rpc_reply_parse(bytes_str(text), &result, &got),
                         all[i]);
        assert_null(result);
        assert_int_equal(got.exit, sent.exit);
        assert_string_equal(got.what, "it failed at 7");
        assert_string_equal(got.why, err_text(all[i]));
        assert_string_equal(got.next, "do this");
        free(text);
    }
}

static void exits_follow_the_table(void **state)
{
    (void)state;
    assert_int_equal(rpc_exit_of(ERR_FUNDS), EXIT_FUNDS);
    assert_int_equal(rpc_exit_of(ERR_NOT_FOUND), EXIT_NOT_FOUND);
    assert_int_equal(rpc_exit_of(ERR_PASSPHRASE), EXIT_LOCKED);
    assert_int_equal(rpc_exit_of(ERR_NO_OFFER), EXIT_NO_OFFER);
    assert_int_equal(rpc_exit_of(ERR_NET), EXIT_UNREACHABLE);
    assert_int_equal(rpc_exit_of(ERR_TERMS), EXIT_POLICY);
    assert_int_equal(rpc_exit_of(ERR_CONFIG), EXIT_USAGE);
    assert_int_equal(rpc_exit_of(ERR_IO), EXIT_FAILED);
}

static void an_unknown_error_of_a_newer_node_is_still_an_error(void **state)
{
    struct rpc_error error = {0};
    json_t *result = NULL;
    (void)state;
    assert_int_equal(
        rpc_reply_parse(
            bytes_str("{\"id\":1,\"error\":{\"code\":\"ERR_NEW\",\"message\":"
                      "\"m\",\"why\":\"w\",\"next\":\"n\",\"exit\":6}}"),
            &result, &error),
        ERR_VERSION);
    assert_int_equal(error.exit, EXIT_NO_OFFER);
    assert_string_equal(error.what, "m");
}

static void replies_of_another_form_are_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "{\"id\":1}",
        "{\"result\":{}}",
        "{\"id\":1,\"error\":7}",
        "{\"id\":1,\"error\":{}}",
        "{\"id\":1,\"error\":{\"code\":1,\"message\":\"m\"}}",
        "{\"id\":1,\"result\":{},\"error\":{\"code\":\"ERR_IO\",\"message\":"
        "\"m\"}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct rpc_error error = {0};
        json_t *result = NULL;
        if (rpc_reply_parse(bytes_str(texts[i]), &result, &error) != ERR_PARSE)
            fail_msg("%s", texts[i]);
        assert_null(result);
        assert_int_equal(error.err, OK);
    }
}

static void an_answer_that_is_too_large_becomes_an_error(void **state)
{
    char *filler = malloc(RPC_BYTES_MAX + 1);
    json_t *sent;
    json_t *got = NULL;
    struct rpc_error error;
    char *text;
    (void)state;
    assert_non_null(filler);
    memset(filler, 'x', RPC_BYTES_MAX);
    filler[RPC_BYTES_MAX] = '\0';
    sent = json_pack("{s:s}", "a", filler);
    text = rpc_result_text(1, sent);
    assert_true(strlen(text) <= RPC_BYTES_MAX);
    assert_int_equal(rpc_reply_parse(bytes_str(text), &got, &error),
                     ERR_TOO_LARGE);
    json_decref(sent);
    free(text);
    free(filler);
}

static void an_error_of_any_bytes_reaches_its_reader(void **state)
{
    struct rpc_error error;
    struct rpc_error got;
    json_t *result = NULL;
    char *text;
    (void)state;
    rpc_error_set(&error, ERR_IO, NULL, "the file \xff\xfe is odd");
    text = rpc_error_text(1, &error);
    assert_non_null(text);
    assert_int_equal(rpc_reply_parse(bytes_str(text), &result, &got), ERR_IO);
    assert_string_equal(got.what, "the file ?? is odd");
    free(text);
}

static void bytes_travel_as_base64(void **state)
{
    uint8_t raw[256];
    struct buf out;
    (void)state;
    for (unsigned i = 0; i < 256; i++)
        raw[i] = (uint8_t)i;
    for (size_t len = 0; len <= sizeof(raw); len++) {
        json_t *value = rpc_json_bytes(bytes_make(raw, len));
        buf_init(&out, sizeof(raw));
        assert_int_equal(rpc_bytes_json(value, &out), OK);
        assert_int_equal(out.len, len);
        assert_true(len == 0 || memcmp(out.ptr, raw, len) == 0);
        buf_done(&out);
        json_decref(value);
    }
}

static void base64_has_one_spelling(void **state)
{
    static const char *const texts[] = {"A",
                                        "AA",
                                        "AAA",
                                        "AA=A",
                                        "AAAA=",
                                        "A A A A",
                                        "AA==\n",
                                        "AB==",
                                        "____",
                                        "=",
                                        "AAAA!",
                                        "\xc7\xbe"
                                        "EA"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        json_t *value = json_string(texts[i]);
        struct buf out;
        buf_init(&out, 64);
        if (rpc_bytes_json(value, &out) != ERR_PARSE)
            fail_msg("%s", texts[i]);
        assert_int_equal(out.len, 0);
        buf_done(&out);
        json_decref(value);
    }
}

static void bytes_of_another_type_or_size_are_refused(void **state)
{
    json_t *number = json_integer(7);
    json_t *text = json_string("AAAA");
    struct buf out;
    (void)state;
    buf_init(&out, 2);
    assert_int_equal(rpc_bytes_json(number, &out), ERR_TYPE);
    assert_int_equal(rpc_bytes_json(NULL, &out), ERR_TYPE);
    assert_int_equal(rpc_bytes_json(text, &out), ERR_TOO_LARGE);
    buf_done(&out);
    json_decref(number);
    json_decref(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_comes_back_as_it_went),
        cmocka_unit_test(absent_params_are_an_empty_object),
        cmocka_unit_test(requests_of_another_form_are_refused),
        cmocka_unit_test(a_text_beyond_the_limit_is_not_even_read),
        cmocka_unit_test(a_result_comes_back_as_it_went),
        cmocka_unit_test(every_error_comes_back_with_its_code_and_exit),
        cmocka_unit_test(exits_follow_the_table),
        cmocka_unit_test(an_unknown_error_of_a_newer_node_is_still_an_error),
        cmocka_unit_test(replies_of_another_form_are_refused),
        cmocka_unit_test(an_answer_that_is_too_large_becomes_an_error),
        cmocka_unit_test(an_error_of_any_bytes_reaches_its_reader),
        cmocka_unit_test(bytes_travel_as_base64),
        cmocka_unit_test(base64_has_one_spelling),
        cmocka_unit_test(bytes_of_another_type_or_size_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
