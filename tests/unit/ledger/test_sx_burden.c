/* What others can make a core do, keep and say: one core among puppets and
 * strangers who ask too much, or too often. */

#include "fixture.h"

#include "kinds.h"
#include "node_by_hand.h"
#include "puppets.h"

#define MIB (UINT64_C(1) << 20)

static unsigned a_puppet(const struct node *node)
{
    return node->who == 0 ? 1 : 0;
}

/* A link to somebody who is no validator. */
static uint64_t stranger_up(struct node *node, unsigned number)
{
    struct test_key key;
    uint64_t link = ++node->net->links;
    test_key_init(&key, 7000 + number);
    link_up(node->net, node, link, &key.signer.key);
    return link;
}

static void hear_on(struct node *node, uint64_t link, const struct sx_msg *msg)
{
    struct buf buf;
    buf_init(&buf, LIMIT_MESSAGE_BYTES);
    sx_msg_encode(msg, &buf);
    assert_int_equal(buf.err, OK);
    step(node, (struct sx_event){.kind = SX_EV_MESSAGE,
                                 .peer = link,
                                 .bytes = buf_bytes(&buf)});
    buf_done(&buf);
}

/* What left on the link in the last step. */
static uint64_t bytes_to(const struct node *node, uint64_t link)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < node->said_count; i++) {
        const struct said *said = &node->said[i];
        if (said->kind == SX_SEND && said->peer == link)
            bytes += said->bytes.len;
    }
    return bytes;
}

/* A block of many transactions in view 1: it comes, and is voted for. */
static struct candidate *offer_big(struct node *node, struct offer *out)
{
    for (unsigned from = 0; from < USERS; from++)
        for (uint64_t nonce = 0; nonce < 60; nonce++)
            net_tx(node->net, from, nonce);
    struct candidate *block = offer_on_root(node, 1, out);
    assert_true(signed_vote(node, VOTE_NOTARIZE, 1, NULL));
    return block;
}

/* ---- answers ---- */

static void small_questions_do_not_get_more_than_a_peer_is_granted(void **state)
{
    struct net net;
    uint64_t bytes = 0;
    uint64_t before;
    (void)state;
    struct node *me = scene_open(&net, 4);
    uint64_t link = stranger_up(me, 0);
    struct proposal on = on_view(1, 1, 0, &net.w.genesis.chain);
    hear_cert(me, a_puppet(me), VOTE_FINALIZE, &on);
    struct sx_msg ask = {
        .tag = SX_MSG_GET_CERTS, .epoch = 1, .view = 1, .to = 1};
    do {
        before = bytes;
        hear_on(me, link, &ask);
        bytes += bytes_to(me, link);
    } while (bytes > before && bytes <= 16 * MIB);
    assert_int_equal(bytes, before);
    assert_true(bytes > 0);
    net.now_ms += 1000; /* and later it may have more */
    hear_on(me, link, &ask);
    assert_true(bytes_to(me, link) > 0);
    net_close(&net);
}

/* A question that is none of ours is answered with where we are: once. */
static void who_asks_out_of_place_hears_where_we_are_once_in_a_delay(
    void **state)
{
    struct net net;
    unsigned told = 0;
    (void)state;
    struct node *me = scene_open(&net, 4);
    uint64_t link = stranger_up(me, 0);
    uint64_t delay = me->core->delay_ms;
    struct sx_msg asks[] = {
        {.tag = SX_MSG_GET_CERTS, .epoch = 9, .view = 1, .to = 1},
        {.tag = SX_MSG_GET_FINALS, .height = 99}};
    net.now_ms += delay;
    for (unsigned i = 0; i < 20 * delay; i++) {
        for (size_t k = 0; k < 2; k++) {
            hear_on(me, link, &asks[k]);
            told += bytes_to(me, link) > 0;
        }
        net.now_ms += i % 2;
    }
    assert_in_range(told, 9, 11);
    net_close(&net);
}

/* Blocks that do not go along cost nothing, however big. */
static void a_run_costs_what_leaves(void **state)
{
    struct net net;
    struct sx_msg run;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *me = net_add(&net, 0);
    for (unsigned from = 0; from < USERS; from++)
        for (uint64_t nonce = 0; nonce < 60; nonce++)
            submit_transfer(&net, me, from, nonce, 1);
    settle(me);
    uint64_t link = stranger_up(me, 0);
    struct sx_msg ask = {.tag = SX_MSG_GET_FINALS, .height = 2};
    for (unsigned i = 0; i < 2000; i++) {
        hear_on(me, link, &ask);
        assert_true(sent(me, SX_MSG_FINALS, 0, &run));
        assert_int_equal(run.header_count, 1);
        assert_int_equal(run.block_count, 0);
    }
    net_close(&net);
}

