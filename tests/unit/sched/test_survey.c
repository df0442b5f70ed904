#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sched/index/survey.h"
#include "tests/unit/sched/index_sample.h"

/* What a survey says is what feasible_check and explain_add say, one offer
 * after the other. */

static int setup(void **state)
{
    struct index_sample *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    assert_int_equal(catalog_new(&s->catalog), OK);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct index_sample *s = *state;
    catalog_free(s->catalog);
    free(s);
    return 0;
}

struct asked {
    struct demand demand;
    uint64_t arch_tag; /* 0: any */
    uint32_t only;     /* UINT32_MAX: any */
    uint32_t excluded[3];
};

static struct pubkey provider_of(const struct catalog_row *row, uint32_t slot)
{
    struct pubkey key = {{0}};
    for (unsigned i = 0; i < 8; i++)
        key.b[i] = (uint8_t)(row->name >> (56 - 8 * i));
    u32le_put(key.b + 8, slot);
    return key;
}

static bool is_before(const void *owner, uint32_t a, uint32_t b)
{
    const struct index_sample *s = owner;
    struct pubkey x = provider_of(&s->rows[a].row, a);
    struct pubkey y = provider_of(&s->rows[b].row, b);
    return pubkey_compare(&x, &y) < 0;
}

static bool bears(const struct catalog_row *row, uint64_t tag)
{
    for (uint32_t i = 0; i < row->tag_count; i++) {
        if (row->tags[i] == tag)
            return true;
    }
    return false;
}

static void price(const struct catalog_row *row, const struct demand *d,
                  struct candidate *out)
{
    const uint64_t wants[TARIFF_PARTS] = {d->want.cpu_milli, d->want.mem_mib,
                                          d->want.disk_mib, 0};
    static const uint64_t units[TARIFF_PARTS] = {1000, 1024, 1024, 1000};
    struct amount sum = amount_micro(0);
    bool fits = true;
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        struct amount part;
        fits = fits &&
               amount_scale_up(amount_micro(row->tariff.part[i]), wants[i],
                               units[i], &part) == OK &&
               amount_add(sum, part, &sum) == OK;
    }
    out->hour = sum;
    if (fits && amount_scale_up(sum, d->time_ms, 3600000, &out->bill) == OK)
        return;
    out->bill = amount_micro(UINT64_MAX);
    out->refused |= reason_bit(REASON_PRICE);
}

static struct candidate view(const struct index_sample *s, uint32_t slot,
                             const struct asked *a)
{
    const struct catalog_row *row = &s->rows[slot].row;
    struct candidate c = {
        .provider = provider_of(row, slot),
        .arch = ARCH_X86_64,
        .total = {(uint32_t)row->have[DIM_CPU_TOTAL], row->have[DIM_MEM_TOTAL],
                  row->have[DIM_DISK_TOTAL]},
        .free = {(uint32_t)row->have[DIM_CPU_FREE], row->have[DIM_MEM_FREE],
                 row->have[DIM_DISK_FREE]},
        .slots_free = (uint32_t)row->have[DIM_SLOTS],
        .time_ms_max = row->have[DIM_TIME],
        .ttl_ms = row->flags & flag_bit(FLAG_STALE) ? 0 : 1,
        .rtt_us = row->flags & flag_bit(FLAG_RTT_KNOWN) ? 1 : 0,
    };
    if (row->flags & flag_bit(FLAG_UNREACHABLE))
        c.refused |= reason_bit(REASON_UNREACHABLE);
    if (a->arch_tag != 0 && !bears(row, a->arch_tag))
        c.refused |= reason_bit(REASON_ARCH);
    if (bears(row, 1) || slot == 3)
        c.refused |= reason_bit(REASON_SELF);
    if (a->only != UINT32_MAX && slot != a->only)
        c.refused |= reason_bit(REASON_SELLER);
    for (unsigned i = 0; i < 3; i++) {
        if (slot == a->excluded[i])
            c.refused |= reason_bit(REASON_EXCLUDED);
    }
    price(row, &a->demand, &c);
    return c;
}

