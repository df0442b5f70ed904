#ifndef SCHED_AVAIL_CREW_H
#define SCHED_AVAIL_CREW_H

/* A crew holds the copies of a job's tasks, so that a task is lost no more
 * often than its target allows: replicas.h for a market, where some members
 * have tasks already and others may have to stand in.
 *
 * Chances are parts of 10^9 (sched/target.h). Candidates stand in the order of
 * the buyer's policy. */

#include "base/amount.h"

#define CREW_MAX            8u   /* copies of a task */
#define CREW_CANDIDATES_MAX 256u /* REPLICAS_CANDIDATES_MAX */
#define CREW_THERE_MAX      16u

struct crew_candidate {
    uint32_t down_ppb; /* chance not to finish a task, 1..TARGET_ONE */
    uint32_t domain;   /* of those with one domain fail all or none; 0: alone */
    struct amount price;
    bool there; /* it is one of those who are there already */
};
/* Who has a copy of a task of which others want a place, whether it takes more
 * or not. Of many such tasks each has its copies at some of them. */
struct crew_there {
    uint32_t down_ppb; /* TARGET_ONE: nothing is known of it */
    uint32_t domain;
};
struct crew_ask {
    uint32_t down_ppb; /* the target: 1..TARGET_ONE - 1 */
    uint32_t copies;   /* 0: as many as it takes, at most CREW_MAX */
    bool cheapest;     /* the cheapest choice; else the fewest, and of those the
                          first in the candidates' order */
    const struct crew_there *there; /* lent */
    uint32_t there_count;           /* <= CREW_THERE_MAX (CHECKed) */
};

struct crew {
    bool reached;
    uint32_t down_ppb; /* of them and those who are there together, the worst of
                          these where they are as many as the copies, or more */
    uint32_t count;    /* who are chosen beside those who are there, in order */
    uint32_t picks[CREW_MAX];
    /* Who may take tasks: the chosen, those who are there if any `copies` of
     * them keep to the target, and where each of all these alone reaches the
     * copies-th root of the target, all like them: any so many do then, and a
     * bag is not bound to a few. Of a domain one, where there are copies.
     * Nobody when the target is out of reach: then the picks are the best there
     * is. */
    uint32_t allowed_count;
    uint32_t allowed[CREW_CANDIDATES_MAX];
};

/* A task that wants a place has at most copies - 1 others: where more are there
 * one is chosen who keeps to the target beside the worst of them, whatever
 * tasks they have; if there is none, those who are there do, as far as they
 * may.
 *
 * Candidates at prices that nobody can pay are never chosen: one must not make
 * a choice of others impossible.
 *
 * ERR_RANGE: too many candidates, or a chance out of range. */
MUST_USE enum err crew_choose(const struct crew_candidate *candidates,
                              uint32_t count, const struct crew_ask *ask,
                              struct crew *out);

#endif
