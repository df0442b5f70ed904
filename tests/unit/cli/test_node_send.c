/* suan node send: what it asks the node, what it says before and after, and
 * what it refuses by itself. */

#include "tests/unit/cli/run_line.h"

#include "tests/unit/cli/fake_node.h"

#include "base/address.h"
#include "base/hash.h"

static struct script {
    json_int_t balance;
    json_int_t bond_needed;
    bool provider;
    bool selling;
    bool final;
    bool numbered; /* has an id */
    enum err refused;
    /* told */
    unsigned sent;
    char to[ADDRESS_TEXT_MAX];
    json_int_t amount;
} script;

static char self[ADDRESS_TEXT_MAX];
static char to[ADDRESS_TEXT_MAX];
static char foreign[ADDRESS_TEXT_MAX];
static char id[HASH_TEXT_MAX];

static json_t *info(void)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:i, s:i, s:[s]}", "chain", id,
                               "node", self, "prefix", "tsuan", "chain_time_ms",
                               1000, "height", 3, "roles", "validator");
    if (script.provider)
        json_array_append_new(json_object_get(object, "roles"),
                              json_string("provider"));
    return object;
}

static json_t *sent(json_t *params)
{
    json_t *object;
    script.sent++;
    script.amount = json_integer_value(json_object_get(params, "amount_micro"));
    snprintf(script.to, sizeof(script.to), "%s",
             json_string_value(json_object_get(params, "to")));
    object = json_pack("{s:s, s:s}", "state", script.final ? "final" : "pool",
                       "waiting_for", script.final ? "" : "no block for 15 s");
    json_object_set_new(object, "id",
                        script.numbered ? json_string(id) : json_null());
    if (script.final)
        json_object_set_new(object, "height", json_integer(12));
    return object;
}

static enum err answer(struct fake_node *node, const char *method,
                       json_t *params, json_t **out_result,
                       struct rpc_error *out_error)
{
    (void)node;
    if (strcmp(method, "node.info") == 0)
        *out_result = info();
    else if (strcmp(method, "chain.account") == 0)
        *out_result = json_pack("{s:I}", "balance_micro", script.balance);
    else if (strcmp(method, "sell.status") == 0 && script.provider)
        *out_result = json_pack("{s:b, s:I}", "wanted", script.selling,
                                "bond_needed_micro", script.bond_needed);
    else if (strcmp(method, "node.send") == 0 && script.refused == OK)
        *out_result = sent(params);
    if (*out_result != NULL)
        return OK;
    rpc_error_set(out_error, ERR_FUNDS, "suan sell status",
                  "the transfer was refused");
    return ERR_FUNDS;
}

static struct fake_node node = {.answer = answer};

static int set_up(void **state)
{
    struct pubkey key = {{1}};
    struct hash hash = {{7}};
    (void)state;
    hash_format(&hash, id);
    address_format(ADDRESS_PREFIX_TEST, &key, self);
    key.b[0] = 2;
    address_format(ADDRESS_PREFIX_TEST, &key, to);
    address_format(ADDRESS_PREFIX_MAIN, &key, foreign);
    script =
        (struct script){.balance = 9000000, .final = true, .numbered = true};
    return fake_start(&node);
}

static int tear_down(void **state)
{
    (void)state;
    fake_stop(&node);
    return 0;
}

static int send_line(const char *address, const char *rest)
{
    char line[400];
    snprintf(line, sizeof(line), "node send --data-dir=%s %s %s", node.dir,
             address, rest);
    return run_line(line);
}

static void it_sends_and_prints_the_transaction(void **state)
{
    (void)state;
    assert_int_equal(send_line(to, "2.50 --yes"), 0);
    assert_int_equal(script.sent, 1);
    assert_int_equal(script.amount, 2500000);
    assert_string_equal(script.to, to);
    assert_memory_equal(line_out, id, 64);
    assert_string_equal(line_out + 64, "\n");
    assert_says(line_err, "sent; final in block 12");
}

static void quiet_says_the_id_alone_and_json_is_the_answer(void **state)
{
    (void)state;
    assert_int_equal(send_line(to, "2.50 --yes -q"), 0);
    assert_string_equal(line_err, "");
    assert_int_equal(send_line(to, "2.50 --yes --json"), 0);
    assert_says(line_out, "\"state\"");
    assert_says(line_out, "\"height\"");
}

