#include "ledger/state/proof.h"

#include "ledger/state/mmr.h"
#include "ledger/state/smt.h"

#include <string.h>

/* Header and certificate: they belong together and a quorum stands behind. */
static enum err read_anchor(struct cursor *cursor, char kind,
                            const struct hash *chain,
                            const struct validators *set,
                            struct header *out_header, struct hash *out_id,
                            struct proof_quorum *out_quorum)
{
    struct cert cert;
    uint8_t got_kind = cursor_u8(cursor);
    uint8_t version = cursor_u8(cursor);
    if (cursor->err != OK)
        return cursor->err;
    if (got_kind != (uint8_t)kind)
        return ERR_KIND;
    if (version != PROOF_VERSION)
        return ERR_VERSION;
    header_decode(cursor, out_header);
    struct bytes cert_bytes = cursor_take(cursor, cursor_u32le(cursor));
    if (cursor->err != OK)
        return cursor->err;
    TRY(cert_decode(cert_bytes, &cert));
    if (!hash_equal(&out_header->chain, chain))
        return ERR_CHAIN;
    header_id(out_header, out_id);
    if (cert.kind != VOTE_FINALIZE || cert.on.epoch != out_header->epoch ||
        !hash_equal(&cert.on.id, out_id))
        return ERR_PROOF;
    TRY(cert_verify(&cert, set, chain));
    *out_quorum = (struct proof_quorum){.signers = cert.sig_count,
                                        .seats = set->count,
                                        .weight = cert_weight(&cert, set),
                                        .total = set->weight};
    return OK;
}

static enum err read_record(struct cursor *cursor, struct state_proof *out)
{
    uint8_t table = cursor_u8(cursor);
    out->key = cursor_take(cursor, cursor_u16le(cursor));
    uint8_t present = cursor_u8(cursor);
    if (cursor->err != OK)
        return cursor->err;
    if (present > 1 || table < STATE_ACCOUNT)
        return ERR_RANGE;
    out->table = (enum state_table)table;
    out->present = present == 1;
    if (out->present)
        out->value = cursor_take(cursor, cursor_u16le(cursor));
    return cursor->err;
}

enum err proof_check_state(struct bytes proof, const struct hash *chain,
                           const struct validators *set,
                           struct state_proof *out)
{
    struct state_proof got;
    struct cursor cursor;
    struct hash path;
    struct hash value;
    memset(&got, 0, sizeof(got));
    if (proof.len > PROOF_BYTES_MAX)
        return ERR_TOO_LARGE;
    cursor_init(&cursor, proof);
    TRY(read_anchor(&cursor, 'S', chain, set, &got.header, &got.id,
                    &got.quorum));
    TRY(read_record(&cursor, &got));
    smt_path(chain, got.table, got.key, &path);
    if (got.present)
        hash_bytes(HASH_TAG_VALUE, got.value, &value);
    TRY(smt_check(cursor.rest, &got.header.state_root, &path,
                  got.present ? &value : NULL));
    *out = got;
    return OK;
}

/* The block itself: the certified one, or one that its history has. */
static enum err read_block(struct cursor *cursor, struct tx_proof *got)
{
    uint16_t len = cursor_u16le(cursor);
    got->header = got->certified;
    got->id = got->certified_id;
    if (cursor->err != OK || len == 0)
        return cursor->err;
    header_decode(cursor, &got->header);
    struct bytes path = cursor_take(cursor, len);
    if (cursor->err != OK)
        return cursor->err;
    if (got->header.height >= got->certified.height)
        return ERR_HEIGHT;
    header_id(&got->header, &got->id);
    return mmr_check(path, got->header.height, got->certified.height, &got->id,
                     &got->certified.history_root);
}

/* Both paths lead from the same transaction: the first list has the block's
 * evidence before it. */
static enum err check_paths(struct cursor *cursor, struct tx_proof *got)
{
    struct merkle_proof tx_path;
    struct merkle_proof result_path;
    struct hash item;
    merkle_decode(cursor, &tx_path);
    merkle_decode(cursor, &result_path);
    TRY(cursor_finish(cursor));
    if (tx_path.index < result_path.index ||
        tx_path.index - result_path.index > EVIDENCE_BLOCK_MAX ||
        tx_path.count < result_path.count ||
        tx_path.count - result_path.count != tx_path.index - result_path.index)
        return ERR_PROOF;
    block_tx_item(&got->tx.id, &item);
    TRY(merkle_check(&tx_path, &item, &got->header.tx_root));
    result_hash(&got->result, &item);
    TRY(merkle_check(&result_path, &item, &got->header.receipt_root));
    got->position = result_path.index;
    return hash_equal(&got->result.tx, &got->tx.id) ? OK : ERR_PROOF;
}

enum err proof_check_tx(struct bytes proof, const struct hash *chain,
                        const struct validators *set, struct arena *arena,
                        struct tx_proof *out)
{
    struct tx_proof got;
    struct cursor cursor;
    memset(&got, 0, sizeof(got));
    if (proof.len > PROOF_BYTES_MAX)
        return ERR_TOO_LARGE;
    cursor_init(&cursor, proof);
    TRY(read_anchor(&cursor, 'T', chain, set, &got.certified, &got.certified_id,
                    &got.quorum));
    TRY(read_block(&cursor, &got));
    struct bytes tx_bytes = cursor_take(&cursor, cursor_u32le(&cursor));
    result_decode(&cursor, &got.result);
    if (cursor.err != OK)
        return cursor.err;
    TRY(tx_decode(tx_bytes, arena, &got.tx));
    TRY(tx_verify(&got.tx, chain));
    TRY(check_paths(&cursor, &got));
    *out = got;
    return OK;
}
