#ifndef TESTS_ORACLE_SCORE_ROWS_H
#define TESTS_ORACLE_SCORE_ROWS_H

/* The score of sched/graph/plan_score.h as the aim of a programme, without its
 * roundings. With n nodes and m links that have a capacity:
 *
 *   use[v]          sum of x[u,v] * want / capacity; with several dimensions
 *                   the largest, which one is chosen by top[v,r]
 *   off[v]          at least use[v] - mean and mean - use[v]
 *   off[e]          the same of links; their use is the sum of f * bandwidth
 *   on[v], power[v] something is reserved; above all lines of its curve
 *   at[k,v]         steps from the begin of link k: a path has no circle apart
 *                   from it, which would even out the use of links
 *
 * Minimised: the weighted sum of mean off[v], mean off[e], and power over power
 * at full load. Curves must be convex (CHECKed), then the lines are the curve.
 */

#include "tests/oracle/programme.h"

/* Before the first row is written. */
void score_columns(struct programme *p, const struct plan_weights *weights);
void score_rows(struct programme *p);

#endif
