#include "sched/lab/wfformat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "data.h"

static char error[WFFORMAT_ERROR_MAX];

static enum err parse(const char *text, struct wfformat *out)
{
    return wfformat_parse(bytes_str(text), "f.json", out, error);
}

static void assert_refused(const char *text, const char *expected)
{
    struct wfformat wf;
    assert_int_equal(parse(text, &wf), ERR_PARSE);
    if (strncmp(error, expected, strlen(expected)) != 0)
        fail_msg("\"%s\", not \"%s\"", error, expected);
}

#define WRAP(tasks, files, runs)                                               \
    "{\"name\":\"n\",\"workflow\":{\"specification\":{\"tasks\":[" tasks       \
    "],\"files\":[" files "]},\"execution\":{\"makespanInSeconds\":7.5,"       \
    "\"tasks\":[" runs "]}}}"

static const char *const two = WRAP(
    "{\"id\":\"a\",\"name\":\"x\",\"children\":[\"b\"],\"inputFiles\":[\"f\"],"
    "\"outputFiles\":[\"g\"]},"
    "{\"id\":\"b\",\"name\":\"x\",\"parents\":[\"a\"],\"inputFiles\":[\"g\","
    "\"f\"]}",
    "{\"id\":\"f\",\"sizeInBytes\":10},{\"id\":\"g\",\"sizeInBytes\":20}",
    "{\"id\":\"a\",\"runtimeInSeconds\":1.5},{\"id\":\"b\","
    "\"runtimeInSeconds\":2,\"coreCount\":4,\"memoryInBytes\":1048577}");

static void tasks_files_and_needs_are_read(void **state)
{
    struct wfformat wf;
    uint32_t task = 0;
    (void)state;
    assert_int_equal(parse(two, &wf), OK);
    assert_string_equal(wf.title, "n");
    assert_int_equal(wf.recorded_us, 7500000);
    assert_int_equal(wf.workflow.task_count, 2);
    assert_string_equal(wf.task_names[1], "b");
    assert_int_equal(wf.workflow.tasks[0].work_us, 1500000);
    assert_int_equal(wf.workflow.tasks[0].cores, 1);
    assert_int_equal(wf.workflow.tasks[1].cores, 4);
    assert_int_equal(wf.workflow.tasks[1].memory_mib, 2);
    assert_int_equal(wf.workflow.file_count, 2);
    assert_string_equal(wf.file_names[0], "g");
    assert_string_equal(wf.file_names[1], "f");
    assert_int_equal(wf.workflow.files[1].producer, WORKFLOW_NONE);
    wf.workflow.files[1].site = 3;
    assert_int_equal(workflow_close(&wf.workflow, &task), OK);
    assert_int_equal(wf.workflow.edge_count, 1);
    assert_int_equal(wf.workflow.edges[0].bytes, 20);
    assert_int_equal(wf.workflow.input_count, 2);
    assert_int_equal(wf.workflow.inputs[1].bytes, 10);
    wfformat_done(&wf);
}

static void older_schemas_are_read(void **state)
{
    struct wfformat wf;
    uint32_t task = 0;
    (void)state;
    assert_int_equal(
        parse("{\"workflow\":{\"makespan\":3,\"tasks\":["
              "{\"name\":\"a\",\"runtime\":1,\"files\":[{\"link\":\"Output\","
              "\"name\":\"f\",\"size\":5}]},"
              "{\"name\":\"b\",\"runtimeInSeconds\":2,\"cores\":2,\"parents\":"
              "[\"a\"],\"files\":[{\"link\":\"input\",\"name\":\"f\","
              "\"sizeInBytes\":5}]}]}}",
              &wf),
        OK);
    assert_int_equal(workflow_close(&wf.workflow, &task), OK);
    assert_int_equal(wf.workflow.edge_count, 1);
    assert_int_equal(wf.workflow.edges[0].bytes, 5);
    assert_int_equal(wf.workflow.tasks[1].cores, 2);
    wfformat_done(&wf);
}

/* "memory" of a task was in KB; "size" of a file never was, whatever the old
 * schemas say. */
