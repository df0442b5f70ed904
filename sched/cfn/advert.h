#ifndef SCHED_CFN_ADVERT_H
#define SCHED_CFN_ADVERT_H

/* The sending side of one instance: when its egress tells of it again. A change
 * of more than a tenth is told, but no sooner than rest_ms after the last time;
 * without a change it is told anew every refresh_ms, so that it does not age
 * out. A withdrawal never waits. */

#include "sched/cfn/service.h"

struct advert_rules {
    uint32_t rest_ms;    /* 0: tell each change at once */
    uint32_t refresh_ms; /* > rest_ms */
    uint32_t life_ms;    /* of a telling: three refreshes, so that two may be
                          * lost; <= SERVICE_LIFE_MAX_MS */
};

struct advert {
    struct advert_rules rules;
    struct service_update last; /* names, and what was told; seq 0: nothing */
    uint64_t seq_next;
    uint64_t told_at_ms;
};

/* names: service, instance, egress and address are taken from it. seq_first: 1
 * or more, above all that was ever told of the instance; a clock's ms do.
 * ERR_RANGE: rules that do not hold together. */
MUST_USE enum err advert_init(struct advert *advert,
                              const struct advert_rules *rules,
                              const struct service_update *names,
                              uint64_t seq_first);

/* True: out is to be told to all, now; the advert takes it as told. */
bool advert_step(struct advert *advert, const struct metrics *metrics,
                 uint64_t now_ms, struct service_update *out);
/* The instance goes; always told. Stepping on brings it back. */
void advert_withdraw(struct advert *advert, uint64_t now_ms,
                     struct service_update *out);
/* Somebody passed on a telling of this instance with seq: when it is from
 * before a restart and higher than ours, the next one exceeds it. The next step
 * tells then. UINT64_MAX, which nobody can have told, is ignored. */
void advert_heard(struct advert *advert, uint64_t seq);

#endif
