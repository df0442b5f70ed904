#include "cli/file/tapefile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "{\"suan_market\": 1}\n"
#define KEY  "tsuan1ck3yrh2jgf0svx2x4xkdzcg9w9udgepzn0lyn04ljnz5g5ssdr9s2zylgt"
#define OFFER                                                                  \
    "{\"t\":5,\"offer\":{\"provider\":\"" KEY "\",\"name\":\"north\","         \
    "\"arch\":\"x86_64\",\"total\":{\"cpu_milli\":4000,\"mem_mib\":4096,"      \
    "\"disk_mib\":4096},\"slots_free\":4,\"time_ms_max\":3600000,\"price\":"   \
    "{\"cpu_hour_micro\":40000},\"grade\":{\"int_ops\":10,\"float_ops\":10,"   \
    "\"mem_bps\":10},\"labels\":{\"zone\":\"eu\"},\"rtt_us\":700}}\n"
#define ID "9d3c543e08a9d7f219342eaff9b11aae5221f49c2abcb9f959e2a552285b344a"
#define REQUEST                                                                \
    "{\"t\":9,\"request\":{\"id\":\"" ID "\",\"salt\":"                        \
    "\"f088c9c945781d8d4c9e07946421179e\",\"tasks\":2,\"cpu_milli\":1000,"     \
    "\"mem_mib\":64,\"disk_mib\":64,\"time_ms_max\":60000,\"policy\":"         \
    "\"composite\",\"policy_terms\":\"weight price=2,rtt=1; divide even; "     \
    "gang yes\",\"constraints\":[\"zone=eu\"],\"patience_ms\":5000}}\n"

static struct tape tape;
static char error[TAPEFILE_ERROR_MAX];

static enum err parse(const char *text)
{
    tape_done(&tape);
    error[0] = '\0';
    return tapefile_parse(bytes_str(text), "m.jsonl", &tape, error);
}

