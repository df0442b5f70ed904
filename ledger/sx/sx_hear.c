/* Messages. Each is checked from the cheapest to the dearest, and only what
 * verified changes anything: who sent it, is it of this epoch and near this
 * view, is it new, is its signature good. */

#include "ledger/sx/sx_room.h"

#include "base/check.h"

#include <string.h>

/* ---- where the other is ---- */

/* The highest certificate we hold in this epoch: what moves a straggler. */
static const struct cert *highest_cert(const struct sx *core)
{
    for (size_t i = core->slot_count; i-- > 0;) {
        const struct sx_slot *slot = core->slots[i];
        for (unsigned k = 0; slot != NULL && k < SX_KINDS; k++) {
            if (slot->certs[k] != NULL)
                return slot->certs[k];
        }
    }
    return core->final_cert;
}

void sx_say_status(struct sx *core, struct sx_peer *peer)
{
    const struct cert *cert = highest_cert(core);
    struct buf buf;
    if (sx_crowded(core))
        return;
    struct sx_msg msg = {.tag = SX_MSG_STATUS,
                         .epoch = core->epoch,
                         .view = core->cur,
                         .final_view = core->final_view,
                         .height = chain_tip(core->chain).height,
                         .base = chain_base(core->chain)};
    buf_init(&buf, CERT_BYTES_MAX);
    if (cert != NULL && peer->index >= 0)
        cert_encode(cert, &buf);
    msg.cert = buf_bytes(&buf);
    sx_claim(core, peer->id);
    sx_send(core, peer->id, &msg);
    buf_done(&buf);
    peer->status_ms = core->mono_ms;
}

/* Validators every second, others (they are told of every block) seldom. */
void sx_statuses(struct sx *core)
{
    if (sx_crowded(core) || SX_MUTANT(NO_STATUS))
        return;
    for (uint32_t i = 0; i < core->peer_count; i++) {
        struct sx_peer *peer = &core->peers[i];
        bool close = peer->index >= 0 && core->me >= 0;
        uint64_t due =
            peer->status_ms + (close ? SX_STATUS_MS : 5 * SX_STATUS_MS);
        if (core->mono_ms >= due) {
            sx_say_status(core, peer);
            due = core->mono_ms + (close ? SX_STATUS_MS : 5 * SX_STATUS_MS);
        }
        sx_wake(core, due);
    }
}

void sx_help(struct sx *core, struct sx_peer *peer)
{
    if (core->mono_ms >= peer->status_ms + sx_pace(core) &&
        !SX_MUTANT(NO_STATUS))
        sx_say_status(core, peer);
}

/* Is a message of this epoch for us now? Who is behind is helped, who is ahead
 * is remembered: sx_ask asks. */
static bool of_this_epoch(struct sx *core, struct sx_peer *peer, uint64_t epoch)
{
    if (epoch == core->epoch || SX_MUTANT(EPOCH_ANY))
        return true;
    if (epoch < core->epoch)
        sx_help(core, peer);
    else if (epoch > peer->epoch)
        peer->epoch = epoch;
    return false;
}

static void heard(struct sx *core, struct sx_peer *peer)
{
    peer->heard_ms = core->mono_ms;
    if (peer->index >= 0)
        core->heard_ms[peer->index] = core->mono_ms;
}

/* ---- certificates ---- */

/* Is there nothing new in it? Such a one is not looked at any further. Proven
 * is its view if we hold a certificate of that kind, or a later decision. */
static bool is_known(const struct sx *core, const struct cert *cert,
                     bool *out_proven)
{
    const struct sx_slot *slot = sx_slot_at(core, cert->on.view);
    *out_proven = cert->on.view <= core->final_view ||
                  (slot != NULL && slot->certs[cert->kind - 1] != NULL);
    if (*out_proven || cert->kind == VOTE_FINALIZE)
        return *out_proven;
    return core->me < 0 || cert->on.view - core->final_view > SX_VIEWS_MAX;
}

/* Verified and taken; what we have already, and what is too far away, costs
 * nothing. OK does not mean that it holds: *out_view is the view that it proves
 * to be over, 0 where it proves none. */
