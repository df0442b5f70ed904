#include "fixture.h"

#include "kinds.h"
#include "node_by_hand.h"
#include "puppets.h"

/* ---- following ---- */

static void a_follower_stores_what_it_executed_itself(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    struct node *f = net_add(&net, -1);
    net_link(&net, v, f);
    net_deliver(&net);
    for (uint64_t i = 0; i < 12; i++) {
        submit_transfer(&net, v, 0, i, 5);
        settle(v);
        net_deliver(&net);
        assert_int_equal(f->batch_count, 1);
        assert_int_equal(chain_tip(f->chain).height, i);
        disk(f);
        assert_int_equal(the(f, SX_FINAL)->height, i + 1);
        assert_same_tip(v, f);
    }
    assert_int_equal(chain_audit_state(f->chain), OK);
    net_close(&net);
}

static void a_block_goes_from_follower_to_follower(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    struct node *f = net_add(&net, -1);
    struct node *g = net_add(&net, -1);
    net_link(&net, v, f);
    net_link(&net, f, g);
    for (uint64_t i = 0; i < 7; i++) {
        submit_transfer(&net, v, 0, i, 5);
        net_settle(&net);
        assert_same_tip(v, g);
    }
    net_close(&net);
}

static void a_follower_asks_for_what_it_misses(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    struct node *f = net_add(&net, -1);
    for (uint64_t i = 0; i < 100; i++) {
        submit_transfer(&net, v, 0, i, 5);
        settle(v);
    }
    net_link(&net, v, f);
    net_live(&net, 2000);
    assert_same_tip(v, f);
    for (int i = 0; i < 20; i++) { /* and then it is quiet */
        pass(f, 1000);
        assert_int_equal(sent_count(f, SX_MSG_GET_FINALS), 0);
        assert_int_equal(sent_count(f, SX_MSG_GET_BLOCK), 0);
    }
    net_close(&net);
}

/* A height that somebody says is a hint whom to ask, no more. */
static void an_empty_promise_is_forgotten(void **state)
{
    struct net net;
    struct sx_msg status = {
        .tag = SX_MSG_STATUS, .epoch = 1, .view = 1, .height = UINT64_MAX};
    unsigned asked = 0;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *f = net_add(&net, -1);
    puppets_link(f);
    hear(f, 0, &status);
    for (int i = 0; i < 30; i++) {
        asked += sent_count(f, SX_MSG_GET_FINALS);
        assert_null(find(f, SX_PEER_BAD));
        pass(f, 1000);
    }
    assert_int_equal(asked, 5);
    assert_int_equal(chain_head(f->chain).height, 0);
    net_close(&net);
}

/* A run of one block as the validator's key can make it. */
struct forged {
    struct buf header;
    struct buf block;
    struct buf cert;
};

/* A block of the validator's own hand: header as `change` makes it, really
 * certified. */
static void forge(struct net *net, struct forged *out,
                  void (*change)(struct header *header))
{
    struct candidate *candidate = block_by(net, 0, NULL);
    struct block block = *candidate_block(candidate);
    uint8_t raw[HEADER_BYTES];
    struct cert cert;
    change(&block.header);
    header_id(&block.header, &block.id);
    test_certify(net->w.chain, &net->keys[0], &block, &cert);
    buf_init(&out->header, HEADER_BYTES);
    buf_init(&out->block, LIMIT_BLOCK_BYTES);
    buf_init(&out->cert, CERT_BYTES_MAX);
    header_encode(&block.header, raw);
    buf_add(&out->header, BYTES_OF(raw));
    block_encode(&block.header, NULL, 0, NULL, 0, &out->block);
    cert_encode(&cert, &out->cert);
    candidate_free(candidate);
}

static void give_forged(struct node *to, const struct forged *forged)
{
    struct sx_msg msg = {.tag = SX_MSG_FINALS,
                         .height = 1,
                         .headers = buf_bytes(&forged->header),
                         .header_count = 1,
                         .cert = buf_bytes(&forged->cert),
                         .blocks = {buf_bytes(&forged->block)},
                         .block_count = 1};
    hear(to, 0, &msg);
}

static void forged_done(struct forged *forged)
{
    buf_done(&forged->header);
    buf_done(&forged->block);
    buf_done(&forged->cert);
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
    net_open(&net, 1, 0, 1);
    struct node *f = net_add(&net, -1);
    puppets_link(f);
    forge(&net, &forged, change_nothing);
    forged.header.ptr[60] ^= 1; /* another header than the certified one */
    give_forged(f, &forged);
    assert_blamed(f, 0, ERR_QUORUM);
    forged.header.ptr[60] ^= 1;
    forged.header.ptr[3] ^= 1; /* of another chain */
    give_forged(f, &forged);
    assert_blamed(f, 0, ERR_CHAIN);
    forged.header.ptr[3] ^= 1;
    forged.cert.ptr[forged.cert.len - 1] ^= 1;
    give_forged(f, &forged);
    assert_blamed(f, 0, ERR_SIGNATURE);
    forged.cert.ptr[forged.cert.len - 1] ^= 1;
    forged_done(&forged);
    net_close(&net);
}

