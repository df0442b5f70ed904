/* Our own transactions, watched to the end. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "node/chain/own_tx.h"

#define SENT_MAX 600

/* What was handed on, and what we were told. */
struct post {
    struct own_tx *own;
    struct signer signer;
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    struct hash chain;
    enum err answer; /* of submit */
    struct {
        uint32_t kind;
        uint64_t nonce;
        uint64_t token;
        uint64_t expiry_height;
        struct hash id;
    } sent[SENT_MAX];
    size_t sent_count;
    struct {
        uint32_t kind;
        struct hash subject;
        enum err err;
    } told[16];
    size_t told_count;
    /* The disk: each name's last record; what a ticket stands for is how many
     * were kept. */
    struct {
        char name[32];
        struct buf record;
    } disk[64];
    size_t disk_count;
    uint64_t kept;
    enum err disk_err;
    bool waits; /* in the pool, by another hand */
    enum err judgement;
    unsigned judged;
};

static enum err sign(void *ctx, const char *tag, const struct hash *digest,
                     struct signature *out)
{
    struct post *post = ctx;
    (void)tag;
    crypto_sign_detached(out->b, NULL, digest->b, HASH_LEN, post->secret);
    return OK;
}

static enum err submit(void *ctx, struct bytes bytes, uint64_t token)
{
    struct post *post = ctx;
    struct arena arena;
    struct tx tx;
    if (post->answer != OK)
        return post->answer;
    arena_init(&arena, 1u << 18);
    assert_int_equal(tx_decode(bytes, &arena, &tx), OK);
    assert_int_equal(tx_verify(&tx, &post->chain), OK);
    assert_true(post->sent_count < SENT_MAX);
    post->sent[post->sent_count].kind = tx.kind;
    post->sent[post->sent_count].nonce = tx.nonce;
    post->sent[post->sent_count].token = token;
    post->sent[post->sent_count].expiry_height = tx.expiry_height;
    post->sent[post->sent_count].id = tx.id;
    post->sent_count++;
    arena_done(&arena);
    assert_true((token & OWN_TX_TOKEN) != 0);
    return OK;
}

static enum err keep(void *ctx, const char *name, struct bytes record)
{
    struct post *post = ctx;
    size_t i = 0;
    if (post->disk_err != OK)
        return post->disk_err;
    while (i < post->disk_count && strcmp(post->disk[i].name, name) != 0)
        i++;
    if (i == post->disk_count) {
        assert_true(post->disk_count < 64);
        post->disk_count++;
        snprintf(post->disk[i].name, sizeof(post->disk[i].name), "%s", name);
        buf_init(&post->disk[i].record, LIMIT_TX_BYTES + 200);
    }
    buf_clear(&post->disk[i].record);
    buf_add(&post->disk[i].record, record);
    post->kept++;
    return OK;
}

static uint64_t ticket(void *ctx)
{
    struct post *post = ctx;
    return post->kept;
}

static bool waits(void *ctx, const struct hash *id)
{
    struct post *post = ctx;
    (void)id;
    return post->waits;
}

static enum err judge(void *ctx, struct bytes tx)
{
    struct post *post = ctx;
    assert_true(tx.len > 0);
    post->judged++;
    return post->judgement;
}

static void refused(void *ctx, uint32_t kind, const struct hash *subject,
                    enum err err)
{
    struct post *post = ctx;
    assert_true(post->told_count < 16);
    post->told[post->told_count].kind = kind;
    post->told[post->told_count].subject = *subject;
    post->told[post->told_count].err = err;
    post->told_count++;
}

static void open_own(struct post *post, uint64_t nonce, bool keeps)
{
    struct own_tx_options options = {.nonce = nonce};
    options.chain = post->chain;
    options.signer = &post->signer;
    options.submit = submit;
    options.judge = judge;
    options.waits = waits;
    options.keep = keeps ? keep : NULL;
    options.ticket = keeps ? ticket : NULL;
    options.refused = refused;
    options.ctx = post;
    own_tx_free(post->own);
    assert_int_equal(own_tx_new(&options, &post->own), OK);
}

