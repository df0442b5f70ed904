#ifndef SCHED_INDEX_SURVEY_IMPL_H
#define SCHED_INDEX_SURVEY_IMPL_H

/* A survey being made, shared by survey*.c alone. */

#include "sched/index/catalog_impl.h"
#include "sched/index/survey.h"

/* A reason that refuses somebody. */
struct group {
    const struct survey_rule *rule; /* its first */
    enum reason_class class_;
    bool asked;      /* the owner says so, of those it was asked about */
    uint64_t *fails; /* bits of those it refuses */
};

struct surveying {
    const struct survey *survey;
    struct catalog *c;
    struct lineup *order;
    const uint64_t *there;
    uint64_t *ask;                   /* those the owner is asked about */
    uint64_t *answers[REASON_COUNT]; /* of them, whom a reason refuses */
    uint32_t len;                    /* words */
    struct tariff_mix mix;
    uint64_t cost_max;
    struct group groups[REASON_COUNT];
    uint32_t group_count;
    uint64_t *scratch;
    uint64_t *once; /* refused for one reason only */
    uint64_t *near; /* refused for the fewest reasons there are */
    uint32_t fewest;
};

/* Of a word's bits those whose code of a dimension is at least `least`; all for
 * a dimension without codes. */
uint64_t survey_coded(const struct surveying *x, enum dimension dimension,
                      uint32_t word, uint64_t bits, uint16_t least);

/* ---- survey_cost.c ---- */
/* Adds those whose bill is above the cap, or no number. */
void survey_refuse_cost(const struct surveying *x, uint64_t *fails);

/* Whose floor is above that has a higher bill; UINT64_MAX: nobody. */
uint64_t survey_bound(const struct surveying *x, uint64_t bill);
/* The blocks of an aisle, and of a word's bits those, whose floor is not above
 * a bound. */
uint64_t survey_cheap_blocks(const struct surveying *x, uint32_t aisle,
                             uint64_t bound);
uint64_t survey_cheap(const struct surveying *x, uint32_t word, uint64_t bits,
                      uint64_t bound);

/* ---- survey_tally.c ---- */
/* All counts; fills x->once, x->near and x->fewest (0: nobody is refused). */
void survey_tally(struct surveying *x, struct explain *out);

/* Those of a word that are refused for so many reasons. */
uint64_t survey_refused(const struct surveying *x, uint32_t word,
                        uint32_t reasons);

/* ---- survey_near.c ---- */
void survey_relax(const struct surveying *x, struct explain *out);
uint32_t survey_nearest(const struct surveying *x, struct explain *out);

#endif
