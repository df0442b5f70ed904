/* Policies of several figures, divisions and gangs in the order book, beside a
 * plain look at every offer. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "market/book/book.h"
#include "tests/unit/market/book_sample.h"

#define OFFERS_MAX 1200u

static uint64_t seed;

static uint64_t below(uint64_t bound)
{
    uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % bound;
}

static void random_offer(struct sample *s, unsigned k)
{
    struct offer o = sample_offer(k, 1);
    struct pubkey provider = sample_provider(k);
    o.total.cpu_milli = 1000 + 500 * (uint32_t)below(15);
    o.total.mem_mib = 1024 + 512 * below(15);
    o.free.cpu_milli = o.total.cpu_milli - 500 * (uint32_t)below(3);
    o.free.mem_mib = o.total.mem_mib - 512 * below(3);
    o.slots_free = (uint32_t)below(6);
    o.price = sample_price(1000 + below(90000), 100 + below(5000), below(50));
    o.grade.int_ops = below(8) == 0 ? 0 : (1u << 28) + below(1u << 30);
    o.grade.float_ops = (1u << 28) + below(1u << 30);
    o.grade.fp32_ops = (1u << 28) + below(1u << 30);
    if (below(2) == 0)
        sample_label(&o, "zone", below(2) == 0 ? "eu" : "us");
    if (below(2) == 0) {
        sample_label(&o, "watts-idle", "40");
        sample_label(&o, "watts-full", below(2) == 0 ? "90" : "400");
    }
    sample_put(s, &o, 10);
    if (below(4) > 0)
        assert_int_equal(
            book_rtt_set(s->book, &provider, 100 + below(90000), 10), OK);
}

static void random_terms(struct request *r)
{
    struct policy_terms *t = &r->terms;
    memset(t, 0, sizeof(*t));
    r->policy = policy_nth((size_t)below(8));
    if (r->policy == POLICY_COMPOSITE) {
        t->weights[below(3)] = 1 + (uint32_t)below(9);
        t->weights[below(3)] += 1;
        if (below(4) == 0)
            t->weights[PART_LOAD] = 2;
        if (below(4) == 0)
            t->weights[PART_ENERGY] = 2;
    }
    if (r->policy == POLICY_FASTEST || r->policy == POLICY_COMPOSITE)
        t->speed = below(3) == 0 ? SPEED_PARALLEL : SPEED_MEAN;
    t->divide =
        below(2) == 0 ? POLICY_DIVIDE_OWN : (enum policy_divide)below(7);
    if (t->divide == POLICY_DIVIDE_STATIC) {
        t->share_count = 2;
        t->shares[0] =
            (struct policy_share){.weight = 3, .key = "zone", .value = "eu"};
        t->shares[1] =
            (struct policy_share){.weight = 1, .key = "zone", .value = "us"};
    }
    if (t->divide == POLICY_DIVIDE_DUPLICATED) {
        t->copies = 2;
        r->tasks += r->tasks % 2;
    }
    t->gang = below(3) == 0;
    assert_int_equal(policy_terms_check(r->policy, t), OK);
}

/* ---- the plain look ---- */

struct plain {
    struct rank ranks[OFFERS_MAX];
    uint32_t rooms[OFFERS_MAX]; /* by k */
    uint32_t count;
    uint64_t room; /* that the division can use */
};

static struct candidate candidate_of(const struct book_offer *o,
                                     const struct request *r)
{
    struct candidate c = {.provider = o->offer.provider,
                          .arch = o->offer.arch,
                          .total = o->offer.total,
                          .free = o->offer.free,
                          .slots_free = o->offer.slots_free,
                          .time_ms_max = o->offer.time_ms_max,
                          .label_count = o->offer.label_count,
                          .labels = o->offer.labels,
                          .rtt_us = o->rtt_us,
                          .grade = o->offer.grade,
                          .ttl_ms = o->offer.ttl_ms};
    assert_int_equal(price_per_hour(&o->offer.price, &r->resources, &c.hour),
                     OK);
    assert_int_equal(price_for_time(c.hour, r->time_ms_max, &c.bill), OK);
    return c;
}

