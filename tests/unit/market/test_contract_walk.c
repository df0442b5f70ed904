/* Thousands of random lives of a few contracts: anyone sends anything at any
 * time. After every transaction the model below must agree with the chain, no
 * money may be made or lost, and each record must have come by an arrow of the
 * picture. At the end either side alone can finish everything, and the accepted
 * transactions, replayed, give the same state. SUAN_WALKS sets how many. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/market/world.h"

#define WALKS     2000u
#define STEPS     40u
#define TASKS     2u
#define ATTEMPTS  3u
#define CONTRACTS (TASKS * ATTEMPTS)
#define CAP       43050u
#define BOND      4305u

/* One transaction that was accepted, to be replayed. */
struct accepted {
    uint32_t kind;
    enum actor sender;
    uint64_t time_ms;
    struct buf payload;
};

struct walk {
    struct world world;
    unsigned number; /* the seed it began with */
    uint64_t seed;
    struct request request; /* signed once; tasks 0..TASKS-1 */
    struct buf request_bytes;
    struct buf approval_bytes;
    struct hash ids[CONTRACTS]; /* task * ATTEMPTS + attempt */
    bool opened[CONTRACTS];
    struct contract was[CONTRACTS]; /* before the transaction */
    uint64_t ended_at[CONTRACTS];   /* when the buyer's side ended it, or 0 */
    unsigned long settled_whole;    /* bonds after an expire: given back, */
    unsigned long settled_half;     /* and lost by half */
    struct accepted log[4 * STEPS];
    size_t log_count;
    unsigned accepted_by_kind[6];
};

static uint64_t below(struct walk *walk, uint64_t bound)
{
    return world_random(&walk->seed) % bound;
}

static bool chance(struct walk *walk, unsigned percent)
{
    return below(walk, 100) < percent;
}

/* ---- what a random step is made of ---- */

struct step {
    uint32_t kind;
    enum actor sender;
    unsigned contract;
    enum end_reason reason;
    uint32_t exit_code;
    bool has_receipt;
    struct receipt receipt;
    bool provider_signed, agent_signed, agent_wrong;
    struct quote quote;
    bool quote_fresh; /* expiry follows the clock */
};

static void receipt_draw(struct walk *walk, struct step *step)
{
    const struct contract *c = &walk->was[step->contract];
    struct receipt *r = &step->receipt;
    struct hash chain = world_chain();

    *r = (struct receipt){.contract = walk->ids[step->contract],
                          .seq = 1 + (uint32_t)below(walk, 6),
                          .wall_ms =
                              below(walk, chance(walk, 70) ? 60000 : 4000000)};
    if (chance(walk, 20)) /* what the chain's clock allows, or just not */
        r->wall_ms = walk->world.context.time_ms - c->opened_at_ms +
                     CONTRACT_CLOCK_SLACK_MS + below(walk, 3) - 1;
    r->cpu_ms = chance(walk, 95) ? r->wall_ms + below(walk, 150)
                                 : 2 * r->wall_ms + 199 + below(walk, 3);
    r->due =
        receipt_due(amount_micro(SAMPLE_HOUR), amount_micro(CAP), r->wall_ms);
    if (chance(walk, 5))
        r->due = amount_micro(below(walk, 2 * CAP));
    step->provider_signed = chance(walk, 95);
    step->agent_signed = chance(walk, 70);
    step->agent_wrong = step->agent_signed && chance(walk, 5);
    assert_int_equal(
        receipt_sign_provider(
            r, &chain, world_signer(step->provider_signed ? PROVIDER : OTHER)),
        OK);
    if (step->agent_signed)
        assert_int_equal(
            receipt_sign_agent(r, &chain,
                               world_signer(step->agent_wrong ? BUYER : AGENT)),
            OK);
}

