#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "market/book/book.h"
#include "tests/unit/market/book_sample.h"

/* A book in the plainest form: tables of everything, each match looks at all
 * offers, ranks them all and fills from the front. The real book must agree
 * with it after every one of many random events. */

enum { PROVIDERS = 24, REQUESTS = 10 };

struct plain_offer {
    bool live;
    uint64_t version;
    struct offer offer;
    struct resources free;
    struct resources reserved;
    uint32_t reserved_tasks;
    uint64_t received_ms;
    uint64_t rtt_us;
    uint64_t rtt_at_ms;
    uint64_t unreachable_until_ms;
};

struct plain_request {
    bool here;
    struct request request;
    uint32_t waiting;
    uint64_t expires_ms;
    uint32_t held[PROVIDERS];
    uint64_t excluded_until_ms[PROVIDERS];
};

struct plain {
    struct plain_offer offers[PROVIDERS];
    struct plain_request requests[REQUESTS];
    uint64_t now_ms;
    uint64_t seed;
    bool refusals; /* exclusions and unreachable providers happen */
    uint32_t placed;
    uint32_t unplaced;
    uint32_t early;
};

static uint64_t below(struct plain *p, uint64_t bound)
{
    p->seed ^= p->seed << 13;
    p->seed ^= p->seed >> 7;
    p->seed ^= p->seed << 17;
    return p->seed % bound;
}

static bool is_live(const struct plain *p, unsigned k)
{
    const struct plain_offer *o = &p->offers[k];
    return o->live && p->now_ms < o->received_ms + o->offer.ttl_ms;
}

static struct candidate candidate_of(const struct plain *p, unsigned k,
                                     const struct plain_request *r)
{
    const struct plain_offer *o = &p->offers[k];
    const struct request *q = &r->request;
    struct candidate c = {
        .provider = o->offer.provider,
        .arch = o->offer.arch,
        .total = o->offer.total,
        .slots_free = o->offer.slots_free - o->reserved_tasks,
        .time_ms_max = o->offer.time_ms_max,
        .label_count = o->offer.label_count,
        .labels = o->offer.labels,
        .rtt_us = o->rtt_us,
        .rtt_age_ms = p->now_ms - o->rtt_at_ms,
        .grade = o->offer.grade,
        .age_ms = p->now_ms - o->received_ms,
        .ttl_ms = o->offer.ttl_ms,
    };
    assert_int_equal(resources_sub(&o->free, &o->reserved, &c.free), OK);
    assert_int_equal(price_per_hour(&o->offer.price, &q->resources, &c.hour),
                     OK);
    assert_int_equal(price_for_time(c.hour, q->time_ms_max, &c.bill), OK);
    if (!pubkey_is_zero(&q->only_seller) &&
        !pubkey_equal(&q->only_seller, &o->offer.provider))
        c.refused |= reason_bit(REASON_SELLER);
    if (r->excluded_until_ms[k] > p->now_ms)
        c.refused |= reason_bit(REASON_EXCLUDED);
    if (o->unreachable_until_ms > p->now_ms)
        c.refused |= reason_bit(REASON_UNREACHABLE);
    return c;
}

struct plain_match {
    struct rank ranks[PROVIDERS];
    uint32_t rooms[PROVIDERS];
    uint32_t count; /* that fit, best first */
    uint64_t room;
    struct explain explain;
};

static void match_plainly(const struct plain *p, const struct plain_request *r,
                          struct plain_match *m)
{
    struct demand demand;
    memset(m, 0, sizeof(*m));
    book_demand(&r->request, &demand);
    for (unsigned k = 0; k < PROVIDERS; k++) {
        struct verdict verdict;
        if (!is_live(p, k))
            continue;
        struct candidate c = candidate_of(p, k, r);
        feasible_check(&demand, &c, &verdict);
        explain_add(&m->explain, &demand, &c, &verdict);
        m->rooms[k] = verdict.tasks;
        m->room += verdict.tasks;
        if (verdict.tasks > 0)
            policy_rank(&demand, &c, k, &m->ranks[m->count++]);
    }
    policy_sort(m->ranks, m->count);
}

