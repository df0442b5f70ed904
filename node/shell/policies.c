#include "node/shell/policies.h"

#include <fnmatch.h>
#include <string.h>

#include "base/check.h"

#define VERSION 1u

static uint32_t index_of(const struct policies *policies, const char *name)
{
    uint32_t i = 0;
    while (i < policies->count && strcmp(policies->objects[i].name, name) != 0)
        i++;
    return i;
}

const struct policy_object *policies_find(const struct policies *policies,
                                          const char *name)
{
    uint32_t i = index_of(policies, name);
    return i < policies->count ? &policies->objects[i] : NULL;
}

enum err policies_set(struct policies *policies,
                      const struct policy_object *object)
{
    uint32_t i = index_of(policies, object->name);
    TRY(policy_object_check(object));
    if (i == POLICIES_MAX)
        return ERR_TOO_LARGE;
    policies->objects[i] = *object;
    if (i == policies->count)
        policies->count++;
    return OK;
}

static bool is_bound(const struct policies *policies, const char *name)
{
    for (uint32_t i = 0; i < policies->binding_count; i++) {
        if (strcmp(policies->bindings[i].policy, name) == 0)
            return true;
    }
    return false;
}

enum err policies_remove(struct policies *policies, const char *name)
{
    uint32_t i = index_of(policies, name);
    if (i == policies->count)
        return ERR_NOT_FOUND;
    if (is_bound(policies, name))
        return ERR_STATE;
    policies->count--;
    memmove(&policies->objects[i], &policies->objects[i + 1],
            (policies->count - i) * sizeof(policies->objects[0]));
    return OK;
}

enum err policies_enable(struct policies *policies, const char *name,
                         bool enabled)
{
    uint32_t i = index_of(policies, name);
    if (i == policies->count)
        return ERR_NOT_FOUND;
    policies->objects[i].enabled = enabled;
    return OK;
}

/* ---- bindings ---- */

static bool same_subject(const struct policy_binding *a,
                         const struct policy_binding *b)
{
    return a->kind == b->kind && strcmp(a->pattern, b->pattern) == 0 &&
           pubkey_equal(&a->account, &b->account);
}

static bool binding_ok(const struct policy_binding *binding)
{
    bool has_pattern = binding->pattern[0] != '\0';
    bool has_account = !pubkey_is_zero(&binding->account);
    switch (binding->kind) {
    case BIND_JOB:
        return has_pattern && !has_account;
    case BIND_ACCOUNT:
        return has_account && !has_pattern;
    case BIND_DEFAULT:
        return !has_account && !has_pattern;
    }
    return false;
}

static uint32_t binding_index(const struct policies *policies,
                              const struct policy_binding *binding)
{
    uint32_t i = 0;
    while (i < policies->binding_count &&
           !same_subject(&policies->bindings[i], binding))
        i++;
    return i;
}

/* An object, or a policy that stands by itself. */
static enum err find_any(const struct policies *policies, const char *name,
                         struct policy_object *out)
{
    const struct policy_object *object = policies_find(policies, name);
    if (object == NULL)
        return policy_object_builtin(name, out);
    *out = *object;
    return OK;
}

enum err policies_bind(struct policies *policies,
                       const struct policy_binding *binding)
{
    struct policy_object object;
    uint32_t i = binding_index(policies, binding);
    if (!binding_ok(binding))
        return ERR_RANGE;
    TRY(find_any(policies, binding->policy, &object));
    if (i == POLICY_BINDINGS_MAX)
        return ERR_TOO_LARGE;
    policies->bindings[i] = *binding;
    if (i == policies->binding_count)
        policies->binding_count++;
    return OK;
}

enum err policies_unbind(struct policies *policies,
                         const struct policy_binding *binding)
{
    uint32_t i = binding_index(policies, binding);
    if (i == policies->binding_count)
        return ERR_NOT_FOUND;
    policies->binding_count--;
    memmove(&policies->bindings[i], &policies->bindings[i + 1],
            (policies->binding_count - i) * sizeof(policies->bindings[0]));
    return OK;
}

/* ---- which one holds ---- */

const char *policy_source_text(enum policy_source source)
{
    switch (source) {
    case POLICY_BY_JOB:
        return "job";
    case POLICY_BY_PATTERN:
        return "job-name";
    case POLICY_BY_ACCOUNT:
        return "account";
    case POLICY_BY_DEFAULT:
        return "default";
    case POLICY_BY_NOTHING:
        return "nothing";
    }
    return "?";
}

static void skip(struct policy_choice *choice, const char *name)
{
    for (uint32_t i = 0; i < choice->skipped_count; i++) {
        if (strcmp(choice->skipped[i], name) == 0)
            return;
    }
    if (choice->skipped_count < POLICY_SKIPS_MAX)
        memcpy(choice->skipped[choice->skipped_count++], name,
               strlen(name) + 1);
}

/* Is it there and switched on? Then it is the choice. */
static bool take(const struct policies *policies, const char *name,
                 enum policy_source source, struct policy_choice *choice)
{
    struct policy_object object;
    if (find_any(policies, name, &object) != OK)
        return false;
    if (!object.enabled) {
        skip(choice, object.name);
        return false;
    }
    choice->object = object;
    choice->source = source;
    return true;
}

/* The binding that comes next after `last` (NULL: first) among those of the
 * name: longer patterns first. */
