#ifndef SCHED_LEARN_RANKMODEL_H
#define SCHED_LEARN_RANKMODEL_H

/* A trained network as it is kept in a file: its weights, what it learned on,
 * and how it stood against the incumbent (embed_starts) on workloads that it
 * had not seen. It only advises: nodes with other models still agree on plans.
 *
 * The file is one canonical msgpack array [kind, version, body, sum]: body is a
 * msgpack array in a bin, sum its BLAKE2b under HASH_TAG_MODEL. Weights are
 * float32, low byte first. */

#include "sched/learn/ranknet.h"

#define RANKMODEL_BYTES_MAX  65536u
#define RANKMODEL_NAME_MAX   64u
#define RANKMODEL_TRIALS_MAX 8u
#define RANKMODEL_WEIGHT_MAX 1000 /* of either sign */

/* With so many starts, on the same unseen requests. */
struct rankmodel_trial {
    uint32_t starts;
    uint64_t accepted;
    uint64_t incumbent;
};

struct rankmodel {
    struct ranknet net;
    char topology[RANKMODEL_NAME_MAX]; /* its name, for people */
    uint32_t nodes;
    uint32_t links;
    uint64_t rate_millionth; /* requests in a million time units */
    uint64_t seed;
    uint64_t requests;    /* of each trial, all unseen seeds together */
    uint32_t starts;      /* learned for; one trial has as many */
    uint32_t trial_count; /* 1..RANKMODEL_TRIALS_MAX, starts growing */
    struct rankmodel_trial trials[RANKMODEL_TRIALS_MAX];
};

/* Did it accept more than the incumbent, with the starts it learned for? Only
 * then it is meant to be used. */
bool rankmodel_beats(const struct rankmodel *model);
/* The trial with so many starts, or NULL. */
const struct rankmodel_trial *rankmodel_trial_of(const struct rankmodel *model,
                                                 uint32_t starts);

/* The buf's error is the result. */
void rankmodel_encode(const struct rankmodel *model, struct buf *out);
/* What mp.h refuses, ERR_KIND, ERR_VERSION (also: a network of another shape),
 * ERR_TOO_LARGE, ERR_CHECKSUM, ERR_RANGE (a weight that is no number or past
 * the bound, trials out of order, without the one of `starts`, or of more than
 * the requests), ERR_NOMEM. `out` is untouched then. */
MUST_USE enum err rankmodel_decode(struct bytes bytes, struct rankmodel *out);

#endif
