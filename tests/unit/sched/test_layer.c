/* Layers against finite differences. They are compiled here once more with
 * double for float, so that a difference of 1e-5 is not lost in rounding: same
 * text, same loops. */

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/dice.h"

#define float double
#include "sched/learn/layer.c" /* NOLINT(bugprone-suspicious-include) */

#define STEP 1e-5
#define NEAR 1e-6
#define ROWS 5u
#define MOST (ROWS * LAYER_WIDTH_MAX)

static struct dice dice;

static double drawn(void)
{
    return (double)dice_below(&dice, 2000001) / 1e6 - 1;
}

static void draw(double *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = drawn();
}

/* Arcs: 0 has three neighbours, 1 has two of which one stands twice, 2 none. */
static const uint32_t arcs_first[ROWS + 1] = {0, 3, 6, 6, 8, 9};
static const uint16_t arcs_to[9] = {1, 3, 4, 0, 2, 2, 0, 1, 4};
static const struct layer_arcs arcs = {arcs_first, arcs_to, ROWS};

/* A loss over what a piece gives: the sum of its values times fixed numbers. */
static double weight[MOST];
static double loss_of(const double *y, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += weight[i] * y[i];
    return sum;
}

/* Compares what the way back said with how the loss moves. */
static void compare(double *x, size_t count, const double *dx,
                    double (*loss)(void))
{
    for (size_t i = 0; i < count; i++) {
        double held = x[i];
        double up, down;
        x[i] = held + STEP;
        up = loss();
        x[i] = held - STEP;
        down = loss();
        x[i] = held;
        if (fabs((up - down) / (2 * STEP) - dx[i]) > NEAR)
            fail_msg("%zu: %.9f by differences, %.9f by the way back", i,
                     (up - down) / (2 * STEP), dx[i]);
    }
}

static double in[MOST], w[LAYER_WIDTH_MAX * LAYER_WIDTH_MAX];
static double b[LAYER_WIDTH_MAX], out[MOST];
static double d_in[MOST], d_w[LAYER_WIDTH_MAX * LAYER_WIDTH_MAX];
static double d_b[LAYER_WIDTH_MAX];
static uint32_t wide_in, wide_out;

static void begin(uint64_t seed, uint32_t columns_in, uint32_t columns_out)
{
    dice_init(&dice, seed);
    wide_in = columns_in;
    wide_out = columns_out;
    draw(in, MOST);
    draw(weight, MOST);
    draw(w, sizeof(w) / sizeof(w[0]));
    draw(b, LAYER_WIDTH_MAX);
    memset(d_in, 0, sizeof(d_in));
    memset(d_w, 0, sizeof(d_w));
    memset(d_b, 0, sizeof(d_b));
}

static double linear_loss(void)
{
    layer_linear((struct layer_size){ROWS, wide_in, wide_out}, in, w, b, out);
    return loss_of(out, (size_t)ROWS * wide_out);
}

static void linear_gradients_match_differences(void **state)
{
    const uint32_t shapes[][2] = {{3, 4}, {1, 1}, {13, 32}, {96, 32}, {7, 70}};
    (void)state;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        begin(i + 1, shapes[i][0], shapes[i][1]);
        layer_linear_back((struct layer_size){ROWS, wide_in, wide_out}, in, w,
                          weight, d_w, d_b, d_in);
        compare(in, (size_t)ROWS * wide_in, d_in, linear_loss);
        compare(w, (size_t)wide_in * wide_out, d_w, linear_loss);
        compare(b, wide_out, d_b, linear_loss);
    }
}

static void linear_is_the_plain_sum(void **state)
{
    (void)state;
    begin(9, 5, 37); /* one block of lanes and a rest */
    layer_linear((struct layer_size){ROWS, 5, 37}, in, w, b, out);
    for (uint32_t r = 0; r < ROWS; r++)
        for (uint32_t j = 0; j < 37; j++) {
            double sum = b[j];
            for (uint32_t i = 0; i < 5; i++)
                sum += in[r * 5 + i] * w[i * 37 + j];
            assert_true(fabs(sum - out[r * 37 + j]) < 1e-12);
        }
}

static double leaky_loss(void)
{
    memcpy(out, in, sizeof(out));
    layer_leaky(out, 40);
    return loss_of(out, 40);
}

static void leaky_gradients_match_differences(void **state)
{
    (void)state;
    begin(2, 8, 8);
    (void)leaky_loss();
    memcpy(d_in, weight, sizeof(d_in));
    layer_leaky_back(out, 40, d_in);
    compare(in, 40, d_in, leaky_loss);
}

