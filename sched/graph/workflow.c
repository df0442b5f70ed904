#include "sched/graph/workflow.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void workflow_init(struct workflow *w)
{
    memset(w, 0, sizeof(*w));
}

static void unclose(struct workflow *w)
{
    free(w->edges);
    free(w->inputs);
    free(w->in_first);
    free(w->out_first);
    free(w->out_edges);
    free(w->input_first);
    free(w->order);
    free(w->zones);
    w->edges = NULL;
    w->inputs = NULL;
    w->in_first = w->out_first = w->out_edges = NULL;
    w->input_first = w->order = NULL;
    w->zones = NULL;
    w->edge_count = w->input_count = 0;
    w->closed = false;
}

void workflow_done(struct workflow *w)
{
    unclose(w);
    free(w->tasks);
    free(w->files);
    free(w->links);
    workflow_init(w);
}

/* Room for one more of `size` bytes. */
static enum err grow(void **items, uint32_t count, uint32_t *room, size_t size)
{
    uint32_t more = *room == 0 ? 16 : *room * 2;
    void *grown;
    if (count < *room)
        return OK;
    grown = realloc(*items, more * size);
    if (grown == NULL)
        return ERR_NOMEM;
    *items = grown;
    *room = more;
    return OK;
}

enum err workflow_add_task(struct workflow *w, const struct workflow_task *task,
                           uint32_t *out)
{
    void *items = w->tasks;
    CHECK(!w->closed);
    if (task->work_us > WORKFLOW_WORK_MAX_US || task->cores == 0 ||
        task->cores > WORKFLOW_CORES_MAX || task->zones == 0)
        return ERR_RANGE;
    if (w->task_count == WORKFLOW_TASKS_MAX)
        return ERR_TOO_LARGE;
    TRY(grow(&items, w->task_count, &w->task_room, sizeof(*task)));
    w->tasks = items;
    w->tasks[w->task_count] = *task;
    *out = w->task_count++;
    return OK;
}

enum err workflow_add_file(struct workflow *w, const struct workflow_file *file,
                           uint32_t *out)
{
    void *items = w->files;
    CHECK(!w->closed);
    if (file->bytes > WORKFLOW_BYTES_MAX || file->zones == 0 ||
        (file->producer != WORKFLOW_NONE && file->producer >= w->task_count))
        return ERR_RANGE;
    if (w->file_count == WORKFLOW_FILES_MAX)
        return ERR_TOO_LARGE;
    TRY(grow(&items, w->file_count, &w->file_room, sizeof(*file)));
    w->files = items;
    w->files[w->file_count] = *file;
    *out = w->file_count++;
    return OK;
}

static enum err add_link(struct workflow *w, struct workflow_link link)
{
    void *items = w->links;
    CHECK(!w->closed);
    if (link.task >= w->task_count ||
        link.what >= (link.order ? w->task_count : w->file_count))
        return ERR_RANGE;
    if (w->link_count == WORKFLOW_LINKS_MAX)
        return ERR_TOO_LARGE;
    TRY(grow(&items, w->link_count, &w->link_room, sizeof(link)));
    w->links = items;
    w->links[w->link_count++] = link;
    return OK;
}

enum err workflow_add_use(struct workflow *w, uint32_t task, uint32_t file)
{
    return add_link(w, (struct workflow_link){task, file, false});
}

enum err workflow_add_order(struct workflow *w, uint32_t before, uint32_t task)
{
    return add_link(w, (struct workflow_link){task, before, true});
}

/* ---- closing ---- */

static int by_task(const void *a, const void *b)
{
    const struct workflow_link *x = a;
    const struct workflow_link *y = b;
    if (x->task != y->task)
        return x->task < y->task ? -1 : 1;
    if (x->order != y->order)
        return x->order ? 1 : -1;
    return (x->what > y->what) - (x->what < y->what);
}

static int by_ends(const void *a, const void *b)
{
    const struct workflow_edge *x = a;
    const struct workflow_edge *y = b;
    if (x->to != y->to)
        return x->to < y->to ? -1 : 1;
    return (x->from > y->from) - (x->from < y->from);
}

static int by_site(const void *a, const void *b)
{
    const struct workflow_input *x = a;
    const struct workflow_input *y = b;
    if (x->task != y->task)
        return x->task < y->task ? -1 : 1;
    return (x->site > y->site) - (x->site < y->site);
}

