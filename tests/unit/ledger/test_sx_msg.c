/* The bytes of what cores say to each other, against tests/vectors/ledger.hex,
 * where they are written a second time. */

#include "fixture.h"

#include "golden.h"
#include "ledger/sx/sx_msg.h"
#include "set4.h"

static const char *const names[] = {
    "sx-propose",    "sx-repeat",    "sx-vote",         "sx-cert",
    "sx-status",     "sx-get-certs", "sx-get-block",    "sx-block",
    "sx-get-finals", "sx-finals",    "sx-finals-whole", "sx-link",
    "sx-get-steps",  "sx-steps",     "sx-get-pages",    "sx-pages",
};
#define NAMES (sizeof(names) / sizeof(names[0]))

static void read_golden(const char *name, struct buf *bytes, struct sx_msg *out)
{
    golden(name, bytes);
    assert_int_equal(sx_msg_decode(buf_bytes(bytes), out), OK);
}

static void every_message_is_the_golden_one_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        struct sx_msg msg;
        struct buf bytes;
        struct buf again;
        read_golden(names[i], &bytes, &msg);
        buf_init(&again, LIMIT_MESSAGE_BYTES);
        sx_msg_encode(&msg, &again);
        assert_golden(names[i], buf_bytes(&again));
        buf_done(&again);
        buf_done(&bytes);
    }
}

static void a_proposal_is_read_as_it_was_meant(void **state)
{
    struct set4 s;
    struct sx_msg msg;
    struct buf bytes;
    struct buf cert;
    struct vote vote;
    (void)state;
    set4_init(&s, equal);
    set4_vote(&s, VOTE_NOTARIZE, 2, &vote);
    golden("cert", &cert);
    read_golden("sx-propose", &bytes, &msg);
    assert_int_equal(msg.tag, SX_MSG_PROPOSE);
    assert_memory_equal(&msg.vote.sig, &vote.sig, sizeof(vote.sig));
    assert_int_equal(msg.vote.index, 2);
    assert_true(bytes_equal(msg.cert, buf_bytes(&cert)));
    assert_int_equal(msg.null_count, 2);
    assert_true(bytes_equal(msg.nulls[0], msg.nulls[1]));
    assert_true(bytes_equal(msg.block, BYTES_LIT("a block")));
    buf_done(&bytes);
    read_golden("sx-repeat", &bytes, &msg);
    assert_int_equal(msg.cert.len + msg.null_count + msg.block.len, 0);
    buf_done(&bytes);
    buf_done(&cert);
}

static void the_others_are_read_as_they_were_meant(void **state)
{
    struct sx_msg msg;
    struct buf bytes;
    (void)state;
    read_golden("sx-status", &bytes, &msg);
    assert_int_equal(msg.epoch, 7);
    assert_int_equal(msg.view, 10);
    assert_int_equal(msg.final_view, 8);
    assert_int_equal(msg.height, 1234);
    assert_int_equal(msg.base, 600);
    buf_done(&bytes);
    read_golden("sx-get-certs", &bytes, &msg);
    assert_int_equal(msg.view, 3);
    assert_int_equal(msg.to, 9);
    buf_done(&bytes);
    read_golden("sx-finals", &bytes, &msg);
    assert_int_equal(msg.height, 2000);
    assert_int_equal(msg.header_count, 2);
    assert_int_equal(msg.headers.len, 2 * HEADER_BYTES);
    assert_int_equal(msg.block_count, 0);
    buf_done(&bytes);
    read_golden("sx-finals-whole", &bytes, &msg);
    assert_int_equal(msg.block_count, 2);
    assert_true(bytes_equal(msg.blocks[1], BYTES_LIT("two")));
    buf_done(&bytes);
}

static void a_run_brings_no_more_than_a_small_ones_blocks(void **state)
{
    static uint8_t many[SX_WHOLE_BYTES];
    uint8_t headers[2 * HEADER_BYTES] = {0};
    struct sx_msg back;
    struct buf buf;
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        struct sx_msg msg = {.tag = SX_MSG_FINALS,
                             .headers = BYTES_OF(headers),
                             .header_count = 2,
                             .block_count = 2};
        msg.blocks[0] = bytes_make(many, sizeof(many) - 5);
        msg.blocks[1] = bytes_make(many, 5 + more);
        buf_init(&buf, LIMIT_MESSAGE_BYTES);
        sx_msg_encode(&msg, &buf);
        assert_int_equal(sx_msg_decode(buf_bytes(&buf), &back),
                         more == 0 ? OK : ERR_RANGE);
        buf_done(&buf);
    }
}

