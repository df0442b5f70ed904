#ifndef SCHED_FIGURE_H
#define SCHED_FIGURE_H

/* A figure is one number of a candidate that a policy may go by. */

#include "sched/candidate.h"
#include "sched/policy_terms.h"

/* 2^16 log2 of a speed: SPEED_MEAN's as grade_speed has it; of a class the
 * composite of its kernels in times of the reference machine (sched/meter/
 * rating.h), above FIGURE_RATING_ONE. False when not all of it was measured;
 * then out is unspecified. */
#define FIGURE_RATING_ONE (INT32_C(32) << 16)
bool figure_speed(const struct grade *grade, enum speed_class class_,
                  uint64_t *out);
/* The largest of used / total over the dimensions, in millionths rounded down,
 * at most 10^6, with `want` more on it; want NULL: as it is. */
uint32_t figure_load(const struct candidate *candidate,
                     const struct resources *want);
/* Is nothing on it? */
bool figure_idle(const struct candidate *candidate);
/* What the asker's tasks use of the way between it and the candidate, in
 * millionths of what was measured, rounded down, at most 10^6, with `want` more
 * on it; want NULL: as it is. False when the way was not measured; then out is
 * unspecified. */
bool figure_way(const struct candidate *candidate, const struct resources *want,
                uint32_t *out);
/* What a task adds to the draw, and what is drawn at full load, in mW, by the
 * labels watts-idle and watts-full: whole watts at no and at full load, up to
 * 100,000. A machine with nothing on it counts as off. False when they are not
 * told or make no sense; then nothing is written. */
bool figure_energy(const struct candidate *candidate,
                   const struct resources *want, uint64_t *out_added_mw,
                   uint64_t *out_full_mw);
/* The figure of that part, as the terms have it: less is better but of a speed.
 * False when it is not known; then out is unspecified. */
bool figure_get(const struct candidate *candidate, enum policy_part part,
                const struct resources *want, const struct policy_terms *terms,
                uint64_t *out);
/* Appends the figure with its unit, for people. class_: of a speed; its mean is
 * shown as a rate, right to a tenth, a class as times of the reference machine.
 */
void figure_format(enum policy_part part, enum speed_class class_,
                   uint64_t value, struct buf *out);

#endif
