/* links: suan_rpc base */
/* The envelope of the control socket, from both sides: what was read and is
 * written again reads as the same. */

#include "node/rpc/rpc_msg.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void as_request(struct bytes text)
{
    struct rpc_request request;
    struct rpc_request again;
    char *written;
    if (rpc_request_parse(text, &request) != OK)
        return;
    written = rpc_request_text(request.id, request.method, request.params);
    CHECK(written != NULL);
    CHECK(rpc_request_parse(bytes_str(written), &again) == OK);
    CHECK(again.id == request.id);
    CHECK(strcmp(again.method, request.method) == 0);
    CHECK(json_equal(again.params, request.params));
    json_decref(again.doc);
    json_decref(request.doc);
    free(written);
}

static void as_reply(struct bytes text)
{
    struct rpc_error error;
    json_t *result = NULL;
    memset(&error, 0, sizeof(error));
    if (rpc_reply_parse(text, &result, &error) == OK) {
        char *written = rpc_result_text(1, result);
        CHECK(written != NULL && strlen(written) <= RPC_BYTES_MAX);
        free(written);
        json_decref(result);
        return;
    }
    if (error.err != OK) {
        char *written = rpc_error_text(1, &error);
        struct rpc_error again;
        json_t *none = NULL;
        CHECK(written != NULL);
        CHECK(rpc_reply_parse(bytes_str(written), &none, &again) == error.err);
        CHECK(again.exit == error.exit);
        free(written);
    }
}

static void as_base64(struct bytes text)
{
    json_t *value = json_stringn((const char *)text.ptr, text.len);
    struct buf out;
    buf_init(&out, RPC_DATA_MAX);
    if (value != NULL && rpc_bytes_json(value, &out) == OK) {
        json_t *again = rpc_json_bytes(buf_bytes(&out));
        CHECK(json_equal(value, again));
        json_decref(again);
    }
    buf_done(&out);
    json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes text = bytes_make(data, len);
    as_request(text);
    as_reply(text);
    as_base64(text);
    return 0;
}
