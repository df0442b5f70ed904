#ifndef SCHED_FLEET_GANG_H
#define SCHED_FLEET_GANG_H

/* A gang is several tasks that run together or not at all: `count` tasks that
 * are alike, of which at least `least` must run at the same time, all within
 * one domain (a rack, a region, a provider) if it names domains.
 *
 * Domains that cannot hold the gang are known by counting, before anything is
 * tried: the room of a domain is the sum of its machines', and exact, for the
 * tasks are alike. The smallest domain that holds all of them is taken, else
 * the one that holds most; a gang that fits in none changes nothing. */

#include "sched/fleet/picker.h"

#define GANG_TASKS_MAX   65536u
#define GANG_DOMAINS_MAX 4096u
#define GANG_ROOM_MAX    1000000u

struct gang {
    struct ask ask; /* of each task */
    uint32_t count; /* 1..GANG_TASKS_MAX */
    uint32_t least; /* 1..count */
};

/* Where the machines are. */
struct gang_domains {
    const uint32_t *of_machine; /* lent: 0..count-1, by machine of the fleet;
                                   NULL: all in one */
    uint32_t count;             /* 1..GANG_DOMAINS_MAX; 1 without a table */
};

/* How many such tasks fit into each domain now, at most GANG_ROOM_MAX.
 * ERR_RANGE: counts or the ask out of bounds, a machine in no domain. */
MUST_USE enum err gang_room(const struct fleet *fleet, const struct gang *gang,
                            const struct gang_domains *domains,
                            uint32_t *out_room);

/* Places and takes it: as many of the tasks as fit, all in one domain.
 *
 * picker      of this fleet; says which machine first
 * out_grants  room for gang->count; out_count of them are filled
 * out_domain  where; untouched like the others unless OK
 *
 * ERR_RANGE as gang_room; ERR_CAPACITY: no domain holds `least` of them; then
 * the fleet is as it was. ERR_NOMEM. */
MUST_USE enum err gang_place(struct fleet *fleet, struct picker *picker,
                             const struct gang *gang,
                             const struct gang_domains *domains,
                             struct dice *dice, struct grant *out_grants,
                             uint32_t *out_count, uint32_t *out_domain);

#endif
