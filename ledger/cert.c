#include "ledger/cert.h"

#include "base/check.h"
#include "ledger/vote_codec.h"

#include <string.h>

static bool has_bit(const struct cert *cert, uint32_t index)
{
    return (((uint32_t)cert->bitmap[index / 8] >> (index % 8)) & 1u) != 0;
}

static bool same_proposal(const struct proposal *a, const struct proposal *b)
{
    return a->epoch == b->epoch && a->view == b->view &&
           a->parent_view == b->parent_view && hash_equal(&a->id, &b->id);
}

void cert_init(struct cert *cert, enum vote_kind kind,
               const struct proposal *on, uint16_t n)
{
    CHECK(n > 0 && n <= LIMIT_VALIDATORS);
    memset(cert, 0, sizeof(*cert));
    cert->kind = kind;
    cert->on = *on;
    cert->n = n;
}

enum err cert_add(struct cert *cert, const struct vote *vote)
{
    uint32_t place = 0;
    if (vote->kind != cert->kind || !same_proposal(&vote->on, &cert->on))
        return ERR_KIND;
    if (vote->index >= cert->n)
        return ERR_RANGE;
    if (has_bit(cert, vote->index))
        return ERR_EXISTS;
    CHECK(cert->sig_count < cert->n);
    for (uint32_t i = 0; i < vote->index; i++)
        place += has_bit(cert, i);
    memmove(&cert->sigs[place + 1], &cert->sigs[place],
            (cert->sig_count - place) * sizeof(cert->sigs[0]));
    cert->sigs[place] = vote->sig;
    cert->sig_count++;
    cert->bitmap[vote->index / 8] |= (uint8_t)(1u << (vote->index % 8));
    return OK;
}

uint64_t cert_weight(const struct cert *cert, const struct validators *set)
{
    uint64_t weight = 0;
    for (uint32_t i = 0; i < set->count && i < cert->n; i++)
        weight += has_bit(cert, i) ? set->items[i].weight : 0;
    CHECK(weight <= set->weight);
    return weight;
}

enum err cert_verify(const struct cert *cert, const struct validators *set,
                     const struct hash *chain)
{
    struct hash digest;
    uint32_t place = 0;
    if (cert->n != set->count)
        return ERR_RANGE;
    if (cert_weight(cert, set) < validators_quorum(set))
        return ERR_QUORUM;
    vote_digest(cert->kind, &cert->on, chain, &digest);
    for (uint32_t i = 0; i < cert->n; i++) {
        if (!has_bit(cert, i))
            continue;
        CHECK(place < cert->sig_count);
        TRY(sign_verify(&set->items[i].key, &digest, &cert->sigs[place++]));
    }
    CHECK(place == cert->sig_count);
    return OK;
}

void cert_encode(const struct cert *cert, struct buf *out)
{
    CHECK(cert->n > 0 && cert->n <= LIMIT_VALIDATORS);
    vote_signed_encode(cert->kind, &cert->on, out);
    buf_add_u16le(out, cert->n);
    buf_add(out, bytes_make(cert->bitmap, (cert->n + 7u) / 8u));
    for (uint32_t i = 0; i < cert->sig_count; i++)
        buf_add(out, BYTES_OF(cert->sigs[i].b));
}

/* Counts the signers; false when a bit past n is set. */
static bool count_bits(struct cert *cert)
{
    for (uint32_t i = 0; i < CERT_BITMAP_MAX * 8; i++) {
        if (!has_bit(cert, i))
            continue;
        if (i >= cert->n)
            return false;
        cert->sig_count++;
    }
    return true;
}

enum err cert_decode(struct bytes bytes, struct cert *out)
{
    struct cursor cursor;
    memset(out, 0, sizeof(*out));
    cursor_init(&cursor, bytes);
    vote_signed_decode(&cursor, &out->kind, &out->on);
    out->n = cursor_u16le(&cursor);
    if (cursor.err != OK)
        return cursor.err;
    if (out->n == 0 || out->n > LIMIT_VALIDATORS)
        return ERR_RANGE;
    cursor_copy(&cursor, out->bitmap, (out->n + 7u) / 8u);
    if (!count_bits(out))
        return ERR_NOT_CANONICAL;
    for (uint32_t i = 0; i < out->sig_count; i++)
        cursor_copy(&cursor, out->sigs[i].b, sizeof(out->sigs[i].b));
    return cursor_finish(&cursor);
}
