#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "tests/unit/sched/cfn_sample.h"

static void the_latest_telling_counts(void **state)
{
    struct service_update u = sample_update(3, 10);
    struct service_table t;
    (void)state;
    sample_table(&t);
    assert_int_equal(service_hear(&t, &u, 0), OK);
    assert_int_equal(service_hear(&t, &u, 0), ERR_EXISTS);
    u.seq = 9;
    u.metrics.of[METRIC_SERVICE].value = 9;
    assert_int_equal(service_hear(&t, &u, 0), ERR_EXISTS);
    assert_int_equal(
        sample_instance(&t, 3)->told.metrics.of[METRIC_SERVICE].value, 1000);
    u.seq = 11;
    assert_int_equal(service_hear(&t, &u, 0), OK);
    assert_int_equal(
        sample_instance(&t, 3)->told.metrics.of[METRIC_SERVICE].value, 9);
    service_table_done(&t);
}

static void hostile_updates_are_refused(void **state)
{
    struct service_update u = sample_update(3, 0);
    struct service_table t;
    (void)state;
    sample_table(&t);
    assert_int_equal(service_hear(&t, &u, 0), ERR_RANGE);
    u.seq = UINT64_MAX;
    assert_int_equal(service_hear(&t, &u, 0), ERR_RANGE);
    u.seq = UINT64_MAX - 1;
    u.life_ms = SERVICE_LIFE_MAX_MS + 1;
    assert_int_equal(service_hear(&t, &u, 0), ERR_RANGE);
    u.life_ms = 0;
    assert_int_equal(service_hear(&t, &u, 0), ERR_EXPIRED);
    u.withdrawn = true;
    assert_int_equal(service_hear(&t, &u, 0), ERR_EXPIRED);
    u.withdrawn = false;
    u.life_ms = 1;
    u.metrics.of[METRIC_LOAD].value = 1001;
    assert_int_equal(service_hear(&t, &u, 0), ERR_RANGE);
    assert_null(service_find(&t, &sample_service));
    assert_int_equal(t.instance_count, 0);
    service_table_done(&t);
}

/* The highest number locks out its own instance only, and only for its life. */
static void an_origin_cannot_touch_what_another_told(void **state)
{
    struct service_update u = sample_update(3, 10);
    struct service_update forged = u;
    struct service_table t;
    (void)state;
    sample_table(&t);
    assert_int_equal(service_hear(&t, &u, 0), OK);
    forged.egress = sample_egress(4);
    forged.seq = UINT64_MAX - 1;
    forged.withdrawn = true;
    assert_int_equal(service_hear(&t, &forged, 0), OK);
    assert_true(service_stands(sample_instance(&t, 3), 0));
    u.seq = 11;
    assert_int_equal(service_hear(&t, &u, 0), OK);
    service_table_done(&t);
}

static void what_is_not_told_again_ages_out(void **state)
{
    struct service_update u = sample_update(3, 10);
    struct service_table t;
    struct service_ref ref;
    (void)state;
    sample_table(&t);
    assert_int_equal(service_hear(&t, &u, 1000), OK);
    ref = service_ref(&t, sample_instance(&t, 3));
    assert_non_null(service_get(&t, ref, 60999));
    assert_null(service_get(&t, ref, 61000));
    /* An older telling with more life does not bring it back. */
    u.seq = 9;
    u.life_ms = SERVICE_LIFE_MAX_MS;
    assert_int_equal(service_hear(&t, &u, 61000), ERR_EXISTS);
    assert_int_equal(service_sweep(&t, 61000 + SERVICE_LIFE_MAX_MS - 1), 0);
    assert_int_equal(service_sweep(&t, 61000 + SERVICE_LIFE_MAX_MS), 1);
    assert_null(service_find(&t, &sample_service));
    service_table_done(&t);
}

static void a_late_telling_does_not_undo_a_withdrawal(void **state)
{
    struct service_update u = sample_update(3, 10);
    struct service_update gone = sample_update(3, 11);
    struct service_table t;
    (void)state;
    gone.withdrawn = true;
    gone.life_ms = SERVICE_LIFE_MAX_MS;
    sample_table(&t);
    assert_int_equal(service_hear(&t, &gone, 0), OK);
    assert_int_equal(service_hear(&t, &u, 1), ERR_EXISTS);
    assert_false(service_stands(sample_instance(&t, 3), 1));
    service_table_done(&t);
}

