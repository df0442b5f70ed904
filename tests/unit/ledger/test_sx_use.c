/* What the core would do with a message's blocks, told before anybody looks at
 * a signature in it. */

#include "fixture.h"

#include "kinds.h"
#include "node_by_hand.h"
#include "puppets.h"

static enum sx_use use_from(struct node *node, unsigned from,
                            const struct sx_msg *msg)
{
    return sx_use_of(node->core, node->puppets[from], msg);
}

/* ---- blocks ---- */

static void only_as_many_blocks_as_were_asked_for_are_of_use(void **state)
{
    struct net net;
    struct sx_msg asked;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *block = block_by(&net, leader_of(&net, 1), NULL);
    struct proposal on = on_view(1, 1, 0, &candidate_block(block)->id);
    struct sx_msg body = {.tag = SX_MSG_BLOCK, .block = candidate_bytes(block)};
    for (unsigned i = 0; i < 4; i++) {
        if ((int)i != me->who)
            assert_int_equal(use_from(me, i, &body), SX_USE_UNASKED);
    }
    hear_cert(me, leader_of(&net, 1), VOTE_NOTARIZE, &on);
    pass(me, 200);
    assert_true(sent(me, SX_MSG_GET_BLOCK, 0, &asked));
    uint64_t peer = the(me, SX_SEND)->peer;
    unsigned from = 0;
    while (me->puppets[from] != peer)
        from++;
    assert_int_equal(use_from(me, from, &body), SX_USE_TAKE);
    /* It comes late, when another has sent it: nobody's fault. */
    unsigned other = 0;
    while ((int)other == me->who || other == from)
        other++;
    assert_int_equal(use_from(me, other, &body), SX_USE_UNASKED);
    hear(me, other, &body);
    assert_int_equal(use_from(me, from, &body), SX_USE_NONE);
    hear(me, from, &body);
    assert_null(find(me, SX_PEER_BAD));
    assert_int_equal(use_from(me, from, &body), SX_USE_UNASKED);
    candidate_free(block);
    net_close(&net);
}

/* ---- proposals ---- */

/* Nothing in it is signed well. */
static struct sx_msg unsigned_proposal(const struct candidate *block,
                                       unsigned index, uint64_t view)
{
    struct sx_msg msg = {.tag = SX_MSG_PROPOSE,
                         .block = candidate_bytes(block)};
    msg.vote.kind = VOTE_NOTARIZE;
    msg.vote.index = (uint16_t)index;
    msg.vote.on = on_view(1, view, 0, &candidate_block(block)->id);
    return msg;
}

static void a_proposal_is_of_use_from_the_leader_of_a_view_near(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    unsigned leader = leader_of(&net, 1);
    unsigned other = 0;
    while ((int)other == me->who || other == leader)
        other++;
    struct candidate *block = block_by(&net, leader, NULL);
    struct sx_msg msg = unsigned_proposal(block, leader, 1);
    assert_int_equal(use_from(me, leader, &msg), SX_USE_TAKE);
    assert_int_equal(use_from(me, other, &msg), SX_USE_NONE);
    assert_int_equal(sx_use_of(me->core, 999, &msg), SX_USE_NONE);
    msg.vote.index = (uint16_t)other;
    assert_int_equal(use_from(me, other, &msg), SX_USE_NONE);
    msg = unsigned_proposal(block, leader, 1);
    msg.vote.on.epoch = 2;
    assert_int_equal(use_from(me, leader, &msg), SX_USE_NONE);
    msg = unsigned_proposal(block, leader, 1);
    msg.vote.on.id.b[0] ^= 1; /* of another block than it brings */
    assert_int_equal(use_from(me, leader, &msg), SX_USE_NONE);
    msg =
        unsigned_proposal(block, leader, view_led(&net, 3, (int)leader, true));
    assert_int_equal(use_from(me, leader, &msg), SX_USE_NONE);
    candidate_free(block);
    net_close(&net);
}

