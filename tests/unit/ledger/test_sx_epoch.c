/* Epochs end at a height, and nothing is built on their last block before it is
 * decided; nor on too high a tower of undecided ones. */

#include "fixture.h"

#include "kinds.h"
#include "node_by_hand.h"
#include "puppets.h"

static unsigned a_puppet(const struct node *node)
{
    return node->who == 0 ? 1 : 0;
}

/* Nullifies the views from the one we are in. */
static void nullify_until(struct node *node, uint64_t view)
{
    while (view_of(node) < view) {
        struct proposal on = on_view(1, view_of(node), 0, NULL);
        hear_cert(node, a_puppet(node), VOTE_NULLIFY, &on);
    }
}

/* Epochs of one block; the first one is notarized in view 1, not decided. */
struct boundary {
    struct net net;
    struct node *me;
    struct candidate *block;
    struct cert notarized;
    struct proposal on;
};

static void boundary_open(struct boundary *b)
{
    struct offer offer;
    net_open_epochs(&b->net, 4, 1, 0, 1);
    b->me = net_add(&b->net, (int)((leader_of(&b->net, 1) + 1) % 4));
    puppets_link(b->me);
    b->block = offer_on_root(b->me, 1, &offer);
    b->on = offer.on;
    certify(&b->net, VOTE_NOTARIZE, &b->on, ALL_BUT(b->me->who), &b->notarized);
    hear_this_cert(b->me, a_puppet(b->me), &b->notarized);
    assert_true(signed_vote(b->me, VOTE_FINALIZE, 1, NULL));
}

static void boundary_close(struct boundary *b)
{
    candidate_free(b->block);
    net_close(&b->net);
}

static void nothing_is_built_on_an_epochs_last_block(void **state)
{
    struct boundary b;
    (void)state;
    boundary_open(&b);
    uint64_t view = view_led(&b.net, 2, b.me->who, false);
    nullify_until(b.me, view);
    unsigned leader = leader_of(&b.net, view);
    struct candidate *child = block_by(&b.net, leader, b.block);
    struct offer offer = {.block = candidate_bytes(child)};
    offer.on = on_view(1, view, 1, &candidate_block(child)->id);
    hear_proposal(b.me, leader, &offer);
    assert_false(signed_vote(b.me, VOTE_NOTARIZE, 0, NULL));
    assert_true(signed_vote(b.me, VOTE_NULLIFY, view, NULL));
    candidate_free(child);
    boundary_close(&b);
}

static void an_epochs_last_block_is_voted_for_again(void **state)
{
    struct boundary b;
    (void)state;
    boundary_open(&b);
    uint64_t view = view_led(&b.net, 2, b.me->who, false);
    nullify_until(b.me, view);
    struct offer again = {.parent = &b.notarized};
    again.on = on_view(1, view, 1, &b.on.id);
    hear_proposal(b.me, leader_of(&b.net, view), &again);
    assert_true(signed_vote(b.me, VOTE_NOTARIZE, view, NULL));
    hear_cert(b.me, a_puppet(b.me), VOTE_NOTARIZE, &again.on);
    assert_true(signed_vote(b.me, VOTE_FINALIZE, view, NULL));
    hear_cert(b.me, a_puppet(b.me), VOTE_FINALIZE, &again.on);
    assert_int_equal(count_of(b.me, SX_STORE), 1);
    assert_int_equal(epoch_of(b.me), 2);
    assert_int_equal(view_of(b.me), 1);
    boundary_close(&b);
}

static void we_propose_an_epochs_last_block_again_when_it_is_our_turn(
    void **state)
{
    struct boundary b;
    struct sx_msg msg;
    (void)state;
    boundary_open(&b);
    uint64_t view = view_led(&b.net, 2, b.me->who, true);
    submit_transfer(&b.net, b.me, 0, 0, 5); /* work that cannot be done yet */
    nullify_until(b.me, view);
    assert_false(sent(b.me, SX_MSG_PROPOSE, 0, NULL));
    bool told = false;
    for (int i = 0; i < 60 && !told; i++) {
        pass(b.me, 10);
        told = sent(b.me, SX_MSG_PROPOSE, 0, &msg);
    }
    assert_true(told);
    assert_int_equal(msg.vote.on.view, view);
    assert_int_equal(msg.vote.on.parent_view, 1);
    assert_true(hash_equal(&msg.vote.on.id, &b.on.id));
    assert_int_equal(msg.block.len, 0);
    assert_int_equal(msg.null_count, view - 2);
    boundary_close(&b);
}

