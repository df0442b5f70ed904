/* Blocks that are not decided: bodies, their execution, who stands on whom. */

#include "ledger/sx/sx_room.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

/* ---- the set ---- */

struct sx_block *sx_block_find(const struct sx *core, const struct hash *id)
{
    for (uint32_t i = 0; i < core->block_count; i++) {
        if (hash_equal(&core->blocks[i]->id, id))
            return core->blocks[i];
    }
    return NULL;
}

bool sx_has_block(const struct sx *core, const struct hash *id)
{
    const struct sx_block *block = sx_block_find(core, id);
    return block != NULL && block->bytes.len > 0;
}

static void carry(struct sx *core, struct sx_block *block, bool on)
{
    if (block->carries == on)
        return;
    const struct block *body = candidate_block(block->candidate);
    for (uint32_t i = 0; i < body->tx_count; i++)
        pool_carry(core->pool, &body->txs[i].id, on ? 1 : -1);
    block->carries = on;
    sx_pool_touched(core);
}

/* The transactions of a notarized block, and of this view's, are taken care of;
 * those of a view that was given up wait for another. */
void sx_tree_carry(struct sx *core)
{
    const struct sx_slot *slot = sx_slot_at(core, core->cur);
    for (uint32_t i = 0; i < core->block_count; i++) {
        struct sx_block *block = core->blocks[i];
        bool on = block->wanted || (slot != NULL && slot->has_proposal &&
                                    hash_equal(&slot->on.id, &block->id));
        if (block->candidate != NULL)
            carry(core, block, on);
    }
}

/* What is decided is taken care of until it is stored. */
void sx_block_decided(struct sx *core, struct sx_block *block)
{
    carry(core, block, true);
    block->candidate = NULL; /* the chain's now */
}

static void block_free(struct sx_block *block)
{
    candidate_free(block->candidate);
    candidate_free(block->body);
    buf_done(&block->bytes);
    free(block);
}

/* A fork that dies gives its transactions back. */
static void forget(struct sx *core, uint32_t at)
{
    struct sx_block *block = core->blocks[at];
    if (block->candidate != NULL && block->carries && !SX_MUTANT(DROP_FORKED))
        carry(core, block, false);
    block_free(block);
    core->blocks[at] = core->blocks[--core->block_count];
}

void sx_block_drop(struct sx *core, struct sx_block *block)
{
    for (uint32_t i = 0; i < core->block_count; i++) {
        if (core->blocks[i] == block) {
            forget(core, i);
            return;
        }
    }
    CHECK(false); /* a block in nobody's tree */
}

static bool is_voted(const struct sx *core, const struct hash *id)
{
    for (size_t i = 0; i < core->slot_count; i++) {
        const struct sx_slot *slot = core->slots[i];
        for (unsigned k = 0; slot != NULL && k < SX_KINDS; k++) {
            if (slot->own[k].kind != 0 && hash_equal(&slot->own[k].on.id, id))
                return true;
        }
    }
    return false;
}

/* Who gives way, the last first. Those that a certificate speaks for stay, but
 * for what cannot be executed before others that are missing. */
enum worth {
    WORTH_NOTHING, /* nobody asked for it */
    WORTH_VOTE,    /* we have voted for it: a quorum's votes may come */
    WORTH_FAR,     /* certified, and more than a run above the head */
    WORTH_UNSEEN,  /* certified, of a height that is not known */
    WORTH_NEXT,
    WORTH_NOW, /* nothing is: for what has to have room */
};

/* Is it what the view we are in is about? */
static bool is_current(const struct sx *core, const struct hash *id)
{
    const struct sx_slot *slot = sx_slot_at(core, core->cur);
    return slot != NULL && slot->has_proposal && hash_equal(&slot->on.id, id);
}

static enum worth worth_of(const struct sx *core, const struct sx_block *block)
{
    if (is_current(core, &block->id) && !SX_MUTANT(EVICT_VOTED))
        return WORTH_NEXT;
    if (!block->wanted)
        return is_voted(core, &block->id) && !SX_MUTANT(EVICT_VOTED)
                   ? WORTH_VOTE
                   : WORTH_NOTHING;
    if (SX_MUTANT(TREE_FULL_FAR))
        return WORTH_NEXT;
    if (!block->has_header)
        return WORTH_UNSEEN;
    return sx_block_depth(core, block) > CHAIN_RUN_MAX ? WORTH_FAR : WORTH_NEXT;
}

/* Of equals the eldest; the farthest of those that are far. */
static bool gives_way(const struct sx_block *a, const struct sx_block *b,
                      enum worth worth)
{
    return worth == WORTH_FAR ? a->header.height > b->header.height
                              : a->since_ms < b->since_ms;
}

/* Does `top` stand on it, or is it `top`, as far as is known here? */
static bool is_below(const struct sx *core, const struct hash *top,
                     const struct sx_block *it)
{
    const struct sx_block *at = sx_block_find(core, top);
    for (uint32_t i = 0; at != NULL && i <= CHAIN_RUN_MAX; i++) {
        if (at == it)
            return true;
        if (!at->has_header)
            return false;
        at = sx_block_find(core, &at->header.parent);
    }
    return false;
}

