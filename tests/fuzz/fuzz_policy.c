/* links: suan_cli suan_node */
/* A policy from anywhere, as bytes, as all that a node keeps, and as a file:
 * refused, or what its one spelling says. */

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/file/policyfile.h"
#include "node/shell/policies.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void object_again(struct bytes in, struct arena *arena)
{
    struct policy_object object;
    struct buf out;
    if (policy_object_decode(in, arena, &object) != OK)
        return;
    buf_init(&out, in.len + 1);
    policy_object_encode(&object, &out);
    CHECK(bytes_equal(buf_bytes(&out), in));
    buf_done(&out);
}

static void all_again(struct bytes in, struct arena *arena)
{
    struct policies *policies = calloc(1, sizeof(*policies));
    struct buf out;
    CHECK(policies != NULL);
    if (policies_decode(in, arena, policies) == OK) {
        buf_init(&out, in.len + 1);
        policies_encode(policies, &out);
        CHECK(bytes_equal(buf_bytes(&out), in));
        buf_done(&out);
    }
    free(policies);
}

static void file(struct bytes in)
{
    char error[YAMLFILE_ERROR_MAX] = "";
    struct policy_object object = {.name = "f"};
    enum err err = policyfile_parse(in, "f", &object, error);
    if (err == OK)
        CHECK(policy_object_check(&object) == OK);
    else
        CHECK(err == ERR_NOMEM || strncmp(error, "f:", 2) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = bytes_make(data, len);
    struct arena arena;
    arena_init(&arena, POLICIES_ARENA_BYTES);
    object_again(in, &arena);
    arena_reset(&arena);
    all_again(in, &arena);
    arena_done(&arena);
    file(in);
    return 0;
}