static void a_reference_does_not_outlive_its_instance(void **state)
{
    struct service_update u = sample_update(3, 10);
    struct service_table t;
    struct service_ref ref;
    (void)state;
    sample_table(&t);
    assert_int_equal(service_hear(&t, &u, 0), OK);
    ref = service_ref(&t, sample_instance(&t, 3));
    service_begin(&t, ref);
    assert_int_equal(sample_instance(&t, 3)->live, 1);
    u.seq++;
    u.withdrawn = true;
    assert_int_equal(service_hear(&t, &u, 0), OK);
    u.seq++;
    u.withdrawn = false;
    assert_int_equal(service_hear(&t, &u, 0), OK);
    assert_null(service_get(&t, ref, 0));
    service_end(&t, ref);
    service_begin(&t, ref);
    assert_int_equal(sample_instance(&t, 3)->live, 0);
    service_table_done(&t);
}

/* ---- bounds ---- */

static void an_origin_has_its_share_and_no_more(void **state)
{
    struct service_limits limits = {4, 100, 10, 8};
    struct service_table t;
    (void)state;
    assert_int_equal(service_table_init(&t, &limits, sample_key), OK);
    for (uint32_t n = 0; n < 50; n++) {
        struct service_update u = sample_update(n, 1);
        u.egress = sample_egress(1);
        assert_int_equal(service_hear(&t, &u, 0), n < 8 ? OK : ERR_CAPACITY);
    }
    struct service_update other = sample_update(60, 1);
    assert_int_equal(service_hear(&t, &other, 0), OK);
    /* Its own that are gone make room for it. */
    struct service_update gone = sample_update(2, 2);
    gone.egress = sample_egress(1);
    gone.withdrawn = true;
    assert_int_equal(service_hear(&t, &gone, 0), OK);
    struct service_update next = sample_update(70, 1);
    next.egress = sample_egress(1);
    assert_int_equal(service_hear(&t, &next, 0), OK);
    assert_null(sample_instance(&t, 2));
    assert_non_null(sample_instance(&t, 70));
    service_table_done(&t);
}

static void a_service_has_a_bound(void **state)
{
    struct service_limits limits = {4, 1000, 1000, 8};
    struct service_table t;
    (void)state;
    assert_int_equal(service_table_init(&t, &limits, sample_key), OK);
    for (uint32_t n = 0; n < SERVICE_INSTANCES_MAX + 5; n++) {
        struct service_update u = sample_update(n, 1);
        assert_int_equal(service_hear(&t, &u, 0),
                         n < SERVICE_INSTANCES_MAX ? OK : ERR_CAPACITY);
    }
    service_table_done(&t);
}

static void services_that_are_gone_make_room(void **state)
{
    struct service_limits limits = {2, 10, 10, 8};
    struct service_update u = sample_update(1, 1);
    struct service_table t;
    (void)state;
    assert_int_equal(service_table_init(&t, &limits, sample_key), OK);
    assert_int_equal(service_hear(&t, &u, 0), OK);
    u.service.b[0] = 1;
    assert_int_equal(service_hear(&t, &u, 0), OK);
    u.service.b[0] = 2;
    assert_int_equal(service_hear(&t, &u, 0), ERR_CAPACITY);
    u.service.b[0] = 1;
    u.seq = 2;
    u.withdrawn = true;
    assert_int_equal(service_hear(&t, &u, 0), OK);
    u.service.b[0] = 2;
    u.withdrawn = false;
    assert_int_equal(service_hear(&t, &u, 0), OK);
    assert_non_null(service_find(&t, &sample_service));
    service_table_done(&t);
}

