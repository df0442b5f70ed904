#include "market/message.h"
#include "market/spec.h"

#include "base/check.h"

#define SPEC_FIELDS 11

static void spec_put(const struct spec *spec, struct buf *out)
{
    mp_put_message(out, MESSAGE_SPEC, MESSAGE_VERSION, SPEC_FIELDS);
    mp_put_hash(out, &spec->image);
    mp_put_array(out, spec->arg_count);
    for (uint32_t i = 0; i < spec->arg_count; i++)
        mp_put_bin(out, spec->args[i]);
    mp_put_array(out, spec->env_count);
    for (uint32_t i = 0; i < spec->env_count; i++) {
        mp_put_array(out, 2);
        mp_put_bin(out, spec->env[i].name);
        mp_put_bin(out, spec->env[i].value);
    }
    mp_put_hash(out, &spec->inputs);
    mp_put_array(out, spec->output_count);
    for (uint32_t i = 0; i < spec->output_count; i++)
        mp_put_bin(out, spec->outputs[i]);
    resources_encode(&spec->resources, out);
    mp_put_uint(out, spec->pids_max);
    mp_put_uint(out, spec->time_ms_max);
    mp_put_uint(out, spec->log_bytes_max);
    mp_put_array(out, spec->use_count);
    for (uint32_t i = 0; i < spec->use_count; i++) {
        mp_put_array(out, 3);
        mp_put_hash(out, &spec->uses[i].request);
        mp_put_uint(out, spec->uses[i].tasks);
        mp_put_bin(out, spec->uses[i].dest);
    }
    device_wish_encode(&spec->devices, out);
}

enum err spec_encode(const struct spec *spec, struct buf *out)
{
    struct buf alone;
    enum err err;

    TRY(spec_form(spec));
    buf_init(&alone, SPEC_BYTES_MAX);
    spec_put(spec, &alone);
    err = alone.err;
    if (err == OK) {
        buf_add(out, buf_bytes(&alone));
        err = out->err;
    }
    buf_done(&alone);
    return err;
}

/* A list of texts of at most `max` members, its pointers in the arena. */
static struct bytes *texts_get(struct mp_reader *reader, struct arena *arena,
                               uint32_t max, uint32_t *out_count)
{
    struct bytes *texts;
    uint32_t count = mp_enter(reader);

    if (count > max)
        mp_fail(reader, ERR_RANGE);
    if (reader->err != OK)
        return NULL;
    texts = arena_calloc(arena, count, sizeof(*texts));
    if (texts == NULL) {
        mp_fail(reader, ERR_NOMEM);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++)
        texts[i] = mp_get_bin(reader, SPEC_TEXT_MAX);
    mp_leave(reader);
    *out_count = count;
    return texts;
}

static struct spec_env *env_get(struct mp_reader *reader, struct arena *arena,
                                uint32_t *out_count)
{
    struct spec_env *env;
    uint32_t count = mp_enter(reader);

    if (count > SPEC_ENV_MAX)
        mp_fail(reader, ERR_RANGE);
    if (reader->err != OK)
        return NULL;
    env = arena_calloc(arena, count, sizeof(*env));
    if (env == NULL) {
        mp_fail(reader, ERR_NOMEM);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        mp_enter_exact(reader, 2);
        env[i].name = mp_get_bin(reader, SPEC_TEXT_MAX);
        env[i].value = mp_get_bin(reader, SPEC_TEXT_MAX);
        mp_leave(reader);
    }
    mp_leave(reader);
    *out_count = count;
    return env;
}

static struct spec_use *uses_get(struct mp_reader *reader, struct arena *arena,
                                 uint32_t *out_count)
{
    struct spec_use *uses;
    uint32_t count = mp_enter(reader);

    if (count > SPEC_USES_MAX)
        mp_fail(reader, ERR_RANGE);
    if (reader->err != OK)
        return NULL;
    uses = arena_calloc(arena, count, sizeof(*uses));
    if (uses == NULL) {
        mp_fail(reader, ERR_NOMEM);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        mp_enter_exact(reader, 3);
        mp_get_hash(reader, &uses[i].request);
        uses[i].tasks = (uint32_t)mp_get_uint_max(reader, SPEC_RESULTS_MAX);
        uses[i].dest = mp_get_bin(reader, SPEC_DEST_MAX);
        mp_leave(reader);
    }
    mp_leave(reader);
    *out_count = count;
    return uses;
}

enum err spec_decode(struct bytes bytes, struct arena *arena, struct spec *out)
{
    struct mp_reader reader;
    struct spec spec = {0};

    if (bytes.len > SPEC_BYTES_MAX)
        return ERR_TOO_LARGE;
    TRY(arena_copy(arena, bytes, &bytes));
    TRY(mp_open_message(&reader, bytes, arena, MESSAGE_SPEC, MESSAGE_VERSION,
                        SPEC_FIELDS));
    mp_get_hash(&reader, &spec.image);
    spec.args = texts_get(&reader, arena, SPEC_ARGS_MAX, &spec.arg_count);
    spec.env = env_get(&reader, arena, &spec.env_count);
    mp_get_hash(&reader, &spec.inputs);
    spec.outputs =
        texts_get(&reader, arena, SPEC_OUTPUTS_MAX, &spec.output_count);
    resources_decode(&reader, &spec.resources);
    spec.pids_max = (uint32_t)mp_get_uint_max(&reader, UINT32_MAX);
    spec.time_ms_max = mp_get_uint(&reader);
    spec.log_bytes_max = mp_get_uint(&reader);
    spec.uses = uses_get(&reader, arena, &spec.use_count);
    device_wish_decode(&reader, &spec.devices);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    TRY(spec_form(&spec));
    *out = spec;
    return OK;
}
