#include "tests/sim/world.h"

#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After the trouble everything must have come to its end within this: three
 * attempts, each of which may wait for a deadline and its claims. */
#define QUIET_MS (UINT64_C(3) * 3600 * 1000)

void *world_room(void *items, size_t size, size_t count, size_t *cap)
{
    if (count < *cap)
        return items;
    *cap = *cap == 0 ? 16 : 2 * *cap;
    items = realloc(items, *cap * size);
    CHECK(items != NULL);
    return items;
}

void world_trace(struct world *world, uint32_t what, uint64_t a, uint64_t b)
{
    uint64_t words[4] = {world->now_ms, what, a, b};
    for (size_t i = 0; i < 4; i++) {
        world->trace ^= words[i];
        world->trace *= UINT64_C(0x100000001b3);
        world->trace ^= world->trace >> 29;
    }
}

void world_say(const struct world *world, const char *format, ...)
{
    va_list args;
    if (!world->verbose)
        return;
    printf("%10.3f ", (double)world->now_ms / 1000);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

void world_after(struct world *world, uint64_t delay_ms, agenda_fn fn,
                 const struct about *about)
{
    agenda_add(&world->agenda, world->now_ms + delay_ms, fn, about);
}

struct sim_node *world_node_of(struct world *world, const struct pubkey *key)
{
    for (uint32_t i = 0; i < world->node_count; i++)
        if (pubkey_equal(&world->nodes[i].key.signer.key, key))
            return &world->nodes[i];
    return NULL;
}

uint64_t world_delay(struct world *world)
{
    uint64_t most = world->healed ? 20 : world->plan.delay_ms_max;
    return dice_between(&world->dice, 1, most);
}

static void init_nodes(struct world *world)
{
    const struct sim_plan *plan = &world->plan;
    world->node_count = plan->buyers + plan->providers;
    CHECK(world->node_count <= WORLD_NODES_MAX);
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct sim_node *node = &world->nodes[i];
        node->index = i;
        node->sells = i >= plan->buyers;
        node->buys =
            i < plan->buyers || (i == plan->buyers && plan->seller_buys);
        sim_key_init(&node->key, plan->seed, i);
        node_init(world, node);
    }
}

void world_init(struct world *world, const struct sim_plan *plan, bool verbose)
{
    memset(world, 0, sizeof(*world));
    world->plan = *plan;
    world->verbose = verbose;
    world->trace = plan->seed;
    dice_init(&world->dice, plan->seed);
    keys_init(plan->real_signatures);
    agenda_init(&world->agenda);
    dice_fill(&world->dice, world->images, sizeof(world->images));
    init_nodes(world);
    chain_init(world);
    people_init(world);
    for (uint32_t i = 0; i < world->node_count; i++)
        node_start(world, &world->nodes[i]);
    net_gossip(world);
    mischief_init(world);
}

void world_done(struct world *world)
{
    for (uint32_t i = 0; i < world->node_count; i++)
        node_done(&world->nodes[i]);
    chain_done(world);
    net_done(world);
    judge_done(world);
    agenda_done(&world->agenda);
}

static void run_until(struct world *world, uint64_t end_ms)
{
    uint64_t at_ms;
    while (agenda_next_ms(&world->agenda, &at_ms) && at_ms <= end_ms) {
        CHECK(at_ms >= world->now_ms);
        world->now_ms = at_ms;
        world->events++;
        agenda_run(&world->agenda, world);
        for (uint32_t i = 0; i < world->node_count; i++)
            judge_node(world, &world->nodes[i]);
    }
    world->now_ms = end_ms;
}

void world_run(struct world *world)
{
    const char *why = "";
    uint64_t end_ms;
    run_until(world, world->plan.chaos_ms);
    mischief_heal(world);
    end_ms = world->now_ms + QUIET_MS;
    while (!judge_quiet(world, &why)) {
        if (world->now_ms >= end_ms)
            judge_fails(world, "no quiet after the trouble: %s", why);
        run_until(world, world->now_ms + 5000);
    }
    /* What is kept for the buyer's sake goes when its time is up. */
    run_until(world, world->now_ms + world->plan.retention_ms + 60000);
    judge_end(world);
}
