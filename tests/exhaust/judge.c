#include "tests/exhaust/judge.h"

#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct broken broken;

void judge_fails(const char *format, ...)
{
    va_list args;
    if (broken.is)
        return;
    broken.is = true;
    va_start(args, format);
    vsnprintf(broken.what, sizeof(broken.what), format, args);
    va_end(args);
}

static bool is_own(const struct vote *vote)
{
    return vote->index == town.seats[machine->who];
}

/* ---- votes ---- */

static bool vote_of(const struct record *record, struct vote *out)
{
    return record->type == SX_LOG_VOTE &&
           vote_decode(bytes_make(record->bytes, record->len), out) == OK;
}

/* Is a vote of ours on the disk? */
static bool is_synced(enum vote_kind kind, const struct proposal *on)
{
    struct vote vote;
    for (uint32_t i = machine->first; i < machine->count; i++)
        if (machine->records[i].seq <= machine->synced &&
            vote_of(&machine->records[i], &vote) && vote.kind == kind &&
            same_proposal(&vote.on, on))
            return true;
    return false;
}

/* Trimmed records were synced, and left before. */
static bool was_said(enum vote_kind kind, const struct proposal *on)
{
    for (uint32_t i = 0; i < subject_count; i++)
        if (subjects[i].kind == kind && same_proposal(&subjects[i].on, on)) {
            uint32_t letter = subjects[i].votes[machine->who];
            return letter != NOBODY && set_has(&machine->said, letter);
        }
    return false;
}

static bool header_is(const struct record *record, const struct hash *id)
{
    struct cursor cursor;
    struct header header;
    struct hash own;
    if (record->type != SX_LOG_BLOCK)
        return false;
    cursor_init(&cursor, bytes_make(record->bytes, record->len));
    header_decode(&cursor, &header);
    header_id(&header, &own);
    return cursor.err == OK && hash_equal(&own, id);
}

/* Is the block in the synced log, or in the store? One that is decided, and on
 * its way there, may be voted for again: those who decided it have it. */
static bool has_block(const struct hash *id)
{
    const struct town_block *block = town_block(id);
    uint64_t height;
    if (chain_height_of(machine->chain, id, &height) == OK ||
        (block != NULL && block->height <= chain_head(machine->chain).height))
        return true;
    for (uint32_t i = machine->first; i < machine->count; i++)
        if (machine->records[i].seq <= machine->synced &&
            header_is(&machine->records[i], id))
            return true;
    return false;
}

static void check_pair(const struct vote *vote)
{
    for (uint32_t i = 0; i < subject_count; i++) {
        uint32_t letter = subjects[i].votes[machine->who];
        struct vote other = {.kind = subjects[i].kind,
                             .on = subjects[i].on,
                             .index = vote->index};
        if (letter != NOBODY && set_has(&machine->said, letter) &&
            other.on.view == vote->on.view && evidence_pair(&other, vote))
            judge_fails("evidence: %u has said two things in view %u",
                        machine->who, (unsigned)vote->on.view);
    }
}

static void check_vote(const struct vote *vote)
{
    if (was_said(vote->kind, &vote->on))
        return;
    /* A decision on the disk that closes the view is as good as the record. */
    if (!is_synced(vote->kind, &vote->on) &&
        vote->on.view > chain_tip(machine->chain).view)
        judge_fails("%u: a vote of kind %u in view %u leaves that is not on "
                    "its disk",
                    machine->who, vote->kind, (unsigned)vote->on.view);
    check_pair(vote);
    if (vote->kind != VOTE_NULLIFY &&
        vote->on.view > chain_tip(machine->chain).view &&
        !has_block(&vote->on.id))
        judge_fails("%u votes in view %u for a block that is not on its disk",
                    machine->who, (unsigned)vote->on.view);
}

void judge_log(uint8_t type, struct bytes body)
{
    struct vote vote;
    struct vote other;
    if (type == SX_LOG_BLOCK)
        town_learn(body);
    if (type != SX_LOG_VOTE)
        return;
    if (vote_decode(body, &vote) != OK || !is_own(&vote)) {
        judge_fails("%u logs a vote that is none", machine->who);
        return;
    }
    for (uint32_t i = machine->first; i < machine->count; i++)
        if (vote_of(&machine->records[i], &other) &&
            evidence_pair(&other, &vote))
            judge_fails("evidence: %u has signed two things in view %u",
                        machine->who, (unsigned)vote.on.view);
    for (uint32_t i = machine->first; i < machine->count; i++)
        if (vote.kind == VOTE_NOTARIZE &&
            vote_of(&machine->records[i], &other) &&
            other.kind == VOTE_NULLIFY && other.on.epoch == vote.on.epoch &&
            other.on.view == vote.on.view)
            judge_fails("%u notarizes in view %u, which it has given up",
                        machine->who, (unsigned)vote.on.view);
}

