#include "sched/cut/decompose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sched/cut/decompose_check.h"
#include "tests/unit/sched/cut_sample.h"

#define ALL_LEVELS 7u

static struct cutgraph graph;
static struct cut_places places;
static struct decomposition d;
static struct cut_fault fault;
static const struct decompose_options quick = {0, 0, 0};

static int clear(void **state)
{
    (void)state;
    cutgraph_done(&graph);
    decomposition_done(&d);
    return 0;
}

static uint32_t add(uint32_t cores)
{
    struct cut_component c = {.sites = UINT64_MAX};
    uint32_t id = 0;
    c.want.of[RES_CPU] = cores * 1000;
    assert_int_equal(cutgraph_add(&graph, &c, &id), OK);
    return id;
}

static void join(uint32_t from, uint32_t to, uint64_t weight)
{
    struct cut_link link = {
        .weight = weight, .from = from, .to = to, .flow = true};
    assert_int_equal(cutgraph_join(&graph, &link), OK);
}

static void offer(uint32_t site, uint32_t cores, uint32_t device)
{
    struct cut_offer o = {.site = site};
    o.room[RES_CPU] = cores * 1000;
    o.device[RES_CPU] = device * 1000;
    assert_int_equal(cut_places_add(&places, &o, 1), OK);
}

static enum err cut_at(uint32_t levels, const struct decompose_options *options)
{
    struct cut_case cut = {&graph, &places, levels};
    enum err err;
    decomposition_done(&d);
    err = decompose(&cut, options, &d, &fault);
    if (err == OK)
        assert_int_equal(decompose_check(&cut, &d), OK);
    return err;
}

static void what_fits_one_box_is_one_cluster(void **state)
{
    (void)state;
    cut_places_init(&places);
    offer(0, 8, 4);
    for (uint32_t i = 0; i < 4; i++)
        add(1);
    join(0, 3, 7);
    assert_int_equal(cut_at(ALL_LEVELS, &quick), OK);
    for (uint32_t l = 0; l < CUT_LEVELS; l++) {
        assert_int_equal(d.levels[l].count, 1);
        assert_int_equal(d.levels[l].cut, 0);
        assert_true(d.levels[l].proven);
    }
}

/* Two squares of heavy links, one light link between them. */
static void the_light_link_is_cut(void **state)
{
    (void)state;
    cut_places_init(&places);
    offer(0, 4, 2);
    for (uint32_t i = 0; i < 8; i++)
        add(1);
    for (uint32_t s = 0; s < 8; s += 4) {
        join(s, s + 1, 10);
        join(s, s + 2, 10);
        join(s + 1, s + 3, 10);
        join(s + 2, s + 3, 10);
    }
    join(3, 4, 1);
    assert_int_equal(cut_at(cut_level_bit(CUT_OFFER), &quick), OK);
    assert_int_equal(d.levels[CUT_OFFER].count, 2);
    assert_int_equal(d.levels[CUT_OFFER].cut, 1);
    assert_true(d.levels[CUT_OFFER].acyclic);
    assert_int_equal(d.levels[CUT_OFFER].cluster[0], 0);
    assert_int_equal(d.levels[CUT_OFFER].cluster[7], 1);
}

/* a -> b -> c with a and c heavy on each other: without the order {a, c} and
 * {b} would be cheapest. */
static void clusters_of_a_dag_make_no_circle(void **state)
{
    (void)state;
    cut_places_init(&places);
    offer(0, 2, 2);
    for (uint32_t i = 0; i < 3; i++)
        add(1);
    join(0, 1, 2);
    join(1, 2, 3);
    join(0, 2, 100);
    assert_int_equal(cut_at(cut_level_bit(CUT_OFFER), &quick), OK);
    assert_true(d.levels[CUT_OFFER].acyclic);
    assert_int_equal(d.levels[CUT_OFFER].cut, 102);
    graph.links[1] = (struct cut_link){3, 2, 1, true, 0};
    graph.links[2] = (struct cut_link){100, 2, 0, true, 0};
    assert_int_equal(cut_at(cut_level_bit(CUT_OFFER), &quick), OK);
    assert_int_equal(d.levels[CUT_OFFER].cut, 5);
}

static void a_graph_that_is_no_dag_may_be_cut_anyhow(void **state)
{
    (void)state;
    cut_places_init(&places);
    offer(0, 2, 2);
    for (uint32_t i = 0; i < 3; i++)
        add(1);
    join(0, 1, 2);
    join(1, 0, 3);
    join(0, 2, 100);
    assert_int_equal(cut_at(cut_level_bit(CUT_OFFER), &quick), OK);
    assert_false(d.levels[CUT_OFFER].acyclic);
    assert_int_equal(d.levels[CUT_OFFER].cut, 5);
}

