/* The grade: measured on a worker, kept as a record. */

#include "base/check.h"
#include "node/log.h"
#include "node/offering_inner.h"
#include "node/rpc_help.h"
#include "node/waiters.h"

#include <stdio.h>
#include <stdlib.h>

#define BENCH_ROUNDS     3u
#define GRADE_AGE_MAX_MS (UINT64_C(7) * 24 * 3600 * 1000)

enum err offering_load_grade(struct offering *offering, struct arena *arena,
                             struct buf *record)
{
    struct node *node = offering->node;
    struct mp_reader reader;
    struct grade grade;
    uint32_t spread;
    TRY(offering_load(offering, KEY_GRADE, record));
    if (record->len == 0)
        return OK;
    TRY(mp_open_message(&reader, buf_bytes(record), arena, 1, 1, 2));
    grade_decode(&reader, &grade);
    spread = (uint32_t)mp_get_uint_max(&reader, 1000);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    node->grade = grade;
    node->grade_spread_permille = spread;
    return OK;
}

static void run_bench(uv_work_t *req)
{
    struct offering *offering = (struct offering *)req->data;
    offering->measured_err =
        bench_run(offering->bench_dir, BENCH_ROUNDS, &offering->measured);
}

static void save_grade(struct offering *offering)
{
    struct node *node = offering->node;
    struct buf record;
    enum err err;
    buf_init(&record, 256);
    mp_put_message(&record, 1, 1, 2);
    grade_encode(&node->grade, &record);
    mp_put_uint(&record, node->grade_spread_permille);
    err = records_put(&node->records, KEY_GRADE, buf_bytes(&record));
    buf_done(&record);
    if (err != OK)
        log_odd("sell", "the measured speed cannot be kept: %s", err_text(err));
}

static void take_grade(struct offering *offering)
{
    struct node *node = offering->node;
    node->grade = offering->measured.grade;
    node->grade.measured_at_ms = node_wall_ms();
    node->grade_spread_permille = offering->measured.spread_permille;
    offering->bench.took_ms = offering->measured.took_ms;
    save_grade(offering);
    offering->changed = true;
    offering_configure(offering);
    log_info("sell", "measured: %llu integer operations, %llu FLOP/s a core",
             (unsigned long long)node->grade.int_ops,
             (unsigned long long)node->grade.float_ops);
}

static void after_bench(uv_work_t *req, int status)
{
    struct offering *offering = (struct offering *)req->data;
    CHECK(status == 0);
    if (offering->closed) {
        free(offering);
        return;
    }
    offering->bench.running = offering->node->benching = false;
    offering->bench.err = offering->measured_err;
    if (offering->measured_err == OK)
        take_grade(offering);
    else
        log_odd("sell", "this machine could not be measured: %s",
                err_text(offering->measured_err));
    waiters_poke(offering->node->waiters);
}

enum err offering_bench(struct node *node)
{
    struct offering *offering = node->offering;
    CHECK(offering != NULL);
    if (offering->bench.running)
        return ERR_BUSY;
    snprintf(offering->bench_dir, sizeof(offering->bench_dir), "%s",
             node->dir.path);
    offering->bench_req.data = offering;
    CHECK(uv_queue_work(node->loop, &offering->bench_req, run_bench,
                        after_bench) == 0);
    offering->bench.running = node->benching = true;
    return OK;
}

void offering_bench_get(const struct node *node,
                        struct offering_bench_result *out)
{
    CHECK(node->offering != NULL);
    *out = node->offering->bench;
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
        offering_bench(node) == OK)
        log_info("sell", "measuring this machine");
}
