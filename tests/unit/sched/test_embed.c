#include "sched/graph/embed.h"

#include "graph_sample.h"
#include "oracle_rows.h"
#include "sched/graph/plan_check.h"
#include "sched/graph/route.h"

static struct job_graph job;
static struct plan plan;
static struct hold hold;
static struct plan_verdict verdict;

static struct embed_options all_starts(void)
{
    struct embed_options options = embed_options_default;
    options.starts_max = TOPOLOGY_NODES_MAX;
    return options;
}

static void plans_pass_the_checker_and_can_be_taken(void **state)
{
    const struct embed_options options = embed_options_default;
    struct dice dice;
    uint32_t placed = 0;
    (void)state;
    dice_init(&dice, 11);
    for (uint32_t round = 0; round < 1500; round++) {
        struct topology t;
        struct embed *embed;
        struct embed_stats stats;
        sample_drawn(&t, (uint32_t)dice_between(&dice, 4, 16), &dice);
        sample_job(&job, &t, (uint32_t)dice_between(&dice, 1, 6), &dice);
        assert_int_equal(embed_new(&t, &embed), OK);
        if (embed_solve(embed, &job, &options, &plan, &stats) == OK) {
            placed++;
            if (!plan_check(&t, &job, &plan, &verdict))
                fail_msg("round %u: %s (%u)", round,
                         plan_fault_text((enum plan_fault)verdict.first),
                         verdict.subject);
            assert_true(stats.cost == plan_kbps(&job, &plan));
            assert_true(stats.cost <= stats.cost_greedy);
            plan_hold(&job, &plan, &hold);
            assert_int_equal(topology_take(&t, &hold), OK);
            topology_give(&t, &hold);
        }
        embed_free(embed);
        topology_done(&t);
    }
    assert_true(placed > 300);
}

static void the_same_question_has_the_same_answer(void **state)
{
    const struct embed_options options = embed_options_default;
    struct dice dice;
    (void)state;
    dice_init(&dice, 12);
    for (uint32_t round = 0; round < 100; round++) {
        static struct plan again;
        struct topology t;
        struct embed *one, *other;
        enum err err;
        sample_drawn(&t, 12, &dice);
        sample_job(&job, &t, 5, &dice);
        assert_int_equal(embed_new(&t, &one), OK);
        assert_int_equal(embed_new(&t, &other), OK);
        memset(&plan, 0, sizeof(plan));
        memset(&again, 0, sizeof(again));
        err = embed_solve(one, &job, &options, &plan, NULL);
        assert_int_equal(embed_solve(other, &job, &options, &again, NULL), err);
        assert_int_equal(embed_solve(other, &job, &options, &again, NULL), err);
        assert_memory_equal(&plan, &again, sizeof(plan));
        embed_free(one);
        embed_free(other);
        topology_done(&t);
    }
}

/* ---- against all placements, where links never are short ---- */

static uint32_t hops_of[SAMPLE_NODES][SAMPLE_NODES];

static void all_hops(const struct topology *t)
{
    static struct route_map map;
    uint64_t left[SAMPLE_LINKS];
    memset(left, 0xff, sizeof(left));
    for (uint16_t v = 0; v < t->node_count; v++) {
        route_map(t, left, v, ROUTE_FAR, 0, ROUTE_HOPS_MAX, &map);
        for (uint32_t w = 0; w < t->node_count; w++)
            hops_of[v][w] = map.hops[w];
    }
}

static bool fits(const struct topology *t, const uint16_t *node, uint32_t count)
{
    for (uint32_t c = 0; c < count; c++)
        for (uint32_t r = 0; r < RES_COUNT; r++) {
            uint64_t sum = t->nodes[node[c]].used.of[r];
            for (uint32_t o = 0; o < count; o++)
                if (node[o] == node[c]) {
                    if (o != c && job.alone)
                        return false;
                    sum += job.components[o].want.of[r];
                }
            if (sum > t->nodes[node[c]].cap.of[r])
                return false;
        }
    return true;
}

