#include "sched/learn/scene.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define SOURCES_MAX 256u /* that distances are measured from */
#define FAR         UINT32_MAX
#define NEAR_MAX    64u /* neighbours that corners are looked for among */

/* ---- what does not change ---- */

/* Steps from `from` to every node; returns the sum over the reached, and in
 * *out_reached how many. */
static uint64_t distances(const struct topology *t, uint32_t from,
                          uint32_t *steps, uint32_t *queue)
{
    uint32_t head = 0;
    uint32_t tail = 0;
    uint64_t sum = 0;
    for (uint32_t v = 0; v < t->node_count; v++)
        steps[v] = FAR;
    steps[from] = 0;
    queue[tail++] = from;
    while (head < tail) {
        uint32_t v = queue[head++];
        sum += steps[v];
        for (uint32_t i = t->first[v]; i < t->first[v + 1]; i++) {
            uint32_t to = t->arcs[i].to;
            if (steps[to] != FAR)
                continue;
            steps[to] = steps[v] + 1;
            queue[tail++] = to;
        }
    }
    return sum;
}

static float squash(double x)
{
    return (float)(x / (1 + x));
}

/* Mean distance of all over its own; who cannot be reached is as far as there
 * are nodes. */
static void close_make(struct scene *s, uint32_t *steps, uint32_t *queue,
                       uint64_t *sums)
{
    const struct topology *t = s->topology;
    uint32_t stride = (t->node_count + SOURCES_MAX - 1) / SOURCES_MAX;
    double total = 0;
    memset(sums, 0, t->node_count * sizeof(*sums));
    for (uint32_t from = 0; from < t->node_count; from += stride) {
        (void)distances(t, from, steps, queue);
        for (uint32_t v = 0; v < t->node_count; v++)
            sums[v] += steps[v] == FAR ? t->node_count : steps[v];
    }
    for (uint32_t v = 0; v < t->node_count; v++)
        total += (double)sums[v];
    for (uint32_t v = 0; v < t->node_count; v++)
        s->close[v] = squash(total / t->node_count / ((double)sums[v] + 1e-3));
}

static void means_make(struct scene *s)
{
    const struct topology *t = s->topology;
    for (uint32_t l = 0; l < t->link_count; l++)
        s->mean_kbps += (double)t->links[l].cap_kbps;
    s->mean_kbps = t->link_count > 0 ? s->mean_kbps / t->link_count : 0;
    s->mean_kbps = s->mean_kbps > 1 ? s->mean_kbps : 1;
    for (uint32_t r = 0; r < RES_COUNT; r++) {
        for (uint32_t v = 0; v < t->node_count; v++)
            s->mean_cap[r] += t->nodes[v].cap.of[r];
        s->mean_cap[r] /= t->node_count;
    }
}

static enum err measure(struct scene *s)
{
    uint32_t nodes = s->nodes;
    uint32_t *steps = calloc(nodes, sizeof(*steps));
    uint32_t *queue = calloc(nodes, sizeof(*queue));
    uint64_t *sums = calloc(nodes, sizeof(*sums));
    enum err err = ERR_NOMEM;
    if (steps != NULL && queue != NULL && sums != NULL) {
        close_make(s, steps, queue, sums);
        means_make(s);
        err = OK;
    }
    free(steps);
    free(queue);
    free(sums);
    return err;
}

