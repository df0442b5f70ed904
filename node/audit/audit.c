#include "node/audit/audit_inner.h"

#include "base/check.h"
#include "node/log.h"
#include "node/net/link.h"
#include "node/shell/trade_shell.h"

#include <stdlib.h>

enum err audit_agent_new(struct node *node, struct audit_agent **out)
{
    struct audit_agent *agent = calloc(1, sizeof(*agent));
    if (agent == NULL)
        return ERR_NOMEM;
    agent->node = node;
    arena_init(&agent->arena, 64u * 1024);
    *out = agent;
    return OK;
}

void audit_agent_free(struct audit_agent *agent)
{
    if (agent == NULL)
        return;
    audit_serve_end(agent);
    if (agent->run.checking) {
        agent->closed = true; /* the worker's end frees */
        return;
    }
    free(agent->run.product);
    arena_done(&agent->arena);
    free(agent);
}

uint64_t audit_now_ms(const struct audit_agent *agent)
{
    return uv_now(agent->node->loop);
}

void audit_send(struct audit_agent *agent, const struct pubkey *to,
                struct buf *message)
{
    struct net_peer *peer = net_find(agent->node->net, to);
    enum err err = message->err;
    if (err == OK)
        err = peer != NULL ? net_send(peer, buf_bytes(message)) : ERR_CLOSED;
    if (err != OK) /* it times out at one end or the other */
        log_debug("audit", "a message was not sent: %s", err_text(err));
    buf_done(message);
}

void audit_agent_tick(struct audit_agent *agent)
{
    audit_serve_tick(agent);
    audit_run_tick(agent);
}

const char *audit_verdict_text(enum audit_verdict verdict)
{
    switch (verdict) {
    case AUDIT_NONE:
        return "none";
    case AUDIT_CONFIRMED:
        return "confirmed";
    case AUDIT_SLOWER:
        return "slower";
    case AUDIT_FORGED:
        return "forged";
    case AUDIT_FAILED:
        return "failed";
    }
    return "none";
}

bool audit_running(const struct audit_agent *agent)
{
    return agent->run.busy;
}

void audit_last(const struct audit_agent *agent, struct audit_result *out)
{
    *out = agent->last;
}

/* ---- messages ---- */

static enum err take(struct audit_agent *agent, enum wire_kind kind,
                     const struct pubkey *from, struct bytes message)
{
    struct audit_ask ask;
    struct audit_done done;
    struct audit_open open;
    struct audit_part part;
    struct audit_refused refused;
    if (kind == WIRE_AUDIT) {
        TRY(audit_ask_decode(message, &agent->arena, &ask));
        audit_serve_ask(agent, from, &ask);
    } else if (kind == WIRE_AUDIT_OPEN) {
        TRY(audit_open_decode(message, &agent->arena, &open));
        audit_serve_open(agent, from, &open);
    } else if (kind == WIRE_AUDIT_DONE) {
        TRY(audit_done_decode(message, &agent->arena, &done));
        audit_run_done(agent, from, &done);
    } else if (kind == WIRE_AUDIT_PART) {
        TRY(audit_part_decode(message, &agent->arena, &part));
        audit_run_part(agent, from, &part);
    } else {
        TRY(audit_refused_decode(message, &agent->arena, &refused));
        audit_run_refused(agent, from, &refused);
    }
    return OK;
}

void audit_agent_message(struct audit_agent *agent, struct net_peer *peer,
                         struct bytes message)
{
    struct pubkey from = net_peer_identity(peer)->id;
    enum wire_kind kind;
    arena_reset(&agent->arena);
    if (wire_peek(message, &kind) != OK ||
        take(agent, kind, &from, message) != OK)
        net_score(peer, 20, "an audit that cannot be read");
}
