#include "sched/avail/crew.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sched/target.h"
#include "tests/unit/sched/sample.h"

static struct crew_candidate list[CREW_CANDIDATES_MAX + 1];
static struct crew crew;

static void put(uint32_t i, uint32_t down_ppb, uint64_t price, uint32_t domain)
{
    list[i] = (struct crew_candidate){
        .down_ppb = down_ppb, .price = amount_micro(price), .domain = domain};
}

static void what_is_out_of_range_is_refused(void **state)
{
    struct crew_ask ask = {.down_ppb = 1};
    (void)state;
    put(0, 0, 1, 0);
    assert_int_equal(crew_choose(list, 1, &ask, &crew), ERR_RANGE);
    put(0, TARGET_ONE + 1, 1, 0);
    assert_int_equal(crew_choose(list, 1, &ask, &crew), ERR_RANGE);
    put(0, 1, 1, 0);
    assert_int_equal(crew_choose(list, CREW_CANDIDATES_MAX + 1, &ask, &crew),
                     ERR_RANGE);
    ask.down_ppb = 0;
    assert_int_equal(crew_choose(list, 1, &ask, &crew), ERR_RANGE);
    ask.down_ppb = TARGET_ONE;
    assert_int_equal(crew_choose(list, 1, &ask, &crew), ERR_RANGE);
}

static void nobody_reaches_nothing(void **state)
{
    struct crew_ask ask = {.down_ppb = 500000000};
    (void)state;
    assert_int_equal(crew_choose(list, 0, &ask, &crew), OK);
    assert_false(crew.reached);
    assert_int_equal(crew.count, 0);
    assert_int_equal(crew.down_ppb, TARGET_ONE);
}

static void no_more_copies_than_there_may_be(void **state)
{
    struct crew_ask ask = {.down_ppb = 1, .cheapest = true};
    (void)state;
    for (uint32_t i = 0; i < 12; i++)
        put(i, 100000000, 1, 0); /* nine of them would do */
    assert_int_equal(crew_choose(list, 12, &ask, &crew), OK);
    assert_false(crew.reached);
    assert_int_equal(crew.count, CREW_MAX);
    assert_int_equal(crew.down_ppb, 10);
    assert_int_equal(crew.allowed_count, 0);
    ask.down_ppb = 10;
    assert_int_equal(crew_choose(list, 12, &ask, &crew), OK);
    assert_true(crew.reached);
    assert_int_equal(crew.count, CREW_MAX);
    assert_int_equal(crew.allowed_count, 12);
}

static void prices_beyond_all_bounds_leave_the_others_the_choice(void **state)
{
    struct crew_ask ask = {.down_ppb = TARGET_ONE / 100};
    (void)state;
    put(0, TARGET_ONE / 10, UINT64_MAX, 0);
    put(1, TARGET_ONE / 10, 5, 0);
    put(2, TARGET_ONE / 20, UINT64_MAX, 0);
    put(3, TARGET_ONE / 10, 7, 0);
    for (unsigned cheapest = 0; cheapest < 2; cheapest++) {
        ask.cheapest = cheapest == 1;
        assert_int_equal(crew_choose(list, 4, &ask, &crew), OK);
        assert_true(crew.reached);
        assert_int_equal(crew.count, 2);
        assert_int_equal(crew.picks[0], 1);
        assert_int_equal(crew.picks[1], 3);
        assert_int_equal(crew.allowed_count, 2);
    }
}

static bool is_allowed(uint32_t i)
{
    for (uint32_t k = 0; k < crew.allowed_count; k++) {
        if (crew.allowed[k] == i)
            return true;
    }
    return false;
}

static void likes_are_of_other_domains(void **state)
{
    struct crew_ask ask = {.down_ppb = 10000000, .copies = 2};
    (void)state;
    put(0, 100000000, 1, 1);
    put(1, 100000000, 1, 2);
    put(2, 100000000, 1, 2);
    put(3, 100000000, 1, 3);
    put(4, 100000001, 1, 4); /* a little worse than it takes */
    assert_int_equal(crew_choose(list, 5, &ask, &crew), OK);
    assert_int_equal(crew.allowed_count, 3);
    assert_true(is_allowed(0) && is_allowed(1) && is_allowed(3));
}

/* The worst chance of any so many of those who are there. */
static double worst_of(const struct crew_there *there, uint32_t count,
                       uint32_t so_many)
{
    double worst = so_many == 0 ? 1 : 0;
    for (uint32_t set = 1; set < 1u << count; set++) {
        uint32_t size = 0;
        double down = 1;
        for (uint32_t i = 0; i < count; i++) {
            if (set >> i & 1) {
                down *= (double)there[i].down_ppb / TARGET_ONE;
                size++;
            }
        }
        if (size == so_many && down > worst)
            worst = down;
    }
    return worst;
}

