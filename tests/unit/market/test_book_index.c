#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "market/book/book.h"
#include "sched/ranking.h"
#include "tests/unit/market/book_sample.h"

/* What the book reads off its index is what looking at every offer says: the
 * explanation to the last count, and who is matched in which order. With
 * everything an offer can have, and with offers that come, change, are
 * reserved, lapse and go. */

enum { PROVIDERS = 700, ENTRIES = 12 };

struct world {
    struct sample *s;
    uint64_t seed;
    uint64_t now_ms;
    uint64_t versions[PROVIDERS];
    struct resources free[PROVIDERS]; /* as offered, or said since */
    struct request requests[ENTRIES];
    uint64_t excluded_ms[ENTRIES][PROVIDERS];
    uint32_t nearest_several;
    uint32_t devices_fit;
};

static uint64_t below(struct world *w, uint64_t bound)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;
    return w->seed % bound;
}

/* ---- offers ---- */

static void draw_devices(struct world *w, struct offer *o)
{
    static const char *const models[3] = {"a100", "h100", "t4"};
    struct device_group *group = &o->devices.groups[0];
    if (below(w, 3) != 0)
        return;
    o->devices.group_count = 1 + (uint32_t)below(w, 2);
    for (uint32_t i = 0; i < o->devices.group_count; i++, group++) {
        group->kind = DEVICE_GPU;
        group->count = 1 + (uint32_t)below(w, 3);
        group->mem_mib = 1024 * (1 + below(w, 4)) + i;
        group->hour = amount_micro(below(w, 500000));
        (void)snprintf(group->model, LIMIT_NAME, "%s", models[below(w, 3)]);
    }
    for (uint32_t i = 0; i < devices_count(&o->devices); i++)
        o->devices.free_milli[i] = (uint16_t)(250 * below(w, 5));
}

static void draw_labels(struct world *w, struct offer *o)
{
    static const char *const zones[4] = {"eu/north", "eu/south", "us", "eu"};
    uint64_t count = below(w, 3);
    for (uint64_t i = 0; i < count; i++)
        sample_label(o, "zone", zones[below(w, 4)]);
    if (below(w, 2) == 0)
        sample_label(o, "disk", below(w, 2) == 0 ? "nvme" : "hdd");
    if (below(w, 6) != 0)
        return;
    o->taint_count = 1;
    o->taints[0].effect = TAINT_REFUSE;
    (void)snprintf(o->taints[0].label.key, LIMIT_NAME, "%s",
                   below(w, 2) == 0 ? "batch" : "private");
}

static void event_put(struct world *w, unsigned k)
{
    struct offer o = sample_offer(k, ++w->versions[k]);
    o.total.cpu_milli = 1000 * (1 + (uint32_t)below(w, 16));
    o.total.mem_mib = 1024 * (1 + below(w, 32));
    o.total.nic_kbit = below(w, 3) * 100000;
    o.free.cpu_milli = (uint32_t)below(w, o.total.cpu_milli + 1);
    o.free.mem_mib = below(w, o.total.mem_mib + 1);
    o.free.nic_kbit = o.total.nic_kbit / (1 + below(w, 3));
    o.slots_free = (uint32_t)below(w, 6);
    o.time_ms_max = 3600000 * (1 + below(w, 4));
    o.price = sample_price(below(w, 5) * 100000, below(w, 400000),
                           below(w, 3) * 1000);
    if (below(w, 300) == 0)
        o.price.mem_hour = amount_micro(UINT64_MAX - 1);
    o.grade.int_ops = below(w, 4) << 28;
    o.ttl_ms = 1000 + below(w, 100000);
    o.arch = below(w, 4) == 0 ? ARCH_AARCH64 : ARCH_X86_64;
    if (below(w, 20) == 0)
        o.payout.b[0] = 0x55;
    draw_labels(w, &o);
    draw_devices(w, &o);
    assert_int_equal(book_offer_put(w->s->book, &o, w->now_ms, 0), OK);
    w->free[k] = o.free;
}

/* ---- requests ---- */

