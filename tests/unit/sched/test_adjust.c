#include "tests/unit/sched/graph_sample.h"

#include "sched/graph/adjust.h"
#include "sched/graph/adjust_find.h"
#include "tests/oracle/judge.h"

/* ---- asking ---- */

struct bench {
    struct topology t;
    struct job_graph job;
    struct plan plan;
    uint64_t state[JOB_COMPONENTS_MAX];
    struct adjust_history history;
    struct adjust_terms terms;
    struct adjust *adjust;
    struct adjust_case what;
    struct adjust_result result;
};

static void bench_begin(struct bench *b)
{
    b->terms = adjust_terms_default;
    memset(&b->history, 0, sizeof(b->history));
    for (uint32_t c = 0; c < JOB_COMPONENTS_MAX; c++)
        b->state[c] = 1000000;
    assert_int_equal(adjust_new(&b->t, &b->adjust), OK);
    b->what = (struct adjust_case){.topology = &b->t,
                                   .job = &b->job,
                                   .plan = &b->plan,
                                   .state_bytes = b->state,
                                   .terms = &b->terms,
                                   .history = &b->history};
}

static void bench_end(struct bench *b)
{
    adjust_free(b->adjust);
    topology_done(&b->t);
}

static bool solve(struct bench *b)
{
    struct embed *embed = NULL;
    enum err err;
    assert_int_equal(embed_new(&b->t, &embed), OK);
    err = embed_solve(embed, &b->job, &embed_options_default, &b->plan, NULL);
    embed_free(embed);
    return err == OK;
}

static enum adjust_level repair(struct bench *b)
{
    struct plan_verdict verdict;
    assert_int_equal(adjust_repair(b->adjust, &b->what, &b->result), OK);
    if (b->result.level != ADJUST_LOST)
        assert_true(plan_check(&b->t, &b->job, &b->result.plan, &verdict));
    return b->result.level;
}

static enum adjust_level improve(struct bench *b)
{
    assert_int_equal(adjust_improve(b->adjust, &b->what, &b->result), OK);
    return b->result.level;
}

/* The job does as was said. */
static void go(struct bench *b, bool willing)
{
    adjust_note(&b->what, &b->result, willing, &b->history);
    b->plan = b->result.plan;
}

/* Components with wants on a node, and whoever belongs with them. */
static uint32_t on_node(const struct bench *b, uint32_t node)
{
    uint32_t mask = 0;
    for (uint32_t c = 0; c < b->job.component_count; c++) {
        bool wants = false;
        for (uint32_t r = 0; r < RES_COUNT; r++)
            wants = wants || b->job.components[c].want.of[r] > 0;
        if (b->plan.node[c] == node && wants)
            mask |= adjust_group(&b->job, c);
    }
    return mask;
}

static void a_plan_that_holds_is_kept(void **state)
{
    static struct bench b;
    (void)state;
    sample_line(&b.t, 4);
    job_graph_init(&b.job);
    job_graph_add(&b.job)->want.of[RES_CPU] = 1000;
    assert_true(solve(&b));
    bench_begin(&b);
    assert_int_equal(repair(&b), ADJUST_KEEP);
    assert_int_equal(b.result.moves, 0);
    assert_memory_equal(&b.result.plan.node, &b.plan.node, 2);
    bench_end(&b);
}

/* The acceptance figure: an offer is withdrawn. Where a plan exists in which
 * only what ran there is elsewhere, nothing else moves; in all cases. */
static void only_what_is_violated_moves_when_an_offer_goes(void **state)
{
    static struct bench b;
    uint32_t failures = 0;
    uint32_t local = 0;
    uint32_t unknown = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 450; seed++) {
        sample_instance(seed, &b.t, &b.job);
        if (!solve(&b)) {
            topology_done(&b.t);
            continue;
        }
        bench_begin(&b);
        for (uint32_t v = 0; v < b.t.node_count; v++) {
            struct stock cap = b.t.nodes[v].cap;
            uint32_t must = on_node(&b, v);
            int truth;
            if (must == 0)
                continue;
            b.t.nodes[v].cap = (struct stock){{0}};
            truth = judge_exists(&b.t, &b.job, &b.plan, must);
            (void)repair(&b);
            failures++;
            local += truth == 1;
            unknown += truth == -1 && (b.result.level != ADJUST_MOVE ||
                                       (b.result.moved & ~must) != 0);
            if (truth == 1 && (b.result.level != ADJUST_MOVE ||
                               (b.result.moved & ~must) != 0))
                fail_msg("seed %llu node %u: %s, moved %x, violated %x",
                         (unsigned long long)seed, v,
                         adjust_level_name(b.result.level), b.result.moved,
                         must);
            b.t.nodes[v].cap = cap;
        }
        bench_end(&b);
    }
    print_message("%u offers withdrawn, %u with a local repair, %u too large "
                  "to tell\n",
                  failures, local, unknown);
    assert_true(local > 400 && unknown * 20 < failures);
}

