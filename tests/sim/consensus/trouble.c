/* What goes wrong with machines and links, and when it stops. */

#include "tests/sim/consensus/world.h"

#include "base/check.h"

#include <string.h>

static uint64_t some_time(struct world *world)
{
    uint64_t most = world->plan.trouble_us * 2;
    return dice_between(&world->dice, most / 8, most);
}

static uint64_t duration(struct world *world)
{
    return dice_between(&world->dice, 10 * MS,
                        world->plan.down_us_max + 20 * MS);
}

void trouble_init(struct world *world)
{
    struct entry entry = {.kind = ENTRY_TROUBLE};
    if (world->plan.trouble_us > 0)
        world_add(world, some_time(world), &entry);
    if (world->plan.gone_us > 0) {
        entry = (struct entry){.kind = ENTRY_GONE, .node = world->plan.far};
        world_add(world, world->plan.gone_at_us, &entry);
    }
}

static struct machine *any_honest(struct world *world)
{
    for (uint32_t tries = 0; tries < 8; tries++) {
        struct machine *machine =
            &world->machines[dice_below(&world->dice, world->machine_count)];
        if (machine->up && machine_honest(machine))
            return machine;
    }
    return NULL;
}

/* ---- machines ---- */

static void crash_soon(struct world *world, struct machine *machine)
{
    machine->crash_in = (uint32_t)dice_between(&world->dice, 1, 40);
}

static void crash_all(struct world *world)
{
    uint64_t gap_us = dice_chance(&world->dice, 500) ? 0 : duration(world);
    tell(world, "all crash");
    for (uint32_t i = 0; i < world->machine_count; i++)
        machine_crash(world, &world->machines[i],
                      dice_below(&world->dice, gap_us + 50 * MS));
}

/* Loses what only it knows: as bad for the others as a dishonest one, until it
 * has recalled. */
static bool affords(struct world *world, const struct machine *machine)
{
    uint64_t weight;
    if (!machine_validates(machine))
        return true;
    if (machine->key_number >= world->plan.keys)
        return false; /* a newcomer's weight is not in the budget */
    weight = world->plan.weights[machine->key_number];
    if (machine->wiped)
        return true; /* paid for */
    if (weight > world->plan.budget)
        return false;
    world->plan.budget -= weight;
    return true;
}

/* What is left of a disk after this. False: nothing happened to it. */
static bool damage(struct world *world, struct disk *disk, enum fault fault)
{
    if (fault == FAULT_DAMAGE_LOG)
        return disk_damage_log(disk, &world->dice);
    if (fault == FAULT_WIPE_LOG)
        disk_wipe_log(disk);
    if (fault == FAULT_WIPE_DISK)
        disk_wipe(disk);
    if (fault == FAULT_WIPE_STORE)
        disk_wipe_store(disk);
    if (fault == FAULT_OLD_STORE)
        disk_put_back(disk);
    if (fault == FAULT_ROT)
        disk_rot(disk, &world->dice);
    return true;
}

/* A few cannot afford any loss. One of them has it: nothing is decided after
 * it, and nothing wrong may happen. */
static bool ruins(struct world *world, const struct machine *machine,
                  enum fault fault)
{
    bool spent = world->plan.budget < (world->plan.weight - 1) / 3;
    if (world->plan.fault_count != FAULT_COUNT || world->plan.keys > 3 ||
        machine->key_number >= world->plan.keys || fault == FAULT_ROT ||
        spent || (world->ruined && !machine->wiped))
        return false;
    world->plan.budget = 0;
    world->ruined = true;
    return true;
}

/* Who is a quorum alone calls final what is in its store, while its log is
 * still being synced. Without both nobody knows of it: as if both were put
 * back. */
static bool is_last_word(const struct world *world,
                         const struct machine *machine, enum fault fault)
{
    return (fault == FAULT_OLD_STORE || fault == FAULT_WIPE_STORE) &&
           machine->disk.torn && machine->key_number < world->plan.keys &&
           world->plan.weights[machine->key_number] >= world->plan.quorum;
}

