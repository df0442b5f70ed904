#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "market/book/book.h"
#include "tests/unit/market/book_sample.h"

static void put_priced(struct sample *s, unsigned k, uint64_t cpu_hour)
{
    struct offer o = sample_offer(k, 1);
    o.price.cpu_hour = amount_micro(cpu_hour);
    sample_put(s, &o, 10);
}

/* ---- matching ---- */

static void the_cheapest_is_taken_and_the_rest_overflows(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(6);
    put_priced(s, 1, 3000000);
    put_priced(s, 2, 1000000);
    put_priced(s, 3, 2000000);
    sample_add(s, 1, &r, 10);
    const struct book_result *m = sample_match(s, 1, 6, 20);
    assert_int_equal(m->count, 2);
    assert_int_equal(sample_k(&m->placements[0].provider), 2);
    assert_int_equal(m->placements[0].tasks, 4);
    assert_int_equal(sample_k(&m->placements[1].provider), 3);
    assert_int_equal(m->placements[1].tasks, 2);
    assert_int_equal(m->unplaced, 0);
    assert_true(m->next_try_ms == BOOK_FOREVER);
}

static void a_placement_carries_its_bill_and_address(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    sample_put_k(s, 1, 7, 10);
    sample_add(s, 1, &r, 10);
    const struct book_placement *p = sample_match(s, 1, 1, 20)->placements;
    assert_int_equal(p->hour.micro, 1000000 + 1000 + 100);
    assert_int_equal(p->bill.micro, (1001100 + 59) / 60);
    assert_int_equal(p->offer_version, 7);
    assert_string_equal(p->address, "10.0.0.1:7000");
    assert_int_equal(p->rtt_us, 0);
}

static void which_price_counts_depends_on_what_is_asked(void **state)
{
    struct sample *s = *state;
    struct offer o = sample_offer(1, 1);
    struct request r = sample_request(1);
    o.price = sample_price(10, 1000000, 0); /* cores cheap, memory dear */
    sample_put(s, &o, 10);
    o = sample_offer(2, 1);
    o.price = sample_price(1000000, 10, 0);
    sample_put(s, &o, 10);
    r.resources = (struct resources){4000, 1, 1, 0};
    sample_add(s, 1, &r, 10);
    r.resources = (struct resources){1, 8192, 1, 0};
    sample_add(s, 2, &r, 10);
    assert_int_equal(
        sample_k(&sample_match(s, 1, 1, 20)->placements[0].provider), 1);
    assert_int_equal(
        sample_k(&sample_match(s, 2, 1, 20)->placements[0].provider), 2);
}

static void nearest_prefers_the_measured_even_when_far(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(5);
    struct pubkey two = sample_provider(2);
    put_priced(s, 1, 1); /* cheap, and nobody knows how far */
    put_priced(s, 2, 9000000);
    assert_int_equal(book_rtt_set(s->book, &two, 250000, 10), OK);
    r.policy = POLICY_NEAREST;
    sample_add(s, 1, &r, 10);
    const struct book_result *m = sample_match(s, 1, 5, 20);
    assert_int_equal(sample_k(&m->placements[0].provider), 2);
    assert_int_equal(m->placements[0].rtt_us, 250000);
    assert_true(m->placements[0].notes == 0);
    assert_int_equal(sample_k(&m->placements[1].provider), 1);
    assert_true(m->placements[1].notes == reason_bit(REASON_RTT_UNKNOWN));
    assert_int_equal(m->explain.first[REASON_RTT_UNKNOWN], 1);
}

static void a_distance_too_old_ranks_as_unknown(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct pubkey one = sample_provider(1);
    struct pubkey two = sample_provider(2);
    uint64_t now = 11 + CANDIDATE_RTT_AGE_MAX_MS;
    assert_int_equal(book_rtt_set(s->book, &one, 1, 10), OK);
    assert_int_equal(book_rtt_set(s->book, &two, 90000, 500), OK);
    sample_put_k(s, 1, 1, now);
    sample_put_k(s, 2, 1, now);
    r.policy = POLICY_NEAREST;
    sample_add(s, 1, &r, now);
    assert_int_equal(
        sample_k(&sample_match(s, 1, 1, now)->placements[0].provider), 2);
}

