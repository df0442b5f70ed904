/* What goes wrong while there is trouble, and how it is all repaired. */

#include "tests/sim/world.h"

#include "base/check.h"

#include <string.h>

static void on_mended(struct world *world, const struct about *about)
{
    struct link *link = &world->links[about->node][about->other];
    link->cut = false;
}

static void cut_link(struct world *world, uint64_t long_ms)
{
    struct about about = {
        .node = (uint32_t)dice_below(&world->dice, world->node_count)};
    about.other = (uint32_t)dice_below(&world->dice, world->node_count);
    if (about.node == about.other)
        return;
    if (about.node > about.other) {
        uint32_t less = about.other;
        about.other = about.node;
        about.node = less;
    }
    world_say(world, "trouble: %u and %u do not hear each other", about.node,
              about.other);
    world->links[about.node][about.other].cut =
        dice_chance(&world->dice, 700); /* else it only breaks once */
    net_break(world, about.node, about.other);
    world_after(world, long_ms, on_mended, &about);
}

static void on_back(struct world *world, const struct about *about)
{
    world->nodes[about->node].cut_off = false;
}

static void cut_off(struct world *world, struct sim_node *node,
                    uint64_t long_ms)
{
    struct about about = {.node = node->index};
    world_say(world, "trouble: %u does not hear the validator", node->index);
    node->cut_off = true;
    world_after(world, long_ms, on_back, &about);
}

static void on_machine_back(struct world *world, const struct about *about)
{
    if (!world->nodes[about->node].machine.up)
        machine_up(world, &world->nodes[about->node]);
}

static void stop_machine(struct world *world, struct sim_node *node,
                         uint64_t long_ms)
{
    struct about about = {.node = node->index};
    if (!node->sells || !node->machine.up)
        return;
    world_say(world, "trouble: the executor of %u is gone", node->index);
    machine_down(world, node);
    world_after(world, long_ms, on_machine_back, &about);
}

static void close_shop(struct world *world, struct sim_node *node)
{
    if (!node->sells)
        return;
    node->selling = !node->selling;
    world_say(world, "trouble: %u %s selling", node->index,
              node->selling ? "starts" : "stops");
    if (node->sell != NULL)
        sell_open(node->sell, node->selling);
}

/* The owner wants some of the machine back; or all of it, at once. */
static void sell_less(struct world *world, struct sim_node *node)
{
    struct sell_config *config = &node->sell_config;
    if (node->sell == NULL)
        return;
    if (dice_chance(&world->dice, 200)) {
        world_say(world, "trouble: %u gives up its contracts", node->index);
        sell_abandon(node->sell, node_now(world, node), &node->sell_effects);
        (void)node_carry_out(world, node, &node->sell_effects);
        return;
    }
    config->total.cpu_milli = (uint32_t)dice_between(&world->dice, 1000, 8000);
    config->total.mem_mib = dice_between(&world->dice, 512, 8192);
    config->slots = (uint32_t)dice_between(&world->dice, 1, 6);
    world_say(world, "trouble: %u sells %u milli-cores", node->index,
              config->total.cpu_milli);
    node->disturbed = true;
    sell_configure(node->sell, config);
}

static void on_chain_back(struct world *world, const struct about *about)
{
    (void)about;
    if (world->validator.paused)
        chain_pause(world, false);
}

static void halt_chain(struct world *world, uint64_t long_ms)
{
    struct about about = {0};
    if (world->validator.paused)
        return;
    world_say(world, "trouble: the chain halts");
    chain_pause(world, true);
    world_after(world, long_ms, on_chain_back, &about);
}

static void vanish(struct world *world, struct sim_node *node)
{
    if (!node->up)
        return;
    world_say(world, "trouble: %u is gone for good", node->index);
    node->gone = true;
    node_kill(world, node);
}

static void on_vanish(struct world *world, const struct about *about)
{
    if (!world->healed)
        vanish(world, &world->nodes[about->node]);
}

static void on_mischief(struct world *world, const struct about *about)
{
    const struct sim_plan *plan = &world->plan;
    struct dice *dice = &world->dice;
    struct sim_node *node = &world->nodes[dice_below(dice, world->node_count)];
    uint64_t long_ms = dice_between(dice, 200, plan->down_ms_max);
    if (world->healed)
        return;
    world->mischiefs++;
    world_after(world, 1 + dice_below(dice, 2 * plan->mischief_ms), on_mischief,
                about);
    switch (dice_below(dice, 9)) {
    case 0:
    case 1:
        cut_link(world, long_ms);
        break;
    case 2:
        cut_off(world, node, long_ms);
        break;
    case 3:
        stop_machine(world, node, long_ms);
        break;
    case 4:
        close_shop(world, node);
        break;
    case 5:
        halt_chain(world, long_ms);
        break;
    case 6:
        sell_less(world, node);
        break;
    default:
        world_say(world, "trouble: node %u is killed", node->index);
        node_kill(world, node);
        break;
    }
}

void mischief_init(struct world *world)
{
    const struct sim_plan *plan = &world->plan;
    struct about about = {0};
    if (plan->mischief_ms > 0)
        world_after(world, dice_below(&world->dice, plan->mischief_ms),
                    on_mischief, &about);
    for (uint32_t i = 0; i < world->node_count; i++) {
        bool leaves = i >= plan->buyers
                          ? dice_chance(&world->dice, plan->vanish_permille)
                          : i == 0 && plan->buyer_vanishes;
        about.node = i;
        if (leaves)
            world_after(world, dice_below(&world->dice, plan->chaos_ms),
                        on_vanish, &about);
    }
}

void mischief_heal(struct world *world)
{
    world_say(world, "the trouble is over");
    world->healed = true;
    memset(&world->plan.fetch_permille, 0, sizeof(world->plan.fetch_permille));
    for (uint32_t a = 0; a < world->node_count; a++)
        for (uint32_t b = 0; b < world->node_count; b++)
            world->links[a][b].cut = false;
    if (world->validator.paused)
        chain_pause(world, false);
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct sim_node *node = &world->nodes[i];
        node->cut_off = false;
        node_start(world, node);
        if (!node->machine.up)
            machine_up(world, node);
    }
}
