#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sched/cfn/metric.h"
#include "tests/unit/sched/cfn_sample.h"

static void the_delay_grows_with_the_load(void **state)
{
    struct metrics m = sample_metrics(1000, 0, 0);
    uint64_t us = 0;
    (void)state;
    assert_true(metrics_delay(&m, &us));
    assert_int_equal(us, 1000);
    m.of[METRIC_LOAD].value = 500;
    assert_true(metrics_delay(&m, &us));
    assert_int_equal(us, 2000);
    m.of[METRIC_LOAD].value = 667;
    assert_true(metrics_delay(&m, &us));
    assert_int_equal(us, 3004); /* 3003.003, rounded up */
    m.of[METRIC_LOAD].value = 1000;
    assert_true(metrics_delay(&m, &us));
    assert_int_equal(us, 10000);
}

static void an_unknown_load_gives_no_delay(void **state)
{
    struct metrics m = sample_metrics(1000, 100, 0);
    uint64_t us = 7;
    (void)state;
    m.of[METRIC_LOAD] = (struct metric){0};
    assert_false(metrics_delay(&m, &us));
    m = sample_metrics(1000, 100, 0);
    m.of[METRIC_SERVICE] = (struct metric){0};
    assert_false(metrics_delay(&m, &us));
    assert_int_equal(us, 7);
}

static void scores_go_from_ten_to_zero(void **state)
{
    uint32_t last = 10;
    (void)state;
    assert_int_equal(metric_score(0, 1000, 11000), 10);
    assert_int_equal(metric_score(1000, 1000, 11000), 10);
    assert_int_equal(metric_score(1001, 1000, 11000), 9);
    assert_int_equal(metric_score(6000, 1000, 11000), 5);
    assert_int_equal(metric_score(10999, 1000, 11000), 0);
    assert_int_equal(metric_score(11000, 1000, 11000), 0);
    assert_int_equal(metric_score(UINT64_MAX, 1000, 11000), 0);
    for (uint64_t us = 0; us < 12000; us += 7) {
        uint32_t score = metric_score(us, 1000, 11000);
        assert_true(score <= last);
        last = score;
    }
}

static void what_lies_outside_the_table_is_refused(void **state)
{
    struct metrics m = sample_metrics(1000, 1000, 0);
    (void)state;
    assert_int_equal(metrics_check(&m), OK);
    m.of[METRIC_LOAD].value = 1001;
    assert_int_equal(metrics_check(&m), ERR_RANGE);
    m = sample_metrics(0, 0, 0);
    assert_int_equal(metrics_check(&m), ERR_RANGE);
    m = sample_metrics(1, 0, 0);
    m.of[METRIC_SCORE] = (struct metric){11, METRIC_NORMALIZATION};
    assert_int_equal(metrics_check(&m), ERR_RANGE);
    m.of[METRIC_SCORE] = (struct metric){3, METRIC_UNKNOWN};
    assert_int_equal(metrics_check(&m), ERR_RANGE);
    m.of[METRIC_SCORE] = (struct metric){3, (enum metric_source)6};
    assert_int_equal(metrics_check(&m), ERR_RANGE);
    m.of[METRIC_SCORE] = (struct metric){10, METRIC_AGGREGATION};
    m.of[METRIC_SLOTS].value = 0;
    assert_int_equal(metrics_check(&m), ERR_RANGE);
    m = (struct metrics){0};
    assert_int_equal(metrics_check(&m), OK);
}

static void sources_have_the_names_of_the_draft(void **state)
{
    enum metric_source source = METRIC_UNKNOWN;
    (void)state;
    for (unsigned i = METRIC_NOMINAL; i <= METRIC_AGGREGATION; i++) {
        const char *name = metric_source_name((enum metric_source)i);
        assert_int_equal(metric_source_parse(name, &source), OK);
        assert_int_equal(source, i);
    }
    assert_string_equal(metric_source_name(METRIC_MEASURED),
                        "directly measured");
    assert_int_equal(metric_source_parse("unknown", &source), ERR_PARSE);
    assert_int_equal(metric_source_parse("", &source), ERR_PARSE);
    assert_string_equal(metric_row(METRIC_SCORE)->type, "norm_fi");
    assert_int_equal(metric_row(METRIC_SCORE)->level, 2);
}

static void more_than_a_tenth_is_a_difference(void **state)
{
    struct metrics a = sample_metrics(1000, 500, 20);
    struct metrics b = a;
    (void)state;
    assert_false(metrics_differ(&a, &b));
    b.of[METRIC_SERVICE].value = 1100;
    assert_false(metrics_differ(&a, &b));
    b.of[METRIC_SERVICE].value = 1101;
    assert_true(metrics_differ(&a, &b));
    b = a;
    b.of[METRIC_LOAD].value = 551; /* 449 of 500 are left */
    assert_true(metrics_differ(&a, &b));
    b = a;
    b.of[METRIC_QUEUE].value = 18;
    assert_false(metrics_differ(&a, &b));
    b.of[METRIC_QUEUE].value = 17;
    assert_true(metrics_differ(&a, &b));
    b = a;
    b.of[METRIC_SERVICE].source = METRIC_NOMINAL;
    assert_true(metrics_differ(&a, &b));
    b = a;
    b.of[METRIC_QUEUE] = (struct metric){0};
    assert_true(metrics_differ(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_delay_grows_with_the_load),
        cmocka_unit_test(an_unknown_load_gives_no_delay),
        cmocka_unit_test(scores_go_from_ten_to_zero),
        cmocka_unit_test(what_lies_outside_the_table_is_refused),
        cmocka_unit_test(sources_have_the_names_of_the_draft),
        cmocka_unit_test(more_than_a_tenth_is_a_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