static bool alloc(struct workflow *w)
{
    size_t n = w->task_count;
    size_t links = (size_t)w->link_count + 1;
    w->edges = calloc(links, sizeof(*w->edges));
    w->inputs = calloc(links, sizeof(*w->inputs));
    w->in_first = calloc(n + 1, sizeof(*w->in_first));
    w->out_first = calloc(n + 2, sizeof(*w->out_first));
    w->out_edges = calloc(links, sizeof(*w->out_edges));
    w->input_first = calloc(n + 1, sizeof(*w->input_first));
    w->order = calloc(n, sizeof(*w->order));
    w->zones = calloc(n, sizeof(*w->zones));
    return w->edges != NULL && w->inputs != NULL && w->in_first != NULL &&
           w->out_first != NULL && w->out_edges != NULL &&
           w->input_first != NULL && w->order != NULL && w->zones != NULL;
}

/* One edge or input a link; the same use said twice counts once. */
static void spread(struct workflow *w)
{
    if (w->link_count > 1)
        qsort(w->links, w->link_count, sizeof(*w->links), by_task);
    for (uint32_t i = 0; i < w->link_count; i++) {
        const struct workflow_link *link = &w->links[i];
        const struct workflow_file *file;
        if (i > 0 && by_task(link, link - 1) == 0)
            continue;
        if (link->order) {
            w->edges[w->edge_count++] =
                (struct workflow_edge){0, link->what, link->task};
            continue;
        }
        file = &w->files[link->what];
        if (file->producer != WORKFLOW_NONE)
            w->edges[w->edge_count++] =
                (struct workflow_edge){file->bytes, file->producer, link->task};
        else if (file->site != WORKFLOW_NONE)
            w->inputs[w->input_count++] =
                (struct workflow_input){file->bytes, link->task, file->site};
    }
}

static enum err merge_edges(struct workflow *w, uint32_t *out_task)
{
    uint32_t kept = 0;
    if (w->edge_count > 1)
        qsort(w->edges, w->edge_count, sizeof(*w->edges), by_ends);
    for (uint32_t i = 0; i < w->edge_count; i++) {
        struct workflow_edge *last = kept > 0 ? &w->edges[kept - 1] : NULL;
        if (last == NULL || by_ends(last, &w->edges[i]) != 0) {
            w->edges[kept++] = w->edges[i];
            continue;
        }
        last->bytes += w->edges[i].bytes;
        if (last->bytes > WORKFLOW_BYTES_MAX) {
            *out_task = last->to;
            return ERR_OVERFLOW;
        }
    }
    w->edge_count = kept;
    return OK;
}

static enum err merge_inputs(struct workflow *w, uint32_t *out_task)
{
    uint32_t kept = 0;
    if (w->input_count > 1)
        qsort(w->inputs, w->input_count, sizeof(*w->inputs), by_site);
    for (uint32_t i = 0; i < w->input_count; i++) {
        struct workflow_input *last = kept > 0 ? &w->inputs[kept - 1] : NULL;
        if (last == NULL || by_site(last, &w->inputs[i]) != 0) {
            w->inputs[kept++] = w->inputs[i];
            continue;
        }
        last->bytes += w->inputs[i].bytes;
        if (last->bytes > WORKFLOW_BYTES_MAX) {
            *out_task = last->task;
            return ERR_OVERFLOW;
        }
    }
    w->input_count = kept;
    return OK;
}

static void index_links(struct workflow *w)
{
    uint32_t n = w->task_count;
    for (uint32_t e = 0; e < w->edge_count; e++) {
        w->in_first[w->edges[e].to + 1]++;
        w->out_first[w->edges[e].from + 2]++;
    }
    for (uint32_t i = 0; i < w->input_count; i++)
        w->input_first[w->inputs[i].task + 1]++;
    for (uint32_t t = 0; t < n; t++) {
        w->in_first[t + 1] += w->in_first[t];
        w->input_first[t + 1] += w->input_first[t];
        w->out_first[t + 2] += w->out_first[t + 1];
    }
    /* out_first[t + 1] runs from where t begins to where it ends. */
    for (uint32_t e = 0; e < w->edge_count; e++)
        w->out_edges[w->out_first[w->edges[e].from + 1]++] = e;
}

