#ifndef SCHED_LAB_ADJUST_REPLAY_H
#define SCHED_LAB_ADJUST_REPLAY_H

/* Job graphs that run on a topology whose offers come and go: the workload of
 * embed_replay.h, and events. Each event, with equal chance, withdraws a node
 * or leaves a link a tenth of its bandwidth, drawn among those that are whole;
 * it ends after an exponential time, and all is as before. Every component but
 * data has a state of 1..1000 MiB.
 *
 * Jobs whose plan no longer holds are dealt with in the order they came:
 *
 *   REPAIR   as sched/graph/adjust.h does
 *   RESOLVE  laid anew from nothing, the best plan there is room for
 *   STOP     put out
 *
 * Who finds no place waits, and tries again when sched/graph/wakeup.h says
 * that freed capacity may help, until its time is over. With `improve` running
 * jobs are also asked, one each time unit in turn, whether they would move of
 * their own will. A time unit is a second of the jobs' memory of moves.
 *
 * After every event the reservations are summed anew and compared with what the
 * topology says, and every plan passes plan_check. Any mistake is CHECKed. */

#include "sched/graph/adjust.h"
#include "sched/lab/embed_replay.h"

enum adjust_policy { ADJUST_BY_REPAIR, ADJUST_BY_RESOLVE, ADJUST_BY_STOP };

struct adjust_workload {
    struct embed_workload jobs;
    double event_rate; /* events a time unit; > 0 */
    double down_mean;  /* time units; > 0 */
    bool improve;
};
struct adjust_way {
    enum adjust_policy policy;
    struct adjust_terms terms;
    struct embed_options options; /* for arrivals, RESOLVE and who waits */
    uint64_t (*cpu_ns)(void);     /* NULL: not measured */
};

struct adjust_report {
    uint32_t requests;
    uint32_t accepted;
    uint32_t events;
    uint32_t hits;                  /* jobs that an event violated */
    uint32_t levels[ADJUST_LEVELS]; /* REPAIR: how they were mended */
    uint32_t lost;                  /* of the hits: found no place */
    uint32_t resumed;               /* of the lost, later */
    uint32_t wakes;                 /* tries of who waits */
    uint32_t moves;                 /* components, because they had to */
    uint32_t moves_unhurt; /* of these, not on what the event touched */
    uint64_t moved_mib;
    uint32_t rerouted;
    uint32_t willing; /* moves of components by will */
    double served;    /* time that accepted jobs ran, of the time they wanted */
    uint64_t cpu_ns;  /* of dealing with the hits */
    uint64_t cpu_ns_most;
    uint32_t checked; /* plans that passed the checker: all of them */
};

/* The topology must have nothing reserved, and has nothing reserved and all its
 * capacities in the end. ERR_RANGE for a workload outside its bounds,
 * ERR_NOMEM. */
MUST_USE enum err adjust_replay(struct topology *topology,
                                const struct adjust_workload *workload,
                                const struct adjust_way *way,
                                struct adjust_report *out);

#endif
