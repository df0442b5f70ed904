/* The safety log: what a restart remembers, what it does when it does not, and
 * what the log may forget. */

#include "fixture.h"

#include "kinds.h"
#include "node_by_hand.h"
#include "puppets.h"

static unsigned a_puppet(const struct node *node)
{
    return node->who == 0 ? 1 : 0;
}

static bool forgetful(const struct node *node)
{
    struct sx_status status;
    sx_status(node->core, &status);
    return status.amnesia;
}

static void restart(struct node *node)
{
    node_restart(node, WAL_WHOLE);
    puppets_link(node);
}

/* ---- what is remembered ---- */

static void a_restart_does_not_vote_twice(void **state)
{
    struct net net;
    struct offer one;
    struct offer two;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *a = offer_on_root(me, 1, &one);
    assert_true(signed_vote(me, VOTE_NOTARIZE, 1, NULL));
    restart(me);
    assert_false(forgetful(me));
    net_tx(&net, 0, 0);
    struct candidate *b = offer_on_root(me, 1, &two);
    assert_false(signed_vote(me, VOTE_NOTARIZE, 0, NULL));
    hear_proposal(me, leader_of(&net, 1), &one);
    assert_false(signed_vote(me, VOTE_NOTARIZE, 0, NULL));
    candidate_free(a);
    candidate_free(b);
    net_close(&net);
}

static void a_restart_does_not_finalize_what_it_gave_up(void **state)
{
    struct net net;
    struct offer offer;
    struct proposal null = on_view(1, 1, 0, NULL);
    (void)state;
    struct node *me = scene_open(&net, 4);
    hear_vote(me, leader_of(&net, 1), VOTE_NULLIFY, &null);
    assert_true(signed_vote(me, VOTE_NULLIFY, 1, NULL));
    restart(me);
    struct candidate *block = offer_on_root(me, 1, &offer);
    hear_cert(me, a_puppet(me), VOTE_NOTARIZE, &offer.on);
    assert_false(signed_vote(me, VOTE_NOTARIZE, 1, NULL));
    assert_false(signed_vote(me, VOTE_FINALIZE, 1, NULL));
    candidate_free(block);
    net_close(&net);
}

static void a_restart_does_not_give_up_what_it_finalized(void **state)
{
    struct net net;
    struct offer offer;
    struct proposal null = on_view(1, 1, 0, NULL);
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *block = offer_on_root(me, 1, &offer);
    hear_cert(me, a_puppet(me), VOTE_NOTARIZE, &offer.on);
    assert_true(signed_vote(me, VOTE_FINALIZE, 1, NULL));
    restart(me);
    tick(me);
    assert_int_equal(view_of(me), 2);
    hear_vote(me, leader_of(&net, 1), VOTE_NULLIFY, &null);
    for (int i = 0; i < 50; i++) {
        pass(me, 50);
        assert_false(signed_vote(me, VOTE_NULLIFY, 1, NULL));
    }
    candidate_free(block);
    net_close(&net);
}

/* What a quorum relies on: who finalized can give the block out. */
static void a_restart_still_has_the_block_it_voted_for(void **state)
{
    struct net net;
    struct offer offer;
    struct sx_msg msg;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *block = offer_on_root(me, 1, &offer);
    hear_cert(me, a_puppet(me), VOTE_NOTARIZE, &offer.on);
    restart(me);
    struct sx_msg ask = {.tag = SX_MSG_GET_BLOCK, .id = offer.on.id};
    hear(me, a_puppet(me), &ask);
    assert_true(sent(me, SX_MSG_BLOCK, 0, &msg));
    assert_true(bytes_equal(msg.block, candidate_bytes(block)));
    hear_cert(me, a_puppet(me), VOTE_FINALIZE, &offer.on);
    assert_int_equal(count_of(me, SX_STORE), 1);
    candidate_free(block);
    net_close(&net);
}

static void nullify_upto(struct node *node, uint64_t from, uint64_t upto)
{
    for (uint64_t view = from; view <= upto; view++) {
        struct proposal null = on_view(1, view, 0, NULL);
        hear_cert(node, a_puppet(node), VOTE_NULLIFY, &null);
    }
}