static void refuses(const char *text, const char *why)
{
    assert_int_equal(parse(text), ERR_PARSE);
    if (strstr(error, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error, why);
}

static void offers_and_requests_are_read_as_they_were(void **state)
{
    struct tape_result result;
    const struct request *q;
    json_t *row;
    (void)state;
    assert_int_equal(parse(HEAD OFFER REQUEST
                           "{\"t\":40,\"ran\":\"" ID "\",\"ms\":1234}\n"
                           "{\"t\":50,\"gone\":\"" KEY "\"}\n"),
                     OK);
    assert_int_equal(tape.event_count, 3);
    assert_int_equal(tape.offers[0].rtt_us, 700);
    assert_string_equal(tape.offers[0].offer.labels[0].value, "eu");
    q = &tape.requests[0].request;
    assert_int_equal(tape.requests[0].run_ms, 1234);
    assert_int_equal(q->policy, POLICY_COMPOSITE);
    assert_int_equal(q->terms.weights[PART_PRICE], 2);
    assert_int_equal(q->terms.divide, POLICY_DIVIDE_EVEN);
    assert_true(q->terms.gang);
    assert_int_equal(q->salt[0], 0xf0);
    assert_int_equal(q->expires_at_ms - q->created_at_ms, 5000);
    assert_int_equal(tape_play(&tape, NULL, 1, &result), OK);
    assert_int_equal(result.placed, 2);
    row = tapefile_result_json("recorded", &result);
    assert_int_equal(json_integer_value(json_object_get(row, "rtt_mean_us")),
                     700);
    assert_int_equal(
        json_integer_value(json_object_get(row, "hour_mean_micro")), 40000);
    json_decref(row);
}

/* One card, and two jobs of half a card each, then one of a whole one: that
 * waits until both have ended. */
static void devices_are_taken_and_given_back(void **state)
{
    struct tape_result result;
    (void)state;
    assert_int_equal(
        parse(HEAD
              "{\"t\":5,\"offer\":{\"provider\":\"" KEY "\",\"arch\":"
              "\"x86_64\",\"total\":{\"cpu_milli\":4000,\"mem_mib\":4096,"
              "\"disk_mib\":4096},\"slots_free\":4,\"devices\":[{\"kind\":"
              "\"gpu\",\"model\":\"a100\",\"count\":1,\"hour_micro\":9}],"
              "\"taints\":[\"gpu:refuse\"]}}\n"
              "{\"t\":9,\"request\":{\"id\":\"" ID "\",\"tasks\":2,"
              "\"cpu_milli\":100,\"mem_mib\":64,\"disk_mib\":64,\"devices\":"
              "\"gpu:0.5\",\"tolerate\":[\"gpu\"],\"run_ms\":1000}}\n"
              "{\"t\":10,\"request\":{\"id\":\"" ID "\",\"tasks\":1,"
              "\"cpu_milli\":100,\"mem_mib\":64,\"disk_mib\":64,\"devices\":"
              "\"gpu:a100\",\"tolerate\":[\"gpu\"],\"run_ms\":1000}}\n"),
        OK);
    assert_int_equal(tape_play(&tape, NULL, 1, &result), OK);
    assert_int_equal(result.placed, 3);
    assert_int_equal(result.wait_max_ms, 999);
    refuses(HEAD "{\"t\":4,\"offer\":{\"provider\":\"" KEY
                 "\",\"devices\":[{\"kind\":\"abacus\"}]}}\n",
            "no kind of device");
    refuses(HEAD "{\"t\":4,\"request\":{\"id\":\"" ID
                 "\",\"devices\":\"gpu:9:9:9\"}}\n",
            "no wish for devices");
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
    (void)state;
    refuses("", "m.jsonl:1: the file is empty");
    refuses("{}\n", "m.jsonl:1: this is no recorded market");
    refuses("{\"suan_market\": 2}\n", "m.jsonl:1: version 2 is not known");
    refuses(HEAD "{\"t\":1}\n", "m.jsonl:2: a line has an offer");
    refuses(HEAD "{\"offer\":{}}\n", "m.jsonl:2: a line has a time");
    refuses(HEAD "{\"t\":-1,\"offer\":{}}\n", "t is not a whole number");
    refuses(HEAD OFFER "{\"t\":4,\"gone\":\"" KEY "\"}\n", ":3: t goes back");
    refuses(HEAD "{\"t\":4,\"gone\":\"" KEY "\"}\n", "no offer of it was here");
    refuses(HEAD "{\"t\":4,\"offer\":{\"provider\":\"me\"}}\n",
            "provider is not an address");
    refuses(HEAD "{\"t\":4,\"request\":{\"id\":\"" ID "\",\"tasks\":0}}\n",
            "this is no request");
    refuses(HEAD "{\"t\":4,\"request\":{\"id\":\"" ID
                 "\",\"policy_terms\":\"speed warp\"}}\n",
            "no term of a policy");
    refuses(HEAD "[1]\n", "m.jsonl:2: a line is an object");
    refuses(HEAD "{\"t\":4\n", "m.jsonl:2: this is not JSON");
}

static void the_example_is_read(void **state)
{
    static char text[1 << 20];
    FILE *file =
        fopen(SUAN_SOURCE_DIR "/docs/examples/sched/market.jsonl", "re");
    size_t len;
    (void)state;
    assert_non_null(file);
    len = fread(text, 1, sizeof(text), file);
    fclose(file);
    tape_done(&tape);
    assert_int_equal(
        tapefile_parse(bytes_make(text, len), "m.jsonl", &tape, error), OK);
    assert_true(tape.request_count > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_and_requests_are_read_as_they_were),
        cmocka_unit_test(devices_are_taken_and_given_back),
        cmocka_unit_test(what_is_wrong_is_said_with_its_line),
        cmocka_unit_test(the_example_is_read),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tape_done(&tape);
    return failed;
}
