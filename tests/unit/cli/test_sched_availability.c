/* suan sched availability and suan sched replicas on files. */

#include "tests/unit/cli/run_line.h"

#include <unistd.h>

#define PLATFORM   SUAN_SOURCE_DIR "/docs/examples/sched/platform.yaml"
#define UNEQUAL    SUAN_SOURCE_DIR "/docs/examples/sched/unequal.yaml"
#define CANDIDATES SUAN_SOURCE_DIR "/docs/examples/sched/candidates.yaml"

static json_t *json(void)
{
    json_t *object = json_loads(line_out, 0, NULL);
    assert_non_null(object);
    return object;
}

static void a_target_is_answered_with_a_plan(void **state)
{
    (void)state;
    assert_int_equal(
        run_line("sched availability " PLATFORM " --target 99.99%"), 0);
    assert_says(line_out, "99.99172 % in 14 services of 3 instances");
    assert_says(line_out, "not available: 43m33s of a year");
    assert_says(line_out,
                "target 99.99 %: reached; no lower number of services");
    assert_says(line_out,
                "├─ market + applications\n└─ demand analysis + matching");
    assert_string_equal(line_err, "");
}

static void a_budget_is_answered_with_the_best(void **state)
{
    json_t *answer;
    (void)state;
    assert_int_equal(
        run_line("sched availability " PLATFORM " --budget 24 --json"), 0);
    answer = json();
    assert_int_equal(json_integer_value(json_object_get(answer, "services")),
                     24);
    assert_true(json_is_true(json_object_get(answer, "exact")));
    assert_int_equal(json_array_size(json_object_get(answer, "modules")), 10);
    assert_true(json_real_value(json_object_get(answer, "unavailability")) <
                2.4e-5);
    json_decref(answer);
}

static void every_number_of_services_stands_in_the_frontier(void **state)
{
    json_t *answer;
    (void)state;
    assert_int_equal(run_line("sched availability " PLATFORM " --json"), 0);
    answer = json();
    assert_int_equal(json_array_size(json_object_get(answer, "frontier")), 15);
    json_decref(answer);
    assert_int_equal(run_line("sched availability " PLATFORM), 0);
    assert_says(line_out, "      14  99.99172 %             43m33s\n");
}

static void the_table_is_the_published_one(void **state)
{
    (void)state;
    assert_int_equal(run_line("sched availability " PLATFORM " --table"), 0);
    assert_says(line_out,
                "whole          84.50837     97.50455     99.97636     "
                "99.99699   99.9999755\n");
    assert_says(line_out, "99 %          !97.62740     99.02747     99.97636");
    assert_says(line_out, "99.99 %       !97.62740    !99.70043     99.99172");
    assert_says(line_out,
                "99.999 %            !24          !24          !24     "
                "      15           10\n");
    assert_int_equal(run_line("sched availability " PLATFORM
                              " --table --target 99.9% --availability 0.99 "
                              "--backups 1 --json"),
                     0);
    json_t *answer = json();
    json_t *row = json_array_get(json_object_get(answer, "rows"), 1);
    json_t *cell = json_array_get(json_object_get(row, "cells"), 0);
    assert_true(json_is_false(json_object_get(cell, "reached")));
    assert_int_equal(json_integer_value(json_object_get(cell, "services")), 24);
    json_decref(answer);
}

static void what_is_out_of_reach_says_what_would_do(void **state)
{
    (void)state;
    assert_int_equal(
        run_line("sched availability " PLATFORM " --target 99.999%"),
        EXIT_POLICY);
    assert_says(line_err,
                "99.999 % cannot be reached: with one service a submodule "
                "it is 99.99760 %. Try: --backups 3");
    assert_int_equal(run_line("sched availability " PLATFORM
                              " --target 99.999% --backups 3"),
                     0);
    assert_int_equal(run_line("sched availability " PLATFORM " --budget 9"),
                     EXIT_POLICY);
    assert_says(line_err, "Try: --budget 10");
    assert_int_equal(
        run_line("sched availability " PLATFORM " --budget 12 --domains 2"),
        EXIT_POLICY);
    assert_says(line_err, "interconnection wants 3 instances");
}

static void domains_that_fail_bound_what_can_be_reached(void **state)
{
    (void)state;
    assert_int_equal(run_line("sched availability " PLATFORM
                              " --target 99.99% --domain-availability 99.9%"),
                     0);
    assert_says(line_out, "99.99038 % in 14 services of 3 instances");
    assert_says(line_out,
                "domains are up 99.9 % each; every service is in the same "
                "3\n");
    assert_int_equal(run_line("sched availability " PLATFORM
                              " --target 99.99% --domain-availability 99%"),
                     EXIT_POLICY);
    assert_says(line_err, "Try: --backups 3");
    assert_int_equal(run_line("sched availability " PLATFORM
                              " --target 99.99% --domain-availability 99% "
                              "--backups 3 --json"),
                     0);
    assert_int_equal(
        run_line("sched availability " PLATFORM
                 " --budget 12 --domain-availability 99% --backups 8"),
        EXIT_USAGE);
    assert_says(line_err, "interconnection has 9 instances");
}

static void costs_decide_where_they_are_given(void **state)
{
    (void)state;
    assert_int_equal(run_line("sched availability " UNEQUAL " --target 99.5%"),
                     0);
    assert_says(line_out, "99.59337 % in 6 services, cost 31\n");
    assert_says(line_out, "reached; no lower cost reaches it");
    assert_says(line_out, "payment  99.99");
    assert_says(line_out, ", 3 instances\n");
    assert_int_equal(run_line("sched availability " UNEQUAL), 0);
    assert_says(line_out, "   COST  SERVICES");
}

