#include "fixture.h"

#include "kinds.h"

/* ---- a node without a world: events by hand, effects in a log ---- */

#define QUEUE 64

struct said {
    enum sx_effect_kind kind;
    struct hash id;
    uint64_t token;
    enum err err;
    uint64_t height;
    uint64_t peer;
    uint64_t at_ms;
    uint32_t tx_count; /* of SX_FINAL */
    struct buf block;
    struct buf cert;
};

struct node {
    struct store *store;
    struct chain *chain;
    struct sx *core;
    uint64_t mono_ms;
    uint64_t wall_ms;
    struct store_batch *batches[QUEUE];
    unsigned batch_count;
    struct said said[1200]; /* by the last step */
    unsigned said_count;
};

struct net {
    struct world w; /* keys and genesis; its chain is not used */
    struct node *nodes[3];
    unsigned count;
};

static void net_open(struct net *net, uint64_t heartbeat_ms,
                     uint64_t min_interval_ms)
{
    memset(net, 0, sizeof(*net));
    world_genesis(&net->w, 5);
    assert_int_equal(
        params_set(&net->w.genesis.params, "heartbeat_ms", heartbeat_ms), OK);
    assert_int_equal(
        params_set(&net->w.genesis.params, "min_interval_ms", min_interval_ms),
        OK);
    assert_int_equal(genesis_seal(&net->w.genesis), OK);
}

static struct node *net_add_on(struct net *net, struct store *store,
                               bool validator, uint64_t listen_ms)
{
    struct sx_options options = {.mono_ms = 1000, .listen_ms = listen_ms};
    struct node *node = calloc(1, sizeof(*node));
    assert_non_null(node);
    node->store = store;
    node->mono_ms = 1000;
    node->wall_ms = T0 + 1000;
    if (validator)
        options.signer = &net->w.validator.signer;
    assert_int_equal(
        chain_open(store, &net->w.genesis, &test_table, &node->chain), OK);
    assert_int_equal(sx_new(node->chain, &options, &node->core), OK);
    assert_int_equal(sx_decides(node->core), validator);
    net->nodes[net->count++] = node;
    return node;
}

static struct node *net_add(struct net *net, bool validator)
{
    struct store *store;
    assert_int_equal(store_mem_new(&store), OK);
    return net_add_on(net, store, validator, 0);
}

static void forget(struct node *node)
{
    for (unsigned i = 0; i < node->said_count; i++) {
        buf_done(&node->said[i].block);
        buf_done(&node->said[i].cert);
    }
    node->said_count = 0;
}

static void node_close(struct node *node, bool keep_store)
{
    forget(node);
    for (unsigned i = 0; i < node->batch_count; i++)
        store_batch_free(node->batches[i]);
    sx_free(node->core);
    chain_close(node->chain);
    if (!keep_store)
        store_close(node->store);
    free(node);
}

static void net_close(struct net *net)
{
    for (unsigned i = 0; i < net->count; i++)
        node_close(net->nodes[i], false);
    genesis_done(&net->w.genesis);
}

static void note(struct node *node, const struct sx_effect *effect)
{
    assert_true(node->said_count < sizeof(node->said) / sizeof(node->said[0]));
    struct said *said = &node->said[node->said_count++];
    *said = (struct said){.kind = effect->kind,
                          .id = effect->id,
                          .token = effect->token,
                          .err = effect->err,
                          .height = effect->height,
                          .peer = effect->peer,
                          .at_ms = effect->at_ms};
    buf_init(&said->block, LIMIT_BLOCK_BYTES);
    buf_init(&said->cert, CERT_BYTES_MAX);
    buf_add(&said->block, effect->block);
    buf_add(&said->cert, effect->cert);
    if (effect->kind == SX_FINAL)
        said->tx_count = candidate_block(effect->candidate)->tx_count;
    if (effect->kind == SX_STORE) {
        assert_true(node->batch_count < QUEUE);
        node->batches[node->batch_count++] = effect->batch;
    }
}

static void step(struct node *node, struct sx_event event)
{
    struct sx_effects effects;
    event.mono_ms = node->mono_ms;
    event.wall_ms = node->wall_ms;
    forget(node);
    sx_step(node->core, &event, &effects);
    for (size_t i = 0; i < effects.count; i++)
        note(node, &effects.items[i]);
}

static void pass(struct node *node, uint64_t ms)
{
    node->mono_ms += ms;
    node->wall_ms += ms;
    step(node, (struct sx_event){.kind = SX_EV_TIME});
}

