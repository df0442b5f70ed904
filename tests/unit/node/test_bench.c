#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/sell/bench.h"

/* ---- lines ---- */

static bool line(struct bench_result *result, const char *text)
{
    json_t *object = json_loads(text, 0, NULL);
    bool ok;
    assert_non_null(object);
    ok = bench_line(result, object);
    json_decref(object);
    return ok;
}

static void figures_that_repeat_enter_the_grade(void **state)
{
    struct bench_result result;
    (void)state;
    memset(&result, 0, sizeof(result));
    assert_true(line(&result, "{\"event\":\"kernel\",\"kernel\":\"fp32\","
                              "\"width\":\"all\",\"median\":900,\"mad\":45,"
                              "\"mad_permille\":50,\"error\":0}"));
    assert_true(line(&result, "{\"event\":\"end\",\"cores\":2,"
                              "\"quick\":true,\"took_ms\":7}"));
    assert_int_equal(grade_rate(&result.grade, METER_FP32, METER_ALL), 900);
    assert_int_equal(result.grade.source, METRIC_MEASURED);
    assert_int_equal(result.grade.cores, 2);
    assert_true(result.grade.quick);
    assert_int_equal(bench_spread(&result), 50);
}

static void figures_that_do_not_are_told_and_left_out(void **state)
{
    struct bench_result result;
    (void)state;
    memset(&result, 0, sizeof(result));
    /* What the line says of it does not count. */
    assert_true(line(&result, "{\"event\":\"kernel\",\"kernel\":\"sort\","
                              "\"width\":\"one\",\"median\":900,\"mad\":46,"
                              "\"mad_permille\":51,\"kept\":true,"
                              "\"error\":0}"));
    assert_true(result.figures[METER_SORT][METER_ONE].seen);
    assert_false(result.figures[METER_SORT][METER_ONE].kept);
    assert_int_equal(result.grade.int_ops, 0);
    assert_int_equal(bench_spread(&result), 0);
}

static void lines_that_cannot_be_are_refused(void **state)
{
    static const char *const bad[] = {
        "{\"event\":\"kernel\"}",
        "{\"event\":\"kernel\",\"kernel\":\"fp16\",\"width\":\"one\","
        "\"median\":1,\"mad\":0,\"mad_permille\":0,\"error\":0}",
        "{\"event\":\"kernel\",\"kernel\":\"fp32\",\"width\":\"two\","
        "\"median\":1,\"mad\":0,\"mad_permille\":0,\"error\":0}",
        "{\"event\":\"kernel\",\"kernel\":\"disk\",\"width\":\"all\","
        "\"median\":1,\"mad\":0,\"mad_permille\":0,\"error\":0}",
        "{\"event\":\"kernel\",\"kernel\":\"fp32\",\"width\":\"one\","
        "\"median\":-1,\"mad\":0,\"mad_permille\":0,\"error\":0}",
        "{\"event\":\"kernel\",\"kernel\":\"fp32\",\"width\":\"one\","
        "\"median\":1,\"mad\":0,\"mad_permille\":1001,\"error\":0}",
        "{\"event\":\"end\",\"cores\":0,\"took_ms\":1}",
        "{\"event\":\"end\",\"cores\":99999999,\"took_ms\":1}",
    };
    struct bench_result result;
    (void)state;
    memset(&result, 0, sizeof(result));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(line(&result, bad[i]));
    assert_true(line(&result, "{\"event\":\"of a later version\"}"));
}

/* ---- programs, as a node meets them ---- */

struct meeting {
    uv_loop_t loop;
    char program[64];
    bool done;
    enum err err;
    struct bench_result result;
};

static void on_done(void *ctx, enum err err, const struct bench_result *result)
{
    struct meeting *meeting = ctx;
    meeting->done = true;
    meeting->err = err;
    meeting->result = *result;
}

