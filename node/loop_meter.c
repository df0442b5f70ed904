#include "node/loop_meter.h"

#include "base/check.h"
#include "node/log.h"
#include "node/control/rpc_help.h"

#include <time.h>

static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void measured(struct loop_meter *meter, uint64_t busy_us,
                     uint64_t cpu_us)
{
    if (busy_us > meter->worst_us) {
        meter->worst_us = busy_us;
        meter->worst_cpu_us = cpu_us;
        meter->worst_at_ms = node_wall_ms();
    }
    if (cpu_us > meter->most_cpu_us)
        meter->most_cpu_us = cpu_us;
    if (busy_us <= LOOP_STALL_MS * UINT64_C(1000))
        return;
    meter->stalls++;
    log_odd("node", "the loop was away for %llu ms, %llu ms of them working",
            (unsigned long long)(busy_us / 1000),
            (unsigned long long)(cpu_us / 1000));
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct loop_meter *meter = prepare->data;
    uint64_t now = uv_hrtime();
    uint64_t idle = uv_metrics_idle_time(prepare->loop);
    uint64_t cpu = cpu_ns();
    uint64_t turn = now - meter->turn_ns;
    uint64_t waited = idle - meter->idle_ns;
    if (meter->turn_ns != 0 && turn > waited)
        measured(meter, (turn - waited) / 1000, (cpu - meter->cpu_ns) / 1000);
    meter->turn_ns = now;
    meter->cpu_ns = cpu;
    meter->idle_ns = idle;
}

void loop_meter_count_waits(uv_loop_t *loop)
{
    CHECK(uv_loop_configure(loop, UV_METRICS_IDLE_TIME) == 0);
}

void loop_meter_open(struct loop_meter *meter, uv_loop_t *loop)
{
    CHECK(uv_prepare_init(loop, &meter->prepare) == 0);
    meter->prepare.data = meter;
    uv_prepare_start(&meter->prepare, on_prepare);
    uv_unref((uv_handle_t *)&meter->prepare);
    meter->open = true;
}

void loop_meter_close(struct loop_meter *meter)
{
    if (meter->open)
        uv_close((uv_handle_t *)&meter->prepare, NULL);
    meter->open = false;
}
