#include "fixture.h"

#include "kinds.h"
#include "node_by_hand.h"
#include "puppets.h"

/* ---- deciding ---- */

static void a_tx_is_final_when_its_block_is_on_the_disk_and_not_before(
    void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    submit_transfer(&net, v, 0, 0, 5);
    assert_non_null(find(v, SX_TX_TAKEN));
    assert_int_equal(the(v, SX_TX_TAKEN)->token, 100);
    assert_int_equal(count_of(v, SX_STORE), 1);
    assert_null(find(v, SX_SEND));
    assert_null(find(v, SX_FINAL));
    assert_int_equal(chain_tip(v->chain).height, 0);
    disk(v);
    assert_int_equal(the(v, SX_FINAL)->height, 1);
    assert_int_equal(the(v, SX_FINAL)->tx_count, 1);
    assert_int_equal(chain_tip(v->chain).height, 1);
    assert_int_equal(pool_count(sx_pool(v->core)), 0);
    assert_null(find(v, SX_STORE));
    assert_true(v->wake_ms == UINT64_MAX);
    net_close(&net);
}

static void the_certificate_of_a_block_is_a_real_one(void **state)
{
    struct net net;
    struct cert cert;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    for (uint64_t i = 0; i < 7; i++) {
        submit_transfer(&net, v, 0, i, 5);
        disk(v);
        struct arena arena;
        struct bytes bytes;
        arena_init(&arena, 1u << 16);
        assert_int_equal(chain_cert_at(v->chain, i + 1, &arena, &bytes), OK);
        assert_int_equal(cert_decode(bytes, &cert), OK);
        arena_done(&arena);
        assert_int_equal(cert.kind, VOTE_FINALIZE);
        /* Views count from 1 in every epoch of 5 blocks. */
        assert_int_equal(cert.on.epoch, 1 + i / 5);
        assert_int_equal(cert.on.view, 1 + i % 5);
        assert_int_equal(cert.on.parent_view, i % 5);
        assert_int_equal(
            cert_verify(&cert, &net.w.genesis.validators, &net.w.genesis.chain),
            OK);
    }
    net_close(&net);
}

static void txs_gather_while_a_block_is_being_written(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    submit_transfer(&net, v, 0, 0, 5);
    for (uint64_t i = 1; i < 5; i++) {
        submit_transfer(&net, v, 0, i, 5);
        assert_null(find(v, SX_STORE));
    }
    disk(v);
    assert_int_equal(the(v, SX_FINAL)->tx_count, 1);
    assert_int_equal(count_of(v, SX_STORE), 1);
    disk(v);
    assert_int_equal(the(v, SX_FINAL)->tx_count, 4);
    assert_int_equal(chain_tip(v->chain).height, 2);
    net_close(&net);
}

static void a_full_batch_does_not_wait_for_the_disk(void **state)
{
    static struct test_tx txs[600];
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    submit_transfer(&net, v, 0, 0, 5);
    for (uint64_t i = 0; i < 600; i++)
        transfer(&net, &txs[i], 1, i, 1);
    submit(v, txs, 600);
    assert_int_equal(count_of(v, SX_STORE), 1);
    assert_int_equal(v->batch_count, 2);
    assert_int_equal(chain_head(v->chain).height, 2);
    settle(v);
    assert_int_equal(chain_tip(v->chain).height, 2);
    assert_int_equal(pool_count(sx_pool(v->core)), 0);
    for (unsigned i = 0; i < 600; i++)
        test_tx_done(&txs[i]);
    net_close(&net);
}

static void an_idle_network_makes_no_blocks(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    for (int i = 0; i < 100; i++) {
        pass(v, 60000);
        assert_int_equal(v->said_count, 0);
    }
    net_close(&net);
}

static void a_heartbeat_makes_empty_blocks_when_asked_for(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 5000, 1);
    struct node *v = net_add(&net, 0);
    pass(v, 4999);
    assert_int_equal(v->wake_ms, 6000);
    assert_null(find(v, SX_STORE));
    pass(v, 1);
    assert_int_equal(count_of(v, SX_STORE), 1);
    disk(v);
    assert_int_equal(the(v, SX_FINAL)->tx_count, 0);
    assert_int_equal(v->wake_ms, 11000);
    net_close(&net);
}

