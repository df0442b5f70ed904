#include "market/tape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/market/book_sample.h"

static uint64_t seed;

static uint64_t below(uint64_t bound)
{
    uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % bound;
}

static void offer(struct tape *tape, uint64_t at_ms, unsigned k, uint64_t price,
                  uint64_t rtt_us)
{
    struct offer o = sample_offer(k, 1);
    o.price = sample_price(price, 100, 10);
    o.slots_free = 4;
    assert_int_equal(tape_add_offer(tape, at_ms, &o, rtt_us), OK);
}

static void request(struct tape *tape, uint64_t at_ms, uint32_t tasks,
                    uint64_t run_ms)
{
    struct request r = sample_request(tasks);
    r.salt[2] = (uint8_t)tape->request_count;
    assert_int_equal(tape_add_request(tape, at_ms, &r, run_ms), OK);
}

static struct tape_result play(const struct tape *tape, enum policy policy)
{
    struct tape_policy p = {.policy = policy};
    struct tape_result result;
    assert_int_equal(tape_play(tape, &p, 1, &result), OK);
    assert_int_equal(result.placed + result.refused, result.tasks);
    return result;
}

static void random_tape(struct tape *tape, unsigned offers, unsigned requests)
{
    uint64_t now = 1000;
    tape_init(tape);
    for (unsigned k = 0; k < offers; k++)
        offer(tape, now, k, 10000 + below(90000), 1 + below(50000));
    for (unsigned n = 0; n < requests; n++) {
        now += below(4000);
        request(tape, now, 1 + (uint32_t)below(6), 1000 + below(30000));
        if (below(4) == 0)
            offer(tape, now, (unsigned)below(offers), 10000 + below(90000),
                  1 + below(50000));
        if (below(20) == 0) {
            struct pubkey gone = sample_provider((unsigned)below(offers));
            assert_int_equal(tape_add_gone(tape, now, &gone), OK);
        }
    }
}

static void the_same_tape_is_the_same_result(void **state)
{
    struct tape tape;
    (void)state;
    seed = 3;
    random_tape(&tape, 12, 150);
    for (size_t i = 0; policy_nth(i) != 0; i++) {
        struct tape_result one;
        struct tape_result two;
        if (policy_nth(i) == POLICY_COMPOSITE)
            continue;
        one = play(&tape, policy_nth(i));
        two = play(&tape, policy_nth(i));
        assert_memory_equal(&one, &two, sizeof(one));
        assert_true(one.placed > 0);
    }
    tape_done(&tape);
}

static void each_policy_is_good_at_what_it_is_for(void **state)
{
    struct tape tape;
    struct tape_result cheapest;
    struct tape_result nearest;
    struct tape_result spread;
    struct tape_result pack;
    (void)state;
    seed = 9;
    random_tape(&tape, 12, 150);
    cheapest = play(&tape, POLICY_CHEAPEST);
    nearest = play(&tape, POLICY_NEAREST);
    spread = play(&tape, POLICY_SPREAD);
    pack = play(&tape, POLICY_PACK);
    assert_true(cheapest.hour_sum * nearest.placed <
                nearest.hour_sum * cheapest.placed);
    assert_true(nearest.rtt_sum * cheapest.rtt_known <
                cheapest.rtt_sum * nearest.rtt_known);
    assert_true(tape_jain(&spread) > tape_jain(&cheapest));
    assert_true(tape_jain(&spread) > tape_jain(&pack));
    tape_done(&tape);
}

/* Two tasks of a core each on one machine of four, three times: the first two
 * requests fill it, the third waits until they end. */
static void who_finds_no_place_waits_for_one(void **state)
{
    struct tape tape;
    struct tape_result r;
    (void)state;
    tape_init(&tape);
    offer(&tape, 0, 1, 1000, 500);
    request(&tape, 100, 2, 5000);
    request(&tape, 100, 2, 5000);
    request(&tape, 200, 2, 5000);
    r = play(&tape, POLICY_CHEAPEST);
    assert_int_equal(r.placed, 6);
    assert_int_equal(r.wait_max_ms, 4900);
    assert_int_equal(r.wait_sum_ms, 2 * 4900);
    assert_int_equal(tape_jain(&r), 1000);
    tape_done(&tape);
}

static void who_waits_too_long_is_refused(void **state)
{
    struct tape tape;
    struct tape_result r;
    struct request q = sample_request(2);
    (void)state;
    tape_init(&tape);
    offer(&tape, 0, 1, 1000, 500);
    request(&tape, 100, 4, 60000);
    q.expires_at_ms = q.created_at_ms + 1000;
    assert_int_equal(tape_add_request(&tape, 200, &q, 0), OK);
    r = play(&tape, POLICY_CHEAPEST);
    assert_int_equal(r.placed, 4);
    assert_int_equal(r.refused, 2);
    tape_done(&tape);
}

static void a_gang_waits_for_all_its_places(void **state)
{
    struct tape tape;
    struct tape_result r;
    struct tape_policy gang = {.policy = POLICY_CHEAPEST,
                               .terms = {.gang = true}};
    (void)state;
    tape_init(&tape);
    offer(&tape, 0, 1, 1000, 500);
    request(&tape, 100, 1, 5000);
    request(&tape, 200, 4, 5000);
    assert_int_equal(tape_play(&tape, &gang, 1, &r), OK);
    assert_int_equal(r.placed, 5);
    assert_int_equal(r.wait_sum_ms, 4 * 4900);
    assert_true(r.gangs_waiting > 0);
    tape_done(&tape);
}

static void copies_count_as_contracts(void **state)
{
    struct tape tape;
    struct tape_result r;
    struct tape_policy twice = {
        .policy = POLICY_CHEAPEST,
        .terms = {.divide = POLICY_DIVIDE_DUPLICATED, .copies = 2}};
    (void)state;
    tape_init(&tape);
    for (unsigned k = 0; k < 3; k++)
        offer(&tape, 0, k, 1000 + k, 500);
    request(&tape, 100, 3, 5000);
    assert_int_equal(tape_play(&tape, &twice, 1, &r), OK);
    assert_int_equal(r.tasks, 6);
    assert_int_equal(r.placed, 6);
    assert_int_equal(r.used, 2);
    assert_int_equal(tape_play(&tape, NULL, 1, &r), OK);
    assert_int_equal(r.tasks, 3);
    tape_done(&tape);
}

static void what_is_no_event_is_refused(void **state)
{
    struct tape tape;
    struct offer o = sample_offer(1, 1);
    struct request q = sample_request(1);
    (void)state;
    tape_init(&tape);
    assert_int_equal(tape_add_gone(&tape, 10, &o.provider), ERR_RANGE);
    assert_int_equal(tape_add_offer(&tape, 10, &o, 0), OK);
    assert_int_equal(tape_add_offer(&tape, 9, &o, 0), ERR_RANGE);
    o.arch = ARCH_ANY;
    assert_int_equal(tape_add_offer(&tape, 11, &o, 0), ERR_RANGE);
    q.tasks = 0;
    assert_int_equal(tape_add_request(&tape, 11, &q, 0), ERR_RANGE);
    assert_int_equal(tape.event_count, 1);
    tape_done(&tape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_tape_is_the_same_result),
        cmocka_unit_test(each_policy_is_good_at_what_it_is_for),
        cmocka_unit_test(who_finds_no_place_waits_for_one),
        cmocka_unit_test(who_waits_too_long_is_refused),
        cmocka_unit_test(a_gang_waits_for_all_its_places),
        cmocka_unit_test(copies_count_as_contracts),
        cmocka_unit_test(what_is_no_event_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
