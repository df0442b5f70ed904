#include "sched/lab/train_world.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define CAP_LEAST  50u
#define CAP_MOST   100u
#define WARM_UP    100u /* decisions before the first that is kept */
#define STRIDE     2u   /* of so many decisions one is kept */
#define LABELS_MAX 128u /* starts tried for one label */
#define DRAWS      2u   /* placements drawn for one moment */

/* ---- life ---- */

static enum err world_tools(struct world *w)
{
    size_t nodes = w->topology.node_count;
    size_t moments = w->options->moments;
    TRY(embed_new(&w->topology, &w->embed));
    TRY(scene_new(&w->topology, &w->scene));
    TRY(ranknet_tape_new(w->topology.node_count, true, &w->tape));
    TRY(ranker_new(w->net, &w->topology, &w->ranker));
    w->moments = calloc(moments, sizeof(*w->moments));
    w->order = calloc(moments, sizeof(*w->order));
    w->nodes = calloc(nodes, sizeof(*w->nodes));
    w->share = calloc(nodes, sizeof(*w->share));
    w->aim = calloc(nodes, sizeof(*w->aim));
    w->dscore = calloc(nodes, sizeof(*w->dscore));
    w->keys = calloc(nodes, sizeof(*w->keys));
    w->may = calloc(nodes, sizeof(*w->may));
    if (w->moments == NULL || w->order == NULL || w->nodes == NULL ||
        w->share == NULL || w->aim == NULL || w->dscore == NULL ||
        w->keys == NULL || w->may == NULL)
        return ERR_NOMEM;
    return OK;
}

static enum err draw_topology(const struct train_options *options,
                              uint32_t graph, uint64_t seed,
                              struct topology *out)
{
    struct dice dice;
    embed_topology_dice(seed, &dice);
    return embed_topology(options->graphs[graph % options->graph_count],
                          CAP_LEAST, CAP_MOST, &dice, out);
}

enum err world_init(struct world *world, const struct train_options *options,
                    const struct ranknet *net, uint32_t index)
{
    *world = (struct world){.options = options, .net = net};
    world->seed = ((options->workload.seed + 1) << 32) + index;
    dice_init(&world->dice, world->seed ^ UINT64_C(0x776f726c64));
    TRY(draw_topology(options, index, world->seed, &world->topology));
    job_graph_init(&world->job);
    return world_tools(world);
}

static void drop_moments(struct world *w)
{
    for (uint32_t i = 0; i < w->moment_count; i++)
        moment_done(&w->moments[i]);
    w->moment_count = 0;
}

void world_done(struct world *world)
{
    drop_moments(world);
    embed_free(world->embed);
    scene_free(world->scene);
    ranknet_tape_free(world->tape);
    ranker_free(world->ranker);
    free(world->moments);
    free(world->order);
    free(world->nodes);
    free(world->share);
    free(world->aim);
    free(world->dscore);
    free(world->keys);
    free(world->may);
    topology_done(&world->topology);
    *world = (struct world){0};
}

/* ---- looking ---- */

static void keep(struct world *w, const struct job_graph *job, uint32_t first)
{
    struct moment *moment = &w->moments[w->moment_count];
    const struct topology *t = &w->topology;
    w->err = moment_keep(t, job, first, moment);
    if (w->err != OK)
        return;
    w->moment_count++;
    if (!w->imitate)
        return;
    embed_starts(w->embed, w->nodes);
    w->err = moment_label(moment, w->embed, job, w->nodes, t->node_count,
                          LABELS_MAX, &w->dice);
    if (w->err == OK && moment->worth == NULL) { /* nothing to learn */
        moment_done(moment);
        w->moment_count--;
    }
}

static uint32_t look_rank(void *context, const struct topology *topology,
                          const struct job_graph *job, uint32_t first,
                          uint16_t *out)
{
    struct world *w = context;
    bool due = w->seen >= WARM_UP && w->seen % STRIDE == 0;
    w->seen++;
    CHECK(topology == &w->topology);
    if (due && w->err == OK && w->moment_count < w->options->moments &&
        first < job->component_count)
        keep(w, job, first);
    if (!w->imitate)
        return ranker_rank(w->ranker, job, first, out);
    embed_starts(w->embed, out);
    return topology->node_count;
}

