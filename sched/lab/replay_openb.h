#ifndef SCHED_LAB_REPLAY_OPENB_H
#define SCHED_LAB_REPLAY_OPENB_H

/* Fills a cluster until more has arrived than it can hold, and tells how much
 * of its devices was given away: the experiment of the paper named in
 * sched/fleet/frag.h ("workload inflation").
 *
 * All tasks of the trace arrive once, in an order drawn by lot; then tasks
 * drawn from the trace at random, each as likely, with repetition. The arrivals
 * end before the first whose devices would bring what has arrived above load x
 * capacity (a trace that has more is cut). No task ever leaves. A task that
 * fits nowhere fails and is not tried again.
 *
 * "At 100 % arrived" is the first moment at which the devices asked for by all
 * arrivals so far, failed ones too, reach the devices there are; where the load
 * stays below that, the end. */

#include "sched/fleet/picker.h"
#include "sched/lab/openb.h"

/* Parts are in a million. */
#define REPLAY_PARTS 1000000u
/* All of the trace is typical of it; the paper took the most frequent 95 %. */
#define REPLAY_TYPICAL_PERMILLE 1000u

struct replay_openb_config {
    enum fleet_policy policy;
    uint64_t seed;
    uint32_t load_permille;    /* of the capacity in devices: 1300 is 130 % */
    uint32_t typical_permille; /* frag_new */
    uint32_t memory;           /* picker_new */
    /* A clock for the duration of decisions, in ns; NULL: not measured. */
    uint64_t (*clock_ns)(void);
};

struct replay_openb_result {
    uint64_t total_milli;      /* capacity */
    uint64_t arrived_milli;    /* in the end */
    uint32_t decisions;        /* arrivals */
    uint32_t failed;           /* of them, that fitted nowhere */
    uint32_t allocated_at_100; /* parts of the capacity at 100 % arrived */
    uint32_t allocated_at_end; /* and in the end */
    /* Expected part of the idle devices that a typical task cannot use, then
     * and in the end. */
    uint32_t fragmented_at_100;
    uint32_t fragmented_at_end;
    uint32_t machines_at_100; /* that had a task */
    /* Failed tasks by the reason of the nearest miss (fleet_explain);
     * [MISS_NONE]: every machine had several. */
    uint32_t failed_by[MISS_COUNT];
    uint64_t decision_ns; /* all decisions together; 0 without a clock */
    uint64_t slowest_ns;
};

/* Replays. openb is lent. ERR_RANGE: a load of 0, more than 100 times the
 * capacity, or no devices to be asked for or to be given; ERR_NOMEM. */
MUST_USE enum err replay_openb(const struct openb *openb,
                               const struct replay_openb_config *config,
                               struct replay_openb_result *out);

#endif