static void submit(struct node *node, const struct test_tx *txs, size_t count)
{
    struct sx_tx given[600];
    assert_true(count <= 600);
    for (size_t i = 0; i < count; i++)
        given[i] = (struct sx_tx){buf_bytes(&txs[i].bytes), false, 100 + i};
    node->mono_ms += 10;
    node->wall_ms += 10;
    step(node, (struct sx_event){
                   .kind = SX_EV_SUBMIT, .txs = given, .tx_count = count});
}

/* The first batch in the queue reaches the disk. */
static void disk(struct node *node)
{
    assert_true(node->batch_count > 0);
    struct store_batch *batch = node->batches[0];
    uint64_t height = store_batch_height(batch);
    assert_int_equal(store_commit(node->store, batch), OK);
    store_batch_free(batch);
    node->batch_count--;
    memmove(&node->batches[0], &node->batches[1],
            node->batch_count * sizeof(node->batches[0]));
    node->mono_ms += 10;
    node->wall_ms += 10;
    step(node, (struct sx_event){.kind = SX_EV_STORED, .height = height});
}

static void settle(struct node *node)
{
    while (node->batch_count > 0)
        disk(node);
}

static const struct said *find(const struct node *node,
                               enum sx_effect_kind kind)
{
    for (unsigned i = 0; i < node->said_count; i++) {
        if (node->said[i].kind == kind)
            return &node->said[i];
    }
    return NULL;
}

static unsigned count_of(const struct node *node, enum sx_effect_kind kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < node->said_count; i++)
        count += node->said[i].kind == kind;
    return count;
}

static void transfer(struct net *net, struct test_tx *t, unsigned from,
                     uint64_t nonce, uint64_t micro)
{
    test_transfer(t, &net->w.genesis.chain, &net->w.users[from], nonce,
                  &net->w.users[(from + 1) % USERS].signer.key, micro);
}

static void submit_transfer(struct net *net, struct node *node, unsigned from,
                            uint64_t nonce, uint64_t micro)
{
    struct test_tx t;
    transfer(net, &t, from, nonce, micro);
    submit(node, &t, 1);
    test_tx_done(&t);
}

/* What a follower gets from a node that has the block at a height. */
static void give_block_from(struct node *to, struct node *from, uint64_t height)
{
    struct arena arena;
    struct bytes block;
    struct bytes cert;
    arena_init(&arena, 1u << 20);
    assert_int_equal(chain_block_at(from->chain, height, &arena, &block), OK);
    assert_int_equal(chain_cert_at(from->chain, height, &arena, &cert), OK);
    step(to, (struct sx_event){
                 .kind = SX_EV_BLOCK, .peer = 7, .block = block, .cert = cert});
    arena_done(&arena);
}

static void assert_same_tip(struct node *a, struct node *b)
{
    struct chain_tip x = chain_tip(a->chain);
    struct chain_tip y = chain_tip(b->chain);
    assert_int_equal(x.height, y.height);
    assert_true(hash_equal(&x.id, &y.id));
}

/* ---- deciding ---- */

static void a_tx_is_final_when_its_block_is_on_the_disk_and_not_before(
    void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    submit_transfer(&net, v, 0, 0, 5);
    assert_non_null(find(v, SX_TX_TAKEN));
    assert_int_equal(find(v, SX_TX_TAKEN)->token, 100);
    assert_int_equal(count_of(v, SX_STORE), 1);
    assert_null(find(v, SX_SEND));
    assert_null(find(v, SX_FINAL));
    assert_int_equal(chain_tip(v->chain).height, 0);
    disk(v);
    assert_int_equal(find(v, SX_FINAL)->height, 1);
    assert_int_equal(find(v, SX_FINAL)->tx_count, 1);
    assert_int_equal(find(v, SX_SEND)->height, 1);
    assert_int_equal(chain_tip(v->chain).height, 1);
    assert_int_equal(pool_count(sx_pool(v->core)), 0);
    assert_null(find(v, SX_STORE));
    assert_null(find(v, SX_WAKE));
    net_close(&net);
}

static void the_certificate_of_a_block_is_a_real_one(void **state)
{
    struct net net;
    struct cert cert;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    for (uint64_t i = 0; i < 7; i++) {
        submit_transfer(&net, v, 0, i, 5);
        disk(v);
        struct bytes bytes = buf_bytes(&find(v, SX_SEND)->cert);
        assert_int_equal(cert_decode(bytes, &cert), OK);
        assert_int_equal(cert.kind, VOTE_FINALIZE);
        /* Views count from 1 in every epoch of 5 blocks. */
        assert_int_equal(cert.on.epoch, 1 + i / 5);
        assert_int_equal(cert.on.view, 1 + i % 5);
        assert_int_equal(cert.on.parent_view, i % 5);
        assert_int_equal(
            cert_verify(&cert, &net.w.genesis.validators, &net.w.genesis.chain),
            OK);
    }
    net_close(&net);
}