static enum err take_cert(struct sx *core, struct sx_peer *peer,
                          struct bytes bytes, uint64_t *out_view)
{
    struct cert cert;
    bool proven = false;
    *out_view = 0;
    TRY(cert_decode(bytes, &cert));
    if (SX_MUTANT(STATUS_UNHELD) ||
        (SX_MUTANT(RECALL_WRAP) && cert.on.view > UINT64_MAX - 3))
        *out_view = cert.on.view;
    if (!of_this_epoch(core, peer, cert.on.epoch))
        return OK;
    if (!is_known(core, &cert, &proven)) {
        TRY(sx_check_cert(core, &cert));
        sx_take_cert(core, &cert);
        proven = true;
    }
    if (proven)
        *out_view = cert.on.view;
    return OK;
}

static void on_cert(struct sx *core, struct sx_peer *peer, struct bytes bytes)
{
    uint64_t view;
    enum err err = take_cert(core, peer, bytes, &view);
    if (err != OK)
        sx_blame(core, peer->id, err);
}

/* ---- votes ---- */

static bool have_vote(const struct sx *core, const struct vote *vote)
{
    const struct sx_slot *slot = sx_slot_at(core, vote->on.view);
    const struct vote *votes =
        slot != NULL ? slot->votes[vote->kind - 1] : NULL;
    return votes != NULL && votes[vote->index].kind != 0 &&
           same_proposal(&votes[vote->index].on, &vote->on);
}

static enum err check_vote(struct sx *core, const struct vote *vote)
{
    struct hash digest;
    if (SX_MUTANT(VOTE_UNCHECKED))
        return OK;
    vote_digest(vote->kind, &vote->on, chain_id(core->chain), &digest);
    return sign_verify(&core->set.items[vote->index].key, &digest, &vote->sig);
}

/* Is it from a validator about itself? */
static bool may_speak(struct sx *core, const struct sx_peer *peer,
                      const struct vote *vote)
{
    if (core->me < 0 || peer->index < 0 || vote->index >= core->set.count)
        return false;
    if (vote->index == peer->index || SX_MUTANT(VOTE_FOREIGN))
        return true;
    sx_blame(core, peer->id, ERR_SIGNATURE);
    return false;
}

/* Near enough to be kept? */
static bool near(struct sx *core, struct sx_peer *peer, uint64_t view)
{
    if (view <= core->final_view) {
        sx_help(core, peer);
        return false;
    }
    if (view > core->cur + 1 && !SX_MUTANT(VOTE_FUTURE)) {
        if (view > peer->view)
            peer->view = view;
        return false;
    }
    return view + SX_VOTE_VIEWS > core->cur;
}

static void on_vote(struct sx *core, struct sx_peer *peer,
                    const struct vote *vote)
{
    if (!of_this_epoch(core, peer, vote->on.epoch) ||
        !may_speak(core, peer, vote) || !near(core, peer, vote->on.view) ||
        !sx_vote_adds(core, vote))
        return;
    enum err err = check_vote(core, vote);
    if (err != OK)
        sx_blame(core, peer->id, err);
    else
        sx_tally(core, vote);
}

/* ---- proposals ---- */

static enum err take_carried(struct sx *core, struct sx_peer *peer,
                             const struct sx_msg *msg)
{
    uint64_t view;
    if (msg->cert.len > 0)
        TRY(take_cert(core, peer, msg->cert, &view));
    for (uint32_t i = 0; i < msg->null_count && core->halted == OK; i++)
        TRY(take_cert(core, peer, msg->nulls[i], &view));
    return OK;
}

/* One body a view: that of the leader's first word, or of the quorum's. More
 * would drive out those that were voted for. */
static bool is_slots_own(const struct sx *core, const struct proposal *on)
{
    const struct sx_slot *slot = sx_slot_at(core, on->view);
    return (slot != NULL && same_proposal(&slot->on, on)) ||
           SX_MUTANT(SECOND_BODY) || SX_MUTANT(EVICT_VOTED);
}

