#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/lab/swf.h"
#include "tests/unit/lab/data.h"

#define TAIL " -1 -1 -1 -1 -1 -1 -1\n" /* columns 12 to 18 */

static enum err parse(const char *text, struct swf *out,
                      char error[LAB_ERROR_MAX])
{
    return swf_parse(bytes_str(text), "a.swf", out, error);
}

static struct swf read_text(const char *text)
{
    char error[LAB_ERROR_MAX] = "";
    struct swf swf = {0};
    if (parse(text, &swf, error) != OK)
        fail_msg("%s", error);
    assert_string_equal(error, "");
    return swf;
}

static void jobs_are_as_the_lines_say(void **state)
{
    struct swf swf = read_text("; Computer: none\n"
                               ";MaxNodes: 64\n"
                               "; MaxProcs: 128 (of 130)\n"
                               "\n"
                               "  1 7 -1 20 4 3.75 -1 8 60 -1 1" TAIL
                               "2\t9 -1 5 2 -1 -1 2 5 -1 0" TAIL);
    (void)state;
    assert_int_equal(swf.procs, 128);
    assert_int_equal(swf.procs_most, 8);
    assert_int_equal(swf.job_count, 2);
    assert_int_equal(swf.left_out, 0);
    assert_int_equal(swf.jobs[0].submit_s, 7);
    assert_int_equal(swf.jobs[0].procs, 8);
    assert_int_equal(swf.jobs[0].run_ms, 20000);
    assert_int_equal(swf.jobs[0].limit_ms, 60000);
    assert_int_equal(swf.jobs[1].limit_ms, 5000);
    swf_done(&swf);
    swf = read_text("; MaxNodes: 64\r\n1 7 -1 20 4 -1 -1 8 60 -1 1 -1 -1 -1 -1 "
                    "-1 -1 -1\r\n");
    assert_int_equal(swf.procs, 64);
    swf_done(&swf);
}

static void what_is_not_known_is_taken_as_the_page_says(void **state)
{
    struct swf swf =
        read_text("1 0 -1 20 4 -1 -1 -1 -1 -1 1" TAIL /* no request */
                  "2 0 -1 20 4 -1 -1 0 0 -1 1" TAIL   /* nor here */
                  "3 0 -1 20 -1 -1 -1 4 10 -1 1" TAIL /* ran over it */
                  "4 0 -1 0 4 -1 -1 4 10 -1 1" TAIL   /* below a second */
                  "5 0 -1 0 4 -1 -1 4 10 -1 5" TAIL   /* never ran */
                  "6 0 -1 -1 4 -1 -1 4 10 -1 -1" TAIL /* how long? */
                  "7 0 -1 9 -1 -1 -1 -1 10 -1 1" TAIL /* on how many? */
                  "8 -1 -1 9 1 -1 -1 1 10 -1 1" TAIL  /* since when? */
                  "9 0 -1 20 4 -1 -1 4 10 -1 2" TAIL  /* a part */
                  "10 0 -1 30 4 -1 -1 4 40 -1 5" TAIL /* cancelled late */
        );
    (void)state;
    assert_int_equal(swf.procs, 0);
    assert_int_equal(swf.left_out, 5);
    assert_int_equal(swf.job_count, 5);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(swf.jobs[i].procs, 4);
        assert_int_equal(swf.jobs[i].limit_ms, 20000);
    }
    assert_int_equal(swf.jobs[3].run_ms, 1);
    assert_int_equal(swf.jobs[3].limit_ms, 10000);
    assert_int_equal(swf.jobs[4].run_ms, 30000);
    swf_done(&swf);
}

static void lines_are_sorted_and_equals_keep_their_order(void **state)
{
    enum { LINES = 3001 };
    struct buf text;
    struct swf swf;
    (void)state;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < LINES; i++)
        buf_addf(&text, "%d %d -1 %d 1 -1 -1 1 -1 -1 1" TAIL, i,
                 (i * 7919) % 500, i + 1);
    swf = read_text(buf_cstr(&text));
    assert_int_equal(swf.job_count, LINES);
    for (uint32_t i = 0; i < LINES; i++) {
        const struct swf_job *job = &swf.jobs[i];
        uint64_t line = job->run_ms / 1000 - 1;
        assert_int_equal(job->submit_s, line * 7919 % 500);
        if (i == 0)
            continue;
        assert_true(job[-1].submit_s <= job->submit_s);
        assert_true(job[-1].submit_s < job->submit_s ||
                    job[-1].run_ms < job->run_ms);
    }
    swf_done(&swf);
    buf_done(&text);
}

