/* The stories of a contract, from open to the last micro-credit. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/market/world.h"

#define CAP     43050u
#define BOND    4305u
#define FEE     3000u
#define QUARTER 1077u /* of the bond, rounded up */
#define HALF    2153u

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

/* What each has more (or less) than it started with. */
static void gains_are(struct world *world, int64_t buyer, int64_t provider,
                      int64_t payout)
{
    assert_int_equal((int64_t)(world_balance(world, BUYER) - WORLD_GRANT),
                     buyer);
    assert_int_equal((int64_t)(world_balance(world, PROVIDER) - WORLD_GRANT),
                     provider);
    assert_int_equal((int64_t)(world_balance(world, PAYOUT) - WORLD_GRANT),
                     payout);
    assert_int_equal(world_balance(world, AGENT), WORLD_GRANT);
    assert_int_equal(world_balance(world, PROPOSER), WORLD_GRANT + FEE);
}

static void settled_with(struct world *world, const struct hash *id,
                         enum end_reason reason, uint64_t paid,
                         uint64_t slashed)
{
    struct contract c = world_contract(world, id);
    assert_int_equal(c.state, CONTRACT_SETTLED);
    assert_int_equal(c.reason, reason);
    assert_int_equal(c.paid.micro, paid);
    assert_int_equal(c.refunded.micro, CAP - paid);
    assert_int_equal(c.slashed.micro, slashed);
    assert_int_equal(c.settled_at_ms, world->context.time_ms);
    assert_int_equal(world_locked(world, id), 0);
    assert_int_equal(world->effect.code, CONTRACT_SETTLED);
    assert_int_equal(world->effect.moved.micro, paid);
    gains_are(world, -(int64_t)(FEE + paid) + (int64_t)slashed,
              -(int64_t)slashed, (int64_t)paid);
}

static struct receipt cosigned_sample(const struct hash *id)
{
    struct receipt receipt = sample_receipt(id);
    receipt_sign_both(&receipt, true);
    return receipt;
}

/* The receipt that follows it, twenty minutes into the job. */
static struct receipt newer_sample(const struct hash *id)
{
    struct receipt receipt = sample_receipt(id);
    receipt.seq = 4;
    receipt.wall_ms = 1200000;
    receipt.due = amount_micro(14350);
    receipt_sign_both(&receipt, true);
    return receipt;
}

static bool effect_names(const struct tx_effect *effect, enum actor actor)
{
    for (uint32_t i = 0; i < effect->account_count; i++)
        if (pubkey_equal(&effect->accounts[i], &world_signer(actor)->key))
            return true;
    return false;
}

static void open_locks_cap_and_bond_and_pays_the_fee(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct contract c = world_contract(world, &id);

    assert_int_equal(world_locked(world, &id), CAP + BOND);
    gains_are(world, -(int64_t)(CAP + FEE), -(int64_t)BOND, 0);
    assert_int_equal(c.state, CONTRACT_ESCROWED);
    assert_int_equal(c.hour.micro, SAMPLE_HOUR);
    assert_int_equal(c.cap.micro, CAP);
    assert_int_equal(c.opened_at_ms, T0 + 10000);
    assert_int_equal(c.task, 1);
    assert_true(pubkey_equal(&c.payout, &world_signer(PAYOUT)->key));
    assert_true(hash_equal(&world->effect.subject, &id));
    assert_int_equal(world->effect.code, CONTRACT_ESCROWED);
    assert_int_equal(world->effect.moved.micro, CAP);
    assert_int_equal(world->effect.account_count, 3);
    assert_true(effect_names(&world->effect, BUYER));
    assert_true(effect_names(&world->effect, PROVIDER));
    assert_true(effect_names(&world->effect, PROPOSER));
}

static void the_buyer_may_open_too(void **state)
{
    struct world *world = *state;
    struct request request = sample_request();
    struct approval approval = sample_approval(&request);
    struct quote quote = sample_quote(&request);
    struct hash id;
    assert_int_equal(world_open(world, BUYER, &request, &approval, &quote, &id),
                     OK);
}

