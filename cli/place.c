#include "cli/place.h"

#include "base/address.h"
#include "base/check.h"
#include "cli/follow.h"
#include "cli/locate.h"
#include "cli/unit.h"
#include "sched/policy.h"
#include "sched/reason.h"
#include "wallet/entropy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Hashing inputs of gigabytes takes its time. */
#define IMPORT_WAIT_MS 600000u
#define QUOTE_POLL_MS  10000u
#define QUEUE_POLL_MS  2000u
#define QUOTE_ARENA    (64u * 1024)

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
    free(p->quotes);
    free(p->names);
    placement_init(p);
}

/* ---- image and inputs ---- */

static int find_image(struct cli *cli, const char *name, struct hash *out)
{
    json_t *result = NULL;
    json_t *image;
    size_t i;
    const char *id = "";
    int failed = cli_call(cli, "image.list", NULL, &result);
    if (failed)
        return failed;
    json_array_foreach(json_object_get(result, "images"), i, image)
    {
        if (strcmp(js_text(image, "name"), name) == 0 ||
            strcmp(js_text(image, "id"), name) == 0 ||
            strcmp(js_text(image, "digest"), name) == 0)
            id = js_text(image, "id");
    }
    if (hash_parse(id, out) != OK) {
        char next[160];
        snprintf(next, sizeof(next),
                 "suan image ls, or suan image import FILE --name %.80s", name);
        failed = cli_fail(cli, EXIT_NOT_FOUND, NULL, next,
                          "there is no image named \"%.80s\"", name);
    }
    json_decref(result);
    return failed;
}

/* One input as blob.import wants it. */
static int add_input(struct cli *cli, const struct order_input *input,
                     json_t *files)
{
    char *real = realpath(input->host, NULL);
    const char *dest = input->dest;
    if (real == NULL)
        return cli_fail(cli, EXIT_NOT_FOUND, strerror(errno),
                        "another --in HOST[:DEST]",
                        "the input %s cannot be read", input->host);
    if (dest == NULL) {
        const char *slash = strrchr(real, '/');
        dest = slash == NULL ? real : slash + 1;
    }
    json_array_append_new(files,
                          json_pack("{s:s, s:s}", "path", real, "as", dest));
    free(real);
    return 0;
}

static int import_inputs(struct cli *cli, const struct order *order,
                         struct hash *out)
{
    json_t *files;
    json_t *result = NULL;
    char size[UNIT_TEXT_MAX];
    int failed = 0;
    memset(out, 0, sizeof(*out));
    if (order->input_count == 0)
        return 0;
    files = json_array();
    for (uint32_t i = 0; i < order->input_count && !failed; i++)
        failed = add_input(cli, &order->inputs[i], files);
    if (failed) {
        json_decref(files);
        return failed;
    }
    failed =
        cli_call_wait(cli, "blob.import", json_pack("{s:o}", "files", files),
                      IMPORT_WAIT_MS, &result);
    if (failed)
        return failed;
    unit_format_bytes(js_uint(result, "bytes"), size);
    cli_note(cli, "inputs: %llu files, %s",
             (unsigned long long)js_uint(result, "files"), size);
    if (hash_parse(js_text(result, "id"), out) != OK)
        failed = cli_fail(cli, EXIT_FAILED, "blob.import gave no id",
                          "suan version, on both sides",
                          "the node's answer makes no sense");
    json_decref(result);
    return failed;
}

/* ---- the request ---- */

