#ifndef TESTS_UNIT_NODE_TRADE_RIG_H
#define TESTS_UNIT_NODE_TRADE_RIG_H

/* What the tests of the trade engines share: keys, a chain's id, a request with
 * its spec, contracts as a chain would record them, a look at effects, and a
 * disk that a restart reads. Include after cmocka.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "market/contract/contract.h"
#include "node/trade/effect.h"
#include "node/trade/event.h"

#define RIG_UNUSED __attribute__((unused))
#define RIG_T0     UINT64_C(1700000000000)

/* ---- keys ---- */

enum rig_actor {
    RIG_BUYER,
    RIG_AGENT,
    RIG_SELLER,
    RIG_OTHER,
    RIG_THIRD,
    RIG_ACTORS
};

struct rig_key {
    struct signer signer;
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
};

static enum err rig_sign(void *ctx, const char *tag, const struct hash *digest,
                         struct signature *out)
{
    const struct rig_key *key = ctx;
    (void)tag;
    crypto_sign_detached(out->b, NULL, digest->b, HASH_LEN, key->secret);
    return OK;
}

RIG_UNUSED static const struct signer *rig_signer(enum rig_actor actor)
{
    static struct rig_key keys[RIG_ACTORS];
    struct rig_key *key = &keys[actor];
    uint8_t seed[crypto_sign_SEEDBYTES];
    if (key->signer.sign == NULL) {
        assert_true(sodium_init() >= 0);
        memset(seed, (int)actor + 1, sizeof(seed));
        crypto_sign_seed_keypair(key->signer.key.b, key->secret, seed);
        key->signer.sign = rig_sign;
        key->signer.ctx = key;
    }
    return &key->signer;
}

RIG_UNUSED static struct pubkey rig_key_of(enum rig_actor actor)
{
    return rig_signer(actor)->key;
}

RIG_UNUSED static struct hash rig_hash(uint8_t fill)
{
    struct hash hash;
    memset(hash.b, fill, sizeof(hash.b));
    return hash;
}

RIG_UNUSED static struct hash rig_chain(void)
{
    return rig_hash(0x11);
}

/* ---- what is wanted ---- */

/* Half a core for a minute, with an image and inputs. */
RIG_UNUSED static struct spec rig_spec(void)
{
    static struct bytes args[1];
    args[0] = BYTES_LIT("work");
    return (struct spec){
        .image = rig_hash(0x21),
        .arg_count = 1,
        .args = args,
        .inputs = rig_hash(0x22),
        .resources = {.cpu_milli = 500, .mem_mib = 256, .disk_mib = 64},
        .pids_max = 64,
        .time_ms_max = 60000,
        .log_bytes_max = 4096,
    };
}

RIG_UNUSED static void rig_spec_bytes(const struct spec *spec, struct buf *out)
{
    buf_init(out, SPEC_BYTES_MAX);
    assert_int_equal(spec_encode(spec, out), OK);
}

RIG_UNUSED static struct request rig_request(uint32_t tasks)
{
    struct spec spec = rig_spec();
    struct buf bytes;
    struct request request = {
        .buyer = rig_key_of(RIG_BUYER),
        .agent = rig_key_of(RIG_AGENT),
        .created_at_ms = RIG_T0,
        .expires_at_ms = RIG_T0 + 3600000,
        .tasks = tasks,
        .attempts_max = 3,
        .resources = spec.resources,
        .time_ms_max = spec.time_ms_max,
        .arch = ARCH_X86_64,
        .policy = POLICY_CHEAPEST,
    };
    rig_spec_bytes(&spec, &bytes);
    spec_hash(buf_bytes(&bytes), &request.spec);
    buf_done(&bytes);
    memset(request.salt, 0x31, sizeof(request.salt));
    return request;
}

/* Signs, and appends the encoding. */
RIG_UNUSED static void rig_request_bytes(struct request *request,
                                         struct buf *out)
{
    struct hash chain = rig_chain();
    assert_int_equal(request_sign(request, &chain, rig_signer(RIG_BUYER)), OK);
    buf_init(out, REQUEST_BYTES_MAX);
    assert_int_equal(request_encode(request, out), OK);
}

RIG_UNUSED static struct hash rig_request_id(const struct request *request)
{
    struct hash chain = rig_chain();
    struct hash id;
    assert_int_equal(request_id(request, &chain, &id), OK);
    return id;
}

RIG_UNUSED static struct price rig_price(void)
{
    return (struct price){.cpu_hour = amount_micro(20000),
                          .mem_hour = amount_micro(3000),
                          .disk_hour = amount_micro(100)};
}

/* ---- the chain's word ---- */

RIG_UNUSED static struct contract rig_contract(const struct quote *quote,
                                               uint64_t now_ms)
{
    struct contract c = {
        .request = quote->request,
        .task = quote->task,
        .attempt = quote->attempt,
        .state = CONTRACT_ESCROWED,
        .buyer = rig_key_of(RIG_BUYER),
        .agent = rig_key_of(RIG_AGENT),
        .provider = quote->provider,
        .payout = quote->payout,
        .hour = quote->hour,
        .cap = quote->cap,
        .bond = quote->bond,
        .cpu_milli = 500,
        .time_ms_max = 60000,
        .opened_at_ms = now_ms,
        .start_by_ms = quote->start_by_ms,
        .deadline_ms = quote->deadline_ms,
    };
    contract_id(&c.request, c.task, c.attempt, &c.id);
    return c;
}

