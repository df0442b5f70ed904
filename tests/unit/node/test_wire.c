/* wire: how long what is one piece may be. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "node/peer/wire.h"

static enum err read_long(enum wire_kind kind, size_t len)
{
    struct arena arena;
    struct buf message;
    struct bytes body;
    uint8_t *zeros = calloc(1, len);
    assert_non_null(zeros);
    arena_init(&arena, 4096);
    buf_init(&message, 2 * (size_t)LIMIT_MESSAGE_BYTES);
    wire_bytes_encode(kind, bytes_make(zeros, len), &message);
    assert_int_equal(message.err, OK);
    enum err err = wire_bytes_decode(kind, buf_bytes(&message), &arena, &body);
    if (err == OK)
        assert_int_equal(body.len, len);
    buf_done(&message);
    arena_done(&arena);
    free(zeros);
    return err;
}

static void a_consensus_message_may_bring_a_whole_block(void **state)
{
    (void)state;
    assert_int_equal(read_long(WIRE_SX, LIMIT_BLOCK_BYTES + 64 * 1024), OK);
    assert_int_equal(read_long(WIRE_SX, LIMIT_MESSAGE_BYTES + 1),
                     ERR_TOO_LARGE);
}

/* `count` transactions of `len` bytes in one message: encoded, decoded. */
static enum err read_txs(uint32_t count, size_t len)
{
    static struct wire_txs made;
    static struct wire_txs read;
    struct arena arena;
    struct buf message;
    uint8_t *zeros = calloc(1, len + 1);
    assert_non_null(zeros);
    arena_init(&arena, 1024 * 1024);
    buf_init(&message, 2 * (size_t)LIMIT_MESSAGE_BYTES);
    made.count = count;
    for (uint32_t i = 0; i < count && i < WIRE_TXS_MAX; i++)
        made.txs[i] = bytes_make(zeros, len);
    /* The encoder is not asked for more than there is room for. */
    made.count = count > WIRE_TXS_MAX ? WIRE_TXS_MAX : count;
    wire_txs_encode(&made, &message);
    assert_int_equal(message.err, OK);
    if (count > WIRE_TXS_MAX) { /* the head of an array 16: one more */
        assert_int_equal(message.ptr[3], 0xdc);
        message.ptr[5]++;
        mp_put_bin(&message, bytes_make(zeros, len));
    }
    enum err err = wire_txs_decode(buf_bytes(&message), &arena, &read);
    if (err == OK) {
        assert_int_equal(read.count, count);
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(read.txs[i].len, len);
    }
    buf_done(&message);
    arena_done(&arena);
    free(zeros);
    return err;
}

static void a_transaction_is_no_longer_than_it_may_be(void **state)
{
    (void)state;
    assert_int_equal(read_txs(1, LIMIT_TX_BYTES), OK);
    assert_int_equal(read_txs(1, LIMIT_TX_BYTES + 1), ERR_TOO_LARGE);
    assert_int_equal(read_txs(2, LIMIT_TX_BYTES + 1), ERR_TOO_LARGE);
    assert_int_equal(read_txs(1, 0), ERR_RANGE);
}

static void so_many_transactions_go_together(void **state)
{
    (void)state;
    assert_int_equal(read_txs(0, 1), ERR_RANGE);
    assert_int_equal(read_txs(1, 1), OK);
    assert_int_equal(read_txs(16, 200), OK);
    assert_int_equal(read_txs(WIRE_TXS_MAX, 300), OK);
    assert_int_equal(read_txs(WIRE_TXS_MAX + 1, 300), ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_consensus_message_may_bring_a_whole_block),
        cmocka_unit_test(a_transaction_is_no_longer_than_it_may_be),
        cmocka_unit_test(so_many_transactions_go_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
