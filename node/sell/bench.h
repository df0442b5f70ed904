#ifndef NODE_BENCH_H
#define NODE_BENCH_H

/* What this machine can do, measured by kernels (sched/meter/kernel.h), so that
 * "fastest" is a fact and not a claim. suan-meter does it (node/meter), a
 * program of its own; here it is started and its figures are put together.
 *
 * Quick takes about three seconds, full half a minute, of a machine that does
 * nothing else; processor kernels are timed by processor time, so on a busy one
 * it takes longer and finds the same. A figure whose runs do not repeat within
 * 5 % (sched/meter/median.h) is told and does not enter the grade. */

#include "market/offer.h"
#include "node/sell/meter_child.h"
#include "sched/meter/median.h"

struct bench_figure {
    bool seen;
    bool kept; /* it is in the grade */
    uint64_t median;
    uint64_t mad;
    uint32_t mad_permille;
    enum err err; /* why there is none */
    char note[120];
};
struct bench_result {
    struct grade grade; /* measured_at_ms and nominal_flops are the caller's */
    struct bench_figure figures[METER_KERNEL_COUNT][2]; /* by meter_width */
    uint64_t took_ms;
    char why[200]; /* of a bench that failed */
};
/* The largest deviation of those that are kept, permille. */
uint32_t bench_spread(const struct bench_result *result);

struct bench_progress {
    enum meter_kernel kernel;
    enum meter_width width;
    uint32_t step; /* of steps */
    uint32_t steps;
};

struct bench;
struct bench_options {
    uv_loop_t *loop;
    const char *program; /* a path, or a name: beside suand, then in PATH */
    const char *dir;     /* the disk is measured there */
    bool quick;
    void *ctx;
    /* ERR_UNSUPPORTED (result->why says what), ERR_TIMEOUT, ERR_CORRUPT (it
     * said what cannot be read). result is lent; the bench is gone. */
    void (*on_done)(void *ctx, enum err err, const struct bench_result *result);
};
/* ERR_NOMEM; all else is told by on_done, never from inside. */
MUST_USE enum err bench_start(const struct bench_options *options,
                              struct bench **out);
void bench_progress_get(const struct bench *bench, struct bench_progress *out);
/* Ends it; on_done does not come. NULL is fine. */
void bench_cancel(struct bench *bench);

/* A line of the program into the result: "kernel" and "end" lines are taken,
 * others passed over. False: it cannot be what the program says. Pure. */
bool bench_line(struct bench_result *result, json_t *line);

#endif
