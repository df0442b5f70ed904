#include "fixture.h"

#include "kinds.h"
#include "node_by_hand.h"
#include "puppets.h"

/* Who is slow, late or has a wrong clock, and what becomes of the others. */

/* ---- a network in which one is far away ---- */

struct letter {
    struct post post;
    uint64_t due_ms;
};

struct road {
    struct net net;
    struct letter *letters;
    size_t count;
    size_t cap;
    uint64_t near_ms;
    uint64_t far_ms; /* to and from the last node */
    uint64_t every_ms;
    uint64_t nonce;
};

#define FAR_ONE 3u

static void road_take(struct road *road)
{
    struct net *net = &road->net;
    for (; net->post_count > 0; net->post_count--) {
        struct post post = net->posts[net->post_first++];
        bool far = post.from == FAR_ONE || post.to == FAR_ONE;
        if (road->count == road->cap) {
            road->cap = road->cap == 0 ? 1024 : 2 * road->cap;
            road->letters =
                realloc(road->letters, road->cap * sizeof(*road->letters));
            assert_non_null(road->letters);
        }
        road->letters[road->count++] = (struct letter){
            post, net->now_ms + (far ? road->far_ms : road->near_ms)};
    }
    net->post_first = 0;
}

static void road_deliver(struct road *road)
{
    struct net *net = &road->net;
    size_t kept = 0;
    size_t count = road->count;
    for (size_t i = 0; i < count; i++) {
        struct letter letter = road->letters[i];
        struct post *post = &letter.post;
        struct node *to = net->nodes[post->to];
        if (letter.due_ms > net->now_ms) {
            road->letters[kept++] = letter;
            continue;
        }
        if (!to->cut && !net->nodes[post->from]->cut && post->link != 0 &&
            post->link == to->peers[post->from])
            deliver(to, post);
        buf_done(&post->bytes);
    }
    road->count = kept;
}

static void road_live(struct road *road, uint64_t ms)
{
    struct net *net = &road->net;
    for (uint64_t end = net->now_ms + ms; net->now_ms < end;) {
        net->now_ms++;
        if (road->every_ms != 0 && net->now_ms % road->every_ms == 0)
            submit_to_all(net, 0, road->nonce++);
        road_take(road);
        road_deliver(road);
        for (unsigned i = 0; i < net->count; i++) {
            if (net->nodes[i]->wake_ms <= net->now_ms)
                tick(net->nodes[i]);
            while (net->nodes[i]->batch_count > 0)
                commit_one(net->nodes[i]);
        }
    }
}

static void road_clear(struct road *road)
{
    for (size_t i = 0; i < road->count; i++)
        buf_done(&road->letters[i].post.bytes);
    road->count = 0;
}

/* Long epochs, payments all the time: when it comes back the tip's certificates
 * are there before what leads to them. */
static void be_away(uint64_t ms, uint64_t every_ms, uint64_t far_ms)
{
    struct road road = {.near_ms = 5, .far_ms = far_ms, .every_ms = every_ms};
    struct net *net = &road.net;
    net_open_epochs(net, 4, 600, 0, 1);
    for (int i = 0; i < 4; i++)
        net_add(net, i);
    net_link_all(net);
    road_live(&road, 500);
    net->nodes[FAR_ONE]->cut = true;
    road_live(&road, ms);
    net->nodes[FAR_ONE]->cut = false;
    road_clear(&road);
    node_restart(net->nodes[FAR_ONE], WAL_WHOLE);
    net_link_all(net);
    road_live(&road, 5000);
    road.every_ms = 0;
    road_live(&road, 30000);
    assert_true(chain_tip(net->nodes[0]->chain).height > 100);
    for (unsigned i = 1; i < 4; i++)
        assert_same_tip(net->nodes[0], net->nodes[i]);
    road_clear(&road);
    free(road.letters);
    net_close(net);
}

static void who_was_away_under_load_comes_back(void **state)
{
    (void)state;
    be_away(5000, 20, 100);
    be_away(10000, 30, 125);
    be_away(12000, 40, 150);
}

/* ---- clocks ---- */

