/* Whole networks of cores, and time: what is final, what is given up, what is
 * quiet, and what a random hour of losses and restarts leaves behind. */

#include "fixture.h"

#include "kinds.h"
#include "ledger/evidence.h"
#include "node_by_hand.h"
#include "puppets.h"

#define D0        60u /* delay_ms of the genesis */
#define DELAY_CAP (60u * D0)

static void net_of(struct net *net, unsigned n)
{
    net_open_epochs(net, n, 600, 0, 1);
    for (unsigned i = 0; i < n; i++)
        net_add(net, (int)i);
    net_link_all(net);
    net_settle(net);
}

static uint64_t height_of(const struct node *node)
{
    return chain_tip(node->chain).height;
}

/* ---- everybody is there ---- */

static void any_number_of_validators_agrees_at_once(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 4; n++) {
        struct net net;
        net_of(&net, n);
        for (uint64_t i = 0; i < 10; i++) {
            net.now_ms += 10;
            submit_to_all(&net, 0, i);
            net_settle(&net); /* in no time: nothing waits for a timer */
            for (unsigned k = 0; k < n; k++) {
                assert_int_equal(height_of(net.nodes[k]), i + 1);
                assert_same_tip(net.nodes[0], net.nodes[k]);
            }
        }
        net_close(&net);
    }
}

static void a_tx_that_one_node_has_is_final_everywhere(void **state)
{
    (void)state;
    for (unsigned n = 2; n <= 4; n++) {
        struct net net;
        net_of(&net, n);
        net.gossip = true;
        for (unsigned k = 0; k < n; k++) {
            submit_transfer(&net, net.nodes[k], k % USERS, k / USERS, 5);
            net_live(&net, 3000);
            for (unsigned j = 0; j < n; j++)
                assert_int_equal(height_of(net.nodes[j]), k + 1);
        }
        net_close(&net);
    }
}

static void an_idle_network_is_silent(void **state)
{
    struct net net;
    (void)state;
    net_of(&net, 4);
    net_live(&net, 60000);
    for (unsigned i = 0; i < 4; i++) {
        struct node *node = net.nodes[i];
        assert_int_equal(height_of(node), 0);
        assert_int_equal(view_of(node), 1);
        assert_int_equal(node->last_seq, 1); /* nothing but INIT */
    }
    submit_to_all(&net, 0, 0); /* and awake at once */
    net_settle(&net);
    assert_int_equal(height_of(net.nodes[3]), 1);
    uint64_t logged = net.nodes[0]->last_seq;
    net_live(&net, 60000);
    assert_int_equal(height_of(net.nodes[3]), 1);
    assert_int_equal(net.nodes[0]->last_seq, logged);
    net_close(&net);
}

static void a_heartbeat_is_everybodys(void **state)
{
    struct net net;
    (void)state;
    net_open_epochs(&net, 4, 600, 1000, 1);
    for (int i = 0; i < 4; i++)
        net_add(&net, i);
    net_link_all(&net);
    net_live(&net, 10500);
    assert_in_range(height_of(net.nodes[0]), 9, 10);
    for (unsigned i = 1; i < 4; i++)
        assert_same_tip(net.nodes[0], net.nodes[i]);
    net_close(&net);
}

/* ---- somebody is not ---- */

static void one_of_four_may_be_away(void **state)
{
    (void)state;
    for (unsigned away = 0; away < 4; away++) {
        struct net net;
        net_of(&net, 4);
        struct node *here = net.nodes[(away + 1) % 4];
        net.nodes[away]->cut = true;
        for (uint64_t i = 0; i < 8; i++) {
            uint64_t before = net.now_ms;
            submit_to_all(&net, 0, i);
            while (height_of(here) <= i && net.now_ms - before < 2000)
                net_live(&net, 5);
            assert_true(net.now_ms - before <= 8 * D0);
            net_live(&net, 300);
        }
        net.nodes[away]->cut = false;
        net_live(&net, 5000);
        assert_same_tip(here, net.nodes[away]);
        net_close(&net);
    }
}

static void two_of_four_decide_nothing_and_go_on_when_a_third_comes(
    void **state)
{
    struct net net;
    (void)state;
    net_of(&net, 4);
    net.nodes[0]->cut = net.nodes[1]->cut = true;
    submit_to_all(&net, 0, 0);
    net_live(&net, 20000);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(chain_head(net.nodes[i]->chain).height, 0);
        assert_true(view_of(net.nodes[i]) <= 2);
    }
    net.nodes[1]->cut = false;
    uint64_t back = net.now_ms;
    while (height_of(net.nodes[2]) == 0 && net.now_ms - back < 20000)
        net_live(&net, 5);
    assert_int_equal(height_of(net.nodes[2]), 1);
    net_live(&net, 2000);
    assert_same_tip(net.nodes[1], net.nodes[2]);
    assert_same_tip(net.nodes[2], net.nodes[3]);
    net_close(&net);
}

