#ifndef TESTS_UNIT_LEDGER_NODE_BY_HAND_H
#define TESTS_UNIT_LEDGER_NODE_BY_HAND_H

/* Cores without a world: events by hand, effects in a list, one clock for all.
 * A node has a store and a safety log in memory, both of which can wait for the
 * test's word. What nodes say to each other lies in the net until it is
 * delivered. Include after fixture.h and kinds.h. */

#include "ledger/sx/sx_msg.h"
#include "ledger/disk/wal.h"

#define NODES_MAX      6
#define VALIDATORS_MAX 4
#define QUEUE          64

struct said {
    enum sx_effect_kind kind;
    struct hash id;
    uint64_t token;
    enum err err;
    uint64_t height;
    uint64_t peer;
    uint64_t seq;
    uint8_t log_type;
    enum sx_notice notice;
    uint16_t index;
    uint32_t tx_count; /* of SX_FINAL */
    struct buf bytes;
};

struct log_record {
    uint64_t seq;
    uint8_t type;
    struct buf body;
};

struct node {
    struct net *net;
    unsigned number;
    int who; /* index of the validator whose key it has, -1: none */
    struct store *store;
    struct chain *chain;
    struct sx *core;
    uint64_t listen_ms;
    int64_t skew_ms;  /* of its wall clock */
    uint64_t wake_ms; /* UINT64_MAX: no timer */
    bool halted;
    struct store_batch *batches[QUEUE];
    unsigned batch_count;
    bool log_by_hand; /* the log is synced when the test says so */
    struct log_record *log;
    size_t log_count;
    size_t log_cap;
    uint64_t last_seq;
    uint64_t synced_seq;
    uint64_t trim_seq;                /* what the core has let go */
    uint64_t peers[NODES_MAX];        /* number of the link, 0: none */
    uint64_t puppets[VALIDATORS_MAX]; /* see puppets.h */
    bool cut;                         /* what is said to it or by it is lost */
    struct said *said;                /* by the last step */
    unsigned said_count;
    unsigned said_cap;
    /* Hears every effect; must not step. NULL: nobody listens. */
    void (*heard)(void *ctx, const struct sx_effect *effect);
    void *ctx;
};

struct post {
    unsigned from;
    unsigned to;
    uint64_t link; /* the receiver's */
    bool is_tx;
    struct buf bytes;
};

struct net {
    struct world w; /* keys and genesis; its chain is the puppets' */
    unsigned n;
    struct test_key keys[VALIDATORS_MAX]; /* in index order */
    uint64_t now_ms;                      /* monotonic, of all nodes */
    uint64_t links;
    bool gossip; /* transactions are handed on to linked nodes */
    struct node *nodes[NODES_MAX];
    unsigned count;
    struct post *posts;
    size_t post_first;
    size_t post_count;
    size_t post_cap;
};

UNUSED static void *room_for_one(void *items, size_t size, size_t count,
                                 size_t *cap)
{
    if (count < *cap)
        return items;
    *cap = *cap == 0 ? 16 : 2 * *cap;
    items = realloc(items, *cap * size);
    assert_non_null(items);
    return items;
}

/* ---- opening ---- */

/* A genesis with n equal validators and epochs of `epoch_blocks`. */
UNUSED static void net_open_epochs(struct net *net, unsigned n,
                                   uint64_t epoch_blocks, uint64_t heartbeat_ms,
                                   uint64_t min_interval_ms)
{
    struct genesis *genesis = &net->w.genesis;
    memset(net, 0, sizeof(*net));
    assert_true(n >= 1 && n <= VALIDATORS_MAX);
    net->n = n;
    net->now_ms = 1000;
    world_genesis(&net->w, epoch_blocks);
    for (unsigned i = 1; i < n; i++) {
        struct test_key key;
        test_key_init(&key, 1000 + i);
        assert_int_equal(genesis_add_validator(genesis, &key.signer.key,
                                               amount_micro(1000000), NULL),
                         OK);
    }
    for (unsigned i = 0; i < n; i++) {
        struct test_key key;
        test_key_init(&key, 1000 + i);
        int index = validators_find(&genesis->validators, &key.signer.key);
        assert_true(index >= 0);
        test_key_init(&net->keys[index], 1000 + i);
    }
    assert_int_equal(params_set(&genesis->params, "heartbeat_ms", heartbeat_ms),
                     OK);
    assert_int_equal(
        params_set(&genesis->params, "min_interval_ms", min_interval_ms), OK);
    assert_int_equal(genesis_seal(genesis), OK);
    assert_int_equal(store_mem_new(&net->w.store), OK);
    assert_int_equal(
        chain_open(net->w.store, genesis, &test_table, &net->w.chain), OK);
    assert_int_equal(pool_new(NULL, &net->w.pool), OK);
}