/* ---- a look at effects ---- */

RIG_UNUSED static size_t rig_count(const struct trade_effects *effects,
                                   enum trade_effect_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < effects->count; i++)
        count += effects->list[i].kind == kind ? 1 : 0;
    return count;
}

/* The first of that kind; NULL when there is none. */
RIG_UNUSED static const struct trade_effect *rig_find(
    const struct trade_effects *effects, enum trade_effect_kind kind)
{
    for (size_t i = 0; i < effects->count; i++)
        if (effects->list[i].kind == kind)
            return &effects->list[i];
    return NULL;
}

RIG_UNUSED static const struct trade_effect *rig_need(
    const struct trade_effects *effects, enum trade_effect_kind kind)
{
    const struct trade_effect *effect = rig_find(effects, kind);
    if (effect == NULL)
        fail_msg("no effect of kind %d", (int)kind);
    return effect;
}

/* The first message of that kind; NULL when there is none. */
RIG_UNUSED static const struct trade_effect *rig_sent(
    const struct trade_effects *effects, enum wire_kind kind)
{
    enum wire_kind is;
    for (size_t i = 0; i < effects->count; i++)
        if (effects->list[i].kind == EFFECT_SEND &&
            wire_peek(effects->list[i].bytes, &is) == OK && is == kind)
            return &effects->list[i];
    return NULL;
}

RIG_UNUSED static struct bytes rig_need_sent(
    const struct trade_effects *effects, enum wire_kind kind)
{
    const struct trade_effect *effect = rig_sent(effects, kind);
    if (effect == NULL)
        fail_msg("no message of kind %d", (int)kind);
    return effect->bytes;
}

/* The first transaction of that kind; NULL when there is none. */
RIG_UNUSED static const struct trade_effect *rig_tx(
    const struct trade_effects *effects, uint32_t kind)
{
    for (size_t i = 0; i < effects->count; i++)
        if (effects->list[i].kind == EFFECT_TX &&
            effects->list[i].tx_kind == kind)
            return &effects->list[i];
    return NULL;
}

RIG_UNUSED static struct wire_job_state rig_job_state(
    const struct trade_effects *effects)
{
    struct wire_job_state state;
    struct arena arena;
    arena_init(&arena, 1u << 16);
    assert_int_equal(
        wire_job_state_decode(rig_need_sent(effects, WIRE_JOB_STATE), &arena,
                              &state),
        OK);
    arena_done(&arena);
    return state;
}

RIG_UNUSED static struct receipt rig_receipt(
    const struct trade_effects *effects, enum wire_kind kind)
{
    struct receipt receipt;
    struct bytes body;
    struct arena arena;
    arena_init(&arena, 1u << 16);
    assert_int_equal(
        wire_bytes_decode(kind, rig_need_sent(effects, kind), &arena, &body),
        OK);
    assert_int_equal(receipt_decode(body, &arena, &receipt), OK);
    arena_done(&arena);
    return receipt;
}

/* ---- a disk ---- */

#define RIG_RECORDS_MAX 96
struct rig_disk {
    struct {
        char key[96];
        struct buf bytes;
    } records[RIG_RECORDS_MAX];
    size_t count;
};

RIG_UNUSED static void rig_disk_put(struct rig_disk *disk, const char *key,
                                    struct bytes bytes)
{
    size_t i = 0;
    while (i < disk->count && strcmp(disk->records[i].key, key) < 0)
        i++;
    if (i < disk->count && strcmp(disk->records[i].key, key) == 0) {
        buf_done(&disk->records[i].bytes);
        disk->count--;
        memmove(&disk->records[i], &disk->records[i + 1],
                (disk->count - i) * sizeof(disk->records[0]));
    }
    if (bytes.len == 0)
        return;
    assert_true(disk->count < RIG_RECORDS_MAX);
    memmove(&disk->records[i + 1], &disk->records[i],
            (disk->count - i) * sizeof(disk->records[0]));
    snprintf(disk->records[i].key, sizeof(disk->records[i].key), "%s", key);
    buf_init(&disk->records[i].bytes, 1u << 20);
    buf_add(&disk->records[i].bytes, bytes);
    disk->count++;
}

/* Carries out the SAVEs of a step. */
RIG_UNUSED static void rig_disk_take(struct rig_disk *disk,
                                     const struct trade_effects *effects)
{
    assert_int_equal(effects->err, OK);
    for (size_t i = 0; i < effects->count; i++)
        if (effects->list[i].kind == EFFECT_SAVE)
            rig_disk_put(disk, effects->list[i].key, effects->list[i].bytes);
}

/* As if it had been killed before any task's record was written. */
RIG_UNUSED static void rig_disk_drop_tasks(struct rig_disk *disk)
{
    for (size_t i = disk->count; i-- > 0;)
        if (strstr(disk->records[i].key, "/t") != NULL)
            rig_disk_put(disk, disk->records[i].key,
                         (struct bytes){.ptr = NULL});
}

RIG_UNUSED static void rig_disk_done(struct rig_disk *disk)
{
    for (size_t i = 0; i < disk->count; i++)
        buf_done(&disk->records[i].bytes);
    disk->count = 0;
}

#endif
