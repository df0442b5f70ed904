#include "sched/learn/layer.h"

#include "base/check.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Columns that are summed side by side: independent of each other, so that the
 * compiler may use wide registers without changing any sum's order. */
#define LANES 32u

/* ---- linear ---- */

static void linear_lanes(const float *x, uint32_t in, uint32_t out,
                         const float *w, const float *b, float *y)
{
    float sum[LANES];
    memcpy(sum, b, sizeof(sum));
    for (uint32_t i = 0; i < in; i++)
        for (uint32_t j = 0; j < LANES; j++)
            sum[j] += x[i] * w[(size_t)i * out + j];
    memcpy(y, sum, sizeof(sum));
}

static void linear_rest(const float *x, uint32_t in, uint32_t out,
                        const float *w, const float *b, uint32_t from, float *y)
{
    for (uint32_t j = from; j < out; j++) {
        float sum = b[j];
        for (uint32_t i = 0; i < in; i++)
            sum += x[i] * w[(size_t)i * out + j];
        y[j] = sum;
    }
}

void layer_linear(struct layer_size size, const float *x, const float *w,
                  const float *b, float *y)
{
    uint32_t in = size.in;
    uint32_t out = size.out;
    CHECK(in <= LAYER_WIDTH_MAX && out <= LAYER_WIDTH_MAX);
    for (uint32_t r = 0; r < size.rows; r++) {
        uint32_t j = 0;
        for (; j + LANES <= out; j += LANES)
            linear_lanes(x, in, out, w + j, b + j, y + j);
        linear_rest(x, in, out, w, b, j, y);
        x += in;
        y += out;
    }
}

/* dx += dy w', with w turned so that the inner loop runs along a row. */
static void linear_back_input(uint32_t rows, uint32_t in, uint32_t out,
                              const float *w, const float *dy, float *dx)
{
    float turned[LAYER_WIDTH_MAX * LANES];
    for (uint32_t from = 0; from < out; from += LANES) {
        uint32_t lanes = out - from < LANES ? out - from : LANES;
        for (uint32_t j = 0; j < lanes; j++)
            for (uint32_t i = 0; i < in; i++)
                turned[j * in + i] = w[(size_t)i * out + from + j];
        for (uint32_t r = 0; r < rows; r++)
            for (uint32_t j = 0; j < lanes; j++) {
                float d = dy[(size_t)r * out + from + j];
                for (uint32_t i = 0; i < in; i++)
                    dx[(size_t)r * in + i] += d * turned[j * in + i];
            }
    }
}

void layer_linear_back(struct layer_size size, const float *x, const float *w,
                       const float *dy, float *dw, float *db, float *dx)
{
    uint32_t in = size.in;
    uint32_t out = size.out;
    CHECK(in <= LAYER_WIDTH_MAX && out <= LAYER_WIDTH_MAX);
    for (uint32_t r = 0; r < size.rows; r++) {
        const float *d = dy + (size_t)r * out;
        for (uint32_t j = 0; j < out; j++)
            db[j] += d[j];
        for (uint32_t i = 0; i < in; i++) {
            float value = x[(size_t)r * in + i];
            for (uint32_t j = 0; j < out; j++)
                dw[(size_t)i * out + j] += value * d[j];
        }
    }
    if (dx != NULL)
        linear_back_input(size.rows, in, out, w, dy, dx);
}

/* ---- leaky ---- */

void layer_leaky(float *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] = y[i] > 0 ? y[i] : LAYER_SLOPE * y[i];
}

void layer_leaky_back(const float *y, size_t count, float *dy)
{
    for (size_t i = 0; i < count; i++)
        dy[i] = y[i] > 0 ? dy[i] : LAYER_SLOPE * dy[i];
}

/* ---- neighbours ---- */

static uint32_t degree(const struct layer_arcs *arcs, uint32_t row)
{
    return arcs->first[row + 1] - arcs->first[row];
}

static void sum_row(const struct layer_arcs *arcs, const float *x,
                    uint32_t width, uint32_t row, float *y)
{
    memset(y, 0, width * sizeof(*y));
    for (uint32_t k = arcs->first[row]; k < arcs->first[row + 1]; k++) {
        const float *from = x + (size_t)arcs->to[k] * width;
        for (uint32_t j = 0; j < width; j++)
            y[j] += from[j];
    }
}

static void sum_row_back(const struct layer_arcs *arcs, const float *dy,
                         uint32_t width, uint32_t row, float scale, float *dx)
{
    for (uint32_t k = arcs->first[row]; k < arcs->first[row + 1]; k++) {
        float *to = dx + (size_t)arcs->to[k] * width;
        for (uint32_t j = 0; j < width; j++)
            to[j] += scale * dy[j];
    }
}

void layer_sum(const struct layer_arcs *arcs, const float *x, uint32_t width,
               float *y, uint32_t y_stride)
{
    for (uint32_t v = 0; v < arcs->rows; v++)
        sum_row(arcs, x, width, v, y + (size_t)v * y_stride);
}

void layer_sum_back(const struct layer_arcs *arcs, const float *dy,
                    uint32_t width, uint32_t dy_stride, float *dx)
{
    for (uint32_t v = 0; v < arcs->rows; v++)
        sum_row_back(arcs, dy + (size_t)v * dy_stride, width, v, 1, dx);
}

