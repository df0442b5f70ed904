#define _GNU_SOURCE
#include "node/executors/sandbox/spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define WHAT "the job description is not accepted"
#define FIX  "correct the field; docs/executors.md lists what each may be"

static bool word_fits(const char *id, size_t max, const char *extra)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(id);

    if (len == 0 || len > max || id[0] == '.')
        return false;
    for (size_t i = 0; i < len; i++)
        if (strchr(letters, id[i]) == NULL && strchr(extra, id[i]) == NULL)
            return false;
    return true;
}

bool spec_id_fits(const char *id)
{
    return word_fits(id, SPEC_ID_MAX, "");
}

bool spec_image_fits(const char *id)
{
    return word_fits(id, SPEC_IMAGE_MAX, ":");
}

static bool part_fits(const char *part, size_t len)
{
    if (len == 0 || (len == 1 && part[0] == '.') ||
        (len == 2 && part[0] == '.' && part[1] == '.'))
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)part[i] < 0x20 || part[i] == 0x7f)
            return false;
    return true;
}

bool spec_dest_fits(const char *dest)
{
    if (strlen(dest) > SPEC_DEST_MAX)
        return false;
    for (;;) {
        size_t len = strcspn(dest, "/");
        if (!part_fits(dest, len))
            return false;
        if (dest[len] == '\0')
            return true;
        dest += len + 1;
    }
}

/* What /dev of every container holds: the runtime makes it, or we do. */
static bool is_own_device(const char *name)
{
    static const char *const names[] = {"null",    "zero",  "full",   "random",
                                        "urandom", "tty",   "ptmx",   "console",
                                        "init",    "stdin", "stdout", "stderr"};
    static const char *const dirs[] = {"shm", "pts", "fd", "mqueue"};
    size_t len = strcspn(name, "/");

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
        if (strlen(dirs[i]) == len && strncmp(name, dirs[i], len) == 0)
            return true;
    return false;
}

bool spec_device_fits(const char *path)
{
    return strncmp(path, "/dev/", 5) == 0 && strlen(path) <= SPEC_DEVICE_MAX &&
           spec_dest_fits(path + 5) && !is_own_device(path + 5);
}

static enum err bad(struct fail *fail, enum err err, const char *field,
                    const char *rule)
{
    return fail_set(fail, err, WHAT, FIX, "%s: %s", field, rule);
}

static enum err read_text(const json_t *params, const char *field, char *out,
                          size_t cap, bool (*fits)(const char *),
                          struct fail *fail)
{
    const char *text = json_string_value(json_object_get(params, field));

    if (text == NULL)
        return bad(fail, ERR_TYPE, field, "a string is required");
    if (strlen(text) >= cap || !fits(text))
        return bad(fail, ERR_RANGE, field,
                   "letters, digits, '.', '_' and '-' only");
    memcpy(out, text, strlen(text) + 1);
    return OK;
}

struct number {
    const char *field;
    uint64_t min, max;
    uint64_t fallback; /* 0: the field is required */
    size_t offset;
};

static const struct number numbers[] = {
    {"cpu_milli", SPEC_CPU_MIN, SPEC_CPU_MAX, 0,
     offsetof(struct spec, cpu_milli)},
    {"mem_mib", SPEC_MEM_MIN, SPEC_MEM_MAX, 0, offsetof(struct spec, mem_mib)},
    {"disk_mib", SPEC_DISK_MIN, SPEC_DISK_MAX, 0,
     offsetof(struct spec, disk_mib)},
    {"pids_max", SPEC_PIDS_MIN, SPEC_PIDS_MAX, 0,
     offsetof(struct spec, pids_max)},
    {"wall_ms", 1, SPEC_WALL_MS_MAX, 0, offsetof(struct spec, wall_ms)},
    {"grace_ms", 0, SPEC_GRACE_MAX, 2000, offsetof(struct spec, grace_ms)},
    {"stdout_max", 0, SPEC_OUTPUT_MAX, 1u << 20,
     offsetof(struct spec, stdout_max)},
    {"stderr_max", 0, SPEC_OUTPUT_MAX, 1u << 20,
     offsetof(struct spec, stderr_max)},
};
#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static uint64_t *number_at(struct spec *spec, const struct number *number)
{
    return (uint64_t *)(void *)((char *)spec + number->offset);
}

