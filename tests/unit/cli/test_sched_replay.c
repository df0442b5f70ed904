/* suan sched replay on files. */

#include "tests/unit/cli/run_line.h"

#define NODES  SUAN_SOURCE_DIR "/docs/examples/sched/nodes.csv"
#define PODS   SUAN_SOURCE_DIR "/docs/examples/sched/pods.csv"
#define REPLAY "sched replay --format openb --nodes " NODES " --pods " PODS

static void policies_are_compared_in_a_table(void **state)
{
    (void)state;
    assert_int_equal(run_line(REPLAY " --policy fgd --policy random --seeds 3"),
                     0);
    assert_says(line_out, "POLICY     ALLOCATED    MIN    MAX");
    assert_says(line_out, "\nfgd ");
    assert_says(line_out, "\nrandom ");
    assert_says(line_out, "\n  failed: ");
    assert_string_equal(line_err, "");
    for (const char *at = line_out; *at != '\0'; at += *at == '\n') {
        assert_true(strcspn(at, "\n") <= 80);
        at += strcspn(at, "\n");
    }
    assert_int_equal(run_line(REPLAY " --no-headers"), 0);
    assert_null(strstr(line_out, "POLICY"));
    assert_says(line_out, "\nclustering "); /* all, when none is named */
}

static json_t *replay_json(const char *options, json_t **out_policy)
{
    char line[2048];
    json_t *answer;
    snprintf(line, sizeof(line), "%s --json %s", REPLAY, options);
    assert_int_equal(run_line(line), 0);
    answer = json_loads(line_out, 0, NULL);
    assert_non_null(answer);
    *out_policy = json_array_get(json_object_get(answer, "policies"), 0);
    assert_non_null(*out_policy);
    return answer;
}

static double mean(const json_t *policy)
{
    return json_real_value(
        json_object_get(json_object_get(policy, "allocated_percent"), "mean"));
}

static void the_same_seed_is_the_same_answer(void **state)
{
    json_t *one;
    json_t *two;
    json_t *first =
        replay_json("--policy bestfit --seed 7 --seeds 2 --load 1.2", &one);
    json_t *second =
        replay_json("--policy bestfit --seed 7 --seeds 2 --load 1.2", &two);
    (void)state;
    assert_true(mean(one) > 50);
    assert_true(mean(one) >= mean(two) && mean(one) <= mean(two));
    assert_int_equal(json_integer_value(json_object_get(first, "machines")), 6);
    assert_int_equal(json_integer_value(json_object_get(first, "tasks")), 24);
    json_decref(first);
    json_decref(second);
}

static void a_higher_load_fails_more(void **state)
{
    json_t *few;
    json_t *many;
    json_t *low = replay_json("--policy fgd --load 0.5", &few);
    json_t *high = replay_json("--policy fgd --load 3", &many);
    (void)state;
    assert_true(json_real_value(json_object_get(few, "failed")) <
                json_real_value(json_object_get(many, "failed")));
    assert_true(mean(few) <= 50);
    json_decref(low);
    json_decref(high);
}

static void refused(const char *line, int code, const char *says)
{
    assert_int_equal(run_line(line), code);
    assert_says(line_err, says);
    assert_string_equal(line_out, "");
}

static void wrong_use_is_told_in_a_sentence(void **state)
{
    (void)state;
    refused("sched replay", EXIT_USAGE, "--format says what the files are");
    refused("sched replay --format tar", EXIT_USAGE, "no format tar");
    refused("sched replay --format openb --nodes x", EXIT_USAGE,
            "needs both lists");
    refused(REPLAY " --policy worst", EXIT_USAGE, "no policy worst");
    refused(REPLAY " --load 130%", EXIT_USAGE, "not a number from 0.001");
    refused(REPLAY " --seeds 0", EXIT_USAGE, "--seeds");
    refused(REPLAY " --seed one", EXIT_USAGE, "--seed");
}

static void a_bad_file_is_told_with_its_line(void **state)
{
    (void)state;
    refused("sched replay --format openb --nodes /none --pods " PODS,
            EXIT_NOT_FOUND, "/none cannot be read: not found");
    refused("sched replay --format openb --nodes " NODES " --pods " NODES,
            EXIT_FAILED, "no node has a device, or no pod wants one");
    refused("sched replay --format openb --nodes " SUAN_SOURCE_DIR
            "/README.md --pods " PODS,
            EXIT_FAILED, "/README.md:1: there is no column cpu_milli");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_are_compared_in_a_table),
        cmocka_unit_test(the_same_seed_is_the_same_answer),
        cmocka_unit_test(a_higher_load_fails_more),
        cmocka_unit_test(wrong_use_is_told_in_a_sentence),
        cmocka_unit_test(a_bad_file_is_told_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