static void the_root_itself_is_not_proposed_again(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct chain_tip head = chain_head(me->chain);
    struct offer offer = {.on = on_view(1, 1, 0, &head.id)};
    hear_proposal(me, leader_of(&net, 1), &offer);
    assert_false(signed_vote(me, VOTE_NOTARIZE, 0, NULL));
    assert_true(signed_vote(me, VOTE_NULLIFY, 1, NULL));
    net_close(&net);
}

/* What the new epoch's votes stand on must not be lost in a crash. */
static void an_epoch_is_not_voted_in_before_its_root_is_on_the_disk(
    void **state)
{
    struct boundary b;
    struct cert final;
    (void)state;
    boundary_open(&b);
    certify(&b.net, VOTE_FINALIZE, &b.on, ALL_BUT(b.me->who), &final);
    hear_this_cert(b.me, a_puppet(b.me), &final);
    assert_int_equal(epoch_of(b.me), 2);
    puppets_decide(&b.net, b.block, &final);
    b.block = NULL;
    unsigned leader = leader_of(&b.net, 1);
    if ((int)leader == b.me->who) {
        submit_transfer(&b.net, b.me, 0, 0, 5);
        assert_false(signed_anything(b.me));
    } else {
        struct candidate *next = block_by(&b.net, leader, NULL);
        struct offer offer = {.block = candidate_bytes(next)};
        offer.on = on_view(2, 1, 0, &candidate_block(next)->id);
        hear_proposal(b.me, leader, &offer);
        assert_false(signed_anything(b.me));
        candidate_free(next);
    }
    disk(b.me);
    assert_true(signed_vote(b.me, VOTE_NOTARIZE, 1, NULL));
    boundary_close(&b);
}

static void votes_of_other_epochs_do_not_count(void **state)
{
    static const uint64_t epochs[] = {0, 1, 3, UINT64_MAX};
    struct boundary b;
    struct cert final;
    (void)state;
    boundary_open(&b);
    certify(&b.net, VOTE_FINALIZE, &b.on, ALL_BUT(b.me->who), &final);
    hear_this_cert(b.me, a_puppet(b.me), &final);
    disk(b.me);
    for (size_t i = 0; i < sizeof(epochs) / sizeof(epochs[0]); i++) {
        struct proposal on = on_view(epochs[i], 1, 0, NULL);
        for (unsigned k = 0; k < 4; k++)
            if ((int)k != b.me->who)
                hear_vote(b.me, k, VOTE_NULLIFY, &on);
        hear_cert(b.me, a_puppet(b.me), VOTE_NULLIFY, &on);
        assert_null(find(b.me, SX_PEER_BAD));
        assert_int_equal(epoch_of(b.me), 2);
        assert_int_equal(view_of(b.me), 1);
    }
    boundary_close(&b);
}

/* Who still votes in the old epoch is told how it ended. */
static void a_straggler_of_the_last_epoch_is_helped(void **state)
{
    struct net net;
    (void)state;
    net_open_epochs(&net, 4, 2, 0, 1);
    for (int i = 0; i < 4; i++)
        net_add(&net, i);
    net_link_all(&net);
    net.nodes[3]->cut = true;
    for (uint64_t i = 0; i < 9; i++) {
        submit_to_all(&net, 0, i);
        net_live(&net, 600);
    }
    assert_true(chain_tip(net.nodes[0]->chain).height >= 5);
    assert_int_equal(chain_tip(net.nodes[3]->chain).height, 0);
    net.nodes[3]->cut = false;
    net_live(&net, 5000);
    for (int i = 1; i < 4; i++)
        assert_same_tip(net.nodes[0], net.nodes[i]);
    assert_int_equal(epoch_of(net.nodes[3]), epoch_of(net.nodes[0]));
    net_close(&net);
}

