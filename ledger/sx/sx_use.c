/* What messages with blocks are worth, told before a signature in them is
 * looked at: by whoever checks those of transactions, outside. */

#include "ledger/sx/sx_room.h"

static bool id_of(struct bytes block, struct hash *out)
{
    struct cursor cursor;
    struct header header;
    cursor_init(&cursor, block);
    header_decode(&cursor, &header);
    if (cursor.err != OK)
        return false;
    header_id(&header, out);
    return true;
}

/* The view that the certificates a proposal carries would bring us to if they
 * hold. */
static uint64_t reach(const struct sx *core, const struct sx_msg *msg)
{
    uint64_t view = core->cur;
    struct cert cert;
    if (cert_decode(msg->cert, &cert) == OK && cert.on.view >= view)
        view = cert.on.view + 1;
    for (uint32_t i = 0; i < msg->null_count; i++) {
        if (cert_decode(msg->nulls[i], &cert) == OK && cert.on.view >= view)
            view = cert.on.view + 1;
    }
    return view;
}

static bool is_near(const struct sx *core, const struct sx_msg *msg)
{
    uint64_t view = msg->vote.on.view;
    return view > core->final_view && view + SX_VOTE_VIEWS > core->cur &&
           (view <= core->cur + 1 || view <= reach(core, msg) + 1);
}

/* The leader's own word in a view that is open, with the block it names. */
static enum sx_use use_of_proposal(const struct sx *core,
                                   const struct sx_peer *peer,
                                   const struct sx_msg *msg)
{
    const struct proposal *on = &msg->vote.on;
    const struct sx_slot *slot = sx_slot_at(core, on->view);
    struct hash id;
    if (core->me < 0 || peer->index < 0 || msg->vote.index != peer->index ||
        on->epoch != core->epoch || !is_near(core, msg) ||
        (int)sx_leader(core, on->view) != peer->index)
        return SX_USE_NONE;
    if (slot != NULL && slot->has_proposal && !same_proposal(&slot->on, on))
        return SX_USE_NONE; /* its second word there */
    if (!id_of(msg->block, &id) || !hash_equal(&id, &on->id) ||
        sx_has_block(core, &id))
        return SX_USE_NONE;
    return SX_USE_TAKE;
}

static enum sx_use use_of_block(const struct sx *core,
                                const struct sx_peer *peer,
                                const struct sx_msg *msg)
{
    const struct sx_block *block;
    struct hash id;
    if (peer->owes == 0)
        return SX_USE_UNASKED;
    if (!id_of(msg->block, &id))
        return SX_USE_NONE;
    block = sx_block_find(core, &id);
    return block != NULL && block->bytes.len == 0 ? SX_USE_TAKE : SX_USE_NONE;
}

enum sx_use sx_use_of(struct sx *core, uint64_t id, const struct sx_msg *msg)
{
    const struct sx_peer *peer = sx_peer_find(core, id);
    bool is_crowded = core->logged - core->synced > SX_RECORDS_MAX;
    if (peer == NULL || core->halted != OK || sx_fetching(core) ||
        (is_crowded && msg->tag != SX_MSG_BLOCK))
        return SX_USE_NONE;
    if (msg->tag == SX_MSG_PROPOSE)
        return msg->block.len > 0 ? use_of_proposal(core, peer, msg)
                                  : SX_USE_NONE;
    if (msg->tag == SX_MSG_BLOCK)
        return use_of_block(core, peer, msg);
    return msg->tag == SX_MSG_FINALS ? sx_use_of_run(core, msg) : SX_USE_NONE;
}
