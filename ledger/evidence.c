#include "ledger/evidence.h"

#include "base/check.h"
#include "ledger/bond.h"
#include "ledger/params.h"

#include <stdlib.h>
#include <string.h>

/* ---- the pair ---- */

static bool same_proposal(const struct proposal *a, const struct proposal *b)
{
    return a->epoch == b->epoch && a->view == b->view &&
           a->parent_view == b->parent_view && hash_equal(&a->id, &b->id);
}

bool evidence_pair(const struct vote *a, const struct vote *b)
{
    if (a->index != b->index || a->on.epoch != b->on.epoch ||
        a->on.view != b->on.view)
        return false;
    /* A nullify goes with a notarize (the view was slow), never with a
     * finalize. */
    if (a->kind == VOTE_NULLIFY || b->kind == VOTE_NULLIFY)
        return a->kind == VOTE_FINALIZE || b->kind == VOTE_FINALIZE;
    return !same_proposal(&a->on, &b->on);
}

static void vote_bytes(const struct vote *vote, uint8_t out[VOTE_BYTES])
{
    struct buf buf;
    buf_init(&buf, VOTE_BYTES);
    vote_encode(vote, &buf);
    CHECK(buf.err == OK && buf.len == VOTE_BYTES);
    memcpy(out, buf.ptr, VOTE_BYTES);
    buf_done(&buf);
}

static void evidence_bytes(const struct evidence *evidence,
                           uint8_t out[EVIDENCE_BYTES])
{
    vote_bytes(&evidence->a, out);
    vote_bytes(&evidence->b, out + VOTE_BYTES);
}

static bool is_ordered(const struct evidence *evidence)
{
    uint8_t raw[EVIDENCE_BYTES];
    evidence_bytes(evidence, raw);
    return memcmp(raw, raw + VOTE_BYTES, VOTE_BYTES) < 0;
}

enum err evidence_make(const struct vote *one, const struct vote *two,
                       struct evidence *out)
{
    struct evidence evidence = {*one, *two};
    if (!evidence_pair(one, two))
        return ERR_EVIDENCE;
    if (!is_ordered(&evidence))
        evidence = (struct evidence){*two, *one};
    CHECK(is_ordered(&evidence));
    *out = evidence;
    return OK;
}

void evidence_encode(const struct evidence *evidence, struct buf *out)
{
    vote_encode(&evidence->a, out);
    vote_encode(&evidence->b, out);
}

enum err evidence_decode(struct bytes bytes, struct evidence *out)
{
    struct evidence evidence;
    if (bytes.len != EVIDENCE_BYTES)
        return bytes.len < EVIDENCE_BYTES ? ERR_TRUNCATED : ERR_TRAILING;
    TRY(vote_decode(bytes_make(bytes.ptr, VOTE_BYTES), &evidence.a));
    TRY(vote_decode(bytes_make(bytes.ptr + VOTE_BYTES, VOTE_BYTES),
                    &evidence.b));
    if (memcmp(bytes.ptr, bytes.ptr + VOTE_BYTES, VOTE_BYTES) >= 0)
        return ERR_NOT_CANONICAL;
    if (!evidence_pair(&evidence.a, &evidence.b))
        return ERR_EVIDENCE;
    *out = evidence;
    return OK;
}

int evidence_compare(const struct evidence *a, const struct evidence *b)
{
    uint8_t raw_a[EVIDENCE_BYTES];
    uint8_t raw_b[EVIDENCE_BYTES];
    evidence_bytes(a, raw_a);
    evidence_bytes(b, raw_b);
    return memcmp(raw_a, raw_b, EVIDENCE_BYTES);
}

void evidence_hash(const struct evidence *evidence, struct hash *out)
{
    uint8_t raw[EVIDENCE_BYTES];
    evidence_bytes(evidence, raw);
    hash_bytes(HASH_TAG_EVIDENCE, BYTES_OF(raw), out);
}

static enum err check_vote(const struct vote *vote, const struct pubkey *signer,
                           const struct hash *chain)
{
    struct hash digest;
    vote_digest(vote->kind, &vote->on, chain, &digest);
    return sign_verify(signer, &digest, &vote->sig);
}

enum err evidence_check(const struct evidence *evidence,
                        const struct pubkey *signer, const struct hash *chain)
{
    if (!is_ordered(evidence))
        return ERR_NOT_CANONICAL;
    if (!evidence_pair(&evidence->a, &evidence->b))
        return ERR_EVIDENCE;
    TRY(check_vote(&evidence->a, signer, chain));
    return check_vote(&evidence->b, signer, chain);
}

/* ---- seats ---- */

#define SEAT_KEY_BYTES     9u
#define EVIDENCE_KEY_BYTES 18u

_Static_assert(EVIDENCE_SEATS * 32 <= LIMIT_STATE_VALUE, "a part is a record");

static struct bytes seat_key(uint64_t epoch, uint32_t part,
                             uint8_t out[SEAT_KEY_BYTES])
{
    u64be_put(out, epoch);
    out[8] = (uint8_t)part;
    return bytes_make(out, SEAT_KEY_BYTES);
}

