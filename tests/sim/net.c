/* Links between nodes, messages on them, and offers. */

#include "tests/sim/world.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OFFER_MS     UINT64_C(4000)
#define OFFER_TTL_MS UINT64_C(30000)

static struct link *link_of(struct world *world, uint32_t a, uint32_t b)
{
    CHECK(a != b);
    return a < b ? &world->links[a][b] : &world->links[b][a];
}

bool net_reachable(const struct world *world, uint32_t a, uint32_t b)
{
    const struct link *link = a < b ? &world->links[a][b] : &world->links[b][a];
    return a != b && world->nodes[a].up && world->nodes[b].up && !link->cut;
}

/* ---- messages ---- */

static void on_message(struct world *world, const struct about *about)
{
    struct sim_node *to = &world->nodes[about->other];
    struct link *link = link_of(world, about->node, about->other);
    struct trade_event event = {
        .kind = TRADE_MESSAGE,
        .peer = world->nodes[about->node].key.signer.key,
        .message = about->bytes,
    };
    if (!link->up || link->id != about->code)
        return; /* of a connection that is gone */
    world_trace(world, 3, about->node << 8 | about->other, about->bytes.len);
    node_event(world, to, &event);
}

/* Somebody says what somebody said, damaged or not. A connection has proved who
 * its peer is, so the meddler speaks in its own name. */
static void on_meddled(struct world *world, const struct about *about)
{
    struct sim_node *to = &world->nodes[about->other];
    struct trade_event event = {
        .kind = TRADE_MESSAGE,
        .peer = world->nodes[about->node].key.signer.key,
        .message = about->bytes,
    };
    world_trace(world, 6, about->node << 8 | about->other, about->bytes.len);
    node_event(world, to, &event);
}

static void meddle(struct world *world, struct bytes message)
{
    struct dice *dice = &world->dice;
    struct overheard *slot =
        &world->overheard[world->overheard_count++ % WORLD_OVERHEARD];
    const struct overheard *old =
        &world->overheard[dice_below(dice, WORLD_OVERHEARD)];
    struct about about = {.node = (uint32_t)dice_below(dice, world->node_count),
                          .other =
                              (uint32_t)dice_below(dice, world->node_count)};
    if (old->bytes != NULL) {
        if (dice_chance(dice, 500))
            old->bytes[dice_below(dice, old->len)] ^=
                (uint8_t)(1u << dice_below(dice, 8));
        about.bytes = bytes_make(old->bytes, old->len);
        world_after(world, world_delay(world), on_meddled, &about);
    }
    free(slot->bytes);
    slot->bytes = malloc(message.len);
    CHECK(slot->bytes != NULL);
    memcpy(slot->bytes, message.ptr, message.len);
    slot->len = message.len;
}

void net_done(struct world *world)
{
    for (size_t i = 0; i < WORLD_OVERHEARD; i++)
        free(world->overheard[i].bytes);
}

void net_send(struct world *world, struct sim_node *from,
              const struct pubkey *to, struct bytes message)
{
    const struct sim_plan *plan = &world->plan;
    struct sim_node *node = world_node_of(world, to);
    struct about about = {.node = from->index, .bytes = message};
    struct link *link;
    uint64_t delay_ms = world_delay(world);
    uint64_t *clear;
    judge_message(world, from, message);
    if (!world->healed && dice_chance(&world->dice, plan->meddle_permille))
        meddle(world, message);
    if (node == NULL || node == from)
        return;
    link = link_of(world, from->index, node->index);
    if (!link->up)
        return;
    about.other = node->index;
    about.code = link->id;
    clear = &link->clear_ms[from->index < node->index ? 0 : 1];
    if (plan->in_order || world->healed) {
        if (*clear > world->now_ms + delay_ms)
            delay_ms = *clear - world->now_ms;
        *clear = world->now_ms + delay_ms;
    }
    if (!world->healed && dice_chance(&world->dice, plan->loss_permille))
        return;
    world_after(world, delay_ms, on_message, &about);
    if (!world->healed && dice_chance(&world->dice, plan->copy_permille))
        world_after(world, world_delay(world) * 3, on_message, &about);
}

/* ---- connections ---- */

static void tell(struct world *world, uint32_t a, uint32_t b,
                 enum trade_event_kind kind)
{
    struct trade_event event = {.kind = kind,
                                .peer = world->nodes[b].key.signer.key};
    node_event(world, &world->nodes[a], &event);
}

