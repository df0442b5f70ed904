#include "fixture.h"

#include "kinds.h"
#include "node_by_hand.h"
#include "puppets.h"

/* Peers that say what is not so, or what is so at the wrong time: nobody votes
 * twice for it, loses what was voted for, or stops catching up. */

static bool forgetful(const struct node *node)
{
    struct sx_status status;
    sx_status(node->core, &status);
    return status.amnesia;
}

/* ---- words ---- */

static void say_where(struct node *me, unsigned from, uint64_t view,
                      struct bytes cert)
{
    struct sx_msg msg = {
        .tag = SX_MSG_STATUS, .epoch = 1, .view = view, .cert = cert};
    hear(me, from, &msg);
}

/* One that nobody has signed. */
static void lie_where(struct node *me, unsigned from, uint64_t epoch,
                      uint64_t view)
{
    struct proposal on = on_view(epoch, view, 0, NULL);
    struct cert cert;
    struct buf buf;
    cert_init(&cert, VOTE_NULLIFY, &on, 4);
    buf_init(&buf, CERT_BYTES_MAX);
    cert_encode(&cert, &buf);
    say_where(me, from, 1, buf_bytes(&buf));
    buf_done(&buf);
}

static void forget_and_be_lied_to(uint64_t epoch, uint64_t view)
{
    struct net net;
    struct offer one;
    struct offer two;
    struct node *me = scene_open(&net, 4);
    unsigned liar = me->who == 0 ? 1 : 0;
    struct candidate *a = offer_on_root(me, 1, &one);
    assert_true(signed_vote(me, VOTE_NOTARIZE, 1, NULL));
    log_wipe(me);
    node_restart(me, WAL_MISSING);
    tick(me);
    puppets_link(me);
    lie_where(me, liar, epoch, view);
    for (unsigned i = 0; i < 4; i++) {
        if ((int)i != me->who && i != liar)
            say_where(me, i, 1, bytes_make(NULL, 0));
    }
    assert_true(forgetful(me));
    assert_int_equal(me->core->recall_view, 0);
    net_tx(&net, 0, 0);
    struct candidate *b = offer_on_root(me, 1, &two);
    assert_false(hash_equal(&one.on.id, &two.on.id));
    assert_false(signed_vote(me, VOTE_NOTARIZE, 1, NULL));
    candidate_free(a);
    candidate_free(b);
    net_close(&net);
}

static void nobody_remembers_by_a_certificate_that_was_not_checked(void **state)
{
    (void)state;
    forget_and_be_lied_to(1, UINT64_MAX - 1);
    forget_and_be_lied_to(7, UINT64_MAX - 1);
    forget_and_be_lied_to(1, 1000000);
    forget_and_be_lied_to(7, 3);
}

/* ---- bodies ---- */

#define PROPOSALS 100u

/* A leader's block, and behind it others of the same view. */
struct flood {
    unsigned leader;
    struct candidate *block;
    struct candidate *more[PROPOSALS];
};

static void flood_make(struct net *net, struct flood *flood)
{
    flood->leader = leader_of(net, 1);
    flood->block = block_by(net, flood->leader, NULL);
    for (unsigned i = 0; i < PROPOSALS; i++) {
        net->now_ms++;
        flood->more[i] = block_by(net, flood->leader, NULL);
    }
    net->now_ms -= PROPOSALS;
}

static void flood_free(struct flood *flood)
{
    candidate_free(flood->block);
    for (unsigned i = 0; i < PROPOSALS; i++)
        candidate_free(flood->more[i]);
}

static void flood_say(const struct flood *flood, struct node *to,
                      const struct candidate *block)
{
    struct offer offer = {.block = candidate_bytes(block)};
    offer.on = on_view(1, 1, 0, &candidate_block(block)->id);
    hear_proposal(to, flood->leader, &offer);
}

static void leader_link(struct net *net, struct node *node, unsigned leader)
{
    node->puppets[leader] = ++net->links;
    link_up(net, node, node->puppets[leader], &net->keys[leader].signer.key);
}

static void what_was_voted_for_stays_whatever_its_leader_says_next(void **state)
{
    struct net net;
    struct flood flood;
    (void)state;
    net_open_epochs(&net, 4, 600, 0, 1);
    for (unsigned i = 0; i < 4; i++) {
        if (i != leader_of(&net, 1))
            net_add(&net, (int)i);
    }
    net.gossip = true;
    flood_make(&net, &flood);
    for (unsigned i = 0; i < 3; i++)
        leader_link(&net, net.nodes[i], flood.leader);
    net_link_all(&net);
    net_deliver(&net);
    for (unsigned i = 0; i < 3; i++) {
        flood_say(&flood, net.nodes[i], flood.block);
        assert_true(signed_vote(net.nodes[i], VOTE_NOTARIZE, 1, NULL));
        for (unsigned k = 0; k < PROPOSALS; k++)
            flood_say(&flood, net.nodes[i], flood.more[k]);
        assert_int_equal(net.nodes[i]->core->block_count, 1);
        assert_true(sx_has_block(net.nodes[i]->core,
                                 &candidate_block(flood.block)->id));
    }
    submit_to_all(&net, 0, 0);
    net_live(&net, 30000);
    for (unsigned i = 0; i < 3; i++)
        assert_true(chain_tip(net.nodes[i]->chain).height >= 2);
    flood_free(&flood);
    net_close(&net);
}