static void a_group_takes_in_what_lies_between_its_members(void **state)
{
    (void)state;
    cut_places_init(&places);
    offer(0, 3, 3);
    for (uint32_t i = 0; i < 4; i++)
        add(1);
    join(0, 1, 1);
    join(1, 2, 1);
    join(2, 3, 50);
    graph.components[0].together = graph.components[2].together = 9;
    assert_int_equal(cut_at(cut_level_bit(CUT_OFFER), &quick), OK);
    assert_true(d.levels[CUT_OFFER].acyclic);
    assert_int_equal(d.levels[CUT_OFFER].cut, 50);
    /* Where that does not fit, circles are allowed and told of. */
    graph.components[1].want.of[RES_CPU] = 2000;
    assert_int_equal(cut_at(cut_level_bit(CUT_OFFER), &quick), OK);
    assert_false(d.levels[CUT_OFFER].acyclic);
    assert_int_equal(d.levels[CUT_OFFER].cut, 2);
}

static void groups_bind_offers_and_sites_but_not_devices(void **state)
{
    (void)state;
    cut_places_init(&places);
    offer(0, 4, 2);
    add(2);
    add(2);
    join(0, 1, 5);
    graph.components[0].together = graph.components[1].together = 1;
    assert_int_equal(cut_at(ALL_LEVELS, &quick), OK);
    assert_int_equal(d.levels[CUT_OFFER].count, 1);
    assert_int_equal(d.levels[CUT_DEVICE].count, 2);
    assert_int_equal(d.levels[CUT_DEVICE].cut, 5);
}

static void replicas_share_a_site_and_no_offer(void **state)
{
    (void)state;
    cut_places_init(&places);
    offer(0, 8, 8);
    offer(0, 8, 8);
    add(1);
    add(1);
    join(0, 1, 5);
    graph.components[0].apart = graph.components[1].apart = 3;
    assert_int_equal(cut_at(ALL_LEVELS, &quick), OK);
    assert_int_equal(d.levels[CUT_SITE].count, 1);
    assert_int_equal(d.levels[CUT_OFFER].count, 2);
    graph.components[0].together = graph.components[1].together = 1;
    assert_int_equal(cut_at(ALL_LEVELS, &quick), ERR_CAPACITY);
    assert_true(fault.apart);
    assert_int_equal(fault.level, CUT_OFFER);
    assert_int_equal(fault.members, 2);
}

static void a_kept_link_is_not_cut_at_its_level_and_above(void **state)
{
    (void)state;
    cut_places_init(&places);
    offer(0, 3, 2);
    offer(0, 3, 2);
    for (uint32_t i = 0; i < 3; i++)
        add(1);
    join(0, 1, 1);
    join(1, 2, 9);
    graph.components[2].want.of[RES_CPU] = 2000;
    graph.links[0].kept = cut_level_bit(CUT_OFFER);
    assert_int_equal(cut_at(ALL_LEVELS, &quick), OK);
    assert_int_equal(d.levels[CUT_OFFER].cut, 9);
    assert_int_equal(d.levels[CUT_DEVICE].cut, 9);
    graph.links[0].kept = 0;
    assert_int_equal(cut_at(ALL_LEVELS, &quick), OK);
    assert_int_equal(d.levels[CUT_OFFER].cut, 1);
}

static void residency_is_a_filter(void **state)
{
    (void)state;
    cut_places_init(&places);
    offer(0, 8, 8);
    offer(1, 8, 8);
    for (uint32_t i = 0; i < 2; i++)
        add(1);
    join(0, 1, UINT32_MAX);
    graph.components[0].sites = 1;
    graph.components[1].sites = 2;
    assert_int_equal(cut_at(ALL_LEVELS, &quick), OK);
    assert_int_equal(d.levels[CUT_SITE].count, 2);
    for (uint32_t l = 0; l < CUT_LEVELS; l++) {
        assert_int_equal(d.levels[l].home[d.levels[l].cluster[0]], 0);
        assert_int_equal(d.levels[l].home[d.levels[l].cluster[1]], 1);
    }
    graph.components[1].sites = 4;
    assert_int_equal(cut_at(ALL_LEVELS, &quick), ERR_CAPACITY);
    assert_int_equal(fault.component, 1);
}

