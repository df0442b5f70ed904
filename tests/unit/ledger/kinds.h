#ifndef TESTS_UNIT_LEDGER_KINDS_H
#define TESTS_UNIT_LEDGER_KINDS_H

/* Kinds of transaction that only tests have: they reach what transfers do not.
 * Include after fixture.h. */

#include "ledger/bond.h"
#include "ledger/params.h"
#include "ledger/validators.h"

enum {
    KIND_LOCK = 150,      /* [vault 32, amount]: into a vault */
    KIND_PAY = 151,       /* [vault 32, amount]: out of it, to the sender */
    KIND_VALIDATOR = 152, /* [key 32, amount]: bonds it unproven; 0 jails */
    KIND_MINT = 153,      /* [amount]: a bug that makes money */
    KIND_HALF = 154,      /* []: changes something, then refuses */
    KIND_DEED = 155,      /* [id 32, amount]: free, once, burns; 0 is refused */
};

static struct amount kind_fee(size_t payload_len)
{
    (void)payload_len;
    return amount_micro(7);
}

struct kind_args {
    struct hash id;
    uint64_t number;
};

static enum err kind_args(const struct tx *tx, struct arena *arena,
                          struct kind_args *out)
{
    struct mp_reader reader;
    TRY(mp_open(&reader, tx->payload, arena));
    mp_enter_exact(&reader, 2);
    mp_get_hash(&reader, &out->id);
    out->number = mp_get_uint(&reader);
    mp_leave(&reader);
    return mp_close(&reader);
}

static enum err apply_lock(struct state *state, const struct tx *tx,
                           const struct block_context *context,
                           struct arena *arena, struct tx_effect *out)
{
    struct kind_args args;
    (void)context;
    TRY(kind_args(tx, arena, &args));
    out->subject = args.id;
    out->moved = amount_micro(args.number);
    out->code = 1;
    return vault_lock(state, &args.id, &tx->sender, out->moved);
}

static enum err apply_pay(struct state *state, const struct tx *tx,
                          const struct block_context *context,
                          struct arena *arena, struct tx_effect *out)
{
    struct kind_args args;
    (void)context;
    TRY(kind_args(tx, arena, &args));
    out->subject = args.id;
    out->moved = amount_micro(args.number);
    out->code = 2;
    return vault_pay(state, &args.id, &tx->sender, out->moved);
}

static enum err apply_validator(struct state *state, const struct tx *tx,
                                const struct block_context *context,
                                struct arena *arena, struct tx_effect *out)
{
    struct kind_args args;
    struct bond bond = {.owner = tx->sender};
    struct pubkey key;
    (void)out;
    TRY(kind_args(tx, arena, &args));
    memcpy(key.b, args.id.b, sizeof(key.b));
    if (args.number == 0)
        return bond_slash(state, &key, context->epoch, &out->moved);
    return bond_raise(state, &key, &bond, amount_micro(args.number));
}

static enum err apply_mint(struct state *state, const struct tx *tx,
                           const struct block_context *context,
                           struct arena *arena, struct tx_effect *out)
{
    struct kind_args args;
    (void)context;
    (void)out;
    TRY(kind_args(tx, arena, &args));
    return account_credit(state, &tx->sender, amount_micro(args.number));
}

static enum err apply_half(struct state *state, const struct tx *tx,
                           const struct block_context *context,
                           struct arena *arena, struct tx_effect *out)
{
    (void)context;
    (void)arena;
    (void)out;
    TRY(state_put(state, STATE_CONTRACT, BYTES_OF(tx->sender.b),
                  BYTES_LIT("half")));
    TRY(account_debit(state, &tx->sender, amount_micro(1)));
    return ERR_STATE;
}

static struct amount kind_free(size_t payload_len)
{
    (void)payload_len;
    return amount_micro(0);
}

/* ERR_SIGNATURE (amount 0), ERR_STATE (done already), ERR_FUNDS. */
static enum err apply_deed(struct state *state, const struct tx *tx,
                           const struct block_context *context,
                           struct arena *arena, struct tx_effect *out)
{
    uint8_t done[8];
    struct kind_args args;
    size_t len = 0;
    (void)context;
    TRY(kind_args(tx, arena, &args));
    if (args.number == 0)
        return ERR_SIGNATURE;
    if (state_read(state, STATE_CONTRACT, hash_as_bytes(&args.id), done,
                   sizeof(done), &len) == OK)
        return ERR_STATE;
    out->subject = args.id;
    TRY(vault_lock(state, &args.id, &tx->sender, amount_micro(args.number)));
    return state_put(state, STATE_CONTRACT, hash_as_bytes(&args.id),
                     BYTES_LIT("done"));
}

static const struct tx_kind test_kinds[] = {
    {KIND_LOCK, "test.lock", kind_fee, apply_lock},
    {KIND_PAY, "test.pay", kind_fee, apply_pay},
    {KIND_VALIDATOR, "test.validator", kind_fee, apply_validator},
    {KIND_MINT, "test.mint", kind_fee, apply_mint},
    {KIND_HALF, "test.half", kind_fee, apply_half},
    {KIND_DEED, "test.deed", kind_free, apply_deed},
};
static const struct kind_table test_table = {
    test_kinds, sizeof(test_kinds) / sizeof(test_kinds[0])};

/* A signed transaction of such a kind. */
UNUSED static void test_kind_tx(struct test_tx *t, const struct hash *chain,
                                const struct test_key *from, uint64_t nonce,
                                uint32_t kind, const void *id, uint64_t number)
{
    struct hash hash;
    memcpy(hash.b, id, HASH_LEN);
    test_tx_start(t, chain, kind, nonce);
    mp_put_array(&t->payload, 2);
    mp_put_hash(&t->payload, &hash);
    mp_put_uint(&t->payload, number);
    test_tx_finish(t, from);
}

UNUSED static enum err pool_put(struct world *w, const struct test_tx *t)
{
    struct account account;
    assert_int_equal(
        account_get(chain_head_state(w->chain), &t->tx.sender, &account), OK);
    return pool_add(w->pool, &t->tx, buf_bytes(&t->bytes), account.nonce, 0, 0);
}

UNUSED static enum err pool_kind(struct world *w, unsigned from, uint64_t nonce,
                                 uint32_t kind, const void *id, uint64_t number)
{
    struct test_tx t;
    test_kind_tx(&t, chain_id(w->chain), &w->users[from], nonce, kind, id,
                 number);
    enum err err = pool_put(w, &t);
    test_tx_done(&t);
    return err;
}

#endif
