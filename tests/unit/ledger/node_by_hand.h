#ifndef TESTS_UNIT_LEDGER_NODE_BY_HAND_H
#define TESTS_UNIT_LEDGER_NODE_BY_HAND_H

/* Include after fixture.h and kinds.h. */

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

UNUSED static void net_open(struct net *net, uint64_t heartbeat_ms,
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

UNUSED static struct node *net_add_on(struct net *net, struct store *store,
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

UNUSED static struct node *net_add(struct net *net, bool validator)
{
    struct store *store;
    assert_int_equal(store_mem_new(&store), OK);
    return net_add_on(net, store, validator, 0);
}

UNUSED static void forget(struct node *node)
{
    for (unsigned i = 0; i < node->said_count; i++) {
        buf_done(&node->said[i].block);
        buf_done(&node->said[i].cert);
    }
    node->said_count = 0;
}

UNUSED static void node_close(struct node *node, bool keep_store)
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

UNUSED static void net_close(struct net *net)
{
    for (unsigned i = 0; i < net->count; i++)
        node_close(net->nodes[i], false);
    genesis_done(&net->w.genesis);
}

UNUSED static void note(struct node *node, const struct sx_effect *effect)
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

UNUSED static void step(struct node *node, struct sx_event event)
{
    struct sx_effects effects;
    event.mono_ms = node->mono_ms;
    event.wall_ms = node->wall_ms;
    forget(node);
    sx_step(node->core, &event, &effects);
    for (size_t i = 0; i < effects.count; i++)
        note(node, &effects.items[i]);
}

UNUSED static void pass(struct node *node, uint64_t ms)
{
    node->mono_ms += ms;
    node->wall_ms += ms;
    step(node, (struct sx_event){.kind = SX_EV_TIME});
}

UNUSED static void submit(struct node *node, const struct test_tx *txs,
                          size_t count)
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
UNUSED static void disk(struct node *node)
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

UNUSED static void settle(struct node *node)
{
    while (node->batch_count > 0)
        disk(node);
}

UNUSED static const struct said *find(const struct node *node,
                                      enum sx_effect_kind kind)
{
    for (unsigned i = 0; i < node->said_count; i++) {
        if (node->said[i].kind == kind)
            return &node->said[i];
    }
    return NULL;
}

/* The same where there must be one. */
UNUSED static const struct said *the(const struct node *node,
                                     enum sx_effect_kind kind)
{
    static const struct said none;
    const struct said *said = find(node, kind);
    assert_non_null(said);
    return said != NULL ? said : &none;
}

UNUSED static unsigned count_of(const struct node *node,
                                enum sx_effect_kind kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < node->said_count; i++)
        count += node->said[i].kind == kind;
    return count;
}

UNUSED static void transfer(struct net *net, struct test_tx *t, unsigned from,
                            uint64_t nonce, uint64_t micro)
{
    test_transfer(t, &net->w.genesis.chain, &net->w.users[from], nonce,
                  &net->w.users[(from + 1) % USERS].signer.key, micro);
}

UNUSED static void submit_transfer(struct net *net, struct node *node,
                                   unsigned from, uint64_t nonce,
                                   uint64_t micro)
{
    struct test_tx t;
    transfer(net, &t, from, nonce, micro);
    submit(node, &t, 1);
    test_tx_done(&t);
}

/* What a follower gets from a node that has the block at a height. */
UNUSED static void give_block_from(struct node *to, struct node *from,
                                   uint64_t height)
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

UNUSED static void assert_same_tip(struct node *a, struct node *b)
{
    struct chain_tip x = chain_tip(a->chain);
    struct chain_tip y = chain_tip(b->chain);
    assert_int_equal(x.height, y.height);
    assert_true(hash_equal(&x.id, &y.id));
}

#endif
