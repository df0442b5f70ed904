#include "tests/exhaust/letters.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUBJECTS_MAX 256u

struct subject subjects[SUBJECTS_MAX];
uint32_t subject_count;
struct letter letters[LETTERS_MAX];
uint32_t letter_count;

static void react(const struct proposal *on);

/* ---- names ---- */

void letters_name_block(const struct hash *id, char out[8])
{
    if (hash_equal(id, &town.root))
        snprintf(out, 8, "root");
    else
        snprintf(out, 8, "%02x%02x", id->b[0], id->b[1]);
}

static void name_it(struct letter *letter)
{
    static const char *const kinds[] = {"vote", "prop", "cert", "lie", "half"};
    static const char *const votes[] = {"", "n", "x", "f"};
    char block[8] = "";
    char from[12] = "";
    if (letter->from != NOBODY)
        snprintf(from, sizeof(from), "%u", letter->from);
    if (letter->subject == NOBODY) {
        snprintf(letter->name, sizeof(letter->name), "lie%u",
                 (unsigned)(letter - letters));
        return;
    }
    const struct subject *subject = &subjects[letter->subject];
    if (subject->kind != VOTE_NULLIFY)
        letters_name_block(&subject->on.id, block);
    snprintf(letter->name, sizeof(letter->name), "%s%s:%s%u.%u.%s",
             kinds[letter->kind], from, votes[subject->kind],
             (unsigned)subject->on.view, (unsigned)subject->on.parent_view,
             block);
}

uint32_t letters_named(const char *name)
{
    for (uint32_t i = 0; i < letter_count; i++)
        if (strcmp(letters[i].name, name) == 0)
            return i;
    return NOBODY;
}

/* ---- spelling ---- */

static void spell_on(struct hasher *hasher, enum vote_kind kind,
                     const struct proposal *on)
{
    hasher_add_u64(hasher, kind);
    hasher_add_u64(hasher, on->epoch);
    hasher_add_u64(hasher, on->view);
    hasher_add_u64(hasher, on->parent_view);
    hasher_add(hasher, hash_as_bytes(&on->id));
}

static void spell_cert(struct hasher *hasher, struct bytes bytes)
{
    static struct cert cert;
    hasher_add_u64(hasher, bytes.len > 0);
    if (bytes.len > 0 && cert_decode(bytes, &cert) == OK)
        spell_on(hasher, cert.kind, &cert.on);
}

void letters_spell(struct bytes bytes, struct hash *out)
{
    static struct sx_msg msg;
    struct hasher hasher;
    hasher_init(&hasher, "letter");
    CHECK(sx_msg_decode(bytes, &msg) == OK);
    hasher_add_u64(&hasher, msg.tag);
    if (msg.tag == SX_MSG_PROPOSE || msg.tag == SX_MSG_VOTE) {
        spell_on(&hasher, msg.vote.kind, &msg.vote.on);
        hasher_add_u64(&hasher, msg.vote.index);
    }
    spell_cert(&hasher, msg.cert);
    for (uint32_t i = 0; i < msg.null_count; i++)
        spell_cert(&hasher, msg.nulls[i]);
    hasher_add(&hasher, msg.block);
    hasher_add_u64(&hasher, msg.epoch);
    hasher_add_u64(&hasher, msg.view);
    hasher_add_u64(&hasher, msg.to);
    hasher_add_u64(&hasher, msg.final_view);
    hasher_add_u64(&hasher, msg.height);
    hasher_add(&hasher, hash_as_bytes(&msg.id));
    hasher_add(&hasher, msg.headers);
    hasher_finish(&hasher, out);
}

uint64_t letters_view(struct bytes bytes)
{
    static struct sx_msg msg;
    static struct cert cert;
    CHECK(sx_msg_decode(bytes, &msg) == OK);
    if (msg.tag == SX_MSG_PROPOSE || msg.tag == SX_MSG_VOTE)
        return msg.vote.on.view;
    if (msg.tag == SX_MSG_CERT && cert_decode(msg.cert, &cert) == OK)
        return cert.on.view;
    return 0;
}

/* ---- numbers ---- */

static struct letter *add_letter(enum letter_kind kind, uint32_t from,
                                 uint32_t subject, uint64_t view)
{
    struct letter *letter = &letters[letter_count];
    CHECK(letter_count < LETTERS_MAX);
    memset(letter, 0, sizeof(*letter));
    letter->kind = kind;
    letter->from = from;
    letter->subject = subject;
    letter->view = view;
    letter->need = NOBODY;
    buf_init(&letter->bytes, LIMIT_MESSAGE_BYTES);
    letter_count++;
    name_it(letter);
    return letter;
}