static void the_next_set_takes_over(void **state)
{
    struct net net;
    struct test_tx bond;
    bool joined = false;
    (void)state;
    net_open_epochs(&net, 3, 3, 0, 1);
    test_key_init(&net.keys[3], 4242); /* no validator yet */
    for (int i = 0; i < 4; i++)
        net_add(&net, i);
    net_link_all(&net);
    net_settle(&net);
    test_kind_tx(&bond, &net.w.genesis.chain, &net.w.users[1], 0,
                 KIND_VALIDATOR, net.keys[3].signer.key.b, 1000000);
    struct sx_tx given = {.bytes = buf_bytes(&bond.bytes), .token = 1};
    for (unsigned i = 0; i < 4; i++)
        step(net.nodes[i], (struct sx_event){.kind = SX_EV_SUBMIT,
                                             .txs = &given,
                                             .tx_count = 1});
    test_tx_done(&bond);
    for (uint64_t i = 0; i < 20; i++) {
        submit_to_all(&net, 0, i);
        net_live(&net, 500);
        for (unsigned k = 0; k < 4; k++)
            assert_false(net.nodes[k]->halted);
        joined = joined || sx_decides(net.nodes[3]->core);
    }
    assert_true(joined);
    struct sx_status status;
    sx_status(net.nodes[0]->core, &status);
    assert_int_equal(status.validators, 4);
    /* One old validator goes: the new one's vote is needed, and there. */
    uint64_t before = chain_tip(net.nodes[1]->chain).height;
    net.nodes[0]->cut = true;
    submit_to_all(&net, 0, 20);
    net_live(&net, 3000);
    assert_true(chain_tip(net.nodes[1]->chain).height > before);
    assert_same_tip(net.nodes[1], net.nodes[3]);
    net_close(&net);
}

/* ---- a decided block, told again ---- */

static void null_views(struct node *me, uint64_t from, uint64_t upto)
{
    for (uint64_t view = from; view < upto; view++) {
        struct proposal null = on_view(1, view, 0, NULL);
        hear_cert(me, a_puppet(me), VOTE_NULLIFY, &null);
    }
}

/* A leader may propose the head again, and may send its body along though
 * nobody needs it. What stands on the head is judged as before. */
static void the_head_told_again_is_in_nobodys_way(void **state)
{
    struct net net;
    struct cert cert;
    struct offer one;
    struct buf body;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *head = offer_on_root(me, 1, &one);
    buf_init(&body, LIMIT_BLOCK_BYTES);
    buf_add(&body, one.block);
    certify(&net, VOTE_FINALIZE, &one.on, ALL_BUT(me->who), &cert);
    hear_this_cert(me, a_puppet(me), &cert);
    settle(me);
    assert_int_equal(chain_tip(me->chain).height, 1);
    puppets_decide(&net, head, &cert);
    uint64_t again = view_led(&net, 2, me->who, false);
    uint64_t next = view_led(&net, again + 1, me->who, false);
    null_views(me, 2, again);
    struct offer two = {.on = on_view(1, again, 1, &one.on.id),
                        .block = buf_bytes(&body)};
    hear_proposal(me, leader_of(&net, again), &two);
    null_views(me, again, next);
    struct candidate *child = block_by(&net, leader_of(&net, next), NULL);
    struct offer three = {.on =
                              on_view(1, next, 1, &candidate_block(child)->id),
                          .block = candidate_bytes(child)};
    hear_proposal(me, leader_of(&net, next), &three);
    assert_true(signed_vote(me, VOTE_NOTARIZE, next, NULL));
    candidate_free(child);
    buf_done(&body);
    net_close(&net);
}

/* ---- towers ---- */

/* Everybody notarizes and nobody but we finalizes: the tower grows to its
 * bound, and then its top is proposed again. */