static void fastest_prefers_the_measured_speed(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(12);
    struct offer o = sample_offer(1, 1);
    o.grade.float_ops = 0; /* boasts, but not measured */
    o.grade.int_ops = UINT64_MAX;
    sample_put(s, &o, 10);
    sample_put_k(s, 2, 1, 10);
    o = sample_offer(3, 1);
    o.grade.int_ops *= 4;
    sample_put(s, &o, 10);
    r.policy = POLICY_FASTEST;
    sample_add(s, 1, &r, 10);
    const struct book_result *m = sample_match(s, 1, 12, 20);
    assert_int_equal(m->count, 3);
    assert_int_equal(sample_k(&m->placements[0].provider), 3);
    assert_int_equal(sample_k(&m->placements[1].provider), 2);
    assert_int_equal(sample_k(&m->placements[2].provider), 1);
    assert_true(m->placements[2].notes == reason_bit(REASON_GRADE_UNKNOWN));
}

static uint64_t fastest_of(struct sample *s, unsigned request, uint64_t now)
{
    struct request r = sample_request(1);
    r.policy = POLICY_FASTEST;
    sample_add(s, request, &r, now);
    return sample_k(&sample_match(s, request, 1, now)->placements[0].provider);
}

static void an_audit_that_finds_less_counts_for_later_offers_too(void **state)
{
    struct sample *s = *state;
    struct offer o = sample_offer(1, 1);
    struct pubkey one = sample_provider(1);
    struct pubkey two = sample_provider(2);
    struct pubkey nobody = sample_provider(77);
    struct grade found = {.float_ops = 1};
    o.grade.float_ops *= 64;
    sample_put(s, &o, 10);
    sample_put_k(s, 2, 1, 10);
    assert_int_equal(fastest_of(s, 1, 20), 1);
    assert_int_equal(book_audit_set(s->book, &nobody, &found, 20),
                     ERR_NOT_FOUND);
    assert_int_equal(book_audit_set(s->book, &one, &found, 20), OK);
    book_check(s->book);
    assert_int_equal(fastest_of(s, 2, 20), 2);
    o.version++;
    sample_put(s, &o, 30);
    assert_int_equal(fastest_of(s, 3, 40), 2);
    assert_int_equal(book_audit_set(s->book, &one, NULL, 40), OK);
    assert_int_equal(fastest_of(s, 4, 50), 1);
    found.float_ops = UINT64_MAX; /* an audit never adds */
    assert_int_equal(book_audit_set(s->book, &two, &found, 50), OK);
    assert_int_equal(fastest_of(s, 5, 60), 1);
    book_check(s->book);
}

static void spares_are_listed_and_not_reserved(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct hash id = sample_id(1);
    put_priced(s, 1, 3);
    put_priced(s, 2, 1);
    put_priced(s, 3, 2);
    sample_add(s, 1, &r, 10);
    assert_int_equal(book_match(s->book, &id, 1, 1, 20, &s->arena, &s->result),
                     OK);
    assert_int_equal(s->result.count, 2);
    assert_int_equal(sample_k(&s->result.placements[1].provider), 3);
    assert_int_equal(s->result.placements[1].tasks, 0);
    assert_int_equal(sample_get(s, 3, 20).reserved_tasks, 0);
    assert_int_equal(sample_get(s, 2, 20).reserved_tasks, 1);
}

static void only_the_named_seller_is_taken(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    put_priced(s, 1, 1);
    put_priced(s, 2, 9);
    r.only_seller = sample_provider(2);
    sample_add(s, 1, &r, 10);
    const struct book_result *m = sample_match(s, 1, 1, 20);
    assert_int_equal(sample_k(&m->placements[0].provider), 2);
    assert_int_equal(m->explain.first[REASON_SELLER], 1);
}

static void nobody_buys_from_itself(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct offer o = sample_offer(3, 1);
    sample_put_k(s, 1, 1, 10);
    sample_put_k(s, 2, 1, 10);
    o.payout.b[0] = 0x55;
    sample_put(s, &o, 10);
    r.agent = sample_provider(1);
    r.buyer = o.payout;
    sample_add(s, 1, &r, 10);
    sample_add(s, 2, &r, 10);
    const struct book_result *m = sample_match(s, 1, 1, 20);
    assert_int_equal(sample_k(&m->placements[0].provider), 2);
    sample_exclude(s, 2, 2, BOOK_FOREVER, 20);
    m = sample_match(s, 2, 1, 20);
    assert_int_equal(m->explain.first[REASON_SELF], 2);
    assert_int_equal(m->unplaced, 1);
}

