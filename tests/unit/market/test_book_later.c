#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "market/book/book_impl.h"
#include "tests/unit/market/book_sample.h"

#define NOW    1000000u
#define MINUTE 60000u

/* Full, and lets others wait. */
static struct offer full_offer(unsigned k, uint64_t cpu_hour, uint64_t next_ms)
{
    struct offer offer = sample_offer(k, 1);
    offer.price = sample_price(cpu_hour, 1000, 100);
    offer.free = (struct resources){0};
    offer.slots_free = 0;
    offer.queue = (struct offer_queue){2, 62, next_ms, 3 * next_ms};
    return offer;
}

static void put(struct sample *s, const struct offer *offer)
{
    assert_int_equal(book_offer_put(s->book, offer, NOW, 0), OK);
}

static void match(struct sample *s, struct request *request, unsigned n,
                  uint64_t patience_ms)
{
    struct hash id = sample_id(n);
    request->patience_ms = patience_ms;
    assert_int_equal(
        book_request_add(s->book, &id, request, request->tasks, 100000, NOW),
        OK);
    assert_int_equal(
        book_match(s->book, &id, request->tasks, 0, NOW, &s->arena, &s->result),
        OK);
    book_check(s->book);
}

static void only_the_patient_wait_at_a_full_seller(void **state)
{
    struct sample *s = *state;
    struct offer offer = full_offer(1, 1000000, 10 * MINUTE);
    struct request request = sample_request(1);
    put(s, &offer);
    match(s, &request, 1, 0);
    assert_int_equal(s->result.placed, 0);
    match(s, &request, 2, 10 * MINUTE - 1);
    assert_int_equal(s->result.placed, 0);
    match(s, &request, 3, 10 * MINUTE);
    assert_int_equal(s->result.placed, 1);
    assert_true(s->result.placements[0].wait_ms > 0);
    assert_int_equal(book_request_count(s->book), 3);
}

static void a_wait_grows_shorter_while_an_offer_ages(void **state)
{
    struct sample *s = *state;
    struct offer offer = full_offer(1, 1000000, 10 * MINUTE);
    struct request request = sample_request(1);
    struct hash id = sample_id(1);
    put(s, &offer);
    match(s, &request, 1, 8 * MINUTE);
    assert_int_equal(s->result.placed, 0);
    assert_int_equal(
        book_match(s->book, &id, 1, 0, NOW + 2 * MINUTE, &s->arena, &s->result),
        OK);
    assert_int_equal(s->result.placed, 1);
    assert_int_equal(s->result.placements[0].wait_ms, 28 * MINUTE);
}

static void the_price_comes_first_and_of_equals_who_begins_earlier(void **state)
{
    struct sample *s = *state;
    struct offer now = sample_offer(1, 1);
    struct offer cheap = full_offer(2, 500000, 9 * MINUTE);
    struct offer same = full_offer(3, 500000, 5 * MINUTE);
    struct request request = sample_request(1);
    put(s, &now);
    put(s, &cheap);
    put(s, &same);
    match(s, &request, 1, 0);
    assert_int_equal(s->result.placements[0].provider.b[0], 1);
    match(s, &request, 2, 10 * MINUTE);
    assert_int_equal(s->result.placements[0].provider.b[0], 3);
    match(s, &request, 3, 4 * MINUTE);
    assert_int_equal(s->result.placements[0].provider.b[0], 1);
    assert_int_equal(s->result.placements[0].wait_ms, 0);
}

/* By price and load: a full one is no idle one. */
static void every_policy_takes_who_queues_without_a_fault(void **state)
{
    struct sample *s = *state;
    unsigned n = 1;
    struct offer now = sample_offer(1, 1);
    struct offer full = full_offer(2, 999999, MINUTE);
    put(s, &now);
    put(s, &full);
    for (size_t i = 0; policy_nth(i) != (enum policy)0; i++) {
        struct request request = sample_request(1);
        request.policy = policy_nth(i);
        if (request.policy == POLICY_COMPOSITE)
            request.terms.weights[PART_PRICE] = 1;
        match(s, &request, n++, 10 * MINUTE);
        assert_int_equal(s->result.placed, 1);
        if (request.policy == POLICY_SPREAD ||
            request.policy == POLICY_BALANCED)
            assert_int_equal(s->result.placements[0].provider.b[0], 1);
    }
}

static struct book_missed_queues missed(struct sample *s,
                                        const struct request *request)
{
    struct book_explanation x;
    assert_int_equal(
        book_explain_request(s->book, request, 4, NOW, &s->arena, &x), OK);
    return x.queues;
}

