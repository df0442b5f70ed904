#include "sched/learn/scene.h"

#include "graph_sample.h"
#include "sched/graph/embed.h"

#include <math.h>

static struct job_graph job;

/* The first component alone on a node: what embed would say of it. */
static bool embed_can(const struct topology *t, uint32_t first, uint16_t node)
{
    static struct job_graph alone;
    struct embed_options options = embed_options_default;
    struct plan plan;
    struct embed *embed;
    enum err err;
    uint8_t group = job.components[first].together;
    job_graph_init(&alone);
    for (uint32_t c = 0; c < job.component_count; c++)
        if (c == first || (group != 0 && job.components[c].together == group)) {
            struct job_component *part = job_graph_add(&alone);
            *part = job.components[c];
            part->apart = 0;
        }
    options.starts = &node;
    options.start_count = 1;
    assert_int_equal(embed_new(t, &embed), OK);
    err = embed_solve(embed, &alone, &options, &plan, NULL);
    embed_free(embed);
    return err == OK;
}

static void starts_that_cannot_hold_the_first_are_masked(void **state)
{
    struct dice dice;
    uint32_t allowed = 0;
    uint32_t forbidden = 0;
    (void)state;
    dice_init(&dice, 3);
    for (uint32_t round = 0; round < 200; round++) {
        struct topology t;
        struct embed *embed;
        struct scene *scene;
        uint32_t first;
        sample_drawn(&t, 14, &dice);
        sample_job(&job, &t, (uint32_t)dice_between(&dice, 1, 6), &dice);
        job.components[0].want.of[RES_MEM] *= 3; /* some do not fit */
        assert_int_equal(embed_new(&t, &embed), OK);
        first = embed_first(embed, &job);
        assert_int_equal(scene_new(&t, &scene), OK);
        if (first < job.component_count) {
            scene_look(scene, &job, first);
            for (uint16_t v = 0; v < t.node_count; v++) {
                bool can = embed_can(&t, first, v);
                if (can && scene->may[v] == 0)
                    fail_msg("round %u: node %u could be a start", round, v);
                allowed += can && scene->may[v] != 0;
                forbidden += scene->may[v] == 0;
            }
        }
        scene_free(scene);
        embed_free(embed);
        topology_done(&t);
    }
    assert_true(allowed > 300 && forbidden > 300);
}

static void numbers_stay_within_bounds(void **state)
{
    struct dice dice;
    (void)state;
    dice_init(&dice, 4);
    for (uint32_t round = 0; round < 200; round++) {
        struct topology t;
        struct scene *scene;
        sample_drawn(&t, (uint32_t)dice_between(&dice, 4, 20), &dice);
        sample_job(&job, &t, (uint32_t)dice_between(&dice, 1, 6), &dice);
        assert_int_equal(scene_new(&t, &scene), OK);
        scene_look(scene, &job, 0);
        for (uint32_t i = 0; i < t.node_count * SCENE_NODE_WIDTH; i++)
            assert_true(scene->node[i] >= 0 && scene->node[i] <= 1.001f);
        for (uint32_t c = 0; c < job.component_count; c++)
            for (uint32_t i = 0; i < SCENE_PART_WIDTH; i++)
                assert_true(scene->part[c][i] >= 0 && scene->part[c][i] <= 4);
        scene_free(scene);
        topology_done(&t);
    }
}

static float of(const struct scene *s, uint32_t v, enum scene_node what)
{
    return s->node[v * SCENE_NODE_WIDTH + what];
}

