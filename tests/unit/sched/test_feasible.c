#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/feasible.h"
#include "tests/unit/sched/sample.h"

static struct verdict verdict_of(const struct demand *d,
                                 const struct candidate *c)
{
    struct verdict v;
    memset(&v, 0xee, sizeof(v));
    feasible_check(d, c, &v);
    return v;
}

static void a_place_that_fits_says_how_often(void **state)
{
    struct demand d = sample_demand();
    struct candidate c = sample_candidate();
    struct verdict v = verdict_of(&d, &c);
    (void)state;
    assert_int_equal(v.reason, REASON_NONE);
    assert_true(v.failing == 0 && v.notes == 0);
    assert_int_equal(v.tasks, 2);
    d.want.mem_mib = 0; /* a dimension that is not asked for bounds nothing */
    assert_int_equal(verdict_of(&d, &c).tasks, 4);
    c.slots_free = 3;
    assert_int_equal(verdict_of(&d, &c).tasks, 3);
}

static void exactly_enough_is_enough(void **state)
{
    struct demand d = sample_demand();
    struct candidate c = sample_candidate();
    (void)state;
    c.total = d.want;
    c.free = d.want;
    c.slots_free = 1;
    c.time_ms_max = d.time_ms;
    c.bill = amount_micro(17);
    d.price_max = amount_micro(17);
    c.age_ms = c.ttl_ms - 1;
    assert_int_equal(verdict_of(&d, &c).reason, REASON_NONE);
    assert_int_equal(verdict_of(&d, &c).tasks, 1);
}

/* Each case spoils the fitting candidate in one way. */
struct spoiled {
    enum reason reason;
    void (*spoil)(struct demand *d, struct candidate *c);
    uint64_t want;
    uint64_t have;
};

static void spoil_stale(struct demand *d, struct candidate *c)
{
    (void)d;
    c->age_ms = c->ttl_ms;
}
static void spoil_self(struct demand *d, struct candidate *c)
{
    (void)d;
    c->refused = reason_bit(REASON_SELF);
}
static void spoil_seller(struct demand *d, struct candidate *c)
{
    (void)d;
    c->refused = reason_bit(REASON_SELLER);
}
static void spoil_excluded(struct demand *d, struct candidate *c)
{
    (void)d;
    c->refused = reason_bit(REASON_EXCLUDED);
}
static void spoil_unreachable(struct demand *d, struct candidate *c)
{
    (void)d;
    c->refused = reason_bit(REASON_UNREACHABLE);
}
static void spoil_arch(struct demand *d, struct candidate *c)
{
    (void)d;
    c->arch = ARCH_RISCV64;
}
static void spoil_label(struct demand *d, struct candidate *c)
{
    (void)c;
    d->constraints = sample_constraints;
    d->constraint_count = 1;
}
static void spoil_cpu_total(struct demand *d, struct candidate *c)
{
    (void)d;
    c->total.cpu_milli = 1999;
    c->free.cpu_milli = 1999;
}
static void spoil_mem_total(struct demand *d, struct candidate *c)
{
    (void)d;
    c->total.mem_mib = 1023;
    c->free.mem_mib = 1023;
}
static void spoil_disk_total(struct demand *d, struct candidate *c)
{
    (void)d;
    c->total.disk_mib = 511;
    c->free.disk_mib = 511;
}
static void spoil_time(struct demand *d, struct candidate *c)
{
    (void)d;
    c->time_ms_max = 59999;
}
static void spoil_price(struct demand *d, struct candidate *c)
{
    (void)c;
    d->price_max = amount_micro(16);
}
static void spoil_slots(struct demand *d, struct candidate *c)
{
    (void)d;
    c->slots_free = 0;
}
static void spoil_cpu_free(struct demand *d, struct candidate *c)
{
    (void)d;
    c->free.cpu_milli = 1999;
}
static void spoil_mem_free(struct demand *d, struct candidate *c)
{
    (void)d;
    c->free.mem_mib = 1023;
}
static void spoil_disk_free(struct demand *d, struct candidate *c)
{
    (void)d;
    c->free.disk_mib = 511;
}

