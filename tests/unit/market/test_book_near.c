/* Distances that this node has not measured itself: guessed from the links of
 * others, or those to another node that a job is to be near to. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "market/book/book.h"
#include "sched/link/linkmap.h"
#include "tests/unit/market/book_sample.h"

#define NOW 1000u

static struct linkmap *links;

static int setup(void **state)
{
    const struct linkmap_config config = {
        .self = {{0xa0}}, .origins_max = 16, .rows_max = 16, .key = {1}};
    if (sample_setup(state) != 0 || linkmap_new(&config, &links) != OK)
        return -1;
    book_lend(((struct sample *)*state)->book, NULL, links);
    return 0;
}

static int teardown(void **state)
{
    int failed = sample_teardown(state);
    linkmap_free(links);
    return failed;
}

/* The node k says how far it is to some others. */
static void says(const struct pubkey *k, const struct pubkey *others,
                 const uint64_t *rtt_us, uint32_t count)
{
    struct linkmap_row rows[16];
    struct linkmap_statement statement = {.origin = *k,
                                          .version = 1,
                                          .life_ms = LINKMAP_LIFE_MAX_MS,
                                          .standing = LINKMAP_KNOWN,
                                          .rows = rows,
                                          .count = count};
    memset(rows, 0, sizeof(rows));
    for (uint32_t i = 0; i < count; i++) {
        rows[i].peer = others[i];
        link_set(&rows[i].link, LINK_RTT, rtt_us[i], METRIC_MEASURED);
        rows[i].link.at_ms[LINK_TRIPS] = NOW;
        rows[i].link.samples[LINK_TRIPS] = 20;
    }
    assert_int_equal(linkmap_put(links, &statement, NOW), OK);
}

/* Both say the same. */
static void both_say(unsigned a, unsigned b, uint64_t rtt_us)
{
    struct pubkey ka = sample_provider(a);
    struct pubkey kb = sample_provider(b);
    says(&ka, &kb, &rtt_us, 1);
    says(&kb, &ka, &rtt_us, 1);
}

static struct request near_to(unsigned k)
{
    struct request r = sample_request(1);
    r.policy = POLICY_NEAREST;
    r.terms.near = sample_provider(k);
    return r;
}

/* The order of those that fit, as digits. */
static unsigned order_of(struct sample *s, const struct request *r,
                         uint64_t now_ms)
{
    struct book_explanation x;
    unsigned digits = 0;
    arena_reset(&s->arena);
    assert_int_equal(
        book_explain_request(s->book, r, 10, now_ms, &s->arena, &x), OK);
    for (uint32_t i = 0; i < x.count; i++)
        digits = digits * 10 + (unsigned)sample_k(&x.lines[i].provider);
    return digits;
}

static void near_goes_by_what_both_ends_measured(void **state)
{
    struct sample *s = *state;
    struct request r = near_to(1);
    struct pubkey one = sample_provider(1);
    struct pubkey others[] = {sample_provider(2), sample_provider(3)};
    uint64_t to_others[] = {30000, 5000};
    uint64_t back;
    struct book_explanation x;
    for (unsigned k = 1; k <= 4; k++) {
        struct offer o = sample_offer(k, 1);
        o.price.cpu_hour = amount_micro((5 - k) * 1000000);
        sample_put(s, &o, NOW);
    }
    says(&one, others, to_others, 2);
    for (uint32_t i = 0; i < 2; i++) {
        back = to_others[i];
        says(&others[i], &one, &back, 1);
    }
    /* Itself, then 3 and 2 by distance; of 4, the cheapest, nothing is known.
     */
    assert_int_equal(order_of(s, &r, NOW), 1324);
    arena_reset(&s->arena);
    assert_int_equal(book_explain_request(s->book, &r, 10, NOW, &s->arena, &x),
                     OK);
    assert_int_equal(x.lines[0].verdict.notes, 0);
    assert_int_equal(x.lines[1].verdict.notes, 0);
    assert_int_equal(x.lines[3].verdict.notes, reason_bit(REASON_RTT_UNKNOWN));
    assert_int_equal(x.lines[1].account.parts[1].value, 5000);
    assert_false(x.lines[1].account.parts[1].guessed);
    /* When all that is too old, only the node itself is near. */
    assert_int_equal(order_of(s, &r, NOW + 250000) / 1000, 1);
    sample_add(s, 1, &r, NOW);
    sample_exclude(s, 1, 1, NOW + 100000, NOW);
    const struct book_result *m = sample_match(s, 1, 1, NOW);
    assert_int_equal(sample_k(&m->placements[0].provider), 3);
}