static void memory_of_older_schemas_is_in_kilobytes(void **state)
{
    struct wfformat wf;
    (void)state;
    assert_int_equal(parse("{\"schemaVersion\":\"1.3\",\"workflow\":{\"jobs\":["
                           "{\"name\":\"a\",\"runtime\":1,\"memory\":4000000},"
                           "{\"name\":\"b\",\"runtime\":1,\"memory\":4000000,"
                           "\"memoryInBytes\":1048576}]}}",
                           &wf),
                     OK);
    assert_int_equal(wf.workflow.tasks[0].memory_mib, 3815);
    assert_int_equal(wf.workflow.tasks[1].memory_mib, 1);
    wfformat_done(&wf);
    assert_refused("{\"workflow\":{\"tasks\":[{\"name\":\"a\",\"runtime\":1,"
                   "\"memory\":1e13}]}}",
                   "f.json: a: memory is not one of its range");
}

static void a_workflow_may_have_no_files(void **state)
{
    struct wfformat wf;
    (void)state;
    assert_int_equal(
        parse("\xef\xbb\xbf{\"workflow\":{\"specification\":{\"tasks\":["
              "{\"id\":\"a\",\"name\":\"a\",\"parents\":[],\"children\":[]}]},"
              "\"execution\":{\"tasks\":[{\"id\":\"a\",\"runtimeInSeconds\":1"
              "}]}}}",
              &wf),
        OK);
    assert_int_equal(wf.workflow.file_count, 0);
    wfformat_done(&wf);
}

static uint32_t edges_into(const struct workflow *workflow, uint32_t task)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < workflow->edge_count; i++)
        count += workflow->edges[i].to == task && workflow->edges[i].bytes > 0;
    return count;
}

/* Parents may be told by name, and by the parent alone. */
static void parents_of_files_are_known_from_either_side(void **state)
{
    struct wfformat wf;
    uint32_t task = 0;
    (void)state;
    assert_int_equal(
        parse("{\"workflow\":{\"tasks\":["
              "{\"name\":\"a\",\"id\":\"1\",\"runtime\":1,\"files\":["
              "{\"link\":\"output\",\"name\":\"f\",\"size\":5}]},"
              "{\"name\":\"b\",\"id\":\"2\",\"runtime\":1,\"files\":["
              "{\"link\":\"output\",\"name\":\"f\",\"size\":5}]},"
              "{\"name\":\"c\",\"id\":\"3\",\"runtime\":1,\"parents\":["
              "\"a\",\"b\"],\"files\":["
              "{\"link\":\"input\",\"name\":\"f\",\"size\":5}]}]}}",
              &wf),
        OK);
    assert_int_equal(workflow_close(&wf.workflow, &task), OK);
    assert_int_equal(edges_into(&wf.workflow, 2), 2);
    wfformat_done(&wf);
    assert_int_equal(
        parse(WRAP("{\"id\":\"a\",\"outputFiles\":[\"f\"],\"children\":[\"c\"]"
                   "},{\"id\":\"b\",\"outputFiles\":[\"f\"]},"
                   "{\"id\":\"c\",\"inputFiles\":[\"f\"]}",
                   "{\"id\":\"f\",\"sizeInBytes\":10}",
                   "{\"id\":\"a\",\"runtimeInSeconds\":1},"
                   "{\"id\":\"b\",\"runtimeInSeconds\":1},"
                   "{\"id\":\"c\",\"runtimeInSeconds\":1}"),
              &wf),
        OK);
    assert_int_equal(workflow_close(&wf.workflow, &task), OK);
    assert_int_equal(edges_into(&wf.workflow, 2), 1);
    wfformat_done(&wf);
}

static void a_file_that_several_write_comes_from_the_parents(void **state)
{
    struct wfformat wf;
    uint32_t task = 0;
    (void)state;
    assert_int_equal(
        parse(WRAP("{\"id\":\"a\",\"inputFiles\":[\"f\"],\"outputFiles\":"
                   "[\"f\"]},"
                   "{\"id\":\"b\",\"outputFiles\":[\"f\"]},"
                   "{\"id\":\"c\",\"inputFiles\":[\"f\"],\"parents\":[\"b\"]}",
                   "{\"id\":\"f\",\"sizeInBytes\":10}",
                   "{\"id\":\"a\",\"runtimeInSeconds\":1},"
                   "{\"id\":\"b\",\"runtimeInSeconds\":1},"
                   "{\"id\":\"c\",\"runtimeInSeconds\":1}"),
              &wf),
        OK);
    assert_int_equal(workflow_close(&wf.workflow, &task), OK);
    assert_int_equal(wf.workflow.edge_count, 1);
    assert_int_equal(wf.workflow.edges[0].from, 1);
    assert_int_equal(wf.workflow.edges[0].to, 2);
    wfformat_done(&wf);
}

