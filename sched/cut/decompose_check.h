#ifndef SCHED_CUT_DECOMPOSE_CHECK_H
#define SCHED_CUT_DECOMPOSE_CHECK_H

/* Looks at a decomposition and says whether it is one. Shares no code with what
 * makes them. */

#include "sched/cut/decompose.h"

/* ERR_STATE: a level is missing, or a cluster is empty or has a number that is
 *   none; ERR_PARTY: what is bound together is apart, or replicas meet;
 * ERR_RANGE: a cluster lies in two of the coarser level;
 * ERR_CAPACITY: there is no way to give every cluster a box of its own
 * cluster's box that it fits; ERR_PROOF: the cut is not what is told;
 * ERR_DEPTH: circles are told of wrongly, or clusters without any are not in a
 *   row;
 * ERR_NOMEM. */
MUST_USE enum err decompose_check(const struct cut_case *cut,
                                  const struct decomposition *d);

#endif
