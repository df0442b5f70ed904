#ifndef NODE_TRADE_EVENT_H
#define NODE_TRADE_EVENT_H

/* What happens to the trade engines. One struct for both, filled by the shell.
 * Everything lent is valid until the step returns. */

#include "node/trade/effect.h"

enum trade_event_kind {
    TRADE_TICK = 1,   /* time passed: a wake-up that was asked for */
    TRADE_MESSAGE,    /* peer, message: a wire message of kinds 20..39 */
    TRADE_PEER_UP,    /* peer */
    TRADE_PEER_DOWN,  /* peer */
    TRADE_CONTRACT,   /* contract: its record changed on the final chain */
    TRADE_TX_REFUSED, /* subject, tx_kind, err: an EFFECT_TX will not happen */
    TRADE_FETCHED,    /* id, subject, err: a blob is here, or will not come */
    TRADE_FETCHING,   /* id, subject, done, total: progress */
    TRADE_EXEC_STATE, /* subject, exec: what the executor says */
    TRADE_EXEC_COLLECTED, /* subject, err, result, log, result_bytes */
    TRADE_EXEC_GONE, /* the executor is down; running jobs are unknown until
                        it is back and TRADE_EXEC_STATE comes again for each */
    TRADE_USE,       /* id, task: what an EFFECT_LOOK asked for; subject: for
                        whom; contract: the task's newest attempt, or NULL */
    TRADE_OFFER,     /* buy only: the book changed; provider = peer */
};

enum exec_phase {
    EXEC_STARTING = 1,
    EXEC_RUNNING = 2,
    EXEC_FINISHED = 3,
    EXEC_FAILED = 4, /* could not be started; text says why */
    EXEC_UNKNOWN = 5 /* the executor has no such job */
};
struct exec_state {
    enum exec_phase phase;
    enum end_reason
        reason; /* EXEC_FINISHED: DONE, JOB_FAILED, TIME_LIMIT, ... */
    uint32_t exit_code;
    uint64_t wall_ms;
    uint64_t cpu_ms;
    uint64_t mem_peak_mib;
    uint64_t stdout_bytes;
    uint64_t stderr_bytes;
    bool unfit; /* EXEC_FAILED: what the buyer sent cannot be run anywhere */
    char text[160];
};

struct trade_event {
    enum trade_event_kind kind;
    uint64_t now_ms;        /* wall clock, never falls (the shell clamps) */
    uint64_t chain_time_ms; /* of the newest final block */
    struct pubkey peer;
    struct hash subject;
    struct hash id;
    uint32_t task;
    uint32_t tx_kind;
    enum err err;
    uint64_t done;
    uint64_t total;
    struct hash result;
    struct hash log;
    uint64_t result_bytes;
    struct bytes message;
    const struct contract *contract;
    const struct exec_state *exec;
};

#endif