/* What the view we are in is about always has room. */
static struct sx_block *room_for(struct sx *core, const struct proposal *on)
{
    struct hash parent;
    if (on->view == core->cur && sx_parent_id(core, on->parent_view, &parent))
        return sx_block_now(core, &on->id, &parent);
    return sx_block_need(core, &on->id);
}

static enum err take_body(struct sx *core, const struct sx_msg *msg)
{
    struct sx_block *block;
    if (msg->block.len == 0 ||
        hash_equal(&msg->vote.on.id, chain_head_id(core->chain)))
        return OK; /* proposed again, it needs no body */
    if (!is_slots_own(core, &msg->vote.on))
        return OK;
    block = room_for(core, &msg->vote.on);
    return block == NULL ? OK
                         : sx_block_fill(block, msg->block, msg->tx_ids,
                                         msg->txs_verified);
}

/* The leader's first word in a view counts; a second, different one makes us
 * give the view up, and is evidence. */
static void note_proposal(struct sx *core, const struct sx_msg *msg)
{
    const struct proposal *on = &msg->vote.on;
    struct sx_slot *slot = sx_slot_need(core, on->view);
    if (slot == NULL)
        return;
    if (slot->has_proposal && !same_proposal(&slot->on, on)) {
        if (slot->certs[VOTE_NOTARIZE - 1] == NULL)
            slot->conflicted = true;
        return;
    }
    if (slot->has_proposal)
        return;
    slot->has_proposal = true;
    slot->on = *on;
    slot->heard_ms = core->mono_ms;
}

/* ERR_PROPOSER: it is not the sender's turn. */
static enum err check_proposal(struct sx *core, const struct sx_peer *peer,
                               const struct sx_msg *msg)
{
    const struct vote *vote = &msg->vote;
    if ((int)sx_leader(core, vote->on.view) != peer->index &&
        !SX_MUTANT(LEADER_ANY))
        return ERR_PROPOSER;
    return have_vote(core, vote) ? OK : check_vote(core, vote);
}

/* Of somebody who is accused for this view already it is only as long as it may
 * take back what we have for the leader's word. */
static bool is_worth_checking(const struct sx *core, const struct vote *vote)
{
    const struct sx_slot *slot = sx_slot_at(core, vote->on.view);
    if (slot == NULL || have_vote(core, vote) || sx_vote_adds(core, vote) ||
        SX_MUTANT(SECOND_BODY) || SX_MUTANT(EVICT_VOTED))
        return true;
    return slot->has_proposal && !slot->conflicted &&
           slot->certs[VOTE_NOTARIZE - 1] == NULL &&
           !same_proposal(&slot->on, &vote->on);
}

static void on_propose(struct sx *core, struct sx_peer *peer,
                       const struct sx_msg *msg)
{
    const struct vote *vote = &msg->vote;
    if (!of_this_epoch(core, peer, vote->on.epoch) ||
        !may_speak(core, peer, vote))
        return;
    /* Certificates prove themselves, and may bring us to this view. */
    enum err err = take_carried(core, peer, msg);
    (void)sx_advance(core);
    if (err == OK && near(core, peer, vote->on.view) &&
        is_worth_checking(core, vote)) {
        err = check_proposal(core, peer, msg);
        if (err == OK) {
            note_proposal(core, msg);
            err = take_body(core, msg);
        }
        if (err == OK)
            sx_tally(core, vote);
    }
    if (err_is_fault(err))
        sx_halt(core, err);
    else if (err != OK)
        sx_blame(core, peer->id, err);
}

/* ---- status ---- */

static void on_status(struct sx *core, struct sx_peer *peer,
                      const struct sx_msg *msg)
{
    uint64_t cert_view = 0;
    peer->epoch = msg->epoch;
    peer->view = msg->view;
    peer->height = msg->height;
    peer->base = msg->base;
    if (msg->cert.len > 0 && msg->epoch == core->epoch && !sx_fetching(core)) {
        enum err err = take_cert(core, peer, msg->cert, &cert_view);
        if (err != OK) {
            sx_blame(core, peer->id, err);
            return;
        }
    }
    sx_recall_hear(core, peer, msg->epoch, msg->view, cert_view);
    bool behind = msg->epoch < core->epoch ||
                  (msg->epoch == core->epoch &&
                   (msg->view < core->cur ||
                    msg->height < chain_tip(core->chain).height));
    if (behind)
        sx_help(core, peer);
}

