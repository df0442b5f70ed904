#ifndef SCHED_LAB_REPLAY_SWF_H
#define SCHED_LAB_REPLAY_SWF_H

/* A log of a parallel machine, replayed through a queue: the jobs come when
 * they came, want what they wanted and run as long as they ran; when they start
 * is the queue's. Processors are all alike and any will do; memory is not
 * looked at, for the logs seldom know it.
 *
 * While it runs it is checked, by a count of its own, that never more is in use
 * than there is, that nobody starts before it came, and that no promise (the
 * reservation of EASY's first, all of conservative's) gets later: CHECKed, for
 * these would be bugs of ours. */

#include "sched/lab/swf.h"
#include "sched/queue/backfill.h"

/* Bounded slowdown: waits of jobs shorter than this count as if they were as
 * long as this. */
#define REPLAY_SLOWDOWN_MS 10000u

struct replay_swf_config {
    enum backfill_rule rule;
    uint32_t procs;    /* of the machine; at least 1 */
    uint32_t jobs_max; /* the first so many; 0: all */
    /* Jobs come so many thousandths times as fast: 1000 is as recorded. */
    uint32_t load_permille;
    /* Limits are so many thousandths of those of the log, but no less than the
     * run times. */
    uint32_t limit_permille;
    /* A clock for the duration of decisions, in ns; NULL: not measured. */
    uint64_t (*clock_ns)(void);
};

struct replay_swf_result {
    uint32_t jobs;       /* that ran */
    uint32_t too_large;  /* that want more than there is: left out */
    uint32_t overtakers; /* that started before one which came before them */
    uint32_t waited;     /* that did not start when they came */
    uint32_t queue_most;
    uint64_t wait_max_ms;
    uint64_t wait_p95_ms; /* 95 of 100 waited no longer */
    double wait_mean_s;
    double slowdown_mean; /* (wait + run) / max(run, 10 s), at least 1 */
    uint64_t makespan_ms; /* from the first arrival to the last end */
    double used;          /* processors in use over those there are, 0..1 */
    uint64_t decisions;
    uint64_t decision_ns; /* all together; 0 without a clock */
    uint64_t slowest_ns;
};

/* Replays. swf is lent.
 * starts_ms  NULL, or room for the start of each job of the log, since the
 *            first arrival; PROFILE_NEVER for those left out
 *
 * ERR_RANGE (no processor, a load or limit outside 1..1000000), ERR_CAPACITY
 * (every job wants more than there is), ERR_NOMEM. */
MUST_USE enum err replay_swf(const struct swf *swf,
                             const struct replay_swf_config *config,
                             uint64_t *starts_ms,
                             struct replay_swf_result *out);

#endif
