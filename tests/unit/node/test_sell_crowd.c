/* Many buyers at one seller at the same time: what fits is held, the rest is
 * refused with what is free, and nothing is promised twice, in any order. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/dice.h"
#include "tests/unit/node/shop_rig.h"

#define CROWD 20u
#define FITS  4u /* 2000m at 500m each; slots would let all in */

static const struct signer *crowd_signer(uint32_t who)
{
    static struct rig_key keys[CROWD];
    struct rig_key *key = &keys[who];
    uint8_t seed[crypto_sign_SEEDBYTES];
    if (key->signer.sign == NULL) {
        assert_true(sodium_init() >= 0);
        memset(seed, (int)(100 + who), sizeof(seed));
        crypto_sign_seed_keypair(key->signer.key.b, key->secret, seed);
        key->signer.sign = rig_sign;
        key->signer.ctx = key;
    }
    return &key->signer;
}

static struct request crowd_request(uint32_t who)
{
    struct request request = rig_request(1);
    struct hash chain = rig_chain();
    request.buyer = crowd_signer(who)->key;
    request.agent = crowd_signer(who)->key;
    assert_int_equal(request_sign(&request, &chain, crowd_signer(who)), OK);
    return request;
}

static void hear_from(struct shop *shop, uint32_t who, struct buf *message)
{
    struct trade_event event = {.kind = TRADE_MESSAGE,
                                .peer = crowd_signer(who)->key,
                                .message = buf_bytes(message)};
    assert_int_equal(message->err, OK);
    step(shop, &event);
    buf_done(message);
}

static void crowd_asks(struct shop *shop, uint32_t who, uint32_t attempt)
{
    struct request request = crowd_request(who);
    struct wire_hold hold = {.task = 0, .attempt = attempt, .rtt_us = 700};
    struct buf bytes;
    struct buf message;
    buf_init(&bytes, REQUEST_BYTES_MAX);
    assert_int_equal(request_encode(&request, &bytes), OK);
    hold.request = buf_bytes(&bytes);
    buf_init(&message, 8192);
    wire_hold_encode(&hold, &message);
    hear_from(shop, who, &message);
    buf_done(&bytes);
}

static void crowd_releases(struct shop *shop, uint32_t who)
{
    struct request request = crowd_request(who);
    struct wire_hold_key key = {.request = rig_request_id(&request)};
    struct buf message;
    buf_init(&message, 256);
    wire_hold_release_encode(&key, &message);
    hear_from(shop, who, &message);
}

static int roomy(void **state)
{
    struct shop *shop;
    if (setup(state) != 0)
        return -1;
    shop = *state;
    shop->config.slots = 100;
    shop->config.total.disk_mib = 100000;
    sell_configure(shop->sell, &shop->config);
    return 0;
}

/* Cores of all holds and contracts, added up from what is shown of each. */
static uint32_t promised_cpu(const struct shop *shop)
{
    struct sell_capacity capacity;
    sell_capacity(shop->sell, &capacity);
    return capacity.held.cpu_milli + capacity.running.cpu_milli;
}

static void draw_order(uint32_t *order, struct dice *dice)
{
    for (uint32_t i = 0; i < CROWD; i++)
        order[i] = i;
    for (uint32_t i = CROWD; i > 1; i--) {
        uint32_t k = (uint32_t)dice_below(dice, i);
        uint32_t swap = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swap;
    }
}

static void of_twenty_buyers_at_once_exactly_four_hold(void **state)
{
    struct shop *shop = *state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        uint32_t order[CROWD];
        uint32_t quoted = 0;
        struct dice dice;
        dice_init(&dice, seed);
        draw_order(order, &dice);
        for (uint32_t i = 0; i < CROWD; i++) {
            crowd_asks(shop, order[i], 0);
            if (rig_sent(&shop->fx, WIRE_QUOTE) != NULL) {
                quoted++;
                assert_true(i < FITS); /* in the order of arrival */
                continue;
            }
            refused_with(shop, ERR_CAPACITY);
            assert_int_equal(refusal_of(shop).free.cpu_milli, 0);
        }
        assert_int_equal(quoted, FITS);
        assert_int_equal(promised_cpu(shop), 2000);
        teardown(state);
        assert_int_equal(roomy(state), 0);
        shop = *state;
    }
}

static void who_was_refused_gets_what_another_lets_go(void **state)
{
    struct shop *shop = *state;
    uint32_t quoted = 0;
    for (uint32_t who = 0; who < CROWD; who++)
        crowd_asks(shop, who, 0);
    crowd_releases(shop, 1);
    crowd_asks(shop, 9, 1);
    refused_with(shop, ERR_CAPACITY); /* a contract could still turn up */
    at(shop, shop->now_ms + 3001);
    for (uint32_t who = FITS; who < CROWD; who++) {
        crowd_asks(shop, who, 1);
        quoted += rig_sent(&shop->fx, WIRE_QUOTE) != NULL;
    }
    assert_int_equal(quoted, 1);
    assert_int_equal(promised_cpu(shop), 2000);
}

/* Asking, asking again, letting go, time, and a seller that is killed and comes
 * back, in any order: a ledger of the quotes that still stand never says more
 * than there is. */
static void no_order_of_holds_promises_more_than_there_is(void **state)
{
    struct shop *shop = *state;
    uint32_t full = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        uint64_t stands_until[CROWD][3] = {{0}};
        struct dice dice;
        dice_init(&dice, seed);
        for (uint32_t i = 0; i < 120; i++) {
            uint32_t who = (uint32_t)dice_below(&dice, CROWD);
            uint32_t attempt = (uint32_t)dice_below(&dice, 3);
            uint64_t what = dice_below(&dice, 100);
            uint32_t stand = 0;
            if (what < 60) {
                crowd_asks(shop, who, attempt);
                if (rig_sent(&shop->fx, WIRE_QUOTE) != NULL)
                    stands_until[who][attempt] = quote_of(shop).expires_at_ms;
            } else if (what < 75) {
                crowd_releases(shop, who); /* of attempt 0 */
                stands_until[who][0] = 0;
            } else if (what < 80) {
                restart(shop);
                sell_configure(shop->sell, &shop->config);
            } else {
                at(shop, shop->now_ms + dice_below(&dice, 60000));
            }
            for (uint32_t k = 0; k < CROWD; k++)
                for (uint32_t a = 0; a < 3; a++)
                    stand += stands_until[k][a] > shop->now_ms;
            assert_true(stand <= FITS);
            assert_true(promised_cpu(shop) <= 2000);
            full += stand == FITS;
        }
        teardown(state);
        assert_int_equal(roomy(state), 0);
        shop = *state;
    }
    assert_true(full > 400); /* it was at the limit, often */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            of_twenty_buyers_at_once_exactly_four_hold, roomy, teardown),
        cmocka_unit_test_setup_teardown(
            who_was_refused_gets_what_another_lets_go, roomy, teardown),
        cmocka_unit_test_setup_teardown(
            no_order_of_holds_promises_more_than_there_is, roomy, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
