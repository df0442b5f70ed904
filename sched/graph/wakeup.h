#ifndef SCHED_GRAPH_WAKEUP_H
#define SCHED_GRAPH_WAKEUP_H

/* Who waits for what: job graphs that found no place, and which of them a freed
 * node or link may help. A node helps a job only if one of its components could
 * go there, a link only if one of its virtual links fits in: the rest sleeps
 * on, unasked. So freed capacity costs as much as it wakes, not as much as
 * there waits.
 *
 * A wake-up is a hint: the job tries again, and if that fails it still waits.
 */

#include "sched/graph/job_graph.h"

#define WAKEUP_JOBS_MAX (1u << 20)

struct wakeup;

/* Room for so many jobs, 1..WAKEUP_JOBS_MAX (CHECKed). ERR_NOMEM. */
MUST_USE enum err wakeup_new(uint32_t jobs_max, struct wakeup **out);
void wakeup_free(struct wakeup *wakeup); /* NULL is fine */

/* The job waits, under a number of the caller's; nothing of it is kept but what
 * its components and links want. ERR_EXISTS, ERR_CAPACITY (full). */
MUST_USE enum err wakeup_add(struct wakeup *wakeup, uint64_t id,
                             const struct job_graph *job);
/* It has a place, or gave up. False when it does not wait. */
bool wakeup_remove(struct wakeup *wakeup, uint64_t id);
uint32_t wakeup_count(const struct wakeup *wakeup);

/* So much is left on a node (or on a link) now. Writes the ids of those it may
 * help, who has waited longest first, at most `cap`; returns how many. */
uint32_t wakeup_node(const struct wakeup *wakeup, const struct stock *left,
                     uint64_t *out_ids, uint32_t cap);
uint32_t wakeup_link(const struct wakeup *wakeup, uint64_t left_kbps,
                     uint64_t *out_ids, uint32_t cap);

#endif
