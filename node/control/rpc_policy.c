/* Policies by name: docs/control.md, "Policies". */

#include "node/control/rpc_policy.h"

#include "base/check.h"
#include "market/message.h"
#include "node/shell/policies.h"
#include "node/control/rpc_help.h"

#include <stdlib.h>
#include <string.h>

#define RECORD "policies"

/* ---- kept ---- */

enum err rpc_policy_open(struct node *node)
{
    struct arena arena;
    struct buf record;
    enum err err;
    node->policies = calloc(1, sizeof(*node->policies));
    if (node->policies == NULL)
        return ERR_NOMEM;
    buf_init(&record, POLICIES_BYTES_MAX);
    arena_init(&arena, POLICIES_ARENA_BYTES);
    err = records_get(&node->records, RECORD, &record);
    if (err == OK &&
        policies_decode(buf_bytes(&record), &arena, node->policies) != OK)
        err = ERR_CORRUPT;
    arena_done(&arena);
    buf_done(&record);
    return err == ERR_NOT_FOUND ? OK : err;
}

void rpc_policy_close(struct node *node)
{
    free(node->policies);
    node->policies = NULL;
}

/* Puts `changed` in the place of what there is, on the disk first. */
static enum err keep(struct node *node, const struct policies *changed)
{
    struct buf record;
    enum err err;
    buf_init(&record, POLICIES_BYTES_MAX);
    policies_encode(changed, &record);
    err = record.err;
    if (err == OK)
        err = records_put(&node->records, RECORD, buf_bytes(&record));
    if (err == OK)
        *node->policies = *changed;
    buf_done(&record);
    return err;
}

/* What a change needs: a copy to try it on. */
static struct policies *copy_of(struct node *node, struct control_call *call)
{
    struct policies *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        control_refuse(call, ERR_NOMEM, "the command once more",
                       "there is no memory to change a policy");
        return NULL;
    }
    *copy = *node->policies;
    return copy;
}

static const char *next_of(enum err err)
{
    switch ((int)err) {
    case ERR_NOT_FOUND:
        return "suan policy list";
    case ERR_STATE:
        return "suan policy list shows what it is bound to; suan policy unbind";
    case ERR_TOO_LARGE:
        return "suan policy remove NAME, of one that is not needed";
    case ERR_RANGE:
        return "suan policy set --help";
    default:
        return NULL;
    }
}

/* Answers a change that came to `err`, and keeps it when it is one. */
static void finish(struct node *node, struct control_call *call,
                   struct policies *changed, enum err err, const char *name)
{
    if (err == OK)
        err = keep(node, changed);
    free(changed);
    if (err != OK)
        control_refuse(call, err, next_of(err), "the policy %.63s", name);
    else
        control_reply(call, json_pack("{s:s}", "name", name));
}

/* ---- shapes ---- */

static json_t *object_json(const struct node *node,
                           const struct policy_object *object)
{
    struct buf text;
    struct buf bytes;
    json_t *json;
    buf_init(&text, 2048);
    buf_init(&bytes, POLICY_OBJECT_BYTES_MAX);
    policy_terms_format(&object->terms, node->prefix, &text);
    if (policy_object_check(object) == OK) /* not of one by itself */
        policy_object_encode(object, &bytes);
    json = json_pack("{s:s, s:b, s:s, s:s, s:o}", "name", object->name,
                     "enabled", (int)object->enabled, "kind",
                     policy_text(object->policy), "terms", buf_cstr(&text),
                     "object", rpc_json_bytes(buf_bytes(&bytes)));
    buf_done(&text);
    buf_done(&bytes);
    return json;
}

static json_t *binding_json(const struct node *node,
                            const struct policy_binding *binding)
{
    static const char *const kinds[] = {"", "job-name", "account", "default"};
    json_t *json = json_pack("{s:s, s:s}", "policy", binding->policy, "to",
                             kinds[binding->kind]);
    if (binding->kind == BIND_JOB)
        json_object_set_new(json, "what", json_text(binding->pattern));
    else if (binding->kind == BIND_ACCOUNT)
        json_object_set_new(json, "what",
                            json_address(node, &binding->account));
    else
        json_object_set_new(json, "what", json_string("all other jobs"));
    return json;
}

void rpc_policy_list(struct node *node, struct control_call *call)
{
    static const char *const names[] = {NULL};
    const struct policies *p = node->policies;
    json_t *policies = json_array();
    json_t *bindings = json_array();
    if (!param_only(call, names)) {
        json_decref(policies);
        json_decref(bindings);
        return;
    }
    for (uint32_t i = 0; i < p->count; i++)
        json_array_append_new(policies, object_json(node, &p->objects[i]));
    for (uint32_t i = 0; i < p->binding_count; i++)
        json_array_append_new(bindings, binding_json(node, &p->bindings[i]));
    control_reply(call, json_pack("{s:o, s:o}", "policies", policies,
                                  "bindings", bindings));
}

/* ---- changes ---- */

void rpc_policy_set(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"object", NULL};
    struct policy_object object;
    struct policies *changed;
    struct arena arena;
    struct buf bytes;
    enum err err = ERR_PARSE;
    buf_init(&bytes, POLICY_OBJECT_BYTES_MAX);
    arena_init(&arena, POLICIES_ARENA_BYTES);
    if (param_only(call, names) && param_bytes(call, "object", &bytes)) {
        err = policy_object_decode(buf_bytes(&bytes), &arena, &object);
        if (err != OK)
            control_refuse(call, err, "suan policy set --help",
                           "this is no policy");
        changed = err == OK ? copy_of(node, call) : NULL;
        if (changed != NULL)
            finish(node, call, changed, policies_set(changed, &object),
                   object.name);
    }
    arena_done(&arena);
    buf_done(&bytes);
}

