/* Spread and affinity in the book: how many tasks of a request go to one
 * provider and to one value of a label, and who keeps to whom. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "market/book/book.h"
#include "tests/unit/market/book_sample.h"

/* Providers 1 to 4: two in rack a, one in rack b, one in none; each has room
 * for four tasks, the first are the cheapest. */
static void put_racks(struct sample *s)
{
    static const char *const racks[] = {"a", "a", "b", NULL};
    for (unsigned k = 1; k <= 4; k++) {
        struct offer o = sample_offer(k, 1);
        o.price.cpu_hour = amount_micro(k * 1000000);
        if (racks[k - 1] != NULL)
            sample_label(&o, "rack", racks[k - 1]);
        sample_put(s, &o, 10);
    }
}

static struct request spread_request(uint32_t tasks, const char *spread)
{
    struct request r = sample_request(tasks);
    assert_int_equal(spread_parse(spread, &r.spread), OK);
    return r;
}

static uint32_t tasks_at(const struct book_result *m, unsigned k)
{
    for (uint32_t i = 0; i < m->count; i++) {
        if (sample_k(&m->placements[i].provider) == k)
            return m->placements[i].tasks;
    }
    return 0;
}

static void tell(struct sample *s, unsigned n, unsigned k, uint32_t tasks,
                 uint32_t affinity)
{
    struct book_there there = {
        .provider = sample_provider(k), .tasks = tasks, .affinity = affinity};
    struct hash id = sample_id(n);
    assert_int_equal(book_there_set(s->book, &id, &there, 1), OK);
}

static void no_provider_gets_more_than_its_share(void **state)
{
    struct sample *s = *state;
    struct request r = spread_request(9, "provider:2");
    const struct book_result *m;
    put_racks(s);
    sample_add(s, 1, &r, 10);
    m = sample_match(s, 1, 9, 20);
    assert_int_equal(m->placed, 8);
    for (unsigned k = 1; k <= 4; k++)
        assert_int_equal(tasks_at(m, k), 2);
}

static void no_value_of_a_label_gets_more_than_its_share(void **state)
{
    struct sample *s = *state;
    struct request r = spread_request(9, "rack:3");
    const struct book_result *m;
    put_racks(s);
    sample_add(s, 1, &r, 10);
    m = sample_match(s, 1, 9, 20);
    assert_int_equal(m->placed, 6);
    assert_int_equal(tasks_at(m, 1), 3); /* the cheaper of the rack */
    assert_int_equal(tasks_at(m, 2), 0);
    assert_int_equal(tasks_at(m, 3), 3);
    assert_int_equal(tasks_at(m, 4), 0); /* says no rack */
    assert_int_equal(m->explain.first[REASON_DOMAIN], 1);
}

static void both_counts_hold_at_once(void **state)
{
    struct sample *s = *state;
    struct request r = spread_request(9, "rack:3");
    const struct book_result *m;
    assert_int_equal(spread_parse("provider:2", &r.spread), OK);
    put_racks(s);
    sample_add(s, 1, &r, 10);
    m = sample_match(s, 1, 9, 20);
    assert_int_equal(tasks_at(m, 1), 2);
    assert_int_equal(tasks_at(m, 2), 1);
    assert_int_equal(tasks_at(m, 3), 2);
    assert_int_equal(m->placed, 5);
}

static void what_runs_already_counts(void **state)
{
    struct sample *s = *state;
    struct request r = spread_request(4, "rack:2");
    const struct book_result *m;
    put_racks(s);
    sample_add(s, 1, &r, 10);
    tell(s, 1, 2, 1, 0); /* one is in rack a */
    m = sample_match(s, 1, 3, 20);
    assert_int_equal(tasks_at(m, 1), 1);
    assert_int_equal(tasks_at(m, 3), 2);
    tell(s, 1, 1, 2, 0); /* rack a is full */
    m = sample_match(s, 1, 1, 21);
    assert_int_equal(tasks_at(m, 1) + tasks_at(m, 2), 0);
    assert_int_equal(m->explain.first[REASON_SPREAD], 2);
}

