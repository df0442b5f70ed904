#include "ledger/bond_tx.h"

#include "base/check.h"
#include "ledger/params.h"

#include <string.h>

void bond_digest(const struct hash *chain, const struct pubkey *owner,
                 const struct pubkey *validator, struct hash *out)
{
    uint8_t raw[64];
    memcpy(raw, owner->b, 32);
    memcpy(raw + 32, validator->b, 32);
    sign_digest(HASH_TAG_BOND, chain, BYTES_OF(raw), out);
}

/* ---- payloads ---- */

void bond_add_encode(const struct bond_add *add, struct buf *out)
{
    mp_put_array(out, 3);
    mp_put_pubkey(out, &add->validator);
    mp_put_amount(out, add->amount);
    mp_put_bin(out, bytes_make(add->proof.b, add->has_proof ? 64 : 0));
}

enum err bond_add_decode(struct bytes payload, struct arena *arena,
                         struct bond_add *out)
{
    struct mp_reader reader;
    struct bond_add add;
    memset(&add, 0, sizeof(add));
    TRY(mp_open(&reader, payload, arena));
    mp_enter_exact(&reader, 3);
    mp_get_pubkey(&reader, &add.validator);
    add.amount = mp_get_amount(&reader);
    struct bytes proof = mp_get_bin(&reader, sizeof(add.proof.b));
    mp_leave(&reader);
    TRY(mp_close(&reader));
    if (amount_is_zero(add.amount) ||
        (proof.len != 0 && proof.len != sizeof(add.proof.b)))
        return ERR_RANGE;
    add.has_proof = proof.len > 0;
    if (add.has_proof)
        memcpy(add.proof.b, proof.ptr, sizeof(add.proof.b));
    *out = add;
    return OK;
}

void bond_take_encode(const struct bond_take *take, struct buf *out)
{
    mp_put_array(out, 2);
    mp_put_pubkey(out, &take->validator);
    mp_put_amount(out, take->amount);
}

enum err bond_take_decode(struct bytes payload, struct arena *arena,
                          struct bond_take *out)
{
    struct mp_reader reader;
    struct bond_take take;
    TRY(mp_open(&reader, payload, arena));
    mp_enter_exact(&reader, 2);
    mp_get_pubkey(&reader, &take.validator);
    take.amount = mp_get_amount(&reader);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    if (amount_is_zero(take.amount))
        return ERR_RANGE;
    *out = take;
    return OK;
}

void bond_withdraw_encode(const struct pubkey *validator, struct buf *out)
{
    mp_put_array(out, 1);
    mp_put_pubkey(out, validator);
}

enum err bond_withdraw_decode(struct bytes payload, struct arena *arena,
                              struct pubkey *out_validator)
{
    struct mp_reader reader;
    struct pubkey validator;
    TRY(mp_open(&reader, payload, arena));
    mp_enter_exact(&reader, 1);
    mp_get_pubkey(&reader, &validator);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    *out_validator = validator;
    return OK;
}

/* ---- what they do ---- */

static void tell(struct tx_effect *effect, const struct pubkey *validator,
                 struct amount moved)
{
    _Static_assert(sizeof(effect->subject.b) == sizeof(validator->b),
                   "a key fits a subject");
    memcpy(effect->subject.b, validator->b, sizeof(validator->b));
    effect->moved = moved;
}

/* The bond as it stands for this sender; *out_is_new: nobody's yet. */
static enum err bond_of(struct state *state, const struct tx *tx,
                        const struct pubkey *validator, struct bond *out,
                        bool *out_is_new)
{
    enum err err = bond_get(state, validator, out);
    *out_is_new = err == ERR_NOT_FOUND;
    if (*out_is_new) {
        *out = (struct bond){.owner = tx->sender};
        return OK;
    }
    TRY(err);
    return pubkey_equal(&out->owner, &tx->sender) ? OK : ERR_OWNER;
}

static enum err check_proof(const struct bond_add *add, bool is_new,
                            const struct pubkey *owner,
                            const struct hash *chain)
{
    struct hash digest;
    if (!add->has_proof)
        return is_new ? ERR_SIGNATURE : OK;
    bond_digest(chain, owner, &add->validator, &digest);
    return sign_verify(&add->validator, &digest, &add->proof);
}

enum err bond_add_apply(struct state *state, const struct tx *tx,
                        const struct block_context *context,
                        struct arena *arena, struct tx_effect *out_effect)
{
    struct bond_add add;
    struct bond bond;
    struct amount sum;
    uint64_t least;
    bool is_new = false;
    TRY(bond_add_decode(tx->payload, arena, &add));
    TRY(bond_of(state, tx, &add.validator, &bond, &is_new));
    if (bond.jailed_epoch != 0)
        return ERR_JAILED;
    TRY(params_state_get(state, "bond_min_micro", &least));
    if (amount_add(bond.bonded, add.amount, &sum) == OK &&
        amount_figure(sum) < least)
        return ERR_BOND_MIN;
    TRY(check_proof(&add, is_new, &tx->sender, &context->chain));
    TRY(bond_raise(state, &add.validator, &bond, add.amount));
    tell(out_effect, &add.validator, add.amount);
    return OK;
}

/* The bond that this sender owns. */
static enum err own_bond(struct state *state, const struct tx *tx,
                         const struct pubkey *validator, struct bond *out)
{
    bool is_new = false;
    TRY(bond_of(state, tx, validator, out, &is_new));
    return is_new ? ERR_NOT_FOUND : OK;
}

enum err bond_take_apply(struct state *state, const struct tx *tx,
                         const struct block_context *context,
                         struct arena *arena, struct tx_effect *out_effect)
{
    struct bond_take take;
    struct bond bond;
    TRY(bond_take_decode(tx->payload, arena, &take));
    TRY(own_bond(state, tx, &take.validator, &bond));
    TRY(bond_lower(state, &take.validator, &bond, take.amount, context->epoch));
    tell(out_effect, &take.validator, take.amount);
    return OK;
}

enum err bond_withdraw_apply(struct state *state, const struct tx *tx,
                             const struct block_context *context,
                             struct arena *arena, struct tx_effect *out_effect)
{
    struct pubkey validator;
    struct bond bond;
    struct amount paid;
    TRY(bond_withdraw_decode(tx->payload, arena, &validator));
    TRY(own_bond(state, tx, &validator, &bond));
    TRY(bond_release(state, &validator, &bond, context->epoch, &paid));
    tell(out_effect, &validator, paid);
    out_effect->accounts[0] = bond.owner;
    out_effect->account_count = 1;
    return OK;
}
