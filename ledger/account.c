#include "ledger/account.h"

#include "base/check.h"

/* account: balance u64 LE | nonce u64 LE. vault: amount u64 LE. */
#define ACCOUNT_BYTES 16u
#define VAULT_BYTES   8u

static struct bytes account_key(const struct pubkey *key)
{
    return BYTES_OF(key->b);
}

enum err account_get(struct state *state, const struct pubkey *key,
                     struct account *out)
{
    uint8_t raw[ACCOUNT_BYTES];
    size_t len;
    enum err err = state_read(state, STATE_ACCOUNT, account_key(key), raw,
                              sizeof(raw), &len);
    if (err == ERR_NOT_FOUND) {
        *out = (struct account){0};
        return OK;
    }
    TRY(err);
    if (len != sizeof(raw))
        return ERR_CORRUPT;
    out->balance = amount_micro(u64le_get(raw));
    out->nonce = u64le_get(raw + 8);
    return OK;
}

enum err account_put(struct state *state, const struct pubkey *key,
                     const struct account *account)
{
    uint8_t raw[ACCOUNT_BYTES];
    /* One spelling of nothing: the record is not there. */
    if (amount_is_zero(account->balance) && account->nonce == 0)
        return state_delete(state, STATE_ACCOUNT, account_key(key));
    u64le_put(raw, account->balance.micro);
    u64le_put(raw + 8, account->nonce);
    return state_put(state, STATE_ACCOUNT, account_key(key), BYTES_OF(raw));
}

enum err account_credit(struct state *state, const struct pubkey *key,
                        struct amount amount)
{
    struct account account;
    TRY(account_get(state, key, &account));
    TRY(amount_add(account.balance, amount, &account.balance));
    return account_put(state, key, &account);
}

enum err account_debit(struct state *state, const struct pubkey *key,
                       struct amount amount)
{
    struct account account;
    TRY(account_get(state, key, &account));
    if (amount_sub(account.balance, amount, &account.balance) != OK)
        return ERR_FUNDS;
    return account_put(state, key, &account);
}

enum err vault_get(struct state *state, const struct hash *id,
                   struct amount *out)
{
    uint8_t raw[VAULT_BYTES];
    size_t len;
    enum err err = state_read(state, STATE_VAULT, hash_as_bytes(id), raw,
                              sizeof(raw), &len);
    if (err == ERR_NOT_FOUND) {
        *out = amount_micro(0);
        return OK;
    }
    TRY(err);
    if (len != sizeof(raw))
        return ERR_CORRUPT;
    *out = amount_micro(u64le_get(raw));
    return OK;
}

static enum err vault_put(struct state *state, const struct hash *id,
                          struct amount amount)
{
    uint8_t raw[VAULT_BYTES];
    if (amount_is_zero(amount))
        return state_delete(state, STATE_VAULT, hash_as_bytes(id));
    u64le_put(raw, amount.micro);
    return state_put(state, STATE_VAULT, hash_as_bytes(id), BYTES_OF(raw));
}

/* Both sides are computed before either is written, so that a refusal leaves
 * the state as it was. */
enum err vault_lock(struct state *state, const struct hash *id,
                    const struct pubkey *from, struct amount amount)
{
    struct account account;
    struct amount held;
    TRY(account_get(state, from, &account));
    TRY(vault_get(state, id, &held));
    if (amount_sub(account.balance, amount, &account.balance) != OK)
        return ERR_FUNDS;
    TRY(amount_add(held, amount, &held));
    TRY(account_put(state, from, &account));
    return vault_put(state, id, held);
}

enum err vault_pay(struct state *state, const struct hash *id,
                   const struct pubkey *to, struct amount amount)
{
    struct account account;
    struct amount held;
    TRY(vault_get(state, id, &held));
    TRY(account_get(state, to, &account));
    if (amount_sub(held, amount, &held) != OK)
        return ERR_FUNDS;
    TRY(amount_add(account.balance, amount, &account.balance));
    TRY(account_put(state, to, &account));
    return vault_put(state, id, held);
}

enum err vault_move(struct state *state, const struct hash *from,
                    const struct hash *to, struct amount amount)
{
    struct amount source;
    struct amount target;
    CHECK(!hash_equal(from, to));
    TRY(vault_get(state, from, &source));
    TRY(vault_get(state, to, &target));
    if (amount_sub(source, amount, &source) != OK)
        return ERR_FUNDS;
    TRY(amount_add(target, amount, &target));
    TRY(vault_put(state, from, source));
    return vault_put(state, to, target);
}
