#include "fixture.h"

#include "golden.h"
#include "ledger/state/mmr.h"

#define N 200

struct nodes {
    struct hash at[10][N];
    bool there[10][N];
};

static void keep_node(void *ctx, unsigned level, uint64_t index,
                      const struct hash *node)
{
    struct nodes *nodes = ctx;
    assert_true(level < 10 && index < N);
    assert_false(nodes->there[level][index]);
    nodes->at[level][index] = *node;
    nodes->there[level][index] = true;
}

static enum err read_node(void *ctx, unsigned level, uint64_t index,
                          struct hash *out)
{
    struct nodes *nodes = ctx;
    if (level >= 10 || index >= N || !nodes->there[level][index])
        return ERR_NOT_FOUND;
    *out = nodes->at[level][index];
    return OK;
}

static void id_of(uint32_t i, struct hash *out)
{
    uint8_t raw[4];
    u32le_put(raw, i);
    hash_bytes(HASH_TAG_HEADER, BYTES_OF(raw), out);
}

static void mmr_roots_are_the_golden_ones(void **state)
{
    static const uint64_t counts[] = {0, 1, 2, 3, 5, 8, 100};
    struct mmr mmr = {0};
    struct hash id;
    struct hash root;
    char name[32];
    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        while (mmr.count < counts[i]) {
            id_of((uint32_t)mmr.count, &id);
            mmr_append(&mmr, &id, NULL, NULL);
        }
        mmr_root(&mmr, &root);
        snprintf(name, sizeof(name), "mmr:%u", (unsigned)counts[i]);
        assert_golden_hash(name, &root);
    }
}

static void mmr_proofs_hold_for_every_leaf_at_every_size(void **state)
{
    static struct nodes nodes;
    struct mmr mmr = {0};
    struct mmr loaded;
    struct hash id;
    struct hash root;
    struct buf proof;
    (void)state;
    memset(&nodes, 0, sizeof(nodes));
    buf_init(&proof, MMR_PROOF_BYTES_MAX);
    for (uint32_t count = 1; count < N; count++) {
        id_of(count - 1, &id);
        mmr_append(&mmr, &id, keep_node, &nodes);
        mmr_root(&mmr, &root);
        assert_int_equal(mmr_load(&loaded, count, read_node, &nodes), OK);
        assert_memory_equal(&loaded, &mmr, sizeof(mmr));
        for (uint32_t i = 0; i < count; i += 1 + count / 16) {
            buf_clear(&proof);
            id_of(i, &id);
            assert_int_equal(mmr_prove(i, count, read_node, &nodes, &proof),
                             OK);
            assert_int_equal(mmr_check(buf_bytes(&proof), i, count, &id, &root),
                             OK);
            id.b[0] ^= 1;
            assert_int_equal(mmr_check(buf_bytes(&proof), i, count, &id, &root),
                             ERR_PROOF);
        }
    }
    buf_done(&proof);
}

static void mmr_check_refuses_every_damaged_proof(void **state)
{
    static struct nodes nodes;
    struct mmr mmr = {0};
    struct hash id;
    struct hash root;
    struct buf proof;
    (void)state;
    memset(&nodes, 0, sizeof(nodes));
    for (uint32_t i = 0; i < 107; i++) {
        id_of(i, &id);
        mmr_append(&mmr, &id, keep_node, &nodes);
    }
    mmr_root(&mmr, &root);
    id_of(33, &id);
    buf_init(&proof, MMR_PROOF_BYTES_MAX);
    assert_int_equal(mmr_prove(33, 107, read_node, &nodes, &proof), OK);
    struct bytes good = buf_bytes(&proof);
    assert_int_equal(mmr_check(good, 33, 107, &id, &root), OK);
    assert_int_equal(mmr_check(good, 34, 107, &id, &root), ERR_PROOF);
    assert_int_equal(mmr_check(good, 33, 108, &id, &root), ERR_PROOF);
    assert_int_equal(mmr_check(good, 107, 107, &id, &root), ERR_PROOF);
    for (size_t i = 0; i < proof.len; i++) {
        proof.ptr[i] ^= 0x10;
        assert_int_equal(mmr_check(good, 33, 107, &id, &root), ERR_PROOF);
        proof.ptr[i] ^= 0x10;
    }
    for (size_t len = 0; len < proof.len; len++)
        assert_int_equal(
            mmr_check(bytes_make(proof.ptr, len), 33, 107, &id, &root),
            ERR_PROOF);
    buf_add_u8(&proof, 0);
    assert_int_equal(mmr_check(buf_bytes(&proof), 33, 107, &id, &root),
                     ERR_PROOF);
    buf_done(&proof);
}

static void mmr_load_passes_a_missing_node_on(void **state)
{
    static struct nodes nodes;
    struct mmr mmr = {.count = 7};
    (void)state;
    memset(&nodes, 0, sizeof(nodes));
    assert_int_equal(mmr_load(&mmr, 3, read_node, &nodes), ERR_NOT_FOUND);
    assert_int_equal(mmr.count, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mmr_roots_are_the_golden_ones),
        cmocka_unit_test(mmr_proofs_hold_for_every_leaf_at_every_size),
        cmocka_unit_test(mmr_check_refuses_every_damaged_proof),
        cmocka_unit_test(mmr_load_passes_a_missing_node_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