/* The offer of the provider they run at has lapsed: nobody knows its rack. */
static void what_is_at_an_unknown_place_counts_everywhere(void **state)
{
    struct sample *s = *state;
    struct request r = spread_request(4, "rack:2");
    put_racks(s);
    sample_add(s, 1, &r, 10);
    tell(s, 1, 9, 2, 0);
    assert_int_equal(sample_match(s, 1, 2, 20)->placed, 0);
    tell(s, 1, 9, 1, 0);
    assert_int_equal(sample_match(s, 1, 3, 21)->placed, 2);
}

static void a_place_stays_known_when_its_offer_lapses(void **state)
{
    struct sample *s = *state;
    struct request r = spread_request(4, "rack:2");
    struct pubkey two = sample_provider(2);
    const struct book_result *m;
    put_racks(s);
    sample_add(s, 1, &r, 10);
    tell(s, 1, 2, 2, 0);
    assert_true(book_offer_drop(s->book, &two, 20));
    tell(s, 1, 2, 2, 0);
    m = sample_match(s, 1, 2, 30);
    assert_int_equal(tasks_at(m, 1), 0); /* rack a is full */
    assert_int_equal(tasks_at(m, 3), 2);
}

static void a_request_keeps_to_another_or_away_from_it(void **state)
{
    struct sample *s = *state;
    struct request with = sample_request(8);
    struct request apart = sample_request(8);
    const struct book_result *m;
    with.affinity_count = apart.affinity_count = 1;
    with.affinities[0].request = apart.affinities[0].request = sample_id(7);
    apart.affinities[0].apart = true;
    put_racks(s);
    sample_add(s, 1, &with, 10);
    sample_add(s, 2, &apart, 10);
    assert_int_equal(sample_match(s, 1, 8, 20)->placed, 0); /* it is nowhere */
    tell(s, 1, 3, 0, 1);
    tell(s, 2, 1, 0, 1);
    m = sample_match(s, 1, 8, 21);
    assert_int_equal(m->placed, 4);
    assert_int_equal(tasks_at(m, 3), 4);
    assert_int_equal(m->explain.first[REASON_AFFINITY], 3);
    m = sample_match(s, 2, 8, 22);
    assert_int_equal(tasks_at(m, 1), 0);
    assert_int_equal(tasks_at(m, 2), 4);
    assert_int_equal(tasks_at(m, 4), 4);
}

static void a_preview_spreads_too_and_judges_no_affinity(void **state)
{
    struct sample *s = *state;
    struct request r = spread_request(9, "rack:1");
    struct book_result m;
    r.affinity_count = 1;
    r.affinities[0].request = sample_id(7);
    put_racks(s);
    assert_int_equal(book_preview(s->book, &r, 9, 0, 20, &s->arena, &m), OK);
    assert_int_equal(m.placed, 2);
}

static void nothing_is_told_of_an_unknown_request(void **state)
{
    struct sample *s = *state;
    struct hash id = sample_id(1);
    struct request r = sample_request(1);
    static struct book_there many[BOOK_THERE_MAX + 1];
    assert_int_equal(book_there_set(s->book, &id, many, 0), ERR_NOT_FOUND);
    sample_add(s, 1, &r, 10);
    assert_int_equal(book_there_set(s->book, &id, many, BOOK_THERE_MAX + 1),
                     ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_BOOK(test)                                                        \
    cmocka_unit_test_setup_teardown(test, sample_setup, sample_teardown)
        WITH_BOOK(no_provider_gets_more_than_its_share),
        WITH_BOOK(no_value_of_a_label_gets_more_than_its_share),
        WITH_BOOK(both_counts_hold_at_once),
        WITH_BOOK(what_runs_already_counts),
        WITH_BOOK(what_is_at_an_unknown_place_counts_everywhere),
        WITH_BOOK(a_place_stays_known_when_its_offer_lapses),
        WITH_BOOK(a_request_keeps_to_another_or_away_from_it),
        WITH_BOOK(a_preview_spreads_too_and_judges_no_affinity),
        WITH_BOOK(nothing_is_told_of_an_unknown_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
