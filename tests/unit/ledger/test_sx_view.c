/* Views: what is believed, what is voted for, when a view is left. One core
 * among puppets. */

#include "fixture.h"

#include "kinds.h"
#include "node_by_hand.h"
#include "puppets.h"

static struct cert null_cert(const struct net *net, const struct node *node,
                             uint64_t view)
{
    struct proposal on = on_view(1, view, 0, NULL);
    struct cert cert;
    certify(net, VOTE_NULLIFY, &on, ALL_BUT(node->who), &cert);
    return cert;
}

/* Somebody other than the core. */
static unsigned a_puppet(const struct node *node)
{
    return node->who == 0 ? 1 : 0;
}

/* Brings the core into this view, with all nullifications on the way. */
static void nullify_until(struct node *node, uint64_t view)
{
    while (view_of(node) < view) {
        struct cert cert = null_cert(node->net, node, view_of(node));
        hear_this_cert(node, a_puppet(node), &cert);
    }
}

static struct offer offer_of(const struct candidate *block, uint64_t view,
                             uint64_t parent_view)
{
    struct offer offer = {.block = candidate_bytes(block)};
    offer.on = on_view(1, view, parent_view, &candidate_block(block)->id);
    return offer;
}

/* ---- justification ---- */

static void a_proposal_across_a_view_waits_for_its_nullification(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    uint64_t view = view_led(&net, 3, me->who, false);
    struct cert first = null_cert(&net, me, 1);
    for (uint64_t v = 2; v < view; v++) { /* all but the first */
        struct cert cert = null_cert(&net, me, v);
        hear_this_cert(me, a_puppet(me), &cert);
    }
    assert_int_equal(view_of(me), view);
    struct offer offer;
    struct candidate *block = offer_on_root(me, view, &offer);
    assert_false(signed_anything(me));
    pass(me, 100);
    assert_false(signed_vote(me, VOTE_NOTARIZE, 0, NULL));
    hear_proposal(me, leader_of(&net, view), &offer);
    assert_false(signed_vote(me, VOTE_NOTARIZE, 0, NULL));
    hear_this_cert(me, a_puppet(me), &first);
    assert_true(signed_vote(me, VOTE_NOTARIZE, view, NULL));
    candidate_free(block);
    net_close(&net);
}

static void missing_certificates_are_asked_for(void **state)
{
    struct net net;
    struct sx_msg asked;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct cert third = null_cert(&net, me, 3);
    hear_this_cert(me, a_puppet(me), &third);
    assert_int_equal(view_of(me), 4);
    assert_true(sent(me, SX_MSG_GET_CERTS, 0, &asked));
    assert_int_equal(asked.epoch, 1);
    assert_int_equal(asked.view, 1);
    assert_int_equal(asked.to, 3);
    struct cert first = null_cert(&net, me, 1);
    hear_this_cert(me, a_puppet(me), &first);
    pass(me, 100);
    assert_true(sent(me, SX_MSG_GET_CERTS, 0, &asked));
    assert_int_equal(asked.view, 2);
    net_close(&net);
}

/* A view can have both certificates. Who knows the nullification alone lacks
 * what the block of a later one stands on. */
static void what_a_notarized_block_stands_on_is_asked_for(void **state)
{
    struct net net;
    struct sx_msg asked;
    struct cert below;
    struct cert above;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *parent = block_by(&net, leader_of(&net, 2), NULL);
    struct candidate *child = block_by(&net, leader_of(&net, 3), parent);
    struct offer first = offer_of(parent, 2, 0);
    struct offer second = offer_of(child, 3, 2);
    certify(&net, VOTE_NOTARIZE, &first.on, ALL_BUT(me->who), &below);
    certify(&net, VOTE_NOTARIZE, &second.on, ALL_BUT(me->who), &above);
    nullify_until(me, 3);
    assert_false(sent(me, SX_MSG_GET_CERTS, 0, &asked));
    hear_this_cert(me, a_puppet(me), &above);
    assert_int_equal(view_of(me), 4);
    pass(me, 100);
    assert_true(sent(me, SX_MSG_GET_CERTS, 0, &asked));
    assert_int_equal(asked.view, 2);
    hear_this_cert(me, a_puppet(me), &below);
    pass(me, 100);
    assert_false(sent(me, SX_MSG_GET_CERTS, 0, &asked));
    assert_true(sent(me, SX_MSG_GET_BLOCK, 0, &asked));
    candidate_free(child);
    candidate_free(parent);
    net_close(&net);
}

