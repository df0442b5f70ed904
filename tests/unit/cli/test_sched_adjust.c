/* suan sched adjust, as somebody at a terminal meets it. */

#include "tests/unit/cli/run_line.h"

#define BACKBONE SUAN_SOURCE_DIR "/docs/examples/sched/backbone.gml"
#define ADJUST                                                                 \
    "sched adjust --topology " BACKBONE " --rate 0.01 --requests 60 --events " \
    "0.02 --seed 4"

static void policies_meet_the_same_events(void **state)
{
    (void)state;
    assert_int_equal(run_line(ADJUST), 0);
    assert_says(line_out, "10 nodes, 16 edges; 60 requests at rate 0.01");
    assert_says(line_out, "\nPOLICY ");
    assert_says(line_out, "\nrepair ");
    assert_says(line_out, "\nresolve ");
    assert_says(line_out, "\nstop ");
    assert_says(line_out, "\nrepair: reroute ");
    assert_string_equal(line_err, "");
    for (const char *at = line_out; *at != '\0'; at += *at == '\n') {
        assert_true(strcspn(at, "\n") <= 80);
        at += strcspn(at, "\n");
    }
    assert_int_equal(run_line(ADJUST " --no-headers --policy stop"), 0);
    assert_null(strstr(line_out, "POLICY"));
    assert_null(strstr(line_out, "repair"));
}

static json_int_t figure(const json_t *answer, size_t row, const char *key)
{
    return json_integer_value(json_object_get(
        json_array_get(json_object_get(answer, "policies"), row), key));
}

static void json_has_all_figures(void **state)
{
    json_t *answer;
    json_t *levels;
    json_int_t sum = 0;
    const char *key;
    json_t *value;
    (void)state;
    assert_int_equal(run_line(ADJUST " --json --seeds 2 --improve"), 0);
    answer = json_loads(line_out, 0, NULL);
    assert_non_null(answer);
    assert_int_equal(json_array_size(json_object_get(answer, "policies")), 3);
    assert_int_equal(figure(answer, 0, "requests"), 120);
    assert_true(figure(answer, 0, "hits") > 0);
    assert_true(figure(answer, 0, "moves") < figure(answer, 1, "moves"));
    assert_int_equal(figure(answer, 2, "moves"), 0);
    levels = json_object_get(
        json_array_get(json_object_get(answer, "policies"), 0), "levels");
    json_object_foreach(levels, key, value) sum += json_integer_value(value);
    assert_int_equal(sum, figure(answer, 0, "hits"));
    json_decref(answer);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    assert_int_equal(run_line("sched adjust"), 2);
    assert_says(line_err, "no topology is given");
    assert_int_equal(run_line(ADJUST " --down 0"), 2);
    assert_says(line_err, "--down: \"0\"");
    assert_int_equal(run_line(ADJUST " --theta 2000"), 2);
    assert_says(line_err, "0 to 1000");
    assert_int_equal(run_line("sched adjust --topology /nowhere.gml"), 3);
    assert_int_equal(
        run_line("sched adjust --topology " SUAN_SOURCE_DIR "/README.md"), 2);
    assert_says(line_err, "README.md:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_meet_the_same_events),
        cmocka_unit_test(json_has_all_figures),
        cmocka_unit_test(what_is_wrong_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
