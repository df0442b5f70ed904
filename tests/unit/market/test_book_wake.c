#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "market/book/book.h"
#include "tests/unit/market/book_sample.h"

/* Adds a request that was matched once and found nothing. */
static void rest(struct sample *s, unsigned n, const struct request *r)
{
    sample_add(s, n, r, 10);
    (void)sample_match(s, n, r->tasks, 10);
}

static void an_offer_that_arrives_wakes_what_it_fits(void **state)
{
    struct sample *s = *state;
    struct request small = sample_request(1);
    struct request large = sample_request(1);
    large.resources.cpu_milli = 5000;
    rest(s, 1, &large);
    rest(s, 2, &small);
    assert_int_equal(sample_woken(s, 20), 0);
    sample_put_k(s, 1, 1, 20);
    assert_int_equal(sample_woken(s, 20), 2);
    assert_int_equal(sample_woken(s, 20), 0);
}

static void an_offer_wakes_what_takes_all_of_it(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    r.resources = (struct resources){4000, 8192, 20480, 0};
    rest(s, 1, &r);
    sample_put_k(s, 1, 1, 20);
    assert_int_equal(sample_woken(s, 20), 1);
    assert_int_equal(sample_match(s, 1, 1, 20)->placed, 1);
}

static void a_renewal_that_changes_nothing_wakes_nobody(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct offer o = sample_offer(1, 1);
    o.slots_free = 0;
    sample_put(s, &o, 10);
    rest(s, 1, &r);
    for (uint64_t version = 2; version < 50; version++) {
        o.version = version;
        sample_put(s, &o, 10 + version);
        assert_int_equal(sample_woken(s, 10 + version), 0);
    }
}

static void each_way_of_getting_better_wakes(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct offer bad = sample_offer(1, 1);
    struct offer good = sample_offer(1, 1);
    uint64_t now = 20;
    sample_label(&good, "zone", "eu");
    bad = good;
    sample_constraint(&r, "zone", CONSTRAINT_EQUAL, "eu");
    r.price_max = amount_micro(16685);
    rest(s, 1, &r);
    for (unsigned i = 0; i < 9; i++) {
        struct offer o = good;
        o.labels[0].value[0] = i == 0 ? 'x' : 'e';
        o.slots_free = i == 1 ? 0 : 8;
        o.free.cpu_milli = i == 2 ? 999 : 4000;
        o.free.mem_mib = i == 3 ? 1023 : 8192;
        o.free.disk_mib = i == 4 ? 1023 : 20480;
        o.price.cpu_hour = amount_micro(i == 5 ? 1100000 : 1000000);
        o.time_ms_max = i == 6 ? 59999 : 60000;
        o.arch = i == 7 ? ARCH_AARCH64 : ARCH_X86_64;
        o.total.cpu_milli = i == 8 ? 999 : 4000;
        o.free.cpu_milli = i == 8 ? 999 : o.free.cpu_milli;
        o.version = bad.version + 1;
        sample_put(s, &o, now);
        assert_int_equal(sample_woken(s, now), 0);
        bad = good;
        bad.version = o.version + 1;
        sample_put(s, &bad, now);
        assert_int_equal(sample_woken(s, now), 1);
        (void)sample_match(s, 1, 1, now); /* it takes and lets go again */
        sample_release(s, 1, 1, 1, now);
        sample_exclude(s, 1, 1, now + 1, now);
        (void)sample_match(s, 1, 1, now);
        now += 2; /* the exclusion is over; its timer is due now */
        assert_int_equal(sample_woken(s, now - 1), 1);
    }
}

static void what_one_request_gives_back_wakes_another(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(4);
    struct hash id = sample_id(1);
    sample_put_k(s, 1, 1, 10);
    sample_add(s, 1, &r, 10);
    (void)sample_match(s, 1, 4, 10);
    rest(s, 2, &r);
    assert_int_equal(sample_woken(s, 20), 0);
    sample_release(s, 1, 1, 1, 20);
    assert_int_equal(sample_woken(s, 20), 2);
    assert_int_equal(sample_match(s, 2, 4, 20)->placed, 1);
    assert_true(book_request_remove(s->book, &id, 30));
    assert_int_equal(sample_woken(s, 30), 2);
    assert_int_equal(sample_match(s, 2, 3, 30)->placed, 3);
}