static void txs_gather_while_a_block_is_being_written(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    submit_transfer(&net, v, 0, 0, 5);
    for (uint64_t i = 1; i < 5; i++) {
        submit_transfer(&net, v, 0, i, 5);
        assert_null(find(v, SX_STORE));
    }
    disk(v);
    assert_int_equal(find(v, SX_FINAL)->tx_count, 1);
    assert_int_equal(count_of(v, SX_STORE), 1);
    disk(v);
    assert_int_equal(find(v, SX_FINAL)->tx_count, 4);
    assert_int_equal(chain_tip(v->chain).height, 2);
    net_close(&net);
}

static void a_full_batch_does_not_wait_for_the_disk(void **state)
{
    static struct test_tx txs[600];
    struct net net;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    submit_transfer(&net, v, 0, 0, 5);
    for (uint64_t i = 0; i < 600; i++)
        transfer(&net, &txs[i], 1, i, 1);
    submit(v, txs, 600);
    assert_int_equal(count_of(v, SX_STORE), 1);
    assert_int_equal(v->batch_count, 2);
    assert_int_equal(chain_head(v->chain).height, 2);
    settle(v);
    assert_int_equal(chain_tip(v->chain).height, 2);
    assert_int_equal(pool_count(sx_pool(v->core)), 0);
    for (unsigned i = 0; i < 600; i++)
        test_tx_done(&txs[i]);
    net_close(&net);
}

static void an_idle_network_makes_no_blocks(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    for (int i = 0; i < 100; i++) {
        pass(v, 60000);
        assert_int_equal(v->said_count, 0);
    }
    net_close(&net);
}

static void a_heartbeat_makes_empty_blocks_when_asked_for(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 5000, 1);
    struct node *v = net_add(&net, true);
    pass(v, 4999);
    assert_int_equal(find(v, SX_WAKE)->at_ms, 6000);
    assert_null(find(v, SX_STORE));
    pass(v, 1);
    assert_int_equal(count_of(v, SX_STORE), 1);
    disk(v);
    assert_int_equal(find(v, SX_FINAL)->tx_count, 0);
    assert_int_equal(find(v, SX_WAKE)->at_ms, 11000);
    net_close(&net);
}

static void blocks_keep_their_distance(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 0, 400);
    struct node *v = net_add(&net, true);
    submit_transfer(&net, v, 0, 0, 5);
    uint64_t made = v->mono_ms;
    disk(v);
    submit_transfer(&net, v, 0, 1, 5);
    assert_null(find(v, SX_STORE));
    assert_int_equal(find(v, SX_WAKE)->at_ms, made + 400);
    pass(v, made + 400 - v->mono_ms);
    assert_int_equal(count_of(v, SX_STORE), 1);
    net_close(&net);
}

static void a_tx_behind_a_gap_makes_no_empty_blocks(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    submit_transfer(&net, v, 0, 1, 5);
    assert_non_null(find(v, SX_TX_TAKEN));
    assert_null(find(v, SX_STORE));
    pass(v, 1000);
    assert_null(find(v, SX_STORE));
    submit_transfer(&net, v, 0, 0, 5);
    disk(v);
    assert_int_equal(find(v, SX_FINAL)->tx_count, 2);
    net_close(&net);
}

/* ---- what is refused ---- */

static void assert_refused(struct node *node, enum err err, uint64_t height)
{
    const struct said *said = find(node, SX_TX_REFUSED);
    assert_non_null(said);
    assert_int_equal(said->err, err);
    assert_int_equal(said->height, height);
    assert_int_equal(said->token, 100);
}

static void a_refusal_says_why(void **state)
{
    struct net net;
    struct test_tx t;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    transfer(&net, &t, 0, 0, 5);
    t.bytes.ptr[t.bytes.len - 1] ^= 1;
    submit(v, &t, 1);
    assert_refused(v, ERR_SIGNATURE, 0);
    t.bytes.len--;
    submit(v, &t, 1);
    assert_refused(v, ERR_TRUNCATED, 0);
    assert_true(hash_is_zero(&find(v, SX_TX_REFUSED)->id));
    test_tx_done(&t);
    submit_transfer(&net, v, 0, 0, 200 * CREDITS);
    assert_refused(v, ERR_FUNDS, 0);
    submit_transfer(&net, v, 0, 100, 5);
    assert_refused(v, ERR_NONCE, 0);
    assert_int_equal(pool_count(sx_pool(v->core)), 0);
    net_close(&net);
}

