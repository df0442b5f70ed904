#ifndef MARKET_GRAPH_PLAN_H
#define MARKET_GRAPH_PLAN_H

/* Where a graph's tasks go, all of them together, before anybody pays. The
 * offers come from the order book, each part's own wishes (labels,
 * architecture, price, seller) are asked of it as for any request; what joins
 * parts (together, apart, bounds on the ways) is searched for here, and the
 * plan that comes out has passed sched/graph/plan_check.h, or there is none.
 *
 * A seat is one task of one part. The ways between two providers: a road that
 * was measured, or over the buyer's node, which is where data goes when the
 * direct way fails. What was not measured holds no bound.
 *
 * Room: seats of the same level (graph_levels) run at the same time and share
 * what an offer has free: cores, memory, disk, bandwidth of its interface,
 * slots, and each of its devices; those of an earlier level have ended by then.
 * Devices are given out seat by seat in the order of the work, as the seller
 * would (the cheapest group in which the wish fits then), and billed as such. A
 * hold is the truth.
 *
 * The best is least by the sum over seats of what each part's policy counts
 * (the bill, the round trip, the time at the measured speed), then by the
 * fewest steps of all ways, then by the bills. Exact for the offers that are
 * looked at unless the search was cut short: the budget is a count, so the same
 * question has the same answer. Pure. */

#include "market/book/book.h"
#include "market/graph/graph.h"
#include "sched/graph/topology.h"

#define GRAPH_OFFERS_MAX 24u /* of each part, in its policy's order */
#define GRAPH_TRIES_MAX  200000u
#define GRAPH_ROADS_MAX  4096u

struct graph_seat {
    uint8_t part;
    uint8_t number; /* among all seats of the graph */
    uint32_t task;
    bool fixed; /* it has its place, and needs no more room there */
    /* Of graph_adjust.h: what it needs is done, it wants its room now. */
    bool due;
    /* Where it is, if fixed; else where a plan has it: zero for nowhere. Plans
     * that are made from scratch do not look at the latter. */
    struct pubkey provider;
};

/* A measured way between two nodes, both ways alike. */
struct graph_road {
    struct pubkey a;
    struct pubkey b;
    uint64_t kbps;     /* 0: not known */
    uint32_t delay_us; /* one way; LINK_UNKNOWN */
    uint32_t risk_nn;  /* LINK_UNKNOWN */
};

/* All pointers are lent. */
struct graph_ask {
    const struct graph *graph;
    struct pubkey self; /* the buyer's node */
    const struct request *requests[GRAPH_PARTS_MAX];
    struct amount cap[GRAPH_PARTS_MAX]; /* of one task; zero: none */
    uint32_t seat_count;
    struct graph_seat seats[GRAPH_SEATS_MAX];
    const struct graph_road *roads;
    uint32_t road_count;
    const struct pubkey *avoid; /* providers left alone now */
    uint32_t avoid_count;
};

struct graph_place {
    struct pubkey provider;
    char name[LIMIT_NAME];
    char address[LIMIT_NAME];
    struct amount hour;  /* these are zero of a fixed seat */
    struct amount bill;  /* the most one task costs there */
    struct amount spare; /* at the next best offer for it; zero: none */
    uint64_t rtt_us;     /* 0: not known */
    uint32_t devices;    /* of the offer, a bit for each that it is to get */
};

struct graph_way {
    uint8_t link;
    uint8_t from;      /* seat, or GRAPH_BUYER */
    uint8_t to;        /* seat */
    uint8_t steps;     /* 0 same provider, 1 direct, 2 over the buyer's node */
    uint32_t delay_us; /* of the path; LINK_UNKNOWN */
};

struct graph_plan {
    uint32_t seat_count;
    struct graph_place places[GRAPH_SEATS_MAX]; /* of the seats, in order */
    uint32_t way_count;
    struct graph_way ways[GRAPH_WAYS_MAX];
    uint32_t providers; /* how many different ones */
    uint32_t tries;
    bool exact; /* nothing better among the offers that were looked at */
};

/* All tasks of all parts, none fixed, due or planned. */
void graph_seats(const struct graph *graph, struct graph_ask *ask);
/* ERR_NO_OFFER, with a sentence in why: which part has no place and what is in
 * the way. Faults. Reserves nothing. */
MUST_USE enum err graph_plan_make(struct book *book,
                                  const struct graph_ask *ask, uint64_t now_ms,
                                  struct arena *arena, struct graph_plan *out,
                                  char why[256]);
/* From the first start to the last end, if every task takes all its time. */
uint64_t graph_time_ms(const struct graph *graph,
                       const struct request *const *requests);

#endif
