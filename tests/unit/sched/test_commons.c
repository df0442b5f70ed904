#include "sched/agents/commons.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/sched/agents_sim.h"

static struct commons commons;
static struct commons_answer answer;

static void open_commons(uint32_t offers, uint32_t cores,
                         enum commons_rule rule)
{
    struct machine machines[32];
    struct commons_config config = {machines, offers, 30, 60, rule, 100, {1}};
    for (uint32_t i = 0; i < offers; i++)
        machines[i] = sample_machine(cores, 0, 0);
    assert_int_equal(commons_init(&commons, &config), OK);
}

static int clear(void **state)
{
    (void)state;
    commons_done(&commons);
    return 0;
}

static struct commons_message message(enum commons_say say, uint8_t job,
                                      uint32_t offer, uint32_t cores)
{
    return (struct commons_message){.say = say,
                                    .job = {{job}},
                                    .attempt = 1,
                                    .parts = 1,
                                    .version = commons_version(&commons, offer),
                                    .grant = {offer, 0},
                                    .ask = sample_whole(cores, 0)};
}

static enum err hear(const struct commons_message *m, uint64_t now_ms)
{
    commons_hear(&commons, m, now_ms, &answer);
    assert_true(commons_holds_up(&commons));
    return answer.err;
}

static uint32_t free_cores(uint32_t offer)
{
    return commons.fleet.machines[offer].free.cpu_milli / 1000;
}

static void a_commit_takes_and_an_end_gives_back(void **state)
{
    struct commons_message m;
    struct commons_message end;
    (void)state;
    open_commons(1, 4, COMMONS_BY_VERSION);
    m = message(COMMONS_COMMIT, 7, 0, 3);
    end = message(COMMONS_END, 7, 0, 0);
    assert_int_equal(hear(&end, 0), ERR_NOT_FOUND);
    assert_int_equal(hear(&m, 0), OK);
    assert_int_equal(answer.version, commons_version(&commons, 0));
    assert_int_equal(free_cores(0), 1);
    assert_int_equal(hear(&m, 0), ERR_EXISTS);
    assert_int_equal(hear(&end, 5), OK);
    assert_int_equal(free_cores(0), 4);
}

static void an_offer_that_changed_since_it_was_seen_is_refused(void **state)
{
    struct commons_message a;
    struct commons_message b;
    (void)state;
    open_commons(1, 4, COMMONS_BY_VERSION);
    a = message(COMMONS_COMMIT, 1, 0, 1);
    b = message(COMMONS_COMMIT, 2, 0, 1);
    assert_int_equal(hear(&a, 0), OK);
    assert_int_equal(hear(&b, 0), ERR_OFFER_OLD);
    b.version = answer.version;
    assert_int_equal(hear(&b, 0), OK);
}

static void by_room_only_what_does_not_fit_is_refused(void **state)
{
    struct commons_message m;
    (void)state;
    open_commons(1, 4, COMMONS_BY_ROOM);
    m = message(COMMONS_COMMIT, 1, 0, 2);
    assert_int_equal(hear(&m, 0), OK);
    m.job.b[0] = 2; /* seen as it was */
    assert_int_equal(hear(&m, 0), OK);
    m.job.b[0] = 3;
    assert_int_equal(hear(&m, 0), ERR_CAPACITY);
}

static struct commons_message part(uint8_t job, uint32_t n, uint32_t offer)
{
    struct commons_message m = message(COMMONS_RESERVE, job, offer, 2);
    m.parts = 2;
    m.part = n;
    return m;
}

static void a_job_of_several_parts_is_reserved_then_confirmed(void **state)
{
    struct commons_message m;
    struct commons_message confirm;
    uint32_t placed = 9;
    uint32_t reserved = 9;
    (void)state;
    open_commons(3, 4, COMMONS_BY_VERSION);
    confirm = message(COMMONS_CONFIRM, 1, 0, 0);
    confirm.parts = 2;
    m = part(1, 0, 0);
    assert_int_equal(hear(&m, 0), OK);
    assert_int_equal(hear(&confirm, 1), ERR_EXPIRED); /* one is missing */
    m = part(1, 1, 2);
    assert_int_equal(hear(&m, 2), OK);
    commons_count(&commons, &placed, &reserved);
    assert_int_equal(placed, 0);
    assert_int_equal(reserved, 1);
    assert_int_equal(hear(&confirm, 99), OK);
    assert_int_equal(hear(&confirm, 99), ERR_EXISTS);
    assert_int_equal(hear(&confirm, 1000), ERR_EXISTS); /* does not lapse */
    assert_int_equal(free_cores(0), 2);
    assert_int_equal(free_cores(2), 2);
}