/* Room for one more that is worth `most` or more; nothing below `top` gives
 * way, if there is one. */
static bool make_room(struct sx *core, enum worth most, const struct hash *top)
{
    uint32_t last = 0;
    enum worth least = WORTH_NOW;
    for (uint32_t i = 0; i < core->block_count; i++) {
        enum worth worth = worth_of(core, core->blocks[i]);
        if (top != NULL && is_below(core, top, core->blocks[i]))
            continue;
        if (worth < least ||
            (worth == least &&
             gives_way(core->blocks[i], core->blocks[last], worth))) {
            last = i;
            least = worth;
        }
    }
    if (least >= most)
        return false;
    core->tree_short = core->tree_short || core->blocks[last]->wanted;
    forget(core, last);
    return true;
}

static struct sx_block *need(struct sx *core, const struct hash *id,
                             enum worth worth, const struct hash *top)
{
    struct sx_block *block = sx_block_find(core, id);
    if (block != NULL)
        return block;
    if (core->block_count == SX_BLOCKS_MAX && !make_room(core, worth, top)) {
        core->tree_short = true;
        return NULL;
    }
    block = calloc(1, sizeof(*block));
    if (block == NULL) {
        sx_halt(core, ERR_NOMEM);
        return NULL;
    }
    block->id = *id;
    block->since_ms = core->mono_ms;
    buf_init(&block->bytes, LIMIT_BLOCK_BYTES);
    core->blocks[core->block_count++] = block;
    return block;
}

struct sx_block *sx_block_need(struct sx *core, const struct hash *id)
{
    return need(core, id, WORTH_FAR, NULL);
}

struct sx_block *sx_block_next(struct sx *core, const struct hash *id)
{
    return need(core, id, WORTH_NEXT, NULL);
}

struct sx_block *sx_block_now(struct sx *core, const struct hash *id,
                              const struct hash *top)
{
    return need(core, id, SX_MUTANT(TREE_FULL_FAR) ? WORTH_FAR : WORTH_NOW,
                top);
}

void sx_block_want(struct sx *core, const struct hash *id)
{
    struct sx_block *block = sx_block_need(core, id);
    if (block != NULL)
        block->wanted = true;
}

/* Of certified blocks for which there was no room, as there is some again. */
void sx_tree_fill(struct sx *core)
{
    if (!core->tree_short || core->block_count > SX_BLOCKS_MAX / 2)
        return;
    for (size_t i = 0; i < core->slot_count; i++) {
        const struct sx_slot *slot = core->slots[i];
        if (slot == NULL || slot->certs[VOTE_NOTARIZE - 1] == NULL ||
            hash_equal(&slot->on.id, &core->final_id))
            continue;
        if (core->block_count > SX_BLOCKS_MAX * 3 / 4)
            return;
        sx_block_want(core, &slot->on.id);
    }
    core->tree_short = false;
}

/* ---- bodies ---- */

enum err sx_block_fill(struct sx_block *block, struct bytes bytes,
                       const struct hash *ids, bool txs_verified)
{
    struct candidate *body;
    if (block->bytes.len > 0)
        return OK;
    TRY(chain_read(bytes, ids, &body));
    enum err err = OK;
    if (!hash_equal(&candidate_block(body)->id, &block->id) &&
        !SX_MUTANT(BODY_UNNAMED))
        err = ERR_ROOT;
    if (err == OK)
        buf_add(&block->bytes, bytes);
    if (err == OK && block->bytes.err != OK) {
        buf_clear(&block->bytes);
        err = ERR_NOMEM;
    }
    if (err != OK) {
        candidate_free(body);
        return err;
    }
    block->body = body;
    block->header = candidate_block(body)->header;
    block->has_header = true;
    block->txs_verified = txs_verified;
    return OK;
}

bool sx_block_log(struct sx *core, struct sx_block *block)
{
    if (block->log_seq == 0 && !SX_MUTANT(FORGET_BLOCKS))
        block->log_seq = sx_log(core, SX_LOG_BLOCK, buf_bytes(&block->bytes));
    return core->halted == OK;
}

/* ---- who stands on whom ---- */

bool sx_block_parent(const struct sx *core, const struct hash *id,
                     const struct candidate **out)
{
    const struct sx_block *block;
    *out = NULL;
    if (hash_equal(id, chain_head_id(core->chain)))
        return true;
    block = sx_block_find(core, id);
    if (block == NULL || block->candidate == NULL)
        return false;
    *out = block->candidate;
    return true;
}

uint32_t sx_block_depth(const struct sx *core, const struct sx_block *block)
{
    uint64_t head = chain_head_height(core->chain);
    if (!block->has_header || block->header.height <= head)
        return 0;
    uint64_t depth = block->header.height - head;
    return depth > UINT32_MAX ? UINT32_MAX : (uint32_t)depth;
}

/* ---- execution ---- */

