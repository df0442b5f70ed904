/* Blocks that another made: executed and compared. */

#include "fixture.h"

#include "kinds.h"

struct pair {
    struct world maker;
    struct world other;
    struct candidate *made;
    struct buf bytes;
};

/* Two chains of one genesis; the maker has built a block of two transfers. */
static void pair_open(struct pair *p)
{
    world_open(&p->maker);
    world_open(&p->other);
    const struct pubkey *to = &p->maker.users[2].signer.key;
    assert_int_equal(pool_transfer(&p->maker, 0, 0, to, 500), OK);
    assert_int_equal(pool_transfer(&p->maker, 1, 0, to, 600), OK);
    struct chain_drops drops = build(&p->maker, &p->made);
    assert_int_equal(drops.count, 0);
    buf_init(&p->bytes, LIMIT_BLOCK_BYTES);
    buf_add(&p->bytes, candidate_bytes(p->made));
}

static void pair_close(struct pair *p)
{
    candidate_free(p->made);
    buf_done(&p->bytes);
    world_close(&p->maker);
    world_close(&p->other);
}

static enum err execute(struct pair *p, struct bytes bytes)
{
    struct candidate *candidate = NULL;
    /* The pool holds none of the block's: all signatures are looked at. */
    enum err err = chain_execute(p->other.chain, NULL, bytes, false,
                                 p->other.pool, &candidate);
    candidate_free(candidate);
    return err;
}

static void two_chains_execute_the_same_block_alike(void **state)
{
    struct pair p;
    struct candidate *candidate;
    (void)state;
    pair_open(&p);
    assert_int_equal(chain_execute(p.other.chain, NULL, buf_bytes(&p.bytes),
                                   false, NULL, &candidate),
                     OK);
    test_settle(p.other.chain, p.other.store, &p.other.validator, candidate);
    test_settle(p.maker.chain, p.maker.store, &p.maker.validator, p.made);
    p.made = NULL;
    struct chain_tip a = chain_tip(p.maker.chain);
    struct chain_tip b = chain_tip(p.other.chain);
    assert_true(hash_equal(&a.id, &b.id));
    assert_int_equal(a.view, 1);
    assert_int_equal(balance_of(p.other.chain, &p.other.users[2].signer.key),
                     100 * CREDITS + 1100);
    pair_close(&p);
}

/* Byte offsets of the header's fields, and what a changed one is refused as. */
static void every_field_of_a_header_is_checked(void **state)
{
    static const struct {
        size_t at;
        enum err err;
    } fields[] = {
        {0, ERR_VERSION},   {2, ERR_CHAIN},  {34, ERR_ROOT},
        {42, ERR_HEIGHT},   {57, ERR_ROOT},  {58, ERR_PARENT},
        {90, ERR_PROPOSER}, {122, ERR_ROOT}, {154, ERR_ROOT},
        {186, ERR_ROOT},    {218, ERR_ROOT}, {250, ERR_ROOT},
        {282, ERR_ROOT},
    };
    struct pair p;
    (void)state;
    pair_open(&p);
    assert_int_equal(execute(&p, buf_bytes(&p.bytes)), OK);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        enum err want = fields[i].err;
        p.bytes.ptr[fields[i].at] ^= 1;
        enum err err = execute(&p, buf_bytes(&p.bytes));
        /* A later time is legal; nothing in this block depends on it. */
        assert_int_equal(err, fields[i].at == 57 ? OK : want);
        p.bytes.ptr[fields[i].at] ^= 1;
    }
    u64le_put(p.bytes.ptr + 50, T0);
    assert_int_equal(execute(&p, buf_bytes(&p.bytes)), ERR_TIME);
    pair_close(&p);
}

static void a_body_that_is_not_the_headers_is_refused(void **state)
{
    struct pair p;
    struct bytes bytes;
    (void)state;
    pair_open(&p);
    bytes = buf_bytes(&p.bytes);
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_not_equal(execute(&p, bytes_make(bytes.ptr, len)), OK);
    p.bytes.ptr[bytes.len - 1] ^= 1; /* a signature byte */
    assert_int_equal(execute(&p, bytes), ERR_ROOT);
    p.bytes.ptr[bytes.len - 1] ^= 1;
    p.bytes.ptr[HEADER_BYTES] = EVIDENCE_BLOCK_MAX + 1;
    assert_int_equal(execute(&p, bytes), ERR_RANGE);
    p.bytes.ptr[HEADER_BYTES] = 1; /* evidence that is not there */
    assert_int_not_equal(execute(&p, bytes), OK);
    p.bytes.ptr[HEADER_BYTES] = 0;
    p.bytes.ptr[HEADER_BYTES + 2] = 1; /* one transaction less */
    assert_int_equal(execute(&p, bytes), ERR_TRAILING);
    p.bytes.ptr[HEADER_BYTES + 2] = 3;
    assert_int_equal(execute(&p, bytes), ERR_TRUNCATED);
    p.bytes.ptr[HEADER_BYTES + 5] = 0xff;
    assert_int_equal(execute(&p, bytes), ERR_RANGE);
    pair_close(&p);
}

