#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/dice.h"
#include "sched/queue/backfill.h"

#define JOBS 24
#define IDLE UINT64_MAX

/* A job as the test knows it, and what became of it. */
struct task {
    uint64_t arrive;
    struct portion want;
    uint64_t limit;
    uint64_t run; /* at most its limit */
    uint32_t ticket;
    uint64_t start; /* IDLE: not yet */
    uint64_t promise;
};

struct world {
    struct portion total;
    struct task tasks[JOBS];
    uint32_t count;
};

static void one(struct world *world, uint64_t arrive, uint64_t units,
                uint64_t limit, uint64_t run)
{
    world->tasks[world->count++] = (struct task){
        .arrive = arrive, .want = {units, 0}, .limit = limit, .run = run};
}

/* ---- the queue, told ---- */

static bool is_running(const struct task *task, uint64_t t)
{
    return task->start <= t && t < task->start + task->run;
}

static void check_used(const struct world *world, uint64_t t)
{
    struct portion used = {0};
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->tasks[i].start == IDLE || !is_running(&world->tasks[i], t))
            continue;
        used.units += world->tasks[i].want.units;
        used.mem_mib += world->tasks[i].want.mem_mib;
    }
    assert_true(portion_covers(&world->total, &used));
}

/* Promises are kept and never get later. */
static void check_promises(struct world *world, const struct backfill *queue,
                           uint64_t t)
{
    for (uint32_t i = 0; i < world->count; i++) {
        struct task *task = &world->tasks[i];
        uint64_t promise;
        if (task->arrive > t || task->start < t)
            continue;
        if (task->start == t) {
            assert_true(t <= task->promise);
            continue;
        }
        assert_int_equal(backfill_promise(queue, task->ticket, &promise), OK);
        assert_true(promise <= task->promise);
        task->promise = promise;
    }
}

static void tell(struct world *world, struct backfill *queue, uint64_t t)
{
    for (uint32_t i = 0; i < world->count; i++) {
        struct task *task = &world->tasks[i];
        if (task->start != IDLE && task->start + task->run == t)
            assert_int_equal(backfill_end(queue, task->ticket, t), OK);
    }
    for (uint32_t i = 0; i < world->count; i++) {
        struct task *task = &world->tasks[i];
        const struct backfill_job job = {task->want, task->limit};
        if (task->arrive == t)
            assert_int_equal(backfill_arrive(queue, &job, t, &task->ticket),
                             OK);
    }
}

static void begin(struct world *world, uint32_t ticket, uint64_t t)
{
    for (uint32_t i = 0; i < world->count; i++) {
        struct task *task = &world->tasks[i];
        if (task->arrive <= t && task->start == IDLE &&
            task->ticket == ticket) {
            task->start = t;
            return;
        }
    }
    fail_msg("ticket %u does not wait", ticket);
}

static void live(struct world *world, enum backfill_rule rule)
{
    struct backfill *queue = NULL;
    uint32_t left = world->count;
    assert_int_equal(backfill_new(rule, &world->total, 0, JOBS, &queue), OK);
    for (uint32_t i = 0; i < world->count; i++) {
        world->tasks[i].start = IDLE;
        world->tasks[i].promise = IDLE;
    }
    for (uint64_t t = 0; left > 0; t++) {
        struct backfill_answer answer;
        assert_true(t < 5000);
        tell(world, queue, t);
        assert_int_equal(backfill_decide(queue, t, &answer), OK);
        assert_true(answer.wake_ms > t);
        for (uint32_t i = 0; i < answer.start_count; i++)
            begin(world, answer.starts[i], t);
        left -= answer.start_count;
        check_used(world, t);
        check_promises(world, queue, t);
    }
    backfill_free(queue);
}

/* ---- examples ---- */

/* Ten units: 6 run for 10, the head wants 8. */
static struct world blocked(void)
{
    struct world world = {.total = {10, 1000}};
    one(&world, 0, 6, 10, 10);
    one(&world, 1, 8, 10, 10);
    return world;
}

