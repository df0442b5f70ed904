#ifndef SCHED_AVAIL_RELIABILITY_H
#define SCHED_AVAIL_RELIABILITY_H

/* How often does a provider not finish what it took on? What speaks for and
 * against it are contracts that ended:
 *
 *     (failed + 1) / (served + failed + 2)
 *
 * the rule of succession: the chance that the next one fails, when nothing was
 * known before the first. Nobody is taken for perfect, and of whom no contract
 * is known nothing is known: that is never treated as good.
 *
 *   length  A contract for an hour says little about one for a day. Contracts
 *           are counted by time limit in classes, four times as long each; for
 *           a task of a longer class one counts a quarter as much for each.
 *           Failures count in full.
 *   own     What this node bought itself. Contracts of others may be made up,
 *           by a provider that buys from itself: all of them together count as
 *           at most RELIABILITY_HEARD_MAX, and only what is heard fades behind
 *           what is heard: nobody buys away what this node saw itself.
 *   uptime  The share of time its link was seen to be down. The worse of the
 * two counts: a link that was always up, or was never watched, makes nobody
 * better. forged  An audit found a made-up result: it is not to be relied on.
 *
 * Whole numbers; nothing of this is agreed on with anybody. */

#include <stdbool.h>
#include <stdint.h>

#define RELIABILITY_CLASSES   10u
#define RELIABILITY_CLASS_MS  60000u /* the first: up to a minute */
#define RELIABILITY_HEARD_MAX 16u
/* Where so many are counted, of our own or of others', all of these are halved:
 * the old ones fade. */
#define RELIABILITY_COUNT_MAX 1024u

struct reliability {
    uint32_t own[RELIABILITY_CLASSES];   /* served, by time limit */
    uint32_t heard[RELIABILITY_CLASSES]; /* likewise, of other buyers */
    uint32_t failed;                     /* of our own */
    uint32_t heard_failed;
    uint32_t link_ppb; /* of the time its link was down; 0: not seen so */
    bool forged;
};

/* Which class a time limit belongs to. */
uint32_t reliability_class(uint64_t time_ms);
/* A contract was served, or was not. */
void reliability_served(struct reliability *r, uint64_t time_ms, bool own);
void reliability_failed(struct reliability *r, bool own);

/* What counts of it for a task of time_ms. */
struct reliability_account {
    uint32_t served; /* contracts, rounded down */
    uint32_t failed;
    uint32_t down_ppb; /* chance not to finish it, in parts of 10^9 */
    bool by_link;      /* the link is what counts */
};
/* False: nothing is known. */
bool reliability_reckon(const struct reliability *r, uint64_t time_ms,
                        struct reliability_account *out);

#endif
