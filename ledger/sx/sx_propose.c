/* Our turn: what to propose, and telling it. */

#include "ledger/sx/sx_room.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

/* ---- telling ---- */

struct carried {
    struct buf bytes[1 + SX_NULLS_MAX];
};

static struct bytes spell(struct buf *buf, const struct cert *cert)
{
    buf_init(buf, CERT_BYTES_MAX);
    if (cert != NULL)
        cert_encode(cert, buf);
    return buf_bytes(buf);
}

static const struct cert *parent_cert(const struct sx *core, uint64_t view)
{
    if (view == 0)
        return NULL;
    if (view == core->final_view)
        return core->final_cert;
    const struct sx_slot *slot = sx_slot_at(core, view);
    return slot == NULL ? NULL : slot->certs[VOTE_NOTARIZE - 1];
}

/* The first nullifications; who misses others asks for them. */
static void add_nulls(const struct sx *core, const struct proposal *on,
                      struct carried *carried, struct sx_msg *msg)
{
    for (uint64_t v = on->parent_view + 1;
         v < on->view && msg->null_count < SX_NULLS_MAX; v++) {
        const struct sx_slot *slot = sx_slot_at(core, v);
        if (slot == NULL || slot->certs[VOTE_NULLIFY - 1] == NULL)
            continue;
        msg->nulls[msg->null_count] =
            spell(&carried->bytes[1 + msg->null_count],
                  slot->certs[VOTE_NULLIFY - 1]);
        msg->null_count++;
    }
}

void sx_send_proposal(struct sx *core, const struct sx_slot *slot, int index)
{
    struct sx_msg msg = {.tag = SX_MSG_PROPOSE};
    struct carried carried;
    struct hash parent;
    memset(&carried, 0, sizeof(carried));
    /* Our vote is the proposal: after a restart the slot knows no other. */
    msg.vote = slot->own[VOTE_NOTARIZE - 1];
    CHECK(msg.vote.kind == VOTE_NOTARIZE);
    const struct proposal *on = &msg.vote.on;
    const struct sx_block *block = sx_block_find(core, &on->id);
    msg.cert = spell(&carried.bytes[0], parent_cert(core, on->parent_view));
    add_nulls(core, on, &carried, &msg);
    bool repeat = sx_parent_id(core, on->parent_view, &parent) &&
                  hash_equal(&parent, &on->id);
    if (!repeat && block != NULL)
        msg.block = buf_bytes(&block->bytes);
    for (uint32_t i = 0; i < core->peer_count; i++) {
        if (core->peers[i].index >= 0 &&
            (index < 0 || core->peers[i].index == index))
            sx_send(core, core->peers[i].id, &msg);
    }
    for (size_t i = 0; i < 1 + SX_NULLS_MAX; i++)
        buf_done(&carried.bytes[i]);
}

/* ---- choosing ---- */

/* Our view, the parent and what stands for it. */
struct turn {
    struct sx_slot *slot;
    uint64_t parent_view;
    struct hash parent;
    struct sx_block *tip; /* NULL: the head, which is decided */
};

/* The highest notarized view below this one, or the last decided. */
static uint64_t best_parent(const struct sx *core, uint64_t below)
{
    for (size_t i = core->slot_count; i-- > 0;) {
        const struct sx_slot *slot = core->slots[i];
        if (slot != NULL && slot->view < below &&
            slot->certs[VOTE_NOTARIZE - 1] != NULL)
            return slot->view;
    }
    return core->final_view;
}

/* Can a block be made on this view's? */
static bool can_stand_on(struct sx *core, uint64_t view, struct turn *out)
{
    struct chain_tip head = chain_head(core->chain);
    out->parent_view = view;
    out->tip = NULL;
    if (!sx_parent_id(core, view, &out->parent))
        return false;
    if (hash_equal(&out->parent, &head.id))
        return true;
    out->tip = sx_block_find(core, &out->parent);
    return out->tip != NULL && sx_block_judge(core, out->tip) == SX_VALID;
}

/* A notarized block that was given up, too, may be one that nobody has any
 * more. So a leader who does not get it within D stands on the next below. */
static bool choose_parent(struct sx *core, struct turn *out)
{
    uint64_t at = core->entered_ms + sx_delay(core);
    uint64_t view = core->cur;
    do {
        view = best_parent(core, view);
        if (sx_gap(core, view, core->cur) != 0)
            return false;
        if (can_stand_on(core, view, out))
            return true;
        if (core->mono_ms < at) {
            sx_wake(core, at);
            return false;
        }
    } while (view > core->final_view);
    return false;
}

static bool our_turn(struct sx *core, struct turn *out)
{
    struct proposal on = {.epoch = core->epoch, .view = core->cur};
    if (core->me < 0 || sx_leader(core, core->cur) != (uint64_t)core->me)
        return false;
    out->slot = sx_slot_need(core, core->cur);
    return out->slot != NULL && !out->slot->has_proposal &&
           sx_may_sign(core, out->slot, VOTE_NOTARIZE, &on) &&
           choose_parent(core, out);
}

static bool heartbeat_due(struct sx *core)
{
    uint64_t at = core->block_mono_ms + core->heartbeat_ms;
    if (core->heartbeat_ms == 0 || chain_in_flight(core->chain) > 0)
        return false;
    if (core->mono_ms < at)
        sx_wake(core, at);
    return core->mono_ms >= at;
}

