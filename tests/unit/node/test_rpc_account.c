/* chain.account and chain.history: what is on an account, and what moved. */

#define _GNU_SOURCE /* mkdtemp, nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/chain_rig.h"

/* One entry before this place; its own, or false. */
static bool page(json_int_t *height, json_int_t *index)
{
    char address[ADDRESS_TEXT_MAX];
    address_format(ADDRESS_PREFIX_TEST, &chain_rig.rig->node.self, address);
    json_t *answer = rig_result(chain_rig.rig, "chain.history",
                                json_pack("{s:s, s:i, s:I, s:I}", "address",
                                          address, "limit", 1, "before",
                                          *height, "before_index", *index));
    const json_t *entry = json_array_get(json_object_get(answer, "entries"), 0);
    bool found = entry != NULL;
    *height = json_integer_value(json_object_get(entry, "height"));
    *index = json_integer_value(json_object_get(entry, "index"));
    json_decref(answer);
    return found;
}

static void pages_go_through_a_block(void **state)
{
    json_int_t height = 0;
    json_int_t index = 0;
    (void)state;
    chain_rig_submit(2);
    chain_rig_submit(1);
    chain_rig_until(0, 2);
    chain_rig_submit(0);
    chain_rig_until(1, 0);
    chain_rig_submit(3);
    chain_rig_until(2, 0);
    assert_true(page(&height, &index));
    assert_true(height == 2 && index == 0);
    for (json_int_t i = 3; i-- > 0;) {
        assert_true(page(&height, &index));
        assert_true(height == 1 && index == i);
    }
    assert_false(page(&height, &index));
}

static void the_balance_alone_asks_no_contract(void **state)
{
    char address[ADDRESS_TEXT_MAX];
    (void)state;
    address_format(ADDRESS_PREFIX_TEST, &chain_rig.rig->node.self, address);
    for (int locked = 0; locked <= 1; locked++) {
        json_t *got = rig_result(
            chain_rig.rig, "chain.account",
            json_pack("{s:s, s:b}", "address", address, "locked", locked));
        assert_int_equal(
            json_integer_value(json_object_get(got, "balance_micro")), 9000000);
        assert_true((json_object_get(got, "locked_micro") != NULL) == locked);
        assert_true((json_object_get(got, "contracts_open") != NULL) == locked);
        json_decref(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_balance_alone_asks_no_contract,
                                        chain_rig_set_up, chain_rig_tear_down),
        cmocka_unit_test_setup_teardown(pages_go_through_a_block,
                                        chain_rig_set_up, chain_rig_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
