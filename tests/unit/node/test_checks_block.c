/* checks: messages with blocks wait for what they bring, and for nobody else.
 */
#include "checks_rig.h"

static void a_block_waits_for_what_is_being_checked(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig);
    for (unsigned i = 0; i < 500; i++) /* more than all workers take at once */
        bring(&rig, i, i);
    block_waits(&rig, 5, 0, 520);
    block_waits(&rig, 6, 400, TXS);
    rig_run(&rig);
    assert_int_equal(rig.messages, 2);
    assert_int_equal(rig.peers[0], 5);
    assert_int_equal(rig.message_err[0], OK);
    assert_int_equal(rig.message_err[1], OK);
    assert_true(rig.has_ids);
    assert_true(hash_equal(&rig.first_id, &rig.txs[400].id));
    assert_int_equal(rig.told, 500);
    assert_int_equal(checks_count(rig.checks), TXS);
    rig_close(&rig);
}

static void what_a_block_brought_is_known_when_it_comes_by_itself(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig);
    block_waits(&rig, 5, 0, 100);
    bring(&rig, 7, 1); /* while its check is under way */
    rig_run(&rig);
    bring(&rig, 8, 2);
    rig_run(&rig);
    assert_int_equal(rig.told, 2);
    assert_int_equal(checks_count(rig.checks), 100);
    rig_close(&rig);
}

static void a_block_of_what_is_known_does_not_wait(void **state)
{
    static struct rig rig;
    enum checks_verdict verdict;
    const struct hash *ids;
    (void)state;
    rig_open(&rig);
    for (unsigned i = 0; i < 10; i++)
        bring(&rig, i, i);
    rig_run(&rig);
    assert_int_equal(bring_block(&rig, 5, 0, 10, &verdict, &ids), OK);
    assert_int_equal(verdict, CHECKS_GOOD);
    for (unsigned i = 0; i < 10; i++)
        assert_true(hash_equal(&ids[i], &rig.txs[i].id));
    assert_int_equal(checks_count(rig.checks), 10);
    rig_close(&rig);
}

static void what_is_of_no_use_is_not_looked_at(void **state)
{
    static struct rig rig;
    enum checks_verdict verdict;
    const struct hash *ids;
    (void)state;
    rig_open(&rig);
    rig.use = SX_USE_NONE;
    assert_int_equal(bring_block(&rig, 5, 0, 10, &verdict, &ids), OK);
    assert_int_equal(verdict, CHECKS_PLAIN);
    assert_null(ids);
    rig.use = SX_USE_LATER; /* nothing waits that it could come behind */
    assert_int_equal(bring_block(&rig, 5, 0, 10, &verdict, &ids), OK);
    assert_int_equal(verdict, CHECKS_PLAIN);
    assert_int_equal(checks_count(rig.checks), 0);
    rig_close(&rig);
}

static void a_block_that_nobody_asked_for_is_refused(void **state)
{
    static struct rig rig;
    enum checks_verdict verdict;
    const struct hash *ids;
    (void)state;
    rig_open(&rig);
    rig.use = SX_USE_UNASKED;
    assert_int_equal(bring_block(&rig, 5, 0, TXS, &verdict, &ids), ERR_UNASKED);
    assert_false(checks_busy(rig.checks));
    rig_close(&rig);
}

/* Another's transactions below a header that is wanted. */
static void a_block_that_is_not_its_headers_costs_no_checks(void **state)
{
    static struct rig rig;
    struct header header = {0};
    struct sx_msg msg = {.tag = SX_MSG_BLOCK};
    enum checks_verdict verdict;
    const struct hash *ids;
    struct buf block;
    struct buf other;
    struct buf message;
    (void)state;
    rig_open(&rig);
    make_block(&rig, 0, 5, &header, &block);
    make_block(&rig, 5, 10, &header, &other);
    memcpy(other.ptr, block.ptr, HEADER_BYTES);
    msg.block = buf_bytes(&other);
    put_message(&msg, &message);
    assert_int_equal(
        checks_message(rig.checks, 1, buf_bytes(&message), &verdict, &ids),
        ERR_ROOT);
    assert_false(checks_busy(rig.checks));
    buf_done(&message);
    buf_done(&other);
    buf_done(&block);
    rig_close(&rig);
}

