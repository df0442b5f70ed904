#include "node/shell/graph_roads.h"

#include "node/peer/link_agent.h"
#include "node/log.h"
#include "node/trade/buy_graph.h"
#include "node/shell/trade_shell.h"
#include "sched/link/linkmap.h"

#include <stdlib.h>

#define EVERY_MS       5000u
#define CONFIDENCE_MIN 300u /* two round trips or so, not too long ago */

static bool is_good(const struct link *link, enum link_figure figure,
                    uint64_t now_ms)
{
    return link_measured(link, figure) &&
           link_confidence(link, figure, now_ms) >= CONFIDENCE_MIN;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* False when nothing of it is measured well enough. The slower of the two
 * directions counts: what uses it may go either way. */
static bool to_road(const struct link *link, uint64_t now_ms,
                    struct graph_road *out)
{
    out->delay_us = LINK_UNKNOWN;
    out->risk_nn = LINK_UNKNOWN;
    out->kbps = 0;
    if (is_good(link, LINK_RTT, now_ms) && is_good(link, LINK_SPREAD, now_ms))
        out->delay_us = (uint32_t)((link->of[LINK_RTT].value + 1) / 2 +
                                   link->of[LINK_SPREAD].value);
    if (is_good(link, LINK_RISK, now_ms))
        out->risk_nn = (uint32_t)link->of[LINK_RISK].value;
    if (is_good(link, LINK_OUT, now_ms) && is_good(link, LINK_IN, now_ms))
        out->kbps = least(link->of[LINK_OUT].value, link->of[LINK_IN].value);
    return out->delay_us != LINK_UNKNOWN || out->risk_nn != LINK_UNKNOWN ||
           out->kbps > 0;
}

static uint32_t collect(const struct linkmap *map, uint64_t now_ms,
                        struct graph_road *roads)
{
    uint32_t count = 0;
    uint64_t cursor = 0;
    struct link link;
    while (count < GRAPH_ROADS_MAX &&
           linkmap_next(map, &cursor, now_ms, &roads[count].a, &roads[count].b,
                        &link))
        count += to_road(&link, now_ms, &roads[count]);
    return count;
}

void graph_roads_tick(struct node *node)
{
    uint64_t now_ms = shell_now_ms(node->shell);
    struct graph_road *roads;
    if (node->buy == NULL || node->links == NULL ||
        now_ms - node->roads_ms < EVERY_MS)
        return;
    node->roads_ms = now_ms;
    roads = calloc(GRAPH_ROADS_MAX, sizeof(*roads));
    if (roads == NULL || buy_roads_set(node->buy, roads,
                                       collect(link_agent_map(node->links),
                                               now_ms, roads)) != OK)
        log_debug("trade", "no room for what is measured between nodes");
    free(roads);
}
