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

static void a_transaction_is_no_longer_than_it_may_be(void **state)
{
    (void)state;
    assert_int_equal(read_long(WIRE_TX, LIMIT_TX_BYTES), OK);
    assert_int_equal(read_long(WIRE_TX, LIMIT_TX_BYTES + 1), ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_consensus_message_may_bring_a_whole_block),
        cmocka_unit_test(a_transaction_is_no_longer_than_it_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