UNUSED static void net_open(struct net *net, unsigned n, uint64_t heartbeat_ms,
                            uint64_t min_interval_ms)
{
    net_open_epochs(net, n, 5, heartbeat_ms, min_interval_ms);
}

/* ---- effects ---- */

UNUSED static void forget(struct node *node)
{
    for (unsigned i = 0; i < node->said_count; i++)
        buf_done(&node->said[i].bytes);
    node->said_count = 0;
}

UNUSED static void log_append(struct node *node, uint8_t type,
                              struct bytes body)
{
    node->log = room_for_one(node->log, sizeof(*node->log), node->log_count,
                             &node->log_cap);
    struct log_record *record = &node->log[node->log_count++];
    *record = (struct log_record){.seq = ++node->last_seq, .type = type};
    buf_init(&record->body, WAL_BYTES_MAX);
    buf_add(&record->body, body);
    assert_int_equal(record->body.err, OK);
}

UNUSED static void log_drop(struct node *node, size_t at)
{
    buf_done(&node->log[at].body);
    node->log_count--;
    memmove(&node->log[at], &node->log[at + 1],
            (node->log_count - at) * sizeof(node->log[0]));
}

/* Everything the core allows to go goes at once, but the last record on the
 * disk, which a real log keeps, too. */
UNUSED static void log_trim(struct node *node, uint64_t seq)
{
    assert_true(seq >= node->trim_seq);
    assert_true(seq <= node->last_seq + 1);
    node->trim_seq = seq;
    /* What is left must be a log: at least one record that is on the disk. */
    assert_true(seq <= node->synced_seq);
    while (node->log_count > 1 && node->log[0].seq < seq &&
           node->log[1].seq <= node->synced_seq)
        log_drop(node, 0);
}

UNUSED static void post(struct node *node, unsigned to, bool is_tx,
                        struct bytes bytes)
{
    struct net *net = node->net;
    net->posts =
        room_for_one(net->posts, sizeof(*net->posts),
                     net->post_first + net->post_count, &net->post_cap);
    struct post *p = &net->posts[net->post_first + net->post_count++];
    *p = (struct post){.from = node->number, .to = to, .is_tx = is_tx};
    p->link = net->nodes[to]->peers[node->number];
    buf_init(&p->bytes, LIMIT_MESSAGE_BYTES);
    buf_add(&p->bytes, bytes);
    assert_int_equal(p->bytes.err, OK);
}

UNUSED static void post_message(struct node *node,
                                const struct sx_effect *effect)
{
    for (unsigned to = 0; to < node->net->count; to++) {
        if (node->peers[to] != 0 && node->peers[to] == effect->peer)
            post(node, to, false, effect->bytes);
    }
}

UNUSED static void post_tx(struct node *node, struct bytes bytes)
{
    for (unsigned to = 0; node->net->gossip && to < node->net->count; to++) {
        if (node->peers[to] != 0)
            post(node, to, true, bytes);
    }
}

UNUSED static void note(struct node *node, const struct sx_effect *effect)
{
    size_t cap = node->said_cap;
    node->said =
        room_for_one(node->said, sizeof(*node->said), node->said_count, &cap);
    node->said_cap = (unsigned)cap;
    struct said *said = &node->said[node->said_count++];
    *said = (struct said){.kind = effect->kind,
                          .id = effect->id,
                          .token = effect->token,
                          .err = effect->err,
                          .height = effect->height,
                          .peer = effect->peer,
                          .seq = effect->seq,
                          .log_type = effect->log_type,
                          .notice = effect->notice,
                          .index = effect->index};
    buf_init(&said->bytes, LIMIT_MESSAGE_BYTES);
    buf_add(&said->bytes, effect->bytes);
    assert_int_equal(said->bytes.err, OK);
    if (effect->kind == SX_FINAL)
        said->tx_count = candidate_block(effect->candidate)->tx_count;
}

