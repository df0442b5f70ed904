/* A contract's life in real blocks: through the pool, executed, decided,
 * stored, indexed, proved against the genesis again. The agent owns nothing. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/chain/chain.h"
#include "tests/unit/market/world.h"

#define CAP  43050u
#define BOND 4305u
#define FEE  3000u

struct net {
    struct genesis genesis;
    struct store *store;
    struct chain *chain;
    struct pool *pool;
    uint64_t nonces[ACTORS];
    uint64_t now_ms;
    struct buf payload;
};

/* PROPOSER is the one validator; every other but the agent has money. */
static void net_init(struct net *net)
{
    static const struct kind_table kinds = {market_kinds, 6};

    memset(net, 0, sizeof(*net));
    assert_true(sodium_init() >= 0);
    assert_int_equal(market_kind_count, kinds.count);
    genesis_init(&net->genesis);
    strcpy(net->genesis.network, "unit");
    net->genesis.test = true;
    net->genesis.time_ms = T0;
    assert_int_equal(market_params_fill(&net->genesis.params), OK);
    assert_int_equal(genesis_add_validator(&net->genesis,
                                           &world_signer(PROPOSER)->key,
                                           amount_micro(1000000), NULL),
                     OK);
    for (int actor = 0; actor < ACTORS; actor++)
        if (actor != AGENT)
            assert_int_equal(
                genesis_add_account(&net->genesis,
                                    &world_signer((enum actor)actor)->key,
                                    amount_micro(WORLD_GRANT)),
                OK);
    assert_int_equal(genesis_seal(&net->genesis), OK);
    assert_int_equal(store_mem_new(&net->store), OK);
    assert_int_equal(chain_open(net->store, &net->genesis, &kinds, &net->chain),
                     OK);
    assert_int_equal(pool_new(NULL, &net->pool), OK);
    world_chain_set(chain_id(net->chain));
    net->now_ms = T0 + 10000;
    buf_init(&net->payload, LIMIT_TX_BYTES);
}

static void net_done(struct net *net)
{
    struct hash usual = world_hash(0x11);
    assert_int_equal(chain_audit_money(net->chain), OK);
    assert_int_equal(chain_audit_state(net->chain), OK);
    pool_free(net->pool);
    chain_close(net->chain);
    store_close(net->store);
    genesis_done(&net->genesis);
    buf_done(&net->payload);
    world_chain_set(&usual);
}

/* Signs what is in net->payload and sends it to the pool. */
static enum err net_send(struct net *net, uint32_t kind, enum actor sender)
{
    struct tx tx = {.chain = *chain_id(net->chain),
                    .kind = kind,
                    .nonce = net->nonces[sender],
                    .expiry_height = 1000,
                    .payload = buf_bytes(&net->payload)};
    struct account account;
    struct arena arena;
    struct buf bytes;
    enum err err;

    assert_int_equal(net->payload.err, OK);
    assert_int_equal(tx_sign(&tx, world_signer(sender)), OK);
    buf_init(&bytes, LIMIT_TX_BYTES);
    tx_encode(&tx, &bytes);
    arena_init(&arena, 1u << 16);
    assert_int_equal(tx_decode(buf_bytes(&bytes), &arena, &tx), OK);
    err = chain_check_tx(net->chain, &tx, net->now_ms);
    assert_int_equal(
        account_get(chain_head_state(net->chain), &tx.sender, &account), OK);
    if (err == OK)
        err = pool_add(net->pool, &tx, buf_bytes(&bytes), account.nonce, 0, 0);
    if (err == OK)
        net->nonces[sender]++;
    buf_done(&bytes);
    arena_done(&arena);
    buf_clear(&net->payload);
    return err;
}