static void a_quote_without_payout_pays_the_provider(void **state)
{
    struct world *world = *state;
    struct request request = sample_request();
    struct approval approval = sample_approval(&request);
    struct quote quote = sample_quote(&request);
    struct receipt receipt;
    struct hash id;

    memset(&quote.payout, 0, sizeof(quote.payout));
    assert_int_equal(world_open(world, AGENT, &request, &approval, &quote, &id),
                     OK);
    receipt = cosigned_sample(&id);
    assert_int_equal(world_deliver(world, &id, END_DONE, 0, &receipt), OK);
    assert_int_equal(world_settle(world, AGENT, &id), OK);
    assert_int_equal(world_balance(world, PROVIDER), WORLD_GRANT + 7175);
}

static void delivered_and_accepted_pays_what_is_due(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct receipt receipt = cosigned_sample(&id);
    struct contract c;

    world->context.time_ms += 700000;
    assert_int_equal(world_deliver(world, &id, END_DONE, 0, &receipt), OK);
    c = world_contract(world, &id);
    assert_int_equal(c.state, CONTRACT_DELIVERED);
    assert_int_equal(c.receipt_seq, 3);
    assert_int_equal(c.due.micro, 7175);
    assert_true(c.due_cosigned);
    assert_int_equal(c.until_ms, world->context.time_ms + 1200000);
    assert_int_equal(c.result.b[0], 0x41);
    assert_int_equal(c.log.b[0], 0x42);
    assert_int_equal(world->effect.account_count, 0);
    assert_int_equal(world->effect.moved.micro, 0);
    assert_int_equal(world_settle(world, AGENT, &id), OK);
    settled_with(world, &id, END_DONE, 7175, 0);
    assert_int_equal(world->effect.account_count, 3);
}

static void silence_is_acceptance_when_the_review_ends(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct receipt receipt = cosigned_sample(&id);

    assert_int_equal(world_deliver(world, &id, END_JOB_FAILED, 3, &receipt),
                     OK);
    world->context.time_ms = world_contract(world, &id).until_ms;
    assert_int_equal(world_settle(world, PROVIDER, &id), ERR_TOO_EARLY);
    world->context.time_ms++;
    assert_int_equal(world_settle(world, PROVIDER, &id), OK);
    settled_with(world, &id, END_JOB_FAILED, 7175, 0);
}

static void an_unsigned_receipt_counts_as_far_as_the_chain_saw_time_pass(
    void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct receipt receipt = sample_receipt(&id);

    receipt_sign_both(&receipt, false);
    world->context.time_ms += 600000 - CONTRACT_CLOCK_SLACK_MS - 1;
    assert_int_equal(world_deliver(world, &id, END_DONE, 0, &receipt),
                     ERR_RECEIPT_BOUND);
    world->context.time_ms++;
    assert_int_equal(world_deliver(world, &id, END_DONE, 0, &receipt), OK);
    assert_false(world_contract(world, &id).due_cosigned);
    assert_int_equal(world_settle(world, BUYER, &id), OK);
    settled_with(world, &id, END_DONE, 7175, 0);
}

static void a_full_run_pays_the_whole_cap(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct receipt receipt = sample_receipt(&id);

    receipt.wall_ms = 3600000;
    receipt.due = amount_micro(CAP);
    receipt_sign_both(&receipt, true);
    world->context.time_ms = world_contract(world, &id).deadline_ms;
    assert_int_equal(world_deliver(world, &id, END_TIME_LIMIT, 137, &receipt),
                     OK);
    assert_int_equal(world_settle(world, AGENT, &id), OK);
    settled_with(world, &id, END_TIME_LIMIT, CAP, 0);
}

static void refusing_in_time_costs_nothing(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    world->context.time_ms = world_contract(world, &id).start_by_ms;
    assert_int_equal(world_refuse(world, &id, END_STAGING_FAILED), OK);
    settled_with(world, &id, END_STAGING_FAILED, 0, 0);
}

