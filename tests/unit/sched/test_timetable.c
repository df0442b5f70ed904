#include "sched/graph/timetable.h"

#include "flow_sample.h"
#include "sched/graph/offerset.h"

/* One hour of work on two cores, then half an hour on one; a GiB between. */
static struct workflow w;
static struct offerset set;

static int setup(void **state)
{
    struct offerset_link link = {3000, 500, 8590}; /* about 1,000 s a GiB */
    (void)state;
    workflow_init(&w);
    (void)add_task(&w, UINT64_C(3600000000), 2, WORKFLOW_ZONES_ALL);
    (void)add_task(&w, UINT64_C(1800000000), 1, WORKFLOW_ZONES_ALL);
    add_edge(&w, 0, 1, UINT64_C(1) << 30);
    close_workflow(&w);
    assert_int_equal(offerset_init(&set, 2), OK);
    add_offer(&set, 1000, 2, 1000, 0);
    add_offer(&set, 500, 1, 100, 1);
    assert_int_equal(offerset_link(&set, 0, 1, &link), OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    workflow_done(&w);
    offerset_done(&set);
    return 0;
}

#define H UINT64_C(3600000000)

static void assert_judged(struct timetable_slot a, struct timetable_slot b,
                          enum err expected, enum timetable_rule rule)
{
    struct timetable_slot slots[] = {a, b};
    struct timetable_limits limits = {3 * H, 5101};
    struct timetable_sums sums;
    struct timetable_fault fault = {0};
    assert_int_equal(timetable_check(&w, &set, slots, &limits, &sums, &fault),
                     expected);
    if (expected != OK)
        assert_int_equal(fault.rule, rule);
}

static void sums_are_computed_by_hand(void **state)
{
    struct timetable_slot slots[] = {{0, H, 0}, {H + H / 2, 2 * H + H / 2, 1}};
    struct timetable_limits limits = {TIMETABLE_UNBOUND, TIMETABLE_UNBOUND};
    struct timetable_sums sums;
    struct timetable_fault fault;
    (void)state;
    assert_int_equal(timetable_check(&w, &set, slots, &limits, &sums, &fault),
                     OK);
    assert_true(sums.makespan_us == 2 * H + H / 2);
    assert_int_equal(sums.run_micro, 2000 + 100);
    assert_int_equal(sums.haul_micro, 3000);
    assert_int_equal(sums.cost_micro, 5100);
}

static void every_rule_can_be_broken(void **state)
{
    struct timetable_slot a = {0, H, 0};
    uint64_t came = H + 500 + (UINT64_C(8000) << 30) / 8590 + 1;
    (void)state;
    assert_judged(a, (struct timetable_slot){came, came + H, 1}, OK, 0);
    assert_judged(a, (struct timetable_slot){came - 1, came - 1 + H, 1},
                  ERR_RANGE, TIMETABLE_WAIT);
    assert_judged(a, (struct timetable_slot){H, H + H / 2, 0}, OK, 0);
    assert_judged(a, (struct timetable_slot){H - 1, H + H / 2 - 1, 0},
                  ERR_RANGE, TIMETABLE_WAIT);
    assert_judged(a, (struct timetable_slot){H, H + H / 2, 2}, ERR_RANGE,
                  TIMETABLE_OFFER);
    assert_judged((struct timetable_slot){0, 2 * H, 1},
                  (struct timetable_slot){2 * H, 3 * H, 1}, ERR_RANGE,
                  TIMETABLE_ROOM);
    assert_judged(a, (struct timetable_slot){H, H + H / 2 + 1, 0}, ERR_RANGE,
                  TIMETABLE_LENGTH);
    assert_judged(a, (struct timetable_slot){H, H - 1, 0}, ERR_RANGE,
                  TIMETABLE_LENGTH);
    assert_judged(a, (struct timetable_slot){2 * H + 1, 3 * H + 1, 1},
                  ERR_RANGE, TIMETABLE_DEADLINE);
    set.offers[1].price_micro += 2;
    assert_judged(a, (struct timetable_slot){came, came + H, 1}, ERR_RANGE,
                  TIMETABLE_BUDGET);
    set.links[1].kbps = 0;
    assert_judged(a, (struct timetable_slot){came, came + H, 1}, ERR_RANGE,
                  TIMETABLE_LINK);
}

static void data_bound_to_a_zone_holds_its_readers(void **state)
{
    (void)state;
    w.files[0].zones = 1;
    assert_judged((struct timetable_slot){0, H, 0},
                  (struct timetable_slot){2 * H, 3 * H, 1}, ERR_RANGE,
                  TIMETABLE_ZONE);
    assert_judged((struct timetable_slot){0, H, 0},
                  (struct timetable_slot){H, H + H / 2, 0}, OK, 0);
}

static void an_overfull_moment_is_found(void **state)
{
    struct workflow two;
    struct timetable_slot slots[] = {{0, 10, 0}, {9, 19, 0}, {19, 29, 0}};
    struct timetable_limits limits = {TIMETABLE_UNBOUND, TIMETABLE_UNBOUND};
    struct timetable_sums sums;
    struct timetable_fault fault;
    (void)state;
    workflow_init(&two);
    for (uint32_t t = 0; t < 3; t++)
        (void)add_task(&two, 10, 1 + t % 2, WORKFLOW_ZONES_ALL);
    close_workflow(&two);
    assert_int_equal(timetable_check(&two, &set, slots, &limits, &sums, &fault),
                     ERR_RANGE);
    assert_int_equal(fault.rule, TIMETABLE_CAPACITY);
    assert_int_equal(fault.task, 1);
    slots[0] = (struct timetable_slot){1000, 1010, 0};
    assert_int_equal(timetable_check(&two, &set, slots, &limits, &sums, &fault),
                     OK);
    workflow_done(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sums_are_computed_by_hand, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(every_rule_can_be_broken, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(data_bound_to_a_zone_holds_its_readers,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(an_overfull_moment_is_found, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