/* The certificates it carries may bring us to its view. */
static void a_proposal_far_ahead_is_of_use_with_what_leads_there(void **state)
{
    struct net net;
    struct cert cert;
    struct buf buf;
    (void)state;
    struct node *me = scene_open(&net, 4);
    unsigned leader = leader_of(&net, 1);
    uint64_t view = view_led(&net, 3, (int)leader, true);
    struct candidate *block = block_by(&net, leader, NULL);
    struct sx_msg msg = unsigned_proposal(block, leader, view);
    struct proposal null = on_view(1, view - 1, 0, NULL);
    certify(&net, VOTE_NULLIFY, &null, ALL_BUT(me->who), &cert);
    buf_init(&buf, CERT_BYTES_MAX);
    cert_encode(&cert, &buf);
    msg.nulls[0] = buf_bytes(&buf);
    msg.null_count = 1;
    assert_int_equal(use_from(me, leader, &msg), SX_USE_TAKE);
    buf_done(&buf);
    candidate_free(block);
    net_close(&net);
}

static void a_leaders_second_word_is_of_no_use(void **state)
{
    struct net net;
    struct offer offer;
    (void)state;
    struct node *me = scene_open(&net, 4);
    unsigned leader = leader_of(&net, 1);
    struct candidate *a = offer_on_root(me, 1, &offer);
    struct sx_msg msg = unsigned_proposal(a, leader, 1);
    assert_int_equal(use_from(me, leader, &msg), SX_USE_NONE); /* is here */
    net_tx(&net, 0, 0);
    struct candidate *b = block_by(&net, leader, NULL);
    msg = unsigned_proposal(b, leader, 1);
    assert_int_equal(use_from(me, leader, &msg), SX_USE_NONE);
    candidate_free(a);
    candidate_free(b);
    net_close(&net);
}

/* ---- runs ---- */

static void a_run_is_of_use_when_it_goes_on_from_here(void **state)
{
    struct net net;
    struct candidate *blocks[2];
    uint8_t raw[2][HEADER_BYTES];
    struct sx_msg msg[2];
    struct buf certs[2];
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *f = net_add(&net, -1);
    puppets_link(f);
    for (unsigned i = 0; i < 2; i++) {
        struct cert cert;
        net_tx(&net, 0, i);
        blocks[i] = block_by(&net, 0, i > 0 ? blocks[0] : NULL);
        const struct block *block = candidate_block(blocks[i]);
        struct proposal on = on_view(1, i + 1, i, &block->id);
        certify(&net, VOTE_FINALIZE, &on, 1, &cert);
        buf_init(&certs[i], CERT_BYTES_MAX);
        cert_encode(&cert, &certs[i]);
        header_encode(&block->header, raw[i]);
        msg[i] = (struct sx_msg){.tag = SX_MSG_FINALS,
                                 .height = 2,
                                 .headers = BYTES_OF(raw[i]),
                                 .header_count = 1,
                                 .cert = buf_bytes(&certs[i]),
                                 .blocks = {candidate_bytes(blocks[i])},
                                 .block_count = 1};
    }
    assert_int_equal(use_from(f, 0, &msg[0]), SX_USE_TAKE);
    assert_int_equal(use_from(f, 0, &msg[1]), SX_USE_LATER);
    struct sx_msg bare = msg[0];
    bare.block_count = 0;
    hear(f, 0, &bare);
    assert_int_equal(use_from(f, 0, &bare), SX_USE_NONE); /* said already */
    assert_int_equal(use_from(f, 0, &msg[0]), SX_USE_TAKE);
    assert_int_equal(use_from(f, 0, &msg[1]), SX_USE_TAKE);
    hear(f, 0, &msg[0]);
    assert_int_equal(use_from(f, 0, &msg[0]), SX_USE_NONE);
    assert_int_equal(use_from(f, 0, &msg[1]), SX_USE_TAKE);
    for (unsigned i = 0; i < 2; i++) {
        buf_done(&certs[i]);
        candidate_free(blocks[1 - i]);
    }
    net_close(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_as_many_blocks_as_were_asked_for_are_of_use),
        cmocka_unit_test(a_proposal_is_of_use_from_the_leader_of_a_view_near),
        cmocka_unit_test(a_proposal_far_ahead_is_of_use_with_what_leads_there),
        cmocka_unit_test(a_leaders_second_word_is_of_no_use),
        cmocka_unit_test(a_run_is_of_use_when_it_goes_on_from_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
