/* Whom a node hears: what operators are told of the validators. */

#include "fixture.h"

#include "kinds.h"
#include "node_by_hand.h"

static struct sx_member member(const struct node *node, unsigned who)
{
    struct sx_member out;
    sx_member(node->core, who, node->net->now_ms, &out);
    return out;
}

static void open_four(struct net *net)
{
    net_open(net, 4, 0, 1);
    for (int i = 0; i < 4; i++)
        net_add(net, i);
    net_add(net, -1); /* a follower */
    net_link_all(net);
    net_live(net, 3000);
}

static void a_validator_on_a_link_is_heard_every_second(void **state)
{
    struct net net;
    (void)state;
    open_four(&net);
    for (unsigned who = 1; who < 4; who++) {
        struct sx_member other = member(net.nodes[0], who);
        assert_false(other.self);
        assert_true(other.linked);
        assert_in_range(other.silent_ms, 0, 1500);
    }
    struct sx_member me = member(net.nodes[0], 0);
    assert_true(me.self);
    assert_int_equal(me.silent_ms, 0);
    net_close(&net);
}

static void a_follower_hears_them_too_if_seldom(void **state)
{
    struct net net;
    (void)state;
    open_four(&net);
    net_live(&net, 20000);
    for (unsigned who = 0; who < 4; who++) {
        struct sx_member one = member(net.nodes[4], who);
        assert_false(one.self);
        assert_true(one.linked);
        assert_in_range(one.silent_ms, 0, 6000);
    }
    net_close(&net);
}

static void one_that_is_cut_off_is_silent_and_one_that_is_gone_not_linked(
    void **state)
{
    struct net net;
    (void)state;
    open_four(&net);
    net.nodes[2]->cut = true;
    net_live(&net, 7000);
    struct sx_member other = member(net.nodes[0], 2);
    assert_true(other.linked);
    assert_true(other.silent_ms >= 6000);
    node_restart(net.nodes[2], WAL_WHOLE);
    other = member(net.nodes[0], 2);
    assert_false(other.linked);
    assert_true(other.silent_ms >= 6000);
    assert_in_range(member(net.nodes[0], 1).silent_ms, 0, 1500);
    net_close(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_validator_on_a_link_is_heard_every_second),
        cmocka_unit_test(a_follower_hears_them_too_if_seldom),
        cmocka_unit_test(
            one_that_is_cut_off_is_silent_and_one_that_is_gone_not_linked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
