#include "sched/graph/heft.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum err heft_init(struct heft *h, const struct flowcase *fc)
{
    uint32_t tasks = fc->w->task_count;
    uint32_t offers = fc->set->count;
    memset(h, 0, sizeof(*h));
    h->fc = fc;
    h->bookings = calloc(offers, sizeof(*h->bookings));
    h->came = calloc(fc->set->sites, sizeof(*h->came));
    h->site_stamp = calloc(fc->set->sites, sizeof(*h->site_stamp));
    h->ready = calloc(offers, sizeof(*h->ready));
    h->stamp = calloc(offers, sizeof(*h->stamp));
    h->waits = calloc(tasks, sizeof(*h->waits));
    h->heap = calloc(tasks, sizeof(*h->heap));
    h->level = calloc(tasks, sizeof(*h->level));
    if (h->bookings == NULL || h->came == NULL || h->site_stamp == NULL ||
        h->ready == NULL || h->stamp == NULL || h->waits == NULL ||
        h->heap == NULL || h->level == NULL) {
        heft_done(h);
        return ERR_NOMEM;
    }
    for (uint32_t i = 0; i < tasks; i++)
        h->level[fc->w->order[i]] = i;
    return OK;
}

void heft_done(struct heft *h)
{
    for (uint32_t o = 0; h->bookings != NULL && o < h->fc->set->count; o++)
        booking_done(&h->bookings[o]);
    free(h->bookings);
    free(h->came);
    free(h->site_stamp);
    free(h->ready);
    free(h->stamp);
    free(h->waits);
    free(h->heap);
    free(h->level);
    memset(h, 0, sizeof(*h));
}

/* ---- ranks ---- */

static uint64_t mean_run_us(const struct flowcase *fc, uint32_t task)
{
    uint64_t sum = 0;
    uint64_t count = 0;
    for (uint32_t o = 0; o < fc->set->count; o++) {
        uint64_t run;
        if (!flowcase_fits(fc, task, o))
            continue;
        run = flowcase_run_us(fc, task, o);
        sum = sum + run < sum ? UINT64_MAX : sum + run;
        count++;
    }
    CHECK(count > 0); /* flowcase_init saw to it */
    return sum / count;
}

void heft_rank_upward(const struct flowcase *fc, uint64_t *out)
{
    const struct workflow *w = fc->w;
    for (uint32_t i = w->task_count; i-- > 0;) {
        uint32_t t = w->order[i];
        uint64_t way = 0;
        for (uint32_t k = w->out_first[t]; k < w->out_first[t + 1]; k++) {
            const struct workflow_edge *e = &w->edges[w->out_edges[k]];
            uint64_t by = flowcase_mean_us(fc, e->bytes) + out[e->to];
            way = by > way ? by : way;
        }
        out[t] = mean_run_us(fc, t) + way;
    }
}

/* The best that follows on another offer than `o`: the least but for o's own
 * is one of the two least. */
static void relax(const struct flowcase *fc, const struct workflow_edge *e,
                  const uint64_t *after, uint64_t *follow, uint64_t *table)
{
    uint32_t n = fc->set->count;
    uint64_t mean = flowcase_mean_us(fc, e->bytes);
    uint64_t least = FLOWCASE_NEVER;
    for (uint32_t o = 0; o < n; o++) {
        follow[o] = FLOWCASE_NEVER;
        if (after[o] < FLOWCASE_NEVER && flowcase_fits(fc, e->to, o))
            follow[o] = after[o] + flowcase_run_us(fc, e->to, o);
        least = follow[o] < least ? follow[o] : least;
    }
    for (uint32_t o = 0; o < n; o++) {
        uint64_t by = least < FLOWCASE_NEVER ? least + mean : FLOWCASE_NEVER;
        by = follow[o] < by ? follow[o] : by;
        table[o] = by > table[o] ? by : table[o];
    }
}

