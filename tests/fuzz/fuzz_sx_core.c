/* links: ledger */

/* A recipe for an hour of one validator among three that obey the fuzzer, who
 * may sign, certify, propose and send what it likes, and end the process
 * between any two steps. Whatever it does: no memory without bound, no vote on
 * the wire that is not in the log, and no two votes of the core that convict
 * it. */

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/check.h"
#include "ledger/sx/sx_room.h"

#define PEERS     4u
#define LOG_MAX   512u
#define VOTES_MAX 256u
#define STEPS_MAX 200u
#define T0        UINT64_C(1700000000000)

struct key {
    struct signer signer;
    uint8_t secret[64];
};

struct record {
    uint64_t seq;
    uint8_t type;
    struct buf body;
};

struct life {
    struct store *store;
    struct chain *chain;
    struct sx *core;
    struct store_batch *batches[CHAIN_FLIGHT_MAX];
    uint32_t batch_count;
    struct record log[LOG_MAX];
    size_t log_count;
    uint64_t logged;
    uint64_t synced;
    struct vote votes[VOTES_MAX]; /* synced ones: of all lives */
    size_t vote_count;
    uint64_t now_ms;
    uint64_t links;
    uint64_t peer[PEERS];
    uint64_t wake_ms;
    bool over; /* halted, or a table is full */
};

static struct key keys[PEERS]; /* in index order */
static struct genesis genesis;
static unsigned me;
static uint64_t sync_epochs;

static enum err key_sign(void *ctx, const char *tag, const struct hash *digest,
                         struct signature *out)
{
    struct key *key = ctx;
    (void)tag;
    crypto_sign_detached(out->b, NULL, digest->b, HASH_LEN, key->secret);
    return OK;
}

static void key_init(struct key *key, uint8_t number)
{
    uint8_t seed[32] = {number};
    crypto_sign_seed_keypair(key->signer.key.b, key->secret, seed);
    key->signer.sign = key_sign;
    key->signer.ctx = key;
}

static void once(void)
{
    if (genesis.time_ms != 0)
        return;
    CHECK(sodium_init() >= 0);
    genesis_init(&genesis);
    memcpy(genesis.network, "fuzz", 5);
    genesis.time_ms = T0;
    CHECK(params_set(&genesis.params, "epoch_blocks", 2) == OK);
    for (uint8_t i = 0; i < PEERS; i++) {
        struct key key;
        key_init(&key, (uint8_t)(i + 1));
        CHECK(genesis_add_validator(&genesis, &key.signer.key,
                                    amount_micro(1000000), NULL) == OK);
    }
    CHECK(genesis_seal(&genesis) == OK);
    for (uint8_t i = 0; i < PEERS; i++) {
        struct key key;
        key_init(&key, (uint8_t)(i + 1));
        int at = validators_find(&genesis.validators, &key.signer.key);
        CHECK(at >= 0);
        key_init(&keys[at], (uint8_t)(i + 1));
    }
}

/* ---- the core and its log ---- */

static void put_record(struct life *l, uint8_t type, struct bytes body)
{
    if (l->log_count == LOG_MAX) {
        l->over = true;
        return;
    }
    struct record *record = &l->log[l->log_count++];
    *record = (struct record){.seq = ++l->logged, .type = type};
    buf_init(&record->body, WAL_BYTES_MAX);
    buf_add(&record->body, body);
    CHECK(record->body.err == OK);
}

static void step(struct life *l, struct sx_event event);