static void who_is_not_patient_enough_is_told_what_would_be(void **state)
{
    struct sample *s = *state;
    struct offer now = sample_offer(1, 1);
    struct offer soon = full_offer(2, 500000, 5 * MINUTE);
    struct offer late = full_offer(3, 500000, 9 * MINUTE);
    struct request request = sample_request(1);
    put(s, &now);
    assert_int_equal(missed(s, &request).offers, 0);
    put(s, &late);
    put(s, &soon);
    assert_int_equal(missed(s, &request).offers, 2);
    uint64_t wait_ms = missed(s, &request).wait_ms;
    request.patience_ms = 6 * MINUTE;
    assert_int_equal(missed(s, &request).offers, 1);
    assert_true(missed(s, &request).wait_ms > wait_ms);
    request.patience_ms = 9 * MINUTE;
    assert_int_equal(missed(s, &request).offers, 0);
    request.patience_ms = 0;
    request.terms.gang = true;
    assert_int_equal(missed(s, &request).offers, 0);
}

static void many_may_wait_and_nothing_is_reserved(void **state)
{
    struct sample *s = *state;
    struct offer offer = full_offer(1, 1000000, MINUTE);
    struct request request = sample_request(70);
    struct book_offer seen;
    put(s, &offer);
    match(s, &request, 1, 10 * MINUTE);
    assert_int_equal(s->result.placed, 62);
    assert_int_equal(s->result.unplaced, 8);
    assert_true(book_offer_get(s->book, &offer.provider, NOW, &seen));
    assert_int_equal(seen.reserved_tasks, 0);
    assert_int_equal(seen.offer.queue.places, 62);
}

static void who_has_room_now_is_found_once(void **state)
{
    struct sample *s = *state;
    struct offer offer = sample_offer(1, 1);
    struct request request = sample_request(9);
    offer.queue = (struct offer_queue){0, 64, MINUTE, MINUTE};
    put(s, &offer);
    match(s, &request, 1, 10 * MINUTE);
    assert_int_equal(s->result.placed, 4);
    assert_int_equal(s->result.count, 1);
    assert_int_equal(s->result.placements[0].wait_ms, 0);
}

static void what_a_seller_never_has_is_not_waited_for(void **state)
{
    struct sample *s = *state;
    struct offer offer = full_offer(1, 1000000, MINUTE);
    struct request request = sample_request(1);
    put(s, &offer);
    request.resources.cpu_milli = 4001;
    match(s, &request, 1, 10 * MINUTE);
    assert_int_equal(s->result.placed, 0);
    request = sample_request(1);
    assert_int_equal(device_wish_parse("gpu", &request.devices), OK);
    match(s, &request, 2, 10 * MINUTE);
    assert_int_equal(s->result.placed, 0);
}

static void taken_devices_are_waited_for(void **state)
{
    struct sample *s = *state;
    struct offer offer = sample_offer(1, 1);
    struct request request = sample_request(1);
    offer.devices = (struct devices){
        .group_count = 1,
        .groups = {{.kind = DEVICE_GPU, .count = 2, .hour = {7}}}};
    offer.queue = (struct offer_queue){0, 64, MINUTE, MINUTE};
    put(s, &offer);
    assert_int_equal(device_wish_parse("gpu:2", &request.devices), OK);
    match(s, &request, 1, 0);
    assert_int_equal(s->result.placed, 0);
    match(s, &request, 2, MINUTE);
    assert_int_equal(s->result.placed, 1);
    assert_true(s->result.placements[0].wait_ms > 0);
}

static void who_comes_and_goes_is_on_the_list_while_it_queues(void **state)
{
    struct sample *s = *state;
    for (unsigned k = 1; k <= 40; k++) {
        struct offer offer = full_offer(k, 1000000, MINUTE);
        put(s, &offer);
    }
    assert_int_equal(s->book->queue_count, 40);
    for (unsigned k = 1; k <= 40; k += 3) {
        struct offer offer = full_offer(k, 1000000, MINUTE);
        offer.version = 2;
        offer.queue.places = 0;
        put(s, &offer);
    }
    assert_int_equal(s->book->queue_count, 26);
    for (unsigned k = 1; k <= 40; k++) {
        struct pubkey key = sample_provider(k);
        (void)book_offer_drop(s->book, &key, NOW);
    }
    assert_int_equal(s->book->queue_count, 0);
}

#define WITH_BOOK(test)                                                        \
    cmocka_unit_test_setup_teardown(test, sample_setup, sample_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOOK(only_the_patient_wait_at_a_full_seller),
        WITH_BOOK(a_wait_grows_shorter_while_an_offer_ages),
        WITH_BOOK(the_price_comes_first_and_of_equals_who_begins_earlier),
        WITH_BOOK(every_policy_takes_who_queues_without_a_fault),
        WITH_BOOK(who_is_not_patient_enough_is_told_what_would_be),
        WITH_BOOK(many_may_wait_and_nothing_is_reserved),
        WITH_BOOK(who_has_room_now_is_found_once),
        WITH_BOOK(what_a_seller_never_has_is_not_waited_for),
        WITH_BOOK(taken_devices_are_waited_for),
        WITH_BOOK(who_comes_and_goes_is_on_the_list_while_it_queues),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
