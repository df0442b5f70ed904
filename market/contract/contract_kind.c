#include "market/contract/contract.h"

#include "base/check.h"
#include "market/contract/contract_inner.h"

/* ---- shared rules ---- */

enum err contract_buyer_side(const struct pubkey *buyer,
                             const struct pubkey *agent, const struct tx *tx)
{
    if (pubkey_equal(&tx->sender, buyer))
        return OK;
    if (!pubkey_equal(&tx->sender, agent))
        return ERR_PARTY;
    return amount_is_zero(tx->fee) ? OK : ERR_FEE;
}

void contract_effect_account(struct tx_effect *effect, const struct pubkey *key,
                             struct amount amount)
{
    if (amount_is_zero(amount))
        return;
    for (uint32_t i = 0; i < effect->account_count; i++)
        if (pubkey_equal(&effect->accounts[i], key))
            return;
    CHECK(effect->account_count <
          sizeof(effect->accounts) / sizeof(effect->accounts[0]));
    effect->accounts[effect->account_count++] = *key;
}

/* now + wait, which cannot wrap for any honest clock and must not for a
 * dishonest one. */
static uint64_t later(uint64_t now_ms, uint64_t wait_ms)
{
    return now_ms > UINT64_MAX - wait_ms ? UINT64_MAX : now_ms + wait_ms;
}

/* A receipt of this contract, signed as it says, within what was agreed. */
static enum err receipt_accept(const struct contract *c,
                               const struct receipt *receipt,
                               const struct pubkey *agent,
                               const struct hash *chain)
{
    struct receipt since = {
        .seq = c->receipt_seq, .wall_ms = c->wall_ms, .cpu_ms = c->cpu_ms};

    if (!hash_equal(&receipt->contract, &c->id))
        return ERR_TERMS;
    TRY(receipt_verify(receipt, chain, &c->provider, agent));
    return receipt_check(receipt, &since, c->hour, c->cap, c->cpu_milli,
                         c->time_ms_max);
}

static void receipt_record(struct contract *c, const struct receipt *receipt,
                           bool cosigned)
{
    CHECK(receipt->seq > c->receipt_seq);
    CHECK(amount_cmp(receipt->due, c->cap) <= 0);
    c->receipt_seq = receipt->seq;
    c->wall_ms = receipt->wall_ms;
    c->cpu_ms = receipt->cpu_ms;
    c->due = receipt->due;
    c->due_cosigned = cosigned;
}

/* Empties the vault by the picture's table. */
static enum err contract_pay_out(struct state *state, struct contract *c,
                                 struct amount slashed, uint64_t now_ms,
                                 struct tx_effect *effect)
{
    struct amount to_buyer, to_provider, refunded;
    struct {
        const struct pubkey *key;
        struct amount amount;
    } parts[3];

    TRY(amount_sub(c->cap, c->due, &refunded));
    TRY(amount_add(refunded, slashed, &to_buyer));
    TRY(amount_sub(c->bond, slashed, &to_provider));
    parts[0].key = &c->payout;
    parts[0].amount = c->due;
    parts[1].key = &c->buyer;
    parts[1].amount = to_buyer;
    parts[2].key = &c->provider;
    parts[2].amount = to_provider;
    for (size_t i = 0; i < 3; i++) {
        if (amount_is_zero(parts[i].amount))
            continue;
        TRY(vault_pay(state, &c->id, parts[i].key, parts[i].amount));
        contract_effect_account(effect, parts[i].key, parts[i].amount);
    }
    c->paid = c->due;
    c->refunded = refunded;
    c->slashed = slashed;
    c->settled_at_ms = now_ms;
    c->state = CONTRACT_SETTLED;
    effect->moved = c->paid;
    return OK;
}

static enum err contract_moved(struct state *state, enum contract_state from,
                               const struct contract *c,
                               struct tx_effect *effect,
                               struct tx_effect *out_effect)
{
    TRY(contract_put(state, from, c));
    effect->subject = c->id;
    effect->code = c->state;
    *out_effect = *effect;
    return OK;
}

/* ---- deliver ---- */

static enum err delivery_reason_check(const struct contract_delivery *d)
{
    if (end_reason_side(d->reason) != 1 && d->reason != END_BUYER_CANCELLED)
        return ERR_RANGE;
    if (d->reason == END_DONE && d->exit_code != 0)
        return ERR_RANGE;
    if (d->reason == END_JOB_FAILED && d->exit_code == 0)
        return ERR_RANGE;
    return OK;
}

