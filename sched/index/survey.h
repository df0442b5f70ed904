#ifndef SCHED_INDEX_SURVEY_H
#define SCHED_INDEX_SURVEY_H

/* A survey says why a demand fits so few of a catalog's offers: the same counts
 * and the same nearest miss as sched/explain.h adds up offer by offer, read off
 * the bitmaps, 64 offers at a time. Figures are looked up only between two
 * rungs, in boxes that a price cap cuts, and for the nearest miss. */

#include "sched/explain.h"
#include "sched/index/catalog.h"

enum survey_kind {
    SURVEY_FLAG = 1,  /* refuses where the flag is on */
    SURVEY_NO_FLAG,   /* .. where it is off */
    SURVEY_TAG,       /* .. whoever bears the tag */
    SURVEY_NO_TAG,    /* .. whoever does not */
    SURVEY_NO_TAG_OF, /* .. whoever bears none of tags[] */
    SURVEY_SLOTS,     /* .. these slots; those without a row do not count */
    SURVEY_ALL_BUT,   /* .. all but slots[0]; without it, all */
    SURVEY_ALL,       /* .. everybody */
    SURVEY_SHORT,     /* .. who has less than `want` of the dimension */
    SURVEY_COST,      /* .. whose bill is above its cap, or no number */
    SURVEY_ASK,       /* .. nobody: the owner is asked */
};

/* One way to refuse. Rules stand in the order of the reasons; those of one
 * reason stand side by side, and any of them refuses. A rule whose reason is a
 * note refuses nothing: it is counted among those that fit. */
struct survey_rule {
    enum reason reason;
    enum survey_kind kind;
    enum flag flag;
    enum dimension dimension;
    /* SHORT: not where this dimension's rule, further up, refuses: waiting
     * would not help. DIM_COUNT: none. */
    enum dimension unless;
    uint64_t want; /* 0 refuses nobody */
    uint64_t tag;
    const uint64_t *tags; /* lent */
    uint32_t tag_count;
    const uint32_t *slots; /* lent */
    uint32_t slot_count;
};

#define SURVEY_RULES_MAX 56u

struct survey {
    struct survey_rule rules[SURVEY_RULES_MAX];
    uint32_t count;
    uint64_t mix[TARIFF_PARTS];
    struct tariff_bill bill;
    /* What a catalog cannot tell: of offers with one of these flags the owner
     * is asked, and its word counts for the reasons asked about; the rules of
     * these are for the others. Each such reason has a rule. */
    uint64_t asked;     /* reason_bit()s */
    uint32_t ask_flags; /* flag_bit()s */
    bool ask_all;       /* of all offers */
    /* Those that refuse, of all reasons. */
    uint64_t (*ask)(const void *owner, uint32_t slot);
    /* As explain_relaxing_helps, of a slot that only this refuses. */
    bool (*ask_helps)(const void *owner, uint32_t slot, enum reason reason);
    /* As feasible_shortage and the second figure of feasible_figures, 0 where
     * it has none: of a slot that was asked about, and that this refuses. */
    uint32_t (*ask_shortage)(const void *owner, uint32_t slot,
                             enum reason reason, uint64_t *out_have);
    /* Of two offers whose names are equal: is a before b? */
    bool (*before)(const void *owner, uint32_t a, uint32_t b);
    const void *owner;
};

/* Empty, of no price. */
void survey_init(struct survey *survey);
/* Appends a rule of that reason and kind, the rest zero, for the caller to
 * fill. CHECKs that there is room. */
struct survey_rule *survey_add(struct survey *survey, enum reason reason,
                               enum survey_kind kind);

/* out's nearest_provider and nearest stay zero: its slot is given instead
 * (UINT32_MAX: nobody was refused), with has_nearest and nearest_shortage.
 * ERR_NOMEM. */
MUST_USE enum err survey_run(const struct survey *survey,
                             struct catalog *catalog, struct explain *out,
                             uint32_t *out_nearest);

/* Visits those that are refused for the fewest reasons: all with one, then all
 * with two, and so on until at least `need` were visited, or all. ERR_NOMEM. */
MUST_USE enum err survey_misses(const struct survey *survey,
                                struct catalog *catalog, uint32_t need,
                                void (*visit)(void *context, uint32_t slot),
                                void *context);

#endif
