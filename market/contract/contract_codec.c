#include "market/contract/contract.h"

#include "market/contract/contract_inner.h"

#define CONTRACT_FIELDS 30
#define EXIT_CODE_MAX   255u

_Static_assert(REQUEST_BYTES_MAX + APPROVAL_BYTES_MAX + QUOTE_BYTES_MAX + 512 <
                   LIMIT_TX_BYTES,
               "an open fits a transaction");

/* ---- the record ---- */

static void terms_put(const struct contract *c, struct buf *out)
{
    mp_put_hash(out, &c->request);
    mp_put_uint(out, c->task);
    mp_put_uint(out, c->attempt);
    mp_put_uint(out, c->state);
    mp_put_pubkey(out, &c->buyer);
    mp_put_pubkey(out, &c->agent);
    mp_put_pubkey(out, &c->provider);
    mp_put_pubkey(out, &c->payout);
    mp_put_amount(out, c->hour);
    mp_put_amount(out, c->cap);
    mp_put_amount(out, c->bond);
    mp_put_uint(out, c->cpu_milli);
    mp_put_uint(out, c->time_ms_max);
    mp_put_uint(out, c->opened_at_ms);
    mp_put_uint(out, c->start_by_ms);
    mp_put_uint(out, c->deadline_ms);
    mp_put_uint(out, c->until_ms);
}

enum err contract_encode(const struct contract *c, struct buf *out)
{
    mp_put_message(out, MESSAGE_CONTRACT, MESSAGE_VERSION, CONTRACT_FIELDS);
    terms_put(c, out);
    mp_put_uint(out, c->receipt_seq);
    mp_put_uint(out, c->wall_ms);
    mp_put_uint(out, c->cpu_ms);
    mp_put_amount(out, c->due);
    mp_put_bool(out, c->due_cosigned);
    mp_put_uint(out, c->reason);
    mp_put_uint(out, c->exit_code);
    mp_put_hash(out, &c->result);
    mp_put_hash(out, &c->log);
    mp_put_amount(out, c->paid);
    mp_put_amount(out, c->refunded);
    mp_put_amount(out, c->slashed);
    mp_put_uint(out, c->settled_at_ms);
    return out->err;
}

static uint32_t u32_get(struct mp_reader *reader)
{
    return (uint32_t)mp_get_uint_max(reader, UINT32_MAX);
}

static enum end_reason reason_get(struct mp_reader *reader)
{
    uint64_t reason = mp_get_uint(reader);
    if (end_reason_known(reason))
        return (enum end_reason)reason;
    mp_fail(reader, ERR_RANGE);
    return END_NONE;
}

static enum contract_state state_of(struct mp_reader *reader)
{
    uint64_t state = mp_get_uint_max(reader, CONTRACT_SETTLED);
    if (state < CONTRACT_ESCROWED)
        mp_fail(reader, ERR_RANGE);
    return (enum contract_state)state;
}

static void terms_get(struct mp_reader *reader, struct contract *c)
{
    mp_get_hash(reader, &c->request);
    c->task = u32_get(reader);
    c->attempt = u32_get(reader);
    c->state = state_of(reader);
    mp_get_pubkey(reader, &c->buyer);
    mp_get_pubkey(reader, &c->agent);
    mp_get_pubkey(reader, &c->provider);
    mp_get_pubkey(reader, &c->payout);
    c->hour = mp_get_amount(reader);
    c->cap = mp_get_amount(reader);
    c->bond = mp_get_amount(reader);
    c->cpu_milli = u32_get(reader);
    c->time_ms_max = mp_get_uint(reader);
    c->opened_at_ms = mp_get_uint(reader);
    c->start_by_ms = mp_get_uint(reader);
    c->deadline_ms = mp_get_uint(reader);
    c->until_ms = mp_get_uint(reader);
}

static void outcome_get(struct mp_reader *reader, struct contract *c)
{
    c->receipt_seq = u32_get(reader);
    c->wall_ms = mp_get_uint(reader);
    c->cpu_ms = mp_get_uint(reader);
    c->due = mp_get_amount(reader);
    c->due_cosigned = mp_get_bool(reader);
    c->reason = reason_get(reader);
    c->exit_code = (uint32_t)mp_get_uint_max(reader, EXIT_CODE_MAX);
    mp_get_hash(reader, &c->result);
    mp_get_hash(reader, &c->log);
    c->paid = mp_get_amount(reader);
    c->refunded = mp_get_amount(reader);
    c->slashed = mp_get_amount(reader);
    c->settled_at_ms = mp_get_uint(reader);
}

enum err contract_decode(struct bytes bytes, struct arena *arena,
                         struct contract *out)
{
    struct mp_reader reader;
    struct contract c = {0};

    if (bytes.len > LIMIT_STATE_VALUE)
        return ERR_TOO_LARGE;
    TRY(mp_open_message(&reader, bytes, arena, MESSAGE_CONTRACT,
                        MESSAGE_VERSION, CONTRACT_FIELDS));
    terms_get(&reader, &c);
    outcome_get(&reader, &c);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    contract_id(&c.request, c.task, c.attempt, &c.id);
    *out = c;
    return OK;
}

/* ---- open ---- */

void contract_open_payload(struct bytes request, struct bytes approval,
                           struct bytes quote, struct buf *out)
{
    mp_put_message(out, TX_CONTRACT_OPEN, MESSAGE_VERSION, 3);
    mp_put_bin(out, request);
    mp_put_bin(out, approval);
    mp_put_bin(out, quote);
}

enum err contract_open_decode(struct bytes payload, struct arena *arena,
                              struct contract_open *out)
{
    struct mp_reader reader;
    struct bytes request, approval, quote;