static void blocks_keep_their_distance(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 400);
    struct node *v = net_add(&net, 0);
    submit_transfer(&net, v, 0, 0, 5);
    uint64_t made = net.now_ms;
    disk(v);
    submit_transfer(&net, v, 0, 1, 5);
    assert_null(find(v, SX_STORE));
    assert_int_equal(v->wake_ms, made + 400);
    pass(v, made + 400 - net.now_ms);
    assert_int_equal(count_of(v, SX_STORE), 1);
    net_close(&net);
}

static void a_tx_behind_a_gap_makes_no_empty_blocks(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    submit_transfer(&net, v, 0, 1, 5);
    assert_non_null(find(v, SX_TX_TAKEN));
    assert_null(find(v, SX_STORE));
    pass(v, 1000);
    assert_null(find(v, SX_STORE));
    submit_transfer(&net, v, 0, 0, 5);
    disk(v);
    assert_int_equal(the(v, SX_FINAL)->tx_count, 2);
    net_close(&net);
}

/* ---- what is refused ---- */

static void assert_refused(struct node *node, enum err err, uint64_t height)
{
    const struct said *said = the(node, SX_TX_REFUSED);
    assert_int_equal(said->err, err);
    assert_int_equal(said->height, height);
    assert_int_equal(said->token, 100);
}

static void a_refusal_says_why(void **state)
{
    struct net net;
    struct test_tx t;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    transfer(&net, &t, 0, 0, 5);
    t.bytes.ptr[t.bytes.len - 1] ^= 1;
    submit(v, &t, 1);
    assert_refused(v, ERR_SIGNATURE, 0);
    t.bytes.len--;
    submit(v, &t, 1);
    assert_refused(v, ERR_TRUNCATED, 0);
    assert_true(hash_is_zero(&the(v, SX_TX_REFUSED)->id));
    test_tx_done(&t);
    submit_transfer(&net, v, 0, 0, 200 * CREDITS);
    assert_refused(v, ERR_FUNDS, 0);
    submit_transfer(&net, v, 0, 100, 5);
    assert_refused(v, ERR_NONCE, 0);
    assert_int_equal(pool_count(sx_pool(v->core)), 0);
    net_close(&net);
}

static void a_second_try_is_told_that_the_first_is_final(void **state)
{
    struct net net;
    struct test_tx t;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    transfer(&net, &t, 0, 0, 5);
    submit(v, &t, 1);
    submit(v, &t, 1);
    assert_refused(v, ERR_EXISTS, 0); /* it waits */
    settle(v);
    submit(v, &t, 1);
    assert_refused(v, ERR_EXISTS, 1); /* it is in block 1 */
    test_tx_done(&t);
    submit_transfer(&net, v, 0, 0, 6); /* another of the same nonce */
    assert_refused(v, ERR_NONCE, 0);
    net_close(&net);
}

/* One person's numbers 0 and 1; then `again` under number 1. */
static enum err second_try(uint64_t first_micro, uint64_t again_micro)
{
    struct net net;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    submit_transfer(&net, v, 0, 1, first_micro); /* nobody looks at it yet */
    assert_int_equal(count_of(v, SX_TX_TAKEN), 1);
    submit_transfer(&net, v, 0, 1, again_micro);
    const struct said *said = the(v, SX_TX_REFUSED);
    enum err err = said->err;
    bool taken = count_of(v, SX_TX_TAKEN) == 1;
    assert_int_equal(count_of(v, SX_TX_REFUSED), 1);
    assert_int_equal(pool_count(sx_pool(v->core)), 1);
    submit_transfer(&net, v, 0, 0, 5);
    settle(v);
    net_live(&net, 1000);
    assert_int_equal(balance_of(v->chain, &net.w.users[1].signer.key),
                     100 * CREDITS + 5 + (taken ? again_micro : first_micro));
    net_close(&net);
    return taken ? OK : err;
}

static void a_number_is_its_first_holders_unless_no_block_can_take_that(
    void **state)
{
    (void)state;
    assert_int_equal(second_try(7, 8), ERR_NONCE);
    assert_int_equal(second_try(7, 200 * CREDITS), ERR_NONCE);
    assert_int_equal(second_try(200 * CREDITS, 8), OK);
}

static void what_no_block_can_take_gives_way_to_nothing_like_it(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    submit_transfer(&net, v, 0, 1, 200 * CREDITS);
    for (uint64_t i = 0; i < 10; i++) {
        submit_transfer(&net, v, 0, 1, 201 * CREDITS + i);
        assert_refused(v, ERR_NONCE, 0);
    }
    submit_transfer(&net, v, 0, 1, 5); /* the first to be told is the first */
    assert_refused(v, ERR_FUNDS, 0);
    net_close(&net);
}

