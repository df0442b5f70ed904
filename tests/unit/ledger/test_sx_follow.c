#include "fixture.h"

#include "kinds.h"
#include "node_by_hand.h"

/* ---- following ---- */

static void a_follower_stores_what_it_executed_itself(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    struct node *f = net_add(&net, false);
    for (uint64_t i = 0; i < 12; i++) {
        submit_transfer(&net, v, 0, i, 5);
        settle(v);
        give_block_from(f, v, i + 1);
        assert_null(find(f, SX_FINAL));
        disk(f);
        assert_int_equal(the(f, SX_FINAL)->height, i + 1);
        assert_int_equal(the(f, SX_SEND)->height, i + 1);
        assert_same_tip(v, f);
    }
    assert_int_equal(chain_audit_state(f->chain), OK);
    net_close(&net);
}

static void a_follower_asks_for_what_it_misses(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    struct node *f = net_add(&net, false);
    for (uint64_t i = 0; i < 40; i++) {
        submit_transfer(&net, v, 0, i, 5);
        settle(v);
    }
    give_block_from(f, v, 40);
    assert_int_equal(the(f, SX_FETCH)->height, 1);
    assert_int_equal(the(f, SX_FETCH)->peer, 7);
    uint64_t asked = 1;
    for (int rounds = 0; chain_tip(f->chain).height < 40; rounds++) {
        assert_true(rounds < 20);
        for (uint64_t h = asked; h < asked + SX_FETCH_BLOCKS && h <= 40; h++)
            give_block_from(f, v, h); /* more than may be in flight */
        uint64_t next = 0;
        while (f->batch_count > 0) {
            disk(f);
            if (find(f, SX_FETCH) != NULL)
                next = the(f, SX_FETCH)->height;
        }
        if (next == 0 && chain_tip(f->chain).height < 40) {
            pass(f, 1000);
            assert_non_null(find(f, SX_FETCH));
            next = the(f, SX_FETCH)->height;
        }
        asked = next;
    }
    assert_same_tip(v, f);
    pass(f, 10000);
    assert_null(find(f, SX_FETCH));
    net_close(&net);
}

static void an_empty_promise_is_forgotten(void **state)
{
    struct net net;
    unsigned asked = 0;
    (void)state;
    net_open(&net, 0, 1);
    struct node *f = net_add(&net, false);
    step(f, (struct sx_event){
                .kind = SX_EV_PEER, .peer = 9, .height = UINT64_MAX});
    for (int i = 0; i < 30; i++) {
        asked += count_of(f, SX_FETCH);
        pass(f, 1000);
    }
    assert_int_equal(asked, 5);
    assert_null(find(f, SX_WAKE));
    net_close(&net);
}

struct forged {
    struct buf block;
    struct buf cert;
};

/* A block of the validator's own hand: header as `change` makes it, really
 * certified. */
static void forge(struct net *net, struct node *v, struct forged *out,
                  void (*change)(struct header *header))
{
    struct candidate *candidate;
    struct chain_drops drops;
    struct cert cert;
    struct pool *pool;
    struct block block;
    assert_int_equal(pool_new(NULL, &pool), OK);
    assert_int_equal(chain_build(v->chain, NULL, pool, NULL, 0, v->wall_ms,
                                 &net->w.validator.signer.key, &drops,
                                 &candidate),
                     OK);
    block = *candidate_block(candidate);
    change(&block.header);
    header_id(&block.header, &block.id);
    test_certify(v->chain, &net->w.validator, &block, &cert);
    buf_init(&out->block, LIMIT_BLOCK_BYTES);
    buf_init(&out->cert, CERT_BYTES_MAX);
    block_encode(&block.header, NULL, 0, NULL, 0, &out->block);
    cert_encode(&cert, &out->cert);
    candidate_free(candidate);
    pool_free(pool);
}

static void give_forged(struct node *to, const struct forged *forged)
{
    step(to, (struct sx_event){.kind = SX_EV_BLOCK,
                               .peer = 8,
                               .block = buf_bytes(&forged->block),
                               .cert = buf_bytes(&forged->cert)});
}

static void forged_done(struct forged *forged)
{
    buf_done(&forged->block);
    buf_done(&forged->cert);
}

static void assert_blamed(struct node *node, enum err err)
{
    assert_non_null(find(node, SX_PEER_BAD));
    assert_int_equal(the(node, SX_PEER_BAD)->err, err);
    assert_int_equal(the(node, SX_PEER_BAD)->peer, 8);
    assert_null(find(node, SX_STORE));
    assert_null(find(node, SX_HALT));
}