static void who_ends_before_the_head_starts_goes_first(void **state)
{
    struct world world = blocked();
    (void)state;
    one(&world, 2, 4, 8, 8); /* 2 to 10: just in time */
    live(&world, BACKFILL_FCFS);
    assert_int_equal(world.tasks[1].start, 10);
    assert_int_equal(world.tasks[2].start, 20);
    live(&world, BACKFILL_EASY);
    assert_int_equal(world.tasks[1].start, 10);
    assert_int_equal(world.tasks[2].start, 2);
    world.tasks[2].limit = 9; /* it might end too late */
    live(&world, BACKFILL_EASY);
    assert_int_equal(world.tasks[1].start, 10);
    assert_int_equal(world.tasks[2].start, 20);
}

static void who_wants_only_what_the_head_leaves_goes_first(void **state)
{
    struct world world = blocked();
    (void)state;
    one(&world, 2, 2, 500, 500); /* 8 and 2 fit */
    one(&world, 3, 1, 500, 500); /* not with them */
    live(&world, BACKFILL_EASY);
    assert_int_equal(world.tasks[1].start, 10);
    assert_int_equal(world.tasks[2].start, 2);
    assert_int_equal(world.tasks[3].start, 20);
}

/* Only the head is safe from being overtaken by easy. */
static void easy_delays_the_second_and_conservative_does_not(void **state)
{
    struct world world = blocked();
    (void)state;
    one(&world, 1, 10, 5, 5);  /* second: at 20 when all goes in order */
    one(&world, 2, 2, 40, 40); /* leaves the head alone, not the second */
    live(&world, BACKFILL_EASY);
    assert_int_equal(world.tasks[1].start, 10);
    assert_int_equal(world.tasks[2].start, 42);
    assert_int_equal(world.tasks[3].start, 2);
    live(&world, BACKFILL_CONSERVATIVE);
    assert_int_equal(world.tasks[1].start, 10);
    assert_int_equal(world.tasks[2].start, 20);
    assert_int_equal(world.tasks[3].start, 25);
}

static void who_ends_early_lets_the_others_go_earlier(void **state)
{
    struct world world = blocked();
    (void)state;
    world.tasks[0].run = 4;
    for (size_t i = 0; backfill_rule_nth(i) != 0; i++) {
        live(&world, backfill_rule_nth(i));
        assert_int_equal(world.tasks[1].start, 4);
    }
}

static void the_shortest_goes_first(void **state)
{
    struct world world = blocked();
    (void)state;
    one(&world, 2, 9, 3, 3);
    one(&world, 3, 9, 1, 1);
    live(&world, BACKFILL_SJF);
    assert_int_equal(world.tasks[3].start, 10);
    assert_int_equal(world.tasks[2].start, 11);
    assert_int_equal(world.tasks[1].start, 14);
}

static void memory_is_reserved_as_units_are(void **state)
{
    struct world world = {.total = {10, 100}};
    (void)state;
    one(&world, 0, 1, 10, 10);
    one(&world, 0, 1, 10, 10);
    one(&world, 1, 1, 9, 9);
    one(&world, 1, 1, 10, 10);
    world.tasks[0].want.mem_mib = 60;
    world.tasks[1].want.mem_mib = 80; /* the head, at 10 */
    world.tasks[2].want.mem_mib = 40; /* 1 to 10 */
    world.tasks[3].want.mem_mib = 0;  /* no matter to anybody */
    live(&world, BACKFILL_EASY);
    assert_int_equal(world.tasks[1].start, 10);
    assert_int_equal(world.tasks[2].start, 1);
    assert_int_equal(world.tasks[3].start, 1);
}

/* ---- against plain algorithms ---- */

static struct world any_world(struct dice *dice, bool exact)
{
    struct world world = {.total = {dice_between(dice, 3, 12), 0}};
    uint64_t t = 0;
    uint32_t count = (uint32_t)dice_between(dice, 1, JOBS);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t limit = dice_between(dice, 1, 25);
        t += dice_below(dice, 7);
        one(&world, t, dice_between(dice, 1, world.total.units), limit,
            exact ? limit : dice_between(dice, 1, limit));
    }
    return world;
}

