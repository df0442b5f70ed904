#ifndef TESTS_UNIT_MARKET_WORLD_H
#define TESTS_UNIT_MARKET_WORLD_H

/* A small market to test in: six keys with money, a state over a store in
 * memory, one valid noun of each kind, and a way to apply transactions as the
 * ledger does. The nouns are those of tests/vectors/market.hex. Include after
 * cmocka.h. */

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "ledger/state/overlay.h"
#include "market/contract/contract.h"

enum actor { BUYER, AGENT, PROVIDER, PAYOUT, OTHER, PROPOSER, ACTORS };

#define T0           UINT64_C(1700000000000) /* the requests' creation */
#define WORLD_GRANT  UINT64_C(1000000000)    /* what each actor starts with */
#define WORLD_SUPPLY (ACTORS * WORLD_GRANT)

/* ---- keys ---- */

struct world_key {
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    struct signer signer;
};

static inline enum err world_key_sign(void *ctx, const char *tag,
                                      const struct hash *digest,
                                      struct signature *out)
{
    const struct world_key *key = ctx;
    (void)tag;
    crypto_sign_detached(out->b, NULL, digest->b, sizeof(digest->b),
                         key->secret);
    return OK;
}

/* The actor's key: its seed is 32 times its number plus one. */
static inline const struct signer *world_signer(enum actor actor)
{
    static struct world_key keys[ACTORS];
    struct world_key *key = &keys[actor];
    uint8_t seed[crypto_sign_SEEDBYTES];

    if (key->signer.sign == NULL) {
        memset(seed, (int)actor + 1, sizeof(seed));
        crypto_sign_seed_keypair(key->signer.key.b, key->secret, seed);
        key->signer.sign = world_key_sign;
        key->signer.ctx = key;
    }
    return &key->signer;
}

static inline struct pubkey world_pubkey(enum actor actor)
{
    return world_signer(actor)->key;
}

static inline struct hash world_hash(uint8_t fill)
{
    struct hash hash;
    memset(hash.b, fill, sizeof(hash.b));
    return hash;
}

/* The chain everything is signed for: 32 times 0x11 unless set. */
static inline struct hash *world_chain_slot(void)
{
    static struct hash chain;
    if (hash_is_zero(&chain))
        chain = world_hash(0x11);
    return &chain;
}
static inline struct hash world_chain(void)
{
    return *world_chain_slot();
}
static inline void world_chain_set(const struct hash *chain)
{
    *world_chain_slot() = *chain;
}

