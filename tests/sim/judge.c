/* What must hold: after every event, at every block, and in the end. */

#include "tests/sim/world.h"

#include "base/check.h"
#include "ledger/bond.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void judge_fails(const struct world *world, const char *format, ...)
{
    va_list args;
    printf("seed %" PRIu64 " fails at %.3f s: ", world->plan.seed,
           (double)world->now_ms / 1000);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
    exit(1);
}

#define MUST(world, cond, ...)                                                 \
    do {                                                                       \
        (world)->judge.checks++;                                               \
        if (!(cond))                                                           \
            judge_fails(world, __VA_ARGS__);                                   \
    } while (0)

/* ---- blocks ---- */

static struct contract *record_of(struct world *world, const struct hash *id)
{
    struct judge *judge = &world->judge;
    for (size_t i = 0; i < judge->contract_count; i++)
        if (hash_equal(&judge->contracts[i].id, id))
            return &judge->contracts[i];
    return NULL;
}

static void add_record(struct world *world, const struct contract *c)
{
    struct judge *judge = &world->judge;
    judge->contracts = world_room(judge->contracts, sizeof(*judge->contracts),
                                  judge->contract_count, &judge->contract_cap);
    judge->contracts[judge->contract_count++] = *c;
}

/* What is paid was run: by the executor itself, and not for longer. */
static void judge_pay(struct world *world, const struct contract *c)
{
    const struct sim_node *seller = world_node_of(world, &c->provider);
    const struct machine_job *job = machine_job(seller, &c->id);
    uint64_t ran_ms;
    if (amount_is_zero(c->due))
        return;
    MUST(world, job != NULL, "paid for a job that was never begun");
    ran_ms = job->finished ? job->wall_ms : world->now_ms - job->started_ms;
    MUST(world, c->wall_ms <= ran_ms, "paid %" PRIu64 " ms of %" PRIu64,
         c->wall_ms, ran_ms);
}

/* One task is done once, however often it was tried. */
static void judge_once(struct world *world, const struct contract *c)
{
    unsigned done = 0;
    for (size_t i = 0; i < world->judge.contract_count; i++) {
        const struct contract *other = &world->judge.contracts[i];
        if (hash_equal(&other->request, &c->request) &&
            other->task == c->task && end_reason_side(other->reason) == 1)
            done++;
    }
    MUST(world, done <= 1, "task %u was done %u times", c->task, done);
}

static void judge_contract(struct world *world, const struct contract *c)
{
    struct contract *known = record_of(world, &c->id);
    if (known == NULL) {
        MUST(world, c->state == CONTRACT_ESCROWED, "a contract begins as %s",
             contract_state_text(c->state));
        MUST(world, people_job(world, &c->request) != NULL,
             "a contract nobody asked for");
        add_record(world, c);
        graphs_judge_open(world, c);
        return;
    }
    MUST(world, contract_move_allowed(known->state, c->state),
         "a contract goes from %s to %s", contract_state_text(known->state),
         contract_state_text(c->state));
    MUST(world,
         c->receipt_seq >= known->receipt_seq && c->wall_ms >= known->wall_ms,
         "receipts on the chain go back");
    *known = *c;
    judge_pay(world, c);
    judge_once(world, c);
}

void judge_block(struct world *world, const struct sim_block *block)
{
    for (size_t i = 0; i < block->tx_count; i++)
        if (block->txs[i].has_contract)
            judge_contract(world, &block->txs[i].contract);
    MUST(world, chain_audit_money(world->validator.chain) == OK,
         "money was made or lost");
}

/* ---- messages ---- */

static void judge_receipt(struct world *world, const struct receipt *receipt)
{
    struct judge *judge = &world->judge;
    struct seen_receipt *seen = NULL;
    for (size_t i = 0; i < judge->receipt_count && seen == NULL; i++)
        if (hash_equal(&judge->receipts[i].contract, &receipt->contract))
            seen = &judge->receipts[i];
    if (seen == NULL) {
        judge->receipts = world_room(judge->receipts, sizeof(*judge->receipts),
                                     judge->receipt_count, &judge->receipt_cap);
        seen = &judge->receipts[judge->receipt_count++];
        *seen = (struct seen_receipt){.contract = receipt->contract};
    }
    MUST(world, receipt->seq >= seen->seq, "receipt %u after %u", receipt->seq,
         seen->seq);
    if (receipt->seq == seen->seq)
        MUST(world,
             receipt->wall_ms == seen->wall_ms &&
                 amount_cmp(receipt->due, seen->due) == 0,
             "two receipts have number %u", receipt->seq);
    MUST(world, receipt->wall_ms >= seen->wall_ms, "a receipt goes back");
    seen->seq = receipt->seq;
    seen->wall_ms = receipt->wall_ms;
    seen->due = receipt->due;
}