static uint64_t used_at(const struct world *world, uint64_t t)
{
    uint64_t used = 0;
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->tasks[i].start != IDLE && is_running(&world->tasks[i], t))
            used += world->tasks[i].want.units;
    }
    return used;
}

static bool fits_plainly(const struct world *world, const struct task *task,
                         uint64_t t)
{
    return used_at(world, t) + task->want.units <= world->total.units;
}

static void expect_same(const struct world *here, const struct world *plain,
                        uint64_t seed)
{
    for (uint32_t i = 0; i < here->count; i++) {
        if (here->tasks[i].start != plain->tasks[i].start)
            fail_msg("seed %u: job %u starts at %u, plainly at %u",
                     (unsigned)seed, i, (unsigned)here->tasks[i].start,
                     (unsigned)plain->tasks[i].start);
    }
}

static void forget(struct world *world)
{
    for (uint32_t i = 0; i < world->count; i++)
        world->tasks[i].start = IDLE;
}

static void fcfs_is_one_after_the_other(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct world here, plain;
        uint64_t t = 0;
        struct dice dice;
        dice_init(&dice, seed);
        here = any_world(&dice, false);
        plain = here;
        forget(&plain);
        for (uint32_t i = 0; i < plain.count; i++) {
            if (t < plain.tasks[i].arrive)
                t = plain.tasks[i].arrive;
            while (!fits_plainly(&plain, &plain.tasks[i], t))
                t++;
            plain.tasks[i].start = t;
        }
        live(&here, BACKFILL_FCFS);
        expect_same(&here, &plain, seed);
    }
}

static void exact_conservative_is_the_first_hole_in_order(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct world here, plain;
        struct dice dice;
        dice_init(&dice, seed);
        here = any_world(&dice, true);
        plain = here;
        forget(&plain);
        for (uint32_t i = 0; i < plain.count; i++) {
            struct task *task = &plain.tasks[i];
            uint64_t at = task->arrive;
            for (uint64_t t = at; t < at + task->run; t++) {
                if (!fits_plainly(&plain, task, t))
                    at = t + 1;
            }
            task->start = at;
        }
        live(&here, BACKFILL_CONSERVATIVE);
        expect_same(&here, &plain, seed);
    }
}

/* The textbook's: the shadow time of the head and the units it leaves then. */
struct shadow {
    uint64_t at;
    uint64_t extra;
};

static uint64_t limited_at(const struct world *world, uint64_t t)
{
    uint64_t used = 0;
    for (uint32_t i = 0; i < world->count; i++) {
        const struct task *task = &world->tasks[i];
        if (task->start != IDLE && t < task->start + task->limit)
            used += task->want.units;
    }
    return used;
}

static struct shadow shadow_of(struct world *world, const struct task *head,
                               uint64_t now)
{
    struct world known = *world;
    struct shadow shadow = {.at = now};
    for (uint32_t i = 0; i < known.count; i++) {
        struct task *task = &known.tasks[i];
        if (task->start != IDLE && task->start + task->run <= now)
            task->start = IDLE; /* over, maybe early */
    }
    while (limited_at(&known, shadow.at) + head->want.units > known.total.units)
        shadow.at++;
    shadow.extra =
        known.total.units - head->want.units - limited_at(&known, shadow.at);
    return shadow;
}

static void easy_plainly_at(struct world *world, uint64_t t)
{
    struct task *head = NULL;
    for (uint32_t i = 0; i < world->count; i++) {
        struct task *task = &world->tasks[i];
        struct shadow shadow;
        if (task->arrive > t || task->start != IDLE)
            continue;
        if (head == NULL && fits_plainly(world, task, t)) {
            task->start = t;
        } else if (head == NULL) {
            head = task;
        } else if (fits_plainly(world, task, t)) {
            shadow = shadow_of(world, head, t);
            if (t + task->limit <= shadow.at ||
                task->want.units <= shadow.extra)
                task->start = t;
        }
    }
}

static void easy_is_the_textbook(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 600; seed++) {
        struct world here, plain;
        struct dice dice;
        dice_init(&dice, seed);
        here = any_world(&dice, seed % 3 == 0);
        plain = here;
        forget(&plain);
        live(&here, BACKFILL_EASY);
        for (uint64_t t = 0; t < 1000; t++)
            easy_plainly_at(&plain, t);
        expect_same(&here, &plain, seed);
    }
}

