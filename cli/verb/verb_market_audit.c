/* suan market audit. */

#include "cli/verb/verbs.h"
#include "cli/view/view.h"

#include <string.h>

#define ROUNDS_MAX 100 /* of two seconds */

int verb_market_audit(struct cli *cli, const struct args *args)
{
    json_t *params = json_pack("{s:s, s:s}", "provider", args_operand(args, 0),
                               "kernel", args_text(args, "kernel", "fp64"));
    json_t *result = NULL;
    int failed = 0;
    for (int i = 0; i < ROUNDS_MAX; i++) {
        failed = cli_call_wait(cli, "market.audit", params, 30000, &result);
        if (failed)
            return failed;
        if (!js_bool(result, "running"))
            break;
        json_decref(result);
        result = NULL;
        params = json_pack("{s:b}", "follow", 1);
    }
    if (result == NULL) {
        json_decref(params);
        return cli_fail(cli, EXIT_FAILED, "it did not end", "suan node logs",
                        "nothing is known of it");
    }
    failed = view_print(cli, &view_audit, result);
    if (!failed && strcmp(js_text(result, "verdict"), "forged") == 0)
        failed = cli_fail(cli, EXIT_POLICY,
                          "a result did not follow from the challenge",
                          "another seller",
                          "the seller's figures count for nothing here now");
    json_decref(result);
    return failed;
}
