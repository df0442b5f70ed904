#include "sched/target.h"

#include <string.h>

#include "base/check.h"

#define DIGITS 9u /* of a part */

/* The number in parts, `shift` of its decimals being those of a per cent. */
static enum err read_parts(const char *text, size_t len, unsigned shift,
                           uint64_t *out)
{
    uint64_t value = 0;
    unsigned decimals = 0;
    bool point = false;
    bool digits = false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '.' && !point && digits) {
            point = true;
            continue;
        }
        if (text[i] < '0' || text[i] > '9' || decimals == DIGITS - shift ||
            value > TARGET_ONE)
            return ERR_PARSE;
        value = value * 10 + (uint64_t)(text[i] - '0');
        decimals += point;
        digits = true;
    }
    if (!digits || (point && decimals == 0))
        return ERR_PARSE;
    for (; decimals < DIGITS - shift; decimals++) {
        if (value > UINT64_MAX / 10)
            return ERR_RANGE;
        value *= 10;
    }
    *out = value;
    return OK;
}

enum err target_parse(const char *text, uint32_t *out_down_ppb)
{
    size_t len = strlen(text);
    unsigned shift = 0;
    uint64_t parts = 0;
    CHECK(out_down_ppb != NULL);
    if (len > 0 && text[len - 1] == '%') {
        len--;
        shift = 2;
    }
    TRY(read_parts(text, len, shift, &parts));
    if (parts == 0 || parts >= TARGET_ONE)
        return ERR_RANGE;
    *out_down_ppb = (uint32_t)(TARGET_ONE - parts);
    return OK;
}

void target_format(uint32_t down_ppb, struct buf *out)
{
    CHECK(down_ppb <= TARGET_ONE);
    uint32_t parts = TARGET_ONE - down_ppb;
    uint32_t whole = parts / (TARGET_ONE / 100);
    uint32_t rest = parts % (TARGET_ONE / 100);
    unsigned decimals = DIGITS - 2;
    while (decimals > 0 && rest % 10 == 0) {
        rest /= 10;
        decimals--;
    }
    if (decimals == 0)
        buf_addf(out, "%u%%", whole);
    else
        buf_addf(out, "%u.%0*u%%", whole, (int)decimals, rest);
}

void target_format_short(uint32_t down_ppb, struct buf *out)
{
    uint64_t unit = 1;
    while (down_ppb / unit >= 1000)
        unit *= 10;
    uint64_t rounded = (down_ppb + unit - 1) / unit * unit;
    target_format(rounded < TARGET_ONE ? (uint32_t)rounded : TARGET_ONE, out);
}
