#include "sched/graph/flowcase.h"

#include "base/check.h"

__extension__ typedef unsigned __int128 wide;

#define US_PER_HOUR UINT64_C(3600000000)
#define GIB_BITS    30u
#define MEAN_BITS   20u

static uint64_t at_most_never(wide n)
{
    return n < FLOWCASE_NEVER ? (uint64_t)n : FLOWCASE_NEVER;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
    return at_most_never((wide)a + b);
}

bool flowcase_fits(const struct flowcase *fc, uint32_t task, uint32_t offer)
{
    const struct workflow_task *t = &fc->w->tasks[task];
    const struct offerset_offer *o = &fc->set->offers[offer];
    if (t->cores > o->cores || t->memory_mib > o->memory_mib ||
        (fc->w->zones[task] >> o->zone & 1) == 0)
        return false;
    for (uint32_t i = fc->w->input_first[task];
         i < fc->w->input_first[task + 1]; i++) {
        if (offerset_between(fc->set, fc->w->inputs[i].site, o->site)->kbps ==
            0)
            return false;
    }
    return true;
}

uint64_t flowcase_run_us(const struct flowcase *fc, uint32_t task,
                         uint32_t offer)
{
    uint64_t speed = fc->set->offers[offer].speed_permille;
    return (fc->w->tasks[task].work_us * 1000 + speed - 1) / speed;
}

uint64_t flowcase_haul_us(const struct flowcase *fc, uint64_t bytes,
                          uint32_t from_site, uint32_t to_site)
{
    const struct offerset_link *link =
        offerset_between(fc->set, from_site, to_site);
    if (link->kbps == 0)
        return FLOWCASE_NEVER;
    return plus(link->rtt_us, (bytes * 8000 + link->kbps - 1) / link->kbps);
}

uint64_t flowcase_input_us(const struct flowcase *fc, uint32_t task,
                           uint32_t offer)
{
    uint64_t latest = 0;
    for (uint32_t i = fc->w->input_first[task];
         i < fc->w->input_first[task + 1]; i++) {
        const struct workflow_input *input = &fc->w->inputs[i];
        uint64_t there = flowcase_haul_us(fc, input->bytes, input->site,
                                          fc->set->offers[offer].site);
        latest = there > latest ? there : latest;
    }
    return latest;
}

uint64_t flowcase_haul_micro(const struct flowcase *fc, uint64_t bytes,
                             uint32_t from_site, uint32_t to_site)
{
    const struct offerset_link *link =
        offerset_between(fc->set, from_site, to_site);
    wide cost = (wide)link->egress_micro * bytes;
    if (link->kbps == 0)
        return FLOWCASE_NEVER;
    return at_most_never((cost + (UINT64_C(1) << GIB_BITS) - 1) >> GIB_BITS);
}

uint64_t flowcase_mean_us(const struct flowcase *fc, uint64_t bytes)
{
    wide data = (wide)fc->mean_us_per_kib_fp * bytes >> (MEAN_BITS + 10);
    return at_most_never(data + fc->mean_rtt_us);
}

uint64_t flowcase_task_micro(const struct flowcase *fc, uint32_t task,
                             uint32_t offer)
{
    const struct offerset_offer *o = &fc->set->offers[offer];
    wide core_us =
        (wide)fc->w->tasks[task].cores * flowcase_run_us(fc, task, offer);
    uint64_t cost;
    if (!flowcase_fits(fc, task, offer))
        return FLOWCASE_NEVER;
    cost = at_most_never((o->price_micro * core_us + US_PER_HOUR - 1) /
                         US_PER_HOUR);
    for (uint32_t i = fc->w->input_first[task];
         i < fc->w->input_first[task + 1]; i++) {
        const struct workflow_input *input = &fc->w->inputs[i];
        cost = plus(
            cost, flowcase_haul_micro(fc, input->bytes, input->site, o->site));
    }
    return cost;
}

uint64_t flowcase_cost(const struct flowcase *fc, const uint32_t *offers)
{
    uint64_t cost = 0;
    for (uint32_t t = 0; t < fc->w->task_count; t++)
        cost = plus(cost, flowcase_task_micro(fc, t, offers[t]));
    for (uint32_t e = 0; e < fc->w->edge_count; e++) {
        const struct workflow_edge *edge = &fc->w->edges[e];
        if (offers[edge->from] != offers[edge->to])
            cost = plus(cost, flowcase_haul_micro(
                                  fc, edge->bytes,
                                  fc->set->offers[offers[edge->from]].site,
                                  fc->set->offers[offers[edge->to]].site));
    }
    return cost;
}