/* Everything that was sent is lost for a while; what is repeated is enough. */
static void lost_messages_are_said_again(void **state)
{
    (void)state;
    for (unsigned lost = 0; lost < 40; lost++) {
        struct net net;
        net_of(&net, 4);
        submit_to_all(&net, 0, 0);
        for (unsigned i = 0; i < 4; i++)
            net.nodes[i]->cut = true;
        for (unsigned i = 0; i < lost && deliver_one(&net); i++)
            ;
        for (unsigned i = 0; i < 4; i++)
            net.nodes[i]->cut = false;
        net_live(&net, 3000);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(height_of(net.nodes[i]), 1);
        net_close(&net);
    }
}

/* A validator without links to three of the others still hears what is
 * decided, from a follower. */
static void a_follower_carries_decisions_between_validators(void **state)
{
    struct net net;
    (void)state;
    net_open_epochs(&net, 4, 600, 0, 1);
    for (int i = 0; i < 4; i++)
        net_add(&net, i);
    struct node *f = net_add(&net, -1);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < i; j++)
            net_link(&net, net.nodes[j], net.nodes[i]);
    net_link(&net, net.nodes[0], f);
    net_link(&net, net.nodes[3], f);
    for (uint64_t i = 0; i < 5; i++) {
        submit_to_all(&net, 0, i);
        net_live(&net, 1000);
    }
    assert_int_equal(height_of(net.nodes[0]), 5);
    net_live(&net, 6000);
    assert_same_tip(net.nodes[0], f);
    assert_same_tip(net.nodes[0], net.nodes[3]);
    net_close(&net);
}

/* ---- one core and the clock ---- */

static unsigned a_puppet(const struct node *node)
{
    return node->who == 0 ? 1 : 0;
}

static void nullify_this(struct node *node)
{
    struct proposal on = on_view(1, view_of(node), 0, NULL);
    hear_cert(node, a_puppet(node), VOTE_NULLIFY, &on);
}

static uint64_t delay_of(const struct node *node)
{
    struct sx_status status;
    sx_status(node->core, &status);
    return status.delay_ms;
}

/* How long after `from` the view is given up; 0: not within 5 s. */
static uint64_t given_up_after(struct node *me, uint64_t from)
{
    while (me->net->now_ms < from + 5000) {
        pass(me, 1);
        if (signed_vote(me, VOTE_NULLIFY, 0, NULL))
            return me->net->now_ms - from;
    }
    return 0;
}

static void a_silent_leader_is_given_up_after_4_delays(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    assert_int_equal(given_up_after(me, net.now_ms), 0); /* nothing to do */
    net_close(&net);
    me = scene_open(&net, 4);
    submit_transfer(&net, me, 0, 0, 5);
    /* Two for the transaction to get there, two for the proposal. */
    assert_int_equal(given_up_after(me, net.now_ms), 4 * D0);
    net_close(&net);
}

static void an_undecided_proposal_is_given_up_after_3_delays(void **state)
{
    struct net net;
    struct offer offer;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *block = offer_on_root(me, 1, &offer);
    assert_true(signed_vote(me, VOTE_NOTARIZE, 1, NULL));
    assert_int_equal(given_up_after(me, net.now_ms), 3 * D0);
    candidate_free(block);
    net_close(&net);
}

static void a_leader_that_is_known_to_be_away_is_not_waited_for(void **state)
{
    struct net net;
    struct sx_msg here = {.tag = SX_MSG_STATUS, .epoch = 1, .view = 1};
    (void)state;
    struct node *me = scene_open(&net, 4);
    for (int s = 0; s < 5; s++) {
        pass(me, 1000);
        for (unsigned i = 0; i < 4; i++)
            if ((int)i != me->who && i != leader_of(&net, 1))
                hear(me, i, &here);
    }
    submit_transfer(&net, me, 0, 0, 5);
    assert_int_equal(given_up_after(me, net.now_ms), 2 * D0);
    net_close(&net);
}