/* After a kill: what is on the disk is read. */
static void open_again(struct post *post, uint64_t nonce)
{
    open_own(post, nonce, true);
    for (size_t i = 0; i < post->disk_count; i++)
        if (post->disk[i].record.len > 0)
            assert_int_equal(
                own_tx_load(post->own, buf_bytes(&post->disk[i].record)), OK);
}

static int setup(void **state)
{
    struct post *post = calloc(1, sizeof(*post));
    uint8_t seed[crypto_sign_SEEDBYTES] = {5};
    if (post == NULL || sodium_init() < 0)
        return -1;
    crypto_sign_seed_keypair(post->signer.key.b, post->secret, seed);
    post->signer.sign = sign;
    post->signer.ctx = post;
    memset(&post->chain, 0x11, sizeof(post->chain));
    open_own(post, 7, false);
    *state = post;
    return 0;
}

static int teardown(void **state)
{
    struct post *post = *state;
    own_tx_free(post->own);
    for (size_t i = 0; i < post->disk_count; i++)
        buf_done(&post->disk[i].record);
    free(post);
    return 0;
}

static struct hash subject_of(uint32_t number)
{
    struct hash subject = {{0}};
    u32le_put(subject.b, number);
    return subject;
}

static enum err add(struct post *post, uint32_t kind, uint32_t number)
{
    struct hash subject = subject_of(number);
    return own_tx_add(post->own, kind, &subject, BYTES_LIT("payload"), 100,
                      1000);
}

static void final(struct post *post, uint32_t kind, uint32_t number,
                  uint64_t nonce)
{
    struct hash subject = subject_of(number);
    own_tx_final(post->own, kind, &subject, nonce);
}

static void refuse(struct post *post, size_t sent, enum err err)
{
    own_tx_refused(post->own, post->sent[sent].token, err, 0, 2000);
}

static void later(struct post *post)
{
    own_tx_tick(post->own, 101, 5000);
}

static uint64_t last_nonce(const struct post *post)
{
    assert_true(post->sent_count > 0);
    return post->sent[post->sent_count - 1].nonce;
}

static void what_is_added_is_sent_with_the_next_number(void **state)
{
    struct post *post = *state;
    assert_int_equal(add(post, 100, 1), OK);
    assert_int_equal(add(post, 101, 1), OK);
    assert_int_equal(post->sent_count, 2);
    assert_int_equal(post->sent[0].nonce, 7);
    assert_int_equal(post->sent[1].nonce, 8);
    assert_true(post->sent[0].expiry_height > 100);
    assert_int_equal(own_tx_count(post->own), 2);
}

static void the_same_deed_twice_is_one(void **state)
{
    struct post *post = *state;
    assert_int_equal(add(post, 100, 1), OK);
    assert_int_equal(add(post, 100, 1), OK);
    later(post);
    assert_int_equal(post->sent_count, 1);
    assert_int_equal(own_tx_count(post->own), 1);
}

static void what_is_final_is_known_by_what_it_did(void **state)
{
    struct post *post = *state;
    assert_int_equal(add(post, 100, 1), OK);
    final(post, 100, 1, 7);
    assert_int_equal(own_tx_count(post->own), 0);
    assert_int_equal(post->told_count, 0);
    assert_int_equal(add(post, 105, 1), OK);
    assert_int_equal(last_nonce(post), 8);
}

static void what_the_rules_refuse_is_told_once(void **state)
{
    struct post *post = *state;
    assert_int_equal(add(post, 100, 1), OK);
    refuse(post, 0, ERR_FUNDS);
    assert_int_equal(post->told_count, 1);
    assert_int_equal(post->told[0].kind, 100);
    assert_int_equal(post->told[0].err, ERR_FUNDS);
    refuse(post, 0, ERR_FUNDS); /* the token is known no more */
    assert_int_equal(post->told_count, 1);
    assert_int_equal(own_tx_count(post->own), 0);
}