static void a_second_try_is_told_that_the_first_is_final(void **state)
{
    struct net net;
    struct test_tx t;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    transfer(&net, &t, 0, 0, 5);
    submit(v, &t, 1);
    submit(v, &t, 1);
    assert_refused(v, ERR_EXISTS, 0); /* it waits */
    settle(v);
    submit(v, &t, 1);
    assert_refused(v, ERR_EXISTS, 1); /* it is in block 1 */
    test_tx_done(&t);
    submit_transfer(&net, v, 0, 0, 6); /* another of the same nonce */
    assert_refused(v, ERR_NONCE, 0);
    net_close(&net);
}

static void a_double_spend_in_one_step_pays_once(void **state)
{
    struct net net;
    struct test_tx t[2];
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    transfer(&net, &t[0], 0, 0, 60 * CREDITS);
    transfer(&net, &t[1], 0, 1, 60 * CREDITS);
    submit(v, t, 2);
    assert_int_equal(count_of(v, SX_TX_TAKEN), 2);
    /* The second was good alone; after the first there is no money left. */
    const struct said *said = find(v, SX_TX_REFUSED);
    assert_non_null(said);
    assert_int_equal(said->err, ERR_FUNDS);
    assert_int_equal(said->token, 101);
    settle(v);
    assert_int_equal(chain_tip(v->chain).height, 1);
    test_tx_done(&t[0]);
    test_tx_done(&t[1]);
    net_close(&net);
}

static void an_account_cannot_promise_more_fees_than_it_has(void **state)
{
    struct net net;
    struct test_tx t;
    unsigned taken = 0;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    for (uint64_t nonce = 1; nonce < 10; nonce++) { /* behind a gap */
        test_tx_start(&t, &net.w.genesis.chain, TX_TRANSFER, nonce);
        struct transfer pay = {.to = net.w.users[1].signer.key,
                               .amount = amount_micro(1)};
        t.tx.fee = amount_micro(30 * CREDITS);
        transfer_encode(&pay, &t.payload);
        test_tx_finish(&t, &net.w.users[0]);
        submit(v, &t, 1);
        taken += count_of(v, SX_TX_TAKEN);
        test_tx_done(&t);
    }
    assert_int_equal(taken, 3);
    net_close(&net);
}

/* ---- following ---- */

static void a_follower_stores_what_it_executed_itself(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    struct node *f = net_add(&net, false);
    for (uint64_t i = 0; i < 12; i++) {
        submit_transfer(&net, v, 0, i, 5);
        settle(v);
        give_block_from(f, v, i + 1);
        assert_null(find(f, SX_FINAL));
        disk(f);
        assert_int_equal(find(f, SX_FINAL)->height, i + 1);
        assert_int_equal(find(f, SX_SEND)->height, i + 1);
        assert_same_tip(v, f);
    }
    assert_int_equal(chain_audit_state(f->chain), OK);
    net_close(&net);
}

static void a_follower_asks_for_what_it_misses(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    struct node *f = net_add(&net, false);
    for (uint64_t i = 0; i < 40; i++) {
        submit_transfer(&net, v, 0, i, 5);
        settle(v);
    }
    give_block_from(f, v, 40);
    assert_int_equal(find(f, SX_FETCH)->height, 1);
    assert_int_equal(find(f, SX_FETCH)->peer, 7);
    uint64_t asked = 1;
    for (int rounds = 0; chain_tip(f->chain).height < 40; rounds++) {
        assert_true(rounds < 20);
        for (uint64_t h = asked; h < asked + SX_FETCH_BLOCKS && h <= 40; h++)
            give_block_from(f, v, h); /* more than may be in flight */
        uint64_t next = 0;
        while (f->batch_count > 0) {
            disk(f);
            if (find(f, SX_FETCH) != NULL)
                next = find(f, SX_FETCH)->height;
        }
        if (next == 0 && chain_tip(f->chain).height < 40) {
            pass(f, 1000);
            assert_non_null(find(f, SX_FETCH));
            next = find(f, SX_FETCH)->height;
        }
        asked = next;
    }
    assert_same_tip(v, f);
    pass(f, 10000);
    assert_null(find(f, SX_FETCH));
    net_close(&net);
}

static void an_empty_promise_is_forgotten(void **state)
{
    struct net net;
    unsigned asked = 0;
    (void)state;
    net_open(&net, 0, 1);
    struct node *f = net_add(&net, false);
    step(f, (struct sx_event){
                .kind = SX_EV_PEER, .peer = 9, .height = UINT64_MAX});
    for (int i = 0; i < 30; i++) {
        asked += count_of(f, SX_FETCH);
        pass(f, 1000);
    }
    assert_int_equal(asked, 5);
    assert_null(find(f, SX_WAKE));
    net_close(&net);
}

