#include "market/contract/contract.h"

#include "base/check.h"
#include "market/contract/contract_inner.h"

/* ---- reasons and states ---- */

static const struct {
    enum end_reason reason;
    const char *text;
} reasons[] = {
    {END_NONE, "it has not ended"},
    {END_DONE, "done"},
    {END_JOB_FAILED, "the job failed"},
    {END_TIME_LIMIT, "the job ran into its time limit"},
    {END_MEMORY_LIMIT, "the job ran into its memory limit"},
    {END_OUTPUT_LIMIT, "the job ran into its disk or log limit"},
    {END_PROVIDER_REFUSED, "the provider refused"},
    {END_PROVIDER_LOST, "the provider did not deliver in time"},
    {END_STAGING_FAILED, "the provider could not fetch image or inputs"},
    {END_EXECUTOR_FAILED, "the provider's sandbox or machine failed"},
    {END_RESULT_MISSING, "the provider lost the outputs"},
    {END_PROVIDER_DRAIN, "the provider is being drained"},
    {END_BUYER_CANCELLED, "the buyer cancelled"},
    {END_BUYER_LOST, "the buyer's node is gone"},
    {END_NOT_STARTED, "the job did not start in time"},
    {END_GIVEN_UP, "the buyer's side gave up waiting before the deadline"},
};
#define END_REASON_COUNT (sizeof(reasons) / sizeof(reasons[0]))

bool end_reason_known(uint64_t reason)
{
    for (size_t i = 0; i < END_REASON_COUNT; i++)
        if (reasons[i].reason == reason)
            return true;
    return false;
}

const char *end_reason_text(enum end_reason reason)
{
    for (size_t i = 0; i < END_REASON_COUNT; i++)
        if (reasons[i].reason == reason)
            return reasons[i].text;
    return "a reason unknown to this program";
}

unsigned end_reason_side(enum end_reason reason)
{
    return end_reason_known(reason) ? (unsigned)reason / 10 : 0;
}

bool end_reason_retries(enum end_reason reason)
{
    unsigned side = end_reason_side(reason);
    return side == 2 || side == 4;
}

const char *contract_state_text(enum contract_state state)
{
    switch (state) {
    case CONTRACT_ESCROWED:
        return "escrowed";
    case CONTRACT_DELIVERED:
        return "delivered";
    case CONTRACT_CLOSING:
        return "closing";
    case CONTRACT_SETTLED:
        return "settled";
    }
    return "unknown";
}

bool contract_move_allowed(enum contract_state from, enum contract_state to)
{
    static const struct {
        enum contract_state from, to;
    } moves[] = {
        {CONTRACT_ESCROWED, CONTRACT_DELIVERED}, /* deliver */
        {CONTRACT_ESCROWED, CONTRACT_SETTLED},   /* refuse */
        {CONTRACT_ESCROWED, CONTRACT_CLOSING},   /* expire */
        {CONTRACT_CLOSING, CONTRACT_CLOSING},    /* claim */
        {CONTRACT_DELIVERED, CONTRACT_SETTLED},  /* settle */
        {CONTRACT_CLOSING, CONTRACT_SETTLED},    /* settle */
    };
    for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
        if (moves[i].from == from && moves[i].to == to)
            return true;
    return false;
}

/* 1/den of the bond, rounded up: it cannot overflow. */
static struct amount bond_part(struct amount bond, uint64_t den)
{
    struct amount part;
    CHECK(den > 1);
    CHECK(amount_scale_up(bond, 1, den, &part) == OK);
    return part;
}

struct amount contract_slash_late(struct amount bond)
{
    return bond_part(bond, 4);
}

struct amount contract_slash_lost(struct amount bond)
{
    return bond_part(bond, 2);
}

/* ---- the invariant ---- */

/* Money that has left the vault, or has not. */
static bool money_ok(const struct contract *c, struct amount locked)
{
    struct amount sum;
    if (c->state != CONTRACT_SETTLED)
        return amount_add(c->cap, c->bond, &sum) == OK &&
               amount_cmp(locked, sum) == 0 && amount_is_zero(c->paid) &&
               amount_is_zero(c->refunded) && amount_is_zero(c->slashed);
    return amount_is_zero(locked) && amount_cmp(c->paid, c->due) == 0 &&
           amount_add(c->paid, c->refunded, &sum) == OK &&
           amount_cmp(sum, c->cap) == 0 && amount_cmp(c->slashed, c->bond) <= 0;
}

