/* What happens to a machine's process waits here while it is busy or stands
 * still. */

#include "tests/sim/consensus/world.h"

#include <string.h>

#define INBOX_MAX 20000u

void inbox_empty(struct machine *machine)
{
    for (size_t i = 0; i < machine->inbox_count; i++)
        letter_drop(machine->inbox[machine->inbox_first + i].letter);
    machine->inbox_first = machine->inbox_count = 0;
    machine->inbox_due = false;
}

static uint64_t free_at(const struct machine *machine)
{
    return machine->paused_until_us > machine->busy_until_us
               ? machine->paused_until_us
               : machine->busy_until_us;
}

static void look_later(struct world *world, struct machine *machine)
{
    struct entry entry = {
        .kind = ENTRY_FREE, .node = machine->index, .life = machine->life};
    uint64_t at_us = free_at(machine);
    if (machine->inbox_due)
        return;
    machine->inbox_due = true;
    world_add(world, at_us > world->now_us ? at_us - world->now_us : 0, &entry);
}

static void put_by(struct world *world, struct machine *machine,
                   const struct entry *entry)
{
    if (machine->inbox_count >= INBOX_MAX &&
        (entry->kind == ENTRY_MESSAGE || entry->kind == ENTRY_TX)) {
        letter_drop(entry->letter);
        return;
    }
    if (machine->inbox_first > 0 &&
        machine->inbox_first + machine->inbox_count == machine->inbox_cap) {
        memmove(machine->inbox, machine->inbox + machine->inbox_first,
                machine->inbox_count * sizeof(*machine->inbox));
        machine->inbox_first = 0;
    }
    machine->inbox = world_room(machine->inbox, sizeof(*machine->inbox),
                                machine->inbox_first + machine->inbox_count,
                                &machine->inbox_cap);
    machine->inbox[machine->inbox_first + machine->inbox_count++] = *entry;
    look_later(world, machine);
}

static void look(struct world *world, struct machine *machine)
{
    uint32_t life = machine->life;
    machine->inbox_due = false;
    while (machine->up && machine->life == life && machine->inbox_count > 0) {
        struct entry entry;
        if (free_at(machine) > world->now_us) {
            look_later(world, machine);
            return;
        }
        entry = machine->inbox[machine->inbox_first++];
        if (--machine->inbox_count == 0)
            machine->inbox_first = 0;
        machine_handle(world, machine, &entry);
        letter_drop(entry.letter);
    }
}

void inbox_take(struct world *world, struct entry *entry)
{
    struct machine *machine = &world->machines[entry->node];
    if (!machine->up || machine->life != entry->life) {
        letter_drop(entry->letter);
        return;
    }
    if (entry->kind == ENTRY_FREE) {
        look(world, machine);
        return;
    }
    if (entry->kind != ENTRY_KILL && entry->kind != ENTRY_COMMIT &&
        (free_at(machine) > world->now_us || machine->inbox_count > 0)) {
        put_by(world, machine, entry);
        return;
    }
    machine_handle(world, machine, entry);
    letter_drop(entry->letter);
}
