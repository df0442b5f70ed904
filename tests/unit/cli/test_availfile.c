#include "cli/file/availfile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct availfile file;
static struct avail_system system_read;
static char error[YAMLFILE_ERROR_MAX];

static enum err parse(const char *text)
{
    enum err err = availfile_parse(bytes_str(text), "f.yaml", &file, error);
    if (err == OK)
        err = availfile_system(&file, "f.yaml", &system_read, error);
    return err;
}

static void assert_refused(const char *text, const char *expected)
{
    assert_int_equal(parse(text), ERR_PARSE);
    if (strncmp(error, expected, strlen(expected)) != 0)
        fail_msg("\"%s\", not \"%s\"", error, expected);
}

static void a_system_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse("# comment\n"
                           "availability: 99%\n"
                           "backups: 1\n"
                           "domains: 4\n"
                           "modules:\n"
                           "  trading: [market, matching]\n"
                           "  decision:\n"
                           "    backups: 3\n"
                           "    availability: 0.995\n"
                           "    submodules:\n"
                           "      placing: 99.9%\n"
                           "      routing: default\n"
                           "  gateway: {submodules: [all]}\n"),
                     OK);
    assert_int_equal(system_read.count, 3);
    assert_int_equal(system_read.domains, 4);
    assert_string_equal(file.modules[1].name, "decision");
    assert_string_equal(file.modules[1].parts[1].name, "routing");
    assert_int_equal(system_read.modules[0].count, 2);
    assert_int_equal(system_read.modules[0].instances, 2);
    assert_int_equal(system_read.modules[0].cost, 1);
    assert_int_equal(system_read.modules[1].instances, 4);
    assert_true(system_read.modules[0].down[1] == 0.01);
    assert_true(system_read.modules[1].down[0] == 0.001);
    assert_true(system_read.modules[1].down[1] == 0.005);
    assert_true(system_read.modules[2].down[0] == 0.01);
    assert_false(availfile_has_costs(&file));
}

static void json_is_read_too(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"availability\": 0.99, \"modules\": "
                           "{\"a\": [\"x\", \"y\"], \"b\": {\"submodules\": "
                           "{\"z\": \"99.5%\"}}}}"),
                     OK);
    assert_int_equal(system_read.count, 2);
    assert_true(system_read.modules[1].down[0] == 0.005);
    assert_int_equal(system_read.modules[0].instances, 3); /* two backups */
}

static void costs_are_of_all_instances(void **state)
{
    (void)state;
    assert_int_equal(parse("availability: 99%\n"
                           "modules:\n"
                           "  a: {cost: 5, backups: 3, submodules: [x]}\n"
                           "  b: [y, z]\n"),
                     OK);
    assert_true(availfile_has_costs(&file));
    assert_int_equal(system_read.modules[0].cost, 20);
    assert_int_equal(system_read.modules[1].cost, 3);
}

/* What is read from a file without a byte has no memory at all. */
static void an_empty_file_is_refused(void **state)
{
    (void)state;
    assert_int_equal(
        availfile_parse(bytes_make(NULL, 0), "f.yaml", &file, error),
        ERR_PARSE);
    assert_string_equal(error, "f.yaml:1: the file is empty");
}

static void bad_files_are_refused_with_their_line(void **state)
{
    (void)state;
    assert_refused("", "f.yaml:1: the file is empty");
    assert_refused("- a\n", "f.yaml:1: a system is a mapping");
    assert_refused("a: [\n", "f.yaml:1: there is no field \"a\" here; there");
    assert_refused("availability: 99%\n", "f.yaml:1: the system has no modul");
    assert_refused("modules: {}\n", "f.yaml:1: the system has no modules");
    assert_refused("modules: [a]\n", "f.yaml:1: modules: a mapping belongs");
    assert_refused("modules:\n  a: [x]\n  a: [y]\n",
                   "f.yaml:3: the module a stands here a second time");
    assert_refused("modules:\n  a: [x, x]\n",
                   "f.yaml:2: a has the submodule x a second time");
    assert_refused("modules:\n  a: []\n", "f.yaml:2: the module a has no sub");
    assert_refused("modules:\n  a: {backups: 2}\n",
                   "f.yaml:2: the module a has no submodules");
    assert_refused("modules:\n  a: x\n", "f.yaml:2: a: a list of submodules");
    assert_refused("modules:\n  a: [[x]]\n", "f.yaml:2: a plain value belongs");
    assert_refused("modules:\n  a: {submodules: {x: [1]}}\n",
                   "f.yaml:2: a plain value belongs");
    assert_refused("backups: 2\nbackups: 3\n",
                   "f.yaml:2: backups stands here a second time");
    assert_refused("backups: -1\n",
                   "f.yaml:1: backups: \"-1\" is not a whole number from 0 to");
    assert_refused("domains: 0\n", "f.yaml:1: domains: \"0\" is not a whole");
    assert_refused("availability: 99.9\n",
                   "f.yaml:1: availability: \"99.9\" is not above 0 and at "
                   "most 1; is 99.9% meant?");
    assert_refused("availability: good\n",
                   "f.yaml:1: availability: \"good\" is not an availability");
    assert_refused("modules:\n  a: {weight: 3}\n",
                   "f.yaml:2: there is no field \"weight\" here; there are "
                   "backups, cost, availability, submodules");
    assert_refused("modules: {a: &x [y]}\n", "f.yaml:1: anchors");
    assert_refused("modules: {a: *x}\n", "f.yaml:1: aliases");
    assert_refused("modules: {a: !x [y]}\n", "f.yaml:1: tags");
    assert_refused("modules: {a: [\"\"]}\n", "f.yaml:1: a name is empty");
    assert_refused("modules: {a: [\"\\e[2J\"]}\n", "f.yaml:1: a control");
    assert_refused("availability: 0.9\nmodules: {a: [x]}\n---\nb: c\n",
                   "f.yaml:3: a second document");
}