/* It has queued it for longer than staging takes. */
static void refusing_who_has_waited_costs_a_quarter_of_the_bond(void **state)
{
    for (uint64_t late = 0; late <= 1; late++) {
        struct world world;
        struct request request = sample_request();
        struct approval approval;
        struct quote quote;
        struct hash id;
        (void)state;
        world_init(&world);
        request.terms.gang = false;
        request.terms.least = 0;
        request.patience_ms = 3600000;
        quote = sample_quote(&request);
        quote.start_by_ms += request.patience_ms;
        quote.deadline_ms += request.patience_ms;
        approval = sample_approval(&request);
        assert_int_equal(
            world_open(&world, AGENT, &request, &approval, &quote, &id), OK);
        world.context.time_ms = world_contract(&world, &id).opened_at_ms +
                                CONTRACT_REFUSE_FREE_MS + late;
        assert_int_equal(world_refuse(&world, &id, END_PROVIDER_REFUSED), OK);
        settled_with(&world, &id, END_PROVIDER_REFUSED, 0, late * QUARTER);
        world_done(&world);
    }
}

static void refusing_late_costs_a_quarter_of_the_bond(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    world->context.time_ms = world_contract(world, &id).start_by_ms + 1;
    assert_int_equal(world_refuse(world, &id, END_EXECUTOR_FAILED), OK);
    settled_with(world, &id, END_EXECUTOR_FAILED, 0, QUARTER);
}

static void refusing_at_the_deadline_still_costs_a_quarter(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    world->context.time_ms = world_contract(world, &id).deadline_ms;
    assert_int_equal(world_refuse(world, &id, END_EXECUTOR_FAILED), OK);
    settled_with(world, &id, END_EXECUTOR_FAILED, 0, QUARTER);
}

static void refusing_after_the_deadline_costs_half_of_the_bond(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    world->context.time_ms = world_contract(world, &id).deadline_ms;
    assert_int_equal(world_refuse(world, &id, END_BUYER_CANCELLED), ERR_RANGE);
    world->context.time_ms++;
    assert_int_equal(world_refuse(world, &id, END_PROVIDER_LOST), OK);
    settled_with(world, &id, END_PROVIDER_LOST, 0, HALF);
}

static void nobody_loses_a_bond_by_an_expiry_before_the_deadline(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct contract c;

    world->context.time_ms = T0 + 420000;
    assert_int_equal(world_expire(world, AGENT, &id, NULL), ERR_TOO_EARLY);
    world->context.time_ms++;
    assert_int_equal(world_expire(world, AGENT, &id, NULL), OK);
    c = world_contract(world, &id);
    assert_int_equal(c.state, CONTRACT_CLOSING);
    assert_int_equal(c.reason, END_NOT_STARTED);
    assert_int_equal(c.until_ms, world->context.time_ms + 120000);
    world->context.time_ms = c.until_ms;
    assert_int_equal(world_settle(world, AGENT, &id), ERR_TOO_EARLY);
    assert_int_equal(world_settle(world, PROVIDER, &id), ERR_TOO_EARLY);
    world->context.time_ms++;
    assert_int_equal(world_settle(world, AGENT, &id), OK);
    settled_with(world, &id, END_NOT_STARTED, 0, 0);
}

static void an_expiry_with_a_receipt_opens_at_start_by_too(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct receipt receipt = cosigned_sample(&id);
    struct contract c;

    world->context.time_ms = T0 + 420000;
    assert_int_equal(world_expire(world, AGENT, &id, &receipt), ERR_TOO_EARLY);
    world->context.time_ms++;
    assert_int_equal(world_expire(world, AGENT, &id, &receipt), OK);
    c = world_contract(world, &id);
    assert_int_equal(c.state, CONTRACT_CLOSING);
    assert_int_equal(c.reason, END_GIVEN_UP);
    assert_int_equal(c.due.micro, 7175);
    assert_int_equal(c.until_ms, world->context.time_ms + 120000);
    world->context.time_ms = c.until_ms + 1;
    assert_int_equal(world_settle(world, AGENT, &id), OK);
    settled_with(world, &id, END_GIVEN_UP, 7175, 0);
}

/* What the provider can show for it counts, and the task may go on elsewhere:
 * the buyer's side did not hide that it had started. */