static void with_clocks(int64_t a_ms, int64_t b_ms)
{
    struct net net;
    net_open_epochs(&net, 4, 600, 0, 1);
    for (int i = 0; i < 4; i++)
        net_add(&net, i);
    net.nodes[2]->skew_ms = a_ms;
    net.nodes[3]->skew_ms = b_ms;
    net.gossip = true;
    net.now_ms += 100000;
    net_link_all(&net);
    net_deliver(&net);
    submit_to_all(&net, 0, 0);
    net_live(&net, 3600000);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(chain_tip(net.nodes[i]->chain).height, 1);
    net_close(&net);
}

static void bad_clocks_slow_the_chain_and_do_not_stop_it(void **state)
{
    (void)state;
    with_clocks(5000, -5000);
    with_clocks(20000, -20000);
    with_clocks(20000, 20000);
    with_clocks(60000, 60000);
}

/* ---- an epoch's views run out ---- */

static uint64_t delay_after(struct node *me, uint64_t view)
{
    struct sx_status status;
    unsigned from = me->who == 0 ? 1 : 0;
    while (view_of(me) <= view) {
        struct proposal null = on_view(1, view_of(me), 0, NULL);
        hear_cert(me, from, VOTE_NULLIFY, &null);
    }
    sx_status(me->core, &status);
    return status.delay_ms;
}

static void the_last_views_of_an_epoch_are_made_to_last(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    uint64_t cap = delay_after(me, 1000);
    assert_true(cap <= 10000);
    assert_int_equal(delay_after(me, SX_VIEWS_MAX / 2), cap);
    assert_int_equal(delay_after(me, SX_VIEWS_MAX / 2 + 1), 10000);
    assert_int_equal(delay_after(me, SX_VIEWS_MAX / 2 + 128), 20000);
    /* A view takes 2D at least: by here a month has gone by. */
    assert_true(2 * 128 * delay_after(me, SX_VIEWS_MAX - 500) >
                UINT64_C(30) * 24 * 3600 * 1000);
    net_close(&net);
}

static void who_is_in_the_last_view_is_there_after_a_restart(void **state)
{
    struct net net;
    (void)state;
    struct node *me = scene_open(&net, 4);
    unsigned from = me->who == 0 ? 1 : 0;
    for (uint64_t view = 1; view <= SX_VIEWS_MAX + 4; view++) {
        struct proposal null = on_view(1, view, 0, NULL);
        hear_cert(me, from, VOTE_NULLIFY, &null);
    }
    assert_int_equal(view_of(me), SX_VIEWS_MAX);
    node_restart(me, WAL_WHOLE);
    tick(me);
    assert_int_equal(view_of(me), SX_VIEWS_MAX);
    net_close(&net);
}

/* ---- an epoch begins ---- */

static void count_given_up(void *ctx, const struct sx_effect *effect)
{
    unsigned *count = ctx;
    struct vote vote;
    if (effect->kind != SX_LOG || effect->log_type != SX_LOG_VOTE)
        return;
    assert_int_equal(vote_decode(effect->bytes, &vote), OK);
    *count += vote.kind == VOTE_NULLIFY;
}

static void nobody_gives_up_the_first_view_of_an_epoch_unheard(void **state)
{
    struct road road = {.near_ms = 20, .far_ms = 50, .every_ms = 40};
    struct net *net = &road.net;
    unsigned given_up = 0;
    (void)state;
    net_open_epochs(net, 4, 10, 0, 1);
    for (int i = 0; i < 4; i++)
        net_add(net, i);
    net_link_all(net);
    road_live(&road, 1000);
    for (unsigned i = 0; i < 4; i++) {
        net->nodes[i]->heard = count_given_up;
        net->nodes[i]->ctx = &given_up;
    }
    road_live(&road, 10000);
    assert_true(net->nodes[0]->core->epoch > 5);
    assert_int_equal(given_up, 0);
    road_clear(&road);
    free(road.letters);
    net_close(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_was_away_under_load_comes_back),
        cmocka_unit_test(bad_clocks_slow_the_chain_and_do_not_stop_it),
        cmocka_unit_test(the_last_views_of_an_epoch_are_made_to_last),
        cmocka_unit_test(who_is_in_the_last_view_is_there_after_a_restart),
        cmocka_unit_test(nobody_gives_up_the_first_view_of_an_epoch_unheard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
