#include "tests/exhaust/town.h"

#include "base/check.h"
#include "ledger/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct town town;

bool town_honest(uint32_t party)
{
    return party != town.bounds.liar;
}

uint32_t town_party_at(uint16_t seat)
{
    for (uint32_t p = 0; p < town.bounds.n; p++)
        if (town.seats[p] == seat)
            return p;
    return NOBODY;
}

/* ---- the beginning ---- */

static void set_param(const char *name, uint64_t value)
{
    CHECK(params_set(&town.genesis.params, name, value) == OK);
}

static void make_genesis(uint32_t number)
{
    struct genesis *genesis = &town.genesis;
    genesis_init(genesis);
    CHECK(snprintf(genesis->network, sizeof(genesis->network), "town-%u",
                   number) > 0);
    genesis->test = true;
    genesis->time_ms = TOWN_T0;
    set_param("epoch_blocks", town.bounds.epoch);
    set_param("min_interval_ms", 1);
    set_param("heartbeat_ms", 0);
    set_param("delay_ms", 10000);
    set_param("block_txs", 1);
    set_param("bond_min_micro", 1);
    for (uint32_t p = 0; p < town.bounds.n; p++)
        CHECK(validators_add(&genesis->validators, &town.keys[p].signer.key,
                             1000) == OK);
    CHECK(genesis_add_account(genesis, &town.user.signer.key,
                              amount_micro(1000000000)) == OK);
    CHECK(genesis_seal(genesis) == OK);
}

static void open_chain(void)
{
    struct kind_table kinds = {NULL, 0};
    struct pool_limits limits = {0};
    CHECK(store_mem_new(&town.store) == OK);
    CHECK(chain_open(town.store, &town.genesis, &kinds, &town.chain) == OK);
    CHECK(pool_new(&limits, &town.pool) == OK);
    town.root = chain_tip(town.chain).id;
}

static void close_chain(void)
{
    pool_free(town.pool);
    chain_close(town.chain);
    store_close(town.store);
    genesis_done(&town.genesis);
}

/* In the first n views everybody leads once? */
static bool all_lead(const struct leaders *leaders)
{
    bool led[LIMIT_VALIDATORS] = {false};
    for (uint32_t v = 1; v <= town.bounds.n; v++) {
        uint16_t seat = leaders_at(leaders, v);
        if (led[seat])
            return false;
        led[seat] = true;
    }
    return true;
}

/* Who leads view 1 is party 0, and so on: the keys are dealt again. */
static void seat_parties(const struct leaders *leaders)
{
    const struct validators *set = &town.genesis.validators;
    static struct sim_key dealt[PARTIES_MAX];
    for (uint32_t p = 0; p < town.bounds.n; p++) {
        town.seats[p] = leaders_at(leaders, p + 1);
        for (uint32_t q = 0; q < town.bounds.n; q++)
            if (pubkey_equal(&town.keys[q].signer.key,
                             &set->items[town.seats[p]].key))
                dealt[p] = town.keys[q];
    }
    memcpy(town.keys, dealt, sizeof(dealt));
    for (uint32_t p = 0; p < town.bounds.n; p++)
        town.keys[p].signer.ctx = &town.keys[p];
    for (uint32_t v = 1; v <= TOWN_VIEWS; v++)
        town.leader[v] = town_party_at(leaders_at(leaders, v));
}

static void make_txs(void)
{
    for (uint32_t i = 0; i < town.bounds.txs; i++) {
        struct transfer transfer = {.to = town.keys[0].signer.key,
                                    .amount = amount_micro(5)};
        struct tx tx = {.kind = TX_TRANSFER,
                        .nonce = i,
                        .expiry_height = 1000,
                        .fee = amount_micro(20000),
                        .chain = town.genesis.chain};
        struct arena arena;
        struct buf payload;
        buf_init(&payload, 256);
        transfer_encode(&transfer, &payload);
        tx.payload = buf_bytes(&payload);
        CHECK(tx_sign(&tx, &town.user.signer) == OK);
        buf_init(&town.txs[i], 4096);
        tx_encode(&tx, &town.txs[i]);
        CHECK(payload.err == OK && town.txs[i].err == OK);
        town.tx_ids[i] = tx.id;
        arena_init(&arena, 4096);
        CHECK(tx_decode(buf_bytes(&town.txs[i]), &arena, &tx) == OK);
        CHECK(pool_add(town.pool, &tx, buf_bytes(&town.txs[i]), 0, 0, 1) == OK);
        arena_done(&arena);
        buf_done(&payload);
    }
}

