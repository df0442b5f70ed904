#include "sched/graph/flow_bound.h"

#include <stdlib.h>

#include "base/check.h"

__extension__ typedef unsigned __int128 wide;

/* Beyond so many steps the earliest ends take data as free, and sets are not
 * looked at. */
#define EARLY_STEPS UINT64_C(200000000)
#define SETS_STEPS  UINT64_C(20000000)
#define WINDOW_BITS 62

static uint64_t at_most_never(wide n)
{
    return n < FLOWCASE_NEVER ? (uint64_t)n : FLOWCASE_NEVER;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
    return at_most_never((wide)a + b);
}

/* ---- each for itself ---- */

struct early {
    uint64_t *end;  /* [task * offers + offer] */
    uint64_t *site; /* the earliest end of the parent at each site */
    uint64_t *came; /* when data has come to each site, at best */
    bool hauls;
    uint64_t *head; /* of a task: no earlier start */
    uint64_t *run;  /* its shortest run */
    uint64_t *tail; /* from its end to the end of all, at least */
};

static void come(const struct flowcase *fc, struct early *early,
                 const struct workflow_edge *edge, uint64_t *ready)
{
    const struct offerset *set = fc->set;
    const uint64_t *end = &early->end[(size_t)edge->from * set->count];
    uint64_t any = FLOWCASE_NEVER;
    for (uint32_t s = 0; s < set->sites; s++)
        early->site[s] = FLOWCASE_NEVER;
    for (uint32_t o = 0; o < set->count; o++) {
        uint64_t *site = &early->site[set->offers[o].site];
        *site = end[o] < *site ? end[o] : *site;
        any = end[o] < any ? end[o] : any;
    }
    for (uint32_t to = 0; to < set->sites; to++) {
        early->came[to] = early->hauls ? FLOWCASE_NEVER : any;
        for (uint32_t from = 0; early->hauls && from < set->sites; from++) {
            uint64_t at;
            if (early->site[from] >= early->came[to])
                continue;
            at = plus(early->site[from],
                      flowcase_haul_us(fc, edge->bytes, from, to));
            early->came[to] = at < early->came[to] ? at : early->came[to];
        }
    }
    for (uint32_t o = 0; o < set->count; o++) {
        uint64_t at = early->came[set->offers[o].site];
        at = end[o] < at ? end[o] : at;
        ready[o] = at > ready[o] ? at : ready[o];
    }
}

static uint64_t earliest(const struct flowcase *fc, struct early *early,
                         uint32_t t)
{
    uint32_t n = fc->set->count;
    uint64_t *ready = &early->end[(size_t)t * n];
    uint64_t best = FLOWCASE_NEVER;
    for (uint32_t o = 0; o < n; o++)
        ready[o] = flowcase_fits(fc, t, o) ? flowcase_input_us(fc, t, o)
                                           : FLOWCASE_NEVER;
    for (uint32_t e = fc->w->in_first[t]; e < fc->w->in_first[t + 1]; e++)
        come(fc, early, &fc->w->edges[e], ready);
    early->head[t] = early->run[t] = FLOWCASE_NEVER;
    for (uint32_t o = 0; o < n; o++) {
        if (ready[o] < early->head[t])
            early->head[t] = ready[o];
        if (flowcase_fits(fc, t, o) &&
            flowcase_run_us(fc, t, o) < early->run[t])
            early->run[t] = flowcase_run_us(fc, t, o);
        if (ready[o] < FLOWCASE_NEVER)
            ready[o] = plus(ready[o], flowcase_run_us(fc, t, o));
        best = ready[o] < best ? ready[o] : best;
    }
    return best;
}

static void find_tails(const struct flowcase *fc, struct early *early)
{
    const struct workflow *w = fc->w;
    for (uint32_t i = w->task_count; i-- > 0;) {
        uint32_t t = w->order[i];
        early->tail[t] = 0;
        for (uint32_t k = w->out_first[t]; k < w->out_first[t + 1]; k++) {
            uint32_t to = w->edges[w->out_edges[k]].to;
            uint64_t by = plus(early->run[to], early->tail[to]);
            early->tail[t] = by > early->tail[t] ? by : early->tail[t];
        }
    }
}

/* ---- sets of tasks on all cores ---- */

struct by_size {
    uint64_t key;
    uint32_t task;
};

static int largest_first(const void *a, const void *b)
{
    const struct by_size *x = a;
    const struct by_size *y = b;
    if (x->key != y->key)
        return x->key > y->key ? -1 : 1;
    return (x->task > y->task) - (x->task < y->task);
}

static wide all_speed(const struct flowcase *fc)
{
    wide speed = 0;
    for (uint32_t o = 0; o < fc->set->count; o++)
        speed +=
            (wide)fc->set->offers[o].speed_permille * fc->set->offers[o].cores;
    return speed;
}

