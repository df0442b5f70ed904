#ifndef SCHED_GRAPH_BASELINE_H
#define SCHED_GRAPH_BASELINE_H

/* Simple placements to compare with: nodes are chosen first, paths after.
 *
 * GRC (global resource capacity): a node is worth its share of the free cores
 * and a part of its neighbours' worth, spread by bandwidth, as a random walker
 * who goes on with probability 0.85 would meet it. Components of most worth in
 * the job go to nodes of most worth that can take them. */

#include "base/dice.h"
#include "sched/graph/embed.h"

/* A billion in all, spread over the nodes. Writes node_count numbers. */
void grc_of_topology(const struct topology *topology, uint64_t *out);
/* The same of a job's components. */
void grc_of_job(const struct job_graph *job, uint64_t *out);

/* Refusals of embed_paths. The topology is the embed's. */
MUST_USE enum err baseline_grc(struct embed *embed,
                               const struct topology *topology,
                               const struct job_graph *job, struct plan *out);
/* Every component on a node that can take it, drawn. */
MUST_USE enum err baseline_random(struct embed *embed,
                                  const struct topology *topology,
                                  const struct job_graph *job,
                                  struct dice *dice, struct plan *out);

#endif