enum err heft_rank_optimistic(const struct flowcase *fc, uint64_t *out_table,
                              uint64_t *out_rank)
{
    const struct workflow *w = fc->w;
    uint32_t n = fc->set->count;
    uint64_t *follow = calloc(n, sizeof(*follow));
    if (follow == NULL)
        return ERR_NOMEM;
    for (uint32_t i = w->task_count; i-- > 0;) {
        uint32_t t = w->order[i];
        uint64_t *table = &out_table[(size_t)t * n];
        uint64_t mean = 0;
        memset(table, 0, n * sizeof(*table));
        for (uint32_t k = w->out_first[t]; k < w->out_first[t + 1]; k++) {
            const struct workflow_edge *e = &w->edges[w->out_edges[k]];
            relax(fc, e, &out_table[(size_t)e->to * n], follow, table);
        }
        for (uint32_t o = 0; o < n; o++)
            mean += table[o] / n;
        out_rank[t] = mean;
    }
    free(follow);
    return OK;
}

/* ---- the queue of ready tasks: a heap ---- */

static bool before(const struct heft *h, const uint64_t *rank, uint32_t a,
                   uint32_t b)
{
    if (rank[a] != rank[b])
        return rank[a] > rank[b];
    return h->level[a] < h->level[b];
}

static void swap(uint32_t *heap, uint32_t a, uint32_t b)
{
    uint32_t kept = heap[a];
    heap[a] = heap[b];
    heap[b] = kept;
}

