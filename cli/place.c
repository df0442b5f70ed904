#include "cli/place.h"

#include "base/address.h"
#include "base/check.h"
#include "cli/follow.h"
#include "cli/job.h"
#include "cli/unit.h"
#include "sched/reason.h"

#include <stdlib.h>
#include <string.h>

#define QUOTE_POLL_MS 10000u
#define QUEUE_POLL_MS 2000u
#define QUOTE_ARENA   (64u * 1024)

void placement_init(struct placement *p)
{
    memset(p, 0, sizeof(*p));
}

void placement_done(struct cli *cli, struct placement *p)
{
    json_t *result = NULL;
    struct rpc_error error;
    if (p->open && cli->client != NULL &&
        cli_try(cli, "job.drop", json_pack("{s:s}", "id", p->id_text), 0,
                &result, &error) == OK)
        json_decref(result);
    json_decref(p->explain);
    json_decref(p->crew);
    free(p->quotes);
    free(p->names);
    placement_init(p);
}

/* ---- submitting ---- */

static int send_request(struct cli *cli, const struct order *order, bool draft,
                        struct bytes spec, struct bytes request,
                        struct placement *p)
{
    json_t *result = NULL;
    json_t *params =
        json_pack("{s:o, s:o, s:b}", "spec", rpc_json_bytes(spec), "request",
                  rpc_json_bytes(request), "draft", (int)draft);
    int failed;
    if (params == NULL)
        return cli_nomem(cli);
    if (order->name[0] != '\0')
        json_object_set_new(params, "name", json_string(order->name));
    failed = cli_call(cli, "job.submit", params, &result);
    if (failed)
        return failed;
    p->open = true;
    if (strcmp(js_text(result, "id"), p->id_text) != 0)
        failed = cli_fail(cli, EXIT_FAILED, "it names the job otherwise",
                          "suan version, on both sides",
                          "the node's answer makes no sense");
    json_decref(result);
    return failed;
}

int place_submit(struct cli *cli, struct order *order,
                 const struct signer *signer, bool draft, struct placement *p)
{
    struct buf spec;
    struct buf request;
    int failed = network_get(cli, &p->network);
    if (failed)
        return failed;
    buf_init(&spec, SPEC_BYTES_MAX);
    buf_init(&request, REQUEST_BYTES_MAX);
    failed = place_prepare(cli, order, signer, p, &request, &spec);
    if (!failed)
        failed = send_request(cli, order, draft, buf_bytes(&spec),
                              buf_bytes(&request), p);
    buf_done(&request);
    buf_done(&spec);
    return failed;
}

/* ---- quotes ---- */

/* What a provider promised, or why its promise is not taken. */
static enum err read_quote(const struct placement *p, const json_t *item,
                           struct quote *out)
{
    struct arena arena;
    struct buf raw;
    struct quote quote;
    enum err err;
    buf_init(&raw, QUOTE_BYTES_MAX);
    arena_init(&arena, QUOTE_ARENA);
    err = rpc_bytes_json(json_object_get(item, "quote"), &raw);
    if (err == OK)
        err = quote_decode(buf_bytes(&raw), &arena, &quote);
    if (err == OK)
        err = quote_verify(&quote, &p->network.chain);
    if (err == OK)
        err = quote_check(&quote, &p->request, &p->id);
    if (err == OK && quote.task != js_uint(item, "task"))
        err = ERR_TERMS;
    if (err == OK)
        *out = quote;
    arena_done(&arena);
    buf_done(&raw);
    return err;
}

static int read_quotes(struct cli *cli, json_t *result, struct placement *p)
{
    json_t *items = json_object_get(result, "quotes");
    json_t *item;
    size_t i;
    size_t count = json_array_size(items);
    if (count > p->request.tasks)
        return cli_fail(cli, EXIT_POLICY, "there are more than tasks",
                        "suan version, on both sides",
                        "the quotes do not hold");
    free(p->quotes);
    free(p->names);
    p->quotes = calloc(count + 1, sizeof(*p->quotes));
    p->names = calloc(count + 1, sizeof(*p->names));
    p->quote_count = 0;
    if (p->quotes == NULL || p->names == NULL)
        return cli_nomem(cli);
    json_array_foreach(items, i, item)
    {
        enum err err = read_quote(p, item, &p->quotes[p->quote_count]);
        if (err != OK)
            return cli_fail(cli, EXIT_POLICY, err_text(err),
                            "the command once more; another provider with "
                            "--constraint or --seller",
                            "the quote for task %llu does not hold",
                            (unsigned long long)js_uint(item, "task"));
        snprintf(p->names[p->quote_count], LIMIT_NAME, "%s",
                 js_text(item, "name"));
        p->quote_count++;
    }
    p->unplaced = p->request.tasks - (uint32_t)p->quote_count;
    snprintf(p->waiting_for, sizeof(p->waiting_for), "%s",
             js_text(result, "waiting_for"));
    p->ended = job_state_ended(js_text(result, "state"));
    json_decref(p->explain);
    p->explain = json_incref(json_object_get(result, "explain"));
    return 0;
}