static void quote_draw(struct walk *walk, struct step *step)
{
    uint64_t now = walk->world.context.time_ms;
    struct quote *q = &step->quote;
    struct hash chain = world_chain();

    *q = sample_quote(&walk->request);
    q->task = step->contract / ATTEMPTS;
    q->attempt = step->contract % ATTEMPTS;
    step->quote_fresh = chance(walk, 90);
    q->expires_at_ms = step->quote_fresh ? now + 1 + below(walk, 1000) : now;
    q->start_by_ms = q->expires_at_ms + below(walk, 60000);
    if (chance(walk, 10)) /* it queues */
        q->start_by_ms += CONTRACT_REFUSE_FREE_MS + below(walk, 1800000);
    q->deadline_ms = q->start_by_ms + 3600000 + below(walk, 60000);
    assert_int_equal(quote_sign(q, &chain, world_signer(PROVIDER)), OK);
}

/* What somebody in earnest would do next with this contract. */
static void step_sensible(struct walk *walk, struct step *step)
{
    static const struct {
        uint32_t kind;
        enum actor sender;
    } next[5][4] = {
        [CONTRACT_ESCROWED] = {{TX_CONTRACT_DELIVER, PROVIDER},
                               {TX_CONTRACT_DELIVER, PROVIDER},
                               {TX_CONTRACT_REFUSE, PROVIDER},
                               {TX_CONTRACT_EXPIRE, AGENT}},
        [CONTRACT_DELIVERED] = {{TX_CONTRACT_SETTLE, AGENT},
                                {TX_CONTRACT_SETTLE, BUYER},
                                {TX_CONTRACT_SETTLE, PROVIDER},
                                {TX_CONTRACT_CLAIM, PROVIDER}},
        [CONTRACT_CLOSING] = {{TX_CONTRACT_CLAIM, PROVIDER},
                              {TX_CONTRACT_CLAIM, PROVIDER},
                              {TX_CONTRACT_CLAIM, PROVIDER},
                              {TX_CONTRACT_SETTLE, PROVIDER}},
        [CONTRACT_SETTLED] = {{TX_CONTRACT_SETTLE, AGENT},
                              {TX_CONTRACT_REFUSE, PROVIDER},
                              {TX_CONTRACT_DELIVER, PROVIDER},
                              {TX_CONTRACT_CLAIM, PROVIDER}},
    };
    uint64_t pick = below(walk, 4);
    enum contract_state state = walk->was[step->contract].state;
    step->kind = next[state][pick].kind;
    step->sender = next[state][pick].sender;
    step->reason =
        step->kind == TX_CONTRACT_REFUSE ? END_EXECUTOR_FAILED : END_TIME_LIMIT;
}

static void step_draw(struct walk *walk, struct step *step)
{
    static const enum end_reason reasons[] = {END_DONE,
                                              END_JOB_FAILED,
                                              END_TIME_LIMIT,
                                              END_STAGING_FAILED,
                                              END_EXECUTOR_FAILED,
                                              END_BUYER_CANCELLED,
                                              END_NOT_STARTED,
                                              END_NONE};
    static const enum actor senders[] = {BUYER,    AGENT,    AGENT,
                                         PROVIDER, PROVIDER, OTHER};

    memset(step, 0, sizeof(*step));
    step->contract = (unsigned)below(walk, CONTRACTS);
    step->sender = senders[below(walk, sizeof(senders) / sizeof(senders[0]))];
    step->reason = reasons[below(walk, sizeof(reasons) / sizeof(reasons[0]))];
    step->exit_code = (uint32_t)below(walk, 3);
    step->has_receipt = chance(walk, 50);
    if (!walk->opened[step->contract] || chance(walk, 5))
        step->kind = TX_CONTRACT_OPEN;
    else if (chance(walk, 50))
        step_sensible(walk, step);
    else
        step->kind = TX_CONTRACT_DELIVER + (uint32_t)below(walk, 5);
    step->receipt.seq = 1;
    if (step->kind == TX_CONTRACT_OPEN)
        quote_draw(walk, step);
    else if (step->kind != TX_CONTRACT_REFUSE &&
             step->kind != TX_CONTRACT_SETTLE)
        receipt_draw(walk, step);
}

static void step_build(struct walk *walk, const struct step *step,
                       struct buf *out)
{
    const struct hash *id = &walk->ids[step->contract];
    struct contract_delivery d = {.contract = *id,
                                  .reason = step->reason,
                                  .exit_code = step->exit_code,
                                  .receipt = step->receipt};
    struct buf quote;