static void reserve_plainly(struct plain *p, struct plain_request *r,
                            unsigned k, uint32_t tasks)
{
    struct plain_offer *o = &p->offers[k];
    struct resources part;
    assert_int_equal(resources_mul(&r->request.resources, tasks, &part), OK);
    assert_int_equal(resources_add(&o->reserved, &part, &o->reserved), OK);
    o->reserved_tasks += tasks;
    r->held[k] += tasks;
}

static void release_plainly(struct plain *p, struct plain_request *r,
                            unsigned k, uint32_t tasks)
{
    struct plain_offer *o = &p->offers[k];
    struct resources part;
    tasks = tasks < r->held[k] ? tasks : r->held[k];
    assert_int_equal(resources_mul(&r->request.resources, tasks, &part), OK);
    assert_int_equal(resources_sub(&o->reserved, &part, &o->reserved), OK);
    o->reserved_tasks -= tasks;
    r->held[k] -= tasks;
}

static void forget_reserved(struct plain *p, unsigned k)
{
    p->offers[k].reserved = (struct resources){0};
    p->offers[k].reserved_tasks = 0;
    for (unsigned n = 0; n < REQUESTS; n++)
        p->requests[n].held[k] = 0;
}

/* One match on both sides, compared. */
static void match_both(struct sample *s, struct plain *p, unsigned n)
{
    struct plain_request *r = &p->requests[n];
    struct hash id = sample_id(n);
    struct plain_match m;
    uint32_t left = r->waiting;
    uint32_t spares_max = (uint32_t)below(p, 2);
    uint32_t spares = 0;
    match_plainly(p, r, &m);
    arena_reset(&s->arena);
    assert_int_equal(book_match(s->book, &id, r->waiting, spares_max, p->now_ms,
                                &s->arena, &s->result),
                     OK);
    for (uint32_t i = 0; i < m.count; i++) {
        unsigned k = m.ranks[i].index;
        uint32_t tasks = m.rooms[k] < left ? m.rooms[k] : left;
        if (tasks == 0 && spares++ == spares_max)
            break;
        const struct book_placement *got = &s->result.placements[i];
        assert_true(i < s->result.count);
        assert_int_equal(sample_k(&got->provider), k);
        assert_int_equal(got->tasks, tasks);
        assert_int_equal(got->room, m.rooms[k]);
        left -= tasks;
        if (tasks > 0)
            reserve_plainly(p, r, k, tasks);
    }
    assert_int_equal(s->result.unplaced, left);
    assert_int_equal(s->result.placed, r->waiting - left);
    if (s->result.complete)
        assert_memory_equal(s->result.explain.first, m.explain.first,
                            sizeof(m.explain.first));
    else
        p->early++;
    p->placed += s->result.placed;
    p->unplaced += left;
    r->waiting = left;
}

/* ---- random events ---- */

static void event_put(struct sample *s, struct plain *p, unsigned k)
{
    struct plain_offer *o = &p->offers[k];
    struct offer offer = sample_offer(k, ++o->version);
    offer.total.cpu_milli = (uint32_t)below(p, 9) * 500;
    offer.total.mem_mib = below(p, 9) * 1024;
    offer.free.cpu_milli = (uint32_t)below(p, offer.total.cpu_milli + 1);
    offer.free.mem_mib = below(p, offer.total.mem_mib + 1);
    offer.slots_free = (uint32_t)below(p, 6);
    offer.price = sample_price(below(p, 5) * 100000, below(p, 5) * 50000,
                               below(p, 3) * 1000);
    offer.grade.int_ops = below(p, 4) << 28;
    offer.ttl_ms = 1 + below(p, 60000);
    offer.arch = below(p, 8) == 0 ? ARCH_AARCH64 : ARCH_X86_64;
    if (below(p, 2) == 0)
        sample_label(&offer, "zone", below(p, 2) == 0 ? "eu" : "us");
    assert_int_equal(book_offer_put(s->book, &offer, p->now_ms, 0), OK);
    forget_reserved(p, k);
    o->offer = offer;
    o->free = offer.free;
    o->live = true;
    o->received_ms = p->now_ms;
}

