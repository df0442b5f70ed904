/* Finality: from a finalize certificate to blocks on the disk, and from the
 * last block of an epoch to the next epoch. */

#include "ledger/sx/sx_room.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

/* ---- certificates of decisions ---- */

static uint64_t low_of(uint64_t a, uint64_t b)
{
    if (a == 0 || b == 0)
        return a == 0 ? b : a;
    return a < b ? a : b;
}

/* The first log record of the views that a decision closes: needed until it is
 * on the disk. */
static uint64_t closed_low(const struct sx *core, uint64_t upto)
{
    uint64_t low = 0;
    for (size_t i = 0; i < core->slot_count; i++) {
        const struct sx_slot *slot = core->slots[i];
        if (slot != NULL && slot->view <= upto)
            low = low_of(low, slot->log_seq);
    }
    return low;
}

/* When decisions come faster than blocks, one in between is as good as none:
 * the later one decides its block too. */
static void merge_last(struct sx *core)
{
    uint32_t last = core->final_count - 1;
    core->final_low[last - 1] =
        low_of(core->final_low[last - 1], core->final_low[last]);
    free(core->finals[last]);
    core->final_count--;
}

static struct cert *copy_cert(struct sx *core, const struct cert *cert)
{
    struct cert *copy = malloc(sizeof(*copy));
    if (copy == NULL)
        sx_halt(core, ERR_NOMEM);
    else
        *copy = *cert;
    return copy;
}

void sx_take_final(struct sx *core, const struct cert *cert, uint64_t seq)
{
    struct cert *pending = copy_cert(core, cert);
    struct cert *latest = copy_cert(core, cert);
    if (pending == NULL || latest == NULL) {
        free(pending);
        free(latest);
        return;
    }
    CHECK(cert->kind == VOTE_FINALIZE && cert->on.view > core->final_view);
    /* Those of the tip leave room for those that lead there. */
    if (core->final_count >=
        (SX_MUTANT(FINALS_FULL) ? SX_FINALS_MAX : SX_FINALS_MAX / 2))
        merge_last(core);
    core->final_low[core->final_count] =
        low_of(closed_low(core, cert->on.view), seq);
    core->finals[core->final_count++] = pending;
    free(core->final_cert);
    core->final_cert = latest;
    sx_slots_drop(core, cert->on.view);
    if (!hash_equal(&cert->on.id, &core->final_id))
        sx_time_news(core, cert->on.view);
    core->final_id = cert->on.id;
    struct chain_tip head = chain_head(core->chain);
    if (!hash_equal(&cert->on.id, &head.id))
        sx_block_want(core, &cert->on.id);
    sx_enter(core, cert->on.view + 1);
}

void sx_final_log(struct sx *core, uint64_t seq)
{
    uint32_t last = core->final_count - 1;
    CHECK(core->final_count > 0);
    core->final_low[last] = low_of(core->final_low[last], seq);
}

static void drop_first(struct sx *core)
{
    uint64_t low = core->final_low[0];
    free(core->finals[0]);
    core->final_count--;
    memmove(core->finals, core->finals + 1,
            core->final_count * sizeof(core->finals[0]));
    memmove(core->final_low, core->final_low + 1,
            core->final_count * sizeof(core->final_low[0]));
    if (core->final_count > 0)
        core->final_low[0] = low_of(core->final_low[0], low);
}

static bool is_pending(const struct sx *core, uint64_t view)
{
    for (uint32_t i = 0; i < core->final_count; i++) {
        if (core->finals[i]->on.view == view)
            return true;
    }
    return false;
}

void sx_add_final(struct sx *core, const struct cert *cert)
{
    struct chain_tip head = chain_head(core->chain);
    uint32_t at = 0;
    struct cert *copy;
    if (core->final_count == SX_FINALS_MAX || is_pending(core, cert->on.view) ||
        (head.header.epoch == core->epoch && cert->on.view <= head.view))
        return;
    copy = copy_cert(core, cert);
    if (copy == NULL)
        return;
    while (at < core->final_count && core->finals[at]->on.view < cert->on.view)
        at++;
    for (uint32_t i = core->final_count; i > at; i--) {
        core->finals[i] = core->finals[i - 1];
        core->final_low[i] = core->final_low[i - 1];
    }
    core->finals[at] = copy;
    core->final_low[at] = 0;
    core->final_count++;
}

/* ---- the run ---- */

/* The blocks from the head to the decided one, lowest first. False: something
 * is missing (it is wanted now), or more than a run. */
static bool collect(struct sx *core, const struct hash *last,
                    struct sx_block *run[CHAIN_RUN_MAX], uint32_t *out_count)
{
    struct sx_block *back[CHAIN_RUN_MAX];
    struct hash head = *chain_head_id(core->chain);
    struct hash at = *last;
    uint32_t count = 0;
    while (!hash_equal(&at, &head)) {
        struct sx_block *block = sx_block_now(core, &at, last);
        if (block == NULL || count == CHAIN_RUN_MAX)
            return false;
        block->wanted = true;
        if (!block->has_header)
            return false;
        back[count++] = block;
        at = block->header.parent;
    }
    for (uint32_t i = 0; i < count; i++)
        run[i] = back[count - 1 - i];
    *out_count = count;
    return true;
}

