/* A node of a few rooms whose chain has one validator, itself: what is
 * submitted is final some turns of the loop later. */
#ifndef TESTS_UNIT_NODE_CHAIN_RIG_H
#define TESTS_UNIT_NODE_CHAIN_RIG_H

#include "tests/unit/node/rpc_rig.h"

#include "ledger/transfer.h"

/* That a test makes at most, of epochs of three. */
#define CHAIN_RIG_BLOCKS 8u

static struct chain_rig {
    struct rig *rig;
    unsigned finals;
    struct hash tx_ids[CHAIN_RIG_BLOCKS]; /* the first of block i + 1 */
} chain_rig;

static inline void chain_rig_final(void *ctx, const struct candidate *candidate)
{
    const struct block *block = candidate_block(candidate);
    (void)ctx;
    assert_true(chain_rig.finals < CHAIN_RIG_BLOCKS && block->tx_count > 0);
    chain_rig.tx_ids[chain_rig.finals++] = block->txs[0].id;
}

static inline void chain_rig_refusal(void *ctx, const struct hash *id,
                                     uint64_t token, enum err err,
                                     uint64_t height)
{
    (void)ctx;
    (void)id;
    (void)token;
    (void)height;
    fail_msg("refused: %s", err_name(err));
}

static inline void chain_rig_relay(void *ctx, uint64_t token, bool first,
                                   struct bytes tx)
{
    (void)ctx;
    (void)token;
    (void)first;
    (void)tx;
}

static inline void chain_rig_notice(void *ctx, enum sx_notice notice,
                                    uint16_t index)
{
    (void)ctx;
    (void)notice;
    (void)index;
}

static inline void chain_rig_halt(void *ctx, enum err err)
{
    (void)ctx;
    fail_msg("halted: %s", err_name(err));
}

static inline void chain_rig_genesis(struct rig *rig)
{
    struct genesis *genesis = &rig->node.genesis;
    genesis_init(genesis);
    strcpy(genesis->network, "unit");
    genesis->test = true;
    genesis->time_ms = 1;
    assert_int_equal(params_set(&genesis->params, "epoch_blocks", 3), OK);
    assert_int_equal(genesis_add_validator(genesis, &rig->node.vote_signer.key,
                                           amount_micro(5000000), NULL),
                     OK);
    assert_int_equal(
        genesis_add_account(genesis, &rig->node.self, amount_micro(9000000)),
        OK);
    assert_int_equal(genesis_seal(genesis), OK);
}

/* A payment of the node's own account. */
static inline void chain_rig_submit(uint64_t nonce)
{
    struct node *node = &chain_rig.rig->node;
    struct transfer transfer = {.to = node->vote_signer.key,
                                .amount = amount_micro(100)};
    struct tx tx = {.chain = node->genesis.chain,
                    .kind = TX_TRANSFER,
                    .nonce = nonce,
                    .expiry_height = 1000,
                    .fee = amount_micro(10000)};
    struct buf payload;
    struct buf bytes;
    buf_init(&payload, LIMIT_TX_BYTES);
    buf_init(&bytes, LIMIT_TX_BYTES);
    transfer_encode(&transfer, &payload);
    tx.payload = buf_bytes(&payload);
    assert_int_equal(tx_sign(&tx, &node->signer), OK);
    tx_encode(&tx, &bytes);
    assert_int_equal(chain_host_submit(node->host, buf_bytes(&bytes), 1), OK);
    buf_done(&payload);
    buf_done(&bytes);
}

/* Until so many blocks are final and so many transactions wait. */
static inline void chain_rig_until(unsigned blocks, uint32_t waiting)
{
    struct node *node = &chain_rig.rig->node;
    const struct pool *pool = sx_pool(chain_host_core(node->host));
    for (unsigned turns = 0;
         chain_rig.finals < blocks || pool_count(pool) != waiting; turns++) {
        assert_true(turns < 100000);
        uv_run(node->loop, UV_RUN_ONCE);
    }
}

/* kinds: beside the ledger's own. events: NULL: the rig's. */
static inline struct rig *chain_rig_open_with(
    const struct kind_table *kinds, const struct chain_host_events *events)
{
    uint8_t seed[32] = {1};
    char path[128];
    char log[128];
    struct rig *rig = rig_open();
    chain_rig = (struct chain_rig){.rig = rig};
    struct node *node = &rig->node;
    assert_int_equal(key_from_seed(&purpose_validator, seed, &node->vote_key),
                     OK);
    node->vote_signer = key_signer(node->vote_key);
    chain_rig_genesis(rig);
    rig_path(rig, "chain", path);
    rig_path(rig, "log", log);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(mkdir(log, 0700), 0);
    struct wal_owner owner = {.chain = node->genesis.chain,
                              .key = node->vote_signer.key};
    assert_int_equal(sx_make_log(log, &owner), OK);
    struct chain_host_options options = {
        .loop = node->loop,
        .dir = path,
        .log_dir = log,
        .genesis = &node->genesis,
        .kinds = kinds,
        .signer = &node->vote_signer,
        .link_key = node->self,
        .events = {.ctx = node,
                   .on_final = chain_rig_final,
                   .on_refused = chain_rig_refusal,
                   .on_relay = chain_rig_relay,
                   .on_notice = chain_rig_notice,
                   .on_halt = chain_rig_halt}};
    if (events != NULL)
        options.events = *events;
    options.events.ctx = node;
    assert_int_equal(chain_host_open(&options, &node->host), OK);
    return rig;
}

static inline struct rig *chain_rig_open(void)
{
    return chain_rig_open_with(&(struct kind_table){0}, NULL);
}

static inline void chain_rig_close(void)
{
    struct node *node = &chain_rig.rig->node;
    chain_host_close(node->host);
    key_free(node->vote_key);
    node->vote_key = NULL;
    genesis_done(&node->genesis);
    rig_close(chain_rig.rig);
}

static inline int chain_rig_set_up(void **state)
{
    (void)state;
    chain_rig_open();
    return 0;
}

static inline int chain_rig_tear_down(void **state)
{
    (void)state;
    chain_rig_close();
    return 0;
}

#endif