static void more_are_there_than_a_task_has_copies(void **state)
{
    static const struct crew_there there[] = {{100000000, 20}, {10000000, 21}};
    struct crew_ask ask = {
        .down_ppb = 1000000, .copies = 2, .there = there, .there_count = 2};
    (void)state;
    put(0, 10000000, 1, 21);
    list[0].there = true;
    put(1, 100000000, 1, 1);
    assert_int_equal(crew_choose(list, 2, &ask, &crew), OK);
    assert_true(crew.reached); /* as it was when they were chosen */
    assert_int_equal(crew.count, 0);
    assert_int_equal(crew.down_ppb, 1000000);
    assert_int_equal(crew.allowed_count, 1);
    list[0].there = false;
    assert_int_equal(crew_choose(list, 2, &ask, &crew), OK);
    assert_false(crew.reached);
    put(2, 10000000, 1, 2); /* will do beside the worst */
    assert_int_equal(crew_choose(list, 3, &ask, &crew), OK);
    assert_true(crew.reached);
    assert_int_equal(crew.count, 1);
    assert_int_equal(crew.picks[0], 2);
    assert_int_equal(crew.allowed_count, 1);
}

/* Whatever has been lost: any set that may come to any of those who are there,
 * of one domain each, keeps to the target when it is as many as are wanted. */
static void who_is_allowed_never_breaks_the_target(void **state)
{
    uint64_t seed = 17;
    uint32_t tried = 0;
    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        uint32_t count = 2 + (uint32_t)sample_below(&seed, 8);
        uint32_t copies = 1 + (uint32_t)sample_below(&seed, 3);
        struct crew_there there[4];
        struct crew_ask ask = {.copies = copies,
                               .cheapest = sample_below(&seed, 2) == 0,
                               .there = there};
        ask.down_ppb =
            (uint32_t)(TARGET_ONE *
                       pow(10, -(double)sample_below(&seed, 40) / 10 - 0.1));
        for (uint32_t i = 0; i < count; i++)
            put(i, 1 + (uint32_t)sample_below(&seed, 600000000),
                1 + sample_below(&seed, 9), (uint32_t)sample_below(&seed, 6));
        while (copies > 1 && ask.there_count < 4 &&
               sample_below(&seed, 3) > 0) {
            struct crew_there *one = &there[ask.there_count];
            *one = (struct crew_there){
                1 + (uint32_t)sample_below(&seed, 400000000),
                20 + ask.there_count};
            if (ask.there_count < count && sample_below(&seed, 2) == 0) {
                put(ask.there_count, one->down_ppb, 1, one->domain);
                list[ask.there_count].there = true;
            }
            ask.there_count++;
        }
        assert_int_equal(crew_choose(list, count, &ask, &crew), OK);
        if (!crew.reached)
            continue;
        assert_true(crew.down_ppb <= (uint64_t)ask.down_ppb + 1);
        for (uint32_t set = 1; set < 1u << crew.allowed_count; set++) {
            struct crew_there left[4];
            uint32_t left_count = 0;
            uint32_t size = 0;
            uint32_t taken = 0;
            double down = 1;
            for (uint32_t i = 0; i < crew.allowed_count; i++) {
                if (set >> i & 1) {
                    down *= (double)list[crew.allowed[i]].down_ppb / TARGET_ONE;
                    taken |= 1u << crew.allowed[i];
                    size++;
                }
            }
            for (uint32_t i = 0; i < ask.there_count; i++) {
                if (i >= count || !list[i].there || !(taken >> i & 1))
                    left[left_count++] = there[i];
            }
            if (size > copies || left_count + size < copies)
                continue;
            down *= worst_of(left, left_count, copies - size);
            assert_true(down * TARGET_ONE <= ask.down_ppb * (1 + 1e-6));
            tried++;
        }
    }
    assert_true(tried > 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_out_of_range_is_refused),
        cmocka_unit_test(nobody_reaches_nothing),
        cmocka_unit_test(no_more_copies_than_there_may_be),
        cmocka_unit_test(prices_beyond_all_bounds_leave_the_others_the_choice),
        cmocka_unit_test(likes_are_of_other_domains),
        cmocka_unit_test(more_are_there_than_a_task_has_copies),
        cmocka_unit_test(who_is_allowed_never_breaks_the_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