static void a_claim_after_giving_up_raises_what_is_due_and_no_more(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct receipt receipt = cosigned_sample(&id);
    struct receipt newer = newer_sample(&id);

    world->context.time_ms = world_contract(world, &id).deadline_ms;
    assert_int_equal(world_expire(world, BUYER, &id, &receipt), OK);
    assert_int_equal(world_claim(world, &id, &receipt), ERR_RECEIPT_SEQ);
    world->context.time_ms = world_contract(world, &id).until_ms;
    assert_int_equal(world_claim(world, &id, &newer), OK);
    assert_int_equal(world_contract(world, &id).reason, END_GIVEN_UP);
    world->context.time_ms++;
    assert_int_equal(world_settle(world, PROVIDER, &id), OK);
    settled_with(world, &id, END_GIVEN_UP, 14350, 0);
}

/* Ends it at `now_ms`, with a receipt or none, and settles it when it may. */
static void expired_and_settled(struct world *world, const struct hash *id,
                                const struct receipt *receipt, uint64_t now_ms)
{
    world->context.time_ms = now_ms;
    assert_int_equal(world_expire(world, AGENT, id, receipt), OK);
    world->context.time_ms = world_contract(world, id).until_ms + 1;
    assert_int_equal(world_settle(world, AGENT, id), OK);
}

/* It is the time of the expiry that counts, not that of the settlement, which
 * is after the deadline here in every case. */
static void a_bond_is_lost_after_the_deadline_and_no_moment_sooner(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct receipt receipt = cosigned_sample(&id);
    uint64_t deadline = world_contract(world, &id).deadline_ms;
    struct state_mark mark = state_mark(world->state);

    expired_and_settled(world, &id, NULL, deadline);
    settled_with(world, &id, END_NOT_STARTED, 0, 0);
    state_rollback(world->state, mark);
    expired_and_settled(world, &id, &receipt, deadline);
    settled_with(world, &id, END_GIVEN_UP, 7175, 0);
    state_rollback(world->state, mark);
    expired_and_settled(world, &id, NULL, deadline + 1);
    settled_with(world, &id, END_PROVIDER_LOST, 0, HALF);
    state_rollback(world->state, mark);
    expired_and_settled(world, &id, &receipt, deadline + 1);
    settled_with(world, &id, END_PROVIDER_LOST, 7175, HALF);
}

static void a_claim_after_the_deadline_saves_no_bond(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct receipt receipt = cosigned_sample(&id);

    world->context.time_ms = world_contract(world, &id).deadline_ms + 1;
    assert_int_equal(world_expire(world, AGENT, &id, NULL), OK);
    assert_int_equal(world_claim(world, &id, &receipt), OK);
    assert_int_equal(world_contract(world, &id).reason, END_PROVIDER_LOST);
    world->context.time_ms += 120001;
    assert_int_equal(world_settle(world, PROVIDER, &id), OK);
    settled_with(world, &id, END_PROVIDER_LOST, 7175, HALF);
}

static void a_buyer_that_denies_a_start_pays_and_takes_no_bond(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct receipt receipt = cosigned_sample(&id);

    world->context.time_ms = T0 + 700000;
    assert_int_equal(world_expire(world, BUYER, &id, NULL), OK);
    world->context.time_ms = world_contract(world, &id).until_ms;
    assert_int_equal(world_claim(world, &id, &receipt), OK);
    assert_int_equal(world_contract(world, &id).reason, END_BUYER_CANCELLED);
    world->context.time_ms++;
    assert_int_equal(world_settle(world, PROVIDER, &id), OK);
    settled_with(world, &id, END_BUYER_CANCELLED, 7175, 0);
}

static void a_lost_provider_is_paid_what_was_signed_by_both(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct receipt receipt = cosigned_sample(&id);

    world->context.time_ms = world_contract(world, &id).deadline_ms + 1;
    assert_int_equal(world_deliver(world, &id, END_DONE, 0, &receipt),
                     ERR_TOO_LATE);
    assert_int_equal(world_expire(world, AGENT, &id, &receipt), OK);
    assert_int_equal(world_contract(world, &id).reason, END_PROVIDER_LOST);
    world->context.time_ms += 120001;
    assert_int_equal(world_settle(world, AGENT, &id), OK);
    settled_with(world, &id, END_PROVIDER_LOST, 7175, HALF);
}

