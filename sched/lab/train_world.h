#ifndef SCHED_LAB_TRAIN_WORLD_H
#define SCHED_LAB_TRAIN_WORLD_H

/* One world of sched/lab/train.h: a topology, requests, decisions kept of them,
 * and a gradient of its own. Worlds share nothing but the network they read. */

#include "sched/lab/train.h"
#include "sched/lab/train_moment.h"
#include "sched/learn/ranker.h"

struct world {
    const struct train_options *options; /* lent */
    const struct ranknet *net;           /* lent; read only */
    uint64_t seed;
    struct dice dice;
    struct topology topology;
    struct embed *embed;
    struct scene *scene;
    struct ranknet_tape *tape;
    struct ranker *ranker;
    struct moment *moments; /* options->moments of them */
    uint32_t moment_count;
    uint32_t *order; /* of the moments, drawn anew by world_shuffle */
    struct ranknet gradient;
    double loss; /* sums since world_begin */
    uint32_t counted;
    enum err err; /* the first; later calls do nothing */
    /* scratch */
    struct job_graph job;
    struct plan plan;
    uint16_t *nodes;
    float *share;
    float *aim;
    float *dscore;
    double *keys;
    uint8_t *may;
    uint32_t seen; /* decisions of the replay so far */
    bool imitate;
};

/* Draws the topology: its graph is graphs[index % graph_count]. Refusals of
 * train(). world_done is safe after a refusal. */
MUST_USE enum err world_init(struct world *world,
                             const struct train_options *options,
                             const struct ranknet *net, uint32_t index);
void world_done(struct world *world); /* safe on a zeroed struct */

/* Replays and keeps decisions; imitate: under the incumbent, each with its
 * labels; else under the network. What was kept before is dropped. round: other
 * requests in each. */
void world_look(struct world *world, bool imitate, uint32_t round);
/* A new order of the moments. */
void world_shuffle(struct world *world);
/* Gradient, loss and counted become 0. */
void world_begin(struct world *world);
/* Adds the gradient of the at-th moment of the order (the moments repeat when
 * there are fewer). */
void world_imitate(struct world *world, uint32_t at);
void world_reinforce(struct world *world, uint32_t at);

/* One replay: `requests` of the seed, with so many starts, under the network,
 * or under the incumbent where net is NULL. */
MUST_USE enum err world_trial(const struct train_options *options,
                              const struct ranknet *net, uint64_t seed,
                              uint32_t graph, uint32_t starts,
                              uint32_t *out_accepted);

#endif
