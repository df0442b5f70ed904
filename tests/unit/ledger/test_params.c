#include "fixture.h"

#include "ledger/state/overlay.h"

static void params_start_with_the_ledgers_own_at_their_defaults(void **state)
{
    struct params params;
    (void)state;
    params_init(&params);
    assert_int_equal(params_check(&params), OK);
    assert_int_equal(params_need(&params, "epoch_blocks"), 600);
    assert_int_equal(params_need(&params, "heartbeat_ms"), 0);
    assert_int_equal(params.count, 10);
}

static void params_keep_one_order_whatever_the_order_of_setting(void **state)
{
    struct params a;
    struct params b;
    struct hash ha;
    struct hash hb;
    (void)state;
    params_init(&a);
    params_init(&b);
    assert_int_equal(params_set(&a, "claim_window_ms", 1), OK);
    assert_int_equal(params_set(&a, "aaa", 2), OK);
    assert_int_equal(params_set(&b, "aaa", 3), OK);
    assert_int_equal(params_set(&b, "claim_window_ms", 1), OK);
    assert_int_equal(params_set(&b, "aaa", 2), OK);
    assert_memory_equal(&a, &b, sizeof(a));
    assert_int_equal(params_hash(&a, &ha), OK);
    assert_int_equal(params_set(&b, "aaa", 4), OK);
    assert_int_equal(params_hash(&b, &hb), OK);
    assert_false(hash_equal(&ha, &hb));
}

static void params_refuse_bad_names_and_values_out_of_bounds(void **state)
{
    struct params params;
    uint64_t value;
    (void)state;
    params_init(&params);
    assert_int_equal(params_set(&params, "", 1), ERR_RANGE);
    assert_int_equal(params_set(&params, "Big", 1), ERR_RANGE);
    assert_int_equal(params_set(&params, "with space", 1), ERR_RANGE);
    assert_int_equal(params_set(&params, "a_name_of_thirty_two_characters_", 1),
                     ERR_RANGE);
    assert_int_equal(params_set(&params, "supply", 1), ERR_RANGE);
    assert_int_equal(params_set(&params, "epoch_blocks", 0), ERR_RANGE);
    assert_int_equal(params_set(&params, "block_bytes", 524289), ERR_RANGE);
    assert_int_equal(params_get(&params, "unknown", &value), ERR_NOT_FOUND);
    for (unsigned i = params.count; i < PARAMS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%u", i);
        assert_int_equal(params_set(&params, name, i), OK);
    }
    assert_int_equal(params_set(&params, "one_more", 1), ERR_RANGE);
    assert_int_equal(params_set(&params, "p20", 7), OK);
    assert_int_equal(params_check(&params), OK);
}

static void params_check_misses_a_ledger_name(void **state)
{
    struct params params;
    (void)state;
    params_init(&params);
    params.count--;
    assert_int_equal(params_check(&params), ERR_RANGE);
}

static void params_in_the_state_are_what_the_genesis_says(void **state)
{
    struct world w;
    uint64_t value = 0;
    (void)state;
    world_open(&w);
    assert_int_equal(
        params_state_get(chain_state(w.chain), "epoch_blocks", &value), OK);
    assert_int_equal(value, 5);
    assert_int_equal(
        params_state_get(chain_state(w.chain), PARAMS_SUPPLY, &value), OK);
    assert_int_equal(value, 401 * CREDITS);
    assert_int_equal(
        params_state_get(chain_state(w.chain), "claim_window_ms", &value),
        ERR_NOT_FOUND);
    world_close(&w);
}

/* A bit of the store is another. */
static void what_no_genesis_can_have_is_damage(void **state)
{
    struct world w;
    uint64_t value = 0;
    (void)state;
    world_open(&w);
    struct state *on;
    assert_int_equal(state_fork(chain_state(w.chain), &on), OK);
    assert_int_equal(params_state_put(on, "slash_permille", 1000), OK);
    assert_int_equal(params_state_get(on, "slash_permille", &value), OK);
    assert_int_equal(params_state_put(on, "slash_permille", 1001), OK);
    assert_int_equal(params_state_get(on, "slash_permille", &value),
                     ERR_CORRUPT);
    assert_int_equal(params_state_put(on, "slash_permille", 0), OK);
    assert_int_equal(params_state_get(on, "slash_permille", &value),
                     ERR_CORRUPT);
    state_free(on);
    world_close(&w);
}

static void the_fee_grows_with_the_payload(void **state)
{
    (void)state;
    assert_int_equal(fee_for_payload(0).micro, FEE_BASE_MICRO);
    assert_int_equal(fee_for_payload(100).micro,
                     FEE_BASE_MICRO + 100 * FEE_BYTE_MICRO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(params_start_with_the_ledgers_own_at_their_defaults),
        cmocka_unit_test(params_keep_one_order_whatever_the_order_of_setting),
        cmocka_unit_test(params_refuse_bad_names_and_values_out_of_bounds),
        cmocka_unit_test(params_check_misses_a_ledger_name),
        cmocka_unit_test(params_in_the_state_are_what_the_genesis_says),
        cmocka_unit_test(what_no_genesis_can_have_is_damage),
        cmocka_unit_test(the_fee_grows_with_the_payload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
