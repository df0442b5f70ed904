#include "sched/graph/flow_exact.h"

#include "flow_sample.h"
#include "sched/graph/flow_bound.h"
#include "sched/graph/heft.h"

#define TASKS  5u
#define OFFERS 3u

/* ---- brute force: all places, all orders, by the definition ---- */

struct brute {
    const struct flowcase *fc;
    uint64_t deadline;
    uint64_t least_us;    /* of all */
    uint64_t least_micro; /* of those by the deadline */
};

static bool holds(const struct brute *b, const struct timetable_slot *slots,
                  const bool *placed, uint32_t task)
{
    const struct workflow *w = b->fc->w;
    const struct timetable_slot *mine = &slots[task];
    /* Use rises only where something starts: those moments suffice. */
    for (uint32_t at = 0; at < w->task_count; at++) {
        uint64_t moment = slots[at].start_us;
        uint32_t cores = 0;
        if (!placed[at] && at != task)
            continue;
        if (moment < mine->start_us || moment >= mine->end_us)
            continue;
        for (uint32_t t = 0; t < w->task_count; t++) {
            if ((placed[t] || t == task) && slots[t].offer == mine->offer &&
                slots[t].start_us <= moment && moment < slots[t].end_us)
                cores += w->tasks[t].cores;
        }
        if (cores > b->fc->set->offers[mine->offer].cores)
            return false;
    }
    return true;
}

static void put(struct brute *b, const uint32_t *offers,
                struct timetable_slot *slots, bool *placed, uint32_t task)
{
    const struct workflow *w = b->fc->w;
    const struct offerset_offer *at = b->fc->set->offers;
    uint64_t start = flowcase_input_us(b->fc, task, offers[task]);
    uint64_t run = flowcase_run_us(b->fc, task, offers[task]);
    uint64_t best = UINT64_MAX;
    for (uint32_t e = w->in_first[task]; e < w->in_first[task + 1]; e++) {
        uint32_t from = w->edges[e].from;
        uint64_t came = slots[from].end_us;
        if (offers[from] != offers[task])
            came +=
                flowcase_haul_us(b->fc, w->edges[e].bytes,
                                 at[offers[from]].site, at[offers[task]].site);
        start = came > start ? came : start;
    }
    for (uint32_t i = 0; i <= w->task_count; i++) {
        uint64_t when = i == w->task_count ? start : slots[i].end_us;
        if (when < start || when >= best || (i < w->task_count && !placed[i]))
            continue;
        slots[task] = (struct timetable_slot){when, when + run, offers[task]};
        if (run == 0 || holds(b, slots, placed, task))
            best = when;
    }
    assert_true(best != UINT64_MAX);
    slots[task] = (struct timetable_slot){best, best + run, offers[task]};
}

static void all_orders(struct brute *b, const uint32_t *offers, uint64_t micro,
                       struct timetable_slot *slots, bool *placed,
                       uint32_t depth)
{
    const struct workflow *w = b->fc->w;
    if (depth == w->task_count) {
        uint64_t end = 0;
        for (uint32_t t = 0; t < depth; t++)
            end = slots[t].end_us > end ? slots[t].end_us : end;
        b->least_us = end < b->least_us ? end : b->least_us;
        if (end <= b->deadline && micro < b->least_micro)
            b->least_micro = micro;
    }
    for (uint32_t t = 0; t < w->task_count; t++) {
        bool waits = placed[t];
        for (uint32_t e = w->in_first[t]; e < w->in_first[t + 1]; e++)
            waits = waits || !placed[w->edges[e].from];
        if (waits)
            continue;
        put(b, offers, slots, placed, t);
        placed[t] = true;
        all_orders(b, offers, micro, slots, placed, depth + 1);
        placed[t] = false;
    }
}

static bool next_places(uint32_t *offers, uint32_t tasks, uint32_t count)
{
    for (uint32_t t = 0; t < tasks; t++) {
        if (++offers[t] < count)
            return true;
        offers[t] = 0;
    }
    return false;
}

static struct brute brute_force(const struct flowcase *fc, uint64_t deadline)
{
    struct brute b = {fc, deadline, UINT64_MAX, UINT64_MAX};
    struct timetable_slot slots[TASKS] = {0};
    uint32_t offers[TASKS] = {0};
    bool placed[TASKS] = {0};
    do {
        uint64_t micro = flowcase_cost(fc, offers);
        if (micro < FLOWCASE_NEVER)
            all_orders(&b, offers, micro, slots, placed, 0);
    } while (next_places(offers, fc->w->task_count, fc->set->count));
    return b;
}

/* ---- tests ---- */

