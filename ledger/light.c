/* The reader of proof files. It is written from the format in light.h and
 * shares no code with the writer but the hash and the codecs. */

#include "ledger/light.h"

#include "ledger/sx/sx_mutant.h"

#include <string.h>

struct walk {
    struct cursor cursor;
    struct light_walk at;
};

static enum err open_file(struct bytes file, struct cursor *out,
                          enum light_start *out_start)
{
    struct bytes magic = BYTES_LIT(LIGHT_MAGIC);
    if (file.len > LIGHT_BYTES_MAX)
        return ERR_TOO_LARGE;
    cursor_init(out, file);
    if (!bytes_equal(cursor_take(out, magic.len), magic))
        return ERR_PARSE;
    uint8_t version = cursor_u8(out);
    uint8_t start = cursor_u8(out);
    if (out->err != OK)
        return out->err;
    if (version != LIGHT_VERSION)
        return ERR_VERSION;
    if (start != LIGHT_GENESIS && start != LIGHT_BLOCK)
        return ERR_KIND;
    *out_start = (enum light_start)start;
    return OK;
}

/* The genesis' bytes, or the block's header; and their hash. */
static enum err take_start(struct cursor *cursor, enum light_start start,
                           struct bytes *out_bytes, struct hash *out)
{
    size_t len = HEADER_BYTES;
    const char *tag = HASH_TAG_HEADER;
    if (start == LIGHT_GENESIS) {
        len = cursor_u32le(cursor);
        tag = HASH_TAG_GENESIS;
    }
    *out_bytes = cursor_take(cursor, len);
    if (cursor->err != OK)
        return cursor->err;
    hash_bytes(tag, *out_bytes, out);
    return OK;
}

enum err light_start(struct bytes file, enum light_start *out_start,
                     struct hash *out_trusted)
{
    struct cursor cursor;
    struct bytes bytes;
    enum light_start start;
    struct hash trusted;
    TRY(open_file(file, &cursor, &start));
    TRY(take_start(&cursor, start, &bytes, &trusted));
    *out_start = start;
    *out_trusted = trusted;
    return OK;
}

/* A set that a header announces. */
static enum err take_set(struct cursor *cursor, const struct header *header,
                         struct validators *set, bool may_stay)
{
    struct hash got;
    struct hash before;
    struct bytes bytes = cursor_take(cursor, cursor_u16le(cursor));
    if (cursor->err != OK)
        return cursor->err;
    validators_hash(set, &before);
    if (bytes.len > 0 || !may_stay)
        TRY(validators_decode(bytes, set));
    validators_hash(set, &got);
    if (!hash_equal(&got, &header->next_set))
        return ERR_PROOF;
    if (bytes.len > 0 && may_stay && hash_equal(&got, &before))
        return ERR_NOT_CANONICAL;
    return OK;
}

/* ---- steps ---- */

void light_walk_start(struct light_walk *walk, const struct genesis *genesis)
{
    walk->set = genesis->validators;
    walk->chain = genesis->chain;
    walk->epoch_low = 1;
    walk->epoch = 2;
}

static enum err check_step(const struct light_walk *walk,
                           const struct light_step *step)
{
    struct cert cert;
    TRY(cert_decode(step->cert, &cert));
    if (!hash_equal(&step->header.chain, &walk->chain))
        return ERR_CHAIN;
    if (SX_MUTANT(STEP_UNSIGNED) && step->header.epoch == walk->epoch)
        return OK;
    if (step->header.epoch != walk->epoch || walk->epoch == UINT64_MAX ||
        cert.kind != VOTE_FINALIZE || cert.on.epoch != walk->epoch ||
        !hash_equal(&cert.on.id, &step->id))
        return ERR_PROOF;
    return cert_verify(&cert, &walk->set, &walk->chain);
}

/* The end of an epoch, and who signs the next. */
enum err light_walk_step(struct light_walk *walk, struct cursor *cursor,
                         struct light_step *out)
{
    struct light_step step;
    uint8_t letter = cursor_u8(cursor);
    header_decode(cursor, &step.header);
    step.cert = cursor_take(cursor, cursor_u32le(cursor));
    if (cursor->err != OK)
        return cursor->err;
    if (letter != 'E')
        return ERR_KIND;
    header_id(&step.header, &step.id);
    TRY(check_step(walk, &step));
    TRY(take_set(cursor, &step.header, &walk->set, true));
    walk->epoch++;
    walk->epoch_low = walk->epoch;
    *out = step;
    return OK;
}

/* ---- files ---- */

static enum err start_genesis(struct walk *walk, struct bytes bytes)
{
    struct genesis genesis;
    TRY(genesis_decode(bytes, &genesis));
    light_walk_start(&walk->at, &genesis);
    genesis_done(&genesis);
    return OK;
}

static enum err start_block(struct walk *walk, struct bytes bytes,
                            uint64_t *out_epoch)
{
    struct cursor cursor;
    struct header header;
    cursor_init(&cursor, bytes);
    header_decode(&cursor, &header);
    TRY(cursor_finish(&cursor));
    if (header.epoch == UINT64_MAX)
        return ERR_RANGE;
    TRY(take_set(&walk->cursor, &header, &walk->at.set, false));
    walk->at.chain = header.chain;
    walk->at.epoch_low = walk->at.epoch = header.epoch + 1;
    *out_epoch = header.epoch;
    return OK;
}

static enum err take_proof(struct walk *walk, struct arena *arena,
                           struct light_proof *out)
{
    struct bytes rest = walk->cursor.rest;
    uint64_t epoch;
    if (rest.len == 0)
        return ERR_TRUNCATED;
    if (rest.ptr[0] == 'T') {
        TRY(proof_check_tx(rest, &walk->at.chain, &walk->at.set, arena,
                           &out->tx));
        epoch = out->tx.certified.epoch;
    } else {
        TRY(proof_check_state(rest, &walk->at.chain, &walk->at.set,
                              &out->state));
        epoch = out->state.header.epoch;
    }
    out->kind = (char)rest.ptr[0];
    return epoch >= walk->at.epoch_low && epoch <= walk->at.epoch ? OK
                                                                  : ERR_PROOF;
}

enum err light_check(struct bytes file, const struct hash *trusted,
                     const struct hash *chain, struct arena *arena,
                     struct light_proof *out)
{
    struct light_proof got;
    struct walk walk;
    struct bytes start;
    memset(&got, 0, sizeof(got));
    memset(&walk, 0, sizeof(walk));
    TRY(open_file(file, &walk.cursor, &got.start));
    TRY(take_start(&walk.cursor, got.start, &start, &got.trusted));
    if (!hash_equal(&got.trusted, trusted))
        return ERR_CHAIN;
    if (got.start == LIGHT_GENESIS) {
        got.genesis = start;
        TRY(start_genesis(&walk, start));
    } else {
        TRY(start_block(&walk, start, &got.start_epoch));
    }
    if (chain != NULL && !hash_equal(chain, &walk.at.chain))
        return ERR_CHAIN;
    got.chain = walk.at.chain;
    while (walk.cursor.rest.len > 0 && walk.cursor.rest.ptr[0] == 'E') {
        struct light_step step;
        TRY(light_walk_step(&walk.at, &walk.cursor, &step));
        got.steps++;
    }
    TRY(take_proof(&walk, arena, &got));
    *out = got;
    return OK;
}
