/* suan run, suan submit, suan market quote: an order, from words to the end. */

#include "base/check.h"
#include "cli/follow.h"
#include "cli/graph.h"
#include "cli/job.h"
#include "cli/file/jobfile.h"
#include "cli/locate.h"
#include "cli/place.h"
#include "cli/unit.h"
#include "cli/unlock.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading the order ---- */

static const struct {
    const char *option;
    const char *field;
} order_options[] = {
    {"name", "name"},
    {"image", "image"},
    {"cpus", "cpus"},
    {"mem", "mem"},
    {"disk", "disk"},
    {"time", "time"},
    {"expires", "expires"},
    {"patience", "patience"},
    {"tasks", "tasks"},
    {"attempts", "attempts"},
    {"env", "env"},
    {"in", "in"},
    {"use", "use"},
    {"out", "out"},
    {"policy", "policy"},
    {"availability", "availability"},
    {"class", "class"},
    {"near", "near"},
    {"max-price", "max_price"},
    {"constraint", "constraints"},
    {"seller", "seller"},
    {"arch", "arch"},
    {"pids", "pids"},
    {"logs", "logs"},
    {"gpu", "gpu"},
    {"device", "devices"},
    {"device-mem", "device_mem"},
    {"nic", "nic"},
    {"tolerate", "tolerate"},
    {"zone", "zones"},
    {"spread", "spread"},
    {"with", "with"},
    {"apart", "apart"},
};

static int refuse_option(struct cli *cli, const struct args *args,
                         const char *option, const char *why)
{
    char next[64];
    snprintf(next, sizeof(next), "suan %s --help", args->verb->path);
    return cli_usage(cli, next, "--%s: %s", option, why);
}

/* Jobs may be named by their name or the start of their id. */
static bool names_job(const char *option)
{
    return strcmp(option, "with") == 0 || strcmp(option, "apart") == 0;
}

/* Options that this verb has go into the order, over what a file said. */
static int order_from_options(struct cli *cli, const struct args *args,
                              struct order *order)
{
    char why[ORDER_ERROR_MAX];
    char id[65];
    for (size_t i = 0; i < sizeof(order_options) / sizeof(order_options[0]);
         i++) {
        const char *option = order_options[i].option;
        const char *value;
        if (verb_option(args->verb, option) == NULL)
            continue;
        for (size_t n = 0; (value = args_nth(args, option, n)) != NULL; n++) {
            if (names_job(option)) {
                int failed = job_resolve(cli, value, id);
                if (failed)
                    return failed;
                value = id;
            }
            if (!order_set(order, order_options[i].field, value, NULL, why))
                return refuse_option(cli, args, option, why);
        }
    }
    return 0;
}

static int order_from_command(struct cli *cli, const struct args *args,
                              struct order *order)
{
    char why[ORDER_ERROR_MAX];
    for (int i = 0; i < args->operand_count; i++) {
        if (!order_set(order, "command", args_operand(args, i), NULL, why))
            return cli_usage(cli, "suan run --help", "the command: %s", why);
    }
    if (!order_check(order, why))
        return cli_usage(cli, "suan run -- sh -c 'echo hi'", "%s", why);
    return 0;
}

/* The whole of a job file or of standard input. */
static int read_file(struct cli *cli, const char *path, struct buf *out)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    uint8_t block[8192];
    size_t got;
    bool failed;
    if (file == NULL)
        return cli_fail(cli, EXIT_NOT_FOUND, strerror(errno),
                        "the path of a job file", "the job file %s", path);
    while ((got = fread(block, 1, sizeof(block), file)) > 0)
        buf_add(out, bytes_make(block, got));
    failed = ferror(file) != 0;
    if (file != stdin)
        fclose(file);
    if (failed)
        return cli_fail(cli, EXIT_FAILED, strerror(errno), NULL,
                        "the job file %s cannot be read", path);
    if (out->err == ERR_TOO_LARGE)
        return cli_usage(cli, NULL, "the job file %s is larger than %u bytes",
                         path, JOBFILE_BYTES_MAX);
    return out->err == OK ? 0 : cli_nomem(cli);
}

/* Where relative paths of a file start. */
static void base_of(const char *path, char base[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    snprintf(base, PATH_MAX, ".");
    if (slash == path)
        snprintf(base, PATH_MAX, "/");
    else if (slash != NULL)
        snprintf(base, PATH_MAX, "%.*s", (int)(slash - path), path);
}

static const char *file_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "stdin" : path;
}

