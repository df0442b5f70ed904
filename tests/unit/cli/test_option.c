/* Numbers that options are given, as somebody at a terminal meets them. */

#include "tests/unit/cli/run_line.h"

#define EMBED                                                                  \
    "sched embed --topology " SUAN_SOURCE_DIR                                  \
    "/docs/examples/sched/backbone.gml --requests 3 "

static void refused(const char *line, const char *what)
{
    assert_int_equal(run_line(line), EXIT_USAGE);
    assert_says(line_err, what);
    assert_string_equal(line_out, "");
}

static void a_number_beyond_its_bounds_is_refused(void **state)
{
    (void)state;
    refused(EMBED "--seeds 0",
            "--seeds: \"0\" is not a number from 1 to 1000. Try: a whole");
    refused(EMBED "--seeds 1001", "--seeds: \"1001\" is not a number from 1");
    refused(EMBED "--seeds 1x", "--seeds: \"1x\" is not a number");
    refused(EMBED "--moves 1000001",
            "--moves: \"1000001\" is not a number from 0");
}

static void a_rate_is_positive_and_no_more_than_a_million(void **state)
{
    static const char *const wrong[] = {"0",     "-1",  "1e7", "x",
                                        "1e999", "nan", "1y"};
    char line[400];
    char what[100];
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        (void)snprintf(line, sizeof(line), EMBED "--rate %s", wrong[i]);
        (void)snprintf(what, sizeof(what),
                       "--rate: \"%s\" is not a number from 0.000001 to "
                       "1000000. Try: a number such as 0.16",
                       wrong[i]);
        refused(line, what);
    }
}

static void what_is_within_them_is_taken(void **state)
{
    (void)state;
    assert_int_equal(run_line(EMBED "--rate 1e-2 --moves 0"), 0);
    assert_says(line_out, "3 requests at rate 0.01");
    assert_int_equal(run_line(EMBED "--rate 1000000"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_beyond_its_bounds_is_refused),
        cmocka_unit_test(a_rate_is_positive_and_no_more_than_a_million),
        cmocka_unit_test(what_is_within_them_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