/* Its clock stands still, so that it makes the very block again that it has
 * made in an earlier view, or that is in its log. */
static void a_block_that_is_made_again_is_proposed_as_it_is(void **state)
{
    struct net net;
    struct sx_msg msg;
    struct buf first;
    (void)state;
    struct node *me = scene_open(&net, 4);
    uint64_t one = view_led(&net, 1, me->who, true);
    uint64_t two = view_led(&net, one + 1, me->who, true);
    uint64_t three = view_led(&net, two + 1, me->who, true);
    me->skew_ms = -(int64_t)T0;
    nullify_upto(me, 1, one - 1);
    submit_transfer(&net, me, 0, 0, 1);
    assert_true(sent(me, SX_MSG_PROPOSE, 0, &msg));
    buf_init(&first, LIMIT_BLOCK_BYTES);
    buf_add(&first, msg.block);
    pass(me, 5); /* the least between two blocks */
    nullify_upto(me, one, two - 1);
    assert_true(sent(me, SX_MSG_PROPOSE, 0, &msg));
    assert_int_equal(msg.vote.on.view, two);
    assert_true(bytes_equal(msg.block, buf_bytes(&first)));
    restart(me);
    nullify_upto(me, two, three - 1);
    submit_transfer(&net, me, 0, 0, 1);
    assert_true(sent(me, SX_MSG_PROPOSE, 0, &msg));
    assert_int_equal(msg.vote.on.view, three);
    assert_true(bytes_equal(msg.block, buf_bytes(&first)));
    buf_done(&first);
    net_close(&net);
}

/* It never left, so it binds nobody. */
static void a_vote_that_was_not_synced_is_as_if_it_had_not_been(void **state)
{
    struct net net;
    struct offer one;
    struct offer two;
    (void)state;
    struct node *me = scene_open(&net, 4);
    me->log_by_hand = true;
    struct candidate *a = offer_on_root(me, 1, &one);
    assert_true(signed_vote(me, VOTE_NOTARIZE, 1, NULL));
    assert_false(sent_vote(me, VOTE_NOTARIZE, 1));
    restart(me);
    assert_false(forgetful(me));
    net_tx(&net, 0, 0);
    struct candidate *b = offer_on_root(me, 1, &two);
    assert_true(signed_vote(me, VOTE_NOTARIZE, 1, NULL));
    candidate_free(a);
    candidate_free(b);
    net_close(&net);
}

/* The leader's log ends between its block and its vote, and its clock is
 * behind, so that the parent's time rules: it makes the very same block again.
 */
static void a_block_whose_vote_was_lost_is_proposed_again_whole(void **state)
{
    struct net net;
    struct sx_msg msg;
    (void)state;
    net_open_epochs(&net, 4, 600, 0, 1);
    struct node *me = net_add(&net, (int)leader_of(&net, 1));
    puppets_link(me);
    me->log_by_hand = true;
    me->skew_ms = -3600000;
    submit_transfer(&net, me, 0, 0, 5);
    assert_true(signed_vote(me, VOTE_NOTARIZE, 1, NULL));
    assert_int_equal(me->log[me->log_count - 2].type, SX_LOG_BLOCK);
    me->synced_seq = me->log[me->log_count - 2].seq;
    restart(me);
    me->log_by_hand = false;
    submit_transfer(&net, me, 0, 0, 5);
    assert_true(sent(me, SX_MSG_PROPOSE, 0, &msg));
    struct buf *body = &me->log[1].body;
    assert_int_equal(me->log[1].type, SX_LOG_BLOCK);
    assert_true(bytes_equal(msg.block, buf_bytes(body)));
    net_close(&net);
}

static const struct said *proposal_to(const struct node *node, unsigned who)
{
    for (unsigned i = 0; i < node->said_count; i++) {
        const struct said *said = &node->said[i];
        if (said->kind == SX_SEND && said->peer == node->puppets[who] &&
            said->bytes.ptr[0] == SX_MSG_PROPOSE)
            return said;
    }
    return NULL;
}