static void bad_files_are_refused_with_the_reason(void **state)
{
    struct wfformat wf;
    (void)state;
    assert_refused("{\n\n?", "f.json: line 3: ");
    assert_int_equal(wfformat_parse(bytes_make(NULL, 0), "f.json", &wf, error),
                     ERR_PARSE);
    assert_string_equal(error, "f.json: the file is empty. Try: a file of "
                               "WfFormat 1.5");
    assert_refused(
        "{\"workflow\":{\"specification\":{\"tasks\":[{\"id\":\"a\"}]"
        "}}}",
        "f.json: there is no workflow.execution: ");
    assert_refused("{}", "f.json: there is no \"workflow\" in it. Try: ");
    assert_refused(WRAP("", "", ""),
                   "f.json: workflow.specification.tasks has no tasks");
    assert_refused(WRAP("{\"id\":\"a\"}", "", ""),
                   "f.json: task \"a\" is not among workflow.execution.tasks");
    assert_refused(WRAP("{\"id\":\"a\"}", "", "{\"id\":\"a\"}"),
                   "f.json: a: runtimeInSeconds is missing");
    assert_refused(
        WRAP("{\"id\":\"a\"}", "", "{\"id\":\"a\",\"runtimeInSeconds\":-1}"),
        "f.json: a: runtimeInSeconds is not one of its range");
    assert_refused(WRAP("{\"id\":\"a\"},{\"id\":\"a\"}", "",
                        "{\"id\":\"a\",\"runtimeInSeconds\":1}"),
                   "f.json: tasks[1]: \"a\" stands there a second time");
    assert_refused(WRAP("{\"id\":\"a\",\"parents\":[\"z\"]}", "",
                        "{\"id\":\"a\",\"runtimeInSeconds\":1}"),
                   "f.json: task \"a\" names \"z\", and there is no such");
    assert_refused(WRAP("{\"id\":\"a\",\"inputFiles\":[\"z\"]}", "",
                        "{\"id\":\"a\",\"runtimeInSeconds\":1}"),
                   "f.json: task \"a\": the file \"z\" has no size");
}

static void recorded_workflows_are_read(void **state)
{
    static const struct {
        const char *name;
        uint32_t tasks, edges;
    } files[] = {
        {"1000genome-chameleon-2ch-100k-001", 52, 76},
        {"bacass-dirt02-001", 11, 14},
        {"blast-chameleon-small-005", 43, 120},
        {"epigenomics-chameleon-hep-1seq-100k-001", 41, 48},
        {"helloworld-chain-5-chameleon", 5, 4},
        {"helloworld-forkjoin-10-chameleon", 10, 16},
        {"methylseq-dirt02-001", 36, 70},
        {"sarek-dirt02-001", 26, 50},
        {"scrnaseq-dirt02-001", 14, 17},
        {"srasearch-chameleon-10a-001", 22, 30},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct wfformat wf;
        char path[160];
        uint8_t *bytes = NULL;
        size_t len = 0;
        uint32_t task = 0;
        snprintf(path, sizeof(path), "workflows/%s.json", files[i].name);
        if (!data_read(path, &bytes, &len)) {
            print_message("%s is absent: set SUAN_DATA\n", path);
            skip();
        }
        if (wfformat_parse(bytes_make(bytes, len), path, &wf, error) != OK)
            fail_msg("%s", error);
        assert_int_equal(wf.workflow.task_count, files[i].tasks);
        assert_int_equal(workflow_close(&wf.workflow, &task), OK);
        assert_int_equal(wf.workflow.edge_count, files[i].edges);
        wfformat_done(&wf);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_files_and_needs_are_read),
        cmocka_unit_test(older_schemas_are_read),
        cmocka_unit_test(memory_of_older_schemas_is_in_kilobytes),
        cmocka_unit_test(a_workflow_may_have_no_files),
        cmocka_unit_test(parents_of_files_are_known_from_either_side),
        cmocka_unit_test(a_file_that_several_write_comes_from_the_parents),
        cmocka_unit_test(bad_files_are_refused_with_the_reason),
        cmocka_unit_test(recorded_workflows_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