static void start(struct life *l, bool whole)
{
    struct sx_options options = {.signer = &keys[me].signer,
                                 .mono_ms = l->now_ms,
                                 .sync_epochs = sync_epochs};
    struct wal_report report = {.found = whole ? WAL_WHOLE : WAL_DAMAGED};
    CHECK(chain_open(l->store, &genesis, NULL, &l->chain) == OK);
    CHECK(sx_new(l->chain, &options, &l->core) == OK);
    for (size_t i = 0; i < l->log_count; i++)
        CHECK(sx_replay(l->core, l->log[i].seq, l->log[i].type,
                        buf_bytes(&l->log[i].body)) == OK);
    report.first_seq = l->log[0].seq;
    report.last_seq = l->logged;
    sx_replayed(l->core, &report, l->logged);
    for (unsigned i = 0; i < PEERS; i++) {
        if (i == me)
            continue;
        l->peer[i] = ++l->links;
        step(l, (struct sx_event){.kind = SX_EV_LINK,
                                  .peer = l->peer[i],
                                  .key = keys[i].signer.key});
    }
}

static void stop(struct life *l)
{
    for (uint32_t i = 0; i < l->batch_count; i++)
        store_batch_free(l->batches[i]);
    l->batch_count = 0;
    sx_free(l->core);
    chain_close(l->chain);
    while (l->log_count > 0 && l->log[l->log_count - 1].seq > l->synced) {
        buf_done(&l->log[--l->log_count].body);
        l->logged--;
    }
}

/* A vote is ours for ever once it can have left. */
static void remember(struct life *l, const struct vote *vote)
{
    struct evidence evidence;
    for (size_t i = 0; i < l->vote_count; i++)
        CHECK(evidence_make(&l->votes[i], vote, &evidence) != OK);
    if (l->vote_count == VOTES_MAX)
        l->over = true;
    else
        l->votes[l->vote_count++] = *vote;
}

static void sync_log(struct life *l, uint64_t upto)
{
    for (size_t i = 0; i < l->log_count; i++) {
        struct vote vote;
        if (l->log[i].seq <= l->synced || l->log[i].seq > upto ||
            l->log[i].type != SX_LOG_VOTE)
            continue;
        CHECK(vote_decode(buf_bytes(&l->log[i].body), &vote) == OK);
        remember(l, &vote);
    }
    if (upto > l->synced)
        l->synced = upto;
    step(l, (struct sx_event){.kind = SX_EV_LOGGED, .seq = l->synced});
}

static bool is_synced(const struct life *l, const struct vote *vote)
{
    for (size_t i = 0; i < l->vote_count; i++) {
        if (memcmp(&l->votes[i].sig, &vote->sig, sizeof(vote->sig)) == 0)
            return true;
    }
    return l->over;
}

static void look_at_message(const struct life *l, struct bytes bytes)
{
    static struct sx_msg msg;
    CHECK(sx_msg_decode(bytes, &msg) == OK);
    if (msg.tag == SX_MSG_VOTE || msg.tag == SX_MSG_PROPOSE)
        CHECK(msg.vote.index == me && is_synced(l, &msg.vote));
}

static void carry_out(struct life *l, const struct sx_effect *effect)
{
    if (effect->kind == SX_LOG)
        put_record(l, effect->log_type, effect->bytes);
    else if (effect->kind == SX_STORE)
        l->batches[l->batch_count++] = effect->batch;
    else if (effect->kind == SX_SEND)
        look_at_message(l, effect->bytes);
    else if (effect->kind == SX_WAKE)
        l->wake_ms = effect->at_ms;
    else if (effect->kind == SX_HALT)
        l->over = true; /* three of four may well sign two histories */
    else if (effect->kind == SX_LOG_TRIM)
        CHECK(effect->seq <= l->logged + 1);
}

static void step(struct life *l, struct sx_event event)
{
    struct sx_effects effects;
    event.mono_ms = l->now_ms;
    event.wall_ms = T0 + l->now_ms;
    sx_step(l->core, &event, &effects);
    for (size_t i = 0; i < effects.count; i++)
        carry_out(l, &effects.items[i]);
    CHECK(l->core->block_count <= SX_BLOCKS_MAX);
    CHECK(l->core->slot_count <= SX_VIEWS_MAX);
    CHECK(l->core->evidence_count <= SX_EVIDENCE_MAX);
    CHECK(l->core->final_count <= SX_FINALS_MAX);
}

/* ---- what the three do ---- */