static void who_asks_for_certificates_gets_them(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    nullify_until(me, 6);
    struct sx_msg ask = {
        .tag = SX_MSG_GET_CERTS, .epoch = 1, .view = 2, .to = 4};
    hear(me, a_puppet(me), &ask);
    assert_int_equal(sent_count(me, SX_MSG_CERT), 3);
    assert_true(sent_cert(me, VOTE_NULLIFY, 2));
    assert_true(sent_cert(me, VOTE_NULLIFY, 4));
    assert_false(sent_cert(me, VOTE_NULLIFY, 5));
    net_close(&net);
}

static void a_proposal_brings_what_justifies_it(void **state)
{
    struct net net;
    struct cert nulls[SX_NULLS_MAX];
    (void)state;
    struct node *me = scene_open(&net, 4);
    uint64_t view = view_led(&net, 4, me->who, false);
    struct candidate *block = block_by(&net, leader_of(&net, view), NULL);
    struct offer offer = offer_of(block, view, 0);
    for (uint64_t v = 1; v < view; v++) {
        nulls[v - 1] = null_cert(&net, me, v);
        offer.nulls[offer.null_count++] = &nulls[v - 1];
    }
    hear_proposal(me, leader_of(&net, view), &offer);
    assert_int_equal(view_of(me), view);
    assert_true(signed_vote(me, VOTE_NOTARIZE, view, NULL));
    candidate_free(block);
    net_close(&net);
}

static void a_proposal_on_an_unnotarized_parent_waits(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    uint64_t low = view_led(&net, 1, me->who, false);
    uint64_t view = view_led(&net, low + 1, me->who, false);
    nullify_until(me, low);
    struct offer first;
    struct candidate *a = offer_on_root(me, low, &first);
    assert_true(signed_vote(me, VOTE_NOTARIZE, low, NULL));
    nullify_until(me, view); /* low, too: that does not make it a parent */
    struct candidate *b = block_by(&net, leader_of(&net, view), a);
    struct offer second = offer_of(b, view, low);
    hear_proposal(me, leader_of(&net, view), &second);
    assert_false(signed_anything(me));
    hear_cert(me, a_puppet(me), VOTE_NOTARIZE, &first.on);
    assert_true(signed_vote(me, VOTE_NOTARIZE, view, NULL));
    candidate_free(b);
    candidate_free(a);
    net_close(&net);
}

/* A view can be both: what was notarized in it stays a parent, and its
 * nullification lets others be built around it. */
static void a_nullification_does_not_cancel_a_notarized_block(void **state)
{
    struct net net;
    struct offer first;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *a = offer_on_root(me, 1, &first);
    hear_cert(me, a_puppet(me), VOTE_NOTARIZE, &first.on);
    assert_true(signed_vote(me, VOTE_FINALIZE, 1, NULL));
    struct cert null = null_cert(&net, me, 1);
    hear_this_cert(me, a_puppet(me), &null);
    uint64_t mine = view_led(&net, 2, me->who, true);
    nullify_until(me, mine);
    /* Our turn: we build on it, and a finalize quorum still decides it. */
    submit_transfer(&net, me, 2, 0, 5);
    struct sx_msg msg;
    assert_true(sent(me, SX_MSG_PROPOSE, 0, &msg));
    assert_int_equal(msg.vote.on.parent_view, 1);
    hear_cert(me, a_puppet(me), VOTE_FINALIZE, &first.on);
    assert_int_equal(count_of(me, SX_STORE), 1);
    struct chain_tip head = chain_head(me->chain);
    assert_true(hash_equal(&head.id, &first.on.id));
    candidate_free(a);
    net_close(&net);
}

