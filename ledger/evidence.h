#ifndef LEDGER_EVIDENCE_H
#define LEDGER_EVIDENCE_H

/* Evidence: two votes of one validator that no honest one can have signed, in
 * one view of one epoch. It proves itself, so anyone may hand it in.
 *
 * Bytes, EVIDENCE_BYTES long: vote A | vote B, each as vote.h spells it, A's
 * bytes below B's (memcmp order): one pair has one spelling.
 *
 * A block lists its evidence first, at most EVIDENCE_BLOCK_MAX, strictly
 * ascending by bytes. Executing it costs the accused slash_permille of what it
 * has bonded or is unbonding and jails it (bond.h); once per (epoch, view,
 * index). It is accepted up to evidence_epochs after the epoch of the votes.
 *
 * To judge it takes the keys of that epoch's set in index order; they are kept
 * in the state, so that whoever has the state can execute:
 *   STATE_SEAT, epoch u64 BE | part u8 -> keys 32 each, EVIDENCE_SEATS a part
 *   STATE_EVIDENCE, epoch u64 BE | view u64 BE | index u16 BE -> accused 32
 * and of epochs too old to be judged both are deleted. */

#include "ledger/kind.h"
#include "ledger/validators.h"
#include "ledger/vote.h"

#define EVIDENCE_BYTES     (2u * VOTE_BYTES)
#define EVIDENCE_BLOCK_MAX 8u  /* in one block */
#define EVIDENCE_SEATS     50u /* keys in one record */

struct evidence {
    struct vote a; /* its bytes are the smaller */
    struct vote b;
};

/* Are these two votes of one index in one (epoch, view) proof of guilt? Looks
 * at no signature. True for: two notarize, or two finalize, on different
 * proposals; nullify and finalize; notarize and finalize on different
 * proposals. Order does not matter. */
bool evidence_pair(const struct vote *a, const struct vote *b);
/* Puts the two in order. ERR_EVIDENCE when they are not such a pair. */
MUST_USE enum err evidence_make(const struct vote *one, const struct vote *two,
                                struct evidence *out);

void evidence_encode(const struct evidence *evidence, struct buf *out);
/* The form. ERR_TRUNCATED, ERR_TRAILING, what vote_decode refuses (A, then B),
 * ERR_NOT_CANONICAL (not A below B), ERR_EVIDENCE (no pair). */
MUST_USE enum err evidence_decode(struct bytes bytes, struct evidence *out);
/* By bytes: <0, 0, >0. */
int evidence_compare(const struct evidence *a, const struct evidence *b);
/* hash(HASH_TAG_EVIDENCE, bytes). */
void evidence_hash(const struct evidence *evidence, struct hash *out);

/* The whole proof against the key that holds the seat of this index in this
 * epoch. Pure, any thread. ERR_NOT_CANONICAL, ERR_EVIDENCE, ERR_SIGNATURE. */
MUST_USE enum err evidence_check(const struct evidence *evidence,
                                 const struct pubkey *signer,
                                 const struct hash *chain);

/* Executes it. Refuses, first match: ERR_EVIDENCE_EPOCH (of a later epoch than
 * the block's, or more than evidence_epochs before), ERR_VALIDATOR (the set of
 * that epoch has no such index), what evidence_check refuses,
 * ERR_EVIDENCE_USED; or a fault. Half changed when it refuses: the caller rolls
 * back. */
MUST_USE enum err evidence_apply(struct state *state,
                                 const struct evidence *evidence,
                                 const struct block_context *context);

/* Before anything else of an epoch: takes its set's seats down, and deletes
 * what is too old. Faults. */
MUST_USE enum err evidence_begin_epoch(struct state *state, uint64_t epoch,
                                       const struct validators *set);
/* Who held that seat. ERR_VALIDATOR, ERR_CORRUPT, or a fault. */
MUST_USE enum err evidence_seat(struct state *state, uint64_t epoch,
                                uint16_t index, struct pubkey *out);

#endif
