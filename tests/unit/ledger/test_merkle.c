#include "fixture.h"

#include "golden.h"
#include "ledger/state/merkle.h"

#define N 100

static void make_items(struct hash items[N])
{
    for (uint32_t i = 0; i < N; i++) {
        uint8_t raw[4];
        u32le_put(raw, i);
        hash_bytes(HASH_TAG_HEADER, BYTES_OF(raw), &items[i]);
    }
}

static void merkle_roots_are_the_golden_ones(void **state)
{
    static const size_t counts[] = {0, 1, 2, 3, 5, 8, 100};
    struct hash items[N];
    struct hash root;
    char name[32];
    (void)state;
    make_items(items);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        merkle_root(items, counts[i], &root);
        snprintf(name, sizeof(name), "merkle:%zu", counts[i]);
        assert_golden_hash(name, &root);
    }
}

static void merkle_proofs_hold_for_every_place_and_no_other(void **state)
{
    struct hash items[N];
    struct hash root;
    struct merkle_proof proof;
    (void)state;
    make_items(items);
    for (size_t count = 1; count <= N; count += 1 + count / 4) {
        merkle_root(items, count, &root);
        for (size_t i = 0; i < count; i++) {
            merkle_prove(items, count, i, &proof);
            assert_int_equal(merkle_check(&proof, &items[i], &root), OK);
            assert_int_equal(merkle_check(&proof, &items[(i + 1) % N], &root),
                             ERR_PROOF);
            proof.index = (uint32_t)((i + 1) % count);
            if (count > 1)
                assert_int_equal(merkle_check(&proof, &items[i], &root),
                                 ERR_PROOF);
        }
    }
}

static void merkle_check_refuses_every_changed_field(void **state)
{
    struct hash items[N];
    struct hash root;
    struct merkle_proof good;
    struct merkle_proof bad;
    (void)state;
    make_items(items);
    merkle_root(items, N, &root);
    merkle_prove(items, N, 42, &good);
    bad = good;
    bad.count--;
    assert_int_equal(merkle_check(&bad, &items[42], &root), ERR_PROOF);
    bad = good;
    bad.count = 0;
    assert_int_equal(merkle_check(&bad, &items[42], &root), ERR_PROOF);
    bad = good;
    bad.count = UINT32_MAX;
    assert_int_equal(merkle_check(&bad, &items[42], &root), ERR_PROOF);
    bad = good;
    bad.sibling_count--;
    assert_int_equal(merkle_check(&bad, &items[42], &root), ERR_PROOF);
    for (uint32_t i = 0; i < good.sibling_count; i++) {
        bad = good;
        bad.siblings[i].b[7] ^= 1;
        assert_int_equal(merkle_check(&bad, &items[42], &root), ERR_PROOF);
    }
}

static void an_inner_node_is_not_an_item(void **state)
{
    struct hash items[2];
    struct hash root;
    struct hash inner;
    struct merkle_proof proof;
    (void)state;
    memset(items, 1, sizeof(items));
    merkle_root(items, 2, &root);
    merkle_prove(items, 2, 0, &proof);
    /* Claims the list of two is a list of one whose item is the pair. */
    merkle_root(items, 1, &inner);
    proof.count = 1;
    proof.sibling_count = 0;
    assert_int_equal(merkle_check(&proof, &inner, &root), ERR_PROOF);
    assert_int_equal(merkle_check(&proof, &proof.siblings[0], &root),
                     ERR_PROOF);
}

static void merkle_proof_survives_its_codec(void **state)
{
    struct hash items[N];
    struct merkle_proof proof;
    struct merkle_proof again;
    struct buf buf;
    struct cursor cursor;
    (void)state;
    make_items(items);
    merkle_prove(items, N, 99, &proof);
    buf_init(&buf, 4096);
    merkle_encode(&proof, &buf);
    cursor_init(&cursor, buf_bytes(&buf));
    merkle_decode(&cursor, &again);
    assert_int_equal(cursor_finish(&cursor), OK);
    assert_memory_equal(&proof, &again, sizeof(proof));
    buf.ptr[8] = MERKLE_DEPTH_MAX + 1;
    cursor_init(&cursor, buf_bytes(&buf));
    merkle_decode(&cursor, &again);
    assert_int_equal(cursor.err, ERR_RANGE);
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merkle_roots_are_the_golden_ones),
        cmocka_unit_test(merkle_proofs_hold_for_every_place_and_no_other),
        cmocka_unit_test(merkle_check_refuses_every_changed_field),
        cmocka_unit_test(an_inner_node_is_not_an_item),
        cmocka_unit_test(merkle_proof_survives_its_codec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
