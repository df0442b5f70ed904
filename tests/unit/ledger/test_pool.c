#include "fixture.h"

#define KEYS 4u

struct pot {
    struct pool *pool;
    struct test_key keys[KEYS];
    struct hash chain;
    uint64_t time;
};

static void pot_open(struct pot *p, const struct pool_limits *limits)
{
    memset(p, 0, sizeof(*p));
    p->chain.b[0] = 1;
    for (unsigned i = 0; i < KEYS; i++)
        test_key_init(&p->keys[i], i);
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

/* "a7 ": the first account's, with nonce 7. */
static void append(const struct pot *p, char text[128],
                   const struct pool_entry *entry)
{
    unsigned who = 0;
    size_t len = strlen(text);
    while (!pubkey_equal(&entry->tx.sender, &p->keys[who].signer.key))
        who++;
    snprintf(text + len, 128 - len, "%c%u ", (char)('a' + who),
             (unsigned)entry->tx.nonce);
}

static void assert_order(struct pot *p, const char *want)
{
    char text[128] = "";
    struct pool_entry *entry = pool_next(p->pool, NULL);
    for (; entry != NULL; entry = pool_next(p->pool, entry))
        append(p, text, entry);
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

/* ---- a full pool ---- */

static void test_transfer_fee(struct test_tx *t, const struct hash *chain,
                              const struct test_key *from, uint64_t nonce,
                              const struct pubkey *to, uint64_t fee)
{
    struct transfer transfer = {.to = *to, .amount = amount_micro(1)};
    test_tx_start(t, chain, TX_TRANSFER, nonce);
    t->tx.fee = amount_micro(fee);
    transfer_encode(&transfer, &t->payload);
    test_tx_finish(t, from);
}

/* As `add`, with a fee; `gone` receives those that gave way, as assert_order
 * writes them. */
static enum err add_fee(struct pot *p, unsigned who, uint64_t nonce,
                        uint64_t next_nonce, uint64_t fee, char gone[128])
{
    struct test_tx t;
    struct pool_entry *entry;
    test_transfer_fee(&t, &p->chain, &p->keys[who], nonce,
                      &p->keys[(who + 1) % KEYS].signer.key, fee);
    enum err err = pool_add(p->pool, &t.tx, buf_bytes(&t.bytes), next_nonce,
                            nonce, ++p->time);
    test_tx_done(&t);
    gone[0] = '\0';
    while ((entry = pool_gone(p->pool)) != NULL)
        append(p, gone, entry);
    return err;
}

static void behind_a_missing_nonce_gives_way_first(void **state)
{
    struct pool_limits few = {.txs = 4};
    struct pot p;
    char gone[128];
    (void)state;
    pot_open(&p, &few);
    /* Whoever pays most for what cannot enter a block holds no place by it. */
    assert_int_equal(add_fee(&p, 0, 1, 0, 900000, gone), OK);
    assert_int_equal(add_fee(&p, 0, 2, 0, 900000, gone), OK);
    assert_int_equal(add_fee(&p, 1, 7, 7, 20000, gone), OK);
    assert_int_equal(add_fee(&p, 2, 0, 0, 20000, gone), OK);
    assert_int_equal(add_fee(&p, 2, 1, 0, 10000, gone), OK);
    assert_string_equal(gone, "a2 ");
    assert_int_equal(add_fee(&p, 2, 2, 0, 10000, gone), OK);
    assert_string_equal(gone, "a1 ");
    /* All that is left can enter one. */
    assert_int_equal(add_fee(&p, 3, 0, 0, 10000, gone), ERR_POOL_FULL);
    assert_int_equal(add_fee(&p, 3, 1, 0, 900000, gone), ERR_POOL_FULL);
    assert_string_equal(gone, "");
    assert_order(&p, "b7 c0 c1 c2 ");
    pool_free(p.pool);
}

static void who_pays_more_for_a_byte_finds_room(void **state)
{
    struct pool_limits few = {.txs = 3};
    struct pot p;
    char gone[128];
    (void)state;
    pot_open(&p, &few);
    assert_int_equal(add_fee(&p, 0, 0, 0, 30000, gone), OK);
    assert_int_equal(add_fee(&p, 1, 0, 0, 20000, gone), OK);
    assert_int_equal(add_fee(&p, 2, 0, 0, 20000, gone), OK);
    assert_int_equal(add_fee(&p, 3, 0, 0, 20000, gone), ERR_POOL_FULL);
    assert_int_equal(add_fee(&p, 3, 0, 0, 22000, gone), ERR_POOL_FULL);
    assert_int_equal(add_fee(&p, 3, 0, 0, 23000, gone), OK);
    assert_string_equal(gone, "c0 "); /* of two alike the younger */
    assert_int_equal(add_fee(&p, 2, 0, 0, 40000, gone), OK);
    assert_string_equal(gone, "b0 ");
    assert_order(&p, "a0 d0 c0 ");
    pool_free(p.pool);
}

static void what_an_undecided_block_holds_stays(void **state)
{
    struct pool_limits few = {.txs = 2};
    struct pot p;
    char gone[128];
    (void)state;
    pot_open(&p, &few);
    assert_int_equal(add_fee(&p, 0, 0, 0, 10000, gone), OK);
    struct hash cheap = pool_next(p.pool, NULL)->tx.id;
    assert_int_equal(add_fee(&p, 1, 0, 0, 20000, gone), OK);
    pool_carry(p.pool, &cheap, 1);
    assert_int_equal(add_fee(&p, 2, 0, 0, 15000, gone), ERR_POOL_FULL);
    assert_int_equal(add_fee(&p, 2, 0, 0, 30000, gone), OK);
    assert_string_equal(gone, "b0 ");
    pool_carry(p.pool, &cheap, -1);
    assert_int_equal(add_fee(&p, 3, 0, 0, 15000, gone), OK);
    assert_string_equal(gone, "a0 ");
    pool_free(p.pool);
}

static void of_an_account_the_later_gives_way_to_its_next_one(void **state)
{
    struct pool_limits fair = {.account_txs = 3};
    struct pot p;
    char gone[128];
    (void)state;
    pot_open(&p, &fair);
    for (uint64_t nonce = 1; nonce <= 3; nonce++)
        assert_int_equal(add_fee(&p, 0, nonce, 0, 50000, gone), OK);
    assert_int_equal(add_fee(&p, 0, 4, 0, 90000, gone), ERR_POOL_FULL);
    assert_string_equal(gone, "");
    assert_int_equal(add_fee(&p, 0, 0, 0, 10000, gone), OK);
    assert_string_equal(gone, "a3 ");
    assert_order(&p, "a1 a2 a0 ");
    assert_int_equal(pool_fees(p.pool, &p.keys[0].signer.key).micro, 110000);
    /* Its only one, too. */
    pool_free(p.pool);
    fair.account_txs = 1;
    pot_open(&p, &fair);
    assert_int_equal(add_fee(&p, 0, 1, 0, 50000, gone), OK);
    assert_int_equal(add_fee(&p, 0, 0, 0, 10000, gone), OK);
    assert_string_equal(gone, "a1 ");
    assert_order(&p, "a0 ");
    pool_free(p.pool);
}

/* Three that throw each other out in turn would be passed on for ever. */
static void nobody_comes_back_over_those_it_gave_way_to(void **state)
{
    struct pool_limits few = {.txs = 2};
    struct pot p;
    char gone[128];
    (void)state;
    pot_open(&p, &few);
    assert_int_equal(add_fee(&p, 2, 9, 5, 90000, gone), OK);
    assert_int_equal(add_fee(&p, 0, 6, 4, 50000, gone), OK);
    /* Earlier, and it cannot enter a block either. */
    assert_int_equal(add_fee(&p, 0, 5, 4, 10000, gone), ERR_POOL_FULL);
    assert_int_equal(add_fee(&p, 1, 3, 1, 20000, gone), ERR_POOL_FULL);
    assert_order(&p, "c9 a6 ");
    pool_free(p.pool);
}

/* What a block holds that nobody handed in here is no gap. */
static void who_came_in_as_ready_stays_ready(void **state)
{
    struct pool_limits few = {.txs = 3};
    struct pot p;
    char gone[128];
    (void)state;
    pot_open(&p, &few);
    assert_int_equal(add_fee(&p, 0, 3, 3, 10000, gone), OK);
    assert_int_equal(add_fee(&p, 1, 0, 0, 10000, gone), OK);
    assert_int_equal(add_fee(&p, 2, 9, 8, 90000, gone), OK);
    assert_int_equal(add_fee(&p, 0, 5, 5, 10000, gone), OK); /* 4 is there */
    assert_string_equal(gone, "c9 ");
    assert_int_equal(add_fee(&p, 2, 9, 8, 90000, gone), ERR_POOL_FULL);
    /* The block dies. */
    assert_int_equal(add_fee(&p, 0, 4, 3, 10000, gone), OK);
    assert_string_equal(gone, "a5 ");
    pool_free(p.pool);
}

static void a_block_from_elsewhere_closes_the_gap(void **state)
{
    struct pool_limits few = {.txs = 2};
    struct pot p;
    char gone[128];
    (void)state;
    pot_open(&p, &few);
    assert_int_equal(add_fee(&p, 0, 1, 0, 50000, gone), OK);
    assert_int_equal(add_fee(&p, 1, 0, 0, 20000, gone), OK);
    pool_account_at(p.pool, &p.keys[0].signer.key, 1); /* its 0 is final */
    assert_int_equal(add_fee(&p, 2, 0, 0, 30000, gone), OK);
    assert_string_equal(gone, "b0 ");
    assert_order(&p, "a1 c0 ");
    pool_free(p.pool);
}

static void too_little_that_gives_way_stays_where_it_is(void **state)
{
    struct pool_limits small = {0};
    struct pot p;
    struct test_tx big;
    char gone[128];
    (void)state;
    pot_open(&p, NULL);
    assert_int_equal(add_fee(&p, 0, 0, 0, 10000, gone), OK);
    uint64_t one = pool_bytes(p.pool);
    pool_free(p.pool);
    small.bytes = 3 * one + 8;
    pot_open(&p, &small);
    assert_int_equal(add_fee(&p, 0, 0, 0, 10000, gone), OK);
    assert_int_equal(add_fee(&p, 1, 0, 0, 900000, gone), OK);
    assert_int_equal(add_fee(&p, 2, 0, 0, 900000, gone), OK);
    /* Twice as long: the cheap one alone does not make room for it. */
    test_transfer_fee(&big, &p.chain, &p.keys[3], 0, &p.keys[0].signer.key,
                      100000);
    uint8_t raw[1024] = {0};
    assert_true(2 * one < sizeof(raw));
    memcpy(raw, big.bytes.ptr, big.bytes.len);
    big.tx.payload = bytes_make(NULL, 0);
    assert_int_equal(
        pool_add(p.pool, &big.tx, bytes_make(raw, 2 * one), 0, 0, 0),
        ERR_POOL_FULL);
    assert_null(pool_gone(p.pool));
    assert_order(&p, "a0 b0 c0 ");
    /* It is where it was: the next one still finds it. */
    assert_int_equal(add_fee(&p, 3, 0, 0, 12000, gone), OK);
    assert_string_equal(gone, "a0 ");
    test_tx_done(&big);
    pool_free(p.pool);
}

/* The rule, said once more and slowly: who would give way first. */
static bool gives_way_before(const struct pool_entry *a, bool a_ready,
                             const struct pool_entry *b, bool b_ready)
{
    uint64_t a_pays =
        (a->tx.fee.micro * 1024 + a->bytes.len - 1) / a->bytes.len;
    uint64_t b_pays =
        (b->tx.fee.micro * 1024 + b->bytes.len - 1) / b->bytes.len;
    if (a_ready != b_ready)
        return b_ready;
    return a_pays != b_pays ? a_pays < b_pays : a->added_ms > b->added_ms;
}

static struct pool_entry *worst_of(struct pot *p, const uint64_t next[KEYS])
{
    struct pool_entry *worst = NULL;
    bool worst_ready = true;
    for (unsigned who = 0; who < KEYS; who++) {
        const struct pubkey *key = &p->keys[who].signer.key;
        struct pool_entry *last = NULL;
        struct pool_entry *entry;
        uint64_t nonce = next[who];
        bool ready = true;
        while ((entry = pool_account_next(p->pool, key, nonce)) != NULL) {
            ready = ready && entry->tx.nonce == nonce;
            nonce = entry->tx.nonce + 1;
            last = entry;
        }
        if (last != NULL &&
            (worst == NULL ||
             gives_way_before(last, ready, worst, worst_ready))) {
            worst = last;
            worst_ready = ready;
        }
    }
    return worst;
}

static void the_worst_of_many_gives_way(void **state)
{
    struct pool_limits few = {.txs = 12};
    struct pot p;
    uint64_t next[KEYS] = {0};
    uint32_t lot = 7;
    uint32_t changes = 0;
    char gone[128];
    char want[128];
    (void)state;
    pot_open(&p, &few);
    for (uint64_t i = 0; i < 4000; i++) {
        lot = lot * 1103515245u + 12345u;
        unsigned who = lot >> 16 & (KEYS - 1);
        uint64_t nonce = next[who] + (lot >> 20) % 5;
        uint64_t fee = 10000 + 4000 * ((lot >> 24) % 64) + i;
        bool full = pool_count(p.pool) == few.txs;
        struct pool_entry *worst = worst_of(&p, next);
        want[0] = '\0';
        if (full)
            append(&p, want, worst);
        enum err err = add_fee(&p, who, nonce, next[who], fee, gone);
        assert_true(pool_count(p.pool) <= few.txs);
        if (gone[0] != '\0' && want[0] != (char)('a' + who)) {
            assert_true(full && err == OK);
            assert_string_equal(gone, want);
            changes++;
        }
        if (lot % 9 == 0 && (lot >> 12) % 4 == 0) {
            /* A block takes the account's next one. */
            const struct pubkey *key = &p.keys[who].signer.key;
            struct pool_entry *entry =
                pool_account_next(p.pool, key, next[who]);
            if (entry != NULL && entry->tx.nonce == next[who]) {
                struct hash id = entry->tx.id;
                pool_remove(p.pool, &id);
                pool_account_at(p.pool, key, ++next[who]);
            }
        }
        pool_sweep(p.pool);
    }
    assert_true(changes > 100);
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
        cmocka_unit_test(behind_a_missing_nonce_gives_way_first),
        cmocka_unit_test(who_pays_more_for_a_byte_finds_room),
        cmocka_unit_test(what_an_undecided_block_holds_stays),
        cmocka_unit_test(of_an_account_the_later_gives_way_to_its_next_one),
        cmocka_unit_test(nobody_comes_back_over_those_it_gave_way_to),
        cmocka_unit_test(who_came_in_as_ready_stays_ready),
        cmocka_unit_test(a_block_from_elsewhere_closes_the_gap),
        cmocka_unit_test(too_little_that_gives_way_stays_where_it_is),
        cmocka_unit_test(the_worst_of_many_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
