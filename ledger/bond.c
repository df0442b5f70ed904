#include "ledger/bond.h"

#include "base/check.h"
#include "ledger/account.h"
#include "ledger/params.h"

#include <string.h>

/* ---- the record ---- */

void bond_encode(const struct bond *bond, struct buf *out)
{
    CHECK(bond->unbonding_count <= BOND_UNBONDINGS_MAX);
    buf_add(out, BYTES_OF(bond->owner.b));
    buf_add_u64le(out, bond->bonded.micro);  /* lint: micro (encodes) */
    buf_add_u64le(out, bond->slashed.micro); /* lint: micro (encodes) */
    buf_add_u64le(out, bond->jailed_epoch);
    buf_add_u8(out, (uint8_t)bond->unbonding_count);
    for (uint32_t i = 0; i < bond->unbonding_count; i++) {
        buf_add_u64le(out, bond->unbondings[i].release_epoch);
        buf_add_u64le(out, amount_figure(bond->unbondings[i].amount));
    }
}

static bool unbondings_ok(const struct bond *bond)
{
    for (uint32_t i = 0; i < bond->unbonding_count; i++) {
        const struct unbonding *item = &bond->unbondings[i];
        if (amount_is_zero(item->amount) ||
            (i > 0 && item[-1].release_epoch >= item->release_epoch))
            return false;
    }
    return true;
}

enum err bond_decode(struct bytes bytes, struct bond *out)
{
    struct cursor cursor;
    struct bond bond;
    memset(&bond, 0, sizeof(bond));
    cursor_init(&cursor, bytes);
    cursor_copy(&cursor, bond.owner.b, sizeof(bond.owner.b));
    bond.bonded = amount_micro(cursor_u64le(&cursor));
    bond.slashed = amount_micro(cursor_u64le(&cursor));
    bond.jailed_epoch = cursor_u64le(&cursor);
    bond.unbonding_count = cursor_u8(&cursor);
    if (cursor.err != OK || bond.unbonding_count > BOND_UNBONDINGS_MAX)
        return ERR_CORRUPT;
    for (uint32_t i = 0; i < bond.unbonding_count; i++) {
        bond.unbondings[i].release_epoch = cursor_u64le(&cursor);
        bond.unbondings[i].amount = amount_micro(cursor_u64le(&cursor));
    }
    if (cursor_finish(&cursor) != OK || !unbondings_ok(&bond))
        return ERR_CORRUPT;
    *out = bond;
    return OK;
}

enum err bond_get(struct state *state, const struct pubkey *validator,
                  struct bond *out)
{
    uint8_t raw[BOND_BYTES_MAX];
    size_t len = 0;
    TRY(state_read(state, STATE_VALIDATOR, BYTES_OF(validator->b), raw,
                   sizeof(raw), &len));
    return bond_decode(bytes_make(raw, len), out);
}

enum err bond_put(struct state *state, const struct pubkey *validator,
                  const struct bond *bond)
{
    struct bytes key = BYTES_OF(validator->b);
    struct buf buf;
    CHECK(unbondings_ok(bond));
    if (amount_is_zero(bond->bonded) && bond->unbonding_count == 0 &&
        bond->jailed_epoch == 0)
        return state_delete(state, STATE_VALIDATOR, key);
    buf_init(&buf, BOND_BYTES_MAX);
    bond_encode(bond, &buf);
    enum err err = buf.err;
    if (err == OK)
        err = state_put(state, STATE_VALIDATOR, key, buf_bytes(&buf));
    buf_done(&buf);
    return err;
}

struct each {
    bond_each_fn fn;
    void *ctx;
};

static enum err each_record(void *ctx, struct bytes key, struct bytes value)
{
    const struct each *each = ctx;
    struct pubkey validator;
    struct bond bond;
    if (key.len != sizeof(validator.b))
        return ERR_CORRUPT;
    memcpy(validator.b, key.ptr, sizeof(validator.b));
    TRY(bond_decode(value, &bond));
    return each->fn(each->ctx, &validator, &bond);
}

enum err bond_each(struct state *state, bond_each_fn fn, void *ctx)
{
    struct each each = {fn, ctx};
    return state_each(state, STATE_VALIDATOR, each_record, &each);
}

void bond_vault(const struct pubkey *validator, struct hash *out)
{
    hash_bytes(HASH_TAG_BOND, BYTES_OF(validator->b), out);
}

void bond_slashed_vault(struct hash *out)
{
    hash_bytes(HASH_TAG_BOND, BYTES_LIT("slashed"), out);
}