static void what_is_not_said_is_missed_with_its_module(void **state)
{
    (void)state;
    assert_refused("modules:\n  a: {submodules: {x: 99%}}\n  b: [y]\n",
                   "f.yaml:3: y of b has no availability");
}

static void instances_want_domains(void **state)
{
    (void)state;
    assert_int_equal(parse("availability: 99%\ndomains: 3\nmodules:\n"
                           "  a: [x]\n  b: {backups: 3, submodules: [y]}\n"),
                     ERR_CAPACITY);
    assert_non_null(strstr(error, "f.yaml:5: b wants 4 instances"));
}

static void failing_domains_want_equal_instances(void **state)
{
    (void)state;
    assert_int_equal(parse("availability: 99%\ndomain_availability: 99.9%\n"
                           "modules: {a: [x]}\n"),
                     OK);
    assert_true(file.domain_down == 0.001);
    assert_refused("availability: 99%\ndomain_availability: 99.9%\nmodules:\n"
                   "  a: [x]\n  b: {backups: 3, submodules: [y]}\n",
                   "f.yaml:5: b has 4 instances; where domains fail");
    assert_refused("availability: 99%\ndomain_availability: 99.9%\n"
                   "backups: 8\nmodules: {a: [x]}\n",
                   "f.yaml:4: a has 9 instances");
}

static void too_much_is_refused(void **state)
{
    struct buf text;
    (void)state;
    buf_init(&text, 1u << 20);
    buf_addf(&text, "modules:\n  a: [");
    for (unsigned j = 0; j <= AVAIL_PARTS_MAX; j++)
        buf_addf(&text, "x%u, ", j);
    buf_addf(&text, "]\n");
    assert_refused(buf_cstr(&text), "f.yaml:2: a has more than 64 submodules");
    buf_clear(&text);
    buf_addf(&text, "modules:\n");
    for (unsigned j = 0; j <= AVAIL_MODULES_MAX; j++)
        buf_addf(&text, "  m%u: [x]\n", j);
    assert_refused(buf_cstr(&text), "f.yaml:66: there are more than 64");
    buf_clear(&text);
    buf_addf(&text, "modules: {a: [%080d]}", 1);
    assert_refused(buf_cstr(&text), "f.yaml:1: the name \"0000");
    buf_clear(&text);
    while (text.len <= YAMLFILE_BYTES_MAX)
        buf_addf(&text, "# %080d\n", 1);
    assert_int_equal(parse(buf_cstr(&text)), ERR_TOO_LARGE);
    assert_string_equal(error, "f.yaml:1: the file is larger than 524288 "
                               "bytes");
    buf_done(&text);
    assert_refused("availability: 99%\nmodules: {a: {cost: 60000, submodules: "
                   "[x]}}\n",
                   "f.yaml:1: fully split the instances cost more than 65536");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_system_is_read),
        cmocka_unit_test(json_is_read_too),
        cmocka_unit_test(costs_are_of_all_instances),
        cmocka_unit_test(an_empty_file_is_refused),
        cmocka_unit_test(bad_files_are_refused_with_their_line),
        cmocka_unit_test(what_is_not_said_is_missed_with_its_module),
        cmocka_unit_test(instances_want_domains),
        cmocka_unit_test(failing_domains_want_equal_instances),
        cmocka_unit_test(too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
