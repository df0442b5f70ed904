#include "market/spec.h"

#include <string.h>

#include "base/check.h"
#include "market/message.h"

static bool text_ok(struct bytes text)
{
    if (text.len > SPEC_TEXT_MAX)
        return false;
    return text.len == 0 || memchr(text.ptr, 0, text.len) == NULL;
}

static bool starts_with(struct bytes text, struct bytes prefix)
{
    return text.len >= prefix.len &&
           bytes_equal(bytes_make(text.ptr, prefix.len), prefix);
}

static bool env_ok(const struct spec_env *env)
{
    if (!text_ok(env->name) || !text_ok(env->value) || env->name.len == 0)
        return false;
    if (memchr(env->name.ptr, '=', env->name.len) != NULL)
        return false;
    return !starts_with(env->name, BYTES_LIT("SUAN_"));
}

/* A glob below /job/out: no way to point above or beside it. */
static bool output_ok(struct bytes glob)
{
    size_t start = 0;
    if (!text_ok(glob) || glob.len == 0 || glob.ptr[0] == '/')
        return false;
    for (size_t i = 0; i <= glob.len; i++) {
        if (i < glob.len && glob.ptr[i] != '/')
            continue;
        if (i - start == 2 && memcmp(glob.ptr + start, "..", 2) == 0)
            return false;
        start = i + 1;
    }
    return true;
}

static bool args_ok(const struct spec *spec)
{
    if (spec->arg_count == 0 || spec->arg_count > SPEC_ARGS_MAX)
        return false;
    for (uint32_t i = 0; i < spec->arg_count; i++)
        if (!text_ok(spec->args[i]))
            return false;
    return spec->args[0].len > 0;
}

static bool lists_ok(const struct spec *spec)
{
    if (spec->env_count > SPEC_ENV_MAX || spec->output_count > SPEC_OUTPUTS_MAX)
        return false;
    for (uint32_t i = 0; i < spec->env_count; i++)
        if (!env_ok(&spec->env[i]))
            return false;
    for (uint32_t i = 0; i < spec->output_count; i++)
        if (!output_ok(spec->outputs[i]))
            return false;
    return true;
}

/* No way to point above or beside /job/in. */
static bool dest_ok(struct bytes dest)
{
    size_t start = 0;
    if (dest.len == 0 || dest.len > SPEC_DEST_MAX || !text_ok(dest))
        return false;
    for (size_t i = 0; i <= dest.len; i++) {
        size_t len = i - start;
        if (i < dest.len && dest.ptr[i] != '/')
            continue;
        if (len == 0 || (len == 1 && dest.ptr[start] == '.') ||
            (len == 2 && memcmp(dest.ptr + start, "..", 2) == 0))
            return false;
        start = i + 1;
    }
    return true;
}

static bool dest_is_new(const struct spec *spec, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (bytes_equal(spec->uses[i].dest, spec->uses[index].dest))
            return false;
    return true;
}

static bool uses_ok(const struct spec *spec)
{
    uint32_t results = 0;
    if (spec->use_count > SPEC_USES_MAX)
        return false;
    for (uint32_t i = 0; i < spec->use_count; i++) {
        const struct spec_use *use = &spec->uses[i];
        if (hash_is_zero(&use->request) || use->tasks == 0 ||
            use->tasks > SPEC_RESULTS_MAX || !dest_ok(use->dest) ||
            !dest_is_new(spec, i))
            return false;
        results += use->tasks;
    }
    return results <= SPEC_RESULTS_MAX;
}

uint32_t spec_result_count(const struct spec *spec)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < spec->use_count; i++)
        count += spec->uses[i].tasks;
    return count;
}

enum err spec_form(const struct spec *spec)
{
    const struct resources *want = &spec->resources;
    if (hash_is_zero(&spec->image) || !args_ok(spec) || !lists_ok(spec))
        return ERR_RANGE;
    if (want->cpu_milli == 0 || want->mem_mib == 0 || want->disk_mib == 0)
        return ERR_RANGE;
    if (spec->pids_max == 0 || spec->time_ms_max == 0 ||
        spec->time_ms_max > MESSAGE_TIME_MS_MAX)
        return ERR_RANGE;
    TRY(device_wish_form(&spec->devices));
    return uses_ok(spec) ? OK : ERR_RANGE;
}

void spec_hash(struct bytes encoded, struct hash *out)
{
    hash_bytes(HASH_TAG_SPEC, encoded, out);
}

enum err spec_expand(struct bytes text, uint32_t task, uint32_t tasks,
                     struct buf *out)
{
    CHECK(task < tasks);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t after = i + 1 < text.len ? text.ptr[i + 1] : 0;
        if (text.ptr[i] != '%' || strchr("tn%", after) == NULL || after == 0) {
            buf_add_u8(out, text.ptr[i]);
            continue;
        }
        i++;
        if (after == '%')
            buf_add_u8(out, '%');
        else
            buf_addf(out, "%u", after == 't' ? task : tasks);
    }
    return out->err;
}
