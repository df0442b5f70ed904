#include "sched/policy_object.h"

#include <string.h>

#include "base/check.h"

#define VERSION 1u

static bool name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

bool policy_object_name_ok(const char *name)
{
    enum policy policy;
    size_t len = strnlen(name, LIMIT_NAME);
    if (len == 0 || len == LIMIT_NAME || name[0] == '-' || name[0] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!name_byte(name[i]))
            return false;
    }
    return policy_parse(name, &policy) != OK;
}

enum err policy_object_builtin(const char *name, struct policy_object *out)
{
    struct policy_object object = {.enabled = true};
    if (policy_parse(name, &object.policy) != OK)
        return ERR_NOT_FOUND;
    TRY(policy_terms_check(object.policy, &object.terms));
    memcpy(object.name, policy_text(object.policy),
           strlen(policy_text(object.policy)) + 1);
    *out = object;
    return OK;
}

enum err policy_object_check(const struct policy_object *object)
{
    if (!policy_object_name_ok(object->name))
        return ERR_RANGE;
    return policy_terms_check(object->policy, &object->terms);
}

void policy_object_encode(const struct policy_object *object, struct buf *out)
{
    CHECK(policy_object_check(object) == OK);
    mp_put_array(out, 5);
    mp_put_uint(out, VERSION);
    mp_put_str(out, object->name);
    mp_put_bool(out, object->enabled);
    mp_put_uint(out, object->policy);
    policy_terms_encode(&object->terms, out);
}

void policy_object_get(struct mp_reader *reader, struct policy_object *out)
{
    memset(out, 0, sizeof(*out));
    mp_enter_exact(reader, 5);
    if (mp_get_uint(reader) != VERSION)
        mp_fail(reader, ERR_VERSION);
    mp_get_text(reader, out->name, sizeof(out->name));
    out->enabled = mp_get_bool(reader);
    out->policy = (enum policy)mp_get_uint_max(reader, POLICY_PACK);
    policy_terms_decode(reader, &out->terms);
    mp_leave(reader);
    if (reader->err == OK && policy_object_check(out) != OK)
        mp_fail(reader, ERR_RANGE);
}

enum err policy_object_decode(struct bytes bytes, struct arena *arena,
                              struct policy_object *out)
{
    struct mp_reader reader;
    struct policy_object object;
    if (bytes.len > POLICY_OBJECT_BYTES_MAX)
        return ERR_TOO_LARGE;
    TRY(mp_open(&reader, bytes, arena));
    policy_object_get(&reader, &object);
    TRY(mp_close(&reader));
    *out = object;
    return OK;
}
