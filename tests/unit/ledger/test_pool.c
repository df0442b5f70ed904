#include "fixture.h"

struct pot {
    struct pool *pool;
    struct test_key keys[2];
    struct hash chain;
};

static void pot_open(struct pot *p, const struct pool_limits *limits)
{
    memset(p, 0, sizeof(*p));
    p->chain.b[0] = 1;
    test_key_init(&p->keys[0], 0);
    test_key_init(&p->keys[1], 1);
    assert_int_equal(pool_new(limits, &p->pool), OK);
}

static enum err add(struct pot *p, unsigned who, uint64_t nonce,
                    uint64_t next_nonce)
{
    struct test_tx t;
    test_transfer(&t, &p->chain, &p->keys[who], nonce,
                  &p->keys[1 - who].signer.key, 1);
    enum err err =
        pool_add(p->pool, &t.tx, buf_bytes(&t.bytes), next_nonce, nonce, 0);
    test_tx_done(&t); /* the pool has its own copy */
    return err;
}

static void assert_order(struct pot *p, const char *want)
{
    char text[128] = "";
    struct pool_entry *entry = pool_next(p->pool, NULL);
    for (; entry != NULL; entry = pool_next(p->pool, entry)) {
        bool first = pubkey_equal(&entry->tx.sender, &p->keys[0].signer.key);
        size_t len = strlen(text);
        snprintf(text + len, sizeof(text) - len, "%c%u ", first ? 'a' : 'b',
                 (unsigned)entry->tx.nonce);
    }
    assert_string_equal(text, want);
}

static void the_pool_keeps_arrival_order_and_each_accounts_nonce_order(
    void **state)
{
    struct pot p;
    (void)state;
    pot_open(&p, NULL);
    assert_int_equal(add(&p, 0, 1, 0), OK);
    assert_int_equal(add(&p, 1, 5, 5), OK);
    assert_int_equal(add(&p, 0, 0, 0), OK);
    assert_int_equal(add(&p, 0, 3, 0), OK);
    assert_order(&p, "a1 b5 a0 a3 ");
    const struct pubkey *alice = &p.keys[0].signer.key;
    assert_int_equal(pool_account_next(p.pool, alice, 0)->tx.nonce, 0);
    assert_int_equal(pool_account_next(p.pool, alice, 1)->tx.nonce, 1);
    assert_int_equal(pool_account_next(p.pool, alice, 2)->tx.nonce, 3);
    assert_null(pool_account_next(p.pool, alice, 4));
    assert_int_equal(pool_fees(p.pool, alice).micro, 30000);
    pool_free(p.pool);
}

static void the_pool_refuses_old_taken_and_far_nonces(void **state)
{
    struct pot p;
    (void)state;
    pot_open(&p, NULL);
    assert_int_equal(add(&p, 0, 4, 5), ERR_NONCE);
    assert_int_equal(add(&p, 0, 5, 5), OK);
    assert_int_equal(add(&p, 0, 5, 5), ERR_EXISTS);
    struct test_tx t;
    test_transfer(&t, &p.chain, &p.keys[0], 5, &p.keys[1].signer.key, 2);
    assert_int_equal(pool_add(p.pool, &t.tx, buf_bytes(&t.bytes), 5, 0, 0),
                     ERR_NONCE);
    test_tx_done(&t);
    assert_int_equal(add(&p, 0, 5 + POOL_GAP_MAX + 2, 5), ERR_NONCE);
    assert_int_equal(add(&p, 0, 5 + POOL_GAP_MAX + 1, 5), OK);
    pool_free(p.pool);
}

static void the_pool_is_bounded_by_count_account_and_bytes(void **state)
{
    struct pool_limits few = {.txs = 3};
    struct pool_limits small = {.bytes = 300};
    struct pool_limits fair = {.account_txs = 2};
    struct pot p;
    (void)state;
    pot_open(&p, &few);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(add(&p, 0, i, 0), OK);
    assert_int_equal(add(&p, 1, 0, 0), ERR_POOL_FULL);
    pool_free(p.pool);
    pot_open(&p, &small);
    assert_int_equal(add(&p, 0, 0, 0), OK);
    assert_int_equal(add(&p, 0, 1, 0), ERR_POOL_FULL);
    assert_true(pool_bytes(p.pool) <= 300);
    pool_free(p.pool);
    pot_open(&p, &fair);
    assert_int_equal(add(&p, 0, 0, 0), OK);
    assert_int_equal(add(&p, 0, 1, 0), OK);
    assert_int_equal(add(&p, 0, 2, 0), ERR_POOL_FULL);
    assert_int_equal(add(&p, 1, 0, 0), OK);
    pool_free(p.pool);
}

