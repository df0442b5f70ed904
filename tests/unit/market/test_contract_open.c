/* What an open refuses, in the order of market/contract/contract.h. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/market/order.h"

static void open_make(struct plan *plan)
{
    plan->kind = TX_CONTRACT_OPEN;
    plan->sender = BUYER;
    plan->time_ms = T0 + 10000;
    plan->request = sample_request();
    plan->approval = sample_approval(&plan->request);
    plan->quote = sample_quote(&plan->request);
}
static void request_sig_bad(struct plan *plan)
{
    plan->spoil_request = 1;
}
static void approval_sig_bad(struct plan *plan)
{
    plan->spoil_approval = 1;
}
static void quote_sig_bad(struct plan *plan)
{
    plan->spoil_quote = 1;
}
static void approval_of_another(struct plan *plan)
{
    plan->approval.request = world_hash(0x79);
}
static void task_beyond(struct plan *plan)
{
    plan->quote.task = 4;
}
static void attempt_beyond(struct plan *plan)
{
    plan->quote.attempt = 3;
}
static void seller_not_wanted(struct plan *plan)
{
    plan->request.only_seller = world_pubkey(OTHER);
}
static void hour_wrong(struct plan *plan)
{
    plan->quote.hour.micro--;
}
static void cap_wrong(struct plan *plan)
{
    plan->quote.cap.micro--;
}
static void start_before_expiry(struct plan *plan)
{
    plan->quote.start_by_ms = plan->quote.expires_at_ms - 1;
}
static void start_too_late(struct plan *plan)
{
    plan->quote.start_by_ms =
        plan->quote.expires_at_ms + QUOTE_START_MS_MAX + 1;
    plan->quote.deadline_ms = plan->quote.start_by_ms + 3600000;
}
static void deadline_too_soon(struct plan *plan)
{
    plan->quote.deadline_ms = plan->quote.start_by_ms + 3600000 - 1;
}
static void deadline_too_late(struct plan *plan)
{
    plan->quote.deadline_ms =
        plan->quote.start_by_ms + 3600000 + QUOTE_PUBLISH_MS_MAX + 1;
}
static void request_expired(struct plan *plan)
{
    plan->request.expires_at_ms = plan->time_ms;
    plan->quote.expires_at_ms = plan->time_ms; /* it is good no longer */
}
static void approval_expired(struct plan *plan)
{
    plan->approval.expires_at_ms = plan->time_ms;
}
static void quote_expired(struct plan *plan)
{
    plan->quote.expires_at_ms = plan->time_ms;
}
static void above_task_cap(struct plan *plan)
{
    plan->approval.task_cap = amount_micro(CAP - 1);
}
static void above_price_max(struct plan *plan)
{
    plan->request.price_max = amount_micro(CAP - 1);
}
static void task_runs(struct plan *plan)
{
    plan->ran = true;
}
static void attempt_not_next(struct plan *plan)
{
    plan->quote.attempt = 1;
}
static void bond_low(struct plan *plan)
{
    plan->quote.bond = amount_micro(BOND - 1);
}
static void provider_poor(struct plan *plan)
{
    plan->provider_poor = true;
}
static void buyer_poor(struct plan *plan)
{
    plan->buyer_poor = true;
}

static void open_refuses_in_order(void **state)
{
    static const struct defect defects[] = {
        {"cut", ERR_TRUNCATED, form_cut},
        {"other sender", ERR_PARTY, sender_other},
        {"provider sends", ERR_PARTY, sender_provider},
        {"agent's fee", ERR_FEE, sender_agent_with_fee},
        {"request sig", ERR_SIGNATURE, request_sig_bad},
        {"approval sig", ERR_SIGNATURE, approval_sig_bad},
        {"quote sig", ERR_SIGNATURE, quote_sig_bad},
        {"approval of another", ERR_TERMS, approval_of_another},
        {"task beyond", ERR_TERMS, task_beyond},
        {"attempt beyond", ERR_TERMS, attempt_beyond},
        {"seller not wanted", ERR_TERMS, seller_not_wanted},
        {"hour wrong", ERR_TERMS, hour_wrong},
        {"cap wrong", ERR_TERMS, cap_wrong},
        {"start before expiry", ERR_TERMS, start_before_expiry},
        {"start too late", ERR_TERMS, start_too_late},
        {"deadline too soon", ERR_TERMS, deadline_too_soon},
        {"deadline too late", ERR_TERMS, deadline_too_late},
        {"request expired", ERR_EXPIRED, request_expired},
        {"approval expired", ERR_EXPIRED, approval_expired},
        {"quote expired", ERR_EXPIRED, quote_expired},
        {"above task cap", ERR_PRICE, above_task_cap},
        {"above price max", ERR_PRICE, above_price_max},
        {"task runs", ERR_EXISTS, task_runs},
        {"attempt not next", ERR_STATE, attempt_not_next},
        {"bond low", ERR_BOND, bond_low},
        {"provider poor", ERR_BOND, provider_poor},
        {"buyer poor", ERR_FUNDS, buyer_poor},
    };
    (void)state;
    ORDER_HOLDS(open_make, defects);
}

