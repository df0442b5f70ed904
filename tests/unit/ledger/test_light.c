/* Proof files: whoever has the genesis' hash, or trusts one block, needs
 * nothing else, and nothing else passes. */

#include "fixture.h"

#include "golden.h"
#include "ledger/light.h"
#include "town.h"

struct file {
    struct town t;
    struct buf bytes;
    struct buf proof; /* the part of proof.h */
    struct arena arena;
};

static void file_open(struct file *f)
{
    memset(f, 0, sizeof(*f));
    town_open(&f->t);
    town_history(&f->t);
    buf_init(&f->bytes, LIGHT_BYTES_MAX);
    buf_init(&f->proof, PROOF_BYTES_MAX);
    arena_init(&f->arena, 1u << 20);
}

static void file_close(struct file *f)
{
    buf_done(&f->bytes);
    buf_done(&f->proof);
    arena_done(&f->arena);
    town_close(&f->t);
}

static enum err check(struct file *f, const struct hash *trusted,
                      struct light_proof *out)
{
    arena_reset(&f->arena);
    return light_check(buf_bytes(&f->bytes),
                       trusted != NULL ? trusted : chain_id(f->t.w.chain), NULL,
                       &f->arena, out);
}

static uint64_t certified_epoch(const struct buf *proof)
{
    return u64le_get(proof->ptr + 2 + 34);
}

/* The start and the steps, up to where f->proof stands. */
static void add_way(struct file *f, const struct hash *trusted)
{
    uint64_t epoch = 0;
    buf_clear(&f->bytes);
    assert_int_equal(
        chain_prove_start(f->t.w.chain, trusted, &f->bytes, &epoch), OK);
    for (; epoch < certified_epoch(&f->proof); epoch++)
        assert_int_equal(chain_prove_step(f->t.w.chain, epoch, &f->bytes), OK);
    buf_add(&f->bytes, buf_bytes(&f->proof));
    assert_int_equal(f->bytes.err, OK);
}

static void make_state(struct file *f, const struct hash *trusted,
                       enum state_table table, struct bytes key)
{
    buf_clear(&f->proof);
    assert_int_equal(chain_prove(f->t.w.chain, table, key, &f->proof), OK);
    add_way(f, trusted);
}

static void make_tx(struct file *f, const struct hash *trusted,
                    const struct hash *id)
{
    struct header header = {0};
    uint64_t height;
    uint64_t from = 1;
    if (trusted != NULL) {
        assert_int_equal(chain_height_of(f->t.w.chain, trusted, &height), OK);
        assert_int_equal(chain_header_at(f->t.w.chain, height, &header), OK);
        from = header.epoch * 5 + 1;
    }
    buf_clear(&f->proof);
    assert_int_equal(chain_prove_tx(f->t.w.chain, id, from, &f->proof), OK);
    add_way(f, trusted);
}

static struct hash id_at(struct file *f, uint64_t height)
{
    struct header header;
    struct hash id;
    assert_int_equal(chain_header_at(f->t.w.chain, height, &header), OK);
    header_id(&header, &id);
    return id;
}

/* The first transaction of a block. */
static struct hash tx_at(struct file *f, uint64_t height)
{
    struct bytes bytes;
    struct block block;
    arena_reset(&f->arena);
    assert_int_equal(chain_block_at(f->t.w.chain, height, &f->arena, &bytes),
                     OK);
    assert_int_equal(block_decode(bytes, &f->arena, &block), OK);
    assert_true(block.tx_count > 0);
    return block.txs[0].id;
}

static void a_balance_is_proven_to_who_has_the_genesis_hash(void **state)
{
    struct file f;
    struct light_proof got;
    (void)state;
    file_open(&f);
    const struct pubkey *key = &f.t.w.users[1].signer.key;
    make_state(&f, NULL, STATE_ACCOUNT, BYTES_OF(key->b));
    assert_int_equal(check(&f, NULL, &got), OK);
    assert_int_equal(got.start, LIGHT_GENESIS);
    assert_int_equal(got.kind, 'S');
    assert_int_equal(got.steps, 5); /* epochs 2 to 6 */
    assert_int_equal(got.state.header.height, 33);
    assert_int_equal(got.state.header.epoch, 7);
    assert_true(got.state.present);
    assert_int_equal(u64le_get(got.state.value.ptr),
                     balance_of(f.t.w.chain, key));
    assert_int_equal(got.state.quorum.seats, 3); /* one of four is jailed */
    assert_int_equal(got.state.quorum.signers, 3);
    assert_int_equal(got.state.quorum.weight, got.state.quorum.total);
    assert_true(f.bytes.len < 6000);
    file_close(&f);
}

