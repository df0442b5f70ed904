#ifndef SCHED_GRAPH_HEFT_H
#define SCHED_GRAPH_HEFT_H

/* List scheduling of a workflow: of the tasks whose predecessors are placed,
 * the one of the highest rank goes where it ends earliest, into a gap if there
 * is one.
 *
 * Upward rank (HEFT): the longest way to the end over mean run times and mean
 * transfers. Optimistic cost (PEFT): for each task and offer the longest way to
 * the end if all that follows had the best offer it could; the rank is its mean
 * over offers, and an offer is judged by end + way. Integers, no chance: same
 * case, same timetable. */

#include "sched/graph/booking.h"
#include "sched/graph/flowcase.h"

#define HEFT_FREE WORKFLOW_NONE

/* The work space of one case; reused, as solvers place thousands of times. */
struct heft {
    const struct flowcase *fc; /* lent */
    struct booking *bookings;  /* one an offer */
    uint64_t *came;            /* by site: when all data is there */
    uint64_t *ready;           /* by offer, where a predecessor sits */
    uint64_t *stamp;           /* of what of the two is for this task */
    uint64_t *site_stamp;
    uint64_t now;
    uint32_t *waits;
    uint32_t *heap;
    uint32_t *level; /* place in the workflow's order: breaks ties */
};

/* done is needed only after OK. ERR_NOMEM. */
MUST_USE enum err heft_init(struct heft *heft, const struct flowcase *fc);
void heft_done(struct heft *heft);

/* out: one a task. */
void heft_rank_upward(const struct flowcase *fc, uint64_t *out);
/* out_table: [task * offers + offer], FLOWCASE_NEVER: a dead end. out_rank:
 * one a task. ERR_NOMEM. */
MUST_USE enum err heft_rank_optimistic(const struct flowcase *fc,
                                       uint64_t *out_table, uint64_t *out_rank);

/* rank: one a task. table: as above, or NULL: by the end alone. offers: where
 * each must go, HEFT_FREE: wherever is best; NULL: all free. out: one a task.
 * ERR_NO_OFFER: some task found no offer that fits and is reached by its data
 * (another choice before it may do); ERR_NOMEM. `out` is not to be used
 * then. */
MUST_USE enum err heft_place(struct heft *heft, const uint64_t *rank,
                             const uint64_t *table, const uint32_t *offers,
                             struct timetable_slot *out);

#endif