static void what_newcomers_hear_is_read_as_it_was_meant(void **state)
{
    struct sx_msg msg;
    struct sx_page_item item;
    struct buf bytes;
    struct buf again;
    (void)state;
    read_golden("sx-steps", &bytes, &msg);
    assert_int_equal(msg.ask, 5);
    assert_int_equal(msg.epoch, 3);
    assert_int_equal(msg.item_count, 2);
    assert_true(bytes_equal(msg.items[1], BYTES_LIT("two")));
    assert_int_equal(msg.peaks.len, 2 * HASH_LEN);
    buf_done(&bytes);
    read_golden("sx-get-pages", &bytes, &msg);
    assert_int_equal(msg.item_count, 3);
    assert_int_equal(msg.items[0].len, 1);
    assert_true(bytes_equal(msg.items[1], BYTES_LIT("\x03\xab\xc0")));
    assert_int_equal(msg.items[2].len, 33);
    buf_done(&bytes);
    read_golden("sx-pages", &bytes, &msg);
    assert_int_equal(sx_page_item_decode(msg.items[0], &item), OK);
    assert_true(bytes_equal(item.page, BYTES_LIT("a page")));
    assert_int_equal(item.count, 2);
    assert_true(bytes_equal(item.keys[1], BYTES_LIT("\x02kk")));
    assert_int_equal(item.values[1].len, 0);
    buf_init(&again, 1024);
    sx_page_item_encode(&item, &again);
    assert_true(bytes_equal(buf_bytes(&again), msg.items[0]));
    buf_done(&again);
    buf_done(&bytes);
}

static void put_bytes(struct buf *bytes, size_t at, uint8_t value)
{
    assert_true(at < bytes->len);
    bytes->ptr[at] = value;
}

static void what_newcomers_say_has_one_spelling(void **state)
{
    struct sx_msg msg;
    struct buf bytes;
    (void)state;
    /* Half a byte of a prefix that says nothing. */
    read_golden("sx-get-pages", &bytes, &msg);
    put_bytes(&bytes, 17, 0xc1);
    assert_int_equal(sx_msg_decode(buf_bytes(&bytes), &msg), ERR_NOT_CANONICAL);
    /* Deeper than a tree can be. */
    put_bytes(&bytes, 17, 0xc0);
    put_bytes(&bytes, 18, 64);
    assert_int_equal(sx_msg_decode(buf_bytes(&bytes), &msg), ERR_RANGE);
    /* None, and more than may be asked for. */
    put_bytes(&bytes, 13, 0);
    assert_int_equal(sx_msg_decode(buf_bytes(&bytes), &msg), ERR_RANGE);
    put_bytes(&bytes, 13, 65);
    assert_int_equal(sx_msg_decode(buf_bytes(&bytes), &msg), ERR_RANGE);
    buf_done(&bytes);
    /* Seventeen steps; sixty-five pages. */
    read_golden("sx-steps", &bytes, &msg);
    put_bytes(&bytes, 13, 17);
    assert_int_equal(sx_msg_decode(buf_bytes(&bytes), &msg), ERR_RANGE);
    buf_done(&bytes);
    read_golden("sx-pages", &bytes, &msg);
    put_bytes(&bytes, 13, 65);
    assert_int_equal(sx_msg_decode(buf_bytes(&bytes), &msg), ERR_RANGE);
    buf_done(&bytes);
}

static void peaks_come_with_a_step_and_a_base_is_no_higher_than_the_tip(
    void **state)
{
    struct sx_msg msg = {.tag = SX_MSG_STEPS,
                         .peaks = {(const uint8_t *)"", 0}};
    struct sx_msg got;
    struct buf bytes;
    uint8_t hash[HASH_LEN] = {1};
    (void)state;
    buf_init(&bytes, 4096);
    msg.peaks = BYTES_OF(hash);
    sx_msg_encode(&msg, &bytes);
    assert_int_equal(sx_msg_decode(buf_bytes(&bytes), &got), ERR_RANGE);
    buf_clear(&bytes);
    msg = (struct sx_msg){.tag = SX_MSG_STATUS, .height = 5, .base = 6};
    sx_msg_encode(&msg, &bytes);
    assert_int_equal(sx_msg_decode(buf_bytes(&bytes), &got), ERR_RANGE);
    buf_done(&bytes);
}

