#ifndef TESTS_MODEL_JUDGE_H
#define TESTS_MODEL_JUDGE_H

/* The judge: what must hold in every state. */

#include "tests/model/model.h"

/* Name, short, in words; the first that is broken is told. */
#define JUDGE_BROKEN(X)                                                        \
    X(NOTHING, "-", "nothing is broken")                                       \
    X(AGREEMENT, "agreement",                                                  \
      "two blocks are final and neither is an ancestor of the other")          \
    X(HEIGHT, "height", "two blocks of one height are final")                  \
    X(BOUNDARY, "boundary", "a block above the epoch's last one is notarized") \
    X(L1, "L1", "two proposals of one view are notarized")                     \
    X(L2, "L2", "a view is nullified and has a final proposal")                \
    X(L3, "L3", "a proposal is final and not notarized")                       \
    X(L4, "L4", "a notarized proposal stands on nothing, or skips a view")     \
    X(STUCK, "stuck", "a view can hold the honest for ever")                   \
    X(EVIDENCE, "evidence", "an honest key signed a pair that is evidence")

#define X(name, text, words) BROKEN_##name,
enum broken { JUDGE_BROKEN(X) BROKEN_COUNT };
#undef X
#define BROKEN_BIT(broken) (UINT32_C(1) << (unsigned)(broken))
#define JUDGE_ALL          UINT32_MAX
#define JUDGE_SAFETY       (JUDGE_ALL & ~BROKEN_BIT(BROKEN_STUCK))
/* What a user would notice: a fork, or an epoch that runs on. */
#define JUDGE_FORK                                                             \
    (BROKEN_BIT(BROKEN_AGREEMENT) | BROKEN_BIT(BROKEN_HEIGHT) |                \
     BROKEN_BIT(BROKEN_BOUNDARY))

const char *broken_text(enum broken broken);
const char *broken_words(enum broken broken);

/* The first of the invariants in asked (BROKEN_BITs) that does not hold. */
enum broken judge(const struct bounds *bounds, const struct state *state,
                  const struct facts *facts, uint32_t asked);

/* What was met on the way, so that "nothing broken" is not said of a model in
 * which nothing happens. */
struct seen {
    uint32_t chain;    /* blocks of the longest final chain */
    uint32_t finals;   /* the most views with a final proposal */
    bool final_again;  /* one block final in two views, as re-proposals are */
    bool both;         /* a view notarized and nullified */
    bool split;        /* two proposals of one view with honest votes */
    bool last_settled; /* the epoch's last block final, by a re-proposal */
};
void judge_seen(const struct bounds *bounds, const struct state *state,
                const struct facts *facts, struct seen *seen);

#endif
