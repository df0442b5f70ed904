#ifndef SCHED_GRAPH_FLOW_EXACT_H
#define SCHED_GRAPH_FLOW_EXACT_H

/* What can be told exactly of a workflow on offers.
 *
 * Cost alone, where the graph is a forest when arrows are forgotten (chains,
 * trees either way): a dynamic programme over the tree, in which a predecessor
 * that several share has one place for all of them. Anything small: branch and
 * bound over all orders and places. */

#include "sched/graph/flowcase.h"

#define FLOW_EXACT_TASKS_MAX 64u

/* offers[t] is where task t runs so that the whole costs least. A workflow that
 * is no forest is CHECKed. ERR_NO_OFFER: data has no way; ERR_NOMEM. */
MUST_USE enum err flow_exact_cost(const struct flowcase *fc,
                                  uint32_t *out_offers, uint64_t *out_micro);

/* Improves `slots`, a timetable that holds, until nothing better exists or
 * `steps` placements were tried; *out_proven tells which. cheapest: least cost
 * among those that end by deadline_us, then the earliest end; else the earliest
 * end, then the least cost seen. `slots` need not meet the deadline.
 * ERR_TOO_LARGE: more than FLOW_EXACT_TASKS_MAX tasks; ERR_NOMEM. */
MUST_USE enum err flow_exact_search(const struct flowcase *fc, bool cheapest,
                                    uint64_t deadline_us, uint64_t steps,
                                    struct timetable_slot *slots,
                                    bool *out_proven);

#endif
