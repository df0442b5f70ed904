#ifndef TESTS_UNIT_MARKET_GRAPH_SAMPLE_H
#define TESTS_UNIT_MARKET_GRAPH_SAMPLE_H

/* Graphs for tests: parts a, b, c... of one task each, joined as asked. */

#include <stdio.h>
#include <string.h>

#include "market/graph/graph.h"

static inline void sample_graph(struct graph *graph, uint32_t parts)
{
    memset(graph, 0, sizeof(*graph));
    snprintf(graph->name, sizeof(graph->name), "sample");
    graph->part_count = parts;
    for (uint32_t i = 0; i < parts; i++) {
        snprintf(graph->parts[i].name, LIMIT_NAME, "%c%u", 'a' + (int)(i % 26),
                 i);
        graph->parts[i].request.b[0] = (uint8_t)(i + 1);
        graph->parts[i].tasks = 1;
    }
}

/* `to` comes after `from`. */
static inline struct graph_link *sample_link(struct graph *graph, uint8_t from,
                                             uint8_t to)
{
    struct graph_link *link = &graph->links[graph->link_count++];
    *link = (struct graph_link){.from = from, .to = to};
    link->order = from != GRAPH_BUYER;
    return link;
}

#endif
