/* What an order says of its policy's terms, put to the policy that holds; and
 * the copies that an availability takes, as the node reckons them. */

#include "cli/place_terms.h"

#include "base/check.h"
#include "sched/policy.h"
#include "sched/target.h"

#include <string.h>

/* ---- class and near ---- */

static void take_class(struct cli *cli, const struct order *order,
                       struct request *r)
{
    bool counts =
        r->policy == POLICY_FASTEST ||
        (r->policy == POLICY_COMPOSITE && r->terms.weights[PART_SPEED] > 0);
    if (!order->has_class)
        return;
    if (counts)
        r->terms.speed = order->class_;
    else
        cli_note(cli,
                 "the class of work counts under fastest and under composite "
                 "with a weight of speed; the policy is %s",
                 policy_text(r->policy));
}

/* Who sells under that name; exit 3 or 2. */
static int find_seller(struct cli *cli, const struct network *network,
                       const char *name, struct pubkey *out)
{
    json_t *result = NULL;
    json_t *offer;
    size_t i;
    unsigned found = 0;
    int failed = cli_call(cli, "market.offers", json_object(), &result);
    if (failed)
        return failed;
    json_array_foreach(json_object_get(result, "offers"), i, offer)
    {
        if (strcmp(js_text(offer, "name"), name) != 0)
            continue;
        found++;
        failed = network_address(cli, network, js_text(offer, "provider"), out);
    }
    json_decref(result);
    if (failed)
        return failed;
    if (found == 0)
        return cli_fail(cli, EXIT_NOT_FOUND, NULL,
                        "an address, or a name of suan market offers",
                        "nobody who sells is named \"%.63s\"", name);
    if (found > 1)
        return cli_usage(cli, "suan market offers -o wide, for its address",
                         "%u who sell are named \"%.63s\"", found, name);
    return 0;
}

static int take_near(struct cli *cli, const struct order *order,
                     const struct network *network, struct request *r)
{
    struct pubkey near = {{0}};
    if (order->near[0] == '\0')
        return 0;
    if (r->policy != POLICY_NEAREST &&
        (r->policy != POLICY_COMPOSITE || r->terms.weights[PART_RTT] == 0))
        return cli_usage(cli, "--policy nearest",
                         "--near counts under nearest and under composite with "
                         "a weight of rtt; the policy is %s",
                         policy_text(r->policy));
    if (address_parse(order->near, NULL, &near) == OK) {
        int failed = network_address(cli, network, order->near, &near);
        if (failed)
            return failed;
    } else {
        int failed = find_seller(cli, network, order->near, &near);
        if (failed)
            return failed;
    }
    r->terms.near = near;
    return 0;
}

int place_terms(struct cli *cli, const struct order *order,
                const struct network *network, struct request *r)
{
    int failed = take_near(cli, order, network, r);
    if (failed)
        return failed;
    take_class(cli, order, r);
    if (order->down_ppb > 0)
        r->terms.down_ppb = order->down_ppb;
    if (policy_terms_check(r->policy, &r->terms) == OK)
        return 0;
    return cli_usage(cli,
                     "--policy with another one: suan policy list shows how "
                     "each divides",
                     "an availability takes copies, and the policy says to "
                     "divide tasks by %s",
                     policy_divide_text(r->terms.divide));
}

/* ---- availability ---- */

/* A little less than what can be reached, in few digits: what to ask for. */
static uint32_t rounded_down_ppb(uint64_t down_ppb)
{
    uint64_t unit = 1;
    while (down_ppb / unit >= 100)
        unit *= 10;
    down_ppb = (down_ppb + unit - 1) / unit * unit;
    return down_ppb < TARGET_ONE ? (uint32_t)down_ppb : TARGET_ONE;
}

static int out_of_reach(struct cli *cli, const json_t *crew)
{
    uint32_t nearest = rounded_down_ppb(js_uint(crew, "down_ppb"));
    const char *next = "suan market offers; what providers have served counts, "
                       "so run jobs that need no availability first";
    struct buf buf;
    int failed;
    buf_init(&buf, 128);
    if (nearest < TARGET_ONE) {
        buf_addf(&buf, "--availability ");
        target_format(nearest, &buf);
        buf_addf(&buf,
                 "; suan market offers -o wide shows who is how reliable");
        next = buf_cstr(&buf);
    }
    failed = cli_fail(cli, EXIT_NO_OFFER, js_text(crew, "text"), next,
                      "the availability %s is out of reach",
                      js_text(crew, "target"));
    buf_done(&buf);
    return failed;
}

