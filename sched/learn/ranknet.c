#include "sched/learn/ranknet.h"

#include "base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define H    RANKNET_HIDDEN
#define WIDE (3 * H) /* own, mean, greatest */

_Static_assert(WIDE <= LAYER_WIDTH_MAX, "a layer is bounded");

/* One side's numbers: h of every round (of the last one, when not kept), what
 * each round read, and where its greatest values came from. */
struct side {
    uint32_t rows_max;
    bool keep;
    float *h;
    float *wide;
    uint16_t *from;
    float *dh;
    float *dwide;
};

struct ranknet_tape {
    struct side node;
    struct side part;
    float pool[WIDE];
    uint16_t pool_from[H];
    float wish[H];
    float bias[H]; /* of the nodes' input: what the wish adds */
    float *score;
};

/* ---- weights ---- */

static void draw_piece(float *w, uint32_t in, struct dice *dice)
{
    double bound = sqrt(6.0 / in);
    for (uint32_t i = 0; i < in * H; i++)
        w[i] = (float)(bound * ((double)dice_below(dice, 2000001) / 1e6 - 1));
}

void ranknet_draw(struct ranknet *net, struct dice *dice)
{
    memset(net, 0, sizeof(*net));
    draw_piece(net->w + RANKNET_PART_IN, SCENE_PART_WIDTH, dice);
    draw_piece(net->w + RANKNET_PART_ROUND, WIDE, dice);
    draw_piece(net->w + RANKNET_WISH, WIDE, dice);
    draw_piece(net->w + RANKNET_NODE_WISH, H, dice);
    draw_piece(net->w + RANKNET_NODE_IN, SCENE_NODE_WIDTH, dice);
    draw_piece(net->w + RANKNET_NODE_ROUND, WIDE, dice);
}

/* ---- the tape ---- */

static bool side_init(struct side *s, uint32_t rows, bool keep)
{
    size_t rounds = keep ? RANKNET_ROUNDS : 1;
    *s = (struct side){.rows_max = rows, .keep = keep};
    s->h = calloc((rounds + 1) * rows * H, sizeof(*s->h));
    s->wide = calloc(rounds * rows * WIDE, sizeof(*s->wide));
    if (!keep)
        return s->h != NULL && s->wide != NULL;
    s->from = calloc(rounds * rows * H, sizeof(*s->from));
    s->dh = calloc((size_t)rows * H, sizeof(*s->dh));
    s->dwide = calloc((size_t)rows * WIDE, sizeof(*s->dwide));
    return s->h != NULL && s->wide != NULL && s->from != NULL &&
           s->dh != NULL && s->dwide != NULL;
}

static void side_done(struct side *s)
{
    free(s->h);
    free(s->wide);
    free(s->from);
    free(s->dh);
    free(s->dwide);
}

enum err ranknet_tape_new(uint32_t nodes, bool keep, struct ranknet_tape **out)
{
    struct ranknet_tape *tape = calloc(1, sizeof(*tape));
    CHECK(nodes > 0 && nodes <= TOPOLOGY_NODES_MAX);
    if (tape == NULL)
        return ERR_NOMEM;
    tape->score = calloc(nodes, sizeof(*tape->score));
    if (!side_init(&tape->node, nodes, keep) ||
        !side_init(&tape->part, JOB_COMPONENTS_MAX, keep) ||
        tape->score == NULL) {
        ranknet_tape_free(tape);
        return ERR_NOMEM;
    }
    *out = tape;
    return OK;
}

void ranknet_tape_free(struct ranknet_tape *tape)
{
    if (tape == NULL)
        return;
    side_done(&tape->node);
    side_done(&tape->part);
    free(tape->score);
    free(tape);
}

/* ---- rounds ---- */

/* h as round 0 reads it, 1 reads it, ... and the last one left it. */
static float *h_at(const struct side *s, uint32_t round, uint32_t rows)
{
    return s->keep ? s->h + (size_t)round * rows * H : s->h;
}

static float *wide_at(const struct side *s, uint32_t round, uint32_t rows)
{
    return s->keep ? s->wide + (size_t)round * rows * WIDE : s->wide;
}