static void the_last_takes_a_refused_number_and_nobody_else_moves(void **state)
{
    struct post *post = *state;
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(add(post, 100, i), OK); /* 7, 8, 9 */
    refuse(post, 0, ERR_FUNDS);
    later(post);
    assert_int_equal(post->sent_count, 4);
    assert_int_equal(post->sent[3].nonce, 7);
    final(post, 100, 3, 7); /* it was the last */
    final(post, 100, 2, 8);
    assert_int_equal(own_tx_count(post->own), 0);
    assert_int_equal(add(post, 100, 4), OK);
    assert_int_equal(last_nonce(post), 9);
}

static void what_comes_next_takes_a_refused_number(void **state)
{
    struct post *post = *state;
    assert_int_equal(add(post, 100, 1), OK); /* 7 */
    for (uint32_t i = 0; i < 256; i++)
        assert_int_equal(add(post, 101, i), OK);
    assert_int_equal(post->sent_count, 256); /* one has no number yet */
    refuse(post, 3, ERR_FUNDS);
    assert_int_equal(post->sent_count, 257);
    assert_int_equal(last_nonce(post), 10);
    refuse(post, 0, ERR_STATE); /* and without one that waits, the last */
    assert_int_equal(post->sent_count, 258);
    assert_int_equal(last_nonce(post), 7);
}

static void what_was_not_taken_is_sent_again_as_it_was(void **state)
{
    static const enum err errs[] = {ERR_POOL_FULL, ERR_NONCE, ERR_RATE,
                                    ERR_NOT_READY, ERR_NOMEM};
    struct post *post = *state;
    assert_int_equal(add(post, 100, 1), OK);
    assert_int_equal(add(post, 100, 2), OK);
    for (size_t i = 0; i < sizeof(errs) / sizeof(errs[0]); i++) {
        refuse(post, i == 0 ? 0 : i + 1, errs[i]);
        own_tx_tick(post->own, 101 + i, 5000 + 1000 * i);
        assert_int_equal(post->sent_count, i + 3);
        assert_int_equal(last_nonce(post), 7);
        assert_true(hash_equal(&post->sent[i + 2].id, &post->sent[0].id));
    }
    assert_int_equal(post->told_count, 0);
}

static void a_used_number_is_tried_again_with_another(void **state)
{
    struct post *post = *state;
    assert_int_equal(add(post, 100, 1), OK);
    final(post, 105, 99, 7); /* an earlier life's transaction had it */
    refuse(post, 0, ERR_NONCE);
    assert_int_equal(post->told_count, 0);
    later(post);
    assert_int_equal(last_nonce(post), 8);
}

static void a_refused_number_moves_nobody_the_chain_has_not_reached(
    void **state)
{
    struct post *post = *state;
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(add(post, 100, i), OK); /* 7, 8, 9 */
    final(post, 105, 99, 7); /* not ours of this life: 1 lost its number */
    refuse(post, 0, ERR_NONCE);
    later(post);
    assert_int_equal(post->sent_count, 4); /* 8 and 9 stay on their way */
    assert_int_equal(last_nonce(post), 10);
}

static void a_deed_an_earlier_copy_did_leaves_no_gap(void **state)
{
    struct post *post = *state;
    assert_int_equal(add(post, 105, 1), OK); /* sent as 7 */
    assert_int_equal(add(post, 105, 2), OK); /* sent as 8 */
    assert_int_equal(add(post, 105, 3), OK); /* sent as 9 */
    /* a copy from an earlier life did the second deed, as number 7 */
    final(post, 105, 2, 7);
    refuse(post, 0, ERR_NONCE);
    later(post);
    /* nothing waits behind number 8, which nobody will use any more */
    assert_int_equal(own_tx_count(post->own), 2);
    assert_int_equal(post->sent_count, 4); /* and 9 stays where it is */
    assert_int_equal(post->sent[3].nonce, 8);
}

