#include "sched/learn/adam.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A bowl, a thousand times steeper one way than the other. */
static void bowl(const float *at, float *gradient)
{
    gradient[0] = 2 * (at[0] - 3);
    gradient[1] = 2000 * (at[1] + 1);
}

static void it_walks_to_the_bottom_of_a_bowl(void **state)
{
    struct adam adam;
    float at[2] = {0, 0};
    float gradient[2];
    (void)state;
    assert_int_equal(adam_init(&adam, 2), OK);
    for (int i = 0; i < 4000; i++) {
        bowl(at, gradient);
        adam_step(&adam, gradient, i < 3000 ? 0.01f : 0.001f, 1e9f, at);
    }
    assert_true(fabsf(at[0] - 3) < 0.01f);
    assert_true(fabsf(at[1] + 1) < 0.01f);
    adam_done(&adam);
}

static void the_first_step_is_as_long_as_the_rate(void **state)
{
    struct adam adam;
    float at[2] = {0, 0};
    const float gradient[2] = {1e-3f, -70};
    (void)state;
    assert_int_equal(adam_init(&adam, 2), OK);
    adam_step(&adam, gradient, 0.5f, 1e9f, at);
    assert_true(fabsf(at[0] + 0.5f) < 1e-4f);
    assert_true(fabsf(at[1] - 0.5f) < 1e-4f);
    adam_done(&adam);
}

static void a_gradient_that_is_no_number_is_not_followed(void **state)
{
    struct adam adam;
    float at[2] = {1, 2};
    const float nan[2] = {0, NAN};
    const float far[2] = {INFINITY, 0};
    const float none[2] = {0, 0};
    (void)state;
    assert_int_equal(adam_init(&adam, 2), OK);
    adam_step(&adam, nan, 1, 5, at);
    adam_step(&adam, far, 1, 5, at);
    adam_step(&adam, none, 1, 5, at);
    assert_true(at[0] == 1 && at[1] == 2);
    adam_done(&adam);
    adam_done(&adam);
}

/* What is remembered of a long gradient is that of the shortened one. */
static void long_gradients_are_shortened(void **state)
{
    struct adam adam;
    float at[1] = {0};
    const float far[1] = {1000};
    (void)state;
    assert_int_equal(adam_init(&adam, 1), OK);
    adam_step(&adam, far, 1, 5, at);
    assert_true(fabsf(adam.mean[0] - 0.5f) < 1e-5f);
    adam_done(&adam);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_walks_to_the_bottom_of_a_bowl),
        cmocka_unit_test(the_first_step_is_as_long_as_the_rate),
        cmocka_unit_test(a_gradient_that_is_no_number_is_not_followed),
        cmocka_unit_test(long_gradients_are_shortened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