/* Who has not got the first hears all of it: block and justification. */
static void a_leader_that_restarts_repeats_its_whole_proposal(void **state)
{
    struct net net;
    struct buf first;
    (void)state;
    struct node *me = scene_open(&net, 4);
    uint64_t mine = view_led(&net, 2, me->who, true);
    unsigned to = a_puppet(me);
    buf_init(&first, LIMIT_MESSAGE_BYTES);
    nullify_upto(me, 1, mine - 1);
    submit_transfer(&net, me, 0, 0, 5);
    assert_non_null(proposal_to(me, to));
    buf_add(&first, buf_bytes(&proposal_to(me, to)->bytes));
    restart(me);
    while (proposal_to(me, to) == NULL && net.now_ms < 10000)
        pass(me, 10);
    assert_non_null(proposal_to(me, to));
    assert_true(
        bytes_equal(buf_bytes(&proposal_to(me, to)->bytes), buf_bytes(&first)));
    buf_done(&first);
    net_close(&net);
}

static void records_of_no_sense_are_refused(void **state)
{
    struct net net;
    static const uint8_t junk[] = {1, 2, 3};
    (void)state;
    net_open(&net, 1, 0, 1);
    for (uint8_t type = 0; type < 9; type++) {
        struct sx *core;
        struct sx_options options = {.signer = &net.keys[0].signer,
                                     .mono_ms = 1000};
        bool empty = type == SX_LOG_INIT || type == SX_LOG_AMNESIA;
        assert_int_equal(sx_new(net.w.chain, &options, &core), OK);
        if (!empty)
            assert_int_equal(sx_replay(core, 1, type, BYTES_OF(junk)),
                             ERR_CORRUPT);
        else
            assert_int_equal(sx_replay(core, 1, type, bytes_make(NULL, 0)), OK);
        sx_free(core);
    }
    net_close(&net);
}

/* ---- amnesia ---- */

static void assert_signs_nothing(struct node *me)
{
    struct offer offer;
    struct proposal null = on_view(1, 1, 0, NULL);
    struct candidate *block = offer_on_root(me, 1, &offer);
    assert_false(signed_anything(me));
    hear_vote(me, leader_of(me->net, 1), VOTE_NULLIFY, &null);
    assert_false(signed_anything(me));
    hear_cert(me, a_puppet(me), VOTE_NOTARIZE, &offer.on);
    assert_false(signed_anything(me));
    for (int i = 0; i < 30; i++) {
        pass(me, 100);
        assert_false(signed_anything(me));
    }
    candidate_free(block);
}

static void damaged(struct node *me)
{
    node_restart(me, WAL_DAMAGED);
}

static void missing(struct node *me)
{
    log_wipe(me);
    node_restart(me, WAL_MISSING);
}

/* A new log in the place of the lost one. */
static void empty(struct node *me)
{
    log_wipe(me);
    node_restart(me, WAL_WHOLE);
}

/* An older copy of the log: it ends before what the store remembers. */
static void shortened(struct node *me)
{
    struct store_batch *batch = store_batch_new(0);
    uint8_t raw[8];
    u64be_put(raw, me->last_seq + 1);
    store_batch_put(batch, STORE_META, BYTES_LIT(SX_META_LOG), BYTES_OF(raw));
    assert_int_equal(store_commit(me->store, batch), OK);
    store_batch_free(batch);
    node_restart(me, WAL_WHOLE);
}

/* The log's last word is a vote on this, and there the process ends. */
static void ends_behind_a_vote(struct node *me, const struct proposal *on)
{
    struct vote vote;
    struct buf buf;
    vote_by(me->net, (unsigned)me->who, VOTE_NULLIFY, on, &vote);
    buf_init(&buf, VOTE_BYTES);
    vote_encode(&vote, &buf);
    log_append(me, SX_LOG_VOTE, buf_bytes(&buf));
    me->synced_seq = me->last_seq;
    buf_done(&buf);
    node_restart(me, WAL_WHOLE);
}

/* The store was lost and is fetched again; the log's votes are of an epoch that
 * it has not come to yet. */
static void ahead_of_its_store(struct node *me)
{
    struct proposal on = on_view(2, 7, 0, NULL);
    ends_behind_a_vote(me, &on);
}

/* An older store was put back, and the epoch is long: nobody remembers views so
 * far above its last decision. */