/* A decided block that does not execute here: see sx.h, SX_HALT. */
static bool all_valid(struct sx *core, struct sx_block *const *run,
                      uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        enum sx_verdict verdict = sx_block_judge(core, run[i]);
        if (verdict == SX_INVALID)
            sx_halt(core, run[i]->why != OK ? run[i]->why : ERR_ROOT);
        if (verdict != SX_VALID)
            return false;
    }
    return true;
}

/* ---- what the log may forget ---- */

static uint64_t needed_from(const struct sx *core)
{
    uint64_t low = 0;
    for (uint32_t i = 0; i < core->final_count; i++)
        low = low_of(low, core->final_low[i]);
    for (size_t i = 0; i < core->slot_count; i++) {
        if (core->slots[i] != NULL)
            low = low_of(low, core->slots[i]->log_seq);
    }
    for (uint32_t i = 0; i < core->block_count; i++)
        low = low_of(low, core->blocks[i]->log_seq);
    if (core->amnesia)
        low = low_of(low, core->recall_seq);
    if (SX_MUTANT(TRIM_TOO_MUCH))
        return core->logged + 1;
    /* Never the last record that is on the disk: an empty log is one that has
     * forgotten. */
    return low == 0 || low > core->synced ? core->synced : low;
}

/* ---- committing ---- */

static void note(struct store_batch *batch, const char *name, uint64_t seq)
{
    uint8_t raw[8];
    u64be_put(raw, seq);
    store_batch_put(batch, STORE_META, bytes_str(name), BYTES_OF(raw));
}

/* What the batch's store will know of the log. What was not needed once is
 * never needed again. */
static void note_log(struct sx *core, struct store_batch *batch)
{
    uint64_t need = needed_from(core);
    CHECK(core->trim_count < CHAIN_FLIGHT_MAX);
    if (need > core->log_need)
        core->log_need = need;
    core->trim_to[core->trim_count++] = core->log_need;
    if (core->signer == NULL)
        return;
    note(batch, SX_META_LOG, core->synced);
    note(batch, SX_META_NEED, core->log_need);
}

/* The tree's entries go; their candidates are the chain's now. */
static void release(struct sx *core, struct sx_block *const *run,
                    uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        sx_block_decided(core, run[i]);
        sx_block_drop(core, run[i]);
    }
}

static void store_run(struct sx *core, struct store_batch *batch)
{
    struct sx_effect *effect = sx_effect_add(core, SX_STORE);
    if (effect == NULL) {
        store_batch_free(batch);
        return;
    }
    effect->height = store_batch_height(batch);
    effect->batch = batch;
    core->block_mono_ms = core->mono_ms;
}

static void tell_final(struct sx *core, const struct candidate *candidate)
{
    const struct block *block = candidate_block(candidate);
    struct sx_effect *effect = sx_effect_add(core, SX_FINAL);
    if (effect == NULL)
        return;
    effect->height = block->header.height;
    effect->id = block->id;
    effect->candidate = candidate;
    effect->bytes = candidate_bytes(candidate);
}

static bool commit(struct sx *core, struct sx_block *const *run, uint32_t count)
{
    struct candidate *candidates[CHAIN_RUN_MAX];
    struct store_batch *batch;
    for (uint32_t i = 0; i < count; i++)
        candidates[i] = run[i]->candidate;
    enum err err =
        chain_commit(core->chain, candidates, count, core->finals[0], &batch);
    if (err == ERR_BUSY)
        return false; /* goes on when the disk has taken some */
    if (err != OK) {
        sx_halt(core, err);
        return false;
    }
    sx_time_decided(core, &core->finals[0]->on);
    release(core, run, count);
    for (uint32_t i = 0; i < count && SX_MUTANT(FINAL_UNSTORED); i++)
        tell_final(core, candidates[i]);
    drop_first(core);
    sx_tree_prune(core);
    sx_tree_sweep(core);
    note_log(core, batch);
    store_run(core, batch);
    return true;
}

/* What a decided block has punished is done with. */
static void settle_evidence(struct sx *core)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < core->evidence_count; i++) {
        if (sx_evidence_open(core, &core->evidence[i]))
            core->evidence[kept++] = core->evidence[i];
    }
    core->evidence_count = kept;
}

bool sx_decide(struct sx *core)
{
    struct sx_block *run[CHAIN_RUN_MAX];
    uint32_t count = 0;
    if (core->final_count == 0 || core->halted != OK || core->replaying)
        return false;
    if (!collect(core, &core->finals[0]->on.id, run, &count) ||
        !all_valid(core, run, count))
        return false;
    if (count == 0) { /* the head, decided once more */
        drop_first(core);
        sx_tree_sweep(core);
        return true;
    }
    if (!commit(core, run, count))
        return false;
    settle_evidence(core);
    struct chain_tip head = chain_head(core->chain);
    if (sx_is_boundary(core, &head.header))
        sx_epoch_start(core);
    return true;
}

