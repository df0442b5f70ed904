#include "cli/file/graphfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct graphfile file;
static char error[YAMLFILE_ERROR_MAX];
static bool open;

static enum err parse(const char *text)
{
    if (open)
        graphfile_done(&file);
    open = true;
    return graphfile_parse(bytes_str(text), "g.yaml", "/base", &file, error);
}

static void refuses(const char *text, const char *line, const char *says)
{
    char start[32];
    assert_int_equal(parse(text), ERR_PARSE);
    snprintf(start, sizeof(start), "g.yaml:%s: ", line);
    if (strncmp(error, start, strlen(start)) != 0 ||
        strstr(error, says) == NULL)
        fail_msg("%s (wanted %s ... %s)", error, start, says);
}

static void a_graph_is_told_from_a_job(void **state)
{
    (void)state;
    assert_true(graphfile_is(bytes_str("name: x\ncomponents: {}\n")));
    assert_true(graphfile_is(bytes_str("{\"components\": 3}")));
    assert_true(graphfile_is(
        bytes_str("env: {A: {b: [c, {d: e}]}}\nin: [x]\ncomponents: 1\n")));
    assert_false(graphfile_is(bytes_str("command: [components]\n")));
    assert_false(graphfile_is(bytes_str("env: {components: x}\n")));
    assert_false(graphfile_is(bytes_str("name: components\n")));
    assert_false(graphfile_is(bytes_str("[components]")));
    assert_false(graphfile_is(bytes_str("")));
}

static void what_stands_at_the_top_holds_for_all(void **state)
{
    const struct order *a;
    const struct order *b;
    (void)state;
    assert_int_equal(parse("name: whole\n"
                           "components:\n"
                           "  a: {command: [x, y], env: {B: 2}, cpus: 2}\n"
                           "  b: {tasks: 3}\n"
                           "cpus: 0.5\n"
                           "command: [sh]\n"
                           "env: {A: 1}\n"
                           "in: [file]\n"
                           "max_price: 2.5\n"
                           "expires: 3h\n"),
                     OK);
    assert_string_equal(file.graph.name, "whole");
    assert_int_equal(file.graph.part_count, 2);
    a = &file.parts[0].order;
    b = &file.parts[1].order;
    assert_string_equal(a->name, "a");
    assert_int_equal(a->resources.cpu_milli, 2000);
    assert_int_equal(b->resources.cpu_milli, 500);
    assert_int_equal(a->arg_count, 2); /* its own, not both */
    assert_string_equal(a->args[0], "x");
    assert_string_equal(b->args[0], "sh");
    assert_int_equal(a->env_count, 2);
    assert_string_equal(a->env[0], "A=1");
    assert_string_equal(a->env[1], "B=2");
    assert_string_equal(b->inputs[0].host, "/base/file");
    assert_int_equal(file.graph.parts[1].tasks, 3);
    assert_false(a->has_price_max);
    assert_true(file.has_price_max);
    assert_int_equal(file.price_max.micro, 2500000);
    assert_int_equal(file.expires_ms, 3 * 3600000);
}

static void results_and_order_are_read(void **state)
{
    (void)state;
    assert_int_equal(parse("command: [x]\n"
                           "components:\n"
                           "  c: {from: {a: in/a, b: b}, needs: d}\n"
                           "  a: {}\n"
                           "  b: {from: a}\n"
                           "  d: {from: [a, b]}\n"),
                     OK);
    assert_int_equal(file.graph.link_count, 6);
    assert_int_equal(file.parts[0].from_count, 2);
    assert_int_equal(file.parts[0].from[0].part, 1);
    assert_string_equal(file.parts[0].from[0].dest, "in/a");
    assert_string_equal(file.parts[0].from[1].dest, "b");
    assert_int_equal(file.parts[3].from_count, 2);
    assert_string_equal(file.parts[3].from[1].dest, "b");
    for (uint32_t i = 0; i < file.graph.link_count; i++)
        assert_true(file.graph.links[i].order);
}

static void bounds_and_groups_are_read(void **state)
{
    const struct graph_link *link;
    (void)state;
    assert_int_equal(
        parse("command: [x]\n"
              "components: {a: {}, b: {from: a}, c: {tasks: 2}}\n"
              "together: [[a, b]]\n"
              "apart: [[c]]\n"
              "links:\n"
              "  - {from: a, to: b, delay: 20ms, bandwidth: 2Mbit, bytes: 1M}\n"
              "  - {from: buyer, to: a, delay: 250us, reliability: 99.9%}\n"
              "  - {from: a, to: c, reliability: 0.5}\n"),
        OK);
    assert_int_equal(file.graph.link_count, 3);
    link = &file.graph.links[0];
    assert_true(link->order);
    assert_int_equal(link->delay_us_max, 20000);
    assert_int_equal(link->kbps, 2000);
    assert_int_equal(link->bytes, 1048576);
    link = &file.graph.links[1];
    assert_int_equal(link->from, GRAPH_BUYER);
    assert_int_equal(link->delay_us_max, 250);
    assert_int_equal(link->risk_nn_max, 1000500);
    link = &file.graph.links[2];
    assert_false(link->order);
    assert_int_equal(link->risk_nn_max, 693147180);
    assert_int_equal(file.graph.parts[0].together, 1);
    assert_int_equal(file.graph.parts[1].together, 1);
    assert_int_equal(file.graph.parts[2].apart, 1);
}

