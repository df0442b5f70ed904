#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/dice.h"
#include "sched/queue/profile.h"

#define SPAN 48 /* ms that the plain profile knows */

static const struct portion whole = {10, 100};

static struct profile begin(uint64_t from_ms, uint32_t reservations)
{
    struct profile profile = {0};
    assert_int_equal(profile_init(&profile, &whole, from_ms, reservations), OK);
    return profile;
}

static void reserve(struct profile *profile, uint64_t units, uint64_t from,
                    uint64_t until)
{
    const struct portion want = {units, units};
    assert_int_equal(profile_reserve(profile, &want, from, until), OK);
}

static uint64_t find(const struct profile *profile, uint64_t units,
                     uint64_t duration, uint64_t from)
{
    const struct portion want = {units, 1};
    uint64_t at = 0;
    assert_int_equal(profile_find(profile, &want, duration, from, &at), OK);
    return at;
}

static void the_first_gap_that_is_long_enough_is_found(void **state)
{
    struct profile profile = begin(0, 8);
    (void)state;
    reserve(&profile, 8, 0, 4);
    reserve(&profile, 5, 4, 8);
    reserve(&profile, 9, 12, 20);
    assert_int_equal(find(&profile, 2, 4, 0), 0);
    assert_int_equal(find(&profile, 2, 13, 0), 20); /* 1 is left from 12 on */
    assert_int_equal(find(&profile, 5, 8, 0), 4);
    assert_int_equal(find(&profile, 5, 9, 0), 20);
    assert_int_equal(find(&profile, 10, 4, 0), 8);
    assert_int_equal(find(&profile, 10, 4, 9), 20);
    assert_int_equal(find(&profile, 1, PROFILE_NEVER, 0), 0);
    profile_done(&profile);
}

static void a_lifetime_that_ends_is_a_reservation_without_end(void **state)
{
    struct profile profile = begin(100, 8);
    const struct portion one = {1, 1};
    uint64_t at = 77;
    (void)state;
    assert_int_equal(profile_reserve(&profile, &whole, 200, PROFILE_NEVER), OK);
    assert_int_equal(find(&profile, 10, 100, 0), 100);
    assert_int_equal(profile_find(&profile, &one, 101, 0, &at), ERR_CAPACITY);
    assert_int_equal(at, 77);
    assert_int_equal(profile_find(&profile, &one, 1, 200, &at), ERR_CAPACITY);
    assert_int_equal(profile_release(&profile, &whole, 200, PROFILE_NEVER), OK);
    assert_int_equal(profile.count, 1);
    profile_done(&profile);
}

static void what_is_not_so_is_refused_and_changes_nothing(void **state)
{
    struct profile profile = begin(10, 1);
    const struct portion six = {6, 6};
    const struct portion much_memory = {1, 101};
    struct profile_step before[8];
    (void)state;
    reserve(&profile, 5, 20, 30);
    memcpy(before, profile.steps, profile.count * sizeof(*before));
    assert_int_equal(profile_reserve(&profile, &six, 25, 25), ERR_RANGE);
    assert_int_equal(profile_reserve(&profile, &six, 29, 40), ERR_CAPACITY);
    assert_int_equal(profile_reserve(&profile, &much_memory, 50, 60),
                     ERR_CAPACITY);
    assert_int_equal(profile_release(&profile, &six, 20, 30), ERR_OVERFLOW);
    assert_int_equal(profile_reserve(&profile, &six, 1, 10), OK); /* over */
    assert_int_equal(profile.count, 3);
    assert_memory_equal(before, profile.steps, 3 * sizeof(*before));
    profile_done(&profile);
}

static void steps_are_bounded(void **state)
{
    struct profile profile = begin(0, 100);
    const struct portion one = {1, 1};
    uint64_t count = 0;
    enum err err;
    (void)state;
    while ((err = profile_reserve(&profile, &one, 2 * count + 1,
                                  2 * count + 2)) == OK)
        count++;
    assert_int_equal(err, ERR_TOO_LARGE);
    assert_int_equal(count, 100);
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(profile_release(&profile, &one, 2 * i + 1, 2 * i + 2),
                         OK);
    assert_int_equal(profile.count, 1);
    profile_done(&profile);
}

static void the_past_is_forgotten(void **state)
{
    struct profile profile = begin(0, 4);
    (void)state;
    reserve(&profile, 5, 0, 10);
    reserve(&profile, 4, 5, 20);
    profile_forward(&profile, 7);
    profile_forward(&profile, 3); /* time does not go back */
    assert_int_equal(profile.count, 3);
    assert_int_equal(profile.steps[0].from_ms, 7);
    assert_int_equal(profile_free_at(&profile, 0).units, 1);
    profile_forward(&profile, 10);
    assert_int_equal(profile_free_at(&profile, 10).units, 6);
    profile_forward(&profile, 1000);
    assert_int_equal(profile.count, 1);
    assert_int_equal(profile_free_at(&profile, 1000).units, 10);
    profile_done(&profile);
}

/* ---- against a table of every millisecond ---- */

struct plain {
    struct portion free[SPAN + 1]; /* the last stands for all that follows */
};

static bool plain_fits(const struct plain *plain, const struct portion *want,
                       uint64_t at, uint64_t duration)
{
    for (uint64_t t = at; t < at + duration; t++) {
        if (!portion_covers(&plain->free[t < SPAN ? t : SPAN], want))
            return false;
    }
    return true;
}

static uint64_t plain_find(const struct plain *plain,
                           const struct portion *want, uint64_t duration,
                           uint64_t from)
{
    uint64_t at = from;
    while (at <= SPAN && !plain_fits(plain, want, at, duration))
        at++;
    return at;
}

