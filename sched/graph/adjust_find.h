#ifndef SCHED_GRAPH_ADJUST_FIND_H
#define SCHED_GRAPH_ADJUST_FIND_H

/* What of a running plan is violated: which components must move, which virtual
 * links want another path. Where a node or a link is too full for all, the
 * fewest go; of equally few components those with least state. */

#include "sched/graph/plan.h"

struct link_set {
    uint64_t word[JOB_LINKS_MAX / 64];
};
static inline bool link_set_has(const struct link_set *set, uint32_t link)
{
    return (set->word[link / 64] >> link % 64 & 1) != 0;
}
static inline void link_set_add(struct link_set *set, uint32_t link)
{
    set->word[link / 64] |= UINT64_C(1) << link % 64;
}

struct adjust_faults {
    uint32_t must;         /* components, a bit each; whole groups */
    struct link_set links; /* of which no end must move */
    bool any_link;
    bool time; /* the run ends too late, or cannot be told */
};

/* Where each component may be, data residency included: bits of zones. */
void adjust_zones(const struct job_graph *job,
                  uint64_t zones[JOB_COMPONENTS_MAX]);
/* All that belong together with c, c included. */
uint32_t adjust_group(const struct job_graph *job, uint32_t c);
/* May c be on node v, room apart? */
bool adjust_may(const struct topology *topology, const struct job_graph *job,
                const uint64_t *zones, uint32_t c, uint32_t v);

/* The plan must be of this job and topology. state_bytes may be NULL. */
void adjust_find(const struct topology *topology, const struct job_graph *job,
                 const struct plan *plan, const uint64_t *state_bytes,
                 struct adjust_faults *out);

#endif