static void a_balance_is_proven_to_who_trusts_a_block(void **state)
{
    struct file f;
    struct light_proof got;
    (void)state;
    file_open(&f);
    const struct pubkey *key = &f.t.keys[1].signer.key;
    for (uint64_t height = 0; height <= 30; height++) {
        struct hash trusted = id_at(&f, height);
        make_state(&f, &trusted, STATE_VALIDATOR, BYTES_OF(key->b));
        assert_int_equal(check(&f, &trusted, &got), OK);
        assert_int_equal(got.start, LIGHT_BLOCK);
        assert_int_equal(got.start_epoch, epoch_of_height(height, 5));
        assert_int_equal(got.steps, 6 - got.start_epoch);
        assert_true(hash_equal(&got.chain, chain_id(f.t.w.chain)));
        assert_true(got.state.present);
        assert_int_equal(check(&f, NULL, &got), ERR_CHAIN);
    }
    file_close(&f);
}

/* Within its own epoch a block names nobody who has signed anything yet. */
static void a_block_of_the_running_epoch_is_too_young_to_start_from(
    void **state)
{
    struct file f;
    uint64_t epoch;
    (void)state;
    file_open(&f);
    for (uint64_t height = 31; height <= 33; height++) {
        struct hash trusted = id_at(&f, height);
        assert_int_equal(
            chain_prove_start(f.t.w.chain, &trusted, &f.bytes, &epoch),
            ERR_TOO_EARLY);
    }
    struct hash unknown = {{1}};
    assert_int_equal(chain_prove_start(f.t.w.chain, &unknown, &f.bytes, &epoch),
                     ERR_NOT_FOUND);
    struct hash id = tx_at(&f, 3);
    assert_int_equal(chain_prove_tx(f.t.w.chain, &id, 34, &f.proof),
                     ERR_TOO_EARLY);
    file_close(&f);
}

static void every_payment_is_proven_certified_block_or_not(void **state)
{
    struct file f;
    struct light_proof got;
    unsigned older = 0;
    (void)state;
    file_open(&f);
    for (uint64_t height = 1; height <= 33; height++) {
        struct hash id = tx_at(&f, height);
        make_tx(&f, NULL, &id);
        assert_int_equal(check(&f, NULL, &got), OK);
        assert_int_equal(got.kind, 'T');
        assert_true(hash_equal(&got.tx.tx.id, &id));
        assert_int_equal(got.tx.header.height, height);
        assert_int_equal(got.tx.certified.epoch, got.tx.header.epoch);
        assert_in_range(got.tx.certified.height, height, height + 2);
        older += got.tx.certified.height > height;
        assert_int_equal(got.steps, got.tx.certified.epoch < 3
                                        ? 0
                                        : got.tx.certified.epoch - 2);
    }
    assert_int_equal(older, 33 - 11 - 4); /* each third and fifth are not */
    file_close(&f);
}

static void an_old_payment_is_proven_by_a_recent_certificate(void **state)
{
    struct file f;
    struct light_proof got;
    (void)state;
    file_open(&f);
    for (uint64_t trusted = 0; trusted <= 30; trusted += 5) {
        struct hash block = id_at(&f, trusted);
        for (uint64_t height = 1; height <= 33; height += 4) {
            struct hash id = tx_at(&f, height);
            make_tx(&f, &block, &id);
            assert_int_equal(check(&f, &block, &got), OK);
            assert_int_equal(got.tx.header.height, height);
            assert_true(got.tx.certified.height > trusted);
            struct hash stands = id_at(&f, height);
            assert_true(hash_equal(&got.tx.id, &stands));
        }
    }
    file_close(&f);
}

/* ---- damage ---- */

