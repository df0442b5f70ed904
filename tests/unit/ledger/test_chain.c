#include "fixture.h"

static void a_new_chain_starts_at_its_genesis(void **state)
{
    struct world w;
    struct chain_tip tip;
    (void)state;
    world_open(&w);
    tip = chain_tip(w.chain);
    assert_int_equal(tip.height, 0);
    assert_int_equal(tip.header.time_ms, T0);
    assert_int_equal(balance_of(w.chain, &w.users[0].signer.key),
                     100 * CREDITS);
    assert_int_equal(chain_audit_money(w.chain), OK);
    assert_int_equal(chain_audit_state(w.chain), OK);
    world_close(&w);
}

static void a_transfer_moves_money_and_pays_the_proposer(void **state)
{
    struct world w;
    (void)state;
    world_open(&w);
    assert_int_equal(pool_transfer(&w, 0, 0, &w.users[1].signer.key, 500), OK);
    assert_int_equal(world_block(&w), 1);
    assert_int_equal(balance_of(w.chain, &w.users[0].signer.key),
                     100 * CREDITS - 500 - 10000);
    assert_int_equal(balance_of(w.chain, &w.users[1].signer.key),
                     100 * CREDITS + 500);
    assert_int_equal(balance_of(w.chain, &w.validator.signer.key), 10000);
    assert_int_equal(chain_audit_money(w.chain), OK);
    assert_int_equal(chain_audit_state(w.chain), OK);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_chain_starts_at_its_genesis),
        cmocka_unit_test(a_transfer_moves_money_and_pays_the_proposer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
