#include "sched/graph/topology.h"

#include "graph_sample.h"

static void everyone_meets_their_neighbours(void **state)
{
    struct topology t;
    struct dice dice;
    (void)state;
    dice_init(&dice, 1);
    sample_drawn(&t, 20, &dice);
    assert_int_equal(t.first[t.node_count], 2 * t.link_count);
    for (uint32_t v = 0; v < t.node_count; v++)
        for (uint32_t i = t.first[v]; i < t.first[v + 1]; i++) {
            const struct topo_link *l = &t.links[t.arcs[i].link];
            assert_true((l->a == v && l->b == t.arcs[i].to) ||
                        (l->b == v && l->a == t.arcs[i].to));
        }
    topology_done(&t);
}

static void what_cannot_be_is_refused(void **state)
{
    struct topo_node nodes[2] = {0};
    struct topo_link link = {.a = 0, .b = 1, .cap_kbps = 5};
    struct power_curve falls = {{5, 4}};
    struct topology t = {.node_count = 77};
    (void)state;
    assert_int_equal(topology_init(&t, nodes, 0, NULL, 0, NULL, 0),
                     ERR_TOO_LARGE);
    assert_int_equal(
        topology_init(&t, nodes, TOPOLOGY_NODES_MAX + 1, NULL, 0, NULL, 0),
        ERR_TOO_LARGE);
    link.b = 2;
    assert_int_equal(topology_init(&t, nodes, 2, &link, 1, NULL, 0), ERR_RANGE);
    link.b = 0;
    assert_int_equal(topology_init(&t, nodes, 2, &link, 1, NULL, 0), ERR_RANGE);
    link.b = 1;
    link.used_kbps = 6;
    assert_int_equal(topology_init(&t, nodes, 2, &link, 1, NULL, 0), ERR_RANGE);
    link.used_kbps = 0;
    nodes[1].zone = TOPOLOGY_ZONES;
    assert_int_equal(topology_init(&t, nodes, 2, &link, 1, NULL, 0), ERR_RANGE);
    nodes[1].zone = 0;
    assert_int_equal(topology_init(&t, nodes, 2, &link, 1, &falls, 1),
                     ERR_RANGE);
    assert_int_equal(t.node_count, 77);
}

static void draw_hold(const struct topology *t, struct dice *dice,
                      struct hold *out)
{
    out->node_count = (uint32_t)dice_below(dice, 5);
    out->link_count = (uint32_t)dice_below(dice, 12);
    for (uint32_t i = 0; i < out->node_count; i++) {
        memset(&out->nodes[i], 0, sizeof(out->nodes[i]));
        out->nodes[i].node = (uint16_t)dice_below(dice, t->node_count);
        out->nodes[i].stock.of[dice_below(dice, RES_COUNT)] =
            (uint32_t)dice_below(dice, 3000);
    }
    for (uint32_t i = 0; i < out->link_count; i++)
        out->links[i] = (struct hold_link){
            dice_below(dice, 300), (uint16_t)dice_below(dice, t->link_count)};
}

static void taking_is_all_or_nothing_and_giving_back_exact(void **state)
{
    static struct hold holds[64];
    struct topology t, before;
    struct dice dice;
    uint32_t taken = 0;
    uint32_t refused = 0;
    (void)state;
    dice_init(&dice, 7);
    sample_drawn(&t, 12, &dice);
    assert_int_equal(topology_copy(&t, &before), OK);
    for (uint32_t i = 0; i < 2000; i++) {
        struct topology now;
        if (taken == 64 || (taken > 0 && dice_chance(&dice, 400))) {
            topology_give(&t, &holds[--taken]);
            continue;
        }
        draw_hold(&t, &dice, &holds[taken]);
        assert_int_equal(topology_copy(&t, &now), OK);
        if (topology_take(&t, &holds[taken]) == OK) {
            taken++;
        } else {
            refused++;
            assert_memory_equal(t.nodes, now.nodes,
                                t.node_count * sizeof(*t.nodes));
            assert_memory_equal(t.links, now.links,
                                t.link_count * sizeof(*t.links));
        }
        for (uint32_t l = 0; l < t.link_count; l++)
            assert_true(t.links[l].used_kbps <= t.links[l].cap_kbps);
        topology_done(&now);
    }
    assert_true(refused > 50);
    while (taken > 0)
        topology_give(&t, &holds[--taken]);
    assert_memory_equal(t.nodes, before.nodes, t.node_count * sizeof(*t.nodes));
    assert_memory_equal(t.links, before.links, t.link_count * sizeof(*t.links));
    topology_done(&t);
    topology_done(&before);
}

static void what_is_not_there_is_not_taken(void **state)
{
    static struct hold hold;
    struct topology t;
    (void)state;
    sample_line(&t, 3);
    hold = (struct hold){.link_count = 1, .links = {{1, 2}}};
    assert_int_equal(topology_take(&t, &hold), ERR_RANGE);
    hold = (struct hold){.node_count = 1, .nodes = {{.node = 3}}};
    assert_int_equal(topology_take(&t, &hold), ERR_RANGE);
    topology_done(&t);
}

static void a_capacity_below_what_is_used_leaves_nothing(void **state)
{
    struct topology t;
    struct stock left;
    (void)state;
    sample_line(&t, 2);
    t.links[0].used_kbps = 800;
    t.links[0].cap_kbps = 700;
    t.nodes[0].used.of[RES_CPU] = 3000;
    t.nodes[0].cap.of[RES_CPU] = 2000;
    topology_left(&t, 0, &left);
    assert_int_equal(topology_left_kbps(&t, 0), 0);
    assert_int_equal(left.of[RES_CPU], 0);
    topology_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everyone_meets_their_neighbours),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(taking_is_all_or_nothing_and_giving_back_exact),
        cmocka_unit_test(what_is_not_there_is_not_taken),
        cmocka_unit_test(a_capacity_below_what_is_used_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
