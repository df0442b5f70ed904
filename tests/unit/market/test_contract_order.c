/* Every refusal of every kind, in the order the header states.
 *
 * A case is a valid transaction and the list of its possible defects, in the
 * order of the checks. Each defect alone gives its own error; any two together
 * give the error of the earlier. So the list here is the list there. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "market/message.h"
#include "tests/unit/market/world.h"

#define CAP  43050u
#define BOND 4305u

/* ---- one transaction to be, with all that a defect may spoil ---- */

struct plan {
    struct world *world;
    uint32_t kind;
    enum actor sender;
    uint64_t fee;
    bool cut;            /* the payload loses its last byte */
    struct hash id;      /* the contract it names */
    struct contract now; /* the record it meets; written if `met` */
    bool met;
    uint64_t time_ms;
    /* open */
    struct request request;
    struct approval approval;
    struct quote quote;
    unsigned spoil_request, spoil_approval, spoil_quote; /* signatures */
    bool ran;        /* the task has an unsettled contract */
    bool buyer_poor; /* accounts */
    bool provider_poor;
    /* the others */
    enum end_reason reason;
    uint32_t exit_code;
    struct receipt receipt;
    bool has_receipt;
    bool cosigned;
    unsigned spoil_provider, spoil_agent;
};

typedef void defect_fn(struct plan *plan);

struct defect {
    const char *name;
    enum err err;
    defect_fn *spoil;
};

static void sign_nouns(struct plan *plan)
{
    struct hash chain = world_chain();
    assert_int_equal(request_sign(&plan->request, &chain, world_signer(BUYER)),
                     OK);
    plan->request.sig.b[5] ^= (uint8_t)plan->spoil_request;
    assert_int_equal(
        approval_sign(&plan->approval, &chain, world_signer(BUYER)), OK);
    plan->approval.sig.b[5] ^= (uint8_t)plan->spoil_approval;
    assert_int_equal(quote_sign(&plan->quote, &chain, world_signer(PROVIDER)),
                     OK);
    plan->quote.sig.b[5] ^= (uint8_t)plan->spoil_quote;
}

/* A request, once changed, has another id: what belongs to it must follow. */
static void nouns_follow(struct plan *plan)
{
    struct hash was = plan->quote.request;
    struct hash is = request_id_of(&plan->request);
    if (hash_equal(&plan->approval.request, &was))
        plan->approval.request = is;
    plan->quote.request = is;
}

static void open_build(struct plan *plan, struct buf *out)
{
    struct buf r, a, q;

    buf_init(&r, REQUEST_BYTES_MAX);
    buf_init(&a, APPROVAL_BYTES_MAX);
    buf_init(&q, QUOTE_BYTES_MAX);
    sign_nouns(plan);
    assert_int_equal(request_encode(&plan->request, &r), OK);
    assert_int_equal(approval_encode(&plan->approval, &a), OK);
    assert_int_equal(quote_encode(&plan->quote, &q), OK);
    contract_open_payload(buf_bytes(&r), buf_bytes(&a), buf_bytes(&q), out);
    buf_done(&r);
    buf_done(&a);
    buf_done(&q);
}

static void receipt_finish(struct plan *plan)
{
    receipt_sign_both(&plan->receipt, plan->cosigned);
    plan->receipt.provider_sig.b[5] ^= (uint8_t)plan->spoil_provider;
    plan->receipt.agent_sig.b[5] ^= (uint8_t)plan->spoil_agent;
}

static void payload_build(struct plan *plan, struct buf *out)
{
    struct contract_delivery d = {.contract = plan->id,
                                  .reason = plan->reason,
                                  .exit_code = plan->exit_code};
    receipt_finish(plan);
    d.receipt = plan->receipt;
    switch (plan->kind) {
    case TX_CONTRACT_OPEN:
        open_build(plan, out);
        break;
    case TX_CONTRACT_DELIVER:
        assert_int_equal(contract_deliver_payload(&d, out), OK);
        break;
    case TX_CONTRACT_REFUSE:
        contract_refuse_payload(&plan->id, plan->reason, out);
        break;
    case TX_CONTRACT_EXPIRE:
        contract_expire_payload(&plan->id,
                                plan->has_receipt ? &plan->receipt : NULL, out);
        break;
    case TX_CONTRACT_CLAIM:
        contract_claim_payload(&plan->id, &plan->receipt, out);
        break;
    default:
        contract_settle_payload(&plan->id, out);
        break;
    }
    assert_int_equal(out->err, OK);
}

static void record_write(struct world *world, const struct contract *c)
{
    uint8_t key[HASH_LEN + 4];
    struct buf record;

    buf_init(&record, LIMIT_STATE_VALUE);
    assert_int_equal(contract_encode(c, &record), OK);
    assert_int_equal(state_put(world->state, STATE_CONTRACT,
                               hash_as_bytes(&c->id), buf_bytes(&record)),
                     OK);
    buf_done(&record);
    memcpy(key, c->request.b, HASH_LEN);
    u32be_put(key + HASH_LEN, c->task);
    assert_int_equal(state_put(world->state, STATE_TASK, BYTES_OF(key),
                               hash_as_bytes(&c->id)),
                     OK);
}