/* The same with a link: where other paths will do, nobody moves. */
static void nobody_moves_when_another_path_will_do(void **state)
{
    static struct bench b;
    uint32_t failures = 0;
    uint32_t local = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        sample_instance(seed, &b.t, &b.job);
        if (!solve(&b)) {
            topology_done(&b.t);
            continue;
        }
        bench_begin(&b);
        for (uint32_t e = 0; e < b.t.link_count; e++) {
            struct topo_link link = b.t.links[e];
            struct plan_verdict verdict;
            b.t.links[e].cap_kbps = 0;
            b.t.links[e].delay_us = LINK_UNKNOWN;
            if (!plan_check(&b.t, &b.job, &b.plan, &verdict)) {
                int truth = judge_exists(&b.t, &b.job, &b.plan, 0);
                (void)repair(&b);
                failures++;
                local += truth == 1;
                if (truth == 1 && b.result.level != ADJUST_REROUTE)
                    fail_msg("seed %llu link %u: %s", (unsigned long long)seed,
                             e, adjust_level_name(b.result.level));
                if (b.result.level == ADJUST_REROUTE)
                    assert_int_equal(b.result.moved, 0);
            }
            b.t.links[e] = link;
        }
        bench_end(&b);
    }
    print_message("%u links lost, %u with other paths\n", failures, local);
    assert_true(local > 100);
}

/* ---- a line of nodes, by hand ---- */

/* 0 - 1 - 2 - 3, two components of 2 cores on 1 and 2, linked. */
static void two_on_a_line(struct bench *b)
{
    sample_line(&b->t, 4);
    job_graph_init(&b->job);
    b->job.alone = true;
    for (uint32_t c = 0; c < 2; c++)
        job_graph_add(&b->job)->want.of[RES_CPU] = 2000;
    assert_non_null(job_graph_join(&b->job, 0, 1, 100));
    b->plan = (struct plan){.component_count = 2, .link_count = 1};
    b->plan.node[0] = 1;
    b->plan.node[1] = 2;
    b->plan.begin[1] = 1;
    b->plan.steps[0] = 1;
    bench_begin(b);
}

static void of_those_too_many_the_fewest_with_least_state_go(void **state)
{
    static struct bench b;
    (void)state;
    sample_line(&b.t, 2);
    job_graph_init(&b.job);
    for (uint32_t c = 0; c < 4; c++)
        job_graph_add(&b.job)->want.of[RES_CPU] = 1000;
    b.plan = (struct plan){.component_count = 4};
    bench_begin(&b);
    b.state[0] = 40;
    b.state[1] = 30;
    b.state[2] = 20;
    b.state[3] = 50;
    b.t.nodes[0].cap.of[RES_CPU] = 3000;
    assert_int_equal(repair(&b), ADJUST_MOVE);
    assert_int_equal(b.result.moved, 1u << 2);
    assert_int_equal(b.result.moved_bytes, 20);
    b.t.nodes[0].cap.of[RES_CPU] = 2500;
    assert_int_equal(repair(&b), ADJUST_MOVE);
    assert_int_equal(b.result.moved, 1u << 2 | 1u << 1);
    bench_end(&b);
}

static void a_user_that_moves_draws_only_what_is_too_far(void **state)
{
    static struct bench b;
    struct job_component *user;
    (void)state;
    two_on_a_line(&b);
    user = job_graph_add(&b.job);
    user->place = 0;
    user->data = true;
    b.plan.node[2] = 0;
    job_graph_join(&b.job, 2, 0, 10)->delay_us_max = 100;
    b.plan.component_count = 3;
    b.plan.link_count = 2;
    b.plan.begin[2] = 2;
    b.plan.steps[1] = 0;
    assert_int_equal(repair(&b), ADJUST_KEEP);
    user->place = 3; /* 200 us from node 1 */
    assert_true(repair(&b) != ADJUST_LOST);
    assert_int_equal(b.result.moved & ~3u, 0);
    assert_int_equal(b.result.plan.node[2], 3);
    assert_in_range(b.result.plan.node[0], 2, 3);
    bench_end(&b);
}

