#include "sched/lab/embed_replay.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/lab/data.h"

static struct topology topology;

/* The topology of a file of the data, or of a graph in the text. */
static void draw_text(struct bytes text, uint64_t seed)
{
    struct gml gml;
    struct dice dice;
    char error[GML_ERROR_MAX];
    if (gml_parse(text, "g", &gml, error) != OK)
        fail_msg("%s", error);
    dice_init(&dice, seed);
    assert_int_equal(embed_topology(&gml, 50, 100, &dice, &topology), OK);
    gml_done(&gml);
}

static void draw_data(const char *name, uint64_t seed)
{
    uint8_t *text;
    size_t len;
    if (!data_read(name, &text, &len)) {
        print_message("skipped: %s is not there (SUAN_DATA)\n", name);
        skip();
    }
    draw_text(bytes_make(text, len), seed);
    free(text);
}

static void draw_square(uint64_t seed)
{
    draw_text(bytes_str("graph [ node [ id 0 Longitude 0 Latitude 0 ]\n"
                        "node [ id 1 Longitude 1 Latitude 0 ]\n"
                        "node [ id 2 ] node [ id 3 ]\n"
                        "edge [ source 0 target 1 ] edge [ source 1 target 2 ]"
                        "edge [ source 2 target 3 ] edge [ source 3 target 0 ]"
                        "edge [ source 1 target 0 ] edge [ source 2 target 2 ]"
                        "]"),
              seed);
}

static void capacities_are_drawn_and_delays_measured(void **state)
{
    (void)state;
    draw_square(4);
    assert_int_equal(topology.node_count, 4);
    assert_int_equal(topology.link_count, 5); /* the double one, no loop */
    for (uint32_t v = 0; v < 4; v++)
        assert_in_range(topology.nodes[v].cap.of[RES_CPU], 50000, 100000);
    for (uint32_t l = 0; l < 5; l++)
        assert_in_range(topology.links[l].cap_kbps, 50000, 100000);
    /* a degree at the equator is 111.2 km */
    assert_in_range(topology.links[0].delay_us, 555, 557);
    assert_true(topology.links[1].delay_us == LINK_UNKNOWN);
    assert_true(topology.links[0].risk_nn == LINK_UNKNOWN);
    topology_done(&topology);
}

static void requests_are_as_the_workload_says(void **state)
{
    static struct job_graph job;
    struct dice dice;
    uint64_t sizes = 0;
    uint64_t cores = 0;
    uint64_t components = 0;
    uint64_t mbit = 0;
    uint64_t links = 0;
    (void)state;
    dice_init(&dice, 6);
    for (uint32_t i = 0; i < 5000; i++) {
        embed_request(&embed_workload_virne, &dice, &job);
        assert_int_equal(job_graph_check(&job), OK);
        assert_true(job.alone);
        assert_in_range(job.component_count, 2, 10);
        assert_true(job.link_count + 1 >= job.component_count);
        sizes += job.component_count;
        for (uint32_t c = 0; c < job.component_count; c++, components++) {
            assert_true(job.components[c].want.of[RES_CPU] <= 20000);
            cores += job.components[c].want.of[RES_CPU] / 1000;
        }
        for (uint32_t l = 0; l < job.link_count; l++, links++) {
            assert_true(job.links[l].kbps <= 50000);
            mbit += job.links[l].kbps / 1000;
        }
    }
    assert_in_range(sizes * 100 / 5000, 590, 610);
    assert_in_range(cores * 100 / components, 980, 1020);
    assert_in_range(mbit * 100 / links, 2450, 2550);
    topology_done(&topology);
}

static void a_replay_repeats_and_leaves_nothing_behind(void **state)
{
    struct embed_workload workload = embed_workload_virne;
    struct embed_way way = {.options = embed_options_default};
    struct embed_report one, other;
    (void)state;
    draw_square(5);
    workload.rate = 0.01;
    workload.requests = 300;
    assert_int_equal(embed_replay(&topology, &workload, &way, &one), OK);
    for (uint32_t v = 0; v < topology.node_count; v++)
        assert_int_equal(topology.nodes[v].used.of[RES_CPU], 0);
    for (uint32_t l = 0; l < topology.link_count; l++)
        assert_true(topology.links[l].used_kbps == 0);
    assert_int_equal(embed_replay(&topology, &workload, &way, &other), OK);
    assert_memory_equal(&one, &other, sizeof(one));
    assert_int_equal(one.requests, 300);
    assert_true(one.accepted > 20 && one.accepted < 300);
    assert_int_equal(one.checked, one.accepted);
    assert_true(embed_report_revenue_cost(&one) > 0.5);
    assert_true(embed_report_revenue_cost(&one) <= 1);
    workload.seed = 1;
    assert_int_equal(embed_replay(&topology, &workload, &way, &other), OK);
    assert_true(memcmp(&one, &other, sizeof(one)) != 0);
    topology_done(&topology);
}

