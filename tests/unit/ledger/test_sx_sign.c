/* The guards of the one place that signs: one core, the other validators are
 * played by the test. */

#include "fixture.h"

#include "kinds.h"
#include "node_by_hand.h"
#include "puppets.h"

static struct proposal nullify_of(uint64_t view)
{
    return on_view(1, view, 0, NULL);
}

/* The leader of a view takes it back: a reason to nullify at once. */
static void leader_gives_up(struct node *node, uint64_t view)
{
    struct proposal on = nullify_of(view);
    hear_vote(node, leader_of(node->net, view), VOTE_NULLIFY, &on);
}

static void a_good_proposal_is_notarized_once(void **state)
{
    struct net net;
    struct offer offer;
    struct vote vote;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *block = offer_on_root(me, 1, &offer);
    assert_true(signed_vote(me, VOTE_NOTARIZE, 1, &vote));
    assert_true(same_proposal(&vote.on, &offer.on));
    assert_int_equal(vote.index, me->who);
    assert_true(sent_vote(me, VOTE_NOTARIZE, 1));
    assert_null(find(me, SX_PEER_BAD));
    for (int i = 0; i < 5; i++) { /* again and again: nothing is signed */
        hear_proposal(me, leader_of(&net, 1), &offer);
        assert_false(signed_anything(me));
    }
    candidate_free(block);
    net_close(&net);
}

static void a_view_never_gets_a_second_notarize_vote(void **state)
{
    struct net net;
    struct offer one;
    struct offer two;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *a = offer_on_root(me, 1, &one);
    net_tx(&net, 0, 0);
    struct candidate *b = offer_on_root(me, 1, &two);
    assert_false(signed_vote(me, VOTE_NOTARIZE, 0, NULL));
    assert_true(has_notice(me, SX_NOTICE_EQUIVOCATION));
    assert_int_equal(the(me, SX_NOTICE)->index, leader_of(&net, 1));
    /* A leader that says two things is given up. */
    assert_true(signed_vote(me, VOTE_NULLIFY, 1, NULL));
    candidate_free(a);
    candidate_free(b);
    net_close(&net);
}

static void a_view_that_was_given_up_is_not_notarized(void **state)
{
    struct net net;
    struct offer offer;
    (void)state;
    struct node *me = scene_open(&net, 4);
    leader_gives_up(me, 1);
    assert_true(signed_vote(me, VOTE_NULLIFY, 1, NULL));
    struct candidate *block = offer_on_root(me, 1, &offer);
    assert_false(signed_anything(me));
    candidate_free(block);
    net_close(&net);
}

static void a_view_that_was_left_is_not_notarized(void **state)
{
    struct net net;
    struct offer offer;
    struct proposal gone = nullify_of(1);
    (void)state;
    struct node *me = scene_open(&net, 4);
    hear_cert(me, leader_of(&net, 1), VOTE_NULLIFY, &gone);
    assert_int_equal(view_of(me), 2);
    struct candidate *block = offer_on_root(me, 1, &offer);
    assert_false(signed_vote(me, VOTE_NOTARIZE, 1, NULL));
    candidate_free(block);
    net_close(&net);
}

static void a_notarized_block_gets_a_finalize_vote(void **state)
{
    struct net net;
    struct offer offer;
    struct vote vote;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *block = offer_on_root(me, 1, &offer);
    assert_false(signed_vote(me, VOTE_FINALIZE, 0, NULL)); /* not yet */
    hear_cert(me, leader_of(&net, 1), VOTE_NOTARIZE, &offer.on);
    assert_true(signed_vote(me, VOTE_FINALIZE, 1, &vote));
    assert_true(same_proposal(&vote.on, &offer.on));
    assert_int_equal(view_of(me), 2);
    candidate_free(block);
    net_close(&net);
}