static void the_delay_grows_with_undecided_views_and_falls_with_a_decision(
    void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    uint64_t last = delay_of(me);
    bool grew = false;
    assert_int_equal(last, D0);
    for (int i = 0; i < 60; i++) {
        nullify_this(me);
        uint64_t delay = delay_of(me);
        assert_true(delay == last || delay == 2 * last || delay == DELAY_CAP);
        grew = grew || delay > last;
        last = delay;
        if (i == 1) /* two views: within what crashed leaders explain */
            assert_int_equal(delay, D0);
    }
    assert_true(grew);
    assert_int_equal(last, DELAY_CAP);
    uint64_t view = view_of(me);
    struct candidate *block = block_by(&net, leader_of(&net, view), NULL);
    struct proposal on = on_view(1, view, 0, &candidate_block(block)->id);
    hear_cert(me, a_puppet(me), VOTE_FINALIZE, &on);
    assert_int_equal(delay_of(me), D0);
    candidate_free(block);
    net_close(&net);
}

/* Submits, gives the view up, and ends it so much later. */
static void view_ends_after(struct node *me, uint64_t late_ms)
{
    assert_true(given_up_after(me, me->net->now_ms) > 0);
    pass(me, late_ms);
    nullify_this(me);
}

/* Not only after as many views as there may be bad leaders. */
static void the_delay_grows_with_each_view_that_ends_late(void **state)
{
    struct net net;
    struct offer offer;
    (void)state;
    struct node *me = scene_open(&net, 4);
    submit_transfer(&net, me, 0, 0, 5);
    view_ends_after(me, D0);
    assert_int_equal(delay_of(me), D0);
    view_ends_after(me, 5 * D0);
    assert_int_equal(delay_of(me), 2 * D0);
    view_ends_after(me, 5 * D0);
    assert_int_equal(delay_of(me), 4 * D0);
    while ((int)leader_of(&net, view_of(me)) == me->who)
        nullify_this(me);
    net_tx(&net, 0, 0);
    struct candidate *block = offer_on_root(me, view_of(me), &offer);
    hear_cert(me, a_puppet(me), VOTE_FINALIZE, &offer.on);
    assert_int_equal(delay_of(me), 2 * D0); /* one doubling a decision */
    disk(me);
    assert_int_equal(pool_count(sx_pool(me->core)), 0);
    pass(me, 9900);
    assert_int_equal(delay_of(me), 2 * D0);
    pass(me, 200); /* and none for who wants nothing */
    assert_int_equal(delay_of(me), D0);
    candidate_free(block);
    net_close(&net);
}

/* Nobody hears what all say ten times a second. */
static void what_is_said_again_is_said_ever_more_seldom(void **state)
{
    struct net net;
    unsigned said = 0;
    uint64_t last_ms = 0;
    uint64_t gap_ms = 0;
    (void)state;
    struct node *me = scene_open(&net, 4);
    submit_transfer(&net, me, 0, 0, 5);
    assert_true(given_up_after(me, net.now_ms) > 0);
    for (unsigned ms = 0; ms < 20000; ms++) {
        pass(me, 1);
        if (!sent_vote(me, VOTE_NULLIFY, 0))
            continue;
        gap_ms = last_ms == 0 ? 0 : net.now_ms - last_ms;
        last_ms = net.now_ms;
        said++;
        if (said == 2)
            assert_in_range(gap_ms, 4 * D0, 6 * D0);
    }
    assert_in_range(said, 14, 24);
    assert_in_range(gap_ms, 1000, 1500);
    net_close(&net);
}

/* Though not to who comes meanwhile; nor does who comes all the time keep the
 * others waiting. */
static void who_comes_hears_soon_what_was_said(void **state)
{
    struct net net;
    unsigned heard = 0;
    (void)state;
    struct node *me = scene_open(&net, 4);
    submit_transfer(&net, me, 0, 0, 5);
    assert_true(given_up_after(me, net.now_ms) > 0);
    for (unsigned ms = 0; ms < 20000; ms++)
        pass(me, 1);
    for (unsigned ms = 0; ms < 10000; ms++) {
        if (ms % 50 == 0)
            link_up(&net, me, ++net.links, &net.keys[a_puppet(me)].signer.key);
        pass(me, 1);
        heard += sent_vote(me, VOTE_NULLIFY, 0);
        if (ms == 3 * D0)
            assert_true(heard > 0);
    }
    assert_true(heard >= 10000 / (3 * D0) - 1);
    net_close(&net);
}