static void one_that_waits_already_waits_once(void **state)
{
    static struct rig rig;
    enum checks_verdict verdict;
    const struct hash *ids;
    (void)state;
    rig_open(&rig);
    block_waits(&rig, 5, 0, 10);
    assert_int_equal(bring_block(&rig, 6, 0, 10, &verdict, &ids), OK);
    assert_int_equal(verdict, CHECKS_KNOWN);
    rig_run(&rig);
    assert_int_equal(rig.messages, 1);
    rig_close(&rig);
}

static void a_bad_block_is_told_and_costs_no_more_checks(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig);
    for (unsigned i = 0; i < 32; i++)
        spoil(&rig, i);
    block_waits(&rig, 5, 0, TXS);
    rig_run(&rig);
    assert_int_equal(rig.messages, 1);
    assert_int_equal(rig.message_err[0], ERR_SIGNATURE);
    assert_true(checks_count(rig.checks) < TXS);
    rig_close(&rig);
}

/* What nobody wanted any more is wanted after all. */
static void a_bad_block_does_not_spoil_what_others_bring(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig);
    spoil(&rig, 0);
    block_waits(&rig, 5, 0, TXS);
    while (rig.messages == 0 && checks_count(rig.checks) == 0)
        uv_run(&rig.loop, UV_RUN_ONCE);
    block_waits(&rig, 6, 1, TXS);
    bring(&rig, TXS - 1, 77);
    rig_run(&rig);
    assert_int_equal(rig.messages, 2);
    assert_int_equal(rig.message_err[0], ERR_SIGNATURE);
    assert_int_equal(rig.message_err[1], OK);
    assert_int_equal(rig.told, 1);
    assert_int_equal(rig.bad, 0);
    assert_int_equal(checks_count(rig.checks), TXS);
    rig_close(&rig);
}

static void what_is_no_block_is_left_to_the_core(void **state)
{
    static struct rig rig;
    enum checks_verdict verdict = CHECKS_WAIT;
    const struct hash *ids;
    struct buf message;
    (void)state;
    rig_open(&rig);
    assert_int_equal(
        checks_message(rig.checks, 1, BYTES_LIT("\x07"), &verdict, &ids), OK);
    assert_int_equal(verdict, CHECKS_PLAIN);
    put_block(&rig, 0, 3, &message);
    message.len--; /* the last transaction is cut */
    assert_int_equal(
        checks_message(rig.checks, 1, buf_bytes(&message), &verdict, &ids),
        ERR_TRUNCATED);
    buf_done(&message);
    rig_close(&rig);
}

static void a_block_of_scraps_is_refused_at_once(void **state)
{
    static struct rig rig;
    struct header header = {0};
    struct bytes scrap = BYTES_LIT("a scrap");
    struct sx_msg msg = {.tag = SX_MSG_BLOCK};
    enum checks_verdict verdict;
    const struct hash *ids;
    struct buf block;
    struct buf message;
    (void)state;
    rig_open(&rig);
    buf_init(&block, LIMIT_BLOCK_BYTES);
    buf_init(&message, LIMIT_MESSAGE_BYTES);
    block_encode(&header, NULL, 0, &scrap, 1, &block);
    msg.block = buf_bytes(&block);
    sx_msg_encode(&msg, &message);
    assert_int_equal(
        checks_message(rig.checks, 1, buf_bytes(&message), &verdict, &ids),
        ERR_TRUNCATED);
    buf_done(&message);
    buf_done(&block);
    rig_close(&rig);
}

