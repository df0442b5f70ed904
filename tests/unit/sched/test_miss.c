#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/fleet/miss.h"
#include "sched/reason.h"

static void every_miss_is_explained(void **state)
{
    (void)state;
    for (int i = 1; i < MISS_COUNT; i++) {
        assert_true(strlen(miss_text((enum miss)i)) > 5);
        assert_true(strlen(miss_code((enum miss)i)) > 2);
        assert_true(strlen(miss_relax((enum miss)i)) > 2);
        for (int j = 1; j < i; j++)
            assert_int_not_equal(
                strcmp(miss_code((enum miss)i), miss_code((enum miss)j)), 0);
    }
    assert_string_equal(miss_code(MISS_NONE), "ok");
    assert_string_equal(miss_text(MISS_NONE), "fits");
    assert_string_equal(miss_code(MISS_COUNT), "?");
}

/* Whoever has learned one code needs to learn no other. */
static void codes_are_those_of_the_market(void **state)
{
    static const enum miss shared[] = {
        MISS_ARCH,     MISS_CPU_TOTAL, MISS_MEM_TOTAL, MISS_DISK_TOTAL,
        MISS_CPU_FREE, MISS_MEM_FREE,  MISS_DISK_FREE};
    (void)state;
    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
        assert_int_not_equal(reason_parse(miss_code(shared[i])), REASON_NONE);
}

static void the_first_stands_highest_in_the_table(void **state)
{
    uint32_t two = miss_bit(MISS_DEVICE_SPLIT) | miss_bit(MISS_CPU_FREE);
    (void)state;
    assert_int_equal(miss_first(0), MISS_NONE);
    assert_int_equal(miss_first(two), MISS_CPU_FREE);
    assert_int_equal(miss_first(UINT32_MAX), MISS_ARCH);
    assert_false(miss_alone(0));
    assert_false(miss_alone(two));
    assert_true(miss_alone(miss_bit(MISS_DEVICE_SPLIT)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_miss_is_explained),
        cmocka_unit_test(codes_are_those_of_the_market),
        cmocka_unit_test(the_first_stands_highest_in_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