/* D after a block that was decided when D had grown. */
static uint64_t delay_after_decision(bool crowd)
{
    struct net net;
    struct offer offer;
    struct node *me = scene_open(&net, 4);
    if (crowd) /* one waits for the nonce before its own */
        submit_transfer(&net, me, 0, 1, 5);
    while (delay_of(me) < 4 * D0 ||
           (int)leader_of(&net, view_of(me)) == me->who)
        nullify_this(me);
    struct candidate *block = offer_on_root(me, view_of(me), &offer);
    hear_cert(me, a_puppet(me), VOTE_FINALIZE, &offer.on);
    disk(me);
    assert_int_equal(height_of(me), 1);
    uint64_t delay = delay_of(me);
    candidate_free(block);
    net_close(&net);
    return delay;
}

static void a_delay_that_was_needed_stays_as_long_as_transactions_wait(
    void **state)
{
    (void)state;
    assert_int_equal(delay_after_decision(true), 2 * D0);
    assert_int_equal(delay_after_decision(false), D0);
}

/* So many views are given up, then a puppet's block is decided. More are given
 * up when it would be our turn. Returns how many were. */
static uint64_t decide_after(struct node *me, uint64_t given_up, uint64_t nonce)
{
    struct net *net = me->net;
    struct cert cert;
    uint64_t last = view_of(me) - 1;
    while (view_of(me) - 1 - last < given_up ||
           (int)leader_of(net, view_of(me)) == me->who)
        nullify_this(me);
    uint64_t view = view_of(me);
    net_tx(net, 1, nonce);
    struct candidate *block = block_by(net, leader_of(net, view), NULL);
    struct offer offer = {.block = candidate_bytes(block)};
    offer.on = on_view(1, view, last, &candidate_block(block)->id);
    hear_proposal(me, leader_of(net, view), &offer);
    certify(net, VOTE_FINALIZE, &offer.on, ALL_BUT(me->who), &cert);
    hear_this_cert(me, a_puppet(me), &cert);
    disk(me);
    puppets_decide(net, block, &cert);
    return view - 1 - last;
}

/* One third of the leaders may be bad, and cost a view for two decisions: more
 * is patience that was wanting, however few are given up at once. */
static void views_given_up_again_and_again_make_patient(void **state)
{
    struct net net;
    uint64_t waste = 0;
    uint64_t nonce = 0;
    (void)state;
    struct node *me = scene_open(&net, 4);
    submit_transfer(&net, me, 0, 1, 5); /* waits for its turn for ever */
    uint64_t enough = 2 * (uint64_t)me->core->honest_run;
    while (nonce < 20) { /* ours are given up: a fourth */
        waste += 2 * decide_after(me, 0, nonce++);
        waste -= waste > 0;
        assert_int_equal(height_of(me), nonce);
        assert_int_equal(delay_of(me), D0);
    }
    while (waste < enough) {
        assert_int_equal(delay_of(me), D0);
        waste += 2 * decide_after(me, 1, nonce++) - 1;
    }
    assert_int_equal(delay_of(me), 2 * D0);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(delay_of(me), 2 * D0);
        (void)decide_after(me, 0, nonce++);
    }
    assert_int_equal(delay_of(me), D0);
    net_close(&net);
}

static void the_transactions_of_a_view_that_was_given_up_are_proposed_again(
    void **state)
{
    struct net net;
    struct sx_msg first;
    struct sx_msg second;
    struct arena arena;
    struct block block;
    (void)state;
    net_open_epochs(&net, 4, 600, 0, 1);
    struct node *me = net_add(&net, (int)leader_of(&net, 1));
    puppets_link(me);
    submit_transfer(&net, me, 0, 0, 5);
    assert_true(sent(me, SX_MSG_PROPOSE, 0, &first));
    struct hash id = first.vote.on.id;
    assert_int_equal(pool_fresh(sx_pool(me->core)), 0);
    nullify_this(me);
    assert_int_equal(pool_fresh(sx_pool(me->core)), 1);
    uint64_t mine = view_led(&net, 2, me->who, true);
    net.now_ms += 10;
    while (view_of(me) < mine)
        nullify_this(me);
    assert_true(sent(me, SX_MSG_PROPOSE, 0, &second));
    assert_false(hash_equal(&second.vote.on.id, &id));
    assert_int_equal(second.vote.on.parent_view, 0);
    arena_init(&arena, 1u << 20);
    assert_int_equal(block_decode(second.block, &arena, &block), OK);
    assert_int_equal(block.tx_count, 1);
    arena_done(&arena);
    net_close(&net);
}