static void far_above_its_store(struct node *me)
{
    struct proposal on = on_view(1, SX_VIEWS_MAX + 1, 0, NULL);
    ends_behind_a_vote(me, &on);
}

/* Likewise, and the votes are gone: that store had no use for them. */
static void trimmed_for_another_store(struct node *me)
{
    log_append(me, SX_LOG_INIT, bytes_make(NULL, 0));
    me->synced_seq = me->last_seq;
    log_drop(me, 0);
    node_restart(me, WAL_WHOLE);
}

/* Its log was lost; it has recalled by what was decided, and has lost its store
 * since, or an older one was put back: what was forgotten is not over there. */
static void recalled_when(struct node *me, uint64_t epoch, uint64_t view)
{
    uint8_t raw[16];
    u64le_put(raw, epoch);
    u64le_put(raw + 8, view);
    log_append(me, SX_LOG_AMNESIA, bytes_make(NULL, 0));
    log_append(me, SX_LOG_RECALLED, BYTES_OF(raw));
    me->synced_seq = me->last_seq;
    node_restart(me, WAL_WHOLE);
}

static void recalled_in_another_epoch(struct node *me)
{
    recalled_when(me, 2, 0);
}

static void recalled_in_a_later_view(struct node *me)
{
    recalled_when(me, 1, 1);
}

static void a_log_with_gaps_makes_a_validator_sign_nothing(void **state)
{
    static void (*const losses[])(struct node *) = {damaged,
                                                    missing,
                                                    empty,
                                                    shortened,
                                                    ahead_of_its_store,
                                                    far_above_its_store,
                                                    trimmed_for_another_store,
                                                    recalled_in_another_epoch,
                                                    recalled_in_a_later_view};
    (void)state;
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        struct net net;
        struct node *me = scene_open(&net, 4);
        losses[i](me);
        assert_true(forgetful(me));
        tick(me);
        assert_true(has_notice(me, SX_NOTICE_AMNESIA));
        puppets_link(me);
        assert_signs_nothing(me);
        net_close(&net);
    }
}

static void hear_status(struct node *me, unsigned from, const struct cert *cert)
{
    struct sx_msg msg = {.tag = SX_MSG_STATUS, .epoch = 1, .view = 1};
    struct buf buf;
    buf_init(&buf, CERT_BYTES_MAX);
    if (cert != NULL) {
        cert_encode(cert, &buf);
        msg.view = cert->on.view + 1;
    }
    msg.cert = buf_bytes(&buf);
    hear(me, from, &msg);
    buf_done(&buf);
}

/* All others say that view 3 is certified. */
static void all_tell_view_3(struct node *me)
{
    struct proposal on = on_view(1, 3, 0, NULL);
    struct cert cert;
    certify(me->net, VOTE_NULLIFY, &on, ALL_BUT(me->who), &cert);
    for (unsigned i = 0; i < me->net->n; i++)
        if ((int)i != me->who)
            hear_status(me, i, &cert);
}

/* A block decided in this view, on the root. */
static void decide_in(struct node *me, uint64_t view)
{
    struct candidate *block = block_by(me->net, leader_of(me->net, view), NULL);
    struct proposal on = on_view(1, view, 0, &candidate_block(block)->id);
    hear_cert(me, a_puppet(me), VOTE_FINALIZE, &on);
    candidate_free(block);
}

static void a_decision_two_views_above_what_all_tell_ends_the_amnesia(
    void **state)
{
    (void)state;
    for (uint64_t view = 4; view <= 5; view++) {
        struct net net;
        struct node *me = scene_open(&net, 4);
        damaged(me);
        puppets_link(me);
        all_tell_view_3(me);
        assert_true(forgetful(me));
        decide_in(me, view);
        assert_int_equal(forgetful(me), view < 5);
        assert_int_equal(has_notice(me, SX_NOTICE_RECALLED), view == 5);
        net_close(&net);
    }
}

/* The seats of who has spoken are another set's by the time that enough is
 * decided. */
static void words_of_a_quorum_stand_when_the_set_is_another(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    damaged(me);
    puppets_link(me);
    all_tell_view_3(me);
    memset(me->core->recall_done, 0, sizeof(me->core->recall_done));
    decide_in(me, 5);
    assert_false(forgetful(me));
    net_close(&net);
}

