/* The rules, evaluated until none of them changes anything. Each looks at facts
 * only (certificates, votes, blocks, time), never at how they came, so a lost,
 * late or repeated message makes no difference to what is done with the others.
 */

#include "ledger/sx/sx_room.h"

#include "base/check.h"

#include <string.h>

#define CLOCK_VIEWS     16u
#define CLOCK_DOUBLINGS 20u

/* ---- where a proposal stands ---- */

bool sx_parent_id(const struct sx *core, uint64_t parent_view, struct hash *out)
{
    const struct sx_slot *slot;
    if (parent_view == core->final_view) {
        *out = core->final_id; /* the root when nothing is decided yet */
        return true;
    }
    if (parent_view < core->final_view) {
        if (!SX_MUTANT(PARENT_OLD))
            return false;
        *out = core->final_id;
        return true;
    }
    slot = sx_slot_at(core, parent_view);
    if (slot == NULL || !slot->has_proposal)
        return false;
    if (slot->certs[VOTE_NOTARIZE - 1] == NULL &&
        !SX_MUTANT(PARENT_UNNOTARIZED))
        return false;
    *out = slot->on.id;
    return true;
}

uint64_t sx_gap(const struct sx *core, uint64_t from, uint64_t to)
{
    if (SX_MUTANT(SKIP_UNNULLIFIED))
        return 0;
    if (SX_MUTANT(PARENT_OLD) && from < core->final_view)
        from = core->final_view;
    for (uint64_t view = from + 1; view < to; view++) {
        const struct sx_slot *slot = sx_slot_at(core, view);
        if (slot == NULL || slot->certs[VOTE_NULLIFY - 1] == NULL)
            return view;
    }
    return 0;
}

/* ---- entering ---- */

void sx_enter(struct sx *core, uint64_t view)
{
    if (view <= core->cur || view - core->final_view > SX_VIEWS_MAX)
        return;
    sx_time_entered(core, view);
    core->cur = view;
    sx_slots_thin(core);
}

bool sx_advance(struct sx *core)
{
    uint64_t before = core->cur;
    for (size_t i = core->slot_count; i-- > 0;) {
        const struct sx_slot *slot = core->slots[i];
        if (slot == NULL || slot->view < core->cur ||
            slot->view - core->final_view >= SX_VIEWS_MAX)
            continue; /* behind the last there is no view to enter */
        if (slot->certs[VOTE_NOTARIZE - 1] != NULL ||
            slot->certs[VOTE_NULLIFY - 1] != NULL ||
            (SX_MUTANT(LEAVE_ALONE) && slot->own[VOTE_NULLIFY - 1].kind != 0)) {
            sx_enter(core, slot->view + 1);
            break;
        }
    }
    return core->cur != before;
}

/* ---- notarizing ---- */

/* The window of header.time. Backwards it is wide when the network is slow, and
 * twice as wide for every CLOCK_VIEWS views without a new block: the blocks of
 * those whose clocks are behind get in at last, so that bad clocks slow the
 * chain and do not stop it. Objective bounds are the chain's. */
static bool time_fits(const struct sx *core, const struct header *header)
{
    uint64_t views = core->cur - core->news_view - 1;
    uint64_t wider = views / CLOCK_VIEWS;
    uint64_t back = (2 * sx_delay(core) + SX_RHO_MS)
                    << (wider < CLOCK_DOUBLINGS ? wider : CLOCK_DOUBLINGS);
    if (SX_MUTANT(TIME_ANY))
        return true;
    return header->time_ms <= core->wall_ms + SX_RHO_MS &&
           header->time_ms + back >= core->wall_ms;
}

/* A new block: proposed by this view's leader, on exactly this parent. */
static bool is_fresh(const struct sx *core, const struct sx_slot *slot,
                     const struct sx_block *block, const struct hash *parent)
{
    uint64_t leader = sx_leader(core, slot->view);
    if (!hash_equal(&block->header.parent, parent) && !SX_MUTANT(PARENT_OTHER))
        return false;
    return SX_MUTANT(PROPOSER_ANY) ||
           pubkey_equal(&block->header.proposer, &core->set.items[leader].key);
}

/* May the block of this id be proposed again on itself? It must be one of this
 * epoch; the root is not. */
static bool may_repeat(const struct sx *core, const struct sx_slot *slot)
{
    if (SX_MUTANT(REPEAT_ROOT))
        return true;
    return slot->on.parent_view > 0 && !hash_equal(&slot->on.id, &core->root);
}

/* The decided block proposed once more: there is nothing to execute. */
static bool is_decided(const struct sx *core, const struct hash *id)
{
    return hash_equal(id, &core->final_id) &&
           hash_equal(id, chain_head_id(core->chain));
}

static bool vote_for(struct sx *core, struct sx_slot *slot,
                     struct sx_block *block)
{
    struct proposal on = slot->on;
    if (!sx_may_sign(core, slot, VOTE_NOTARIZE, &on))
        return false;
    if (block != NULL && !sx_block_log(core, block))
        return false;
    return sx_sign(core, slot, VOTE_NOTARIZE, &on, false);
}

static bool judge_repeat(struct sx *core, struct sx_slot *slot)
{
    struct sx_block *block;
    if (!may_repeat(core, slot)) {
        slot->invalid = true;
        return true;
    }
    if (is_decided(core, &slot->on.id))
        return vote_for(core, slot, NULL);
    block = sx_block_find(core, &slot->on.id);
    if (block == NULL)
        return false;
    if (sx_block_judge(core, block) == SX_INVALID) {
        slot->invalid = true;
        return true;
    }
    return block->verdict == SX_VALID && vote_for(core, slot, block);
}

