#include "sched/learn/ranker.h"

#include "base/check.h"

#include <float.h>
#include <stdlib.h>

struct scored {
    float score;
    uint16_t node;
};

struct ranker {
    const struct ranknet *net;
    struct scene *scene;
    struct ranknet_tape *tape;
    struct scored *order;
};

enum err ranker_new(const struct ranknet *net, const struct topology *topology,
                    struct ranker **out)
{
    struct ranker *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return ERR_NOMEM;
    r->net = net;
    r->order = calloc(topology->node_count, sizeof(*r->order));
    if (r->order == NULL || scene_new(topology, &r->scene) != OK ||
        ranknet_tape_new(topology->node_count, false, &r->tape) != OK) {
        ranker_free(r);
        return ERR_NOMEM;
    }
    *out = r;
    return OK;
}

void ranker_free(struct ranker *ranker)
{
    if (ranker == NULL)
        return;
    scene_free(ranker->scene);
    ranknet_tape_free(ranker->tape);
    free(ranker->order);
    free(ranker);
}

static int scored_compare(const void *a, const void *b)
{
    const struct scored *x = a;
    const struct scored *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

/* Weights from a file may lead past all numbers: that is the worst score. */
static float tame(float score)
{
    return score > -FLT_MAX && score < FLT_MAX ? score : -FLT_MAX;
}

uint32_t ranker_rank(struct ranker *ranker, const struct job_graph *job,
                     uint32_t first, uint16_t *out)
{
    const struct scene *scene = ranker->scene;
    const float *score;
    uint32_t count = 0;
    if (first == JOB_COMPONENTS_MAX)
        return 0;
    scene_look(ranker->scene, job, first);
    score = ranknet_score(ranker->net, scene, ranker->tape);
    for (uint32_t v = 0; v < scene->nodes; v++)
        if (scene->may[v] != 0)
            ranker->order[count++] =
                (struct scored){tame(score[v]), (uint16_t)v};
    CHECK(count <= scene->nodes);
    qsort(ranker->order, count, sizeof(*ranker->order), scored_compare);
    for (uint32_t i = 0; i < count; i++)
        out[i] = ranker->order[i].node;
    return count;
}
