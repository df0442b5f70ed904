/* suan submit of a file with components: one bill for all of it. */

#include "base/check.h"
#include "cli/follow.h"
#include "cli/graph.h"
#include "cli/place.h"
#include "cli/unlock.h"

#include <stdlib.h>
#include <string.h>

#define PLAN_POLL_MS 5000u

struct graph_part_bytes {
    struct buf request;
    struct buf spec;
};

struct graph_order {
    struct graphfile *file;
    struct placement p; /* the network; the request made last */
    struct pubkey buyer;
    uint64_t expires_at_ms[GRAPH_PARTS_MAX];
    struct graph_part_bytes bytes[GRAPH_PARTS_MAX];
    char id[65];
    bool open;                           /* at the node, not approved */
    json_t *plan;                        /* the node's newest word; owned */
    struct amount caps[GRAPH_PARTS_MAX]; /* of one task */
    struct amount work;
    struct amount fees;
    struct amount total;
    bool within_price_max;
};

static struct graph_order *order_new(struct graphfile *file)
{
    struct graph_order *g = calloc(1, sizeof(*g));
    for (uint32_t i = 0; g != NULL && i < GRAPH_PARTS_MAX; i++) {
        buf_init(&g->bytes[i].request, REQUEST_BYTES_MAX);
        buf_init(&g->bytes[i].spec, SPEC_BYTES_MAX);
    }
    if (g != NULL)
        g->file = file;
    return g;
}

static void order_free(struct cli *cli, struct graph_order *g)
{
    json_t *result = NULL;
    struct rpc_error error;
    if (g->open && cli->client != NULL &&
        cli_try(cli, "graph.drop", json_pack("{s:s}", "id", g->id), 0, &result,
                &error) == OK)
        json_decref(result);
    for (uint32_t i = 0; i < GRAPH_PARTS_MAX; i++) {
        buf_done(&g->bytes[i].request);
        buf_done(&g->bytes[i].spec);
    }
    json_decref(g->plan);
    free(g);
}

/* ---- signing, in the order of the work ---- */

/* What it reads of others is named by their requests, which are signed. */
static void set_uses(struct graph_order *g, uint32_t part)
{
    struct graphfile_part *p = &g->file->parts[part];
    for (uint32_t i = 0; i < p->from_count; i++) {
        const struct graph_part *from = &g->file->graph.parts[p->from[i].part];
        CHECK(p->order.use_count < SPEC_USES_MAX);
        p->order.uses[p->order.use_count++] =
            (struct order_use){.job = "",
                               .request = from->request,
                               .tasks = from->tasks,
                               .dest = p->from[i].dest};
    }
}

static int too_many_uses(struct cli *cli, const struct graph_order *g,
                         uint32_t part)
{
    const struct graphfile_part *p = &g->file->parts[part];
    if (p->from_count + p->order.use_count <= SPEC_USES_MAX)
        return 0;
    return cli_usage(cli, "fewer of them", "%s uses more than %u others",
                     g->file->graph.parts[part].name, SPEC_USES_MAX);
}

static int prepare_part(struct cli *cli, struct graph_order *g, uint32_t part,
                        uint64_t tail_ms, const struct signer *signer)
{
    struct graphfile_part *p = &g->file->parts[part];
    struct graph_part_bytes *bytes = &g->bytes[part];
    int failed = too_many_uses(cli, g, part);
    if (failed)
        return failed;
    set_uses(g, part);
    p->order.expires_ms = g->file->expires_ms;
    if (g->file->has_deadline)
        p->order.expires_ms = g->file->deadline_ms - tail_ms;
    memset(&g->p.request, 0, sizeof(g->p.request));
    failed = place_prepare(cli, &p->order, signer, &g->p, &bytes->request,
                           &bytes->spec);
    if (!failed && g->p.request.terms.down_ppb > 0)
        failed = cli_usage(cli, "a job of its own for it, or a policy without",
                           "%s asks for an availability, which components of "
                           "a graph do not have",
                           g->file->graph.parts[part].name);
    if (failed)
        return failed;
    g->file->graph.parts[part].request = g->p.id;
    g->expires_at_ms[part] = g->p.request.expires_at_ms;
    g->buyer = g->p.request.buyer;
    return 0;
}

