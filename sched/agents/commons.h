#ifndef SCHED_AGENTS_COMMONS_H
#define SCHED_AGENTS_COMMONS_H

/* The commons: offers that several agents share, and who has what of them. An
 * agent chooses by a view that may be old, and says what it chose; the commons
 * decides, one message after the other, in the order in which they arrive. So
 * nothing is ever given away twice, whatever the agents believe, in whatever
 * order they speak, and whoever of them falls silent.
 *
 * A job of one part is committed at once. A job of several parts, which may lie
 * in regions of several agents, is reserved part by part in ascending order of
 * offers, so that of two that want the same one gets past the other, and then
 * confirmed as a whole. What is not confirmed lapses: a reservation stands for
 * ttl_ms, and with the first of them all of the job's go.
 *
 *   COMMIT ──▶ placed                          END ──▶ (free)
 *   RESERVE ... RESERVE ──▶ reserved ──CONFIRM──▶ placed
 *                              │ RELEASE, a newer attempt, ttl_ms
 *                              ▼
 *                            (free)                                        */

#include "sched/cfn/keymap.h"
#include "sched/fleet/fleet.h"

#define COMMONS_PARTS_MAX 16u
#define COMMONS_JOBS_MAX  1000000u

/* Given by whoever brings the job; never used twice. */
struct job_id {
    uint8_t b[KEYMAP_KEY_LEN];
};

enum commons_say {
    COMMONS_COMMIT = 1,
    COMMONS_RESERVE,
    COMMONS_CONFIRM,
    COMMONS_RELEASE,
    COMMONS_END, /* a placed job is over */
};

struct commons_message {
    enum commons_say say;
    struct job_id job;
    uint32_t attempt; /* counts up; a newer one of the job replaces what an
                         older one reserved */
    uint32_t parts;   /* of the job; 1 to COMMIT */
    uint32_t part;    /* RESERVE: which, from 0, in the order of offers */
    uint32_t version; /* COMMIT, RESERVE: of the offer, as it was seen */
    struct grant grant;
    struct ask ask;
};

struct commons_answer {
    struct job_id job;
    uint32_t attempt;
    uint32_t part;
    uint32_t version; /* of the offer now; 0 where none was named */
    enum commons_say to;
    enum err err;
};

/* How a choice is validated. */
enum commons_rule {
    COMMONS_BY_VERSION = 1, /* the offer must be as it was seen */
    COMMONS_BY_ROOM,        /* the choice must still fit, on the same devices */
};

struct commons_job;
struct commons_hold;

struct commons {
    struct fleet fleet; /* the offers as they are */
    enum commons_rule rule;
    uint64_t ttl_ms;
    uint64_t now_ms;
    struct keymap by_id;
    struct commons_job *jobs;
    struct commons_hold *holds;
    uint32_t jobs_max, holds_max;
    uint32_t free_job, free_hold; /* lists */
    uint32_t oldest, youngest;    /* jobs that hold and are not placed, in the
                                     order of their first reservations */
};

/* machines   copied; all free. COMMONS_JOBS_MAX jobs at most, `jobs_max` of
 * them with COMMONS_PARTS_MAX parts in all secret     of the table of jobs
 *
 * ERR_RANGE: no machines, no jobs or too many; ERR_NOMEM. */
struct commons_config {
    const struct machine *machines;
    uint32_t machine_count;
    uint32_t jobs_max;
    uint32_t holds_max;
    enum commons_rule rule;
    uint64_t ttl_ms;
    uint8_t secret[SHORT_HASH_KEY_LEN];
};
MUST_USE enum err commons_init(struct commons *commons,
                               const struct commons_config *config);
void commons_done(struct commons *commons); /* safe on a zeroed struct */
/* As after commons_init, but for versions, which go on. */
void commons_clear(struct commons *commons);

/* Version of an offer: another whenever something of it is taken or given. */
static inline uint32_t commons_version(const struct commons *commons,
                                       uint32_t offer)
{
    return commons->fleet.stamps[offer];
}

/* Hears one message at a moment that never goes back (CHECKed), after letting
 * lapse what is due. The answer's err, first match wins:
 *
 * COMMIT, RESERVE
 *   ERR_RANGE      parts, part, the ask or the offer
 *   ERR_EXISTS     the job is placed
 *   ERR_TOO_LATE   a newer attempt of it was heard
 *   ERR_EXPIRED    RESERVE of a later part, and the earlier ones are not held
 *   ERR_STATE      RESERVE of another part than the next, or of a lower offer
 *   ERR_OFFER_OLD  the offer changed since it was seen (by version only)
 *   ERR_CAPACITY   it does not fit, or not on these devices
 *   ERR_BUSY       no room to note more jobs or holds
 * CONFIRM
 *   ERR_EXISTS     it is placed: said twice
 *   ERR_EXPIRED    not all of its parts are held, by this attempt
 * RELEASE           never fails; does nothing for what is not held by it
 * END               ERR_NOT_FOUND: it is not placed */
void commons_hear(struct commons *commons,
                  const struct commons_message *message, uint64_t now_ms,
                  struct commons_answer *out);

/* Adds up all holds and compares: true when exactly that is taken of each
 * offer, and no offer has less than nothing left. */
bool commons_holds_up(const struct commons *commons);
/* How many are placed, and how many hold without. */
void commons_count(const struct commons *commons, uint32_t *out_placed,
                   uint32_t *out_reserved);

#endif
