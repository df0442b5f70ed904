#ifndef NODE_TRADE_BUY_GRAPH_H
#define NODE_TRADE_BUY_GRAPH_H

/* Graphs of jobs at the buyer (market/graph/graph.h): submitted together,
 * planned together, approved together. Each part is a job of its own with
 * contracts of its own (buy.h); its tasks do not go through the book's matching
 * but to where the plan says, as soon as what they need is done. A plan is
 * looked at every ten seconds, and when a place is lost: what does not hold any
 * more moves, others only within a budget (market/graph/graph_adjust.h).
 *
 * The record of a graph is written with those of its jobs, in one step: a node
 * that is killed knows all of it or none. */

#include "market/graph/graph_adjust.h"
#include "node/trade/buy.h"

#define BUY_GRAPHS_MAX 256u

struct buy_graph { /* lent until the next call that changes buy */
    struct hash id;
    struct graph graph;
    bool draft; /* not approved yet */
    uint64_t created_at_ms;
    uint64_t ended_at_ms; /* 0: something of it runs, or may */
    enum buy_state state; /* of what is furthest, or how it ended */
    const struct buy_job *jobs[GRAPH_PARTS_MAX]; /* by part */
    bool planned;
    struct graph_plan plan;  /* of all seats; made anew as places are lost */
    uint32_t replans;        /* after the approval */
    uint32_t moved;          /* places of tasks that changed by it */
    enum adjust_level level; /* of the last; KEEP: there was none */
    uint64_t adjusted_ms;    /* when; 0: since the start never */
    uint32_t moves_left;     /* of tasks that need not move, now */
    char why[256];           /* of a plan that could not be made or mended */
};

/* The bytes of one part, in the order of the graph's parts. */
struct buy_part {
    struct bytes request;
    struct bytes spec;
};

/* A draft of all of it, planned if it can be. First match: graph_decode's,
 * ERR_TERMS (parts that are not the graph's, in their order, of the same buyer
 * and number of tasks; one that would wait in a queue; a part that uses another
 * of the graph without a link of order), ERR_EXISTS, ERR_BOOK_FULL, then of
 * each part what buy_submit refuses. All of it or nothing. */
MUST_USE enum err buy_graph_submit(struct buy *buy, struct bytes graph,
                                   const struct buy_part *parts,
                                   uint32_t part_count, uint64_t now_ms,
                                   struct trade_effects *out,
                                   struct hash *out_id);
/* Plans a draft again. ERR_NOT_FOUND, ERR_STATE (approved), ERR_NO_OFFER with
 * the graph's why. */
MUST_USE enum err buy_graph_replan(struct buy *buy, const struct hash *id,
                                   uint64_t now_ms, struct trade_effects *out);
/* One approval for each part, in their order: all hold or none is taken.
 * ERR_NOT_FOUND, ERR_STATE (approved before), ERR_TERMS, ERR_NO_OFFER (there is
 * no plan), what buy_approve refuses. */
MUST_USE enum err buy_graph_approve(struct buy *buy, const struct hash *id,
                                    const struct bytes *approvals,
                                    uint32_t count, uint64_t now_ms,
                                    struct trade_effects *out);
/* Before approval only. ERR_NOT_FOUND, ERR_STATE. */
MUST_USE enum err buy_graph_drop(struct buy *buy, const struct hash *id,
                                 uint64_t now_ms, struct trade_effects *out);
/* All of it. ERR_NOT_FOUND, ERR_STATE (all has ended). */
MUST_USE enum err buy_graph_cancel(struct buy *buy, const struct hash *id,
                                   uint64_t now_ms, struct trade_effects *out);
/* As buy_erase, of all of it. ERR_NOT_FOUND, ERR_STATE. */
MUST_USE enum err buy_graph_erase(struct buy *buy, const struct hash *id,
                                  uint64_t now_ms, struct trade_effects *out);

/* What was measured between nodes, for plans and for the balance of links from
 * now on; copied, at most GRAPH_ROADS_MAX. ERR_NOMEM: what was known stays, in
 * the one or in both. */
MUST_USE enum err buy_roads_set(struct buy *buy, const struct graph_road *roads,
                                uint32_t count);

/* NULL when unknown. */
const struct buy_graph *buy_graph(struct buy *buy, const struct hash *id);
/* The one after (NULL: the first), in order of creation; NULL at the end. */
const struct buy_graph *buy_graph_next(struct buy *buy,
                                       const struct buy_graph *after);
/* The graph that the job is a part of, and which; NULL: of none. */
const struct buy_graph *buy_graph_of(struct buy *buy, const struct buy_job *job,
                                     uint32_t *out_part);

#endif
