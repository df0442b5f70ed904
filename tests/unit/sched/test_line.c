#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/dice.h"
#include "sched/queue/line.h"

/* A machine of so many cores with a line before it, moment by moment. */
#define PEOPLE 60u
#define CORES  8u
#define NOBODY UINT64_MAX

struct person {
    uint64_t arrives;
    uint64_t limit;
    uint64_t runs; /* at most its limit */
    uint32_t cores;
    uint64_t ready; /* draws forward from then on */
    uint64_t promised;
    uint64_t planned;
    uint32_t devices;
    uint64_t began; /* NOBODY: not yet */
};

struct shop {
    enum line_rule rule;
    struct person people[PEOPLE];
    uint32_t count;
    uint64_t now;
    bool heads_hold; /* nobody first in line was ever moved back */
    bool all_hold;   /* nobody at all */
};

static struct line_job job_of(const struct shop *shop, const struct person *p)
{
    return (struct line_job){
        .want = {.amounts = {.cpu_milli = p->cores * 1000, .mem_mib = 1}},
        .lasts_ms = p->limit,
        .drawn = shop->now >= p->ready,
        .promised_ms = p->promised,
        .planned_ms = p->planned,
        .devices = p->devices,
    };
}

static void room_now(const struct shop *shop, struct room *room)
{
    const struct resources total = {CORES * 1000, PEOPLE, 0, 0};
    assert_int_equal(
        room_init(room, &total, PEOPLE, 0, shop->now, 2 * PEOPLE + 1), OK);
    for (uint32_t i = 0; i < shop->count; i++) {
        const struct person *p = &shop->people[i];
        struct line_job job = job_of(shop, p);
        if (p->began == NOBODY || p->began + p->runs <= shop->now)
            continue;
        assert_int_equal(
            room_take(room, &job.want, 0, shop->now, p->began + p->limit), OK);
    }
}

static bool waits(const struct shop *shop, const struct person *p)
{
    return p->began == NOBODY && p->arrives < shop->now;
}

static void plan(struct shop *shop, struct room *room)
{
    struct line_job jobs[LINE_JOBS_MAX];
    struct person *who[LINE_JOBS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < shop->count; i++) {
        if (!waits(shop, &shop->people[i]))
            continue;
        who[count] = &shop->people[i];
        jobs[count++] = job_of(shop, &shop->people[i]);
    }
    assert_int_equal(line_plan(shop->rule, room, jobs, count, shop->now), OK);
    for (uint32_t i = 0; i < count; i++) {
        assert_false(jobs[i].late);
        if (jobs[i].planned_ms > who[i]->planned) {
            shop->all_hold = false;
            shop->heads_hold = shop->heads_hold && i > 0;
        }
        who[i]->planned = jobs[i].planned_ms;
        if (jobs[i].planned_ms == shop->now)
            who[i]->began = shop->now;
    }
}

static void arrive(struct shop *shop, struct person *p, const struct room *room)
{
    struct line_job job = job_of(shop, p);
    assert_int_equal(line_promise(room, &job, shop->now), OK);
    p->promised = p->planned = job.planned_ms;
    if (p->planned == shop->now)
        p->began = shop->now;
}

static bool moment(struct shop *shop)
{
    bool goes_on = false;
    struct room room;
    room_now(shop, &room);
    plan(shop, &room);
    room_done(&room);
    for (uint32_t i = 0; i < shop->count; i++) {
        struct person *p = &shop->people[i];
        goes_on = goes_on || p->began == NOBODY;
        if (p->arrives != shop->now)
            continue;
        room_now(shop, &room);
        plan(shop, &room);
        arrive(shop, p, &room);
        room_done(&room);
    }
    shop->now++;
    return goes_on;
}

static void live(struct shop *shop)
{
    shop->heads_hold = shop->all_hold = true;
    for (uint32_t i = 0; i < shop->count; i++)
        shop->people[i].began = shop->people[i].planned = NOBODY;
    while (moment(shop))
        assert_true(shop->now < 10000);
}

