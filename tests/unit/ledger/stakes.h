#ifndef TESTS_UNIT_LEDGER_STAKES_H
#define TESTS_UNIT_LEDGER_STAKES_H

/* A state with bonds to play with: no blocks, only epochs that are said to
 * begin. Include after fixture.h. */

#include "ledger/bond_tx.h"
#include "ledger/chain/chain_room.h"
#include "ledger/evidence.h"
#include "ledger/state/overlay.h"

struct stakes {
    struct world w;
    struct state *state;
    struct block_context context;
    struct arena arena;
    struct validators set;  /* of context.epoch */
    struct validators next; /* of the epoch after */
};

/* The next epoch begins, as the chain does it. */
UNUSED static void stakes_epoch(struct stakes *s)
{
    struct validators next;
    if (s->context.epoch > 0) {
        assert_int_equal(bond_next_set(s->state, &s->next, &next), OK);
        s->set = s->next;
        s->next = next;
    }
    s->context.epoch++;
    assert_int_equal(stake_begin_epoch(s->state, s->next.weight), OK);
    assert_int_equal(evidence_begin_epoch(s->state, s->context.epoch, &s->set),
                     OK);
}

/* In epoch 1, with the fixture's validator alone at one credit. */
UNUSED static void stakes_open(struct stakes *s)
{
    memset(s, 0, sizeof(*s));
    world_open(&s->w);
    assert_int_equal(state_fork(chain_state(s->w.chain), &s->state), OK);
    s->context.chain = *chain_id(s->w.chain);
    s->set = s->w.genesis.validators;
    s->next = s->set;
    arena_init(&s->arena, 1u << 20);
    stakes_epoch(s);
}

UNUSED static void stakes_close(struct stakes *s)
{
    arena_done(&s->arena);
    state_free(s->state);
    world_close(&s->w);
}

typedef enum err (*stakes_apply)(struct state *, const struct tx *,
                                 const struct block_context *, struct arena *,
                                 struct tx_effect *);

/* As the chain does it: a refusal leaves nothing. */
UNUSED static enum err stakes_run(struct stakes *s, stakes_apply apply,
                                  const struct pubkey *sender,
                                  const struct buf *payload,
                                  struct tx_effect *out)
{
    struct tx tx = {.sender = *sender, .payload = buf_bytes(payload)};
    struct tx_effect effect = {0};
    struct state_mark mark = state_mark(s->state);
    arena_reset(&s->arena);
    enum err err = apply(s->state, &tx, &s->context, &s->arena, &effect);
    if (err != OK)
        state_rollback(s->state, mark);
    if (out != NULL)
        *out = effect;
    return err;
}

/* With the proof of `validator` for `owner`; NULL validator: without. */
UNUSED static enum err stakes_bond(struct stakes *s,
                                   const struct test_key *owner,
                                   const struct pubkey *key,
                                   const struct test_key *validator,
                                   uint64_t micro)
{
    struct bond_add add = {.validator = *key, .amount = amount_micro(micro)};
    struct hash digest;
    struct buf payload;
    if (validator != NULL) {
        bond_digest(&s->context.chain, &owner->signer.key, key, &digest);
        add.has_proof = true;
        assert_int_equal(validator->signer.sign(validator->signer.ctx,
                                                HASH_TAG_BOND, &digest,
                                                &add.proof),
                         OK);
    }
    buf_init(&payload, LIMIT_TX_BYTES);
    bond_add_encode(&add, &payload);
    enum err err =
        stakes_run(s, bond_add_apply, &owner->signer.key, &payload, NULL);
    buf_done(&payload);
    return err;
}

UNUSED static enum err stakes_unbond(struct stakes *s,
                                     const struct test_key *owner,
                                     const struct pubkey *key, uint64_t micro)
{
    struct bond_take take = {*key, amount_micro(micro)};
    struct buf payload;
    buf_init(&payload, LIMIT_TX_BYTES);
    bond_take_encode(&take, &payload);
    enum err err =
        stakes_run(s, bond_take_apply, &owner->signer.key, &payload, NULL);
    buf_done(&payload);
    return err;
}

UNUSED static enum err stakes_withdraw(struct stakes *s,
                                       const struct test_key *owner,
                                       const struct pubkey *key,
                                       struct tx_effect *out)
{
    struct buf payload;
    buf_init(&payload, LIMIT_TX_BYTES);
    bond_withdraw_encode(key, &payload);
    enum err err =
        stakes_run(s, bond_withdraw_apply, &owner->signer.key, &payload, out);
    buf_done(&payload);
    return err;
}

/* Two notarize votes of one validator in one view. */
UNUSED static void stakes_twice(struct stakes *s, const struct test_key *key,
                                uint64_t epoch, uint64_t view, uint16_t index,
                                struct evidence *out)
{
    struct proposal on = {.epoch = epoch, .view = view};
    struct vote one;
    struct vote two;
    hash_bytes(HASH_TAG_HEADER, BYTES_LIT("x"), &on.id);
    assert_int_equal(vote_sign(VOTE_NOTARIZE, &on, index, &s->context.chain,
                               &key->signer, &one),
                     OK);
    hash_bytes(HASH_TAG_HEADER, BYTES_LIT("y"), &on.id);
    assert_int_equal(vote_sign(VOTE_NOTARIZE, &on, index, &s->context.chain,
                               &key->signer, &two),
                     OK);
    assert_int_equal(evidence_make(&one, &two, out), OK);
}

UNUSED static enum err stakes_accuse(struct stakes *s,
                                     const struct evidence *evidence)
{
    struct state_mark mark = state_mark(s->state);
    enum err err = evidence_apply(s->state, evidence, &s->context);
    if (err != OK)
        state_rollback(s->state, mark);
    return err;
}

/* The bond, nothing when there is none. */
UNUSED static struct bond stakes_of(struct stakes *s, const struct pubkey *key)
{
    struct bond bond;
    if (bond_get(s->state, key, &bond) != OK)
        memset(&bond, 0, sizeof(bond));
    return bond;
}

UNUSED static uint64_t stakes_balance(struct stakes *s,
                                      const struct pubkey *key)
{
    struct account account;
    assert_int_equal(account_get(s->state, key, &account), OK);
    return account.balance.micro;
}

/* All money is somewhere, and every vault is what its bond says. */
UNUSED static void stakes_audit(struct stakes *s)
{
    struct amount sum;
    assert_int_equal(chain_sum_money(s->state, &sum), OK);
    assert_int_equal(sum.micro, genesis_supply(&s->w.genesis).micro);
    assert_int_equal(bond_audit(s->state), OK);
}

#endif