struct forged {
    struct buf block;
    struct buf cert;
};

/* A block of the validator's own hand: header as `change` makes it, really
 * certified. */
static void forge(struct net *net, struct node *v, struct forged *out,
                  void (*change)(struct header *header))
{
    struct candidate *candidate;
    struct chain_drops drops;
    struct cert cert;
    struct pool *pool;
    struct block block;
    assert_int_equal(pool_new(NULL, &pool), OK);
    assert_int_equal(chain_build(v->chain, NULL, pool, v->wall_ms,
                                 &net->w.validator.signer.key, &drops,
                                 &candidate),
                     OK);
    block = *candidate_block(candidate);
    change(&block.header);
    header_id(&block.header, &block.id);
    test_certify(v->chain, &net->w.validator, &block, &cert);
    buf_init(&out->block, LIMIT_BLOCK_BYTES);
    buf_init(&out->cert, CERT_BYTES_MAX);
    block_encode(&block.header, NULL, 0, &out->block);
    cert_encode(&cert, &out->cert);
    candidate_free(candidate);
    pool_free(pool);
}

static void give_forged(struct node *to, const struct forged *forged)
{
    step(to, (struct sx_event){.kind = SX_EV_BLOCK,
                               .peer = 8,
                               .block = buf_bytes(&forged->block),
                               .cert = buf_bytes(&forged->cert)});
}

static void forged_done(struct forged *forged)
{
    buf_done(&forged->block);
    buf_done(&forged->cert);
}

static void assert_blamed(struct node *node, enum err err)
{
    assert_non_null(find(node, SX_PEER_BAD));
    assert_int_equal(find(node, SX_PEER_BAD)->err, err);
    assert_int_equal(find(node, SX_PEER_BAD)->peer, 8);
    assert_null(find(node, SX_STORE));
    assert_null(find(node, SX_HALT));
}

static void change_nothing(struct header *header)
{
    (void)header;
}

static void a_peer_is_blamed_for_what_does_not_hold(void **state)
{
    struct net net;
    struct forged forged;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    struct node *f = net_add(&net, false);
    forge(&net, v, &forged, change_nothing);
    forged.block.ptr[60] ^= 1; /* another header than the certified one */
    give_forged(f, &forged);
    assert_blamed(f, ERR_QUORUM);
    forged.block.ptr[60] ^= 1;
    forged.cert.ptr[forged.cert.len - 1] ^= 1;
    give_forged(f, &forged);
    assert_blamed(f, ERR_SIGNATURE);
    forged.cert.ptr[forged.cert.len - 1] ^= 1;
    forged.block.ptr[forged.block.len - 1] = 1; /* the body is cut off */
    give_forged(f, &forged);
    assert_blamed(f, ERR_RANGE);
    forged.block.ptr[forged.block.len - 1] = 0;
    forged.block.len = 100;
    give_forged(f, &forged);
    assert_blamed(f, ERR_TRUNCATED);
    forged.block.len = HEADER_BYTES + 6;
    give_forged(f, &forged);
    assert_int_equal(count_of(f, SX_STORE), 1);
    forged_done(&forged);
    net_close(&net);
}

static void lie_about_the_state(struct header *header)
{
    header->state_root.b[0] ^= 1;
}

static void a_certified_block_that_does_not_execute_stops_the_node(void **state)
{
    struct net net;
    struct forged forged;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    struct node *f = net_add(&net, false);
    forge(&net, v, &forged, lie_about_the_state);
    give_forged(f, &forged);
    assert_non_null(find(f, SX_HALT));
    assert_int_equal(find(f, SX_HALT)->err, ERR_ROOT);
    assert_null(find(f, SX_STORE));
    pass(f, 1); /* for good */
    assert_int_equal(find(f, SX_HALT)->err, ERR_ROOT);
    forged_done(&forged);
    net_close(&net);
}

static void another_epoch(struct header *header)
{
    header->epoch++;
}

static void a_certificate_of_another_epoch_does_not_count(void **state)
{
    struct net net;
    struct forged forged;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    struct node *f = net_add(&net, false);
    forge(&net, v, &forged, another_epoch);
    give_forged(f, &forged);
    assert_blamed(f, ERR_QUORUM);
    forged_done(&forged);
    net_close(&net);
}

static void another_time(struct header *header)
{
    header->time_ms += 5;
}