static void say_bytes(struct life *l, unsigned from, struct bytes bytes)
{
    if (from != me)
        step(l, (struct sx_event){.kind = SX_EV_MESSAGE,
                                  .peer = l->peer[from],
                                  .bytes = bytes});
}

static void say(struct life *l, unsigned from, const struct sx_msg *msg)
{
    struct buf buf;
    buf_init(&buf, LIMIT_MESSAGE_BYTES);
    sx_msg_encode(msg, &buf);
    CHECK(buf.err == OK);
    say_bytes(l, from, buf_bytes(&buf));
    buf_done(&buf);
}

/* A block on the head or on one of the core's, or an id of nothing. */
static void pick_block(struct life *l, uint8_t choice, unsigned proposer,
                       struct hash *out_id, struct buf *out_bytes)
{
    const struct sx *core = l->core;
    const struct sx_block *known =
        core->block_count > 0 ? core->blocks[choice % core->block_count] : NULL;
    struct candidate *candidate = NULL;
    struct chain_drops drops;
    struct pool *pool;
    *out_id = (struct hash){{choice}};
    if (choice < 32)
        return;
    if (choice < 128 && known != NULL) {
        *out_id = known->id;
        return;
    }
    CHECK(pool_new(NULL, &pool) == OK);
    CHECK(chain_build(l->chain,
                      known != NULL && choice & 1 ? known->candidate : NULL,
                      pool, NULL, 0, T0 + l->now_ms, &keys[proposer].signer.key,
                      &drops, &candidate) == OK);
    *out_id = candidate_block(candidate)->id;
    buf_add(out_bytes, candidate_bytes(candidate));
    free(drops.items);
    candidate_free(candidate);
    pool_free(pool);
}

/* Four bytes: a kind, a view and its parent near ours, a block. */
static enum vote_kind pick_proposal(struct life *l, const uint8_t raw[4],
                                    unsigned proposer, struct proposal *out,
                                    struct buf *block)
{
    static const enum vote_kind kinds[] = {VOTE_NOTARIZE, VOTE_NULLIFY,
                                           VOTE_FINALIZE};
    enum vote_kind kind = kinds[raw[0] % 3];
    uint64_t base = l->core->cur > 3 ? l->core->cur - 3 : 1;
    *out =
        (struct proposal){.epoch = l->core->epoch, .view = base + raw[1] % 8};
    if (kind == VOTE_NULLIFY)
        return kind;
    out->parent_view = out->view - 1 - raw[2] % out->view;
    pick_block(l, raw[3], proposer, &out->id, block);
    return kind;
}

static void say_vote(struct life *l, const uint8_t raw[5])
{
    struct sx_msg msg = {.tag = SX_MSG_VOTE};
    struct proposal on;
    struct buf block;
    unsigned from = raw[0] % PEERS;
    buf_init(&block, LIMIT_BLOCK_BYTES);
    enum vote_kind kind = pick_proposal(l, raw + 1, from, &on, &block);
    if (from != me && vote_sign(kind, &on, (uint16_t)from, &genesis.chain,
                                &keys[from].signer, &msg.vote) == OK)
        say(l, from, &msg);
    buf_done(&block);
}

static void say_cert(struct life *l, const uint8_t raw[5])
{
    struct sx_msg msg = {.tag = SX_MSG_CERT};
    struct proposal on;
    struct cert cert;
    struct buf bytes;
    struct buf block;
    buf_init(&block, LIMIT_BLOCK_BYTES);
    enum vote_kind kind =
        pick_proposal(l, raw + 1, (me + 1) % PEERS, &on, &block);
    cert_init(&cert, kind, &on, PEERS);
    for (unsigned i = 0; i < PEERS; i++) {
        struct vote vote;
        if (i == me || (raw[0] >> i & 1) != 0)
            continue;
        CHECK(vote_sign(kind, &on, (uint16_t)i, &genesis.chain, &keys[i].signer,
                        &vote) == OK);
        CHECK(cert_add(&cert, &vote) == OK);
    }
    buf_init(&bytes, CERT_BYTES_MAX);
    cert_encode(&cert, &bytes);
    msg.cert = buf_bytes(&bytes);
    say(l, (me + 1) % PEERS, &msg);
    buf_done(&bytes);
    if (block.len > 0) {
        struct sx_msg body = {.tag = SX_MSG_BLOCK, .block = buf_bytes(&block)};
        say(l, (me + 1) % PEERS, &body);
    }
    buf_done(&block);
}