static void widen(const struct layer_arcs *arcs, const float *h, float *wide,
                  uint16_t *from)
{
    for (uint32_t v = 0; v < arcs->rows; v++)
        memcpy(wide + (size_t)v * WIDE, h + (size_t)v * H, H * sizeof(*h));
    layer_mean(arcs, h, H, wide + H, WIDE);
    layer_max(arcs, h, H, wide + 2 * H, WIDE, from);
}

static void widen_back(const struct layer_arcs *arcs, const float *dwide,
                       const uint16_t *from, float *dh)
{
    for (uint32_t v = 0; v < arcs->rows; v++)
        memcpy(dh + (size_t)v * H, dwide + (size_t)v * WIDE, H * sizeof(*dh));
    layer_mean_back(arcs, dwide + H, H, WIDE, dh);
    layer_max_back(from, arcs->rows, dwide + 2 * H, H, WIDE, dh);
}

/* h of round 0 is there. Returns the last. */
static const float *rounds(const struct side *s, const struct layer_arcs *arcs,
                           const float *w)
{
    uint32_t rows = arcs->rows;
    CHECK(rows <= s->rows_max);
    for (uint32_t r = 0; r < RANKNET_ROUNDS; r++) {
        float *wide = wide_at(s, r, rows);
        float *next = h_at(s, r + 1, rows);
        widen(arcs, h_at(s, r, rows), wide,
              s->keep ? s->from + (size_t)r * rows * H : NULL);
        layer_linear((struct layer_size){rows, WIDE, H}, wide, w,
                     w + (size_t)WIDE * H, next);
        layer_leaky(next, (size_t)rows * H);
    }
    return h_at(s, RANKNET_ROUNDS, rows);
}

/* s->dh is of the last h; becomes that of the first, before its leaky. */
static void rounds_back(const struct side *s, const struct layer_arcs *arcs,
                        const float *w, float *dw)
{
    uint32_t rows = arcs->rows;
    for (uint32_t r = RANKNET_ROUNDS; r-- > 0;) {
        layer_leaky_back(h_at(s, r + 1, rows), (size_t)rows * H, s->dh);
        memset(s->dwide, 0, (size_t)rows * WIDE * sizeof(*s->dwide));
        layer_linear_back((struct layer_size){rows, WIDE, H},
                          wide_at(s, r, rows), w, s->dh, dw,
                          dw + (size_t)WIDE * H, s->dwide);
        widen_back(arcs, s->dwide, s->from + (size_t)r * rows * H, s->dh);
    }
    layer_leaky_back(h_at(s, 0, rows), (size_t)rows * H, s->dh);
}

/* ---- the job's side ---- */

/* One row whose neighbours are all parts. */
struct pool_arcs {
    uint32_t first[2];
    uint16_t to[JOB_COMPONENTS_MAX];
    struct layer_arcs arcs;
};

static void pool_arcs_make(struct pool_arcs *p, uint32_t parts)
{
    p->first[0] = 0;
    p->first[1] = parts;
    for (uint32_t c = 0; c < parts; c++)
        p->to[c] = (uint16_t)c;
    p->arcs = (struct layer_arcs){p->first, p->to, 1};
}

static void wish(const struct ranknet *net, const struct scene *scene,
                 struct ranknet_tape *tape)
{
    const float *w = net->w;
    struct pool_arcs pool;
    const float *h;
    layer_linear((struct layer_size){scene->parts, SCENE_PART_WIDTH, H},
                 &scene->part[0][0], w + RANKNET_PART_IN,
                 w + RANKNET_PART_IN + SCENE_PART_WIDTH * H, tape->part.h);
    layer_leaky(tape->part.h, (size_t)scene->parts * H);
    h = rounds(&tape->part, &scene->part_arcs, w + RANKNET_PART_ROUND);
    pool_arcs_make(&pool, scene->parts);
    memcpy(tape->pool, h + (size_t)scene->first * H, H * sizeof(*h));
    layer_mean(&pool.arcs, h, H, tape->pool + H, WIDE);
    layer_max(&pool.arcs, h, H, tape->pool + 2 * H, WIDE, tape->pool_from);
    layer_linear((struct layer_size){1, WIDE, H}, tape->pool, w + RANKNET_WISH,
                 w + RANKNET_WISH + WIDE * H, tape->wish);
    layer_linear((struct layer_size){1, H, H}, tape->wish,
                 w + RANKNET_NODE_WISH, w + RANKNET_NODE_WISH + H * H,
                 tape->bias);
}

