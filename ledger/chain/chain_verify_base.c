/* Verifying a chain that does not begin at the genesis. Its base cannot be
 * executed to; what proves it is proven again, what came after it is compared
 * with its headers, and the state with the last of them. */

#include "ledger/chain/chain_room.h"

#include "base/check.h"
#include "ledger/result.h"

#include <string.h>

struct review {
    struct chain *chain; /* on the store that is verified */
    struct verify_report *report;
    verify_fn fn;
    void *ctx;
    struct arena arena;
    struct header before; /* of the block below */
    struct hash before_id;
    struct mmr history; /* up to it */
    struct light_walk walk;
    uint32_t uncertified;
    struct validators set; /* of set_epoch */
    uint64_t set_epoch;
};

static enum err differs(struct review *review, const char *what, enum err err)
{
    review->report->what = what;
    review->report->err = err;
    return err_is_fault(err) ? err : ERR_CORRUPT;
}

/* ---- from the genesis to the last ended epoch ---- */

static enum err take_step(struct review *review)
{
    struct light_walk *walk = &review->walk;
    struct light_step step;
    struct cursor cursor;
    struct validators set;
    uint64_t epoch = walk->epoch;
    struct buf buf;
    buf_init(&buf, LIMIT_BLOCK_BYTES);
    enum err err = chain_prove_step(review->chain, epoch, &buf);
    cursor_init(&cursor, buf_bytes(&buf));
    if (err == OK)
        err = light_walk_step(walk, &cursor, &step);
    if (err == OK && step.header.height != epoch * review->chain->epoch_blocks)
        err = ERR_HEIGHT;
    if (err == OK)
        err = chain_set_of(review->chain, walk->epoch, &set);
    buf_done(&buf);
    return err == OK ? OK : differs(review, "step of an epoch", err);
}

static enum err walk_steps(struct review *review)
{
    uint64_t ended =
        review->chain->tip.tip.height / review->chain->epoch_blocks;
    while (review->walk.epoch <= ended)
        TRY(take_step(review));
    return OK;
}

/* ---- blocks after the base ---- */

static enum err read_node(void *ctx, unsigned level, uint64_t index,
                          struct hash *out)
{
    uint8_t key[9];
    size_t len = 0;
    TRY(store_read(ctx, STORE_MMR, key_mmr(level, index, key), out->b, HASH_LEN,
                   &len));
    return len == HASH_LEN ? OK : ERR_CORRUPT;
}

static enum err stand_on_base(struct review *review)
{
    struct chain *chain = review->chain;
    enum err err = chain_header_at(chain, chain->base, &review->before);
    if (err == OK)
        err = mmr_load(&review->history, chain->base + 1, read_node,
                       chain->store);
    header_id(&review->before, &review->before_id);
    return err == OK ? OK : differs(review, "base", err);
}

static enum err set_of(struct review *review, uint64_t epoch)
{
    if (review->set_epoch == epoch)
        return OK;
    review->set_epoch = epoch;
    return chain_set_of(review->chain, epoch, &review->set);
}

/* What the header says of the chain it stands in. */
static enum err check_header(struct review *review, const struct header *header)
{
    const struct header *before = &review->before;
    struct validators next;
    struct hash hash;
    uint64_t epoch =
        epoch_of_height(before->height + 1, review->chain->epoch_blocks);
    if (!hash_equal(&header->chain, &review->chain->genesis.chain))
        return ERR_CHAIN;
    if (header->height != before->height + 1 || header->epoch != epoch)
        return ERR_HEIGHT;
    if (!hash_equal(&header->parent, &review->before_id))
        return ERR_PARENT;
    if (header->time_ms <= before->time_ms)
        return ERR_TIME;
    TRY(set_of(review, epoch));
    if (validators_find(&review->set, &header->proposer) < 0)
        return ERR_PROPOSER;
    TRY(chain_set_of(review->chain, epoch + 1, &next));
    validators_hash(&next, &hash);
    if (!hash_equal(&header->next_set, &hash) ||
        !hash_equal(&header->params, &review->chain->params_hash))
        return ERR_ROOT;
    mmr_root(&review->history, &hash);
    return hash_equal(&header->history_root, &hash) ? OK : ERR_ROOT;
}

static enum err check_results(struct review *review, const struct block *block)
{
    struct result *results;
    struct hash root;
    uint32_t count = 0;
    TRY(chain_results_at(review->chain, block->header.height, &review->arena,
                         &results, &count));
    if (count != block->tx_count)
        return ERR_ROOT;
    TRY(results_root(results, count, &root));
    return hash_equal(&root, &block->header.receipt_root) ? OK : ERR_ROOT;
}

