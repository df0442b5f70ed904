#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/dice.h"
#include "sched/queue/room.h"

#define JOBS 24u

static const struct resources total = {4000, 8192, 100, 1000};

struct taken {
    struct room_want want;
    uint32_t devices;
    uint64_t from;
    uint64_t until;
};

static struct room_want some_want(struct dice *dice)
{
    struct room_want want = {
        .amounts = {(uint32_t)dice_between(dice, 1, 40) * 100,
                    dice_between(dice, 1, 8) * 1024, dice_between(dice, 0, 100),
                    dice_between(dice, 0, 1000)}};
    if (dice_chance(dice, 500)) {
        want.devices = (uint32_t)dice_between(dice, 1, 3);
        want.milli = (uint32_t)dice_between(dice, 1, 4) * 250;
        want.among = dice_chance(dice, 300) ? 0x3 : 0xf;
        if (want.among == 0x3 && want.devices > 2)
            want.devices = 2;
    }
    return want;
}

/* What is used at a moment, counted by hand. */
struct used {
    struct resources amounts;
    uint32_t slots;
    uint32_t milli[4];
};

static struct used used_at(const struct taken *list, uint32_t count,
                           uint64_t at)
{
    struct used used = {0};
    for (uint32_t i = 0; i < count; i++) {
        if (at < list[i].from || at >= list[i].until)
            continue;
        assert_int_equal(
            resources_add(&used.amounts, &list[i].want.amounts, &used.amounts),
            OK);
        used.slots++;
        for (uint32_t d = 0; d < 4; d++)
            used.milli[d] +=
                (list[i].devices >> d & 1) ? list[i].want.milli : 0;
    }
    return used;
}

/* Devices that have the share free all the while. */
static bool fits_by_hand(const struct taken *list, uint32_t count,
                         const struct room_want *want, uint64_t at,
                         uint64_t lasts)
{
    uint32_t could = want->among;
    for (uint64_t t = at; t < at + lasts; t++) {
        struct used used = used_at(list, count, t);
        struct resources sum;
        if (resources_add(&used.amounts, &want->amounts, &sum) != OK ||
            !resources_cover(&total, &sum) || used.slots + 1 > 5)
            return false;
        for (uint32_t d = 0; d < 4; d++)
            if (used.milli[d] + want->milli > DEVICE_MILLI)
                could &= ~(UINT32_C(1) << d);
    }
    return (uint32_t)__builtin_popcount(could) >= want->devices;
}

static void the_first_room_is_the_first_there_is(void **state)
{
    struct dice dice;
    (void)state;
    dice_init(&dice, 7);
    for (unsigned round = 0; round < 40; round++) {
        struct room room;
        struct taken list[JOBS];
        assert_int_equal(room_init(&room, &total, 5, 4, 0, JOBS + 1), OK);
        for (uint32_t i = 0; i < JOBS; i++) {
            struct taken *job = &list[i];
            uint64_t lasts = dice_between(&dice, 1, 9);
            uint64_t before = dice_between(&dice, 0, 20);
            uint64_t t = before;
            job->want = some_want(&dice);
            assert_int_equal(room_find(&room, &job->want, lasts, before,
                                       &job->from, &job->devices),
                             OK);
            while (!fits_by_hand(list, i, &job->want, t, lasts))
                t++;
            assert_int_equal(job->from, t);
            job->until = job->from + lasts;
            assert_int_equal(room_take(&room, &job->want, job->devices,
                                       job->from, job->until),
                             OK);
        }
        for (uint32_t i = 0; i < JOBS; i++)
            assert_int_equal(room_give(&room, &list[i].want, list[i].devices,
                                       list[i].from, list[i].until),
                             OK);
        assert_int_equal(room.parts[ROOM_BODY].count, 1);
        assert_int_equal(room.parts[ROOM_DEVICES + 3].count, 1);
        room_done(&room);
    }
}

static void what_the_machine_never_has_is_never_there(void **state)
{
    struct room_want want = {.amounts = {4001, 1, 1, 0}};
    struct room room;
    uint64_t at = 77;
    uint32_t devices = 0;
    (void)state;
    assert_int_equal(room_init(&room, &total, 5, 4, 0, 4), OK);
    assert_int_equal(room_find(&room, &want, 1, 0, &at, &devices),
                     ERR_CAPACITY);
    want = (struct room_want){{1, 1, 1, 0}, 3, 1000, 0x3};
    assert_int_equal(room_find(&room, &want, 1, 0, &at, &devices),
                     ERR_CAPACITY);
    assert_int_equal(at, 77);
    room_done(&room);
}

static void a_take_that_does_not_fit_takes_nothing(void **state)
{
    struct room_want want = {{1000, 1024, 1, 0}, 1, 600, 0xf};
    struct room room;
    (void)state;
    assert_int_equal(room_init(&room, &total, 5, 4, 0, 4), OK);
    assert_int_equal(room_take(&room, &want, 0x4, 3, 9), OK);
    assert_int_equal(room_take(&room, &want, 0x4, 5, 12), ERR_CAPACITY);
    assert_int_equal(profile_free_at(&room.parts[ROOM_BODY], 10).units, 4000);
    assert_int_equal(profile_free_at(&room.parts[ROOM_SEAT], 10).units, 5);
    assert_int_equal(room_take(&room, &want, 0x8, 5, 12), OK);
    room_done(&room);
}

/* The owner sells less than runs. */
static void what_runs_takes_what_there_is(void **state)
{
    struct resources small = {1000, 512, 0, 0};
    struct room_want want = {{2000, 100, 5, 0}, 0, 0, 0};
    struct room room;
    (void)state;
    assert_int_equal(room_init(&room, &small, 1, 0, 0, 4), OK);
    assert_int_equal(room_take_most(&room, &want, 0, 0, 10), OK);
    assert_int_equal(profile_free_at(&room.parts[ROOM_BODY], 5).units, 0);
    assert_int_equal(profile_free_at(&room.parts[ROOM_BODY], 5).mem_mib, 412);
    assert_int_equal(profile_free_at(&room.parts[ROOM_BODY], 10).units, 1000);
    room_done(&room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_room_is_the_first_there_is),
        cmocka_unit_test(what_the_machine_never_has_is_never_there),
        cmocka_unit_test(a_take_that_does_not_fit_takes_nothing),
        cmocka_unit_test(what_runs_takes_what_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
