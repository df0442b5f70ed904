/* links: exec_sandbox base */
/* Every text of others the sandbox's executor reads by itself: requests, job
 * descriptions, records, patterns against names, the kernel's tables. The first
 * byte says which; a request starts with a brace, as it does on the wire. */
#include "node/executors/sandbox/cgroup.h"
#include "node/executors/sandbox/collect.h"
#include "node/executors/sandbox/idrange.h"
#include "node/executors/sandbox/oci_layer.h"
#include "node/executors/sandbox/plan.h"
#include "node/executors/sandbox/rpc.h"
#include "node/executors/sandbox/spec.h"
#include "node/executors/sandbox/status.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What was accepted is spelt the same after another turn. */
static void try_spec(json_t *params)
{
    struct spec spec, again;
    struct fail fail;
    json_t *one, *two;

    memset(&fail, 0, sizeof(fail));
    if (spec_decode(params, &spec, &fail) != OK) {
        CHECK(fail.err != OK && fail.what[0] != '\0' && fail.fix[0] != '\0');
        json_decref(fail_json(&fail));
        return;
    }
    one = spec_encode(&spec);
    CHECK(spec_decode(one, &again, &fail) == OK);
    two = spec_encode(&again);
    CHECK(json_equal(one, two));
    CHECK(spec_id_fits(spec.id) && spec.mem_mib >= SPEC_MEM_MIN);
    json_decref(one);
    json_decref(two);
    spec_done(&spec);
    spec_done(&again);
}

static void try_records(json_t *value)
{
    struct status status, again;
    struct cgroup group;
    struct idpool pool;
    struct plan plan;
    struct fail fail;
    json_t *text;

    if (status_decode(value, &status)) {
        text = status_encode(&status);
        CHECK(text != NULL && status_decode(text, &again));
        CHECK(again.phase == status.phase && again.reason == status.reason);
        json_decref(text);
    }
    if (cg_decode(value, &group)) {
        text = cg_encode(&group);
        CHECK(text != NULL && cg_decode(text, &group));
        json_decref(text);
    }
    (void)!idpool_decode(value, &pool);
    if (plan_decode(value, &plan, &fail) == OK)
        plan_done(&plan);
}

static void try_line(const uint8_t *data, size_t len)
{
    struct rpc_request request;
    enum rpc_code code = rpc_parse((const char *)data, len, &request);

    if (code == RPC_OK) {
        CHECK(strlen(request.method) <= RPC_METHOD_MAX);
        try_spec(request.params);
        try_records(request.params);
        json_decref(rpc_result(request.id, json_object()));
    } else {
        json_t *answer = rpc_refusal(request.id, code);
        CHECK(answer != NULL);
        json_decref(answer);
    }
    rpc_done(&request);
}

/* "*pattern\nname": the answer does not depend on how often it is asked, and a
 * name matches itself. */
static void try_pattern(char *text)
{
    char *name = strchr(text, '\n');

    if (name == NULL)
        return;
    *name++ = '\0';
    CHECK(collect_matches(text, name) == collect_matches(text, name));
    if (strlen(name) <= 1024 && strpbrk(name, "*?") == NULL &&
        strncmp(name, "out", 3) != 0 && name[0] != '.' && name[0] != '/')
        CHECK(collect_matches(name, name));
    (void)spec_dest_fits(name);
    (void)oci_climbs(name);
}

/* "m" mountinfo, an empty line, /proc/self/cgroup. */
static void try_mounts(char *text)
{
    char *self = strstr(text, "\n\n");
    char hybrid[DIR_PATH];
    struct cgroup home;

    if (self == NULL)
        return;
    self[1] = '\0';
    cg_find(text, self + 2, &home, hybrid, sizeof(hybrid));
    CHECK(home.version == 1 || home.version == 2);
    for (size_t i = 0; i < CG_KINDS; i++)
        CHECK(strlen(home.dir[i]) < DIR_PATH);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint32_t first, count;
    char *text;

    if (len == 0 || len > RPC_LINE_MAX)
        return 0;
    if (strchr("*ms", data[0]) == NULL || data[0] == '\0') {
        try_line(data, len);
        return 0;
    }
    text = calloc(1, len);
    CHECK(text != NULL);
    memcpy(text, data + 1, len - 1);
    if (data[0] == '*')
        try_pattern(text);
    else if (data[0] == 'm')
        try_mounts(text);
    else if (idpool_read_subid(text, "suan", 1000, &first, &count))
        CHECK(count > 0 && count <= UINT32_MAX / IDRANGE_SIZE);
    free(text);
    return 0;
}