static void without_a_yes_nothing_is_sent(void **state)
{
    (void)state;
    assert_int_equal(send_line(to, "2.50"), EXIT_LOCKED);
    assert_says(line_err, "Send 2.50 from the node's account to tsuan1");
    assert_says(line_err, "for a fee of 0.001");
    assert_says(line_err, "--yes");
    assert_int_equal(script.sent, 0);
}

static void all_is_the_balance_less_the_fee(void **state)
{
    (void)state;
    assert_int_equal(send_line(to, "all --yes"), 0);
    assert_true(script.amount < 9000000 - 1000);
    assert_true(script.amount > 9000000 - 3000);
    script.balance = 500;
    assert_int_equal(send_line(to, "all --yes"), EXIT_FUNDS);
    assert_says(line_err, "the node's account has 0.0005, and the fee is");
    assert_int_equal(script.sent, 1);
}

static void more_than_there_is_is_told_with_balance_and_fee(void **state)
{
    (void)state;
    assert_int_equal(send_line(to, "9 --yes"), EXIT_FUNDS);
    assert_says(line_err,
                "the node's account has 9.00; 9.00 and a fee of 0.00");
    assert_says(line_err, "a smaller amount, or all");
    assert_int_equal(script.sent, 0);
}

static void wrong_words_are_told_before_anything_is_asked(void **state)
{
    (void)state;
    assert_int_equal(send_line("tsuan1nobody", "1 --yes"), EXIT_USAGE);
    assert_says(line_err, "is not an address");
    assert_int_equal(send_line(foreign, "1 --yes"), EXIT_USAGE);
    assert_says(line_err, "an address of another network");
    assert_int_equal(send_line(self, "1 --yes"), EXIT_USAGE);
    assert_says(line_err, "the node's own account");
    assert_int_equal(send_line(to, "0 --yes"), EXIT_USAGE);
    assert_says(line_err, "zero moves nothing");
    assert_int_equal(send_line(to, "some --yes"), EXIT_USAGE);
    assert_says(line_err, "not an amount of credits");
    assert_int_equal(script.sent, 0);
}

static void a_seller_is_warned_of_its_bonds(void **state)
{
    (void)state;
    script.provider = true;
    script.selling = true;
    script.bond_needed = 6000000;
    assert_int_equal(send_line(to, "2 --yes"), 0); /* 7 stay, less the fee */
    assert_null(strstr(line_err, "bonds"));
    assert_int_equal(send_line(to, "4 --yes"), 0);
    assert_says(line_err, "takes 6.00 for bonds, and 4.99");
    assert_int_equal(send_line(to, "all --yes"), 0);
    assert_says(line_err, "takes 6.00 for bonds, and 0.00 will be left");
    script.selling = false;
    assert_int_equal(send_line(to, "4 --yes"), 0);
    assert_null(strstr(line_err, "bonds"));
    assert_int_equal(script.sent, 4);
}

static void what_waits_is_not_to_be_sent_again(void **state)
{
    (void)state;
    script.final = false;
    assert_int_equal(send_line(to, "1 --yes"), 0);
    assert_memory_equal(line_out, id, 64);
    assert_says(line_err, "not final yet: no block for 15 s; it goes on "
                          "waiting in the node");
    assert_says(line_err, "Try: suan chain tx 07");
    script.numbered = false;
    assert_int_equal(send_line(to, "1 --yes"), 0);
    assert_string_equal(line_out, "");
    assert_says(line_err, "suan wallet history tsuan1");
}

static void the_nodes_own_refusal_is_passed_on(void **state)
{
    (void)state;
    script.refused = ERR_FUNDS;
    assert_int_equal(send_line(to, "1 --yes"), EXIT_FUNDS);
    assert_says(line_err, "the transfer was refused");
    assert_string_equal(line_out, "");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(it_sends_and_prints_the_transaction),
        T(quiet_says_the_id_alone_and_json_is_the_answer),
        T(without_a_yes_nothing_is_sent),
        T(all_is_the_balance_less_the_fee),
        T(more_than_there_is_is_told_with_balance_and_fee),
        T(wrong_words_are_told_before_anything_is_asked),
        T(a_seller_is_warned_of_its_bonds),
        T(what_waits_is_not_to_be_sent_again),
        T(the_nodes_own_refusal_is_passed_on),
    };
    /* nobody is there to be asked */
    assert_non_null(freopen("/dev/null", "re", stdin));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
