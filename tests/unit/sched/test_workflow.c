#include "sched/graph/workflow.h"

#include "flow_sample.h"

static void edges_gather_all_files_between_two_tasks(void **state)
{
    struct workflow w;
    (void)state;
    workflow_init(&w);
    for (uint32_t t = 0; t < 3; t++)
        (void)add_task(&w, 1, 1, WORKFLOW_ZONES_ALL);
    add_edge(&w, 2, 0, 5);
    add_edge(&w, 2, 0, 7);
    add_edge(&w, 0, 1, 1);
    assert_int_equal(workflow_add_use(&w, 0, 0), OK); /* said twice */
    assert_int_equal(workflow_add_order(&w, 2, 1), OK);
    close_workflow(&w);
    assert_int_equal(w.edge_count, 3);
    assert_int_equal(w.edges[w.in_first[0]].bytes, 12);
    assert_int_equal(w.in_first[2] - w.in_first[1], 2);
    assert_int_equal(w.out_first[3] - w.out_first[2], 2);
    assert_int_equal(w.edges[w.out_edges[w.out_first[0]]].to, 1);
    assert_int_equal(w.order[0], 2);
    assert_int_equal(w.order[1], 0);
    assert_int_equal(w.order[2], 1);
    assert_false(workflow_is_chain(&w));
    assert_false(workflow_is_forest(&w));
    workflow_done(&w);
}

static void a_circle_is_refused_by_a_task_in_it(void **state)
{
    struct workflow w;
    uint32_t task = 99;
    (void)state;
    workflow_init(&w);
    for (uint32_t t = 0; t < 5; t++)
        (void)add_task(&w, 1, 1, WORKFLOW_ZONES_ALL);
    assert_int_equal(workflow_add_order(&w, 0, 1), OK);
    assert_int_equal(workflow_add_order(&w, 2, 3), OK);
    assert_int_equal(workflow_add_order(&w, 3, 2), OK);
    assert_int_equal(workflow_add_order(&w, 3, 4), OK);
    assert_int_equal(workflow_close(&w, &task), ERR_STATE);
    assert_true(task == 2 || task == 3); /* 4 only waits for the circle */
    assert_false(w.closed);
    workflow_done(&w);
}

static void a_bound_reaches_all_that_its_data_reaches(void **state)
{
    struct workflow w;
    struct workflow_file bound = {9, 6, 0, WORKFLOW_NONE};
    uint32_t file = 0;
    (void)state;
    workflow_init(&w);
    for (uint32_t t = 0; t < 5; t++)
        (void)add_task(&w, 1, 1, 3);
    add_edge(&w, 4, 0, 1); /* before: not bound */
    assert_int_equal(workflow_add_file(&w, &bound, &file), OK);
    assert_int_equal(workflow_add_use(&w, 1, file), OK);
    add_edge(&w, 1, 2, 1);
    assert_int_equal(workflow_add_order(&w, 1, 3), OK); /* no data */
    close_workflow(&w);
    assert_int_equal(w.zones[0], 2);
    assert_int_equal(w.zones[1], 2);
    assert_int_equal(w.zones[2], 2);
    assert_int_equal(w.zones[3], 3);
    assert_int_equal(w.zones[4], 3);
    workflow_done(&w);
}

static void fields_out_of_bounds_are_refused(void **state)
{
    struct workflow w;
    uint32_t out = 7;
    struct workflow_task no_cores = {1, 1, 0, 0};
    struct workflow_task long_one = {WORKFLOW_WORK_MAX_US + 1, 1, 1, 0};
    struct workflow_task nowhere = {1, 0, 1, 0};
    struct workflow_file by_none = {1, 1, 0, WORKFLOW_NONE};
    struct workflow_file large = {WORKFLOW_BYTES_MAX, 1, 0, WORKFLOW_NONE};
    (void)state;
    workflow_init(&w);
    assert_int_equal(workflow_close(&w, &out), ERR_NOT_FOUND);
    assert_int_equal(workflow_add_task(&w, &no_cores, &out), ERR_RANGE);
    assert_int_equal(workflow_add_task(&w, &long_one, &out), ERR_RANGE);
    assert_int_equal(workflow_add_task(&w, &nowhere, &out), ERR_RANGE);
    assert_int_equal(workflow_add_file(&w, &by_none, &out), ERR_RANGE);
    assert_int_equal(workflow_add_use(&w, 0, 0), ERR_RANGE);
    assert_int_equal(out, 7);
    (void)add_task(&w, 1, 1, 1);
    (void)add_task(&w, 1, 1, 1);
    assert_int_equal(workflow_add_order(&w, 2, 0), ERR_RANGE);
    assert_int_equal(workflow_add_file(&w, &large, &out), OK);
    assert_int_equal(workflow_add_use(&w, 1, out), OK);
    add_edge(&w, 0, 1, 1);
    assert_int_equal(workflow_close(&w, &out), ERR_OVERFLOW);
    assert_int_equal(out, 1);
    workflow_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_gather_all_files_between_two_tasks),
        cmocka_unit_test(a_circle_is_refused_by_a_task_in_it),
        cmocka_unit_test(a_bound_reaches_all_that_its_data_reaches),
        cmocka_unit_test(fields_out_of_bounds_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