static int order_from_text(struct cli *cli, const char *path, struct bytes text,
                           struct order *order)
{
    char error[JOBFILE_ERROR_MAX];
    char base[PATH_MAX];
    enum err err;
    base_of(path, base);
    err = jobfile_parse(text, file_name(path), base, order, error);
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    return err == OK ? 0 : cli_usage(cli, "suan submit --help", "%s", error);
}

/* ---- placing ---- */

static int check_funds(struct cli *cli, const struct placement *p,
                       const struct bill *bill)
{
    return place_funds(cli, &p->network, &p->request.buyer, bill->quoted);
}

/* Yes by cap, by flag or by a person. */
static int approve(struct cli *cli, const struct bill *bill)
{
    return bill->within_price_max ? 0 : place_ask(cli, bill->total);
}

static int queue_ms(struct cli *cli, const struct args *args, uint64_t *out)
{
    const char *queue = args_text(args, "queue", NULL);
    *out = 0;
    if (queue == NULL)
        return 0;
    if (unit_parse_ms(queue, out) != OK)
        return refuse_option(cli, args, "queue",
                             "a span of time such as 10m belongs here");
    return 0;
}

/* Submits, gets quotes and sums them. */
static int quote_order(struct cli *cli, const struct args *args,
                       struct order *order, const struct signer *signer,
                       bool draft, struct placement *p, struct bill *bill)
{
    uint64_t wait = 0;
    int failed = queue_ms(cli, args, &wait);
    if (!failed)
        failed = place_submit(cli, order, signer, draft, p);
    if (!failed)
        failed = place_quotes(cli, wait, p);
    if (failed)
        return failed;
    if (p->quote_count == 0)
        return place_refused(cli, order, p);
    if (bill_sum(order, p, bill) != OK)
        return cli_fail(cli, EXIT_FUNDS, "it does not fit into 64 bits",
                        "a shorter --time", "the bill is absurd");
    return bill_show(cli, order, p, bill);
}

static int say_id(struct cli *cli, const struct placement *p)
{
    json_t *line;
    int failed;
    if (cli->form != FORM_JSON) {
        fprintf(cli->out, "%s\n", p->id_text);
        failed = out_flush(cli);
        cli_note(cli,
                 "submitted. Try: suan job show %.8s, suan logs -f %.8s, "
                 "suan wait %.8s",
                 p->id_text, p->id_text, p->id_text);
        return failed;
    }
    line = json_pack("{s:s, s:s}", "event", "submitted", "id", p->id_text);
    failed = line == NULL ? cli_nomem(cli) : out_ndjson(cli, line);
    json_decref(line);
    return failed;
}

/* Where outputs go: --fetch, or, when outputs are named, a directory of the
 * job's own. NULL: nowhere. */
static const char *fetch_dir(const struct args *args, const struct order *order,
                             const struct placement *p, char own[32])
{
    const char *dir = args_text(args, "fetch", NULL);
    if (dir != NULL)
        return dir;
    if (order->output_count == 0)
        return NULL;
    snprintf(own, 32, "suan-out-%.8s", p->id_text);
    return own;
}

static int run_order(struct cli *cli, const struct args *args,
                     struct order *order, bool follow)
{
    struct follow_options options = {.logs = true};
    struct placement p;
    struct bill bill = {0};
    struct key *key = NULL;
    struct signer signer;
    char own[32];
    int failed = unlock_key(cli, args_text(args, "key", NULL), &key);
    if (failed)
        return failed;
    follow_catch();
    placement_init(&p);
    signer = key_signer(key);
    failed = quote_order(cli, args, order, &signer, false, &p, &bill);
    if (!failed)
        failed = check_funds(cli, &p, &bill);
    if (!failed)
        failed = approve(cli, &bill);
    if (!failed && follow_interrupts() > 0)
        failed = EXIT_INTERRUPTED;
    if (!failed)
        failed = place_approve(cli, &bill, &signer, &p);
    key_free(key); /* the wallet's part is done */
    if (!failed && !follow)
        failed = say_id(cli, &p);
    if (!failed && follow) {
        if (cli->form != FORM_JSON)
            cli_note(cli, "job %.8s", p.id_text);
        options.fetch_dir = fetch_dir(args, order, &p, own);
        failed = follow_job(cli, p.id_text, &options);
    }
    placement_done(cli, &p);
    return failed;
}

