#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/executors/sandbox/status.h"

#include <signal.h>

/* Wait statuses, as the kernel encodes them. */
#define EXITED(code) ((code) << 8)
#define KILLED(sig)  (sig)

static struct status settled(int wait_status, enum reason forced,
                             uint64_t oom_kills, bool disk_full)
{
    struct status status = {.phase = PHASE_RUNNING, .disk_full = disk_full};

    status.usage.oom_kills = oom_kills;
    status_settle(&status, wait_status, forced);
    assert_int_equal(status.phase, PHASE_FINISHED);
    return status;
}

static void the_reason_is_what_ended_it(void **state)
{
    (void)state;
    assert_int_equal(settled(EXITED(0), REASON_NONE, 0, false).reason,
                     REASON_EXIT);
    assert_int_equal(settled(EXITED(3), REASON_NONE, 0, false).reason,
                     REASON_EXIT);
    assert_int_equal(settled(KILLED(SIGKILL), REASON_NONE, 0, false).reason,
                     REASON_SIGNAL);
    assert_int_equal(settled(KILLED(SIGKILL), REASON_NONE, 1, false).reason,
                     REASON_OOM);
    assert_int_equal(settled(EXITED(1), REASON_NONE, 0, true).reason,
                     REASON_DISK);
    assert_int_equal(settled(EXITED(143), REASON_TIME, 1, true).reason,
                     REASON_TIME);
}

static void a_job_that_succeeds_did_not_fail_for_memory_or_disk(void **state)
{
    (void)state;
    assert_int_equal(settled(EXITED(0), REASON_NONE, 3, true).reason,
                     REASON_EXIT);
}

static void a_signal_counts_as_128_more(void **state)
{
    struct status status = settled(KILLED(SIGSEGV), REASON_NONE, 0, false);

    (void)state;
    assert_int_equal(status.exit_code, 128 + SIGSEGV);
    assert_int_equal(status.signal, SIGSEGV);
    status = settled(EXITED(128 + SIGTERM), REASON_NONE, 0, false);
    assert_int_equal(status.signal, SIGTERM);
    assert_int_equal(status.reason, REASON_SIGNAL);
    status = settled(EXITED(255), REASON_NONE, 0, false);
    assert_int_equal(status.signal, 0);
}

static void a_program_that_is_not_there_is_127_as_in_a_shell(void **state)
{
    (void)state;
    assert_int_equal(status_not_begun("ERROR (catatonit:2): failed to exec "
                                      "pid1: No such file or directory\n"),
                     127);
    assert_int_equal(status_not_begun("ERROR (catatonit:2): failed to exec "
                                      "pid1: Permission denied\n"),
                     126);
    assert_int_equal(status_not_begun("ERROR (catatonit:2): failed"), 0);
    assert_int_equal(status_not_begun("ls: No such file or directory\n"), 0);
    assert_int_equal(status_not_begun(""), 0);
}

static void what_is_written_reads_back_the_same(void **state)
{
    struct status status = {.phase = PHASE_FINISHED,
                            .reason = REASON_FAILED_TO_START,
                            .exit_code = -1,
                            .started_at_ms = 1795323349980,
                            .stdout_bytes = 1ull << 40,
                            .kill_reason = "because",
                            .has_fail = true};
    struct status again;
    json_t *value;

    (void)state;
    (void)fail_set(&status.fail, ERR_FULL, "a", "b", "c");
    value = status_encode(&status);
    assert_true(status_decode(value, &again));
    assert_int_equal(again.reason, REASON_FAILED_TO_START);
    assert_int_equal(again.exit_code, -1);
    assert_true(again.started_at_ms == 1795323349980);
    assert_true(again.stdout_bytes == 1ull << 40);
    assert_string_equal(again.kill_reason, "because");
    assert_int_equal(again.fail.err, ERR_FULL);
    assert_string_equal(again.fail.why, "c");
    json_decref(value);
}

static void figures_of_the_bill_are_rounded_up(void **state)
{
    struct status status = {.phase = PHASE_RUNNING};
    json_t *value;

    (void)state;
    status.usage.cpu_us = 1;
    status.usage.mem_peak = (1 << 20) + 1;
    value = status_encode(&status);
    assert_int_equal(json_integer_value(json_object_get(value, "cpu_ms")), 1);
    assert_int_equal(json_integer_value(json_object_get(value, "mem_peak_mib")),
                     2);
    json_decref(value);
}

static void what_is_no_status_changes_nothing(void **state)
{
    struct status status = {.exit_code = 77};
    json_t *value = json_pack("{s:s, s:s}", "phase", "gone", "reason", "exit");

    (void)state;
    assert_false(status_decode(value, &status));
    assert_false(status_decode(NULL, &status));
    assert_int_equal(status.exit_code, 77);
    json_decref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reason_is_what_ended_it),
        cmocka_unit_test(a_job_that_succeeds_did_not_fail_for_memory_or_disk),
        cmocka_unit_test(a_signal_counts_as_128_more),
        cmocka_unit_test(a_program_that_is_not_there_is_127_as_in_a_shell),
        cmocka_unit_test(what_is_written_reads_back_the_same),
        cmocka_unit_test(figures_of_the_bill_are_rounded_up),
        cmocka_unit_test(what_is_no_status_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
