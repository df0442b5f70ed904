/* From an order to a signed request: image, inputs, what it uses of other jobs,
 * its policy. The first half of place.h. */

#include "cli/place.h"

#include "base/check.h"
#include "cli/job.h"
#include "cli/locate.h"
#include "cli/place_terms.h"
#include "cli/unit.h"
#include "sched/policy.h"
#include "wallet/entropy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Hashing inputs of gigabytes takes its time. */
#define IMPORT_WAIT_MS 600000u
#define TERMS_ARENA    (64u * 1024)

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
    r->patience_ms = order->patience_ms;
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
    arena_init(&arena, TERMS_ARENA);
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

/* The node knows which policy holds; what it says is signed with the request.
 */
static int choose_policy(struct cli *cli, const struct order *order,
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
    if (!failed && p->request.patience_ms > 0 && p->request.terms.gang)
        failed = cli_usage(cli, "leave out patience, or the gang",
                           "tasks that run together cannot wait in the queues "
                           "of sellers: they need all their places at once");
    return failed ? failed : place_terms(cli, order, &p->network, &p->request);
}

/* What a name says: which request it is, and how many tasks it has. */
static int take_used(struct cli *cli, struct order *order,
                     struct order_use *use, const json_t *shown)
{
    const char *dest = js_text(shown, "name");
    use->tasks = (uint32_t)js_uint(shown, "task_count");
    if (json_is_array(json_object_get(shown, "parts")))
        return cli_usage(cli, "GRAPH/NAME, as suan job show has them",
                         "\"%.60s\" is a graph; one of its components has "
                         "results to use",
                         use->job);
    if (use->tasks == 0 ||
        hash_parse(js_text(shown, "id"), &use->request) != OK)
        return cli_fail(cli, EXIT_FAILED, "job.show gave no id",
                        "suan version, on both sides",
                        "the node's answer makes no sense");
    if (use->tasks > SPEC_RESULTS_MAX)
        return cli_usage(cli, "suan job fetch, then --in",
                         "job %.60s has more than %u results to use", use->job,
                         SPEC_RESULTS_MAX);
    if (use->dest[0] != '\0')
        return 0;
    if (!order_path_is_inner(dest))
        dest = use->job;
    use->dest = arena_strdup(&order->arena, bytes_str(dest));
    return use->dest != NULL ? 0 : cli_nomem(cli);
}

static int resolve_use(struct cli *cli, struct order *order,
                       struct order_use *use)
{
    json_t *shown = NULL;
    char id[65];
    int failed;
    if (!hash_is_zero(&use->request))
        return 0;
    failed = job_resolve(cli, use->job, id);
    if (!failed)
        failed =
            cli_call(cli, "job.show", json_pack("{s:s}", "id", id), &shown);
    if (failed)
        return failed;
    failed = take_used(cli, order, use, shown);
    json_decref(shown);
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
        failed = place_copies(cli, order, signer, p);
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