static void execute(struct sx *core, struct sx_block *block,
                    const struct candidate *parent)
{
    enum err err = chain_run(core->chain, parent, block->txs_verified,
                             core->pool, block->body);
    if (err == OK)
        block->candidate = block->body;
    else
        candidate_free(block->body);
    block->body = NULL;
    if (err_is_fault(err)) {
        sx_halt(core, err);
        return;
    }
    block->verdict = err == OK ? SX_VALID : SX_INVALID;
    block->why = err;
}

/* On a boundary nothing is built in the old epoch; the chain would give a child
 * the new epoch's number, which is not the one we vote in. */
static bool stands_wrong(const struct sx *core, const struct sx_block *block)
{
    return block->header.epoch != core->epoch && !SX_MUTANT(BUILD_ON_BOUNDARY);
}

/* Executes one block whose parent may have to come first; false: no change. */
static bool judge_once(struct sx *core, struct sx_block *block)
{
    const struct candidate *parent;
    const struct sx_block *below;
    if (block->verdict != SX_UNKNOWN || block->bytes.len == 0)
        return false;
    if (stands_wrong(core, block)) {
        block->verdict = SX_INVALID;
        block->why = ERR_ROOT;
        return true;
    }
    if (sx_block_depth(core, block) > CHAIN_RUN_MAX)
        return false;
    if (sx_block_parent(core, &block->header.parent, &parent)) {
        execute(core, block, parent);
        return true;
    }
    below = sx_block_find(core, &block->header.parent);
    if ((below == NULL || below->verdict != SX_INVALID) &&
        !SX_MUTANT(UNKNOWN_INVALID))
        return false;
    block->verdict = SX_INVALID;
    block->why = ERR_PARENT;
    return true;
}

enum sx_verdict sx_block_judge(struct sx *core, struct sx_block *block)
{
    struct sx_block *chain[CHAIN_RUN_MAX];
    uint32_t count = 0;
    struct sx_block *at = block;
    CHECK(block != NULL);
    /* A decided block may have been told again: it is not here to be judged. */
    while (at != NULL && at->verdict == SX_UNKNOWN && at->bytes.len > 0 &&
           at->header.height > chain_head_height(core->chain) &&
           count < CHAIN_RUN_MAX) {
        chain[count++] = at;
        at = sx_block_find(core, &at->header.parent);
    }
    while (count > 0 && core->halted == OK) {
        if (!judge_once(core, chain[--count]))
            break;
    }
    return core->halted == OK ? block->verdict : SX_UNKNOWN;
}

/* ---- forgetting ---- */

/* Its parent is neither the head nor in the tree any more, though it was
 * executed on one; or it is not above the head. */
static bool is_dead(const struct sx *core, const struct sx_block *block)
{
    const struct hash *head = chain_head_id(core->chain);
    uint64_t height = chain_head_height(core->chain);
    if (!block->has_header)
        return hash_equal(&block->id, head);
    if (block->header.height <= height)
        return true;
    if (hash_equal(&block->header.parent, head))
        return false;
    if (block->header.height == height + 1)
        return true;
    return block->candidate != NULL &&
           sx_block_find(core, &block->header.parent) == NULL;
}

void sx_tree_prune(struct sx *core)
{
    bool changed = true;
    while (changed) {
        changed = false;
        for (uint32_t i = core->block_count; i-- > 0;) {
            if (is_dead(core, core->blocks[i])) {
                forget(core, i);
                changed = true;
            }
        }
    }
}

/* By its proposal, or by what we have signed: a quorum of such votes makes a
 * notarization, and then somebody must have the body. */
static bool names(const struct sx_slot *slot, const struct hash *id)
{
    if (slot->has_proposal && hash_equal(&slot->on.id, id))
        return true;
    for (unsigned k = 0; k < SX_KINDS; k++) {
        if (slot->own[k].kind != 0 && hash_equal(&slot->own[k].on.id, id))
            return true;
    }
    return false;
}

/* Does a view, a decision or another block speak of it? */
static bool is_named(const struct sx *core, const struct hash *id)
{
    for (size_t i = 0; i < core->slot_count; i++) {
        if (core->slots[i] != NULL && names(core->slots[i], id))
            return true;
    }
    for (uint32_t i = 0; i < core->final_count; i++) {
        if (hash_equal(&core->finals[i]->on.id, id))
            return true;
    }
    for (uint32_t i = 0; i < core->block_count; i++) {
        const struct sx_block *block = core->blocks[i];
        if (block->has_header && hash_equal(&block->header.parent, id))
            return true;
    }
    return false;
}

void sx_tree_sweep(struct sx *core)
{
    bool changed = true;
    while (changed) {
        changed = false;
        for (uint32_t i = core->block_count; i-- > 0;) {
            if (is_named(core, &core->blocks[i]->id))
                continue;
            forget(core, i);
            changed = true;
        }
    }
}

void sx_tree_clear(struct sx *core)
{
    while (core->block_count > 0)
        forget(core, core->block_count - 1);
}
