#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "sched/link/link.h"

static struct link sample(void)
{
    struct link link = {.at_ms = {1000000, 1000000}, .samples = {4, 3}};
    link_set(&link, LINK_RTT, 20000, METRIC_MEASURED);
    link_set(&link, LINK_SPREAD, 300, METRIC_MEASURED);
    link_set(&link, LINK_LOSS, 0, METRIC_MEASURED);
    link_set(&link, LINK_RISK, 1000, METRIC_MEASURED);
    link_set(&link, LINK_OUT, 90000, METRIC_MEASURED);
    link_set(&link, LINK_IN, 50000, METRIC_MEASURED);
    return link;
}

static void a_link_of_which_nothing_is_said_knows_nothing(void **state)
{
    struct link link = {0};
    (void)state;
    assert_int_equal(link_form(&link), OK);
    for (unsigned f = 0; f < LINK_FIGURES; f++) {
        assert_false(link_has(&link, (enum link_figure)f));
        assert_false(link_measured(&link, (enum link_figure)f));
        assert_int_equal(link_confidence(&link, (enum link_figure)f, 0), 0);
    }
    assert_false(link_fresh(&link, 5));
}

static void what_cannot_be_is_refused(void **state)
{
    struct link link = sample();
    (void)state;
    assert_int_equal(link_form(&link), OK);
    link.of[LINK_RTT].value = 0; /* faster than light */
    assert_int_equal(link_form(&link), ERR_RANGE);
    link = sample();
    link.of[LINK_LOSS].value = 1000001;
    assert_int_equal(link_form(&link), ERR_RANGE);
    link = sample();
    link.of[LINK_SPREAD].source = METRIC_UNKNOWN; /* and yet a value */
    assert_int_equal(link_form(&link), ERR_RANGE);
    link = sample();
    link.of[LINK_RISK].source = METRIC_AGGREGATION;
    assert_int_equal(link_form(&link), ERR_RANGE);
    link = sample();
    link.samples[LINK_VOLUME] = 0;
    assert_int_equal(link_form(&link), ERR_RANGE);
    link_forget(&link, LINK_VOLUME);
    assert_int_equal(link_form(&link), OK);
}

static void setting_keeps_within_what_can_be(void **state)
{
    struct link link = sample();
    (void)state;
    link_set(&link, LINK_RTT, 0, METRIC_MEASURED);
    assert_int_equal(link.of[LINK_RTT].value, 1);
    link_set(&link, LINK_LOSS, UINT64_MAX, METRIC_MEASURED);
    assert_int_equal(link.of[LINK_LOSS].value, 1000000);
    assert_int_equal(link_form(&link), OK);
}

static void each_kind_ages_by_itself(void **state)
{
    struct link link = sample();
    (void)state;
    link.at_ms[LINK_VOLUME] = 0;
    assert_true(link_fresh(&link, 1000000 + LINK_TRIPS_AGE_MAX_MS));
    assert_true(link_has(&link, LINK_RTT));
    assert_true(link_has(&link, LINK_OUT));
    assert_true(link_fresh(&link, 1000001 + LINK_TRIPS_AGE_MAX_MS));
    assert_false(link_has(&link, LINK_RTT));
    assert_false(link_has(&link, LINK_SPREAD));
    assert_false(link_has(&link, LINK_LOSS));
    assert_false(link_has(&link, LINK_RISK));
    assert_true(link_has(&link, LINK_OUT));
    assert_int_equal(link_form(&link), OK);
    assert_false(link_fresh(&link, 1 + LINK_VOLUME_AGE_MAX_MS));
    assert_false(link_has(&link, LINK_IN));
}

static void confidence_falls_with_age_and_rises_with_samples(void **state)
{
    struct link link = sample();
    uint64_t half_ms = LINK_TRIPS_AGE_MAX_MS / 4;
    uint32_t before = 1001;
    (void)state;
    assert_int_equal(link_confidence(&link, LINK_RTT, 1000000), 500);
    assert_int_equal(link_confidence(&link, LINK_RTT, 1000000 + half_ms), 250);
    assert_int_equal(link_confidence(&link, LINK_RTT, 1000000 + 3 * half_ms),
                     62);
    assert_int_equal(
        link_confidence(&link, LINK_RTT, 1000001 + LINK_TRIPS_AGE_MAX_MS), 0);
    assert_int_equal(link_confidence(&link, LINK_OUT, 1000000), 750);
    for (uint64_t age = 0; age < LINK_TRIPS_AGE_MAX_MS; age += 777) {
        uint32_t now = link_confidence(&link, LINK_RTT, 1000000 + age);
        assert_true(now <= before);
        before = now;
    }
    before = 0;
    for (uint32_t n = 1; n < 100000; n = n * 3 / 2 + 1) {
        uint32_t now;
        link.samples[LINK_TRIPS] = n;
        now = link_confidence(&link, LINK_RTT, 1000000);
        assert_true(now >= before && now < 1000);
        before = now;
    }
    assert_true(before > 990);
}