enum err scene_new(const struct topology *topology, struct scene **out)
{
    struct scene *s = calloc(1, sizeof(*s));
    size_t nodes = topology->node_count;
    CHECK(nodes > 0 && nodes <= TOPOLOGY_NODES_MAX);
    if (s == NULL)
        return ERR_NOMEM;
    s->topology = topology;
    s->nodes = topology->node_count;
    s->node = calloc(nodes * SCENE_NODE_WIDTH, sizeof(*s->node));
    s->may = calloc(nodes, sizeof(*s->may));
    s->node_first = calloc(nodes + 1, sizeof(*s->node_first));
    s->node_to =
        calloc(2 * (size_t)topology->link_count + 1, sizeof(*s->node_to));
    s->able = calloc(nodes, sizeof(*s->able));
    s->seen = calloc(nodes, sizeof(*s->seen));
    s->close = calloc(nodes, sizeof(*s->close));
    if (s->node == NULL || s->may == NULL || s->node_first == NULL ||
        s->node_to == NULL || s->able == NULL || s->seen == NULL ||
        s->close == NULL || measure(s) != OK) {
        scene_free(s);
        return ERR_NOMEM;
    }
    s->node_arcs = (struct layer_arcs){s->node_first, s->node_to, s->nodes};
    *out = s;
    return OK;
}

void scene_free(struct scene *scene)
{
    if (scene == NULL)
        return;
    free(scene->node);
    free(scene->may);
    free(scene->node_first);
    free(scene->node_to);
    free(scene->able);
    free(scene->seen);
    free(scene->close);
    free(scene);
}

/* ---- the job ---- */

/* What is read of the job once for all nodes. */
struct wishes {
    const struct job_graph *job;
    struct stock group; /* wanted by the first and who must be with it */
    struct stock mean;  /* by the mean component that wants anything */
    uint64_t zones;
    uint64_t labels;
    uint64_t kbps[JOB_LINKS_MAX]; /* of the first's links, widest first */
    uint32_t kbps_count;
    uint64_t kbps_sum;
    uint64_t kbps_mean; /* of all links */
};

static bool with_first(const struct job_graph *job, uint32_t first, uint32_t c)
{
    uint8_t group = job->components[first].together;
    return c == first || (group != 0 && job->components[c].together == group);
}

static void wishes_add_link(struct wishes *w, uint64_t kbps)
{
    uint32_t at = w->kbps_count++;
    w->kbps_sum += kbps;
    for (; at > 0 && w->kbps[at - 1] < kbps; at--)
        w->kbps[at] = w->kbps[at - 1];
    w->kbps[at] = kbps;
}

static void wishes_links(struct wishes *w, uint32_t first)
{
    const struct job_graph *job = w->job;
    uint64_t sum = 0;
    w->kbps_count = 0;
    w->kbps_sum = 0;
    for (uint32_t i = 0; i < job->link_count; i++) {
        const struct job_link *l = &job->links[i];
        sum += l->kbps;
        if (with_first(job, first, l->from) != with_first(job, first, l->to))
            wishes_add_link(w, l->kbps);
    }
    w->kbps_mean = job->link_count > 0 ? sum / job->link_count : 0;
}

static void wishes_make(struct wishes *w, const struct job_graph *job,
                        uint32_t first)
{
    uint64_t group[RES_COUNT] = {0};
    uint64_t all[RES_COUNT] = {0};
    uint32_t count = 0;
    w->job = job;
    w->zones = JOB_ZONES_ALL;
    w->labels = 0;
    for (uint32_t c = 0; c < job->component_count; c++) {
        const struct job_component *part = &job->components[c];
        bool own = with_first(job, first, c);
        count += !part->data;
        for (uint32_t r = 0; r < RES_COUNT; r++) {
            all[r] += part->want.of[r];
            group[r] += own ? part->want.of[r] : 0;
        }
        if (own) {
            w->zones &= part->zones;
            w->labels |= part->labels;
        }
    }
    for (uint32_t r = 0; r < RES_COUNT; r++) {
        w->group.of[r] =
            group[r] > UINT32_MAX ? UINT32_MAX : (uint32_t)group[r];
        w->mean.of[r] = (uint32_t)(all[r] / (count > 0 ? count : 1));
    }
    wishes_links(w, first);
}

/* Of the scarcest kind. */
static double want_share(const struct scene *s, const struct stock *want)
{
    double most = 0;
    for (uint32_t r = 0; r < RES_COUNT; r++) {
        double share = s->mean_cap[r] > 0 ? want->of[r] / s->mean_cap[r] : 0;
        most = share > most ? share : most;
    }
    return most < 4 ? most : 4;
}