static struct bench *begin(struct meeting *meeting, const char *script)
{
    struct bench_options options = {.loop = &meeting->loop,
                                    .program = meeting->program,
                                    .dir = "/tmp",
                                    .quick = true,
                                    .ctx = meeting,
                                    .on_done = on_done};
    struct bench *bench = NULL;
    int fd;
    FILE *file;
    memset(meeting, 0, sizeof(*meeting));
    snprintf(meeting->program, sizeof(meeting->program),
             "/tmp/suan-test-bench-XXXXXX");
    fd = mkstemp(meeting->program);
    assert_true(fd >= 0);
    file = fdopen(fd, "w");
    fprintf(file, "#!/bin/sh\n%s\n", script);
    assert_int_equal(fchmod(fd, 0700), 0);
    fclose(file);
    assert_int_equal(uv_loop_init(&meeting->loop), 0);
    assert_int_equal(bench_start(&options, &bench), OK);
    assert_false(meeting->done); /* never from inside */
    return bench;
}

static void end(struct meeting *meeting)
{
    assert_int_equal(uv_run(&meeting->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&meeting->loop), 0);
    unlink(meeting->program);
}

#define END_LINE                                                               \
    "echo '{\"event\":\"end\",\"cores\":2,\"quick\":true,\"took_ms\":7}'"

static void a_program_that_says_its_end_is_believed(void **state)
{
    struct meeting m;
    (void)state;
    begin(&m, "[ \"$1 $2 $3\" = '--dir /tmp --quick' ] || exit 9\n" END_LINE);
    end(&m);
    assert_true(m.done);
    assert_int_equal(m.err, OK);
    assert_int_equal(m.result.took_ms, 7);
}

static void a_program_that_is_cut_short_is_not(void **state)
{
    struct meeting m;
    (void)state;
    begin(&m, "exit 0");
    end(&m);
    assert_int_equal(m.err, ERR_CORRUPT);
    begin(&m, END_LINE "\nexit 1");
    end(&m);
    assert_int_equal(m.err, ERR_UNSUPPORTED);
    assert_string_equal(m.result.why,
                        "it ended with code 1; its words are in the log");
    begin(&m, "kill -9 $$");
    end(&m);
    assert_int_equal(m.err, ERR_UNSUPPORTED);
    assert_string_equal(m.result.why, "it was killed by signal 9");
}

static void a_program_that_is_not_there_is_told_of(void **state)
{
    struct meeting m;
    (void)state;
    begin(&m, "");
    end(&m);
    {
        struct bench_options options = {.loop = &m.loop,
                                        .program = "/nowhere/suan-meter",
                                        .dir = "/tmp",
                                        .ctx = &m,
                                        .on_done = on_done};
        struct bench *bench;
        m.done = false;
        assert_int_equal(uv_loop_init(&m.loop), 0);
        assert_int_equal(bench_start(&options, &bench), OK);
        assert_false(m.done);
        end(&m);
    }
    assert_true(m.done);
    assert_int_equal(m.err, ERR_UNSUPPORTED);
    assert_non_null(strstr(m.result.why, "/nowhere/suan-meter cannot be"));
}

static void a_program_that_babbles_takes_no_memory(void **state)
{
    struct meeting m;
    (void)state;
    begin(&m, "head -c 3000000 /dev/zero | tr '\\0' x\necho\n"
              "yes '{\"event\":\"kernel\"}' | head -n 20000\n" END_LINE);
    end(&m);
    assert_int_equal(m.err, ERR_CORRUPT);
}

static void a_cancelled_bench_says_nothing_and_leaves_nobody(void **state)
{
    struct meeting m;
    struct bench *bench;
    (void)state;
    bench = begin(&m, "exec sleep 600");
    bench_cancel(bench);
    end(&m); /* would wait for it otherwise */
    assert_false(m.done);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_that_repeat_enter_the_grade),
        cmocka_unit_test(figures_that_do_not_are_told_and_left_out),
        cmocka_unit_test(lines_that_cannot_be_are_refused),
        cmocka_unit_test(a_program_that_says_its_end_is_believed),
        cmocka_unit_test(a_program_that_is_cut_short_is_not),
        cmocka_unit_test(a_program_that_is_not_there_is_told_of),
        cmocka_unit_test(a_program_that_babbles_takes_no_memory),
        cmocka_unit_test(a_cancelled_bench_says_nothing_and_leaves_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
