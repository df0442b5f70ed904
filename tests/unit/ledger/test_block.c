#include "fixture.h"

#include "golden.h"
#include "ledger/block.h"

static void epochs_are_runs_of_heights_after_the_genesis(void **state)
{
    (void)state;
    assert_int_equal(epoch_of_height(0, 5), 0);
    assert_int_equal(epoch_of_height(1, 5), 1);
    assert_int_equal(epoch_of_height(5, 5), 1);
    assert_int_equal(epoch_of_height(6, 5), 2);
    assert_int_equal(epoch_of_height(10, 5), 2);
    assert_int_equal(epoch_of_height(7, 1), 7);
    assert_int_equal(epoch_of_height(UINT64_MAX, 1), UINT64_MAX);
}

static void the_golden_block_decodes_to_what_it_was_made_of(void **state)
{
    struct block block;
    struct arena arena;
    struct buf bytes;
    struct buf again;
    (void)state;
    golden("block1", &bytes);
    arena_init(&arena, 1u << 20);
    assert_int_equal(block_decode(buf_bytes(&bytes), &arena, &block), OK);
    assert_golden_hash("block1-id", &block.id);
    assert_int_equal(block.header.height, 1);
    assert_int_equal(block.header.epoch, 1);
    assert_int_equal(block.header.time_ms, T0 + 1);
    assert_golden_hash("chain", &block.header.chain);
    assert_golden_hash("block0-id", &block.header.parent);
    assert_int_equal(block.tx_count, 1);
    assert_golden_hash("tx-id", &block.txs[0].id);
    assert_golden("tx", block.tx_bytes[0]);
    assert_int_equal(block_verify_sigs(&block, &block.header.chain), OK);
    buf_init(&again, LIMIT_BLOCK_BYTES);
    block_encode(&block.header, block.evidence, block.evidence_count,
                 block.tx_bytes, 1, &again);
    assert_true(bytes_equal(buf_bytes(&again), buf_bytes(&bytes)));
    buf_done(&again);
    buf_done(&bytes);
    arena_done(&arena);
}

/* No second spelling: each changed bit of a block changes its id or makes it no
 * block, so a certificate of one says nothing about the other. */
static void no_bit_of_a_block_can_change_under_its_id(void **state)
{
    struct block block;
    struct arena arena;
    struct buf bytes;
    (void)state;
    golden("block1", &bytes);
    arena_init(&arena, 1u << 20);
    for (size_t i = 0; i < bytes.len * 8; i++) {
        arena_reset(&arena);
        bytes.ptr[i / 8] ^= (uint8_t)(1u << (i % 8));
        if (block_decode(buf_bytes(&bytes), &arena, &block) == OK) {
            struct buf want;
            golden("block1-id", &want);
            assert_memory_not_equal(block.id.b, want.ptr, HASH_LEN);
            buf_done(&want);
        }
        bytes.ptr[i / 8] ^= (uint8_t)(1u << (i % 8));
    }
    buf_done(&bytes);
    arena_done(&arena);
}

static void a_block_cannot_ask_for_more_memory_than_it_brings(void **state)
{
    struct block block;
    struct arena arena;
    struct buf bytes;
    (void)state;
    golden("block1", &bytes);
    arena_init(&arena, 16 * 1024);
    memset(bytes.ptr + HEADER_BYTES + 2, 0xff, 4);
    assert_int_equal(block_decode(buf_bytes(&bytes), &arena, &block),
                     ERR_RANGE);
    u32le_put(bytes.ptr + HEADER_BYTES + 2, 1);
    memset(bytes.ptr + HEADER_BYTES + 6, 0xff, 4);
    assert_int_equal(block_decode(buf_bytes(&bytes), &arena, &block),
                     ERR_TOO_LARGE);
    buf_done(&bytes);
    arena_done(&arena);
}

static void a_block_over_the_limit_is_refused_unread(void **state)
{
    static uint8_t big[LIMIT_BLOCK_BYTES + 1];
    struct block block = {.tx_count = 9};
    struct arena arena;
    (void)state;
    arena_init(&arena, 1024);
    assert_int_equal(block_decode(BYTES_OF(big), &arena, &block),
                     ERR_TOO_LARGE);
    assert_int_equal(block.tx_count, 9);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(epochs_are_runs_of_heights_after_the_genesis),
        cmocka_unit_test(the_golden_block_decodes_to_what_it_was_made_of),
        cmocka_unit_test(no_bit_of_a_block_can_change_under_its_id),
        cmocka_unit_test(a_block_cannot_ask_for_more_memory_than_it_brings),
        cmocka_unit_test(a_block_over_the_limit_is_refused_unread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