/* ---- what leaves ---- */

static void check_cert(struct bytes bytes)
{
    static struct cert cert;
    struct vote own;
    uint32_t seat = town.seats[machine->who];
    if (bytes.len == 0)
        return;
    if (cert_decode(bytes, &cert) != OK ||
        (cert.on.epoch == 1 && cert_verify(&cert, &town.genesis.validators,
                                           &town.genesis.chain) != OK)) {
        judge_fails("%u sends a certificate that does not hold", machine->who);
        return;
    }
    if (((uint32_t)cert.bitmap[seat / 8] >> (seat % 8) & 1u) == 0)
        return;
    own = (struct vote){.kind = cert.kind, .on = cert.on};
    own.index = (uint16_t)seat;
    check_vote(&own);
    /* Its own letter may have been lost with the process. */
    letters_vote(&own, &machine->said);
}

void judge_send(struct bytes bytes)
{
    static struct sx_msg msg;
    if (sx_msg_decode(bytes, &msg) != OK) {
        judge_fails("%u sends what cannot be read", machine->who);
        return;
    }
    if (msg.tag == SX_MSG_VOTE || msg.tag == SX_MSG_PROPOSE) {
        if (!is_own(&msg.vote))
            judge_fails("%u speaks for another", machine->who);
        check_vote(&msg.vote);
    }
    check_cert(msg.cert);
    for (uint32_t i = 0; i < msg.null_count; i++)
        check_cert(msg.nulls[i]);
    if (msg.tag == SX_MSG_VOTE)
        letters_vote(&msg.vote, &machine->said);
    if (msg.tag == SX_MSG_PROPOSE)
        letters_propose(bytes, &msg, &machine->said);
}

/* ---- the rest ---- */

/* The store need not wait for the log: a certificate in it is as good a record
 * of our vote. */
void judge_stored(struct bytes bytes)
{
    static struct cert cert;
    uint32_t seat = town.seats[machine->who];
    if (bytes.len == 0 || cert_decode(bytes, &cert) != OK ||
        ((uint32_t)cert.bitmap[seat / 8] >> (seat % 8) & 1u) == 0)
        return;
    struct vote vote = {.kind = cert.kind, .on = cert.on};
    vote.index = (uint16_t)seat;
    check_pair(&vote);
    letters_vote(&vote, &machine->said);
    /* Who is alone has nobody else to tell what it was made of. */
    vote.kind = VOTE_NOTARIZE;
    if (town.bounds.n == 1)
        letters_vote(&vote, &machine->said);
}

void judge_final(const struct sx_effect *effect)
{
    judge_stored(candidate_cert(effect->candidate));
    if (effect->height > machine->stored)
        judge_fails("%u calls block %llu final that is not on its disk",
                    machine->who, (unsigned long long)effect->height);
    for (uint32_t i = 0; i < machine->final_count; i++)
        if (machine->finals[i].height >= effect->height)
            judge_fails("%u calls block %llu final again", machine->who,
                        (unsigned long long)effect->height);
}

void judge_effect(const struct sx_effect *effect)
{
    if (effect->kind == SX_HALT)
        judge_fails("%u stops: %s", machine->who, err_name(effect->err));
    if (effect->kind == SX_PEER_BAD && town_honest((uint32_t)effect->peer - 1))
        judge_fails("honest %u calls honest %u bad: %s", machine->who,
                    (unsigned)effect->peer - 1, err_name(effect->err));
    if (effect->kind != SX_NOTICE)
        return;
    if (effect->notice == SX_NOTICE_EQUIVOCATION &&
        town_honest(town_party_at(effect->index)))
        judge_fails("%u accuses honest %u", machine->who,
                    town_party_at(effect->index));
    if (effect->notice == SX_NOTICE_TWIN)
        judge_fails("%u believes that it has a twin", machine->who);
    if (effect->notice == SX_NOTICE_AMNESIA)
        judge_fails("%u believes that it has forgotten", machine->who);
    if (effect->notice == SX_NOTICE_CLOCK)
        judge_fails("%u believes that a clock is wrong", machine->who);
}

