#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/sell/meter_child.h"

#define PATIENCE_MS 20000u
#define LIMIT_MS    60000u

/* A measuring program that is a script, as who wraps suan-meter has it. */
struct rig {
    uv_loop_t loop;
    uv_timer_t patience; /* ends what would hang */
    char script[64];
    pid_t helper; /* the process that the script started and told of */
    bool ended;
    enum err err;
    char why[200];
};

static void on_line(void *ctx, json_t *line)
{
    struct rig *rig = ctx;
    rig->helper = (pid_t)json_integer_value(json_object_get(line, "helper"));
    uv_stop(&rig->loop);
}

static void on_end(void *ctx, enum err err, const char *why)
{
    struct rig *rig = ctx;
    assert_false(rig->ended);
    rig->ended = true;
    rig->err = err;
    (void)snprintf(rig->why, sizeof(rig->why), "%s", why);
    uv_stop(&rig->loop);
}

static void on_patience(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void rig_open(struct rig *rig, const char *text)
{
    FILE *file;
    memset(rig, 0, sizeof(*rig));
    (void)snprintf(rig->script, sizeof(rig->script), "/tmp/suan-meter-XXXXXX");
    file = fdopen(mkstemp(rig->script), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(rig->script, 0700), 0);
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    assert_int_equal(uv_timer_init(&rig->loop, &rig->patience), 0);
    uv_timer_start(&rig->patience, on_patience, PATIENCE_MS, 0);
}

static struct meter_child *rig_start(struct rig *rig, uint64_t limit_ms)
{
    static const char *const args[] = {"--quick", NULL};
    struct meter_child_events events = {rig, on_line, on_end};
    struct meter_child *child = NULL;
    assert_int_equal(meter_child_start(&rig->loop, rig->script, args, limit_ms,
                                       &events, &child),
                     OK);
    return child;
}

/* Until it is told to have ended, or nothing comes for too long. */
static void rig_run(struct rig *rig)
{
    for (unsigned i = 0; i < 2 && !rig->ended; i++)
        (void)uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_true(rig->ended);
}

static void rig_close(struct rig *rig)
{
    uv_close((uv_handle_t *)&rig->patience, NULL);
    assert_int_equal(uv_run(&rig->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    assert_int_equal(unlink(rig->script), 0);
}

/* Who is gone may still wait to be buried. */
static bool is_gone(pid_t pid)
{
    char path[40];
    char state = 'Z';
    FILE *file;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    file = fopen(path, "r");
    if (file == NULL)
        return true;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 'Z';
    assert_int_equal(fclose(file), 0);
    return state == 'Z';
}

static bool goes(pid_t pid)
{
    assert_true(pid > 1);
    for (unsigned i = 0; i < PATIENCE_MS / 20; i++) {
        if (is_gone(pid))
            return true;
        assert_int_equal(usleep(20000), 0);
    }
    (void)kill(pid, SIGKILL);
    return false;
}

static void lines_come_and_then_the_end(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, "#!/bin/sh\necho '{\"helper\":7}'\nexit 3\n");
    (void)rig_start(&rig, LIMIT_MS);
    rig_run(&rig);
    assert_int_equal(rig.helper, 7);
    assert_int_equal(rig.err, ERR_PROOF);
    rig_close(&rig);
}

static void who_is_dropped_takes_its_helpers_along(void **state)
{
    struct rig rig;
    struct meter_child *child;
    (void)state;
    rig_open(&rig, "#!/bin/sh\nsleep 600 &\n"
                   "echo \"{\\\"helper\\\":$!}\"\nwait\n");
    child = rig_start(&rig, LIMIT_MS);
    (void)uv_run(&rig.loop, UV_RUN_DEFAULT);
    meter_child_drop(child);
    rig_close(&rig);
    assert_true(goes(rig.helper));
    assert_false(rig.ended);
}

static void who_takes_too_long_takes_its_helpers_along(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, "#!/bin/sh\nsleep 600 &\n"
                   "echo \"{\\\"helper\\\":$!}\"\nwait\n");
    (void)rig_start(&rig, 1000);
    rig_run(&rig);
    assert_int_equal(rig.err, ERR_TIMEOUT);
    rig_close(&rig);
    assert_true(goes(rig.helper));
}

static void who_ends_takes_its_helpers_along(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, "#!/bin/sh\nsleep 600 &\n"
                   "echo \"{\\\"helper\\\":$!}\"\nexit 0\n");
    (void)rig_start(&rig, LIMIT_MS);
    rig_run(&rig);
    assert_int_equal(rig.err, OK);
    rig_close(&rig);
    assert_true(goes(rig.helper));
}

/* It left the group, and holds the output: nothing more is to come. */
static void who_runs_away_does_not_hold_the_end_up(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, "#!/bin/sh\nsetsid sh -c "
                   "'echo \"{\\\"helper\\\":$$}\"; exec sleep 600' &\n"
                   "sleep 0.5\n");
    (void)rig_start(&rig, 1500);
    rig_run(&rig);
    assert_int_equal(rig.err, ERR_TIMEOUT);
    rig_close(&rig);
    assert_int_equal(kill(rig.helper, SIGKILL), 0);
}

static void who_is_not_there_is_told_later(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, "");
    assert_int_equal(chmod(rig.script, 0600), 0);
    (void)rig_start(&rig, LIMIT_MS);
    assert_false(rig.ended);
    (void)uv_run(&rig.loop, UV_RUN_DEFAULT);
    assert_true(rig.ended);
    assert_int_equal(rig.err, ERR_UNSUPPORTED);
    assert_non_null(strstr(rig.why, "cannot be started"));
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_and_then_the_end),
        cmocka_unit_test(who_is_dropped_takes_its_helpers_along),
        cmocka_unit_test(who_takes_too_long_takes_its_helpers_along),
        cmocka_unit_test(who_ends_takes_its_helpers_along),
        cmocka_unit_test(who_runs_away_does_not_hold_the_end_up),
        cmocka_unit_test(who_is_not_there_is_told_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
