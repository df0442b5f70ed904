/* Links between machines, and what happens to messages on them. */

#include "tests/sim/consensus/world.h"

#include "base/check.h"

#include <string.h>

#define GOSSIP_MAX 8u

void net_init(struct world *world)
{
    world->next_peer = 1;
}

void net_done(struct world *world)
{
    for (size_t i = 0; i < OVERHEARD_MAX; i++)
        letter_drop(world->overheard[i]);
}

struct wire *net_wire(struct world *world, uint32_t a, uint32_t b)
{
    CHECK(a != b && a < MACHINES_MAX && b < MACHINES_MAX);
    return a < b ? &world->wires[a][b] : &world->wires[b][a];
}

/* Which of a wire's ends a machine is. */
static unsigned end_of(uint32_t self, uint32_t other)
{
    return self < other ? 0 : 1;
}

static bool apart(const struct world *world, uint32_t a, uint32_t b)
{
    return world->split && world->side[a] != world->side[b];
}

static bool may_link(struct world *world, uint32_t a, uint32_t b)
{
    const struct wire *wire = net_wire(world, a, b);
    const struct machine *one = &world->machines[a];
    const struct machine *two = &world->machines[b];
    return one->up && two->up && !wire->up && !apart(world, a, b) &&
           wire->down_until_us <= world->now_us &&
           !(one->key == two->key && one->acts != 0);
}

/* ---- coming and going ---- */

static uint64_t hop(struct world *world)
{
    const struct plan *plan = &world->plan;
    uint64_t us =
        dice_between(&world->dice, plan->hop_us_min, plan->hop_us_max);
    if (!world->healed && plan->tail_permille > 0 &&
        dice_chance(&world->dice, plan->tail_permille))
        us *= 10;
    return us;
}

/* More of it to and from the far machine. */
static uint64_t way(struct world *world, uint32_t a, uint32_t b)
{
    const struct plan *plan = &world->plan;
    uint64_t far_us = a == plan->far || b == plan->far ? plan->far_us : 0;
    return hop(world) + far_us;
}

void net_dial(struct world *world, struct machine *machine)
{
    for (uint32_t i = 0; i < world->machine_count; i++) {
        struct entry entry = {
            .kind = ENTRY_LINK, .node = machine->index, .from = i};
        if (i != machine->index && may_link(world, machine->index, i))
            world_add(world, 3 * way(world, machine->index, i), &entry);
    }
}

void net_dial_all(struct world *world)
{
    for (uint32_t i = 0; i < world->machine_count; i++)
        if (world->machines[i].up)
            net_dial(world, &world->machines[i]);
}

static void tell_end_of(struct world *world, uint32_t self, uint32_t other,
                        enum entry_kind kind, uint64_t delay_us)
{
    struct wire *wire = net_wire(world, self, other);
    struct entry entry = {.kind = kind,
                          .node = self,
                          .from = other,
                          .life = world->machines[self].life};
    entry.a = wire->peer[end_of(self, other)];
    if (!world->machines[self].up)
        return;
    if (delay_us == 0)
        inbox_take(world, &entry);
    else
        world_add(world, delay_us, &entry);
}

void net_link(struct world *world, const struct entry *entry)
{
    struct wire *wire = net_wire(world, entry->node, entry->from);
    if (!may_link(world, entry->node, entry->from))
        return;
    wire->up = true;
    wire->generation++;
    wire->peer[0] = world->next_peer++;
    wire->peer[1] = world->next_peer++;
    wire->clear_us[0] = wire->clear_us[1] = 0;
    tell_end_of(world, entry->node, entry->from, ENTRY_PEER, 0);
    /* The first may have died of it. */
    if (wire->up)
        tell_end_of(world, entry->from, entry->node, ENTRY_PEER, 0);
}

void net_break(struct world *world, uint32_t a, uint32_t b)
{
    struct wire *wire = net_wire(world, a, b);
    if (!wire->up)
        return;
    wire->up = false;
    tell_end_of(world, a, b, ENTRY_UNLINK,
                1 + dice_below(&world->dice, 300 * MS));
    tell_end_of(world, b, a, ENTRY_UNLINK,
                1 + dice_below(&world->dice, 300 * MS));
}

void net_drop_all(struct world *world, struct machine *machine)
{
    for (uint32_t i = 0; i < world->machine_count; i++)
        if (i != machine->index)
            net_break(world, machine->index, i);
}

/* ---- messages ---- */

struct machine *net_peer(struct world *world, const struct machine *machine,
                         uint64_t peer)
{
    for (uint32_t i = 0; i < world->machine_count; i++) {
        const struct wire *wire;
        if (i == machine->index)
            continue;
        wire = net_wire(world, machine->index, i);
        if (wire->up && wire->peer[end_of(machine->index, i)] == peer)
            return &world->machines[i];
    }
    return NULL;
}

