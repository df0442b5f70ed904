#include "fixture.h"

#include "kinds.h"
#include "node_by_hand.h"
#include "puppets.h"

/* Weather in which views are given up, and their notarize votes come late: each
 * leaves a certified block beside the others. When it is over the network must
 * go on. */

struct weather {
    struct net net;
    unsigned liar; /* the fourth, who hears everything and tells it later */
    uint64_t views;
};

static void weather_open(struct weather *w)
{
    struct net *net = &w->net;
    net_open_epochs(net, 4, 600, 0, 1);
    w->liar = leader_of(net, 2);
    for (unsigned i = 0; i < 4; i++) {
        if (i != w->liar)
            net_add(net, (int)i);
    }
    for (unsigned i = 0; i < 3; i++) {
        struct node *node = net->nodes[i];
        node->puppets[w->liar] = ++net->links;
        link_up(net, node, node->puppets[w->liar],
                &net->keys[w->liar].signer.key);
    }
    net_link_all(net);
    net_deliver(net);
}

/* Proposals and nullify votes get through. */
static bool gets_through(const struct post *post)
{
    struct sx_msg msg;
    if (post->is_tx || sx_msg_decode(buf_bytes(&post->bytes), &msg) != OK)
        return false;
    return msg.tag == SX_MSG_PROPOSE ||
           (msg.tag == SX_MSG_VOTE && msg.vote.kind == VOTE_NULLIFY);
}

static void blow(struct weather *w)
{
    struct net *net = &w->net;
    while (net->post_count > 0) {
        struct post post = net->posts[net->post_first++];
        net->post_count--;
        if (gets_through(&post))
            deliver(net->nodes[post.to], &post);
        buf_done(&post.bytes);
    }
    net->post_first = 0;
}

static void liar_is_there(struct weather *w, uint64_t view)
{
    struct sx_msg msg = {.tag = SX_MSG_STATUS, .epoch = 1, .view = view};
    for (unsigned i = 0; i < 3; i++)
        hear(w->net.nodes[i], w->liar, &msg);
}

static void liar_leads(struct weather *w, uint64_t view)
{
    struct candidate *block = block_by(&w->net, w->liar, NULL);
    struct offer offer = {.block = candidate_bytes(block)};
    offer.on = on_view(1, view, 0, &candidate_block(block)->id);
    for (unsigned i = 0; i < 3; i++)
        hear_proposal(w->net.nodes[i], w->liar, &offer);
    candidate_free(block);
}

/* Of those who have voted for the view's block, and the liar. */
static void collect(struct weather *w, uint64_t view, struct cert *out)
{
    unsigned who = 1u << w->liar;
    const struct proposal *on = NULL;
    for (unsigned i = 0; i < 3; i++) {
        const struct node *node = w->net.nodes[i];
        const struct sx_slot *slot = sx_slot_at(node->core, view);
        const struct vote *own = &slot->own[VOTE_NOTARIZE - 1];
        if (own->kind == 0)
            continue;
        assert_true(on == NULL || same_proposal(on, &own->on));
        on = &own->on;
        who |= 1u << (unsigned)node->who;
    }
    assert_non_null(on);
    certify(&w->net, VOTE_NOTARIZE, on, who, out);
}

/* A view that goes by. */
static void pass_view(struct weather *w)
{
    struct net *net = &w->net;
    uint64_t view = ++w->views;
    bool all = false;
    liar_is_there(w, view);
    if (leader_of(net, view) == w->liar)
        liar_leads(w, view);
    for (unsigned n = 0; !all; n++) {
        assert_true(n < 10000);
        blow(w);
        net->now_ms += 20;
        all = true;
        for (unsigned i = 0; i < 3; i++) {
            if (net->nodes[i]->wake_ms <= net->now_ms)
                tick(net->nodes[i]);
            all = all && view_of(net->nodes[i]) > view;
        }
    }
}

static void tell(struct weather *w, struct node *to, bool upwards)
{
    for (uint64_t i = 1; i <= w->views; i++) {
        struct cert cert;
        collect(w, upwards ? i : w->views + 1 - i, &cert);
        hear_this_cert(to, w->liar, &cert);
        assert_null(find(to, SX_PEER_BAD));
    }
}

static void calm(struct weather *w, uint64_t seconds)
{
    struct net *net = &w->net;
    for (uint64_t i = 0; i < seconds * 20; i++) {
        net->now_ms += 50;
        for (unsigned k = 0; k < 3; k++) {
            if (net->nodes[k]->wake_ms <= net->now_ms)
                tick(net->nodes[k]);
        }
        net_settle(net);
    }
}

static void weather(uint64_t views, unsigned told, bool upwards, bool restart)
{
    static struct weather w;
    memset(&w, 0, sizeof(w));
    weather_open(&w);
    struct net *net = &w.net;
    submit_to_all(net, 0, 0);
    while (w.views < views)
        pass_view(&w);
    for (unsigned i = 0; i < told; i++)
        tell(&w, net->nodes[i], upwards);
    if (restart) {
        for (unsigned i = 0; i < 3; i++)
            node_restart(net->nodes[i], WAL_WHOLE);
        net_link_all(net);
    }
    calm(&w, 600);
    for (unsigned i = 0; i < 3; i++)
        assert_true(chain_tip(net->nodes[i]->chain).height > 0);
    net_close(net);
}

/* More than there is room for. The votes for them come when the weather is
 * over, the first ones first: the certificate of the block that has just given
 * way drives out the next one, until nobody has the body of any. */
static void forks_that_fill_the_tree_stop_nobody(void **state)
{
    (void)state;
    weather(SX_BLOCKS_MAX - 1, 3, true, false);
    weather(SX_BLOCKS_MAX, 3, true, false);
    weather(SX_BLOCKS_MAX + 1, 3, true, false);
    weather(SX_BLOCKS_MAX + 40, 3, true, false);
}

/* Then the tree is full of bodies, all certified. */
static void nor_do_they_when_the_last_are_told_first(void **state)
{
    (void)state;
    weather(SX_BLOCKS_MAX, 3, false, false);
    weather(SX_BLOCKS_MAX + 1, 3, false, false);
    weather(SX_BLOCKS_MAX + 40, 3, false, false);
}

static void nor_when_one_knows_them_alone(void **state)
{
    (void)state;
    weather(SX_BLOCKS_MAX + 1, 1, true, false);
    weather(SX_BLOCKS_MAX + 1, 1, false, false);
    weather(SX_BLOCKS_MAX + 1, 2, true, false);
}

static void nor_after_a_restart(void **state)
{
    (void)state;
    weather(SX_BLOCKS_MAX + 1, 3, true, true);
    weather(SX_BLOCKS_MAX + 1, 3, false, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forks_that_fill_the_tree_stop_nobody),
        cmocka_unit_test(nor_do_they_when_the_last_are_told_first),
        cmocka_unit_test(nor_when_one_knows_them_alone),
        cmocka_unit_test(nor_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
