#include "market/params.h"

#include "base/check.h"

#define PERMILLE 1000u

struct entry {
    const char *name;
    uint64_t preset, least, most;
    size_t offset; /* in struct market_params */
};

static const struct entry entries[] = {
#define X(name, preset, least, most)                                           \
    {#name, preset, least, most, offsetof(struct market_params, name)},
    MARKET_PARAMS(X)
#undef X
};
#define ENTRY_COUNT (sizeof(entries) / sizeof(entries[0]))
_Static_assert(sizeof(struct market_params) == ENTRY_COUNT * sizeof(uint64_t),
               "one number a name");

static uint64_t *slot(struct market_params *params, const struct entry *entry)
{
    return (uint64_t *)(void *)((uint8_t *)params + entry->offset);
}

static bool in_bounds(const struct entry *entry, uint64_t value)
{
    return value >= entry->least && value <= entry->most;
}

void market_params_default(struct market_params *out)
{
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        CHECK(in_bounds(&entries[i], entries[i].preset));
        *slot(out, &entries[i]) = entries[i].preset;
    }
}

/* Where a number comes from: a genesis or the state. */
typedef enum err (*get_fn)(void *from, const char *name, uint64_t *out);

static enum err get_from_params(void *from, const char *name, uint64_t *out)
{
    return params_get(from, name, out);
}

static enum err get_from_state(void *from, const char *name, uint64_t *out)
{
    return params_state_get(from, name, out);
}

static enum err read_all(get_fn get, void *from, struct market_params *out)
{
    struct market_params params;
    market_params_default(&params);
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        uint64_t *value = slot(&params, &entries[i]);
        enum err err = get(from, entries[i].name, value);
        if (err != OK && err != ERR_NOT_FOUND)
            return err;
        if (!in_bounds(&entries[i], *value))
            return ERR_RANGE;
    }
    *out = params;
    return OK;
}

enum err market_params_of(const struct params *params,
                          struct market_params *out)
{
    struct params copy = *params; /* the reader takes no const */
    return read_all(get_from_params, &copy, out);
}

enum err market_params_fill(struct params *params)
{
    struct market_params values;
    struct params filled = *params;
    TRY(market_params_of(params, &values));
    for (size_t i = 0; i < ENTRY_COUNT; i++)
        TRY(params_set(&filled, entries[i].name, *slot(&values, &entries[i])));
    *params = filled;
    return OK;
}

enum err market_params_load(struct state *state, struct market_params *out)
{
    return read_all(get_from_state, state, out);
}

struct amount market_bond_min(const struct market_params *params,
                              struct amount cap)
{
    struct amount least;
    CHECK(params->bond_permille <= PERMILLE);
    /* At most the cap itself: it cannot overflow. */
    CHECK(amount_scale_up(cap, params->bond_permille, PERMILLE, &least) == OK);
    return least;
}

struct amount market_open_fee(const struct market_params *params)
{
    return amount_micro(params->open_fee_micro);
}

uint64_t market_review_ms(const struct market_params *params, uint64_t wall_ms)
{
    uint64_t twice = wall_ms > UINT64_MAX / 2 ? UINT64_MAX : 2 * wall_ms;
    uint64_t review =
        twice < params->review_ms_max ? twice : params->review_ms_max;
    return review > params->review_ms ? review : params->review_ms;
}
