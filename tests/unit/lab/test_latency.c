#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data.h"
#include "sched/lab/latency.h"

#define HEAD "| rtt (ms) | a | b |\n| --- | :---: | --- |\n"

static void fails(const char *text, enum err err, const char *error)
{
    char said[LAB_ERROR_MAX] = "";
    struct latency latency = {0};
    assert_int_equal(latency_parse(bytes_str(text), "t.md", &latency, said),
                     err);
    assert_string_equal(said, error);
    assert_null(latency.tables);
}

static void the_example_is_read(void **state)
{
    char error[LAB_ERROR_MAX];
    struct latency latency;
    struct buf text;
    (void)state;
    assert_int_equal(lab_file_read(SUAN_SOURCE_DIR
                                   "/docs/examples/sched/latency.md",
                                   65536, &text, error),
                     OK);
    assert_int_equal(
        latency_parse(buf_bytes(&text), "latency.md", &latency, error), OK);
    assert_int_equal(latency.count, 1);
    assert_int_equal(latency.tables[0].line, 5);
    assert_int_equal(latency.tables[0].count, 4);
    assert_string_equal(latency.tables[0].names[3], "Split");
    assert_int_equal(latency.tables[0].rtt_us[0][1], 31500);
    assert_int_equal(latency.tables[0].rtt_us[1][3], 9750);
    assert_int_equal(latency.tables[0].rtt_us[2][3], 0);
    assert_int_equal(latency_between(&latency.tables[0], 2, 3), 49100);
    assert_int_equal(latency_between(&latency.tables[0], 1, 0), 31500);
    assert_int_equal(latency_between(&latency.tables[0], 1, 1), 0);
    latency_done(&latency);
    buf_done(&text);
}

static void other_tables_and_text_are_passed_over(void **state)
{
    char error[LAB_ERROR_MAX];
    struct latency latency;
    (void)state;
    assert_int_equal(latency_parse(bytes_str("| Price | x |\n| --- | --- |\n"
                                             "| 3 | 4 | 5 |\n\nwords\n" HEAD
                                             "| a | | 0.0 |\r\n| b | - | |\n\n"
                                             "| rtt (us) | c | d |\n"
                                             "| d | 17 | |"),
                                   "t.md", &latency, error),
                     OK);
    assert_int_equal(latency.count, 2);
    assert_int_equal(latency.tables[0].rtt_us[0][1], 1);
    assert_int_equal(latency.tables[1].rtt_us[1][0], 17);
    latency_done(&latency);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    fails("", ERR_PARSE,
          "t.md:0: no table whose first cell ends in (ms) or (us)");
    fails("\n| (ms) | a |\n", ERR_PARSE,
          "t.md:2: a matrix has at least two places");
    fails("| (ms) | a | a |\n", ERR_PARSE,
          "t.md:1: place 2 has the name of another one");
    fails("| (ms) | a |  |\n", ERR_PARSE,
          "t.md:1: the name of place 2 is empty or longer than 47 bytes");
    fails(HEAD "| c | 1 | 2 |\n", ERR_PARSE,
          "t.md:3: the row's name is not in the head");
    fails(HEAD "| a | | 2 |\n| a | | 2 |\n", ERR_PARSE,
          "t.md:4: a has a row already");
    fails(HEAD "| a | | 2 | 3 |\n", ERR_PARSE,
          "t.md:3: more cells than the head has");
    fails(HEAD "| a | 2 |\n", ERR_PARSE, "t.md:3: 1 cells, and the head has 2");
    fails(HEAD "| a | | fast |\n", ERR_PARSE,
          "t.md:3: a to b: not a number up to 600 s");
    fails(HEAD "| a | | -1 |\n", ERR_PARSE,
          "t.md:3: a to b: not a number up to 600 s");
    fails(HEAD "| a | | 600001 |\n", ERR_PARSE,
          "t.md:3: a to b: not a number up to 600 s");
    fails(HEAD "| a | | 1.2.3 |\n", ERR_PARSE,
          "t.md:3: a to b: not a number up to 600 s");
}

static void the_published_matrices_are_read(void **state)
{
    char error[LAB_ERROR_MAX];
    struct latency latency;
    uint8_t *text = NULL;
    size_t len = 0;
    uint32_t large = 0;
    (void)state;
    if (!data_read("rtt/ibm-network-latency.md", &text, &len)) {
        print_message("skipped: no rtt/ibm-network-latency.md; set "
                      "SUAN_DATA\n");
        skip();
    }
    assert_int_equal(
        latency_parse(bytes_make(text, len), "ibm", &latency, error), OK);
    assert_int_equal(latency.count, 70);
    for (uint32_t i = 0; i < latency.count; i++)
        large += latency.tables[i].count == 13;
    assert_int_equal(large, 5);
    assert_string_equal(latency.tables[0].names[2], "Washington DC");
    assert_int_equal(latency.tables[0].rtt_us[7][12], 363000);
    assert_int_equal(latency.tables[0].rtt_us[12][7], 369000);
    latency_done(&latency);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_read),
        cmocka_unit_test(other_tables_and_text_are_passed_over),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(the_published_matrices_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
