#ifndef SCHED_LAB_TRAIN_H
#define SCHED_LAB_TRAIN_H

/* Trains the network that ranks start nodes (sched/learn/ranknet.h) on the
 * workload of embed_replay.h, in worlds: each has a graph, capacities and
 * requests of its own, drawn from the seed.
 *
 * 1. Imitation. Replays under the incumbent are stopped at decisions; every
 *    start node is tried, and the network learns to give each the share
 *    exp((least cost / its cost - 1) / TRAIN_WARMTH), by cross entropy.
 * 2. Reinforcement. At decisions of replays under the network itself, `starts`
 *    start nodes are drawn by its shares, one after the other; the reward is
 *    that of the whole placement, less that of the network's best `starts`
 *    (the greedy rollout as the baseline); REINFORCE.
 *
 * After imitation and after each chapter of reinforcement the network is tried
 * on worlds kept for that, and the best is kept. In the end it is compared with
 * the incumbent on unseen worlds, and what is said of it is only that.
 *
 * Worlds do not touch each other between two meetings, and what they found is
 * added in their order: the result depends on the options alone, not on who
 * runs them or how many at a time. */

#include "sched/lab/embed_replay.h"
#include "sched/learn/rankmodel.h"

#define TRAIN_WORLDS_MAX  64u
#define TRAIN_MOMENTS_MAX 65536u
#define TRAIN_GRAPHS_MAX  64u
#define TRAIN_TRIES       8u /* worlds kept for choosing */
#define TRAIN_WARMTH      0.05

enum train_phase { TRAIN_LOOK, TRAIN_IMITATE, TRAIN_REINFORCE, TRAIN_JUDGE };

/* One word of progress. */
struct train_word {
    enum train_phase phase;
    uint32_t done;
    uint32_t of;
    bool ended;     /* with this epoch, chapter or trial */
    double loss;    /* TRAIN_IMITATE: mean cross entropy above the least;
                          TRAIN_REINFORCE: mean gain over the baseline;
                          TRAIN_JUDGE: how many starts */
    double share;   /* accepted by the network, of the worlds kept for trying,
                       or of the unseen; below 0: not tried now */
    double against; /* by the incumbent on the same; below 0 likewise */
};

struct train_options {
    /* Lent. Taken in turn, by the worlds that are learned on, then by those
     * kept for trying, then by the unseen: as many as all these, and nothing
     * that it is judged by was ever looked at. */
    const struct gml *const *graphs;
    uint32_t graph_count;           /* 1..TRAIN_GRAPHS_MAX */
    const char *name;               /* of the topology, for the model */
    struct embed_workload workload; /* its seed: of the training; `requests`: of
                                       each unseen seed */
    uint32_t worlds;                /* 1..TRAIN_WORLDS_MAX */
    uint32_t moments;               /* decisions looked at in each, a phase */
    uint32_t epochs;                /* of imitation over them */
    uint32_t chapters;              /* of reinforcement; 0: none */
    uint32_t starts;                /* to learn for */
    uint32_t unseen;                /* seeds it is judged by */
    /* Runs work(arg, 0) .. work(arg, count - 1), in any order, on any threads,
     * and returns when all are done. NULL: one after the other. */
    void (*each)(void *context, uint32_t count,
                 void (*work)(void *arg, uint32_t i), void *arg);
    /* Progress; false: stop. NULL: silence. */
    bool (*told)(void *context, const struct train_word *word);
    void *context; /* lent to both */
};
/* 16 worlds, 512 moments, 8 epochs, 4 chapters, 3 starts, 10 unseen seeds; no
 * graph yet. */
extern const struct train_options train_options_default;

/* ERR_RANGE (an option outside its bounds; a graph without nodes or past 4,096;
 * a workload that embed_replay refuses), ERR_NOMEM, ERR_CANCELLED (told said
 * stop): `out` is untouched then. */
MUST_USE enum err train(const struct train_options *options,
                        struct rankmodel *out);

#endif
