/* node.send: what it answers, and what it does to the account of a node that
 * makes its own blocks. */

#define _GNU_SOURCE /* mkdtemp, nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/chain_rig.h"

#include "ledger/params.h"
#include "node/node_start.h"

#define KIND_DEED 200u
#define HAS       9000000 /* at the genesis: chain_rig.h */

static struct rig *rig;
static struct node *node;
static char to[ADDRESS_TEXT_MAX];

/* What nodes send for contracts: no fee, and it is about something. */
static struct amount no_fee(size_t payload_len)
{
    (void)payload_len;
    return amount_micro(0);
}

static enum err apply_deed(struct state *state, const struct tx *tx,
                           const struct block_context *context,
                           struct arena *arena, struct tx_effect *out_effect)
{
    (void)state;
    (void)context;
    (void)arena;
    assert_int_equal(tx->payload.len, HASH_LEN);
    memcpy(out_effect->subject.b, tx->payload.ptr, HASH_LEN);
    out_effect->code = CONTRACT_ESCROWED;
    return OK;
}

static const struct tx_kind deeds[] = {{KIND_DEED, "deed", no_fee, apply_deed}};

/* The disk is the shell's, which this node has none of. */
static void open_own(enum err (*submit)(void *, struct bytes, uint64_t))
{
    struct own_tx_options options;
    node_own_tx_options(node, &options);
    options.keep = NULL;
    options.ticket = NULL;
    if (submit != NULL)
        options.submit = submit;
    assert_int_equal(own_tx_new(&options, &node->own), OK);
}

static int open_rig(enum err (*submit)(void *, struct bytes, uint64_t))
{
    struct kind_table kinds = {deeds, 1};
    struct pubkey key;
    uint8_t secret[64];
    uint8_t seed[32] = {7};
    rig = chain_rig_open_with(&kinds, &node_chain_events);
    node = &rig->node;
    open_own(submit);
    crypto_sign_seed_keypair(key.b, secret, seed);
    address_format(ADDRESS_PREFIX_TEST, &key, to);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return open_rig(NULL);
}

static enum err swallow(void *ctx, struct bytes tx, uint64_t token)
{
    (void)ctx;
    (void)tx;
    (void)token;
    return OK;
}

/* What is sent comes into no block. */
static int set_up_deaf(void **state)
{
    (void)state;
    return open_rig(swallow);
}

static int tear_down(void **state)
{
    (void)state;
    node->stopping = true;
    own_tx_free(node->own);
    chain_rig_close();
    return 0;
}

static json_t *sending(const char *address, json_int_t amount, int wait_ms)
{
    return json_pack("{s:s, s:I, s:i}", "to", address, "amount_micro", amount,
                     "wait_ms", wait_ms);
}

static json_int_t of_account(const struct pubkey *key, const char *field)
{
    json_t *params = json_pack("{s:o}", "address", json_address(node, key));
    json_t *account = rig_result(rig, "chain.account", params);
    json_int_t value = json_integer_value(json_object_get(account, field));
    json_decref(account);
    return value;
}

static json_int_t balance_of(const char *address)
{
    struct pubkey key;
    assert_int_equal(address_parse(address, NULL, &key), OK);
    return of_account(&key, "balance_micro");
}

static json_int_t fee_for(json_int_t amount)
{
    struct transfer transfer = {.amount = amount_micro((uint64_t)amount)};
    struct amount fee;
    struct buf payload;
    assert_int_equal(address_parse(to, NULL, &transfer.to), OK);
    buf_init(&payload, 200);
    transfer_encode(&transfer, &payload);
    fee = fee_for_payload(payload.len);
    buf_done(&payload);
    return (json_int_t)fee.micro;
}

static void is_final(json_t *got)
{
    json_t *tx;
    const char *id = json_string_value(json_object_get(got, "id"));
    assert_string_equal(json_string_value(json_object_get(got, "state")),
                        "final");
    assert_non_null(id);
    tx = rig_result(rig, "chain.tx", json_pack("{s:s}", "id", id));
    assert_string_equal(json_string_value(json_object_get(tx, "kind")),
                        "transfer");
    assert_int_equal(json_integer_value(json_object_get(tx, "height")),
                     json_integer_value(json_object_get(got, "height")));
    json_decref(tx);
    json_decref(got);
}

static void add_own(uint32_t kind, uint8_t number, struct bytes payload)
{
    struct hash subject = {{number, 1}};
    assert_int_equal(own_tx_add(node->own, kind, &subject, payload, 0, 0), OK);
}

static void add_deed(uint8_t number)
{
    struct hash subject = {{number, 1}};
    add_own(KIND_DEED, number, BYTES_OF(subject.b));
}

/* ---- what it does ---- */

static void money_arrives_and_the_fee_is_paid(void **state)
{
    (void)state;
    is_final(rig_result(rig, "node.send", sending(to, 2500000, 20000)));
    assert_int_equal(balance_of(to), 2500000);
    assert_int_equal(of_account(&node->self, "balance_micro"),
                     HAS - 2500000 - fee_for(2500000));
    assert_int_equal(of_account(&node->self, "nonce"), 1);
    assert_int_equal(own_tx_count(node->own), 0);
}

static void it_goes_in_line_with_the_nodes_own_transactions(void **state)
{
    (void)state;
    add_deed(1);
    add_deed(2);
    is_final(rig_result(rig, "node.send", sending(to, 1000, 20000)));
    add_deed(3);
    is_final(rig_result(rig, "node.send", sending(to, 1000, 20000)));
    assert_int_equal(balance_of(to), 2000); /* two equal ones are two */
    assert_int_equal(of_account(&node->self, "nonce"), 5);
    assert_int_equal(own_tx_count(node->own), 0);
}

