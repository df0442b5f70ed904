#include "sched/graph/flowcase.h"

#include "flow_sample.h"
#include "sched/graph/flow_bound.h"

static struct workflow w;
static struct offerset set;

static void open_two(struct flowcase *fc)
{
    struct offerset_link link = {7, 20, 3000};
    uint32_t file;
    workflow_init(&w);
    (void)add_task(&w, 1001, 2, WORKFLOW_ZONES_ALL);
    file = add_file(&w, 1, WORKFLOW_NONE, 0);
    assert_int_equal(workflow_add_use(&w, 0, file), OK);
    close_workflow(&w);
    assert_int_equal(offerset_init(&set, 2), OK);
    add_offer(&set, 2000, 2, 3600000, 1);
    assert_int_equal(offerset_link(&set, 0, 1, &link), OK);
    open_case(fc, &w, &set);
}

static void close_two(void)
{
    workflow_done(&w);
    offerset_done(&set);
}

static void times_and_costs_are_rounded_up(void **state)
{
    struct flowcase fc;
    uint64_t bound = 0;
    (void)state;
    open_two(&fc);
    assert_int_equal(flowcase_run_us(&fc, 0, 0), 501);
    assert_int_equal(flowcase_haul_us(&fc, 1, 0, 1), 20 + 3);
    assert_int_equal(flowcase_input_us(&fc, 0, 0), 23);
    assert_int_equal(flowcase_haul_micro(&fc, 1, 0, 1), 1);
    assert_int_equal(flowcase_haul_micro(&fc, UINT64_C(1) << 30, 0, 1), 7);
    /* 1,002 core-us at 0.001 micro-credits each, and the input's one */
    assert_int_equal(flowcase_task_micro(&fc, 0, 0), 2 + 1);
    assert_true(flowcase_haul_us(&fc, 1, 1, 0) == FLOWCASE_NEVER);
    assert_int_equal(flow_bound_us(&fc, &bound), OK);
    assert_int_equal(bound, 501 + 23);
    close_two();
}

static void numbers_that_could_overflow_are_refused(void **state)
{
    struct workflow big;
    struct offerset slow;
    struct flowcase fc;
    uint32_t task = 7;
    (void)state;
    workflow_init(&big);
    for (uint32_t t = 0; t < 300; t++)
        (void)add_task(&big, WORKFLOW_WORK_MAX_US, 1, WORKFLOW_ZONES_ALL);
    close_workflow(&big);
    assert_int_equal(offerset_init(&slow, 1), OK);
    add_offer(&slow, 1, 1, 0, 0); /* a thousandth of the reference */
    assert_int_equal(flowcase_init(&fc, &big, &slow, &task), ERR_OVERFLOW);
    slow.offers[0].speed_permille = 1000;
    assert_int_equal(flowcase_init(&fc, &big, &slow, &task), OK);
    assert_int_equal(task, 7);
    workflow_done(&big);
    offerset_done(&slow);
}

/* Five tasks of 10 us on two cores: the last ends at 30, not at 25. */
static void cores_are_counted_whole_in_the_bound(void **state)
{
    struct workflow five;
    struct offerset one;
    struct flowcase fc;
    uint64_t bound = 0;
    (void)state;
    workflow_init(&five);
    for (uint32_t t = 0; t < 5; t++)
        (void)add_task(&five, 10, 1, WORKFLOW_ZONES_ALL);
    close_workflow(&five);
    assert_int_equal(offerset_init(&one, 1), OK);
    add_offer(&one, 1000, 2, 0, 0);
    open_case(&fc, &five, &one);
    assert_int_equal(flow_bound_us(&fc, &bound), OK);
    assert_int_equal(bound, 30);
    workflow_done(&five);
    offerset_done(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_and_costs_are_rounded_up),
        cmocka_unit_test(numbers_that_could_overflow_are_refused),
        cmocka_unit_test(cores_are_counted_whole_in_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