static void the_word_of_too_few_does_not_end_the_amnesia(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    damaged(me);
    puppets_link(me);
    unsigned told = 0;
    for (unsigned i = 0; i < 4 && told < 2; i++) {
        if ((int)i == me->who)
            continue;
        hear_status(me, i, NULL);
        hear_status(me, i, NULL); /* twice is once */
        told++;
    }
    decide_in(me, 9);
    assert_true(forgetful(me));
    for (unsigned i = 0; i < 4; i++)
        if ((int)i != me->who)
            hear_status(me, i, NULL);
    assert_false(forgetful(me));
    net_close(&net);
}

/* A view that is only said, without a certificate, cannot hold us back for
 * ever. */
static void a_claim_without_a_certificate_does_not_count(void **state)
{
    struct net net;
    struct sx_msg boast = {
        .tag = SX_MSG_STATUS, .epoch = 1, .view = 1000000, .height = 9};
    (void)state;
    struct node *me = scene_open(&net, 4);
    damaged(me);
    puppets_link(me);
    hear(me, a_puppet(me), &boast);
    for (unsigned i = 0; i < 4; i++)
        if ((int)i != me->who)
            hear_status(me, i, NULL);
    decide_in(me, 2);
    assert_false(forgetful(me));
    net_close(&net);
}

static void amnesia_outlives_a_restart_until_it_is_over(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    damaged(me);
    tick(me);
    assert_true(has_notice(me, SX_NOTICE_AMNESIA));
    node_restart(me, WAL_WHOLE); /* the gap was trimmed away since */
    assert_true(forgetful(me));
    puppets_link(me);
    all_tell_view_3(me);
    decide_in(me, 5);
    assert_false(forgetful(me));
    node_restart(me, WAL_WHOLE);
    assert_false(forgetful(me));
    net_close(&net);
}

static void a_recalled_validator_votes_again(void **state)
{
    struct net net;
    struct cert cert;
    (void)state;
    struct node *me = scene_open(&net, 4);
    damaged(me);
    puppets_link(me);
    all_tell_view_3(me);
    struct candidate *block = block_by(&net, leader_of(&net, 5), NULL);
    struct proposal on = on_view(1, 5, 0, &candidate_block(block)->id);
    certify(&net, VOTE_FINALIZE, &on, ALL_BUT(me->who), &cert);
    hear_this_cert(me, a_puppet(me), &cert);
    struct proposal null = on_view(1, 6, 0, NULL);
    hear_vote(me, leader_of(&net, 6), VOTE_NULLIFY, &null);
    if ((int)leader_of(&net, 6) != me->who)
        assert_true(signed_vote(me, VOTE_NULLIFY, 6, NULL));
    candidate_free(block);
    net_close(&net);
}

/* Alone nobody can tell it what it has signed. */
static void a_single_validator_without_its_log_stays_silent(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    submit_transfer(&net, v, 0, 0, 5);
    settle(v);
    empty(v);
    submit_transfer(&net, v, 0, 1, 5);
    for (int i = 0; i < 100; i++) {
        pass(v, 1000);
        assert_false(signed_anything(v));
        assert_null(find(v, SX_STORE));
    }
    assert_true(forgetful(v));
    net_close(&net);
}

static void vouch(struct node *node)
{
    step(node, (struct sx_event){.kind = SX_EV_VOUCH});
    sync_log(node);
}

static void the_operators_word_ends_the_amnesia(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    submit_transfer(&net, v, 0, 0, 5);
    settle(v);
    empty(v);
    submit_transfer(&net, v, 0, 1, 5);
    pass(v, 1000);
    assert_false(signed_anything(v));
    vouch(v);
    assert_false(forgetful(v));
    settle(v);
    assert_int_equal(chain_tip(v->chain).height, 2);
    /* It holds over a restart. */
    node_restart(v, WAL_WHOLE);
    assert_false(forgetful(v));
    net_close(&net);
}

static void the_operators_word_holds_before_anything_is_stored(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    submit_transfer(&net, v, 0, 0, 5);
    settle(v);
    empty(v);
    pass(v, 1000);
    assert_true(forgetful(v));
    vouch(v);
    node_restart(v, WAL_WHOLE);
    assert_false(forgetful(v));
    net_close(&net);
}