/* The certificate and the header are good: the decision stands, and the body
 * is asked for. */
static void a_block_with_a_wrong_body_is_blamed_and_asked_for_again(
    void **state)
{
    struct net net;
    struct forged forged;
    struct sx_msg asked;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *f = net_add(&net, -1);
    puppets_link(f);
    forge(&net, &forged, change_nothing);
    forged.block.ptr[forged.block.len - 1] = 1; /* the body is cut off */
    give_forged(f, &forged);
    assert_blamed(f, 0, ERR_RANGE);
    assert_true(sent(f, SX_MSG_GET_BLOCK, 0, &asked));
    struct sx_msg bad = {.tag = SX_MSG_BLOCK,
                         .block = buf_bytes(&forged.block)};
    hear(f, 0, &bad);
    assert_blamed(f, 0, ERR_RANGE);
    forged.block.ptr[forged.block.len - 1] = 0;
    bad.block.len = HEADER_BYTES - 1;
    hear(f, 0, &bad);
    assert_blamed(f, 0, ERR_TRUNCATED);
    pass(f, 1000);
    assert_true(sent(f, SX_MSG_GET_BLOCK, 0, &asked));
    struct sx_msg good = {.tag = SX_MSG_BLOCK,
                          .block = buf_bytes(&forged.block)};
    hear(f, 0, &good);
    assert_null(find(f, SX_PEER_BAD));
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
    net_open(&net, 1, 0, 1);
    struct node *f = net_add(&net, -1);
    puppets_link(f);
    forge(&net, &forged, lie_about_the_state);
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
    net_open(&net, 1, 0, 1);
    struct node *f = net_add(&net, -1);
    puppets_link(f);
    forge(&net, &forged, another_epoch);
    give_forged(f, &forged);
    assert_null(find(f, SX_STORE));
    assert_null(find(f, SX_HALT));
    assert_int_equal(chain_head(f->chain).height, 0);
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
    net_open(&net, 1, 0, 1);
    struct node *f = net_add(&net, -1);
    puppets_link(f);
    forge(&net, &one, change_nothing);
    forge(&net, &two, another_time);
    give_forged(f, &one);
    disk(f);
    give_forged(f, &one); /* again: nothing happens */
    assert_int_equal(f->said_count, 0);
    two.cert.ptr[two.cert.len - 1] ^= 1;
    give_forged(f, &two); /* not certified: the peer's fault */
    assert_blamed(f, 0, ERR_QUORUM);
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
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    struct node *f = net_add(&net, -1);
    transfer(&net, &t, 0, 0, 5);
    submit(f, &t, 1);
    assert_non_null(find(f, SX_TX_TAKEN));
    assert_true(bytes_equal(buf_bytes(&the(f, SX_TX_TAKEN)->bytes),
                            buf_bytes(&t.bytes)));
    assert_null(find(f, SX_STORE));
    assert_int_equal(f->wake_ms, net.now_ms + 2000);
    pass(f, 2000); /* the first message was lost */
    assert_int_equal(count_of(f, SX_RELAY), 1);
    assert_true(
        bytes_equal(buf_bytes(&the(f, SX_RELAY)->bytes), buf_bytes(&t.bytes)));
    net_link(&net, v, f);
    submit(v, &t, 1);
    net_settle(&net);
    assert_int_equal(pool_count(sx_pool(f->core)), 0);
    pass(f, 2000);
    assert_null(find(f, SX_RELAY));
    test_tx_done(&t);
    net_close(&net);
}

/* Decided is not stored yet: what the block holds is neither stale nor new. */
static void a_tx_that_is_decided_is_not_refused_before_it_is_stored(
    void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    struct node *f = net_add(&net, -1);
    net_link(&net, v, f);
    net_deliver(&net);
    submit_transfer(&net, f, 0, 0, 5);
    submit_transfer(&net, v, 0, 0, 5);
    settle(v);
    net_deliver(&net);
    assert_int_equal(f->batch_count, 1);
    pass(f, 2000); /* time to look through what waits */
    assert_null(find(f, SX_TX_REFUSED));
    assert_null(find(f, SX_RELAY));
    disk(f);
    assert_int_equal(the(f, SX_FINAL)->height, 1);
    assert_null(find(f, SX_TX_REFUSED));
    assert_int_equal(pool_count(sx_pool(f->core)), 0);
    net_close(&net);
}

