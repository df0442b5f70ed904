#ifndef NODE_GRAPH_ROADS_H
#define NODE_GRAPH_ROADS_H

/* What the link matrix has measured, told to the buyer's engine: graphs of jobs
 * are placed by it (market/graph/graph_plan.h). */

#include "node/node.h"

/* Once a second; does its work now and then. */
void graph_roads_tick(struct node *node);

#endif
