#include "ledger/params.h"

#include "base/check.h"
#include "base/limits.h"

#include <string.h>

struct bound {
    const char *name;
    uint64_t initial;
    uint64_t min;
    uint64_t max;
};

static const struct bound bounds[] = {
#define X(name, initial, min, max) {name, initial, min, max},
    PARAMS_LEDGER(X)
#undef X
};
#define BOUND_COUNT (sizeof(bounds) / sizeof(bounds[0]))

struct amount fee_for_payload(size_t payload_len)
{
    CHECK(payload_len <= LIMIT_TX_BYTES);
    return amount_micro(FEE_BASE_MICRO + FEE_BYTE_MICRO * payload_len);
}

static bool name_ok(const char *name)
{
    size_t len = strnlen(name, PARAMS_NAME_MAX);
    if (len == 0 || len >= PARAMS_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return true;
}

static bool value_ok(const char *name, uint64_t value)
{
    for (size_t i = 0; i < BOUND_COUNT; i++) {
        if (strcmp(bounds[i].name, name) == 0)
            return value >= bounds[i].min && value <= bounds[i].max;
    }
    return true;
}

void params_init(struct params *params)
{
    memset(params, 0, sizeof(*params));
    for (size_t i = 0; i < BOUND_COUNT; i++) {
        enum err err = params_set(params, bounds[i].name, bounds[i].initial);
        CHECK(err == OK);
    }
}

/* The first item whose name is not below `name`. */
static uint32_t lower_bound(const struct params *params, const char *name)
{
    uint32_t i = 0;
    while (i < params->count && strcmp(params->items[i].name, name) < 0)
        i++;
    return i;
}

enum err params_set(struct params *params, const char *name, uint64_t value)
{
    /* The supply is a record beside the parameters, not one of them. */
    if (!name_ok(name) || !value_ok(name, value) ||
        strcmp(name, PARAMS_SUPPLY) == 0)
        return ERR_RANGE;
    CHECK(params->count <= PARAMS_MAX);
    uint32_t at = lower_bound(params, name);
    struct param *item = &params->items[at];
    if (at == params->count || strcmp(item->name, name) != 0) {
        if (params->count == PARAMS_MAX)
            return ERR_RANGE;
        memmove(item + 1, item, (params->count - at) * sizeof(*item));
        memset(item, 0, sizeof(*item));
        memcpy(item->name, name, strlen(name));
        params->count++;
    }
    item->value = value;
    return OK;
}

enum err params_get(const struct params *params, const char *name,
                    uint64_t *out)
{
    uint32_t at = lower_bound(params, name);
    if (at == params->count || strcmp(params->items[at].name, name) != 0)
        return ERR_NOT_FOUND;
    *out = params->items[at].value;
    return OK;
}

uint64_t params_need(const struct params *params, const char *name)
{
    uint64_t value = 0;
    enum err err = params_get(params, name, &value);
    CHECK(err == OK);
    return value;
}

enum err params_check(const struct params *params)
{
    uint64_t value;
    if (params->count > PARAMS_MAX)
        return ERR_RANGE;
    for (uint32_t i = 0; i < params->count; i++) {
        const struct param *item = &params->items[i];
        if (!name_ok(item->name) || !value_ok(item->name, item->value) ||
            strcmp(item->name, PARAMS_SUPPLY) == 0)
            return ERR_RANGE;
        if (i > 0 && strcmp(item[-1].name, item->name) >= 0)
            return ERR_RANGE;
    }
    for (size_t i = 0; i < BOUND_COUNT; i++) {
        if (params_get(params, bounds[i].name, &value) != OK)
            return ERR_RANGE;
    }
    return params_need(params, "unbond_epochs") >=
                   params_need(params, "evidence_epochs") + 2
               ? OK
               : ERR_RANGE;
}

void params_encode(const struct params *params, struct buf *out)
{
    mp_put_array(out, params->count);
    for (uint32_t i = 0; i < params->count; i++) {
        mp_put_array(out, 2);
        mp_put_str(out, params->items[i].name);
        mp_put_uint(out, params->items[i].value);
    }
}

void params_decode(struct mp_reader *reader, struct params *out)
{
    memset(out, 0, sizeof(*out));
    uint32_t count = mp_enter(reader);
    if (count > PARAMS_MAX) {
        mp_fail(reader, ERR_RANGE);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        mp_enter_exact(reader, 2);
        mp_get_text(reader, out->items[i].name, PARAMS_NAME_MAX);
        out->items[i].value = mp_get_uint(reader);
        mp_leave(reader);
    }
    out->count = count;
    mp_leave(reader);
}

enum err params_hash(const struct params *params, struct hash *out)
{
    struct buf buf;
    buf_init(&buf, PARAMS_MAX * (PARAMS_NAME_MAX + 16) + 16);
    params_encode(params, &buf);
    enum err err = buf.err;
    if (err == OK)
        hash_bytes(HASH_TAG_PARAMS, buf_bytes(&buf), out);
    buf_done(&buf);
    return err;
}

enum err params_state_get(struct state *state, const char *name, uint64_t *out)
{
    uint8_t raw[8];
    size_t len;
    TRY(state_read(state, STATE_PARAMS, bytes_str(name), raw, sizeof(raw),
                   &len));
    if (len != sizeof(raw))
        return ERR_CORRUPT;
    *out = u64le_get(raw);
    return value_ok(name, *out) ? OK : ERR_CORRUPT;
}

enum err params_state_put(struct state *state, const char *name, uint64_t value)
{
    uint8_t raw[8];
    u64le_put(raw, value);
    return state_put(state, STATE_PARAMS, bytes_str(name), BYTES_OF(raw));
}
