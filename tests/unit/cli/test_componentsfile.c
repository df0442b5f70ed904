#include "cli/file/componentsfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct componentsfile file;
static char error[YAMLFILE_ERROR_MAX];

#define OFFERS     "offers:\n  alder: {site: a, cores: 8, memory: 2G}\n"
#define COMPONENTS "components:\n  x: {cores: 1}\n  y: {cores: 0.5}\n"

static enum err parse(const char *text)
{
    return componentsfile_parse(bytes_str(text), "f.yaml", &file, error);
}

static void assert_refused(const char *text, const char *expected)
{
    assert_int_equal(parse(text), ERR_PARSE);
    if (strncmp(error, expected, strlen(expected)) != 0)
        fail_msg("\"%s\", not \"%s\"", error, expected);
}

static void everything_a_file_may_say_is_read(void **state)
{
    (void)state;
    assert_int_equal(
        parse("sites:\n  a: {zone: home}\n  b: {}\n"
              "offers:\n"
              "  alder: {site: a, cores: 8, memory: 2G, disk: 10G, count: 3,\n"
              "          accelerators: {gpu: 2},\n"
              "          devices: {cores: 4, accelerators: {gpu: 1}}}\n"
              "  birch: {site: b, cores: 2, devices: {cores: 1}}\n"
              "components:\n"
              "  x: {cores: 1.5, memory: 512M, together: g, apart: r}\n"
              "  y: {accelerators: {gpu: 0.25}, together: g, zones: [home]}\n"
              "  z: {at: b}\n"
              "links:\n"
              "  - {from: x, to: y, bandwidth: 0.5, keep: offer}\n"
              "  - {from: y, to: z, bandwidth: 25, flow: false}\n"),
        OK);
    assert_int_equal(file.places.boxes[CUT_SITE].room[0][RES_CPU], 24000);
    assert_int_equal(file.places.boxes[CUT_OFFER].room[0][RES_MEM], 2048);
    assert_int_equal(file.places.boxes[CUT_OFFER].room[0][RES_ACCEL], 2000);
    assert_int_equal(file.places.boxes[CUT_DEVICE].room[0][RES_CPU], 4000);
    assert_true(file.places.devices);
    assert_int_equal(file.graph.component_count, 3);
    assert_int_equal(file.graph.components[0].want.of[RES_CPU], 1500);
    assert_int_equal(file.graph.components[0].together, 1);
    assert_int_equal(file.graph.components[0].apart, 1);
    assert_int_equal(file.graph.components[0].sites, 3);
    assert_int_equal(file.graph.components[1].sites, 1);
    assert_int_equal(file.graph.components[1].want.of[RES_ACCEL], 250);
    assert_int_equal(file.graph.components[2].sites, 2);
    assert_int_equal(file.graph.links[0].weight, 500);
    assert_int_equal(file.graph.links[0].kept, cut_level_bit(CUT_OFFER));
    assert_true(file.graph.links[0].flow);
    assert_int_equal(file.graph.links[1].weight, 25000);
    assert_false(file.graph.links[1].flow);
    componentsfile_done(&file);
}

static void datas_zones_bind_all_that_it_reaches(void **state)
{
    (void)state;
    assert_int_equal(parse("offers:\n  alder: {site: a, cores: 8}\n"
                           "  birch: {site: b, cores: 8}\n"
                           "components:\n  d: {data: true, at: a, zones: [a]}\n"
                           "  x: {cores: 1}\n  y: {cores: 1}\n  z: {cores: 1}\n"
                           "links:\n"
                           "  - {from: x, to: y, bandwidth: 1, flow: false}\n"
                           "  - {from: d, to: x, bandwidth: 1}\n"
                           "  - {from: z, to: x, bandwidth: 1}\n"),
                     OK);
    assert_int_equal(file.graph.components[1].sites, 1);
    assert_int_equal(file.graph.components[2].sites, 1);
    assert_int_equal(file.graph.components[3].sites, 3);
    componentsfile_done(&file);
    assert_refused("offers:\n  alder: {site: a, cores: 8}\n"
                   "  birch: {site: b, cores: 8}\n"
                   "components:\n  d: {data: true, at: a, zones: [a]}\n"
                   "  x: {cores: 1, at: b}\n"
                   "links:\n  - {from: d, to: x, bandwidth: 1}\n",
                   "f.yaml:1: the component x may be at no site");
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    assert_refused("", "f.yaml:1: the file is empty");
    assert_refused("a", "f.yaml:1: a graph is a mapping");
    assert_refused(COMPONENTS "links: []\n", "f.yaml:1: there are no offers");
    assert_refused(OFFERS, "f.yaml:1: there are no components");
    assert_refused(OFFERS COMPONENTS, "f.yaml:1: there are no links");
    assert_refused(OFFERS "links: []\n", "f.yaml:3: links stand after");
    assert_refused(OFFERS COMPONENTS "links:\n  - {from: x, to: q}\n",
                   "f.yaml:7: there is no component \"q\" above");
    assert_refused(OFFERS COMPONENTS "links:\n  - {from: x, to: y}\n",
                   "f.yaml:7: a link needs bandwidth");
    assert_refused(OFFERS COMPONENTS
                   "links:\n  - {from: x, to: x, bandwidth: 1}\n",
                   "f.yaml:7: a link leads from x to itself");
    assert_refused(OFFERS COMPONENTS
                   "links:\n  - {from: x, to: y, bandwidth: 1, keep: rack}\n",
                   "f.yaml:7: keep: \"rack\" is not site, offer or device");
    assert_refused(OFFERS "components:\n  x: {cores: many}\n",
                   "f.yaml:4: cores: \"many\" is not a number");
    assert_refused(OFFERS "components:\n  x: {data: true, cores: 1}\n",
                   "f.yaml:4: data wants no cores");
    assert_refused(OFFERS "components:\n  x: {}\n  x: {}\n",
                   "f.yaml:5: the component x stands here a second time");
    assert_refused("offers:\n  a: {cores: 1}\n",
                   "f.yaml:2: an offer needs a site");
    assert_refused("offers:\n  a: {site: s}\n",
                   "f.yaml:2: an offer needs cores");
    assert_refused("offers:\n  a: {site: s, cores: 1, devices: {cores: 2}}\n",
                   "f.yaml:2: a device of an offer has more than all of it");
    assert_refused("offers:\n  a: {site: s, cores: 1, colour: red}\n",
                   "f.yaml:2: there is no field \"colour\" here");
    assert_refused("sites:\n  s: {}\n  s: {}\n",
                   "f.yaml:3: the site s stands here a second time");
}

static void the_example_is_read(void **state)
{
    static uint8_t text[YAMLFILE_BYTES_MAX];
    FILE *in = fopen(SUAN_SOURCE_DIR "/docs/examples/sched/arena.yaml", "rb");
    size_t len;
    (void)state;
    assert_non_null(in);
    len = fread(text, 1, sizeof(text), in);
    fclose(in);
    assert_int_equal(
        componentsfile_parse(bytes_make(text, len), "f", &file, error), OK);
    assert_int_equal(file.component_count, 15);
    assert_true(file.places.devices);
    componentsfile_done(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_a_file_may_say_is_read),
        cmocka_unit_test(datas_zones_bind_all_that_it_reaches),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(the_example_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