static enum err read_number(const json_t *params, const struct number *number,
                            uint64_t *out, struct fail *fail)
{
    const json_t *value = json_object_get(params, number->field);
    json_int_t got = json_integer_value(value);

    if (value == NULL && number->fallback != 0) {
        *out = number->fallback;
        return OK;
    }
    if (!json_is_integer(value))
        return fail_set(fail, ERR_TYPE, WHAT, FIX,
                        "%s: a whole number is required, there is no "
                        "unlimited job",
                        number->field);
    if (got < 0 || (uint64_t)got < number->min || (uint64_t)got > number->max)
        return fail_set(fail, ERR_RANGE, WHAT, FIX,
                        "%s: %" JSON_INTEGER_FORMAT " is not in %" PRIu64
                        "..%" PRIu64,
                        number->field, got, number->min, number->max);
    *out = (uint64_t)got;
    return OK;
}

static enum err read_argv(const json_t *params, struct spec *out,
                          struct fail *fail)
{
    const json_t *list = json_object_get(params, "argv");
    size_t total = 0;

    out->argv = calloc(json_array_size(list) + 1, sizeof(*out->argv));
    if (out->argv == NULL)
        return bad(fail, ERR_NOMEM, "argv", "out of memory");
    if (list == NULL)
        return OK;
    if (!json_is_array(list))
        return bad(fail, ERR_TYPE, "argv", "a list of strings is required");
    if (json_array_size(list) > SPEC_ARGS_MAX)
        return bad(fail, ERR_TOO_LARGE, "argv", "more than 1024 words");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        if (word == NULL)
            return bad(fail, ERR_TYPE, "argv", "every word is a string");
        total += strlen(word) + 1;
        if (total > SPEC_TEXT_MAX)
            return bad(fail, ERR_TOO_LARGE, "argv", "more than 128 KiB");
        out->argv[i] = strdup(word);
        if (out->argv[i] == NULL)
            return bad(fail, ERR_NOMEM, "argv", "out of memory");
        out->argc = i + 1;
    }
    if (out->argc == 0)
        return OK;
    CHECK(out->argv[0] != NULL);
    if (out->argv[0][0] == '\0')
        return bad(fail, ERR_RANGE, "argv", "the program's name is empty");
    return OK;
}

static bool env_name_fits(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= 256 && strchr(name, '=') == NULL &&
           !(name[0] >= '0' && name[0] <= '9');
}

static enum err add_env(struct spec *out, const char *name, const char *text,
                        size_t *total, struct fail *fail)
{
    if (!env_name_fits(name) || text == NULL)
        return bad(fail, ERR_TYPE, "env",
                   "an object of NAME: string, names without '='");
    *total += strlen(name) + strlen(text) + 2;
    if (*total > SPEC_TEXT_MAX)
        return bad(fail, ERR_TOO_LARGE, "env", "more than 128 KiB");
    if (asprintf(&out->env[out->envc], "%s=%s", name, text) < 0) {
        out->env[out->envc] = NULL;
        return bad(fail, ERR_NOMEM, "env", "out of memory");
    }
    out->envc++;
    return OK;
}

static enum err read_env(const json_t *params, struct spec *out,
                         struct fail *fail)
{
    json_t *map = json_object_get(params, "env");
    size_t total = 0;
    const char *name;
    json_t *value;

    out->env = calloc(json_object_size(map) + 1, sizeof(*out->env));
    if (out->env == NULL)
        return bad(fail, ERR_NOMEM, "env", "out of memory");
    if (map == NULL)
        return OK;
    if (!json_is_object(map))
        return bad(fail, ERR_TYPE, "env", "an object is required");
    if (json_object_size(map) > SPEC_ENV_MAX)
        return bad(fail, ERR_TOO_LARGE, "env", "more than 256 variables");
    json_object_foreach(map, name, value)
    {
        TRY(add_env(out, name, json_string_value(value), &total, fail));
    }
    return OK;
}

