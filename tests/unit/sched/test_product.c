#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sched/meter/product.h"

static const struct hash nonce = {{7, 7, 7}};

struct matrices {
    struct product product;
    void *a;
    void *b;
    void *c;
};

static void *room(size_t len)
{
    void *memory = calloc(1, len);
    assert_non_null(memory);
    return memory;
}

/* Plainly, in the arithmetic that is claimed. */
static void multiply(struct matrices *m)
{
    uint32_t n = m->product.n;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < n; j++) {
            size_t at = (size_t)i * n + j;
            int32_t whole = 0;
            float single = 0;
            double twice = 0;
            for (uint32_t k = 0; k < n; k++) {
                size_t x = (size_t)i * n + k;
                size_t y = (size_t)k * n + j;
                if (m->product.kernel == METER_INT8)
                    whole += ((uint8_t *)m->a)[x] * ((int8_t *)m->b)[y];
                else if (m->product.kernel == METER_FP32)
                    single += ((float *)m->a)[x] * ((float *)m->b)[y];
                else
                    twice += ((double *)m->a)[x] * ((double *)m->b)[y];
            }
            if (m->product.kernel == METER_INT8)
                ((int32_t *)m->c)[at] = whole;
            else if (m->product.kernel == METER_FP32)
                ((float *)m->c)[at] = single;
            else
                ((double *)m->c)[at] = twice;
        }
    }
}

static struct matrices make(enum meter_kernel kernel, uint32_t n)
{
    struct matrices m = {.product = {kernel, n, 0}};
    size_t inputs = (size_t)n * n * product_in_width(kernel);
    m.a = room(inputs);
    m.b = room(inputs);
    m.c = room(product_bytes(&m.product));
    product_inputs(&m.product, &nonce, m.a, m.b);
    multiply(&m);
    return m;
}

static void drop(struct matrices *m)
{
    free(m->a);
    free(m->b);
    free(m->c);
}

static enum err verify(const struct matrices *m, uint64_t seed)
{
    return product_verify(&m->product, &nonce,
                          bytes_make(m->c, product_bytes(&m->product)), seed);
}

static const enum meter_kernel kernels[] = {METER_INT8, METER_FP32, METER_FP64};

static void right_products_are_accepted(void **state)
{
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        for (uint32_t n = 16; n <= 160; n += 48) {
            struct matrices m = make(kernels[k], n);
            for (uint64_t seed = 0; seed < 20; seed++)
                assert_int_equal(verify(&m, seed), OK);
            drop(&m);
        }
    }
}

/* By one unit where it is exact; by two per cent of a typical entry in floats,
 * where there is a bound. */
static void spoil(struct matrices *m, size_t at)
{
    uint32_t n = m->product.n;
    double typical = sqrt((double)n) / 3;
    if (m->product.kernel == METER_INT8)
        ((int32_t *)m->c)[at] += at % 2 != 0 ? 1 : -1;
    else if (m->product.kernel == METER_FP32)
        ((float *)m->c)[at] += (float)(0.02 * typical);
    else
        ((double *)m->c)[at] += 1e-9 * typical;
}

static void every_single_wrong_entry_is_rejected(void **state)
{
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        struct matrices m = make(kernels[k], 32);
        size_t width = product_out_width(kernels[k]);
        for (size_t at = 0; at < 32u * 32; at++) {
            uint8_t was[8];
            memcpy(was, (uint8_t *)m.c + at * width, width);
            spoil(&m, at);
            assert_int_equal(verify(&m, at), ERR_PROOF);
            memcpy((uint8_t *)m.c + at * width, was, width);
        }
        assert_int_equal(verify(&m, 1), OK);
        drop(&m);
    }
}

/* Errors that cancel for one vector of signs do not for forty. */
static void entries_that_make_up_for_each_other_are_rejected(void **state)
{
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        struct matrices m = make(kernels[k], 48);
        size_t width = product_out_width(kernels[k]);
        uint8_t *row = (uint8_t *)m.c + 48u * 5 * width;
        uint8_t swap[8];
        memcpy(swap, row, width);
        memcpy(row, row + width, width);
        memcpy(row + width, swap, width);
        for (uint64_t seed = 0; seed < 200; seed++)
            assert_int_equal(verify(&m, seed), ERR_PROOF);
        drop(&m);
    }
}

static void what_is_not_a_number_is_rejected(void **state)
{
    (void)state;
    for (size_t k = 1; k < 3; k++) {
        struct matrices m = make(kernels[k], 16);
        if (kernels[k] == METER_FP32)
            ((float *)m.c)[17] = NAN;
        else
            ((double *)m.c)[17] = INFINITY;
        assert_int_equal(verify(&m, 3), ERR_PROOF);
        drop(&m);
    }
}

static float rounded(float x, int bits)
{
    int exponent;
    float mantissa = frexpf(x, &exponent);
    return ldexpf(rintf(ldexpf(mantissa, bits)), exponent - bits);
}

/* Whoever computes with the eleven bits of half precision or tf32 inputs, to be
 * quicker, is found out. */
static void half_precision_does_not_pass_as_single(void **state)
{
    struct matrices m = make(METER_FP32, 128);
    float *a = m.a;
    float *b = m.b;
    (void)state;
    for (size_t i = 0; i < 128u * 128; i++) {
        a[i] = rounded(a[i], 11);
        b[i] = rounded(b[i], 11);
    }
    multiply(&m);
    for (uint64_t seed = 0; seed < 100; seed++)
        assert_int_equal(verify(&m, seed), ERR_PROOF);
    drop(&m);
}

static void single_precision_does_not_pass_as_double(void **state)
{
    struct matrices m = make(METER_FP64, 64);
    (void)state;
    for (size_t i = 0; i < 64u * 64; i++)
        ((double *)m.c)[i] = (double)(float)((double *)m.c)[i];
    for (uint64_t seed = 0; seed < 100; seed++)
        assert_int_equal(verify(&m, seed), ERR_PROOF);
    drop(&m);
}

static void the_answer_to_another_challenge_is_rejected(void **state)
{
    const struct hash other = {{8, 7, 7}};
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        struct matrices m = make(kernels[k], 32);
        struct bytes c = bytes_make(m.c, product_bytes(&m.product));
        assert_int_equal(product_verify(&m.product, &other, c, 1), ERR_PROOF);
        m.product.index = 1;
        assert_int_equal(product_verify(&m.product, &nonce, c, 1), ERR_PROOF);
        drop(&m);
    }
}

static void other_shapes_are_refused(void **state)
{
    const struct product bad[] = {{METER_SORT, 32, 0},
                                  {METER_INT8, 0, 0},
                                  {METER_FP32, 24, 0},
                                  {METER_FP64, PRODUCT_N_MAX + 16, 0}};
    struct product good = {METER_INT8, 32, 0};
    uint8_t c[64] = {0};
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(product_verify(&bad[i], &nonce, BYTES_OF(c), 1),
                         ERR_RANGE);
    assert_int_equal(product_verify(&good, &nonce, BYTES_OF(c), 1), ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_products_are_accepted),
        cmocka_unit_test(every_single_wrong_entry_is_rejected),
        cmocka_unit_test(entries_that_make_up_for_each_other_are_rejected),
        cmocka_unit_test(what_is_not_a_number_is_rejected),
        cmocka_unit_test(half_precision_does_not_pass_as_single),
        cmocka_unit_test(single_precision_does_not_pass_as_double),
        cmocka_unit_test(the_answer_to_another_challenge_is_rejected),
        cmocka_unit_test(other_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
