#ifndef SCHED_RANKING_H
#define SCHED_RANKING_H

/* A ranking puts the candidates of one demand in the order of its policy and
 * terms: every policy there is. Ranks as in sched/policy.h, less is better:
 *
 *   cheapest, nearest   as policy_rank; nearest to another node (`near`): only
 *                       candidates that are it are known to be near
 *   fastest             by the class of the terms
 *   composite           1000 less the score, price. The score is the sum of
 *                       weight x best / own over the figures (own / best for
 *                       the speed) over the sum of the weights, in thousandths,
 *                       rounded down; a figure that is not known adds nothing
 *   balanced            what the market looks like with the task there (docs/
 *                       decisions 013 and 022): weight x mean deviation of the
 *                       loads + weight x mean deviation of the use of ways +
 *                       weight x power added over power of all. Whose power is
 *                       not known adds as much as any; whose way is not
 *                       measured, a half, which is the most there can be. Ways
 *                       count for tasks that want bandwidth: others fill none
 *   fragmentation       what is left over beside the task, cores and memory, in
 *                       thousandths of the task, price; with devices by how
 *                       much the idle ones are less useful then, what is left
 *                       over (fragment.h)
 *   spread              load with the task on it, price
 *   pack                idle (0 or 1), 10^6 less the load with the task on it,
 *                       price
 *
 * Loads are those of decision 013: the largest of used / total over the
 * dimensions, in millionths, rounded down. What is not known is never good.
 *
 * Composite and balanced compare with what all candidates have, so they look
 * at them first and rank them then: two passes. A composite's bests are also
 * the first of an index in the order of each figure, and the second pass may
 * walk the order of the heaviest figure and stop at ranking_floor: so indexed,
 * neither pass need meet all.
 *
 *     ranking_init -> [ranking_look ... -> ranking_ready] -> ranking_rank ...
 */

#include "sched/balance.h"
#include "sched/figure.h"
#include "sched/policy.h"
#include "sched/policy_terms.h"

struct ranking {
    const struct demand *demand; /* lent */
    struct policy_terms terms;
    uint32_t weights[PART_COUNT];
    uint32_t weight_sum;
    enum policy_divide divide;
    bool known[PART_COUNT]; /* of those looked at */
    uint64_t best[PART_COUNT];
    struct balance nodes;
    struct balance ways;
    uint64_t full_mw;  /* power of all whose power is known, at full load */
    uint64_t worst_mw; /* of the one that draws most */
    bool ready;
};

/* Is room for every candidate's load needed? */
bool ranking_keeps_loads(const struct demand *demand);
/* And for the use of every candidate's way? */
bool ranking_keeps_ways(const struct demand *demand);
/* Are labels of candidates read, beside the constraints? */
bool ranking_reads_labels(enum policy policy, const struct policy_terms *terms);
/* demand  lent; its policy is policy_known and the terms fit it (CHECKed)
 * loads   lent, with room for load_cap candidates; NULL, 0 unless
 *         ranking_keeps_loads */
void ranking_init(struct ranking *ranking, const struct demand *demand,
                  struct balance_load *loads, uint32_t load_cap);
/* Where ranking_keeps_ways, before the first look: room for the ways of way_cap
 * candidates and of others. Lent. */
void ranking_ways(struct ranking *ranking, struct balance_load *ways,
                  uint32_t way_cap);

/* ---- the first pass ---- */

/* Must candidates be looked at before they are ranked? */
bool ranking_looks_first(const struct ranking *ranking);
/* Can the first pass be walks in the order of simple policies? Then the n-th
 * of them, from 0 on; 0 past the last. False: look at all that fit. */
bool ranking_looks_in_order(const struct ranking *ranking);
enum policy ranking_look_order(const struct ranking *ranking, size_t n);
/* A candidate that fits. At most load_cap of them where loads are kept
 * (CHECKed). */
void ranking_look(struct ranking *ranking, const struct candidate *candidate);
/* A way to none of them, of which so many millionths are used: between others,
 * say. Counts among the way_cap (CHECKed). */
void ranking_look_way(struct ranking *ranking, uint32_t used);
/* In a walk in that order: does nobody whose figure is no better than `value`
 * (as of policy_floor) better the best? Then the walk has seen enough. */
bool ranking_looked(const struct ranking *ranking, enum policy order,
                    uint64_t value);
/* All that matter were looked at. */
void ranking_ready(struct ranking *ranking);

/* ---- the second ---- */

/* Ranks a candidate that fits `room` tasks now. After ranking_ready if it looks
 * first (CHECKed). */
void ranking_rank(const struct ranking *ranking,
                  const struct candidate *candidate, uint32_t room,
                  uint32_t index, struct rank *out);
/* How many of `room` the division lets it have: 0 where it has no share. */
uint32_t ranking_room(const struct ranking *ranking,
                      const struct candidate *candidate, uint32_t room);
/* The simple policy whose order is best walked, for ranks mostly get worse
 * along it; 0: none helps, meet them in any order. */
enum policy ranking_order(const struct ranking *ranking);
/* The best rank of a candidate whose figure in that order is no better than
 * `value`, or not known: see policy_floor. order 0: the best there is. */
void ranking_floor(const struct ranking *ranking, enum policy order,
                   enum figure known, uint64_t value, struct rank *out);

/* The best rank of a candidate that has so much free of so much, whatever else
 * is true of it: for callers that keep these figures by themselves and need not
 * look at who cannot be better. False: they say nothing under this policy. */
bool ranking_floor_of(const struct ranking *ranking,
                      const struct resources *total,
                      const struct resources *free, struct rank *out);

/* ---- why it ranks where it does ---- */

struct ranking_part {
    enum policy_part part;
    bool known;
    bool guessed;    /* a round trip that others' measurements make out */
    uint64_t value;  /* micro-credits, us, 2^16 log2 of a speed,
                        millionths, mW */
    uint64_t best;   /* of those looked at, likewise; 0 = not looked */
    uint32_t weight; /* 0: it does not count */
    uint32_t points; /* composite: of the score, thousandths */
};
struct ranking_account {
    struct ranking_part parts[PART_COUNT];
    uint32_t count;
    enum speed_class speed; /* that its speed is of */
    bool has_score;
    uint32_t score; /* composite: thousandths, more is better */
};
/* The figures that the policy looks at, and what each brings. */
void ranking_account(const struct ranking *ranking,
                     const struct candidate *candidate,
                     struct ranking_account *out);
/* Appends "price 0.04 (500), rtt 942 us (234)", with the points of a score;
 * for people. */
void ranking_account_format(const struct ranking_account *account,
                            struct buf *out);

#endif