/* ---- blocks ---- */

/* Only one that is missing: its header says which it is. */
static void on_block(struct sx *core, struct sx_peer *peer,
                     const struct sx_msg *msg)
{
    struct bytes bytes = msg->block;
    struct cursor cursor;
    struct header header;
    struct hash id;
    if (peer->owes > 0)
        peer->owes--;
    cursor_init(&cursor, bytes);
    header_decode(&cursor, &header);
    if (cursor.err != OK) {
        sx_blame(core, peer->id, cursor.err);
        return;
    }
    header_id(&header, &id);
    struct sx_block *block = sx_block_find(core, &id);
    if (block == NULL || block->bytes.len > 0)
        return;
    enum err err = sx_block_fill(block, bytes, msg->tx_ids, msg->txs_verified);
    if (err_is_fault(err))
        sx_halt(core, err);
    else if (err != OK)
        sx_blame(core, peer->id, err);
}

/* ---- all ---- */

static void dispatch(struct sx *core, struct sx_peer *peer,
                     const struct sx_msg *msg)
{
    switch (msg->tag) {
    case SX_MSG_PROPOSE:
        on_propose(core, peer, msg);
        return;
    case SX_MSG_VOTE:
        on_vote(core, peer, &msg->vote);
        return;
    case SX_MSG_CERT:
        on_cert(core, peer, msg->cert);
        return;
    case SX_MSG_STATUS:
        on_status(core, peer, msg);
        return;
    case SX_MSG_GET_CERTS:
        sx_on_get_certs(core, peer, msg);
        return;
    case SX_MSG_GET_BLOCK:
        sx_on_get_block(core, peer, &msg->id);
        return;
    case SX_MSG_BLOCK:
        on_block(core, peer, msg);
        return;
    case SX_MSG_GET_FINALS:
        sx_on_get_finals(core, peer, msg->height);
        return;
    case SX_MSG_FINALS:
        sx_on_finals(core, peer, msg);
        return;
    case SX_MSG_LINK:
        sx_on_claim(core, peer, msg);
        return;
    case SX_MSG_GET_STEPS:
        sx_on_get_steps(core, peer, msg);
        return;
    case SX_MSG_STEPS:
        sx_on_steps(core, peer, msg);
        return;
    case SX_MSG_GET_PAGES:
        sx_on_get_pages(core, peer, msg);
        return;
    case SX_MSG_PAGES:
        sx_on_pages(core, peer, msg);
        return;
    }
    CHECK(false); /* decoded: a tag is one of fourteen */
}

/* May the message bring certificates, votes or proposals: records? */
static bool adds_records(enum sx_tag tag)
{
    return tag == SX_MSG_PROPOSE || tag == SX_MSG_VOTE || tag == SX_MSG_CERT ||
           tag == SX_MSG_STATUS || tag == SX_MSG_FINALS;
}

/* While the state is nobody's, blocks and votes would find no ground. While the
 * log waits for room, what it would have to take can wait, too: all of that is
 * said again. */
static bool is_of_use(const struct sx *core, enum sx_tag tag)
{
    if (core->logged - core->synced > SX_RECORDS_MAX && adds_records(tag))
        return false;
    return !sx_fetching(core) || tag == SX_MSG_STATUS || tag == SX_MSG_LINK ||
           tag == SX_MSG_STEPS || tag == SX_MSG_PAGES;
}

void sx_on_message(struct sx *core, const struct sx_event *event)
{
    struct sx_peer *peer = sx_peer_find(core, event->peer);
    struct sx_msg msg;
    if (peer == NULL)
        return; /* the link went down meanwhile */
    enum err err = sx_msg_decode(event->bytes, &msg);
    if (err != OK) {
        sx_blame(core, event->peer, err);
        return;
    }
    msg.txs_verified = event->txs_verified;
    msg.tx_ids = event->tx_ids;
    heard(core, peer);
    if (is_of_use(core, msg.tag))
        dispatch(core, peer, &msg);
}
