/* suan chain status|block|tx|account|verify: what the ledger holds. */

#include "base/address.h"
#include "base/hash.h"
#include "cli/unit.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"

#include <string.h>

#define VERIFY_POLL_MS 1000u

/* Shows the answer to one call. */
static int show(struct cli *cli, const char *method, json_t *params,
                const struct view *view)
{
    json_t *result = NULL;
    int failed = cli_call(cli, method, params, &result);
    if (failed)
        return failed;
    failed = view_print(cli, view, result);
    json_decref(result);
    return failed;
}

/* A second table under an object, in the forms that are for people. */
static int show_rows(struct cli *cli, const struct view *view, json_t *result)
{
    if (cli->form == FORM_JSON || cli->form == FORM_NAME ||
        json_array_size(json_object_get(result, view->rows)) == 0)
        return 0;
    fputc('\n', cli->out);
    return view_print(cli, view, result);
}

int verb_chain_status(struct cli *cli, const struct args *args)
{
    json_t *result = NULL;
    int failed = cli_call(cli, "chain.status", NULL, &result);
    (void)args;
    if (failed)
        return failed;
    failed = view_print(cli, &view_chain, result);
    if (!failed)
        failed = show_rows(cli, &view_validators, result);
    json_decref(result);
    return failed;
}

int verb_chain_block(struct cli *cli, const struct args *args)
{
    const char *which = args_operand(args, 0);
    json_t *params = NULL;
    json_t *result = NULL;
    struct hash hash;
    uint64_t height;
    int failed;
    if (which == NULL || strcmp(which, "latest") == 0) {
        failed = cli_call(cli, "chain.status", NULL, &result);
        if (failed)
            return failed;
        params =
            json_pack("{s:I}", "height", (json_int_t)js_uint(result, "height"));
        json_decref(result);
    } else if (hash_parse(which, &hash) == OK) {
        params = json_pack("{s:s}", "hash", which);
    } else if (unit_parse_count(which, 0, INT64_MAX, &height) == OK) {
        params = json_pack("{s:I}", "height", (json_int_t)height);
    } else {
        return cli_usage(cli, "suan chain block latest",
                         "\"%.70s\" is neither a height nor a block's hash",
                         which);
    }
    failed = cli_call(cli, "chain.block", params, &result);
    if (failed)
        return failed;
    failed = view_print(cli, &view_block, result);
    if (!failed)
        failed = show_rows(cli, &view_block_txs, result);
    json_decref(result);
    return failed;
}

int verb_chain_tx(struct cli *cli, const struct args *args)
{
    const char *id = args_operand(args, 0);
    struct hash hash;
    if (hash_parse(id, &hash) != OK)
        return cli_usage(cli, "suan wallet history --json",
                         "\"%.70s\" is not a transaction's id (64 hex digits)",
                         id);
    return show(cli, "chain.tx", json_pack("{s:s}", "id", id), &view_tx);
}

int verb_chain_account(struct cli *cli, const struct args *args)
{
    const char *address = args_operand(args, 0);
    struct pubkey key;
    if (address_parse(address, NULL, &key) != OK)
        return cli_usage(cli, "copying it once more",
                         "\"%.80s\" is not an address", address);
    return show(cli, "chain.account", json_pack("{s:s}", "address", address),
                &view_account);
}

/* One line that is drawn again, on a terminal only. */
static void progress(struct cli *cli, const json_t *result)
{
    if (!cli->tty_err || cli->quiet)
        return;
    fprintf(cli->err, "\rverified %llu of %llu blocks",
            (unsigned long long)js_uint(result, "height"),
            (unsigned long long)js_uint(result, "total"));
    fflush(cli->err);
}

/* Is it the chain that differs, or could the node not look? */
static int tell_failed(struct cli *cli, const json_t *error)
{
    bool differs = strcmp(js_text(error, "code"), "ERR_CORRUPT") == 0;
    const char *what = js_text(error, "what");
    char why[256];
    snprintf(why, sizeof(why), "%s%safter block %llu: %s", what,
             what[0] != '\0' ? ", " : "",
             (unsigned long long)js_uint(error, "height"),
             js_text(error, "message"));
    if (!differs)
        return cli_fail(cli, EXIT_FAILED, why, "suan chain verify, once more",
                        "the verification did not come to its end");
    return cli_fail(cli, EXIT_FAILED, why,
                    "moving <data-dir>/chain away, if others have the chain; "
                    "the node fetches it anew",
                    "the chain does not verify");
}

static int verdict(struct cli *cli, json_t *result)
{
    if (strcmp(js_text(result, "state"), "failed") != 0)
        return view_print(cli, &view_verify, result);
    if (cli->form == FORM_JSON) {
        int failed = out_json(cli, result);
        if (failed)
            return failed;
    }
    return tell_failed(cli, json_object_get(result, "error"));
}

int verb_chain_verify(struct cli *cli, const struct args *args)
{
    json_t *result = NULL;
    bool start = true;
    int failed;
    (void)args;
    do {
        json_decref(result);
        result = NULL;
        failed = cli_call_wait(cli, "chain.verify",
                               json_pack("{s:b, s:i}", "start", (int)start,
                                         "wait_ms", (int)VERIFY_POLL_MS),
                               VERIFY_POLL_MS, &result);
        if (failed)
            return failed;
        start = false;
        progress(cli, result);
    } while (strcmp(js_text(result, "state"), "running") == 0);
    if (cli->tty_err && !cli->quiet)
        fputc('\n', cli->err);
    failed = verdict(cli, result);
    json_decref(result);
    return failed;
}