static const struct policy_binding *next_pattern(
    const struct policies *policies, const char *job_name,
    const struct policy_binding *last)
{
    const struct policy_binding *best = NULL;
    for (uint32_t i = 0; i < policies->binding_count; i++) {
        const struct policy_binding *b = &policies->bindings[i];
        size_t len = strlen(b->pattern);
        if (b->kind != BIND_JOB || fnmatch(b->pattern, job_name, 0) != 0)
            continue;
        if (last != NULL && (len > strlen(last->pattern) ||
                             (len == strlen(last->pattern) &&
                              strcmp(b->pattern, last->pattern) <= 0)))
            continue;
        if (best == NULL || len > strlen(best->pattern) ||
            (len == strlen(best->pattern) &&
             strcmp(b->pattern, best->pattern) < 0))
            best = b;
    }
    return best;
}

static bool take_by_pattern(const struct policies *policies,
                            const char *job_name, struct policy_choice *choice)
{
    const struct policy_binding *b = NULL;
    while (job_name[0] != '\0' &&
           (b = next_pattern(policies, job_name, b)) != NULL) {
        if (!take(policies, b->policy, POLICY_BY_PATTERN, choice))
            continue;
        memcpy(choice->pattern, b->pattern, sizeof(choice->pattern));
        return true;
    }
    return false;
}

static bool take_bound(const struct policies *policies,
                       enum policy_binding_kind kind,
                       const struct pubkey *account, enum policy_source source,
                       struct policy_choice *choice)
{
    for (uint32_t i = 0; i < policies->binding_count; i++) {
        const struct policy_binding *b = &policies->bindings[i];
        if (b->kind == kind && pubkey_equal(&b->account, account))
            return take(policies, b->policy, source, choice);
    }
    return false;
}

enum err policies_choose(const struct policies *policies, const char *named,
                         const char *job_name, const struct pubkey *account,
                         struct policy_choice *out)
{
    const struct pubkey nobody = {{0}};
    struct policy_object object;
    struct policy_choice choice = {.source = POLICY_BY_NOTHING};
    if (named[0] != '\0')
        TRY(find_any(policies, named, &object));
    bool found =
        (named[0] != '\0' && take(policies, named, POLICY_BY_JOB, &choice)) ||
        take_by_pattern(policies, job_name, &choice) ||
        (!pubkey_is_zero(account) && take_bound(policies, BIND_ACCOUNT, account,
                                                POLICY_BY_ACCOUNT, &choice)) ||
        take_bound(policies, BIND_DEFAULT, &nobody, POLICY_BY_DEFAULT, &choice);
    if (!found)
        CHECK(policy_object_builtin("cheapest", &choice.object) == OK);
    *out = choice;
    return OK;
}

/* ---- on disk ---- */

void policies_encode(const struct policies *policies, struct buf *out)
{
    mp_put_array(out, 3);
    mp_put_uint(out, VERSION);
    mp_put_array(out, policies->count);
    for (uint32_t i = 0; i < policies->count; i++)
        policy_object_encode(&policies->objects[i], out);
    mp_put_array(out, policies->binding_count);
    for (uint32_t i = 0; i < policies->binding_count; i++) {
        const struct policy_binding *b = &policies->bindings[i];
        mp_put_array(out, 4);
        mp_put_uint(out, b->kind);
        mp_put_str(out, b->pattern);
        mp_put_pubkey(out, &b->account);
        mp_put_str(out, b->policy);
    }
}

static void get_objects(struct mp_reader *reader, struct policies *out)
{
    uint32_t count = mp_enter(reader);
    if (count > POLICIES_MAX)
        mp_fail(reader, ERR_RANGE);
    for (uint32_t i = 0; i < count && reader->err == OK; i++) {
        struct policy_object object;
        policy_object_get(reader, &object);
        if (reader->err == OK && policies_find(out, object.name) != NULL)
            mp_fail(reader, ERR_RANGE);
        if (reader->err == OK && policies_set(out, &object) != OK)
            mp_fail(reader, ERR_RANGE);
    }
    mp_leave(reader);
}

static void get_bindings(struct mp_reader *reader, struct policies *out)
{
    uint32_t count = mp_enter(reader);
    if (count > POLICY_BINDINGS_MAX)
        mp_fail(reader, ERR_RANGE);
    for (uint32_t i = 0; i < count && reader->err == OK; i++) {
        struct policy_binding b = {0};
        mp_enter_exact(reader, 4);
        b.kind =
            (enum policy_binding_kind)mp_get_uint_max(reader, BIND_DEFAULT);
        mp_get_text(reader, b.pattern, sizeof(b.pattern));
        mp_get_pubkey(reader, &b.account);
        mp_get_text(reader, b.policy, sizeof(b.policy));
        mp_leave(reader);
        if (reader->err == OK && (binding_index(out, &b) < out->binding_count ||
                                  policies_bind(out, &b) != OK))
            mp_fail(reader, ERR_RANGE);
    }
    mp_leave(reader);
}

enum err policies_decode(struct bytes bytes, struct arena *arena,
                         struct policies *out)
{
    struct mp_reader reader;
    if (bytes.len > POLICIES_BYTES_MAX)
        return ERR_TOO_LARGE;
    struct policies *made = arena_calloc(arena, 1, sizeof(*made));
    if (made == NULL)
        return ERR_NOMEM;
    TRY(mp_open(&reader, bytes, arena));
    mp_enter_exact(&reader, 3);
    if (mp_get_uint(&reader) != VERSION)
        mp_fail(&reader, ERR_VERSION);
    get_objects(&reader, made);
    get_bindings(&reader, made);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    *out = *made;
    return OK;
}
