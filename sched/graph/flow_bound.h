#ifndef SCHED_GRAPH_FLOW_BOUND_H
#define SCHED_GRAPH_FLOW_BOUND_H

/* What no timetable of a case beats. */

#include "sched/graph/flowcase.h"

/* No timetable ends before this, the largest of: the earliest end of a task if
 * each could choose its offer for itself and offers were endless; for sets of
 * tasks, the earliest start in the set, all its work on all cores, and the
 * shortest way from its end; the same with the number of tasks that cores
 * finish in a window. Large cases look at fewer sets. ERR_NO_OFFER: data has no
 * way whatever is chosen; ERR_NOMEM. */
MUST_USE enum err flow_bound_us(const struct flowcase *fc, uint64_t *out);

#endif
