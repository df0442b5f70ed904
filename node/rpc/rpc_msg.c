#include "node/rpc/rpc_msg.h"

#include "base/check.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METHOD_MAX 64u

enum rpc_exit rpc_exit_of(enum err err)
{
    switch ((int)err) { /* a newer node may send a number we do not know */
    case OK:
        return EXIT_DONE;
    case ERR_NOT_FOUND:
        return EXIT_NOT_FOUND;
    case ERR_PASSPHRASE:
    case ERR_MNEMONIC:
    case ERR_MODE:
    case ERR_NO_KEY:
    case ERR_PURPOSE:
    case ERR_LOCKED:
    case ERR_PERM:
        return EXIT_LOCKED;
    case ERR_FUNDS:
    case ERR_FEE:
    case ERR_BOND:
        return EXIT_FUNDS;
    case ERR_NO_OFFER:
    case ERR_PRICE:
    case ERR_CAPACITY:
    case ERR_NOT_SELLING:
    case ERR_EXPIRED:
    case ERR_TOO_LATE:
    case ERR_BOOK_FULL:
        return EXIT_NO_OFFER;
    case ERR_NET:
    case ERR_CLOSED:
    case ERR_TIMEOUT:
    case ERR_NOT_READY:
    case ERR_HANDSHAKE:
        return EXIT_UNREACHABLE;
    case ERR_RATE:
    case ERR_BANNED:
    case ERR_PARTY:
    case ERR_TERMS:
    case ERR_STATE:
    case ERR_SANDBOX:
    case ERR_NO_APPROVAL:
        return EXIT_POLICY;
    case ERR_CONFIG:
    case ERR_ADDRESS:
    case ERR_PARSE:
    case ERR_AMBIGUOUS:
        return EXIT_USAGE;
    default:
        return EXIT_FAILED;
    }
}

void rpc_error_set(struct rpc_error *error, enum err err, const char *next,
                   const char *what_format, ...)
{
    va_list args;
    CHECK(error != NULL && err != OK);
    memset(error, 0, sizeof(*error));
    error->err = err;
    error->exit = rpc_exit_of(err);
    va_start(args, what_format);
    vsnprintf(error->what, sizeof(error->what), what_format, args);
    va_end(args);
    snprintf(error->why, sizeof(error->why), "%s", err_text(err));
    snprintf(error->next, sizeof(error->next), "%s", next == NULL ? "" : next);
}

/* Compact, and stable in order so that two runs compare. Takes `doc`. */
static char *doc_text(json_t *doc)
{
    char *text = NULL;
    if (doc != NULL)
        text = json_dumps(doc, JSON_COMPACT);
    json_decref(doc);
    return text;
}

/* Moves `value` (a new reference, NULL: no memory) into object. */
static bool put_new(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static json_t *doc_new(uint64_t id)
{
    json_t *doc = json_object();
    CHECK(id <= INT64_MAX);
    if (doc != NULL && !put_new(doc, "id", json_integer((json_int_t)id))) {
        json_decref(doc);
        return NULL;
    }
    return doc;
}

char *rpc_request_text(uint64_t id, const char *method, json_t *params)
{
    json_t *doc = doc_new(id);
    CHECK(method != NULL && strlen(method) <= METHOD_MAX);
    if (doc == NULL)
        return NULL;
    if (!put_new(doc, "method", json_string(method)) ||
        !put_new(doc, "params",
                 params != NULL ? json_incref(params) : json_object())) {
        json_decref(doc);
        return NULL;
    }
    return doc_text(doc);
}

char *rpc_result_text(uint64_t id, json_t *result)
{
    json_t *doc = doc_new(id);
    char *text;
    CHECK(result != NULL);
    if (doc == NULL || !put_new(doc, "result", json_incref(result))) {
        json_decref(doc);
        return NULL;
    }
    text = doc_text(doc);
    if (text != NULL && strlen(text) > RPC_BYTES_MAX) {
        struct rpc_error error;
        free(text);
        rpc_error_set(&error, ERR_TOO_LARGE, "ask for less at once",
                      "the answer is larger than %u bytes", RPC_BYTES_MAX);
        return rpc_error_text(id, &error);
    }
    return text;
}

/* A name or a socket's text may hold bytes that are not UTF-8; an error must
 * reach its reader all the same. */
static json_t *string_lossy(const char *text)
{
    json_t *string = json_string(text);
    char copy[512];
    size_t i;
    if (string != NULL)
        return string;
    for (i = 0; i + 1 < sizeof(copy) && text[i] != '\0'; i++)
        copy[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
    copy[i] = '\0';
    return json_string(copy);
}

char *rpc_error_text(uint64_t id, const struct rpc_error *error)
{
    json_t *doc = doc_new(id);
    json_t *body = json_object();
    bool ok;
    CHECK(error != NULL && error->err != OK);
    ok = doc != NULL && body != NULL &&
         put_new(body, "code", json_string(err_name(error->err))) &&
         put_new(body, "message", string_lossy(error->what)) &&
         put_new(body, "why", string_lossy(error->why)) &&
         put_new(body, "next", string_lossy(error->next)) &&
         put_new(body, "exit", json_integer((json_int_t)error->exit));
    if (!ok || json_object_set(doc, "error", body) != 0) {
        json_decref(body);
        json_decref(doc);
        return NULL;
    }
    json_decref(body);
    return doc_text(doc);
}

/* An object of at most RPC_BYTES_MAX bytes, each key once. */
static enum err doc_parse(struct bytes text, json_t **out)
{
    json_error_t where;
    json_t *doc;
    if (text.len > RPC_BYTES_MAX)
        return ERR_TOO_LARGE;
    doc = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES,
                     &where);
    if (!json_is_object(doc)) {
        json_decref(doc);
        return ERR_PARSE;
    }
    *out = doc;
    return OK;
}

/* Fields known to a message: `got` of them were found. */
static bool only_known(json_t *doc, size_t got)
{
    return json_object_size(doc) == got;
}

enum err rpc_request_parse(struct bytes text, struct rpc_request *out)
{
    json_t *doc = NULL;
    json_t *id;
    json_t *method;
    json_t *params;
    TRY(doc_parse(text, &doc));
    id = json_object_get(doc, "id");
    method = json_object_get(doc, "method");
    params = json_object_get(doc, "params");
    if (params == NULL) {
        params = json_object();
        if (!put_new(doc, "params", params)) {
            json_decref(doc);
            return ERR_NOMEM;
        }
    }
    if (!json_is_integer(id) || json_integer_value(id) < 0 ||
        !json_is_string(method) || json_string_length(method) == 0 ||
        json_string_length(method) > METHOD_MAX || !json_is_object(params) ||
        !only_known(doc, 3)) {
        json_decref(doc);
        return ERR_PARSE;
    }
    out->id = (uint64_t)json_integer_value(id);
    out->method = json_string_value(method);
    out->params = params;
    out->doc = doc;
    return OK;
}

static void text_copy(char *out, size_t size, const json_t *value)
{
    const char *text = json_string_value(value);
    snprintf(out, size, "%s", text == NULL ? "" : text);
}

/* The number behind a symbol; ERR_VERSION for one this program does not know,
 * so that a newer node's refusal is still a refusal. */
static enum err err_of_name(const char *name)
{
#define X(symbol, code, text) symbol,
    static const enum err all[] = {ERR_MAP(X)};
#undef X
    for (size_t i = 0; name != NULL && i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(err_name(all[i]), name) == 0)
            return all[i];
    }
    return ERR_VERSION;
}