static void look_plainly(struct sample *s, const struct request *r,
                         struct plain *p)
{
    static struct book_offer offers[OFFERS_MAX];
    static struct balance_load loads[OFFERS_MAX];
    struct ranking ranking;
    struct demand demand;
    uint32_t known = 0;
    uint32_t cursor = 0;
    uint32_t copies = policy_copies(&r->terms);
    memset(p, 0, sizeof(*p));
    book_demand(r, &demand);
    bool keeps = ranking_keeps_loads(&demand);
    ranking_init(&ranking, &demand, keeps ? loads : NULL,
                 keeps ? OFFERS_MAX : 0);
    while (book_offer_next(s->book, &cursor, 20, &offers[known]))
        known++;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < known; i++) {
            struct candidate c = candidate_of(&offers[i], r);
            struct verdict verdict;
            feasible_check(&demand, &c, &verdict);
            if (verdict.tasks == 0)
                continue;
            if (pass == 0 && ranking_looks_first(&ranking))
                ranking_look(&ranking, &c);
            uint32_t room = ranking_room(&ranking, &c, verdict.tasks);
            if (pass == 0 || room == 0)
                continue;
            uint32_t k = (uint32_t)c.provider.b[0] | (uint32_t)c.provider.b[1]
                                                         << 8;
            p->rooms[k] = verdict.tasks;
            p->room += copies > 1 && room > r->tasks / copies
                           ? r->tasks / copies
                           : room;
            ranking_rank(&ranking, &c, verdict.tasks, k, &p->ranks[p->count++]);
        }
        if (pass == 0 && ranking_looks_first(&ranking))
            ranking_ready(&ranking);
    }
    policy_sort(p->ranks, p->count);
}

static uint32_t k_of(const struct book_placement *place)
{
    return (uint32_t)place->provider.b[0] | (uint32_t)place->provider.b[1] << 8;
}

static void compare(const struct sample *s, const struct request *r,
                    const struct plain *p)
{
    const struct book_result *got = &s->result;
    enum policy_divide divide = policy_divides(r->policy, &r->terms);
    uint32_t fits = p->room < r->tasks ? (uint32_t)p->room : r->tasks;
    uint32_t given = 0;
    if (r->terms.gang && fits < r->tasks) {
        assert_int_equal(got->count, 0);
        assert_int_equal(got->placed, 0);
        assert_int_equal(got->gang_waits, fits > 0);
        assert_int_equal(got->room, fits);
        return;
    }
    assert_int_equal(got->placed, fits);
    for (uint32_t i = 0; i < got->count; i++) {
        const struct book_placement *place = &got->placements[i];
        assert_int_equal(place->room, p->rooms[k_of(place)]);
        assert_true(place->tasks <= place->room);
        given += place->tasks;
        /* Who gets some are the best there are, in order. */
        if (divide == POLICY_DIVIDE_FILL || divide == POLICY_DIVIDE_EVEN ||
            divide == POLICY_DIVIDE_DUPLICATED)
            assert_int_equal(k_of(place), p->ranks[i].index);
    }
    assert_int_equal(given, fits);
}