static void labels_are_read_from_the_offer(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct offer o = sample_offer(1, 1);
    sample_label(&o, "zone", "us");
    sample_put(s, &o, 10);
    o = sample_offer(2, 1);
    sample_label(&o, "disk", "nvme");
    sample_label(&o, "zone", "eu");
    sample_put(s, &o, 10);
    sample_constraint(&r, "zone", CONSTRAINT_DIFFERS, "us");
    sample_constraint(&r, "disk", CONSTRAINT_EXISTS, "");
    sample_add(s, 1, &r, 10);
    const struct book_result *m = sample_match(s, 1, 1, 20);
    assert_int_equal(sample_k(&m->placements[0].provider), 2);
    assert_int_equal(m->explain.first[REASON_LABEL], 1);
}

static void the_price_cap_is_on_the_bill_of_one_task(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    sample_put_k(s, 1, 1, 10); /* bill 16685 for a minute */
    r.price_max = amount_micro(16684);
    sample_add(s, 1, &r, 10);
    const struct book_result *m = sample_match(s, 1, 1, 20);
    assert_int_equal(m->unplaced, 1);
    assert_int_equal(m->explain.nearest.reason, REASON_PRICE);
    assert_int_equal(m->explain.nearest.have, 16685);
    r.price_max = amount_micro(16685);
    sample_add(s, 2, &r, 10);
    assert_int_equal(sample_match(s, 2, 1, 20)->unplaced, 0);
}

static void a_price_that_overflows_is_never_taken(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct offer o = sample_offer(1, 1);
    o.price = sample_price(UINT64_MAX, UINT64_MAX, UINT64_MAX);
    sample_put(s, &o, 10);
    sample_add(s, 1, &r, 10);
    const struct book_result *m = sample_match(s, 1, 1, 20);
    assert_int_equal(m->placed, 0);
    assert_int_equal(m->explain.first[REASON_PRICE], 1);
}

static void matching_needs_a_known_request_and_sane_numbers(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(2);
    struct hash id = sample_id(1);
    struct book_result out = {.count = 7};
    assert_int_equal(book_match(s->book, &id, 1, 0, 10, &s->arena, &out),
                     ERR_NOT_FOUND);
    sample_add(s, 1, &r, 10);
    assert_int_equal(book_match(s->book, &id, 0, 0, 10, &s->arena, &out),
                     ERR_RANGE);
    assert_int_equal(book_match(s->book, &id, 3, 0, 10, &s->arena, &out),
                     ERR_RANGE);
    assert_int_equal(
        book_match(s->book, &id, 1, LIMIT_TASKS + 1, 10, &s->arena, &out),
        ERR_RANGE);
    assert_int_equal(out.count, 7);
}

static void without_memory_nothing_is_reserved(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct hash id = sample_id(1);
    struct arena tiny;
    sample_put_k(s, 1, 1, 10);
    sample_add(s, 1, &r, 10);
    arena_init(&tiny, 64);
    assert_int_equal(book_match(s->book, &id, 1, 0, 20, &tiny, &s->result),
                     ERR_NOMEM);
    assert_int_equal(sample_get(s, 1, 20).reserved_tasks, 0);
    arena_done(&tiny);
}

/* ---- reservations ---- */

static void what_was_asked_is_not_promised_twice(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(3);
    sample_put_k(s, 1, 1, 10);
    sample_add(s, 1, &r, 10);
    sample_add(s, 2, &r, 10);
    assert_int_equal(sample_match(s, 1, 3, 20)->placed, 3);
    assert_int_equal(sample_match(s, 2, 3, 20)->placed, 1);
    struct book_offer offer = sample_get(s, 1, 20);
    assert_int_equal(offer.reserved_tasks, 4);
    assert_int_equal(offer.reserved.cpu_milli, 4000);
}