UNUSED static void carry_out(struct node *node, const struct sx_effect *effect)
{
    if (node->heard != NULL)
        node->heard(node->ctx, effect);
    switch (effect->kind) {
    case SX_LOG:
        log_append(node, effect->log_type, effect->bytes);
        assert_int_equal(effect->seq, node->last_seq);
        break;
    case SX_LOG_TRIM:
        log_trim(node, effect->seq);
        break;
    case SX_STORE:
        assert_true(node->batch_count < QUEUE);
        node->batches[node->batch_count++] = effect->batch;
        break;
    case SX_SEND:
        post_message(node, effect);
        break;
    case SX_TX_TAKEN:
    case SX_RELAY:
        post_tx(node, effect->bytes);
        break;
    case SX_WAKE:
        node->wake_ms = effect->at_ms;
        return;
    case SX_HALT:
        node->halted = true;
        break;
    case SX_FINAL:
    case SX_TX_REFUSED:
    case SX_PEER_BAD:
    case SX_NOTICE:
        break;
    }
    note(node, effect);
}

/* ---- events ---- */

UNUSED static void step_more(struct node *node, struct sx_event event)
{
    struct sx_effects effects;
    event.mono_ms = node->net->now_ms;
    event.wall_ms =
        (uint64_t)((int64_t)(T0 + node->net->now_ms) + node->skew_ms);
    node->wake_ms = UINT64_MAX;
    sx_step(node->core, &event, &effects);
    for (size_t i = 0; i < effects.count; i++)
        carry_out(node, &effects.items[i]);
}

/* The log reaches the disk; adds to what was said. */
UNUSED static void sync_log(struct node *node)
{
    while (node->synced_seq < node->last_seq) {
        node->synced_seq = node->last_seq;
        step_more(node, (struct sx_event){.kind = SX_EV_LOGGED,
                                          .seq = node->synced_seq});
    }
}

UNUSED static void step(struct node *node, struct sx_event event)
{
    forget(node);
    step_more(node, event);
    if (!node->log_by_hand)
        sync_log(node);
}

UNUSED static void tick(struct node *node)
{
    step(node, (struct sx_event){.kind = SX_EV_TIME});
}

/* For one node; the others find out later. */
UNUSED static void pass(struct node *node, uint64_t ms)
{
    node->net->now_ms += ms;
    tick(node);
}

UNUSED static void submit(struct node *node, const struct test_tx *txs,
                          size_t count)
{
    struct sx_tx given[600];
    assert_true(count <= 600);
    for (size_t i = 0; i < count; i++)
        given[i] =
            (struct sx_tx){.bytes = buf_bytes(&txs[i].bytes), .token = 100 + i};
    node->net->now_ms += 10;
    step(node, (struct sx_event){
                   .kind = SX_EV_SUBMIT, .txs = given, .tx_count = count});
}

/* The first batch in the queue reaches the disk, in no time. */
UNUSED static void commit_one(struct node *node)
{
    assert_true(node->batch_count > 0);
    struct store_batch *batch = node->batches[0];
    uint64_t height = store_batch_height(batch);
    assert_int_equal(store_commit(node->store, batch), OK);
    store_batch_free(batch);
    node->batch_count--;
    memmove(&node->batches[0], &node->batches[1],
            node->batch_count * sizeof(node->batches[0]));
    step(node, (struct sx_event){.kind = SX_EV_STORED, .height = height});
}

UNUSED static void disk(struct node *node)
{
    node->net->now_ms += 10;
    commit_one(node);
}

UNUSED static void settle(struct node *node)
{
    while (node->batch_count > 0)
        disk(node);
}

/* ---- life ---- */

