/* People who pay each other, at any machine that will listen, again and again
 * until it is final. */

#include "tests/sim/consensus/world.h"

#include "base/check.h"
#include "ledger/transfer.h"

#include <stdlib.h>
#include <string.h>

#define GRANT    UINT64_C(1000000000)
#define OPEN_MAX 8u
#define RETRY_US (6 * SECOND) /* on average */
#define PATIENCE 3u           /* refusals before something else is wished */

void people_genesis(struct world *world, struct genesis *genesis)
{
    for (uint32_t i = 0; i < world->plan.clients; i++) {
        sim_key_init(&world->clients[i].key, world->plan.seed, 500 + i);
        CHECK(genesis_add_account(genesis, &world->clients[i].key.signer.key,
                                  amount_micro(GRANT)) == OK);
    }
    for (uint32_t i = 0; i < world->plan.accounts; i++) {
        struct pubkey key;
        struct dice dice;
        dice_init(&dice, world->plan.seed + (uint64_t)i * 7919);
        dice_fill(&dice, key.b, sizeof(key.b));
        CHECK(genesis_add_account(genesis, &key, amount_micro(1)) == OK);
    }
}

static uint64_t some_time(struct world *world, uint64_t mean_us)
{
    return dice_between(&world->dice, mean_us / 4, mean_us * 7 / 4);
}

void people_init(struct world *world)
{
    for (uint32_t i = 0; i < world->plan.clients; i++) {
        struct entry entry = {.kind = ENTRY_CLIENT, .node = i};
        world_add(world, some_time(world, world->plan.client_us), &entry);
    }
}

uint64_t people_rounds_us(const struct world *world, uint64_t block_us)
{
    uint64_t room = world->plan.pool_txs;
    if (room == 0)
        return 0;
    return OPEN_MAX * (RETRY_US * 7 / 4) +
           2 * (people_open(world) / room + 1) * block_us;
}

void people_done(struct world *world)
{
    for (size_t i = 0; i < world->tx_count; i++)
        letter_drop(world->txs[i].letter);
    free(world->txs);
    free(world->tx_map);
}

/* ---- by id ---- */

static void map_put(struct world *world, const struct hash *id, uint32_t number)
{
    size_t at = u64le_get(id->b) % world->tx_map_cap;
    while (world->tx_map[at] != 0)
        at = (at + 1) % world->tx_map_cap;
    world->tx_map[at] = number + 1;
}

static void map_grow(struct world *world)
{
    if (2 * (world->tx_count + 1) < world->tx_map_cap)
        return;
    free(world->tx_map);
    world->tx_map_cap = world->tx_map_cap == 0 ? 256 : 2 * world->tx_map_cap;
    world->tx_map = calloc(world->tx_map_cap, sizeof(*world->tx_map));
    CHECK(world->tx_map != NULL);
    for (size_t i = 0; i < world->tx_count; i++)
        map_put(world, &world->txs[i].id, (uint32_t)i);
}

struct sim_tx *people_find(struct world *world, const struct hash *id)
{
    if (world->tx_map_cap == 0)
        return NULL;
    size_t at = u64le_get(id->b) % world->tx_map_cap;
    for (; world->tx_map[at] != 0; at = (at + 1) % world->tx_map_cap)
        if (hash_equal(&world->txs[world->tx_map[at] - 1].id, id))
            return &world->txs[world->tx_map[at] - 1];
    return NULL;
}

/* ---- making them ---- */

static uint64_t draw_expiry(struct world *world)
{
    uint64_t height = world->final_count - 1;
    if (world->healed || !dice_chance(&world->dice, world->plan.short_permille))
        return height + 1000000;
    return height + dice_between(&world->dice, 1, 30);
}

static void put_transfer(struct world *world, struct buf *out)
{
    uint32_t to = (uint32_t)dice_below(&world->dice, world->plan.clients);
    struct transfer transfer = {.to = world->clients[to].key.signer.key};
    transfer.amount = amount_micro(dice_between(&world->dice, 1, 1000));
    transfer_encode(&transfer, out);
}

/* Is the money for a newcomer's bond this time? */
static bool stakes(struct world *world, uint32_t client)
{
    return client < world->plan.newcomers && !world->healed &&
           dice_chance(&world->dice, 200);
}

static void sign_payload(struct world *world, const struct client *from,
                         struct tx *tx, const struct buf *payload,
                         struct buf *out)
{
    tx->fee = amount_micro(20000);
    tx->chain = world->genesis.chain;
    tx->payload = buf_bytes(payload);
    CHECK(payload->err == OK && tx_sign(tx, &from->key.signer) == OK);
    tx_encode(tx, out);
    CHECK(out->err == OK);
}

