#include "cli/file/offersfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct offersfile file;
static char error[YAMLFILE_ERROR_MAX];

static enum err parse(const char *text)
{
    return offersfile_parse(bytes_str(text), "f.yaml", &file, error);
}

static void assert_refused(const char *text, const char *expected)
{
    assert_int_equal(parse(text), ERR_PARSE);
    if (strncmp(error, expected, strlen(expected)) != 0)
        fail_msg("\"%s\", not \"%s\"", error, expected);
}

#define ALDER "{site: a, speed: 1.25, cores: 8, memory: 2G, price: 0.04}"

static void offers_links_and_inputs_are_read(void **state)
{
    const struct offerset_link *link;
    struct offerset set;
    (void)state;
    assert_int_equal(
        parse("sites:\n  a: {rtt: 0, bandwidth: 10000}\n"
              "links:\n"
              "  - {from: a, to: b, rtt: 9.5, bandwidth: 0.5, egress: 0.01}\n"
              "  - {from: c, to: a, rtt: 1, bandwidth: 1, oneway: true}\n"
              "offers:\n  alder: " ALDER "\n"
              "  birch: {site: b, speed: 1, cores: 1, memory: 1G, price: 0, "
              "zone: home}\n"
              "inputs:\n  \"*\": {site: a}\n  x: {zones: [home, a]}\n"),
        OK);
    assert_int_equal(offersfile_offers(&file, &set), OK);
    assert_int_equal(set.count, 2);
    assert_int_equal(set.sites, 3);
    assert_int_equal(set.offers[0].speed_permille, 1250);
    assert_int_equal(set.offers[0].memory_mib, 2048);
    assert_int_equal(set.offers[0].price_micro, 40000);
    assert_string_equal(file.zones[set.offers[0].zone], "a");
    assert_string_equal(file.zones[set.offers[1].zone], "home");
    link = offerset_between(&set, 1, 0);
    assert_int_equal(link->rtt_us, 9500);
    assert_int_equal(link->kbps, 500);
    assert_int_equal(link->egress_micro, 10000);
    assert_int_equal(offerset_between(&set, 0, 0)->kbps, 10000000);
    assert_int_equal(offerset_between(&set, 2, 0)->kbps, 1000);
    assert_int_equal(offerset_between(&set, 0, 2)->kbps, 0);
    assert_int_equal(offerset_between(&set, 1, 1)->kbps, 0);
    assert_int_equal(file.inputs[0].zones, WORKFLOW_ZONES_ALL);
    assert_int_equal(file.inputs[1].site, WORKFLOW_NONE);
    assert_int_equal(file.inputs[1].zones, 3);
    offerset_done(&set);
}

static void inputs_are_put_where_the_file_says(void **state)
{
    static const char workflow[] =
        "{\"workflow\":{\"tasks\":[{\"name\":\"t\",\"runtime\":1,\"files\":["
        "{\"link\":\"input\",\"name\":\"x\",\"size\":1},"
        "{\"link\":\"input\",\"name\":\"y\",\"size\":1},"
        "{\"link\":\"output\",\"name\":\"z\",\"size\":1}]}]}}";
    char why[WFFORMAT_ERROR_MAX];
    struct wfformat wf;
    uint32_t strange[OFFERSFILE_INPUTS_MAX];
    (void)state;
    assert_int_equal(wfformat_parse(bytes_str(workflow), "w", &wf, why), OK);
    assert_int_equal(parse("offers: {a: " ALDER "}\n"
                           "inputs:\n  x: {zones: [a]}\n  \"*\": {site: a}\n"),
                     OK);
    assert_int_equal(offersfile_pin(&file, &wf, strange), 0);
    for (uint32_t f = 0; f < wf.workflow.file_count; f++) {
        const struct workflow_file *at = &wf.workflow.files[f];
        switch (*wf.file_names[f]) {
        case 'x':
            assert_int_equal(at->site, WORKFLOW_NONE);
            assert_int_equal(at->zones, 1);
            break;
        case 'y':
            assert_int_equal(at->site, 0);
            break;
        default:
            assert_int_equal(at->site, WORKFLOW_NONE);
        }
    }
    assert_int_equal(parse("offers: {a: " ALDER "}\n"
                           "inputs:\n  x: {}\n  z: {site: a}\n"),
                     OK);
    assert_int_equal(offersfile_pin(&file, &wf, strange), 1);
    assert_int_equal(strange[0], 1); /* z is written by a task */
    wfformat_done(&wf);
}

static void a_file_has_as_many_offers_as_the_solver_takes(void **state)
{
    char *text = NULL;
    size_t len = 0;
    struct offerset set;
    FILE *out = open_memstream(&text, &len);
    (void)state;
    assert_non_null(out);
    fputs("offers:\n", out);
    for (uint32_t i = 0; i < OFFERSET_OFFERS_MAX; i++)
        fprintf(out,
                "  offer-%u: {site: a, speed: 1.25, cores: 64, memory: 2048M, "
                "price: 0.04}\n",
                i);
    fclose(out);
    assert_int_equal(parse(text), OK);
    assert_int_equal(offersfile_offers(&file, &set), OK);
    assert_int_equal(set.count, OFFERSET_OFFERS_MAX);
    offerset_done(&set);
    free(text);
}

static void bad_files_are_refused_with_their_line(void **state)
{
    (void)state;
    assert_refused("offers: {}\n", "f.yaml:1: there are no offers");
    assert_refused("offers:\n  a: {site: s}\n",
                   "f.yaml:2: an offer has no speed");
    assert_refused("offers:\n  a: " ALDER "\n  a: " ALDER "\n",
                   "f.yaml:3: the offer a stands here a second time");
    assert_refused("offers:\n  a: {speed: -1}\n",
                   "f.yaml:2: speed: \"-1\" is not a number such as 1.2");
    assert_refused("offers:\n  a: {cores: 0}\n", "f.yaml:2: ");
    assert_refused("offers:\n  a: {memory: 3}\n",
                   "f.yaml:2: memory: \"3\" is not a size such as 32G");
    assert_refused("links:\n  - {from: a, rtt: 1, bandwidth: 1}\n",
                   "f.yaml:2: a link needs from and to");
    assert_refused("links:\n  - {from: a, to: b, rtt: 1}\n",
                   "f.yaml:2: a link has no bandwidth: what is unknown");
    assert_refused("links:\n  - {from: a, to: b, rtt: 1, bandwidth: 1}\n"
                   "  - {from: b, to: a, rtt: 1, bandwidth: 1}\n",
                   "f.yaml:3: the link from b to a stands here a second time");
    assert_refused("sites: {a: {from: b}}\n",
                   "f.yaml:1: there is no field \"from\" here");
    assert_refused("inputs: {x: {zones: []}}\n",
                   "f.yaml:1: zones: none is left");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_links_and_inputs_are_read),
        cmocka_unit_test(inputs_are_put_where_the_file_says),
        cmocka_unit_test(a_file_has_as_many_offers_as_the_solver_takes),
        cmocka_unit_test(bad_files_are_refused_with_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