static uint64_t least_cost(const struct topology *t, uint16_t *node,
                           uint32_t count)
{
    uint64_t best = UINT64_MAX;
    if (count < job.component_count) {
        for (uint16_t v = 0; v < t->node_count; v++) {
            uint64_t cost;
            node[count] = v;
            cost = least_cost(t, node, count + 1);
            best = cost < best ? cost : best;
        }
        return best;
    }
    if (!fits(t, node, count))
        return best;
    best = 0;
    for (uint32_t i = 0; i < job.link_count; i++)
        best += job.links[i].kbps *
                hops_of[node[job.links[i].from]][node[job.links[i].to]];
    return best;
}

static void no_placement_is_cheaper_than_the_cheapest(void **state)
{
    const struct embed_options options = all_starts();
    struct dice dice;
    uint64_t found[2] = {0};
    uint64_t least[2] = {0};
    uint32_t exact[2] = {0};
    uint32_t placed[2] = {0};
    (void)state;
    dice_init(&dice, 13);
    for (uint32_t round = 0; round < 300; round++) {
        struct topology t;
        struct embed *embed;
        struct embed_stats stats;
        uint16_t node[JOB_COMPONENTS_MAX];
        uint64_t best;
        sample_drawn(&t, 7, &dice);
        for (uint32_t l = 0; l < t.link_count; l++)
            t.links[l].cap_kbps = 1000000;
        all_hops(&t);
        job_graph_init(&job);
        job.alone = dice_chance(&dice, 500);
        for (uint8_t c = 0; c < 4; c++) {
            job_graph_add(&job)->want.of[RES_CPU] =
                (uint32_t)dice_between(&dice, 500, 4000);
            for (uint8_t o = 0; o < c; o++)
                if (dice_chance(&dice, 700))
                    job_graph_join(&job, o, c, dice_between(&dice, 1, 50));
        }
        best = least_cost(&t, node, 0);
        assert_int_equal(embed_new(&t, &embed), OK);
        if (embed_solve(embed, &job, &options, &plan, &stats) == OK) {
            assert_true(stats.cost >= best);
            found[job.alone] += stats.cost;
            least[job.alone] += best;
            exact[job.alone] += stats.cost == best;
            placed[job.alone]++;
        } else {
            assert_true(best == UINT64_MAX);
        }
        embed_free(embed);
        topology_done(&t);
    }
    for (uint32_t alone = 0; alone < 2; alone++) {
        print_message("%u placed, %u at the least cost, %llu against %llu\n",
                      placed[alone], exact[alone],
                      (unsigned long long)found[alone],
                      (unsigned long long)least[alone]);
        assert_true(placed[alone] > 100);
        assert_true(exact[alone] * 100 >= placed[alone] * 95u);
        assert_true(found[alone] * 1000 <=
                    least[alone] * (alone ? 1005u : 1020u));
    }
}

static void plans_are_near_the_least_cost_that_was_proven(void **state)
{
    const struct embed_options options = all_starts();
    const uint32_t count = sizeof(oracle_rows) / sizeof(oracle_rows[0]);
    uint64_t permille = 0;
    uint32_t placed = 0;
    (void)state;
    for (uint32_t i = 0; i < count; i++) {
        const struct oracle_row *row = &oracle_rows[i];
        struct embed_stats stats;
        struct topology t;
        struct embed *embed;
        enum err err;
        sample_instance(row->seed, &t, &job);
        assert_int_equal(embed_new(&t, &embed), OK);
        err = embed_solve(embed, &job, &options, &plan, &stats);
        if (!row->feasible)
            assert_int_equal(err, ERR_CAPACITY);
        if (err == OK) {
            assert_true(stats.cost >= row->kbps);
            permille += stats.cost == row->kbps
                            ? 0
                            : (stats.cost - row->kbps) * 1000 / (row->kbps + 1);
            placed++;
        }
        embed_free(embed);
        topology_done(&t);
    }
    print_message("%u of %u placed, %llu thousandths above in all\n", placed,
                  count, (unsigned long long)permille);
    assert_true(placed * 100 >= count * 90);
    assert_true(permille <= placed * 10u);
}