static enum err error_parse(json_t *body, struct rpc_error *out)
{
    json_t *exit_code = json_object_get(body, "exit");
    struct rpc_error error = {0};
    if (!json_is_object(body) ||
        !json_is_string(json_object_get(body, "code")) ||
        !json_is_string(json_object_get(body, "message")))
        return ERR_PARSE;
    error.err = err_of_name(json_string_value(json_object_get(body, "code")));
    text_copy(error.what, sizeof(error.what), json_object_get(body, "message"));
    text_copy(error.why, sizeof(error.why), json_object_get(body, "why"));
    text_copy(error.next, sizeof(error.next), json_object_get(body, "next"));
    error.exit = rpc_exit_of(error.err);
    if (json_is_integer(exit_code) && json_integer_value(exit_code) > 0 &&
        json_integer_value(exit_code) <= EXIT_POLICY)
        error.exit = (enum rpc_exit)json_integer_value(exit_code);
    *out = error;
    return error.err;
}

enum err rpc_reply_parse(struct bytes text, json_t **out_result,
                         struct rpc_error *out_error)
{
    json_t *doc = NULL;
    json_t *result;
    json_t *body;
    enum err err = ERR_PARSE;
    TRY(doc_parse(text, &doc));
    result = json_object_get(doc, "result");
    body = json_object_get(doc, "error");
    if (!json_is_integer(json_object_get(doc, "id")) || !only_known(doc, 2)) {
        json_decref(doc);
        return ERR_PARSE;
    }
    if (result != NULL) {
        *out_result = json_incref(result);
        err = OK;
    } else if (body != NULL) {
        err = error_parse(body, out_error);
    }
    json_decref(doc);
    return err;
}

json_t *rpc_json_bytes(struct bytes bytes)
{
    const int variant = sodium_base64_VARIANT_ORIGINAL;
    size_t size;
    char *text;
    json_t *string;
    if (bytes.len > RPC_BYTES_MAX)
        return NULL;
    size = sodium_base64_encoded_len(bytes.len, variant);
    text = malloc(size);
    if (text == NULL)
        return NULL;
    sodium_bin2base64(text, size, bytes.ptr, bytes.len, variant);
    string = json_string(text);
    free(text);
    return string;
}

/* libsodium 1.0.18 takes some bytes above 127 for letters, so the alphabet is
 * checked here; the order and the padding it checks itself. */
static bool base64_letters(const char *text, size_t len)
{
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                        "0123456789+/=") == len;
}

enum err rpc_bytes_json(const json_t *value, struct buf *out)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    const char *end = NULL;
    size_t got = 0;
    uint8_t *raw;
    enum err err = ERR_PARSE;
    if (text == NULL)
        return ERR_TYPE;
    if (!base64_letters(text, len))
        return ERR_PARSE;
    raw = malloc(len / 4 * 3 + 3);
    if (raw == NULL)
        return ERR_NOMEM;
    if (sodium_base642bin(raw, len / 4 * 3 + 3, text, len, NULL, &got, &end,
                          sodium_base64_VARIANT_ORIGINAL) == 0 &&
        end == text + len) {
        buf_add(out, bytes_make(raw, got));
        err = out->err;
    }
    free(raw);
    return err;
}