static void what_is_not_confirmed_lapses_as_a_whole(void **state)
{
    struct commons_message m;
    struct commons_message confirm;
    (void)state;
    open_commons(2, 4, COMMONS_BY_VERSION);
    confirm = message(COMMONS_CONFIRM, 1, 0, 0);
    confirm.parts = 2;
    m = part(1, 0, 0);
    assert_int_equal(hear(&m, 0), OK);
    m = part(1, 1, 1);
    assert_int_equal(hear(&m, 99), OK);
    assert_int_equal(hear(&confirm, 100), ERR_EXPIRED);
    assert_int_equal(free_cores(0), 4);
    assert_int_equal(free_cores(1), 4);
    assert_int_equal(hear(&m, 100), ERR_EXPIRED); /* its first part is gone */
}

static void parts_come_in_the_order_of_offers(void **state)
{
    struct commons_message m;
    (void)state;
    open_commons(3, 4, COMMONS_BY_VERSION);
    m = part(1, 0, 1);
    assert_int_equal(hear(&m, 0), OK);
    m = part(1, 1, 0);
    assert_int_equal(hear(&m, 0), ERR_STATE);
    m = part(1, 0, 2);
    assert_int_equal(hear(&m, 0), ERR_STATE); /* it has that part */
    m = part(1, 1, 1);
    assert_int_equal(hear(&m, 0), OK); /* both on one offer */
}

static void a_newer_attempt_replaces_an_older_one(void **state)
{
    struct commons_message m;
    (void)state;
    open_commons(2, 4, COMMONS_BY_VERSION);
    m = part(1, 0, 0);
    assert_int_equal(hear(&m, 0), OK);
    m = part(1, 0, 1);
    m.attempt = 2;
    assert_int_equal(hear(&m, 0), OK);
    assert_int_equal(free_cores(0), 4);
    m = part(1, 1, 1);
    assert_int_equal(hear(&m, 0), ERR_TOO_LATE);
    m = message(COMMONS_RELEASE, 1, 0, 0); /* the older lets go: nothing */
    assert_int_equal(hear(&m, 0), OK);
    assert_int_equal(free_cores(1), 2);
    m.attempt = 2;
    assert_int_equal(hear(&m, 0), OK);
    assert_int_equal(free_cores(1), 4);
    /* A confirmation of the older places nothing of the newer. */
    for (uint32_t n = 0; n < 2; n++) {
        m = part(1, n, n);
        m.attempt = 3;
        assert_int_equal(hear(&m, 0), OK);
    }
    m = message(COMMONS_CONFIRM, 1, 0, 0);
    m.parts = 2;
    m.attempt = 2;
    assert_int_equal(hear(&m, 0), ERR_EXPIRED);
    m.attempt = 3;
    assert_int_equal(hear(&m, 0), OK);
}

static void nonsense_is_refused(void **state)
{
    struct commons_message m;
    (void)state;
    open_commons(2, 4, COMMONS_BY_VERSION);
    m = message(COMMONS_COMMIT, 1, 0, 1);
    m.grant.machine = 2;
    assert_int_equal(hear(&m, 0), ERR_RANGE);
    m = message(COMMONS_COMMIT, 1, 0, 1);
    m.parts = 2;
    assert_int_equal(hear(&m, 0), ERR_RANGE);
    m = part(1, 0, 0);
    m.parts = COMMONS_PARTS_MAX + 1;
    assert_int_equal(hear(&m, 0), ERR_RANGE);
    m = message(COMMONS_COMMIT, 1, 0, 1);
    m.grant.devices = 1; /* it has none */
    assert_int_equal(hear(&m, 0), ERR_CAPACITY);
    m.say = (enum commons_say)9;
    assert_int_equal(hear(&m, 0), ERR_RANGE);
}

static void more_jobs_than_it_can_note_are_refused(void **state)
{
    struct commons_message m;
    (void)state;
    open_commons(1, 40, COMMONS_BY_ROOM);
    for (uint8_t i = 0; i < 30; i++) {
        m = message(COMMONS_COMMIT, i, 0, 1);
        assert_int_equal(hear(&m, 0), OK);
    }
    m = message(COMMONS_COMMIT, 30, 0, 1);
    assert_int_equal(hear(&m, 0), ERR_BUSY);
    commons_clear(&commons);
    assert_int_equal(free_cores(0), 40);
    m = message(COMMONS_COMMIT, 30, 0, 1);
    assert_int_equal(hear(&m, 0), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_commit_takes_and_an_end_gives_back, clear),
        cmocka_unit_test_teardown(
            an_offer_that_changed_since_it_was_seen_is_refused, clear),
        cmocka_unit_test_teardown(by_room_only_what_does_not_fit_is_refused,
                                  clear),
        cmocka_unit_test_teardown(
            a_job_of_several_parts_is_reserved_then_confirmed, clear),
        cmocka_unit_test_teardown(what_is_not_confirmed_lapses_as_a_whole,
                                  clear),
        cmocka_unit_test_teardown(parts_come_in_the_order_of_offers, clear),
        cmocka_unit_test_teardown(a_newer_attempt_replaces_an_older_one, clear),
        cmocka_unit_test_teardown(nonsense_is_refused, clear),
        cmocka_unit_test_teardown(more_jobs_than_it_can_note_are_refused,
                                  clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