UNUSED static void node_start(struct node *node, enum wal_found found)
{
    struct net *net = node->net;
    struct wal_report report = {.found = found};
    struct sx_options options = {.mono_ms = net->now_ms,
                                 .listen_ms = node->listen_ms,
                                 .seed = 1 + node->number};
    if (node->who >= 0)
        options.signer = &net->keys[node->who].signer;
    assert_int_equal(
        chain_open(node->store, &net->w.genesis, &test_table, &node->chain),
        OK);
    assert_int_equal(sx_new(node->chain, &options, &node->core), OK);
    if (node->who < 0)
        return;
    for (size_t i = 0; i < node->log_count; i++) {
        const struct log_record *record = &node->log[i];
        assert_int_equal(sx_replay(node->core, record->seq, record->type,
                                   buf_bytes(&record->body)),
                         OK);
    }
    if (node->log_count > 0) {
        report.first_seq = node->log[0].seq;
        report.last_seq = node->log[node->log_count - 1].seq;
    }
    sx_replayed(node->core, &report, node->last_seq);
}

/* who: the index of a validator, -1: it only follows. */
UNUSED static struct node *net_add_on(struct net *net, struct store *store,
                                      int who, uint64_t listen_ms)
{
    struct node *node = calloc(1, sizeof(*node));
    assert_non_null(node);
    assert_true(net->count < NODES_MAX);
    node->net = net;
    node->number = net->count;
    node->who = who;
    node->store = store;
    node->listen_ms = listen_ms;
    node->wake_ms = UINT64_MAX;
    if (who >= 0)
        log_append(node, SX_LOG_INIT, bytes_make(NULL, 0));
    node->synced_seq = node->last_seq;
    net->nodes[net->count++] = node;
    node_start(node, WAL_WHOLE);
    const struct validators *set = &net->w.genesis.validators;
    assert_int_equal(sx_decides(node->core),
                     who >= 0 &&
                         validators_find(set, &net->keys[who].signer.key) >= 0);
    return node;
}

UNUSED static struct node *net_add(struct net *net, int who)
{
    struct store *store;
    assert_int_equal(store_mem_new(&store), OK);
    return net_add_on(net, store, who, 0);
}

UNUSED static void node_stop(struct node *node)
{
    forget(node);
    for (unsigned i = 0; i < node->batch_count; i++)
        store_batch_free(node->batches[i]);
    node->batch_count = 0;
    sx_free(node->core);
    chain_close(node->chain);
    node->core = NULL;
    node->chain = NULL;
}

/* The process ends and begins again: what was not synced or stored is gone, and
 * so are its links. */
UNUSED static void node_restart(struct node *node, enum wal_found found)
{
    node_stop(node);
    while (node->log_count > 0 &&
           node->log[node->log_count - 1].seq > node->synced_seq) {
        log_drop(node, node->log_count - 1);
        node->last_seq--;
    }
    for (unsigned i = 0; i < node->net->count; i++) {
        struct node *other = node->net->nodes[i];
        if (other->peers[node->number] != 0 && other->core != NULL)
            step(other, (struct sx_event){.kind = SX_EV_UNLINK,
                                          .peer = other->peers[node->number]});
        other->peers[node->number] = 0;
    }
    memset(node->peers, 0, sizeof(node->peers));
    memset(node->puppets, 0, sizeof(node->puppets));
    node->wake_ms = UINT64_MAX;
    node->trim_seq = 0;
    node_start(node, found);
}

UNUSED static void log_wipe(struct node *node)
{
    while (node->log_count > 0)
        log_drop(node, node->log_count - 1);
    node->last_seq = node->synced_seq = node->trim_seq = 0;
}

UNUSED static void net_close(struct net *net)
{
    for (unsigned i = 0; i < net->count; i++) {
        struct node *node = net->nodes[i];
        node_stop(node);
        log_wipe(node);
        free(node->log);
        free(node->said);
        store_close(node->store);
        free(node);
    }
    for (size_t i = 0; i < net->post_count; i++)
        buf_done(&net->posts[net->post_first + i].bytes);
    free(net->posts);
    world_close(&net->w);
}

/* ---- links ---- */

UNUSED static void link_up(struct net *net, struct node *node, uint64_t number,
                           const struct pubkey *key)
{
    (void)net;
    step(node,
         (struct sx_event){.kind = SX_EV_LINK, .peer = number, .key = *key});
}

