#ifndef LEDGER_EVIDENCE_H
#define LEDGER_EVIDENCE_H

/* Evidence: two votes of one validator that no honest one can have signed, in
 * one view of one epoch. It proves itself, so anyone may hand it in.
 *
 * Bytes, EVIDENCE_BYTES long: vote A | vote B, each as vote.h spells it, A's
 * bytes below B's: one pair has one spelling. */

#include "ledger/validators.h"
#include "ledger/vote.h"

#define EVIDENCE_BYTES     (2u * VOTE_BYTES)
#define EVIDENCE_BLOCK_MAX 8u /* in one block */

struct evidence {
    struct vote a; /* its bytes are the smaller */
    struct vote b;
};

/* Are these two votes of one index in one (epoch, view) proof of guilt? Looks
 * at no signature. True for: two notarize, or two finalize, on different
 * proposals; nullify and finalize; notarize and finalize on different
 * proposals. Order does not matter. */
bool evidence_pair(const struct vote *a, const struct vote *b);

#endif