static void a_guess_counts_with_its_worse_end(void **state)
{
    struct sample *s = *state;
    struct request r = near_to(1);
    struct pubkey landmark = sample_provider(9);
    struct pubkey ends[] = {sample_provider(1), sample_provider(2)};
    uint64_t legs[] = {10000, 4000};
    struct book_explanation x;
    sample_put_k(s, 2, 1, NOW);
    sample_put_k(s, 3, 1, NOW);
    both_say(1, 3, 12000);
    says(&landmark, ends, legs, 2);
    for (uint32_t i = 0; i < 2; i++) { /* 1 has said of 3 already */
        struct pubkey rows[] = {landmark, sample_provider(3)};
        uint64_t rtts[] = {legs[i], 12000};
        struct linkmap_row told[2];
        struct linkmap_statement more = {.origin = ends[i],
                                         .version = 2,
                                         .life_ms = LINKMAP_LIFE_MAX_MS,
                                         .standing = LINKMAP_KNOWN,
                                         .rows = told,
                                         .count = i == 0 ? 2 : 1};
        memset(told, 0, sizeof(told));
        for (uint32_t k = 0; k < more.count; k++) {
            told[k].peer = rows[k];
            link_set(&told[k].link, LINK_RTT, rtts[k], METRIC_MEASURED);
            told[k].link.at_ms[LINK_TRIPS] = NOW;
            told[k].link.samples[LINK_TRIPS] = 20;
        }
        assert_int_equal(linkmap_put(links, &more, NOW), OK);
    }
    /* Between 6 and 14 ms over the landmark: 14, not 10, against 12. */
    assert_int_equal(order_of(s, &r, NOW), 32);
    arena_reset(&s->arena);
    assert_int_equal(book_explain_request(s->book, &r, 10, NOW, &s->arena, &x),
                     OK);
    assert_int_equal(x.lines[1].account.parts[1].value, 14000);
    assert_true(x.lines[1].account.parts[1].guessed);
    /* With age it is trusted less, and then not at all. */
    assert_int_equal(x.lines[1].verdict.notes, 0);
    arena_reset(&s->arena);
    assert_int_equal(
        book_explain_request(s->book, &r, 10, NOW + 200000, &s->arena, &x), OK);
    assert_int_equal(x.lines[1].verdict.notes, reason_bit(REASON_RTT_UNKNOWN));
}

static void guesses_stand_until_something_is_measured(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct pubkey one = sample_provider(1);
    struct pubkey two = sample_provider(2);
    struct pubkey nobody = sample_provider(7);
    struct pubkey out;
    uint32_t cursor = 0;
    r.policy = POLICY_NEAREST;
    sample_put_k(s, 1, 1, NOW);
    sample_put_k(s, 2, 1, NOW);
    assert_int_equal(book_rtt_guess(s->book, &nobody, 10, NOW), ERR_NOT_FOUND);
    assert_int_equal(book_rtt_set(s->book, &two, 9000, NOW), OK);
    assert_int_equal(order_of(s, &r, NOW), 21);
    assert_true(book_unmeasured_next(s->book, &cursor, NOW, &out));
    assert_true(pubkey_equal(&out, &one));
    assert_false(book_unmeasured_next(s->book, &cursor, NOW, &out));
    assert_int_equal(book_rtt_guess(s->book, &one, 4000, NOW), OK);
    book_check(s->book);
    assert_int_equal(order_of(s, &r, NOW), 12);
    assert_int_equal(sample_get(s, 1, NOW).rtt_us, 0);
    assert_int_equal(sample_get(s, 1, NOW).rtt_guess_us, 4000);
    /* Ours stands against any guess; a guess may be withdrawn. */
    assert_int_equal(book_rtt_guess(s->book, &two, 10, NOW), OK);
    assert_int_equal(sample_get(s, 2, NOW).rtt_us, 9000);
    assert_int_equal(book_rtt_guess(s->book, &one, 0, NOW), OK);
    book_check(s->book);
    assert_int_equal(order_of(s, &r, NOW), 21);
    assert_int_equal(book_rtt_guess(s->book, &one, 4000, NOW), OK);
    assert_int_equal(book_rtt_set(s->book, &one, 20000, NOW), OK);
    assert_int_equal(sample_get(s, 1, NOW).rtt_us, 20000);
    assert_int_equal(sample_get(s, 1, NOW).rtt_guess_us, 0);
    assert_int_equal(order_of(s, &r, NOW), 21);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(near_goes_by_what_both_ends_measured),
        test(a_guess_counts_with_its_worse_end),
        test(guesses_stand_until_something_is_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
