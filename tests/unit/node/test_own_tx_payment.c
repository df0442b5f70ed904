/* own_tx.h: a payment is never on its way twice, for the chain would take both
 * copies. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "ledger/params.h"
#include "node/chain/own_tx.h"

#define SENT_MAX 32
#define DEED     100u

static struct post {
    struct own_tx *own;
    struct signer signer;
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    struct hash chain;
    struct {
        uint32_t kind;
        uint64_t nonce;
        uint64_t token;
        uint64_t expiry_height;
        struct amount fee;
        struct hash id;
    } sent[SENT_MAX];
    size_t sent_count;
    unsigned told_count;
    struct hash told;
    enum err told_err;
    struct buf record; /* the last that was kept and not forgotten */
} post;

static enum err sign(void *ctx, const char *tag, const struct hash *digest,
                     struct signature *out)
{
    (void)ctx;
    (void)tag;
    crypto_sign_detached(out->b, NULL, digest->b, HASH_LEN, post.secret);
    return OK;
}

static enum err submit(void *ctx, struct bytes bytes, uint64_t token)
{
    struct arena arena;
    struct tx tx;
    (void)ctx;
    arena_init(&arena, 1u << 18);
    assert_int_equal(tx_decode(bytes, &arena, &tx), OK);
    assert_int_equal(tx_verify(&tx, &post.chain), OK);
    assert_true(post.sent_count < SENT_MAX);
    post.sent[post.sent_count].kind = tx.kind;
    post.sent[post.sent_count].nonce = tx.nonce;
    post.sent[post.sent_count].token = token;
    post.sent[post.sent_count].expiry_height = tx.expiry_height;
    post.sent[post.sent_count].fee = tx.fee;
    post.sent[post.sent_count++].id = tx.id;
    arena_done(&arena);
    return OK;
}

static enum err keep(void *ctx, const char *name, struct bytes record)
{
    (void)ctx;
    (void)name;
    buf_clear(&post.record);
    buf_add(&post.record, record);
    return OK;
}

static uint64_t ticket(void *ctx)
{
    (void)ctx;
    return 0;
}

static void refused(void *ctx, uint32_t kind, const struct hash *subject,
                    enum err err)
{
    (void)ctx;
    if (kind != TX_TRANSFER)
        return;
    post.told_count++;
    post.told = *subject;
    post.told_err = err;
}

static void open_own(uint64_t nonce)
{
    struct own_tx_options options = {.chain = post.chain,
                                     .signer = &post.signer,
                                     .nonce = nonce,
                                     .submit = submit,
                                     .keep = keep,
                                     .ticket = ticket,
                                     .refused = refused};
    own_tx_free(post.own);
    assert_int_equal(own_tx_new(&options, &post.own), OK);
}

static int set_up(void **state)
{
    uint8_t seed[crypto_sign_SEEDBYTES] = {5};
    (void)state;
    memset(&post, 0, sizeof(post));
    if (sodium_init() < 0)
        return -1;
    crypto_sign_seed_keypair(post.signer.key.b, post.secret, seed);
    post.signer.sign = sign;
    buf_init(&post.record, LIMIT_TX_BYTES + 200);
    open_own(7);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    own_tx_free(post.own);
    buf_done(&post.record);
    return 0;
}

static struct hash subject_of(uint32_t number)
{
    struct hash subject = {{0}};
    u32le_put(subject.b, number);
    return subject;
}

static void add(uint32_t kind, uint32_t number)
{
    struct hash subject = subject_of(number);
    assert_int_equal(
        own_tx_add(post.own, kind, &subject, BYTES_LIT("payload"), 100, 1000),
        OK);
}

static void deed_final(uint32_t number, uint64_t nonce)
{
    struct hash subject = subject_of(number);
    own_tx_final(post.own, DEED, &subject, nonce);
    own_tx_tick(post.own, 101, 2000);
}

static void was_sent(size_t i, uint32_t kind, uint64_t nonce)
{
    assert_true(i < post.sent_count);
    assert_int_equal(post.sent[i].kind, kind);
    assert_int_equal(post.sent[i].nonce, nonce);
}

static void refuse(size_t sent, enum err err)
{
    own_tx_refused(post.own, post.sent[sent].token, err, 0, 2000);
}

static void it_pays_the_least_fee_and_ends_by_its_id(void **state)
{
    struct hash subject = subject_of(1);
    struct hash id;
    (void)state;
    add(TX_TRANSFER, 1);
    was_sent(0, TX_TRANSFER, 7);
    assert_int_equal(
        amount_cmp(post.sent[0].fee, fee_for_payload(strlen("payload"))), 0);
    assert_true(own_tx_payment_id(post.own, &subject, &id));
    assert_true(hash_equal(&id, &post.sent[0].id));
    assert_true(own_tx_payment_of(post.own, 7, &id, &subject));
    assert_false(own_tx_payment_of(post.own, 8, &id, &subject));
    own_tx_final(post.own, TX_TRANSFER, &id, 7);
    assert_int_equal(own_tx_count(post.own), 0);
    assert_int_equal(post.told_count, 0);
    assert_false(own_tx_payment_id(post.own, &subject, &id));
    add(DEED, 2);
    assert_int_equal(amount_cmp(post.sent[1].fee, amount_micro(0)), 0);
    was_sent(1, DEED, 8);
}