static void draw_wishes(struct world *w, struct request *r)
{
    if (below(w, 3) == 0) {
        r->devices = (struct device_wish){
            .kind = DEVICE_GPU,
            .count = 1 + (uint32_t)below(w, 3),
            .milli = 250 * (1 + (uint32_t)below(w, 4)),
            .mem_mib = 1024 * below(w, 4),
        };
        if (below(w, 2) == 0) {
            r->devices.model_count = 1;
            (void)snprintf(r->devices.models[0], LIMIT_NAME, "a100");
        }
    }
    if (below(w, 3) == 0) {
        r->zone_count = 1 + (uint32_t)below(w, 2);
        (void)snprintf(r->zones[0], LIMIT_NAME, "%s",
                       below(w, 2) == 0 ? "eu" : "eu/north");
        if (r->zone_count > 1)
            (void)snprintf(r->zones[1], LIMIT_NAME, "us");
    }
    if (below(w, 3) == 0) {
        r->toleration_count = 1;
        r->tolerations[0].op = CONSTRAINT_EXISTS;
        (void)snprintf(r->tolerations[0].key, LIMIT_NAME, "batch");
    }
}

static struct request draw_request(struct world *w)
{
    struct request r = sample_request(1 + (uint32_t)below(w, 5));
    r.salt[1] = (uint8_t)below(w, 256);
    r.resources.cpu_milli = 1 + (uint32_t)below(w, 18) * 500;
    r.resources.mem_mib = 1 + below(w, 40) * 512;
    r.resources.nic_kbit = below(w, 4) == 0 ? below(w, 200000) : 0;
    r.time_ms_max = 1 + below(w, 5) * 3600000;
    r.arch = below(w, 3) == 0 ? ARCH_ANY : ARCH_X86_64;
    r.policy = (enum policy)(1 + below(w, 3));
    r.buyer.b[0] = 0x55;
    if (below(w, 3) == 0)
        r.price_max = amount_micro(1 + below(w, 4000000));
    if (below(w, 12) == 0)
        r.only_seller = sample_provider((unsigned)below(w, PROVIDERS));
    if (below(w, 4) == 0)
        sample_constraint(&r, "disk", (enum constraint_op)(1 + below(w, 4)),
                          "");
    if (r.constraint_count > 0 && r.constraints[0].op <= CONSTRAINT_DIFFERS)
        (void)snprintf(r.constraints[0].value, LIMIT_NAME, "nvme");
    draw_wishes(w, &r);
    if (below(w, 10) == 0) /* nobody, and for several reasons each */
        r.resources.cpu_milli = r.resources.mem_mib > 1 ? 1u << 30 : 17000;
    return r;
}

/* ---- the plain way ---- */

static uint64_t refused_plainly(const struct world *w, const struct request *r,
                                const struct book_offer *b,
                                const uint64_t *excluded_ms)
{
    const struct pubkey *provider = &b->offer.provider;
    uint64_t refused = 0;
    if (pubkey_equal(&b->offer.payout, &r->buyer))
        refused |= reason_bit(REASON_SELF);
    if (!pubkey_is_zero(&r->only_seller) &&
        !pubkey_equal(&r->only_seller, provider))
        refused |= reason_bit(REASON_SELLER);
    if (excluded_ms != NULL && excluded_ms[sample_k(provider)] > w->now_ms)
        refused |= reason_bit(REASON_EXCLUDED);
    if (b->unreachable_until_ms > w->now_ms)
        refused |= reason_bit(REASON_UNREACHABLE);
    return refused;
}

static void price_plainly(const struct book_offer *b, const struct request *r,
                          struct candidate *c)
{
    struct amount device = amount_micro(0);
    struct devices_verdict v;
    if (r->devices.count > 0) {
        devices_check(c->devices, &r->devices, &v);
        if (v.group != DEVICES_NO_GROUP)
            device = c->devices->groups[v.group].hour;
    }
    if (price_per_hour_with(&b->offer.price, &r->resources, device, &r->devices,
                            &c->hour) == OK &&
        price_for_time(c->hour, r->time_ms_max, &c->bill) == OK)
        return;
    c->hour = amount_micro(UINT64_MAX);
    c->bill = amount_micro(UINT64_MAX);
    c->refused |= reason_bit(REASON_PRICE);
}

