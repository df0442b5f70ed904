/* Plans, their checker and their score. */

#include "sched/graph/plan.h"

#include "graph_sample.h"
#include "sched/graph/embed.h"
#include "sched/graph/plan_check.h"
#include "sched/graph/plan_score.h"

static struct topology t;
static struct job_graph job;
static struct plan plan;
static struct plan_verdict verdict;

/* A drawn topology, job and valid plan of it; false when none was found. */
static bool draw_valid(struct dice *dice)
{
    const struct embed_options options = embed_options_default;
    struct embed *embed;
    enum err err;
    sample_drawn(&t, (uint32_t)dice_between(dice, 5, 14), dice);
    sample_job(&job, &t, (uint32_t)dice_between(dice, 2, 6), dice);
    assert_int_equal(embed_new(&t, &embed), OK);
    err = embed_solve(embed, &job, &options, &plan, NULL);
    embed_free(embed);
    if (err != OK) {
        topology_done(&t);
        return false;
    }
    assert_true(plan_check(&t, &job, &plan, &verdict));
    assert_int_equal(verdict.faults, 0);
    assert_int_equal(verdict.first, PLAN_FAULT_COUNT);
    return true;
}

/* ---- one wrong thing each: names what it is, and how it is made ---- */

static uint32_t part;       /* the component or virtual link that is hurt */
static struct node_set few; /* for PLAN_ONLY */

static uint32_t hops(uint32_t link)
{
    return (uint32_t)(plan.begin[link + 1] - plan.begin[link]);
}

static uint64_t path_sum(uint32_t link, bool risk)
{
    uint64_t sum = 0;
    for (uint32_t s = plan.begin[link]; s < plan.begin[link + 1]; s++) {
        const struct topo_link *l = &t.links[plan.steps[s]];
        uint32_t value = risk ? l->risk_nn : l->delay_us;
        if (value == LINK_UNKNOWN)
            return 0;
        sum += value;
    }
    return sum;
}

/* Puts a step behind the plan's last one. */
static void add_step(uint16_t link)
{
    plan.steps[plan.begin[plan.link_count]++] = link;
}

