#ifndef SCHED_GRADE_H
#define SCHED_GRADE_H

/* A grade is what a machine measured of itself, and the one number by which
 * machines are compared: a weighted geometric mean of its kernels. A geometric
 * mean orders machines the same way whichever of them is called the reference.
 *
 * All of it is integer arithmetic on base-2 logarithms in 1/65536, so that
 * every node reaches the same order. */

#include <stdbool.h>
#include <stdint.h>

/* What the provider measured of itself, by kernels run at start (node/bench.h).
 * 0 = not measured, which is never treated as good. */
struct grade {
    uint64_t int_ops;   /* integer kernel, operations per second of one core */
    uint64_t float_ops; /* fp kernel, FLOP per second of one core */
    uint64_t mem_bps;   /* memory bandwidth, bytes per second */
    uint64_t disk_bps;  /* sequential write with sync, bytes per second */
    uint64_t measured_at_ms;
};

/* 65536 * log2(value) rounded down, at most one too small; value > 0 is
 * CHECKed. Exact for powers of two, and never falls when value grows. */
uint32_t grade_log2_q16(uint64_t value);

/* (2 log2(int_ops) + 2 log2(float_ops) + 1 log2(mem_bps)) / 5 in 1/65536: the
 * logarithm of the geometric mean. Disk does not count: it is not what a core
 * is rented for. False when one of the three was not measured, then
 * out_log2_q16 is untouched. */
bool grade_speed(const struct grade *grade, uint32_t *out_log2_q16);

/* A step is a sixteenth of a doubling, in 1/65536. */
#define GRADE_STEP_SHIFT 12

/* The same in steps of a sixteenth of a doubling (4.4 %): within a step two
 * machines are equally fast, for benchmarks repeat no better than that, and
 * the price decides. */
bool grade_step(const struct grade *grade, uint32_t *out_step);

#endif