static void two_certified_blocks_of_one_height_stop_the_node(void **state)
{
    struct net net;
    struct forged one;
    struct forged two;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    struct node *f = net_add(&net, false);
    forge(&net, v, &one, change_nothing);
    forge(&net, v, &two, another_time);
    give_forged(f, &one);
    disk(f);
    give_forged(f, &one); /* again: nothing happens */
    assert_int_equal(f->said_count, 0);
    two.cert.ptr[two.cert.len - 1] ^= 1;
    give_forged(f, &two); /* not certified: the peer's fault */
    assert_blamed(f, ERR_QUORUM);
    two.cert.ptr[two.cert.len - 1] ^= 1;
    give_forged(f, &two);
    assert_int_equal(find(f, SX_HALT)->err, ERR_PARENT);
    forged_done(&one);
    forged_done(&two);
    net_close(&net);
}

static void a_followers_tx_is_handed_on_until_it_is_final(void **state)
{
    struct net net;
    struct test_tx t;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    struct node *f = net_add(&net, false);
    transfer(&net, &t, 0, 0, 5);
    submit(f, &t, 1);
    assert_non_null(find(f, SX_TX_TAKEN));
    assert_true(bytes_equal(buf_bytes(&find(f, SX_TX_TAKEN)->block),
                            buf_bytes(&t.bytes)));
    assert_null(find(f, SX_STORE));
    assert_int_equal(find(f, SX_WAKE)->at_ms, f->mono_ms + 2000);
    pass(f, 2000); /* the first message was lost */
    assert_int_equal(count_of(f, SX_RELAY), 1);
    assert_true(
        bytes_equal(buf_bytes(&find(f, SX_RELAY)->block), buf_bytes(&t.bytes)));
    submit(v, &t, 1);
    settle(v);
    give_block_from(f, v, 1);
    disk(f);
    assert_int_equal(pool_count(sx_pool(f->core)), 0);
    pass(f, 2000);
    assert_null(find(f, SX_RELAY));
    test_tx_done(&t);
    net_close(&net);
}

static void a_followers_tx_that_became_impossible_is_refused(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    struct node *f = net_add(&net, false);
    submit_transfer(&net, f, 0, 0, 5);
    submit_transfer(&net, f, 1, 0, 60 * CREDITS);
    submit_transfer(&net, f, 1, 1, 60 * CREDITS);
    submit_transfer(&net, v, 0, 0, 6); /* the same nonce, elsewhere */
    settle(v);
    submit_transfer(&net, v, 1, 0, 60 * CREDITS);
    settle(v);
    give_block_from(f, v, 1);
    disk(f);
    assert_int_equal(find(f, SX_TX_REFUSED)->err, ERR_NONCE);
    give_block_from(f, v, 2);
    disk(f);
    assert_null(find(f, SX_TX_REFUSED));
    pass(f, 2000);
    assert_int_equal(find(f, SX_TX_REFUSED)->err, ERR_FUNDS);
    assert_int_equal(pool_count(sx_pool(f->core)), 0);
    net_close(&net);
}

/* ---- the validator comes back ---- */

static void a_validator_put_back_learns_what_it_signed_before_it_decides(
    void **state)
{
    struct net net;
    struct store *old;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    struct node *f = net_add(&net, false);
    for (uint64_t i = 0; i < 3; i++) {
        submit_transfer(&net, v, 0, i, 5);
        settle(v);
        give_block_from(f, v, i + 1);
        disk(f);
    }
    assert_int_equal(store_mem_new(&old), OK);
    struct node *back = net_add_on(&net, old, true, 500);
    submit_transfer(&net, back, 1, 0, 5);
    assert_null(find(back, SX_STORE));
    for (uint64_t h = 1; h <= 3; h++) {
        give_block_from(back, f, h);
        disk(back);
    }
    pass(back, 500);
    assert_int_equal(count_of(back, SX_STORE), 1);
    settle(back);
    assert_int_equal(chain_tip(back->chain).height, 4);
    give_block_from(f, back, 4);
    disk(f);
    assert_same_tip(f, back);
    net_close(&net);
}

static void a_restarted_validator_goes_on_in_the_next_view(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    submit_transfer(&net, v, 0, 0, 5);
    settle(v);
    submit_transfer(&net, v, 0, 1, 5);
    assert_int_equal(chain_head(v->chain).height, 2);
    struct store *store = v->store;
    node_close(v, true); /* before the second block was stored */
    net.count = 0;
    v = net_add_on(&net, store, true, 0);
    assert_int_equal(chain_head(v->chain).height, 1);
    submit_transfer(&net, v, 0, 1, 5);
    settle(v);
    assert_int_equal(chain_tip(v->chain).height, 2);
    assert_int_equal(chain_tip(v->chain).view, 2);
    net_close(&net);
}

