/* What the moves of a contract refuse, in the order of
 * market/contract/contract.h. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/market/order.h"

/* ---- the moves: a sample contract, opened, then met in some state ---- */

static void move_make(struct plan *plan, uint32_t kind, enum actor sender)
{
    plan->kind = kind;
    plan->sender = sender;
    plan->id = world_open_sample(plan->world);
    plan->now = world_contract(plan->world, &plan->id);
    plan->met = true;
    plan->time_ms = T0 + 10000 + 600000;
    plan->reason = END_DONE;
    plan->receipt = sample_receipt(&plan->id);
    plan->cosigned = true;
}

static void deliver_make(struct plan *plan)
{
    move_make(plan, TX_CONTRACT_DELIVER, PROVIDER);
}
static void deliver_alone_make(struct plan *plan)
{
    deliver_make(plan);
    plan->cosigned = false;
}
static void past_deadline(struct plan *plan)
{
    plan->time_ms = plan->now.deadline_ms + 1;
}
static void reason_of_provider(struct plan *plan)
{
    plan->reason = END_PROVIDER_REFUSED;
}
static void reason_of_network(struct plan *plan)
{
    plan->reason = END_NOT_STARTED;
}
static void reason_none(struct plan *plan)
{
    plan->reason = END_NONE;
}
static void done_with_exit_code(struct plan *plan)
{
    plan->reason = END_DONE;
    plan->exit_code = 1;
}
static void failed_without_exit_code(struct plan *plan)
{
    plan->reason = END_JOB_FAILED;
    plan->exit_code = 0;
}
static void too_soon_for_wall(struct plan *plan)
{
    plan->time_ms = plan->now.opened_at_ms + plan->receipt.wall_ms -
                    CONTRACT_CLOCK_SLACK_MS - 1;
}

#define MOVE_DEFECTS                                                           \
    {"cut", ERR_TRUNCATED, form_cut},                                          \
        {"unknown", ERR_NOT_FOUND, contract_unknown},                          \
    {                                                                          \
        "other sender", ERR_PARTY, sender_other                                \
    }

static void deliver_refuses_in_order(void **state)
{
    static const struct defect defects[] = {
        MOVE_DEFECTS,
        {"agent sends", ERR_PARTY, sender_agent},
        {"delivered", ERR_STATE, state_delivered},
        {"closing", ERR_STATE, state_closing},
        {"settled", ERR_STATE, state_settled},
        {"past deadline", ERR_TOO_LATE, past_deadline},
        {"provider's reason", ERR_RANGE, reason_of_provider},
        {"network's reason", ERR_RANGE, reason_of_network},
        {"no reason", ERR_RANGE, reason_none},
        {"done with code", ERR_RANGE, done_with_exit_code},
        {"failed without", ERR_RANGE, failed_without_exit_code},
        {"another's receipt", ERR_TERMS, receipt_of_another},
        {"provider sig", ERR_SIGNATURE, provider_sig_bad},
        {"agent sig", ERR_SIGNATURE, agent_sig_bad},
        {"wall", ERR_RECEIPT_BOUND, wall_beyond_limit},
        {"cpu", ERR_RECEIPT_BOUND, cpu_beyond_cores},
        {"due high", ERR_RECEIPT_BOUND, due_too_high},
        {"due low", ERR_RECEIPT_BOUND, due_too_low},
    };
    (void)state;
    ORDER_HOLDS(deliver_make, defects);
}

static void a_delivery_signed_alone_refuses_in_order(void **state)
{
    static const struct defect defects[] = {
        MOVE_DEFECTS,
        {"settled", ERR_STATE, state_settled},
        {"past deadline", ERR_TOO_LATE, past_deadline},
        {"provider's reason", ERR_RANGE, reason_of_provider},
        {"another's receipt", ERR_TERMS, receipt_of_another},
        {"provider sig", ERR_SIGNATURE, provider_sig_bad},
        {"due high", ERR_RECEIPT_BOUND, due_too_high},
        {"too soon", ERR_RECEIPT_BOUND, too_soon_for_wall},
    };
    (void)state;
    ORDER_HOLDS(deliver_alone_make, defects);
}

static void refuse_make(struct plan *plan)
{
    move_make(plan, TX_CONTRACT_REFUSE, PROVIDER);
    plan->reason = END_EXECUTOR_FAILED;
}
static void reason_of_job(struct plan *plan)
{
    plan->reason = END_DONE;
}
static void reason_of_buyer(struct plan *plan)
{
    plan->reason = END_BUYER_CANCELLED;
}