static struct candidate candidate_plainly(const struct world *w,
                                          const struct request *r,
                                          const struct book_offer *b,
                                          const uint64_t *excluded_ms)
{
    struct candidate c = {
        .provider = b->offer.provider,
        .arch = b->offer.arch,
        .total = b->offer.total,
        .slots_free = b->offer.slots_free - b->reserved_tasks,
        .time_ms_max = b->offer.time_ms_max,
        .label_count = b->offer.label_count,
        .labels = b->offer.labels,
        .taint_count = b->offer.taint_count,
        .taints = b->offer.taints,
        .devices = &b->offer.devices,
        .rtt_us = b->rtt_us,
        .grade = b->offer.grade,
        .ttl_ms = 1,
        .refused = refused_plainly(w, r, b, excluded_ms),
    };
    assert_int_equal(
        resources_sub(&w->free[sample_k(&c.provider)], &b->reserved, &c.free),
        OK);
    price_plainly(b, r, &c);
    return c;
}

static struct book_offer all[PROVIDERS];
static struct rank ranks[PROVIDERS];
static uint32_t rooms[PROVIDERS];

static uint32_t explain_plainly(struct world *w, const struct request *r,
                                const uint64_t *excluded_ms,
                                struct explain *out)
{
    uint32_t cursor = 0;
    uint32_t count = 0;
    uint32_t fits = 0;
    struct demand demand;
    book_demand(r, &demand);
    explain_init(out);
    while (book_offer_next(w->s->book, &cursor, w->now_ms, &all[count])) {
        struct candidate c = candidate_plainly(w, r, &all[count], excluded_ms);
        struct verdict verdict;
        feasible_check(&demand, &c, &verdict);
        explain_add(out, &demand, &c, &verdict);
        unsigned k = sample_k(&c.provider);
        rooms[k] = verdict.tasks;
        if (verdict.tasks > 0)
            policy_rank(&demand, &c, k, &ranks[fits++]);
        count++;
    }
    policy_sort(ranks, fits);
    w->nearest_several += reason_count(out->nearest.failing) > 1;
    w->devices_fit += fits > 0 && r->devices.count > 0;
    return fits;
}

static void same(const struct explain *got, const struct explain *want)
{
    assert_int_equal(got->offers, want->offers);
    assert_int_equal(got->fits, want->fits);
    assert_int_equal(got->later, want->later);
    assert_memory_equal(got->first, want->first, sizeof(want->first));
    assert_memory_equal(got->any, want->any, sizeof(want->any));
    assert_memory_equal(got->alone, want->alone, sizeof(want->alone));
    assert_memory_equal(got->relax_to, want->relax_to, sizeof(want->relax_to));
    assert_int_equal(got->has_nearest, want->has_nearest);
    assert_true(got->nearest_shortage == want->nearest_shortage);
    assert_true(pubkey_equal(&got->nearest_provider, &want->nearest_provider));
    assert_true(got->nearest.failing == want->nearest.failing);
    assert_int_equal(got->nearest.reason, want->nearest.reason);
}

/* ---- both ---- */

static void check_lines(const struct book_explanation *x, uint32_t fits)
{
    for (uint32_t i = 0; i < x->count; i++) {
        const struct book_line *line = &x->lines[i];
        assert_int_equal(line->verdict.reason == REASON_NONE, i < fits);
        if (i < fits)
            assert_int_equal(sample_k(&line->provider), ranks[i].index);
        else if (i > fits)
            assert_true(reason_count(line[-1].verdict.failing) <=
                        reason_count(line->verdict.failing));
    }
}

static void ask_both(struct world *w, unsigned n)
{
    struct request r = draw_request(w);
    struct explain want;
    struct book_explanation x;
    struct sample *s = w->s;
    uint32_t lines = (uint32_t)below(w, 30);
    uint32_t fits = explain_plainly(w, &r, NULL, &want);
    arena_reset(&s->arena);
    assert_int_equal(
        book_explain_request(s->book, &r, lines, w->now_ms, &s->arena, &x), OK);
    same(&x.explain, &want);
    assert_int_equal(x.count, lines < want.offers ? lines : want.offers);
    check_lines(&x, fits);
    assert_int_equal(
        book_preview(s->book, &r, r.tasks, 2, w->now_ms, &s->arena, &s->result),
        OK);
    for (uint32_t i = 0; i < s->result.count; i++) {
        assert_int_equal(sample_k(&s->result.placements[i].provider),
                         ranks[i].index);
        assert_int_equal(s->result.placements[i].room, rooms[ranks[i].index]);
    }
    assert_int_equal(s->result.count == 0, fits == 0);
    if (s->result.complete)
        same(&s->result.explain, &want);
    struct hash id = sample_id(n + 1);
    (void)explain_plainly(w, &w->requests[n], w->excluded_ms[n], &want);
    assert_int_equal(book_explain(s->book, &id, 5, w->now_ms, &s->arena, &x),
                     OK);
    same(&x.explain, &want);
}