/* Waiting transactions that are in no block yet; enough of them when the disk
 * is still busy with one. */
static bool something_waits(const struct sx *core)
{
    uint32_t fresh = pool_fresh(core->pool);
    uint32_t flying = chain_in_flight(core->chain);
    if (core->tried_view == core->cur && core->tried_pool == core->pool_changes)
        return false; /* looked at already: none of them fits */
    if (core->evidence_count > 0 && flying == 0)
        return true;
    if (flying == 0)
        return fresh > 0;
    return flying < 2 && fresh >= SX_AHEAD_TXS;
}

static bool too_early(struct sx *core)
{
    uint64_t at = core->block_mono_ms + core->min_interval_ms;
    if (chain_head_height(core->chain) == 0 && core->block_count == 0)
        return false;
    if (core->mono_ms < at)
        sx_wake(core, at);
    return core->mono_ms < at;
}

/* ---- making ---- */

static void refuse_drops(struct sx *core, struct chain_drops *drops)
{
    for (size_t i = 0; i < drops->count; i++)
        sx_refuse(core, &drops->items[i].id, drops->items[i].token,
                  drops->items[i].err, 0);
    if (drops->count > 0)
        sx_pool_touched(core);
    free(drops->items);
}

static struct candidate *build(struct sx *core, const struct turn *turn)
{
    struct candidate *candidate = NULL;
    struct chain_drops drops;
    enum err err = chain_build(
        core->chain, turn->tip != NULL ? turn->tip->candidate : NULL,
        core->pool, core->evidence,
        SX_MUTANT(EVIDENCE_KEPT) ? 0 : core->evidence_count, core->wall_ms,
        &core->signer->key, &drops, &candidate);
    refuse_drops(core, &drops);
    if (err == OK)
        return candidate;
    sx_halt(core, err);
    return NULL;
}

static bool is_empty(const struct candidate *candidate)
{
    const struct block *block = candidate_block(candidate);
    return block->tx_count == 0 && block->evidence_count == 0;
}

/* Puts our own block into the tree; takes the candidate. It may stand there
 * already: made in an earlier view or life, by a clock that is behind its
 * parent's time. */
static struct sx_block *plant(struct sx *core, struct candidate *candidate)
{
    const struct block *body = candidate_block(candidate);
    struct sx_block *block =
        sx_block_now(core, &body->id, &body->header.parent);
    if (block == NULL || block->candidate != NULL) {
        candidate_free(candidate);
        return block;
    }
    /* A log that kept the block and lost the vote has brought its bytes. */
    if (block->bytes.len == 0)
        buf_add(&block->bytes, candidate_bytes(candidate));
    if (block->bytes.err != OK) {
        candidate_free(candidate);
        sx_halt(core, ERR_NOMEM);
        return NULL;
    }
    block->header = body->header;
    block->has_header = true;
    block->verdict = SX_VALID;
    block->candidate = candidate;
    return block;
}

static bool put_forward(struct sx *core, const struct turn *turn,
                        struct sx_block *block)
{
    struct sx_slot *slot = turn->slot;
    struct proposal on = {.epoch = core->epoch,
                          .view = core->cur,
                          .parent_view = turn->parent_view,
                          .id = block->id};
    if (!sx_block_log(core, block))
        return false;
    slot->has_proposal = true;
    slot->on = on;
    slot->heard_ms = core->mono_ms;
    core->block_mono_ms = core->mono_ms;
    sx_tree_carry(core);
    if (!sx_sign(core, slot, VOTE_NOTARIZE, &on, true))
        return false;
    /* Alone, the view may be decided and gone already. */
    slot = sx_slot_at(core, on.view);
    if (slot != NULL)
        sx_send_proposal(core, slot, -1);
    return true;
}

static bool propose_fresh(struct sx *core, const struct turn *turn, bool beat)
{
    struct candidate *candidate = build(core, turn);
    struct sx_block *block;
    if (candidate == NULL)
        return false;
    /* What waits does not fit here (all wait for an earlier nonce). */
    if (is_empty(candidate) && !beat && !SX_MUTANT(IDLE_BLOCKS)) {
        candidate_free(candidate);
        core->tried_view = core->cur;
        core->tried_pool = core->pool_changes;
        return false;
    }
    block = plant(core, candidate);
    return block != NULL && put_forward(core, turn, block);
}

/* Nothing is built on a boundary, nor on too high a tower; such a tip is
 * proposed again until it is decided. */
static bool may_build_on(const struct sx *core, const struct sx_block *tip)
{
    if (tip == NULL)
        return true;
    return (!sx_is_boundary(core, &tip->header) ||
            SX_MUTANT(BUILD_ON_BOUNDARY)) &&
           sx_block_depth(core, tip) < CHAIN_RUN_MAX;
}

bool sx_propose(struct sx *core)
{
    struct turn turn;
    if (!our_turn(core, &turn) || too_early(core))
        return false;
    if (may_build_on(core, turn.tip)) {
        bool beat = heartbeat_due(core);
        if ((beat || something_waits(core) || SX_MUTANT(IDLE_BLOCKS)) &&
            propose_fresh(core, &turn, beat))
            return true;
    }
    if (turn.tip != NULL && core->halted == OK && sx_tip_old(core) &&
        !SX_MUTANT(NO_REPEAT))
        return put_forward(core, &turn, turn.tip);
    return false;
}