static const struct pubkey *node_key(const struct node *node)
{
    static struct test_key strangers[NODES_MAX];
    if (node->who >= 0)
        return &node->net->keys[node->who].signer.key;
    test_key_init(&strangers[node->number], 5000 + node->number);
    return &strangers[node->number].signer.key;
}

UNUSED static void net_link(struct net *net, struct node *a, struct node *b)
{
    a->peers[b->number] = ++net->links;
    b->peers[a->number] = ++net->links;
    link_up(net, a, a->peers[b->number], node_key(b));
    link_up(net, b, b->peers[a->number], node_key(a));
}

UNUSED static void net_link_all(struct net *net)
{
    for (unsigned i = 0; i < net->count; i++)
        for (unsigned j = 0; j < i; j++)
            if (net->nodes[i]->peers[j] == 0)
                net_link(net, net->nodes[j], net->nodes[i]);
}

UNUSED static void deliver(struct node *to, const struct post *p)
{
    struct sx_tx tx = {.bytes = buf_bytes(&p->bytes)};
    if (p->is_tx)
        step(to, (struct sx_event){
                     .kind = SX_EV_SUBMIT, .txs = &tx, .tx_count = 1});
    else
        step(to, (struct sx_event){.kind = SX_EV_MESSAGE,
                                   .peer = p->link,
                                   .bytes = buf_bytes(&p->bytes)});
}

/* The eldest letter; false when there is none. */
UNUSED static bool deliver_one(struct net *net)
{
    if (net->post_count == 0) {
        net->post_first = 0;
        return false;
    }
    struct post p = net->posts[net->post_first++];
    net->post_count--;
    struct node *to = net->nodes[p.to];
    if (!to->cut && !net->nodes[p.from]->cut && p.link != 0 &&
        p.link == to->peers[p.from])
        deliver(to, &p);
    buf_done(&p.bytes);
    return true;
}

/* Everything that was said is heard, in no time. */
UNUSED static void net_deliver(struct net *net)
{
    for (unsigned i = 0; deliver_one(net); i++)
        assert_true(i < 200000);
}

/* ... and everything is stored. */
UNUSED static void net_settle(struct net *net)
{
    bool busy = true;
    while (busy) {
        busy = false;
        net_deliver(net);
        for (unsigned i = 0; i < net->count; i++) {
            if (net->nodes[i]->batch_count == 0)
                continue;
            commit_one(net->nodes[i]);
            busy = true;
        }
    }
}

/* Time goes by for all, in small steps. */
UNUSED static void net_live(struct net *net, uint64_t ms)
{
    while (ms > 0) {
        uint64_t leap = ms < 5 ? ms : 5;
        net->now_ms += leap;
        ms -= leap;
        for (unsigned i = 0; i < net->count; i++)
            if (net->nodes[i]->core != NULL &&
                net->nodes[i]->wake_ms <= net->now_ms)
                tick(net->nodes[i]);
        net_settle(net);
    }
}

/* ---- looking ---- */

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

UNUSED static bool has_notice(const struct node *node, enum sx_notice notice)
{
    for (unsigned i = 0; i < node->said_count; i++) {
        if (node->said[i].kind == SX_NOTICE && node->said[i].notice == notice)
            return true;
    }
    return false;
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

/* As if gossip had brought it everywhere. */
UNUSED static void submit_to_all(struct net *net, unsigned from, uint64_t nonce)
{
    struct test_tx t;
    transfer(net, &t, from, nonce, 1);
    struct sx_tx given = {.bytes = buf_bytes(&t.bytes), .token = nonce};
    for (unsigned i = 0; i < net->count; i++)
        if (net->nodes[i]->core != NULL)
            step(net->nodes[i], (struct sx_event){.kind = SX_EV_SUBMIT,
                                                  .txs = &given,
                                                  .tx_count = 1});
    test_tx_done(&t);
}

UNUSED static void assert_same_tip(struct node *a, struct node *b)
{
    struct chain_tip x = chain_tip(a->chain);
    struct chain_tip y = chain_tip(b->chain);
    assert_int_equal(x.height, y.height);
    assert_true(hash_equal(&x.id, &y.id));
}

#endif