static void on_dialled(struct world *world, const struct about *about)
{
    struct link *link = link_of(world, about->node, about->other);
    struct sim_node *from = &world->nodes[about->node];
    link->dialling = false;
    if (link->up)
        return;
    if (!net_reachable(world, about->node, about->other)) {
        if (from->up && from->buy != NULL)
            book_unreachable_set(
                buy_book(from->buy), &world->nodes[about->other].key.signer.key,
                node_now(world, from) + 5000, node_now(world, from));
        return;
    }
    link->up = true;
    link->id++;
    link->clear_ms[0] = link->clear_ms[1] = world->now_ms;
    world_trace(world, 4, about->node, about->other);
    tell(world, about->node, about->other, TRADE_PEER_UP);
    if (link->up)
        tell(world, about->other, about->node, TRADE_PEER_UP);
}

void net_dial(struct world *world, struct sim_node *from,
              const struct pubkey *to)
{
    struct sim_node *node = world_node_of(world, to);
    struct about about = {.node = from->index};
    struct link *link;
    if (node == NULL || node == from)
        return;
    link = link_of(world, from->index, node->index);
    if (link->up || link->dialling)
        return;
    link->dialling = true;
    about.other = node->index;
    world_after(world, world_delay(world) + 5, on_dialled, &about);
}

static void on_broken(struct world *world, const struct about *about)
{
    if (!link_of(world, about->node, about->other)->up)
        tell(world, about->node, about->other, TRADE_PEER_DOWN);
}

void net_break(struct world *world, uint32_t a, uint32_t b)
{
    struct link *link = link_of(world, a, b);
    struct about about = {.node = a, .other = b};
    if (!link->up)
        return;
    link->up = false;
    world_after(world, world_delay(world), on_broken, &about);
    about = (struct about){.node = b, .other = a};
    world_after(world, world_delay(world), on_broken, &about);
}

void net_break_all(struct world *world, uint32_t a)
{
    for (uint32_t b = 0; b < world->node_count; b++)
        if (b != a)
            net_break(world, a, b);
}

/* ---- offers ---- */

static void on_offer(struct world *world, const struct about *about)
{
    struct sim_node *to = &world->nodes[about->other];
    struct trade_event event = {
        .kind = TRADE_OFFER, .peer = world->nodes[about->node].key.signer.key};
    struct offer offer;
    struct arena arena;
    enum err err;
    if (!net_reachable(world, about->node, about->other) || to->buy == NULL)
        return;
    arena_init(&arena, 1u << 16);
    err = offer_decode(about->bytes, &arena, &offer);
    arena_done(&arena);
    CHECK(err == OK);
    CHECK(offer_verify(&offer, &world->validator.genesis.chain) == OK);
    err = book_offer_put(buy_book(to->buy), &offer, node_now(world, to),
                         node_now(world, to));
    if (err == OK)
        node_event(world, to, &event);
}

static void make_offer(const struct world *world, const struct sim_node *node,
                       struct offer *out)
{
    struct sell_capacity capacity;
    sell_capacity(node->sell, &capacity);
    *out = (struct offer){
        .version = node_now(world, node),
        .issued_at_ms = node_now(world, node),
        .ttl_ms = OFFER_TTL_MS,
        .arch = node->sell_config.arch,
        .total = capacity.total,
        .free = capacity.free,
        .slots_free = capacity.slots_free,
        .time_ms_max = node->sell_config.time_ms_max,
        .price = node->sell_config.price,
        .grade = node->sell_config.grade,
    };
    sell_queue(node->sell, node_now(world, node), &out->queue);
    snprintf(out->address, sizeof(out->address), "%s", node->address);
    snprintf(out->bulk_address, sizeof(out->bulk_address), "%s", node->address);
    snprintf(out->name, sizeof(out->name), "seller %u", node->index);
    CHECK(offer_sign(out, &world->validator.genesis.chain, &node->key.signer) ==
          OK);
}

static void on_offer_time(struct world *world, const struct about *about)
{
    struct sim_node *node = &world->nodes[about->node];
    struct buf bytes;
    struct offer offer;
    world_after(world, OFFER_MS, on_offer_time, about);
    if (!node->up || !node->selling || node->sell == NULL)
        return;
    make_offer(world, node, &offer);
    buf_init(&bytes, OFFER_BYTES_MAX);
    CHECK(offer_encode(&offer, &bytes) == OK);
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct about to = {
            .node = node->index, .other = i, .bytes = buf_bytes(&bytes)};
        if (i != node->index && world->nodes[i].buys)
            world_after(world, world_delay(world), on_offer, &to);
    }
    buf_done(&bytes);
}

void net_gossip(struct world *world)
{
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct about about = {.node = i};
        if (world->nodes[i].sells)
            world_after(world, dice_below(&world->dice, OFFER_MS),
                        on_offer_time, &about);
    }
}