/* A block around the given transactions, with honest roots of its body. */
static enum err execute_forged(struct pair *p, const struct test_tx *txs,
                               uint32_t count)
{
    struct header header = candidate_block(p->made)->header;
    struct tx plain[4];
    struct bytes bytes[4];
    struct buf block;
    for (uint32_t i = 0; i < count; i++) {
        plain[i] = txs[i].tx;
        bytes[i] = buf_bytes(&txs[i].bytes);
    }
    assert_int_equal(
        block_tx_root(&(struct block){.txs = plain, .tx_count = count},
                      &header.tx_root),
        OK);
    buf_init(&block, LIMIT_BLOCK_BYTES);
    block_encode(&header, NULL, 0, bytes, count, &block);
    enum err err = execute(p, buf_bytes(&block));
    buf_done(&block);
    return err;
}

static void a_block_with_one_bad_tx_is_bad(void **state)
{
    struct pair p;
    struct test_tx txs[2];
    (void)state;
    pair_open(&p);
    const struct hash *chain = chain_id(p.other.chain);
    const struct pubkey *to = &p.other.users[3].signer.key;
    test_transfer(&txs[0], chain, &p.other.users[0], 0, to, 5);
    test_transfer(&txs[1], chain, &p.other.users[0], 0, to, 6);
    assert_int_equal(execute_forged(&p, txs, 2), ERR_NONCE);
    assert_int_equal(execute_forged(&p, txs, 1), ERR_ROOT); /* the state */
    test_tx_done(&txs[1]);
    test_transfer(&txs[1], chain, &p.other.users[0], 1, to, 1000 * CREDITS);
    assert_int_equal(execute_forged(&p, txs, 2), ERR_FUNDS);
    test_tx_done(&txs[1]);
    txs[1] = txs[0]; /* the same one twice */
    assert_int_equal(execute_forged(&p, txs, 2), ERR_NONCE);
    test_tx_done(&txs[0]);
    test_transfer(&txs[0], chain, &p.other.users[0], 0, to, 5);
    txs[0].bytes.ptr[txs[0].bytes.len - 1] ^= 1;
    arena_reset(&txs[0].arena);
    assert_int_equal(
        tx_decode(buf_bytes(&txs[0].bytes), &txs[0].arena, &txs[0].tx), OK);
    assert_int_equal(execute_forged(&p, txs, 1), ERR_SIGNATURE);
    test_tx_done(&txs[0]);
    test_transfer(&txs[0], chain, &p.other.users[0], 1, to, 5); /* a gap */
    assert_int_equal(execute_forged(&p, txs, 1), ERR_NONCE);
    test_tx_done(&txs[0]);
    pair_close(&p);
}

static void signatures_of_waiting_txs_are_not_checked_again(void **state)
{
    struct pair p;
    struct candidate *candidate;
    (void)state;
    pair_open(&p);
    /* Both wait at the other too; had one not been the same bytes, its id
     * would differ and it would be checked. */
    const struct pubkey *to = &p.other.users[2].signer.key;
    assert_int_equal(pool_transfer(&p.other, 0, 0, to, 500), OK);
    assert_int_equal(pool_transfer(&p.other, 1, 0, to, 600), OK);
    assert_int_equal(chain_execute(p.other.chain, NULL, buf_bytes(&p.bytes),
                                   false, p.other.pool, &candidate),
                     OK);
    candidate_free(candidate);
    pair_close(&p);
}

static void a_candidate_can_stand_on_one_not_decided_yet(void **state)
{
    struct world w;
    struct candidate *first;
    struct candidate *second;
    struct chain_drops drops;
    (void)state;
    world_open(&w);
    assert_int_equal(pool_transfer(&w, 0, 0, &w.users[1].signer.key, 5), OK);
    assert_int_equal(pool_transfer(&w, 0, 1, &w.users[1].signer.key, 6), OK);
    drops = build(&w, &first);
    assert_int_equal(chain_build(w.chain, first, w.pool, NULL, 0, 0,
                                 &w.validator.signer.key, &drops, &second),
                     OK);
    assert_int_equal(candidate_block(first)->tx_count, 2);
    assert_int_equal(candidate_block(second)->tx_count, 0);
    assert_int_equal(candidate_block(second)->header.height, 2);
    test_settle(w.chain, w.store, &w.validator, first);
    test_settle(w.chain, w.store, &w.validator, second);
    assert_int_equal(chain_tip(w.chain).height, 2);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_chains_execute_the_same_block_alike),
        cmocka_unit_test(every_field_of_a_header_is_checked),
        cmocka_unit_test(a_body_that_is_not_the_headers_is_refused),
        cmocka_unit_test(a_block_with_one_bad_tx_is_bad),
        cmocka_unit_test(signatures_of_waiting_txs_are_not_checked_again),
        cmocka_unit_test(a_candidate_can_stand_on_one_not_decided_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