/* What is due follows from the receipt on record, or is nothing. */
static bool due_ok(const struct contract *c)
{
    if (amount_cmp(c->due, receipt_due(c->hour, c->cap, c->wall_ms)) != 0)
        return false;
    if (c->receipt_seq == 0)
        return c->wall_ms == 0 && c->cpu_ms == 0 && !c->due_cosigned;
    return c->wall_ms <= c->time_ms_max;
}

/* Reason, receipt and timer fit the state. No two times are compared that a
 * check ahead of its block (chain_check_tx, on a node's own clock) could bring
 * out of order. */
static bool outcome_ok(const struct contract *c)
{
    bool ended = c->reason != END_NONE;
    switch (c->state) {
    case CONTRACT_ESCROWED:
        return !ended && c->receipt_seq == 0 && c->until_ms == 0 &&
               c->settled_at_ms == 0;
    case CONTRACT_DELIVERED:
        return ended && !end_reason_retries(c->reason) && c->receipt_seq > 0 &&
               c->until_ms > 0 && c->settled_at_ms == 0;
    case CONTRACT_CLOSING:
        return ended && end_reason_side(c->reason) != 1 &&
               c->due_cosigned == (c->receipt_seq > 0) &&
               c->until_ms > c->start_by_ms && c->settled_at_ms == 0;
    case CONTRACT_SETTLED:
        return ended;
    }
    return false;
}

bool contract_check_invariant(const struct contract *c, struct amount locked)
{
    return money_ok(c, locked) && due_ok(c) && outcome_ok(c);
}

/* ---- records ---- */

void contract_id(const struct hash *request, uint32_t task, uint32_t attempt,
                 struct hash *out)
{
    struct hasher hasher;
    hasher_init(&hasher, HASH_TAG_CONTRACT);
    hasher_add(&hasher, hash_as_bytes(request));
    hasher_add_u64(&hasher, task);
    hasher_add_u64(&hasher, attempt);
    hasher_finish(&hasher, out);
}

enum err contract_get(struct state *state, const struct hash *id,
                      struct arena *arena, struct contract *out)
{
    struct bytes value;
    struct contract c;
    enum err err;

    TRY(state_get(state, STATE_CONTRACT, hash_as_bytes(id), arena, &value));
    err = contract_decode(value, arena, &c);
    if (err != OK)
        return err_is_fault(err) ? err : ERR_CORRUPT;
    if (!hash_equal(&c.id, id))
        return ERR_CORRUPT;
    *out = c;
    return OK;
}

/* A task's key: request 32 | index u32 BE, so that a request's tasks lie side
 * by side in order. */
struct task_key {
    uint8_t b[HASH_LEN + 4];
};

static struct task_key task_key(const struct hash *request, uint32_t task)
{
    struct task_key key;
    for (size_t i = 0; i < HASH_LEN; i++)
        key.b[i] = request->b[i];
    u32be_put(key.b + HASH_LEN, task);
    return key;
}

enum err contract_of_task(struct state *state, const struct hash *request,
                          uint32_t task, struct arena *arena,
                          struct contract *out)
{
    struct task_key key = task_key(request, task);
    struct bytes value;
    struct cursor cursor;
    struct hash id;
    enum err err;

    TRY(state_get(state, STATE_TASK, BYTES_OF(key.b), arena, &value));
    cursor_init(&cursor, value);
    cursor_copy(&cursor, id.b, sizeof(id.b));
    if (cursor_finish(&cursor) != OK)
        return ERR_CORRUPT;
    err = contract_get(state, &id, arena, out);
    return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
}

enum err contract_put_task(struct state *state, const struct contract *c)
{
    struct task_key key = task_key(&c->request, c->task);
    return state_put(state, STATE_TASK, BYTES_OF(key.b), hash_as_bytes(&c->id));
}

enum err contract_put(struct state *state, uint32_t from,
                      const struct contract *c)
{
    struct amount locked;
    struct buf record;
    enum err err;

    CHECK(from == 0
              ? c->state == CONTRACT_ESCROWED
              : contract_move_allowed((enum contract_state)from, c->state));
    TRY(vault_get(state, &c->id, &locked));
    CHECK(contract_check_invariant(c, locked));
    buf_init(&record, LIMIT_STATE_VALUE);
    err = contract_encode(c, &record);
    if (err == OK)
        err = state_put(state, STATE_CONTRACT, hash_as_bytes(&c->id),
                        buf_bytes(&record));
    buf_done(&record);
    return err;
}