static void of_equal_requests_the_oldest_is_woken_alone(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    for (unsigned n = 1; n <= 20; n++) {
        r.salt[0] = (uint8_t)n; /* what makes it distinct is not the class */
        r.created_at_ms += n;
        rest(s, n, &r);
    }
    sample_put_k(s, 1, 1, 20);
    assert_int_equal(sample_woken(s, 20), 1);
    assert_int_equal(sample_woken(s, 20), 0);
}

/* An offer with room for four meets twenty that rest: four find a place, one
 * more asks in vain, and the others are left in peace. */
static void success_passes_the_wake_up_on(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    unsigned woken = 0;
    unsigned n;
    for (n = 1; n <= 20; n++)
        rest(s, n, &r);
    sample_put_k(s, 1, 1, 20);
    while ((n = sample_woken(s, 20)) != 0) {
        woken++;
        assert_int_equal(n, woken);
        assert_int_equal(sample_match(s, n, 1, 20)->placed, woken <= 4);
    }
    assert_int_equal(woken, 5);
}

static void a_cancelled_request_passes_the_wake_up_on(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct hash id = sample_id(1);
    rest(s, 1, &r);
    rest(s, 2, &r);
    sample_put_k(s, 1, 1, 20);
    assert_int_equal(sample_woken(s, 20), 1);
    assert_true(book_request_remove(s->book, &id, 20));
    assert_int_equal(sample_woken(s, 20), 2);
}

static void who_was_refused_there_is_passed_over(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    rest(s, 1, &r);
    rest(s, 2, &r);
    sample_exclude(s, 1, 1, BOOK_FOREVER, 10);
    sample_put_k(s, 1, 1, 20);
    assert_int_equal(sample_woken(s, 20), 2);
}

static void who_fails_for_its_own_refusals_passes_it_on(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    rest(s, 1, &r);
    rest(s, 2, &r);
    sample_put_k(s, 1, 1, 20);
    assert_int_equal(sample_woken(s, 20), 1);
    sample_exclude(s, 1, 1, BOOK_FOREVER, 20);
    assert_int_equal(sample_match(s, 1, 1, 20)->placed, 0);
    assert_int_equal(sample_woken(s, 20), 2);
}

static void the_end_of_an_exclusion_is_a_new_try(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    sample_put_k(s, 1, 1, 10);
    sample_add(s, 1, &r, 10);
    sample_exclude(s, 1, 1, 1234, 10);
    assert_int_equal(sample_match(s, 1, 1, 10)->next_try_ms, 1234);
    assert_int_equal(sample_woken(s, 1233), 0);
    assert_int_equal(sample_woken(s, 1234), 1);
    assert_int_equal(sample_match(s, 1, 1, 1234)->placed, 1);
}

static void older_classes_come_first(void **state)
{
    struct sample *s = *state;
    struct request a = sample_request(1);
    struct request b = sample_request(1);
    struct book_note notes[4];
    b.resources.cpu_milli = 500; /* sorts before a, and is younger */
    rest(s, 1, &a);
    rest(s, 2, &b);
    sample_put_k(s, 1, 1, 20);
    assert_int_equal(book_tick(s->book, 20, notes, 4), 2);
    assert_int_equal(notes[0].id.b[0], 1);
    assert_int_equal(notes[1].id.b[0], 2);
}

static void what_is_placed_is_not_woken(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    sample_put_k(s, 1, 1, 10);
    sample_add(s, 1, &r, 10);
    assert_int_equal(sample_match(s, 1, 1, 10)->placed, 1);
    sample_put_k(s, 2, 1, 20);
    assert_int_equal(sample_woken(s, 20), 0);
    assert_int_equal(sample_woken(s, 300000), 0);
}

int main(void)
{
#define BOOK(test)                                                             \
    cmocka_unit_test_setup_teardown(test, sample_setup, sample_teardown)
    const struct CMUnitTest tests[] = {
        BOOK(an_offer_that_arrives_wakes_what_it_fits),
        BOOK(an_offer_wakes_what_takes_all_of_it),
        BOOK(a_renewal_that_changes_nothing_wakes_nobody),
        BOOK(each_way_of_getting_better_wakes),
        BOOK(what_one_request_gives_back_wakes_another),
        BOOK(of_equal_requests_the_oldest_is_woken_alone),
        BOOK(success_passes_the_wake_up_on),
        BOOK(a_cancelled_request_passes_the_wake_up_on),
        BOOK(who_was_refused_there_is_passed_over),
        BOOK(who_fails_for_its_own_refusals_passes_it_on),
        BOOK(the_end_of_an_exclusion_is_a_new_try),
        BOOK(older_classes_come_first),
        BOOK(what_is_placed_is_not_woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