    switch (step->kind) {
    case TX_CONTRACT_OPEN:
        buf_init(&quote, QUOTE_BYTES_MAX);
        assert_int_equal(quote_encode(&step->quote, &quote), OK);
        contract_open_payload(buf_bytes(&walk->request_bytes),
                              buf_bytes(&walk->approval_bytes),
                              buf_bytes(&quote), out);
        buf_done(&quote);
        break;
    case TX_CONTRACT_DELIVER:
        assert_int_equal(contract_deliver_payload(&d, out), OK);
        break;
    case TX_CONTRACT_REFUSE:
        contract_refuse_payload(id, step->reason, out);
        break;
    case TX_CONTRACT_EXPIRE:
        contract_expire_payload(id, step->has_receipt ? &step->receipt : NULL,
                                out);
        break;
    case TX_CONTRACT_CLAIM:
        contract_claim_payload(id, &step->receipt, out);
        break;
    default:
        contract_settle_payload(id, out);
        break;
    }
}

/* ---- the model: may this step succeed? ---- */

static bool model_receipt(const struct contract *c, const struct step *step,
                          bool must_be_cosigned)
{
    const struct receipt *r = &step->receipt;
    uint64_t due = ((uint64_t)SAMPLE_HOUR * r->wall_ms + 3599999) / 3600000;

    if (!step->provider_signed || step->agent_wrong ||
        (must_be_cosigned && !step->agent_signed))
        return false;
    if (r->seq <= c->receipt_seq || r->wall_ms < c->wall_ms ||
        r->cpu_ms < c->cpu_ms)
        return false;
    return r->wall_ms <= 3600000 && r->cpu_ms <= 2 * r->wall_ms + 200 &&
           r->due.micro == (due < CAP ? due : CAP);
}

static bool model_open(const struct walk *walk, const struct step *step)
{
    uint32_t task = step->contract / ATTEMPTS;
    uint32_t attempt = step->contract % ATTEMPTS;
    const struct contract *before;

    if (step->sender != BUYER && step->sender != AGENT)
        return false;
    if (!step->quote_fresh || walk->opened[step->contract])
        return false;
    for (uint32_t later = attempt + 1; later < ATTEMPTS; later++)
        if (walk->opened[task * ATTEMPTS + later])
            return false;
    if (attempt == 0)
        return true;
    before = &walk->was[step->contract - 1];
    return walk->opened[step->contract - 1] &&
           before->state == CONTRACT_SETTLED &&
           (before->reason / 10 == 2 || before->reason / 10 == 4);
}

static bool model_deliver(const struct contract *c, const struct step *step,
                          uint64_t now)
{
    if (step->sender != PROVIDER || c->state != CONTRACT_ESCROWED ||
        now > c->deadline_ms)
        return false;
    if (step->reason / 10 != 1 && step->reason != END_BUYER_CANCELLED)
        return false;
    if ((step->reason == END_DONE && step->exit_code != 0) ||
        (step->reason == END_JOB_FAILED && step->exit_code == 0))
        return false;
    if (!step->agent_signed &&
        step->receipt.wall_ms > now - c->opened_at_ms + 500)
        return false;
    return model_receipt(c, step, false);
}

static bool model_expire(const struct contract *c, const struct step *step,
                         uint64_t now)
{
    if ((step->sender != BUYER && step->sender != AGENT) ||
        c->state != CONTRACT_ESCROWED)
        return false;
    return now > c->start_by_ms &&
           (!step->has_receipt || model_receipt(c, step, true));
}

static bool model_settle(const struct contract *c, const struct step *step,
                         uint64_t now)
{
    if (step->sender == OTHER)
        return false;
    if (c->state == CONTRACT_DELIVERED)
        return step->sender != PROVIDER || now > c->until_ms;
    return c->state == CONTRACT_CLOSING && now > c->until_ms;
}