void town_init(const struct bounds *bounds)
{
    struct leaders leaders;
    CHECK(bounds->n >= 1 && bounds->n <= PARTIES_MAX &&
          bounds->txs <= TOWN_TXS && bounds->views <= TOWN_VIEWS);
    memset(&town, 0, sizeof(town));
    town.bounds = *bounds;
    keys_init(false);
    for (uint32_t p = 0; p < bounds->n; p++)
        sim_key_init(&town.keys[p], 1, p);
    sim_key_init(&town.user, 1, 100);
    for (uint32_t number = 1;; number++) {
        make_genesis(number);
        open_chain();
        leaders_init(&leaders, &town.genesis.validators, &town.root);
        if (all_lead(&leaders))
            break;
        close_chain();
    }
    seat_parties(&leaders);
    town.quorum = validators_quorum(&town.genesis.validators);
    make_txs();
}

/* ---- blocks ---- */

static struct town_block *find(const struct hash *id)
{
    for (uint32_t i = 0; i < town.block_count; i++)
        if (hash_equal(&town.blocks[i].id, id))
            return &town.blocks[i];
    return NULL;
}

const struct town_block *town_block(const struct hash *id)
{
    return find(id);
}

static struct town_block *add(struct bytes bytes, struct candidate *candidate)
{
    struct town_block *block = &town.blocks[town.block_count];
    struct cursor cursor;
    struct header header;
    CHECK(town.block_count < TOWN_BLOCKS);
    cursor_init(&cursor, bytes);
    header_decode(&cursor, &header);
    CHECK(cursor.err == OK);
    header_id(&header, &block->id);
    if (find(&block->id) != NULL) {
        candidate_free(candidate);
        return find(&block->id);
    }
    block->parent = header.parent;
    block->height = header.height;
    block->epoch = header.epoch;
    block->candidate = candidate;
    buf_init(&block->bytes, LIMIT_BLOCK_BYTES);
    buf_add(&block->bytes, bytes);
    CHECK(block->bytes.err == OK);
    town.block_count++;
    return block;
}

/* What stands for a parent; false: it does not execute. */
static bool parent_of(const struct hash *id, const struct candidate **out)
{
    const struct town_block *block = find(id);
    *out = block == NULL ? NULL : block->candidate;
    return hash_equal(id, &town.root) || *out != NULL;
}

void town_learn(struct bytes bytes)
{
    const struct candidate *parent;
    struct candidate *candidate = NULL;
    struct cursor cursor;
    struct header header;
    struct hash id;
    cursor_init(&cursor, bytes);
    header_decode(&cursor, &header);
    if (cursor.err != OK)
        return;
    header_id(&header, &id);
    if (find(&id) != NULL)
        return;
    if (parent_of(&header.parent, &parent) &&
        chain_execute(town.chain, parent, bytes, false, town.pool,
                      &candidate) != OK)
        candidate = NULL;
    (void)add(bytes, candidate);
}

const struct town_block *town_make(const struct hash *parent, bool empty)
{
    const struct candidate *below;
    struct candidate *candidate;
    struct chain_drops drops;
    struct pool_limits limits = {0};
    struct pool *nothing;
    if (!parent_of(parent, &below))
        return NULL;
    CHECK(pool_new(&limits, &nothing) == OK);
    CHECK(chain_build(town.chain, below, empty ? nothing : town.pool, NULL, 0,
                      TOWN_T0 + 1000, &town.keys[town.bounds.liar].signer.key,
                      &drops, &candidate) == OK);
    free(drops.items);
    pool_free(nothing);
    return add(candidate_bytes(candidate), candidate);
}

const struct town_block *town_bend(const struct town_block *block,
                                   bool proposer)
{
    uint8_t head[HEADER_BYTES];
    struct cursor cursor;
    struct header header;
    struct buf buf;
    struct bytes bytes = buf_bytes(&block->bytes);
    cursor_init(&cursor, bytes);
    header_decode(&cursor, &header);
    if (proposer)
        header.proposer =
            town.keys[(town.bounds.liar + 1) % town.bounds.n].signer.key;
    else
        header.state_root.b[0] ^= 1;
    header_encode(&header, head);
    buf_init(&buf, LIMIT_BLOCK_BYTES);
    buf_add(&buf, BYTES_OF(head));
    buf_add(&buf,
            bytes_make(bytes.ptr + HEADER_BYTES, bytes.len - HEADER_BYTES));
    const struct town_block *bent = add(buf_bytes(&buf), NULL);
    buf_done(&buf);
    return bent;
}

bool town_is_below(const struct hash *id, const struct hash *above)
{
    const struct town_block *at = find(above);
    while (at != NULL && !hash_equal(&at->id, id))
        at = find(&at->parent);
    return at != NULL || hash_equal(id, &town.root);
}

void town_vote(uint32_t party, enum vote_kind kind, const struct proposal *on,
               struct vote *out)
{
    CHECK(vote_sign(kind, on, town.seats[party], &town.genesis.chain,
                    &town.keys[party].signer, out) == OK);
}