/* Also those of a block that was notarized, when its fork dies. */
static void the_transactions_of_a_fork_that_died_wait_again(void **state)
{
    struct net net;
    struct sx_msg msg;
    (void)state;
    net_open_epochs(&net, 4, 600, 0, 1);
    struct node *me = net_add(&net, (int)leader_of(&net, 1));
    puppets_link(me);
    submit_transfer(&net, me, 0, 0, 5);
    assert_true(sent(me, SX_MSG_PROPOSE, 0, &msg));
    struct proposal mine = msg.vote.on;
    hear_cert(me, a_puppet(me), VOTE_NOTARIZE, &mine);
    struct proposal null = on_view(1, 1, 0, NULL);
    hear_cert(me, a_puppet(me), VOTE_NULLIFY, &null);
    assert_int_equal(pool_fresh(sx_pool(me->core)), 0);
    uint64_t view = view_led(&net, 2, me->who, false);
    while (view_of(me) < view)
        nullify_this(me);
    struct candidate *block = block_by(&net, leader_of(&net, view), NULL);
    struct offer offer = {.block = candidate_bytes(block)};
    offer.on = on_view(1, view, 0, &candidate_block(block)->id);
    hear_proposal(me, leader_of(&net, view), &offer);
    hear_cert(me, a_puppet(me), VOTE_FINALIZE, &offer.on);
    assert_int_equal(chain_head(me->chain).height, 1);
    assert_int_equal(pool_fresh(sx_pool(me->core)), 1);
    candidate_free(block);
    net_close(&net);
}

/* A height that a validator says of itself makes us ask, and no more. */
static void a_validators_height_is_a_hint(void **state)
{
    struct net net;
    struct sx_msg boast = {.tag = SX_MSG_STATUS,
                           .epoch = 1,
                           .view = 1u << 30,
                           .final_view = 1u << 30,
                           .height = 1u << 30};
    (void)state;
    struct node *me = scene_open(&net, 4);
    hear(me, a_puppet(me), &boast);
    assert_true(sent(me, SX_MSG_GET_FINALS, 0, NULL));
    for (int i = 0; i < 100; i++)
        pass(me, 100);
    assert_int_equal(view_of(me), 1);
    assert_int_equal(chain_head(me->chain).height, 0);
    submit_transfer(&net, me, 0, 0, 5); /* it takes part all the same */
    assert_true(given_up_after(me, net.now_ms) > 0);
    net_close(&net);
}

/* ---- at random ---- */

#define VOTES_MAX 20000u

/* All votes that anybody ever logged. */
struct witness {
    struct vote *votes;
    size_t count;
    uint64_t seen[VALIDATORS_MAX]; /* the last number looked at */
};

/* No honest validator leaves two votes that convict it, through any restart: a
 * vote that was never synced is as if it had not been. */
static void look(struct witness *w, struct node *node)
{
    unsigned who = (unsigned)node->who;
    for (size_t i = 0; i < node->log_count; i++) {
        const struct log_record *record = &node->log[i];
        struct vote vote;
        struct evidence evidence;
        if (record->seq <= w->seen[who] || record->seq > node->synced_seq)
            continue;
        w->seen[who] = record->seq;
        if (record->type != SX_LOG_VOTE)
            continue;
        assert_int_equal(vote_decode(buf_bytes(&record->body), &vote), OK);
        for (size_t k = 0; k < w->count; k++) {
            if (w->votes[k].index != vote.index ||
                w->votes[k].on.epoch != vote.on.epoch ||
                w->votes[k].on.view != vote.on.view)
                continue;
            assert_int_not_equal(evidence_make(&w->votes[k], &vote, &evidence),
                                 OK);
        }
        assert_true(w->count < VOTES_MAX);
        w->votes[w->count++] = vote;
    }
}

static void random_tx(struct net *net, struct node *node, uint64_t *seed)
{
    unsigned from = (unsigned)(test_random(seed) % USERS);
    struct account account;
    assert_int_equal(account_get(chain_head_state(node->chain),
                                 &net->w.users[from].signer.key, &account),
                     OK);
    submit_transfer(net, node, from, account.nonce + test_random(seed) % 2,
                    1 + test_random(seed) % 9);
}