static void event_add(struct sample *s, struct plain *p, unsigned n)
{
    struct plain_request *r = &p->requests[n];
    struct hash id = sample_id(n);
    if (r->here)
        return;
    memset(r, 0, sizeof(*r));
    r->request = sample_request(1 + (uint32_t)below(p, 8));
    r->request.salt[1] = (uint8_t)below(p, 256);
    r->request.resources.cpu_milli = 1 + (uint32_t)below(p, 4) * 500;
    r->request.resources.mem_mib = 1 + below(p, 3) * 512;
    r->request.policy = (enum policy)(1 + below(p, 3));
    if (below(p, 3) == 0)
        r->request.price_max = amount_micro(1 + below(p, 4) * 5000);
    if (below(p, 3) == 0)
        sample_constraint(&r->request, "zone",
                          (enum constraint_op)(1 + below(p, 2)), "eu");
    if (below(p, 6) == 0)
        r->request.only_seller = sample_provider((unsigned)below(p, PROVIDERS));
    r->here = true;
    r->waiting = r->request.tasks;
    r->expires_ms = p->now_ms + 1 + below(p, 200000);
    assert_int_equal(book_request_add(s->book, &id, &r->request, r->waiting,
                                      r->expires_ms - p->now_ms, p->now_ms),
                     OK);
}

static void forget_request(struct plain *p, unsigned n)
{
    struct plain_request *r = &p->requests[n];
    for (unsigned k = 0; k < PROVIDERS; k++)
        release_plainly(p, r, k, r->held[k]);
    r->here = false;
}

static void event_remove(struct sample *s, struct plain *p, unsigned n)
{
    struct hash id = sample_id(n);
    bool here = p->requests[n].here;
    assert_int_equal(book_request_remove(s->book, &id, p->now_ms), here);
    if (here)
        forget_request(p, n);
}

static void event_drop(struct sample *s, struct plain *p, unsigned k)
{
    struct pubkey key = sample_provider(k);
    bool live = p->offers[k].live;
    assert_int_equal(book_offer_drop(s->book, &key, p->now_ms), live);
    p->offers[k].live = false;
    forget_reserved(p, k);
}

static void event_free(struct sample *s, struct plain *p, unsigned k)
{
    struct plain_offer *o = &p->offers[k];
    struct pubkey key = sample_provider(k);
    struct resources now = {(uint32_t)below(p, 5000), below(p, 9000),
                            below(p, 30000), 0};
    book_free_set(s->book, &key, &now, p->now_ms);
    if (!o->live)
        return;
    forget_reserved(p, k);
    o->free.cpu_milli = now.cpu_milli < o->offer.total.cpu_milli
                            ? now.cpu_milli
                            : o->offer.total.cpu_milli;
    o->free.mem_mib = now.mem_mib < o->offer.total.mem_mib
                          ? now.mem_mib
                          : o->offer.total.mem_mib;
    o->free.disk_mib = now.disk_mib < o->offer.total.disk_mib
                           ? now.disk_mib
                           : o->offer.total.disk_mib;
}

static void event_release(struct sample *s, struct plain *p, unsigned n,
                          unsigned k)
{
    struct hash id = sample_id(n);
    struct pubkey key = sample_provider(k);
    uint32_t tasks = 1 + (uint32_t)below(p, 3);
    book_release(s->book, &id, &key, tasks, p->now_ms);
    if (p->requests[n].here)
        release_plainly(p, &p->requests[n], k, tasks);
}

static void event_rtt(struct sample *s, struct plain *p, unsigned k)
{
    struct pubkey key = sample_provider(k);
    p->offers[k].rtt_us = 1 + below(p, 3000);
    p->offers[k].rtt_at_ms = p->now_ms;
    p->offers[k].unreachable_until_ms = 0;
    assert_int_equal(
        book_rtt_set(s->book, &key, p->offers[k].rtt_us, p->now_ms), OK);
}

static void event_refusal(struct sample *s, struct plain *p, unsigned n,
                          unsigned k)
{
    struct pubkey key = sample_provider(k);
    uint64_t until = p->now_ms + below(p, 20000);
    if (!p->refusals)
        return;
    if (below(p, 3) == 0 && p->offers[k].live) {
        book_unreachable_set(s->book, &key, until, p->now_ms);
        p->offers[k].unreachable_until_ms = until;
    } else if (p->requests[n].here && until > p->now_ms) {
        sample_exclude(s, n, k, until, p->now_ms);
        p->requests[n].excluded_until_ms[k] = until;
    }
}