/* The head decided again is nothing new: the delay goes on growing, and bodies
 * of views that are gone do not stay. */
static void the_head_decided_again_ends_no_trouble(void **state)
{
    struct net net;
    struct offer first;
    struct sx_status before;
    struct sx_status after;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *a = offer_on_root(me, 1, &first);
    hear_cert(me, a_puppet(me), VOTE_FINALIZE, &first.on);
    sx_status(me->core, &before);
    for (unsigned round = 0; round < 8; round++) {
        uint64_t fresh = view_of(me);
        if ((int)leader_of(&net, fresh) != me->who) {
            net_tx(&net, round % USERS, round / USERS);
            struct candidate *b = block_by(&net, leader_of(&net, fresh), a);
            struct offer offer = offer_of(b, fresh, fresh - 1);
            hear_proposal(me, leader_of(&net, fresh), &offer);
            candidate_free(b);
        }
        nullify_until(me, fresh + 1);
        struct proposal again =
            on_view(1, fresh + 1, round == 0 ? 1 : fresh - 1, &first.on.id);
        hear_cert(me, a_puppet(me), VOTE_NOTARIZE, &again);
        hear_cert(me, a_puppet(me), VOTE_FINALIZE, &again);
    }
    sx_status(me->core, &after);
    assert_int_equal(after.final_view, 17);
    assert_int_equal(after.unfinal, 0);
    assert_true(after.delay_ms >= 4 * before.delay_ms);
    candidate_free(a);
    net_close(&net);
}

static void submit_of(struct node *node, const struct candidate *candidate)
{
    const struct block *block = candidate_block(candidate);
    assert_int_equal(block->tx_count, 1);
    struct sx_tx given = {.bytes = block->tx_bytes[0], .token = 7};
    step(node,
         (struct sx_event){.kind = SX_EV_SUBMIT, .txs = &given, .tx_count = 1});
    assert_int_equal(count_of(node, SX_TX_TAKEN), 1);
}

/* One certificate decides two blocks, and one sender has a transaction in each:
 * the second is not stale because the state knows of it. */
static void what_a_later_block_of_the_run_holds_is_not_refused(void **state)
{
    struct net net;
    struct offer first;
    (void)state;
    struct node *me = scene_open(&net, 4);
    net_tx(&net, 0, 0);
    struct candidate *a = offer_on_root(me, 1, &first);
    submit_of(me, a);
    hear_cert(me, a_puppet(me), VOTE_NOTARIZE, &first.on);
    uint64_t view = view_led(&net, 2, me->who, false);
    nullify_until(me, view);
    net_tx(&net, 0, 1);
    struct candidate *b = block_by(&net, leader_of(&net, view), a);
    submit_of(me, b);
    struct offer second = offer_of(b, view, 1);
    hear_proposal(me, leader_of(&net, view), &second);
    hear_cert(me, a_puppet(me), VOTE_FINALIZE, &second.on);
    assert_int_equal(count_of(me, SX_STORE), 1);
    disk(me);
    assert_int_equal(count_of(me, SX_FINAL), 2);
    assert_int_equal(count_of(me, SX_TX_REFUSED), 0);
    assert_int_equal(pool_count(sx_pool(me->core)), 0);
    candidate_free(b);
    candidate_free(a);
    net_close(&net);
}