/* Two cards, one of them half taken. */
static struct devices two_cards = {
    .group_count = 1,
    .groups = {{.kind = DEVICE_GPU, .model = "t4", .count = 2, .mem_mib = 16}},
    .free_milli = {1000, 500},
};
static struct device_wish wish; /* of the case at hand */

static void wants(struct demand *d, struct candidate *c, const char *text)
{
    assert_int_equal(device_wish_parse(text, &wish), OK);
    d->devices = &wish;
    c->devices = &two_cards;
}
static void spoil_zone(struct demand *d, struct candidate *c)
{
    static const char zones[][LIMIT_NAME] = {"eu", "us"};
    (void)c;
    d->zones = zones;
    d->zone_count = 2;
}
static void spoil_taint(struct demand *d, struct candidate *c)
{
    static const struct taint taint = {{"gpu", "only"}, TAINT_REFUSE};
    (void)d;
    c->taints = &taint;
    c->taint_count = 1;
}
static void spoil_device_kind(struct demand *d, struct candidate *c)
{
    wants(d, c, "npu");
}
static void spoil_device_none(struct demand *d, struct candidate *c)
{
    wants(d, c, "gpu");
    c->devices = NULL;
}
static void spoil_device_model(struct demand *d, struct candidate *c)
{
    wants(d, c, "gpu:a100");
}
static void spoil_device_mem(struct demand *d, struct candidate *c)
{
    wants(d, c, "gpu:t4");
    wish.mem_mib = 17;
}
static void spoil_device_total(struct demand *d, struct candidate *c)
{
    wants(d, c, "gpu:3x0.1");
}
static void spoil_device_free(struct demand *d, struct candidate *c)
{
    wants(d, c, "gpu:2x0.8");
}
static void spoil_device_split(struct demand *d, struct candidate *c)
{
    wants(d, c, "gpu:2x0.7");
}
static void spoil_nic_total(struct demand *d, struct candidate *c)
{
    (void)c;
    d->want.nic_kbit = 1;
}
static void spoil_nic_free(struct demand *d, struct candidate *c)
{
    d->want.nic_kbit = 2;
    c->total.nic_kbit = 2;
    c->free.nic_kbit = 1;
}
static void spoil_spread(struct demand *d, struct candidate *c)
{
    (void)d;
    c->spread_used = 2;
    c->spread_most = 2;
}
static void spoil_domain(struct demand *d, struct candidate *c)
{
    (void)d;
    c->refused = reason_bit(REASON_DOMAIN);
}
static void spoil_affinity(struct demand *d, struct candidate *c)
{
    (void)d;
    c->refused = reason_bit(REASON_AFFINITY);
}

static const struct spoiled cases[] = {
    {REASON_STALE, spoil_stale, 0, 0},
    {REASON_SELF, spoil_self, 0, 0},
    {REASON_SELLER, spoil_seller, 0, 0},
    {REASON_EXCLUDED, spoil_excluded, 0, 0},
    {REASON_UNREACHABLE, spoil_unreachable, 0, 0},
    {REASON_ARCH, spoil_arch, 0, 0},
    {REASON_LABEL, spoil_label, 0, 0},
    {REASON_ZONE, spoil_zone, 0, 0},
    {REASON_DOMAIN, spoil_domain, 0, 0},
    {REASON_TAINT, spoil_taint, 0, 0},
    {REASON_DEVICE_KIND, spoil_device_kind, 0, 0},
    {REASON_DEVICE_KIND, spoil_device_none, 0, 0},
    {REASON_DEVICE_MODEL, spoil_device_model, 0, 0},
    {REASON_DEVICE_MEM, spoil_device_mem, 17, 16},
    {REASON_DEVICE_TOTAL, spoil_device_total, 3, 2},
    {REASON_CPU_TOTAL, spoil_cpu_total, 2000, 1999},
    {REASON_MEM_TOTAL, spoil_mem_total, 1024, 1023},
    {REASON_DISK_TOTAL, spoil_disk_total, 512, 511},
    {REASON_NIC_TOTAL, spoil_nic_total, 1, 0},
    {REASON_TIME, spoil_time, 60000, 59999},
    {REASON_PRICE, spoil_price, 16, 17},
    {REASON_SLOTS, spoil_slots, 1, 0},
    {REASON_CPU_FREE, spoil_cpu_free, 2000, 1999},
    {REASON_MEM_FREE, spoil_mem_free, 1024, 1023},
    {REASON_DISK_FREE, spoil_disk_free, 512, 511},
    {REASON_NIC_FREE, spoil_nic_free, 2, 1},
    {REASON_DEVICE_FREE, spoil_device_free, 1600, 1500},
    {REASON_DEVICE_SPLIT, spoil_device_split, 2, 1},
    {REASON_SPREAD, spoil_spread, 3, 2},
    {REASON_AFFINITY, spoil_affinity, 0, 0},
};
#define CASE_COUNT (sizeof(cases) / sizeof(cases[0]))