static void what_is_there_already_by_the_rules_is_told(void **state)
{
    struct post *post = *state;
    assert_int_equal(add(post, 100, 1), OK);
    assert_int_equal(add(post, 100, 2), OK);
    refuse(post, 0, ERR_EXISTS);
    assert_int_equal(post->told[0].err, ERR_EXISTS);
    later(post); /* and its number is used by the next */
    assert_int_equal(last_nonce(post), 7);
}

static void what_was_final_before_we_heard_is_done(void **state)
{
    struct post *post = *state;
    assert_int_equal(add(post, 100, 1), OK);
    own_tx_refused(post->own, post->sent[0].token, ERR_EXISTS, 12, 2000);
    assert_int_equal(own_tx_count(post->own), 0);
    assert_int_equal(post->told_count, 0);
    assert_int_equal(add(post, 100, 2), OK);
    assert_int_equal(last_nonce(post), 8);
}

static void a_quotes_expiry_is_final_the_transactions_own_is_not(void **state)
{
    struct post *post = *state;
    assert_int_equal(add(post, 100, 1), OK);
    refuse(post, 0, ERR_EXPIRED); /* the kind's own: its quote ran out */
    assert_int_equal(post->told_count, 1);
    assert_int_equal(add(post, 100, 2), OK);
    own_tx_tick(post->own, post->sent[1].expiry_height, 3000);
    refuse(post, 1, ERR_EXPIRED); /* it waited too long for a block */
    assert_int_equal(post->told_count, 1);
    later(post);
    assert_int_equal(post->sent_count, 3);
    assert_int_equal(post->sent[2].nonce, post->sent[1].nonce);
    assert_true(post->sent[2].expiry_height > post->sent[1].expiry_height);
}

static void a_full_pool_is_tried_again(void **state)
{
    struct post *post = *state;
    assert_int_equal(add(post, 100, 1), OK);
    refuse(post, 0, ERR_POOL_FULL);
    assert_int_equal(post->sent_count, 1); /* not at once */
    own_tx_tick(post->own, 100, 2100);
    assert_int_equal(post->sent_count, 1);
    later(post);
    assert_int_equal(post->sent_count, 2);
    assert_int_equal(post->told_count, 0);
}

static void when_nothing_is_taken_order_is_kept(void **state)
{
    struct post *post = *state;
    post->answer = ERR_RATE;
    assert_int_equal(add(post, 100, 1), OK);
    assert_int_equal(add(post, 101, 2), OK);
    assert_int_equal(post->sent_count, 0);
    post->answer = OK;
    later(post);
    assert_int_equal(post->sent_count, 2);
    assert_int_equal(post->sent[0].kind, 100);
    assert_int_equal(post->sent[0].nonce, 7);
    assert_int_equal(post->sent[1].nonce, 8);
}

static void only_so_many_are_on_their_way_at_once(void **state)
{
    struct post *post = *state;
    for (uint32_t i = 0; i < 300; i++)
        assert_int_equal(add(post, 100, i), OK);
    assert_int_equal(post->sent_count, 256);
    final(post, 100, 0, 7);
    later(post);
    assert_int_equal(post->sent_count, 257);
}

static void only_so_many_wait(void **state)
{
    struct post *post = *state;
    post->answer = ERR_RATE;
    for (uint32_t i = 0; i < OWN_TX_MAX; i++)
        assert_int_equal(add(post, 100, i), OK);
    assert_int_equal(add(post, 100, OWN_TX_MAX), ERR_RATE);
    assert_int_equal(add(post, 100, 0), OK); /* it waits already */
}

static void foreign_tokens_mean_nothing(void **state)
{
    struct post *post = *state;
    assert_int_equal(add(post, 100, 1), OK);
    own_tx_refused(post->own, 12345, ERR_FUNDS, 0, 2000);
    assert_int_equal(post->told_count, 0);
    assert_int_equal(own_tx_count(post->own), 1);
}