static void where_moving_it_alone_does_not_do_its_neighbours_go(void **state)
{
    static struct bench b;
    (void)state;
    two_on_a_line(&b);
    /* Node 1 goes; the only other ones with room are beyond a cut. */
    b.t.nodes[1].cap.of[RES_CPU] = 0;
    b.t.nodes[0].cap.of[RES_CPU] = 0;
    b.t.nodes[3].cap.of[RES_CPU] = 2000;
    b.t.nodes[2].cap.of[RES_CPU] = 2000;
    assert_int_equal(repair(&b), ADJUST_MOVE); /* to 3 */
    assert_int_equal(b.result.moved, 1);
    assert_int_equal(b.result.plan.node[0], 3);
    b.job.components[0].only = NULL;
    struct node_set only = {{0}};
    node_set_add(&only, 2); /* where the other one is */
    b.job.components[0].only = &only;
    assert_int_equal(repair(&b), ADJUST_NEIGHBOURS);
    assert_int_equal(b.result.plan.node[0], 2);
    assert_int_equal(b.result.plan.node[1], 3);
    assert_int_equal(b.result.moved, 3);
    assert_int_equal(b.result.violated, 1);
    b.terms.budget_moves = 0; /* nobody else may be disturbed */
    assert_int_equal(repair(&b), ADJUST_LOST);
    assert_memory_equal(b.result.plan.node, b.plan.node, 4);
    b.terms.budget_moves = 1;
    assert_int_equal(repair(&b), ADJUST_NEIGHBOURS);
    go(&b, false); /* spends it: only the neighbour counts */
    assert_int_equal(adjust_budget(&b.terms, &b.history, 0), 0);
    assert_int_equal(adjust_budget(&b.terms, &b.history, b.terms.budget_ms), 1);
    bench_end(&b);
}

static void with_nowhere_to_go_it_is_lost(void **state)
{
    static struct bench b;
    (void)state;
    two_on_a_line(&b);
    for (uint32_t v = 0; v < 4; v++)
        b.t.nodes[v].cap.of[RES_CPU] = 1000;
    assert_int_equal(repair(&b), ADJUST_LOST);
    assert_int_equal(b.result.moves, 0);
    bench_end(&b);
}

static void what_is_refused(void **state)
{
    static struct bench b;
    (void)state;
    two_on_a_line(&b);
    b.plan.node[0] = 9;
    assert_int_equal(adjust_repair(b.adjust, &b.what, &b.result), ERR_RANGE);
    b.plan.node[0] = 1;
    b.plan.steps[0] = 77;
    assert_int_equal(adjust_repair(b.adjust, &b.what, &b.result), ERR_RANGE);
    b.plan.steps[0] = 1;
    b.plan.link_count = 0;
    assert_int_equal(adjust_improve(b.adjust, &b.what, &b.result), ERR_RANGE);
    bench_end(&b);
}

/* ---- of its own will ---- */

static void it_moves_only_for_more_than_theta(void **state)
{
    static struct bench b;
    uint64_t price[4] = {1000000, 1000000, 1000000, 1000000};
    (void)state;
    two_on_a_line(&b);
    b.job.alone = false;
    b.terms.price_micro = price;
    b.terms.kappa_micro = b.terms.mu_micro = 0;
    b.terms.link_micro = 0;
    b.what.now_ms = 1;
    assert_int_equal(improve(&b), ADJUST_KEEP);
    price[3] = 900001; /* saves 0.1999 of 4: less than 5 % */
    assert_int_equal(improve(&b), ADJUST_KEEP);
    price[3] = 890000;
    assert_int_equal(improve(&b), ADJUST_MOVE);
    assert_int_equal(b.result.moves, 1);
    assert_int_equal(b.result.cost_before, 4000000);
    assert_int_equal(b.result.cost, 3780000);
    b.terms.kappa_micro = 30000; /* not worth the move */
    assert_int_equal(improve(&b), ADJUST_KEEP);
    bench_end(&b);
}