void judge_message(struct world *world, const struct sim_node *from,
                   struct bytes message)
{
    enum wire_kind kind;
    struct arena arena;
    struct bytes body;
    struct receipt receipt;
    MUST(world, wire_peek(message, &kind) == OK,
         "node %u says what nobody understands", from->index);
    if (kind != WIRE_RECEIPT)
        return;
    arena_init(&arena, 1u << 16);
    if (wire_bytes_decode(kind, message, &arena, &body) == OK &&
        receipt_decode(body, &arena, &receipt) == OK)
        judge_receipt(world, &receipt);
    arena_done(&arena);
}

/* ---- nodes ---- */

static void judge_capacity(struct world *world, const struct sim_node *node)
{
    struct sell_capacity c;
    struct resources used;
    struct resources sum;
    struct resources running = {0};
    sell_capacity(node->sell, &c);
    MUST(world, resources_add(&c.held, &c.running, &used) == OK, "too much");
    MUST(world, resources_add(&used, &c.free, &sum) == OK, "too much");
    MUST(world,
         !resources_cover(&c.total, &used) ||
             (resources_cover(&sum, &c.total) &&
              resources_cover(&c.total, &sum)),
         "node %u: held, running and free are not all there is", node->index);
    for (size_t i = 0; i < node->machine.job_count; i++) {
        const struct machine_job *job = &node->machine.jobs[i];
        if (job->running && job->fate != FATE_LOST)
            MUST(world,
                 resources_add(&running, &job->resources, &running) == OK,
                 "too much runs");
    }
    /* What is reserved for jobs covers all that run, whatever is sold now. */
    MUST(world, resources_cover(&c.running, &running) || node->wiped,
         "node %u runs more than it reserves", node->index);
}

static void judge_tasks(struct world *world, const struct sim_node *node,
                        const struct buy_job *job)
{
    for (uint32_t i = 0; i < job->task_count; i++) {
        const struct buy_task *task = &job->tasks[i];
        if (buy_state_ended(task->state))
            continue;
        MUST(world, task->state != BUY_WAITING || task->reason[0] != '\0',
             "node %u: task %u of %02x%02x waits without a reason", node->index,
             i, job->id.b[0], job->id.b[1]);
        MUST(world, node->wake_ms <= node_now(world, node) + 1000,
             "node %u: task %u is %s and no clock is set", node->index, i,
             buy_state_text(task->state));
    }
}

/* A task's copies are never at one provider at a time, and the job is done
 * exactly when one of each task's is. */
static void judge_copies(struct world *world, const struct sim_node *node,
                         const struct buy_job *job)
{
    const struct policy_terms *terms = &job->request.terms;
    uint32_t apart = job->task_count / policy_copies(terms);
    uint32_t works_done = 0;
    if (terms->down_ppb == 0 || apart == job->task_count)
        return;
    for (uint32_t work = 0; work < apart; work++) {
        bool done = false;
        for (uint32_t i = work; i < job->task_count; i += apart) {
            const struct buy_task *a = &job->tasks[i];
            done = done || a->state == BUY_DONE;
            for (uint32_t k = i + apart; k < job->task_count; k += apart) {
                const struct buy_task *b = &job->tasks[k];
                MUST(world,
                     a->state < BUY_HOLDING || a->state > BUY_PUBLISHING ||
                         b->state < BUY_HOLDING || b->state > BUY_PUBLISHING ||
                         !pubkey_equal(&a->provider, &b->provider),
                     "node %u: two copies of a task are at one provider",
                     node->index);
            }
        }
        works_done += done;
    }
    MUST(world, (job->state == BUY_DONE) == (works_done == apart),
         "node %u: a job is %s, and %u of %u tasks are done", node->index,
         buy_state_text(job->state), works_done, apart);
}

static void judge_items(struct world *world, const struct sim_node *node)
{
    struct sell_view view;
    for (size_t i = 0; sell_view(node->sell, i, &view); i++)
        MUST(world, node->wake_ms != UINT64_MAX,
             "node %u: a contract is %s and no clock is set", node->index,
             sell_state_text(view.state));
}

