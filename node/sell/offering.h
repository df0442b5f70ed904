#ifndef NODE_OFFERING_H
#define NODE_OFFERING_H

/* What this node sells: the offer as the configuration has it and `sell.offer
 * set` changed it, whether it is on the market, and the measured grade. Makes
 * the offers that are gossiped and configures the selling engine.
 *
 * Records: "sell-offer" (what was set), "sell-version" (above every version
 * that was ever given out), "grade". Loop thread only. */

#include "market/offer.h"
#include "node/sell/accel.h"
#include "node/sell/bench.h"
#include "node/node.h"

struct offering;

/* After config, records, sensed, genesis, key and signer; before sell_new.
 * Loads node->grade too. ERR_CONFIG: node->config.error says which value and
 * why. ERR_NOMEM, and faults of the records. */
MUST_USE enum err offering_new(struct node *node, struct offering **out);
/* Before the loop's last run. NULL is fine. */
void offering_free(struct offering *offering);

/* Nodes a job with these devices gets, at most. */
#define OFFERING_NODES_MAX                                                     \
    (MACHINE_DEVICES_MAX + DEVICE_GROUPS_MAX * ACCEL_SHARED_MAX)
/* The device nodes for devices of the offer, a mask by number: their own, then
 * those that all of a group share. Lent until the offering is freed. Returns
 * how many. */
uint32_t offering_nodes(const struct offering *offering, uint32_t devices,
                        const char *out[OFFERING_NODES_MAX]);
/* Appends only their own, by commas: SUAN_DEVICES. */
void offering_device_paths(const struct offering *offering, uint32_t devices,
                           struct buf *out);

/* The prices of devices as they are set now; lent until they change. */
const char *offering_device_hour(const struct node *node);
/* The rule of the queue as it is set now. */
enum line_rule offering_queue(const struct node *node);

/* For sell_new; later changes are handed to node->sell from here. */
void offering_sell_config(struct node *node, struct sell_config *out);

/* Call about once a second with any clock that never falls: opens and closes
 * the selling engine as the executor comes and goes, starts the first
 * measurement, and says whether a new version is to be made and gossiped now
 * (something changed, a third of its life is over, or it is withdrawn). */
bool offering_due(struct node *node, uint64_t now_ms);
/* The next version, signed. When selling has ended: one that takes no job and
 * lapses at once. ERR_NOT_SELLING (nothing to say), ERR_CONFIG (no address that
 * others can use: offering_why_not says so), or a fault. */
MUST_USE enum err offering_make(struct node *node, struct offer *out);

/* What would be made now, unsigned and without a new version: for people. */
void offering_show(struct node *node, struct offer *out);

/* ---- what the user wants ---- */

/* Fields to change; `mask` says which. */
enum {
    OFFERING_NAME = 1u << 0,
    OFFERING_CPU = 1u << 1,
    OFFERING_MEM = 1u << 2,
    OFFERING_DISK = 1u << 3,
    OFFERING_SLOTS = 1u << 4,
    OFFERING_TIME = 1u << 5,
    OFFERING_CPU_HOUR = 1u << 6,
    OFFERING_MEM_HOUR = 1u << 7,
    OFFERING_DISK_HOUR = 1u << 8,
    OFFERING_LABELS = 1u << 9,
    OFFERING_PAYOUT = 1u << 10,
    OFFERING_NIC = 1u << 11,
    OFFERING_TAINTS = 1u << 12,
    OFFERING_DEVICE_HOUR = 1u << 13,
    OFFERING_QUEUE = 1u << 14,
    OFFERING_ALL = (1u << 15) - 1,
};
#define OFFERING_DEVICE_HOUR_MAX 256u
struct offering_set {
    uint32_t mask;
    char name[LIMIT_NAME];
    struct resources total;
    uint32_t slots;
    uint64_t time_ms_max;
    struct price price;
    struct pubkey payout;
    uint32_t label_count;
    struct label labels[LIMIT_LABELS];
    uint32_t taint_count;
    struct taint taints[LIMIT_TAINTS];
    char device_hour[OFFERING_DEVICE_HOUR_MAX]; /* accel_price */
    enum line_rule queue; /* for holds that find no room */
};
/* What is wrong with a change, for people. */
struct offering_fault {
    char what[200];
    char next[160];
};
/* Could this machine offer that? ERR_RANGE, fault filled. Pure. */
MUST_USE enum err offering_set_check(const struct offering_set *set,
                                     const struct sensed *sensed,
                                     struct offering_fault *fault);
/* Keeps it durably and tells the engine; the next offering_due is true.
 * ERR_RANGE with the fault filled, and faults of the records. */
MUST_USE enum err offering_change(struct node *node,
                                  const struct offering_set *set,
                                  struct offering_fault *fault);

/* Goes on the market as soon as it can; off: takes nothing new. The wish is not
 * kept over a restart: sell.enabled is. */
void offering_want(struct node *node, bool on);
bool offering_wanted(const struct node *node);
bool offering_open(const struct node *node);
/* Why it is not on the market; "" when it is. `next` (may be NULL) receives
 * what helps, holding 300 bytes; out holds 400. */
void offering_why_not(struct node *node, char *out, char *next);

/* ---- the grade ---- */

/* Measures, by the quick runs or the full ones; ends by changing node->grade.
 * ERR_BUSY, ERR_NOMEM. */
MUST_USE enum err offering_bench(struct node *node, bool quick);
/* What this node's links bear out of its goodput, bytes a second; 0: nothing.
 * It is not kept over a restart. */
void offering_net(struct node *node, uint64_t found_bps);
struct offering_bench_result {
    bool running;
    struct bench_progress progress;  /* while it runs */
    enum err err;                    /* of the last one */
    const struct bench_result *last; /* lent until the loop runs again */
};
void offering_bench_get(const struct node *node,
                        struct offering_bench_result *out);

/* ---- the record, for its test ---- */
void offering_set_encode(const struct offering_set *set, struct buf *out);
MUST_USE enum err offering_set_decode(struct bytes record, struct arena *arena,
                                      struct offering_set *out);
/* "a=b, c=d": the sell.labels of the configuration. ERR_PARSE, ERR_TOO_LARGE.
 */
MUST_USE enum err offering_labels_parse(const char *text, struct label *out,
                                        uint32_t *out_count);

#endif
