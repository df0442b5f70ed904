/* Blocks that others decided: verified, executed, compared, then stored. */

#include "ledger/sx_room.h"

#include "base/check.h"

#include <string.h>

static void blame(struct sx *core, uint64_t peer, enum err err)
{
    struct sx_effect *effect = sx_effect_add(core, SX_PEER_BAD);
    if (effect == NULL)
        return;
    effect->peer = peer;
    effect->err = err;
}

struct given {
    struct header header;
    struct hash id;
    struct cert cert;
};

/* Header and certificate: form, and that they speak of each other. */
static enum err read_given(const struct sx_event *event, struct given *out)
{
    struct cursor cursor;
    cursor_init(&cursor, event->block);
    header_decode(&cursor, &out->header);
    if (cursor.err != OK)
        return cursor.err;
    header_id(&out->header, &out->id);
    TRY(cert_decode(event->cert, &out->cert));
    if (out->cert.kind != VOTE_FINALIZE ||
        out->cert.on.epoch != out->header.epoch ||
        !hash_equal(&out->cert.on.id, &out->id))
        return ERR_QUORUM;
    return OK;
}

/* What we have at a height we passed. */
static enum err own_id_at(struct sx *core, uint64_t height, struct hash *out)
{
    struct chain_tip tip = chain_tip(core->chain);
    struct chain_tip head = chain_head(core->chain);
    struct header header;
    if (height == head.height) {
        *out = head.id;
        return OK;
    }
    if (height > tip.height)
        return ERR_NOT_FOUND; /* in flight: its child will tell */
    TRY(chain_header_at(core->chain, height, &header));
    header_id(&header, out);
    return OK;
}

/* A block of the past. The same as ours, and nothing is to do. Another one with
 * a good certificate means that a quorum signed twice: nobody may go on as if
 * nothing had happened. */
static void on_past(struct sx *core, const struct sx_event *event,
                    const struct given *given)
{
    struct validators set;
    struct hash ours;
    enum err err = own_id_at(core, given->header.height, &ours);
    if (err != OK || hash_equal(&ours, &given->id))
        return;
    if (chain_set_of(core->chain, given->header.epoch, &set) == OK &&
        cert_verify(&given->cert, &set, chain_id(core->chain)) == OK) {
        sx_halt(core, ERR_PARENT);
        return;
    }
    blame(core, event->peer, ERR_QUORUM);
}

/* Was the body at fault, or we? The header is certified; a body that is not the
 * header's is the peer's doing. */
static bool body_is_foreign(const struct sx_event *event)
{
    struct block block;
    struct arena arena;
    arena_init(&arena, 64u * 1024 * 1024);
    enum err err = block_decode(event->block, &arena, &block);
    arena_done(&arena);
    return err != OK && !err_is_fault(err);
}

static void on_next(struct sx *core, const struct sx_event *event,
                    const struct given *given)
{
    struct candidate *candidate;
    enum err err = cert_verify(&given->cert, chain_validators(core->chain),
                               chain_id(core->chain));
    if (given->header.epoch != chain_next_epoch(core->chain))
        err = ERR_QUORUM;
    if (err != OK) {
        blame(core, event->peer, err);
        return;
    }
    /* Certified: this height exists. */
    if (given->header.height > core->want_height) {
        core->want_height = given->header.height;
        core->want_peer = event->peer;
    }
    if (chain_in_flight(core->chain) >= SX_FLIGHT_FOLLOW)
        return; /* asked for again when the disk has caught up */
    err = chain_execute(core->chain, NULL, event->block, event->sigs_verified,
                        core->pool, &candidate);
    if (err != OK && !err_is_fault(err) && body_is_foreign(event)) {
        blame(core, event->peer, err);
        return;
    }
    if (err != OK) {
        sx_halt(core, err);
        return;
    }
    core->arrive_mono_ms = core->mono_ms;
    core->fetch_tries = 0;
    sx_commit(core, candidate, &given->cert);
}

void sx_on_block(struct sx *core, const struct sx_event *event)
{
    struct given given;
    uint64_t head = chain_head(core->chain).height;
    enum err err = read_given(event, &given);
    if (err == OK && !hash_equal(&given.header.chain, chain_id(core->chain)))
        err = ERR_CHAIN;
    if (err != OK) {
        blame(core, event->peer, err);
        return;
    }
    if (given.header.height <= head)
        on_past(core, event, &given);
    else if (given.header.height == head + 1)
        on_next(core, event, &given);
    else
        sx_on_peer(core, &(struct sx_event){.kind = SX_EV_PEER,
                                            .peer = event->peer,
                                            .height = given.header.height});
}

void sx_on_peer(struct sx *core, const struct sx_event *event)
{
    if (event->height <= core->want_height &&
        core->want_height > chain_head(core->chain).height)
        return;
    core->want_height = event->height;
    core->want_peer = event->peer;
    core->fetch_tries = 0;
    core->fetch_from = 0;
}

/* Is it time to ask (again)? Else *out_at: when it will be. */
static bool fetch_due(const struct sx *core, uint64_t head, uint64_t *out_at)
{
    if (core->fetch_from == 0 || head + 1 >= core->fetch_from + SX_FETCH_BLOCKS)
        return true;
    *out_at = core->fetch_mono_ms + SX_FETCH_MS;
    if (head + 1 > core->fetch_from &&
        core->arrive_mono_ms + SX_FETCH_GAP_MS < *out_at)
        *out_at = core->arrive_mono_ms + SX_FETCH_GAP_MS;
    return core->mono_ms >= *out_at;
}

void sx_fetch_more(struct sx *core)
{
    uint64_t head = chain_head(core->chain).height;
    uint64_t at = 0;
    if (core->halted != OK || core->want_height <= head ||
        chain_in_flight(core->chain) >= SX_FLIGHT_FOLLOW)
        return;
    if (!fetch_due(core, head, &at)) {
        sx_wake(core, at);
        return;
    }
    if (core->fetch_tries == SX_FETCH_TRIES) {
        core->want_height = 0; /* an empty promise */
        return;
    }
    core->fetch_tries++;
    core->fetch_from = head + 1;
    core->fetch_mono_ms = core->mono_ms;
    struct sx_effect *effect = sx_effect_add(core, SX_FETCH);
    if (effect == NULL)
        return;
    effect->peer = core->want_peer;
    effect->height = head + 1;
    sx_wake(core, core->mono_ms + SX_FETCH_MS);
}