static void a_page_has_sixteen_records_at_most(void **state)
{
    struct sx_page_item item;
    struct buf bytes;
    (void)state;
    buf_init(&bytes, 4096);
    buf_add_u16le(&bytes, 0);
    for (unsigned i = 0; i < 17; i++)
        buf_add_u32le(&bytes, 0);
    assert_int_equal(
        sx_page_item_decode(bytes_make(bytes.ptr, bytes.len - 4), &item), OK);
    assert_int_equal(item.count, 16);
    assert_int_equal(sx_page_item_decode(buf_bytes(&bytes), &item), ERR_RANGE);
    assert_int_equal(
        sx_page_item_decode(bytes_make(bytes.ptr, bytes.len - 5), &item),
        ERR_TRUNCATED);
    buf_done(&bytes);
}

/* The claim of a link is signed as its header says. */
static void a_claim_of_a_link_verifies(void **state)
{
    struct set4 s;
    struct sx_msg msg;
    struct buf bytes;
    struct hash link;
    struct hash digest;
    (void)state;
    set4_init(&s, equal);
    read_golden("sx-link", &bytes, &msg);
    hash_bytes(HASH_TAG_TX, BYTES_LIT("a link's key"), &link);
    sign_digest(HASH_TAG_LINK, &s.chain, hash_as_bytes(&link), &digest);
    assert_true(pubkey_equal(&msg.key, &s.keys[1].signer.key));
    assert_int_equal(sign_verify(&msg.key, &digest, &msg.sig), OK);
    buf_done(&bytes);
}

/* Where a message ends with bytes of free length there is no missing end. */
static bool is_open(const struct sx_msg *msg)
{
    return msg->tag == SX_MSG_CERT || msg->tag == SX_MSG_BLOCK;
}

static void what_is_cut_or_goes_on_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        struct sx_msg whole;
        struct sx_msg msg;
        struct buf bytes;
        read_golden(names[i], &bytes, &whole);
        for (size_t len = 0; len < bytes.len; len++) {
            enum err err = sx_msg_decode(bytes_make(bytes.ptr, len), &msg);
            /* A run without its blocks is a run, too. */
            bool bare =
                whole.block_count > 0 && err == OK && msg.block_count == 0;
            if (!(is_open(&whole) && len > 0) && !bare)
                assert_int_equal(err, ERR_TRUNCATED);
        }
        buf_add_u8(&bytes, 0);
        if (!is_open(&whole))
            assert_int_not_equal(sx_msg_decode(buf_bytes(&bytes), &msg), OK);
        buf_done(&bytes);
    }
}

static void assert_refused(const char *name, size_t at, uint8_t value,
                           enum err want)
{
    struct sx_msg msg;
    struct buf bytes;
    golden(name, &bytes);
    assert_true(at < bytes.len);
    bytes.ptr[at] = value;
    assert_int_equal(sx_msg_decode(buf_bytes(&bytes), &msg), want);
    buf_done(&bytes);
}

static void what_cannot_be_is_refused(void **state)
{
    const size_t vote_end = 1 + VOTE_BYTES;
    (void)state;
    assert_refused("sx-vote", 0, 0, ERR_KIND); /* no such tag */
    assert_refused("sx-vote", 0, 15, ERR_KIND);
    assert_refused("sx-vote", 1, 4, ERR_KIND);   /* no such vote */
    assert_refused("sx-repeat", 1, 3, ERR_KIND); /* not a notarize vote */
    assert_refused("sx-repeat", vote_end + 2, 1, ERR_RANGE); /* cert of 64 k */
    assert_refused("sx-repeat", vote_end + 4, SX_NULLS_MAX + 1, ERR_RANGE);
    assert_refused("sx-repeat", vote_end + 8, 1, ERR_RANGE); /* block of 16 M */
    assert_refused("sx-get-certs", 1 + 8, 0, ERR_RANGE);     /* from view 0 */
    assert_refused("sx-get-certs", 1 + 8, 10, ERR_RANGE);    /* from above to */
    assert_refused("sx-finals", 1 + 8, 0, ERR_RANGE);        /* no header */
    assert_refused("sx-finals", 1 + 8, SX_RUN_MAX + 1, ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_is_the_golden_one_again),
        cmocka_unit_test(a_proposal_is_read_as_it_was_meant),
        cmocka_unit_test(the_others_are_read_as_they_were_meant),
        cmocka_unit_test(a_run_brings_no_more_than_a_small_ones_blocks),
        cmocka_unit_test(what_newcomers_hear_is_read_as_it_was_meant),
        cmocka_unit_test(what_newcomers_say_has_one_spelling),
        cmocka_unit_test(
            peaks_come_with_a_step_and_a_base_is_no_higher_than_the_tip),
        cmocka_unit_test(a_page_has_sixteen_records_at_most),
        cmocka_unit_test(a_claim_of_a_link_verifies),
        cmocka_unit_test(what_is_cut_or_goes_on_is_refused),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
