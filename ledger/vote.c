#include "ledger/vote.h"

#include "base/check.h"
#include "ledger/vote_codec.h"

#include <string.h>

static void put_signed(enum vote_kind kind, const struct proposal *on,
                       uint8_t out[VOTE_SIGNED_BYTES])
{
    out[0] = (uint8_t)kind;
    u64le_put(out + 1, on->epoch);
    u64le_put(out + 9, on->view);
    u64le_put(out + 17, on->parent_view);
    memcpy(out + 25, on->id.b, HASH_LEN);
}

void vote_signed_encode(enum vote_kind kind, const struct proposal *on,
                        struct buf *out)
{
    uint8_t raw[VOTE_SIGNED_BYTES];
    put_signed(kind, on, raw);
    buf_add(out, BYTES_OF(raw));
}

void vote_signed_decode(struct cursor *cursor, enum vote_kind *out_kind,
                        struct proposal *out_on)
{
    uint8_t kind = cursor_u8(cursor);
    out_on->epoch = cursor_u64le(cursor);
    out_on->view = cursor_u64le(cursor);
    out_on->parent_view = cursor_u64le(cursor);
    cursor_copy(cursor, out_on->id.b, HASH_LEN);
    *out_kind = VOTE_NOTARIZE;
    if (cursor->err != OK)
        return;
    if (kind < VOTE_NOTARIZE || kind > VOTE_FINALIZE) {
        cursor->err = ERR_KIND;
        return;
    }
    *out_kind = (enum vote_kind)kind;
    if (proposal_is_malformed(out_on))
        cursor->err = ERR_RANGE;
    else if (kind == VOTE_NULLIFY &&
             (out_on->parent_view != 0 || !hash_is_zero(&out_on->id)))
        cursor->err = ERR_NOT_CANONICAL;
}

bool proposal_is_malformed(const struct proposal *on)
{
    return on->view == 0 || on->parent_view >= on->view;
}

void vote_digest(enum vote_kind kind, const struct proposal *on,
                 const struct hash *chain, struct hash *out)
{
    uint8_t raw[VOTE_SIGNED_BYTES];
    put_signed(kind, on, raw);
    sign_digest(HASH_TAG_VOTE, chain, BYTES_OF(raw), out);
}

enum err vote_sign(enum vote_kind kind, const struct proposal *on,
                   uint16_t index, const struct hash *chain,
                   const struct signer *signer, struct vote *out)
{
    struct hash digest;
    struct signature sig;
    CHECK(!proposal_is_malformed(on));
    CHECK(index < LIMIT_VALIDATORS);
    vote_digest(kind, on, chain, &digest);
    TRY(signer->sign(signer->ctx, HASH_TAG_VOTE, &digest, &sig));
    *out = (struct vote){.kind = kind, .on = *on, .index = index, .sig = sig};
    return OK;
}

void vote_encode(const struct vote *vote, struct buf *out)
{
    vote_signed_encode(vote->kind, &vote->on, out);
    buf_add_u16le(out, vote->index);
    buf_add(out, BYTES_OF(vote->sig.b));
}

enum err vote_decode(struct bytes bytes, struct vote *out)
{
    struct cursor cursor;
    struct vote vote;
    memset(&vote, 0, sizeof(vote));
    cursor_init(&cursor, bytes);
    vote_signed_decode(&cursor, &vote.kind, &vote.on);
    vote.index = cursor_u16le(&cursor);
    cursor_copy(&cursor, vote.sig.b, sizeof(vote.sig.b));
    TRY(cursor_finish(&cursor));
    if (vote.index >= LIMIT_VALIDATORS)
        return ERR_RANGE;
    *out = vote;
    return OK;
}