static void no_damage_passes(struct file *f, const struct hash *trusted)
{
    struct light_proof got;
    assert_int_equal(check(f, trusted, &got), OK);
    for (size_t i = 0; i < f->bytes.len; i++) {
        uint8_t was = f->bytes.ptr[i];
        f->bytes.ptr[i] = (uint8_t)(was ^ (1u << (i % 8)));
        assert_int_not_equal(check(f, trusted, &got), OK);
        f->bytes.ptr[i] = (uint8_t)~was;
        if (i % 4 == 0)
            assert_int_not_equal(check(f, trusted, &got), OK);
        f->bytes.ptr[i] = was;
    }
    assert_int_equal(check(f, trusted, &got), OK);
    size_t whole = f->bytes.len;
    for (size_t len = 0; len < whole; len++) {
        f->bytes.len = len;
        assert_int_not_equal(check(f, trusted, &got), OK);
    }
    f->bytes.len = whole;
    buf_add_u8(&f->bytes, 0);
    assert_int_not_equal(check(f, trusted, &got), OK);
    f->bytes.len = whole;
}

static void no_byte_of_a_balance_proof_may_change(void **state)
{
    struct file f;
    (void)state;
    file_open(&f);
    const struct pubkey *key = &f.t.w.users[1].signer.key;
    make_state(&f, NULL, STATE_ACCOUNT, BYTES_OF(key->b));
    no_damage_passes(&f, NULL);
    file_close(&f);
}

static void no_byte_of_a_payment_proof_may_change(void **state)
{
    struct file f;
    (void)state;
    file_open(&f);
    struct hash trusted = id_at(&f, 18);
    struct hash id = tx_at(&f, 7);
    make_tx(&f, &trusted, &id);
    no_damage_passes(&f, &trusted);
    file_close(&f);
}

/* ---- what somebody might try ---- */

/* The start alone. */
static void start_only(struct file *f)
{
    uint64_t epoch;
    buf_clear(&f->bytes);
    assert_int_equal(chain_prove_start(f->t.w.chain, NULL, &f->bytes, &epoch),
                     OK);
}

static void add_steps(struct file *f, const unsigned *epochs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(chain_prove_step(f->t.w.chain, epochs[i], &f->bytes),
                         OK);
}

static void epochs_are_walked_one_by_one(void **state)
{
    static const unsigned ways[][6] = {
        {2, 3, 4, 5, 6}, /* the one that is right */
        {3, 4, 5, 6},
        {2, 3, 4, 5},
        {2, 4, 3, 5, 6},
        {2, 2, 3, 4, 5, 6},
        {1, 2, 3, 4, 5},
        {2, 3, 4, 6},
        {6},
        {0},
    };
    struct file f;
    struct light_proof got;
    (void)state;
    file_open(&f);
    buf_clear(&f.proof);
    assert_int_equal(
        chain_prove(f.t.w.chain, STATE_PARAMS, BYTES_LIT("supply"), &f.proof),
        OK);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        size_t count = 0;
        while (count < 6 && ways[i][count] != 0)
            count++;
        start_only(&f);
        add_steps(&f, ways[i], count);
        buf_add(&f.bytes, buf_bytes(&f.proof));
        if (i == 0)
            assert_int_equal(check(&f, NULL, &got), OK);
        else
            assert_int_not_equal(check(&f, NULL, &got), OK);
    }
    file_close(&f);
}

/* The set of epoch 5 stays in 6: it may not be spelled out. */
static void a_set_that_stays_has_one_spelling(void **state)
{
    static const unsigned before[] = {2, 3, 4, 5};
    struct file f;
    struct light_proof got;
    struct validators set;
    struct buf bytes;
    (void)state;
    file_open(&f);
    buf_init(&bytes, VALIDATORS_BYTES_MAX);
    start_only(&f);
    add_steps(&f, before, 4);
    assert_int_equal(f.bytes.ptr[f.bytes.len - 1], 0); /* no set there */
    f.bytes.len -= 2;
    assert_int_equal(chain_set_of(f.t.w.chain, 6, &set), OK);
    validators_encode(&set, &bytes);
    buf_add_u16le(&f.bytes, (uint16_t)bytes.len);
    buf_add(&f.bytes, buf_bytes(&bytes));
    buf_add_u8(&f.bytes, 'S');
    assert_int_equal(check(&f, NULL, &got), ERR_NOT_CANONICAL);
    buf_done(&bytes);
    file_close(&f);
}

/* An end of epoch 2 that names another set, signed by `key` in the first place.
 */
