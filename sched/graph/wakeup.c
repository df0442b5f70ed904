#include "sched/graph/wakeup.h"

#include <stdlib.h>

#include "base/check.h"

#define NONE    UINT32_MAX
#define CLASSES 65u /* of least wants, by their highest bit */

/* What the components of a waiting job want: those that another one of it is
 * not easier than in every respect. */
struct waiter {
    uint64_t id;
    uint64_t order; /* who came first */
    uint64_t least_kbps;
    uint32_t least_cpu;
    uint32_t want_count;
    struct stock *wants; /* NULL: the place is free */
    uint32_t next_cpu;   /* in its class; of a free one the next free */
    uint32_t last_cpu;
    uint32_t next_kbps;
    uint32_t last_kbps;
    uint32_t next_id; /* in its bucket */
};

struct list {
    uint32_t first;
    uint32_t last;
};

struct wakeup {
    uint32_t room;
    uint32_t count;
    uint64_t order;
    uint32_t free;
    uint32_t mask;
    uint32_t *buckets; /* by id */
    struct waiter *waiters;
    struct list cpu[CLASSES]; /* oldest first */
    struct list kbps[CLASSES];
};

enum err wakeup_new(uint32_t jobs_max, struct wakeup **out)
{
    struct wakeup *w = calloc(1, sizeof(*w));
    uint32_t buckets = 8;
    CHECK(jobs_max >= 1 && jobs_max <= WAKEUP_JOBS_MAX);
    if (w == NULL)
        return ERR_NOMEM;
    while (buckets < jobs_max)
        buckets *= 2;
    w->room = jobs_max;
    w->mask = buckets - 1;
    w->waiters = calloc(jobs_max, sizeof(*w->waiters));
    w->buckets = malloc(buckets * sizeof(*w->buckets));
    if (w->waiters == NULL || w->buckets == NULL) {
        wakeup_free(w);
        return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < buckets; i++)
        w->buckets[i] = NONE;
    for (uint32_t i = 0; i < jobs_max; i++)
        w->waiters[i].next_cpu = i + 1 < jobs_max ? i + 1 : NONE;
    for (uint32_t i = 0; i < CLASSES; i++)
        w->cpu[i] = w->kbps[i] = (struct list){NONE, NONE};
    *out = w;
    return OK;
}

void wakeup_free(struct wakeup *wakeup)
{
    if (wakeup == NULL)
        return;
    for (uint32_t i = 0; wakeup->waiters != NULL && i < wakeup->room; i++)
        free(wakeup->waiters[i].wants);
    free(wakeup->waiters);
    free(wakeup->buckets);
    free(wakeup);
}

static uint32_t class_of(uint64_t least)
{
    return least == 0 ? 0 : 64u - (uint32_t)__builtin_clzll(least);
}