static int setup(void **state)
{
    static struct world world;
    world_init(&world);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    assert_int_equal(world_money(world), WORLD_SUPPLY);
    world_done(world);
    return 0;
}

static struct receipt cosigned_sample(const struct hash *id)
{
    struct receipt receipt = sample_receipt(id);
    receipt_sign_both(&receipt, true);
    return receipt;
}

/* ---- attempts ---- */

static enum err open_attempt(struct world *world, uint32_t attempt,
                             struct hash *out_id)
{
    struct request request = sample_request();
    struct approval approval = sample_approval(&request);
    struct quote quote = sample_quote(&request);
    quote.attempt = attempt;
    return world_open(world, AGENT, &request, &approval, &quote, out_id);
}

static void a_task_is_tried_again_only_after_a_providers_fault(void **state)
{
    struct world *world = *state;
    struct hash first, second;

    assert_int_equal(open_attempt(world, 1, &second), ERR_STATE);
    assert_int_equal(open_attempt(world, 0, &first), OK);
    assert_int_equal(open_attempt(world, 0, &first), ERR_EXISTS);
    assert_int_equal(open_attempt(world, 1, &second), ERR_EXISTS);
    assert_int_equal(world_refuse(world, &first, END_STAGING_FAILED), OK);
    assert_int_equal(open_attempt(world, 0, &first), ERR_EXISTS);
    assert_int_equal(open_attempt(world, 2, &second), ERR_STATE);
    assert_int_equal(open_attempt(world, 1, &second), OK);
    assert_int_equal(open_attempt(world, 2, &first), ERR_EXISTS);
    assert_int_equal(world_refuse(world, &second, END_STAGING_FAILED), OK);
    assert_int_equal(open_attempt(world, 3, &second), ERR_TERMS);
    assert_int_equal(open_attempt(world, 2, &second), OK);
}

static void a_task_that_ran_is_not_tried_again(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct receipt receipt = cosigned_sample(&id);
    struct hash next;

    assert_int_equal(world_deliver(world, &id, END_JOB_FAILED, 1, &receipt),
                     OK);
    assert_int_equal(world_settle(world, AGENT, &id), OK);
    assert_int_equal(open_attempt(world, 1, &next), ERR_EXISTS);
}

static void a_task_its_buyer_cancelled_is_not_tried_again(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct receipt receipt = cosigned_sample(&id);
    struct hash next;

    assert_int_equal(
        world_deliver(world, &id, END_BUYER_CANCELLED, 143, &receipt), OK);
    assert_int_equal(world_settle(world, AGENT, &id), OK);
    assert_int_equal(open_attempt(world, 1, &next), ERR_EXISTS);
}

static void the_latest_contract_of_a_task_is_found(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct contract c = world_contract(world, &id);
    struct contract latest;

    assert_int_equal(
        contract_of_task(world->state, &c.request, 1, &world->arena, &latest),
        OK);
    assert_true(hash_equal(&latest.id, &id));
    assert_int_equal(
        contract_of_task(world->state, &c.request, 0, &world->arena, &latest),
        ERR_NOT_FOUND);
    assert_int_equal(
        contract_get(world->state, &c.request, &world->arena, &latest),
        ERR_NOT_FOUND);
}

/* Memory runs out at every possible place: each time it is a fault, not a
 * refusal, and nothing has moved. */
static void running_out_of_memory_changes_nothing(void **state)
{
    struct world *world = *state;
    struct request request = sample_request();
    struct approval approval = sample_approval(&request);
    struct quote quote = sample_quote(&request);
    enum err err = ERR_NOMEM;
    unsigned faults = 0;
    struct hash id;

    for (size_t cap = 0; err != OK && cap < 65536; cap += 64) {
        arena_done(&world->arena);
        arena_init(&world->arena, cap);
        err = world_open(world, AGENT, &request, &approval, &quote, &id);
        if (err == OK)
            break;
        assert_int_equal(err, ERR_NOMEM);
        assert_int_equal(world_balance(world, BUYER), WORLD_GRANT);
        assert_int_equal(world_balance(world, PROVIDER), WORLD_GRANT);
        assert_int_equal(world_locked(world, &id), 0);
        faults++;
    }
    assert_int_equal(err, OK);
    assert_true(faults > 10);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_refuses_in_order),
        WITH_WORLD(a_task_is_tried_again_only_after_a_providers_fault),
        WITH_WORLD(a_task_that_ran_is_not_tried_again),
        WITH_WORLD(a_task_its_buyer_cancelled_is_not_tried_again),
        WITH_WORLD(the_latest_contract_of_a_task_is_found),
        WITH_WORLD(running_out_of_memory_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
