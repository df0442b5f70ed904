#ifndef SCHED_AVAIL_REPLICAS_H
#define SCHED_AVAIL_REPLICAS_H

/* How many replicas does a redundant job need, and where?
 *
 * A job runs as replicas, each at a candidate of its own; it is done when one
 * of them is. Candidates fail independently of each other, but those of one
 * domain together: at most one of a domain is taken. Then the job fails with
 * the product of what each fails with, and the target is a bound on that.
 *
 * Advice, not consensus: floating point. No clock, no chance. */

#include <stdbool.h>
#include <stdint.h>

#include "base/amount.h"

#define REPLICAS_MAX            16u /* of one job */
#define REPLICAS_CANDIDATES_MAX 256u

struct replicas_candidate {
    double down;         /* chance to fail the job, 0..1 */
    struct amount price; /* of a replica there */
    uint32_t domain;     /* 0: shares no failure with anybody */
};

struct replicas {
    uint32_t count;               /* >= 1 */
    uint32_t picks[REPLICAS_MAX]; /* indices, the least failing first */
    double down;                  /* of the job */
    struct amount price;          /* of all of them */
    struct amount price_least; /* no choice that reaches the target is cheaper;
                                * equal to price where that is proven */
};

/* The least n with down^n <= down_max: equal candidates. down in 0..1, down_max
 * in 0..1. 0: no number is enough. */
uint32_t replicas_equal(double down, double down_max);

/* The fewest replicas that reach the target, and of those the least failing.
 * price_least is not said: 0. Refuses, first match wins: ERR_RANGE (no
 * candidate, too many, or a number that is no chance; prices that overflow),
 * ERR_CAPACITY (the target is out of reach with REPLICAS_MAX of them). */
MUST_USE enum err replicas_fewest(const struct replicas_candidate *candidates,
                                  uint32_t count, double down_max,
                                  struct replicas *out);

/* The least failing choice of at most REPLICAS_MAX; price_least is 0.
 * ERR_RANGE as above. */
MUST_USE enum err replicas_best(const struct replicas_candidate *candidates,
                                uint32_t count, struct replicas *out);

/* The cheapest replicas that reach the target, found by branch and bound.
 *
 * steps_max  nodes of the search, such as 100000; when they are spent, the best
 *            found so far is the answer and price_least is below its price
 *
 * As replicas_fewest. */
MUST_USE enum err replicas_cheapest(const struct replicas_candidate *candidates,
                                    uint32_t count, double down_max,
                                    uint32_t steps_max, struct replicas *out);

/* Exactly `copies` replicas (1..REPLICAS_MAX, CHECKed) that reach the target,
 * for candidates that stand in the order of somebody's liking: the first of
 * them that can be one of so many, then the next, and so on. Picks are in that
 * order. As replicas_fewest. */
MUST_USE enum err replicas_in_order(const struct replicas_candidate *candidates,
                                    uint32_t count, double down_max,
                                    uint32_t copies, struct replicas *out);

#endif