/* ---- stored ---- */

static void trim(struct sx *core)
{
    struct sx_effect *effect;
    CHECK(core->trim_count > 0);
    uint64_t to = core->trim_to[0];
    core->trim_count--;
    memmove(core->trim_to, core->trim_to + 1,
            core->trim_count * sizeof(core->trim_to[0]));
    if (core->signer == NULL)
        return;
    effect = sx_effect_add(core, SX_LOG_TRIM);
    if (effect != NULL)
        effect->seq = to;
}

void sx_on_stored(struct sx *core, uint64_t height)
{
    const struct candidate *run[CHAIN_RUN_MAX];
    if (sx_fetching(core)) {
        sx_pages_stored(core);
        return;
    }
    size_t count = chain_stored(core->chain, height, run);
    for (size_t i = 0; i < count; i++)
        tell_final(core, run[i]);
    sx_clean_pool(core, run, count);
    if (height >= (core->epoch - 1) * core->epoch_blocks)
        core->root_stored = true;
    trim(core);
    sx_push_run(core, height + 1 - count);
}

/* ---- epochs ---- */

bool sx_is_boundary(const struct sx *core, const struct header *header)
{
    return header->height > 0 && header->height % core->epoch_blocks == 0;
}

/* The fewest leaders in a row whose weight must include an honest one, in this
 * epoch's order. */
static uint32_t honest_run(const struct sx *core)
{
    uint32_t slots = core->leaders.slot_count;
    uint32_t longest = 1;
    for (uint32_t from = 0; from < slots; from++) {
        bool seen[LIMIT_VALIDATORS] = {false};
        uint64_t weight = 0;
        uint32_t length = 0;
        while (length < slots && weight <= (core->set.weight - 1) / 3) {
            uint16_t i = core->leaders.slots[(from + length++) % slots];
            if (!seen[i])
                weight += core->set.items[i].weight;
            seen[i] = true;
        }
        longest = length > longest ? length : longest;
    }
    return 1 + longest;
}

/* The id of the block that the epoch stands on. */
static enum err find_root(struct sx *core, struct hash *out)
{
    uint64_t height = (core->epoch - 1) * core->epoch_blocks;
    struct chain_tip head = chain_head(core->chain);
    struct header header;
    if (head.height == height) {
        *out = head.id;
        return OK;
    }
    TRY(chain_header_at(core->chain, height, &header));
    header_id(&header, out);
    return OK;
}

static void load_final_cert(struct sx *core, uint64_t height)
{
    struct arena arena;
    struct bytes bytes;
    struct cert cert;
    arena_init(&arena, 64 * 1024);
    enum err err = chain_cert_at(core->chain, height, &arena, &bytes);
    if (err == OK)
        err = cert_decode(bytes, &cert);
    if (err == OK)
        core->final_cert = copy_cert(core, &cert);
    else
        sx_halt(core, err);
    arena_done(&arena);
}

static void tell_role(struct sx *core, int before)
{
    if (before < 0 && core->me >= 0)
        sx_notice(core, SX_NOTICE_JOINED, core->me);
    if (before >= 0 && core->me < 0)
        sx_notice(core, SX_NOTICE_LEFT, before);
}

static void forget_views(struct sx *core)
{
    sx_slots_drop(core, core->final_view + core->slot_count);
    while (core->final_count > 0)
        drop_first(core);
    free(core->final_cert);
    core->final_cert = NULL;
    sx_tree_clear(core);
    memset(core->heard_ms, 0, sizeof(core->heard_ms));
}

static void take_set(struct sx *core)
{
    int before = core->me;
    struct hash old;
    struct hash new;
    validators_hash(&core->set, &old);
    if (!SX_MUTANT(OLD_SET) || core->set.count == 0)
        core->set = *chain_validators(core->chain);
    core->quorum = validators_quorum(&core->set);
    validators_hash(&core->set, &new);
    sx_recall_epoch(core, hash_equal(&old, &new));
    leaders_init(&core->leaders, &core->set, &core->root);
    core->honest_run = honest_run(core);
    core->me = core->signer == NULL
                   ? -1
                   : validators_find(&core->set, &core->signer->key);
    sx_peers_index(core);
    tell_role(core, before);
}

void sx_epoch_start(struct sx *core)
{
    struct chain_tip head = chain_head(core->chain);
    forget_views(core);
    core->epoch = chain_next_epoch(core->chain);
    enum err err = find_root(core, &core->root);
    if (err != OK) {
        sx_halt(core, err);
        return;
    }
    take_set(core);
    core->root_stored =
        chain_tip(core->chain).height >= (core->epoch - 1) * core->epoch_blocks;
    core->final_view = 0;
    core->final_id = head.id;
    if (head.height > 0 && head.header.epoch == core->epoch &&
        !SX_MUTANT(SIGN_DECIDED)) {
        core->final_view = head.view;
        load_final_cert(core, head.height);
    }
    core->news_view = core->final_view;
    sx_time_epoch(core);
    core->cur = 0;
    sx_enter(core, core->final_view + 1);
}
