#include "sched/lab/waxman.h"

#include "sched/lab/gml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct gml gml;

static void draw(uint32_t nodes, double alpha, double beta, uint64_t seed,
                 struct buf *out)
{
    char error[GML_ERROR_MAX];
    struct dice dice;
    dice_init(&dice, seed);
    buf_init(out, GML_BYTES_MAX);
    waxman_write(nodes, alpha, beta, &dice, out);
    assert_int_equal(out->err, OK);
    if (gml_parse(buf_bytes(out), "g", &gml, error) != OK)
        fail_msg("%s", error);
}

static bool hangs_together(void)
{
    static bool reached[1000];
    bool changed = true;
    memset(reached, 0, sizeof(reached));
    reached[0] = true;
    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < gml.edge_count; i++) {
            const struct gml_edge *e = &gml.edges[i];
            if (reached[e->source] != reached[e->target]) {
                reached[e->source] = reached[e->target] = true;
                changed = true;
            }
        }
    }
    for (uint32_t v = 0; v < gml.node_count; v++)
        if (!reached[v])
            return false;
    return true;
}

static void every_graph_hangs_together(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct buf text;
        draw(2 + (uint32_t)seed * 5, 0.3, 0.1 + (double)seed / 40, seed, &text);
        assert_int_equal(gml.node_count, 2 + seed * 5);
        assert_true(hangs_together());
        gml_done(&gml);
        buf_done(&text);
    }
}

/* Alpha 0.5, beta 0.2: about ten links a node among a hundred. */
static void as_many_links_as_the_formula_says(void **state)
{
    double links = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct buf text;
        draw(100, 0.5, 0.2, seed, &text);
        links += gml.edge_count / 20.0;
        gml_done(&gml);
        buf_done(&text);
    }
    assert_true(links > 400 && links < 600);
}

static void the_same_dice_draw_the_same_graph(void **state)
{
    struct buf one;
    struct buf two;
    (void)state;
    draw(60, 0.5, 0.2, 4, &one);
    gml_done(&gml);
    draw(60, 0.5, 0.2, 4, &two);
    gml_done(&gml);
    assert_true(bytes_equal(buf_bytes(&one), buf_bytes(&two)));
    buf_done(&two);
    draw(60, 0.5, 0.2, 5, &two);
    gml_done(&gml);
    assert_false(bytes_equal(buf_bytes(&one), buf_bytes(&two)));
    buf_done(&one);
    buf_done(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_graph_hangs_together),
        cmocka_unit_test(as_many_links_as_the_formula_says),
        cmocka_unit_test(the_same_dice_draw_the_same_graph),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