/* ---- faults ---- */

static enum err sign_badly(void *ctx, const char *tag,
                           const struct hash *digest, struct signature *out)
{
    (void)tag;
    (void)digest;
    memset(out, 1, sizeof(*out));
    return *(enum err *)ctx;
}

static void a_signer_that_fails_stops_the_validator(void **state)
{
    static const enum err errs[] = {OK, ERR_LOCKED};
    static const enum err want[] = {ERR_SIGNATURE, ERR_LOCKED};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct net net;
        enum err err = errs[i];
        net_open(&net, 0, 1);
        struct node *v = net_add(&net, true);
        net.w.validator.signer.sign = sign_badly;
        net.w.validator.signer.ctx = &err;
        submit_transfer(&net, v, 0, 0, 5);
        assert_int_equal(find(v, SX_HALT)->err, want[i]);
        assert_null(find(v, SX_STORE));
        net_close(&net);
    }
}

static void one_of_several_validators_cannot_decide_alone(void **state)
{
    struct net net;
    struct store *store;
    struct chain *chain;
    struct sx *core = NULL;
    struct sx_options options = {0};
    (void)state;
    net_open(&net, 0, 1);
    assert_int_equal(validators_add(&net.w.genesis.validators,
                                    &net.w.users[0].signer.key, 1),
                     OK);
    assert_int_equal(genesis_seal(&net.w.genesis), OK);
    assert_int_equal(store_mem_new(&store), OK);
    assert_int_equal(chain_open(store, &net.w.genesis, NULL, &chain), OK);
    options.signer = &net.w.validator.signer;
    assert_int_equal(sx_new(chain, &options, &core), ERR_QUORUM);
    assert_null(core);
    options.signer = &net.w.users[3].signer; /* of no validator: follows */
    assert_int_equal(sx_new(chain, &options, &core), OK);
    assert_false(sx_decides(core));
    sx_free(core);
    chain_close(chain);
    store_close(store);
    net_close(&net);
}

static void money_made_by_a_bug_stops_the_validator(void **state)
{
    struct net net;
    struct test_tx t;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    test_kind_tx(&t, &net.w.genesis.chain, &net.w.users[0], 0, KIND_MINT,
                 net.w.users[0].signer.key.b, 5);
    submit(v, &t, 1);
    assert_int_equal(find(v, SX_HALT)->err, ERR_CONSERVATION);
    assert_null(find(v, SX_STORE));
    test_tx_done(&t);
    net_close(&net);
}

static void every_fault_of_the_store_stops_the_core_cleanly(void **state)
{
    unsigned fail_at = 1;
    bool halted = true;
    (void)state;
    for (; halted; fail_at++) {
        struct net net;
        struct faulty faulty;
        struct store *store;
        struct test_tx t[2];
        net_open(&net, 0, 1);
        assert_int_equal(store_mem_new(&store), OK);
        faulty_init(&faulty, store, ERR_IO);
        struct node *v = net_add_on(&net, &faulty.store, true, 0);
        transfer(&net, &t[0], 0, 0, 5);
        transfer(&net, &t[1], 1, 0, 5);
        faulty.calls = 0;
        faulty.fail_at = fail_at;
        submit(v, t, 2);
        faulty.fail_at = faulty.calls >= fail_at ? 0 : fail_at;
        halted = faulty.calls >= fail_at;
        /* A fault either refuses one transaction as such or stops the core. */
        for (unsigned i = 0; i < v->said_count; i++) {
            enum err err = v->said[i].err;
            assert_true(err == OK || err == ERR_IO);
        }
        if (halted)
            assert_true(find(v, SX_HALT) != NULL ||
                        count_of(v, SX_TX_REFUSED) > 0);
        else
            assert_int_equal(count_of(v, SX_STORE), 1);
        test_tx_done(&t[0]);
        test_tx_done(&t[1]);
        net_close(&net);
        store_close(store);
    }
    assert_true(fail_at > 8);
}

/* ---- all together, at random ---- */

static void random_load(struct net *net, struct node *node, uint64_t *seed,
                        uint64_t nonce[USERS])
{
    unsigned from = (unsigned)(test_random(seed) % USERS);
    struct account account;
    assert_int_equal(account_get(chain_head_state(node->chain),
                                 &net->w.users[from].signer.key, &account),
                     OK);
    if (nonce[from] < account.nonce || test_random(seed) % 8 == 0)
        nonce[from] = account.nonce;
    uint64_t amount = test_random(seed) % 5 == 0 ? 90 * CREDITS : 7;
    submit_transfer(net, node, from, nonce[from]++, amount);
}