/* The disk has taken two runs before the core hears of the first. */
static void a_tx_of_the_next_run_is_not_stale_where_the_disk_is_ahead(
    void **state)
{
    struct net net;
    uint64_t heights[2];
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    struct node *f = net_add(&net, -1);
    net_link(&net, v, f);
    net_deliver(&net);
    for (uint64_t i = 0; i < 2; i++)
        submit_transfer(&net, f, 0, i, 5);
    for (uint64_t i = 0; i < 2; i++) {
        submit_transfer(&net, v, 0, i, 5);
        settle(v);
        net_deliver(&net);
    }
    assert_int_equal(f->batch_count, 2);
    for (int i = 0; i < 2; i++) {
        heights[i] = store_batch_height(f->batches[i]);
        assert_int_equal(store_commit(f->store, f->batches[i]), OK);
        store_batch_free(f->batches[i]);
    }
    f->batch_count = 0;
    for (int i = 0; i < 2; i++) {
        step(f, (struct sx_event){.kind = SX_EV_STORED, .height = heights[i]});
        assert_null(find(f, SX_TX_REFUSED));
        assert_int_equal(the(f, SX_FINAL)->height, heights[i]);
    }
    assert_int_equal(pool_count(sx_pool(f->core)), 0);
    net_close(&net);
}

static void a_tx_that_comes_after_its_block_is_there_already(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    struct node *f = net_add(&net, -1);
    net_link(&net, v, f);
    net_deliver(&net);
    submit_transfer(&net, v, 0, 0, 5);
    settle(v);
    net_deliver(&net);
    submit_transfer(&net, f, 0, 0, 5);
    assert_int_equal(the(f, SX_TX_REFUSED)->err, ERR_EXISTS);
    disk(f);
    submit_transfer(&net, f, 0, 0, 5);
    assert_int_equal(the(f, SX_TX_REFUSED)->err, ERR_EXISTS);
    assert_int_equal(the(f, SX_TX_REFUSED)->height, 1);
    net_close(&net);
}

static void a_followers_tx_that_became_impossible_is_refused(void **state)
{
    struct net net;
    (void)state;
    net_open(&net, 1, 0, 1);
    struct node *v = net_add(&net, 0);
    struct node *f = net_add(&net, -1);
    net_link(&net, v, f);
    submit_transfer(&net, f, 0, 0, 5);
    submit_transfer(&net, f, 1, 0, 60 * CREDITS);
    submit_transfer(&net, f, 1, 1, 60 * CREDITS);
    submit_transfer(&net, v, 0, 0, 6); /* the same nonce, elsewhere */
    settle(v);
    net_deliver(&net);
    disk(f);
    assert_int_equal(the(f, SX_TX_REFUSED)->err, ERR_NONCE);
    submit_transfer(&net, v, 1, 0, 60 * CREDITS);
    settle(v);
    net_deliver(&net);
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

/* A lossy line from the validator to the follower. */
static void random_traffic(struct net *net, struct node *to, uint64_t *seed)
{
    to->cut = test_random(seed) % 5 == 0;
    for (uint64_t n = test_random(seed) % 6; n > 0 && deliver_one(net); n--) {
        assert_null(find(to, SX_HALT));
        assert_null(find(to, SX_PEER_BAD));
    }
    to->cut = false;
}

static void at_random_everybody_ends_with_the_same_chain(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 4; round++) {
        struct net net;
        uint64_t seed = round * 104729;
        uint64_t nonce[USERS] = {0};
        struct verify_report report;
        net_open(&net, 1, round % 2 == 0 ? 50 : 0, 1 + round);
        struct node *v = net_add(&net, 0);
        struct node *f = net_add(&net, -1);
        net_link(&net, v, f);
        for (int i = 0; i < 400; i++) {
            uint64_t dice = test_random(&seed) % 8;
            if (dice < 3)
                random_load(&net, v, &seed, nonce);
            else if (dice < 5 && v->batch_count > 0)
                disk(v);
            else if (dice < 6)
                pass(test_random(&seed) % 2 == 0 ? v : f,
                     test_random(&seed) % 30);
            else if (dice < 7 && f->batch_count > 0)
                disk(f);
            else
                random_traffic(&net, f, &seed);
            assert_false(v->halted || f->halted);
        }
        net_live(&net, 20000);
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
        cmocka_unit_test(a_block_goes_from_follower_to_follower),
        cmocka_unit_test(a_follower_asks_for_what_it_misses),
        cmocka_unit_test(an_empty_promise_is_forgotten),
        cmocka_unit_test(a_peer_is_blamed_for_what_does_not_hold),
        cmocka_unit_test(
            a_block_with_a_wrong_body_is_blamed_and_asked_for_again),
        cmocka_unit_test(
            a_certified_block_that_does_not_execute_stops_the_node),
        cmocka_unit_test(a_certificate_of_another_epoch_does_not_count),
        cmocka_unit_test(two_certified_blocks_of_one_height_stop_the_node),
        cmocka_unit_test(a_followers_tx_is_handed_on_until_it_is_final),
        cmocka_unit_test(
            a_tx_that_is_decided_is_not_refused_before_it_is_stored),
        cmocka_unit_test(
            a_tx_of_the_next_run_is_not_stale_where_the_disk_is_ahead),
        cmocka_unit_test(a_tx_that_comes_after_its_block_is_there_already),
        cmocka_unit_test(a_followers_tx_that_became_impossible_is_refused),
        cmocka_unit_test(at_random_everybody_ends_with_the_same_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
