#include "support.h"

#include "wallet/entropy.h"

static enum err sevens(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    memset(out, 7, len);
    return OK;
}

static enum err half_then_fail(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    memset(out, 7, len / 2);
    return ERR_RANDOM;
}

static void a_source_that_is_handed_in_is_used(void **state)
{
    const struct entropy source = {sevens, NULL};
    uint8_t out[8] = {0}, expected[8];
    (void)state;
    memset(expected, 7, sizeof(expected));
    assert_ok(entropy_fill(&source, out, sizeof(out)));
    assert_memory_equal(out, expected, sizeof(out));
}

static void a_source_that_fails_leaves_nothing_half_random(void **state)
{
    const struct entropy source = {half_then_fail, NULL};
    uint8_t out[8], zero[8] = {0};
    (void)state;
    memset(out, 9, sizeof(out));
    assert_err(entropy_fill(&source, out, sizeof(out)), ERR_RANDOM);
    assert_memory_equal(out, zero, sizeof(out));
}

static void the_system_never_gives_the_same_twice(void **state)
{
    uint8_t one[32], two[32];
    (void)state;
    assert_ok(entropy_fill(NULL, one, sizeof(one)));
    assert_ok(entropy_fill(NULL, two, sizeof(two)));
    assert_memory_not_equal(one, two, sizeof(one));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_that_is_handed_in_is_used),
        cmocka_unit_test(a_source_that_fails_leaves_nothing_half_random),
        cmocka_unit_test(the_system_never_gives_the_same_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
