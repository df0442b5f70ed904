#include "sched/graph/baseline.h"

#include "graph_sample.h"
#include "sched/graph/plan_check.h"

static void worth_is_spread_and_kept(void **state)
{
    uint64_t worth[SAMPLE_NODES];
    uint64_t sum = 0;
    struct topology t;
    (void)state;
    sample_line(&t, 5);
    grc_of_topology(&t, worth);
    for (uint32_t v = 0; v < 5; v++)
        sum += worth[v];
    assert_in_range(sum, 999000000, 1000000000);
    assert_in_range(worth[0], worth[4] - 2, worth[4] + 2);
    assert_in_range(worth[1], worth[3] - 2, worth[3] + 2);
    assert_true(worth[1] > worth[2] && worth[2] > worth[0]);
    topology_done(&t);
}

static void worth_is_the_fixed_point_of_the_walk(void **state)
{
    /* Two nodes, one link: r0 = 0.15 c0 + 0.85 r1, and the same the other way.
     * c = 3/4, 1/4: r0 = (0.15 c0 + 0.1275 c1) / (1 - 0.7225). */
    uint64_t worth[2];
    struct topology t;
    (void)state;
    sample_line(&t, 2);
    t.nodes[1].used.of[RES_CPU] = 4000 - 4000 / 3 - 1;
    grc_of_topology(&t, worth);
    assert_in_range(worth[0], 520000000, 520600000);
    assert_in_range(worth[1], 479400000, 480000000);
    topology_done(&t);
}

static void their_plans_pass_the_checker(void **state)
{
    static struct job_graph job;
    static struct plan plan;
    struct plan_verdict verdict;
    struct dice dice;
    uint32_t grc = 0;
    uint32_t random = 0;
    (void)state;
    dice_init(&dice, 5);
    for (uint32_t round = 0; round < 300; round++) {
        struct topology t;
        struct embed *embed;
        sample_drawn(&t, 14, &dice);
        sample_job(&job, &t, 4, &dice);
        assert_int_equal(embed_new(&t, &embed), OK);
        if (baseline_grc(embed, &t, &job, &plan) == OK) {
            assert_true(plan_check(&t, &job, &plan, &verdict));
            grc++;
        }
        if (baseline_random(embed, &t, &job, &dice, &plan) == OK) {
            assert_true(plan_check(&t, &job, &plan, &verdict));
            random++;
        }
        embed_free(embed);
        topology_done(&t);
    }
    assert_true(grc > 10 && random > 10);
}

static void the_worthiest_component_takes_the_worthiest_node(void **state)
{
    static struct job_graph job;
    static struct plan plan;
    struct embed *embed;
    struct topology t;
    (void)state;
    sample_line(&t, 5);
    t.nodes[3].used.of[RES_CPU] = 500;
    job_graph_init(&job);
    job_graph_add(&job)->want.of[RES_CPU] = 1000;
    job_graph_add(&job)->want.of[RES_CPU] = 3000;
    job_graph_join(&job, 0, 1, 10);
    assert_int_equal(embed_new(&t, &embed), OK);
    assert_int_equal(baseline_grc(embed, &t, &job, &plan), OK);
    assert_int_equal(plan.node[1], 1);
    embed_free(embed);
    topology_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worth_is_spread_and_kept),
        cmocka_unit_test(worth_is_the_fixed_point_of_the_walk),
        cmocka_unit_test(their_plans_pass_the_checker),
        cmocka_unit_test(the_worthiest_component_takes_the_worthiest_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