/* The leader's vote, one more and our own are three of four. */
static void single_votes_make_the_certificates(void **state)
{
    struct net net;
    struct offer offer;
    unsigned other = 0;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *block = offer_on_root(me, 1, &offer);
    while ((int)other == me->who || other == leader_of(&net, 1))
        other++;
    hear_vote(me, other, VOTE_NOTARIZE, &offer.on);
    assert_true(sent_cert(me, VOTE_NOTARIZE, 1));
    assert_true(signed_vote(me, VOTE_FINALIZE, 1, NULL));
    hear_vote(me, other, VOTE_FINALIZE, &offer.on);
    hear_vote(me, other, VOTE_FINALIZE, &offer.on); /* counts once */
    assert_null(find(me, SX_STORE));
    hear_vote(me, leader_of(&net, 1), VOTE_FINALIZE, &offer.on);
    assert_true(sent_cert(me, VOTE_FINALIZE, 1));
    assert_int_equal(count_of(me, SX_STORE), 1);
    candidate_free(block);
    net_close(&net);
}

static void nothing_is_nullified_after_finalize(void **state)
{
    struct net net;
    struct offer offer;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *block = offer_on_root(me, 1, &offer);
    hear_cert(me, leader_of(&net, 1), VOTE_NOTARIZE, &offer.on);
    assert_true(signed_vote(me, VOTE_FINALIZE, 1, NULL));
    leader_gives_up(me, 1);
    assert_false(signed_vote(me, VOTE_NULLIFY, 1, NULL));
    for (int i = 0; i < 200; i++) {
        pass(me, 50);
        assert_false(signed_vote(me, VOTE_NULLIFY, 1, NULL));
    }
    candidate_free(block);
    net_close(&net);
}

static void nothing_is_finalized_after_nullify(void **state)
{
    struct net net;
    struct offer offer;
    (void)state;
    struct node *me = scene_open(&net, 4);
    leader_gives_up(me, 1);
    struct candidate *block = offer_on_root(me, 1, &offer);
    hear_cert(me, leader_of(&net, 1), VOTE_NOTARIZE, &offer.on);
    assert_int_equal(view_of(me), 2);
    assert_false(signed_vote(me, VOTE_FINALIZE, 1, NULL));
    pass(me, 1000);
    assert_false(signed_vote(me, VOTE_FINALIZE, 1, NULL));
    candidate_free(block);
    net_close(&net);
}

static void another_block_than_the_own_notarized_is_not_finalized(void **state)
{
    struct net net;
    struct offer one;
    struct offer two;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *a = offer_on_root(me, 1, &one);
    net_tx(&net, 0, 0);
    struct candidate *b = block_by(&net, leader_of(&net, 1), NULL);
    two = (struct offer){.block = candidate_bytes(b)};
    two.on = on_view(1, 1, 0, &candidate_block(b)->id);
    /* The quorum has another proposal; its body comes, too. */
    hear_cert(me, leader_of(&net, 1), VOTE_NOTARIZE, &two.on);
    assert_int_equal(view_of(me), 2);
    struct sx_msg body = {.tag = SX_MSG_BLOCK, .block = candidate_bytes(b)};
    hear(me, leader_of(&net, 1), &body);
    assert_null(find(me, SX_PEER_BAD));
    assert_false(signed_vote(me, VOTE_FINALIZE, 1, NULL));
    pass(me, 1000);
    assert_false(signed_vote(me, VOTE_FINALIZE, 1, NULL));
    candidate_free(a);
    candidate_free(b);
    net_close(&net);
}

static void a_notarized_block_is_finalized_only_when_its_body_executed(
    void **state)
{
    struct net net;
    struct sx_msg asked;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *block = block_by(&net, leader_of(&net, 1), NULL);
    struct proposal on = on_view(1, 1, 0, &candidate_block(block)->id);
    hear_cert(me, leader_of(&net, 1), VOTE_NOTARIZE, &on);
    assert_false(signed_anything(me));
    pass(me, 200);
    assert_true(sent(me, SX_MSG_GET_BLOCK, 0, &asked));
    assert_true(hash_equal(&asked.id, &on.id));
    struct sx_msg body = {.tag = SX_MSG_BLOCK, .block = candidate_bytes(block)};
    hear(me, leader_of(&net, 1), &body);
    assert_true(signed_vote(me, VOTE_FINALIZE, 1, NULL));
    candidate_free(block);
    net_close(&net);
}