static struct seen_turn *turn_of(struct world *world,
                                 const struct sim_node *node,
                                 const struct sell_view *view)
{
    struct judge *judge = &world->judge;
    struct seen_turn *turn;
    for (size_t i = 0; i < judge->turn_count; i++)
        if (judge->turns[i].node == node->index &&
            judge->turns[i].begin_by_ms == view->begin_by_ms &&
            hash_equal(&judge->turns[i].contract, &view->contract))
            return &judge->turns[i];
    judge->turns = world_room(judge->turns, sizeof(*judge->turns),
                              judge->turn_count, &judge->turn_cap);
    turn = &judge->turns[judge->turn_count++];
    *turn = (struct seen_turn){.contract = view->contract,
                               .node = node->index,
                               .begin_by_ms = view->begin_by_ms,
                               .planned_ms = LINE_NEVER};
    judge->queued++;
    return turn;
}

/* Nobody who waits begins later than he was promised, nor than the plan once
 * said: under EASY that holds for the first in line. Whose seller was never
 * down, nor its executor. */
static void judge_turn(struct world *world, const struct sim_node *node,
                       const struct sell_view *view)
{
    struct seen_turn *turn = turn_of(world, node, view);
    bool kept = turn->first || world->plan.queue == LINE_CONSERVATIVE;
    MUST(world, view->planned_ms <= view->begin_by_ms,
         "node %u: who was promised %" PRIu64 " begins at %" PRIu64,
         node->index, view->begin_by_ms, view->planned_ms);
    MUST(world, !kept || view->planned_ms <= turn->planned_ms,
         "node %u: who was to begin at %" PRIu64 " does at %" PRIu64,
         node->index, turn->planned_ms, view->planned_ms);
    turn->planned_ms = view->planned_ms;
    turn->first = view->ahead == 0;
}

static void judge_line(struct world *world, const struct sim_node *node)
{
    struct sell_view view;
    for (size_t i = 0; sell_view(node->sell, i, &view); i++)
        if (view.queued && !node->disturbed)
            judge_turn(world, node, &view);
}

void judge_node(struct world *world, const struct sim_node *node)
{
    const struct buy_job *job;
    if (!node->up)
        return;
    if (node->sell != NULL) {
        judge_capacity(world, node);
        judge_items(world, node);
        judge_line(world, node);
    }
    for (size_t i = 0;
         node->buy != NULL && (job = buy_job_at(node->buy, i)) != NULL; i++) {
        judge_tasks(world, node, job);
        judge_copies(world, node, job);
    }
}

/* ---- the end ---- */

static bool both_gone(struct world *world, const struct contract *c)
{
    const struct sim_node *seller = world_node_of(world, &c->provider);
    const struct sim_node *buyer = world_node_of(world, &c->agent);
    return seller->gone && buyer->gone;
}

static bool node_quiet(const struct sim_node *node, const char **out_why)
{
    const struct buy_job *job;
    struct sell_view view;
    if (node->gone)
        return true;
    *out_why = "a node is down";
    if (!node->up)
        return false;
    for (size_t i = 0;
         node->buy != NULL && (job = buy_job_at(node->buy, i)) != NULL; i++) {
        *out_why = "a job has not ended";
        if (!buy_state_ended(job->state) || job->ended_at_ms == 0)
            return false;
    }
    for (size_t i = 0; node->sell != NULL && sell_view(node->sell, i, &view);
         i++) {
        *out_why = "a seller's contract or hold has not ended";
        if (view.state != SELL_SETTLED)
            return false;
    }
    *out_why = "a job still runs";
    for (size_t i = 0; i < node->machine.job_count; i++)
        if (node->machine.jobs[i].running &&
            node->machine.jobs[i].fate != FATE_LOST)
            return false;
    *out_why = "a transaction waits";
    return own_tx_count(node->own) == 0;
}

bool judge_quiet(struct world *world, const char **out_why)
{
    for (uint32_t i = 0; i < world->plan.jobs; i++) {
        const struct sim_job *job = &world->jobs[i];
        *out_why = "somebody has not decided";
        if (job->submitted && !job->decided && !world->nodes[job->node].gone)
            return false;
    }
    for (size_t i = 0; i < world->judge.contract_count; i++) {
        const struct contract *c = &world->judge.contracts[i];
        *out_why = "a contract is not settled";
        if (c->state != CONTRACT_SETTLED && !both_gone(world, c))
            return false;
    }
    for (uint32_t i = 0; i < world->node_count; i++)
        if (!node_quiet(&world->nodes[i], out_why))
            return false;
    return true;
}

struct vaults {
    struct world *world;
    size_t count;
};

static enum err count_vault(void *ctx, struct bytes key, struct bytes value)
{
    struct vaults *vaults = ctx;
    struct hash id;
    struct hash bond;
    const struct contract *c;
    (void)value;
    memcpy(id.b, key.ptr, HASH_LEN);
    bond_vault(&vaults->world->validator.key.signer.key, &bond);
    if (hash_equal(&id, &bond))
        return OK;
    c = record_of(vaults->world, &id);
    if (c == NULL || !both_gone(vaults->world, c))
        vaults->count++;
    return OK;
}