static void slots_are_reserved_like_cores(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(3);
    struct offer o = sample_offer(1, 1);
    o.slots_free = 2;
    sample_put(s, &o, 10);
    sample_add(s, 1, &r, 10);
    const struct book_result *m = sample_match(s, 1, 3, 20);
    assert_int_equal(m->placed, 2);
    m = sample_match(s, 1, 1, 20);
    assert_int_equal(m->explain.first[REASON_SLOTS], 1);
}

static void a_release_gives_back_at_most_what_was_reserved(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(2);
    sample_put_k(s, 1, 1, 10);
    sample_add(s, 1, &r, 10);
    sample_add(s, 2, &r, 10);
    (void)sample_match(s, 1, 2, 20);
    (void)sample_match(s, 2, 2, 20);
    sample_release(s, 1, 1, 1, 30);
    assert_int_equal(sample_get(s, 1, 30).reserved_tasks, 3);
    sample_release(s, 1, 1, 99, 30);
    assert_int_equal(sample_get(s, 1, 30).reserved_tasks, 2);
    sample_release(s, 1, 1, 1, 30);
    sample_release(s, 3, 1, 1, 30); /* no such request */
    sample_release(s, 2, 9, 1, 30); /* no such provider */
    assert_int_equal(sample_get(s, 1, 30).reserved_tasks, 2);
}

static void a_new_version_knows_what_was_reserved(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(4);
    struct offer o = sample_offer(1, 2);
    sample_put_k(s, 1, 1, 10);
    sample_add(s, 1, &r, 10);
    (void)sample_match(s, 1, 4, 20);
    o.free.cpu_milli = 1000; /* three of the four were granted */
    sample_put(s, &o, 30);
    assert_int_equal(sample_get(s, 1, 30).reserved_tasks, 0);
    sample_release(s, 1, 1, 4, 40); /* too late: nothing to give back */
    assert_int_equal(sample_match(s, 1, 2, 50)->placed, 1);
}

static void what_the_provider_says_in_passing_counts(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(4);
    struct pubkey one = sample_provider(1);
    const struct resources half = {2000, 1u << 30, 1u << 30, 0};
    sample_put_k(s, 1, 1, 10);
    sample_add(s, 1, &r, 10);
    (void)sample_match(s, 1, 4, 20);
    book_free_set(s->book, &one, &half, 30);
    book_check(s->book); /* no more than the total is believed */
    const struct book_result *m = sample_match(s, 1, 4, 30);
    assert_int_equal(m->placed, 2);
    m = sample_match(s, 1, 4, 30);
    assert_int_equal(m->explain.first[REASON_CPU_FREE], 1);
}

static void a_removed_request_gives_everything_back(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(4);
    struct hash id = sample_id(1);
    sample_put_k(s, 1, 1, 10);
    sample_put_k(s, 2, 1, 10);
    sample_add(s, 1, &r, 10);
    (void)sample_match(s, 1, 4, 20);
    (void)sample_match(s, 1, 2, 20);
    assert_true(book_request_remove(s->book, &id, 30));
    assert_false(book_request_remove(s->book, &id, 30));
    assert_int_equal(sample_get(s, 1, 30).reserved_tasks, 0);
    assert_int_equal(sample_get(s, 2, 30).reserved_tasks, 0);
}

static void a_preview_reserves_nothing(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(6);
    sample_put_k(s, 1, 1, 10);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            book_preview(s->book, &r, 6, 0, 20, &s->arena, &s->result), OK);
        assert_int_equal(s->result.placed, 4);
        assert_int_equal(s->result.unplaced, 2);
    }
    r.policy = (enum policy)9;
    assert_int_equal(book_preview(s->book, &r, 6, 0, 20, &s->arena, &s->result),
                     ERR_RANGE);
    r = sample_request(1);
    r.constraint_count = LIMIT_CONSTRAINTS + 1;
    assert_int_equal(book_preview(s->book, &r, 1, 0, 20, &s->arena, &s->result),
                     ERR_RANGE);
    assert_int_equal(book_preview(s->book, &r, 0, 0, 20, &s->arena, &s->result),
                     ERR_RANGE);
}

/* ---- exclusion ---- */