static void wish_back(const struct ranknet *net, const struct scene *scene,
                      struct ranknet_tape *tape, const float *dwish, float *g)
{
    const struct side *s = &tape->part;
    float dpool[WIDE] = {0};
    struct pool_arcs pool;
    layer_linear_back((struct layer_size){1, WIDE, H}, tape->pool,
                      net->w + RANKNET_WISH, dwish, g + RANKNET_WISH,
                      g + RANKNET_WISH + WIDE * H, dpool);
    memset(s->dh, 0, (size_t)scene->parts * H * sizeof(*s->dh));
    pool_arcs_make(&pool, scene->parts);
    for (uint32_t j = 0; j < H; j++)
        s->dh[scene->first * H + j] += dpool[j];
    layer_mean_back(&pool.arcs, dpool + H, H, WIDE, s->dh);
    layer_max_back(tape->pool_from, 1, dpool + 2 * H, H, WIDE, s->dh);
    rounds_back(s, &scene->part_arcs, net->w + RANKNET_PART_ROUND,
                g + RANKNET_PART_ROUND);
    layer_linear_back((struct layer_size){scene->parts, SCENE_PART_WIDTH, H},
                      &scene->part[0][0], net->w + RANKNET_PART_IN, s->dh,
                      g + RANKNET_PART_IN,
                      g + RANKNET_PART_IN + SCENE_PART_WIDTH * H, NULL);
}

/* ---- the whole ---- */

static float shrink(void)
{
    return 1 / (float)sqrt((double)H);
}

const float *ranknet_score(const struct ranknet *net, const struct scene *scene,
                           struct ranknet_tape *tape)
{
    const float *h;
    float scale = shrink();
    CHECK(scene->nodes <= tape->node.rows_max);
    wish(net, scene, tape);
    layer_linear((struct layer_size){scene->nodes, SCENE_NODE_WIDTH, H},
                 scene->node, net->w + RANKNET_NODE_IN, tape->bias,
                 tape->node.h);
    layer_leaky(tape->node.h, (size_t)scene->nodes * H);
    h = rounds(&tape->node, &scene->node_arcs, net->w + RANKNET_NODE_ROUND);
    for (uint32_t v = 0; v < scene->nodes; v++) {
        float sum = 0;
        for (uint32_t j = 0; j < H; j++)
            sum += h[(size_t)v * H + j] * tape->wish[j];
        tape->score[v] = sum * scale;
    }
    return tape->score;
}

/* Through the dot products: dh of all nodes, and the wish's own part. */
static void dot_back(const struct ranknet_tape *tape, uint32_t nodes,
                     const float *dscore, float *dwish)
{
    const float *h = h_at(&tape->node, RANKNET_ROUNDS, nodes);
    float scale = shrink();
    for (uint32_t v = 0; v < nodes; v++)
        for (uint32_t j = 0; j < H; j++) {
            float d = dscore[v] * scale;
            tape->node.dh[(size_t)v * H + j] = d * tape->wish[j];
            dwish[j] += d * h[(size_t)v * H + j];
        }
}

void ranknet_back(const struct ranknet *net, const struct scene *scene,
                  struct ranknet_tape *tape, const float *dscore,
                  struct ranknet *gradient)
{
    float *g = gradient->w;
    float dwish[H] = {0};
    float dbias[H] = {0};
    CHECK(tape->node.keep && scene->nodes <= tape->node.rows_max);
    dot_back(tape, scene->nodes, dscore, dwish);
    rounds_back(&tape->node, &scene->node_arcs, net->w + RANKNET_NODE_ROUND,
                g + RANKNET_NODE_ROUND);
    layer_linear_back((struct layer_size){scene->nodes, SCENE_NODE_WIDTH, H},
                      scene->node, net->w + RANKNET_NODE_IN, tape->node.dh,
                      g + RANKNET_NODE_IN, dbias, NULL);
    layer_linear_back((struct layer_size){1, H, H}, tape->wish,
                      net->w + RANKNET_NODE_WISH, dbias, g + RANKNET_NODE_WISH,
                      g + RANKNET_NODE_WISH + H * H, dwish);
    wish_back(net, scene, tape, dwish, g);
}
