#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/lab/adjust_replay.h"
#include "sched/lab/lab_file.h"

/* The example's backbone. */
static void backbone(struct topology *out)
{
    char error[LAB_ERROR_MAX];
    struct gml gml;
    struct buf text;
    struct dice dice;
    assert_int_equal(lab_file_read(SUAN_SOURCE_DIR
                                   "/docs/examples/sched/backbone.gml",
                                   GML_BYTES_MAX, &text, error),
                     OK);
    assert_int_equal(gml_parse(buf_bytes(&text), "backbone", &gml, error), OK);
    embed_topology_dice(1, &dice);
    assert_int_equal(embed_topology(&gml, 50, 100, &dice, out), OK);
    gml_done(&gml);
    buf_done(&text);
}

static struct adjust_workload load_of(uint32_t requests)
{
    struct adjust_workload load = {
        .jobs = embed_workload_virne, .event_rate = 0.02, .down_mean = 100};
    load.jobs.rate = 0.01;
    load.jobs.requests = requests;
    load.jobs.seed = 5;
    return load;
}

static struct adjust_report replay(const struct adjust_workload *load,
                                   enum adjust_policy policy)
{
    struct adjust_way way = {.policy = policy,
                             .terms = adjust_terms_default,
                             .options = embed_options_default};
    struct adjust_report report;
    struct topology t;
    struct topology before;
    backbone(&t);
    assert_int_equal(topology_copy(&t, &before), OK);
    assert_int_equal(adjust_replay(&t, load, &way, &report), OK);
    assert_memory_equal(t.nodes, before.nodes, t.node_count * sizeof(*t.nodes));
    assert_memory_equal(t.links, before.links, t.link_count * sizeof(*t.links));
    topology_done(&before);
    topology_done(&t);
    return report;
}

static void repairs_move_less_than_laying_anew(void **state)
{
    struct adjust_workload load = load_of(150);
    struct adjust_report repair = replay(&load, ADJUST_BY_REPAIR);
    struct adjust_report resolve = replay(&load, ADJUST_BY_RESOLVE);
    struct adjust_report stop = replay(&load, ADJUST_BY_STOP);
    uint32_t mended = 0;
    (void)state;
    for (uint32_t l = 0; l < ADJUST_LEVELS; l++)
        mended += repair.levels[l];
    assert_int_equal(mended, repair.hits);
    assert_int_equal(repair.levels[ADJUST_KEEP], 0);
    assert_int_equal(repair.levels[ADJUST_LOST], repair.lost);
    assert_true(repair.hits > 50 && repair.moves > 0 && repair.rerouted > 0);
    assert_true(repair.moves * resolve.hits < resolve.moves * repair.hits);
    assert_true(repair.served > stop.served);
    assert_int_equal(stop.lost, stop.hits);
    assert_int_equal(stop.moves, 0);
    assert_true(stop.resumed > 0 && stop.wakes >= stop.resumed);
}

static void the_same_seed_is_the_same_story(void **state)
{
    struct adjust_workload load = load_of(60);
    struct adjust_report a;
    struct adjust_report b;
    (void)state;
    load.improve = true;
    a = replay(&load, ADJUST_BY_REPAIR);
    b = replay(&load, ADJUST_BY_REPAIR);
    assert_memory_equal(&a, &b, sizeof(a));
    load.jobs.seed++;
    b = replay(&load, ADJUST_BY_REPAIR);
    assert_memory_not_equal(&a, &b, sizeof(a));
}

static void workloads_have_bounds(void **state)
{
    struct adjust_workload load = load_of(0);
    struct adjust_way way = {.terms = adjust_terms_default,
                             .options = embed_options_default};
    struct adjust_report report;
    struct topology t;
    (void)state;
    backbone(&t);
    assert_int_equal(adjust_replay(&t, &load, &way, &report), ERR_RANGE);
    load = load_of(1);
    load.event_rate = 0;
    assert_int_equal(adjust_replay(&t, &load, &way, &report), ERR_RANGE);
    topology_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repairs_move_less_than_laying_anew),
        cmocka_unit_test(the_same_seed_is_the_same_story),
        cmocka_unit_test(workloads_have_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