/* A card is at one site, the memory at another: together they fit no offer,
 * though each site has enough of everything in sum. */
static void sums_of_a_site_do_not_hide_what_no_offer_has(void **state)
{
    struct cut_offer card = {.site = 0};
    struct cut_offer wide = {.site = 0};
    (void)state;
    cut_places_init(&places);
    card.room[RES_CPU] = wide.room[RES_CPU] = 4000;
    card.room[RES_ACCEL] = 1000;
    wide.room[RES_MEM] = 9000;
    assert_int_equal(cut_places_add(&places, &card, 1), OK);
    assert_int_equal(cut_places_add(&places, &wide, 1), OK);
    add(1);
    graph.components[0].want.of[RES_ACCEL] = 1000;
    graph.components[0].want.of[RES_MEM] = 9000;
    assert_int_equal(cut_at(cut_level_bit(CUT_SITE), &quick), OK);
    assert_int_equal(
        cut_at(cut_level_bit(CUT_SITE) | cut_level_bit(CUT_OFFER), &quick),
        ERR_CAPACITY);
    assert_int_equal(fault.level, CUT_OFFER);
}

static void what_is_needed_at_once_does_not_add_up(void **state)
{
    (void)state;
    cut_places_init(&places);
    offer(0, 8, 8);
    for (uint32_t i = 0; i < 5; i++) {
        add(1);
        graph.components[i].least.of[RES_CPU] = 6000;
    }
    assert_int_equal(cut_at(cut_level_bit(CUT_OFFER), &quick), OK);
    assert_int_equal(d.levels[CUT_OFFER].count, 1);
    graph.components[4].least.of[RES_CPU] = 9000;
    assert_int_equal(cut_at(cut_level_bit(CUT_OFFER), &quick), ERR_CAPACITY);
    assert_int_equal(fault.component, 4);
}

static void nonsense_is_refused(void **state)
{
    struct decompose_options many = {0, 0, CUT_EXACT_UNITS_MAX + 1};
    (void)state;
    cut_places_init(&places);
    offer(0, 8, 8);
    assert_int_equal(cut_at(ALL_LEVELS, &quick), ERR_RANGE);
    add(1);
    assert_int_equal(cut_at(0, &quick), ERR_RANGE);
    assert_int_equal(cut_at(8, &quick), ERR_RANGE);
    assert_int_equal(cut_at(ALL_LEVELS, &many), ERR_RANGE);
}

static struct sample_form draw_form(struct dice *dice, uint32_t most)
{
    struct sample_form form = {0};
    form.components = (uint32_t)dice_between(dice, 1, most);
    form.links = form.components * (uint32_t)dice_between(dice, 0, 3);
    form.dag = dice_chance(dice, 600);
    form.sites = (uint32_t)dice_between(dice, 1, 4);
    form.apart = (uint32_t)dice_below(dice, 3);
    form.bound = (uint32_t)dice_below(dice, 2) * 150;
    form.want = 4;
    return form;
}

/* cut_at() checks each; nested levels are never cheaper than the coarser. */
static void drawn_graphs_pass_the_checker_at_all_levels(void **state)
{
    uint32_t solved = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct sample_form form;
        struct dice dice;
        dice_init(&dice, seed);
        form = draw_form(&dice, 60);
        sample_places(form.sites, (uint32_t)dice_between(&dice, 8, 16),
                      &places);
        sample_graph(&form, &dice, &graph);
        if (cut_at(ALL_LEVELS, &decompose_options_default) == OK) {
            solved++;
            assert_true(d.levels[CUT_SITE].cut <= d.levels[CUT_OFFER].cut);
            assert_true(d.levels[CUT_OFFER].cut <= d.levels[CUT_DEVICE].cut);
            if (form.dag && form.bound == 0)
                assert_true(d.levels[CUT_DEVICE].acyclic);
        }
        cutgraph_done(&graph);
    }
    assert_true(solved > 250);
}

static void the_same_seed_gives_the_same_clusters(void **state)
{
    struct sample_form form = {200, 500, true, 2, 2, 0, 4};
    struct decomposition first;
    struct dice dice;
    (void)state;
    dice_init(&dice, 7);
    sample_places(2, 12, &places);
    sample_graph(&form, &dice, &graph);
    assert_int_equal(cut_at(ALL_LEVELS, &quick), OK);
    first = d;
    memset(&d, 0, sizeof(d));
    assert_int_equal(cut_at(ALL_LEVELS, &quick), OK);
    for (uint32_t l = 0; l < CUT_LEVELS; l++)
        assert_memory_equal(first.levels[l].cluster, d.levels[l].cluster,
                            200 * sizeof(uint32_t));
    decomposition_done(&first);
}