static void encode(struct letter *letter, const struct sx_msg *msg)
{
    sx_msg_encode(msg, &letter->bytes);
    CHECK(letter->bytes.err == OK);
    letters_spell(buf_bytes(&letter->bytes), &letter->spelling);
    /* Proposals may differ in the certificates that they carry. */
    size_t len = strlen(letter->name);
    if (letter->kind == LETTER_PROPOSE)
        snprintf(letter->name + len, sizeof(letter->name) - len, "/%02x",
                 letter->spelling.b[0]);
}

/* ---- votes ---- */

/* The liar has cast every vote as soon as there is something to vote on. */
static void add_vote(uint32_t subject, uint32_t party)
{
    struct subject *about = &subjects[subject];
    struct sx_msg msg = {.tag = SX_MSG_VOTE};
    about->votes[party] = letter_count;
    struct letter *letter =
        add_letter(LETTER_VOTE, party, subject, about->on.view);
    letter->heard = town.bounds.votes;
    town_vote(party, about->kind, &about->on, &msg.vote);
    encode(letter, &msg);
}

/* Who has said that there is such a proposal? NOBODY: the liar. */
static uint32_t proposed_by(const struct proposal *on)
{
    uint32_t leader = town.leader[on->view];
    for (uint32_t i = 0; i < subject_count && town_honest(leader); i++)
        if (subjects[i].kind == VOTE_NOTARIZE &&
            same_proposal(&subjects[i].on, on))
            return subjects[i].votes[leader];
    return NOBODY;
}

static uint32_t subject_of(enum vote_kind kind, const struct proposal *on)
{
    for (uint32_t i = 0; i < subject_count; i++)
        if (subjects[i].kind == kind && same_proposal(&subjects[i].on, on))
            return i;
    CHECK(subject_count < SUBJECTS_MAX);
    uint32_t number = subject_count++;
    struct subject *subject = &subjects[number];
    memset(subject, 0, sizeof(*subject));
    subject->kind = kind;
    subject->on = *on;
    for (uint32_t p = 0; p < PARTIES_MAX; p++)
        subject->votes[p] = NOBODY;
    subject->cert = letter_count;
    add_letter(LETTER_CERT, NOBODY, number, on->view)->heard = true;
    if (town.bounds.forged)
        add_letter(LETTER_HALF, town.bounds.liar, number, on->view)->heard =
            true;
    if (town.bounds.liar != NOBODY)
        add_vote(number, town.bounds.liar);
    return number;
}

void letters_vote(const struct vote *vote, struct set *said)
{
    uint32_t party = town_party_at(vote->index);
    if (vote->on.view > town.bounds.views || vote->on.epoch != 1)
        return;
    uint32_t subject = subject_of(vote->kind, &vote->on);
    if (subjects[subject].votes[party] == NOBODY) {
        add_vote(subject, party);
        if (vote->kind == VOTE_NOTARIZE) {
            (void)subject_of(VOTE_FINALIZE, &vote->on);
            react(&vote->on);
        }
    }
    set_put(said, subjects[subject].votes[party]);
}

/* ---- proposals ---- */

void letters_propose(struct bytes bytes, const struct sx_msg *msg,
                     struct set *said)
{
    struct hash spelling;
    if (msg->vote.on.view > town.bounds.views || msg->vote.on.epoch != 1)
        return;
    if (msg->block.len > 0)
        town_learn(msg->block);
    letters_vote(&msg->vote, said);
    letters_spell(bytes, &spelling);
    for (uint32_t i = 0; i < letter_count; i++)
        if (letters[i].kind == LETTER_PROPOSE &&
            hash_equal(&letters[i].spelling, &spelling)) {
            set_put(said, i);
            return;
        }
    set_put(said, letter_count);
    struct letter *letter =
        add_letter(LETTER_PROPOSE, town_party_at(msg->vote.index),
                   subject_of(VOTE_NOTARIZE, &msg->vote.on), msg->vote.on.view);
    letter->heard = true;
    encode(letter, msg);
}

/* The liar proposes; body NULL: the parent's block again. */
static void lie(uint64_t view, uint64_t parent_view, const struct hash *id,
                const struct town_block *body, uint32_t need)
{
    uint32_t liar = town.bounds.liar;
    struct sx_msg msg = {.tag = SX_MSG_PROPOSE};
    struct proposal on = {
        .epoch = 1, .view = view, .parent_view = parent_view, .id = *id};
    uint32_t subject = subject_of(VOTE_NOTARIZE, &on);
    for (uint32_t i = 0; i < letter_count; i++)
        if (letters[i].kind == LETTER_PROPOSE && letters[i].subject == subject)
            return;
    (void)subject_of(VOTE_FINALIZE, &on);
    struct letter *letter = add_letter(LETTER_PROPOSE, liar, subject, view);
    letter->heard = true;
    letter->need = need;
    town_vote(liar, VOTE_NOTARIZE, &on, &msg.vote);
    if (body != NULL)
        msg.block = buf_bytes(&body->bytes);
    encode(letter, &msg);
    react(&on);
}

