#include "sched/candidate.h"

bool candidate_rtt_known(const struct candidate *candidate)
{
    return candidate->rtt_us != 0 &&
           candidate->rtt_age_ms <= CANDIDATE_RTT_AGE_MAX_MS;
}
