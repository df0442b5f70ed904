/* A graph says what belongs together and what comes before what. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "market/graph/graph.h"
#include "tests/unit/market/graph_sample.h"

static struct graph graph;

static void levels_count_the_steps_before(void **state)
{
    uint32_t level[GRAPH_PARTS_MAX];
    (void)state;
    sample_graph(&graph, 5);
    sample_link(&graph, 0, 1);
    sample_link(&graph, 0, 2);
    sample_link(&graph, 1, 3);
    sample_link(&graph, 2, 3);
    sample_link(&graph, 0, 3);
    sample_link(&graph, GRAPH_BUYER, 0);
    assert_int_equal(graph_form(&graph), OK);
    assert_true(graph_levels(&graph, level));
    assert_int_equal(level[0], 0);
    assert_int_equal(level[1], 1);
    assert_int_equal(level[2], 1);
    assert_int_equal(level[3], 2);
    assert_int_equal(level[4], 0);
    assert_int_equal(graph_circle(&graph, (uint8_t[GRAPH_PARTS_MAX]){0}), 0);
}

static void a_link_without_order_makes_no_circle(void **state)
{
    (void)state;
    sample_graph(&graph, 2);
    sample_link(&graph, 0, 1);
    sample_link(&graph, 1, 0)->order = false;
    assert_int_equal(graph_form(&graph), OK);
}

static void a_circle_is_found_in_its_order(void **state)
{
    uint8_t circle[GRAPH_PARTS_MAX];
    uint32_t count;
    (void)state;
    sample_graph(&graph, 6);
    sample_link(&graph, 0, 1); /* leads in */
    sample_link(&graph, 1, 2);
    sample_link(&graph, 2, 3);
    sample_link(&graph, 3, 1);
    sample_link(&graph, 3, 4); /* leads out */
    assert_int_equal(graph_form(&graph), ERR_DEPTH);
    count = graph_circle(&graph, circle);
    assert_int_equal(count, 3);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(circle[(i + 1) % 3],
                         circle[i] == 3 ? 1 : circle[i] + 1);
}

static void refuses(enum err err)
{
    struct buf out;
    assert_int_equal(graph_form(&graph), err);
    buf_init(&out, GRAPH_BYTES_MAX);
    assert_int_equal(graph_encode(&graph, &out), err);
    assert_int_equal(out.len, 0);
    buf_done(&out);
}

static void what_is_no_graph_is_refused(void **state)
{
    (void)state;
    sample_graph(&graph, 0);
    refuses(ERR_RANGE);
    sample_graph(&graph, 2);
    graph.parts[1] = graph.parts[0];
    refuses(ERR_RANGE);
    sample_graph(&graph, 2);
    snprintf(graph.parts[0].name, LIMIT_NAME, "-a");
    refuses(ERR_RANGE);
    snprintf(graph.parts[0].name, LIMIT_NAME, "a/b");
    refuses(ERR_RANGE);
    sample_graph(&graph, 2);
    memset(&graph.parts[0].request, 0, HASH_LEN);
    refuses(ERR_RANGE);
    sample_graph(&graph, 2);
    graph.parts[0].tasks = 0;
    refuses(ERR_RANGE);
    graph.parts[0].tasks = GRAPH_SEATS_MAX;
    refuses(ERR_TOO_LARGE);
    graph.parts[0].tasks = GRAPH_SEATS_MAX - 1;
    assert_int_equal(graph_form(&graph), OK);
    graph.parts[0].together = graph.parts[0].apart = 1;
    refuses(ERR_RANGE);
}

static void what_is_no_link_is_refused(void **state)
{
    struct graph_link *link;
    (void)state;
    sample_graph(&graph, 2);
    link = sample_link(&graph, 0, 0);
    refuses(ERR_RANGE);
    link->to = 2;
    refuses(ERR_RANGE);
    link->to = GRAPH_BUYER;
    refuses(ERR_RANGE);
    link->to = 1;
    link->from = 2;
    refuses(ERR_RANGE);
    link->from = 0;
    link->bytes = 1;
    refuses(ERR_RANGE);
    link->kbps = 1;
    assert_int_equal(graph_form(&graph), OK);
    graph.parts[0].tasks = 16; /* 16 * 15 = 240 ways */
    graph.parts[1].tasks = 15;
    assert_int_equal(graph_form(&graph), OK);
    sample_link(&graph, GRAPH_BUYER, 1);
    assert_int_equal(graph_form(&graph), OK);
    sample_link(&graph, GRAPH_BUYER, 1);
    refuses(ERR_TOO_LARGE);
}

static void its_bytes_come_back_as_they_were(void **state)
{
    struct graph out = {.part_count = 99};
    struct arena arena;
    struct buf bytes;
    struct buf again;
    (void)state;
    sample_graph(&graph, 3);
    graph.parts[1].tasks = 4;
    graph.parts[1].apart = 2;
    graph.parts[2].together = 1;
    *sample_link(&graph, 0, 1) = (struct graph_link){0, 1, true, 5, 6, 7, 8};
    sample_link(&graph, GRAPH_BUYER, 0);
    buf_init(&bytes, GRAPH_BYTES_MAX);
    buf_init(&again, GRAPH_BYTES_MAX);
    arena_init(&arena, 1u << 20);
    assert_int_equal(graph_encode(&graph, &bytes), OK);
    assert_int_equal(graph_decode(buf_bytes(&bytes), &arena, &out), OK);
    assert_int_equal(graph_encode(&out, &again), OK);
    assert_true(bytes_equal(buf_bytes(&bytes), buf_bytes(&again)));
    assert_int_equal(out.links[0].risk_nn_max, 8);
    for (size_t cut = 0; cut < bytes.len; cut++)
        assert_int_not_equal(
            graph_decode(bytes_make(bytes.ptr, cut), &arena, &out), OK);
    arena_done(&arena);
    buf_done(&bytes);
    buf_done(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_count_the_steps_before),
        cmocka_unit_test(a_link_without_order_makes_no_circle),
        cmocka_unit_test(a_circle_is_found_in_its_order),
        cmocka_unit_test(what_is_no_graph_is_refused),
        cmocka_unit_test(what_is_no_link_is_refused),
        cmocka_unit_test(its_bytes_come_back_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
