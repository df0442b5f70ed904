#ifndef LEDGER_BOND_H
#define LEDGER_BOND_H

/* A bond: money that vouches for a validator's votes. What is bonded is the
 * validator's weight, microcredit for microcredit; what is being unbonded
 * weighs nothing but stays liable until it is released. The money of both lies
 * in the validator's vault, so every sum over accounts and vaults has it.
 *
 * The owner is the account that bonds, unbonds and withdraws. Its key may be
 * kept cold: votes are signed by the validator's own key, which has proven once
 * that it knows its owner.
 *
 *           bond                    unbond              withdraw
 *   owner ---------> bonded (weighs) ------> unbonding ---------> owner
 *                       |  evidence: slash_permille of both  |
 *                       +--------> the vault of the slashed <+
 *
 * A validator accused with evidence is jailed: its weight is gone from the next
 * set that is made, and it never comes back. Its owner may unbond and withdraw
 * what was left. */

#include "base/amount.h"
#include "ledger/state/state.h"
#include "ledger/validators.h"

#define BOND_UNBONDINGS_MAX 8u
#define BOND_BYTES_MAX      (32u + 3u * 8u + 1u + BOND_UNBONDINGS_MAX * 16u)

struct unbonding {
    uint64_t release_epoch; /* may be withdrawn in this epoch and later */
    struct amount amount;   /* > 0 */
};

struct bond {
    struct pubkey owner;
    struct amount bonded;
    struct amount slashed; /* in all; not part of the vault any more */
    uint64_t jailed_epoch; /* 0: not jailed */
    uint32_t unbonding_count;
    struct unbonding unbondings[BOND_UNBONDINGS_MAX]; /* by release, strictly */
};

/* ---- the record: STATE_VALIDATOR, key -> bond ----
 * Bytes, little-endian: owner 32 | bonded u64 | slashed u64 | jailed_epoch u64
 * | count u8 | count x (release_epoch u64 | amount u64) */

void bond_encode(const struct bond *bond, struct buf *out);
/* ERR_CORRUPT: not what bond_encode writes. */
MUST_USE enum err bond_decode(struct bytes bytes, struct bond *out);
/* ERR_NOT_FOUND, ERR_CORRUPT, or a fault. */
MUST_USE enum err bond_get(struct state *state, const struct pubkey *validator,
                           struct bond *out);
/* A bond of nothing is deleted, unless it is jailed: that key is burnt. */
MUST_USE enum err bond_put(struct state *state, const struct pubkey *validator,
                           const struct bond *bond);
typedef enum err (*bond_each_fn)(void *ctx, const struct pubkey *validator,
                                 const struct bond *bond);
/* By key; what fn returns ends it, as in state_each. ERR_CORRUPT. */
MUST_USE enum err bond_each(struct state *state, bond_each_fn fn, void *ctx);
/* The vault of a validator, and the one of all that was slashed. */
void bond_vault(const struct pubkey *validator, struct hash *out);
void bond_slashed_vault(struct hash *out);
/* What is being unbonded, in sum. ERR_OVERFLOW. */
MUST_USE enum err bond_unbonding_sum(const struct bond *bond,
                                     struct amount *out);

/* ---- in sum: STATE_STAKE, one record ----
 * Bytes, little-endian: bonded u64 | weight u64 | left u64 */

struct stake {
    uint64_t bonded; /* of all validators not jailed, microcredits */
    uint64_t weight; /* of the set known when this epoch began (epoch + 1's) */
    uint64_t left;   /* weight unbonded or jailed in this epoch */
};
/* ERR_CORRUPT when there is none, or a fault. */
MUST_USE enum err stake_get(struct state *state, struct stake *out);
MUST_USE enum err stake_put(struct state *state, const struct stake *stake);
/* Before anything else of an epoch: nothing has left yet. */
MUST_USE enum err stake_begin_epoch(struct state *state, uint64_t weight);

/* ---- moves: what transactions, evidence and the genesis do ----
 * Each leaves the state half changed when it refuses: the caller rolls back. */

/* The genesis' bond; the owner's account has been credited and a stake of zeros
 * been put. ERR_EXISTS, ERR_RANGE, ERR_FUNDS, ERR_OVERFLOW. */
MUST_USE enum err bond_genesis(struct state *state,
                               const struct pubkey *validator,
                               const struct pubkey *owner,
                               struct amount amount);
/* More is bonded, of the owner's account. The caller has checked the owner and
 * jail. ERR_RANGE (all bonds together above VALIDATORS_WEIGHT_MAX), ERR_FUNDS,
 * ERR_OVERFLOW. */
MUST_USE enum err bond_raise(struct state *state,
                             const struct pubkey *validator, struct bond *bond,
                             struct amount amount);
/* The start of leaving: see bond_tx.h for the refusals and their order. */
MUST_USE enum err bond_lower(struct state *state,
                             const struct pubkey *validator, struct bond *bond,
                             struct amount amount, uint64_t epoch);
/* Pays what is released to the owner. ERR_NOT_RELEASED. */
MUST_USE enum err bond_release(struct state *state,
                               const struct pubkey *validator,
                               struct bond *bond, uint64_t epoch,
                               struct amount *out_paid);
/* Takes slash_permille, rounded up, of the bonded amount and of every unbonding
 * not released by `epoch` or not yet withdrawn; and jails. ERR_NOT_FOUND. */
MUST_USE enum err bond_slash(struct state *state,
                             const struct pubkey *validator, uint64_t epoch,
                             struct amount *out_taken);

/* ---- the next set ----
 * V(e+1), from the state at the start of e (after the last block of e-1) and
 * V(e): the LIMIT_VALIDATORS largest bonds (ties: the smaller key) that are not
 * jailed and at least bond_min_micro; weight: what is bonded.
 *
 * Nobody left: V(e) stays. Of the jailed members of V(e) the first by key
 * leaves; each further one leaves while no more than a third of V(e)'s weight
 * goes (with what others lost), else it keeps seat and weight for an epoch more
 * (the smallest bonds make room). So the set that judges the next one always
 * knows most of it.
 * ERR_CORRUPT, or a fault. */
MUST_USE enum err bond_next_set(struct state *state,
                                const struct validators *current,
                                struct validators *out);

/* Every vault holds what its record says, and the sum is the stake's:
 * ERR_CONSERVATION; or a fault. */
MUST_USE enum err bond_audit(struct state *state);

#endif
