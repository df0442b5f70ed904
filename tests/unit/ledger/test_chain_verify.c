/* Executing it all again, on a chain that has what many validators bring: sets
 * that change, runs with one certificate, ends of epochs, evidence. Whatever is
 * changed in whichever table is found. */

#include "fixture.h"

#include "town.h"

static enum err verify(struct town *t, struct verify_report *report)
{
    return chain_verify(t->w.store, &t->w.genesis, &test_table, NULL, NULL,
                        NULL, report);
}

static void open_history(struct town *t)
{
    town_open(t);
    town_history(t);
}

static void assert_verifies(struct town *t)
{
    struct verify_report report;
    struct chain_tip tip = chain_tip(t->w.chain);
    assert_int_equal(verify(t, &report), OK);
    assert_int_equal(report.height, tip.height);
    assert_int_equal(report.tip, tip.height);
    assert_true(hash_equal(&report.tip_id, &tip.id));
}

static void assert_found(struct town *t, enum store_table table, unsigned nth,
                         const char *how)
{
    struct verify_report report;
    enum err err = verify(t, &report);
    if (err != ERR_CORRUPT || report.what == NULL || report.err == OK)
        fail_msg("table %u, record %u, %s: %s", table, nth, how, err_name(err));
}

static void a_chain_of_many_signers_verifies(void **state)
{
    struct town t;
    struct validators set;
    static const uint32_t seats[] = {1, 1, 2, 3, 4, 4, 3, 3};
    (void)state;
    open_history(&t);
    for (uint64_t epoch = 1; epoch <= 8; epoch++) {
        assert_int_equal(chain_set_of(t.w.chain, epoch, &set), OK);
        assert_int_equal(set.count, seats[epoch - 1]);
    }
    assert_verifies(&t);
    town_close(&t);
}

/* ---- records ---- */

struct victim {
    unsigned skip;
    uint8_t key[STORE_KEY_MAX];
    size_t key_len;
    struct buf value;
};

static enum err pick(void *ctx, struct bytes key, struct bytes value)
{
    struct victim *victim = ctx;
    if (victim->skip-- > 0)
        return OK;
    memcpy(victim->key, key.ptr, key.len);
    victim->key_len = key.len;
    buf_clear(&victim->value);
    buf_add(&victim->value, value);
    return ERR_EXISTS;
}

static bool find_record(struct town *t, enum store_table table, unsigned nth,
                        struct victim *out)
{
    struct store_range all = {.table = table};
    out->skip = nth;
    return store_each(t->w.store, &all, pick, out) == ERR_EXISTS;
}

/* value NULL: deletes. */
static void put_record(struct town *t, enum store_table table, struct bytes key,
                       const struct buf *value)
{
    struct store_batch *batch = store_batch_new(0);
    assert_non_null(batch);
    if (value != NULL)
        store_batch_put(batch, table, key, buf_bytes(value));
    else
        store_batch_delete(batch, table, key);
    assert_int_equal(store_commit(t->w.store, batch), OK);
    store_batch_free(batch);
}

/* May this record go without anybody missing it? A certificate within an epoch
 * may: its blocks are the next one's. */
static bool may_go(enum store_table table, struct bytes key)
{
    return table == STORE_CERT && u64be_get(key.ptr) % 5 != 0 &&
           u64be_get(key.ptr) != 33;
}