static void refuse_refuses_in_order(void **state)
{
    static const struct defect defects[] = {
        MOVE_DEFECTS,
        {"agent sends", ERR_PARTY, sender_agent},
        {"delivered", ERR_STATE, state_delivered},
        {"closing", ERR_STATE, state_closing},
        {"settled", ERR_STATE, state_settled},
        {"job's reason", ERR_RANGE, reason_of_job},
        {"buyer's reason", ERR_RANGE, reason_of_buyer},
        {"no reason", ERR_RANGE, reason_none},
    };
    (void)state;
    ORDER_HOLDS(refuse_make, defects);
}

static void expire_make(struct plan *plan)
{
    move_make(plan, TX_CONTRACT_EXPIRE, BUYER);
    plan->has_receipt = true;
    plan->time_ms = plan->now.start_by_ms + 1;
}
static void expire_bare_make(struct plan *plan)
{
    expire_make(plan);
    plan->has_receipt = false;
}
static void at_start_by(struct plan *plan)
{
    plan->time_ms = plan->now.start_by_ms;
}

static void expire_with_a_receipt_refuses_in_order(void **state)
{
    static const struct defect defects[] = {
        MOVE_DEFECTS,
        {"provider sends", ERR_PARTY, sender_provider},
        {"agent's fee", ERR_FEE, sender_agent_with_fee},
        {"delivered", ERR_STATE, state_delivered},
        {"closing", ERR_STATE, state_closing},
        {"settled", ERR_STATE, state_settled},
        {"start-by", ERR_TOO_EARLY, at_start_by},
        {"another's receipt", ERR_TERMS, receipt_of_another},
        {"provider sig", ERR_SIGNATURE, provider_sig_bad},
        {"agent sig", ERR_SIGNATURE, agent_sig_bad},
        {"not co-signed", ERR_SIGNATURE, agent_sig_missing},
        {"wall", ERR_RECEIPT_BOUND, wall_beyond_limit},
        {"due high", ERR_RECEIPT_BOUND, due_too_high},
    };
    (void)state;
    ORDER_HOLDS(expire_make, defects);
}

static void expire_without_a_receipt_refuses_in_order(void **state)
{
    static const struct defect defects[] = {
        MOVE_DEFECTS,
        {"agent's fee", ERR_FEE, sender_agent_with_fee},
        {"settled", ERR_STATE, state_settled},
        {"start-by", ERR_TOO_EARLY, at_start_by},
    };
    (void)state;
    ORDER_HOLDS(expire_bare_make, defects);
}

/* Two minutes of it are on the chain already. */
static void claim_make(struct plan *plan)
{
    move_make(plan, TX_CONTRACT_CLAIM, PROVIDER);
    plan->now.state = CONTRACT_CLOSING;
    plan->now.reason = END_PROVIDER_LOST;
    plan->now.until_ms = plan->now.deadline_ms + 120001;
    plan->now.receipt_seq = 2;
    plan->now.wall_ms = 120000;
    plan->now.cpu_ms = 1000;
    plan->now.due = amount_micro(1435);
    plan->now.due_cosigned = true;
    plan->time_ms = plan->now.until_ms;
}
static void past_until(struct plan *plan)
{
    plan->time_ms = plan->now.until_ms + 1;
}
static void seq_not_newer(struct plan *plan)
{
    plan->receipt.seq = 2;
}
static void wall_fell(struct plan *plan)
{
    plan->receipt.wall_ms = 119999;
}
static void cpu_fell(struct plan *plan)
{
    plan->receipt.cpu_ms = 999;
}

static void claim_refuses_in_order(void **state)
{
    static const struct defect defects[] = {
        MOVE_DEFECTS,
        {"agent sends", ERR_PARTY, sender_agent},
        {"escrowed", ERR_STATE, state_escrowed},
        {"delivered", ERR_STATE, state_delivered},
        {"settled", ERR_STATE, state_settled},
        {"past until", ERR_TOO_LATE, past_until},
        {"another's receipt", ERR_TERMS, receipt_of_another},
        {"provider sig", ERR_SIGNATURE, provider_sig_bad},
        {"agent sig", ERR_SIGNATURE, agent_sig_bad},
        {"not co-signed", ERR_SIGNATURE, agent_sig_missing},
        {"seq", ERR_RECEIPT_SEQ, seq_not_newer},
        {"wall fell", ERR_RECEIPT_SEQ, wall_fell},
        {"cpu fell", ERR_RECEIPT_SEQ, cpu_fell},
        {"wall", ERR_RECEIPT_BOUND, wall_beyond_limit},
        {"due high", ERR_RECEIPT_BOUND, due_too_high},
    };
    (void)state;
    ORDER_HOLDS(claim_make, defects);
}

static void settle_make(struct plan *plan)
{
    claim_make(plan);
    plan->kind = TX_CONTRACT_SETTLE;
    plan->sender = BUYER;
    plan->time_ms = plan->now.until_ms + 1;
}
static void settle_provider_make(struct plan *plan)
{
    settle_make(plan);
    plan->sender = PROVIDER;
    plan->now.state = CONTRACT_DELIVERED;
    plan->now.reason = END_DONE;
}
static void at_until(struct plan *plan)
{
    plan->time_ms = plan->now.until_ms;
}