static int fill_request(struct cli *cli, const struct order *order,
                        struct placement *p)
{
    struct request *r = &p->request;
    uint64_t now = cli->now_ms();
    if (p->network.chain_time_ms > now)
        now = p->network.chain_time_ms;
    if (entropy_fill(NULL, r->salt, sizeof(r->salt)) != OK)
        return cli_fail_err(cli, ERR_RANDOM, NULL, "the request's salt");
    r->agent = p->network.node;
    r->created_at_ms = now;
    r->expires_at_ms = now + order->expires_ms;
    r->tasks = order->tasks;
    r->attempts_max = order->attempts;
    r->resources = order->resources;
    r->time_ms_max = order->time_ms;
    r->arch = order->arch;
    r->price_max = order_task_cap(order);
    r->constraint_count = order->constraint_count;
    memcpy(r->constraints, order->constraints, sizeof(r->constraints));
    r->devices = order->devices;
    r->toleration_count = order->toleration_count;
    memcpy(r->tolerations, order->tolerations, sizeof(r->tolerations));
    r->zone_count = order->zone_count;
    memcpy(r->zones, order->zones, sizeof(r->zones));
    r->spread = order->spread;
    r->affinity_count = order->affinity_count;
    memcpy(r->affinities, order->affinities, sizeof(r->affinities));
    if (order->seller[0] == '\0')
        return 0;
    return network_address(cli, &p->network, order->seller, &r->only_seller);
}

/* ---- the policy ---- */

static int read_choice(struct cli *cli, const json_t *choice,
                       struct request *out)
{
    struct mp_reader reader;
    struct arena arena;
    struct buf bytes;
    enum err err = policy_parse(js_text(choice, "kind"), &out->policy);
    buf_init(&bytes, POLICY_TERMS_BYTES_MAX);
    arena_init(&arena, QUOTE_ARENA);
    if (err == OK)
        err = rpc_bytes_json(json_object_get(choice, "terms_bytes"), &bytes);
    if (err == OK)
        err = mp_open(&reader, buf_bytes(&bytes), &arena);
    if (err == OK) {
        policy_terms_decode(&reader, &out->terms);
        err = mp_close(&reader);
    }
    if (err == OK)
        err = policy_terms_check(out->policy, &out->terms);
    arena_done(&arena);
    buf_done(&bytes);
    if (err == OK)
        return 0;
    return cli_fail(cli, EXIT_FAILED, err_text(err),
                    "suan version, on both sides",
                    "the node's answer makes no sense");
}

static void tell_choice(struct cli *cli, const json_t *choice)
{
    const char *by = js_text(choice, "by");
    json_t *name;
    size_t i;
    json_array_foreach(json_object_get(choice, "skipped"), i, name)
    {
        cli_warn(cli, "the policy %s is switched off and passed over",
                 json_string_value(name));
    }
    if (strcmp(by, "job-name") == 0)
        cli_note(cli, "policy: %s, bound to jobs named %s",
                 js_text(choice, "name"), js_text(choice, "pattern"));
    else if (strcmp(by, "account") == 0)
        cli_note(cli, "policy: %s, bound to the account that pays",
                 js_text(choice, "name"));
    else if (strcmp(by, "default") == 0)
        cli_note(cli, "policy: %s, the default", js_text(choice, "name"));
}

/* Copies are contracts of their own: as many tasks more. */
static int add_copies(struct cli *cli, struct order *order,
                      const struct placement *p)
{
    uint32_t copies = policy_copies(&p->request.terms);
    if (copies == 1)
        return 0;
    if (order->tasks > LIMIT_TASKS / copies)
        return cli_usage(cli, "fewer --tasks, or another policy",
                         "%u tasks at %u providers each are more than %u",
                         order->tasks, copies, LIMIT_TASKS);
    cli_note(cli, "each of %u tasks goes to %u providers: %u contracts",
             order->tasks, copies, order->tasks * copies);
    order->tasks *= copies;
    return 0;
}

/* The node knows which policy holds; what it says is signed with the request.
 */
static int choose_policy(struct cli *cli, struct order *order,
                         const struct signer *signer, struct placement *p)
{
    char account[ADDRESS_TEXT_MAX];
    json_t *choice = NULL;
    int failed;
    address_format(p->network.prefix, &signer->key, account);
    failed = cli_call(cli, "policy.choose",
                      json_pack("{s:s, s:s, s:s}", "policy", order->policy,
                                "job", order->name, "account", account),
                      &choice);
    if (failed)
        return failed;
    failed = read_choice(cli, choice, &p->request);
    if (!failed)
        tell_choice(cli, choice);
    json_decref(choice);
    return failed ? failed : add_copies(cli, order, p);
}

