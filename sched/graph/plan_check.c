#include "sched/graph/plan_check.h"

struct judge {
    const struct topology *t;
    const struct job_graph *job;
    const struct plan *plan;
    struct plan_verdict *out;
};

static void blame(const struct judge *j, enum plan_fault fault,
                  uint32_t subject, uint64_t want, uint64_t have)
{
    struct plan_verdict *out = j->out;
    if (out->faults == 0) {
        out->first = fault;
        out->subject = subject;
        out->want = want;
        out->have = have;
    }
    out->faults |= 1u << fault;
}

/* ---- shape ---- */

static bool steps_are_there(const struct judge *j)
{
    const struct plan *p = j->plan;
    if (p->begin[0] != 0)
        return false;
    for (uint32_t i = 0; i < p->link_count; i++)
        if (p->begin[i + 1] < p->begin[i] || p->begin[i + 1] > PLAN_STEPS_MAX)
            return false;
    return true;
}

static void shape(const struct judge *j)
{
    const struct plan *p = j->plan;
    if (job_graph_check(j->job) != OK) {
        blame(j, PLAN_JOB, 0, 0, 0);
        return;
    }
    if (p->component_count != j->job->component_count ||
        p->link_count != j->job->link_count || !steps_are_there(j)) {
        blame(j, PLAN_SHAPE, 0, 0, 0);
        return;
    }
    for (uint32_t c = 0; c < p->component_count; c++)
        if (p->node[c] >= j->t->node_count)
            blame(j, PLAN_NODE, c, p->node[c], j->t->node_count);
    for (uint32_t i = 0; i < p->link_count; i++)
        for (uint32_t s = p->begin[i]; s < p->begin[i + 1]; s++)
            if (p->steps[s] >= j->t->link_count)
                blame(j, PLAN_STEP, i, p->steps[s], j->t->link_count);
}

/* ---- nodes: (1) to (4) ---- */

static bool is_storage(uint32_t res)
{
    return res == RES_MEM || res == RES_DISK;
}

static void room(const struct judge *j, uint32_t c)
{
    uint16_t node = j->plan->node[c];
    const struct topo_node *n = &j->t->nodes[node];
    for (uint32_t r = 0; r < RES_COUNT; r++) {
        uint64_t want = j->job->components[c].want.of[r];
        uint64_t sum = 0;
        for (uint32_t o = 0; o < j->job->component_count; o++)
            if (j->plan->node[o] == node)
                sum += j->job->components[o].want.of[r];
        if (want > n->cap.of[r])
            blame(j, is_storage(r) ? PLAN_STORAGE : PLAN_COMPUTE, c, want,
                  n->cap.of[r]);
        if (want > 0 && sum + n->used.of[r] > n->cap.of[r])
            blame(j, is_storage(r) ? PLAN_STORAGE_SUM : PLAN_COMPUTE_SUM, c,
                  sum + n->used.of[r], n->cap.of[r]);
    }
}

/* ---- where: (7), groups ---- */

static void where(const struct judge *j, uint32_t c)
{
    const struct job_component *component = &j->job->components[c];
    uint16_t node = j->plan->node[c];
    const struct topo_node *n = &j->t->nodes[node];
    if (component->place != JOB_ANYWHERE && component->place != node)
        blame(j, PLAN_PLACE, c, component->place, node);
    if ((component->zones >> n->zone & 1) == 0)
        blame(j, PLAN_ZONE, c, 0, n->zone);
    if ((n->labels & component->labels) != component->labels)
        blame(j, PLAN_LABEL, c, component->labels, n->labels);
    if (component->only != NULL && !node_set_has(component->only, node))
        blame(j, PLAN_ONLY, c, 0, node);
}

