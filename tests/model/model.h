#ifndef TESTS_MODEL_MODEL_H
#define TESTS_MODEL_MODEL_H

/* The model: the rules by which an honest validator votes, and nothing else.
 *
 * A state says which honest validator cast which vote in which view. There are
 * no messages and no clocks: a certificate exists as soon as the votes for it
 * were cast, and everyone may have seen it or not. The Byzantine validators
 * count as having cast every vote. So each run that a network, a schedule and a
 * liar can bring about is a path of this model. docs/model.md says why. */

#include <stdbool.h>
#include <stdint.h>

#define MODEL_VIEWS     5u
#define MODEL_HONEST    6u
#define MODEL_PROPOSALS 3u
#define MODEL_BYTES     (MODEL_VIEWS * (MODEL_HONEST + MODEL_PROPOSALS))
#define MODEL_REFS      (MODEL_VIEWS * MODEL_PROPOSALS + 1u)

/* The rules, each of which a mutant can take away: name, what it says. */
#define MODEL_RULES(X)                                                         \
    X(NOTARIZE_ONCE, "notarize: own notarize none")                            \
    X(NOTARIZE_UNNULLIFIED, "notarize: not own nullify")                       \
    X(NOTARIZE_UNFINALIZED, "notarize: own finalize none")                     \
    X(NULLIFY_UNFINALIZED, "nullify: own finalize none")                       \
    X(NULLIFY_NOTARIZED, "nullify: allowed after own notarize")                \
    X(FINALIZE_UNNULLIFIED, "finalize: not own nullify")                       \
    X(FINALIZE_OWN, "finalize: own notarize none or P")                        \
    X(FINALIZE_NOTARIZED, "finalize: notarization of P")                       \
    X(FINALIZE_ONCE, "finalize: own finalize none")                            \
    X(PARENT_NOTARIZED, "verify: notarization of the parent")                  \
    X(SKIP_ROOT, "verify: nullified since the root")                           \
    X(SKIP_PARENT, "verify: nullified since the parent")                       \
    X(SKIP_FIRST, "verify: also the first skipped view")                       \
    X(SKIP_LAST, "verify: also the last skipped view")                         \
    X(LEADER_CHECKS, "propose: the leader verifies, too")                      \
    X(PARENT_HASH, "verify: header.parent = h(pv)")                            \
    X(HEIGHT, "verify: height = parent's + 1")                                 \
    X(LAST_BLOCK, "verify: nothing on the last block")                         \
    X(SAME_BODY, "verify: a re-proposal is the same block")                    \
    X(QUORUM, "quorum: floor(2W/3) + 1, not floor(2W/3)")                      \
    X(QUORUM_LESS, "quorum: floor(2W/3) + 1, not all of W")                    \
    X(STAKE, "quorum: stake counts, not heads")                                \
    X(SIGNER_ONCE, "certificate: each signer counts once")                     \
    X(ONE_PROPOSAL, "certificate: votes name the proposal")                    \
    X(ONE_KIND, "certificate: votes name their kind")                          \
    X(ONE_VIEW, "certificate: votes name the view")

#define X(name, text) RULE_##name,
enum rule { MODEL_RULES(X) RULE_COUNT };
#undef X
#define RULE_BIT(rule) (UINT32_C(1) << (unsigned)(rule))
/* All that sign() asks of the validator's own earlier votes. */
#define RULES_OWN_VOTES                                                        \
    (RULE_BIT(RULE_NOTARIZE_ONCE) | RULE_BIT(RULE_NOTARIZE_UNNULLIFIED) |      \
     RULE_BIT(RULE_NOTARIZE_UNFINALIZED) |                                     \
     RULE_BIT(RULE_NULLIFY_UNFINALIZED) |                                      \
     RULE_BIT(RULE_FINALIZE_UNNULLIFIED) | RULE_BIT(RULE_FINALIZE_OWN) |       \
     RULE_BIT(RULE_FINALIZE_ONCE))

/* How far apart two states are. Either way every certificate that can exist is
 * found: a vote that helps no certificate can be left out of a run, and one
 * that helps can wait until its certificate is complete (docs/model.md). */
enum steps {
    STEPS_VOTES,        /* one vote */
    STEPS_CERTIFICATES, /* the votes of one certificate, by just enough */
    STEPS_BOTH          /* either: mutants are found sooner */
};

