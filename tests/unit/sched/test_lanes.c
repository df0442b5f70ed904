#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sched/index/lanes.h"

#define WORDS 9u

static uint64_t seed = 1;

static uint64_t draw(uint64_t bound)
{
    uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % bound;
}

/* Of every size; often next to one another. */
static uint64_t draw_amount(void)
{
    uint64_t top = UINT64_C(1) << draw(64);
    uint64_t amount = top + draw(top) - draw(2);
    return draw(20) == 0 ? draw(3) : amount;
}

static void figures_are_in_the_order_of_amounts(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 200000; i++) {
        uint64_t a = draw_amount();
        uint64_t b = draw(2) == 0 ? draw_amount() : a + draw(3);
        uint64_t low = a < b ? a : b;
        uint64_t high = a < b ? b : a;
        assert_true(amount_code(low) <= amount_code(high));
        if (amount_code(low) == amount_code(high))
            assert_true(amount_rest(low) <= amount_rest(high));
        if (amount_is_exact(amount_code(a)))
            assert_int_equal(amount_of(amount_code(a), amount_rest(a)), a);
        if (!amount_has_rest(amount_code(a)))
            assert_int_equal(amount_rest(a), 0);
    }
    assert_true(amount_is_exact(amount_code((1 << 26) - 1)));
    assert_false(amount_is_exact(amount_code(1 << 26)));
    assert_false(amount_is_exact(amount_code(UINT64_MAX)));
}

struct sample {
    uint64_t amounts[WORDS * LANES];
    uint16_t codes[WORDS * LANES];
    uint16_t rests[WORDS * LANES];
    uint64_t among[WORDS];
    struct figures figures;
};

static void sample_draw(struct sample *s)
{
    uint64_t step = UINT64_C(1) << draw(26);
    for (uint32_t i = 0; i < WORDS * LANES; i++) {
        s->amounts[i] = draw(step) + draw(2) * step;
        s->codes[i] = amount_code(s->amounts[i]);
        s->rests[i] = amount_rest(s->amounts[i]);
    }
    for (uint32_t i = 0; i < WORDS; i++)
        s->among[i] = draw(3) == 0 ? 0 : draw(UINT64_MAX) & draw(UINT64_MAX);
    s->figures = (struct figures){s->codes, s->rests};
}

static bool is_among(const struct sample *s, uint32_t i)
{
    return s->among[i / LANES] >> i % LANES & 1;
}

static void check_short(const struct sample *s, uint64_t want)
{
    uint64_t fails[WORDS] = {5};
    lanes_short(&s->figures, s->among, WORDS, want, fails);
    for (uint32_t i = 0; i < WORDS * LANES; i++) {
        bool before = i == 0 || i == 2;
        bool is_short = is_among(s, i) && s->amounts[i] < want;
        assert_int_equal(fails[i / LANES] >> i % LANES & 1, before || is_short);
    }
}

static void check_highest(const struct sample *s)
{
    uint64_t kept[WORDS];
    uint64_t most = 0;
    for (uint32_t i = 0; i < WORDS * LANES; i++)
        most = is_among(s, i) && s->amounts[i] > most ? s->amounts[i] : most;
    uint16_t code = lanes_highest(s->codes, s->among, WORDS);
    for (uint32_t i = 0; i < WORDS; i++)
        kept[i] = s->among[i];
    lanes_keep(s->codes, code, WORDS, kept);
    assert_int_equal(amount_of(code, lanes_highest(s->rests, kept, WORDS)),
                     most);
    for (uint32_t i = 0; i < WORDS * LANES; i++)
        assert_int_equal(kept[i / LANES] >> i % LANES & 1,
                         is_among(s, i) && s->codes[i] == code);
}

static void check_compare(const struct sample *s, uint16_t least)
{
    uint64_t same;
    uint64_t reach = lanes_compare(s->codes, least, &same);
    for (uint32_t i = 0; i < LANES; i++) {
        assert_int_equal(reach >> i & 1, s->codes[i] >= least);
        assert_int_equal(same >> i & 1, s->codes[i] == least);
    }
}

static void every_way_to_compare_says_the_same(void **state)
{
    static struct sample s;
    (void)state;
    for (unsigned way = 0; way <= LANES_WAYS; way++) {
        lanes_choose(way);
        for (uint32_t i = 0; i < 400; i++) {
            sample_draw(&s);
            check_short(&s, s.amounts[draw(WORDS * LANES)] + draw(2));
            check_highest(&s);
            check_compare(&s, s.codes[draw(WORDS * LANES)]);
            check_compare(&s, 0);
            check_compare(&s, UINT16_MAX);
        }
    }
}

static void the_highest_of_figures_that_are_as_high_as_can_be(void **state)
{
    static uint16_t figures[LANES];
    const uint64_t among = UINT64_C(1) << 63 | 4;
    (void)state;
    for (unsigned way = 0; way <= LANES_WAYS; way++) {
        lanes_choose(way);
        figures[63] = UINT16_MAX;
        assert_int_equal(lanes_highest(figures, &among, 1), UINT16_MAX);
        figures[63] = UINT16_MAX - 1;
        assert_int_equal(lanes_highest(figures, &among, 1), UINT16_MAX - 1);
        figures[63] = 0;
        assert_int_equal(lanes_highest(figures, &among, 1), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_in_the_order_of_amounts),
        cmocka_unit_test(every_way_to_compare_says_the_same),
        cmocka_unit_test(the_highest_of_figures_that_are_as_high_as_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