void world_look(struct world *world, bool imitate, uint32_t round)
{
    struct embed_workload workload = world->options->workload;
    struct embed_way way = {.policy = EMBED_JOINT,
                            .options = embed_options_default,
                            .rank = look_rank,
                            .context = world};
    struct embed_report report;
    enum err err;
    if (world->err != OK)
        return;
    drop_moments(world);
    world->imitate = imitate;
    world->seen = 0;
    way.options.starts_max = world->options->starts;
    workload.requests = WARM_UP + STRIDE * world->options->moments;
    workload.seed = world->seed + ((uint64_t)round << 16);
    err = embed_replay(&world->topology, &workload, &way, &report);
    if (world->err == OK)
        world->err = err;
    for (uint32_t i = 0; i < world->moment_count; i++)
        world->order[i] = i;
}

void world_shuffle(struct world *world)
{
    for (uint32_t i = world->moment_count; i > 1; i--) {
        uint32_t j = (uint32_t)dice_below(&world->dice, i);
        uint32_t held = world->order[i - 1];
        world->order[i - 1] = world->order[j];
        world->order[j] = held;
    }
}

void world_begin(struct world *world)
{
    memset(&world->gradient, 0, sizeof(world->gradient));
    world->loss = 0;
    world->counted = 0;
}

/* ---- imitation ---- */

/* Sets topology and scene as they were, and scores the nodes. */
static const float *stand_in(struct world *w, const struct moment *moment)
{
    moment_set(moment, &w->topology, &w->job);
    scene_look(w->scene, &w->job, moment->first);
    return ranknet_score(w->net, w->scene, w->tape);
}

/* The shares to be learned, over the starts that were tried. */
static void aim_make(struct world *w, const struct moment *moment)
{
    uint32_t nodes = w->topology.node_count;
    for (uint32_t v = 0; v < nodes; v++) {
        w->may[v] = w->scene->may[v] != 0 && moment->worth[v] >= 0;
        w->keys[v] = moment->worth[v] > 0
                         ? ((double)moment->worth[v] - 1) / TRAIN_WARMTH
                         : -1 / TRAIN_WARMTH;
        w->share[v] = (float)w->keys[v];
    }
    if (!layer_softmax(w->share, w->may, nodes, w->aim))
        CHECK(nodes > 0);
}

static double entropy_above(const struct world *w)
{
    double sum = 0;
    for (uint32_t v = 0; v < w->topology.node_count; v++) {
        double aim = (double)w->aim[v];
        double share = (double)w->share[v];
        if (aim > 1e-12)
            sum += aim *
                   (layer_log(aim) - layer_log(share > 1e-30 ? share : 1e-30));
    }
    return sum;
}

void world_imitate(struct world *world, uint32_t at)
{
    struct world *w = world;
    const struct moment *moment;
    const float *score;
    uint32_t nodes = w->topology.node_count;
    if (w->err != OK || w->moment_count == 0)
        return;
    moment = &w->moments[w->order[at % w->moment_count]];
    score = stand_in(w, moment);
    aim_make(w, moment);
    if (layer_softmax(score, w->may, nodes, w->share)) {
        for (uint32_t v = 0; v < nodes; v++)
            w->dscore[v] = w->share[v] - w->aim[v];
        w->loss += entropy_above(w);
        w->counted++;
        ranknet_back(w->net, w->scene, w->tape, w->dscore, &w->gradient);
    }
    moment_clear(&w->topology);
}

/* ---- reinforcement ---- */

/* The nodes of the greatest keys among those that may be, at most `count`. */
static uint32_t take_best(struct world *w, uint32_t count, uint16_t *out)
{
    uint32_t taken = 0;
    uint32_t nodes = w->topology.node_count;
    memcpy(w->may, w->scene->may, nodes);
    for (; taken < count; taken++) {
        uint32_t best = nodes;
        for (uint32_t v = 0; v < nodes; v++)
            if (w->may[v] != 0 && (best == nodes || w->keys[v] > w->keys[best]))
                best = v;
        if (best == nodes)
            break;
        out[taken] = (uint16_t)best;
        w->may[best] = 0;
    }
    return taken;
}

/* 0: refused; 1/2 and up to 1 for a plan, by how near each virtual link is to
 * taking one link. */
