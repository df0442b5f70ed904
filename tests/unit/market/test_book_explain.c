#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "market/book/book.h"
#include "tests/unit/market/book_sample.h"

static struct book_explanation explain(struct sample *s, unsigned n,
                                       uint32_t lines_max, uint64_t now_ms)
{
    struct book_explanation x = {0};
    struct hash id = sample_id(n);
    arena_reset(&s->arena);
    assert_int_equal(
        book_explain(s->book, &id, lines_max, now_ms, &s->arena, &x), OK);
    return x;
}

/* 1 fits, 2 fits dearer, 3 lacks little memory now, 4 lacks much, 5 has
 * another architecture and too few slots. */
static void fill(struct sample *s)
{
    struct offer o = sample_offer(1, 1);
    sample_put(s, &o, 10);
    o = sample_offer(2, 1);
    o.price.cpu_hour = amount_micro(2000000);
    sample_put(s, &o, 10);
    o = sample_offer(3, 1);
    o.free.mem_mib = 1000;
    sample_put(s, &o, 10);
    o = sample_offer(4, 1);
    o.free.mem_mib = 10;
    sample_put(s, &o, 10);
    o = sample_offer(5, 1);
    o.arch = ARCH_AARCH64;
    o.slots_free = 0;
    sample_put(s, &o, 10);
}

static void every_offer_has_its_line_in_a_telling_order(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    fill(s);
    sample_add(s, 1, &r, 10);
    struct book_explanation x = explain(s, 1, 100, 20);
    assert_int_equal(x.count, 5);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(sample_k(&x.lines[i].provider), i + 1);
    assert_int_equal(x.lines[0].verdict.reason, REASON_NONE);
    assert_int_equal(x.lines[2].verdict.reason, REASON_MEM_FREE);
    assert_int_equal(x.lines[4].verdict.reason, REASON_ARCH);
    assert_string_equal(x.lines[2].name, "seller-3");
    assert_int_equal(x.explain.offers, 5);
    assert_int_equal(x.explain.fits, 2);
    assert_int_equal(x.explain.first[REASON_MEM_FREE], 2);
    assert_int_equal(sample_k(&x.explain.nearest_provider), 3);
}

static void fewer_lines_are_the_first_of_them_and_counts_stay_whole(
    void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    fill(s);
    sample_add(s, 1, &r, 10);
    for (uint32_t max = 0; max < 5; max++) {
        struct book_explanation x = explain(s, 1, max, 20);
        assert_int_equal(x.count, max);
        for (unsigned i = 0; i < max; i++)
            assert_int_equal(sample_k(&x.lines[i].provider), i + 1);
        assert_int_equal(x.explain.offers, 5);
    }
}

static void many_offers_are_cut_to_the_best(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    for (unsigned k = 0; k < 500; k++) {
        struct offer o = sample_offer(k, 1);
        o.price.cpu_hour = amount_micro(1000 + (k * 7919) % 500);
        sample_put(s, &o, 10);
    }
    sample_add(s, 1, &r, 10);
    struct book_explanation x = explain(s, 1, 20, 20);
    assert_int_equal(x.count, 20);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(x.lines[i].hour.micro, 1000 + i + 1000 + 100);
}

static void what_is_reserved_counts_as_taken(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(4);
    sample_put_k(s, 1, 1, 10);
    sample_add(s, 1, &r, 10);
    sample_add(s, 2, &r, 10);
    (void)sample_match(s, 1, 4, 20);
    struct book_explanation x = explain(s, 2, 1, 20);
    assert_int_equal(x.lines[0].verdict.reason, REASON_CPU_FREE);
    assert_int_equal(x.lines[0].verdict.have, 0);
}

static void the_sentences_say_what_and_for_how_long(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct pubkey two = sample_provider(2);
    struct buf buf;
    sample_put_k(s, 1, 1, 10);
    sample_put_k(s, 2, 1, 10);
    sample_put_k(s, 3, 1, 10);
    sample_add(s, 1, &r, 10);
    sample_exclude(s, 1, 1, 4020, 20);
    sample_exclude(s, 1, 3, BOOK_FOREVER, 20);
    book_unreachable_set(s->book, &two, 1021, 20);
    struct book_explanation x = explain(s, 1, 9, 20);
    buf_init(&buf, 4096);
    for (uint32_t i = 0; i < x.count; i++) {
        buf_clear(&buf);
        book_line_format(&x.lines[i], &r, 20, &buf);
        switch (sample_k(&x.lines[i].provider)) {
        case 1:
            assert_string_equal(
                buf_cstr(&buf),
                "the provider refused or failed this request a moment ago: "
                "no free capacity for this; asked again in 4 s");
            break;
        case 2:
            assert_string_equal(buf_cstr(&buf),
                                "the provider cannot be reached from this "
                                "node; asked again in 2 s");
            break;
        case 3:
            assert_string_equal(
                buf_cstr(&buf),
                "the provider refused or failed this request a moment ago: "
                "no free capacity for this; not asked again");
            break;
        default:
            fail();
        }
    }
    buf_done(&buf);
}

static void a_request_not_in_the_book_is_explained_too(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct book_explanation x = {.count = 7};
    fill(s);
    assert_int_equal(book_explain_request(s->book, &r, 9, 20, &s->arena, &x),
                     OK);
    assert_int_equal(x.explain.fits, 2);
    r.policy = (enum policy)9;
    x.count = 7;
    assert_int_equal(book_explain_request(s->book, &r, 9, 20, &s->arena, &x),
                     ERR_RANGE);
    struct hash id = sample_id(1);
    assert_int_equal(book_explain(s->book, &id, 9, 20, &s->arena, &x),
                     ERR_NOT_FOUND);
    assert_int_equal(x.count, 7);
}

static const char *sentence(const struct book_result *m, struct buf *buf)
{
    buf_clear(buf);
    book_result_format(m, buf);
    return buf_cstr(buf);
}

static void a_result_reads_as_a_sentence(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(3);
    struct buf buf;
    buf_init(&buf, 512);
    sample_add(s, 1, &r, 10);
    assert_string_equal(sentence(sample_match(s, 1, 3, 20), &buf),
                        "no offer is known yet");
    struct offer o = sample_offer(1, 1);
    o.slots_free = 0;
    sample_put(s, &o, 20);
    assert_string_equal(sentence(sample_match(s, 1, 3, 20), &buf),
                        "none of 1 offers fits, most often because the "
                        "provider takes no further task now");
    o.slots_free = 2;
    o.version = 2;
    sample_put(s, &o, 20);
    assert_string_equal(sentence(sample_match(s, 1, 3, 20), &buf),
                        "2 of 3 tasks have a place, the rest wait for more");
    o.slots_free = 3;
    o.version = 3;
    sample_put(s, &o, 20);
    assert_string_equal(sentence(sample_match(s, 1, 3, 20), &buf),
                        "3 of 3 tasks have a place");
    buf_done(&buf);
}

int main(void)
{
#define BOOK(test)                                                             \
    cmocka_unit_test_setup_teardown(test, sample_setup, sample_teardown)
    const struct CMUnitTest tests[] = {
        BOOK(every_offer_has_its_line_in_a_telling_order),
        BOOK(fewer_lines_are_the_first_of_them_and_counts_stay_whole),
        BOOK(many_offers_are_cut_to_the_best),
        BOOK(what_is_reserved_counts_as_taken),
        BOOK(the_sentences_say_what_and_for_how_long),
        BOOK(a_request_not_in_the_book_is_explained_too),
        BOOK(a_result_reads_as_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
