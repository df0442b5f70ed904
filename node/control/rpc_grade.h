#ifndef NODE_RPC_GRADE_H
#define NODE_RPC_GRADE_H

/* A grade and what was measured for it, as JSON (docs/control.md). */

#include "node/sell/bench.h"
#include "node/control/rpc_help.h"
#include "sched/link/goodput.h"
#include "sched/meter/tier.h"

/* The vector, its ratios to the reference machine, classes and levels, and the
 * grade by `tiers`. What is not known is null. */
json_t *json_grade(const struct tiers *tiers, const struct grade *grade);
/* Each kernel that ran at each width: median, deviation, ratio, and why it was
 * left out. */
json_t *json_figures(const struct bench_result *result);

/* What a node's links bear out of the goodput it declares, and what is missing
 * where they do not. */
json_t *json_goodput(const struct goodput *goodput, uint64_t declared_bps,
                     uint64_t now_ms);
/* The same as a row of json_figures. */
json_t *json_net_figure(const struct goodput *goodput);

#endif
