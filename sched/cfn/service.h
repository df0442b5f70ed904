#ifndef SCHED_CFN_SERVICE_H
#define SCHED_CFN_SERVICE_H

/* The service table of an ingress: which instances a service has, what was last
 * told of each, and how far their edges are.
 *
 * Updates come from the node at whose edge an instance stands, its egress: the
 * origin. Each carries a number that grows with each telling, so it does not
 * matter in which order they arrive or how often: the highest counts. Two
 * tables that heard the highest of each hold the same. A telling lives for a
 * stated time; whoever passes it on states what is left. Then the instance is
 * gone, as after a withdrawal, and its number is remembered for as long as an
 * older telling could still be on its way, so that it does not come back to
 * life.
 *
 * Who may speak for an egress, and which egress may offer a service, is the
 * caller's business. Here an origin can neither touch what another told, nor
 * take more than its share of the table: egress_instances_max. Memory is taken
 * once.
 *
 * All times are ms of one clock that never goes back. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sched/cfn/cfn.h"
#include "sched/cfn/keymap.h"
#include "sched/cfn/metric.h"

#define SERVICE_INSTANCES_MAX 128u    /* of one service */
#define SERVICE_LIFE_MAX_MS   600000u /* of a telling */
#define SERVICE_RTT_US_MAX    60000000u

/* What an egress tells of an instance. */
struct service_update {
    struct service_id service;
    struct instance_id instance;
    struct cfn_address egress;
    struct cfn_address address; /* of the machine behind the egress */
    struct metrics metrics;
    uint64_t seq;     /* 1..2^64-2, grows with each telling, over restarts too:
                       * a clock's ms do for the first */
    uint32_t life_ms; /* that is left, at most SERVICE_LIFE_MAX_MS; of a
                       * withdrawal: how much longer to remember it */
    bool withdrawn;   /* the rest but names, seq and life_ms says nothing */
};

struct service_instance {
    struct service_update told; /* life_ms as it was when heard */
    uint64_t expires_at_ms;     /* as something flows may go to */
    uint64_t forget_at_ms;      /* also its number */
    uint32_t egress;            /* index */
    uint32_t generation;        /* of this place in the table */
    uint32_t next_free;
    /* What this ingress knows by itself: flows that it sends there now, and how
     * many these were when the instance was last told of. */
    uint32_t live;
    uint32_t live_when_told;
    bool used;
};

/* One instance for as long as it stands: after it is gone, or told anew after
 * that, the reference leads nowhere. */
struct service_ref {
    uint32_t index;
    uint32_t generation;
};

struct service {
    struct service_id id;
    uint32_t count;
    uint32_t next_free;
    uint32_t at[SERVICE_INSTANCES_MAX]; /* in no order */
};

struct service_egress {
    struct cfn_address address;
    uint32_t rtt_us;
    uint64_t rtt_until_ms; /* not known from then on; 0: never was */
    uint32_t count;        /* instances behind it */
    uint32_t next_free;
};

struct service_limits {
    uint32_t services_max;         /* 1..2^20 */
    uint32_t instances_max;        /* 1..2^20 */
    uint32_t egresses_max;         /* 1..2^20 */
    uint32_t egress_instances_max; /* of one egress; at least 1 */
};

struct service_table {
    struct service_limits limits;
    struct keymap service_map;
    struct keymap egress_map;
    struct service *services;
    struct service_instance *instances;
    struct service_egress *egresses;
    uint32_t service_free; /* heads of the free places */
    uint32_t instance_free;
    uint32_t egress_free;
    uint32_t instance_count;
};

/* secret: of this node, copied; it orders the hash tables. ERR_RANGE,
 * ERR_NOMEM; then there is nothing to be done away with. */
MUST_USE enum err service_table_init(struct service_table *table,
                                     const struct service_limits *limits,
                                     const uint8_t secret[SHORT_HASH_KEY_LEN]);
void service_table_done(struct service_table *table); /* safe on zeroes */

/* Takes an update in, from its origin or from a neighbour.
 *
 * Refuses, first match wins: ERR_RANGE (a field is outside what is said above),
 * ERR_EXPIRED (no life is left), ERR_EXISTS (that or a later one was heard: do
 * not pass it on), ERR_CAPACITY (the origin, the service or the table is full).
 * Room is first made where numbers of instances that are gone are remembered,
 * the one that would be forgotten first. */
MUST_USE enum err service_hear(struct service_table *table,
                               const struct service_update *update,
                               uint64_t now_ms);

/* What the network said of the way to an egress, known until until_ms. It may
 * come before the first instance there: then it holds a place, and gives it up
 * when one is needed. ERR_RANGE, ERR_CAPACITY. */
MUST_USE enum err service_set_rtt(struct service_table *table,
                                  const struct cfn_address *egress,
                                  uint32_t rtt_us, uint64_t until_ms,
                                  uint64_t now_ms);

/* Drops what need not be remembered any longer. Nothing else depends on it:
 * what has expired is not chosen. Returns how many were dropped. */
uint32_t service_sweep(struct service_table *table, uint64_t now_ms);

/* NULL: nobody told of it. Lent until the table changes. */
const struct service *service_find(const struct service_table *table,
                                   const struct service_id *id);
/* The i-th of service->count, standing or not. Lent likewise. */
const struct service_instance *service_at(const struct service_table *table,
                                          const struct service *service,
                                          uint32_t i);
static inline bool service_stands(const struct service_instance *instance,
                                  uint64_t now_ms)
{
    return !instance->told.withdrawn && now_ms < instance->expires_at_ms;
}
/* False when the way there is not known, then out_us is untouched. */
bool service_rtt(const struct service_table *table,
                 const struct service_instance *instance, uint64_t now_ms,
                 uint32_t *out_us);

struct service_ref service_ref(const struct service_table *table,
                               const struct service_instance *instance);
/* The instance, while it stands; NULL afterwards. */
const struct service_instance *service_get(const struct service_table *table,
                                           struct service_ref ref,
                                           uint64_t now_ms);
/* A flow starts there, or has ended. References that lead nowhere are fine. */
void service_begin(struct service_table *table, struct service_ref ref);
void service_end(struct service_table *table, struct service_ref ref);

/* All that is worth passing on to a neighbour that may have missed something,
 * with the life that is left: *at starts at 0. False at the end. */
bool service_next(const struct service_table *table, uint64_t now_ms,
                  uint32_t *at, struct service_update *out);

#endif