static enum err put_seats(struct state *state, uint64_t epoch,
                          const struct validators *set)
{
    uint8_t key[SEAT_KEY_BYTES];
    uint8_t raw[EVIDENCE_SEATS * 32];
    uint32_t filled = 0;
    CHECK(set->count > 0 && set->count <= LIMIT_VALIDATORS);
    for (uint32_t i = 0; i < set->count; i++) {
        memcpy(raw + (size_t)filled++ * 32, set->items[i].key.b, 32);
        if (filled < EVIDENCE_SEATS && i + 1 < set->count)
            continue;
        TRY(state_put(state, STATE_SEAT,
                      seat_key(epoch, i / EVIDENCE_SEATS, key),
                      bytes_make(raw, (size_t)filled * 32)));
        filled = 0;
    }
    return OK;
}

enum err evidence_seat(struct state *state, uint64_t epoch, uint16_t index,
                       struct pubkey *out)
{
    uint8_t key[SEAT_KEY_BYTES];
    uint8_t raw[EVIDENCE_SEATS * 32];
    size_t len = 0;
    size_t at = (size_t)(index % EVIDENCE_SEATS) * 32;
    enum err err = state_read(state, STATE_SEAT,
                              seat_key(epoch, index / EVIDENCE_SEATS, key), raw,
                              sizeof(raw), &len);
    if (err == ERR_NOT_FOUND || (err == OK && at >= len))
        return ERR_VALIDATOR;
    TRY(err);
    if (len % 32 != 0)
        return ERR_CORRUPT;
    memcpy(out->b, raw + at, 32);
    return OK;
}

/* ---- forgetting ---- */

/* Keys of one table whose epoch is below a limit. */
struct old_keys {
    uint64_t limit;
    size_t key_len;
    struct buf keys; /* joined */
};

static enum err take_old(void *ctx, struct bytes key, struct bytes value)
{
    struct old_keys *old = ctx;
    (void)value;
    if (key.len != old->key_len)
        return ERR_CORRUPT;
    if (u64be_get(key.ptr) < old->limit)
        buf_add(&old->keys, key);
    return old->keys.err;
}

static enum err forget(struct state *state, enum state_table table,
                       size_t key_len, uint64_t limit)
{
    struct old_keys old = {.limit = limit, .key_len = key_len};
    buf_init(&old.keys, SIZE_MAX / 2);
    enum err err = state_each(state, table, take_old, &old);
    for (size_t at = 0; at < old.keys.len && err == OK; at += key_len)
        err =
            state_delete(state, table, bytes_make(old.keys.ptr + at, key_len));
    buf_done(&old.keys);
    return err;
}

enum err evidence_begin_epoch(struct state *state, uint64_t epoch,
                              const struct validators *set)
{
    uint64_t window;
    TRY(params_state_get(state, "evidence_epochs", &window));
    TRY(put_seats(state, epoch, set));
    if (epoch <= window)
        return OK;
    TRY(forget(state, STATE_SEAT, SEAT_KEY_BYTES, epoch - window));
    return forget(state, STATE_EVIDENCE, EVIDENCE_KEY_BYTES, epoch - window);
}

/* ---- executing ---- */

static struct bytes used_key(const struct vote *vote,
                             uint8_t out[EVIDENCE_KEY_BYTES])
{
    u64be_put(out, vote->on.epoch);
    u64be_put(out + 8, vote->on.view);
    out[16] = (uint8_t)(vote->index >> 8);
    out[17] = (uint8_t)vote->index;
    return bytes_make(out, EVIDENCE_KEY_BYTES);
}

static enum err use_once(struct state *state, const struct evidence *evidence,
                         const struct pubkey *accused)
{
    uint8_t raw[EVIDENCE_KEY_BYTES];
    uint8_t there[32];
    size_t len = 0;
    struct bytes key = used_key(&evidence->a, raw);
    enum err err =
        state_read(state, STATE_EVIDENCE, key, there, sizeof(there), &len);
    if (err != ERR_NOT_FOUND)
        return err == OK ? ERR_EVIDENCE_USED : err;
    return state_put(state, STATE_EVIDENCE, key, BYTES_OF(accused->b));
}

enum err evidence_apply(struct state *state, const struct evidence *evidence,
                        const struct block_context *context)
{
    uint64_t window;
    uint64_t epoch = evidence->a.on.epoch;
    struct pubkey accused;
    struct amount taken;
    TRY(params_state_get(state, "evidence_epochs", &window));
    if (epoch > context->epoch || context->epoch - epoch > window)
        return ERR_EVIDENCE_EPOCH;
    TRY(evidence_seat(state, epoch, evidence->a.index, &accused));
    TRY(evidence_check(evidence, &accused, &context->chain));
    TRY(use_once(state, evidence, &accused));
    /* Its bond outlives the window (params_check), else it is a bug of ours;
     * refusing is the same everywhere. */
    enum err err = bond_slash(state, &accused, context->epoch, &taken);
    return err == ERR_NOT_FOUND ? ERR_VALIDATOR : err;
}