static int prepare(struct cli *cli, struct graph_order *g,
                   const struct signer *signer)
{
    uint32_t level[GRAPH_PARTS_MAX];
    uint64_t tails[GRAPH_PARTS_MAX];
    const struct graph *graph = &g->file->graph;
    int failed = network_get(cli, &g->p.network);
    CHECK(graph_levels(graph, level));
    graphfile_tails(g->file, tails);
    for (uint32_t at = 0; at < graph->part_count && !failed; at++)
        for (uint32_t i = 0; i < graph->part_count && !failed; i++)
            if (level[i] == at)
                failed = prepare_part(cli, g, i, tails[i], signer);
    return failed;
}

/* ---- the node's plan ---- */

static int submit(struct cli *cli, struct graph_order *g)
{
    json_t *parts = json_array();
    json_t *params;
    struct buf graph;
    enum err err;
    int failed;
    for (uint32_t i = 0; i < g->file->graph.part_count; i++)
        json_array_append_new(
            parts,
            json_pack("{s:o, s:o}", "request",
                      rpc_json_bytes(buf_bytes(&g->bytes[i].request)), "spec",
                      rpc_json_bytes(buf_bytes(&g->bytes[i].spec))));
    buf_init(&graph, GRAPH_BYTES_MAX);
    err = graph_encode(&g->file->graph, &graph);
    params = json_pack("{s:o, s:o}", "graph", rpc_json_bytes(buf_bytes(&graph)),
                       "parts", parts);
    buf_done(&graph);
    if (err != OK || params == NULL) {
        json_decref(params);
        return err != OK ? cli_fail_err(cli, err, NULL,
                                        "the graph cannot be written down")
                         : cli_nomem(cli);
    }
    failed = cli_call(cli, "graph.submit", params, &g->plan);
    if (failed)
        return failed;
    snprintf(g->id, sizeof(g->id), "%s", js_text(g->plan, "id"));
    g->open = true;
    return 0;
}

static int plan_again(struct cli *cli, struct graph_order *g, uint64_t wait_ms)
{
    json_t *plan = NULL;
    int failed = cli_call_wait(
        cli, "graph.plan",
        json_pack("{s:s, s:I}", "id", g->id, "wait_ms", (json_int_t)wait_ms),
        wait_ms, &plan);
    if (failed)
        return failed;
    json_decref(g->plan);
    g->plan = plan;
    return 0;
}

/* What is merely busy gets a moment, as the bill of a single job does. */
static int await_plan(struct cli *cli, struct graph_order *g, uint64_t queue_ms)
{
    uint64_t start = cli->now_ms();
    uint64_t most = queue_ms > PLACE_GRACE_MS ? queue_ms : PLACE_GRACE_MS;
    bool said = false;
    while (!js_bool(g->plan, "planned")) {
        uint64_t spent = cli->now_ms() - start;
        int failed;
        if (spent >= most)
            return cli_fail(cli, EXIT_NO_OFFER, js_text(g->plan, "why"),
                            "suan market offers; --queue 10m to wait",
                            "the graph has no place");
        if (!said)
            cli_note(cli, "waiting for a place: %s", js_text(g->plan, "why"));
        said = true;
        failed = plan_again(
            cli, g, most - spent < PLAN_POLL_MS ? most - spent : PLAN_POLL_MS);
        if (failed)
            return failed;
    }
    return 0;
}

/* ---- the bill ---- */

/* The most one task of the part may cost: where it is planned, and, with
 * `spare`, at the next best place, should that be lost. */
static struct amount cap_of(const json_t *part, bool spare)
{
    struct amount cap = {0};
    json_t *task;
    size_t i;
    json_array_foreach(json_object_get(part, "tasks"), i, task)
    {
        const json_t *place = json_object_get(task, "planned");
        struct amount bill = amount_micro(js_uint(place, "bill_micro"));
        struct amount other = amount_micro(js_uint(place, "spare_micro"));
        cap = amount_cmp(bill, cap) > 0 ? bill : cap;
        cap = spare && amount_cmp(other, cap) > 0 ? other : cap;
    }
    return cap;
}

