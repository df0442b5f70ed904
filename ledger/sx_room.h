#ifndef LEDGER_SX_ROOM_H
#define LEDGER_SX_ROOM_H

/* What the pages of the core share. Inside ledger. */

#include "ledger/sx.h"

#define SX_FLIGHT_DECIDE 2u /* own blocks on their way to the disk */
#define SX_FLIGHT_FOLLOW 8u /* followed ones */
/* A second block is started while the first is being written only when it would
 * not be a small one. */
#define SX_AHEAD_TXS    512u
#define SX_RELAY_MS     2000u
#define SX_FETCH_MS     1000u /* without any block, ask again after this */
#define SX_FETCH_GAP_MS 200u  /* blocks came, then none for this long */
#define SX_FETCH_TRIES  5u    /* then the peer's word is forgotten */

struct sx {
    struct chain *chain;
    const struct signer *signer;
    bool decides;
    uint64_t min_interval_ms;
    uint64_t heartbeat_ms;
    uint64_t relay_ms;
    uint64_t silent_until_ms; /* decides nothing before */
    struct pool *pool;
    struct arena arena; /* of one step */
    struct sx_effect *effects;
    size_t effect_count;
    size_t effect_cap;
    struct sx_effect last_word; /* when there is no memory for effects */
    enum err halted;
    uint64_t mono_ms;
    uint64_t wall_ms;
    uint64_t wake_ms;       /* UINT64_MAX: none */
    uint64_t block_mono_ms; /* when the last block was decided here */
    uint32_t flight_txs;    /* in blocks on their way to the disk */
    /* Catching up. */
    uint64_t want_height; /* somebody's word, not a fact */
    uint64_t want_peer;
    uint64_t fetch_from;
    uint64_t fetch_mono_ms;  /* of the last question */
    uint64_t arrive_mono_ms; /* of the last block that fitted */
    unsigned fetch_tries;    /* without a block in between */
};

/* A new zeroed effect, or NULL: the core has halted for want of memory. */
struct sx_effect *sx_effect_add(struct sx *core, enum sx_effect_kind kind);
void sx_halt(struct sx *core, enum err err);
/* A timer not later than this. */
void sx_wake(struct sx *core, uint64_t at_ms);
/* Commits an executed block, decided by cert; takes the candidate. */
void sx_commit(struct sx *core, struct candidate *candidate,
               const struct cert *cert);
void sx_refuse(struct sx *core, const struct hash *id, uint64_t token,
               enum err err, uint64_t height);

/* sx_follow.c */
void sx_on_block(struct sx *core, const struct sx_event *event);
void sx_on_peer(struct sx *core, const struct sx_event *event);
void sx_fetch_more(struct sx *core);

#endif