/* Nobody but the provider stands behind this receipt, so the chain's own clock
 * has to: it cannot have run for longer than the contract exists. */
static enum err clock_bound_check(const struct contract *c,
                                  const struct receipt *receipt,
                                  uint64_t now_ms)
{
    uint64_t age_ms = now_ms > c->opened_at_ms ? now_ms - c->opened_at_ms : 0;
    if (receipt->wall_ms > later(age_ms, CONTRACT_CLOCK_SLACK_MS))
        return ERR_RECEIPT_BOUND;
    return OK;
}

static enum err deliver_apply(struct state *state, const struct tx *tx,
                              const struct block_context *context,
                              struct arena *arena, struct tx_effect *out_effect)
{
    struct tx_effect effect = {0};
    struct contract_delivery d;
    struct market_params params;
    struct contract c;
    bool cosigned;

    TRY(contract_deliver_decode(tx->payload, arena, &d));
    TRY(contract_get(state, &d.contract, arena, &c));
    if (!pubkey_equal(&tx->sender, &c.provider))
        return ERR_PARTY;
    if (c.state != CONTRACT_ESCROWED)
        return ERR_STATE;
    if (context->time_ms > c.deadline_ms)
        return ERR_TOO_LATE;
    TRY(delivery_reason_check(&d));
    cosigned = receipt_is_cosigned(&d.receipt);
    TRY(receipt_accept(&c, &d.receipt, cosigned ? &c.agent : NULL,
                       &context->chain));
    if (!cosigned)
        TRY(clock_bound_check(&c, &d.receipt, context->time_ms));
    TRY(market_params_load(state, &params));
    receipt_record(&c, &d.receipt, cosigned);
    c.state = CONTRACT_DELIVERED;
    c.reason = d.reason;
    c.exit_code = d.exit_code;
    c.result = d.result;
    c.log = d.log;
    c.until_ms = later(context->time_ms, market_review_ms(&params, c.wall_ms));
    return contract_moved(state, CONTRACT_ESCROWED, &c, &effect, out_effect);
}

/* ---- refuse ---- */

static struct amount refuse_slash(const struct contract *c, uint64_t now_ms)
{
    if (now_ms <= c->start_by_ms &&
        now_ms <= later(c->opened_at_ms, CONTRACT_REFUSE_FREE_MS))
        return amount_micro(0);
    if (now_ms <= c->deadline_ms)
        return contract_slash_late(c->bond);
    return contract_slash_lost(c->bond);
}

static enum err refuse_apply(struct state *state, const struct tx *tx,
                             const struct block_context *context,
                             struct arena *arena, struct tx_effect *out_effect)
{
    struct tx_effect effect = {0};
    struct contract_refuse r;
    struct contract c;

    TRY(contract_refuse_decode(tx->payload, arena, &r));
    TRY(contract_get(state, &r.contract, arena, &c));
    if (!pubkey_equal(&tx->sender, &c.provider))
        return ERR_PARTY;
    if (c.state != CONTRACT_ESCROWED)
        return ERR_STATE;
    if (end_reason_side(r.reason) != 2)
        return ERR_RANGE;
    c.reason = r.reason;
    TRY(contract_pay_out(state, &c, refuse_slash(&c, context->time_ms),
                         context->time_ms, &effect));
    return contract_moved(state, CONTRACT_ESCROWED, &c, &effect, out_effect);
}

/* ---- expire ---- */

/* The buyer's side decides to end it, and that never slashes; but after the
 * deadline it is the provider who broke its word. */
static enum end_reason expire_reason(const struct contract *c, uint64_t now_ms)
{
    CHECK(now_ms > c->start_by_ms);
    if (now_ms > c->deadline_ms)
        return END_PROVIDER_LOST;
    return c->receipt_seq == 0 ? END_NOT_STARTED : END_GIVEN_UP;
}

static enum err expire_apply(struct state *state, const struct tx *tx,
                             const struct block_context *context,
                             struct arena *arena, struct tx_effect *out_effect)
{
    struct tx_effect effect = {0};
    struct contract_expire e;
    struct market_params params;
    struct contract c;
    uint64_t now_ms = context->time_ms;