/* A good block on the decided one, but its proposal names another parent. */
static void a_parent_from_before_the_last_decision_is_none(void **state)
{
    struct net net;
    struct offer first;
    struct hash id;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *a = offer_on_root(me, 1, &first);
    uint64_t view = view_led(&net, 2, me->who, false);
    struct candidate *b = block_by(&net, leader_of(&net, view), a);
    hear_cert(me, a_puppet(me), VOTE_FINALIZE, &first.on);
    nullify_until(me, view);
    struct offer offer = offer_of(b, view, 0);
    hear_proposal(me, leader_of(&net, view), &offer);
    assert_false(signed_vote(me, VOTE_NOTARIZE, 0, NULL));
    assert_false(sx_parent_id(me->core, 0, &id));
    assert_true(sx_parent_id(me->core, 1, &id));
    candidate_free(b);
    candidate_free(a);
    net_close(&net);
}

/* ---- what a proposal must be ---- */

static void only_the_views_leader_proposes(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    unsigned other = 0;
    while ((int)other == me->who || other == leader_of(&net, 1))
        other++;
    struct candidate *block = block_by(&net, other, NULL);
    struct offer offer = offer_of(block, 1, 0);
    hear_proposal(me, other, &offer);
    assert_blamed(me, other, ERR_PROPOSER);
    assert_false(signed_anything(me));
    candidate_free(block);
    net_close(&net);
}

static void a_block_in_anothers_name_gives_the_view_up(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *block = block_by(&net, (unsigned)me->who, NULL);
    struct offer offer = offer_of(block, 1, 0);
    hear_proposal(me, leader_of(&net, 1), &offer);
    assert_false(signed_vote(me, VOTE_NOTARIZE, 0, NULL));
    assert_true(signed_vote(me, VOTE_NULLIFY, 1, NULL));
    candidate_free(block);
    net_close(&net);
}

/* A proposal of this view's leader with a header changed. */
static void offer_changed(struct node *me, uint64_t view,
                          void (*change)(struct header *))
{
    unsigned leader = leader_of(me->net, view);
    struct candidate *candidate = block_by(me->net, leader, NULL);
    struct block block = *candidate_block(candidate);
    struct buf bytes;
    change(&block.header);
    header_id(&block.header, &block.id);
    buf_init(&bytes, LIMIT_BLOCK_BYTES);
    block_encode(&block.header, NULL, 0, NULL, 0, &bytes);
    struct offer offer = {.block = buf_bytes(&bytes)};
    offer.on = on_view(1, view, 0, &block.id);
    hear_proposal(me, leader, &offer);
    buf_done(&bytes);
    candidate_free(candidate);
}

static void lie_state(struct header *h)
{
    h->state_root.b[0] ^= 1;
}

static void lie_history(struct header *h)
{
    h->history_root.b[0] ^= 1;
}

static void lie_set(struct header *h)
{
    h->next_set.b[0] ^= 1;
}

static void lie_epoch(struct header *h)
{
    h->epoch++;
}

static void lie_height(struct header *h)
{
    h->height++;
}

static void lie_parent(struct header *h)
{
    h->parent.b[0] ^= 1;
}

static void lie_past(struct header *h)
{
    h->time_ms = T0;
}

static void a_proposal_that_breaks_a_rule_gives_the_view_up(void **state)
{
    static void (*const lies[])(struct header *) = {
        lie_state,  lie_history, lie_set,  lie_epoch,
        lie_height, lie_parent,  lie_past,
    };
    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct net net;
        struct node *me = scene_open(&net, 4);
        offer_changed(me, 1, lies[i]);
        assert_false(signed_vote(me, VOTE_NOTARIZE, 0, NULL));
        assert_true(signed_vote(me, VOTE_NULLIFY, 1, NULL));
        assert_null(find(me, SX_HALT));
        net_close(&net);
    }
}

static void late(struct header *h)
{
    h->time_ms += 5000;
}

/* Whose clock is wrong? Not ours to say: no vote, a notice, and when the time
 * has come the proposal is as good as any. */
