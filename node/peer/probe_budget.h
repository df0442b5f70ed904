#ifndef NODE_PROBE_BUDGET_H
#define NODE_PROBE_BUDGET_H

/* How many bytes may go into measuring bandwidth: so many a day, in all and for
 * one peer an eighth of that, so that nobody uses up what is for all. What is
 * not used adds up to a quarter of a day's, no more. Pure. */

#include "base/sign.h"

#define PROBE_BUDGET_PEERS 64u
#define PROBE_BUDGET_DAY   86400000u

struct probe_share {
    struct pubkey peer;
    uint64_t left; /* bytes */
    uint64_t at_ms;
    bool used;
};
struct probe_budget {
    uint64_t day; /* bytes */
    uint64_t left;
    uint64_t at_ms;
    struct probe_share shares[PROBE_BUDGET_PEERS];
};

/* A quarter of a day's is there at once. */
void probe_budget_init(struct probe_budget *budget, uint64_t day_bytes,
                       uint64_t now_ms);
/* Takes so many bytes for this peer, or says no and takes nothing. A peer not
 * met before takes the place of the one that has taken nothing for longest. */
bool probe_budget_take(struct probe_budget *budget, const struct pubkey *peer,
                       uint64_t bytes, uint64_t now_ms);

#endif