/* A lapsed offer's slot gives up what was known of its reservations only when
 * a tick notices, as the plain book does here. */
static void lapse(struct plain *p)
{
    for (unsigned k = 0; k < PROVIDERS; k++) {
        if (p->offers[k].live && !is_live(p, k)) {
            p->offers[k].live = false;
            forget_reserved(p, k);
        }
    }
}

static uint32_t tick_both(struct sample *s, struct plain *p)
{
    struct book_note notes[3];
    lapse(p);
    uint32_t count = book_tick(s->book, p->now_ms, notes, 3);
    for (uint32_t i = 0; i < count; i++) {
        unsigned n = notes[i].id.b[0];
        struct plain_request *r = &p->requests[n];
        assert_true(r->here);
        assert_int_equal(notes[i].waiting, r->waiting);
        assert_int_equal(notes[i].kind == BOOK_EXPIRED,
                         r->expires_ms <= p->now_ms);
        if (notes[i].kind == BOOK_EXPIRED)
            forget_request(p, n);
        else
            match_both(s, p, n);
    }
    return count;
}

static void event(struct sample *s, struct plain *p)
{
    unsigned k = (unsigned)below(p, PROVIDERS);
    unsigned n = (unsigned)below(p, REQUESTS);
    switch (below(p, 9)) {
    case 0:
    case 1:
        event_put(s, p, k);
        return;
    case 2:
        event_add(s, p, n);
        return;
    case 3:
        event_release(s, p, n, k);
        return;
    case 4:
        event_rtt(s, p, k);
        return;
    case 5:
        event_free(s, p, k);
        return;
    case 6:
        event_refusal(s, p, n, k);
        return;
    case 7:
        if (below(p, 8) == 0)
            event_drop(s, p, k);
        return;
    default:
        if (below(p, 8) == 0)
            event_remove(s, p, n);
        return;
    }
}

/* Nothing that waits could have a place: no wake-up was lost. */
static void nobody_waits_in_vain(const struct plain *p)
{
    for (unsigned n = 0; n < REQUESTS; n++) {
        struct plain_match m;
        if (!p->requests[n].here || p->requests[n].waiting == 0)
            continue;
        match_plainly(p, &p->requests[n], &m);
        assert_true(m.room == 0);
    }
}

static void run(struct sample *s, uint64_t seed, bool refusals)
{
    static struct plain p;
    memset(&p, 0, sizeof(p));
    p.seed = seed;
    p.refusals = refusals;
    p.now_ms = 1000;
    for (unsigned k = 0; k < PROVIDERS; k++)
        p.offers[k].offer.provider = sample_provider(k);
    for (int step = 0; step < 20000; step++) {
        p.now_ms += below(&p, 20) == 0 ? below(&p, 10000) : below(&p, 100);
        lapse(&p);
        while (tick_both(s, &p) > 0) {
        }
        event(s, &p);
        while (tick_both(s, &p) > 0) {
        }
        if (!refusals)
            nobody_waits_in_vain(&p);
        if (step % 32 == 0)
            book_check(s->book);
    }
    /* the walk was long and short, and both answers came often */
    assert_true(p.placed > 1000 && p.unplaced > 1000 && p.early > 40);
}

static void the_book_agrees_with_a_plain_one_and_loses_no_wake_up(void **state)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        run(*state, seed, false);
        (void)sample_teardown(state);
        assert_int_equal(sample_setup(state), 0);
    }
}

static void it_agrees_when_providers_refuse_and_vanish(void **state)
{
    for (uint64_t seed = 11; seed <= 14; seed++) {
        run(*state, seed, true);
        (void)sample_teardown(state);
        assert_int_equal(sample_setup(state), 0);
    }
}

static void request_varies(struct plain *p, struct request *r)
{
    *r = sample_request(1 + (uint32_t)below(p, 30));
    r->salt[1] = (uint8_t)below(p, 256);
    r->policy = (enum policy)(1 + below(p, 3));
    r->resources.cpu_milli = 1 + (uint32_t)below(p, 4000);
    r->resources.mem_mib = 1 + below(p, 9000);
}

