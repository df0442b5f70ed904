#ifndef LEDGER_BOND_TX_H
#define LEDGER_BOND_TX_H

/* The transactions by which a validator joins, grows, shrinks and leaves. The
 * sender is the owner. Fees: at least fee_for_payload.
 *
 * validator.bond: payload [validator 32, amount micro, proof bin 0 or 64].
 *   The proof is the validator key's signature over bond_digest: it knows and
 *   takes this owner. Needed for a validator that has no bond yet; empty or
 *   again good for one that has. Refuses, first match: what the codec refuses,
 *   ERR_RANGE (amount 0), ERR_OWNER (it has another), ERR_JAILED,
 *   ERR_BOND_MIN (the sum), ERR_SIGNATURE (the proof), ERR_RANGE (all bonds
 *   together would pass VALIDATORS_WEIGHT_MAX), ERR_FUNDS, ERR_OVERFLOW.
 * validator.unbond: payload [validator 32, amount micro].
 *   The amount weighs nothing from the next set that is made (in effect one
 *   epoch after this one's end) and is released unbond_epochs later. Refuses:
 *   what the codec refuses, ERR_RANGE (amount 0), ERR_NOT_FOUND (no such
 *   validator), ERR_OWNER, ERR_BOND_SHORT, ERR_UNBONDING (8 wait); and, unless
 *   it is jailed, ERR_BOND_MIN (the rest is neither zero nor the minimum),
 *   ERR_LAST_VALIDATOR (nothing would be bonded), ERR_LEAVE_LIMIT (more than a
 *   third of the weight of the set known at the epoch's begin would have left
 *   in this epoch, with what others unbonded or lost).
 * validator.withdraw: payload [validator 32].
 *   What is released goes to the owner. Refuses: what the codec refuses,
 *   ERR_NOT_FOUND, ERR_OWNER, ERR_NOT_RELEASED.
 *
 * Effects: subject the validator's key, moved the amount, accounts {owner} for
 * withdraw. */

#include "ledger/bond.h"
#include "ledger/kind.h"

struct bond_add {
    struct pubkey validator;
    struct amount amount;
    bool has_proof;
    struct signature proof; /* zero without */
};
struct bond_take {
    struct pubkey validator;
    struct amount amount;
};

/* What a validator signs for its owner: sign_digest(HASH_TAG_BOND, chain,
 * owner 32 | validator 32). */
void bond_digest(const struct hash *chain, const struct pubkey *owner,
                 const struct pubkey *validator, struct hash *out);

/* The payloads. Decoding refuses what mp_open and the getters refuse, and
 * ERR_RANGE for amount 0 or a proof of another length. */
void bond_add_encode(const struct bond_add *add, struct buf *out);
MUST_USE enum err bond_add_decode(struct bytes payload, struct arena *arena,
                                  struct bond_add *out);
void bond_take_encode(const struct bond_take *take, struct buf *out);
MUST_USE enum err bond_take_decode(struct bytes payload, struct arena *arena,
                                   struct bond_take *out);
void bond_withdraw_encode(const struct pubkey *validator, struct buf *out);
MUST_USE enum err bond_withdraw_decode(struct bytes payload,
                                       struct arena *arena,
                                       struct pubkey *out_validator);

/* kind.h's apply. */
MUST_USE enum err bond_add_apply(struct state *state, const struct tx *tx,
                                 const struct block_context *context,
                                 struct arena *arena,
                                 struct tx_effect *out_effect);
MUST_USE enum err bond_take_apply(struct state *state, const struct tx *tx,
                                  const struct block_context *context,
                                  struct arena *arena,
                                  struct tx_effect *out_effect);
MUST_USE enum err bond_withdraw_apply(struct state *state, const struct tx *tx,
                                      const struct block_context *context,
                                      struct arena *arena,
                                      struct tx_effect *out_effect);

#endif
