#include "sched/reason.h"

#include <inttypes.h>
#include <string.h>

#include "base/amount.h"

struct reason_row {
    enum reason reason;
    const char *code;
    enum reason_class class_;
    enum reason_unit unit;
    const char *text;
    const char *relax;
};

/* In the order of checking. */
static const struct reason_row rows[] = {
#define X(symbol, number, code, class_, unit, text, relax)                     \
    {symbol, code, REASON_##class_, UNIT_##unit, text, relax},
    REASON_MAP(X)
#undef X
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

#define X(symbol, number, code, class_, unit, text, relax)                     \
    _Static_assert(number > 0 && number < REASON_COUNT, "REASON_COUNT");
REASON_MAP(X)
#undef X

static const struct reason_row *row_of(enum reason reason)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].reason == reason)
            return &rows[i];
    }
    return NULL;
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
        if (strcmp(rows[i].code, code) == 0)
            return rows[i].reason;
    }
    return REASON_NONE;
}

enum reason reason_first(uint64_t mask)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (mask & reason_bit(rows[i].reason))
            return rows[i].reason;
    }
    return REASON_NONE;
}

uint32_t reason_rank(enum reason reason)
{
    const struct reason_row *row = row_of(reason);
    return row != NULL ? (uint32_t)(row - rows) : REASON_COUNT;
}

uint32_t reason_count(uint64_t mask)
{
    uint32_t count = 0;
    for (size_t i = 0; i < ROW_COUNT; i++)
        count += (mask & reason_bit(rows[i].reason)) != 0;
    return count;
}

bool reason_all_later(uint64_t mask)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if ((mask & reason_bit(rows[i].reason)) &&
            rows[i].class_ != REASON_LATER)
            return false;
    }
    return reason_first(mask) != REASON_NONE;
}

static void amount_add_text(uint64_t micro, struct buf *out)
{
    char text[AMOUNT_TEXT_MAX];
    amount_format(amount_micro(micro), text);
    buf_addf(out, "%s credits", text);
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
    }
}