/* On what was proposed in an earlier view, in each view that the liar leads:
 * a child, and the same again. */
static void react(const struct proposal *on)
{
    if (town.bounds.liar == NOBODY)
        return;
    uint32_t need = proposed_by(on);
    for (uint64_t v = on->view + 1; v <= town.bounds.views; v++) {
        if (town.leader[v] != town.bounds.liar)
            continue;
        const struct town_block *child = town_make(&on->id, false);
        if (child != NULL)
            lie(v, on->view, &child->id, child, need);
        if (town.bounds.more)
            lie(v, on->view, &on->id, NULL, need);
    }
}

/* On the root: two. */
static void lie_first(uint64_t view)
{
    int count = view == 1 || town.bounds.more ? 2 : 1;
    for (int empty = 0; empty < count; empty++) {
        const struct town_block *block = town_make(&town.root, empty == 1);
        lie(view, 0, &block->id, block, NOBODY);
    }
}

/* ---- what does not hold ---- */

static struct letter *add_lie(uint64_t view, const struct sx_msg *msg)
{
    struct letter *letter =
        add_letter(LETTER_FORGED, town.bounds.liar, NOBODY, view);
    letter->heard = true;
    encode(letter, msg);
    return letter;
}

/* A proposal that breaks a rule: nobody may vote for it. */
static void lie_badly(uint64_t view, const struct town_block *block)
{
    struct sx_msg msg = {.tag = SX_MSG_PROPOSE};
    struct proposal on = {.epoch = 1, .view = view, .id = block->id};
    town_vote(town.bounds.liar, VOTE_NOTARIZE, &on, &msg.vote);
    msg.block = buf_bytes(&block->bytes);
    add_lie(view, &msg);
}

/* A vote, its own or another's, with a signature that is none. */
static void lie_about(uint32_t party, uint64_t view, enum vote_kind kind)
{
    struct sx_msg msg = {.tag = SX_MSG_VOTE};
    struct proposal on = {.epoch = 1, .view = view};
    if (kind != VOTE_NULLIFY)
        on.id = town_make(&town.root, true)->id;
    town_vote(town.bounds.liar, kind, &on, &msg.vote);
    msg.vote.index = town.seats[party];
    msg.vote.sig.b[0] ^= 1;
    add_lie(view, &msg);
}

static void lie_certs(uint64_t view, enum vote_kind kind)
{
    static struct cert cert;
    struct sx_msg msg = {.tag = SX_MSG_CERT};
    struct proposal on = {.epoch = 1, .view = view};
    struct buf buf;
    if (kind != VOTE_NULLIFY)
        on.id = town_make(&town.root, true)->id;
    cert_init(&cert, kind, &on, (uint16_t)town.bounds.n);
    for (uint32_t p = 0; p < town.bounds.n; p++) {
        struct vote vote;
        town_vote(town.bounds.liar, kind, &on, &vote);
        vote.index = town.seats[p];
        CHECK(cert_add(&cert, &vote) == OK);
    }
    buf_init(&buf, CERT_BYTES_MAX);
    cert_encode(&cert, &buf);
    msg.cert = buf_bytes(&buf);
    add_lie(view, &msg);
    buf_done(&buf);
}

static void lie_all(uint64_t view)
{
    const struct town_block *good = town_make(&town.root, true);
    if (town.leader[view] != town.bounds.liar) {
        lie_badly(view, good); /* out of turn */
    } else {
        lie_badly(view, town_bend(good, false));
        lie_badly(view, town_bend(good, true));
    }
    for (unsigned k = VOTE_NOTARIZE; k <= VOTE_FINALIZE; k++) {
        lie_certs(view, (enum vote_kind)k);
        for (uint32_t p = 0; p < town.bounds.n && town.bounds.votes; p++)
            lie_about(p, view, (enum vote_kind)k);
    }
}

void letters_init(void)
{
    subject_count = letter_count = 0;
    for (uint64_t v = 1; v <= town.bounds.views; v++) {
        struct proposal on = {.epoch = 1, .view = v};
        (void)subject_of(VOTE_NULLIFY, &on);
    }
    for (uint64_t v = 1; v <= town.bounds.views; v++) {
        if (town.leader[v] == town.bounds.liar)
            lie_first(v);
        if (town.bounds.forged && town.bounds.liar != NOBODY)
            lie_all(v);
    }
}

/* ---- who has said what ---- */