static void a_time_outside_the_window_is_not_voted_for_until_it_fits(
    void **state)
{
    struct net net;
    unsigned notices = 0;
    (void)state;
    struct node *me = scene_open(&net, 4);
    offer_changed(me, 1, late);
    assert_false(signed_anything(me));
    notices += has_notice(me, SX_NOTICE_CLOCK);
    tick(me);
    notices += has_notice(me, SX_NOTICE_CLOCK);
    assert_int_equal(notices, 1);
    me->skew_ms = 4800; /* our clock is put right */
    tick(me);
    assert_true(signed_vote(me, VOTE_NOTARIZE, 1, NULL));
    net_close(&net);
}

static void a_quorum_for_what_does_not_execute_here_stops_the_node(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *candidate = block_by(&net, leader_of(&net, 1), NULL);
    struct block block = *candidate_block(candidate);
    struct buf bytes;
    lie_state(&block.header);
    header_id(&block.header, &block.id);
    buf_init(&bytes, LIMIT_BLOCK_BYTES);
    block_encode(&block.header, NULL, 0, NULL, 0, &bytes);
    struct offer offer = {.block = buf_bytes(&bytes)};
    offer.on = on_view(1, 1, 0, &block.id);
    hear_proposal(me, leader_of(&net, 1), &offer);
    assert_null(find(me, SX_HALT));
    hear_cert(me, a_puppet(me), VOTE_NOTARIZE, &offer.on);
    assert_int_equal(the(me, SX_HALT)->err, ERR_ROOT);
    assert_false(signed_vote(me, VOTE_FINALIZE, 0, NULL));
    buf_done(&bytes);
    candidate_free(candidate);
    net_close(&net);
}

/* ---- certificates and votes that do not hold ---- */

static void certificates_that_do_not_hold_are_blamed(void **state)
{
    struct net net;
    struct cert cert;
    struct proposal on = on_view(1, 1, 0, NULL);
    (void)state;
    struct node *me = scene_open(&net, 4);
    unsigned from = a_puppet(me);
    certify(&net, VOTE_NULLIFY, &on, ALL_BUT(me->who), &cert);
    cert.sigs[1].b[7] ^= 1; /* one bad signature */
    hear_this_cert(me, from, &cert);
    assert_blamed(me, from, ERR_SIGNATURE);
    cert.sigs[1].b[7] ^= 1;
    struct signature other = cert.sigs[1]; /* one signature twice */
    cert.sigs[1] = cert.sigs[0];
    hear_this_cert(me, from, &cert);
    assert_blamed(me, from, ERR_SIGNATURE);
    cert.sigs[0] = other; /* signatures of others than it says */
    hear_this_cert(me, from, &cert);
    assert_blamed(me, from, ERR_SIGNATURE);
    certify(&net, VOTE_NULLIFY, &on, 3u << (me->who < 2 ? 2 : 0), &cert);
    hear_this_cert(me, from, &cert); /* two of four */
    assert_blamed(me, from, ERR_QUORUM);
    certify(&net, VOTE_NULLIFY, &on, ALL_BUT(me->who), &cert);
    cert.n = 5; /* of another set */
    hear_this_cert(me, from, &cert);
    assert_blamed(me, from, ERR_RANGE);
    assert_int_equal(view_of(me), 1);
    cert.n = 4;
    hear_this_cert(me, from, &cert);
    assert_int_equal(view_of(me), 2);
    net_close(&net);
}

/* What is said of one proposal does not count for another. */
static void signatures_on_another_block_make_no_certificate(void **state)
{
    struct net net;
    struct cert cert;
    struct hash id = {{7}};
    struct proposal on = on_view(1, 1, 0, &id);
    (void)state;
    struct node *me = scene_open(&net, 4);
    certify(&net, VOTE_NOTARIZE, &on, ALL_BUT(me->who), &cert);
    cert.on.id.b[0] ^= 1;
    hear_this_cert(me, a_puppet(me), &cert);
    assert_blamed(me, a_puppet(me), ERR_SIGNATURE);
    cert.on.id.b[0] ^= 1;
    cert.kind = VOTE_FINALIZE;
    hear_this_cert(me, a_puppet(me), &cert);
    assert_blamed(me, a_puppet(me), ERR_SIGNATURE);
    net_close(&net);
}

