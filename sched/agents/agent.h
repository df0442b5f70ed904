#ifndef SCHED_AGENTS_AGENT_H
#define SCHED_AGENTS_AGENT_H

/* An agent places jobs on the commons (sched/agents/commons.h), one at a time.
 * It owns a region, whose offers it may take first, and has a view of all of
 * them, which is as old as its last look. It is told and does not ask:
 *
 *   agent_begin   here is a job            agent_look   here are the offers
 *   agent_speak   what do you say?         agent_hear   here is the answer
 *
 * The first choice is the best its policy finds. Who loses, for the offer
 * changed in the meantime, looks again and takes one of the best few, by a hash
 * of the job and the attempt: those who met at one offer part there. */

#include "sched/agents/commons.h"
#include "sched/fleet/picker.h"

struct agent_job {
    struct job_id id;
    uint32_t parts; /* 1..COMMONS_PARTS_MAX */
    struct ask asks[COMMONS_PARTS_MAX];
};

enum agent_state {
    AGENT_IDLE = 1,
    AGENT_LOOKS,   /* wants agent_look before it chooses */
    AGENT_CHOOSES, /* agent_speak chooses */
    AGENT_SPEAKS,  /* agent_speak has the next message */
    AGENT_WAITS,   /* for the answer to it */
    AGENT_PLACED,  /* the job is placed */
    AGENT_NOWHERE, /* it fits nowhere, or too many attempts failed */
};

struct agent_config {
    enum fleet_policy policy;
    const struct frag *frag; /* lent; NULL unless the policy needs it */
    uint32_t memory;         /* picker_new */
    const uint32_t *regions; /* lent: of each offer; NULL: no regions */
    uint32_t region;         /* its own */
    uint32_t spread;         /* of so many the losers choose; 1..
                                PICKER_TOP_MAX */
    uint32_t attempts_max;   /* of a job, in one life */
};

struct agent_counts {
    uint64_t begun;
    uint64_t placed;
    uint64_t nowhere;   /* fits nowhere */
    uint64_t gave_up;   /* attempts_max */
    uint64_t said;      /* commits and reservations */
    uint64_t conflicts; /* of them, refused for the offer had changed */
    uint64_t retries;   /* attempts but the first */
    uint64_t lapsed;    /* confirmed too late */
};

struct agent {
    struct agent_config config;
    enum agent_state state;
    struct fleet view;
    uint32_t *seen; /* version of each offer in the view */
    struct picker *picker;
    struct agent_job job;
    struct commons_message parts[COMMONS_PARTS_MAX]; /* by offer */
    uint32_t next; /* part to reserve; job.parts: to confirm */
    bool releasing;
    bool fresh; /* it looked since it was last let down by its view */
    uint32_t attempt;
    uint32_t first_attempt;
    struct dice dice; /* of policies that leave it to chance */
    struct agent_counts counts;
};

/* The view is that of the commons now. ERR_RANGE: spread or attempts_max;
 * ERR_NOMEM. */
MUST_USE enum err agent_init(struct agent *agent,
                             const struct agent_config *config,
                             const struct commons *commons);
void agent_done(struct agent *agent); /* safe on a zeroed struct */

/* AGENT_IDLE, _PLACED or _NOWHERE (CHECKed). attempt: the number of its first
 * attempt; above all that this job had before, in this or another life. */
void agent_begin(struct agent *agent, const struct agent_job *job,
                 uint32_t attempt);
/* The view becomes what the commons has now. */
void agent_look(struct agent *agent, const struct commons *commons);
/* False when it has nothing to say: its state says why. */
bool agent_speak(struct agent *agent, struct commons_message *out);
/* What answers something it did not last say is passed over. */
void agent_hear(struct agent *agent, const struct commons_answer *answer);
/* It falls silent and forgets its job, not its counts. What it reserved is left
 * to lapse. */
void agent_crash(struct agent *agent);

#endif
