#ifndef SCHED_CUT_CUT_EXACT_H
#define SCHED_CUT_CUT_EXACT_H

/* The least cut there is, of few units: looks at every way to put them into
 * parts, and turns back where the cut is no less than the best so far, where a
 * part fits no box, or where parts make a circle. */

#include "sched/cut/coarse.h"
#include "sched/cut/decompose.h"

/* in/out: part, k and cut are a way that is known (k parts, numbered from 0);
 * replaced where there is a cheaper one, or one as cheap with fewer parts.
 * Every unit by itself fits a box (CHECKed); where ordered, the graph has no
 * circle. Where `ordered`, parts are not in a row afterwards.
 *
 * steps   parts tried for units, at most; *out_proven: they were enough
 * Nothing fails. */
void cut_exact(const struct coarse *g, const struct cut_boxes *boxes,
               bool ordered, uint64_t steps, uint32_t *part, uint32_t *k,
               uint64_t *cut, bool *out_proven);

#endif
