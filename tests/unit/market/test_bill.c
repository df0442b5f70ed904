/* A bill before the work, and after it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "market/bill.h"
#include "tests/unit/market/world.h"

static int setup(void **state)
{
    static struct arena arena;
    arena_init(&arena, 1u << 20);
    *state = &arena;
    return 0;
}

static int teardown(void **state)
{
    arena_done(*state);
    return 0;
}

static enum err make(struct arena *arena, const struct request *request,
                     const struct quote *quotes, uint32_t count,
                     struct bill *out, uint32_t *out_index)
{
    struct hash id = request_id_of(request);
    struct market_params params;
    market_params_default(&params);
    return bill_make(request, &id, quotes, count, &params, arena, out,
                     out_index);
}

/* Quotes for tasks 0, 1 and 2; the second one's cores cost twice as much. */
static void three_quotes(const struct request *request, struct quote out[3])
{
    struct price dear = sample_price();
    dear.cpu_hour = amount_micro(40000);
    for (uint32_t i = 0; i < 3; i++) {
        out[i] = sample_quote(request);
        out[i].task = i;
        out[i].start_by_ms -= i;
        out[i].expires_at_ms += i;
        out[i].deadline_ms -= i;
    }
    assert_int_equal(quote_price(request, &dear, &out[1]), OK);
    out[1].bond = amount_micro(8305);
}

static void a_bill_adds_up(void **state)
{
    struct request request = sample_request();
    struct quote quotes[3];
    struct bill bill;
    const struct bill_line *line;

    request.price_max = amount_micro(0);
    three_quotes(&request, quotes);
    assert_int_equal(make(*state, &request, quotes, 3, &bill, NULL), OK);
    assert_int_equal(bill.tasks, 4);
    assert_int_equal(bill.line_count, 3);
    assert_int_equal(bill.caps.micro, 43050 + 83050 + 43050);
    assert_int_equal(bill.fees.micro, 9000);
    assert_int_equal(bill.total.micro, bill.caps.micro + 9000);
    assert_int_equal(bill.task_cap.micro, 83050);
    assert_int_equal(bill.start_by_ms, quotes[2].start_by_ms);
    assert_int_equal(bill.expires_at_ms, quotes[0].expires_at_ms);
    line = &bill.lines[0];
    assert_int_equal(line->cpu_hour.micro, 40000);
    assert_int_equal(line->mem_hour.micro, 3000);
    assert_int_equal(line->disk_hour.micro, 50);
    assert_int_equal(line->hour.micro, 43050);
    assert_int_equal(line->cap.micro, 43050);
    assert_int_equal(line->fee.micro, 3000);
    assert_int_equal(line->bond.micro, 4305);
    assert_int_equal(line->slash_late.micro, 1077);
    assert_int_equal(line->slash_lost.micro, 2153);
    assert_int_equal(line->time_ms_max, 3600000);
    assert_int_equal(line->resources.cpu_milli, 2000);
    assert_int_equal(line->retention_ms, 86400000);
    assert_int_equal(line->rtt_us, 850);
    assert_int_equal(bill.lines[1].cpu_hour.micro, 80000);
}

/* And what the chain locks for it is the cap with the devices in it. */
static void devices_have_a_line_of_their_own(void **state)
{
    struct request request = sample_request();
    struct approval approval;
    struct quote quote;
    struct world world;
    struct bill bill;
    struct hash id;

    request.price_max = amount_micro(0);
    assert_int_equal(device_wish_parse("gpu:a100:4x0.25", &request.devices),
                     OK);
    quote = sample_quote(&request);
    quote.bond = amount_micro(5305);
    quote.device = (struct quote_device){"a100", 40960, amount_micro(9999)};
    assert_int_equal(quote_price(&request, &quote.price, &quote), OK);
    assert_int_equal(make(*state, &request, &quote, 1, &bill, NULL), OK);
    assert_int_equal(bill.lines[0].device_hour.micro, 9999);
    assert_int_equal(bill.lines[0].hour.micro, 43050 + 9999);
    assert_string_equal(bill.lines[0].device.model, "a100");
    approval = sample_approval(&request);
    approval.task_cap = bill.task_cap;
    world_init(&world);
    assert_int_equal(
        world_open(&world, AGENT, &request, &approval, &quote, &id), OK);
    assert_int_equal(world_locked(&world, &id), 43050 + 9999 + 5305);
    world_done(&world);
}