static void every_policy_finds_what_a_plain_look_finds(void **state)
{
    static struct plain plain;
    unsigned cut[9] = {0};
    unsigned asked[9] = {0};
    (void)state;
    seed = 77;
    for (unsigned round = 0; round < 12; round++) {
        void *fresh = NULL;
        assert_int_equal(sample_setup(&fresh), 0);
        struct sample *s = fresh;
        unsigned offers = 1 + (unsigned)below(round % 2 == 0 ? 40 : 900);
        for (unsigned k = 0; k < offers; k++)
            random_offer(s, k);
        for (unsigned n = 0; n < 40; n++) {
            struct request r = sample_request(1 + (uint32_t)below(12));
            r.salt[3] = (uint8_t)n;
            random_terms(&r);
            look_plainly(s, &r, &plain);
            arena_reset(&s->arena);
            assert_int_equal(book_preview(s->book, &r, r.tasks, 1, 20,
                                          &s->arena, &s->result),
                             OK);
            compare(s, &r, &plain);
            asked[r.policy] += 1;
            cut[r.policy] += !s->result.complete;
        }
        (void)sample_teardown(&fresh);
    }
    /* Composite still stops early, mostly. */
    print_message("composite: %u of %u walks were cut short\n",
                  cut[POLICY_COMPOSITE], asked[POLICY_COMPOSITE]);
    assert_true(cut[POLICY_CHEAPEST] > 0);
    assert_true(cut[POLICY_COMPOSITE] > 0);
    assert_int_equal(cut[POLICY_BALANCED], 0);
}

static void a_placement_says_why_it_ranks_there(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct book_explanation x;
    seed = 5;
    for (unsigned k = 0; k < 30; k++)
        random_offer(s, k);
    r.policy = POLICY_COMPOSITE;
    r.terms.weights[PART_PRICE] = 2;
    r.terms.weights[PART_RTT] = 1;
    assert_int_equal(book_preview(s->book, &r, 1, 3, 20, &s->arena, &s->result),
                     OK);
    assert_int_equal(book_explain_request(s->book, &r, 30, 20, &s->arena, &x),
                     OK);
    for (uint32_t i = 0; i < s->result.count; i++) {
        const struct ranking_account *a = &s->result.placements[i].account;
        assert_true(a->has_score);
        assert_int_equal(a->count, 2);
        assert_int_equal(a->score, x.lines[i].account.score);
        assert_true(pubkey_equal(&s->result.placements[i].provider,
                                 &x.lines[i].provider));
        if (i > 0)
            assert_true(a->score <= s->result.placements[i - 1].account.score);
    }
}

/* ---- gangs ---- */

static struct request gang_of(uint32_t tasks, uint8_t salt)
{
    struct request r = sample_request(tasks);
    r.salt[0] = salt;
    r.terms.gang = true;
    return r;
}

static void a_gang_takes_nothing_unless_it_can_take_all(void **state)
{
    struct sample *s = *state;
    struct request r = gang_of(9, 1);
    struct buf text;
    sample_put_k(s, 1, 1, 10);
    sample_put_k(s, 2, 1, 10);
    sample_add(s, 1, &r, 10);
    sample_match(s, 1, 9, 10);
    assert_int_equal(s->result.placed, 0);
    assert_int_equal(s->result.count, 0);
    assert_true(s->result.gang_waits);
    buf_init(&text, 200);
    book_result_format(&s->result, &text);
    assert_string_equal(buf_cstr(&text),
                        "there is room for 8 of 9 tasks that must run "
                        "together, so none is placed");
    buf_done(&text);
    /* Somebody else still gets what it left alone. */
    struct request other = sample_request(8);
    sample_add(s, 2, &other, 10);
    assert_int_equal(sample_match(s, 2, 8, 10)->placed, 8);
}

static void a_gang_wakes_when_there_is_room_for_all(void **state)
{
    struct sample *s = *state;
    struct request r = gang_of(6, 1);
    struct book_note notes[4];
    sample_put_k(s, 1, 1, 10);
    sample_add(s, 1, &r, 10);
    (void)book_tick(s->book, 10, notes, 4);
    assert_int_equal(sample_match(s, 1, 6, 10)->placed, 0);
    sample_put_k(s, 2, 1, 20);
    assert_int_equal(book_tick(s->book, 20, notes, 4), 1);
    assert_int_equal(notes[0].kind, BOOK_WAKE);
    assert_int_equal(sample_match(s, 1, 6, 20)->placed, 6);
}

