#ifndef SCHED_GRAPH_EMBED_H
#define SCHED_GRAPH_EMBED_H

/* Lays a job graph into what is left of a topology, taking as little bandwidth
 * as it can: the cost of a plan is the bandwidth of its virtual links times the
 * links each of them takes.
 *
 * Nodes and paths are chosen together. For each start node of the heaviest
 * component the others follow, most connected to the placed ones first, each to
 * where bandwidth times distance to its placed neighbours is least over links
 * with room, and its paths are taken at once; a start ends when it cannot beat
 * the best so far. The best is improved by moving one component, exchanging two
 * or moving two, as long as that helps and the budget lasts.
 *
 * Components of one `together` group are one unit throughout. Data inputs and
 * placed components come first. Budgets are counts, never time: same topology,
 * job, options: same plan. It only proposes: plan_check.h decides. */

#include "sched/graph/plan_score.h"

/* What is kept small, or large. */
enum embed_aim {
    EMBED_AIM_BANDWIDTH, /* the cost of the plan */
    EMBED_AIM_SCORE      /* plan_score of the topology with the plan in it; of
                            equals the one of least cost. Components still follow
                            each other to where bandwidth is saved, but every
                            start runs to its end and every move is judged by
                            the score, so this takes several times as long */
};

struct embed; /* scratch for one topology */

struct embed_options {
    const uint16_t *starts; /* lent: start nodes, best first; those that cannot
                               take the first component are passed over. NULL:
                               embed_starts */
    uint32_t start_count;
    uint32_t starts_max; /* of these so many are tried */
    uint32_t tries_max; /* nodes tried for a component whose paths fail, >= 1 */
    uint32_t backs_max; /* nodes tried with steps back when no start led to a
                           plan; 0: none */
    uint32_t moves_max; /* moves and exchanges evaluated; 0: none */
    enum embed_aim aim;
    struct plan_weights weights; /* of EMBED_AIM_SCORE */
};
/* For bandwidth, and equal weights of nodes and links for a score. 100 starts,
 * 4 tries, 200 steps back, 200 moves. */
extern const struct embed_options embed_options_default;

struct embed_stats {
    uint32_t starts;      /* tried */
    uint32_t complete;    /* of these led to a whole plan better than before */
    uint32_t moves;       /* evaluated */
    uint32_t better;      /* of these helped */
    uint64_t cost_greedy; /* kbit/s times links, before the moves */
    uint64_t cost;
    int32_t score; /* EMBED_AIM_SCORE: plan_score.all of the plan; else 0 */
    bool exact;    /* no label was dropped in a search under bounds */
};

/* The topology is lent until embed_free; what is reserved of it may change
 * between calls. ERR_NOMEM. */
MUST_USE enum err embed_new(const struct topology *topology,
                            struct embed **out);
void embed_free(struct embed *embed);

/* The component that start nodes are for: the heaviest that has no place.
 * JOB_COMPONENTS_MAX when all have one. The job must pass job_graph_check. */
uint32_t embed_first(struct embed *embed, const struct job_graph *job);

/* The order used when the caller has none: nodes by their free share times the
 * free bandwidth around them, most first. Writes node_count numbers. */
void embed_starts(struct embed *embed, uint16_t *out);

/* out_stats may be NULL. Refusals of job_graph_check, ERR_RANGE for a place
 * that is not in the topology, ERR_CAPACITY when no plan was found (there may
 * be one), ERR_TOO_LARGE when its paths are longer than a plan can hold. */
MUST_USE enum err embed_solve(struct embed *embed, const struct job_graph *job,
                              const struct embed_options *options,
                              struct plan *out, struct embed_stats *out_stats);

/* Only paths: every component goes where `nodes` says, in the order of the
 * components, each with its links of most bandwidth first. Same refusals. */
MUST_USE enum err embed_paths(struct embed *embed, const struct job_graph *job,
                              const uint16_t *nodes, struct plan *out);

#endif