static void a_cool_down_follows_and_a_budget_bounds(void **state)
{
    static struct bench b;
    uint64_t price[4] = {1000000, 1000000, 1000000, 500000};
    (void)state;
    two_on_a_line(&b);
    b.terms.price_micro = price;
    b.what.now_ms = 1000;
    assert_int_equal(improve(&b), ADJUST_MOVE);
    go(&b, true);
    price[0] = 300000;
    assert_int_equal(improve(&b), ADJUST_KEEP);
    b.what.now_ms += b.terms.cooldown_ms - 1;
    assert_int_equal(improve(&b), ADJUST_KEEP);
    b.what.now_ms += 1;
    assert_int_equal(improve(&b), ADJUST_MOVE);
    b.terms.budget_moves = 1; /* one was made less than an hour ago */
    assert_int_equal(improve(&b), ADJUST_KEEP);
    bench_end(&b);
}

/* Acceptance: load that goes back and forth, fast or slow, moves nobody back
 * and forth. */
static void alternating_load_makes_at_most_one_move(void **state)
{
    static const uint64_t periods_ms[] = {1000,    60000,   599999,
                                          600000,  601000,  1800000,
                                          3600000, 7200000, 14400000};
    static struct bench b;
    (void)state;
    for (size_t i = 0; i < sizeof(periods_ms) / sizeof(periods_ms[0]); i++) {
        uint64_t price[2] = {1000000, 1000000};
        uint64_t period = periods_ms[i];
        uint64_t step = period < 60000 ? period : 60000;
        uint32_t moves = 0;
        sample_line(&b.t, 2);
        job_graph_init(&b.job);
        job_graph_add(&b.job)->want.of[RES_CPU] = 2000;
        b.plan = (struct plan){.component_count = 1};
        bench_begin(&b);
        b.terms.price_micro = price;
        for (uint64_t now = 1; now < 80000000; now += step) {
            bool first = now / period % 2 == 0;
            price[0] = first ? 2000000 : 1000000;
            price[1] = first ? 1000000 : 2000000;
            b.what.now_ms = now;
            if (improve(&b) == ADJUST_MOVE) {
                moves += b.result.moves;
                go(&b, true);
            }
        }
        if (moves != 1)
            fail_msg("%u moves with a period of %llu ms", moves,
                     (unsigned long long)period);
        bench_end(&b);
    }
}

/* A forced move home is no return of its own will. */
static void it_goes_back_where_it_must(void **state)
{
    static struct bench b;
    uint64_t price[2] = {2000000, 1000000};
    (void)state;
    sample_line(&b.t, 2);
    job_graph_init(&b.job);
    job_graph_add(&b.job)->want.of[RES_CPU] = 2000;
    b.plan = (struct plan){.component_count = 1};
    bench_begin(&b);
    b.terms.price_micro = price;
    b.what.now_ms = 1;
    assert_int_equal(improve(&b), ADJUST_MOVE);
    go(&b, true);
    b.t.nodes[1].cap.of[RES_CPU] = 0;
    b.what.now_ms = 2;
    assert_int_equal(repair(&b), ADJUST_MOVE);
    assert_int_equal(b.result.plan.node[0], 0);
    bench_end(&b);
}

/* ---- how ---- */

static void steps_come_in_their_order(void **state)
{
    static struct bench b;
    struct adjust_step steps[ADJUST_STEPS_MAX];
    uint32_t count;
    bool gap = true;
    (void)state;
    two_on_a_line(&b);
    b.t.nodes[2].cap.of[RES_CPU] = 1000;
    assert_int_equal(repair(&b), ADJUST_MOVE);
    assert_int_equal(b.result.moved, 2);
    count = adjust_steps(b.adjust, &b.what, &b.result, steps, &gap);
    assert_int_equal(count, 6);
    assert_int_equal(steps[0].act, ADJUST_PATH);
    assert_int_equal(steps[1].act, ADJUST_RESERVE);
    assert_int_equal(steps[2].act, ADJUST_STATE);
    assert_int_equal(steps[2].bytes, 1000000);
    /* 8 Mbit over links of 1000 kbit/s */
    assert_in_range(steps[2].us, 8000000, 8002000);
    assert_int_equal(steps[3].act, ADJUST_START);
    assert_int_equal(steps[4].act, ADJUST_RELEASE);
    assert_int_equal(steps[4].from, 2);
    assert_int_equal(steps[5].act, ADJUST_UNPATH);
    for (uint32_t i = 1; i < count; i++)
        assert_true(steps[i].act >= steps[i - 1].act);
    assert_false(gap);
    assert_int_equal(b.result.moved_bytes, 1000000);
    b.t.links[0].cap_kbps = b.t.links[2].cap_kbps = 150;
    b.t.links[1].cap_kbps = 150; /* not for both paths at once */
    b.t.nodes[3].cap.of[RES_CPU] = 0;
    assert_int_equal(repair(&b), ADJUST_MOVE);
    (void)adjust_steps(b.adjust, &b.what, &b.result, steps, &gap);
    bench_end(&b);
}