/* What a name says: which request it is, and how many tasks it has. */
static int resolve_use(struct cli *cli, struct order *order,
                       struct order_use *use)
{
    json_t *result = NULL;
    const char *dest;
    int failed;
    if (!hash_is_zero(&use->request))
        return 0;
    failed =
        cli_call(cli, "job.show", json_pack("{s:s}", "id", use->job), &result);
    if (failed)
        return failed;
    use->tasks = (uint32_t)js_uint(result, "task_count");
    dest = js_text(result, "name");
    if (hash_parse(js_text(result, "id"), &use->request) != OK ||
        use->tasks == 0)
        failed = cli_fail(cli, EXIT_FAILED, "job.show gave no id",
                          "suan version, on both sides",
                          "the node's answer makes no sense");
    else if (use->tasks > SPEC_RESULTS_MAX)
        failed = cli_usage(cli, "suan job result, then --in",
                           "job %.12s has more than %u results to use",
                           use->job, SPEC_RESULTS_MAX);
    if (use->dest[0] == '\0') {
        if (!order_path_is_inner(dest))
            dest = use->job;
        dest = arena_strdup(&order->arena, bytes_str(dest));
        use->dest = dest != NULL ? dest : use->job;
    }
    json_decref(result);
    return failed;
}

static int resolve_uses(struct cli *cli, struct order *order)
{
    int failed = 0;
    for (uint32_t i = 0; i < order->use_count && !failed; i++)
        failed = resolve_use(cli, order, &order->uses[i]);
    return failed;
}

static int encode_spec(struct cli *cli, struct order *order,
                       struct placement *p, struct buf *out)
{
    struct spec spec;
    struct hash image;
    struct hash inputs;
    enum err err;
    int failed = find_image(cli, order->image, &image);
    if (!failed)
        failed = import_inputs(cli, order, &inputs);
    if (!failed)
        failed = resolve_uses(cli, order);
    if (failed)
        return failed;
    err = order_spec(order, &image, &inputs, &spec);
    if (err == OK)
        err = spec_encode(&spec, out);
    if (err != OK)
        return cli_fail_err(cli, err, "fewer or shorter texts",
                            "the job cannot be written down");
    spec_hash(buf_bytes(out), &p->request.spec);
    return 0;
}

int place_prepare(struct cli *cli, struct order *order,
                  const struct signer *signer, struct placement *p,
                  struct buf *out_request, struct buf *out_spec)
{
    enum err err;
    int failed = choose_policy(cli, order, signer, p);
    if (!failed)
        failed = fill_request(cli, order, p);
    if (!failed)
        failed = encode_spec(cli, order, p, out_spec);
    if (failed)
        return failed;
    err = request_sign(&p->request, &p->network.chain, signer);
    if (err == OK)
        err = request_id(&p->request, &p->network.chain, &p->id);
    if (err == OK)
        err = request_encode(&p->request, out_request);
    if (err != OK)
        return cli_fail_err(cli, err, NULL, "the request was not signed");
    hash_format(&p->id, p->id_text);
    return 0;
}

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
                      json_pack("{s:s}", "address", address), &account);
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
    int failed = 0;
    if (!cli->yes && !cli->tty_in)
        return cli_fail(cli, EXIT_LOCKED, "there is no terminal to ask on",
                        "--yes, or --max-price AMOUNT",
                        "the bill has to be approved");
    amount_format(total, text);
    snprintf(question, sizeof(question), "Approve up to %s", text);
    if (cli_confirm(cli, question, &failed))
        return 0;
    if (failed)
        return failed;
    cli_note(cli, "not approved; nothing was spent");
    return follow_interrupts() > 0 ? EXIT_INTERRUPTED : EXIT_FAILED;
}