static void after_a_refusal_the_next_offer_is_taken(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    put_priced(s, 1, 1);
    put_priced(s, 2, 2);
    sample_add(s, 1, &r, 10);
    (void)sample_match(s, 1, 1, 20);
    sample_exclude(s, 1, 1, 0, 30);
    sample_release(s, 1, 1, 1, 30);
    const struct book_result *m = sample_match(s, 1, 1, 30);
    assert_int_equal(sample_k(&m->placements[0].provider), 2);
    assert_int_equal(m->explain.first[REASON_EXCLUDED], 1);
}

static void one_requests_refusal_is_not_anothers(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    put_priced(s, 1, 1);
    sample_add(s, 1, &r, 10);
    sample_add(s, 2, &r, 10);
    sample_exclude(s, 1, 1, 0, 20);
    assert_int_equal(sample_match(s, 1, 1, 20)->placed, 0);
    assert_int_equal(sample_match(s, 2, 1, 20)->placed, 1);
}

static void a_refusal_is_forgiven_later_each_time(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    uint64_t now = 20;
    uint64_t longest = 0;
    struct offer o = sample_offer(1, 1);
    sample_add(s, 1, &r, 10);
    for (unsigned i = 0; i < 10; i++) {
        struct hash id = sample_id(1);
        struct book_explanation x;
        uint64_t base = (uint64_t)BOOK_BACKOFF_MIN_MS << i;
        base = base < BOOK_BACKOFF_MAX_MS ? base : BOOK_BACKOFF_MAX_MS;
        o.version++;
        sample_put(s, &o, now);
        sample_exclude(s, 1, 1, 0, now);
        assert_int_equal(book_explain(s->book, &id, 1, now, &s->arena, &x), OK);
        uint64_t wait = x.lines[0].until_ms - now;
        assert_in_range(wait, base - base / 4, base + base / 4);
        longest = wait > longest ? wait : longest;
        now += wait;
    }
    assert_in_range(longest, BOOK_BACKOFF_MAX_MS * 3 / 4,
                    BOOK_BACKOFF_MAX_MS * 5 / 4);
}

static void exclusions_are_bounded(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct book_request info;
    struct hash id = sample_id(1);
    sample_add(s, 1, &r, 10);
    for (unsigned k = 1; k <= BOOK_EXCLUDED_MAX + 10; k++)
        sample_exclude(s, 1, k, 1000 + k, 20);
    assert_true(book_request_get(s->book, &id, 20, &info));
    assert_int_equal(info.excluded, BOOK_EXCLUDED_MAX);
    sample_put_k(s, BOOK_EXCLUDED_MAX, 1, 20); /* still excluded */
    assert_int_equal(sample_match(s, 1, 1, 20)->placed, 0);
    sample_put_k(s, 1, 1, 20); /* gave way: its end was the nearest */
    assert_int_equal(sample_match(s, 1, 1, 20)->placed, 1);
}

static void an_unreachable_provider_is_asked_by_nobody(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct pubkey one = sample_provider(1);
    sample_put_k(s, 1, 1, 10);
    sample_add(s, 1, &r, 10);
    book_unreachable_set(s->book, &one, 2000, 20);
    const struct book_result *m = sample_match(s, 1, 1, 20);
    assert_int_equal(m->explain.first[REASON_UNREACHABLE], 1);
    assert_int_equal(m->next_try_ms, 2000);
    assert_int_equal(sample_woken(s, 1999), 0);
    assert_int_equal(sample_woken(s, 2000), 1);
    assert_int_equal(sample_match(s, 1, 1, 2000)->placed, 1);
}

/* ---- the life of a request ---- */

static void a_new_request_is_woken_at_once(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(3);
    struct book_note note;
    struct hash id = sample_id(1);
    assert_true(book_next_ms(s->book) == BOOK_FOREVER);
    assert_int_equal(book_request_add(s->book, &id, &r, 2, 1000, 10), OK);
    assert_int_equal(book_next_ms(s->book), 0);
    assert_int_equal(book_tick(s->book, 10, &note, 1), 1);
    assert_int_equal(note.kind, BOOK_WAKE);
    assert_true(hash_equal(&note.id, &id));
    assert_int_equal(note.waiting, 2);
}

