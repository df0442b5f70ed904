/* Money from the node's own account: docs/control.md, "Node". */

#include "node/control/rpc_send.h"

#include "base/address.h"
#include "ledger/params.h"
#include "ledger/transfer.h"
#include "node/chain/chain_watch.h"
#include "node/control/rpc_call.h"
#include "node/control/rpc_tx.h"
#include "node/control/rpc_help.h"
#include "node/control/waiters.h"
#include "node/log.h"

#include <sodium.h>
#include <stdio.h>

#define PAYLOAD_MAX 160u

static struct tx_watch *find(struct node *node, const struct hash *payment)
{
    for (size_t i = 0; i < TX_WATCHES_MAX; i++) {
        struct tx_watch *watch = &node->watches[i];
        if (watch->token != 0 && hash_equal(&watch->id, payment))
            return watch;
    }
    return NULL;
}

void rpc_send_final(struct node *node, const struct hash *payment,
                    const struct hash *id, uint64_t height)
{
    struct tx_watch *watch = find(node, payment);
    char text[HASH_TEXT_MAX];
    hash_format(id, text);
    log_info("node", "sent: transaction %s is final in block %llu", text,
             (unsigned long long)height);
    if (watch == NULL)
        return;
    watch->state = TX_WATCH_FINAL;
    watch->id = *id;
    watch->height = height;
    waiters_poke(node->waiters);
}

void rpc_send_refused(struct node *node, const struct hash *payment,
                      enum err err)
{
    struct tx_watch *watch = find(node, payment);
    if (err == ERR_NONCE)
        log_odd("node", "whether what the operator sent was paid is not known "
                        "here; it is not sent again. Try: suan wallet history "
                        "with this node's address");
    else
        log_odd("node", "what the operator sent was refused: %s",
                err_text(err));
    if (watch == NULL)
        return;
    watch->state = TX_WATCH_REFUSED;
    watch->err = err;
    waiters_poke(node->waiters);
}

/* ---- what is sent ---- */

struct sending {
    struct transfer transfer;
    struct amount fee;
    struct buf payload;
};

static bool read_params(struct node *node, struct control_call *call,
                        struct sending *s)
{
    static const char *const names[] = {"to", "amount_micro", "wait_ms", NULL};
    uint64_t amount = 0;
    if (!param_only(call, names) ||
        !param_address(node, call, "to", &s->transfer.to) ||
        !param_uint_if(call, "amount_micro", INT64_MAX, &amount))
        return false;
    s->transfer.amount = amount_micro(amount);
    if (amount == 0)
        call_refuse(call, ERR_PARSE, "amount_micro is zero or was not given",
                    "an amount of more than zero",
                    "an amount of zero moves nothing");
    else if (pubkey_equal(&s->transfer.to, &node->self))
        call_refuse(call, ERR_PARSE, "it would cost a fee and move nothing",
                    "an address of yours; suan wallet list",
                    "this is the address of the node's own account");
    else
        return true;
    return false;
}

static void refuse_funds(struct control_call *call, struct amount balance,
                         const struct sending *s)
{
    char has[AMOUNT_TEXT_MAX];
    char wanted[AMOUNT_TEXT_MAX];
    char fee[AMOUNT_TEXT_MAX];
    amount_format(balance, has);
    amount_format(s->transfer.amount, wanted);
    amount_format(s->fee, fee);
    control_refuse(call, ERR_FUNDS, "a smaller amount, or all",
                   "the node's account has %s; %s and a fee of %s are needed",
                   has, wanted, fee);
}

static bool can_pay(struct node *node, struct control_call *call,
                    const struct sending *s)
{
    struct state *state = chain_state(chain_host_chain(node->host));
    struct account account;
    struct amount need;
    enum err err = account_get(state, &node->self, &account);
    if (err != OK)
        control_refuse(call, err, "suan chain verify",
                       "the node's account cannot be read");
    else if (amount_add(s->transfer.amount, s->fee, &need) != OK ||
             amount_cmp(account.balance, need) < 0)
        refuse_funds(call, account.balance, s);
    else
        return true;
    return false;
}

/* ---- the answer ---- */

static void refuse_ended(struct control_call *call, enum err err)
{
    if (err == ERR_NONCE)
        call_refuse(call, err, "the state was fetched in between",
                    "suan wallet history with the node's address",
                    "whether it was paid is not known here");
    else
        control_refuse(call, err,
                       err == ERR_FUNDS ? "suan sell status, suan chain account"
                                        : rpc_refused_next(err),
                       "the transfer was refused");
}

/* Its id may not be there yet: behind others of the node it has no number. */
static json_t *answer_json(struct node *node, const struct tx_watch *watch)
{
    bool final = watch->state == TX_WATCH_FINAL;
    struct hash id = watch->id;
    char why[CHAIN_WATCH_TEXT] = "";
    json_t *object;
    if (!final && !own_tx_payment_id(node->own, &watch->id, &id))
        id = (struct hash){{0}};
    object = json_pack("{s:o, s:s}", "id", json_hash(&id), "state",
                       final ? "final" : "pool");
    if (final) {
        json_object_set_new(object, "height", json_u64(watch->height));
        return object;
    }
    if (!chain_watch_why(node, why))
        (void)chain_watch_behind(node, why);
    json_object_set_new(object, "waiting_for", json_text(why));
    return object;
}

static bool answer_send(struct node *node, struct control_call *call, bool last)
{
    struct tx_watch *watch = call->waiting;
    if (watch->state == TX_WATCH_POOL && !last)
        return false;
    if (watch->state == TX_WATCH_REFUSED)
        refuse_ended(call, watch->err);
    else
        control_reply(call, answer_json(node, watch));
    tx_watch_free(node, watch);
    return true;
}

/* ---- node.send ---- */

static void log_sending(const struct node *node, const struct sending *s)
{
    char amount[AMOUNT_TEXT_MAX];
    char to[ADDRESS_TEXT_MAX];
    amount_format(s->transfer.amount, amount);
    address_format(node->prefix, &s->transfer.to, to);
    log_info("node", "the operator sends %s to %s", amount, to);
}

static void start(struct node *node, struct control_call *call,
                  const struct sending *s)
{
    uint64_t height = chain_tip(chain_host_chain(node->host)).height;
    struct hash payment;
    struct tx_watch *watch;
    enum err err = ERR_RATE;
    randombytes_buf(payment.b, sizeof(payment.b));
    watch = tx_watch_new(node, &payment);
    if (watch != NULL)
        err = own_tx_add(node->own, TX_TRANSFER, &payment,
                         buf_bytes(&s->payload), height, uv_now(node->loop));
    if (err != OK) {
        if (watch != NULL)
            tx_watch_free(node, watch);
        control_refuse(call, err, rpc_refused_next(err),
                       "the transfer was not taken");
        return;
    }
    log_sending(node, s);
    call->waiting = watch;
    waiters_add(node->waiters, call, answer_send, param_wait(call));
}

void rpc_node_send(struct node *node, struct control_call *call)
{
    struct sending s = {0};
    buf_init(&s.payload, PAYLOAD_MAX);
    if (read_params(node, call, &s)) {
        transfer_encode(&s.transfer, &s.payload);
        s.fee = fee_for_payload(s.payload.len);
        if (s.payload.err != OK)
            control_refuse(call, s.payload.err, NULL,
                           "the transfer cannot be made");
        else if (can_pay(node, call, &s))
            start(node, call, &s);
    }
    buf_done(&s.payload);
}
