#include "cli/order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct order order;
static char error[ORDER_ERROR_MAX];

static int setup(void **state)
{
    (void)state;
    order_init(&order);
    error[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    order_done(&order);
    return 0;
}

static bool set(const char *field, const char *value)
{
    return order_set(&order, field, value, NULL, error);
}

static void the_defaults_are_modest_and_whole(void **state)
{
    (void)state;
    assert_string_equal(order.image, "default");
    assert_int_equal(order.resources.cpu_milli, 1000);
    assert_int_equal(order.tasks, 1);
    assert_false(order_check(&order, error)); /* but for the command */
    assert_string_equal(error, "no command was given");
    assert_true(set("command", "true"));
    assert_true(order_check(&order, error));
}

static void every_field_takes_what_people_write(void **state)
{
    (void)state;
    assert_true(set("cpus", "0.5"));
    assert_int_equal(order.resources.cpu_milli, 500);
    assert_true(set("mem", "1.5G"));
    assert_int_equal(order.resources.mem_mib, 1536);
    assert_true(set("disk", "2G"));
    assert_int_equal(order.resources.disk_mib, 2048);
    assert_true(set("time", "1h30m"));
    assert_int_equal(order.time_ms, 5400000);
    assert_true(set("max_price", "0.25"));
    assert_int_equal(order.price_max.micro, 250000);
    assert_true(set("policy", "nearest"));
    assert_string_equal(order.policy, "nearest");
    assert_true(set("arch", "aarch64"));
    assert_int_equal(order.arch, ARCH_AARCH64);
    assert_true(set("constraints", "zone!=us"));
    assert_int_equal(order.constraints[0].op, CONSTRAINT_DIFFERS);
    assert_string_equal(order.constraints[0].value, "us");
    assert_true(set("tasks", "1024"));
    assert_true(set("attempts", "3"));
    assert_true(set("env", "A=b=c"));
    assert_true(set("name", "my job"));
    assert_true(set("image", "alpine"));
}

/* Refused, and nothing of the order has changed. */
static void devices_and_places_are_taken(void **state)
{
    struct hash zero = {{0}};
    struct spec spec;
    char id[] =
        "00000000000000000000000000000000000000000000000000000000000000ff";
    (void)state;
    assert_true(set("device_mem", "40G"));
    assert_true(set("gpu", "0.5"));
    assert_int_equal(order.devices.milli, 500);
    assert_true(set("devices", "gpu:A100|h100:2")); /* the last one counts */
    assert_int_equal(order.devices.count, 2);
    assert_int_equal(order.devices.mem_mib, 40960);
    assert_string_equal(order.devices.models[0], "a100");
    assert_true(set("nic", "2.5G"));
    assert_int_equal(order.resources.nic_kbit, 2500000);
    assert_true(set("tolerate", "gpu=only"));
    assert_true(set("tolerate", "lab"));
    assert_int_equal(order.tolerations[1].op, CONSTRAINT_EXISTS);
    assert_true(set("zones", "eu/north"));
    assert_true(set("spread", "provider:1"));
    assert_true(set("spread", "rack:2"));
    assert_true(set("with", id));
    assert_true(set("apart", id));
    assert_true(order.affinities[1].apart && !order.affinities[0].apart);
    assert_true(set("command", "x"));
    assert_int_equal(order_spec(&order, &zero, &zero, &spec), OK);
    assert_true(device_wish_same(&spec.devices, &order.devices));
    assert_int_equal(spec.resources.nic_kbit, 2500000);
}

static void memory_of_no_device_is_no_order(void **state)
{
    (void)state;
    assert_true(set("command", "x"));
    assert_true(set("device_mem", "1G"));
    assert_false(order_check(&order, error));
    assert_non_null(strstr(error, "device_mem"));
}

static void refused(const char *field, const char *value)
{
    struct order before = order;
    error[0] = '\0';
    if (set(field, value))
        fail_msg("%s = \"%s\" was taken", field, value);
    assert_true(strlen(error) > 10);
    before.arena = order.arena;
    assert_memory_equal(&before, &order, sizeof(order));
}

static void what_makes_no_sense_is_refused_whole(void **state)
{
    static const struct {
        const char *field;
        const char *value;
    } cases[] = {
        {"cpus", "0"},        {"cpus", "two"},     {"mem", "512"},
        {"mem", "0M"},        {"mem", "9999999T"}, {"disk", "-1G"},
        {"time", "0s"},       {"time", "10"},      {"time", "367d"},
        {"tasks", "0"},       {"tasks", "1025"},   {"attempts", "4"},
        {"policy", "be st"},  {"arch", "z80"},     {"max_price", "0"},
        {"max_price", "1e3"}, {"max_price", "-1"}, {"seller", "tsuan1x"},
        {"env", "NOVALUE"},   {"env", "=x"},       {"env", "SUAN_TASK=1"},
        {"in", ""},           {"in", ":x"},        {"in", "a:/abs"},
        {"in", "a:../x"},     {"in", "a:x/../y"},  {"in", "a:x//y"},
        {"in", "a:x/"},       {"out", "/abs"},     {"out", "../*"},
        {"out", ""},          {"out", "a/./b"},    {"constraints", "a!b"},
        {"constraints", "="}, {"command", ""},     {"name", "a\nb"},
        {"image", ""},        {"pids", "0"},       {"logs", "x"},
        {"expires", "1"},     {"nothing", "x"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refused(cases[i].field, cases[i].value);
}

static void devices_and_places_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    refused("devices", "tpu");
    refused("devices", "gpu:17");
    refused("gpu", "a100");
    refused("gpu", "0");
    refused("device_mem", "40");
    refused("nic", "100");
    refused("nic", "0M");
    refused("tolerate", "!gpu");
    refused("zones", "zone=eu");
    refused("zones", "");
    refused("spread", "zone:0");
    refused("with", "a-job");
    assert_true(set("spread", "zone:1"));
    refused("spread", "rack:1");
}

static void lists_have_an_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SPEC_ARGS_MAX; i++)
        assert_true(set("command", "x"));
    refused("command", "x");
    for (unsigned i = 0; i < SPEC_ENV_MAX; i++)
        assert_true(set("env", "A=1"));
    refused("env", "A=1");
    for (unsigned i = 0; i < SPEC_OUTPUTS_MAX; i++)
        assert_true(set("out", "*.png"));
    refused("out", "*.png");
    for (unsigned i = 0; i < LIMIT_CONSTRAINTS; i++)
        assert_true(set("constraints", "gpu"));
    refused("constraints", "gpu");
    for (unsigned i = 0; i < ORDER_INPUTS_MAX; i++)
        assert_true(set("in", "x"));
    refused("in", "x");
}

