#include "sched/graph/route.h"

#include "graph_sample.h"

static uint64_t left[SAMPLE_LINKS];
static struct route_map map;

static void left_of(const struct topology *t)
{
    for (uint32_t l = 0; l < t->link_count; l++)
        left[l] = topology_left_kbps(t, l);
}

/* ---- every simple path there is ---- */

struct seek {
    const struct topology *t;
    const struct route_bounds *bounds;
    uint16_t to;
    uint64_t seen;
    uint32_t hops;
    uint64_t delay;
    uint64_t risk;
    uint32_t best_hops; /* UINT32_MAX: none */
    uint64_t best_delay;
    uint64_t best_risk;
};

static void seek(struct seek *s, uint16_t at)
{
    const struct route_bounds *b = s->bounds;
    if (at == s->to) {
        bool better = s->hops < s->best_hops ||
                      (s->hops == s->best_hops &&
                       (s->delay < s->best_delay ||
                        (s->delay == s->best_delay && s->risk < s->best_risk)));
        if (better) {
            s->best_hops = s->hops;
            s->best_delay = s->delay;
            s->best_risk = s->risk;
        }
        return;
    }
    for (uint32_t i = s->t->first[at]; i < s->t->first[at + 1]; i++) {
        struct topo_arc arc = s->t->arcs[i];
        const struct topo_link *l = &s->t->links[arc.link];
        uint64_t delay = b->delay_us_max != 0 ? l->delay_us : 0;
        uint64_t risk = b->risk_nn_max != 0 ? l->risk_nn : 0;
        if ((s->seen >> arc.to & 1) != 0 || left[arc.link] < b->kbps ||
            (b->delay_us_max != 0 && (l->delay_us == LINK_UNKNOWN ||
                                      s->delay + delay > b->delay_us_max)) ||
            (b->risk_nn_max != 0 &&
             (l->risk_nn == LINK_UNKNOWN || s->risk + risk > b->risk_nn_max)))
            continue;
        s->seen |= UINT64_C(1) << arc.to;
        s->hops++;
        s->delay += delay;
        s->risk += risk;
        seek(s, arc.to);
        s->seen &= ~(UINT64_C(1) << arc.to);
        s->hops--;
        s->delay -= delay;
        s->risk -= risk;
    }
}

static void leads_there(const struct topology *t, const struct route *route,
                        uint16_t from, uint16_t to, uint64_t kbps)
{
    uint16_t at = from;
    for (uint32_t i = 0; i < route->hops; i++) {
        const struct topo_link *l = &t->links[route->link[i]];
        assert_true(left[route->link[i]] >= kbps);
        assert_true(l->a == at || l->b == at);
        at = l->a == at ? l->b : l->a;
    }
    assert_int_equal(at, to);
}

static void the_path_is_the_best_of_all_paths(void **state)
{
    struct dice dice;
    uint32_t none = 0;
    uint32_t found = 0;
    (void)state;
    dice_init(&dice, 3);
    for (uint32_t round = 0; round < 1500; round++) {
        struct topology t;
        struct route_search *search;
        struct route route;
        struct route_bounds bounds = {.kbps = dice_below(&dice, 900)};
        struct seek s = {.t = &t, .bounds = &bounds, .best_hops = UINT32_MAX};
        uint16_t from;
        bool exact = false;
        enum err err;
        sample_drawn(&t, (uint32_t)dice_between(&dice, 4, 9), &dice);
        left_of(&t);
        from = (uint16_t)dice_below(&dice, t.node_count);
        s.to = (uint16_t)dice_below(&dice, t.node_count);
        if (dice_chance(&dice, 700))
            bounds.delay_us_max = dice_between(&dice, 100, 2000);
        if (dice_chance(&dice, 700))
            bounds.risk_nn_max = dice_between(&dice, 100, 2000);
        s.seen = UINT64_C(1) << from;
        seek(&s, from);
        assert_int_equal(route_search_new(&t, &search), OK);
        err = route_bounded(search, left, from, s.to, &bounds, &route, &exact);
        assert_true(exact);
        assert_int_equal(err, s.best_hops == UINT32_MAX ? ERR_CAPACITY : OK);
        none += err != OK;
        if (err == OK) {
            found += route.hops > 1;
            assert_int_equal(route.hops, s.best_hops);
            assert_int_equal(route.delay_us, s.best_delay);
            assert_int_equal(route.risk_nn, s.best_risk);
            leads_there(&t, &route, from, s.to, bounds.kbps);
        }
        if (bounds.delay_us_max == 0 && bounds.risk_nn_max == 0) {
            route_map(&t, left, from, ROUTE_FAR, bounds.kbps, ROUTE_HOPS_MAX,
                      &map);
            assert_int_equal(route_read(&t, &map, s.to, &route), err == OK);
            if (err == OK) {
                assert_int_equal(route.hops, s.best_hops);
                leads_there(&t, &route, from, s.to, bounds.kbps);
            }
        }
        route_search_free(search);
        topology_done(&t);
    }
    assert_true(none > 100 && found > 100);
}

