#include "sched/agents/agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/sched/agents_sim.h"

#define CROWD 20u

/* Twenty agents, each with one task; all look at the same moment, then all
 * speak before any is answered. */
struct crowd {
    struct commons commons;
    struct agent agents[CROWD];
};

static void crowd_init(struct crowd *crowd, enum commons_rule rule,
                       uint32_t offers, uint32_t cores)
{
    struct machine machines[8];
    struct commons_config config = {machines, offers, 2 * CROWD, 2 * CROWD,
                                    rule,     1000,   {1}};
    for (uint32_t i = 0; i < offers; i++)
        machines[i] = sample_machine(cores, 0, 0);
    assert_int_equal(commons_init(&crowd->commons, &config), OK);
    for (uint32_t a = 0; a < CROWD; a++) {
        struct agent_config own = {FLEET_BESTFIT, NULL, 4, NULL, a, 8, 64};
        struct agent_job job = {.id = {{(uint8_t)(a + 1), 77}}, .parts = 1};
        job.asks[0] = sample_whole(1, 0);
        assert_int_equal(agent_init(&crowd->agents[a], &own, &crowd->commons),
                         OK);
        agent_begin(&crowd->agents[a], &job, 1);
    }
}

static void crowd_done(struct crowd *crowd)
{
    for (uint32_t a = 0; a < CROWD; a++)
        agent_done(&crowd->agents[a]);
    commons_done(&crowd->commons);
}

/* Rounds until nobody has anything to say; how many. */
static uint32_t crowd_run(struct crowd *crowd)
{
    uint32_t rounds = 0;
    uint32_t spoke = 1;
    while (spoke > 0) {
        struct commons_message said[CROWD];
        bool has[CROWD];
        spoke = 0;
        for (uint32_t a = 0; a < CROWD; a++) {
            struct agent *agent = &crowd->agents[a];
            has[a] = agent_speak(agent, &said[a]);
            if (!has[a] && agent->state == AGENT_LOOKS) {
                agent_look(agent, &crowd->commons);
                has[a] = agent_speak(agent, &said[a]);
            }
            spoke += has[a];
        }
        for (uint32_t a = 0; a < CROWD; a++) {
            struct commons_answer answer;
            if (!has[a])
                continue;
            commons_hear(&crowd->commons, &said[a], 0, &answer);
            agent_hear(&crowd->agents[a], &answer);
        }
        rounds++;
    }
    return rounds;
}

static uint32_t count_in(const struct crowd *crowd, enum agent_state state)
{
    uint32_t count = 0;
    for (uint32_t a = 0; a < CROWD; a++)
        count += crowd->agents[a].state == state;
    return count;
}

static void of_twenty_at_once_exactly_the_four_that_fit_succeed(void **state)
{
    (void)state;
    for (uint32_t rule = COMMONS_BY_VERSION; rule <= COMMONS_BY_ROOM; rule++) {
        struct crowd crowd;
        crowd_init(&crowd, (enum commons_rule)rule, 1, 4);
        (void)crowd_run(&crowd);
        assert_int_equal(count_in(&crowd, AGENT_PLACED), 4);
        assert_int_equal(count_in(&crowd, AGENT_NOWHERE), 16);
        assert_int_equal(crowd.commons.fleet.machines[0].free.cpu_milli, 0);
        assert_true(commons_holds_up(&crowd.commons));
        crowd_done(&crowd);
    }
}

/* All choose the same best first; if they chose the best again, one would win
 * a round, and twenty would take twenty. */
static void losers_part_at_their_second_choice(void **state)
{
    struct crowd crowd;
    uint32_t rounds;
    (void)state;
    crowd_init(&crowd, COMMONS_BY_VERSION, 8, 4);
    rounds = crowd_run(&crowd);
    assert_int_equal(count_in(&crowd, AGENT_PLACED), CROWD);
    assert_true(rounds <= 10);
    crowd_done(&crowd);
}

static struct sim sim;

static int clear(void **state)
{
    (void)state;
    sim_done(&sim);
    return 0;
}