static void a_vote_in_anothers_name_is_blamed(void **state)
{
    struct net net;
    struct sx_msg msg = {.tag = SX_MSG_VOTE};
    struct proposal on = on_view(1, 1, 0, NULL);
    (void)state;
    struct node *me = scene_open(&net, 4);
    unsigned from = a_puppet(me);
    unsigned other = from + 1 == (unsigned)me->who ? from + 2 : from + 1;
    vote_by(&net, other, VOTE_NULLIFY, &on, &msg.vote);
    hear(me, from, &msg); /* true, but not its own */
    assert_blamed(me, from, ERR_SIGNATURE);
    vote_by(&net, from, VOTE_NULLIFY, &on, &msg.vote);
    msg.vote.sig.b[0] ^= 1;
    hear(me, from, &msg);
    assert_blamed(me, from, ERR_SIGNATURE);
    msg.vote.sig.b[0] ^= 1;
    msg.vote.index = 77; /* no such validator */
    hear(me, from, &msg);
    assert_int_equal(view_of(me), 1);
    net_close(&net);
}

/* Three votes of one validator are one vote. */
static void repeated_votes_count_once(void **state)
{
    struct net net;
    struct proposal on = on_view(1, 1, 0, NULL);
    unsigned other;
    (void)state;
    struct node *me = scene_open(&net, 4);
    for (other = 0; other == leader_of(&net, 1) || (int)other == me->who;)
        other++;
    for (int i = 0; i < 5; i++)
        hear_vote(me, other, VOTE_NULLIFY, &on);
    assert_int_equal(view_of(me), 1);
    hear_vote(me, leader_of(&net, 1), VOTE_NULLIFY, &on);
    assert_int_equal(view_of(me), 2); /* and ours: three */
    net_close(&net);
}

static void a_message_that_cannot_be_read_is_blamed(void **state)
{
    struct net net;
    static const uint8_t junk[] = {SX_MSG_VOTE, 1, 2, 3};
    static const uint8_t tag[] = {99};
    (void)state;
    struct node *me = scene_open(&net, 4);
    hear_bytes(me, a_puppet(me), BYTES_OF(junk));
    assert_blamed(me, a_puppet(me), ERR_TRUNCATED);
    hear_bytes(me, a_puppet(me), BYTES_OF(tag));
    assert_blamed(me, a_puppet(me), ERR_KIND);
    hear_bytes(me, a_puppet(me), bytes_make(junk, 0));
    assert_blamed(me, a_puppet(me), ERR_TRUNCATED);
    net_close(&net);
}

/* ---- bounds ---- */

/* Whatever the votes say, no view far ahead takes memory. */
static void votes_from_far_ahead_take_no_memory(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    for (uint64_t i = 0; i < 2000; i++) {
        struct proposal on = on_view(1, 3 + i * i * 977, 0, NULL);
        hear_vote(me, a_puppet(me), VOTE_NULLIFY, &on);
    }
    assert_true(me->core->slot_count <= 2);
    struct cert far = null_cert(&net, me, SX_VIEWS_MAX + 1);
    hear_this_cert(me, a_puppet(me), &far);
    assert_int_equal(view_of(me), 1);
    assert_true(me->core->slot_count <= 2);
    net_close(&net);
}

static unsigned views_with_votes(const struct node *node)
{
    unsigned count = 0;
    for (size_t i = 0; i < node->core->slot_count; i++) {
        const struct sx_slot *slot = node->core->slots[i];
        for (unsigned k = 0; slot != NULL && k < SX_KINDS; k++)
            count += slot->votes[k] != NULL;
    }
    return count;
}

static void single_votes_of_old_views_are_forgotten(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    for (uint64_t v = 1; v < 200; v++) {
        struct proposal on = on_view(1, v, 0, NULL);
        for (unsigned i = 0; i < 4; i++)
            if ((int)i != me->who)
                hear_vote(me, i, VOTE_NULLIFY, &on);
        assert_int_equal(view_of(me), v + 1);
        assert_true(views_with_votes(me) <= SX_VOTE_VIEWS * SX_KINDS);
    }
    /* The certificates stay. */
    assert_non_null(sx_slot_at(me->core, 3)->certs[VOTE_NULLIFY - 1]);
    net_close(&net);
}

