#include "market/standing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE 60000u

static const struct pubkey self = {{0xa0}};
static const struct pubkey stranger = {{0xa1}};

static struct pubkey provider_k(uint32_t k)
{
    struct pubkey key = {{(uint8_t)k, (uint8_t)(k >> 8), 0x77}};
    return key;
}

static struct contract ended(uint32_t k, enum end_reason reason,
                             const struct pubkey *agent)
{
    return (struct contract){.state = CONTRACT_SETTLED,
                             .buyer = {{0xb0}},
                             .agent = *agent,
                             .provider = provider_k(k),
                             .payout = provider_k(k),
                             .time_ms_max = MINUTE,
                             .reason = reason};
}

static struct standings *make(uint32_t max)
{
    const struct standings_config config = {
        .self = self, .max = max, .key = {2, 7, 1}};
    struct standings *s = NULL;
    assert_int_equal(standings_new(&config, &s), OK);
    return s;
}

static void note(struct standings *s, uint32_t k, enum end_reason reason,
                 const struct pubkey *agent)
{
    struct contract c = ended(k, reason, agent);
    assert_int_equal(standings_note(s, &c), OK);
}

static void every_reason_says_what_it_says(void **state)
{
    static const struct {
        enum end_reason reason;
        enum standing_word own;
        enum standing_word of_others;
    } rows[] = {
        {END_DONE, STANDING_SERVED, STANDING_SERVED},
        {END_JOB_FAILED, STANDING_SERVED, STANDING_SERVED},
        {END_TIME_LIMIT, STANDING_SERVED, STANDING_SERVED},
        {END_PROVIDER_REFUSED, STANDING_FAILED, STANDING_NOTHING},
        {END_EXECUTOR_FAILED, STANDING_FAILED, STANDING_NOTHING},
        {END_PROVIDER_LOST, STANDING_FAILED, STANDING_FAILED},
        {END_RESULT_MISSING, STANDING_FAILED, STANDING_FAILED},
        {END_STAGING_FAILED, STANDING_FAILED, STANDING_NOTHING},
        {END_NOT_STARTED, STANDING_FAILED, STANDING_NOTHING},
        {END_GIVEN_UP, STANDING_FAILED, STANDING_NOTHING},
        {END_BUYER_CANCELLED, STANDING_NOTHING, STANDING_NOTHING},
        {END_BUYER_LOST, STANDING_NOTHING, STANDING_NOTHING},
        {END_NONE, STANDING_NOTHING, STANDING_NOTHING},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct contract c = ended(1, rows[i].reason, &self);
        assert_int_equal(standing_of(&c, true), rows[i].own);
        assert_int_equal(standing_of(&c, false), rows[i].of_others);
        c.state = CONTRACT_DELIVERED;
        assert_int_equal(standing_of(&c, true), STANDING_NOTHING);
    }
}

static void who_refuses_when_it_costs_has_failed_everybody(void **state)
{
    struct contract c = ended(1, END_PROVIDER_REFUSED, &stranger);
    (void)state;
    c.opened_at_ms = 1000;
    c.start_by_ms = 10 * CONTRACT_REFUSE_FREE_MS;
    c.settled_at_ms = c.opened_at_ms + CONTRACT_REFUSE_FREE_MS;
    assert_int_equal(standing_of(&c, false), STANDING_NOTHING);
    c.settled_at_ms++;
    assert_int_equal(standing_of(&c, false), STANDING_FAILED);
    c.reason = END_EXECUTOR_FAILED;
    assert_int_equal(standing_of(&c, false), STANDING_FAILED);
    c.start_by_ms = 5000;
    c.settled_at_ms = 5000;
    assert_int_equal(standing_of(&c, false), STANDING_NOTHING);
    c.settled_at_ms = 5001;
    assert_int_equal(standing_of(&c, false), STANDING_FAILED);
}

static void what_a_provider_buys_from_itself_says_nothing(void **state)
{
    struct contract c = ended(1, END_DONE, &stranger);
    (void)state;
    c.buyer = c.provider;
    assert_int_equal(standing_of(&c, false), STANDING_NOTHING);
    c = ended(1, END_DONE, &stranger);
    c.payout = c.buyer;
    assert_int_equal(standing_of(&c, false), STANDING_NOTHING);
    c = ended(1, END_DONE, &stranger);
    c.agent = c.provider;
    assert_int_equal(standing_of(&c, false), STANDING_NOTHING);
}

static void own_contracts_and_those_of_others_are_kept_apart(void **state)
{
    struct standings *s = make(10);
    struct pubkey one = provider_k(1);
    struct pubkey two = provider_k(2);
    const struct reliability *r;
    (void)state;
    note(s, 1, END_DONE, &self);
    note(s, 1, END_DONE, &stranger);
    note(s, 1, END_DONE, &stranger);
    note(s, 1, END_PROVIDER_LOST, &stranger);
    note(s, 1, END_GIVEN_UP, &stranger);
    r = standings_get(s, &one);
    assert_non_null(r);
    assert_int_equal(r->own[0], 1);
    assert_int_equal(r->heard[0], 2);
    assert_int_equal(r->heard_failed, 1);
    assert_int_equal(r->failed, 0);
    assert_null(standings_get(s, &two));
    note(s, 2, END_BUYER_CANCELLED, &self);
    assert_null(standings_get(s, &two));
    standings_free(s);
}

static void a_forger_is_remembered_when_all_is_told_again(void **state)
{
    struct standings *s = make(10);
    struct pubkey one = provider_k(1);
    (void)state;
    assert_int_equal(standings_forged(s, &one, false), OK);
    assert_null(standings_get(s, &one));
    note(s, 1, END_DONE, &self);
    assert_int_equal(standings_forged(s, &one, true), OK);
    standings_clear(s);
    assert_true(standings_get(s, &one)->forged);
    assert_int_equal(standings_get(s, &one)->own[0], 0);
    assert_int_equal(standings_forged(s, &one, false), OK);
    assert_false(standings_get(s, &one)->forged);
    standings_free(s);
}

static void a_full_table_keeps_whom_it_hears_of(void **state)
{
    struct standings *s = make(32);
    struct pubkey often = provider_k(7);
    struct pubkey provider;
    struct reliability r;
    uint32_t cursor = 0;
    uint32_t seen = 0;
    (void)state;
    for (uint32_t k = 100; k < 1100; k++) {
        note(s, k, END_DONE, &stranger);
        note(s, 7, END_DONE, &self);
    }
    assert_int_equal(standings_count(s), 32);
    assert_non_null(standings_get(s, &often));
    assert_true(standings_get(s, &often)->own[0] > 400);
    while (standings_next(s, &cursor, &provider, &r)) {
        const struct reliability *found = standings_get(s, &provider);
        assert_non_null(found);
        assert_memory_equal(found, &r, sizeof(r));
        seen++;
    }
    assert_int_equal(seen, 32);
    standings_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_says_what_it_says),
        cmocka_unit_test(who_refuses_when_it_costs_has_failed_everybody),
        cmocka_unit_test(what_a_provider_buys_from_itself_says_nothing),
        cmocka_unit_test(own_contracts_and_those_of_others_are_kept_apart),
        cmocka_unit_test(a_forger_is_remembered_when_all_is_told_again),
        cmocka_unit_test(a_full_table_keeps_whom_it_hears_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
