/* links: sched_lab */
/* Workflows from anywhere: read or refused with their name, and what was read
 * can be closed and planned on an offer that fits, in a plan that holds. */

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sched/graph/flow_plan.h"
#include "sched/lab/wfformat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void plan(const struct workflow *w)
{
    static const struct timetable_limits unbound = {TIMETABLE_UNBOUND,
                                                    TIMETABLE_UNBOUND};
    struct flow_plan_ask ask = {FLOW_PLAN_FASTEST, TIMETABLE_UNBOUND, 100, 100,
                                1};
    struct timetable_slot *slots = calloc(w->task_count, sizeof(*slots));
    struct offerset_link link = {5, 10, 100000};
    struct timetable_fault fault;
    struct timetable_sums sums;
    struct flow_plan made;
    struct offerset set;
    struct flowcase fc;
    uint32_t task = 0;
    enum err err;
    CHECK(slots != NULL && offerset_init(&set, 1) == OK);
    CHECK(offerset_link(&set, 0, 0, &link) == OK);
    for (uint32_t i = 0; i < 2; i++) {
        struct offerset_offer offer = {
            70, 900 + 200 * i, WORKFLOW_CORES_MAX, UINT32_MAX, 0, 0};
        CHECK(offerset_add(&set, &offer) == OK);
    }
    err = flowcase_init(&fc, w, &set, &task);
    CHECK(err == OK || err == ERR_OVERFLOW);
    if (err == OK) {
        CHECK(flow_plan(&fc, &ask, slots, &made) == OK);
        CHECK(timetable_check(w, &set, slots, &unbound, &sums, &fault) == OK);
        CHECK(sums.makespan_us == made.makespan_us);
        CHECK(sums.cost_micro == made.cost_micro);
    }
    offerset_done(&set);
    free(slots);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char error[WFFORMAT_ERROR_MAX];
    struct wfformat wf;
    uint32_t task = 0;
    enum err err = wfformat_parse(bytes_make(data, len), "f", &wf, error);
    if (err != OK) {
        CHECK(err == ERR_NOMEM || strncmp(error, "f: ", 3) == 0);
        return 0;
    }
    if (workflow_close(&wf.workflow, &task) == OK)
        plan(&wf.workflow);
    wfformat_done(&wf);
    return 0;
}