/* False: this plan has nothing that can be hurt so. */
static bool hurt(enum plan_fault fault)
{
    uint32_t c = part % job.component_count;
    uint32_t i = job.link_count > 0 ? part % job.link_count : 0;
    struct job_component *component = &job.components[c];
    struct topo_node *node = &t.nodes[plan.node[c]];
    bool has_path = job.link_count > 0 && hops(i) > 0;
    struct topo_link *first =
        has_path ? &t.links[plan.steps[plan.begin[i]]] : NULL;
    switch (fault) {
    case PLAN_JOB:
        job.component_count = 0;
        return true;
    case PLAN_SHAPE:
        plan.component_count++;
        return true;
    case PLAN_NODE:
        plan.node[c] = (uint16_t)t.node_count;
        return true;
    case PLAN_STEP:
        if (has_path)
            plan.steps[plan.begin[i]] = (uint16_t)t.link_count;
        return has_path;
    case PLAN_COMPUTE:
        if (!component->data)
            component->want.of[RES_ACCEL] = node->cap.of[RES_ACCEL] + 1;
        return !component->data;
    case PLAN_STORAGE:
        if (!component->data)
            component->want.of[RES_DISK] = node->cap.of[RES_DISK] + 1;
        return !component->data;
    case PLAN_COMPUTE_SUM:
        if (component->want.of[RES_CPU] > 0)
            node->used.of[RES_CPU] =
                node->cap.of[RES_CPU] - component->want.of[RES_CPU] + 1;
        return component->want.of[RES_CPU] > 0;
    case PLAN_STORAGE_SUM:
        if (component->want.of[RES_MEM] > 0)
            node->used.of[RES_MEM] =
                node->cap.of[RES_MEM] - component->want.of[RES_MEM] + 1;
        return component->want.of[RES_MEM] > 0;
    case PLAN_BANDWIDTH:
        if (has_path)
            first->used_kbps = first->cap_kbps - job.links[i].kbps + 1;
        return has_path;
    case PLAN_TIME:
        if (component->data || node->speed == 0)
            return false;
        component->work_us = 30000;
        job.time_us_max = 10000;
        return true;
    case PLAN_SPEED:
        if (component->work_us == 0)
            return false;
        job.time_us_max = UINT64_MAX;
        node->speed = 0;
        return true;
    case PLAN_PLACE:
        component->place = (uint16_t)((plan.node[c] + 1u) % t.node_count);
        return true;
    case PLAN_ZONE:
        component->zones &= ~(UINT64_C(1) << node->zone);
        return true;
    case PLAN_DATA:
        i = job.component_count - 1;
        if (!job.components[i].data)
            return false;
        for (uint32_t k = 0; k < job.link_count; k++)
            if (job.links[k].from == i) {
                uint16_t at = plan.node[job.links[k].to];
                job.components[i].zones &= ~(UINT64_C(1) << t.nodes[at].zone);
                return true;
            }
        return false;
    case PLAN_LABEL:
        component->labels = ~node->labels;
        return true;
    case PLAN_ONLY:
        memset(&few, 0xff, sizeof(few));
        few.word[0] &= ~(UINT64_C(1) << plan.node[c]);
        component->only = &few;
        return true;
    case PLAN_DELAY:
        if (!has_path || path_sum(i, false) < 2)
            return false;
        job.links[i].bytes = 0;
        job.links[i].delay_us_max = (uint32_t)path_sum(i, false) - 1;
        return true;
    case PLAN_DELAY_UNKNOWN:
        if (has_path)
            first->delay_us = LINK_UNKNOWN;
        job.links[i].delay_us_max = 1000000;
        return has_path;
    case PLAN_RISK:
        if (!has_path || path_sum(i, true) < 2)
            return false;
        job.links[i].risk_nn_max = (uint32_t)path_sum(i, true) - 1;
        return true;
    case PLAN_RISK_UNKNOWN:
        if (has_path)
            first->risk_nn = LINK_UNKNOWN;
        job.links[i].risk_nn_max = 1000000;
        return has_path;
    case PLAN_PATH:
        if (!has_path || i + 1 != job.link_count)
            return false;
        plan.begin[plan.link_count]--;
        return true;
    case PLAN_LOOP:
        if (!has_path || i + 1 != job.link_count)
            return false;
        add_step(plan.steps[plan.begin[plan.link_count] - 1]);
        add_step(plan.steps[plan.begin[plan.link_count] - 1]);
        return true;
    case PLAN_TOGETHER:
        for (uint32_t o = 0; o < job.component_count; o++)
            if (plan.node[o] != plan.node[c]) {
                component->together = job.components[o].together = 7;
                return true;
            }
        return false;
    case PLAN_APART:
        for (uint32_t o = 0; o < job.component_count; o++)
            if (o != c && plan.node[o] == plan.node[c]) {
                component->apart = job.components[o].apart = 7;
                return true;
            }
        return false;
    case PLAN_ALONE:
        job.alone = true;
        for (uint32_t o = 0; o < job.component_count; o++)
            if (o != c && plan.node[o] == plan.node[c] && !component->data &&
                !job.components[o].data &&
                (component->together == 0 ||
                 component->together != job.components[o].together))
                return true;
        return false;
    case PLAN_FAULT_COUNT:
        break;
    }
    return false;
}

