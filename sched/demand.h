#ifndef SCHED_DEMAND_H
#define SCHED_DEMAND_H

/* A demand is what one task wants of a place to run: the scheduler's view of a
 * request. All of its tasks are alike. */

#include "base/amount.h"
#include "sched/devices.h"
#include "sched/label.h"
#include "sched/resources.h"
#include "sched/zone.h"

/* How places that fit are ordered: sched/policy.h, sched/ranking.h. */
enum policy {
    POLICY_CHEAPEST = 1,
    POLICY_NEAREST = 2,
    POLICY_FASTEST = 3,
    POLICY_BALANCED = 4,
    POLICY_COMPOSITE = 5,
    POLICY_FRAGMENTATION = 6,
    POLICY_SPREAD = 7,
    POLICY_PACK = 8,
};

struct policy_terms; /* sched/policy_terms.h */

#define DEMAND_SALT_LEN 16

struct demand {
    struct resources want; /* of one task */
    enum arch arch;        /* ARCH_ANY = does not matter */
    uint64_t time_ms;      /* how long one task may take */
    enum policy policy;
    struct amount price_max; /* cap of one task's bill; zero = none stated */
    uint32_t constraint_count;
    const struct constraint *constraints; /* lent */
    const struct device_wish *devices;    /* lent; NULL or count 0 = none */
    uint32_t zone_count;                  /* 0 = anywhere */
    const char (*zones)[LIMIT_NAME];      /* lent */
    uint32_t toleration_count;
    const struct constraint *tolerations; /* lent; of taints */
    uint8_t salt[DEMAND_SALT_LEN];    /* of the request: breaks ties, so that
                                         equal offers share the requests */
    const struct policy_terms *terms; /* lent; NULL: as the policy is by
                                         itself */
};

static inline bool demand_has_devices(const struct demand *demand)
{
    return demand->devices != NULL && demand->devices->count > 0;
}

#endif