/* Follows the content of one data input along the links, as far as it gets. */
static void residency(const struct judge *j, uint32_t data)
{
    uint64_t zones = j->job->components[data].zones;
    uint32_t has = 1u << data;
    for (uint32_t round = 0; round < j->job->component_count; round++)
        for (uint32_t i = 0; i < j->job->link_count; i++)
            if ((has >> j->job->links[i].from & 1) != 0)
                has |= 1u << j->job->links[i].to;
    for (uint32_t c = 0; c < j->job->component_count; c++) {
        uint8_t zone = j->t->nodes[j->plan->node[c]].zone;
        if (c != data && (has >> c & 1) != 0 && (zones >> zone & 1) == 0)
            blame(j, PLAN_DATA, c, data, zone);
    }
}

static void pair(const struct judge *j, uint32_t a, uint32_t b)
{
    const struct job_component *x = &j->job->components[a];
    const struct job_component *y = &j->job->components[b];
    bool same = j->plan->node[a] == j->plan->node[b];
    bool group = x->together != 0 && x->together == y->together;
    if (group && !same)
        blame(j, PLAN_TOGETHER, b, 0, 0);
    if (same && x->apart != 0 && x->apart == y->apart)
        blame(j, PLAN_APART, b, 0, 0);
    if (same && j->job->alone && !group && !x->data && !y->data)
        blame(j, PLAN_ALONE, b, 0, 0);
}

/* ---- paths: (5), (8), (9), that they lead there ---- */

static void walk(const struct judge *j, uint32_t link)
{
    const struct job_link *l = &j->job->links[link];
    uint16_t at = j->plan->node[l->from];
    uint32_t begin = j->plan->begin[link];
    uint32_t end = j->plan->begin[link + 1];
    uint16_t visited[PLAN_STEPS_MAX + 1];
    uint32_t count = 0;
    visited[count++] = at;
    for (uint32_t s = begin; s < end; s++) {
        const struct topo_link *e = &j->t->links[j->plan->steps[s]];
        if (e->a != at && e->b != at) {
            blame(j, PLAN_PATH, link, 0, 0);
            return;
        }
        at = e->a == at ? e->b : e->a;
        for (uint32_t i = 0; i < count; i++)
            if (visited[i] == at)
                blame(j, PLAN_LOOP, link, 0, 0);
        visited[count++] = at;
    }
    if (at != j->plan->node[l->to])
        blame(j, PLAN_PATH, link, 0, 0);
}

/* Microseconds for the bytes of a link, 0 when both ends share a node. */
static uint64_t sending(const struct judge *j, uint32_t link)
{
    const struct job_link *l = &j->job->links[link];
    uint64_t whole;
    if (l->bytes == 0 || j->plan->begin[link] == j->plan->begin[link + 1])
        return 0;
    whole = l->bytes / l->kbps;
    if (whole >= UINT32_MAX / 8000)
        return UINT32_MAX;
    return whole * 8000 + (l->bytes % l->kbps * 8000 + l->kbps - 1) / l->kbps;
}

/* Sums of a path. True: every delay (every risk) on it is known. */
static bool delay_of(const struct judge *j, uint32_t link, uint64_t *out)
{
    bool known = true;
    *out = 0;
    for (uint32_t s = j->plan->begin[link]; s < j->plan->begin[link + 1]; s++) {
        uint32_t delay = j->t->links[j->plan->steps[s]].delay_us;
        known = known && delay != LINK_UNKNOWN;
        *out += delay;
    }
    *out += sending(j, link);
    return known;
}

static bool risk_of(const struct judge *j, uint32_t link, uint64_t *out)
{
    bool known = true;
    *out = 0;
    for (uint32_t s = j->plan->begin[link]; s < j->plan->begin[link + 1]; s++) {
        uint32_t risk = j->t->links[j->plan->steps[s]].risk_nn;
        known = known && risk != LINK_UNKNOWN;
        *out += risk;
    }
    return known;
}