/* What is explored. */
struct bounds {
    uint32_t honest; /* validators, 1..MODEL_HONEST, and their weights */
    uint32_t weight[MODEL_HONEST];
    uint32_t liars; /* Byzantine validators, and their weight together */
    uint32_t liar_weight;
    uint32_t views;
    uint32_t proposals; /* at most, in one view, that honest ones vote for */
    uint32_t last;      /* height of the epoch's last block; 0: far away */
    uint32_t removed;   /* RULE_BITs of the rules that do not hold */
    enum steps steps;
    bool named; /* symmetric states are different; to check that they are not */

    uint32_t total; /* the rest is filled in by model_init */
    uint32_t quorum;
    uint32_t row;      /* bytes of a view */
    uint32_t width;    /* bytes of a state */
    uint64_t quorates; /* bit S: the honest set S and the liars are a quorum */
    uint64_t alone;    /* the same, without the liars */
};

/* What a caller chooses. stake is "3,3,1+2": weights of the honest, then of the
 * Byzantine validators. */
struct choice {
    const char *stake;
    uint32_t views;
    uint32_t proposals;
    uint32_t last;
    enum steps steps;
    uint32_t removed;
};
/* False when the stake does not read so, or a bound is over what fits. */
bool model_init(struct bounds *bounds, const struct choice *choice);

/* A view is a row: a vote byte for each honest validator, then a plan byte for
 * each proposal. */
struct state {
    uint8_t at[MODEL_BYTES];
};
#define VOTE_NOTARIZE(slot)  (1u << (slot))
#define VOTE_FINALIZE(slot)  (8u << (slot))
#define VOTE_NULLIFY         64u
#define VOTE_NOTARIZES(vote) ((vote)&7u)
#define VOTE_FINALIZES(vote) (((vote) >> 3) & 7u)

/* A plan says what a proposal is: 0 nothing yet, else how it stands to the
 * proposal it names as its parent. References: 0 the root, else a proposal. */
enum plan_kind {
    PLAN_NEW,    /* a new block on the parent's block */
    PLAN_AGAIN,  /* the parent's block once more, in this view */
    PLAN_FORGED, /* mutants: "again", but another block of the same height */
    PLAN_STRAY,  /* mutants: a new block whose header names the root */
    PLAN_FLAT,   /* mutants: a new block of the parent's height */
    PLAN_KINDS
};
uint8_t plan_make(enum plan_kind kind, uint32_t ref);
enum plan_kind plan_kind(uint8_t plan);
uint32_t plan_ref(uint8_t plan);
uint32_t ref_make(uint32_t view, uint32_t slot);
uint32_t ref_view(
    uint32_t ref); /* of a ref that is not 0; views count from 0 */
uint32_t ref_slot(uint32_t ref);

static inline uint8_t vote_at(const struct bounds *bounds,
                              const struct state *state, uint32_t view,
                              uint32_t node)
{
    return state->at[view * bounds->row + node];
}
static inline uint8_t plan_at(const struct bounds *bounds,
                              const struct state *state, uint32_t view,
                              uint32_t slot)
{
    return state->at[view * bounds->row + bounds->honest + slot];
}

/* What follows from a state: certificates, and what blocks there are. A block
 * is named by the reference of the proposal that brought it first. */
struct facts {
    bool null[MODEL_VIEWS];
    uint8_t notar[MODEL_VIEWS]; /* bit: slot */
    uint8_t final[MODEL_VIEWS];
    uint8_t block[MODEL_REFS];  /* of a proposal */
    uint8_t up[MODEL_REFS];     /* of a block: its parent block */
    uint8_t height[MODEL_REFS]; /* of a block */
};
void model_facts(const struct bounds *bounds, const struct state *state,
                 struct facts *out);

enum act { ACT_NOTARIZE, ACT_NULLIFY, ACT_FINALIZE };
struct move {
    uint8_t act;
    uint8_t nodes; /* bit i: honest validator i casts this vote */
    uint8_t view;
    uint8_t slot;
    uint8_t plan; /* not 0: the move makes the proposal as well */
};
#define MODEL_MOVES 8192u /* more than any state has; CHECKed */

/* Every step that the rules allow next, in a fixed order. */
uint32_t model_moves(const struct bounds *bounds, const struct state *state,
                     const struct facts *facts,
                     struct move out_moves[MODEL_MOVES]);
void model_apply(const struct bounds *bounds, struct state *state,
                 const struct move *move);

/* The validator has nullified the view, or may. */
bool model_nullifies(const struct bounds *bounds, uint8_t vote);

/* The certificates of a state alone, as a state of one validator who casts what
 * is certified, and the bounds to read that with. */
void model_picture(const struct bounds *bounds, const struct state *state,
                   const struct facts *facts, struct bounds *out_bounds,
                   struct state *out_picture);

#endif
