#include "node/executors/sandbox/rpc.h"

#include <stdbool.h>
#include <string.h>

#include "base/check.h"

static bool id_fits(const json_t *id)
{
    if (json_is_integer(id))
        return true;
    return json_is_string(id) && json_string_length(id) <= RPC_ID_MAX;
}

static enum rpc_code read_method(const json_t *root, struct rpc_request *out)
{
    const json_t *method = json_object_get(root, "method");
    const char *version = json_string_value(json_object_get(root, "jsonrpc"));

    if (version == NULL || strcmp(version, "2.0") != 0)
        return RPC_INVALID;
    if (!json_is_string(method) || json_string_length(method) == 0)
        return RPC_INVALID;
    if (json_string_length(method) > RPC_METHOD_MAX)
        return RPC_METHOD;
    memcpy(out->method, json_string_value(method),
           json_string_length(method) + 1);
    return RPC_OK;
}

static enum rpc_code read_params(json_t *root, struct rpc_request *out)
{
    json_t *params = json_object_get(root, "params");

    if (params == NULL) {
        out->params = json_object();
        return out->params != NULL ? RPC_OK : RPC_INVALID;
    }
    if (!json_is_object(params))
        return RPC_PARAMS;
    out->params = json_incref(params);
    return RPC_OK;
}

enum rpc_code rpc_parse(const char *line, size_t len, struct rpc_request *out)
{
    enum rpc_code code = RPC_INVALID;
    json_t *root, *id;

    memset(out, 0, sizeof(*out));
    if (len > RPC_LINE_MAX)
        return RPC_INVALID;
    root = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    if (root == NULL)
        return RPC_PARSE;
    if (!json_is_object(root))
        goto out;
    id = json_object_get(root, "id");
    if (id != NULL && !id_fits(id))
        goto out;
    out->id = id != NULL ? json_incref(id) : NULL;
    code = read_method(root, out);
    if (code == RPC_OK)
        code = read_params(root, out);
out:
    json_decref(root);
    return code;
}

void rpc_done(struct rpc_request *request)
{
    json_decref(request->id);
    json_decref(request->params);
    memset(request, 0, sizeof(*request));
}

static json_t *id_or_null(json_t *id)
{
    return id != NULL ? json_incref(id) : json_null();
}

json_t *rpc_result(json_t *id, json_t *result)
{
    return json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", "id", id_or_null(id),
                     "result", result);
}

json_t *rpc_failure(json_t *id, const struct fail *fail)
{
    json_t *data = fail_json(fail);

    if (data == NULL)
        return NULL;
    (void)json_object_del(data, "what");
    return json_pack("{s:s, s:o, s:{s:i, s:o, s:o}}", "jsonrpc", "2.0", "id",
                     id_or_null(id), "error", "code", (int)fail->err, "message",
                     fail_text(fail->what), "data", data);
}

static const char *refusal_text(enum rpc_code code)
{
    switch (code) {
    case RPC_PARSE:
        return "the line is not JSON";
    case RPC_INVALID:
        return "not a JSON-RPC 2.0 request";
    case RPC_METHOD:
        return "no such method";
    case RPC_PARAMS:
        return "params must be an object";
    case RPC_OK:
        break;
    }
    CHECK(false);
    return "";
}

json_t *rpc_refusal(json_t *id, enum rpc_code code)
{
    return json_pack(
        "{s:s, s:o, s:{s:i, s:s, s:{s:s, s:s}}}", "jsonrpc", "2.0", "id",
        id_or_null(id), "error", "code", (int)code, "message",
        refusal_text(code), "data", "why",
        "one request a line, at most 1 MiB, with string or integer id", "fix",
        "compare the line with docs/executors.md");
}

json_t *rpc_note(const char *method, json_t *params)
{
    return json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", method,
                     "params", params);
}
