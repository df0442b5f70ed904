/* Another machine with this node's key: when is it one? */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/peer/namesake.h"

/* Displaced every so often, from `from_ms` on for so long. */
static void displaced(struct namesake *n, uint64_t from_ms, uint64_t for_ms,
                      uint64_t every_ms)
{
    for (uint64_t ms = 0; ms <= for_ms; ms += every_ms)
        namesake_seen(n, from_ms + ms);
}

static void nothing_seen_is_none(void **state)
{
    struct namesake n = {0};
    (void)state;
    assert_false(namesake_is(&n, 0));
    assert_false(namesake_is(&n, 1000000));
}

static void a_link_that_broke_at_this_end_is_none(void **state)
{
    struct namesake n = {0};
    (void)state;
    displaced(&n, 0, 12000, 500);
    assert_false(namesake_is(&n, 12000));
    displaced(&n, 60000, 12000, 500);
    assert_false(namesake_is(&n, 72000));
}

static void what_goes_on_is_one(void **state)
{
    struct namesake n = {0};
    (void)state;
    displaced(&n, 5000, NAMESAKE_SURE_MS - 1, 10000);
    assert_false(namesake_is(&n, 5000 + NAMESAKE_SURE_MS));
    namesake_seen(&n, 5000 + NAMESAKE_SURE_MS);
    assert_true(namesake_is(&n, 5000 + NAMESAKE_SURE_MS));
}

static void one_that_has_gone_is_forgotten(void **state)
{
    struct namesake n = {0};
    const uint64_t sure_ms = NAMESAKE_SURE_MS;
    (void)state;
    displaced(&n, 0, sure_ms, 10000);
    assert_true(namesake_is(&n, sure_ms + NAMESAKE_QUIET_MS - 1));
    assert_false(namesake_is(&n, sure_ms + NAMESAKE_QUIET_MS));
    namesake_seen(&n, sure_ms + NAMESAKE_QUIET_MS);
    assert_false(namesake_is(&n, sure_ms + NAMESAKE_QUIET_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_seen_is_none),
        cmocka_unit_test(a_link_that_broke_at_this_end_is_none),
        cmocka_unit_test(what_goes_on_is_one),
        cmocka_unit_test(one_that_has_gone_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
