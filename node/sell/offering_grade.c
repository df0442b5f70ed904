/* The grade: measured by a program of its own, kept as a record. */

#include "base/check.h"
#include "node/log.h"
#include "node/sell/offering_inner.h"
#include "node/control/rpc_help.h"
#include "node/control/waiters.h"
#include "sched/link/goodput.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRADE_AGE_MAX_MS (UINT64_C(7) * 24 * 3600 * 1000)
#define RECORD_VERSION   2
#define FIGURES          (METER_KERNEL_COUNT * 2u)

static struct bench_figure *figure_at(struct bench_result *result, unsigned i)
{
    return &result->figures[i / 2][i % 2];
}

/* Each figure's deviation in permille, one more; 0: there is none. */
static void put_deviations(struct bench_result *result, struct buf *out)
{
    mp_put_array(out, FIGURES);
    for (unsigned i = 0; i < FIGURES; i++) {
        const struct bench_figure *figure = figure_at(result, i);
        mp_put_uint(out, figure->kept ? figure->mad_permille + 1 : 0);
    }
}

static void get_deviations(struct mp_reader *reader,
                           struct bench_result *result)
{
    mp_enter_exact(reader, FIGURES);
    for (unsigned i = 0; i < FIGURES; i++) {
        struct bench_figure *figure = figure_at(result, i);
        uint64_t permille = mp_get_uint_max(reader, 1001);
        if (permille == 0)
            continue;
        figure->seen = figure->kept = true;
        figure->mad_permille = (uint32_t)permille - 1;
        figure->median = grade_rate(&result->grade, (enum meter_kernel)(i / 2),
                                    (enum meter_width)(i % 2));
        figure->mad = figure->median / 1000 * figure->mad_permille;
    }
    mp_leave(reader);
}

enum err offering_load_grade(struct offering *offering, struct arena *arena,
                             struct buf *record)
{
    struct node *node = offering->node;
    struct mp_reader reader;
    struct bench_result result;
    enum err err;
    memset(&result, 0, sizeof(result));
    node->grade.nominal_flops = config_nominal(&node->config);
    TRY(offering_load(offering, KEY_GRADE, record));
    if (record->len == 0)
        return OK;
    err = mp_open_message(&reader, buf_bytes(record), arena, 1, RECORD_VERSION,
                          3);
    if (err == ERR_VERSION)
        return OK; /* of other kernels: measured anew */
    TRY(err);
    grade_decode(&reader, &result.grade);
    result.took_ms = mp_get_uint(&reader);
    get_deviations(&reader, &result);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    result.grade.net_bps = 0; /* links bear it out, or they do not */
    offering->measured = result;
    node->grade = result.grade;
    node->grade.nominal_flops = config_nominal(&node->config);
    node->grade_spread_permille = bench_spread(&result);
    return OK;
}

static void save_grade(struct offering *offering)
{
    struct node *node = offering->node;
    struct buf record;
    enum err err;
    buf_init(&record, 1024);
    mp_put_message(&record, 1, RECORD_VERSION, 3);
    grade_encode(&node->grade, &record);
    mp_put_uint(&record, offering->measured.took_ms);
    put_deviations(&offering->measured, &record);
    err = records_put(&node->records, KEY_GRADE, buf_bytes(&record));
    buf_done(&record);
    if (err != OK)
        log_odd("sell", "the measured speed cannot be kept: %s", err_text(err));
}

static void tell_left_out(const struct bench_result *result)
{
    for (unsigned k = 0; k < METER_KERNEL_COUNT; k++) {
        for (unsigned w = 0; w < 2; w++) {
            const struct bench_figure *figure = &result->figures[k][w];
            const char *name = meter_row((enum meter_kernel)k)->name;
            if (!figure->seen || figure->kept)
                continue;
            if (figure->err != OK)
                log_odd("sell", "%s was not measured: %s (%s)", name,
                        err_text(figure->err), figure->note);
            else
                log_odd("sell",
                        "%s on %s is left out: its runs differ by %u per "
                        "mille; suan sell bench, when less runs here",
                        name, w == METER_ONE ? "one core" : "all cores",
                        figure->mad_permille);
        }
    }
}

static void take_grade(struct offering *offering,
                       const struct bench_result *result)
{
    struct node *node = offering->node;
    offering->measured = *result;
    offering->measured.grade.measured_at_ms = node_wall_ms();
    offering->measured.grade.nominal_flops = config_nominal(&node->config);
    offering->measured.grade.net_bps = node->grade.net_bps;
    node->grade = offering->measured.grade;
    node->grade_spread_permille = bench_spread(result);
    save_grade(offering);
    tell_left_out(result);
    offering->changed = true;
    offering_configure(offering);
    log_info(
        "sell", "measured: %llu FLOP/s in single precision on %u cores",
        (unsigned long long)grade_rate(&node->grade, METER_FP32, METER_ALL),
        node->grade.cores);
}

static void on_done(void *ctx, enum err err, const struct bench_result *result)
{
    struct offering *offering = ctx;
    offering->running = NULL;
    offering->bench.running = offering->node->benching = false;
    offering->bench.err = err;
    if (err == OK)
        take_grade(offering, result);
    else
        log_odd("sell", "this machine could not be measured: %s: %s",
                err_text(err), result->why);
    if (err != OK) {
        memcpy(offering->measured.why, result->why,
               sizeof(offering->measured.why));
        /* Without it the node sells, too: by what it has, not by how fast. */
        offering->changed = true;
    }
    waiters_poke(offering->node->waiters);
}

enum err offering_bench(struct node *node, bool quick)
{
    struct offering *offering = node->offering;
    struct bench_options options = {
        .loop = node->loop,
        .program = config_text(&node->config, CONFIG_meter_program),
        .dir = node->dir.path,
        .quick = quick,
        .ctx = offering,
        .on_done = on_done,
    };
    CHECK(offering != NULL);
    if (offering->running != NULL)
        return ERR_BUSY;
    TRY(bench_start(&options, &offering->running));
    offering->bench.running = node->benching = true;
    return OK;
}

void offering_net(struct node *node, uint64_t found_bps)
{
    struct offering *offering = node->offering;
    if (offering == NULL || !goodput_moved(node->grade.net_bps, found_bps))
        return;
    node->grade.net_bps = found_bps;
    offering->changed = true;
}

void offering_bench_get(const struct node *node,
                        struct offering_bench_result *out)
{
    const struct offering *offering = node->offering;
    CHECK(offering != NULL);
    *out = offering->bench;
    out->last = &offering->measured;
    if (offering->running != NULL)
        bench_progress_get(offering->running, &out->progress);
}

void offering_measure(struct offering *offering)
{
    struct node *node = offering->node;
    struct sell_capacity capacity;
    uint64_t at = node->grade.measured_at_ms;
    bool old = at == 0 || at + GRADE_AGE_MAX_MS < node_wall_ms();
    if (!old || !node->sell_wanted || offering->bench.running ||
        offering->bench.err != OK)
        return;
    sell_capacity(node->sell, &capacity);
    if ((at == 0 || capacity.running.cpu_milli == 0) &&
        offering_bench(node, true) == OK)
        log_info("sell", "measuring this machine");
}
