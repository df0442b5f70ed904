#include "fixture.h"

#include "kinds.h"
#include "node_by_hand.h"
#include "puppets.h"

/* Certified blocks that not all have heard of. Three views of bad weather leave
 * two forks and a block on the second of them; of four validators one has seen
 * the first only, another one dies when it is over. Three must go on. */

struct split {
    struct net net;
    struct node *a; /* it and b have seen all, c the first */
    struct node *b;
    struct node *c;
    unsigned gone; /* votes, and dies when the weather is over */
};

static void split_open(struct split *s)
{
    struct net *net = &s->net;
    net_open_epochs(net, 4, 600, 0, 1);
    unsigned second = leader_of(net, 2);
    unsigned third = leader_of(net, 3);
    unsigned deaf = 0;
    while (deaf == second || deaf == third)
        deaf++;
    s->gone = 0;
    while (s->gone == second || s->gone == third || s->gone == deaf)
        s->gone++;
    assert_int_not_equal(s->gone, leader_of(net, 1));
    for (unsigned i = 0; i < 4; i++) {
        if (i == s->gone)
            continue;
        struct node *node = net_add(net, (int)i);
        node->puppets[s->gone] = ++net->links;
        link_up(net, node, node->puppets[s->gone],
                &net->keys[s->gone].signer.key);
        if (i == deaf)
            s->c = node;
        else if (s->a == NULL)
            s->a = node;
        else
            s->b = node;
    }
    net_link_all(net);
    net_deliver(net);
}

static bool gets_through(const struct split *s, const struct post *post,
                         bool nullify)
{
    struct sx_msg msg;
    if (post->is_tx || sx_msg_decode(buf_bytes(&post->bytes), &msg) != OK)
        return false;
    if (msg.tag == SX_MSG_PROPOSE)
        return msg.vote.on.view == 1 || post->to != s->c->number;
    return nullify && msg.tag == SX_MSG_VOTE && msg.vote.kind == VOTE_NULLIFY;
}

/* Proposals pass, and nullify votes if they may; all else is lost. */
static void blow(struct split *s, bool nullify)
{
    struct net *net = &s->net;
    while (net->post_count > 0) {
        struct post post = net->posts[net->post_first++];
        net->post_count--;
        if (gets_through(s, &post, nullify))
            deliver(net->nodes[post.to], &post);
        buf_done(&post.bytes);
    }
    net->post_first = 0;
}

static const struct vote *own_vote(const struct node *node, uint64_t view,
                                   enum vote_kind kind)
{
    static const struct vote none;
    const struct sx_slot *slot = sx_slot_at(node->core, view);
    return slot == NULL ? &none : &slot->own[kind - 1];
}

/* Until all three have given it up; nobody hears of it. */
static void give_up(struct split *s, uint64_t view)
{
    struct net *net = &s->net;
    bool all = false;
    for (unsigned n = 0; !all; n++) {
        assert_true(n < 10000);
        blow(s, false);
        net->now_ms += 10;
        all = true;
        for (unsigned i = 0; i < 3; i++) {
            struct node *node = net->nodes[i];
            if (node->wake_ms <= net->now_ms)
                tick(node);
            assert_int_equal(view_of(node), view);
            all = all && own_vote(node, view, VOTE_NULLIFY)->kind != 0;
        }
    }
}

/* Votes of a and b and the one who will be gone, late. */
static void certified(struct split *s, uint64_t view, struct cert *out)
{
    const struct vote *one = own_vote(s->a, view, VOTE_NOTARIZE);
    const struct vote *two = own_vote(s->b, view, VOTE_NOTARIZE);
    assert_int_equal(one->kind, VOTE_NOTARIZE);
    assert_int_equal(two->kind, VOTE_NOTARIZE);
    assert_true(same_proposal(&one->on, &two->on));
    certify(&s->net, VOTE_NOTARIZE, &one->on, ALL_BUT(s->c->who), out);
}

static void late_votes(struct split *s, const struct cert *cert)
{
    hear_this_cert(s->a, s->gone, cert);
    assert_null(find(s->a, SX_PEER_BAD));
    hear_this_cert(s->b, s->gone, cert);
    assert_null(find(s->b, SX_PEER_BAD));
}

/* Their nullify votes arrive now. */
static void nullified(struct split *s, uint64_t view)
{
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned k = 0; k < 3; k++) {
            struct sx_msg msg = {.tag = SX_MSG_VOTE};
            struct node *from = s->net.nodes[i];
            struct node *to = s->net.nodes[k];
            struct buf buf;
            if (i == k)
                continue;
            msg.vote = *own_vote(from, view, VOTE_NULLIFY);
            assert_int_equal(msg.vote.kind, VOTE_NULLIFY);
            buf_init(&buf, LIMIT_MESSAGE_BYTES);
            sx_msg_encode(&msg, &buf);
            step(to, (struct sx_event){.kind = SX_EV_MESSAGE,
                                       .peer = to->peers[from->number],
                                       .bytes = buf_bytes(&buf)});
            buf_done(&buf);
        }
    }
}

static void calm(struct split *s, uint64_t seconds)
{
    struct net *net = &s->net;
    for (unsigned i = 0; i < 3; i++)
        step(net->nodes[i],
             (struct sx_event){.kind = SX_EV_UNLINK,
                               .peer = net->nodes[i]->puppets[s->gone]});
    for (uint64_t i = 0; i < seconds * 20; i++) {
        net->now_ms += 50;
        for (unsigned k = 0; k < 3; k++) {
            if (net->nodes[k]->wake_ms <= net->now_ms)
                tick(net->nodes[k]);
        }
        net_settle(net);
    }
}

/* View 1 leaves a block that all have seen; 2 and 3 leave one on the root and
 * one on that, which a and b have. The votes for the first come last, so it is
 * the lowest of theirs that waits for its decision. */
static void bad_weather(struct split *s, struct cert certs[4])
{
    submit_to_all(&s->net, 0, 0);
    submit_to_all(&s->net, 1, 0);
    give_up(s, 1);
    certified(s, 1, &certs[1]);
    nullified(s, 1);
    s->net.now_ms += 10;
    blow(s, false);
    give_up(s, 2);
    certified(s, 2, &certs[2]);
    late_votes(s, &certs[2]);
    nullified(s, 2);
    submit_to_all(&s->net, 2, 0);
    give_up(s, 3);
    certified(s, 3, &certs[3]);
    late_votes(s, &certs[1]);
    late_votes(s, &certs[3]);
    nullified(s, 3);
    blow(s, false);
}

static void what_a_certified_block_stands_on_is_fetched(void **state)
{
    struct split s = {.a = NULL};
    struct cert certs[4];
    (void)state;
    split_open(&s);
    bad_weather(&s, certs);
    assert_int_equal(certs[2].on.parent_view, 0);
    assert_int_equal(certs[3].on.parent_view, 2);
    assert_null(sx_block_find(s.c->core, &certs[2].on.id));
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(view_of(s.net.nodes[i]), 4);
    submit_to_all(&s.net, 0, 1);
    calm(&s, 60);
    assert_true(chain_tip(s.a->chain).height >= 3);
    assert_same_tip(s.a, s.b);
    assert_same_tip(s.a, s.c);
    net_close(&s.net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_certified_block_stands_on_is_fetched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
