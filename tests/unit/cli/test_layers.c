#include "cli/layers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void arcs_lead_to_the_right(void **state)
{
    static const struct layers_arc arcs[] = {
        {0, 1, true}, {1, 2, true}, {0, 2, true}, {3, 2, false}};
    struct layers l;
    (void)state;
    assert_int_equal(layers_init(&l, 4, arcs, 4), OK);
    assert_int_equal(l.columns, 3);
    assert_int_equal(l.column[0], 0);
    assert_int_equal(l.column[1], 1);
    assert_int_equal(l.column[2], 2);
    assert_int_equal(l.column[3], 0); /* no order, no column of its own */
    assert_int_equal(l.height[0], 2);
    layers_done(&l);
}

static void a_circle_begins_at_its_lowest(void **state)
{
    static const struct layers_arc arcs[] = {
        {2, 1, true}, {1, 3, true}, {3, 2, true}, {0, 1, true}};
    struct layers l;
    (void)state;
    assert_int_equal(layers_init(&l, 4, arcs, 4), OK);
    assert_int_equal(l.column[0], 0);
    assert_int_equal(l.column[1], 1);
    assert_int_equal(l.column[3], 2);
    assert_int_equal(l.column[2], 3);
    layers_done(&l);
}

/* 0 -> 3 and 1 -> 2 cross as they are numbered, and not as they are placed. */
static void rows_follow_neighbours(void **state)
{
    static const struct layers_arc arcs[] = {{0, 3, true}, {1, 2, true}};
    struct layers l;
    (void)state;
    assert_int_equal(layers_init(&l, 4, arcs, 2), OK);
    assert_int_equal(l.row[0], l.row[3]);
    assert_int_equal(l.row[1], l.row[2]);
    assert_int_not_equal(l.row[0], l.row[1]);
    layers_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arcs_lead_to_the_right),
        cmocka_unit_test(a_circle_begins_at_its_lowest),
        cmocka_unit_test(rows_follow_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