enum err bond_unbonding_sum(const struct bond *bond, struct amount *out)
{
    struct amount sum = amount_micro(0);
    for (uint32_t i = 0; i < bond->unbonding_count; i++)
        TRY(amount_add(sum, bond->unbondings[i].amount, &sum));
    *out = sum;
    return OK;
}

/* ---- in sum ---- */

#define STAKE_KEY   BYTES_LIT("stake")
#define STAKE_BYTES 24u

enum err stake_get(struct state *state, struct stake *out)
{
    uint8_t raw[STAKE_BYTES];
    size_t len = 0;
    enum err err =
        state_read(state, STATE_STAKE, STAKE_KEY, raw, sizeof(raw), &len);
    if (err == ERR_NOT_FOUND || (err == OK && len != sizeof(raw)))
        return ERR_CORRUPT;
    TRY(err);
    *out = (struct stake){.bonded = u64le_get(raw),
                          .weight = u64le_get(raw + 8),
                          .left = u64le_get(raw + 16)};
    return OK;
}

enum err stake_put(struct state *state, const struct stake *stake)
{
    uint8_t raw[STAKE_BYTES];
    u64le_put(raw, stake->bonded);
    u64le_put(raw + 8, stake->weight);
    u64le_put(raw + 16, stake->left);
    return state_put(state, STATE_STAKE, STAKE_KEY, BYTES_OF(raw));
}

enum err stake_begin_epoch(struct state *state, uint64_t weight)
{
    struct stake stake;
    TRY(stake_get(state, &stake));
    stake.weight = weight;
    stake.left = 0;
    return stake_put(state, &stake);
}

/* ---- moves ---- */

enum err bond_raise(struct state *state, const struct pubkey *validator,
                    struct bond *bond, struct amount amount)
{
    struct stake stake;
    struct hash vault;
    CHECK(bond->jailed_epoch == 0);
    TRY(stake_get(state, &stake));
    if (stake.bonded > VALIDATORS_WEIGHT_MAX ||
        amount_figure(amount) > VALIDATORS_WEIGHT_MAX - stake.bonded)
        return ERR_RANGE;
    stake.bonded += amount_figure(amount);
    bond_vault(validator, &vault);
    TRY(vault_lock(state, &vault, &bond->owner, amount));
    TRY(amount_add(bond->bonded, amount, &bond->bonded));
    TRY(stake_put(state, &stake));
    return bond_put(state, validator, bond);
}

enum err bond_genesis(struct state *state, const struct pubkey *validator,
                      const struct pubkey *owner, struct amount amount)
{
    struct bond bond = {.owner = *owner};
    struct bond there;
    enum err err = bond_get(state, validator, &there);
    if (err != ERR_NOT_FOUND)
        return err == OK ? ERR_EXISTS : err;
    return bond_raise(state, validator, &bond, amount);
}

/* The weight that goes, checked and counted. */
static enum err count_leaving(struct state *state, const struct bond *bond,
                              struct amount amount)
{
    struct stake stake;
    struct amount rest;
    uint64_t least;
    uint64_t figure = amount_figure(amount);
    TRY(params_state_get(state, "bond_min_micro", &least));
    TRY(amount_sub(bond->bonded, amount, &rest));
    if (!amount_is_zero(rest) && amount_figure(rest) < least)
        return ERR_BOND_MIN;
    TRY(stake_get(state, &stake));
    if (figure >= stake.bonded)
        return ERR_LAST_VALIDATOR;
    if (stake.left > stake.weight / 3 || figure > stake.weight / 3 - stake.left)
        return ERR_LEAVE_LIMIT;
    stake.bonded -= figure;
    stake.left += figure;
    return stake_put(state, &stake);
}

/* What leaves in one epoch is released in one. */
static enum err add_unbonding(struct bond *bond, uint64_t release_epoch,
                              struct amount amount)
{
    uint32_t n = bond->unbonding_count;
    if (n > 0 && bond->unbondings[n - 1].release_epoch == release_epoch)
        return amount_add(bond->unbondings[n - 1].amount, amount,
                          &bond->unbondings[n - 1].amount);
    if (n == BOND_UNBONDINGS_MAX)
        return ERR_UNBONDING;
    if (n > 0 && bond->unbondings[n - 1].release_epoch > release_epoch)
        return ERR_CORRUPT; /* later than any that can have been begun */
    bond->unbondings[n] = (struct unbonding){release_epoch, amount};
    bond->unbonding_count++;
    return OK;
}

