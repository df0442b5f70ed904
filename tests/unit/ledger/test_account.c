#include "fixture.h"

#include "ledger/state/overlay.h"

struct bank {
    struct store *store;
    struct state *ground;
    struct state *state;
    struct pubkey alice;
    struct pubkey bob;
    struct hash vault;
};

static void bank_open(struct bank *b)
{
    struct hash chain = {{1}};
    memset(b, 0, sizeof(*b));
    b->alice.b[0] = 1;
    b->bob.b[0] = 2;
    b->vault.b[0] = 3;
    assert_int_equal(store_mem_new(&b->store), OK);
    assert_int_equal(state_ground(b->store, &chain, &b->ground), OK);
    assert_int_equal(state_fork(b->ground, &b->state), OK);
    assert_int_equal(account_credit(b->state, &b->alice, amount_micro(100)),
                     OK);
}

static void bank_close(struct bank *b)
{
    state_free(b->state);
    state_free(b->ground);
    store_close(b->store);
}

static uint64_t balance(struct bank *b, const struct pubkey *key)
{
    struct account account;
    assert_int_equal(account_get(b->state, key, &account), OK);
    return account.balance.micro;
}

static uint64_t in_vault(struct bank *b)
{
    struct amount amount;
    assert_int_equal(vault_get(b->state, &b->vault, &amount), OK);
    return amount.micro;
}

static void an_untouched_account_reads_as_zero(void **state)
{
    struct bank b;
    struct account account = {{7}, 7};
    (void)state;
    bank_open(&b);
    assert_int_equal(account_get(b.state, &b.bob, &account), OK);
    assert_int_equal(account.balance.micro, 0);
    assert_int_equal(account.nonce, 0);
    bank_close(&b);
}

static void money_cannot_be_taken_that_is_not_there(void **state)
{
    struct bank b;
    (void)state;
    bank_open(&b);
    assert_int_equal(account_debit(b.state, &b.alice, amount_micro(101)),
                     ERR_FUNDS);
    assert_int_equal(account_debit(b.state, &b.alice, amount_micro(100)), OK);
    assert_int_equal(balance(&b, &b.alice), 0);
    assert_int_equal(account_credit(b.state, &b.bob, amount_micro(UINT64_MAX)),
                     OK);
    assert_int_equal(account_credit(b.state, &b.bob, amount_micro(1)),
                     ERR_OVERFLOW);
    bank_close(&b);
}

static void a_vault_keeps_what_it_got_and_gives_no_more(void **state)
{
    struct bank b;
    (void)state;
    bank_open(&b);
    assert_int_equal(vault_lock(b.state, &b.vault, &b.alice, amount_micro(101)),
                     ERR_FUNDS);
    assert_int_equal(vault_lock(b.state, &b.vault, &b.alice, amount_micro(60)),
                     OK);
    assert_int_equal(balance(&b, &b.alice), 40);
    assert_int_equal(in_vault(&b), 60);
    assert_int_equal(vault_pay(b.state, &b.vault, &b.bob, amount_micro(61)),
                     ERR_FUNDS);
    assert_int_equal(vault_pay(b.state, &b.vault, &b.bob, amount_micro(50)),
                     OK);
    assert_int_equal(vault_pay(b.state, &b.vault, &b.alice, amount_micro(10)),
                     OK);
    assert_int_equal(balance(&b, &b.bob), 50);
    assert_int_equal(balance(&b, &b.alice), 50);
    assert_int_equal(in_vault(&b), 0);
    bank_close(&b);
}

static void a_refused_payment_changes_nothing(void **state)
{
    struct bank b;
    (void)state;
    bank_open(&b);
    assert_int_equal(vault_lock(b.state, &b.vault, &b.alice, amount_micro(60)),
                     OK);
    assert_int_equal(
        account_credit(b.state, &b.bob, amount_micro(UINT64_MAX - 10)), OK);
    assert_int_equal(vault_pay(b.state, &b.vault, &b.bob, amount_micro(11)),
                     ERR_OVERFLOW);
    assert_int_equal(in_vault(&b), 60);
    assert_int_equal(balance(&b, &b.bob), UINT64_MAX - 10);
    bank_close(&b);
}

static enum err no_record(void *ctx, struct bytes key, struct bytes value)
{
    (void)ctx;
    (void)key;
    (void)value;
    return ERR_EXISTS;
}

static void nothing_is_spelled_as_no_record(void **state)
{
    struct bank b;
    (void)state;
    bank_open(&b);
    assert_int_equal(vault_lock(b.state, &b.vault, &b.alice, amount_micro(100)),
                     OK);
    assert_int_equal(state_each(b.state, STATE_ACCOUNT, no_record, NULL), OK);
    assert_int_equal(state_each(b.state, STATE_VAULT, no_record, NULL),
                     ERR_EXISTS);
    assert_int_equal(vault_pay(b.state, &b.vault, &b.bob, amount_micro(100)),
                     OK);
    assert_int_equal(state_each(b.state, STATE_VAULT, no_record, NULL), OK);
    bank_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_untouched_account_reads_as_zero),
        cmocka_unit_test(money_cannot_be_taken_that_is_not_there),
        cmocka_unit_test(a_vault_keeps_what_it_got_and_gives_no_more),
        cmocka_unit_test(a_refused_payment_changes_nothing),
        cmocka_unit_test(nothing_is_spelled_as_no_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
