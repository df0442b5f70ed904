#ifndef NODE_RPC_RPC_MSG_H
#define NODE_RPC_RPC_MSG_H

/* The control messages (docs/control.md): the one page of node that the command
 * line may read. JSON text in, JSON text out; no sockets here. */

#include "base/bytes.h"
#include "base/sign.h"

#include <jansson.h>

#define RPC_BYTES_MAX   (1024u * 1024)
#define RPC_WAIT_MS_MAX 30000u
/* A log chunk, before base64. */
#define RPC_DATA_MAX (256u * 1024)

/* The exit codes of the command line, which every error names. */
enum rpc_exit {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_FOUND = 3,
    EXIT_LOCKED = 4,
    EXIT_FUNDS = 5,
    EXIT_NO_OFFER = 6,
    EXIT_UNREACHABLE = 7,
    EXIT_POLICY = 8,
};

/* The exit code that fits an error where nothing more specific is known. */
enum rpc_exit rpc_exit_of(enum err err);

/* What went wrong, for people: what, why, and the next command. */
struct rpc_error {
    enum err err;
    enum rpc_exit exit;
    char what[256];
    char why[512];
    char next[256];
};
/* Fills the struct; exit from rpc_exit_of. Longer text is cut. */
__attribute__((format(printf, 4, 5))) void rpc_error_set(
    struct rpc_error *error, enum err err, const char *next,
    const char *what_format, ...);

/* {"id", "method", "params"}; takes a new reference of params. NULL: no memory.
 */
char *rpc_request_text(uint64_t id, const char *method, json_t *params);
/* Given: free() it. Takes no reference. */
char *rpc_result_text(uint64_t id, json_t *result);
char *rpc_error_text(uint64_t id, const struct rpc_error *error);

struct rpc_request {
    uint64_t id;
    const char *method; /* lent from doc */
    json_t *params;     /* lent from doc; an object, never NULL */
    json_t *doc;        /* owned: json_decref when done */
};
/* ERR_PARSE, ERR_TOO_LARGE. */
MUST_USE enum err rpc_request_parse(struct bytes text, struct rpc_request *out);
/* OK and *out_result (given), or the error the node sent. ERR_PARSE when the
 * text is neither. */
MUST_USE enum err rpc_reply_parse(struct bytes text, json_t **out_result,
                                  struct rpc_error *out_error);

/* Binary in JSON is base64. The string is a new reference, NULL: no memory. */
json_t *rpc_json_bytes(struct bytes bytes);
/* Appends the decoded bytes. ERR_TYPE for no string, ERR_PARSE. */
MUST_USE enum err rpc_bytes_json(const json_t *value, struct buf *out);

#endif