static void net_decide(struct net *net, struct candidate *candidate)
{
    const struct block *block = candidate_block(candidate);
    struct chain_tip head = chain_head(net->chain);
    struct proposal on = {.epoch = block->header.epoch, .id = block->id};
    const struct candidate *run[CHAIN_RUN_MAX];
    struct store_batch *batch;
    struct vote vote;
    struct cert cert;

    on.parent_view = head.header.epoch == on.epoch ? head.view : 0;
    on.view = on.parent_view + 1;
    assert_int_equal(vote_sign(VOTE_FINALIZE, &on, 0, chain_id(net->chain),
                               world_signer(PROPOSER), &vote),
                     OK);
    cert_init(&cert, VOTE_FINALIZE, &on, 1);
    assert_int_equal(cert_add(&cert, &vote), OK);
    assert_int_equal(chain_commit(net->chain, &candidate, 1, &cert, &batch),
                     OK);
    assert_int_equal(store_commit(net->store, batch), OK);
    assert_int_equal(chain_stored(net->chain, store_batch_height(batch), run),
                     1);
    store_batch_free(batch);
}

/* One block of what waits; how many transactions it took. */
static uint32_t net_block(struct net *net)
{
    struct candidate *candidate;
    struct chain_drops drops;
    const struct block *block;

    assert_int_equal(chain_build(net->chain, NULL, net->pool, NULL, 0,
                                 net->now_ms, &world_signer(PROPOSER)->key,
                                 &drops, &candidate),
                     OK);
    free(drops.items);
    net_decide(net, candidate);
    block = candidate_block(candidate);
    for (uint32_t i = 0; i < block->tx_count; i++)
        pool_remove(net->pool, &block->txs[i].id);
    pool_sweep(net->pool);
    assert_int_equal(chain_audit_money(net->chain), OK);
    return block->tx_count;
}

static uint64_t net_balance(struct net *net, enum actor actor)
{
    struct account account;
    assert_int_equal(account_get(chain_state(net->chain),
                                 &world_signer(actor)->key, &account),
                     OK);
    return account.balance.micro;
}

static struct contract net_contract(struct net *net, const struct hash *id)
{
    struct contract c;
    struct arena arena;
    arena_init(&arena, 1u << 16);
    assert_int_equal(contract_get(chain_state(net->chain), id, &arena, &c), OK);
    arena_done(&arena);
    return c;
}

static void open_payload(struct net *net, uint32_t task, struct hash *out_id)
{
    struct request request = sample_request();
    struct approval approval = sample_approval(&request);
    struct quote quote = sample_quote(&request);
    quote.task = task;
    world_open_payload(&request, &approval, &quote, &net->payload);
    contract_id(&quote.request, quote.task, quote.attempt, out_id);
}

static void deliver_payload(struct net *net, const struct hash *id)
{
    struct contract_delivery d = {.contract = *id,
                                  .reason = END_DONE,
                                  .result = world_hash(0x41),
                                  .log = world_hash(0x42),
                                  .receipt = sample_receipt(id)};
    receipt_sign_both(&d.receipt, true);
    assert_int_equal(contract_deliver_payload(&d, &net->payload), OK);
}

static void chain_verifies(struct net *net)
{
    static const struct kind_table kinds = {market_kinds, 6};
    struct verify_report report;
    assert_int_equal(chain_verify(net->store, &net->genesis, &kinds, NULL, NULL,
                                  NULL, &report),
                     OK);
    assert_int_equal(report.height, chain_tip(net->chain).height);
}