/* Against all ways there are, of up to nine components in one level. */
static uint64_t brute_force(const struct cut_places *p, uint32_t *part,
                            uint32_t at, uint32_t parts)
{
    uint64_t best = UINT64_MAX;
    uint32_t n = graph.component_count;
    if (at == n) {
        struct decomposition way = {0};
        struct cut_case cut = {&graph, p, cut_level_bit(CUT_OFFER)};
        struct decompose_level *level = &way.levels[CUT_OFFER];
        enum err err;
        *level = (struct decompose_level){.count = parts, .cluster = part};
        for (uint32_t i = 0; i < graph.link_count; i++)
            level->cut += part[graph.links[i].from] == part[graph.links[i].to]
                              ? 0
                              : graph.links[i].weight;
        /* Circles are right where the checker agrees that there are none. */
        err = decompose_check(&cut, &way);
        return err == ERR_DEPTH || (err == OK && !graph.links[0].flow)
                   ? level->cut
                   : UINT64_MAX;
    }
    for (uint32_t p2 = 0; p2 <= parts; p2++) {
        uint64_t cut;
        part[at] = p2;
        cut = brute_force(p, part, at + 1, parts + (p2 == parts));
        if (cut < best)
            best = cut;
    }
    return best;
}

/* Told acyclic = false, the checker says ERR_DEPTH exactly of ways without a
 * circle, after all else has passed; and OK of ways with one. */
static void small_cuts_are_near_the_least_there_is(void **state)
{
    uint64_t found = 0;
    uint64_t least = 0;
    uint32_t exact = 0;
    uint32_t cases = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct sample_form form = {8, 14, seed % 2 == 0, 1, 1, 0, 4};
        struct cut_case cut = {&graph, &places, cut_level_bit(CUT_OFFER)};
        uint32_t part[8] = {0};
        struct dice dice;
        uint64_t best;
        dice_init(&dice, seed);
        sample_places(1, 8, &places);
        sample_graph(&form, &dice, &graph);
        best = brute_force(&places, part, 0, 0);
        assert_int_equal(cut_at(cut.levels, &quick), OK);
        assert_true(d.levels[CUT_OFFER].cut >= best);
        found += d.levels[CUT_OFFER].cut;
        least += best;
        exact += d.levels[CUT_OFFER].cut == best;
        cases++;
        assert_int_equal(cut_at(cut.levels, &decompose_options_default), OK);
        assert_int_equal(d.levels[CUT_OFFER].cut, best);
        assert_true(d.levels[CUT_OFFER].proven);
        cutgraph_done(&graph);
    }
    print_message("%u of %u least; all together %lu against %lu\n", exact,
                  cases, (unsigned long)found, (unsigned long)least);
    assert_true(exact * 10 >= cases * 8);
    assert_true(found * 100 <= least * 104);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_fits_one_box_is_one_cluster, clear),
        cmocka_unit_test_teardown(the_light_link_is_cut, clear),
        cmocka_unit_test_teardown(clusters_of_a_dag_make_no_circle, clear),
        cmocka_unit_test_teardown(a_graph_that_is_no_dag_may_be_cut_anyhow,
                                  clear),
        cmocka_unit_test_teardown(
            a_group_takes_in_what_lies_between_its_members, clear),
        cmocka_unit_test_teardown(groups_bind_offers_and_sites_but_not_devices,
                                  clear),
        cmocka_unit_test_teardown(replicas_share_a_site_and_no_offer, clear),
        cmocka_unit_test_teardown(a_kept_link_is_not_cut_at_its_level_and_above,
                                  clear),
        cmocka_unit_test_teardown(residency_is_a_filter, clear),
        cmocka_unit_test_teardown(sums_of_a_site_do_not_hide_what_no_offer_has,
                                  clear),
        cmocka_unit_test_teardown(what_is_needed_at_once_does_not_add_up,
                                  clear),
        cmocka_unit_test_teardown(nonsense_is_refused, clear),
        cmocka_unit_test_teardown(drawn_graphs_pass_the_checker_at_all_levels,
                                  clear),
        cmocka_unit_test_teardown(the_same_seed_gives_the_same_clusters, clear),
        cmocka_unit_test_teardown(small_cuts_are_near_the_least_there_is,
                                  clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