static void all_but_the_fee_can_go(void **state)
{
    json_int_t amount = HAS - fee_for(HAS);
    (void)state;
    rig_refused(rig, "node.send", sending(to, amount + 1, 20000), "ERR_FUNDS",
                EXIT_FUNDS, "the node's account has 9", "all");
    is_final(rig_result(rig, "node.send", sending(to, amount, 20000)));
    assert_int_equal(of_account(&node->self, "balance_micro"), 0);
    assert_int_equal(balance_of(to), amount);
}

static void what_waits_says_so_and_is_found_by_its_id(void **state)
{
    json_t *got = rig_result(rig, "node.send", sending(to, 1000, 50));
    (void)state;
    assert_string_equal(json_string_value(json_object_get(got, "state")),
                        "pool");
    assert_int_equal(json_string_length(json_object_get(got, "id")), 64);
    assert_true(json_is_string(json_object_get(got, "waiting_for")));
    json_decref(got);
    assert_int_equal(own_tx_count(node->own), 1); /* it goes on waiting */
    /* ... and what comes behind it has no number yet, so no id */
    got = rig_result(rig, "node.send", sending(to, 1000, 50));
    assert_string_equal(json_string_value(json_object_get(got, "state")),
                        "pool");
    assert_true(json_is_null(json_object_get(got, "id")));
    json_decref(got);
    assert_int_equal(own_tx_count(node->own), 2);
}

/* ---- what it refuses ---- */

static void it_says_what_is_wrong_with_the_question(void **state)
{
    struct pubkey key;
    char other[ADDRESS_TEXT_MAX];
    char self[ADDRESS_TEXT_MAX];
    (void)state;
    assert_int_equal(address_parse(to, NULL, &key), OK);
    address_format(ADDRESS_PREFIX_MAIN, &key, other);
    address_format(ADDRESS_PREFIX_TEST, &node->self, self);
    rig_refused(rig, "node.send", sending("tsuan1nobody", 1, 0), "ERR_PARSE",
                EXIT_USAGE, "\"to\" must be an address", "");
    rig_refused(rig, "node.send", sending(other, 1, 0), "ERR_PARSE", EXIT_USAGE,
                "an address of this network", "");
    rig_refused(rig, "node.send", sending(to, -1, 0), "ERR_PARSE", EXIT_USAGE,
                "amount_micro", "");
    rig_refused(rig, "node.send", sending(to, 0, 0), "ERR_PARSE", EXIT_USAGE,
                "zero moves nothing", "more than zero");
    rig_refused(rig, "node.send", json_pack("{s:s}", "to", to), "ERR_PARSE",
                EXIT_USAGE, "zero moves nothing", "");
    rig_refused(rig, "node.send", sending(self, 1, 0), "ERR_PARSE", EXIT_USAGE,
                "the node's own account", "an address of yours");
    rig_refused(
        rig, "node.send",
        json_pack("{s:s, s:i, s:s}", "to", to, "amount_micro", 1, "memo", "x"),
        "ERR_PARSE", EXIT_USAGE, "no parameter \"memo\"", "");
    assert_int_equal(own_tx_count(node->own), 0);
    assert_int_equal(of_account(&node->self, "nonce"), 0);
}

static void money_that_is_not_there_is_told_with_the_balance(void **state)
{
    (void)state;
    rig_refused(
        rig, "node.send", sending(to, 12000000, 0), "ERR_FUNDS", EXIT_FUNDS,
        "the node's account has 9.00; 12.00 and a fee of 0.001", "smaller");
    rig_refused(rig, "node.send", sending(to, INT64_MAX, 0), "ERR_FUNDS",
                EXIT_FUNDS, "the node's account has 9", "smaller");
    assert_int_equal(own_tx_count(node->own), 0);
}

static void a_node_that_fetches_the_state_sends_nothing(void **state)
{
    struct chain *chain = chain_host_chain(node->host);
    struct store_batch *batch = store_batch_new(0);
    (void)state;
    assert_non_null(batch);
    chain_sync_begin(chain, batch);
    store_batch_free(batch);
    rig_refused(rig, "node.send", sending(to, 1000, 0), "ERR_NOT_READY",
                EXIT_UNREACHABLE, "still fetching", "suan chain status");
    chain_sync_cancel(chain);
    assert_int_equal(own_tx_count(node->own), 0);
}

static void money_that_an_earlier_one_took_is_told_by_the_chain(void **state)
{
    struct transfer transfer = {.amount = amount_micro(8000000)};
    struct buf payload;
    (void)state;
    assert_int_equal(address_parse(to, NULL, &transfer.to), OK);
    buf_init(&payload, 200);
    transfer_encode(&transfer, &payload);
    add_own(TX_TRANSFER, 9, buf_bytes(&payload));
    buf_done(&payload);
    rig_refused(rig, "node.send", sending(to, 5000000, 20000), "ERR_FUNDS",
                EXIT_FUNDS, "the transfer was refused", "sell status");
    assert_int_equal(own_tx_count(node->own), 0);
    is_final(rig_result(rig, "node.send", sending(to, 500000, 20000)));
    assert_int_equal(balance_of(to), 8500000);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(money_arrives_and_the_fee_is_paid),
        T(it_goes_in_line_with_the_nodes_own_transactions),
        T(all_but_the_fee_can_go),
        cmocka_unit_test_setup_teardown(
            what_waits_says_so_and_is_found_by_its_id, set_up_deaf, tear_down),
        T(it_says_what_is_wrong_with_the_question),
        T(money_that_is_not_there_is_told_with_the_balance),
        T(a_node_that_fetches_the_state_sends_nothing),
        T(money_that_an_earlier_one_took_is_told_by_the_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
