#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sched/cfn/advert.h"
#include "tests/unit/sched/cfn_sample.h"

static const struct advert_rules rules = {100, 10000, 30000};

static void begin(struct advert *a)
{
    struct service_update names = sample_update(1, 77);
    assert_int_equal(advert_init(a, &rules, &names, 5), OK);
}

static void small_changes_wait_for_the_refresh(void **state)
{
    struct metrics m = sample_metrics(1000, 500, 20);
    struct service_update u;
    struct advert a;
    (void)state;
    begin(&a);
    assert_true(advert_step(&a, &m, 1000, &u));
    assert_int_equal(u.seq, 5);
    assert_int_equal(u.life_ms, 30000);
    m.of[METRIC_SERVICE].value = 1100;
    assert_false(advert_step(&a, &m, 5000, &u));
    assert_false(advert_step(&a, &m, 10999, &u));
    assert_true(advert_step(&a, &m, 11000, &u));
    assert_int_equal(u.seq, 6);
    assert_int_equal(u.metrics.of[METRIC_SERVICE].value, 1100);
}

/* What creeps is compared with what was told, not with what was last seen. */
static void a_creeping_change_is_told(void **state)
{
    struct metrics m = sample_metrics(1000, 500, 20);
    struct service_update u;
    struct advert a;
    unsigned told = 0;
    (void)state;
    begin(&a);
    for (uint32_t i = 0; i < 50; i++) {
        m.of[METRIC_SERVICE].value = 1000 + 10 * i;
        told += advert_step(&a, &m, 1000 + 100 * i, &u);
    }
    assert_int_equal(told, 4); /* 1000, 1110, 1230, 1360 */
}

static void great_changes_rest_a_while(void **state)
{
    struct metrics m = sample_metrics(1000, 500, 20);
    struct service_update u;
    struct advert a;
    (void)state;
    begin(&a);
    assert_true(advert_step(&a, &m, 1000, &u));
    m.of[METRIC_SERVICE].value = 5000;
    assert_false(advert_step(&a, &m, 1099, &u));
    assert_true(advert_step(&a, &m, 1100, &u));
}

static void a_withdrawal_does_not_wait(void **state)
{
    struct metrics m = sample_metrics(1000, 500, 20);
    struct service_update u;
    struct service_table t;
    struct advert a;
    (void)state;
    sample_table(&t);
    begin(&a);
    assert_true(advert_step(&a, &m, 1000, &u));
    assert_int_equal(service_hear(&t, &u, 1000), OK);
    assert_true(service_stands(sample_instance(&t, 1), 1000));
    advert_withdraw(&a, 1000, &u);
    assert_int_equal(service_hear(&t, &u, 1000), OK);
    assert_false(service_stands(sample_instance(&t, 1), 1000));
    assert_true(advert_step(&a, &m, 1000, &u));
    assert_int_equal(service_hear(&t, &u, 1000), OK);
    assert_true(service_stands(sample_instance(&t, 1), 1000));
    service_table_done(&t);
}

static void a_restarted_origin_passes_its_old_number(void **state)
{
    struct metrics m = sample_metrics(1000, 500, 20);
    struct service_update u;
    struct advert a;
    (void)state;
    begin(&a);
    assert_true(advert_step(&a, &m, 1000, &u));
    advert_heard(&a, 5);
    assert_false(advert_step(&a, &m, 1001, &u));
    advert_heard(&a, UINT64_MAX);
    advert_heard(&a, UINT64_MAX - 1);
    assert_false(advert_step(&a, &m, 1002, &u));
    advert_heard(&a, 900);
    assert_true(advert_step(&a, &m, 1003, &u));
    assert_int_equal(u.seq, 901);
}

static void rules_must_hold_together(void **state)
{
    struct service_update names = sample_update(1, 1);
    struct advert_rules bad = {100, 100, 300};
    struct advert a;
    (void)state;
    assert_int_equal(advert_init(&a, &bad, &names, 1), ERR_RANGE);
    bad = (struct advert_rules){0, 100, 100};
    assert_int_equal(advert_init(&a, &bad, &names, 1), ERR_RANGE);
    bad = (struct advert_rules){0, 100, SERVICE_LIFE_MAX_MS + 1};
    assert_int_equal(advert_init(&a, &bad, &names, 1), ERR_RANGE);
    assert_int_equal(advert_init(&a, &rules, &names, 0), ERR_RANGE);
    assert_int_equal(advert_init(&a, &rules, &names, UINT64_MAX), ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_changes_wait_for_the_refresh),
        cmocka_unit_test(a_creeping_change_is_told),
        cmocka_unit_test(great_changes_rest_a_while),
        cmocka_unit_test(a_withdrawal_does_not_wait),
        cmocka_unit_test(a_restarted_origin_passes_its_old_number),
        cmocka_unit_test(rules_must_hold_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
