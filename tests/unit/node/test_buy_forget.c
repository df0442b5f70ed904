/* The buyer, after the end: what it keeps of a job, and for how long. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/desk_rig.h"

static enum err erase(struct desk *desk)
{
    enum err err = buy_erase(desk->buy, &desk->id, desk->now_ms, &desk->fx);
    rig_disk_take(&desk->disk, &desk->fx);
    return err;
}

static void an_ended_job_is_forgotten_with_all_that_it_left(void **state)
{
    struct desk *desk = *state;
    to_done(desk);
    assert_true(desk->disk.count > 0);
    assert_int_equal(erase(desk), OK);
    assert_int_equal(rig_count(&desk->fx, EFFECT_FORGET), 1);
    assert_true(hash_equal(&rig_need(&desk->fx, EFFECT_FORGET)->subject,
                           &desk->contract.id));
    assert_null(buy_job(desk->buy, &desk->id));
    assert_int_equal(desk->disk.count, 0);
    assert_int_equal(erase(desk), ERR_NOT_FOUND);
    restart(desk);
    chain_says(desk); /* it is replayed, and nothing of ours any more */
    assert_null(buy_job(desk->buy, &desk->id));
}

/* Outputs go before the records that name them: a crash in between leaves a job
 * that can be forgotten again, not outputs that nobody knows of. */
static void what_it_left_goes_before_its_records(void **state)
{
    struct desk *desk = *state;
    to_done(desk);
    assert_int_equal(erase(desk), OK);
    assert_true(rig_need(&desk->fx, EFFECT_FORGET) <
                rig_need(&desk->fx, EFFECT_SAVE));
}

static void a_job_that_goes_on_is_not_forgotten(void **state)
{
    struct desk *desk = *state;
    to_settling(desk);
    assert_int_equal(erase(desk), ERR_STATE);
    assert_non_null(buy_job(desk->buy, &desk->id));
    assert_int_equal(rig_count(&desk->fx, EFFECT_FORGET), 0);
}

static void a_kept_job_stays_when_nothing_is_said(void **state)
{
    struct desk *desk = *state;
    to_done(desk);
    at(desk, desk->now_ms + UINT64_C(366) * 86400000);
    assert_non_null(buy_job(desk->buy, &desk->id));
}

static void a_job_is_forgotten_by_itself_when_its_time_is_up(void **state)
{
    struct desk *desk = *state;
    uint64_t ended_ms;
    desk->config.keep_ms = 60000;
    buy_free(desk->buy);
    open_desk(desk);
    to_done(desk);
    ended_ms = desk->now_ms;
    at(desk, ended_ms + 59999);
    assert_non_null(buy_job(desk->buy, &desk->id));
    restart(desk);
    at(desk, ended_ms + 60000);
    assert_null(buy_job(desk->buy, &desk->id));
    assert_int_equal(rig_count(&desk->fx, EFFECT_FORGET), 1);
    assert_int_equal(desk->disk.count, 0);
}

static void a_job_that_goes_on_outlives_the_time(void **state)
{
    struct desk *desk = *state;
    desk->config.keep_ms = 1;
    buy_free(desk->buy);
    open_desk(desk);
    to_running(desk);
    at(desk, desk->now_ms + 5000);
    assert_non_null(buy_job(desk->buy, &desk->id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_ended_job_is_forgotten_with_all_that_it_left),
        T(what_it_left_goes_before_its_records),
        T(a_job_that_goes_on_is_not_forgotten),
        T(a_kept_job_stays_when_nothing_is_said),
        T(a_job_is_forgotten_by_itself_when_its_time_is_up),
        T(a_job_that_goes_on_outlives_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