static void some_people(struct shop *shop, enum line_rule rule, uint64_t seed)
{
    struct dice dice;
    uint64_t at = 0;
    dice_init(&dice, seed);
    memset(shop, 0, sizeof(*shop));
    shop->rule = rule;
    shop->count = PEOPLE;
    for (uint32_t i = 0; i < PEOPLE; i++) {
        struct person *p = &shop->people[i];
        at += dice_between(&dice, 1, 4);
        p->arrives = at;
        p->limit = dice_between(&dice, 2, 30);
        p->runs = dice_between(&dice, 1, p->limit);
        p->cores = (uint32_t)dice_between(&dice, 1, CORES);
        if (dice_chance(&dice, 200)) /* its inputs take their time */
            p->ready = at + dice_between(&dice, 1, 20);
    }
}

static uint64_t waited(const struct shop *shop)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < shop->count; i++)
        sum += shop->people[i].began - shop->people[i].arrives;
    return sum;
}

static void check_promises(const struct shop *shop)
{
    for (uint32_t i = 0; i < shop->count; i++)
        assert_true(shop->people[i].began <= shop->people[i].promised);
}

/* Never more than there is: room_now's takes would fail. */
static void every_promise_is_kept_and_nobody_is_moved_back(void **state)
{
    struct shop shop;
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        some_people(&shop, LINE_CONSERVATIVE, seed);
        live(&shop);
        check_promises(&shop);
        assert_true(shop.all_hold);
    }
}

static void easy_moves_others_back_but_not_the_first(void **state)
{
    struct shop shop;
    unsigned moved = 0;
    uint64_t sums[2] = {0};
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        some_people(&shop, LINE_CONSERVATIVE, seed);
        live(&shop);
        sums[0] += waited(&shop);
        some_people(&shop, LINE_EASY, seed);
        live(&shop);
        check_promises(&shop);
        assert_true(shop.heads_hold);
        moved += !shop.all_hold;
        sums[1] += waited(&shop);
    }
    assert_true(moved > 0); /* else the test says nothing */
    print_message("%u of 60 moved somebody; waits %llu, %llu ms\n", moved,
                  (unsigned long long)sums[0], (unsigned long long)sums[1]);
}

/* ---- by hand ---- */

static struct line_job want_cores(uint32_t cores, uint64_t lasts,
                                  uint64_t promised)
{
    return (struct line_job){
        .want = {.amounts = {.cpu_milli = cores * 1000}},
        .lasts_ms = lasts,
        .drawn = true,
        .promised_ms = promised,
        .planned_ms = promised,
    };
}

/* So many cores of eight run until then. */
static void room_with(struct room *room, uint32_t cores, uint64_t until)
{
    const struct resources total = {CORES * 1000, 1, 1, 0};
    struct line_job runs = want_cores(cores, 1, 0);
    assert_int_equal(room_init(room, &total, 9, 0, 100, 20), OK);
    if (cores > 0)
        assert_int_equal(room_take(room, &runs.want, 0, 100, until), OK);
}

/* Six run until 110; the first wants all, two behind it want two each: one ends
 * before, one does not. */
static void easy_lets_past_who_does_not_delay_the_first(void **state)
{
    struct room room;
    struct line_job jobs[3] = {want_cores(8, 10, 115), want_cores(2, 11, 130),
                               want_cores(2, 10, 140)};
    (void)state;
    room_with(&room, 6, 110);
    assert_int_equal(line_plan(LINE_EASY, &room, jobs, 3, 100), OK);
    assert_int_equal(jobs[0].planned_ms, 110);
    assert_int_equal(jobs[1].planned_ms, 120);
    assert_int_equal(jobs[2].planned_ms, 100);
    room_done(&room);
}

/* The last in line would fit now and take the second's earlier place; its
 * promise holds all the same. */