static void forged_step(struct file *f, const struct test_key *key,
                        enum vote_kind kind)
{
    struct header header;
    struct validators set = {0};
    struct proposal on = {.epoch = 2, .view = 3};
    struct vote vote;
    struct cert cert;
    struct buf bytes;
    uint8_t raw[HEADER_BYTES];
    start_only(f);
    assert_int_equal(chain_header_at(f->t.w.chain, 10, &header), OK);
    assert_int_equal(
        validators_add(&set, &f->t.keys[3].signer.key, 1000 * CREDITS), OK);
    validators_hash(&set, &header.next_set);
    header_id(&header, &on.id);
    assert_int_equal(
        vote_sign(kind, &on, 0, chain_id(f->t.w.chain), &key->signer, &vote),
        OK);
    cert_init(&cert, kind, &on, 1);
    assert_int_equal(cert_add(&cert, &vote), OK);
    header_encode(&header, raw);
    buf_init(&bytes, CERT_BYTES_MAX);
    cert_encode(&cert, &bytes);
    buf_add_u8(&f->bytes, 'E');
    buf_add(&f->bytes, BYTES_OF(raw));
    buf_add_u32le(&f->bytes, (uint32_t)bytes.len);
    buf_add(&f->bytes, buf_bytes(&bytes));
    buf_clear(&bytes);
    validators_encode(&set, &bytes);
    buf_add_u16le(&f->bytes, (uint16_t)bytes.len);
    buf_add(&f->bytes, buf_bytes(&bytes));
    buf_done(&bytes);
}

static void who_is_not_in_the_set_names_nobody(void **state)
{
    struct file f;
    struct light_proof got;
    (void)state;
    file_open(&f);
    forged_step(&f, &f.t.keys[1], VOTE_FINALIZE);
    assert_int_equal(check(&f, NULL, &got), ERR_SIGNATURE);
    forged_step(&f, &f.t.keys[0], VOTE_NOTARIZE);
    assert_int_equal(check(&f, NULL, &got), ERR_PROOF);
    /* All of them together can do it: that is what it means to trust them. */
    forged_step(&f, &f.t.keys[0], VOTE_FINALIZE);
    assert_int_equal(check(&f, NULL, &got), ERR_TRUNCATED);
    file_close(&f);
}

static void a_third_of_the_weight_certifies_nothing(void **state)
{
    struct file f;
    struct light_proof got;
    struct cert cert;
    struct bytes bytes;
    struct buf thin;
    (void)state;
    file_open(&f);
    buf_clear(&f.proof);
    assert_int_equal(
        chain_prove(f.t.w.chain, STATE_PARAMS, BYTES_LIT("supply"), &f.proof),
        OK);
    arena_reset(&f.arena);
    assert_int_equal(chain_cert_at(f.t.w.chain, 33, &f.arena, &bytes), OK);
    assert_int_equal(cert_decode(bytes, &cert), OK);
    assert_int_equal(cert.sig_count, 3);
    cert.bitmap[0] = 0x1; /* one of three */
    cert.sig_count = 1;
    buf_init(&thin, PROOF_BYTES_MAX);
    buf_add(&thin, bytes_make(f.proof.ptr, 2 + HEADER_BYTES));
    struct buf encoded;
    buf_init(&encoded, CERT_BYTES_MAX);
    cert_encode(&cert, &encoded);
    buf_add_u32le(&thin, (uint32_t)encoded.len);
    buf_add(&thin, buf_bytes(&encoded));
    size_t rest = 2 + HEADER_BYTES + 4 + bytes.len;
    buf_add(&thin, bytes_make(f.proof.ptr + rest, f.proof.len - rest));
    buf_clear(&f.proof);
    buf_add(&f.proof, buf_bytes(&thin));
    add_way(&f, NULL);
    assert_int_equal(check(&f, NULL, &got), ERR_QUORUM);
    buf_done(&encoded);
    buf_done(&thin);
    file_close(&f);
}

static void a_file_says_where_it_starts(void **state)
{
    struct file f;
    struct light_proof got;
    enum light_start start;
    struct hash trusted;
    struct hash block;
    struct hash other = {{9}};
    (void)state;
    file_open(&f);
    make_state(&f, NULL, STATE_PARAMS, BYTES_LIT("supply"));
    assert_int_equal(light_start(buf_bytes(&f.bytes), &start, &trusted), OK);
    assert_int_equal(start, LIGHT_GENESIS);
    assert_true(hash_equal(&trusted, chain_id(f.t.w.chain)));
    assert_int_equal(check(&f, &other, &got), ERR_CHAIN);
    block = id_at(&f, 12);
    make_state(&f, &block, STATE_PARAMS, BYTES_LIT("supply"));
    assert_int_equal(light_start(buf_bytes(&f.bytes), &start, &trusted), OK);
    assert_int_equal(start, LIGHT_BLOCK);
    assert_true(hash_equal(&trusted, &block));
    assert_int_equal(light_check(buf_bytes(&f.bytes), &block,
                                 chain_id(f.t.w.chain), &f.arena, &got),
                     OK);
    assert_int_equal(
        light_check(buf_bytes(&f.bytes), &block, &other, &f.arena, &got),
        ERR_CHAIN);
    assert_int_equal(light_start(BYTES_LIT("suan-prooF..."), &start, &trusted),
                     ERR_PARSE);
    assert_int_equal(light_start(BYTES_LIT("suan-proof\2\1"), &start, &trusted),
                     ERR_VERSION);
    assert_int_equal(light_start(BYTES_LIT("suan-proof\1\3"), &start, &trusted),
                     ERR_KIND);
    assert_int_equal(light_start(BYTES_LIT("suan-proof\1"), &start, &trusted),
                     ERR_TRUNCATED);
    file_close(&f);
}

