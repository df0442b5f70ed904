#ifndef SCHED_GRAPH_FLOWCASE_H
#define SCHED_GRAPH_FLOWCASE_H

/* A workflow on a set of offers, as its solvers see it: what a task takes on an
 * offer, what data takes between two. Times in us, costs in micro-credits; both
 * rounded up, both FLOWCASE_NEVER where it cannot be done. */

#include "sched/graph/offerset.h"
#include "sched/graph/timetable.h"
#include "sched/graph/workflow.h"

#define FLOWCASE_NEVER (UINT64_C(1) << 62)

struct flowcase {
    const struct workflow *w;    /* lent, closed */
    const struct offerset *set;  /* lent */
    uint64_t mean_rtt_us;        /* between two offers drawn at random */
    uint64_t mean_us_per_kib_fp; /* the same for data, times 2^20 */
};

/* The workflow and the offers are lent as long as the case is used. ERR_RANGE:
 * an input of *out_task lies at a site that the offers do not know;
 * ERR_CAPACITY: no offer is large enough for *out_task, in its zones, and
 * reached by its inputs (or there is no offer); ERR_OVERFLOW: times or costs
 * could pass FLOWCASE_NEVER. */
MUST_USE enum err flowcase_init(struct flowcase *fc, const struct workflow *w,
                                const struct offerset *set, uint32_t *out_task);

/* Size, zone and inputs allow the task there. */
bool flowcase_fits(const struct flowcase *fc, uint32_t task, uint32_t offer);
uint64_t flowcase_run_us(const struct flowcase *fc, uint32_t task,
                         uint32_t offer);
/* When the task's inputs are there. */
uint64_t flowcase_input_us(const struct flowcase *fc, uint32_t task,
                           uint32_t offer);
/* Between two different offers at these sites. */
uint64_t flowcase_haul_us(const struct flowcase *fc, uint64_t bytes,
                          uint32_t from_site, uint32_t to_site);
uint64_t flowcase_haul_micro(const struct flowcase *fc, uint64_t bytes,
                             uint32_t from_site, uint32_t to_site);
/* The mean of flowcase_haul_us over all pairs of offers that have a link; none
 * within an offer. */
uint64_t flowcase_mean_us(const struct flowcase *fc, uint64_t bytes);
/* Running there, and bringing its inputs there. */
uint64_t flowcase_task_micro(const struct flowcase *fc, uint32_t task,
                             uint32_t offer);
/* Of the whole: every task where `offers` says. FLOWCASE_NEVER: a task does not
 * fit or data has no way. */
uint64_t flowcase_cost(const struct flowcase *fc, const uint32_t *offers);

#endif
