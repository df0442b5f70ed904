/* The auditor's side: asks, stops the clock, picks one product, has it shown,
 * and checks it on a worker. */

#include "base/check.h"
#include "node/audit/audit_inner.h"
#include "node/log.h"
#include "node/net/link.h"
#include "node/shell/node_standing.h"
#include "node/shell/trade_shell.h"
#include "node/control/waiters.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define N           1024u
#define WISH_MS     1500u  /* work of so long, by what is declared */
#define DEADLINE_MS 60000u /* for DONE */
#define PART_MS     20000u

static void end(struct audit_agent *agent, enum audit_verdict verdict,
                enum err err)
{
    struct audit_run *run = &agent->run;
    run->result.verdict = verdict;
    run->result.err = err;
    agent->last = run->result;
    free(run->product);
    memset(run, 0, sizeof(*run));
    log_info("audit", "an audit ended: %s", audit_verdict_text(verdict));
    waiters_poke(agent->node->waiters);
}

/* The share that was found of one figure, taken of another. */
static uint64_t share_of(const struct audit_result *result, uint64_t rate)
{
    double share = (double)result->found / (double)result->declared;
    uint64_t part = (uint64_t)((double)rate * share);
    return part > 0 ? part : 1;
}

/* Who overstates one figure is not believed about the rest: all figures of the
 * processor count in the share that was found of this one. Who forges counts as
 * the slowest there is. */
static void judge(struct audit_agent *agent, enum audit_verdict verdict)
{
    const struct audit_result *result = &agent->run.result;
    struct grade found;
    memset(&found, 0, sizeof(found));
    for (unsigned i = 0; i < 2 * METER_SCALING_COUNT; i++) {
        enum meter_kernel kernel = (enum meter_kernel)(i / 2);
        enum meter_width width = (enum meter_width)(i % 2);
        uint64_t rate = grade_rate(&agent->run.declared, kernel, width);
        if (verdict == AUDIT_FORGED)
            grade_rate_set(&found, kernel, width, 1);
        else if (verdict == AUDIT_SLOWER && rate > 0)
            grade_rate_set(&found, kernel, width, share_of(result, rate));
    }
    node_standing_forged(agent->node, &result->provider,
                         verdict == AUDIT_FORGED);
    if (book_audit_set(buy_book(agent->node->buy), &result->provider,
                       verdict == AUDIT_CONFIRMED ? NULL : &found,
                       shell_now_ms(agent->node->shell)) != OK)
        log_odd("audit", "what an audit found has no offer to count for");
}

/* ---- asking ---- */

static uint32_t rounds_of(uint64_t declared)
{
    uint64_t each = UINT64_C(2) * N * N * N;
    uint64_t most = AUDIT_WORK_MAX / each;
    uint64_t rounds = declared / 1000 * WISH_MS / each + 1;
    if (most > AUDIT_ROUNDS_MAX)
        most = AUDIT_ROUNDS_MAX;
    return (uint32_t)(rounds < most ? rounds : most);
}

enum err audit_begin(struct audit_agent *agent, const struct pubkey *provider,
                     enum meter_kernel kernel)
{
    struct audit_run *run = &agent->run;
    struct audit_result *result = &run->result;
    struct book_offer offer;
    struct buf message;
    if (run->busy)
        return ERR_BUSY;
    if (!book_offer_get(buy_book(agent->node->buy), provider,
                        shell_now_ms(agent->node->shell), &offer))
        return ERR_NOT_FOUND;
    memset(run, 0, sizeof(*run));
    result->provider = *provider;
    run->declared = offer.offer.grade;
    result->declared = grade_rate(&run->declared, kernel, METER_ONE);
    result->ask = (struct audit_ask){
        .kernel = kernel, .n = N, .rounds = rounds_of(result->declared)};
    TRY(audit_ask_form(&result->ask));
    if (result->declared == 0)
        return ERR_NO_OFFER;
    if (net_find(agent->node->net, provider) == NULL)
        return ERR_CLOSED;
    randombytes_buf(result->ask.nonce.b, HASH_LEN);
    run->busy = true;
    run->sent_ns = uv_hrtime();
    run->until_ms = audit_now_ms(agent) + DEADLINE_MS;
    buf_init(&message, 256);
    audit_ask_encode(&result->ask, &message);
    audit_send(agent, provider, &message);
    return OK;
}

static bool is_ours(const struct audit_run *run, const struct pubkey *peer,
                    const struct hash *nonce)
{
    return run->busy && !run->checking &&
           pubkey_equal(&run->result.provider, peer) &&
           hash_equal(&run->result.ask.nonce, nonce);
}