static void nothing_leaves_before_it_is_kept(void **state)
{
    struct post *post = *state;
    open_own(post, 7, true);
    assert_int_equal(add(post, 100, 1), OK);
    assert_int_equal(add(post, 100, 2), OK);
    later(post);
    assert_int_equal(post->sent_count, 0);
    own_tx_kept(post->own, 1);
    assert_int_equal(post->sent_count, 1);
    own_tx_kept(post->own, 2);
    assert_int_equal(post->sent_count, 2);
    post->disk_err = ERR_IO;
    assert_int_equal(add(post, 100, 3), OK);
    own_tx_kept(post->own, 100);
    later(post);
    assert_int_equal(post->sent_count, 2);
}

static void after_a_kill_the_same_is_sent_again(void **state)
{
    struct post *post = *state;
    open_own(post, 7, true);
    for (uint32_t i = 1; i <= 4; i++)
        assert_int_equal(add(post, 100, i), OK); /* 7 .. 10 */
    own_tx_kept(post->own, post->kept);
    final(post, 100, 1, 7);
    refuse(post, 1, ERR_STATE); /* 2 leaves 8 to 4 */
    own_tx_kept(post->own, post->kept);
    assert_int_equal(post->sent_count, 5);
    open_again(post, 8);
    assert_int_equal(own_tx_count(post->own), 2);
    assert_int_equal(add(post, 100, 4), OK); /* the engines say it again */
    later(post);
    assert_int_equal(post->sent_count, 7);
    assert_true(hash_equal(&post->sent[5].id, &post->sent[4].id)); /* 8 */
    assert_true(hash_equal(&post->sent[6].id, &post->sent[2].id)); /* 9 */
}

static void what_the_chain_passed_meanwhile_is_not_sent_again(void **state)
{
    struct post *post = *state;
    open_own(post, 7, true);
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(add(post, 100, i), OK);
    own_tx_kept(post->own, post->kept);
    open_again(post, 9);
    assert_int_equal(add(post, 100, 1), OK); /* it was another's number */
    later(post);
    own_tx_kept(post->own, post->kept);
    assert_int_equal(own_tx_count(post->own), 2);
    assert_int_equal(post->sent_count, 5);
    assert_int_equal(post->sent[3].nonce, 9); /* 3, as before */
    assert_true(hash_equal(&post->sent[3].id, &post->sent[2].id));
    assert_int_equal(post->sent[4].nonce, 10);
    assert_int_equal(post->disk[0].record.len, 0); /* forgotten */
}

static void records_of_others_are_not_loaded(void **state)
{
    struct post *post = *state;
    struct bytes record;
    open_own(post, 7, true);
    assert_int_equal(add(post, 100, 1), OK);
    record = buf_bytes(&post->disk[0].record);
    assert_int_equal(own_tx_load(post->own, record), ERR_CORRUPT); /* twice */
    post->chain.b[0] ^= 1;
    open_own(post, 7, true);
    assert_int_equal(own_tx_load(post->own, record), ERR_CHAIN);
    post->chain.b[0] ^= 1;
    open_own(post, 7, true);
    for (size_t len = 0; len < record.len; len++)
        assert_int_equal(own_tx_load(post->own, bytes_make(record.ptr, len)),
                         ERR_CORRUPT);
    assert_int_equal(own_tx_count(post->own), 0);
    assert_int_equal(own_tx_load(post->own, record), OK);
}

static void what_another_hand_gave_in_is_watched(void **state)
{
    struct post *post = *state;
    assert_int_equal(add(post, 100, 1), OK);
    post->waits = true;
    refuse(post, 0, ERR_EXISTS);
    assert_int_equal(post->told_count, 0);
    own_tx_tick(post->own, 101, 3900);
    assert_int_equal(post->sent_count, 1);
    own_tx_tick(post->own, 101, 4000);
    assert_int_equal(post->sent_count, 2);
    post->waits = false; /* by now it is gone: the rules speak */
    refuse(post, 1, ERR_EXISTS);
    assert_int_equal(post->told_count, 1);
}

