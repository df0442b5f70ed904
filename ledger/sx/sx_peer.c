/* Who is at the other end. A link is bound to a node's key; a validator votes
 * with another one, which it keeps apart, and proves on each link that it holds
 * it. */

#include "ledger/sx/sx_room.h"

#include "base/check.h"

#include <stdlib.h>

struct sx_peer *sx_peer_find(struct sx *core, uint64_t id)
{
    for (uint32_t i = 0; i < core->peer_count; i++) {
        if (core->peers[i].id == id)
            return &core->peers[i];
    }
    return NULL;
}

uint64_t sx_peer_height(struct sx *core, uint64_t id)
{
    const struct sx_peer *peer = sx_peer_find(core, id);
    return peer == NULL ? 0 : peer->height;
}

bool sx_peer_signs(struct sx *core, uint64_t id)
{
    const struct sx_peer *peer = sx_peer_find(core, id);
    return peer != NULL && peer->index >= 0;
}

int sx_peer_index(struct sx *core, uint64_t id)
{
    const struct sx_peer *peer = sx_peer_find(core, id);
    return peer == NULL ? -1 : peer->index;
}

void sx_peers_index(struct sx *core)
{
    for (uint32_t i = 0; i < core->peer_count; i++) {
        struct sx_peer *peer = &core->peers[i];
        peer->index = validators_find(&core->set, &peer->key);
        if (peer->index >= 0 && peer->heard_ms > core->heard_ms[peer->index] &&
            !SX_MUTANT(HEARD_ZERO))
            core->heard_ms[peer->index] = peer->heard_ms;
    }
}

static struct sx_peer *add_peer(struct sx *core)
{
    if (core->peer_count == core->peer_cap) {
        uint32_t cap = core->peer_cap == 0 ? 16 : 2 * core->peer_cap;
        struct sx_peer *peers = realloc(core->peers, cap * sizeof(*peers));
        if (peers == NULL) {
            sx_halt(core, ERR_NOMEM);
            return NULL;
        }
        core->peers = peers;
        core->peer_cap = cap;
    }
    return &core->peers[core->peer_count++];
}

/* ---- proving ---- */

/* Not before we have listened long enough to know that nobody else says it. */
static bool may_claim(const struct sx *core)
{
    return core->signer != NULL && !core->twin && !core->replaying &&
           !pubkey_is_zero(&core->link_key) &&
           core->mono_ms >= core->listen_until_ms;
}

/* Said with every status, since messages may be lost; who has it ignores it. */
void sx_claim(struct sx *core, uint64_t peer)
{
    struct sx_msg msg = {.tag = SX_MSG_LINK};
    struct hash digest;
    if (!may_claim(core))
        return;
    if (!core->claimed) {
        sign_digest(HASH_TAG_LINK, chain_id(core->chain),
                    BYTES_OF(core->link_key.b), &digest);
        enum err err = core->signer->sign(core->signer->ctx, HASH_TAG_LINK,
                                          &digest, &core->claim);
        if (err != OK) {
            sx_halt(core, err);
            return;
        }
        core->claimed = true;
    }
    msg.key = core->signer->key;
    msg.sig = core->claim;
    sx_send(core, peer, &msg);
}

/* When listening ends: all that are linked already. */
void sx_claim_all(struct sx *core)
{
    if (core->claimed || !may_claim(core))
        return;
    for (uint32_t i = 0; i < core->peer_count; i++)
        sx_claim(core, core->peers[i].id);
}

/* A node has one key for all its life, so who is honest needs one look. */
void sx_on_claim(struct sx *core, struct sx_peer *peer,
                 const struct sx_msg *msg)
{
    struct hash digest;
    if (pubkey_equal(&msg->key, &peer->key))
        return; /* said before */
    if (core->mono_ms < peer->claim_ms)
        return;
    peer->claim_ms = core->mono_ms + SX_STATUS_MS;
    sign_digest(HASH_TAG_LINK, chain_id(core->chain), BYTES_OF(peer->link.b),
                &digest);
    enum err err = sign_verify(&msg->key, &digest, &msg->sig);
    if (err != OK && !SX_MUTANT(CLAIM_UNCHECKED)) {
        sx_blame(core, peer->id, err);
        return;
    }
    if (core->signer != NULL && pubkey_equal(&msg->key, &core->signer->key) &&
        !pubkey_equal(&peer->link, &core->link_key)) {
        if (!core->twin)
            sx_notice(core, SX_NOTICE_TWIN, core->me);
        core->twin = true;
        return;
    }
    peer->key = msg->key;
    peer->index = validators_find(&core->set, &peer->key);
    if (peer->index < 0)
        return;
    core->heard_ms[peer->index] = core->mono_ms;
    /* What it missed as a stranger: the certificate that a status holds. */
    sx_say_status(core, peer);
    sx_repeat_soon(core);
}

/* ---- links ---- */

void sx_on_link(struct sx *core, const struct sx_event *event)
{
    struct sx_peer *peer;
    CHECK(event->peer != 0 && sx_peer_find(core, event->peer) == NULL);
    if (core->peer_count == SX_PEERS_MAX)
        return; /* as if it were not there: the node has its own bound */
    peer = add_peer(core);
    if (peer == NULL)
        return;
    *peer = (struct sx_peer){.id = event->peer,
                             .link = event->key,
                             .key = event->key,
                             .heard_ms = core->mono_ms,
                             .budget_ms = core->mono_ms,
                             .budget = UINT64_C(16) << 20};
    peer->index = validators_find(&core->set, &peer->key);
    sx_say_status(core, peer);
    if (peer->index < 0)
        return;
    core->heard_ms[peer->index] = core->mono_ms;
    sx_repeat_soon(core);
}

void sx_on_unlink(struct sx *core, uint64_t id)
{
    struct sx_peer *peer = sx_peer_find(core, id);
    sx_pages_unlink(core, id);
    if (peer != NULL)
        *peer = core->peers[--core->peer_count];
}
