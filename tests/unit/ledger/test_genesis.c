#include "fixture.h"

#include "golden.h"

static void genesis_bytes_and_chain_id_are_the_golden_ones(void **state)
{
    struct world w = {0};
    struct genesis again;
    struct buf buf;
    (void)state;
    world_genesis(&w, 5);
    buf_init(&buf, GENESIS_BYTES_MAX);
    genesis_encode(&w.genesis, &buf);
    assert_golden("genesis", buf_bytes(&buf));
    assert_golden_hash("chain", &w.genesis.chain);
    assert_int_equal(genesis_decode(buf_bytes(&buf), &again), OK);
    assert_golden_hash("chain", &again.chain);
    assert_int_equal(genesis_supply(&again).micro, 401 * CREDITS);
    genesis_done(&again);
    genesis_done(&w.genesis);
    buf_done(&buf);
}

static void genesis_text_and_bytes_say_the_same(void **state)
{
    struct world w = {0};
    struct genesis again;
    struct buf text;
    struct buf twice;
    unsigned line = 7;
    (void)state;
    world_genesis(&w, 5);
    assert_int_equal(params_set(&w.genesis.params, "claim_window_ms", 60000),
                     OK);
    assert_int_equal(genesis_seal(&w.genesis), OK);
    buf_init(&text, GENESIS_BYTES_MAX);
    buf_init(&twice, GENESIS_BYTES_MAX);
    genesis_format(&w.genesis, &text);
    assert_int_equal(genesis_parse(buf_bytes(&text), &again, &line), OK);
    assert_int_equal(line, 0);
    assert_true(hash_equal(&again.chain, &w.genesis.chain));
    genesis_format(&again, &twice);
    assert_true(bytes_equal(buf_bytes(&text), buf_bytes(&twice)));
    genesis_done(&again);
    genesis_done(&w.genesis);
    buf_done(&text);
    buf_done(&twice);
}

#define ALICE "tsuan1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqhvxhpv"
#define HEAD  "suan-genesis 1\nnetwork demo\naddresses test\ntime_ms 5\n"

static enum err parse(const char *text, unsigned *line)
{
    struct genesis genesis;
    enum err err = genesis_parse(bytes_str(text), &genesis, line);
    if (err == OK)
        genesis_done(&genesis);
    return err;
}

static void genesis_text_may_have_comments_and_any_order_of_items(void **state)
{
    struct genesis a;
    struct genesis b;
    (void)state;
    assert_int_equal(genesis_parse(bytes_str(HEAD "validator " ALICE " 1\n"
                                                  "account " ALICE " 2.5\n"),
                                   &a, NULL),
                     OK);
    assert_int_equal(
        genesis_parse(bytes_str("# a devnet\n\nsuan-genesis 1 # version\n"
                                "addresses\ttest\r\n"
                                "account " ALICE " 2.500000\n"
                                "validator " ALICE " 1\n"
                                "param epoch_blocks 600\n"
                                "time_ms 5\nnetwork demo"),
                      &b, NULL),
        OK);
    assert_true(hash_equal(&a.chain, &b.chain));
    assert_int_equal(a.accounts[0].balance.micro, 2500000);
    genesis_done(&a);
    genesis_done(&b);
}

static void genesis_text_names_the_line_at_fault(void **state)
{
    static const struct {
        const char *text;
        enum err err;
        unsigned line;
    } cases[] = {
        {"", ERR_PARSE, 0},
        {"network demo\n", ERR_PARSE, 1},
        {"suan-genesis 2\n", ERR_VERSION, 1},
        {HEAD, ERR_GENESIS, 0},
        {HEAD "network again\n", ERR_EXISTS, 5},
        {HEAD "colour blue\n", ERR_PARSE, 5},
        {HEAD "account " ALICE "\n", ERR_PARSE, 5},
        {HEAD "account " ALICE " 0\n", ERR_RANGE, 5},
        {HEAD "account " ALICE " 1\naccount " ALICE " 1\n", ERR_EXISTS, 6},
        {HEAD "account suan1bad 1\n", ERR_ADDRESS, 5},
        {HEAD "account suan1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"
              "qqqqgetcxp 1\n",
         ERR_ADDRESS, 5},
        {HEAD "validator " ALICE " 0\n", ERR_RANGE, 5},
        {HEAD "validator " ALICE " 99999999999999999999\n", ERR_OVERFLOW, 5},
        {HEAD "validator " ALICE " -1\n", ERR_PARSE, 5},
        {HEAD "validator " ALICE " 0.999999\n", ERR_BOND_MIN, 0},
        {HEAD "validator " ALICE " 3000000000000\n", ERR_RANGE, 5},
        {HEAD "validator " ALICE " 1 nobody\n", ERR_ADDRESS, 5},
        {HEAD "validator " ALICE " 1 " ALICE " x\n", ERR_PARSE, 5},
        {HEAD "validator " ALICE " 1\nparam unbond_epochs 7\n", ERR_RANGE, 0},
        {HEAD "param epoch_blocks 0\n", ERR_RANGE, 5},
        {HEAD "param a b c\n", ERR_PARSE, 5},
        {"suan-genesis 1\nnetwork A\naddresses test\ntime_ms "
         "5\nvalidator " ALICE " 1\n",
         ERR_GENESIS, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned line = 99;
        assert_int_equal(parse(cases[i].text, &line), cases[i].err);
        assert_int_equal(line, cases[i].line);
    }
}

static void genesis_refuses_more_money_than_there_are_numbers(void **state)
{
    struct world w = {0};
    struct test_key key;
    (void)state;
    world_genesis(&w, 5);
    test_key_init(&key, 77);
    assert_int_equal(genesis_add_account(&w.genesis, &key.signer.key,
                                         amount_micro(UINT64_MAX)),
                     OK);
    assert_int_equal(genesis_seal(&w.genesis), ERR_OVERFLOW);
    genesis_done(&w.genesis);
}

static void genesis_decode_refuses_disorder(void **state)
{
    struct world w = {0};
    struct genesis got;
    struct buf buf;
    struct genesis_account swap;
    (void)state;
    world_genesis(&w, 5);
    swap = w.genesis.accounts[0];
    w.genesis.accounts[0] = w.genesis.accounts[1];
    w.genesis.accounts[1] = swap;
    buf_init(&buf, GENESIS_BYTES_MAX);
    genesis_encode(&w.genesis, &buf);
    assert_int_equal(genesis_decode(buf_bytes(&buf), &got), ERR_NOT_CANONICAL);
    buf_done(&buf);
    genesis_done(&w.genesis);
}

static void any_difference_in_a_genesis_is_another_chain(void **state)
{
    struct world a = {0};
    struct world b = {0};
    (void)state;
    world_genesis(&a, 5);
    world_genesis(&b, 5);
    assert_true(hash_equal(&a.genesis.chain, &b.genesis.chain));
    b.genesis.time_ms++;
    assert_int_equal(genesis_seal(&b.genesis), OK);
    assert_false(hash_equal(&a.genesis.chain, &b.genesis.chain));
    genesis_done(&a.genesis);
    genesis_done(&b.genesis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genesis_bytes_and_chain_id_are_the_golden_ones),
        cmocka_unit_test(genesis_text_and_bytes_say_the_same),
        cmocka_unit_test(genesis_text_may_have_comments_and_any_order_of_items),
        cmocka_unit_test(genesis_text_names_the_line_at_fault),
        cmocka_unit_test(genesis_refuses_more_money_than_there_are_numbers),
        cmocka_unit_test(genesis_decode_refuses_disorder),
        cmocka_unit_test(any_difference_in_a_genesis_is_another_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
