#ifndef SCHED_LEARN_RANKNET_H
#define SCHED_LEARN_RANKNET_H

/* A graph network that says how good each node of a topology is as the start of
 * a job: two encoders, one for the job, one for the topology as it stands, each
 * of three rounds of messages (mean and greatest of the neighbours) with the
 * same weights in every round. What the job is about is given to every node
 * before its rounds, and the score of a node is the dot product of both sides.
 *
 *   part  = leaky(numbers of the part, PART_IN)
 *   part  = leaky([part, mean, greatest], PART_ROUND)    three times
 *   wish  = [first part, mean of all, greatest of all], WISH
 *   node  = leaky(numbers of the node, NODE_IN + (wish, NODE_WISH))
 *   node  = leaky([node, mean, greatest], NODE_ROUND)    three times
 *   score = node . wish / sqrt(RANKNET_HIDDEN) */

#include "base/dice.h"
#include "sched/learn/scene.h"

#define RANKNET_HIDDEN 32u
#define RANKNET_ROUNDS 3u

/* Where the weights of a piece begin: its matrix, then its offsets, which
 * NODE_IN does not have. */
enum ranknet_at {
    RANKNET_PART_IN = 0,
    RANKNET_PART_ROUND =
        RANKNET_PART_IN + (SCENE_PART_WIDTH + 1) * RANKNET_HIDDEN,
    RANKNET_WISH =
        RANKNET_PART_ROUND + (3 * RANKNET_HIDDEN + 1) * RANKNET_HIDDEN,
    RANKNET_NODE_WISH =
        RANKNET_WISH + (3 * RANKNET_HIDDEN + 1) * RANKNET_HIDDEN,
    RANKNET_NODE_IN = RANKNET_NODE_WISH + (RANKNET_HIDDEN + 1) * RANKNET_HIDDEN,
    RANKNET_NODE_ROUND = RANKNET_NODE_IN + SCENE_NODE_WIDTH * RANKNET_HIDDEN,
    RANKNET_WEIGHTS =
        RANKNET_NODE_ROUND + (3 * RANKNET_HIDDEN + 1) * RANKNET_HIDDEN
};

struct ranknet {
    float w[RANKNET_WEIGHTS];
};

/* Weights drawn evenly around 0, as wide as keeps the numbers' size; offsets 0.
 */
void ranknet_draw(struct ranknet *net, struct dice *dice);

/* What was computed on the way. keep: all that the way back needs. */
struct ranknet_tape;
/* For scenes of up to `nodes` nodes. ERR_NOMEM. */
MUST_USE enum err ranknet_tape_new(uint32_t nodes, bool keep,
                                   struct ranknet_tape **out);
void ranknet_tape_free(struct ranknet_tape *tape);

/* The scores of all nodes of the scene, also of those that may not be a start;
 * lent until the tape is used again. */
const float *ranknet_score(const struct ranknet *net, const struct scene *scene,
                           struct ranknet_tape *tape);
/* Adds what `dscore` (of each node) means for the weights to the gradient. The
 * tape keeps, and was last used with the same net and scene. */
void ranknet_back(const struct ranknet *net, const struct scene *scene,
                  struct ranknet_tape *tape, const float *dscore,
                  struct ranknet *gradient);

#endif