static void push(struct heft *h, const uint64_t *rank, uint32_t *count,
                 uint32_t task)
{
    uint32_t i = (*count)++;
    h->heap[i] = task;
    while (i > 0 && before(h, rank, h->heap[i], h->heap[(i - 1) / 2])) {
        swap(h->heap, i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
}

static uint32_t pop(struct heft *h, const uint64_t *rank, uint32_t *count)
{
    uint32_t top = h->heap[0];
    uint32_t i = 0;
    h->heap[0] = h->heap[--*count];
    for (;;) {
        uint32_t best = i;
        for (uint32_t k = 2 * i + 1; k <= 2 * i + 2 && k < *count; k++) {
            if (before(h, rank, h->heap[k], h->heap[best]))
                best = k;
        }
        if (best == i)
            return top;
        swap(h->heap, i, best);
        i = best;
    }
}

/* ---- placing ---- */

/* When the data of all predecessors but those at `offer` is at its site, and
 * those have ended. */
static uint64_t arrive(const struct flowcase *fc, uint32_t task, uint32_t offer,
                       const struct timetable_slot *slots)
{
    uint64_t latest = 0;
    for (uint32_t k = fc->w->in_first[task]; k < fc->w->in_first[task + 1];
         k++) {
        const struct workflow_edge *e = &fc->w->edges[k];
        const struct timetable_slot *from = &slots[e->from];
        uint64_t at = from->end_us;
        if (from->offer != offer) {
            uint64_t haul = flowcase_haul_us(fc, e->bytes,
                                             fc->set->offers[from->offer].site,
                                             fc->set->offers[offer].site);
            if (haul >= FLOWCASE_NEVER)
                return FLOWCASE_NEVER;
            at += haul;
        }
        latest = at > latest ? at : latest;
    }
    return latest;
}

/* The same, told from what was found for the site, unless a predecessor is at
 * the offer itself. */
static uint64_t ready_at(struct heft *h, uint32_t task, uint32_t offer,
                         const struct timetable_slot *slots)
{
    const struct flowcase *fc = h->fc;
    uint32_t site = fc->set->offers[offer].site;
    if (h->stamp[offer] == h->now)
        return arrive(fc, task, offer, slots);
    if (h->site_stamp[site] != h->now) {
        uint64_t input = flowcase_input_us(fc, task, offer);
        uint64_t came = arrive(fc, task, offer, slots);
        h->came[site] = input > came ? input : came;
        h->site_stamp[site] = h->now;
    }
    return h->came[site];
}

struct choice {
    uint64_t key;
    uint64_t price;
    uint64_t start;
    uint64_t end;
    uint32_t offer;
};

/* Better than what was found: ends earlier, then is cheaper. */
static void consider(struct heft *h, uint32_t task, uint32_t offer,
                     uint64_t ahead, const struct timetable_slot *slots,
                     struct choice *best)
{
    const struct flowcase *fc = h->fc;
    const struct offerset_offer *o = &fc->set->offers[offer];
    const struct workflow_task *t = &fc->w->tasks[task];
    uint64_t ready;
    uint64_t run;
    uint64_t start;
    if (ahead >= FLOWCASE_NEVER || !flowcase_fits(fc, task, offer))
        return;
    ready = ready_at(h, task, offer, slots);
    if (h->stamp[offer] == h->now) {
        uint64_t input = flowcase_input_us(fc, task, offer);
        ready = input > ready ? input : ready;
    }
    if (ready >= FLOWCASE_NEVER)
        return;
    run = flowcase_run_us(fc, task, offer);
    if (ready + run + ahead > best->key ||
        (ready + run + ahead == best->key && o->price_micro >= best->price))
        return;
    start = booking_earliest(&h->bookings[offer], ready, run, t->cores,
                             t->memory_mib, o->cores, o->memory_mib);
    if (start + run + ahead > best->key ||
        (start + run + ahead == best->key && o->price_micro >= best->price))
        return;
    *best = (struct choice){start + run + ahead, o->price_micro, start,
                            start + run, offer};
}

static enum err place(struct heft *h, uint32_t task, const uint64_t *table,
                      uint32_t fixed, struct timetable_slot *slots)
{
    const struct flowcase *fc = h->fc;
    const struct workflow_task *t = &fc->w->tasks[task];
    struct choice best = {FLOWCASE_NEVER, UINT64_MAX, 0, 0, HEFT_FREE};
    h->now++;
    for (uint32_t k = fc->w->in_first[task]; k < fc->w->in_first[task + 1]; k++)
        h->stamp[slots[fc->w->edges[k].from].offer] = h->now;
    if (fixed != HEFT_FREE)
        consider(h, task, fixed, 0, slots, &best);
    for (uint32_t o = 0; fixed == HEFT_FREE && o < fc->set->count; o++)
        consider(h, task, o,
                 table == NULL ? 0 : table[(size_t)task * fc->set->count + o],
                 slots, &best);
    if (best.offer == HEFT_FREE)
        return ERR_NO_OFFER;
    slots[task] = (struct timetable_slot){best.start, best.end, best.offer};
    return booking_take(&h->bookings[best.offer], best.start, best.end,
                        t->cores, t->memory_mib);
}

enum err heft_place(struct heft *h, const uint64_t *rank, const uint64_t *table,
                    const uint32_t *offers, struct timetable_slot *out)
{
    const struct workflow *w = h->fc->w;
    uint32_t count = 0;
    uint32_t placed = 0;
    for (uint32_t o = 0; o < h->fc->set->count; o++)
        booking_clear(&h->bookings[o]);
    for (uint32_t t = 0; t < w->task_count; t++) {
        h->waits[t] = w->in_first[t + 1] - w->in_first[t];
        if (h->waits[t] == 0)
            push(h, rank, &count, t);
    }
    while (count > 0) {
        uint32_t t = pop(h, rank, &count);
        TRY(place(h, t, table, offers == NULL ? HEFT_FREE : offers[t], out));
        placed++;
        for (uint32_t k = w->out_first[t]; k < w->out_first[t + 1]; k++) {
            uint32_t to = w->edges[w->out_edges[k]].to;
            if (--h->waits[to] == 0)
                push(h, rank, &count, to);
        }
    }
    CHECK(placed == w->task_count);
    return OK;
}
