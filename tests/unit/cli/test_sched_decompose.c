/* suan sched decompose and suan sched agents on files. */

#include "tests/unit/cli/run_line.h"

#define EXAMPLES  SUAN_SOURCE_DIR "/docs/examples/sched/"
#define DECOMPOSE "sched decompose " EXAMPLES "arena.yaml"
#define SURVEY                                                                 \
    "sched decompose " EXAMPLES "survey.json --offers " EXAMPLES "offers.yaml"
#define AGENTS                                                                 \
    "sched agents --nodes " EXAMPLES "nodes.csv --pods " EXAMPLES "pods.csv"

static void assert_narrow(void)
{
    for (const char *at = line_out; *at != '\0'; at += *at == '\n') {
        assert_true(strcspn(at, "\n") <= 80);
        at += strcspn(at, "\n");
    }
}

static json_t *answer_to(const char *line)
{
    json_t *answer;
    assert_int_equal(run_line(line), 0);
    answer = json_loads(line_out, 0, NULL);
    assert_non_null(answer);
    return answer;
}

static void levels_and_clusters_are_told(void **state)
{
    (void)state;
    assert_int_equal(run_line(DECOMPOSE " --level device"), 0);
    assert_says(line_out, "LEVEL   CLUSTERS              CUT   OF ALL");
    assert_says(line_out, "\noffer ");
    assert_says(line_out, "\ndevice ");
    assert_says(line_out, "camera-1, pose-1\n");
    assert_string_equal(line_err, "");
    assert_narrow();
    assert_int_equal(run_line(DECOMPOSE), 0);
    assert_null(strstr(line_out, "device"));
    assert_narrow();
}

static void finer_levels_never_cut_less(void **state)
{
    json_t *answer = answer_to(DECOMPOSE " --level device --json");
    json_int_t before = 0;
    size_t components = 0;
    const json_t *level;
    const json_t *cluster;
    size_t i;
    size_t k;
    (void)state;
    json_array_foreach(json_object_get(answer, "levels"), i, level)
    {
        json_int_t cut = json_integer_value(json_object_get(level, "cut"));
        assert_true(cut >= before);
        before = cut;
        components = 0;
        json_array_foreach(json_object_get(level, "clusters"), k, cluster)
        {
            components +=
                json_array_size(json_object_get(cluster, "components"));
        }
        assert_int_equal(components, 15);
    }
    assert_int_equal(i, 3);
    assert_string_equal(json_string_value(json_object_get(answer, "unit")),
                        "kbit/s");
    json_decref(answer);
}

static void pictures_show_before_and_after(void **state)
{
    char *first;
    (void)state;
    assert_int_equal(run_line(DECOMPOSE " --level device --dot -"), 0);
    assert_says(line_out, "subgraph cluster_before");
    assert_says(line_out, "subgraph cluster_after");
    assert_says(line_out, "subgraph cluster_device_");
    assert_says(line_out, "color=firebrick");
    assert_int_equal(run_line(DECOMPOSE " --svg -"), 0);
    assert_says(line_out, "<svg xmlns=\"http://www.w3.org/2000/svg\"");
    assert_says(line_out, "before: 15 components, 18 links");
    assert_says(line_out, "</svg>\n");
    first = strdup(line_out);
    assert_non_null(first);
    assert_int_equal(run_line(DECOMPOSE " --svg -"), 0);
    assert_string_equal(line_out, first);
    free(first);
}

static void a_workflow_is_cut_by_its_bytes(void **state)
{
    json_t *answer;
    (void)state;
    assert_int_equal(run_line(SURVEY " --within 1h"), 0);
    assert_narrow();
    answer = answer_to(SURVEY " --within 30m --json");
    assert_string_equal(json_string_value(json_object_get(answer, "unit")),
                        "bytes");
    json_decref(answer);
    assert_int_equal(run_line(SURVEY " --within 1s"), 2);
    assert_says(line_err, "alone takes longer");
}

static void what_is_asked_wrongly_is_told(void **state)
{
    (void)state;
    assert_int_equal(run_line(DECOMPOSE " --dot - --json"), EXIT_USAGE);
    assert_says(line_err, "standard output takes one of --dot -, --svg - and");
    assert_int_equal(run_line(DECOMPOSE " --svg - --json"), EXIT_USAGE);
    assert_int_equal(run_line(DECOMPOSE " --svg - --dot -"), EXIT_USAGE);
    assert_int_equal(run_line(DECOMPOSE " --level rack"), 2);
    assert_says(line_err, "there is no level \"rack\"");
    assert_int_equal(run_line(DECOMPOSE " --within 1h"), 2);
    assert_says(line_err, "--within is of workflows");
    assert_int_equal(run_line("sched decompose " EXAMPLES "nothing.yaml"), 3);
    assert_int_equal(run_line("sched decompose " EXAMPLES "offers.yaml"), 2);
    assert_says(line_err, "offers.yaml:");
}

static void agents_are_told_beside_a_central_one(void **state)
{
    json_t *answer;
    const json_t *runs;
    (void)state;
    assert_int_equal(run_line(AGENTS " --agents 3 --seeds 2"), 0);
    assert_says(line_out, "AGENTS ALLOCATED EFFICIENCY");
    assert_says(line_out, "\n     1 ");
    assert_says(line_out, "\n     3 ");
    assert_says(line_out, "Nothing was given away twice.\n");
    assert_narrow();
    answer = answer_to(AGENTS " --rule room --regions --joint 0.2 --json");
    runs = json_object_get(answer, "runs");
    assert_int_equal(json_array_size(runs), 2);
    assert_true(json_is_true(
        json_object_get(json_array_get(runs, 1), "nothing_given_twice")));
    json_decref(answer);
    assert_int_equal(run_line(AGENTS " --agents 0"), 2);
    assert_says(line_err, "--agents: \"0\" is not a whole number from 1 to 64");
    assert_int_equal(run_line(AGENTS " --policy luck"), 2);
    assert_int_equal(run_line("sched agents --agents 2"), 2);
    assert_says(line_err, "both lists are needed");
}

static int clear(void **state)
{
    (void)state;
    free(line_out);
    free(line_err);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_and_clusters_are_told),
        cmocka_unit_test(finer_levels_never_cut_less),
        cmocka_unit_test(pictures_show_before_and_after),
        cmocka_unit_test(a_workflow_is_cut_by_its_bytes),
        cmocka_unit_test(what_is_asked_wrongly_is_told),
        cmocka_unit_test(agents_are_told_beside_a_central_one),
    };
    return cmocka_run_group_tests(tests, NULL, clear);
}