static void each_lack_alone_is_its_own_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        struct demand d = sample_demand();
        struct candidate c = sample_candidate();
        cases[i].spoil(&d, &c);
        struct verdict v = verdict_of(&d, &c);
        assert_int_equal(v.reason, cases[i].reason);
        assert_true(v.failing == reason_bit(cases[i].reason));
        assert_true(v.want == cases[i].want && v.have == cases[i].have);
        assert_int_equal(v.tasks, 0);
    }
}

static void of_two_lacks_the_earlier_row_is_the_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASE_COUNT; i++) {
        for (size_t k = i + 1; k < CASE_COUNT; k++) {
            struct demand d = sample_demand();
            struct candidate c = sample_candidate();
            cases[k].spoil(&d, &c);
            cases[i].spoil(&d, &c);
            struct verdict v = verdict_of(&d, &c);
            if (v.failing == 0) /* they undo each other */
                continue;
            if (reason_count(v.failing) == 2)
                assert_int_equal(v.reason, cases[i].reason);
            assert_true(v.failing & reason_bit(v.reason));
        }
    }
}

static void tasks_with_devices_are_counted_per_device(void **state)
{
    struct demand d = sample_demand();
    struct candidate c = sample_candidate();
    (void)state;
    wants(&d, &c, "gpu:0.5"); /* two on one card, one on the other */
    c.free.mem_mib = 4096;
    assert_int_equal(verdict_of(&d, &c).tasks, 3);
    wants(&d, &c, "gpu:0.6"); /* 1.5 cards are free, and take one */
    assert_int_equal(verdict_of(&d, &c).tasks, 1);
    wants(&d, &c, "gpu:0.25");
    assert_int_equal(verdict_of(&d, &c).tasks, 4); /* the cores' four */
}

static void spread_bounds_how_many_come_together(void **state)
{
    struct demand d = sample_demand();
    struct candidate c = sample_candidate();
    (void)state;
    c.spread_most = 3;
    c.spread_used = 2;
    assert_int_equal(verdict_of(&d, &c).tasks, 1);
}

static void the_taint_and_the_wish_are_named(void **state)
{
    struct demand d = sample_demand();
    struct candidate c = sample_candidate();
    struct verdict v;
    struct buf text;
    (void)state;
    buf_init(&text, 512);
    spoil_taint(&d, &c);
    v = verdict_of(&d, &c);
    verdict_format(&v, &d, &text);
    assert_non_null(strstr(buf_cstr(&text), ": gpu=only"));
    buf_clear(&text);
    c.taint_count = 0;
    spoil_device_model(&d, &c);
    v = verdict_of(&d, &c);
    verdict_format(&v, &d, &text);
    assert_non_null(strstr(buf_cstr(&text), ": wants gpu:a100:1"));
    buf_clear(&text);
    spoil_device_free(&d, &c);
    v = verdict_of(&d, &c);
    verdict_format(&v, &d, &text);
    assert_non_null(
        strstr(buf_cstr(&text), ": needs 1.6 devices, has 1.5 devices"));
    buf_clear(&text);
    d.devices = NULL;
    spoil_zone(&d, &c);
    v = verdict_of(&d, &c);
    verdict_format(&v, &d, &text);
    assert_non_null(strstr(buf_cstr(&text), ": wants eu or us"));
    buf_done(&text);
}

static void too_small_a_total_hides_the_free(void **state)
{
    struct demand d = sample_demand();
    struct candidate c = sample_candidate();
    (void)state;
    c.total.cpu_milli = 1000;
    c.free.cpu_milli = 0;
    assert_true(verdict_of(&d, &c).failing == reason_bit(REASON_CPU_TOTAL));
}