/* One call; *out_answered: no task is left open. */
static int ask_quotes(struct cli *cli, uint64_t wait_ms, bool all,
                      struct placement *p, bool *out_answered)
{
    json_t *result = NULL;
    int failed =
        cli_call_wait(cli, "job.quotes",
                      json_pack("{s:s, s:I, s:b}", "id", p->id_text, "wait_ms",
                                (json_int_t)wait_ms, "all", (int)all),
                      wait_ms, &result);
    if (failed)
        return failed;
    failed = read_quotes(cli, result, p);
    *out_answered =
        p->quote_count + js_uint(result, "unplaced") >= p->request.tasks;
    json_decref(result);
    return failed;
}

/* Does something stand in the way that passes by itself, such as a core that
 * the last job has not given back yet? */
static bool may_pass(const struct placement *p)
{
    json_t *offer;
    size_t i;
    json_array_foreach(json_object_get(p->explain, "offers"), i, offer)
    {
        enum reason reason = reason_parse(js_text(offer, "code"));
        if (reason == REASON_NONE || reason_class_of(reason) == REASON_LATER)
            return true;
    }
    return false;
}

/* For results of another job: that one's end is waited for, however long. */
static bool waits_for_job(const struct placement *p)
{
    return !p->ended && strncmp(p->waiting_for, "waits for ", 10) == 0;
}

int place_quotes(struct cli *cli, uint64_t queue_ms, struct placement *p)
{
    uint64_t start = cli->now_ms();
    bool queued = false; /* the node is to answer only to something new */
    for (;;) {
        uint64_t spent = cli->now_ms() - start;
        uint64_t left = queued ? queue_ms : PLACE_ANSWER_MS;
        uint64_t most = queued ? QUEUE_POLL_MS : QUOTE_POLL_MS;
        bool answered = false;
        int failed;
        left = left > spent ? left - spent : 0;
        failed =
            ask_quotes(cli, left < most ? left : most, queued, p, &answered);
        if (failed || left == 0)
            return failed;
        if (queue_ms < PLACE_GRACE_MS && may_pass(p))
            queue_ms = PLACE_GRACE_MS;
        if (p->ended)
            return 0;
        if (waits_for_job(p))
            queue_ms = spent + PLACE_ANSWER_MS;
        if (follow_interrupts() > 0)
            return EXIT_INTERRUPTED;
        if (answered && (p->quote_count > 0 || spent >= queue_ms))
            return 0;
        if (answered && !queued) {
            cli_note(cli, "waiting for an offer that fits%s%s",
                     p->waiting_for[0] != '\0' ? ": " : "", p->waiting_for);
            queued = true;
        }
    }
}

/* ---- no offer ---- */

/* The cheapest bill of one task among offers that a price alone keeps out. */
static bool best_price(struct cli *cli, const struct order *order,
                       struct amount *out)
{
    json_t *result = NULL;
    json_t *offer;
    struct rpc_error error;
    size_t i;
    bool found = false;
    json_t *params = json_pack(
        "{s:I, s:I, s:I}", "cpu_milli", (json_int_t)order->resources.cpu_milli,
        "mem_mib", (json_int_t)order->resources.mem_mib, "disk_mib",
        (json_int_t)order->resources.disk_mib);
    if (cli_try(cli, "market.offers", params, 0, &result, &error) != OK)
        return false;
    json_array_foreach(json_object_get(result, "offers"), i, offer)
    {
        struct amount cap;
        if (!js_bool(offer, "feasible") ||
            price_for_time(amount_micro(js_uint(offer, "hour_micro")),
                           order->time_ms, &cap) != OK ||
            amount_is_zero(cap))
            continue;
        if (!found || amount_cmp(cap, *out) < 0)
            *out = cap;
        found = true;
    }
    json_decref(result);
    return found;
}

static int refused_by_price(struct cli *cli, const struct order *order,
                            struct amount best)
{
    char asked[AMOUNT_TEXT_MAX];
    char best_text[AMOUNT_TEXT_MAX];
    char next[160];
    struct amount total;
    amount_format(order->price_max, asked);
    if (amount_mul(best, order->tasks, &total) != OK)
        total = best;
    amount_format(total, best_text);
    snprintf(next, sizeof(next), "--max-price %s, or a shorter --time",
             best_text);
    return cli_fail(cli, EXIT_NO_OFFER, NULL, next,
                    "no provider does this for at most %s (best: %s)", asked,
                    best_text);
}