/* ---- decisions ---- */

#define PAST 120u

struct past {
    uint8_t header[HEADER_BYTES];
    struct buf block;
    struct hash id;
    struct cert cert;
};

struct history {
    struct net net;
    struct past past[PAST + 1];
    struct node *me;
};

static void history_open(struct history *h, int who)
{
    net_open_epochs(&h->net, 4, 600, 0, 1);
    for (uint64_t i = 1; i <= PAST; i++) {
        struct past *past = &h->past[i];
        h->net.now_ms += 5;
        struct candidate *c = block_by(&h->net, leader_of(&h->net, i), NULL);
        past->id = candidate_block(c)->id;
        struct proposal on = on_view(1, i, i - 1, &past->id);
        certify(&h->net, VOTE_FINALIZE, &on, 0x7, &past->cert);
        header_encode(&candidate_block(c)->header, past->header);
        buf_init(&past->block, LIMIT_BLOCK_BYTES);
        buf_add(&past->block, candidate_bytes(c));
        puppets_decide(&h->net, c, &past->cert);
    }
    h->me = net_add(&h->net, who);
    puppets_link(h->me);
}

static void history_close(struct history *h)
{
    for (unsigned i = 1; i <= PAST; i++)
        buf_done(&h->past[i].block);
    net_close(&h->net);
}

static void give_final(struct history *h, uint64_t height)
{
    struct past *past = &h->past[height];
    struct buf cert;
    buf_init(&cert, CERT_BYTES_MAX);
    cert_encode(&past->cert, &cert);
    struct sx_msg msg = {.tag = SX_MSG_FINALS,
                         .height = PAST,
                         .headers = BYTES_OF(past->header),
                         .header_count = 1,
                         .cert = buf_bytes(&cert),
                         .blocks = {buf_bytes(&past->block)},
                         .block_count = 1};
    hear(h->me, 1, &msg);
    buf_done(&cert);
    while (h->me->batch_count > 0)
        commit_one(h->me);
}

static void give_block(struct history *h, const struct hash *id)
{
    for (unsigned i = 1; i <= PAST; i++) {
        struct sx_msg msg = {.tag = SX_MSG_BLOCK,
                             .block = buf_bytes(&h->past[i].block)};
        if (hash_equal(id, &h->past[i].id))
            hear(h->me, 1, &msg);
    }
    while (h->me->batch_count > 0)
        commit_one(h->me);
}

/* What it has asked for in this step, from a peer that has all of it. */
static void answer(struct history *h)
{
    uint64_t finals[8];
    struct hash blocks[SX_BLOCKS_MAX];
    unsigned final_count = 0;
    unsigned block_count = 0;
    struct sx_msg msg;
    while (final_count < 8 && sent(h->me, SX_MSG_GET_FINALS, final_count, &msg))
        finals[final_count++] = msg.height;
    while (block_count < SX_BLOCKS_MAX &&
           sent(h->me, SX_MSG_GET_BLOCK, block_count, &msg))
        blocks[block_count++] = msg.id;
    for (unsigned i = 0; i < final_count; i++) {
        for (uint64_t k = 0; k < SX_RUNS_MAX && finals[i] + k <= PAST; k++)
            give_final(h, finals[i] + k);
    }
    for (unsigned i = 0; i < block_count; i++)
        give_block(h, &blocks[i]);
}

static void live_beside_one_who_has_all(struct history *h, unsigned seconds)
{
    for (unsigned i = 0; i < seconds * 10; i++) {
        struct sx_msg status = {.tag = SX_MSG_STATUS,
                                .epoch = 1,
                                .view = PAST + 1,
                                .final_view = PAST,
                                .height = PAST};
        if (i % 10 == 0)
            hear(h->me, 1, &status);
        answer(h);
        pass(h->me, 100);
    }
}

static void arrive_behind(unsigned certs, int who)
{
    static struct history h;
    history_open(&h, who);
    for (uint64_t i = 0; i < certs; i++)
        hear_this_cert(h.me, 0, &h.past[PAST - certs + 1 + i].cert);
    live_beside_one_who_has_all(&h, 60);
    assert_int_equal(chain_tip(h.me->chain).height, PAST);
    assert_int_equal(h.me->core->final_count, 0);
    history_close(&h);
}

static void decisions_of_the_tip_leave_room_for_those_before(void **state)
{
    (void)state;
    arrive_behind(20, -1);
    arrive_behind(33, -1);
    arrive_behind(70, -1);
    arrive_behind(33, 3);
    arrive_behind(100, 3);
}