/* 0 - 1 - 2 - 3 - 4: nodes of 4 cores, links of 1000 kbit/s. */
static void a_line_is_seen_as_it_is(void **state)
{
    struct topology t;
    struct scene *s;
    (void)state;
    sample_line(&t, 5);
    t.nodes[1].used.of[RES_CPU] = 3000;
    t.links[0].used_kbps = 600;
    job_graph_init(&job);
    job_graph_add(&job)->want.of[RES_CPU] = 2000;
    job_graph_add(&job)->want.of[RES_CPU] = 1000;
    assert_non_null(job_graph_join(&job, 0, 1, 500));
    assert_int_equal(scene_new(&t, &s), OK);
    scene_look(s, &job, 0);
    assert_true(s->may[0] == 1 && s->may[1] == 0);
    assert_true(fabsf(of(s, 1, SCENE_FREE) - 0.625f) < 1e-6f);
    assert_true(fabsf(of(s, 1, SCENE_FITS) - 0.5f) < 1e-6f);
    assert_true(fabsf(of(s, 0, SCENE_SLACK) - 0.5f) < 1e-6f);
    assert_true(of(s, 1, SCENE_SLACK) == 0);
    /* 400 of 500 wanted can leave node 0; the first link has no room */
    assert_true(fabsf(of(s, 0, SCENE_CARRY) - 0.8f) < 1e-6f);
    assert_true(of(s, 0, SCENE_AROUND) == 0 && of(s, 0, SCENE_WIDE) == 0);
    assert_int_equal(s->node_first[1], 0);
    assert_int_equal(s->node_first[5], 6); /* 1-2, 2-3, 3-4, both ways */
    assert_true(of(s, 2, SCENE_CLOSE) > of(s, 0, SCENE_CLOSE));
    assert_true(of(s, 2, SCENE_CORNERS) == 0);
    /* from 3: 2 and 4, and by them nothing that could take 1.5 cores */
    assert_true(fabsf(of(s, 3, SCENE_REACH) - 0.2f) < 1e-6f);
    assert_true(s->part[0][SCENE_FIRST] == 1 && s->part[1][SCENE_FIRST] == 0);
    scene_free(s);
    topology_done(&t);
}

static void a_triangle_has_corners(void **state)
{
    struct topo_node nodes[4] = {0};
    const struct topo_link links[4] = {{.a = 0, .b = 1, .cap_kbps = 1000},
                                       {.a = 1, .b = 2, .cap_kbps = 1000},
                                       {.a = 2, .b = 0, .cap_kbps = 1000},
                                       {.a = 2, .b = 3, .cap_kbps = 1000}};
    struct topology t;
    struct scene *s;
    (void)state;
    for (uint32_t v = 0; v < 4; v++)
        nodes[v].cap.of[RES_CPU] = 4000;
    assert_int_equal(topology_init(&t, nodes, 4, links, 4, NULL, 0), OK);
    job_graph_init(&job);
    job_graph_add(&job)->want.of[RES_CPU] = 1000;
    assert_int_equal(scene_new(&t, &s), OK);
    scene_look(s, &job, 0);
    assert_true(of(s, 0, SCENE_CORNERS) > 0);
    assert_true(of(s, 2, SCENE_CORNERS) == of(s, 0, SCENE_CORNERS));
    assert_true(of(s, 3, SCENE_CORNERS) == 0);
    scene_free(s);
    topology_done(&t);
}

/* A node alone, a job without links, a topology without any. */
static void odd_cases_are_looked_at(void **state)
{
    struct topo_node node = {0};
    struct topology t;
    struct scene *s;
    (void)state;
    assert_int_equal(topology_init(&t, &node, 1, NULL, 0, NULL, 0), OK);
    job_graph_init(&job);
    (void)job_graph_add(&job);
    assert_int_equal(scene_new(&t, &s), OK);
    scene_look(s, &job, 0);
    assert_int_equal(s->may[0], 1);
    for (uint32_t i = 0; i < SCENE_NODE_WIDTH; i++)
        assert_true(s->node[i] >= 0 && s->node[i] <= 1);
    scene_free(s);
    topology_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_that_cannot_hold_the_first_are_masked),
        cmocka_unit_test(numbers_stay_within_bounds),
        cmocka_unit_test(a_line_is_seen_as_it_is),
        cmocka_unit_test(a_triangle_has_corners),
        cmocka_unit_test(odd_cases_are_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