static void a_bound_may_want_a_longer_path(void **state)
{
    /* 0 - 1 is slow, 0 - 2 - 1 fast: the triangle */
    const struct topo_node nodes[3] = {0};
    const struct topo_link links[3] = {
        {.a = 0, .b = 1, .cap_kbps = 9, .delay_us = 100},
        {.a = 0, .b = 2, .cap_kbps = 9, .delay_us = 10},
        {.a = 2, .b = 1, .cap_kbps = 9, .delay_us = 10}};
    struct route_bounds bounds = {.kbps = 1, .delay_us_max = 100};
    struct route_search *search;
    struct topology t;
    struct route route;
    bool exact;
    (void)state;
    assert_int_equal(topology_init(&t, nodes, 3, links, 3, NULL, 0), OK);
    left_of(&t);
    assert_int_equal(route_search_new(&t, &search), OK);
    assert_int_equal(route_bounded(search, left, 0, 1, &bounds, &route, &exact),
                     OK);
    assert_int_equal(route.hops, 1);
    bounds.delay_us_max = 99;
    assert_int_equal(route_bounded(search, left, 0, 1, &bounds, &route, &exact),
                     OK);
    assert_int_equal(route.hops, 2);
    assert_int_equal(route.delay_us, 20);
    bounds.delay_us_max = 19;
    assert_int_equal(route_bounded(search, left, 0, 1, &bounds, &route, &exact),
                     ERR_CAPACITY);
    route_search_free(search);
    topology_done(&t);
}

static void a_path_from_a_node_to_itself_has_no_links(void **state)
{
    const struct route_bounds bounds = {
        .kbps = UINT64_MAX, .delay_us_max = 1, .risk_nn_max = 1};
    struct route_search *search;
    struct topology t;
    struct route route;
    bool exact;
    (void)state;
    sample_line(&t, 3);
    left_of(&t);
    assert_int_equal(route_search_new(&t, &search), OK);
    assert_int_equal(route_bounded(search, left, 1, 1, &bounds, &route, &exact),
                     OK);
    assert_int_equal(route.hops, 0);
    route_search_free(search);
    topology_done(&t);
}

static void paths_longer_than_a_route_are_not_looked_at(void **state)
{
    static struct topo_node nodes[80];
    static struct topo_link links[79];
    const struct route_bounds bounds = {.kbps = 1, .delay_us_max = 1000};
    static uint64_t room[79];
    struct route_search *search;
    struct topology t;
    struct route route;
    bool exact;
    (void)state;
    for (uint16_t i = 0; i < 79; i++) {
        links[i] = (struct topo_link){
            .a = i, .b = (uint16_t)(i + 1), .cap_kbps = 1, .delay_us = 1};
        room[i] = 1;
    }
    assert_int_equal(topology_init(&t, nodes, 80, links, 79, NULL, 0), OK);
    assert_int_equal(route_search_new(&t, &search), OK);
    route_map(&t, room, 0, ROUTE_FAR, 1, ROUTE_HOPS_MAX, &map);
    assert_true(route_read(&t, &map, 64, &route));
    assert_false(route_read(&t, &map, 65, &route));
    assert_int_equal(
        route_bounded(search, room, 0, 64, &bounds, &route, &exact), OK);
    assert_int_equal(route.hops, 64);
    assert_int_equal(
        route_bounded(search, room, 0, 65, &bounds, &route, &exact),
        ERR_CAPACITY);
    route_search_free(search);
    topology_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_path_is_the_best_of_all_paths),
        cmocka_unit_test(a_bound_may_want_a_longer_path),
        cmocka_unit_test(a_path_from_a_node_to_itself_has_no_links),
        cmocka_unit_test(paths_longer_than_a_route_are_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
