/* Giving the steps and the state to newcomers. */

#include "ledger/sx/sx_room.h"

#include "base/check.h"
#include "ledger/chain/ended.h"

/* An empty answer says that there is no time: better than none. */
static bool has_time(struct sx *core, struct sx_peer *peer,
                     const struct sx_msg *ask, enum sx_tag tag)
{
    struct sx_msg out = {.tag = tag,
                         .ask = ask->ask,
                         .epoch = chain_tip(core->chain).height /
                                  core->epoch_blocks};
    if (sx_afford(core, peer, SX_SYNC_BYTES / 16))
        return true;
    if (!sx_crowded(core))
        sx_send(core, peer->id, &out);
    return false;
}

static void answer(struct sx *core, struct sx_peer *peer, struct sx_msg *msg)
{
    size_t size = 0;
    for (uint32_t i = 0; i < msg->item_count; i++)
        size += msg->items[i].len;
    if (!sx_afford(core, peer, size)) {
        msg->item_count = 0;
        msg->peaks = bytes_make(NULL, 0);
    }
    sx_send(core, peer->id, msg);
}

void sx_on_get_steps(struct sx *core, struct sx_peer *peer,
                     const struct sx_msg *msg)
{
    struct sx_msg out;
    if (!has_time(core, peer, msg, SX_MSG_STEPS))
        return;
    enum err err = ended_steps(core->chain, msg->epoch, &core->arena, &out);
    out.ask = msg->ask;
    if (err != OK)
        sx_halt(core, err);
    else
        answer(core, peer, &out);
}

void sx_on_get_pages(struct sx *core, struct sx_peer *peer,
                     const struct sx_msg *msg)
{
    struct sx_msg out;
    if (!has_time(core, peer, msg, SX_MSG_PAGES))
        return;
    enum err err = ended_pages(core->chain, msg, &core->arena, &out);
    out.ask = msg->ask;
    if (err != OK)
        sx_halt(core, err);
    else
        answer(core, peer, &out);
}
