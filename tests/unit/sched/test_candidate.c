#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sched/candidate.h"

static void a_distance_is_known_when_measured_lately(void **state)
{
    struct candidate c = {.rtt_us = 1};
    (void)state;
    assert_true(candidate_rtt_known(&c));
    c.rtt_age_ms = CANDIDATE_RTT_AGE_MAX_MS;
    assert_true(candidate_rtt_known(&c));
    c.rtt_age_ms++;
    assert_false(candidate_rtt_known(&c));
}

static void zero_is_not_a_distance(void **state)
{
    struct candidate c = {.rtt_us = 0};
    (void)state;
    assert_false(candidate_rtt_known(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_distance_is_known_when_measured_lately),
        cmocka_unit_test(zero_is_not_a_distance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