static void a_gang_that_needs_fewer_takes_what_there_is(void **state)
{
    struct sample *s = *state;
    struct request r = gang_of(9, 1);
    r.terms.least = 5;
    sample_put_k(s, 1, 1, 10);
    sample_add(s, 1, &r, 10);
    assert_int_equal(sample_match(s, 1, 9, 10)->placed, 0);
    sample_put_k(s, 2, 1, 20);
    assert_int_equal(sample_match(s, 1, 9, 20)->placed, 8);
    /* The rest wants no more than a place. */
    sample_put_k(s, 3, 1, 30);
    assert_int_equal(sample_match(s, 1, 1, 30)->placed, 1);
}

/* Many gangs of all sizes on one market that has never room for all of them:
 * at every moment each has all of its places or none, and in the end, room
 * coming and going, each had its turn. */
static void competing_gangs_hold_all_or_nothing(void **state)
{
    struct sample *s = *state;
    uint32_t size[16];
    bool had[16] = {false};
    uint64_t now = 10;
    seed = 99;
    for (unsigned k = 0; k < 4; k++)
        sample_put_k(s, k, 1, now);
    for (unsigned n = 0; n < 16; n++) {
        struct request r = gang_of(2 + (uint32_t)below(14), (uint8_t)n);
        size[n] = r.tasks;
        sample_add(s, n, &r, now);
    }
    unsigned done = 0;
    for (unsigned round = 0; round < 4000 && done < 16; round++) {
        struct book_note notes[16];
        now += 1000;
        uint32_t count = book_tick(s->book, now, notes, 16);
        for (uint32_t i = 0; i < count; i++) {
            unsigned n = notes[i].id.b[0];
            if (notes[i].kind != BOOK_WAKE)
                continue;
            sample_match(s, n, size[n], now);
            assert_true(s->result.placed == 0 || s->result.placed == size[n]);
            if (s->result.placed > 0 && !had[n]) {
                had[n] = true;
                done++;
            }
        }
        /* All that ran ends now and then: the offers speak anew. */
        if (round % 3 == 2) {
            for (unsigned k = 0; k < 4; k++)
                sample_put_k(s, k, 2 + round, now);
        }
    }
    assert_int_equal(done, 16);
}

/* Matched together, tasks are dealt in order: copies meet no provider twice.
 * Later ones are dealt one each. */
static void copies_go_to_different_providers(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(6);
    bool met[8][3] = {{false}};
    uint32_t task = 0;
    r.terms.divide = POLICY_DIVIDE_DUPLICATED;
    r.terms.copies = 2;
    for (unsigned k = 0; k < 4; k++)
        sample_put_k(s, k, 1, 10);
    sample_add(s, 1, &r, 10);
    sample_match(s, 1, 6, 10);
    assert_int_equal(s->result.placed, 6);
    for (uint32_t i = 0; i < s->result.count; i++) {
        for (uint32_t n = 0; n < s->result.placements[i].tasks; n++, task++) {
            assert_false(met[i][task % 3]);
            met[i][task % 3] = true;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_policy_finds_what_a_plain_look_finds),
        cmocka_unit_test_setup_teardown(a_placement_says_why_it_ranks_there,
                                        sample_setup, sample_teardown),
        cmocka_unit_test_setup_teardown(
            a_gang_takes_nothing_unless_it_can_take_all, sample_setup,
            sample_teardown),
        cmocka_unit_test_setup_teardown(a_gang_wakes_when_there_is_room_for_all,
                                        sample_setup, sample_teardown),
        cmocka_unit_test_setup_teardown(
            a_gang_that_needs_fewer_takes_what_there_is, sample_setup,
            sample_teardown),
        cmocka_unit_test_setup_teardown(competing_gangs_hold_all_or_nothing,
                                        sample_setup, sample_teardown),
        cmocka_unit_test_setup_teardown(copies_go_to_different_providers,
                                        sample_setup, sample_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