static bool model_allows(const struct walk *walk, const struct step *step)
{
    const struct contract *c = &walk->was[step->contract];
    uint64_t now = walk->world.context.time_ms;

    if (step->kind == TX_CONTRACT_OPEN)
        return model_open(walk, step);
    if (!walk->opened[step->contract])
        return false;
    switch (step->kind) {
    case TX_CONTRACT_DELIVER:
        return model_deliver(c, step, now);
    case TX_CONTRACT_REFUSE:
        return step->sender == PROVIDER && c->state == CONTRACT_ESCROWED &&
               step->reason / 10 == 2;
    case TX_CONTRACT_EXPIRE:
        return model_expire(c, step, now);
    case TX_CONTRACT_CLAIM:
        return step->sender == PROVIDER && c->state == CONTRACT_CLOSING &&
               now <= c->until_ms && model_receipt(c, step, true);
    default:
        return model_settle(c, step, now);
    }
}

/* ---- the model: how does it end, and what of the bond is lost? ---- */

#define BOND_QUARTER ((BOND + 3) / 4)
#define BOND_HALF    ((BOND + 1) / 2)

static enum end_reason model_reason(const struct contract *was,
                                    const struct step *step, uint64_t now)
{
    switch (step->kind) {
    case TX_CONTRACT_DELIVER:
    case TX_CONTRACT_REFUSE:
        return step->reason;
    case TX_CONTRACT_EXPIRE:
        if (now > was->deadline_ms)
            return END_PROVIDER_LOST;
        return step->has_receipt ? END_GIVEN_UP : END_NOT_STARTED;
    case TX_CONTRACT_CLAIM:
        return was->reason == END_NOT_STARTED ? END_BUYER_CANCELLED
                                              : was->reason;
    default:
        return was->reason;
    }
}

/* By the clock alone: the reason is the model's other page. */
static uint64_t model_slashed(const struct walk *walk, const struct step *step,
                              uint64_t now)
{
    const struct contract *was = &walk->was[step->contract];
    if (step->kind == TX_CONTRACT_REFUSE)
        return now > was->deadline_ms ? BOND_HALF
               : now > was->start_by_ms ||
                       now > was->opened_at_ms + CONTRACT_REFUSE_FREE_MS
                   ? BOND_QUARTER
                   : 0;
    if (step->kind != TX_CONTRACT_SETTLE)
        return 0;
    return walk->ended_at[step->contract] > was->deadline_ms ? BOND_HALF : 0;
}

/* After a step that counted, with `was` still as it was before. */
static void ended_as_modelled(struct walk *walk, const struct step *step)
{
    uint64_t now = walk->world.context.time_ms;
    const struct contract *was = &walk->was[step->contract];
    struct contract c =
        world_contract(&walk->world, &walk->ids[step->contract]);

    if (step->kind == TX_CONTRACT_OPEN)
        return;
    assert_int_equal(c.reason, model_reason(was, step, now));
    assert_int_equal(c.slashed.micro, model_slashed(walk, step, now));
    if (step->kind == TX_CONTRACT_EXPIRE) {
        walk->ended_at[step->contract] = now;
        assert_int_equal(c.receipt_seq,
                         step->has_receipt ? step->receipt.seq : 0);
    }
    if (step->kind == TX_CONTRACT_SETTLE && was->state == CONTRACT_CLOSING)
        c.slashed.micro > 0 ? walk->settled_half++ : walk->settled_whole++;
}

/* ---- what must hold after every transaction ---- */

static void contract_holds(struct walk *walk, unsigned i)
{
    struct contract c = world_contract(&walk->world, &walk->ids[i]);
    const struct contract *was = &walk->was[i];
    uint64_t locked = world_locked(&walk->world, &walk->ids[i]);

    assert_true(contract_check_invariant(&c, amount_micro(locked)));
    assert_true(c.paid.micro <= CAP && c.due.micro <= CAP);
    assert_true(c.paid.micro + c.refunded.micro ==
                (c.state == CONTRACT_SETTLED ? CAP : 0));
    assert_true(c.slashed.micro <= BOND);
    if (!walk->opened[i])
        return;
    assert_true(c.receipt_seq >= was->receipt_seq);
    assert_true(c.wall_ms >= was->wall_ms && c.cpu_ms >= was->cpu_ms);
    assert_true(c.due.micro >= was->due.micro);
    if (c.state != was->state)
        assert_true(contract_move_allowed(was->state, c.state));
    if (was->state == CONTRACT_SETTLED)
        assert_memory_equal(&c.paid, &was->paid, sizeof(c.paid));
}