enum err bond_lower(struct state *state, const struct pubkey *validator,
                    struct bond *bond, struct amount amount, uint64_t epoch)
{
    struct amount rest;
    uint64_t wait;
    if (amount_sub(bond->bonded, amount, &rest) != OK)
        return ERR_BOND_SHORT;
    TRY(params_state_get(state, "unbond_epochs", &wait));
    TRY(add_unbonding(bond, epoch + wait, amount));
    /* A jailed one has left already. */
    if (bond->jailed_epoch == 0)
        TRY(count_leaving(state, bond, amount));
    bond->bonded = rest;
    return bond_put(state, validator, bond);
}

enum err bond_release(struct state *state, const struct pubkey *validator,
                      struct bond *bond, uint64_t epoch,
                      struct amount *out_paid)
{
    struct amount paid = amount_micro(0);
    struct hash vault;
    uint32_t n = 0;
    while (n < bond->unbonding_count &&
           bond->unbondings[n].release_epoch <= epoch) {
        TRY(amount_add(paid, bond->unbondings[n].amount, &paid));
        n++;
    }
    if (n == 0)
        return ERR_NOT_RELEASED;
    bond->unbonding_count -= n;
    memmove(&bond->unbondings[0], &bond->unbondings[n],
            bond->unbonding_count * sizeof(bond->unbondings[0]));
    bond_vault(validator, &vault);
    TRY(vault_pay(state, &vault, &bond->owner, paid));
    *out_paid = paid;
    return bond_put(state, validator, bond);
}

/* ---- slashing ---- */

/* Takes a part of one amount and adds it to *taken. */
static enum err slash_one(struct amount *from, uint64_t permille,
                          struct amount *taken)
{
    struct amount part;
    CHECK(permille <= 1000);
    TRY(amount_scale_up(*from, permille, 1000, &part));
    TRY(amount_sub(*from, part, from));
    return amount_add(*taken, part, taken);
}

static enum err slash_all(struct bond *bond, uint64_t permille,
                          struct amount *taken)
{
    uint32_t kept = 0;
    TRY(slash_one(&bond->bonded, permille, taken));
    for (uint32_t i = 0; i < bond->unbonding_count; i++) {
        struct unbonding item = bond->unbondings[i];
        TRY(slash_one(&item.amount, permille, taken));
        if (!amount_is_zero(item.amount))
            bond->unbondings[kept++] = item;
    }
    bond->unbonding_count = kept;
    return amount_add(bond->slashed, *taken, &bond->slashed);
}

/* Its whole bond weighs nothing from here on. */
static enum err jail(struct state *state, struct bond *bond, uint64_t epoch)
{
    struct stake stake;
    uint64_t figure = amount_figure(bond->bonded);
    if (bond->jailed_epoch != 0)
        return OK;
    CHECK(epoch > 0);
    TRY(stake_get(state, &stake));
    if (figure > stake.bonded)
        return ERR_CORRUPT; /* the sum of all is less than one of them */
    stake.bonded -= figure;
    stake.left += figure;
    bond->jailed_epoch = epoch;
    return stake_put(state, &stake);
}

enum err bond_slash(struct state *state, const struct pubkey *validator,
                    uint64_t epoch, struct amount *out_taken)
{
    struct amount taken = amount_micro(0);
    struct bond bond;
    struct hash vault;
    struct hash slashed;
    uint64_t permille;
    TRY(bond_get(state, validator, &bond));
    TRY(params_state_get(state, "slash_permille", &permille));
    TRY(jail(state, &bond, epoch));
    TRY(slash_all(&bond, permille, &taken));
    bond_vault(validator, &vault);
    bond_slashed_vault(&slashed);
    TRY(vault_move(state, &vault, &slashed, taken));
    *out_taken = taken;
    return bond_put(state, validator, &bond);
}

/* ---- audit ---- */

struct audit {
    struct state *state;
    uint64_t bonded;
};

static enum err audit_one(void *ctx, const struct pubkey *validator,
                          const struct bond *bond)
{
    struct audit *audit = ctx;
    struct amount sum;
    struct amount held;
    struct hash vault;
    TRY(bond_unbonding_sum(bond, &sum));
    TRY(amount_add(sum, bond->bonded, &sum));
    bond_vault(validator, &vault);
    TRY(vault_get(audit->state, &vault, &held));
    if (bond->jailed_epoch == 0)
        audit->bonded += amount_figure(bond->bonded);
    return amount_cmp(sum, held) == 0 ? OK : ERR_CONSERVATION;
}

enum err bond_audit(struct state *state)
{
    struct audit audit = {.state = state};
    struct stake stake;
    TRY(stake_get(state, &stake));
    enum err err = bond_each(state, audit_one, &audit);
    if (err == ERR_OVERFLOW)
        return ERR_CONSERVATION;
    TRY(err);
    return audit.bonded == stake.bonded ? OK : ERR_CONSERVATION;
}
