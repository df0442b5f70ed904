/* suan policy list|show|set|remove|enable|disable|bind|unbind: policies that
 * the node keeps by name. */

#include "base/address.h"
#include "cli/network.h"
#include "cli/file/policyfile.h"
#include "cli/file/textfile.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"
#include "sched/policy.h"

#include <string.h>

/* ---- what is kept ---- */

static json_t *bound_to(const json_t *bindings, const char *name)
{
    json_t *list = json_array();
    json_t *binding;
    size_t i;
    json_array_foreach(bindings, i, binding)
    {
        const char *to = js_text(binding, "to");
        bool by_default = strcmp(to, "default") == 0;
        if (strcmp(js_text(binding, "policy"), name) != 0)
            continue;
        json_array_append_new(
            list, by_default
                      ? json_string("default")
                      : json_sprintf("%s %s", to, js_text(binding, "what")));
    }
    return list;
}

/* Policies that stand for themselves have a row where they are bound. */
static void add_builtins(json_t *policies, const json_t *bindings)
{
    enum policy policy;
    for (size_t n = 0; (policy = policy_nth(n)) != (enum policy)0; n++) {
        const char *name = policy_text(policy);
        json_t *bound = bound_to(bindings, name);
        if (json_array_size(bound) > 0)
            json_array_append_new(policies,
                                  json_pack("{s:s, s:s, s:b, s:s, s:O}", "name",
                                            name, "kind", name, "enabled", 1,
                                            "terms", "", "bound", bound));
        json_decref(bound);
    }
}

static int get_policies(struct cli *cli, json_t **out)
{
    json_t *policy;
    size_t i;
    int failed = cli_call(cli, "policy.list", NULL, out);
    if (failed)
        return failed;
    json_array_foreach(json_object_get(*out, "policies"), i, policy)
    {
        enum policy kind;
        json_object_set_new(policy, "bound",
                            bound_to(json_object_get(*out, "bindings"),
                                     js_text(policy, "name")));
        json_object_del(policy, "object");
        if (policy_parse(js_text(policy, "kind"), &kind) == OK)
            json_object_set_new(policy, "help", json_string(policy_help(kind)));
    }
    add_builtins(json_object_get(*out, "policies"),
                 json_object_get(*out, "bindings"));
    return 0;
}

int verb_policy_list(struct cli *cli, const struct args *args)
{
    json_t *result = NULL;
    int failed = get_policies(cli, &result);
    (void)args;
    if (!failed)
        failed = view_print(cli, &view_policies, result);
    json_decref(result);
    return failed;
}

int verb_policy_show(struct cli *cli, const struct args *args)
{
    const char *name = args_operand(args, 0);
    json_t *result = NULL;
    json_t *policy;
    json_t *found = NULL;
    size_t i;
    int failed = get_policies(cli, &result);
    if (failed)
        return failed;
    json_array_foreach(json_object_get(result, "policies"), i, policy)
    {
        if (strcmp(js_text(policy, "name"), name) == 0)
            found = policy;
    }
    if (found != NULL)
        failed = view_print(cli, &view_policy, found);
    else
        failed = cli_fail(cli, EXIT_NOT_FOUND, NULL, "suan policy list",
                          "there is no policy named \"%.60s\"", name);
    json_decref(result);
    return failed;
}

/* ---- setting one ---- */

static int from_file(struct cli *cli, const char *path,
                     struct policy_object *out)
{
    char error[YAMLFILE_ERROR_MAX];
    struct buf text;
    enum err err;
    int failed;
    buf_init(&text, YAMLFILE_BYTES_MAX);
    failed = textfile_read(cli, path, "the policy", &text);
    if (failed) {
        buf_done(&text);
        return failed;
    }
    err = policyfile_parse(buf_bytes(&text), path, out, error);
    buf_done(&text);
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    return err == OK ? 0
                     : cli_usage(cli, "suan policy set --help", "%s", error);
}

static int from_options(struct cli *cli, const struct args *args,
                        struct policy_object *out)
{
    const char *kind = args_text(args, "kind", NULL);
    const char *field;
    if (kind != NULL && policy_parse(kind, &out->policy) != OK)
        return cli_usage(cli, "suan policy set --help",
                         "--kind: there is no kind \"%.40s\"", kind);
    for (size_t i = 0; (field = policy_terms_field(i)) != NULL; i++) {
        const char *value;
        for (size_t n = 0; (value = args_nth(args, field, n)) != NULL; n++) {
            if (policy_terms_set(&out->terms, field, value) != OK)
                return cli_usage(cli, "suan policy set --help",
                                 "--%s: \"%.60s\" is not %s", field, value,
                                 policy_terms_shape(field));
        }
    }
    return 0;
}