static void sign_transfer(struct world *world, const struct client *from,
                          uint64_t nonce, uint64_t expiry, struct buf *out,
                          struct hash *out_id)
{
    struct tx tx = {
        .kind = TX_TRANSFER, .nonce = nonce, .expiry_height = expiry};
    struct buf payload;
    buf_init(&payload, 256);
    put_transfer(world, &payload);
    sign_payload(world, from, &tx, &payload, out);
    *out_id = tx.id;
    buf_done(&payload);
}

static void sign_wish(struct world *world, struct sim_tx *wish, struct buf *out)
{
    const struct client *from = &world->clients[wish->client];
    struct tx tx = {.kind = TX_TRANSFER, .nonce = wish->nonce};
    struct buf payload;
    buf_init(&payload, 512);
    if (!stakes(world, wish->client) ||
        !stake_payload(world, wish->client, &tx.kind, &payload))
        put_transfer(world, &payload);
    /* May be refused in the end: then it must not block the next. */
    if (tx.kind == TX_VALIDATOR_UNBOND)
        wish->expiry = world->final_count + 20;
    wish->kind = tx.kind;
    tx.expiry_height = wish->expiry;
    sign_payload(world, from, &tx, &payload, out);
    wish->id = tx.id;
    buf_done(&payload);
}

static struct sim_tx *make_tx(struct world *world, uint32_t client,
                              uint64_t nonce)
{
    struct sim_tx tx = {.client = client,
                        .nonce = nonce,
                        .fate = TX_OPEN,
                        .born_us = world->now_us};
    struct buf buf;
    tx.expiry = draw_expiry(world);
    tx.place = dice_below(&world->dice, world->machine_count);
    buf_init(&buf, LIMIT_TX_BYTES);
    sign_wish(world, &tx, &buf);
    /* The same wish, signed before: it is on its way already. */
    if (people_find(world, &tx.id) != NULL) {
        buf_done(&buf);
        return NULL;
    }
    tx.letter = letter_new(buf_bytes(&buf));
    buf_done(&buf);
    map_grow(world);
    world->txs = world_room(world->txs, sizeof(*world->txs), world->tx_count,
                            &world->tx_cap);
    world->txs[world->tx_count] = tx;
    map_put(world, &tx.id, (uint32_t)world->tx_count);
    world->clients[client].open++;
    return &world->txs[world->tx_count++];
}

/* ---- handing them in ---- */

/* The one at this place, or the next that is up. */
static struct machine *somebody(struct world *world, uint64_t place)
{
    for (uint32_t i = 0; i < world->machine_count; i++) {
        struct machine *machine =
            &world->machines[(place + i) % world->machine_count];
        if (machine->up)
            return machine;
    }
    return NULL;
}

static void hand_in(struct world *world, struct letter *letter, uint64_t token,
                    uint64_t place)
{
    struct machine *machine = somebody(world, place);
    struct entry entry = {.kind = ENTRY_TX, .a = token};
    if (machine == NULL)
        return;
    entry.node = machine->index;
    entry.life = machine->life;
    entry.letter = letter_keep(letter);
    world_add(world, 1, &entry);
}

static void submit(struct world *world, struct sim_tx *tx)
{
    struct entry retry = {.kind = ENTRY_RETRY,
                          .a = (uint64_t)(tx - world->txs)};
    /* A machine has its own patience; this is the person's. */
    world_add(world, some_time(world, RETRY_US), &retry);
    /* Always to another machine. */
    hand_in(world, tx->letter, retry.a + 1, tx->place++);
}

/* Bytes that are no transaction, or one that breaks a rule. */
static void submit_bad(struct world *world)
{
    uint32_t client = (uint32_t)dice_below(&world->dice, world->plan.clients);
    struct letter *letter;
    uint64_t nonce;
    uint64_t expiry;
    struct hash id;
    struct buf buf;
    buf_init(&buf, LIMIT_TX_BYTES);
    /* Too late, whatever else is wrong with it. */
    nonce = world->clients[client].final_nonce + dice_below(&world->dice, 40);
    expiry = dice_below(&world->dice, world->final_count);
    sign_transfer(world, &world->clients[client], nonce, expiry, &buf, &id);
    if (dice_chance(&world->dice, 500)) {
        size_t at = dice_below(&world->dice, buf.len);
        buf.ptr[at] ^= (uint8_t)(1u << dice_below(&world->dice, 8));
    } else if (dice_chance(&world->dice, 300)) {
        buf.len = dice_below(&world->dice, buf.len);
    }
    letter = letter_new(buf_bytes(&buf));
    buf_done(&buf);
    if (people_find(world, &id) == NULL)
        hand_in(world, letter, 0, dice_next(&world->dice) >> 8);
    letter_drop(letter);
}

static void wish(struct world *world, uint32_t number)
{
    struct client *client = &world->clients[number];
    struct sim_tx *tx;
    if (client->open >= OPEN_MAX)
        return;
    tx = make_tx(world, number, client->next_nonce);
    if (tx == NULL)
        return;
    client->next_nonce++;
    submit(world, tx);
}