/* The results stand in wider rows: columns 2 .. 2 + width. */
#define WIDER 9u
static double sum_loss(void)
{
    layer_sum(&arcs, in, 6, out + 2, WIDER);
    return loss_of(out, (size_t)ROWS * WIDER);
}

static double mean_loss(void)
{
    layer_mean(&arcs, in, 6, out + 2, WIDER);
    return loss_of(out, (size_t)ROWS * WIDER);
}

static uint16_t from[ROWS * 6];
static double max_loss(void)
{
    layer_max(&arcs, in, 6, out + 2, WIDER, NULL);
    return loss_of(out, (size_t)ROWS * WIDER);
}

static void neighbour_gradients_match_differences(void **state)
{
    (void)state;
    memset(out, 0, sizeof(out));
    begin(3, 6, 6);
    layer_sum_back(&arcs, weight + 2, 6, WIDER, d_in);
    compare(in, ROWS * 6, d_in, sum_loss);
    begin(4, 6, 6);
    layer_mean_back(&arcs, weight + 2, 6, WIDER, d_in);
    compare(in, ROWS * 6, d_in, mean_loss);
    begin(5, 6, 6);
    layer_max(&arcs, in, 6, out + 2, WIDER, from);
    layer_max_back(from, ROWS, weight + 2, 6, WIDER, d_in);
    compare(in, ROWS * 6, d_in, max_loss);
}

static void a_row_without_neighbours_gets_nothing(void **state)
{
    (void)state;
    begin(6, 6, 6);
    layer_sum(&arcs, in, 6, out, 6);
    assert_true(out[12] == 0 && out[17] == 0);
    assert_true(out[0] == in[6] + in[18] + in[24]);
    layer_mean(&arcs, in, 6, out, 6);
    assert_true(out[12] == 0 && out[17] == 0);
    assert_true(fabs(out[6] - (in[0] + 2 * in[12]) / 3) < 1e-12);
    layer_max(&arcs, in, 6, out, 6, from);
    assert_true(out[12] == 0 && from[12] == LAYER_NONE);
    assert_true(out[24] == in[24] && from[24] == 4);
}

static const uint8_t may[10] = {1, 0, 1, 1, 1, 0, 1, 1, 0, 1};
static double softmax_loss(void)
{
    assert_true(layer_softmax(in, may, 10, out));
    return loss_of(out, 10);
}

static void softmax_gradients_match_differences(void **state)
{
    double sum = 0;
    (void)state;
    begin(7, 10, 10);
    (void)softmax_loss();
    for (uint32_t i = 0; i < 10; i++) {
        sum += out[i];
        assert_true((out[i] > 0) == (may[i] != 0));
    }
    assert_true(fabs(sum - 1) < 1e-12);
    layer_softmax_back(out, 10, weight, d_in);
    compare(in, 10, d_in, softmax_loss);
}

static void softmax_of_large_scores_is_no_overflow(void **state)
{
    const double far[3] = {1e30, -1e30, 1e30};
    const uint8_t none[3] = {0, 0, 0};
    const uint8_t all[3] = {1, 1, 1};
    (void)state;
    assert_true(layer_softmax(far, all, 3, out));
    assert_true(out[0] == 0.5 && out[1] == 0 && out[2] == 0.5);
    assert_false(layer_softmax(far, none, 3, out));
    assert_true(out[0] == 0 && out[2] == 0);
}

static void exp_and_log_are_those_of_mathematics(void **state)
{
    (void)state;
    dice_init(&dice, 8);
    for (uint32_t i = 0; i < 20000; i++) {
        double x = 690 * drawn();
        double y = exp(300 * drawn());
        assert_true(fabs(layer_exp(x) / exp(x) - 1) < 1e-14);
        assert_true(fabs(layer_log(y) - log(y)) <= 1e-14 * (1 + fabs(log(y))));
    }
    assert_true(layer_exp(0) == 1 && layer_log(1) == 0);
    assert_true(layer_exp(-1000) == 0 && isfinite(layer_exp(1e9)));
    assert_true(layer_exp(NAN) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_gradients_match_differences),
        cmocka_unit_test(linear_is_the_plain_sum),
        cmocka_unit_test(leaky_gradients_match_differences),
        cmocka_unit_test(neighbour_gradients_match_differences),
        cmocka_unit_test(a_row_without_neighbours_gets_nothing),
        cmocka_unit_test(softmax_gradients_match_differences),
        cmocka_unit_test(softmax_of_large_scores_is_no_overflow),
        cmocka_unit_test(exp_and_log_are_those_of_mathematics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