static void random_event(struct net *net, uint64_t *seed)
{
    struct node *node = net->nodes[test_random(seed) % net->count];
    switch (test_random(seed) % 80) {
    case 0:
        if (node->who >= 0)
            node_restart(node, WAL_WHOLE);
        net_link_all(net);
        return;
    case 1:
        node->cut = test_random(seed) % 4 == 0;
        return;
    case 2:
    case 3:
    case 4:
    case 5:
        random_tx(net, node, seed);
        return;
    case 6:
    case 7:
    case 8:
    case 9:
        if (node->batch_count > 0)
            commit_one(node);
        return;
    case 10:
        node->log_by_hand = test_random(seed) % 3 == 0;
        if (!node->log_by_hand) {
            forget(node);
            sync_log(node);
        }
        return;
    case 11:
    case 12:
    case 13:
    case 14:
        net->now_ms += test_random(seed) % 60;
        for (unsigned i = 0; i < net->count; i++)
            if (net->nodes[i]->wake_ms <= net->now_ms)
                tick(net->nodes[i]);
        return;
    default:
        for (uint64_t n = test_random(seed) % 20; n > 0; n--)
            deliver_one(net);
    }
}

static void heal(struct net *net)
{
    for (unsigned i = 0; i < net->count; i++) {
        net->nodes[i]->cut = false;
        net->nodes[i]->log_by_hand = false;
        forget(net->nodes[i]);
        sync_log(net->nodes[i]);
    }
    net_link_all(net);
}

static void at_random_nobody_votes_against_itself_and_all_agree(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 12; round++) {
        struct net net;
        struct witness w = {0};
        uint64_t seed = round * 7368787;
        unsigned n = 1 + (unsigned)(round % 4);
        w.votes = calloc(VOTES_MAX, sizeof(*w.votes));
        assert_non_null(w.votes);
        net_open_epochs(&net, n, 5, 0, 1);
        for (unsigned i = 0; i < n; i++)
            net_add(&net, (int)i);
        net_add(&net, -1);
        net.gossip = true;
        net_link_all(&net);
        for (int i = 0; i < 6000; i++) {
            random_event(&net, &seed);
            for (unsigned k = 0; k < n; k++) {
                assert_false(net.nodes[k]->halted);
                look(&w, net.nodes[k]);
            }
        }
        heal(&net);
        for (int i = 0; i < 60; i++) {
            net_live(&net, 500);
            for (unsigned k = 0; k < n; k++)
                look(&w, net.nodes[k]);
        }
        uint64_t before = height_of(net.nodes[0]);
        struct account account;
        assert_int_equal(account_get(chain_head_state(net.nodes[0]->chain),
                                     &net.w.users[2].signer.key, &account),
                         OK);
        submit_to_all(&net, 2, account.nonce);
        net_live(&net, 8000);
        assert_true(height_of(net.nodes[0]) > before);
        assert_true(before > 3);
        for (unsigned k = 1; k < net.count; k++)
            assert_same_tip(net.nodes[0], net.nodes[k]);
        free(w.votes);
        net_close(&net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_validators_agrees_at_once),
        cmocka_unit_test(a_tx_that_one_node_has_is_final_everywhere),
        cmocka_unit_test(an_idle_network_is_silent),
        cmocka_unit_test(a_heartbeat_is_everybodys),
        cmocka_unit_test(one_of_four_may_be_away),
        cmocka_unit_test(
            two_of_four_decide_nothing_and_go_on_when_a_third_comes),
        cmocka_unit_test(lost_messages_are_said_again),
        cmocka_unit_test(a_follower_carries_decisions_between_validators),
        cmocka_unit_test(a_silent_leader_is_given_up_after_4_delays),
        cmocka_unit_test(an_undecided_proposal_is_given_up_after_3_delays),
        cmocka_unit_test(a_leader_that_is_known_to_be_away_is_not_waited_for),
        cmocka_unit_test(
            the_delay_grows_with_undecided_views_and_falls_with_a_decision),
        cmocka_unit_test(the_delay_grows_with_each_view_that_ends_late),
        cmocka_unit_test(what_is_said_again_is_said_ever_more_seldom),
        cmocka_unit_test(who_comes_hears_soon_what_was_said),
        cmocka_unit_test(
            a_delay_that_was_needed_stays_as_long_as_transactions_wait),
        cmocka_unit_test(views_given_up_again_and_again_make_patient),
        cmocka_unit_test(
            the_transactions_of_a_view_that_was_given_up_are_proposed_again),
        cmocka_unit_test(the_transactions_of_a_fork_that_died_wait_again),
        cmocka_unit_test(a_validators_height_is_a_hint),
        cmocka_unit_test(at_random_nobody_votes_against_itself_and_all_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