static void any_architecture_means_any(void **state)
{
    struct demand d = sample_demand();
    struct candidate c = sample_candidate();
    (void)state;
    d.arch = ARCH_ANY;
    c.arch = ARCH_AARCH64;
    assert_int_equal(verdict_of(&d, &c).reason, REASON_NONE);
}

static void the_failing_constraint_is_pointed_out(void **state)
{
    struct demand d = sample_demand();
    struct candidate c = sample_candidate();
    (void)state;
    d.constraints = sample_constraints; /* zone=eu, !gpu */
    d.constraint_count = 2;
    c.labels = sample_labels;
    c.label_count = 3;
    struct verdict v = verdict_of(&d, &c);
    assert_int_equal(v.reason, REASON_LABEL);
    assert_int_equal(v.constraint, 1);
}

static void unknown_figures_are_noted_only_when_asked_about(void **state)
{
    struct demand d = sample_demand();
    struct candidate c = sample_candidate();
    (void)state;
    c.rtt_us = 0;
    c.grade = (struct grade){0};
    assert_true(verdict_of(&d, &c).notes == 0);
    d.policy = POLICY_NEAREST;
    assert_true(verdict_of(&d, &c).notes == reason_bit(REASON_RTT_UNKNOWN));
    assert_int_equal(verdict_of(&d, &c).reason, REASON_NONE);
    d.policy = POLICY_FASTEST;
    assert_true(verdict_of(&d, &c).notes == reason_bit(REASON_GRADE_UNKNOWN));
    assert_int_equal(verdict_of(&d, &c).tasks, 2);
}

static void an_old_round_trip_time_is_no_longer_known(void **state)
{
    struct demand d = sample_demand();
    struct candidate c = sample_candidate();
    (void)state;
    d.policy = POLICY_NEAREST;
    c.rtt_age_ms = CANDIDATE_RTT_AGE_MAX_MS;
    assert_true(verdict_of(&d, &c).notes == 0);
    c.rtt_age_ms++;
    assert_true(verdict_of(&d, &c).notes == reason_bit(REASON_RTT_UNKNOWN));
}

static void a_provider_that_states_no_time_takes_nothing(void **state)
{
    struct demand d = sample_demand();
    struct candidate c = sample_candidate();
    (void)state;
    c.time_ms_max = 0;
    assert_int_equal(verdict_of(&d, &c).reason, REASON_TIME);
}

/* Says only whether a task runs there, in the plainest words. */
static bool fits_plainly(const struct demand *d, const struct candidate *c)
{
    bool arch_ok = d->arch == ARCH_ANY || d->arch == c->arch;
    bool price_ok =
        d->price_max.micro == 0 || c->bill.micro <= d->price_max.micro;
    for (uint32_t i = 0; i < d->constraint_count; i++) {
        if (!constraint_holds(&d->constraints[i], c->labels, c->label_count))
            return false;
    }
    return c->refused == 0 && c->age_ms < c->ttl_ms && arch_ok && price_ok &&
           d->time_ms <= c->time_ms_max && c->slots_free > 0 &&
           resources_cover(&c->free, &d->want);
}

/* Puts tasks there one by one until the next one does not fit. */
static uint32_t fill_plainly(const struct demand *d, const struct candidate *c)
{
    struct candidate rest = *c;
    uint32_t tasks = 0;
    while (fits_plainly(d, &rest)) {
        assert_int_equal(resources_sub(&rest.free, &d->want, &rest.free), OK);
        rest.slots_free--;
        tasks++;
    }
    return tasks;
}

static void random_verdicts_agree_with_filling_one_by_one(void **state)
{
    uint64_t seed = 1;
    uint32_t fitting = 0;
    (void)state;
    for (int i = 0; i < 200000; i++) {
        struct demand d;
        struct candidate c;
        sample_random_demand(&seed, &d);
        sample_random_candidate(&seed, &c);
        struct verdict v = verdict_of(&d, &c);
        uint32_t tasks = fill_plainly(&d, &c);
        assert_int_equal(v.tasks, tasks);
        assert_int_equal(v.reason == REASON_NONE, tasks > 0);
        assert_int_equal(v.reason, reason_first(v.failing));
        fitting += tasks > 0;
    }
    assert_true(fitting > 2000); /* the instances test both answers */
}