static void part_arcs_make(struct scene *s, const struct job_graph *job)
{
    uint32_t len = 0;
    for (uint32_t c = 0; c < job->component_count; c++) {
        s->part_first[c] = len;
        for (uint32_t i = 0; i < job->link_count; i++) {
            const struct job_link *l = &job->links[i];
            if (l->from == c || l->to == c)
                s->part_to[len++] = l->from == c ? l->to : l->from;
        }
    }
    s->part_first[job->component_count] = len;
    s->part_arcs =
        (struct layer_arcs){s->part_first, s->part_to, job->component_count};
}

static double in_links(const struct scene *s, uint64_t kbps)
{
    double links = (double)kbps / s->mean_kbps;
    return links < 64 ? links : 64;
}

static void part_look(struct scene *s, const struct job_graph *job, uint32_t c,
                      double total, double load)
{
    float *f = s->part[c];
    uint64_t sum = 0;
    uint64_t most = 0;
    uint32_t joins = 0;
    for (uint32_t i = 0; i < job->link_count; i++) {
        const struct job_link *l = &job->links[i];
        if (l->from != c && l->to != c)
            continue;
        joins++;
        sum += l->kbps;
        most = l->kbps > most ? l->kbps : most;
    }
    f[SCENE_FIRST] = with_first(job, s->first, c) ? 1 : 0;
    f[SCENE_WANT] = (float)want_share(s, &job->components[c].want);
    f[SCENE_JOIN] = squash(in_links(s, sum));
    f[SCENE_JOIN_MOST] = squash(2 * in_links(s, most));
    f[SCENE_JOINS] = (float)joins / (float)job->component_count;
    f[SCENE_PARTS] = squash(job->component_count / 10.0);
    f[SCENE_TOTAL] = squash(total);
    f[SCENE_LOAD] = (float)load;
}

static void parts_look(struct scene *s, const struct job_graph *job)
{
    const struct topology *t = s->topology;
    double cap = 0;
    double left = 0;
    double wanted = 0;
    for (uint32_t l = 0; l < t->link_count; l++) {
        cap += (double)t->links[l].cap_kbps;
        left += (double)topology_left_kbps(t, l);
    }
    for (uint32_t i = 0; i < job->link_count; i++)
        wanted += (double)job->links[i].kbps;
    for (uint32_t c = 0; c < job->component_count; c++)
        part_look(s, job, c, left > 0 ? 10 * wanted / left : 1000,
                  cap > 0 ? 1 - left / cap : 1);
    part_arcs_make(s, job);
}

/* ---- the nodes ---- */

static bool may_be(const struct wishes *w, const struct topology *t,
                   uint32_t first, uint32_t v, const struct stock *left)
{
    const struct topo_node *node = &t->nodes[v];
    const struct job_graph *job = w->job;
    if (!stock_fits(&w->group, left) || (w->zones >> node->zone & 1) == 0 ||
        (node->labels & w->labels) != w->labels)
        return false;
    for (uint32_t c = 0; c < job->component_count; c++) {
        const struct job_component *part = &job->components[c];
        if (with_first(job, first, c) &&
            ((part->only != NULL && !node_set_has(part->only, v)) ||
             (part->place != JOB_ANYWHERE && part->place != v)))
            return false;
    }
    return true;
}

static double free_share(const struct topo_node *node, const struct stock *left)
{
    double sum = 0;
    uint32_t kinds = 0;
    for (uint32_t r = 0; r < RES_COUNT; r++)
        if (node->cap.of[r] > 0) {
            sum += (double)left->of[r] / node->cap.of[r];
            kinds++;
        }
    return kinds > 0 ? sum / kinds : 0;
}