/* A lossy, reordering line from the validator to the follower. */
static void random_traffic(struct node *from, struct node *to, uint64_t *seed)
{
    uint64_t height = chain_tip(from->chain).height;
    if (height == 0)
        return;
    switch (test_random(seed) % 4) {
    case 0:
        give_block_from(to, from, 1 + test_random(seed) % height);
        break;
    case 1:
        give_block_from(to, from, height);
        break;
    case 2:
        if (chain_head(to->chain).height < height)
            give_block_from(to, from, chain_head(to->chain).height + 1);
        break;
    default:
        pass(to, test_random(seed) % 1500);
    }
    assert_null(find(to, SX_HALT));
    assert_null(find(to, SX_PEER_BAD));
}

static void at_random_everybody_ends_with_the_same_chain(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 4; round++) {
        struct net net;
        uint64_t seed = round * 104729;
        uint64_t nonce[USERS] = {0};
        struct verify_report report;
        net_open(&net, round % 2 == 0 ? 50 : 0, 1 + round);
        struct node *v = net_add(&net, true);
        struct node *f = net_add(&net, false);
        for (int i = 0; i < 400; i++) {
            uint64_t dice = test_random(&seed) % 8;
            if (dice < 3)
                random_load(&net, v, &seed, nonce);
            else if (dice < 5 && v->batch_count > 0)
                disk(v);
            else if (dice < 6)
                pass(v, test_random(&seed) % 30);
            else if (dice < 7 && f->batch_count > 0)
                disk(f);
            else
                random_traffic(v, f, &seed);
            assert_null(find(v, SX_HALT));
        }
        settle(v);
        settle(f);
        while (chain_tip(f->chain).height < chain_tip(v->chain).height) {
            give_block_from(f, v, chain_tip(f->chain).height + 1);
            settle(f);
        }
        assert_same_tip(v, f);
        assert_true(chain_tip(v->chain).height > 10);
        assert_int_equal(chain_audit_money(f->chain), OK);
        assert_int_equal(chain_audit_state(f->chain), OK);
        assert_int_equal(chain_verify(f->store, &net.w.genesis, &test_table,
                                      NULL, NULL, NULL, &report),
                         OK);
        net_close(&net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_tx_is_final_when_its_block_is_on_the_disk_and_not_before),
        cmocka_unit_test(the_certificate_of_a_block_is_a_real_one),
        cmocka_unit_test(txs_gather_while_a_block_is_being_written),
        cmocka_unit_test(a_full_batch_does_not_wait_for_the_disk),
        cmocka_unit_test(an_idle_network_makes_no_blocks),
        cmocka_unit_test(a_heartbeat_makes_empty_blocks_when_asked_for),
        cmocka_unit_test(blocks_keep_their_distance),
        cmocka_unit_test(a_tx_behind_a_gap_makes_no_empty_blocks),
        cmocka_unit_test(a_refusal_says_why),
        cmocka_unit_test(a_second_try_is_told_that_the_first_is_final),
        cmocka_unit_test(a_double_spend_in_one_step_pays_once),
        cmocka_unit_test(an_account_cannot_promise_more_fees_than_it_has),
        cmocka_unit_test(a_follower_stores_what_it_executed_itself),
        cmocka_unit_test(a_follower_asks_for_what_it_misses),
        cmocka_unit_test(an_empty_promise_is_forgotten),
        cmocka_unit_test(a_peer_is_blamed_for_what_does_not_hold),
        cmocka_unit_test(
            a_certified_block_that_does_not_execute_stops_the_node),
        cmocka_unit_test(a_certificate_of_another_epoch_does_not_count),
        cmocka_unit_test(two_certified_blocks_of_one_height_stop_the_node),
        cmocka_unit_test(a_followers_tx_is_handed_on_until_it_is_final),
        cmocka_unit_test(a_followers_tx_that_became_impossible_is_refused),
        cmocka_unit_test(
            a_validator_put_back_learns_what_it_signed_before_it_decides),
        cmocka_unit_test(a_restarted_validator_goes_on_in_the_next_view),
        cmocka_unit_test(a_signer_that_fails_stops_the_validator),
        cmocka_unit_test(one_of_several_validators_cannot_decide_alone),
        cmocka_unit_test(money_made_by_a_bug_stops_the_validator),
        cmocka_unit_test(every_fault_of_the_store_stops_the_core_cleanly),
        cmocka_unit_test(at_random_everybody_ends_with_the_same_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
