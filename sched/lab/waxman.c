#include "sched/lab/waxman.h"

#include "base/check.h"
#include "sched/learn/layer.h"

#include <math.h>

#define NODES_MAX 1000u
#define SIDE      1000000u

struct spot {
    uint32_t x;
    uint32_t y;
    uint32_t piece; /* nodes of one number hang together */
};

static double between(const struct spot *a, const struct spot *b)
{
    double x = (double)a->x - (double)b->x;
    double y = (double)a->y - (double)b->y;
    return sqrt(x * x + y * y);
}

static void join(struct spot *spots, uint32_t nodes, uint32_t a, uint32_t b,
                 struct buf *out)
{
    uint32_t from = spots[b].piece;
    uint32_t to = spots[a].piece;
    buf_addf(out, "  edge [ source %u target %u ]\n", a, b);
    for (uint32_t v = 0; v < nodes; v++)
        if (spots[v].piece == from)
            spots[v].piece = to;
}

/* Joins the nearest two of different pieces. False: there is one piece. */
static bool join_nearest(struct spot *spots, uint32_t nodes, struct buf *out)
{
    double least = INFINITY;
    uint32_t best_a = 0;
    uint32_t best_b = 0;
    for (uint32_t a = 0; a < nodes; a++)
        for (uint32_t b = a + 1; b < nodes; b++)
            if (spots[a].piece != spots[b].piece &&
                between(&spots[a], &spots[b]) < least) {
                least = between(&spots[a], &spots[b]);
                best_a = a;
                best_b = b;
            }
    if (isinf(least))
        return false;
    join(spots, nodes, best_a, best_b, out);
    return true;
}

void waxman_write(uint32_t nodes, double alpha, double beta, struct dice *dice,
                  struct buf *out)
{
    static const double longest = SIDE * 1.41421356237309505;
    struct spot spots[NODES_MAX];
    CHECK(nodes >= 2 && nodes <= NODES_MAX);
    CHECK(alpha > 0 && alpha <= 1 && beta > 0 && beta <= 1);
    buf_addf(out, "graph [\n");
    for (uint32_t v = 0; v < nodes; v++) {
        spots[v].x = (uint32_t)dice_below(dice, SIDE);
        spots[v].y = (uint32_t)dice_below(dice, SIDE);
        spots[v].piece = v;
        buf_addf(out, "  node [ id %u ]\n", v);
    }
    for (uint32_t a = 0; a < nodes; a++)
        for (uint32_t b = a + 1; b < nodes; b++) {
            double d = between(&spots[a], &spots[b]);
            double chance = alpha * layer_exp(-d / (beta * longest));
            if ((double)dice_below(dice, 1000000000) < chance * 1e9)
                join(spots, nodes, a, b, out);
        }
    while (join_nearest(spots, nodes, out)) {
    }
    buf_addf(out, "]\n");
}