static void a_job_is_opened_delivered_and_settled_in_three_blocks(void **state)
{
    struct tx_ref refs[8];
    struct net net;
    struct hash id;
    size_t count;

    (void)state;
    net_init(&net);
    open_payload(&net, 1, &id);
    assert_int_equal(net_send(&net, TX_CONTRACT_OPEN, AGENT), OK);
    assert_int_equal(net_block(&net), 1);
    assert_int_equal(net_contract(&net, &id).opened_at_ms, net.now_ms);
    net.now_ms += 600000;
    deliver_payload(&net, &id);
    assert_int_equal(net_send(&net, TX_CONTRACT_DELIVER, PROVIDER), OK);
    assert_int_equal(net_block(&net), 1);
    contract_settle_payload(&id, &net.payload);
    assert_int_equal(net_send(&net, TX_CONTRACT_SETTLE, AGENT), OK);
    assert_int_equal(net_block(&net), 1);
    assert_int_equal(net_contract(&net, &id).state, CONTRACT_SETTLED);
    assert_int_equal(net_balance(&net, BUYER), WORLD_GRANT - FEE - 7175);
    assert_int_equal(net_balance(&net, PAYOUT), WORLD_GRANT + 7175);
    assert_int_equal(net_balance(&net, PROVIDER), WORLD_GRANT);
    assert_int_equal(net_balance(&net, PROPOSER), WORLD_GRANT + FEE);
    assert_int_equal(net_balance(&net, AGENT), 0);
    assert_int_equal(chain_subject_txs(net.chain, &id, (struct tx_place){0},
                                       refs, 8, &count),
                     OK);
    assert_int_equal(count, 3);
    assert_int_equal(chain_account_txs(net.chain, &world_signer(PAYOUT)->key,
                                       (struct tx_place){0}, refs, 8, &count),
                     OK);
    assert_int_equal(count, 1); /* paid: the settle names it */
    chain_verifies(&net);
    net_done(&net);
}

static void one_block_may_hold_many_opens(void **state)
{
    struct net net;
    struct hash ids[4];

    (void)state;
    net_init(&net);
    for (uint32_t task = 0; task < 4; task++) {
        open_payload(&net, task, &ids[task]);
        assert_int_equal(net_send(&net, TX_CONTRACT_OPEN, AGENT), OK);
    }
    assert_int_equal(net_block(&net), 4);
    for (uint32_t task = 0; task < 4; task++)
        assert_int_equal(net_contract(&net, &ids[task]).state,
                         CONTRACT_ESCROWED);
    assert_int_equal(net_balance(&net, BUYER), WORLD_GRANT - 4 * (CAP + FEE));
    assert_int_equal(net_balance(&net, PROVIDER), WORLD_GRANT - 4 * BOND);
    chain_verifies(&net);
    net_done(&net);
}

static void a_refused_contract_leaves_no_trace_in_a_block(void **state)
{
    struct net net;
    struct hash id;

    (void)state;
    net_init(&net);
    open_payload(&net, 0, &id);
    assert_int_equal(net_send(&net, TX_CONTRACT_OPEN, AGENT), OK);
    assert_int_equal(net_block(&net), 1);
    open_payload(&net, 0, &id);
    assert_int_equal(net_send(&net, TX_CONTRACT_OPEN, AGENT), ERR_EXISTS);
    contract_settle_payload(&id, &net.payload);
    assert_int_equal(net_send(&net, TX_CONTRACT_SETTLE, AGENT), ERR_STATE);
    contract_expire_payload(&id, NULL, &net.payload);
    assert_int_equal(net_send(&net, TX_CONTRACT_EXPIRE, AGENT), ERR_TOO_EARLY);
    assert_int_equal(net_block(&net), 0);
    chain_verifies(&net);
    net_done(&net);
}

/* The same open sent by two who may send it: the first in the block counts, the
 * second is left out of it, and the block is good. */
static void of_two_equal_opens_one_enters_the_block(void **state)
{
    struct net net;
    struct hash id;

    (void)state;
    net_init(&net);
    open_payload(&net, 2, &id);
    assert_int_equal(net_send(&net, TX_CONTRACT_OPEN, AGENT), OK);
    open_payload(&net, 2, &id);
    assert_int_equal(net_send(&net, TX_CONTRACT_OPEN, BUYER), OK);
    assert_int_equal(net_block(&net), 1);
    assert_int_equal(net_balance(&net, BUYER), WORLD_GRANT - CAP - FEE);
    chain_verifies(&net);
    net_done(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_is_opened_delivered_and_settled_in_three_blocks),
        cmocka_unit_test(one_block_may_hold_many_opens),
        cmocka_unit_test(a_refused_contract_leaves_no_trace_in_a_block),
        cmocka_unit_test(of_two_equal_opens_one_enters_the_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