static void sjf_is_the_shortest_that_waits(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct world here, plain;
        struct dice dice;
        dice_init(&dice, seed);
        here = any_world(&dice, false);
        plain = here;
        forget(&plain);
        for (uint64_t t = 0; t < 1000;) {
            struct task *best = NULL;
            for (uint32_t i = 0; i < plain.count; i++) {
                struct task *task = &plain.tasks[i];
                if (task->arrive <= t && task->start == IDLE &&
                    (best == NULL || task->limit < best->limit))
                    best = task;
            }
            if (best != NULL && fits_plainly(&plain, best, t))
                best->start = t;
            else
                t++;
        }
        live(&here, BACKFILL_SJF);
        expect_same(&here, &plain, seed);
    }
}

/* live() checks every promise at every moment; here limits are wrong. */
static void promises_hold_whatever_comes(void **state)
{
    (void)state;
    for (uint64_t seed = 1000; seed < 1600; seed++) {
        struct dice dice;
        struct world world;
        dice_init(&dice, seed);
        world = any_world(&dice, false);
        world.total.mem_mib = 50;
        for (uint32_t i = 0; i < world.count; i++)
            world.tasks[i].want.mem_mib = dice_below(&dice, 51);
        for (size_t i = 0; backfill_rule_nth(i) != 0; i++)
            live(&world, backfill_rule_nth(i));
    }
}

/* ---- refusals ---- */

static void what_cannot_be_is_refused(void **state)
{
    const struct portion total = {4, 4};
    const struct portion none = {0, 0};
    struct backfill_job job = {{2, 2}, 10};
    struct backfill_answer answer;
    struct backfill *queue = NULL;
    uint32_t ticket = 77;
    uint64_t at;
    (void)state;
    assert_int_equal(backfill_new(BACKFILL_EASY, &none, 0, 3, &queue),
                     ERR_RANGE);
    assert_int_equal(backfill_new(BACKFILL_EASY, &total, 0, 0, &queue),
                     ERR_RANGE);
    assert_int_equal(backfill_new(BACKFILL_EASY, &total, 50, 3, &queue), OK);
    assert_int_equal(backfill_arrive(queue, &job, 49, &ticket), ERR_RANGE);
    job.limit_ms = 0;
    assert_int_equal(backfill_arrive(queue, &job, 50, &ticket), ERR_RANGE);
    job = (struct backfill_job){{0, 0}, 10};
    assert_int_equal(backfill_arrive(queue, &job, 50, &ticket), ERR_RANGE);
    job = (struct backfill_job){{1, 5}, 10};
    assert_int_equal(backfill_arrive(queue, &job, 50, &ticket), ERR_CAPACITY);
    assert_int_equal(ticket, 77);
    job = (struct backfill_job){{3, 1}, 10};
    for (int i = 0; i < 3; i++)
        assert_int_equal(backfill_arrive(queue, &job, 50, &ticket), OK);
    assert_int_equal(backfill_arrive(queue, &job, 50, &ticket), ERR_TOO_LARGE);
    assert_int_equal(backfill_decide(queue, 50, &answer), OK);
    assert_int_equal(answer.start_count, 1);
    assert_int_equal(answer.wake_ms, 60);
    assert_int_equal(backfill_promise(queue, answer.starts[0], &at),
                     ERR_NOT_FOUND);
    assert_int_equal(backfill_end(queue, 3, 55), ERR_NOT_FOUND);
    assert_int_equal(backfill_decide(queue, 60, &answer),
                     ERR_RANGE); /* it should have ended */
    assert_int_equal(backfill_end(queue, 0, 61), ERR_RANGE);
    assert_int_equal(backfill_end(queue, 0, 60), OK);
    assert_int_equal(backfill_end(queue, 0, 60), ERR_NOT_FOUND);
    assert_int_equal(backfill_decide(queue, 60, &answer), OK);
    assert_int_equal(answer.start_count, 1);
    backfill_free(queue);
    backfill_free(NULL);
}

