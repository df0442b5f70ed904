/* The parts that a cut is made of: contraction, order, pairs, halves, moves. */

#include "sched/cut/coarse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sched/cut/bisect.h"
#include "sched/cut/bound.h"
#include "sched/cut/cut_exact.h"
#include "sched/cut/match.h"
#include "sched/cut/multilevel.h"
#include "sched/cut/quotient.h"
#include "sched/cut/refine.h"
#include "tests/unit/sched/cut_sample.h"

static struct arena arena;
static struct cutgraph graph;
static struct cut_places places;
static struct bound bound;

static int clear(void **state)
{
    (void)state;
    cutgraph_done(&graph);
    arena_done(&arena);
    return 0;
}

/* A drawn graph as units, one level of offers; links between two are one. */
static struct coarse *drawn(uint64_t seed, uint32_t n, bool dag)
{
    static struct coarse g;
    struct sample_form form = {n, 2 * n, dag, 1, 0, 0, 4};
    struct cut_case cut = {&graph, &places, cut_level_bit(CUT_OFFER)};
    struct cut_fault fault;
    struct dice dice;
    uint32_t *map;
    cutgraph_done(&graph);
    arena_done(&arena);
    arena_init(&arena, CUT_SCRATCH_MAX);
    dice_init(&dice, seed);
    sample_places(1, 8, &places);
    sample_graph(&form, &dice, &graph);
    assert_int_equal(bound_init(&bound, &arena, &cut, &fault), OK);
    map = arena_calloc(&arena, n, sizeof(*map));
    assert_non_null(map);
    for (uint32_t u = 0; u < n; u++)
        map[u] = u;
    assert_int_equal(coarse_contract(&arena, &bound.all, map, n, &g), OK);
    for (uint32_t u = 0; u < n; u++)
        g.units[u].size = g.units[u].want[RES_CPU] * (COARSE_BOX / 8000);
    return &g;
}

static uint64_t all_weight(const struct coarse *g)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < g->first[g->n]; i++)
        sum += g->arcs[i].weight;
    return sum / 2;
}

static bool is_dag(const struct coarse *g)
{
    uint32_t *top = arena_calloc(&arena, g->n, sizeof(*top));
    bool dag = false;
    assert_non_null(top);
    assert_int_equal(coarse_levels(&arena, g, top, &dag), OK);
    return dag;
}

/* out is a partition of which every part fits a box, in a row if ordered. */
static void assert_parts(const struct coarse *g, const uint32_t *part,
                         uint32_t k, bool ordered)
{
    for (uint32_t p = 0; p < k; p++) {
        struct cut_unit sum;
        uint32_t members = 0;
        unit_clear(&sum);
        for (uint32_t u = 0; u < g->n; u++) {
            if (part[u] != p)
                continue;
            unit_add(&sum, &g->units[u]);
            members++;
        }
        assert_true(members > 0);
        assert_true(unit_fits(&places.boxes[CUT_OFFER], &sum));
    }
    for (uint32_t u = 0; u < g->n; u++) {
        assert_true(part[u] < k);
        for (uint32_t i = g->first[u]; ordered && i < g->first[u + 1]; i++) {
            if ((g->arcs[i].flow & ARC_OUT) != 0)
                assert_true(part[u] <= part[g->arcs[i].to]);
        }
    }
}

static void contraction_adds_up_and_loses_only_what_is_inside(void **state)
{
    struct coarse *g = drawn(1, 12, false);
    struct coarse half;
    uint32_t map[12];
    uint64_t inside = 0;
    (void)state;
    for (uint32_t u = 0; u < 12; u++)
        map[u] = u / 2;
    assert_int_equal(coarse_contract(&arena, g, map, 6, &half), OK);
    for (uint32_t u = 0; u < 12; u++) {
        for (uint32_t i = g->first[u]; i < g->first[u + 1]; i++)
            inside += g->arcs[i].to / 2 == u / 2 ? g->arcs[i].weight : 0;
    }
    assert_int_equal(all_weight(&half), all_weight(g) - inside / 2);
    assert_int_equal(refine_cut(g, map), all_weight(&half));
    assert_int_equal(half.units[0].want[RES_CPU],
                     g->units[0].want[RES_CPU] + g->units[1].want[RES_CPU]);
}

