#include "sched/cut/cutgraph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sched/cut/places.h"

static void components_and_links_are_copied_or_refused(void **state)
{
    struct cut_component c = {.sites = 1};
    struct cut_link link = {.weight = 3, .from = 0, .to = 1};
    struct cutgraph graph;
    uint32_t id = 9;
    (void)state;
    cutgraph_init(&graph);
    assert_int_equal(cutgraph_add(&graph, &c, &id), OK);
    assert_int_equal(cutgraph_join(&graph, &link), ERR_RANGE);
    assert_int_equal(cutgraph_add(&graph, &c, &id), OK);
    assert_int_equal(id, 1);
    assert_int_equal(cutgraph_join(&graph, &link), OK);
    link.to = 0;
    assert_int_equal(cutgraph_join(&graph, &link), ERR_RANGE);
    link.to = 1;
    link.weight = CUT_WEIGHT_MAX + 1;
    assert_int_equal(cutgraph_join(&graph, &link), ERR_RANGE);
    link.weight = 1;
    link.kept = 8;
    assert_int_equal(cutgraph_join(&graph, &link), ERR_RANGE);
    c.sites = 0;
    assert_int_equal(cutgraph_add(&graph, &c, &id), ERR_RANGE);
    c.sites = 1;
    c.apart = CUT_APART_MAX + 1;
    assert_int_equal(cutgraph_add(&graph, &c, &id), ERR_RANGE);
    assert_int_equal(graph.component_count, 2);
    assert_int_equal(graph.link_count, 1);
    cutgraph_done(&graph);
}

static void levels_have_names(void **state)
{
    enum cut_level level = CUT_SITE;
    (void)state;
    for (uint32_t i = 0; i < CUT_LEVELS; i++) {
        assert_int_equal(
            cut_level_parse(cut_level_text((enum cut_level)i), &level), OK);
        assert_int_equal(level, i);
    }
    assert_int_equal(cut_level_parse("rack", &level), ERR_PARSE);
}

static struct cut_offer offer(uint32_t site, uint64_t cpu, uint64_t device)
{
    struct cut_offer o = {.site = site};
    o.room[RES_CPU] = cpu;
    o.device[RES_CPU] = device;
    return o;
}

static void offers_add_up_to_sites_and_are_kinds(void **state)
{
    struct cut_places places;
    struct cut_offer o = offer(2, 8, 4);
    (void)state;
    cut_places_init(&places);
    assert_int_equal(cut_places_add(&places, &o, 3), OK);
    assert_int_equal(places.boxes[CUT_SITE].room[2][RES_CPU], 24);
    assert_int_equal(places.boxes[CUT_SITE].known, 4);
    o = offer(2, 7, 4); /* covered: counts for the site alone */
    assert_int_equal(cut_places_add(&places, &o, 1), OK);
    assert_int_equal(places.boxes[CUT_OFFER].count, 1);
    assert_int_equal(places.boxes[CUT_SITE].room[2][RES_CPU], 31);
    o = offer(2, 7, 5); /* smaller, with a larger device */
    assert_int_equal(cut_places_add(&places, &o, 1), OK);
    assert_int_equal(places.boxes[CUT_OFFER].count, 2);
    o = offer(2, 9, 4); /* covers the first, and takes its place */
    assert_int_equal(cut_places_add(&places, &o, 1), OK);
    assert_int_equal(places.boxes[CUT_OFFER].count, 2);
    assert_int_equal(places.boxes[CUT_OFFER].most[RES_CPU], 9);
    assert_true(places.devices);
    o = offer(0, 1, 0);
    assert_int_equal(cut_places_add(&places, &o, 1), OK);
    assert_false(places.devices);
    o.site = CUT_SITES_MAX;
    assert_int_equal(cut_places_add(&places, &o, 1), ERR_RANGE);
    o.site = 0;
    o.room[RES_CPU] = UINT64_MAX;
    assert_int_equal(cut_places_add(&places, &o, 2), ERR_OVERFLOW);
}

static void more_kinds_than_a_mask_holds_are_refused(void **state)
{
    struct cut_places places;
    struct cut_offer o;
    (void)state;
    cut_places_init(&places);
    for (uint32_t i = 0; i < CUT_KINDS_MAX; i++) {
        o = offer(0, 100 + i, 0);
        o.room[RES_MEM] = 1000 - i;
        assert_int_equal(cut_places_add(&places, &o, 1), OK);
    }
    o = offer(0, 300, 0);
    assert_int_equal(cut_places_add(&places, &o, 1), ERR_TOO_LARGE);
}

static void what_fits_is_a_mask_of_known_boxes(void **state)
{
    struct cut_places places;
    struct cut_offer o = offer(1, 8, 4);
    uint64_t want[RES_COUNT] = {0};
    uint32_t least[RES_COUNT] = {0};
    (void)state;
    cut_places_init(&places);
    assert_int_equal(cut_places_add(&places, &o, 1), OK);
    o = offer(3, 16, 4);
    assert_int_equal(cut_places_add(&places, &o, 1), OK);
    assert_int_equal(cut_boxes_fit(&places.boxes[CUT_SITE], want, least, ~0ull),
                     2 | 8);
    want[RES_CPU] = 9;
    assert_int_equal(cut_boxes_fit(&places.boxes[CUT_SITE], want, least, ~0ull),
                     8);
    assert_int_equal(cut_boxes_fit(&places.boxes[CUT_SITE], want, least, 2), 0);
    want[RES_CPU] = 0;
    least[RES_CPU] = 17;
    assert_int_equal(cut_boxes_fit(&places.boxes[CUT_SITE], want, least, ~0ull),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(components_and_links_are_copied_or_refused),
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test(offers_add_up_to_sites_and_are_kinds),
        cmocka_unit_test(more_kinds_than_a_mask_holds_are_refused),
        cmocka_unit_test(what_fits_is_a_mask_of_known_boxes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