static void a_request_must_be_whole_and_new(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(2);
    struct hash id = sample_id(1);
    assert_int_equal(book_request_add(s->book, &id, &r, 0, 1000, 10),
                     ERR_RANGE);
    assert_int_equal(book_request_add(s->book, &id, &r, 3, 1000, 10),
                     ERR_RANGE);
    assert_int_equal(book_request_add(s->book, &id, &r, 2, 0, 10), ERR_RANGE);
    r.policy = (enum policy)0;
    assert_int_equal(book_request_add(s->book, &id, &r, 2, 1000, 10),
                     ERR_RANGE);
    r.policy = POLICY_NEAREST;
    assert_int_equal(book_request_add(s->book, &id, &r, 2, 1000, 10), OK);
    assert_int_equal(book_request_add(s->book, &id, &r, 2, 1000, 10),
                     ERR_EXISTS);
}

static void a_full_book_takes_no_request(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct hash id = sample_id(4);
    for (unsigned n = 1; n <= 3; n++)
        sample_add(s, n, &r, 10);
    assert_int_equal(book_request_add(s->book, &id, &r, 1, 1000, 10),
                     ERR_BOOK_FULL);
    struct hash gone = sample_id(2);
    assert_true(book_request_remove(s->book, &gone, 20));
    assert_int_equal(book_request_add(s->book, &id, &r, 1, 1000, 20), OK);
}

static void a_request_ends_at_its_ttl(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(2);
    struct book_note note;
    struct hash id = sample_id(1);
    sample_put_k(s, 1, 1, 10);
    assert_int_equal(book_request_add(s->book, &id, &r, 2, 1000, 10), OK);
    (void)sample_match(s, 1, 2, 10);
    assert_int_equal(book_next_ms(s->book), 1010);
    assert_int_equal(book_tick(s->book, 1009, &note, 1), 0);
    assert_int_equal(book_tick(s->book, 1010, &note, 1), 1);
    assert_int_equal(note.kind, BOOK_EXPIRED);
    assert_int_equal(note.waiting, 0);
    assert_int_equal(book_request_count(s->book), 0);
    assert_int_equal(sample_get(s, 1, 1010).reserved_tasks, 0);
}

static void what_rests_says_why_and_when_it_is_tried_again(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(2);
    struct book_request info;
    struct hash id = sample_id(1);
    sample_put_k(s, 1, 1, 10);
    r.resources.mem_mib = 9000;
    sample_add(s, 1, &r, 10);
    const struct book_result *m = sample_match(s, 1, 2, 20);
    assert_in_range(m->next_try_ms, 20 + 3750, 20 + 6250);
    assert_true(book_request_get(s->book, &id, 20, &info));
    assert_int_equal(info.reason, REASON_MEM_TOTAL);
    assert_int_equal(info.waiting, 2);
    assert_int_equal(info.offers_seen, 1);
    assert_true(info.next_try_ms == m->next_try_ms);
    assert_int_equal(sample_woken(s, info.next_try_ms - 1), 0);
    assert_int_equal(sample_woken(s, info.next_try_ms), 1);
}

static void tries_get_rarer_but_never_stop(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct hash id = sample_id(1);
    uint64_t now = 20;
    uint64_t last = 0;
    assert_int_equal(
        book_request_add(s->book, &id, &r, 1, UINT64_C(1) << 40, 10), OK);
    (void)sample_woken(s, 20);
    for (unsigned i = 0; i < 12; i++) {
        last = sample_match(s, 1, 1, now)->next_try_ms - now;
        now += last;
        assert_int_equal(sample_woken(s, now), 1);
    }
    assert_in_range(last, BOOK_BACKOFF_MAX_MS * 3 / 4,
                    BOOK_BACKOFF_MAX_MS * 5 / 4);
}

static void what_failed_together_does_not_come_back_together(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    uint64_t tries[40];
    unsigned same = 0;
    for (unsigned n = 0; n < 40; n++) {
        sample_add(s, n, &r, 10);
        tries[n] = sample_match(s, n, 1, 20)->next_try_ms;
        for (unsigned k = 0; k < n; k++)
            same += tries[k] == tries[n];
    }
    assert_true(same < 10);
}