static void the_bills_cap_is_what_the_chain_would_lock(void **state)
{
    struct request request = sample_request();
    struct approval approval = sample_approval(&request);
    struct quote quote = sample_quote(&request);
    struct world world;
    struct bill bill;
    struct hash id;

    assert_int_equal(make(*state, &request, &quote, 1, &bill, NULL), OK);
    world_init(&world);
    approval.task_cap = bill.task_cap;
    assert_int_equal(
        world_open(&world, AGENT, &request, &approval, &quote, &id), OK);
    assert_int_equal(WORLD_GRANT - world_balance(&world, BUYER),
                     bill.total.micro);
    assert_int_equal(world_locked(&world, &id),
                     bill.caps.micro + bill.lines[0].bond.micro);
    world_done(&world);
}

static void a_bill_refuses_what_the_chain_would(void **state)
{
    struct request request = sample_request();
    struct quote quotes[3], bad[3];
    struct bill bill = {.tasks = 99};
    uint32_t index = 77;

    request.price_max = amount_micro(0);
    three_quotes(&request, quotes);
    assert_int_equal(make(*state, &request, quotes, 0, &bill, &index),
                     ERR_RANGE);
    assert_int_equal(make(*state, &request, quotes, 5, &bill, &index),
                     ERR_RANGE);
    assert_int_equal(index, 77);
    memcpy(bad, quotes, sizeof(bad));
    bad[2].task = 1;
    assert_int_equal(make(*state, &request, bad, 3, &bill, &index), ERR_EXISTS);
    assert_int_equal(index, 2);
    bad[1].bond.micro--;
    assert_int_equal(make(*state, &request, bad, 3, &bill, &index), ERR_BOND);
    assert_int_equal(index, 1);
    bad[0].cap.micro++;
    assert_int_equal(make(*state, &request, bad, 3, &bill, &index), ERR_TERMS);
    assert_int_equal(index, 0);
    assert_int_equal(make(*state, &request, bad, 3, &bill, NULL), ERR_TERMS);
    request.price_max = amount_micro(50000);
    three_quotes(&request, quotes);
    assert_int_equal(make(*state, &request, quotes, 3, &bill, &index),
                     ERR_PRICE);
    assert_int_equal(index, 1);
    assert_int_equal(bill.tasks, 99);
}

static void sums_that_overflow_are_refused(void **state)
{
    struct request request = sample_request();
    struct price price = {{UINT64_C(1) << 62}, {0}, {0}};
    struct quote quotes[2];
    struct bill bill;
    uint32_t index;

    request.price_max = amount_micro(0);
    for (uint32_t i = 0; i < 2; i++) {
        quotes[i] = sample_quote(&request);
        quotes[i].task = i;
        assert_int_equal(quote_price(&request, &price, &quotes[i]), OK);
        quotes[i].bond = quotes[i].cap;
    }
    assert_int_equal(make(*state, &request, quotes, 2, &bill, &index),
                     ERR_OVERFLOW);
    assert_int_equal(index, 1);
}

static void a_final_bill_states_what_was_paid(void **state)
{
    struct market_params params;
    struct world world;
    struct receipt receipt;
    struct bill_final final;
    struct contract c;
    struct hash id;

    (void)state;
    market_params_default(&params);
    world_init(&world);
    id = world_open_sample(&world);
    c = world_contract(&world, &id);
    assert_int_equal(bill_settle(&c, &params, &final), ERR_STATE);
    receipt = sample_receipt(&id);
    receipt_sign_both(&receipt, true);
    assert_int_equal(world_deliver(&world, &id, END_JOB_FAILED, 3, &receipt),
                     OK);
    assert_int_equal(world_settle(&world, AGENT, &id), OK);
    c = world_contract(&world, &id);
    assert_int_equal(bill_settle(&c, &params, &final), OK);
    assert_int_equal(final.paid.micro, 7175);
    assert_int_equal(final.due.micro, 7175);
    assert_int_equal(final.refunded.micro, 43050 - 7175);
    assert_int_equal(final.spent.micro, 7175 + 3000);
    assert_int_equal(WORLD_GRANT - world_balance(&world, BUYER),
                     final.spent.micro);
    assert_int_equal(final.wall_ms, 600000);
    assert_true(final.cosigned);
    assert_int_equal(final.reason, END_JOB_FAILED);
    assert_int_equal(final.exit_code, 3);
    world_done(&world);
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(a_bill_adds_up),
        WITH_ARENA(devices_have_a_line_of_their_own),
        WITH_ARENA(the_bills_cap_is_what_the_chain_would_lock),
        WITH_ARENA(a_bill_refuses_what_the_chain_would),
        WITH_ARENA(sums_that_overflow_are_refused),
        WITH_ARENA(a_final_bill_states_what_was_paid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
