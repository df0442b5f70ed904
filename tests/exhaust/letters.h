#ifndef TESTS_EXHAUST_LETTERS_H
#define TESTS_EXHAUST_LETTERS_H

/* All that is ever said, each once and with a number. What is said stays to be
 * heard: by anyone, at any time, more than once, or never; that is loss, delay,
 * disorder and repetition together. Signatures and who signed a certificate
 * make no difference: docs/exhaust.md. */

#include "tests/exhaust/town.h"

#define LETTERS_MAX 512u
#define SET_WORDS   (LETTERS_MAX / 64u)

struct set {
    uint64_t w[SET_WORDS];
};

static inline bool set_has(const struct set *set, uint32_t i)
{
    return (set->w[i / 64] >> (i % 64) & 1u) != 0;
}

static inline void set_put(struct set *set, uint32_t i)
{
    set->w[i / 64] |= UINT64_C(1) << (i % 64);
}

static inline void set_join(struct set *set, const struct set *other)
{
    for (uint32_t i = 0; i < SET_WORDS; i++)
        set->w[i] |= other->w[i];
}

static inline bool set_same(const struct set *a, const struct set *b)
{
    uint64_t diff = 0;
    for (uint32_t i = 0; i < SET_WORDS; i++)
        diff |= a->w[i] ^ b->w[i];
    return diff == 0;
}

/* What can be voted: a kind and a proposal. */
struct subject {
    enum vote_kind kind;
    struct proposal on;
    uint32_t votes[PARTIES_MAX]; /* letters, NOBODY: not cast by anyone yet */
    uint32_t cert;               /* letter */
};

enum letter_kind {
    LETTER_VOTE,
    LETTER_PROPOSE,
    LETTER_CERT,   /* made of votes when it is heard */
    LETTER_FORGED, /* does not hold */
    LETTER_HALF,   /* a certificate from half of the weight */
};

struct letter {
    enum letter_kind kind;
    uint32_t from;    /* LETTER_CERT: NOBODY */
    uint32_t subject; /* LETTER_FORGED: NOBODY */
    uint64_t view;
    bool heard;    /* it can arrive */
    uint32_t need; /* the liar's: said when this one is; NOBODY: always */
    struct hash spelling;
    struct buf bytes;
    char name[64];
};

extern struct subject subjects[];
extern uint32_t subject_count;
extern struct letter letters[LETTERS_MAX];
extern uint32_t letter_count;

void letters_init(void);
/* An honest machine's vote, or proposal, leaves: what is said. */
void letters_vote(const struct vote *vote, struct set *said);
void letters_propose(struct bytes bytes, const struct sx_msg *msg,
                     struct set *said);
/* NOBODY: nobody has said it. */
uint32_t letters_named(const char *name);

/* All that is there when the honest have said this: the liar's letters and
 * certificates as well. */
void letters_around(const struct set *honest, struct set *out);
/* A letter's bytes for who hears it when this was said: its certificates are of
 * those votes, with the hearer's own when it has signed. */
struct hearing {
    const struct set *around;
    uint32_t party;
};
void letters_read(const struct letter *letter, const struct hearing *hearing,
                  struct buf *out);

/* The spelling of a message without signatures and signers. */
void letters_spell(struct bytes bytes, struct hash *out);
/* What view it speaks of; 0: none. */
uint64_t letters_view(struct bytes bytes);
void letters_name_block(const struct hash *id, char out[8]);

#endif