static void damage_one(struct town *t, enum store_table table, unsigned nth,
                       struct victim *victim, uint64_t *seed)
{
    struct bytes key = bytes_make(victim->key, victim->key_len);
    size_t at = 0;
    uint8_t other[STORE_KEY_MAX];
    if (victim->value.len > 0) {
        at = (size_t)(test_random(seed) % victim->value.len);
        victim->value.ptr[at] ^= (uint8_t)(1u << (test_random(seed) % 8));
        put_record(t, table, key, &victim->value);
        assert_found(t, table, nth, "changed");
        buf_add_u8(&victim->value, 0);
        put_record(t, table, key, &victim->value);
        assert_found(t, table, nth, "longer");
    }
    put_record(t, table, key, NULL);
    if (!may_go(table, key))
        assert_found(t, table, nth, "gone");
    /* Under another name, and back where it was. */
    assert_true(find_record(t, table, 0, victim) || nth == 0);
    memcpy(other, key.ptr, key.len);
    other[key.len - 1] ^= 0x80;
    put_record(t, table, bytes_make(other, key.len), &victim->value);
    assert_found(t, table, nth, "under another name");
}

static void whatever_is_changed_is_found(void **state)
{
    static const uint8_t step[STORE_TABLES] = {
        [STORE_BLOCK] = 7, [STORE_CERT] = 3,        [STORE_RESULT] = 9,
        [STORE_STATE] = 5, [STORE_PAGE] = 9,        [STORE_MMR] = 17,
        [STORE_TX] = 11,   [STORE_ACCOUNT_TX] = 27, [STORE_SUBJECT_TX] = 1,
        [STORE_SET] = 2,   [STORE_BLOCK_ID] = 9,    [STORE_HEADER] = 1,
        [STORE_PATH] = 5,  [STORE_UNDO] = 5};
    struct town t;
    struct victim victim;
    uint64_t seed = 7;
    (void)state;
    buf_init(&victim.value, 2 * LIMIT_BLOCK_BYTES);
    for (unsigned table = STORE_BLOCK; table < STORE_TABLES; table++) {
        unsigned found = 0;
        for (unsigned nth = 0;; nth += step[table]) {
            open_history(&t);
            bool there = find_record(&t, (enum store_table)table, nth, &victim);
            if (there)
                damage_one(&t, (enum store_table)table, nth, &victim, &seed);
            town_close(&t);
            if (!there)
                break;
            found++;
        }
        if (found == 0 && table != STORE_SUBJECT_TX && table != STORE_HEADER)
            fail_msg("table %u is empty", table);
    }
    buf_done(&victim.value);
}

/* ---- certificates ---- */

static void cert_record(struct town *t, uint64_t height, struct cert *cert)
{
    struct arena arena;
    struct bytes bytes;
    arena_init(&arena, 1u << 16);
    assert_int_equal(chain_cert_at(t->w.chain, height, &arena, &bytes), OK);
    assert_int_equal(cert_decode(bytes, cert), OK);
    arena_done(&arena);
}

static void put_cert(struct town *t, uint64_t height, const struct cert *cert)
{
    struct buf bytes;
    uint8_t key[8];
    u64be_put(key, height);
    buf_init(&bytes, CERT_BYTES_MAX);
    cert_encode(cert, &bytes);
    put_record(t, STORE_CERT, BYTES_OF(key), &bytes);
    buf_done(&bytes);
}

static void an_epoch_does_not_end_without_its_certificate(void **state)
{
    (void)state;
    for (uint64_t height = 5; height <= 30; height += 5) {
        struct town t;
        uint8_t key[8];
        u64be_put(key, height);
        open_history(&t);
        put_record(&t, STORE_CERT, BYTES_OF(key), NULL);
        assert_found(&t, STORE_CERT, (unsigned)height, "end of an epoch");
        town_close(&t);
    }
}

static void a_run_may_be_longer_than_it_was(void **state)
{
    struct town t;
    (void)state;
    open_history(&t);
    for (uint64_t height = 1; height < 33; height++) {
        uint8_t key[8];
        u64be_put(key, height);
        if (height % 5 != 0)
            put_record(&t, STORE_CERT, BYTES_OF(key), NULL);
    }
    assert_verifies(&t);
    town_close(&t);
}