static void plain_change(struct plain *plain, const struct portion *want,
                         uint64_t from, uint64_t until, bool take)
{
    for (uint64_t t = from; t < until; t++) {
        struct portion *free = &plain->free[t];
        free->units += take ? 0 - want->units : want->units;
        free->mem_mib += take ? 0 - want->mem_mib : want->mem_mib;
    }
}

static void agree(const struct profile *profile, const struct plain *plain,
                  uint64_t begin_ms)
{
    for (uint64_t t = begin_ms; t <= SPAN; t++) {
        struct portion free = profile_free_at(profile, t);
        assert_int_equal(free.units, plain->free[t].units);
        assert_int_equal(free.mem_mib, plain->free[t].mem_mib);
    }
    for (uint32_t i = 1; i < profile->count; i++) {
        const struct profile_step *step = &profile->steps[i];
        assert_true(step[-1].from_ms < step->from_ms);
        assert_true(step[-1].free.units != step->free.units ||
                    step[-1].free.mem_mib != step->free.mem_mib);
    }
}

struct held {
    struct portion want;
    uint64_t from;
    uint64_t until;
};

#define HELD_MAX 12

static void try_one(struct profile *profile, struct plain *plain,
                    struct dice *dice, uint64_t now, struct held *held,
                    uint32_t *count)
{
    struct portion want = {dice_below(dice, 12), dice_below(dice, 110)};
    uint64_t from = dice_between(dice, now, SPAN - 1);
    uint64_t until = dice_between(dice, from + 1, SPAN);
    uint64_t at = 0;
    uint64_t expected = plain_find(plain, &want, until - from, from);
    bool fits = plain_fits(plain, &want, from, until - from);
    enum err err = profile_find(profile, &want, until - from, from, &at);
    assert_int_equal(err, expected > SPAN ? ERR_CAPACITY : OK);
    if (err == OK)
        assert_int_equal(at, expected);
    assert_int_equal(profile_fits(profile, &want, from, until - from), fits);
    if (*count == HELD_MAX)
        return;
    assert_int_equal(profile_reserve(profile, &want, from, until),
                     fits ? OK : ERR_CAPACITY);
    if (!fits)
        return;
    plain_change(plain, &want, from, until, true);
    held[(*count)++] = (struct held){want, from, until};
}

/* All of it, or its end, as a job that ends early does. */
static void give_back(struct profile *profile, struct plain *plain,
                      struct dice *dice, uint64_t now, struct held *held,
                      uint32_t *count)
{
    struct held *one = &held[dice_below(dice, *count)];
    uint64_t from = one->from < now ? now : one->from;
    if (from < one->until) {
        uint64_t cut = dice_between(dice, from, one->until - 1);
        assert_int_equal(profile_release(profile, &one->want, cut, one->until),
                         OK);
        plain_change(plain, &one->want, cut, one->until, false);
        one->until = cut;
    }
    if (one->from >= one->until || one->until <= now)
        *one = held[--*count];
}

static void it_is_as_a_table_of_every_moment(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct held held[HELD_MAX];
        struct plain plain;
        struct profile profile = begin(0, HELD_MAX);
        uint32_t count = 0;
        uint64_t now = 0;
        struct dice dice;
        dice_init(&dice, seed);
        for (uint32_t i = 0; i <= SPAN; i++)
            plain.free[i] = whole;
        for (int i = 0; i < 200; i++) {
            if (dice_chance(&dice, 30) && now < SPAN - 1)
                profile_forward(&profile, ++now);
            if (count > 0 && dice_chance(&dice, 450))
                give_back(&profile, &plain, &dice, now, held, &count);
            else
                try_one(&profile, &plain, &dice, now, held, &count);
            agree(&profile, &plain, now);
        }
        profile_done(&profile);
    }
}

static void what_is_released_leaves_no_trace(void **state)
{
    struct dice dice;
    (void)state;
    dice_init(&dice, 7);
    for (int round = 0; round < 500; round++) {
        struct profile profile = begin(0, 24);
        struct held held[20];
        for (uint32_t i = 0; i < 20; i++) {
            struct held one = {{dice_below(&dice, 5), dice_below(&dice, 9)},
                               0,
                               dice_between(&dice, 1, 40)};
            assert_int_equal(profile_find(&profile, &one.want, one.until,
                                          dice_below(&dice, 30), &one.from),
                             OK);
            one.until += one.from;
            assert_int_equal(
                profile_reserve(&profile, &one.want, one.from, one.until), OK);
            held[i] = one;
        }
        for (uint32_t left = 20; left > 0; left--) {
            struct held *one = &held[dice_below(&dice, left)];
            assert_int_equal(
                profile_release(&profile, &one->want, one->from, one->until),
                OK);
            *one = held[left - 1];
        }
        assert_int_equal(profile.count, 1);
        assert_int_equal(profile.steps[0].free.units, whole.units);
        assert_int_equal(profile.steps[0].free.mem_mib, whole.mem_mib);
        profile_done(&profile);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_gap_that_is_long_enough_is_found),
        cmocka_unit_test(a_lifetime_that_ends_is_a_reservation_without_end),
        cmocka_unit_test(what_is_not_so_is_refused_and_changes_nothing),
        cmocka_unit_test(steps_are_bounded),
        cmocka_unit_test(the_past_is_forgotten),
        cmocka_unit_test(it_is_as_a_table_of_every_moment),
        cmocka_unit_test(what_is_released_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