static void tell(struct cli *cli, const json_t *crew)
{
    const json_t *list = json_object_get(crew, "providers");
    char bill[AMOUNT_TEXT_MAX];
    unsigned copies = (unsigned)js_uint(crew, "copies");
    json_t *member;
    size_t i;
    amount_format(amount_micro(js_uint(crew, "bill_micro")), bill);
    cli_note(cli,
             "availability %s: %u cop%s of each task, expected %s, at most %s "
             "a task with its copies",
             js_text(crew, "target"), copies, copies == 1 ? "y" : "ies",
             js_text(crew, "availability"), bill);
    json_array_foreach(list, i, member)
    {
        cli_note(cli, "  %s %s: %llu contracts served, %llu failed%s",
                 js_text(member, "name"), js_text(member, "availability"),
                 (unsigned long long)js_uint(member, "served"),
                 (unsigned long long)js_uint(member, "failed"),
                 js_bool(member, "by_link") ? "; its link is worse than that"
                                            : "");
    }
}

static int ask_node(struct cli *cli, const struct request *request,
                    const struct signer *signer, json_t **out)
{
    struct request asked = *request;
    struct buf bytes;
    json_t *params = NULL;
    enum err err;
    asked.buyer = signer->key; /* nothing is signed yet */
    buf_init(&bytes, REQUEST_BYTES_MAX);
    err = request_encode(&asked, &bytes);
    if (err == OK)
        params = params_bytes("request", buf_bytes(&bytes));
    buf_done(&bytes);
    if (err != OK)
        return cli_fail_err(cli, err, NULL, "the request");
    if (params == NULL)
        return cli_nomem(cli);
    return cli_call(cli, "market.reckon", params, out);
}

static int take_copies(struct cli *cli, json_t *crew, struct request *r)
{
    uint64_t copies = js_uint(crew, "copies");
    if (!js_bool(crew, "reached"))
        return out_of_reach(cli, crew);
    if (copies == 0 || copies > POLICY_COPIES_MAX)
        return cli_fail(cli, EXIT_FAILED, "market.reckon says no number",
                        "suan version, on both sides",
                        "the node's answer makes no sense");
    tell(cli, crew);
    if (copies > 1) {
        r->terms.divide = POLICY_DIVIDE_DUPLICATED;
        r->terms.copies = (uint32_t)copies;
    }
    return 0;
}

/* Copies are contracts of their own: as many tasks more. */
static int add_copies(struct cli *cli, struct order *order, struct request *r)
{
    uint32_t copies = policy_copies(&r->terms);
    if (copies == 1)
        return 0;
    if (order->tasks > LIMIT_TASKS / copies)
        return cli_usage(cli, "fewer --tasks, or another policy",
                         "%u tasks at %u providers each are more than %u",
                         order->tasks, copies, LIMIT_TASKS);
    if (r->terms.down_ppb == 0 || order->tasks > 1)
        cli_note(cli, "each of %u tasks goes to %u providers: %u contracts",
                 order->tasks, copies, order->tasks * copies);
    order->tasks *= copies;
    r->tasks = order->tasks;
    r->price_max = order_task_cap(order);
    return 0;
}

int place_copies(struct cli *cli, struct order *order,
                 const struct signer *signer, struct placement *p)
{
    struct request *r = &p->request;
    if (r->terms.down_ppb > 0) {
        /* Copies that the policy has already are of whole tasks. */
        uint32_t had = policy_copies(&r->terms);
        json_t *crew = NULL;
        int failed;
        r->tasks = order->tasks * had;
        failed = r->tasks > LIMIT_TASKS ? add_copies(cli, order, r)
                                        : ask_node(cli, r, signer, &crew);
        if (!failed)
            failed = take_copies(cli, crew, r);
        json_decref(p->crew);
        p->crew = crew;
        if (failed)
            return failed;
    }
    return add_copies(cli, order, r);
}
