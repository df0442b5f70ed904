#ifndef SCHED_QUEUE_LINE_H
#define SCHED_QUEUE_LINE_H

/* A line before one machine, where everybody who waits has been promised when
 * he begins. The plan says when each would begin if all that runs took its
 * limit; it is made anew whenever something changes, from what is known:
 * nothing is kept here but by the caller.
 *
 *   conservative  in order of arrival each is drawn as far forward as it moves
 *                 nobody. No plan gets later
 *   easy          the same for the first; the others may start now where the
 *                 first does not begin later for it, and everybody else still
 *                 by his promise
 *
 * Both: who begins by the plan begins by the promise, as long as what runs ends
 * by its limit. Once it did not, the plan is made in order of arrival, and may
 * say `late`.
 *
 *   ms 0    4    8                 promised        ms 0    4
 *   A  ####|    |     runs          A     -          ####|
 *   B      |####|     first         B     4              |####   A ends at 2:
 *   C  ....|....|##   third         C     8        ##    |       now C is let
 *                                                                past B */

#include "sched/queue/room.h"

enum line_rule { LINE_OFF = 0, LINE_EASY = 1, LINE_CONSERVATIVE = 2 };
const char *line_rule_text(enum line_rule rule); /* "off", "easy", ... */
MUST_USE enum err line_rule_parse(const char *text,
                                  enum line_rule *out); /* ERR_PARSE */

#define LINE_JOBS_MAX 64u
#define LINE_NEVER    PROFILE_NEVER

struct line_job {
    struct room_want want;
    uint64_t lasts_ms;     /* its limit and what it takes to put it away */
    uint64_t not_ready_ms; /* it may not be ready to run before: until then it
                              takes room but does not run; 0 = it is ready */
    bool drawn;            /* it may begin before its promise */
    uint64_t promised_ms;  /* begins by then */
    uint64_t planned_ms;   /* in: by the last plan, at most promised_ms. out: by
                              this one; LINE_NEVER: it has no room at all */
    uint32_t devices;      /* out: a mask, of the plan */
    bool late;             /* out: planned after what was promised */
};

/* Plans for those who wait, in order of arrival. `room` has what runs in it and
 * is left with the plan in it, too. Whose planned_ms is now_ms may begin: all
 * of them together have room.
 *
 * rule       not LINE_OFF (CHECKed)
 * count      <= LINE_JOBS_MAX (CHECKed)
 *
 * Faults; then the room is of no use. */
MUST_USE enum err line_plan(enum line_rule rule, struct room *room,
                            struct line_job *jobs, uint32_t count,
                            uint64_t now_ms);
/* When one more would begin behind a plan that line_plan left in the room,
 * moving nobody; job->promised_ms and planned_ms are set to it.
 * ERR_CAPACITY: never; faults. */
MUST_USE enum err line_promise(const struct room *room, struct line_job *job,
                               uint64_t now_ms);

#endif
