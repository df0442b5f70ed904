#include "tests/sim/consensus/habitat.h"

#include "base/check.h"
#include "ledger/sx/sx_mutant.h"

/* Any of the mischief, any of the faults, and all of the rest; zeroes:
 * anywhere.
 */
struct habitat {
    uint32_t acts;
    uint32_t faults;
    uint32_t also; /* and this fault */
    bool slow;     /* messages take much longer than D0 */
    bool lossy;    /* many are lost */
    bool narrow;   /* pools have little room */
    bool pages;    /* newcomers fetch the state */
    bool away;     /* one is away for long, in a long epoch */
};

static const struct habitat habitats[SX_MUTANT_COUNT] = {
    [SX_MUTANT_FINALIZE_OTHER] = {.acts = ACT_EQUIVOCATE},
    [SX_MUTANT_NULLIFY_AFTER_FINALIZE] = {.lossy = true},
    [SX_MUTANT_NOTARIZE_AFTER_FINALIZE] = {.acts = ACT_EQUIVOCATE},
    [SX_MUTANT_SIGN_DECIDED] = {.faults = FAULT_CRASH},
    [SX_MUTANT_SIGN_TWIN] = {.faults = FAULT_COPY},
    [SX_MUTANT_SIGN_FORGETFUL] = {.faults = FAULT_WIPE_LOG | FAULT_WIPE_DISK |
                                            FAULT_DAMAGE_LOG},
    [SX_MUTANT_LOG_BELIEVED] = {.faults = FAULT_WIPE_LOG | FAULT_WIPE_DISK |
                                          FAULT_DAMAGE_LOG},
    [SX_MUTANT_AMNESIA_FORGOTTEN] = {.faults = FAULT_WIPE_LOG | FAULT_WIPE_DISK,
                                     .also = FAULT_CRASH},
    [SX_MUTANT_RECALL_SOON] = {.faults = FAULT_WIPE_LOG, .slow = true},
    [SX_MUTANT_RECALL_FEW] = {.faults = FAULT_WIPE_LOG | FAULT_WIPE_DISK,
                              .lossy = true},
    [SX_MUTANT_RECALL_CLAIMS] = {.faults = FAULT_WIPE_LOG | FAULT_WIPE_DISK},
    [SX_MUTANT_STATUS_UNHELD] = {.acts = ACT_UNHELD},
    [SX_MUTANT_RECALL_WRAP] = {.acts = ACT_UNHELD},
    [SX_MUTANT_SECOND_BODY] = {.acts = ACT_SWAMP},
    [SX_MUTANT_EVICT_VOTED] = {.acts = ACT_SWAMP},
    [SX_MUTANT_FINALS_FULL] = {.away = true},
    [SX_MUTANT_FINALS_LOOSE] = {.away = true},
    [SX_MUTANT_TREE_FULL_FAR] = {.away = true},
    [SX_MUTANT_FORGET_VOTES] = {.faults = FAULT_CRASH | FAULT_CRASH_ALL},
    [SX_MUTANT_TRIM_TOO_MUCH] = {.faults = FAULT_CRASH | FAULT_CRASH_ALL},
    [SX_MUTANT_CLAIM_UNCHECKED] = {.acts = ACT_CLAIM},
    [SX_MUTANT_EVIDENCE_KEPT] = {.acts = ACT_EQUIVOCATE | ACT_BOTH_ENDS |
                                         ACT_TWINS | ACT_YES},
    [SX_MUTANT_CERT_UNCHECKED] = {.acts = ACT_BAD_CERT},
    [SX_MUTANT_VOTE_UNCHECKED] = {.acts = ACT_BAD_VOTE | ACT_FLOOD},
    [SX_MUTANT_VOTE_FOREIGN] = {.acts = ACT_ECHO | ACT_FLOOD},
    [SX_MUTANT_VOTE_FUTURE] = {.acts = ACT_FLOOD},
    [SX_MUTANT_SKIP_UNNULLIFIED] = {.acts = ACT_FORK},
    [SX_MUTANT_PARENT_UNNOTARIZED] = {.acts = ACT_FORK | ACT_BAD_BLOCK},
    [SX_MUTANT_PARENT_OLD] = {.acts = ACT_FORK | ACT_BAD_BLOCK},
    [SX_MUTANT_PARENT_OTHER] = {.acts = ACT_FORK},
    [SX_MUTANT_LEADER_ANY] = {.acts = ACT_USURP},
    [SX_MUTANT_PROPOSER_ANY] = {.acts = ACT_FORK | ACT_BAD_BLOCK},
    [SX_MUTANT_BODY_UNNAMED] = {.acts = ACT_BAD_BLOCK | ACT_POISON},
    [SX_MUTANT_BODY_UNCHECKED] = {.acts = ACT_BAD_BLOCK},
    [SX_MUTANT_REPEAT_ROOT] = {.acts = ACT_REPROPOSE},
    [SX_MUTANT_TIME_ANY] = {.acts = ACT_BAD_BLOCK},
    [SX_MUTANT_NO_CAP] = {.slow = true},
    [SX_MUTANT_BACKOFF_EARLY] = {.slow = true},
    [SX_MUTANT_NULL_CANCELS] = {.slow = true},
    [SX_MUTANT_NO_CERT_FETCH] = {.slow = true},
    [SX_MUTANT_FINALS_UNCHECKED] = {.acts = ACT_POISON},
    [SX_MUTANT_HEIGHT_BELIEVED] = {.acts = ACT_LIES},
    [SX_MUTANT_DROP_FORKED] = {.slow = true},
    [SX_MUTANT_POOL_SILENT] = {.narrow = true},
    [SX_MUTANT_PAGE_UNHASHED] = {.pages = true, .acts = ACT_BAD_PAGES},
    [SX_MUTANT_PAGE_SHIFTED] = {.pages = true, .acts = ACT_BAD_PAGES},
    [SX_MUTANT_RECORD_ELSEWHERE] = {.pages = true, .acts = ACT_BAD_PAGES},
    [SX_MUTANT_RECORD_ANY] = {.pages = true, .acts = ACT_BAD_PAGES},
    [SX_MUTANT_RECORDS_FEW] = {.pages = true, .acts = ACT_BAD_PAGES},
    [SX_MUTANT_RECORDS_MORE] = {.pages = true, .acts = ACT_BAD_PAGES},
    [SX_MUTANT_ANSWER_LONG] = {.pages = true, .acts = ACT_BAD_PAGES},
    [SX_MUTANT_ANSWER_FOREIGN] = {.pages = true, .acts = ACT_BAD_PAGES},
    [SX_MUTANT_ANSWER_TWICE] = {.pages = true},
    [SX_MUTANT_ANSWER_LATE] = {.pages = true, .acts = ACT_BAD_PAGES},
    [SX_MUTANT_WANT_LOST] = {.pages = true, .acts = ACT_BAD_PAGES},
    [SX_MUTANT_POISON_FORGIVEN] = {.pages = true, .acts = ACT_BAD_PAGES},
    [SX_MUTANT_PAGE_EARLY] = {.pages = true},
    [SX_MUTANT_PAGE_OLD] = {.pages = true},
    [SX_MUTANT_HERE_ANY] = {.pages = true},
    [SX_MUTANT_SWEEP_EARLY] = {.pages = true},
    [SX_MUTANT_SWEEP_NONE] = {.pages = true},
    [SX_MUTANT_SWEEP_RECORDS] = {.pages = true},
    [SX_MUTANT_STEP_UNSIGNED] = {.pages = true, .acts = ACT_BAD_PAGES},
    [SX_MUTANT_PEAKS_ANY] = {.pages = true, .acts = ACT_BAD_PAGES},
    [SX_MUTANT_FETCH_SOON] = {.pages = true},
};

static bool is_any(const struct plan *plan, uint32_t acts)
{
    for (uint32_t i = 0; i < plan->keys; i++)
        if ((plan->mischief[i] & acts) != 0)
            return true;
    return false;
}

bool habitat_fits(uint64_t mutant, const struct plan *plan)
{
    CHECK(mutant < SX_MUTANT_COUNT);
    const struct habitat *needs = &habitats[mutant];
    if (needs->away && plan->gone_us == 0)
        return false;
    if (needs->pages && plan->sync_epochs == 0)
        return false;
    if (needs->acts != 0 && !is_any(plan, needs->acts))
        return false;
    if (needs->faults != 0 &&
        (plan->trouble_us == 0 || (plan->faults & needs->faults) == 0))
        return false;
    if ((plan->faults & needs->also) != needs->also)
        return false;
    if (needs->slow && plan->hop_us_max < 4 * plan->delay_ms * MS)
        return false;
    if (needs->narrow && plan->pool_txs == 0)
        return false;
    return !needs->lossy || plan->loss_permille >= 100;
}
