#include "sched/graph/adjust_find.h"

#include "base/check.h"
#include "sched/graph/plan_check.h"

#define EXACT_UNITS 12u /* on one node: all subsets are looked at */

void adjust_zones(const struct job_graph *job,
                  uint64_t zones[JOB_COMPONENTS_MAX])
{
    for (uint32_t c = 0; c < job->component_count; c++)
        zones[c] = job->components[c].zones;
    for (uint32_t d = 0; d < job->component_count; d++) {
        uint32_t has = 1u << d;
        if (!job->components[d].data)
            continue;
        zones[d] = JOB_ZONES_ALL; /* it lies where it lies */
        for (uint32_t round = 0; round < job->component_count; round++)
            for (uint32_t i = 0; i < job->link_count; i++)
                if ((has >> job->links[i].from & 1) != 0)
                    has |= 1u << job->links[i].to;
        for (uint32_t c = 0; c < job->component_count; c++)
            if (c != d && (has >> c & 1) != 0)
                zones[c] &= job->components[d].zones;
    }
}

uint32_t adjust_group(const struct job_graph *job, uint32_t c)
{
    uint32_t mask = 1u << c;
    uint8_t group = job->components[c].together;
    for (uint32_t o = 0; group != 0 && o < job->component_count; o++)
        if (job->components[o].together == group)
            mask |= 1u << o;
    return mask;
}

bool adjust_may(const struct topology *topology, const struct job_graph *job,
                const uint64_t *zones, uint32_t c, uint32_t v)
{
    const struct job_component *component = &job->components[c];
    const struct topo_node *node = &topology->nodes[v];
    if (component->place != JOB_ANYWHERE && component->place != v)
        return false;
    if ((zones[c] >> node->zone & 1) == 0 ||
        (node->labels & component->labels) != component->labels ||
        (component->only != NULL && !node_set_has(component->only, v)))
        return false;
    if (job->time_us_max != 0 && component->work_us > 0 && node->speed == 0)
        return false;
    return component->data || stock_fits(&component->want, &node->cap);
}

/* ---- nodes that are too full ---- */

struct crowd {
    uint32_t count;
    uint32_t mask[JOB_COMPONENTS_MAX]; /* units that could leave the node */
    uint64_t state[JOB_COMPONENTS_MAX];
};

static void add_wants(const struct job_graph *job, uint32_t mask,
                      uint64_t sum[RES_COUNT])
{
    for (uint32_t c = 0; c < job->component_count; c++)
        for (uint32_t r = 0; (mask >> c & 1) != 0 && r < RES_COUNT; r++)
            sum[r] += job->components[c].want.of[r];
}

/* Is there room for these? A dimension that none of them wants is nobody's
 * business here. */
static bool room_for(const struct topology *t, const struct job_graph *job,
                     uint32_t node, uint32_t mask)
{
    uint64_t sum[RES_COUNT] = {0};
    const struct topo_node *n = &t->nodes[node];
    add_wants(job, mask, sum);
    for (uint32_t r = 0; r < RES_COUNT; r++)
        if (sum[r] > 0 && sum[r] + n->used.of[r] > n->cap.of[r])
            return false;
    return true;
}

static uint32_t least_of(const struct topology *t, const struct job_graph *job,
                         uint32_t node, uint32_t all, const struct crowd *crowd)
{
    uint32_t best = UINT32_MAX;
    uint32_t best_count = UINT32_MAX;
    uint64_t best_state = UINT64_MAX;
    for (uint32_t s = 1; s < 1u << crowd->count; s++) {
        uint32_t count = (uint32_t)__builtin_popcount(s);
        uint32_t mask = 0;
        uint64_t state = 0;
        for (uint32_t i = 0; i < crowd->count; i++)
            if ((s >> i & 1) != 0) {
                mask |= crowd->mask[i];
                state += crowd->state[i];
            }
        if ((count < best_count ||
             (count == best_count && state < best_state)) &&
            room_for(t, job, node, all & ~mask)) {
            best = mask;
            best_count = count;
            best_state = state;
        }
    }
    return best == UINT32_MAX ? all : best;
}

/* Too many for all subsets: the one that wants most cores, until it is enough.
 */
static uint32_t greedily(const struct topology *t, const struct job_graph *job,
                         uint32_t node, uint32_t all, const struct crowd *crowd)
{
    uint32_t gone = 0;
    while (!room_for(t, job, node, all & ~gone)) {
        uint64_t most = 0;
        uint32_t which = 0;
        for (uint32_t i = 0; i < crowd->count; i++) {
            uint64_t sum[RES_COUNT] = {0};
            if ((crowd->mask[i] & ~gone) == 0)
                continue;
            add_wants(job, crowd->mask[i], sum);
            if (sum[RES_CPU] + 1 > most) {
                most = sum[RES_CPU] + 1;
                which = crowd->mask[i];
            }
        }
        if (which == 0)
            return all;
        gone |= which;
    }
    return gone;
}