static void a_double_spend_in_one_step_pays_once(void **state)
{
    struct net net;
    struct test_tx t[2];
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    transfer(&net, &t[0], 0, 0, 60 * CREDITS);
    transfer(&net, &t[1], 0, 1, 60 * CREDITS);
    submit(v, t, 2);
    assert_int_equal(count_of(v, SX_TX_TAKEN), 2);
    /* The second was good alone; after the first there is no money left. */
    const struct said *said = the(v, SX_TX_REFUSED);
    assert_int_equal(said->err, ERR_FUNDS);
    assert_int_equal(said->token, 101);
    settle(v);
    assert_int_equal(chain_tip(v->chain).height, 1);
    test_tx_done(&t[0]);
    test_tx_done(&t[1]);
    net_close(&net);
}

static void an_account_cannot_promise_more_fees_than_it_has(void **state)
{
    struct net net;
    struct test_tx t;
    unsigned taken = 0;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    for (uint64_t nonce = 1; nonce < 10; nonce++) { /* behind a gap */
        test_tx_start(&t, &net.w.genesis.chain, TX_TRANSFER, nonce);
        struct transfer pay = {.to = net.w.users[1].signer.key,
                               .amount = amount_micro(1)};
        t.tx.fee = amount_micro(30 * CREDITS);
        transfer_encode(&pay, &t.payload);
        test_tx_finish(&t, &net.w.users[0]);
        submit(v, &t, 1);
        taken += count_of(v, SX_TX_TAKEN);
        test_tx_done(&t);
    }
    assert_int_equal(taken, 3);
    net_close(&net);
}

/* ---- the validator comes back ---- */

/* Its disk is an old copy: others have blocks with its signature that are not
 * in its log. */
static void a_validator_put_back_does_not_sign_beside_its_own_past(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    struct node *f = net_add(&net, -1);
    net_link(&net, v, f);
    for (uint64_t i = 0; i < 3; i++) {
        submit_transfer(&net, v, 0, i, 5);
        net_settle(&net);
    }
    assert_same_tip(v, f);
    struct store *old;
    assert_int_equal(store_mem_new(&old), OK);
    struct node *back = net_add_on(&net, old, 0, 500);
    submit_transfer(&net, back, 1, 0, 5);
    assert_null(find(back, SX_STORE));
    net_link(&net, back, f);
    net_settle(&net);
    assert_same_tip(back, f);
    for (int i = 0; i < 100; i++) {
        pass(back, 100);
        assert_false(signed_anything(back));
    }
    struct sx_status status;
    sx_status(back->core, &status);
    assert_true(status.twin);
    net_close(&net);
}

static void what_was_decided_but_not_stored_comes_back_from_the_log(
    void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    submit_transfer(&net, v, 0, 0, 5);
    settle(v);
    submit_transfer(&net, v, 0, 1, 5);
    assert_int_equal(chain_head(v->chain).height, 2);
    struct hash decided = chain_head(v->chain).id;
    node_restart(v, WAL_WHOLE); /* before the second block was stored */
    assert_int_equal(chain_head(v->chain).height, 1);
    tick(v);
    settle(v);
    struct chain_tip tip = chain_tip(v->chain);
    assert_int_equal(tip.height, 2);
    assert_int_equal(tip.view, 2);
    assert_true(hash_equal(&tip.id, &decided));
    submit_transfer(&net, v, 0, 2, 5);
    settle(v);
    assert_int_equal(chain_tip(v->chain).view, 3);
    net_close(&net);
}

/* ---- faults ---- */

static enum err sign_badly(void *ctx, const char *tag,
                           const struct hash *digest, struct signature *out)
{
    (void)tag;
    (void)digest;
    memset(out, 1, sizeof(*out));
    return *(enum err *)ctx;
}

static void a_signer_that_fails_stops_the_validator(void **state)
{
    static const enum err errs[] = {OK, ERR_LOCKED};
    static const enum err want[] = {ERR_SIGNATURE, ERR_LOCKED};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct net net;
        enum err err = errs[i];
        net_open(&net, 1, 0, 1);
        struct node *v = net_add(&net, 0);
        net.keys[0].signer.sign = sign_badly;
        net.keys[0].signer.ctx = &err;
        submit_transfer(&net, v, 0, 0, 5);
        assert_int_equal(the(v, SX_HALT)->err, want[i]);
        assert_null(find(v, SX_STORE));
        net_close(&net);
    }
}

