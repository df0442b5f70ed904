#ifndef NODE_GRAPH_VIEW_H
#define NODE_GRAPH_VIEW_H

/* A graph of jobs as JSON: docs/control.md, "Graphs". Pure, as job_view.h. */

#include "node/node.h"
#include "node/trade/buy_graph.h"

/* One line of job.list. Given. */
json_t *graph_line_json(struct node *node, const struct buy_graph *graph);
/* graph.submit, graph.plan, job.show: the line, parts, ways. */
json_t *graph_show_json(struct node *node, const struct buy_graph *graph);
/* As `suan run` exits for it: the first part's code that is not 0. */
int graph_exit_code(const struct buy_graph *graph);
/* What stands in the way: the plan's why, or of the first part that failed or
 * has a reason. Given. */
json_t *graph_reason(struct node *node, const struct buy_graph *graph);

#endif
