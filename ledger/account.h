#ifndef LEDGER_ACCOUNT_H
#define LEDGER_ACCOUNT_H

/* An account: a balance and the count of transactions it has sent. An account
 * that was never touched reads as zero. */

#include "base/amount.h"
#include "base/sign.h"
#include "ledger/state/state.h"

struct account {
    struct amount balance;
    uint64_t nonce; /* the next transaction's */
};

/* Faults only; an absent account is zero. */
MUST_USE enum err account_get(struct state *state, const struct pubkey *key,
                              struct account *out);
MUST_USE enum err account_put(struct state *state, const struct pubkey *key,
                              const struct account *account);
/* ERR_OVERFLOW. */
MUST_USE enum err account_credit(struct state *state, const struct pubkey *key,
                                 struct amount amount);
/* ERR_FUNDS. */
MUST_USE enum err account_debit(struct state *state, const struct pubkey *key,
                                struct amount amount);

/* Money locked under an id: the ledger keeps the sum honest without knowing
 * what it is locked for. A vault that reaches zero is deleted. */

/* Moves amount from the account into the vault. ERR_FUNDS, ERR_OVERFLOW. */
MUST_USE enum err vault_lock(struct state *state, const struct hash *id,
                             const struct pubkey *from, struct amount amount);
/* Moves amount out of the vault to the account. ERR_FUNDS when the vault holds
 * less, ERR_OVERFLOW. */
MUST_USE enum err vault_pay(struct state *state, const struct hash *id,
                            const struct pubkey *to, struct amount amount);
/* Moves amount between vaults. ERR_FUNDS, ERR_OVERFLOW. */
MUST_USE enum err vault_move(struct state *state, const struct hash *from,
                             const struct hash *to, struct amount amount);
MUST_USE enum err vault_get(struct state *state, const struct hash *id,
                            struct amount *out);

#endif
