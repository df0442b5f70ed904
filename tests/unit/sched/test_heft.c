#include "sched/graph/heft.h"

#include "flow_sample.h"

static void place_all(const struct flowcase *fc, const uint32_t *offers,
                      struct timetable_slot *slots)
{
    struct heft heft;
    uint64_t rank[8];
    assert_int_equal(heft_init(&heft, fc), OK);
    heft_rank_upward(fc, rank);
    assert_int_equal(heft_place(&heft, rank, NULL, offers, slots), OK);
    (void)check_slots(fc, slots);
    heft_done(&heft);
}

/* Two offers of one core. The chain 0 -> 1 has the higher rank; 1 waits on the
 * other offer for data, and task 2 fits before it. */
static void a_gap_is_filled(void **state)
{
    static const uint32_t offers[] = {0, 1, 1};
    struct offerset_link link = {0, 5, 8000};
    struct timetable_slot slots[3];
    struct workflow w;
    struct offerset set;
    struct flowcase fc;
    (void)state;
    workflow_init(&w);
    (void)add_task(&w, 100, 1, WORKFLOW_ZONES_ALL);
    (void)add_task(&w, 200, 1, WORKFLOW_ZONES_ALL);
    (void)add_task(&w, 104, 1, WORKFLOW_ZONES_ALL);
    add_edge(&w, 0, 1, 0);
    close_workflow(&w);
    assert_int_equal(offerset_init(&set, 1), OK);
    add_offer(&set, 1000, 1, 5, 0);
    add_offer(&set, 1000, 1, 5, 0);
    assert_int_equal(offerset_link(&set, 0, 0, &link), OK);
    open_case(&fc, &w, &set);
    place_all(&fc, offers, slots);
    assert_int_equal(slots[1].start_us, 105);
    assert_int_equal(slots[2].start_us, 0);
    w.tasks[2].work_us = 106; /* one more than the gap */
    place_all(&fc, offers, slots);
    assert_int_equal(slots[2].start_us, 305);
    workflow_done(&w);
    offerset_done(&set);
}

static void equal_ends_go_to_the_cheaper(void **state)
{
    struct timetable_slot slots[1];
    struct workflow w;
    struct offerset set;
    struct flowcase fc;
    (void)state;
    workflow_init(&w);
    (void)add_task(&w, 100, 1, WORKFLOW_ZONES_ALL);
    close_workflow(&w);
    assert_int_equal(offerset_init(&set, 1), OK);
    add_offer(&set, 900, 1, 1, 0);
    add_offer(&set, 1000, 1, 9, 0);
    add_offer(&set, 1000, 1, 7, 0);
    add_offer(&set, 1000, 1, 7, 0);
    open_case(&fc, &w, &set);
    place_all(&fc, NULL, slots);
    assert_int_equal(slots[0].offer, 2);
    workflow_done(&w);
    offerset_done(&set);
}

/* 0 -> 1, where 1 may run only in zone 1: HEFT ends task 0 on the fast offer
 * of zone 0, the optimistic rank sees what comes after. */
static void the_optimistic_rank_looks_ahead(void **state)
{
    struct offerset_link link = {0, 10, 8}; /* 1 ms a byte */
    struct timetable_slot slots[2];
    struct workflow w;
    struct offerset set;
    struct flowcase fc;
    struct heft heft;
    uint64_t rank[2];
    uint64_t table[4];
    (void)state;
    workflow_init(&w);
    (void)add_task(&w, 1000, 1, WORKFLOW_ZONES_ALL);
    (void)add_task(&w, 1000, 1, 2);
    add_edge(&w, 0, 1, 100);
    close_workflow(&w);
    assert_int_equal(offerset_init(&set, 2), OK);
    add_offer(&set, 1100, 1, 5, 0);
    add_offer(&set, 1000, 1, 5, 1);
    assert_int_equal(offerset_link(&set, 0, 1, &link), OK);
    assert_int_equal(offerset_link(&set, 1, 0, &link), OK);
    open_case(&fc, &w, &set);
    place_all(&fc, NULL, slots);
    assert_int_equal(slots[0].offer, 0);
    assert_int_equal(slots[1].end_us, 910 + 10 + 100000 + 1000);
    assert_int_equal(heft_init(&heft, &fc), OK);
    assert_int_equal(heft_rank_optimistic(&fc, table, rank), OK);
    assert_int_equal(table[1], 1000);
    assert_int_equal(table[0], 1000 + flowcase_mean_us(&fc, 100));
    assert_int_equal(table[2], 0);
    assert_int_equal(heft_place(&heft, rank, table, NULL, slots), OK);
    assert_int_equal(check_slots(&fc, slots).makespan_us, 2000);
    heft_done(&heft);
    workflow_done(&w);
    offerset_done(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_is_filled),
        cmocka_unit_test(equal_ends_go_to_the_cheaper),
        cmocka_unit_test(the_optimistic_rank_looks_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