static void circles_are_numbered_along_the_flow(void **state)
{
    struct coarse *g = drawn(2, 20, true);
    uint32_t number[20];
    uint32_t count = 0;
    (void)state;
    assert_int_equal(coarse_circles(&arena, g, number, &count), OK);
    assert_int_equal(count, 20);
    for (uint32_t u = 0; u < 20; u++) {
        for (uint32_t i = g->first[u]; i < g->first[u + 1]; i++) {
            if ((g->arcs[i].flow & ARC_OUT) != 0)
                assert_true(number[u] < number[g->arcs[i].to]);
        }
    }
    /* 0 -> 1 -> 2 -> 0 is one. */
    cutgraph_done(&graph);
    for (uint32_t i = 0; i < 3; i++) {
        struct cut_component c = {.sites = 1};
        uint32_t id = 0;
        assert_int_equal(cutgraph_add(&graph, &c, &id), OK);
    }
    for (uint32_t i = 0; i < 3; i++) {
        struct cut_link link = {1, i, (i + 1) % 3, true, 0};
        assert_int_equal(cutgraph_join(&graph, &link), OK);
    }
    {
        struct cut_case cut = {&graph, &places, cut_level_bit(CUT_OFFER)};
        struct cut_fault fault;
        assert_int_equal(bound_init(&bound, &arena, &cut, &fault), OK);
    }
    assert_int_equal(coarse_circles(&arena, &bound.all, number, &count), OK);
    assert_int_equal(count, 1);
    assert_false(is_dag(&bound.all));
}

/* The proof in match.h, tried: whatever the graph, joining all pairs at once
 * makes no circle; over and over, until nothing can be joined. */
static void joining_pairs_makes_no_circle(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct coarse g = *drawn(seed, 40, true);
        struct match_rules rules = {&places.boxes[CUT_OFFER], COARSE_BOX, true,
                                    seed % 2 == 0};
        struct dice dice;
        uint32_t before = 0;
        dice_init(&dice, seed);
        while (g.n != before) {
            struct coarse next;
            uint32_t *map = arena_calloc(&arena, g.n, sizeof(*map));
            uint32_t n = 0;
            assert_non_null(map);
            assert_int_equal(match_pairs(&arena, &g, &rules, &dice, map, &n),
                             OK);
            assert_int_equal(coarse_contract(&arena, &g, map, n, &next), OK);
            assert_true(is_dag(&next));
            for (uint32_t u = 0; u < next.n; u++)
                assert_true(unit_fits(rules.boxes, &next.units[u]));
            before = g.n;
            g = next;
        }
        assert_true(g.n < 40);
    }
}

static void bisection_ends_with_parts_that_fit(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        bool ordered = seed % 2 == 0;
        struct coarse *g = drawn(seed, 50, ordered);
        uint32_t part[50];
        uint32_t k = 0;
        struct dice dice;
        dice_init(&dice, seed);
        assert_int_equal(
            bisect(g, &places.boxes[CUT_OFFER], ordered, &dice, part, &k), OK);
        assert_true(k > 1);
        assert_parts(g, part, k, ordered);
    }
}