static void blocks_that_wait_are_bounded(void **state)
{
    static struct rig rig;
    enum checks_verdict verdict;
    const struct hash *ids;
    enum err err = OK;
    unsigned taken = 0;
    (void)state;
    rig_open(&rig);
    while (err == OK && taken < 100) {
        err = bring_block(&rig, taken, taken, taken + 2, &verdict, &ids);
        taken += err == OK;
    }
    assert_int_equal(err, ERR_RATE);
    assert_int_equal(taken, 64);
    rig_close(&rig); /* with all of them waiting */
}

static void messages_of_one_who_is_gone_are_not_told(void **state)
{
    static struct rig rig;
    (void)state;
    rig_open(&rig);
    block_waits(&rig, 5, 0, TXS);
    block_waits(&rig, 6, 0, 2);
    checks_gone(rig.checks, 5);
    rig_run(&rig);
    assert_int_equal(rig.messages, 1);
    assert_int_equal(rig.peers[0], 6);
    assert_true(checks_count(rig.checks) < TXS);
    rig_close(&rig);
}

/* ---- proposals ---- */

/* A validator's, of the transactions from..to-1. */
static enum err propose(struct rig *rig, unsigned index, uint64_t view,
                        unsigned from, unsigned to, enum checks_verdict *out)
{
    struct header header = {.height = view};
    struct sx_msg msg = {.tag = SX_MSG_PROPOSE,
                         .vote = {.kind = VOTE_NOTARIZE,
                                  .index = (uint16_t)index,
                                  .on = {.epoch = 1, .view = view}}};
    struct buf block;
    struct buf message;
    const struct hash *ids;
    make_block(rig, from, to, &header, &block);
    header_id(&header, &msg.vote.on.id);
    msg.block = buf_bytes(&block);
    put_message(&msg, &message);
    enum err err = checks_message(rig->checks, VALIDATOR + index,
                                  buf_bytes(&message), out, &ids);
    buf_done(&message);
    buf_done(&block);
    return err;
}

static void proposals_do_not_wait_behind_strangers_blocks(void **state)
{
    static struct rig rig;
    enum checks_verdict verdict;
    (void)state;
    rig_open(&rig);
    block_waits(&rig, 5, 0, TXS - 1);
    assert_int_equal(propose(&rig, 3, 1, TXS - 1, TXS, &verdict), OK);
    assert_int_equal(verdict, CHECKS_WAIT);
    rig_run(&rig);
    assert_int_equal(rig.messages, 2);
    assert_int_equal(rig.peers[0], VALIDATOR + 3);
    /* The first batches were out already; nothing more was before it. */
    assert_true(rig.checked[0] < TXS);
    assert_int_equal(rig.message_err[1], OK);
    rig_close(&rig);
}

/* What a stranger's block waits for is wanted sooner. */
static void a_proposal_hurries_what_a_stranger_brought(void **state)
{
    static struct rig rig;
    enum checks_verdict verdict;
    (void)state;
    rig_open(&rig);
    block_waits(&rig, 5, 0, TXS);
    assert_int_equal(propose(&rig, 3, 1, TXS - 2, TXS, &verdict), OK);
    rig_run(&rig);
    assert_int_equal(rig.messages, 2);
    assert_int_equal(rig.peers[0], VALIDATOR + 3);
    assert_int_equal(checks_count(rig.checks), TXS);
    rig_close(&rig);
}

static void nobody_takes_a_validators_room(void **state)
{
    static struct rig rig;
    enum checks_verdict verdict;
    const struct hash *ids;
    enum err err = OK;
    (void)state;
    rig_open(&rig);
    for (unsigned i = 0; err == OK; i++)
        err = bring_block(&rig, i, i, i + 1, &verdict, &ids);
    for (unsigned view = 1; view <= 4; view++)
        assert_int_equal(propose(&rig, 7, view, 100, 102, &verdict), OK);
    assert_int_equal(propose(&rig, 7, 5, 100, 102, &verdict), ERR_RATE);
    assert_int_equal(propose(&rig, 8, 6, 100, 102, &verdict), OK);
    assert_int_equal(verdict, CHECKS_WAIT);
    assert_int_equal(propose(&rig, 8, 6, 100, 102, &verdict), OK);
    assert_int_equal(verdict, CHECKS_KNOWN); /* said again */
    rig_close(&rig);
}

