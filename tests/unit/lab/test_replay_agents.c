#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/lab/replay_agents.h"
#include "tests/unit/lab/data.h"

static struct openb read_text(const char *nodes, const char *pods)
{
    char error[LAB_ERROR_MAX] = "";
    struct openb openb = {0};
    if (openb_parse(bytes_str(nodes), "nodes", bytes_str(pods), "pods", &openb,
                    error) != OK)
        fail_msg("%s", error);
    return openb;
}

/* Six machines with four cards, four sizes of tasks. */
static struct openb small_cluster(void)
{
    return read_text("cpu_milli,memory_mib,gpu,model\n"
                     "64000,262144,4,A\n64000,262144,4,A\n32000,131072,4,A\n"
                     "96000,262144,4,B\n96000,262144,4,B\n32000,131072,4,B\n",
                     "cpu_milli,memory_mib,num_gpu,gpu_milli\n"
                     "4000,8192,1,500\n8000,16384,1,1000\n2000,4096,1,250\n"
                     "16000,32768,2,1000\n1000,1024,0,0\n");
}

static struct replay_agents_config config_of(uint32_t agents)
{
    return (struct replay_agents_config){.policy = FLEET_BESTFIT,
                                         .rule = COMMONS_BY_VERSION,
                                         .seed = 42,
                                         .load_permille = 1300,
                                         .typical_permille =
                                             REPLAY_TYPICAL_PERMILLE,
                                         .memory = 512,
                                         .agents = agents,
                                         .stale = 1,
                                         .spread = 4};
}

static struct replay_agents_result run(const struct openb *openb,
                                       struct replay_agents_config config)
{
    struct replay_agents_result result = {0};
    assert_int_equal(replay_agents(openb, &config, &result), OK);
    assert_true(result.holds_up);
    return result;
}

static void one_agent_does_what_the_replay_does(void **state)
{
    struct openb openb = small_cluster();
    static const enum fleet_policy policies[] = {FLEET_BESTFIT, FLEET_FGD,
                                                 FLEET_RANDOM};
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct replay_agents_config config = config_of(1);
        struct replay_openb_config plain = {.load_permille = 1300,
                                            .typical_permille =
                                                REPLAY_TYPICAL_PERMILLE,
                                            .memory = 512};
        struct replay_agents_result one;
        struct replay_openb_result central;
        config.policy = plain.policy = policies[seed % 3];
        config.seed = plain.seed = seed;
        one = run(&openb, config);
        assert_int_equal(replay_openb(&openb, &plain, &central), OK);
        assert_int_equal(one.of.decisions, central.decisions);
        assert_int_equal(one.of.failed, central.failed);
        assert_int_equal(one.of.arrived_milli, central.arrived_milli);
        assert_int_equal(one.of.allocated_at_100, central.allocated_at_100);
        assert_int_equal(one.of.allocated_at_end, central.allocated_at_end);
        assert_int_equal(one.counts.conflicts, 0);
    }
    openb_done(&openb);
}

static void several_agents_meet_and_nothing_is_given_twice(void **state)
{
    struct openb openb = small_cluster();
    uint64_t conflicts = 0;
    uint64_t fewer = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct replay_agents_config config = config_of(5);
        struct replay_agents_result r;
        config.seed = seed;
        config.rule = seed % 2 == 0 ? COMMONS_BY_VERSION : COMMONS_BY_ROOM;
        config.stale = 1 + (uint32_t)(seed % 4);
        config.joint_permille = seed % 3 == 0 ? 300 : 0;
        config.regions = seed % 5 == 0;
        r = run(&openb, config);
        conflicts += r.counts.conflicts;
        assert_int_equal(r.counts.begun, r.of.decisions);
        assert_int_equal(r.counts.placed + r.of.failed, r.of.decisions);
        fewer += r.rounds < r.of.decisions;
    }
    assert_true(conflicts > 100);
    assert_true(fewer > 30); /* they work at the same time */
    openb_done(&openb);
}

static void nonsense_is_refused(void **state)
{
    struct openb openb = small_cluster();
    struct replay_agents_config config = config_of(0);
    struct replay_agents_result result;
    (void)state;
    assert_int_equal(replay_agents(&openb, &config, &result), ERR_RANGE);
    config = config_of(REPLAY_AGENTS_MAX + 1);
    assert_int_equal(replay_agents(&openb, &config, &result), ERR_RANGE);
    config = config_of(2);
    config.stale = 0;
    assert_int_equal(replay_agents(&openb, &config, &result), ERR_RANGE);
    config = config_of(2);
    config.spread = PICKER_TOP_MAX + 1;
    assert_int_equal(replay_agents(&openb, &config, &result), ERR_RANGE);
    config = config_of(2);
    config.load_permille = 0;
    assert_int_equal(replay_agents(&openb, &config, &result), ERR_RANGE);
    openb_done(&openb);
}

static void four_agents_are_nearly_as_good_as_one_on_the_trace(void **state)
{
    char nodes[DATA_PATH_MAX];
    char pods[DATA_PATH_MAX];
    char error[LAB_ERROR_MAX];
    struct openb openb;
    struct replay_agents_result one;
    struct replay_agents_result four;
    (void)state;
    if (!data_path("openb/openb_node_list_gpu_node.csv", nodes) ||
        !data_path("openb/openb_pod_list_default.csv", pods)) {
        print_message("no trace in $SUAN_DATA: skipped\n");
        skip();
    }
    assert_int_equal(openb_read(nodes, pods, &openb, error), OK);
    one = run(&openb, config_of(1));
    four = run(&openb, config_of(4));
    assert_true((uint64_t)four.of.allocated_at_100 * 100 >=
                (uint64_t)one.of.allocated_at_100 * 95);
    assert_true(four.counts.conflicts > 0);
    openb_done(&openb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_agent_does_what_the_replay_does),
        cmocka_unit_test(several_agents_meet_and_nothing_is_given_twice),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(four_agents_are_nearly_as_good_as_one_on_the_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