static void each_wrong_thing_is_named(void **state)
{
    struct dice dice;
    (void)state;
    dice_init(&dice, 21);
    for (uint32_t fault = 0; fault < PLAN_FAULT_COUNT; fault++) {
        uint32_t hurts = 0;
        for (uint32_t round = 0; round < 3000 && hurts < 25; round++) {
            if (!draw_valid(&dice))
                continue;
            part = (uint32_t)dice_below(&dice, 64);
            if (hurt((enum plan_fault)fault)) {
                hurts++;
                assert_false(plan_check(&t, &job, &plan, &verdict));
                if ((verdict.faults >> fault & 1) == 0)
                    fail_msg("\"%s\" is not named, but 0x%x",
                             plan_fault_text((enum plan_fault)fault),
                             verdict.faults);
                assert_true((verdict.faults >> verdict.first & 1) != 0);
            }
            topology_done(&t);
        }
        if (hurts < 25)
            fail_msg("\"%s\" was tried %u times",
                     plan_fault_text((enum plan_fault)fault), hurts);
    }
}

/* Without paths a wrong node alone is always found. */
static void a_component_does_not_move_without_its_paths(void **state)
{
    struct dice dice;
    uint32_t moved = 0;
    (void)state;
    dice_init(&dice, 22);
    while (moved < 200) {
        uint32_t link;
        if (!draw_valid(&dice))
            continue;
        link = (uint32_t)dice_below(&dice, job.link_count);
        plan.node[job.links[link].to] =
            (uint16_t)((plan.node[job.links[link].to] + 1u) % t.node_count);
        assert_false(plan_check(&t, &job, &plan, &verdict));
        assert_true((verdict.faults >> PLAN_PATH & 1) != 0);
        moved++;
        topology_done(&t);
    }
}

static void the_first_fault_has_its_figures(void **state)
{
    (void)state;
    sample_line(&t, 2);
    job_graph_init(&job);
    job_graph_add(&job)->want.of[RES_CPU] = 3000;
    plan = (struct plan){.component_count = 1, .node = {1}};
    t.nodes[1].used.of[RES_CPU] = 1500;
    assert_false(plan_check(&t, &job, &plan, &verdict));
    assert_int_equal(verdict.first, PLAN_COMPUTE_SUM);
    assert_int_equal(verdict.subject, 0);
    assert_int_equal(verdict.want, 4500);
    assert_int_equal(verdict.have, 4000);
    topology_done(&t);
}

static void what_is_used_up_to_the_brim_is_valid(void **state)
{
    (void)state;
    sample_line(&t, 2);
    job_graph_init(&job);
    job_graph_add(&job)->want.of[RES_CPU] = 3000;
    job_graph_add(&job);
    job_graph_join(&job, 0, 1, 400);
    job_graph_join(&job, 1, 0, 600);
    plan = (struct plan){.component_count = 2,
                         .link_count = 2,
                         .node = {0, 1},
                         .begin = {0, 1, 2},
                         .steps = {0, 0}};
    t.nodes[0].used.of[RES_CPU] = 1000;
    assert_true(plan_check(&t, &job, &plan, &verdict));
    job.links[0].kbps++;
    assert_false(plan_check(&t, &job, &plan, &verdict));
    assert_int_equal(verdict.first, PLAN_BANDWIDTH);
    assert_int_equal(verdict.want, 1001);
    topology_done(&t);
}

static void a_hold_is_what_the_plan_takes(void **state)
{
    static struct hold hold;
    struct dice dice;
    (void)state;
    dice_init(&dice, 23);
    for (uint32_t done = 0; done < 50;) {
        uint64_t kbps = 0;
        if (!draw_valid(&dice))
            continue;
        plan_hold(&job, &plan, &hold);
        for (uint32_t i = 0; i < hold.link_count; i++)
            kbps += hold.links[i].kbps;
        assert_true(kbps == plan_kbps(&job, &plan));
        assert_int_equal(topology_take(&t, &hold), OK);
        /* what stands is full of it: the same plan once more is checked anew */
        topology_give(&t, &hold);
        done++;
        topology_done(&t);
    }
}

/* ---- score ---- */

static const struct plan_weights equal = {1, 1, 1};