static bool has_voted(const struct subject *subject, uint32_t party,
                      const struct set *honest)
{
    uint32_t letter = subject->votes[party];
    return letter != NOBODY && (!town_honest(party) || set_has(honest, letter));
}

static uint64_t weight_for(const struct subject *subject,
                           const struct set *honest)
{
    uint64_t weight = 0;
    for (uint32_t p = 0; p < town.bounds.n; p++)
        if (has_voted(subject, p, honest))
            weight += 1000;
    return weight;
}

static uint64_t half(void)
{
    return town.bounds.n * UINT64_C(500);
}

static bool is_said(const struct letter *letter, const struct set *honest)
{
    switch (letter->kind) {
    case LETTER_VOTE:
        return !town_honest(letter->from);
    case LETTER_PROPOSE:
        return !town_honest(letter->from) &&
               (letter->need == NOBODY || set_has(honest, letter->need));
    case LETTER_CERT:
        return weight_for(&subjects[letter->subject], honest) >= town.quorum;
    case LETTER_HALF:
        return weight_for(&subjects[letter->subject], honest) >= half();
    case LETTER_FORGED:
        return true;
    }
    return false;
}

void letters_around(const struct set *honest, struct set *out)
{
    *out = *honest;
    for (uint32_t i = 0; i < letter_count; i++)
        if (is_said(&letters[i], honest))
            set_put(out, i);
}

static bool add_signer(struct cert *cert, const struct subject *subject,
                       uint32_t party)
{
    struct vote vote;
    town_vote(party, subject->kind, &subject->on, &vote);
    return cert_add(cert, &vote) == OK;
}

static uint32_t find_subject(enum vote_kind kind, const struct proposal *on)
{
    for (uint32_t i = 0; i < subject_count; i++)
        if (subjects[i].kind == kind && same_proposal(&subjects[i].on, on))
            return i;
    return NOBODY;
}

/* The certificate of these votes with the hearer's own signature when it has
 * signed, and with no more of them than it takes. */
static void make_cert(const struct subject *subject, uint64_t need,
                      const struct hearing *hearing, struct buf *out)
{
    static struct cert cert;
    uint64_t weight = 0;
    cert_init(&cert, subject->kind, &subject->on, (uint16_t)town.bounds.n);
    for (uint32_t i = 0; i < town.bounds.n && weight < need; i++) {
        uint32_t p = (hearing->party + i) % town.bounds.n;
        if (has_voted(subject, p, hearing->around) &&
            add_signer(&cert, subject, p))
            weight += 1000;
    }
    buf_init(out, CERT_BYTES_MAX);
    cert_encode(&cert, out);
    CHECK(out->err == OK);
}

/* The same certificate, for this hearer. */
static void fit_cert(const struct hearing *hearing, struct bytes *cert,
                     struct buf *room)
{
    static struct cert read;
    buf_init(room, CERT_BYTES_MAX);
    if (cert->len == 0 || cert_decode(*cert, &read) != OK)
        return;
    uint32_t subject = find_subject(read.kind, &read.on);
    if (subject == NOBODY)
        return;
    make_cert(&subjects[subject], town.quorum, hearing, room);
    *cert = buf_bytes(room);
}

static void fit_proposal(const struct letter *letter,
                         const struct hearing *hearing, struct buf *out)
{
    static struct sx_msg msg;
    struct buf rooms[1 + SX_NULLS_MAX];
    CHECK(sx_msg_decode(buf_bytes(&letter->bytes), &msg) == OK);
    fit_cert(hearing, &msg.cert, &rooms[0]);
    for (uint32_t i = 0; i < msg.null_count; i++)
        fit_cert(hearing, &msg.nulls[i], &rooms[1 + i]);
    sx_msg_encode(&msg, out);
    for (uint32_t i = 0; i <= msg.null_count; i++)
        buf_done(&rooms[i]);
}

void letters_read(const struct letter *letter, const struct hearing *hearing,
                  struct buf *out)
{
    struct sx_msg msg = {.tag = SX_MSG_CERT};
    struct buf cert;
    switch (letter->kind) {
    case LETTER_VOTE:
    case LETTER_FORGED:
        buf_add(out, buf_bytes(&letter->bytes));
        break;
    case LETTER_PROPOSE:
        fit_proposal(letter, hearing, out);
        break;
    case LETTER_CERT:
    case LETTER_HALF:
        make_cert(&subjects[letter->subject],
                  letter->kind == LETTER_HALF ? half() : town.quorum, hearing,
                  &cert);
        msg.cert = buf_bytes(&cert);
        sx_msg_encode(&msg, out);
        buf_done(&cert);
        break;
    }
    CHECK(out->err == OK);
}