static void the_first_in_line_is_judged_after_each_block(void **state)
{
    struct post *post = *state;
    assert_int_equal(add(post, 100, 1), OK);
    assert_int_equal(add(post, 100, 2), OK);
    own_tx_tick(post->own, 101, 1100);
    unsigned before = post->judged;
    own_tx_tick(post->own, 101, 1200);
    assert_int_equal(post->judged, before); /* once a block */
    post->judgement = ERR_NONCE;            /* the next block has it already */
    own_tx_tick(post->own, 102, 1300);
    assert_int_equal(post->told_count, 0);
    post->judgement = ERR_STATE;
    own_tx_tick(post->own, 103, 1400);
    assert_int_equal(post->told_count, 1);
    assert_int_equal(post->sent_count, 3); /* the other has its number now */
    assert_int_equal(last_nonce(post), 7);
}

/* A chain that takes numbers in order and a pool that forgets, keeps copies of
 * earlier lives, and refuses now and then: every deed ends, and none twice. */
struct market {
    uint64_t nonce;
    bool done[64];
    unsigned refusals;
};

static void every_deed_ends_whatever_the_pool_does(void **state)
{
    struct post *post = *state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct market market = {.nonce = 7};
        uint64_t dice = seed * UINT64_C(0x9e3779b97f4a7c15);
        uint64_t now_ms = 1000;
        size_t seen = 0;
        teardown(state);
        setup(state);
        post = *state;
        for (uint32_t i = 0; i < 12; i++)
            assert_int_equal(add(post, 105, i), OK);
        for (int turn = 0; turn < 400 && own_tx_count(post->own) > 0; turn++) {
            now_ms += 600;
            own_tx_tick(post->own, 100, now_ms);
            for (; seen < post->sent_count; seen++) {
                uint32_t number = UINT32_MAX;
                dice = dice * UINT64_C(6364136223846793005) + 1;
                /* which deed is it? numbers are given out in order of arrival,
                 * so ask who waits under that number by refusing it */
                if (post->sent[seen].nonce != market.nonce || dice >> 60 < 4) {
                    own_tx_refused(post->own, post->sent[seen].token,
                                   dice >> 60 == 0 ? ERR_FUNDS : ERR_NONCE, 0,
                                   now_ms);
                    continue;
                }
                /* final: the first deed that is neither done nor refused */
                for (uint32_t i = 0; i < 12 && number == UINT32_MAX; i++) {
                    bool told = false;
                    for (size_t t = 0; t < post->told_count; t++) {
                        struct hash subject = subject_of(i);
                        told |= hash_equal(&post->told[t].subject, &subject);
                    }
                    if (!told && !market.done[i])
                        number = i;
                }
                assert_true(number < 12);
                market.done[number] = true;
                final(post, 105, number, market.nonce++);
            }
        }
        assert_int_equal(own_tx_count(post->own), 0);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_added_is_sent_with_the_next_number),
        T(the_same_deed_twice_is_one),
        T(what_is_final_is_known_by_what_it_did),
        T(what_the_rules_refuse_is_told_once),
        T(the_last_takes_a_refused_number_and_nobody_else_moves),
        T(what_comes_next_takes_a_refused_number),
        T(what_was_not_taken_is_sent_again_as_it_was),
        T(a_used_number_is_tried_again_with_another),
        T(a_refused_number_moves_nobody_the_chain_has_not_reached),
        T(a_deed_an_earlier_copy_did_leaves_no_gap),
        T(what_is_there_already_by_the_rules_is_told),
        T(what_was_final_before_we_heard_is_done),
        T(a_quotes_expiry_is_final_the_transactions_own_is_not),
        T(a_full_pool_is_tried_again),
        T(when_nothing_is_taken_order_is_kept),
        T(only_so_many_are_on_their_way_at_once),
        T(only_so_many_wait),
        T(foreign_tokens_mean_nothing),
        T(nothing_leaves_before_it_is_kept),
        T(after_a_kill_the_same_is_sent_again),
        T(what_the_chain_passed_meanwhile_is_not_sent_again),
        T(records_of_others_are_not_loaded),
        T(what_another_hand_gave_in_is_watched),
        T(the_first_in_line_is_judged_after_each_block),
        T(every_deed_ends_whatever_the_pool_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
