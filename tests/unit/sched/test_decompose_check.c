#include "sched/cut/decompose_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* a -> b -> c, weights 3 and 5; two sites, one offer of two cores at each. */
static struct cutgraph graph;
static struct cut_places places;
static struct cut_case cut = {&graph, &places, 3};
static struct decomposition d;
static uint32_t site[3];
static uint32_t offer[3];

static int setup(void **state)
{
    struct cut_component c = {.sites = 3};
    struct cut_offer o = {.site = 0};
    uint32_t id = 0;
    (void)state;
    cutgraph_init(&graph);
    cut_places_init(&places);
    c.want.of[RES_CPU] = 1000;
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(cutgraph_add(&graph, &c, &id), OK);
    for (uint32_t i = 0; i < 2; i++) {
        struct cut_link link = {3 + 2 * i, i, i + 1, true, 0};
        assert_int_equal(cutgraph_join(&graph, &link), OK);
    }
    o.room[RES_CPU] = 2000;
    assert_int_equal(cut_places_add(&places, &o, 2), OK);
    o.site = 1;
    assert_int_equal(cut_places_add(&places, &o, 1), OK);
    memcpy(site, (uint32_t[]){0, 0, 0}, sizeof(site));
    memcpy(offer, (uint32_t[]){0, 1, 1}, sizeof(offer));
    d.levels[CUT_SITE] =
        (struct decompose_level){.count = 1, .cluster = site, .acyclic = true};
    d.levels[CUT_OFFER] = (struct decompose_level){
        .count = 2, .cluster = offer, .cut = 3, .acyclic = true};
    return 0;
}

static int clear(void **state)
{
    (void)state;
    cutgraph_done(&graph);
    return 0;
}

static void what_is_right_passes(void **state)
{
    (void)state;
    assert_int_equal(decompose_check(&cut, &d), OK);
}

static void a_wrong_cut_is_seen(void **state)
{
    (void)state;
    d.levels[CUT_OFFER].cut = 4;
    assert_int_equal(decompose_check(&cut, &d), ERR_PROOF);
}

static void empty_and_missing_clusters_are_seen(void **state)
{
    (void)state;
    d.levels[CUT_OFFER].count = 3;
    assert_int_equal(decompose_check(&cut, &d), ERR_STATE);
    d.levels[CUT_OFFER].count = 1;
    assert_int_equal(decompose_check(&cut, &d), ERR_STATE);
    d.levels[CUT_OFFER].cluster = NULL;
    assert_int_equal(decompose_check(&cut, &d), ERR_STATE);
}

static void clusters_out_of_their_row_or_on_a_circle_are_seen(void **state)
{
    (void)state;
    memcpy(offer, (uint32_t[]){1, 0, 0}, sizeof(offer));
    assert_int_equal(decompose_check(&cut, &d), ERR_DEPTH);
    memcpy(offer, (uint32_t[]){0, 1, 0}, sizeof(offer));
    d.levels[CUT_OFFER].cut = 8;
    assert_int_equal(decompose_check(&cut, &d), ERR_DEPTH);
    d.levels[CUT_OFFER].acyclic = false;
    assert_int_equal(decompose_check(&cut, &d), OK);
    memcpy(offer, (uint32_t[]){0, 1, 1}, sizeof(offer));
    d.levels[CUT_OFFER].cut = 3;
    assert_int_equal(decompose_check(&cut, &d), ERR_DEPTH);
}

static void a_cluster_in_two_of_the_coarser_level_is_seen(void **state)
{
    (void)state;
    memcpy(site, (uint32_t[]){0, 0, 1}, sizeof(site));
    d.levels[CUT_SITE].count = 2;
    d.levels[CUT_SITE].cut = 5;
    assert_int_equal(decompose_check(&cut, &d), ERR_RANGE);
}

static void what_fits_nowhere_is_seen(void **state)
{
    (void)state;
    graph.components[1].want.of[RES_CPU] = 1500;
    assert_int_equal(decompose_check(&cut, &d), ERR_CAPACITY);
    graph.components[1].want.of[RES_CPU] = 1000;
    graph.components[1].least.of[RES_CPU] = 2500;
    assert_int_equal(decompose_check(&cut, &d), ERR_CAPACITY);
    graph.components[1].least.of[RES_CPU] = 0;
    graph.components[0].sites = 1;
    graph.components[1].sites = 2; /* one site cluster at two sites */
    assert_int_equal(decompose_check(&cut, &d), ERR_CAPACITY);
}

static void homes_that_are_none_are_seen(void **state)
{
    uint32_t at_site[1] = {0};
    uint32_t at_offer[2] = {0, 0};
    (void)state;
    d.levels[CUT_SITE].home = at_site;
    d.levels[CUT_OFFER].home = at_offer;
    assert_int_equal(decompose_check(&cut, &d), OK);
    at_offer[1] = 1; /* an offer of the other site */
    assert_int_equal(decompose_check(&cut, &d), ERR_CAPACITY);
    at_offer[1] = 2; /* of none */
    assert_int_equal(decompose_check(&cut, &d), ERR_CAPACITY);
    at_offer[1] = 0;
    at_site[0] = 1; /* too small for all */
    assert_int_equal(decompose_check(&cut, &d), ERR_CAPACITY);
}

static void bonds_that_are_broken_are_seen(void **state)
{
    (void)state;
    graph.components[0].together = graph.components[2].together = 4;
    assert_int_equal(decompose_check(&cut, &d), ERR_PARTY);
    graph.components[0].together = 0;
    graph.components[1].apart = graph.components[2].apart = 4;
    assert_int_equal(decompose_check(&cut, &d), ERR_PARTY);
    graph.components[1].apart = 0;
    graph.links[0].kept = cut_level_bit(CUT_OFFER);
    assert_int_equal(decompose_check(&cut, &d), ERR_PARTY);
    graph.links[0].kept = cut_level_bit(CUT_SITE);
    assert_int_equal(decompose_check(&cut, &d), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_right_passes, setup, clear),
        cmocka_unit_test_setup_teardown(a_wrong_cut_is_seen, setup, clear),
        cmocka_unit_test_setup_teardown(empty_and_missing_clusters_are_seen,
                                        setup, clear),
        cmocka_unit_test_setup_teardown(
            clusters_out_of_their_row_or_on_a_circle_are_seen, setup, clear),
        cmocka_unit_test_setup_teardown(
            a_cluster_in_two_of_the_coarser_level_is_seen, setup, clear),
        cmocka_unit_test_setup_teardown(what_fits_nowhere_is_seen, setup,
                                        clear),
        cmocka_unit_test_setup_teardown(homes_that_are_none_are_seen, setup,
                                        clear),
        cmocka_unit_test_setup_teardown(bonds_that_are_broken_are_seen, setup,
                                        clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
