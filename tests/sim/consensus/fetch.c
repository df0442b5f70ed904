/* Newcomers that fetch the state: what they stand on is what the others have
 * decided and executed. */

#include "tests/sim/consensus/world.h"

#include <inttypes.h>

/* Whoever gave the pages may not have told of the block yet: it is on a disk.
 */
static void find_told(struct world *world, uint64_t height)
{
    for (uint32_t i = 0; i < world->machine_count; i++) {
        struct machine *other = &world->machines[i];
        if (other->up && chain_base(other->chain) < height &&
            chain_tip(other->chain).height >= height) {
            judge_find_final(world, other, height);
            return;
        }
    }
}

void judge_fetched(struct world *world, struct machine *machine)
{
    struct chain_tip tip = chain_tip(machine->chain);
    struct validators set;
    uint64_t epoch = tip.header.epoch;
    world->fetches++;
    while (world->final_count <= tip.height) {
        uint64_t before = world->final_count;
        find_told(world, before);
        if (world->final_count == before)
            judge_fails(world,
                        "machine %u fetched the state of block %" PRIu64
                        ", which nobody has",
                        machine->index, tip.height);
    }
    if (!hash_equal(&world->finals[tip.height].id, &tip.id) &&
        !world->plan.overload)
        judge_fails(world, "I1: machine %u fetched another block %" PRIu64,
                    machine->index, tip.height);
    if (chain_base(machine->chain) != tip.height ||
        tip.height != epoch * world->plan.epoch_blocks)
        judge_fails(world, "machine %u stands on %" PRIu64 ", no epoch's end",
                    machine->index, tip.height);
    /* The whole state, record by record, and the money. */
    if (chain_audit_state(machine->chain) != OK ||
        chain_audit_money(machine->chain) != OK)
        judge_fails(world, "I7: machine %u: the fetched state does not hold",
                    machine->index);
    for (uint64_t e = epoch + 1; e <= epoch + 2; e++) {
        if (chain_set_of(machine->chain, e, &set) != OK)
            judge_fails(world, "machine %u fetched no set of epoch %" PRIu64,
                        machine->index, e);
        if (e < world->set_count && world->sets[e].count > 0)
            judge_same_set(world, machine, e, &set);
    }
    machine->height = machine->stored_height = tip.height;
    tell(world, "%u has fetched the state of block %" PRIu64, machine->index,
         tip.height);
}