    TRY(contract_expire_decode(tx->payload, arena, &e));
    TRY(contract_get(state, &e.contract, arena, &c));
    TRY(contract_buyer_side(&c.buyer, &c.agent, tx));
    if (c.state != CONTRACT_ESCROWED)
        return ERR_STATE;
    if (now_ms <= c.start_by_ms)
        return ERR_TOO_EARLY;
    if (e.has_receipt) {
        TRY(receipt_accept(&c, &e.receipt, &c.agent, &context->chain));
        receipt_record(&c, &e.receipt, true);
    }
    TRY(market_params_load(state, &params));
    c.state = CONTRACT_CLOSING;
    c.reason = expire_reason(&c, now_ms);
    c.until_ms = later(now_ms, params.claim_ms);
    return contract_moved(state, CONTRACT_ESCROWED, &c, &effect, out_effect);
}

/* ---- claim ---- */

static enum err claim_apply(struct state *state, const struct tx *tx,
                            const struct block_context *context,
                            struct arena *arena, struct tx_effect *out_effect)
{
    struct tx_effect effect = {0};
    struct contract_claim claim;
    struct contract c;

    TRY(contract_claim_decode(tx->payload, arena, &claim));
    TRY(contract_get(state, &claim.contract, arena, &c));
    if (!pubkey_equal(&tx->sender, &c.provider))
        return ERR_PARTY;
    if (c.state != CONTRACT_CLOSING)
        return ERR_STATE;
    if (context->time_ms > c.until_ms)
        return ERR_TOO_LATE;
    TRY(receipt_accept(&c, &claim.receipt, &c.agent, &context->chain));
    receipt_record(&c, &claim.receipt, true);
    /* It had started after all: the buyer's side ended a running job. */
    if (c.reason == END_NOT_STARTED)
        c.reason = END_BUYER_CANCELLED;
    return contract_moved(state, CONTRACT_CLOSING, &c, &effect, out_effect);
}

/* ---- settle ---- */

/* Who may, and when. */
static enum err settle_check(const struct contract *c, const struct tx *tx,
                             uint64_t now_ms)
{
    enum err buyer_side = contract_buyer_side(&c->buyer, &c->agent, tx);
    bool waits = c->state == CONTRACT_CLOSING || buyer_side != OK;

    if (buyer_side != OK && !pubkey_equal(&tx->sender, &c->provider))
        return buyer_side;
    if (c->state != CONTRACT_DELIVERED && c->state != CONTRACT_CLOSING)
        return ERR_STATE;
    return waits && now_ms <= c->until_ms ? ERR_TOO_EARLY : OK;
}

/* CLOSING and PROVIDER_LOST: expired after the deadline, and only then. */
static struct amount settle_slash(const struct contract *c)
{
    CHECK(c->state == CONTRACT_DELIVERED || c->state == CONTRACT_CLOSING);
    if (c->state == CONTRACT_DELIVERED || c->reason != END_PROVIDER_LOST)
        return amount_micro(0);
    return contract_slash_lost(c->bond);
}

static enum err settle_apply(struct state *state, const struct tx *tx,
                             const struct block_context *context,
                             struct arena *arena, struct tx_effect *out_effect)
{
    struct tx_effect effect = {0};
    enum contract_state from;
    struct contract c;
    struct hash id;

    TRY(contract_settle_decode(tx->payload, arena, &id));
    TRY(contract_get(state, &id, arena, &c));
    TRY(settle_check(&c, tx, context->time_ms));
    from = c.state;
    TRY(contract_pay_out(state, &c, settle_slash(&c), context->time_ms,
                         &effect));
    return contract_moved(state, from, &c, &effect, out_effect);
}

/* ---- the table ---- */

static struct amount no_fee(size_t payload_len)
{
    (void)payload_len;
    return amount_micro(0);
}

const struct tx_kind market_kinds[] = {
    {TX_CONTRACT_OPEN, "contract.open", no_fee, contract_open_apply},
    {TX_CONTRACT_DELIVER, "contract.deliver", no_fee, deliver_apply},
    {TX_CONTRACT_REFUSE, "contract.refuse", no_fee, refuse_apply},
    {TX_CONTRACT_EXPIRE, "contract.expire", no_fee, expire_apply},
    {TX_CONTRACT_CLAIM, "contract.claim", no_fee, claim_apply},
    {TX_CONTRACT_SETTLE, "contract.settle", no_fee, settle_apply},
};
const size_t market_kind_count = sizeof(market_kinds) / sizeof(market_kinds[0]);