static bool lose(struct world *world, struct machine *machine, enum fault fault)
{
    if (!affords(world, machine) && !ruins(world, machine, fault))
        return false;
    machine_crash(world, machine, duration(world));
    if (is_last_word(world, machine, fault) ||
        !damage(world, &machine->disk, fault))
        return false;
    machine->wiped = true;
    machine->public_epoch = machine->public_view = 0;
    machine->forgot |=
        (fault & (FAULT_WIPE_LOG | FAULT_WIPE_DISK | FAULT_DAMAGE_LOG)) != 0;
    if (fault == FAULT_WIPE_LOG || fault == FAULT_WIPE_DISK)
        machine->logged_count = 0;
    tell(world, "%u loses its %s", machine->index,
         fault == FAULT_WIPE_DISK    ? "disk"
         : fault == FAULT_WIPE_LOG   ? "log"
         : fault == FAULT_WIPE_STORE ? "store"
         : fault == FAULT_OLD_STORE  ? "present: an older store is put back"
         : fault == FAULT_ROT        ? "innocence: a bit of its store is wrong"
                                     : "peace: a record is damaged");
    return true;
}

/* A copy of the store is made, and put back soon; again and again. */
static void back_up(struct world *world, struct machine *machine)
{
    struct entry entry = {.kind = ENTRY_RESTORE, .node = machine->index};
    disk_back_up(&machine->disk);
    tell(world, "%u has its store copied", machine->index);
    world_add(world, dice_between(&world->dice, 50 * MS, 2 * SECOND), &entry);
}

static void restore(struct world *world, struct machine *machine, bool again)
{
    struct entry entry = {
        .kind = ENTRY_RESTORE, .node = machine->index, .a = 1};
    if (world->healed || !machine_honest(machine))
        return;
    if (again)
        back_up(world, machine);
    else if (lose(world, machine, FAULT_OLD_STORE))
        world_add(world, dice_between(&world->dice, 50 * MS, 3 * SECOND),
                  &entry);
}

/* It may do anything but harm, like a dishonest one. */
static void rot(struct world *world, struct machine *machine)
{
    if (machine_validates(machine) && !machine->wiped)
        machine->rotten = machine->dishonest = lose(world, machine, FAULT_ROT);
}

/* A second machine with the same key: an operator's mistake. */
static void copy(struct world *world, struct machine *machine)
{
    struct entry entry = {.kind = ENTRY_START};
    struct machine *second = &world->machines[world->machine_count];
    if (world->machine_count == MACHINES_MAX || !machine_validates(machine) ||
        machine->wiped || !affords(world, machine))
        return;
    machine->dishonest = true;
    machine_init(world, world->machine_count, machine->key_number,
                 machine->key);
    disk_wipe_log(&second->disk);
    second->dishonest = second->copy = second->wiped = true;
    second->starting = true;
    entry.node = world->machine_count++;
    tell(world, "the key of %u is copied to %u", machine->index, entry.node);
    world_add(world, 1, &entry);
}

static void jump_clock(struct world *world, struct machine *machine)
{
    uint64_t by_us = dice_below(&world->dice, 20 * SECOND);
    machine->skew_us = (int64_t)by_us - (int64_t)(10 * SECOND);
    if (machine->skew_us > (int64_t)(world->clock_ms_max * MS))
        world->clock_ms_max = (uint64_t)machine->skew_us / MS + 1;
    tell(world, "the clock of %u is off by %.1f s", machine->index,
         (double)machine->skew_us / 1e6);
}

/* ---- links ---- */

static void split(struct world *world)
{
    struct entry entry = {.kind = ENTRY_UNITE};
    bool breaks = dice_chance(&world->dice, 500);
    if (world->split)
        return;
    world->split = true;
    for (uint32_t i = 0; i < MACHINES_MAX; i++)
        world->side[i] = (uint8_t)dice_below(&world->dice, 2);
    if (dice_chance(&world->dice, 300)) {
        memset(world->side, 0, sizeof(world->side));
        world->side[dice_below(&world->dice, world->machine_count)] = 1;
    }
    for (uint32_t a = 0; a < world->machine_count && breaks; a++)
        for (uint32_t b = a + 1; b < world->machine_count; b++)
            if (world->side[a] != world->side[b])
                net_break(world, a, b);
    tell(world, "the network is split");
    world_add(world, duration(world), &entry);
}

