/* Catching up and helping others to: runs of decided blocks, single blocks,
 * certificates. Targets come from verified certificates only; what a peer says
 * of itself decides whom we ask, never what we believe. */

#include "ledger/sx/sx_room.h"

#include "base/check.h"

#include <string.h>

#define BUDGET_MAX    (16u * 1024 * 1024)
#define BUDGET_PER_MS 4096u
#define ASK_FINALS_MS 500u
#define ASK_GAP_MS    200u /* runs came, then none for this long */
#define ASK_VAIN_MAX  5u

/* ---- answering ---- */

bool sx_afford(struct sx *core, struct sx_peer *peer, size_t bytes)
{
    uint64_t passed = core->mono_ms - peer->budget_ms;
    if (sx_crowded(core))
        return false;
    if (passed > BUDGET_MAX / BUDGET_PER_MS)
        peer->budget = BUDGET_MAX;
    else
        peer->budget += passed * BUDGET_PER_MS;
    if (peer->budget > BUDGET_MAX)
        peer->budget = BUDGET_MAX;
    peer->budget_ms = core->mono_ms;
    if (peer->budget < bytes)
        return false;
    peer->budget -= bytes;
    return true;
}

/* What was set aside before the store was read, and did not leave. */
static void give_back(struct sx_peer *peer, size_t bytes)
{
    peer->budget += bytes;
}

void sx_on_get_certs(struct sx *core, struct sx_peer *peer,
                     const struct sx_msg *msg)
{
    unsigned left = SX_CERTS_MAX;
    if (msg->epoch != core->epoch) {
        sx_help(core, peer);
        return;
    }
    if (msg->view <= core->final_view && core->final_cert != NULL &&
        sx_afford(core, peer, CERT_BYTES_MAX))
        sx_send_cert(core, peer->id, core->final_cert);
    for (size_t i = 0; i < core->slot_count && left > 0; i++) {
        const struct sx_slot *slot = core->slots[i];
        if (slot == NULL || slot->view < msg->view || slot->view > msg->to)
            continue;
        for (unsigned k = 0; k < SX_KINDS && left > 0; k++) {
            if (slot->certs[k] == NULL)
                continue;
            if (!sx_afford(core, peer, CERT_BYTES_MAX))
                return;
            sx_send_cert(core, peer->id, slot->certs[k]);
            left--;
        }
    }
}

void sx_on_get_block(struct sx *core, struct sx_peer *peer,
                     const struct hash *id)
{
    const struct sx_block *block = sx_block_find(core, id);
    struct sx_msg msg = {.tag = SX_MSG_BLOCK};
    uint64_t height = 0;
    if (!sx_afford(core, peer, LIMIT_BLOCK_BYTES))
        return;
    if (block != NULL)
        msg.block = buf_bytes(&block->bytes);
    else if (chain_height_of(core->chain, id, &height) != OK ||
             chain_block_at(core->chain, height, &core->arena, &msg.block) !=
                 OK)
        msg.block = bytes_make(NULL, 0);
    give_back(peer, LIMIT_BLOCK_BYTES - msg.block.len);
    if (msg.block.len > 0)
        sx_send(core, peer->id, &msg);
}

/* ---- runs, outwards ---- */

/* A run as it lies in the store. */
struct stored_run {
    uint8_t headers[SX_RUN_MAX * HEADER_BYTES];
    struct sx_msg msg;
    size_t bytes; /* of headers, certificate and the blocks that go along */
    uint64_t last;
};

#define RUN_BYTES_MAX                                                          \
    (SX_RUN_MAX * HEADER_BYTES + CERT_BYTES_MAX + SX_WHOLE_BYTES)

/* Blocks as long as they may go along, then headers: half a megabyte each need
 * not be read for that. */
static enum err load_block(struct sx *core, uint64_t height, size_t *size,
                           struct stored_run *run)
{
    struct sx_msg *msg = &run->msg;
    struct bytes *block = &msg->blocks[msg->header_count];
    uint8_t *raw = run->headers + (size_t)msg->header_count * HEADER_BYTES;
    struct header header;
    msg->header_count++;
    if (*size > SX_WHOLE_BYTES) {
        TRY(chain_header_at(core->chain, height, &header));
        header_encode(&header, raw);
        return OK;
    }
    TRY(chain_block_at(core->chain, height, &core->arena, block));
    if (block->len < HEADER_BYTES)
        return ERR_CORRUPT;
    memcpy(raw, block->ptr, HEADER_BYTES);
    *size += block->len;
    return OK;
}