static void of_a_job_in_parts_all_or_nothing_is_placed(void **state)
{
    struct commons_message m;
    struct commons_answer answer;
    struct agent_job job = {.id = {{9}}, .parts = 3};
    struct agent *agent = &sim.agents[0];
    uint32_t last = 0;
    (void)state;
    sim_init(&sim, COMMONS_BY_VERSION);
    for (uint32_t p = 0; p < 3; p++)
        job.asks[p] = sample_whole(4 - p, 0);
    agent_begin(agent, &job, 1);
    for (uint32_t p = 0; p < 3; p++) {
        assert_true(agent_speak(agent, &m));
        assert_int_equal(m.say, COMMONS_RESERVE);
        assert_true(m.grant.machine >= last);
        last = m.grant.machine;
        assert_false(agent_speak(agent, &m)); /* it waits */
        commons_hear(&sim.commons, &m, 0, &answer);
        agent_hear(agent, &answer);
    }
    assert_true(agent_speak(agent, &m));
    assert_int_equal(m.say, COMMONS_CONFIRM);
    commons_hear(&sim.commons, &m, 0, &answer);
    agent_hear(agent, &answer);
    assert_int_equal(agent->state, AGENT_PLACED);
    /* The same again does not fit: 9 of 15 cores are taken. */
    job.id.b[0] = 8;
    agent_begin(agent, &job, 1);
    while (agent_speak(agent, &m) || agent->state == AGENT_LOOKS) {
        if (agent->state == AGENT_LOOKS) {
            agent_look(agent, &sim.commons);
            continue;
        }
        commons_hear(&sim.commons, &m, 1, &answer);
        agent_hear(agent, &answer);
    }
    assert_true(commons_holds_up(&sim.commons));
    if (agent->state == AGENT_NOWHERE)
        assert_int_equal(sim.commons.fleet.machines[0].free.cpu_milli +
                             sim.commons.fleet.machines[1].free.cpu_milli +
                             sim.commons.fleet.machines[2].free.cpu_milli,
                         6000);
}

static void answers_to_somebody_else_are_passed_over(void **state)
{
    struct commons_message m;
    struct commons_answer answer;
    struct agent_job job = {.id = {{9}}, .parts = 1};
    struct agent *agent = &sim.agents[0];
    (void)state;
    sim_init(&sim, COMMONS_BY_VERSION);
    job.asks[0] = sample_whole(1, 0);
    agent_begin(agent, &job, 5);
    assert_true(agent_speak(agent, &m));
    commons_hear(&sim.commons, &m, 0, &answer);
    answer.attempt = 4;
    agent_hear(agent, &answer);
    assert_int_equal(agent->state, AGENT_WAITS);
    answer.attempt = 5;
    answer.job.b[1] ^= 1;
    agent_hear(agent, &answer);
    assert_int_equal(agent->state, AGENT_WAITS);
    answer.job.b[1] ^= 1;
    agent_hear(agent, &answer);
    assert_int_equal(agent->state, AGENT_PLACED);
}

/* bench_sched_agents does a million. */
static void no_interleaving_gives_anything_away_twice(void **state)
{
    (void)state;
    sim_init(&sim, COMMONS_BY_VERSION);
    for (uint64_t seed = 0; seed < 4000; seed++) {
        if (seed == 2000) {
            sim.commons.rule = COMMONS_BY_ROOM;
        }
        assert_true(sim_run(&sim, seed, 150));
        assert_int_equal(sim.over_allocations, 0);
        assert_int_equal(sim.twice, 0);
        assert_int_equal(sim.partial, 0);
        if (seed % 50 == 0)
            assert_true(commons_holds_up(&sim.commons));
    }
    assert_true(sim.placed > 4000);
    assert_true(sim.crashes_holding > 200);
}

/* The ledger is not blind: two answers that should not be are seen. */
static void the_ledger_sees_what_is_given_twice(void **state)
{
    struct commons_message m = {.say = COMMONS_COMMIT, .parts = 1};
    (void)state;
    sim_init(&sim, COMMONS_BY_VERSION);
    sim_begin(&sim, 1);
    m.ask = sample_whole(3, 0);
    m.attempt = 1;
    for (uint8_t job = 0; job < 2; job++) {
        m.job = sim.jobs[job].job.id;
        ledger_hear(&sim, &m, OK);
        ledger_look(&sim);
    }
    assert_int_equal(sim.over_allocations, 1);
    ledger_hear(&sim, &m, OK);
    assert_int_equal(sim.twice, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_twenty_at_once_exactly_the_four_that_fit_succeed),
        cmocka_unit_test(losers_part_at_their_second_choice),
        cmocka_unit_test_teardown(of_a_job_in_parts_all_or_nothing_is_placed,
                                  clear),
        cmocka_unit_test_teardown(answers_to_somebody_else_are_passed_over,
                                  clear),
        cmocka_unit_test_teardown(no_interleaving_gives_anything_away_twice,
                                  clear),
        cmocka_unit_test_teardown(the_ledger_sees_what_is_given_twice, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
