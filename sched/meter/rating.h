#ifndef SCHED_METER_RATING_H
#define SCHED_METER_RATING_H

/* A rating brings a machine's figures onto one scale: the ratio of each to that
 * of the frozen reference machine (sched/meter/kernel.h), a composite for each
 * class of ability, one for computing, and one of computing, storage and
 * network together. Composites are geometric means, which order machines the
 * same way whichever of them is the reference.
 *
 *   class     sum of weight * log2(rate / reference) over its kernels / weights
 *   compute   (logic + parallel + neural) / 3
 *   whole     (compute + storage + network) / 3
 *
 * Ratios are kept as base-2 logarithms in 1/65536 and rounded down, in
 * integers: every node finds the same. A composite of which one figure is not
 * known is not known. */

#include "sched/grade.h"
#include "sched/meter/kernel.h"

struct rating_part {
    bool known;
    int32_t log2_q16; /* 0 is the reference machine; 65536 twice as fast */
};

struct rating {
    struct rating_part kernel[METER_KERNEL_COUNT];
    struct rating_part class[METER_CLASS_COUNT];
    struct rating_part compute;
    struct rating_part whole;
};

/* Of one core, or of all of them; kernels that do not scale count the same in
 * both. */
void rating_of(const struct grade *grade, enum meter_width width,
               struct rating *out);

/* The composite of one class, of one core, as rating_of has it. False when a
 * figure of it is not known or only declared, then out is untouched. */
bool rating_class(const struct grade *grade, enum meter_class class,
                  int32_t *out_log2_q16);

/* How fast one core is at one class of work, as policies compare it: like
 * grade_step, in steps of a sixteenth of a doubling, 0 for 2^-32 of the
 * reference machine or less. False when a figure of the class is not known or
 * only declared, then out_step is untouched. */
bool rating_step(const struct grade *grade, enum meter_class class,
                 uint32_t *out_step);

/* The logarithm as thousandths of the reference machine: 0 -> 1000, 65536 ->
 * 2000; at most UINT64_MAX, right to about seven digits. */
uint64_t rating_permille(int32_t log2_q16);

/* Level L2 of CATS, one byte 0..10: 0 up to a sixteenth of the reference
 * machine, 10 from 64 times on, one more for each doubling between. The bounds
 * are fixed, so scores of different sellers and years can be compared. */
#define RATING_SCORE_LEAST (-4 * 65536)
#define RATING_SCORE_MOST  10u
uint8_t rating_score(int32_t log2_q16);

#endif