static enum err load_run(struct sx *core, uint64_t height,
                         struct stored_run *run)
{
    struct sx_msg *msg = &run->msg;
    struct bytes cert;
    size_t size = 0;
    memset(msg, 0, sizeof(*msg));
    TRY(chain_cert_after(core->chain, height, &core->arena, &run->last, &cert));
    msg->tag = SX_MSG_FINALS;
    msg->height = chain_tip(core->chain).height;
    msg->cert = cert;
    for (uint64_t h = height; h <= run->last; h++)
        TRY(load_block(core, h, &size, run));
    msg->headers =
        bytes_make(run->headers, (size_t)msg->header_count * HEADER_BYTES);
    run->bytes = msg->headers.len + cert.len;
    if (size <= SX_WHOLE_BYTES) {
        msg->block_count = msg->header_count;
        run->bytes += size;
    }
    CHECK(run->bytes <= RUN_BYTES_MAX);
    return OK;
}

void sx_on_get_finals(struct sx *core, struct sx_peer *peer, uint64_t height)
{
    uint64_t tip = chain_tip(core->chain).height;
    struct stored_run run;
    if (height <= chain_base(core->chain) || height > tip ||
        SX_MUTANT(NO_FINALS)) {
        sx_help(core, peer);
        return;
    }
    for (unsigned i = 0; i < SX_RUNS_MAX && height <= tip; i++) {
        if (!sx_afford(core, peer, RUN_BYTES_MAX))
            return;
        arena_reset(&core->arena);
        enum err err = load_run(core, height, &run);
        if (err != OK) {
            sx_halt(core, err); /* our own store does not hold together */
            return;
        }
        give_back(peer, RUN_BYTES_MAX - run.bytes);
        sx_send(core, peer->id, &run.msg);
        height = run.last + 1;
    }
}

static bool may_miss(const struct sx *core, const struct sx_peer *peer,
                     uint64_t last)
{
    return (peer->index < 0 || core->me < 0) && peer->height < last;
}

/* To those who cannot know yet: everybody but the validators, who have their
 * own certificate. */
void sx_push_run(struct sx *core, uint64_t first)
{
    struct stored_run run;
    bool loaded = false;
    for (uint32_t i = 0; i < core->peer_count; i++) {
        struct sx_peer *peer = &core->peers[i];
        if (!may_miss(core, peer, first))
            continue;
        if (!loaded) {
            arena_reset(&core->arena);
            enum err err = load_run(core, first, &run);
            if (err != OK) {
                sx_halt(core, err);
                return;
            }
            loaded = true;
        }
        if (!sx_afford(core, peer, run.bytes))
            continue;
        sx_send(core, peer->id, &run.msg);
        /* Who follows step by step has it now; who is further behind asks. */
        peer->height = run.last;
    }
}

/* ---- runs, inwards ---- */

struct inward {
    struct header headers[SX_RUN_MAX];
    struct hash ids[SX_RUN_MAX];
    uint32_t count;
    struct cert cert;
};

static enum err read_headers(const struct sx *core, const struct sx_msg *msg,
                             struct inward *out)
{
    struct cursor cursor;
    cursor_init(&cursor, msg->headers);
    out->count = msg->header_count;
    for (uint32_t i = 0; i < out->count; i++) {
        struct header *header = &out->headers[i];
        header_decode(&cursor, header);
        if (cursor.err != OK)
            return cursor.err;
        header_id(header, &out->ids[i]);
        if (!hash_equal(&header->chain, chain_id(core->chain)))
            return ERR_CHAIN;
        if (i > 0 && (header->height != out->headers[i - 1].height + 1 ||
                      header->epoch != out->headers[0].epoch ||
                      !hash_equal(&header->parent, &out->ids[i - 1])))
            return ERR_PARENT;
    }
    return cursor_finish(&cursor);
}