/* ---- what ended it is kept ---- */

#define LAST 5u

/* One block a view, each decided in its own. */
struct town {
    struct net net;
    struct node *me;
    struct candidate *blocks[LAST + 1];
    struct cert finals[LAST + 1];
};

static void town_open(struct town *t)
{
    net_open_epochs(&t->net, 4, 600, 0, 1);
    int who = 0;
    while ((int)leader_of(&t->net, 2) == who)
        who++;
    t->me = net_add(&t->net, who);
    puppets_link(t->me);
    for (uint64_t v = 1; v <= LAST; v++) {
        struct candidate *block =
            block_by(&t->net, leader_of(&t->net, v), t->blocks[v - 1]);
        struct proposal on = on_view(1, v, v - 1, &candidate_block(block)->id);
        certify(&t->net, VOTE_FINALIZE, &on, ALL_BUT(who), &t->finals[v]);
        t->blocks[v] = block;
    }
}

static void town_close(struct town *t)
{
    for (uint64_t v = LAST; v > 0; v--)
        candidate_free(t->blocks[v]);
    net_close(&t->net);
}

/* The first block's run comes, and is stored. */
static void town_first(struct town *t)
{
    uint8_t header[HEADER_BYTES];
    struct buf cert;
    buf_init(&cert, CERT_BYTES_MAX);
    cert_encode(&t->finals[1], &cert);
    header_encode(&candidate_block(t->blocks[1])->header, header);
    struct sx_msg msg = {.tag = SX_MSG_FINALS,
                         .height = LAST,
                         .headers = BYTES_OF(header),
                         .header_count = 1,
                         .cert = buf_bytes(&cert),
                         .blocks = {candidate_bytes(t->blocks[1])},
                         .block_count = 1};
    hear(t->me, a_puppet(t->me), &msg);
    while (t->me->batch_count > 0)
        commit_one(t->me);
    assert_int_equal(chain_tip(t->me->chain).height, 1);
    buf_done(&cert);
}

/* Votes for a block of view 2. */
static bool town_vote(struct town *t, struct candidate *block)
{
    struct offer offer = {.block = candidate_bytes(block)};
    offer.on = on_view(1, 2, 1, &candidate_block(block)->id);
    hear_proposal(t->me, leader_of(&t->net, 2), &offer);
    return signed_vote(t->me, VOTE_NOTARIZE, 2, NULL);
}

/* It recalls by a decision that is far above its store, which comes on a bit;
 * then it restarts. */
static void who_has_recalled_does_not_forget_by_what(void **state)
{
    static struct town t;
    (void)state;
    memset(&t, 0, sizeof(t));
    town_open(&t);
    hear_cert(t.me, a_puppet(t.me), VOTE_NOTARIZE, &t.finals[1].on);
    struct sx_msg body = {.tag = SX_MSG_BLOCK,
                          .block = candidate_bytes(t.blocks[1])};
    hear(t.me, a_puppet(t.me), &body);
    assert_true(town_vote(&t, t.blocks[2]));
    missing(t.me);
    tick(t.me);
    puppets_link(t.me);
    for (unsigned i = 0; i < 4; i++) {
        if ((int)i != t.me->who)
            hear_status(t.me, i, &t.finals[3]);
    }
    assert_true(forgetful(t.me));
    hear_this_cert(t.me, a_puppet(t.me), &t.finals[5]);
    assert_false(forgetful(t.me));
    town_first(&t);
    restart(t.me);
    t.net.now_ms += 10;
    struct candidate *other =
        block_by(&t.net, leader_of(&t.net, 2), t.blocks[1]);
    assert_false(hash_equal(&candidate_block(other)->id,
                            &candidate_block(t.blocks[2])->id));
    assert_false(town_vote(&t, other));
    candidate_free(other);
    town_close(&t);
}

/* ---- an older copy of the store ---- */

static uint64_t meta_of(struct node *v, const char *name)
{
    uint8_t raw[8];
    size_t len = 0;
    assert_int_equal(store_read(v->store, STORE_META, bytes_str(name), raw,
                                sizeof(raw), &len),
                     OK);
    assert_int_equal(len, sizeof(raw));
    return u64be_get(raw);
}