static void the_plan_can_be_drawn(void **state)
{
    (void)state;
    assert_int_equal(
        run_line("sched availability " PLATFORM " --target 99.99% --dot -"), 0);
    assert_says(line_out, "digraph system {");
    assert_says(line_out, "label=\"market\\napplications\\nx 3\"");
    assert_int_equal(strncmp(line_out, "digraph", 7), 0);
    assert_int_equal(run_line("sched availability " PLATFORM
                              " --target 99.99% --dot /nowhere/at/all"),
                     EXIT_FAILED);
}

/* Fifteen that differ, with long names: more than the exact search takes, and
 * than a line holds. */
static void what_is_not_proven_is_said_and_long_lines_are_wrapped(void **state)
{
    char path[] = "/tmp/suan-test-XXXXXX";
    char line[128];
    FILE *file;
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    file = fdopen(fd, "w");
    assert_non_null(file);
    fprintf(file, "modules:\n  only:\n    submodules:\n");
    for (unsigned i = 0; i < 15; i++)
        fprintf(file, "      a submodule with a long name %u: 0.9%02u\n", i,
                5 * i + 3);
    assert_int_equal(fclose(file), 0);
    snprintf(line, sizeof(line), "sched availability %s --budget 4", path);
    assert_int_equal(run_line(line), 0);
    assert_says(line_out, "a division found by search: at most 0.00");
    assert_says(line_out, " % of the time it loses can be saved");
    for (const char *at = line_out; *at != '\0';) {
        size_t len = strcspn(at, "\n");
        assert_true(len <= 80 + 4); /* a branch is 6 bytes and 2 columns */
        at += len + (at[len] == '\n');
    }
    snprintf(line, sizeof(line), "sched availability %s --target 97%%", path);
    assert_int_equal(run_line(line), 0);
    assert_says(line_out, "target 97 %: reached");
    snprintf(line, sizeof(line), "sched availability %s", path);
    assert_int_equal(run_line(line), 0);
    assert_says(line_out, "(not proven to be the best)");
    remove(path);
}

static void contradictions_are_refused(void **state)
{
    static const char *const lines[] = {
        "sched availability " PLATFORM " --target 99% --budget 3",
        "sched availability " PLATFORM " --target 99% --target 98%",
        "sched availability " PLATFORM " --target 99.9",
        "sched availability " PLATFORM " --target none",
        "sched availability " PLATFORM " --budget 0",
        "sched availability " PLATFORM " --backups 64",
        "sched availability " PLATFORM " --dot -",
        "sched availability " PLATFORM " --table --budget 3",
        "sched availability " PLATFORM " --table --availability 0.9 "
        "--availability 0.8 --availability 0.7 --availability 0.6 "
        "--availability 0.5 --availability 0.4",
        "sched availability " CANDIDATES,
        "sched replicas",
        "sched replicas --target 99%",
        "sched replicas --target 99 --availability 90%",
        "sched replicas " CANDIDATES " --target 99% --availability 90%",
        "sched replicas " PLATFORM " --target 99%"};
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (run_line(lines[i]) != EXIT_USAGE)
            fail_msg("not refused: %s", lines[i]);
        assert_string_equal(line_out, "");
        assert_says(line_err, "Try: ");
    }
    assert_int_equal(
        run_line("sched availability " PLATFORM " --target 99% --dot - --json"),
        EXIT_USAGE);
    assert_says(line_err, "standard output takes one of --dot - and --json");
    assert_int_equal(run_line("sched availability /nowhere/at/all"),
                     EXIT_NOT_FOUND);
    assert_int_equal(run_line("sched availability /"), EXIT_FAILED);
}

static void replicas_are_chosen(void **state)
{
    json_t *answer;
    (void)state;
    assert_int_equal(
        run_line("sched replicas --target 99.99% --availability 95%"), 0);
    assert_string_equal(line_out, "4 replicas: 99.999375 %\n");
    assert_int_equal(run_line("sched replicas " CANDIDATES " --target 99.99%"),
                     0);
    assert_says(line_out, "price 0.19; no cheaper choice reaches the target");
    assert_int_equal(run_line("sched replicas " CANDIDATES
                              " --target 99.99% --fewest --json"),
                     0);
    answer = json();
    assert_int_equal(json_integer_value(json_object_get(answer, "replicas")),
                     2);
    assert_string_equal(js_text(answer, "price"), "0.53");
    json_decref(answer);
    assert_int_equal(
        run_line("sched replicas " CANDIDATES " --target 99.9999999999%"),
        EXIT_POLICY);
    assert_says(line_err,
                "the best 5 that may stand together reach 99.999999500 %");
    assert_int_equal(
        run_line("sched replicas --target 100% --availability 99%"),
        EXIT_POLICY);
}

static int finish(void **state)
{
    (void)state;
    free(line_out);
    free(line_err);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_answered_with_a_plan),
        cmocka_unit_test(a_budget_is_answered_with_the_best),
        cmocka_unit_test(every_number_of_services_stands_in_the_frontier),
        cmocka_unit_test(the_table_is_the_published_one),
        cmocka_unit_test(what_is_out_of_reach_says_what_would_do),
        cmocka_unit_test(domains_that_fail_bound_what_can_be_reached),
        cmocka_unit_test(costs_decide_where_they_are_given),
        cmocka_unit_test(the_plan_can_be_drawn),
        cmocka_unit_test(what_is_not_proven_is_said_and_long_lines_are_wrapped),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(replicas_are_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, finish);
}