static void a_tower_of_undecided_blocks_has_a_bound(void **state)
{
    struct net net;
    struct candidate *tower[CHAIN_RUN_MAX];
    unsigned height = 0;
    uint64_t parent_view = 0;
    struct sx_msg msg;
    (void)state;
    struct node *me = scene_open(&net, 4);
    uint64_t view = 1;
    for (; height < CHAIN_RUN_MAX; view++) {
        unsigned leader = leader_of(&net, view);
        struct proposal on;
        net.now_ms += 2;
        if ((int)leader == me->who) {
            on = on_view(1, view, 0, NULL);
            hear_cert(me, a_puppet(me), VOTE_NULLIFY, &on);
            continue;
        }
        tower[height] =
            block_by(&net, leader, height > 0 ? tower[height - 1] : NULL);
        on = on_view(1, view, parent_view, &candidate_block(tower[height])->id);
        struct offer offer = {.on = on,
                              .block = candidate_bytes(tower[height])};
        hear_proposal(me, leader, &offer);
        assert_true(signed_vote(me, VOTE_NOTARIZE, view, NULL));
        hear_cert(me, a_puppet(me), VOTE_NOTARIZE, &on);
        parent_view = view;
        height++;
    }
    assert_null(find(me, SX_STORE));
    uint64_t mine = view_led(&net, view, me->who, true);
    submit_transfer(&net, me, 0, 0, 5);
    nullify_until(me, mine);
    for (int i = 0; i < 2000 && !sent(me, SX_MSG_PROPOSE, 0, &msg); i++)
        pass(me, 10);
    assert_true(sent(me, SX_MSG_PROPOSE, 0, &msg));
    assert_int_equal(msg.vote.on.parent_view, parent_view);
    assert_int_equal(msg.block.len, 0);
    assert_true(
        hash_equal(&msg.vote.on.id, &candidate_block(tower[height - 1])->id));
    /* One certificate decides all of it, in one batch. */
    struct proposal top = on_view(1, parent_view, 0, NULL);
    top = sx_slot_at(me->core, parent_view)->on;
    hear_cert(me, a_puppet(me), VOTE_FINALIZE, &top);
    assert_int_equal(count_of(me, SX_STORE), 1);
    assert_int_equal(chain_head(me->chain).height, CHAIN_RUN_MAX);
    commit_one(me);
    assert_int_equal(count_of(me, SX_FINAL), CHAIN_RUN_MAX);
    assert_int_equal(chain_tip(me->chain).height, CHAIN_RUN_MAX);
    while (height > 0)
        candidate_free(tower[--height]);
    net_close(&net);
}

/* A leader that builds on the bound all the same gets no vote. */
static void a_block_above_the_bound_is_not_voted_for(void **state)
{
    struct net net;
    struct candidate *tower[CHAIN_RUN_MAX + 1];
    unsigned height = 0;
    uint64_t parent_view = 0;
    (void)state;
    struct node *me = scene_open(&net, 4);
    for (uint64_t view = 1; height <= CHAIN_RUN_MAX; view++) {
        unsigned leader = leader_of(&net, view);
        struct proposal on;
        net.now_ms += 2;
        if ((int)leader == me->who) {
            on = on_view(1, view, 0, NULL);
            hear_cert(me, a_puppet(me), VOTE_NULLIFY, &on);
            continue;
        }
        tower[height] =
            block_by(&net, leader, height > 0 ? tower[height - 1] : NULL);
        on = on_view(1, view, parent_view, &candidate_block(tower[height])->id);
        struct offer offer = {.on = on,
                              .block = candidate_bytes(tower[height])};
        hear_proposal(me, leader, &offer);
        assert_int_equal(signed_vote(me, VOTE_NOTARIZE, view, NULL),
                         height < CHAIN_RUN_MAX);
        if (height < CHAIN_RUN_MAX)
            hear_cert(me, a_puppet(me), VOTE_NOTARIZE, &on);
        parent_view = view;
        height++;
    }
    assert_null(find(me, SX_HALT));
    while (height > 0)
        candidate_free(tower[--height]);
    net_close(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_built_on_an_epochs_last_block),
        cmocka_unit_test(an_epochs_last_block_is_voted_for_again),
        cmocka_unit_test(
            we_propose_an_epochs_last_block_again_when_it_is_our_turn),
        cmocka_unit_test(the_root_itself_is_not_proposed_again),
        cmocka_unit_test(
            an_epoch_is_not_voted_in_before_its_root_is_on_the_disk),
        cmocka_unit_test(votes_of_other_epochs_do_not_count),
        cmocka_unit_test(a_straggler_of_the_last_epoch_is_helped),
        cmocka_unit_test(the_next_set_takes_over),
        cmocka_unit_test(the_head_told_again_is_in_nobodys_way),
        cmocka_unit_test(a_tower_of_undecided_blocks_has_a_bound),
        cmocka_unit_test(a_block_above_the_bound_is_not_voted_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