static void all_holds(struct walk *walk)
{
    assert_int_equal(world_money(&walk->world), WORLD_SUPPLY);
    for (unsigned i = 0; i < CONTRACTS; i++)
        if (walk->opened[i])
            contract_holds(walk, i);
}

static void remember(struct walk *walk)
{
    for (unsigned i = 0; i < CONTRACTS; i++)
        if (walk->opened[i])
            walk->was[i] = world_contract(&walk->world, &walk->ids[i]);
}

static void log_add(struct walk *walk, uint32_t kind, enum actor sender,
                    struct bytes payload)
{
    struct accepted *accepted = &walk->log[walk->log_count++];
    assert_true(walk->log_count <= sizeof(walk->log) / sizeof(walk->log[0]));
    accepted->kind = kind;
    accepted->sender = sender;
    accepted->time_ms = walk->world.context.time_ms;
    buf_init(&accepted->payload, LIMIT_TX_BYTES);
    buf_add(&accepted->payload, payload);
    walk->accepted_by_kind[kind - TX_CONTRACT_OPEN]++;
}

static enum err walk_send(struct walk *walk, const struct step *step)
{
    struct buf payload;
    enum err err;

    buf_init(&payload, LIMIT_TX_BYTES);
    step_build(walk, step, &payload);
    assert_int_equal(payload.err, OK);
    err = world_apply(&walk->world, step->kind, step->sender, 0,
                      buf_bytes(&payload));
    if (err == OK) {
        log_add(walk, step->kind, step->sender, buf_bytes(&payload));
        ended_as_modelled(walk, step);
    }
    buf_done(&payload);
    return err;
}

/* ---- one walk ---- */

/* Time goes on a little, or to the edge of something. */
static void clock_draw(struct walk *walk)
{
    const struct contract *c = &walk->was[below(walk, CONTRACTS)];
    uint64_t edges[] = {c->start_by_ms, c->deadline_ms, c->until_ms,
                        c->opened_at_ms + CONTRACT_REFUSE_FREE_MS};
    uint64_t edge = edges[below(walk, 4)] + below(walk, 3) - 1;
    uint64_t *now = &walk->world.context.time_ms;

    if (chance(walk, 10) && edge > *now && edge < T0 + 250000000)
        *now = edge;
    else
        *now += below(walk, 20000);
}

/* A long claims window, so that many a claim falls into it. */
static void walk_world_init(struct world *world)
{
    world_init(world);
    assert_int_equal(params_state_put(world->state, "claim_ms", 600000), OK);
}

static void walk_begin(struct walk *walk, unsigned number)
{
    struct hash chain = world_chain();
    struct approval approval;

    memset(walk, 0, sizeof(*walk));
    walk->number = number;
    walk->seed = number;
    walk_world_init(&walk->world);
    walk->request = sample_request();
    walk->request.tasks = TASKS;
    walk->request.expires_at_ms = T0 + 1000000000;
    approval = sample_approval(&walk->request);
    approval.expires_at_ms = T0 + 1000000000;
    buf_init(&walk->request_bytes, REQUEST_BYTES_MAX);
    buf_init(&walk->approval_bytes, APPROVAL_BYTES_MAX);
    assert_int_equal(request_sign(&walk->request, &chain, world_signer(BUYER)),
                     OK);
    assert_int_equal(approval_sign(&approval, &chain, world_signer(BUYER)), OK);
    assert_int_equal(request_encode(&walk->request, &walk->request_bytes), OK);
    assert_int_equal(approval_encode(&approval, &walk->approval_bytes), OK);
    for (unsigned i = 0; i < CONTRACTS; i++)
        contract_id(&approval.request, i / ATTEMPTS, i % ATTEMPTS,
                    &walk->ids[i]);
}

static void walk_end(struct walk *walk)
{
    for (size_t i = 0; i < walk->log_count; i++)
        buf_done(&walk->log[i].payload);
    buf_done(&walk->request_bytes);
    buf_done(&walk->approval_bytes);
    world_done(&walk->world);
}