static enum err read_run(const struct sx *core, const struct sx_msg *msg,
                         struct inward *out)
{
    TRY(read_headers(core, msg, out));
    TRY(cert_decode(msg->cert, &out->cert));
    if (out->cert.kind != VOTE_FINALIZE ||
        out->cert.on.epoch != out->headers[0].epoch ||
        !hash_equal(&out->cert.on.id, &out->ids[out->count - 1]))
        return ERR_QUORUM;
    return OK;
}

/* Were those who signed in that epoch bonded until now? Later their keys may be
 * anybody's, and what they sign says nothing. */
static bool still_liable(const struct sx *core, uint64_t epoch)
{
    return epoch + params_need(chain_params(core->chain), "unbond_epochs") >=
           core->epoch;
}

/* A run of our past. The same as ours, and nothing is to do. Another one with a
 * good certificate means that a quorum signed twice: nobody may go on as if
 * nothing had happened. */
static enum err compare_past(struct sx *core, const struct inward *run)
{
    struct validators set;
    struct header ours;
    struct hash id;
    const struct header *last = &run->headers[run->count - 1];
    if (last->height > chain_tip(core->chain).height)
        return OK; /* in flight: its child will tell */
    if (chain_header_at(core->chain, last->height, &ours) != OK)
        return OK;
    header_id(&ours, &id);
    if (hash_equal(&id, &run->ids[run->count - 1]))
        return OK;
    if (still_liable(core, last->epoch) &&
        chain_set_of(core->chain, last->epoch, &set) == OK &&
        cert_verify(&run->cert, &set, chain_id(core->chain)) == OK)
        sx_halt(core, ERR_PARENT);
    return ERR_QUORUM;
}

/* Do the headers that are here lead from `upper` down to `lower`, within a run?
 * Farther apart there is a decision in between that has yet to come. */
static bool leads(const struct sx *core, const struct hash *upper,
                  const struct hash *lower)
{
    const struct sx_block *block = sx_block_find(core, upper);
    for (uint32_t i = 0; i < CHAIN_RUN_MAX; i++) {
        if (block == NULL || !block->has_header)
            return false;
        if (hash_equal(&block->header.parent, lower))
            return true;
        block = sx_block_find(core, &block->header.parent);
    }
    return false;
}

/* Does the run go on from the head, or from a decision that waits for blocks
 * and itself leads there? Others would hold the room of those that do. */
static bool connects(const struct sx *core, const struct inward *run)
{
    struct hash at = chain_head(core->chain).id;
    for (uint32_t i = 0; i < run->count; i++) {
        if (hash_equal(&run->headers[i].parent, &at))
            return true;
    }
    for (uint32_t i = 0; i < core->final_count; i++) {
        const struct hash *id = &core->finals[i]->on.id;
        if (!leads(core, id, &at) && !SX_MUTANT(FINALS_LOOSE))
            return false;
        if (hash_equal(id, &run->headers[0].parent))
            return true;
        at = *id;
    }
    return false;
}

/* Its decision waits for its blocks already, and it brings none of them. */
static bool is_told(const struct sx *core, const struct sx_msg *msg,
                    const struct inward *run)
{
    bool decided = false;
    for (uint32_t i = 0; i < core->final_count; i++)
        decided = decided || hash_equal(&core->finals[i]->on.id,
                                        &run->ids[run->count - 1]);
    for (uint32_t i = 0; i < run->count && decided; i++) {
        const struct sx_block *block = sx_block_find(core, &run->ids[i]);
        if (run->headers[i].height > chain_head_height(core->chain) &&
            (block == NULL || !block->has_header ||
             (msg->block_count > 0 && block->bytes.len == 0)))
            return false;
    }
    return decided;
}

static enum err take_headers(struct sx *core, const struct sx_msg *msg,
                             const struct inward *run)
{
    uint64_t head = chain_head_height(core->chain);
    for (uint32_t i = 0; i < run->count && core->halted == OK; i++) {
        struct sx_block *block;
        if (run->headers[i].height <= head)
            continue;
        block = run->headers[i].height - head > CHAIN_RUN_MAX
                    ? sx_block_need(core, &run->ids[i])
                    : sx_block_next(core, &run->ids[i]);
        if (block == NULL)
            return OK;
        block->wanted = true;
        block->header = run->headers[i];
        block->has_header = true;
        if (msg->block_count > 0)
            TRY(sx_block_fill(block, msg->blocks[i], NULL, msg->txs_verified));
    }
    return OK;
}