/* The least share, over what the first wants, that is left with it there. */
static double slack(const struct topo_node *node, const struct stock *left,
                    const struct stock *want)
{
    double least = 1;
    for (uint32_t r = 0; r < RES_COUNT; r++) {
        double share;
        if (want->of[r] == 0)
            continue;
        if (want->of[r] > left->of[r])
            return 0;
        share = (double)(left->of[r] - want->of[r]) / node->cap.of[r];
        least = share < least ? share : least;
    }
    return least;
}

static void node_room(const struct scene *s, const struct wishes *w, uint32_t v,
                      const struct stock *left, float *f)
{
    const struct topo_node *node = &s->topology->nodes[v];
    const struct job_graph *job = w->job;
    uint32_t fits = 0;
    for (uint32_t c = 0; c < job->component_count; c++)
        fits += stock_fits(&job->components[c].want, left);
    f[SCENE_FREE] = (float)free_share(node, left);
    f[SCENE_FITS] = (float)fits / (float)job->component_count;
    f[SCENE_SLACK] = (float)slack(node, left, &w->group);
}

/* The links around a node. */
struct around {
    uint64_t left;
    uint64_t cap;
    uint64_t most;
    uint32_t wide;
    uint32_t mean;
    uint64_t widest[8]; /* free bandwidth, most first */
    uint32_t widest_count;
};

static void around_add(struct around *a, uint64_t left)
{
    uint32_t at = a->widest_count < 8 ? a->widest_count++ : 7;
    if (a->widest_count == 8 && at == 7 && a->widest[7] >= left)
        return;
    for (; at > 0 && a->widest[at - 1] < left; at--)
        a->widest[at] = a->widest[at - 1];
    a->widest[at] = left;
}

static void around_look(const struct scene *s, const struct wishes *w,
                        uint32_t v, struct around *a)
{
    const struct topology *t = s->topology;
    uint64_t widest = w->kbps_count > 0 ? w->kbps[0] : 0;
    *a = (struct around){0};
    for (uint32_t i = t->first[v]; i < t->first[v + 1]; i++) {
        uint64_t left = topology_left_kbps(t, t->arcs[i].link);
        a->left += left;
        a->cap += t->links[t->arcs[i].link].cap_kbps;
        a->most = left > a->most ? left : a->most;
        a->wide += left >= widest;
        a->mean += left >= w->kbps_mean;
        around_add(a, left);
    }
}

/* The first's links, widest on widest: what part of their bandwidth the free
 * links can carry, one each. */
static double carried(const struct wishes *w, const struct around *a)
{
    uint64_t sum = 0;
    uint64_t wanted = 0;
    for (uint32_t i = 0; i < w->kbps_count && i < 8; i++) {
        uint64_t left = i < a->widest_count ? a->widest[i] : 0;
        sum += left < w->kbps[i] ? left : w->kbps[i];
        wanted += w->kbps[i];
    }
    return wanted > 0 ? (double)sum / (double)wanted : 1;
}

static void node_links(const struct scene *s, const struct wishes *w,
                       uint32_t v, float *f)
{
    const struct topology *t = s->topology;
    double degree = t->first[v + 1] - t->first[v];
    double mean_degree = 2.0 * t->link_count / t->node_count;
    struct around a;
    around_look(s, w, v, &a);
    f[SCENE_BAND] = squash(in_links(s, a.left));
    f[SCENE_BAND_FREE] = a.cap > 0 ? (float)a.left / (float)a.cap : 0;
    f[SCENE_BAND_MOST] = squash(in_links(s, a.most));
    f[SCENE_WIDE] = squash(a.wide / 4.0);
    f[SCENE_MEAN] = squash(a.mean / 4.0);
    f[SCENE_CARRY] = (float)carried(w, &a);
    f[SCENE_DEGREE] = mean_degree > 0 ? squash(degree / mean_degree) : 0;
    f[SCENE_CLOSE] = s->close[v];
    f[SCENE_ORDER] = (f[SCENE_FREE] + 1e-3f) * (float)in_links(s, a.left);
}

