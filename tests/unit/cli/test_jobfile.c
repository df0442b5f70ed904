#include "cli/file/jobfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct order order;
static char error[JOBFILE_ERROR_MAX];

static enum err parse(const char *text)
{
    order_done(&order);
    order_init(&order);
    return jobfile_parse(bytes_str(text), "job.yaml", "/base", &order, error);
}

static void yaml_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse("# a comment\n"
                           "name: tiles\n"
                           "image: povray\n"
                           "command: [povray, +Iscene.pov, \"+K%t\"]\n"
                           "cpus: 0.5\n"
                           "mem: 256M\n"
                           "disk: 1G\n"
                           "time: 10m\n"
                           "tasks: 16\n"
                           "attempts: 3\n"
                           "env:\n"
                           "  QUALITY: 9\n"
                           "  EMPTY: \"\"\n"
                           "in:\n"
                           "  - scene.pov\n"
                           "  - textures:tex\n"
                           "out: '*.png'\n"
                           "policy: fastest\n"
                           "max_price: 0.10\n"
                           "constraints: [zone=eu, \"!spot\"]\n"),
                     OK);
    assert_string_equal(order.name, "tiles");
    assert_int_equal(order.arg_count, 3);
    assert_string_equal(order.args[2], "+K%t");
    assert_int_equal(order.resources.cpu_milli, 500);
    assert_int_equal(order.tasks, 16);
    assert_int_equal(order.env_count, 2);
    assert_string_equal(order.env[0], "QUALITY=9");
    assert_string_equal(order.env[1], "EMPTY=");
    assert_string_equal(order.inputs[0].host, "/base/scene.pov");
    assert_string_equal(order.inputs[1].dest, "tex");
    assert_string_equal(order.outputs[0], "*.png");
    assert_string_equal(order.policy, "fastest");
    assert_int_equal(order.price_max.micro, 100000);
    assert_int_equal(order.constraint_count, 2);
}

static void json_is_read_by_the_same_eyes(void **state)
{
    (void)state;
    assert_int_equal(parse("{\n\t\"command\": [\"echo\", \"a \\\"b\\\" \\u00e4"
                           "\"],\n\t\"mem\": \"512M\",\n"
                           "\t\"tasks\": 2, \"env\": {\"A\": \"b\"},\n"
                           "\t\"out\": [\"a/*.txt\"]\n}\n"),
                     OK);
    assert_string_equal(order.args[1], "a \"b\" \xc3\xa4");
    assert_int_equal(order.tasks, 2);
    assert_string_equal(order.env[0], "A=b");
}

static void a_command_of_one_text_runs_under_the_shell(void **state)
{
    (void)state;
    assert_int_equal(parse("command: echo hi > /job/out/x\n"), OK);
    assert_int_equal(order.arg_count, 3);
    assert_string_equal(order.args[0], "sh");
    assert_string_equal(order.args[1], "-c");
    assert_string_equal(order.args[2], "echo hi > /job/out/x");
}

static void env_may_be_a_list(void **state)
{
    (void)state;
    assert_int_equal(parse("command: [x]\nenv: [A=1, B=2]\n"), OK);
    assert_int_equal(order.env_count, 2);
}

