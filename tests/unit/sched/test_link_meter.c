#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/dice.h"
#include "sched/link/link_meter.h"

static void nothing_seen_is_nothing_known(void **state)
{
    struct link_meter meter;
    struct link link;
    (void)state;
    link_meter_init(&meter);
    link_meter_up(&meter, true, 1000);
    link_meter_link(&meter, 5000000, &link);
    assert_int_equal(link_form(&link), OK);
    for (unsigned f = 0; f < LINK_FIGURES; f++)
        assert_false(link_has(&link, (enum link_figure)f));
}

static void the_round_trip_settles_on_what_is_measured(void **state)
{
    struct link_meter meter;
    struct link link;
    struct dice dice;
    (void)state;
    dice_init(&dice, 4);
    link_meter_init(&meter);
    link_meter_trip(&meter, 90000, 0); /* the first was slow */
    for (uint64_t i = 1; i < 100; i++)
        link_meter_trip(&meter, dice_between(&dice, 19000, 21000), i * 3000);
    link_meter_link(&meter, 300000, &link);
    assert_int_equal(link_form(&link), OK);
    assert_in_range(link.of[LINK_RTT].value, 19200, 20800);
    assert_in_range(link.of[LINK_SPREAD].value, 200, 900);
    assert_int_equal(link.samples[LINK_TRIPS], 100);
    assert_int_equal(link.at_ms[LINK_TRIPS], 99 * 3000);
    assert_true(link_measured(&link, LINK_RTT));
}

static void a_single_trip_is_known_with_all_of_its_doubt(void **state)
{
    struct link_meter meter;
    struct link link;
    (void)state;
    link_meter_init(&meter);
    link_meter_trip(&meter, 1000, 7);
    link_meter_link(&meter, 7, &link);
    assert_int_equal(link.of[LINK_RTT].value, 1000);
    assert_int_equal(link.of[LINK_SPREAD].value, 500);
    assert_int_equal(link.of[LINK_LOSS].value, 500000);
    assert_int_equal(link.of[LINK_RISK].value, link_row(LINK_RISK)->most);
}

static void trust_is_earned_by_time_and_lost_by_outages(void **state)
{
    struct link_meter meter;
    struct link link;
    uint32_t before;
    uint64_t now_ms = 1000;
    (void)state;
    link_meter_init(&meter);
    link_meter_up(&meter, true, now_ms);
    link_meter_trip(&meter, 1000, now_ms + 3600000);
    link_meter_link(&meter, now_ms + 3600000, &link);
    /* up for an hour of an hour and a minute */
    assert_int_equal(link.of[LINK_RISK].value, link_risk_nn(60, 61));
    before = link.of[LINK_RISK].value;
    now_ms += 3600000;
    link_meter_up(&meter, false, now_ms);
    now_ms += 360000;
    link_meter_up(&meter, true, now_ms);
    link_meter_trip(&meter, 1000, now_ms);
    link_meter_link(&meter, now_ms, &link);
    assert_int_equal(link.of[LINK_RISK].value, link_risk_nn(60, 67));
    assert_true(link.of[LINK_RISK].value > before);
    /* Nobody counts while the other end is away on purpose. */
    link_meter_pause(&meter, now_ms);
    now_ms += 360000;
    link_meter_link(&meter, now_ms, &link);
    assert_int_equal(link.of[LINK_RISK].value, link_risk_nn(60, 67));
}

static void old_outages_are_forgotten_by_halves(void **state)
{
    struct link_meter meter;
    struct link link;
    uint64_t now_ms = 0;
    (void)state;
    link_meter_init(&meter);
    link_meter_up(&meter, false, now_ms);
    now_ms += 86400000;
    link_meter_up(&meter, true, now_ms);
    for (unsigned day = 0; day < 60; day++) {
        now_ms += 86400000;
        link_meter_up(&meter, true, now_ms);
    }
    link_meter_trip(&meter, 1000, now_ms);
    link_meter_link(&meter, now_ms, &link);
    assert_true(link.of[LINK_RISK].value < 2000000); /* 99.8 % */
    assert_true(meter.up_ms + meter.down_ms <= LINK_METER_MEMORY_MS);
}

static void loss_is_counted_and_little_evidence_is_not_good(void **state)
{
    struct link_meter meter;
    struct link link;
    (void)state;
    link_meter_init(&meter);
    link_meter_trip(&meter, 1000, 0);
    link_meter_sent(&meter, 998, 9);
    link_meter_link(&meter, 0, &link);
    assert_int_equal(link.of[LINK_LOSS].value, 10000);
    link_meter_sent(&meter, 99000, 0);
    link_meter_link(&meter, 0, &link);
    assert_int_equal(link.of[LINK_LOSS].value, 100);
    link_meter_sent(&meter, 5, UINT64_MAX);
    link_meter_sent(&meter, UINT64_MAX, UINT64_MAX);
    link_meter_link(&meter, 0, &link);
    assert_int_equal(link_form(&link), OK);
    assert_in_range(link.of[LINK_LOSS].value, 900000, 1000000);
}

static void what_is_not_the_links_pace_only_raises_its_bandwidth(void **state)
{
    struct link_meter meter;
    struct link link;
    (void)state;
    link_meter_init(&meter);
    link_meter_volume(&meter, LINK_IN, 4000, false, 10);
    link_meter_volume(&meter, LINK_IN, 1000, false, 20);
    link_meter_link(&meter, 20, &link);
    assert_int_equal(link.of[LINK_IN].value, 4000);
    assert_int_equal(link.samples[LINK_VOLUME], 1);
    assert_false(link_has(&link, LINK_OUT));
    assert_false(link_has(&link, LINK_RTT));
    link_meter_volume(&meter, LINK_IN, 2000, true, 30);
    link_meter_link(&meter, 30, &link);
    assert_int_equal(link.of[LINK_IN].value, 3000);
    /* After so long what was known is not. */
    link_meter_volume(&meter, LINK_IN, 500, false, 31 + LINK_VOLUME_AGE_MAX_MS);
    link_meter_link(&meter, 31 + LINK_VOLUME_AGE_MAX_MS, &link);
    assert_int_equal(link.of[LINK_IN].value, 500);
}

static void what_was_seen_long_ago_is_not_known(void **state)
{
    struct link_meter meter;
    struct link link;
    (void)state;
    link_meter_init(&meter);
    link_meter_trip(&meter, 1000, 0);
    link_meter_volume(&meter, LINK_OUT, 10, true, 0);
    link_meter_link(&meter, LINK_TRIPS_AGE_MAX_MS + 1, &link);
    assert_false(link_has(&link, LINK_RTT));
    assert_false(link_has(&link, LINK_RISK));
    assert_true(link_has(&link, LINK_OUT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_seen_is_nothing_known),
        cmocka_unit_test(the_round_trip_settles_on_what_is_measured),
        cmocka_unit_test(a_single_trip_is_known_with_all_of_its_doubt),
        cmocka_unit_test(trust_is_earned_by_time_and_lost_by_outages),
        cmocka_unit_test(old_outages_are_forgotten_by_halves),
        cmocka_unit_test(loss_is_counted_and_little_evidence_is_not_good),
        cmocka_unit_test(what_is_not_the_links_pace_only_raises_its_bandwidth),
        cmocka_unit_test(what_was_seen_long_ago_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