static enum err sum_up(struct graph_order *g)
{
    uint32_t tasks = 0;
    g->work = amount_micro(0);
    for (uint32_t i = 0; i < g->file->graph.part_count; i++) {
        struct amount all;
        TRY(amount_mul(g->caps[i], g->file->graph.parts[i].tasks, &all));
        TRY(amount_add(g->work, all, &g->work));
        tasks += g->file->graph.parts[i].tasks;
    }
    TRY(amount_mul(g->p.network.open_fee, tasks, &g->fees));
    return amount_add(g->work, g->fees, &g->total);
}

/* A price for all of it is shared out as the caps are; never below them. */
static enum err share_out(struct graph_order *g)
{
    struct amount work = g->work;
    if (!g->file->has_price_max)
        return OK;
    g->within_price_max = amount_cmp(work, g->file->price_max) <= 0;
    if (!g->within_price_max || amount_is_zero(work))
        return OK;
    for (uint32_t i = 0; i < g->file->graph.part_count; i++) {
        struct amount more;
        TRY(amount_scale_up(g->caps[i], amount_figure(g->file->price_max),
                            amount_figure(work), &more));
        /* rounded up, so one less: together they keep to the price */
        if (amount_cmp(more, g->caps[i]) > 0)
            TRY(amount_sub(more, amount_micro(1), &more));
        if (amount_cmp(more, g->caps[i]) > 0)
            g->caps[i] = more;
    }
    return sum_up(g);
}

static enum err set_caps(struct graph_order *g, bool spare)
{
    json_t *part;
    size_t i;
    json_array_foreach(json_object_get(g->plan, "parts"), i, part)
    {
        CHECK(i < GRAPH_PARTS_MAX);
        g->caps[i] = cap_of(part, spare);
    }
    return sum_up(g);
}

static int too_dear(struct cli *cli, const struct graph_order *g)
{
    char asked[AMOUNT_TEXT_MAX];
    char best[AMOUNT_TEXT_MAX];
    char next[96];
    amount_format(g->file->price_max, asked);
    amount_format(g->work, best);
    snprintf(next, sizeof(next), "--max-price %s, or shorter times", best);
    return cli_fail(cli, EXIT_NO_OFFER, NULL, next,
                    "no plan does this for at most %s (best: %s)", asked, best);
}

static int make_bill(struct cli *cli, struct graph_order *g)
{
    enum err err = set_caps(g, true);
    bool capped = g->file->has_price_max;
    if (err == OK && capped && amount_cmp(g->work, g->file->price_max) > 0)
        err = set_caps(g, false);
    if (err == OK && capped && amount_cmp(g->work, g->file->price_max) > 0)
        return too_dear(cli, g);
    if (err == OK)
        err = share_out(g);
    if (err != OK)
        return cli_fail(cli, EXIT_FUNDS, "it does not fit into 64 bits",
                        "a shorter time", "the bill is absurd");
    return 0;
}

static int show_bill(struct cli *cli, const struct graph_order *g, bool data)
{
    char work[AMOUNT_TEXT_MAX];
    char fees[AMOUNT_TEXT_MAX];
    char total[AMOUNT_TEXT_MAX];
    int failed;
    json_object_set_new(g->plan, "total_cap_micro",
                        json_integer((json_int_t)amount_figure(g->work)));
    json_object_set_new(g->plan, "fees_micro",
                        json_integer((json_int_t)amount_figure(g->fees)));
    failed = graph_plan_show(cli, g->plan, data);
    if (failed || cli->form == FORM_JSON)
        return failed;
    amount_format(g->work, work);
    amount_format(g->fees, fees);
    amount_format(g->total, total);
    cli_note(cli,
             "At most %s; only the time used is paid, the rest comes back, and "
             "what never",
             work);
    cli_note(cli,
             "begins costs nothing. The chain's fees: %s. All together at "
             "most %s.",
             fees, total);
    return 0;
}

/* ---- the yes ---- */

