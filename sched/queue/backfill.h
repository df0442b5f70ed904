#ifndef SCHED_QUEUE_BACKFILL_H
#define SCHED_QUEUE_BACKFILL_H

/* A queue of jobs before one machine or pool: which job starts when. Jobs say
 * how much they want and for how long at most (their limit); what runs is never
 * interrupted.
 *
 *   fcfs          in order of arrival; who does not fit holds up all behind
 *   easy          the same, but the first that does not fit has a reservation:
 *                 the earliest moment it can start if all that runs takes its
 *                 limit. Others behind it start at once where that moment does
 *                 not move for it: they end before, or want only what it leaves
 *   conservative  every job has a reservation from its arrival on, the earliest
 *                 that moves none before it. When a job ends early, all
 *                 reservations are made anew in order; none gets later
 *   sjf           shortest limit first, without reservations: a baseline, for
 *                 long jobs may wait for ever
 *
 * It is told what happens: arrivals and ends change what is known, and
 * backfill_decide, once all of one moment has been told, says who starts. It
 * knows no clock; the same told in the same order is the same answer. Times are
 * in ms and never go back.
 *
 * What is late is told in order, moment by moment.
 *
 * The limit is a limit: whoever runs a job ends it then, at the latest, and
 * says so. What was promised depends on it. */

#include "sched/queue/profile.h"

enum backfill_rule {
    BACKFILL_FCFS = 1,
    BACKFILL_EASY = 2,
    BACKFILL_CONSERVATIVE = 3,
    BACKFILL_SJF = 4,
};

const char *backfill_rule_text(enum backfill_rule rule);
MUST_USE enum err backfill_rule_parse(const char *text,
                                      enum backfill_rule *out); /* ERR_PARSE */
enum backfill_rule backfill_rule_nth(size_t i); /* 0 past the last */

struct backfill_job {
    struct portion want;
    uint64_t limit_ms; /* from its start; at least 1 */
};

/* Who starts now, in order. Valid until the queue is told anything. */
struct backfill_answer {
    const uint32_t *starts; /* tickets */
    uint32_t start_count;
    /* Decide again then, whatever happens; PROFILE_NEVER: only when something
     * does. */
    uint64_t wake_ms;
};

struct backfill;

/* jobs_max: that wait or run at a time; memory grows with those there are.
 * ERR_RANGE (a total of nothing, jobs_max of 0 or above 2^28), ERR_NOMEM. */
MUST_USE enum err backfill_new(enum backfill_rule rule,
                               const struct portion *total, uint64_t now_ms,
                               uint32_t jobs_max, struct backfill **out);
void backfill_free(struct backfill *backfill);

/* A job has come, behind those that came before. Its ticket names it until its
 * end; then the number is given to another.
 *
 * ERR_RANGE (time goes back or past the moment to wake at, no limit, nothing
 * wanted), ERR_CAPACITY (more than
 * there is: it could never start), ERR_TOO_LARGE (jobs_max), ERR_NOMEM. */
MUST_USE enum err backfill_arrive(struct backfill *backfill,
                                  const struct backfill_job *job,
                                  uint64_t now_ms, uint32_t *out_ticket);
/* A running job has ended, or one that waits is withdrawn. ERR_RANGE (as
 * above), ERR_NOT_FOUND. */
MUST_USE enum err backfill_end(struct backfill *backfill, uint32_t ticket,
                               uint64_t now_ms);
/* All of now_ms has been told: who starts? The jobs in the answer are running.
 * ERR_RANGE (as above, or a job is over its limit and its end was not told). */
MUST_USE enum err backfill_decide(struct backfill *backfill, uint64_t now_ms,
                                  struct backfill_answer *out);

uint32_t backfill_waiting(const struct backfill *backfill);
/* The i-th to be considered. ERR_NOT_FOUND past the last. */
MUST_USE enum err backfill_nth(const struct backfill *backfill, uint32_t i,
                               uint32_t *out_ticket);
/* The latest moment at which it will start, as of the last decision; it never
 * gets later. PROFILE_NEVER: nothing was promised. ERR_NOT_FOUND: it does not
 * wait. */
MUST_USE enum err backfill_promise(const struct backfill *backfill,
                                   uint32_t ticket, uint64_t *out_ms);

#endif
