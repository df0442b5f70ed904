#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sched/lab/csv.h"

static void start(struct csv *csv, const char *text)
{
    csv_init(csv, "t.csv", bytes_str(text));
}

static void fails(const char *text, const char *column, enum err err,
                  const char *error)
{
    struct csv csv;
    start(&csv, text);
    uint32_t at = csv_need(&csv, column);
    while (csv_next(&csv))
        (void)csv_uint(&csv, at, 100);
    assert_int_equal(csv.err, err);
    assert_string_equal(csv.error, error);
}

static void columns_are_found_by_name(void **state)
{
    struct csv csv;
    (void)state;
    start(&csv, "\xef\xbb\xbf name, CPU ,mem\r\n"
                "a,3,4\r\n"
                "\n"
                "b,5.0\n"
                "c,,7");
    uint32_t cpu = csv_need(&csv, "cpu");
    uint32_t mem = csv_find(&csv, "mem");
    assert_int_equal(csv_find(&csv, "disk"), CSV_NONE);
    assert_true(csv_next(&csv));
    assert_int_equal(csv_uint(&csv, cpu, 100), 3);
    assert_int_equal(csv_uint(&csv, mem, 100), 4);
    assert_int_equal(csv_uint(&csv, CSV_NONE, 100), 0);
    assert_true(csv_next(&csv));
    assert_int_equal(csv.line, 4);
    assert_int_equal(csv_uint(&csv, cpu, 100), 5);
    assert_int_equal(csv_uint(&csv, mem, 100), 0); /* the row ends early */
    assert_true(csv_next(&csv));
    assert_int_equal(csv_uint(&csv, cpu, 100), 0); /* empty */
    assert_int_equal(csv_uint(&csv, mem, 100), 7);
    assert_false(csv_next(&csv));
    assert_int_equal(csv.err, OK);
}

static void fields_may_stand_in_quotes(void **state)
{
    struct csv csv;
    (void)state;
    start(&csv, "\"name\", \"CPU\" ,\"what, and why\"\r\n"
                "\"a, b\",\"3\",\"two\nlines, \"\"so\"\"\"\r\n"
                "5\" disk,\"4.0\",\"\"\n"
                "\n"
                "c,\"x\"\n");
    uint32_t cpu = csv_need(&csv, "cpu");
    assert_int_equal(csv.column_count, 3);
    assert_true(csv_next(&csv));
    assert_true(bytes_equal(csv_text(&csv, 0), bytes_str("a, b")));
    assert_int_equal(csv_uint(&csv, cpu, 100), 3);
    assert_true(
        bytes_equal(csv_text(&csv, 2), bytes_str("two\nlines, \"\"so\"\"")));
    assert_true(csv_next(&csv));
    assert_int_equal(csv.line, 4);
    assert_true(bytes_equal(csv_text(&csv, 0), bytes_str("5\" disk")));
    assert_int_equal(csv_uint(&csv, cpu, 100), 4);
    assert_int_equal(csv_text(&csv, 2).len, 0);
    assert_true(csv_next(&csv));
    assert_int_equal(csv_uint(&csv, cpu, 100), 0);
    assert_string_equal(csv.error, "t.csv:6: CPU is \"x\", not a whole number "
                                   "from 0 to 100");
}

static void errors_name_file_and_line(void **state)
{
    (void)state;
    fails("", "cpu", ERR_PARSE,
          "t.csv:0: the file is empty; its first line names the columns");
    fails("a,b\n1,2\n", "cpu", ERR_PARSE,
          "t.csv:1: there is no column cpu; the first line names the columns, "
          "with commas between them");
    fails("cpu\n1\n\nx\n", "cpu", ERR_PARSE,
          "t.csv:4: cpu is \"x\", not a whole number from 0 to 100");
    fails("cpu\n101\n", "cpu", ERR_PARSE,
          "t.csv:2: cpu is \"101\", not a whole number from 0 to 100");
    fails("cpu\n1,2\n", "cpu", ERR_PARSE,
          "t.csv:2: the row has more fields than the 1 columns of the first "
          "line");
    fails("cpu\n1\n\"2\n3\n", "cpu", ERR_PARSE,
          "t.csv:3: a quoted field does not end");
    fails("cpu\n\"1\"2\n", "cpu", ERR_PARSE,
          "t.csv:2: behind a quoted field there is neither a comma nor the end "
          "of the line");
    fails("\"cpu", "cpu", ERR_PARSE, "t.csv:1: a quoted field does not end");
}

static void only_whole_numbers_are_numbers(void **state)
{
    static const char *const odd[] = {"-1",
                                      "+1",
                                      "1.5",
                                      "1e3",
                                      "0x1",
                                      "1 2",
                                      ".0",
                                      "1.0x",
                                      "1..",
                                      "99999999"
                                      "9999999999"
                                      "99"};
    (void)state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        char text[64];
        struct csv csv;
        snprintf(text, sizeof(text), "n\n%s\n", odd[i]);
        start(&csv, text);
        assert_true(csv_next(&csv));
        assert_int_equal(csv_uint(&csv, 0, UINT64_MAX), 0);
        assert_int_equal(csv.err, ERR_PARSE);
    }
}

static void foreign_bytes_are_made_visible(void **state)
{
    struct csv csv;
    (void)state;
    start(&csv, "n\n\x1b[31m0123456789012345678901234567890123456789\n");
    assert_true(csv_next(&csv));
    (void)csv_uint(&csv, 0, 9);
    assert_string_equal(
        csv.error,
        "t.csv:2: n is \"?[31m01234567890123456789012345678901234...\""
        ", not a whole number from 0 to 9");
}

static void the_first_error_is_kept(void **state)
{
    struct csv csv;
    (void)state;
    start(&csv, "n\nx\ny\n");
    assert_true(csv_next(&csv));
    (void)csv_uint(&csv, 0, 9);
    csv_refuse(&csv, ERR_RANGE, "something else");
    assert_int_equal(csv.err, ERR_PARSE);
    assert_false(csv_next(&csv));
    assert_non_null(strstr(csv.error, "\"x\""));
}

static void too_many_columns_are_refused(void **state)
{
    char text[2 * CSV_FIELDS_MAX + 4];
    struct csv csv;
    (void)state;
    memset(text, ',', CSV_FIELDS_MAX);
    text[CSV_FIELDS_MAX] = '\0';
    start(&csv, text);
    assert_int_equal(csv.err, ERR_TOO_LARGE);
    text[CSV_FIELDS_MAX - 1] = '\0';
    start(&csv, text);
    assert_int_equal(csv.err, OK);
    assert_int_equal(csv.column_count, CSV_FIELDS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_found_by_name),
        cmocka_unit_test(fields_may_stand_in_quotes),
        cmocka_unit_test(errors_name_file_and_line),
        cmocka_unit_test(only_whole_numbers_are_numbers),
        cmocka_unit_test(foreign_bytes_are_made_visible),
        cmocka_unit_test(the_first_error_is_kept),
        cmocka_unit_test(too_many_columns_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