/* What the store knows of the log, as it was before. */
static void put_back(struct node *v, uint64_t synced, uint64_t need)
{
    struct store_batch *batch = store_batch_new(0);
    uint8_t raw[8];
    u64be_put(raw, synced);
    store_batch_put(batch, STORE_META, BYTES_LIT(SX_META_LOG), BYTES_OF(raw));
    u64be_put(raw, need);
    store_batch_put(batch, STORE_META, BYTES_LIT(SX_META_NEED), BYTES_OF(raw));
    assert_int_equal(store_commit(v->store, batch), OK);
    store_batch_free(batch);
}

static void a_log_is_believed_by_the_store_that_let_it_be_cut(void **state)
{
    struct net net;
    uint64_t synced = 0;
    uint64_t need = 0;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    for (uint64_t i = 0; i < 6; i++) {
        submit_transfer(&net, v, 0, i, 5);
        settle(v);
        if (i == 2) {
            synced = meta_of(v, SX_META_LOG);
            need = meta_of(v, SX_META_NEED);
        }
        assert_true(v->log[0].seq <= meta_of(v, SX_META_NEED));
    }
    node_restart(v, WAL_WHOLE);
    assert_false(forgetful(v));
    assert_true(v->log[0].seq > need);
    put_back(v, synced, need);
    node_restart(v, WAL_WHOLE);
    assert_true(forgetful(v));
    net_close(&net);
}

static void a_word_that_nobody_needs_changes_nothing(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    uint64_t logged = v->last_seq;
    vouch(v);
    assert_int_equal(v->last_seq, logged);
    assert_false(signed_anything(v));
    net_close(&net);
}

/* ---- another machine with our key ---- */

static bool is_twin(const struct node *node)
{
    struct sx_status status;
    sx_status(node->core, &status);
    return status.twin;
}

static void a_certificate_with_a_vote_of_ours_that_we_never_gave_stops_signing(
    void **state)
{
    struct net net;
    struct cert cert;
    struct proposal on = on_view(1, 1, 0, NULL);
    (void)state;
    struct node *me = scene_open(&net, 4);
    certify(&net, VOTE_NULLIFY, &on, 0xfu, &cert); /* with our key */
    hear_this_cert(me, a_puppet(me), &cert);
    assert_true(has_notice(me, SX_NOTICE_TWIN));
    assert_true(is_twin(me));
    assert_int_equal(view_of(me), 2); /* what is certified is certified */
    for (int i = 0; i < 50; i++) {
        struct proposal next = on_view(1, view_of(me), 0, NULL);
        if ((int)leader_of(&net, next.view) != me->who)
            hear_vote(me, leader_of(&net, next.view), VOTE_NULLIFY, &next);
        assert_false(signed_anything(me));
        pass(me, 100);
        assert_false(signed_anything(me));
        assert_false(has_notice(me, SX_NOTICE_TWIN)); /* said once */
    }
    net_close(&net);
}

static void our_own_vote_in_a_certificate_is_no_twin(void **state)
{
    struct net net;
    struct offer offer;
    struct cert cert;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *block = offer_on_root(me, 1, &offer);
    certify(&net, VOTE_NOTARIZE, &offer.on, 0xfu, &cert);
    hear_this_cert(me, a_puppet(me), &cert);
    assert_false(is_twin(me));
    assert_true(signed_vote(me, VOTE_FINALIZE, 1, NULL));
    candidate_free(block);
    net_close(&net);
}

/* ---- what the log may forget ---- */

/* Every own vote above what the store has decided is still there. */
static void assert_log_keeps(const struct node *node, const struct vote *votes,
                             size_t count)
{
    struct chain_tip tip = chain_tip(node->chain);
    for (size_t i = 0; i < count; i++) {
        bool there = false;
        if (votes[i].on.epoch < chain_next_epoch(node->chain) ||
            (tip.header.epoch == votes[i].on.epoch &&
             votes[i].on.view <= tip.view))
            continue;
        for (size_t k = 0; k < node->log_count && !there; k++) {
            const struct log_record *record = &node->log[k];
            struct vote vote;
            there = record->type == SX_LOG_VOTE &&
                    vote_decode(buf_bytes(&record->body), &vote) == OK &&
                    memcmp(&vote, &votes[i], sizeof(vote)) == 0;
        }
        assert_true(there);
    }
}