/* ---- opening ---- */

static void take_means(struct flowcase *fc)
{
    const struct offerset *set = fc->set;
    uint32_t at[OFFERSET_SITES_MAX] = {0};
    wide rtt = 0;
    wide data = 0;
    uint64_t pairs = (uint64_t)set->count * set->count;
    uint64_t unknown = 0;
    for (uint32_t o = 0; o < set->count; o++)
        at[set->offers[o].site]++;
    for (uint32_t a = 0; a < set->sites; a++) {
        for (uint32_t b = 0; at[a] > 0 && b < set->sites; b++) {
            const struct offerset_link *link = offerset_between(set, a, b);
            uint64_t times = (uint64_t)at[a] * at[b] - (a == b ? at[a] : 0);
            if (link->kbps == 0) {
                unknown += times;
                continue;
            }
            rtt += (wide)link->rtt_us * times;
            data += (wide)times *
                    ((UINT64_C(8000) * 1024 << MEAN_BITS) / link->kbps);
        }
    }
    CHECK(pairs > unknown); /* the pairs of an offer with itself remain */
    pairs -= unknown;
    fc->mean_rtt_us = (uint64_t)(rtt / pairs);
    fc->mean_us_per_kib_fp = (uint64_t)(data / pairs);
}

/* All tasks and transfers one after the other, each as slow and dear as can
 * be: no solver meets a larger number. */
static bool stays_below_never(const struct flowcase *fc)
{
    const struct workflow *w = fc->w;
    const struct offerset *set = fc->set;
    wide us = 0;
    wide micro = 0;
    wide bytes = 0;
    uint64_t slowest = OFFERSET_SPEED_MAX;
    uint64_t dearest = 0;
    uint64_t egress = 0;
    uint64_t rtt = 0;
    uint64_t kbps = UINT32_MAX;
    for (uint32_t o = 0; o < set->count; o++) {
        const struct offerset_offer *offer = &set->offers[o];
        slowest =
            offer->speed_permille < slowest ? offer->speed_permille : slowest;
        dearest = offer->price_micro > dearest ? offer->price_micro : dearest;
    }
    for (size_t i = 0; i < (size_t)set->sites * set->sites; i++) {
        const struct offerset_link *link = &set->links[i];
        if (link->kbps == 0)
            continue;
        kbps = link->kbps < kbps ? link->kbps : kbps;
        rtt = link->rtt_us > rtt ? link->rtt_us : rtt;
        egress = link->egress_micro > egress ? link->egress_micro : egress;
    }
    for (uint32_t t = 0; t < w->task_count; t++) {
        uint64_t run = w->tasks[t].work_us * 1000 / slowest + 1;
        us += run;
        micro += (wide)run * w->tasks[t].cores * dearest / US_PER_HOUR + 1;
    }
    for (uint32_t e = 0; e < w->edge_count; e++)
        bytes += w->edges[e].bytes;
    for (uint32_t i = 0; i < w->input_count; i++)
        bytes += w->inputs[i].bytes;
    us += bytes * 8000 / kbps;
    us += (wide)(rtt + 1) * ((uint64_t)w->edge_count + w->input_count);
    micro += (bytes * egress >> GIB_BITS) + w->edge_count + w->input_count;
    /* Ranks add a mean to the longest way: half is kept for it. */
    return us < FLOWCASE_NEVER / 2 && micro < FLOWCASE_NEVER / 2;
}

enum err flowcase_init(struct flowcase *fc, const struct workflow *w,
                       const struct offerset *set, uint32_t *out_task)
{
    struct flowcase made = {w, set, 0, 0};
    CHECK(w->closed && w->task_count > 0);
    for (uint32_t i = 0; i < w->input_count; i++) {
        if (w->inputs[i].site >= set->sites) {
            *out_task = w->inputs[i].task;
            return ERR_RANGE;
        }
    }
    for (uint32_t t = 0; t < w->task_count; t++) {
        uint32_t o = 0;
        while (o < set->count && !flowcase_fits(&made, t, o))
            o++;
        if (o == set->count) {
            *out_task = t;
            return ERR_CAPACITY;
        }
    }
    if (!stays_below_never(&made))
        return ERR_OVERFLOW;
    take_means(&made);
    *fc = made;
    return OK;
}
