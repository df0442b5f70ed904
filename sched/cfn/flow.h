#ifndef SCHED_CFN_FLOW_H
#define SCHED_CFN_FLOW_H

/* Flows stick: all packets of a flow go to one instance, until the flow ends,
 * is silent for longer than the affinity time, or its instance goes. The table
 * keeps where each flow goes.
 *
 * A full table gives up the flows that have been silent for too long, the
 * oldest first, and never one that lives. If all live, a new flow is not kept:
 * it goes by rendezvous, which sticks by itself while the instances stay the
 * same, and the caller is told. All flows of a table have the same affinity
 * time: a service that wants another has another table. Memory is taken once.
 */

#include "sched/cfn/select.h"

/* What of a packet makes the flow. */
enum flow_scope {
    FLOW_TUPLE = 1, /* client, its port, the service's port, protocol */
    FLOW_PORT = 2,  /* client, the service's port and protocol: a set of them */
    FLOW_CLIENT = 3, /* client: all it asks of the service */
};

struct flow_packet {
    struct service_id service;
    struct cfn_address client;
    uint16_t client_port;
    uint16_t service_port;
    uint8_t protocol;
};

struct flow_slot;

struct flow_table {
    struct flow_slot *slots; /* slots[0] is the end of the chain by age */
    uint32_t *heads;         /* of the chains by hash; 0: none */
    uint32_t mask;
    uint32_t count;
    uint32_t count_max;
    uint32_t free;
    uint64_t affinity_ms;
    uint64_t unkept_until_ms; /* a flow that is not kept may live until then */
    uint8_t secret[SHORT_HASH_KEY_LEN];
};

struct flow_way {
    struct service_ref ref;
    const struct service_instance *instance; /* lent until the table changes */
    bool fresh;                              /* chosen now; false: it stuck */
    bool moved;  /* it lived, and the instance it went to is gone */
    bool unkept; /* no room in the table: by rendezvous */
};

#define FLOW_COUNT_MAX (1u << 24)

/* secret: of this node, copied; it also settles where unkept flows go, so nodes
 * that should agree on these share it. ERR_RANGE: count_max outside
 * 1..FLOW_COUNT_MAX, or no affinity time. ERR_NOMEM. */
MUST_USE enum err flow_table_init(struct flow_table *table, uint32_t count_max,
                                  uint64_t affinity_ms,
                                  const uint8_t secret[SHORT_HASH_KEY_LEN]);
void flow_table_done(struct flow_table *table); /* safe on zeroes */

/* Where a packet goes. A flow that lives keeps its instance, however its load
 * and score have changed; a new one goes where select_instance says, and is
 * told to the service table. As select_instance refuses; then nothing was kept.
 */
MUST_USE enum err flow_steer(struct flow_table *table,
                             struct service_table *services,
                             const struct select_rules *rules,
                             const struct flow_packet *packet,
                             enum flow_scope scope, uint64_t now_ms,
                             struct dice *dice, struct flow_way *out);

/* The flow has ended; a flow that is not kept is fine. */
void flow_end(struct flow_table *table, struct service_table *services,
              const struct flow_packet *packet, enum flow_scope scope);

/* Gives up all that have been silent for too long. Returns how many. Calling it
 * now and then keeps the service table's count of flows honest. */
uint32_t flow_sweep(struct flow_table *table, struct service_table *services,
                    uint64_t now_ms);

#endif
