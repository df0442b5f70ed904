#include "node/control/rpc_help.h"

#include "base/address.h"
#include "market/params.h"

#include <string.h>
#include <time.h>

bool param_only(struct control_call *call, const char *const *names)
{
    const char *key;
    json_t *value;
    json_object_foreach(call->params, key, value)
    {
        size_t i = 0;
        while (names[i] != NULL && strcmp(names[i], key) != 0)
            i++;
        if (names[i] == NULL) {
            control_refuse(call, ERR_PARSE, NULL,
                           "%.64s has no parameter \"%.64s\"", call->method,
                           key);
            return false;
        }
    }
    return true;
}

static bool refuse(struct control_call *call, const char *name,
                   const char *shape)
{
    control_refuse(call, ERR_PARSE, NULL, "parameter \"%s\" must be %s", name,
                   shape);
    return false;
}

bool param_text_if(struct control_call *call, const char *name,
                   const char **out)
{
    json_t *value = json_object_get(call->params, name);
    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_string(value) || json_string_length(value) > 4096)
        return refuse(call, name, "a text");
    *out = json_string_value(value);
    return true;
}

bool param_text(struct control_call *call, const char *name, const char **out)
{
    if (json_object_get(call->params, name) == NULL)
        return refuse(call, name, "given");
    return param_text_if(call, name, out);
}

bool param_uint_if(struct control_call *call, const char *name, uint64_t max,
                   uint64_t *out)
{
    json_t *value = json_object_get(call->params, name);
    json_int_t number;
    if (value == NULL || json_is_null(value))
        return true;
    number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || (uint64_t)number > max)
        return refuse(call, name, "a whole number in its range");
    *out = (uint64_t)number;
    return true;
}

bool param_bool_if(struct control_call *call, const char *name, bool *out)
{
    json_t *value = json_object_get(call->params, name);
    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_boolean(value))
        return refuse(call, name, "true or false");
    *out = json_is_true(value);
    return true;
}

bool param_hash(struct control_call *call, const char *name, struct hash *out)
{
    const char *text = json_string_value(json_object_get(call->params, name));
    if (text == NULL || hash_parse(text, out) != OK)
        return refuse(call, name, "an id of 64 hex digits");
    return true;
}

bool param_address(struct node *node, struct control_call *call,
                   const char *name, struct pubkey *out)
{
    const char *text = json_string_value(json_object_get(call->params, name));
    const char *prefix = "";
    if (text == NULL || address_parse(text, &prefix, out) != OK)
        return refuse(call, name, "an address");
    if (strcmp(prefix, node->prefix) != 0)
        return refuse(call, name, "an address of this network");
    return true;
}

bool param_bytes(struct control_call *call, const char *name, struct buf *out)
{
    enum err err = rpc_bytes_json(json_object_get(call->params, name), out);
    if (err == OK)
        return true;
    if (err == ERR_TYPE || err == ERR_PARSE)
        return refuse(call, name, "base64");
    control_refuse(call, err, NULL, "parameter \"%s\"", name);
    return false;
}

uint64_t param_wait(struct control_call *call)
{
    json_int_t wait =
        json_integer_value(json_object_get(call->params, "wait_ms"));
    return wait > 0 ? (uint64_t)wait : 0;
}

json_t *json_address(const struct node *node, const struct pubkey *key)
{
    char text[ADDRESS_TEXT_MAX];
    if (pubkey_is_zero(key))
        return json_null();
    address_format(node->prefix, key, text);
    return json_string(text);
}

json_t *json_hash(const struct hash *hash)
{
    char text[HASH_TEXT_MAX];
    if (hash_is_zero(hash))
        return json_null();
    hash_format(hash, text);
    return json_string(text);
}

/* JSON's integers are signed here; what does not fit says so by its size. */
json_t *json_u64(uint64_t value)
{
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

json_t *json_amount(struct amount amount)
{
    return json_u64(amount.micro); /* lint: micro */
}

json_t *json_resources(const struct resources *r)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "cpu_milli",
                     json_u64(r->cpu_milli), "mem_mib", json_u64(r->mem_mib),
                     "disk_mib", json_u64(r->disk_mib), "nic_kbit",
                     json_u64(r->nic_kbit));
}

struct amount rpc_open_fee(const struct node *node)
{
    struct market_params params;
    if (market_params_of(&node->genesis.params, &params) != OK)
        market_params_default(&params);
    return market_open_fee(&params);
}

json_t *json_price(const struct price *price)
{
    return json_pack("{s:o, s:o, s:o}", "cpu_hour_micro",
                     json_amount(price->cpu_hour), "mem_hour_micro",
                     json_amount(price->mem_hour), "disk_hour_micro",
                     json_amount(price->disk_hour));
}

json_t *json_block_time(const struct node *node, uint64_t height)
{
    struct header header;
    if (chain_header_at(chain_host_chain(node->host), height, &header) != OK)
        return json_null();
    return json_u64(header.time_ms);
}

json_t *json_text(const char *text)
{
    char clean[1024];
    json_t *value = json_string(text);
    size_t len;
    if (value != NULL)
        return value;
    len = strnlen(text, sizeof(clean) - 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        clean[i] = (char)(c < 0x20 || c > 0x7e ? '?' : c);
    }
    clean[len] = '\0';
    return json_string(clean);
}

json_t *json_labels(const struct label *labels, uint32_t count)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < count; i++)
        json_object_set_new(object, labels[i].key, json_text(labels[i].value));
    return object;
}

uint64_t node_wall_ms(void)
{
    static uint64_t last; /* loop thread only */
    struct timespec now;
    uint64_t ms;
    clock_gettime(CLOCK_REALTIME, &now);
    ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    if (ms > last)
        last = ms;
    return last;
}

const char *rpc_refused_next(enum err err)
{
    switch ((int)err) {
    case ERR_FUNDS:
        return "suan wallet balance";
    case ERR_NONCE: /* two of an account at the same time, or one still waits */
        return "once more when this account's earlier transaction is final; "
               "suan chain status says whether blocks come";
    case ERR_LEAVE_LIMIT:
        return "suan validator show (may leave now), and the rest next epoch";
    case ERR_BOND_MIN:
    case ERR_BOND_SHORT:
    case ERR_UNBONDING:
    case ERR_NOT_RELEASED:
    case ERR_JAILED:
    case ERR_OWNER:
        return "suan validator show";
    case ERR_LAST_VALIDATOR:
        return "suan validator list";
    case ERR_POOL_FULL:
    case ERR_RATE:
    case ERR_NOT_READY:
        return "once more in a moment";
    default:
        return NULL;
    }
}