static void refused(const char *text, enum err err, const char *expected)
{
    struct swf swf = {.job_count = 77};
    char error[LAB_ERROR_MAX] = "";
    assert_int_equal(parse(text, &swf, error), err);
    if (strncmp(error, expected, strlen(expected)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", error, expected);
    assert_int_equal(swf.job_count, 77);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    refused("", ERR_PARSE, "a.swf:0: there is no job in it that ran");
    refused("; MaxProcs: 4\n", ERR_PARSE, "a.swf:1: there is no job");
    refused("; x\n1 0 -1 20 4\n", ERR_PARSE, "a.swf:2: 5 columns; a job");
    refused("1 1 0 -1 20 4 -1 -1 -1 -1 -1 1" TAIL, ERR_PARSE,
            "a.swf:1: 19 columns");
    refused("1 0 -1 20s 4 -1 -1 -1 -1 -1 1" TAIL, ERR_PARSE,
            "a.swf:1: column 4 is \"20s\", not a number");
    refused("1 0 - 20 4 -1 -1 -1 -1 -1 1" TAIL, ERR_PARSE,
            "a.swf:1: column 3 is \"-\"");
    refused("1 0 -1 20 4 -1 -1 -1 -1 -1 \x01zzzzzzzzzzzzzzzzzzzzzzzzzzzzz" TAIL,
            ERR_PARSE,
            "a.swf:1: column 11 is \"?zzzzzzzzzzzzzzzzzzzzzzz...\", not");
    refused("1 0 -1 -2 4 -1 -1 -1 -1 -1 1" TAIL, ERR_RANGE,
            "a.swf:1: column 4 is below -1");
    refused("1 0 -1 99999999999999999999999 4 -1 -1 -1 -1 -1 1" TAIL, ERR_RANGE,
            "a.swf:1: column 4 is more than 1000000000");
    refused("1 0 -1 1 1000000001 -1 -1 -1 -1 -1 1" TAIL, ERR_RANGE,
            "a.swf:1: column 5 is more than 1000000000");
}

static void the_example_can_be_read(void **state)
{
    char error[LAB_ERROR_MAX] = "";
    struct swf swf = {0};
    (void)state;
    if (swf_read(SUAN_SOURCE_DIR "/docs/examples/sched/night.swf", &swf,
                 error) != OK)
        fail_msg("%s", error);
    assert_int_equal(swf.procs, 8);
    assert_int_equal(swf.job_count, 10);
    assert_int_equal(swf.left_out, 1);
    swf_done(&swf);
    assert_int_equal(swf_read("/nowhere", &swf, error), ERR_NOT_FOUND);
}

static void a_packed_log_can_be_read(void **state)
{
    char path[DATA_PATH_MAX];
    char error[LAB_ERROR_MAX] = "";
    struct swf swf = {0};
    (void)state;
    if (!data_path("swf/NASA-iPSC-1993-3.1-cln.swf.gz", path)) {
        print_message("the log of NASA's iPSC is not here: skipped\n");
        skip();
    }
    if (swf_read(path, &swf, error) != OK)
        fail_msg("%s", error);
    assert_int_equal(swf.procs, 128);
    assert_int_equal(swf.procs_most, 128);
    assert_int_equal(swf.job_count, 18239);
    assert_int_equal(swf.left_out, 0);
    swf_done(&swf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_are_as_the_lines_say),
        cmocka_unit_test(what_is_not_known_is_taken_as_the_page_says),
        cmocka_unit_test(lines_are_sorted_and_equals_keep_their_order),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(the_example_can_be_read),
        cmocka_unit_test(a_packed_log_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