/* All work of the tasks that start at `head` or later, longest tails first. */
static uint64_t work_after(const struct flowcase *fc, const struct early *early,
                           const struct by_size *tails, uint64_t head)
{
    wide speed = all_speed(fc);
    wide work = 0;
    uint64_t bound = 0;
    for (uint32_t i = 0; i < fc->w->task_count; i++) {
        uint32_t t = tails[i].task;
        uint64_t by;
        if (early->head[t] < head)
            continue;
        work += (wide)fc->w->tasks[t].work_us * fc->w->tasks[t].cores * 1000;
        by = at_most_never((work + speed - 1) / speed + head + tails[i].key);
        bound = by > bound ? by : bound;
    }
    return bound;
}

/* The cores that can each finish a task of this work, counted once a task, in
 * the window. */
static wide room(const struct flowcase *fc, uint64_t work_us, uint64_t window)
{
    wide sum = 0;
    for (uint32_t o = 0; o < fc->set->count; o++) {
        const struct offerset_offer *offer = &fc->set->offers[o];
        uint64_t speed = offer->speed_permille;
        uint64_t run = (work_us * 1000 + speed - 1) / speed;
        sum += (wide)offer->cores * (window / run);
    }
    return sum;
}

/* Sets of the largest tasks: `cores` of them, each at least that long. */
static uint64_t window_of(const struct flowcase *fc, uint64_t work_us,
                          uint64_t cores)
{
    uint64_t low = 0; /* does not do */
    uint64_t high = FLOWCASE_NEVER;
    if (work_us == 0)
        return 0;
    while (high - low > 1) {
        uint64_t mid = low + (high - low) / 2;
        if (room(fc, work_us, mid) >= cores)
            high = mid;
        else
            low = mid;
    }
    return high;
}

static uint64_t crowd(const struct flowcase *fc, const struct early *early,
                      const struct by_size *sizes)
{
    uint64_t head = FLOWCASE_NEVER;
    uint64_t tail = FLOWCASE_NEVER;
    uint64_t cores = 0;
    uint64_t bound = 0;
    for (uint32_t i = 0; i < fc->w->task_count; i++) {
        uint32_t t = sizes[i].task;
        uint64_t by;
        cores += fc->w->tasks[t].cores;
        head = early->head[t] < head ? early->head[t] : head;
        tail = early->tail[t] < tail ? early->tail[t] : tail;
        by = plus(head + tail, window_of(fc, sizes[i].key, cores));
        bound = by > bound ? by : bound;
    }
    return bound;
}

static uint64_t look_at_sets(const struct flowcase *fc,
                             const struct early *early, struct by_size *list)
{
    uint64_t n = fc->w->task_count;
    uint64_t bound = 0;
    for (uint32_t t = 0; t < n; t++)
        list[t] = (struct by_size){early->tail[t], t};
    qsort(list, n, sizeof(*list), largest_first);
    for (uint32_t t = 0; t < n && (t == 0 || n * n <= SETS_STEPS); t++) {
        uint64_t by = work_after(fc, early, list, t == 0 ? 0 : early->head[t]);
        bound = by > bound ? by : bound;
    }
    for (uint32_t t = 0; t < n; t++)
        list[t] = (struct by_size){fc->w->tasks[t].work_us, t};
    qsort(list, n, sizeof(*list), largest_first);
    if (n * fc->set->count * WINDOW_BITS <= SETS_STEPS) {
        uint64_t by = crowd(fc, early, list);
        bound = by > bound ? by : bound;
    }
    return bound;
}

enum err flow_bound_us(const struct flowcase *fc, uint64_t *out)
{
    uint64_t sites = fc->set->sites;
    size_t tasks = fc->w->task_count;
    struct by_size *list = calloc(tasks, sizeof(*list));
    struct early early = {calloc(tasks * fc->set->count, sizeof(uint64_t)),
                          calloc(sites, sizeof(uint64_t)),
                          calloc(sites, sizeof(uint64_t)),
                          sites * sites * fc->w->edge_count <= EARLY_STEPS,
                          calloc(tasks, sizeof(uint64_t)),
                          calloc(tasks, sizeof(uint64_t)),
                          calloc(tasks, sizeof(uint64_t))};
    uint64_t bound = 0;
    enum err err = OK;
    if (list == NULL || early.end == NULL || early.site == NULL ||
        early.came == NULL || early.head == NULL || early.run == NULL ||
        early.tail == NULL)
        err = ERR_NOMEM;
    for (uint32_t i = 0; err == OK && i < tasks; i++) {
        uint64_t end = earliest(fc, &early, fc->w->order[i]);
        if (end >= FLOWCASE_NEVER)
            err = ERR_NO_OFFER;
        bound = end > bound ? end : bound;
    }
    if (err == OK) {
        uint64_t by;
        find_tails(fc, &early);
        by = look_at_sets(fc, &early, list);
        *out = by > bound ? by : bound;
    }
    free(list);
    free(early.end);
    free(early.site);
    free(early.came);
    free(early.head);
    free(early.run);
    free(early.tail);
    return err;
}
