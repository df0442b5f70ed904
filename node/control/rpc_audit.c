/* market.audit: docs/control.md. */

#include "node/control/rpc_audit.h"

#include "node/audit/audit.h"
#include "node/control/rpc_call.h"
#include "node/control/rpc_help.h"
#include "node/control/rpc_links.h"
#include "node/control/waiters.h"

#include <string.h>

#define NEWS_MS 2000u

static void reply_result(struct node *node, struct control_call *call,
                         const struct audit_result *result)
{
    control_reply(call,
                  json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s}",
                            "provider", json_address(node, &result->provider),
                            "verdict", audit_verdict_text(result->verdict),
                            "kernel", meter_row(result->ask.kernel)->name, "n",
                            json_u64(result->ask.n), "rounds",
                            json_u64(result->ask.rounds), "declared",
                            json_u64(result->declared), "found",
                            json_u64(result->found), "took_ms",
                            json_u64(result->took_ms), "unit",
                            meter_row(result->ask.kernel)->unit));
}

static const char *seller_says(enum err err)
{
    if (err == ERR_BUSY)
        return "it measures itself, or answers somebody else";
    if (err == ERR_RATE)
        return "it has answered this node, or many, in the last ten minutes";
    if (err == ERR_CAPACITY)
        return "all its cores run jobs";
    return NULL;
}

static void refuse_failed(struct control_call *call,
                          const struct audit_result *result)
{
    if (result->by_seller)
        call_refuse(call, result->err, seller_says(result->err),
                    "asking later: a seller answers each node once in ten "
                    "minutes, and not while it is busy",
                    "the seller does not answer now");
    else
        control_refuse(call, result->err, "suan node peers, then once more",
                       "the audit came to no end");
}

static bool answer(struct node *node, struct control_call *call, bool last)
{
    struct audit_result result;
    if (audit_running(node->audit) && !last)
        return false;
    if (audit_running(node->audit)) {
        control_reply(call, json_pack("{s:b}", "running", 1));
        return true;
    }
    audit_last(node->audit, &result);
    if (result.verdict == AUDIT_NONE)
        control_refuse(call, ERR_NOT_FOUND, "suan market audit PROVIDER",
                       "no audit was made");
    else if (result.verdict == AUDIT_FAILED)
        refuse_failed(call, &result);
    else
        reply_result(node, call, &result);
    return true;
}

static void refuse_begin(struct control_call *call, enum err err,
                         const char *text, const char *kernel)
{
    if (err == ERR_CLOSED)
        control_refuse(call, err, "suan node peers",
                       "there is no link to %.60s", text);
    else if (err == ERR_NO_OFFER)
        control_refuse(call, err, "suan market offers --json",
                       "%.60s declares nothing for %s", text, kernel);
    else if (err == ERR_BUSY)
        control_refuse(call, err, "waiting for it",
                       "another audit goes on at this node");
    else
        control_refuse(call, err, "suan market offers",
                       "%.60s cannot be audited", text);
}

void rpc_market_audit(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"provider", "kernel", "follow", NULL};
    const char *text = NULL;
    const char *name = "fp64";
    enum meter_kernel kernel = METER_FP64;
    struct pubkey provider;
    bool follow = false;
    enum err err;
    if (!param_only(call, names) || !param_text_if(call, "provider", &text) ||
        !param_text_if(call, "kernel", &name) ||
        !param_bool_if(call, "follow", &follow))
        return;
    if (follow) {
        waiters_add(node->waiters, call, answer, NEWS_MS);
        return;
    }
    if (text == NULL || !node_named(node, text, &provider)) {
        control_refuse(call, ERR_NOT_FOUND, "suan market offers",
                       "no node \"%.80s\" is known: give its address, or the "
                       "name of one that sells",
                       text != NULL ? text : "");
        return;
    }
    if (meter_kernel_parse(name, &kernel) != OK ||
        (kernel != METER_FP64 && kernel != METER_FP32)) {
        control_refuse(call, ERR_PARSE, "fp64 or fp32",
                       "\"%.40s\" is no kernel that can be checked from here",
                       name);
        return;
    }
    err = audit_begin(node->audit, &provider, kernel);
    if (err == OK)
        waiters_add(node->waiters, call, answer, NEWS_MS);
    else
        refuse_begin(call, err, text, name);
}
