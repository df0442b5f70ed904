/* The buyer over restarts: records, what goes on, drafts, and foreign bytes.
 * Its work is in test_buy_place.c, test_buy_run.c and test_buy_end.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/desk_rig.h"

static void (*const every_way[])(struct desk *) = {
    to_waiting,  to_holding,  to_quoted,     to_opening,
    to_staging,  to_running,  to_publishing, to_delivered,
    to_settling, to_expiring, to_done};
#define WAYS    (sizeof(every_way) / sizeof(every_way[0]))
#define OPENING 3u /* the first that is on its way to the chain */

static void every_state_from_opening_on_survives_a_restart(void **state)
{
    struct desk *desk = *state;
    for (size_t i = OPENING; i < WAYS; i++) {
        struct buy_task before;
        struct buy_task after;
        every_way[i](desk);
        before = *task_of(desk, 0);
        restart(desk);
        after = *task_of(desk, 0);
        assert_int_equal(before.state, after.state);
        assert_int_equal(before.attempt, after.attempt);
        assert_true(hash_equal(&before.contract, &after.contract));
        assert_true(pubkey_equal(&before.provider, &after.provider));
        assert_memory_equal(before.at_ms, after.at_ms, sizeof(before.at_ms));
        assert_int_equal(before.paid.micro, after.paid.micro);
        assert_int_equal(before.fetched, after.fetched);
        assert_string_equal(job_of(desk)->name, "job");
        desk = next_desk(state);
    }
}

static void what_was_under_way_goes_on_after_a_restart(void **state)
{
    static const struct {
        void (*way)(struct desk *);
        enum trade_effect_kind effect;
    } cases[] = {
        {to_opening, EFFECT_TX},      {to_staging, EFFECT_SHARE},
        {to_running, EFFECT_SEND},    {to_publishing, EFFECT_SEND},
        {to_delivered, EFFECT_FETCH}, {to_settling, EFFECT_TX},
    };
    struct desk *desk = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cases[i].way(desk);
        restart(desk);
        at(desk, desk->now_ms + 1);
        assert_non_null(rig_find(&desk->fx, cases[i].effect));
        at(desk, desk->now_ms + 1); /* once, not at every step */
        assert_null(rig_find(&desk->fx, cases[i].effect));
        desk = next_desk(state);
    }
}

static void every_wait_has_a_clock(void **state)
{
    struct desk *desk = *state;
    for (size_t i = 0; i + 1 < WAYS; i++) {
        every_way[i](desk);
        assert_true(rig_need(&desk->fx, EFFECT_WAKE)->at_ms <=
                    desk->now_ms + 1000);
        restart(desk);
        at(desk, desk->now_ms + 1);
        assert_true(rig_need(&desk->fx, EFFECT_WAKE)->at_ms <=
                    desk->now_ms + 1000);
        desk = next_desk(state);
    }
}

/* ---- before anything is on the chain there is one record, the job's ---- */

static size_t records_of_tasks(const struct desk *desk)
{
    size_t count = 0;
    for (size_t i = 0; i < desk->disk.count; i++)
        count += strstr(desk->disk.records[i].key, "/t") != NULL ? 1 : 0;
    return count;
}

static void a_task_that_promised_nothing_has_no_record(void **state)
{
    static void (*const ways[])(struct desk *) = {to_waiting, to_holding,
                                                  to_quoted};
    struct desk *desk = *state;
    for (size_t i = 0; i < 3; i++) {
        ways[i](desk);
        assert_int_equal(desk->disk.count, 1);
        assert_int_equal(records_of_tasks(desk), 0);
        restart(desk);
        state_is(desk, BUY_WAITING);
        assert_true(pubkey_is_zero(&task_of(desk, 0)->provider));
        put_offers(desk);
        at(desk, desk->now_ms + 1);
        state_is(desk, BUY_HOLDING);
        desk = next_desk(state);
    }
}