/* ---- everything at once ---- */

/* Events without end on drawn topologies, the job held as jobs are: what is
 * reserved is always what it holds, and who is not lost has a plan. */
static void shake(struct bench *b, struct dice *dice)
{
    struct topo_node *node = &b->t.nodes[dice_below(dice, b->t.node_count)];
    struct topo_link *link = &b->t.links[dice_below(dice, b->t.link_count)];
    switch (dice_below(dice, 5)) {
    case 0:
        node->cap = (struct stock){{0}};
        break;
    case 1:
        for (uint32_t r = 0; r < RES_COUNT; r++)
            node->cap.of[r] = 8000;
        break;
    case 2:
        link->cap_kbps = dice_below(dice, 100);
        break;
    case 3:
        link->cap_kbps = 1000;
        link->delay_us = (uint32_t)dice_between(dice, 10, 500);
        link->risk_nn = (uint32_t)dice_between(dice, 10, 500);
        break;
    default:
        link->delay_us = link->risk_nn = LINK_UNKNOWN;
        break;
    }
}

static void whatever_happens_every_plan_holds(void **state)
{
    static struct bench b;
    static struct hold hold;
    uint32_t levels[ADJUST_LEVELS] = {0};
    (void)state;
    for (uint64_t seed = 2; seed <= 120; seed += 2) {
        struct dice dice;
        struct topology before = {0};
        sample_instance(seed, &b.t, &b.job);
        if (!solve(&b)) {
            topology_done(&b.t);
            continue;
        }
        assert_int_equal(topology_copy(&b.t, &before), OK);
        bench_begin(&b);
        dice_init(&dice, seed * 977);
        for (uint32_t step = 0; step < 60; step++) {
            struct adjust_result first;
            plan_hold(&b.job, &b.plan, &hold);
            b.what.now_ms += 100000;
            shake(&b, &dice);
            levels[repair(&b)]++;
            first = b.result;
            (void)repair(&b); /* same question, same answer */
            assert_memory_equal(&first, &b.result, sizeof(first));
            if (b.result.level == ADJUST_LOST)
                continue; /* it waits where it was */
            go(&b, false);
            if (improve(&b) == ADJUST_MOVE)
                go(&b, true);
            assert_int_equal(repair(&b), ADJUST_KEEP);
        }
        for (uint32_t v = 0; v < b.t.node_count; v++)
            assert_memory_equal(&before.nodes[v].used, &b.t.nodes[v].used,
                                sizeof(struct stock));
        topology_done(&before);
        bench_end(&b);
    }
    for (uint32_t l = 0; l < ADJUST_LEVELS; l++)
        if (l != ADJUST_WHOLE)
            assert_true(levels[l] > 0);
    print_message("keep %u, reroute %u, move %u, neighbours %u, whole %u, "
                  "lost %u\n",
                  levels[0], levels[1], levels[2], levels[3], levels[4],
                  levels[5]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_that_holds_is_kept),
        cmocka_unit_test(only_what_is_violated_moves_when_an_offer_goes),
        cmocka_unit_test(nobody_moves_when_another_path_will_do),
        cmocka_unit_test(of_those_too_many_the_fewest_with_least_state_go),
        cmocka_unit_test(a_user_that_moves_draws_only_what_is_too_far),
        cmocka_unit_test(where_moving_it_alone_does_not_do_its_neighbours_go),
        cmocka_unit_test(with_nowhere_to_go_it_is_lost),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(it_moves_only_for_more_than_theta),
        cmocka_unit_test(a_cool_down_follows_and_a_budget_bounds),
        cmocka_unit_test(alternating_load_makes_at_most_one_move),
        cmocka_unit_test(it_goes_back_where_it_must),
        cmocka_unit_test(steps_come_in_their_order),
        cmocka_unit_test(whatever_happens_every_plan_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