static void measured_ways_give_place_to_instances(void **state)
{
    struct service_limits limits = {4, 10, 3, 8};
    struct service_table t;
    uint32_t us = 0;
    (void)state;
    assert_int_equal(service_table_init(&t, &limits, sample_key), OK);
    for (uint32_t n = 0; n < 20; n++) {
        struct cfn_address a = sample_egress(100 + n);
        assert_int_equal(service_set_rtt(&t, &a, n, 1000 + n, 0), OK);
    }
    for (uint32_t n = 117; n < 120; n++) { /* the last three are known */
        struct service_update u = sample_update(n, 1);
        assert_int_equal(service_hear(&t, &u, 0), OK);
        assert_true(service_rtt(&t, sample_instance(&t, n), 0, &us));
        assert_int_equal(us, n - 100);
    }
    assert_false(service_rtt(&t, sample_instance(&t, 119), 1019, &us));
    struct cfn_address more = sample_egress(7);
    assert_int_equal(service_set_rtt(&t, &more, 1, 9, 0), ERR_CAPACITY);
    struct service_update u = sample_update(7, 1);
    assert_int_equal(service_hear(&t, &u, 0), ERR_CAPACITY);
    assert_int_equal(service_set_rtt(&t, &u.egress, 1, 0, 0), ERR_RANGE);
    assert_int_equal(
        service_set_rtt(&t, &u.egress, SERVICE_RTT_US_MAX + 1, 9, 0),
        ERR_RANGE);
    service_table_done(&t);
}

static void impossible_limits_are_refused(void **state)
{
    struct service_limits limits = {0, 10, 3, 8};
    struct service_table t;
    (void)state;
    assert_int_equal(service_table_init(&t, &limits, sample_key), ERR_RANGE);
    limits = (struct service_limits){1, (1u << 20) + 1, 3, 8};
    assert_int_equal(service_table_init(&t, &limits, sample_key), ERR_RANGE);
    limits = (struct service_limits){1, 1, 1, 0};
    assert_int_equal(service_table_init(&t, &limits, sample_key), ERR_RANGE);
}

/* Whatever is thrown at it: counts agree with what is there, bounds hold. */
static void it_stays_sound_under_noise(void **state)
{
    struct service_limits limits = {3, 20, 6, 5};
    struct service_table t;
    struct dice dice;
    uint64_t now = 0;
    unsigned accepted = 0;
    (void)state;
    dice_init(&dice, 11);
    assert_int_equal(service_table_init(&t, &limits, sample_key), OK);
    for (uint32_t step = 0; step < 60000; step++) {
        struct service_update u = sample_update((uint32_t)dice_below(&dice, 40),
                                                dice_below(&dice, 50));
        uint32_t at = 0;
        uint32_t seen = 0;
        uint32_t behind = 0;
        now += dice_below(&dice, 20000);
        u.service.b[0] = (uint8_t)dice_below(&dice, 5);
        u.egress = sample_egress((uint32_t)dice_below(&dice, 9));
        u.life_ms = (uint32_t)dice_below(&dice, 200000);
        u.withdrawn = dice_chance(&dice, 300);
        accepted += service_hear(&t, &u, now) == OK;
        if (dice_chance(&dice, 100))
            accepted += service_set_rtt(&t, &u.egress, 5, now + 9, now) == OK;
        if (dice_chance(&dice, 20))
            (void)service_sweep(&t, now);
        for (uint32_t e = 0; e < limits.egresses_max; e++) {
            assert_true(t.egresses[e].count <= limits.egress_instances_max);
            behind += t.egresses[e].count;
        }
        assert_int_equal(behind, t.instance_count);
        assert_true(t.instance_count <= limits.instances_max);
        while (service_next(&t, now, &at, &u)) {
            assert_int_not_equal(u.life_ms, 0);
            seen++;
        }
        assert_true(seen <= t.instance_count);
    }
    assert_true(accepted > 1000);
    service_table_done(&t);
}

/* ---- convergence ---- */

#define TABLES    5u
#define INSTANCES 24u
#define TELLINGS  400u

static bool same(const struct service_table *a, const struct service_table *b,
                 uint64_t now)
{
    for (uint32_t n = 0; n < INSTANCES; n++) {
        const struct service_instance *x = sample_instance(a, n);
        const struct service_instance *y = sample_instance(b, n);
        bool x_stands = x != NULL && service_stands(x, now);
        bool y_stands = y != NULL && service_stands(y, now);
        if (x_stands != y_stands)
            return false;
        if (x_stands && (x->told.seq != y->told.seq ||
                         memcmp(&x->told.metrics, &y->told.metrics,
                                sizeof(x->told.metrics)) != 0))
            return false;
    }
    return true;
}

