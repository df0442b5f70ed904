#include "tests/model/mutant.h"

#include <string.h>

#include "base/check.h"

#define X(name, text) text,
static const char *const rule_words[] = {MODEL_RULES(X)};
#undef X

#define WITHOUT(rule) .removed = RULE_BIT(RULE_##rule)

const struct mutant mutants[] = {
    {"notarize-twice", "1,1,1+1", 3, 0, WITHOUT(NOTARIZE_ONCE)},
    {"notarize-after-finalize", "1,1,1+1", 3, 0, WITHOUT(NOTARIZE_UNFINALIZED),
     BREAKS_NO_FORK,
     "evidence against oneself; notarize once still keeps a view's "
     "notarization single"},
    {"nullify-after-finalize", "1,1,1+1", 3, 0, WITHOUT(NULLIFY_UNFINALIZED)},
    {"finalize-after-nullify", "1,1,1+1", 3, 0, WITHOUT(FINALIZE_UNNULLIFIED)},
    {"finalize-another", "1,1,1+1", 3, 0, WITHOUT(FINALIZE_OWN), BREAKS_NO_FORK,
     "evidence against oneself; what it finalizes is the notarized one"},
    {"finalize-unnotarized", "1,1,1+1", 3, 0, WITHOUT(FINALIZE_NOTARIZED),
     STOPS, "it finalizes only what it verified, and notarizes no other"},
    {"nullify-or-notarize", "1,1,1+1", 3, 0, WITHOUT(NULLIFY_NOTARIZED), STOPS,
     "fewer votes than the rules allow"},
    {"quorum-of-all", "1,1,1+1", 3, 0, WITHOUT(QUORUM_LESS), STOPS,
     "fewer certificates than the rules allow"},
    {"forget-votes", "1,1,1+1", 3, 0, .removed = RULES_OWN_VOTES},
    {"parent-unnotarized", "1,1,1+1", 3, 0, WITHOUT(PARENT_NOTARIZED)},
    {"skip-from-root", "1,1,1+1", 3, 0, WITHOUT(SKIP_ROOT)},
    {"skip-from-parent", "1,1,1+1", 3, 0, WITHOUT(SKIP_PARENT)},
    {"skip-first", "1,1,1+1", 3, 0, WITHOUT(SKIP_FIRST)},
    {"skip-last", "1,1,1+1", 3, 0, WITHOUT(SKIP_LAST)},
    {"leader-unchecked", "1", 3, 0, WITHOUT(LEADER_CHECKS)},
    {"leader-unchecked-stake", "4,2,1+3", 3, 0, WITHOUT(LEADER_CHECKS)},
    {"parent-hash", "1,1,1+1", 3, 0, WITHOUT(PARENT_HASH)},
    {"height", "1,1,1+1", 3, 0, WITHOUT(HEIGHT)},
    {"last-block", "1,1,1+1", 3, 1, WITHOUT(LAST_BLOCK)},
    {"forged-again", "1,1,1+1", 3, 0, WITHOUT(SAME_BODY)},
    {"forged-last", "1,1,1+1", 3, 1, WITHOUT(SAME_BODY)},
    {"quorum-low", "1,1,1+1", 3, 0, WITHOUT(QUORUM)},
    {"heads-not-stake", "5,5,5+1,1,1,1", 3, 0, WITHOUT(STAKE)},
    {"signer-twice", "1,1,1+1", 3, 0, WITHOUT(SIGNER_ONCE)},
    {"votes-of-any-proposal", "1,1,1+1", 3, 0, WITHOUT(ONE_PROPOSAL)},
    {"votes-of-any-kind", "1,1,1+1", 3, 0, WITHOUT(ONE_KIND)},
    {"votes-of-any-view", "1,1,1+1", 3, 0, WITHOUT(ONE_VIEW)},
    {"notarize-after-nullify", "1,1,1+1", 3, 0, WITHOUT(NOTARIZE_UNNULLIFIED),
     BREAKS_NOTHING, "to notarize, then to nullify is allowed: the same votes"},
    {"finalize-twice", "1,1,1+1", 3, 0, WITHOUT(FINALIZE_ONCE), BREAKS_NOTHING,
     "of a view only one proposal has a notarization"},
    {"leader-unchecked-even", "1,1,1+1", 3, 0, WITHOUT(LEADER_CHECKS),
     BREAKS_NOTHING,
     "the others verify, and no one's vote with the liars' is a quorum"},
};
const uint32_t mutant_count = sizeof(mutants) / sizeof(mutants[0]);

const struct mutant *mutant_find(const char *name)
{
    for (uint32_t i = 0; i < mutant_count; i++)
        if (strcmp(mutants[i].name, name) == 0)
            return &mutants[i];
    return NULL;
}

const char *mutant_words(const struct mutant *mutant)
{
    uint32_t rule = (uint32_t)__builtin_ctz(mutant->removed);
    CHECK(rule < RULE_COUNT);
    return mutant->removed == RULES_OWN_VOTES
               ? "sign: votes are remembered over a crash"
               : rule_words[rule];
}
