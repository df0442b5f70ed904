#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sched/lab/replay_swf.h"
#include "tests/unit/lab/data.h"

#define TAIL " -1 -1 -1 -1 -1 -1 -1\n" /* columns 12 to 18 */

static struct swf read_text(const char *text)
{
    char error[LAB_ERROR_MAX] = "";
    struct swf swf = {0};
    if (swf_parse(bytes_str(text), "log", &swf, error) != OK)
        fail_msg("%s", error);
    return swf;
}

static struct replay_swf_config config_of(enum backfill_rule rule,
                                          uint32_t procs)
{
    return (struct replay_swf_config){.rule = rule,
                                      .procs = procs,
                                      .load_permille = 1000,
                                      .limit_permille = 1000};
}

static struct replay_swf_result run(const struct swf *swf,
                                    struct replay_swf_config config,
                                    uint64_t *starts)
{
    struct replay_swf_result result;
    assert_int_equal(replay_swf(swf, &config, starts, &result), OK);
    return result;
}

static void close_to(double here, double expected)
{
    if (fabs(here - expected) > 1e-9)
        fail_msg("%.12f is not %.12f", here, expected);
}

/* Ten processors; 6 for 100 s, then 8 for 100 s, then 4 for 50 s. */
#define BLOCKED                                                                \
    "; MaxProcs: 10\n"                                                         \
    "1 1000 -1 100 6 -1 -1 -1 -1 -1 1" TAIL                                    \
    "2 1010 -1 100 8 -1 -1 -1 -1 -1 1" TAIL                                    \
    "3 1020 -1  50 4 -1 -1 -1 -1 -1 1" TAIL

static void figures_are_those_of_a_sheet_of_paper(void **state)
{
    struct swf swf = read_text(BLOCKED);
    uint64_t starts[3];
    struct replay_swf_result r;
    (void)state;
    r = run(&swf, config_of(BACKFILL_FCFS, swf.procs), starts);
    assert_int_equal(starts[1], 100000);
    assert_int_equal(starts[2], 200000);
    assert_int_equal(r.jobs, 3);
    assert_int_equal(r.waited, 2);
    assert_int_equal(r.overtakers, 0);
    assert_int_equal(r.makespan_ms, 250000);
    assert_int_equal(r.wait_max_ms, 180000);
    assert_int_equal(r.wait_p95_ms, 180000);
    close_to(r.wait_mean_s, 90);
    close_to(r.slowdown_mean, (1 + 1.9 + 4.6) / 3);
    close_to(r.used, 1600 / 2500.0);
    assert_int_equal(r.decision_ns, 0); /* no clock was given */
    r = run(&swf, config_of(BACKFILL_EASY, swf.procs), starts);
    assert_int_equal(starts[1], 100000);
    assert_int_equal(starts[2], 20000);
    assert_int_equal(r.overtakers, 1);
    assert_int_equal(r.makespan_ms, 200000);
    close_to(r.wait_mean_s, 30);
    close_to(r.slowdown_mean, (1 + 1.9 + 1) / 3);
    close_to(r.used, 1600 / 2000.0);
    swf_done(&swf);
}

static void limits_loads_and_sizes_can_be_changed(void **state)
{
    struct swf swf = read_text(BLOCKED);
    struct replay_swf_config config = config_of(BACKFILL_EASY, 10);
    uint64_t starts[3];
    struct replay_swf_result r;
    (void)state;
    config.limit_permille = 3000; /* the third might take 150 s: too long? */
    (void)run(&swf, config, starts);
    assert_int_equal(starts[2], 20000); /* no: the first might take 300 s */
    config.load_permille = 10000;
    (void)run(&swf, config, starts);
    assert_int_equal(starts[2], 2000);
    config.procs = 7;
    r = run(&swf, config, starts);
    assert_int_equal(r.jobs, 2);
    assert_int_equal(r.too_large, 1);
    assert_true(starts[1] == PROFILE_NEVER);
    assert_int_equal(starts[2], 100000);
    config.jobs_max = 1;
    assert_int_equal(run(&swf, config, starts).jobs, 1);
    config.procs = 3;
    assert_int_equal(replay_swf(&swf, &config, NULL, &r), ERR_CAPACITY);
    config.procs = 0;
    assert_int_equal(replay_swf(&swf, &config, NULL, &r), ERR_RANGE);
    config = config_of(BACKFILL_EASY, 10);
    config.load_permille = 0;
    assert_int_equal(replay_swf(&swf, &config, NULL, &r), ERR_RANGE);
    swf_done(&swf);
}

static void a_short_job_is_not_slowed_down_below_the_bound(void **state)
{
    struct swf swf = read_text(
        "; MaxProcs: 1\n"
        "1 0 -1 4 1 -1 -1 -1 -1 -1 1" TAIL "2 0 -1 1 1 -1 -1 -1 -1 -1 1" TAIL
        "3 0 -1 1 1 -1 -1 -1 -1 -1 1" TAIL "4 0 -1 20 1 -1 -1 -1 -1 -1 1" TAIL);
    struct replay_swf_result r = run(&swf, config_of(BACKFILL_FCFS, 1), NULL);
    (void)state;
    close_to(r.slowdown_mean, (1 + 1 + 1 + 26 / 20.0) / 4);
    swf_done(&swf);
}

