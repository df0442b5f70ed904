#include "node/control/rpc_table.h"

#include "base/check.h"
#include "node/chain/chain_watch.h"
#include "node/control/rpc_account.h"
#include "node/control/rpc_audit.h"
#include "node/control/rpc_blob.h"
#include "node/control/rpc_call.h"
#include "node/control/rpc_chain.h"
#include "node/control/rpc_graph.h"
#include "node/control/rpc_job.h"
#include "node/control/rpc_links.h"
#include "node/control/rpc_market.h"
#include "node/control/rpc_node.h"
#include "node/control/rpc_policy.h"
#include "node/control/rpc_proof.h"
#include "node/control/rpc_reckon.h"
#include "node/control/rpc_sell.h"
#include "node/control/rpc_send.h"
#include "node/control/rpc_tape.h"
#include "node/control/rpc_tx.h"
#include "node/control/rpc_validator.h"

#include <string.h>

static const struct {
    const char *method;
    void (*fn)(struct node *node, struct control_call *call);
} table[] = {
    {"node.info", rpc_node_info},
    {"node.status", rpc_node_status},
    {"node.peers", rpc_node_peers},
    {"node.connect", rpc_node_connect},
    {"node.logs", rpc_node_logs},
    {"node.send", rpc_node_send},
    {"node.stop", rpc_node_stop},
    {"config.list", rpc_config_list},
    {"events.poll", rpc_events_poll},
    {"chain.status", rpc_chain_status},
    {"chain.block", rpc_chain_block},
    {"chain.tx", rpc_chain_tx},
    {"chain.account", rpc_chain_account},
    {"chain.history", rpc_chain_history},
    {"chain.contract", rpc_chain_contract},
    {"chain.verify", rpc_chain_verify},
    {"chain.prove", rpc_chain_prove},
    {"chain.prove.steps", rpc_chain_prove_steps},
    {"tx.submit", rpc_tx_submit},
    {"validator.list", rpc_validator_list},
    {"validator.show", rpc_validator_show},
    {"validator.prove", rpc_validator_prove},
    {"validator.recall", rpc_validator_recall},
    {"blob.import", rpc_blob_import},
    {"blob.export", rpc_blob_export},
    {"image.import", rpc_image_import},
    {"image.list", rpc_image_list},
    {"image.show", rpc_image_show},
    {"image.remove", rpc_image_remove},
    {"job.submit", rpc_job_submit},
    {"job.quotes", rpc_job_quotes},
    {"graph.submit", rpc_graph_submit},
    {"graph.plan", rpc_graph_plan},
    {"graph.approve", rpc_graph_approve},
    {"graph.drop", rpc_graph_drop},
    {"job.approve", rpc_job_approve},
    {"job.drop", rpc_job_drop},
    {"job.forget", rpc_job_forget},
    {"job.list", rpc_job_list},
    {"job.show", rpc_job_show},
    {"job.logs", rpc_job_logs},
    {"job.events", rpc_job_events},
    {"job.wait", rpc_job_wait},
    {"job.cancel", rpc_job_cancel},
    {"job.fetch", rpc_job_fetch},
    {"job.explain", rpc_job_explain},
    {"job.receipt", rpc_job_receipt},
    {"market.offers", rpc_market_offers},
    {"market.reckon", rpc_market_reckon},
    {"market.watch", rpc_market_watch},
    {"market.tape", rpc_market_tape},
    {"policy.list", rpc_policy_list},
    {"policy.set", rpc_policy_set},
    {"policy.remove", rpc_policy_remove},
    {"policy.enable", rpc_policy_enable},
    {"policy.bind", rpc_policy_bind},
    {"policy.unbind", rpc_policy_unbind},
    {"policy.choose", rpc_policy_choose},
    {"market.links", rpc_market_links},
    {"market.audit", rpc_market_audit},
    {"sell.start", rpc_sell_start},
    {"sell.stop", rpc_sell_stop},
    {"sell.status", rpc_sell_status},
    {"sell.offer.set", rpc_sell_offer_set},
    {"sell.offer.show", rpc_sell_offer_show},
    {"sell.bench", rpc_sell_bench},
};
#define METHODS     (sizeof(table) / sizeof(table[0]))
#define METHOD_SEEN 40u /* letters of a name that are compared */

const char *rpc_method(size_t i)
{
    return i < METHODS ? table[i].method : NULL;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many letters must be put in, taken out or changed. */
static unsigned edits(const char *a, const char *b)
{
    unsigned row[METHOD_SEEN + 1];
    size_t len = strnlen(b, METHOD_SEEN);
    size_t height = strnlen(a, METHOD_SEEN);
    for (unsigned k = 0; k <= len; k++)
        row[k] = k;
    for (unsigned i = 1; i <= height; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned k = 1; k <= len; k++) {
            unsigned above = row[k];
            unsigned changed = diagonal + (a[i - 1] != b[k - 1]);
            row[k] = least(changed, least(above, row[k - 1]) + 1);
            diagonal = above;
        }
    }
    return row[len];
}

static const char *nearest(const char *method)
{
    size_t best = 0;
    for (size_t i = 1; i < METHODS; i++) {
        if (edits(method, table[i].method) < edits(method, table[best].method))
            best = i;
    }
    return table[best].method;
}

/* What cannot be answered, or must not be done, while the state is fetched:
 * there is none to look at. */
static bool needs_state(const char *method)
{
    static const char *const names[] = {
        "chain.",      "tx.",    "validator.", "job.submit",
        "job.approve", "graph.", "sell.start", "node.send"};
    if (strcmp(method, "chain.status") == 0)
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strncmp(method, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

static bool is_fetching(struct node *node, struct control_call *call)
{
    char text[CHAIN_WATCH_TEXT];
    if (!needs_state(call->method) || node->host == NULL ||
        !chain_watch_fetch(node, text))
        return false;
    call_refuse(call, ERR_NOT_READY, text, "suan chain status",
                "this node is still fetching the chain's state");
    return true;
}

void rpc_dispatch(void *node, struct control_call *call)
{
    CHECK(node != NULL && call->method != NULL);
    for (size_t i = 0; i < METHODS; i++) {
        if (strcmp(table[i].method, call->method) == 0) {
            if (is_fetching(node, call))
                return;
            table[i].fn(node, call);
            return;
        }
    }
    call_refuse(call, ERR_PARSE, "docs/control.md lists them all",
                nearest(call->method), "there is no method \"%.64s\"",
                call->method);
}