static void pass_on(const struct service_table *from, struct service_table *to,
                    uint64_t now)
{
    struct service_update u;
    uint32_t at = 0;
    while (service_next(from, now, &at, &u)) {
        enum err err = service_hear(to, &u, now);
        assert_true(err == OK || err == ERR_EXISTS);
    }
}

/* The tellings of a life, in order: seq grows, some withdraw. */
static void tell_lives(struct service_update *tellings, struct dice *dice)
{
    uint64_t seq[INSTANCES] = {0};
    for (uint32_t i = 0; i < TELLINGS; i++) {
        uint32_t n = (uint32_t)dice_below(dice, INSTANCES);
        tellings[i] = sample_update(n, ++seq[n]);
        tellings[i].metrics.of[METRIC_SERVICE].value = 1 + i;
        tellings[i].withdrawn = dice_chance(dice, 200);
        tellings[i].life_ms = SERVICE_LIFE_MAX_MS;
    }
}

static void hear_some(struct service_table *t, struct service_update *tellings,
                      struct dice *dice, uint32_t lost_permille)
{
    for (uint32_t i = 0; i < 2 * TELLINGS; i++) { /* in any order, some twice */
        uint32_t pick = (uint32_t)dice_below(dice, TELLINGS);
        if (!dice_chance(dice, lost_permille)) {
            enum err err = service_hear(t, &tellings[pick], 0);
            assert_true(err == OK || err == ERR_EXISTS);
        }
    }
}

static void tables_agree_after_loss_reordering_and_repeats(void **state)
{
    static struct service_update tellings[TELLINGS];
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct service_table tables[TABLES];
        struct service_table truth;
        struct dice dice;
        dice_init(&dice, seed);
        tell_lives(tellings, &dice);
        sample_table(&truth);
        for (uint32_t i = 0; i < TELLINGS; i++)
            assert_int_equal(service_hear(&truth, &tellings[i], 0), OK);
        for (uint32_t k = 0; k < TABLES; k++) {
            sample_table(&tables[k]);
            hear_some(&tables[k], tellings, &dice, 500);
        }
        /* One of them hears the last of each; all pass on in a ring. */
        for (uint32_t i = TELLINGS; i-- > 0;) {
            enum err err =
                service_hear(&tables[seed % TABLES], &tellings[i], 0);
            assert_true(err == OK || err == ERR_EXISTS);
        }
        for (uint32_t k = 0; k < TABLES; k++)
            pass_on(&tables[(seed + k) % TABLES],
                    &tables[(seed + k + 1) % TABLES], 1000);
        for (uint32_t k = 0; k < TABLES; k++) {
            assert_true(same(&tables[k], &truth, 1000));
            service_table_done(&tables[k]);
        }
        service_table_done(&truth);
    }
}

/* The life that is left is passed on, not a new one. */
static void passing_on_does_not_prolong_a_life(void **state)
{
    struct service_table a;
    struct service_table b;
    struct service_update u = sample_update(1, 1);
    uint32_t at = 0;
    (void)state;
    sample_table(&a);
    sample_table(&b);
    assert_int_equal(service_hear(&a, &u, 0), OK);
    pass_on(&a, &b, 59999);
    assert_int_equal(sample_instance(&b, 1)->expires_at_ms, 60000);
    assert_false(service_next(&a, 60000, &at, &u));
    service_table_done(&a);
    service_table_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_latest_telling_counts),
        cmocka_unit_test(hostile_updates_are_refused),
        cmocka_unit_test(an_origin_cannot_touch_what_another_told),
        cmocka_unit_test(what_is_not_told_again_ages_out),
        cmocka_unit_test(a_late_telling_does_not_undo_a_withdrawal),
        cmocka_unit_test(a_reference_does_not_outlive_its_instance),
        cmocka_unit_test(an_origin_has_its_share_and_no_more),
        cmocka_unit_test(a_service_has_a_bound),
        cmocka_unit_test(services_that_are_gone_make_room),
        cmocka_unit_test(measured_ways_give_place_to_instances),
        cmocka_unit_test(impossible_limits_are_refused),
        cmocka_unit_test(it_stays_sound_under_noise),
        cmocka_unit_test(tables_agree_after_loss_reordering_and_repeats),
        cmocka_unit_test(passing_on_does_not_prolong_a_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