/* The world as the plan wants it before its transaction. */
static void world_prepare(struct plan *plan)
{
    struct world *world = plan->world;
    struct contract ran = {.request = plan->quote.request,
                           .task = plan->quote.task,
                           .state = CONTRACT_ESCROWED};

    if (plan->met)
        record_write(world, &plan->now);
    if (plan->ran) {
        contract_id(&ran.request, ran.task, ran.attempt, &ran.id);
        record_write(world, &ran);
    }
    if (plan->buyer_poor)
        world_balance_set(world, BUYER, CAP + 3000 - 1);
    if (plan->provider_poor)
        world_balance_set(world, PROVIDER, BOND - 1);
    world->context.time_ms = plan->time_ms;
}

static enum err plan_run(struct plan *plan)
{
    struct buf payload;
    struct bytes bytes;
    enum err err;

    if (plan->kind == TX_CONTRACT_OPEN)
        nouns_follow(plan);
    world_prepare(plan);
    buf_init(&payload, LIMIT_TX_BYTES);
    payload_build(plan, &payload);
    bytes = buf_bytes(&payload);
    bytes.len -= plan->cut;
    err = world_apply(plan->world, plan->kind, plan->sender, plan->fee, bytes);
    buf_done(&payload);
    return err;
}

/* ---- the two laws ---- */

typedef void plan_fn(struct plan *plan);

static enum err run_with(plan_fn *make, const struct defect *a,
                         const struct defect *b)
{
    struct world world;
    struct plan plan = {.world = &world};
    enum err err;

    world_init(&world);
    make(&plan);
    /* The later one first: an earlier defect has the last word on a field. */
    if (b != NULL)
        b->spoil(&plan);
    if (a != NULL)
        a->spoil(&plan);
    err = plan_run(&plan);
    world_done(&world);
    return err;
}

static void order_holds(plan_fn *make, const struct defect *defects,
                        size_t count)
{
    assert_int_equal(run_with(make, NULL, NULL), OK);
    for (size_t i = 0; i < count; i++) {
        const struct defect *a = &defects[i];
        enum err err = run_with(make, a, NULL);
        if (err != a->err)
            fail_msg("%s: %s", a->name, err_name(err));
        for (size_t j = i + 1; j < count; j++) {
            err = run_with(make, a, &defects[j]);
            if (err != a->err)
                fail_msg("%s and %s: %s", a->name, defects[j].name,
                         err_name(err));
        }
    }
}
#define ORDER_HOLDS(make, defects)                                             \
    order_holds(make, defects, sizeof(defects) / sizeof((defects)[0]))

/* ---- defects that several kinds share ---- */

static void form_cut(struct plan *plan)
{
    plan->cut = true;
}
static void contract_unknown(struct plan *plan)
{
    plan->id = world_hash(0x77);
}
static void sender_other(struct plan *plan)
{
    plan->sender = OTHER;
}
static void sender_agent_with_fee(struct plan *plan)
{
    plan->sender = AGENT;
    plan->fee = 1;
}
static void sender_agent(struct plan *plan)
{
    plan->sender = AGENT;
}
static void sender_provider(struct plan *plan)
{
    plan->sender = PROVIDER;
}
static void state_escrowed(struct plan *plan)
{
    plan->now.state = CONTRACT_ESCROWED;
}
static void state_delivered(struct plan *plan)
{
    plan->now.state = CONTRACT_DELIVERED;
}
static void state_closing(struct plan *plan)
{
    plan->now.state = CONTRACT_CLOSING;
}
static void state_settled(struct plan *plan)
{
    plan->now.state = CONTRACT_SETTLED;
}
static void receipt_of_another(struct plan *plan)
{
    plan->receipt.contract = world_hash(0x78);
}
static void provider_sig_bad(struct plan *plan)
{
    plan->spoil_provider = 1;
}
static void agent_sig_bad(struct plan *plan)
{
    plan->spoil_agent = 1;
}
static void agent_sig_missing(struct plan *plan)
{
    plan->cosigned = false;
}
static void wall_beyond_limit(struct plan *plan)
{
    plan->receipt.wall_ms = 3600001;
    plan->receipt.due = amount_micro(CAP);
}
static void cpu_beyond_cores(struct plan *plan)
{
    plan->receipt.cpu_ms = 2 * plan->receipt.wall_ms + 201;
}
static void due_too_high(struct plan *plan)
{
    plan->receipt.due = amount_micro(7176);
}
static void due_too_low(struct plan *plan)
{
    plan->receipt.due = amount_micro(7174);
}

/* ---- open ---- */

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
    plan->time_ms = plan->now.deadline_ms + 1;
}
static void expire_bare_make(struct plan *plan)
{
    expire_make(plan);
    plan->has_receipt = false;
    plan->time_ms = plan->now.start_by_ms + 1;
}
static void at_deadline(struct plan *plan)
{
    plan->time_ms = plan->now.deadline_ms;
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
        {"deadline", ERR_TOO_EARLY, at_deadline},
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
        cmocka_unit_test(open_refuses_in_order),
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
