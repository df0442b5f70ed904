#ifndef NODE_TRADE_BUY_H
#define NODE_TRADE_BUY_H

/* The buyer's side: every job this node was asked to place, task by task, from
 * the order book to the settled bill. Pure: events in, effects out. Owns the
 * order book (market/book/book.h). */

#include "market/book/book.h"
#include "market/request.h"
#include "node/trade/event.h"

#define BUY_WHY_MAX   160u
#define BUY_JOBS_MAX  1024u /* not ended */
#define BUY_ENDED_MAX 4096u /* kept at most; the oldest go, with outputs */

enum buy_state {
    BUY_WAITING = 1, /* no offer yet: reason says why and what is next */
    BUY_HOLDING = 2, /* asked a provider, waits for its quote */
    BUY_QUOTED = 3,  /* the bill is ready, the buyer has not approved */
    BUY_OPENING = 4, /* contract on its way to the chain */
    BUY_STAGING = 5,
    BUY_RUNNING = 6,
    BUY_PUBLISHING = 7,
    BUY_DELIVERED = 8, /* recorded; outputs are being fetched and verified */
    BUY_SETTLING = 9,
    BUY_EXPIRING = 10, /* provider lost: getting the money back */
    BUY_CANCELLING = 11,
    BUY_DONE = 12,   /* settled, exit code 0 */
    BUY_FAILED = 13, /* settled or never opened; reason says */
    BUY_CANCELLED = 14,
    BUY_EXPIRED = 15, /* the request's time ran out before a contract */
};
const char *buy_state_text(enum buy_state state); /* as in docs/control.md */
bool buy_state_ended(enum buy_state state);

struct buy;

struct buy_config {
    struct hash chain;
    const struct signer *signer; /* the node's key: receipts */
    struct pubkey self;
    char bulk_address[LIMIT_NAME];        /* where providers fetch from */
    uint8_t book_key[SHORT_HASH_KEY_LEN]; /* random, of the order book */
    uint32_t receipt_tolerance_permille;  /* 0: 50; of wall time against ours */
    uint64_t lost_ms; /* 0: 180 000; a provider silent for so long is lost */
    uint64_t keep_ms; /* ended jobs are forgotten then; 0: BUY_ENDED_MAX stay */
};

MUST_USE enum err buy_new(const struct buy_config *config, struct buy **out);
void buy_free(struct buy *buy);
struct book *buy_book(struct buy *buy);

/* Records that EFFECT_SAVE wrote ("buy/..."), at start, before any event. */
MUST_USE enum err buy_load(struct buy *buy, const char *key,
                           struct bytes record);
void buy_step(struct buy *buy, const struct trade_event *event,
              struct trade_effects *out);

/* ---- what the user asks; each may yield effects like a step ----
 * `id` is the request's. */

/* request and spec are encodings (copied). Draft: quotes are fetched, records
 * are not kept. First match: form, ERR_CHAIN, ERR_SIGNATURE, ERR_PARTY (agent
 * is not this node), ERR_TERMS (spec hash, resources or time differ from the
 * spec's), ERR_EXPIRED, ERR_EXISTS, ERR_NOT_FOUND (a job that it uses),
 * ERR_BOOK_FULL. */
MUST_USE enum err buy_submit(struct buy *buy, struct bytes request,
                             struct bytes spec, const char *name, bool draft,
                             uint64_t now_ms, struct trade_effects *out,
                             struct hash *out_id);
/* ERR_NOT_FOUND, ERR_SIGNATURE, ERR_TERMS, ERR_EXPIRED, ERR_STATE. */
MUST_USE enum err buy_approve(struct buy *buy, const struct hash *id,
                              struct bytes approval, uint64_t now_ms,
                              struct trade_effects *out);
/* Before approval only: releases holds and forgets. ERR_NOT_FOUND, ERR_STATE.
 */
MUST_USE enum err buy_drop(struct buy *buy, const struct hash *id,
                           uint64_t now_ms, struct trade_effects *out);
/* task UINT32_MAX: all. ERR_NOT_FOUND, ERR_STATE (all ended). */
MUST_USE enum err buy_cancel(struct buy *buy, const struct hash *id,
                             uint32_t task, uint64_t now_ms,
                             struct trade_effects *out);

/* An ended job: its records, what it wrote, and what was bought with it go. The
 * chain remembers what was paid. ERR_NOT_FOUND, ERR_STATE (it has not ended, or
 * a job that has not uses its results). */
MUST_USE enum err buy_erase(struct buy *buy, const struct hash *id,
                            uint64_t now_ms, struct trade_effects *out);

/* ---- to look at: lent until the next call that changes buy ---- */
struct buy_task {
    uint32_t task;
    uint32_t attempt;
    enum buy_state state;
    char reason[160]; /* of waiting or failing, for people; "" when none */
    enum err err;     /* the same as a code; OK when none */
    uint64_t since_ms;
    uint64_t retry_at_ms; /* WAITING: 0 = when an offer changes */
    struct pubkey provider;
    struct hash contract;  /* zero before OPENING */
    char why[BUY_WHY_MAX]; /* by what figures the provider was chosen
                              (ranking_account_format); "" not by a policy */
    bool has_score;
    uint32_t score;     /* of a composite */
    struct quote quote; /* from QUOTED on */
    bool has_quote;
    enum job_phase phase;
    uint64_t begin_ms; /* it is queued: when it begins by the provider's plan */
    uint64_t staged;
    uint64_t staged_total;
    struct receipt receipt; /* newest co-signed; seq 0 = none */
    uint64_t wall_ms;
    uint64_t cpu_ms;
    uint64_t mem_peak_mib;
    enum end_reason end;
    uint32_t exit_code;
    struct hash result; /* blob ids, once delivered */
    struct hash log;
    bool fetched;
    struct amount due;
    struct amount paid; /* these three at this attempt's settlement */
    struct amount refunded;
    struct amount slashed;
    struct amount paid_before;    /* by earlier attempts together */
    struct amount slashed_before; /* likewise, to the buyer */
    uint64_t log_len[2];          /* bytes of stdout, stderr kept here */
    bool log_eof[2];
    /* when each stage was reached; 0 = not (yet): for timings */
    uint64_t at_ms[16]; /* by enum buy_state */
};
struct buy_job {
    struct hash id;
    char name[LIMIT_NAME];
    struct request request;
    struct bytes request_bytes;
    struct bytes spec_bytes;
    bool draft;
    bool approved;
    struct amount task_cap; /* approved */
    uint64_t created_at_ms;
    uint64_t ended_at_ms; /* 0 = contracts of it have not come to their end */
    enum buy_state state; /* of the least advanced task, or how it ended; DONE
                             as soon as one of each work's copies is, where one
                             is enough (an availability) */
    uint32_t task_count;
    const struct buy_task *tasks;
};
/* NULL when unknown. */
const struct buy_job *buy_job(const struct buy *buy, const struct hash *id);
/* Is nothing added any more to a stream (0 stdout, 1 stderr) of which `kept`
 * bytes are on the disk? The engine knows of the end before the last bytes are
 * written: effects wait for the disk. */
bool buy_log_whole(const struct buy_task *task, unsigned stream, uint64_t kept);
/* In order of creation; NULL past the end. Ended ones too. */
const struct buy_job *buy_job_at(const struct buy *buy, size_t i);
/* The one after (NULL: the first), NULL at the end: to walk them all. */
const struct buy_job *buy_job_next(const struct buy *buy,
                                   const struct buy_job *after);

#endif