static void quality(const struct judge *j, uint32_t link)
{
    const struct job_link *l = &j->job->links[link];
    uint64_t have;
    bool timed = l->flow && j->job->time_us_max != 0;
    if (!delay_of(j, link, &have)) {
        if (l->delay_us_max != 0 || timed)
            blame(j, PLAN_DELAY_UNKNOWN, link, 0, 0);
    } else if (l->delay_us_max != 0 && have > l->delay_us_max) {
        blame(j, PLAN_DELAY, link, l->delay_us_max, have);
    }
    if (l->risk_nn_max == 0)
        return;
    if (!risk_of(j, link, &have))
        blame(j, PLAN_RISK_UNKNOWN, link, 0, 0);
    else if (have > l->risk_nn_max)
        blame(j, PLAN_RISK, link, l->risk_nn_max, have);
}

static void bandwidth(const struct judge *j, uint32_t step)
{
    uint16_t link = j->plan->steps[step];
    const struct topo_link *e = &j->t->links[link];
    uint64_t want = e->used_kbps;
    uint64_t more = 0;
    for (uint32_t i = 0; i < j->job->link_count; i++)
        for (uint32_t s = j->plan->begin[i]; s < j->plan->begin[i + 1]; s++) {
            if (j->plan->steps[s] != link)
                continue;
            if (s < step)
                return; /* looked at before */
            more += j->job->links[i].kbps;
        }
    if (more > 0 && want + more > e->cap_kbps)
        blame(j, PLAN_BANDWIDTH, link, want + more, e->cap_kbps);
}

/* ---- time: (6) ---- */

static void time_of(const struct judge *j)
{
    uint64_t ends[JOB_COMPONENTS_MAX] = {0};
    uint64_t starts[JOB_COMPONENTS_MAX] = {0};
    uint64_t bound = j->job->time_us_max;
    for (uint32_t round = 0; round <= j->job->component_count; round++) {
        for (uint32_t c = 0; c < j->job->component_count; c++) {
            uint64_t work = (uint64_t)j->job->components[c].work_us * 1000;
            uint32_t speed = j->t->nodes[j->plan->node[c]].speed;
            if (work > 0 && speed == 0) {
                blame(j, PLAN_SPEED, c, 0, 0);
                return;
            }
            ends[c] =
                starts[c] + (work > 0 ? work / speed + (work % speed != 0) : 0);
        }
        for (uint32_t i = 0; i < j->job->link_count; i++) {
            const struct job_link *l = &j->job->links[i];
            uint64_t delay;
            if (!l->flow || !delay_of(j, i, &delay))
                continue;
            if (ends[l->from] + delay > starts[l->to])
                starts[l->to] = ends[l->from] + delay;
        }
    }
    for (uint32_t c = 0; c < j->job->component_count; c++)
        if (ends[c] > bound)
            blame(j, PLAN_TIME, c, bound, ends[c]);
}

bool plan_check(const struct topology *topology, const struct job_graph *job,
                const struct plan *plan, struct plan_verdict *out)
{
    const struct judge j = {topology, job, plan, out};
    *out = (struct plan_verdict){.first = PLAN_FAULT_COUNT};
    shape(&j);
    if (out->faults != 0)
        return false;
    for (uint32_t c = 0; c < job->component_count; c++) {
        room(&j, c);
        where(&j, c);
        if (job->components[c].data)
            residency(&j, c);
        for (uint32_t o = 0; o < c; o++)
            pair(&j, o, c);
    }
    for (uint32_t i = 0; i < job->link_count; i++) {
        walk(&j, i);
        quality(&j, i);
    }
    for (uint32_t s = 0; s < plan->begin[plan->link_count]; s++)
        bandwidth(&j, s);
    if (job->time_us_max != 0)
        time_of(&j);
    return out->faults == 0;
}

const char *plan_fault_text(enum plan_fault fault)
{
#define X(name, text) text,
    static const char *const texts[] = {PLAN_FAULT_MAP(X)};
#undef X
    return fault < PLAN_FAULT_COUNT ? texts[fault] : "nothing";
}