static bool judge_fresh(struct sx *core, struct sx_slot *slot,
                        const struct hash *parent)
{
    struct sx_block *block = sx_block_find(core, &slot->on.id);
    if (block == NULL || block->bytes.len == 0)
        return false;
    if (!is_fresh(core, slot, block, parent)) {
        slot->invalid = true;
        return true;
    }
    if (!SX_MUTANT(BODY_UNCHECKED) &&
        sx_block_judge(core, block) == SX_INVALID) {
        slot->invalid = true;
        return true;
    }
    if (block->verdict != SX_VALID && !SX_MUTANT(BODY_UNCHECKED))
        return false;
    if (!time_fits(core, &block->header)) {
        if (slot->clock_told)
            return false;
        slot->clock_told = true;
        sx_notice(core, SX_NOTICE_CLOCK, (int)sx_leader(core, slot->view));
        return false;
    }
    return vote_for(core, slot, block);
}

static bool judge_view(struct sx *core, uint64_t view)
{
    struct sx_slot *slot = sx_slot_at(core, view);
    struct hash parent;
    if (core->me < 0 || slot == NULL || !slot->has_proposal ||
        slot->conflicted || slot->invalid ||
        !sx_may_sign(core, slot, VOTE_NOTARIZE, &slot->on))
        return false;
    if (!sx_parent_id(core, slot->on.parent_view, &parent) ||
        sx_gap(core, slot->on.parent_view, view) != 0)
        return false;
    if (hash_equal(&parent, &slot->on.id))
        return judge_repeat(core, slot);
    return judge_fresh(core, slot, &parent);
}

#ifdef SUAN_MUTANTS
/* Views that were left: those we finalized in, or those we did not. */
static bool judge_left(struct sx *core)
{
    for (uint64_t view = core->final_view + 1; view < core->cur; view++) {
        const struct sx_slot *slot = sx_slot_at(core, view);
        bool finalized = slot != NULL && slot->own[VOTE_FINALIZE - 1].kind != 0;
        if (finalized ? SX_MUTANT(NOTARIZE_AFTER_FINALIZE)
                      : SX_MUTANT(NOTARIZE_OLD_VIEW))
            if (judge_view(core, view))
                return true;
    }
    return false;
}
#endif

/* The proposal of the view we are in. */
static bool judge(struct sx *core)
{
#ifdef SUAN_MUTANTS
    if (judge_left(core))
        return true;
#endif
    return judge_view(core, core->cur);
}

/* ---- nullifying ---- */

static bool leader_gave_up(const struct sx *core, const struct sx_slot *slot)
{
    const struct vote *votes = slot->votes[VOTE_NULLIFY - 1];
    return votes != NULL && votes[sx_leader(core, slot->view)].kind != 0;
}

static bool give_up(struct sx *core)
{
    struct sx_slot *slot;
    struct proposal on = {.epoch = core->epoch, .view = core->cur};
    if (core->me < 0)
        return false;
    slot = sx_slot_need(core, core->cur);
    if (slot == NULL || !sx_may_sign(core, slot, VOTE_NULLIFY, &on))
        return false;
    if (!slot->invalid && !slot->conflicted && !leader_gave_up(core, slot) &&
        !sx_overdue(core))
        return false;
    if (!sx_sign(core, slot, VOTE_NULLIFY, &on, false))
        return false;
    sx_time_gave_up(core);
    return true;
}

/* ---- finalizing ---- */

/* A quorum stands behind a block that does not execute here as its header
 * says: our state or our program is wrong, and nothing may be built on it. */
static void diverged(struct sx *core, const struct sx_block *block)
{
    sx_halt(core, block->why != OK ? block->why : ERR_ROOT);
}

static bool finalize_one(struct sx *core, struct sx_slot *slot)
{
    const struct cert *cert = slot->certs[VOTE_NOTARIZE - 1];
    struct proposal on = slot->on;
    struct sx_block *block = sx_block_find(core, &on.id);
    if ((cert == NULL && !SX_MUTANT(FINALIZE_EARLY)) || !slot->has_proposal)
        return false;
    /* Also when we gave the view up because of it. */
    if (cert != NULL && block != NULL && block->verdict == SX_INVALID) {
        diverged(core, block);
        return false;
    }
    if (!sx_may_sign(core, slot, VOTE_FINALIZE, &on))
        return false;
    if (is_decided(core, &on.id)) {
        block = NULL;
    } else {
        if (block == NULL)
            return false;
        if (sx_block_judge(core, block) == SX_INVALID && cert != NULL)
            diverged(core, block);
        if (block->verdict != SX_VALID)
            return false;
    }
    if (block != NULL && !sx_block_log(core, block))
        return false;
    return sx_sign(core, slot, VOTE_FINALIZE, &on, false);
}

static bool finalize(struct sx *core)
{
    if (core->me < 0)
        return false;
    for (size_t i = 0; i < core->slot_count && core->halted == OK; i++) {
        struct sx_slot *slot = core->slots[i];
        if (slot != NULL &&
            (slot->own[VOTE_FINALIZE - 1].kind == 0 ||
             SX_MUTANT(FINALIZE_TWICE)) &&
            finalize_one(core, slot))
            return true;
    }
    return false;
}

/* ---- all of them ---- */

void sx_settle(struct sx *core)
{
    bool changed = true;
    while (changed && core->halted == OK) {
        changed = sx_decide(core);
        changed = sx_advance(core) || changed;
        sx_tree_carry(core);
        changed = judge(core) || changed;
        changed = finalize(core) || changed;
        changed = give_up(core) || changed;
        changed = sx_propose(core) || changed;
    }
}