/* Who comes nearest to it, and what is missing there. */
static void nearest_miss(const struct placement *p, char *out, size_t size)
{
    const json_t *nearest = json_object_get(p->explain, "nearest");
    const json_t *first =
        json_array_get(json_object_get(p->explain, "offers"), 0);
    if (!json_is_object(nearest))
        nearest = first;
    if (json_is_object(nearest))
        snprintf(out, size, "the nearest is %.64s, %.300s",
                 js_text(nearest, "name"), js_text(nearest, "text"));
    else
        snprintf(out, size, "%s", p->waiting_for);
}

/* The one change that makes most offers fit, and where to look. */
static void advise(const struct order *order, const struct placement *p,
                   char *out, size_t size)
{
    const json_t *relax =
        json_array_get(json_object_get(p->explain, "relax"), 0);
    const char *change = js_text(relax, "change");
    char cores[UNIT_TEXT_MAX];
    unit_format_milli(order->resources.cpu_milli, cores);
    snprintf(out, size,
             "%.100s%ssuan market offers -o wide --cpus %s --mem %lluM", change,
             change[0] != '\0' ? "; --queue 10m to wait; " : "", cores,
             (unsigned long long)order->resources.mem_mib);
}

int place_refused(struct cli *cli, const struct order *order,
                  const struct placement *p)
{
    size_t offers = json_array_size(json_object_get(p->explain, "offers"));
    char next[256];
    char why[400];
    struct amount best;
    if (p->ended)
        return cli_fail(cli, EXIT_FAILED, p->waiting_for, "suan ps -a",
                        "the job cannot begin");
    if (order->has_price_max && best_price(cli, order, &best) &&
        amount_cmp(best, order_task_cap(order)) > 0)
        return refused_by_price(cli, order, best);
    if (offers == 0)
        return cli_fail(cli, EXIT_NO_OFFER, "no provider's offer is known",
                        "suan market offers, suan node peers", "nobody sells");
    nearest_miss(p, why, sizeof(why));
    advise(order, p, next, sizeof(next));
    return cli_fail(cli, EXIT_NO_OFFER, why, next, "none of %zu offers fits",
                    offers);
}

/* ---- approval ---- */

int place_approve(struct cli *cli, const struct bill *bill,
                  const struct signer *signer, struct placement *p)
{
    struct approval approval = {
        .request = p->id,
        .task_cap = bill->task_cap,
        .expires_at_ms = p->request.expires_at_ms,
    };
    struct buf encoded;
    json_t *params = NULL;
    json_t *result = NULL;
    int failed;
    enum err err = approval_sign(&approval, &p->network.chain, signer);
    buf_init(&encoded, APPROVAL_BYTES_MAX);
    if (err == OK)
        err = approval_encode(&approval, &encoded);
    if (err == OK)
        params = params_bytes("approval", buf_bytes(&encoded));
    buf_done(&encoded);
    if (err != OK)
        return cli_fail_err(cli, err, NULL, "the approval was not signed");
    if (params == NULL)
        return cli_nomem(cli);
    json_object_set_new(params, "id", json_string(p->id_text));
    failed = cli_call(cli, "job.approve", params, &result);
    if (failed)
        return failed;
    json_decref(result);
    p->open = false;
    return 0;
}

/* ---- money and a yes ---- */

int place_funds(struct cli *cli, const struct network *network,
                const struct pubkey *buyer, struct amount wanted)
{
    char address[ADDRESS_TEXT_MAX];
    char have[AMOUNT_TEXT_MAX];
    char need[AMOUNT_TEXT_MAX];
    json_t *account = NULL;
    struct amount balance;
    int failed;
    address_format(network->prefix, buyer, address);
    failed = cli_call(cli, "chain.account",
                      json_pack("{s:s, s:b}", "address", address, "locked", 0),
                      &account);
    if (failed)
        return failed;
    balance = amount_micro(js_uint(account, "balance_micro"));
    json_decref(account);
    if (amount_cmp(balance, wanted) >= 0)
        return 0;
    amount_format(balance, have);
    amount_format(wanted, need);
    return cli_fail(cli, EXIT_FUNDS, NULL,
                    "a shorter --time, fewer --cpus, or suan wallet balance",
                    "the balance is %s, and the bill's cap and fees are %s",
                    have, need);
}

int place_ask(struct cli *cli, struct amount total)
{
    char question[96];
    char text[AMOUNT_TEXT_MAX];
    if (!cli->yes && !cli->tty_in)
        return cli_fail(cli, EXIT_LOCKED, "there is no terminal to ask on",
                        "--yes, or --max-price AMOUNT",
                        "the bill has to be approved");
    amount_format(total, text);
    snprintf(question, sizeof(question), "Approve up to %s", text);
    int failed = cli_confirm(cli, question, "not approved; nothing was spent");
    return failed == EXIT_FAILED && follow_interrupts() > 0 ? EXIT_INTERRUPTED
                                                            : failed;
}
