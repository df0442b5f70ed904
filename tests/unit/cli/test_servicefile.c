#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "cli/file/servicefile.h"

static struct servicefile file;
static char error[YAMLFILE_ERROR_MAX];

static enum err parse(const char *text)
{
    error[0] = '\0';
    return servicefile_parse(bytes_str(text), "s.yaml", &file, error);
}

static void what_is_not_said_is_not_known(void **state)
{
    (void)state;
    assert_int_equal(parse("instances: {a: {}}"), OK);
    assert_int_equal(file.peers, 1);
    assert_int_equal(file.delay_us, 0);
    assert_int_equal(file.count, 1);
    assert_false(file.instances[0].has_rtt);
    for (unsigned i = 0; i < METRIC_COUNT; i++)
        assert_false(
            metric_known(&file.instances[0].metrics, (enum metric_type)i));
}

static void all_fields_are_read(void **state)
{
    const struct metric *of = file.instances[1].metrics.of;
    (void)state;
    assert_int_equal(parse("peers: 3\ndelay_us: 77\ninstances:\n  a: {}\n"
                           "  b: {source: nominal, rtt_us: 1, service_us: 2, "
                           "load_permille: 3, in_flight: 4, slots: 5, score: "
                           "6, flows: 7}\n"),
                     OK);
    assert_int_equal(file.peers, 3);
    assert_int_equal(file.delay_us, 77);
    assert_string_equal(file.instances[1].name, "b");
    assert_int_equal(file.instances[1].rtt_us, 1);
    assert_int_equal(of[METRIC_SERVICE].value, 2);
    assert_int_equal(of[METRIC_SERVICE].source, METRIC_NOMINAL);
    assert_int_equal(of[METRIC_LOAD].value, 3);
    assert_int_equal(of[METRIC_QUEUE].value, 4);
    assert_int_equal(of[METRIC_QUEUE].source, METRIC_MEASURED);
    assert_int_equal(of[METRIC_SLOTS].value, 5);
    assert_int_equal(of[METRIC_SCORE].value, 6);
    assert_int_equal(file.instances[1].flows, 7);
}

static void a_table_is_told_of_them(void **state)
{
    struct service_table table;
    const struct service *s;
    uint32_t us = 0;
    (void)state;
    assert_int_equal(
        parse("instances: {a: {rtt_us: 9, flows: 4}, b: {flows: 1}}"), OK);
    assert_int_equal(servicefile_tell(&file, &table), OK);
    s = service_find(&table, &(struct service_id){{0}});
    assert_non_null(s);
    assert_int_equal(s->count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct service_instance *x = service_at(&table, s, i);
        bool first = u32le_get(x->told.instance.b) == 0;
        assert_int_equal(x->live, first ? 4 : 1);
        assert_int_equal(x->live_when_told, 0);
        assert_int_equal(service_rtt(&table, x, 0, &us), first);
    }
    assert_int_equal(us, 9);
    service_table_done(&table);
}

static void refusals_say_where_and_what(void **state)
{
    static const char *const cases[][2] = {
        {"", "s.yaml:"},
        {"peers: 2\n", "there are no instances"},
        {"- a\n", "a service is a mapping"},
        {"peers: 0\ninstances: {a: {}}", "s.yaml:1: peers"},
        {"instances:\n  a: {}\n  a: {}\n", "s.yaml:3: the instance a stands"},
        {"instances:\n  a: 5\n", "s.yaml:2: an instance is a mapping"},
        {"instances:\n  a: {load_permille: 1001}\n", "s.yaml:2: load_permille"},
        {"instances:\n  a: {service_us: 0}\n", "s.yaml:2: service_us"},
        {"instances:\n  a: {source: hearsay}\n", "\"hearsay\" is not one of"},
        {"instances:\n  a: {speed: 1}\n", "speed"},
        {"instances: [a]\n", "instances: a mapping belongs here"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(cases[i][0]), ERR_PARSE);
        if (strstr(error, cases[i][1]) == NULL)
            fail_msg("\"%s\" says not: %s", error, cases[i][1]);
    }
}

static void there_is_room_for_so_many(void **state)
{
    char text[8192] = "instances:\n";
    size_t len = strlen(text);
    (void)state;
    for (uint32_t i = 0; i < SERVICE_INSTANCES_MAX; i++)
        len +=
            (size_t)snprintf(text + len, sizeof(text) - len, "  i%u: {}\n", i);
    assert_int_equal(parse(text), OK);
    assert_int_equal(file.count, SERVICE_INSTANCES_MAX);
    (void)snprintf(text + len, sizeof(text) - len, "  more: {}\n");
    assert_int_equal(parse(text), ERR_PARSE);
    assert_non_null(strstr(error, "more than 128 instances"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_said_is_not_known),
        cmocka_unit_test(all_fields_are_read),
        cmocka_unit_test(a_table_is_told_of_them),
        cmocka_unit_test(refusals_say_where_and_what),
        cmocka_unit_test(there_is_room_for_so_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