static void hurt_link(struct world *world, enum fault fault)
{
    uint32_t a = (uint32_t)dice_below(&world->dice, world->machine_count);
    uint32_t b = (uint32_t)dice_below(&world->dice, world->machine_count);
    struct entry entry = {.kind = ENTRY_MEND, .node = a, .from = b};
    uint64_t lasts_us = duration(world);
    struct wire *wire;
    if (a == b)
        return;
    wire = net_wire(world, a, b);
    if (fault == FAULT_ONE_WAY)
        wire->deaf[dice_below(&world->dice, 2)] = true;
    if (fault == FAULT_CLOG)
        wire->clog_until_us = world->now_us + lasts_us;
    if (fault == FAULT_FLAP) {
        wire->down_until_us = world->now_us + lasts_us;
        net_break(world, a, b);
    }
    tell(world, "the link of %u and %u: %s", a, b,
         fault == FAULT_ONE_WAY ? "one way"
         : fault == FAULT_CLOG  ? "clogged"
                                : "down");
    world_add(world, lasts_us, &entry);
}

static void mend(struct world *world, const struct entry *entry)
{
    struct wire *wire = net_wire(world, entry->node, entry->from);
    wire->deaf[0] = wire->deaf[1] = false;
    if (wire->down_until_us <= world->now_us)
        wire->down_until_us = 0;
    if (world->machines[entry->node].up)
        net_dial(world, &world->machines[entry->node]);
}

/* ---- one of them ---- */

static void happens_to(struct world *world, struct machine *machine,
                       enum fault fault)
{
    if (fault == FAULT_CRASH)
        crash_soon(world, machine);
    else if (fault == FAULT_PAUSE)
        machine->paused_until_us = world->now_us + duration(world);
    else if (fault == FAULT_SLOW)
        machine->slow_until_us = world->now_us + duration(world);
    else if (fault == FAULT_CLOCK)
        jump_clock(world, machine);
    else if (fault == FAULT_COPY)
        copy(world, machine);
    else if (fault == FAULT_OLD_STORE)
        back_up(world, machine);
    else if (fault == FAULT_FULL)
        machine->disk.full_until_us = world->now_us + duration(world);
    else if (fault == FAULT_ROT)
        rot(world, machine);
    else
        (void)lose(world, machine, fault);
}

static void trouble(struct world *world)
{
    uint32_t bit = (uint32_t)dice_below(&world->dice, world->plan.fault_count);
    enum fault fault = (enum fault)(1u << bit);
    struct machine *machine;
    if ((world->plan.faults & fault) == 0)
        return;
    world_trace(world, 7, bit, 0);
    if (fault == FAULT_CRASH_ALL) {
        crash_all(world);
        return;
    }
    if (fault == FAULT_SPLIT) {
        split(world);
        return;
    }
    if (fault == FAULT_ONE_WAY || fault == FAULT_CLOG || fault == FAULT_FLAP) {
        hurt_link(world, fault);
        return;
    }
    machine = any_honest(world);
    if (machine == NULL)
        return;
    tell(world, "trouble for %u: %s", machine->index, plan_fault_name(bit));
    happens_to(world, machine, fault);
}

void trouble_entry(struct world *world, const struct entry *entry)
{
    if (entry->kind == ENTRY_MEND) {
        mend(world, entry);
        return;
    }
    if (entry->kind == ENTRY_RESTORE) {
        restore(world, &world->machines[entry->node], entry->a != 0);
        return;
    }
    if (entry->kind == ENTRY_GONE) {
        tell(world, "%u goes away", entry->node);
        machine_crash(world, &world->machines[entry->node],
                      world->plan.gone_us);
        return;
    }
    if (entry->kind == ENTRY_UNITE) {
        world->split = false;
        tell(world, "the network is one");
        net_dial_all(world);
        return;
    }
    if (world->healed)
        return;
    trouble(world);
    world_add(world, some_time(world), entry);
}

void trouble_heal(struct world *world)
{
    for (uint32_t i = 0; i < world->machine_count; i++) {
        struct machine *machine = &world->machines[i];
        machine->skew_us = 0;
        machine->crash_in = 0;
        machine->slow_until_us = 0;
        machine->disk.full_until_us = 0;
        if (machine->paused_until_us > world->now_us)
            machine->paused_until_us = world->now_us;
        if (!machine->up && machine->halted == OK)
            machine_start(world, machine);
    }
    net_heal(world);
}
