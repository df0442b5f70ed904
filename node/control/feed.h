#ifndef NODE_FEED_H
#define NODE_FEED_H

/* The event feed: the last things that happened, for `events.poll` and for
 * people. A ring; readers remember how far they read. Loop thread only. */

#include "base/hash.h"

#define FEED_SIZE     4096u
#define FEED_TEXT_MAX 192

enum feed_kind {
    FEED_NODE = 1,  /* "node": peers, trouble, start and stop */
    FEED_BLOCK = 2, /* "block" */
    FEED_OFFER = 3, /* "offer": one appeared, changed or lapsed */
    FEED_TRADE = 4, /* "trade": a contract was opened or settled by anyone */
    FEED_JOB = 5,   /* "job": of this node's own jobs, as a buyer */
    FEED_SELL = 6,  /* "sell": of contracts this node serves */
};
const char *feed_kind_text(enum feed_kind kind);
/* Zero for an unknown name. */
enum feed_kind feed_kind_parse(const char *text);

struct feed_event {
    uint64_t seq; /* 1, 2, ... since the node started */
    uint64_t at_ms;
    enum feed_kind kind;
    struct hash job;      /* zero: none */
    struct hash contract; /* zero: none */
    uint32_t task;        /* UINT32_MAX: none */
    uint32_t code;        /* the kind's own: a task's state, a height... */
    char text[FEED_TEXT_MAX];
};

struct feed {
    uint64_t next;
    /* Called after each new event: wakes those who wait. May be NULL. */
    void (*on_new)(void *ctx);
    void *ctx;
    struct feed_event *ring; /* FEED_SIZE */
};

MUST_USE enum err feed_init(struct feed *feed);
void feed_done(struct feed *feed);
/* Copies; sets seq. */
void feed_add(struct feed *feed, const struct feed_event *event);
/* The first event with seq > since, or NULL; *out_lost counts those between
 * that the ring no longer has. Lent until the next feed_add. */
const struct feed_event *feed_after(const struct feed *feed, uint64_t since,
                                    uint64_t *out_lost);

#endif
