#ifndef SCHED_EXPLAIN_H
#define SCHED_EXPLAIN_H

/* Why a demand fits so few offers: counts by reason, the nearest miss, and what
 * relaxing one wish alone would free. Filled by one pass over candidates. */

#include "sched/feasible.h"

struct explain {
    uint32_t offers; /* seen */
    uint32_t fits;   /* of them, take at least one task now */
    uint32_t later;  /* of the rest, refused only by what passes by itself */
    uint32_t first[REASON_COUNT]; /* offers by their first reason, notes too */
    uint32_t any[REASON_COUNT];   /* offers in which this reason refuses */
    uint32_t alone[REASON_COUNT]; /* offers in which nothing else refuses:
                                     relaxing it frees that many; without
                                     those it would not free (DEVICE_MODEL:
                                     other models are taken, too) */
    /* Of those, the figure that frees the first of them: the most there is, or
     * the lowest bill. 0 where the reason has no figures or alone is 0. */
    uint64_t relax_to[REASON_COUNT];
    bool has_nearest; /* was any offer refused? */
    struct pubkey nearest_provider;
    struct verdict nearest; /* the refused offer with the fewest reasons; among
                               equals the least sum of shortages, then the
                               lowest provider key */
    uint64_t nearest_shortage;
};

void explain_init(struct explain *explain);
void explain_add(struct explain *explain, const struct demand *demand,
                 const struct candidate *candidate,
                 const struct verdict *verdict);

/* Would relaxing the one reason that refuses the candidate free it? */
bool explain_relaxing_helps(const struct demand *demand,
                            const struct candidate *candidate,
                            enum reason reason);

/* What the reasons of a mask fall short by, feasible_shortage() added up. */
uint64_t explain_shortage(const struct demand *demand,
                          const struct candidate *candidate, uint64_t failing);

/* The reason that stands first in most refused offers, earlier row on equal
 * counts; REASON_NONE when none was refused. */
enum reason explain_top(const struct explain *explain);

/* The reasons that would free offers if relaxed alone, most offers first,
 * earlier row on equal counts. Returns how many. */
uint32_t explain_relaxations(const struct explain *explain,
                             enum reason out[REASON_COUNT]);

/* Appends a few lines for people: "3 offers, 0 fit: 2 price, 1 cpu-free",
 * "nearest: ...", "relaxing: ...". Lines end in '\n'. */
void explain_format(const struct explain *explain, const struct demand *demand,
                    struct buf *out);

#endif