static void removed_bytes_stay_readable_until_the_sweep(void **state)
{
    struct pot p;
    (void)state;
    pot_open(&p, NULL);
    assert_int_equal(add(&p, 0, 0, 0), OK);
    assert_int_equal(add(&p, 0, 1, 0), OK);
    struct pool_entry *entry = pool_next(p.pool, NULL);
    struct hash id = entry->tx.id;
    struct bytes bytes = entry->bytes;
    struct hash got;
    pool_remove(p.pool, &id);
    pool_remove(p.pool, &id); /* twice is fine */
    assert_null(pool_find(p.pool, &id));
    hash_bytes(HASH_TAG_TX, bytes, &got);
    assert_true(hash_equal(&got, &id));
    pool_sweep(p.pool);
    assert_order(&p, "a1 ");
    assert_int_equal(pool_count(p.pool), 1);
    pool_free(p.pool);
}

static void who_carries_a_transaction_is_known_before_it_comes(void **state)
{
    struct pot p;
    struct test_tx t;
    (void)state;
    pot_open(&p, NULL);
    test_transfer(&t, &p.chain, &p.keys[0], 0, &p.keys[1].signer.key, 1);
    const struct hash *id = &t.tx.id;
    pool_carry(p.pool, id, -1); /* of a block that nobody told of */
    assert_false(pool_carried(p.pool, id));
    pool_carry(p.pool, id, 1);
    pool_carry(p.pool, id, 1);
    assert_true(pool_carried(p.pool, id));
    pool_carry(p.pool, id, -1);
    assert_int_equal(add(&p, 0, 0, 0), OK);
    assert_int_equal(pool_find(p.pool, id)->carried, 1);
    assert_int_equal(pool_fresh(p.pool), 0);
    pool_carry(p.pool, id, -1);
    assert_int_equal(pool_fresh(p.pool), 1);
    pool_remove(p.pool, id);
    pool_carry(p.pool, id, 1);
    pool_remove(p.pool, id); /* final: who carried it does not count */
    assert_false(pool_carried(p.pool, id));
    assert_int_equal(add(&p, 0, 0, 0), OK);
    assert_int_equal(pool_fresh(p.pool), 1);
    pool_carry(p.pool, id, 1);
    test_tx_done(&t);
    pool_free(p.pool);
}

static void an_emptied_pool_holds_nothing(void **state)
{
    struct pot p;
    struct pool_entry *entry;
    (void)state;
    pot_open(&p, NULL);
    for (uint64_t i = 0; i < 50; i++)
        assert_int_equal(add(&p, (unsigned)(i % 2), i / 2, 0), OK);
    while ((entry = pool_next(p.pool, NULL)) != NULL) {
        struct hash id = entry->tx.id;
        pool_remove(p.pool, &id);
    }
    pool_sweep(p.pool);
    assert_int_equal(pool_count(p.pool), 0);
    assert_int_equal(pool_bytes(p.pool), 0);
    assert_int_equal(pool_fees(p.pool, &p.keys[0].signer.key).micro, 0);
    assert_int_equal(add(&p, 0, 0, 0), OK);
    pool_free(p.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            the_pool_keeps_arrival_order_and_each_accounts_nonce_order),
        cmocka_unit_test(the_pool_refuses_old_taken_and_far_nonces),
        cmocka_unit_test(the_pool_is_bounded_by_count_account_and_bytes),
        cmocka_unit_test(removed_bytes_stay_readable_until_the_sweep),
        cmocka_unit_test(who_carries_a_transaction_is_known_before_it_comes),
        cmocka_unit_test(an_emptied_pool_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