/* Kahn's: `order` is its queue. */
static enum err sort_tasks(struct workflow *w, uint32_t *out_task)
{
    uint32_t n = w->task_count;
    uint32_t tail = 0;
    uint32_t *waits = calloc(n, sizeof(*waits));
    if (waits == NULL)
        return ERR_NOMEM;
    for (uint32_t t = 0; t < n; t++) {
        waits[t] = w->in_first[t + 1] - w->in_first[t];
        if (waits[t] == 0)
            w->order[tail++] = t;
    }
    for (uint32_t head = 0; head < tail; head++) {
        uint32_t t = w->order[head];
        for (uint32_t i = w->out_first[t]; i < w->out_first[t + 1]; i++) {
            uint32_t to = w->edges[w->out_edges[i]].to;
            if (--waits[to] == 0)
                w->order[tail++] = to;
        }
    }
    /* What is left waits for something in a circle: walking back along what is
     * left ends up inside it. */
    for (uint32_t t = 0; tail < n && t < n; t++) {
        if (waits[t] == 0)
            continue;
        for (uint32_t step = 0; step < n; step++) {
            uint32_t e = w->in_first[t];
            while (waits[w->edges[e].from] == 0)
                e++;
            t = w->edges[e].from;
        }
        *out_task = t;
        break;
    }
    free(waits);
    return tail == n ? OK : ERR_STATE;
}

/* A bound passes on with data: not with an order, and not from where a task
 * itself may run. */
static void bind_zones(struct workflow *w)
{
    for (uint32_t t = 0; t < w->task_count; t++)
        w->zones[t] = WORKFLOW_ZONES_ALL;
    for (uint32_t i = 0; i < w->link_count; i++) {
        if (!w->links[i].order)
            w->zones[w->links[i].task] &= w->files[w->links[i].what].zones;
    }
    for (uint32_t i = 0; i < w->task_count; i++) {
        uint32_t t = w->order[i];
        for (uint32_t e = w->in_first[t]; e < w->in_first[t + 1]; e++) {
            if (w->edges[e].bytes > 0)
                w->zones[t] &= w->zones[w->edges[e].from];
        }
    }
    for (uint32_t t = 0; t < w->task_count; t++)
        w->zones[t] &= w->tasks[t].zones;
    for (uint32_t f = 0; f < w->file_count; f++) {
        if (w->files[f].producer != WORKFLOW_NONE)
            w->zones[w->files[f].producer] &= w->files[f].zones;
    }
}

enum err workflow_close(struct workflow *w, uint32_t *out_task)
{
    enum err err = OK;
    CHECK(!w->closed);
    if (w->task_count == 0)
        return ERR_NOT_FOUND;
    if (!alloc(w))
        err = ERR_NOMEM;
    if (err == OK) {
        spread(w);
        err = merge_edges(w, out_task);
    }
    if (err == OK)
        err = merge_inputs(w, out_task);
    if (err == OK) {
        index_links(w);
        err = sort_tasks(w, out_task);
    }
    if (err != OK) {
        unclose(w);
        return err;
    }
    bind_zones(w);
    w->closed = true;
    return OK;
}

bool workflow_is_chain(const struct workflow *w)
{
    CHECK(w->closed);
    for (uint32_t t = 0; t < w->task_count; t++) {
        if (w->in_first[t + 1] - w->in_first[t] > 1 ||
            w->out_first[t + 1] - w->out_first[t] > 1)
            return false;
    }
    return w->edge_count + 1 == w->task_count;
}

static uint32_t root_of(uint32_t *above, uint32_t t)
{
    while (above[t] != t) {
        above[t] = above[above[t]];
        t = above[t];
    }
    return t;
}

bool workflow_is_forest(const struct workflow *w)
{
    uint32_t *above = malloc(w->task_count * sizeof(*above));
    bool forest = above != NULL;
    CHECK(w->closed);
    for (uint32_t t = 0; forest && t < w->task_count; t++)
        above[t] = t;
    for (uint32_t e = 0; forest && e < w->edge_count; e++) {
        uint32_t a = root_of(above, w->edges[e].from);
        uint32_t b = root_of(above, w->edges[e].to);
        forest = a != b;
        if (forest)
            above[a] = b;
    }
    free(above);
    return forest;
}
