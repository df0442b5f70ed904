#include "sched/lab/gml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/lab/data.h"

static struct gml gml;
static char error[GML_ERROR_MAX];

static enum err parse(const char *text)
{
    return gml_parse(bytes_str(text), "g", &gml, error);
}

static void a_graph_is_read(void **state)
{
    double number = 0;
    (void)state;
    assert_int_equal(parse("Creator \"me\"\n"
                           "graph [\n"
                           "  directed 0\n"
                           "  node [ id 7 label \"seven\" cpu 80 ]\n"
                           "  node [ id -2 pos 0.5 graphics [ x 1 ] ]\n"
                           "  edge [ source -2 target 7 bw 12.5 ]\n"
                           "  edge [ source 7 target -2 ]\n"
                           "]\n"),
                     OK);
    assert_int_equal(gml.node_count, 2);
    assert_int_equal(gml.edge_count, 2);
    assert_false(gml.directed);
    assert_true(gml.nodes[0].id == 7 && gml.nodes[1].id == -2);
    assert_int_equal(gml.edges[0].source, 1);
    assert_int_equal(gml.edges[0].target, 0);
    assert_string_equal(gml_node_label(&gml, 0), "seven");
    assert_string_equal(gml_node_label(&gml, 1), "");
    assert_true(gml_node_number(&gml, 0, "cpu", &number));
    assert_true(number == 80);
    assert_false(gml_node_number(&gml, 0, "label", &number));
    assert_false(gml_node_number(&gml, 1, "x", &number));
    assert_true(gml_edge_number(&gml, 0, "bw", &number));
    assert_true(number == 12.5);
    assert_false(gml_edge_number(&gml, 1, "bw", &number));
    gml_done(&gml);
}

static void entities_become_what_they_stand_for(void **state)
{
    (void)state;
    assert_int_equal(
        parse("graph [ node [ id 0 label \"&lt;K&#246;ln &amp; &#x41;&apos;"
              "&quot;&gt; R&D &nbsp; &#0;\" ] ]"),
        OK);
    assert_string_equal(gml_node_label(&gml, 0),
                        "<K\xc3\xb6ln & A'\"> R&D &nbsp; &#0;");
    gml_done(&gml);
}

/* What networkx makes of a float, and what some editors begin with. */
static void words_and_limits_of_others_are_read(void **state)
{
    double number = 0;
    (void)state;
    assert_int_equal(
        parse("\xef\xbb\xbfgraph [ node [ id 0 a +INF b -INF c NAN "
              "d 1.7976931348623157E+308 ] ]"),
        OK);
    assert_false(gml_node_number(&gml, 0, "a", &number));
    assert_false(gml_node_number(&gml, 0, "b", &number));
    assert_false(gml_node_number(&gml, 0, "c", &number));
    assert_true(gml_node_number(&gml, 0, "d", &number));
    gml_done(&gml);
}

static void refusals_name_the_line_and_what_next(void **state)
{
    static const struct {
        const char *text;
        enum err err;
        const char *says;
    } cases[] = {
        {"", ERR_PARSE, "g:1: there is no graph in it. Try: "},
        {"<graphml>", ERR_PARSE, "g:1: the byte 0x3c"},
        {"graph [\nnode [\nid 0 ]", ERR_PARSE,
         "g:3: the file ends inside a list"},
        {"graph [\nnode [ label \"x\"\n]\n]", ERR_PARSE,
         "g:3: a node has no whole number as id"},
        {"graph [ node [ id 1.5 ] ]", ERR_PARSE, "g:1: a node has no whole"},
        {"graph [\nnode [ id 1 ]\nnode [ id 1 ]\n]", ERR_EXISTS,
         "g:3: two nodes have the id 1"},
        {"graph [\nnode [ id 1 ]\nedge [ source 1 target 2 ]\n]", ERR_PARSE,
         "g:3: an edge ends at 2, which is no node"},
        {"graph [ edge [ source 1 ] ]", ERR_PARSE,
         "g:1: an edge has no source or no target"},
        {"graph [\n\nnode [ id 1 label \"x\n\n", ERR_PARSE,
         "g:3: a text begins here and does not end"},
        {"graph [ node [ id ] ]", ERR_PARSE, "g:1: \"id\" has no value"},
        {"graph [ 5 ]", ERR_PARSE, "g:1: a value without a key"},
        {"graph [ node [ id 1 x 1.2.3 ] ]", ERR_PARSE,
         "g:1: \"1.2.3\" is not a number"},
        {"graph [\n]", ERR_PARSE, "g:2: the graph has no nodes"},
        {"graph [ node [ id 1 x 1e999 ] ]", ERR_PARSE,
         "g:1: \"1e999\" is not a number"},
        {"graph [ ]\ngraph [ ]", ERR_PARSE, "g:2: a second graph begins"},
        {"a [ a [ a [ a [ a [ a [ a [ a [ a [ a [ a [ a [ a [ a [ a [ a [ a [",
         ERR_DEPTH, "g:1: lists are nested more than 16 deep"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&gml, 0x5a, sizeof(gml));
        assert_int_equal(parse(cases[i].text), cases[i].err);
        if (strncmp(error, cases[i].says, strlen(cases[i].says)) != 0 ||
            strstr(error, ". Try: ") == NULL)
            fail_msg("case %zu says: %s", i, error);
        assert_int_equal(gml.node_count, 0x5a5a5a5a);
    }
}

static void texts_and_keys_are_bounded(void **state)
{
    char *text = malloc(8192);
    (void)state;
    assert_non_null(text);
    memcpy(text, "graph [ a \"", 11);
    memset(text + 11, 'x', 5000);
    memcpy(text + 5011, "\" ]", 4);
    assert_int_equal(parse(text), ERR_TOO_LARGE);
    memset(text, 'k', 100);
    text[100] = '\0';
    assert_int_equal(parse(text), ERR_TOO_LARGE);
    free(text);
}

static void read_data(const char *name, uint32_t nodes, uint32_t edges)
{
    uint8_t *text;
    size_t len;
    if (!data_read(name, &text, &len)) {
        print_message("skipped: %s is not there (SUAN_DATA)\n", name);
        skip();
    }
    if (gml_parse(bytes_make(text, len), name, &gml, error) != OK)
        fail_msg("%s", error);
    free(text);
    assert_int_equal(gml.node_count, nodes);
    assert_int_equal(gml.edge_count, edges);
}

static void the_backbone_of_geant_is_read(void **state)
{
    double longitude;
    (void)state;
    read_data("vne/Geant.gml", 40, 61);
    assert_string_equal(gml_node_label(&gml, 0), "NL");
    assert_true(gml_node_number(&gml, 0, "Longitude", &longitude));
    assert_true(longitude == 4.88969);
    gml_done(&gml);
}

static void a_drawn_topology_is_read(void **state)
{
    double bw;
    (void)state;
    read_data("vne/Waxman100.gml", 100, 500);
    assert_true(gml_edge_number(&gml, 499, "bw", &bw));
    assert_true(bw == 89);
    gml_done(&gml);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_graph_is_read),
        cmocka_unit_test(entities_become_what_they_stand_for),
        cmocka_unit_test(words_and_limits_of_others_are_read),
        cmocka_unit_test(refusals_name_the_line_and_what_next),
        cmocka_unit_test(texts_and_keys_are_bounded),
        cmocka_unit_test(the_backbone_of_geant_is_read),
        cmocka_unit_test(a_drawn_topology_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