static void decided_views_are_not_signed(void **state)
{
    struct net net;
    struct offer offer;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *block = block_by(&net, leader_of(&net, 1), NULL);
    struct proposal on = on_view(1, 1, 0, &candidate_block(block)->id);
    hear_cert(me, leader_of(&net, 1), VOTE_FINALIZE, &on);
    assert_false(signed_anything(me));
    offer = (struct offer){.on = on, .block = candidate_bytes(block)};
    hear_proposal(me, leader_of(&net, 1), &offer);
    leader_gives_up(me, 1);
    hear_cert(me, leader_of(&net, 1), VOTE_NOTARIZE, &on);
    assert_false(signed_vote(me, VOTE_NOTARIZE, 1, NULL));
    assert_false(signed_vote(me, VOTE_NULLIFY, 1, NULL));
    assert_false(signed_vote(me, VOTE_FINALIZE, 1, NULL));
    candidate_free(block);
    net_close(&net);
}

/* All at once: what would be notarized, finalized and given up. */
static void what_is_finalized_in_a_step_is_not_given_up_in_it(void **state)
{
    struct net net;
    struct offer offer;
    struct store *store;
    unsigned other = 0;
    (void)state;
    net_open_epochs(&net, 4, 600, 0, 1);
    assert_int_equal(store_mem_new(&store), OK);
    struct node *me =
        net_add_on(&net, store, (int)((leader_of(&net, 1) + 1) % 4), 100);
    puppets_link(me);
    struct candidate *block = offer_on_root(me, 1, &offer);
    while ((int)other == me->who || other == leader_of(&net, 1))
        other++;
    hear_vote(me, other, VOTE_NOTARIZE, &offer.on);
    leader_gives_up(me, 1);
    assert_false(signed_anything(me)); /* it listens yet */
    pass(me, 100);
    assert_true(signed_vote(me, VOTE_NOTARIZE, 1, NULL));
    assert_true(signed_vote(me, VOTE_FINALIZE, 1, NULL));
    assert_false(signed_vote(me, VOTE_NULLIFY, 1, NULL));
    candidate_free(block);
    net_close(&net);
}

/* ---- the guards themselves ---- */

static void no_caller_gets_a_vote_for_a_view_that_was_left(void **state)
{
    struct net net;
    struct proposal gone = nullify_of(1);
    struct hash id = {{1}};
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct sx *core = me->core;
    struct proposal on = on_view(1, 1, 0, &id);
    assert_true(sx_may_sign(core, sx_slot_need(core, 1), VOTE_NOTARIZE, &on));
    hear_cert(me, leader_of(&net, 1), VOTE_NULLIFY, &gone);
    struct sx_slot *slot = sx_slot_need(core, 1);
    assert_false(sx_may_sign(core, slot, VOTE_NOTARIZE, &on));
    assert_false(sx_sign(core, slot, VOTE_NOTARIZE, &on, false));
    assert_true(sx_may_sign(core, slot, VOTE_NULLIFY, &gone));
    assert_false(sx_may_sign(core, slot, VOTE_FINALIZE, &on));
    net_close(&net);
}

static void no_caller_gets_a_vote_for_a_decided_view(void **state)
{
    struct net net;
    struct sx_slot slot = {.view = 1};
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *block = block_by(&net, leader_of(&net, 1), NULL);
    struct proposal on = on_view(1, 1, 0, &candidate_block(block)->id);
    assert_true(sx_may_sign(me->core, &slot, VOTE_NULLIFY, &on));
    hear_cert(me, leader_of(&net, 1), VOTE_FINALIZE, &on);
    assert_false(sx_may_sign(me->core, &slot, VOTE_NOTARIZE, &on));
    assert_false(sx_may_sign(me->core, &slot, VOTE_NULLIFY, &on));
    assert_false(sx_may_sign(me->core, &slot, VOTE_FINALIZE, &on));
    candidate_free(block);
    net_close(&net);
}

