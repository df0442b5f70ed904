#include "node/executors/sandbox/plan.h"

#include <string.h>

#include "base/check.h"

static json_t *encode_machine(const struct machine *machine)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:s, s:s, s:I}", "runtime",
                     runtime_name(machine->runtime.kind), "runtime_path",
                     machine->runtime.path, "init", machine->init, "instance",
                     cg_encode(&machine->instance), "hybrid", machine->hybrid,
                     "pool", idpool_encode(&machine->pool), "volume",
                     volume_kind_name(machine->volume), "templates",
                     machine->templates, "reserve_mib",
                     (json_int_t)machine->reserve_mib);
}

json_t *plan_encode(const struct plan *plan)
{
    return json_pack("{s:o, s:s, s:o}", "spec", spec_encode(&plan->spec),
                     "rootfs", plan->rootfs, "machine",
                     encode_machine(&plan->machine));
}

static bool copy(const json_t *value, const char *name, char *out, size_t cap)
{
    const char *text = json_string_value(json_object_get(value, name));

    return text != NULL && dir_text(out, cap, "%s", text);
}

static bool decode_machine(const json_t *value, struct machine *out)
{
    json_int_t reserve =
        json_integer_value(json_object_get(value, "reserve_mib"));
    char runtime[16], volume[16];

    if (!copy(value, "runtime", runtime, sizeof(runtime)) ||
        !copy(value, "volume", volume, sizeof(volume)) ||
        !copy(value, "runtime_path", out->runtime.path, TOOL_PATH) ||
        !copy(value, "init", out->init, TOOL_PATH) ||
        !copy(value, "hybrid", out->hybrid, DIR_PATH) ||
        !copy(value, "templates", out->templates, DIR_PATH) ||
        !cg_decode(json_object_get(value, "instance"), &out->instance) ||
        !idpool_decode(json_object_get(value, "pool"), &out->pool))
        return false;
    out->runtime.kind = strcmp(runtime, runtime_name(RUNTIME_CRUN)) == 0
                            ? RUNTIME_CRUN
                            : RUNTIME_RUNC;
    out->volume = strcmp(volume, volume_kind_name(VOLUME_EXT4)) == 0
                      ? VOLUME_EXT4
                      : VOLUME_TMPFS;
    out->reserve_mib = reserve > 0 ? (uint64_t)reserve : 0;
    return true;
}

enum err plan_decode(const json_t *value, struct plan *out, struct fail *fail)
{
    struct plan got;

    memset(&got, 0, sizeof(got));
    if (!decode_machine(json_object_get(value, "machine"), &got.machine) ||
        !copy(value, "rootfs", got.rootfs, DIR_PATH))
        return fail_set(fail, ERR_CORRUPT, "the job's record is damaged",
                        "remove the job and start it again", "%s lacks a field",
                        PLAN_FILE);
    TRY(spec_decode(json_object_get(value, "spec"), &got.spec, fail));
    *out = got;
    return OK;
}

void plan_done(struct plan *plan)
{
    spec_done(&plan->spec);
}