static void add_amount(struct survey *v, uint64_t want, enum dimension total,
                       enum reason too_small, enum dimension now,
                       enum reason in_use)
{
    struct survey_rule *rule;
    if (now == DIM_COUNT) {
        rule = survey_add(v, too_small, SURVEY_SHORT);
        rule->dimension = total;
    } else {
        rule = survey_add(v, in_use, SURVEY_SHORT);
        rule->dimension = now;
        rule->unless = total;
    }
    rule->want = want;
}

static void rules(const struct index_sample *s, const struct asked *a,
                  struct survey *v)
{
    static const uint32_t three = 3;
    const struct demand *d = &a->demand;
    survey_init(v);
    v->owner = s;
    v->before = is_before;
    v->mix[TARIFF_CPU] = d->want.cpu_milli;
    v->mix[TARIFF_MEM] = d->want.mem_mib;
    v->mix[TARIFF_DISK] = d->want.disk_mib;
    v->bill =
        (struct tariff_bill){d->time_ms, 3600000, amount_figure(d->price_max)};
    survey_add(v, REASON_STALE, SURVEY_FLAG)->flag = FLAG_STALE;
    survey_add(v, REASON_SELF, SURVEY_TAG)->tag = 1;
    struct survey_rule *rule = survey_add(v, REASON_SELF, SURVEY_SLOTS);
    rule->slots = &three;
    rule->slot_count = 1;
    if (a->only != UINT32_MAX) {
        rule = survey_add(v, REASON_SELLER, SURVEY_ALL_BUT);
        rule->slots = &a->only;
        rule->slot_count = 1;
    }
    rule = survey_add(v, REASON_EXCLUDED, SURVEY_SLOTS);
    rule->slots = a->excluded;
    rule->slot_count = 3;
    survey_add(v, REASON_UNREACHABLE, SURVEY_FLAG)->flag = FLAG_UNREACHABLE;
    if (a->arch_tag != 0)
        survey_add(v, REASON_ARCH, SURVEY_NO_TAG)->tag = a->arch_tag;
    add_amount(v, d->want.cpu_milli, DIM_CPU_TOTAL, REASON_CPU_TOTAL, DIM_COUNT,
               REASON_NONE);
    add_amount(v, d->want.mem_mib, DIM_MEM_TOTAL, REASON_MEM_TOTAL, DIM_COUNT,
               REASON_NONE);
    add_amount(v, d->want.disk_mib, DIM_DISK_TOTAL, REASON_DISK_TOTAL,
               DIM_COUNT, REASON_NONE);
    add_amount(v, d->time_ms, DIM_TIME, REASON_TIME, DIM_COUNT, REASON_NONE);
    (void)survey_add(v, REASON_PRICE, SURVEY_COST);
    add_amount(v, 1, DIM_SLOTS, REASON_SLOTS, DIM_COUNT, REASON_NONE);
    add_amount(v, d->want.cpu_milli, DIM_CPU_TOTAL, REASON_NONE, DIM_CPU_FREE,
               REASON_CPU_FREE);
    add_amount(v, d->want.mem_mib, DIM_MEM_TOTAL, REASON_NONE, DIM_MEM_FREE,
               REASON_MEM_FREE);
    add_amount(v, d->want.disk_mib, DIM_DISK_TOTAL, REASON_NONE, DIM_DISK_FREE,
               REASON_DISK_FREE);
    if (d->policy == POLICY_NEAREST)
        survey_add(v, REASON_RTT_UNKNOWN, SURVEY_NO_FLAG)->flag =
            FLAG_RTT_KNOWN;
}

