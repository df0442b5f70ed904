#ifndef SCHED_FRAGMENT_H
#define SCHED_FRAGMENT_H

/* A fragment is what a task leaves idle beside it that is of little use to
 * others.
 *
 * Of devices it is the measure of fleet/frag.h, F, with four asks taken as
 * typical, each as frequent: tasks like this one, and such that want a whole
 * device, a half and a quarter of one, of any model of the offer, all with the
 * same cores and memory. F is the sum over them of the idle thousandths that
 * one could not use there. */

#include "sched/candidate.h"
#include "sched/demand.h"

/* Cores and memory left over beside one task, in thousandths of what it wants
 * of each, added up. */
uint64_t fragment_left(const struct candidate *candidate,
                       const struct resources *want);

/* By how much F grows when the task goes there, as a step: gains of less than
 * an eighth of a device are equal, for best fit decides among them better.
 * FRAGMENT_NONE: F stays; less: it shrinks. The demand wishes for devices and
 * fits the candidate (CHECKed). */
#define FRAGMENT_NONE 4096u
uint32_t fragment_growth(const struct candidate *candidate,
                         const struct demand *demand);

#endif