static double reward(struct world *w, const uint16_t *starts, uint32_t count)
{
    struct embed_options options = embed_options_default;
    uint64_t least = 0;
    uint64_t cost;
    options.starts = starts;
    options.start_count = count;
    options.starts_max = count > 0 ? count : 1;
    if (embed_solve(w->embed, &w->job, &options, &w->plan, NULL) != OK)
        return 0;
    for (uint32_t i = 0; i < w->job.link_count; i++)
        least += w->job.links[i].kbps;
    cost = plan_kbps(&w->job, &w->plan);
    if (cost <= least)
        return 1;
    return 0.5 + 0.5 * (double)least / (double)cost;
}

/* Of drawing these one after the other: d(-gain ln p) / dscore. */
static void draw_back(struct world *w, const float *score,
                      const uint16_t *starts, uint32_t count, double gain)
{
    uint32_t nodes = w->topology.node_count;
    memcpy(w->may, w->scene->may, nodes);
    for (uint32_t i = 0; i < count; i++) {
        if (!layer_softmax(score, w->may, nodes, w->share))
            return;
        for (uint32_t v = 0; v < nodes; v++)
            w->dscore[v] += (float)(gain * (double)w->share[v]);
        w->dscore[starts[i]] -= (float)gain;
        w->may[starts[i]] = 0;
    }
}

/* -ln(-ln u): the greatest of these added to scores is a draw by shares. */
static double gumbel(struct dice *dice)
{
    double u = ((double)dice_below(dice, UINT64_C(1) << 52) + 0.5) /
               4503599627370496.0;
    return -layer_log(-layer_log(u));
}

static void draw_once(struct world *w, const float *score, double baseline)
{
    uint16_t *starts = w->nodes;
    uint32_t count;
    double gain;
    for (uint32_t v = 0; v < w->topology.node_count; v++)
        w->keys[v] = (double)score[v] + gumbel(&w->dice);
    count = take_best(w, w->options->starts, starts);
    gain = reward(w, starts, count) - baseline;
    w->loss += gain;
    w->counted++;
    if (gain > 0 || gain < 0)
        draw_back(w, score, starts, count, gain);
}

void world_reinforce(struct world *world, uint32_t at)
{
    struct world *w = world;
    const struct moment *moment;
    const float *score;
    uint32_t nodes = w->topology.node_count;
    uint32_t count;
    double baseline;
    if (w->err != OK || w->moment_count == 0)
        return;
    moment = &w->moments[w->order[at % w->moment_count]];
    score = stand_in(w, moment);
    memset(w->dscore, 0, nodes * sizeof(*w->dscore));
    for (uint32_t v = 0; v < nodes; v++)
        w->keys[v] = (double)score[v];
    count = take_best(w, w->options->starts, w->nodes);
    baseline = reward(w, w->nodes, count);
    for (uint32_t i = 0; i < DRAWS; i++)
        draw_once(w, score, baseline);
    ranknet_back(w->net, w->scene, w->tape, w->dscore, &w->gradient);
    moment_clear(&w->topology);
}

/* ---- trials ---- */

static uint32_t trial_rank(void *context, const struct topology *topology,
                           const struct job_graph *job, uint32_t first,
                           uint16_t *out)
{
    (void)topology;
    return ranker_rank(context, job, first, out);
}

enum err world_trial(const struct train_options *options,
                     const struct ranknet *net, uint64_t seed, uint32_t graph,
                     uint32_t starts, uint32_t *out_accepted)
{
    struct embed_workload workload = options->workload;
    struct embed_way way = {.policy = EMBED_JOINT,
                            .options = embed_options_default};
    struct topology topology = {0};
    struct ranker *ranker = NULL;
    struct embed_report report;
    enum err err = draw_topology(options, graph, seed, &topology);
    if (err == OK && net != NULL)
        err = ranker_new(net, &topology, &ranker);
    if (err == OK) {
        workload.seed = seed;
        way.options.starts_max = starts;
        way.rank = net != NULL ? trial_rank : NULL;
        way.context = ranker;
        err = embed_replay(&topology, &workload, &way, &report);
    }
    if (err == OK)
        *out_accepted = report.accepted;
    ranker_free(ranker);
    topology_done(&topology);
    return err;
}