static int check(struct cli *cli, const struct policy_object *object)
{
    if (!policy_object_name_ok(object->name))
        return cli_usage(cli, "a name of letters, digits, '-', '_' and '.'",
                         "\"%.60s\" cannot be a policy's name", object->name);
    if (object->policy == (enum policy)0)
        return cli_usage(cli,
                         "--kind composite --weight price=2,rtt=1, or -f "
                         "FILE",
                         "the policy has no kind");
    if (policy_terms_check(object->policy, &object->terms) == OK)
        return 0;
    return cli_usage(cli, "suan policy set --help",
                     "these terms do not belong to %s, or some are missing",
                     policy_text(object->policy));
}

static int send_object(struct cli *cli, const struct policy_object *object)
{
    struct buf bytes;
    json_t *result = NULL;
    json_t *params;
    int failed;
    buf_init(&bytes, POLICY_OBJECT_BYTES_MAX);
    policy_object_encode(object, &bytes);
    params = json_pack("{s:o}", "object", rpc_json_bytes(buf_bytes(&bytes)));
    buf_done(&bytes);
    failed = cli_call(cli, "policy.set", params, &result);
    json_decref(result);
    return failed;
}

int verb_policy_set(struct cli *cli, const struct args *args)
{
    const char *file = args_text(args, "file", NULL);
    const char *name = args_operand(args, 0);
    struct policy_object object = {.enabled = true};
    int failed = 0;
    if (name != NULL && strlen(name) >= sizeof(object.name))
        return cli_usage(cli, "a shorter one", "the name is too long");
    if (file != NULL)
        failed = from_file(cli, file, &object);
    if (!failed && name != NULL) {
        memset(object.name, 0, sizeof(object.name));
        memcpy(object.name, name, strlen(name));
    }
    if (!failed)
        failed = from_options(cli, args, &object);
    if (!failed)
        failed = check(cli, &object);
    if (!failed)
        failed = send_object(cli, &object);
    if (!failed)
        cli_note(cli, "policy %s is set. Try: suan policy bind %s --default",
                 object.name, object.name);
    return failed;
}

/* ---- the rest ---- */

static int change(struct cli *cli, const char *method, json_t *params)
{
    json_t *result = NULL;
    int failed = cli_call(cli, method, params, &result);
    json_decref(result);
    return failed;
}

int verb_policy_remove(struct cli *cli, const struct args *args)
{
    return change(cli, "policy.remove",
                  json_pack("{s:s}", "name", args_operand(args, 0)));
}

int verb_policy_enable(struct cli *cli, const struct args *args)
{
    return change(
        cli, "policy.enable",
        json_pack("{s:s, s:b}", "name", args_operand(args, 0), "enabled", 1));
}

int verb_policy_disable(struct cli *cli, const struct args *args)
{
    return change(
        cli, "policy.enable",
        json_pack("{s:s, s:b}", "name", args_operand(args, 0), "enabled", 0));
}

/* --account, --job-name or --default. */
static int put_subject(struct cli *cli, const struct args *args, json_t *params)
{
    const char *account = args_text(args, "account", NULL);
    const char *job = args_text(args, "job-name", NULL);
    bool by_default = args_flag(args, "default");
    struct pubkey key;
    if ((account != NULL) + (job != NULL) + by_default != 1)
        return cli_usage(cli,
                         "--account ADDRESS, --job-name PATTERN or --default",
                         "one of them says what the policy is bound to");
    if (account != NULL && address_parse(account, NULL, &key) != OK)
        return cli_usage(cli, "suan wallet list",
                         "--account \"%.80s\" is not an address", account);
    if (account != NULL)
        json_object_set_new(params, "account", json_string(account));
    if (job != NULL)
        json_object_set_new(params, "job", json_string(job));
    if (by_default)
        json_object_set_new(params, "default", json_true());
    return 0;
}

static int bind(struct cli *cli, const struct args *args, const char *method,
                json_t *params)
{
    int failed = put_subject(cli, args, params);
    if (failed) {
        json_decref(params);
        return failed;
    }
    return change(cli, method, params);
}

int verb_policy_bind(struct cli *cli, const struct args *args)
{
    return bind(cli, args, "policy.bind",
                json_pack("{s:s}", "name", args_operand(args, 0)));
}

int verb_policy_unbind(struct cli *cli, const struct args *args)
{
    return bind(cli, args, "policy.unbind", json_object());
}