static void walk_step(struct walk *walk, unsigned number)
{
    struct step step;
    bool allowed;
    enum err err;

    clock_draw(walk);
    step_draw(walk, &step);
    allowed = model_allows(walk, &step);
    err = walk_send(walk, &step);
    if ((err == OK) != allowed)
        fail_msg("walk %u, step %u, kind %u, sender %d: %s", walk->number,
                 number, step.kind, (int)step.sender, err_name(err));
    all_holds(walk);
    if (err == OK)
        walk->opened[step.contract] = true;
    remember(walk);
}

/* Whatever happened, one side alone can bring every contract to its end. */
static void walk_finish(struct walk *walk, bool by_provider)
{
    enum actor side = by_provider ? PROVIDER : AGENT;
    uint64_t *now = &walk->world.context.time_ms;

    *now += 10 * (uint64_t)86400000;
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < CONTRACTS; i++) {
            struct step step = {.contract = i, .sender = side};
            const struct contract *c = &walk->was[i];
            if (!walk->opened[i] || c->state == CONTRACT_SETTLED)
                continue;
            step.kind = TX_CONTRACT_SETTLE;
            if (c->state == CONTRACT_ESCROWED)
                step.kind =
                    by_provider ? TX_CONTRACT_REFUSE : TX_CONTRACT_EXPIRE;
            step.reason = END_PROVIDER_LOST;
            step.receipt.seq = 1;
            assert_int_equal(walk_send(walk, &step), OK);
            all_holds(walk);
        }
        remember(walk);
        *now += 10 * (uint64_t)86400000;
    }
    for (unsigned i = 0; i < CONTRACTS; i++)
        if (walk->opened[i])
            assert_int_equal(walk->was[i].state, CONTRACT_SETTLED);
}

static void root_of(struct world *world, struct hash *out)
{
    assert_int_equal(state_seal(world->state, amount_micro(WORLD_SUPPLY), out),
                     OK);
}

static void walk_replay(struct walk *walk)
{
    struct world again;
    struct hash first, second;

    walk_world_init(&again);
    for (size_t i = 0; i < walk->log_count; i++) {
        struct accepted *accepted = &walk->log[i];
        again.context.time_ms = accepted->time_ms;
        assert_int_equal(world_apply(&again, accepted->kind, accepted->sender,
                                     0, buf_bytes(&accepted->payload)),
                         OK);
    }
    root_of(&walk->world, &first);
    root_of(&again, &second);
    assert_true(hash_equal(&first, &second));
    world_done(&again);
}

static void random_lives_keep_every_law(void **state)
{
    static struct walk walk;
    const char *wanted = getenv("SUAN_WALKS");
    unsigned walks =
        wanted != NULL ? (unsigned)strtoul(wanted, NULL, 10) : WALKS;
    unsigned long accepted[6] = {0}, whole = 0, half = 0;

    (void)state;
    for (unsigned seed = 1; seed <= walks; seed++) {
        walk_begin(&walk, seed);
        for (unsigned i = 0; i < STEPS; i++)
            walk_step(&walk, i);
        walk_finish(&walk, seed % 2 == 0);
        walk_replay(&walk);
        for (unsigned kind = 0; kind < 6; kind++)
            accepted[kind] += walk.accepted_by_kind[kind];
        whole += walk.settled_whole;
        half += walk.settled_half;
        walk_end(&walk);
    }
    /* A walk that never gets anywhere proves nothing. */
    print_message("%u walks: %lu opened, %lu delivered, %lu refused, "
                  "%lu expired, %lu claimed, %lu settled\n",
                  walks, accepted[0], accepted[1], accepted[2], accepted[3],
                  accepted[4], accepted[5]);
    for (unsigned kind = 0; kind < 6; kind++)
        assert_true(accepted[kind] >= walks / 10);
    print_message("ended by the buyer's side: %lu without a slash, %lu with\n",
                  whole, half);
    assert_true(whole >= walks / 10 && half >= walks / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_lives_keep_every_law),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
