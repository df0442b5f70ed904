/* The only place that signs. Every guard is here and nowhere else, so that no
 * caller, helper or repetition can go around one (docs/consensus.md). What was
 * signed once is kept and sent again as it is, never signed again. */

#include "ledger/sx/sx_room.h"

#include "base/check.h"

#include <string.h>

static bool own(const struct sx_slot *slot, enum vote_kind kind)
{
    return slot->own[kind - 1].kind == kind;
}

static bool may_notarize(const struct sx *core, const struct sx_slot *slot)
{
    if (slot->view != core->cur && !SX_MUTANT(NOTARIZE_OLD_VIEW) &&
        !SX_MUTANT(NOTARIZE_AFTER_FINALIZE))
        return false;
    if (own(slot, VOTE_NOTARIZE) && !SX_MUTANT(NOTARIZE_TWICE))
        return false;
    if (own(slot, VOTE_NULLIFY) && !SX_MUTANT(NOTARIZE_AFTER_NULLIFY))
        return false;
    return !own(slot, VOTE_FINALIZE) || SX_MUTANT(NOTARIZE_AFTER_FINALIZE);
}

static bool may_nullify(const struct sx_slot *slot)
{
    if (own(slot, VOTE_FINALIZE) && !SX_MUTANT(NULLIFY_AFTER_FINALIZE))
        return false;
    return !own(slot, VOTE_NULLIFY) || SX_MUTANT(NULLIFY_TWICE);
}

static bool may_finalize(const struct sx_slot *slot, const struct proposal *on)
{
    const struct vote *notarized = &slot->own[VOTE_NOTARIZE - 1];
    const struct cert *cert = slot->certs[VOTE_NOTARIZE - 1];
    if (own(slot, VOTE_NULLIFY) && !SX_MUTANT(FINALIZE_AFTER_NULLIFY))
        return false;
    if (own(slot, VOTE_NOTARIZE) && !same_proposal(&notarized->on, on) &&
        !SX_MUTANT(FINALIZE_OTHER))
        return false;
    if ((cert == NULL || !same_proposal(&cert->on, on)) &&
        !SX_MUTANT(FINALIZE_EARLY))
        return false;
    return !own(slot, VOTE_FINALIZE) || SX_MUTANT(FINALIZE_TWICE);
}

/* Is this node in a state to sign anything at all? */
static bool may_sign_at_all(const struct sx *core)
{
    if (core->me < 0 || core->halted != OK || core->replaying)
        return false;
    if (core->amnesia && !SX_MUTANT(SIGN_FORGETFUL))
        return false;
    if (core->twin && !SX_MUTANT(SIGN_TWIN))
        return false;
    if (!core->root_stored && !SX_MUTANT(SIGN_EARLY_EPOCH))
        return false;
    return core->mono_ms >= core->listen_until_ms || SX_MUTANT(SIGN_UNHEARD);
}

bool sx_may_sign(const struct sx *core, const struct sx_slot *slot,
                 enum vote_kind kind, const struct proposal *on)
{
    if (!may_sign_at_all(core))
        return false;
    if (slot->view <= core->final_view && !SX_MUTANT(SIGN_DECIDED))
        return false;
    switch (kind) {
    case VOTE_NOTARIZE:
        return may_notarize(core, slot);
    case VOTE_NULLIFY:
        return may_nullify(slot);
    case VOTE_FINALIZE:
        return may_finalize(slot, on);
    }
    return false;
}

static void log_vote(struct sx *core, struct sx_slot *slot,
                     const struct vote *vote)
{
    uint8_t raw[VOTE_BYTES];
    struct buf buf;
    buf_init(&buf, VOTE_BYTES);
    vote_encode(vote, &buf);
    if (buf.err != OK) {
        sx_halt(core, buf.err);
        buf_done(&buf);
        return;
    }
    memcpy(raw, buf.ptr, VOTE_BYTES);
    buf_done(&buf);
    sx_slot_log(slot, sx_log(core, SX_LOG_VOTE, BYTES_OF(raw)));
}

/* What leaves must be good: a signer of another key would have all its votes
 * refused, and alone it would fill the chain with certificates that hold for
 * nobody else. */
static enum err make_vote(const struct sx *core, enum vote_kind kind,
                          const struct proposal *on, struct vote *out)
{
    struct hash digest;
    TRY(vote_sign(kind, on, (uint16_t)core->me, chain_id(core->chain),
                  core->signer, out));
    vote_digest(kind, on, chain_id(core->chain), &digest);
    return sign_verify(&core->signer->key, &digest, &out->sig);
}

bool sx_sign(struct sx *core, struct sx_slot *slot, enum vote_kind kind,
             const struct proposal *on, bool quiet)
{
    struct proposal what = *on;
    struct vote vote;
    CHECK(slot->view == on->view && on->epoch == core->epoch);
    if (!sx_may_sign(core, slot, kind, on))
        return false;
    if (kind == VOTE_NULLIFY) {
        what.parent_view = 0;
        memset(&what.id, 0, sizeof(what.id));
    }
    enum err err = make_vote(core, kind, &what, &vote);
    if (err != OK) {
        sx_halt(core, err);
        return false;
    }
    slot->own[kind - 1] = vote;
    log_vote(core, slot, &vote);
    if (!quiet)
        sx_send_vote(core, &vote);
    sx_tally(core, &vote);
    return core->halted == OK;
}