void rpc_policy_remove(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"name", NULL};
    const char *name = "";
    struct policies *changed;
    if (!param_only(call, names) || !param_text(call, "name", &name))
        return;
    changed = copy_of(node, call);
    if (changed != NULL)
        finish(node, call, changed, policies_remove(changed, name), name);
}

void rpc_policy_enable(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"name", "enabled", NULL};
    const char *name = "";
    bool enabled = true;
    struct policies *changed;
    if (!param_only(call, names) || !param_text(call, "name", &name) ||
        !param_bool_if(call, "enabled", &enabled))
        return;
    changed = copy_of(node, call);
    if (changed != NULL)
        finish(node, call, changed, policies_enable(changed, name, enabled),
               name);
}

/* "account", "job" or "default", one of them. */
static bool binding_param(struct node *node, struct control_call *call,
                          struct policy_binding *out)
{
    const char *job = "";
    bool by_default = false;
    bool by_account = json_object_get(call->params, "account") != NULL;
    if (!param_text_if(call, "job", &job) ||
        !param_bool_if(call, "default", &by_default) ||
        (by_account && !param_address(node, call, "account", &out->account)))
        return false;
    if ((job[0] != '\0') + by_default + by_account != 1 ||
        strlen(job) >= sizeof(out->pattern) ||
        !message_text_ok(job, strlen(job) + 1)) {
        control_refuse(call, ERR_PARSE,
                       "--account ADDRESS, --job-name PATTERN or --default",
                       "a policy is bound to one thing");
        return false;
    }
    memcpy(out->pattern, job, strlen(job));
    out->kind = by_account   ? BIND_ACCOUNT
                : by_default ? BIND_DEFAULT
                             : BIND_JOB;
    return true;
}

void rpc_policy_bind(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"name", "account", "job", "default",
                                        NULL};
    struct policy_binding binding = {.kind = BIND_DEFAULT};
    const char *name = "";
    struct policies *changed;
    if (!param_only(call, names) || !param_text(call, "name", &name) ||
        !binding_param(node, call, &binding))
        return;
    if (strlen(name) >= sizeof(binding.policy)) {
        control_refuse(call, ERR_NOT_FOUND, "suan policy list",
                       "there is no such policy");
        return;
    }
    memcpy(binding.policy, name, strlen(name) + 1);
    changed = copy_of(node, call);
    if (changed != NULL)
        finish(node, call, changed, policies_bind(changed, &binding), name);
}

void rpc_policy_unbind(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"account", "job", "default", NULL};
    struct policy_binding binding = {.kind = BIND_DEFAULT};
    struct policies *changed;
    if (!param_only(call, names) || !binding_param(node, call, &binding))
        return;
    changed = copy_of(node, call);
    if (changed != NULL)
        finish(node, call, changed, policies_unbind(changed, &binding),
               "of that binding");
}

/* ---- which one holds ---- */

static void refuse_named(struct control_call *call, enum err err,
                         const char *named)
{
    if (err == ERR_RANGE)
        control_refuse(call, err,
                       "suan policy set NAME --kind composite --weight "
                       "price=2,rtt=1",
                       "composite needs weights");
    else
        control_refuse(call, err,
                       "suan policy list, or cheapest, nearest, fastest, "
                       "balanced, fragmentation, spread, pack",
                       "there is no policy \"%.63s\"", named);
}

static json_t *choice_json(const struct node *node,
                           const struct policy_choice *choice)
{
    json_t *json = object_json(node, &choice->object);
    json_t *skipped = json_array();
    struct buf terms;
    buf_init(&terms, POLICY_TERMS_BYTES_MAX);
    policy_terms_encode(&choice->object.terms, &terms);
    for (uint32_t i = 0; i < choice->skipped_count; i++)
        json_array_append_new(skipped, json_string(choice->skipped[i]));
    json_object_set_new(json, "by",
                        json_string(policy_source_text(choice->source)));
    json_object_set_new(json, "pattern", json_text(choice->pattern));
    json_object_set_new(json, "skipped", skipped);
    json_object_set_new(json, "terms_bytes", rpc_json_bytes(buf_bytes(&terms)));
    buf_done(&terms);
    return json;
}

void rpc_policy_choose(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"policy", "job", "account", NULL};
    const char *named = "";
    const char *job = "";
    struct pubkey account = {{0}};
    struct policy_choice choice;
    enum err err;
    if (!param_only(call, names) || !param_text_if(call, "policy", &named) ||
        !param_text_if(call, "job", &job))
        return;
    if (json_object_get(call->params, "account") != NULL &&
        !param_address(node, call, "account", &account))
        return;
    err = policies_choose(node->policies, named, job, &account, &choice);
    if (err != OK)
        refuse_named(call, err, named);
    else
        control_reply(call, choice_json(node, &choice));
}

bool rpc_policy_param(struct node *node, struct control_call *call,
                      const char *name, struct request *request)
{
    const struct pubkey nobody = {{0}};
    struct policy_choice choice;
    enum err err = policies_choose(node->policies, name, "", &nobody, &choice);
    if (err != OK) {
        refuse_named(call, err, name);
        return false;
    }
    request->policy = choice.object.policy;
    request->terms = choice.object.terms;
    return true;
}
