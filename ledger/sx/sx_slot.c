/* Views: the votes that were heard and the certificates they made. */

#include "ledger/sx/sx_room.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

bool same_proposal(const struct proposal *a, const struct proposal *b)
{
    return a->epoch == b->epoch && a->view == b->view &&
           a->parent_view == b->parent_view && hash_equal(&a->id, &b->id);
}

uint64_t sx_leader(const struct sx *core, uint64_t view)
{
    return leaders_at(&core->leaders, view);
}

/* ---- the row of views ---- */

struct sx_slot *sx_slot_at(const struct sx *core, uint64_t view)
{
    if (view <= core->final_view || view - core->final_view > core->slot_count)
        return NULL;
    return core->slots[view - core->final_view - 1];
}

static bool grow_row(struct sx *core, size_t need)
{
    size_t cap = core->slot_cap == 0 ? 16 : core->slot_cap;
    while (cap < need)
        cap *= 2;
    if (cap > core->slot_cap) {
        struct sx_slot **slots =
            realloc(core->slots, cap * sizeof(struct sx_slot *));
        if (slots == NULL) {
            sx_halt(core, ERR_NOMEM);
            return false;
        }
        core->slots = slots;
        core->slot_cap = cap;
    }
    while (core->slot_count < need)
        core->slots[core->slot_count++] = NULL;
    return true;
}

struct sx_slot *sx_slot_need(struct sx *core, uint64_t view)
{
    struct sx_slot *slot = sx_slot_at(core, view);
    if (slot != NULL || view <= core->final_view ||
        view - core->final_view > SX_VIEWS_MAX)
        return slot;
    if (!grow_row(core, (size_t)(view - core->final_view)))
        return NULL;
    slot = calloc(1, sizeof(*slot));
    if (slot == NULL) {
        sx_halt(core, ERR_NOMEM);
        return NULL;
    }
    slot->view = view;
    core->slots[view - core->final_view - 1] = slot;
    return slot;
}

static void free_votes(struct sx_slot *slot)
{
    for (unsigned k = 0; k < SX_KINDS; k++) {
        free(slot->votes[k]);
        slot->votes[k] = NULL;
    }
}

static void slot_free(struct sx_slot *slot)
{
    if (slot == NULL)
        return;
    free_votes(slot);
    for (unsigned k = 0; k < SX_KINDS; k++)
        free(slot->certs[k]);
    free(slot);
}

void sx_slots_drop(struct sx *core, uint64_t upto)
{
    size_t gone = core->slot_count;
    CHECK(upto >= core->final_view);
    if (upto - core->final_view < gone)
        gone = (size_t)(upto - core->final_view);
    for (size_t i = 0; i < gone; i++)
        slot_free(core->slots[i]);
    core->slot_count -= gone;
    if (core->slot_count > 0)
        memmove(core->slots, core->slots + gone,
                core->slot_count * sizeof(struct sx_slot *));
    core->final_view = upto;
}

void sx_slots_thin(struct sx *core)
{
    if (core->cur <= core->final_view + SX_VOTE_VIEWS)
        return;
    struct sx_slot *old = sx_slot_at(core, core->cur - SX_VOTE_VIEWS);
    if (old != NULL)
        free_votes(old);
}

void sx_slot_log(struct sx_slot *slot, uint64_t seq)
{
    if (slot->log_seq == 0)
        slot->log_seq = seq;
}

/* ---- evidence ---- */

static bool accused(const struct sx *core, const struct vote *vote)
{
    for (uint32_t i = 0; i < core->evidence_count; i++) {
        const struct vote *other = &core->evidence[i].a;
        if (other->index == vote->index && other->on.view == vote->on.view &&
            other->on.epoch == vote->on.epoch)
            return true;
    }
    return false;
}

void sx_accuse(struct sx *core, const struct vote *a, const struct vote *b)
{
    struct evidence evidence;
    if (evidence_make(a, b, &evidence) != OK) {
        if (!SX_MUTANT(NULLIFY_HONEST))
            return;
        evidence = (struct evidence){*a, *b};
    }
    if (core->evidence_count == SX_EVIDENCE_MAX || accused(core, a) ||
        SX_MUTANT(NO_EVIDENCE))
        return;
    core->evidence[core->evidence_count++] = evidence;
    sx_notice(core, SX_NOTICE_EQUIVOCATION, a->index);
}