/* ---- one thing at a time, on a line of nodes ---- */

struct line {
    struct topology t;
    struct embed *embed;
};

static void line_begin(struct line *line, uint32_t nodes, uint32_t components,
                       uint32_t cpu)
{
    sample_line(&line->t, nodes);
    assert_int_equal(embed_new(&line->t, &line->embed), OK);
    job_graph_init(&job);
    for (uint32_t c = 0; c < components; c++)
        job_graph_add(&job)->want.of[RES_CPU] = cpu;
}

static enum err line_solve(struct line *line)
{
    const struct embed_options options = all_starts();
    enum err err = embed_solve(line->embed, &job, &options, &plan, NULL);
    if (err == OK)
        assert_true(plan_check(&line->t, &job, &plan, &verdict));
    return err;
}

static void line_end(struct line *line)
{
    embed_free(line->embed);
    topology_done(&line->t);
}

static void components_share_a_node_unless_the_job_forbids_it(void **state)
{
    struct line line;
    (void)state;
    line_begin(&line, 3, 2, 2000);
    job_graph_join(&job, 0, 1, 10);
    assert_int_equal(line_solve(&line), OK);
    assert_int_equal(plan.node[0], plan.node[1]);
    assert_int_equal(plan_kbps(&job, &plan), 0);
    job.alone = true;
    assert_int_equal(line_solve(&line), OK);
    assert_int_equal(plan_kbps(&job, &plan), 10);
    line_end(&line);
}

static void groups_stay_together_and_replicas_apart(void **state)
{
    struct line line;
    (void)state;
    line_begin(&line, 3, 4, 1000);
    job.components[0].together = job.components[3].together = 9;
    job.components[0].apart = job.components[1].apart = 4;
    job.components[2].apart = 4;
    assert_int_equal(line_solve(&line), OK);
    assert_int_equal(plan.node[0], plan.node[3]);
    assert_int_not_equal(plan.node[0], plan.node[1]);
    assert_int_not_equal(plan.node[0], plan.node[2]);
    assert_int_not_equal(plan.node[1], plan.node[2]);
    job.components[3].apart = 4; /* together and apart */
    assert_int_equal(line_solve(&line), ERR_CAPACITY);
    line_end(&line);
}

static void work_goes_to_its_data(void **state)
{
    struct line line;
    struct job_component *data;
    (void)state;
    line_begin(&line, 6, 1, 1000);
    data = job_graph_add(&job);
    data->data = true;
    data->place = 5;
    job_graph_join(&job, 1, 0, 100);
    job.alone = true; /* data does not count */
    assert_int_equal(line_solve(&line), OK);
    assert_int_equal(plan.node[0], 5);
    line.t.nodes[5].cap.of[RES_CPU] = 500;
    assert_int_equal(line_solve(&line), OK);
    assert_int_equal(plan.node[0], 4);
    data->place = 6;
    assert_int_equal(line_solve(&line), ERR_RANGE);
    line_end(&line);
}

static void data_does_not_leave_its_zones(void **state)
{
    struct line line;
    struct job_component *data;
    (void)state;
    line_begin(&line, 6, 2, 1000);
    for (uint8_t v = 0; v < 6; v++)
        line.t.nodes[v].zone = v < 3 ? 0 : 1;
    data = job_graph_add(&job);
    data->data = true;
    data->place = 2;
    data->zones = 1;
    job_graph_join(&job, 2, 0, 1);
    job_graph_join(&job, 0, 1, 1); /* what is made of it follows */
    job.components[1].zones = 2;
    assert_int_equal(line_solve(&line), ERR_CAPACITY);
    job.components[1].zones = 3;
    assert_int_equal(line_solve(&line), OK);
    assert_true(plan.node[0] < 3 && plan.node[1] < 3);
    line_end(&line);
}

