/* The loop's meter: work counts, waiting does not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "node/loop_meter.h"

struct bench {
    uv_loop_t loop;
    uv_timer_t timer;
    struct loop_meter meter;
    unsigned work_ms;
    unsigned sleep_ms;
};

static int setup(void **state)
{
    static struct bench bench;
    bench = (struct bench){.work_ms = 0};
    *state = &bench;
    if (uv_loop_init(&bench.loop) != 0)
        return -1;
    loop_meter_count_waits(&bench.loop);
    bench.timer.data = &bench;
    return uv_timer_init(&bench.loop, &bench.timer);
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    loop_meter_close(&bench->meter);
    uv_close((uv_handle_t *)&bench->timer, NULL);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    return uv_loop_close(&bench->loop);
}

static void on_timer(uv_timer_t *timer)
{
    struct bench *bench = timer->data;
    uint64_t until = uv_hrtime() + (uint64_t)bench->work_ms * 1000000;
    uv_sleep(bench->sleep_ms);
    while (uv_hrtime() < until)
        ;
}

/* One turn that works, or is held up, as told, after a wait of 300 ms. */
static void run(struct bench *bench)
{
    loop_meter_open(&bench->meter, &bench->loop);
    for (unsigned wait_ms = 1; wait_ms <= 300; wait_ms += 299) {
        uv_timer_start(&bench->timer, on_timer, wait_ms, 0);
        uv_run(&bench->loop, UV_RUN_DEFAULT);
    }
    uv_timer_start(&bench->timer, on_timer, 1, 0); /* the turn after */
    bench->work_ms = bench->sleep_ms = 0;
    uv_run(&bench->loop, UV_RUN_DEFAULT);
}

static void waiting_for_events_is_no_stall(void **state)
{
    struct bench *bench = *state;
    run(bench);
    assert_true(bench->meter.worst_us < 300000);
}

static void work_is_measured(void **state)
{
    struct bench *bench = *state;
    bench->work_ms = 30;
    run(bench);
    assert_true(bench->meter.worst_us >= 29000);
    assert_true(bench->meter.most_cpu_us >= 1000); /* others may run here */
    assert_true(bench->meter.worst_at_ms > 0);
}

static void being_held_up_is_no_work_but_a_stall(void **state)
{
    struct bench *bench = *state;
    bench->sleep_ms = 210;
    run(bench);
    assert_true(bench->meter.worst_us >= 209000);
    assert_true(bench->meter.worst_cpu_us < 100000);
    assert_true(bench->meter.stalls >= 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(waiting_for_events_is_no_stall),
        T(work_is_measured),
        T(being_held_up_is_no_work_but_a_stall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