static void search_finds_what_brute_force_finds(void **state)
{
    struct dice dice;
    (void)state;
    dice_init(&dice, 1);
    for (uint32_t round = 0; round < 120; round++) {
        struct workflow w;
        struct offerset set;
        struct flowcase fc;
        struct heft heft;
        struct brute b;
        struct timetable_slot slots[TASKS];
        struct timetable_sums sums;
        uint64_t rank[TASKS];
        uint64_t bound = 0;
        uint64_t deadline;
        bool proven = false;
        random_workflow(&w, &dice, TASKS - round % 3, round % 4 * 200, false,
                        2);
        random_offers(&set, &dice, OFFERS, 2);
        open_case(&fc, &w, &set);
        assert_int_equal(heft_init(&heft, &fc), OK);
        heft_rank_upward(&fc, rank);
        assert_int_equal(heft_place(&heft, rank, NULL, NULL, slots), OK);
        deadline = check_slots(&fc, slots).makespan_us * 3 / 2;
        b = brute_force(&fc, deadline);
        assert_true(check_slots(&fc, slots).makespan_us >= b.least_us);
        assert_int_equal(flow_bound_us(&fc, &bound), OK);
        assert_true(bound <= b.least_us);
        assert_int_equal(flow_exact_search(&fc, false, TIMETABLE_UNBOUND,
                                           UINT64_MAX, slots, &proven),
                         OK);
        assert_true(proven);
        assert_true(check_slots(&fc, slots).makespan_us == b.least_us);
        assert_int_equal(
            flow_exact_search(&fc, true, deadline, UINT64_MAX, slots, &proven),
            OK);
        sums = check_slots(&fc, slots);
        assert_true(sums.makespan_us <= deadline);
        assert_true(sums.cost_micro == b.least_micro);
        heft_done(&heft);
        workflow_done(&w);
        offerset_done(&set);
    }
}

static void trees_cost_what_the_best_of_all_places_costs(void **state)
{
    struct dice dice;
    (void)state;
    dice_init(&dice, 2);
    for (uint32_t round = 0; round < 200; round++) {
        struct workflow w;
        struct offerset set;
        struct flowcase fc;
        uint32_t offers[TASKS] = {0};
        uint32_t found[TASKS];
        uint64_t least = UINT64_MAX;
        uint64_t micro = 0;
        random_workflow(&w, &dice, TASKS, 0, true, 3);
        random_offers(&set, &dice, 4, 3);
        open_case(&fc, &w, &set);
        assert_true(workflow_is_forest(&w));
        do {
            uint64_t by = flowcase_cost(&fc, offers);
            least = by < least ? by : least;
        } while (next_places(offers, TASKS, set.count));
        assert_int_equal(flow_exact_cost(&fc, found, &micro), OK);
        assert_true(micro == least);
        assert_true(flowcase_cost(&fc, found) == least);
        workflow_done(&w);
        offerset_done(&set);
    }
}

/* A wrote data that B must read in region 1 and C in region 2: two offers a
 * region, since what stays on one offer is free. Data costs 1 within region 1,
 * 2 within region 2, 10 from 1 to 2 and 12 back. A programme that lets B and C
 * each choose a place for A finds 1 + 2 = 3, which is no plan: A runs once. */
static void a_shared_predecessor_has_one_place(void **state)
{
    static const uint64_t egress[2][2] = {{1, 10}, {12, 2}};
    struct workflow w;
    struct offerset set;
    struct flowcase fc;
    uint32_t found[3];
    uint64_t micro = 0;
    (void)state;
    workflow_init(&w);
    (void)add_task(&w, 0, 1, 1 << 0 | 1 << 2);
    (void)add_task(&w, 0, 1, 1 << 1);
    (void)add_task(&w, 0, 1, 1 << 3);
    add_edge(&w, 0, 1, UINT64_C(1) << 30);
    add_edge(&w, 0, 2, UINT64_C(1) << 30);
    close_workflow(&w);
    assert_int_equal(offerset_init(&set, 2), OK);
    for (uint32_t o = 0; o < 4; o++) {
        struct offerset_offer offer = {0, 1000, 1, 10, o / 2, o};
        assert_int_equal(offerset_add(&set, &offer), OK);
    }
    for (uint32_t i = 0; i < 4; i++) {
        struct offerset_link link = {egress[i / 2][i % 2], 1, 1000};
        assert_int_equal(offerset_link(&set, i / 2, i % 2, &link), OK);
    }
    open_case(&fc, &w, &set);
    assert_int_equal(flow_exact_cost(&fc, found, &micro), OK);
    assert_int_equal(micro, 11);
    assert_int_equal(found[0], 0);
    assert_int_equal(found[1], 1);
    assert_int_equal(found[2], 3);
    workflow_done(&w);
    offerset_done(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search_finds_what_brute_force_finds),
        cmocka_unit_test(trees_cost_what_the_best_of_all_places_costs),
        cmocka_unit_test(a_shared_predecessor_has_one_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