/* ---- the log ---- */

static void votes_leave_only_when_they_are_in_the_log(void **state)
{
    struct net net;
    struct offer offer;
    (void)state;
    struct node *me = scene_open(&net, 4);
    me->log_by_hand = true;
    struct candidate *block = offer_on_root(me, 1, &offer);
    assert_true(signed_vote(me, VOTE_NOTARIZE, 1, NULL));
    assert_int_equal(count_of(me, SX_SEND), 0);
    pass(me, 1000); /* nor does time make a difference, or saying it again */
    assert_int_equal(count_of(me, SX_SEND), 0);
    forget(me);
    sync_log(me);
    assert_true(sent_vote(me, VOTE_NOTARIZE, 1));
    candidate_free(block);
    net_close(&net);
}

/* Half of what waits is on the disk: half of it leaves, in order. */
static void a_sync_sends_what_it_covers_and_no_more(void **state)
{
    struct net net;
    struct offer offer;
    (void)state;
    struct node *me = scene_open(&net, 4);
    me->log_by_hand = true;
    struct candidate *block = offer_on_root(me, 1, &offer);
    uint64_t first = me->last_seq;
    hear_cert(me, leader_of(&net, 1), VOTE_NOTARIZE, &offer.on);
    assert_true(signed_vote(me, VOTE_FINALIZE, 1, NULL));
    assert_true(me->last_seq > first);
    me->synced_seq = first;
    step(me, (struct sx_event){.kind = SX_EV_LOGGED, .seq = first});
    assert_true(sent_vote(me, VOTE_NOTARIZE, 1));
    assert_false(sent_vote(me, VOTE_FINALIZE, 1));
    forget(me);
    sync_log(me);
    assert_true(sent_vote(me, VOTE_FINALIZE, 1));
    candidate_free(block);
    net_close(&net);
}

static void a_block_is_in_the_log_before_the_votes_for_it(void **state)
{
    struct net net;
    struct offer offer;
    bool block_seen = false;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *block = offer_on_root(me, 1, &offer);
    for (unsigned i = 0; i < me->said_count; i++) {
        const struct said *said = &me->said[i];
        if (said->kind != SX_LOG)
            continue;
        if (said->log_type == SX_LOG_BLOCK) {
            block_seen = true;
            assert_true(
                bytes_equal(buf_bytes(&said->bytes), candidate_bytes(block)));
        }
        if (said->log_type == SX_LOG_VOTE)
            assert_true(block_seen);
    }
    assert_true(block_seen);
    candidate_free(block);
    net_close(&net);
}

/* What is said again is what was signed then. */
static void repeating_a_vote_signs_nothing_new(void **state)
{
    struct net net;
    struct offer offer;
    struct vote vote;
    unsigned again = 0;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *block = offer_on_root(me, 1, &offer);
    assert_true(signed_vote(me, VOTE_NOTARIZE, 1, &vote));
    for (int i = 0; i < 30; i++) {
        struct sx_msg msg;
        pass(me, 20);
        assert_false(signed_vote(me, VOTE_NOTARIZE, 0, NULL));
        for (unsigned k = 0; sent(me, SX_MSG_VOTE, k, &msg); k++) {
            if (msg.vote.kind != VOTE_NOTARIZE)
                continue;
            assert_memory_equal(&msg.vote.sig, &vote.sig, sizeof(vote.sig));
            again++;
        }
    }
    assert_true(again > 0);
    candidate_free(block);
    net_close(&net);
}

static void a_validator_listens_before_it_signs(void **state)
{
    struct net net;
    struct offer offer;
    struct store *store;
    (void)state;
    net_open_epochs(&net, 4, 600, 0, 1);
    assert_int_equal(store_mem_new(&store), OK);
    struct node *me =
        net_add_on(&net, store, (int)((leader_of(&net, 1) + 1) % 4), 1000);
    puppets_link(me);
    struct candidate *block = offer_on_root(me, 1, &offer);
    assert_false(signed_anything(me));
    pass(me, 500);
    assert_false(signed_anything(me));
    assert_true(me->wake_ms <= 2000);
    pass(me, 500);
    assert_true(signed_anything(me));
    candidate_free(block);
    net_close(&net);
}