static uint32_t bucket_of(const struct wakeup *w, uint64_t id)
{
    return (uint32_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & w->mask;
}

/* The link that leads to it, or to the end of its bucket. */
static uint32_t *find(const struct wakeup *w, uint64_t id)
{
    uint32_t *at = &w->buckets[bucket_of(w, id)];
    while (*at != NONE && w->waiters[*at].id != id)
        at = &w->waiters[*at].next_id;
    return at;
}

/* ---- what is wanted ---- */

static bool wanted_less(const struct job_graph *job, uint32_t c)
{
    const struct stock *want = &job->components[c].want;
    for (uint32_t o = 0; o < job->component_count; o++) {
        const struct stock *other = &job->components[o].want;
        if (o == c || job->components[o].data || !stock_fits(other, want))
            continue;
        if (!stock_fits(want, other) || o < c)
            return true;
    }
    return false;
}

static enum err read_wants(const struct job_graph *job, struct waiter *out)
{
    out->wants = calloc(job->component_count + 1u, sizeof(*out->wants));
    if (out->wants == NULL)
        return ERR_NOMEM;
    out->want_count = 0;
    out->least_cpu = UINT32_MAX;
    out->least_kbps = UINT64_MAX;
    for (uint32_t c = 0; c < job->component_count; c++) {
        const struct stock *want = &job->components[c].want;
        if (job->components[c].data || wanted_less(job, c))
            continue;
        out->wants[out->want_count++] = *want;
        if (want->of[RES_CPU] < out->least_cpu)
            out->least_cpu = want->of[RES_CPU];
    }
    for (uint32_t i = 0; i < job->link_count; i++)
        if (job->links[i].kbps < out->least_kbps)
            out->least_kbps = job->links[i].kbps;
    return OK;
}

/* ---- lists ---- */

static void append_cpu(struct wakeup *w, uint32_t at)
{
    struct waiter *x = &w->waiters[at];
    struct list *list = &w->cpu[class_of(x->least_cpu)];
    x->next_cpu = NONE;
    x->last_cpu = list->last;
    if (list->last == NONE)
        list->first = at;
    else
        w->waiters[list->last].next_cpu = at;
    list->last = at;
}

static void append_kbps(struct wakeup *w, uint32_t at)
{
    struct waiter *x = &w->waiters[at];
    struct list *list = &w->kbps[class_of(x->least_kbps)];
    x->next_kbps = NONE;
    x->last_kbps = list->last;
    if (list->last == NONE)
        list->first = at;
    else
        w->waiters[list->last].next_kbps = at;
    list->last = at;
}

static void unlink_both(struct wakeup *w, uint32_t at)
{
    const struct waiter *x = &w->waiters[at];
    struct list *cpu = &w->cpu[class_of(x->least_cpu)];
    struct list *kbps = &w->kbps[class_of(x->least_kbps)];
    *(x->last_cpu == NONE ? &cpu->first : &w->waiters[x->last_cpu].next_cpu) =
        x->next_cpu;
    *(x->next_cpu == NONE ? &cpu->last : &w->waiters[x->next_cpu].last_cpu) =
        x->last_cpu;
    *(x->last_kbps == NONE ? &kbps->first
                           : &w->waiters[x->last_kbps].next_kbps) =
        x->next_kbps;
    *(x->next_kbps == NONE ? &kbps->last
                           : &w->waiters[x->next_kbps].last_kbps) =
        x->last_kbps;
}

enum err wakeup_add(struct wakeup *wakeup, uint64_t id,
                    const struct job_graph *job)
{
    uint32_t at = wakeup->free;
    struct waiter *x;
    if (*find(wakeup, id) != NONE)
        return ERR_EXISTS;
    if (at == NONE)
        return ERR_CAPACITY;
    x = &wakeup->waiters[at];
    CHECK(x->wants == NULL);
    TRY(read_wants(job, x));
    wakeup->free = x->next_cpu;
    x->id = id;
    x->order = wakeup->order++;
    x->next_id = wakeup->buckets[bucket_of(wakeup, id)];
    wakeup->buckets[bucket_of(wakeup, id)] = at;
    append_cpu(wakeup, at);
    append_kbps(wakeup, at);
    wakeup->count++;
    return OK;
}

bool wakeup_remove(struct wakeup *wakeup, uint64_t id)
{
    uint32_t *link = find(wakeup, id);
    uint32_t at = *link;
    struct waiter *x;
    if (at == NONE)
        return false;
    x = &wakeup->waiters[at];
    *link = x->next_id;
    unlink_both(wakeup, at);
    free(x->wants);
    *x = (struct waiter){.next_cpu = wakeup->free};
    wakeup->free = at;
    wakeup->count--;
    return true;
}

uint32_t wakeup_count(const struct wakeup *wakeup)
{
    return wakeup->count;
}

/* ---- waking ---- */

static bool helps_node(const struct waiter *x, const struct stock *left)
{
    for (uint32_t i = 0; i < x->want_count; i++)
        if (stock_fits(&x->wants[i], left))
            return true;
    return false;
}

/* The next in each class that the left helps; the oldest of all comes first. */
struct heads {
    uint32_t at[CLASSES];
    uint32_t classes;
};

static uint32_t oldest(const struct wakeup *w, const struct heads *heads)
{
    uint32_t best = NONE;
    for (uint32_t k = 0; k < heads->classes; k++)
        if (heads->at[k] != NONE &&
            (best == NONE || w->waiters[heads->at[k]].order <
                                 w->waiters[heads->at[best]].order))
            best = k;
    return best;
}

uint32_t wakeup_node(const struct wakeup *wakeup, const struct stock *left,
                     uint64_t *out_ids, uint32_t cap)
{
    struct heads heads = {.classes = class_of(left->of[RES_CPU]) + 1};
    uint32_t count = 0;
    uint32_t k;
    for (k = 0; k < heads.classes; k++)
        heads.at[k] = wakeup->cpu[k].first;
    while (count < cap && (k = oldest(wakeup, &heads)) != NONE) {
        const struct waiter *x = &wakeup->waiters[heads.at[k]];
        if (helps_node(x, left))
            out_ids[count++] = x->id;
        heads.at[k] = x->next_cpu;
    }
    return count;
}

uint32_t wakeup_link(const struct wakeup *wakeup, uint64_t left_kbps,
                     uint64_t *out_ids, uint32_t cap)
{
    struct heads heads = {.classes = class_of(left_kbps) + 1};
    uint32_t count = 0;
    uint32_t k;
    for (k = 0; k < heads.classes; k++)
        heads.at[k] = wakeup->kbps[k].first;
    while (count < cap && (k = oldest(wakeup, &heads)) != NONE) {
        const struct waiter *x = &wakeup->waiters[heads.at[k]];
        if (x->least_kbps <= left_kbps)
            out_ids[count++] = x->id;
        heads.at[k] = x->next_kbps;
    }
    return count;
}