static void the_claim_of_one_end_never_passes_for_a_measurement(void **state)
{
    struct link ours = sample();
    struct link nothing = {0};
    struct link out;
    (void)state;
    link_join(&ours, false, &nothing, false, &out);
    for (unsigned f = 0; f < LINK_FIGURES; f++)
        assert_int_equal(out.of[f].source, METRIC_ESTIMATION);
    assert_true(link_confidence(&out, LINK_RTT, 1000000) <=
                LINK_TRUST_ESTIMATION);
    link_join(&nothing, false, &ours, false, &out);
    assert_int_equal(out.of[LINK_RTT].source, METRIC_ESTIMATION);
    link_join(&ours, true, &nothing, false, &out);
    assert_int_equal(out.of[LINK_RTT].source, METRIC_MEASURED);
    link_join(&nothing, false, &ours, true, &out);
    assert_int_equal(out.of[LINK_RTT].source, METRIC_MEASURED);
    assert_memory_equal(&out, &ours, sizeof(out));
}

static void of_two_that_disagree_the_worse_counts(void **state)
{
    struct link a = sample();
    struct link b = sample();
    struct link out;
    (void)state;
    b.of[LINK_RTT].value = 25000;
    b.of[LINK_SPREAD].value = 100;
    b.of[LINK_LOSS].value = 70;
    b.of[LINK_OUT].value = 95000;
    b.of[LINK_IN].value = 40000;
    b.at_ms[LINK_TRIPS] = 900000;
    b.samples[LINK_VOLUME] = 2;
    link_join(&a, false, &b, false, &out);
    assert_int_equal(out.of[LINK_RTT].value, 25000);
    assert_int_equal(out.of[LINK_SPREAD].value, 300);
    assert_int_equal(out.of[LINK_LOSS].value, 70);
    assert_int_equal(out.of[LINK_OUT].value, 90000);
    assert_int_equal(out.of[LINK_IN].value, 40000);
    assert_int_equal(out.of[LINK_RTT].source, METRIC_MEASURED);
    assert_int_equal(out.at_ms[LINK_TRIPS], 900000);
    assert_int_equal(out.samples[LINK_TRIPS], 4);
    assert_int_equal(out.samples[LINK_VOLUME], 2);
    b.of[LINK_RTT].source = METRIC_NOMINAL;
    link_join(&a, true, &b, false, &out);
    assert_int_equal(out.of[LINK_RTT].value, 25000);
    assert_int_equal(out.of[LINK_RTT].source, METRIC_NOMINAL);
}

static void an_end_that_knows_nothing_of_a_kind_does_not_age_it(void **state)
{
    struct link a = sample();
    struct link b = sample();
    struct link out;
    (void)state;
    link_forget(&b, LINK_VOLUME);
    link_join(&a, true, &b, false, &out);
    assert_int_equal(out.at_ms[LINK_VOLUME], 1000000);
    assert_int_equal(out.samples[LINK_VOLUME], 3);
}

static void turned_twice_is_the_same(void **state)
{
    struct link a = sample();
    struct link b = sample();
    (void)state;
    link_turn(&b);
    assert_int_equal(b.of[LINK_OUT].value, 50000);
    assert_int_equal(b.of[LINK_IN].value, 90000);
    link_turn(&b);
    assert_memory_equal(&a, &b, sizeof(a));
}

static void check_risk(uint64_t up, uint64_t all)
{
    long double exact = -logl((long double)up / (long double)all) * 1e9L;
    uint32_t risk = link_risk_nn(up, all);
    if (exact > 3.9e9L) {
        assert_true(risk >= 3900000000u);
        return;
    }
    if ((long double)risk < exact || (long double)risk > exact + 20)
        fail_msg("%llu of %llu: %u, not %Lf", (unsigned long long)up,
                 (unsigned long long)all, risk, exact);
}

static void risk_is_the_logarithm_rounded_up(void **state)
{
    uint64_t x = 12345;
    (void)state;
    assert_int_equal(link_risk_nn(7, 7), 0);
    assert_int_equal(link_risk_nn(0, 7), 4000000000u);
    assert_int_equal(link_risk_nn(1, UINT64_MAX), 4000000000u);
    for (uint64_t all = 2; all < 300; all++)
        for (uint64_t up = 1; up < all; up++)
            check_risk(up, all);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t all;
        uint64_t up;
        x = x * 6364136223846793005u + 1442695040888963407u;
        all = (x >> 34) + 2;
        x = x * 6364136223846793005u + 1442695040888963407u;
        up = all - 1 - (x >> 33) % (all / 2);
        check_risk(up, all);
    }
    check_risk(999999999, 1000000000);
    check_risk(86399000, 86400000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_of_which_nothing_is_said_knows_nothing),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(setting_keeps_within_what_can_be),
        cmocka_unit_test(each_kind_ages_by_itself),
        cmocka_unit_test(confidence_falls_with_age_and_rises_with_samples),
        cmocka_unit_test(the_claim_of_one_end_never_passes_for_a_measurement),
        cmocka_unit_test(of_two_that_disagree_the_worse_counts),
        cmocka_unit_test(an_end_that_knows_nothing_of_a_kind_does_not_age_it),
        cmocka_unit_test(turned_twice_is_the_same),
        cmocka_unit_test(risk_is_the_logarithm_rounded_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
