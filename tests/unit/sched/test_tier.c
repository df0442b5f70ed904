#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "sched/meter/tier.h"

static struct tiers defaults(void)
{
    struct tiers tiers;
    char error[TIER_ERR_MAX];
    assert_int_equal(tiers_parse(TIERS_DEFAULT, &tiers, error), OK);
    return tiers;
}

static const char *grade_at(const struct tiers *tiers, enum meter_kernel kernel,
                            uint64_t rate)
{
    struct grade grade;
    const struct tier *tier;
    memset(&grade, 0, sizeof(grade));
    grade.source = METRIC_MEASURED;
    grade_rate_set(&grade, kernel, METER_ALL, rate);
    tier = tier_of(tiers, &grade);
    return tier != NULL ? tier->name : "-";
}

static void bounds_are_inclusive(void **state)
{
    struct tiers tiers = defaults();
    (void)state;
    assert_int_equal(tiers.count, 4);
    assert_string_equal(grade_at(&tiers, METER_FP32, 1), "small");
    assert_string_equal(grade_at(&tiers, METER_FP32, 499999999999), "small");
    assert_string_equal(grade_at(&tiers, METER_FP32, 500000000000), "medium");
    assert_string_equal(grade_at(&tiers, METER_FP32, 9999999999999), "medium");
    assert_string_equal(grade_at(&tiers, METER_FP32, 10000000000000), "large");
    assert_string_equal(grade_at(&tiers, METER_FP32, 999999999999999), "large");
    assert_string_equal(grade_at(&tiers, METER_FP32, 1000000000000000),
                        "super-large");
    assert_string_equal(grade_at(&tiers, METER_FP32, UINT64_MAX),
                        "super-large");
}

static void only_the_stated_precision_counts(void **state)
{
    struct tiers tiers = defaults();
    (void)state;
    assert_string_equal(grade_at(&tiers, METER_FP64, UINT64_MAX), "-");
    assert_string_equal(grade_at(&tiers, METER_INT8, UINT64_MAX), "-");
}

static void what_was_only_declared_is_never_a_grade(void **state)
{
    struct tiers tiers = defaults();
    struct grade grade;
    (void)state;
    memset(&grade, 0, sizeof(grade));
    assert_null(tier_of(&tiers, &grade)); /* nothing measured */
    grade.nominal_flops = 20000000000000;
    assert_null(tier_of(&tiers, &grade));
    assert_string_equal(tier_nominal(&tiers, grade.nominal_flops)->name,
                        "large");
    assert_null(tier_nominal(&tiers, 0));
    grade_rate_set(&grade, METER_FP32, METER_ALL, 100000000000);
    grade.source = METRIC_MEASURED;
    assert_string_equal(tier_of(&tiers, &grade)->name, "small");
    grade.source = METRIC_NOMINAL;
    assert_null(tier_of(&tiers, &grade));
}

static void one_core_does_not_make_a_grade(void **state)
{
    struct tiers tiers = defaults();
    struct grade grade;
    (void)state;
    memset(&grade, 0, sizeof(grade));
    grade.source = METRIC_MEASURED;
    grade_rate_set(&grade, METER_FP32, METER_ONE, UINT64_MAX);
    assert_null(tier_of(&tiers, &grade));
}

static void tables_are_configuration(void **state)
{
    struct tiers tiers;
    char error[TIER_ERR_MAX];
    (void)state;
    assert_int_equal(
        tiers_parse("a:fp64:5, b:int8:7k,c:fp64:2M", &tiers, error), OK);
    assert_int_equal(tiers.count, 3);
    assert_int_equal(tiers.rows[1].least, 7000);
    assert_int_equal(tiers.rows[2].least, 2000000);
    assert_string_equal(grade_at(&tiers, METER_FP64, 4), "-");
    assert_string_equal(grade_at(&tiers, METER_FP64, 5), "a");
    assert_string_equal(grade_at(&tiers, METER_INT8, 7000), "b");
}

static void a_bad_table_says_which_row_and_why(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } bad[] = {
        {"", "grade 1: \"\" is not NAME:PRECISION:BOUND"},
        {"small", "grade 1: \"small\" is not NAME:PRECISION:BOUND"},
        {"small:fp16:0", "grade 1: precision \"fp16\" is not fp64, fp32 or "
                         "int8"},
        {"small:fp32:", "grade 1: \"\" is not a bound such as 500G"},
        {"small:fp32:-1", "grade 1: \"-1\" is not a bound such as 500G"},
        {"small:fp32:1X", "grade 1: \"X\" follows its bound"},
        {"small:fp32:99E", "grade 1: 99E is too large"},
        {"small:fp32:99999999999999999999",
         "grade 1: 99999999999999999999 is too large"},
        {"a:fp32:5, b:fp32:5", "grade 2: its bound is not above that of \"a\""},
        {"a:fp32:5, a:fp32:6", "grade 2: \"a\" is there already"},
        {"a:fp32:5,", "grade 2: \"\" is not NAME:PRECISION:BOUND"},
        {"a:fp32:1,b:fp32:2,c:fp32:3,d:fp32:4,e:fp32:5,f:fp32:6,g:fp32:7,"
         "h:fp32:8,i:fp32:9",
         "grade 9: more than 8 grades"},
    };
    struct tiers tiers = {.count = 99};
    char error[TIER_ERR_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(tiers_parse(bad[i].text, &tiers, error), ERR_PARSE);
        assert_string_equal(error, bad[i].says);
        assert_int_equal(tiers.count, 99);
    }
}

static void rates_are_whole_numbers_with_a_unit(void **state)
{
    uint64_t rate = 5;
    (void)state;
    assert_int_equal(tier_rate_parse("20T", &rate), OK);
    assert_int_equal(rate, 20000000000000);
    assert_int_equal(tier_rate_parse("0", &rate), OK);
    assert_int_equal(rate, 0);
    assert_int_equal(tier_rate_parse("1.5T", &rate), ERR_PARSE);
    assert_int_equal(tier_rate_parse("", &rate), ERR_PARSE);
    assert_int_equal(tier_rate_parse("20TT", &rate), ERR_PARSE);
    assert_int_equal(rate, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_inclusive),
        cmocka_unit_test(only_the_stated_precision_counts),
        cmocka_unit_test(what_was_only_declared_is_never_a_grade),
        cmocka_unit_test(one_core_does_not_make_a_grade),
        cmocka_unit_test(tables_are_configuration),
        cmocka_unit_test(rates_are_whole_numbers_with_a_unit),
        cmocka_unit_test(a_bad_table_says_which_row_and_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