bool sx_evidence_open(struct sx *core, const struct evidence *evidence)
{
    enum err err = chain_check_evidence(core->chain, evidence);
    if (err_is_fault(err))
        sx_halt(core, err);
    return err == OK;
}

/* Against everything the same validator has said in this view. */
static void compare_votes(struct sx *core, const struct sx_slot *slot,
                          const struct vote *vote)
{
    for (unsigned k = 0; k < SX_KINDS; k++) {
        const struct vote *votes = slot->votes[k];
        if (votes == NULL || votes[vote->index].kind == 0)
            continue;
        if (votes[vote->index].kind != vote->kind ||
            !same_proposal(&votes[vote->index].on, &vote->on))
            sx_accuse(core, &votes[vote->index], vote);
    }
}

bool sx_vote_adds(const struct sx *core, const struct vote *vote)
{
    const struct sx_slot *slot = sx_slot_at(core, vote->on.view);
    const struct vote *votes =
        slot != NULL ? slot->votes[vote->kind - 1] : NULL;
    if (votes == NULL || votes[vote->index].kind == 0)
        return true;
    return !same_proposal(&votes[vote->index].on, &vote->on) &&
           core->evidence_count < SX_EVIDENCE_MAX && !accused(core, vote);
}

/* ---- counting ---- */

static struct vote *votes_of(struct sx *core, struct sx_slot *slot,
                             enum vote_kind kind)
{
    struct vote **votes = &slot->votes[kind - 1];
    if (*votes == NULL)
        *votes = calloc(core->set.count, sizeof(**votes));
    if (*votes == NULL)
        sx_halt(core, ERR_NOMEM);
    return *votes;
}

static uint64_t needed(const struct sx *core)
{
    return SX_MUTANT(QUORUM_SMALL) ? core->set.weight / 2 : core->quorum;
}

static uint64_t weight_for(const struct sx *core, const struct vote *votes,
                           const struct proposal *on)
{
    uint64_t weight = 0;
    for (uint32_t i = 0; i < core->set.count; i++) {
        if (votes[i].kind != 0 && same_proposal(&votes[i].on, on))
            weight += core->set.items[i].weight;
    }
    return weight;
}

static void make_cert(struct sx *core, const struct vote *votes,
                      enum vote_kind kind, const struct proposal *on)
{
    struct cert cert;
    cert_init(&cert, kind, on, (uint16_t)core->set.count);
    for (uint32_t i = 0; i < core->set.count; i++) {
        if (votes[i].kind == 0 || !same_proposal(&votes[i].on, on))
            continue;
        enum err err = cert_add(&cert, &votes[i]);
        CHECK(err == OK);
    }
    sx_take_cert(core, &cert);
}

void sx_tally(struct sx *core, const struct vote *vote)
{
    struct sx_slot *slot = sx_slot_need(core, vote->on.view);
    if (slot == NULL)
        return;
    CHECK(vote->index < core->set.count);
    compare_votes(core, slot, vote);
    struct vote *votes = votes_of(core, slot, vote->kind);
    if (votes == NULL || votes[vote->index].kind != 0)
        return;
    votes[vote->index] = *vote;
    if (slot->certs[vote->kind - 1] == NULL &&
        weight_for(core, votes, &vote->on) >= needed(core))
        make_cert(core, votes, vote->kind, &vote->on);
}

/* ---- certificates ---- */

static uint64_t log_cert(struct sx *core, const struct cert *cert)
{
    struct buf buf;
    uint64_t seq = 0;
    buf_init(&buf, CERT_BYTES_MAX);
    cert_encode(cert, &buf);
    if (buf.err != OK)
        sx_halt(core, buf.err);
    else
        seq = sx_log(core, SX_LOG_CERT, buf_bytes(&buf));
    buf_done(&buf);
    return seq;
}

/* The quorum's word counts, also when the leader told us another one. */
static void adopt(struct sx *core, struct sx_slot *slot,
                  const struct cert *cert)
{
    slot->has_proposal = true;
    slot->on = cert->on;
    slot->invalid = false;
    slot->notarized_ms = core->mono_ms;
    core->block_mono_ms = core->mono_ms;
    if (hash_equal(&cert->on.id, &core->final_id))
        return;
    sx_block_want(core, &cert->on.id);
}

/* A certificate with our signature on something we have not signed: somebody
 * else has our key. */