static void draw(struct index_sample *s, struct asked *a)
{
    uint64_t hard = sample_draw(s, 6);
    uint64_t cores = UINT64_C(1) << sample_draw(s, 6);
    *a = (struct asked){.only = UINT32_MAX};
    a->demand.want.cpu_milli =
        (uint32_t)(s->coarse ? 500 * cores : sample_draw(s, 64001));
    a->demand.want.mem_mib = cores * (1024 + 512 * sample_draw(s, 8));
    a->demand.want.disk_mib = sample_draw(s, 2) * sample_draw(s, 1 << 19);
    a->demand.time_ms = 1 + 600000 * sample_draw(s, 150);
    a->demand.policy =
        sample_draw(s, 2) == 0 ? POLICY_CHEAPEST : POLICY_NEAREST;
    if (sample_draw(s, 2) == 0)
        a->demand.price_max = amount_micro(1 + sample_draw(s, 30000000));
    if (sample_draw(s, 3) == 0)
        a->arch_tag = 1 + sample_draw(s, 40);
    if (sample_draw(s, 10) == 0)
        a->only = (uint32_t)sample_draw(s, s->slots + 2);
    for (unsigned i = 0; i < 3; i++)
        a->excluded[i] = (uint32_t)sample_draw(s, 4 * s->slots + 1);
    if (hard == 0) { /* nobody, and for several reasons each */
        a->demand.want.cpu_milli = 1u << 31;
        a->demand.want.mem_mib = UINT64_C(1) << sample_draw(s, 45);
        a->demand.price_max = amount_micro(1 + sample_draw(s, 3));
    }
}

/* What feasible_check adds to `failing` by itself is left as it is: of arch and
 * the like the candidate says so in `refused`. */
static void explain_plainly(const struct index_sample *s, const struct asked *a,
                            struct explain *out)
{
    explain_init(out);
    for (uint32_t i = 0; i < s->slots; i++) {
        struct verdict verdict;
        if (!s->rows[i].in)
            continue;
        struct candidate c = view(s, i, a);
        feasible_check(&a->demand, &c, &verdict);
        explain_add(out, &a->demand, &c, &verdict);
    }
}

static void compare(struct index_sample *s, const struct asked *a,
                    uint32_t *several)
{
    struct survey v;
    struct explain want;
    struct explain got;
    uint32_t nearest;
    rules(s, a, &v);
    explain_plainly(s, a, &want);
    assert_int_equal(survey_run(&v, s->catalog, &got, &nearest), OK);
    assert_int_equal(got.offers, want.offers);
    assert_int_equal(got.fits, want.fits);
    assert_int_equal(got.later, want.later);
    assert_memory_equal(got.first, want.first, sizeof(want.first));
    assert_memory_equal(got.any, want.any, sizeof(want.any));
    assert_memory_equal(got.alone, want.alone, sizeof(want.alone));
    assert_memory_equal(got.relax_to, want.relax_to, sizeof(want.relax_to));
    assert_int_equal(got.has_nearest, want.has_nearest);
    if (!want.has_nearest) {
        assert_int_equal(nearest, UINT32_MAX);
        return;
    }
    struct pubkey provider = provider_of(&s->rows[nearest].row, nearest);
    assert_true(got.nearest_shortage == want.nearest_shortage);
    assert_memory_equal(&provider, &want.nearest_provider, sizeof(provider));
    *several += reason_count(want.nearest.failing) > 1;
}

static void run(struct index_sample *s, uint64_t seed, uint32_t slots,
                uint32_t rounds, bool coarse)
{
    uint32_t several = 0;
    s->seed = seed;
    s->slots = slots;
    s->coarse = coarse;
    for (uint32_t i = 0; i < rounds; i++) {
        struct asked a;
        for (uint32_t k = 0; k < slots / 20 + 1; k++)
            sample_event(s);
        for (uint32_t k = 0; k < 8; k++) {
            draw(s, &a);
            compare(s, &a, &several);
        }
    }
    catalog_check(s->catalog);
    assert_true(several > rounds / 8);
}

static void a_few_offers_are_explained_as_by_looking_at_each(void **state)
{
    run(*state, 1, 60, 600, false);
}

static void ties_are_settled_by_the_lowest_name(void **state)
{
    run(*state, 2, 400, 200, true);
}

static void many_offers_are_explained_as_by_looking_at_each(void **state)
{
    run(*state, 3, SAMPLE_SLOTS, 60, false);
}

static void an_empty_catalog_has_no_nearest(void **state)
{
    struct index_sample *s = *state;
    struct asked a;
    uint32_t several = 0;
    s->slots = 0;
    s->seed = 4;
    for (int i = 0; i < 10; i++) {
        draw(s, &a);
        compare(s, &a, &several);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_few_offers_are_explained_as_by_looking_at_each, setup, teardown),
        cmocka_unit_test_setup_teardown(ties_are_settled_by_the_lowest_name,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            many_offers_are_explained_as_by_looking_at_each, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_catalog_has_no_nearest, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
