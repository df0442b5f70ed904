#include "cli/layers.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define SWEEPS 6u

struct arcs_of {
    uint32_t *first; /* of node v: item[first[v]] .. */
    uint32_t *item;  /* indices of arcs that begin or end there */
};

struct seat {
    uint64_t mean; /* of its neighbours' rows, in thousandths */
    uint32_t node;
};

/* ---- columns ---- */

static enum err index_arcs(struct arcs_of *a, uint32_t nodes,
                           const struct layers_arc *arcs, uint32_t count)
{
    a->first = calloc((size_t)nodes + 2, sizeof(*a->first));
    a->item = calloc(2 * (size_t)count + 1, sizeof(*a->item));
    if (a->first == NULL || a->item == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        a->first[arcs[i].from + 2]++;
        a->first[arcs[i].to + 2]++;
    }
    for (uint32_t v = 0; v < nodes; v++)
        a->first[v + 2] += a->first[v + 1];
    for (uint32_t i = 0; i < count; i++) {
        a->item[a->first[arcs[i].from + 1]++] = i;
        a->item[a->first[arcs[i].to + 1]++] = i;
    }
    return OK;
}

/* The next node that waits for nothing; where there is none, the first that is
 * left, as if nothing kept it waiting. */
static uint32_t next_node(const uint32_t *queue, uint32_t head, uint32_t tail,
                          const bool *queued, uint32_t *lowest)
{
    if (head < tail)
        return queue[head];
    while (queued[*lowest])
        ++*lowest;
    return *lowest;
}

static enum err find_columns(struct layers *out, uint32_t nodes,
                             const struct layers_arc *arcs, uint32_t count,
                             const struct arcs_of *a)
{
    uint32_t *waits = calloc(nodes, sizeof(*waits));
    uint32_t *queue = calloc(nodes, sizeof(*queue));
    bool *queued = calloc(nodes, sizeof(*queued));
    uint32_t tail = 0;
    uint32_t lowest = 0;
    enum err err =
        waits == NULL || queue == NULL || queued == NULL ? ERR_NOMEM : OK;
    for (uint32_t i = 0; err == OK && i < count; i++)
        waits[arcs[i].to] += arcs[i].order;
    for (uint32_t v = 0; err == OK && v < nodes; v++) {
        if (waits[v] == 0) {
            queue[tail++] = v;
            queued[v] = true;
        }
    }
    for (uint32_t head = 0; err == OK && head < nodes; head++) {
        uint32_t v = next_node(queue, head, tail, queued, &lowest);
        if (head == tail) {
            queue[tail++] = v;
            queued[v] = true;
        }
        for (uint32_t i = a->first[v]; i < a->first[v + 1]; i++) {
            const struct layers_arc *arc = &arcs[a->item[i]];
            if (arc->from != v || !arc->order || queued[arc->to])
                continue;
            if (out->column[arc->to] <= out->column[v])
                out->column[arc->to] = out->column[v] + 1;
            if (--waits[arc->to] == 0) {
                queue[tail++] = arc->to;
                queued[arc->to] = true;
            }
        }
    }
    free(waits);
    free(queue);
    free(queued);
    return err;
}

/* ---- rows ---- */

static int by_mean(const void *a, const void *b)
{
    const struct seat *x = a;
    const struct seat *y = b;
    if (x->mean != y->mean)
        return x->mean < y->mean ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

static uint64_t mean_row(const struct layers *l, uint32_t v,
                         const struct layers_arc *arcs, const struct arcs_of *a)
{
    uint64_t sum = 0;
    uint64_t count = 0;
    for (uint32_t i = a->first[v]; i < a->first[v + 1]; i++) {
        const struct layers_arc *arc = &arcs[a->item[i]];
        uint32_t other = arc->from == v ? arc->to : arc->from;
        if (l->column[other] == l->column[v])
            continue;
        sum += (2 * (uint64_t)l->row[other] + 1) * 100000 /
               (2 * (uint64_t)l->height[l->column[other]]);
        count++;
    }
    return count == 0 ? (2 * (uint64_t)l->row[v] + 1) * 100000 /
                            (2 * (uint64_t)l->height[l->column[v]])
                      : sum / count;
}

/* members: all nodes by column. */
static void sweep(struct layers *l, const struct layers_arc *arcs,
                  const struct arcs_of *a, struct seat *members, bool back)
{
    uint32_t begin = 0;
    uint32_t total = 0;
    for (uint32_t c = 0; c < l->columns; c++)
        total += l->height[c];
    begin = back ? total : 0;
    for (uint32_t i = 0; i < l->columns; i++) {
        uint32_t c = back ? l->columns - 1 - i : i;
        struct seat *own;
        begin -= back ? l->height[c] : 0;
        own = members + begin;
        for (uint32_t k = 0; k < l->height[c]; k++)
            own[k].mean = mean_row(l, own[k].node, arcs, a);
        qsort(own, l->height[c], sizeof(*own), by_mean);
        for (uint32_t k = 0; k < l->height[c]; k++)
            l->row[own[k].node] = k;
        begin += back ? 0 : l->height[c];
    }
}

static enum err find_rows(struct layers *l, uint32_t nodes,
                          const struct layers_arc *arcs,
                          const struct arcs_of *a)
{
    struct seat *members;
    uint32_t count = 0;
    for (uint32_t v = 0; v < nodes; v++) {
        if (l->column[v] >= l->columns)
            l->columns = l->column[v] + 1;
    }
    l->height = calloc(l->columns + 1, sizeof(*l->height));
    members = calloc(nodes, sizeof(*members));
    if (l->height == NULL || members == NULL) {
        free(members);
        return ERR_NOMEM;
    }
    for (uint32_t v = 0; v < nodes; v++)
        l->row[v] = l->height[l->column[v]]++;
    for (uint32_t c = 0; c < l->columns; c++) {
        for (uint32_t v = 0; v < nodes; v++) {
            if (l->column[v] == c)
                members[count++].node = v;
        }
    }
    for (uint32_t i = 0; i < SWEEPS; i++)
        sweep(l, arcs, a, members, i % 2 == 1);
    free(members);
    return OK;
}

enum err layers_init(struct layers *out, uint32_t nodes,
                     const struct layers_arc *arcs, uint32_t count)
{
    struct arcs_of a = {NULL, NULL};
    enum err err;
    CHECK(nodes > 0);
    memset(out, 0, sizeof(*out));
    out->column = calloc(nodes, sizeof(*out->column));
    out->row = calloc(nodes, sizeof(*out->row));
    err = out->column == NULL || out->row == NULL
              ? ERR_NOMEM
              : index_arcs(&a, nodes, arcs, count);
    if (err == OK)
        err = find_columns(out, nodes, arcs, count, &a);
    if (err == OK)
        err = find_rows(out, nodes, arcs, &a);
    free(a.first);
    free(a.item);
    if (err != OK)
        layers_done(out);
    return err;
}

void layers_done(struct layers *l)
{
    free(l->column);
    free(l->row);
    free(l->height);
    memset(l, 0, sizeof(*l));
}