static enum err check_index(struct review *review, const struct block *block)
{
    uint64_t height = 0;
    TRY(chain_height_of(review->chain, &block->id, &height));
    if (height != block->header.height)
        return ERR_HEIGHT;
    for (uint32_t i = 0; i < block->tx_count; i++) {
        struct tx_place place;
        TRY(chain_find_tx(review->chain, &block->txs[i].id, &place));
        if (place.height != height || place.position != i)
            return ERR_HEIGHT;
    }
    return OK;
}

/* The last block of a run has one, the tip and the end of an epoch always. */
static enum err check_cert(struct review *review, const struct block *block)
{
    uint64_t height = block->header.height;
    struct bytes bytes;
    struct cert cert;
    enum err err = chain_cert_at(review->chain, height, &review->arena, &bytes);
    if (err == ERR_NOT_FOUND && ++review->uncertified < CHAIN_RUN_MAX &&
        height != review->report->tip &&
        height % review->chain->epoch_blocks != 0)
        return OK;
    TRY(err);
    review->uncertified = 0;
    TRY(cert_decode(bytes, &cert));
    if (cert.kind != VOTE_FINALIZE || cert.on.epoch != block->header.epoch ||
        !hash_equal(&cert.on.id, &block->id))
        return ERR_QUORUM;
    return cert_verify(&cert, &review->set, &review->chain->genesis.chain);
}

static enum err review_block(struct review *review, uint64_t height)
{
    struct block block;
    struct bytes bytes;
    enum err err =
        chain_block_at(review->chain, height, &review->arena, &bytes);
    if (err == OK)
        err = block_decode(bytes, &review->arena, &block);
    if (err != OK)
        return differs(review, "block", err);
    err = check_header(review, &block.header);
    if (err != OK)
        return differs(review, "header", err);
    err = block_verify_sigs(&block, &review->chain->genesis.chain);
    if (err != OK)
        return differs(review, "signature of a transaction", err);
    err = check_results(review, &block);
    if (err != OK)
        return differs(review, "results", err);
    err = check_cert(review, &block);
    if (err != OK)
        return differs(review, "certificate", err);
    err = check_index(review, &block);
    if (err != OK)
        return differs(review, "index", err);
    review->before = block.header;
    review->before_id = block.id;
    mmr_append(&review->history, &block.id, NULL, NULL);
    review->report->height = height;
    review->report->txs += block.tx_count;
    return OK;
}

static enum err review_blocks(struct review *review)
{
    const struct verify_report *report = review->report;
    for (uint64_t h = report->height + 1; h <= report->tip; h++) {
        arena_reset(&review->arena);
        TRY(review_block(review, h));
        if (review->fn != NULL)
            TRY(review->fn(review->ctx, report));
    }
    return OK;
}

/* ---- the state ---- */

static enum err review_state(struct review *review)
{
    enum err err = chain_audit_state(review->chain);
    if (err != OK)
        return differs(review, "state", err);
    err = chain_audit_money(review->chain);
    return err == OK ? OK : differs(review, "money", err);
}

/* ---- all of it ---- */

static void note_tip(struct review *review)
{
    review->report->tip = review->chain->tip.tip.height;
    review->report->tip_id = review->chain->tip.tip.id;
}

/* Of one moment: what has come meanwhile, and the state. */
static enum err review_moment(struct review *review)
{
    struct chain *chain = review->chain;
    enum err err = chain_load_position(chain, &chain->tip);
    if (err != OK)
        return differs(review, "links near the tip", err);
    chain->head = chain->tip;
    note_tip(review);
    TRY(walk_steps(review));
    TRY(review_blocks(review));
    return review_state(review);
}

enum err chain_verify_base(struct chain *chain, verify_fn fn, void *ctx,
                           struct verify_report *report)
{
    struct review review = {
        .chain = chain, .report = report, .fn = fn, .ctx = ctx};
    arena_init(&review.arena, 64u * 1024 * 1024);
    light_walk_start(&review.walk, &chain->genesis);
    report->base = report->height = chain->base;
    note_tip(&review);
    enum err err = walk_steps(&review);
    if (err == OK)
        err = stand_on_base(&review);
    if (err == OK)
        err = review_blocks(&review);
    if (err == OK)
        err = store_hold(chain->store);
    if (err == OK) {
        err = review_moment(&review);
        store_release(chain->store);
    }
    arena_done(&review.arena);
    return err;
}