/* An entry's request takes what it finds; devices are not taken, for the list
 * of offers does not tell which of them. */
static void event_match(struct world *w, unsigned n)
{
    struct hash id = sample_id(n + 1);
    struct sample *s = w->s;
    if (w->requests[n].devices.count > 0)
        return;
    arena_reset(&s->arena);
    assert_int_equal(
        book_match(s->book, &id, 1, 0, w->now_ms, &s->arena, &s->result), OK);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void event_free(struct world *w, unsigned k)
{
    struct pubkey key = sample_provider(k);
    struct resources now = {(uint32_t)below(w, 20000), below(w, 30000),
                            below(w, 30000), below(w, 200000)};
    struct book_offer own;
    if (!book_offer_get(w->s->book, &key, w->now_ms, &own))
        return;
    const struct resources *total = &own.offer.total;
    book_free_set(w->s->book, &key, &now, w->now_ms);
    w->free[k] = (struct resources){
        (uint32_t)least(now.cpu_milli, total->cpu_milli),
        least(now.mem_mib, total->mem_mib),
        least(now.disk_mib, total->disk_mib),
        least(now.nic_kbit, total->nic_kbit),
    };
}

static void event(struct world *w)
{
    unsigned k = (unsigned)below(w, PROVIDERS);
    unsigned n = (unsigned)below(w, ENTRIES);
    struct pubkey key = sample_provider(k);
    struct hash id = sample_id(n + 1);
    uint64_t until_ms = w->now_ms + below(w, 20000);
    switch (below(w, 10)) {
    case 0:
        (void)book_offer_drop(w->s->book, &key, w->now_ms);
        return;
    case 1:
        event_free(w, k);
        return;
    case 2:
        assert_int_equal(
            book_rtt_set(w->s->book, &key, 1 + below(w, 3000), w->now_ms), OK);
        return;
    case 3:
        book_unreachable_set(w->s->book, &key, until_ms, w->now_ms);
        return;
    case 4:
        sample_exclude(w->s, n + 1, k, until_ms + 1, w->now_ms);
        w->excluded_ms[n][k] = until_ms + 1;
        return;
    case 5:
        event_match(w, n);
        return;
    case 6:
        book_release(w->s->book, &id, &key, 1, w->now_ms);
        return;
    default:
        event_put(w, k);
        return;
    }
}

static void start(struct world *w)
{
    for (unsigned k = 0; k < PROVIDERS; k++)
        event_put(w, k);
    for (unsigned n = 0; n < ENTRIES; n++) {
        struct hash id = sample_id(n + 1);
        w->requests[n] = draw_request(w);
        assert_int_equal(book_request_add(w->s->book, &id, &w->requests[n],
                                          w->requests[n].tasks, UINT64_MAX / 2,
                                          w->now_ms),
                         OK);
    }
}

static void the_index_says_what_looking_at_all_says(void **state)
{
    static struct world w;
    w = (struct world){.s = *state, .seed = 88172645463325252u, .now_ms = 1000};
    start(&w);
    for (int step = 0; step < 1500; step++) {
        struct book_note notes[16];
        w.now_ms += below(&w, 400);
        for (int i = 0; i < 6; i++)
            event(&w);
        (void)book_tick(w.s->book, w.now_ms, notes, 16); /* the lapsed go */
        ask_both(&w, (unsigned)below(&w, ENTRIES));
        if (step % 100 == 0)
            book_check(w.s->book);
    }
    assert_true(w.nearest_several > 20 && w.devices_fit > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_index_says_what_looking_at_all_says,
                                        sample_setup, sample_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