static void bounds_keep_components_near(void **state)
{
    struct line line;
    struct job_link *link;
    (void)state;
    line_begin(&line, 6, 1, 1000);
    job_graph_add(&job)->place = 0;
    for (uint32_t v = 0; v < 3; v++)
        line.t.nodes[v].cap.of[RES_CPU] = 900; /* three links to go */
    link = job_graph_join(&job, 0, 1, 8);
    link->delay_us_max = 299;
    assert_int_equal(line_solve(&line), ERR_CAPACITY);
    link->delay_us_max = 300;
    assert_int_equal(line_solve(&line), OK);
    link->bytes = 1; /* takes a millisecond */
    assert_int_equal(line_solve(&line), ERR_CAPACITY);
    link->delay_us_max = 1300;
    assert_int_equal(line_solve(&line), OK);
    link->risk_nn_max = 2999;
    assert_int_equal(line_solve(&line), ERR_CAPACITY);
    link->risk_nn_max = 3000;
    assert_int_equal(line_solve(&line), OK);
    line.t.links[0].risk_nn = LINK_UNKNOWN;
    assert_int_equal(line_solve(&line), ERR_CAPACITY);
    line_end(&line);
}

static void the_run_ends_in_time(void **state)
{
    struct line line;
    (void)state;
    line_begin(&line, 3, 2, 3000);
    job.components[0].work_us = job.components[1].work_us = 1000;
    job_graph_join(&job, 0, 1, 8)->flow = true;
    job.time_us_max = 2099; /* a link is 100 us */
    assert_int_equal(line_solve(&line), ERR_CAPACITY);
    job.time_us_max = 2100;
    assert_int_equal(line_solve(&line), OK);
    job.time_us_max = 1600;
    line.t.nodes[1].speed = 2000;
    assert_int_equal(line_solve(&line), OK);
    line.t.nodes[0].speed = line.t.nodes[2].speed = 0;
    assert_int_equal(line_solve(&line), ERR_CAPACITY);
    line_end(&line);
}

static void start_nodes_are_the_callers(void **state)
{
    const uint16_t starts[] = {4, 77, 2};
    struct embed_options options = embed_options_default;
    struct embed_stats stats;
    struct line line;
    (void)state;
    line_begin(&line, 6, 2, 3000);
    job.components[1].want.of[RES_CPU] = 3500;
    job_graph_join(&job, 0, 1, 5);
    assert_int_equal(embed_first(line.embed, &job), 1);
    options.starts = starts;
    options.start_count = 3;
    options.starts_max = 1;
    options.moves_max = 0;
    assert_int_equal(embed_solve(line.embed, &job, &options, &plan, &stats),
                     OK);
    assert_int_equal(plan.node[1], 4);
    assert_int_equal(stats.starts, 1);
    options.starts_max = 9;
    assert_int_equal(embed_solve(line.embed, &job, &options, &plan, &stats),
                     OK);
    assert_int_equal(stats.starts, 2); /* 77 is not there */
    assert_int_equal(plan.node[1], 4); /* 2 is no better */
    job.components[0].place = job.components[1].place = 0;
    assert_int_equal(embed_first(line.embed, &job), JOB_COMPONENTS_MAX);
    line_end(&line);
}

static void free_nodes_with_free_links_come_first(void **state)
{
    uint16_t starts[3];
    struct line line;
    (void)state;
    line_begin(&line, 3, 1, 1);
    line.t.nodes[1].used.of[RES_CPU] = 4000;
    line.t.nodes[1].used.of[RES_MEM] = 1000;
    line.t.nodes[0].used.of[RES_CPU] = 1000;
    embed_starts(line.embed, starts);
    assert_int_equal(starts[0], 2);
    assert_int_equal(starts[1], 0);
    assert_int_equal(starts[2], 1);
    line_end(&line);
}

static void moving_mends_a_bad_start(void **state)
{
    /* Only one start, at the far end of the data: moving goes to the data. */
    const uint16_t starts[] = {0};
    struct embed_options options = embed_options_default;
    struct embed_stats stats;
    struct line line;
    (void)state;
    line_begin(&line, 6, 1, 1000);
    job_graph_add(&job)->place = 5;
    job_graph_join(&job, 0, 1, 5);
    options.starts = starts;
    options.start_count = 1;
    assert_int_equal(embed_solve(line.embed, &job, &options, &plan, &stats),
                     OK);
    assert_true(stats.cost_greedy == 25 && stats.cost == 0);
    assert_int_equal(stats.better, 1);
    options.moves_max = 0;
    assert_int_equal(embed_solve(line.embed, &job, &options, &plan, &stats),
                     OK);
    assert_true(stats.cost == 25);
    line_end(&line);
}

