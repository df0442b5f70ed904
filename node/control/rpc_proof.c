/* What goes into a proof file: docs/control.md, "Chain". */

#include "node/control/rpc_proof.h"

#include "ledger/light.h"
#include "node/control/rpc_call.h"
#include "node/control/rpc_help.h"

#include <stdio.h>
#include <string.h>

static struct chain *chain_of(struct node *node)
{
    return chain_host_chain(node->host);
}

/* What is to be proven. */
struct wanted {
    enum state_table table;
    struct hash key; /* an account's, a validator's, an id */
    bool is_tx;
    bool has_from;
    struct hash from; /* a block that the reader trusts */
};

static bool read_key(struct node *node, struct control_call *call,
                     const char *name, struct wanted *out)
{
    struct pubkey key;
    if (!param_address(node, call, name, &key))
        return false;
    memcpy(out->key.b, key.b, sizeof(key.b));
    return true;
}

static bool read_wanted(struct node *node, struct control_call *call,
                        struct wanted *out)
{
    unsigned named = 0;
    static const char *const ways[] = {"account", "validator", "contract",
                                       "tx"};
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        named += json_object_get(call->params, ways[i]) != NULL;
    if (named != 1) {
        control_refuse(call, ERR_PARSE, "docs/control.md",
                       "name one of account, validator, contract, tx");
        return false;
    }
    out->has_from = json_object_get(call->params, "from") != NULL;
    if (out->has_from && !param_hash(call, "from", &out->from))
        return false;
    out->table = STATE_ACCOUNT;
    if (json_object_get(call->params, "account") != NULL)
        return read_key(node, call, "account", out);
    out->table = STATE_VALIDATOR;
    if (json_object_get(call->params, "validator") != NULL)
        return read_key(node, call, "validator", out);
    out->table = STATE_CONTRACT;
    if (json_object_get(call->params, "contract") != NULL)
        return param_hash(call, "contract", &out->key);
    out->is_tx = true;
    return param_hash(call, "tx", &out->key);
}

/* The certified header that a proof stands on. */
static enum err certified(struct bytes proof, struct header *out)
{
    struct cursor cursor;
    cursor_init(&cursor, proof);
    cursor_take(&cursor, 2);
    header_decode(&cursor, out);
    return cursor.err;
}

static enum err add_proof(struct node *node, const struct wanted *wanted,
                          uint64_t epoch, struct buf *out)
{
    struct chain *chain = chain_of(node);
    uint64_t blocks;
    uint64_t from = 1;
    if (!wanted->is_tx)
        return chain_prove(chain, wanted->table, hash_as_bytes(&wanted->key),
                           out);
    TRY(params_get(chain_params(chain), "epoch_blocks", &blocks));
    if (wanted->has_from) /* signed by those whom that block names, or later */
        from = (epoch - 1) * blocks + 1;
    return chain_prove_tx(chain, &wanted->key, from, out);
}

static void refuse(struct node *node, struct control_call *call,
                   const struct wanted *wanted, enum err err)
{
    uint64_t base = chain_base(chain_of(node));
    char why[80];
    if (err == ERR_TOO_EARLY)
        call_refuse(call, err, "its epoch has not ended",
                    "the last block of an earlier epoch",
                    "a proof cannot start from this block yet");
    else if (err == ERR_NOT_FOUND && wanted->is_tx && base > 0) {
        snprintf(why, sizeof(why),
                 "no block after %llu has it, and older ones are not here",
                 (unsigned long long)base);
        call_refuse(call, err, why, RPC_ASK_ARCHIVE,
                    "this transaction cannot be proven");
    } else if (err == ERR_NOT_FOUND && wanted->is_tx)
        call_refuse(call, err, "no block has it", "suan wallet history",
                    "this transaction cannot be proven");
    else if (err == ERR_NOT_FOUND)
        call_refuse(call, err, "nobody has signed a block yet",
                    "suan chain status", "there is nothing to prove");
    else
        control_refuse(call, err, "suan chain verify",
                       "the proof cannot be made");
}

/* proof and start are filled, and first is the first step's epoch. */
static void reply(struct control_call *call, struct bytes start,
                  struct bytes proof, uint64_t first)
{
    struct header header;
    if (certified(proof, &header) != OK) {
        control_refuse(call, ERR_CORRUPT, "suan chain verify",
                       "the proof cannot be made");
        return;
    }
    control_reply(call,
                  json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "chain",
                            json_hash(&header.chain), "start",
                            rpc_json_bytes(start), "first_epoch",
                            json_u64(first), "epoch", json_u64(header.epoch),
                            "height", json_u64(header.height), "proof",
                            rpc_json_bytes(proof)));
}

void rpc_chain_prove(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"account", "validator", "contract",
                                        "tx",      "from",      NULL};
    struct wanted wanted;
    struct buf start;
    struct buf proof;
    uint64_t first = 0;
    if (!param_only(call, names) || !read_wanted(node, call, &wanted))
        return;
    buf_init(&start, GENESIS_BYTES_MAX);
    buf_init(&proof, PROOF_BYTES_MAX);
    enum err err = chain_prove_start(
        chain_of(node), wanted.has_from ? &wanted.from : NULL, &start, &first);
    if (err == ERR_NOT_FOUND) {
        control_refuse(call, err, "suan chain block HEIGHT",
                       "there is no block with the id to start from");
    } else {
        if (err == OK)
            err = add_proof(node, &wanted, first, &proof);
        if (err == OK)
            reply(call, buf_bytes(&start), buf_bytes(&proof), first);
        else
            refuse(node, call, &wanted, err);
    }
    buf_done(&start);
    buf_done(&proof);
}

/* Steps are added while they fit one answer; a step is below 12 KiB. */
#define STEP_BYTES_MAX (16u * 1024)

void rpc_chain_prove_steps(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"from", "to", NULL};
    struct buf steps;
    uint64_t from = 0;
    uint64_t to = 0;
    enum err err = OK;
    if (!param_only(call, names) ||
        !param_uint_if(call, "from", UINT64_MAX >> 1, &from) ||
        !param_uint_if(call, "to", UINT64_MAX >> 1, &to))
        return;
    buf_init(&steps, RPC_DATA_MAX);
    while (err == OK && from < to && steps.len + STEP_BYTES_MAX < RPC_DATA_MAX)
        err = chain_prove_step(chain_of(node), from++, &steps);
    if (err != OK)
        control_refuse(call, err, "suan chain status",
                       "there is no end of epoch %llu to show",
                       (unsigned long long)(from - 1));
    else
        control_reply(call, json_pack("{s:o, s:o}", "steps",
                                      rpc_json_bytes(buf_bytes(&steps)), "next",
                                      json_u64(from)));
    buf_done(&steps);
}
