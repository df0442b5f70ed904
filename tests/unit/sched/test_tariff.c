#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/amount.h"
#include "base/dice.h"
#include "sched/index/tariff.h"

static const uint64_t units[TARIFF_PARTS] = {1000, 1024, 1024, 1000};

/* Any size, small ones as often as large ones. */
static uint64_t draw(struct dice *dice)
{
    return dice_next(dice) >> dice_below(dice, 64);
}

static bool cost_plainly(const uint64_t *want, const struct tariff *tariff,
                         struct amount *out)
{
    struct amount sum = amount_micro(0);
    for (unsigned i = 0; i < TARIFF_PARTS; i++) {
        struct amount part;
        if (amount_scale_up(amount_micro(tariff->part[i]), want[i], units[i],
                            &part) != OK ||
            amount_add(sum, part, &sum) != OK)
            return false;
    }
    *out = sum;
    return true;
}

static void a_cost_is_the_sum_of_parts_rounded_up(void **state)
{
    struct dice dice;
    uint32_t numbers = 0;
    (void)state;
    dice_init(&dice, 1);
    for (int i = 0; i < 200000; i++) {
        uint64_t want[TARIFF_PARTS];
        struct tariff tariff;
        struct tariff_mix mix;
        struct amount plain;
        uint64_t cost = 7;
        for (unsigned k = 0; k < TARIFF_PARTS; k++) {
            want[k] = draw(&dice);
            tariff.part[k] = draw(&dice);
        }
        tariff_mix_init(&mix, want);
        bool fits = cost_plainly(want, &tariff, &plain);
        assert_int_equal(tariff_cost(&mix, &tariff, &cost), fits);
        assert_true(cost == (fits ? plain.micro : 7));
        numbers += fits;
    }
    assert_true(numbers > 20000 && numbers < 190000);
}

/* For every mix, with prices and wants of any size. */
static void boxes_bound_what_is_in_them(void **state)
{
    struct dice dice;
    uint32_t beyond = 0;
    uint32_t within = 0;
    (void)state;
    dice_init(&dice, 2);
    for (int i = 0; i < 100000; i++) {
        struct tariff in[3];
        struct tariff_box box;
        struct tariff_mix mix;
        uint64_t want[TARIFF_PARTS];
        unsigned wide = dice_chance(&dice, 500) ? 0 : 34;
        uint64_t bound = draw(&dice);
        tariff_box_init(&box);
        for (unsigned k = 0; k < TARIFF_PARTS; k++)
            want[k] = draw(&dice) >> wide;
        for (unsigned n = 0; n < 3; n++) {
            for (unsigned k = 0; k < TARIFF_PARTS; k++)
                in[n].part[k] = draw(&dice) >> wide;
            tariff_box_add(&box, &in[n]);
        }
        tariff_mix_init(&mix, want);
        bool dear = tariff_floor(&mix, box.low) > tariff_scale(&mix, bound);
        bool cheap = tariff_within(&mix, box.high, bound);
        uint64_t least = tariff_unscale(&mix, tariff_floor(&mix, box.low));
        for (unsigned n = 0; n < 3; n++) {
            uint64_t cost = UINT64_MAX;
            bool fits = tariff_cost(&mix, &in[n], &cost);
            assert_true(!dear || !fits || cost > bound);
            assert_true(!cheap || (fits && cost <= bound));
            assert_true(cost >= least);
        }
        beyond += dear;
        within += cheap;
    }
    assert_true(beyond > 10000 && within > 10000);
}

static void the_floor_is_tight_where_numbers_are_small(void **state)
{
    const struct tariff tariff = {{1000000, 125000, 2000, 0}};
    const uint64_t want[TARIFF_PARTS] = {4000, 8192, 1024, 0};
    struct tariff_box box;
    struct tariff_mix mix;
    uint64_t cost = 0;
    (void)state;
    tariff_box_init(&box);
    tariff_box_add(&box, &tariff);
    tariff_mix_init(&mix, want);
    assert_true(tariff_cost(&mix, &tariff, &cost));
    assert_int_equal(cost, 5002000);
    assert_true(tariff_floor(&mix, box.low) <= tariff_scale(&mix, cost));
    assert_true(tariff_floor(&mix, box.low) > tariff_scale(&mix, cost - 4));
    assert_true(tariff_within(&mix, box.high, cost + 4));
}

static void a_bill_and_the_most_an_hour_may_cost_agree(void **state)
{
    struct dice dice;
    (void)state;
    dice_init(&dice, 3);
    for (int i = 0; i < 100000; i++) {
        const struct tariff_bill bill = {
            .num = draw(&dice), .den = 3600000, .cap = draw(&dice)};
        uint64_t most = tariff_bill_cost_max(&bill);
        uint64_t cap = bill.cap != 0 ? bill.cap : UINT64_MAX;
        struct amount plain;
        assert_true(tariff_bill_of(&bill, most) <= cap);
        if (most == UINT64_MAX)
            continue;
        enum err err =
            amount_scale_up(amount_micro(most + 1), bill.num, bill.den, &plain);
        assert_true(err == ERR_OVERFLOW || plain.micro > cap);
        assert_true(tariff_bill_of(&bill, most + 1) ==
                    (err == OK ? plain.micro : UINT64_MAX));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cost_is_the_sum_of_parts_rounded_up),
        cmocka_unit_test(boxes_bound_what_is_in_them),
        cmocka_unit_test(the_floor_is_tight_where_numbers_are_small),
        cmocka_unit_test(a_bill_and_the_most_an_hour_may_cost_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
