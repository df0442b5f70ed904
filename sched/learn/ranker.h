#ifndef SCHED_LEARN_RANKER_H
#define SCHED_LEARN_RANKER_H

/* Puts the nodes of a topology in the order in which they should be tried as
 * the start of a job, by a trained network: what embed_options.starts wants.
 * Same weights, same topology, same job: same order, on every machine. */

#include "sched/learn/ranknet.h"

struct ranker;

/* Net and topology are lent until ranker_free; what is reserved of the topology
 * may change between calls. ERR_NOMEM. */
MUST_USE enum err ranker_new(const struct ranknet *net,
                             const struct topology *topology,
                             struct ranker **out);
void ranker_free(struct ranker *ranker);

/* Writes the nodes that the first component may be on, best first, of equals
 * the lower number, and says how many; out has room for node_count. first:
 * embed_first of the job; JOB_COMPONENTS_MAX, when all have a place: none. */
uint32_t ranker_rank(struct ranker *ranker, const struct job_graph *job,
                     uint32_t first, uint16_t *out);

#endif