/* ---- while the log waits ---- */

/* What has not left stays in memory; who asked asks again. */
static void while_the_log_waits_no_more_answers_are_kept_than_there_is_room(
    void **state)
{
    struct net net;
    struct offer offer;
    uint64_t links[8];
    (void)state;
    struct node *me = scene_open(&net, 4);
    me->log_by_hand = true;
    struct candidate *block = offer_big(me, &offer);
    size_t size = candidate_bytes(block).len;
    struct sx_msg ask = {.tag = SX_MSG_GET_BLOCK, .id = offer.on.id};
    for (unsigned i = 0; i < 8; i++) {
        links[i] = stranger_up(me, i);
        for (size_t n = 0; n < 10 * MIB / size; n++)
            hear_on(me, links[i], &ask);
        assert_int_equal(bytes_to(me, links[i]), 0);
    }
    assert_in_range(me->core->letter_bytes, SX_LETTER_BYTES - size,
                    SX_LETTER_BYTES + size + 4096);
    sync_log(me);
    assert_int_equal(me->core->letter_count, 0);
    assert_int_equal(me->core->letter_bytes, 0);
    hear_on(me, links[7], &ask);
    assert_true(bytes_to(me, links[7]) > size);
    candidate_free(block);
    net_close(&net);
}

/* Neither are small ones, nor our own questions, for hours. */
static void while_the_log_waits_letters_are_bounded(void **state)
{
    struct net net;
    struct offer offer;
    (void)state;
    struct node *me = scene_open(&net, 4);
    me->log_by_hand = true;
    struct candidate *block = offer_on_root(me, 1, &offer);
    struct sx_msg ask = {
        .tag = SX_MSG_GET_CERTS, .epoch = 1, .view = 1, .to = 1};
    struct proposal next = on_view(1, 2, 0, &net.w.genesis.chain);
    hear_cert(me, a_puppet(me), VOTE_NOTARIZE, &offer.on);
    hear_cert(me, a_puppet(me), VOTE_FINALIZE, &next);
    for (unsigned i = 0; i < 3 * SX_LETTERS_MAX; i++) {
        hear(me, a_puppet(me), &ask);
        net.now_ms += 10;
    }
    assert_int_equal(count_of(me, SX_SEND), 0);
    assert_in_range(me->core->letter_count, SX_LETTERS_MAX,
                    SX_LETTERS_MAX + 64);
    sync_log(me);
    hear(me, a_puppet(me), &ask);
    assert_true(count_of(me, SX_SEND) > 0);
    candidate_free(block);
    net_close(&net);
}

/* Certificates are said again, so they need not be kept for a log that is not
 * written. */
static void while_the_log_waits_no_more_is_heard_than_it_may_get(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    me->log_by_hand = true;
    struct proposal on = on_view(1, 0, 0, NULL);
    while (me->core->logged - me->core->synced <= SX_RECORDS_MAX) {
        struct cert cert;
        on.view++;
        assert_true(on.view <= SX_VIEWS_MAX + 1);
        certify(&net, on.view > SX_VIEWS_MAX ? VOTE_FINALIZE : VOTE_NULLIFY,
                &on, ALL_BUT(me->who), &cert);
        hear_this_cert(me, a_puppet(me), &cert);
    }
    uint64_t logged = me->core->logged;
    on.view++;
    hear_cert(me, a_puppet(me), VOTE_FINALIZE, &on);
    assert_int_equal(me->core->logged, logged);
    assert_null(find(me, SX_PEER_BAD));
    sync_log(me);
    hear_cert(me, a_puppet(me), VOTE_FINALIZE, &on);
    assert_int_equal(me->core->logged, logged + 1);
    assert_int_equal(me->core->final_view, on.view);
    net_close(&net);
}

/* ---- signatures to be checked ---- */

/* Validator `who` claims the link of this stranger; good: with its key. */
static void claim(struct node *node, uint64_t link, unsigned number,
                  unsigned who, bool good)
{
    struct sx_msg msg = {.tag = SX_MSG_LINK};
    struct test_key stranger;
    struct hash digest;
    const struct signer *signer = &node->net->keys[who].signer;
    test_key_init(&stranger, 7000 + number);
    sign_digest(HASH_TAG_LINK, &node->net->w.genesis.chain,
                BYTES_OF(stranger.signer.key.b), &digest);
    msg.key = signer->key;
    assert_int_equal(
        signer->sign(signer->ctx, HASH_TAG_LINK, &digest, &msg.sig), OK);
    msg.sig.b[0] ^= good ? 0 : 1;
    hear_on(node, link, &msg);
}

