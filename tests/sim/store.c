/* Blobs: who has them, who may read them, and how they come over. */

#include "tests/sim/world.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define BLOB_BYTES UINT64_C(100000)

bool store_has(const struct sim_node *node, const struct hash *id)
{
    for (size_t i = 0; i < node->blobs.pin_count; i++)
        if (hash_equal(&node->blobs.pins[i].id, id))
            return true;
    return false;
}

void store_pin(struct sim_node *node, const struct hash *id,
               const struct hash *subject, bool kept)
{
    struct store_of_blobs *blobs = &node->blobs;
    for (size_t i = 0; i < blobs->pin_count; i++)
        if (hash_equal(&blobs->pins[i].id, id) &&
            hash_equal(&blobs->pins[i].subject, subject) &&
            blobs->pins[i].kept == kept)
            return;
    blobs->pins = world_room(blobs->pins, sizeof(*blobs->pins),
                             blobs->pin_count, &blobs->pin_cap);
    blobs->pins[blobs->pin_count++] = (struct pin){*id, *subject, kept};
}

void store_unpin(struct sim_node *node, const struct hash *subject)
{
    struct store_of_blobs *blobs = &node->blobs;
    size_t kept = 0;
    for (size_t i = 0; i < blobs->pin_count; i++)
        if (blobs->pins[i].kept ||
            !hash_equal(&blobs->pins[i].subject, subject))
            blobs->pins[kept++] = blobs->pins[i];
    blobs->pin_count = kept;
    kept = 0;
    for (size_t i = 0; i < blobs->share_count; i++)
        if (!hash_equal(&blobs->shares[i].subject, subject))
            blobs->shares[kept++] = blobs->shares[i];
    blobs->share_count = kept;
}

void store_share(struct world *world, struct sim_node *node,
                 const struct trade_effect *effect)
{
    struct store_of_blobs *blobs = &node->blobs;
    if (!store_has(node, &effect->id)) {
        world_say(world, "node %u: shares a blob it does not have",
                  node->index);
        return;
    }
    store_pin(node, &effect->id, &effect->subject, false);
    for (size_t i = 0; i < blobs->share_count; i++)
        if (hash_equal(&blobs->shares[i].subject, &effect->subject) &&
            pubkey_equal(&blobs->shares[i].peer, &effect->peer))
            return;
    blobs->shares = world_room(blobs->shares, sizeof(*blobs->shares),
                               blobs->share_count, &blobs->share_cap);
    blobs->shares[blobs->share_count++] =
        (struct share){effect->subject, effect->peer};
}

/* May the peer read it: is it pinned under a subject that is shared with it? */
static bool may_read(const struct sim_node *node, const struct hash *id,
                     const struct pubkey *peer)
{
    const struct store_of_blobs *blobs = &node->blobs;
    for (size_t i = 0; i < blobs->pin_count; i++) {
        if (!hash_equal(&blobs->pins[i].id, id))
            continue;
        for (size_t k = 0; k < blobs->share_count; k++)
            if (hash_equal(&blobs->shares[k].subject,
                           &blobs->pins[i].subject) &&
                pubkey_equal(&blobs->shares[k].peer, peer))
                return true;
    }
    return false;
}

static enum err transfer(struct world *world, const struct sim_node *node,
                         const struct about *about)
{
    const struct sim_node *from = &world->nodes[about->other];
    if (store_has(node, &about->id))
        return OK;
    if (!net_reachable(world, node->index, from->index))
        return ERR_NET;
    if (!world->healed && dice_chance(&world->dice, world->plan.fetch_permille))
        return ERR_TIMEOUT;
    return may_read(from, &about->id, &node->key.signer.key) ? OK
                                                             : ERR_NOT_FOUND;
}

static void on_fetched(struct world *world, const struct about *about)
{
    struct sim_node *node = node_living(world, about);
    struct trade_event event = {
        .kind = TRADE_FETCHED, .id = about->id, .subject = about->subject};
    if (node == NULL)
        return;
    event.err = transfer(world, node, about);
    if (event.err == OK)
        store_pin(node, &about->id, &about->subject, about->code != 0);
    world_trace(world, 5, node->index, event.err);
    node_event(world, node, &event);
}

static void on_progress(struct world *world, const struct about *about)
{
    struct sim_node *node = node_living(world, about);
    struct trade_event event = {.kind = TRADE_FETCHING,
                                .id = about->id,
                                .subject = about->subject,
                                .done = BLOB_BYTES / 2,
                                .total = BLOB_BYTES};
    if (node != NULL)
        node_event(world, node, &event);
}

void store_fetch(struct world *world, struct sim_node *node,
                 const struct trade_effect *effect)
{
    const struct sim_node *from = world_node_of(world, &effect->peer);
    struct about about = {.node = node->index,
                          .life = node->life,
                          .id = effect->id,
                          .subject = effect->subject};
    uint64_t takes_ms = dice_between(&world->dice, 2, 3000);
    if (from == NULL)
        judge_fails(world, "node %u fetches from nobody", node->index);
    about.other = from->index;
    /* Both ends in one process: what a buyer fetches it keeps. */
    about.code =
        node->buy != NULL &&
                chain_contract(world, &effect->subject, node->height) != NULL &&
                pubkey_equal(
                    &chain_contract(world, &effect->subject, node->height)
                         ->agent,
                    &node->key.signer.key)
            ? 1
            : 0;
    if (dice_chance(&world->dice, 300))
        world_after(world, takes_ms / 2, on_progress, &about);
    world_after(world, takes_ms, on_fetched, &about);
}