static void change_nothing(struct header *header)
{
    (void)header;
}

static void a_peer_is_blamed_for_what_does_not_hold(void **state)
{
    struct net net;
    struct forged forged;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    struct node *f = net_add(&net, false);
    forge(&net, v, &forged, change_nothing);
    forged.block.ptr[60] ^= 1; /* another header than the certified one */
    give_forged(f, &forged);
    assert_blamed(f, ERR_QUORUM);
    forged.block.ptr[60] ^= 1;
    forged.cert.ptr[forged.cert.len - 1] ^= 1;
    give_forged(f, &forged);
    assert_blamed(f, ERR_SIGNATURE);
    forged.cert.ptr[forged.cert.len - 1] ^= 1;
    forged.block.ptr[forged.block.len - 1] = 1; /* the body is cut off */
    give_forged(f, &forged);
    assert_blamed(f, ERR_RANGE);
    forged.block.ptr[forged.block.len - 1] = 0;
    forged.block.len = 100;
    give_forged(f, &forged);
    assert_blamed(f, ERR_TRUNCATED);
    forged.block.len = HEADER_BYTES + 6;
    give_forged(f, &forged);
    assert_int_equal(count_of(f, SX_STORE), 1);
    forged_done(&forged);
    net_close(&net);
}

static void lie_about_the_state(struct header *header)
{
    header->state_root.b[0] ^= 1;
}

static void a_certified_block_that_does_not_execute_stops_the_node(void **state)
{
    struct net net;
    struct forged forged;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    struct node *f = net_add(&net, false);
    forge(&net, v, &forged, lie_about_the_state);
    give_forged(f, &forged);
    assert_non_null(find(f, SX_HALT));
    assert_int_equal(the(f, SX_HALT)->err, ERR_ROOT);
    assert_null(find(f, SX_STORE));
    pass(f, 1); /* for good */
    assert_int_equal(the(f, SX_HALT)->err, ERR_ROOT);
    forged_done(&forged);
    net_close(&net);
}

static void another_epoch(struct header *header)
{
    header->epoch++;
}

static void a_certificate_of_another_epoch_does_not_count(void **state)
{
    struct net net;
    struct forged forged;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    struct node *f = net_add(&net, false);
    forge(&net, v, &forged, another_epoch);
    give_forged(f, &forged);
    assert_blamed(f, ERR_QUORUM);
    forged_done(&forged);
    net_close(&net);
}

static void another_time(struct header *header)
{
    header->time_ms += 5;
}

static void two_certified_blocks_of_one_height_stop_the_node(void **state)
{
    struct net net;
    struct forged one;
    struct forged two;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    struct node *f = net_add(&net, false);
    forge(&net, v, &one, change_nothing);
    forge(&net, v, &two, another_time);
    give_forged(f, &one);
    disk(f);
    give_forged(f, &one); /* again: nothing happens */
    assert_int_equal(f->said_count, 0);
    two.cert.ptr[two.cert.len - 1] ^= 1;
    give_forged(f, &two); /* not certified: the peer's fault */
    assert_blamed(f, ERR_QUORUM);
    two.cert.ptr[two.cert.len - 1] ^= 1;
    give_forged(f, &two);
    assert_int_equal(the(f, SX_HALT)->err, ERR_PARENT);
    forged_done(&one);
    forged_done(&two);
    net_close(&net);
}

static void a_followers_tx_is_handed_on_until_it_is_final(void **state)
{
    struct net net;
    struct test_tx t;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    struct node *f = net_add(&net, false);
    transfer(&net, &t, 0, 0, 5);
    submit(f, &t, 1);
    assert_non_null(find(f, SX_TX_TAKEN));
    assert_true(bytes_equal(buf_bytes(&the(f, SX_TX_TAKEN)->block),
                            buf_bytes(&t.bytes)));
    assert_null(find(f, SX_STORE));
    assert_int_equal(the(f, SX_WAKE)->at_ms, f->mono_ms + 2000);
    pass(f, 2000); /* the first message was lost */
    assert_int_equal(count_of(f, SX_RELAY), 1);
    assert_true(
        bytes_equal(buf_bytes(&the(f, SX_RELAY)->block), buf_bytes(&t.bytes)));
    submit(v, &t, 1);
    settle(v);
    give_block_from(f, v, 1);
    disk(f);
    assert_int_equal(pool_count(sx_pool(f->core)), 0);
    pass(f, 2000);
    assert_null(find(f, SX_RELAY));
    test_tx_done(&t);
    net_close(&net);
}