int verb_run(struct cli *cli, const struct args *args)
{
    struct order *order = calloc(1, sizeof(*order));
    int failed;
    if (order == NULL)
        return cli_nomem(cli);
    order_init(order);
    failed = order_from_options(cli, args, order);
    if (!failed)
        failed = order_from_command(cli, args, order);
    if (!failed)
        failed = run_order(cli, args, order, !args_flag(args, "detach"));
    order_done(order);
    free(order);
    return failed;
}

static int show_quote(struct cli *cli, const struct args *args,
                      struct order *order);

static int submit_order(struct cli *cli, const struct args *args,
                        struct bytes text)
{
    struct order *order = calloc(1, sizeof(*order));
    int failed;
    if (order == NULL)
        return cli_nomem(cli);
    order_init(order);
    failed = order_from_text(cli, args_operand(args, 0), text, order);
    if (!failed)
        failed = order_from_options(cli, args, order);
    if (!failed && (args_flag(args, "dry-run") || args_flag(args, "explain")))
        failed = show_quote(cli, args, order);
    else if (!failed)
        failed = run_order(cli, args, order, args_flag(args, "follow"));
    order_done(order);
    free(order);
    return failed;
}

/* Every offer that fits, in the policy's order, and why it stands there. */
static int show_ranks(struct cli *cli, const struct placement *p)
{
    json_t *result = NULL;
    int failed = cli_call(cli, "job.explain",
                          json_pack("{s:s}", "id", p->id_text), &result);
    if (!failed)
        failed = view_print(cli, &view_ranks, result);
    json_decref(result);
    return failed;
}

static int submit_graph(struct cli *cli, const struct args *args,
                        struct bytes text)
{
    struct graphfile *file = calloc(1, sizeof(*file));
    const char *path = args_operand(args, 0);
    char error[YAMLFILE_ERROR_MAX];
    char base[PATH_MAX];
    uint64_t wait = 0;
    enum err err;
    int failed = 0;
    if (file == NULL)
        return cli_nomem(cli);
    base_of(path, base);
    err = graphfile_parse(text, file_name(path), base, file, error);
    if (err == ERR_NOMEM)
        failed = cli_nomem(cli);
    else if (err != OK)
        failed = cli_usage(cli, "suan submit --help", "%s", error);
    if (!failed)
        failed = queue_ms(cli, args, &wait);
    if (!failed)
        failed = run_graph(cli, args, file, wait);
    graphfile_done(file);
    free(file);
    return failed;
}

int verb_submit(struct cli *cli, const struct args *args)
{
    struct buf text;
    int failed;
    buf_init(&text, JOBFILE_BYTES_MAX);
    failed = read_file(cli, args_operand(args, 0), &text);
    if (!failed && graphfile_is(buf_bytes(&text)))
        failed = submit_graph(cli, args, buf_bytes(&text));
    else if (!failed)
        failed = submit_order(cli, args, buf_bytes(&text));
    buf_done(&text);
    return failed;
}

/* The bill without the work. */
static int show_quote(struct cli *cli, const struct args *args,
                      struct order *order)
{
    struct placement p;
    struct bill bill = {0};
    struct key *key = NULL;
    struct signer signer;
    int failed = unlock_key(cli, args_text(args, "key", NULL), &key);
    if (failed)
        return failed;
    placement_init(&p);
    signer = key_signer(key);
    failed = quote_order(cli, args, order, &signer, true, &p, &bill);
    key_free(key);
    if (!failed && args_flag(args, "explain"))
        failed = show_ranks(cli, &p);
    if (!failed && cli->form == FORM_NAME) {
        char total[AMOUNT_TEXT_MAX];
        amount_format(bill.work, total);
        fprintf(cli->out, "%s\n", total);
        failed = out_flush(cli);
    }
    placement_done(cli, &p);
    return failed;
}

int verb_market_quote(struct cli *cli, const struct args *args)
{
    struct order *order = calloc(1, sizeof(*order));
    char why[ORDER_ERROR_MAX];
    int failed = 0;
    if (order == NULL)
        return cli_nomem(cli);
    order_init(order);
    failed = order_from_options(cli, args, order);
    /* A quote needs no command of its own; the bill does not depend on it. */
    if (!failed && args->operand_count == 0)
        failed = order_set(order, "command", "true", NULL, why) ? 0 : 1;
    if (!failed)
        failed = order_from_command(cli, args, order);
    if (!failed)
        failed = show_quote(cli, args, order);
    order_done(order);
    free(order);
    return failed;
}
