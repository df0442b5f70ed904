#include "sched/graph/timetable.h"

#include <stdlib.h>

#include "base/check.h"

__extension__ typedef unsigned __int128 wide;

#define US_PER_HOUR UINT64_C(3600000000)
#define GIB         (UINT64_C(1) << 30)

struct judge {
    const struct workflow *w;
    const struct offerset *set;
    const struct timetable_slot *slots;
    struct timetable_fault *fault;
};

const char *timetable_rule_text(enum timetable_rule rule)
{
    switch (rule) {
    case TIMETABLE_OFFER:
        return "there is no such offer";
    case TIMETABLE_ROOM:
        return "the task is larger than its offer";
    case TIMETABLE_ZONE:
        return "the task or its data may not be in that zone";
    case TIMETABLE_LENGTH:
        return "end - start is not the run time there";
    case TIMETABLE_LINK:
        return "no known link brings its data";
    case TIMETABLE_WAIT:
        return "the task starts before its data is there";
    case TIMETABLE_CAPACITY:
        return "the offer is overfull";
    case TIMETABLE_DEADLINE:
        return "the deadline has passed";
    case TIMETABLE_BUDGET:
        return "it costs more than the budget";
    }
    return "unknown rule";
}

static bool broken(const struct judge *j, enum timetable_rule rule,
                   uint32_t task, uint32_t other)
{
    *j->fault = (struct timetable_fault){rule, task, other};
    return true;
}

static wide divide_up(wide n, wide by)
{
    return (n + by - 1) / by;
}

static const struct offerset_offer *place(const struct judge *j, uint32_t t)
{
    return &j->set->offers[j->slots[t].offer];
}

/* ---- where ---- */

static bool misplaced(const struct judge *j)
{
    for (uint32_t t = 0; t < j->w->task_count; t++) {
        if (j->slots[t].offer >= j->set->count)
            return broken(j, TIMETABLE_OFFER, t, WORKFLOW_NONE);
    }
    for (uint32_t t = 0; t < j->w->task_count; t++) {
        if (j->w->tasks[t].cores > place(j, t)->cores ||
            j->w->tasks[t].memory_mib > place(j, t)->memory_mib)
            return broken(j, TIMETABLE_ROOM, t, WORKFLOW_NONE);
    }
    return false;
}

/* From the files and links as they were told, not from what closing made of
 * them: bounds pass from file to reader to what it wrote, until none does. */
static bool trespassing(const struct judge *j, uint64_t *bound)
{
    const struct workflow *w = j->w;
    bool changed = true;
    for (uint32_t t = 0; t < w->task_count; t++)
        bound[t] = WORKFLOW_ZONES_ALL;
    while (changed) {
        changed = false;
        for (uint32_t i = 0; i < w->link_count; i++) {
            const struct workflow_link *link = &w->links[i];
            uint64_t is = bound[link->task];
            if (link->order)
                continue;
            is &= w->files[link->what].zones;
            if (w->files[link->what].producer != WORKFLOW_NONE &&
                w->files[link->what].bytes > 0)
                is &= bound[w->files[link->what].producer];
            changed = changed || is != bound[link->task];
            bound[link->task] = is;
        }
    }
    for (uint32_t f = 0; f < w->file_count; f++) {
        if (w->files[f].producer != WORKFLOW_NONE)
            bound[w->files[f].producer] &= w->files[f].zones;
    }
    for (uint32_t t = 0; t < w->task_count; t++) {
        if (((bound[t] & w->tasks[t].zones) >> place(j, t)->zone & 1) == 0)
            return broken(j, TIMETABLE_ZONE, t, WORKFLOW_NONE);
    }
    return false;
}

/* ---- when ---- */

static bool misjudged(const struct judge *j)
{
    for (uint32_t t = 0; t < j->w->task_count; t++) {
        const struct timetable_slot *slot = &j->slots[t];
        wide needs = divide_up((wide)j->w->tasks[t].work_us * 1000,
                               place(j, t)->speed_permille);
        if (slot->end_us < slot->start_us ||
            slot->end_us - slot->start_us != needs)
            return broken(j, TIMETABLE_LENGTH, t, WORKFLOW_NONE);
    }
    return false;
}

static wide arrival(const struct offerset_link *link, uint64_t sent_us,
                    uint64_t bytes)
{
    return (wide)sent_us + link->rtt_us +
           divide_up((wide)bytes * 8000, link->kbps);
}

/* rule: TIMETABLE_LINK or TIMETABLE_WAIT. */
static bool early(const struct judge *j, enum timetable_rule rule)
{
    const struct workflow *w = j->w;
    for (uint32_t i = 0; i < w->input_count; i++) {
        const struct workflow_input *input = &w->inputs[i];
        const struct offerset_link *link =
            offerset_between(j->set, input->site, place(j, input->task)->site);
        if (rule == TIMETABLE_LINK ? link->kbps == 0
                                   : arrival(link, 0, input->bytes) >
                                         j->slots[input->task].start_us)
            return broken(j, rule, input->task, WORKFLOW_NONE);
    }
    for (uint32_t e = 0; e < w->edge_count; e++) {
        const struct workflow_edge *edge = &w->edges[e];
        const struct timetable_slot *from = &j->slots[edge->from];
        const struct timetable_slot *to = &j->slots[edge->to];
        const struct offerset_link *link = offerset_between(
            j->set, place(j, edge->from)->site, place(j, edge->to)->site);
        bool late;
        if (from->offer == to->offer)
            late = rule == TIMETABLE_WAIT && from->end_us > to->start_us;
        else if (rule == TIMETABLE_LINK)
            late = link->kbps == 0;
        else
            late = arrival(link, from->end_us, edge->bytes) > to->start_us;
        if (late)
            return broken(j, rule, edge->to, edge->from);
    }
    return false;
}