static void say_proposal(struct life *l, const uint8_t raw[5])
{
    struct sx_msg msg = {.tag = SX_MSG_PROPOSE};
    uint8_t as[4] = {0, raw[1], raw[2], raw[3]};
    struct buf block;
    unsigned from = (unsigned)sx_leader(l->core, l->core->cur + raw[0] % 2);
    struct proposal on;
    buf_init(&block, LIMIT_BLOCK_BYTES);
    (void)pick_proposal(l, as, from, &on, &block);
    on.view = l->core->cur + raw[0] % 2;
    if (on.parent_view >= on.view)
        on.parent_view = on.view - 1;
    msg.block = buf_bytes(&block);
    if (from != me &&
        vote_sign(VOTE_NOTARIZE, &on, (uint16_t)from, &genesis.chain,
                  &keys[from].signer, &msg.vote) == OK)
        say(l, from, &msg);
    buf_done(&block);
}

static void store_one(struct life *l)
{
    if (l->batch_count == 0)
        return;
    struct store_batch *batch = l->batches[0];
    uint64_t height = store_batch_height(batch);
    CHECK(store_commit(l->store, batch) == OK);
    store_batch_free(batch);
    l->batch_count--;
    memmove(&l->batches[0], &l->batches[1],
            l->batch_count * sizeof(l->batches[0]));
    step(l, (struct sx_event){.kind = SX_EV_STORED, .height = height});
}

static void restart(struct life *l, bool whole)
{
    stop(l);
    start(l, whole);
}

/* ---- the recipe ---- */

static void cook(struct life *l, struct cursor *cursor)
{
    uint8_t op = cursor_u8(cursor);
    struct bytes raw =
        cursor_take(cursor, op % 16 == 0 ? cursor_u8(cursor) : 5);
    if (cursor->err != OK)
        return;
    switch (op % 16) {
    case 0:
        say_bytes(l, op / 16 % PEERS, raw);
        return;
    case 1:
    case 2:
        l->now_ms += raw.ptr[0];
        step(l, (struct sx_event){.kind = SX_EV_TIME});
        return;
    case 3:
        l->now_ms += 50u * raw.ptr[0];
        step(l, (struct sx_event){.kind = SX_EV_TIME});
        return;
    case 4:
        restart(l, raw.ptr[0] != 0);
        return;
    case 5:
    case 6:
        store_one(l);
        return;
    case 7:
    case 8:
        sync_log(l, l->synced + (l->logged - l->synced + 1) / 2);
        return;
    case 9:
        sync_log(l, l->logged);
        return;
    case 10:
    case 11:
        say_vote(l, raw.ptr);
        return;
    case 12:
    case 13:
        say_cert(l, raw.ptr);
        return;
    default:
        say_proposal(l, raw.ptr);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct life *l = calloc(1, sizeof(*l));
    struct cursor cursor;
    CHECK(l != NULL);
    once();
    cursor_init(&cursor, bytes_make(data, len));
    uint8_t who = cursor_u8(&cursor);
    me = who % PEERS;
    sync_epochs = (who & 4u) != 0 ? 2 : 0;
    l->now_ms = 1000;
    CHECK(store_mem_new(&l->store) == OK);
    put_record(l, SX_LOG_INIT, bytes_make(NULL, 0));
    l->synced = l->logged;
    start(l, true);
    for (unsigned i = 0; i < STEPS_MAX && !l->over && cursor.err == OK; i++)
        cook(l, &cursor);
    l->synced = 0;
    stop(l);
    store_close(l->store);
    free(l);
    return 0;
}
