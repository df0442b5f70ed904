/* learnt: addresses on other people's word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "node/peer/learnt.h"

static struct pubkey key(unsigned i)
{
    struct pubkey out = {{1, (uint8_t)i}};
    return out;
}

/* The i-th address, its node's key likewise. */
static bool name(struct learnt *learnt, unsigned i, unsigned by, uint64_t now)
{
    char address[LIMIT_NAME];
    struct pubkey node = key(i);
    struct pubkey who = key(by);
    snprintf(address, sizeof(address), "10.0.0.%u:7000", i);
    if (!learnt_fits(learnt, address, &node, &who))
        return false;
    learnt_add(learnt, address, &node, &who, now);
    return true;
}

static void one_peer_does_not_name_all(void **state)
{
    struct learnt learnt = {0};
    unsigned count = 0;
    (void)state;
    for (unsigned i = 0; i < 32; i++)
        count += name(&learnt, i, 200, 0);
    assert_int_equal(count, LEARNT_OF_ONE);
    assert_true(name(&learnt, 40, 201, 0));
}

static void rooms_are_bounded_and_what_is_here_is_not_learnt_again(void **state)
{
    struct learnt learnt = {0};
    (void)state;
    for (unsigned i = 0; i < LEARNT_MAX; i++)
        assert_true(name(&learnt, i, 200 + i / 2, 0));
    assert_false(name(&learnt, 100, 250, 0));
    memset(&learnt.items[3], 0, sizeof(learnt.items[3]));
    assert_false(name(&learnt, 5, 250, 0));
    assert_true(name(&learnt, 100, 250, 0));
}

static void what_leads_nowhere_makes_room(void **state)
{
    struct learnt learnt = {0};
    char address[LIMIT_NAME];
    struct pubkey good = key(2);
    (void)state;
    for (unsigned i = 0; i < LEARNT_MAX; i++)
        assert_true(name(&learnt, i, 200 + i / 4, 1000));
    assert_false(learnt_drop(&learnt, 60999, address));
    learnt_seen(&learnt, &good, 60999);
    unsigned gone = 0;
    while (learnt_drop(&learnt, 61000, address)) {
        assert_string_not_equal(address, "10.0.0.2:7000");
        gone++;
    }
    assert_int_equal(gone, LEARNT_MAX - 1);
    assert_true(name(&learnt, 100, 200, 61000));
    assert_false(name(&learnt, 2, 201, 61000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_peer_does_not_name_all),
        cmocka_unit_test(
            rooms_are_bounded_and_what_is_here_is_not_learnt_again),
        cmocka_unit_test(what_leads_nowhere_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