static void a_claim_must_be_newer_and_in_time(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct receipt receipt = cosigned_sample(&id);
    struct receipt newer = newer_sample(&id);

    world->context.time_ms = world_contract(world, &id).deadline_ms + 1;
    assert_int_equal(world_expire(world, AGENT, &id, &receipt), OK);
    assert_int_equal(world_claim(world, &id, &receipt), ERR_RECEIPT_SEQ);
    assert_int_equal(world_claim(world, &id, &newer), OK);
    assert_int_equal(world_claim(world, &id, &newer), ERR_RECEIPT_SEQ);
    assert_int_equal(world_claim(world, &id, &receipt), ERR_RECEIPT_SEQ);
    newer.seq = 5;
    receipt_sign_both(&newer, true);
    world->context.time_ms += 120001;
    assert_int_equal(world_claim(world, &id, &newer), ERR_TOO_LATE);
    assert_int_equal(world_settle(world, PROVIDER, &id), OK);
    settled_with(world, &id, END_PROVIDER_LOST, 14350, HALF);
}

static void a_settled_contract_never_moves_again(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct receipt receipt = cosigned_sample(&id);

    assert_int_equal(world_refuse(world, &id, END_PROVIDER_DRAIN), OK);
    world->context.time_ms = T0 + 100000000;
    assert_int_equal(world_settle(world, AGENT, &id), ERR_STATE);
    assert_int_equal(world_settle(world, PROVIDER, &id), ERR_STATE);
    assert_int_equal(world_refuse(world, &id, END_PROVIDER_DRAIN), ERR_STATE);
    assert_int_equal(world_expire(world, AGENT, &id, NULL), ERR_STATE);
    assert_int_equal(world_claim(world, &id, &receipt), ERR_STATE);
    assert_int_equal(world_deliver(world, &id, END_DONE, 0, &receipt),
                     ERR_STATE);
}

/* ---- one key in several roles, and nothing to pay ---- */

static void a_free_task_moves_no_money_but_the_fee(void **state)
{
    struct world *world = *state;
    struct request request = sample_request();
    struct approval approval = sample_approval(&request);
    struct quote quote = sample_quote(&request);
    struct price nothing = {{0}, {0}, {0}};
    struct receipt receipt;
    struct hash id;

    assert_int_equal(quote_price(&request, &nothing, &quote), OK);
    quote.bond = amount_micro(0);
    assert_int_equal(world_open(world, AGENT, &request, &approval, &quote, &id),
                     OK);
    assert_int_equal(world_locked(world, &id), 0);
    receipt = sample_receipt(&id);
    receipt.due = amount_micro(0);
    receipt_sign_both(&receipt, true);
    assert_int_equal(world_deliver(world, &id, END_DONE, 0, &receipt), OK);
    assert_int_equal(world_settle(world, AGENT, &id), OK);
    gains_are(world, -(int64_t)FEE, 0, 0);
    assert_int_equal(world->effect.account_count, 0);
}

static void a_proposer_may_be_the_buyer(void **state)
{
    struct world *world = *state;
    struct hash id;
    world->context.fees_to = world_pubkey(BUYER);
    id = world_open_sample(world);
    assert_int_equal(world_balance(world, BUYER), WORLD_GRANT - CAP);
    assert_int_equal(world_locked(world, &id), CAP + BOND);
    assert_int_equal(world->effect.account_count, 2);
}

/* ---- the chain's numbers ---- */

static void the_chains_parameters_are_obeyed(void **state)
{
    struct world *world = *state;
    struct request request = sample_request();
    struct approval approval = sample_approval(&request);
    struct quote quote = sample_quote(&request);
    struct receipt receipt;
    struct hash id;

    assert_int_equal(params_state_put(world->state, "open_fee_micro", 17), OK);
    assert_int_equal(params_state_put(world->state, "bond_permille", 500), OK);
    assert_int_equal(params_state_put(world->state, "review_ms", 1000), OK);
    assert_int_equal(params_state_put(world->state, "review_ms_max", 2000), OK);
    assert_int_equal(world_open(world, AGENT, &request, &approval, &quote, &id),
                     ERR_BOND);
    quote.bond = amount_micro(CAP / 2);
    assert_int_equal(world_open(world, AGENT, &request, &approval, &quote, &id),
                     OK);
    assert_int_equal(world_balance(world, PROPOSER), WORLD_GRANT + 17);
    receipt = cosigned_sample(&id);
    assert_int_equal(world_deliver(world, &id, END_DONE, 0, &receipt), OK);
    assert_int_equal(world_contract(world, &id).until_ms,
                     world->context.time_ms + 2000);
}