static void the_log_is_never_cut_above_a_vote_that_still_binds(void **state)
{
    static struct vote votes[4096];
    struct net net;
    size_t count = 0;
    bool trimmed = false;
    uint64_t nonce = 0;
    (void)state;
    net_open_epochs(&net, 4, 7, 0, 1);
    for (int i = 0; i < 4; i++)
        net_add(&net, i);
    net_link_all(&net);
    struct node *me = net.nodes[2];
    uint64_t seen = 0;
    for (int round = 0; round < 400; round++) {
        if (round % 2 == 0)
            submit_to_all(&net, 0, nonce++);
        net.now_ms += 5;
        for (unsigned i = 0; i < net.count; i++)
            if (net.nodes[i]->wake_ms <= net.now_ms)
                tick(net.nodes[i]);
        for (int n = 0; n < 12 && deliver_one(&net); n++) {
            for (size_t k = 0; k < me->log_count; k++) {
                if (me->log[k].seq <= seen)
                    continue;
                seen = me->log[k].seq;
                if (me->log[k].type != SX_LOG_VOTE)
                    continue;
                assert_true(count < 4096);
                assert_int_equal(
                    vote_decode(buf_bytes(&me->log[k].body), &votes[count]),
                    OK);
                count++;
            }
            assert_log_keeps(me, votes, count);
        }
        for (unsigned i = 0; i < net.count; i++)
            if (net.nodes[i]->batch_count > 0 && round % 3 == 0)
                commit_one(net.nodes[i]);
        trimmed = trimmed || (me->log_count > 0 && me->log[0].seq > 1);
        assert_log_keeps(me, votes, count);
    }
    assert_true(trimmed);
    assert_true(chain_tip(me->chain).height > 5);
    net_close(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_does_not_vote_twice),
        cmocka_unit_test(a_restart_does_not_finalize_what_it_gave_up),
        cmocka_unit_test(a_restart_does_not_give_up_what_it_finalized),
        cmocka_unit_test(a_restart_still_has_the_block_it_voted_for),
        cmocka_unit_test(a_block_that_is_made_again_is_proposed_as_it_is),
        cmocka_unit_test(a_vote_that_was_not_synced_is_as_if_it_had_not_been),
        cmocka_unit_test(a_block_whose_vote_was_lost_is_proposed_again_whole),
        cmocka_unit_test(a_leader_that_restarts_repeats_its_whole_proposal),
        cmocka_unit_test(records_of_no_sense_are_refused),
        cmocka_unit_test(a_log_with_gaps_makes_a_validator_sign_nothing),
        cmocka_unit_test(
            a_decision_two_views_above_what_all_tell_ends_the_amnesia),
        cmocka_unit_test(words_of_a_quorum_stand_when_the_set_is_another),
        cmocka_unit_test(the_word_of_too_few_does_not_end_the_amnesia),
        cmocka_unit_test(a_claim_without_a_certificate_does_not_count),
        cmocka_unit_test(amnesia_outlives_a_restart_until_it_is_over),
        cmocka_unit_test(a_recalled_validator_votes_again),
        cmocka_unit_test(the_operators_word_ends_the_amnesia),
        cmocka_unit_test(the_operators_word_holds_before_anything_is_stored),
        cmocka_unit_test(who_has_recalled_does_not_forget_by_what),
        cmocka_unit_test(a_word_that_nobody_needs_changes_nothing),
        cmocka_unit_test(a_log_is_believed_by_the_store_that_let_it_be_cut),
        cmocka_unit_test(a_single_validator_without_its_log_stays_silent),
        cmocka_unit_test(
            a_certificate_with_a_vote_of_ours_that_we_never_gave_stops_signing),
        cmocka_unit_test(our_own_vote_in_a_certificate_is_no_twin),
        cmocka_unit_test(the_log_is_never_cut_above_a_vote_that_still_binds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
