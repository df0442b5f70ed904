#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "market/book/book.h"
#include "tests/unit/market/book_sample.h"

static void a_higher_version_takes_the_place_of_a_lower(void **state)
{
    struct sample *s = *state;
    struct offer o = sample_offer(1, 5);
    sample_put(s, &o, 10);
    o.version = 6;
    o.slots_free = 3;
    sample_put(s, &o, 20);
    assert_int_equal(book_offer_count(s->book), 1);
    assert_int_equal(sample_get(s, 1, 20).offer.slots_free, 3);
    assert_int_equal(sample_get(s, 1, 20).received_ms, 20);
}

static void a_lower_version_is_refused(void **state)
{
    struct sample *s = *state;
    struct offer o = sample_offer(1, 5);
    sample_put(s, &o, 10);
    o.version = 4;
    assert_int_equal(book_offer_put(s->book, &o, 20, 0), ERR_OFFER_OLD);
    assert_int_equal(sample_get(s, 1, 20).offer.version, 5);
}

static void the_same_version_again_does_not_prolong_its_life(void **state)
{
    struct sample *s = *state;
    struct offer o = sample_offer(1, 5);
    sample_put(s, &o, 10);
    assert_int_equal(book_offer_put(s->book, &o, 200000, 0), ERR_EXISTS);
    assert_int_equal(sample_get(s, 1, 300009).expires_ms, 300010);
    assert_false(sample_has(s, 1, 300010));
}

static void an_offer_lapses_at_its_ttl_and_not_before(void **state)
{
    struct sample *s = *state;
    sample_put_k(s, 1, 5, 10);
    assert_int_equal(book_next_ms(s->book), 300010);
    assert_int_equal(book_tick(s->book, 300009, NULL, 0), 0);
    assert_int_equal(book_offer_count(s->book), 1);
    assert_int_equal(book_tick(s->book, 300010, NULL, 0), 0);
    assert_int_equal(book_offer_count(s->book), 0);
}

static void a_copy_still_going_round_does_not_bring_it_back(void **state)
{
    struct sample *s = *state;
    struct offer o = sample_offer(1, 5);
    sample_put(s, &o, 10);
    /* lapsed, whether or not a tick has noticed */
    assert_int_equal(book_offer_put(s->book, &o, 300010, 0), ERR_EXPIRED);
    (void)book_tick(s->book, 300010, NULL, 0);
    assert_int_equal(book_offer_put(s->book, &o, 300011, 0), ERR_EXPIRED);
    o.version = 4;
    assert_int_equal(book_offer_put(s->book, &o, 300012, 0), ERR_OFFER_OLD);
    o.version = 6;
    sample_put(s, &o, 300013);
}

static void a_version_is_forgotten_in_the_end(void **state)
{
    struct sample *s = *state;
    struct offer o = sample_offer(1, 5);
    uint64_t lapsed = 10 + o.ttl_ms;
    sample_put(s, &o, 10);
    (void)book_tick(s->book, lapsed, NULL, 0);
    (void)book_tick(s->book, lapsed + BOOK_MEMORY_MS - 1, NULL, 0);
    assert_int_equal(
        book_offer_put(s->book, &o, lapsed + BOOK_MEMORY_MS - 1, 0),
        ERR_EXPIRED);
    (void)book_tick(s->book, lapsed + BOOK_MEMORY_MS, NULL, 0);
    sample_put(s, &o, lapsed + BOOK_MEMORY_MS);
}

static void a_dropped_offer_is_gone_and_its_version_remembered(void **state)
{
    struct sample *s = *state;
    struct pubkey one = sample_provider(1);
    struct offer o = sample_offer(1, 5);
    sample_put(s, &o, 10);
    assert_true(book_offer_drop(s->book, &one, 20));
    assert_false(book_offer_drop(s->book, &one, 20));
    assert_false(sample_has(s, 1, 20));
    assert_int_equal(book_offer_put(s->book, &o, 21, 0), ERR_EXPIRED);
}

static void clocks_may_differ_by_the_skew_allowed(void **state)
{
    struct sample *s = *state;
    struct offer o = sample_offer(1, 5);
    uint64_t end = o.issued_at_ms + o.ttl_ms + BOOK_SKEW_MAX_MS;
    assert_int_equal(book_offer_put(s->book, &o, 10, end + 1), ERR_EXPIRED);
    assert_int_equal(book_offer_put(s->book, &o, 10, end), OK);
    o = sample_offer(2, 1); /* far ahead: its life counts from here anyway */
    o.issued_at_ms = UINT64_MAX;
    assert_int_equal(book_offer_put(s->book, &o, 10, end), OK);
    assert_int_equal(sample_get(s, 2, 10).expires_ms, 10 + o.ttl_ms);
}

static void a_malformed_offer_changes_nothing(void **state)
{
    struct sample *s = *state;
    struct offer o = sample_offer(1, 5);
    o.free.cpu_milli = o.total.cpu_milli + 1;
    assert_int_equal(book_offer_put(s->book, &o, 10, 0), ERR_RANGE);
    o = sample_offer(1, 5);
    o.ttl_ms = OFFER_TTL_MAX_MS + 1;
    assert_int_equal(book_offer_put(s->book, &o, 10, 0), ERR_RANGE);
    assert_int_equal(book_offer_count(s->book), 0);
}

