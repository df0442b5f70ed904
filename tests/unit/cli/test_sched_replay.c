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

static void options_of_another_format_are_not_passed_over(void **state)
{
    (void)state;
    assert_int_equal(run_line(REPLAY " --limit 2"), EXIT_USAGE);
    assert_says(line_err, "--limit does not go with --format openb");
    assert_int_equal(run_line("sched replay --format swf --log x --seed 3"),
                     EXIT_USAGE);
    assert_says(line_err, "--seed does not go with --format swf");
    assert_int_equal(run_line("sched replay --format market --log x --load 2"),
                     EXIT_USAGE);
    assert_says(line_err, "--load does not go with --format market");
    assert_int_equal(run_line(REPLAY " --seed 18446744073709551615"),
                     EXIT_USAGE);
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

/* ---- swf ---- */

#define LOG   SUAN_SOURCE_DIR "/docs/examples/sched/night.swf"
#define NIGHT "sched replay --format swf --log " LOG

static void disciplines_are_compared_in_a_table(void **state)
{
    (void)state;
    assert_int_equal(run_line(NIGHT), 0);
    assert_says(line_out, "10 jobs on 8 processors; lines without a run: 1\n");
    assert_says(line_out, "POLICY           WAIT      P95      MAX  SLOWDOWN");
    for (const char *at = line_out; *at != '\0'; at += *at == '\n') {
        assert_true(strcspn(at, "\n") <= 80);
        at += strcspn(at, "\n");
    }
    assert_says(line_out, "\nfcfs           58m00s ");
    assert_says(line_out, "\neasy           35m54s ");
    assert_says(line_out, "\nconservative ");
    assert_says(line_out, "\nsjf ");
    assert_int_equal(run_line(NIGHT " --no-headers --policy easy"), 0);
    assert_null(strstr(line_out, "POLICY"));
    assert_null(strstr(line_out, "fcfs"));
    assert_int_equal(strncmp(line_out, "easy ", 5), 0);
    assert_int_equal(run_line(NIGHT " --procs 5 --limit 4"), 0);
    assert_says(line_out, "2 jobs on 5 processors; too large for it: 2");
}

static double figure_of(const char *options, const char *name)
{
    char line[2048];
    json_t *answer;
    double value;
    snprintf(line, sizeof(line), "%s --json %s", NIGHT, options);
    assert_int_equal(run_line(line), 0);
    answer = json_loads(line_out, 0, NULL);
    assert_non_null(answer);
    value = json_number_value(json_object_get(
        json_array_get(json_object_get(answer, "policies"), 0), name));
    json_decref(answer);
    return value;
}

static void what_is_changed_shows_in_the_figures(void **state)
{
    (void)state;
    assert_true(figure_of("--policy easy", "wait_mean_s") <
                figure_of("--policy fcfs", "wait_mean_s"));
    assert_true(figure_of("--policy easy --procs 16", "wait_mean_s") <
                figure_of("--policy easy", "wait_mean_s"));
    assert_true(figure_of("--policy fcfs --load 4", "wait_mean_s") >
                figure_of("--policy fcfs", "wait_mean_s"));
    assert_true(figure_of("--policy easy --estimate 5", "before") !=
                figure_of("--policy easy", "before"));
    assert_true(figure_of("--policy fcfs", "before") == 0);
    assert_true(figure_of("--policy fcfs", "makespan_s") == 14400);
}

static void a_wrong_replay_of_a_log_is_told_in_a_sentence(void **state)
{
    (void)state;
    refused("sched replay --format swf", EXIT_USAGE, "needs a log");
    refused(NIGHT " --policy fgd", EXIT_USAGE, "no policy fgd for");
    refused(NIGHT " --load 0", EXIT_USAGE, "--load");
    refused(NIGHT " --estimate much", EXIT_USAGE, "--estimate");
    refused(NIGHT " --procs 0", EXIT_USAGE, "--procs");
    refused(NIGHT " --limit -1", EXIT_USAGE, "--limit");
    refused(NIGHT " --limit 1 --procs 5", EXIT_FAILED,
            "every job wants more processors");
    refused("sched replay --format swf --log /none", EXIT_NOT_FOUND,
            "/none cannot be read: not found");
    refused("sched replay --format swf --log " NODES, EXIT_FAILED,
            "nodes.csv:1: column 1 is \"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_are_compared_in_a_table),
        cmocka_unit_test(options_of_another_format_are_not_passed_over),
        cmocka_unit_test(the_same_seed_is_the_same_answer),
        cmocka_unit_test(a_higher_load_fails_more),
        cmocka_unit_test(wrong_use_is_told_in_a_sentence),
        cmocka_unit_test(a_bad_file_is_told_with_its_line),
        cmocka_unit_test(disciplines_are_compared_in_a_table),
        cmocka_unit_test(what_is_changed_shows_in_the_figures),
        cmocka_unit_test(a_wrong_replay_of_a_log_is_told_in_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
