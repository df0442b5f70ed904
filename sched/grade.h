#ifndef SCHED_GRADE_H
#define SCHED_GRADE_H

/* A grade is what a machine measured of itself, the measured vector that its
 * offers carry, and the one number by which machines are compared: a weighted
 * geometric mean of its kernels. A geometric mean orders machines the same way
 * whichever of them is called the reference. sched/meter/rating.h has the
 * composites by class of work.
 *
 * All of it is integer arithmetic on base-2 logarithms in 1/65536, so that
 * every node reaches the same order. */

#include <stdbool.h>
#include <stdint.h>

#include "sched/cfn/metric.h"
#include "sched/meter/kernel.h"

/* What the provider measured of itself, by kernels run at start
 * (node/sell/bench.h). All are rates; 0 = not measured, which is never treated
 * as good. */
struct grade {
    uint64_t int_ops;   /* METER_SORT on one core */
    uint64_t float_ops; /* METER_FP64 on one core */
    uint64_t mem_bps;   /* METER_TRIAD on one core */
    uint64_t disk_bps;  /* METER_DISK */
    uint64_t measured_at_ms;
    /* Where the figures come from. METRIC_NOMINAL: nobody measured, so no
     * policy counts them. */
    enum metric_source source;
    bool quick;             /* by the short runs, not the full ones */
    uint32_t cores;         /* that METER_ALL is of */
    uint64_t nominal_flops; /* FP32 of the data sheet, declared: shown beside
                               what was measured and never in its place */
    uint64_t sha256_bps;    /* one core, as the next three */
    uint64_t fp32_ops;
    uint64_t int8_ops;
    uint64_t chase_ops;
    uint64_t disk_iops;                /* METER_DISK4K */
    uint64_t net_bps;                  /* METER_NET */
    uint64_t all[METER_SCALING_COUNT]; /* all cores at once, by kernel */
};

#define GRADE_CORES_MAX 65536u

/* A figure of the vector; METER_ALL of a kernel that does not scale is that of
 * METER_ONE. 0 = not measured. */
uint64_t grade_rate(const struct grade *grade, enum meter_kernel kernel,
                    enum meter_width width);
void grade_rate_set(struct grade *grade, enum meter_kernel kernel,
                    enum meter_width width, uint64_t rate);
/* Somebody measured, and did not only declare. */
static inline bool grade_is_measured(const struct grade *grade)
{
    return grade->source != METRIC_NOMINAL;
}
/* Each figure the lesser of the two: what was declared, unless an audit found
 * less. What the audit did not look at (0) stays. */
void grade_bound(struct grade *grade, const struct grade *audited);

/* 65536 * log2(value) rounded down, at most one too small; value > 0 is
 * CHECKed. Exact for powers of two, and never falls when value grows. */
uint32_t grade_log2_q16(uint64_t value);

/* (2 log2(int_ops) + 2 log2(float_ops) + 1 log2(mem_bps)) / 5 in 1/65536: the
 * logarithm of the geometric mean. Disk does not count: it is not what a core
 * is rented for. False when one of the three was not measured, or all only
 * declared, then out_log2_q16 is untouched. */
bool grade_speed(const struct grade *grade, uint32_t *out_log2_q16);

/* A step is a sixteenth of a doubling, in 1/65536. */
#define GRADE_STEP_SHIFT 12

/* The same in steps of a sixteenth of a doubling (4.4 %): within a step two
 * machines are equally fast, for benchmarks repeat no better than that, and
 * the price decides. */
bool grade_step(const struct grade *grade, uint32_t *out_step);

#endif
