#ifndef SCHED_CUT_BISECT_H
#define SCHED_CUT_BISECT_H

/* Cuts a graph in two, and each half again, until every part fits a box. A half
 * is made to hold about half of the boxes that the sizes want at least. Where
 * it may lie is grown unit by unit, the next being the one that hangs most on
 * those taken (of an ordered graph only units whose predecessors are taken, so
 * that no flow arc leads back); of several such growths the cheapest cut is
 * refined. */

#include "base/dice.h"
#include "sched/cut/coarse.h"

/* out_part[u], 0..*out_k-1; where ordered, flow arcs lead to the same or a
 * higher part. Every unit by itself fits a box (CHECKed). ERR_NOMEM. */
MUST_USE enum err bisect(const struct coarse *g, const struct cut_boxes *boxes,
                         bool ordered, struct dice *dice, uint32_t *out_part,
                         uint32_t *out_k);

/* What a step of the whole work may use, in bytes. */
#define CUT_SCRATCH_MAX ((size_t)1 << 30)

#endif