static void a_bag_that_is_approved_writes_one_record(void **state)
{
    struct desk *desk = *state;
    desk->request = rig_request(1000);
    to_holding(desk);
    assert_int_equal(desk->disk.count, 1);
    restart(desk);
    assert_int_equal(job_of(desk)->task_count, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(task_of(desk, i)->state, BUY_WAITING);
    put_offers(desk);
    at(desk, desk->now_ms + 1);
    state_is(desk, BUY_HOLDING);
    assert_int_equal(cancel(desk, 7), OK); /* what has ended is recorded */
    restart(desk);
    assert_int_equal(task_of(desk, 7)->state, BUY_CANCELLED);
    assert_int_equal(task_of(desk, 8)->state, BUY_WAITING);
}

static void an_open_is_recorded_before_it_leaves(void **state)
{
    struct desk *desk = *state;
    const struct trade_effect *save = NULL;
    to_opening(desk);
    for (size_t i = 0; i < desk->fx.count; i++)
        if (desk->fx.list[i].kind == EFFECT_SAVE)
            save = &desk->fx.list[i];
    assert_non_null(save);
    assert_non_null(strstr(save->key, "/t0"));
    assert_true(save < rig_tx(&desk->fx, TX_CONTRACT_OPEN));
    assert_int_equal(records_of_tasks(desk), 1);
}

/* Else it would come back OPENING, and open what was given up. */
static void an_open_that_failed_is_taken_back_on_the_disk(void **state)
{
    struct desk *desk = *state;
    to_opening(desk);
    tx_refused(desk, TX_CONTRACT_OPEN, ERR_BOND);
    state_is(desk, BUY_HOLDING); /* elsewhere */
    restart(desk);
    state_is(desk, BUY_WAITING);
    assert_null(rig_tx(&desk->fx, TX_CONTRACT_OPEN));
}

/* The provider keeps a hold for a while: asked again, it says the same. */
static void an_approved_bill_is_opened_after_a_restart(void **state)
{
    struct desk *desk = *state;
    to_quoted(desk);
    assert_int_equal(approve(desk, 1000000, desk->request.expires_at_ms), OK);
    rig_disk_drop_tasks(&desk->disk); /* killed before the open was recorded */
    restart(desk);
    state_is(desk, BUY_WAITING);
    put_offers(desk);
    state_is(desk, BUY_HOLDING);
    send_quote(desk, RIG_SELLER, &desk->quote);
    state_is(desk, BUY_OPENING);
    assert_non_null(rig_tx(&desk->fx, TX_CONTRACT_OPEN));
}

static void a_job_that_was_just_ending_ends_after_a_restart(void **state)
{
    struct desk *desk = *state;
    struct buf job;
    to_settling(desk);
    buf_init(&job, 1u << 18);
    for (size_t i = 0; i < desk->disk.count; i++)
        if (strstr(desk->disk.records[i].key, "/job") != NULL)
            buf_add(&job, buf_bytes(&desk->disk.records[i].bytes));
    settle(desk, END_DONE, 1);
    /* killed between the task's record and the job's */
    for (size_t i = 0; i < desk->disk.count; i++)
        if (strstr(desk->disk.records[i].key, "/job") != NULL) {
            buf_clear(&desk->disk.records[i].bytes);
            buf_add(&desk->disk.records[i].bytes, buf_bytes(&job));
        }
    buf_done(&job);
    restart(desk);
    assert_int_equal(job_of(desk)->ended_at_ms, 0);
    at(desk, desk->now_ms + 1);
    assert_true(job_of(desk)->ended_at_ms != 0);
    assert_non_null(rig_find(&desk->fx, EFFECT_UNPIN));
}

static void a_draft_leaves_nothing_behind(void **state)
{
    struct desk *desk = *state;
    struct hash id;
    desk->draft = true;
    to_holding(desk);
    id = desk->id;
    assert_int_equal(desk->disk.count, 1); /* that its blobs are pinned */
    restart(desk);
    assert_null(buy_job(desk->buy, &id));
    at(desk, desk->now_ms + 1);
    assert_true(hash_equal(&rig_need(&desk->fx, EFFECT_UNPIN)->subject, &id));
    assert_int_equal(desk->disk.count, 0);
}

static void an_approved_draft_is_a_job_like_any_other(void **state)
{
    struct desk *desk = *state;
    desk->draft = true;
    to_holding(desk);
    assert_int_equal(approve(desk, 1000000, desk->request.expires_at_ms), OK);
    restart(desk);
    assert_true(job_of(desk)->approved);
    assert_int_equal(desk->disk.count, 1);
    at(desk, desk->now_ms + 1);
    assert_null(rig_find(&desk->fx, EFFECT_UNPIN));
}

static void jobs_stand_in_the_order_of_their_making(void **state)
{
    struct desk *desk = *state;
    struct hash ids[5];
    for (unsigned i = 0; i < 5; i++) {
        desk->request.salt[0] = (uint8_t)(7 * i);
        desk->now_ms += 10;
        assert_int_equal(submit(desk), OK);
        ids[i] = desk->id;
    }
    restart(desk);
    for (unsigned i = 0; i < 5; i++)
        assert_true(hash_equal(&buy_job_at(desk->buy, i)->id, &ids[i]));
    assert_null(buy_job_at(desk->buy, 5));
    assert_ptr_equal(buy_job_next(desk->buy, NULL), buy_job_at(desk->buy, 0));
    assert_ptr_equal(buy_job_next(desk->buy, buy_job_at(desk->buy, 3)),
                     buy_job_at(desk->buy, 4));
}

static void a_record_reads_as_it_was_written(void **state)
{
    struct desk *desk = *state;
    for (size_t i = 0; i < WAYS; i++) {
        struct buy_item *item;
        every_way[i](desk);
        restart(desk);
        item = buy_find(desk->buy, &desk->id);
        assert_non_null(item);
        for (size_t k = 0; k < desk->disk.count; k++) {
            struct buf again;
            buf_init(&again, 1u << 18);
            if (strstr(desk->disk.records[k].key, "/job") != NULL)
                buy_job_encode(item, &again);
            else
                buy_task_encode(item, 0, &again);
            assert_true(bytes_equal(buf_bytes(&again),
                                    buf_bytes(&desk->disk.records[k].bytes)));
            buf_done(&again);
        }
        desk = next_desk(state);
    }
}

static void a_damaged_record_is_refused(void **state)
{
    struct desk *desk = *state;
    to_delivered(desk);
    buy_free(desk->buy);
    open_desk(desk);
    for (size_t i = 0; i < desk->disk.count; i++) {
        struct bytes record = buf_bytes(&desk->disk.records[i].bytes);
        for (size_t len = 0; len < record.len; len++)
            assert_int_not_equal(buy_load(desk->buy, desk->disk.records[i].key,
                                          bytes_make(record.ptr, len)),
                                 OK);
        assert_int_equal(buy_load(desk->buy, desk->disk.records[i].key, record),
                         OK);
    }
    assert_int_equal(buy_load(desk->buy, "buy/short", (struct bytes){NULL, 0}),
                     ERR_PARSE);
}

static void a_name_that_commands_a_terminal_is_no_name(void **state)
{
    struct desk *desk = *state;
    struct buf request;
    struct buf spec;
    rig_request_bytes(&desk->request, &request);
    rig_spec_bytes(&desk->spec, &spec);
    assert_int_equal(buy_submit(desk->buy, buf_bytes(&request),
                                buf_bytes(&spec), "a\x1b[2Jb", false,
                                desk->now_ms, &desk->fx, &desk->id),
                     OK);
    rig_disk_take(&desk->disk, &desk->fx);
    buf_done(&request);
    buf_done(&spec);
    assert_string_equal(job_of(desk)->name, "");
    restart(desk); /* and its record loads */
    assert_string_equal(job_of(desk)->name, "");
}

static void a_task_without_its_job_is_refused(void **state)
{
    struct desk *desk = *state;
    to_running(desk);
    buy_free(desk->buy);
    open_desk(desk);
    for (size_t i = 0; i < desk->disk.count; i++)
        if (strstr(desk->disk.records[i].key, "/t0") != NULL)
            assert_int_equal(buy_load(desk->buy, desk->disk.records[i].key,
                                      buf_bytes(&desk->disk.records[i].bytes)),
                             ERR_NOT_FOUND);
}

static void foreign_bytes_change_nothing(void **state)
{
    struct desk *desk = *state;
    uint8_t noise[64];
    to_running(desk);
    for (int kind = 0; kind < 64; kind++) {
        struct trade_event event = {.kind = TRADE_MESSAGE,
                                    .peer = rig_key_of(RIG_SELLER),
                                    .message = bytes_make(noise, 64)};
        memset(noise, kind, sizeof(noise));
        noise[0] = 0x93;
        noise[1] = (uint8_t)kind;
        noise[2] = WIRE_VERSION;
        step(desk, &event);
        assert_int_equal(rig_count(&desk->fx, EFFECT_SAVE), 0);
    }
    state_is(desk, BUY_RUNNING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_state_from_opening_on_survives_a_restart),
        T(what_was_under_way_goes_on_after_a_restart),
        T(every_wait_has_a_clock),
        T(a_task_that_promised_nothing_has_no_record),
        T(a_bag_that_is_approved_writes_one_record),
        T(an_open_is_recorded_before_it_leaves),
        T(an_open_that_failed_is_taken_back_on_the_disk),
        T(an_approved_bill_is_opened_after_a_restart),
        T(a_job_that_was_just_ending_ends_after_a_restart),
        T(a_draft_leaves_nothing_behind),
        T(an_approved_draft_is_a_job_like_any_other),
        T(jobs_stand_in_the_order_of_their_making),
        T(a_record_reads_as_it_was_written),
        T(a_damaged_record_is_refused),
        T(a_name_that_commands_a_terminal_is_no_name),
        T(a_task_without_its_job_is_refused),
        T(foreign_bytes_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