void layer_mean(const struct layer_arcs *arcs, const float *x, uint32_t width,
                float *y, uint32_t y_stride)
{
    for (uint32_t v = 0; v < arcs->rows; v++) {
        float *row = y + (size_t)v * y_stride;
        uint32_t n = degree(arcs, v);
        float scale = n > 0 ? 1 / (float)n : 0;
        sum_row(arcs, x, width, v, row);
        for (uint32_t j = 0; j < width; j++)
            row[j] *= scale;
    }
}

void layer_mean_back(const struct layer_arcs *arcs, const float *dy,
                     uint32_t width, uint32_t dy_stride, float *dx)
{
    for (uint32_t v = 0; v < arcs->rows; v++) {
        uint32_t n = degree(arcs, v);
        float scale = n > 0 ? 1 / (float)n : 0;
        sum_row_back(arcs, dy + (size_t)v * dy_stride, width, v, scale, dx);
    }
}

/* The values alone: what a decision needs. */
static void max_row(const struct layer_arcs *arcs, const float *x,
                    uint32_t width, uint32_t row, float *y)
{
    uint32_t k = arcs->first[row];
    if (k == arcs->first[row + 1]) {
        memset(y, 0, width * sizeof(*y));
        return;
    }
    memcpy(y, x + (size_t)arcs->to[k] * width, width * sizeof(*y));
    for (k++; k < arcs->first[row + 1]; k++) {
        const float *from = x + (size_t)arcs->to[k] * width;
        for (uint32_t j = 0; j < width; j++)
            y[j] = from[j] > y[j] ? from[j] : y[j];
    }
}

static void max_row_from(const struct layer_arcs *arcs, const float *x,
                         uint32_t width, uint32_t row, const float *y,
                         uint16_t *from)
{
    for (uint32_t j = 0; j < width; j++)
        from[j] = LAYER_NONE;
    for (uint32_t k = arcs->first[row]; k < arcs->first[row + 1]; k++) {
        const float *here = x + (size_t)arcs->to[k] * width;
        for (uint32_t j = 0; j < width; j++)
            if (from[j] == LAYER_NONE && here[j] >= y[j])
                from[j] = arcs->to[k];
    }
}

void layer_max(const struct layer_arcs *arcs, const float *x, uint32_t width,
               float *y, uint32_t y_stride, uint16_t *out_from)
{
    for (uint32_t v = 0; v < arcs->rows; v++) {
        float *row = y + (size_t)v * y_stride;
        max_row(arcs, x, width, v, row);
        if (out_from != NULL)
            max_row_from(arcs, x, width, v, row, out_from + (size_t)v * width);
    }
}

void layer_max_back(const uint16_t *from, uint32_t rows, const float *dy,
                    uint32_t width, uint32_t dy_stride, float *dx)
{
    for (uint32_t v = 0; v < rows; v++)
        for (uint32_t j = 0; j < width; j++) {
            uint16_t row = from[(size_t)v * width + j];
            if (row != LAYER_NONE)
                dx[(size_t)row * width + j] += dy[(size_t)v * dy_stride + j];
        }
}

/* ---- softmax ---- */

bool layer_softmax(const float *score, const uint8_t *may, uint32_t count,
                   float *out)
{
    double most = -DBL_MAX;
    double sum = 0;
    memset(out, 0, count * sizeof(*out));
    for (uint32_t i = 0; i < count; i++)
        if (may[i] != 0 && (double)score[i] > most)
            most = (double)score[i];
    if (!(most > -DBL_MAX))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (may[i] != 0)
            sum += layer_exp((double)score[i] - most);
    for (uint32_t i = 0; i < count; i++)
        if (may[i] != 0)
            out[i] = (float)(layer_exp((double)score[i] - most) / sum);
    return true;
}

void layer_softmax_back(const float *share, uint32_t count, const float *dshare,
                        float *dscore)
{
    float sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += share[i] * dshare[i];
    for (uint32_t i = 0; i < count; i++)
        dscore[i] += (dshare[i] - sum) * share[i];
}

/* ---- exp and ln ---- */

/* ln 2 in two parts: the first has so few digits that its multiples are exact.
 */
#define LN2_HIGH 0.693147180369123816490
#define LN2_LOW  1.90821492927058770002e-10

double layer_exp(double x)
{
    double power, term, sum;
    x = x > 700 ? 700 : x;
    if (!(x >= -700))
        return 0;
    power = floor(x / (LN2_HIGH + LN2_LOW) + 0.5);
    x = x - power * LN2_HIGH - power * LN2_LOW;
    term = 1;
    sum = 1;
    for (int i = 1; i < 16; i++) {
        term = term * x / i;
        sum += term;
    }
    return ldexp(sum, (int)power);
}

/* ln(m 2^e) = e ln 2 + 2 artanh((m - 1) / (m + 1)), m in sqrt(1/2)..sqrt(2). */
double layer_log(double x)
{
    int exponent;
    double m, s, square, power, sum;
    CHECK(x > 0);
    m = frexp(x, &exponent);
    if (m < 0.70710678118654752) {
        m *= 2;
        exponent--;
    }
    s = (m - 1) / (m + 1);
    square = s * s;
    power = s;
    sum = 0;
    for (int i = 1; i < 24; i += 2) {
        sum += power / i;
        power *= square;
    }
    return exponent * LN2_HIGH + (exponent * LN2_LOW + 2 * sum);
}