static void offer_varies(struct plain *p, unsigned k, struct offer *o)
{
    *o = sample_offer(k, 1);
    o->free.cpu_milli = (uint32_t)below(p, 4001);
    o->free.mem_mib = below(p, 2) * below(p, 8193);
    o->price =
        sample_price(below(p, 1000000), below(p, 500000), below(p, 1000));
    o->grade.int_ops = below(p, 4) == 0 ? 0 : 1 + below(p, UINT32_MAX);
}

/* An explanation looks at every offer and sorts; a match walks and stops. Over
 * many offers, walks short and long, the match is the head of the list. */
static void a_match_is_the_head_of_the_explanation(void **state)
{
    struct sample *s = *state;
    struct plain p = {.seed = 77};
    uint32_t early = 0;
    for (unsigned k = 0; k < 3000; k++) {
        struct pubkey key = sample_provider(k);
        struct offer o;
        offer_varies(&p, k, &o);
        sample_put(s, &o, 10);
        if (k % 5 == 0)
            assert_int_equal(
                book_rtt_set(s->book, &key, 1 + below(&p, 100000), 10), OK);
    }
    for (unsigned n = 0; n < 600; n++) {
        struct book_explanation x;
        struct request r;
        uint32_t left;
        request_varies(&p, &r);
        left = r.tasks;
        arena_reset(&s->arena);
        assert_int_equal(
            book_preview(s->book, &r, r.tasks, 2, 20, &s->arena, &s->result),
            OK);
        assert_int_equal(
            book_explain_request(s->book, &r, 100, 20, &s->arena, &x), OK);
        early += !s->result.complete;
        for (uint32_t i = 0; i < s->result.count; i++) {
            const struct book_placement *got = &s->result.placements[i];
            uint32_t room = x.lines[i].verdict.tasks;
            assert_true(pubkey_equal(&got->provider, &x.lines[i].provider));
            assert_int_equal(got->room, room);
            assert_int_equal(got->tasks, room < left ? room : left);
            left -= got->tasks;
        }
        assert_int_equal(s->result.unplaced, left);
        /* it stopped only because it had enough */
        if (left > 0)
            assert_int_equal(s->result.count, x.explain.fits);
    }
    assert_in_range(early, 200, 580);
}

/* Same events, same answers: a second book with another key for its tables
 * places everything alike. */
static void the_tables_key_decides_nothing(void **state)
{
    struct sample *s = *state;
    const struct book_config config = {.requests_max = 64, .key = {99}};
    struct book *other;
    struct book_result result;
    assert_int_equal(book_new(&config, &other), OK);
    for (unsigned k = 0; k < 300; k++) {
        struct offer o = sample_offer(k, 1);
        assert_int_equal(book_offer_put(s->book, &o, 10, 0), OK);
        o = sample_offer(299 - k, 1); /* and in another order */
        assert_int_equal(book_offer_put(other, &o, 10, 0), OK);
    }
    for (unsigned n = 0; n < 50; n++) {
        struct request r = sample_request(20);
        struct hash id = sample_id(n);
        r.salt[3] = (uint8_t)n;
        r.policy = (enum policy)(1 + n % 3);
        sample_add(s, n, &r, 10);
        assert_int_equal(book_request_add(other, &id, &r, 20, 1000, 10), OK);
        (void)sample_match(s, n, 20, 20);
        assert_int_equal(book_match(other, &id, 20, 0, 20, &s->arena, &result),
                         OK);
        assert_int_equal(result.count, s->result.count);
        for (uint32_t i = 0; i < result.count; i++)
            assert_true(pubkey_equal(&result.placements[i].provider,
                                     &s->result.placements[i].provider));
    }
    book_free(other);
}

int main(void)
{
#define BOOK(test)                                                             \
    cmocka_unit_test_setup_teardown(test, sample_setup, sample_teardown)
    const struct CMUnitTest tests[] = {
        BOOK(the_book_agrees_with_a_plain_one_and_loses_no_wake_up),
        BOOK(it_agrees_when_providers_refuse_and_vanish),
        BOOK(a_match_is_the_head_of_the_explanation),
        BOOK(the_tables_key_decides_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