    TRY(mp_open_message(&reader, payload, arena, TX_CONTRACT_OPEN,
                        MESSAGE_VERSION, 3));
    request = mp_get_bin(&reader, REQUEST_BYTES_MAX);
    approval = mp_get_bin(&reader, APPROVAL_BYTES_MAX);
    quote = mp_get_bin(&reader, QUOTE_BYTES_MAX);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    TRY(request_decode(request, arena, &out->request));
    TRY(approval_decode(approval, arena, &out->approval));
    return quote_decode(quote, arena, &out->quote);
}

/* ---- what carries a receipt ---- */

static enum err receipt_put_bin(const struct receipt *receipt, struct buf *out)
{
    struct buf bytes;
    enum err err;

    buf_init(&bytes, RECEIPT_BYTES_MAX);
    err = receipt_encode(receipt, &bytes);
    if (err == OK)
        mp_put_bin(out, buf_bytes(&bytes));
    else if (out->err == OK)
        out->err = err; /* so that half a payload is never sent */
    buf_done(&bytes);
    return out->err;
}

enum err contract_deliver_payload(const struct contract_delivery *d,
                                  struct buf *out)
{
    mp_put_message(out, TX_CONTRACT_DELIVER, MESSAGE_VERSION, 6);
    mp_put_hash(out, &d->contract);
    mp_put_uint(out, d->reason);
    mp_put_uint(out, d->exit_code);
    mp_put_hash(out, &d->result);
    mp_put_hash(out, &d->log);
    return receipt_put_bin(&d->receipt, out);
}

enum err contract_deliver_decode(struct bytes payload, struct arena *arena,
                                 struct contract_delivery *out)
{
    struct mp_reader reader;
    struct bytes receipt;

    TRY(mp_open_message(&reader, payload, arena, TX_CONTRACT_DELIVER,
                        MESSAGE_VERSION, 6));
    mp_get_hash(&reader, &out->contract);
    out->reason = reason_get(&reader);
    out->exit_code = (uint32_t)mp_get_uint_max(&reader, EXIT_CODE_MAX);
    mp_get_hash(&reader, &out->result);
    mp_get_hash(&reader, &out->log);
    receipt = mp_get_bin(&reader, RECEIPT_BYTES_MAX);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    return receipt_decode(receipt, arena, &out->receipt);
}

void contract_expire_payload(const struct hash *contract,
                             const struct receipt *receipt_or_null,
                             struct buf *out)
{
    mp_put_message(out, TX_CONTRACT_EXPIRE, MESSAGE_VERSION, 2);
    mp_put_hash(out, contract);
    if (receipt_or_null == NULL)
        mp_put_bin(out, (struct bytes){NULL, 0});
    else
        (void)receipt_put_bin(receipt_or_null, out); /* sticks in out */
}

enum err contract_expire_decode(struct bytes payload, struct arena *arena,
                                struct contract_expire *out)
{
    struct mp_reader reader;
    struct bytes receipt;

    TRY(mp_open_message(&reader, payload, arena, TX_CONTRACT_EXPIRE,
                        MESSAGE_VERSION, 2));
    mp_get_hash(&reader, &out->contract);
    receipt = mp_get_bin(&reader, RECEIPT_BYTES_MAX);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    out->has_receipt = receipt.len > 0;
    if (!out->has_receipt)
        return OK;
    return receipt_decode(receipt, arena, &out->receipt);
}

void contract_claim_payload(const struct hash *contract,
                            const struct receipt *receipt, struct buf *out)
{
    mp_put_message(out, TX_CONTRACT_CLAIM, MESSAGE_VERSION, 2);
    mp_put_hash(out, contract);
    (void)receipt_put_bin(receipt, out); /* sticks in out */
}

enum err contract_claim_decode(struct bytes payload, struct arena *arena,
                               struct contract_claim *out)
{
    struct mp_reader reader;
    struct bytes receipt;

    TRY(mp_open_message(&reader, payload, arena, TX_CONTRACT_CLAIM,
                        MESSAGE_VERSION, 2));
    mp_get_hash(&reader, &out->contract);
    receipt = mp_get_bin(&reader, RECEIPT_BYTES_MAX);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    return receipt_decode(receipt, arena, &out->receipt);
}

/* ---- what does not ---- */

void contract_refuse_payload(const struct hash *contract,
                             enum end_reason reason, struct buf *out)
{
    mp_put_message(out, TX_CONTRACT_REFUSE, MESSAGE_VERSION, 2);
    mp_put_hash(out, contract);
    mp_put_uint(out, reason);
}

enum err contract_refuse_decode(struct bytes payload, struct arena *arena,
                                struct contract_refuse *out)
{
    struct mp_reader reader;

    TRY(mp_open_message(&reader, payload, arena, TX_CONTRACT_REFUSE,
                        MESSAGE_VERSION, 2));
    mp_get_hash(&reader, &out->contract);
    out->reason = reason_get(&reader);
    mp_leave(&reader);
    return mp_close(&reader);
}

void contract_settle_payload(const struct hash *contract, struct buf *out)
{
    mp_put_message(out, TX_CONTRACT_SETTLE, MESSAGE_VERSION, 1);
    mp_put_hash(out, contract);
}

enum err contract_settle_decode(struct bytes payload, struct arena *arena,
                                struct hash *out)
{
    struct mp_reader reader;

    TRY(mp_open_message(&reader, payload, arena, TX_CONTRACT_SETTLE,
                        MESSAGE_VERSION, 1));
    mp_get_hash(&reader, out);
    mp_leave(&reader);
    return mp_close(&reader);
}