static void node_arcs_make(struct scene *s, const struct wishes *w)
{
    const struct topology *t = s->topology;
    uint32_t len = 0;
    for (uint32_t v = 0; v < t->node_count; v++) {
        struct stock left;
        topology_left(t, v, &left);
        s->able[v] = stock_fits(&w->mean, &left);
        s->node_first[v] = len;
        for (uint32_t i = t->first[v]; i < t->first[v + 1]; i++)
            if (topology_left_kbps(t, t->arcs[i].link) >= w->kbps_mean)
                s->node_to[len++] = t->arcs[i].to;
    }
    s->node_first[t->node_count] = len;
}

/* The end of a node's neighbours, of the first NEAR_MAX if there are more. */
static uint32_t near_end(const struct scene *s, uint32_t v)
{
    uint32_t end = s->node_first[v + 1];
    uint32_t most = s->node_first[v] + NEAR_MAX;
    return end < most ? end : most;
}

/* Neighbours of v, corners and nodes within two steps. Marks: 2v + 1 for who
 * was counted, 2v + 2 for neighbours. */
static void node_around(struct scene *s, uint32_t v)
{
    float *f = s->node + (size_t)v * SCENE_NODE_WIDTH;
    uint32_t around = 0;
    uint32_t corners = 0;
    uint32_t reach = 0;
    uint32_t end = near_end(s, v);
    for (uint32_t i = s->node_first[v]; i < end; i++) {
        uint32_t u = s->node_to[i];
        around += s->able[u] != 0 && s->seen[u] != 2 * v + 2;
        s->seen[u] = 2 * v + 2;
    }
    s->seen[v] = 2 * v + 1;
    for (uint32_t i = s->node_first[v]; i < end; i++) {
        uint32_t u = s->node_to[i];
        for (uint32_t k = s->node_first[u]; k < near_end(s, u); k++) {
            uint32_t x = s->node_to[k];
            if (s->seen[x] == 2 * v + 2) {
                corners += (uint32_t)s->able[u] & s->able[x];
            } else if (s->seen[x] != 2 * v + 1) {
                s->seen[x] = 2 * v + 1;
                reach += s->able[x];
            }
        }
    }
    f[SCENE_AROUND] = squash((double)around / s->parts);
    f[SCENE_CORNERS] = squash(corners / 2.0 / s->parts);
    f[SCENE_REACH] = squash((double)(around + reach) / (4.0 * s->parts));
}

static void order_scale(struct scene *s)
{
    float most = 0;
    for (uint32_t v = 0; v < s->nodes; v++) {
        float here = s->node[(size_t)v * SCENE_NODE_WIDTH + SCENE_ORDER];
        most = here > most ? here : most;
    }
    for (uint32_t v = 0; v < s->nodes && most > 0; v++)
        s->node[(size_t)v * SCENE_NODE_WIDTH + SCENE_ORDER] /= most;
}

void scene_look(struct scene *scene, const struct job_graph *job,
                uint32_t first)
{
    struct wishes w;
    CHECK(first < job->component_count);
    CHECK(scene->topology->node_count == scene->nodes);
    wishes_make(&w, job, first);
    scene->parts = job->component_count;
    scene->first = first;
    for (uint32_t v = 0; v < scene->nodes; v++) {
        float *f = scene->node + (size_t)v * SCENE_NODE_WIDTH;
        struct stock left;
        topology_left(scene->topology, v, &left);
        scene->may[v] = may_be(&w, scene->topology, first, v, &left);
        node_room(scene, &w, v, &left, f);
        node_links(scene, &w, v, f);
    }
    node_arcs_make(scene, &w);
    memset(scene->seen, 0, scene->nodes * sizeof(*scene->seen));
    for (uint32_t v = 0; v < scene->nodes; v++)
        node_around(scene, v);
    order_scale(scene);
    parts_look(scene, job);
}