static int approve(struct cli *cli, struct graph_order *g,
                   const struct signer *signer)
{
    json_t *list = json_array();
    json_t *result = NULL;
    enum err err = OK;
    int failed;
    for (uint32_t i = 0; i < g->file->graph.part_count && err == OK; i++) {
        struct approval approval = {
            .request = g->file->graph.parts[i].request,
            .task_cap = g->caps[i],
            .expires_at_ms = g->expires_at_ms[i],
        };
        struct buf encoded;
        buf_init(&encoded, APPROVAL_BYTES_MAX);
        err = approval_sign(&approval, &g->p.network.chain, signer);
        if (err == OK)
            err = approval_encode(&approval, &encoded);
        json_array_append_new(list, rpc_json_bytes(buf_bytes(&encoded)));
        buf_done(&encoded);
    }
    if (err != OK) {
        json_decref(list);
        return cli_fail_err(cli, err, NULL, "the approvals were not signed");
    }
    failed = cli_call(cli, "graph.approve",
                      json_pack("{s:s, s:o}", "id", g->id, "approvals", list),
                      &result);
    if (failed)
        return failed;
    json_decref(result);
    g->open = false;
    return 0;
}

/* ---- all of it ---- */

static int take_options(struct cli *cli, const struct args *args,
                        struct graphfile *file)
{
    const char *name = args_text(args, "name", NULL);
    const char *price = args_text(args, "max-price", NULL);
    static const char *const none[] = {"tasks", "seller", "policy"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        if (args_text(args, none[i], NULL) != NULL)
            return cli_usage(cli, "the field in the file",
                             "--%s is for a single job; a graph's components "
                             "say it themselves",
                             none[i]);
    if (name != NULL && strlen(name) >= LIMIT_NAME)
        return cli_usage(cli, "a shorter one", "--name is too long");
    if (name != NULL)
        snprintf(file->graph.name, LIMIT_NAME, "%s", name);
    if (price == NULL)
        return 0;
    file->has_price_max = true;
    return read_amount(cli, "--max-price", price, &file->price_max);
}

static int quote(struct cli *cli, struct graph_order *g,
                 const struct signer *signer, uint64_t queue_ms, bool dry)
{
    int failed = prepare(cli, g, signer);
    if (!failed)
        failed = submit(cli, g);
    if (!failed)
        failed = await_plan(cli, g, queue_ms);
    if (!failed)
        failed = make_bill(cli, g);
    return failed ? failed : show_bill(cli, g, dry);
}

static int say_id(struct cli *cli, const struct graph_order *g)
{
    json_t *line;
    int failed;
    if (cli->form != FORM_JSON) {
        fprintf(cli->out, "%s\n", g->id);
        cli_note(cli,
                 "submitted. Try: suan job show %.8s, suan logs %.8s/NAME, "
                 "suan wait %.8s",
                 g->id, g->id, g->id);
        return 0;
    }
    line = json_pack("{s:s, s:s}", "event", "submitted", "id", g->id);
    failed = line == NULL ? cli_nomem(cli) : 0;
    if (line != NULL) {
        json_dumpf(line, cli->out, JSON_COMPACT);
        fputc('\n', cli->out);
    }
    json_decref(line);
    return failed;
}

static int buy(struct cli *cli, const struct args *args, struct graph_order *g,
               const struct signer *signer)
{
    int failed = place_funds(cli, &g->p.network, &g->buyer, g->total);
    if (!failed && !g->within_price_max)
        failed = place_ask(cli, g->total);
    if (!failed && follow_interrupts() > 0)
        failed = EXIT_INTERRUPTED;
    if (!failed)
        failed = approve(cli, g, signer);
    if (failed)
        return failed;
    if (!args_flag(args, "follow"))
        return say_id(cli, g);
    cli_note(cli, "graph %.8s", g->id);
    return graph_follow(cli, g->id, args_text(args, "fetch", NULL));
}

int run_graph(struct cli *cli, const struct args *args, struct graphfile *file,
              uint64_t queue_ms)
{
    bool dry = args_flag(args, "dry-run") || args_flag(args, "explain");
    struct graph_order *g;
    struct key *key = NULL;
    struct signer signer;
    int failed = take_options(cli, args, file);
    if (!failed)
        failed = unlock_key(cli, args_text(args, "key", NULL), &key);
    if (failed)
        return failed;
    g = order_new(file);
    if (g == NULL) {
        key_free(key);
        return cli_nomem(cli);
    }
    follow_catch();
    signer = key_signer(key);
    failed = quote(cli, g, &signer, queue_ms, dry);
    if (!failed && !dry)
        failed = buy(cli, args, g, &signer);
    key_free(key);
    order_free(cli, g);
    return failed;
}