static void look_for_twin(struct sx *core, const struct sx_slot *slot,
                          const struct cert *cert)
{
    static const struct vote nothing;
    const struct vote *own =
        slot != NULL ? &slot->own[cert->kind - 1] : &nothing;
    uint32_t me = (uint32_t)core->me;
    if (core->me < 0 || core->twin || core->amnesia || core->replaying ||
        ((uint32_t)cert->bitmap[me / 8] >> (me % 8) & 1u) == 0)
        return;
    if (own->kind == cert->kind && same_proposal(&own->on, &cert->on))
        return;
    core->twin = true;
    sx_notice(core, SX_NOTICE_TWIN, core->me);
}

static void spread(struct sx *core, const struct cert *cert)
{
    if (core->me < 0 || core->replaying)
        return;
    if (core->set.count <= SX_SPREAD_MAX) {
        sx_send_cert(core, 0, cert);
        return;
    }
    /* Many: the next leader and four at random; proposals carry them too. */
    uint64_t next = sx_leader(core, cert->on.view + 1);
    unsigned more = 4;
    for (uint32_t i = 0; i < core->peer_count; i++) {
        const struct sx_peer *peer = &core->peers[i];
        if (peer->index < 0)
            continue;
        if ((uint64_t)peer->index == next)
            sx_send_cert(core, peer->id, cert);
        else if (more > 0 && sx_random(core) % core->peer_count < 4) {
            sx_send_cert(core, peer->id, cert);
            more--;
        }
    }
}

static void keep_cert(struct sx *core, struct sx_slot *slot,
                      const struct cert *cert)
{
    struct cert **place = &slot->certs[cert->kind - 1];
    *place = malloc(sizeof(**place));
    if (*place == NULL) {
        sx_halt(core, ERR_NOMEM);
        return;
    }
    **place = *cert;
    if (!core->replaying)
        sx_slot_log(slot, log_cert(core, cert));
    spread(core, cert);
    if (cert->kind == VOTE_NOTARIZE)
        adopt(core, slot, cert);
    if (cert->kind == VOTE_NULLIFY && SX_MUTANT(NULL_CANCELS)) {
        free(slot->certs[VOTE_NOTARIZE - 1]);
        slot->certs[VOTE_NOTARIZE - 1] = NULL;
        slot->has_proposal = false;
    }
}

void sx_take_cert(struct sx *core, const struct cert *cert)
{
    struct sx_slot *slot = sx_slot_at(core, cert->on.view);
    if (cert->on.view <= core->final_view)
        return;
    look_for_twin(core, slot, cert);
    if (cert->kind == VOTE_FINALIZE) {
        uint64_t seq = core->replaying ? 0 : log_cert(core, cert);
        spread(core, cert);
        sx_take_final(core, cert, seq);
        return;
    }
    slot = sx_slot_need(core, cert->on.view);
    if (SX_MUTANT(NULL_CANCELS) && slot != NULL &&
        slot->certs[VOTE_NULLIFY - 1] != NULL)
        return;
    if (slot != NULL && slot->certs[cert->kind - 1] == NULL)
        keep_cert(core, slot, cert);
}

/* ---- checking ---- */

static bool stands_in_slot(const struct sx_slot *slot, const struct cert *cert,
                           uint32_t index, const struct signature *sig)
{
    const struct vote *votes =
        slot != NULL ? slot->votes[cert->kind - 1] : NULL;
    return votes != NULL && votes[index].kind != 0 &&
           same_proposal(&votes[index].on, &cert->on) &&
           memcmp(votes[index].sig.b, sig->b, sizeof(sig->b)) == 0;
}

enum err sx_check_cert(struct sx *core, const struct cert *cert)
{
    const struct sx_slot *slot = sx_slot_at(core, cert->on.view);
    struct hash digest;
    uint32_t place = 0;
    if (cert->n != core->set.count)
        return ERR_RANGE;
    if (cert_weight(cert, &core->set) < needed(core))
        return ERR_QUORUM;
    if (SX_MUTANT(CERT_UNCHECKED))
        return OK;
    vote_digest(cert->kind, &cert->on, chain_id(core->chain), &digest);
    for (uint32_t i = 0; i < cert->n; i++) {
        if (((uint32_t)cert->bitmap[i / 8] >> (i % 8) & 1u) == 0)
            continue;
        const struct signature *sig = &cert->sigs[place++];
        if (!stands_in_slot(slot, cert, i, sig))
            TRY(sign_verify(&core->set.items[i].key, &digest, sig));
    }
    return OK;
}
