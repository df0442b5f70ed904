#include "sched/reason.h"

#include <inttypes.h>
#include <string.h>

#include "base/amount.h"

/* The place of each row, in the order of checking. */
#define X(symbol, number, code, class_, unit, text, relax) RANK_##symbol,
enum { REASON_MAP(X) ROW_COUNT };
#undef X

/* The rows in the order of checking. */
static const enum reason order[ROW_COUNT] = {
#define X(symbol, number, code, class_, unit, text, relax) symbol,
    REASON_MAP(X)
#undef X
};

struct reason_row {
    const char *code; /* NULL: no such row */
    enum reason_class class_;
    enum reason_unit unit;
    const char *text;
    const char *relax;
    uint32_t rank;
};

/* By number. */
static const struct reason_row rows[REASON_COUNT] = {
#define X(symbol, number, code, class_, unit, text, relax)                     \
    [number] = {code, REASON_##class_, UNIT_##unit, text, relax, RANK_##symbol},
    REASON_MAP(X)
#undef X
};

#define X(symbol, number, code, class_, unit, text, relax)                     \
    _Static_assert(number > 0 && number < REASON_COUNT, "REASON_COUNT");
REASON_MAP(X)
#undef X

/* All rows, and those of the class that passes by itself, as masks. */
#define X(symbol, number, code, class_, unit, text, relax)                     \
    | UINT64_C(1) << number
static const uint64_t all_rows = 0 REASON_MAP(X);
#undef X
#define X(symbol, number, code, class_, unit, text, relax)                     \
    | (REASON_##class_ == REASON_LATER ? UINT64_C(1) << number : 0)
static const uint64_t later_rows = 0 REASON_MAP(X);
#undef X

static const struct reason_row *row_of(enum reason reason)
{
    unsigned number = (unsigned)reason;
    if (number >= REASON_COUNT || rows[number].code == NULL)
        return NULL;
    return &rows[number];
}

const char *reason_text(enum reason reason)
{
    const struct reason_row *row = row_of(reason);
    if (row != NULL)
        return row->text;
    return reason == REASON_NONE ? "fits" : "unknown reason";
}

const char *reason_relax(enum reason reason)
{
    const struct reason_row *row = row_of(reason);
    return row != NULL ? row->relax : "";
}

const char *reason_code(enum reason reason)
{
    const struct reason_row *row = row_of(reason);
    if (row != NULL)
        return row->code;
    return reason == REASON_NONE ? "ok" : "?";
}

enum reason_class reason_class_of(enum reason reason)
{
    const struct reason_row *row = row_of(reason);
    return row != NULL ? row->class_ : REASON_FIRM;
}

enum reason_unit reason_unit_of(enum reason reason)
{
    const struct reason_row *row = row_of(reason);
    return row != NULL ? row->unit : UNIT_NONE;
}

enum reason reason_parse(const char *code)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(reason_code(order[i]), code) == 0)
            return order[i];
    }
    return REASON_NONE;
}

enum reason reason_first(uint64_t mask)
{
    for (size_t i = 0; i < ROW_COUNT && mask != 0; i++) {
        if (mask & reason_bit(order[i]))
            return order[i];
    }
    return REASON_NONE;
}

uint32_t reason_rank(enum reason reason)
{
    const struct reason_row *row = row_of(reason);
    return row != NULL ? row->rank : REASON_COUNT;
}

uint32_t reason_count(uint64_t mask)
{
    return (uint32_t)__builtin_popcountll(mask & all_rows);
}

bool reason_all_later(uint64_t mask)
{
    mask &= all_rows;
    return mask != 0 && (mask & ~later_rows) == 0;
}

bool reason_next(uint64_t *mask, enum reason *out)
{
    uint64_t left = *mask & all_rows;
    if (left == 0)
        return false;
    *out = (enum reason)__builtin_ctzll(left);
    *mask = left & (left - 1);
    return true;
}

static void amount_add_text(uint64_t micro, struct buf *out)
{
    char text[AMOUNT_TEXT_MAX];
    amount_format(amount_micro(micro), text);
    buf_addf(out, "%s credits", text);
}

#define DEVICE_ONE 1000u

/* "0.5", "2", "1.25". */
static void thousandths_add(uint64_t value, struct buf *out)
{
    unsigned rest = (unsigned)(value % 1000);
    int places = 3;
    buf_addf(out, "%" PRIu64, value / 1000);
    if (rest == 0)
        return;
    for (; rest % 10 == 0; places--)
        rest /= 10;
    buf_addf(out, ".%0*u", places, rest);
}

void reason_figure_format(enum reason_unit unit, uint64_t value,
                          struct buf *out)
{
    switch (unit) {
    case UNIT_NONE:
    case UNIT_COUNT:
        buf_addf(out, "%" PRIu64, value);
        return;
    case UNIT_MILLI:
        buf_addf(out, "%" PRIu64 "m", value);
        return;
    case UNIT_MIB:
        buf_addf(out, "%" PRIu64 " MiB", value);
        return;
    case UNIT_MS:
        if (value % 1000 == 0)
            buf_addf(out, "%" PRIu64 " s", value / 1000);
        else
            buf_addf(out, "%" PRIu64 " ms", value);
        return;
    case UNIT_MICRO:
        amount_add_text(value, out);
        return;
    case UNIT_DEVICE:
        thousandths_add(value, out);
        buf_add(out, bytes_str(value == DEVICE_ONE ? " device" : " devices"));
        return;
    case UNIT_KBIT:
        buf_addf(out, "%" PRIu64 " kbit/s", value);
        return;
    }
}