/* ---- golden ---- */

/* What the chain writes of the world that the vectors' maker built, too. */
static void a_file_is_written_as_the_other_program_writes_it(void **state)
{
    struct world w;
    struct buf file;
    struct test_tx t;
    uint64_t epoch;
    const struct pubkey *key;
    (void)state;
    world_open(&w);
    buf_init(&file, LIGHT_BYTES_MAX);
    key = &w.users[1].signer.key;
    test_transfer(&t, chain_id(w.chain), &w.users[0], 0, key, 500);
    assert_int_equal(pool_transfer(&w, 0, 0, key, 500), OK);
    assert_int_equal(world_block(&w), 1);
    assert_int_equal(chain_prove_start(w.chain, NULL, &file, &epoch), OK);
    assert_int_equal(
        chain_prove(w.chain, STATE_ACCOUNT, BYTES_OF(key->b), &file), OK);
    assert_golden("proof-balance", buf_bytes(&file));
    buf_clear(&file);
    assert_int_equal(chain_prove_start(w.chain, NULL, &file, &epoch), OK);
    assert_int_equal(chain_prove_tx(w.chain, &t.tx.id, 0, &file), OK);
    assert_golden("proof-payment", buf_bytes(&file));
    buf_done(&file);
    test_tx_done(&t);
    world_close(&w);
}

static void the_other_programs_files_are_believed(void **state)
{
    struct light_proof got;
    struct arena arena;
    struct buf file;
    struct buf want;
    struct hash chain;
    struct hash block;
    (void)state;
    arena_init(&arena, 1u << 20);
    golden("chain", &want);
    memcpy(chain.b, want.ptr, HASH_LEN);
    buf_done(&want);
    golden("proof-absent", &file);
    assert_int_equal(light_check(buf_bytes(&file), &chain, NULL, &arena, &got),
                     OK);
    assert_false(got.state.present);
    assert_int_equal(got.state.header.epoch, 5);
    assert_int_equal(got.steps, 3);
    buf_done(&file);
    golden("proof-old", &file);
    golden("proof-old-trusted", &want);
    memcpy(block.b, want.ptr, HASH_LEN);
    buf_done(&want);
    assert_int_equal(
        light_check(buf_bytes(&file), &block, &chain, &arena, &got), OK);
    assert_int_equal(got.steps, 1);
    assert_int_equal(got.tx.header.height, 1);
    assert_int_equal(got.tx.certified.height, 22);
    buf_done(&file);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_balance_is_proven_to_who_has_the_genesis_hash),
        cmocka_unit_test(a_balance_is_proven_to_who_trusts_a_block),
        cmocka_unit_test(
            a_block_of_the_running_epoch_is_too_young_to_start_from),
        cmocka_unit_test(every_payment_is_proven_certified_block_or_not),
        cmocka_unit_test(an_old_payment_is_proven_by_a_recent_certificate),
        cmocka_unit_test(no_byte_of_a_balance_proof_may_change),
        cmocka_unit_test(no_byte_of_a_payment_proof_may_change),
        cmocka_unit_test(epochs_are_walked_one_by_one),
        cmocka_unit_test(a_set_that_stays_has_one_spelling),
        cmocka_unit_test(who_is_not_in_the_set_names_nobody),
        cmocka_unit_test(a_third_of_the_weight_certifies_nothing),
        cmocka_unit_test(a_file_says_where_it_starts),
        cmocka_unit_test(a_file_is_written_as_the_other_program_writes_it),
        cmocka_unit_test(the_other_programs_files_are_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
