#ifndef TESTS_SIM_CONSENSUS_CALENDAR_H
#define TESTS_SIM_CONSENSUS_CALENDAR_H

/* The calendar: what will happen, in order of time and, within a microsecond,
 * in the order it was written down. And letters, which several entries share.
 */

#include "base/bytes.h"

/* Bytes on their way, counted. The first bytes of a message are looked at once:
 * `head` is for people who read traces. */
struct letter {
    uint32_t refs;
    uint32_t len;
    uint64_t mark; /* of the bytes: goes into the trace */
    bool wrong;    /* pages or steps that nobody may take */
    uint8_t bytes[];
};
struct letter *letter_new(struct bytes bytes); /* with one reference */
struct letter *letter_keep(struct letter *letter);
void letter_drop(struct letter *letter); /* NULL is fine */
struct bytes letter_bytes(const struct letter *letter);

enum entry_kind {
    ENTRY_START = 1, /* node: its process begins */
    ENTRY_WAKE,      /* node, life, a: the time it was asked for */
    ENTRY_MESSAGE,   /* node, life, from, a: link generation, letter */
    ENTRY_TX,        /* node, life, letter: one transaction from a peer */
    ENTRY_LINK,      /* node, from: a link comes up */
    ENTRY_PEER,      /* node, life, from, a: the peer's number */
    ENTRY_UNLINK,    /* node, life, a: the peer's number */
    ENTRY_SYNCED,    /* node, life, a: sequence number */
    ENTRY_COMMIT,    /* node, life: the store commits a batch */
    ENTRY_STORED,    /* node, life, a: height */
    ENTRY_KILL,      /* node, life */
    ENTRY_FREE,      /* node, life: it looks at its inbox */
    ENTRY_CLIENT,    /* node: the client's number */
    ENTRY_RETRY,     /* a: the transaction's number */
    ENTRY_TROUBLE,
    ENTRY_MEND,    /* node, from: a link's faults end */
    ENTRY_UNITE,   /* the network is one again */
    ENTRY_RESTORE, /* node: a copy of its store is put back; a: made */
    ENTRY_GONE,    /* node: it ends, and is away for long */
    ENTRY_ACT,     /* node: a dishonest one has an idea */
};

struct entry {
    uint64_t at_us;
    uint64_t seq;
    enum entry_kind kind;
    uint32_t node;
    uint32_t from;
    uint32_t life;
    uint64_t a;
    uint64_t b;
    struct letter *letter; /* taken */
};

struct calendar {
    struct entry *heap;
    size_t count;
    size_t cap;
    uint64_t next_seq;
};

void calendar_done(struct calendar *calendar); /* safe on a zeroed struct */
void calendar_add(struct calendar *calendar, const struct entry *entry);
/* False when nothing is left. */
bool calendar_next(const struct calendar *calendar, uint64_t *out_us);
struct entry calendar_take(struct calendar *calendar);

#endif