/* ---- the clock of a node that is behind the chain ---- */

static void a_check_ahead_of_its_block_refuses_and_does_not_stop(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct receipt receipt = sample_receipt(&id);
    struct receipt cosigned = cosigned_sample(&id);

    receipt_sign_both(&receipt, false);
    world->context.time_ms = 0;
    assert_int_equal(world_deliver(world, &id, END_DONE, 0, &receipt),
                     ERR_RECEIPT_BOUND);
    assert_int_equal(world_expire(world, AGENT, &id, NULL), ERR_TOO_EARLY);
    assert_int_equal(world_deliver(world, &id, END_DONE, 0, &cosigned), OK);
    assert_int_equal(world_settle(world, AGENT, &id), OK);
    assert_int_equal(world_contract(world, &id).state, CONTRACT_SETTLED);
}

/* ---- the table of moves, the reasons ---- */

static void only_the_pictures_moves_are_allowed(void **state)
{
    static const bool allowed[5][5] = {
        [CONTRACT_ESCROWED] = {[CONTRACT_DELIVERED] = true,
                               [CONTRACT_CLOSING] = true,
                               [CONTRACT_SETTLED] = true},
        [CONTRACT_DELIVERED] = {[CONTRACT_SETTLED] = true},
        [CONTRACT_CLOSING] =
            {[CONTRACT_CLOSING] = true, [CONTRACT_SETTLED] = true},
    };
    (void)state;
    for (unsigned from = 0; from < 5; from++)
        for (unsigned to = 0; to < 5; to++)
            assert_int_equal(contract_move_allowed((enum contract_state)from,
                                                   (enum contract_state)to),
                             allowed[from][to]);
}

static void reasons_know_their_side(void **state)
{
    (void)state;
    assert_int_equal(end_reason_side(END_NONE), 0);
    assert_int_equal(end_reason_side(END_OUTPUT_LIMIT), 1);
    assert_int_equal(end_reason_side(END_PROVIDER_DRAIN), 2);
    assert_int_equal(end_reason_side(END_BUYER_CANCELLED), 3);
    assert_int_equal(end_reason_side(END_NOT_STARTED), 4);
    assert_int_equal(end_reason_side(END_GIVEN_UP), 4);
    assert_int_equal(end_reason_side((enum end_reason)15), 0);
    assert_true(end_reason_retries(END_NOT_STARTED));
    assert_true(end_reason_retries(END_GIVEN_UP));
    assert_true(end_reason_retries(END_PROVIDER_LOST));
    assert_false(end_reason_retries(END_DONE));
    assert_false(end_reason_retries(END_BUYER_CANCELLED));
    assert_false(end_reason_retries(END_NONE));
    assert_string_equal(end_reason_text((enum end_reason)999),
                        "a reason unknown to this program");
}

/* ---- the invariant ---- */

static void the_invariant_sees_every_kind_of_damage(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct contract good = world_contract(world, &id);
    struct amount locked = amount_micro(CAP + BOND);
    struct contract c = good;

    assert_true(contract_check_invariant(&c, locked));
    assert_false(contract_check_invariant(&c, amount_micro(CAP + BOND - 1)));
    assert_false(contract_check_invariant(&c, amount_micro(0)));
    c.paid = amount_micro(1);
    assert_false(contract_check_invariant(&c, locked));
    c = good;
    c.due = amount_micro(1);
    assert_false(contract_check_invariant(&c, locked));
    c = good;
    c.reason = END_DONE;
    assert_false(contract_check_invariant(&c, locked));
    c = good;
    c.state = CONTRACT_DELIVERED;
    assert_false(contract_check_invariant(&c, locked));
    c = good;
    c.state = (enum contract_state)9;
    assert_false(contract_check_invariant(&c, locked));
    c = good;
    c.state = CONTRACT_SETTLED;
    c.reason = END_PROVIDER_REFUSED;
    c.refunded = c.cap;
    assert_false(contract_check_invariant(&c, locked));
    assert_true(contract_check_invariant(&c, amount_micro(0)));
    c.refunded.micro--;
    assert_false(contract_check_invariant(&c, amount_micro(0)));
    c.refunded = c.cap;
    c.slashed = amount_micro(BOND + 1);
    assert_false(contract_check_invariant(&c, amount_micro(0)));
    c = good;
    c.cap = amount_micro(UINT64_MAX);
    assert_false(contract_check_invariant(&c, amount_micro(BOND - 1)));
}

