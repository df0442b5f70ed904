#include "market/contract/contract.h"

#include "base/check.h"
#include "market/contract/contract_inner.h"

/* One open under way: the three signed nouns and what follows from them. */
struct opening {
    struct contract_open o;
    struct hash request_id;
    struct market_params params;
    struct contract c; /* the contract to be */
};

static enum err signatures_check(const struct opening *opening,
                                 const struct hash *chain)
{
    const struct contract_open *o = &opening->o;
    TRY(sign_verify(&o->request.buyer, &opening->request_id, &o->request.sig));
    TRY(approval_verify(&o->approval, &o->request.buyer, chain));
    return quote_verify(&o->quote, chain);
}

static enum err terms_check(const struct opening *opening)
{
    const struct contract_open *o = &opening->o;
    if (!hash_equal(&o->approval.request, &opening->request_id))
        return ERR_TERMS;
    return quote_terms(&o->quote, &o->request, &opening->request_id);
}

static enum err times_check(const struct contract_open *o, uint64_t now_ms)
{
    if (now_ms >= o->request.expires_at_ms ||
        now_ms >= o->approval.expires_at_ms || now_ms >= o->quote.expires_at_ms)
        return ERR_EXPIRED;
    return OK;
}

static enum err price_check(const struct opening *opening)
{
    const struct contract_open *o = &opening->o;
    if (amount_cmp(o->quote.cap, o->approval.task_cap) > 0)
        return ERR_PRICE;
    return quote_check(&o->quote, &o->request, &opening->request_id);
}

/* Does the attempt follow what the task has been through? */
static enum err attempt_check(struct state *state,
                              const struct contract_open *o,
                              const struct hash *request_id,
                              struct arena *arena)
{
    struct contract latest;
    uint32_t attempt = o->quote.attempt;
    enum err err =
        contract_of_task(state, request_id, o->quote.task, arena, &latest);

    if (err == ERR_NOT_FOUND)
        return attempt == 0 ? OK : ERR_STATE;
    if (err != OK)
        return err;
    if (latest.attempt >= attempt || latest.state != CONTRACT_SETTLED ||
        !end_reason_retries(latest.reason))
        return ERR_EXISTS;
    return attempt - latest.attempt == 1 ? OK : ERR_STATE;
}

static void contract_fill(struct opening *opening, uint64_t now_ms)
{
    const struct request *request = &opening->o.request;
    const struct quote *quote = &opening->o.quote;
    struct contract *c = &opening->c;

    *c = (struct contract){
        .request = opening->request_id,
        .task = quote->task,
        .attempt = quote->attempt,
        .state = CONTRACT_ESCROWED,
        .buyer = request->buyer,
        .agent = request->agent,
        .provider = quote->provider,
        .payout =
            pubkey_is_zero(&quote->payout) ? quote->provider : quote->payout,
        .hour = quote->hour,
        .cap = quote->cap,
        .bond = quote->bond,
        .cpu_milli = request->resources.cpu_milli,
        .time_ms_max = request->time_ms_max,
        .opened_at_ms = now_ms,
        .start_by_ms = quote->start_by_ms,
        .deadline_ms = quote->deadline_ms,
    };
    contract_id(&c->request, c->task, c->attempt, &c->id);
}

static enum err bond_lock(struct state *state, const struct opening *opening,
                          struct tx_effect *effect)
{
    const struct contract *c = &opening->c;
    enum err err;

    if (amount_cmp(c->bond, market_bond_min(&opening->params, c->cap)) < 0)
        return ERR_BOND;
    if (amount_is_zero(c->bond))
        return OK;
    err = vault_lock(state, &c->id, &c->provider, c->bond);
    if (err == OK)
        contract_effect_account(effect, &c->provider, c->bond);
    return err == ERR_FUNDS ? ERR_BOND : err;
}

static enum err buyer_pays(struct state *state, const struct opening *opening,
                           const struct pubkey *fees_to,
                           struct tx_effect *effect)
{
    const struct contract *c = &opening->c;
    struct amount fee = market_open_fee(&opening->params);

    if (!amount_is_zero(fee)) {
        TRY(account_debit(state, &c->buyer, fee));
        TRY(account_credit(state, fees_to, fee));
    }
    if (!amount_is_zero(c->cap))
        TRY(vault_lock(state, &c->id, &c->buyer, c->cap));
    contract_effect_account(effect, &c->buyer, fee);
    contract_effect_account(effect, &c->buyer, c->cap);
    contract_effect_account(effect, fees_to, fee);
    return OK;
}

/* Everything but the money, in the header's order; fills the opening. */
static enum err opening_check(struct state *state, const struct tx *tx,
                              const struct block_context *context,
                              struct arena *arena, struct opening *opening)
{
    const struct contract_open *o = &opening->o;

    TRY(contract_open_decode(tx->payload, arena, &opening->o));
    TRY(contract_buyer_side(&o->request.buyer, &o->request.agent, tx));
    TRY(request_id(&o->request, &context->chain, &opening->request_id));
    TRY(signatures_check(opening, &context->chain));
    TRY(terms_check(opening));
    TRY(times_check(o, context->time_ms));
    TRY(price_check(opening));
    TRY(attempt_check(state, o, &opening->request_id, arena));
    return market_params_load(state, &opening->params);
}

enum err contract_open_apply(struct state *state, const struct tx *tx,
                             const struct block_context *context,
                             struct arena *arena, struct tx_effect *out_effect)
{
    struct tx_effect effect = {.code = CONTRACT_ESCROWED};
    struct opening opening;

    TRY(opening_check(state, tx, context, arena, &opening));
    contract_fill(&opening, context->time_ms);
    TRY(bond_lock(state, &opening, &effect));
    TRY(buyer_pays(state, &opening, &context->fees_to, &effect));
    TRY(contract_put(state, 0, &opening.c));
    TRY(contract_put_task(state, &opening.c));
    effect.subject = opening.c.id;
    effect.moved = opening.c.cap;
    *out_effect = effect;
    return OK;
}