/* Whether one destination is the other or lies inside it. */
static bool clashes(const char *a, const char *b)
{
    size_t len = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

    if (strncmp(a, b, len) != 0)
        return false;
    return (a[len] == '\0' || a[len] == '/') &&
           (b[len] == '\0' || b[len] == '/');
}

static enum err read_input(const json_t *item, struct spec *out,
                           struct fail *fail)
{
    const char *path = json_string_value(json_object_get(item, "path"));
    const char *dest = json_string_value(json_object_get(item, "dest"));
    struct spec_input *input = &out->inputs[out->inputc];

    if (path == NULL || dest == NULL || json_object_size(item) != 2)
        return bad(fail, ERR_TYPE, "inputs", "each is {path, dest}");
    if (path[0] != '/' || strlen(path) > SPEC_PATH_MAX)
        return bad(fail, ERR_RANGE, "inputs", "path must be absolute");
    if (!spec_dest_fits(dest))
        return bad(fail, ERR_RANGE, "inputs",
                   "dest must be a plain relative path below /job/in");
    for (size_t i = 0; i < out->inputc; i++) {
        CHECK(out->inputs[i].dest != NULL);
        if (clashes(out->inputs[i].dest, dest))
            return fail_set(fail, ERR_EXISTS, WHAT, FIX,
                            "inputs: dest %s and %s overlap",
                            out->inputs[i].dest, dest);
    }
    input->path = strdup(path);
    input->dest = strdup(dest);
    out->inputc++;
    if (input->path == NULL || input->dest == NULL)
        return bad(fail, ERR_NOMEM, "inputs", "out of memory");
    return OK;
}

static enum err read_inputs(const json_t *params, struct spec *out,
                            struct fail *fail)
{
    const json_t *list = json_object_get(params, "inputs");

    if (list == NULL)
        return OK;
    if (!json_is_array(list))
        return bad(fail, ERR_TYPE, "inputs", "a list is required");
    if (json_array_size(list) > SPEC_INPUTS_MAX)
        return bad(fail, ERR_TOO_LARGE, "inputs", "more than 1024 inputs");
    out->inputs = calloc(json_array_size(list) + 1, sizeof(*out->inputs));
    if (out->inputs == NULL)
        return bad(fail, ERR_NOMEM, "inputs", "out of memory");
    for (size_t i = 0; i < json_array_size(list); i++)
        TRY(read_input(json_array_get(list, i), out, fail));
    return OK;
}

static bool has_device(const struct spec *spec, const char *path)
{
    for (size_t i = 0; i < spec->devicec; i++) {
        CHECK(spec->devices[i] != NULL);
        if (strcmp(spec->devices[i], path) == 0)
            return true;
    }
    return false;
}

static enum err read_devices(const json_t *params, struct spec *out,
                             struct fail *fail)
{
    const json_t *list = json_object_get(params, "devices");

    if (list == NULL)
        return OK;
    if (!json_is_array(list))
        return bad(fail, ERR_TYPE, "devices", "a list of paths is required");
    if (json_array_size(list) > SPEC_DEVICES_MAX)
        return bad(fail, ERR_TOO_LARGE, "devices", "more than 64 devices");
    out->devices = calloc(json_array_size(list) + 1, sizeof(*out->devices));
    if (out->devices == NULL)
        return bad(fail, ERR_NOMEM, "devices", "out of memory");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *path = json_string_value(json_array_get(list, i));
        if (path == NULL || !spec_device_fits(path))
            return bad(fail, ERR_TYPE, "devices",
                       "each is a plain path below /dev, and none that every "
                       "container has");
        if (has_device(out, path))
            return bad(fail, ERR_EXISTS, "devices", "one is named twice");
        out->devices[out->devicec] = strdup(path);
        if (out->devices[out->devicec] == NULL)
            return bad(fail, ERR_NOMEM, "devices", "out of memory");
        out->devicec++;
    }
    return OK;
}

static enum err read_policy(const json_t *params, struct spec *out,
                            struct fail *fail)
{
    const json_t *value = json_object_get(params, "output_policy");
    const char *text = json_string_value(value);