/* ---- runs ---- */

/* Runs of one block each: every one stands on the one before. */
static void bring_run(struct rig *rig, uint64_t peer, unsigned i,
                      struct hash *parent, enum err expected)
{
    struct header header = {.height = i + 1, .parent = *parent};
    uint8_t raw[HEADER_BYTES];
    struct sx_msg msg = {.tag = SX_MSG_FINALS,
                         .height = 100,
                         .headers = BYTES_OF(raw),
                         .header_count = 1,
                         .block_count = 1};
    enum checks_verdict verdict;
    const struct hash *ids;
    struct buf block;
    struct buf message;
    make_block(rig, i, i + 1, &header, &block);
    header_encode(&header, raw);
    header_id(&header, parent);
    msg.blocks[0] = buf_bytes(&block);
    put_message(&msg, &message);
    assert_int_equal(
        checks_message(rig->checks, peer, buf_bytes(&message), &verdict, &ids),
        expected);
    if (expected == OK)
        assert_int_equal(verdict, CHECKS_WAIT);
    buf_done(&message);
    buf_done(&block);
}

static void runs_wait_behind_the_one_they_go_on_from(void **state)
{
    static struct rig rig;
    struct hash parent = {{0}};
    (void)state;
    rig_open(&rig);
    bring(&rig, 2, 77); /* the third has less to wait for than the first */
    bring_run(&rig, 5, 0, &parent, OK);
    rig.use = SX_USE_LATER;
    for (unsigned i = 1; i < 8; i++)
        bring_run(&rig, 5, i, &parent, OK);
    rig_run(&rig);
    assert_int_equal(rig.messages, 8);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(rig.message_err[i], OK);
    assert_int_equal(checks_count(rig.checks), 8);
    rig_close(&rig);
}

static void runs_of_one_peer_leave_room_for_others(void **state)
{
    static struct rig rig;
    struct hash parent = {{0}};
    (void)state;
    rig_open(&rig);
    for (unsigned i = 0; i < 32; i++)
        bring_run(&rig, 5, i, &parent, OK);
    bring_run(&rig, 5, 32, &parent, ERR_RATE);
    for (unsigned peer = 6; peer < 13; peer++) {
        for (unsigned i = 0; i < 32; i++)
            bring_run(&rig, peer, peer * 32 + i, &parent, OK);
    }
    bring_run(&rig, 13, 33, &parent, ERR_RATE);
    bring_run(&rig, VALIDATOR, 33, &parent, OK);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_waits_for_what_is_being_checked),
        cmocka_unit_test(what_a_block_brought_is_known_when_it_comes_by_itself),
        cmocka_unit_test(a_block_of_what_is_known_does_not_wait),
        cmocka_unit_test(what_is_of_no_use_is_not_looked_at),
        cmocka_unit_test(a_block_that_nobody_asked_for_is_refused),
        cmocka_unit_test(a_block_that_is_not_its_headers_costs_no_checks),
        cmocka_unit_test(one_that_waits_already_waits_once),
        cmocka_unit_test(a_bad_block_is_told_and_costs_no_more_checks),
        cmocka_unit_test(a_bad_block_does_not_spoil_what_others_bring),
        cmocka_unit_test(what_is_no_block_is_left_to_the_core),
        cmocka_unit_test(a_block_of_scraps_is_refused_at_once),
        cmocka_unit_test(blocks_that_wait_are_bounded),
        cmocka_unit_test(messages_of_one_who_is_gone_are_not_told),
        cmocka_unit_test(proposals_do_not_wait_behind_strangers_blocks),
        cmocka_unit_test(a_proposal_hurries_what_a_stranger_brought),
        cmocka_unit_test(nobody_takes_a_validators_room),
        cmocka_unit_test(runs_wait_behind_the_one_they_go_on_from),
        cmocka_unit_test(runs_of_one_peer_leave_room_for_others),
    };
    assert_true(sodium_init() >= 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
