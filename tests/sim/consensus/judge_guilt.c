/* What becomes of evidence: it is kept in memory by whoever saw it, and its
 * next block tells it. A block that was made in a later epoch than that cannot
 * have been made before; so it leaves nothing out. */

#include "tests/sim/consensus/world.h"

#include "ledger/sx/sx_room.h"

#include <inttypes.h>

static const struct guilt *find(const struct guilt *guilts, size_t count,
                                const struct vote *vote)
{
    for (size_t i = 0; i < count; i++)
        if (guilts[i].epoch == vote->on.epoch &&
            guilts[i].view == vote->on.view && guilts[i].index == vote->index)
            return &guilts[i];
    return NULL;
}

static struct guilt guilt_of(const struct vote *vote, uint64_t noticed)
{
    return (struct guilt){.epoch = vote->on.epoch,
                          .view = vote->on.view,
                          .index = vote->index,
                          .noticed = noticed};
}

void judge_guilt_seen(struct machine *machine)
{
    const struct sx *core = machine->core;
    for (uint32_t i = 0; i < core->evidence_count; i++) {
        const struct vote *vote = &core->evidence[i].a;
        if (find(machine->guilts, machine->guilt_count, vote) != NULL)
            continue;
        machine->guilts = world_room(machine->guilts, sizeof(*machine->guilts),
                                     machine->guilt_count, &machine->guilt_cap);
        machine->guilts[machine->guilt_count++] = guilt_of(vote, core->epoch);
    }
}

static void note_punished(struct world *world, const struct block *block)
{
    for (uint32_t i = 0; i < block->evidence_count; i++) {
        world->punished =
            world_room(world->punished, sizeof(*world->punished),
                       world->punished_count, &world->punished_cap);
        world->punished[world->punished_count++] =
            guilt_of(&block->evidence[i].a, 0);
    }
}

static bool is_punished(const struct world *world, const struct guilt *guilt)
{
    struct vote vote = {
        .index = guilt->index,
        .on = {.epoch = guilt->epoch, .view = guilt->view},
    };
    return find(world->punished, world->punished_count, &vote) != NULL;
}

/* It had all of them when it made this block. */
static void check_told(struct world *world, const struct machine *machine,
                       const struct header *header)
{
    uint64_t window = params_need(&world->genesis.params, "evidence_epochs");
    for (size_t i = 0; i < machine->guilt_count; i++) {
        const struct guilt *guilt = &machine->guilts[i];
        if (guilt->noticed < header->epoch &&
            guilt->epoch + window >= header->epoch &&
            !is_punished(world, guilt))
            judge_fails(world,
                        "I11: block %" PRIu64
                        " of machine %u does not tell that validator %u is "
                        "guilty in epoch %" PRIu64 " view %" PRIu64,
                        header->height, machine->index, guilt->index,
                        guilt->epoch, guilt->view);
    }
}

void judge_guilt_final(struct world *world, const struct block *block)
{
    note_punished(world, block);
    if (block->evidence_count == EVIDENCE_BLOCK_MAX)
        return;
    for (uint32_t i = 0; i < world->machine_count; i++) {
        const struct machine *machine = &world->machines[i];
        if (machine_honest(machine) && !machine->wiped && machine->up &&
            pubkey_equal(&machine->signer.key, &block->header.proposer))
            check_told(world, machine, &block->header);
    }
}