static void one_of_several_validators_cannot_decide_alone(void **state)
{
    (void)state;
    for (unsigned n = 2; n <= 4; n++) {
        struct net net;
        net_open(&net, n, 0, 1);
        struct node *v = net_add(&net, 0);
        submit_transfer(&net, v, 0, 0, 5);
        for (int i = 0; i < 1000; i++) {
            pass(v, 50);
            assert_null(find(v, SX_STORE));
            assert_null(find(v, SX_HALT));
        }
        assert_int_equal(chain_head(v->chain).height, 0);
        assert_int_equal(view_of(v), 1);
        net_close(&net);
    }
}

static void money_made_by_a_bug_stops_the_validator(void **state)
{
    struct net net;
    struct test_tx t;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    test_kind_tx(&t, &net.w.genesis.chain, &net.w.users[0], 0, KIND_MINT,
                 net.w.users[0].signer.key.b, 5);
    submit(v, &t, 1);
    assert_int_equal(the(v, SX_HALT)->err, ERR_CONSERVATION);
    assert_null(find(v, SX_STORE));
    test_tx_done(&t);
    net_close(&net);
}

static void every_fault_of_the_store_stops_the_core_cleanly(void **state)
{
    unsigned fail_at = 1;
    bool halted = true;
    (void)state;
    for (; halted; fail_at++) {
        struct net net;
        struct faulty faulty;
        struct store *store;
        struct test_tx t[2];
        net_open(&net, 1, 0, 1);
        assert_int_equal(store_mem_new(&store), OK);
        faulty_init(&faulty, store, ERR_IO);
        struct node *v = net_add_on(&net, &faulty.store, 0, 0);
        transfer(&net, &t[0], 0, 0, 5);
        transfer(&net, &t[1], 1, 0, 5);
        faulty.calls = 0;
        faulty.fail_at = fail_at;
        submit(v, t, 2);
        faulty.fail_at = faulty.calls >= fail_at ? 0 : fail_at;
        halted = faulty.calls >= fail_at;
        /* A fault either refuses one transaction as such or stops the core. */
        for (unsigned i = 0; i < v->said_count; i++) {
            enum err err = v->said[i].err;
            assert_true(err == OK || err == ERR_IO);
        }
        if (halted)
            assert_true(find(v, SX_HALT) != NULL ||
                        count_of(v, SX_TX_REFUSED) > 0);
        else
            assert_int_equal(count_of(v, SX_STORE), 1);
        test_tx_done(&t[0]);
        test_tx_done(&t[1]);
        net_close(&net);
        store_close(store);
    }
    assert_true(fail_at > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_tx_is_final_when_its_block_is_on_the_disk_and_not_before),
        cmocka_unit_test(the_certificate_of_a_block_is_a_real_one),
        cmocka_unit_test(txs_gather_while_a_block_is_being_written),
        cmocka_unit_test(a_full_batch_does_not_wait_for_the_disk),
        cmocka_unit_test(an_idle_network_makes_no_blocks),
        cmocka_unit_test(a_heartbeat_makes_empty_blocks_when_asked_for),
        cmocka_unit_test(blocks_keep_their_distance),
        cmocka_unit_test(a_tx_behind_a_gap_makes_no_empty_blocks),
        cmocka_unit_test(a_refusal_says_why),
        cmocka_unit_test(a_second_try_is_told_that_the_first_is_final),
        cmocka_unit_test(
            a_number_is_its_first_holders_unless_no_block_can_take_that),
        cmocka_unit_test(what_no_block_can_take_gives_way_to_nothing_like_it),
        cmocka_unit_test(a_double_spend_in_one_step_pays_once),
        cmocka_unit_test(an_account_cannot_promise_more_fees_than_it_has),
        cmocka_unit_test(
            a_validator_put_back_does_not_sign_beside_its_own_past),
        cmocka_unit_test(
            what_was_decided_but_not_stored_comes_back_from_the_log),
        cmocka_unit_test(a_signer_that_fails_stops_the_validator),
        cmocka_unit_test(one_of_several_validators_cannot_decide_alone),
        cmocka_unit_test(money_made_by_a_bug_stops_the_validator),
        cmocka_unit_test(every_fault_of_the_store_stops_the_core_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
