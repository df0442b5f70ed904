#ifndef NODE_RPC_HELP_H
#define NODE_RPC_HELP_H

/* Parameters in, shapes out: what every rpc_*.c page uses. A getter that
 * refuses has answered the call; the caller returns. */

#include "node/node.h"

/* Every parameter must be in `names` (NULL-ended). False: answered. */
bool param_only(struct control_call *call, const char *const *names);
/* Required text; lent from the call. */
bool param_text(struct control_call *call, const char *name, const char **out);
/* Optional: *out stays as it is when absent. */
bool param_text_if(struct control_call *call, const char *name,
                   const char **out);
bool param_uint_if(struct control_call *call, const char *name, uint64_t max,
                   uint64_t *out);
bool param_bool_if(struct control_call *call, const char *name, bool *out);
/* 64 hex digits, required. */
bool param_hash(struct control_call *call, const char *name, struct hash *out);
/* An address of this network, required. */
bool param_address(struct node *node, struct control_call *call,
                   const char *name, struct pubkey *out);
/* base64, required, into a buf the caller inited. */
bool param_bytes(struct control_call *call, const char *name, struct buf *out);
/* "wait_ms", 0 when absent. */
uint64_t param_wait(struct control_call *call);

json_t *json_address(const struct node *node, const struct pubkey *key);
json_t *json_hash(const struct hash *hash);
json_t *json_u64(uint64_t value);
/* micro-credits */
json_t *json_amount(struct amount amount);
json_t *json_resources(const struct resources *resources);
json_t *json_price(const struct price *price);
/* What a contract costs its buyer on this chain, by its parameters. */
struct amount rpc_open_fee(const struct node *node);
json_t *json_labels(const struct label *labels, uint32_t count);
/* When a block was made; null when this node does not have it. */
json_t *json_block_time(const struct node *node, uint64_t height);
/* Text that may not be UTF-8 or may hold control characters. */
json_t *json_text(const char *text);

/* ms since 1970; never falls, whatever is done to the clock. Loop thread. */
uint64_t node_wall_ms(void);

/* What to do about a transaction that was refused. NULL: nothing in general. */
const char *rpc_refused_next(enum err err);

/* ... about what is older than this node's history. */
#define RPC_ASK_ARCHIVE "asking a node that has all of history"

#endif