static void a_full_book_refuses_new_providers_and_renews_old_ones(void **state)
{
    struct sample *s = *state;
    struct offer o = sample_offer(5, 1);
    for (unsigned k = 1; k <= 4; k++)
        sample_put_k(s, k, 1, 10);
    assert_int_equal(book_offer_put(s->book, &o, 20, 0), ERR_BOOK_FULL);
    sample_put_k(s, 2, 2, 20);
    (void)book_tick(s->book, 300010, NULL, 0); /* all but 2 lapse */
    sample_put(s, &o, 300010); /* what is only remembered gives way */
    assert_int_equal(book_offer_count(s->book), 2);
    book_check(s->book);
}

static void the_longest_silent_is_forgotten_first(void **state)
{
    struct sample *s = *state;
    struct offer first = sample_offer(1, 1);
    struct offer second = sample_offer(2, 1);
    sample_put(s, &first, 10);
    sample_put(s, &second, 11);
    sample_put_k(s, 3, 1, 200000);
    sample_put_k(s, 4, 1, 200000);
    struct pubkey one = sample_provider(1);
    struct pubkey two = sample_provider(2);
    assert_true(book_offer_drop(s->book, &one, 200000));
    assert_true(book_offer_drop(s->book, &two, 200001));
    sample_put_k(s, 5, 1, 200002); /* provider 1's memory goes */
    assert_int_equal(book_offer_put(s->book, &second, 200003, 0), ERR_EXPIRED);
    assert_int_equal(book_offer_put(s->book, &first, 200003, 0), OK);
}

static void a_distance_is_remembered_before_the_offer_comes(void **state)
{
    struct sample *s = *state;
    struct pubkey one = sample_provider(1);
    assert_int_equal(book_rtt_set(s->book, &one, 420, 10), OK);
    assert_int_equal(book_offer_count(s->book), 0);
    sample_put_k(s, 1, 1, 20);
    assert_int_equal(sample_get(s, 1, 20).rtt_us, 420);
    assert_int_equal(book_rtt_set(s->book, &one, 300, 30), OK);
    assert_int_equal(sample_get(s, 1, 30).rtt_us, 300);
    sample_put_k(s, 1, 2, 40); /* and outlives the version */
    assert_int_equal(sample_get(s, 1, 40).rtt_us, 300);
}

static void an_old_distance_is_unknown(void **state)
{
    struct sample *s = *state;
    struct pubkey one = sample_provider(1);
    uint64_t last = 10 + CANDIDATE_RTT_AGE_MAX_MS;
    assert_int_equal(book_rtt_set(s->book, &one, 420, 10), OK);
    sample_put_k(s, 1, 1, last - 1);
    assert_int_equal(sample_get(s, 1, last).rtt_us, 420);
    assert_int_equal(sample_get(s, 1, last + 1).rtt_us, 0);
}

static void measuring_a_provider_shows_that_it_can_be_reached(void **state)
{
    struct sample *s = *state;
    struct pubkey one = sample_provider(1);
    sample_put_k(s, 1, 1, 10);
    book_unreachable_set(s->book, &one, 5000, 20);
    assert_int_equal(sample_get(s, 1, 20).unreachable_until_ms, 5000);
    assert_int_equal(sample_get(s, 1, 5000).unreachable_until_ms, 0);
    assert_int_equal(book_rtt_set(s->book, &one, 420, 30), OK);
    assert_int_equal(sample_get(s, 1, 30).unreachable_until_ms, 0);
}

static void the_signed_offer_is_kept_as_it_was_signed(void **state)
{
    struct sample *s = *state;
    struct pubkey one = sample_provider(1);
    const struct resources none = {0};
    sample_put_k(s, 1, 1, 10);
    book_free_set(s->book, &one, &none, 20);
    assert_int_equal(sample_get(s, 1, 20).offer.free.cpu_milli, 4000);
}

static void a_listing_shows_each_offer_once(void **state)
{
    struct sample *s = *state;
    struct book_offer out;
    uint32_t cursor = 0;
    unsigned seen = 0;
    for (unsigned k = 1; k <= 4; k++)
        sample_put_k(s, k, 1, k == 3 ? 10 : 20);
    while (book_offer_next(s->book, &cursor, 300015, &out)) {
        unsigned k = sample_k(&out.offer.provider);
        assert_false(seen & 1u << k);
        seen |= 1u << k;
    }
    assert_int_equal(seen, 1u << 1 | 1u << 2 | 1u << 4); /* 3 has lapsed */
}

int main(void)
{
#define BOOK(test)                                                             \
    cmocka_unit_test_setup_teardown(test, sample_setup_small, sample_teardown)
    const struct CMUnitTest tests[] = {
        BOOK(a_higher_version_takes_the_place_of_a_lower),
        BOOK(a_lower_version_is_refused),
        BOOK(the_same_version_again_does_not_prolong_its_life),
        BOOK(an_offer_lapses_at_its_ttl_and_not_before),
        BOOK(a_copy_still_going_round_does_not_bring_it_back),
        BOOK(a_version_is_forgotten_in_the_end),
        BOOK(a_dropped_offer_is_gone_and_its_version_remembered),
        BOOK(clocks_may_differ_by_the_skew_allowed),
        BOOK(a_malformed_offer_changes_nothing),
        BOOK(a_full_book_refuses_new_providers_and_renews_old_ones),
        BOOK(the_longest_silent_is_forgotten_first),
        BOOK(a_distance_is_remembered_before_the_offer_comes),
        BOOK(an_old_distance_is_unknown),
        BOOK(measuring_a_provider_shows_that_it_can_be_reached),
        BOOK(the_signed_offer_is_kept_as_it_was_signed),
        BOOK(a_listing_shows_each_offer_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