static enum err take_run(struct sx *core, struct sx_peer *peer,
                         const struct sx_msg *msg, struct inward *run)
{
    uint64_t head = chain_head_height(core->chain);
    TRY(read_run(core, msg, run));
    if (run->headers[run->count - 1].height <= head)
        return compare_past(core, run);
    if (run->headers[0].epoch != core->epoch || !connects(core, run))
        return OK; /* too early for us: asked for again when we are there */
    if (is_told(core, msg, run))
        return OK;
    if (!SX_MUTANT(FINALS_UNCHECKED))
        TRY(sx_check_cert(core, &run->cert));
    core->asked_vain = 0;
    core->arrived_ms = core->mono_ms;
    if (peer->epoch < run->headers[0].epoch)
        peer->epoch = run->headers[0].epoch;
    /* The certificate first: it names the last block, so that the sweep of what
     * nobody speaks of keeps all of them. */
    if (run->cert.on.view > core->final_view)
        sx_take_cert(core, &run->cert);
    else
        sx_add_final(core, &run->cert);
    return take_headers(core, msg, run);
}

void sx_on_finals(struct sx *core, struct sx_peer *peer,
                  const struct sx_msg *msg)
{
    struct inward run;
    enum err err = take_run(core, peer, msg, &run);
    if (msg->height > peer->height)
        peer->height = msg->height;
    if (err_is_fault(err))
        sx_halt(core, err);
    else if (err != OK)
        sx_blame(core, peer->id, err);
}

enum sx_use sx_use_of_run(const struct sx *core, const struct sx_msg *msg)
{
    struct inward run;
    if (read_run(core, msg, &run) != OK ||
        run.headers[run.count - 1].height <= chain_head_height(core->chain))
        return SX_USE_NONE;
    if (run.headers[0].epoch != core->epoch || !connects(core, &run))
        return SX_USE_LATER;
    return is_told(core, msg, &run) ? SX_USE_NONE : SX_USE_TAKE;
}

/* ---- asking ---- */

/* One of the peers that could know, at random. */
static struct sx_peer *pick(struct sx *core,
                            bool (*fits)(const struct sx *,
                                         const struct sx_peer *))
{
    uint32_t start;
    if (core->peer_count == 0)
        return NULL;
    start = (uint32_t)(sx_random(core) % core->peer_count);
    for (uint32_t i = 0; i < core->peer_count; i++) {
        struct sx_peer *peer = &core->peers[(start + i) % core->peer_count];
        if (fits(core, peer))
            return peer;
    }
    return NULL;
}

static bool is_ahead(const struct sx *core, const struct sx_peer *peer)
{
    uint64_t head = chain_head_height(core->chain);
    return peer->height > head && peer->base <= head;
}

static bool is_validator(const struct sx *core, const struct sx_peer *peer)
{
    (void)core;
    return peer->index >= 0;
}

static bool is_anybody(const struct sx *core, const struct sx_peer *peer)
{
    (void)core;
    (void)peer;
    return true;
}

/* Is it time to ask (again)? Else sets the timer. */
static bool finals_due(struct sx *core, uint64_t next)
{
    uint64_t last = core->asked_finals_ms > core->arrived_ms
                        ? core->asked_finals_ms + ASK_FINALS_MS
                        : core->arrived_ms + ASK_GAP_MS;
    if (core->asked_height == 0 || next >= core->asked_height + SX_RUNS_MAX ||
        core->mono_ms >= last)
        return true;
    sx_wake(core, last);
    return false;
}

/* What waits for its blocks is proven already: no more of it is needed yet. */
static void ask_finals(struct sx *core)
{
    uint64_t next = chain_head_height(core->chain) + 1;
    struct sx_peer *peer;
    if (core->final_count > SX_FINALS_MAX / 2 || sx_pages_looking(core))
        return;
    peer = pick(core, is_ahead);
    if (peer == NULL) {
        core->asked_height = 0;
        return;
    }
    if (!finals_due(core, next))
        return;
    if (core->asked_vain++ >= ASK_VAIN_MAX && !SX_MUTANT(HEIGHT_BELIEVED)) {
        peer->height = next - 1; /* an empty promise */
        core->asked_vain = 0;
        core->asked_height = 0;
        return;
    }
    struct sx_msg msg = {.tag = SX_MSG_GET_FINALS, .height = next};
    sx_send(core, peer->id, &msg);
    core->asked_height = next;
    core->asked_finals_ms = core->mono_ms;
    sx_wake(core, core->mono_ms + ASK_FINALS_MS);
}

