#include "cli/network.h"

#include "base/check.h"

#include <string.h>

static int odd_answer(struct cli *cli)
{
    return cli_fail(cli, EXIT_FAILED, "its facts about the network are odd",
                    "suan version, on both sides",
                    "the node's answer makes no sense");
}

static bool has_role(const json_t *info, const char *name)
{
    json_t *role;
    size_t i;
    json_array_foreach(json_object_get(info, "roles"), i, role)
    {
        if (json_is_string(role) && strcmp(json_string_value(role), name) == 0)
            return true;
    }
    return false;
}

int network_get(struct cli *cli, struct network *out)
{
    json_t *info = NULL;
    struct network network = {0};
    const char *prefix;
    int failed = cli_call(cli, "node.info", NULL, &info);
    if (failed)
        return failed;
    prefix = js_text(info, "prefix");
    network.prefix = strcmp(prefix, ADDRESS_PREFIX_MAIN) == 0
                         ? ADDRESS_PREFIX_MAIN
                         : ADDRESS_PREFIX_TEST;
    network.chain_time_ms = js_uint(info, "chain_time_ms");
    network.height = js_uint(info, "height");
    network.provider = has_role(info, "provider");
    network.open_fee = amount_micro(js_uint(info, "open_fee_micro"));
    if (hash_parse(js_text(info, "chain"), &network.chain) != OK ||
        address_parse(js_text(info, "node"), NULL, &network.node) != OK)
        failed = odd_answer(cli);
    json_decref(info);
    if (!failed)
        *out = network;
    return failed;
}

int network_address(struct cli *cli, const struct network *network,
                    const char *text, struct pubkey *out)
{
    const char *prefix;
    struct pubkey key;
    if (address_parse(text, &prefix, &key) != OK)
        return cli_usage(cli, "copying it once more",
                         "\"%.80s\" is not an address: a letter is wrong or "
                         "missing",
                         text);
    if (strcmp(prefix, network->prefix) != 0)
        return cli_usage(cli, NULL,
                         "%.16s.. is an address of another network: this one's "
                         "begin with %s1",
                         text, network->prefix);
    *out = key;
    return 0;
}

int read_amount(struct cli *cli, const char *what, const char *text,
                struct amount *out)
{
    if (amount_parse(text, out) == OK)
        return 0;
    return cli_usage(cli, "an amount such as 0.25 or 12",
                     "%s \"%.40s\" is not an amount of credits", what, text);
}

json_t *params_bytes(const char *key, struct bytes bytes)
{
    json_t *params = json_object();
    if (params == NULL ||
        json_object_set_new(params, key, rpc_json_bytes(bytes)) != 0) {
        json_decref(params);
        return NULL;
    }
    return params;
}
