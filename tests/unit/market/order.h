#ifndef TESTS_UNIT_MARKET_ORDER_H
#define TESTS_UNIT_MARKET_ORDER_H

/* The order of refusals, as a law to test.
 *
 * A case is a valid transaction and the list of its possible defects, in the
 * order of the checks. Each defect alone gives its own error; any two together
 * give the error of the earlier. So a test's list is the header's list. Include
 * after cmocka.h. */

#include "market/message.h"
#include "tests/unit/market/world.h"

/* Of the sample quote. */
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

static inline void sign_nouns(struct plan *plan)
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
static inline void nouns_follow(struct plan *plan)
{
    struct hash was = plan->quote.request;
    struct hash is = request_id_of(&plan->request);
    if (hash_equal(&plan->approval.request, &was))
        plan->approval.request = is;
    plan->quote.request = is;
}

static inline void open_build(struct plan *plan, struct buf *out)
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

static inline void receipt_finish(struct plan *plan)
{
    receipt_sign_both(&plan->receipt, plan->cosigned);
    plan->receipt.provider_sig.b[5] ^= (uint8_t)plan->spoil_provider;
    plan->receipt.agent_sig.b[5] ^= (uint8_t)plan->spoil_agent;
}

static inline void payload_build(struct plan *plan, struct buf *out)
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

static inline void record_write(struct world *world, const struct contract *c)
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
static inline void world_prepare(struct plan *plan)
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

static inline enum err plan_run(struct plan *plan)
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

static inline enum err run_with(plan_fn *make, const struct defect *a,
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

static inline void order_holds(plan_fn *make, const struct defect *defects,
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

static inline void form_cut(struct plan *plan)
{
    plan->cut = true;
}
static inline void contract_unknown(struct plan *plan)
{
    plan->id = world_hash(0x77);
}
static inline void sender_other(struct plan *plan)
{
    plan->sender = OTHER;
}
static inline void sender_agent_with_fee(struct plan *plan)
{
    plan->sender = AGENT;
    plan->fee = 1;
}
static inline void sender_agent(struct plan *plan)
{
    plan->sender = AGENT;
}
static inline void sender_provider(struct plan *plan)
{
    plan->sender = PROVIDER;
}
static inline void state_escrowed(struct plan *plan)
{
    plan->now.state = CONTRACT_ESCROWED;
}
static inline void state_delivered(struct plan *plan)
{
    plan->now.state = CONTRACT_DELIVERED;
}
static inline void state_closing(struct plan *plan)
{
    plan->now.state = CONTRACT_CLOSING;
}
static inline void state_settled(struct plan *plan)
{
    plan->now.state = CONTRACT_SETTLED;
}
static inline void receipt_of_another(struct plan *plan)
{
    plan->receipt.contract = world_hash(0x78);
}
static inline void provider_sig_bad(struct plan *plan)
{
    plan->spoil_provider = 1;
}
static inline void agent_sig_bad(struct plan *plan)
{
    plan->spoil_agent = 1;
}
static inline void agent_sig_missing(struct plan *plan)
{
    plan->cosigned = false;
}
static inline void wall_beyond_limit(struct plan *plan)
{
    plan->receipt.wall_ms = 3600001;
    plan->receipt.due = amount_micro(CAP);
}
static inline void cpu_beyond_cores(struct plan *plan)
{
    plan->receipt.cpu_ms = 2 * plan->receipt.wall_ms + 201;
}
static inline void due_too_high(struct plan *plan)
{
    plan->receipt.due = amount_micro(7176);
}
static inline void due_too_low(struct plan *plan)
{
    plan->receipt.due = amount_micro(7174);
}

#endif