/* From units that are all alone: moves and exchanges never cut more. */
static void refinement_never_cuts_more(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        bool ordered = seed % 2 == 0;
        uint32_t n = seed % 3 == 0 ? 90 : 30; /* in a row, or exactly */
        struct coarse *g = drawn(seed, n, ordered);
        uint32_t part[90];
        uint64_t before;
        uint64_t after;
        struct dice dice;
        struct refine r = {.g = g,
                           .boxes = &places.boxes[CUT_OFFER],
                           .ordered = ordered,
                           .k = n,
                           .part = part,
                           .arena = &arena};
        for (uint32_t u = 0; u < n; u++)
            part[u] = u;
        assert_int_equal(refine_number(&r), OK);
        before = refine_cut(g, part);
        assert_int_equal(refine_moves(&r), OK);
        after = refine_cut(g, part);
        assert_true(after < before);
        assert_int_equal(refine_exchanges(&r), OK);
        assert_true(refine_cut(g, part) <= after);
        assert_int_equal(refine_number(&r), OK);
        assert_parts(g, part, r.k, ordered);
        after = refine_cut(g, part);
        if (r.k <= QUOTIENT_PARTS_MAX) {
            assert_int_equal(refine_joins(&r), OK);
            assert_true(refine_cut(g, part) <= after);
            assert_parts(g, part, r.k, ordered);
        }
        dice_init(&dice, seed);
        if (r.k < QUOTIENT_PARTS_MAX) {
            r.k++;
            assert_int_equal(refine_kick(&r, &dice, 40), OK);
            assert_int_equal(refine_number(&r), OK);
            assert_parts(g, part, r.k, ordered);
        }
    }
}

/* What the quotient says of a move, against contracting and looking. */
static void the_quotient_knows_which_moves_close_a_circle(void **state)
{
    uint32_t closed = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct coarse *g = drawn(seed, 24, true);
        struct quotient q;
        struct dice dice;
        uint32_t part[24];
        dice_init(&dice, seed);
        for (uint32_t u = 0; u < 24; u++)
            part[u] = u / 4; /* links lead upwards: no circle */
        assert_int_equal(quotient_init(&q, &arena, g, part, 6), OK);
        for (uint32_t i = 0; i < 60; i++) {
            uint32_t u = (uint32_t)dice_below(&dice, 24);
            uint32_t to = (uint32_t)dice_below(&dice, 6);
            uint32_t from = part[u];
            struct coarse parts;
            bool may = quotient_may_move(&q, u, to);
            assert_int_equal(part[u], from);
            part[u] = to;
            assert_int_equal(coarse_contract(&arena, g, part, 6, &parts), OK);
            assert_int_equal(may, is_dag(&parts));
            part[u] = from;
            closed += !may;
            /* A part that lost its last unit would leave a gap. */
            if (may && dice_chance(&dice, 200))
                quotient_move(&q, u, to);
            for (uint32_t p = 0; p < 6; p++) {
                uint32_t held = 0;
                for (uint32_t k = 0; k < 24; k++)
                    held += part[k] == p;
                if (held == 0)
                    quotient_move(&q, u, from);
            }
        }
    }
    assert_true(closed > 100);
}

static void exact_search_is_never_beaten_and_says_when_it_is_done(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct coarse *g = drawn(seed, 10, seed % 2 == 0);
        struct multilevel_rules rules = {&places.boxes[CUT_OFFER],
                                         seed % 2 == 0, 0, 0};
        uint32_t part[10];
        uint32_t exact[10];
        uint32_t k = 0;
        uint32_t few = 0;
        uint64_t cut = 0;
        uint64_t least;
        bool proven = true;
        assert_int_equal(multilevel(g, &rules, part, &k, &cut), OK);
        assert_parts(g, part, k, rules.ordered);
        memcpy(exact, part, sizeof(part));
        least = cut;
        few = k;
        cut_exact(g, rules.boxes, rules.ordered, 3, exact, &few, &least,
                  &proven);
        assert_false(proven);
        assert_true(least <= cut);
        cut_exact(g, rules.boxes, rules.ordered, 10000000, exact, &few, &least,
                  &proven);
        assert_true(proven);
        assert_true(least <= cut);
        assert_int_equal(refine_cut(g, exact), least);
        assert_parts(g, exact, few, false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            contraction_adds_up_and_loses_only_what_is_inside, clear),
        cmocka_unit_test_teardown(circles_are_numbered_along_the_flow, clear),
        cmocka_unit_test_teardown(joining_pairs_makes_no_circle, clear),
        cmocka_unit_test_teardown(bisection_ends_with_parts_that_fit, clear),
        cmocka_unit_test_teardown(refinement_never_cuts_more, clear),
        cmocka_unit_test_teardown(the_quotient_knows_which_moves_close_a_circle,
                                  clear),
        cmocka_unit_test_teardown(
            exact_search_is_never_beaten_and_says_when_it_is_done, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