static void inputs_know_their_place(void **state)
{
    (void)state;
    assert_true(order_set(&order, "in", "scene.pov", "/home/a", error));
    assert_string_equal(order.inputs[0].host, "/home/a/scene.pov");
    assert_null(order.inputs[0].dest);
    assert_true(order_set(&order, "in", "/x/tex:maps/tex", "/home/a", error));
    assert_string_equal(order.inputs[1].host, "/x/tex");
    assert_string_equal(order.inputs[1].dest, "maps/tex");
    assert_true(set("in", "data:."));
    assert_string_equal(order.inputs[2].host, "data");
    assert_string_equal(order.inputs[2].dest, "");
}

static void all_tasks_together_stay_below_the_cap(void **state)
{
    (void)state;
    assert_int_equal(order_task_cap(&order).micro, 0);
    assert_true(set("max_price", "0.000010"));
    for (uint32_t tasks = 1; tasks <= 12; tasks++) {
        order.tasks = tasks;
        assert_true(order_task_cap(&order).micro * tasks <= 10);
        assert_int_equal(order_task_cap(&order).micro, 10 / tasks);
    }
    order.tasks = 11;
    assert_true(set("command", "true"));
    assert_false(order_check(&order, error));
}

static void an_order_becomes_a_spec_that_the_market_takes(void **state)
{
    struct hash image = {{1}};
    struct hash inputs = {{0}};
    struct spec spec;
    struct buf out;
    (void)state;
    assert_true(set("command", "echo"));
    assert_true(set("command", "hi %t"));
    assert_true(set("env", "A=b=c"));
    assert_true(set("out", "*.png"));
    assert_int_equal(order_spec(&order, &image, &inputs, &spec), OK);
    assert_int_equal(spec.arg_count, 2);
    assert_true(bytes_equal(spec.env[0].name, BYTES_LIT("A")));
    assert_true(bytes_equal(spec.env[0].value, BYTES_LIT("b=c")));
    buf_init(&out, SPEC_BYTES_MAX);
    assert_int_equal(spec_encode(&spec, &out), OK);
    buf_done(&out);
}

static void a_field_like_another_is_named(void **state)
{
    (void)state;
    assert_string_equal(order_field_near("comand"), "command");
    assert_string_equal(order_field_near("max-price"), "max_price");
    assert_string_equal(order_field_near("constraint"), "constraints");
    assert_null(order_field_near("frobnicate"));
}

static void terms_of_the_policy_are_read(void **state)
{
    (void)state;
    assert_int_equal(order.down_ppb, 0);
    assert_true(set("availability", "99.9%"));
    assert_int_equal(order.down_ppb, 1000000);
    assert_true(set("class", "network"));
    assert_true(order.has_class);
    assert_int_equal(order.class_, SPEED_NETWORK);
    assert_true(set("near", "provider-2"));
    assert_string_equal(order.near, "provider-2");
    assert_false(set("availability", "99.9"));
    assert_non_null(strstr(error, "99.9%"));
    assert_int_equal(order.down_ppb, 1000000);
    assert_false(set("class", "quick"));
    assert_non_null(strstr(error, "logic, parallel"));
    assert_int_equal(order.class_, SPEED_NETWORK);
    assert_false(set("near", ""));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_defaults_are_modest_and_whole),
        T(every_field_takes_what_people_write),
        T(terms_of_the_policy_are_read),
        T(what_makes_no_sense_is_refused_whole),
        T(devices_and_places_are_taken),
        T(memory_of_no_device_is_no_order),
        T(devices_and_places_that_make_no_sense_are_refused),
        T(lists_have_an_end),
        T(inputs_know_their_place),
        T(all_tasks_together_stay_below_the_cap),
        T(an_order_becomes_a_spec_that_the_market_takes),
        T(a_field_like_another_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
