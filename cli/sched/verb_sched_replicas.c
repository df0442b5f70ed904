/* suan sched replicas: how many replicas a redundant job needs, and where. */

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/file/replicasfile.h"
#include "cli/share.h"
#include "cli/file/textfile.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"

#define STEPS_MAX 1000000u

static int read_down(struct cli *cli, const struct args *args,
                     const char *option, double *out)
{
    const char *text = args_text(args, option, NULL);
    enum err err;
    if (text == NULL)
        return cli_usage(cli, "--target 99.99% --availability 97%",
                         "--%s is missing", option);
    err = share_parse(text, out);
    if (err != OK)
        return cli_usage(
            cli, "99.9% or 0.999", "--%s: \"%.40s\" is not an availability%s",
            option, text, err == ERR_RANGE ? " above 0 and at most 1" : "");
    return 0;
}

/* ---- equal providers ---- */

static int equal(struct cli *cli, const struct args *args, double down_max)
{
    char share[SHARE_TEXT_MAX];
    double down = 0;
    double all = 1;
    uint32_t count;
    int failed = read_down(cli, args, "availability", &down);
    if (failed)
        return failed;
    count = replicas_equal(down, down_max);
    if (count == 0)
        return cli_fail(cli, EXIT_POLICY, NULL, "a target below 100%",
                        "no number of replicas reaches the target");
    for (uint32_t i = 0; i < count && all > 0; i++)
        all *= down;
    if (cli->form == FORM_JSON) {
        json_t *object =
            json_pack("{s:I, s:f, s:f}", "replicas", (json_int_t)count,
                      "availability", 1 - all, "unavailability", all);
        failed = object == NULL ? cli_nomem(cli) : out_json(cli, object);
        json_decref(object);
        return failed;
    }
    share_format(all, share);
    fprintf(cli->out, "%u replica%s: %s\n", count, count == 1 ? "" : "s",
            share);
    return out_flush(cli);
}

/* ---- candidates of a file ---- */

static json_t *picks_json(const struct replicasfile *file,
                          const struct replicas *r)
{
    json_t *picks = json_array();
    for (uint32_t i = 0; i < r->count; i++) {
        const struct replicas_candidate *c = &file->candidates[r->picks[i]];
        char price[AMOUNT_TEXT_MAX];
        json_t *pick;
        amount_format(c->price, price);
        pick = json_pack("{s:s, s:f, s:s}", "name", file->names[r->picks[i]],
                         "availability", 1 - c->down, "price", price);
        if (c->domain > 0)
            json_object_set_new(pick, "domain",
                                json_string(file->domain_names[c->domain - 1]));
        json_array_append_new(picks, pick);
    }
    return picks;
}

static int tell_json(struct cli *cli, const struct replicasfile *file,
                     const struct replicas *r, bool fewest)
{
    char price[AMOUNT_TEXT_MAX];
    char least[AMOUNT_TEXT_MAX];
    json_t *object;
    int failed;
    amount_format(r->price, price);
    amount_format(r->price_least, least);
    object =
        json_pack("{s:I, s:f, s:f, s:s, s:o}", "replicas", (json_int_t)r->count,
                  "availability", 1 - r->down, "unavailability", r->down,
                  "price", price, "picks", picks_json(file, r));
    if (object != NULL && !fewest)
        json_object_set_new(object, "price_least", json_string(least));
    failed = object == NULL ? cli_nomem(cli) : out_json(cli, object);
    json_decref(object);
    return failed;
}

static void tell_price(struct cli *cli, const struct replicas *r, bool fewest)
{
    char price[AMOUNT_TEXT_MAX];
    char least[AMOUNT_TEXT_MAX];
    amount_format(r->price, price);
    amount_format(r->price_least, least);
    fprintf(cli->out, "price %s", price);
    if (fewest)
        fprintf(cli->out, "; no fewer replicas reach the target\n");
    else if (amount_cmp(r->price, r->price_least) == 0)
        fprintf(cli->out, "; no cheaper choice reaches the target\n");
    else
        fprintf(cli->out, "; none below %s reaches the target\n", least);
}

static int tell(struct cli *cli, const struct replicasfile *file,
                const struct replicas *r, bool fewest)
{
    char share[SHARE_TEXT_MAX];
    char price[AMOUNT_TEXT_MAX];
    share_format(r->down, share);
    fprintf(cli->out, "%u replica%s: %s\n", r->count, r->count == 1 ? "" : "s",
            share);
    if (file->has_prices)
        tell_price(cli, r, fewest);
    fputc('\n', cli->out);
    if (cli->headers)
        fprintf(cli->out, "%-16s %12s  %s\n", "AVAILABILITY", "PRICE",
                "CANDIDATE");
    for (uint32_t i = 0; i < r->count; i++) {
        const struct replicas_candidate *c = &file->candidates[r->picks[i]];
        share_format_short(c->down, share);
        amount_format(c->price, price);
        fprintf(cli->out, "%-16s %12s  ", share,
                file->has_prices ? price : "-");
        cli_put(cli->out, file->names[r->picks[i]]);
        if (c->domain > 0) {
            fputs(", of ", cli->out);
            cli_put(cli->out, file->domain_names[c->domain - 1]);
        }
        fputc('\n', cli->out);
    }
    return out_flush(cli);
}

static int out_of_reach(struct cli *cli, const struct replicasfile *file)
{
    char why[160];
    char share[SHARE_TEXT_MAX];
    struct replicas r;
    CHECK(replicas_best(file->candidates, file->count, &r) == OK);
    share_format(r.down, share);
    snprintf(why, sizeof(why), "the best %u that may stand together reach %s",
             r.count, share);
    return cli_fail(cli, EXIT_POLICY, why, "more candidates, of more domains",
                    "the target cannot be reached");
}

static int choose(struct cli *cli, const struct replicasfile *file,
                  double down_max, bool fewest)
{
    struct replicas r;
    enum err err;
    fewest = fewest || !file->has_prices;
    err = fewest ? replicas_fewest(file->candidates, file->count, down_max, &r)
                 : replicas_cheapest(file->candidates, file->count, down_max,
                                     STEPS_MAX, &r);
    if (err == ERR_CAPACITY)
        return out_of_reach(cli, file);
    CHECK(err == OK); /* the file's reader keeps the bounds */
    if (cli->form == FORM_JSON)
        return tell_json(cli, file, &r, fewest);
    return tell(cli, file, &r, fewest);
}

int verb_sched_replicas(struct cli *cli, const struct args *args)
{
    const char *path = args_operand(args, 0);
    char error[YAMLFILE_ERROR_MAX];
    struct replicasfile *file;
    struct buf text;
    double down_max = 0;
    enum err err = OK;
    int failed = read_down(cli, args, "target", &down_max);
    if (failed)
        return failed;
    if (path == NULL)
        return equal(cli, args, down_max);
    if (args_text(args, "availability", NULL) != NULL)
        return cli_usage(cli, "one of them",
                         "--availability is for equal providers, FILE for "
                         "others");
    file = malloc(sizeof(*file));
    if (file == NULL)
        return cli_nomem(cli);
    buf_init(&text, YAMLFILE_BYTES_MAX);
    failed = textfile_read(cli, path, "the candidates' file", &text);
    if (!failed)
        err = replicasfile_parse(buf_bytes(&text), path, file, error);
    buf_done(&text);
    if (err == ERR_NOMEM)
        failed = cli_nomem(cli);
    else if (err != OK)
        failed = cli_usage(cli, "suan sched replicas --help", "%s", error);
    if (!failed)
        failed = choose(cli, file, down_max, args_flag(args, "fewest"));
    free(file);
    return failed;
}
