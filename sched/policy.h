#ifndef SCHED_POLICY_H
#define SCHED_POLICY_H

/* A policy puts candidates that fit into an order. Here are the simple ones,
 * rows of a table, which look at one candidate at a time and whose order an
 * index can keep; sched/ranking.h has all of them. Each turns a candidate into
 * a rank, three numbers compared in order, less is better:
 *
 *   cheapest   0, price of an hour, 0
 *   nearest    round trip not known (0 or 1), its step, price of an hour
 *   fastest    speed not measured (0 or 1), all speeds below it, price
 *
 * What is left equal is settled by a keyed hash of the demand's salt and the
 * provider's key: every request sees its own order of equals, so nobody herds
 * all buyers onto one provider, and no provider can choose a key that wins. */

#include "sched/candidate.h"
#include "sched/demand.h"

struct rank {
    uint64_t group; /* of a division; compared first; 0 = none */
    uint64_t key[3];
    uint64_t wait_ms; /* before it can begin; the caller's */
    uint64_t tie;
    struct pubkey provider; /* the last word, should two ties be equal */
    uint32_t index;         /* the caller's name for the candidate; not
                               compared */
};

/* <0: a is better. 0 only for the same provider. */
int rank_compare(const struct rank *a, const struct rank *b);

/* What of a policy's figure is known: see rank_floor. */
enum figure { FIGURE_KNOWN = 0, FIGURE_UNKNOWN = 1 };

/* Ranks one candidate. demand->policy must be simple: CHEAPEST, NEAREST or
 * FASTEST (CHECKed). The terms are not looked at: ranking_rank does. */
void policy_rank(const struct demand *demand, const struct candidate *candidate,
                 uint32_t index, struct rank *out);

/* The best rank any candidate can have whose figure is no better than `value`:
 * micro-credits an hour for cheapest, microseconds for nearest, grade_step()
 * for fastest. FIGURE_UNKNOWN: whose figure is not known. For walks in the
 * order of the figure, which may stop early. */
void policy_floor(enum policy policy, enum figure known, uint64_t value,
                  struct rank *out);

/* Best first. */
void policy_sort(struct rank *ranks, size_t count);

/* Two round-trip times of one step are the same distance: steps are an eighth
 * of a doubling (9 %), for measurements repeat no better. Never falls when rtt
 * grows. */
uint64_t policy_rtt_step(uint64_t rtt_us);

/* All of them, in the order of their numbers; 0 past the last. */
enum policy policy_nth(size_t i);
bool policy_known(enum policy policy);
const char *policy_text(enum policy policy); /* "cheapest"; "?" if unknown */
const char *policy_help(enum policy policy); /* one line for people */
/* ERR_PARSE. */
MUST_USE enum err policy_parse(const char *text, enum policy *out);

#endif