static void shortages_are_in_thousandths_and_rounded_up(void **state)
{
    struct demand d = sample_demand();
    struct candidate c = sample_candidate();
    (void)state;
    c.free.cpu_milli = 1500;
    assert_int_equal(feasible_shortage(REASON_CPU_FREE, &d, &c), 250);
    c.free.cpu_milli = 1999;
    assert_int_equal(feasible_shortage(REASON_CPU_FREE, &d, &c), 1);
    c.free.cpu_milli = 0;
    assert_int_equal(feasible_shortage(REASON_CPU_FREE, &d, &c), 1000);
    d.price_max = amount_micro(75);
    c.bill = amount_micro(100);
    assert_int_equal(feasible_shortage(REASON_PRICE, &d, &c), 250);
    assert_int_equal(feasible_shortage(REASON_ARCH, &d, &c), 1000);
    assert_int_equal(feasible_shortage(REASON_DEVICE_MODEL, &d, &c), 500);
    assert_int_equal(feasible_shortage(REASON_DEVICE_KIND, &d, &c), 1000);
    spoil_device_split(&d, &c); /* 1 of 2 */
    assert_int_equal(feasible_shortage(REASON_DEVICE_SPLIT, &d, &c), 250);
    spoil_device_free(&d, &c); /* 1500 of 1600 */
    assert_int_equal(feasible_shortage(REASON_DEVICE_FREE, &d, &c), 63);
    d.want.mem_mib = UINT64_MAX; /* no overflow on the way */
    c.free.mem_mib = UINT64_MAX / 2;
    assert_int_equal(feasible_shortage(REASON_MEM_FREE, &d, &c), 501);
}

static const char *sentence(const struct demand *d, const struct candidate *c,
                            struct buf *buf)
{
    struct verdict v = verdict_of(d, c);
    buf_clear(buf);
    verdict_format(&v, d, buf);
    return buf_cstr(buf);
}

static void verdicts_read_as_sentences(void **state)
{
    struct demand d = sample_demand();
    struct candidate c = sample_candidate();
    struct buf buf;
    (void)state;
    buf_init(&buf, 512);
    assert_string_equal(sentence(&d, &c, &buf), "fits 2 tasks");
    c.slots_free = 1;
    assert_string_equal(sentence(&d, &c, &buf), "fits 1 task");
    c.free.cpu_milli = 500;
    assert_string_equal(sentence(&d, &c, &buf),
                        "too few cores are free now: needs 2000m, has 500m");
    d.price_max = amount_micro(10);
    assert_string_equal(sentence(&d, &c, &buf),
                        "the bill would be above the price cap: bill 0.000017 "
                        "credits, cap 0.00001 credits");
    d.constraints = sample_constraints;
    d.constraint_count = 1;
    assert_string_equal(sentence(&d, &c, &buf),
                        "a label is not as the request wants it: wants "
                        "zone=eu");
    c.arch = ARCH_AARCH64;
    assert_string_equal(sentence(&d, &c, &buf),
                        "the processor architecture differs");
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_that_fits_says_how_often),
        cmocka_unit_test(exactly_enough_is_enough),
        cmocka_unit_test(each_lack_alone_is_its_own_reason),
        cmocka_unit_test(of_two_lacks_the_earlier_row_is_the_reason),
        cmocka_unit_test(tasks_with_devices_are_counted_per_device),
        cmocka_unit_test(spread_bounds_how_many_come_together),
        cmocka_unit_test(the_taint_and_the_wish_are_named),
        cmocka_unit_test(too_small_a_total_hides_the_free),
        cmocka_unit_test(any_architecture_means_any),
        cmocka_unit_test(the_failing_constraint_is_pointed_out),
        cmocka_unit_test(unknown_figures_are_noted_only_when_asked_about),
        cmocka_unit_test(an_old_round_trip_time_is_no_longer_known),
        cmocka_unit_test(a_provider_that_states_no_time_takes_nothing),
        cmocka_unit_test(random_verdicts_agree_with_filling_one_by_one),
        cmocka_unit_test(shortages_are_in_thousandths_and_rounded_up),
        cmocka_unit_test(verdicts_read_as_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
