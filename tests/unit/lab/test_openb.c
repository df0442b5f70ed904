#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/lab/openb.h"
#include "tests/unit/lab/data.h"

#define NODES                                                                  \
    "sn,cpu_milli,memory_mib,gpu,model\n"                                      \
    "n0,64000,262144,2,P100\n"                                                 \
    "n1,96000,524288,0,\n"
#define PODS                                                                   \
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos\n"               \
    "p0,12000,16384,1,470,,LS\n"                                               \
    "p1,6000,12288,0,0,,BE\n"                                                  \
    "p2,88000,327680,2,1000,T4|P100,LS\n"

static enum err parse(const char *nodes, const char *pods, struct openb *out,
                      char error[LAB_ERROR_MAX])
{
    return openb_parse(bytes_str(nodes), "n.csv", bytes_str(pods), "p.csv", out,
                       error);
}

static void machines_and_asks_are_as_the_lines_say(void **state)
{
    char error[LAB_ERROR_MAX] = "";
    struct openb openb;
    (void)state;
    assert_int_equal(parse(NODES, PODS, &openb, error), OK);
    assert_string_equal(error, "");
    assert_int_equal(openb.machine_count, 2);
    assert_int_equal(openb.machines[0].total.cpu_milli, 64000);
    assert_int_equal(openb.machines[0].free.mem_mib, 262144);
    assert_int_equal(openb.machines[0].device_count, 2);
    assert_int_equal(openb.machines[0].devices[1].free_milli, 1000);
    assert_int_equal(openb.machines[1].device_count, 0);
    assert_int_equal(openb.ask_count, 3);
    assert_int_equal(openb.asks[0].devices, 1);
    assert_int_equal(openb.asks[0].milli, 470);
    assert_int_equal(openb.asks[0].models, 0);
    assert_int_equal(openb.asks[1].devices, 0);
    assert_int_equal(openb.asks[2].devices, 2);
    assert_int_equal(openb.asks[2].want.mem_mib, 327680);
    assert_int_equal(openb.model_count, 2); /* nobody has a T4 */
    assert_string_equal(openb.models[1], "P100");
    assert_string_equal(openb.models[2], "T4");
    assert_int_equal(openb.asks[2].models, model_bit(1) | model_bit(2));
    openb_done(&openb);
}

static void columns_may_be_missing_or_elsewhere(void **state)
{
    char error[LAB_ERROR_MAX] = "";
    struct openb openb;
    (void)state;
    assert_int_equal(parse("memory_mib,disk_mib,cpu_milli\n1,2,3\n",
                           "num_gpu,memory_mib,cpu_milli\n"
                           "1,1,1\n"
                           ",2,2\n",
                           &openb, error),
                     OK);
    assert_int_equal(openb.machines[0].total.disk_mib, 2);
    assert_int_equal(openb.machines[0].device_count, 0);
    assert_int_equal(openb.asks[0].milli, DEVICE_MILLI); /* a whole one */
    assert_int_equal(openb.asks[1].devices, 0);
    openb_done(&openb);
}

