#ifndef SCHED_LAB_TRAIN_MOMENT_H
#define SCHED_LAB_TRAIN_MOMENT_H

/* A decision as it stood: what was reserved of the topology, the job, and, once
 * labelled, what each start node would have led to. */

#include "base/dice.h"
#include "sched/graph/embed.h"

struct moment {
    struct stock *used;  /* of each node */
    uint64_t *used_kbps; /* of each link */
    uint32_t component_count;
    uint32_t link_count;
    uint64_t time_us_max;
    bool alone;
    struct job_component *components;
    struct job_link *links;
    uint32_t first; /* the component that starts are for */
    float *worth;   /* of each node as the start: least cost over its cost, 0
                       when it led to no plan, below 0 when it was not tried;
                       NULL: not labelled, or no start led to a plan */
};

/* What a moment takes, about. */
size_t moment_bytes(const struct topology *topology);

/* Copies topology and job. ERR_NOMEM. */
MUST_USE enum err moment_keep(const struct topology *topology,
                              const struct job_graph *job, uint32_t first,
                              struct moment *out);
void moment_done(struct moment *moment); /* safe on a zeroed struct */

/* Reserves in the topology what was reserved then, and writes the job. The
 * topology is the one it was taken of, with nothing reserved that counts. */
void moment_set(const struct moment *moment, struct topology *topology,
                struct job_graph *out_job);
/* Nothing is reserved any more. */
void moment_clear(struct topology *topology);

/* Tries up to starts_max start nodes, each alone, without moves and steps back:
 * half of them from the front of `order`, the rest drawn. The embed is of the
 * topology as moment_set left it; order: all its nodes, incumbent's best first.
 * ERR_NOMEM. */
MUST_USE enum err moment_label(struct moment *moment, struct embed *embed,
                               const struct job_graph *job,
                               const uint16_t *order, uint32_t node_count,
                               uint32_t starts_max, struct dice *dice);

#endif