static void an_idle_topology_is_balanced_and_off(void **state)
{
    struct plan_score score;
    (void)state;
    sample_line(&t, 4);
    plan_score_of(&t, NULL, NULL, &equal, &score);
    assert_int_equal(score.node, 1000);
    assert_int_equal(score.link, 1000);
    assert_int_equal(score.energy, 1000);
    assert_int_equal(score.all, 1000);
    assert_int_equal(score.milliwatt, 0);
    assert_int_equal(score.milliwatt_full, 800000);
    topology_done(&t);
}

static void the_score_is_as_reckoned_by_hand(void **state)
{
    const struct plan_weights uneven = {2, 1, 1};
    struct plan_score score;
    (void)state;
    sample_line(&t, 4);
    job_graph_init(&job);
    job_graph_add(&job)->want.of[RES_CPU] = 2000; /* half of a node */
    job_graph_add(&job)->want.of[RES_MEM] = 1000; /* all of a node */
    job_graph_join(&job, 0, 1, 300);
    plan = (struct plan){.component_count = 2,
                         .link_count = 1,
                         .node = {0, 2},
                         .begin = {0, 2},
                         .steps = {0, 1}};
    assert_true(plan_check(&t, &job, &plan, &verdict));
    plan_score_of(&t, &job, &plan, &uneven, &score);
    /* uses 0.5 0 1 0: mean 0.375, off 0.125 0.375 0.625 0.375 = 1.5 / 4 */
    assert_int_equal(score.node, 625);
    /* uses 0.3 0.3 0: mean 0.2, off 0.1 0.1 0.2 = 0.4 / 3 */
    assert_int_equal(score.link, 866);
    /* 150 W at half its cores; 100 W for the one that holds memory only */
    assert_int_equal(score.milliwatt, 250000);
    assert_int_equal(score.energy, 687);
    assert_int_equal(score.all, (2 * 625 + 866 + 687) / 4);
    assert_int_equal(score.kbps, 600);
    topology_done(&t);
}

static void the_score_before_is_the_score_with_it_taken(void **state)
{
    static struct hold hold;
    struct dice dice;
    (void)state;
    dice_init(&dice, 24);
    for (uint32_t done = 0; done < 200;) {
        struct plan_score before, after;
        if (!draw_valid(&dice))
            continue;
        plan_score_of(&t, &job, &plan, &equal, &before);
        plan_hold(&job, &plan, &hold);
        assert_int_equal(topology_take(&t, &hold), OK);
        plan_score_of(&t, NULL, NULL, &equal, &after);
        assert_int_equal(before.node, after.node);
        assert_int_equal(before.link, after.link);
        assert_int_equal(before.energy, after.energy);
        assert_int_equal(before.all, after.all);
        done++;
        topology_done(&t);
    }
}

static void routers_and_dead_links_are_not_counted(void **state)
{
    struct plan_score score;
    (void)state;
    sample_line(&t, 3);
    memset(&t.nodes[1].cap, 0, sizeof(t.nodes[1].cap));
    t.nodes[0].used.of[RES_CPU] = t.nodes[2].used.of[RES_CPU] = 2000;
    t.links[0].cap_kbps = 0;
    t.links[1].used_kbps = 900;
    plan_score_of(&t, NULL, NULL, &equal, &score);
    assert_int_equal(score.node, 1000);
    assert_int_equal(score.link, 1000);
    assert_int_equal(score.milliwatt_full, 400000);
    topology_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_wrong_thing_is_named),
        cmocka_unit_test(a_component_does_not_move_without_its_paths),
        cmocka_unit_test(the_first_fault_has_its_figures),
        cmocka_unit_test(what_is_used_up_to_the_brim_is_valid),
        cmocka_unit_test(a_hold_is_what_the_plan_takes),
        cmocka_unit_test(an_idle_topology_is_balanced_and_off),
        cmocka_unit_test(the_score_is_as_reckoned_by_hand),
        cmocka_unit_test(the_score_before_is_the_score_with_it_taken),
        cmocka_unit_test(routers_and_dead_links_are_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