/* A leader may offer as many blocks as it likes. */
static void blocks_that_nobody_certified_are_bounded(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    unsigned leader = leader_of(&net, 1);
    for (uint64_t i = 0; i < 3 * SX_BLOCKS_MAX; i++) {
        net.now_ms++;
        struct candidate *block = block_by(&net, leader, NULL);
        struct offer offer = offer_of(block, 1, 0);
        hear_proposal(me, leader, &offer);
        assert_true(me->core->block_count <= SX_BLOCKS_MAX);
        candidate_free(block);
    }
    assert_true(me->core->evidence_count <= 1);
    net_close(&net);
}

/* ---- evidence ---- */

static void a_leaders_second_proposal_is_evidence_in_our_next_block(
    void **state)
{
    struct net net;
    struct offer one;
    struct offer two;
    struct sx_msg msg;
    struct arena arena;
    struct block block;
    (void)state;
    struct node *me = scene_open(&net, 4);
    struct candidate *a = offer_on_root(me, 1, &one);
    net_tx(&net, 0, 0);
    struct candidate *b = offer_on_root(me, 1, &two);
    assert_true(has_notice(me, SX_NOTICE_EQUIVOCATION));
    net.now_ms += 10;
    nullify_until(me, view_led(&net, 2, me->who, true));
    assert_true(sent(me, SX_MSG_PROPOSE, 0, &msg));
    arena_init(&arena, 1u << 20);
    assert_int_equal(block_decode(msg.block, &arena, &block), OK);
    assert_int_equal(block.evidence_count, 1);
    assert_int_equal(block.evidence[0].a.index, leader_of(&net, 1));
    arena_done(&arena);
    candidate_free(a);
    candidate_free(b);
    net_close(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proposal_across_a_view_waits_for_its_nullification),
        cmocka_unit_test(missing_certificates_are_asked_for),
        cmocka_unit_test(what_a_notarized_block_stands_on_is_asked_for),
        cmocka_unit_test(who_asks_for_certificates_gets_them),
        cmocka_unit_test(a_proposal_brings_what_justifies_it),
        cmocka_unit_test(a_proposal_on_an_unnotarized_parent_waits),
        cmocka_unit_test(a_nullification_does_not_cancel_a_notarized_block),
        cmocka_unit_test(the_head_decided_again_ends_no_trouble),
        cmocka_unit_test(what_a_later_block_of_the_run_holds_is_not_refused),
        cmocka_unit_test(a_parent_from_before_the_last_decision_is_none),
        cmocka_unit_test(only_the_views_leader_proposes),
        cmocka_unit_test(a_block_in_anothers_name_gives_the_view_up),
        cmocka_unit_test(a_proposal_that_breaks_a_rule_gives_the_view_up),
        cmocka_unit_test(
            a_time_outside_the_window_is_not_voted_for_until_it_fits),
        cmocka_unit_test(
            a_quorum_for_what_does_not_execute_here_stops_the_node),
        cmocka_unit_test(certificates_that_do_not_hold_are_blamed),
        cmocka_unit_test(signatures_on_another_block_make_no_certificate),
        cmocka_unit_test(a_vote_in_anothers_name_is_blamed),
        cmocka_unit_test(repeated_votes_count_once),
        cmocka_unit_test(a_message_that_cannot_be_read_is_blamed),
        cmocka_unit_test(votes_from_far_ahead_take_no_memory),
        cmocka_unit_test(single_votes_of_old_views_are_forgotten),
        cmocka_unit_test(blocks_that_nobody_certified_are_bounded),
        cmocka_unit_test(
            a_leaders_second_proposal_is_evidence_in_our_next_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
