#ifndef TESTS_UNIT_SCHED_FLOW_SAMPLE_H
#define TESTS_UNIT_SCHED_FLOW_SAMPLE_H

/* Small workflows and offers, and random ones, for the tests of the wing. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/dice.h"
#include "sched/graph/flowcase.h"

static inline uint32_t add_task(struct workflow *w, uint64_t work_us,
                                uint32_t cores, uint64_t zones)
{
    struct workflow_task task = {work_us, zones, cores, 1};
    uint32_t index = 0;
    assert_int_equal(workflow_add_task(w, &task, &index), OK);
    return index;
}

static inline uint32_t add_file(struct workflow *w, uint64_t bytes,
                                uint32_t producer, uint32_t site)
{
    struct workflow_file file = {bytes, WORKFLOW_ZONES_ALL, producer, site};
    uint32_t index = 0;
    assert_int_equal(workflow_add_file(w, &file, &index), OK);
    return index;
}

static inline void add_edge(struct workflow *w, uint32_t from, uint32_t to,
                            uint64_t bytes)
{
    uint32_t file = add_file(w, bytes, from, WORKFLOW_NONE);
    assert_int_equal(workflow_add_use(w, to, file), OK);
}

static inline void close_workflow(struct workflow *w)
{
    uint32_t task = 0;
    assert_int_equal(workflow_close(w, &task), OK);
}

static inline void add_offer(struct offerset *set, uint32_t speed,
                             uint32_t cores, uint64_t price, uint32_t site)
{
    struct offerset_offer offer = {price, speed, cores, 1000, site, site};
    assert_int_equal(offerset_add(set, &offer), OK);
}

static inline void open_case(struct flowcase *fc, const struct workflow *w,
                             const struct offerset *set)
{
    uint32_t task = 0;
    assert_int_equal(flowcase_init(fc, w, set, &task), OK);
}

/* tasks with edges of chance `permille`, or a tree of both directions. */
static inline void random_workflow(struct workflow *w, struct dice *dice,
                                   uint32_t tasks, uint32_t permille, bool tree,
                                   uint32_t sites)
{
    workflow_init(w);
    for (uint32_t t = 0; t < tasks; t++)
        (void)add_task(w, dice_between(dice, 0, 20) * 1000000,
                       (uint32_t)dice_between(dice, 1, 2), WORKFLOW_ZONES_ALL);
    for (uint32_t t = 1; tree && t < tasks; t++) {
        uint32_t u = (uint32_t)dice_below(dice, t);
        uint64_t bytes = dice_below(dice, 8) << 28;
        if (dice_chance(dice, 500))
            add_edge(w, u, t, bytes);
        else
            add_edge(w, t, u, bytes);
    }
    for (uint32_t t = 1; !tree && t < tasks; t++) {
        for (uint32_t u = 0; u < t; u++) {
            if (dice_chance(dice, permille))
                add_edge(w, u, t, dice_below(dice, 8) << 20);
        }
    }
    if (dice_chance(dice, 500)) {
        uint32_t site = (uint32_t)dice_below(dice, sites);
        uint32_t file = add_file(w, 1 << 22, WORKFLOW_NONE, site);
        assert_int_equal(
            workflow_add_use(w, (uint32_t)dice_below(dice, tasks), file), OK);
    }
    close_workflow(w);
}

static inline void random_offers(struct offerset *set, struct dice *dice,
                                 uint32_t offers, uint32_t sites)
{
    assert_int_equal(offerset_init(set, sites), OK);
    for (uint32_t o = 0; o < offers; o++)
        add_offer(set, (uint32_t)dice_between(dice, 5, 30) * 100,
                  (uint32_t)dice_between(dice, 2, 4),
                  dice_between(dice, 0, 90) * 100000, o % sites);
    for (uint32_t a = 0; a < sites; a++) {
        for (uint32_t b = 0; b < sites; b++) {
            struct offerset_link link = {
                dice_below(dice, 50) * 1000, (uint32_t)dice_below(dice, 100000),
                (uint32_t)dice_between(dice, 5000, 90000)};
            assert_int_equal(offerset_link(set, a, b, &link), OK);
        }
    }
}

static inline struct timetable_sums check_slots(
    const struct flowcase *fc, const struct timetable_slot *slots)
{
    static const struct timetable_limits unbound = {TIMETABLE_UNBOUND,
                                                    TIMETABLE_UNBOUND};
    struct timetable_sums sums = {0};
    struct timetable_fault fault = {0};
    enum err err =
        timetable_check(fc->w, fc->set, slots, &unbound, &sums, &fault);
    if (err != OK)
        fail_msg("task %u: %s (%s)", fault.task,
                 timetable_rule_text(fault.rule), err_name(err));
    return sums;
}

#endif