/* ---- all together ---- */

static const struct subject *cert_in(const struct set *around,
                                     enum vote_kind kind, uint64_t view)
{
    for (uint32_t i = 0; i < subject_count; i++)
        if (subjects[i].kind == kind && subjects[i].on.view == view &&
            set_has(around, subjects[i].cert))
            return &subjects[i];
    return NULL;
}

/* A notarized proposal's parent is notarized, with its header's parent, or the
 * same block; and the views between are nullified. */
static void check_justified(const struct subject *subject,
                            const struct set *around)
{
    const struct proposal *on = &subject->on;
    const struct town_block *block = town_block(&on->id);
    struct hash parent = town.root;
    if (on->parent_view > 0) {
        const struct subject *below =
            cert_in(around, VOTE_NOTARIZE, on->parent_view);
        if (below == NULL) {
            judge_fails("view %u is notarized on view %u, which is not",
                        (unsigned)on->view, (unsigned)on->parent_view);
            return;
        }
        parent = below->on.id;
    }
    for (uint64_t v = on->parent_view + 1; v < on->view; v++)
        if (cert_in(around, VOTE_NULLIFY, v) == NULL)
            judge_fails("view %u is notarized over view %u, which is not "
                        "nullified",
                        (unsigned)on->view, (unsigned)v);
    if (hash_equal(&on->id, &parent))
        return;
    if (block == NULL || block->candidate == NULL)
        judge_fails("view %u is notarized with a block that does not execute",
                    (unsigned)on->view);
    else if (!hash_equal(&block->parent, &parent))
        judge_fails("view %u is notarized with another parent than it says",
                    (unsigned)on->view);
    else if (block->epoch != on->epoch)
        judge_fails("view %u is notarized with a block of another epoch",
                    (unsigned)on->view);
}

static void check_notarized(const struct subject *subject,
                            const struct set *around)
{
    const struct subject *first =
        cert_in(around, VOTE_NOTARIZE, subject->on.view);
    if (first != subject)
        judge_fails("two notarizations in view %u", (unsigned)subject->on.view);
    check_justified(subject, around);
}

static void check_decided(const struct subject *subject,
                          const struct set *around)
{
    uint64_t view = subject->on.view;
    const struct subject *notarized = cert_in(around, VOTE_NOTARIZE, view);
    if (cert_in(around, VOTE_NULLIFY, view) != NULL)
        judge_fails("view %u is nullified and final", (unsigned)view);
    if (notarized == NULL || !same_proposal(&notarized->on, &subject->on))
        judge_fails("view %u is final and not notarized", (unsigned)view);
    for (uint32_t i = 0; i < subject_count; i++) {
        const struct subject *other = &subjects[i];
        if (other->kind == VOTE_FINALIZE && set_has(around, other->cert) &&
            !town_is_below(&other->on.id, &subject->on.id) &&
            !town_is_below(&subject->on.id, &other->on.id))
            judge_fails("a fork: views %u and %u", (unsigned)view,
                        (unsigned)other->on.view);
    }
}

void judge_world(const struct set *around)
{
    for (uint32_t i = 0; i < subject_count && !broken.is; i++) {
        if (!set_has(around, subjects[i].cert))
            continue;
        if (subjects[i].kind == VOTE_NOTARIZE)
            check_notarized(&subjects[i], around);
        if (subjects[i].kind == VOTE_FINALIZE)
            check_decided(&subjects[i], around);
    }
}

void judge_finals(const struct final *finals, uint32_t count,
                  const struct set *around)
{
    for (uint32_t f = 0; f < count; f++) {
        const struct town_block *block = town_block(&finals[f].id);
        /* Of later epochs only who is alone decides any, and nobody counts its
         * votes there. */
        bool decided = block != NULL && block->epoch > 1 && town.bounds.n == 1;
        for (uint32_t i = 0; i < subject_count && !decided; i++)
            decided = subjects[i].kind == VOTE_FINALIZE &&
                      set_has(around, subjects[i].cert) &&
                      town_is_below(&finals[f].id, &subjects[i].on.id);
        if (!decided)
            judge_fails("block %llu is called final, and nobody decided it",
                        (unsigned long long)finals[f].height);
    }
}