static void even_gaps_make_another_replay_of_the_same_rate(void **state)
{
    struct embed_workload workload = embed_workload_virne;
    struct embed_way way = {.options = embed_options_default};
    struct embed_report one, other;
    (void)state;
    draw_square(5);
    workload.rate = 0.01;
    assert_int_equal(embed_replay(&topology, &workload, &way, &one), OK);
    workload.even_gaps = true;
    assert_int_equal(embed_replay(&topology, &workload, &way, &other), OK);
    assert_true(other.accepted != one.accepted);
    assert_in_range(other.accepted, one.accepted * 9 / 10,
                    one.accepted * 12 / 10);
    assert_true(embed_report_time_revenue_cost(&other) > 0.5);
    assert_true(embed_report_time_revenue_cost(&other) <= 1);
    topology_done(&topology);
}

static uint64_t ticks;
static uint64_t tick(void)
{
    return ticks += 5;
}

static void time_is_handed_in(void **state)
{
    struct embed_workload workload = embed_workload_virne;
    struct embed_way way = {.options = embed_options_default, .cpu_ns = tick};
    struct embed_report report;
    (void)state;
    draw_square(5);
    workload.requests = 40;
    assert_int_equal(embed_replay(&topology, &workload, &way, &report), OK);
    assert_int_equal(report.cpu_ns, 200);
    assert_int_equal(report.cpu_ns_most, 5);
    topology_done(&topology);
}

static void a_workload_out_of_bounds_is_refused(void **state)
{
    struct embed_workload workload = embed_workload_virne;
    struct embed_way way = {.options = embed_options_default};
    struct embed_report report;
    (void)state;
    draw_square(5);
    workload.rate = 0;
    assert_int_equal(embed_replay(&topology, &workload, &way, &report),
                     ERR_RANGE);
    workload.rate = (double)NAN;
    assert_int_equal(embed_replay(&topology, &workload, &way, &report),
                     ERR_RANGE);
    workload.rate = 1;
    workload.size_min = 1;
    assert_int_equal(embed_replay(&topology, &workload, &way, &report),
                     ERR_RANGE);
    topology_done(&topology);
}

/* ---- the figures of docs/scheduling.md, on fewer requests ---- */

static double share(enum embed_policy policy, double rate, uint32_t starts)
{
    struct embed_workload workload = embed_workload_virne;
    struct embed_way way = {.policy = policy, .options = embed_options_default};
    struct embed_report report;
    workload.rate = rate;
    workload.requests = 300;
    way.options.starts_max = starts;
    assert_int_equal(embed_replay(&topology, &workload, &way, &report), OK);
    assert_int_equal(report.checked, report.accepted);
    return 100.0 * report.accepted / report.requests;
}

static void the_joint_placement_accepts_most_on_geant(void **state)
{
    double joint, one, grc, drawn;
    (void)state;
    draw_data("vne/Geant.gml", 1);
    joint = share(EMBED_JOINT, 0.016, 100);
    one = share(EMBED_JOINT, 0.016, 1);
    grc = share(EMBED_GRC, 0.016, 1);
    drawn = share(EMBED_RANDOM, 0.016, 1);
    print_message("joint %.1f, one start %.1f, grc %.1f, random %.1f\n", joint,
                  one, grc, drawn);
    assert_true(joint >= 76 && joint > one && one > grc && grc > drawn);
    assert_true(grc > 30 && grc < 50);
    topology_done(&topology);
}

static void the_joint_placement_accepts_most_on_waxman(void **state)
{
    double joint, grc;
    (void)state;
    draw_data("vne/Waxman100.gml", 1);
    joint = share(EMBED_JOINT, 0.28, 10);
    grc = share(EMBED_GRC, 0.28, 1);
    print_message("joint %.1f, grc %.1f\n", joint, grc);
    assert_true(joint >= 80 && joint > grc + 15);
    topology_done(&topology);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capacities_are_drawn_and_delays_measured),
        cmocka_unit_test(requests_are_as_the_workload_says),
        cmocka_unit_test(a_replay_repeats_and_leaves_nothing_behind),
        cmocka_unit_test(even_gaps_make_another_replay_of_the_same_rate),
        cmocka_unit_test(time_is_handed_in),
        cmocka_unit_test(a_workload_out_of_bounds_is_refused),
        cmocka_unit_test(the_joint_placement_accepts_most_on_geant),
        cmocka_unit_test(the_joint_placement_accepts_most_on_waxman),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