/* Runs between decisions of the tip, before anything leads there. */
static void decisions_that_lead_nowhere_yet_are_not_kept(void **state)
{
    static struct history h;
    (void)state;
    history_open(&h, -1);
    for (uint64_t i = 50; i <= 80; i++)
        hear_this_cert(h.me, 0, &h.past[i].cert);
    hear_this_cert(h.me, 0, &h.past[PAST].cert);
    assert_int_equal(h.me->core->final_count, SX_FINALS_MAX / 2);
    for (uint64_t i = 81; i < PAST; i++)
        give_final(&h, i);
    assert_int_equal(h.me->core->final_count, SX_FINALS_MAX / 2);
    live_beside_one_who_has_all(&h, 60);
    assert_int_equal(chain_tip(h.me->chain).height, PAST);
    history_close(&h);
}

/* All blocks from the head on are here, notarized and for long not decided;
 * then the decisions of the tip come, and those behind them. */
static void decisions_behind_far_ones_do_not_end_the_asking(void **state)
{
    static struct history h;
    (void)state;
    history_open(&h, 3);
    for (uint64_t i = 1; i <= 40; i++) {
        struct cert cert;
        certify(&h.net, VOTE_NOTARIZE, &h.past[i].cert.on, 0x7, &cert);
        hear_this_cert(h.me, 0, &cert);
        give_block(&h, &h.past[i].id);
    }
    for (uint64_t i = 41; i <= 71; i++) {
        hear_this_cert(h.me, 0, &h.past[i].cert);
        give_block(&h, &h.past[i].id);
    }
    hear_this_cert(h.me, 0, &h.past[PAST].cert);
    for (uint64_t i = 72; i <= 80; i++)
        give_final(&h, i);
    assert_int_equal(h.me->core->final_count, SX_FINALS_MAX / 2);
    live_beside_one_who_has_all(&h, 60);
    assert_int_equal(chain_tip(h.me->chain).height, PAST);
    history_close(&h);
}

/* ---- keys of other days ---- */

static void give_run(struct node *to, const struct candidate *c,
                     const struct cert *cert)
{
    uint8_t header[HEADER_BYTES];
    struct buf bytes;
    buf_init(&bytes, CERT_BYTES_MAX);
    cert_encode(cert, &bytes);
    header_encode(&candidate_block(c)->header, header);
    struct sx_msg msg = {.tag = SX_MSG_FINALS,
                         .height = candidate_block(c)->header.height,
                         .headers = BYTES_OF(header),
                         .header_count = 1,
                         .cert = buf_bytes(&bytes),
                         .blocks = {candidate_bytes(c)},
                         .block_count = 1};
    hear(to, 0, &msg);
    while (to->batch_count > 0)
        commit_one(to);
    buf_done(&bytes);
}

/* Another first block with a good certificate, told after so many. */
static void sign_another_first(struct net *net, uint64_t heights)
{
    struct cert forged;
    net_open(net, 1, 0, 1);
    struct node *f = net_add(net, -1);
    net->now_ms += 1000;
    struct candidate *other = block_by(net, 0, NULL);
    struct proposal on = on_view(1, 1, 0, &candidate_block(other)->id);
    certify(net, VOTE_FINALIZE, &on, 1, &forged);
    net->now_ms += 1000;
    puppets_link(f);
    for (uint64_t h = 1; h <= heights; h++) {
        struct cert cert;
        net->now_ms += 5;
        struct candidate *c = block_by(net, 0, NULL);
        struct proposal p = on_view((h - 1) / 5 + 1, (h - 1) % 5 + 1,
                                    (h - 1) % 5, &candidate_block(c)->id);
        certify(net, VOTE_FINALIZE, &p, 1, &cert);
        give_run(f, c, &cert);
        puppets_decide(net, c, &cert);
    }
    assert_int_equal(chain_tip(f->chain).height, heights);
    give_run(f, other, &forged);
    candidate_free(other);
}

static void who_is_not_liable_any_more_stops_nobody(void **state)
{
    struct net net;
    (void)state;
    sign_another_first(&net, 42); /* epoch 9: unbond_epochs is 8 */
    assert_non_null(find(net.nodes[0], SX_HALT));
    net_close(&net);
    sign_another_first(&net, 47);
    assert_null(find(net.nodes[0], SX_HALT));
    assert_non_null(find(net.nodes[0], SX_PEER_BAD));
    net_close(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            nobody_remembers_by_a_certificate_that_was_not_checked),
        cmocka_unit_test(
            what_was_voted_for_stays_whatever_its_leader_says_next),
        cmocka_unit_test(decisions_of_the_tip_leave_room_for_those_before),
        cmocka_unit_test(decisions_that_lead_nowhere_yet_are_not_kept),
        cmocka_unit_test(decisions_behind_far_ones_do_not_end_the_asking),
        cmocka_unit_test(who_is_not_liable_any_more_stops_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
