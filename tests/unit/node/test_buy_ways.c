/* The buyer and the balance of links: what its own tasks were promised on the
 * measured ways decides where the next one goes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/desk_rig.h"

static void offer(struct desk *desk, enum rig_actor seller, uint64_t cpu_hour)
{
    struct hash chain = rig_chain();
    struct trade_event event = {.kind = TRADE_OFFER,
                                .peer = rig_key_of(seller)};
    struct resources all = {4000, 4096, 4096, 1000000};
    struct offer o = {.version = desk->now_ms,
                      .issued_at_ms = desk->now_ms,
                      .ttl_ms = 600000,
                      .address = "10.0.0.2:7000",
                      .arch = ARCH_X86_64,
                      .total = all,
                      .free = all,
                      .slots_free = 8,
                      .time_ms_max = 600000,
                      .price = rig_price()};
    o.price.cpu_hour = amount_micro(cpu_hour);
    assert_int_equal(offer_sign(&o, &chain, rig_signer(seller)), OK);
    assert_int_equal(
        book_offer_put(buy_book(desk->buy), &o, desk->now_ms, desk->now_ms),
        OK);
    step(desk, &event);
}

static struct graph_road road_to(enum rig_actor seller, uint64_t kbps)
{
    return (struct graph_road){.a = rig_key_of(seller),
                               .b = rig_key_of(RIG_AGENT),
                               .kbps = kbps,
                               .delay_us = 100,
                               .risk_nn = 1};
}

/* A job of its own, and the provider that it asks for a hold. */
static enum rig_actor goes_to(struct desk *desk, uint8_t salt)
{
    struct pubkey seller = rig_key_of(RIG_SELLER);
    struct pubkey got;
    memset(desk->request.salt, salt, sizeof(desk->request.salt));
    assert_int_equal(submit(desk), OK);
    got = buy_job(desk->buy, &desk->id)->tasks[0].provider;
    assert_false(pubkey_is_zero(&got));
    return pubkey_equal(&got, &seller) ? RIG_SELLER : RIG_OTHER;
}

static void wants(struct desk *desk, uint64_t nic_kbit)
{
    struct buf bytes;
    desk->spec.resources.nic_kbit = nic_kbit;
    desk->request.resources.nic_kbit = nic_kbit;
    rig_spec_bytes(&desk->spec, &bytes);
    spec_hash(buf_bytes(&bytes), &desk->request.spec);
    buf_done(&bytes);
    desk->request.policy = POLICY_BALANCED;
    desk->request.terms.weights[PART_LINK] = 1;
}

static void what_is_promised_on_a_way_fills_it(void **state)
{
    struct desk *desk = *state;
    struct graph_road roads[2] = {road_to(RIG_SELLER, 10000),
                                  road_to(RIG_OTHER, 10000)};
    offer(desk, RIG_SELLER, 20000); /* the cheaper one */
    offer(desk, RIG_OTHER, 30000);
    assert_int_equal(buy_roads_set(desk->buy, roads, 2), OK);
    wants(desk, 4000);
    assert_int_equal(goes_to(desk, 1), RIG_SELLER);
    assert_int_equal(goes_to(desk, 2), RIG_OTHER);
    assert_int_equal(goes_to(desk, 3), RIG_SELLER);
    assert_int_equal(goes_to(desk, 4), RIG_OTHER);
}

static void what_ended_uses_nothing_any_more(void **state)
{
    struct desk *desk = *state;
    struct graph_road roads[2] = {road_to(RIG_SELLER, 10000),
                                  road_to(RIG_OTHER, 10000)};
    offer(desk, RIG_SELLER, 20000);
    offer(desk, RIG_OTHER, 30000);
    assert_int_equal(buy_roads_set(desk->buy, roads, 2), OK);
    wants(desk, 4000);
    assert_int_equal(goes_to(desk, 1), RIG_SELLER);
    assert_int_equal(cancel(desk, UINT32_MAX), OK);
    assert_int_equal(goes_to(desk, 2), RIG_SELLER);
}

static void a_way_that_is_no_longer_measured_is_not_good(void **state)
{
    struct desk *desk = *state;
    struct graph_road roads[2] = {road_to(RIG_SELLER, 10000),
                                  road_to(RIG_OTHER, 10000)};
    offer(desk, RIG_SELLER, 20000);
    offer(desk, RIG_OTHER, 30000);
    assert_int_equal(buy_roads_set(desk->buy, roads, 2), OK);
    assert_int_equal(buy_roads_set(desk->buy, &roads[1], 1), OK);
    wants(desk, 4000);
    assert_int_equal(goes_to(desk, 1), RIG_OTHER);
    assert_int_equal(goes_to(desk, 2), RIG_OTHER);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_promised_on_a_way_fills_it),
        T(what_ended_uses_nothing_any_more),
        T(a_way_that_is_no_longer_measured_is_not_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
