#ifndef SCHED_LEARN_LAYER_H
#define SCHED_LEARN_LAYER_H

/* The pieces of a graph network, each with its way back.
 *
 * Matrices lie row by row: x[rows][in]. A weight matrix is w[in][out]. `_back`
 * takes the gradient of what a piece gave (dy) and ADDS to the gradients of
 * what it was given (dx, dw, db). All sums are taken in the order of the loops
 * that are written, in single precision and without fused steps, so results are
 * equal bit for bit wherever IEEE 754 is kept. */

#include "base/bytes.h"

#define LAYER_WIDTH_MAX 128u  /* columns of any matrix */
#define LAYER_SLOPE     0.01f /* of the leaky part */

/* Arcs into each row: to[first[v]] .. to[first[v + 1]) are its neighbours. */
struct layer_arcs {
    const uint32_t *first; /* rows + 1 */
    const uint16_t *to;
    uint32_t rows;
};

/* Of x[rows][in], w[in][out], b[out], y[rows][out]. */
struct layer_size {
    uint32_t rows;
    uint32_t in;
    uint32_t out;
};

/* y = x w + b */
void layer_linear(struct layer_size size, const float *x, const float *w,
                  const float *b, float *y);
/* dx may be NULL. */
void layer_linear_back(struct layer_size size, const float *x, const float *w,
                       const float *dy, float *dw, float *db, float *dx);

/* y where it is positive, LAYER_SLOPE y elsewhere; in place. */
void layer_leaky(float *y, size_t count);
/* y: what layer_leaky gave. In place: dy becomes the gradient before it. */
void layer_leaky_back(const float *y, size_t count, float *dy);

/* Over the neighbours of each row: their sum, mean, greatest value of each
 * column; 0 for a row without neighbours. x and y are [rows][width]; y may
 * stand in wider rows of y_stride columns. */
void layer_sum(const struct layer_arcs *arcs, const float *x, uint32_t width,
               float *y, uint32_t y_stride);
void layer_sum_back(const struct layer_arcs *arcs, const float *dy,
                    uint32_t width, uint32_t dy_stride, float *dx);
void layer_mean(const struct layer_arcs *arcs, const float *x, uint32_t width,
                float *y, uint32_t y_stride);
void layer_mean_back(const struct layer_arcs *arcs, const float *dy,
                     uint32_t width, uint32_t dy_stride, float *dx);
/* out_from[rows][width], may be NULL: the row that each value came from, of
 * equals the first in the list; LAYER_NONE for none. */
#define LAYER_NONE UINT16_MAX
void layer_max(const struct layer_arcs *arcs, const float *x, uint32_t width,
               float *y, uint32_t y_stride, uint16_t *out_from);
void layer_max_back(const uint16_t *from, uint32_t rows, const float *dy,
                    uint32_t width, uint32_t dy_stride, float *dx);

/* Shares of one that grow with the scores, over those with may != 0; the others
 * get 0. False: none may be, and out is all 0. */
bool layer_softmax(const float *score, const uint8_t *may, uint32_t count,
                   float *out);
/* dscore += (dp - sum p dp) p */
void layer_softmax_back(const float *share, uint32_t count, const float *dshare,
                        float *dscore);

/* exp and ln by plain arithmetic, equal everywhere; within 1e-14 of the true
 * value, relatively. exp: 0 below -700, its value at 700 above. ln: x > 0. */
double layer_exp(double x);
double layer_log(double x);

#endif
