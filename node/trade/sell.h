#ifndef NODE_TRADE_SELL_H
#define NODE_TRADE_SELL_H

/* The seller's side: holds, quotes, and every contract this node serves, from
 * hold to settlement. Pure: events in, effects out (trade/event.h, effect.h).
 *
 *   hold -> HELD -> (contract final) WAITING_START -> STAGING -> STARTING ->
 *   RUNNING -> PUBLISHING -> DELIVERING -> DELIVERED -> SETTLED
 *   any of them -> REFUSING -> SETTLED       (our side ends it)
 *   any of them -> CLOSING -> SETTLED        (the buyer's side ended it)
 *   HELD -> gone when its time is up; in line and after a start, when the chain
 *   has been read so far
 *
 * Queues: a hold that finds no room now can be put in line (sell_config.queue).
 * It has no capacity then, but a promise: a moment at which it has its room at
 * the latest (sched/queue/line.h). It goes its way from HELD to STAGING as any
 * other, and waits there, staged, until it is its turn. A hold without a
 * contract, or a contract without its inputs, is not drawn forward.
 *
 * Capacity: total = free + held + running, after every step; of each device,
 * too, in thousandths: who holds a device, or a share of one, holds that one.
 * It is given back when the job has ended, not when the money moves: what the
 * executor may still run is not sold again. */

#include "market/offer.h"
#include "node/trade/event.h"
#include "sched/queue/line.h"

#define SELL_HOLDS_MAX       512u
#define SELL_HOLDS_BUYER_MAX 64u
#define SELL_CONTRACTS_MAX   1024u /* not settled */
#define SELL_SETTLED_MAX     2048u /* kept at most; the oldest go early */
#define SELL_QUEUE_MAX       64u   /* that wait */
#define SELL_QUEUE_BUYER_MAX 16u   /* of one buyer's node */
/* What a job that has ended may take to be put away before another has its
 * room; and one that begins, to be started. */
#define SELL_TURN_MS 60000u

enum sell_state {
    SELL_HELD = 1,
    SELL_WAITING_START = 2,
    SELL_STAGING = 3,
    SELL_STARTING = 4,
    SELL_RUNNING = 5,
    SELL_PUBLISHING = 6,
    SELL_DELIVERING = 7, /* deliver is on its way to the chain */
    SELL_DELIVERED = 8,  /* waits for acceptance or the review's end */
    SELL_REFUSING = 9,
    SELL_SETTLED = 10, /* artefacts kept until retention ends */
    SELL_CLOSING = 11, /* the buyer expired it: claim, then settle */
};
const char *sell_state_text(enum sell_state state);

struct sell;

struct sell_config {
    struct hash chain;
    const struct signer *signer; /* the node's key: quotes and receipts */
    struct resources total;      /* what is sold in all */
    uint32_t slots;
    enum line_rule queue; /* for who finds no room now */
    uint64_t time_ms_max;
    enum arch arch;
    struct price price;
    struct grade grade;
    struct pubkey payout; /* zero: the node's own account */
    uint64_t offer_version;
    uint32_t bond_permille; /* of the cap, from the chain's parameters */
    uint64_t hold_ms;       /* 0: 120 000; a quote is good as long */
    uint64_t start_by_ms;   /* 0: 300 000 after the quote */
    uint64_t receipt_ms;    /* 0: 60 000 */
    uint64_t retention_ms;  /* 0: 24 h */
    uint32_t label_count;
    struct label labels[LIMIT_LABELS];
    struct devices devices; /* what is free does not count */
    char device_names[MACHINE_DEVICES_MAX][LIMIT_NAME]; /* no two alike */
    uint32_t taint_count;
    struct taint taints[LIMIT_TAINTS];
};

MUST_USE enum err sell_new(const struct sell_config *config, struct sell **out);
void sell_free(struct sell *sell);
/* New prices, capacity, labels: for quotes from now on. Capacity below what is
 * in use is allowed: nothing new fits until enough has ended. */
void sell_configure(struct sell *sell, const struct sell_config *config);
/* on: new holds are taken. Off: ERR_NOT_SELLING; what runs goes on. */
void sell_open(struct sell *sell, bool on);
/* Ends every hold, and every contract whose job has not run to its end, with
 * END_PROVIDER_DRAIN: buyers get their money back, and after start_by a part of
 * the bond. Yields effects like a step. */
void sell_abandon(struct sell *sell, uint64_t now_ms,
                  struct trade_effects *out);
/* The disk that volumes, blobs, images and the node's own records share: told
 * before every step, since what was taken meanwhile is missing in it. */
struct sell_disk {
    bool known;           /* false: nothing is limited by it */
    bool is_short;        /* others filled it: nothing new at all */
    uint64_t free_mib;    /* of the file system, now */
    uint64_t reserve_mib; /* never promised to anybody */
    uint64_t coming_mib;  /* blobs on their way here, not written yet */
};
void sell_disk(struct sell *sell, const struct sell_disk *disk);
/* The disk that jobs were promised and have not taken yet. A volume is taken in
 * whole when its job starts. */
uint64_t sell_disk_promised_mib(const struct sell *sell);
/* The largest disk that one more job can be promised: what is free, without the
 * reserve, what comes, what was promised, and room for the largest job's
 * outputs on their way out. UINT64_MAX when the disk is not known. */
uint64_t sell_disk_room_mib(const struct sell *sell);
/* The free money of the node's account, for bonds: told after each block. */
void sell_balance(struct sell *sell, struct amount balance);

/* A record that EFFECT_SAVE wrote ("sell/..."), at start, before any event.
 * Refuses what does not decode. */
MUST_USE enum err sell_load(struct sell *sell, const char *key,
                            struct bytes record);
/* out is reset first and lent until the next step. */
void sell_step(struct sell *sell, const struct trade_event *event,
               struct trade_effects *out);

/* ---- to look at ---- */
struct sell_view {
    struct hash contract; /* id it has or will have */
    struct hash request;
    uint32_t task;
    uint32_t attempt;
    enum sell_state state;
    struct pubkey buyer;
    struct pubkey agent;
    struct resources resources;
    struct device_wish wish;
    char devices[MACHINE_DEVICES_MAX][LIMIT_NAME]; /* the first wish.count */
    struct amount cap;
    struct amount due;
    uint32_t receipt_seq;
    uint64_t wall_ms;
    uint64_t cpu_ms;
    uint64_t staged;
    uint64_t staged_total;
    uint64_t since_ms; /* of the state */
    uint64_t start_by_ms;
    enum end_reason reason;
    bool queued;          /* it waits for its room: */
    uint32_t ahead;       /* how many came before and wait */
    uint64_t begin_by_ms; /* it has it by then, as promised */
    uint64_t planned_ms;  /* by the plan; LINE_NEVER: it has none */
};
/* The i-th, in order of arrival; false past the end. */
bool sell_view(const struct sell *sell, size_t i, struct sell_view *out);
struct sell_capacity {
    struct resources total;
    struct resources held;
    struct resources running;
    struct resources free;
    uint32_t slots_free;
    struct devices devices; /* with what of each is free */
};
void sell_capacity(const struct sell *sell, struct sell_capacity *out);
/* Who waits, as an offer has it. */
void sell_queue(const struct sell *sell, uint64_t now_ms,
                struct offer_queue *out);
/* What a buyer is told is free: the capacity, with no more disk than there is
 * room for. */
void sell_free_now(const struct sell *sell, struct resources *out);

#endif