static void settle_refuses_in_order(void **state)
{
    static const struct defect defects[] = {
        MOVE_DEFECTS,
        {"agent's fee", ERR_FEE, sender_agent_with_fee},
        {"escrowed", ERR_STATE, state_escrowed},
        {"settled", ERR_STATE, state_settled},
        {"at until", ERR_TOO_EARLY, at_until},
    };
    (void)state;
    ORDER_HOLDS(settle_make, defects);
}

static void settle_by_the_provider_refuses_in_order(void **state)
{
    static const struct defect defects[] = {
        MOVE_DEFECTS,
        {"escrowed", ERR_STATE, state_escrowed},
        {"settled", ERR_STATE, state_settled},
        {"at until", ERR_TOO_EARLY, at_until},
    };
    (void)state;
    ORDER_HOLDS(settle_provider_make, defects);
}

/* ---- forms ---- */

static void a_payload_of_another_kind_or_version_is_refused(void **state)
{
    struct world world;
    struct hash id;
    struct buf payload;

    (void)state;
    world_init(&world);
    id = world_open_sample(&world);
    buf_init(&payload, 128);
    mp_put_message(&payload, TX_CONTRACT_REFUSE, MESSAGE_VERSION, 1);
    mp_put_hash(&payload, &id);
    assert_int_equal(
        world_apply(&world, TX_CONTRACT_SETTLE, BUYER, 0, buf_bytes(&payload)),
        ERR_KIND);
    buf_clear(&payload);
    mp_put_message(&payload, TX_CONTRACT_SETTLE, MESSAGE_VERSION + 1, 1);
    mp_put_hash(&payload, &id);
    assert_int_equal(
        world_apply(&world, TX_CONTRACT_SETTLE, BUYER, 0, buf_bytes(&payload)),
        ERR_VERSION);
    buf_clear(&payload);
    mp_put_message(&payload, TX_CONTRACT_SETTLE, MESSAGE_VERSION, 2);
    mp_put_hash(&payload, &id);
    mp_put_uint(&payload, 0);
    assert_int_equal(
        world_apply(&world, TX_CONTRACT_SETTLE, BUYER, 0, buf_bytes(&payload)),
        ERR_RANGE);
    buf_done(&payload);
    world_done(&world);
}

static void unknown_reasons_and_exit_codes_are_refused(void **state)
{
    struct world world;
    struct hash id;
    struct receipt receipt;

    (void)state;
    world_init(&world);
    id = world_open_sample(&world);
    receipt = sample_receipt(&id);
    receipt_sign_both(&receipt, true);
    assert_int_equal(world_deliver(&world, &id, END_JOB_FAILED, 256, &receipt),
                     ERR_RANGE);
    assert_int_equal(
        world_deliver(&world, &id, (enum end_reason)15, 1, &receipt),
        ERR_RANGE);
    assert_int_equal(world_refuse(&world, &id, (enum end_reason)29), ERR_RANGE);
    world_done(&world);
}

static void a_payload_with_a_receipt_that_has_no_number_is_not_made(
    void **state)
{
    struct hash id = world_hash(1);
    struct receipt receipt = sample_receipt(&id);
    struct contract_delivery d = {.contract = id, .reason = END_DONE};
    struct buf payload;

    (void)state;
    receipt.seq = 0;
    d.receipt = receipt;
    buf_init(&payload, LIMIT_TX_BYTES);
    contract_claim_payload(&id, &receipt, &payload);
    assert_int_equal(payload.err, ERR_RANGE);
    buf_clear(&payload);
    contract_expire_payload(&id, &receipt, &payload);
    assert_int_equal(payload.err, ERR_RANGE);
    buf_clear(&payload);
    assert_int_equal(contract_deliver_payload(&d, &payload), ERR_RANGE);
    buf_done(&payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deliver_refuses_in_order),
        cmocka_unit_test(a_delivery_signed_alone_refuses_in_order),
        cmocka_unit_test(refuse_refuses_in_order),
        cmocka_unit_test(expire_with_a_receipt_refuses_in_order),
        cmocka_unit_test(expire_without_a_receipt_refuses_in_order),
        cmocka_unit_test(claim_refuses_in_order),
        cmocka_unit_test(settle_refuses_in_order),
        cmocka_unit_test(settle_by_the_provider_refuses_in_order),
        cmocka_unit_test(a_payload_of_another_kind_or_version_is_refused),
        cmocka_unit_test(unknown_reasons_and_exit_codes_are_refused),
        cmocka_unit_test(
            a_payload_with_a_receipt_that_has_no_number_is_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
