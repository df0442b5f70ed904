#ifndef LEDGER_SX_SX_MUTANT_H
#define LEDGER_SX_SX_MUTANT_H

/* Seeded bugs, one rule removed each: what the simulator must catch before its
 * silence means anything. Compiled in by -DSUAN_MUTANTS=1 only; in every other
 * build SX_MUTANT is the constant false. */

#define SX_MUTANTS(X)                                                          \
    X(NOTARIZE_TWICE, "sign", "a second notarize vote in one view")            \
    X(NOTARIZE_AFTER_NULLIFY, "sign", "notarize after nullify")                \
    X(NOTARIZE_OLD_VIEW, "sign", "notarize in a view already left")            \
    X(NOTARIZE_AFTER_FINALIZE, "sign", "notarize after finalize")              \
    X(NULLIFY_AFTER_FINALIZE, "sign", "nullify after finalize")                \
    X(NULLIFY_TWICE, "sign", "a second nullify vote in one view")              \
    X(FINALIZE_AFTER_NULLIFY, "sign", "finalize after nullify")                \
    X(FINALIZE_OTHER, "sign", "finalize another than the own notarized")       \
    X(FINALIZE_TWICE, "sign", "a second finalize vote in one view")            \
    X(FINALIZE_EARLY, "sign", "finalize without a notarization")               \
    X(SIGN_DECIDED, "sign", "sign in views that the store has decided")        \
    X(SIGN_AGAIN, "sign", "what is repeated is signed anew")                   \
    X(SIGN_FORGETFUL, "recall", "sign in spite of amnesia")                    \
    X(SIGN_TWIN, "recall", "sign although our key votes elsewhere")            \
    X(LOG_BELIEVED, "recall", "a log with gaps is believed")                   \
    X(AMNESIA_FORGOTTEN, "recall", "after a restart amnesia is forgotten")     \
    X(RECALL_SOON, "recall", "signing again without two views more")           \
    X(RECALL_FEW, "recall", "a single word is enough to recall")               \
    X(RECALL_CLAIMS, "recall", "words without certificates count")             \
    X(STATUS_UNHELD, "recall", "a word's certificate need not hold")           \
    X(RECALL_WRAP, "recall", "views are added up without a bound")             \
    X(SIGN_UNHEARD, "recall", "sign before having listened for a twin")        \
    X(SIGN_EARLY_EPOCH, "epoch", "sign before the epoch's root is stored")     \
    X(SEND_UNLOGGED, "log", "votes leave before the log is synced")            \
    X(FORGET_VOTES, "log", "own votes are not replayed")                       \
    X(FORGET_BLOCKS, "log", "finalize without the block in the log")           \
    X(TRIM_TOO_MUCH, "log", "the log is cut above the stored floor")           \
    X(FINAL_UNSTORED, "store", "final before the batch is stored")             \
    X(QUORUM_SMALL, "cert", "a certificate from half of the weight")           \
    X(CERT_UNCHECKED, "cert", "certificates' signatures are not looked at")    \
    X(CLAIM_UNCHECKED, "link", "anybody may claim a validator's key")          \
    X(VOTE_UNCHECKED, "vote", "votes' signatures are not looked at")           \
    X(VOTE_FOREIGN, "vote", "a vote may name another signer than its peer")    \
    X(LEAVE_ALONE, "enter", "a view is left by the own nullify vote")          \
    X(VOTE_FUTURE, "vote", "votes of any far view make slots")                 \
    X(SKIP_UNNULLIFIED, "justify", "parents across views without nullify")     \
    X(PARENT_UNNOTARIZED, "justify", "parents without a notarization")         \
    X(PARENT_OLD, "justify", "parents from before the last decision")          \
    X(LEADER_ANY, "propose", "proposals from anybody")                         \
    X(PROPOSER_ANY, "propose", "the header may name another proposer")         \
    X(SECOND_BODY, "propose", "bodies of a leader's further words are kept")   \
    X(EVICT_VOTED, "propose", "bodies that were voted for give way first")     \
    X(PARENT_OTHER, "propose", "the block may stand on another parent")        \
    X(BODY_UNNAMED, "propose", "a body need not be what its name says")        \
    X(UNKNOWN_INVALID, "propose", "what cannot be judged yet is invalid")      \
    X(BODY_UNCHECKED, "propose", "notarize without executing the block")       \
    X(BUILD_ON_BOUNDARY, "epoch", "build on the epoch's last block")           \
    X(NO_REPEAT, "epoch", "an undecided tip is never proposed again")          \
    X(REPEAT_ROOT, "epoch", "the epoch's root may be proposed again")          \
    X(EPOCH_ANY, "epoch", "votes of other epochs count")                       \
    X(OLD_SET, "epoch", "the set is not changed with the epoch")               \
    X(TIME_ANY, "time", "block times are not looked at")                       \
    X(HEARD_ZERO, "time", "a new epoch's leaders count as away")               \
    X(NO_RETRY, "time", "nothing is sent again")                               \
    X(NO_BACKOFF, "time", "the delay never grows")                             \
    X(NO_CAP, "time", "the delay grows without a bound")                       \
    X(BACKOFF_EARLY, "time", "the delay falls back with a notarization")       \
    X(NO_DEADLINE, "time", "no view is ever given up")                         \
    X(BACKOFF_STUCK, "time", "the delay never shrinks")                        \
    X(IDLE_BLOCKS, "idle", "empty blocks although nothing is to be done")      \
    X(IDLE_NULLIFY, "idle", "views are given up although nothing waits")       \
    X(NULL_CANCELS, "cert", "a nullification ends all work on its view")       \
    X(NO_CERT_FETCH, "repair", "missing certificates are not asked for")       \
    X(NO_STATUS, "repair", "nobody says where it is")                          \
    X(NO_BLOCK_FETCH, "repair", "missing blocks are not asked for")            \
    X(NO_FINALS, "repair", "nobody answers who asks for runs")                 \
    X(FINALS_FULL, "repair", "decisions of the tip take all the room")         \
    X(FINALS_LOOSE, "repair", "decisions are kept that lead nowhere yet")      \
    X(TREE_FULL_FAR, "repair", "certified blocks never give way")              \
    X(FINALS_UNCHECKED, "repair", "runs are believed without certificate")     \
    X(HEIGHT_BELIEVED, "repair", "a peer's height is a fact")                  \
    X(DROP_FORKED, "pool", "transactions die with their fork")                 \
    X(POOL_STALE, "pool", "what a block made worthless goes on waiting")       \
    X(POOL_SILENT, "pool", "who gives way to another is not told")             \
    X(NUMBER_KEPT, "pool", "what no block can take keeps its number")          \
    X(NO_EVIDENCE, "evidence", "conflicting votes are not reported")           \
    X(EVIDENCE_KEPT, "evidence", "what is noticed never comes into a block")   \
    X(NULLIFY_HONEST, "evidence", "any conflicting pair is evidence")          \
    X(PAGE_UNHASHED, "pages", "a page need not be what its parent says")       \
    X(PAGE_SHIFTED, "pages", "a leaf may stand in another slot")               \
    X(RECORD_ELSEWHERE, "pages", "a record need not stand under its path")     \
    X(RECORD_ANY, "pages", "a record need not be its leaf's")                  \
    X(RECORDS_FEW, "pages", "leaves without records will do")                  \
    X(RECORDS_MORE, "pages", "records without leaves are passed over")         \
    X(ANSWER_LONG, "pages", "more pages than were asked for are taken")        \
    X(ANSWER_FOREIGN, "pages", "anybody may answer what another was asked")    \
    X(ANSWER_TWICE, "pages", "an answer leaves its question open")             \
    X(ANSWER_LATE, "pages", "who says nothing is waited for for ever")         \
    X(WANT_LOST, "pages", "what did not come is not asked for again")          \
    X(POISON_FORGIVEN, "pages", "who gave what does not hold is asked again")  \
    X(PAGE_EARLY, "pages", "a page is stored before what is below it")         \
    X(PAGE_OLD, "pages", "what stood at a place stays while it is changed")    \
    X(HERE_ANY, "pages", "any page at a place is the one that is wanted")      \
    X(SWEEP_EARLY, "pages", "the sweep begins before all is stored")           \
    X(SWEEP_NONE, "pages", "nobody looks at what was there before")            \
    X(SWEEP_RECORDS, "pages",                                                  \
      "the sweep leaves records the tree does not have")                       \
    X(STEP_UNSIGNED, "pages", "an epoch's end needs no certificate")           \
    X(PEAKS_ANY, "pages", "the history before a block is what a peer says")    \
    X(FETCH_SOON, "pages", "fetching though few epochs have ended")

enum sx_mutant_id {
    SX_MUTANT_NONE,
#define X(id, room, rule) SX_MUTANT_##id,
    SX_MUTANTS(X)
#undef X
        SX_MUTANT_COUNT
};

#ifdef SUAN_MUTANTS
extern int sx_mutant; /* which one lives; SX_MUTANT_NONE */
#define SX_MUTANT(id) (sx_mutant == SX_MUTANT_##id)
#else
#define SX_MUTANT(id) false
#endif

#endif