static int index_on(struct node *node, uint64_t link)
{
    return sx_peer_find(node->core, link)->index;
}

static void a_link_may_claim_one_key_in_a_second(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    unsigned one = a_puppet(me);
    unsigned two = one + 1 + (me->who == (int)one + 1);
    uint64_t link = stranger_up(me, 0);
    claim(me, link, 0, one, true);
    assert_int_equal(index_on(me, link), one);
    for (unsigned i = 0; i < 10; i++) {
        claim(me, link, 0, two, false); /* not looked at: no blame */
        assert_null(find(me, SX_PEER_BAD));
        claim(me, link, 0, one, true); /* said again */
        assert_null(find(me, SX_PEER_BAD));
    }
    net.now_ms += 1000;
    claim(me, link, 0, two, true);
    assert_int_equal(index_on(me, link), two);
    net.now_ms += 1000;
    claim(me, link, 0, one, false);
    assert_non_null(find(me, SX_PEER_BAD));
    assert_int_equal(index_on(me, link), two);
    net_close(&net);
}

/* A vote that has no good signature, or a proposal with it. */
static void hear_forged(struct node *node, unsigned from, enum sx_tag tag,
                        const struct proposal *on)
{
    struct sx_msg msg = {.tag = tag};
    vote_by(node->net, from, VOTE_NOTARIZE, on, &msg.vote);
    msg.vote.sig.b[0] ^= 1;
    hear(node, from, &msg);
}

static void who_is_accused_for_a_view_is_not_checked_in_it_again(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    unsigned liar = a_puppet(me);
    struct proposal on = on_view(1, 1, 0, &net.w.genesis.chain);
    hear_vote(me, liar, VOTE_NOTARIZE, &on);
    on.id.b[0] ^= 1;
    hear_vote(me, liar, VOTE_NOTARIZE, &on);
    assert_true(has_notice(me, SX_NOTICE_EQUIVOCATION));
    on.id.b[0] ^= 2;
    hear_forged(me, liar, SX_MSG_VOTE, &on);
    assert_null(find(me, SX_PEER_BAD));
    /* In another view it is, and so is what it has not said here yet. */
    struct proposal null = on_view(1, 1, 0, NULL);
    hear_vote(me, liar, VOTE_NULLIFY, &null);
    assert_non_null(sx_slot_at(me->core, 1)->votes[VOTE_NULLIFY - 1]);
    on.view = 2;
    hear_forged(me, liar, SX_MSG_VOTE, &on);
    assert_blamed(me, liar, ERR_SIGNATURE);
    net_close(&net);
}

static void a_leader_that_is_accused_is_not_checked_again(void **state)
{
    struct net net;
    struct offer offer;
    (void)state;
    struct node *me = scene_open(&net, 4);
    unsigned leader = leader_of(&net, 1);
    struct candidate *block = offer_on_root(me, 1, &offer);
    struct offer other = offer;
    other.on.id.b[0] ^= 1;
    other.block = bytes_make(NULL, 0);
    hear_vote(me, leader, VOTE_NOTARIZE, &other.on);
    assert_true(has_notice(me, SX_NOTICE_EQUIVOCATION));
    assert_false(signed_vote(me, VOTE_NULLIFY, 1, NULL));
    /* That it has proposed the other, too, is still worth knowing. */
    hear_proposal(me, leader, &other);
    assert_true(signed_vote(me, VOTE_NULLIFY, 1, NULL));
    other.on.id.b[0] ^= 2;
    hear_forged(me, leader, SX_MSG_PROPOSE, &other.on);
    assert_null(find(me, SX_PEER_BAD));
    candidate_free(block);
    net_close(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            small_questions_do_not_get_more_than_a_peer_is_granted),
        cmocka_unit_test(
            who_asks_out_of_place_hears_where_we_are_once_in_a_delay),
        cmocka_unit_test(a_run_costs_what_leaves),
        cmocka_unit_test(
            while_the_log_waits_no_more_answers_are_kept_than_there_is_room),
        cmocka_unit_test(while_the_log_waits_letters_are_bounded),
        cmocka_unit_test(while_the_log_waits_no_more_is_heard_than_it_may_get),
        cmocka_unit_test(a_link_may_claim_one_key_in_a_second),
        cmocka_unit_test(who_is_accused_for_a_view_is_not_checked_in_it_again),
        cmocka_unit_test(a_leader_that_is_accused_is_not_checked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