static void ask_part(struct audit_agent *agent)
{
    struct audit_run *run = &agent->run;
    struct audit_open open = {run->result.ask.nonce, run->index, run->have};
    struct buf message;
    run->until_ms = audit_now_ms(agent) + PART_MS;
    buf_init(&message, 256);
    audit_open_encode(&open, &message);
    audit_send(agent, &run->result.provider, &message);
}

void audit_run_done(struct audit_agent *agent, const struct pubkey *peer,
                    const struct audit_done *done)
{
    struct audit_run *run = &agent->run;
    const struct audit_ask *ask = &run->result.ask;
    struct product product = {ask->kernel, ask->n, 0};
    uint64_t ns = uv_hrtime() - run->sent_ns;
    uint64_t n = ask->n;
    if (!is_ours(run, peer, &done->nonce) || run->is_done)
        return;
    if (done->count != ask->rounds) {
        judge(agent, AUDIT_FORGED);
        end(agent, AUDIT_FORGED, ERR_PROOF);
        return;
    }
    run->done = *done;
    run->is_done = true;
    run->result.took_ms = ns / 1000000;
    run->result.found =
        (uint64_t)((double)(2 * n * n * n * ask->rounds) * 1e9 / (double)ns);
    run->index = randombytes_uniform(ask->rounds);
    run->len = product_bytes(&product);
    run->product = malloc(run->len);
    if (run->product == NULL)
        end(agent, AUDIT_FAILED, ERR_NOMEM);
    else
        ask_part(agent);
}

/* ---- checking ---- */

static void check(uv_work_t *work)
{
    struct audit_agent *agent = work->data;
    struct audit_run *run = &agent->run;
    const struct audit_ask *ask = &run->result.ask;
    struct product product = {ask->kernel, ask->n, run->index};
    struct bytes bytes = bytes_make(run->product, run->len);
    struct hash hash;
    uint64_t seed;
    hash_bytes(HASH_TAG_ANSWER, bytes, &hash);
    if (!hash_equal(&hash, &run->done.hashes[run->index])) {
        run->checked = ERR_PROOF;
        return;
    }
    randombytes_buf(&seed, sizeof(seed));
    run->checked = product_verify(&product, &ask->nonce, bytes, seed);
}

static void after_check(uv_work_t *work, int status)
{
    struct audit_agent *agent = work->data;
    struct audit_run *run = &agent->run;
    enum audit_verdict verdict;
    CHECK(status == 0);
    run->checking = false;
    if (agent->closed) {
        audit_agent_free(agent);
        return;
    }
    if (run->checked != OK && run->checked != ERR_PROOF) {
        end(agent, AUDIT_FAILED, run->checked);
        return;
    }
    verdict = run->checked == ERR_PROOF                      ? AUDIT_FORGED
              : run->result.found < run->result.declared / 2 ? AUDIT_SLOWER
                                                             : AUDIT_CONFIRMED;
    judge(agent, verdict);
    end(agent, verdict, run->checked);
}

void audit_run_part(struct audit_agent *agent, const struct pubkey *peer,
                    const struct audit_part *part)
{
    struct audit_run *run = &agent->run;
    if (!is_ours(run, peer, &part->nonce) || !run->is_done ||
        part->index != run->index || part->offset != run->have)
        return;
    if (part->data.len > run->len - run->have ||
        (part->data.len < AUDIT_PIECE &&
         part->data.len != run->len - run->have)) {
        judge(agent, AUDIT_FORGED);
        end(agent, AUDIT_FORGED, ERR_PROOF);
        return;
    }
    memcpy(run->product + run->have, part->data.ptr, part->data.len);
    run->have += part->data.len;
    if (run->have < run->len) {
        ask_part(agent);
        return;
    }
    run->checking = true;
    run->work.data = agent;
    CHECK(uv_queue_work(agent->node->loop, &run->work, check, after_check) ==
          0);
}

void audit_run_refused(struct audit_agent *agent, const struct pubkey *peer,
                       const struct audit_refused *refused)
{
    if (!is_ours(&agent->run, peer, &refused->nonce))
        return;
    agent->run.result.by_seller = true;
    end(agent, AUDIT_FAILED, refused->err);
}

void audit_run_tick(struct audit_agent *agent)
{
    struct audit_run *run = &agent->run;
    if (run->busy && !run->checking && audit_now_ms(agent) > run->until_ms)
        end(agent, AUDIT_FAILED, ERR_TIMEOUT);
}
