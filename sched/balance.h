#ifndef SCHED_BALANCE_H
#define SCHED_BALANCE_H

/* How evenly something is used: loads in millionths, and their mean deviation
 * from the mean (decision 013) with one of them changed, in two searches.
 *
 *     balance_init -> balance_add ... -> balance_ready -> balance_moved ... */

#include <stdint.h>

struct balance_load {
    uint64_t before; /* sum of those before it, in order */
    uint32_t load;
};

struct balance {
    struct balance_load *loads; /* lent */
    uint32_t cap;
    uint32_t count;
    uint64_t sum;
};

void balance_init(struct balance *balance, struct balance_load *loads,
                  uint32_t cap);
/* At most cap of them (CHECKed), each at most 10^6 (CHECKed). */
void balance_add(struct balance *balance, uint32_t load);
void balance_ready(struct balance *balance);
/* With one of the loads going from `before` to `after`: count times the mean
 * deviation. After balance_ready, of one load at least (CHECKed). */
uint64_t balance_moved(const struct balance *balance, uint32_t before,
                       uint32_t after);

#endif