static uint32_t too_many(const struct topology *t, const struct job_graph *job,
                         const uint64_t *state_bytes, uint32_t node,
                         uint32_t all)
{
    struct crowd crowd = {0};
    uint32_t seen = 0;
    if (room_for(t, job, node, all))
        return 0;
    for (uint32_t c = 0; c < job->component_count; c++) {
        uint32_t mask = adjust_group(job, c);
        uint64_t state = 0;
        bool placed = false;
        if ((all >> c & 1) == 0 || (seen >> c & 1) != 0)
            continue;
        seen |= mask;
        for (uint32_t o = 0; o < job->component_count; o++)
            if ((mask >> o & 1) != 0) {
                placed = placed || job->components[o].place != JOB_ANYWHERE;
                state += state_bytes == NULL ? 0 : state_bytes[o];
            }
        if (placed)
            continue;
        crowd.mask[crowd.count] = mask;
        crowd.state[crowd.count++] = state;
    }
    return crowd.count <= EXACT_UNITS ? least_of(t, job, node, all, &crowd)
                                      : greedily(t, job, node, all, &crowd);
}

static void find_must(const struct topology *t, const struct job_graph *job,
                      const struct plan *plan, const uint64_t *state_bytes,
                      struct adjust_faults *out)
{
    uint64_t zones[JOB_COMPONENTS_MAX];
    uint32_t must = 0;
    adjust_zones(job, zones);
    for (uint32_t c = 0; c < job->component_count; c++)
        if (!adjust_may(t, job, zones, c, plan->node[c]))
            must |= adjust_group(job, c);
    for (uint32_t c = 0; c < job->component_count; c++) {
        uint32_t all = 0;
        for (uint32_t o = 0; o < job->component_count; o++)
            if (plan->node[o] == plan->node[c] && !job->components[o].data)
                all |= 1u << o;
        must |= too_many(t, job, state_bytes, plan->node[c], all & ~must);
    }
    out->must = must;
}

/* ---- links ---- */

static bool path_holds(const struct topology *t, const struct job_graph *job,
                       const struct plan *plan, uint32_t link)
{
    const struct job_link *l = &job->links[link];
    bool timed = l->flow && job->time_us_max != 0;
    uint64_t delay = 0;
    uint64_t risk = 0;
    bool delay_known = true;
    bool risk_known = true;
    if (plan->begin[link] == plan->begin[link + 1])
        return true;
    for (uint32_t s = plan->begin[link]; s < plan->begin[link + 1]; s++) {
        const struct topo_link *e = &t->links[plan->steps[s]];
        delay_known = delay_known && e->delay_us != LINK_UNKNOWN;
        risk_known = risk_known && e->risk_nn != LINK_UNKNOWN;
        delay += e->delay_us;
        risk += e->risk_nn;
    }
    if ((timed || l->delay_us_max != 0) && !delay_known)
        return false;
    if (l->delay_us_max != 0 && delay + job_link_send_us(l) > l->delay_us_max)
        return false;
    return l->risk_nn_max == 0 || (risk_known && risk <= l->risk_nn_max);
}

static bool takes(const struct plan *plan, uint32_t link, uint32_t e)
{
    for (uint32_t s = plan->begin[link]; s < plan->begin[link + 1]; s++)
        if (plan->steps[s] == e)
            return true;
    return false;
}

/* Of those on a link that is too full, the widest go, until the rest fits. */
static void thin_out(const struct topology *t, const struct job_graph *job,
                     const struct plan *plan, uint32_t e,
                     struct adjust_faults *out)
{
    const struct topo_link *l = &t->links[e];
    for (;;) {
        uint64_t sum = 0;
        uint32_t widest = JOB_LINKS_MAX;
        for (uint32_t i = 0; i < job->link_count; i++) {
            if (link_set_has(&out->links, i) || !takes(plan, i, e))
                continue;
            sum += job->links[i].kbps;
            if (widest == JOB_LINKS_MAX ||
                job->links[i].kbps > job->links[widest].kbps)
                widest = i;
        }
        if (sum == 0 || sum + l->used_kbps <= l->cap_kbps)
            return;
        link_set_add(&out->links, widest);
        out->any_link = true;
    }
}

static void find_links(const struct topology *t, const struct job_graph *job,
                       const struct plan *plan, struct adjust_faults *out)
{
    for (uint32_t i = 0; i < job->link_count; i++) {
        uint32_t ends = 1u << job->links[i].from | 1u << job->links[i].to;
        if ((ends & out->must) != 0)
            link_set_add(&out->links, i); /* goes elsewhere anyway */
        else if (!path_holds(t, job, plan, i)) {
            link_set_add(&out->links, i);
            out->any_link = true;
        }
    }
    for (uint32_t s = 0; s < plan->begin[plan->link_count]; s++)
        thin_out(t, job, plan, plan->steps[s], out);
    for (uint32_t i = 0; i < job->link_count; i++) {
        uint32_t ends = 1u << job->links[i].from | 1u << job->links[i].to;
        if ((ends & out->must) != 0)
            out->links.word[i / 64] &= ~(UINT64_C(1) << i % 64);
    }
}

void adjust_find(const struct topology *topology, const struct job_graph *job,
                 const struct plan *plan, const uint64_t *state_bytes,
                 struct adjust_faults *out)
{
    struct plan_verdict verdict;
    *out = (struct adjust_faults){0};
    CHECK(plan->component_count == job->component_count);
    find_must(topology, job, plan, state_bytes, out);
    find_links(topology, job, plan, out);
    (void)plan_check(topology, job, plan, &verdict);
    out->time = (verdict.faults & (1u << PLAN_TIME | 1u << PLAN_SPEED)) != 0;
}
