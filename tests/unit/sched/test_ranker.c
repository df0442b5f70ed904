#include "sched/learn/ranker.h"

#include "graph_sample.h"
#include "sched/graph/embed.h"

#include <float.h>
#include <math.h>

static struct job_graph job;
static struct ranknet net;

static void draw_net(uint64_t seed)
{
    struct dice dice;
    dice_init(&dice, seed);
    ranknet_draw(&net, &dice);
}

/* Nodes that are too small are in no order, whatever the weights say. */
static void nodes_that_cannot_be_are_never_named(void **state)
{
    struct dice dice;
    uint32_t left_out = 0;
    (void)state;
    dice_init(&dice, 8);
    for (uint32_t round = 0; round < 300; round++) {
        struct topology t;
        struct ranker *ranker;
        uint16_t order[SAMPLE_NODES];
        bool named[SAMPLE_NODES] = {false};
        uint32_t count;
        draw_net(round);
        sample_line(&t, 12);
        job_graph_init(&job);
        job_graph_add(&job)->want.of[RES_CPU] = 2500;
        job_graph_add(&job)->want.of[RES_CPU] = 1000;
        assert_non_null(job_graph_join(&job, 0, 1, 400));
        for (uint32_t v = 0; v < 12; v++)
            t.nodes[v].used.of[RES_CPU] = (uint32_t)dice_below(&dice, 3000);
        assert_int_equal(ranker_new(&net, &t, &ranker), OK);
        count = ranker_rank(ranker, &job, 0, order);
        for (uint32_t i = 0; i < count; i++) {
            assert_in_range(order[i], 0, 11);
            assert_false(named[order[i]]);
            named[order[i]] = true;
        }
        for (uint32_t v = 0; v < 12; v++) {
            assert_int_equal(named[v], t.nodes[v].used.of[RES_CPU] <= 1500);
            left_out += !named[v];
        }
        ranker_free(ranker);
        topology_done(&t);
    }
    assert_true(left_out > 300);
}

static void the_same_question_has_the_same_order(void **state)
{
    struct dice dice;
    struct topology t;
    struct ranker *one;
    struct ranker *other;
    uint16_t a[SAMPLE_NODES];
    uint16_t b[SAMPLE_NODES];
    (void)state;
    dice_init(&dice, 2);
    draw_net(2);
    sample_drawn(&t, 20, &dice);
    assert_int_equal(ranker_new(&net, &t, &one), OK);
    assert_int_equal(ranker_new(&net, &t, &other), OK);
    for (uint32_t i = 0; i < 50; i++) {
        uint32_t count;
        sample_job(&job, &t, 5, &dice);
        count = ranker_rank(one, &job, 0, a);
        (void)ranker_rank(other, &job, 1, b); /* another one between */
        assert_int_equal(ranker_rank(other, &job, 0, b), count);
        assert_memory_equal(a, b, count * sizeof(a[0]));
    }
    ranker_free(one);
    ranker_free(other);
    topology_done(&t);
}

static void a_job_that_is_placed_wants_no_order(void **state)
{
    struct topology t;
    struct ranker *ranker;
    uint16_t order[SAMPLE_NODES];
    (void)state;
    sample_line(&t, 4);
    job_graph_init(&job);
    job_graph_add(&job)->place = 2;
    assert_int_equal(ranker_new(&net, &t, &ranker), OK);
    assert_int_equal(ranker_rank(ranker, &job, JOB_COMPONENTS_MAX, order), 0);
    ranker_free(ranker);
    topology_done(&t);
}

/* All weights at their bound: scores past all numbers are an order still. */
static void wild_weights_still_give_an_order(void **state)
{
    struct topology t;
    struct ranker *ranker;
    uint16_t order[SAMPLE_NODES];
    (void)state;
    for (uint32_t i = 0; i < RANKNET_WEIGHTS; i++)
        net.w[i] = i % 3 == 0 ? -1e6f : 1e6f;
    sample_line(&t, 9);
    job_graph_init(&job);
    job_graph_add(&job)->want.of[RES_CPU] = 1000;
    assert_int_equal(ranker_new(&net, &t, &ranker), OK);
    assert_int_equal(ranker_rank(ranker, &job, 0, order), 9);
    for (uint32_t v = 1; v < 9; v++) /* all are equal: by number */
        assert_true(order[v] != order[v - 1]);
    ranker_free(ranker);
    topology_done(&t);
}

/* The largest there can be: it must fit, not be fast. */
static void four_thousand_nodes_are_ranked(void **state)
{
    enum { N = TOPOLOGY_NODES_MAX };
    static struct topo_node nodes[N];
    static struct topo_link links[3 * N];
    static uint16_t order[N];
    struct topology t;
    struct ranker *ranker;
    struct dice dice;
    (void)state;
    dice_init(&dice, 9);
    draw_net(9);
    for (uint32_t v = 0; v < N; v++)
        nodes[v].cap.of[RES_CPU] = (uint32_t)dice_between(&dice, 1000, 9000);
    for (uint32_t i = 0; i < 3 * N; i++)
        links[i] = (struct topo_link){
            .a = (uint16_t)(i % N),
            .b = (uint16_t)((i % N + dice_between(&dice, 1, N - 1)) % N),
            .cap_kbps = dice_between(&dice, 500, 1000)};
    assert_int_equal(topology_init(&t, nodes, N, links, 3 * N, NULL, 0), OK);
    job_graph_init(&job);
    job_graph_add(&job)->want.of[RES_CPU] = 5000;
    assert_int_equal(ranker_new(&net, &t, &ranker), OK);
    assert_in_range(ranker_rank(ranker, &job, 0, order), 1500, 2500);
    ranker_free(ranker);
    topology_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_that_cannot_be_are_never_named),
        cmocka_unit_test(the_same_question_has_the_same_order),
        cmocka_unit_test(a_job_that_is_placed_wants_no_order),
        cmocka_unit_test(wild_weights_still_give_an_order),
        cmocka_unit_test(four_thousand_nodes_are_ranked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
