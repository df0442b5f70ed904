#include "market/bill.h"

#include "base/check.h"

/* The price of one dimension alone. */
static enum err share(struct price price, const struct resources *want,
                      unsigned dimension, struct amount *out)
{
    if (dimension != 0)
        price.cpu_hour = amount_micro(0);
    if (dimension != 1)
        price.mem_hour = amount_micro(0);
    if (dimension != 2)
        price.disk_hour = amount_micro(0);
    return price_per_hour(&price, want, out);
}

static enum err line_shares(struct bill_line *line)
{
    static const struct price nothing;
    TRY(share(line->price, &line->resources, 0, &line->cpu_hour));
    TRY(share(line->price, &line->resources, 1, &line->mem_hour));
    TRY(share(line->price, &line->resources, 2, &line->disk_hour));
    return price_per_hour_with(&nothing, &line->resources, line->device.hour,
                               &line->wish, &line->device_hour);
}

static enum err line_make(const struct request *request,
                          const struct quote *quote,
                          const struct market_params *params,
                          struct bill_line *out)
{
    *out = (struct bill_line){
        .task = quote->task,
        .attempt = quote->attempt,
        .provider = quote->provider,
        .resources = request->resources,
        .wish = request->devices,
        .device = quote->device,
        .price = quote->price,
        .hour = quote->hour,
        .time_ms_max = request->time_ms_max,
        .cap = quote->cap,
        .fee = market_open_fee(params),
        .bond = quote->bond,
        .slash_late = contract_slash_late(quote->bond),
        .slash_lost = contract_slash_lost(quote->bond),
        .grade = quote->grade,
        .rtt_us = quote->rtt_us,
        .start_by_ms = quote->start_by_ms,
        .deadline_ms = quote->deadline_ms,
        .retention_ms = quote->retention_ms,
        .expires_at_ms = quote->expires_at_ms,
    };
    return line_shares(out);
}

static enum err quote_fits(const struct request *request,
                           const struct hash *request_id,
                           const struct quote *quote,
                           const struct market_params *params)
{
    TRY(quote_check(quote, request, request_id));
    if (amount_cmp(quote->bond, market_bond_min(params, quote->cap)) < 0)
        return ERR_BOND;
    return OK;
}

/* Adds a line to the sums. */
static enum err line_add(struct bill *bill, const struct bill_line *line)
{
    bool first = bill->line_count == 0;
    TRY(amount_add(bill->caps, line->cap, &bill->caps));
    TRY(amount_add(bill->fees, line->fee, &bill->fees));
    TRY(amount_add(bill->caps, bill->fees, &bill->total));
    if (amount_cmp(line->cap, bill->task_cap) > 0)
        bill->task_cap = line->cap;
    if (first || line->start_by_ms < bill->start_by_ms)
        bill->start_by_ms = line->start_by_ms;
    if (first || line->expires_at_ms < bill->expires_at_ms)
        bill->expires_at_ms = line->expires_at_ms;
    bill->line_count++;
    return OK;
}

/* `seen` has a flag for each task of the request. */
static enum err quote_add(const struct request *request,
                          const struct quote *quote,
                          const struct market_params *params, bool *seen,
                          struct bill *bill)
{
    struct bill_line *line = &bill->lines[bill->line_count];
    CHECK(quote->task < request->tasks);
    if (seen[quote->task])
        return ERR_EXISTS;
    seen[quote->task] = true;
    TRY(line_make(request, quote, params, line));
    return line_add(bill, line);
}

enum err bill_make(const struct request *request, const struct hash *request_id,
                   const struct quote *quotes, uint32_t quote_count,
                   const struct market_params *params, struct arena *arena,
                   struct bill *out, uint32_t *out_index)
{
    struct bill bill = {.request = *request_id, .tasks = request->tasks};
    bool *seen;

    if (quote_count == 0 || quote_count > request->tasks)
        return ERR_RANGE;
    seen = arena_calloc(arena, request->tasks, sizeof(*seen));
    bill.lines = arena_calloc(arena, quote_count, sizeof(*bill.lines));
    if (seen == NULL || bill.lines == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < quote_count; i++) {
        enum err err = quote_fits(request, request_id, &quotes[i], params);
        if (err == OK)
            err = quote_add(request, &quotes[i], params, seen, &bill);
        if (err != OK) {
            if (out_index != NULL)
                *out_index = i;
            return err;
        }
    }
    *out = bill;
    return OK;
}

enum err bill_settle(const struct contract *c,
                     const struct market_params *params, struct bill_final *out)
{
    struct amount fee = market_open_fee(params);
    struct amount spent;

    if (c->state != CONTRACT_SETTLED)
        return ERR_STATE;
    TRY(amount_add(c->paid, fee, &spent));
    *out = (struct bill_final){
        .contract = c->id,
        .task = c->task,
        .attempt = c->attempt,
        .provider = c->provider,
        .payout = c->payout,
        .hour = c->hour,
        .wall_ms = c->wall_ms,
        .cpu_ms = c->cpu_ms,
        .cosigned = c->due_cosigned,
        .cap = c->cap,
        .due = c->due,
        .paid = c->paid,
        .refunded = c->refunded,
        .slashed = c->slashed,
        .fee = fee,
        .spent = spent,
        .reason = c->reason,
        .exit_code = c->exit_code,
        .opened_at_ms = c->opened_at_ms,
        .settled_at_ms = c->settled_at_ms,
    };
    return OK;
}
