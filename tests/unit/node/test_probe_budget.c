#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "node/peer/probe_budget.h"

#define MIB (1024u * 1024u)

static struct pubkey key_of(uint32_t n)
{
    struct pubkey key = {{0}};
    key.b[0] = (uint8_t)n;
    key.b[1] = (uint8_t)(n >> 8);
    return key;
}

static uint64_t drain(struct probe_budget *budget, uint32_t peer,
                      uint64_t now_ms)
{
    struct pubkey key = key_of(peer);
    uint64_t got = 0;
    while (probe_budget_take(budget, &key, 65536, now_ms))
        got += 65536;
    return got;
}

static void one_peer_has_an_eighth(void **state)
{
    struct probe_budget budget;
    (void)state;
    probe_budget_init(&budget, 256u * MIB, 0);
    assert_int_equal(drain(&budget, 1, 0), 8 * MIB);
    assert_int_equal(drain(&budget, 1, 0), 0);
    assert_int_equal(drain(&budget, 2, 0), 8 * MIB);
    assert_int_equal(budget.left, 48 * MIB);
}

static void all_peers_together_have_the_whole(void **state)
{
    struct probe_budget budget;
    uint64_t got = 0;
    (void)state;
    probe_budget_init(&budget, 256u * MIB, 0);
    for (uint32_t peer = 0; peer < 300; peer++)
        got += drain(&budget, peer, 0);
    assert_int_equal(got, 64 * MIB);
}

/* Changing names does not help either: the whole is bounded. */
static void a_day_gives_a_days_bytes(void **state)
{
    struct probe_budget budget;
    uint64_t got = 0;
    (void)state;
    probe_budget_init(&budget, 256u * MIB, 0);
    for (uint64_t now_ms = 0; now_ms <= PROBE_BUDGET_DAY; now_ms += 60000)
        for (uint32_t i = 0; i < 3; i++)
            got += drain(&budget, (uint32_t)(now_ms / 60000) * 3 + i, now_ms);
    assert_in_range(got, 255u * MIB, (256u + 64u) * MIB);
}

static void one_peer_has_an_eighth_of_a_day_too(void **state)
{
    struct probe_budget budget;
    uint64_t got = 0;
    (void)state;
    probe_budget_init(&budget, 256u * MIB, 0);
    for (uint64_t now_ms = 0; now_ms <= PROBE_BUDGET_DAY; now_ms += 60000)
        got += drain(&budget, 7, now_ms);
    assert_in_range(got, 31u * MIB, (32u + 8u) * MIB);
}

static void no_budget_is_none(void **state)
{
    struct probe_budget budget;
    (void)state;
    probe_budget_init(&budget, 0, 0);
    assert_int_equal(drain(&budget, 1, 0), 0);
    assert_int_equal(drain(&budget, 1, UINT64_MAX), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_peer_has_an_eighth),
        cmocka_unit_test(all_peers_together_have_the_whole),
        cmocka_unit_test(a_day_gives_a_days_bytes),
        cmocka_unit_test(one_peer_has_an_eighth_of_a_day_too),
        cmocka_unit_test(no_budget_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