/* Before there is a link there is nobody to be heard. */
static void a_validator_listens_from_its_first_link_on(void **state)
{
    struct net net;
    struct offer offer;
    struct store *store;
    (void)state;
    net_open_epochs(&net, 4, 600, 0, 1);
    assert_int_equal(store_mem_new(&store), OK);
    struct node *me =
        net_add_on(&net, store, (int)((leader_of(&net, 1) + 1) % 4), 1000);
    pass(me, 5000);
    puppets_link(me);
    struct candidate *block = offer_on_root(me, 1, &offer);
    assert_false(signed_anything(me));
    pass(me, 900);
    assert_false(signed_anything(me));
    pass(me, 100);
    assert_true(signed_anything(me));
    candidate_free(block);
    net_close(&net);
}

/* Nobody has to be there for one who decides alone. */
static void a_quorum_of_one_listens_from_its_first_step_on(void **state)
{
    struct net net;
    struct store *store;
    (void)state;
    net_open(&net, 1, 0, 1);
    assert_int_equal(store_mem_new(&store), OK);
    struct node *me = net_add_on(&net, store, 0, 1000);
    submit_transfer(&net, me, 0, 0, 5);
    assert_false(signed_anything(me));
    pass(me, 900);
    assert_false(signed_anything(me));
    pass(me, 100);
    assert_true(signed_anything(me));
    net_close(&net);
}

/* Nobody can make a core of another key, or of none, sign. */
static void a_follower_signs_nothing(void **state)
{
    struct net net;
    (void)state;
    net_open_epochs(&net, 4, 600, 0, 1);
    struct node *f = net_add(&net, -1);
    puppets_link(f);
    struct offer offer;
    struct candidate *block = offer_on_root(f, 1, &offer);
    leader_gives_up(f, 1);
    hear_cert(f, 0, VOTE_NOTARIZE, &offer.on);
    pass(f, 1000);
    assert_int_equal(count_of(f, SX_LOG), 0);
    assert_int_equal(f->last_seq, 0);
    candidate_free(block);
    net_close(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_proposal_is_notarized_once),
        cmocka_unit_test(a_view_never_gets_a_second_notarize_vote),
        cmocka_unit_test(a_view_that_was_given_up_is_not_notarized),
        cmocka_unit_test(a_view_that_was_left_is_not_notarized),
        cmocka_unit_test(a_notarized_block_gets_a_finalize_vote),
        cmocka_unit_test(single_votes_make_the_certificates),
        cmocka_unit_test(nothing_is_nullified_after_finalize),
        cmocka_unit_test(nothing_is_finalized_after_nullify),
        cmocka_unit_test(another_block_than_the_own_notarized_is_not_finalized),
        cmocka_unit_test(
            a_notarized_block_is_finalized_only_when_its_body_executed),
        cmocka_unit_test(decided_views_are_not_signed),
        cmocka_unit_test(what_is_finalized_in_a_step_is_not_given_up_in_it),
        cmocka_unit_test(no_caller_gets_a_vote_for_a_view_that_was_left),
        cmocka_unit_test(no_caller_gets_a_vote_for_a_decided_view),
        cmocka_unit_test(votes_leave_only_when_they_are_in_the_log),
        cmocka_unit_test(a_sync_sends_what_it_covers_and_no_more),
        cmocka_unit_test(a_block_is_in_the_log_before_the_votes_for_it),
        cmocka_unit_test(repeating_a_vote_signs_nothing_new),
        cmocka_unit_test(a_validator_listens_before_it_signs),
        cmocka_unit_test(a_validator_listens_from_its_first_link_on),
        cmocka_unit_test(a_quorum_of_one_listens_from_its_first_step_on),
        cmocka_unit_test(a_follower_signs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