/* A body that a certificate speaks of. Validators give the proposal a moment to
 * arrive by itself. */
static void ask_block(struct sx *core, struct sx_block *block)
{
    uint64_t period = 2 * sx_pace(core);
    uint64_t due =
        block->asks == 0
            ? block->since_ms + (core->me >= 0 ? core->delay_ms / 4 : 0)
            : block->asked_ms + period;
    struct sx_peer *peer;
    if (core->mono_ms < due) {
        sx_wake(core, due);
        return;
    }
    peer = pick(core, core->me >= 0 ? is_validator : is_anybody);
    if (peer == NULL)
        return;
    struct sx_msg msg = {.tag = SX_MSG_GET_BLOCK, .id = block->id};
    sx_send(core, peer->id, &msg);
    if (peer->owes < UINT32_MAX)
        peer->owes++;
    block->asked_ms = core->mono_ms;
    block->asks++;
    sx_wake(core, core->mono_ms + period);
}

static void ask_blocks(struct sx *core)
{
    if (SX_MUTANT(NO_BLOCK_FETCH))
        return;
    sx_tree_fill(core);
    for (uint32_t i = 0; i < core->block_count; i++) {
        struct sx_block *block = core->blocks[i];
        if (block->wanted && block->bytes.len == 0)
            ask_block(core, block);
    }
}

static bool has_cert(const struct sx *core, uint64_t view, enum vote_kind kind)
{
    const struct sx_slot *slot = sx_slot_at(core, view);
    return slot != NULL && slot->certs[kind - 1] != NULL;
}

/* A notarized block stands on a notarized one, which may be of a view that we
 * know as given up: a view can have both certificates. Without the other one
 * nothing asks for its block. 0: it is here, or decided. */
static uint64_t missing_below(const struct sx *core, uint64_t view)
{
    const struct sx_slot *slot = sx_slot_at(core, view);
    uint64_t parent = slot->certs[VOTE_NOTARIZE - 1]->on.parent_view;
    if (parent <= core->final_view || has_cert(core, parent, VOTE_NOTARIZE))
        return 0;
    return parent;
}

/* The first view whose certificate is missing for what we want to do in this
 * one: every view has one or the other, a proposal's parent is notarized, the
 * views behind it nullified, and so it is with what was notarized. 0: none. */
static uint64_t missing_cert(const struct sx *core)
{
    const struct sx_slot *slot = sx_slot_at(core, core->cur);
    uint64_t parent = core->cur;
    if (slot != NULL && slot->has_proposal)
        parent = slot->on.parent_view;
    for (uint64_t v = core->final_view + 1; v < core->cur; v++) {
        bool notarized = has_cert(core, v, VOTE_NOTARIZE);
        bool nullified = has_cert(core, v, VOTE_NULLIFY);
        if ((!notarized && !nullified) || (v == parent && !notarized) ||
            (v > parent && !nullified))
            return v;
        if (notarized && missing_below(core, v) != 0)
            return missing_below(core, v);
    }
    return 0;
}

static void ask_certs(struct sx *core)
{
    uint64_t view = missing_cert(core);
    struct sx_peer *peer;
    if (core->me < 0 || view == 0 || SX_MUTANT(NO_CERT_FETCH))
        return;
    if (core->mono_ms < core->repair_ms) {
        sx_wake(core, core->repair_ms);
        return;
    }
    peer = pick(core, is_validator);
    if (peer == NULL)
        return;
    struct sx_msg msg = {.tag = SX_MSG_GET_CERTS,
                         .epoch = core->epoch,
                         .view = view,
                         .to = core->cur - 1};
    sx_send(core, peer->id, &msg);
    core->repair_ms = core->mono_ms + sx_pace(core);
    sx_wake(core, core->repair_ms);
}

void sx_ask(struct sx *core)
{
    if (sx_crowded(core))
        return;
    ask_finals(core);
    ask_blocks(core);
    ask_certs(core);
}
