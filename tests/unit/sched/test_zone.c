#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/zone.h"

static const char eu[][LIMIT_NAME] = {"eu", "uk/london"};

static bool admits(const struct label *labels, uint32_t count)
{
    return zones_admit(eu, 2, labels, count);
}

static void a_zone_holds_what_lies_below_it(void **state)
{
    (void)state;
    assert_true(zone_inside("eu", "eu"));
    assert_true(zone_inside("eu/north/1", "eu"));
    assert_false(zone_inside("europe", "eu"));
    assert_false(zone_inside("eu", "eu/north"));
    assert_false(zone_inside("", "eu"));
}

static void who_says_no_zone_is_not_admitted(void **state)
{
    const struct label rack[] = {{"rack", "eu"}};
    (void)state;
    assert_false(admits(NULL, 0));
    assert_false(admits(rack, 1));
    assert_true(zones_admit(eu, 0, rack, 1)); /* nothing is wanted */
}

static void any_of_the_zones_will_do(void **state)
{
    const struct label north[] = {{"zone", "eu/north"}};
    const struct label london[] = {{"rack", "7"}, {"zone", "uk/london"}};
    const struct label uk[] = {{"zone", "uk"}};
    (void)state;
    assert_true(admits(north, 1));
    assert_true(admits(london, 2));
    assert_false(admits(uk, 1));
}

/* A constraint zone=eu would hold here. */
static void who_is_also_elsewhere_is_not_admitted(void **state)
{
    const struct label both[] = {{"zone", "eu"}, {"zone", "us"}};
    const struct label inside[] = {{"zone", "eu/a"}, {"zone", "uk/london"}};
    (void)state;
    assert_false(admits(both, 2));
    assert_true(admits(inside, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zone_holds_what_lies_below_it),
        cmocka_unit_test(who_says_no_zone_is_not_admitted),
        cmocka_unit_test(any_of_the_zones_will_do),
        cmocka_unit_test(who_is_also_elsewhere_is_not_admitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
