#ifndef LEDGER_STATE_STATE_H
#define LEDGER_STATE_STATE_H

/* The chain's current state as keyed records: what is read and written while a
 * block is executed. A state is an overlay (changed records in memory) on a
 * parent overlay or on the finalised store; nothing touches the disk until the
 * block is final. Keys and values are bytes; each record belongs to a table. */

#include "base/arena.h"
#include "base/bytes.h"
#include "base/hash.h"

/* The tables of the state tree. Numbers enter the tree's paths: append only. */
enum state_table {
    STATE_ACCOUNT = 1, /* pubkey -> account */
    STATE_VAULT = 2,   /* id 32 -> money locked, with no owner but its rules */
    STATE_PARAMS = 3,  /* chain parameters and supply */
    STATE_VALIDATOR = 4, /* pubkey -> bond */
    STATE_CONTRACT = 5,  /* market's */
    STATE_TASK = 6,      /* market's: request id | index -> latest contract */
    STATE_STAKE = 7,     /* one record: the bonds in sum (bond.h) */
    STATE_SEAT = 8,      /* epoch, part -> the keys of its set (evidence.h) */
    STATE_EVIDENCE = 9,  /* epoch, view, index: used (evidence.h) */
};

struct state;

/* Looks a record up through the overlays. out_value is copied into the arena.
 * ERR_NOT_FOUND, or a fault of the store. */
MUST_USE enum err state_get(struct state *state, enum state_table table,
                            struct bytes key, struct arena *arena,
                            struct bytes *out_value);
/* The same into the caller's fixed memory, for small records. ERR_NOT_FOUND,
 * ERR_CORRUPT when the value is longer than cap, or a fault. */
MUST_USE enum err state_read(struct state *state, enum state_table table,
                             struct bytes key, void *out, size_t cap,
                             size_t *out_len);
/* Copies key and value. ERR_TOO_LARGE above LIMIT_STATE_VALUE, ERR_NOMEM. */
MUST_USE enum err state_put(struct state *state, enum state_table table,
                            struct bytes key, struct bytes value);
/* Deleting what is not there is OK. */
MUST_USE enum err state_delete(struct state *state, enum state_table table,
                               struct bytes key);

/* A mark to return to when a transaction is refused half way. */
struct state_mark {
    size_t mark;
};
struct state_mark state_mark(struct state *state);
void state_rollback(struct state *state, struct state_mark mark);

/* Calls back for every record of a table in key order, overlays applied. Stops
 * early when fn returns other than OK and returns that. For audits, RPC lists
 * and start-up; consensus never scans. */
typedef enum err (*state_each_fn)(void *ctx, struct bytes key,
                                  struct bytes value);
MUST_USE enum err state_each(struct state *state, enum state_table table,
                             state_each_fn fn, void *ctx);

#endif