static void who_waits_can_be_withdrawn(void **state)
{
    (void)state;
    for (size_t i = 0; backfill_rule_nth(i) != 0; i++) {
        const struct portion total = {4, 0};
        const struct backfill_job job = {{3, 0}, 10};
        struct backfill_answer answer;
        struct backfill *queue = NULL;
        uint32_t tickets[3], first;
        assert_int_equal(
            backfill_new(backfill_rule_nth(i), &total, 0, 9, &queue), OK);
        for (int k = 0; k < 3; k++)
            assert_int_equal(backfill_arrive(queue, &job, 0, &tickets[k]), OK);
        assert_int_equal(backfill_decide(queue, 0, &answer), OK);
        assert_int_equal(backfill_end(queue, tickets[1], 5), OK);
        assert_int_equal(backfill_waiting(queue), 1);
        assert_int_equal(backfill_nth(queue, 0, &first), OK);
        assert_int_equal(first, tickets[2]);
        assert_int_equal(backfill_nth(queue, 1, &first), ERR_NOT_FOUND);
        assert_int_equal(backfill_decide(queue, 5, &answer), OK);
        assert_int_equal(answer.start_count, 0);
        assert_int_equal(backfill_end(queue, tickets[0], 10), OK);
        assert_int_equal(backfill_decide(queue, 10, &answer), OK);
        assert_int_equal(answer.start_count, 1);
        assert_int_equal(answer.starts[0], tickets[2]);
        backfill_free(queue);
    }
}

/* What never ends promises nothing to anybody. */
static void a_job_without_end_is_lived_with(void **state)
{
    (void)state;
    for (size_t i = 0; backfill_rule_nth(i) != 0; i++) {
        const struct portion total = {4, 0};
        const struct backfill_job endless = {{3, 0}, PROFILE_NEVER};
        const struct backfill_job job = {{2, 0}, 10};
        struct backfill_answer answer;
        struct backfill *queue = NULL;
        uint32_t ticket, first;
        assert_int_equal(
            backfill_new(backfill_rule_nth(i), &total, 0, 9, &queue), OK);
        assert_int_equal(backfill_arrive(queue, &endless, 0, &first), OK);
        assert_int_equal(backfill_decide(queue, 0, &answer), OK);
        assert_int_equal(backfill_arrive(queue, &job, 1, &ticket), OK);
        assert_int_equal(backfill_decide(queue, 1, &answer), OK);
        assert_int_equal(answer.start_count, 0);
        assert_int_equal(answer.wake_ms, PROFILE_NEVER);
        assert_int_equal(backfill_end(queue, first, 1000), OK);
        assert_int_equal(backfill_decide(queue, 1000, &answer), OK);
        assert_int_equal(answer.start_count, 1);
        backfill_free(queue);
    }
}

static void rules_have_names(void **state)
{
    enum backfill_rule rule = BACKFILL_SJF;
    (void)state;
    for (size_t i = 0; backfill_rule_nth(i) != 0; i++) {
        const char *name = backfill_rule_text(backfill_rule_nth(i));
        assert_int_equal(backfill_rule_parse(name, &rule), OK);
        assert_int_equal(rule, backfill_rule_nth(i));
    }
    assert_int_equal(backfill_rule_parse("lifo", &rule), ERR_PARSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_ends_before_the_head_starts_goes_first),
        cmocka_unit_test(who_wants_only_what_the_head_leaves_goes_first),
        cmocka_unit_test(easy_delays_the_second_and_conservative_does_not),
        cmocka_unit_test(who_ends_early_lets_the_others_go_earlier),
        cmocka_unit_test(the_shortest_goes_first),
        cmocka_unit_test(memory_is_reserved_as_units_are),
        cmocka_unit_test(fcfs_is_one_after_the_other),
        cmocka_unit_test(exact_conservative_is_the_first_hole_in_order),
        cmocka_unit_test(easy_is_the_textbook),
        cmocka_unit_test(sjf_is_the_shortest_that_waits),
        cmocka_unit_test(promises_hold_whatever_comes),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(who_waits_can_be_withdrawn),
        cmocka_unit_test(a_job_without_end_is_lived_with),
        cmocka_unit_test(rules_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