static void a_wake_up_that_is_ignored_comes_again(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    sample_add(s, 1, &r, 10);
    assert_int_equal(sample_woken(s, 10), 1);
    assert_int_equal(sample_woken(s, 11), 0);
    assert_int_equal(sample_woken(s, 10 + BOOK_BACKOFF_MIN_MS), 1);
}

static void notes_that_do_not_fit_come_next_time(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct book_note notes[2];
    struct hash id = sample_id(9);
    assert_int_equal(book_request_add(s->book, &id, &r, 1, 5, 10), OK);
    for (unsigned n = 1; n <= 3; n++)
        sample_add(s, n, &r, 10);
    assert_int_equal(book_tick(s->book, 20, notes, 2), 2);
    assert_int_equal(notes[0].kind, BOOK_EXPIRED);
    assert_int_equal(notes[1].id.b[0], 1);
    assert_int_equal(book_next_ms(s->book), 0);
    assert_int_equal(book_tick(s->book, 20, notes, 2), 2);
    assert_int_equal(notes[0].id.b[0], 2);
    assert_int_equal(notes[1].id.b[0], 3);
    assert_int_equal(book_tick(s->book, 20, notes, 2), 0);
}

static void a_listing_shows_each_request_once(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct book_request out;
    uint32_t cursor = 0;
    unsigned seen = 0;
    for (unsigned n = 1; n <= 3; n++)
        sample_add(s, n, &r, 10);
    while (book_request_next(s->book, &cursor, 10, &out)) {
        assert_false(seen & 1u << out.id.b[0]);
        seen |= 1u << out.id.b[0];
    }
    assert_int_equal(seen, 14);
}

int main(void)
{
#define BOOK(test)                                                             \
    cmocka_unit_test_setup_teardown(test, sample_setup, sample_teardown)
#define SMALL(test)                                                            \
    cmocka_unit_test_setup_teardown(test, sample_setup_small, sample_teardown)
    const struct CMUnitTest tests[] = {
        BOOK(the_cheapest_is_taken_and_the_rest_overflows),
        BOOK(a_placement_carries_its_bill_and_address),
        BOOK(which_price_counts_depends_on_what_is_asked),
        BOOK(nearest_prefers_the_measured_even_when_far),
        BOOK(a_distance_too_old_ranks_as_unknown),
        BOOK(fastest_prefers_the_measured_speed),
        BOOK(an_audit_that_finds_less_counts_for_later_offers_too),
        BOOK(spares_are_listed_and_not_reserved),
        BOOK(only_the_named_seller_is_taken),
        BOOK(nobody_buys_from_itself),
        BOOK(labels_are_read_from_the_offer),
        BOOK(the_price_cap_is_on_the_bill_of_one_task),
        BOOK(a_price_that_overflows_is_never_taken),
        BOOK(matching_needs_a_known_request_and_sane_numbers),
        BOOK(without_memory_nothing_is_reserved),
        BOOK(what_was_asked_is_not_promised_twice),
        BOOK(slots_are_reserved_like_cores),
        BOOK(a_release_gives_back_at_most_what_was_reserved),
        BOOK(a_new_version_knows_what_was_reserved),
        BOOK(what_the_provider_says_in_passing_counts),
        BOOK(a_removed_request_gives_everything_back),
        BOOK(a_preview_reserves_nothing),
        BOOK(after_a_refusal_the_next_offer_is_taken),
        BOOK(one_requests_refusal_is_not_anothers),
        BOOK(a_refusal_is_forgiven_later_each_time),
        BOOK(exclusions_are_bounded),
        BOOK(an_unreachable_provider_is_asked_by_nobody),
        BOOK(a_new_request_is_woken_at_once),
        BOOK(a_request_must_be_whole_and_new),
        SMALL(a_full_book_takes_no_request),
        BOOK(a_request_ends_at_its_ttl),
        BOOK(what_rests_says_why_and_when_it_is_tried_again),
        BOOK(tries_get_rarer_but_never_stop),
        BOOK(what_failed_together_does_not_come_back_together),
        BOOK(a_wake_up_that_is_ignored_comes_again),
        BOOK(notes_that_do_not_fit_come_next_time),
        BOOK(a_listing_shows_each_request_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