static void judge_balance(struct world *world, const struct pubkey *key,
                          struct amount expected, const char *who,
                          uint32_t number)
{
    struct account account;
    CHECK(account_get(chain_state(world->validator.chain), key, &account) ==
          OK);
    MUST(world, amount_cmp(account.balance, expected) == 0,
         "%s %u has %" PRIu64 " and should have %" PRIu64, who, number,
         amount_figure(account.balance), amount_figure(expected));
}

static struct amount granted(const struct world *world,
                             const struct pubkey *key)
{
    const struct genesis *genesis = &world->validator.genesis;
    for (uint32_t i = 0; i < genesis->account_count; i++)
        if (pubkey_equal(&genesis->accounts[i].key, key))
            return genesis->accounts[i].balance;
    return amount_micro(0);
}

static void plus(struct amount *sum, struct amount more)
{
    CHECK(amount_add(*sum, more, sum) == OK);
}

static void minus(struct amount *sum, struct amount less)
{
    CHECK(amount_sub(*sum, less, sum) == OK);
}

/* Everybody has what the settled contracts say, to the last micro-credit. */
static void judge_money(struct world *world, const struct pubkey *key,
                        const char *who, uint32_t number)
{
    struct market_params params;
    struct amount sum = granted(world, key);
    struct amount out = {0};
    CHECK(market_params_of(&world->validator.genesis.params, &params) == OK);
    for (size_t i = 0; i < world->judge.contract_count; i++) {
        const struct contract *c = &world->judge.contracts[i];
        bool open = c->state != CONTRACT_SETTLED;
        if (pubkey_equal(&c->provider, key)) {
            plus(&sum, c->paid);
            plus(&out, open ? c->bond : c->slashed);
        }
        if (pubkey_equal(&c->buyer, key)) {
            plus(&sum, c->slashed);
            plus(&out, market_open_fee(&params));
            plus(&out, open ? c->cap : c->paid);
        }
    }
    minus(&sum, out);
    judge_balance(world, key, sum, who, number);
}

static void judge_leaks(struct world *world, const struct sim_node *node)
{
    struct sell_view view;
    if (node->gone)
        return;
    if (node->sell != NULL)
        MUST(world, !sell_view(node->sell, 0, &view),
             "node %u keeps a contract past its retention (%s)", node->index,
             sell_state_text(view.state));
    MUST(world, node->machine.job_count == 0 || !node->sells || node->wiped,
         "node %u keeps %zu jobs", node->index, node->machine.job_count);
    for (size_t i = 0; i < node->blobs.pin_count; i++)
        MUST(world, node->blobs.pins[i].kept || node->wiped,
             "node %u keeps a blob pinned for %02x%02x", node->index,
             node->blobs.pins[i].subject.b[0],
             node->blobs.pins[i].subject.b[1]);
    for (size_t i = 0; i < node->memory.count; i++)
        MUST(world, strncmp(node->memory.records[i].key, "sell/", 5) != 0,
             "node %u keeps %s", node->index, node->memory.records[i].key);
}

/* A job that is done has its outputs at the buyer. */
static void judge_results(struct world *world, const struct sim_node *node)
{
    const struct buy_job *job;
    for (size_t i = 0;
         node->buy != NULL && (job = buy_job_at(node->buy, i)) != NULL; i++) {
        for (uint32_t k = 0; k < job->task_count; k++) {
            const struct buy_task *task = &job->tasks[k];
            if (task->state != BUY_DONE)
                continue;
            MUST(world, store_has(node, &task->result),
                 "a task is done and its outputs are not here");
            MUST(world, store_has(node, &task->log),
                 "a task is done and its log is not here");
        }
    }
}

void judge_end(struct world *world)
{
    struct vaults vaults = {world, 0};
    const char *why = "";
    MUST(world, judge_quiet(world, &why), "quiet was not the end: %s", why);
    CHECK(state_each(chain_state(world->validator.chain), STATE_VAULT,
                     count_vault, &vaults) == OK);
    MUST(world, vaults.count == 0, "money is left in %zu vaults", vaults.count);
    for (uint32_t i = 0; i < world->node_count; i++) {
        judge_money(world, &world->nodes[i].key.signer.key, "node", i);
        judge_leaks(world, &world->nodes[i]);
        judge_results(world, &world->nodes[i]);
    }
    for (uint32_t i = 0; i < WORLD_USERS; i++)
        judge_money(world, &world->users[i].key.signer.key, "user", i);
}

void judge_done(struct world *world)
{
    free(world->judge.receipts);
    free(world->judge.turns);
    free(world->judge.contracts);
}
