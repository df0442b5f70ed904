#ifndef SCHED_LAB_REPLAY_AGENTS_H
#define SCHED_LAB_REPLAY_AGENTS_H

/* The experiment of replay_openb.h with several agents on one commons: the same
 * tasks arrive in the same order, the next free agent takes the next, and all
 * agents decide at the same time, each by its own view.
 *
 * Time goes in rounds. In a round every agent that has a job says one thing;
 * what they said arrives in an order drawn by lot, and is decided one after the
 * other. Views are renewed every `stale` rounds, and when an agent lost. One
 * agent is the central scheduler, and gives away exactly what replay_openb
 * does. "At 100 % arrived" the agents finish what they have in hand first. */

#include "sched/agents/agent.h"
#include "sched/lab/openb.h"
#include "sched/lab/replay_openb.h"

#define REPLAY_AGENTS_MAX 64u

struct replay_agents_config {
    enum fleet_policy policy;
    enum commons_rule rule;
    uint64_t seed;
    uint32_t load_permille;
    uint32_t typical_permille;
    uint32_t memory;         /* picker_new, of each agent */
    uint32_t agents;         /* 1..REPLAY_AGENTS_MAX */
    uint32_t stale;          /* rounds between looks; at least 1 */
    uint32_t spread;         /* agent_config */
    uint32_t joint_permille; /* jobs of 2 to 4 of the tasks, all or none */
    bool regions; /* machine i is of region i modulo agents, and an agent takes
                     its own first */
    uint64_t (*clock_ns)(void); /* or NULL */
};

struct replay_agents_result {
    struct replay_openb_result of; /* allocated_at_100, ..._at_end, decisions
                                      (jobs), failed (jobs), total_milli,
                                      arrived_milli, decision_ns */
    struct agent_counts counts;    /* of all agents */
    uint64_t rounds;
    bool holds_up; /* what is taken is what was given, at the end */
};

/* openb is lent. ERR_RANGE as replay_openb, or agents, stale or spread out of
 * bounds; ERR_TOO_LARGE: more tasks than COMMONS_JOBS_MAX; ERR_NOMEM. */
MUST_USE enum err replay_agents(const struct openb *openb,
                                const struct replay_agents_config *config,
                                struct replay_agents_result *out);

#endif
