#include "sched/fleet/miss.h"

#include <stddef.h>

struct miss_row {
    const char *code;
    const char *text;
    const char *relax;
};

#define X(symbol, code, text, relax) [symbol] = {code, text, relax},
static const struct miss_row rows[MISS_COUNT] = {
    [MISS_NONE] = {"ok", "fits", ""}, MISS_MAP(X)};
#undef X

static const struct miss_row unknown = {"?", "unknown reason", ""};

static const struct miss_row *row_of(enum miss miss)
{
    return (unsigned)miss < MISS_COUNT ? &rows[miss] : &unknown;
}

const char *miss_text(enum miss miss)
{
    return row_of(miss)->text;
}

const char *miss_code(enum miss miss)
{
    return row_of(miss)->code;
}

const char *miss_relax(enum miss miss)
{
    return row_of(miss)->relax;
}

enum miss miss_first(uint32_t mask)
{
    mask &= (miss_bit(MISS_COUNT) - 1) & ~miss_bit(MISS_NONE);
    return mask == 0 ? MISS_NONE : (enum miss)__builtin_ctz(mask);
}

bool miss_alone(uint32_t mask)
{
    return mask != 0 && (mask & (mask - 1)) == 0;
}