static void residency_binds_whoever_reads(void **state)
{
    (void)state;
    assert_int_equal(parse("command: [x]\n"
                           "components:\n"
                           "  a: {residency: zone=eu}\n"
                           "  b: {from: a}\n"
                           "  c: {from: b}\n"
                           "  d: {needs: a}\n"),
                     OK);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(file.parts[i].order.constraint_count, 1);
        assert_string_equal(file.parts[i].order.constraints[0].value, "eu");
    }
    assert_int_equal(file.parts[3].order.constraint_count, 0);
}

static void a_deadline_is_counted_from_the_end(void **state)
{
    uint64_t tails[GRAPH_PARTS_MAX];
    (void)state;
    assert_int_equal(parse("command: [x]\n"
                           "deadline: 20m\n"
                           "components:\n"
                           "  a: {time: 5m}\n"
                           "  b: {time: 10m, from: a}\n"
                           "  c: {time: 2m, from: [a, b]}\n"),
                     OK);
    graphfile_tails(&file, tails);
    assert_int_equal(tails[0], 17 * 60000);
    assert_int_equal(tails[1], 12 * 60000);
    assert_int_equal(tails[2], 2 * 60000);
    refuses("command: [x]\ndeadline: 5m\ncomponents:\n"
            "  a: {time: 3m}\n  b: {time: 2m, from: a}\n",
            "2", "from the begin of a on it may take 5m");
}

static void circles_are_named(void **state)
{
    (void)state;
    refuses("command: [x]\ncomponents:\n"
            "  a: {from: c}\n  b: {from: a}\n  c: {from: b}\n",
            "3", "wait for each other: a -> b -> c -> a");
    refuses("command: [x]\ncomponents:\n  a: {needs: a}\n", "3",
            "cannot wait for itself");
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
    (void)state;
    refuses("components:\n  a: {command: x, from: b}\n", "2",
            "no component \"b\"");
    refuses("components:\n  a: {command: x}\n  a: {command: x}\n", "3",
            "a second time");
    refuses("components:\n  a/b: {command: x}\n", "2", "not a name");
    refuses("components:\n  a: {command: x, cpu: 1}\n", "2",
            "did you mean \"cpus\"?");
    refuses("components:\n  a: {command: x, form: b}\n", "2",
            "did you mean \"from\"?");
    refuses("component:\n  a: {command: x}\n", "1",
            "did you mean \"components\"?");
    refuses("components:\n  a: {command: x, expires: 1h}\n", "2",
            "no field \"expires\"");
    refuses("components:\n  a: {cpus: 1}\n", "2", "a: no command");
    refuses("components:\n  a: {command: x, cpus: many}\n", "2", "cores");
    refuses("cpus: many\ncomponents:\n  a: {command: x}\n", "1", "cores");
    refuses("components:\n  a: {command: x}\n  b: {command: x, from: "
            "{a: ../up}}\n",
            "3", "relative path");
    refuses("components:\n  a: {command: x}\n  b: {command: x}\n"
            "  c: {command: x, from: {a: d, b: d}}\n",
            "4", "/job/in/d");
    refuses("components: {a: {command: x}}\napart: [[b]]\n", "2",
            "no component \"b\"");
    refuses("components: {a: {command: x}}\napart: [[a], [a]]\n", "2",
            "two apart groups");
    refuses("components: {a: {command: x}}\nlinks: [{from: a}]\n", "2",
            "a from and a to");
    refuses("components: {a: {command: x}, b: {command: x}}\n"
            "links: [{from: a, to: b, delay: soon}]\n",
            "2", "not a delay");
    refuses("components: {a: {command: x}, b: {command: x}}\n"
            "links: [{from: a, to: b, bytes: 1M}]\n",
            "2", "bandwidth");
    refuses("components: {a: {command: x}, b: {command: x}}\n"
            "links: [{from: a, to: b, reliability: 100%}]\n",
            "2", "not a share");
    refuses("components: {a: {command: x, tasks: 32}}\n", "1",
            "at most 31 tasks");
    refuses("components: {a: {command: x, tasks: 20}, b: {command: x, tasks: "
            "20}}\n",
            "1", "31 tasks");
    refuses("components: {}\n", "1", "there is none");
    refuses("components: {a: {command: &x y}}\n", "1", "anchors");
}

static int done(void **state)
{
    (void)state;
    if (open)
        graphfile_done(&file);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_graph_is_told_from_a_job),
        cmocka_unit_test(what_stands_at_the_top_holds_for_all),
        cmocka_unit_test(results_and_order_are_read),
        cmocka_unit_test(bounds_and_groups_are_read),
        cmocka_unit_test(residency_binds_whoever_reads),
        cmocka_unit_test(a_deadline_is_counted_from_the_end),
        cmocka_unit_test(circles_are_named),
        cmocka_unit_test(what_is_wrong_is_said_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, done);
}