static void one_log_is_one_result(void **state)
{
    char error[LAB_ERROR_MAX] = "";
    struct swf swf = {0};
    (void)state;
    if (swf_read(SUAN_SOURCE_DIR "/docs/examples/sched/night.swf", &swf,
                 error) != OK)
        fail_msg("%s", error);
    for (size_t i = 0; backfill_rule_nth(i) != 0; i++) {
        struct replay_swf_config config =
            config_of(backfill_rule_nth(i), swf.procs);
        struct replay_swf_result once = run(&swf, config, NULL);
        struct replay_swf_result again = run(&swf, config, NULL);
        assert_int_equal(once.jobs, swf.job_count);
        assert_memory_equal(&once, &again, sizeof(once));
    }
    swf_done(&swf);
}

/* ---- NASA's iPSC/860, 1993; skipped where it is absent ---- */

static struct swf read_nasa(void)
{
    char path[DATA_PATH_MAX];
    char error[LAB_ERROR_MAX] = "";
    struct swf swf = {0};
    if (!data_path("swf/NASA-iPSC-1993-3.1-cln.swf.gz", path)) {
        print_message("the log of NASA's iPSC is not here: skipped\n");
        skip();
    }
    if (swf_read(path, &swf, error) != OK)
        fail_msg("%s", error);
    return swf;
}

/* First come, first served, from first principles: ends of those before, as a
 * plain list. */
static uint64_t *fcfs_plainly(const struct swf *swf, uint32_t procs,
                              uint32_t load_permille)
{
    uint64_t *starts = calloc(swf->job_count, sizeof(*starts));
    uint64_t now = 0;
    uint32_t oldest = 0;
    assert_non_null(starts);
    for (uint32_t i = 0; i < swf->job_count; i++) {
        uint64_t arrive =
            (swf->jobs[i].submit_s - swf->jobs[0].submit_s) * 1000;
        arrive = arrive * 1000 / load_permille;
        now = now < arrive ? arrive : now;
        for (;;) {
            uint64_t used = 0;
            uint64_t next = UINT64_MAX;
            while (oldest < i &&
                   starts[oldest] + swf->jobs[oldest].run_ms <= now)
                oldest++;
            for (uint32_t k = oldest; k < i; k++) {
                uint64_t end = starts[k] + swf->jobs[k].run_ms;
                used += end > now ? swf->jobs[k].procs : 0;
                next = end > now && end < next ? end : next;
            }
            if (used + swf->jobs[i].procs <= procs)
                break;
            now = next;
        }
        starts[i] = now;
    }
    return starts;
}

static void fcfs_on_a_real_log_is_one_after_the_other(void **state)
{
    struct swf swf = read_nasa();
    struct replay_swf_config config = config_of(BACKFILL_FCFS, swf.procs);
    uint64_t *plain = fcfs_plainly(&swf, swf.procs, 1600);
    uint64_t *starts = calloc(swf.job_count, sizeof(*starts));
    (void)state;
    assert_non_null(starts);
    config.load_permille = 1600;
    (void)run(&swf, config, starts);
    assert_memory_equal(starts, plain, swf.job_count * sizeof(*starts));
    free(starts);
    free(plain);
    swf_done(&swf);
}

/* As recorded hardly anybody waits, for the times are starts. Half as fast
 * again, those who backfill wait a fraction. The replay checks what was
 * promised. */
static void backfilling_shortens_the_waits_of_a_real_log(void **state)
{
    struct swf swf = read_nasa();
    (void)state;
    for (uint32_t limit = 1000; limit <= 3000; limit += 2000) {
        double wait[BACKFILL_SJF + 1];
        for (size_t i = 0; backfill_rule_nth(i) != 0; i++) {
            enum backfill_rule rule = backfill_rule_nth(i);
            struct replay_swf_config config = config_of(rule, swf.procs);
            struct replay_swf_result r = run(&swf, config, NULL);
            assert_int_equal(r.jobs, 18239);
            assert_true(r.waited < 100);
            assert_true(r.used > 0.46 && r.used < 0.47);
            config.load_permille = 1500;
            config.limit_permille = limit;
            wait[rule] = run(&swf, config, NULL).wait_mean_s;
        }
        assert_true(wait[BACKFILL_EASY] < wait[BACKFILL_FCFS] * 0.6);
        assert_true(wait[BACKFILL_CONSERVATIVE] < wait[BACKFILL_FCFS] * 0.7);
    }
    swf_done(&swf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_of_a_sheet_of_paper),
        cmocka_unit_test(limits_loads_and_sizes_can_be_changed),
        cmocka_unit_test(a_short_job_is_not_slowed_down_below_the_bound),
        cmocka_unit_test(one_log_is_one_result),
        cmocka_unit_test(fcfs_on_a_real_log_is_one_after_the_other),
        cmocka_unit_test(backfilling_shortens_the_waits_of_a_real_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