/* splitmix64 */
static inline uint64_t world_random(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* ---- the nouns, unsigned ---- */

static inline struct spec sample_spec(void)
{
    static struct bytes args[2];
    static struct spec_env env[1];
    static struct bytes outputs[1];
    static struct spec_use uses[1];
    args[0] = bytes_str("render");
    args[1] = bytes_str("%t/%n");
    env[0].name = bytes_str("LANG");
    env[0].value = bytes_str("C");
    outputs[0] = bytes_str("*.png");
    uses[0].request = world_hash(0x24);
    uses[0].tasks = 3;
    uses[0].dest = bytes_str("parts");
    return (struct spec){
        .image = world_hash(0x21),
        .arg_count = 2,
        .args = args,
        .env_count = 1,
        .env = env,
        .inputs = world_hash(0x22),
        .output_count = 1,
        .outputs = outputs,
        .resources = {.cpu_milli = 2000, .mem_mib = 1024, .disk_mib = 512},
        .pids_max = 64,
        .time_ms_max = 3600000,
        .log_bytes_max = 1048576,
        .use_count = 1,
        .uses = uses,
    };
}

/* An hour of the sample request costs 40000 + 3000 + 50. */
static inline struct price sample_price(void)
{
    return (struct price){
        .cpu_hour = {20000}, .mem_hour = {3000}, .disk_hour = {100}};
}
#define SAMPLE_HOUR 43050u

static inline struct grade sample_grade(void)
{
    return (struct grade){.int_ops = 2500000000,
                          .float_ops = 1800000000,
                          .mem_bps = 9000000000,
                          .disk_bps = 400000000,
                          .measured_at_ms = T0 - 5000,
                          .source = METRIC_MEASURED,
                          .cores = 2,
                          .nominal_flops = 1000000000000,
                          .sha256_bps = 600000000,
                          .fp32_ops = 3600000000,
                          .int8_ops = 14000000000,
                          .chase_ops = 8000000,
                          .disk_iops = 10000,
                          .all = {5000000000, 1200000000, 3600000000,
                                  7200000000, 28000000000, 15000000000,
                                  16000000}};
}

static inline struct offer sample_offer(void)
{
    return (struct offer){
        .provider = world_pubkey(PROVIDER),
        .payout = world_pubkey(PAYOUT),
        .version = 7,
        .issued_at_ms = T0,
        .ttl_ms = 240000,
        .address = "127.0.0.1:7001",
        .bulk_address = "127.0.0.1:7002",
        .name = "north",
        .arch = ARCH_X86_64,
        .total = {.cpu_milli = 8000, .mem_mib = 16384, .disk_mib = 102400},
        .free = {.cpu_milli = 6000, .mem_mib = 8192, .disk_mib = 51200},
        .slots_free = 3,
        .time_ms_max = 86400000,
        .price = sample_price(),
        .grade = sample_grade(),
        .label_count = 1,
        .labels = {{.key = "zone", .value = "eu"}},
    };
}

static inline struct request sample_request(void)
{
    struct request request = {
        .buyer = world_pubkey(BUYER),
        .agent = world_pubkey(AGENT),
        .created_at_ms = T0,
        .expires_at_ms = T0 + 300000,
        .spec = world_hash(0x23),
        .tasks = 4,
        .attempts_max = 3,
        .resources = {.cpu_milli = 2000, .mem_mib = 1024, .disk_mib = 512},
        .time_ms_max = 3600000,
        .arch = ARCH_X86_64,
        .policy = POLICY_CHEAPEST,
        .price_max = {50000},
        .constraint_count = 1,
        .constraints = {{"zone", CONSTRAINT_EQUAL, "eu"}},
        .terms = {.divide = POLICY_DIVIDE_STATIC,
                  .gang = true,
                  .least = 3,
                  .share_count = 1,
                  .shares = {{.weight = 5, .key = "zone", .value = "eu"}}},
    };
    memset(request.salt, 0x31, sizeof(request.salt));
    return request;
}

static inline struct hash request_id_of(const struct request *request)
{
    struct hash chain = world_chain();
    struct hash id;
    assert_int_equal(request_id(request, &chain, &id), OK);
    return id;
}

static inline struct approval sample_approval(const struct request *request)
{
    return (struct approval){.request = request_id_of(request),
                             .task_cap = {45000},
                             .expires_at_ms = T0 + 300000};
}

static inline struct quote sample_quote(const struct request *request)
{
    struct price price = sample_price();
    struct quote quote = {
        .request = request_id_of(request),
        .task = 1,
        .attempt = 0,
        .provider = world_pubkey(PROVIDER),
        .payout = world_pubkey(PAYOUT),
        .offer_version = 7,
        .bond = {4305},
        .grade = sample_grade(),
        .rtt_us = 850,
        .start_by_ms = T0 + 420000,
        .deadline_ms = T0 + 420000 + 3600000 + 600000,
        .retention_ms = 86400000,
        .expires_at_ms = T0 + 120000,
    };
    assert_int_equal(quote_price(request, &price, &quote), OK);
    return quote;
}

/* Ten minutes of the sample contract. */
static inline struct receipt sample_receipt(const struct hash *contract)
{
    return (struct receipt){
        .contract = *contract,
        .seq = 3,
        .wall_ms = 600000,
        .cpu_ms = 1199000,
        .mem_peak_mib = 700,
        .bytes_out = 4096,
        .due = {7175},
    };
}

static inline void receipt_sign_both(struct receipt *receipt, bool cosigned)
{
    struct hash chain = world_chain();
    assert_int_equal(
        receipt_sign_provider(receipt, &chain, world_signer(PROVIDER)), OK);
    memset(&receipt->agent_sig, 0, sizeof(receipt->agent_sig));
    if (cosigned)
        assert_int_equal(
            receipt_sign_agent(receipt, &chain, world_signer(AGENT)), OK);
}

/* ---- the world ---- */

struct world {
    struct store *store;
    struct state *ground;
    struct state *state;
    struct arena arena; /* reset before every transaction */
    struct block_context context;
    struct tx_effect effect; /* of the last transaction that was good */
};

static inline void world_init(struct world *world)
{
    struct hash chain = world_chain();
    memset(world, 0, sizeof(*world));
    assert_true(sodium_init() >= 0);
    assert_int_equal(store_mem_new(&world->store), OK);
    assert_int_equal(state_ground(world->store, &chain, &world->ground), OK);
    assert_int_equal(state_fork(world->ground, &world->state), OK);
    arena_init(&world->arena, 1u << 20);
    world->context = (struct block_context){.chain = chain,
                                            .height = 1,
                                            .time_ms = T0 + 10000,
                                            .fees_to = world_pubkey(PROPOSER)};
    for (int actor = 0; actor < ACTORS; actor++)
        assert_int_equal(account_credit(world->state,
                                        &world_signer((enum actor)actor)->key,
                                        amount_micro(WORLD_GRANT)),
                         OK);
}

static inline void world_done(struct world *world)
{
    state_free(world->state);
    state_free(world->ground);
    store_close(world->store);
    arena_done(&world->arena);
}

static inline uint64_t world_balance(struct world *world, enum actor actor)
{
    struct account account;
    assert_int_equal(
        account_get(world->state, &world_signer(actor)->key, &account), OK);
    return account.balance.micro;
}

static inline void world_balance_set(struct world *world, enum actor actor,
                                     uint64_t micro)
{
    struct account account;
    const struct pubkey *key = &world_signer(actor)->key;
    assert_int_equal(account_get(world->state, key, &account), OK);
    account.balance.micro = micro;
    assert_int_equal(account_put(world->state, key, &account), OK);
}

static inline uint64_t world_locked(struct world *world, const struct hash *id)
{
    struct amount locked;
    assert_int_equal(vault_get(world->state, id, &locked), OK);
    return locked.micro;
}

static inline struct contract world_contract(struct world *world,
                                             const struct hash *id)
{
    struct contract c;
    struct arena arena;
    arena_init(&arena, 1u << 16);
    assert_int_equal(contract_get(world->state, id, &arena, &c), OK);
    arena_done(&arena);
    return c;
}

static inline const struct tx_kind *world_kind(uint32_t id)
{
    for (size_t i = 0; i < market_kind_count; i++)
        if (market_kinds[i].id == id)
            return &market_kinds[i];
    fail_msg("no kind %u", id);
    return NULL;
}

static inline enum err vault_add(void *ctx, struct bytes key,
                                 struct bytes value)
{
    struct world *world = ((void **)ctx)[0];
    uint64_t *sum = ((void **)ctx)[1];
    struct hash id;
    (void)value;
    assert_int_equal(key.len, HASH_LEN);
    memcpy(id.b, key.ptr, HASH_LEN);
    *sum += world_locked(world, &id);
    return OK;
}

/* All money there is: must be WORLD_SUPPLY at any time. */
static inline uint64_t world_money(struct world *world)
{
    uint64_t sum = 0;
    void *ctx[2] = {world, &sum};
    for (int actor = 0; actor < ACTORS; actor++)
        sum += world_balance(world, (enum actor)actor);
    assert_int_equal(state_each(world->state, STATE_VAULT, vault_add, ctx), OK);
    return sum;
}

/* As the ledger does it: the fee is taken first, a refusal undoes all. */
static inline enum err world_apply(struct world *world, uint32_t kind,
                                   enum actor sender, uint64_t fee,
                                   struct bytes payload)
{
    struct state_mark mark = state_mark(world->state);
    struct tx_effect effect = {.code = 0xdead};
    struct tx tx = {.chain = world->context.chain,
                    .kind = kind,
                    .sender = world_pubkey(sender),
                    .fee = {fee},
                    .payload = payload};
    enum err err;

    assert_int_equal(world_kind(kind)->fee_min(payload.len).micro, 0);
    err = account_debit(world->state, &tx.sender, tx.fee);
    if (err == OK)
        err = account_credit(world->state, &world->context.fees_to, tx.fee);
    arena_reset(&world->arena);
    if (err == OK)
        err = world_kind(kind)->apply(world->state, &tx, &world->context,
                                      &world->arena, &effect);
    if (err == OK) {
        world->effect = effect;
    } else {
        assert_int_equal(effect.code, 0xdead); /* untouched on refusal */
        state_rollback(world->state, mark);
    }
    return err;
}

/* Signs the three with the keys they name and puts them into a payload. */
static inline void world_open_payload(struct request *request,
                                      struct approval *approval,
                                      struct quote *quote, struct buf *out)
{
    struct hash chain = world_chain();
    struct buf r, a, q;

    buf_init(&r, REQUEST_BYTES_MAX);
    buf_init(&a, APPROVAL_BYTES_MAX);
    buf_init(&q, QUOTE_BYTES_MAX);
    assert_int_equal(request_sign(request, &chain, world_signer(BUYER)), OK);
    assert_int_equal(approval_sign(approval, &chain, world_signer(BUYER)), OK);
    assert_int_equal(quote_sign(quote, &chain, world_signer(PROVIDER)), OK);
    assert_int_equal(request_encode(request, &r), OK);
    assert_int_equal(approval_encode(approval, &a), OK);
    assert_int_equal(quote_encode(quote, &q), OK);
    contract_open_payload(buf_bytes(&r), buf_bytes(&a), buf_bytes(&q), out);
    assert_int_equal(out->err, OK);
    buf_done(&r);
    buf_done(&a);
    buf_done(&q);
}

static inline enum err world_open(struct world *world, enum actor sender,
                                  struct request *request,
                                  struct approval *approval,
                                  struct quote *quote, struct hash *out_id)
{
    struct buf payload;
    enum err err;

    buf_init(&payload, LIMIT_TX_BYTES);
    world_open_payload(request, approval, quote, &payload);
    err = world_apply(world, TX_CONTRACT_OPEN, sender, 0, buf_bytes(&payload));
    contract_id(&quote->request, quote->task, quote->attempt, out_id);
    buf_done(&payload);
    return err;
}

/* Opens the sample contract by its agent and returns its id. */
static inline struct hash world_open_sample(struct world *world)
{
    struct request request = sample_request();
    struct approval approval = sample_approval(&request);
    struct quote quote = sample_quote(&request);
    struct hash id;
    assert_int_equal(world_open(world, AGENT, &request, &approval, &quote, &id),
                     OK);
    return id;
}

static inline enum err world_send(struct world *world, uint32_t kind,
                                  enum actor sender, struct buf *payload)
{
    enum err err = payload->err;
    assert_int_equal(err, OK);
    err = world_apply(world, kind, sender, 0, buf_bytes(payload));
    buf_done(payload);
    return err;
}

static inline enum err world_deliver(struct world *world, const struct hash *id,
                                     enum end_reason reason, uint32_t exit_code,
                                     const struct receipt *receipt)
{
    struct contract_delivery d = {.contract = *id,
                                  .reason = reason,
                                  .exit_code = exit_code,
                                  .result = world_hash(0x41),
                                  .log = world_hash(0x42),
                                  .receipt = *receipt};
    struct buf payload;
    buf_init(&payload, LIMIT_TX_BYTES);
    assert_int_equal(contract_deliver_payload(&d, &payload), OK);
    return world_send(world, TX_CONTRACT_DELIVER, PROVIDER, &payload);
}

static inline enum err world_refuse(struct world *world, const struct hash *id,
                                    enum end_reason reason)
{
    struct buf payload;
    buf_init(&payload, LIMIT_TX_BYTES);
    contract_refuse_payload(id, reason, &payload);
    return world_send(world, TX_CONTRACT_REFUSE, PROVIDER, &payload);
}

static inline enum err world_expire(struct world *world, enum actor sender,
                                    const struct hash *id,
                                    const struct receipt *receipt)
{
    struct buf payload;
    buf_init(&payload, LIMIT_TX_BYTES);
    contract_expire_payload(id, receipt, &payload);
    return world_send(world, TX_CONTRACT_EXPIRE, sender, &payload);
}

static inline enum err world_claim(struct world *world, const struct hash *id,
                                   const struct receipt *receipt)
{
    struct buf payload;
    buf_init(&payload, LIMIT_TX_BYTES);
    contract_claim_payload(id, receipt, &payload);
    return world_send(world, TX_CONTRACT_CLAIM, PROVIDER, &payload);
}

static inline enum err world_settle(struct world *world, enum actor sender,
                                    const struct hash *id)
{
    struct buf payload;
    buf_init(&payload, LIMIT_TX_BYTES);
    contract_settle_payload(id, &payload);
    return world_send(world, TX_CONTRACT_SETTLE, sender, &payload);
}

#endif