static void refused(const char *nodes, const char *pods, enum err err,
                    const char *begins)
{
    struct openb openb = {.model_count = 77};
    char error[LAB_ERROR_MAX] = "";
    assert_int_equal(parse(nodes, pods, &openb, error), err);
    if (strncmp(error, begins, strlen(begins)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", error, begins);
    assert_int_equal(openb.model_count, 77);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    refused("", PODS, ERR_PARSE, "n.csv:0: the file is empty");
    refused("cpu_milli,memory_mib\n", PODS, ERR_PARSE,
            "n.csv:1: there is no node");
    refused("cpu_milli,gpu\n1,1\n", PODS, ERR_PARSE,
            "n.csv:1: there is no column memory_mib");
    refused("cpu_milli,memory_mib,gpu,model\n1,1,1,\n", PODS, ERR_PARSE,
            "n.csv:2: the node has devices");
    refused("cpu_milli,memory_mib,gpu,model\n1,1,17,T4\n", PODS, ERR_PARSE,
            "n.csv:2: gpu is \"17\", not a whole number from 0 to 16");
    refused(NODES, "cpu_milli,memory_mib\n", ERR_PARSE,
            "p.csv:1: there is no pod");
    refused(NODES, "cpu_milli,memory_mib,num_gpu,gpu_milli\n1,1,0,500\n",
            ERR_PARSE, "p.csv:2: gpu_milli is given");
    refused(NODES, "cpu_milli,memory_mib,num_gpu,gpu_milli\n1,1,1,1001\n",
            ERR_PARSE, "p.csv:2: gpu_milli is \"1001\"");
    refused(NODES, "cpu_milli,memory_mib\n1,4294967296\n", ERR_PARSE,
            "p.csv:2: memory_mib is \"4294967296\"");
}

static void models_are_bounded(void **state)
{
    char nodes[8192] = "cpu_milli,memory_mib,gpu,model\n";
    char error[LAB_ERROR_MAX] = "";
    struct openb openb;
    (void)state;
    for (unsigned i = 0; i < MODEL_MAX; i++)
        snprintf(nodes + strlen(nodes), sizeof(nodes) - strlen(nodes),
                 "1,1,1,M%u\n", i);
    assert_int_equal(parse(nodes, PODS + 0, &openb, error), ERR_RANGE);
    assert_int_equal(parse(nodes, "cpu_milli,memory_mib\n1,1\n", &openb, error),
                     OK);
    assert_int_equal(openb.model_count, MODEL_MAX);
    openb_done(&openb);
    refused("cpu_milli,memory_mib,gpu,model\n1,1,1,"
            "0123456789012345678901234567890123456789012345678901234567890123"
            "\n",
            PODS, ERR_PARSE, "n.csv:2: the name of a model");
}

static void many_lines_are_read(void **state)
{
    enum { LINES = 5000 };
    char error[LAB_ERROR_MAX] = "";
    struct openb openb;
    struct buf pods;
    (void)state;
    buf_init(&pods, 1 << 20);
    buf_addf(&pods, "cpu_milli,memory_mib\n");
    for (int i = 0; i < LINES; i++)
        buf_addf(&pods, "%d,1\n", i);
    assert_int_equal(parse(NODES, buf_cstr(&pods), &openb, error), OK);
    assert_int_equal(openb.ask_count, LINES);
    for (uint32_t i = 0; i < LINES; i++)
        assert_int_equal(openb.asks[i].want.cpu_milli, i);
    openb_done(&openb);
    buf_done(&pods);
}

static void the_example_can_be_read(void **state)
{
    char error[LAB_ERROR_MAX] = "";
    struct openb openb;
    (void)state;
    if (openb_read(SUAN_SOURCE_DIR "/docs/examples/sched/nodes.csv",
                   SUAN_SOURCE_DIR "/docs/examples/sched/pods.csv", &openb,
                   error) != OK)
        fail_msg("%s", error);
    assert_int_equal(openb.machine_count, 6);
    openb_done(&openb);
    assert_int_equal(openb_read("/nowhere", "/nowhere", &openb, error),
                     ERR_NOT_FOUND);
}

static void the_trace_can_be_read(void **state)
{
    char nodes[DATA_PATH_MAX];
    char pods[DATA_PATH_MAX];
    char error[LAB_ERROR_MAX] = "";
    uint64_t milli = 0;
    struct openb openb;
    (void)state;
    if (!data_path("openb/openb_node_list_gpu_node.csv", nodes) ||
        !data_path("openb/openb_pod_list_default.csv", pods)) {
        print_message("the openb trace is not here: skipped\n");
        skip();
    }
    if (openb_read(nodes, pods, &openb, error) != OK)
        fail_msg("%s", error);
    assert_int_equal(openb.machine_count, 1213);
    assert_int_equal(openb.ask_count, 8152);
    for (uint32_t i = 0; i < openb.machine_count; i++)
        milli += machine_total_milli(&openb.machines[i]);
    assert_int_equal(milli, 6212000);
    openb_done(&openb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machines_and_asks_are_as_the_lines_say),
        cmocka_unit_test(columns_may_be_missing_or_elsewhere),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(models_are_bounded),
        cmocka_unit_test(many_lines_are_read),
        cmocka_unit_test(the_example_can_be_read),
        cmocka_unit_test(the_trace_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