/* The message, word for word: it names file, line and field. */
static void each_refusal_names_the_line(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"", "job.yaml:1: the file is empty"},
        {"- a\n- b\n", "job.yaml:1: a job is a mapping: \"command: ...\""},
        {"hello\n", "job.yaml:1: a job is a mapping: \"command: ...\""},
        {"cpus: 1\n", "job.yaml:1: no command was given"},
        {"command: [x]\nmem: 512\n",
         "job.yaml:2: mem: \"512\" is not a size, such as 512M or 2G"},
        {"command: [x]\n\n\ncpus: many\n",
         "job.yaml:4: cpus: \"many\" is not a number of cores, such as 0.5 or "
         "2"},
        {"comand: [x]\n",
         "job.yaml:1: there is no field \"comand\"; did you mean "
         "\"command\"?"},
        {"command: [x]\nfrobnicate: 1\n",
         "job.yaml:2: there is no field \"frobnicate\""},
        {"command: [x]\ntime: 1h\ntime: 2h\n",
         "job.yaml:3: time stands here a second time"},
        {"command: [x]\nmem: [1G, 2G]\n",
         "job.yaml:2: mem: one value belongs here, not a list"},
        {"command: [x]\nmem: {a: b}\n",
         "job.yaml:2: mem: a mapping does not belong here"},
        {"command: [x, [y]]\n",
         "job.yaml:1: command: a list of plain values belongs here"},
        {"command: [x]\nenv: {A: [1]}\n",
         "job.yaml:2: a plain value belongs here"},
        {"command: [x]\nenv: {'A=B': 1}\n",
         "job.yaml:2: env: \"A=B\" is not a name of a variable"},
        {"command: [x]\nin:\n  - ok\n  - a:../b\n",
         "job.yaml:4: in: \"../b\" must be a relative path below /job/in"},
        {"command: &a [x]\n", "job.yaml:1: anchors (&name) are not used here"},
        {"command: [x]\nname: *a\n",
         "job.yaml:2: aliases (*name) are not used here"},
        {"command: !!str x\n", "job.yaml:1: tags (!name) are not used here"},
        {"command: [x]\n---\ncommand: [y]\n",
         "job.yaml:2: a second document starts here; one file is one job"},
        {"command: [\"a\\0b\"]\n",
         "job.yaml:1: a zero byte stands in the text"},
        {"? [a]\n: b\n", "job.yaml:1: a plain value belongs here"},
        {"command: [x]\nmax_price: free\n",
         "job.yaml:2: max_price: \"free\" is not an amount of credits, such as "
         "0.25"},
        {"command: [x]\nseller: me\n",
         "job.yaml:2: seller: \"me\" is not a provider's address"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(cases[i].text), ERR_PARSE);
        assert_string_equal(error, cases[i].error);
    }
}

/* What is read from a file without a byte has no memory at all. */
static void an_empty_file_is_refused(void **state)
{
    (void)state;
    assert_int_equal(
        jobfile_parse(bytes_make(NULL, 0), "job.yaml", "/base", &order, error),
        ERR_PARSE);
    assert_string_equal(error, "job.yaml:1: the file is empty");
}

static void broken_yaml_is_refused_with_its_line(void **state)
{
    static const char *const texts[] = {
        "command: [x\n",         "a: b: c\n",
        "\tcommand: x\n",        "command: \"x\n",
        "{\"command\": [\"x\"]", "command: [x]\n  mem: 1G\n",
        "%YAML 3.0\n---\n",      "command: \xff\xfe\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (parse(texts[i]) != ERR_PARSE)
            fail_msg("%s", texts[i]);
        assert_memory_equal(error, "job.yaml:", 9);
    }
}

static void a_file_beyond_the_limit_is_refused_unread(void **state)
{
    char *text = malloc(JOBFILE_BYTES_MAX + 2);
    (void)state;
    assert_non_null(text);
    memset(text, ' ', JOBFILE_BYTES_MAX + 1);
    text[JOBFILE_BYTES_MAX + 1] = '\0';
    assert_int_equal(parse(text), ERR_TOO_LARGE);
    assert_non_null(strstr(error, "larger than"));
    free(text);
}

static void deep_nesting_ends_at_the_first_level(void **state)
{
    char text[20000] = "command: ";
    (void)state;
    memset(text + 9, '[', sizeof(text) - 10);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(parse(text), ERR_PARSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml_is_read),
        cmocka_unit_test(json_is_read_by_the_same_eyes),
        cmocka_unit_test(a_command_of_one_text_runs_under_the_shell),
        cmocka_unit_test(env_may_be_a_list),
        cmocka_unit_test(each_refusal_names_the_line),
        cmocka_unit_test(an_empty_file_is_refused),
        cmocka_unit_test(broken_yaml_is_refused_with_its_line),
        cmocka_unit_test(a_file_beyond_the_limit_is_refused_unread),
        cmocka_unit_test(deep_nesting_ends_at_the_first_level),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    order_done(&order);
    return failed;
}
