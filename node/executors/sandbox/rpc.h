#ifndef NODE_EXECUTORS_SANDBOX_RPC_H
#define NODE_EXECUTORS_SANDBOX_RPC_H

/* One line of JSON-RPC 2.0, in and out. Pure: no descriptors, no clock.
 * docs/executors.md is the protocol; this is its envelope. */

#include "node/executors/sandbox/fail.h"

#include <jansson.h>
#include <stddef.h>

#define RPC_LINE_MAX   (1024u * 1024) /* bytes, the newline not counted */
#define RPC_METHOD_MAX 48u
#define RPC_ID_MAX     128u

/* The envelope's own errors, numbered by JSON-RPC. Everything else carries the
 * number of an enum err, which is positive. */
enum rpc_code {
    RPC_OK = 0,
    RPC_PARSE = -32700,   /* not JSON */
    RPC_INVALID = -32600, /* JSON, but not a request */
    RPC_METHOD = -32601,  /* no such method */
    RPC_PARAMS = -32602,  /* params is neither object nor absent */
};

struct rpc_request {
    char method[RPC_METHOD_MAX + 1];
    json_t *id;     /* string or integer; NULL: a notification, no answer */
    json_t *params; /* an object; empty when absent */
};

/* Reads one line (no newline). On RPC_OK the request is given: rpc_done. On
 * anything else it is empty, but for the id where one could be read, and the
 * answer is rpc_refusal's. */
enum rpc_code rpc_parse(const char *line, size_t len, struct rpc_request *out);
void rpc_done(struct rpc_request *request);

/* Answers, given; each is one JSON object, NULL when out of memory. `id` is
 * lent and may be NULL (null is sent); `result` and `params` are taken. */
json_t *rpc_result(json_t *id, json_t *result);
json_t *rpc_failure(json_t *id, const struct fail *fail);
json_t *rpc_refusal(json_t *id, enum rpc_code code);
json_t *rpc_note(const char *method, json_t *params);

#endif