static int32_t score_of(const struct topology *t,
                        const struct plan_weights *weights)
{
    struct plan_score score;
    plan_score_of(t, &job, &plan, weights, &score);
    return score.all;
}

/* Over many instances; of one, the way of saving may happen to be the evener.
 */
static void who_aims_at_the_score_gets_more_of_it(void **state)
{
    struct dice dice;
    int64_t saved = 0;
    int64_t aimed = 0;
    uint64_t saved_kbps = 0;
    uint64_t aimed_kbps = 0;
    (void)state;
    dice_init(&dice, 21);
    for (uint32_t round = 0; round < 200; round++) {
        struct embed_options options = embed_options_default;
        struct topology t;
        struct embed *embed;
        struct embed_stats stats;
        options.weights = (struct plan_weights){2, 1, 1};
        sample_drawn(&t, 16, &dice);
        sample_job(&job, &t, 5, &dice);
        assert_int_equal(embed_new(&t, &embed), OK);
        if (embed_solve(embed, &job, &options, &plan, &stats) == OK) {
            assert_int_equal(stats.score, 0); /* not reckoned */
            saved += score_of(&t, &options.weights);
            saved_kbps += stats.cost;
            options.aim = EMBED_AIM_SCORE;
            assert_int_equal(embed_solve(embed, &job, &options, &plan, &stats),
                             OK);
            assert_true(plan_check(&t, &job, &plan, &verdict));
            assert_int_equal(stats.score, score_of(&t, &options.weights));
            assert_true(stats.cost == plan_kbps(&job, &plan));
            aimed += stats.score;
            aimed_kbps += stats.cost;
        }
        embed_free(embed);
        topology_done(&t);
    }
    assert_true(aimed > saved);
    assert_true(aimed_kbps > saved_kbps);
}

static void given_nodes_are_kept(void **state)
{
    const uint16_t nodes[] = {0, 3};
    const uint16_t outside[] = {0, 9};
    struct line line;
    (void)state;
    line_begin(&line, 4, 2, 1000);
    job_graph_join(&job, 0, 1, 5);
    assert_int_equal(embed_paths(line.embed, &job, nodes, &plan), OK);
    assert_int_equal(plan.node[0], 0);
    assert_int_equal(plan.node[1], 3);
    assert_int_equal(plan_kbps(&job, &plan), 15);
    assert_int_equal(embed_paths(line.embed, &job, outside, &plan),
                     ERR_CAPACITY);
    line.t.links[1].used_kbps = 996;
    assert_int_equal(embed_paths(line.embed, &job, nodes, &plan), ERR_CAPACITY);
    line_end(&line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_pass_the_checker_and_can_be_taken),
        cmocka_unit_test(the_same_question_has_the_same_answer),
        cmocka_unit_test(no_placement_is_cheaper_than_the_cheapest),
        cmocka_unit_test(plans_are_near_the_least_cost_that_was_proven),
        cmocka_unit_test(components_share_a_node_unless_the_job_forbids_it),
        cmocka_unit_test(groups_stay_together_and_replicas_apart),
        cmocka_unit_test(work_goes_to_its_data),
        cmocka_unit_test(data_does_not_leave_its_zones),
        cmocka_unit_test(bounds_keep_components_near),
        cmocka_unit_test(the_run_ends_in_time),
        cmocka_unit_test(start_nodes_are_the_callers),
        cmocka_unit_test(free_nodes_with_free_links_come_first),
        cmocka_unit_test(moving_mends_a_bad_start),
        cmocka_unit_test(who_aims_at_the_score_gets_more_of_it),
        cmocka_unit_test(given_nodes_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