/* ---- how many at once ---- */

struct moment {
    uint64_t at_us;
    uint32_t offer;
    uint32_t task;
    bool start;
};

static int by_moment(const void *a, const void *b)
{
    const struct moment *x = a;
    const struct moment *y = b;
    if (x->offer != y->offer)
        return x->offer < y->offer ? -1 : 1;
    if (x->at_us != y->at_us)
        return x->at_us < y->at_us ? -1 : 1;
    if (x->start != y->start)
        return x->start ? 1 : -1;
    return (x->task > y->task) - (x->task < y->task);
}

static bool overfull(const struct judge *j, struct moment *moments)
{
    uint32_t count = 0;
    uint64_t cores = 0;
    uint64_t memory = 0;
    for (uint32_t t = 0; t < j->w->task_count; t++) {
        const struct timetable_slot *slot = &j->slots[t];
        if (slot->start_us == slot->end_us)
            continue;
        moments[count++] =
            (struct moment){slot->start_us, slot->offer, t, true};
        moments[count++] = (struct moment){slot->end_us, slot->offer, t, false};
    }
    if (count > 1)
        qsort(moments, count, sizeof(*moments), by_moment);
    for (uint32_t i = 0; i < count; i++) {
        const struct moment *m = &moments[i];
        const struct workflow_task *task = &j->w->tasks[m->task];
        const struct offerset_offer *offer = &j->set->offers[m->offer];
        cores = m->start ? cores + task->cores : cores - task->cores;
        memory =
            m->start ? memory + task->memory_mib : memory - task->memory_mib;
        if (cores > offer->cores || memory > offer->memory_mib)
            return broken(j, TIMETABLE_CAPACITY, m->task, WORKFLOW_NONE);
    }
    CHECK(cores == 0 && memory == 0);
    return false;
}

/* ---- how much ---- */

static bool add_up(const struct judge *j, struct timetable_sums *out)
{
    const struct workflow *w = j->w;
    wide run = 0;
    wide haul = 0;
    out->makespan_us = 0;
    for (uint32_t t = 0; t < w->task_count; t++) {
        const struct timetable_slot *slot = &j->slots[t];
        run += divide_up((wide)place(j, t)->price_micro * w->tasks[t].cores *
                             (slot->end_us - slot->start_us),
                         US_PER_HOUR);
        if (slot->end_us > out->makespan_us)
            out->makespan_us = slot->end_us;
    }
    for (uint32_t i = 0; i < w->input_count; i++) {
        const struct workflow_input *input = &w->inputs[i];
        const struct offerset_link *link =
            offerset_between(j->set, input->site, place(j, input->task)->site);
        haul += divide_up((wide)link->egress_micro * input->bytes, GIB);
    }
    for (uint32_t e = 0; e < w->edge_count; e++) {
        const struct workflow_edge *edge = &w->edges[e];
        const struct offerset_link *link = offerset_between(
            j->set, place(j, edge->from)->site, place(j, edge->to)->site);
        if (j->slots[edge->from].offer != j->slots[edge->to].offer)
            haul += divide_up((wide)link->egress_micro * edge->bytes, GIB);
    }
    if (run + haul > UINT64_MAX)
        return false;
    out->run_micro = (uint64_t)run;
    out->haul_micro = (uint64_t)haul;
    out->cost_micro = (uint64_t)(run + haul);
    return true;
}

static bool beyond(const struct judge *j, const struct timetable_limits *limits,
                   const struct timetable_sums *sums)
{
    if (sums->makespan_us > limits->deadline_us)
        return broken(j, TIMETABLE_DEADLINE, WORKFLOW_NONE, WORKFLOW_NONE);
    if (sums->cost_micro > limits->budget_micro)
        return broken(j, TIMETABLE_BUDGET, WORKFLOW_NONE, WORKFLOW_NONE);
    return false;
}

enum err timetable_check(const struct workflow *w, const struct offerset *set,
                         const struct timetable_slot *slots,
                         const struct timetable_limits *limits,
                         struct timetable_sums *out,
                         struct timetable_fault *out_fault)
{
    struct timetable_fault fault;
    struct timetable_sums sums = {0};
    struct judge j = {w, set, slots, &fault};
    struct moment *moments =
        calloc(2 * (size_t)w->task_count, sizeof(*moments));
    uint64_t *bound = calloc(w->task_count, sizeof(*bound));
    enum err err = OK;
    CHECK(w->closed);
    for (uint32_t i = 0; i < w->input_count; i++)
        CHECK(w->inputs[i].site < set->sites);
    if (moments == NULL || bound == NULL)
        err = ERR_NOMEM;
    else if (misplaced(&j) || trespassing(&j, bound) || misjudged(&j) ||
             early(&j, TIMETABLE_LINK) || early(&j, TIMETABLE_WAIT) ||
             overfull(&j, moments))
        err = ERR_RANGE;
    else if (!add_up(&j, &sums))
        err = ERR_OVERFLOW;
    else if (beyond(&j, limits, &sums))
        err = ERR_RANGE;
    free(moments);
    free(bound);
    if (err == ERR_RANGE)
        *out_fault = fault;
    if (err == OK)
        *out = sums;
    return err;
}