static void on_client(struct world *world, const struct entry *entry)
{
    struct entry again = *entry;
    if (!world->hushed)
        wish(world, entry->node);
    if (!world->hushed && !world->healed &&
        dice_chance(&world->dice, world->plan.bad_permille))
        submit_bad(world);
    world_add(world, some_time(world, world->plan.client_us), &again);
}

void people_wish(struct world *world)
{
    for (uint32_t i = 0; i < world->plan.clients; i++)
        wish(world, i);
}

void people_entry(struct world *world, const struct entry *entry)
{
    if (entry->kind == ENTRY_CLIENT) {
        on_client(world, entry);
        return;
    }
    CHECK(entry->kind == ENTRY_RETRY && entry->a < world->tx_count);
    if (world->txs[entry->a].fate == TX_OPEN)
        submit(world, &world->txs[entry->a]);
}

/* ---- what became of them ---- */

/* An unbonding may be more than there is, or than may leave now. All that comes
 * after it waits for its number, so that its owner pays somebody instead. */
void people_refused(struct world *world, struct sim_tx *tx, enum err err)
{
    size_t number = (size_t)(tx - world->txs);
    struct client *client = &world->clients[tx->client];
    struct sim_tx *instead;
    if (tx->fate != TX_OPEN || tx->kind != TX_VALIDATOR_UNBOND ||
        err == ERR_EXISTS || ++tx->refusals < PATIENCE)
        return;
    instead = make_tx(world, tx->client, tx->nonce);
    if (instead == NULL)
        return;
    tell(world, "transaction %zu instead of %zu", world->tx_count - 1, number);
    world->txs[number].fate = TX_REPLACED;
    client->replaced++;
    client->open--; /* one number, two transactions */
    submit(world, instead);
}

/* One of those with this number is final: the others never will be. */
static void bury_rivals(struct world *world, const struct sim_tx *tx)
{
    struct client *client = &world->clients[tx->client];
    for (size_t i = 0; i < world->tx_count && client->replaced > 0; i++) {
        struct sim_tx *other = &world->txs[i];
        if (other == tx || other->client != tx->client ||
            other->nonce != tx->nonce ||
            (other->fate != TX_OPEN && other->fate != TX_REPLACED))
            continue;
        client->replaced -= other->fate == TX_REPLACED ? 1 : 0;
        other->fate = TX_DEAD;
    }
}

void people_final(struct world *world, const struct hash *id, uint64_t height)
{
    struct sim_tx *tx = people_find(world, id);
    struct client *client;
    if (tx == NULL)
        return; /* a dishonest one's, or one that was damaged into another */
    client = &world->clients[tx->client];
    if (world->plan.overload && (tx->fate == TX_FINAL || tx->fate == TX_DEAD ||
                                 tx->nonce != client->final_nonce))
        return; /* on another fork than what was final before */
    if (tx->fate == TX_FINAL)
        judge_fails(world, "transaction %zu is final twice, at %llu and %llu",
                    (size_t)(tx - world->txs), (unsigned long long)tx->height,
                    (unsigned long long)height);
    if (tx->fate == TX_DEAD)
        judge_fails(world, "transaction %zu is final at %llu and had expired",
                    (size_t)(tx - world->txs), (unsigned long long)height);
    if (tx->nonce != client->final_nonce)
        judge_fails(world, "client %u: number %llu is final before %llu",
                    tx->client, (unsigned long long)tx->nonce,
                    (unsigned long long)client->final_nonce);
    client->final_nonce++;
    client->open--;
    bury_rivals(world, tx);
    client->replaced -= tx->fate == TX_REPLACED ? 1 : 0;
    tx->fate = TX_FINAL;
    tx->height = height;
    world->txs_final++;
}

void people_height(struct world *world, uint64_t height)
{
    size_t count = world->tx_count;
    for (size_t i = 0; i < count; i++) {
        struct sim_tx *tx = &world->txs[i];
        struct sim_tx *instead;
        if ((tx->fate != TX_OPEN && tx->fate != TX_REPLACED) ||
            tx->expiry >= height + 1)
            continue;
        if (tx->fate == TX_REPLACED) {
            world->clients[tx->client].replaced--;
            tx->fate = TX_DEAD;
            continue;
        }
        tx->fate = TX_DEAD;
        world->clients[tx->client].open--;
        /* Its number has to be filled. */
        instead = make_tx(world, tx->client, world->txs[i].nonce);
        if (instead != NULL)
            submit(world, instead);
    }
}

uint64_t people_open(const struct world *world)
{
    uint64_t open = 0;
    for (uint32_t i = 0; i < world->plan.clients; i++)
        open += world->clients[i].open;
    return open;
}
