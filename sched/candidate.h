#ifndef SCHED_CANDIDATE_H
#define SCHED_CANDIDATE_H

/* A candidate is the scheduler's view of an offer, for one demand at one
 * moment. Whoever makes it has already priced it and put ages in place of
 * times. A figure that is not known is zero and is never treated as good. */

#include "base/amount.h"
#include "base/sign.h"
#include "sched/devices.h"
#include "sched/grade.h"
#include "sched/label.h"
#include "sched/reason.h"
#include "sched/resources.h"
#include "sched/taint.h"

/* A round-trip time measured longer ago than this counts as unknown. */
#define CANDIDATE_RTT_AGE_MAX_MS 600000u

struct candidate {
    struct pubkey provider;
    enum arch arch;
    struct resources total;
    struct resources free; /* after what the asker holds there itself */
    uint32_t slots_free;   /* tasks it would take now, likewise */
    uint64_t time_ms_max;  /* longest task it takes; 0 = takes none */
    uint32_t label_count;
    const struct label *labels; /* lent */
    uint32_t taint_count;
    const struct taint *taints;    /* lent */
    const struct devices *devices; /* lent; NULL = none. Free: as above */
    uint32_t spread_used; /* tasks of the request already there, and how many */
    uint32_t spread_most; /* there may be; 0 = any number */
    struct amount hour;   /* price of one hour of the demand, its devices at
                             the price of the group that devices_check picks */
    struct amount bill;   /* price of demand.time_ms of it */
    uint64_t rtt_us;      /* 0 = never measured */
    uint64_t rtt_age_ms;
    uint64_t way_kbps;      /* of the way between the asker and it, measured by
                               both; 0 = not known */
    uint64_t way_used_kbps; /* that the asker's own tasks were promised on it */
    uint64_t near_us; /* to the node that the demand's terms want it near to; 0
                         = not known, or no such wish */
    bool rtt_guessed; /* of the two, the one that counts is what others'
                         measurements make it out to be */
    struct grade grade;
    uint64_t age_ms; /* since the offer arrived */
    uint64_t ttl_ms; /* it lapses at this age */
    /* Reasons only the maker of the view can know, as reason_bit()s: SELF,
     * SELLER, EXCLUDED, UNREACHABLE, AFFINITY, DOMAIN, and PRICE where the
     * price overflows. */
    uint64_t refused;
};

/* Is the round-trip time known and fresh? */
bool candidate_rtt_known(const struct candidate *candidate);

#endif