    if (value == NULL || (text != NULL && strcmp(text, "truncate") == 0)) {
        out->output_kill = false;
        return OK;
    }
    if (text == NULL || strcmp(text, "kill") != 0)
        return bad(fail, ERR_RANGE, "output_policy", "truncate or kill");
    out->output_kill = true;
    return OK;
}

static bool known_field(const char *name)
{
    static const char *const texts[] = {
        "id", "image", "argv", "env", "output_policy", "inputs", "devices"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strcmp(name, texts[i]) == 0)
            return true;
    for (size_t i = 0; i < NUMBERS; i++)
        if (strcmp(name, numbers[i].field) == 0)
            return true;
    return false;
}

static enum err read_all(json_t *params, struct spec *out, struct fail *fail)
{
    const char *name;
    json_t *value;

    json_object_foreach(params, name, value)
    {
        if (!known_field(name))
            return fail_set(fail, ERR_KIND, WHAT, FIX, "%.64s: no such field",
                            name);
    }
    TRY(read_text(params, "id", out->id, sizeof(out->id), spec_id_fits, fail));
    TRY(read_text(params, "image", out->image, sizeof(out->image),
                  spec_image_fits, fail));
    for (size_t i = 0; i < NUMBERS; i++)
        TRY(read_number(params, &numbers[i], number_at(out, &numbers[i]),
                        fail));
    TRY(read_argv(params, out, fail));
    TRY(read_env(params, out, fail));
    TRY(read_inputs(params, out, fail));
    TRY(read_devices(params, out, fail));
    return read_policy(params, out, fail);
}

enum err spec_decode(json_t *params, struct spec *out, struct fail *fail)
{
    enum err err;

    memset(out, 0, sizeof(*out));
    err = read_all(params, out, fail);
    if (err != OK)
        spec_done(out);
    return err;
}

static json_t *encode_env(const struct spec *spec)
{
    json_t *map = json_object();

    for (size_t i = 0; i < spec->envc; i++) {
        char *text = spec->env[i];
        char *equals = strchr(text, '=');
        CHECK(equals != NULL);
        *equals = '\0';
        (void)json_object_set_new(map, text, json_string(equals + 1));
        *equals = '=';
    }
    return map;
}

static json_t *encode_lists(const struct spec *spec)
{
    json_t *argv = json_array(), *inputs = json_array();
    json_t *devices = json_array();

    for (size_t i = 0; i < spec->argc; i++)
        (void)json_array_append_new(argv, json_string(spec->argv[i]));
    for (size_t i = 0; i < spec->inputc; i++)
        (void)json_array_append_new(
            inputs, json_pack("{s:s, s:s}", "path", spec->inputs[i].path,
                              "dest", spec->inputs[i].dest));
    for (size_t i = 0; i < spec->devicec; i++)
        (void)json_array_append_new(devices, json_string(spec->devices[i]));
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:s}", "id", spec->id,
                     "image", spec->image, "argv", argv, "inputs", inputs,
                     "devices", devices, "env", encode_env(spec),
                     "output_policy", spec->output_kill ? "kill" : "truncate");
}

json_t *spec_encode(const struct spec *spec)
{
    json_t *root = encode_lists(spec);

    if (root == NULL)
        return NULL;
    for (size_t i = 0; i < NUMBERS; i++) {
        const char *base = (const char *)spec + numbers[i].offset;
        uint64_t value;
        memcpy(&value, base, sizeof(value));
        (void)json_object_set_new(root, numbers[i].field,
                                  json_integer((json_int_t)value));
    }
    return root;
}

void spec_done(struct spec *spec)
{
    for (size_t i = 0; i < spec->argc; i++)
        free(spec->argv[i]);
    for (size_t i = 0; i < spec->envc; i++)
        free(spec->env[i]);
    for (size_t i = 0; i < spec->inputc; i++) {
        free(spec->inputs[i].path);
        free(spec->inputs[i].dest);
    }
    for (size_t i = 0; i < spec->devicec; i++)
        free(spec->devices[i]);
    free(spec->devices);
    free(spec->argv);
    free(spec->env);
    free(spec->inputs);
    memset(spec, 0, sizeof(*spec));
}