/* Another certificate of the same block is as good; of fewer it is none. */
static void any_quorum_will_do_and_nothing_less(void **state)
{
    struct town t;
    struct cert cert;
    struct cert less;
    (void)state;
    open_history(&t);
    cert_record(&t, 21, &cert); /* epoch 5: four seats, one of one credit */
    assert_int_equal(cert.sig_count, 4);
    for (unsigned gone = 0; gone < 4; gone++) {
        less = cert;
        less.bitmap[0] = (uint8_t)(cert.bitmap[0] & ~(1u << gone));
        less.sig_count = 3;
        memmove(&less.sigs[gone], &less.sigs[gone + 1],
                (3 - gone) * sizeof(less.sigs[0]));
        put_cert(&t, 21, &less);
        assert_verifies(&t);
        less.bitmap[0] = (uint8_t)(1u << gone);
        less.sig_count = 1;
        less.sigs[0] = cert.sigs[gone];
        put_cert(&t, 21, &less);
        assert_found(&t, STORE_CERT, 21, "one of four");
    }
    town_close(&t);
}

static void a_certificate_of_another_block_epoch_or_kind_is_none(void **state)
{
    struct town t;
    struct cert cert;
    struct cert other;
    (void)state;
    open_history(&t);
    cert_record(&t, 21, &cert);
    cert_record(&t, 24, &other);
    put_cert(&t, 21, &other);
    assert_found(&t, STORE_CERT, 21, "of block 24");
    other = cert;
    other.on.epoch--;
    put_cert(&t, 21, &other);
    assert_found(&t, STORE_CERT, 21, "of another epoch");
    other = cert;
    other.kind = VOTE_NOTARIZE;
    put_cert(&t, 21, &other);
    assert_found(&t, STORE_CERT, 21, "of another kind");
    other = cert;
    other.on.view++;
    put_cert(&t, 21, &other);
    assert_found(&t, STORE_CERT, 21, "of another view");
    town_close(&t);
}

/* ---- notes ---- */

static void the_genesis_in_the_store_is_compared_too(void **state)
{
    struct town t;
    struct victim victim;
    struct verify_report report;
    (void)state;
    buf_init(&victim.value, 2 * LIMIT_BLOCK_BYTES);
    open_history(&t);
    struct bytes key = BYTES_LIT("genesis");
    assert_true(find_record(&t, STORE_META, 0, &victim));
    assert_true(bytes_equal(bytes_make(victim.key, victim.key_len), key));
    victim.value.ptr[20] ^= 1;
    put_record(&t, STORE_META, key, &victim.value);
    assert_int_equal(verify(&t, &report), ERR_CORRUPT);
    assert_string_equal(report.what, "genesis");
    put_record(&t, STORE_META, key, NULL);
    assert_int_equal(verify(&t, &report), ERR_CORRUPT);
    buf_done(&victim.value);
    town_close(&t);
}

static void a_tip_that_is_moved_is_found(void **state)
{
    static const uint64_t tips[] = {0, 1, 30, 32, 34, UINT64_MAX};
    struct town t;
    (void)state;
    open_history(&t);
    for (size_t i = 0; i < sizeof(tips) / sizeof(tips[0]); i++) {
        struct buf value;
        uint8_t raw[8];
        u64be_put(raw, tips[i]);
        buf_init(&value, 8);
        buf_add(&value, BYTES_OF(raw));
        put_record(&t, STORE_META, BYTES_LIT("tip"), &value);
        assert_found(&t, STORE_META, (unsigned)i, "tip");
        buf_done(&value);
    }
    town_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_of_many_signers_verifies),
        cmocka_unit_test(whatever_is_changed_is_found),
        cmocka_unit_test(an_epoch_does_not_end_without_its_certificate),
        cmocka_unit_test(a_run_may_be_longer_than_it_was),
        cmocka_unit_test(any_quorum_will_do_and_nothing_less),
        cmocka_unit_test(a_certificate_of_another_block_epoch_or_kind_is_none),
        cmocka_unit_test(the_genesis_in_the_store_is_compared_too),
        cmocka_unit_test(a_tip_that_is_moved_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