static void it_waits_for_what_came_before_and_all_behind_for_it(void **state)
{
    struct hash subject = subject_of(2);
    struct hash id;
    (void)state;
    add(DEED, 1);
    add(TX_TRANSFER, 2);
    add(DEED, 3);
    assert_int_equal(post.sent_count, 1);
    assert_false(own_tx_payment_id(post.own, &subject, &id));
    deed_final(1, 7);
    assert_int_equal(post.sent_count, 3);
    was_sent(1, TX_TRANSFER, 8);
    was_sent(2, DEED, 9);
}

static void it_takes_the_number_of_what_was_refused_before_it(void **state)
{
    (void)state;
    add(DEED, 1);
    add(DEED, 2);
    add(TX_TRANSFER, 3);
    refuse(0, ERR_FUNDS);
    was_sent(2, TX_TRANSFER, 7);
    assert_int_equal(post.sent_count, 3);
}

static void it_moves_into_no_gap_below_it(void **state)
{
    (void)state;
    /* an earlier life's record, above what this chain has reached */
    open_own(9);
    add(TX_TRANSFER, 1);
    was_sent(0, TX_TRANSFER, 9);
    open_own(7);
    assert_int_equal(own_tx_load(post.own, buf_bytes(&post.record)), OK);
    own_tx_tick(post.own, 100, 3000);
    was_sent(1, TX_TRANSFER, 9);
    assert_int_equal(post.sent_count, 2);
    assert_true(hash_equal(&post.sent[0].id, &post.sent[1].id));
}

static void where_another_was_seen_under_its_number_it_gets_the_next(
    void **state)
{
    (void)state;
    add(TX_TRANSFER, 1);
    deed_final(99, 7); /* an earlier life's transaction had it */
    assert_int_equal(post.sent_count, 2);
    was_sent(1, TX_TRANSFER, 8);
    assert_int_equal(post.told_count, 0);
}

static void where_nobody_saw_what_had_its_number_it_is_not_paid_again(
    void **state)
{
    struct hash subject = subject_of(1);
    (void)state;
    add(TX_TRANSFER, 1);
    own_tx_nonce(post.own, 12); /* the state was fetched */
    own_tx_tick(post.own, 500, 3000);
    assert_int_equal(post.sent_count, 1);
    assert_int_equal(own_tx_count(post.own), 0);
    assert_int_equal(post.told_count, 1);
    assert_int_equal(post.told_err, ERR_NONCE);
    assert_true(hash_equal(&post.told, &subject));
    assert_int_equal(post.record.len, 0);
}

static void after_a_kill_it_is_the_same_or_not_sent_at_all(void **state)
{
    (void)state;
    add(TX_TRANSFER, 1);
    open_own(7);
    assert_int_equal(own_tx_load(post.own, buf_bytes(&post.record)), OK);
    own_tx_tick(post.own, 100, 3000);
    assert_int_equal(post.sent_count, 2);
    assert_true(hash_equal(&post.sent[0].id, &post.sent[1].id));
    open_own(8); /* it was final before we came */
    assert_int_equal(own_tx_load(post.own, buf_bytes(&post.record)), OK);
    own_tx_tick(post.own, 100, 3000);
    assert_int_equal(post.sent_count, 2);
    assert_int_equal(own_tx_count(post.own), 0);
}

static void it_is_signed_anew_only_when_the_old_copy_has_expired(void **state)
{
    uint64_t expiry;
    (void)state;
    add(TX_TRANSFER, 1);
    expiry = post.sent[0].expiry_height;
    refuse(0, ERR_POOL_FULL);
    own_tx_tick(post.own, expiry - 1, 9000);
    assert_true(hash_equal(&post.sent[0].id, &post.sent[1].id));
    own_tx_tick(post.own, expiry, 12000);
    refuse(1, ERR_EXPIRED);
    own_tx_tick(post.own, expiry, 13000);
    assert_int_equal(post.sent_count, 3);
    was_sent(2, TX_TRANSFER, 7);
    assert_true(post.sent[2].expiry_height > expiry);
}

static void two_equal_ones_are_two(void **state)
{
    (void)state;
    add(TX_TRANSFER, 1);
    add(TX_TRANSFER, 2);
    assert_int_equal(own_tx_count(post.own), 2);
    own_tx_final(post.own, TX_TRANSFER, &post.sent[0].id, 7);
    own_tx_tick(post.own, 101, 2000);
    was_sent(1, TX_TRANSFER, 8);
    assert_int_equal(own_tx_count(post.own), 1);
}

static void what_the_rules_refuse_is_told(void **state)
{
    (void)state;
    add(TX_TRANSFER, 1);
    add(DEED, 2); /* 8 */
    refuse(0, ERR_FUNDS);
    assert_int_equal(post.told_count, 1);
    assert_int_equal(post.told_err, ERR_FUNDS);
    was_sent(2, DEED, 7);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(it_pays_the_least_fee_and_ends_by_its_id),
        T(it_waits_for_what_came_before_and_all_behind_for_it),
        T(it_takes_the_number_of_what_was_refused_before_it),
        T(it_moves_into_no_gap_below_it),
        T(where_another_was_seen_under_its_number_it_gets_the_next),
        T(where_nobody_saw_what_had_its_number_it_is_not_paid_again),
        T(after_a_kill_it_is_the_same_or_not_sent_at_all),
        T(it_is_signed_anew_only_when_the_old_copy_has_expired),
        T(two_equal_ones_are_two),
        T(what_the_rules_refuse_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
