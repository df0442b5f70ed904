#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "node/audit/audit_msg.h"

struct desk {
    struct arena arena;
    struct buf out;
};

static int setup(void **state)
{
    static struct desk desk;
    arena_init(&desk.arena, 64u * 1024);
    buf_init(&desk.out, 256u * 1024);
    *state = &desk;
    return 0;
}

static int teardown(void **state)
{
    struct desk *desk = *state;
    buf_done(&desk->out);
    arena_done(&desk->arena);
    return 0;
}

static const struct audit_ask good = {
    .nonce = {{4}}, .kernel = METER_FP64, .n = 1024, .rounds = 39};

static enum err ask_back(struct desk *desk, const struct audit_ask *ask)
{
    struct audit_ask back;
    buf_clear(&desk->out);
    audit_ask_encode(ask, &desk->out);
    return audit_ask_decode(buf_bytes(&desk->out), &desk->arena, &back);
}

static void questions_are_bounded(void **state)
{
    struct audit_ask ask = good;
    assert_int_equal(ask_back(*state, &ask), OK);
    ask.rounds = 64; /* 2 * 1024^3 * 64 = 2^37 */
    assert_int_equal(ask_back(*state, &ask), OK);
    ask.rounds = 65;
    assert_int_equal(ask_back(*state, &ask), ERR_RANGE);
    ask.rounds = 0;
    assert_int_equal(ask_back(*state, &ask), ERR_RANGE);
    ask = good;
    ask.n = 1040;
    assert_int_equal(ask_back(*state, &ask), ERR_RANGE);
    ask.n = 1000;
    assert_int_equal(ask_back(*state, &ask), ERR_RANGE);
    ask = good;
    ask.kernel = METER_INT8;
    assert_int_equal(ask_back(*state, &ask), ERR_RANGE);
    ask.kernel = METER_SORT;
    assert_int_equal(ask_back(*state, &ask), ERR_RANGE);
}

static void every_message_is_read_as_it_was_written(void **state)
{
    struct desk *desk = *state;
    struct audit_done done = {.nonce = {{1}}, .count = 2};
    struct audit_done done_back;
    struct audit_open open = {{{2}}, 63, 3 * AUDIT_PIECE};
    struct audit_open open_back;
    struct audit_part part = {{{3}}, 7, AUDIT_PIECE, BYTES_LIT("abc")};
    struct audit_part part_back;
    struct audit_refused refused = {{{5}}, ERR_RATE};
    struct audit_refused refused_back;
    done.hashes[1].b[0] = 9;
    audit_done_encode(&done, &desk->out);
    assert_int_equal(
        audit_done_decode(buf_bytes(&desk->out), &desk->arena, &done_back), OK);
    assert_memory_equal(&done_back, &done, sizeof(done));
    buf_clear(&desk->out);
    audit_open_encode(&open, &desk->out);
    assert_int_equal(
        audit_open_decode(buf_bytes(&desk->out), &desk->arena, &open_back), OK);
    assert_int_equal(open_back.index, 63);
    assert_int_equal(open_back.offset, 3 * AUDIT_PIECE);
    buf_clear(&desk->out);
    audit_part_encode(&part, &desk->out);
    assert_int_equal(
        audit_part_decode(buf_bytes(&desk->out), &desk->arena, &part_back), OK);
    assert_true(bytes_equal(part_back.data, part.data));
    buf_clear(&desk->out);
    audit_refused_encode(&refused, &desk->out);
    assert_int_equal(audit_refused_decode(buf_bytes(&desk->out), &desk->arena,
                                          &refused_back),
                     OK);
    assert_int_equal(refused_back.err, ERR_RATE);
}

static void a_piece_begins_where_pieces_do(void **state)
{
    struct desk *desk = *state;
    struct audit_open open = {{{2}}, 1, 5};
    struct audit_open back;
    audit_open_encode(&open, &desk->out);
    assert_int_equal(
        audit_open_decode(buf_bytes(&desk->out), &desk->arena, &back),
        ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(questions_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(every_message_is_read_as_it_was_written,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_piece_begins_where_pieces_do, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