uint64_t net_arrives(struct world *world, const struct entry *entry)
{
    const struct wire *wire = net_wire(world, entry->node, entry->from);
    if (!wire->up || (entry->a != 0 && entry->a != wire->generation))
        return 0;
    return wire->peer[end_of(entry->node, entry->from)];
}

static void overhear(struct world *world, struct letter *letter)
{
    struct letter **place =
        &world->overheard[world->overheard_count++ % OVERHEARD_MAX];
    struct letter *old = *place;
    *place = letter_keep(letter);
    letter_drop(old);
}

static void deliver(struct world *world, struct entry *entry, uint64_t extra_us)
{
    struct wire *wire = net_wire(world, entry->node, entry->from);
    unsigned direction = end_of(entry->from, entry->node);
    uint64_t at_us =
        world->now_us + way(world, entry->from, entry->node) + extra_us;
    if (at_us < wire->clog_until_us)
        at_us = wire->clog_until_us;
    if (world->plan.in_order && extra_us == 0) {
        if (at_us <= wire->clear_us[direction])
            at_us = wire->clear_us[direction] + 1;
        wire->clear_us[direction] = at_us;
    }
    entry->letter = letter_keep(entry->letter);
    world_add(world, at_us - world->now_us, entry);
}

static bool is_lost(struct world *world, const struct machine *from,
                    const struct machine *to)
{
    const struct wire *wire = net_wire(world, from->index, to->index);
    if (!wire->up || !to->up)
        return true;
    if (world->healed)
        return false;
    return wire->deaf[end_of(from->index, to->index)] ||
           apart(world, from->index, to->index) ||
           (world->plan.loss_permille > 0 &&
            dice_chance(&world->dice, world->plan.loss_permille));
}

static void post(struct world *world, struct machine *from, struct machine *to,
                 struct entry *entry, uint64_t extra_us)
{
    const struct plan *plan = &world->plan;
    entry->node = to->index;
    entry->from = from->index;
    entry->life = to->life;
    if (is_lost(world, from, to))
        return;
    deliver(world, entry, extra_us);
    if (world->healed)
        return;
    if (plan->copy_permille > 0 &&
        dice_chance(&world->dice, plan->copy_permille))
        deliver(world, entry, 1 + dice_below(&world->dice, 200 * MS));
    if (plan->replay_permille > 0 &&
        dice_chance(&world->dice, plan->replay_permille)) {
        /* Signed things by whoever keeps them, on whatever link there is
         * then; the rest is safe from others. */
        if (entry->letter->len > 0 && (entry->letter->bytes[0] == SX_MSG_VOTE ||
                                       entry->letter->bytes[0] == SX_MSG_CERT))
            entry->a = 0;
        deliver(world, entry, dice_below(&world->dice, 20 * SECOND));
    }
}

void net_post(struct world *world, struct machine *from, struct machine *to,
              struct letter *letter, uint64_t extra_us)
{
    struct entry entry = {.kind = ENTRY_MESSAGE, .letter = letter};
    entry.a = net_wire(world, from->index, to->index)->generation;
    if (dice_chance(&world->dice, 20))
        overhear(world, letter);
    if (from->acts == 0 && letter->len > 0 && letter->bytes[0] == SX_MSG_PAGES)
        poison_race(world, from, to, letter);
    post(world, from, to, &entry, extra_us);
}

void net_send(struct world *world, struct machine *from, uint64_t peer,
              struct letter *letter)
{
    struct machine *to = net_peer(world, from, peer);
    if (to == NULL)
        return; /* the link has gone, and it has not heard yet */
    if (from->acts != 0)
        actor_send(world, from, to, letter);
    else
        net_post(world, from, to, letter, 0);
}

/* A transaction, to all peers or some. */
void net_gossip(struct world *world, struct machine *from,
                struct letter *letter)
{
    uint32_t count = world->machine_count - 1;
    uint32_t first = 0;
    if (count == 0 || (from->acts & ACT_SILENT) != 0)
        return;
    if (count > GOSSIP_MAX)
        first = (uint32_t)dice_below(&world->dice, count);
    for (uint32_t i = 0; i < count && i < GOSSIP_MAX; i++) {
        struct entry entry = {.kind = ENTRY_TX, .letter = letter};
        uint32_t to =
            (from->index + 1 + (first + i) % count) % world->machine_count;
        post(world, from, &world->machines[to], &entry, 0);
    }
}

void net_heal(struct world *world)
{
    world->split = false;
    for (uint32_t a = 0; a < world->machine_count; a++)
        for (uint32_t b = a + 1; b < world->machine_count; b++) {
            struct wire *wire = &world->wires[a][b];
            wire->deaf[0] = wire->deaf[1] = false;
            wire->down_until_us = wire->clog_until_us = 0;
        }
    net_dial_all(world);
}