/* ---- the record ---- */

static void a_record_comes_back_as_it_was_written(void **state)
{
    struct world *world = *state;
    struct hash id = world_open_sample(world);
    struct receipt receipt = cosigned_sample(&id);
    struct contract c, again;
    struct buf first, second;

    assert_int_equal(world_deliver(world, &id, END_DONE, 0, &receipt), OK);
    assert_int_equal(world_settle(world, AGENT, &id), OK);
    c = world_contract(world, &id);
    buf_init(&first, LIMIT_STATE_VALUE);
    buf_init(&second, LIMIT_STATE_VALUE);
    assert_int_equal(contract_encode(&c, &first), OK);
    assert_int_equal(contract_decode(buf_bytes(&first), &world->arena, &again),
                     OK);
    assert_true(hash_equal(&again.id, &id));
    assert_int_equal(contract_encode(&again, &second), OK);
    assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    c.state = (enum contract_state)0;
    buf_clear(&first);
    assert_int_equal(contract_encode(&c, &first), OK);
    assert_int_equal(contract_decode(buf_bytes(&first), &world->arena, &again),
                     ERR_RANGE);
    c.state = CONTRACT_SETTLED;
    c.reason = (enum end_reason)19;
    buf_clear(&first);
    assert_int_equal(contract_encode(&c, &first), OK);
    assert_int_equal(contract_decode(buf_bytes(&first), &world->arena, &again),
                     ERR_RANGE);
    buf_done(&first);
    buf_done(&second);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(open_locks_cap_and_bond_and_pays_the_fee),
        WITH_WORLD(the_buyer_may_open_too),
        WITH_WORLD(a_quote_without_payout_pays_the_provider),
        WITH_WORLD(delivered_and_accepted_pays_what_is_due),
        WITH_WORLD(silence_is_acceptance_when_the_review_ends),
        WITH_WORLD(
            an_unsigned_receipt_counts_as_far_as_the_chain_saw_time_pass),
        WITH_WORLD(a_full_run_pays_the_whole_cap),
        WITH_WORLD(refusing_in_time_costs_nothing),
        cmocka_unit_test(refusing_who_has_waited_costs_a_quarter_of_the_bond),
        WITH_WORLD(refusing_late_costs_a_quarter_of_the_bond),
        WITH_WORLD(refusing_at_the_deadline_still_costs_a_quarter),
        WITH_WORLD(refusing_after_the_deadline_costs_half_of_the_bond),
        WITH_WORLD(nobody_loses_a_bond_by_an_expiry_before_the_deadline),
        WITH_WORLD(an_expiry_with_a_receipt_opens_at_start_by_too),
        WITH_WORLD(a_claim_after_giving_up_raises_what_is_due_and_no_more),
        WITH_WORLD(a_bond_is_lost_after_the_deadline_and_no_moment_sooner),
        WITH_WORLD(a_claim_after_the_deadline_saves_no_bond),
        WITH_WORLD(a_buyer_that_denies_a_start_pays_and_takes_no_bond),
        WITH_WORLD(a_lost_provider_is_paid_what_was_signed_by_both),
        WITH_WORLD(a_claim_must_be_newer_and_in_time),
        WITH_WORLD(a_settled_contract_never_moves_again),
        WITH_WORLD(a_free_task_moves_no_money_but_the_fee),
        WITH_WORLD(a_proposer_may_be_the_buyer),
        WITH_WORLD(the_chains_parameters_are_obeyed),
        WITH_WORLD(a_check_ahead_of_its_block_refuses_and_does_not_stop),
        WITH_WORLD(the_invariant_sees_every_kind_of_damage),
        WITH_WORLD(a_record_comes_back_as_it_was_written),
        cmocka_unit_test(only_the_pictures_moves_are_allowed),
        cmocka_unit_test(reasons_know_their_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
