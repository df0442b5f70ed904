#include "sched/graph/flow_plan.h"

#include "flow_sample.h"
#include "sched/graph/flow_exact.h"
#include "sched/graph/heft.h"

#define TASKS 40u

static void plans_hold_and_keep_their_word(void **state)
{
    struct dice dice;
    (void)state;
    dice_init(&dice, 3);
    for (uint32_t round = 0; round < 25; round++) {
        struct workflow w;
        struct offerset set;
        struct flowcase fc;
        struct timetable_slot slots[TASKS];
        struct flow_plan fast;
        struct flow_plan cheap;
        struct flow_plan_ask ask = {FLOW_PLAN_FASTEST, TIMETABLE_UNBOUND, 20000,
                                    2000, round};
        struct timetable_sums sums;
        random_workflow(&w, &dice, TASKS, 60, round % 5 == 0, 3);
        random_offers(&set, &dice, 5, 3);
        open_case(&fc, &w, &set);
        assert_int_equal(flow_plan(&fc, &ask, slots, &fast), OK);
        sums = check_slots(&fc, slots);
        assert_true(sums.makespan_us == fast.makespan_us);
        assert_true(sums.cost_micro == fast.cost_micro);
        assert_true(fast.makespan_us >= fast.least_us);
        assert_true(fast.makespan_us <= fast.heft_us);
        assert_true(fast.makespan_us <= fast.peft_us);
        assert_true(fast.cost_micro >= fast.least_micro);
        ask.goal = FLOW_PLAN_CHEAPEST;
        ask.deadline_us = fast.heft_us;
        assert_int_equal(flow_plan(&fc, &ask, slots, &cheap), OK);
        sums = check_slots(&fc, slots);
        assert_true(sums.makespan_us <= ask.deadline_us);
        assert_true(sums.cost_micro == cheap.cost_micro);
        assert_true(cheap.cost_micro >= cheap.least_micro);
        ask.deadline_us = fast.least_us - (fast.least_us > 0);
        assert_int_equal(flow_plan(&fc, &ask, slots, &cheap), ERR_TOO_LATE);
        (void)check_slots(&fc, slots);
        ask.deadline_us = TIMETABLE_UNBOUND;
        assert_int_equal(flow_plan(&fc, &ask, slots, &cheap), OK);
        (void)check_slots(&fc, slots);
        if (workflow_is_forest(&w)) {
            assert_true(cheap.proven);
            assert_true(cheap.cost_micro == cheap.least_micro);
        }
        workflow_done(&w);
        offerset_done(&set);
    }
}

/* Small enough to be solved: without branch and bound the plans stay within
 * 3 % of the optimum in the mean. */
static void small_plans_are_near_the_optimum(void **state)
{
    struct dice dice;
    uint64_t permille = 0;
    (void)state;
    dice_init(&dice, 5);
    for (uint32_t round = 0; round < 40; round++) {
        struct workflow w;
        struct offerset set;
        struct flowcase fc;
        struct timetable_slot slots[7];
        struct flow_plan plan;
        struct flow_plan_ask ask = {FLOW_PLAN_FASTEST, TIMETABLE_UNBOUND, 20000,
                                    0, round};
        bool proven = false;
        random_workflow(&w, &dice, 7, 350, false, 2);
        random_offers(&set, &dice, 3, 2);
        open_case(&fc, &w, &set);
        assert_int_equal(flow_plan(&fc, &ask, slots, &plan), OK);
        assert_int_equal(flow_exact_search(&fc, false, TIMETABLE_UNBOUND,
                                           UINT64_C(30000000), slots, &proven),
                         OK);
        assert_true(proven);
        permille +=
            plan.makespan_us * 1000 / check_slots(&fc, slots).makespan_us;
        workflow_done(&w);
        offerset_done(&set);
    }
    assert_true(permille / 40 <= 1030);
}

static void an_unknown_link_is_not_crossed(void **state)
{
    struct workflow w;
    struct offerset set;
    struct flowcase fc;
    struct timetable_slot slots[2];
    struct flow_plan plan;
    struct flow_plan_ask ask = {FLOW_PLAN_FASTEST, TIMETABLE_UNBOUND, 1000,
                                1000, 0};
    struct offerset_link link = {0, 10, 1000};
    uint32_t task = 9;
    (void)state;
    workflow_init(&w);
    (void)add_task(&w, 10, 1, 1);
    (void)add_task(&w, 10, 1, 2);
    add_edge(&w, 0, 1, 100);
    close_workflow(&w);
    assert_int_equal(offerset_init(&set, 2), OK);
    add_offer(&set, 1000, 1, 5, 0);
    assert_int_equal(flowcase_init(&fc, &w, &set, &task), ERR_CAPACITY);
    assert_int_equal(task, 1);
    add_offer(&set, 1000, 1, 5, 1);
    open_case(&fc, &w, &set);
    assert_int_equal(flow_plan(&fc, &ask, slots, &plan), ERR_NO_OFFER);
    assert_int_equal(offerset_link(&set, 1, 0, &link), OK); /* the wrong way */
    assert_int_equal(flow_plan(&fc, &ask, slots, &plan), ERR_NO_OFFER);
    assert_int_equal(offerset_link(&set, 0, 1, &link), OK);
    open_case(&fc, &w, &set);
    assert_int_equal(flow_plan(&fc, &ask, slots, &plan), OK);
    assert_int_equal(plan.makespan_us, 10 + 10 + 800 + 10);
    assert_true(plan.proven);
    workflow_done(&w);
    offerset_done(&set);
}

static void a_task_without_an_offer_is_named(void **state)
{
    struct workflow w;
    struct offerset set;
    struct flowcase fc;
    uint32_t task = 9;
    uint32_t file;
    (void)state;
    workflow_init(&w);
    (void)add_task(&w, 10, 1, WORKFLOW_ZONES_ALL);
    (void)add_task(&w, 10, 3, WORKFLOW_ZONES_ALL);
    file = add_file(&w, 5, WORKFLOW_NONE, 1);
    assert_int_equal(workflow_add_use(&w, 0, file), OK);
    close_workflow(&w);
    assert_int_equal(offerset_init(&set, 1), OK);
    add_offer(&set, 1000, 2, 5, 0);
    assert_int_equal(flowcase_init(&fc, &w, &set, &task), ERR_RANGE);
    assert_int_equal(task, 0);
    offerset_done(&set);
    assert_int_equal(offerset_init(&set, 2), OK);
    add_offer(&set, 1000, 2, 5, 1);
    assert_int_equal(flowcase_init(&fc, &w, &set, &task), ERR_CAPACITY);
    assert_int_equal(task, 0); /* its input has no known way */
    set.links[3] = (struct offerset_link){0, 1, 1000};
    assert_int_equal(flowcase_init(&fc, &w, &set, &task), ERR_CAPACITY);
    assert_int_equal(task, 1);
    workflow_done(&w);
    offerset_done(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_hold_and_keep_their_word),
        cmocka_unit_test(small_plans_are_near_the_optimum),
        cmocka_unit_test(an_unknown_link_is_not_crossed),
        cmocka_unit_test(a_task_without_an_offer_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