static void a_followers_tx_that_became_impossible_is_refused(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 0, 1);
    struct node *v = net_add(&net, true);
    struct node *f = net_add(&net, false);
    submit_transfer(&net, f, 0, 0, 5);
    submit_transfer(&net, f, 1, 0, 60 * CREDITS);
    submit_transfer(&net, f, 1, 1, 60 * CREDITS);
    submit_transfer(&net, v, 0, 0, 6); /* the same nonce, elsewhere */
    settle(v);
    submit_transfer(&net, v, 1, 0, 60 * CREDITS);
    settle(v);
    give_block_from(f, v, 1);
    disk(f);
    assert_int_equal(the(f, SX_TX_REFUSED)->err, ERR_NONCE);
    give_block_from(f, v, 2);
    disk(f);
    assert_null(find(f, SX_TX_REFUSED));
    pass(f, 2000);
    assert_int_equal(the(f, SX_TX_REFUSED)->err, ERR_FUNDS);
    assert_int_equal(pool_count(sx_pool(f->core)), 0);
    net_close(&net);
}

/* ---- all together, at random ---- */

static void random_load(struct net *net, struct node *node, uint64_t *seed,
                        uint64_t nonce[USERS])
{
    unsigned from = (unsigned)(test_random(seed) % USERS);
    struct account account;
    assert_int_equal(account_get(chain_head_state(node->chain),
                                 &net->w.users[from].signer.key, &account),
                     OK);
    if (nonce[from] < account.nonce || test_random(seed) % 8 == 0)
        nonce[from] = account.nonce;
    uint64_t amount = test_random(seed) % 5 == 0 ? 90 * CREDITS : 7;
    submit_transfer(net, node, from, nonce[from]++, amount);
}

/* A lossy, reordering line from the validator to the follower. */
static void random_traffic(struct node *from, struct node *to, uint64_t *seed)
{
    uint64_t height = chain_tip(from->chain).height;
    if (height == 0)
        return;
    switch (test_random(seed) % 4) {
    case 0:
        give_block_from(to, from, 1 + test_random(seed) % height);
        break;
    case 1:
        give_block_from(to, from, height);
        break;
    case 2:
        if (chain_head(to->chain).height < height)
            give_block_from(to, from, chain_head(to->chain).height + 1);
        break;
    default:
        pass(to, test_random(seed) % 1500);
    }
    assert_null(find(to, SX_HALT));
    assert_null(find(to, SX_PEER_BAD));
}

static void at_random_everybody_ends_with_the_same_chain(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 4; round++) {
        struct net net;
        uint64_t seed = round * 104729;
        uint64_t nonce[USERS] = {0};
        struct verify_report report;
        net_open(&net, round % 2 == 0 ? 50 : 0, 1 + round);
        struct node *v = net_add(&net, true);
        struct node *f = net_add(&net, false);
        for (int i = 0; i < 400; i++) {
            uint64_t dice = test_random(&seed) % 8;
            if (dice < 3)
                random_load(&net, v, &seed, nonce);
            else if (dice < 5 && v->batch_count > 0)
                disk(v);
            else if (dice < 6)
                pass(v, test_random(&seed) % 30);
            else if (dice < 7 && f->batch_count > 0)
                disk(f);
            else
                random_traffic(v, f, &seed);
            assert_null(find(v, SX_HALT));
        }
        settle(v);
        settle(f);
        while (chain_tip(f->chain).height < chain_tip(v->chain).height) {
            give_block_from(f, v, chain_tip(f->chain).height + 1);
            settle(f);
        }
        assert_same_tip(v, f);
        assert_true(chain_tip(v->chain).height > 10);
        assert_int_equal(chain_audit_money(f->chain), OK);
        assert_int_equal(chain_audit_state(f->chain), OK);
        assert_int_equal(chain_verify(f->store, &net.w.genesis, &test_table,
                                      NULL, NULL, NULL, &report),
                         OK);
        net_close(&net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_follower_stores_what_it_executed_itself),
        cmocka_unit_test(a_follower_asks_for_what_it_misses),
        cmocka_unit_test(an_empty_promise_is_forgotten),
        cmocka_unit_test(a_peer_is_blamed_for_what_does_not_hold),
        cmocka_unit_test(
            a_certified_block_that_does_not_execute_stops_the_node),
        cmocka_unit_test(a_certificate_of_another_epoch_does_not_count),
        cmocka_unit_test(two_certified_blocks_of_one_height_stop_the_node),
        cmocka_unit_test(a_followers_tx_is_handed_on_until_it_is_final),
        cmocka_unit_test(a_followers_tx_that_became_impossible_is_refused),
        cmocka_unit_test(at_random_everybody_ends_with_the_same_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