static void only_easy_takes_a_place_that_was_not_promised(void **state)
{
    const struct line_job as_were[3] = {
        want_cores(8, 10, 110), want_cores(4, 10, 125), want_cores(2, 9, 135)};
    struct line_job jobs[3];
    struct room room;
    (void)state;
    /* Four run until 110, the first then has all until 120. */
    memcpy(jobs, as_were, sizeof(jobs));
    jobs[1].drawn = false; /* its inputs are not there */
    jobs[1].planned_ms = 101;
    jobs[1].promised_ms = 125;
    jobs[1].lasts_ms = 9;
    jobs[2].want.amounts.cpu_milli = 1000;
    room_with(&room, 4, 110);
    assert_int_equal(line_plan(LINE_CONSERVATIVE, &room, jobs, 3, 100), OK);
    assert_int_equal(jobs[1].planned_ms, 101);
    assert_int_equal(jobs[2].planned_ms, 120);
    room_done(&room);
    memcpy(&jobs[2], &as_were[2], sizeof(jobs[2]));
    room_with(&room, 4, 110);
    assert_int_equal(line_plan(LINE_EASY, &room, jobs, 3, 100), OK);
    assert_int_equal(jobs[0].planned_ms, 110);
    assert_int_equal(jobs[1].planned_ms, 120);
    assert_int_equal(jobs[2].planned_ms, 100);
    room_done(&room);
}

/* Its moment stays what it was promised, for it may never come. */
static void who_is_not_ready_is_not_drawn_forward(void **state)
{
    struct line_job jobs[2] = {want_cores(8, 10, 150), want_cores(8, 10, 160)};
    struct room room;
    (void)state;
    jobs[0].drawn = false;
    jobs[0].not_ready_ms = 155; /* in the room from 150 to 165 */
    jobs[1].planned_ms = jobs[1].promised_ms = 165;
    room_with(&room, 0, 0);
    assert_int_equal(line_plan(LINE_CONSERVATIVE, &room, jobs, 2, 100), OK);
    assert_int_equal(jobs[0].planned_ms, 150);
    assert_int_equal(jobs[1].planned_ms, 100);
    room_done(&room);
    room_with(&room, 0, 0);
    jobs[1].lasts_ms = 60; /* in front of it there is no room for as long */
    jobs[1].planned_ms = 165;
    assert_int_equal(line_plan(LINE_EASY, &room, jobs, 2, 100), OK);
    assert_int_equal(jobs[0].planned_ms, 150);
    assert_int_equal(jobs[1].planned_ms, 165);
    room_done(&room);
}

static void what_runs_over_makes_others_late_in_order(void **state)
{
    struct line_job jobs[2] = {want_cores(8, 10, 105), want_cores(8, 10, 115)};
    struct room room;
    (void)state;
    room_with(&room, 1, 107);
    assert_int_equal(line_plan(LINE_EASY, &room, jobs, 2, 100), OK);
    assert_int_equal(jobs[0].planned_ms, 107);
    assert_int_equal(jobs[1].planned_ms, 117);
    assert_true(jobs[0].late && jobs[1].late);
    room_done(&room);
}

static void who_will_never_have_room_is_told(void **state)
{
    struct line_job jobs[2] = {want_cores(9, 10, 105), want_cores(8, 10, 115)};
    struct room room;
    (void)state;
    room_with(&room, 0, 0);
    assert_int_equal(line_promise(&room, &jobs[0], 100), ERR_CAPACITY);
    assert_int_equal(line_plan(LINE_CONSERVATIVE, &room, jobs, 2, 100), OK);
    assert_int_equal(jobs[0].planned_ms, LINE_NEVER);
    assert_true(jobs[0].late);
    assert_int_equal(jobs[1].planned_ms, 100);
    room_done(&room);
}

static void a_rule_has_a_name(void **state)
{
    enum line_rule rule;
    (void)state;
    for (unsigned i = 0; i <= LINE_CONSERVATIVE; i++) {
        assert_int_equal(
            line_rule_parse(line_rule_text((enum line_rule)i), &rule), OK);
        assert_int_equal(rule, i);
    }
    assert_int_equal(line_rule_parse("fcfs", &rule), ERR_PARSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_promise_is_kept_and_nobody_is_moved_back),
        cmocka_unit_test(easy_moves_others_back_but_not_the_first),
        cmocka_unit_test(easy_lets_past_who_does_not_delay_the_first),
        cmocka_unit_test(only_easy_takes_a_place_that_was_not_promised),
        cmocka_unit_test(who_is_not_ready_is_not_drawn_forward),
        cmocka_unit_test(what_runs_over_makes_others_late_in_order),
        cmocka_unit_test(who_will_never_have_room_is_told),
        cmocka_unit_test(a_rule_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
